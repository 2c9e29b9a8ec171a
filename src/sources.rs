//! Lists of servers: each one file, one line in [`SOURCES`]. A source asks for one page and reads it; it stores nothing.
//!
//! `cli/scan` walks: it asks for a page, has the store keep it together with the position of the next one, and so on
//! until the page says that the list ends or the store sees that it goes in circles.

pub mod bundle;
pub mod docker;
mod github;
mod mcp;
mod npm;
pub mod oci;
mod provenance;
pub mod pypi;
pub mod settings;
mod triage;

use std::collections::BTreeSet;

use futures_util::future::BoxFuture;
use jiff::Timestamp;
use thiserror::Error;
use url::Url;

use crate::http::{Client, HttpError, Token};
use crate::model::declared::DeclaredList;
use crate::model::identity::{NewestRelease, ProvenanceSaid};
use crate::model::source::{Listing, Looked, Page, SourceName, WalkKind};
use crate::model::{Registry, ServerKey};
use settings::SourceSettings;

/// Every list that can be walked.
pub const SOURCES: &[Source] = &[mcp::SOURCE, npm::SOURCE, pypi::SOURCE, docker::SOURCE, github::SOURCE];

/// A list and how it is read.
#[derive(Debug)]
pub struct Source {
    /// Its name.
    pub name: SourceName,
    /// Where a walk begins: what it is to find, and the position of its first page.
    pub begin: fn(&Begin<'_>) -> Result<(WalkKind, String), WalkError>,
    /// Asks for one page and reads it.
    pub page: for<'a> fn(&'a Ask<'a>) -> BoxFuture<'a, Result<Page, WalkError>>,
}

/// The list of a name.
pub fn source(name: SourceName) -> Option<&'static Source> {
    SOURCES.iter().find(|source| source.name == name)
}

/// What the beginning of a walk depends on.
#[derive(Debug, Clone, Copy)]
pub struct Begin<'a> {
    /// Where the last whole walk ended.
    pub mark: Option<&'a str>,
    /// The point its user named.
    pub since: Option<&'a str>,
    /// True if a feed of changes is configured.
    pub has_feed: bool,
    /// True if there is a token for the list.
    pub has_token: bool,
    /// True if the last walk through everything is too long ago for a list whose changes do not tell all.
    pub whole_due: bool,
}

/// What a page is asked for with.
#[derive(Debug, Clone, Copy)]
pub struct Ask<'a> {
    /// The one HTTP client.
    pub client: &'a Client,
    /// The list's base address.
    pub address: &'a Url,
    /// What proves who asks, where the list wants that.
    pub token: Option<&'a Token>,
    /// Its feed of changes, where it has one and its address is known.
    pub feed: Option<&'a Url>,
    /// Sizes and words.
    pub settings: &'a SourceSettings,
    /// What the walk is to find.
    pub kind: WalkKind,
    /// The point its user named.
    pub since: Option<&'a str>,
    /// When the walk began.
    pub began: Timestamp,
    /// Where the last whole walk ended.
    pub mark: Option<&'a str>,
    /// Which page, as the source wrote it.
    pub position: &'a str,
    /// The page's validator as it was read last.
    pub etag: Option<&'a str>,
    /// The position that came after it then.
    pub next_before: Option<&'a str>,
    /// Names this list was seen to hold.
    pub known: &'a BTreeSet<String>,
    /// The greatest stamp of its records so far.
    pub newest: Option<&'a str>,
}

