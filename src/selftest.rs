//! The hostile suite: made-up servers that each attack in one way, what must come of each, and what must not have happened.
//!
//! `catalogue selftest` starts every row of [`rows`] in the sandbox of this machine, beside healthy servers, and says
//! what held (`cli/selftest`). A row is a script of this program itself, started as `catalogue __hostile ROW TOLD`
//! ([`play`]), or of one process that plays all remote servers on loopback ([`REMOTE`]), so that nothing has to be installed and the test target `hostile` plays the same rows. Nothing here
//! starts a box or knows how one is made: what is tried is what any server could try.

mod bait;
mod burdens;
mod devices;
mod escapes;
mod healthy;
mod http;
mod judge;
mod kernel;
mod lasting;
pub mod leftovers;
mod messages;
mod network;
mod pages;
mod raw;
mod remote;
mod server;
mod texts;
mod visits;
mod weights;

use crate::model::Outcome;

pub use bait::{Bait, Seen, Told};
pub use http::NAME as REMOTE;
pub use judge::{AttemptResult, Finding, Held, judge};
pub use leftovers::Left;
pub use server::play;

/// What a row is about, in the order in which they are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Topic {
    /// Lines, bytes, time.
    Wire,
    /// Messages that break the protocol or JSON.
    Messages,
    /// Cursors and lists.
    Pages,
    /// Names and texts that mean something elsewhere.
    Texts,
    /// The same over HTTP, and what only a remote server can do.
    Remote,
    /// Processes, memory, disk, CPU.
    Burden,
    /// Getting out of the box.
    Escape,
    /// Reaching something over a network.
    Network,
    /// Staying after the end.
    Lasting,
    /// Nothing hostile: must not notice the others.
    Healthy,
}

impl Topic {
    /// The word shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Topic::Wire => "wire",
            Topic::Messages => "messages",
            Topic::Pages => "pages",
            Topic::Texts => "texts",
            Topic::Remote => "remote",
            Topic::Burden => "burden",
            Topic::Escape => "escape",
            Topic::Network => "network",
            Topic::Lasting => "lasting",
            Topic::Healthy => "healthy",
        }
    }
}

/// One made-up server.
#[derive(Debug)]
pub struct Row {
    /// Its name, also that of its script.
    pub name: &'static str,
    /// What it does, one sentence without a full stop.
    pub attack: &'static str,
    /// What it is about.
    pub topic: Topic,
    /// What must come of it.
    pub expect: Expect,
    /// What it plays.
    pub(crate) play: Play,
}

/// The exact outcome of a row.
#[derive(Debug, Clone, Copy)]
pub struct Expect {
    /// The word.
    pub outcome: Outcome,
    /// Part of the line that says why; empty: any.
    pub detail: &'static str,
    /// Tools that are listed in the end.
    pub tools: u32,
    /// Entries that are no tools.
    pub malformed: u32,
    /// Marks on the wire, all of them and no other.
    pub marks: &'static [&'static str],
}

impl Expect {
    /// A list of so many tools, nothing odd about it.
    pub(crate) const fn ok(tools: u32) -> Self {
        Self { outcome: Outcome::Ok, detail: "", tools, malformed: 0, marks: &[] }
    }

    /// No list, this word, and this in the line that says why.
    pub(crate) const fn failed(outcome: Outcome, detail: &'static str) -> Self {
        Self { outcome, detail, tools: 0, malformed: 0, marks: &[] }
    }

    pub(crate) const fn marked(self, marks: &'static [&'static str]) -> Self {
        Self { marks, ..self }
    }

    pub(crate) const fn malformed(self, malformed: u32) -> Self {
        Self { malformed, ..self }
    }
}

/// What a row does once it is started.
#[derive(Debug)]
pub(crate) enum Play {
    /// A conversation.
    Script(fn(&mut server::Server)),
    /// What a remote server does with a request; see [`http`].
    Remote(http::Script),
    /// A list of attempts, each made in a process of its own and reported as a tool.
    Attempts(&'static [Attempt]),
}

/// One thing that must be refused.
#[derive(Debug)]
pub struct Attempt {
    /// Its name in the tool that reports it: `held_ID` or `escaped_ID`.
    pub id: &'static str,
    /// What it tries, one phrase.
    pub what: &'static str,
    /// Where it is known not to be refused.
    pub gap: Gap,
    /// `Ok`: it got through, and what it got. `Err`: what refused it.
    pub(crate) try_it: fn(&Told) -> Tried,
}

/// How an attempt ended.
pub(crate) type Tried = Result<String, String>;

/// Levels at which an attempt is known to get through, each with what that means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gap {
    /// No level of sandbox lets it through.
    Nowhere,
    /// The reduced level does.
    Reduced(&'static str),
    /// Every level does.
    Everywhere(&'static str),
}

/// Every row, the healthy ones last.
pub fn rows() -> impl Iterator<Item = &'static Row> {
    let tables: [&'static [Row]; 11] = [
        weights::ROWS,
        messages::ROWS,
        pages::ROWS,
        texts::ROWS,
        remote::ROWS,
        visits::ROWS,
        burdens::ROWS,
        escapes::ROWS,
        network::ROWS,
        lasting::ROWS,
        healthy::ROWS,
    ];
    tables.into_iter().flatten()
}

/// Rows that weigh most on the scanner: each is also asked alone, with its memory measured.
pub const HEAVY: [&str; 9] = [
    "flood-bytes",
    "line-of-1-gb",
    "tools-1000000",
    "tools-10000",
    "properties-100000",
    "remote-tools-1000000",
    "remote-event-of-1-gb",
    "remote-gzip-bomb",
    "remote-flood",
];

/// The row of this name.
pub fn row(name: &str) -> Option<&'static Row> {
    rows().find(|row| row.name == name)
}

impl Row {
    /// True if it is a remote server: nothing is started for it.
    pub fn is_remote(&self) -> bool {
        matches!(self.play, Play::Remote(_))
    }

    /// True if it never answers, so that only the end of its time ends it.
    pub fn is_waited_for_in_vain(&self) -> bool {
        self.expect.outcome == Outcome::TimedOut
    }

    /// The attempts it reports; empty for a conversation.
    pub fn attempts(&self) -> &'static [Attempt] {
        match self.play {
            Play::Script(_) | Play::Remote(_) => &[],
            Play::Attempts(attempts) => attempts,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn names_are_unique_and_there_are_enough_rows() {
        let hostile = rows().filter(|r| r.topic != Topic::Healthy).count();
        let healthy = rows().filter(|r| r.topic == Topic::Healthy).count();
        assert!(hostile >= 45 && healthy == 10, "{hostile} hostile, {healthy} healthy");
        let names: BTreeSet<_> = rows().map(|r| r.name).collect();
        assert_eq!(names.len(), hostile + healthy);
        assert!(HEAVY.iter().all(|name| row(name).is_some()));
        for row in rows() {
            let ids: BTreeSet<_> = row.attempts().iter().map(|a| a.id).collect();
            assert_eq!(ids.len(), row.attempts().len(), "{}", row.name);
            if !row.attempts().is_empty() {
                assert_eq!(row.expect.tools as usize, ids.len(), "{}", row.name);
            }
            assert!(!row.attack.ends_with('.'), "{}", row.name);
        }
    }
}
