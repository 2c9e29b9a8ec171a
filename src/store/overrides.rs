//! Corrections by people. They change what is shown, never what was found: the newest one is in force, older ones stay.
//!
//! Which one is in force is decided in the views `tools_probed` and `overrides_in_force` and in the queries here, in
//! one way: of one (server, tool, definition) the newest `made_at`, then the higher `id`. What lies in
//! `data/overrides.toml` is [`super::listed`]'s business.

use jiff::{SignedDuration, Timestamp};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::rows::{maybe_json, maybe_word, time, word};
use super::{Store, StoreError, stored_time};
use crate::model::{Class, DefinitionHash, Risk, ServerKey, Signal, Verdict};

const NEWEST: &str = "
    SELECT server_key AS server, tool, definition_hash, class, risk, signals, who, why, made_at
    FROM overrides WHERE server_key = ?1 AND tool = ?2 AND definition_hash = ?3 AND listed
    ORDER BY made_at DESC, id DESC LIMIT 1";

const IN_FORCE: &str = "
    SELECT server, tool, definition_hash, class, risk, signals, who, why, made_at
    FROM overrides_in_force ORDER BY server, tool, definition_hash";

const EXPIRED: &str = "
    SELECT server, tool, definition_hash, class, risk, signals, who, why, made_at, state
    FROM overrides_expired WHERE (?1 IS NULL OR server = ?1) AND (?2 IS NULL OR tool = ?2)
    ORDER BY server, tool, made_at, id";

const HISTORY: &str = "
    SELECT server_key AS server, tool, definition_hash, class, risk, signals, who, why, made_at, origin, listed
    FROM overrides WHERE server_key = ?1 AND tool = ?2 ORDER BY made_at, id";

const ADD: &str = "
    INSERT INTO overrides (server_key, tool, definition_hash, class, risk, signals, who, why, made_at, origin)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)";

const SAME: &str = "
    SELECT count(*) FROM overrides WHERE server_key = ?1 AND tool = ?2 AND definition_hash = ?3 AND class IS ?4
    AND risk IS ?5 AND signals IS ?6 AND who = ?7 AND why = ?8 AND made_at = ?9 AND listed";

/// A person's correction of one definition of one tool of one server. When the definition changes, it no longer speaks.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Override {
    /// Whose tool.
    pub server: ServerKey,
    /// The tool's name, exactly.
    pub tool: String,
    /// The definition that was looked at.
    pub definition: DefinitionHash,
    /// The right class; None keeps the verdict's.
    pub class: Option<Class>,
    /// The right risk; None: what follows from class and signals.
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

/// A correction as it stands in the history of a tool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredOverride {
    /// What it says.
    pub said: Override,
    /// `database`, `import` or `file`.
    pub origin: String,
    /// False for one that `data/overrides.toml` held once and holds no more.
    pub listed: bool,
}

/// A correction of a definition that its server's newest answer does not list any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExpiredOverride {
    /// What it said.
    pub said: Override,
    /// The tool itself is gone, not only the definition.
    pub gone: bool,
}

/// Class and risk after a correction that states some of class, risk and signals, of what was judged before. A risk that is not stated
/// follows from the class and the signals, or stays where neither is stated.
pub(super) fn corrected(
    (class, risk, signals): (Option<Class>, Option<Risk>, Option<&[Signal]>),
    (was_class, was_risk, was_signals): (Class, Risk, &[Signal]),
) -> (Class, Risk) {
    let as_judged = class.is_none() && signals.is_none();
    let class = class.unwrap_or(was_class);
    let follows = || if as_judged { was_risk } else { Risk::of(class, signals.unwrap_or(was_signals)) };
    (class, risk.unwrap_or_else(follows))
}

impl Override {
    /// The verdict as corrected. A person has looked, so it needs no review; the evidence stays what the rules found.
    /// A risk that is not stated follows from the class and the signals.
    pub fn applied_to(&self, verdict: &Verdict) -> Verdict {
        let was = (verdict.class, verdict.risk, &*verdict.signals);
        let (class, risk) = corrected((self.class, self.risk, self.signals.as_deref()), was);
        Verdict {
            class,
            risk,
            signals: self.signals.clone().unwrap_or_else(|| verdict.signals.clone()),
            needs_review: false,
            ..verdict.clone()
        }
    }

    /// True if it states nothing: what was said before is taken back.
    pub fn takes_back(&self) -> bool {
        self.class.is_none() && self.risk.is_none() && self.signals.is_none()
    }

    /// True if both say the same, whenever they were made.
    fn says_the_same(&self, other: &Override) -> bool {
        Override { made_at: other.made_at, ..self.clone() } == *other
    }
}