/// Why a walk cannot go on now. It goes on from its position when it is run again.
#[derive(Debug, Error)]
pub enum WalkError {
    /// The exchange failed.
    #[error(transparent)]
    Http(#[from] HttpError),
    /// An answer in a shape that is none of the documented ones.
    #[error("{address}: {why}; if this is the right address, please report it")]
    Shape {
        /// What was asked.
        address: String,
        /// What is wrong.
        why: String,
    },
    /// Files of this machine that cannot be read as a list.
    #[error("{address}: {why}")]
    Unreadable {
        /// Where they are.
        address: String,
        /// What is wrong.
        why: String,
    },
    /// An older copy of the list than the one that was read before.
    #[error(
        "{address}: answered an older copy (serial {found}) than the one read before (serial {known}); run the same command again later"
    )]
    Stale {
        /// What was asked.
        address: String,
        /// Its serial.
        found: u64,
        /// The serial of the copy read before.
        known: u64,
    },
    /// `--since` is no point of this list.
    #[error("--since {given}: {form}")]
    BadSince {
        /// As given.
        given: String,
        /// What would be one.
        form: &'static str,
    },
    /// The list does not know the token.
    #[error(
        "{address}: does not take the token of {from}; renew it, or unset the variable to go without one"
    )]
    BadToken {
        /// What was asked.
        address: String,
        /// The variable it came from.
        from: String,
    },
    /// A stored position that this version of the program does not read.
    #[error(
        "the stored position {position} of {source_name} cannot be read; use the version of the program that wrote it"
    )]
    BadPosition {
        /// Whose.
        source_name: SourceName,
        /// As stored.
        position: String,
    },
}

/// Reads one package's own document in its registry at `base`, unless it is as it was. None for what is no package.
///
/// # Errors
/// [`HttpError`]; a package that is not there is [`Looked::Gone`].
pub async fn look(
    client: &Client,
    base: &Url,
    server: &ServerKey,
    etag: Option<&str>,
    settings: &SourceSettings,
) -> Result<Option<Looked>, HttpError> {
    match server.registry() {
        Registry::Npm => npm::look(client, base, server.name(), etag, &settings.triage).await.map(Some),
        Registry::Pypi => pypi::look(client, base, server.name(), etag, &settings.triage).await.map(Some),
        Registry::Github | Registry::Remote | Registry::Local => Ok(None),
    }
}

/// The lists of tools that a record declares; None of a source whose records never do.
pub fn declared(source: SourceName, listing: &Listing) -> Option<Vec<DeclaredList>> {
    match source {
        SourceName::Mcp => Some(mcp::declared(listing)),
        SourceName::Docker => Some(docker::declared(listing)),
        SourceName::Npm | SourceName::Pypi | SourceName::Github => None,
    }
}

/// The names of the official registry that one version of a package gives itself; none where there is no such document.
///
/// # Errors
/// [`HttpError`].
pub async fn names_in_version(
    client: &Client,
    base: &Url,
    server: &ServerKey,
    version: &str,
) -> Result<BTreeSet<String>, HttpError> {
    match server.registry() {
        Registry::Npm => npm::names_in_version(client, base, server.name(), version).await,
        Registry::Pypi => pypi::names_in_version(client, base, server.name(), version).await,
        Registry::Github | Registry::Remote | Registry::Local => Ok(BTreeSet::new()),
    }
}

/// What its registry's provenance of a package's newest release says; it is read and its signature not checked.
///
/// # Errors
/// [`HttpError`]; that there is none is no error, nor is one that cannot be read.
pub async fn provenance(
    client: &Client,
    base: &Url,
    server: &ServerKey,
    newest: &NewestRelease,
) -> Result<ProvenanceSaid, HttpError> {
    match server.registry() {
        Registry::Npm => npm::provenance(client, base, server, newest).await,
        Registry::Pypi => pypi::provenance(client, base, server.name(), newest).await,
        Registry::Github | Registry::Remote | Registry::Local => Ok(ProvenanceSaid::None),
    }
}

/// What a stored record of the official registry says of who its server is. None if it is no record.
pub fn entry_of_record(record: &str) -> Option<crate::model::identity::EntryFacts> {
    mcp::read_entry(record)
}

/// A text cut to so many characters: names of foreign records are kept, novels are not.
fn cut(text: &str, max_chars: usize) -> String {
    text.chars().take(max_chars).collect()
}
