//! Envoy AI gateway: an `MCPRoute` whose backends have a `toolSelector`.
//!
//! Source: research/policy-targets.md section 2.6. Names are raw; a selector has at most 32 entries, so longer lists are folded
//! into expressions, each anchored and with every metacharacter escaped. Authorization rules are not written: a deny with
//! a condition fails open there.

use std::collections::BTreeSet;

use super::node::{Findings, Node, from_yaml, join};
use super::plan::Plan;
use super::yaml::Yaml;
use super::{Can, EffectiveRule, Exporter, Finding, Form, Level, Named, Reading, Reason};
use crate::model::text::is_unprintable;
use crate::policy::{Decided, Rule, ToolPolicy};

mod resource;

use self::resource::RESOURCE;

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
const OLDER: &str = "aigateway.envoyproxy.io/v1alpha1";
const NEWER: &str = "aigateway.envoyproxy.io/v1beta1";
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

fn selector<'a>(names: &[&'a str]) -> Yaml<'a> {
    if names.is_empty() {
        return Yaml::Fields(vec![("excludeRegex", Yaml::List(vec![Yaml::text(NOTHING)]))]);
    }
    if names.len() <= MOST {
        let names = names.iter().map(|name| Yaml::text(name)).collect();
        return Yaml::Fields(vec![("include", Yaml::List(names))]);
    }
    let folded = names.chunks(names.len().div_ceil(MOST)).map(|names| {
        let escaped: Vec<String> = names.iter().map(|name| regex::escape(name)).collect();
        Yaml::Text(format!("^(?:{})$", escaped.join("|")).into())
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
        ("apiVersion", Yaml::text(NEWER)),
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
    RESOURCE.check("", root, &mut findings);
    if let Some(version) = root.get("apiVersion").filter(|node| node.as_text() == Some(OLDER)) {
        let message = format!("is deprecated; {NEWER} is the same and served since Envoy AI gateway 0.6");
        findings.warning("apiVersion", version, message);
    }
    let backends = root.get("spec").and_then(|spec| spec.get("backendRefs")).and_then(Node::as_list);
    let mut names = BTreeSet::new();
    for (i, backend) in backends.unwrap_or_default().iter().enumerate() {
        let path = format!("spec.backendRefs[{i}]");
        match backend.get("toolSelector") {
            Some(selector) => check_selector(&join(&path, "toolSelector"), selector, &mut findings),
            None => findings.warning(&path, backend, "has no toolSelector: all its tools are offered"),
        }
        let text = |key: &str| backend.get(key).and_then(Node::as_text);
        if let Some(name) = text("name").filter(|name| !names.insert(*name)) {
            findings.error(
                &join(&path, "name"),
                backend,
                format!("another backend is named {name:?} as well"),
            );
        }
        if text("kind") == Some("Service") && text("group") == Some("") && backend.get("port").is_none() {
            findings.error(&join(&path, "port"), backend, "missing: a Service needs one");
        }
    }
    if let Some(policy) = root.get("spec").and_then(|spec| spec.get("securityPolicy")) {
        findings.warning("spec.securityPolicy", policy, "decides about calls as well; not checked here");
    }
    findings
}

fn check_selector(path: &str, selector: &Node, findings: &mut Findings) {
    let Some(fields) = selector.as_map() else { return };
    if fields.is_empty() {
        findings.error(path, selector, "must have one of include, includeRegex, exclude, excludeRegex");
    }
    for (a, b) in [("include", "includeRegex"), ("exclude", "excludeRegex")] {
        if selector.get(a).is_some() && selector.get(b).is_some() {
            findings.error(path, selector, format!("must not have both {a} and {b}"));
        }
    }
    for (key, node) in fields {
        let path = join(path, &key.text);
        for (i, item) in node.as_list().unwrap_or_default().iter().enumerate() {
            let path = format!("{path}[{i}]");
            match item.as_text() {
                Some(text) if key.text.ends_with("Regex") && regex::Regex::new(text).is_err() => {
                    findings.error(&path, item, "is no regular expression (RE2 syntax)");
                }
                Some(text)
                    if key.text == "includeRegex" && !(text.starts_with('^') && text.ends_with('$')) =>
                {
                    findings.warning(&path, item, "is not anchored: it also lets through longer names");
                }
                _ => {}
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
