//! `catalogue eval`: how right the rules are, on a file of labelled tools or on the published benchmark.

mod benchmark;

use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use clap::Args;
use rayon::prelude::*;
use serde::Serialize;

use super::exit::Exit;
use super::scan::SandboxOption;
use super::scan::report::counted;
use super::settings::Settings;
use crate::classify::RuleSet;
use crate::eval::{
    HintReport, HintedTool, LabelledTool, Mistake, Report, Subject, hint_table, mistake_lines, report_table,
};
use crate::model::Verdict;
use crate::model::emit::json_document;
use crate::progress;

/// Longest line that is read; a longer one is skipped.
const LINE_BYTES: u64 = 16 << 20;

/// `catalogue eval`.
#[derive(Debug, Args)]
pub(super) struct EvalOptions {
    /// One JSON object a line: a tool with `gold` or `label`; - for standard input
    #[arg(required_unless_present = "benchmark", conflicts_with = "benchmark")]
    file: Option<PathBuf>,
    /// The rows have annotations.readOnlyHint: hide them, and score Read against not-Read
    #[arg(long, conflicts_with = "benchmark")]
    hints: bool,
    /// Scan the servers of data/benchmark.toml, score its labels, write the result
    #[arg(long)]
    benchmark: bool,
    /// Scan nothing: score what the database holds
    #[arg(long, requires = "benchmark")]
    offline: bool,
    /// Where the result goes [default: data/benchmark-result.json, in a folder with a catalogue.toml]
    #[arg(long, value_name = "FILE", requires = "benchmark")]
    output: Option<PathBuf>,
    /// Servers asked at once [default: cores + 1]
    #[arg(long, requires = "benchmark", value_parser = clap::value_parser!(u16).range(1..=64))]
    jobs: Option<u16>,
    /// How the benchmark's servers are locked in
    #[arg(long, requires = "benchmark", value_enum, default_value_t = SandboxOption::Auto)]
    sandbox: SandboxOption,
    /// List so many of the wrong verdicts
    #[arg(long, value_name = "N", default_value_t = 0)]
    errors: usize,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// Figures with the mistakes that were asked for.
#[derive(Serialize)]
struct WithMistakes<'a, R> {
    #[serde(flatten)]
    report: &'a R,
    #[serde(skip_serializing_if = "<[Mistake]>::is_empty")]
    errors: &'a [Mistake],
}

pub(super) fn run(settings: &Settings, options: &EvalOptions) -> anyhow::Result<Exit> {
    let Some(file) = &options.file else { return benchmark::run(settings, options) };
    let rules = settings.rule_set()?;
    if options.hints {
        let (rows, skipped) = read_rows(file, HintedTool::from_line)?;
        let verdicts = judge(&rules, rows.iter().map(|row| &row.subject));
        let (report, mistakes) = HintReport::of_rows(&rows, &verdicts, options.errors);
        say(options, &report, &hint_table(&report), &mistakes)?;
        return Ok(exit_of(skipped));
    }
    let (rows, skipped) = read_rows(file, LabelledTool::from_line)?;
    let verdicts = judge(&rules, rows.iter().map(|row| &row.subject));
    let (report, mistakes) = Report::of_rows(&rows, &verdicts, options.errors);
    say(options, &report, &report_table(&report), &mistakes)?;
    Ok(exit_of(skipped))
}

fn judge<'a>(rules: &RuleSet, subjects: impl Iterator<Item = &'a Subject>) -> Vec<Verdict> {
    let subjects: Vec<&Subject> = subjects.collect();
    subjects.par_iter().map(|subject| rules.judge(&subject.tool)).collect()
}

/// The table, then the mistakes; or all of it as one object.
fn say(
    options: &EvalOptions,
    report: &impl Serialize,
    table: &str,
    mistakes: &[Mistake],
) -> anyhow::Result<()> {
    let text = if options.json {
        json_document(&WithMistakes { report, errors: mistakes })?
    } else if mistakes.is_empty() {
        table.to_owned()
    } else {
        format!("{table}\n{}", mistake_lines(mistakes))
    };
    Ok(progress::print(&text)?)
}

fn exit_of(skipped: usize) -> Exit {
    if skipped == 0 {
        return Exit::Ok;
    }
    progress::say(&format!("{} skipped: the figures are about the others", counted(skipped, "line")));
    Exit::LinesSkipped
}

/// Every row of the file and how many lines were skipped, each with its number and reason on standard error.
fn read_rows<T>(
    path: &Path,
    read: impl Fn(&str, usize) -> Result<T, String>,
) -> anyhow::Result<(Vec<T>, usize)> {
    let shown = path.display();
    let mut lines: Box<dyn BufRead> = if path.as_os_str() == "-" {
        Box::new(BufReader::new(std::io::stdin()))
    } else {
        Box::new(BufReader::new(fs_err::File::open(path)?))
    };
    let (mut rows, mut skipped, mut number) = (Vec::new(), 0, 0);
    let mut line = Vec::new();
    loop {
        line.clear();
        let cannot = || format!("{shown}: line {} cannot be read", number + 1);
        if (&mut lines).take(LINE_BYTES).read_until(b'\n', &mut line).with_context(cannot)? == 0 {
            break;
        }
        number += 1;
        let row = if line.len() as u64 == LINE_BYTES && line.last() != Some(&b'\n') {
            lines.skip_until(b'\n').with_context(|| format!("{shown}: line {number} cannot be read"))?;
            Err(format!("longer than {LINE_BYTES} bytes"))
        } else {
            match std::str::from_utf8(&line).map(str::trim) {
                Ok("") => continue,
                Ok(text) => read(text, number),
                Err(_) => Err("not UTF-8".to_owned()),
            }
        };
        match row {
            Ok(row) => rows.push(row),
            Err(why) => {
                skipped += 1;
                progress::say(&format!("{shown}:{number}: {why}; skipped"));
            }
        }
    }
    if rows.is_empty() && skipped == 0 {
        bail!("{shown}: no line in it; each is a tool with gold, label or, with --hints, annotations");
    }
    Ok((rows, skipped))
}
