//! Lists that were declared and not heard from a server: in tables of their own, read for a server's own page and for nothing
//! else.

use jiff::Timestamp;
use rusqlite::{Connection, Row, Transaction, params};

use super::rows::{maybe_word, time, word};
use super::{Store, StoreError, stored_time};
use crate::model::ServerKey;
use crate::model::declared::{DeclaredEntry, DeclaredList};
use crate::model::source::{Obstacle, SourceName};

/// The name of a source in rows that come from a package itself.
const OWN: &str = "";

const HAS_ANY: &str = "SELECT EXISTS (SELECT 1 FROM declared_lists WHERE source = ?1)";
const HAS_OWN: &str = "SELECT EXISTS (SELECT 1 FROM declared_lists WHERE source = '' AND name = ?1)";
const OF_RECORD: &str = "
    SELECT id, about, declared_by, place, hash FROM declared_lists
    WHERE source = ?1 AND name = ?2 AND version = ?3 AND (declared_by = 'bundle') = ?4 ORDER BY id";
const FORGET: &str = "DELETE FROM declared_lists WHERE id = ?1";
const ADD: &str = "
    INSERT INTO declared_lists (about, declared_by, source, name, version, place, hash, grows, read_at)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) RETURNING id";
const ADD_ENTRY: &str =
    "INSERT INTO declared_entries (list_id, kind, position, name, description) VALUES (?1, ?2, ?3, ?4, ?5)";

/// Bundles whose manifest was not read since their record changed.
const UNSEEN_BUNDLES: &str = "
    SELECT c.key AS key, n.name AS name, n.version AS version, max(l.record) AS record
    FROM candidates c JOIN listing_candidates n ON n.key = c.key
      JOIN listings l ON l.source = n.source AND l.name = n.name AND l.version = n.version
    WHERE c.key LIKE 'mcpb:%' AND n.source = ?1 AND l.gone_at IS NULL AND l.record IS NOT NULL
      AND (c.looked_at IS NULL OR c.looked_at < c.changed_at)
    GROUP BY c.key ORDER BY c.rank DESC, c.key LIMIT ?2";
const LOOKED: &str = "UPDATE candidates SET looked_at = ?2 WHERE key = ?1";

/// A list counts while the record that led to it is listed.
const STANDS: &str = "
    (d.source = '' OR EXISTS (SELECT 1 FROM listings l
      WHERE l.source = d.source AND l.name = d.name AND l.version = d.version AND l.gone_at IS NULL))";
const LISTS: &str =
    "SELECT d.id AS id, d.about AS about, d.declared_by AS declared_by, d.source AS source, d.name AS name,
    d.version AS version, d.place AS place, d.hash AS hash, d.grows AS grows, d.read_at AS read_at FROM declared_lists d";
const ENTRIES: &str =
    "SELECT name, description FROM declared_entries WHERE list_id = ?1 AND kind = ?2 ORDER BY position";
const ABOUT: &str = "
    SELECT DISTINCT d.about AS about, c.obstacle AS obstacle, c.missing_at IS NOT NULL AS missing,
      (SELECT l.record FROM listings l WHERE l.source = d.source AND l.name = d.name AND l.version = d.version) AS record
    FROM declared_lists d LEFT JOIN candidates c ON c.key = d.about";

/// What one record of a source declares.
#[derive(Debug)]
pub struct DeclaredRecord<'a> {
    /// The record's name there.
    pub name: &'a str,
    /// Its version there.
    pub version: &'a str,
    /// Its lists; none takes back what it declared before.
    pub lists: Vec<DeclaredList>,
}

/// A list as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredDeclared {
    /// The list.
    pub list: DeclaredList,
    /// The list of servers whose record led to it; None for a package's own.
    pub source: Option<SourceName>,
    /// That record's name.
    pub name: String,
    /// When it was read first in this form.
    pub read_at: Timestamp,
}

/// Something that lists were declared of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeclaredServer {
    /// A candidate's key.
    pub about: String,
    /// Why it cannot be scanned, if it cannot.
    pub obstacle: Option<Obstacle>,
    /// Its registry does not know it.
    pub missing: bool,
    /// The record that led to it, as JSON.
    pub record: Option<String>,
}

/// A bundle whose manifest is to be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnseenBundle {
    /// Its key, `mcpb:` and its address.
    pub key: String,
    /// The record that names it.
    pub name: String,
    /// That record's version.
    pub version: String,
    /// That record, as JSON.
    pub record: String,
}

