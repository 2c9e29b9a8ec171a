//! Kiro: `autoApprove` and `disabledTools` of `mcp.json`.
//!
//! Source: research/policy-targets.md section 1.6, from vendor pages only. What neither names is asked about. Whether names
//! are matched raw or mangled is not known, so only plain names are written, and a server with others that must not be called
//! is switched off as a whole. The entry's command is the user's.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::node::{Findings, Kind, Node, from_json, join};
use super::plan::Plan;
use super::{Can, EffectiveRule, Exporter, Finding, Form, Level, Named, Reading, Reason, json};
use crate::policy::{Decided, Rule, ToolPolicy};

/// The table's entry.
pub(super) const EXPORTER: Exporter = Exporter {
    id: "kiro",
    title: "Kiro",
    file_name: "mcp.json",
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
    on_pages: false,
    advisory: false,
    strict_refuses: false,
    asking_hides: false,
    believes_hints: false,
    tried_with: "its vendor's pages; it was not run",
    notes: &["Put the members of each server into its entry of your own mcp.json."],
    form: Form::Raw,
    key_fault,
    exact,
    write,
    validate,
    read,
};

fn key_fault(key: &str) -> Option<&'static str> {
    key.is_empty().then_some("is empty")
}

fn is_plain(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    (1..=64).contains(&name.len()) && name.chars().all(plain)
}

fn exact(_: &str, policy: &ToolPolicy, effective: EffectiveRule) -> EffectiveRule {
    match effective.rule {
        Rule::Allow if !is_plain(policy.tool.raw()) => effective.instead(Rule::Ask, Reason::UnsureName),
        Rule::Hide | Rule::Deny if !is_plain(policy.tool.raw()) => {
            effective.instead(Rule::Hide, Reason::UnsureName)
        }
        _ => effective,
    }
}

#[derive(Serialize)]
struct Document<'a> {
    #[serde(rename = "mcpServers")]
    servers: BTreeMap<&'a str, Server<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Server<'a> {
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    disabled: bool,
    auto_approve: Vec<&'a str>,
    disabled_tools: Vec<&'a str>,
}

fn write(plan: &Plan<'_>) -> String {
    let servers = plan.servers.iter().map(|server| {
        let hidden = server.names_with(|rule| matches!(rule, Rule::Deny | Rule::Hide));
        let entry = Server {
            // A name that might not match must not be called: then nothing of the server may.
            disabled: hidden.iter().any(|name| !is_plain(name)),
            auto_approve: server.names_with(|rule| rule == Rule::Allow),
            disabled_tools: hidden.into_iter().filter(|name| is_plain(name)).collect(),
        };
        (server.key, entry)
    });
    json::document(&Document { servers: servers.collect() })
}

fn validate(text: &str) -> Vec<Finding> {
    match from_json(text) {
        Ok(root) => check(&root).sorted(),
        Err(finding) => vec![finding],
    }
}

const KEYS: [&str; 12] = [
    "command",
    "args",
    "env",
    "url",
    "headers",
    "type",
    "timeout",
    "cwd",
    "disabled",
    "autoApprove",
    "disabledTools",
    "oauth",
];

fn check(root: &Node) -> Findings {
    let mut findings = Findings::default();
    let Some(fields) = root.as_map() else {
        findings.error("", root, format!("must be an object, this is {}", root.what()));
        return findings;
    };
    findings.unknown_keys("", fields, &["mcpServers"]);
    let Some(servers) = root.get("mcpServers").and_then(Node::as_map) else {
        findings.error("mcpServers", root, "must be there and an object");
        return findings;
    };
    for (key, server) in servers {
        let path = join("mcpServers", &key.text);
        let Some(fields) = server.as_map() else {
            findings.error(&path, server, format!("must be an object, this is {}", server.what()));
            continue;
        };
        findings.unknown_keys(&path, fields, &KEYS);
        let mut disabled = BTreeSet::new();
        for list in ["disabledTools", "autoApprove"] {
            let path = join(&path, list);
            let Some(node) = server.get(list) else { continue };
            let Some(items) = node.as_list() else {
                findings.error(&path, node, format!("must be a list, this is {}", node.what()));
                continue;
            };
            for (i, item) in items.iter().enumerate() {
                let path = format!("{path}[{i}]");
                match item.as_text() {
                    None => findings.error(&path, item, format!("must be a name, this is {}", item.what())),
                    Some(name) if list == "autoApprove" && name.contains(['*', '?']) => {
                        findings.error(
                            &path,
                            item,
                            "a wildcard here allows more than one tool, also later ones",
                        );
                    }
                    Some(name) if list == "autoApprove" && disabled.contains(name) => {
                        findings.warning(&path, item, "can never fire: the tool is disabled");
                    }
                    Some(name) if !is_plain(name) => {
                        findings.warning(
                            &path,
                            item,
                            "may never match: how Kiro spells such a name is not known",
                        );
                    }
                    Some(name) if list == "disabledTools" => {
                        disabled.insert(name);
                    }
                    Some(_) => {}
                }
            }
        }
    }
    findings
}

fn read(text: &str) -> Option<Reading> {
    let root = from_json(text).ok()?;
    if check(&root).0.iter().any(|f| f.level == Level::Error) {
        return None;
    }
    let (mut keys, mut names) = (Vec::new(), Vec::new());
    for (key, server) in root.get("mcpServers")?.as_map()? {
        keys.push(key.text.clone());
        for list in ["disabledTools", "autoApprove"] {
            for (i, item) in server.get(list).and_then(Node::as_list).unwrap_or_default().iter().enumerate() {
                names.push(Named {
                    key: Some(key.text.clone()),
                    name: item.as_text()?.to_owned(),
                    path: format!("{}.{list}[{i}]", join("mcpServers", &key.text)),
                    line: item.line,
                    column: item.column,
                });
            }
        }
    }
    Some(Reading::new(keys, names, move |key, tool, _| {
        let path = join("mcpServers", key);
        let Some(server) = root.get("mcpServers").and_then(|s| s.get(key)) else {
            return Decided::new(Rule::Ask, "the server is not named: the client asks");
        };
        let listed = |list: &str| {
            let items = server.get(list).and_then(Node::as_list).unwrap_or_default();
            items.iter().any(|item| item.as_text() == Some(tool))
        };
        if server.get("disabled").is_some_and(|n| n.kind == Kind::Bool(true)) {
            return Decided::new(Rule::Hide, format!("{path}.disabled"));
        }
        match (listed("disabledTools"), listed("autoApprove")) {
            (true, _) => Decided::new(Rule::Hide, format!("{path}.disabledTools")),
            (false, true) => Decided::new(Rule::Allow, format!("{path}.autoApprove")),
            (false, false) => Decided::new(Rule::Ask, "in neither list: the client asks"),
        }
    }))
}
