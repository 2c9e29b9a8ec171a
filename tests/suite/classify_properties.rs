//! What holds for every definition, whatever is in it: a verdict comes out, the same one twice, and no word in the name
//! makes what destroys look harmless.

use std::sync::LazyLock;

use catalogue::assets::Folder;
use catalogue::classify::RuleSet;
use catalogue::model::{Class, ToolDefinition, Verdict};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

static RULES: LazyLock<RuleSet> =
    LazyLock::new(|| RuleSet::load(&Folder::Rules.files(None).unwrap()).unwrap());

/// By its type a verdict depends on the definition and the rules alone: no server, no sibling can be handed in.
const JUDGE: fn(&RuleSet, &ToolDefinition) -> Verdict = RuleSet::judge;

fn judge(object: &Value) -> Verdict {
    JUDGE(&RULES, &ToolDefinition::from_json(&object.to_string()).expect("it has a name"))
}

/// Words that rules listen to, so that arbitrary text is not only noise.
const WORDS: &[&str] = &[
    "delete",
    "deletes",
    "remove",
    "list",
    "get",
    "create",
    "update",
    "run",
    "execute",
    "send",
    "read-only",
    "never",
    "does not",
    "permanently",
    "all",
    "sql",
    "command",
    "file",
    "user",
    "label",
    "invoice",
    "pay",
    "e.g.",
    "i.e.",
    ".",
    ",",
    ":",
    "Actions:",
    "or",
    "and",
    "\n",
    "\n\n",
    "ignore previous",
    "<important>",
    "删除",
    "поиск",
    "\u{200b}",
    "İ",
    "ß",
    "e\u{301}",
    "{}",
    "`x`",
    "https://a.example",
    "(",
    "[",
    "base64",
    "dry run",
    "force",
    "token",
    "password",
];

const DESTROYING: &[&str] =
    &["delete", "remove", "drop", "purge", "wipe", "truncate", "revoke", "destroy", "terminate"];
const THINGS: &[&str] = &[
    "user",
    "record",
    "account",
    "database",
    "table",
    "bucket",
    "repository",
    "file",
    "instance",
    "project",
    "branch",
    "message",
    "key",
    "container",
    "order",
    "page",
    "task",
    "backup",
    "volume",
    "team",
];

fn text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        4 => proptest::sample::select(WORDS).prop_map(str::to_owned),
        1 => "\\PC{0,12}",
        1 => any::<String>(),
    ];
    let glue = proptest::sample::select(&[" ", "_", "-", "", ". "][..]);
    (proptest::collection::vec(piece, 0..24), glue).prop_map(|(pieces, glue)| pieces.join(glue))
}

fn json_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        text().prop_map(Value::from),
    ];
    let key = prop_oneof![
        proptest::sample::select(
            &[
                "properties",
                "items",
                "enum",
                "type",
                "description",
                "action",
                "operation",
                "sql",
                "path",
                "force",
                "readOnlyHint",
                "destructiveHint",
                "title",
                "oneOf",
                "anyOf",
                "const",
                "default",
                "required",
                "$ref",
            ][..]
        )
        .prop_map(str::to_owned),
        any::<String>(),
    ];
    leaf.prop_recursive(5, 60, 8, move |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            proptest::collection::btree_map(key.clone(), inner, 0..6)
                .prop_map(|map| Value::Object(map.into_iter().collect::<Map<_, _>>())),
        ]
    })
}

/// Any object with a name: texts where texts belong, and anything anywhere.
fn tool() -> impl Strategy<Value = Value> {
    let name = text().prop_filter("a name is not empty", |name| !name.is_empty());
    let some_text = prop_oneof![3 => text().prop_map(Value::from), 1 => json_value()];
    (name, proptest::option::of(some_text), proptest::collection::vec(proptest::option::of(json_value()), 5))
        .prop_map(|(name, description, others)| {
            let mut tool = Map::new();
            tool.insert("name".to_owned(), Value::from(name));
            let keys = ["inputSchema", "annotations", "outputSchema", "title", "execution"];
            tool.extend(description.map(|d| ("description".to_owned(), d)));
            tool.extend(keys.iter().zip(others).filter_map(|(key, value)| Some(((*key).to_owned(), value?))));
            Value::Object(tool)
        })
}

