//! Probes: history, to which nothing is added twice and from which nothing is taken away.
//!
//! Two probes are one if they agree in everything that was stored of them: their release, each column, every attempt, every entry of
//! the list, by its own bytes. A digest of that is compared among the probes of one release that ended at one time.

use rusqlite::types::{Value, ValueRef};
use rusqlite::{Connection, Transaction, params, params_from_iter};
use sha2::{Digest, Sha256};

use super::super::StoreError;
use super::input::Input;
use super::put_in_order;

/// Probes of one release that ended at one time: what they hold, and their numbers.
type Group = Vec<([u8; 32], i64)>;

/// How many were copied, and how many were here.
#[derive(Debug, Default)]
pub(super) struct Copied {
    pub(super) new: u64,
    pub(super) known: u64,
}

const FINISHED: &str = "
    SELECT p.id AS id, s.key AS server, r.version AS version, p.finished_at AS finished_at
    FROM probes p JOIN releases r ON r.id = p.release_id JOIN servers s ON s.id = r.server_id
    WHERE p.finished_at IS NOT NULL ORDER BY s.key, r.version, p.finished_at, p.id";
const RELEASE: &str = "
    SELECT r.id FROM releases r JOIN servers s ON s.id = r.server_id WHERE s.key = ?1 AND r.version = ?2 ORDER BY r.id";
const AT_THAT_TIME: &str = "SELECT id FROM probes WHERE release_id = ?1 AND finished_at = ?2 ORDER BY id";

/// Tables of a probe, how its rows are found, and their columns but for the numbers of rows.
const PROBE: Part = Part {
    table: "probes",
    probe: "id",
    columns: "scanner_schema, started_at, finished_at, outcome, detail, sandbox, transport, chosen_attempt, protocol,
      server_info, capabilities, instructions, interpreter, pages, noise_lines, marks, memory_bound",
    order: "id",
};
const PARTS: [Part; 2] = [
    Part {
        table: "attempts",
        probe: "probe_id",
        columns: "position, rung, command, args, env, dependencies_as_of, extras, outcome, detail, tools, started_at, millis,
          log_tail",
        order: "position",
    },
    Part {
        table: "probe_tools",
        probe: "probe_id",
        columns: "position, definition_hash, raw_sha256, problem",
        order: "position",
    },
];

struct Part {
    table: &'static str,
    probe: &'static str,
    columns: &'static str,
    order: &'static str,
}

impl Part {
    fn select(&self) -> String {
        format!(
            "SELECT {} FROM {} WHERE {} = ?1 ORDER BY {}",
            self.columns, self.table, self.probe, self.order
        )
    }

    /// The probe (or, of the probe itself, its release) first.
    fn insert(&self, first: &str) -> String {
        let places: Vec<String> =
            (1..=self.columns.split(',').count() + 1).map(|n| format!("?{n}")).collect();
        format!("INSERT INTO {} ({first}, {}) VALUES ({})", self.table, self.columns, places.join(", "))
    }
}

/// Copies the finished probes that are not here.
pub(super) fn copy(input: &Input, tx: &Transaction<'_>) -> Result<Copied, StoreError> {
    let (theirs, refused) = (|e| input.refused(e), |e| input.not_taken(tx, e));
    let mut copied = Copied::default();
    input.rows(FINISHED, [], |row| {
        let read = || -> rusqlite::Result<(i64, String, String, String)> {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
        };
        let (id, server, version, finished_at) = read().map_err(theirs)?;
        let digest = digest(input.connection(), id).map_err(theirs)?;
        let here = || -> rusqlite::Result<(i64, Group)> {
            let release = tx.prepare_cached(RELEASE)?.query_row([&server, &version], |row| row.get(0))?;
            let mut statement = tx.prepare_cached(AT_THAT_TIME)?;
            let ids = statement.query_map(params![release, finished_at], |row| row.get(0))?;
            let ids = ids.collect::<rusqlite::Result<Vec<i64>>>()?;
            let group = ids.into_iter().map(|id| Ok((self::digest(tx, id)?, id)));
            Ok((release, group.collect::<rusqlite::Result<_>>()?))
        };
        let (release, mut group) = here().map_err(refused)?;
        if group.iter().any(|(known, _)| *known == digest) {
            copied.known += 1;
        } else {
            group.push((digest, insert(input, tx, id, release)?));
            copied.new += 1;
        }
        if group.len() > 1 {
            // Of those that ended at one time the last row is the newest: whoever was merged first must not decide that.
            let columns = [("probes", "id"), ("attempts", "probe_id"), ("probe_tools", "probe_id")];
            put_in_order(tx, group, &columns).map_err(refused)?;
        }
        Ok(())
    })?;
    Ok(copied)
}

fn insert(input: &Input, tx: &Transaction<'_>, theirs: i64, release: i64) -> Result<i64, StoreError> {
    let refused = |e| input.not_taken(tx, e);
    let mut ours = 0;
    let sql = PROBE.insert("release_id");
    input.each(&PROBE.select(), [theirs], |values| {
        let values = std::iter::once(Value::Integer(release)).chain(values);
        tx.prepare_cached(&sql).and_then(|mut add| add.execute(params_from_iter(values))).map_err(refused)?;
        ours = tx.last_insert_rowid();
        Ok(())
    })?;
    for part in &PARTS {
        let sql = part.insert(part.probe);
        input.each(&part.select(), [theirs], |values| {
            let values = std::iter::once(Value::Integer(ours)).chain(values);
            tx.prepare_cached(&sql)
                .and_then(|mut add| add.execute(params_from_iter(values)))
                .map(drop)
                .map_err(refused)
        })?;
    }
    Ok(ours)
}

/// Everything of a probe but the numbers of rows.
fn digest(connection: &Connection, probe: i64) -> rusqlite::Result<[u8; 32]> {
    let mut digest = Sha256::new();
    for part in std::iter::once(&PROBE).chain(&PARTS) {
        digest.update(part.table);
        let mut statement = connection.prepare_cached(&part.select())?;
        let width = statement.column_count();
        let mut rows = statement.query([probe])?;
        while let Some(row) = rows.next()? {
            for at in 0..width {
                let (kind, bytes) = match row.get_ref(at)? {
                    ValueRef::Null => (0_u8, Vec::new()),
                    ValueRef::Integer(number) => (1, number.to_be_bytes().to_vec()),
                    ValueRef::Real(number) => (2, number.to_be_bytes().to_vec()),
                    ValueRef::Text(bytes) => (3, bytes.to_vec()),
                    ValueRef::Blob(bytes) => (4, bytes.to_vec()),
                };
                digest.update([kind]);
                digest.update((bytes.len() as u64).to_be_bytes());
                digest.update(bytes);
            }
        }
    }
    Ok(digest.finalize().into())
}
