//! Everything that a set of labelled tools says about the rules.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::figures::ClassFigures;
use super::label::{Answer, Mistake};
use super::measures::{self, Calibration, SignalFigures};
use super::row::LabelledTool;
use crate::model::{Signal, Verdict};

/// The figures of a set of tools. What the labels say nothing of is left out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// Of every tool.
    pub all: ClassFigures,
    /// Of those about which two readers would agree.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uncontested: Option<ClassFigures>,
    /// Of those drawn as tools occur, not for being odd.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub natural: Option<ClassFigures>,
    /// Share whose risk level is accepted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub risk_accepted: Option<f64>,
    /// Each signal that occurs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signals: Option<BTreeMap<Signal, SignalFigures>>,
    /// What a confidence is worth.
    pub calibration: Calibration,
}

impl Report {
    /// The figures of these answers; `natural` are those of them that were drawn as tools occur.
    pub fn of(answers: &[Answer<'_>], natural: &[Answer<'_>]) -> Self {
        let clear: Vec<Answer<'_>> = answers.iter().filter(|a| !a.label.contested).copied().collect();
        let some = |part: &[Answer<'_>]| (!part.is_empty()).then(|| ClassFigures::of(part));
        Self {
            all: ClassFigures::of(answers),
            uncontested: some(&clear),
            natural: some(natural),
            risk_accepted: measures::risk_accepted(answers),
            signals: measures::signals(answers),
            calibration: measures::calibration(answers),
        }
    }

    /// The figures of rows and the verdicts on them, in the same order, and the first `most` mistakes.
    pub fn of_rows(rows: &[LabelledTool], verdicts: &[Verdict], most: usize) -> (Self, Vec<Mistake>) {
        let all: Vec<Answer<'_>> =
            rows.iter().zip(verdicts).map(|(row, verdict)| Answer { label: &row.label, verdict }).collect();
        let pairs = || rows.iter().zip(&all);
        let natural: Vec<Answer<'_>> =
            pairs().filter(|(row, _)| row.stratum == "natural").map(|(_, answer)| *answer).collect();
        let mistakes = pairs()
            .filter(|(_, answer)| !answer.is_right())
            .take(most)
            .map(|(row, answer)| Mistake::of_row(&row.subject, row.label.class.as_str(), answer.verdict))
            .collect();
        (Self::of(&all, &natural), mistakes)
    }
}