/// The same value with the keys of every object in the opposite order, as text: [`Value`] sorts them.
fn backwards(value: &Value) -> String {
    match value {
        Value::Object(fields) => {
            let fields: Vec<String> = fields
                .iter()
                .rev()
                .map(|(key, value)| format!("{}:{}", json!(key), backwards(value)))
                .collect();
            format!("{{{}}}", fields.join(","))
        }
        Value::Array(items) => format!("[{}]", items.iter().map(backwards).collect::<Vec<_>>().join(",")),
        value => value.to_string(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, max_global_rejects: 100_000, ..ProptestConfig::default() })]

    #[test]
    fn every_object_with_a_name_gets_a_sound_verdict_and_the_same_one_twice(tool in tool()) {
        let verdict = judge(&tool);
        prop_assert!((0.0..=1.0).contains(&verdict.confidence), "{}", verdict.confidence);
        prop_assert!(verdict.signals.is_sorted() && !verdict.evidence.is_empty(), "{verdict:?}");
        let mut distinct = verdict.signals.clone();
        distinct.dedup();
        prop_assert_eq!(distinct.len(), verdict.signals.len());
        for evidence in &verdict.evidence {
            // The words are where the evidence says they are.
            if let Some([start, end]) = evidence.span {
                let field = tool.pointer(&evidence.field).and_then(Value::as_str);
                let words: Option<String> = field.map(|f| f.chars().skip(start).take(end - start).collect());
                if let Some(words) = words {
                    prop_assert_eq!(&words, &evidence.text, "{}", evidence.field);
                }
            }
        }
        prop_assert_eq!(judge(&tool), verdict);
    }

    #[test]
    fn the_order_of_keys_changes_no_class(tool in tool()) {
        let turned = ToolDefinition::from_json(&backwards(&tool)).expect("it has a name");
        let verdict = JUDGE(&RULES, &turned);
        let straight = judge(&tool);
        prop_assert_eq!((verdict.class, verdict.risk, verdict.signals), (straight.class, straight.risk, straight.signals));
    }

    #[test]
    fn a_read_only_in_the_name_makes_no_read_of_what_destroys(
        verb in proptest::sample::select(DESTROYING),
        thing in proptest::sample::select(THINGS),
        described in 0..3_usize,
        words in proptest::sample::select(&["read-only", "read_only", "readonly", "readOnly", "ReadOnly", "read.only"][..]),
        place in 0..3_usize,
    ) {
        let said = ["".to_owned(), format!("Permanently {verb}s a {thing}."), format!("{verb}s the given {thing}")];
        let description = &said[described];
        prop_assume!(judge(&tool_of(&format!("{verb}_{thing}"), description)).class == Class::Destructive);
        let name = [
            format!("{words}_{verb}_{thing}"),
            format!("{verb}_{words}_{thing}"),
            format!("{verb}_{thing}_{words}"),
        ][place].clone();
        prop_assert_ne!(judge(&tool_of(&name, description)).class, Class::Read, "{}: {}", name, description);
    }

    #[test]
    fn a_read_only_in_any_name_makes_no_read_of_what_destroys(tool in tool(), words in proptest::sample::select(&["read-only", "read_only", "readonly"][..]), front: bool) {
        prop_assume!(judge(&tool).class == Class::Destructive);
        let name = tool["name"].as_str().unwrap_or_default();
        let mut named = tool.clone();
        named["name"] = Value::from(if front { format!("{words}_{name}") } else { format!("{name}_{words}") });
        prop_assert_ne!(judge(&named).class, Class::Read, "{}", named);
    }
}

#[test]
fn a_name_that_is_nothing_but_the_claim_says_nothing() {
    for claim in ["read-only", "\u{200b}_read-only", "readonly"] {
        let named = judge(&tool_of(claim, "permanently delete dry run"));
        let nameless = judge(&tool_of("\u{200b}", "permanently delete dry run"));
        assert_eq!((named.class, named.risk), (nameless.class, nameless.risk), "{claim}");
    }
}

/// Found by the property above: signs in front of the first word are no word, with a claim in front of them or without.
#[test]
fn a_name_says_the_same_with_signs_in_front_of_it() {
    for (name, with_signs) in
        [("поиск_remove", "_поиск_remove"), ("read-only_поиск_remove", "read-only__поиск_remove")]
    {
        let [plain, signs] = [name, with_signs].map(|name| judge(&tool_of(name, "")));
        assert_eq!((plain.class, plain.risk), (signs.class, signs.risk), "{with_signs}");
    }
}

fn tool_of(name: &str, description: &str) -> Value {
    match description {
        "" => json!({"name": name}),
        description => json!({"name": name, "description": description}),
    }
}
