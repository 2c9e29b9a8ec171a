//! Checks pages as a reader and a search engine would find them, while they are made: every internal link leads to a file and
//! every fragment to an id, ids and titles are unique, the HTML is well formed, structured data reads.
//!
//! Of a page only numbers stay in memory: eight bytes for each address, and some for each address that is linked.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::path::Path;
use std::sync::Mutex;

use serde::Serialize;

use super::digest::Digest;
use super::page_text::{PageText, read_page};
use crate::model::ReportAddress;

/// Problems that are kept; a site with more is broken as a whole.
const MOST: usize = 1_000;

/// One thing wrong with a built site.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Problem {
    /// The page it is on, below the site's root.
    pub page: String,
    /// The link, id or text it is about, as written.
    pub link: String,
    /// What is wrong with it.
    pub why: &'static str,
}

/// Looks at pages one by one, from any thread.
#[derive(Debug, Default)]
pub(super) struct Checker {
    seen: Mutex<Seen>,
    /// Where reports go, which need not be a page.
    report: Option<String>,
}

#[derive(Debug, Default)]
struct Seen {
    /// Files that are there.
    files: HashSet<u64>,
    /// Addresses with fragments that are there: of pages that are likely to be led into.
    anchors: HashSet<u64>,
    /// Addresses that are linked, each with the first page that does and the link as written.
    wanted: HashMap<u64, Wanted>,
    /// Titles, with the page that has them.
    titles: HashMap<u64, String>,
    problems: BTreeSet<Problem>,
}

#[derive(Debug)]
struct Wanted {
    page: String,
    link: String,
    fragment: bool,
}

impl Checker {
    pub(super) fn new(report: Option<&ReportAddress>) -> Self {
        Self { report: report.map(|report| report.as_str().to_owned()), ..Self::default() }
    }

    /// A file that is no page.
    pub(super) fn exists(&self, path: &str) {
        self.with(|seen| {
            seen.files.insert(number(path));
        });
    }

    /// Something else that is wrong with a page.
    pub(super) fn fault(&self, page: &str, what: &str, why: &'static str) {
        self.with(|seen| seen.note(page, what, why));
    }

    /// A page or a twin as it was written.
    pub(super) fn look(&self, path: &str, text: &str) {
        if !path.ends_with(".html") {
            let broken =
                path.ends_with(".json") && serde_json::from_str::<serde::de::IgnoredAny>(text).is_err();
            return self.with(|seen| {
                seen.files.insert(number(path));
                if broken {
                    seen.note(path, "", "is not JSON");
                }
            });
        }
        let page = read_page(text);
        let links: Vec<_> = page
            .links
            .iter()
            .filter(|link| self.report.as_deref() != Some(link.as_str()))
            .filter_map(|link| target(path, link, &page))
            .collect();
        self.with(|seen| seen.take(path, &page, links));
    }

    fn with(&self, look: impl FnOnce(&mut Seen)) {
        look(&mut self.seen.lock().expect("no thread panics while it checks"));
    }

    /// Everything that is wrong, when all pages have been looked at. A site that is one shard of several leads into the others:
    /// then links to pages that are not here are no problem.
    pub(super) fn problems(self, whole: bool) -> Vec<Problem> {
        let mut seen = self.seen.into_inner().expect("no thread panics while it checks");
        let wanted = std::mem::take(&mut seen.wanted);
        for (address, Wanted { page, link, fragment }) in wanted {
            let found =
                if fragment { seen.anchors.contains(&address) } else { seen.files.contains(&address) };
            if !found && whole {
                let why = if fragment { "leads to no id on its page" } else { "leads to no file" };
                seen.note(&page, &link, why);
            }
        }
        seen.problems.into_iter().collect()
    }
}

impl Seen {
    fn take(&mut self, path: &str, page: &PageText, links: Vec<Result<(u64, String, bool), Problem>>) {
        self.files.insert(number(path));
        // A tool's page is led into by its own links only, which were looked at already.
        if !path.contains("/tools/") {
            self.anchors.extend(page.ids.iter().map(|id| number(&format!("{path}#{id}"))));
        }
        for (what, why) in &page.faults {
            self.note(path, what, why);
        }
        let known = self.titles.entry(number(&page.title)).or_insert_with(|| path.to_owned());
        if known != path {
            let other = known.clone();
            self.note(path, &format!("{} ({other})", page.title), "has a title that another page has");
        }
        for link in links {
            match link {
                Ok((address, link, fragment)) => {
                    let wanted = || Wanted { page: path.to_owned(), link, fragment };
                    self.wanted.entry(address).or_insert_with(wanted);
                }
                Err(problem) => self.note(&problem.page, &problem.link, problem.why),
            }
        }
    }

