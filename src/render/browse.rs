//! One page that leads to every list.

use serde::Serialize;

use super::RenderError;
use super::catalogue::ServerEntry;
use super::kinds::{MadeFrom, Make, PageKind};
use super::letters::{LetterCount, letters};
use super::lists::{Figures, OutcomeLine, outcome_lines};
use super::site_work::WholeWork;

/// One page.
pub(super) const KIND: PageKind = PageKind {
    id: "browse",
    path: "browse.html",
    templates: &["browse.html"],
    made_from: MadeFrom::Catalogue,
    counts: true,
    make: Make::Whole(browse),
};

#[derive(Serialize)]
struct BrowseView<'a> {
    figures: &'a Figures,
    outcomes: Vec<OutcomeLine>,
    server_letters: Vec<LetterCount>,
    tool_letters: Vec<LetterCount>,
    attacks: usize,
    terms: usize,
    /// The files of the download are there.
    download: bool,
}

fn browse(work: &WholeWork<'_>) -> Result<(), RenderError> {
    let (catalogue, library) = (work.common.catalogue, work.common.library);
    let quiet: Vec<&ServerEntry> = catalogue.servers.iter().filter(|s| !s.answered()).collect();
    let (server_letters, tool_letters) = letters(catalogue);
    let view = BrowseView {
        figures: &work.figures,
        outcomes: outcome_lines(&quiet),
        server_letters,
        tool_letters,
        attacks: library.patterns().len(),
        terms: library.terms().len(),
        download: super::download::is_wanted(work.common.press.options) && !catalogue.servers.is_empty(),
    };
    work.listed("browse.html".to_owned());
    work.common.press.page(&KIND, work.unit, "browse.html", &view)
}
