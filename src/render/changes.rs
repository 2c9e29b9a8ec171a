//! What changed lately: the page, its JSON, and the feed for readers of feeds. From stored history, up to the day the site is of.

use std::collections::VecDeque;

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use super::RenderError;
use super::catalogue::{Catalogue, ServerEntry};
use super::digest::Digest;
use super::json_feed;
use super::kinds::{MadeFrom, Make, PageKind};
use super::name::{ServerName, tool_name};
use super::page::{Pager, absolute, parts};
use super::site_work::{Common, WholeWork};
use super::words::{ClassWord, Day, RiskWord, class_word, day, risk_word};
use crate::model::Untrusted;
use crate::store::Connection;
use crate::store::feed::{self, Event, Happening, MovedTool, Stretch};

/// How far back pages look from the day they are of.
pub(super) const DAYS: i64 = 30;
/// Events that are told; more are counted only.
const TOLD: usize = 1_000;
const ON_PAGE: usize = 50;
/// The template of one event in the JSON feed.
pub(super) const FEED_ITEM: &str = "feed-item.txt";
/// Events in the feed.
const IN_FEED: usize = 100;
/// Names that one event tells of each kind.
const NAMES: usize = 20;
const NAME_IN_LIST: usize = 120;

/// The list, in parts.
pub(super) const KIND: PageKind = PageKind {
    id: "changes",
    path: "changes.html, changes/{part}.html",
    templates: &["changes.html"],
    made_from: MadeFrom::Catalogue,
    counts: true,
    make: Make::Whole(pages),
};
/// The feed in both forms: Atom, see RFC 4287, and JSON, see `json_feed`.
pub(super) const FEED: PageKind = PageKind {
    id: "feed",
    path: "changes.atom, feed.json",
    templates: &["changes.xml", FEED_ITEM],
    made_from: MadeFrom::Catalogue,
    counts: true,
    make: Make::Whole(feeds),
};

/// What happened in the last days.
#[derive(Debug, Default)]
pub(super) struct Happened {
    pub(super) counts: Counts,
    /// The newest ones, newest first.
    events: Vec<EventView>,
    from: Option<Day>,
    until: Option<Day>,
}

/// How much of what happened.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub(super) struct Counts {
    pub(super) events: usize,
    /// Servers that answered for the first time, and their tools.
    pub(super) new_servers: usize,
    pub(super) new_servers_tools: usize,
    /// Tools of servers that had answered before.
    pub(super) added: usize,
    pub(super) removed: usize,
    pub(super) changed: usize,
    /// Of the changed ones, those with another class or risk.
    pub(super) other_verdicts: usize,
    pub(super) silent: usize,
    pub(super) corrected: usize,
    /// Tools that other rules judge otherwise.
    pub(super) by_rules: usize,
}

/// One event for pages.
#[derive(Debug, Clone, Serialize)]
pub(super) struct EventView {
    /// The same for ever.
    pub(super) id: String,
    pub(super) at: Day,
    /// `answered`, `listed`, `silent`, `corrected` or `rules`.
    pub(super) kind: &'static str,
    pub(super) server: Option<ServerName>,
    version: String,
    before: String,
    /// Tools, where it is a first answer.
    tools: usize,
    added: Names,
    removed: Names,
    changed: Names,
    outcome: &'static str,
    meaning: &'static str,
    taken_back: bool,
}

/// Names of tools, some of them.
#[derive(Debug, Clone, Default, Serialize)]
struct Names {
    count: usize,
    list: Vec<NameView>,
}

#[derive(Debug, Clone, Serialize)]
struct NameView {
    name: String,
    /// Its page, if it still has one.
    path: Option<String>,
    was: Option<(ClassWord, RiskWord)>,
    is: Option<(ClassWord, RiskWord)>,
    other_verdict: bool,
}

#[derive(Serialize)]
struct ChangesView<'a> {
    format: &'static str,
    from: Option<&'a Day>,
    until: Option<&'a Day>,
    counts: &'a Counts,
    /// Events that are told.
    told: usize,
    part: usize,
    parts: usize,
    events: &'a [EventView],
}

