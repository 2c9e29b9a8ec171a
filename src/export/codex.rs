//! Codex: the tables `[mcp_servers.KEY]` of `config.toml`.
//!
//! Source: research/policy-targets.md section 1.2. Names are raw and exact. `enabled_tools` is what is offered, and where
//! the policy denies by default it names all that is; `disabled_tools` wins. `auto` and `writes` believe the server's
//! own hints, so neither is ever written and the default always is. A table needs a transport, which is the user's:
//! the document is a part to put into his own file, and `command` holds a place to fill in.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use super::node::{Findings, Node, from_toml, join};
use super::plan::Plan;
use super::shape::{Fields, Shape, list};
use super::{Can, Exporter, Finding, Form, Level, Named, Reading, as_degraded, toml_text};
use crate::policy::{Decided, Rule};

/// The table's entry.
pub(super) const EXPORTER: Exporter = Exporter {
    id: "codex",
    title: "Codex",
    file_name: "config.toml",
    language: "toml",
    can: Can {
        limit: false,
        ask: true,
        deny: false,
        hide: true,
        arguments: false,
        deny_by_default: true,
        several: true,
    },
    on_pages: true,
    advisory: false,
    strict_refuses: false,
    asking_hides: false,
    believes_hints: false,
    tried_with: "tried with 0.169.0",
    notes: &["Put the lines of each table below the command or url of that server in your own config.toml."],
    form: Form::Raw,
    key_fault,
    exact: as_degraded,
    write,
    validate,
    read,
};

/// What stands for the user's own transport.
const PLACE: &str = "fill-in-the-command-of-this-server";

fn key_fault(key: &str) -> Option<&'static str> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    (key.is_empty() || !key.chars().all(plain)).then_some(
        "holds more than letters, digits, _ and -; Codex does not start some of those and says nothing",
    )
}

fn write(plan: &Plan<'_>) -> String {
    let mut out = toml_text::comment(&plan.header);
    for server in &plan.servers {
        let key = toml_text::text(server.key);
        let _ = writeln!(out, "\n[mcp_servers.{key}]\ncommand = {}", toml_text::text(PLACE));
        let named = server.named();
        let with = |wanted: fn(Rule) -> bool| {
            let with = named.iter().filter(|(_, tool)| wanted(tool.effective.rule));
            toml_text::list(with.map(|(name, _)| *name))
        };
        if server.default != Rule::Ask {
            let offered = with(|rule| matches!(rule, Rule::Allow | Rule::Ask));
            let _ = writeln!(out, "enabled_tools = {offered}");
        }
        let hidden = with(|rule| matches!(rule, Rule::Deny | Rule::Hide));
        let _ = writeln!(out, "disabled_tools = {hidden}");
        let _ = writeln!(out, "default_tools_approval_mode = \"prompt\"");
        for (name, tool) in named {
            let mode = match tool.effective.rule {
                Rule::Allow => "approve",
                Rule::Ask => "prompt",
                _ => continue,
            };
            ["\n[mcp_servers.", &key, ".tools."].iter().for_each(|part| out.push_str(part));
            toml_text::put_text(name, &mut out);
            ["]\napproval_mode = \"", mode, "\"\n"].iter().for_each(|part| out.push_str(part));
        }
    }
    out
}

