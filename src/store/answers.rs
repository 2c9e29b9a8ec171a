//! What one release answered, tool by tool, with verdicts and corrections: what a policy is made from.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};

use super::StoreError;
use super::overrides::{Override, newest_override};
use super::rows::time;
use super::rule_sets::verdict;
use crate::model::{DefinitionHash, ServerKey, Untrusted, Verdict};

const NEWEST_ANSWER: &str = "
    SELECT p.id AS probe, r.version AS version, p.finished_at AS finished_at
    FROM servers s JOIN releases r ON r.server_id = s.id JOIN probes p ON p.release_id = r.id
    WHERE s.key = ?1 AND (?2 IS NULL OR r.version = ?2) AND p.outcome = 'ok'
    ORDER BY p.finished_at DESC, p.id DESC LIMIT 1";

const TOOLS: &str = "
    SELECT d.hash AS hash, d.name AS name, d.canonical AS canonical, v.class AS class, v.risk AS risk,
           v.signals AS signals, v.confidence AS confidence, v.needs_review AS needs_review, v.evidence AS evidence
    FROM probe_tools t JOIN definitions d ON d.hash = t.definition_hash
    LEFT JOIN verdicts v ON v.definition_hash = d.hash AND v.rule_set_hash = ?2
    WHERE t.probe_id = ?1 ORDER BY t.position";

const ANSWERED: &str = "
    SELECT s.key AS key FROM servers s
    WHERE EXISTS (SELECT 1 FROM releases r JOIN probes p ON p.release_id = r.id
                  WHERE r.server_id = s.id AND p.outcome = 'ok')
    ORDER BY s.key";

/// Every server that ever answered, private ones too, by key.
///
/// # Errors
/// [`StoreError`].
pub fn answered_servers(connection: &Connection) -> Result<Vec<ServerKey>, StoreError> {
    let read = || -> rusqlite::Result<Vec<String>> {
        connection.prepare(ANSWERED)?.query_map([], |row| row.get("key"))?.collect()
    };
    let keys = read().map_err(|e| StoreError::from_sql(connection, e))?;
    Ok(keys.iter().filter_map(|key| key.parse().ok()).collect())
}

/// The newest answer of a release.
#[derive(Debug, Clone, PartialEq)]
pub struct Answered {
    /// Whose.
    pub key: ServerKey,
    /// Which release; empty for remote and local servers.
    pub version: String,
    /// When it answered.
    pub probed_at: Timestamp,
    /// Its tools, in the order it listed them.
    pub tools: Vec<AnsweredTool>,
}

/// One tool of an answer.
#[derive(Debug, Clone, PartialEq)]
pub struct AnsweredTool {
    /// Its name. Foreign text.
    pub name: Untrusted,
    /// Its definition's hash.
    pub hash: DefinitionHash,
    /// Its definition as canonical JSON; evidence points into it.
    pub canonical: String,
    /// The verdict under the rule set asked for; None if it was not classified under it.
    pub verdict: Option<Verdict>,
    /// The correction in force, not yet applied ([`Override::applied_to`]).
    pub correction: Option<Override>,
}

impl AnsweredTool {
    /// The one verdict to show and to use: with the correction applied. None if it was never classified.
    pub fn verdict_in_force(&self) -> Option<Verdict> {
        let verdict = self.verdict.as_ref()?;
        Some(match &self.correction {
            Some(correction) => correction.applied_to(verdict),
            None => verdict.clone(),
        })
    }
}

/// The newest answer of a server, or of one of its versions. None if there is none: not known, or never answered.
///
/// # Errors
/// [`StoreError`].
pub fn answered(
    connection: &Connection,
    server: &ServerKey,
    version: Option<&str>,
    rule_set: &str,
) -> Result<Option<Answered>, StoreError> {
    read(connection, server, version, rule_set).map_err(|e| StoreError::from_sql(connection, e))
}

fn read(
    connection: &Connection,
    server: &ServerKey,
    version: Option<&str>,
    rule_set: &str,
) -> rusqlite::Result<Option<Answered>> {
    let key = server.to_string();
    let newest: Option<(i64, String, Timestamp)> = connection
        .query_row(NEWEST_ANSWER, params![key, version], |row| {
            Ok((row.get("probe")?, row.get("version")?, time(row, "finished_at")?))
        })
        .optional()?;
    let Some((probe, version, probed_at)) = newest else { return Ok(None) };
    let mut tools: Vec<AnsweredTool> = connection
        .prepare_cached(TOOLS)?
        .query_map(params![probe, rule_set], |row| {
            Ok(AnsweredTool {
                name: Untrusted::new(row.get::<_, String>("name")?),
                hash: DefinitionHash::stored(row.get::<_, String>("hash")?),
                canonical: row.get("canonical")?,
                verdict: verdict(row)?,
                correction: None,
            })
        })?
        .collect::<Result<_, _>>()?;
    for tool in &mut tools {
        tool.correction = newest_override(connection, &key, tool.name.raw(), tool.hash.as_str())?;
    }
    Ok(Some(Answered { key: server.clone(), version, probed_at, tools }))
}