#[derive(Serialize)]
struct PageView<'a> {
    #[serde(flatten)]
    changes: &'a ChangesView<'a>,
    pager: Pager,
}

/// Reads what happened in the days before `as_of`.
///
/// # Errors
/// The database cannot be read.
pub(super) fn happened(
    db: &Connection,
    common: Common<'_>,
    as_of: Option<Timestamp>,
) -> Result<Happened, RenderError> {
    let Some(until) = as_of else { return Ok(Happened::default()) };
    let options = common.press.options;
    let from = until - SignedDuration::from_hours(24 * DAYS);
    let stretch = Stretch {
        from,
        until,
        corrected_until: options.as_of.unwrap_or(Timestamp::MAX),
        audience: options.audience,
        rule_set: common.rules.hash(),
    };
    let mut counts = Counts::default();
    // Probes come newest first, corrections and rules behind them: each kind keeps its newest ones.
    let mut kept: VecDeque<Event> = VecDeque::new();
    let mut others: Vec<Event> = Vec::new();
    feed::events(db, &stretch, |event| {
        count(&mut counts, &event);
        match event.what {
            Happening::Corrected { .. } | Happening::Rules { .. } => others.push(event),
            _ if kept.len() < TOLD => kept.push_back(event),
            _ => {}
        }
    })?;
    let mut all: Vec<Event> = kept.into_iter().chain(others).collect();
    all.sort_by_key(|event| std::cmp::Reverse(event.at));
    let events = all.iter().take(TOLD).map(|event| view(common.catalogue, event)).collect();
    Ok(Happened { counts, events, from: Some(day(from)), until: Some(day(until)) })
}

fn count(counts: &mut Counts, event: &Event) {
    counts.events += 1;
    match &event.what {
        Happening::Answered { tools } => {
            counts.new_servers += 1;
            counts.new_servers_tools += tools;
        }
        Happening::Listed { added, removed, changed, .. } => {
            counts.added += added.len();
            counts.removed += removed.len();
            counts.changed += changed.len();
            counts.other_verdicts += changed.iter().filter(|tool| tool.other_verdict()).count();
        }
        Happening::Silent { .. } => counts.silent += 1,
        Happening::Corrected { .. } => counts.corrected += 1,
        Happening::Rules { count, .. } => counts.by_rules += count,
    }
}

fn view(catalogue: &Catalogue, event: &Event) -> EventView {
    let entry = catalogue.server(&event.server);
    let version = |text: &str| Untrusted::new(text).for_page_line(60);
    let mut view = EventView {
        id: String::new(),
        at: day(event.at),
        kind: "answered",
        server: entry.map(|entry| entry.name.clone()),
        version: version(&event.version),
        before: String::new(),
        tools: 0,
        added: Names::default(),
        removed: Names::default(),
        changed: Names::default(),
        outcome: "",
        meaning: "",
        taken_back: false,
    };
    let mut subject = "";
    match &event.what {
        Happening::Answered { tools } => view.tools = *tools,
        Happening::Listed { before, added, removed, changed } => {
            view.kind = "listed";
            view.before = version(before);
            view.added = names(added.iter().map(|name| name_view(catalogue, entry, name)), added.len());
            view.removed = names(removed.iter().map(|name| name_view(catalogue, None, name)), removed.len());
            // Those with another verdict first.
            let mut order: Vec<&MovedTool> = changed.iter().collect();
            order.sort_by_key(|tool| !tool.other_verdict());
            view.changed = names(order.into_iter().map(|tool| moved(catalogue, tool)), changed.len());
        }
        Happening::Silent { outcome } => {
            view.kind = "silent";
            (view.outcome, view.meaning) = (outcome.as_str(), outcome.meaning());
        }
        Happening::Corrected { tool, taken_back } => {
            view.kind = "corrected";
            view.taken_back = *taken_back;
            subject = &tool.tool;
            view.changed = names([moved(catalogue, tool)].into_iter(), 1);
        }
        Happening::Rules { count, tools } => {
            view.kind = "rules";
            view.changed = names(tools.iter().map(|tool| moved(catalogue, tool)), *count);
        }
    }
    view.id = urn(&(view.kind, &event.server, event.at.to_string(), &event.version, subject));
    view
}

