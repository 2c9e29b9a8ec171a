//! Provenance of releases: which are still to be asked for, and what was read.

use std::collections::BTreeMap;

use jiff::Timestamp;
use rusqlite::{Connection, params};

use super::super::rows::json;
use super::super::{Store, StoreError, stored_time};
use crate::model::identity::{NewestRelease, Node, PackageFacts, ProvenanceSaid};

/// Public packages with a release that a provenance may be asked for and was not, the most promising first.
const UNASKED: &str = "
    SELECT f.key AS key, f.facts AS facts FROM package_facts f LEFT JOIN candidates c ON c.key = f.key
    WHERE json_extract(f.facts, '$.newest') IS NOT NULL AND json_extract(f.facts, '$.provenance') IS NULL
      AND c.missing_at IS NULL
      AND NOT EXISTS (SELECT 1 FROM servers s WHERE s.key = f.key AND s.visibility = 'private')
      AND NOT EXISTS (
        SELECT 1 FROM provenances p WHERE p.key = f.key AND p.version = json_extract(f.facts, '$.newest.version'))
    ORDER BY coalesce(c.rank, 0) DESC, f.key";
const ADD: &str = "
    INSERT INTO provenances (key, version, said, read_at) VALUES (?1, ?2, ?3, ?4)
    ON CONFLICT (key, version) DO UPDATE SET said = excluded.said, read_at = excluded.read_at";
const ALL: &str = "SELECT key, version, said FROM provenances ORDER BY key, version";

impl Store {
    /// Public packages of whose newest release no provenance was asked for yet, with what is known of them.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn without_provenance(&self) -> Result<Vec<(Node, NewestRelease, PackageFacts)>, StoreError> {
        let read = || -> rusqlite::Result<Vec<(Node, NewestRelease, PackageFacts)>> {
            let mut statement = self.connection.prepare_cached(UNASKED)?;
            let rows = statement.query_map([], |row| {
                let facts: PackageFacts = json(row, "facts")?;
                Ok((row.get("key")?, facts.newest.clone(), facts))
            })?;
            let whole = rows.map(|row| row.map(|(key, newest, facts)| Some((key, newest?, facts))));
            whole.filter_map(Result::transpose).collect()
        };
        read().map_err(|e| StoreError::from_sql(&self.connection, e))
    }

    /// Keeps what registries' provenance says, also that there is none: it is asked for once a release.
    ///
    /// # Errors
    /// As above.
    pub fn remember_provenances(
        &mut self,
        all: &[(Node, String, ProvenanceSaid)],
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let now = stored_time(now);
        self.write(|tx| {
            let add = || -> rusqlite::Result<()> {
                let mut statement = tx.prepare_cached(ADD)?;
                for (key, version, said) in all {
                    let said = serde_json::to_string(said).expect("strings and numbers are always JSON");
                    statement.execute(params![key, version, said, now])?;
                }
                Ok(())
            };
            add().map_err(|e| StoreError::from_sql(tx, e))
        })
    }
}

/// Puts what is stored of a package's newest release into its facts: one of an older release proves nothing of it.
pub(super) fn add_to(db: &Connection, packages: &mut [(Node, PackageFacts)]) -> rusqlite::Result<()> {
    let mut stored: BTreeMap<(Node, String), ProvenanceSaid> = db
        .prepare_cached(ALL)?
        .query_map([], |row| Ok(((row.get("key")?, row.get("version")?), json(row, "said")?)))?
        .collect::<rusqlite::Result<_>>()?;
    if stored.is_empty() {
        return Ok(());
    }
    for (key, facts) in packages {
        let Some(newest) = &facts.newest else { continue };
        if facts.provenance.is_none() {
            facts.provenance = stored.remove(&(key.clone(), newest.version.clone()));
        }
    }
    Ok(())
}
