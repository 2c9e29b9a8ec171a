//! The work queue: what is to be scanned, who is at it, and how often its scanner died.
//!
//! Five operations and a sweep, the same as `queue` has over PostgreSQL; `tests/queue` runs one suite over both. A worker
//! holds a lease; a lease that runs out, or whose worker is gone, is swept: the target goes to the back of the queue.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use rusqlite::{OptionalExtension, Transaction, params};

use super::{Store, StoreError, stored_time};
use crate::model::work::Claim;

const ENQUEUE: &str = "
    INSERT INTO work (key, state, place, enqueued_at)
    VALUES (?1, 'waiting', (SELECT coalesce(max(place), 0) + 1 FROM work), ?2)
    ON CONFLICT (key) DO UPDATE SET
      state = 'waiting', place = excluded.place, enqueued_at = excluded.enqueued_at, finished_at = NULL,
      deaths = 0, company_deaths = 0, progress = 0, progress_at_claim = 0
    WHERE state = 'done'";

/// `key IN (json list)`: one bound parameter however long the list is.
const CLAIM: &str = "
    UPDATE work SET state = 'leased', worker = ?2, lease_until = ?3, progress_at_claim = progress,
      attempt = attempt + 1, token = lower(hex(randomblob(16)))
    WHERE id = (
      SELECT id FROM work
      WHERE state = 'waiting' AND key IN (SELECT value FROM json_each(?1))
      ORDER BY place LIMIT 1)
    RETURNING key, attempt, token, deaths, company_deaths";

const HEARTBEAT: &str =
    "UPDATE work SET lease_until = ?4 WHERE key = ?1 AND attempt = ?2 AND token = ?3 AND state = 'leased'";

const COMPLETE: &str = "
    UPDATE work SET state = 'done', worker = NULL, lease_until = NULL, deaths = 0, company_deaths = 0, finished_at = ?4
    WHERE key = ?1 AND attempt = ?2 AND token = ?3 AND state = 'leased'";

/// The same delivery a second time: whoever was not told that the first one was taken asks again.
const IS_COMPLETED: &str =
    "SELECT EXISTS (SELECT 1 FROM work WHERE key = ?1 AND attempt = ?2 AND token = ?3 AND state = 'done')";

const FAIL: &str = "
    UPDATE work SET state = 'waiting', worker = NULL, lease_until = NULL,
      place = (SELECT coalesce(max(place), 0) + 1 FROM work)
    WHERE key = ?1 AND attempt = ?2 AND token = ?3 AND state = 'leased'";

const LEASED: &str = "SELECT id, key, worker, lease_until FROM work WHERE state = 'leased' ORDER BY place";

const RETURN_TO_QUEUE: &str = "
    UPDATE work SET state = 'waiting', worker = NULL, lease_until = NULL,
      deaths = CASE WHEN progress > progress_at_claim THEN ?2 ELSE deaths + ?2 END,
      company_deaths = company_deaths + (1 - ?2),
      place = (SELECT coalesce(max(place), 0) + 1 FROM work)
    WHERE id = ?1";

/// The operations every queue has. All of them are safe to call from several processes at once.
pub trait WorkQueue {
    /// Adds targets at the back. One that is done waits again, its deaths forgotten; one that waits or is leased stays.
    ///
    /// # Errors
    /// [`StoreError`], here and below.
    fn enqueue(&mut self, keys: &[String], now: Timestamp) -> Result<(), StoreError>;

    /// Hands the first waiting target among those named to a worker, for as long as the lease. None if none waits.
    fn claim(
        &mut self,
        among: &[String],
        worker: &str,
        lease: Duration,
        now: Timestamp,
    ) -> Result<Option<Claim>, StoreError>;

    /// Prolongs a lease. False if it is lost: the target was swept and may be someone else's now.
    fn heartbeat(&mut self, held: &Claim, lease: Duration, now: Timestamp) -> Result<bool, StoreError>;

    /// Marks a target done. False if the lease is lost; then nothing changes. The same call again is answered as the first one was.
    fn complete(&mut self, held: &Claim, now: Timestamp) -> Result<bool, StoreError>;

    /// Gives a target back, to the end of the queue, at no cost: what stopped it was not its fault.
    /// False if the lease is lost; then nothing changes.
    fn fail(&mut self, held: &Claim, now: Timestamp) -> Result<bool, StoreError>;

