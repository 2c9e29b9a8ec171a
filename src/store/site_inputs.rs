//! What the pages of one server are made from, cheaply: enough to see that nothing of it changed, and its tools in short.
//!
//! Row numbers take no part: the same catalogue in another order, or in another file, gives the same bytes.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use rusqlite::types::ValueRef;
use rusqlite::{Connection, OptionalExtension};
use serde::Deserialize;

use super::rows::{read_json, read_word, time};
use super::site::SiteServer;
use super::stored_tool::{COLUMNS, StoredTool, stored_tool_columns};
use super::{StoreError, stored_time};
use crate::model::{Class, DefinitionHash, Risk, Signal};

const PROBE: &str = "
    SELECT p.outcome, p.detail, p.sandbox, p.memory_bound, p.transport, p.chosen_attempt, p.protocol, p.server_info, p.interpreter, p.pages,
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
const TOOLS_IN_SHORT: &str = concat!(
    "SELECT ",
    stored_tool_columns!(),
    ", d.name AS name, substr(d.description, 1, ?3) AS description, substr(d.title, 1, 200) AS title
    FROM probe_tools t JOIN definitions d ON d.hash = t.definition_hash
    LEFT JOIN verdicts v ON v.definition_hash = d.hash AND v.rule_set_hash = ?2
    WHERE t.probe_id = ?1 ORDER BY t.position"
);
/// Of definitions that private servers listed before any public one.
// From the private servers on, of which most catalogues have none: CROSS JOIN keeps that order. Source: SQLite, "The query optimizer".
const SEEN_IN_PUBLIC: &str = "
    SELECT d.hash AS hash, min(p.finished_at) AS first_seen
    FROM servers o CROSS JOIN releases ro ON ro.server_id = o.id CROSS JOIN probes po ON po.release_id = ro.id
    CROSS JOIN probe_tools listed ON listed.probe_id = po.id CROSS JOIN definitions d ON d.hash = listed.definition_hash
    CROSS JOIN probe_tools t ON t.definition_hash = d.hash CROSS JOIN probes p ON p.id = t.probe_id AND p.finished_at IS NOT NULL
    CROSS JOIN releases r ON r.id = p.release_id CROSS JOIN servers s ON s.id = r.server_id AND s.visibility = 'public'
    WHERE o.visibility <> 'public'
    GROUP BY d.hash HAVING min(p.finished_at) > d.first_seen ORDER BY d.hash";
const CORRECTED: &str = "SELECT DISTINCT server_key FROM overrides WHERE made_at <= ?1 ORDER BY server_key";
const HAS_IDENTITY: &str = "
    SELECT EXISTS (SELECT 1 FROM identity_links) OR EXISTS (SELECT 1 FROM identity_findings)
      OR EXISTS (SELECT 1 FROM project_members)";
const IDENTITY: &str = "SELECT digest FROM identity_state WHERE only = 1";
const IDENTITY_EDITS: &str = "SELECT token FROM identity_edits WHERE only = 1";
const EDITS: &str = "SELECT token FROM site_edits WHERE only = 1";

/// One tool of an answer in short, and its definition where that is wanted.
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
    /// The stored verdict in short; None: nobody has judged it under these rules.
    pub verdict: Option<ShortVerdict>,
    /// Its definition as canonical JSON, where nobody has judged it, where it has annotations, or where it was asked for.
    pub canonical: Option<String>,
    /// What the rules found in it as it is stored, where that was asked for; see [`found`].
    pub evidence: Option<String>,
}

/// One piece of stored evidence in short. What is not looked at is not read.
#[derive(Debug, Deserialize)]
pub struct StoredFinding<'a> {
    /// The rule's id.
    #[serde(borrow)]
    pub rule: Cow<'a, str>,
    /// JSON pointer into the definition.
    #[serde(borrow)]
    pub field: Cow<'a, str>,
    effect: StoredEffect,
}

#[derive(Debug, Deserialize)]
struct StoredEffect {
    #[serde(default)]
    signal: Option<Signal>,
}

impl StoredFinding<'_> {
    /// The signal it raises.
    pub fn signal(&self) -> Option<Signal> {
        self.effect.signal
    }
}

/// Reads stored evidence of that database in short.
///
/// # Errors
/// [`StoreError`], where somebody altered what is stored.
pub fn found<'a>(database: &Path, evidence: &'a str) -> Result<Vec<StoredFinding<'a>>, StoreError> {
    read_json("evidence", evidence).map_err(|e| StoreError::at(database.to_owned(), e))
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

