//! What the site is made from: every SELECT of `render`, on a connection that only reads.
//!
//! Nothing here writes. Which probe speaks for a server is decided here as in the views for people: its newest answer,
//! else its newest finished probe. Rows come in an order that depends on the data alone.

use std::collections::BTreeMap;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::overrides::correction;
use super::rows::{json, maybe_word, time, word};
use super::stored_tool::{SiteTool, StoredTool, stored_tool_columns};
use super::{Override, StoreError, stored_time};
use crate::model::{DefinitionHash, MemoryBound, Outcome, SandboxLevel, ServerKey, Untrusted};

const NEWEST_PROBE: &str = "
    SELECT p.finished_at AS finished_at
    FROM probes p JOIN releases r ON r.id = p.release_id JOIN servers s ON s.id = r.server_id
    WHERE (?1 OR s.visibility = 'public') AND p.finished_at IS NOT NULL
    ORDER BY p.finished_at DESC, p.id DESC LIMIT 1";

// In this order, and no other: sorting all probes by their servers' keys would take a file of its own.
const FINISHED: &str = "
    SELECT s.key AS key, p.id AS id, p.finished_at AS finished_at, p.outcome = 'ok' AS ok, e.token AS token
    FROM servers s CROSS JOIN releases r ON r.server_id = s.id CROSS JOIN probes p ON p.release_id = r.id
      LEFT JOIN server_edits e ON e.server_id = s.id
    WHERE p.outcome IS NOT NULL AND p.finished_at <= ?1 AND (?2 OR s.visibility = 'public') ORDER BY s.key";

const PROBE: &str = "
    SELECT p.id AS id, p.outcome AS outcome, p.detail AS detail, p.sandbox AS sandbox, p.memory_bound AS memory_bound, p.transport AS transport,
      p.chosen_attempt AS chosen, p.protocol AS protocol, p.server_info AS server_info,
      p.interpreter AS interpreter, p.pages AS pages, p.noise_lines AS noise_lines, p.marks AS marks,
      p.started_at AS started_at, p.finished_at AS finished_at,
      r.version AS version, r.published_at AS published_at, r.title AS title, r.description AS description,
      r.repository AS repository, r.homepage AS homepage, r.licence AS licence,
      (SELECT count(*) FROM probe_tools t WHERE t.probe_id = p.id AND t.definition_hash IS NULL) AS malformed
    FROM probes p JOIN releases r ON r.id = p.release_id WHERE p.id = ?1 ORDER BY p.id";

const ATTEMPTS: &str = "
    SELECT position, rung, command, args, env, dependencies_as_of, extras, outcome, detail, tools, started_at,
      millis, log_tail
    FROM attempts WHERE probe_id = ?1 ORDER BY position";

const TOOLS: &str = concat!(
    "SELECT ",
    stored_tool_columns!(),
    " FROM probe_tools t JOIN definitions d ON d.hash = t.definition_hash
    LEFT JOIN verdicts v ON v.definition_hash = d.hash AND v.rule_set_hash = ?2
    WHERE t.probe_id = ?1 ORDER BY t.position"
);

const CORRECTIONS: &str = "
    SELECT o.server_key AS server, o.tool AS tool, o.definition_hash AS definition_hash, o.class AS class,
      o.risk AS risk, o.signals AS signals, o.who AS who, o.why AS why, o.made_at AS made_at
    FROM overrides o WHERE o.server_key = ?1 AND o.made_at <= ?2 AND o.listed ORDER BY o.made_at, o.id";

/// Whose servers a site shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Audience {
    /// Everyone: public servers only.
    #[default]
    Everyone,
    /// The owner of the database: private ones too.
    Owner,
}

impl Audience {
    /// True if private servers are shown.
    pub fn sees_private(self) -> bool {
        self == Audience::Owner
    }
}

/// A server that is shown and the probes that speak for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SiteServer {
    /// Who it is.
    pub key: ServerKey,
    /// Its newest probe that listed tools.
    pub answer: Option<i64>,
    /// Its newest finished probe, however it ended.
    pub newest: i64,
    /// How often it listed tools.
    pub answers: i64,
    /// How often it was asked.
    pub tries: i64,
    /// Another one whenever a row of it came, went or changed; None: nobody kept count.
    pub token: Option<Vec<u8>>,
}

