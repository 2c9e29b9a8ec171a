//! `catalogue collect`: the results of a fleet, checked and stored as a scan of this machine stores its own.

use std::collections::BTreeMap;

use anyhow::Context;
use clap::Args;
use jiff::Timestamp;
use serde::Serialize;

use super::clock::{Clock, ClockOption};
use super::corrections;
use super::exit::Exit;
use super::queue::{QueueAt, link_of};
use super::scan::report::counted;
use super::settings::Settings;
use crate::config::limits::Limits;
use crate::model::{Outcome, Target, Untrusted};
use crate::progress::{self, Bar};
use crate::queue::delivery::Delivery;
use crate::queue::results::{Delivered, Reading};
use crate::store::identity::ScannedFacts;
use crate::store::{Collected, CollectedProbe, Store};

/// Results stored in one transaction, and bytes of them.
const BATCH: usize = 200;
const BATCH_BYTES: usize = 16 << 20;
/// Refused results that are named.
const NAMED: usize = 10;

/// `catalogue collect`.
#[derive(Debug, Args)]
pub(super) struct CollectOptions {
    #[command(flatten)]
    at: QueueAt,
    #[command(flatten)]
    clock: ClockOption,
    /// Print what was collected as one JSON object
    #[arg(long)]
    json: bool,
    /// Say nothing of what was collected
    #[arg(short, long)]
    quiet: bool,
}

/// What one collecting came to.
#[derive(Debug, Default, Serialize)]
struct Report {
    /// Results that were not here yet.
    new: u64,
    /// Of these, stored as probes.
    stored: u64,
    /// Of these, without anything to store: what does not exist, or could not be asked.
    empty: u64,
    /// Of these, refused: not what a worker of ours delivers.
    refused: u64,
    /// Stored ones by outcome.
    outcomes: BTreeMap<Outcome, u64>,
}

/// Runs the command.
pub(super) fn run(settings: &Settings, options: &CollectOptions) -> anyhow::Result<Exit> {
    let settings = &settings.with_clock(options.clock.clock);
    let link = link_of(&options.at.queue)?;
    let rules = settings.rule_set()?;
    let mut store = corrections::open(settings)?;
    store.use_rule_set(rules.hash(), settings.clock.now())?;
    let bar = Bar::open_ended(options.quiet || options.json);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .context("the threads for collecting cannot be started")?;
    let store = std::cell::RefCell::new(&mut store);
    let mut batch = Batch::default();
    let mut report = Report::default();
    let (limits, clock) = (&settings.config.limits, settings.clock);
    let reading: anyhow::Result<Reading> = runtime.block_on(link.read_results(
        |queue| Ok(store.borrow().collecting_mark(queue)?),
        |reading, delivered| {
            batch.add(&delivered, limits, clock);
            if batch.is_full() {
                batch.store(&mut store.borrow_mut(), &reading.queue, clock, &mut report)?;
                bar.note(&format!("{} new results", report.new));
            }
            Ok(())
        },
    ));
    runtime.shutdown_timeout(std::time::Duration::from_millis(200));
    let store = store.into_inner();
    let reading = reading?;
    batch.store(store, &reading.queue, clock, &mut report)?;
    // Only now: what was read is here.
    store.set_collecting_mark(&reading.queue, &reading.mark)?;
    bar.finish();
    super::classify::classify_missing(store, rules.hash(), clock, || Ok(&rules))?;
    if report.stored > 0 {
        super::identity::recompute(settings, store)?;
    }
    say(options, &report, &batch)?;
    Ok(Exit::Ok)
}

/// Results that are checked and not stored yet.
#[derive(Debug, Default)]
struct Batch {
    checked: Vec<Collected>,
    bytes: usize,
    refused: Vec<String>,
}

impl Batch {
    fn add(&mut self, delivered: &Delivered, limits: &Limits, clock: Clock) {
        self.bytes += delivered.body.as_ref().map_or(0, Vec::len);
        let held = check(delivered, limits, clock).map(Box::new);
        let worker: String = delivered.worker.chars().take(200).collect();
        if let Err(why) = &held
            && self.refused.len() < NAMED
        {
            self.refused.push(format!(
                "{}: the result of {} is refused: {}",
                Untrusted::new(delivered.target.as_str()).for_terminal(120),
                Untrusted::new(worker.as_str()).for_terminal(60),
                Untrusted::new(why.as_str()).for_terminal(200)
            ));
        }
        self.checked.push(Collected { result: delivered.id, worker, held });
    }

    fn is_full(&self) -> bool {
        self.checked.len() >= BATCH || self.bytes >= BATCH_BYTES
    }

    fn store(
        &mut self,
        store: &mut Store,
        queue: &str,
        clock: Clock,
        report: &mut Report,
    ) -> anyhow::Result<()> {
        let new = store.collect(queue, &self.checked, clock.now())?;
        let new: std::collections::HashSet<i64> = new.into_iter().collect();
        for result in self.checked.drain(..).filter(|result| new.contains(&result.result)) {
            report.new += 1;
            match result.held {
                Err(_) => report.refused += 1,
                Ok(held) => match held.probe {
                    Some(probe) => {
                        report.stored += 1;
                        *report.outcomes.entry(probe.outcome).or_default() += 1;
                    }
                    None => report.empty += 1,
                },
            }
        }
        self.bytes = 0;
        Ok(())
    }
}

/// Everything a worker delivers is foreign: whoever took it over may have written it.
fn check(delivered: &Delivered, limits: &Limits, clock: Clock) -> Result<CollectedProbe, String> {
    let target: Target = delivered.target.parse().map_err(|_| "its job is no target".to_owned())?;
    let outcome: Outcome = delivered.outcome.parse()?;
    let made_at = Timestamp::from_millisecond(delivered.made_at_millis)
        .map_err(|_| "the time it was made at is none".to_owned())?;
    let Some(body) = &delivered.body else {
        // A fault that did not pass, or a result whose body was purged: there is nothing to store.
        let version = match &target {
            Target::Package { version, .. } => version.clone().unwrap_or_default(),
            _ => String::new(),
        };
        let release = crate::model::Release { server: target.server(), version };
        return Ok(CollectedProbe {
            release,
            facts: crate::model::ReleaseFacts::default(),
            who: None,
            declared: None,
            scanner_schema: delivered.scanner_schema,
            probe: None,
        });
    };
    let read = Delivery::read(body, &target, outcome.as_str(), made_at, limits)
        .map_err(|refused| refused.to_string())?;
    let is_newest = delivered.newest;
    let who =
        read.who.map(|who| ScannedFacts { is_newest, mcp_names: who.mcp_names, repository: who.repository });
    let mut probe = read.probe.filter(|probe| probe.outcome.is_lasting());
    probe.iter_mut().for_each(|probe| clock.set(probe));
    Ok(CollectedProbe {
        release: read.release,
        facts: read.facts,
        who,
        declared: read.declared,
        scanner_schema: delivered.scanner_schema,
        probe,
    })
}

fn say(options: &CollectOptions, report: &Report, batch: &Batch) -> anyhow::Result<()> {
    for line in &batch.refused {
        progress::say(line);
    }
    if options.json {
        progress::print_json(report)?;
    } else if !options.quiet {
        let new = counted(usize::try_from(report.new).unwrap_or(usize::MAX), "new result");
        let mut text =
            format!("{new}: {} stored, {} empty, {} refused\n", report.stored, report.empty, report.refused);
        for (outcome, count) in &report.outcomes {
            text.push_str(&format!("  {outcome}: {count}\n"));
        }
        progress::print(&text)?;
    }
    Ok(())
}
