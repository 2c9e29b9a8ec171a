//! Attack patterns, the glossary and OWASP's lists: hand-written data files, read once and checked against each other, and the
//! pure function that says which patterns a tool is exposed to.
//!
//! Nothing here renders or stores. `data/attacks/FIELDS.txt` says what the fields mean. Called by `render`.

mod attach;
mod pattern;
mod reference;
mod words;

use std::collections::{BTreeMap, BTreeSet};

use serde::de::DeserializeOwned;
use thiserror::Error;

pub use attach::{Exposed, Found, PatternSet, SHOWN, ServerTraits};
pub use pattern::{
    Changed, Condition, Evidenced, Incident, IncidentKind, Level, Pattern, Reading, ServerTrait,
};
pub use reference::{Category, Entry, EntryList, Group, Term};

/// A data file that cannot be used.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("data/{file}: {why}")]
pub struct LibraryError {
    /// The file, below `data/`.
    pub file: String,
    /// What is wrong with it.
    pub why: String,
}

const CATEGORIES: &str = "attack-categories.toml";

fn error(file: &str, why: impl Into<String>) -> LibraryError {
    LibraryError { file: file.to_owned(), why: why.into() }
}

/// Everything hand-written that pages name by id.
#[derive(Debug, Clone, Default)]
pub struct Library {
    patterns: Vec<Pattern>,
    categories: Vec<Category>,
    groups: Vec<Group>,
    terms: Vec<Term>,
    lists: Vec<EntryList>,
    entries: Vec<Entry>,
    /// Patterns of servers, by what is true of a server, which is one byte.
    of_servers: Vec<PatternSet>,
}

impl Library {
    /// Reads `attacks/*.md`, `attack-categories.toml`, `glossary.toml` and `owasp.toml` of the data files; what is missing is empty.
    ///
    /// # Errors
    /// A file that does not read, or that names an id which is not there.
    pub fn load(files: &BTreeMap<String, Vec<u8>>) -> Result<Self, LibraryError> {
        let mut library = Self::default();
        for (file, bytes) in files {
            let Some(id) = file.strip_prefix("attacks/").and_then(|name| name.strip_suffix(".md")) else {
                continue;
            };
            library.patterns.push(Pattern::read(file, id, text(file, bytes)?)?);
        }
        library.patterns.sort_by(|a, b| (a.rank, &a.id).cmp(&(b.rank, &b.id)));
        if let Some(extra) = library.patterns.get(PatternSet::MOST) {
            let why = format!("is one pattern too many; there can be {}", PatternSet::MOST);
            return Err(error(&format!("attacks/{}.md", extra.id), why));
        }
        if let Some(bytes) = files.get(CATEGORIES) {
            let read: reference::Categories = from_toml(CATEGORIES, text(CATEGORIES, bytes)?)?;
            library.categories = read.category;
        }
        if let Some(bytes) = files.get("glossary.toml") {
            let read: reference::Glossary = from_toml("glossary.toml", text("glossary.toml", bytes)?)?;
            (library.groups, library.terms) = (read.group, read.term);
            library.terms.sort_by_key(|term| (term.term.to_lowercase(), term.id.clone()));
        }
        if let Some(bytes) = files.get("owasp.toml") {
            let read: reference::Owasp = from_toml("owasp.toml", text("owasp.toml", bytes)?)?;
            (library.lists, library.entries) = (read.list, read.entry);
        }
        library.check()?;
        library.of_servers = (0..=u8::MAX).map(|bits| library.on_servers(ServerTraits(bits))).collect();
        Ok(library)
    }

