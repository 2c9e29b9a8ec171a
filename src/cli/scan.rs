//! `catalogue scan`: targets through the queue, a few at a time, each stored as it ends.

mod company;
pub(super) mod configured;
pub(super) mod fleet;
mod github;
mod kit;
mod known;
mod lease;
mod ledger;
mod options;
pub(super) mod registry;
pub(super) mod report;
mod rests;
mod rules;
mod shard;
mod target;
pub(super) mod targets;
mod trial;
mod worker;

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::Context;
use tokio_util::sync::CancellationToken;

use super::corrections;
use super::exit::Exit;
use super::settings::Settings;
use crate::config::bytes_of;
use crate::model::{Outcome, ServerKey, Target};
use crate::probe::sandbox::Refusal;
use crate::progress::{self, Bar};
use crate::store::WorkQueue;
pub(super) use kit::{Diagnosis, diagnose};
pub(super) use options::{RegistryOption, SandboxOption, ScanOptions, WorkerScan};
use report::{Row, Summary};
use targets::{FileError, UsageError};
pub(super) use trial::{Trial, try_rows};

/// Longest time that a lease on a target lasts without a heartbeat.
const LEASE: Duration = Duration::from_secs(60);
/// How long a scan under way waits for another process that holds the database.
const LOCK_PATIENCE: Duration = Duration::from_secs(60);
/// 10 GiB of kept installs.
const DEFAULT_CACHE_MAX: u64 = 10 << 30;

/// Runs the command.
pub(super) fn run(settings: &Settings, options: &ScanOptions) -> anyhow::Result<Exit> {
    options.check()?;
    let settings = &settings.with_clock(options.clock.clock);
    match (options.list(), options.dry_run) {
        (Some(list), _) => registry::run(settings, options, list),
        (None, true) => configured::dry_run(settings, options),
        (None, false) => report_of(settings, options),
    }
}

/// Scans, and shows the table.
fn report_of(settings: &Settings, options: &ScanOptions) -> anyhow::Result<Exit> {
    if let Some(queue) = &options.queue {
        return fleet::enqueue(settings, options, queue);
    }
    let summary = scan(settings, options)?;
    if options.shard.is_some() && summary.rows.is_empty() && !summary.interrupted {
        // A short list split into many parts: the others have its servers.
        progress::say("no target of the list is in this shard");
        return Ok(Exit::Ok);
    }
    corrections::say_expired(&corrections::open_read_only(settings)?)?;
    if !options.quiet && !options.json {
        progress::print(&format!("{}\n{}", summary.table(), summary.closing()))?;
        if options.registry == Some(RegistryOption::Config) {
            progress::say(configured::PRIVATE);
        }
    }
    Ok(exit_of(&summary))
}

/// 0 if all answered or were recorded, 3 if nothing could be scanned.
pub(super) fn exit_of(summary: &Summary) -> Exit {
    if summary.interrupted {
        Exit::Interrupted
    } else if summary.rows.iter().any(|r| r.recorded) {
        Exit::Ok
    } else if summary.rows.iter().any(|r| r.outcome == Outcome::UnsafeRefused) {
        Exit::NoSandbox
    } else {
        Exit::NothingScanned
    }
}

