//! The neutral policy of a tool, of a server and of a person's whole set of servers, independent of any target format.
//!
//! A policy follows from verdicts, from the tools' own schemas and from the tiers in `rules/policy.toml`. How each
//! format says it, and what a format cannot say, is `export`'s business.

mod arguments;
mod compare;
mod decide;
mod merge;
mod numbers;
mod rule;

use std::collections::BTreeMap;

use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::model::{Class, Risk, ServerKey, ToolDefinition, Untrusted, Verdict};

pub use arguments::{ArgumentRule, Check, Place, PlaceKind, Scalar, argument_rules, places};
pub use compare::{Change, Direction, compare};
pub use decide::{Decided, broken_rule, decide};
pub use merge::{Conflict, merge};
pub use numbers::{Numbers, PolicyError};
pub use rule::{Rule, Tier, Window};

/// The rule for one tool and where it comes from.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ToolPolicy {
    /// The tool's exact name.
    pub tool: Untrusted,
    /// The verdict's class.
    pub class: Class,
    /// The verdict's risk.
    pub risk: Risk,
    /// The rule.
    pub rule: Rule,
    /// Why, in our own words.
    pub reason: String,
    /// What a call's arguments must be like besides.
    pub arguments: Vec<ArgumentRule>,
    /// Arguments that a person may want to bind to places of his own.
    pub places: Vec<Place>,
    /// The hash of the definition it was made from; empty where it is not known.
    pub definition: String,
}

impl ToolPolicy {
    /// A rule by itself, without arguments.
    pub fn plain(tool: &str, class: Class, risk: Risk, rule: Rule) -> Self {
        Self {
            tool: Untrusted::new(tool),
            class,
            risk,
            rule,
            reason: format!("{class}, risk {risk}"),
            arguments: Vec::new(),
            places: Vec::new(),
            definition: String::new(),
        }
    }
}

/// The policy of one release of a server.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ServerPolicy {
    /// The server.
    pub server: ServerKey,
    /// Its version; empty for servers without versions.
    pub release: String,
    /// What becomes of a tool that is not named.
    pub default: Rule,
    /// One entry for each distinct name, sorted by name.
    pub tools: Vec<ToolPolicy>,
}

impl ServerPolicy {
    /// What the definitions of its tools come to, as 16 hexadecimal digits: another number, another definition. None where
    /// no definition is known.
    pub fn fingerprint(&self) -> Option<String> {
        let known: Vec<&ToolPolicy> = self.tools.iter().filter(|t| !t.definition.is_empty()).collect();
        (!known.is_empty()).then(|| fingerprint(&known))
    }

    /// The entry of that name; the tools must be sorted.
    pub fn tool(&self, name: &str) -> Option<&ToolPolicy> {
        self.tools.binary_search_by(|t| t.tool.raw().cmp(name)).ok().and_then(|at| self.tools.get(at))
    }
}

/// What these definitions come to, in this order.
pub fn fingerprint(tools: &[&ToolPolicy]) -> String {
    let mut hash = Sha256::new();
    for tool in tools {
        hash.update(tool.tool.raw().len().to_le_bytes());
        hash.update(tool.tool.raw());
        hash.update(&tool.definition);
    }
    hex::encode(hash.finalize()).chars().take(16).collect()
}

/// One server of a set, under the name that it has in somebody's client.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Keyed {
    /// The name in the client's configuration. Foreign text.
    pub key: String,
    /// Its policy.
    pub policy: ServerPolicy,
}

/// The policies of several servers, made with one tier: what a file holds.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PolicySet {
    /// The tier they were made with.
    pub tier: Tier,
    /// Sorted by key.
    pub servers: Vec<Keyed>,
}

/// The name a server is likely to have in a client: the last part of its name reduced to `[a-z0-9-]`, at most 25
/// characters.
pub fn default_server_key(server: &ServerKey) -> String {
    let last = server.name().trim_end_matches('/').rsplit('/').next().unwrap_or_default();
    let mut key = String::new();
    for c in last.chars() {
        let c = c.to_ascii_lowercase();
        if c.is_ascii_lowercase() || c.is_ascii_digit() {
            key.push(c);
        } else if !key.is_empty() && !key.ends_with('-') {
            key.push('-');
        }
        if key.len() == 25 {
            break;
        }
    }
    let key = key.trim_matches('-');
    if key.is_empty() { "server".to_owned() } else { key.to_owned() }
}

