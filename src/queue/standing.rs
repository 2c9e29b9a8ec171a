//! How a queue stands: counts, rates, ages, who holds what, and what took its scanner down. For its owner.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{Link, QueueError};

/// Statements with `now()`: with the clock itself no index can be used.
const TALLIES: &str = "
    SELECT state, outcome, sum(jobs)::bigint AS jobs FROM catalogue_queue.tallies
    GROUP BY state, outcome HAVING sum(jobs) <> 0 ORDER BY state, outcome";
/// Of the last results only: a look at a million would take as long as they are many.
const RATE: &str = "
    SELECT count(*) AS results, coalesce(extract(epoch FROM now() - min(l.made_at)), 0)::float8 AS seconds,
      coalesce(percentile_cont(0.5) WITHIN GROUP (ORDER BY l.millis), 0)::float8 AS median,
      coalesce(percentile_cont(0.95) WITHIN GROUP (ORDER BY l.millis), 0)::float8 AS p95
    FROM (SELECT made_at, millis FROM catalogue_queue.results
      WHERE made_at > now() - interval '10 minutes' ORDER BY made_at DESC LIMIT 5000) l";
const AGES: &str = "
    SELECT coalesce(extract(epoch FROM now()
        - (SELECT min(enqueued_at) FROM catalogue_queue.jobs WHERE state = 'waiting')), 0)::float8 AS waiting,
      (SELECT count(*) FROM catalogue_queue.jobs WHERE state = 'waiting' AND not_before > now()) AS later,
      (SELECT count(*) FROM catalogue_queue.jobs WHERE state = 'leased' AND lease_until < now()) AS overdue,
      m.id::text AS id, m.version AS version FROM catalogue_queue.meta m";
const WORKERS: &str = "
    SELECT worker, count(*) AS held, extract(epoch FROM now() - min(leased_at))::float8 AS oldest
    FROM catalogue_queue.jobs WHERE state = 'leased' GROUP BY worker, session ORDER BY worker LIMIT 500";
const POISON: &str = "
    SELECT target, deaths, state, outcome FROM catalogue_queue.jobs WHERE deaths > 0 ORDER BY deaths DESC, id LIMIT 20";
const FAULTS: &str = "
    SELECT target, faults, fault FROM catalogue_queue.jobs
    WHERE state = 'waiting' AND not_before > now() ORDER BY not_before DESC, id LIMIT 10";
const PACES: &str = "
    SELECT registry, interval_ms, greatest((extract(epoch FROM next_at) - extract(epoch FROM now()))::float8, 0) AS rest
    FROM catalogue_queue.paces ORDER BY registry";

/// Everything `catalogue queue status` says.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Standing {
    /// Which queue this is.
    pub queue: String,
    /// Its version.
    pub version: i32,
    /// Jobs that wait.
    pub waiting: u64,
    /// Of these, after a transient fault, not yet.
    pub waiting_for_later: u64,
    /// Jobs that a worker holds.
    pub leased: u64,
    /// Of these, under a lease that ran out: the next claim hands them out.
    pub overdue: u64,
    /// Jobs that are done.
    pub done: u64,
    /// Done ones by outcome.
    pub outcomes: BTreeMap<String, u64>,
    /// Results a minute, over the last ten minutes or the last 5,000.
    pub per_minute: f64,
    /// Seconds until nothing waits, at that rate; None while there is none.
    pub eta_seconds: Option<u64>,
    /// Half of the last results took at most so many milliseconds.
    pub median_millis: f64,
    /// 95 of 100 did.
    pub p95_millis: f64,
    /// How long the oldest waiting job waits.
    pub oldest_waiting_seconds: f64,
    /// Who holds what.
    pub workers: Vec<Holder>,
    /// Jobs whose worker was lost, worst first.
    pub poison: Vec<Poison>,
    /// Jobs that wait after a transient fault.
    pub faults: Vec<Faulty>,
    /// How fast each registry may be asked.
    pub paces: Vec<PaceLine>,
}

/// A worker process that holds leases.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Holder {
    /// What it calls itself. Foreign text.
    pub worker: String,
    /// Jobs it holds.
    pub held: u64,
    /// Seconds since it took the oldest of them.
    pub oldest_seconds: f64,
}

