//! What became possible and what impossible between two neutral policies.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{PolicySet, Rule, ServerPolicy, ToolPolicy};

/// Which way a change goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Direction {
    /// More calls go through, or with less ado.
    Possible,
    /// Fewer calls go through, or with more.
    Impossible,
    /// The rule's rank is the same and its arguments differ.
    Other,
}

/// One tool, or one default, that two policies decide differently about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Change {
    /// Which way.
    pub direction: Direction,
    /// The server's name in the client.
    pub key: String,
    /// The tool; None is every tool that is not named.
    pub tool: Option<String>,
    /// What was said before.
    pub before: String,
    /// What is said now.
    pub after: String,
}

/// Every difference, by server and tool. A server that one side lacks is decided by nobody there: its calls are free.
pub fn compare(old: &PolicySet, new: &PolicySet) -> Vec<Change> {
    fn by_key(set: &PolicySet) -> BTreeMap<&str, &ServerPolicy> {
        set.servers.iter().map(|s| (s.key.as_str(), &s.policy)).collect()
    }
    let (before, after) = (by_key(old), by_key(new));
    let keys: std::collections::BTreeSet<&str> = before.keys().chain(after.keys()).copied().collect();
    let mut changes = Vec::new();
    for key in keys {
        match (before.get(key), after.get(key)) {
            (Some(a), Some(b)) => servers(key, a, b, &mut changes),
            (Some(a), None) => {
                changes.push(whole(key, Direction::Possible, a.default.to_string(), "no policy"))
            }
            (None, Some(b)) => changes.push(Change {
                direction: Direction::Impossible,
                key: key.to_owned(),
                tool: None,
                before: "no policy".to_owned(),
                after: b.default.to_string(),
            }),
            (None, None) => {}
        }
    }
    changes
}

fn whole(key: &str, direction: Direction, before: String, after: &str) -> Change {
    Change { direction, key: key.to_owned(), tool: None, before, after: after.to_owned() }
}

fn servers(key: &str, a: &ServerPolicy, b: &ServerPolicy, changes: &mut Vec<Change>) {
    fn by_name(policy: &ServerPolicy) -> BTreeMap<&str, &ToolPolicy> {
        policy.tools.iter().map(|t| (t.tool.raw(), t)).collect()
    }
    let (old, new) = (by_name(a), by_name(b));
    if a.default != b.default {
        let direction = direction(a.default, b.default);
        changes.push(whole(key, direction, a.default.to_string(), &b.default.to_string()));
    }
    let names: std::collections::BTreeSet<&str> = old.keys().chain(new.keys()).copied().collect();
    for name in names {
        let said = |tools: &BTreeMap<&str, &ToolPolicy>, default: Rule| match tools.get(name) {
            Some(tool) => (tool.rule, tool.arguments.clone(), tool.rule.to_string()),
            None => (default, Vec::new(), format!("{default} (not named)")),
        };
        let (before, after) = (said(&old, a.default), said(&new, b.default));
        if before.0 == after.0 && before.1 == after.1 {
            continue;
        }
        let way = if before.0 != after.0 {
            direction(before.0, after.0)
        } else if before.1.iter().all(|rule| after.1.contains(rule)) {
            Direction::Impossible
        } else if after.1.iter().all(|rule| before.1.contains(rule)) {
            Direction::Possible
        } else {
            Direction::Other
        };
        let words = |rule: String, arguments: usize| match arguments {
            0 => rule,
            1 => format!("{rule}, 1 argument rule"),
            n => format!("{rule}, {n} argument rules"),
        };
        changes.push(Change {
            direction: way,
            key: key.to_owned(),
            tool: Some(name.to_owned()),
            before: words(before.2, before.1.len()),
            after: words(after.2, after.1.len()),
        });
    }
}

fn direction(before: Rule, after: Rule) -> Direction {
    if after.strictness() < before.strictness() { Direction::Possible } else { Direction::Impossible }
}
