//! What may be a server: named by lists, ordered by its signs, waiting to be looked at and scanned.

use std::collections::BTreeSet;

use jiff::Timestamp;
use rusqlite::{Connection, Transaction, params};

use super::rows::word;
use super::{Store, StoreError, stored_time};
use crate::model::ServerKey;
use crate::model::sign::{Sign, rank};
use crate::model::source::{Candidate, Listing, Looked, SourceName};

const FORGET_NAMES: &str = "DELETE FROM listing_candidates WHERE source = ?1 AND name = ?2 AND version = ?3";
const ADD: &str = "
    INSERT INTO candidates (key, obstacle, rank, first_seen, changed_at) VALUES (?1, ?2, 0, ?3, ?3)
    ON CONFLICT (key) DO UPDATE SET obstacle = excluded.obstacle, changed_at = excluded.changed_at, missing_at = NULL";
const NAME: &str = "
    INSERT INTO listing_candidates (source, name, version, key) VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO NOTHING";
const FORGET_SIGNS: &str = "DELETE FROM candidate_signs WHERE key = ?1 AND told_by = ?2";
const ADD_SIGN: &str =
    "INSERT INTO candidate_signs (key, told_by, sign) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING";
const SIGNS: &str = "SELECT DISTINCT sign FROM candidate_signs WHERE key = ?1 ORDER BY sign";
const SET_RANK: &str = "UPDATE candidates SET rank = ?2 WHERE key = ?1";

const LOOKED: &str = "
    UPDATE candidates SET looked_at = ?2, etag = CASE WHEN ?4 THEN ?3 ELSE etag END, missing_at = NULL WHERE key = ?1";
const MISSING: &str = "UPDATE candidates SET looked_at = ?2, missing_at = ?2, etag = NULL WHERE key = ?1";
const SCANNED: &str = "UPDATE candidates SET scanned_at = ?2 WHERE key = ?1";

/// What npm's feed says is deleted: its claim is believed when the package's own document is not there either.
const CLAIMED_GONE: &str = "
    SELECT c.key AS key, NULL AS etag FROM candidates c
      JOIN listing_candidates n ON n.key = c.key
      JOIN listings l ON l.source = n.source AND l.name = n.name AND l.version = n.version
    WHERE n.source = 'npm' AND l.status = 'deleted' AND c.obstacle IS NULL
      AND (c.looked_at IS NULL OR c.looked_at < l.changed_at)
    ORDER BY c.key LIMIT ?1";
const RESTORE: &str = "
    UPDATE listings SET status = 'active', gone_at = NULL
    WHERE source = 'npm' AND status = 'deleted' AND name IN (
      SELECT name FROM listing_candidates WHERE key = ?1 AND source = 'npm')";

/// True of a candidate that a source (?1) lists now and that can be scanned.
const IS_LISTED: &str = "
    c.obstacle IS NULL AND EXISTS (
      SELECT 1 FROM listing_candidates n JOIN listings l
        ON l.source = n.source AND l.name = n.name AND l.version = n.version
      WHERE n.key = c.key AND n.source = ?1 AND l.gone_at IS NULL)";
const IS_WAITING: &str = "c.missing_at IS NULL AND (c.scanned_at IS NULL OR c.scanned_at < c.changed_at)";
const IS_UNSEEN: &str = "
    (c.looked_at IS NULL OR c.looked_at < c.changed_at) AND (c.key LIKE 'npm:%' OR c.key LIKE 'pypi:%')";

/// One that waits to be scanned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    /// Its server's key.
    pub server: ServerKey,
    /// Higher is earlier.
    pub rank: i32,
    /// What speaks for and against it.
    pub signs: BTreeSet<Sign>,
}

/// One whose own document is to be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unseen {
    /// Its server's key.
    pub server: ServerKey,
    /// The validator of its document as it was read last.
    pub etag: Option<String>,
}

impl Store {
    /// What a list names that is to be scanned, in the order of the queue.
    ///
    /// # Errors
    /// [`StoreError`], here and below.
    pub fn waiting(&self, source: SourceName, limit: Option<u32>) -> Result<Vec<Waiting>, StoreError> {
        waiting(&self.connection, source, limit).map_err(|e| StoreError::from_sql(&self.connection, e))
    }

    /// How many a list names that are to be scanned.
    ///
    /// # Errors
    /// As above.
    pub fn count_waiting(&self, source: SourceName) -> Result<u32, StoreError> {
        let sql = format!("SELECT count(*) FROM candidates c WHERE {IS_LISTED} AND {IS_WAITING}");
        self.connection
            .query_row(&sql, [source.as_str()], |row| row.get(0))
            .map_err(|e| StoreError::from_sql(&self.connection, e))
    }

