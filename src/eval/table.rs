//! The figures as text for people: what `catalogue eval` prints.

use super::figures::ClassFigures;
use super::hints::HintReport;
use super::label::Mistake;
use super::measures::Calibration;
use super::report::Report;
use super::result::BenchmarkResult;
use crate::model::{Class, Untrusted};

/// Every table of a report.
pub fn report_table(report: &Report) -> String {
    let mut text = part("all", &report.all);
    for (name, figures) in [("uncontested", &report.uncontested), ("natural", &report.natural)] {
        text.push_str(&figures.as_ref().map(|figures| part(name, figures)).unwrap_or_default());
    }
    if let Some(accepted) = report.risk_accepted {
        text.push_str(&format!("risk accepted {accepted:.3}\n\n"));
    }
    if let Some(signals) = &report.signals {
        text.push_str("signal                     n  recall  precision\n");
        for (signal, figures) in signals {
            let (recall, precision) = (share(figures.recall), share(figures.precision));
            text.push_str(&format!(
                "{:<22} {:>5}  {recall:>6}  {precision:>9}\n",
                signal.as_str(),
                figures.n
            ));
        }
        text.push('\n');
    }
    text + &confidence(&report.calibration)
}

/// The figures of a run on hints.
pub fn hint_table(report: &HintReport) -> String {
    format!(
        "Read against not-Read by the author's hint, which was hidden: {} tools of {} families\n\
         accuracy {}  mean over families {}  Read: precision {}  recall {}\n",
        report.tools,
        report.families,
        share(report.accuracy),
        share(report.macro_by_family),
        share(report.read_precision),
        share(report.read_recall)
    )
}

/// The benchmark's counts, then the tables of all labels and of each half.
pub fn benchmark_table(result: &BenchmarkResult) -> String {
    let (packages, labels) = (&result.packages, &result.labels);
    let mut text = format!(
        "rule set {}\nas of {}\npackages: {} asked, {} answered\n\
         labels: {} scored, {} of another definition, {} of a tool that is not listed, {} of servers that did not answer\n",
        result.rule_set,
        result.as_of.as_deref().unwrap_or("never"),
        packages.asked,
        packages.answered,
        labels.scored,
        labels.mismatched,
        labels.missing,
        labels.unanswered
    );
    let sets = &result.sets;
    text.push_str(&side_by_side([
        ("all", &sets.all),
        ("held-out", &sets.held_out),
        ("tuning", &sets.tuning),
    ]));
    for (name, report) in [("all", &sets.all), ("held-out", &sets.held_out), ("tuning", &sets.tuning)] {
        let heading = format!("{name} labels");
        text.push_str(&format!("\n{heading}\n{}\n{}", "=".repeat(heading.len()), report_table(report)));
    }
    text
}

/// The figures that matter most, one column a set: what rules do to labels that nobody saw, beside those they were made with.
fn side_by_side(sets: [(&str, &Report); 3]) -> String {
    type Figure = fn(&Report) -> String;
    let rows: [(&str, Figure); 10] = [
        ("labels", |r| r.all.tools.to_string()),
        ("accuracy", |r| share(r.all.accuracy)),
        ("accuracy, uncontested", |r| share(r.uncontested.as_ref().and_then(|u| u.accuracy))),
        ("macro-F1", |r| share(r.all.macro_f1)),
        ("grave tools called Read", |r| share(r.all.dangerous_as_read_rate)),
        ("and not flagged either", |r| share(r.all.dangerous_unflagged_rate)),
        ("flagged needs-review", |r| share(r.all.needs_review)),
        ("risk accepted", |r| share(r.risk_accepted)),
        ("calibration error", |r| share(r.calibration.ece)),
        ("right among 0.9 or more", |r| share(r.calibration.sure().and_then(|bin| bin.right))),
    ];
    let mut text = format!("\n{:<24}", "");
    for (name, _) in sets {
        text.push_str(&format!("  {name:>9}"));
    }
    for (what, figure) in rows {
        text.push_str(&format!("\n{what:<24}"));
        for (_, report) in sets {
            text.push_str(&format!("  {:>9}", figure(report)));
        }
    }
    text + "\n"
}

/// One line a mistake. Everything foreign in it is cleaned.
pub fn mistake_lines(mistakes: &[Mistake]) -> String {
    let mut text = String::new();
    for mistake in mistakes {
        let show = |text: &str, most| Untrusted::new(text).for_terminal(most);
        text.push_str(&format!(
            "{} {} {}: label {}, said {} ({:.2}{}), {}\n",
            show(&mistake.id, 80),
            show(&mistake.server, 80),
            show(&mistake.name, 80),
            mistake.label,
            mistake.said,
            mistake.confidence,
            if mistake.needs_review { ", needs review" } else { "" },
            mistake.rule.as_deref().unwrap_or("no evidence"),
        ));
    }
    text
}

fn part(name: &str, figures: &ClassFigures) -> String {
    let unflagged = share(figures.dangerous_unflagged_rate);
    let mut text = format!(
        "{name}: {} tools, accuracy {}, macro-F1 {}\n\
         Destructive or Execute called Read: {} of {} ({}), not flagged either {unflagged}; flagged needs-review {}\n",
        figures.tools,
        share(figures.accuracy),
        share(figures.macro_f1),
        figures.dangerous_as_read,
        figures.grave(),
        share(figures.dangerous_as_read_rate),
        share(figures.needs_review),
    );
    text.push_str("label \\ said");
    for class in Class::ALL {
        text.push_str(&format!("  {class:>11}"));
    }
    text.push_str("  precision  recall     F1\n");
    for class in Class::ALL {
        text.push_str(&format!("{class:<12}"));
        for said in Class::ALL {
            text.push_str(&format!("  {:>11}", figures.cell(*class, *said)));
        }
        if let Some(own) = figures.per_class.get(class) {
            let (precision, recall, f1) = (share(own.precision), share(own.recall), share(own.f1));
            text.push_str(&format!("  {precision:>9}  {recall:>6}  {f1:>5}"));
        }
        text.push('\n');
    }
    text + "\n"
}

fn confidence(calibration: &Calibration) -> String {
    let sure = calibration.sure().map_or_else(
        || "no tool with 0.9 or more".to_owned(),
        |bin| format!("right among 0.9 or more {} of {}", share(bin.right), bin.n),
    );
    let mut text = format!("calibration error {}, {sure}\n", share(calibration.ece));
    for (from, bin) in &calibration.bins {
        text.push_str(&format!("  {from}  n={:<5} right {}\n", bin.n, share(bin.right)));
    }
    text
}

/// Three decimals; a dash for a share of nothing.
fn share(value: Option<f64>) -> String {
    value.map_or_else(|| "-".to_owned(), |value| format!("{value:.3}"))
}
