//! What a worker may do: claim, heartbeat, complete, fail. Each is one function of the database and one transaction.

use std::time::Duration;

use super::{Link, QueueError};
use crate::model::Outcome;
use crate::model::work::Claim;

/// The queue's own version: its tables and functions. A worker says it with every claim.
pub const QUEUE_VERSION: i32 = 2;
/// How long a lease lasts without a heartbeat.
pub const LEASE: Duration = Duration::from_secs(120);
/// Bytes kept of what a fault says.
const WHY_CHARS: usize = 300;

const CLAIM: &str = "
    SELECT job, target, newest, listed, attempt, token, deaths, company_deaths, faults, wait_ms, is_open
    FROM catalogue_queue.claim($1, $2, $3, $4::text::uuid, $5::text::uuid, $6)";
/// As version 1 has it: it says what its queue is.
const FIRST_CLAIM: &str = "SELECT job FROM catalogue_queue.claim($1, $2, $3, $4::text::uuid, $5)";
const HEARTBEAT: &str = "SELECT catalogue_queue.heartbeat($1, $2, $3, $4)";
const COMPLETE: &str = "SELECT catalogue_queue.complete($1, $2, $3, $4, $5, $6)";
const FAIL: &str = "SELECT catalogue_queue.fail($1, $2, $3, $4, $5, $6, $7, $8)";

/// Who works: a process that holds leases.
#[derive(Debug, Clone)]
pub struct Worker {
    /// Its name, for people.
    pub name: String,
    /// A random UUID that nobody else knows: leases are lost together with the process that took them.
    pub session: String,
    /// Its scanner's way of asking, see [`crate::model::probe::SCANNER_SCHEMA`].
    pub scanner_schema: u32,
    /// How long its leases last; [`LEASE`] but for tests.
    pub lease: Duration,
}

/// A job under a lease.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// Its row.
    pub job: i64,
    /// The target and the fence.
    pub claim: Claim,
    /// The registry names this release as the newest.
    pub newest: bool,
    /// It came out of a list: its address must be a public one.
    pub listed: bool,
    /// Transient faults so far.
    pub faults: u32,
}

/// What a claim came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Claimed {
    /// A job.
    Job(Held),
    /// Nothing that may be done now.
    Nothing {
        /// When to ask again.
        wait: Duration,
        /// False once every job is done.
        is_open: bool,
    },
}

/// Why a job is given back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// The worker ends.
    Drained,
    /// The network, a registry or this machine failed; says nothing of the target.
    Transient {
        /// The outcome's word.
        outcome: Outcome,
        /// One line on why. Foreign text.
        why: String,
        /// Not before this has passed.
        wait: Duration,
        /// The registry asked to be left alone: nobody asks it meanwhile.
        rest: bool,
    },
}

impl Link {
    /// Takes the first job that may be done now.
    ///
    /// # Errors
    /// [`QueueError`], here and below; [`QueueError::Version`] and [`QueueError::Scanner`] if the queue is for others.
    pub async fn claim(&self, worker: &Worker) -> Result<Claimed, QueueError> {
        self.claim_for(worker, None).await
    }

    /// The same under a name, a UUID: the same name again, as long as the job is held, is answered with the same job. So an
    /// answer that was lost on its way costs nothing.
    ///
    /// # Errors
    /// As above.
    pub async fn claim_for(&self, worker: &Worker, request: Option<&str>) -> Result<Claimed, QueueError> {
        let schema = i32::try_from(worker.scanner_schema).unwrap_or(i32::MAX);
        let (name, session, lease) = (&worker.name, &worker.session, millis(worker.lease));
        let rows = match self.rows(CLAIM, &[&QUEUE_VERSION, &schema, name, session, &request, &lease]).await {
            Err(error @ QueueError::NoQueue { .. }) => {
                // Perhaps an older one, which knows no such claim.
                let asked = self.rows(FIRST_CLAIM, &[&QUEUE_VERSION, &schema, name, session, &lease]).await;
                return Err(asked
                    .err()
                    .filter(|said| matches!(said, QueueError::Version { .. }))
                    .unwrap_or(error));
            }
            asked => asked?,
        };
        let Some(row) = rows.first() else {
            return Ok(Claimed::Nothing { wait: Duration::from_secs(1), is_open: true });
        };
        let count = |column: &str| u32::try_from(row.get::<_, i32>(column)).unwrap_or_default();
        let Some(job) = row.get::<_, Option<i64>>("job") else {
            let wait = Duration::from_millis(u64::from(count("wait_ms")));
            return Ok(Claimed::Nothing { wait, is_open: row.get("is_open") });
        };
        let claim = Claim {
            key: row.get("target"),
            attempt: count("attempt"),
            token: row.get("token"),
            deaths: count("deaths"),
            company_deaths: count("company_deaths"),
        };
        let (newest, listed) = (row.get("newest"), row.get("listed"));
        Ok(Claimed::Job(Held { job, claim, newest, listed, faults: count("faults") }))
    }

    /// Prolongs a lease. False if it is lost: the job may be someone else's now.
    ///
    /// # Errors
    /// As above.
    pub async fn heartbeat(&self, held: &Held, lease: Duration) -> Result<bool, QueueError> {
        let attempt = attempt(held);
        self.said(HEARTBEAT, &[&held.job, &attempt, &held.claim.token, &millis(lease)]).await
    }

    /// Marks a job done and stores its result in one transaction. False if the lease is lost; then nothing is stored.
    /// The same call again is answered as the first one was.
    ///
    /// # Errors
    /// As above; [`QueueError::TooLarge`] for a result that the queue does not take.
    pub async fn complete(
        &self,
        held: &Held,
        outcome: Outcome,
        took: Duration,
        body: Option<&[u8]>,
    ) -> Result<bool, QueueError> {
        let took = i64::try_from(took.as_millis()).unwrap_or(i64::MAX);
        let (attempt, word) = (attempt(held), outcome.as_str());
        self.said(COMPLETE, &[&held.job, &attempt, &held.claim.token, &word, &took, &body]).await
    }

    /// Gives a job back at no cost. False if the lease is lost; then nothing changes.
    ///
    /// # Errors
    /// As above.
    pub async fn fail(&self, held: &Held, fault: &Fault) -> Result<bool, QueueError> {
        let attempt = attempt(held);
        let (kind, outcome, why, wait, rest) = match fault {
            Fault::Drained => ("drained", Outcome::Interrupted, "", Duration::ZERO, false),
            Fault::Transient { outcome, why, wait, rest } => {
                ("transient", *outcome, why.as_str(), *wait, *rest)
            }
        };
        // The database takes no NUL.
        let why: String = why.chars().filter(|c| !c.is_control()).take(WHY_CHARS).collect();
        let (token, word, wait) = (&held.claim.token, outcome.as_str(), millis(wait));
        self.said(FAIL, &[&held.job, &attempt, token, &kind, &word, &why, &wait, &rest]).await
    }

    async fn said(
        &self,
        sql: &'static str,
        values: &[&(dyn tokio_postgres::types::ToSql + Sync)],
    ) -> Result<bool, QueueError> {
        Ok(self.rows(sql, values).await?.first().is_some_and(|row| row.get(0)))
    }
}

fn attempt(held: &Held) -> i32 {
    i32::try_from(held.claim.attempt).unwrap_or(i32::MAX)
}

fn millis(time: Duration) -> i32 {
    i32::try_from(time.as_millis()).unwrap_or(i32::MAX)
}
