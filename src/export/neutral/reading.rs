//! A neutral document as the reference evaluator reads it.

use std::collections::BTreeMap;

use super::super::node::{Node, from_json, join};
use super::super::{Named, Reading};
use super::read_node;
use crate::policy::{Decided, Rule, ServerPolicy, decide};

/// The document as it decides; None if it has errors.
pub(super) fn reading(text: &str) -> Option<Reading> {
    reading_of(&from_json(text).ok()?)
}

/// The same for a document that is part of another.
pub(in crate::export) fn reading_of(root: &Node) -> Option<Reading> {
    let (set, _) = read_node(root).ok()?;
    let keys: Vec<String> = set.servers.iter().map(|s| s.key.clone()).collect();
    let mut names = Vec::new();
    for (key, server) in root.get("servers")?.as_map()? {
        for (name, tool) in server.get("tools").and_then(Node::as_map).unwrap_or_default() {
            names.push(Named {
                key: Some(key.text.clone()),
                name: name.text.clone(),
                path: join(&join(&join("servers", &key.text), "tools"), &name.text),
                line: tool.line,
                column: tool.column,
            });
        }
    }
    // A set of tools by name: one server can have thousands, and each is looked up.
    let servers: BTreeMap<String, ServerPolicy> =
        set.servers.into_iter().map(|s| (s.key, s.policy)).collect();
    Some(Reading::new(keys, names, move |key, tool, arguments| match servers.get(key) {
        Some(policy) => decide(policy, tool, arguments),
        None => Decided::new(Rule::Allow, "no policy for the server"),
    }))
}
