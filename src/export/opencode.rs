//! OpenCode: `permission` of `opencode.json`.
//!
//! Source: research/policy-targets.md section 1.4. A key is `SERVER_TOOL` with everything outside `[A-Za-z0-9_-]` as `_`,
//! and the last matching key wins: the rule for the whole server comes first, and the order of the object is its meaning.
//! What nothing is said about is allowed, so that first rule is always there. The older `tools` is never written.

use std::collections::BTreeMap;

use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};

use super::claude_code::glob;
use super::node::{Findings, Node, from_json, join, nearest};
use super::plan::Plan;
use super::{Can, Exporter, Finding, Form, Level, Named, Reading, as_degraded, json};
use crate::policy::{Decided, Rule};

/// The table's entry.
pub(super) const EXPORTER: Exporter = Exporter {
    id: "opencode",
    title: "OpenCode",
    file_name: "opencode.json",
    language: "json",
    can: Can {
        limit: false,
        ask: true,
        deny: false,
        hide: true,
        arguments: false,
        deny_by_default: true,
        several: true,
    },
    on_pages: false,
    advisory: false,
    strict_refuses: false,
    asking_hides: false,
    believes_hints: false,
    tried_with: "tried with 1.18.33",
    notes: &[
        "The last matching key wins: keep the order of \"permission\", and put nothing for these servers behind it.",
    ],
    form: Form::OpenCode,
    key_fault,
    exact: as_degraded,
    write,
    validate,
    read,
};

fn key_fault(key: &str) -> Option<&'static str> {
    key.is_empty().then_some("is empty")
}

#[derive(Serialize)]
struct Document<'a> {
    #[serde(rename = "//")]
    header: &'a [String],
    permission: Ordered,
}

/// An object whose keys stay in this order.
struct Ordered(Vec<(String, &'static str)>);

impl Serialize for Ordered {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (key, value) in &self.0 {
            map.serialize_entry(key, value)?;
        }
        map.end()
    }
}

fn write(plan: &Plan<'_>) -> String {
    // Rules for whole servers first, all of them: one server's pattern can hold for another server's tools.
    let mut patterns: BTreeMap<String, Rule> = BTreeMap::new();
    let mut names: BTreeMap<String, Rule> = BTreeMap::new();
    for server in &plan.servers {
        let pattern = format!("{}*", Form::OpenCode.whole(server.key, ""));
        let default = if server.default == Rule::Ask { Rule::Ask } else { Rule::Hide };
        let entry = patterns.entry(pattern).or_insert(default);
        *entry = entry.or_stricter(default);
        for (name, tool) in server.named() {
            let entry = names.entry(name.to_owned()).or_insert(tool.effective.rule);
            *entry = entry.or_stricter(tool.effective.rule);
        }
    }
    // `a_*` before `a_b_*`: the narrower one decides about its own server.
    let word = |rule: Rule| match rule {
        Rule::Allow => "allow",
        Rule::Ask => "ask",
        _ => "deny",
    };
    let mut entries: Vec<(String, Rule)> = patterns.into_iter().collect();
    entries.sort_by_key(|(pattern, _)| pattern.len());
    let permission = Ordered(entries.into_iter().chain(names).map(|(key, rule)| (key, word(rule))).collect());
    json::document(&Document { header: &plan.header, permission })
}

fn validate(text: &str) -> Vec<Finding> {
    match from_json(text) {
        Ok(root) => check(&root).sorted(),
        Err(finding) => vec![finding],
    }
}

fn check(root: &Node) -> Findings {
    let mut findings = Findings::default();
    let Some(fields) = root.as_map() else {
        findings.error("", root, format!("a configuration is an object, this is {}", root.what()));
        return findings;
    };
    for (key, value) in
        fields.iter().filter(|(k, _)| !matches!(k.text.as_str(), "permission" | "//" | "$schema"))
    {
        match (key.text.as_str(), nearest(&key.text, &["permission"])) {
            ("tools", _) => {
                let message =
                    "comes before permission whatever the order of the file, so that a later allow undoes it";
                findings.warning("tools", value, message);
            }
            (_, Some(_)) => findings.error(
                &key.text,
                value,
                "unknown key, dropped without a word. Did you mean permission?",
            ),
            _ => findings.warning(&key.text, value, "no part of a policy; not checked here"),
        }
    }
    let Some(permission) = root.get("permission") else {
        findings.error("permission", root, "missing: OpenCode allows everything that nothing is said about");
        return findings;
    };
    let Some(entries) = permission.as_map() else {
        if !permission.as_text().is_some_and(|w| WORDS.contains(&w)) {
            findings.error("permission", permission, "must be an object, or allow, ask or deny");
        }
        return findings;
    };
    for (i, (key, value)) in entries.iter().enumerate() {
        let path = join("permission", &key.text);
        if BUILT_IN.contains(&key.text.as_str()) {
            continue;
        }
        if !value.as_text().is_some_and(|word| WORDS.contains(&word)) {
            findings.error(&path, value, "must be allow, ask or deny");
        }
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '*');
        if !key.text.chars().all(plain) {
            let written: String = key.text.chars().map(|c| if plain(c) { c } else { '_' }).collect();
            findings.error(&path, value, format!("never matches: OpenCode knows the tool as {written}"));
        }
        // Only patterns can hold for a key above; there are as few as servers.
        let later =
            entries.iter().skip(i + 1).find(|(l, _)| l.text.contains('*') && glob(&l.text, &key.text));
        if let Some((later, at)) = later {
            let message =
                format!("can never fire: {:?} in line {} comes later and wins", later.text, at.line);
            findings.error(&path, value, message);
        }
    }
    if !entries.iter().any(|(key, _)| key.text.ends_with('*')) {
        findings.warning(
            "permission",
            permission,
            "no rule for a whole server: its other tools are allowed unasked",
        );
    }
    findings
}