/// One tool with what was found about it.
#[derive(Debug, Clone, Copy)]
pub struct Judged<'a> {
    /// Its definition.
    pub definition: &'a ToolDefinition,
    /// The verdict in force.
    pub verdict: &'a Verdict,
}

/// The rule for one tool.
pub fn policy_for_tool(judged: Judged<'_>, numbers: &Numbers, tier: Tier) -> ToolPolicy {
    let (rule, reason) = numbers.rule_for(tier, judged.verdict);
    let schema = judged.definition.input_schema();
    // Where every call goes through, and where none does, the arguments decide nothing.
    let matters = matches!(rule, Rule::Limit { .. } | Rule::Ask);
    ToolPolicy {
        tool: Untrusted::new(judged.definition.name()),
        class: judged.verdict.class,
        risk: judged.verdict.risk,
        rule,
        reason,
        arguments: schema.filter(|_| matters).map(argument_rules).unwrap_or_default(),
        places: schema.filter(|_| matters).map(places).unwrap_or_default(),
        definition: judged.definition.hash().as_str().to_owned(),
    }
}

/// The policy of a server: tools sorted by name, a name that comes twice once, as severely as its worse half.
pub fn policy_for_server<'a>(
    server: &ServerKey,
    release: &str,
    tools: impl IntoIterator<Item = Judged<'a>>,
    numbers: &Numbers,
    tier: Tier,
) -> ServerPolicy {
    let mut by_name: BTreeMap<&str, ToolPolicy> = BTreeMap::new();
    for judged in tools {
        let policy = policy_for_tool(judged, numbers, tier);
        match by_name.get_mut(judged.definition.name()) {
            None => {
                by_name.insert(judged.definition.name(), policy);
            }
            Some(known) => {
                known.class = known.class.max(policy.class);
                known.risk = known.risk.max(policy.risk);
                if policy.rule.strictness() > known.rule.strictness() {
                    let (class, risk) = (known.class, known.risk);
                    *known = ToolPolicy { class, risk, ..policy };
                }
                // Two definitions: what one schema says is not safe to state for the other.
                known.arguments.clear();
                known.reason.push_str("; the server lists the name twice");
            }
        }
    }
    ServerPolicy {
        server: server.clone(),
        release: release.to_owned(),
        default: numbers.default_rule(tier),
        tools: by_name.into_values().collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(class: Class, needs_review: bool) -> Verdict {
        Verdict { class, risk: Risk::Low, signals: vec![], confidence: 0.9, needs_review, evidence: vec![] }
    }

    fn definition(text: &str) -> ToolDefinition {
        ToolDefinition::from_json(text).unwrap()
    }

    #[test]
    fn a_name_listed_twice_gets_the_stricter_rule_and_the_list_is_sorted() {
        let [a, b] = [r#"{"name":"a"}"#, r#"{"name":"b"}"#].map(definition);
        let [read, write, execute] =
            [Class::Read, Class::Write, Class::Execute].map(|class| verdict(class, false));
        let tools = [(&b, &read), (&a, &write), (&b, &execute), (&b, &write)]
            .map(|(definition, verdict)| Judged { definition, verdict });
        let server = ServerKey::npm("x").unwrap();
        let numbers = Numbers::for_tests();
        let policy = policy_for_server(&server, "1.0.0", tools, &numbers, Tier::Recommended);
        let names: Vec<&str> = policy.tools.iter().map(|t| t.tool.raw()).collect();
        assert_eq!(names, ["a", "b"]);
        assert_eq!(policy.tools.last().unwrap().class, Class::Execute);
        assert_eq!(policy.tools.last().unwrap().rule, Rule::Limit { max: 10, window: Window::Minute });
        assert_eq!(policy.default, Rule::Deny);
    }

    #[test]
    fn the_key_in_a_client_is_the_last_part_of_the_name() {
        for (server, key) in [
            ("npm:@scope/Server-Name", "server-name"),
            ("npm:a.b_c", "a-b-c"),
            ("github:owner/repo", "repo"),
            ("remote:https://host.example/mcp/", "mcp"),
            ("pypi:a-very-long-name-of-a-server-indeed", "a-very-long-name-of-a-ser"),
        ] {
            assert_eq!(default_server_key(&server.parse().unwrap()), key);
        }
    }
}
