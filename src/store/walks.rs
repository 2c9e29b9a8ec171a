//! Passes through a list of servers: where each began, stands and ended. What storing a page means is in `pages`.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::pages::store_page;
use super::rows::{maybe_word, time, word};
use super::{Store, StoreError, stored_time};
use crate::model::source::{Page, SourceName, WalkEnd, WalkKind};

const NAME_SOURCE: &str = "
    INSERT INTO sources (name, address, note) VALUES (?1, ?2, ?3)
    ON CONFLICT (name) DO UPDATE SET
      mark = CASE WHEN address = excluded.address THEN mark END,
      listed = CASE WHEN address = excluded.address THEN listed END,
      address = excluded.address, note = excluded.note";
const ADDRESS: &str = "SELECT address FROM sources WHERE name = ?1";
const FORGET_PAGES: &str = "DELETE FROM source_pages WHERE source = ?1";
const REPLACE_OPEN: &str = "
    UPDATE walks SET ended_at = ?2, ended_by = 'replaced'
    WHERE source = ?1 AND ended_at IS NULL AND (kind = 'since') >= ?3";
/// A whole walk whose findings were not believed is none: the next one looks again.
const STATE: &str = "
    SELECT mark, asked_not_before, (
      SELECT max(ended_at) FROM walks
      WHERE source = ?1 AND kind = 'full' AND ended_by <> 'replaced' AND frozen = 0) AS whole_at
    FROM sources WHERE name = ?1";
const REST: &str = "UPDATE sources SET asked_not_before = ?2 WHERE name = ?1";

const WALK_COLUMNS: &str =
    "id, kind, since, position, pages, seen, added, changed, unchanged, malformed, gone, frozen,
    started_at, touched_at, ended_at, ended_by, failure, note";
const OPEN_WALK: &str = "
    WHERE source = ?1 AND ended_at IS NULL AND since IS ?2 ORDER BY id DESC LIMIT 1";
const LAST_WALK: &str = " WHERE source = ?1 ORDER BY id DESC LIMIT 1";
const LAST_WHOLE: &str =
    " WHERE source = ?1 AND kind = 'full' AND ended_by <> 'replaced' ORDER BY id DESC LIMIT 1";
const BEGIN: &str = "
    INSERT INTO walks (source, kind, since, position, started_at, touched_at) VALUES (?1, ?2, ?3, ?4, ?5, ?5)
    RETURNING id";
const FAILED: &str = "UPDATE walks SET failure = ?2, touched_at = ?3 WHERE id = ?1 AND ended_at IS NULL";

const BEFORE: &str = "SELECT etag, next FROM source_pages WHERE source = ?1 AND position = ?2";
/// One pass through a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Walk {
    /// Its row.
    pub id: i64,
    /// What it is to find.
    pub kind: WalkKind,
    /// The point its user named.
    pub since: Option<String>,
    /// The page that comes next.
    pub position: String,
    /// Pages stored.
    pub pages: u32,
    /// Records on them, those that are no business of ours included.
    pub seen: u32,
    /// Records that were not known.
    pub added: u32,
    /// Records that were others before.
    pub changed: u32,
    /// Records that were the same before.
    pub unchanged: u32,
    /// Records that could not be read.
    pub malformed: u32,
    /// Records taken to be gone.
    pub gone: u32,
    /// Records that would have been, and are too many at once.
    pub frozen: u32,
    /// When it began.
    pub started_at: Timestamp,
    /// When its last page was stored, or its last failure.
    pub touched_at: Timestamp,
    /// When it ended; None while it can go on.
    pub ended_at: Option<Timestamp>,
    /// What ended it.
    pub ended_by: Option<WalkEnd>,
    /// What stopped it last.
    pub failure: Option<String>,
    /// What its user should know.
    pub note: Option<String>,
}

/// What is known of a list between two walks.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SourceState {
    /// Where the next walk for changes begins.
    pub mark: Option<String>,
    /// It asked to be left alone until then.
    pub asked_not_before: Option<Timestamp>,
    /// When the last walk through everything ended.
    pub whole_at: Option<Timestamp>,
}

/// What is known of a page from the last time it was read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PageBefore {
    /// Its validator.
    pub etag: Option<String>,
    /// The position after it; None if it was the last.
    pub next: Option<String>,
}

/// What storing a page came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PageStored {
    /// The walk goes on, or has ended.
    Stored,
    /// Another process walks the same list and was first: nothing was stored.
    Overtaken,
}

/// Bounds on one walk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WalkBounds {
    /// Pages it may have.
    pub max_pages: u32,
    /// Takes things to be gone however many they are.
    pub accept_shrink: bool,
}

impl Store {
    /// Makes a list known under its address. At another address than before, nothing of its position means anything.
    ///
    /// # Errors
    /// [`StoreError`], here and below.
    pub fn name_source(
        &mut self,
        source: SourceName,
        address: &str,
        note: Option<&str>,
        now: Timestamp,
    ) -> Result<SourceState, StoreError> {
        self.write(|tx| {
            let name = || -> rusqlite::Result<SourceState> {
                let before: Option<String> =
                    tx.query_row(ADDRESS, [source.as_str()], |row| row.get(0)).optional()?;
                tx.execute(NAME_SOURCE, params![source.as_str(), address, note])?;
                if before.is_some_and(|before| before != address) {
                    tx.execute(FORGET_PAGES, [source.as_str()])?;
                    tx.execute(REPLACE_OPEN, params![source.as_str(), stored_time(now), 0])?;
                }
                tx.query_row(STATE, [source.as_str()], |row| {
                    Ok(SourceState {
                        mark: row.get("mark")?,
                        asked_not_before: maybe_word(row, "asked_not_before")?,
                        whole_at: maybe_word(row, "whole_at")?,
                    })
                })
            };
            name().map_err(|e| StoreError::from_sql(tx, e))
        })
    }

