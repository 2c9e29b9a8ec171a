//! Probes: a row is opened, every attempt is stored as it ends, and the answer is stored in one transaction.
//!
//! A probe that was not finished (Ctrl-C, `kill -9`, power cut) stays open and is taken up by the next run of the same
//! release with the attempts it already made, so nothing is lost and nothing is stored twice. Only a finished probe
//! is ever shown or counted.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::releases::newest_lasting;
use super::rows::{json, time, word};
use super::{Store, StoreError, stored_time};
use crate::model::digest::sha256_hex;
use crate::model::{Attempt, Probe, Release, ToolDefinition, Untrusted};

const FIND_OPEN: &str = "
    SELECT id FROM probes
    WHERE release_id = ?1 AND scanner_schema = ?2 AND finished_at IS NULL
    ORDER BY id DESC LIMIT 1";

const BEGIN: &str =
    "INSERT INTO probes (release_id, scanner_schema, started_at) VALUES (?1, ?2, ?3) RETURNING id";

const IS_OPEN: &str = "SELECT finished_at IS NULL FROM probes WHERE id = ?1";

const ATTEMPTS: &str = "
    SELECT rung, command, args, env, dependencies_as_of, extras, outcome, detail, tools, started_at, millis, log_tail
    FROM attempts WHERE probe_id = ?1 ORDER BY position";

/// All of them, to be looked through.
pub(super) const EVERY_ATTEMPT: &str = "
    SELECT rung, command, args, env, dependencies_as_of, extras, outcome, detail, tools, started_at, millis, log_tail
    FROM attempts ORDER BY probe_id, position";

const ADD_ATTEMPT: &str = "
    INSERT INTO attempts (probe_id, position, rung, command, args, env, dependencies_as_of, extras, outcome, detail,
                          tools, started_at, millis, log_tail)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)
    ON CONFLICT (probe_id, position) DO NOTHING";

const GROW_PROGRESS: &str = "UPDATE work SET progress = progress + 1 WHERE key = ?1";

const ADD_DEFINITION: &str = "
    INSERT INTO definitions (hash, name, title, description, canonical, first_seen) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
    ON CONFLICT (hash) DO UPDATE SET first_seen = excluded.first_seen WHERE excluded.first_seen < first_seen";

const ADD_RAW: &str = "INSERT INTO raw_tools (sha256, bytes) VALUES (?1, ?2) ON CONFLICT (sha256) DO NOTHING";

const ADD_SEEN: &str = "
    INSERT INTO probe_tools (probe_id, position, definition_hash, raw_sha256, problem) VALUES (?1, ?2, ?3, ?4, ?5)";

const FINISH: &str = "
    UPDATE probes SET finished_at = ?2, outcome = ?3, detail = ?4, sandbox = ?5, transport = ?6, chosen_attempt = ?7,
      protocol = ?8, server_info = ?9, capabilities = ?10, instructions = ?11, interpreter = ?12, pages = ?13,
      noise_lines = ?14, marks = ?15, memory_bound = ?16
    WHERE id = ?1 AND finished_at IS NULL";

/// A probe that is under way.
#[derive(Debug, Clone, PartialEq)]
pub struct OpenProbe {
    /// Its row.
    pub id: i64,
    /// What it tried before it was interrupted, in order; empty for a new one. Times are kept to the millisecond.
    pub attempts: Vec<Attempt>,
}

