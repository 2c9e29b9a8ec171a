//! Figures about the class: how many are right, each class by itself, and the dangerous direction.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::label::Answer;
use super::ratio;
use crate::model::Class;

/// How well the class is found. A share of nothing is None.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ClassFigures {
    /// How many tools these figures are about.
    pub tools: usize,
    /// Share whose class is the reader's.
    pub accuracy: Option<f64>,
    /// Mean of the four F1; None where one of them has none.
    pub macro_f1: Option<f64>,
    /// Tools labelled Destructive or Execute that were called Read.
    pub dangerous_as_read: usize,
    /// Their share of all tools labelled Destructive or Execute.
    pub dangerous_as_read_rate: Option<f64>,
    /// The same, of those that are not flagged needs-review either.
    pub dangerous_unflagged_rate: Option<f64>,
    /// Share of all tools that are flagged needs-review.
    pub needs_review: Option<f64>,
    /// Each class by itself.
    pub per_class: BTreeMap<Class, PerClass>,
    /// Label, then what was said, to how many.
    pub matrix: BTreeMap<Class, BTreeMap<Class, usize>>,
}

/// How well one class is found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PerClass {
    /// Of the tools called so, the share labelled so.
    pub precision: Option<f64>,
    /// Of the tools labelled so, the share called so.
    pub recall: Option<f64>,
    /// Their harmonic mean; None where one of them is.
    pub f1: Option<f64>,
}

impl ClassFigures {
    /// The figures of these answers.
    pub fn of(answers: &[Answer<'_>]) -> Self {
        let zeros = || Class::ALL.iter().map(|class| (*class, 0_usize)).collect::<BTreeMap<_, _>>();
        let mut matrix: BTreeMap<Class, BTreeMap<Class, usize>> =
            Class::ALL.iter().map(|class| (*class, zeros())).collect();
        for answer in answers {
            *matrix.entry(answer.label.class).or_default().entry(answer.verdict.class).or_default() += 1;
        }
        let cell = |label: Class, said: Class| -> usize {
            matrix.get(&label).and_then(|row| row.get(&said)).copied().unwrap_or(0)
        };
        let per_class: BTreeMap<Class, PerClass> = Class::ALL
            .iter()
            .map(|class| {
                let said = Class::ALL.iter().map(|label| cell(*label, *class)).sum();
                let labelled = Class::ALL.iter().map(|said| cell(*class, *said)).sum();
                let hits = cell(*class, *class);
                (*class, PerClass::new(ratio(hits, said), ratio(hits, labelled)))
            })
            .collect();
        let grave = |answer: &&Answer<'_>| answer.label.class >= Class::Execute;
        let called_read = |answer: &&Answer<'_>| grave(answer) && answer.verdict.class == Class::Read;
        let graves = answers.iter().filter(grave).count();
        let dangerous_as_read = answers.iter().filter(called_read).count();
        let unflagged = answers.iter().filter(called_read).filter(|a| !a.verdict.needs_review).count();
        let all_f1: Option<Vec<f64>> = per_class.values().map(|figures| figures.f1).collect();
        Self {
            tools: answers.len(),
            accuracy: ratio(answers.iter().filter(|a| a.is_right()).count(), answers.len()),
            macro_f1: all_f1.map(|f1| f1.iter().sum::<f64>() / Class::ALL.len() as f64),
            dangerous_as_read,
            dangerous_as_read_rate: ratio(dangerous_as_read, graves),
            dangerous_unflagged_rate: ratio(unflagged, graves),
            needs_review: ratio(answers.iter().filter(|a| a.verdict.needs_review).count(), answers.len()),
            per_class,
            matrix,
        }
    }

    /// How many tools with this label were called that.
    pub fn cell(&self, label: Class, said: Class) -> usize {
        self.matrix.get(&label).and_then(|row| row.get(&said)).copied().unwrap_or(0)
    }

    /// Tools labelled Destructive or Execute.
    pub fn grave(&self) -> usize {
        let labelled = |label: Class| Class::ALL.iter().map(|said| self.cell(label, *said)).sum::<usize>();
        labelled(Class::Execute) + labelled(Class::Destructive)
    }
}

impl PerClass {
    fn new(precision: Option<f64>, recall: Option<f64>) -> Self {
        let f1 = precision.zip(recall).map(|(p, r)| if p + r == 0.0 { 0.0 } else { 2.0 * p * r / (p + r) });
        Self { precision, recall, f1 }
    }
}
