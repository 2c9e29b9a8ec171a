//! JSON twins: every tool, server and list once more for programs. `docs/JSON.md` is the description of these shapes; a
//! field is never taken away or given another meaning without a new number in `format`.

use std::fmt::Write as _;

use serde::Serialize;

use super::catalogue::ServerEntry;
use super::digest::Digest;
use super::exposure::AttackLine;
use super::facts::Facts;
use super::judged::JudgedTool;
use crate::model::text::{has_unprintable, is_unprintable};
use crate::model::{Class, Risk, Signal, Untrusted};
use crate::policy::{Rule, ToolPolicy};

mod lists;

pub(super) use lists::{ServerListTwin, ServerTwin, ToolListTwin};

/// A shape of twin; its name stands in each of them.
pub(super) struct Shape(&'static str);

/// One tool.
pub(super) const TOOL: Shape = Shape("catalogue-tool-1");
/// One server.
pub(super) const SERVER: Shape = Shape("catalogue-server-1");
/// A list of tools, or a part of it.
pub(super) const TOOL_LIST: Shape = Shape("catalogue-tools-1");
/// A list of servers, or a part of it.
pub(super) const SERVER_LIST: Shape = Shape("catalogue-servers-1");

impl Shape {
    /// What a twin of this shape is made from.
    pub(super) fn inputs(&self, of: &impl Serialize) -> Digest {
        Digest::of(&(self.0, of))
    }
}

/// Bytes that most twins of tools have room in.
const ROOM: usize = 1 << 13;

/// Where the twin of a page lies.
pub(super) fn json_path(page: &str) -> String {
    [page.strip_suffix(".html").unwrap_or(page), ".json"].concat()
}

/// JSON without anything that a terminal or an editor would hide: such characters are escaped, which means the same.
pub(super) fn json_text(value: &impl Serialize) -> String {
    visible(compact(value))
}

fn compact(value: &impl Serialize) -> String {
    compact_behind(super::plate::empty_text(ROOM), value)
}

fn compact_behind(text: String, value: &impl Serialize) -> String {
    let mut text = text.into_bytes();
    serde_json::to_writer(&mut text, value).expect("twins have string keys and finite numbers");
    String::from_utf8(text).expect("JSON is UTF-8")
}

fn visible(mut text: String) -> String {
    if !has_unprintable(&text) {
        text.push('\n');
        return text;
    }
    let mut clean = String::with_capacity(text.len() + 64);
    for c in text.chars() {
        if is_unprintable(c) {
            for unit in c.encode_utf16(&mut [0; 2]) {
                let _ = write!(clean, "\\u{unit:04x}");
            }
        } else {
            clean.push(c);
        }
    }
    clean + "\n"
}

/// The server a tool belongs to.
#[derive(Serialize)]
struct ServerRef<'a> {
    key: String,
    name: &'a str,
    version: &'a str,
    page: String,
}

impl<'a> ServerRef<'a> {
    fn new(entry: &'a ServerEntry) -> Self {
        Self {
            key: entry.key_text(),
            name: &entry.name.name,
            version: &entry.version,
            page: format!("{}/index.html", entry.name.path),
        }
    }
}

#[derive(Serialize)]
struct CorrectionTwin<'a> {
    class: Class,
    risk: Risk,
    signals: &'a [Signal],
    who: String,
    why: String,
    made_at: String,
}

#[derive(Serialize)]
struct RuleTwin {
    rule: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    max: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    per: Option<&'static str>,
}

/// One tool with its verdict and its evidence.
#[derive(Serialize)]
struct ToolTwin<'a> {
    format: &'static str,
    name: &'a str,
    page: &'a str,
    server: ServerRef<'a>,
    class: Class,
    risk: Risk,
    signals: &'a [Signal],
    confidence: f64,
    needs_review: bool,
    /// What the rules said, where a person corrected it.
    #[serde(skip_serializing_if = "Option::is_none")]
    corrected_from: Option<CorrectionTwin<'a>>,
}

