//! Gemini CLI: policy TOML for `~/.gemini/policies/`.
//!
//! Source: research/policy-targets.md section 1.3. The highest priority decides, of equal ones the first in the file; a
//! rule without `toolName` takes the whole file with it; a priority below 400 loses to the user's own settings. A server
//! key that Gemini mangles, or of more than 25 characters, is never written as `mcpName`: such a server gets rules with
//! whole names, and no rule for the whole server. `argsPattern` is not written.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::names::gemini_key_is_safe;
use super::node::{Findings, Kind, Node, from_toml};
use super::plan::Plan;
use super::shape::{Fields, Shape, list};
use super::{Can, Exporter, Finding, Form, Level, Named, Reading, as_degraded, toml_text};
use crate::policy::{Decided, Rule};

/// The table's entry.
pub(super) const EXPORTER: Exporter = Exporter {
    id: "gemini-cli",
    title: "Gemini CLI",
    file_name: "catalogue.toml",
    language: "toml",
    can: Can {
        limit: false,
        ask: true,
        deny: false,
        hide: true,
        arguments: false,
        deny_by_default: true,
        several: true,
    },
    on_pages: true,
    advisory: false,
    strict_refuses: false,
    asking_hides: false,
    believes_hints: false,
    tried_with: "tried with gemini-cli-core 0.61.0",
    notes: &[],
    form: Form::Gemini,
    key_fault,
    exact: as_degraded,
    write,
    validate,
    read,
};

fn key_fault(key: &str) -> Option<&'static str> {
    key.is_empty().then_some("is empty")
}

const DENY: u32 = 999;
const ASK: u32 = 998;
const ALLOW: u32 = 900;
const SERVER: u32 = 850;

fn write(plan: &Plan<'_>) -> String {
    let mut out = toml_text::comment(&plan.header);
    for server in &plan.servers {
        for (name, tool) in server.named() {
            let (decision, priority) = match tool.effective.rule {
                Rule::Allow => ("allow", ALLOW),
                Rule::Ask => ("ask_user", ASK),
                _ => ("deny", DENY),
            };
            rule(&mut out, server.key, name, decision, priority);
        }
        if gemini_key_is_safe(server.key) {
            let decision = if server.default == Rule::Ask { "ask_user" } else { "deny" };
            rule(&mut out, server.key, "*", decision, SERVER);
        }
    }
    out
}

fn rule(out: &mut String, key: &str, name: &str, decision: &str, priority: u32) {
    out.push_str("\n[[rule]]\n");
    if gemini_key_is_safe(key) {
        out.push_str("mcpName = ");
        toml_text::put_text(key, out);
        out.push('\n');
    }
    out.push_str("toolName = ");
    toml_text::put_text(name, out);
    let _ = writeln!(out, "\ndecision = \"{decision}\"\npriority = {priority}");
    if decision == "deny" {
        out.push_str("denyMessage = ");
        toml_text::put_text(super::messages::DENIED, out);
        out.push('\n');
    }
}

fn validate(text: &str) -> Vec<Finding> {
    match from_toml(text) {
        Ok(root) => check(&root).sorted(),
        Err(finding) => vec![finding],
    }
}

const TEXTS: Shape = Shape::Either(&[Shape::Text, list(&Shape::Text)]);
const MODES: Shape = list(&Shape::Word(&["default", "autoEdit", "yolo", "plan"]));
/// A file, by the loader's own schema at 0.61.0. What decides is looked at closer below.
const FILE: Shape = Shape::Fields(&Fields {
    known: &[("rule", list(&RULE)), ("safety_checker", list(&CHECKER))],
    needed: &[],
    one_of: &[],
});
const RULE: Shape = Shape::Fields(&Fields {
    known: &[
        ("mcpName", Shape::Anything),
        ("toolName", Shape::Anything),
        ("decision", Shape::Anything),
        ("priority", Shape::Anything),
        ("denyMessage", Shape::Text),
        ("deny_message", Shape::Text),
        ("argsPattern", Shape::Text),
        ("commandPrefix", TEXTS),
        ("commandRegex", Shape::Text),
        ("modes", MODES),
        ("allowRedirection", Shape::Bool),
        ("allow_redirection", Shape::Bool),
        ("subagent", Shape::Text),
        ("interactive", Shape::Bool),
        ("toolAnnotations", Shape::Map(&Shape::Anything)),
    ],
    needed: &[],
    one_of: &[],
});
const CHECKER: Shape = Shape::Fields(&Fields {
    known: &[
        ("mcpName", Shape::Text),
        ("toolName", TEXTS),
        ("argsPattern", Shape::Text),
        ("commandPrefix", TEXTS),
        ("commandRegex", Shape::Text),
        ("priority", Shape::Whole(i64::MIN, i64::MAX)),
        ("modes", MODES),
        ("toolAnnotations", Shape::Map(&Shape::Anything)),
        ("checker", Shape::Map(&Shape::Anything)),
    ],
    needed: &["toolName", "checker"],
    one_of: &[],
});

