//! The whole catalogue in short: what lists, counts, neighbours and links need, and no more. Pages read the rest again.

use jiff::Timestamp;
use rayon::prelude::*;
use serde::Serialize;

use super::judged::{JudgedTool, judge, read_tools};
use super::name::{ServerName, server_name, tool_name};
use super::words::{ClassWord, Day, RiskWord, SignalWord, class_word, day, risk_word, signal_word};
use crate::classify::RuleSet;
use crate::model::slug::slug;
use crate::model::{Class, Outcome, Risk, ServerKey, Signal, Untrusted};
use crate::store::site::{self, Audience, SiteServer};
use crate::store::{Connection, StoreError};

/// Servers whose rows are held at once.
pub(super) const CHUNK: usize = 32;
/// Longest tool name in a list.
const NAME_IN_LIST: usize = 120;
/// Longest description in a list.
const LINE_IN_LIST: usize = 180;

/// Every server that is shown and every tool, in short.
#[derive(Debug, Default)]
pub(super) struct Catalogue {
    /// By key.
    pub(super) servers: Vec<ServerEntry>,
    /// By server, in the order the server lists them.
    pub(super) tools: Vec<ToolEntry>,
    /// Places in `tools`, by name, then by server.
    pub(super) by_name: Vec<usize>,
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
}

/// A tool in short.
#[derive(Debug)]
pub(super) struct ToolEntry {
    /// Place of its server in [`Catalogue::servers`].
    pub(super) server: usize,
    /// Its exact name.
    pub(super) raw_name: String,
    /// The name of its page.
    pub(super) slug: String,
    /// The first words of its description, on one line.
    pub(super) line: String,
    /// The verdict's class.
    pub(super) class: Class,
    /// The verdict's risk.
    pub(super) risk: Risk,
    /// The verdict's signals.
    pub(super) signals: Vec<Signal>,
}

/// A line of a list of tools.
#[derive(Debug, Clone, Serialize)]
pub(super) struct ToolLine {
    pub(super) name: String,
    pub(super) path: String,
    pub(super) class: ClassWord,
    pub(super) risk: RiskWord,
    pub(super) signals: Vec<SignalWord>,
    pub(super) line: String,
    /// The server, where the list is not one server's.
    pub(super) server: Option<ServerName>,
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

/// One server's part of the catalogue, before it has a place in it.
struct Part {
    entry: ServerEntry,
    tools: Vec<ToolEntry>,
}

impl Catalogue {
    /// Reads every server that `audience` sees as it stood at `as_of`, with the corrections of `corrected_by`.
    ///
    /// # Errors
    /// [`StoreError`].
    pub(super) fn read(
        db: &Connection,
        rules: &RuleSet,
        as_of: Timestamp,
        corrected_by: Option<Timestamp>,
        audience: Audience,
    ) -> Result<Self, StoreError> {
        let mut catalogue = Catalogue::default();
        for chunk in site::servers(db, as_of, audience)?.chunks(CHUNK) {
            let mut rows = Vec::with_capacity(chunk.len());
            for server in chunk {
                let shown = site::probe(db, server.answer.unwrap_or(server.newest))?;
                let newest = if shown.id == server.newest {
                    shown.outcome
                } else {
                    site::probe(db, server.newest)?.outcome
                };
                let tools = server
                    .answer
                    .map(|p| read_tools(db, &server.key, p, rules.hash(), corrected_by))
                    .transpose()?;
                rows.push((server.clone(), shown, newest, tools));
            }
            let parts: Vec<Part> = rows
                .into_par_iter()
                .map(|(server, shown, outcome, tools)| {
                    let judged = tools.map(|rows| judge(rows, rules)).unwrap_or_default();
                    let name = server_name(&server.key, &shown);
                    let entry = ServerEntry {
                        server,
                        name,
                        version: shown.version,
                        outcome,
                        asked: shown.finished_at,
                        first_tool: 0,
                        tool_count: judged.len(),
                        classes: count_classes(judged.iter().map(|t| t.verdict.class)),
                    };
                    Part { entry, tools: judged.iter().map(tool_entry).collect() }
                })
                .collect();
            for part in parts {
                catalogue.add(part);
            }
        }
        catalogue.sort_names();
        Ok(catalogue)
    }

