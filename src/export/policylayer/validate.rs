//! The strict validator of policy.json: the members and shapes that were seen, nothing else.
//!
//! There is no public schema (research/policylayer.md section 2.2). What was described but never seen in full
//! (`require`, conditions on arguments, `all_tools`) is checked as far as it was described and warned about.

use crate::export::operators::{OPERATORS, wrong_value};
use std::collections::{BTreeMap, BTreeSet};

use super::super::Finding;
use super::super::node::{Findings, Kind, Node, from_json, join};
use crate::policy::Window;

/// Every error and warning, in the order of the document.
pub(super) fn validate(text: &str) -> Vec<Finding> {
    match from_json(text) {
        Ok(root) => check(&root).sorted(),
        Err(finding) => vec![finding],
    }
}

fn check(root: &Node) -> Findings {
    let mut findings = Findings::default();
    let Some(fields) = root.as_map() else {
        findings.error("", root, format!("a policy is an object, this is {}", root.what()));
        return findings;
    };
    findings.unknown_keys("", fields, &["version", "default", "hide", "all_tools", "tools"]);
    if root.get("version").and_then(Node::as_text) != Some("1") {
        findings.error("version", root.get("version").unwrap_or(root), "must be \"1\", a text");
    }
    if !matches!(root.get("default").and_then(Node::as_text), Some("allow" | "deny")) {
        findings.error("default", root.get("default").unwrap_or(root), "must be \"allow\" or \"deny\"");
    }
    let hidden = root.get("hide").map(|hide| check_hide(hide, &mut findings)).unwrap_or_default();
    if let Some(all) = root.get("all_tools") {
        match all.as_map() {
            None => findings.error("all_tools", all, format!("must be an object, this is {}", all.what())),
            Some(fields) => {
                findings.unknown_keys("all_tools", fields, &["limits"]);
                if let Some(limits) = all.get("limits") {
                    check_limits("all_tools.limits", limits, &mut BTreeMap::new(), &mut findings);
                }
            }
        }
    }
    match root.get("tools").map(|tools| (tools, tools.as_map())) {
        None => findings.warning("tools", root, "missing, so no tool has a rule"),
        Some((tools, None)) => {
            findings.error("tools", tools, format!("must be an object, this is {}", tools.what()));
        }
        Some((_, Some(entries))) => {
            let mut counters = BTreeMap::new();
            for (name, tool) in entries {
                let path = join("tools", &name.text);
                if name.text.trim().is_empty() {
                    findings.error(&path, tool, "a tool's name must not be empty");
                }
                if name.text.contains('*') {
                    let message = "a name with * may be read as a pattern; leave it to the default";
                    findings.error(&path, tool, message);
                }
                if hidden.contains(name.text.as_str()) {
                    findings.warning(&path, tool, "never reached: the tool is hidden");
                }
                check_tool(&path, tool, &mut counters, &mut findings);
            }
        }
    }
    findings
}

fn check_hide<'a>(hide: &'a Node, findings: &mut Findings) -> BTreeSet<&'a str> {
    let mut seen = BTreeSet::new();
    let Some(items) = hide.as_list() else {
        findings.error("hide", hide, format!("must be a list of names, this is {}", hide.what()));
        return seen;
    };
    for (i, item) in items.iter().enumerate() {
        let path = format!("hide[{i}]");
        match item.as_text() {
            None => findings.error(&path, item, format!("must be a name, this is {}", item.what())),
            Some(name) if name.trim().is_empty() => findings.error(&path, item, "must not be empty"),
            Some(name) if !seen.insert(name) => {
                findings.error(&path, item, "names a tool that is hidden already")
            }
            Some("*") => findings.warning(&path, item, "hides every tool"),
            Some(_) => {}
        }
    }
    seen
}

fn check_tool(path: &str, tool: &Node, counters: &mut BTreeMap<String, String>, findings: &mut Findings) {
    let Some(fields) = tool.as_map() else {
        return findings.error(path, tool, format!("must be an object, this is {}", tool.what()));
    };
    findings.unknown_keys(path, fields, &["require", "deny_if", "limits"]);
    for key in ["require", "deny_if"] {
        if let Some(list) = tool.get(key) {
            check_predicates(&join(path, key), key, list, findings);
        }
    }
    if let Some(limits) = tool.get("limits") {
        check_limits(&join(path, "limits"), limits, counters, findings);
    }
}

