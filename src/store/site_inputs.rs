//! What the pages of one server are made from, cheaply: enough to see that nothing of it changed, and its tools in short.
//!
//! Row numbers take no part: the same catalogue in another order, or in another file, gives the same bytes.

use std::collections::BTreeSet;

use rusqlite::types::ValueRef;
use rusqlite::{Connection, OptionalExtension};

use super::rows::{json, maybe_word, word};
use super::site::SiteServer;
use super::{StoreError, stored_time};
use crate::model::{Class, DefinitionHash, Risk, Signal};

const PROBE: &str = "
    SELECT p.outcome, p.detail, p.sandbox, p.transport, p.chosen_attempt, p.protocol, p.server_info, p.interpreter, p.pages,
      p.noise_lines, p.marks, p.started_at, p.finished_at, r.version, r.published_at, r.title, r.description, r.repository,
      r.homepage, r.licence
    FROM probes p JOIN releases r ON r.id = p.release_id WHERE p.id = ?1 ORDER BY p.id";
const ATTEMPTS: &str = "
    SELECT rung, command, args, env, dependencies_as_of, extras, outcome, detail, tools, started_at, millis, log_tail
    FROM attempts WHERE probe_id = ?1 ORDER BY position";
const TOOL_HASHES: &str = "SELECT definition_hash FROM probe_tools WHERE probe_id = ?1 ORDER BY position";
const EARLIER: &str = "
    SELECT p.finished_at, r.version, t.definition_hash
    FROM probes shown JOIN releases rs ON rs.id = shown.release_id
    JOIN releases r ON r.server_id = rs.server_id
    JOIN probes p ON p.release_id = r.id AND p.outcome = 'ok' AND p.finished_at <= shown.finished_at
    JOIN probe_tools t ON t.probe_id = p.id
    WHERE shown.id = ?1 ORDER BY p.finished_at, r.version, t.position";
const TOOLS_IN_SHORT: &str = "
    SELECT d.hash AS hash, d.name AS name, substr(d.description, 1, ?3) AS description,
      substr(d.title, 1, 200) AS title, v.class AS class, v.risk AS risk,
      v.signals AS signals, v.needs_review AS needs_review,
      CASE WHEN instr(d.canonical, '\"annotations\":') > 0 AND json_valid(d.canonical)
        THEN json_type(d.canonical, '$.annotations.readOnlyHint') END AS reads_only,
      CASE WHEN instr(d.canonical, '\"annotations\":') > 0 AND json_valid(d.canonical)
        THEN json_type(d.canonical, '$.annotations.destructiveHint') END AS destroys
    FROM probe_tools t JOIN definitions d ON d.hash = t.definition_hash
    LEFT JOIN verdicts v ON v.definition_hash = d.hash AND v.rule_set_hash = ?2
    WHERE t.probe_id = ?1 ORDER BY t.position";
const CANONICAL: &str = "SELECT canonical FROM definitions WHERE hash = ?1";
/// So much of the database is kept in memory while it is read: definitions and verdicts are found by hashes, which lie anywhere, and SQLite's
/// own 2 MiB do not hold the upper pages of their indexes.
const PAGES_KEPT_KIB: i64 = 24 << 10;
const CORRECTED: &str = "SELECT DISTINCT server_key FROM overrides WHERE made_at <= ?1 ORDER BY server_key";
const HAS_IDENTITY: &str = "
    SELECT EXISTS (SELECT 1 FROM identity_links) OR EXISTS (SELECT 1 FROM identity_findings)
      OR EXISTS (SELECT 1 FROM project_members)";
const IDENTITY: &str = "SELECT digest FROM identity_state WHERE only = 1";
const EDITS: &str = "SELECT token FROM site_edits WHERE only = 1";

/// One tool of an answer, without its definition and its evidence.
#[derive(Debug, Clone, PartialEq)]
pub struct ShortTool {
    /// Its definition's hash.
    pub hash: DefinitionHash,
    /// Its exact name.
    pub name: String,
    /// The beginning of its description.
    pub description: String,
    /// The beginning of its title; empty where it has none.
    pub title: String,
    /// What its author's hint `readOnlyHint` states.
    pub reads_only: Option<bool>,
    /// What its author's hint `destructiveHint` states.
    pub destroys: Option<bool>,
    /// The stored verdict in short; None: nobody has judged it under these rules.
    pub verdict: Option<ShortVerdict>,
}

/// A verdict without its reasons.
#[derive(Debug, Clone, PartialEq)]
pub struct ShortVerdict {
    /// What it can do.
    pub class: Class,
    /// How bad one wrong call is.
    pub risk: Risk,
    /// What was noticed.
    pub signals: Vec<Signal>,
    /// A person should look at it.
    pub needs_review: bool,
}

/// Appends everything that the database says of one server and its tools, but for what is stored under a hash.
///
/// # Errors
/// [`StoreError`].
pub fn feed_server(db: &Connection, server: &SiteServer, bytes: &mut Vec<u8>) -> Result<(), StoreError> {
    let shown = server.answer.unwrap_or(server.newest);
    let feed = |bytes: &mut Vec<u8>| -> rusqlite::Result<()> {
        bytes.push(u8::from(server.answer.is_some()));
        feed_rows(db, PROBE, shown, bytes)?;
        if shown != server.newest {
            feed_rows(db, PROBE, server.newest, bytes)?;
        }
        feed_rows(db, ATTEMPTS, shown, bytes)?;
        feed_rows(db, TOOL_HASHES, shown, bytes)?;
        if server.answers > 1 {
            feed_rows(db, EARLIER, shown, bytes)?;
        }
        Ok(())
    };
    feed(bytes).map_err(|e| StoreError::from_sql(db, e))
}

