//! The workers of one scan: claim a target, have it asked, report it.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

use super::company::Company;
use super::kit::Prepared;
use super::lease::{is_alive, worker_name};
use super::ledger::Local;
use super::report::{Row, Summary};
use super::rules::Rules;
use super::target::Asking;
use super::{LEASE, ScanOptions};
use crate::model::work::Claim;
use crate::model::{Outcome, Target};
use crate::probe::runner::Prober;
use crate::progress::{self, Bar};
use crate::store::{Store, StoreError, WorkQueue};

/// How often a lease is prolonged.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// How often a target that another scanner holds is looked at again.
const WAIT_FOR_OTHERS: Duration = Duration::from_millis(500);
/// So many of the targets that are left are offered to the queue at a time: with all of them each claim would cost as much as the
/// list is long.
const WINDOW: usize = 256;
/// One scanner's boxes get this many user ids; see `BoxSpec::slot`.
const SLOTS_A_SCANNER: u32 = 64;

/// Targets that this run did not claim yet, in order, by their place in its list.
type Left = BTreeMap<usize, String>;

/// One run of the scanner.
pub(super) struct Scan {
    pub(super) store: Mutex<Store>,
    pub(super) rules: Rules,
    pub(super) prober: Prober,
    pub(super) kit: Prepared,
    pub(super) targets: Vec<Target>,
    /// Files that no command of the user's own may see: clients' configurations, with what is secret in them.
    pub(super) hidden: Vec<PathBuf>,
    pub(super) options: ScanOptions,
    pub(super) bar: Bar,
    pub(super) cancel: CancellationToken,
}

impl Scan {
    /// Works through all targets. Every row that could be made is in the summary, in the order of the targets.
    pub(super) async fn run(self, jobs: usize) -> anyhow::Result<Summary> {
        let left: Left = self.targets.iter().map(ToString::to_string).enumerate().collect();
        let places: HashMap<String, usize> = left.iter().map(|(place, key)| (key.clone(), *place)).collect();
        let left = Mutex::new(left);
        let rows: Mutex<Vec<(usize, Row)>> = Mutex::new(Vec::new());
        let failure: Mutex<Option<anyhow::Error>> = Mutex::new(None);
        let company = Company::default();
        let next_slot = AtomicUsize::new(0);
        let worker = worker_name();
        let work = async || {
            let index = next_slot.fetch_add(1, Ordering::Relaxed);
            let slot = 1 + (std::process::id() % 100) * SLOTS_A_SCANNER + u32::try_from(index).unwrap_or(0);
            if let Err(error) = self.work(&left, &places, &rows, &company, &worker, slot).await {
                self.cancel.cancel();
                if let Ok(mut first) = failure.lock() {
                    first.get_or_insert(error);
                }
            }
        };
        futures_util::future::join_all((0..jobs.max(1)).map(|_| work())).await;
        self.bar.finish();
        if self.prober.installed.load(Ordering::Relaxed)
            && let Err(error) = self.prober.cache.trim_stores()
        {
            tracing::warn!(%error, "the installers' stores cannot be emptied");
        }
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
        left: &Mutex<Left>,
        places: &HashMap<String, usize>,
        rows: &Mutex<Vec<(usize, Row)>>,
        company: &Company,
        worker: &str,
        slot: u32,
    ) -> anyhow::Result<()> {
        loop {
            let door = company.door().await;
            if self.cancel.is_cancelled() {
                return Ok(());
            }
            let Some(claim) = self.next_claim(left, places, worker)? else {
                drop(door);
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
            let Some(place) = places.get(&claim.key).copied() else { continue };
            self.bar.begin(&claim.key);
            // A target whose scanner died runs alone: another death is then its own doing.
            let row = if claim.should_run_alone() {
                let _alone = tokio::select! {
                    alone = company.alone(&door) => alone,
                    () = self.heart(&claim) => unreachable!("the heartbeat has no end"),
                };
                let row = self.one(place, &claim, slot).await?;
                drop(door);
                row
            } else {
                let _beside = company.beside(door).await;
                self.one(place, &claim, slot).await?
            };
            self.bar.end(&claim.key, row.outcome == Outcome::Ok);
            if self.options.json && row.outcome != Outcome::Interrupted {
                progress::print_json(&row)?;
            }
            if let Ok(mut rows) = rows.lock() {
                rows.push((place, row));
            }
        }
    }

    fn next_claim(
        &self,
        left: &Mutex<Left>,
        places: &HashMap<String, usize>,
        worker: &str,
    ) -> anyhow::Result<Option<Claim>> {
        let Ok(mut left) = left.lock() else { return Ok(None) };
        let mut from = 0;
        loop {
            let window: Vec<String> = left.range(from..).take(WINDOW).map(|(_, key)| key.clone()).collect();
            let Some(last) = left.range(from..).take(WINDOW).last().map(|(place, _)| *place) else {
                return Ok(None);
            };
            if let Some(claim) = self.with_store(|s| s.claim(&window, worker, LEASE, Timestamp::now()))? {
                // Each target is taken once a run: one that failed for our own reasons waits for the next run.
                if let Some(place) = places.get(&claim.key) {
                    left.remove(place);
                }
                return Ok(Some(claim));
            }
            // All of these are held by another scanner: perhaps not those behind them.
            from = last + 1;
        }
    }

    /// A target that another scanner finished is reported as stored by enqueueing it again.
    fn drop_done_elsewhere(&self, left: &Mutex<Left>) -> anyhow::Result<()> {
        let Ok(left) = left.lock() else { return Ok(()) };
        let keys: Vec<String> = left.values().cloned().collect();
        self.with_store(|s| s.enqueue(&keys, Timestamp::now()))?;
        Ok(())
    }

    pub(super) fn with_store<T>(
        &self,
        act: impl FnOnce(&mut Store) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let mut store = self.store.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        act(&mut store)
    }

    /// Prolongs the lease, for as long as it is awaited.
    async fn heart(&self, claim: &Claim) {
        loop {
            tokio::time::sleep(HEARTBEAT).await;
            if let Err(error) = self.with_store(|s| s.heartbeat(claim, LEASE, Timestamp::now())) {
                tracing::warn!(target = %claim.key, %error, "the lease cannot be prolonged");
            }
        }
    }

    /// One claimed target, with its lease prolonged while it runs.
    async fn one(&self, place: usize, claim: &Claim, slot: u32) -> anyhow::Result<Row> {
        let begun = Instant::now();
        let target = self.targets[place].clone();
        let clock = self.options.clock.clock;
        let ledger = Local { store: &self.store, rules: &self.rules, clock };
        let asking = Asking {
            ledger: &ledger,
            prober: &self.prober,
            kit: &self.kit,
            hidden: &self.hidden,
            options: &self.options,
            listed: self.options.list().is_some(),
            cancel: &self.cancel,
        };
        let mut row = tokio::select! {
            row = asking.target(&target, claim, slot) => row?,
            () = self.heart(claim) => unreachable!("the heartbeat has no end"),
        };
        row.seconds = (begun.elapsed().as_secs_f64() * 100.0).round() / 100.0;
        let now = Timestamp::now();
        if row.outcome.is_lasting() {
            self.with_store(|s| s.complete(claim, now))?;
            if self.options.list().is_some() {
                self.with_store(|s| s.scanned(std::slice::from_ref(&claim.key), clock.now()))?;
            }
        } else {
            self.with_store(|s| s.fail(claim, now))?;
        }
        Ok(row)
    }
}
