//! Read against not-Read by the author's own `readOnlyHint`, which the classifier does not get to see.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::label::Mistake;
use super::ratio;
use super::row::{Line, Subject};
use crate::model::{Class, Verdict};

/// A row whose author says whether it only reads.
#[derive(Debug, Clone, PartialEq)]
pub struct HintedTool {
    /// What is asked about, without its annotations.
    pub subject: Subject,
    /// What the author says.
    pub read_only: bool,
    /// Servers of one author or origin; the server where the row does not say.
    pub family: String,
}

/// How well Read is told from the rest.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct HintReport {
    /// How many tools.
    pub tools: usize,
    /// Share on which rules and author agree.
    pub accuracy: Option<f64>,
    /// Mean of the shares of the families, so that a large one does not drown the others.
    pub macro_by_family: Option<f64>,
    /// How many families.
    pub families: usize,
    /// Of the tools called Read, the share whose author says so.
    pub read_precision: Option<f64>,
    /// Of the tools whose author says they only read, the share called Read.
    pub read_recall: Option<f64>,
}

#[derive(Deserialize)]
struct Annotations {
    #[serde(rename = "readOnlyHint")]
    read_only: Option<bool>,
}

impl HintedTool {
    /// Reads a line; `number` counts from 1 and names a row without an id.
    ///
    /// # Errors
    /// What is wrong with the line, without its number.
    pub fn from_line(text: &str, number: usize) -> Result<Self, String> {
        let line = Line::read(text)?;
        let stated = line.annotations.and_then(|raw| serde_json::from_str::<Annotations>(raw.get()).ok());
        let read_only = stated
            .and_then(|annotations| annotations.read_only)
            .ok_or("no annotations.readOnlyHint of true or false")?;
        let subject = line.subject(number, true)?;
        Ok(Self { family: line.family.unwrap_or_else(|| subject.server.clone()), subject, read_only })
    }
}

impl HintReport {
    /// The figures of rows and the verdicts on them, in the same order, and the first `most` mistakes.
    pub fn of_rows(rows: &[HintedTool], verdicts: &[Verdict], most: usize) -> (Self, Vec<Mistake>) {
        let said_read = |verdict: &Verdict| verdict.class == Class::Read;
        let pairs = || rows.iter().zip(verdicts);
        let count = |read_only: bool, read: bool| {
            pairs().filter(|(row, v)| row.read_only == read_only && said_read(v) == read).count()
        };
        let (found, missed, wrong) = (count(true, true), count(true, false), count(false, true));
        let mut families: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
        for (row, verdict) in pairs() {
            let (right, tools) = families.entry(&row.family).or_default();
            *right += usize::from(row.read_only == said_read(verdict));
            *tools += 1;
        }
        let shares: Vec<f64> = families.values().filter_map(|(right, tools)| ratio(*right, *tools)).collect();
        let report = Self {
            tools: rows.len(),
            accuracy: ratio(found + count(false, false), rows.len()),
            macro_by_family: (!shares.is_empty()).then(|| shares.iter().sum::<f64>() / shares.len() as f64),
            families: families.len(),
            read_precision: ratio(found, found + wrong),
            read_recall: ratio(found, found + missed),
        };
        let mistakes = pairs()
            .filter(|(row, verdict)| row.read_only != said_read(verdict))
            .take(most)
            .map(|(row, verdict)| {
                Mistake::of_row(&row.subject, if row.read_only { "read" } else { "not read" }, verdict)
            })
            .collect();
        (report, mistakes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hint_is_the_question_and_is_not_shown() {
        let line = r#"{"name":"a","server":"s","annotations":{"readOnlyHint":false,"title":"A"}}"#;
        let row = HintedTool::from_line(line, 1).unwrap();
        assert_eq!(row.subject.tool.canonical(), r#"{"name":"a"}"#);
        assert_eq!((row.read_only, row.family.as_str()), (false, "s"));
        for line in [r#"{"name":"a"}"#, r#"{"name":"a","annotations":{"readOnlyHint":"yes"}}"#] {
            assert!(HintedTool::from_line(line, 1).unwrap_err().contains("readOnlyHint"), "{line}");
        }
    }
}
