//! The workers of one scan: claim a target, resolve it, probe it, store it, judge it, report it.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use tokio::sync::RwLock;
use tokio_util::sync::CancellationToken;

use super::kit::Prepared;
use super::report::{Row, Summary};
use super::{LEASE, ScanOptions};
use crate::classify::RuleSet;
use crate::model::probe::SCANNER_SCHEMA;
use crate::model::{Attempt, Outcome, Probe, Release, ReleaseFacts, ServerKey, Target, Transport, Untrusted};
use crate::probe::registry::{FindError, ReleaseFound, find_release};
use crate::probe::runner::{PackageProbe, Prober, remote_probe};
use crate::probe::sandbox::tree;
use crate::probe::{attempt, local, mcp, toolchain};
use crate::progress::{self, Bar};
use crate::store::{Claim, QUARANTINE_DEATHS, Store, StoreError, WorkQueue};

/// How often a lease is prolonged.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// How often a target that another scanner holds is looked at again.
const WAIT_FOR_OTHERS: Duration = Duration::from_millis(500);
/// One scanner's boxes get this many user ids; see `BoxSpec::slot`.
const SLOTS_A_SCANNER: u32 = 64;

/// One run of the scanner.
pub(super) struct Scan {
    pub(super) store: Mutex<Store>,
    pub(super) rules: RuleSet,
    pub(super) prober: Prober,
    pub(super) kit: Prepared,
    pub(super) targets: Vec<Target>,
    pub(super) options: ScanOptions,
    pub(super) bar: Bar,
    pub(super) cancel: CancellationToken,
}

/// `PID:START:BOOT`: names this process even if its id is used again.
fn worker_name() -> String {
    let pid = std::process::id();
    format!("{pid}:{}:{}", tree::start_ticks(pid).unwrap_or(0), boot_id())
}

fn boot_id() -> String {
    fs_err::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default().trim().to_owned()
}

/// Whether the process that took a lease still runs. One of another machine or boot is left to its lease's end.
pub(super) fn is_alive(worker: &str) -> bool {
    let mut parts = worker.split(':');
    let pid = parts.next().and_then(|p| p.parse().ok());
    let start = parts.next().and_then(|p| p.parse().ok());
    match (pid, start, parts.next()) {
        (Some(pid), Some(start), Some(boot)) if boot == boot_id() => tree::is_alive(pid, start),
        (Some(_), Some(_), Some(_)) => true,
        _ => false,
    }
}

impl Scan {
    /// Works through all targets. Every row that could be made is in the summary, in the order of the targets.
    pub(super) async fn run(self, jobs: usize) -> anyhow::Result<Summary> {
        let left: Mutex<Vec<String>> = Mutex::new(self.targets.iter().map(ToString::to_string).collect());
        let rows: Mutex<Vec<(usize, Row)>> = Mutex::new(Vec::new());
        let failure: Mutex<Option<anyhow::Error>> = Mutex::new(None);
        let alone = RwLock::new(());
        let next_slot = AtomicUsize::new(0);
        let worker = worker_name();
        let work = async || {
            let index = next_slot.fetch_add(1, Ordering::Relaxed);
            let slot = 1 + (std::process::id() % 100) * SLOTS_A_SCANNER + u32::try_from(index).unwrap_or(0);
            if let Err(error) = self.work(&left, &rows, &alone, &worker, slot).await {
                self.cancel.cancel();
                if let Ok(mut first) = failure.lock() {
                    first.get_or_insert(error);
                }
            }
        };
        futures_util::future::join_all((0..jobs.max(1)).map(|_| work())).await;
        self.bar.finish();
        if let Some(error) = failure.into_inner().unwrap_or_default() {
            return Err(error);
        }
        let mut rows = rows.into_inner().unwrap_or_default();
        rows.sort_by_key(|(place, _)| *place);
        let rows: Vec<Row> =
            rows.into_iter().map(|(_, row)| row).filter(|r| r.outcome != Outcome::Interrupted).collect();
        let left = self.targets.len() - rows.len();
        Ok(Summary { interrupted: self.cancel.is_cancelled(), left, rows, seconds: 0.0 })
    }