fn feed_rows(db: &Connection, query: &str, probe: i64, bytes: &mut Vec<u8>) -> rusqlite::Result<()> {
    let mut statement = db.prepare_cached(query)?;
    let columns = statement.column_count();
    let mut rows = statement.query([probe])?;
    while let Some(row) = rows.next()? {
        bytes.push(b'r');
        for column in 0..columns {
            match row.get_ref(column)? {
                ValueRef::Null => bytes.push(b'n'),
                ValueRef::Integer(value) => feed(bytes, b'i', &value.to_le_bytes()),
                ValueRef::Real(value) => feed(bytes, b'f', &value.to_bits().to_le_bytes()),
                ValueRef::Text(value) => feed(bytes, b't', value),
                ValueRef::Blob(value) => feed(bytes, b'b', value),
            }
        }
    }
    bytes.push(b'.');
    Ok(())
}

fn feed(bytes: &mut Vec<u8>, kind: u8, value: &[u8]) {
    bytes.push(kind);
    bytes.extend_from_slice(&(value.len() as u64).to_le_bytes());
    bytes.extend_from_slice(value);
}

/// The tools a probe saw in short, in the order the server lists them, with so many characters of each description.
///
/// # Errors
/// [`StoreError`].
pub fn tools_in_short(
    db: &Connection,
    probe: i64,
    rule_set: &str,
    description: usize,
) -> Result<Vec<ShortTool>, StoreError> {
    let read = || -> rusqlite::Result<Vec<ShortTool>> {
        let mut statement = db.prepare_cached(TOOLS_IN_SHORT)?;
        let characters = i64::try_from(description).unwrap_or(i64::MAX);
        let rows = statement.query_map(rusqlite::params![probe, rule_set, characters], |row| {
            let class: Option<Class> = maybe_word(row, "class")?;
            let verdict = class.map(|class| -> rusqlite::Result<ShortVerdict> {
                Ok(ShortVerdict {
                    class,
                    risk: word(row, "risk")?,
                    signals: json(row, "signals")?,
                    needs_review: row.get("needs_review")?,
                })
            });
            Ok(ShortTool {
                hash: DefinitionHash::stored(row.get::<_, String>("hash")?),
                name: row.get("name")?,
                description: row.get::<_, Option<String>>("description")?.unwrap_or_default(),
                title: row.get::<_, Option<String>>("title")?.unwrap_or_default(),
                reads_only: stated(row, "reads_only")?,
                destroys: stated(row, "destroys")?,
                verdict: verdict.transpose()?,
            })
        })?;
        rows.collect()
    };
    read().map_err(|e| StoreError::from_sql(db, e))
}

/// SQLite's word for the type of a value: only true and false are statements, as in `ToolDefinition::hint`.
fn stated(row: &rusqlite::Row<'_>, column: &str) -> rusqlite::Result<Option<bool>> {
    let word: Option<String> = row.get(column)?;
    Ok(match word.as_deref() {
        Some("true") => Some(true),
        Some("false") => Some(false),
        _ => None,
    })
}

/// A definition's canonical JSON.
///
/// # Errors
/// [`StoreError`].
pub fn canonical(db: &Connection, hash: &DefinitionHash) -> Result<String, StoreError> {
    db.prepare_cached(CANONICAL)
        .and_then(|mut statement| statement.query_row([hash.as_str()], |row| row.get(0)))
        .map_err(|e| StoreError::from_sql(db, e))
}

/// Keys of servers with corrections made by `until`; None: ever.
///
/// # Errors
/// [`StoreError`].
pub fn corrected_servers(
    db: &Connection,
    until: Option<jiff::Timestamp>,
) -> Result<BTreeSet<String>, StoreError> {
    let until = stored_time(until.unwrap_or(jiff::Timestamp::MAX));
    db.prepare_cached(CORRECTED)
        .and_then(|mut statement| statement.query_map([until], |row| row.get(0))?.collect())
        .map_err(|e| StoreError::from_sql(db, e))
}

/// The digest of what is known of who is who; None where nothing is.
///
/// # Errors
/// [`StoreError`].
pub fn identity_digest(db: &Connection) -> Result<Option<String>, StoreError> {
    let read = || -> rusqlite::Result<Option<String>> {
        if !db.query_row(HAS_IDENTITY, [], |row| row.get(0))? {
            return Ok(None);
        }
        db.query_row(IDENTITY, [], |row| row.get(0)).optional().map(Option::unwrap_or_default).map(Some)
    };
    read().map_err(|e| StoreError::from_sql(db, e))
}

/// Changes whenever a stored definition or verdict is altered, which nothing but a person's own SQL does.
///
/// # Errors
/// [`StoreError`].
pub fn edits(db: &Connection) -> Result<String, StoreError> {
    db.query_row(EDITS, [], |row| row.get(0))
        .optional()
        .map(Option::unwrap_or_default)
        .map_err(|e| StoreError::from_sql(db, e))
}

/// Everything read from here on is of one moment, whatever others write meanwhile; until [`let_go`].
///
/// # Errors
/// [`StoreError`].
pub fn hold(db: &Connection) -> Result<(), StoreError> {
    let begin = || {
        db.pragma_update(None, "cache_size", -PAGES_KEPT_KIB)?;
        db.execute_batch("BEGIN")
    };
    begin().map_err(|e| StoreError::from_sql(db, e))
}

/// Ends what [`hold`] began.
///
/// # Errors
/// [`StoreError`].
pub fn let_go(db: &Connection) -> Result<(), StoreError> {
    db.execute_batch("COMMIT").map_err(|e| StoreError::from_sql(db, e))
}
