//! The whole catalogue in short: what lists, counts, neighbours and links need, and no more. Pages read the rest again.
//!
//! Of a tool some sixty bytes, its name and the line that lists show of it are in memory: less than 200 bytes together.

use std::borrow::Cow;

use jiff::Timestamp;
use rayon::prelude::*;
use serde::Serialize;

use super::dates::Moved;
use super::declares::Declared;
use super::digest::Digest;
use super::name::{ServerName, shown_name};
use super::on_shelf::ToolOnShelf;
use super::shelf::{Record, Shelf};
use super::similar::Likeness;
use super::words::{ClassWord, Day, RiskWord, SignalWord, class_word, day, risk_word, signal_word};
use crate::attack::{PatternSet, ServerTraits};
use crate::model::{Class, Outcome, Risk, ServerKey, Signal, Untrusted};
use crate::store::site::SiteServer;

/// Longest tool name in a list.
const NAME_IN_LIST: usize = 120;

/// Every server that is shown and every tool, in short.
#[derive(Debug, Default)]
pub(super) struct Catalogue {
    /// By key.
    pub(super) servers: Vec<ServerEntry>,
    /// By server, in the order the server lists them.
    pub(super) tools: Vec<ToolEntry>,
    /// Places in `tools`, by name, then by server.
    pub(super) by_name: Vec<u32>,
    /// All names, one behind the other.
    names: String,
    /// The lines of lists, in the same way.
    lines: String,
    /// When people or rules last changed what is said of tools, by their places.
    pub(super) moved: Moved,
    /// What is remembered for the next build.
    shelf: Shelf,
}

/// A server in short.
#[derive(Debug)]
pub(super) struct ServerEntry {
    /// Who it is and which probes speak for it.
    pub(super) server: SiteServer,
    /// What it is called.
    pub(super) name: ServerName,
    /// Version of the release its page shows.
    pub(super) version: String,
    /// How the newest probe ended.
    pub(super) outcome: Outcome,
    /// When the probe its page shows ended.
    pub(super) asked: Timestamp,
    /// Place of its first tool in [`Catalogue::tools`].
    pub(super) first_tool: usize,
    /// How many tools it has.
    pub(super) tool_count: usize,
    /// Tools by class.
    pub(super) classes: [usize; 4],
    /// Everything the database says of it, as one number.
    pub(super) rows: Digest,
    /// Its rows are what they were as long as this is the same; None: they have to be read.
    pub(super) stamp: Option<Digest>,
    /// Servers that its page names, where they have one.
    pub(super) places: Vec<String>,
    /// What is true of it as a whole.
    pub(super) traits: ServerTraits,
    /// Since when its own pages say what they say.
    pub(super) since: Timestamp,
    /// Since when it has listed what it lists.
    pub(super) listed_since: Timestamp,
    /// What a line of one of its tools shows of it, as one number; known when it is in the catalogue.
    pub(super) shown: u64,
}

/// A tool in short.
#[derive(Debug, Clone, Copy)]
pub(super) struct ToolEntry {
    /// Place of its server in [`Catalogue::servers`].
    pub(super) server: u32,
    /// The verdict's class.
    pub(super) class: Class,
    /// The verdict's risk.
    pub(super) risk: Risk,
    /// What its author's hints say.
    pub(super) declared: Declared,
    /// The verdict's signals, one bit each.
    pub(super) signals: u32,
    /// The attack patterns it is exposed to.
    pub(super) exposed: PatternSet,
    /// What it is similar by.
    pub(super) likeness: Likeness,
    /// What a list shows of it, as one number.
    pub(super) shown: u64,
    name_at: u32,
    name_len: u32,
    /// Where the name of its page's file is another one, that lies behind its name.
    slug_len: u32,
    line_at: u32,
    line_len: u32,
    /// What it is found by beside name and line lies behind its line.
    more_len: u32,
}

/// A line of a list of tools.
#[derive(Debug, Clone, Serialize)]
pub(super) struct ToolLine<'a> {
    pub(super) name: Cow<'a, str>,
    pub(super) path: String,
    pub(super) class: ClassWord,
    pub(super) risk: RiskWord,
    pub(super) signals: Vec<SignalWord>,
    /// The same as bits.
    #[serde(skip)]
    pub(super) signal_bits: u32,
    pub(super) line: &'a str,
    /// The server, where the list is not one server's.
    pub(super) server: Option<&'a ServerName>,
}

/// A line of a list of servers.
#[derive(Debug, Clone, Serialize)]
pub(super) struct ServerLine {
    #[serde(flatten)]
    pub(super) name: ServerName,
    pub(super) version: String,
    pub(super) outcome: &'static str,
    pub(super) meaning: &'static str,
    pub(super) answered: bool,
    pub(super) asked: Day,
    pub(super) tools: usize,
    /// Classes that occur, most severe first.
    pub(super) classes: Vec<super::words::ClassCount>,
}

