//! The benchmark's result as the method page shows it: words, counts and percentages; its sentences are in the template.

use jiff::Timestamp;
use serde::Serialize;

use super::words::{ClassWord, Day, class_word, day};
use crate::eval::{BenchmarkResult, ClassFigures, Report};
use crate::model::Class;

/// What was measured, with which rules, and how it went.
#[derive(Debug, Serialize)]
pub(super) struct BenchmarkView {
    /// It was made with other rules than those in force.
    older_rules: bool,
    /// 12 digits of the hash of the rules it was made with.
    rules: String,
    as_of: Option<Day>,
    asked: usize,
    answered: usize,
    scored: usize,
    mismatched: usize,
    missing: usize,
    unanswered: usize,
    classes: Vec<ClassWord>,
    rows: Vec<RowView>,
    /// Of the tools called so, how many are labelled so; one for each class.
    precision: Vec<Option<String>>,
    accuracy: Option<String>,
    /// Labelled Execute or Destructive.
    grave: usize,
    grave_as_read: usize,
    /// Given a confidence of 0.9 or more.
    sure: usize,
    sure_right: Option<String>,
    sets: Vec<SetView>,
}

/// One row of the matrix: the label, and what was said.
#[derive(Debug, Serialize)]
struct RowView {
    class: ClassWord,
    cells: Vec<CellView>,
    /// Of the tools labelled so, how many are called so.
    recall: Option<String>,
}

#[derive(Debug, Serialize)]
struct CellView {
    count: usize,
    /// Label and verdict agree.
    agree: bool,
}

/// One column of the comparison of sets.
#[derive(Debug, Serialize)]
struct SetView {
    id: &'static str,
    tools: usize,
    accuracy: Option<String>,
    uncontested: Option<String>,
    macro_f1: Option<String>,
    grave_as_read: Option<String>,
    needs_review: Option<String>,
    risk: Option<String>,
}

impl BenchmarkView {
    /// The view, beside the hash of the rules in force.
    pub(super) fn new(result: &BenchmarkResult, rules: &str) -> Self {
        let all = &result.sets.all;
        let sure = all.calibration.sure();
        Self {
            older_rules: result.rule_set != rules,
            rules: result.rule_set.chars().take(12).collect(),
            as_of: result.as_of.as_deref().and_then(|time| time.parse::<Timestamp>().ok()).map(day),
            asked: result.packages.asked,
            answered: result.packages.answered,
            scored: result.labels.scored,
            mismatched: result.labels.mismatched,
            missing: result.labels.missing,
            unanswered: result.labels.unanswered,
            classes: Class::ALL.iter().map(|class| class_word(*class)).collect(),
            rows: Class::ALL.iter().map(|class| row(&all.all, *class)).collect(),
            precision: Class::ALL.iter().map(|c| percent(all.all.per_class.get(c)?.precision)).collect(),
            accuracy: percent(all.all.accuracy),
            grave: all.all.grave(),
            grave_as_read: all.all.dangerous_as_read,
            sure: sure.map_or(0, |bin| bin.n),
            sure_right: percent(sure.and_then(|bin| bin.right)),
            sets: vec![set("held-out", &result.sets.held_out), set("tuning", &result.sets.tuning)],
        }
    }
}

fn row(figures: &ClassFigures, label: Class) -> RowView {
    let cell = |said: &Class| CellView { count: figures.cell(label, *said), agree: *said == label };
    RowView {
        class: class_word(label),
        cells: Class::ALL.iter().map(cell).collect(),
        recall: percent(figures.per_class.get(&label).and_then(|own| own.recall)),
    }
}

fn set(id: &'static str, report: &Report) -> SetView {
    SetView {
        id,
        tools: report.all.tools,
        accuracy: percent(report.all.accuracy),
        uncontested: percent(report.uncontested.as_ref().and_then(|figures| figures.accuracy)),
        macro_f1: report.all.macro_f1.map(|f1| format!("{f1:.3}")),
        grave_as_read: percent(report.all.dangerous_as_read_rate),
        needs_review: percent(report.all.needs_review),
        risk: percent(report.risk_accepted),
    }
}

/// `96.6 %`, with a space that does not break; None of nothing. Never rounded up to all or down to none.
fn percent(share: Option<f64>) -> Option<String> {
    let percent = share? * 100.0;
    let shown = (percent * 10.0).round() / 10.0;
    let shown = if percent < 100.0 && shown >= 100.0 {
        99.9
    } else if percent > 0.0 && shown <= 0.0 {
        0.1
    } else {
        shown
    };
    Some(if shown.fract() == 0.0 { format!("{shown:.0}\u{a0}%") } else { format!("{shown:.1}\u{a0}%") })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_never_rounded_to_all_or_nothing() {
        for (share, text) in [
            (1.0, "100\u{a0}%"),
            (0.9999, "99.9\u{a0}%"),
            (0.966, "96.6\u{a0}%"),
            (0.5, "50\u{a0}%"),
            (0.0001, "0.1\u{a0}%"),
            (0.0, "0\u{a0}%"),
        ] {
            assert_eq!(percent(Some(share)).as_deref(), Some(text));
        }
        assert_eq!(percent(None), None);
    }
}
