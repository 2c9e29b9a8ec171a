//! Results of a fleet, stored as a scan of this machine stores its own: each once, together with the note that it is here.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Transaction, params};

use super::identity::{ScannedFacts, keep_scanned};
use super::{Store, StoreError, declared, probes, releases, stored_time};
use crate::model::declared::DeclaredList;
use crate::model::{Probe, Release, ReleaseFacts};

const MARK: &str = "SELECT mark FROM fleet_queues WHERE queue = ?1";
const SET_MARK: &str = "
    INSERT INTO fleet_queues (queue, mark) VALUES (?1, ?2) ON CONFLICT (queue) DO UPDATE SET mark = excluded.mark";
const NOTE: &str = "
    INSERT INTO fleet_results (queue, result, worker, refused) VALUES (?1, ?2, ?3, ?4)
    ON CONFLICT (queue, result) DO NOTHING";
const SCANNED: &str = "UPDATE candidates SET scanned_at = ?2 WHERE key = ?1";

/// One result of a fleet.
#[derive(Debug, Clone, PartialEq)]
pub struct Collected {
    /// The queue's number of it.
    pub result: i64,
    /// What the worker calls itself. Foreign text.
    pub worker: String,
    /// What is stored of it, or why nothing is.
    pub held: Result<Box<CollectedProbe>, String>,
}

/// What is stored of a result.
#[derive(Debug, Clone, PartialEq)]
pub struct CollectedProbe {
    /// What was asked.
    pub release: Release,
    /// What its registry says of it.
    pub facts: ReleaseFacts,
    /// What it says of who it is.
    pub who: Option<ScannedFacts>,
    /// What it declares, where it was installed.
    pub declared: Option<Vec<DeclaredList>>,
    /// The scanner's way of asking.
    pub scanner_schema: u32,
    /// What was found; None for what does not exist.
    pub probe: Option<Probe>,
}

impl Store {
    /// Where collecting from a queue goes on; None if nothing came from it yet.
    ///
    /// # Errors
    /// [`StoreError`], here and below.
    pub fn collecting_mark(&self, queue: &str) -> Result<Option<String>, StoreError> {
        self.connection
            .query_row(MARK, [queue], |row| row.get(0))
            .optional()
            .map_err(|e| StoreError::from_sql(&self.connection, e))
    }

    /// Everything up to the mark is here.
    ///
    /// # Errors
    /// As above.
    pub fn set_collecting_mark(&mut self, queue: &str, mark: &str) -> Result<(), StoreError> {
        self.write(|tx| {
            tx.execute(SET_MARK, [queue, mark]).map(drop).map_err(|e| StoreError::from_sql(tx, e))
        })
    }

    /// Stores results of a queue in one transaction. Returns the numbers of those that were not here yet.
    ///
    /// # Errors
    /// As above; nothing of them is stored then.
    pub fn collect(
        &mut self,
        queue: &str,
        results: &[Collected],
        now: Timestamp,
    ) -> Result<Vec<i64>, StoreError> {
        self.write(|tx| {
            let mut new = Vec::new();
            for result in results {
                if store(tx, queue, result, now).map_err(|e| StoreError::from_sql(tx, e))? {
                    new.push(result.result);
                }
            }
            Ok(new)
        })
    }
}

/// False if it is here already.
fn store(tx: &Transaction<'_>, queue: &str, result: &Collected, now: Timestamp) -> rusqlite::Result<bool> {
    let refused = result.held.as_ref().err();
    if tx.prepare_cached(NOTE)?.execute(params![queue, result.result, result.worker, refused])? == 0 {
        return Ok(false);
    }
    if let Ok(held) = &result.held {
        store_held(tx, held, now)?;
    }
    Ok(true)
}

fn store_held(tx: &Transaction<'_>, held: &CollectedProbe, now: Timestamp) -> rusqlite::Result<()> {
    let server = held.release.server.to_string();
    let stored = stored_time(now);
    tx.prepare_cached(SCANNED)?.execute(params![server, stored])?;
    let Some(probe) = &held.probe else { return Ok(()) };
    let ended = stored_time(probe.finished_at);
    let release = releases::remember(tx, &held.release, &held.facts, &ended)?;
    if let Some(who) = &held.who {
        keep_scanned(tx, &held.release, who, &ended)?;
    }
    if let Some(lists) = &held.declared {
        declared::own_lists(tx, &held.release.server, lists, &ended)?;
    }
    let connection: &Connection = tx;
    let id = probes::new_probe(connection, release, held.scanner_schema, probe.started_at)?;
    probes::finish(connection, id, probe)
}
