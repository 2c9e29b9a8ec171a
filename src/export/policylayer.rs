//! policy.json, version 1: the document of the hosted gateway.
//!
//! No schema and no validator of it are public, so only the shapes seen are written (research/policylayer.md section
//! 2.2): `{}`, `limits` of scope `grant`, `deny_if` with empty conditions, `hide`. It has no approval, so a tool that a
//! person should decide about is denied and says so.

mod validate;

use std::collections::BTreeMap;

use serde::Serialize;

use super::{
    Action, EffectiveRule, ExportError, Exporter, Reason, by_name, json, messages, read_back, recommended,
};
use crate::model::digest::sha256_hex;
use crate::policy::{ServerPolicy, ToolPolicy, Window};

/// The table's entry.
pub(super) const EXPORTER: Exporter = Exporter {
    id: "policylayer",
    title: "PolicyLayer",
    file_name: "policy.json",
    language: "json",
    limits: true,
    hides: true,
    asks: false,
    write,
    validate: validate::validate,
    effective,
};

pub(super) use validate::decisions;

#[derive(Serialize)]
struct Document<'a> {
    version: &'static str,
    default: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    hide: Vec<&'a str>,
    tools: BTreeMap<&'a str, Tool>,
}

#[derive(Serialize, Default)]
struct Tool {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    deny_if: Vec<Deny>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    limits: Vec<Limit>,
}

#[derive(Serialize)]
struct Deny {
    conditions: [(); 0],
    on_deny: &'static str,
}

#[derive(Serialize)]
struct Limit {
    counter: String,
    window: Window,
    max: u32,
    scope: &'static str,
}

/// The gateway's source is not public: a name with `*` anywhere might be read as a pattern, so it is never written.
fn effective(policy: &ToolPolicy) -> EffectiveRule {
    if policy.tool.is_blank() {
        return EffectiveRule::left_out(Reason::BlankName);
    }
    if policy.tool.raw().contains('*') {
        return EffectiveRule::left_out(Reason::WildcardName);
    }
    recommended(policy.rule)
}

fn write(policy: &ServerPolicy) -> Result<String, ExportError> {
    let mut document = Document { version: "1", default: "deny", hide: vec![], tools: BTreeMap::new() };
    let mut counters: BTreeMap<String, &str> = BTreeMap::new();
    for (name, tool) in by_name(policy)? {
        let effective = effective(tool);
        if !effective.named {
            continue;
        }
        match effective.action {
            Action::Allowed => {
                document.tools.insert(name, Tool::default());
            }
            Action::Limited { max, window } => {
                let mut counter = counter(name, window);
                if counters.contains_key(&counter) {
                    counter = marked(name, window);
                }
                counters.insert(counter.clone(), name);
                let limits = vec![Limit { counter, window, max, scope: "grant" }];
                document.tools.insert(name, Tool { deny_if: vec![], limits });
            }
            Action::Denied => {
                let deny = Deny { conditions: [], on_deny: messages::ASK };
                document.tools.insert(name, Tool { deny_if: vec![deny], limits: vec![] });
            }
            Action::Hidden => document.hide.push(name),
        }
    }
    read_back(&EXPORTER, policy, json::document(&document))
}

/// `create_issue_per_minute`: lower case with dots kept, as seen. A name that cannot be spelled so carries its hash.
fn counter(name: &str, window: Window) -> String {
    let lower = name.to_ascii_lowercase();
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '_' | '-' | '.');
    if lower.len() <= 128 && lower.chars().all(plain) {
        format!("{lower}_per_{}", window.as_str())
    } else {
        marked(name, window)
    }
}

/// Two names that are equal in lower case must not share a quota.
fn marked(name: &str, window: Window) -> String {
    let hash: String = sha256_hex(name.as_bytes()).chars().take(12).collect();
    format!("tool_{hash}_per_{}", window.as_str())
}
