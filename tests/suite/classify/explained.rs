//! `explain`: what people read, what programs read, and that foreign text stays harmless on the way.

use catalogue::store::Store;
use serde_json::{Value, json};

use super::{Place, Run};
use crate::sample;

fn seeded() -> Place {
    let place = Place::new();
    let mut store = Store::open(&place.path("var/catalogue.db")).unwrap();
    sample::seed(&mut store);
    place
}

fn explain(place: &Place, tool: &Value, args: &[&str]) -> Run {
    place.feed(&[&["explain", "--input", "-"], args].concat(), tool.to_string().as_bytes())
}

#[test]
fn a_stored_tool_is_explained_with_its_words_marked_its_hints_and_its_smallest_change() {
    let place = seeded();
    let run = place.run(&["explain", "npm:@orchard/ledger", "close_account"]);
    assert_eq!((run.code, run.err.as_str()), (0, ""), "{run:?}");
    for says in [
        "npm:@orchard/ledger 1.1.0  close_account\n",
        "destructive, risk critical, confidence ",
        "until catalogue classify has run",
        " destructive  ",
        "/name: «close",
        "destructiveHint is true: agrees",
        "the smallest change that would alter the class\n",
    ] {
        assert!(run.out.contains(says), "{says}: {}", run.out);
    }
    assert!(!run.out.contains("corrected") && !run.out.contains('\u{1b}'), "{}", run.out);
    assert_eq!(place.run(&["classify", "-q"]).code, 0);
    let run = place.run(&["explain", "npm:@orchard/ledger@1.1.0", "post_entry"]);
    assert!(run.out.contains("corrected\n  to destructive, risk critical"), "{}", run.out);
    assert!(
        run.out.contains("by a reviewer on 2026-03-01: a posted entry can only be countered"),
        "{}",
        run.out
    );
    assert!(!run.out.contains("until catalogue classify has run"), "{}", run.out);
    let old = place.run(&["explain", "npm:@orchard/ledger@1.0.0", "post_entry"]);
    assert!(old.code == 1 && old.err.contains("it has: list_accounts"), "{old:?}");
    let nobody = place.run(&["explain", "npm:nobody-knows", "x"]);
    assert!(nobody.code == 1 && nobody.err.contains("catalogue scan npm:nobody-knows"), "{nobody:?}");
    assert_eq!(place.run(&["explain", "npm:@orchard/ledger"]).code, 2);
    assert_eq!(place.run(&["explain", "no key at all", "x"]).code, 2);
}

/// The change is made by hand here, on the definition, and the program asked again.
#[test]
fn making_the_change_that_is_named_gives_the_class_that_is_promised() {
    let place = Place::new();
    let listed = json!({"name": "manage_pear", "description": "Manage pears.",
        "inputSchema": {"properties": {"action": {"enum": ["list", "update", "delete"]}}}});
    let row = explain(&place, &listed, &["--json"]).rows().remove(0);
    assert_eq!(row["class"], "destructive");
    let change = &row["smallest_change"]["change"];
    assert_eq!(change["removed"][0]["piece"], "listed-value");
    assert_eq!(change["removed"][0]["field"], "/inputSchema/properties/action/enum/2");
    let milder = json!({"name": "manage_pear", "description": "Manage pears.",
        "inputSchema": {"properties": {"action": {"enum": ["list", "update"]}}}});
    let promised = explain(&place, &milder, &["--json"]).rows().remove(0);
    for member in ["class", "risk", "confidence", "needs_review"] {
        assert_eq!(promised[member], change[member], "{member}");
    }
    assert_ne!(promised["class"], row["class"]);

    let said = json!({"name": "delete_pear_and_purge", "title": "Delete", "description": "Permanently deletes a pear. \
        This cannot be undone. Deletes all of it, irreversibly.", "inputSchema": {"properties": {"action": {"enum": ["delete", "purge"]}}}});
    let run = explain(&place, &said, &[]);
    assert!(run.out.contains("none was found"), "{}", run.out);
    assert!(!place.path("var").exists(), "a tool from a file needs no database");
}

#[test]
fn each_reason_names_its_rule_and_quotes_the_definition() {
    let place = Place::new();
    let tool = json!({"name": "send_pear", "description": "Sends a pear to somebody.", "annotations": {"readOnlyHint": true}});
    let row = explain(&place, &tool, &["--json"]).rows().remove(0);
    let evidence = row["evidence"].as_array().unwrap();
    assert!(evidence.len() > 2);
    for reason in evidence {
        for member in ["what", "why", "rule", "field"] {
            assert!(reason[member].as_str().is_some_and(|text| !text.is_empty()), "{reason}");
        }
        if let Some([start, end]) = reason["span"].as_array().map(Vec::as_slice) {
            let (start, end) = (start.as_u64().unwrap() as usize, end.as_u64().unwrap() as usize);
            let whole = tool.pointer(reason["field"].as_str().unwrap()).unwrap().as_str().unwrap();
            let cut: String = whole.chars().skip(start).take(end - start).collect();
            assert_eq!(reason["text"], cut.as_str());
        }
    }
    assert_eq!(row["hints"], json!([{"hint": "readOnlyHint", "value": true, "standing": "contradicts"}]));
}

#[test]
fn hostile_text_reaches_no_terminal() {
    let place = Place::new();
    let evil = "\u{1b}]0;owned\u{7}\u{202e}\r\n\u{9b}31m";
    let tool = json!({"name": format!("delete{evil}pear"), "title": evil, "description": format!("{evil}Deletes{evil} it"),
        "inputSchema": {"properties": {format!("sql{evil}"): {"description": evil}, "action": {"enum": [format!("purge{evil}")]}}}});
    let run = explain(&place, &tool, &[]);
    assert_eq!(run.code, 0, "{run:?}");
    for c in ['\u{1b}', '\u{7}', '\u{202e}', '\r', '\u{9b}'] {
        assert!(!run.out.contains(c), "{c:?}: {}", run.out);
    }
    assert!(run.out.contains("\\u{1b}"), "{}", run.out);
    let bad = place.feed(&["explain", "--input", "-"], b"{\"name\":\"a\"}\n{\"name\":\"b\"}\n");
    assert!(bad.code == 1 && bad.err.contains("not one tool as a JSON object"), "{bad:?}");
    let pretty = place.feed(&["explain", "--input", "-"], b"{\n  \"name\": \"get_pear\"\n}\n");
    assert!(pretty.code == 0 && pretty.out.starts_with("get_pear\n  read"), "{pretty:?}");
}
