//! Each list as `catalogue sources` shows it: where it stands, its last walk, and what was found there.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension};

use super::candidates::{CandidateCounts, counts};
use super::rows::maybe_word;
use super::walks::{Walk, last_walk, last_whole_walk};
use super::{StoreError, error};
use crate::model::source::SourceName;

const SOURCE: &str = "SELECT address, mark, listed, note, asked_not_before FROM sources WHERE name = ?1";
const LISTINGS: &str = "
    SELECT count(*) FILTER (WHERE gone_at IS NULL), count(*) FILTER (WHERE gone_at IS NOT NULL)
    FROM listings WHERE source = ?1";

/// A list that was walked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredSource {
    /// Which.
    pub name: SourceName,
    /// Where, without user, password and query.
    pub address: String,
    /// Where its next walk for changes begins; None before one reached its end.
    pub mark: Option<String>,
    /// What keeps it from being complete.
    pub note: Option<String>,
    /// It asked to be left alone until then.
    pub asked_not_before: Option<Timestamp>,
    /// Its records.
    pub listings: u32,
    /// Records it held once.
    pub gone: u32,
    /// Its last walk.
    pub walk: Option<Walk>,
    /// Its last walk through everything that came to an end.
    pub whole: Option<Walk>,
    /// What it names.
    pub candidates: CandidateCounts,
}

/// Every list that was ever walked, in the order of [`SourceName::ALL`].
///
/// # Errors
/// [`StoreError`].
pub fn stored_sources(connection: &Connection) -> Result<Vec<StoredSource>, StoreError> {
    let all = SourceName::ALL.into_iter().filter_map(|name| stored_source(connection, name).transpose());
    all.collect::<rusqlite::Result<_>>().map_err(|e| StoreError::at(error::path_of(connection), e))
}

fn stored_source(connection: &Connection, name: SourceName) -> rusqlite::Result<Option<StoredSource>> {
    let found = connection
        .query_row(SOURCE, [name.as_str()], |row| {
            Ok(StoredSource {
                name,
                address: row.get("address")?,
                mark: row.get("mark")?,
                note: row.get("note")?,
                asked_not_before: maybe_word(row, "asked_not_before")?,
                listings: 0,
                gone: 0,
                walk: None,
                whole: None,
                candidates: CandidateCounts::default(),
            })
        })
        .optional()?;
    let Some(mut source) = found else { return Ok(None) };
    (source.listings, source.gone) =
        connection.query_row(LISTINGS, [name.as_str()], |row| Ok((row.get(0)?, row.get(1)?)))?;
    source.walk = last_walk(connection, name)?;
    source.whole = last_whole_walk(connection, name)?;
    source.candidates = counts(connection, name)?;
    Ok(Some(source))
}