/// One probe and the release that was probed.
#[derive(Debug, Clone, PartialEq)]
pub struct SiteProbe {
    /// The row's number.
    pub id: i64,
    /// How it ended.
    pub outcome: Outcome,
    /// One line on why.
    pub detail: Untrusted,
    /// How far the server was locked in.
    pub sandbox: Option<SandboxLevel>,
    /// What bounded its memory.
    pub memory_bound: Option<MemoryBound>,
    /// `stdio`, `streamable-http` or `http-sse`.
    pub transport: Option<String>,
    /// Position of the attempt whose list was kept.
    pub chosen: Option<i64>,
    /// Protocol revision that was agreed on; foreign text.
    pub protocol: Option<Untrusted>,
    /// `serverInfo` as JSON text; foreign text.
    pub server_info: Option<String>,
    /// What ran it.
    pub interpreter: Option<String>,
    /// Pages the list came in.
    pub pages: u32,
    /// Lines on standard output that were no message.
    pub noise_lines: u32,
    /// Findings on the wire.
    pub marks: Vec<String>,
    /// Entries of the list that are no tools.
    pub malformed: u32,
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended.
    pub finished_at: Timestamp,
    /// The release's version; empty for remote and local servers.
    pub version: String,
    /// When the registry says it came out.
    pub published_at: Option<Timestamp>,
    /// The registry's title.
    pub title: Option<Untrusted>,
    /// The registry's description.
    pub description: Option<Untrusted>,
    /// Where its source is said to be.
    pub repository: Option<Untrusted>,
    /// Its home page.
    pub homepage: Option<Untrusted>,
    /// Its licence.
    pub licence: Option<Untrusted>,
}

/// One start of a server within a probe.
#[derive(Debug, Clone, PartialEq)]
pub struct SiteAttempt {
    /// Place in the ladder, from 0.
    pub position: i64,
    /// Which rung.
    pub rung: String,
    /// Program and arguments as started.
    pub command: Vec<String>,
    /// What was added to the bare start.
    pub args: Vec<String>,
    /// Placeholders that were set, name to value.
    pub env: BTreeMap<String, String>,
    /// Dependencies resolved as of this date.
    pub dependencies_as_of: Option<String>,
    /// Extras installed with it.
    pub extras: Vec<String>,
    /// How it ended.
    pub outcome: Outcome,
    /// One line on why.
    pub detail: Untrusted,
    /// Tools it listed.
    pub tools: u32,
    /// When it began.
    pub started_at: Timestamp,
    /// How long it took.
    pub millis: u64,
    /// What it wrote last.
    pub log_tail: Untrusted,
}

/// Corrections of one server, the newest for each tool name and definition.
pub type Corrections = BTreeMap<(String, DefinitionHash), Override>;

/// When the newest finished probe of a server that is shown ended; None in a database without one.
///
/// # Errors
/// [`StoreError`].
pub fn newest_probe(connection: &Connection, audience: Audience) -> Result<Option<Timestamp>, StoreError> {
    connection
        .query_row(NEWEST_PROBE, [audience.sees_private()], |row| time(row, "finished_at"))
        .optional()
        .map_err(|e| StoreError::from_sql(connection, e))
}

/// Every server that is shown and was asked at least once by `as_of`, by key.
///
/// # Errors
/// [`StoreError`].
pub fn servers(
    connection: &Connection,
    as_of: Timestamp,
    audience: Audience,
) -> Result<Vec<SiteServer>, StoreError> {
    let read = || -> rusqlite::Result<Vec<SiteServer>> {
        let mut statement = connection.prepare_cached(FINISHED)?;
        let mut rows = statement.query(params![stored_time(as_of), audience.sees_private()])?;
        // Columns are counted as they stand in `FINISHED`.
        let mut servers: Vec<SiteServer> = Vec::new();
        let mut key = String::new();
        let (mut newest, mut answer) = ((String::new(), 0), (String::new(), 0));
        while let Some(row) = rows.next()? {
            let (id, ok): (i64, bool) = (row.get(1)?, row.get(3)?);
            if servers.is_empty() || row.get_ref(0)?.as_str()? != key {
                key = row.get(0)?;
                (newest, answer) = ((String::new(), 0), (String::new(), 0));
                let (key, token) = (word(row, (0, "key"))?, row.get(4)?);
                servers.push(SiteServer { key, answer: None, newest: id, answers: 0, tries: 0, token });
            }
            let Some(server) = servers.last_mut() else { continue };
            // Times are stored so that they sort as texts; of two of one moment the later row counts.
            let at = row.get_ref(2)?.as_str()?;
            let is_later = |than: &(String, i64)| (at, id) > (than.0.as_str(), than.1);
            if is_later(&newest) {
                newest = (at.to_owned(), id);
                server.newest = id;
            }
            server.answers += i64::from(ok);
            server.tries += 1;
            if ok && is_later(&answer) {
                answer = (at.to_owned(), id);
                server.answer = Some(id);
            }
        }
        Ok(servers)
    };
    read().map_err(|e| StoreError::from_sql(connection, e))
}