impl Catalogue {
    /// An empty one whose lines go to that shelf.
    pub(super) fn new(shelf: Shelf) -> Self {
        Self { shelf, ..Self::default() }
    }

    /// Adds the next server by key, with what is remembered of it.
    ///
    /// # Errors
    /// The shelf cannot be written.
    pub(super) fn add(
        &mut self,
        mut entry: ServerEntry,
        tools: &[ToolOnShelf<'_>],
        record: &Record,
    ) -> std::io::Result<()> {
        let server = u32::try_from(self.servers.len()).map_err(std::io::Error::other)?;
        entry.first_tool = self.tools.len();
        entry.tool_count = tools.len();
        entry.classes = count(Class::ALL, tools.iter().map(|tool| tool.class));
        entry.shown = Digest::of(&(&entry.name.name, &entry.name.path)).short();
        self.shelf.put(record)?;
        let place = |number: usize| u32::try_from(number).map_err(std::io::Error::other);
        for tool in tools {
            let (name_at, line_at) = (place(self.names.len())?, place(self.lines.len())?);
            self.moved.note(self.tools.len(), tool.moved);
            self.names.push_str(tool.name);
            self.names.push_str(tool.slug);
            self.lines.push_str(tool.line);
            self.lines.push_str(tool.more);
            self.tools.push(ToolEntry {
                server,
                class: tool.class,
                risk: tool.risk,
                signals: tool.signals,
                exposed: tool.exposed,
                declared: tool.declared,
                likeness: tool.likeness,
                shown: tool.shown,
                name_at,
                name_len: place(tool.name.len())?,
                slug_len: place(tool.slug.len())?,
                line_at,
                line_len: place(tool.line.len())?,
                more_len: place(tool.more.len())?,
            });
        }
        self.servers.push(entry);
        Ok(())
    }

    /// Sorts the names, when all servers are there.
    ///
    /// # Errors
    /// The shelf cannot be written.
    pub(super) fn complete(&mut self) -> std::io::Result<()> {
        self.shelf.flush()?;
        self.names.shrink_to_fit();
        self.lines.shrink_to_fit();
        self.tools.shrink_to_fit();
        let count = u32::try_from(self.tools.len()).map_err(std::io::Error::other)?;
        // Most names differ in their first letters: only the others are looked at whole.
        let mut order: Vec<(u128, u32)> = (0..count)
            .into_par_iter()
            .map(|i| (self.tools.get(i as usize).map_or(0, |tool| beginning(self.name_of(tool))), i))
            .collect();
        let whole = |i: u32| self.tools.get(i as usize).map_or("", |tool| self.name_of(tool));
        order.par_sort_unstable_by(|(a, i), (b, j)| {
            a.cmp(b)
                .then_with(|| small(whole(*i)).cmp(small(whole(*j))))
                .then_with(|| whole(*i).cmp(whole(*j)))
                .then_with(|| i.cmp(j))
        });
        self.by_name = order.into_iter().map(|(_, i)| i).collect();
        Ok(())
    }

    /// Where the lines lie.
    pub(super) fn into_shelf(self) -> Shelf {
        self.shelf
    }

    /// The exact name of a tool.
    pub(super) fn name_of(&self, tool: &ToolEntry) -> &str {
        let from = tool.name_at as usize;
        self.names.get(from..from + tool.name_len as usize).unwrap_or_default()
    }

    /// The name of its page's file, without the ending.
    pub(super) fn slug_of(&self, tool: &ToolEntry) -> &str {
        let from = (tool.name_at + tool.name_len) as usize;
        let slug = self.names.get(from..from + tool.slug_len as usize).unwrap_or_default();
        if slug.is_empty() { self.name_of(tool) } else { slug }
    }

    /// The line that lists show of a tool.
    pub(super) fn line_of(&self, tool: &ToolEntry) -> &str {
        let from = tool.line_at as usize;
        self.lines.get(from..from + tool.line_len as usize).unwrap_or_default()
    }

    /// What a tool is found by beside its name and line: its title, and words further on in its description.
    pub(super) fn more_of(&self, tool: &ToolEntry) -> (&str, &str) {
        let from = (tool.line_at + tool.line_len) as usize;
        let more = self.lines.get(from..from + tool.more_len as usize).unwrap_or_default();
        more.split_once('\n').unwrap_or((more, ""))
    }

    /// The tools of one server.
    pub(super) fn tools_of(&self, server: &ServerEntry) -> &[ToolEntry] {
        self.tools.get(server.first_tool..server.first_tool + server.tool_count).unwrap_or_default()
    }

    /// The server of a tool.
    pub(super) fn server_of(&self, tool: &ToolEntry) -> Option<&ServerEntry> {
        self.servers.get(tool.server as usize)
    }

    /// The server with that key.
    pub(super) fn server(&self, key: &str) -> Option<&ServerEntry> {
        let found = self.servers.binary_search_by(|server| server.key_text().as_str().cmp(key)).ok()?;
        self.servers.get(found)
    }

    /// The path of a tool's page.
    pub(super) fn tool_path(&self, tool: &ToolEntry) -> String {
        let folder = self.server_of(tool).map_or("", |s| s.name.path.as_str());
        tool_path(folder, self.slug_of(tool))
    }

    /// A tool for a list; `with_server` in lists over several servers.
    pub(super) fn tool_line<'a>(&'a self, tool: &'a ToolEntry, with_server: bool) -> ToolLine<'a> {
        ToolLine {
            name: shown_name(self.name_of(tool), NAME_IN_LIST),
            path: self.tool_path(tool),
            class: class_word(tool.class),
            risk: risk_word(tool.risk),
            signals: tool.signals().map(signal_word).collect(),
            signal_bits: tool.signals,
            line: self.line_of(tool),
            server: self.server_of(tool).filter(|_| with_server).map(|s| &s.name),
        }
    }

    /// What [`Catalogue::tool_line`] would give, as two numbers, without reading anything.
    pub(super) fn shown(&self, tool: &ToolEntry) -> (u64, u64) {
        (tool.shown, self.server_of(tool).map_or(0, |server| server.shown))
    }

    /// Tools by class.
    pub(super) fn classes(&self) -> [usize; 4] {
        count(Class::ALL, self.tools.iter().map(|t| t.class))
    }

    /// Tools by risk.
    pub(super) fn risks(&self) -> [usize; 4] {
        count(Risk::ALL, self.tools.iter().map(|t| t.risk))
    }
}

impl ServerEntry {
    /// Who it is.
    pub(super) fn key(&self) -> &ServerKey {
        &self.server.key
    }

