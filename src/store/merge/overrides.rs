//! Corrections: all that were made in either database, each once.

use rusqlite::types::Value;
use rusqlite::{OptionalExtension, Transaction, params_from_iter};

use super::super::StoreError;
use super::input::Input;
use super::put_in_order;

/// The last column is whether `data/overrides.toml` still has it: what it holds in one place it holds.
const THEIRS: &str = "
    SELECT server_key, tool, definition_hash, made_at, class, risk, signals, who, why, origin, listed FROM overrides
    ORDER BY made_at, server_key, tool, definition_hash, class, risk, signals, who, why, origin, listed";
const SAME: &str = "
    SELECT id FROM overrides WHERE server_key = ?1 AND tool = ?2 AND definition_hash = ?3 AND made_at = ?4 AND class IS ?5
      AND risk IS ?6 AND signals IS ?7 AND who = ?8 AND why = ?9 AND origin = ?10 AND ?11 IN (0, 1)
    ORDER BY id LIMIT 1";
const LIST: &str = "UPDATE overrides SET listed = 1 WHERE id = ?1 AND listed < ?2";
const ADD: &str = "
    INSERT INTO overrides (server_key, tool, definition_hash, made_at, class, risk, signals, who, why, origin, listed)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)";
const AT_ONE_TIME: &str = "
    SELECT coalesce(class, '') || '/' || coalesce(risk, '') || '/' || coalesce(signals, '') AS said, who, why, origin, id
    FROM overrides WHERE server_key = ?1 AND tool = ?2 AND definition_hash = ?3 AND made_at = ?4 ORDER BY id";

/// Copies those that are not here. Returns how many.
pub(super) fn copy(input: &Input, tx: &Transaction<'_>) -> Result<u64, StoreError> {
    let refused = |e| input.not_taken(tx, e);
    let mut new = 0;
    input.each(THEIRS, [], |row| {
        let known: Option<i64> = tx
            .prepare_cached(SAME)
            .and_then(|mut same| same.query_row(params_from_iter(&row), |row| row.get(0)).optional())
            .map_err(refused)?;
        match known {
            Some(id) => {
                let listed = row.last().cloned().unwrap_or(Value::Integer(0));
                tx.prepare_cached(LIST).and_then(|mut list| list.execute((id, listed))).map_err(refused)?;
            }
            None => {
                tx.prepare_cached(ADD)
                    .and_then(|mut add| add.execute(params_from_iter(&row)))
                    .map_err(refused)?;
                new += 1;
                order(tx, &row).map_err(refused)?;
            }
        }
        Ok(())
    })?;
    Ok(new)
}

/// Of several at one time the later row is in force: which one that is must not depend on who was merged first.
fn order(tx: &Transaction<'_>, row: &[Value]) -> rusqlite::Result<()> {
    let key = row.iter().take(4);
    let group: Vec<([String; 4], i64)> = tx
        .prepare_cached(AT_ONE_TIME)?
        .query_map(params_from_iter(key), |row| {
            Ok(([row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?], row.get(4)?))
        })?
        .collect::<rusqlite::Result<_>>()?;
    put_in_order(tx, group, &[("overrides", "id")])
}
