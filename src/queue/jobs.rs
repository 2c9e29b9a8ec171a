//! Filling a queue, and taking things out of it: for its owner.

use std::time::Duration;

use super::{Link, QueueError};
use crate::model::probe::SCANNER_SCHEMA;
use crate::model::{Outcome, Target};

/// Jobs sent in one statement, which is one transaction.
const BATCH: usize = 5_000;

/// Sorted by key, so that two that enqueue the same never wait for each other in a circle; their order is the place.
/// What is done waits again where `$9` is `all`, or its outcome is one of `$8`. The table's counting sees both.
const ENQUEUE: &str = "
    WITH base AS (SELECT nextval('catalogue_queue.places') AS place)
    INSERT INTO catalogue_queue.jobs AS j (key, target, registry, scanner_schema, newest, listed, rank, place)
    SELECT u.key, u.target, u.registry, $6, u.newest, $7, u.rank, base.place + u.place
    FROM base, unnest($1::text[], $2::text[], $3::text[], $4::bool[], $5::int[])
      WITH ORDINALITY AS u (key, target, registry, newest, rank, place)
    ORDER BY u.key
    ON CONFLICT (key) DO UPDATE SET state = 'waiting', place = excluded.place, rank = excluded.rank, newest = excluded.newest,
      listed = excluded.listed, deaths = 0, company_deaths = 0, faults = 0, fault = NULL, not_before = '-infinity',
      outcome = NULL, token = NULL, session = NULL, worker = NULL, leased_at = NULL, lease_until = NULL,
      enqueued_at = now(), finished_at = NULL
    WHERE j.state = 'done' AND ($9 OR j.outcome = ANY ($8::text[]))
    RETURNING j.attempt";
const RETRY: &str = "
    UPDATE catalogue_queue.jobs SET state = 'waiting', place = nextval('catalogue_queue.places'), deaths = 0,
      company_deaths = 0, faults = 0, fault = NULL, not_before = '-infinity', outcome = NULL, token = NULL, session = NULL,
      worker = NULL, leased_at = NULL, lease_until = NULL, enqueued_at = now(), finished_at = NULL
    WHERE state = 'done' AND (outcome = ANY ($1::text[]) OR target = ANY ($2::text[]))
    RETURNING id";
const HURRY: &str = "
    UPDATE catalogue_queue.jobs SET not_before = '-infinity'
    WHERE state = 'waiting' AND not_before > now() RETURNING id";
const PURGE_BODIES: &str = "
    WITH gone AS (
      UPDATE catalogue_queue.results SET body = NULL
      WHERE body IS NOT NULL AND made_at < now() - $1 * interval '1 second' RETURNING id)
    SELECT count(*) FROM gone";
const PURGE_ALL: &str = "
    WITH gone AS (DELETE FROM catalogue_queue.jobs WHERE state <> 'leased' RETURNING id) SELECT count(*) FROM gone";

/// A release that is to be scanned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    /// The target, as exact as it can be.
    pub target: Target,
    /// Its registry names it as the newest.
    pub newest: bool,
    /// Higher ones first.
    pub rank: i32,
}

impl Job {
    /// `TARGET#SCHEMA`: done once, it is done until the scanner asks in another way.
    pub fn key(&self) -> String {
        format!("{}#{SCANNER_SCHEMA}", self.target)
    }
}

/// Which of the jobs that are done wait again when they are enqueued.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Again {
    /// Those without an outcome that lasts.
    Unlasting,
    /// Those too that were set aside.
    Quarantined,
    /// All.
    All,
}

impl Again {
    fn outcomes(self) -> Vec<&'static str> {
        let again = |o: &Outcome| !o.is_lasting() || (self != Again::Unlasting && *o == Outcome::Quarantined);
        Outcome::ALL.into_iter().filter(again).map(Outcome::as_str).collect()
    }
}

/// What enqueueing came to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Enqueued {
    /// Were not in the queue.
    pub new: u64,
    /// Were done and wait again.
    pub again: u64,
    /// Wait, are held or are done already.
    pub there: u64,
}

impl Link {
    /// Puts jobs at the end of the queue, in their order. The same again changes nothing.
    ///
    /// # Errors
    /// [`QueueError`], here and below. Batches before the one that failed are stored: do it again.
    pub async fn enqueue(&self, jobs: &[Job], listed: bool, again: Again) -> Result<Enqueued, QueueError> {
        let mut done = Enqueued::default();
        let schema = i32::try_from(SCANNER_SCHEMA).unwrap_or(i32::MAX);
        let (outcomes, all) = (again.outcomes(), again == Again::All);
        for batch in jobs.chunks(BATCH) {
            let keys: Vec<String> = batch.iter().map(Job::key).collect();
            let targets: Vec<String> = batch.iter().map(|job| job.target.to_string()).collect();
            let registries: Vec<&str> =
                batch.iter().map(|job| job.target.server().registry().as_str()).collect();
            let newest: Vec<bool> = batch.iter().map(|job| job.newest).collect();
            let ranks: Vec<i32> = batch.iter().map(|job| job.rank).collect();
            let values: &[&(dyn tokio_postgres::types::ToSql + Sync)] =
                &[&keys, &targets, &registries, &newest, &ranks, &schema, &listed, &outcomes, &all];
            let rows = self.rows(ENQUEUE, values).await?;
            let again = rows.iter().filter(|row| row.get::<_, i32>("attempt") > 0).count() as u64;
            done.again += again;
            done.new += rows.len() as u64 - again;
            done.there += (batch.len() - rows.len()) as u64;
        }
        Ok(done)
    }

    /// Lets jobs that are done with one of these outcomes, or are one of these targets, wait again. Returns how many.
    ///
    /// # Errors
    /// As above.
    pub async fn retry(&self, outcomes: &[Outcome], targets: &[String]) -> Result<u64, QueueError> {
        let words: Vec<&str> = outcomes.iter().map(|outcome| outcome.as_str()).collect();
        Ok(self.rows(RETRY, &[&words, &targets]).await?.len() as u64)
    }

    /// Lets jobs that wait after a transient fault be tried at once. Returns how many.
    ///
    /// # Errors
    /// As above.
    pub async fn hurry(&self) -> Result<u64, QueueError> {
        Ok(self.rows(HURRY, &[]).await?.len() as u64)
    }

    /// Drops what results hold that are older than this; that they are done stays known. Returns how many.
    ///
    /// # Errors
    /// As above.
    pub async fn purge_bodies(&self, older: Duration) -> Result<u64, QueueError> {
        let seconds = older.as_secs_f64();
        let rows = self.rows(PURGE_BODIES, &[&seconds]).await?;
        Ok(rows.first().map_or(0, |row| u64::try_from(row.get::<_, i64>(0)).unwrap_or_default()))
    }

    /// Drops every job and result but what is held just now. Returns how many jobs.
    ///
    /// # Errors
    /// As above.
    pub async fn purge_all(&self) -> Result<u64, QueueError> {
        let rows = self.rows(PURGE_ALL, &[]).await?;
        Ok(rows.first().map_or(0, |row| u64::try_from(row.get::<_, i64>(0)).unwrap_or_default()))
    }
}
