//! What a list of servers says, page by page: records, the candidates in them, and how a walk goes on or ends.

use std::fmt;
use std::str::FromStr;

use super::identity::PackageFacts;
use super::sign::Sign;

/// A list of servers that can be walked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SourceName {
    /// The official MCP registry, or one that speaks its protocol.
    Mcp,
    /// The user's npm registry: its search and, where one is configured, its feed of changes.
    Npm,
    /// The user's Python package index.
    Pypi,
    /// GitHub: repositories by topic and words.
    Github,
    /// The Docker catalogue: a checkout or a tarball of its repository.
    Docker,
}

impl SourceName {
    /// Every source, in the order in which lists show them.
    pub const ALL: [SourceName; 5] =
        [SourceName::Mcp, SourceName::Npm, SourceName::Pypi, SourceName::Docker, SourceName::Github];

    /// The stored word.
    pub fn as_str(self) -> &'static str {
        match self {
            SourceName::Mcp => "mcp",
            SourceName::Npm => "npm",
            SourceName::Pypi => "pypi",
            SourceName::Docker => "docker",
            SourceName::Github => "github",
        }
    }
}

/// What a walk is to find.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum WalkKind {
    /// Everything the source lists: what it does not list any more is gone.
    Full,
    /// What changed since the last walk that reached its end.
    Changes,
    /// What changed since a point its user named: moves no mark and takes nothing away.
    Since,
}

impl WalkKind {
    const ALL: [WalkKind; 3] = [WalkKind::Full, WalkKind::Changes, WalkKind::Since];

    /// The stored word.
    pub fn as_str(self) -> &'static str {
        match self {
            WalkKind::Full => "full",
            WalkKind::Changes => "changes",
            WalkKind::Since => "since",
        }
    }
}

/// What ended a walk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum WalkEnd {
    /// The last page named no next one.
    AbsentCursor,
    /// A page named a next one that was read before.
    RepeatedCursor,
    /// A page held nothing that this walk had not seen.
    NothingNew,
    /// More pages than a walk may have, or an offset the source does not go beyond.
    Cap,
    /// The source answered that nothing changed since the last walk.
    NotModified,
    /// It was given up, because the address is another one or its position means nothing any more: the next begins anew.
    Replaced,
}

impl WalkEnd {
    const ALL: [WalkEnd; 6] = [
        WalkEnd::AbsentCursor,
        WalkEnd::RepeatedCursor,
        WalkEnd::NothingNew,
        WalkEnd::Cap,
        WalkEnd::NotModified,
        WalkEnd::Replaced,
    ];

    /// The stored word.
    pub fn as_str(self) -> &'static str {
        match self {
            WalkEnd::AbsentCursor => "absent-cursor",
            WalkEnd::RepeatedCursor => "repeated-cursor",
            WalkEnd::NothingNew => "nothing-new",
            WalkEnd::Cap => "cap",
            WalkEnd::NotModified => "not-modified",
            WalkEnd::Replaced => "replaced",
        }
    }
}

/// Whether a source still stands by what it lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ListingStatus {
    /// Listed.
    Active,
    /// Listed, with the advice to use something else.
    Deprecated,
    /// Listed as taken away.
    Deleted,
}

impl ListingStatus {
    const ALL: [ListingStatus; 3] =
        [ListingStatus::Active, ListingStatus::Deprecated, ListingStatus::Deleted];

    /// The stored word.
    pub fn as_str(self) -> &'static str {
        match self {
            ListingStatus::Active => "active",
            ListingStatus::Deprecated => "deprecated",
            ListingStatus::Deleted => "deleted",
        }
    }
}

/// Stored words are closed lists with one spelling each.
macro_rules! stored_word {
    ($kind:ident, $what:literal) => {
        impl fmt::Display for $kind {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl FromStr for $kind {
            type Err = String;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                let known = Self::ALL.into_iter().find(|word| word.as_str() == text);
                known.ok_or_else(|| {
                    let words: Vec<&str> = Self::ALL.iter().map(|word| word.as_str()).collect();
                    format!("\"{text}\" is no {}; use {}", $what, words.join(", "))
                })
            }
        }
    };
}

