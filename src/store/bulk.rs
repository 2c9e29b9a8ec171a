//! Many answers in one transaction: what a made-up catalogue of any size is stored with.

use super::probes::{finish, open_probe};
use super::releases::remember;
use super::{Store, StoreError, stored_time};
use crate::model::{Probe, Release, ReleaseFacts};

impl Store {
    /// Stores whole answers as [`Store::remember_release`], [`Store::begin_probe`] and [`Store::finish_probe`] do, all of
    /// them or none.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn add_answers(
        &mut self,
        answers: &[(Release, ReleaseFacts, Probe)],
        scanner_schema: u32,
    ) -> Result<(), StoreError> {
        self.write(|tx| {
            let add = || -> rusqlite::Result<()> {
                for (release, facts, probe) in answers {
                    let row = remember(tx, release, facts, &stored_time(probe.started_at))?;
                    let open = open_probe(tx, row, scanner_schema, probe.started_at)?;
                    finish(tx, open.id, probe)?;
                }
                Ok(())
            };
            add().map_err(|e| StoreError::from_sql(tx, e))
        })
    }
}