/// The tools a probe saw in short, in the order the server lists them, with so many characters of each description. `looks` says
/// of a name, a definition's hash and its stored verdict whether the definition is wanted, and what the rules found in it. `whole` is given
/// all of each.
///
/// # Errors
/// [`StoreError`].
pub fn tools_in_short(
    db: &Connection,
    probe: i64,
    rule_set: &str,
    description: usize,
    looks: impl Fn(&str, &DefinitionHash, &ShortVerdict) -> bool,
    mut whole: impl FnMut(&StoredTool<'_>),
) -> Result<Vec<ShortTool>, StoreError> {
    let mut read = || -> rusqlite::Result<Vec<ShortTool>> {
        let mut statement = db.prepare_cached(TOOLS_IN_SHORT)?;
        let characters = i64::try_from(description).unwrap_or(i64::MAX);
        // Columns are counted as they stand in `TOOLS_IN_SHORT`.
        let rows = statement.query_map(rusqlite::params![probe, rule_set, characters], |row| {
            let stored = StoredTool::of(row)?;
            whole(&stored);
            let verdict = stored.verdict.as_ref().map(|verdict| {
                Ok::<_, rusqlite::Error>(ShortVerdict {
                    class: read_word("class", verdict.class)?,
                    risk: read_word("risk", verdict.risk)?,
                    signals: read_json("signals", verdict.signals)?,
                    needs_review: verdict.needs_review,
                })
            });
            let verdict = verdict.transpose()?;
            let hash = DefinitionHash::stored(stored.hash.to_owned());
            let name: String = row.get(COLUMNS)?;
            let is_wanted = verdict.as_ref().is_some_and(|verdict| looks(&name, &hash, verdict));
            let is_read = is_wanted || verdict.is_none() || has_annotations(stored.canonical);
            Ok(ShortTool {
                description: row.get::<_, Option<String>>(COLUMNS + 1)?.unwrap_or_default(),
                title: row.get::<_, Option<String>>(COLUMNS + 2)?.unwrap_or_default(),
                canonical: is_read.then(|| stored.canonical.to_owned()),
                evidence: stored.verdict.filter(|_| is_wanted).map(|verdict| verdict.evidence.to_owned()),
                hash,
                name,
                verdict,
            })
        })?;
        rows.collect()
    };
    read().map_err(|e| StoreError::from_sql(db, e))
}

/// True for every definition with annotations, and for some without.
fn has_annotations(canonical: &str) -> bool {
    memchr::memmem::find(canonical.as_bytes(), b"\"annotations\":").is_some()
}

/// When a public server was first seen to list each definition that a private one listed before, by its hash: what is stored with the
/// definition is the time of the private one.
///
/// # Errors
/// [`StoreError`].
pub fn first_seen_in_public(db: &Connection) -> Result<BTreeMap<String, jiff::Timestamp>, StoreError> {
    db.prepare_cached(SEEN_IN_PUBLIC)
        .and_then(|mut statement| {
            statement.query_map([], |row| Ok((row.get("hash")?, time(row, "first_seen")?)))?.collect()
        })
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

/// Another one whenever something of who is who came, went or changed, or a server came, went or was hidden; None: nobody kept count.
///
/// # Errors
/// [`StoreError`].
pub fn identity_token(db: &Connection) -> Result<Option<Vec<u8>>, StoreError> {
    db.query_row(IDENTITY_EDITS, [], |row| row.get(0)).optional().map_err(|e| StoreError::from_sql(db, e))
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

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use jiff::Timestamp;

    use super::*;
    use crate::store::site::Audience;
    use crate::store::{exposure, identity, open, site, site_history};

    /// Two public servers and a private one, with two answers each, everything that is stored of them, and who they are.
    const ROWS: &str = r#"
        INSERT INTO rule_sets VALUES ('rules', '2026-01-01T00:00:00Z');
        WITH n(i, key, seen) AS (VALUES (1, 'npm:a', 'public'), (2, 'npm:b', 'public'), (3, 'npm:c', 'private'))
        INSERT INTO servers (id, key, registry, name, visibility, first_seen) SELECT i, key, 'npm', substr(key, 5), seen, '2026-01-01T00:00:00Z' FROM n;
        INSERT INTO releases SELECT 10 * id, id, '1.0', 'pkg:x', '2026-01-01T00:00:00Z', 'T', 'D', 'https://r', 'https://h', 'MIT',
          '2026-01-01T00:00:00Z' FROM servers;
        WITH n(i) AS (VALUES (0), (1))
        INSERT INTO definitions SELECT 'hash' || i, 'tool' || i, 't', 'd', '{"name":"tool' || i || '"}', '2026-01-01T00:00:00Z' FROM n;
        INSERT INTO raw_tools VALUES ('raw', x'00');
        INSERT INTO verdicts SELECT hash, 'rules', 'read', 'low', '[]', 1.0, 0, '[]', '2026-01-01T00:00:00Z' FROM definitions;
        WITH n(i) AS (VALUES (1), (2))
        INSERT INTO probes (id, release_id, scanner_schema, started_at, finished_at, outcome, detail, sandbox, transport, chosen_attempt,
          protocol, server_info, capabilities, instructions, interpreter, pages, noise_lines, marks, memory_bound)
        SELECT r.id + i, r.id, 1, '2026-02-0' || i || 'T00:00:00Z', '2026-02-0' || i || 'T00:01:00Z', 'ok', 'x', 'bwrap', 'stdio', 0,
          '2025-11-25', '{}', '{}', 'i', 'node', 1, 0, '[]', 'cgroup' FROM releases r, n;
        INSERT INTO attempts SELECT id, 0, 'bare', '[]', '[]', '{}', '2026-01-01', '[]', 'ok', 'x', 1, started_at, 5, 'log' FROM probes;
        INSERT INTO probe_tools SELECT id, 0, CASE WHEN id % 10 = 1 THEN 'hash0' ELSE 'hash1' END, 'raw', NULL FROM probes;
        INSERT INTO identity_links VALUES ('npm:a', 'npm:b', 'package', 'claimed', 'x', NULL);
        INSERT INTO project_members VALUES ('npm:a', 'npm:a'), ('npm:b', 'npm:a');
        INSERT INTO identity_findings VALUES ('npm:a', 'copied', 'npm:b', 'x');
        INSERT INTO identity_state VALUES (1, 'digest', '2026-01-01T00:00:00Z');
    "#;

    /// Of each server that is shown: its stamp, and everything that its pages are made of.
    fn read(db: &Connection) -> Result<BTreeMap<String, (String, String)>, StoreError> {
        let as_of: Timestamp = "2026-03-01T00:00:00Z".parse().unwrap();
        let of_identity = (identity_digest(db)?, identity_token(db)?, edits(db)?);
        let mut all = BTreeMap::new();
        for server in site::servers(db, as_of, Audience::Everyone)? {
            let key = server.key.to_string();
            let shown = server.answer.unwrap_or(server.newest);
            let mut rows = Vec::new();
            feed_server(db, &server, &mut rows)?;
            let pages = format!(
                "{rows:?} {:?} {:?} {:?} {:?} {:?} {:?} {:?}",
                site::probe(db, shown)?,
                site::probe(db, server.newest)?,
                site::attempts(db, shown)?,
                site::tools(db, shown, "rules")?,
                site_history::history(db, shown, "rules")?,
                exposure::earlier_answers(db, &server, as_of)?,
                identity::site_identity(db, &key)?,
            );
            let stamp = format!(
                "{:?} {:?} {} {} {of_identity:?}",
                server.token, server.answer, server.newest, server.answers
            );
            all.insert(key, (stamp, pages));
        }
        Ok(all)
    }

    /// Values that a column of a row may get instead; what does not fit is refused by the database or by who reads it.
    const OTHERS: &[&str] = &[
        "NULL",
        "{} || 'x'",
        "{} + 1",
        "'private'",
        "'timed-out'",
        "'remote'",
        "'watched'",
        "'http-sse'",
        "'[\"x\"]'",
        "'{\"name\":\"x\"}'",
        "'2026-02-01T12:00:00Z'",
        "'npm:c'",
        "'npm:z'",
        "'hash1'",
        "'look-alike'",
        "'verified'",
        "10",
        "20",
    ];

    /// Whatever somebody does to a row: where pages would show something else, the stamp is another one, so that the server is read.
    #[test]
    fn no_row_that_pages_show_changes_without_its_stamp() {
        let db = open::fresh().unwrap();
        db.execute_batch("PRAGMA foreign_keys = OFF").unwrap();
        db.execute_batch(ROWS).unwrap();
        let before = read(&db).unwrap();
        assert_eq!(before.len(), 2);
        let columns: Vec<(String, String)> = db
            .prepare(
                "SELECT t.name, c.name FROM sqlite_schema t, pragma_table_info(t.name) c
                 WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite_%' AND t.name NOT LIKE '%_edits' ORDER BY 1, 2",
            )
            .unwrap()
            .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))
            .unwrap()
            .collect::<Result<_, _>>()
            .unwrap();
        let mut seen: BTreeSet<String> = BTreeSet::new();
        // True if pages show it.
        let mut is_shown = |what: &str, change: &str| {
            db.execute_batch("SAVEPOINT change").unwrap();
            let changed = db.execute_batch(change).ok().and_then(|()| read(&db).ok()).unwrap_or_default();
            db.execute_batch("ROLLBACK TO change; RELEASE change").unwrap();
            let mut shown = false;
            for (key, (stamp, pages)) in &changed {
                let Some((stamp_before, pages_before)) = before.get(key) else { continue };
                if pages != pages_before {
                    assert_ne!(stamp, stamp_before, "{key}: {change}");
                    shown = true;
                }
            }
            if shown {
                seen.insert(what.to_owned());
            }
            shown
        };
        for (table, column) in &columns {
            let counted = db.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0));
            let own: Vec<&str> =
                columns.iter().filter(|(of, _)| of == table).map(|(_, column)| column.as_str()).collect();
            let first = own.first() == Some(&column.as_str());
            let own = own.join(", ");
            for row in 0..std::cmp::min(6, counted.unwrap()) {
                // Some tables have no row numbers: a row is known by what stands in all of its columns.
                let chosen =
                    format!("({own}) IS (SELECT {own} FROM {table} ORDER BY {own} LIMIT 1 OFFSET {row})");
                let update = |other: &&str| {
                    format!("UPDATE {table} SET {column} = {} WHERE {chosen}", other.replace("{}", column))
                };
                let what = format!("{table}.{column}");
                let _ = OTHERS.iter().any(|other| is_shown(&what, &update(other)));
                if first {
                    is_shown(&format!("{table} gone"), &format!("DELETE FROM {table} WHERE {chosen}"));
                }
            }
        }
        for (table, rows) in [
            (
                "attempts",
                "VALUES (12, 1, 'bare', '[]', '[]', '{}', NULL, '[]', 'ok', 'x', 1, '2026-01-01T00:00:00Z', 5, 'log')",
            ),
            ("probe_tools", "VALUES (12, 1, 'hash0', 'raw', NULL)"),
            (
                "probes",
                "(id, release_id, scanner_schema, started_at, finished_at, outcome)
                 VALUES (99, 10, 1, '2026-02-09T00:00:00Z', '2026-02-09T00:00:00Z', 'timed-out')",
            ),
            ("identity_links", "VALUES ('npm:b', 'npm:z', 'package', 'claimed', 'x', NULL)"),
            ("identity_findings", "VALUES ('npm:b', 'copied', 'npm:z', 'x')"),
            ("project_members", "VALUES ('npm:z', 'npm:a')"),
        ] {
            is_shown(&format!("{table} more"), &format!("INSERT INTO {table} {rows}"));
        }
        assert_eq!(read(&db).unwrap(), before);
        // These were tried and shown: else the test would ask nothing.
        for column in [
            "servers.visibility",
            "releases.title",
            "releases.version",
            "probes.outcome",
            "probes.memory_bound",
            "probes.release_id",
            "attempts.log_tail",
            "attempts gone",
            "attempts more",
            "probe_tools.definition_hash",
            "probe_tools gone",
            "probe_tools more",
            "definitions.canonical",
            "verdicts.needs_review",
            "identity_links.evidence",
            "identity_links gone",
            "identity_links more",
            "identity_findings gone",
            "identity_findings more",
            "project_members gone",
            "project_members more",
            "probes gone",
        ] {
            assert!(seen.contains(column), "{column}: {seen:?}");
        }
    }

    #[test]
    fn a_probe_under_way_leaves_the_stamp_and_its_end_does_not() {
        let db = open::fresh().unwrap();
        db.execute_batch(ROWS).unwrap();
        let token = || -> Vec<u8> {
            db.query_row("SELECT token FROM server_edits WHERE server_id = 1", [], |row| row.get(0)).unwrap()
        };
        let before = token();
        let begin = "
            INSERT INTO probes (id, release_id, scanner_schema, started_at) VALUES (99, 10, 1, '2026-02-09T00:00:00Z');
            INSERT INTO attempts VALUES (99, 0, 'bare', '[]', '[]', '{}', NULL, '[]', 'ok', 'x', 1, '2026-01-01T00:00:00Z', 5, 'log');
            INSERT INTO probe_tools VALUES (99, 0, 'hash0', 'raw', NULL)";
        db.execute_batch(begin).unwrap();
        assert_eq!(token(), before);
        db.execute_batch(
            "UPDATE probes SET outcome = 'ok', finished_at = '2026-02-09T00:00:00Z' WHERE id = 99",
        )
        .unwrap();
        assert_ne!(token(), before);
    }
}
