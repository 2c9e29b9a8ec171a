//! Three ways together: what a person changed stays, the rest follows the new policy, a conflict takes the stricter.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::{Keyed, PolicySet, Rule, ServerPolicy, ToolPolicy};

/// A tool, or a default, that both sides changed differently.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Conflict {
    /// The server's name in the client.
    pub key: String,
    /// The tool; None is the default.
    pub tool: Option<String>,
    /// What the person says.
    pub mine: String,
    /// What the new policy says.
    pub new: String,
    /// What was taken.
    pub taken: String,
}

/// Merges `mine` and `new`, which both come from `base`.
pub fn merge(base: &PolicySet, mine: &PolicySet, new: &PolicySet) -> (PolicySet, Vec<Conflict>) {
    fn by_key(set: &PolicySet) -> BTreeMap<&str, &ServerPolicy> {
        set.servers.iter().map(|s| (s.key.as_str(), &s.policy)).collect()
    }
    let (b, m, n) = (by_key(base), by_key(mine), by_key(new));
    let keys: BTreeSet<&str> = m.keys().chain(n.keys()).copied().collect();
    let mut conflicts = Vec::new();
    let mut servers = Vec::new();
    for key in keys {
        let policy = match (b.get(key), m.get(key), n.get(key)) {
            (base, Some(mine), Some(new)) => {
                Some(merge_server(key, base.copied(), mine, new, &mut conflicts))
            }
            // Gone from the new policy: it stays only if the person had touched it or added it.
            (Some(base), Some(mine), None) => (base != mine).then(|| (*mine).clone()),
            (None, Some(mine), None) => Some((*mine).clone()),
            // Taken out by the person.
            (Some(_), None, Some(_)) => None,
            (_, None, new) => new.map(|new| (*new).clone()),
        };
        servers.extend(policy.map(|policy| Keyed { key: key.to_owned(), policy }));
    }
    (PolicySet { tier: new.tier, servers }, conflicts)
}

fn merge_server(
    key: &str,
    base: Option<&ServerPolicy>,
    mine: &ServerPolicy,
    new: &ServerPolicy,
    conflicts: &mut Vec<Conflict>,
) -> ServerPolicy {
    fn by_name(policy: &ServerPolicy) -> BTreeMap<&str, &ToolPolicy> {
        policy.tools.iter().map(|t| (t.tool.raw(), t)).collect()
    }
    let mut conflict = |tool: Option<&str>, mine: Rule, new: Rule, taken: Rule| {
        conflicts.push(Conflict {
            key: key.to_owned(),
            tool: tool.map(str::to_owned),
            mine: mine.to_string(),
            new: new.to_string(),
            taken: taken.to_string(),
        });
    };
    let default = match base.map(|b| b.default) {
        Some(was) if was == mine.default => new.default,
        Some(was) if was == new.default => mine.default,
        _ if mine.default == new.default => new.default,
        _ => {
            let taken = mine.default.or_stricter(new.default);
            conflict(None, mine.default, new.default, taken);
            taken
        }
    };
    let (b, m, n) = (base.map(by_name).unwrap_or_default(), by_name(mine), by_name(new));
    let names: BTreeSet<&str> = b.keys().chain(m.keys()).chain(n.keys()).copied().collect();
    let mut tools = Vec::new();
    for name in names {
        let merged = match (b.get(name), m.get(name), n.get(name)) {
            (_, None, None) => None,
            (Some(was), Some(mine), Some(new)) if says_the_same(was, mine) => Some((*new).clone()),
            (Some(was), Some(mine), Some(new)) if says_the_same(was, new) => Some(kept(mine, new)),
            (_, Some(mine), Some(new)) if says_the_same(mine, new) => Some((*new).clone()),
            (_, Some(mine), Some(new)) => {
                let taken = stricter(mine, new);
                conflict(Some(name), mine.rule, new.rule, taken.rule);
                Some(taken)
            }
            (Some(was), Some(mine), None) if says_the_same(was, mine) => None,
            (Some(_), Some(mine), None) => {
                // The server has the tool no more, as far as the new policy knows: the person's word stays if it is
                // stricter than what happens to tools without one.
                let taken = if mine.rule.strictness() >= default.strictness() { mine.rule } else { default };
                conflict(Some(name), mine.rule, default, taken);
                (taken == mine.rule).then(|| (*mine).clone())
            }
            (None, Some(mine), None) => Some((*mine).clone()),
            (Some(was), None, Some(new)) if says_the_same(was, new) => None,
            (Some(_), None, Some(new)) => {
                // Taken out by the person, so that the default decides; the new policy says something else.
                let taken = mine.default.or_stricter(new.rule);
                conflict(Some(name), mine.default, new.rule, taken);
                Some(ToolPolicy { rule: taken, ..(*new).clone() })
            }
            (None, None, Some(new)) => Some((*new).clone()),
        };
        tools.extend(merged);
    }
    ServerPolicy { server: new.server.clone(), release: new.release.clone(), default, tools }
}

fn says_the_same(a: &ToolPolicy, b: &ToolPolicy) -> bool {
    a.rule == b.rule && a.arguments == b.arguments
}

/// The person's decision about what the new policy knows of the tool.
fn kept(mine: &ToolPolicy, new: &ToolPolicy) -> ToolPolicy {
    ToolPolicy {
        rule: mine.rule,
        arguments: mine.arguments.clone(),
        reason: mine.reason.clone(),
        ..new.clone()
    }
}

/// The stricter rule with the argument rules of both.
fn stricter(mine: &ToolPolicy, new: &ToolPolicy) -> ToolPolicy {
    let mut taken =
        if mine.rule.strictness() > new.rule.strictness() { kept(mine, new) } else { new.clone() };
    taken.arguments = new.arguments.clone();
    for rule in &mine.arguments {
        if !taken.arguments.contains(rule) {
            taken.arguments.push(rule.clone());
        }
    }
    taken.arguments.sort_by(|a, b| a.argument.cmp(&b.argument));
    taken
}
