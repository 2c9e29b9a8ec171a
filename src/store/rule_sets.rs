//! Verdicts: made once for each definition under each rule set, kept forever.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};

use super::rows::{json, maybe_word, word};
use super::{Store, StoreError, stored_time};
use crate::model::{DefinitionHash, Verdict};

const IN_FORCE: &str = "SELECT rule_set_hash FROM rule_set_uses ORDER BY id DESC LIMIT 1";

const ADD_RULE_SET: &str =
    "INSERT INTO rule_sets (hash, first_used) VALUES (?1, ?2) ON CONFLICT (hash) DO NOTHING";

const USE_RULE_SET: &str = "INSERT INTO rule_set_uses (rule_set_hash, used_at) VALUES (?1, ?2)";

const WITHOUT_VERDICT: &str = "
    SELECT d.hash AS hash, d.canonical AS canonical FROM definitions d
    WHERE d.hash > ?2
      AND NOT EXISTS (SELECT 1 FROM verdicts v WHERE v.definition_hash = d.hash AND v.rule_set_hash = ?1)
    ORDER BY d.hash";

const ADD_VERDICT: &str = "
    INSERT INTO verdicts (definition_hash, rule_set_hash, class, risk, signals, confidence, needs_review, evidence,
                          made_at)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
    ON CONFLICT (definition_hash, rule_set_hash) DO NOTHING";

impl Store {
    /// The hash of the rule set in force: the one used last. None before the first classification.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn rule_set_in_force(&self) -> Result<Option<String>, StoreError> {
        rule_set_in_force(&self.connection)
    }

    /// Puts a rule set in force. Views show its verdicts from now on; those of others stay.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn use_rule_set(&mut self, hash: &str, now: Timestamp) -> Result<(), StoreError> {
        self.write(|tx| put_in_force(tx, hash, now).map_err(|e| StoreError::from_sql(tx, e)))
    }

    /// Definitions that have no verdict under a rule set yet, with their canonical JSON, in order of the hash: those behind
    /// `after`, until they are `bytes` together. Empty when there are no more.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn definitions_without_verdict(
        &self,
        rule_set: &str,
        after: Option<&DefinitionHash>,
        bytes: usize,
    ) -> Result<Vec<(DefinitionHash, String)>, StoreError> {
        let read = || -> rusqlite::Result<Vec<(DefinitionHash, String)>> {
            let mut statement = self.connection.prepare_cached(WITHOUT_VERDICT)?;
            let mut rows = statement.query([rule_set, after.map_or("", DefinitionHash::as_str)])?;
            let (mut found, mut size) = (Vec::new(), 0);
            while size < bytes
                && let Some(row) = rows.next()?
            {
                let canonical: String = row.get("canonical")?;
                size += canonical.len();
                found.push((DefinitionHash::stored(row.get::<_, String>("hash")?), canonical));
            }
            Ok(found)
        };
        read().map_err(|e| StoreError::from_sql(&self.connection, e))
    }

    /// Stores verdicts in one transaction. One that was made before under the same rule set stays as it was, with its time.
    ///
    /// # Errors
    /// [`StoreError`]; then none of them is stored.
    pub fn add_verdicts(
        &mut self,
        rule_set: &str,
        verdicts: &[(DefinitionHash, Verdict)],
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.write(|tx| {
            add_all(tx, rule_set, verdicts, &stored_time(now)).map_err(|e| StoreError::from_sql(tx, e))
        })
    }
}

/// The same on a read-only connection.
///
/// # Errors
/// [`StoreError`].
pub fn rule_set_in_force(connection: &Connection) -> Result<Option<String>, StoreError> {
    connection
        .query_row(IN_FORCE, [], |row| row.get(0))
        .optional()
        .map_err(|e| StoreError::from_sql(connection, e))
}

fn put_in_force(tx: &Transaction<'_>, hash: &str, now: Timestamp) -> rusqlite::Result<()> {
    let current: Option<String> = tx.query_row(IN_FORCE, [], |row| row.get(0)).optional()?;
    tx.execute(ADD_RULE_SET, params![hash, stored_time(now)])?;
    if current.as_deref() != Some(hash) {
        tx.execute(USE_RULE_SET, params![hash, stored_time(now)])?;
    }
    Ok(())
}

fn add_all(
    tx: &Transaction<'_>,
    rule_set: &str,
    verdicts: &[(DefinitionHash, Verdict)],
    now: &str,
) -> rusqlite::Result<()> {
    let text = |e| rusqlite::Error::ToSqlConversionFailure(Box::new(e));
    tx.execute(ADD_RULE_SET, params![rule_set, now])?;
    let mut add = tx.prepare_cached(ADD_VERDICT)?;
    for (hash, verdict) in verdicts {
        add.execute(params![
            hash.as_str(),
            rule_set,
            verdict.class.as_str(),
            verdict.risk.as_str(),
            serde_json::to_string(&verdict.signals).map_err(text)?,
            verdict.confidence,
            verdict.needs_review,
            serde_json::to_string(&verdict.evidence).map_err(text)?,
            now,
        ])?;
    }
    Ok(())
}

/// A verdict from the columns of the table; None where a LEFT JOIN found none.
pub(super) fn verdict(row: &Row<'_>) -> rusqlite::Result<Option<Verdict>> {
    let Some(class) = maybe_word(row, "class")? else { return Ok(None) };
    Ok(Some(Verdict {
        class,
        risk: word(row, "risk")?,
        signals: json(row, "signals")?,
        confidence: row.get("confidence")?,
        needs_review: row.get("needs_review")?,
        evidence: json(row, "evidence")?,
    }))
}
