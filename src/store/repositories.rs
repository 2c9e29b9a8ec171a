//! Repositories of GitHub that stand for themselves: what their manifests name turned out not to be published.

use jiff::Timestamp;
use rusqlite::{Transaction, params};

use super::candidates::name_another;
use super::{Store, StoreError, stored_time};
use crate::model::ServerKey;
use crate::model::sign::Sign;

/// Repositories of which a package was looked for in vain, and that name nothing else that could be scanned.
const ALONE: &str = "
    SELECT l.name AS name, coalesce(json_extract(l.record, '$.archived'), 0) AS archived FROM listings l
    WHERE l.source = 'github' AND l.gone_at IS NULL
      AND EXISTS (
        SELECT 1 FROM listing_candidates n JOIN candidates c ON c.key = n.key
        WHERE n.source = l.source AND n.name = l.name AND n.version = l.version AND c.missing_at IS NOT NULL)
      AND NOT EXISTS (
        SELECT 1 FROM listing_candidates n JOIN candidates c ON c.key = n.key
        WHERE n.source = l.source AND n.name = l.name AND n.version = l.version
          AND c.obstacle IS NULL AND c.missing_at IS NULL
          AND (c.key LIKE 'npm:%' OR c.key LIKE 'pypi:%' OR c.key LIKE 'github:%'))
    ORDER BY l.name";
const TOLD: &str = "
    SELECT DISTINCT s.sign AS sign FROM candidate_signs s
      JOIN listing_candidates n ON n.key = s.key
    WHERE n.source = 'github' AND n.name = ?1 AND s.told_by = 'github' ORDER BY s.sign";

impl Store {
    /// Makes candidates of the repositories whose packages their registries do not know; returns how many.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn stand_by_repositories(&mut self, now: Timestamp) -> Result<usize, StoreError> {
        let now = stored_time(now);
        self.write(|tx| stand_by(tx, &now).map_err(|e| StoreError::from_sql(tx, e)))
    }
}

fn stand_by(tx: &Transaction<'_>, now: &str) -> rusqlite::Result<usize> {
    let read = |row: &rusqlite::Row<'_>| Ok((row.get("name")?, row.get("archived")?));
    let names: Vec<(String, bool)> =
        tx.prepare(ALONE)?.query_map([], read)?.collect::<rusqlite::Result<_>>()?;
    let mut count = 0;
    for (name, is_archived) in names {
        let Ok(key) = ServerKey::github(&name) else { continue };
        let told: Vec<String> = tx
            .prepare_cached(TOLD)?
            .query_map(params![name], |row| row.get("sign"))?
            .collect::<rusqlite::Result<_>>()?;
        let mut signs: Vec<Sign> = told.iter().filter_map(|sign| sign.parse().ok()).collect();
        // It is said of the repository, not of a package it names.
        signs.extend(is_archived.then_some(Sign::Archived));
        name_another(tx, &name, &key, &signs, now)?;
        count += 1;
    }
    Ok(count)
}