    fn note(&mut self, page: &str, link: &str, why: &'static str) {
        if self.problems.len() < MOST {
            self.problems.insert(problem(page, link, why));
        }
    }
}

fn problem(page: &str, link: &str, why: &'static str) -> Problem {
    Problem { page: page.to_owned(), link: link.to_owned(), why }
}

fn number(address: &str) -> u64 {
    Digest::of(&address).short()
}

/// What a link needs to be there; None if nothing does, or if it is found on the page itself.
fn target(page: &str, link: &str, own: &PageText) -> Option<Result<(u64, String, bool), Problem>> {
    if link.starts_with("https://") {
        return None;
    }
    if link.starts_with('/') || link.split(['/', '#']).next().is_some_and(|start| start.contains(':')) {
        return Some(Err(problem(page, link, "neither a relative link nor an https one")));
    }
    let (path, fragment) = link.split_once('#').unwrap_or((link, ""));
    let Some(address) = resolve(page, path) else {
        return Some(Err(problem(page, link, "leads out of the site")));
    };
    if address == page {
        let found = fragment.is_empty() || own.ids.contains(fragment);
        return (!found).then(|| Err(problem(page, link, "leads to no id on its page")));
    }
    let (address, with) =
        if fragment.is_empty() { (address, false) } else { (format!("{address}#{fragment}"), true) };
    Some(Ok((number(&address), link.to_owned(), with)))
}

/// The file a relative link means, below the root.
pub(super) fn resolve(page: &str, path: &str) -> Option<String> {
    if path.is_empty() {
        return Some(page.to_owned());
    }
    let mut parts: Vec<&str> = page.split('/').collect();
    parts.pop();
    for part in path.split('/') {
        match part {
            ".." => {
                parts.pop()?;
            }
            "." | "" => {}
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

/// The same over a folder that was built before. An unreadable folder is a problem too.
pub fn check(out: &Path) -> Vec<Problem> {
    let checker = Checker::default();
    collect(out, out, &checker);
    checker.problems(true)
}

fn collect(root: &Path, folder: &Path, checker: &Checker) {
    let name = |path: &Path| {
        path.strip_prefix(root).map(|inner| inner.to_string_lossy().replace('\\', "/")).unwrap_or_default()
    };
    let Ok(entries) = fs_err::read_dir(folder) else {
        return checker.with(|seen| seen.note(&folder.to_string_lossy(), "", "cannot be read as a folder"));
    };
    for path in entries.flatten().map(|e| e.path()) {
        let inner = name(&path);
        if path.is_dir() {
            collect(root, &path, checker);
        } else if inner.ends_with(".html") || inner.ends_with(".json") {
            match fs_err::read_to_string(&path) {
                Ok(text) => checker.look(&inner, &text),
                Err(_) => checker.with(|seen| seen.note(&inner, "", "cannot be read as text")),
            }
        } else {
            checker.exists(&inner);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(title: &str, body: &str) -> String {
        format!(
            "<!DOCTYPE html>\n<html lang=\"en\"><head><title>{title}</title></head><body><h1>x</h1>{body}</body></html>"
        )
    }

    #[test]
    fn broken_links_fragments_and_strange_schemes_are_found() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("a")).unwrap();
        let body = r##"<p id="x"><a href="../b.html#y">1</a><a href="#x">2</a><a href="#no">3</a>
            <a href="gone.html">4</a><a href="javascript:x">5</a><a href="/abs">6</a><a href="../b.html#none">9</a>
            <a href="../../out.html">7</a><a href="https://h.example/">8</a><img src="../i.svg" alt=""></p><p id="x"></p>"##;
        std::fs::write(dir.path().join("a/p.html"), page("one", body)).unwrap();
        std::fs::write(dir.path().join("b.html"), page("two", r#"<p id="y"></p>"#)).unwrap();
        std::fs::write(dir.path().join("b.json"), "{").unwrap();
        let found: Vec<_> = check(dir.path()).into_iter().map(|p| p.link).collect();
        assert_eq!(
            found,
            [
                "#no",
                "../../out.html",
                "../b.html#none",
                "../i.svg",
                "/abs",
                "gone.html",
                "javascript:x",
                "x",
                ""
            ]
        );
    }

    #[test]
    fn two_pages_with_one_title_are_found() {
        let checker = Checker::default();
        checker.look("a.html", &page("same", ""));
        checker.look("b.html", &page("same", ""));
        checker.look("b.html", &page("same", ""));
        let found = checker.problems(true);
        assert!(
            found.iter().all(|p| p.page == "b.html" && p.why.contains("title")) && found.len() == 1,
            "{found:?}"
        );
    }
}
