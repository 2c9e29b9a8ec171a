//! Hosts that asked to be left alone, and until when.

use std::collections::HashMap;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use rusqlite::params;

use super::rows::time;
use super::{Store, StoreError, stored_time};

const REST: &str = "
    INSERT INTO resting_hosts (host, until) VALUES (?1, ?2)
    ON CONFLICT (host) DO UPDATE SET until = max(until, excluded.until)";
const FORGET: &str = "DELETE FROM resting_hosts WHERE until <= ?1";
const RESTING: &str = "SELECT host, until FROM resting_hosts WHERE until > ?1 ORDER BY host";

impl Store {
    /// Notes that a host is to be left alone for so long; what it said before counts if that is longer.
    ///
    /// # Errors
    /// [`StoreError`], here and below.
    pub fn rest_host(&mut self, host: &str, wait: Duration, now: Timestamp) -> Result<(), StoreError> {
        let until = SignedDuration::try_from(wait).ok().and_then(|wait| now.checked_add(wait).ok());
        let until = stored_time(until.unwrap_or(Timestamp::MAX));
        self.write(|tx| {
            tx.execute(FORGET, [stored_time(now)])
                .and_then(|_| tx.execute(REST, params![host, until]))
                .map(drop)
                .map_err(|e| StoreError::from_sql(tx, e))
        })
    }

    /// The hosts that are to be left alone, and for how long from now on.
    ///
    /// # Errors
    /// As above.
    pub fn resting_hosts(&self, now: Timestamp) -> Result<HashMap<String, Duration>, StoreError> {
        let read = || -> rusqlite::Result<HashMap<String, Duration>> {
            let mut statement = self.connection.prepare(RESTING)?;
            let rows = statement.query_map([stored_time(now)], |row| {
                let left = time(row, "until")?.duration_since(now);
                Ok((row.get("host")?, Duration::try_from(left).unwrap_or_default()))
            })?;
            rows.collect()
        };
        read().map_err(|e| StoreError::from_sql(&self.connection, e))
    }
}