    /// Every id that is named is there, and none is there twice.
    fn check(&self) -> Result<(), LibraryError> {
        let patterns: BTreeSet<&str> = self.patterns.iter().map(|p| p.id.as_str()).collect();
        let entries = unique("owasp.toml", self.entries.iter().map(|e| e.id.as_str()))?;
        let terms = unique("glossary.toml", self.terms.iter().map(|t| t.id.as_str()))?;
        let lists = unique("owasp.toml", self.lists.iter().map(|l| l.id.as_str()))?;
        let categories = unique(CATEGORIES, self.categories.iter().map(|c| c.id.as_str()))?;
        for pattern in &self.patterns {
            let file = format!("attacks/{}.md", pattern.id);
            known(&file, "category", &categories, [&pattern.category])?;
            let cited = pattern.incidents.iter().map(|i| &i.source);
            linkable(&file, cited.chain(pattern.reading.iter().map(|r| &r.source)))?;
            known(&file, "pattern", &patterns, pattern.related.iter())?;
            known(&file, "entry of owasp.toml", &entries, pattern.owasp.iter())?;
        }
        linkable("owasp.toml", self.entries.iter().map(|e| &e.url).chain(self.lists.iter().map(|l| &l.url)))?;
        linkable("glossary.toml", self.terms.iter().filter_map(|t| t.source.as_ref()))?;
        for entry in &self.entries {
            known("owasp.toml", "pattern", &patterns, entry.attacks.iter())?;
            known("owasp.toml", "list", &lists, [&entry.list])?;
        }
        let groups = unique("glossary.toml", self.groups.iter().map(|g| g.id.as_str()))?;
        for term in &self.terms {
            known("glossary.toml", "group", &groups, [&term.group])?;
            known("glossary.toml", "term", &terms, term.see.iter())?;
            known("glossary.toml", "pattern", &patterns, term.attack.iter())?;
        }
        Ok(())
    }

    /// Every pattern, by rank.
    pub fn patterns(&self) -> &[Pattern] {
        &self.patterns
    }

    /// The pattern with that id.
    pub fn pattern(&self, id: &str) -> Option<&Pattern> {
        self.patterns.iter().find(|pattern| pattern.id == id)
    }

    /// The categories of patterns, in their order.
    pub fn categories(&self) -> &[Category] {
        &self.categories
    }

    /// Those that have patterns, and so a page.
    pub fn categories_in_use(&self) -> impl Iterator<Item = &Category> {
        let is_used = |category: &&Category| self.patterns.iter().any(|p| p.category == category.id);
        self.categories.iter().filter(is_used)
    }

    /// The category of a pattern.
    pub fn category_of(&self, pattern: &Pattern) -> Option<&Category> {
        self.categories.iter().find(|category| category.id == pattern.category)
    }

    /// The groups of terms, in their order.
    pub fn groups(&self) -> &[Group] {
        &self.groups
    }

    /// Every term of the glossary, by its name.
    pub fn terms(&self) -> &[Term] {
        &self.terms
    }

    /// OWASP's lists.
    pub fn lists(&self) -> &[EntryList] {
        &self.lists
    }

    /// The entries of OWASP's lists, in their order.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }
}

fn unique<'a>(file: &str, ids: impl Iterator<Item = &'a str>) -> Result<BTreeSet<&'a str>, LibraryError> {
    let mut all = BTreeSet::new();
    for id in ids {
        if !is_id(id) {
            return Err(error(file, format!("\"{id}\" is no id: small letters, digits and hyphens")));
        }
        if !all.insert(id) {
            return Err(error(file, format!("\"{id}\" is there twice")));
        }
    }
    Ok(all)
}

/// Ids stand in addresses. Those of OWASP are in capitals.
fn is_id(id: &str) -> bool {
    !id.is_empty() && id.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
}

/// Pages link to these addresses.
fn linkable<'a>(file: &str, addresses: impl Iterator<Item = &'a String>) -> Result<(), LibraryError> {
    for address in addresses {
        if url::Url::parse(address).ok().is_none_or(|url| url.scheme() != "https") {
            return Err(error(file, format!("\"{address}\" is no https address")));
        }
    }
    Ok(())
}

fn known<'a>(
    file: &str,
    what: &str,
    all: &BTreeSet<&str>,
    named: impl IntoIterator<Item = &'a String>,
) -> Result<(), LibraryError> {
    match named.into_iter().find(|id| !all.contains(id.as_str())) {
        Some(id) => Err(error(file, format!("names the {what} \"{id}\", which is not there"))),
        None => Ok(()),
    }
}