const MODES: [&str; 4] = ["auto", "prompt", "writes", "approve"];
const SOURCE: Shape = Shape::TextThat(|word| matches!(word, "local" | "remote"), "local or remote");
const VARIABLE: Shape = Shape::Either(&[
    Shape::Text,
    Shape::Fields(&Fields {
        known: &[("name", Shape::Text), ("source", SOURCE)],
        needed: &["name"],
        one_of: &[],
    }),
]);
/// A server's table. What tools are offered and asked for is looked at closer below.
const SERVER: Shape = Shape::Fields(&Fields {
    known: &[
        ("command", Shape::Text),
        ("args", list(&Shape::Text)),
        ("env", Shape::Map(&Shape::Text)),
        ("env_vars", list(&VARIABLE)),
        ("cwd", Shape::Text),
        ("url", Shape::Text),
        ("bearer_token_env_var", Shape::Text),
        ("http_headers", Shape::Map(&Shape::Text)),
        ("env_http_headers", Shape::Map(&Shape::Text)),
        ("auth", Shape::Word(&["oauth", "chatgpt"])),
        ("oauth", Shape::Fields(&Fields { known: &[("client_id", Shape::Text)], needed: &[], one_of: &[] })),
        ("oauth_resource", Shape::Text),
        ("scopes", list(&Shape::Text)),
        ("environment_id", Shape::Text),
        ("name", Shape::Text),
        ("enabled", Shape::Bool),
        ("required", Shape::Bool),
        ("supports_parallel_tool_calls", Shape::Bool),
        ("startup_timeout_sec", Shape::Number),
        ("startup_timeout_ms", Shape::Whole(0, i64::MAX)),
        ("tool_timeout_sec", Shape::Number),
        ("enabled_tools", Shape::Anything),
        ("disabled_tools", Shape::Anything),
        ("default_tools_approval_mode", Shape::Anything),
        ("tools", Shape::Anything),
    ],
    needed: &[],
    one_of: &[],
});
/// What only servers behind an address may have, and what only those may that are started.
const REMOTE_ONLY: [&str; 7] =
    ["url", "bearer_token_env_var", "http_headers", "env_http_headers", "oauth", "oauth_resource", "auth"];
const STARTED_ONLY: [&str; 4] = ["args", "env", "env_vars", "cwd"];

fn validate(text: &str) -> Vec<Finding> {
    match from_toml(text) {
        Ok(root) => check(&root).sorted(),
        Err(finding) => vec![finding],
    }
}

fn check(root: &Node) -> Findings {
    let mut findings = Findings::default();
    for (key, value) in root.as_map().unwrap_or_default() {
        match super::node::nearest(&key.text, &["mcp_servers"]) {
            _ if key.text == "mcp_servers" => {}
            Some(_) => findings.error(&key.text, value, "unknown key. Did you mean mcp_servers?"),
            None => findings.warning(&key.text, value, "no part of a policy; not checked here"),
        }
    }
    let Some(servers) = root.get("mcp_servers") else {
        findings.error("mcp_servers", root, "missing, so nothing is said about any tool");
        return findings;
    };
    let Some(tables) = servers.as_map() else {
        findings.error("mcp_servers", servers, format!("must be a table, this is {}", servers.what()));
        return findings;
    };
    for (key, server) in tables {
        let path = join("mcp_servers", &key.text);
        if let Some(why) = key_fault(&key.text) {
            findings.warning(&path, server, format!("the key {why}"));
        }
        check_server(&path, server, &mut findings);
    }
    findings
}

fn check_server(path: &str, server: &Node, findings: &mut Findings) {
    let Some(fields) = server.as_map() else {
        return findings.error(path, server, format!("must be a table, this is {}", server.what()));
    };
    SERVER.check(path, server, findings);
    let (with, not): (&str, &[&str]) = match (server.get("command"), server.get("url")) {
        (Some(_), _) => ("command", &REMOTE_ONLY),
        (None, Some(_)) => ("url", &STARTED_ONLY),
        (None, None) => {
            findings.error(path, server, "needs command or url: Codex does not start without");
            ("", &[])
        }
    };
    for (key, value) in fields.iter().filter(|(key, _)| not.contains(&key.text.as_str())) {
        let message = format!("is not allowed beside {with}: Codex does not start");
        findings.error(&join(path, &key.text), value, message);
    }
    let mut lists: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for list in ["enabled_tools", "disabled_tools"] {
        let Some(node) = server.get(list) else { continue };
        let path = join(path, list);
        let Some(items) = node.as_list() else {
            findings.error(&path, node, format!("must be a list of names, this is {}", node.what()));
            continue;
        };
        for (i, item) in items.iter().enumerate() {
            let path = format!("{path}[{i}]");
            match item.as_text() {
                None => findings.error(&path, item, format!("must be a name, this is {}", item.what())),
                Some("*") => findings.warning(
                    &path,
                    item,
                    "names only a tool literally called *; there are no wildcards",
                ),
                Some(name) => {
                    if name.ends_with('*') {
                        findings.warning(
                            &path,
                            item,
                            "there are no wildcards: this names one tool with a * in its name",
                        );
                    }
                    if !lists.entry(list).or_default().insert(name) {
                        findings.warning(&path, item, "stands in this list already");
                    }
                }
            }
        }
    }
    let mode = |path: &str, node: &Node, findings: &mut Findings| match node.as_text() {
        Some(mode @ ("auto" | "writes")) => {
            let message = format!(
                "{mode} believes the server's own hints: a tool that claims to only read runs unasked"
            );
            findings.warning(path, node, message);
        }
        Some(mode) if MODES.contains(&mode) => {}
        _ => findings.error(path, node, format!("must be one of {}", MODES.join(", "))),
    };
    match server.get("default_tools_approval_mode") {
        Some(node) => mode(&join(path, "default_tools_approval_mode"), node, findings),
        None => {
            let message = "missing, which is auto: what the server calls read-only runs unasked";
            findings.warning(&join(path, "default_tools_approval_mode"), server, message);
        }
    }
    let Some(tools) = server.get("tools") else { return };
    let path = join(path, "tools");
    let Some(entries) = tools.as_map() else {
        return findings.error(&path, tools, format!("must be a table, this is {}", tools.what()));
    };
    for (name, tool) in entries {
        let path = join(&path, &name.text);
        let Some(fields) = tool.as_map() else {
            findings.error(&path, tool, format!("must be a table, this is {}", tool.what()));
            continue;
        };
        findings.unknown_keys(&path, fields, &["approval_mode"]);
        match tool.get("approval_mode") {
            Some(node) => mode(&join(&path, "approval_mode"), node, findings),
            None => findings.warning(&path, tool, "says nothing"),
        }
        let out = lists.get("disabled_tools").is_some_and(|l| l.contains(name.text.as_str()))
            || (server.get("enabled_tools").is_some()
                && !lists.get("enabled_tools").is_some_and(|l| l.contains(name.text.as_str())));
        if out {
            findings.warning(&path, tool, "can never fire: the tool is not offered");
        }
    }
}

