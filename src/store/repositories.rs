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

/// Repositories one of whose packages was looked for in vain, with their records.
const PARTLY: &str = "
    SELECT l.name AS name, l.record AS record FROM listings l
    WHERE l.source = 'github' AND l.gone_at IS NULL AND l.record IS NOT NULL
      AND EXISTS (
        SELECT 1 FROM listing_candidates n JOIN candidates c ON c.key = n.key
        WHERE n.source = l.source AND n.name = l.name AND n.version = l.version AND c.missing_at IS NOT NULL)
    ORDER BY l.name";
const IS_MISSING: &str = "SELECT EXISTS (SELECT 1 FROM candidates WHERE key = ?1 AND missing_at IS NOT NULL)";
const TOLD_OF: &str = "SELECT sign FROM candidate_signs WHERE key = ?1 AND told_by = 'github' ORDER BY sign";
const IS_NAMED: &str = "
    SELECT EXISTS (SELECT 1 FROM listing_candidates WHERE source = 'github' AND name = ?1 AND key = ?2)";

impl Store {
    /// Makes candidates of the repositories whose packages their registries do not know; returns how many.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn stand_by_repositories(&mut self, now: Timestamp) -> Result<usize, StoreError> {
        let now = stored_time(now);
        self.write(|tx| {
            let both = || Ok(stand_by_folders(tx, &now)? + stand_by(tx, &now)?);
            both().map_err(|e| StoreError::from_sql(tx, e))
        })
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

/// The same for folders of repositories: each is the place of the package that its manifest names.
fn stand_by_folders(tx: &Transaction<'_>, now: &str) -> rusqlite::Result<usize> {
    let read = |row: &rusqlite::Row<'_>| Ok((row.get("name")?, row.get("record")?));
    let all: Vec<(String, String)> =
        tx.prepare(PARTLY)?.query_map([], read)?.collect::<rusqlite::Result<_>>()?;
    let mut count = 0;
    for (name, record) in all {
        for (folder, package) in packages_of_folders(&record) {
            let Ok(key) = ServerKey::github(&format!("{name}/{folder}")) else { continue };
            let is_missing: bool =
                tx.prepare_cached(IS_MISSING)?.query_row([package.to_string()], |row| row.get(0))?;
            let is_named: bool =
                tx.prepare_cached(IS_NAMED)?.query_row([&name, &key.to_string()], |row| row.get(0))?;
            if is_missing && !is_named {
                let told: Vec<String> = tx
                    .prepare_cached(TOLD_OF)?
                    .query_map([package.to_string()], |row| row.get("sign"))?
                    .collect::<rusqlite::Result<_>>()?;
                let signs: Vec<Sign> = told.iter().filter_map(|sign| sign.parse().ok()).collect();
                name_another(tx, &name, &key, &signs, now)?;
                count += 1;
            }
        }
    }
    Ok(count)
}

/// The folders of a listing's record, each with the package that its manifest names.
fn packages_of_folders(record: &str) -> Vec<(String, ServerKey)> {
    let record: serde_json::Value = serde_json::from_str(record).unwrap_or_default();
    let files = record.get("manifests").and_then(serde_json::Value::as_object).into_iter().flatten();
    let named = files.filter_map(|(path, said)| {
        let (folder, _) = path.rsplit_once('/')?;
        let name = said.get("name")?.as_str()?;
        let key = match said.get("ecosystem")?.as_str()? {
            "npm" => ServerKey::npm(name).ok()?,
            "pypi" => ServerKey::pypi(name).ok()?,
            _ => return None,
        };
        Some((folder.to_owned(), key))
    });
    named.collect()
}
