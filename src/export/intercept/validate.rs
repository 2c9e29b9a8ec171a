//! The strict validator: every error of Intercept's own validator, each with its place, and the typos it lets through.
//!
//! Source of the list: research/policylayer.md section 2.1. Beyond it: unknown keys, wrong types, defaults left open,
//! and the false "no matching state block" that Intercept gives for names with a dot.

use crate::export::operators::{OPERATORS, wrong_value};
use std::collections::{BTreeMap, BTreeSet};

use super::super::Finding;
use super::super::node::{Findings, Kind, Node, from_yaml, join};
use crate::policy::Window;

/// Every error and warning, in the order of the document.
pub(super) fn validate(text: &str) -> Vec<Finding> {
    match from_yaml(text) {
        Ok(root) => check(&root).sorted(),
        Err(finding) => vec![finding],
    }
}

fn check(root: &Node) -> Findings {
    let mut findings = Findings::default();
    let Some(fields) = root.as_map() else {
        findings.error("", root, format!("a policy is a map, this is {}", root.what()));
        return findings;
    };
    findings.unknown_keys("", fields, &["version", "description", "default", "hide", "tools"]);
    match root.get("version") {
        None => findings.error("version", root, "missing; write version: \"1\""),
        Some(node) if node.as_text() == Some("1") => {}
        Some(node) if node.kind == Kind::Number(1.0) => {
            findings.warning("version", node, "a number; it loads, write it quoted: \"1\"");
        }
        Some(node) => findings.error("version", node, "must be \"1\""),
    }
    if let Some(node) = root.get("description").filter(|n| n.as_text().is_none()) {
        findings.error("description", node, format!("must be a text, this is {}", node.what()));
    }
    match root.get("default") {
        None => findings.warning("default", root, "missing, so every tool that is not named is allowed"),
        Some(node) if matches!(node.as_text(), Some("allow" | "deny")) => {}
        Some(node) => findings.error("default", node, "must be allow or deny, in lower case"),
    }
    if let Some(hide) = root.get("hide") {
        check_hide(hide, &mut findings);
    }
    if let Some(tools) = root.get("tools") {
        check_tools(root, tools, &mut findings);
    } else {
        findings.warning("tools", root, "missing, so no tool has a rule");
    }
    findings
}

fn check_hide(hide: &Node, findings: &mut Findings) {
    let Some(items) = hide.as_list() else {
        return findings.error("hide", hide, format!("must be a list of names, this is {}", hide.what()));
    };
    let mut seen = BTreeSet::new();
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
}

fn check_tools(root: &Node, tools: &Node, findings: &mut Findings) {
    let Some(entries) = tools.as_map() else {
        return findings.error("tools", tools, format!("must be a map of names, this is {}", tools.what()));
    };
    let counters = counters(tools);
    for (name, tool) in entries {
        let path = join("tools", &name.text);
        if name.text == "*" && root.get("default").and_then(Node::as_text) == Some("deny") {
            findings.warning(
                &path,
                tool,
                "under default: deny these rules allow no tool that is not named itself",
            );
        }
        let Some(fields) = tool.as_map() else {
            findings.error(&path, tool, format!("must be a map with rules, this is {}", tool.what()));
            continue;
        };
        findings.unknown_keys(&path, fields, &["rules"]);
        let Some(rules) = tool.get("rules") else {
            findings.warning(&path, tool, "has no rules, which is the same as rules: []");
            continue;
        };
        let Some(rules_list) = rules.as_list() else {
            findings.error(&join(&path, "rules"), rules, format!("must be a list, this is {}", rules.what()));
            continue;
        };
        let mut check = ToolCheck { tool: &name.text, counters: &counters, seen: BTreeMap::new(), findings };
        for (i, rule) in rules_list.iter().enumerate() {
            check.rule(&format!("{path}.rules[{i}]"), rule);
        }
    }
}

/// The counters that rules define, by the scope their readers must name.
fn counters(tools: &Node) -> BTreeMap<String, BTreeSet<String>> {
    let mut counters: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (name, tool) in tools.as_map().unwrap_or_default() {
        let scope = if name.text == "*" { "_global" } else { name.text.as_str() };
        for rule in tool.get("rules").and_then(Node::as_list).unwrap_or_default() {
            let counter = match rule.get("rate_limit").and_then(Node::as_text) {
                Some(limit) => {
                    parse_limit(limit).ok().map(|(_, window)| format!("_rate_{}", window.as_str()))
                }
                None => rule
                    .get("state")
                    .and_then(|s| s.get("counter"))
                    .and_then(Node::as_text)
                    .map(str::to_owned),
            };
            counters.entry(scope.to_owned()).or_default().extend(counter);
        }
    }
    counters
}