impl Store {
    /// Opens a probe of a release, or takes up the one that an earlier run left unfinished.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn begin_probe(
        &mut self,
        release_id: i64,
        scanner_schema: u32,
        now: Timestamp,
    ) -> Result<OpenProbe, StoreError> {
        self.write(|tx| {
            open_probe(tx, release_id, scanner_schema, now).map_err(|e| StoreError::from_sql(tx, e))
        })
    }

    /// The same, unless another scan stored an outcome of that release that lasts since it was asked for: `newest` is the row of what
    /// [`Store::lasting_outcome`] gave. None then, and nothing is opened.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn begin_probe_after(
        &mut self,
        (release, release_id): (&Release, i64),
        scanner_schema: u32,
        newest: Option<i64>,
        now: Timestamp,
    ) -> Result<Option<OpenProbe>, StoreError> {
        self.write(|tx| {
            let begin = || -> rusqlite::Result<Option<OpenProbe>> {
                let stored = newest_lasting(tx, release, scanner_schema)?.map(|stored| stored.id);
                (stored == newest).then(|| open_probe(tx, release_id, scanner_schema, now)).transpose()
            };
            begin().map_err(|e| StoreError::from_sql(tx, e))
        })
    }

    /// Stores an attempt as it ends, and tells the work queue that the target is getting on.
    ///
    /// # Errors
    /// [`StoreError::Finished`] if the probe is not open; nothing that was stored is changed.
    pub fn add_attempt(
        &mut self,
        probe: i64,
        position: usize,
        attempt: &Attempt,
        work_key: Option<&str>,
    ) -> Result<(), StoreError> {
        self.write(|tx| {
            must_be_open(tx, probe)?;
            let store = || -> rusqlite::Result<()> {
                insert_attempt(tx, probe, position, attempt)?;
                if let Some(key) = work_key {
                    tx.execute(GROW_PROGRESS, [key])?;
                }
                Ok(())
            };
            store().map_err(|e| StoreError::from_sql(tx, e))
        })
    }

    /// Stores what a probe found and closes it, all in one transaction. Attempts not stored yet are stored too.
    ///
    /// Tools keep their order and come before the entries that are no tools. An entry of `result.tools` that does not
    /// read as a tool is stored as one that is none, with the reason.
    ///
    /// # Errors
    /// [`StoreError::Finished`] if it was finished before: an answer is never overwritten.
    pub fn finish_probe(&mut self, probe: i64, result: &Probe) -> Result<(), StoreError> {
        self.write(|tx| {
            must_be_open(tx, probe)?;
            finish(tx, probe, result).map_err(|e| StoreError::from_sql(tx, e))
        })
    }
}

pub(super) fn open_probe(
    connection: &Connection,
    release_id: i64,
    scanner_schema: u32,
    now: Timestamp,
) -> rusqlite::Result<OpenProbe> {
    let open: Option<i64> =
        connection.query_row(FIND_OPEN, params![release_id, scanner_schema], |row| row.get(0)).optional()?;
    if let Some(id) = open {
        let attempts =
            connection.prepare_cached(ATTEMPTS)?.query_map([id], attempt)?.collect::<Result<_, _>>()?;
        return Ok(OpenProbe { id, attempts });
    }
    let id = new_probe(connection, release_id, scanner_schema, now)?;
    Ok(OpenProbe { id, attempts: Vec::new() })
}

/// A probe of its own, whatever an earlier run left unfinished.
pub(super) fn new_probe(
    connection: &Connection,
    release_id: i64,
    scanner_schema: u32,
    now: Timestamp,
) -> rusqlite::Result<i64> {
    connection.query_row(BEGIN, params![release_id, scanner_schema, stored_time(now)], |row| row.get(0))
}

fn must_be_open(connection: &Connection, probe: i64) -> Result<(), StoreError> {
    let open: Option<bool> = connection
        .query_row(IS_OPEN, [probe], |row| row.get(0))
        .optional()
        .map_err(|e| StoreError::from_sql(connection, e))?;
    match open {
        Some(true) => Ok(()),
        Some(false) => Err(StoreError::Finished { path: super::error::path_of(connection), probe }),
        None => Err(StoreError::from_sql(connection, rusqlite::Error::QueryReturnedNoRows)),
    }
}