    async fn work(
        &self,
        left: &Mutex<Vec<String>>,
        rows: &Mutex<Vec<(usize, Row)>>,
        alone: &RwLock<()>,
        worker: &str,
        slot: u32,
    ) -> anyhow::Result<()> {
        loop {
            if self.cancel.is_cancelled() {
                return Ok(());
            }
            let Some(claim) = self.next_claim(left, worker)? else {
                // What is left may be held by another scanner: it is waited for, and taken over if that one dies.
                if left.lock().map_or(true, |l| l.is_empty()) {
                    return Ok(());
                }
                tokio::select! {
                    () = tokio::time::sleep(WAIT_FOR_OTHERS) => {}
                    () = self.cancel.cancelled() => return Ok(()),
                }
                self.with_store(|s| s.sweep(&is_alive, Timestamp::now()).map(drop))?;
                self.drop_done_elsewhere(left)?;
                continue;
            };
            let Some(place) = self.targets.iter().position(|t| t.to_string() == claim.key) else { continue };
            self.bar.begin(&claim.key);
            // A target whose scanner died twice runs alone: a third death is then its own doing.
            let row = if claim.deaths + 1 >= QUARANTINE_DEATHS {
                let _alone = alone.write().await;
                self.one(place, &claim, worker, slot).await?
            } else {
                let _together = alone.read().await;
                self.one(place, &claim, worker, slot).await?
            };
            self.bar.end(&claim.key, row.outcome == Outcome::Ok);
            if self.options.json && row.outcome != Outcome::Interrupted {
                progress::print(&format!("{}\n", serde_json::to_string(&row)?))?;
            }
            if let Ok(mut rows) = rows.lock() {
                rows.push((place, row));
            }
        }
    }

    fn next_claim(&self, left: &Mutex<Vec<String>>, worker: &str) -> anyhow::Result<Option<Claim>> {
        let Ok(mut left) = left.lock() else { return Ok(None) };
        let claim = self.with_store(|s| s.claim(&left, worker, LEASE, Timestamp::now()))?;
        // Each target is taken once a run: one that failed for our own reasons waits for the next run.
        if let Some(claim) = &claim {
            left.retain(|key| *key != claim.key);
        }
        Ok(claim)
    }

    /// A target that another scanner finished is reported as stored by enqueueing it again.
    fn drop_done_elsewhere(&self, left: &Mutex<Vec<String>>) -> anyhow::Result<()> {
        let Ok(left) = left.lock() else { return Ok(()) };
        let keys = left.clone();
        self.with_store(|s| s.enqueue(&keys, Timestamp::now()))?;
        Ok(())
    }

    fn with_store<T>(&self, act: impl FnOnce(&mut Store) -> Result<T, StoreError>) -> Result<T, StoreError> {
        let mut store = self.store.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        act(&mut store)
    }

    /// One claimed target, with its lease prolonged while it runs.
    async fn one(&self, place: usize, claim: &Claim, worker: &str, slot: u32) -> anyhow::Result<Row> {
        let begun = Instant::now();
        let heart = async {
            loop {
                tokio::time::sleep(HEARTBEAT).await;
                if let Err(error) =
                    self.with_store(|s| s.heartbeat(&claim.key, worker, LEASE, Timestamp::now()))
                {
                    tracing::warn!(target = %claim.key, %error, "the lease cannot be prolonged");
                }
            }
        };
        let target = self.targets[place].clone();
        let mut row = tokio::select! {
            row = self.target(&target, claim, slot) => row?,
            () = heart => unreachable!("the heartbeat has no end"),
        };
        row.seconds = (begun.elapsed().as_secs_f64() * 100.0).round() / 100.0;
        let now = Timestamp::now();
        if row.outcome.is_lasting() {
            self.with_store(|s| s.complete(&claim.key, worker, now))?;
        } else {
            self.with_store(|s| s.fail(&claim.key, worker, now))?;
        }
        Ok(row)
    }

    async fn target(&self, target: &Target, claim: &Claim, slot: u32) -> anyhow::Result<Row> {
        match target {
            Target::Package { server, version } => {
                let pinned = version.as_ref().map(|v| Release { server: server.clone(), version: v.clone() });
                if let Some(release) = &pinned {
                    if let Some(row) = self.stored(release)? {
                        return Ok(row);
                    }
                    if let Some(entry) = self.prober.cache.find_plain(release) {
                        let asked = PackageProbe {
                            release: release.clone(),
                            python: entry.installed.variant.python.clone(),
                            published_at: entry.installed.published_at,
                            slot,
                        };
                        drop(entry);
                        return self.package(&asked, &ReleaseFacts::default(), claim).await;
                    }
                }
                let found = tokio::select! {
                    found = self.find(server, version.as_deref()) => found,
                    () = self.cancel.cancelled() => return Ok(Row::new(server.to_string(), String::new(), Outcome::Interrupted, "")),
                };
                match found {
                    Ok(found) => {
                        if let Some(row) = self.stored(&found.release)? {
                            return Ok(row);
                        }
                        self.found(found, claim, slot).await
                    }
                    Err(error) => self.not_found(target, &error),
                }
            }
            Target::Remote { address } => {
                let release = Release { server: target.server(), version: String::new() };
                if let Some(row) = self.stored(&release)? {
                    return Ok(row);
                }
                self.remote(&release, address, claim).await
            }
            Target::Local { server, command, env, fresh } => {
                let release = Release { server: server.clone(), version: String::new() };
                if !fresh && let Some(row) = self.stored(&release)? {
                    return Ok(row);
                }
                self.local(&release, command, env, claim, slot).await
            }
        }
    }

