//! Declared lists: of those that were read at one place for one record, the one that was read last stands.

use rusqlite::{Transaction, params, params_from_iter};

use super::super::StoreError;
use super::input::Input;

const LISTS: &str = "
    SELECT id, about, declared_by, source, name, version, place, hash, grows, read_at FROM declared_lists
    ORDER BY about, declared_by, source, name, version, place, read_at, hash";
const ENTRIES: &str = "
    SELECT kind, position, name, description FROM declared_entries WHERE list_id = ?1 ORDER BY kind, position";
const STANDS: &str = "
    SELECT 1 FROM declared_lists WHERE about = ?1 AND declared_by = ?2 AND source = ?3 AND name = ?4 AND version = ?5
    AND place = ?6 AND (read_at, hash, grows) >= (?9, ?7, ?8)";
const FORGET: &str = "
    DELETE FROM declared_lists WHERE about = ?1 AND declared_by = ?2 AND source = ?3 AND name = ?4 AND version = ?5
    AND place = ?6 AND (read_at, hash, grows) < (?9, ?7, ?8)";
const ADD: &str = "
    INSERT INTO declared_lists (about, declared_by, source, name, version, place, hash, grows, read_at)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) RETURNING id";
const ADD_ENTRY: &str =
    "INSERT INTO declared_entries (list_id, kind, position, name, description) VALUES (?1, ?2, ?3, ?4, ?5)";

/// Copies what is newer there.
pub(super) fn copy(input: &Input, tx: &Transaction<'_>) -> Result<(), StoreError> {
    let refused = |e| input.not_taken(tx, e);
    input.each(LISTS, [], |mut list| {
        let theirs = list.remove(0);
        let stands = || tx.prepare_cached(STANDS)?.exists(params_from_iter(&list));
        if stands().map_err(refused)? {
            return Ok(());
        }
        let put = || -> rusqlite::Result<i64> {
            tx.prepare_cached(FORGET)?.execute(params_from_iter(&list))?;
            tx.prepare_cached(ADD)?.query_row(params_from_iter(&list), |row| row.get(0))
        };
        let id = put().map_err(refused)?;
        input.rows(ENTRIES, [&theirs], |row| {
            let read = || -> rusqlite::Result<(String, i64, String, String)> {
                Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
            };
            let (kind, position, name, description) = read().map_err(|e| input.refused(e))?;
            tx.prepare_cached(ADD_ENTRY)
                .and_then(|mut add| add.execute(params![id, kind, position, name, description]))
                .map(drop)
                .map_err(refused)
        })
    })
}
