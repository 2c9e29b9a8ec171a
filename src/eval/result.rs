//! What the benchmark gave: the shape of `data/benchmark-result.json`, which the site's method page shows.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::report::Report;

/// The result's place in the data files.
pub const RESULT_FILE: &str = "benchmark-result.json";

/// The result's file is not what `catalogue eval --benchmark` writes.
#[derive(Debug, Error)]
#[error("data/{RESULT_FILE} cannot be read; make it anew with catalogue eval --benchmark, or delete it")]
pub struct ResultError(#[from] serde_json::Error);

/// One run of the benchmark. A function of the labels, the stored answers and the rules: it knows no clock.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BenchmarkResult {
    /// The hash of the rules that were measured.
    pub rule_set: String,
    /// When the newest of the answers was given, RFC 3339; None if there is none.
    pub as_of: Option<String>,
    /// The packages.
    pub packages: PackageCounts,
    /// The labels.
    pub labels: LabelCounts,
    /// The figures.
    pub sets: Sets,
}

/// What became of the packages.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PackageCounts {
    /// Releases with labels.
    pub asked: usize,
    /// Those that listed their tools.
    pub answered: usize,
}

/// What became of the labels. The four add up to all of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LabelCounts {
    /// Scored: the definition is the one that was read.
    pub scored: usize,
    /// The tool is there with another definition.
    pub mismatched: usize,
    /// The server lists no tool of that name.
    pub missing: usize,
    /// Their server did not answer.
    pub unanswered: usize,
}

/// The figures of all labels and of each half.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Sets {
    /// All scored labels.
    pub all: Report,
    /// Those that no author of a rule has seen.
    #[serde(rename = "held-out")]
    pub held_out: Report,
    /// Those that rules were written with in view.
    pub tuning: Report,
}

impl Report {
    /// Every share at four decimals: what is published is read by people, and read back exactly.
    pub(super) fn rounded(mut self) -> Self {
        let round = |share: &mut Option<f64>| *share = share.map(|s| (s * 10_000.0).round() / 10_000.0);
        let parts = [Some(&mut self.all), self.uncontested.as_mut(), self.natural.as_mut()];
        for figures in parts.into_iter().flatten() {
            let shares = [
                &mut figures.accuracy,
                &mut figures.macro_f1,
                &mut figures.dangerous_as_read_rate,
                &mut figures.dangerous_unflagged_rate,
                &mut figures.needs_review,
            ];
            shares.into_iter().for_each(round);
            for own in figures.per_class.values_mut() {
                [&mut own.precision, &mut own.recall, &mut own.f1].into_iter().for_each(round);
            }
        }
        round(&mut self.risk_accepted);
        round(&mut self.calibration.ece);
        self.calibration.bins.values_mut().for_each(|bin| round(&mut bin.right));
        for figures in self.signals.iter_mut().flat_map(|signals| signals.values_mut()) {
            [&mut figures.recall, &mut figures.precision].into_iter().for_each(round);
        }
        self
    }
}

impl BenchmarkResult {
    /// The file's content: JSON for people and diffs, with a line feed at its end.
    ///
    /// # Errors
    /// None that figures could cause.
    pub fn to_json(&self) -> Result<String, ResultError> {
        Ok(serde_json::to_string_pretty(self)? + "\n")
    }

    /// Reads what [`BenchmarkResult::to_json`] wrote.
    ///
    /// # Errors
    /// [`ResultError`], with line and column as its cause.
    pub fn from_json(bytes: &[u8]) -> Result<Self, ResultError> {
        Ok(serde_json::from_slice(bytes)?)
    }
}
