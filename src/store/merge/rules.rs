//! Which rule sets were in force, and when: every use of both databases, in the order of time.

use std::collections::BTreeSet;

use rusqlite::{Connection, Transaction, params};

use super::super::StoreError;
use super::input::Input;

const USES: &str = "SELECT used_at, rule_set_hash FROM rule_set_uses ORDER BY id";
const ADD: &str = "INSERT INTO rule_set_uses (used_at, rule_set_hash) VALUES (?1, ?2)";

type Use = (String, String);

/// Brings the uses together. The last one is in force; of two at one time the hash decides, not who was merged first.
pub(super) fn copy_uses(input: &Input, tx: &Transaction<'_>) -> Result<(), StoreError> {
    let refused = |e| input.not_taken(tx, e);
    let ours = uses(tx).map_err(refused)?;
    let mut all: BTreeSet<Use> = ours.iter().cloned().collect();
    all.extend(uses(input.connection()).map_err(|e| input.refused(e))?);
    if all.iter().eq(&ours) {
        return Ok(());
    }
    let write = || -> rusqlite::Result<()> {
        tx.execute("DELETE FROM rule_set_uses", [])?;
        let mut add = tx.prepare_cached(ADD)?;
        for (used_at, hash) in &all {
            add.execute(params![used_at, hash])?;
        }
        Ok(())
    };
    write().map_err(refused)
}

fn uses(connection: &Connection) -> rusqlite::Result<Vec<Use>> {
    connection.prepare(USES)?.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
}
