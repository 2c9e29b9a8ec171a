//! Corrections by people. They change what is shown, never what was found: the newest one is in force, older ones stay.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};

use super::rows::{maybe_json, maybe_word, word};
use super::{Store, StoreError, stored_time};
use crate::model::{Class, DefinitionHash, Risk, ServerKey, Signal, Verdict};

const NEWEST: &str = "
    SELECT server_key, tool, definition_hash, class, risk, signals, who, why, made_at
    FROM overrides WHERE server_key = ?1 AND tool = ?2 AND definition_hash = ?3
    ORDER BY id DESC LIMIT 1";

const ADD: &str = "
    INSERT INTO overrides (server_key, tool, definition_hash, class, risk, signals, who, why, made_at)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";

/// A person's correction of one definition of one tool of one server. When the definition changes, it no longer speaks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Override {
    /// Whose tool.
    pub server: ServerKey,
    /// The tool's name, exactly.
    pub tool: String,
    /// The definition that was looked at.
    pub definition: DefinitionHash,
    /// The right class; None keeps the verdict's.
    pub class: Option<Class>,
    /// The right risk; None keeps the verdict's.
    pub risk: Option<Risk>,
    /// The right signals, all of them; None keeps the verdict's.
    pub signals: Option<Vec<Signal>>,
    /// Who says so.
    pub who: String,
    /// Why, in a sentence.
    pub why: String,
    /// When.
    pub made_at: Timestamp,
}

impl Override {
    /// The verdict as corrected. A person has looked, so it needs no review; the evidence stays what the rules found.
    pub fn applied_to(&self, verdict: &Verdict) -> Verdict {
        Verdict {
            class: self.class.unwrap_or(verdict.class),
            risk: self.risk.unwrap_or(verdict.risk),
            signals: self.signals.clone().unwrap_or_else(|| verdict.signals.clone()),
            needs_review: false,
            ..verdict.clone()
        }
    }

    /// True if both say the same, whenever they were made.
    fn says_the_same(&self, other: &Override) -> bool {
        Override { made_at: other.made_at, ..self.clone() } == *other
    }
}

impl Store {
    /// Stores a correction. True if it is new: one that says what the one in force says already is not stored again.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn add_override(&mut self, correction: &Override) -> Result<bool, StoreError> {
        self.write(|tx| add(tx, correction).map_err(|e| StoreError::from_sql(tx, e)))
    }
}

/// The correction in force for one definition of one tool of one server.
pub(super) fn newest_override(
    connection: &Connection,
    server: &str,
    tool: &str,
    definition: &str,
) -> rusqlite::Result<Option<Override>> {
    connection
        .prepare_cached(NEWEST)?
        .query_row(params![server, tool, definition], |row| {
            Ok(Override {
                server: word(row, "server_key")?,
                tool: row.get("tool")?,
                definition: DefinitionHash::stored(row.get::<_, String>("definition_hash")?),
                class: maybe_word(row, "class")?,
                risk: maybe_word(row, "risk")?,
                signals: maybe_json(row, "signals")?,
                who: row.get("who")?,
                why: row.get("why")?,
                made_at: word(row, "made_at")?,
            })
        })
        .optional()
}

fn add(connection: &Connection, correction: &Override) -> rusqlite::Result<bool> {
    let server = correction.server.to_string();
    let newest = newest_override(connection, &server, &correction.tool, correction.definition.as_str())?;
    if newest.is_some_and(|newest| newest.says_the_same(correction)) {
        return Ok(false);
    }
    let signals = correction.signals.as_ref().map(serde_json::to_string).transpose();
    connection.execute(
        ADD,
        params![
            server,
            correction.tool,
            correction.definition.as_str(),
            correction.class.map(Class::as_str),
            correction.risk.map(Risk::as_str),
            signals.map_err(|e| rusqlite::Error::ToSqlConversionFailure(Box::new(e)))?,
            correction.who,
            correction.why,
            stored_time(correction.made_at),
        ],
    )?;
    Ok(true)
}