impl Store {
    /// Stores what records of a source declare, in the place of what they declared before.
    ///
    /// # Errors
    /// [`StoreError`], here and below.
    pub fn declare(
        &mut self,
        source: SourceName,
        records: &[DeclaredRecord<'_>],
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let nothing = records.iter().all(|record| record.lists.is_empty());
        if nothing && !self.has_declared(HAS_ANY, source.as_str())? {
            return Ok(());
        }
        let now = stored_time(now);
        self.write(|tx| {
            for DeclaredRecord { name, version, lists } in records {
                replace(tx, (source.as_str(), name, version), None, lists, &now)
                    .map_err(|e| StoreError::from_sql(tx, e))?;
            }
            Ok(())
        })
    }

    fn has_declared(&self, query: &str, value: &str) -> Result<bool, StoreError> {
        self.connection
            .query_row(query, [value], |row| row.get(0))
            .map_err(|e| StoreError::from_sql(&self.connection, e))
    }

    /// Stores what a package's own manifest declares, in the place of what it declared before.
    ///
    /// # Errors
    /// As above.
    pub fn declare_of_package(
        &mut self,
        server: &ServerKey,
        lists: &[DeclaredList],
        now: Timestamp,
    ) -> Result<(), StoreError> {
        if lists.is_empty() && !self.has_declared(HAS_OWN, &server.to_string())? {
            return Ok(());
        }
        self.write(|tx| {
            own_lists(tx, server, lists, &stored_time(now)).map_err(|e| StoreError::from_sql(tx, e))
        })
    }

    /// Bundles that a list names and whose manifest was not read since their record changed.
    ///
    /// # Errors
    /// As above.
    pub fn unseen_bundles(&self, source: SourceName, limit: u32) -> Result<Vec<UnseenBundle>, StoreError> {
        let read = |row: &Row<'_>| {
            Ok(UnseenBundle {
                key: row.get("key")?,
                name: row.get("name")?,
                version: row.get("version")?,
                record: row.get("record")?,
            })
        };
        self.connection
            .prepare_cached(UNSEEN_BUNDLES)
            .and_then(|mut statement| statement.query_map(params![source.as_str(), limit], read)?.collect())
            .map_err(|e| StoreError::from_sql(&self.connection, e))
    }

    /// Stores what looking into a bundle brought; without a list it is known that it was looked into.
    ///
    /// # Errors
    /// As above.
    pub fn bundle_looked(
        &mut self,
        source: SourceName,
        bundle: &UnseenBundle,
        list: Option<DeclaredList>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let now = stored_time(now);
        let lists: Vec<DeclaredList> = list.into_iter().filter(|list| !list.is_empty()).collect();
        self.write(|tx| {
            let record = (source.as_str(), bundle.name.as_str(), bundle.version.as_str());
            replace(tx, record, Some(&bundle.key), &lists, &now)
                .and_then(|()| tx.execute(LOOKED, params![bundle.key, now]).map(drop))
                .map_err(|e| StoreError::from_sql(tx, e))
        })
    }
}

/// What is as it was keeps the time at which it was read first. With a bundle's key its lists alone are touched, without one
/// all others.
/// What a package's own manifests declare, within a transaction.
pub(super) fn own_lists(
    tx: &Transaction<'_>,
    server: &ServerKey,
    lists: &[DeclaredList],
    now: &str,
) -> rusqlite::Result<()> {
    replace(tx, (OWN, &server.to_string(), ""), None, lists, now)
}

