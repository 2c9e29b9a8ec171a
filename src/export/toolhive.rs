//! ToolHive: an `authz` file with Cedar policies.
//!
//! Source: research/policy-targets.md section 2.3. Cedar denies by default, so only permits are written: a forbid with a
//! condition fails open in a bare engine. `tools/list` goes by the same policies, so what is denied is not listed. Arguments
//! are not looked into: numbers arrive as decimals and lists not at all. A Cedar text has escapes of its own.

use std::collections::BTreeSet;
use std::fmt::Write;

use super::node::{Findings, Node, from_yaml};
use super::plan::Plan;
use super::yaml::Yaml;
use super::{Can, Exporter, Finding, Form, Level, Named, Reading, any_key, as_degraded};
use crate::model::text::is_unprintable;
use crate::policy::{Decided, Rule};

/// The table's entry.
pub(super) const EXPORTER: Exporter = Exporter {
    id: "toolhive",
    title: "ToolHive",
    file_name: "authz.yaml",
    language: "yaml",
    can: Can {
        limit: false,
        ask: false,
        deny: false,
        hide: true,
        arguments: false,
        deny_by_default: true,
        several: false,
    },
    on_pages: true,
    advisory: false,
    strict_refuses: false,
    asking_hides: true,
    believes_hints: false,
    tried_with: "cedar-policy 4.14.1 and the source of v0.44.0",
    notes: &["What a person should decide is denied. Permits for prompts and resources are yours to add."],
    form: Form::Raw,
    key_fault: any_key,
    exact: as_degraded,
    write,
    validate,
    read,
};

const BEFORE: &str = "permit(principal, action == Action::\"call_tool\", resource == Tool::";
/// A permit, too: where a forbid is written, some readers see a permit (ContextForge never looks at `effect`).
const NOTHING: &str = "permit(principal, action == Action::\"call_tool\", resource) when { false };";