struct ToolCheck<'a> {
    tool: &'a str,
    counters: &'a BTreeMap<String, BTreeSet<String>>,
    seen: BTreeMap<String, String>,
    findings: &'a mut Findings,
}

impl ToolCheck<'_> {
    fn rule(&mut self, path: &str, rule: &Node) {
        let Some(fields) = rule.as_map() else {
            return self.findings.error(path, rule, format!("must be a map, this is {}", rule.what()));
        };
        let known = ["name", "action", "conditions", "rate_limit", "on_deny", "state"];
        self.findings.unknown_keys(path, fields, &known);
        match rule.get("name").map(|n| (n, n.as_text())) {
            Some((_, Some(name))) if !name.trim().is_empty() => {}
            Some((node, _)) => self.findings.error(&join(path, "name"), node, "a rule must have a name"),
            None => self.findings.error(path, rule, "a rule must have a name"),
        }
        if let Some(node) = rule.get("on_deny").filter(|n| n.as_text().is_none()) {
            self.findings.error(
                &join(path, "on_deny"),
                node,
                format!("must be a text, this is {}", node.what()),
            );
        }
        let deny = match rule.get("action").map(|n| (n, n.as_text())) {
            None | Some((_, Some("evaluate"))) => Some(false),
            Some((_, Some("deny"))) => Some(true),
            Some((node, _)) => {
                self.findings.error(
                    &join(path, "action"),
                    node,
                    "must be evaluate or deny; there is no other action",
                );
                None
            }
        };
        let conditions = rule.get("conditions").filter(|c| c.as_list().is_none_or(|list| !list.is_empty()));
        if let Some(limit) = rule.get("rate_limit") {
            self.rate_limit(&join(path, "rate_limit"), limit, deny.unwrap_or(false), rule, conditions);
            return;
        }
        // An action that is none says nothing about what else the rule needs.
        let Some(deny) = deny else { return };
        match (deny, conditions) {
            (true, Some(node)) => {
                self.findings.error(&join(path, "conditions"), node, "a deny rule has no conditions");
            }
            (false, None) => {
                self.findings.error(path, rule, "an evaluate rule needs conditions or a rate_limit");
            }
            _ => {}
        }
        if let Some(node) = conditions {
            self.conditions(&join(path, "conditions"), node);
        }
        if let Some(state) = rule.get("state") {
            if deny {
                self.findings.warning(&join(path, "state"), state, "a deny rule counts nothing");
            }
            self.state(&join(path, "state"), state);
        }
    }

    fn rate_limit(&mut self, path: &str, limit: &Node, deny: bool, rule: &Node, conditions: Option<&Node>) {
        if deny {
            self.findings.error(path, limit, "a deny rule has no rate_limit");
        }
        for (key, node) in [("conditions", conditions), ("state", rule.get("state"))] {
            if let Some(node) = node {
                self.findings.error(path, node, format!("rate_limit does not go together with {key}"));
            }
        }
        let Some(text) = limit.as_text() else {
            return self.findings.error(
                path,
                limit,
                format!("must be a text such as \"30/minute\", this is {}", limit.what()),
            );
        };
        match parse_limit(text) {
            Err(message) => self.findings.error(path, limit, message),
            Ok((_, window)) => {
                self.define(path, limit, &format!("_rate_{}", window.as_str()));
                if self.tool.contains('.') {
                    let message = "Intercept cannot count calls of a tool whose name holds a dot and refuses the whole \
                        file (\"no matching state block\"); use action: deny";
                    self.findings.error(path, limit, message);
                }
            }
        }
    }

    fn define(&mut self, path: &str, at: &Node, counter: &str) {
        if let Some(first) = self.seen.insert(counter.to_owned(), path.to_owned()) {
            self.findings.error(path, at, format!("counter {counter:?} is already defined at {first}"));
        }
    }

    fn state(&mut self, path: &str, state: &Node) {
        let Some(fields) = state.as_map() else {
            return self.findings.error(path, state, format!("must be a map, this is {}", state.what()));
        };
        self.findings.unknown_keys(path, fields, &["counter", "window", "increment", "increment_from"]);
        match state.get("counter").and_then(Node::as_text).filter(|c| !c.trim().is_empty()) {
            Some(counter) => self.define(path, state, counter),
            None => self.findings.error(&join(path, "counter"), state, "must be a text that is not empty"),
        }
        if state.get("window").and_then(Node::as_text).and_then(parse_window).is_none() {
            self.findings.error(&join(path, "window"), state, "must be minute, hour or day");
        }
        if let Some(node) = state.get("increment") {
            match node.kind {
                Kind::Number(n) if n.fract() != 0.0 => {
                    self.findings.error(&join(path, "increment"), node, "must be a whole number");
                }
                Kind::Number(n) if n <= 0.0 => {
                    self.findings.warning(
                        &join(path, "increment"),
                        node,
                        "0 counts as 1, and less gives quota back",
                    );
                }
                Kind::Number(_) => {}
                _ => self.findings.error(&join(path, "increment"), node, "must be a whole number"),
            }
        }
        if let Some(node) = state.get("increment_from") {
            if node.as_text().is_none_or(|from| from.strip_prefix("args.").is_none_or(str::is_empty)) {
                self.findings.error(&join(path, "increment_from"), node, "must begin with args.");
            } else {
                let message = "fractions are cut off, and a negative argument gives quota back";
                self.findings.warning(&join(path, "increment_from"), node, message);
            }
        }
    }

    fn conditions(&mut self, path: &str, conditions: &Node) {
        let Some(items) = conditions.as_list() else {
            let message = format!("must be a list, this is {}", conditions.what());
            return self.findings.error(path, conditions, message);
        };
        for (i, condition) in items.iter().enumerate() {
            self.condition(&format!("{path}[{i}]"), condition);
        }
    }

    fn condition(&mut self, path: &str, condition: &Node) {
        let Some(fields) = condition.as_map() else {
            return self.findings.error(
                path,
                condition,
                format!("must be a map, this is {}", condition.what()),
            );
        };
        self.findings.unknown_keys(path, fields, &["path", "op", "value"]);
        let target = condition.get("path").and_then(Node::as_text).unwrap_or_default();
        if let Some(state) = target.strip_prefix("state.") {
            // Intercept splits at the first dot, which is why a dotted name finds no counter.
            let (scope, counter) = state.split_once('.').unwrap_or((state, ""));
            if !self.counters.get(scope).is_some_and(|known| known.contains(counter)) {
                let message = format!("reads a counter that no rule defines: {target:?}");
                self.findings.error(&join(path, "path"), condition, message);
            }
        } else if target.strip_prefix("args.").is_none_or(str::is_empty) {
            self.findings.error(&join(path, "path"), condition, "must begin with args. or state.");
        }
        let op = condition.get("op").and_then(Node::as_text).unwrap_or_default();
        if !OPERATORS.contains(&op) {
            let message = format!("unknown operator {op:?}; known are {}", OPERATORS.join(", "));
            return self.findings.error(&join(path, "op"), condition, message);
        }
        let value = condition.get("value").map_or(&Kind::Null, |v| &v.kind);
        let wrong = wrong_value(op, value);
        if let Some(message) = wrong {
            let at = condition.get("value").unwrap_or(condition);
            self.findings.error(&join(path, "value"), at, message);
        }
    }
}

/// Count and window of `30/minute`.
pub(super) fn parse_limit(text: &str) -> Result<(u32, Window), &'static str> {
    let (count, window) = text.split_once('/').ok_or("must be COUNT/WINDOW such as 30/minute")?;
    let count: i64 = count.trim().parse().map_err(|_| "must be COUNT/WINDOW with a whole number in front")?;
    let window = parse_window(window.trim()).ok_or("the window must be minute, hour or day")?;
    let count = u32::try_from(count).ok().filter(|n| *n > 0).ok_or("the count must be 1 or more")?;
    Ok((count, window))
}

fn parse_window(text: &str) -> Option<Window> {
    [Window::Minute, Window::Hour, Window::Day].into_iter().find(|w| w.as_str() == text)
}