/// A job whose worker was lost while it held nothing else.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Poison {
    /// The job.
    pub target: String,
    /// How often.
    pub deaths: u32,
    /// Where it is now.
    pub state: String,
    /// How it ended.
    pub outcome: Option<String>,
}

/// A job that waits after a transient fault.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Faulty {
    /// The job.
    pub target: String,
    /// How many faults so far.
    pub faults: u32,
    /// The last one. Foreign text.
    pub fault: String,
}

/// How fast a registry may be asked.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PaceLine {
    /// The registry.
    pub registry: String,
    /// Milliseconds between two jobs of it that are handed out; 0: no pace.
    pub interval_ms: u32,
    /// Seconds until the next may be.
    pub rests_seconds: f64,
}

impl Link {
    /// How the queue stands. Takes as long for a million jobs as for ten.
    ///
    /// # Errors
    /// [`QueueError`].
    pub async fn standing(&self) -> Result<Standing, QueueError> {
        let (mut by_state, mut outcomes) = (BTreeMap::<String, u64>::new(), BTreeMap::new());
        for row in self.rows(TALLIES, &[]).await? {
            let (state, outcome): (String, String) = (row.get("state"), row.get("outcome"));
            let jobs = u64::try_from(row.get::<_, i64>("jobs")).unwrap_or_default();
            if state == "done" {
                outcomes.insert(outcome, jobs);
            }
            *by_state.entry(state).or_default() += jobs;
        }
        let of = |state: &str| by_state.get(state).copied().unwrap_or_default();
        let none = || QueueError::NoQueue { place: self.place() };
        let (rate, ages) = (self.rows(RATE, &[]).await?, self.rows(AGES, &[]).await?);
        let (rate, ages) = (rate.first().ok_or_else(none)?, ages.first().ok_or_else(none)?);
        let counted = |row: &tokio_postgres::Row, column: &str| {
            u64::try_from(row.get::<_, i64>(column)).unwrap_or_default()
        };
        let small = |row: &tokio_postgres::Row, column: &str| {
            u32::try_from(row.get::<_, i32>(column)).unwrap_or_default()
        };
        let (results, seconds): (u64, f64) = (counted(rate, "results"), rate.get("seconds"));
        let per_second = if results > 1 { results as f64 / seconds.max(0.001) } else { 0.0 };
        let left = of("waiting") + of("leased");
        let eta_seconds = (per_second > 0.0).then(|| (left as f64 / per_second).ceil() as u64);
        let workers = self.rows(WORKERS, &[]).await?;
        let poison = self.rows(POISON, &[]).await?;
        let faults = self.rows(FAULTS, &[]).await?;
        let paces = self.rows(PACES, &[]).await?;
        Ok(Standing {
            queue: ages.get("id"),
            version: ages.get("version"),
            waiting: of("waiting"),
            waiting_for_later: counted(ages, "later"),
            leased: of("leased"),
            overdue: counted(ages, "overdue"),
            done: of("done"),
            outcomes,
            per_minute: (per_second * 600.0).round() / 10.0,
            eta_seconds,
            median_millis: rate.get("median"),
            p95_millis: rate.get("p95"),
            oldest_waiting_seconds: ages.get("waiting"),
            workers: workers
                .iter()
                .map(|row| Holder {
                    worker: row.get("worker"),
                    held: counted(row, "held"),
                    oldest_seconds: row.get("oldest"),
                })
                .collect(),
            poison: poison
                .iter()
                .map(|row| Poison {
                    target: row.get("target"),
                    deaths: small(row, "deaths"),
                    state: row.get("state"),
                    outcome: row.get("outcome"),
                })
                .collect(),
            faults: faults
                .iter()
                .map(|row| Faulty {
                    target: row.get("target"),
                    faults: small(row, "faults"),
                    fault: row.get::<_, Option<String>>("fault").unwrap_or_default(),
                })
                .collect(),
            paces: paces
                .iter()
                .map(|row| PaceLine {
                    registry: row.get("registry"),
                    interval_ms: small(row, "interval_ms"),
                    rests_seconds: row.get("rest"),
                })
                .collect(),
        })
    }
}