    /// What a list names whose own document was not read since it changed, in the order of the queue.
    ///
    /// # Errors
    /// As above.
    pub fn unseen(&self, source: SourceName, limit: Option<u32>) -> Result<Vec<Unseen>, StoreError> {
        let sql = format!(
            "SELECT key, etag FROM candidates c WHERE {IS_LISTED} AND {IS_WAITING} AND {IS_UNSEEN}
             ORDER BY rank DESC, key LIMIT ?2"
        );
        unseen(&self.connection, &sql, params![source.as_str(), sql_limit(limit)])
            .map_err(|e| StoreError::from_sql(&self.connection, e))
    }

    /// Packages that npm's feed says are deleted and that nobody looked for since.
    ///
    /// # Errors
    /// As above.
    pub fn claimed_gone(&self, limit: Option<u32>) -> Result<Vec<Unseen>, StoreError> {
        unseen(&self.connection, CLAIMED_GONE, [sql_limit(limit)])
            .map_err(|e| StoreError::from_sql(&self.connection, e))
    }

    /// The names a list was seen to hold, of those that a filter by name would miss.
    ///
    /// # Errors
    /// As above.
    pub fn listed_names(&self, source: SourceName) -> Result<BTreeSet<String>, StoreError> {
        let read = || -> rusqlite::Result<BTreeSet<String>> {
            self.connection
                .prepare_cached("SELECT DISTINCT name FROM listings WHERE source = ?1 ORDER BY name")?
                .query_map([source.as_str()], |row| row.get(0))?
                .collect()
        };
        read().map_err(|e| StoreError::from_sql(&self.connection, e))
    }

    /// The greatest stamp of a list's records, as text.
    ///
    /// # Errors
    /// As above.
    pub fn newest_stamp(&self, source: SourceName) -> Result<Option<String>, StoreError> {
        self.connection
            .query_row("SELECT max(stamp) FROM listings WHERE source = ?1", [source.as_str()], |r| r.get(0))
            .map_err(|e| StoreError::from_sql(&self.connection, e))
    }

    /// Stores what looking at candidates' own documents brought.
    ///
    /// # Errors
    /// As above.
    pub fn looked(&mut self, all: &[(ServerKey, Looked)], now: Timestamp) -> Result<(), StoreError> {
        let now = stored_time(now);
        self.write(|tx| {
            let store = || -> rusqlite::Result<()> {
                for (server, looked) in all {
                    let key = server.to_string();
                    if *looked != Looked::Gone {
                        tx.prepare_cached(RESTORE)?.execute([&key])?;
                    }
                    match looked {
                        Looked::Gone => drop(tx.execute(MISSING, params![key, now])?),
                        Looked::Unchanged => {
                            tx.execute(LOOKED, params![key, now, None::<String>, false])?;
                        }
                        Looked::Found { signs, etag, facts } => {
                            tx.execute(LOOKED, params![key, now, etag, true])?;
                            if let Some(facts) = facts {
                                super::identity::remember_package(tx, &key, facts, &now)?;
                            }
                            set_signs(tx, &key, "document", signs)?;
                        }
                    }
                }
                Ok(())
            };
            store().map_err(|e| StoreError::from_sql(tx, e))
        })
    }

    /// Marks candidates for which a scan recorded an outcome: they wait again when a list says that they changed.
    ///
    /// # Errors
    /// As above.
    pub fn scanned(&mut self, keys: &[String], now: Timestamp) -> Result<(), StoreError> {
        let now = stored_time(now);
        self.write(|tx| {
            let mark = || -> rusqlite::Result<()> {
                let mut mark = tx.prepare_cached(SCANNED)?;
                for key in keys {
                    mark.execute(params![key, now])?;
                }
                Ok(())
            };
            mark().map_err(|e| StoreError::from_sql(tx, e))
        })
    }
}

fn unseen(
    connection: &Connection,
    sql: &str,
    values: impl rusqlite::Params,
) -> rusqlite::Result<Vec<Unseen>> {
    let read = |row: &rusqlite::Row<'_>| Ok(Unseen { server: word(row, "key")?, etag: row.get("etag")? });
    connection.prepare_cached(sql)?.query_map(values, read)?.collect()
}

/// No limit is -1 in SQLite.
fn sql_limit(limit: Option<u32>) -> i64 {
    limit.map_or(-1, i64::from)
}

