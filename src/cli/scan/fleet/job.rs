//! One job of a worker: asked under its lease, then delivered, given back, or lost.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::super::report::Row;
use super::super::target::Asking;
use super::parcel::Parcel;
use super::work::{Bench, LONGEST_RECONNECT, RECONNECT};
use crate::http::host_of;
use crate::model::{Outcome, Registry, Target, Untrusted};
use crate::progress;
use crate::queue::QueueError;
use crate::queue::delivery::Delivery;
use crate::queue::worker::{Fault, Held};
use crate::store::Store;

/// The wait after the first transient fault of a job; each further one doubles it.
const FIRST_WAIT: Duration = Duration::from_secs(5);
/// No wait is longer, but one that a registry asked for.
const LONGEST_WAIT: Duration = Duration::from_secs(600);

impl Bench<'_> {
    /// One job under its lease, until it is delivered, given back or lost.
    pub(super) async fn one(&self, held: &Held, slot: u32) -> anyhow::Result<()> {
        let begun = Instant::now();
        let key = held.claim.key.as_str();
        self.bar.begin(key);
        let target: Target = match key.parse() {
            Ok(target) => target,
            Err(error) => {
                let why = format!("{error}");
                return self.give_back(held, Outcome::ScannerError, &why, None).await;
            }
        };
        let parcel = Parcel::default();
        let asking = Asking {
            ledger: &parcel,
            prober: &self.prober,
            kit: &self.kit,
            hidden: &[],
            options: &self.options.scan,
            listed: held.listed,
            cancel: &self.cancel,
        };
        let row = tokio::select! {
            row = asking.target(&target, &held.claim, slot) => row,
            () = self.heart(held) => {
                // The box ends with what is dropped here.
                self.bar.end(key, false);
                progress::say(&format!("{key}: the lease was lost; what was found out is thrown away"));
                return Ok(());
            }
        };
        let mut row = match row {
            Ok(row) => row,
            Err(error) => {
                self.bar.end(key, false);
                return self.give_back(held, Outcome::ScannerError, &format!("{error:#}"), None).await;
            }
        };
        row.seconds = (begun.elapsed().as_secs_f64() * 100.0).round() / 100.0;
        self.bar.end(key, row.outcome == Outcome::Ok);
        if row.outcome == Outcome::UnsafeRefused {
            // This machine cannot ask anybody anything.
            self.give_back(held, Outcome::Interrupted, "", None).await?;
            anyhow::bail!("{key}: no sandbox could be had here: {}", row.detail);
        }
        if row.outcome.is_lasting() {
            self.deliver(held, &target, parcel, row, begun.elapsed()).await
        } else {
            let rest = self.rest_of(target.server().registry(), row.outcome).await;
            self.give_back(held, row.outcome, &row.detail, rest).await
        }
    }

    /// Prolongs the lease, and ends when it is lost. A database that is away takes nobody's lease.
    pub(super) async fn heart(&self, held: &Held) {
        let beat = self.worker.lease / 4;
        let mut wait = beat;
        loop {
            tokio::time::sleep(wait).await;
            wait = match self.link.heartbeat(held, self.worker.lease).await {
                Ok(true) => beat,
                Ok(false) => return,
                Err(error) => {
                    self.complain(&error);
                    RECONNECT.min(beat)
                }
            };
        }
    }

    /// Hands the result over, for as long as the database is away.
    async fn deliver(
        &self,
        held: &Held,
        target: &Target,
        parcel: Parcel,
        row: Row,
        took: Duration,
    ) -> anyhow::Result<()> {
        let mut delivery = parcel.into_delivery(target);
        let mut row = row;
        let mut body = delivery.to_bytes();
        if body.len() > self.prober.limits.answer_bytes {
            row.outcome = shrink(&mut delivery, body.len());
            body = delivery.to_bytes();
        }
        let mut outage = RECONNECT;
        loop {
            match self.link.complete(held, row.outcome, took, Some(&body)).await {
                Ok(true) => break,
                Ok(false) => {
                    progress::say(&format!(
                        "{}: the lease was lost; what was found out is thrown away",
                        held.claim.key
                    ));
                    return Ok(());
                }
                Err(QueueError::TooLarge { .. })
                    if delivery.probe.as_ref().is_some_and(|p| !p.tools.is_empty()) =>
                {
                    row.outcome = shrink(&mut delivery, body.len());
                    body = delivery.to_bytes();
                }
                Err(error) if error.passes() && !self.cancel.is_cancelled() => {
                    self.complain(&error);
                    // Not the drain: what is done is delivered.
                    tokio::select! {
                        () = tokio::time::sleep(outage) => {}
                        () = self.cancel.cancelled() => {}
                    }
                    outage = (outage * 2).min(LONGEST_RECONNECT).min(self.worker.lease / 4);
                }
                Err(error) => {
                    return Err(anyhow::Error::new(error).context(format!(
                        "{}: its result could not be delivered; the job is asked again after its lease",
                        held.claim.key
                    )));
                }
            }
        }
        self.is_back();
        self.done.fetch_add(1, Ordering::Relaxed);
        if self.options.scan.json {
            progress::print_json(&row)?;
        }
        Ok(())
    }

    /// Gives the job back.
    async fn give_back(
        &self,
        held: &Held,
        outcome: Outcome,
        why: &str,
        rest: Option<Duration>,
    ) -> anyhow::Result<()> {
        let fault = if outcome == Outcome::Interrupted {
            Fault::Drained
        } else {
            tracing::info!(target = %held.claim.key, %outcome, "given back");
            let backoff = FIRST_WAIT.saturating_mul(1 << held.faults.min(10)).min(LONGEST_WAIT);
            let wait = rest.map_or(backoff, |rest| rest.max(backoff));
            let why = Untrusted::new(why).for_terminal(300);
            Fault::Transient { outcome, why, wait, rest: rest.is_some() }
        };
        let begun = Instant::now();
        loop {
            match self.link.fail(held, &fault).await {
                Ok(_) => {
                    self.given_back.fetch_add(1, Ordering::Relaxed);
                    return Ok(());
                }
                // Who ends does not wait for a database that is away: it finds the job by its lease, as after a death.
                Err(error) if error.passes() => {
                    self.complain(&error);
                    if self.draining.is_cancelled() || begun.elapsed() > self.worker.lease {
                        return Ok(());
                    }
                    tokio::time::sleep(RECONNECT).await;
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// How long the registry of a target asked to be left alone: all workers then leave it alone.
    async fn rest_of(&self, registry: Registry, outcome: Outcome) -> Option<Duration> {
        if outcome != Outcome::RegistryError {
            return None;
        }
        let known = self.kit.registries.get().await;
        let address = match registry {
            Registry::Npm => known.npm.as_ref(),
            Registry::Pypi => known.pypi.as_ref(),
            Registry::Github => self.kit.github.as_ref().map(|github| &github.address),
            Registry::Remote | Registry::Local => None,
        };
        let host = address.map(host_of)?;
        let resting = Store::open(&self.settings.db).and_then(|store| store.resting_hosts(Timestamp::now()));
        resting.ok()?.get(&host).copied()
    }
}

/// What is left of a result that no queue takes: that it was too large.
fn shrink(delivery: &mut Delivery, bytes: usize) -> Outcome {
    delivery.declared = None;
    if let Some(probe) = &mut delivery.probe {
        probe.outcome = Outcome::TooLarge;
        probe.detail = Untrusted::new(format!("its result has {bytes} bytes, more than limits.answer_bytes"));
        probe.tools.clear();
        probe.malformed.clear();
        probe.instructions = None;
        probe.server_info = None;
        probe.capabilities = None;
    }
    Outcome::TooLarge
}
