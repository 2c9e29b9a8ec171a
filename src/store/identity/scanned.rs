//! What a scan itself reads of who a package is: the scan of a typed package has no walk before it that would have.

use std::collections::BTreeSet;

use jiff::Timestamp;
use rusqlite::{OptionalExtension, Transaction, params};

use super::super::rows::json;
use super::super::{Store, StoreError, stored_time};
use super::{ADD_VERSION_NAMES, remember_package};
use crate::model::Release;
use crate::model::identity::{PackageFacts, RepositoryClaim};

const FACTS: &str = "SELECT facts FROM package_facts WHERE key = ?1";

/// What one release says of who its package is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScannedFacts {
    /// True if its registry names it as the newest: then it speaks for the package.
    pub is_newest: bool,
    /// Names of the official registry that it gives itself.
    pub mcp_names: BTreeSet<String>,
    /// Where it says its source is.
    pub repository: Option<RepositoryClaim>,
}

impl Store {
    /// Keeps what a release says of who its package is. A package's own document, which a walk read, says more and stays.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn remember_scanned(
        &mut self,
        release: &Release,
        said: &ScannedFacts,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let now = stored_time(now);
        self.write(|tx| keep(tx, release, said, &now).map_err(|e| StoreError::from_sql(tx, e)))
    }
}

/// The same within a transaction.
pub(in crate::store) fn keep(
    tx: &Transaction<'_>,
    release: &Release,
    said: &ScannedFacts,
    now: &str,
) -> rusqlite::Result<()> {
    let key = release.server.to_string();
    if !said.mcp_names.is_empty() {
        let names = serde_json::to_string(&said.mcp_names).expect("strings are always JSON");
        tx.execute(ADD_VERSION_NAMES, params![key, release.version, names, now])?;
    }
    let nothing = said.mcp_names.is_empty() && said.repository.is_none();
    if !said.is_newest || nothing {
        return Ok(());
    }
    let before: Option<PackageFacts> = tx.query_row(FACTS, [&key], |row| json(row, "facts")).optional()?;
    let mut facts = before.clone().unwrap_or_default();
    facts.mcp_names.extend(said.mcp_names.iter().cloned());
    if facts.repository.is_none() {
        facts.repository.clone_from(&said.repository);
    }
    if before.as_ref() == Some(&facts) {
        return Ok(());
    }
    remember_package(tx, &key, &facts, now)
}
