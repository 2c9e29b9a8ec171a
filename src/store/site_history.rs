//! What a server listed before: each of its answers up to the one that its pages show, and the definitions that are gone since.

use std::collections::BTreeMap;

use jiff::Timestamp;
use rusqlite::{Connection, params};

use super::StoreError;
use super::rows::time;
use super::rule_sets::verdict;
use crate::model::{DefinitionHash, Verdict};

// The answer that is shown is the newest by the time that is asked for: so no answer after it is meant.
const SIGHTINGS: &str = "
    SELECT p.finished_at AS finished_at, r.version AS version, d.name AS name, d.hash AS hash
    FROM probes shown JOIN releases rs ON rs.id = shown.release_id
    JOIN releases r ON r.server_id = rs.server_id
    JOIN probes p ON p.release_id = r.id AND p.outcome = 'ok' AND p.finished_at <= shown.finished_at
    JOIN probe_tools t ON t.probe_id = p.id JOIN definitions d ON d.hash = t.definition_hash
    WHERE shown.id = ?1 ORDER BY p.finished_at, r.version, t.position";

const GONE: &str = "
    SELECT DISTINCT d.hash AS hash, d.canonical AS canonical, v.class AS class, v.risk AS risk, v.signals AS signals,
      v.confidence AS confidence, v.needs_review AS needs_review, v.evidence AS evidence
    FROM probes shown JOIN releases rs ON rs.id = shown.release_id
    JOIN releases r ON r.server_id = rs.server_id
    JOIN probes p ON p.release_id = r.id AND p.outcome = 'ok' AND p.finished_at <= shown.finished_at
    JOIN probe_tools t ON t.probe_id = p.id JOIN definitions d ON d.hash = t.definition_hash
    LEFT JOIN verdicts v ON v.definition_hash = d.hash AND v.rule_set_hash = ?2
    WHERE shown.id = ?1 AND d.hash NOT IN (SELECT definition_hash FROM probe_tools
      WHERE probe_id = ?1 AND definition_hash IS NOT NULL)
    ORDER BY d.hash";

/// One tool of one answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sighting {
    /// When the answer ended.
    pub at: Timestamp,
    /// Which version answered; empty where there are none.
    pub version: String,
    /// The tool's exact name.
    pub name: String,
    /// Its definition then.
    pub hash: DefinitionHash,
}

/// Everything a server listed up to the answer that is shown.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SiteHistory {
    /// By time, then in the server's own order. Empty where the shown answer is the only one.
    pub sightings: Vec<Sighting>,
    /// The definitions that it does not list any more, as canonical JSON, with their verdict by the rules that were asked for.
    pub gone: BTreeMap<DefinitionHash, (String, Option<Verdict>)>,
}

/// Reads the history of the server whose answer that probe is, with verdicts under a rule set.
///
/// # Errors
/// [`StoreError`].
pub fn history(connection: &Connection, answer: i64, rule_set: &str) -> Result<SiteHistory, StoreError> {
    let read = || -> rusqlite::Result<SiteHistory> {
        let sightings = connection
            .prepare_cached(SIGHTINGS)?
            .query_map(params![answer], |row| {
                Ok(Sighting {
                    at: time(row, "finished_at")?,
                    version: row.get("version")?,
                    name: row.get("name")?,
                    hash: DefinitionHash::stored(row.get::<_, String>("hash")?),
                })
            })?
            .collect::<rusqlite::Result<_>>()?;
        let gone = connection
            .prepare_cached(GONE)?
            .query_map(params![answer, rule_set], |row| {
                let hash = DefinitionHash::stored(row.get::<_, String>("hash")?);
                Ok((hash, (row.get("canonical")?, verdict(row)?)))
            })?
            .collect::<rusqlite::Result<_>>()?;
        Ok(SiteHistory { sightings, gone })
    };
    read().map_err(|e| StoreError::from_sql(connection, e))
}