/// Scans and stores; the summary has one row a target.
pub(super) fn scan(settings: &Settings, options: &ScanOptions) -> anyhow::Result<Summary> {
    let begun = Instant::now();
    let data = settings.data_files()?;
    let (targets, hidden) = match options.registry {
        Some(RegistryOption::Config) => configured::targets(options, &data)?,
        _ => (options.targets(&data)?, Vec::new()),
    };
    let targets = match options.shard {
        Some(shard) => shard.of(targets),
        None => targets,
    };
    let hints = String::from_utf8_lossy(data.get(targets::HINTS).map_or(&[][..], |b| b)).into_owned();
    let hints = targets::parse_hints(&hints, Path::new("data/launch.toml"))?;
    let rules = rules::Rules::of(settings.rule_files()?);
    if settings.has_own_rules() {
        // Whoever writes rules is told of a mistake before anything is started.
        rules.get()?;
    }
    let cache_max = match (&options.cache_max, &settings.config.scan.cache_max) {
        (Some(size), _) => bytes_of(size).map_err(|e| UsageError(format!("--cache-max: {e}")))?,
        (None, Some(size)) => {
            bytes_of(size).map_err(|message| FileError::Value { key: "scan.cache_max", message })?
        }
        (None, None) => DEFAULT_CACHE_MAX,
    };
    let mut limits = settings.config.limits.clone();
    if let Some(seconds) = options.timeout {
        limits.session_seconds = seconds;
    }
    let mut store = corrections::open(settings)?;
    store.use_rule_set(rules.hash(), settings.clock.now())?;
    super::classify::classify_missing(&mut store, rules.hash(), settings.clock, || Ok(rules.get()?))?;
    store.sweep(&lease::is_alive, jiff::Timestamp::now())?;
    let servers: Vec<ServerKey> = targets.iter().map(Target::server).collect();
    match options.registry {
        Some(RegistryOption::Config) => store.remember_configured(&servers, settings.clock.now())?,
        // What is typed or publicly listed is no secret.
        _ => store.publish_named(&servers)?,
    }
    let keys: Vec<String> = targets.iter().map(ToString::to_string).collect();
    store.enqueue(&keys, jiff::Timestamp::now())?;
    store.wait_for_locks(LOCK_PATIENCE)?;

    let jobs = options.jobs.map(usize::from).or(settings.config.scan.jobs).unwrap_or_else(default_jobs);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("the scanner's threads cannot be started")?;
    let bar = Bar::new(targets.len(), options.quiet || options.json);
    let cancel = CancellationToken::new();
    let summary = runtime.block_on(async {
        let stop = cancel.clone();
        let signals = tokio::spawn(async move { stop_on_signal(&stop).await });
        bar.note("looking for programs");
        let needs = kit::Needs::of(&targets, options);
        let prepared = kit::prepare(settings, &data, &needs, &bar).await?;
        let cache = kit::open_cache(settings, cache_max)?;
        let prober =
            kit::prober(&prepared, &data, settings, options, cache, limits, hints, jobs, &cancel).await;
        let prober = match prober {
            Err(error) if error.is::<Refusal>() => {
                bar.finish();
                return Ok(refused(&targets, &error, options));
            }
            prober => prober?,
        };
        let scan = worker::Scan {
            store: std::sync::Mutex::new(store),
            rules,
            prober,
            kit: prepared,
            targets,
            hidden,
            options: options.clone(),
            bar,
            cancel: cancel.clone(),
        };
        let summary = scan.run(jobs).await;
        signals.abort();
        summary
    });
    // What still runs belongs to a box that is gone; nothing is waited for.
    runtime.shutdown_timeout(Duration::from_millis(200));
    let mut summary = summary?;
    // The scan is stored; who is who is computed again by the next one, or by catalogue identity.
    if let Err(error) =
        corrections::open(settings).and_then(|mut store| super::identity::recompute(settings, &mut store))
    {
        progress::say(&format!("who is who was not computed anew: {error:#}"));
    }
    summary.seconds = begun.elapsed().as_secs_f64();
    Ok(summary)
}

/// No server is started without a sandbox that was not given up in words: each target says so.
fn refused(targets: &[Target], error: &anyhow::Error, options: &ScanOptions) -> Summary {
    progress::say(&format!("error: {error:#}"));
    let row = |target: &Target| {
        Row::new(target.server().to_string(), String::new(), Outcome::UnsafeRefused, &error.to_string())
    };
    let rows: Vec<Row> = targets.iter().map(row).collect();
    if options.json {
        for row in &rows {
            // A closed standard output is nobody listening.
            let _ = progress::print_json(row);
        }
    }
    Summary { rows, ..Summary::default() }
}

/// Cores + 1 was best for starts: 48.5 s at 1, 23.8 s at 3 on 2 cores (research/live.md section 3).
fn default_jobs() -> usize {
    std::thread::available_parallelism().map_or(2, |n| n.get() + 1)
}

/// The first Ctrl-C (or SIGTERM) ends the scan in order; a second one ends the program at once.
async fn stop_on_signal(cancel: &CancellationToken) {
    use tokio::signal::unix::{SignalKind, signal};
    let Ok(mut terminate) = signal(SignalKind::terminate()) else { return };
    for round in 0.. {
        tokio::select! {
            _ = tokio::signal::ctrl_c() => {}
            _ = terminate.recv() => {}
        }
        if round > 0 {
            std::process::exit(130);
        }
        progress::say("ending the scan: what is done is stored; once more to stop at once");
        cancel.cancel();
    }
}
