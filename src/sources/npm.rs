//! An npm registry: its search, and, where one is configured, its feed of changes.
//!
//! The search seeds: it knows keywords, and is capped. The feed is complete: it names every package, so that of its rows
//! only names that look like MCP, and those that were found before, are kept. A whole walk is the search, then the feed from
//! its beginning; after that the feed alone, from where it was.

mod document;
mod feed;
mod halves;
mod search;

use futures_util::FutureExt;
use serde::{Deserialize, Serialize};

use super::{Ask, Begin, Source, WalkError};
use crate::model::source::{Candidate, Obstacle, Page, SourceName, WalkKind};
use crate::model::{ServerKey, sign::Sign};

pub(super) use document::{look, names_in_version, provenance};

pub(super) const SOURCE: Source = Source { name: SourceName::Npm, begin, page: |ask| page(ask).boxed() };

/// Which page. The same page has the same text in every walk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Position {
    /// So many hits into a query, or into a part of what it finds.
    Search(search::Position),
    /// The feed after this sequence, which is opaque.
    Feed {
        /// As the feed wrote it.
        since: String,
        /// True once this walk began anew: it does so once, or a feed that tells of nothing but resets would be read for ever.
        #[serde(default, skip_serializing_if = "is_false")]
        anew: bool,
    },
}

impl Position {
    fn text(&self) -> String {
        serde_json::to_string(self).expect("numbers and strings are always JSON")
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for it")]
fn is_false(flag: &bool) -> bool {
    !*flag
}

fn begin(begin: &Begin<'_>) -> Result<(WalkKind, String), WalkError> {
    let feed = |since: &str| Position::Feed { since: since.to_owned(), anew: false }.text();
    match (begin.since, begin.mark, begin.has_feed) {
        (Some(since), _, true) if feed::number(since).is_some() => Ok((WalkKind::Since, feed(since))),
        (Some(given), ..) => Err(WalkError::BadSince {
            given: given.to_owned(),
            form: "npm's search cannot be asked by time; configure sources.npm.feed and give a sequence number",
        }),
        (None, Some(mark), true) => Ok((WalkKind::Changes, feed(mark))),
        (None, ..) => Ok((WalkKind::Full, Position::Search(search::Position::default()).text())),
    }
}

async fn page(ask: &Ask<'_>) -> Result<Page, WalkError> {
    let position: Position = serde_json::from_str(ask.position).map_err(|_| WalkError::BadPosition {
        source_name: SourceName::Npm,
        position: ask.position.to_owned(),
    })?;
    match position {
        Position::Search(position) => search::page(ask, &position).await,
        Position::Feed { since, anew } => feed::page(ask, &since, anew).await,
    }
}

/// A package as a candidate.
fn candidate(name: &str, signs: Vec<Sign>) -> Candidate {
    match ServerKey::npm(name) {
        Ok(key) => Candidate { key: key.to_string(), obstacle: None, signs },
        Err(_) => Candidate { key: format!("npm:{name}"), obstacle: Some(Obstacle::Malformed), signs },
    }
}
