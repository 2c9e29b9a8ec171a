//! Claude Code: `permissions` of `settings.json`.
//!
//! Source: research/policy-targets.md section 1.1. A rule is `mcp__SERVER__TOOL` with everything outside `[A-Za-z0-9_-]`
//! as `_`; deny beats ask beats allow in whatever order, deny also hides; wildcards are never written. What no rule names
//! is asked about, and only the mode `dontAsk` refuses it: tier strict sets it, which holds for the built-in tools, too.

use std::collections::BTreeSet;

use serde::Serialize;

use super::names::CLAUDE_LONGEST;
use super::node::{Findings, Node, from_json, join, nearest};
use super::plan::{Plan, PlannedServer};
use super::shape::{Fields, SAID, Shape, list};
use super::{Can, EffectiveRule, Exporter, Finding, Form, Level, Named, Reading, Reason, as_degraded, json};
use crate::policy::{Decided, Rule, Tier, ToolPolicy};

/// The table's entry.
pub(super) const EXPORTER: Exporter = Exporter {
    id: "claude-code",
    title: "Claude Code",
    file_name: "settings.json",
    language: "json",
    can: Can {
        limit: false,
        ask: true,
        deny: false,
        hide: true,
        arguments: false,
        deny_by_default: false,
        several: true,
    },
    on_pages: true,
    advisory: false,
    strict_refuses: true,
    asking_hides: false,
    believes_hints: false,
    tried_with: "tried with 2.1.329",
    notes: &[
        "Put \"permissions\" into your settings.json; the mode dontAsk, where it is set, holds for built-in tools as well, \
         and --dangerously-skip-permissions undoes it: then only what is named here is refused.",
    ],
    form: Form::ClaudeCode,
    key_fault,
    exact,
    write,
    validate,
    read,
};

fn key_fault(key: &str) -> Option<&'static str> {
    if key.contains("__") {
        return Some("holds __, and its rules would reach another server");
    }
    key.is_empty().then_some("is empty")
}

fn exact(key: &str, policy: &ToolPolicy, effective: EffectiveRule) -> EffectiveRule {
    let tool = policy.tool.raw();
    // Characters of ASCII stay one each: most names need not be made to see that they are short.
    let is_short = key.is_ascii() && tool.is_ascii() && key.len() + tool.len() + 7 <= CLAUDE_LONGEST;
    let is_long = || !is_short && Form::ClaudeCode.whole(key, tool).len() > CLAUDE_LONGEST;
    match effective.rule {
        // Such a tool is not offered at all, whatever is said.
        Rule::Allow | Rule::Ask if is_long() => effective.instead(Rule::Hide, Reason::LongName),
        _ => as_degraded(key, policy, effective),
    }
}

#[derive(Serialize)]
struct Document<'a> {
    #[serde(rename = "//", skip_serializing_if = "<[String]>::is_empty")]
    header: &'a [String],
    permissions: Permissions<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Permissions<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    default_mode: Option<&'static str>,
    deny: Vec<&'a str>,
    ask: Vec<&'a str>,
    allow: Vec<&'a str>,
}

fn write(plan: &Plan<'_>) -> String {
    let named: Vec<_> = plan.servers.iter().flat_map(PlannedServer::named).collect();
    let with = |wanted: fn(Rule) -> bool| {
        let names = named.iter().filter(|(_, tool)| wanted(tool.effective.rule)).map(|(name, _)| *name);
        let mut names: Vec<&str> = names.collect();
        names.sort_unstable();
        names.dedup();
        names
    };
    json::document(&Document {
        header: &plan.header,
        permissions: Permissions {
            default_mode: (plan.tier == Tier::Strict).then_some("dontAsk"),
            deny: with(|rule| matches!(rule, Rule::Deny | Rule::Hide)),
            ask: with(|rule| rule == Rule::Ask),
            allow: with(|rule| rule == Rule::Allow),
        },
    })
}

const LISTS: [&str; 3] = ["deny", "ask", "allow"];
const MODES: [&str; 8] =
    ["default", "acceptEdits", "plan", "dontAsk", "bypassPermissions", "delegate", "auto", "manual"];

/// What the lists hold is looked at closer below.
const PERMISSIONS: Shape = Shape::Fields(&Fields {
    known: &[
        ("deny", Shape::Anything),
        ("ask", Shape::Anything),
        ("allow", Shape::Anything),
        ("defaultMode", Shape::Word(&MODES)),
        ("additionalDirectories", list(&SAID)),
        ("disableBypassPermissionsMode", Shape::Word(&["disable"])),
        ("disableAutoMode", Shape::Word(&["disable"])),
    ],
    needed: &[],
    one_of: &[],
});

