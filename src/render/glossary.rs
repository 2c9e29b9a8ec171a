//! The glossary: all terms on one page with an anchor each, and each on a page of its own.

use rayon::prelude::*;
use serde::Serialize;

use super::RenderError;
use super::digest::Digest;
use super::kinds::{MadeFrom, Make, PageKind};
use super::site_work::WholeWork;
use super::words::{SignalWord, signal_word};
use crate::attack::{Library, Pattern, Term};

/// All terms.
pub(super) const INDEX: PageKind = PageKind {
    id: "glossary",
    path: "glossary/index.html",
    templates: &["glossary.html"],
    made_from: MadeFrom::Files,
    counts: false,
    make: Make::Whole(index),
};
/// One term.
pub(super) const KIND: PageKind = PageKind {
    id: "term",
    path: "glossary/{term}.html",
    templates: &["term.html"],
    made_from: MadeFrom::Files,
    counts: false,
    make: Make::Whole(terms),
};

#[derive(Serialize)]
struct TermView<'a> {
    id: &'a str,
    term: &'a str,
    text: &'a str,
    /// Why it matters.
    why: &'a str,
    /// Its first sentence, for search engines.
    first: &'a str,
    see: Vec<Named<'a>>,
    attack: Option<Named<'a>>,
    signal: Option<SignalWord>,
    source: Option<&'a str>,
}

#[derive(Serialize)]
struct Named<'a> {
    id: &'a str,
    name: &'a str,
}

#[derive(Serialize)]
struct GlossaryView<'a> {
    format: &'static str,
    terms: Vec<TermView<'a>>,
}

#[derive(Serialize)]
struct OneTerm<'a> {
    term: TermView<'a>,
}

fn index(work: &WholeWork<'_>) -> Result<(), RenderError> {
    let library = work.common.library;
    let path = "glossary/index.html";
    let terms = library.terms().iter().map(|term| view(library, term)).collect();
    let view = GlossaryView { format: "catalogue-glossary-1", terms };
    work.listed(path.to_owned());
    work.common.press.twin(work.unit, path, Digest::of(&view), || Ok(&view))?;
    work.common.press.page(&INDEX, work.unit, path, &view)
}

fn terms(work: &WholeWork<'_>) -> Result<(), RenderError> {
    let library = work.common.library;
    library.terms().par_iter().try_for_each(|term| {
        let path = format!("glossary/{}.html", term.id);
        work.listed(path.clone());
        work.common.press.page(&KIND, work.unit, &path, &OneTerm { term: view(library, term) })
    })
}

fn view<'a>(library: &'a Library, term: &'a Term) -> TermView<'a> {
    let named = |id: &String| library.terms().iter().find(|other| other.id == *id);
    let pattern = |pattern: &'a Pattern| Named { id: &pattern.id, name: &pattern.title };
    TermView {
        id: &term.id,
        term: &term.term,
        text: &term.text,
        why: &term.why,
        first: term.text.split_inclusive(". ").next().unwrap_or_default().trim_end(),
        see: term.see.iter().filter_map(named).map(|t| Named { id: &t.id, name: &t.term }).collect(),
        attack: term.attack.as_ref().and_then(|id| library.pattern(id)).map(pattern),
        signal: term.signal.map(signal_word),
        source: term.source.as_deref(),
    }
}