fn waiting(
    connection: &Connection,
    source: SourceName,
    limit: Option<u32>,
) -> rusqlite::Result<Vec<Waiting>> {
    let sql = format!(
        "SELECT key, rank, (SELECT json_group_array(DISTINCT sign) FROM candidate_signs s WHERE s.key = c.key) AS signs
         FROM candidates c WHERE {IS_LISTED} AND {IS_WAITING} ORDER BY rank DESC, key LIMIT ?2"
    );
    connection
        .prepare_cached(&sql)?
        .query_map(params![source.as_str(), sql_limit(limit)], |row| {
            let signs: Vec<String> = super::rows::json(row, "signs")?;
            Ok(Waiting {
                server: word(row, "key")?,
                rank: row.get("rank")?,
                signs: signs.iter().filter_map(|sign| sign.parse().ok()).collect(),
            })
        })?
        .collect()
}

/// Stores the candidates of a record that is new or has changed.
pub(super) fn name_candidates(
    tx: &Transaction<'_>,
    source: SourceName,
    listing: &Listing,
    now: &str,
) -> rusqlite::Result<()> {
    let record = params![source.as_str(), listing.name, listing.version];
    tx.prepare_cached(FORGET_NAMES)?.execute(record)?;
    for Candidate { key, obstacle, signs } in &listing.found {
        tx.prepare_cached(ADD)?.execute(params![key, obstacle.map(|o| o.as_str()), now])?;
        tx.prepare_cached(NAME)?.execute(params![source.as_str(), listing.name, listing.version, key])?;
        set_signs(tx, key, source.as_str(), signs)?;
    }
    Ok(())
}

/// Adds a repository itself to what its listing on GitHub names.
pub(super) fn name_another(
    tx: &Transaction<'_>,
    listing: &str,
    key: &ServerKey,
    signs: &[Sign],
    now: &str,
) -> rusqlite::Result<()> {
    let (source, key) = (SourceName::Github.as_str(), key.to_string());
    tx.prepare_cached(ADD)?.execute(params![key, None::<&str>, now])?;
    tx.prepare_cached(NAME)?.execute(params![source, listing, "", key])?;
    set_signs(tx, &key, source, signs)
}

/// Replaces what one teller says of a candidate, and puts it into its new place.
pub(super) fn set_signs(
    tx: &Transaction<'_>,
    key: &str,
    told_by: &str,
    signs: &[Sign],
) -> rusqlite::Result<()> {
    tx.prepare_cached(FORGET_SIGNS)?.execute(params![key, told_by])?;
    let mut add = tx.prepare_cached(ADD_SIGN)?;
    for sign in signs {
        add.execute(params![key, told_by, sign.as_str()])?;
    }
    rank_again(tx, key)
}

/// Puts a candidate into the place that its signs give it.
pub(super) fn rank_again(tx: &Transaction<'_>, key: &str) -> rusqlite::Result<()> {
    let all = tx
        .prepare_cached(SIGNS)?
        .query_map([key], |row| word(row, "sign"))?
        .collect::<rusqlite::Result<BTreeSet<Sign>>>()?;
    tx.prepare_cached(SET_RANK)?.execute(params![key, rank(&all)])?;
    Ok(())
}

/// How many candidates a list names, by what is to be done with them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CandidateCounts {
    /// Every candidate it lists now.
    pub listed: u32,
    /// Those that wait to be scanned.
    pub waiting: u32,
    /// Those for which a scan recorded an outcome since they changed.
    pub scanned: u32,
    /// Those that cannot be scanned.
    pub not_scannable: u32,
    /// Those whose registry does not know them.
    pub missing: u32,
}

const COUNTS: &str = "
    SELECT count(*) AS listed,
      count(*) FILTER (WHERE c.obstacle IS NOT NULL) AS not_scannable,
      count(*) FILTER (WHERE c.obstacle IS NULL AND c.missing_at IS NOT NULL) AS missing,
      count(*) FILTER (WHERE c.obstacle IS NULL AND c.missing_at IS NULL AND c.scanned_at >= c.changed_at) AS scanned,
      count(*) FILTER (WHERE c.obstacle IS NULL AND c.missing_at IS NULL
        AND (c.scanned_at IS NULL OR c.scanned_at < c.changed_at)) AS waiting
    FROM candidates c
    WHERE c.key IN (
      SELECT n.key FROM listing_candidates n JOIN listings l
        ON l.source = n.source AND l.name = n.name AND l.version = n.version
      WHERE n.source = ?1 AND l.gone_at IS NULL)";

pub(super) fn counts(connection: &Connection, source: SourceName) -> rusqlite::Result<CandidateCounts> {
    connection.query_row(COUNTS, [source.as_str()], |row| {
        Ok(CandidateCounts {
            listed: row.get("listed")?,
            waiting: row.get("waiting")?,
            scanned: row.get("scanned")?,
            not_scannable: row.get("not_scannable")?,
            missing: row.get("missing")?,
        })
    })
}