fn validate(text: &str) -> Vec<Finding> {
    match from_json(text) {
        Ok(root) => check(&root).sorted(),
        Err(finding) => vec![finding],
    }
}

fn check(root: &Node) -> Findings {
    let mut findings = Findings::default();
    let Some(fields) = root.as_map() else {
        findings.error("", root, format!("settings are an object, this is {}", root.what()));
        return findings;
    };
    for (key, value) in fields {
        if key.text == "permissions" || key.text == "//" || key.text == "$schema" {
            continue;
        }
        match nearest(&key.text, &["permissions"]) {
            Some(_) => findings.error(
                &key.text,
                value,
                "unknown key, ignored without a word. Did you mean permissions?",
            ),
            None => findings.warning(&key.text, value, "no part of a policy; not checked here"),
        }
    }
    let Some(permissions) = root.get("permissions") else {
        findings.error("permissions", root, "missing, so nothing is said about any tool");
        return findings;
    };
    if permissions.as_map().is_none() {
        let message = format!(
            "must be an object, this is {}; Claude Code drops the whole file and runs on without it",
            permissions.what()
        );
        findings.error("permissions", permissions, message);
        return findings;
    }
    PERMISSIONS.check("permissions", permissions, &mut findings);
    let mut stronger: BTreeSet<&str> = BTreeSet::new();
    for list in LISTS {
        let path = join("permissions", list);
        let Some(node) = permissions.get(list) else { continue };
        let Some(items) = node.as_list() else {
            let message = format!(
                "must be a list, this is {}; Claude Code drops the whole file and runs on without it",
                node.what()
            );
            findings.error(&path, node, message);
            continue;
        };
        let mut own: BTreeSet<&str> = BTreeSet::new();
        for (i, item) in items.iter().enumerate() {
            let path = format!("{path}[{i}]");
            let Some(rule) = item.as_text() else {
                findings.error(
                    &path,
                    item,
                    format!("must be a text, this is {}; it is skipped", item.what()),
                );
                continue;
            };
            check_rule(&path, list, rule, item, &mut findings);
            if !own.insert(rule) {
                findings.warning(&path, item, "stands in this list already");
            }
            if stronger.iter().any(|s| *s == rule || covers(s, rule)) {
                findings.warning(&path, item, "can never fire: a stricter list says something about it");
            }
        }
        stronger.extend(own);
    }
    findings
}

fn check_rule(path: &str, list: &str, rule: &str, at: &Node, findings: &mut Findings) {
    if rule.to_ascii_lowercase().starts_with("mcp__") && !rule.starts_with("mcp__") {
        return findings.error(path, at, "never matches: case counts, write mcp__");
    }
    let Some(rest) = rule.strip_prefix("mcp__") else { return check_built_in(path, rule, at, findings) };
    if rest.contains(['(', ')']) {
        let message =
            "skipped: a rule for an MCP tool has no parentheses; in a tool's name they are written _";
        return findings.error(path, at, message);
    }
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '*');
    if !rest.chars().all(plain) {
        let written: String = rest.chars().map(|c| if plain(c) { c } else { '_' }).collect();
        let message = format!("never matches: Claude Code knows the tool as mcp__{written}");
        return findings.error(path, at, message);
    }
    let server = rest.split("__").next().unwrap_or_default();
    if list == "allow" && server.contains('*') {
        return findings.error(path, at, "skipped: an allow rule needs a server without a wildcard");
    }
    if list == "allow" && rest.contains('*') {
        findings.warning(path, at, "a wildcard also allows tools that the server adds later");
    }
    if rule.len() > CLAUDE_LONGEST {
        findings.warning(
            path,
            at,
            "longer than 128 characters: Claude Code does not offer such a tool at all",
        );
    }
}

/// Claude Code's own tools, by SchemaStore's `claude-code-settings.json` of August 2026.
const BUILT_IN: [&str; 30] = [
    "Agent",
    "Artifact",
    "Bash",
    "Cd",
    "Edit",
    "EnterWorktree",
    "ExitPlanMode",
    "Glob",
    "Grep",
    "KillShell",
    "LSP",
    "Monitor",
    "MultiEdit",
    "NotebookEdit",
    "PowerShell",
    "Read",
    "ShareOnboardingGuide",
    "Skill",
    "TaskCreate",
    "TaskGet",
    "TaskList",
    "TaskOutput",
    "TaskStop",
    "TaskUpdate",
    "TodoWrite",
    "ToolSearch",
    "WebFetch",
    "WebSearch",
    "Workflow",
    "Write",
];