stored_word!(SourceName, "source");
stored_word!(WalkKind, "kind of walk");
stored_word!(WalkEnd, "end of a walk");
stored_word!(ListingStatus, "status of a listing");

/// One record of a source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listing {
    /// Its name there: a registry name, a package, a project. Foreign text.
    pub name: String,
    /// Its version there; empty where the source lists names only.
    pub version: String,
    /// Whether the source stands by it.
    pub status: ListingStatus,
    /// Changes whenever the record does: a time, a revision, a serial. None where the source has nothing of the kind.
    pub stamp: Option<String>,
    /// The record as it came, where there is more to it than its name.
    pub record: Option<String>,
    /// What could be scanned because of it.
    pub found: Vec<Candidate>,
}

/// Something that may be a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// A server's key where it can be scanned; else the kind, a colon and its identifier (`oci:…`).
    pub key: String,
    /// Why it cannot be scanned, if it cannot.
    pub obstacle: Option<Obstacle>,
    /// What speaks for and against its being a server.
    pub signs: Vec<Sign>,
}

/// Why a candidate cannot be scanned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Obstacle {
    /// A kind of package that nothing here installs: an image, a bundle, a NuGet package, ….
    Kind,
    /// An address with variables in it, which are never guessed.
    Variables,
    /// An address that is not `https`, or a name that its registry would not take.
    Malformed,
}

impl Obstacle {
    const ALL: [Obstacle; 3] = [Obstacle::Kind, Obstacle::Variables, Obstacle::Malformed];

    /// The stored word.
    pub fn as_str(self) -> &'static str {
        match self {
            Obstacle::Kind => "kind",
            Obstacle::Variables => "variables",
            Obstacle::Malformed => "malformed",
        }
    }
}

stored_word!(Obstacle, "obstacle");

/// One page of a walk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// Its records, in the order they came.
    pub listings: Vec<Listing>,
    /// True if the source said that the page is as it was: what was on it then is still there.
    pub unchanged: bool,
    /// The validator to ask with next time.
    pub etag: Option<String>,
    /// Records the page held, those that are no business of ours included; 0 of a page that is as it was: the store knows.
    pub seen: u32,
    /// Records that could not be read.
    pub malformed: u32,
    /// True where a page without anything new means that the list goes in circles.
    pub must_bring_news: bool,
    /// Something its user should know, kept with the walk.
    pub note: Option<String>,
    /// How it goes on.
    pub next: Next,
}

impl Page {
    /// A page with nothing on it.
    pub fn empty(next: Next) -> Self {
        Self {
            listings: Vec::new(),
            unchanged: false,
            etag: None,
            seen: 0,
            malformed: 0,
            must_bring_news: false,
            note: None,
            next,
        }
    }

    /// The end of a walk whose position means nothing any more.
    pub fn given_up(note: String) -> Self {
        Self { note: Some(note), ..Self::empty(Next::End { by: WalkEnd::Replaced, mark: None }) }
    }
}

/// How a walk goes on after a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    /// With the page at this position, a text that only the source understands.
    Page(String),
    /// With the page at this position, as a walk through everything: what it was told to begin from means nothing any more.
    Anew(String),
    /// Not at all.
    End {
        /// Why.
        by: WalkEnd,
        /// Where the next walk for changes begins, if this one saw everything.
        mark: Option<String>,
    },
}

/// What looking at one candidate's own document brought.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Looked {
    /// The document.
    Found {
        /// What it says.
        signs: Vec<Sign>,
        /// The validator to ask with next time.
        etag: Option<String>,
        /// What it says of who the package is; None where there is no document to say it.
        facts: Option<Box<PackageFacts>>,
    },
    /// It is as it was.
    Unchanged,
    /// There is none: the candidate's registry does not know it.
    Gone,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stored_word_reads_back_and_an_unknown_one_says_which_there_are() {
        for name in SourceName::ALL {
            assert_eq!(name.to_string().parse(), Ok(name));
        }
        for end in WalkEnd::ALL {
            assert_eq!(end.to_string().parse(), Ok(end));
        }
        assert_eq!(
            "x".parse::<SourceName>().unwrap_err(),
            "\"x\" is no source; use mcp, npm, pypi, docker, github"
        );
    }
}