    /// Puts back what is held by nobody: leases that ran out, and those of workers that are not alive. Counts a death
    /// for each: alone if its worker held nothing else (the first, if an attempt was stored since it was claimed). Returns their keys.
    fn sweep(&mut self, is_alive: &dyn Fn(&str) -> bool, now: Timestamp) -> Result<Vec<String>, StoreError>;
}

impl WorkQueue for Store {
    fn enqueue(&mut self, keys: &[String], now: Timestamp) -> Result<(), StoreError> {
        let now = stored_time(now);
        self.write(|tx| {
            let add_all = || -> rusqlite::Result<()> {
                let mut add = tx.prepare_cached(ENQUEUE)?;
                for key in keys {
                    add.execute(params![key, now])?;
                }
                Ok(())
            };
            add_all().map_err(|e| StoreError::from_sql(tx, e))
        })
    }

    fn claim(
        &mut self,
        among: &[String],
        worker: &str,
        lease: Duration,
        now: Timestamp,
    ) -> Result<Option<Claim>, StoreError> {
        let among = serde_json::to_string(among).expect("a list of strings is always JSON");
        self.write(|tx| {
            tx.query_row(CLAIM, params![among, worker, lease_end(now, lease)], |row| {
                Ok(Claim {
                    key: row.get("key")?,
                    attempt: row.get("attempt")?,
                    token: row.get("token")?,
                    deaths: row.get("deaths")?,
                    company_deaths: row.get("company_deaths")?,
                })
            })
            .optional()
            .map_err(|e| StoreError::from_sql(tx, e))
        })
    }

    fn heartbeat(&mut self, held: &Claim, lease: Duration, now: Timestamp) -> Result<bool, StoreError> {
        self.write(|tx| {
            changed(tx, HEARTBEAT, params![held.key, held.attempt, held.token, lease_end(now, lease)])
        })
    }

    fn complete(&mut self, held: &Claim, now: Timestamp) -> Result<bool, StoreError> {
        self.write(|tx| {
            let fence = params![held.key, held.attempt, held.token];
            Ok(changed(tx, COMPLETE, params![held.key, held.attempt, held.token, stored_time(now)])?
                || tx
                    .query_row(IS_COMPLETED, fence, |row| row.get(0))
                    .map_err(|e| StoreError::from_sql(tx, e))?)
        })
    }

    fn fail(&mut self, held: &Claim, _now: Timestamp) -> Result<bool, StoreError> {
        self.write(|tx| changed(tx, FAIL, params![held.key, held.attempt, held.token]))
    }

    fn sweep(&mut self, is_alive: &dyn Fn(&str) -> bool, now: Timestamp) -> Result<Vec<String>, StoreError> {
        let now = stored_time(now);
        self.write(|tx| put_back(tx, is_alive, &now).map_err(|e| StoreError::from_sql(tx, e)))
    }
}

fn put_back(
    tx: &Transaction<'_>,
    is_alive: &dyn Fn(&str) -> bool,
    now: &str,
) -> rusqlite::Result<Vec<String>> {
    let leased: Vec<(i64, String, String, String)> = tx
        .prepare(LEASED)?
        .query_map([], |row| {
            Ok((row.get("id")?, row.get("key")?, row.get("worker")?, row.get("lease_until")?))
        })?
        .collect::<Result<_, _>>()?;
    let mut swept = Vec::new();
    for (id, key, worker, lease_until) in &leased {
        if lease_until.as_str() <= now || !is_alive(worker) {
            // Three killed scans of many servers condemned bystanders before only deaths alone were counted.
            let alone = leased.iter().filter(|(_, _, other, _)| other == worker).count() == 1;
            tx.execute(RETURN_TO_QUEUE, params![id, i64::from(alone)])?;
            swept.push(key.clone());
        }
    }
    Ok(swept)
}

fn changed(tx: &Transaction<'_>, sql: &str, values: impl rusqlite::Params) -> Result<bool, StoreError> {
    tx.execute(sql, values).map(|rows| rows > 0).map_err(|e| StoreError::from_sql(tx, e))
}

/// A lease beyond the end of time ends there.
fn lease_end(now: Timestamp, lease: Duration) -> String {
    let end = SignedDuration::try_from(lease).ok().and_then(|lease| now.checked_add(lease).ok());
    stored_time(end.unwrap_or(Timestamp::MAX))
}
