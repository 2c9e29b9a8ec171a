//! Two made-up servers of hostile names, and the policies that are tried with them.

use std::collections::BTreeMap;

use catalogue::assets::Folder;
use catalogue::model::{Class, Risk, ServerKey, ToolDefinition, Verdict};
use catalogue::policy::{
    Judged, Keyed, Numbers, PolicySet, Rule, ServerPolicy, Tier, Window, policy_for_server,
};
use serde_json::{Value, json};

/// The keys of the two servers in the clients.
pub(crate) const KEYS: [&str; 2] = ["odd", "second"];

/// Names of the first server; the second has the plainest of them, with other rules.
pub(crate) const NAMES: &[&str] = &[
    "list_things",
    "page.create",
    "a/b",
    "a,b",
    "a;b",
    "a__b",
    "with space",
    "q\"uote",
    "back\\slash",
    "*",
    "get_*",
    "x()",
    "$(id)",
    "日本",
    "é",
    "1digit",
    "-dash",
    "new\nline",
    "tab\there",
    "it's",
    "\u{1f600}",
    "Create",
    "create",
    "mcp_x",
    "naïve tool",
    "日本.x",
    "e\u{301}",
    "ÄB",
    "\u{202e}x",
    "\u{ff44}\u{ff45}\u{ff4c}",
    "plain_delete",
    "plain_read",
    "plain_write",
    "plain_run",
    LONG,
];

/// Longer than two of the clients keep.
pub(crate) const LONG: &str =
    "long_name_that_goes_on_and_on_and_on_until_it_is_cut_somewhere_in_its_middle_or_at_its_very_end";

/// A tool that both servers have and no policy names: added after the policy was made.
pub(crate) const LATER: &str = "added_later";

/// Which tool of which server; written into descriptions, because names are mangled on the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Mark {
    /// Index into [`KEYS`].
    pub(crate) server: usize,
    /// Index into [`names_of`].
    pub(crate) tool: usize,
}

/// Every tool of a server, the one that came later last.
pub(crate) fn names_of(server: usize) -> Vec<&'static str> {
    let mut names: Vec<&str> = match server {
        0 => NAMES.to_vec(),
        _ => NAMES.iter().copied().filter(|n| n.starts_with("plain") || *n == "list_things").collect(),
    };
    names.push(LATER);
    names
}

/// Every tool of both servers.
pub(crate) fn marks() -> Vec<Mark> {
    (0..KEYS.len())
        .flat_map(|server| (0..names_of(server).len()).map(move |tool| Mark { server, tool }))
        .collect()
}

impl Mark {
    /// The tool's own name.
    pub(crate) fn name(self) -> &'static str {
        names_of(self.server)[self.tool]
    }

    /// The server's key.
    pub(crate) fn key(self) -> &'static str {
        KEYS[self.server]
    }
}

/// The mark in a description.
pub(crate) fn mark_in(description: &str) -> Option<Mark> {
    let (_, rest) = description.split_once("[[")?;
    let (server, rest) = rest.split_once('#')?;
    let (tool, _) = rest.split_once("]]")?;
    Some(Mark { server: server.parse().ok()?, tool: tool.parse().ok()? })
}

/// What a server lists. Every tool claims to only read: no client may believe it.
pub(crate) fn definitions(server: usize) -> Vec<Value> {
    names_of(server)
        .iter()
        .enumerate()
        .map(|(tool, name)| {
            json!({
                "name": name,
                "description": format!("A made-up tool [[{server}#{tool}]]"),
                "inputSchema": {"type": "object", "properties": {"n": {"type": "integer"}}},
                "annotations": {"readOnlyHint": true, "destructiveHint": false, "openWorldHint": false},
            })
        })
        .collect()
}

fn verdict(class: Class, risk: Risk) -> Verdict {
    Verdict { class, risk, signals: vec![], confidence: 0.9, needs_review: false, evidence: vec![] }
}

/// Verdicts of every kind in turn; the tools called after a kind are of it.
fn verdict_of(server: usize, tool: usize, name: &str) -> Verdict {
    let kinds = [
        (Class::Read, Risk::Low),
        (Class::Destructive, Risk::High),
        (Class::Read, Risk::Medium),
        (Class::Write, Risk::Medium),
        (Class::Read, Risk::High),
        (Class::Execute, Risk::High),
        (Class::Read, Risk::Low),
    ];
    let (class, risk) = match (name, server) {
        ("plain_delete", 0) | ("plain_read", 1) => (Class::Destructive, Risk::High),
        ("plain_read", 0) | ("plain_delete", 1) => (Class::Read, Risk::Low),
        ("plain_write", _) => (Class::Write, Risk::Medium),
        ("plain_run", _) => (Class::Execute, Risk::High),
        _ => kinds[tool % kinds.len()],
    };
    verdict(class, risk)
}

/// The policies: one for each tier, and one that a person might have made, with every rule there is.
pub(crate) fn policies() -> BTreeMap<&'static str, PolicySet> {
    let numbers = Numbers::load(&Folder::Rules.files(None).unwrap()).unwrap();
    let mut sets = BTreeMap::new();
    for tier in Tier::ALL {
        let servers = (0..KEYS.len()).map(|server| {
            let judged: Vec<(ToolDefinition, Verdict)> = definitions(server)
                .iter()
                .enumerate()
                .filter(|(_, d)| d["name"] != LATER)
                .map(|(tool, d)| {
                    let definition = ToolDefinition::from_json(&d.to_string()).unwrap();
                    let verdict = verdict_of(server, tool, definition.name());
                    (definition, verdict)
                })
                .collect();
            let judged = judged.iter().map(|(definition, verdict)| Judged { definition, verdict });
            let policy = policy_for_server(&key(server), "1.0.0", judged, &numbers, tier);
            Keyed { key: KEYS[server].to_owned(), policy }
        });
        sets.insert(tier.as_str(), PolicySet { tier, servers: servers.collect() });
    }
    let mut mixed = sets["recommended"].clone();
    let limit = Rule::Limit { max: 5, window: Window::Minute };
    let rules = [Rule::Allow, Rule::Hide, limit, Rule::Allow, Rule::Ask, Rule::Deny];
    for (server, keyed) in mixed.servers.iter_mut().enumerate() {
        for (i, tool) in keyed.policy.tools.iter_mut().enumerate() {
            tool.rule = rules[(i + 2 * server) % rules.len()];
        }
    }
    sets.insert("mixed", mixed);
    sets
}

fn key(server: usize) -> ServerKey {
    ServerKey::npm(KEYS[server]).unwrap()
}

/// The neutral policy of a server of a set.
pub(crate) fn policy_of(set: &PolicySet, server: usize) -> &ServerPolicy {
    &set.servers.iter().find(|s| s.key == KEYS[server]).unwrap().policy
}