fn check(root: &Node) -> Findings {
    let mut findings = Findings::default();
    FILE.check("", root, &mut findings);
    let Some(rules) = root.get("rule") else {
        findings.error("rule", root, "no [[rule]], so nothing is said about any tool");
        return findings;
    };
    let mut seen: BTreeMap<(String, String, i64), (&str, usize)> = BTreeMap::new();
    for (i, item) in rules.as_list().unwrap_or_default().iter().enumerate() {
        check_rule(&format!("rule[{i}]"), i, item, &mut seen, &mut findings);
    }
    findings
}

/// Commands of the client's own shell: only for that tool, and told in one way.
fn check_commands(path: &str, rule: &Node, tools: &Node, findings: &mut Findings) {
    let said: Vec<&str> = ["commandPrefix", "commandRegex", "argsPattern"]
        .into_iter()
        .filter(|key| rule.get(key).is_some())
        .collect();
    if !said.iter().any(|key| key.starts_with("command")) {
        return;
    }
    if tools.as_text() != Some("run_shell_command") {
        let message = "commandPrefix and commandRegex are only for toolName = \"run_shell_command\"";
        findings.error(&format!("{path}.toolName"), tools, message);
    }
    if said.len() > 1 {
        findings.error(path, rule, format!("only one of {} is allowed", said.join(", ")));
    }
}

fn check_rule<'a>(
    path: &str,
    place: usize,
    rule: &'a Node,
    seen: &mut BTreeMap<(String, String, i64), (&'a str, usize)>,
    findings: &mut Findings,
) {
    let dropped = "Gemini drops the whole file and runs on without it";
    if rule.as_map().is_none() {
        return;
    }
    let decision = rule.get("decision").and_then(Node::as_text);
    if !matches!(decision, Some("allow" | "deny" | "ask_user")) {
        let at = rule.get("decision").unwrap_or(rule);
        findings.error(
            &format!("{path}.decision"),
            at,
            format!("must be allow, deny or ask_user; {dropped}"),
        );
    }
    let priority = match rule.get("priority").map(|n| (n, &n.kind)) {
        Some((_, Kind::Number(n))) if n.fract() == 0.0 && (0.0..=999.0).contains(n) => Some(*n as i64),
        other => {
            let at = other.map_or(rule, |(node, _)| node);
            findings.error(
                &format!("{path}.priority"),
                at,
                format!("must be a whole number from 0 to 999; {dropped}"),
            );
            None
        }
    };
    let key = match rule.get("mcpName").map(|n| (n, n.as_text())) {
        None => "",
        Some((_, Some(key))) if gemini_key_is_safe(key) => key,
        Some((node, Some("*"))) => {
            return findings.error(&format!("{path}.mcpName"), node, "never fires with *, though documented");
        }
        Some((node, Some(_))) => {
            let message = "not 1 to 25 of [A-Za-z0-9_.:-], or is or begins like mcp_: rules with it do not fire, or not for every tool";
            return findings.error(&format!("{path}.mcpName"), node, message);
        }
        Some((node, None)) => {
            return findings.error(&format!("{path}.mcpName"), node, format!("must be a text; {dropped}"));
        }
    };
    let Some(tools) = rule.get("toolName") else {
        return findings.error(
            path,
            rule,
            format!("toolName is missing, write \"*\" for the whole server; {dropped}"),
        );
    };
    let names: Vec<&Node> = match &tools.kind {
        Kind::List(items) => items.iter().collect(),
        _ => vec![tools],
    };
    if names.is_empty() {
        findings.error(&format!("{path}.toolName"), tools, "an empty list makes no rule");
    }
    check_commands(path, rule, tools, findings);
    for node in names {
        let path = format!("{path}.toolName");
        let Some(name) = node.as_text() else {
            findings.error(&path, node, format!("must be a text; {dropped}"));
            continue;
        };
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | ':' | '-');
        if name.is_empty() {
            findings.error(&path, node, "must not be empty; write \"*\" for the whole server");
        } else if name != "*" && name.contains('*') {
            findings.error(&path, node, "never fires: * stands only for the whole server");
        } else if key.is_empty() && name.contains("__") && !name.starts_with("mcp_") {
            let message =
                "never fires: servers are not told in a tool's name with __; write mcpName and toolName";
            findings.error(&path, node, message);
        } else if name != "*" && !name.chars().all(plain) {
            let written: String = name.chars().map(|c| if plain(c) { c } else { '_' }).collect();
            findings.error(&path, node, format!("never fires: Gemini knows the tool as {written}"));
        } else if key.is_empty() && name != "*" && name.starts_with("mcp_") && name.chars().count() > 63 {
            findings.error(&path, node, "never fires: names are cut at 63 characters");
        } else if key.is_empty() && name != "*" && !name.starts_with("mcp_") {
            findings.warning(&path, node, "without mcpName this is a tool of Gemini's own, and of no server");
        }
        let (Some(priority), Some(decision)) = (priority, decision) else { continue };
        match seen.get(&(key.to_owned(), name.to_owned(), priority)) {
            Some((first, at)) if *first != decision => {
                findings.error(
                    &path,
                    node,
                    format!("can never fire: rule[{at}] has the same priority and comes first"),
                );
            }
            Some(_) => findings.warning(&path, node, "says again what a rule above says"),
            None => {
                seen.insert((key.to_owned(), name.to_owned(), priority), (decision, place));
            }
        }
    }
    if decision == Some("deny") && rule.get("argsPattern").is_some() {
        let message =
            "a pattern on a deny does not match a call without arguments; put it on an allow above a deny";
        findings.error(&format!("{path}.argsPattern"), rule, message);
    }
    if let Some(priority) = priority.filter(|p| *p < 400 && decision != Some("allow")) {
        let message = format!(
            "{priority} loses to trust and allow lists of the user's own settings; write 400 or more"
        );
        findings.warning(&format!("{path}.priority"), rule, message);
    }
}