fn text<'a>(file: &str, bytes: &'a [u8]) -> Result<&'a str, LibraryError> {
    std::str::from_utf8(bytes).map_err(|_| error(file, "is not UTF-8"))
}

fn from_toml<T: DeserializeOwned>(file: &str, text: &str) -> Result<T, LibraryError> {
    toml::from_str(text).map_err(|e| error(file, e.to_string().trim_end()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::assets::Folder;

    #[test]
    fn everything_that_is_shipped_reads_and_is_as_much_as_was_promised() {
        let library = Library::load(&Folder::Data.files(None).unwrap()).unwrap();
        assert!(library.patterns().len() >= 20 && library.terms().len() >= 60);
        assert!(library.entries().len() == 20 && library.lists().len() == 2);
        for pattern in library.patterns() {
            let cited =
                pattern.incidents.iter().map(|i| &i.source).chain(pattern.reading.iter().map(|r| &r.source));
            for source in cited {
                assert!(source.starts_with("https://"), "{}: {source}", pattern.id);
            }
            assert!(
                pattern.summary.chars().count() <= 160 && pattern.body.contains("## How it works"),
                "{}",
                pattern.id
            );
            let (_, works) = pattern.body.split_once("## How it works\n").expect("it was looked for");
            let works = works.split("\n## ").next().unwrap_or_default();
            assert!(works.contains("\n1. ") && works.contains("\n2. "), "{}: no steps", pattern.id);
            assert_eq!(pattern.why_not.is_empty(), pattern.per_tool, "{}", pattern.id);
        }
    }

    #[test]
    fn every_category_has_patterns_and_an_introduction_of_a_few_sentences() {
        let library = Library::load(&Folder::Data.files(None).unwrap()).unwrap();
        for category in library.categories() {
            let sentences = category.text.matches(". ").count() + 1;
            assert!((2..=4).contains(&sentences) && category.text.ends_with('.'), "{}", category.id);
            assert!(category.summary.chars().count() <= 160, "{}", category.id);
            assert!(library.patterns().iter().any(|pattern| pattern.category == category.id));
        }
    }

    #[test]
    fn every_term_says_why_it_matters_in_one_or_two_sentences_of_its_own() {
        let library = Library::load(&Folder::Data.files(None).unwrap()).unwrap();
        let mut seen = BTreeSet::new();
        assert!(library.groups().iter().all(|g| library.terms().iter().any(|term| term.group == g.id)));
        for Term { id, text, why, .. } in library.terms() {
            let (words, sentences) = (why.split_whitespace().count(), why.matches(". ").count() + 1);
            assert!((12..=50).contains(&words) && sentences <= 2 && why.ends_with('.'), "{id}: {why}");
            assert!(
                !text.contains(why.as_str()) && seen.insert(why),
                "{id} says what was said before: {why}"
            );
        }
    }

    #[test]
    fn what_names_nothing_or_does_not_read_is_an_error_with_its_file() {
        let load = |files: &[(&str, &str)]| {
            let files = files.iter().map(|(n, t)| ((*n).to_owned(), t.as_bytes().to_vec())).collect();
            Library::load(&files).map(|_| ()).unwrap_err().to_string()
        };
        assert!(load(&[("attacks/x.md", "no front")]).contains("attacks/x.md: does not begin"));
        assert!(load(&[("attacks/x.md", "+++\nid = \"y\"\n+++\n")]).contains("attacks/x.md"));
        let term = "[[group]]\nid = \"g\"\ntitle = \"G\"\n[[term]]\nid = \"a\"\nterm = \"A\"\ngroup = \"g\"\ntext = \"t\"\nsee = [\"b\"]\n";
        assert_eq!(
            load(&[("glossary.toml", term)]),
            "data/glossary.toml: names the term \"b\", which is not there"
        );
        assert!(
            load(&[("glossary.toml", &term.replace("id = \"a\"", "id = \"../a\""))]).contains("is no id")
        );
        assert!(load(&[("owasp.toml", "nonsense")]).contains("owasp.toml"));
    }
}
