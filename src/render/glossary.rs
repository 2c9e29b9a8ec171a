//! The glossary: all terms on one page, by subject and by name, with an anchor each, and each on a page of its own.

use rayon::prelude::*;
use serde::Serialize;

use super::RenderError;
use super::digest::Digest;
use super::html::Sheet;
use super::kinds::{MadeFrom, Make, PageKind};
use super::questions::{self, Question, entries, questions};
use super::site_work::WholeWork;
use super::structured;
use super::words::{SignalWord, signal_word};
use crate::attack::{Group, Library, Pattern, Term};

/// The questions on the page of a term, and their answers.
const QUESTIONS: &str = "term-questions.txt";

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
    templates: &["term.html", QUESTIONS],
    made_from: MadeFrom::Files,
    counts: false,
    make: Make::Whole(terms),
};

#[derive(Serialize)]
struct TermView<'a> {
    id: &'a str,
    term: &'a str,
    text: &'a str,
    /// Id of its group.
    group: &'a str,
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
    groups: Vec<GroupView<'a>>,
    terms: Vec<TermView<'a>>,
}

/// The terms of one subject, by name.
#[derive(Serialize)]
struct GroupView<'a> {
    id: &'a str,
    title: &'a str,
    terms: Vec<Named<'a>>,
}

#[derive(Serialize)]
struct Asked<'a> {
    term: &'a TermView<'a>,
}

#[derive(Serialize)]
struct OneTerm<'a> {
    term: &'a TermView<'a>,
    group: Option<GroupView<'a>>,
    questions: Vec<Question>,
    questions_json: String,
    json_ld: String,
}

fn index(work: &WholeWork<'_>) -> Result<(), RenderError> {
    let library = work.common.library;
    let path = "glossary/index.html";
    let terms = library.terms().iter().map(|term| view(library, term)).collect();
    let groups = library.groups().iter().map(|group| group_view(library, group)).collect();
    let view = GlossaryView { format: "catalogue-glossary-1", groups, terms };
    work.listed(path.to_owned());
    work.common.press.twin(work.unit, path, Digest::of(&view), || Ok(&view))?;
    work.common.press.page(&INDEX, work.unit, path, &view)
}

fn terms(work: &WholeWork<'_>) -> Result<(), RenderError> {
    work.common.library.terms().par_iter().try_for_each(|term| one(work, term))
}

fn one(work: &WholeWork<'_>, term: &Term) -> Result<(), RenderError> {
    let (library, press) = (work.common.library, work.common.press);
    let path = format!("glossary/{}.html", term.id);
    let json_ld = structured::term(&term.term, &term.text, &path, press.options.base_url.as_ref());
    let view = view(library, term);
    let questions = questions(&press.part(QUESTIONS, &Sheet::of(QUESTIONS, &Asked { term: &view })?)?);
    let group = library.groups().iter().find(|group| group.id == term.group);
    let page = OneTerm {
        term: &view,
        group: group.map(|group| group_view(library, group)),
        questions_json: questions::json_ld(&entries(&questions)),
        questions,
        json_ld,
    };
    work.listed(path.clone());
    press.page(&KIND, work.unit, &path, &page)
}

fn group_view<'a>(library: &'a Library, group: &'a Group) -> GroupView<'a> {
    let terms = library.terms().iter().filter(|term| term.group == group.id);
    GroupView {
        id: &group.id,
        title: &group.title,
        terms: terms.map(|term| Named { id: &term.id, name: &term.term }).collect(),
    }
}

fn view<'a>(library: &'a Library, term: &'a Term) -> TermView<'a> {
    let named = |id: &String| library.terms().iter().find(|other| other.id == *id);
    let pattern = |pattern: &'a Pattern| Named { id: &pattern.id, name: &pattern.title };
    TermView {
        id: &term.id,
        term: &term.term,
        text: &term.text,
        group: &term.group,
        why: &term.why,
        first: term.text.split_inclusive(". ").next().unwrap_or_default().trim_end(),
        see: term.see.iter().filter_map(named).map(|t| Named { id: &t.id, name: &t.term }).collect(),
        attack: term.attack.as_ref().and_then(|id| library.pattern(id)).map(pattern),
        signal: term.signal.map(signal_word),
        source: term.source.as_deref(),
    }
}
