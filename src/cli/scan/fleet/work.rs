//! The worker: claims a job, asks its target as any scan does, delivers what it found. Nothing of it stays on this machine but
//! the cache of installs.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::Context;
use tokio_util::sync::CancellationToken;

use super::super::company::Company;
use super::super::kit::{self, Prepared};
use super::super::report::counted;
use super::super::{DEFAULT_CACHE_MAX, ScanOptions, default_jobs, targets};
use crate::cli::exit::Exit;
use crate::cli::settings::Settings;
use crate::config::bytes_of;
use crate::model::probe::SCANNER_SCHEMA;
use crate::probe::runner::Prober;
use crate::progress::{self, Bar};
use crate::queue::worker::{Claimed, Worker};
use crate::queue::{Link, QueueError};

/// How long a database that does not answer is waited for before it is asked again.
pub(super) const RECONNECT: Duration = Duration::from_millis(500);
/// So long at most.
pub(super) const LONGEST_RECONNECT: Duration = Duration::from_secs(10);
/// Between two complaints about the same outage.
const COMPLAIN: Duration = Duration::from_secs(30);
/// One worker's boxes get this many user ids; see `BoxSpec::slot`.
const SLOTS_A_SCANNER: u32 = 64;

/// What `catalogue worker` is told.
#[derive(Debug)]
pub(in crate::cli) struct WorkOptions {
    pub(in crate::cli) scan: ScanOptions,
    pub(in crate::cli) slots: Option<u16>,
    /// End once every job of the queue is done.
    pub(in crate::cli) until_empty: bool,
    /// How long what runs may go on after the first signal.
    pub(in crate::cli) grace: Duration,
    pub(in crate::cli) lease: Duration,
}

/// One worker process.
pub(super) struct Bench<'a> {
    pub(super) link: &'a Link,
    pub(super) worker: Worker,
    pub(super) options: &'a WorkOptions,
    pub(super) prober: Prober,
    pub(super) kit: Prepared,
    pub(super) settings: &'a Settings,
    pub(super) bar: Bar,
    /// No further job is taken.
    pub(super) draining: CancellationToken,
    /// What runs is given up.
    pub(super) cancel: CancellationToken,
    company: Company,
    pub(super) done: AtomicU64,
    pub(super) given_back: AtomicU64,
    complained: std::sync::Mutex<Option<Instant>>,
    was_away: AtomicBool,
}

/// Works until it is told to end, or until nothing is left with `--until-empty`.
pub(in crate::cli) fn work(settings: &Settings, link: &Link, options: &WorkOptions) -> anyhow::Result<Exit> {
    // What registries ask of this machine is kept here; the catalogue is somewhere else.
    let settings = &settings.with_own_database("worker.db");
    let data = settings.data_files()?;
    let hints = String::from_utf8_lossy(data.get(targets::HINTS).map_or(&[][..], |b| b)).into_owned();
    let hints = targets::parse_hints(&hints, std::path::Path::new("data/launch.toml"))?;
    let cache_max = match (&options.scan.cache_max, &settings.config.scan.cache_max) {
        (Some(size), _) => bytes_of(size).map_err(|e| targets::UsageError(format!("--cache-max: {e}")))?,
        (None, Some(size)) => {
            bytes_of(size).map_err(|message| targets::FileError::Value { key: "scan.cache_max", message })?
        }
        (None, None) => DEFAULT_CACHE_MAX,
    };
    let mut limits = settings.config.limits.clone();
    limits.session_seconds = options.scan.timeout.unwrap_or(limits.session_seconds);
    let slots =
        options.slots.map(usize::from).or(settings.config.scan.jobs).unwrap_or_else(default_jobs).max(1);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("the worker's threads cannot be started")?;
    let (draining, cancel) = (CancellationToken::new(), CancellationToken::new());
    let ended = runtime.block_on(async {
        let bar = Bar::open_ended(options.scan.quiet || options.scan.json);
        bar.note("looking for programs");
        let needs = kit::Needs::all(&options.scan);
        let prepared = kit::prepare(settings, &data, &needs, &bar).await?;
        let cache = kit::open_cache(settings, cache_max)?;
        let prober =
            kit::prober(&prepared, &data, settings, &options.scan, cache, limits, hints, slots, &cancel)
                .await?;
        let worker = Worker {
            name: name_of_this_process(),
            session: random_uuid()?,
            scanner_schema: SCANNER_SCHEMA,
            lease: options.lease,
        };
        let bench = Bench {
            link,
            worker,
            options,
            prober,
            kit: prepared,
            settings,
            bar,
            draining: draining.clone(),
            cancel: cancel.clone(),
            company: Company::default(),
            done: AtomicU64::new(0),
            given_back: AtomicU64::new(0),
            complained: std::sync::Mutex::new(None),
            was_away: AtomicBool::new(false),
        };
        let signals = tokio::spawn(drain_on_signal(draining.clone(), cancel.clone(), options.grace));
        let ended = bench.run(slots).await;
        signals.abort();
        ended
    });
    runtime.shutdown_timeout(Duration::from_millis(200));
    ended
}

