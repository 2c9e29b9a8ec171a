//! `catalogue eval --benchmark`: scans the labelled releases, scores the labels, writes the result the site shows.

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

use super::super::exit::Exit;
use super::super::scan::targets::UsageError;
use super::super::scan::{self, ScanOptions};
use super::super::settings::Settings;
use super::{EvalOptions, WithMistakes};
use crate::config::FILE_NAME;
use crate::eval::{
    Benchmark, BenchmarkRun, ListedTool, RESULT_FILE, ServerAnswer, benchmark_table, mistake_lines,
    run_benchmark,
};
use crate::model::emit::json_document;
use crate::model::{Release, Untrusted};
use crate::progress;
use crate::store::{Connection, Store, StoreError, answered};

/// The labels' place in the data files.
const LABELS: &str = "benchmark.toml";
/// The benchmark's own database in the state folder: its releases are old ones and belong on no site.
const DATABASE: &str = "benchmark.db";

pub(super) fn run(settings: &Settings, options: &EvalOptions) -> anyhow::Result<Exit> {
    let output = output(options)?;
    let benchmark = labels(settings)?;
    let settings = &settings.with_own_database(DATABASE);
    if !options.offline {
        let targets = benchmark.servers.iter().map(|server| server.release.to_string()).collect();
        let summary = scan::scan(settings, &ScanOptions::of(targets, options.jobs, options.sandbox))?;
        progress::say(summary.closing().trim_end());
        let exit = scan::exit_of(&summary);
        // Without a network what is stored can still be scored; a scan that was ended or refused is not one.
        if matches!(exit, Exit::Interrupted | Exit::NoSandbox) {
            return Ok(exit);
        }
    }
    let rules = settings.rule_set()?;
    let db = Store::open_read_only(&settings.db)?;
    let answers: Result<Vec<_>, _> =
        benchmark.servers.iter().map(|server| answer(&db, &server.release, rules.hash())).collect();
    let mut run = run_benchmark(&benchmark, &answers?, &rules);
    if run.result.labels.scored == 0 {
        progress::say(
            "no label could be scored, nothing is written; scan first, catalogue doctor says what is missing",
        );
        return Ok(Exit::NothingScanned);
    }
    write(&output, &run.result.to_json()?)?;
    progress::say(&format!("written: {}", output.display()));
    run.mistakes.truncate(options.errors);
    if options.json {
        let object = WithMistakes { report: &run.result, errors: &run.mistakes };
        progress::print(&json_document(&object)?)?;
    } else {
        progress::print(&(benchmark_table(&run.result) + &named(&run, options.errors)))?;
    }
    Ok(Exit::Ok)
}

/// The labels of `data/benchmark.toml`.
fn labels(settings: &Settings) -> anyhow::Result<Benchmark> {
    let data = settings.data_files()?;
    let Some(bytes) = data.get(LABELS) else {
        bail!("data/{LABELS} is missing; copy it from the program's repository or leave out --data");
    };
    let text = std::str::from_utf8(bytes).with_context(|| format!("data/{LABELS} is not UTF-8"))?;
    let benchmark = Benchmark::parse(text, &format!("data/{LABELS}"))?;
    if benchmark.servers.is_empty() {
        bail!("data/{LABELS} has no labels; its header says how they are written");
    }
    Ok(benchmark)
}

/// Where the result goes: as told, or where the repository keeps it.
fn output(options: &EvalOptions) -> anyhow::Result<PathBuf> {
    match &options.output {
        Some(path) => Ok(path.clone()),
        None if Path::new(FILE_NAME).is_file() => Ok(Path::new("data").join(RESULT_FILE)),
        None => {
            let message = format!(
                "--benchmark needs --output FILE: no {FILE_NAME} is here to put data/{RESULT_FILE} beside"
            );
            Err(UsageError(message).into())
        }
    }
}

fn answer(db: &Connection, release: &Release, rules: &str) -> Result<Option<ServerAnswer>, StoreError> {
    let found = answered(db, &release.server, Some(&release.version), rules)?;
    Ok(found.map(|answer| ServerAnswer {
        probed_at: answer.probed_at,
        tools: answer
            .tools
            .into_iter()
            .map(|tool| ListedTool {
                name: tool.name.raw().to_owned(),
                hash: tool.hash,
                canonical: tool.canonical,
            })
            .collect(),
    }))
}

/// Beside its place and renamed, so that a result is whole or the one before.
fn write(path: &Path, content: &str) -> anyhow::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs_err::create_dir_all(folder)?;
    let cannot = || format!("{} cannot be written; choose another place with --output", path.display());
    let mut file = tempfile::Builder::new()
        .permissions(std::os::unix::fs::PermissionsExt::from_mode(0o644))
        .tempfile_in(folder)
        .with_context(cannot)?;
    file.write_all(content.as_bytes()).with_context(cannot)?;
    file.persist(path).with_context(cannot)?;
    Ok(())
}

/// Who is behind the counts, at most so many of each.
fn named(run: &BenchmarkRun, most: usize) -> String {
    let mut text = String::new();
    let clean = |text: &str| Untrusted::new(text).for_terminal(120);
    let tools = |list: &[(Release, String)]| -> Vec<String> {
        list.iter().map(|(release, tool)| format!("{release} {}", clean(tool))).collect()
    };
    let mistakes: Vec<String> = mistake_lines(&run.mistakes).lines().map(str::to_owned).collect();
    let quiet: Vec<String> = run.quiet.iter().map(ToString::to_string).collect();
    for (heading, lines) in [
        ("wrong", mistakes),
        ("of another definition", tools(&run.mismatched)),
        ("not listed", tools(&run.missing)),
        ("no answer", quiet),
    ] {
        if most > 0 && !lines.is_empty() {
            text.push_str(&format!("\n{heading}\n"));
            for line in lines.iter().take(most) {
                text.push_str(&format!("  {line}\n"));
            }
        }
    }
    text
}