impl Store {
    /// Stores a correction. True if it is new: one that says what the newest one says already is not stored again.
    ///
    /// It is in force from then on: where the newest one claims a later time, it gets the next one.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn add_override(&mut self, correction: &Override) -> Result<bool, StoreError> {
        self.write(|tx| add_newest(tx, correction).map_err(|e| StoreError::from_sql(tx, e)))
    }

    /// Stores corrections with the times they have: all of them or none. Returns how many were not there before.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn import_overrides(&mut self, corrections: &[Override]) -> Result<usize, StoreError> {
        let import = |tx: &Connection| -> rusqlite::Result<usize> {
            let mut new = 0;
            for correction in corrections {
                if !is_stored(tx, correction)? {
                    insert(tx, correction, "import")?;
                    new += 1;
                }
            }
            Ok(new)
        };
        self.write(|tx| import(tx).map_err(|e| StoreError::from_sql(tx, e)))
    }
}

/// Every correction in force, also of servers and definitions that are not here; by server, tool and definition.
///
/// # Errors
/// [`StoreError`].
pub fn overrides_in_force(connection: &Connection) -> Result<Vec<Override>, StoreError> {
    list(connection, IN_FORCE, params![], correction)
}

/// Corrections in force that no longer speak, of all servers or of one, of all its tools or of one.
///
/// # Errors
/// [`StoreError`].
pub fn overrides_expired(
    connection: &Connection,
    server: Option<&str>,
    tool: Option<&str>,
) -> Result<Vec<ExpiredOverride>, StoreError> {
    list(connection, EXPIRED, params![server, tool], |row| {
        Ok(ExpiredOverride { said: correction(row)?, gone: row.get::<_, String>("state")? == "gone" })
    })
}

/// Everything that was ever said of a tool, of all its definitions, oldest first.
///
/// # Errors
/// [`StoreError`].
pub fn override_history(
    connection: &Connection,
    server: &ServerKey,
    tool: &str,
) -> Result<Vec<StoredOverride>, StoreError> {
    list(connection, HISTORY, params![server.to_string(), tool], |row| {
        Ok(StoredOverride { said: correction(row)?, origin: row.get("origin")?, listed: row.get("listed")? })
    })
}

/// The correction in force for one definition of one tool of one server.
pub(super) fn newest_override(
    connection: &Connection,
    server: &str,
    tool: &str,
    definition: &str,
) -> rusqlite::Result<Option<Override>> {
    Ok(newest_said(connection, server, tool, definition)?.filter(|said| !said.takes_back()))
}

/// A correction from the columns of the table, its key as `server`.
pub(super) fn correction(row: &Row<'_>) -> rusqlite::Result<Override> {
    let mut signals: Option<Vec<Signal>> = maybe_json(row, "signals")?;
    if let Some(signals) = &mut signals {
        // A person writes them in any order.
        signals.sort_unstable();
        signals.dedup();
    }
    Ok(Override {
        server: word(row, "server")?,
        tool: row.get("tool")?,
        definition: DefinitionHash::stored(row.get::<_, String>("definition_hash")?),
        class: maybe_word(row, "class")?,
        risk: maybe_word(row, "risk")?,
        signals,
        who: row.get("who")?,
        why: row.get("why")?,
        made_at: time(row, "made_at")?,
    })
}

/// True if exactly this was stored before, with its time, and is not one that the file dropped.
pub(super) fn is_stored(connection: &Connection, correction: &Override) -> rusqlite::Result<bool> {
    let count: i64 = connection.prepare_cached(SAME)?.query_row(
        params![
            correction.server.to_string(),
            correction.tool,
            correction.definition.as_str(),
            correction.class.map(Class::as_str),
            correction.risk.map(Risk::as_str),
            signals_text(correction)?,
            correction.who,
            correction.why,
            stored_time(correction.made_at),
        ],
        |row| row.get(0),
    )?;
    Ok(count > 0)
}

pub(super) fn insert(
    connection: &Connection,
    correction: &Override,
    origin: &'static str,
) -> rusqlite::Result<()> {
    connection.prepare_cached(ADD)?.execute(params![
        correction.server.to_string(),
        correction.tool,
        correction.definition.as_str(),
        correction.class.map(Class::as_str),
        correction.risk.map(Risk::as_str),
        signals_text(correction)?,
        correction.who,
        correction.why,
        stored_time(correction.made_at),
        origin,
    ])?;
    Ok(())
}

fn signals_text(correction: &Override) -> rusqlite::Result<Option<String>> {
    let text = correction.signals.as_ref().map(serde_json::to_string).transpose();
    text.map_err(|e| rusqlite::Error::ToSqlConversionFailure(Box::new(e)))
}

fn newest_said(
    connection: &Connection,
    server: &str,
    tool: &str,
    definition: &str,
) -> rusqlite::Result<Option<Override>> {
    connection.prepare_cached(NEWEST)?.query_row(params![server, tool, definition], correction).optional()
}

fn add_newest(connection: &Connection, correction: &Override) -> rusqlite::Result<bool> {
    let server = correction.server.to_string();
    let newest = newest_said(connection, &server, &correction.tool, correction.definition.as_str())?;
    let made_at = match &newest {
        Some(newest) if newest.says_the_same(correction) => return Ok(false),
        Some(newest) => correction.made_at.max(newest.made_at + SignedDuration::from_millis(1)),
        None => correction.made_at,
    };
    insert(connection, &Override { made_at, ..correction.clone() }, "database")?;
    Ok(true)
}

fn list<T>(
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