    fn add(&mut self, part: Part) {
        let server = self.servers.len();
        self.servers.push(ServerEntry { first_tool: self.tools.len(), ..part.entry });
        self.tools.extend(part.tools.into_iter().map(|tool| ToolEntry { server, ..tool }));
    }

    fn sort_names(&mut self) {
        let mut order: Vec<usize> = (0..self.tools.len()).collect();
        let lowered: Vec<String> = self.tools.iter().map(|t| t.raw_name.to_lowercase()).collect();
        let key = |i: usize| (lowered.get(i), self.tools.get(i).map(|t| &t.raw_name), i);
        order.par_sort_unstable_by(|a, b| key(*a).cmp(&key(*b)));
        self.by_name = order;
    }

    /// The tools of one server.
    pub(super) fn tools_of(&self, server: &ServerEntry) -> &[ToolEntry] {
        self.tools.get(server.first_tool..server.first_tool + server.tool_count).unwrap_or_default()
    }

    /// The server of a tool.
    pub(super) fn server_of(&self, tool: &ToolEntry) -> Option<&ServerEntry> {
        self.servers.get(tool.server)
    }

    /// The path of a tool's page.
    pub(super) fn tool_path(&self, tool: &ToolEntry) -> String {
        let folder = self.server_of(tool).map_or("", |s| s.name.path.as_str());
        tool_path(folder, &tool.slug)
    }

    /// A tool for a list; `with_server` in lists over several servers.
    pub(super) fn tool_line(&self, tool: &ToolEntry, with_server: bool) -> ToolLine {
        ToolLine {
            name: tool_name(&tool.raw_name, NAME_IN_LIST),
            path: self.tool_path(tool),
            class: class_word(tool.class),
            risk: risk_word(tool.risk),
            signals: tool.signals.iter().copied().map(signal_word).collect(),
            line: tool.line.clone(),
            server: self.server_of(tool).filter(|_| with_server).map(|s| s.name.clone()),
        }
    }

    /// Tools by class.
    pub(super) fn classes(&self) -> [usize; 4] {
        count_classes(self.tools.iter().map(|t| t.class))
    }

    /// Tools by risk.
    pub(super) fn risks(&self) -> [usize; 4] {
        let mut counts = [0; 4];
        for tool in &self.tools {
            if let Some(count) =
                Risk::ALL.iter().position(|r| *r == tool.risk).and_then(|i| counts.get_mut(i))
            {
                *count += 1;
            }
        }
        counts
    }
}

impl ServerEntry {
    /// Who it is.
    pub(super) fn key(&self) -> &ServerKey {
        &self.server.key
    }

    /// True if it ever listed tools.
    pub(super) fn answered(&self) -> bool {
        self.server.answer.is_some()
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

/// The path of a tool's page in a server's folder.
pub(super) fn tool_path(server_path: &str, slug: &str) -> String {
    format!("{server_path}/tools/{slug}.html")
}

fn tool_entry(tool: &JudgedTool) -> ToolEntry {
    let description = Untrusted::new(tool.definition.description().unwrap_or_default());
    ToolEntry {
        server: 0,
        raw_name: tool.definition.name().to_owned(),
        slug: slug(tool.definition.name()),
        line: description.for_page_line(LINE_IN_LIST),
        class: tool.verdict.class,
        risk: tool.verdict.risk,
        signals: tool.verdict.signals.clone(),
    }
}

fn count_classes(classes: impl Iterator<Item = Class>) -> [usize; 4] {
    let mut counts = [0; 4];
    for class in classes {
        if let Some(count) = Class::ALL.iter().position(|c| *c == class).and_then(|i| counts.get_mut(i)) {
            *count += 1;
        }
    }
    counts
}
