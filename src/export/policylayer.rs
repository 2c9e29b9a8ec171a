//! policy.json, version 1: the document of the hosted gateway.
//!
//! No schema and no validator of it are public, so only the shapes seen are written (research/policylayer.md section
//! 2.2): `{}`, `limits` of scope `grant`, `deny_if`, `hide`. It has no approval, so a tool that a
//! person should decide about is hidden. A condition of `deny_if` that looks at a missing argument does not hold.

mod read;
mod validate;

use std::collections::BTreeMap;

use serde::Serialize;

use super::operators::expressible;
use super::plan::Plan;
use super::{Can, EffectiveRule, Exporter, Form, Reason, any_key, json, messages};
use crate::model::digest::sha256_hex;
use crate::policy::{ArgumentRule, Check, Rule, Scalar, ToolPolicy, Window};

/// The table's entry.
pub(super) const EXPORTER: Exporter = Exporter {
    id: "policylayer",
    title: "PolicyLayer",
    file_name: "policy.json",
    language: "json",
    can: Can {
        limit: true,
        ask: false,
        deny: true,
        hide: true,
        arguments: true,
        deny_by_default: true,
        several: false,
    },
    on_pages: true,
    advisory: false,
    strict_refuses: false,
    asking_hides: true,
    believes_hints: false,
    tried_with: "its published pages; nothing of it can be run",
    notes: &[],
    form: Form::Raw,
    key_fault: any_key,
    exact,
    write,
    validate: validate::validate,
    read: read::read,
};

#[derive(Serialize)]
struct Document<'a> {
    version: &'static str,
    default: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    hide: Vec<&'a str>,
    tools: BTreeMap<&'a str, Tool<'a>>,
}

#[derive(Serialize, Default)]
struct Tool<'a> {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    deny_if: Vec<Deny<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    limits: Vec<Limit>,
}

#[derive(Serialize)]
struct Deny<'a> {
    conditions: Vec<Condition<'a>>,
    on_deny: &'static str,
}

#[derive(Serialize)]
struct Condition<'a> {
    path: String,
    op: &'static str,
    value: ConditionValue<'a>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum ConditionValue<'a> {
    Bool(bool),
    Number(Scalar),
    List(&'a [Scalar]),
}

#[derive(Serialize)]
struct Limit {
    counter: String,
    window: Window,
    max: u32,
    scope: &'static str,
}

/// The gateway's source is not public: a name with `*` anywhere might be read as a pattern, so it is never written.
fn exact(_: &str, policy: &ToolPolicy, effective: EffectiveRule) -> EffectiveRule {
    if policy.tool.is_blank() {
        return EffectiveRule::left_out(Reason::BlankName);
    }
    if policy.tool.raw().contains('*') {
        return EffectiveRule::left_out(Reason::WildcardName);
    }
    // `gt` is no true word about what is no number: denied is only what compares, and a text would slip through.
    let sayable = |rule: &ArgumentRule| expressible(rule) && !matches!(rule.check, Check::BeAtMost { .. });
    match effective.rule {
        Rule::Allow | Rule::Limit { .. } if policy.arguments.iter().all(sayable) => effective,
        Rule::Allow | Rule::Limit { .. } => {
            EffectiveRule { arguments: false, ..effective }.instead(Rule::Hide, Reason::NoArguments)
        }
        _ => EffectiveRule { arguments: false, ..effective },
    }
}

fn write(plan: &Plan<'_>) -> String {
    let mut document = Document { version: "1", default: "deny", hide: vec![], tools: BTreeMap::new() };
    let mut counters: BTreeMap<String, &str> = BTreeMap::new();
    let Some(server) = plan.servers.first() else { return String::new() };
    for tool in server.tools.iter().filter(|t| t.effective.named) {
        let name = tool.policy.tool.raw();
        let mut entry = Tool::default();
        match tool.effective.rule {
            Rule::Hide => {
                document.hide.push(name);
                continue;
            }
            Rule::Ask | Rule::Deny => {
                entry.deny_if.push(Deny { conditions: vec![], on_deny: messages::DENIED });
            }
            Rule::Allow => {}
            Rule::Limit { max, window } => {
                let mut counter = counter(name, window);
                if counters.contains_key(&counter) {
                    counter = marked(name, window);
                }
                counters.insert(counter.clone(), name);
                entry.limits.push(Limit { counter, window, max, scope: "grant" });
            }
        }
        if tool.effective.arguments {
            let conditions = tool.policy.arguments.iter().map(condition);
            entry
                .deny_if
                .extend(conditions.map(|c| Deny { conditions: vec![c], on_deny: messages::ARGUMENTS }));
        }
        document.tools.insert(name, entry);
    }
    json::document(&document)
}

/// What a call is refused for: the contrary of the rule.
fn condition(rule: &ArgumentRule) -> Condition<'_> {
    let (op, value) = match &rule.check {
        Check::BePresent => ("exists", ConditionValue::Bool(false)),
        Check::BeAtMost { max } => ("gt", ConditionValue::Number(Scalar::Number(*max))),
        Check::BeOneOf { values } => ("not_in", ConditionValue::List(values)),
        Check::Be { value, .. } => ("neq", ConditionValue::Bool(*value)),
    };
    Condition { path: format!("args.{}", rule.argument), op, value }
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
