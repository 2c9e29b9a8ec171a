//! What other rules did to the stored tools: two verdicts on the same definition, side by side.
//!
//! A tool is a definition at a server here, however many releases and probes it was seen in.

use rusqlite::{Connection, Row, params};
use serde::Serialize;

use super::StoreError;
use super::overrides::newest_override;
use super::rows::{json, maybe_word, word};
use crate::model::{Class, Risk, Signal};

const MOVES: &str = "
    WITH tools AS (
      SELECT DISTINCT r.server_id AS server_id, t.definition_hash AS hash
      FROM probe_tools t JOIN probes p ON p.id = t.probe_id JOIN releases r ON r.id = p.release_id
      WHERE t.definition_hash IS NOT NULL AND p.finished_at IS NOT NULL)
    SELECT o.class AS was, n.class AS is_now, count(*) AS tools,
      count(*) FILTER (WHERE o.risk <> n.risk) AS other_risk,
      count(*) FILTER (WHERE o.risk = n.risk
        AND (o.signals <> n.signals OR o.needs_review <> n.needs_review)) AS other_signals
    FROM tools t
    JOIN verdicts n ON n.definition_hash = t.hash AND n.rule_set_hash = ?2
    LEFT JOIN verdicts o ON o.definition_hash = t.hash AND o.rule_set_hash = ?1
    GROUP BY o.class, n.class ORDER BY o.class, n.class";

// CROSS JOIN keeps SQLite to this order: left alone it begins with the servers and reads all verdicts once for each.
// Bare columns beside a single max() are those of the row with the maximum (SQLite, "Bare columns in an aggregate query").
const CHANGED: &str = "
    WITH
      classes (word, severity) AS (VALUES ('read', 0), ('write', 1), ('execute', 2), ('destructive', 3)),
      risks (word, severity) AS (VALUES ('low', 0), ('medium', 1), ('high', 2), ('critical', 3)),
      changed AS (
        SELECT n.definition_hash AS hash,
          o.class AS was_class, o.risk AS was_risk, o.signals AS was_signals, o.confidence AS was_confidence,
          o.needs_review AS was_needs_review,
          n.class AS is_class, n.risk AS is_risk, n.signals AS is_signals, n.confidence AS is_confidence,
          n.needs_review AS is_needs_review,
          cn.severity - co.severity AS class_step, rn.severity - ro.severity AS risk_step
        FROM verdicts o
        CROSS JOIN verdicts n ON n.definition_hash = o.definition_hash AND n.rule_set_hash = ?2
        CROSS JOIN classes co ON co.word = o.class CROSS JOIN classes cn ON cn.word = n.class
        CROSS JOIN risks ro ON ro.word = o.risk CROSS JOIN risks rn ON rn.word = n.risk
        WHERE o.rule_set_hash = ?1 AND (o.class <> n.class OR o.risk <> n.risk OR o.signals <> n.signals
          OR o.needs_review <> n.needs_review))
    SELECT s.key AS server, r.version AS release, d.name AS tool, c.*, max(p.finished_at) AS seen
    FROM changed c
    CROSS JOIN definitions d ON d.hash = c.hash
    CROSS JOIN probe_tools t ON t.definition_hash = c.hash
    CROSS JOIN probes p ON p.id = t.probe_id AND p.finished_at IS NOT NULL
    CROSS JOIN releases r ON r.id = p.release_id
    CROSS JOIN servers s ON s.id = r.server_id
    GROUP BY c.hash, s.id
    ORDER BY abs(c.class_step) DESC, c.class_step DESC, abs(c.risk_step) DESC, c.risk_step DESC,
      c.is_needs_review DESC, s.key, d.name, c.hash
    LIMIT ?3";

/// How many tools went from one class to another, or stayed in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Move {
    /// Under the earlier rules; None where they never judged it.
    pub was: Option<Class>,
    /// Under the later rules.
    pub is: Class,
    /// How many tools.
    pub tools: u64,
    /// Of them, those whose risk is another.
    pub other_risk: u64,
    /// Of the rest, those whose signals or whose need of a review are others.
    pub other_signals: u64,
}

/// What one rule set says of a definition, without the reasons.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Judgement {
    /// The class.
    pub class: Class,
    /// The risk.
    pub risk: Risk,
    /// Sorted.
    pub signals: Vec<Signal>,
    /// 0 to 1.
    pub confidence: f64,
    /// A person should look.
    pub needs_review: bool,
}

