//! What is known of a target already: nothing is asked twice, whoever stored it.

use super::ledger::Opened;
use super::report::Row;
use super::target::Asking;
use crate::model::{Outcome, Release, ReleaseFacts};
use crate::store::StoredProbe;

impl Asking<'_> {
    /// What is stored of a release and not to be asked again.
    pub(super) fn stored(&self, release: &Release) -> anyhow::Result<Option<Row>> {
        Ok(self.ledger.stored(release)?.and_then(|stored| self.row_of(release, stored)))
    }

    /// The row of what is stored, if that is not to be asked again.
    fn row_of(&self, release: &Release, stored: StoredProbe) -> Option<Row> {
        if self.options.refresh
            || stored.outcome == Outcome::NeedsBuild && self.options.allow_build
            || stored.outcome == Outcome::Quarantined && self.options.retry_quarantined
        {
            return None;
        }
        let mut row =
            Row::new(release.server.to_string(), release.version.clone(), stored.outcome, &stored.detail);
        row.stored = true;
        row.recorded = true;
        row.tools = stored.tools;
        row.classes = stored.classes;
        row.sandbox = stored.sandbox;
        Some(row)
    }

    /// Opens a probe, or says what another scan stored since it was looked for: `fresh` asks again all the same.
    pub(super) fn open(
        &self,
        release: &Release,
        facts: &ReleaseFacts,
        fresh: bool,
    ) -> anyhow::Result<Result<Opened, Box<Row>>> {
        loop {
            let stored = self.ledger.stored(release)?;
            let newest = stored.as_ref().map(|stored| stored.id);
            if !fresh && let Some(row) = stored.and_then(|stored| self.row_of(release, stored)) {
                return Ok(Err(Box::new(row)));
            }
            // None: one came in between.
            if let Some(opened) = self.ledger.open(release, facts, newest)? {
                return Ok(Ok(opened));
            }
        }
    }
}
