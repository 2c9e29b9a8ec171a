//! What the maker of a page kind is given: the catalogue, the press, and the unit that its pages belong to.

use std::sync::Mutex;

use super::catalogue::{Catalogue, ServerEntry};
use super::changes::Happened;
use super::declared::Unasked;
use super::judged::JudgedTool;
use super::lists::Figures;
use super::page::Press;
use super::server_page::ServerRows;
use super::similar::Similar;
use super::write::OpenUnit;
use crate::attack::Library;
use crate::classify::RuleSet;
use crate::policy::{Numbers, ServerPolicy};
use crate::store::StoredDeclared;

/// What every maker has.
#[derive(Clone, Copy)]
pub(super) struct Common<'a> {
    pub(super) press: &'a Press<'a>,
    pub(super) catalogue: &'a Catalogue,
    pub(super) similar: &'a Similar,
    pub(super) rules: &'a RuleSet,
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
    /// The policy for all of them.
    pub(super) policy: Option<&'a ServerPolicy>,
}

/// For pages of one server that was never asked.
pub(super) struct UnaskedWork<'a> {
    pub(super) common: Common<'a>,
    pub(super) unit: &'a OpenUnit,
    pub(super) server: &'a Unasked,
    pub(super) lists: &'a [StoredDeclared],
}

impl WholeWork<'_> {
    /// Notes a page for the sitemap.
    pub(super) fn listed(&self, path: String) {
        self.pages.lock().expect("no thread panics while it holds the list of pages").push(path);
    }
}
