//! Changes that are named do what is said of them.

use serde_json::json;

use super::*;
use crate::assets::Folder;

fn rules() -> RuleSet {
    RuleSet::load(&Folder::Rules.files(None).unwrap()).unwrap()
}

fn tool(object: &Value) -> ToolDefinition {
    ToolDefinition::from_json(&object.to_string()).unwrap()
}

#[test]
fn the_change_that_is_named_gives_the_class_that_is_said() {
    let rules = rules();
    for (object, removed) in [
        (json!({"name": "delete_pear"}), Some(("/name", "delete"))),
        (json!({"name": "terminateinstance"}), Some(("/name", "terminate"))),
        (
            json!({"name": "manage_pear", "description": "Manage pears.",
                "inputSchema": {"properties": {"action": {"enum": ["list", "update", "delete"]}}}}),
            Some(("/inputSchema/properties/action/enum/2", "delete")),
        ),
        (json!({"name": "lösche_日本_delete", "title": "日本 löschen"}), Some(("/name", "delete"))),
        // Said in many words: no single piece, and perhaps no pair, gives another class.
        (
            json!({"name": "delete_pear_and_purge", "title": "Delete", "description": "Permanently deletes a pear. \
                This cannot be undone. Deletes all of it, irreversibly.",
                "inputSchema": {"properties": {"action": {"enum": ["delete", "purge"]}}}}),
            None,
        ),
    ] {
        let tool = tool(&object);
        let verdict = rules.judge(&tool);
        let found = rules.smallest_change(&tool, &verdict);
        match (&found.change, removed) {
            (Some(change), Some((field, text))) => {
                assert_eq!(change.removed.len(), 1, "{object}: {change:?}");
                assert_eq!(
                    (change.removed[0].field.as_str(), change.removed[0].text.as_str()),
                    (field, text)
                );
                let left = without(&tool, &change.removed).unwrap();
                let again = rules.judge(&left);
                assert_eq!(
                    (again.class, again.risk, again.confidence),
                    (change.class, change.risk, change.confidence)
                );
                assert_ne!(again.class, verdict.class);
            }
            (None, None) => assert!(found.singles > 10 && found.pairs > 0, "{found:?}"),
            (found, _) => panic!("{object}: {found:?}"),
        }
    }
}

#[test]
fn no_smaller_single_piece_gives_another_class() {
    let rules = rules();
    for object in [
        json!({"name": "purge_cache", "description": "Purges the cache of a site. Asks first."}),
        json!({"name": "run_report", "description": "Runs a report written as SQL.",
            "inputSchema": {"properties": {"sql": {}, "format": {"enum": ["csv"]}}}}),
        json!({"name": "pears", "description": "Sends pears to a friend."}),
    ] {
        let tool = tool(&object);
        let verdict = rules.judge(&tool);
        let found = rules.smallest_change(&tool, &verdict);
        let size = found.change.as_ref().map_or(usize::MAX, |c| c.removed.iter().map(|r| r.characters).sum());
        let mut every = pieces::of_evidence(&tool, &verdict.evidence);
        pieces::of_definition(&tool, &mut every);
        assert!(every.len() > 3);
        for removal in every.iter().filter(|r| r.characters < size) {
            let left = without(&tool, std::slice::from_ref(removal)).unwrap();
            assert_eq!(rules.judge(&left).class, verdict.class, "{object}: {removal:?}");
        }
    }
}

#[test]
fn pieces_come_out_whole_and_leave_the_rest_where_it_was() {
    let tool = tool(
        &json!({"name": "é_delete", "inputSchema": {"properties": {"a/b": {"enum": ["x", "y", "z"]}, "c": {}}},
        "annotations": {"readOnlyHint": true}}),
    );
    let removal = |piece, field: &str, span| Removal {
        piece,
        field: field.to_owned(),
        span,
        text: String::new(),
        characters: 0,
    };
    let left = without(
        &tool,
        &[
            removal(Piece::Parameter, "/inputSchema/properties/c", None),
            removal(Piece::ListedValue, "/inputSchema/properties/a~1b/enum/0", None),
            removal(Piece::ListedValue, "/inputSchema/properties/a~1b/enum/2", None),
            removal(Piece::Words, "/name", Some([2, 5])),
            removal(Piece::Hint, "/annotations/readOnlyHint", None),
        ],
    )
    .unwrap();
    let expected = json!({"name": "é_   ete", "inputSchema": {"properties": {"a/b": {"enum": ["y"]}}}, "annotations": {}});
    assert_eq!(left.object(), &expected);
    assert!(without(&left, &[removal(Piece::Hint, "/annotations/readOnlyHint", None)]).is_none());
    assert!(
        without(&left, &[removal(Piece::ListedValue, "/inputSchema/properties/a~1b/enum/7", None)]).is_none()
    );
}

#[test]
fn hints_agree_contradict_claim_more_or_say_nothing() {
    use HintStanding::*;
    for (hints, class, expected) in [
        (json!({"readOnlyHint": true, "destructiveHint": false}), Class::Read, vec![Agrees, NoBearing]),
        (json!({"readOnlyHint": true}), Class::Destructive, vec![Contradicts]),
        (json!({"readOnlyHint": false, "destructiveHint": true}), Class::Read, vec![ClaimsMore, Contradicts]),
        (json!({"destructiveHint": true}), Class::Write, vec![ClaimsMore]),
        (
            json!({"destructiveHint": false, "openWorldHint": true}),
            Class::Destructive,
            vec![Contradicts, NoBearing],
        ),
        (json!({"destructiveHint": "true", "readOnlyHint": null}), Class::Read, vec![]),
    ] {
        let tool = tool(&json!({"name": "x", "annotations": hints.clone()}));
        let found: Vec<HintStanding> = stated_hints(&tool, class).iter().map(|h| h.standing).collect();
        assert_eq!(found, expected, "{hints} {class}");
    }
}

#[test]
fn a_definition_made_to_hurt_is_explained_in_bounded_time() {
    let rules = rules();
    let properties: serde_json::Map<String, Value> =
        (0..2_000).map(|i| (format!("p{i}"), json!({"enum": ["delete", "run"]}))).collect();
    let object = json!({"name": "delete_".repeat(2_000), "description": "Deletes. Runs any code, ".repeat(5_000),
        "inputSchema": {"properties": properties}});
    let tool = tool(&object);
    let verdict = rules.judge(&tool);
    let found = rules.smallest_change(&tool, &verdict);
    assert!(found.singles <= 400 && found.pairs <= 45, "{} {}", found.singles, found.pairs);
}
