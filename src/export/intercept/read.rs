//! An Intercept policy as the proxy reads it: hide, then the default, then the tool's rules in order, then those of `*`.

use std::collections::BTreeSet;

use serde_json::Value;

use super::super::node::{Node, from_yaml, join};
use super::super::operators::holds;
use super::super::{Level, Named, Reading};
use super::validate::{parse_limit, validate};
use crate::policy::{Decided, Rule};

/// The document as the proxy reads it; None if it has errors, counters of its own or operators not known here.
pub(super) fn read(text: &str) -> Option<Reading> {
    if validate(text).iter().any(|f| f.level == Level::Error) {
        return None;
    }
    let root = from_yaml(text).ok()?;
    let mut names = Vec::new();
    let mut hidden = BTreeSet::new();
    let named = |name: &str, path: String, line, column| Named {
        key: None,
        name: name.to_owned(),
        path,
        line,
        column,
    };
    for (i, item) in root.get("hide").and_then(Node::as_list).unwrap_or_default().iter().enumerate() {
        let name = item.as_text()?;
        hidden.insert(name.to_owned());
        names.push(named(name, format!("hide[{i}]"), item.line, item.column));
    }
    for (key, tool) in root.get("tools").and_then(Node::as_map).unwrap_or_default() {
        names.push(named(&key.text, join("tools", &key.text), key.line, key.column));
        for rule in tool.get("rules").and_then(Node::as_list).unwrap_or_default() {
            decided(rule, None)?;
        }
    }
    names.retain(|n| n.name != "*");
    let open = root.get("default").and_then(Node::as_text) != Some("deny");
    Some(Reading::new(Vec::new(), names, move |_, tool, arguments| {
        if hidden.contains("*") || hidden.contains(tool) {
            return Decided::new(Rule::Hide, "hide");
        }
        let rules = |name: &str| {
            root.get("tools")
                .and_then(|t| t.get(name))
                .map(|t| t.get("rules").and_then(Node::as_list).unwrap_or_default())
        };
        // The key * is every call: a tool that is itself called so cannot be addressed.
        let own = if tool == "*" { None } else { rules(tool) };
        if own.is_none() && !open {
            return Decided::new(Rule::Deny, "default: deny");
        }
        let by = if own.is_some() { join("tools", tool) } else { "default: allow".to_owned() };
        let mut result = Decided::new(Rule::Allow, by);
        for (name, rules) in [(tool, own), ("*", rules("*"))] {
            for (i, rule) in rules.unwrap_or_default().iter().enumerate() {
                let rule = decided(rule, arguments).flatten().unwrap_or(Rule::Allow);
                if rule.strictness() > result.rule.strictness() {
                    result = Decided::new(rule, format!("{}.rules[{i}]", join("tools", name)));
                }
            }
        }
        result
    }))
}

/// What one rule makes of a call: nothing said, a limit, a refusal. The outer None is a rule that is not known here.
fn decided(rule: &Node, arguments: Option<&Value>) -> Option<Option<Rule>> {
    if rule.get("state").is_some() {
        return None;
    }
    if rule.get("action").and_then(Node::as_text) == Some("deny") {
        return Some(Some(Rule::Deny));
    }
    if let Some(limit) = rule.get("rate_limit").and_then(Node::as_text) {
        let (max, window) = parse_limit(limit).ok()?;
        return Some(Some(Rule::Limit { max, window }));
    }
    let conditions = rule.get("conditions").and_then(Node::as_list)?;
    let mut refused = false;
    for condition in conditions {
        // Without arguments the rule of the tool is asked for, not a call.
        refused |= !holds(condition, arguments)? && arguments.is_some();
    }
    Some(refused.then_some(Rule::Deny))
}
