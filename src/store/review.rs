//! The view `review` for the command line: doubtful verdicts first, narrowed by what a person asks for.

use rusqlite::{Connection, Row, params};
use serde::Serialize;

use super::StoreError;
use crate::model::{Class, Risk, Signal};

const COLUMNS: &str = "
    server, release, tool, class, risk, confidence, doubt, signals, rule, field, evidence, description,
    definition_hash, corrected_by, corrected_why, corrected_at";

const FITS: &str = "
    WHERE (?1 OR doubt NOT IN ('', 'accepted', 'corrected') OR (doubt = '' AND confidence < ?5))
      AND (?2 IS NULL OR server = ?2)
      AND (?3 IS NULL OR class IN (SELECT value FROM json_each(?3)))
      AND (?4 IS NULL OR risk IN (SELECT value FROM json_each(?4)))
      AND (?5 IS NULL OR confidence < ?5)
      AND (?6 IS NULL OR EXISTS (
        SELECT 1 FROM json_each(?6) WHERE instr(', ' || signals || ', ', ', ' || value || ', ')))
      AND (?7 IS NULL OR EXISTS (
        SELECT 1 FROM json_each(?7) WHERE instr(', ' || signals || ', ', ', ' || value || ', ')))";

/// What to list. Of the words of one list any fits; all lists that hold words must fit.
#[derive(Debug, Clone, Default)]
pub struct ReviewFilter {
    /// Rows at most.
    pub limit: u32,
    /// Undoubted, accepted and corrected verdicts, too.
    pub all: bool,
    /// Only this server's.
    pub server: Option<String>,
    /// Only these classes.
    pub classes: Vec<Class>,
    /// Only these risks.
    pub risks: Vec<Risk>,
    /// Only verdicts of less confidence, those that nobody doubts included.
    pub confidence_below: Option<f64>,
    /// Only tools with one of these signals.
    pub signals: Vec<Signal>,
    /// Only tools with one of these, too: signals that are findings about the text.
    pub findings: Vec<Signal>,
}

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
    /// Who corrected or accepted the verdict.
    pub corrected_by: Option<String>,
    /// Why.
    pub corrected_why: Option<String>,
    /// When.
    pub corrected_at: Option<String>,
}

/// The rows that fit, most doubtful first, and how many there are without the limit.
///
/// # Errors
/// [`StoreError`].
pub fn review(connection: &Connection, filter: &ReviewFilter) -> Result<(Vec<ReviewRow>, usize), StoreError> {
    read(connection, filter).map_err(|e| StoreError::from_sql(connection, e))
}

fn read(connection: &Connection, filter: &ReviewFilter) -> rusqlite::Result<(Vec<ReviewRow>, usize)> {
    let parameters = params![
        filter.all,
        filter.server,
        words(&filter.classes)?,
        words(&filter.risks)?,
        filter.confidence_below,
        words(&filter.signals)?,
        words(&filter.findings)?,
    ];
    let count: i64 = connection
        .prepare_cached(&format!("SELECT count(*) FROM review {FITS}"))?
        .query_row(parameters, |row| row.get(0))?;
    let mut statement =
        connection.prepare_cached(&format!("SELECT {COLUMNS} FROM review {FITS} LIMIT {}", filter.limit))?;
    let rows = statement.query_map(parameters, row)?.collect::<rusqlite::Result<Vec<ReviewRow>>>()?;
    Ok((rows, usize::try_from(count).unwrap_or_default()))
}

fn row(row: &Row<'_>) -> rusqlite::Result<ReviewRow> {
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
        corrected_by: row.get("corrected_by")?,
        corrected_why: row.get("corrected_why")?,
        corrected_at: row.get("corrected_at")?,
    })
}

/// A JSON array for a bound parameter; NULL for no words at all.
fn words<T: Serialize>(words: &[T]) -> rusqlite::Result<Option<String>> {
    if words.is_empty() {
        return Ok(None);
    }
    let text = serde_json::to_string(words);
    text.map(Some).map_err(|e| rusqlite::Error::ToSqlConversionFailure(Box::new(e)))
}
