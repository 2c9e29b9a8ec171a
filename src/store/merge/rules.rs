//! Which rule sets were in force, and when: every use of both databases, in the order of time.

use std::collections::BTreeSet;

use rusqlite::{Connection, Transaction, params};

use super::super::StoreError;
use super::input::Input;

const USES: &str = "SELECT used_at, rule_set_hash FROM rule_set_uses ORDER BY id";
const ADD: &str = "INSERT INTO rule_set_uses (used_at, rule_set_hash) VALUES (?1, ?2)";

/// Where rules came after others, a verdict by the earlier ones says when a page changed: what builds remember counts no more then.
const TELL_BUILDS: &str = "
    INSERT INTO site_edits (only, token)
    SELECT 1, hex(randomblob(16)) WHERE (SELECT count(*) FROM rule_set_uses) > 1
    ON CONFLICT (only) DO UPDATE SET token = excluded.token";

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

/// Has the next build of a site look at everything anew: verdicts came that other rules made.
pub(super) fn tell_builds(tx: &Transaction<'_>) -> rusqlite::Result<()> {
    tx.execute(TELL_BUILDS, []).map(drop)
}

fn uses(connection: &Connection) -> rusqlite::Result<Vec<Use>> {
    connection.prepare(USES)?.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
}