fn read(text: &str) -> Option<Reading> {
    let root = from_toml(text).ok()?;
    if check(&root).0.iter().any(|f| f.level == Level::Error) {
        return None;
    }
    let servers = root.get("mcp_servers")?;
    let mut keys = Vec::new();
    let mut names = Vec::new();
    for (key, server) in servers.as_map()? {
        keys.push(key.text.clone());
        let mut add = |name: &str, path: String, line, column| {
            names.push(Named { key: Some(key.text.clone()), name: name.to_owned(), path, line, column });
        };
        for list in ["enabled_tools", "disabled_tools"] {
            for (i, item) in server.get(list).and_then(Node::as_list).unwrap_or_default().iter().enumerate() {
                add(
                    item.as_text()?,
                    format!("{}.{list}[{i}]", join("mcp_servers", &key.text)),
                    item.line,
                    item.column,
                );
            }
        }
        for (name, _) in server.get("tools").and_then(Node::as_map).unwrap_or_default() {
            let path = join(&format!("{}.tools", join("mcp_servers", &key.text)), &name.text);
            add(&name.text, path, name.line, name.column);
        }
    }
    Some(Reading::new(keys, names, move |key, tool, _| {
        let path = join("mcp_servers", key);
        let Some(server) = root.get("mcp_servers").and_then(|s| s.get(key)) else {
            return Decided::new(Rule::Allow, "no table for the server");
        };
        let holds = |list: &str| {
            let items = server.get(list).and_then(Node::as_list)?;
            Some(items.iter().any(|item| item.as_text() == Some(tool)))
        };
        if holds("disabled_tools") == Some(true) {
            return Decided::new(Rule::Hide, format!("{path}.disabled_tools"));
        }
        if holds("enabled_tools") == Some(false) {
            return Decided::new(Rule::Hide, format!("{path}.enabled_tools does not name it"));
        }
        let own = server.get("tools").and_then(|t| t.get(tool)).and_then(|t| t.get("approval_mode"));
        let (mode, by) = match own.and_then(Node::as_text) {
            Some(mode) => (mode, format!("{}.approval_mode", join(&format!("{path}.tools"), tool))),
            None => {
                let mode =
                    server.get("default_tools_approval_mode").and_then(Node::as_text).unwrap_or("auto");
                (mode, format!("{path}.default_tools_approval_mode"))
            }
        };
        // auto and writes let through what the server itself calls harmless: as good as allowed.
        Decided::new(if mode == "prompt" { Rule::Ask } else { Rule::Allow }, format!("{by}: {mode}"))
    }))
}
