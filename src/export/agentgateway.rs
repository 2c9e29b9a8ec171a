//! agentgateway: `mcpAuthorization` rules in CEL.
//!
//! Source: research/policy-targets.md section 2.4. With any allow rule everything else is denied; with none, everything is
//! allowed, so there is always one. Names are raw. Arguments are not filled in when rules are decided, so nothing can be
//! said of them. The gateway reads its own dialect of CEL: nothing but `==`, `&&` and `in` is written.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use super::node::{Findings, Node, from_yaml, join};
use super::plan::Plan;
use super::shape::{Fields, Shape, list};
use super::yaml::Yaml;
use super::{Can, Exporter, Finding, Form, Level, Named, Reading, as_degraded};
use crate::model::text::is_unprintable;
use crate::policy::{Decided, Rule};

/// The table's entry.
pub(super) const EXPORTER: Exporter = Exporter {
    id: "agentgateway",
    title: "agentgateway",
    file_name: "config.yaml",
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
    tried_with: "its schema, and CEL in crate cel 0.15.0",
    notes: &[
        "Put mcpAuthorization into the policies of your own file, or fill in how each target is started. What a person should decide is denied.",
        "Prompts and resources need allow rules of their own: with these alone they are denied.",
    ],
    form: Form::Raw,
    key_fault,
    exact: as_degraded,
    write,
    validate,
    read,
};

fn key_fault(key: &str) -> Option<&'static str> {
    key.contains('_').then_some("holds _, where the gateway splits the name that its clients see")
}