    async fn find(&self, server: &ServerKey, version: Option<&str>) -> Result<ReleaseFound, FindError> {
        find_release(&self.kit.client, self.kit.registries.get().await, server, version).await
    }

    fn stored(&self, release: &Release) -> anyhow::Result<Option<Row>> {
        if self.options.refresh {
            return Ok(None);
        }
        let Some(stored) = self.with_store(|s| s.lasting_outcome(release, SCANNER_SCHEMA))? else {
            return Ok(None);
        };
        let mut row =
            Row::new(release.server.to_string(), release.version.clone(), stored.outcome, &stored.detail);
        row.stored = true;
        row.recorded = true;
        row.tools = stored.tools;
        row.classes = stored.classes;
        row.sandbox = stored.sandbox;
        Ok(Some(row))
    }

    async fn found(&self, found: ReleaseFound, claim: &Claim, slot: u32) -> anyhow::Result<Row> {
        let facts = ReleaseFacts {
            published_at: found.published_at,
            title: None,
            description: found.description.clone(),
            repository: found.repository.as_ref().map(ToString::to_string),
            homepage: found.homepage.as_ref().map(ToString::to_string),
            licence: found.licence.clone(),
        };
        let python = toolchain::choose_python(&self.kit.toolchain.pythons, found.requires_python.as_deref());
        let is_python = found.release.server.registry() == crate::model::Registry::Pypi;
        if is_python && python.is_none() {
            let wanted = found.requires_python.as_deref().unwrap_or("any");
            let detail =
                format!("no Python of the required version ({wanted}) was found; see catalogue doctor");
            return self.record_without_start(&found.release, &facts, Outcome::InstallFailed, &detail);
        }
        let asked = PackageProbe {
            release: found.release,
            python: if is_python { python.map(super::kit::interpreter) } else { None },
            published_at: found.published_at,
            slot,
        };
        self.package(&asked, &facts, claim).await
    }

    fn not_found(&self, target: &Target, error: &FindError) -> anyhow::Result<Row> {
        let key = target.server().to_string();
        let version = match target {
            Target::Package { version, .. } => version.clone().unwrap_or_default(),
            _ => String::new(),
        };
        let detail = chain(error);
        let outcome = match error {
            // Nobody's server: there is nothing to record.
            FindError::NoSuchPackage(_) | FindError::NoSuchVersion { .. } | FindError::NoPackage(_) => {
                return Ok(Row::new(key, version, Outcome::InstallFailed, &detail));
            }
            FindError::NotInstallable { release, .. } => {
                let version = release.parse::<Target>().ok().and_then(|t| match t {
                    Target::Package { version, .. } => version,
                    _ => None,
                });
                let release = Release { server: target.server(), version: version.unwrap_or_default() };
                let facts = ReleaseFacts::default();
                return self.record_without_start(&release, &facts, Outcome::InstallFailed, &detail);
            }
            FindError::NoRegistry { .. } => Outcome::ScannerError,
            FindError::Http(error) => super::kit::outcome_of(error),
        };
        Ok(Row::new(key, version, outcome, &detail))
    }

    /// A release that was found and not started.
    fn record_without_start(
        &self,
        release: &Release,
        facts: &ReleaseFacts,
        outcome: Outcome,
        detail: &str,
    ) -> anyhow::Result<Row> {
        let now = Timestamp::now();
        let open = self.with_store(|s| {
            let id = s.remember_release(release, facts, now)?;
            s.begin_probe(id, SCANNER_SCHEMA, now)
        })?;
        let probe = Probe {
            outcome,
            detail: Untrusted::new(detail),
            sandbox: self.prober.sandbox.level(),
            transport: Transport::Stdio,
            started_at: now,
            finished_at: now,
            chosen: None,
            attempts: open.attempts,
            protocol: None,
            server_info: None,
            capabilities: None,
            instructions: None,
            interpreter: None,
            pages: 0,
            noise_lines: 0,
            marks: Vec::new(),
            tools: Vec::new(),
            malformed: Vec::new(),
        };
        self.finish(release, open.id, probe)
    }

