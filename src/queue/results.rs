//! Reading results out of a queue at one snapshot, from where the last reading stood. For its owner.
//!
//! Numbers of rows are no mark to go on from: of two results the later number may be committed first. Each row says which
//! transaction wrote it, and the mark is the oldest transaction that was still under way; whoever reads drops what comes twice.

use futures_util::{StreamExt, pin_mut};
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

use super::{Link, QueueError};

const BEGIN: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL statement_timeout = 0;
    SET LOCAL idle_in_transaction_session_timeout = '10min'";
const MARK: &str = "
    SELECT m.id::text AS id, pg_snapshot_xmin(pg_current_snapshot())::text AS mark,
      $1::text::xid8 > pg_snapshot_xmax(pg_current_snapshot()) AS is_beyond
    FROM catalogue_queue.meta m";
const RESULTS: &str = "
    SELECT r.id AS id, j.target AS target, j.newest AS newest, j.scanner_schema AS scanner_schema, r.attempt AS attempt,
      r.worker AS worker, r.outcome AS outcome, r.body AS body, (extract(epoch FROM r.made_at) * 1000)::bigint AS made_at
    FROM catalogue_queue.results r JOIN catalogue_queue.jobs j ON j.id = r.job_id
    WHERE r.written_by >= $1::text::xid8 ORDER BY r.id";

/// A result as it was delivered. All of it but `id`, `target`, `newest`, `scanner_schema` and `made_at_millis` is the
/// worker's word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivered {
    /// Its row.
    pub id: i64,
    /// The job, as it was enqueued.
    pub target: String,
    /// Its registry named it as the newest when it was enqueued.
    pub newest: bool,
    /// The scanner schema that it was enqueued for.
    pub scanner_schema: u32,
    /// Which delivery of the job it came of.
    pub attempt: u32,
    /// What the worker calls itself.
    pub worker: String,
    /// The outcome's word.
    pub outcome: String,
    /// A [`super::delivery::Delivery`]; None where nothing was found out.
    pub body: Option<Vec<u8>>,
    /// When the database stored it, milliseconds since 1970 by its own clock.
    pub made_at_millis: i64,
}

/// Where a reading begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reading {
    /// Which queue it is.
    pub queue: String,
    /// Where the next reading begins, once this one is stored.
    pub mark: String,
}

impl Link {
    /// Hands every result that is new since `mark_of(queue)`, and some that are not, to `take`, in the order of their numbers.
    ///
    /// One at a time is held in memory. Workers are not disturbed.
    ///
    /// # Errors
    /// `E` from [`QueueError`], or what `take` says, which ends the reading.
    pub async fn read_results<E: From<QueueError>>(
        &self,
        mark_of: impl FnOnce(&str) -> Result<Option<String>, E>,
        mut take: impl FnMut(&Reading, Delivered) -> Result<(), E>,
    ) -> Result<Reading, E> {
        let place = self.place();
        let refused = |error| E::from(QueueError::from_sql(&place, error));
        self.check_version().await?;
        let connected = self.alone().await?;
        let client = &connected.client;
        client.batch_execute(BEGIN).await.map_err(refused)?;
        let first = client.query_one(MARK, &[&"0"]).await.map_err(refused)?;
        let queue: String = first.get("id");
        let mut from = mark_of(&queue)?.unwrap_or_else(|| "0".to_owned());
        let here = client.query_one(MARK, &[&from]).await.map_err(refused)?;
        if here.get("is_beyond") {
            // Restored from a copy, the database counts its transactions anew.
            from = "0".to_owned();
        }
        let reading = Reading { queue, mark: here.get("mark") };
        let values: [&(dyn ToSql + Sync); 1] = [&from];
        let rows = client.query_raw(RESULTS, values).await.map_err(refused)?;
        pin_mut!(rows);
        while let Some(row) = rows.next().await {
            take(&reading, delivered(&row.map_err(refused)?))?;
        }
        client.batch_execute("COMMIT").await.map_err(refused)?;
        Ok(reading)
    }
}

fn delivered(row: &Row) -> Delivered {
    let small = |column: &str| u32::try_from(row.get::<_, i32>(column)).unwrap_or_default();
    Delivered {
        id: row.get("id"),
        target: row.get("target"),
        newest: row.get("newest"),
        scanner_schema: small("scanner_schema"),
        attempt: small("attempt"),
        worker: row.get("worker"),
        outcome: row.get("outcome"),
        body: row.get("body"),
        made_at_millis: row.get("made_at"),
    }
}
