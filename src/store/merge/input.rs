//! A database from elsewhere: opened for reading alone, and looked through before anything of it is taken.
//!
//! Whoever wrote the file may have written anything. Its tables must be this program's own, SQLite must find it whole, each word and
//! shape must be one that is read back without an error, and what is named by a hash must have it. Verdicts and corrections are
//! believed: they say what somebody's rules, or somebody, said.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use rusqlite::types::Value;
use rusqlite::{Connection, Row};

use super::super::overrides::correction;
use super::super::rows::{json, maybe_json, time, word};
use super::super::{Store, StoreError, open, probes, rule_sets, stored_time};
use crate::model::digest::sha256_hex;
use crate::model::identity::{PackageFacts, ProvenanceSaid};
use crate::model::sign::Sign;
use crate::model::{Outcome, ServerKey, ToolDefinition};

/// Tables, indexes, triggers and views; SQLite's own are made by it.
const SHAPE: &str = "
    SELECT type, name, tbl_name, sql FROM sqlite_schema WHERE name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY type, name";
const QUICK_CHECK: &str = "PRAGMA quick_check(1)";

/// Looks at one row of a query.
type Look = fn(&Row<'_>) -> rusqlite::Result<bool>;

/// Queries whose every row must be one that this program could have written.
const LOOKS: &[(&str, &str, Look)] = &[
    ("servers", "SELECT key, registry, name, first_seen FROM servers ORDER BY key", |row| {
        let key: ServerKey = word(row, "key")?;
        let is_of = row.get_ref("registry")?.as_str()? == key.registry().as_str();
        let is_spelled = row.get_ref("key")?.as_str()? == key.to_string();
        let is_named = row.get_ref("name")?.as_str()? == key.name();
        Ok(is_spelled && is_named && is_of && is_time(row, "first_seen")?)
    }),
    ("releases", "SELECT published_at, first_seen FROM releases ORDER BY id", |row| {
        Ok(is_maybe_time(row, "published_at")? && is_time(row, "first_seen")?)
    }),
    (
        "probes",
        "SELECT outcome, marks, started_at, finished_at FROM probes WHERE finished_at IS NOT NULL ORDER BY id",
        |row| {
            let (_, _): (Outcome, Vec<String>) = (word(row, "outcome")?, json(row, "marks")?);
            Ok(is_time(row, "started_at")? && is_time(row, "finished_at")?)
        },
    ),
    ("attempts", probes::EVERY_ATTEMPT, |row| probes::attempt(row).map(|_| true)),
    (
        "definitions",
        "SELECT hash, name, title, description, canonical, first_seen FROM definitions ORDER BY hash",
        |row| {
            let canonical = row.get_ref("canonical")?.as_str()?;
            let Ok(tool) = ToolDefinition::from_json(canonical) else { return Ok(false) };
            let text = |column: &str| row.get::<_, Option<String>>(column);
            Ok(row.get_ref("hash")?.as_str()? == tool.hash().as_str()
                && canonical == tool.canonical()
                && text("name")?.as_deref() == Some(tool.name())
                && text("title")?.as_deref() == tool.title()
                && text("description")?.as_deref() == tool.description()
                && is_time(row, "first_seen")?)
        },
    ),
    ("raw_tools", "SELECT sha256, bytes FROM raw_tools ORDER BY sha256", |row| {
        Ok(sha256_hex(row.get_ref("bytes")?.as_blob()?) == row.get_ref("sha256")?.as_str()?)
    }),
    ("rule_sets", "SELECT first_used FROM rule_sets ORDER BY hash", |row| is_time(row, "first_used")),
    ("rule_set_uses", "SELECT used_at FROM rule_set_uses ORDER BY id", |row| is_time(row, "used_at")),
    (
        "verdicts",
        "SELECT class, risk, signals, confidence, needs_review, evidence, made_at FROM verdicts
         ORDER BY definition_hash, rule_set_hash",
        |row| Ok(rule_sets::verdict(row)?.is_some() && is_time(row, "made_at")?),
    ),
    (
        "overrides",
        "SELECT server_key AS server, tool, definition_hash, class, risk, signals, who, why, made_at FROM overrides ORDER BY id",
        |row| {
            correction(row)?;
            is_time(row, "made_at")
        },
    ),
    ("candidate_signs", "SELECT DISTINCT sign FROM candidate_signs ORDER BY sign", |row| {
        word::<Sign>(row, "sign").map(|_| true)
    }),
    (
        "listings",
        "SELECT first_seen, changed_at, gone_at FROM listings ORDER BY source, name, version",
        |row| {
            Ok(is_time(row, "first_seen")? && is_time(row, "changed_at")? && is_maybe_time(row, "gone_at")?)
        },
    ),
    ("declared_lists", "SELECT read_at FROM declared_lists ORDER BY id", |row| is_time(row, "read_at")),
    ("package_facts", "SELECT facts FROM package_facts ORDER BY key", |row| {
        json::<PackageFacts>(row, "facts").map(|_| true)
    }),
    ("version_names", "SELECT names FROM version_names ORDER BY key, version", |row| {
        maybe_json::<Vec<String>>(row, "names").map(|names| names.is_some())
    }),
    ("provenances", "SELECT said FROM provenances ORDER BY key, version", |row| {
        json::<ProvenanceSaid>(row, "said").map(|_| true)
    }),
];

/// A time in the one spelling, so that text order is time order.
fn is_time(row: &Row<'_>, column: &str) -> rusqlite::Result<bool> {
    Ok(row.get_ref(column)?.as_str()? == stored_time(time(row, column)?))
}

fn is_maybe_time(row: &Row<'_>, column: &str) -> rusqlite::Result<bool> {
    if row.get::<_, Option<String>>(column)?.is_none() { Ok(true) } else { is_time(row, column) }
}

/// A database that is to be merged, checked, at one snapshot.
#[derive(Debug)]
pub struct Input {
    path: PathBuf,
    connection: Connection,
}

impl Input {
    /// Opens a database and looks through all of it.
    ///
    /// # Errors
    /// As [`Store::open_read_only`]; [`StoreError::Strange`] for what this program would not have written.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let connection = Store::open_read_only(path)?;
        let at = |e| StoreError::at(path.to_owned(), e);
        connection.pragma_update(None, "trusted_schema", false).map_err(at)?;
        connection.pragma_update(None, "cell_size_check", true).map_err(at)?;
        connection.execute_batch("BEGIN").map_err(at)?;
        let input = Self { path: path.to_owned(), connection };
        input.check()?;
        Ok(input)
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn check(&self) -> Result<(), StoreError> {
        let theirs = |e| self.refused(e);
        let known = open::fresh().and_then(|fresh| shape(&fresh)).map_err(theirs)?;
        let found = shape(&self.connection).map_err(theirs)?;
        for (what, made) in &known {
            if found.get(what) != Some(made) {
                return Err(self.strange(format!("its {} {} is not this program's", what.0, what.1)));
            }
        }
        let said: String = self.connection.query_row(QUICK_CHECK, [], |row| row.get(0)).map_err(theirs)?;
        if said != "ok" {
            return Err(self.strange(format!("SQLite finds it damaged: {said}")));
        }
        for (table, query, look) in LOOKS {
            let mut statement = self.connection.prepare(query).map_err(theirs)?;
            let mut rows = statement.query([]).map_err(theirs)?;
            let mut number = 0_u64;
            while let Some(row) = rows.next().map_err(theirs)? {
                number += 1;
                // A value of another type is as strange as a word that nobody knows.
                if !look(row).unwrap_or(false) {
                    return Err(self
                        .strange(format!("{table}, row {number} in order, cannot have been stored by it")));
                }
            }
        }
        Ok(())
    }

    /// Hands the values of each row of a query to `take`.
    pub(super) fn each(
        &self,
        query: &str,
        parameters: impl rusqlite::Params,
        mut take: impl FnMut(Vec<Value>) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        self.rows(query, parameters, |row| {
            let width = row.as_ref().column_count();
            take(
                (0..width)
                    .map(|at| row.get(at))
                    .collect::<rusqlite::Result<_>>()
                    .map_err(|e| self.refused(e))?,
            )
        })
    }

    /// Hands each row of a query to `take`.
    pub(super) fn rows(
        &self,
        query: &str,
        parameters: impl rusqlite::Params,
        mut take: impl FnMut(&Row<'_>) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let theirs = |e| self.refused(e);
        let mut statement = self.connection.prepare_cached(query).map_err(theirs)?;
        let mut rows = statement.query(parameters).map_err(theirs)?;
        while let Some(row) = rows.next().map_err(theirs)? {
            take(row)?;
        }
        Ok(())
    }

    pub(super) fn connection(&self) -> &Connection {
        &self.connection
    }

    pub(super) fn refused(&self, error: rusqlite::Error) -> StoreError {
        StoreError::at(self.path.clone(), error)
    }

    /// What is said of a row that our own tables do not take, or of our own database's troubles.
    pub(super) fn not_taken(&self, connection: &Connection, error: rusqlite::Error) -> StoreError {
        match error.sqlite_error_code() {
            Some(rusqlite::ErrorCode::ConstraintViolation) => self.strange(error.to_string()),
            _ => StoreError::from_sql(connection, error),
        }
    }

    fn strange(&self, what: String) -> StoreError {
        StoreError::Strange { path: self.path.clone(), what }
    }
}

type Shape = BTreeMap<(String, String), (String, Option<String>)>;

fn shape(connection: &Connection) -> rusqlite::Result<Shape> {
    let read = |row: &Row<'_>| Ok(((row.get(0)?, row.get(1)?), (row.get(2)?, row.get(3)?)));
    connection.prepare(SHAPE)?.query_map([], read)?.collect()
}
