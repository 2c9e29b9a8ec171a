//! What the maker of a page kind is given: the catalogue, the press, and the unit that its pages belong to.

use std::sync::{Mutex, OnceLock};

use super::catalogue::{Catalogue, ServerEntry};
use super::changes::Happened;
use super::control::Policies;
use super::declared::Unasked;
use super::digest::{Digest, Inputs};
use super::facts::{Facts, facts};
use super::judged::JudgedTool;
use super::lists::Figures;
use super::page::Press;
use super::server_page::ServerRows;
use super::similar::Similar;
use super::write::OpenUnit;
use crate::attack::Library;
use crate::classify::RuleBook;
use crate::policy::Numbers;
use crate::store::StoredDeclared;

/// What every maker has.
#[derive(Clone, Copy)]
pub(super) struct Common<'a> {
    pub(super) press: &'a Press<'a>,
    pub(super) catalogue: &'a Catalogue,
    pub(super) similar: &'a Similar,
    pub(super) rules: &'a RuleBook,
    pub(super) numbers: &'a Numbers,
    /// Attack patterns, terms and lists.
    pub(super) library: &'a Library,
}

/// For pages of the whole catalogue.
pub(super) struct WholeWork<'a> {
    pub(super) common: Common<'a>,
    pub(super) unit: &'a OpenUnit,
    pub(super) figures: Figures,
    /// What happened lately.
    pub(super) happened: Happened,
    /// Servers that were never asked.
    pub(super) unasked: &'a [Unasked],
    /// Every page made so far, for the sitemap.
    pub(super) pages: Mutex<Vec<String>>,
}

/// For pages of one server that was asked.
pub(super) struct ServerWork<'a> {
    pub(super) common: Common<'a>,
    pub(super) unit: &'a OpenUnit,
    /// The server in short.
    pub(super) entry: &'a ServerEntry,
    /// What was read of it.
    pub(super) rows: &'a ServerRows,
    /// Its tools with their verdicts, in the order it lists them; None if it never answered.
    pub(super) judged: Option<&'a [JudgedTool]>,
    /// The policies for all of them.
    pub(super) policies: Option<&'a Policies>,
    /// What the page of each tool is made from, noted when it is made.
    pub(super) made_from: &'a [OnceLock<Digest>],
    /// Similar tools of other servers, of each of its tools, once they were looked up.
    pub(super) similar: OnceLock<Vec<Vec<usize>>>,
    /// How it was asked, once a page said so.
    pub(super) facts: OnceLock<Facts>,
}

/// For pages of one server that was never asked.
pub(super) struct UnaskedWork<'a> {
    pub(super) common: Common<'a>,
    pub(super) unit: &'a OpenUnit,
    pub(super) server: &'a Unasked,
    pub(super) lists: &'a [StoredDeclared],
}

impl ServerWork<'_> {
    /// How the server was asked when it gave the list that is shown.
    pub(super) fn facts(&self) -> &Facts {
        self.facts.get_or_init(|| facts(self.entry.key(), &self.rows.shown, self.rows.chosen()))
    }

    /// Similar tools of other servers, of one of its tools: places in the catalogue.
    pub(super) fn similar(&self, place: usize) -> &[usize] {
        let Common { catalogue, similar, .. } = self.common;
        let look_up = || {
            let tools = self.entry.first_tool..self.entry.first_tool + self.entry.tool_count;
            tools.map(|index| similar.to(catalogue, index)).collect()
        };
        self.similar.get_or_init(look_up).get(place).map_or(&[], Vec::as_slice)
    }

    /// What the page of one of its tools is made from, beside what all pages are; see [`tool_inputs`].
    pub(super) fn tool_inputs(&self, place: usize, similar: &[usize]) -> Digest {
        let inputs = || tool_inputs(self.common.catalogue, self.entry, place, similar);
        self.made_from.get(place).map_or_else(inputs, |known| *known.get_or_init(inputs))
    }

    /// What the server's own pages are made from: everything the database says of it, and which of the servers it names are here.
    pub(super) fn server_inputs(&self, part: usize) -> Digest {
        let mut inputs = Inputs::default();
        inputs.add(&(self.entry.rows, part));
        for place in &self.entry.places {
            inputs.add(&self.common.catalogue.server(place).is_some());
        }
        inputs.done()
    }
}

/// What the page of one tool is made from, beside what all pages are: everything the database says of the server, and what is shown of
/// similar tools elsewhere, by their places. It costs a hash of some hundred bytes, where a view would have to be made first.
pub(super) fn tool_inputs(
    catalogue: &Catalogue,
    entry: &ServerEntry,
    place: usize,
    similar: &[usize],
) -> Digest {
    let mut inputs = Inputs::default();
    inputs.add(&(entry.rows, place));
    for other in similar {
        if let Some(tool) = catalogue.tools.get(*other) {
            inputs.add(&catalogue.shown(tool));
        }
    }
    inputs.done()
}

impl WholeWork<'_> {
    /// Notes a page for the sitemap.
    pub(super) fn listed(&self, path: String) {
        self.pages.lock().expect("no thread panics while it holds the list of pages").push(path);
    }
}