/// An attack pattern that it is exposed to.
#[derive(Serialize)]
struct AttackTwin<'a> {
    slug: &'a str,
    name: &'a str,
    url: String,
    per_tool: bool,
}

/// What stands behind its evidence.
#[derive(Serialize)]
struct ToolTwinEnd<'a> {
    recommended: RuleTwin,
    attacks: Vec<AttackTwin<'a>>,
    definition_hash: &'a str,
    first_seen: String,
    asked: &'a str,
}

/// One tool as JSON, its evidence and, behind the rest, its definition byte for byte as they are stored.
pub(super) fn tool_text(
    entry: &ServerEntry,
    tool: &JudgedTool,
    policy: &ToolPolicy,
    facts: &Facts,
    attacks: &[AttackLine<'_>],
    page: &str,
) -> String {
    let mut text = compact(&ToolTwin::new(entry, tool, page));
    text.pop();
    text.push_str(",\"evidence\":");
    match &tool.evidence {
        Some(stored) => {
            debug_assert_eq!(serde_json::from_str(stored).ok().as_ref(), Some(&tool.by_rules.evidence));
            text.push_str(stored);
        }
        None => text = compact_behind(text, &tool.by_rules.evidence),
    }
    let bracket = text.len();
    let mut text = compact_behind(text, &ToolTwinEnd::new(tool, policy, facts, attacks));
    text.replace_range(bracket..=bracket, ",");
    text.pop();
    for part in [",\"definition\":", tool.definition.canonical().trim(), "}"] {
        text.push_str(part);
    }
    visible(text)
}

impl<'a> ToolTwin<'a> {
    fn new(entry: &'a ServerEntry, tool: &'a JudgedTool, page: &'a str) -> Self {
        let verdict = &tool.verdict;
        Self {
            format: TOOL.0,
            name: tool.definition.name(),
            page,
            server: ServerRef::new(entry),
            class: verdict.class,
            risk: verdict.risk,
            signals: &verdict.signals,
            confidence: verdict.confidence,
            needs_review: verdict.needs_review,
            corrected_from: tool.correction.as_ref().map(|correction| CorrectionTwin {
                class: tool.by_rules.class,
                risk: tool.by_rules.risk,
                signals: &tool.by_rules.signals,
                who: Untrusted::new(correction.who.as_str()).for_page_line(100),
                why: Untrusted::new(correction.why.as_str()).for_page_line(500),
                made_at: super::words::day(correction.made_at).iso,
            }),
        }
    }
}

impl<'a> ToolTwinEnd<'a> {
    fn new(tool: &'a JudgedTool, policy: &ToolPolicy, facts: &'a Facts, attacks: &[AttackLine<'a>]) -> Self {
        let attack = |line: &AttackLine<'a>| AttackTwin {
            slug: line.id,
            name: line.title,
            url: format!("attacks/{}.html", line.id),
            per_tool: line.per_tool,
        };
        Self {
            recommended: match policy.rule {
                Rule::Limit { max, window } => {
                    RuleTwin { rule: "limit", max: Some(max), per: Some(window.as_str()) }
                }
                rule => RuleTwin { rule: rule.word(), max: None, per: None },
            },
            attacks: attacks.iter().map(attack).collect(),
            definition_hash: tool.definition.hash().as_str(),
            first_seen: super::words::day(tool.first_seen).iso,
            asked: &facts.asked.iso,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_hidden_is_left_in_the_text_and_it_reads_back() {
        let value = serde_json::json!({"a": "x\u{202e}\u{e0041}y \u{200b}é"});
        let text = json_text(&value);
        assert!(!text.trim_end().chars().any(is_unprintable), "{text:?}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&text).unwrap(), value);
    }

    #[test]
    fn a_twin_lies_beside_its_page() {
        assert_eq!(json_path("a/index.html"), "a/index.json");
    }
}
