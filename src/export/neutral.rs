//! The neutral form as JSON: all that is known of a policy, and the only input of `policy diff` and `policy merge`.
//!
//! Documented in docs/POLICY.md. Nothing is lost in it, so it is read back into the very policy it was made from.

mod reading;

use std::collections::BTreeMap;

use serde::Serialize;

use super::node::{Findings, Kind, Node, from_json, join};
use super::plan::Plan;
use super::{Can, Exporter, Finding, Form, Level, any_key, as_degraded, json};
use crate::model::{Class, Risk, ServerKey, Untrusted};
use crate::policy::{
    ArgumentRule, Check, Keyed, Place, PlaceKind, PolicySet, Rule, Scalar, ServerPolicy, Tier, ToolPolicy,
    Window,
};

pub(super) use reading::reading_of;

/// The key that tells the form from others, and its version.
pub(super) const MARK: &str = "catalogue_policy";

/// The table's entry.
pub(super) const EXPORTER: Exporter = Exporter {
    id: "json",
    title: "neutral JSON",
    file_name: "policy.json",
    language: "json",
    can: Can {
        limit: true,
        ask: true,
        deny: true,
        hide: true,
        arguments: true,
        deny_by_default: true,
        several: true,
    },
    on_pages: false,
    advisory: false,
    strict_refuses: false,
    asking_hides: false,
    believes_hints: false,
    tried_with: "the form of docs/POLICY.md",
    notes: &[],
    form: Form::Raw,
    key_fault: any_key,
    exact: as_degraded,
    write,
    validate,
    read: reading::reading,
};

#[derive(Serialize)]
struct Document<'a> {
    #[serde(rename = "catalogue_policy")]
    version: u32,
    tier: Tier,
    header: &'a [String],
    servers: BTreeMap<&'a str, Server<'a>>,
}

#[derive(Serialize)]
struct Server<'a> {
    server: &'a ServerKey,
    release: &'a str,
    default: Rule,
    tools: BTreeMap<&'a str, Tool<'a>>,
}

#[derive(Serialize)]
struct Tool<'a> {
    #[serde(flatten)]
    rule: Rule,
    class: Class,
    risk: Risk,
    reason: &'a str,
    definition: &'a str,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    arguments: &'a [ArgumentRule],
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    fill_in: &'a [Place],
}

fn write(plan: &Plan<'_>) -> String {
    text(plan)
}

/// The document as text.
pub(super) fn text(plan: &Plan<'_>) -> String {
    let mut servers = BTreeMap::new();
    for server in &plan.servers {
        let policy = server.policy;
        let tools = policy.tools.iter().map(|tool| {
            let entry = Tool {
                rule: tool.rule,
                class: tool.class,
                risk: tool.risk,
                reason: &tool.reason,
                definition: &tool.definition,
                arguments: &tool.arguments,
                fill_in: &tool.places,
            };
            (tool.tool.raw(), entry)
        });
        let entry = Server {
            server: &policy.server,
            release: &policy.release,
            default: policy.default,
            tools: tools.collect(),
        };
        servers.insert(server.key, entry);
    }
    json::document(&Document { version: 1, tier: plan.tier, header: &plan.header, servers })
}

fn validate(text: &str) -> Vec<Finding> {
    match read(text) {
        Ok((_, findings)) | Err(findings) => findings,
    }
}

/// The policies of a neutral document, with its warnings.
///
/// # Errors
/// Every error and warning, in the order of the document.
pub fn read(text: &str) -> Result<(PolicySet, Vec<Finding>), Vec<Finding>> {
    read_node(&from_json(text).map_err(|finding| vec![finding])?)
}

/// The same for a document that is part of another.
pub(super) fn read_node(root: &Node) -> Result<(PolicySet, Vec<Finding>), Vec<Finding>> {
    let mut reader = Reader { findings: Findings::default() };
    let set = reader.document(root);
    let findings = reader.findings.sorted();
    match set {
        Some(set) if findings.iter().all(|f| f.level != Level::Error) => Ok((set, findings)),
        _ => Err(findings),
    }
}

struct Reader {
    findings: Findings,
}

