//! What is where in a folded site: of each tool and each list by risk that has no page any more, on which page of its server it stands. Ten
//! bytes each, whatever else grows.

use std::path::Path;

use rayon::prelude::*;

use super::super::check::resolve;
use super::super::digest::Digest;
use super::super::manifest::{Listed, MANIFEST, Units};

use super::{FoldError, SERVERS, server};
use crate::model::Risk;

/// Where to look for what had a page.
#[derive(Debug, Default)]
pub(super) struct Table {
    /// Sorted by number.
    numbers: Vec<u64>,
    /// The part of its server's page that each is on, from 1.
    parts: Vec<u16>,
    /// Tools that keep their page.
    pub(super) own_pages: usize,
    /// Units of the site: servers, and one more.
    pub(super) units: usize,
}

/// Where something is now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Landing {
    /// The page or document, below the site's root.
    pub(super) path: String,
    /// The place on it; empty in documents, which have none.
    pub(super) anchor: String,
}

/// Endings of a page and of what lies beside it.
const ENDINGS: [&str; 4] = [".html", ".json", ".md", ".svg"];

impl Table {
    /// Reads the pages of all servers.
    ///
    /// # Errors
    /// A page that cannot be read, or is not as `build` writes it.
    pub(super) fn of(root: &Path, own_from: Option<Risk>) -> Result<Self, FoldError> {
        let mut units = Units::open(&root.join(MANIFEST))?;
        let (mut found, mut own_pages, mut count) = (Vec::new(), 0, 0);
        loop {
            let mut some = Vec::with_capacity(SERVERS);
            while some.len() < SERVERS
                && let Some(unit) = units.take()?
            {
                some.push(unit);
            }
            if some.is_empty() {
                break;
            }
            count += some.len();
            let read: Result<Vec<Places>, FoldError> =
                some.par_iter().map(|unit| Places::of(root, unit, own_from)).collect();
            for places in read? {
                own_pages += places.own_pages;
                found.extend(places.found);
            }
        }
        Ok(Self { own_pages, units: count, ..Self::with(found) })
    }

    /// The folder of the server that a unit is of.
    pub(super) fn folder_of(unit: &Listed) -> Option<String> {
        if unit.name.0 == 0 {
            return None;
        }
        let page = unit.files().keys().find(|path| path.ends_with("/index.html"))?;
        page.strip_suffix("/index.html").map(str::to_owned)
    }

    /// True for a page on which sections of tools may stand.
    pub(super) fn is_server_page(&self, path: &str) -> bool {
        folder_of_page(path).is_some_and(|folder| self.part_of(&server_mark(folder)).is_some())
    }

    /// Where something is that has no file any more; None if it has one.
    pub(super) fn landing(&self, path: &str) -> Option<Landing> {
        let ending = ENDINGS.iter().find(|ending| path.ends_with(**ending))?;
        let stem = path.strip_suffix(ending)?;
        let (folder, anchor) = place_of(stem)?;
        let part = self.part_of(&format!("{folder}/{anchor}"))?;
        Some(match (*ending, part) {
            (".json", _) => Landing { path: format!("{folder}/index.json"), anchor: String::new() },
            (_, 1) => Landing { path: format!("{folder}/index.html"), anchor },
            (_, part) => Landing { path: format!("{folder}/list/{part}.html"), anchor },
        })
    }

    /// Of these places, each on the first part of its page.
    #[cfg(test)]
    pub(super) fn made_up(names: &[&str]) -> Self {
        Self::with(names.iter().map(|name| (number(name), 1)).collect())
    }

    fn with(mut found: Vec<(u64, u16)>) -> Self {
        found.sort_unstable();
        let (numbers, parts) = found.into_iter().unzip();
        Self { numbers, parts, ..Self::default() }
    }

    fn part_of(&self, name: &str) -> Option<u16> {
        let at = self.numbers.binary_search(&number(name)).ok()?;
        self.parts.get(at).copied()
    }
}

/// What one server adds to the table.
#[derive(Default)]
struct Places {
    found: Vec<(u64, u16)>,
    own_pages: usize,
}