/// A rule as the engine holds it.
struct Held {
    key: Option<String>,
    tools: Vec<String>,
    rule: Rule,
    priority: i64,
    place: usize,
}

fn read(text: &str) -> Option<Reading> {
    let root = from_toml(text).ok()?;
    if check(&root).0.iter().any(|f| f.level == Level::Error) {
        return None;
    }
    let mut held = Vec::new();
    let mut names = Vec::new();
    let mut keys = std::collections::BTreeSet::new();
    for (place, rule) in root.get("rule")?.as_list()?.iter().enumerate() {
        if fields_beyond(rule) {
            return None;
        }
        let key = rule.get("mcpName").and_then(Node::as_text).map(str::to_owned);
        keys.extend(key.clone());
        let node = rule.get("toolName")?;
        let tools: Vec<&Node> = match &node.kind {
            Kind::List(items) => items.iter().collect(),
            _ => vec![node],
        };
        for tool in tools.iter().filter(|t| t.as_text() != Some("*")) {
            let (name, path) = (tool.as_text()?.to_owned(), format!("rule[{place}].toolName"));
            names.push(Named { key: key.clone(), name, path, line: tool.line, column: tool.column });
        }
        let Kind::Number(priority) = rule.get("priority")?.kind else { return None };
        held.push(Held {
            key,
            tools: tools.iter().filter_map(|t| t.as_text()).map(str::to_owned).collect(),
            rule: match rule.get("decision")?.as_text()? {
                "allow" => Rule::Allow,
                "deny" => Rule::Hide,
                _ => Rule::Ask,
            },
            priority: priority as i64,
            place,
        });
    }
    held.sort_by_key(|rule| (-rule.priority, rule.place));
    let mut index: BTreeMap<(Option<String>, String), usize> = BTreeMap::new();
    for (at, rule) in held.iter().enumerate() {
        for tool in &rule.tools {
            index.entry((rule.key.clone(), tool.clone())).or_insert(at);
        }
    }
    Some(Reading::new(keys.into_iter().collect(), names, move |key, tool, _| {
        let (short, whole) = (Form::Gemini.in_rule(key, tool), Form::Gemini.whole(key, tool));
        let of = |key: Option<&str>, name: &str| index.get(&(key.map(str::to_owned), name.to_owned()));
        let found = [of(Some(key), &short), of(Some(key), "*"), of(None, &whole), of(None, "*")];
        match found.into_iter().flatten().min().and_then(|at| held.get(*at)) {
            Some(rule) => {
                let whole_server = rule.rule == Rule::Hide && rule.tools.iter().any(|t| t == "*");
                let decision = if whole_server { Rule::Deny } else { rule.rule };
                Decided::new(decision, format!("rule[{}], priority {}", rule.place, rule.priority))
            }
            // In yolo mode it is allowed.
            None => Decided::new(Rule::Ask, "no rule: the mode decides, by default it asks"),
        }
    }))
}

/// Holds something that the model here does not know.
fn fields_beyond(rule: &Node) -> bool {
    let known = ["mcpName", "toolName", "decision", "priority", "denyMessage", "name"];
    rule.as_map().unwrap_or_default().iter().any(|(key, _)| !known.contains(&key.text.as_str()))
}