fn names(list: impl Iterator<Item = NameView>, count: usize) -> Names {
    Names { count, list: list.take(NAMES).collect() }
}

fn name_view(catalogue: &Catalogue, entry: Option<&ServerEntry>, name: &str) -> NameView {
    let tool =
        entry.and_then(|entry| catalogue.tools_of(entry).iter().find(|t| catalogue.name_of(t) == name));
    NameView {
        name: tool_name(name, NAME_IN_LIST),
        path: tool.map(|tool| catalogue.tool_path(tool)),
        was: None,
        is: None,
        other_verdict: false,
    }
}

fn moved(catalogue: &Catalogue, tool: &MovedTool) -> NameView {
    let words = |(class, risk)| (class_word(class), risk_word(risk));
    NameView {
        was: tool.was.map(words),
        is: tool.is.map(words),
        other_verdict: tool.other_verdict(),
        ..name_view(catalogue, catalogue.server(&tool.server), &tool.tool)
    }
}

/// A name for ever that says nothing, in the form of RFC 9562, version 8: made from what happened alone, so it does not change with
/// the site's address.
pub(super) fn urn(of: &impl Serialize) -> String {
    let mut bytes = Digest::of(of).0;
    bytes[6] = (bytes[6] & 0x0f) | 0x80;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    let hex = hex::encode(bytes);
    let part = |from: usize, to: usize| hex.get(from..to).unwrap_or_default().to_owned();
    format!("urn:uuid:{}-{}-{}-{}-{}", part(0, 8), part(8, 12), part(12, 16), part(16, 20), part(20, 32))
}

fn pages(work: &WholeWork<'_>) -> Result<(), RenderError> {
    let Happened { counts, events, from, until } = &work.happened;
    for (path, pager) in parts("changes.html", "changes", events.len(), ON_PAGE) {
        let start = (pager.number - 1) * ON_PAGE;
        let end = (start + ON_PAGE).min(events.len());
        let changes = ChangesView {
            format: "catalogue-changes-1",
            from: from.as_ref(),
            until: until.as_ref(),
            counts,
            told: events.len(),
            part: pager.number,
            parts: pager.count,
            events: events.get(start..end).unwrap_or_default(),
        };
        work.common.press.twin(work.unit, &path, Digest::of(&changes), || Ok(&changes))?;
        work.common.press.page(&KIND, work.unit, &path, &PageView { changes: &changes, pager })?;
        work.listed(path);
    }
    Ok(())
}

#[derive(Serialize)]
struct FeedView<'a> {
    id: String,
    /// Where the site is, with the slash; empty where that is not known: then links are relative.
    base: String,
    updated: String,
    events: &'a [EventView],
}

fn feeds(work: &WholeWork<'_>) -> Result<(), RenderError> {
    let Happened { events, until, .. } = &work.happened;
    json_feed::make(work, events.get(..events.len().min(IN_FEED)).unwrap_or_default())?;
    let base = work.common.press.options.base_url.as_ref();
    let newest = events.first().map(|event| &event.at).or(until.as_ref());
    let view = FeedView {
        id: urn(&("feed", base.map(url::Url::as_str))),
        base: base.map(|base| absolute(base, "")).unwrap_or_default(),
        updated: newest.map_or_else(|| "1970-01-01T00:00:00Z".to_owned(), |day| day.iso.clone()),
        events: events.get(..events.len().min(IN_FEED)).unwrap_or_default(),
    };
    work.common.press.page(&FEED, work.unit, "changes.atom", &view)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_events_are_uuids_and_differ() {
        let one = urn(&("listed", "npm:a"));
        assert_eq!(one.len(), "urn:uuid:".len() + 36);
        assert!(one.chars().nth(23) == Some('8'), "{one}");
        assert_ne!(one, urn(&("listed", "npm:b")));
        assert_eq!(one, urn(&("listed", "npm:a")));
    }
}