    /// The walk that was not finished: the one for changes or everything, or the one since this very point.
    ///
    /// # Errors
    /// As above.
    pub fn open_walk(&self, source: SourceName, since: Option<&str>) -> Result<Option<Walk>, StoreError> {
        walk_where(&self.connection, OPEN_WALK, params![source.as_str(), since])
            .map_err(|e| StoreError::from_sql(&self.connection, e))
    }

    /// Begins a walk; an unfinished one since another point is given up.
    ///
    /// # Errors
    /// As above.
    pub fn begin_walk(
        &mut self,
        source: SourceName,
        kind: WalkKind,
        since: Option<&str>,
        position: &str,
        now: Timestamp,
    ) -> Result<Walk, StoreError> {
        let now = stored_time(now);
        let id: i64 = self.write(|tx| {
            if since.is_some() {
                tx.execute(REPLACE_OPEN, params![source.as_str(), now, 1])
                    .map_err(|e| StoreError::from_sql(tx, e))?;
            }
            tx.query_row(BEGIN, params![source.as_str(), kind.as_str(), since, position, now], |r| r.get(0))
                .map_err(|e| StoreError::from_sql(tx, e))
        })?;
        self.walk(id)
    }

    /// A walk as it stands.
    ///
    /// # Errors
    /// As above.
    pub fn walk(&self, id: i64) -> Result<Walk, StoreError> {
        walk_where(&self.connection, " WHERE id = ?1", [id])
            .and_then(|found| found.ok_or(rusqlite::Error::QueryReturnedNoRows))
            .map_err(|e| StoreError::from_sql(&self.connection, e))
    }

    /// A page as it was read last.
    ///
    /// # Errors
    /// As above.
    pub fn page_before(&self, source: SourceName, position: &str) -> Result<PageBefore, StoreError> {
        self.connection
            .query_row(BEFORE, params![source.as_str(), position], |row| {
                Ok(PageBefore { etag: row.get("etag")?, next: row.get("next")? })
            })
            .optional()
            .map(Option::unwrap_or_default)
            .map_err(|e| StoreError::from_sql(&self.connection, e))
    }

    /// Notes what stopped a walk, and until when its list asked to be left alone.
    ///
    /// # Errors
    /// As above.
    pub fn walk_failed(
        &mut self,
        source: SourceName,
        walk: i64,
        failure: &str,
        not_before: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.write(|tx| {
            tx.execute(FAILED, params![walk, failure, stored_time(now)])
                .and_then(|_| tx.execute(REST, params![source.as_str(), not_before.map(stored_time)]))
                .map(drop)
                .map_err(|e| StoreError::from_sql(tx, e))
        })
    }

    /// Stores a page: its records, the candidates in them and the position of the next page, or nothing of all that.
    ///
    /// # Errors
    /// As above.
    pub fn add_page(
        &mut self,
        source: SourceName,
        walk: &Walk,
        page: &Page,
        bounds: WalkBounds,
        now: Timestamp,
    ) -> Result<PageStored, StoreError> {
        self.write(|tx| {
            store_page(tx, source, walk, page, bounds, &stored_time(now))
                .map_err(|e| StoreError::from_sql(tx, e))
        })
    }
}

/// The last walk through a list, ended or not.
pub(super) fn last_walk(connection: &Connection, source: SourceName) -> rusqlite::Result<Option<Walk>> {
    walk_where(connection, LAST_WALK, [source.as_str()])
}

/// The last walk through everything that came to an end.
pub(super) fn last_whole_walk(connection: &Connection, source: SourceName) -> rusqlite::Result<Option<Walk>> {
    walk_where(connection, LAST_WHOLE, [source.as_str()])
}

fn walk_where(
    connection: &Connection,
    condition: &str,
    values: impl rusqlite::Params,
) -> rusqlite::Result<Option<Walk>> {
    let sql = format!("SELECT {WALK_COLUMNS} FROM walks {condition}");
    connection.prepare_cached(&sql)?.query_row(values, read_walk).optional()
}

fn read_walk(row: &Row<'_>) -> rusqlite::Result<Walk> {
    Ok(Walk {
        id: row.get("id")?,
        kind: word(row, "kind")?,
        since: row.get("since")?,
        position: row.get("position")?,
        pages: row.get("pages")?,
        seen: row.get("seen")?,
        added: row.get("added")?,
        changed: row.get("changed")?,
        unchanged: row.get("unchanged")?,
        malformed: row.get("malformed")?,
        gone: row.get("gone")?,
        frozen: row.get("frozen")?,
        started_at: time(row, "started_at")?,
        touched_at: time(row, "touched_at")?,
        ended_at: maybe_word(row, "ended_at")?,
        ended_by: maybe_word(row, "ended_by")?,
        failure: row.get("failure")?,
        note: row.get("note")?,
    })
}