/// A rule about a tool of the client itself: `Bash`, `Read(./.env)`.
fn check_built_in(path: &str, rule: &str, at: &Node, findings: &mut Findings) {
    let (name, inside) = rule.split_once('(').map_or((rule, None), |(name, rest)| (name, Some(rest)));
    let closed = inside.is_none_or(|rest| rest.len() > 1 && rest.ends_with(')'));
    if !name.starts_with(|c: char| c.is_ascii_uppercase()) {
        findings.error(
            path,
            at,
            "never matches: a tool's name begins with a capital, or with mcp__ and its server",
        );
    } else if !closed {
        findings.error(path, at, "must end with what it is about in parentheses, or have none");
    } else if !BUILT_IN.contains(&name) {
        let near = nearest(name, &BUILT_IN).map(|n| format!(" Did you mean {n}?")).unwrap_or_default();
        findings.warning(
            path,
            at,
            format!("names none of the client's own tools that are known here.{near}"),
        );
    }
}

/// Whether a pattern, or a server by itself, holds for the name.
fn covers(pattern: &str, name: &str) -> bool {
    let server =
        pattern.strip_prefix("mcp__").is_some_and(|rest| !rest.contains("__") && !rest.contains('*'));
    (server && name.strip_prefix(pattern).is_some_and(|rest| rest.starts_with("__"))) || glob(pattern, name)
}

/// `*` is any text. Iterative: a pattern from a file must not cost more than its length times the name's.
pub(super) fn glob(pattern: &str, name: &str) -> bool {
    let (p, n): (Vec<char>, Vec<char>) = (pattern.chars().collect(), name.chars().collect());
    let (mut i, mut j, mut back) = (0, 0, None);
    while j < n.len() {
        match p.get(i) {
            Some('*') => {
                back = Some((i, j));
                i += 1;
            }
            Some(c) if n.get(j) == Some(c) => {
                i += 1;
                j += 1;
            }
            _ => match back {
                Some((star, from)) => {
                    back = Some((star, from + 1));
                    (i, j) = (star + 1, from + 1);
                }
                None => return false,
            },
        }
    }
    p.iter().skip(i).all(|c| *c == '*')
}

fn read(text: &str) -> Option<Reading> {
    let root = from_json(text).ok()?;
    if check(&root).0.iter().any(|f| f.level == Level::Error) {
        return None;
    }
    let permissions = root.get("permissions")?;
    let mut lists: Vec<(&'static str, Vec<String>)> = Vec::new();
    let mut names = Vec::new();
    for list in LISTS {
        let items = permissions.get(list).and_then(Node::as_list).unwrap_or_default();
        let mut rules = Vec::new();
        for (i, item) in items.iter().enumerate() {
            let rule = item.as_text()?.to_owned();
            if rule.starts_with("mcp__") && !rule.contains('*') {
                names.push(Named {
                    key: None,
                    name: rule.clone(),
                    path: format!("permissions.{list}[{i}]"),
                    line: item.line,
                    column: item.column,
                });
            }
            rules.push(rule);
        }
        lists.push((list, rules));
    }
    let refuses = permissions.get("defaultMode").and_then(Node::as_text) == Some("dontAsk");
    let exact: BTreeSet<String> = lists.iter().flat_map(|(_, rules)| rules).cloned().collect();
    let patterns: Vec<(&'static str, Vec<String>)> = lists
        .iter()
        .map(|(list, rules)| {
            let wide = |r: &&String| r.contains('*') || r.matches("__").count() < 2;
            (*list, rules.iter().filter(wide).cloned().collect())
        })
        .collect();
    let sets: Vec<(&'static str, BTreeSet<String>)> =
        lists.into_iter().map(|(list, rules)| (list, rules.into_iter().collect())).collect();
    Some(Reading::new(Vec::new(), names, move |key, tool, _| {
        let name = Form::ClaudeCode.whole(key, tool);
        for (list, rules) in &sets {
            let by_name = exact.contains(&name) && rules.contains(&name);
            let pattern = || {
                let patterns = patterns.iter().find(|(l, _)| l == list).map(|(_, p)| p.as_slice());
                patterns.unwrap_or_default().iter().find(|p| covers(p, &name)).cloned()
            };
            let Some(rule) = by_name.then(|| name.clone()).or_else(pattern) else { continue };
            let by = format!("permissions.{list}: {rule}");
            return match *list {
                "deny" => Decided::new(Rule::Hide, by),
                "ask" if refuses => Decided::new(Rule::Hide, format!("{by}; refused in mode dontAsk")),
                "ask" => Decided::new(Rule::Ask, by),
                _ if name.len() > CLAUDE_LONGEST => Decided::new(Rule::Hide, "longer than 128 characters"),
                _ => Decided::new(Rule::Allow, by),
            };
        }
        match refuses {
            true => Decided::new(Rule::Deny, "permissions.defaultMode: dontAsk"),
            false => Decided::new(Rule::Ask, "no rule: the client asks"),
        }
    }))
}