/// One probe with its release.
///
/// # Errors
/// [`StoreError`].
pub fn probe(connection: &Connection, id: i64) -> Result<SiteProbe, StoreError> {
    connection
        .prepare_cached(PROBE)
        .and_then(|mut statement| statement.query_row(params![id], site_probe))
        .map_err(|e| StoreError::from_sql(connection, e))
}

/// Every attempt of a probe, in the order it was made.
///
/// # Errors
/// [`StoreError`].
pub fn attempts(connection: &Connection, probe: i64) -> Result<Vec<SiteAttempt>, StoreError> {
    all(connection, ATTEMPTS, params![probe], site_attempt)
}

/// The tools a probe saw, in the order the server lists them.
///
/// # Errors
/// [`StoreError`].
pub fn tools(connection: &Connection, probe: i64, rule_set: &str) -> Result<Vec<SiteTool>, StoreError> {
    all(connection, TOOLS, params![probe, rule_set], |row| StoredTool::of(row)?.read_it())
}

/// The corrections of a server that were in force at `as_of`; None: now.
///
/// # Errors
/// [`StoreError`].
pub fn corrections(
    connection: &Connection,
    server: &ServerKey,
    as_of: Option<Timestamp>,
) -> Result<Corrections, StoreError> {
    let until = stored_time(as_of.unwrap_or(Timestamp::MAX));
    let list = all(connection, CORRECTIONS, params![server.to_string(), until], correction)?;
    // Later rows are newer: they take the place of older ones.
    let newest: Corrections = list.into_iter().map(|c| ((c.tool.clone(), c.definition.clone()), c)).collect();
    Ok(newest.into_iter().filter(|(_, said)| !said.takes_back()).collect())
}

// Columns are counted as they stand in `PROBE`.
fn site_probe(row: &Row<'_>) -> rusqlite::Result<SiteProbe> {
    Ok(SiteProbe {
        id: row.get(0)?,
        outcome: word(row, (1, "outcome"))?,
        detail: Untrusted::new(row.get::<_, Option<String>>(2)?.unwrap_or_default()),
        sandbox: maybe_word(row, (3, "sandbox"))?,
        memory_bound: maybe_word(row, (4, "memory_bound"))?,
        transport: row.get(5)?,
        chosen: row.get(6)?,
        protocol: foreign(row, 7)?,
        server_info: row.get(8)?,
        interpreter: row.get(9)?,
        pages: row.get(10)?,
        noise_lines: row.get(11)?,
        marks: json(row, (12, "marks"))?,
        malformed: row.get(22)?,
        started_at: time(row, (13, "started_at"))?,
        finished_at: time(row, (14, "finished_at"))?,
        version: row.get(15)?,
        published_at: maybe_word(row, (16, "published_at"))?,
        title: foreign(row, 17)?,
        description: foreign(row, 18)?,
        repository: foreign(row, 19)?,
        homepage: foreign(row, 20)?,
        licence: foreign(row, 21)?,
    })
}

// Columns are counted as they stand in `ATTEMPTS`.
fn site_attempt(row: &Row<'_>) -> rusqlite::Result<SiteAttempt> {
    Ok(SiteAttempt {
        position: row.get(0)?,
        rung: row.get(1)?,
        command: json(row, (2, "command"))?,
        args: json(row, (3, "args"))?,
        env: json(row, (4, "env"))?,
        dependencies_as_of: row.get(5)?,
        extras: json(row, (6, "extras"))?,
        outcome: word(row, (7, "outcome"))?,
        detail: Untrusted::new(row.get::<_, String>(8)?),
        tools: row.get(9)?,
        started_at: time(row, (10, "started_at"))?,
        millis: u64::try_from(row.get::<_, i64>(11)?).unwrap_or_default(),
        log_tail: Untrusted::new(row.get::<_, String>(12)?),
    })
}

fn all<T>(
    connection: &Connection,
    query: &str,
    parameters: impl rusqlite::Params,
    read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
) -> Result<Vec<T>, StoreError> {
    connection
        .prepare_cached(query)
        .and_then(|mut statement| statement.query_map(parameters, read)?.collect())
        .map_err(|e| StoreError::from_sql(connection, e))
}

fn foreign(row: &Row<'_>, place: usize) -> rusqlite::Result<Option<Untrusted>> {
    Ok(row.get::<_, Option<String>>(place)?.map(Untrusted::new))
}