    async fn package(
        &self,
        asked: &PackageProbe,
        facts: &ReleaseFacts,
        claim: &Claim,
    ) -> anyhow::Result<Row> {
        if claim.is_to_be_quarantined() {
            let detail = format!("the scanner died {} times while asking it", claim.deaths);
            return self.record_without_start(&asked.release, facts, Outcome::Quarantined, &detail);
        }
        let (id, earlier) = self.open(&asked.release, facts)?;
        let (probe, about) =
            self.prober.package(asked, earlier, |at, attempt| self.keep(id, at, attempt, claim)).await;
        self.with_store(|s| s.remember_release(&asked.release, &about, Timestamp::now()))?;
        self.finish(&asked.release, id, probe)
    }

    async fn local(
        &self,
        release: &Release,
        command: &[String],
        env: &std::collections::BTreeMap<String, String>,
        claim: &Claim,
        slot: u32,
    ) -> anyhow::Result<Row> {
        if claim.is_to_be_quarantined() {
            let detail = format!("the scanner died {} times while asking it", claim.deaths);
            return self.record_without_start(
                release,
                &ReleaseFacts::default(),
                Outcome::Quarantined,
                &detail,
            );
        }
        let here = std::env::current_dir()?;
        let sandbox = &self.prober.sandbox;
        let spec = match local::spec(sandbox, command, env, &here, &self.prober.scratch).await {
            Ok(mut spec) => {
                spec.slot = slot;
                spec
            }
            Err(why) => {
                return Ok(Row::new(release.server.to_string(), String::new(), Outcome::NotMcp, &why));
            }
        };
        let (id, _) = self.open(release, &ReleaseFacts::default())?;
        let probe =
            self.prober.local(spec, command.to_vec(), |at, attempt| self.keep(id, at, attempt, claim)).await;
        self.finish(release, id, probe)
    }

    async fn remote(&self, release: &Release, address: &url::Url, claim: &Claim) -> anyhow::Result<Row> {
        if claim.is_to_be_quarantined() {
            let detail = format!("the scanner died {} times while asking it", claim.deaths);
            return self.record_without_start(
                release,
                &ReleaseFacts::default(),
                Outcome::Quarantined,
                &detail,
            );
        }
        todo!()
    }

    fn open(&self, release: &Release, facts: &ReleaseFacts) -> Result<(i64, Vec<Attempt>), StoreError> {
        let now = Timestamp::now();
        self.with_store(|s| {
            let id = s.remember_release(release, facts, now)?;
            let open = s.begin_probe(id, SCANNER_SCHEMA, now)?;
            Ok((open.id, open.attempts))
        })
    }

    /// Stores an attempt as it ends. If that fails the attempt is stored with the whole probe, or the run ends there.
    fn keep(&self, probe: i64, at: usize, attempt: &Attempt, claim: &Claim) {
        if let Err(error) = self.with_store(|s| s.add_attempt(probe, at, attempt, Some(&claim.key))) {
            tracing::warn!(target = %claim.key, %error, "an attempt is not stored yet");
        }
    }

    /// Stores the answer and judges what is new in it. An interrupted probe stays open and goes on in the next run.
    fn finish(&self, release: &Release, id: i64, probe: Probe) -> anyhow::Result<Row> {
        let mut row =
            Row::new(release.server.to_string(), release.version.clone(), probe.outcome, probe.detail.raw());
        row.attempts = probe.attempts.len();
        row.sandbox = Some(probe.sandbox);
        if probe.outcome == Outcome::Interrupted {
            return Ok(row);
        }
        self.with_store(|s| s.finish_probe(id, &probe))?;
        row.recorded = probe.outcome.is_lasting();
        row.tools = u32::try_from(probe.tools.len()).unwrap_or(u32::MAX);
        if probe.outcome == Outcome::Ok {
            let mut store = self.store.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            super::super::classify::classify_missing(&mut store, &self.rules)?;
            if let Some(stored) = store.lasting_outcome(release, SCANNER_SCHEMA)? {
                row.classes = stored.classes;
            }
        }
        Ok(row)
    }
}

/// An error with its causes in one line.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let said = inner.to_string();
        if !text.contains(&said) {
            text = format!("{text}: {said}");
        }
        cause = inner.source();
    }
    text
}