/// A CEL text with its quotes.
fn cel_text(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            c if is_unprintable(c) => {
                let code = u32::from(c);
                let _ =
                    if code > 0xFFFF { write!(out, "\\U{code:08x}") } else { write!(out, "\\u{code:04x}") };
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// The text of a CEL literal that begins `text`, and what follows it.
fn cel_literal(text: &str) -> Option<(String, &str)> {
    let mut chars = text.strip_prefix('"')?.chars();
    let mut out = String::new();
    loop {
        match chars.next()? {
            '"' => return Some((out, chars.as_str())),
            '\\' => {
                let c = chars.next()?;
                let digits = match c {
                    'u' => 4,
                    'U' => 8,
                    'x' => 2,
                    '"' | '\\' => {
                        out.push(c);
                        continue;
                    }
                    _ => return None,
                };
                let code: String = chars.by_ref().take(digits).collect();
                out.push(char::from_u32(u32::from_str_radix(&code, 16).ok()?)?);
            }
            c => out.push(c),
        }
    }
}

const TARGET: &str = "mcp.tool.target == ";
const NAMES: &str = " && mcp.tool.name in [";

fn write(plan: &Plan<'_>) -> String {
    let mut rules: Vec<Yaml<'_>> = Vec::new();
    for server in &plan.servers {
        let names: Vec<String> =
            server.names_with(|rule| rule == Rule::Allow).into_iter().map(cel_text).collect();
        if !names.is_empty() {
            let rule = format!("{TARGET}{}{NAMES}{}]", cel_text(server.key), names.join(", "));
            rules.push(Yaml::Text(rule.into()));
        }
    }
    if rules.is_empty() {
        rules.push(Yaml::text("false"));
    }
    let rules = Yaml::Fields(vec![("rules", Yaml::List(rules))]);
    let policies = Yaml::Fields(vec![("mcpAuthorization", rules)]);
    // Its schema wants the servers as well; how they are started is the reader's to fill in.
    let targets = plan.servers.iter().map(|server| {
        let start = Yaml::Fields(vec![("cmd", Yaml::text("fill-in-the-command-of-this-server"))]);
        Yaml::Fields(vec![("name", Yaml::text(server.key)), ("stdio", start)])
    });
    let mcp = Yaml::Fields(vec![("targets", Yaml::List(targets.collect())), ("policies", policies)]);
    Yaml::Fields(vec![("mcp", mcp)]).document_below(&plan.header)
}

fn validate(text: &str) -> Vec<Finding> {
    match from_yaml(text) {
        Ok(root) => check(&root).sorted(),
        Err(finding) => vec![finding],
    }
}

fn rules(root: &Node) -> Option<&Node> {
    root.get("mcp")?.get("policies")?.get("mcpAuthorization")?.get("rules")
}

const PORT: Shape = Shape::Whole(0, 65_535);
/// A server behind an address: `host`, or the name of a backend.
const ADDRESS: Shape = Shape::Fields(&Fields {
    known: &[
        ("host", Shape::Text),
        ("port", PORT),
        ("path", Shape::Maybe(&Shape::Text)),
        ("backend", Shape::Text),
    ],
    needed: &[],
    one_of: &["host", "backend"],
});
const STARTED: Shape = Shape::Fields(&Fields {
    known: &[
        ("cmd", Shape::Text),
        ("args", list(&Shape::Text)),
        ("env", Shape::Map(&Shape::Text)),
        ("clear_env", Shape::Bool),
    ],
    needed: &["cmd"],
    one_of: &[],
});
const OPENAPI: Shape = Shape::Fields(&Fields {
    known: &[
        ("schema", Shape::Either(&[Shape::Text, Shape::Map(&Shape::Text)])),
        ("host", Shape::Text),
        ("port", PORT),
        ("path", Shape::Maybe(&Shape::Text)),
        ("backend", Shape::Text),
    ],
    needed: &["schema"],
    one_of: &["host", "backend"],
});
const TARGETS: Shape = list(&Shape::Fields(&Fields {
    known: &[
        ("name", Shape::Text),
        ("policies", Shape::Anything),
        ("stdio", STARTED),
        ("sse", ADDRESS),
        ("mcp", ADDRESS),
        ("openapi", OPENAPI),
    ],
    needed: &["name"],
    one_of: &["stdio", "sse", "mcp", "openapi"],
}));
/// The whole file, by its schema at v1.4.1. What is said about calls is looked at closer below.
const FILE: Shape = Shape::Fields(&Fields {
    known: &[
        ("mcp", MCP),
        ("config", Shape::Anything),
        ("binds", Shape::Anything),
        ("frontendPolicies", Shape::Anything),
        ("policies", Shape::Anything),
        ("workloads", Shape::Anything),
        ("services", Shape::Anything),
        ("backends", Shape::Anything),
        ("routeGroups", Shape::Anything),
        ("gateways", Shape::Anything),
        ("routes", Shape::Anything),
        ("tcpRoutes", Shape::Anything),
        ("llm", Shape::Anything),
        ("ui", Shape::Anything),
    ],
    needed: &[],
    one_of: &[],
});
const MCP: Shape = Shape::Fields(&Fields {
    known: &[
        ("targets", TARGETS),
        ("policies", POLICIES),
        ("gateways", Shape::Either(&[Shape::Text, list(&Shape::Text)])),
        ("port", Shape::Maybe(&PORT)),
        ("statefulMode", Shape::Word(&["stateless", "stateful"])),
        ("prefixMode", Shape::Maybe(&Shape::Word(&["conditional", "always", "never"]))),
        ("failureMode", Shape::Maybe(&Shape::Word(&["failClosed", "failOpen"]))),
        ("dnsRebindingProtection", Shape::Bool),
    ],
    needed: &["targets"],
    one_of: &[],
});
const POLICIES: Shape = Shape::Fields(&Fields {
    known: &[
        (
            "mcpAuthorization",
            Shape::Fields(&Fields { known: &[("rules", Shape::Anything)], needed: &[], one_of: &[] }),
        ),
        ("mcpAuthentication", Shape::Anything),
        ("mcpGuardrails", Shape::Anything),
        ("authorization", Shape::Anything),
        ("requestHeaderModifier", Shape::Anything),
        ("responseHeaderModifier", Shape::Anything),
        ("requestRedirect", Shape::Anything),
        ("urlRewrite", Shape::Anything),
        ("requestMirror", Shape::Anything),
        ("directResponse", Shape::Anything),
        ("cors", Shape::Anything),
        ("a2a", Shape::Anything),
        ("ai", Shape::Anything),
        ("backendTLS", Shape::Anything),
        ("backendTunnel", Shape::Anything),
        ("backendAuth", Shape::Anything),
        ("localRateLimit", Shape::Anything),
        ("remoteRateLimit", Shape::Anything),
        ("jwtAuth", Shape::Anything),
        ("oidc", Shape::Anything),
        ("basicAuth", Shape::Anything),
        ("apiKey", Shape::Anything),
        ("extAuthz", Shape::Anything),
        ("extProc", Shape::Anything),
        ("transformations", Shape::Anything),
        ("csrf", Shape::Anything),
        ("buffer", Shape::Anything),
        ("timeout", Shape::Anything),
        ("retry", Shape::Anything),
        ("delay", Shape::Anything),
    ],
    needed: &[],
    one_of: &[],
});

fn check(root: &Node) -> Findings {
    let mut findings = Findings::default();
    FILE.check("", root, &mut findings);
    let (mut at, mut path) = (root, String::new());
    for key in ["mcp", "policies", "mcpAuthorization", "rules"] {
        // What is no map is told by the shape.
        if at.as_map().is_none() {
            return findings;
        }
        path = join(&path, key);
        let Some(next) = at.get(key) else {
            findings.error(&path, at, "missing: without a rule every call is allowed");
            return findings;
        };
        at = next;
    }
    let Some(items) = at.as_list() else {
        findings.error(&path, at, format!("must be a list, this is {}", at.what()));
        return findings;
    };
    let mut allows = 0;
    for (i, item) in items.iter().enumerate() {
        let path = format!("{path}[{i}]");
        let (kind, text) = match item.as_map() {
            None => ("allow", item.as_text()),
            Some([(key, value)]) => (key.text.as_str(), value.as_text()),
            Some(_) => ("", None),
        };
        if !matches!(kind, "allow" | "deny" | "require") {
            findings.error(&path, item, "must be a CEL text, or one of allow, deny and require with one");
            continue;
        }
        allows += usize::from(kind == "allow");
        match text {
            None => findings.error(&path, item, "must be a CEL text"),
            Some(text) if text.contains("mcp.tool.arguments") => {
                findings.error(
                    &path,
                    item,
                    "never fires: arguments are not filled in when rules are decided",
                );
            }
            Some(text) if text != "false" && !text.starts_with(TARGET) => {
                let message = "CEL of another shape than is exported: whether it is right is not checked";
                findings.warning(&path, item, message);
            }
            Some(_) => {}
        }
    }
    if allows == 0 {
        findings.error(
            &path,
            at,
            "no allow rule, so everything that no rule denies is allowed; write \"false\"",
        );
    }
    findings
}

fn read(text: &str) -> Option<Reading> {
    let root = from_yaml(text).ok()?;
    if check(&root).0.iter().any(|f| f.level == Level::Error) {
        return None;
    }
    let mut allowed: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut names = Vec::new();
    for (i, item) in rules(&root)?.as_list()?.iter().enumerate() {
        let text = item.as_text()?;
        if text == "false" {
            continue;
        }
        // Only the shape that is written here is understood.
        let (key, rest) = cel_literal(text.strip_prefix(TARGET)?)?;
        let mut rest = rest.strip_prefix(NAMES)?;
        loop {
            let (name, after) = cel_literal(rest)?;
            names.push(Named {
                key: Some(key.clone()),
                name: name.clone(),
                path: format!("mcp.policies.mcpAuthorization.rules[{i}]"),
                line: item.line,
                column: item.column,
            });
            allowed.entry(key.clone()).or_default().insert(name);
            match after.strip_prefix(", ") {
                Some(next) => rest = next,
                None if after == "]" => break,
                None => return None,
            }
        }
    }
    Some(Reading::new(allowed.keys().cloned().collect(), names, move |key, tool, _| {
        match allowed.get(key).is_some_and(|names| names.contains(tool)) {
            true => Decided::new(Rule::Allow, format!("mcpAuthorization: allow for {key:?}")),
            false => Decided::new(Rule::Hide, "mcpAuthorization: no rule allows it"),
        }
    }))
}