/// A Cedar text with its quotes. Everything that is not plainly visible is `\u{...}`.
fn cedar_text(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            c if is_unprintable(c) => {
                let _ = write!(out, "\\u{{{:x}}}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// The text of a Cedar literal that begins `text`, and what follows it.
fn cedar_literal(text: &str) -> Option<(String, &str)> {
    let mut chars = text.strip_prefix('"')?.chars();
    let mut out = String::new();
    loop {
        match chars.next()? {
            '"' => return Some((out, chars.as_str())),
            '\\' => match chars.next()? {
                'u' => {
                    let (code, rest) = chars.as_str().strip_prefix('{')?.split_once('}')?;
                    out.push(char::from_u32(u32::from_str_radix(code, 16).ok()?)?);
                    chars = rest.chars();
                }
                'n' => out.push('\n'),
                't' => out.push('\t'),
                'r' => out.push('\r'),
                '0' => out.push('\0'),
                c @ ('"' | '\\' | '\'') => out.push(c),
                _ => return None,
            },
            c => out.push(c),
        }
    }
}

fn write(plan: &Plan<'_>) -> String {
    let names = plan.servers.iter().flat_map(|server| server.names_with(|rule| rule == Rule::Allow));
    let mut policies: Vec<Yaml<'_>> =
        names.map(|name| Yaml::Text(format!("{BEFORE}{});", cedar_text(name)).into())).collect();
    if policies.is_empty() {
        // The file needs one policy at least.
        policies.push(Yaml::text(NOTHING));
    }
    Yaml::Fields(vec![
        ("version", Yaml::text("1.0")),
        ("type", Yaml::text("cedarv1")),
        (
            "cedar",
            Yaml::Fields(vec![("policies", Yaml::List(policies)), ("entities_json", Yaml::text("[]"))]),
        ),
    ])
    .document_below(&plan.header)
}

fn validate(text: &str) -> Vec<Finding> {
    match from_yaml(text) {
        Ok(root) => check(&root).sorted(),
        Err(finding) => vec![finding],
    }
}

fn check(root: &Node) -> Findings {
    let mut findings = Findings::default();
    for (i, entry) in root.as_list().unwrap_or_default().iter().enumerate() {
        if entry.get("effect").and_then(Node::as_text).is_some_and(|effect| effect != "Permit") {
            let message = "this is ContextForge's form, whose plugin never reads effect: it would be a permit. Leave out \
                           what is denied; without a permit it is refused";
            findings.error(&format!("[{i}].effect"), entry, message);
        }
    }
    let Some(fields) = root.as_map() else {
        findings.error("", root, format!("must be a map, this is {}", root.what()));
        return findings;
    };
    findings.unknown_keys("", fields, &["version", "type", "cedar"]);
    for (key, wanted) in [("version", "1.0"), ("type", "cedarv1")] {
        if root.get(key).and_then(Node::as_text) != Some(wanted) {
            findings.error(key, root.get(key).unwrap_or(root), format!("must be \"{wanted}\", a text"));
        }
    }
    let Some(cedar) = root.get("cedar") else {
        findings.error("cedar", root, "missing");
        return findings;
    };
    findings.unknown_keys("cedar", cedar.as_map().unwrap_or_default(), &["policies", "entities_json"]);
    if let Some(node) = cedar.get("entities_json")
        && node.as_text().is_none_or(|t| serde_json::from_str::<Vec<serde_json::Value>>(t).is_err())
    {
        findings.error("cedar.entities_json", node, "must be a text with a JSON list");
    }
    match cedar.get("policies").map(|n| (n, n.as_list())) {
        Some((_, Some(items))) if !items.is_empty() => {
            let mut seen = BTreeSet::new();
            for (i, item) in items.iter().enumerate() {
                let path = format!("cedar.policies[{i}]");
                match item.as_text() {
                    None => findings.error(&path, item, "must be a text"),
                    Some(text) if !seen.insert(text) => findings.warning(&path, item, "stands here already"),
                    Some(text) => check_policy(&path, text, item, &mut findings),
                }
            }
        }
        other => {
            let at = other.map_or(cedar, |(node, _)| node);
            findings.error("cedar.policies", at, "must be a list with one policy at least");
        }
    }
    findings
}

/// Misspelt actions parse in Cedar and never match; the rest of the language is not checked here.
fn check_policy(path: &str, text: &str, at_node: &Node, findings: &mut Findings) {
    let trimmed = text.trim_start();
    if !trimmed.starts_with("permit") && !trimmed.starts_with("forbid") {
        return findings.error(path, at_node, "must begin with permit or forbid");
    }
    if trimmed.starts_with("forbid") && text.contains("when") {
        let message =
            "a condition on a forbid fails open where its argument is missing; put it on the permit";
        findings.warning(path, at_node, message);
    }
    // What stands inside of a text is a name and no marker: a tool may well be called `Action::`.
    let mut rest = text;
    while let Some(at) = rest.find(['"', 'A', 'T']) {
        rest = rest.get(at..).unwrap_or_default();
        if let Some(after) = rest.strip_prefix("Action::") {
            check_action(path, after, at_node, findings);
            rest = after;
        } else if let Some(after) = rest.strip_prefix("Tool::") {
            if cedar_literal(after).is_none() {
                findings.error(path, at_node, "the tool is no Cedar text; JSON escapes are none of Cedar's");
            }
            rest = after;
        } else if let Some((_, after)) = cedar_literal(rest) {
            rest = after;
        } else {
            rest = rest.get(1..).unwrap_or_default();
        }
    }
}

fn check_action(path: &str, after: &str, at: &Node, findings: &mut Findings) {
    let known = ["call_tool", "get_prompt", "read_resource", "list_tools", "list_prompts", "list_resources"];
    match cedar_literal(after) {
        Some((action, _)) if known.contains(&action.as_str()) => {}
        Some((action, _)) => {
            let message = format!("never matches: no action {action:?}; known are {}", known.join(", "));
            findings.error(path, at, message);
        }
        None => findings.error(path, at, "the action is no Cedar text"),
    }
}

fn read(text: &str) -> Option<Reading> {
    let root = from_yaml(text).ok()?;
    if check(&root).0.iter().any(|f| f.level == Level::Error) {
        return None;
    }
    let mut permitted = BTreeSet::new();
    let mut names = Vec::new();
    for (i, item) in root.get("cedar")?.get("policies")?.as_list()?.iter().enumerate() {
        let text = item.as_text()?;
        if text == NOTHING {
            continue;
        }
        // Only the shape that is written here is understood; anything else is for Cedar itself.
        let (name, rest) = cedar_literal(text.strip_prefix(BEFORE)?)?;
        if rest != ");" {
            return None;
        }
        let path = format!("cedar.policies[{i}]");
        names.push(Named { key: None, name: name.clone(), path, line: item.line, column: item.column });
        permitted.insert(name);
    }
    Some(Reading::new(Vec::new(), names, move |_, tool, _| match permitted.contains(tool) {
        true => Decided::new(Rule::Allow, format!("permit for Tool::{}", cedar_text(tool))),
        false => Decided::new(Rule::Hide, "no permit: Cedar denies"),
    }))
}