fn insert_attempt(
    connection: &Connection,
    probe: i64,
    position: usize,
    attempt: &Attempt,
) -> rusqlite::Result<()> {
    connection.prepare_cached(ADD_ATTEMPT)?.execute(params![
        probe,
        whole(position)?,
        attempt.rung,
        json_text(&attempt.command)?,
        json_text(&attempt.args)?,
        json_text(&attempt.env)?,
        attempt.dependencies_as_of,
        json_text(&attempt.extras)?,
        attempt.outcome.as_str(),
        attempt.detail.raw(),
        attempt.tools,
        stored_time(attempt.started_at),
        whole(attempt.millis)?,
        attempt.log_tail.raw(),
    ])?;
    Ok(())
}

pub(super) fn attempt(row: &Row<'_>) -> rusqlite::Result<Attempt> {
    Ok(Attempt {
        rung: row.get("rung")?,
        command: json(row, "command")?,
        args: json(row, "args")?,
        env: json(row, "env")?,
        dependencies_as_of: row.get("dependencies_as_of")?,
        extras: json(row, "extras")?,
        outcome: word(row, "outcome")?,
        detail: Untrusted::new(row.get::<_, String>("detail")?),
        tools: row.get("tools")?,
        started_at: time(row, "started_at")?,
        millis: row.get::<_, i64>("millis")?.try_into().unwrap_or_default(),
        log_tail: Untrusted::new(row.get::<_, String>("log_tail")?),
    })
}

pub(super) fn finish(connection: &Connection, probe: i64, result: &Probe) -> rusqlite::Result<()> {
    for (position, attempt) in result.attempts.iter().enumerate() {
        insert_attempt(connection, probe, position, attempt)?;
    }
    let finished_at = stored_time(result.finished_at);
    let mut position: i64 = 0;
    let mut seen = |hash: Option<&str>, raw: &str, problem: Option<&str>| -> rusqlite::Result<()> {
        let sha256 = sha256_hex(raw.as_bytes());
        connection.prepare_cached(ADD_RAW)?.execute(params![sha256, raw.as_bytes()])?;
        connection.prepare_cached(ADD_SEEN)?.execute(params![probe, position, hash, sha256, problem])?;
        position += 1;
        Ok(())
    };
    for tool in &result.tools {
        match ToolDefinition::from_json(&tool.raw) {
            Ok(definition) => {
                connection.prepare_cached(ADD_DEFINITION)?.execute(params![
                    definition.hash().as_str(),
                    definition.name(),
                    definition.title(),
                    definition.description(),
                    definition.canonical(),
                    finished_at,
                ])?;
                seen(Some(definition.hash().as_str()), &tool.raw, None)?;
            }
            Err(problem) => seen(None, &tool.raw, Some(&problem.to_string()))?,
        }
    }
    for entry in &result.malformed {
        seen(None, &entry.raw, Some(&entry.problem))?;
    }
    connection.execute(
        FINISH,
        params![
            probe,
            finished_at,
            result.outcome.as_str(),
            result.detail.raw(),
            result.sandbox.as_str(),
            result.transport.as_str(),
            result.chosen.map(whole).transpose()?,
            result.protocol,
            result.server_info,
            result.capabilities,
            result.instructions.as_ref().map(|text| text.raw()),
            result.interpreter,
            result.pages,
            result.noise_lines,
            json_text(&result.marks)?,
            result.memory_bound.map(crate::model::MemoryBound::as_str),
        ],
    )?;
    Ok(())
}

/// SQLite's integers are signed.
fn whole(
    number: impl TryInto<i64, Error: std::error::Error + Send + Sync + 'static>,
) -> rusqlite::Result<i64> {
    number.try_into().map_err(|e| rusqlite::Error::ToSqlConversionFailure(Box::new(e)))
}

fn json_text(value: &impl serde::Serialize) -> rusqlite::Result<String> {
    serde_json::to_string(value).map_err(|e| rusqlite::Error::ToSqlConversionFailure(Box::new(e)))
}
