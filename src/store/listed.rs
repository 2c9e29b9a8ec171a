//! The corrections of `data/overrides.toml` in the database, so that views, pages and policies show one verdict.
//!
//! A command that writes stores what the file holds and the table lacks, and marks what the file no longer holds
//! (`listed` = 0); nothing is deleted. A command that only reads does the same to a copy of the table that lives and
//! ends with its connection: temporary views of the same names then stand before the stored ones, so every
//! query sees what the next command that writes will have stored.

use std::collections::BTreeSet;

use rusqlite::Connection;

use super::overrides::{Override, correction, insert, is_stored};
use super::{Store, StoreError, stored_time};

const FROM_FILE: &str = "
    SELECT id, server_key AS server, tool, definition_hash, class, risk, signals, who, why, made_at, listed
    FROM overrides WHERE origin = 'file' ORDER BY id";

const SET_LISTED: &str = "UPDATE overrides SET listed = ?2 WHERE id = ?1";

const SHAPE: &str = "
    SELECT type, sql FROM main.sqlite_schema
    WHERE type = 'view' OR (type = 'table' AND name = 'overrides') ORDER BY type, rowid";

const COPY: &str = "INSERT INTO temp.overrides SELECT * FROM main.overrides ORDER BY id";

const COPY_INDEX: &str =
    "CREATE INDEX temp.overrides_by_tool ON overrides (server_key, tool, definition_hash, made_at, id)";

/// What has to change so that the table says what the file says.
#[derive(Debug, Default)]
struct Difference {
    new: Vec<Override>,
    /// Rows whose mark changes, and to what.
    marks: Vec<(i64, bool)>,
}

impl Store {
    /// Brings the table in step with the file. Returns how many rows were added or marked.
    ///
    /// # Errors
    /// [`StoreError`]; then nothing is changed.
    pub fn list_overrides(&mut self, file: &[Override]) -> Result<usize, StoreError> {
        let differs = difference(self.connection(), file)
            .map_err(|e| StoreError::from_sql(&self.connection, e))?
            .is_some();
        if !differs {
            return Ok(0);
        }
        self.write(|tx| step(tx, file).map_err(|e| StoreError::from_sql(tx, e)))
    }
}

/// Shows `connection`, which only reads, the database as it would be in step with the file.
///
/// # Errors
/// [`StoreError`].
pub fn overlay_overrides(connection: &Connection, file: &[Override]) -> Result<(), StoreError> {
    overlay(connection, file).map_err(|e| StoreError::from_sql(connection, e))
}

fn overlay(connection: &Connection, file: &[Override]) -> rusqlite::Result<()> {
    if difference(connection, file)?.is_none() {
        return Ok(());
    }
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    let shape: Vec<String> = connection
        .prepare(SHAPE)?
        .query_map([], |row| {
            let (kind, sql): (String, String) = (row.get("type")?, row.get("sql")?);
            let create = format!("CREATE {} ", kind.to_uppercase());
            Ok(sql.replacen(&create, &format!("CREATE TEMP {} ", kind.to_uppercase()), 1))
        })?
        .collect::<rusqlite::Result<_>>()?;
    for sql in shape {
        connection.execute_batch(&sql)?;
    }
    connection.execute_batch(COPY)?;
    connection.execute_batch(COPY_INDEX)?;
    // Temporary tables come before stored ones of the same name.
    step(connection, file).map(|_| ())
}

fn step(connection: &Connection, file: &[Override]) -> rusqlite::Result<usize> {
    let Some(difference) = difference(connection, file)? else { return Ok(0) };
    for (id, listed) in &difference.marks {
        connection.prepare_cached(SET_LISTED)?.execute((id, listed))?;
    }
    for correction in &difference.new {
        insert(connection, correction, "file")?;
    }
    Ok(difference.marks.len() + difference.new.len())
}

fn difference(connection: &Connection, file: &[Override]) -> rusqlite::Result<Option<Difference>> {
    let wanted: BTreeSet<Override> = file.iter().map(as_stored).collect();
    let mut stored = BTreeSet::new();
    let mut difference = Difference::default();
    let mut statement = connection.prepare(FROM_FILE)?;
    let rows = statement.query_map([], |row| {
        Ok((row.get::<_, i64>("id")?, row.get::<_, bool>("listed")?, correction(row)?))
    })?;
    for row in rows {
        let (id, listed, said) = row?;
        if wanted.contains(&said) != listed {
            difference.marks.push((id, !listed));
        }
        stored.insert(said);
    }
    for entry in wanted {
        // What was made here and then exported is here already.
        if !stored.contains(&entry) && !is_stored(connection, &entry)? {
            difference.new.push(entry);
        }
    }
    Ok(Some(difference).filter(|d| !d.new.is_empty() || !d.marks.is_empty()))
}

/// Times are kept to the millisecond.
fn as_stored(entry: &Override) -> Override {
    let made_at = stored_time(entry.made_at).parse().unwrap_or(entry.made_at);
    Override { made_at, ..entry.clone() }
}
