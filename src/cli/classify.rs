//! `catalogue classify`: every stored definition judged by the rules in force, or definitions from outside.
//!
//! Verdicts are added, never changed.

pub(super) mod destination;
mod lines;
pub(super) mod outside;
mod rejudge;

use std::io::BufReader;
use std::path::{Path, PathBuf};

use clap::Args;

use self::destination::Destination;
pub(super) use self::rejudge::classify_missing;
use super::exit::Exit;
use super::scan::report::counted;
use super::settings::Settings;
use crate::classify::RuleSet;
use crate::progress;

/// `catalogue classify`.
#[derive(Debug, Args)]
pub(super) struct ClassifyOptions {
    /// Judge the definitions in this file, one JSON object a line, and leave the database alone; - is standard input
    #[arg(long, value_name = "FILE")]
    input: Option<PathBuf>,
    /// Where the verdicts on --input go, one JSON object a line; - is standard output
    #[arg(long, value_name = "FILE", default_value = "-", requires = "input")]
    output: PathBuf,
    /// Changed tools to print [default: 50; all with --json]
    #[arg(long, value_name = "N", conflicts_with = "input")]
    limit: Option<u32>,
    /// Print one JSON object a changed tool, and nothing else
    #[arg(long, conflicts_with = "input")]
    json: bool,
    /// No summary
    #[arg(short, long)]
    quiet: bool,
}

pub(super) fn run(settings: &Settings, options: &ClassifyOptions) -> anyhow::Result<Exit> {
    let rules = settings.rule_set()?;
    if let Some(input) = &options.input {
        return judge_file(settings, &rules, input, options);
    }
    rejudge::run(settings, &rules, options)
}

fn judge_file(
    settings: &Settings,
    rules: &RuleSet,
    input: &Path,
    options: &ClassifyOptions,
) -> anyhow::Result<Exit> {
    let most = settings.config.limits.line_bytes;
    let piped = input == Path::new("-");
    let name = if piped { "standard input".to_owned() } else { input.display().to_string() };
    let report = |number: u64, problem: &outside::LineProblem| {
        progress::say(&format!("{name}:{number}: {problem}; the line is skipped"));
    };
    let mut out = Destination::open(&options.output)?;
    let counts = if piped {
        outside::judge_lines(rules, std::io::stdin().lock(), most, &mut out, report)?
    } else {
        let file = BufReader::new(fs_err::File::open(input)?);
        outside::judge_lines(rules, file, most, &mut out, report)?
    };
    out.finish()?;
    if !options.quiet {
        progress::say(&format!("{} judged, {} skipped", counted(counts.judged, "line"), counts.skipped));
    }
    Ok(if counts.skipped == 0 { Exit::Ok } else { Exit::LinesSkipped })
}
