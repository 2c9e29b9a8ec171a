//! Makes a queue and brings it up to date: numbered migrations, one transaction, and the rights of a worker's role.

use super::worker::QUEUE_VERSION;
use super::{Link, QueueError};

/// Every migration in order; the position (from 1) is the version. Append only.
const MIGRATIONS: [&str; 2] =
    [include_str!("migrations/0001_queue.sql"), include_str!("migrations/0002_claims.sql")];
const _: () = assert!(MIGRATIONS.len() == QUEUE_VERSION as usize, "the version is the number of migrations");

/// Two at a time wait for each other.
const BEGIN: &str = "
    BEGIN;
    SELECT pg_advisory_xact_lock(hashtextextended('catalogue_queue.schema', 0));
    CREATE SCHEMA IF NOT EXISTS catalogue_queue;
    SET LOCAL search_path = catalogue_queue";
const HAS_META: &str = "SELECT to_regclass('catalogue_queue.meta') IS NOT NULL";
const VERSION: &str = "SELECT version FROM catalogue_queue.meta";
const SET_VERSION: &str = "
    INSERT INTO catalogue_queue.meta (version, result_bytes) VALUES ($1, $2)
    ON CONFLICT (only_row) DO UPDATE SET version = excluded.version, result_bytes = excluded.result_bytes";
const SET_PACE: &str = "
    UPDATE catalogue_queue.paces SET interval_ms = $2, next_at = '-infinity' WHERE registry = $1 RETURNING registry";
const HAS_ROLE: &str = "SELECT EXISTS (SELECT 1 FROM pg_catalog.pg_roles WHERE rolname = $1)";
/// The functions of a worker, and nothing else. Names are quoted by the database.
const GRANTS: &str = "
    SELECT format('REVOKE ALL ON SCHEMA catalogue_queue FROM %1$I; GRANT USAGE ON SCHEMA catalogue_queue TO %1$I;', $1::text)
      || coalesce(string_agg(format('GRANT EXECUTE ON FUNCTION %s TO %I;', p.oid::regprocedure, $1::text), ' '), '')
    FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
    WHERE n.nspname = 'catalogue_queue' AND p.proname IN ('claim', 'heartbeat', 'complete', 'fail')";
const MAKE_ROLE: &str = "SELECT format('CREATE ROLE %I NOLOGIN', $1::text)";

/// What `catalogue queue init` is told.
#[derive(Debug, Clone)]
pub struct Setup {
    /// The role that workers' logins are members of.
    pub worker_role: String,
    /// Most bytes of a result.
    pub result_bytes: u64,
    /// Milliseconds between two starts of servers of a registry; the others stay as they are.
    pub paces: Vec<(String, u32)>,
}

/// What it did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Made {
    /// The version before; 0 for a new queue.
    pub from: i32,
    /// The version now.
    pub to: i32,
    /// The role was not there before.
    pub made_role: bool,
}

impl Link {
    /// Makes the queue, or brings it to this program's version. Again and again does no harm.
    ///
    /// # Errors
    /// [`QueueError`]; nothing is changed then.
    pub async fn init(&self, setup: &Setup) -> Result<Made, QueueError> {
        let place = self.place();
        let connected = self.alone().await?;
        let client = &connected.client;
        let refused = |error| QueueError::from_sql(&place, error);
        client.batch_execute(BEGIN).await.map_err(refused)?;
        let has_meta: bool = client.query_one(HAS_META, &[]).await.map_err(refused)?.get(0);
        let from: i32 = match has_meta {
            true => client.query_one(VERSION, &[]).await.map_err(refused)?.get(0),
            false => 0,
        };
        if from > QUEUE_VERSION {
            return Err(QueueError::version(&place, from, QUEUE_VERSION));
        }
        for sql in MIGRATIONS.iter().skip(usize::try_from(from).unwrap_or_default()) {
            client.batch_execute(sql).await.map_err(refused)?;
        }
        let bytes = i64::try_from(setup.result_bytes).unwrap_or(i64::MAX);
        client.execute(SET_VERSION, &[&QUEUE_VERSION, &bytes]).await.map_err(refused)?;
        for (registry, millis) in &setup.paces {
            let millis = i32::try_from(*millis).unwrap_or(i32::MAX);
            client.execute(SET_PACE, &[registry, &millis]).await.map_err(refused)?;
        }
        let has_role: bool = client.query_one(HAS_ROLE, &[&setup.worker_role]).await.map_err(refused)?.get(0);
        if !has_role {
            let sql: String =
                client.query_one(MAKE_ROLE, &[&setup.worker_role]).await.map_err(refused)?.get(0);
            client.batch_execute(&sql).await.map_err(refused)?;
        }
        let grants: String = client.query_one(GRANTS, &[&setup.worker_role]).await.map_err(refused)?.get(0);
        client.batch_execute(&grants).await.map_err(refused)?;
        client.batch_execute("COMMIT").await.map_err(refused)?;
        Ok(Made { from, to: QUEUE_VERSION, made_role: !has_role })
    }

    /// Checks that the queue is there and speaks our version. For its owner: workers are checked with each claim.
    ///
    /// # Errors
    /// [`QueueError::NoQueue`], [`QueueError::Version`], ….
    pub async fn check_version(&self) -> Result<(), QueueError> {
        let rows = self.rows(VERSION, &[]).await?;
        let found: i32 = rows.first().map(|row| row.get(0)).unwrap_or_default();
        if found != QUEUE_VERSION {
            return Err(QueueError::version(&self.place(), found, QUEUE_VERSION));
        }
        Ok(())
    }
}
