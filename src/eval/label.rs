//! What a reader says of a tool, beside what the rules say, and where the two part.

use std::collections::BTreeSet;

use serde::Serialize;

use super::row::Subject;
use crate::model::{Class, Risk, Signal, Verdict};

/// What a reader with the rubric says of a tool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Label {
    /// The class.
    pub class: Class,
    /// Two readers could differ about the class.
    pub contested: bool,
    /// Every risk level that is accepted; None where the reader said nothing of it.
    pub risk: Option<Vec<Risk>>,
    /// None where the reader said nothing of signals.
    pub signals: Option<SignalLabels>,
}

/// Signals by what a reader says of them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SignalLabels {
    /// They must be raised.
    pub must: BTreeSet<Signal>,
    /// They may be raised: neither right nor wrong.
    pub may: BTreeSet<Signal>,
}

/// A label and the verdict on the same tool.
#[derive(Debug, Clone, Copy)]
pub struct Answer<'a> {
    /// The reader's.
    pub label: &'a Label,
    /// The rules'.
    pub verdict: &'a Verdict,
}

impl Answer<'_> {
    /// The class is the reader's.
    pub fn is_right(&self) -> bool {
        self.label.class == self.verdict.class
    }
}

/// One wrong verdict.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Mistake {
    /// The row's id; of the benchmark the first 12 digits of the definition's hash.
    pub id: String,
    /// The tool's name. Foreign text.
    pub name: String,
    /// Whose tool it is. Foreign text.
    pub server: String,
    /// The reader's class, or `not read` where only that is known.
    pub label: &'static str,
    /// The class that the rules gave.
    pub said: Class,
    /// How sure the verdict is.
    pub confidence: f64,
    /// It is flagged for a person to look at.
    pub needs_review: bool,
    /// The rule of the strongest evidence.
    pub rule: Option<String>,
}

impl Mistake {
    pub(super) fn new(id: &str, name: &str, server: &str, label: &'static str, verdict: &Verdict) -> Self {
        Self {
            id: id.to_owned(),
            name: name.to_owned(),
            server: server.to_owned(),
            label,
            said: verdict.class,
            confidence: verdict.confidence,
            needs_review: verdict.needs_review,
            rule: verdict.evidence.first().map(|evidence| evidence.rule.clone()),
        }
    }

    pub(super) fn of_row(subject: &Subject, label: &'static str, verdict: &Verdict) -> Self {
        Self::new(&subject.id, subject.tool.name(), &subject.server, label, verdict)
    }
}
