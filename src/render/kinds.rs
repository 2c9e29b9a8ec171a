//! The table of page kinds. A new kind is one file with a `KIND` in it, one line here, and its template.

use serde::Serialize;

use super::RenderError;
use super::site_work::{ServerWork, UnaskedWork, WholeWork};
use super::{
    attack_categories, attack_pages, browse, changes, config_page, declared, declared_list, glossary,
    letters, lists, llms, moved, not_found, notes, outcomes, owasp, prose, report_page, risk_levels, search,
    server_page, server_risk, sitemap, tool_page,
};

/// What the pages of a kind are made from: it says when they are looked at again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum MadeFrom {
    /// The program's own files.
    Files,
    /// The whole catalogue in short.
    Catalogue,
    /// One server: its rows, its tools, and what its pages show of others.
    Server,
    /// One tool of a server, and what its page shows of others.
    Tool,
}

/// Who makes the pages of a kind.
pub(super) enum Make {
    /// Called once, before all servers, beside other kinds.
    Whole(fn(&WholeWork<'_>) -> Result<(), RenderError>),
    /// Called once, when all of these are done: it looks at what the others listed.
    Last(fn(&WholeWork<'_>) -> Result<(), RenderError>),
    /// Called for each server that was asked; a kind that has nothing to say of this one returns at once. May make pages of
    /// its tools, too.
    Server(fn(&ServerWork<'_>) -> Result<(), RenderError>),
    /// Called for each server of which only declared lists are known.
    Unasked(fn(&UnaskedWork<'_>) -> Result<(), RenderError>),
}

/// A kind of page.
pub struct PageKind {
    /// What reports call it.
    pub id: &'static str,
    /// Where its pages lie, with `{…}` for what varies.
    pub path: &'static str,
    /// Its template, then parts of it that are rendered by themselves.
    pub templates: &'static [&'static str],
    /// What its pages are made from.
    pub made_from: MadeFrom,
    /// Its pages show counts over the whole catalogue, or the day it is of; all others must not.
    pub counts: bool,
    pub(super) make: Make,
}

/// Every kind, in the order in which they are made.
pub const PAGE_KINDS: &[PageKind] = &[
    lists::HOME,
    lists::CLASS,
    lists::RISK,
    risk_levels::KIND,
    lists::SIGNAL,
    lists::SERVERS,
    lists::QUIET,
    outcomes::KIND,
    letters::SERVERS,
    letters::TOOLS,
    browse::KIND,
    search::KIND,
    config_page::KIND,
    attack_pages::INDEX,
    attack_pages::KIND,
    attack_categories::KIND,
    glossary::INDEX,
    glossary::KIND,
    owasp::KIND,
    report_page::KIND,
    changes::KIND,
    changes::FEED,
    llms::INDEX,
    llms::FULL,
    declared_list::KIND,
    prose::KIND,
    prose::GUIDES,
    notes::INDEX,
    notes::KIND,
    notes::TAG,
    notes::FEED,
    not_found::KIND,
    server_page::ANSWERED,
    server_page::QUIET,
    server_risk::KIND,
    tool_page::KIND,
    declared::KIND,
    sitemap::ROBOTS,
    moved::KIND,
    sitemap::KIND,
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::assets::Folder;

    #[test]
    fn every_kind_has_a_name_and_templates_of_its_own_and_only_lists_count() {
        let files = Folder::Templates.files(None).unwrap();
        let names: BTreeSet<_> = PAGE_KINDS.iter().map(|kind| kind.id).collect();
        assert_eq!(names.len(), PAGE_KINDS.len());
        for kind in PAGE_KINDS {
            assert!(!kind.templates.is_empty(), "{}", kind.id);
            assert!(kind.templates.iter().all(|name| files.contains_key(*name)), "{}", kind.id);
            let of_one = matches!(kind.made_from, MadeFrom::Server | MadeFrom::Tool);
            assert!(!(kind.counts && of_one), "{} would change with every scan", kind.id);
        }
    }

    /// A template that no page uses would be read by nobody; a count in the template of one server's page would change with each scan.
    #[test]
    fn pages_of_one_server_name_no_figure_of_the_whole() {
        let files = Folder::Templates.files(None).unwrap();
        for kind in PAGE_KINDS.iter().filter(|kind| !kind.counts) {
            for name in kind.templates {
                let text = String::from_utf8(files[*name].clone()).unwrap();
                assert!(!text.contains("figures."), "{name} shows catalogue-wide counts");
            }
        }
    }
}
