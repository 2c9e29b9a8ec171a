//! `catalogue sources`: where each list of servers stands, what ended its last walk, and what was found there.

use clap::Args;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::exit::Exit;
use super::scan::report::counted;
use super::settings::Settings;
use crate::model::Untrusted;
use crate::model::emit::json_line;
use crate::model::source::{SourceName, WalkEnd};
use crate::progress;
use crate::store::{Store, StoreError, StoredSource, Walk, stored_sources};

/// `catalogue sources`.
#[derive(Debug, Clone, Args)]
pub(super) struct SourcesOptions {
    /// Print one JSON object a list
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub(super) fn run(settings: &Settings, options: &SourcesOptions) -> anyhow::Result<Exit> {
    // Before the first scan nothing was walked: that is an answer, not an error.
    let known = match Store::open_read_only(&settings.db) {
        Ok(connection) => stored_sources(&connection)?,
        Err(StoreError::Missing { .. }) => Vec::new(),
        Err(error) => return Err(error.into()),
    };
    let days = super::scan::registry::source_settings(settings)?.github.whole_walk_days;
    let mut text = String::new();
    for name in SourceName::ALL {
        let source = known.iter().find(|source| source.name == name);
        let due = source.and_then(|source| whole_due(source, days));
        if options.json {
            text.push_str(&json_line(&to_json(name, source, due))?);
        } else {
            text.push_str(&described(name, source, due));
        }
    }
    progress::print(&text)?;
    Ok(Exit::Ok)
}

/// The word for where a list stands.
fn state(source: Option<&StoredSource>) -> &'static str {
    let Some(source) = source else { return "never-walked" };
    match (&source.walk, &source.note) {
        (None, _) => "never-walked",
        (Some(walk), _) if walk.ended_at.is_none() => "under-way",
        (Some(_), None) if source.mark.is_some() => "complete",
        _ => "incomplete",
    }
}

/// From when on the next walk is one through everything, for a list whose changes do not tell all.
fn whole_due(source: &StoredSource, days: u32) -> Option<Timestamp> {
    if source.name != SourceName::Github || source.mark.is_none() {
        return None;
    }
    let ended = source.whole.as_ref().filter(|walk| walk.frozen == 0)?.ended_at?;
    ended.checked_add(SignedDuration::from_hours(24 * i64::from(days))).ok()
}

fn walk_json(walk: &Walk) -> Value {
    json!({
        "kind": walk.kind.as_str(),
        "since": walk.since,
        "position": walk.position,
        "pages": walk.pages,
        "seen": walk.seen,
        "added": walk.added,
        "changed": walk.changed,
        "unchanged": walk.unchanged,
        "malformed": walk.malformed,
        "gone": walk.gone,
        "frozen": walk.frozen,
        "started_at": walk.started_at,
        "touched_at": walk.touched_at,
        "ended_at": walk.ended_at,
        "ended_by": walk.ended_by.map(WalkEnd::as_str),
        "failure": walk.failure,
        "note": walk.note,
    })
}

fn to_json(name: SourceName, source: Option<&StoredSource>, due: Option<Timestamp>) -> Value {
    let Some(source) = source else { return json!({"source": name.as_str(), "state": state(None)}) };
    let candidates = &source.candidates;
    json!({
        "source": name.as_str(),
        "state": state(Some(source)),
        "address": source.address,
        "note": source.note,
        "mark": source.mark,
        "asked_not_before": source.asked_not_before,
        "listings": source.listings,
        "gone": source.gone,
        "candidates": {
            "listed": candidates.listed,
            "waiting": candidates.waiting,
            "scanned": candidates.scanned,
            "not_scannable": candidates.not_scannable,
            "missing": candidates.missing,
        },
        "walk": source.walk.as_ref().map(walk_json),
        "whole_walk": source.whole.as_ref().map(walk_json),
        "whole_walk_due": due,
    })
}

fn described(name: SourceName, source: Option<&StoredSource>, due: Option<Timestamp>) -> String {
    let Some(source) = source else {
        return format!("{name}: never walked; catalogue scan --registry {name} --dry-run reads it\n");
    };
    let shown = |text: &str| Untrusted::new(text).for_terminal(300);
    let mut text = format!("{name}: {}  {}\n", state(Some(source)), shown(&source.address));
    let mut line = |words: String| text.push_str(&format!("  {words}\n"));
    if let Some(note) = &source.note {
        line(shown(note));
    }
    if let Some(walk) = &source.walk {
        line(walk_line(name, walk));
        line(match walk.ended_at {
            Some(ended) => format!("last run: {:.0} to {ended:.0}", walk.started_at),
            None => {
                format!("last run: since {:.0}, its last page at {:.0}", walk.started_at, walk.touched_at)
            }
        });
        if walk.ended_at.is_none() {
            line(format!("position: {}", shown(&walk.position)));
        }
        if let Some(failure) = &walk.failure {
            line(format!("stopped by: {}", shown(failure)));
        }
        if let Some(note) = &walk.note {
            line(shown(note));
        }
    }
    let before = source.whole.as_ref().filter(|whole| source.walk.as_ref().is_some_and(|w| w.id != whole.id));
    if let Some(whole) = before.filter(|_| name == SourceName::Github) {
        line(format!("last whole walk, {:.0}: {}", whole.started_at, walk_line(name, whole)));
    }
    if let Some(due) = due {
        line(format!("next whole walk: with the first run after {due:.0}"));
    }
    if let Some(mark) = &source.mark {
        line(format!("next walk: what changed since {}", shown(mark)));
    }
    if let Some(until) = source.asked_not_before.filter(|until| *until > Timestamp::now()) {
        line(format!("asked to be left alone until {until:.0}"));
    }
    let found = &source.candidates;
    line(format!(
        "{} records, {} gone; {} candidates: {} waiting, {} scanned, {} not scannable, {} unknown to their registry",
        source.listings,
        source.gone,
        found.listed,
        found.waiting,
        found.scanned,
        found.not_scannable,
        found.missing
    ));
    text
}

/// A walk in one line: what it was, what it found, and what ended it.
pub(super) fn walk_line(name: SourceName, walk: &Walk) -> String {
    let mut text = format!(
        "{name}: {} walk, {}, {}: {} new, {} changed, {} as before",
        walk.kind,
        counted(walk.pages as usize, "page"),
        counted(walk.seen as usize, "record"),
        walk.added,
        walk.changed,
        walk.unchanged
    );
    for (count, what) in [
        (walk.malformed, "could not be read"),
        (walk.gone, "gone"),
        (walk.frozen, "not listed any more, but too many at once to believe it (--accept-shrink does)"),
    ] {
        if count > 0 {
            text.push_str(&format!(", {count} {what}"));
        }
    }
    match walk.ended_by {
        Some(by) => text.push_str(&format!("; ended by {by}: {}", meaning(by))),
        None => text.push_str("; not at its end, goes on next time"),
    }
    text
}

fn meaning(by: WalkEnd) -> &'static str {
    match by {
        WalkEnd::AbsentCursor => "the last page named no next one",
        WalkEnd::RepeatedCursor => "a page named one that was read before",
        WalkEnd::NothingNew => "a page held nothing new",
        WalkEnd::Cap => "the list goes on beyond what is read of it",
        WalkEnd::NotModified => "nothing changed since the last walk",
        WalkEnd::Replaced => "it was given up, the next one begins anew",
    }
}