const WORDS: [&str; 3] = ["allow", "ask", "deny"];
/// Keys of the program's own tools.
const BUILT_IN: [&str; 16] = [
    "read",
    "edit",
    "glob",
    "grep",
    "list",
    "bash",
    "task",
    "skill",
    "lsp",
    "question",
    "webfetch",
    "websearch",
    "codesearch",
    "external_directory",
    "doom_loop",
    "todowrite",
];

fn read(text: &str) -> Option<Reading> {
    let root = from_json(text).ok()?;
    if check(&root).0.iter().any(|f| f.level == Level::Error) || root.get("tools").is_some() {
        return None;
    }
    let rule_of = |word: &str| match word {
        "allow" => Rule::Allow,
        "ask" => Rule::Ask,
        _ => Rule::Hide,
    };
    let mut entries: Vec<(String, Rule)> = Vec::new();
    let mut names = Vec::new();
    let permission = root.get("permission")?;
    if let Some(word) = permission.as_text() {
        entries.push(("*".to_owned(), rule_of(word)));
    }
    for (key, value) in permission.as_map().unwrap_or_default() {
        if BUILT_IN.contains(&key.text.as_str()) {
            continue;
        }
        if !key.text.contains('*') {
            let (name, path) = (key.text.clone(), join("permission", &key.text));
            names.push(Named { key: None, name, path, line: value.line, column: value.column });
        }
        entries.push((key.text.clone(), rule_of(value.as_text()?)));
    }
    let exact: BTreeMap<String, usize> = entries
        .iter()
        .enumerate()
        .filter(|(_, (k, _))| !k.contains('*'))
        .map(|(i, (k, _))| (k.clone(), i))
        .collect();
    let patterns: Vec<usize> =
        entries.iter().enumerate().filter(|(_, (k, _))| k.contains('*')).map(|(i, _)| i).collect();
    Some(Reading::new(Vec::new(), names, move |key, tool, _| {
        let name = Form::OpenCode.whole(key, tool);
        let pattern = patterns.iter().rev().find(|i| entries.get(**i).is_some_and(|(p, _)| glob(p, &name)));
        match exact.get(&name).max(pattern).and_then(|i| entries.get(*i)) {
            Some((key, Rule::Hide)) if key.contains('*') => Decided::new(Rule::Deny, join("permission", key)),
            Some((key, rule)) => Decided::new(*rule, join("permission", key)),
            None => Decided::new(Rule::Allow, "nothing is said: OpenCode allows"),
        }
    }))
}
