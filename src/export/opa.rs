//! OPA: data keyed by server and tool for one fixed Rego module (`opa/policy.rego`). No rule is ever made of a name.
//!
//! Source: research/policy-targets.md section 2.5. The data is the neutral document below `catalogue`, so that nothing is
//! lost; OPA has no counter and asks nobody, so `allow` is true for allow only and a caller honours the rest.

use serde_json::Value;

use super::node::{Node, from_json};
use super::plan::Plan;
use super::{Can, Exporter, Finding, Form, Level, Reading, any_key, as_degraded, json, neutral};

/// The key that tells the form from others.
pub(super) const MARK: &str = "catalogue";

/// The fixed half.
pub const MODULE: &str = include_str!("opa/policy.rego");

/// The table's entry.
pub(super) const EXPORTER: Exporter = Exporter {
    id: "opa",
    title: "OPA",
    file_name: "data.json",
    language: "json",
    can: Can {
        limit: true,
        ask: true,
        deny: true,
        hide: true,
        arguments: true,
        deny_by_default: true,
        several: true,
    },
    on_pages: false,
    advisory: false,
    strict_refuses: false,
    asking_hides: false,
    believes_hints: false,
    tried_with: "Rego v1",
    notes: &[
        "Load it beside the fixed module (catalogue policy rego). \"allow\" is true for allow only: a caller has to honour ask and limit itself.",
    ],
    form: Form::Raw,
    key_fault: any_key,
    exact: as_degraded,
    write,
    validate,
    read,
};

fn write(plan: &Plan<'_>) -> String {
    let document: Value = serde_json::from_str(&neutral::text(plan)).expect("it was written by serde_json");
    json::document(&serde_json::json!({ MARK: document }))
}

fn inner(text: &str) -> Result<Node, Vec<Finding>> {
    let root = from_json(text).map_err(|finding| vec![finding])?;
    let mut findings = super::node::Findings::default();
    match root.as_map() {
        None => findings.error("", &root, "the data must be an object"),
        Some(fields) => findings.unknown_keys("", fields, &[MARK]),
    }
    match root.get(MARK) {
        Some(node) if findings.0.is_empty() => Ok(node.clone()),
        Some(_) => Err(findings.sorted()),
        None => {
            findings.error(MARK, &root, "missing: the module finds nothing and denies every call");
            Err(findings.sorted())
        }
    }
}

fn validate(text: &str) -> Vec<Finding> {
    match inner(text).and_then(|node| neutral::read_node(&node)) {
        Ok((_, findings)) | Err(findings) => findings,
    }
}

fn read(text: &str) -> Option<Reading> {
    if validate(text).iter().any(|f| f.level == Level::Error) {
        return None;
    }
    neutral::reading_of(&inner(text).ok()?)
}
