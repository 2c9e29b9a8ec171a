//! Databases of several scans brought together: `catalogue merge`.
//!
//! What a catalogue holds is a set of rows with a key, and of two rows with one key a third follows by a rule of its table
//! (`merge/tables`): the least first day, the later reading, a person's word before a program's. Each rule is a maximum or minimum of some
//! order, so that neither order, nor grouping, nor repetition of merging changes what comes out. Probes are rows without a key: two are
//! one if they agree in everything that was stored of them (`merge/probes`). Of a machine's own business (queue, walks, hosts that rest,
//! probes that were not finished) nothing is taken. A test merges shuffled parts in many ways and compares by
//! [`super::comparable`].
//!
//! A file from elsewhere is foreign: `merge/input` reads it, checks it, and refuses it as a whole.

mod declared;
mod input;
mod overrides;
mod probes;
mod rules;
mod tables;

use rusqlite::{Transaction, TransactionBehavior};

pub use input::Input;

use super::{Store, StoreError, error};

/// What merging one database came to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Merged {
    /// Servers that were not here.
    pub servers: u64,
    /// Releases that were not here.
    pub releases: u64,
    /// Probes that were not here.
    pub probes: u64,
    /// Probes that were.
    pub known_probes: u64,
    /// Corrections that were not here.
    pub overrides: u64,
}

impl Store {
    /// Takes everything of a catalogue out of another database, in one transaction. Again and again does no harm.
    ///
    /// # Errors
    /// [`StoreError`]; nothing of it is here then.
    pub fn merge(&mut self, input: &Input) -> Result<Merged, StoreError> {
        let path = error::path_of(&self.connection);
        let transaction = self
            .connection
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .map_err(|e| StoreError::at(path.clone(), e))?;
        let merged = take(input, &transaction)?;
        transaction.commit().map_err(|e| StoreError::at(path, e))?;
        Ok(merged)
    }
}

/// In the order in which rows refer to each other.
fn take(input: &Input, tx: &Transaction<'_>) -> Result<Merged, StoreError> {
    let ours = |e| StoreError::from_sql(tx, e);
    // Rows that change their numbers are pointed at by others until all have.
    tx.pragma_update(None, "defer_foreign_keys", true).map_err(ours)?;
    let count = |table: &str| -> Result<u64, StoreError> {
        let sql = format!("SELECT count(*) FROM {table}");
        let rows: i64 = tx.query_row(&sql, [], |row| row.get(0)).map_err(ours)?;
        Ok(u64::try_from(rows).unwrap_or_default())
    };
    let (servers, releases, verdicts) = (count("servers")?, count("releases")?, count("verdicts")?);
    for table in tables::BEFORE_PROBES {
        table.copy(input, tx)?;
    }
    let probes = probes::copy(input, tx)?;
    for table in tables::AFTER_PROBES {
        table.copy(input, tx)?;
    }
    rules::copy_uses(input, tx)?;
    if count("verdicts")? > verdicts {
        rules::tell_builds(tx).map_err(ours)?;
    }
    let overrides = overrides::copy(input, tx)?;
    declared::copy(input, tx)?;
    tables::rank_again(input, tx)?;
    Ok(Merged {
        servers: count("servers")? - servers,
        releases: count("releases")? - releases,
        probes: probes.new,
        known_probes: probes.known,
        overrides,
    })
}

/// Gives rows that stand at one time the order of `wanted`, whose first members say it: their numbers change places.
fn put_in_order<K: Ord>(
    tx: &Transaction<'_>,
    mut wanted: Vec<(K, i64)>,
    columns: &[(&str, &str)],
) -> rusqlite::Result<()> {
    let mut numbers: Vec<i64> = wanted.iter().map(|(_, id)| *id).collect();
    numbers.sort_unstable();
    wanted.sort();
    if wanted.iter().map(|(_, id)| *id).eq(numbers.iter().copied()) {
        return Ok(());
    }
    for (table, column) in columns {
        let sql = format!("UPDATE {table} SET {column} = ?2 WHERE {column} = ?1");
        let mut update = tx.prepare_cached(&sql)?;
        // No number is taken twice on the way: rows' numbers are positive.
        for (_, id) in &wanted {
            update.execute([*id, -id])?;
        }
        for ((_, id), number) in wanted.iter().zip(&numbers) {
            update.execute([-id, *number])?;
        }
    }
    Ok(())
}
