//! Cursor and VS Code: advice only. Neither blocks anything; a person is asked about all that is not let through.
//!
//! Source: research/policy-targets.md section 1.7, from vendor pages only. Cursor has a list of what runs unasked; VS Code a
//! list of what must be asked about, by tool name without a server, so that a namesake of another server is asked about, too.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;

use super::node::{Findings, Kind, Node, from_json, join};
use super::plan::Plan;
use super::{
    Can, EffectiveRule, Exporter, Finding, Form, Level, Named, Reading, Reason, any_key, json as writer,
};
use crate::policy::{Decided, Rule, ToolPolicy};

const CAN: Can = Can {
    limit: false,
    ask: true,
    deny: false,
    hide: false,
    arguments: false,
    deny_by_default: false,
    several: true,
};

/// The table's entry.
pub(super) const CURSOR: Exporter = Exporter {
    id: "cursor",
    title: "Cursor",
    file_name: "permissions.json",
    language: "json",
    can: CAN,
    on_pages: false,
    advisory: true,
    strict_refuses: false,
    asking_hides: false,
    believes_hints: false,
    tried_with: "",
    notes: &[
        "What the policy denies is not blocked: Cursor asks about it. The vendor calls the list no security boundary.",
    ],
    form: Form::Raw,
    key_fault: cursor_key_fault,
    exact: cursor_exact,
    write: write_cursor,
    validate: validate_cursor,
    read: read_cursor,
};

/// The table's entry.
pub(super) const VSCODE: Exporter = Exporter {
    id: "vscode",
    title: "VS Code",
    file_name: "settings.json",
    language: "json",
    can: CAN,
    on_pages: false,
    advisory: true,
    strict_refuses: false,
    asking_hides: false,
    believes_hints: false,
    tried_with: "",
    notes: &[
        "What the policy denies is not blocked: VS Code asks about it. A tool of that name on another server is asked about as well.",
    ],
    form: Form::Raw,
    key_fault: any_key,
    exact: |_, _, effective| match effective.rule {
        Rule::Allow => effective.instead(Rule::Ask, Reason::AdviceOnly),
        _ => effective,
    },
    write: write_vscode,
    validate: validate_vscode,
    read: read_vscode,
};

const LIST: &str = "mcpAllowlist";
const MAP: &str = "chat.tools.eligibleForAutoApproval";

fn cursor_key_fault(key: &str) -> Option<&'static str> {
    (key.is_empty() || key.contains([':', '*']))
        .then_some("is empty or holds : or *, which mean something in that list")
}

fn cursor_exact(_: &str, policy: &ToolPolicy, effective: EffectiveRule) -> EffectiveRule {
    match effective.rule {
        Rule::Allow if policy.tool.raw().contains([':', '*']) => {
            effective.instead(Rule::Ask, Reason::WildcardName)
        }
        _ => effective,
    }
}

fn write_cursor(plan: &Plan<'_>) -> String {
    let of = |server: &super::PlannedServer<'_>| -> Vec<String> {
        let names = server.names_with(|rule| rule == Rule::Allow);
        names.into_iter().map(|name| format!("{}:{name}", server.key)).collect()
    };
    let list: Vec<String> = plan.servers.iter().flat_map(of).collect();
    writer::document(&json!({"//": plan.header, LIST: list}))
}

fn write_vscode(plan: &Plan<'_>) -> String {
    let names = plan.servers.iter().flat_map(|s| &s.tools).filter(|t| t.policy.rule != Rule::Allow);
    let map: BTreeMap<&str, bool> = names.map(|t| (t.policy.tool.raw(), false)).collect();
    writer::document(&json!({"//": plan.header, MAP: map}))
}

fn validate_cursor(text: &str) -> Vec<Finding> {
    let root = match from_json(text) {
        Ok(root) => root,
        Err(finding) => return vec![finding],
    };
    let mut findings = Findings::default();
    findings.unknown_keys("", root.as_map().unwrap_or_default(), &["//", LIST, "terminalAllowlist"]);
    let Some(items) = root.get(LIST).and_then(Node::as_list) else {
        findings.error(LIST, root.get(LIST).unwrap_or(&root), "must be there and a list of SERVER:TOOL");
        return findings.sorted();
    };
    for (i, item) in items.iter().enumerate() {
        let path = format!("{LIST}[{i}]");
        match item.as_text().map(|text| (text, text.split_once(':'))) {
            None => findings.error(&path, item, "dropped: must be a text"),
            Some((_, None)) => findings.error(&path, item, "never matches: must be SERVER:TOOL"),
            Some((text, _)) if text.contains('*') => {
                findings.warning(&path, item, "a wildcard also lets tools run that the server adds later");
            }
            Some(_) => {}
        }
    }
    findings.sorted()
}

fn validate_vscode(text: &str) -> Vec<Finding> {
    let root = match from_json(text) {
        Ok(root) => root,
        Err(finding) => return vec![finding],
    };
    let mut findings = Findings::default();
    let Some(entries) = root.get(MAP).and_then(Node::as_map) else {
        findings.error(MAP, root.get(MAP).unwrap_or(&root), "must be there and an object of TOOL: false");
        return findings.sorted();
    };
    for (key, value) in entries {
        match value.kind {
            Kind::Bool(false) => {}
            Kind::Bool(true) => {
                findings.warning(&join(MAP, &key.text), value, "lets people approve it for ever")
            }
            _ => findings.error(&join(MAP, &key.text), value, "must be true or false"),
        }
    }
    findings.sorted()
}

fn read_cursor(text: &str) -> Option<Reading> {
    if validate_cursor(text).iter().any(|f| f.level == Level::Error) {
        return None;
    }
    let root = from_json(text).ok()?;
    let mut allowed = BTreeSet::new();
    let mut names = Vec::new();
    for (i, item) in root.get(LIST)?.as_list()?.iter().enumerate() {
        let text = item.as_text()?;
        let (key, tool) = text.split_once(':')?;
        names.push(Named {
            key: Some(key.to_owned()),
            name: tool.to_owned(),
            path: format!("{LIST}[{i}]"),
            line: item.line,
            column: item.column,
        });
        allowed.insert(text.to_owned());
    }
    names.retain(|n| n.name != "*");
    Some(Reading::new(Vec::new(), names, move |key, tool, _| {
        let name = format!("{key}:{tool}");
        match allowed.contains(&name) || allowed.contains(&format!("{key}:*")) {
            true => Decided::new(Rule::Allow, format!("{LIST}: {name}")),
            false => Decided::new(Rule::Ask, "not in the list: the client asks"),
        }
    }))
}

fn read_vscode(text: &str) -> Option<Reading> {
    if validate_vscode(text).iter().any(|f| f.level == Level::Error) {
        return None;
    }
    Some(Reading::new(Vec::new(), Vec::new(), |_, _, _| {
        Decided::new(Rule::Ask, "the client asks; the list only says for what nobody may switch that off")
    }))
}