fn check_predicates(path: &str, key: &str, list: &Node, findings: &mut Findings) {
    let Some(items) = list.as_list() else {
        return findings.error(path, list, format!("must be a list, this is {}", list.what()));
    };
    for (i, item) in items.iter().enumerate() {
        let path = format!("{path}[{i}]");
        let Some(fields) = item.as_map() else {
            findings.error(&path, item, format!("must be an object, this is {}", item.what()));
            continue;
        };
        findings.unknown_keys(&path, fields, &["conditions", "on_deny"]);
        if let Some(node) = item.get("on_deny").filter(|n| n.as_text().is_none()) {
            findings.error(&join(&path, "on_deny"), node, format!("must be a text, this is {}", node.what()));
        }
        match item.get("conditions").map(|c| (c, c.as_list())) {
            Some((node, Some([]))) if key == "require" => {
                findings.error(
                    &join(&path, "conditions"),
                    node,
                    "require without conditions requires nothing",
                );
            }
            Some((_, Some(conditions))) => {
                for (j, condition) in conditions.iter().enumerate() {
                    check_condition(&format!("{path}.conditions[{j}]"), condition, findings);
                }
            }
            Some((node, None)) => findings.error(&join(&path, "conditions"), node, "must be a list"),
            None => findings.error(&path, item, "conditions is missing; [] denies every call"),
        }
    }
}

fn check_condition(path: &str, condition: &Node, findings: &mut Findings) {
    let Some(fields) = condition.as_map() else {
        return findings.error(path, condition, format!("must be an object, this is {}", condition.what()));
    };
    findings.unknown_keys(path, fields, &["path", "op", "value"]);
    let target = condition.get("path").and_then(Node::as_text).unwrap_or_default();
    if target.strip_prefix("args.").is_none_or(str::is_empty) {
        findings.error(&join(path, "path"), condition, "must begin with args.");
    }
    let op = condition.get("op").and_then(Node::as_text).unwrap_or_default();
    if !OPERATORS.contains(&op) {
        let message = format!("unknown operator {op:?}; known are {}", OPERATORS.join(", "));
        findings.error(&join(path, "op"), condition, message);
    }
    match condition.get("value") {
        None => findings.error(path, condition, "value is missing"),
        Some(value) => {
            if let Some(message) = wrong_value(op, &value.kind) {
                findings.error(&join(path, "value"), value, message);
            }
        }
    }
}

fn check_limits(path: &str, limits: &Node, counters: &mut BTreeMap<String, String>, findings: &mut Findings) {
    let Some(items) = limits.as_list() else {
        return findings.error(path, limits, format!("must be a list, this is {}", limits.what()));
    };
    for (i, limit) in items.iter().enumerate() {
        let path = format!("{path}[{i}]");
        let Some(fields) = limit.as_map() else {
            findings.error(&path, limit, format!("must be an object, this is {}", limit.what()));
            continue;
        };
        findings.unknown_keys(&path, fields, &["counter", "window", "max", "scope"]);
        match limit.get("counter").and_then(Node::as_text).filter(|c| !c.trim().is_empty()) {
            None => findings.error(&join(&path, "counter"), limit, "must be a text that is not empty"),
            Some(counter) => {
                if let Some(first) = counters.insert(counter.to_owned(), path.clone()) {
                    findings.warning(
                        &join(&path, "counter"),
                        limit,
                        format!("shares its quota with {first}"),
                    );
                }
            }
        }
        let window = limit.get("window");
        if window.and_then(Node::as_text).and_then(parse_window).is_none() {
            findings.error(&join(&path, "window"), window.unwrap_or(limit), "must be minute, hour or day");
        }
        let max = limit.get("max");
        if max.and_then(whole_from_one).is_none() {
            findings.error(&join(&path, "max"), max.unwrap_or(limit), "must be a whole number from 1");
        }
        let scope = limit.get("scope");
        if scope.and_then(Node::as_text) != Some("grant") {
            let message = "must be \"grant\", the only scope whose meaning is published";
            findings.error(&join(&path, "scope"), scope.unwrap_or(limit), message);
        }
    }
}

pub(super) fn whole_from_one(node: &Node) -> Option<u32> {
    match node.kind {
        Kind::Number(n) if n.fract() == 0.0 && n >= 1.0 && n <= f64::from(u32::MAX) => Some(n as u32),
        _ => None,
    }
}

pub(super) fn parse_window(text: &str) -> Option<Window> {
    [Window::Minute, Window::Hour, Window::Day].into_iter().find(|w| w.as_str() == text)
}