impl Places {
    fn of(root: &Path, unit: &Listed, own_from: Option<Risk>) -> Result<Self, FoldError> {
        let mut places = Self::default();
        let Some(folder) = Table::folder_of(unit) else { return Ok(places) };
        let (mut seen, mut last) = (std::collections::BTreeSet::new(), None);
        for part in 1_u16.. {
            let page = page_of(&folder, part);
            if !unit.files().contains_key(&page) {
                break;
            }
            let text = fs_err::read_to_string(root.join(&page))?;
            let Some(list) = server::List::of(&text) else { break };
            places.found.push((number(&server_mark(&folder)), 1));
            for line in list.lines() {
                let odd = || FoldError::OddPage { path: page.clone() };
                let line = line.ok_or_else(odd)?;
                let tool = resolve(&page, line.link).ok_or_else(odd)?;
                let anchor = anchor_of_tool(&tool).ok_or_else(odd)?;
                if last != Some(line.risk) {
                    last = Some(line.risk);
                    places.found.push((number(&format!("{folder}/{}", anchor_of_risk(line.risk))), part));
                }
                // A name that is listed twice has one page, of the gravest tool, which comes first.
                if !seen.insert(anchor.clone()) {
                    continue;
                }
                if own_from.is_some_and(|own_from| line.risk >= own_from) {
                    places.own_pages += 1;
                } else {
                    places.found.push((number(&format!("{folder}/{anchor}")), part));
                }
            }
        }
        // The mark of a server is there once, whatever parts its page has; of a level the first part counts.
        places.found.sort_unstable();
        places.found.dedup_by_key(|(number, _)| *number);
        Ok(places)
    }
}

fn number(name: &str) -> u64 {
    Digest::of(&name).short()
}

/// Stands in the table for a server that lists tools.
fn server_mark(folder: &str) -> String {
    format!("{folder}/")
}

fn page_of(folder: &str, part: u16) -> String {
    if part == 1 { format!("{folder}/index.html") } else { format!("{folder}/list/{part}.html") }
}

fn folder_of_page(path: &str) -> Option<&str> {
    if let Some(folder) = path.strip_suffix("/index.html") {
        return Some(folder);
    }
    let (folder, part) = path.strip_suffix(".html")?.rsplit_once("/list/")?;
    part.bytes().all(|b| b.is_ascii_digit()).then_some(folder)
}

/// The folder of a server and the place on its page, from the address of a tool or of a list by risk without its ending.
fn place_of(stem: &str) -> Option<(&str, String)> {
    let (above, last) = stem.rsplit_once('/')?;
    if let Some(folder) = above.strip_suffix("/tools") {
        return Some((folder, format!("tool-{last}")));
    }
    if let Some(folder) = above.strip_suffix("/risk") {
        return Some((folder, format!("risk-{last}")));
    }
    let (above, level) = above.rsplit_once('/')?;
    let folder = above.strip_suffix("/risk").filter(|_| last.bytes().all(|b| b.is_ascii_digit()))?;
    Some((folder, format!("risk-{level}")))
}

/// What the place of a tool on its server's page is called, from the address of its own.
pub(super) fn anchor_of_tool(path: &str) -> Option<String> {
    let (above, last) = path.strip_suffix(".html")?.rsplit_once('/')?;
    above.ends_with("/tools").then(|| format!("tool-{last}"))
}

/// The same of the first tool of a risk.
pub(super) fn anchor_of_risk(risk: Risk) -> String {
    format!("risk-{}", risk.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_no_page_is_found_where_it_is_now() {
        let places = [("", 1), ("tool-x", 1), ("tool-y", 2), ("risk-low", 2)];
        let places = places.map(|(name, part)| (number(&format!("servers/npm/@a/b/{name}")), part));
        let table = Table::with(places.to_vec());
        let lands = |path: &str| table.landing(path).map(|l| format!("{}#{}", l.path, l.anchor));
        for (path, place) in [
            ("tools/x.html", "index.html#tool-x"),
            ("tools/x.md", "index.html#tool-x"),
            ("tools/x.svg", "index.html#tool-x"),
            ("tools/x.json", "index.json#"),
            ("tools/y.html", "list/2.html#tool-y"),
            ("risk/low.html", "list/2.html#risk-low"),
            ("risk/low/3.html", "list/2.html#risk-low"),
            ("risk/low/3.json", "index.json#"),
        ] {
            let (path, place) = (format!("servers/npm/@a/b/{path}"), format!("servers/npm/@a/b/{place}"));
            assert_eq!(lands(&path), Some(place), "{path}");
        }
        for path in
            ["tools/z.html", "index.html", "tools/x.css", "risk/high.html", "policy/x.json", "x/low/3.html"]
        {
            assert_eq!(lands(&format!("servers/npm/@a/b/{path}")), None, "{path}");
        }
        assert!(table.is_server_page("servers/npm/@a/b/index.html"));
        assert!(table.is_server_page("servers/npm/@a/b/list/2.html"));
        assert!(!table.is_server_page("servers/npm/@a/c/index.html"));
        assert!(!table.is_server_page("servers/npm/@a/b/tools/x.html"));
    }
}
