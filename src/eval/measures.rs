//! Figures beside the class: the risk, the signals, and what a confidence is worth.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::label::Answer;
use super::ratio;
use crate::model::Signal;

/// How well one signal is found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SignalFigures {
    /// Of the tools that must have it, the share that was given it.
    pub recall: Option<f64>,
    /// Of the tools that were given it and about which the reader is not undecided, the share that must have it.
    pub precision: Option<f64>,
    /// Tools that must have it.
    pub n: usize,
}

/// What a confidence is worth.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Calibration {
    /// Mean distance of confidence and share right over the bins, weighted by their size.
    pub ece: Option<f64>,
    /// By the confidence's first decimal, `0.0` to `0.9`; 1.0 is in the last.
    pub bins: BTreeMap<String, Bin>,
}

/// The tools of one bin.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Bin {
    /// How many.
    pub n: usize,
    /// Share whose class is right.
    pub right: Option<f64>,
}

/// Share of the tools whose risk is one of those accepted, of those whose reader says which are.
pub(super) fn risk_accepted(answers: &[Answer<'_>]) -> Option<f64> {
    let labelled: Vec<bool> = answers
        .iter()
        .filter_map(|a| a.label.risk.as_ref().map(|accepted| accepted.contains(&a.verdict.risk)))
        .collect();
    ratio(labelled.iter().filter(|accepted| **accepted).count(), labelled.len())
}

/// Each signal that occurs; None where no reader said anything of signals.
pub(super) fn signals(answers: &[Answer<'_>]) -> Option<BTreeMap<Signal, SignalFigures>> {
    // Found, missed, raised without a reason.
    let mut counts: BTreeMap<Signal, [usize; 3]> = BTreeMap::new();
    let mut labelled = false;
    for answer in answers {
        let Some(labels) = &answer.label.signals else { continue };
        labelled = true;
        let said = &answer.verdict.signals;
        for signal in &labels.must {
            let [found, missed, _] = counts.entry(*signal).or_default();
            *(if said.contains(signal) { found } else { missed }) += 1;
        }
        for signal in said.iter().filter(|s| !labels.must.contains(s) && !labels.may.contains(s)) {
            let [.., wrong] = counts.entry(*signal).or_default();
            *wrong += 1;
        }
    }
    labelled.then(|| {
        let figures = |[found, missed, wrong]: [usize; 3]| SignalFigures {
            recall: ratio(found, found + missed),
            precision: ratio(found, found + wrong),
            n: found + missed,
        };
        counts.into_iter().map(|(signal, counts)| (signal, figures(counts))).collect()
    })
}

/// Confidence against what came of it.
pub(super) fn calibration(answers: &[Answer<'_>]) -> Calibration {
    // Tools, right ones, sum of confidences.
    let mut bins = [(0_usize, 0_usize, 0.0_f64); 10];
    for answer in answers {
        let bin = ((answer.verdict.confidence * 10.0) as usize).min(9);
        if let Some((n, right, confidence)) = bins.get_mut(bin) {
            *n += 1;
            *right += usize::from(answer.is_right());
            *confidence += answer.verdict.confidence;
        }
    }
    let total: usize = bins.iter().map(|(n, ..)| n).sum();
    let off: f64 = bins.iter().map(|(_, right, confidence)| (*right as f64 - confidence).abs()).sum();
    let of = |(i, (n, right, _)): (usize, (usize, usize, f64))| {
        (n > 0).then(|| (format!("0.{i}"), Bin { n, right: ratio(right, n) }))
    };
    Calibration {
        ece: (total > 0).then(|| off / total as f64),
        bins: bins.into_iter().enumerate().filter_map(of).collect(),
    }
}

impl Calibration {
    /// The tools given 0.9 or more.
    pub fn sure(&self) -> Option<&Bin> {
        self.bins.get("0.9")
    }
}
