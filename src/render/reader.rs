//! Reads what the pages of servers are made of, in the order of their keys, a piece at a time: while the pages of some are made, the
//! next ones are read. Servers whose pages would be what they are, are passed. Called by `engine`.

use std::path::Path;

use super::aside::{self, Aside, Place};
use super::catalogue::ServerEntry;
use super::digest::Digest;
use super::extras::Extras;
use super::judged::ToolRows;
use super::manifest::UnitName;
use super::server_page::ServerRows;
use super::site_work::Common;
use super::write::OpenUnit;
use super::{BuildOptions, RenderError};
use crate::store::site::Corrections;
use crate::store::stored_tool::SiteTool;
use crate::store::{Connection, declared_lists, identity, site, site_history};

/// Tools whose rows are held at once, as near as whole servers come to it.
const TOOLS_AT_ONCE: usize = 500;
/// Servers that are passed at once, whether they have tools or not.
const SERVERS_AT_ONCE: usize = 200;

/// A server whose pages are to be looked at, or to be left as they are.
pub(super) struct Open {
    /// Its place in the catalogue.
    pub(super) place: usize,
    pub(super) unit: OpenUnit,
    /// None where its pages are left.
    pub(super) rows: Option<ServerRows>,
}

/// Reads the servers in order, a piece at a time.
pub(super) struct Reader<'a> {
    common: Common<'a>,
    extras: &'a Extras,
    before: &'a [Option<Digest>],
    /// Where the tools lie that were read already.
    aside: (&'a Aside, &'a [Option<Place>]),
    is_ours: &'a (dyn Fn(&str) -> bool + Sync),
    next: usize,
}

impl<'a> Reader<'a> {
    /// One that begins with the first server. `before` is what the pages of each were made from, where it counts; `aside` is where its
    /// tools lie, where they were read.
    pub(super) fn new(
        common: Common<'a>,
        extras: &'a Extras,
        before: &'a [Option<Digest>],
        aside: (&'a Aside, &'a [Option<Place>]),
        is_ours: &'a (dyn Fn(&str) -> bool + Sync),
    ) -> Self {
        Self { common, extras, before, aside, is_ours, next: 0 }
    }

    /// How many servers it came by.
    pub(super) fn passed(&self) -> usize {
        self.next
    }

    /// The next piece; `inputs` are what the pages of each server are made from, where that is known before they are made.
    ///
    /// # Errors
    /// The database cannot be read, or a file that is gone not be removed.
    pub(super) fn read(
        &mut self,
        db: &mut Connection,
        options: &BuildOptions,
        inputs: &[Option<Digest>],
    ) -> Result<Vec<Open>, RenderError> {
        let press = self.common.press;
        let (mut piece, mut tools) = (Vec::new(), 0);
        while tools < TOOLS_AT_ONCE && piece.len() < SERVERS_AT_ONCE {
            let Some(entry) = self.common.catalogue.servers.get(self.next) else { break };
            let place = self.next;
            self.next += 1;
            let key = entry.key_text();
            if !(self.is_ours)(&key) {
                continue;
            }
            let unit = press.output.unit_in(UnitName::server(&key), &entry.name.path)?;
            let before = self.before.get(place).copied().flatten();
            let same = before.is_some() && before == inputs.get(place).copied().flatten();
            // Checking looks at every page; without it, what is the same need not be opened.
            let keep = same && unit.was_there() && !press.output.is_unsure(&unit) && press.checker.is_none();
            let rows = if keep { None } else { Some(self.rows(db, place, entry, &key, options)?) };
            tools += if keep { 0 } else { entry.tool_count };
            piece.push(Open { place, unit, rows });
        }
        Ok(piece)
    }

    /// The tools of a server's answer, as they were read when stock was taken, or from the database.
    fn tools(&self, db: &Connection, index: usize, probe: i64) -> Result<Vec<SiteTool>, RenderError> {
        let (aside, places) = self.aside;
        let Some(place) = places.get(index).copied().flatten() else {
            return Ok(site::tools(db, probe, self.common.rules.hash())?);
        };
        let bytes = aside.read(place)?;
        let (mut rest, database) = (bytes.as_slice(), db.path().map(Path::new).unwrap_or(Path::new("")));
        let mut tools = Vec::new();
        while !rest.is_empty() {
            let tool = aside::take(&mut rest).ok_or_else(not_as_put)?;
            tools.push(tool.read(database)?);
        }
        Ok(tools)
    }

    /// Everything that the pages of one server need from the database.
    fn rows(
        &self,
        db: &Connection,
        index: usize,
        entry: &ServerEntry,
        key: &str,
        options: &BuildOptions,
    ) -> Result<ServerRows, RenderError> {
        let rules = self.common.rules;
        let shown = entry.server.answer.unwrap_or(entry.server.newest);
        // Corrections are those of `as_of`; without it all, also those made after the newest probe.
        let corrections = if self.extras.corrected.contains(key) {
            site::corrections(db, entry.key(), options.as_of)?
        } else {
            Corrections::default()
        };
        let tools = entry.server.answer.map(|probe| self.tools(db, index, probe)).transpose()?;
        let tools = tools.map(|mut tools| {
            for tool in &mut tools {
                if let Some(seen) = self.extras.first_seen.get(tool.hash.as_str()) {
                    tool.first_seen = *seen;
                }
            }
            ToolRows::new(tools, corrections)
        });
        Ok(ServerRows {
            index,
            shown: site::probe(db, shown)?,
            attempts: site::attempts(db, shown)?,
            declared: if self.extras.declared.contains(key) {
                declared_lists(db, key, options.as_of)?
            } else {
                Vec::new()
            },
            newer: if shown == entry.server.newest {
                None
            } else {
                Some(site::probe(db, entry.server.newest)?)
            },
            tools,
            history: match entry.server.answer {
                Some(answer) if entry.server.answers > 1 => site_history::history(db, answer, rules.hash())?,
                _ => Default::default(),
            },
            identity: if self.extras.identity.is_some() {
                identity::site_identity(db, key)?
            } else {
                Default::default()
            },
        })
    }
}

/// Somebody else wrote into the file, or the disk did.
fn not_as_put() -> std::io::Error {
    std::io::Error::new(
        std::io::ErrorKind::InvalidData,
        "what was put aside for the pages of a server does not read back as it was put",
    )
}
