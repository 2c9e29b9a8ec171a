//! Every server and every tool by its first letter: how a reader finds a name without a script.

use rayon::prelude::*;
use serde::Serialize;

use super::RenderError;
use super::catalogue::{Catalogue, ServerEntry};
use super::digest::Inputs;
use super::kinds::{MadeFrom, Make, PageKind};
use super::page::{Pager, parts};
use super::site_work::WholeWork;
use super::words::{ClassWord, RiskWord, class_word, risk_word};
use crate::model::Untrusted;

/// Lines on one page: they are short.
const ON_PAGE: usize = 400;
const NAME_IN_LIST: usize = 120;
/// Where names go that begin with no Latin letter.
const DIGITS: &str = "0-9";
const OTHER: &str = "other";

/// Servers by letter.
pub(super) const SERVERS: PageKind = PageKind {
    id: "servers-by-letter",
    path: "servers-by-name/{letter}.html, servers-by-name/{letter}/{part}.html",
    templates: &["letter.html"],
    made_from: MadeFrom::Catalogue,
    counts: true,
    make: Make::Whole(servers),
};
/// Tools by letter.
pub(super) const TOOLS: PageKind = PageKind {
    id: "tools-by-letter",
    path: "tools-by-name/{letter}.html, tools-by-name/{letter}/{part}.html",
    templates: &["letter.html"],
    made_from: MadeFrom::Catalogue,
    counts: true,
    make: Make::Whole(tools),
};

/// A letter that names begin with, and how many.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct LetterCount {
    /// `a`, `0-9` or `other`: the name of its page.
    pub(super) id: String,
    pub(super) count: usize,
}

#[derive(Serialize)]
struct Line {
    name: String,
    path: String,
    /// The tool's server, or the server's key.
    beside: String,
    class: Option<ClassWord>,
    risk: Option<RiskWord>,
    /// A server's tools; None where it never answered, and for tools.
    tools: Option<usize>,
}

#[derive(Serialize)]
struct LetterView<'a> {
    /// `servers` or `tools`.
    of: &'static str,
    letter: &'a str,
    letters: &'a [LetterCount],
    total: usize,
    pager: Pager,
    lines: Vec<Line>,
}

/// The letter that a name stands under.
fn letter(name: &str) -> &'static str {
    const LETTERS: [&str; 26] = [
        "a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l", "m", "n", "o", "p", "q", "r", "s", "t",
        "u", "v", "w", "x", "y", "z",
    ];
    match name.chars().find(|c| c.is_alphanumeric()) {
        Some(c) if c.is_ascii_digit() => DIGITS,
        Some(c) => {
            let place = u32::from(c.to_ascii_lowercase()).wrapping_sub(u32::from('a'));
            usize::try_from(place).ok().and_then(|place| LETTERS.get(place)).copied().unwrap_or(OTHER)
        }
        None => OTHER,
    }
}

/// Places in a list by letter; within a letter they stay in their order.
type ByLetter = Vec<(&'static str, Vec<u32>)>;

fn group<'a>(names: impl Iterator<Item = (u32, &'a str)>) -> ByLetter {
    let mut groups = ByLetter::new();
    for (place, name) in names {
        let letter = letter(name);
        match groups.iter_mut().find(|(known, _)| *known == letter) {
            Some((_, places)) => places.push(place),
            None => groups.push((letter, vec![place])),
        }
    }
    // Digits come first and what is neither last: `0` < `a`, and `other` is put behind `z`.
    groups.sort_by_key(|(letter, _)| (*letter == OTHER, *letter));
    groups
}

fn counts(groups: &ByLetter) -> Vec<LetterCount> {
    groups.iter().map(|(id, places)| LetterCount { id: (*id).to_owned(), count: places.len() }).collect()
}

fn server_groups(catalogue: &Catalogue) -> ByLetter {
    let mut order: Vec<(String, u32, &ServerEntry)> =
        (0..).zip(&catalogue.servers).map(|(i, s)| (s.name.name.to_lowercase(), i, s)).collect();
    order.sort_by(|(a, i, _), (b, j, _)| (a, i).cmp(&(b, j)));
    group(order.iter().map(|(_, i, s)| (*i, s.name.name.as_str())))
}