fn replace(
    tx: &Transaction<'_>,
    (source, name, version): (&str, &str, &str),
    bundle: Option<&str>,
    lists: &[DeclaredList],
    now: &str,
) -> rusqlite::Result<()> {
    let of = |row: &Row<'_>| -> rusqlite::Result<(i64, [String; 4])> {
        let text = |column: &str| row.get::<_, String>(column);
        Ok((row.get("id")?, [text("about")?, text("declared_by")?, text("place")?, text("hash")?]))
    };
    let stored: Vec<(i64, [String; 4])> = tx
        .prepare_cached(OF_RECORD)?
        .query_map(params![source, name, version, bundle.is_some()], of)?
        .collect::<rusqlite::Result<_>>()?;
    let form = |list: &DeclaredList| {
        [list.about.clone(), list.by.as_str().to_owned(), list.place.clone(), list.hash.clone()]
    };
    let wanted: Vec<[String; 4]> = lists.iter().map(form).collect();
    for (id, known) in &stored {
        let touched = bundle.is_none_or(|key| key == known[0]);
        if touched && !wanted.contains(known) {
            tx.prepare_cached(FORGET)?.execute([id])?;
        }
    }
    for (list, form) in lists.iter().zip(&wanted) {
        if stored.iter().any(|(_, known)| known == form) {
            continue;
        }
        let id: i64 = tx.prepare_cached(ADD)?.query_row(
            params![
                list.about,
                list.by.as_str(),
                source,
                name,
                version,
                list.place,
                list.hash,
                list.grows,
                now
            ],
            |row| row.get(0),
        )?;
        for (kind, entries) in [("tool", &list.tools), ("prompt", &list.prompts)] {
            let mut add = tx.prepare_cached(ADD_ENTRY)?;
            for (position, entry) in (0i64..).zip(entries) {
                add.execute(params![id, kind, position, entry.name, entry.description])?;
            }
        }
    }
    Ok(())
}

/// The lists that were declared of a candidate by `until` and still stand, by where they stand.
///
/// # Errors
/// [`StoreError`].
pub fn declared_lists(
    connection: &Connection,
    about: &str,
    until: Option<Timestamp>,
) -> Result<Vec<StoredDeclared>, StoreError> {
    let sql = format!(
        "{LISTS} WHERE d.about = ?1 AND d.read_at <= ?2 AND {STANDS} ORDER BY d.declared_by, d.source, d.place, d.name, d.version, d.hash, d.id"
    );
    let until = stored_time(until.unwrap_or(Timestamp::MAX));
    let read = || -> rusqlite::Result<Vec<StoredDeclared>> {
        let mut statement = connection.prepare_cached(&sql)?;
        let mut rows = statement.query(params![about, until])?;
        let mut all = Vec::new();
        while let Some(row) = rows.next()? {
            all.push(stored(connection, row)?);
        }
        Ok(all)
    };
    read().map_err(|e| StoreError::from_sql(connection, e))
}

fn stored(connection: &Connection, row: &Row<'_>) -> rusqlite::Result<StoredDeclared> {
    let id: i64 = row.get("id")?;
    let entries = |kind: &str| -> rusqlite::Result<Vec<DeclaredEntry>> {
        let read = |row: &Row<'_>| {
            Ok(DeclaredEntry { name: row.get("name")?, description: row.get("description")? })
        };
        connection.prepare_cached(ENTRIES)?.query_map(params![id, kind], read)?.collect()
    };
    let source: String = row.get("source")?;
    Ok(StoredDeclared {
        list: DeclaredList {
            about: row.get("about")?,
            by: word(row, "declared_by")?,
            place: row.get("place")?,
            hash: row.get("hash")?,
            grows: row.get("grows")?,
            tools: entries("tool")?,
            prompts: entries("prompt")?,
        },
        source: source.parse().ok(),
        name: row.get("name")?,
        read_at: time(row, "read_at")?,
    })
}

/// Everything that lists were declared of by `until`, by key; `with_private`: also servers that are kept off a public site.
///
/// # Errors
/// [`StoreError`].
pub fn declared_servers(
    connection: &Connection,
    until: Option<Timestamp>,
    with_private: bool,
) -> Result<Vec<DeclaredServer>, StoreError> {
    let sql = format!(
        "{ABOUT} WHERE d.read_at <= ?1 AND {STANDS}
         AND (?2 OR NOT EXISTS (SELECT 1 FROM servers s WHERE s.key = d.about AND s.visibility = 'private'))
         ORDER BY d.about, record"
    );
    let read = |row: &Row<'_>| {
        Ok(DeclaredServer {
            about: row.get("about")?,
            obstacle: maybe_word(row, "obstacle")?,
            missing: row.get("missing")?,
            record: row.get("record")?,
        })
    };
    let until = stored_time(until.unwrap_or(Timestamp::MAX));
    let found: rusqlite::Result<Vec<DeclaredServer>> = connection
        .prepare_cached(&sql)
        .and_then(|mut statement| statement.query_map(params![until, with_private], read)?.collect());
    let mut found = found.map_err(|e| StoreError::from_sql(connection, e))?;
    // Several records may name one thing: the first of them speaks.
    found.dedup_by(|later, first| later.about == first.about);
    Ok(found)
}
