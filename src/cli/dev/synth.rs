//! `catalogue dev synth` and `catalogue dev change`: made-up servers through the real schema and the real classifier, a
//! few hundred at a time.

use std::path::PathBuf;

use clap::Args;
use jiff::Timestamp;
use rayon::prelude::*;

use super::super::exit::Exit;
use super::super::scan::report::counted;
use super::super::settings::Settings;
use super::made_up::{Answer, server};
use crate::classify::RuleSet;
use crate::model::probe::SCANNER_SCHEMA;
use crate::model::{DefinitionHash, ToolDefinition, Verdict};
use crate::progress::{self, Bar};
use crate::store::Store;

/// Servers that are made, stored and judged at once.
const BATCH: u64 = 400;

/// `catalogue dev synth`.
#[derive(Debug, Args)]
pub(super) struct SynthOptions {
    /// How many servers; on average each has nine tools
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    servers: u64,
    /// The same seed makes the same catalogue
    #[arg(long, value_name = "S", default_value_t = 1)]
    seed: u64,
    /// Store the servers in another order; the catalogue is the same
    #[arg(long)]
    shuffle: bool,
    /// Say nothing
    #[arg(short, long)]
    quiet: bool,
}

/// `catalogue dev change`.
#[derive(Debug, Args)]
pub(super) struct ChangeOptions {
    /// Which of the made-up servers, from 0
    #[arg(long, value_name = "N")]
    server: u64,
    /// The seed the database was made with
    #[arg(long, value_name = "S", default_value_t = 1)]
    seed: u64,
    /// How often it has changed, this time included
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..=12))]
    times: u64,
}

/// Fills a database that is not there yet.
pub(super) fn synth(settings: &Settings, options: &SynthOptions) -> anyhow::Result<Exit> {
    let db: &PathBuf = &settings.db;
    anyhow::ensure!(
        !db.exists(),
        "{} exists; a made-up catalogue goes into a new database, name one with --db",
        db.display()
    );
    let rules = settings.rule_set()?;
    let mut store = Store::open(db)?;
    let bar = Bar::new(usize::try_from(options.servers).unwrap_or(usize::MAX), options.quiet);
    let (mut tools, mut newest) = (0, Timestamp::UNIX_EPOCH);
    for first in (0..options.servers).step_by(usize::try_from(BATCH)?) {
        let batch = first..options.servers.min(first + BATCH);
        let size = usize::try_from(batch.end - batch.start)?;
        let answers: Vec<Answer> = batch
            .into_par_iter()
            .flat_map_iter(|place| {
                let number = if options.shuffle { shuffled(place, options.servers) } else { place };
                server(options.seed, number, 0)
            })
            .collect();
        tools += answers.iter().map(|(_, _, probe)| probe.tools.len()).sum::<usize>();
        newest = answers.iter().map(|(_, _, probe)| probe.finished_at).fold(newest, Ord::max);
        keep(&mut store, &rules, &answers)?;
        bar.advance(size);
    }
    store.use_rule_set(rules.hash(), newest)?;
    bar.finish();
    if !options.quiet {
        let servers = counted(usize::try_from(options.servers)?, "server");
        progress::print(&format!("{servers} and {} in {}\n", counted(tools, "listed tool"), db.display()))?;
    }
    Ok(Exit::Ok)
}

/// Stores the answer of a further release of one server.
pub(super) fn change(settings: &Settings, options: &ChangeOptions) -> anyhow::Result<Exit> {
    anyhow::ensure!(
        settings.db.exists(),
        "{} is not there; make it with catalogue dev synth",
        settings.db.display()
    );
    let rules = settings.rule_set()?;
    let mut store = Store::open(&settings.db)?;
    let Some(answer) = server(options.seed, options.server, options.times).pop() else { return Ok(Exit::Ok) };
    let (server, tools) = (answer.0.server.to_string(), answer.2.tools.len());
    keep(&mut store, &rules, &[answer])?;
    progress::print(&format!("{server} answered again: {}\n", counted(tools, "tool")))?;
    Ok(Exit::Ok)
}

/// Stores answers and a verdict for every tool in them.
fn keep(store: &mut Store, rules: &RuleSet, answers: &[Answer]) -> anyhow::Result<()> {
    store.add_answers(answers, SCANNER_SCHEMA)?;
    let probes: Vec<_> = answers.iter().map(|(_, _, probe)| probe).collect();
    let judged: Vec<(DefinitionHash, Verdict)> = probes
        .par_iter()
        .flat_map_iter(|probe| &probe.tools)
        .filter_map(|seen| ToolDefinition::from_json(&seen.raw).ok())
        .map(|tool| (tool.hash().clone(), rules.judge(&tool)))
        .collect();
    let made_at = probes.iter().map(|probe| probe.finished_at).max().unwrap_or(Timestamp::UNIX_EPOCH);
    Ok(store.add_verdicts(rules.hash(), &judged, made_at)?)
}

/// A fixed rearrangement of all places below `count`.
fn shuffled(place: u64, count: u64) -> u64 {
    let mut step = (count / 2 + count / 7) | 1;
    while common(step, count) != 1 {
        step += 2;
    }
    let place = (u128::from(place) * u128::from(step) + u128::from(count / 3)) % u128::from(count);
    u64::try_from(place).unwrap_or_default()
}

fn common(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { common(b, a % b) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shuffle_moves_servers_and_loses_none() {
        for count in [1, 2, 7, 100, 1_001] {
            let mut all: Vec<u64> = (0..count).map(|place| shuffled(place, count)).collect();
            assert!(count < 7 || !all.is_sorted());
            all.sort_unstable();
            assert_eq!(all, (0..count).collect::<Vec<_>>());
        }
    }
}
