//! `catalogue merge`: the databases of several scans brought together.

use std::path::PathBuf;

use clap::Args;
use serde::Serialize;

use super::corrections;
use super::exit::Exit;
use super::scan::report::counted;
use super::scan::targets::UsageError;
use super::settings::Settings;
use crate::progress;
use crate::store::merge::Input;

/// `catalogue merge`.
#[derive(Debug, Args)]
pub(super) struct MergeOptions {
    /// The databases, in any order; they are only read
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    /// Where everything goes, made if it is not there; what it holds stays [default: the database, see --db]
    #[arg(long, value_name = "FILE")]
    into: Option<PathBuf>,
    /// Print one JSON object a file
    #[arg(long)]
    json: bool,
    /// Say nothing of what was merged
    #[arg(short, long)]
    quiet: bool,
}

/// What `--json` prints of a file.
#[derive(Debug, Serialize)]
struct Line {
    file: String,
    servers: u64,
    releases: u64,
    probes: u64,
    known_probes: u64,
    overrides: u64,
}

/// Runs the command.
pub(super) fn run(settings: &Settings, options: &MergeOptions) -> anyhow::Result<Exit> {
    let settings = &match &options.into {
        Some(into) => settings.with_database(std::path::absolute(into)?),
        None => settings.clone(),
    };
    let place = std::fs::canonicalize(&settings.db).ok();
    // All are looked through before anything is written.
    let mut inputs = Vec::new();
    for file in &options.files {
        let there = std::fs::canonicalize(file).ok();
        if there.is_some() && there == place {
            continue;
        }
        inputs.push(Input::open(file)?);
    }
    if inputs.is_empty() {
        let place = settings.db.display();
        return Err(UsageError(format!(
            "{place}: merging a database with itself changes nothing; name others"
        ))
        .into());
    }
    let mut store = corrections::open(settings)?;
    for input in &inputs {
        let merged = store.merge(input)?;
        let file = input.path().display().to_string();
        if options.json {
            let (servers, releases, probes) = (merged.servers, merged.releases, merged.probes);
            let (known_probes, overrides) = (merged.known_probes, merged.overrides);
            progress::print_json(&Line { file, servers, releases, probes, known_probes, overrides })?;
        } else if !options.quiet {
            let new = |count: u64, what| counted(usize::try_from(count).unwrap_or(usize::MAX), what);
            progress::print(&format!(
                "{file}: {}, {} and {} new, {} known\n",
                new(merged.servers, "server"),
                new(merged.probes, "probe"),
                new(merged.overrides, "correction"),
                new(merged.known_probes, "probe"),
            ))?;
        }
    }
    super::identity::recompute(settings, &mut store)?;
    Ok(Exit::Ok)
}
