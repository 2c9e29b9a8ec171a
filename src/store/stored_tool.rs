//! One tool of an answer as its rows say it, in texts that lie elsewhere: in a row of the database, or where they were put from there.

use std::path::Path;

use jiff::Timestamp;
use rusqlite::Row;

use super::StoreError;
use super::rows::{maybe_text, read_json, read_word, text};
use crate::model::{DefinitionHash, Verdict};

/// The columns that [`StoredTool::of`] reads, in their order, of a definition `d` and its verdict `v`, which may be missing.
macro_rules! stored_tool_columns {
    () => {
        "d.hash AS hash, d.canonical AS canonical, d.first_seen AS first_seen, v.class AS class, v.risk AS risk, v.signals AS signals,
         v.confidence AS confidence, v.needs_review AS needs_review, v.evidence AS evidence"
    };
}
pub(super) use stored_tool_columns;

/// How many columns these are.
pub(super) const COLUMNS: usize = 9;

/// One tool of an answer.
#[derive(Debug, Clone, PartialEq)]
pub struct SiteTool {
    /// Its definition's hash.
    pub hash: DefinitionHash,
    /// Its definition as canonical JSON; evidence points into it.
    pub canonical: String,
    /// When this definition was first seen, on any server.
    pub first_seen: Timestamp,
    /// The stored verdict under the rule set asked for.
    pub verdict: Option<Verdict>,
    /// Its evidence as it is stored, JSON.
    pub evidence: Option<String>,
}

/// The same, not read yet.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StoredTool<'a> {
    /// Its definition's hash.
    pub hash: &'a str,
    /// Its definition as canonical JSON.
    pub canonical: &'a str,
    /// When this definition was first seen.
    pub first_seen: &'a str,
    /// The stored verdict; None: nobody has judged it under these rules.
    pub verdict: Option<StoredVerdict<'a>>,
}

/// A verdict, not read yet.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StoredVerdict<'a> {
    /// What it can do.
    pub class: &'a str,
    /// How bad one wrong call is.
    pub risk: &'a str,
    /// What was noticed, as JSON.
    pub signals: &'a str,
    /// How sure the rules are, 0 to 1.
    pub confidence: f64,
    /// A person should look at it.
    pub needs_review: bool,
    /// The reasons, as JSON.
    pub evidence: &'a str,
}

impl<'a> StoredTool<'a> {
    /// From a row that begins with the columns of `stored_tool_columns!`.
    pub(super) fn of(row: &'a Row<'_>) -> rusqlite::Result<Self> {
        let verdict = match maybe_text(row, (3, "class"))? {
            None => None,
            Some(class) => Some(StoredVerdict {
                class,
                risk: text(row, (4, "risk"))?,
                signals: text(row, (5, "signals"))?,
                confidence: row.get(6)?,
                needs_review: row.get(7)?,
                evidence: text(row, (8, "evidence"))?,
            }),
        };
        Ok(Self {
            hash: text(row, (0, "hash"))?,
            canonical: text(row, (1, "canonical"))?,
            first_seen: text(row, (2, "first_seen"))?,
            verdict,
        })
    }

    /// Reads what it says; `database` is where that came from.
    ///
    /// # Errors
    /// [`StoreError`], where somebody altered what is stored.
    pub fn read(&self, database: &Path) -> Result<SiteTool, StoreError> {
        self.read_it().map_err(|e| StoreError::at(database.to_owned(), e))
    }

    pub(super) fn read_it(&self) -> rusqlite::Result<SiteTool> {
        Ok(SiteTool {
            hash: DefinitionHash::stored(self.hash.to_owned()),
            canonical: self.canonical.to_owned(),
            first_seen: read_word("first_seen", self.first_seen)?,
            verdict: self.verdict.as_ref().map(StoredVerdict::read).transpose()?,
            evidence: self.verdict.as_ref().map(|verdict| verdict.evidence.to_owned()),
        })
    }
}

impl StoredVerdict<'_> {
    fn read(&self) -> rusqlite::Result<Verdict> {
        Ok(Verdict {
            class: read_word("class", self.class)?,
            risk: read_word("risk", self.risk)?,
            signals: read_json("signals", self.signals)?,
            confidence: self.confidence,
            needs_review: self.needs_review,
            evidence: read_json("evidence", self.evidence)?,
        })
    }
}
