//! What became of one tool over the answers of its server: when it was first listed, by which versions, what changed.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use serde_json::Value;

use super::facts::Facts;
use super::judged::JudgedTool;
use super::name::tool_name;
use super::words::{ClassWord, Day, RiskWord, class_word, day, risk_word};
use crate::classify::RuleBook;
use crate::model::{DefinitionHash, ToolDefinition, Untrusted, Verdict};
use crate::store::site_history::{Sighting, SiteHistory};

/// Most events on a page.
const EVENTS: usize = 8;
/// Most versions that are named.
const VERSIONS: usize = 8;
/// Most parameters that are named for one change.
const NAMES: usize = 8;

/// The history of one tool at its server.
#[derive(Debug, Clone, Serialize)]
pub(super) struct HistoryView {
    /// Answers of the server that are known.
    pub(super) answers: usize,
    /// The newest first.
    pub(super) events: Vec<Event>,
    /// Older events that are not shown.
    pub(super) left_out: usize,
    /// Versions that listed this very definition, the newest last; none where the server has no versions.
    pub(super) versions: Vec<String>,
    /// Earlier versions that are not named.
    pub(super) more_versions: usize,
    /// When an answer first held this very definition; None where only one answer is known.
    #[serde(skip)]
    pub(super) begun: Option<jiff::Timestamp>,
}

/// Something that happened to a tool.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Event {
    /// `first`, `changed`, `gone` or `back`.
    pub(super) kind: &'static str,
    pub(super) day: Day,
    /// The version that answered. Foreign text, empty where there is none.
    pub(super) version: String,
    pub(super) change: Option<Change>,
}

/// What is different between two definitions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Change {
    pub(super) title: bool,
    pub(super) description: bool,
    pub(super) hints: bool,
    /// Parameters; foreign text.
    pub(super) added: Names,
    pub(super) removed: Names,
    pub(super) altered: Names,
    /// Something else in the definition.
    pub(super) other: bool,
    /// The verdict that the rules in force give the earlier definition, where it is another one.
    pub(super) was: Option<(ClassWord, RiskWord)>,
}

/// Some parameters.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub(super) struct Names {
    pub(super) list: Vec<String>,
    pub(super) more: usize,
}

/// One answer: when, which version, and what it listed under the name.
struct Answer<'a> {
    first: &'a Sighting,
    hashes: Vec<&'a DefinitionHash>,
}

/// Sightings of a server by answer, looked up by name.
pub(super) struct Seen<'a> {
    /// One sighting of each answer, by time.
    answers: Vec<&'a Sighting>,
    by_name: BTreeMap<&'a str, Vec<(usize, &'a DefinitionHash)>>,
    gone: &'a BTreeMap<DefinitionHash, (String, Option<Verdict>)>,
}

impl<'a> Seen<'a> {
    /// Sorts what the database says once for all tools of a server.
    pub(super) fn new(history: &'a SiteHistory) -> Self {
        let mut answers: Vec<&Sighting> = Vec::new();
        let mut by_name: BTreeMap<&str, Vec<(usize, &DefinitionHash)>> = BTreeMap::new();
        for sighting in &history.sightings {
            if answers.last().is_none_or(|a| (a.at, &a.version) != (sighting.at, &sighting.version)) {
                answers.push(sighting);
            }
            by_name.entry(&sighting.name).or_default().push((answers.len() - 1, &sighting.hash));
        }
        Self { answers, by_name, gone: &history.gone }
    }

