//! The rule set as a whole: its examples, its evidence, its speed, its figures.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::*;
use crate::assets::Folder;
use crate::model::{Class, Signal};

/// From disk, so that a changed rule needs no new build.
fn rules() -> RuleSet {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("rules");
    match RuleSet::load(&Folder::Rules.files(Some(&root)).unwrap()) {
        Ok(rules) => rules,
        Err(error) => panic!("{error}"),
    }
}

fn tool(object: &Value) -> ToolDefinition {
    ToolDefinition::from_json(&object.to_string()).unwrap()
}

fn judge(object: Value) -> Verdict {
    rules().judge(&tool(&object))
}

#[test]
fn every_example_of_every_rule_goes_as_written() {
    let failures = rules().failing_examples();
    assert!(failures.is_empty(), "{failures:#?}");
}

/// Verdicts for the rows of LABELS, as JSON lines at OUT.
#[test]
#[ignore = "writes verdicts for the scorer: LABELS=gold.jsonl OUT=verdicts.jsonl"]
fn dump_verdicts() {
    let (labels, out) = (std::env::var("LABELS").unwrap(), std::env::var("OUT").unwrap());
    let rules = rules();
    let mut lines = String::new();
    for line in fs_err::read_to_string(labels).unwrap().lines().filter(|l| !l.trim().is_empty()) {
        let row: Value = serde_json::from_str(line).unwrap();
        let verdict = rules.judge(&row_tool(&row, std::env::var("HINTS").is_ok()));
        let line = json!({
            "id": row["id"], "class": verdict.class, "risk": verdict.risk, "signals": verdict.signals,
            "confidence": verdict.confidence, "needs_review": verdict.needs_review, "evidence": verdict.evidence,
        });
        lines.push_str(&format!("{line}\n"));
    }
    fs_err::write(out, lines).unwrap();
}

/// A labelled row's definition, as a server would have sent it.
fn row_tool(row: &Value, hide_hints: bool) -> ToolDefinition {
    let mut object = serde_json::Map::new();
    for key in ["name", "title", "description", "inputSchema", "annotations"] {
        let value = &row[key];
        if !value.is_null() && !(hide_hints && key == "annotations") {
            object.insert(key.to_owned(), value.clone());
        }
    }
    ToolDefinition::from_json(&Value::Object(object).to_string()).unwrap()
}