/// `HOST:PID`, for people: the lease goes by the session.
fn name_of_this_process() -> String {
    let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
    let host: String = host.chars().filter(|c| c.is_ascii_graphic()).take(100).collect();
    format!("{host}:{}", std::process::id())
}

fn random_uuid() -> anyhow::Result<String> {
    let uuid = fs_err::read_to_string("/proc/sys/kernel/random/uuid")
        .context("no random number for the worker's session and claims")?;
    Ok(uuid.trim().to_owned())
}

/// The first signal ends the claiming and lets what runs come to its end for a while, the second one gives it up, the third
/// ends the program.
async fn drain_on_signal(draining: CancellationToken, cancel: CancellationToken, grace: Duration) {
    use tokio::signal::unix::{SignalKind, signal};
    let Ok(mut terminate) = signal(SignalKind::terminate()) else { return };
    for round in 0.. {
        tokio::select! {
            _ = tokio::signal::ctrl_c() => {}
            _ = terminate.recv() => {}
            () = tokio::time::sleep(grace), if round == 1 => {}
        }
        match round {
            0 => {
                progress::say("draining: no further job is taken; what does not end soon is given back");
                draining.cancel();
            }
            1 => cancel.cancel(),
            _ => std::process::exit(130),
        }
    }
}

impl Bench<'_> {
    async fn run(self, slots: usize) -> anyhow::Result<Exit> {
        let failure = std::sync::Mutex::new(None);
        let work = async |index: usize| {
            let slot = 1 + (std::process::id() % 100) * SLOTS_A_SCANNER + u32::try_from(index).unwrap_or(0);
            if let Err(error) = self.work(slot).await {
                // The others end what they have: nothing of it is lost.
                self.draining.cancel();
                if let Ok(mut first) = failure.lock() {
                    first.get_or_insert(error);
                }
            }
        };
        futures_util::future::join_all((0..slots).map(work)).await;
        self.bar.finish();
        if let Err(error) = self.prober.cache.trim_stores() {
            tracing::warn!(%error, "the installers' stores cannot be emptied");
        }
        let (done, back) = (self.done.load(Ordering::Relaxed), self.given_back.load(Ordering::Relaxed));
        if !self.options.scan.quiet {
            let jobs = counted(usize::try_from(done).unwrap_or(usize::MAX), "job");
            progress::say(&format!("{}: {jobs} done, {back} given back", self.worker.name));
        }
        match failure.into_inner().unwrap_or_default() {
            Some(error) => Err(error),
            None => Ok(Exit::Ok),
        }
    }

    async fn work(&self, slot: u32) -> anyhow::Result<()> {
        let mut outage = RECONNECT;
        let mut request = random_uuid()?;
        while !self.draining.is_cancelled() {
            let door = tokio::select! {
                biased;
                () = self.draining.cancelled() => return Ok(()),
                door = self.company.door() => door,
            };
            match self.link.claim_for(&self.worker, Some(&request)).await {
                Ok(Claimed::Job(held)) => {
                    outage = RECONNECT;
                    request = random_uuid()?;
                    self.is_back();
                    if held.claim.should_run_alone() {
                        let _alone = tokio::select! {
                            alone = self.company.alone(&door) => alone,
                            () = self.heart(&held) => {
                                progress::say(&format!("{}: the lease was lost before it began", held.claim.key));
                                continue;
                            }
                        };
                        self.one(&held, slot).await?;
                        drop(door);
                    } else {
                        let _beside = self.company.beside(door).await;
                        self.one(&held, slot).await?;
                    }
                }
                Ok(Claimed::Nothing { is_open: false, .. }) if self.options.until_empty => return Ok(()),
                Ok(Claimed::Nothing { wait, .. }) => {
                    outage = RECONNECT;
                    self.is_back();
                    drop(door);
                    self.pause(wait).await;
                }
                Err(error) if error.passes() => {
                    drop(door);
                    self.complain(&error);
                    self.pause(outage).await;
                    outage = (outage * 2).min(LONGEST_RECONNECT);
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    async fn pause(&self, wait: Duration) {
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            () = self.draining.cancelled() => {}
        }
    }

    /// Says once in a while that the database is away.
    pub(super) fn complain(&self, error: &QueueError) {
        self.was_away.store(true, Ordering::Relaxed);
        let Ok(mut last) = self.complained.lock() else { return };
        if last.is_none_or(|last| last.elapsed() >= COMPLAIN) {
            *last = Some(Instant::now());
            let mut cause = String::new();
            if let Some(source) = std::error::Error::source(error) {
                cause = format!(" ({source})");
            }
            self.bar.line(&format!("{error}{cause}; it is asked again"));
        }
    }

    pub(super) fn is_back(&self) {
        if self.was_away.swap(false, Ordering::Relaxed) {
            if let Ok(mut last) = self.complained.lock() {
                *last = None;
            }
            self.bar.line("the database answers again");
        }
    }
}