/// A tool of which two rule sets say different things.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ChangedTool {
    /// The server's key.
    pub server: String,
    /// The release in which this definition was seen last; empty for remote and local servers.
    pub release: String,
    /// The tool's name. Foreign text.
    pub tool: String,
    /// The definition's hash.
    pub definition: String,
    /// Under the earlier rules.
    pub was: Judgement,
    /// Under the later rules.
    pub is: Judgement,
    /// A correction by a person is in force, and is what pages and policies show.
    pub corrected: bool,
}

/// Counts of all tools that a rule set has judged, by what an earlier one said of them.
///
/// # Errors
/// [`StoreError`].
pub fn moves(connection: &Connection, earlier: &str, later: &str) -> Result<Vec<Move>, StoreError> {
    let read = || -> rusqlite::Result<Vec<Move>> {
        let count =
            |row: &Row<'_>, column: &str| Ok::<_, rusqlite::Error>(row.get::<_, i64>(column)?.unsigned_abs());
        connection
            .prepare(MOVES)?
            .query_map([earlier, later], |row| {
                Ok(Move {
                    was: maybe_word(row, "was")?,
                    is: word(row, "is_now")?,
                    tools: count(row, "tools")?,
                    other_risk: count(row, "other_risk")?,
                    other_signals: count(row, "other_signals")?,
                })
            })?
            .collect()
    };
    read().map_err(|e| StoreError::from_sql(connection, e))
}

/// Hands over every tool whose class, risk, signals or need of a review changed, at most `limit`: first whose class moved
/// furthest, towards danger before away from it; then by the risk in the same way.
///
/// # Errors
/// [`StoreError`], or what `each` ends with.
pub fn changed_tools<E: From<StoreError>>(
    connection: &Connection,
    earlier: &str,
    later: &str,
    limit: Option<u32>,
    mut each: impl FnMut(ChangedTool) -> Result<(), E>,
) -> Result<(), E> {
    let failed = |e| E::from(StoreError::from_sql(connection, e));
    let mut statement = connection.prepare(CHANGED).map_err(failed)?;
    // SQLite reads a negative limit as none.
    let limit = limit.map_or(-1, i64::from);
    let mut rows = statement.query(params![earlier, later, limit]).map_err(failed)?;
    while let Some(row) = rows.next().map_err(failed)? {
        each(changed_tool(connection, row).map_err(failed)?)?;
    }
    Ok(())
}

fn changed_tool(connection: &Connection, row: &Row<'_>) -> rusqlite::Result<ChangedTool> {
    let judgement = |when: &str| -> rusqlite::Result<Judgement> {
        let column = |name: &str| format!("{when}_{name}");
        Ok(Judgement {
            class: word(row, column("class").as_str())?,
            risk: word(row, column("risk").as_str())?,
            signals: json(row, column("signals").as_str())?,
            confidence: row.get(column("confidence").as_str())?,
            needs_review: row.get(column("needs_review").as_str())?,
        })
    };
    let (server, tool): (String, String) = (row.get("server")?, row.get("tool")?);
    let definition: String = row.get("hash")?;
    let corrected = newest_override(connection, &server, &tool, &definition)?.is_some();
    let release = row.get("release")?;
    Ok(ChangedTool {
        server,
        release,
        tool,
        definition,
        was: judgement("was")?,
        is: judgement("is")?,
        corrected,
    })
}

#[cfg(test)]
mod tests {
    use super::super::Store;
    use super::*;

    /// With 200,000 tools of 10,000 servers the other order takes hours instead of seconds.
    #[test]
    fn the_changed_tools_are_found_without_reading_all_verdicts_for_each_server() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("catalogue.db")).unwrap();
        let mut plan = store.connection().prepare(&format!("EXPLAIN QUERY PLAN {CHANGED}")).unwrap();
        let steps: Vec<String> = plan
            .query_map(params!["a", "b", 1], |row| row.get("detail"))
            .unwrap()
            .collect::<Result<_, _>>()
            .unwrap();
        let scans: Vec<&str> = steps.iter().filter_map(|step| step.strip_prefix("SCAN ")).collect();
        assert_eq!(
            scans.iter().filter(|s| !s.ends_with("ROWS")).copied().collect::<Vec<_>>(),
            ["o", "co", "cn", "ro", "rn"]
        );
    }
}
