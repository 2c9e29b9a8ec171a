//! The HTTP client of a scan: it knows which hosts earlier runs were told to leave alone, and stores what this one is told.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use crate::http::{Client, Deadlines, Politeness, RestKeeper};
use crate::store::Store;

use super::super::settings::Settings;
use super::LOCK_PATIENCE;

/// Writes each wait at once: a run that is killed the next moment still binds the one after it.
#[derive(Debug)]
struct StoredRests {
    db: PathBuf,
}

impl RestKeeper for StoredRests {
    fn keep(&self, host: &str, wait: Duration) {
        // A connection of its own: the scan's is in use, and such answers are rare.
        let stored = Store::open_waiting(&self.db, LOCK_PATIENCE)
            .and_then(|mut store| store.rest_host(host, wait, Timestamp::now()));
        if let Err(error) = stored {
            tracing::warn!(host, %error, "that it wants to be left alone holds for this run only");
        }
    }
}

/// A client that honours and stores waits.
pub(super) fn client(
    settings: &Settings,
    deadlines: Deadlines,
    politeness: Politeness,
) -> anyhow::Result<Client> {
    let rests = Store::open(&settings.db)?.resting_hosts(Timestamp::now())?;
    let keeper = Arc::new(StoredRests { db: settings.db.clone() });
    Ok(Client::keeping(deadlines, Politeness { rests, ..politeness }, keeper))
}
