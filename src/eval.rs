//! How right the classifier is: verdicts beside what readers of the rubric said, as figures. Pure: no file, no clock.
//!
//! Two kinds of question: rows of labelled tools ([`LabelledTool`], [`HintedTool`]), and the published [`Benchmark`], whose labels
//! are facts about definitions that a scan has stored. `cli/eval` reads and prints; `render` shows [`BenchmarkResult`].

mod benchmark;
mod figures;
mod hints;
mod label;
mod matching;
mod measures;
mod report;
mod result;
mod row;
mod table;

pub use benchmark::{Benchmark, BenchmarkError, BenchmarkServer, BenchmarkTool, Set};
pub use figures::{ClassFigures, PerClass};
pub use hints::{HintReport, HintedTool};
pub use label::{Answer, Label, Mistake, SignalLabels};
pub use matching::{BenchmarkRun, ListedTool, ServerAnswer, run_benchmark};
pub use measures::{Bin, Calibration, SignalFigures};
pub use report::Report;
pub use result::{BenchmarkResult, LabelCounts, PackageCounts, RESULT_FILE, ResultError, Sets};
pub use row::{LabelledTool, Subject};
pub use table::{benchmark_table, hint_table, mistake_lines, report_table};

/// A share; none of nothing.
fn ratio(hits: usize, total: usize) -> Option<f64> {
    (total > 0).then(|| hits as f64 / total as f64)
}
