//! Envoy AI gateway: an `MCPRoute` whose backends have a `toolSelector`.
//!
//! Source: research/policy-targets.md section 2.6. Names are raw; a selector has at most 32 entries, so longer lists are folded
//! into expressions, each anchored and with every metacharacter escaped. Authorization rules are not written: a deny with
//! a condition fails open there.

use super::node::{Findings, Node, from_yaml, join};
use super::plan::Plan;
use super::yaml::Yaml;
use super::{Can, EffectiveRule, Exporter, Finding, Form, Level, Named, Reading, Reason};
use crate::model::text::is_unprintable;
use crate::policy::{Decided, Rule, ToolPolicy};

/// The table's entry.
pub(super) const EXPORTER: Exporter = Exporter {
    id: "envoy",
    title: "Envoy AI gateway",
    file_name: "mcproute.yaml",
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
    tried_with: "its schema at v1.1.0",
    notes: &[
        "Put each toolSelector into the backend of your own MCPRoute, or fill in your Gateway. What a person should decide is left out.",
    ],
    form: Form::Raw,
    key_fault,
    exact,
    write,
    validate,
    read,
};

/// Most entries of a list in a selector.
const MOST: usize = 32;
const NOTHING: &str = "(?s).*";

fn key_fault(key: &str) -> Option<&'static str> {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '.');
    (key.is_empty() || key.len() > 253 || !key.chars().all(plain))
        .then_some("is no name of a Kubernetes backend")
}

fn exact(_: &str, policy: &ToolPolicy, effective: EffectiveRule) -> EffectiveRule {
    match effective.rule {
        Rule::Allow if policy.tool.raw().chars().any(is_unprintable) => {
            effective.instead(Rule::Hide, Reason::UnsureName)
        }
        _ => effective,
    }
}

fn selector(names: &[&str]) -> Yaml {
    if names.is_empty() {
        return Yaml::Fields(vec![("excludeRegex", Yaml::List(vec![Yaml::text(NOTHING)]))]);
    }
    if names.len() <= MOST {
        let names = names.iter().map(|name| Yaml::text(name)).collect();
        return Yaml::Fields(vec![("include", Yaml::List(names))]);
    }
    let folded = names.chunks(names.len().div_ceil(MOST)).map(|names| {
        let escaped: Vec<String> = names.iter().map(|name| regex::escape(name)).collect();
        Yaml::Text(format!("^(?:{})$", escaped.join("|")))
    });
    Yaml::Fields(vec![("includeRegex", Yaml::List(folded.collect()))])
}

fn write(plan: &Plan<'_>) -> String {
    let backends = plan.servers.iter().map(|server| {
        let names = server.names_with(|rule| rule == Rule::Allow);
        Yaml::Fields(vec![("name", Yaml::text(server.key)), ("toolSelector", selector(&names))])
    });
    // The schema wants it; which Gateway the route belongs to is the reader's to fill in.
    let parents = Yaml::List(vec![Yaml::Fields(vec![
        ("group", Yaml::text("gateway.networking.k8s.io")),
        ("kind", Yaml::text("Gateway")),
        ("name", Yaml::text("fill-in-your-gateway")),
    ])]);
    Yaml::Fields(vec![
        ("apiVersion", Yaml::text("aigateway.envoyproxy.io/v1alpha1")),
        ("kind", Yaml::text("MCPRoute")),
        ("metadata", Yaml::Fields(vec![("name", Yaml::text("catalogue"))])),
        (
            "spec",
            Yaml::Fields(vec![("parentRefs", parents), ("backendRefs", Yaml::List(backends.collect()))]),
        ),
    ])
    .document_below(&plan.header)
}

fn validate(text: &str) -> Vec<Finding> {
    match from_yaml(text) {
        Ok(root) => check(&root).sorted(),
        Err(finding) => vec![finding],
    }
}

fn check(root: &Node) -> Findings {
    let mut findings = Findings::default();
    let Some(fields) = root.as_map() else {
        findings.error("", root, format!("must be a map, this is {}", root.what()));
        return findings;
    };
    findings.unknown_keys("", fields, &["apiVersion", "kind", "metadata", "spec", "status"]);
    if root.get("kind").and_then(Node::as_text) != Some("MCPRoute") {
        findings.error("kind", root.get("kind").unwrap_or(root), "must be MCPRoute");
    }
    let Some(spec) = root.get("spec") else {
        findings.error("spec", root, "missing");
        return findings;
    };
    let known = ["parentRefs", "path", "headers", "backendRefs", "securityPolicy"];
    findings.unknown_keys("spec", spec.as_map().unwrap_or_default(), &known);
    if spec.get("parentRefs").and_then(Node::as_list).is_none_or(<[Node]>::is_empty) {
        findings.error("spec.parentRefs", spec, "must be there, a list with at least one Gateway");
    }
    let Some(backends) = spec.get("backendRefs").and_then(Node::as_list) else {
        findings.error("spec.backendRefs", spec, "must be there and a list");
        return findings;
    };
    for (i, backend) in backends.iter().enumerate() {
        let path = format!("spec.backendRefs[{i}]");
        let known = [
            "name",
            "namespace",
            "group",
            "kind",
            "port",
            "path",
            "toolSelector",
            "securityPolicy",
            "weight",
            "priority",
        ];
        findings.unknown_keys(&path, backend.as_map().unwrap_or_default(), &known);
        if backend.get("name").and_then(Node::as_text).is_none() {
            findings.error(&join(&path, "name"), backend, "must be there and a text");
        }
        match backend.get("toolSelector") {
            Some(selector) => check_selector(&join(&path, "toolSelector"), selector, &mut findings),
            None => findings.warning(&path, backend, "has no toolSelector: all its tools are offered"),
        }
    }
    findings
}