    /// Its key as text, by which servers are sorted.
    pub(super) fn key_text(&self) -> String {
        self.server.key.to_string()
    }

    /// True if it ever listed tools.
    pub(super) fn answered(&self) -> bool {
        self.server.answer.is_some()
    }

    /// Its tools by risk.
    pub(super) fn risks(&self, catalogue: &Catalogue) -> [usize; 4] {
        count(Risk::ALL, catalogue.tools_of(self).iter().map(|tool| tool.risk))
    }

    /// For a list.
    pub(super) fn line(&self) -> ServerLine {
        let classes = super::words::class_counts(self.classes);
        ServerLine {
            name: self.name.clone(),
            version: Untrusted::new(self.version.as_str()).for_page_line(60),
            outcome: self.outcome.as_str(),
            meaning: self.outcome.meaning(),
            answered: self.answered(),
            asked: day(self.asked),
            tools: self.tool_count,
            classes: classes.into_iter().rev().filter(|c| c.count > 0).collect(),
        }
    }
}

impl ToolEntry {
    /// The verdict's signals.
    pub(super) fn signals(&self) -> impl Iterator<Item = Signal> {
        let bits = self.signals;
        Signal::ALL.iter().enumerate().filter(move |(i, _)| bits & (1 << i) != 0).map(|(_, signal)| *signal)
    }

    /// True if the verdict has that signal.
    pub(super) fn has(&self, signal: Signal) -> bool {
        self.signals & signal_bits(&[signal]) != 0
    }

    /// True if it has one of the signals of [`signal_bits`].
    pub(super) fn has_one(&self, bits: u32) -> bool {
        self.signals & bits != 0
    }
}

/// The path of a tool's page in a server's folder.
pub(super) fn tool_path(server_path: &str, slug: &str) -> String {
    let mut path = String::with_capacity(server_path.len() + slug.len() + 12);
    put_tool_path(server_path, slug, &mut path);
    path
}

pub(super) fn put_tool_path(server_path: &str, slug: &str, out: &mut String) {
    [server_path, "/tools/", slug, ".html"].iter().for_each(|part| out.push_str(part));
}

/// One bit for each signal, in the order of `Signal::ALL`, which is that of the enum.
pub(super) fn signal_bits(signals: &[Signal]) -> u32 {
    let bit = |signal: &Signal| 1 << (*signal as u32);
    signals.iter().map(bit).fold(0, |all, bit| all | bit)
}

/// The first sixteen bytes in small letters, so that numbers sort as the names do.
fn beginning(name: &str) -> u128 {
    let mut bytes = [0; 16];
    let first: String = small(name).take(16).collect();
    for (to, from) in bytes.iter_mut().zip(first.bytes()) {
        *to = from;
    }
    u128::from_be_bytes(bytes)
}

fn small(name: &str) -> impl Iterator<Item = char> {
    name.chars().flat_map(char::to_lowercase)
}

/// How many there are of each.
fn count<T: PartialEq>(all: &[T], found: impl Iterator<Item = T>) -> [usize; 4] {
    let mut counts = [0; 4];
    for one in found {
        if let Some(count) = all.iter().position(|o| *o == one).and_then(|i| counts.get_mut(i)) {
            *count += 1;
        }
    }
    counts
}