    /// What became of one tool, oldest first.
    pub(super) fn of(
        &self,
        tool: &JudgedTool,
        tools: &[JudgedTool],
        facts: &Facts,
        rules: &RuleBook,
    ) -> HistoryView {
        let name = tool.definition.name();
        let Some(seen) = self.by_name.get(name) else { return only_answer(facts) };
        let answer = |(i, first): (usize, &&'a Sighting)| Answer {
            first,
            hashes: seen.iter().filter(|(at, _)| *at == i).map(|(_, hash)| *hash).collect(),
        };
        let answers: Vec<Answer<'_>> = self.answers.iter().enumerate().map(answer).collect();
        let known = |hash: &DefinitionHash| -> Option<(Cow<'_, ToolDefinition>, Cow<'_, Verdict>)> {
            if let Some(now) = tools.iter().find(|t| t.definition.hash() == hash) {
                return Some((Cow::Borrowed(&now.definition), Cow::Borrowed(&now.by_rules)));
            }
            let (text, verdict) = self.gone.get(hash)?;
            let definition = ToolDefinition::from_canonical(text.clone(), hash.clone()).ok()?;
            let verdict = match verdict {
                Some(verdict) => Cow::Borrowed(verdict),
                None => Cow::Owned(rules.judge(&definition)),
            };
            Some((Cow::Owned(definition), verdict))
        };
        let mut events = Vec::new();
        let mut last: Option<&DefinitionHash> = None;
        let mut listed = false;
        let mut versions: Vec<&str> = Vec::new();
        let mut begun = None;
        for Answer { first, hashes } in &answers {
            // Of a name that is listed twice, the definition that speaks for it is followed.
            let own = tool.definition.hash();
            let hash = hashes.iter().find(|h| **h == own).or_else(|| hashes.first()).copied();
            let kind = match (last, hash) {
                (None, Some(_)) => Some("first"),
                (Some(_), None) if listed => Some("gone"),
                (Some(before), Some(now)) if before != now => Some("changed"),
                (Some(_), Some(_)) if !listed => Some("back"),
                _ => None,
            };
            if let Some(kind) = kind {
                let change = match (kind, last, hash) {
                    ("changed", Some(before), Some(now)) => {
                        known(before).zip(known(now)).map(|(b, n)| change((&b.0, &b.1), (&n.0, &n.1)))
                    }
                    _ => None,
                };
                let version = Untrusted::new(first.version.as_str()).for_page_line(100);
                events.push(Event { kind, day: day(first.at), version, change });
            }
            listed = hash.is_some();
            last = hash.or(last);
            if hashes.contains(&own) {
                begun.get_or_insert(first.at);
            }
            if hashes.contains(&own)
                && !first.version.is_empty()
                && !versions.contains(&first.version.as_str())
            {
                versions.push(&first.version);
            }
        }
        events.reverse();
        let left_out = events.len().saturating_sub(EVENTS);
        events.truncate(EVENTS);
        let more_versions = versions.len().saturating_sub(VERSIONS);
        let named = versions.iter().skip(more_versions);
        HistoryView {
            answers: answers.len(),
            events,
            left_out,
            versions: named.map(|v| Untrusted::new(*v).for_page_line(100)).collect(),
            more_versions,
            begun,
        }
    }
}

fn only_answer(facts: &Facts) -> HistoryView {
    let (day, version) = (facts.asked.clone(), facts.version.clone());
    let versions = if version.is_empty() { Vec::new() } else { vec![version.clone()] };
    let events = vec![Event { kind: "first", day, version, change: None }];
    HistoryView { answers: 1, events, left_out: 0, versions, more_versions: 0, begun: None }
}

fn change((before, was): (&ToolDefinition, &Verdict), (now, is): (&ToolDefinition, &Verdict)) -> Change {
    let (old, new) = (before.object(), now.object());
    let differs = |key: &str| old.get(key) != new.get(key);
    let hints = |object: &Value| {
        let mut hints = object.get("annotations").cloned().unwrap_or_default();
        let title = hints.as_object_mut().and_then(|map| map.remove("title"));
        (hints, title)
    };
    let ((old_hints, old_title), (new_hints, new_title)) = (hints(old), hints(new));
    let (old_all, new_all) = (properties(before), properties(now));
    let names = |wanted: &dyn Fn(&str) -> bool| -> Names {
        let all: BTreeSet<&str> = old_all.keys().chain(new_all.keys()).copied().collect();
        let all: Vec<&str> = all.into_iter().filter(|name| wanted(name)).collect();
        let list = all.iter().take(NAMES).map(|name| tool_name(name, 100)).collect();
        Names { list, more: all.len().saturating_sub(NAMES) }
    };
    let altered = |name: &str| old_all.get(name).zip(new_all.get(name)).is_some_and(|(old, new)| old != new);
    let mut change = Change {
        title: differs("title") || old_title != new_title,
        description: differs("description"),
        hints: old_hints != new_hints,
        added: names(&|name| !old_all.contains_key(name)),
        removed: names(&|name| !new_all.contains_key(name)),
        altered: names(&altered),
        other: false,
        was: ((was.class, was.risk) != (is.class, is.risk))
            .then(|| (class_word(was.class), risk_word(was.risk))),
    };
    let parameters = [&change.added, &change.removed, &change.altered];
    change.other = !change.title
        && !change.description
        && !change.hints
        && parameters.iter().all(|names| names.list.is_empty());
    change
}

/// Each parameter with its schema and whether it is required.
fn properties(tool: &ToolDefinition) -> BTreeMap<&str, (&Value, bool)> {
    let schema = tool.object().get("inputSchema");
    let required: Vec<&str> = schema
        .and_then(|s| s.get("required")?.as_array())
        .map(|names| names.iter().filter_map(Value::as_str).collect())
        .unwrap_or_default();
    let all = schema.and_then(|s| s.get("properties")?.as_object());
    let pairs = all.into_iter().flatten();
    pairs.map(|(name, schema)| (name.as_str(), (schema, required.contains(&name.as_str())))).collect()
}