impl Reader {
    fn map<'a>(
        &mut self,
        path: &str,
        node: &'a Node,
        known: Option<&[&str]>,
    ) -> Option<&'a [(super::node::Key, Node)]> {
        let map = node.as_map();
        match (map, known) {
            (None, _) => {
                self.findings.error(path, node, format!("must be an object, this is {}", node.what()))
            }
            (Some(map), Some(known)) => self.findings.unknown_keys(path, map, known),
            (Some(_), None) => {}
        }
        map
    }

    fn text<'a>(&mut self, path: &str, node: &'a Node, key: &str) -> Option<&'a str> {
        let found = node.get(key);
        let text = found.and_then(Node::as_text);
        if text.is_none() {
            self.findings.error(&join(path, key), found.unwrap_or(node), "must be there and a text");
        }
        text
    }

    fn word<T: std::str::FromStr>(&mut self, path: &str, node: &Node, key: &str) -> Option<T> {
        let word = self.text(path, node, key)?.parse().ok();
        if word.is_none() {
            self.findings.error(
                &join(path, key),
                node.get(key).unwrap_or(node),
                "is no word that is known here",
            );
        }
        word
    }

    fn document(&mut self, root: &Node) -> Option<PolicySet> {
        self.map("", root, Some(&[MARK, "tier", "header", "servers"]))?;
        if root.get(MARK).map(|n| &n.kind) != Some(&Kind::Number(1.0)) {
            self.findings.error(MARK, root.get(MARK).unwrap_or(root), "must be 1");
        }
        let tier = self.text("", root, "tier").and_then(|w| Tier::ALL.into_iter().find(|t| t.as_str() == w));
        if tier.is_none() {
            self.findings.error(
                "tier",
                root.get("tier").unwrap_or(root),
                "must be strict, recommended or permissive",
            );
        }
        let Some(servers) = root.get("servers") else {
            self.findings.error("servers", root, "missing");
            return None;
        };
        let mut keyed = Vec::new();
        for (key, server) in self.map("servers", servers, None)? {
            let policy = self.server(&join("servers", &key.text), server);
            keyed.extend(policy.map(|policy| Keyed { key: key.text.clone(), policy }));
        }
        keyed.sort_by(|a, b| a.key.cmp(&b.key));
        Some(PolicySet { tier: tier?, servers: keyed })
    }

    fn server(&mut self, path: &str, node: &Node) -> Option<ServerPolicy> {
        self.map(path, node, Some(&["server", "release", "default", "tools"]))?;
        let server: Option<ServerKey> = self.word(path, node, "server");
        let release = self.text(path, node, "release")?.to_owned();
        let default = match node.get("default") {
            Some(rule) => {
                let path = join(path, "default");
                self.map(&path, rule, Some(&["rule", "max", "window"]))?;
                self.rule(&path, rule)
            }
            None => {
                self.findings.error(
                    &join(path, "default"),
                    node,
                    "missing: nothing would be said of other tools",
                );
                None
            }
        };
        let path = join(path, "tools");
        let Some(tools) = node.get("tools") else {
            self.findings.error(&path, node, "missing");
            return None;
        };
        let mut list = Vec::new();
        for (name, tool) in self.map(&path, tools, None)? {
            list.extend(self.tool(&join(&path, &name.text), &name.text, tool));
        }
        list.sort_by(|a, b| a.tool.raw().cmp(b.tool.raw()));
        Some(ServerPolicy { server: server?, release, default: default?, tools: list })
    }

    fn rule(&mut self, path: &str, node: &Node) -> Option<Rule> {
        let word = self.text(path, node, "rule")?;
        if word != "limit" {
            for key in ["max", "window"] {
                if let Some(extra) = node.get(key) {
                    self.findings.error(&join(path, key), extra, "stands only beside the rule limit");
                }
            }
        }
        match word {
            "allow" => Some(Rule::Allow),
            "ask" => Some(Rule::Ask),
            "deny" => Some(Rule::Deny),
            "hide" => Some(Rule::Hide),
            "limit" => {
                let max = match node.get("max").map(|n| &n.kind) {
                    Some(Kind::Number(n)) if n.fract() == 0.0 && *n >= 1.0 && *n <= f64::from(u32::MAX) => {
                        Some(*n as u32)
                    }
                    _ => {
                        self.findings.error(
                            &join(path, "max"),
                            node.get("max").unwrap_or(node),
                            "must be a whole number from 1",
                        );
                        None
                    }
                };
                let window = self
                    .text(path, node, "window")
                    .and_then(|w| Window::ALL.into_iter().find(|x| x.as_str() == w));
                if window.is_none() {
                    self.findings.error(
                        &join(path, "window"),
                        node.get("window").unwrap_or(node),
                        "must be minute, hour or day",
                    );
                }
                Some(Rule::Limit { max: max?, window: window? })
            }
            _ => {
                let at = node.get("rule").unwrap_or(node);
                self.findings.error(&join(path, "rule"), at, "must be allow, limit, ask, deny or hide");
                None
            }
        }
    }

    fn tool(&mut self, path: &str, name: &str, node: &Node) -> Option<ToolPolicy> {
        let known =
            ["rule", "max", "window", "class", "risk", "reason", "definition", "arguments", "fill_in"];
        self.map(path, node, Some(&known))?;
        let rule = self.rule(path, node);
        let (class, risk) = (self.word(path, node, "class"), self.word(path, node, "risk"));
        let reason = self.text(path, node, "reason").map(str::to_owned);
        let definition = self.text(path, node, "definition").map(str::to_owned);
        let arguments = self.list(path, node, "arguments", Self::argument);
        let places = self.list(path, node, "fill_in", Self::place);
        Some(ToolPolicy {
            tool: Untrusted::new(name),
            class: class?,
            risk: risk?,
            rule: rule?,
            reason: reason?,
            arguments,
            places,
            definition: definition?,
        })
    }

    fn list<T>(
        &mut self,
        path: &str,
        node: &Node,
        key: &str,
        one: fn(&mut Self, &str, &Node) -> Option<T>,
    ) -> Vec<T> {
        let path = join(path, key);
        let Some(list) = node.get(key) else { return Vec::new() };
        let Some(items) = list.as_list() else {
            self.findings.error(&path, list, format!("must be a list, this is {}", list.what()));
            return Vec::new();
        };
        items.iter().enumerate().filter_map(|(i, item)| one(self, &format!("{path}[{i}]"), item)).collect()
    }

    fn argument(&mut self, path: &str, node: &Node) -> Option<ArgumentRule> {
        self.map(path, node, Some(&["argument", "must", "values", "max", "value", "absent"]))?;
        let argument = self.text(path, node, "argument")?.to_owned();
        let must = self.text(path, node, "must")?;
        let flag = |key: &str| match node.get(key).map(|n| &n.kind) {
            Some(Kind::Bool(value)) => Some(*value),
            _ => None,
        };
        let check = match must {
            "be-present" => Some(Check::BePresent),
            "be-at-most" => match node.get("max").map(|n| &n.kind) {
                Some(Kind::Number(max)) => Some(Check::BeAtMost { max: *max }),
                _ => None,
            },
            "be-one-of" => {
                let items = node.get("values").and_then(Node::as_list).unwrap_or_default();
                let values: Option<Vec<Scalar>> = items.iter().map(scalar).collect();
                values.filter(|v| !v.is_empty()).map(|values| Check::BeOneOf { values })
            }
            "be" => flag("value").zip(flag("absent")).map(|(value, absent)| Check::Be { value, absent }),
            _ => None,
        };
        if check.is_none() {
            let message =
                "must be be-present, be-one-of with values, be-at-most with max, or be with value and absent";
            self.findings.error(&join(path, "must"), node, message);
        }
        Some(ArgumentRule { argument, check: check? })
    }

    fn place(&mut self, path: &str, node: &Node) -> Option<Place> {
        self.map(path, node, Some(&["argument", "kind"]))?;
        let argument = self.text(path, node, "argument")?.to_owned();
        let kind = match self.text(path, node, "kind")? {
            "path-prefix" => Some(PlaceKind::PathPrefix),
            "url-host" => Some(PlaceKind::UrlHost),
            _ => None,
        };
        if kind.is_none() {
            self.findings.error(&join(path, "kind"), node, "must be path-prefix or url-host");
        }
        Some(Place { argument, kind: kind? })
    }
}

fn scalar(node: &Node) -> Option<Scalar> {
    match &node.kind {
        Kind::Bool(value) => Some(Scalar::Bool(*value)),
        Kind::Number(value) => Some(Scalar::Number(*value)),
        Kind::Text(text) => Some(Scalar::Text(text.clone())),
        Kind::Null | Kind::List(_) | Kind::Map(_) => None,
    }
}
