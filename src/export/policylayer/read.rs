//! A policy.json as the gateway reads it: hide, then what denies, then the quotas, then the default.

use std::collections::BTreeSet;

use super::super::node::{Node, from_json, join};
use super::super::operators::holds;
use super::super::{Level, Named, Reading};
use super::validate::{parse_window, validate, whole_from_one};
use crate::policy::{Decided, Rule};

/// The document as the gateway reads it; None if it has errors or members whose meaning is not known.
pub(super) fn read(text: &str) -> Option<Reading> {
    if validate(text).iter().any(|f| f.level == Level::Error) {
        return None;
    }
    let root = from_json(text).ok()?;
    if root.get("all_tools").is_some() {
        return None;
    }
    let mut names = Vec::new();
    let mut hidden = BTreeSet::new();
    let named = |name: &str, path: String, at: &Node| Named {
        key: None,
        name: name.to_owned(),
        path,
        line: at.line,
        column: at.column,
    };
    for (i, item) in root.get("hide").and_then(Node::as_list).unwrap_or_default().iter().enumerate() {
        let name = item.as_text()?;
        hidden.insert(name.to_owned());
        names.push(named(name, format!("hide[{i}]"), item));
    }
    for (key, tool) in root.get("tools").and_then(Node::as_map).unwrap_or_default() {
        names.push(named(&key.text, join("tools", &key.text), tool));
        if tool.get("require").is_some()
            || tool.get("limits").and_then(Node::as_list).is_some_and(|l| l.len() > 1)
        {
            return None;
        }
        for deny in tool.get("deny_if").and_then(Node::as_list).unwrap_or_default() {
            for condition in deny.get("conditions").and_then(Node::as_list)? {
                holds(condition, None)?;
            }
        }
    }
    names.retain(|n| n.name != "*");
    let open = root.get("default").and_then(Node::as_text) != Some("deny");
    Some(Reading::new(Vec::new(), names, move |_, tool, arguments| {
        if hidden.contains("*") || hidden.contains(tool) {
            return Decided::new(Rule::Hide, "hide");
        }
        let Some(entry) = root.get("tools").and_then(|t| t.get(tool)) else {
            return if open {
                Decided::new(Rule::Allow, "default: allow")
            } else {
                Decided::new(Rule::Deny, "default: deny")
            };
        };
        let path = join("tools", tool);
        for (i, deny) in entry.get("deny_if").and_then(Node::as_list).unwrap_or_default().iter().enumerate() {
            let conditions = deny.get("conditions").and_then(Node::as_list).unwrap_or_default();
            let all = conditions.iter().all(|c| holds(c, arguments).unwrap_or(true));
            // Without arguments the rule of the tool is asked for, not a call.
            if all && (conditions.is_empty() || arguments.is_some()) {
                return Decided::new(Rule::Deny, format!("{path}.deny_if[{i}]"));
            }
        }
        let limit = entry.get("limits").and_then(Node::as_list).and_then(|limits| limits.first());
        let limit = limit.and_then(|limit| {
            let window = limit.get("window").and_then(Node::as_text).and_then(parse_window)?;
            Some(Rule::Limit { max: limit.get("max").and_then(whole_from_one)?, window })
        });
        match limit {
            Some(rule) => Decided::new(rule, format!("{path}.limits[0]")),
            None => Decided::new(Rule::Allow, path),
        }
    }))
}
