//! The shapes of `attack-categories.toml`, `glossary.toml` and `owasp.toml`.

use serde::Deserialize;

use super::pattern::ServerTrait;
use crate::model::{Class, Signal};

/// A category of attack patterns.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Category {
    /// Stands in its address.
    pub id: String,
    /// What it is called.
    pub title: String,
    /// One sentence.
    pub summary: String,
    /// The introduction on its page.
    pub text: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Categories {
    #[serde(default)]
    pub(super) category: Vec<Category>,
}

/// Terms of one subject.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Group {
    /// Stands in addresses.
    pub id: String,
    /// What it is called.
    pub title: String,
}

/// A term of the glossary.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Term {
    /// Stands in its address.
    pub id: String,
    /// The term.
    pub term: String,
    /// Id of its group.
    pub group: String,
    /// What it means.
    pub text: String,
    /// Why it matters; empty where nobody has said so yet.
    #[serde(default)]
    pub why: String,
    /// Ids of other terms.
    #[serde(default)]
    pub see: Vec<String>,
    /// The pattern that has the whole of it.
    pub attack: Option<String>,
    /// The signal of that meaning.
    pub signal: Option<Signal>,
    /// Where its owner defines it.
    pub source: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Glossary {
    #[serde(default)]
    pub(super) group: Vec<Group>,
    #[serde(default)]
    pub(super) term: Vec<Term>,
}

/// One of OWASP's lists.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EntryList {
    /// What entries call it.
    pub id: String,
    /// Its title.
    pub title: String,
    /// Its edition.
    pub edition: String,
    /// Its version; empty where it has none.
    pub version: String,
    /// Its address.
    pub url: String,
}

/// One entry of one of OWASP's lists, with our mapping.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// As OWASP counts.
    pub id: String,
    /// How it is cited.
    pub label: String,
    /// The list it is in.
    pub list: String,
    /// Its title.
    pub title: String,
    /// Another title that OWASP's own pages give it.
    #[serde(default)]
    pub also: String,
    /// Its year.
    pub year: u16,
    /// Its address.
    pub url: String,
    /// What it means, in one sentence of ours.
    pub means: String,
    /// Tools with one of these count.
    pub signals: Vec<Signal>,
    /// Tools of these classes count as well.
    pub classes: Vec<Class>,
    /// Servers that are so count.
    pub servers: Vec<ServerTrait>,
    /// Why nothing, or only servers, can be counted.
    #[serde(default)]
    pub note: String,
    /// Ids of patterns that name it.
    pub attacks: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Owasp {
    #[serde(default)]
    pub(super) list: Vec<EntryList>,
    #[serde(default)]
    pub(super) entry: Vec<Entry>,
}
