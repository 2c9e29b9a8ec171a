//! The view `review` for the command line: doubtful verdicts first.

use rusqlite::{Connection, params};
use serde::Serialize;

use super::StoreError;

const REVIEW: &str = "
    SELECT server, release, tool, class, risk, confidence, doubt, signals, rule, field, evidence, description,
           definition_hash
    FROM review WHERE doubt NOT IN ('', 'corrected') OR ?2 LIMIT ?1";

/// One row of the view. Everything but the words of closed lists is foreign text.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ReviewRow {
    /// The server's key.
    pub server: String,
    /// Its newest answered release.
    pub release: String,
    /// The tool's name.
    pub tool: String,
    /// The class, if it was judged.
    pub class: Option<String>,
    /// The risk, if it was judged.
    pub risk: Option<String>,
    /// 0 to 1.
    pub confidence: Option<f64>,
    /// Why it is listed.
    pub doubt: String,
    /// Signals, comma-separated.
    pub signals: Option<String>,
    /// The strongest evidence's rule.
    pub rule: Option<String>,
    /// Where that evidence stands.
    pub field: Option<String>,
    /// Its words, shortened.
    pub evidence: Option<String>,
    /// The description, shortened.
    pub description: Option<String>,
    /// The definition that a correction would be about.
    pub definition_hash: String,
}

/// The first `limit` rows; only those in doubt unless `all`.
///
/// # Errors
/// [`StoreError`].
pub fn review(connection: &Connection, limit: u32, all: bool) -> Result<Vec<ReviewRow>, StoreError> {
    let read = || -> rusqlite::Result<Vec<ReviewRow>> {
        connection
            .prepare_cached(REVIEW)?
            .query_map(params![limit, all], |row| {
                Ok(ReviewRow {
                    server: row.get("server")?,
                    release: row.get("release")?,
                    tool: row.get("tool")?,
                    class: row.get("class")?,
                    risk: row.get("risk")?,
                    confidence: row.get("confidence")?,
                    doubt: row.get("doubt")?,
                    signals: row.get("signals")?,
                    rule: row.get("rule")?,
                    field: row.get("field")?,
                    evidence: row.get("evidence")?,
                    description: row.get("description")?,
                    definition_hash: row.get("definition_hash")?,
                })
            })?
            .collect()
    };
    read().map_err(|e| StoreError::from_sql(connection, e))
}
