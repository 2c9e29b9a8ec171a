//! Docker MCP gateway: `tools.yaml`, a list of tools for each server.
//!
//! Source: research/policy-targets.md section 2.7. Names are raw, exact and case-sensitive; a server that is not there has
//! all its tools, one with an empty list none. Nothing but offering a tool or not can be said.

use std::collections::BTreeSet;

use super::node::{Findings, Node, from_yaml, join};
use super::plan::Plan;
use super::yaml::{LONGEST_KEY, Yaml, quoted_len};
use super::{Can, EffectiveRule, Exporter, Finding, Form, Level, Named, Reading, Reason};
use crate::policy::{Decided, Rule, ToolPolicy};

/// The table's entry.
pub(super) const EXPORTER: Exporter = Exporter {
    id: "docker",
    title: "Docker MCP gateway",
    file_name: "tools.yaml",
    language: "yaml",
    can: Can {
        limit: false,
        ask: false,
        deny: false,
        hide: true,
        arguments: false,
        deny_by_default: true,
        several: true,
    },
    on_pages: false,
    advisory: false,
    strict_refuses: false,
    asking_hides: true,
    believes_hints: false,
    tried_with: "from its source at 2bd20fe8",
    notes: &[
        "A server of your profile that is missing here has all its tools. What a person should decide is left out.",
    ],
    form: Form::Raw,
    key_fault,
    exact,
    write,
    validate,
    read,
};

/// Found by the fuzz target `policies`: the document could not be read.
fn key_fault(key: &str) -> Option<&'static str> {
    (quoted_len(key) > LONGEST_KEY)
        .then_some("is longer than a key of YAML can be, 1,024 characters with its escapes")
}

fn exact(_: &str, policy: &ToolPolicy, effective: EffectiveRule) -> EffectiveRule {
    // A wildcard nowhere, but other files of the gateway have one: not worth the doubt.
    match effective.rule {
        Rule::Allow if policy.tool.raw() == "*" => effective.instead(Rule::Hide, Reason::WildcardName),
        _ => effective,
    }
}

fn write(plan: &Plan<'_>) -> String {
    let servers = plan.servers.iter().map(|server| {
        let offered = server.names_with(|rule| rule == Rule::Allow);
        (server.key, Yaml::List(offered.into_iter().map(Yaml::text).collect()))
    });
    Yaml::Names(servers.collect()).document_below(&plan.header)
}

fn validate(text: &str) -> Vec<Finding> {
    match from_yaml(text) {
        Ok(root) => check(&root).sorted(),
        Err(finding) => vec![finding],
    }
}

fn check(root: &Node) -> Findings {
    let mut findings = Findings::default();
    let Some(servers) = root.as_map() else {
        findings.error("", root, format!("must be a map of servers, this is {}", root.what()));
        return findings;
    };
    if servers.is_empty() {
        findings.warning("", root, "names no server, so every server has all its tools");
    }
    for (key, tools) in servers {
        let path = join("", &key.text);
        let Some(items) = tools.as_list() else {
            let message = format!("must be a list of tools, this is {}; write [] for none", tools.what());
            findings.error(&path, tools, message);
            continue;
        };
        let mut seen = BTreeSet::new();
        for (i, item) in items.iter().enumerate() {
            let path = format!("{path}[{i}]");
            match item.as_text() {
                None => findings.error(&path, item, format!("must be a name, this is {}", item.what())),
                Some(name) if !seen.insert(name) => {
                    findings.error(&path, item, "stands in this list already")
                }
                Some(name) if name.contains('*') => {
                    findings.warning(
                        &path,
                        item,
                        "there are no wildcards: this names one tool with a * in its name",
                    );
                }
                Some(_) => {}
            }
        }
    }
    findings
}

fn read(text: &str) -> Option<Reading> {
    let root = from_yaml(text).ok()?;
    if check(&root).0.iter().any(|f| f.level == Level::Error) {
        return None;
    }
    let mut names = Vec::new();
    let mut keys = Vec::new();
    for (key, tools) in root.as_map()? {
        keys.push(key.text.clone());
        for (i, item) in tools.as_list()?.iter().enumerate() {
            names.push(Named {
                key: Some(key.text.clone()),
                name: item.as_text()?.to_owned(),
                path: format!("{}[{i}]", join("", &key.text)),
                line: item.line,
                column: item.column,
            });
        }
    }
    Some(Reading::new(keys, names, move |key, tool, _| {
        let path = join("", key);
        match root.get(key).and_then(Node::as_list) {
            None => Decided::new(Rule::Allow, "the server is not named: all its tools"),
            Some(items) if items.iter().any(|item| item.as_text() == Some(tool)) => {
                Decided::new(Rule::Allow, path)
            }
            Some(_) => Decided::new(Rule::Hide, format!("{path} does not name it")),
        }
    }))
}