fn check_selector(path: &str, selector: &Node, findings: &mut Findings) {
    let lists = ["include", "includeRegex", "exclude", "excludeRegex"];
    let Some(fields) = selector.as_map().filter(|fields| !fields.is_empty()) else {
        return findings.error(path, selector, format!("must have one of {}", lists.join(", ")));
    };
    findings.unknown_keys(path, fields, &lists);
    for (a, b) in [("include", "includeRegex"), ("exclude", "excludeRegex")] {
        if selector.get(a).is_some() && selector.get(b).is_some() {
            findings.error(path, selector, format!("must not have both {a} and {b}"));
        }
    }
    for (key, node) in fields {
        let path = join(path, &key.text);
        let Some(items) = node.as_list() else {
            findings.error(&path, node, format!("must be a list, this is {}", node.what()));
            continue;
        };
        if items.len() > MOST {
            findings.error(&path, node, format!("has {} entries, more than {MOST}", items.len()));
        }
        for (i, item) in items.iter().enumerate() {
            let path = format!("{path}[{i}]");
            match item.as_text() {
                None => findings.error(&path, item, format!("must be a text, this is {}", item.what())),
                Some(text) if key.text.ends_with("Regex") && regex::Regex::new(text).is_err() => {
                    findings.error(&path, item, "is no regular expression (RE2 syntax)");
                }
                Some(text)
                    if key.text == "includeRegex" && !(text.starts_with('^') && text.ends_with('$')) =>
                {
                    findings.warning(&path, item, "is not anchored: it also lets through longer names");
                }
                Some(_) => {}
            }
        }
    }
}

/// One list of a selector, ready to be asked.
enum List {
    Names(Vec<String>),
    Patterns(Vec<regex::Regex>),
}

impl List {
    fn of(selector: &Node, names: &str, patterns: &str) -> Option<Option<Self>> {
        let texts = |node: &Node| -> Option<Vec<String>> {
            node.as_list()?.iter().map(|item| item.as_text().map(str::to_owned)).collect()
        };
        if let Some(node) = selector.get(names) {
            return Some(Some(List::Names(texts(node)?)));
        }
        let Some(node) = selector.get(patterns) else { return Some(None) };
        let patterns: Result<Vec<_>, _> = texts(node)?.iter().map(|text| regex::Regex::new(text)).collect();
        Some(Some(List::Patterns(patterns.ok()?)))
    }

    fn holds(&self, tool: &str) -> bool {
        match self {
            List::Names(names) => names.iter().any(|name| name == tool),
            List::Patterns(patterns) => patterns.iter().any(|pattern| pattern.is_match(tool)),
        }
    }
}

fn read(text: &str) -> Option<Reading> {
    let root = from_yaml(text).ok()?;
    let spec = root.get("spec")?;
    if check(&root).0.iter().any(|f| f.level == Level::Error) || spec.get("securityPolicy").is_some() {
        return None;
    }
    let mut backends = Vec::new();
    let (mut keys, mut names) = (Vec::new(), Vec::new());
    for (i, backend) in spec.get("backendRefs")?.as_list()?.iter().enumerate() {
        let key = backend.get("name")?.as_text()?.to_owned();
        keys.push(key.clone());
        let Some(selector) = backend.get("toolSelector") else {
            backends.push((key, None, None));
            continue;
        };
        for list in ["include", "exclude"] {
            for (j, item) in selector.get(list).and_then(Node::as_list).unwrap_or_default().iter().enumerate()
            {
                names.push(Named {
                    key: Some(key.clone()),
                    name: item.as_text()?.to_owned(),
                    path: format!("spec.backendRefs[{i}].toolSelector.{list}[{j}]"),
                    line: item.line,
                    column: item.column,
                });
            }
        }
        let include = List::of(selector, "include", "includeRegex")?;
        let exclude = List::of(selector, "exclude", "excludeRegex")?;
        backends.push((key, include, exclude));
    }
    Some(Reading::new(keys, names, move |key, tool, _| {
        let Some((i, (_, include, exclude))) = backends.iter().enumerate().find(|(_, (k, _, _))| k == key)
        else {
            return Decided::new(Rule::Hide, "no backend of that name");
        };
        let path = format!("spec.backendRefs[{i}].toolSelector");
        match (include, exclude) {
            (_, Some(exclude)) if exclude.holds(tool) => {
                Decided::new(Rule::Hide, format!("{path}: excluded"))
            }
            (Some(include), _) if !include.holds(tool) => {
                Decided::new(Rule::Hide, format!("{path}: not included"))
            }
            _ => Decided::new(Rule::Allow, path),
        }
    }))
}
