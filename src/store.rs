//! The database: one file, one writer, as many readers as like. The only place that speaks SQL.
//!
//! Nothing a server answered and no verdict is ever overwritten: a probe is a new row, a definition is stored once by
//! its hash, a verdict once by (definition, rule set). So history and differences are queries. `docs/DATABASE.md`
//! describes the tables for people. Called by `cli` (writer) and by `render` and `cli` (readers).

mod answers;
mod bulk;
mod candidates;
mod changes;
mod collected;
pub mod comparable;
mod declared;
mod error;
pub mod exposure;
pub mod feed;
pub mod identity;
mod listed;
pub mod merge;
pub mod moment;
mod open;
mod overrides;
pub mod page_dates;
mod pages;
mod probes;
mod public_copy;
mod queue;
mod releases;
mod repositories;
mod rests;
mod review;
mod rows;
mod rule_sets;
pub mod site;
pub mod site_history;
pub mod site_inputs;
mod sources;
pub mod stored_tool;
mod walks;

use jiff::Timestamp;
use rusqlite::{Transaction, TransactionBehavior};

pub use answers::{Answered, AnsweredTool, answered, answered_servers};
pub use candidates::{CandidateCounts, Unseen, Waiting};
pub use changes::{ChangedTool, Judgement, Move, changed_tools, moves};
pub use collected::{Collected, CollectedProbe};
pub use declared::{
    DeclaredRecord, DeclaredServer, StoredDeclared, UnseenBundle, declared_lists, declared_servers,
};
pub use error::StoreError;
pub use listed::overlay_overrides;
pub use open::{BUSY_TIMEOUT, SCHEMA};
pub use overrides::{
    ExpiredOverride, Override, StoredOverride, override_history, overrides_expired, overrides_in_force,
};
pub use probes::OpenProbe;
pub use public_copy::write_public_copy;
pub use queue::WorkQueue;
pub use releases::{StoredProbe, Visibility};
pub use review::{ReviewFilter, ReviewRow, review};
pub use rule_sets::rule_set_in_force;
/// A read-only connection, as [`Store::open_read_only`] returns it.
pub use rusqlite::Connection;
pub use sources::{StoredSource, stored_sources};
pub use walks::{PageBefore, PageStored, SourceState, Walk, WalkBounds};

/// The one writer of a database.
#[derive(Debug)]
pub struct Store {
    connection: Connection,
}

impl Store {
    /// The connection, for reading.
    pub fn connection(&self) -> &Connection {
        &self.connection
    }

    /// Waits this long where another process holds the lock, from now on: a long scan is not given up for a short hold.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn wait_for_locks(&self, patience: std::time::Duration) -> Result<(), StoreError> {
        self.connection.busy_timeout(patience).map_err(|e| StoreError::from_sql(&self.connection, e))
    }

    /// Runs `work` in one transaction that takes the write lock at once: all of it is stored, or nothing.
    fn write<T>(
        &mut self,
        work: impl FnOnce(&Transaction<'_>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let path = error::path_of(&self.connection);
        let transaction = self
            .connection
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .map_err(|e| StoreError::at(path.clone(), e))?;
        let done = work(&transaction)?;
        transaction.commit().map_err(|e| StoreError::at(path, e))?;
        Ok(done)
    }
}

/// The one spelling of a stored time: RFC 3339, UTC, always three decimals, so that text order is time order.
fn stored_time(time: Timestamp) -> String {
    format!("{time:.3}")
}