fn tool_groups(catalogue: &Catalogue) -> ByLetter {
    let name = |i: u32| catalogue.tools.get(i as usize).map_or("", |tool| catalogue.name_of(tool));
    group(catalogue.by_name.iter().map(|i| (*i, name(*i))))
}

/// How many servers and tools there are under each letter.
pub(super) fn letters(catalogue: &Catalogue) -> (Vec<LetterCount>, Vec<LetterCount>) {
    (counts(&server_groups(catalogue)), counts(&tool_groups(catalogue)))
}

fn servers(work: &WholeWork<'_>) -> Result<(), RenderError> {
    let catalogue = work.common.catalogue;
    let line = |i: u32| {
        let entry = catalogue.servers.get(i as usize)?;
        Some(Line {
            name: entry.name.name.clone(),
            path: format!("{}/index.html", entry.name.path),
            beside: entry.name.key.clone(),
            class: None,
            risk: None,
            tools: entry.answered().then_some(entry.tool_count),
        })
    };
    let shown = |i: u32, inputs: &mut Inputs| {
        if let Some(entry) = catalogue.servers.get(i as usize) {
            inputs.add(&(&entry.name, entry.answered(), entry.tool_count));
        }
    };
    pages(work, &SERVERS, "servers", &server_groups(catalogue), line, shown)
}

fn tools(work: &WholeWork<'_>) -> Result<(), RenderError> {
    let catalogue = work.common.catalogue;
    let line = |i: u32| {
        let tool = catalogue.tools.get(i as usize)?;
        Some(Line {
            name: Untrusted::new(catalogue.name_of(tool)).for_page_line(NAME_IN_LIST),
            path: catalogue.tool_path(tool),
            beside: catalogue.server_of(tool).map(|s| s.name.name.clone()).unwrap_or_default(),
            class: Some(class_word(tool.class)),
            risk: Some(risk_word(tool.risk)),
            tools: None,
        })
    };
    let shown = |i: u32, inputs: &mut Inputs| {
        if let Some(tool) = catalogue.tools.get(i as usize) {
            inputs.add(&catalogue.shown(tool));
        }
    };
    pages(work, &TOOLS, "tools", &tool_groups(catalogue), line, shown)
}

fn pages(
    work: &WholeWork<'_>,
    kind: &PageKind,
    of: &'static str,
    groups: &ByLetter,
    line: impl Fn(u32) -> Option<Line> + Sync,
    shown: impl Fn(u32, &mut Inputs) + Sync,
) -> Result<(), RenderError> {
    let letters = counts(groups);
    groups.par_iter().try_for_each(|(letter, places)| {
        let folder = format!("{of}-by-name/{letter}");
        let all = parts(&format!("{folder}.html"), &folder, places.len(), ON_PAGE);
        all.into_par_iter().try_for_each(|(path, pager)| {
            let start = (pager.number - 1) * ON_PAGE;
            let part = || places.iter().copied().skip(start).take(ON_PAGE);
            let mut inputs = Inputs::default();
            part().for_each(|i| shown(i, &mut inputs));
            inputs.add(&(of, letter, &letters, &pager));
            work.listed(path.clone());
            work.common.press.page_from(kind, work.unit, &path, inputs.done(), || {
                let lines = part().filter_map(&line).collect();
                Ok(LetterView { of, letter, letters: &letters, total: places.len(), pager, lines })
            })
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_stands_under_one_letter() {
        for (name, expected) in [
            ("Get", "g"),
            ("_get", "g"),
            ("get", "g"),
            ("7zip", "0-9"),
            ("天気", "other"),
            ("", "other"),
            ("--", "other"),
            ("Übung", "other"),
        ] {
            assert_eq!(letter(name), expected, "{name}");
        }
        let groups = group([(0, "b"), (1, "?"), (2, "a"), (3, "1"), (4, "B2")].into_iter());
        assert_eq!(groups, [("0-9", vec![3]), ("a", vec![2]), ("b", vec![0, 4]), ("other", vec![1])]);
    }
}
