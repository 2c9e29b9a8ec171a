//! A copy of the database for everyone: public servers only, without what was written to logs and without commands, which name
//! folders of the machine. A database like any other: the same program reads it.
//!
//! Rows are numbered anew in the order of names, so that the copy does not depend on the order in which things were stored.

use std::path::Path;

use jiff::Timestamp;
use rusqlite::{Connection, params};

use super::{Store, StoreError, stored_time};

/// Old numbers beside new ones.
const MAPS: &str = "
    CREATE TEMP TABLE server_map AS
      SELECT s.id AS old, row_number() OVER (ORDER BY s.key) AS new, s.key AS key
      FROM source.servers s WHERE s.visibility = 'public';
    CREATE TEMP TABLE release_map AS
      SELECT r.id AS old, row_number() OVER (ORDER BY m.new, r.version) AS new
      FROM source.releases r JOIN server_map m ON m.old = r.server_id;
    CREATE UNIQUE INDEX temp.servers_by_old ON server_map (old);
    CREATE UNIQUE INDEX temp.releases_by_old ON release_map (old);";
const PROBE_MAP: &str = "
    CREATE TEMP TABLE probe_map AS
      SELECT p.id AS old, row_number() OVER (ORDER BY p.finished_at, m.new, p.started_at, p.id) AS new
      FROM source.probes p JOIN release_map m ON m.old = p.release_id
      WHERE p.outcome IS NOT NULL AND p.finished_at <= ?1";
const DEFINITION_MAP: &str = "
    CREATE UNIQUE INDEX temp.probes_by_old ON probe_map (old);
    CREATE TEMP TABLE definition_map AS
      SELECT DISTINCT t.definition_hash AS hash FROM source.probe_tools t JOIN probe_map m ON m.old = t.probe_id
      WHERE t.definition_hash IS NOT NULL ORDER BY t.definition_hash;
    CREATE UNIQUE INDEX temp.definitions_by_hash ON definition_map (hash);";

/// A table that is copied: its name, columns that get another value, and where its rows come from, `x` being the source's row.
struct Copied {
    table: &'static str,
    instead: &'static [(&'static str, &'static str)],
    from: &'static str,
}

/// What is not named here stays empty: lists of others, candidates, the queue, what was declared and never confirmed.
const COPIED: &[Copied] = &[
    Copied {
        table: "servers",
        instead: &[("id", "m.new")],
        from: "source.servers x JOIN server_map m ON m.old = x.id ORDER BY m.new",
    },
    Copied {
        table: "releases",
        instead: &[("id", "m.new"), ("server_id", "s.new")],
        from: "source.releases x JOIN release_map m ON m.old = x.id JOIN server_map s ON s.old = x.server_id ORDER BY m.new",
    },
    Copied {
        table: "probes",
        instead: &[("id", "m.new"), ("release_id", "r.new"), ("detail", "''")],
        from: "source.probes x JOIN probe_map m ON m.old = x.id JOIN release_map r ON r.old = x.release_id ORDER BY m.new",
    },
    Copied {
        table: "attempts",
        instead: &[
            ("probe_id", "m.new"),
            ("command", "'[]'"),
            ("args", "'[]'"),
            ("env", "'{}'"),
            ("detail", "''"),
            ("log_tail", "''"),
        ],
        from: "source.attempts x JOIN probe_map m ON m.old = x.probe_id ORDER BY m.new, x.position",
    },
    Copied {
        table: "definitions",
        // Of whom is public: a private server may have listed it before.
        instead: &[(
            "first_seen",
            "(SELECT min(p.finished_at) FROM source.probe_tools t JOIN probe_map m ON m.old = t.probe_id
              JOIN source.probes p ON p.id = t.probe_id WHERE t.definition_hash = x.hash)",
        )],
        from: "source.definitions x JOIN definition_map d ON d.hash = x.hash ORDER BY x.hash",
    },
    Copied {
        table: "raw_tools",
        instead: &[],
        from: "source.raw_tools x WHERE x.sha256 IN (
            SELECT t.raw_sha256 FROM source.probe_tools t JOIN probe_map m ON m.old = t.probe_id) ORDER BY x.sha256",
    },
    Copied {
        table: "probe_tools",
        instead: &[("probe_id", "m.new")],
        from: "source.probe_tools x JOIN probe_map m ON m.old = x.probe_id ORDER BY m.new, x.position",
    },
    Copied { table: "rule_sets", instead: &[], from: "source.rule_sets x ORDER BY x.hash" },
    Copied { table: "rule_set_uses", instead: &[], from: "source.rule_set_uses x ORDER BY x.id" },
    Copied {
        table: "verdicts",
        instead: &[],
        from: "source.verdicts x JOIN definition_map d ON d.hash = x.definition_hash
          ORDER BY x.definition_hash, x.rule_set_hash",
    },
    Copied {
        table: "overrides",
        instead: &[("id", "row_number() OVER (ORDER BY x.made_at, x.server_key, x.tool, x.id)")],
        from: "source.overrides x JOIN server_map s ON s.key = x.server_key
          JOIN definition_map d ON d.hash = x.definition_hash WHERE x.listed AND x.made_at <= ?1
          ORDER BY x.made_at, x.server_key, x.tool, x.id",
    },
];

/// Writes the copy to a place where no file is: what was stored by `as_of`, and corrections made by `corrected_by`.
///
/// # Errors
/// [`StoreError`], by what has to be done about it.
pub fn write_public_copy(
    source: &Path,
    to: &Path,
    as_of: Timestamp,
    corrected_by: Option<Timestamp>,
) -> Result<(), StoreError> {
    let store = Store::open(to)?;
    let db = store.connection();
    let written = || -> rusqlite::Result<()> {
        // The order of tables keeps what refers to what.
        db.execute("ATTACH DATABASE ?1 AS source", [source.to_string_lossy()])?;
        db.execute_batch("BEGIN")?;
        db.execute_batch(MAPS)?;
        db.execute(PROBE_MAP, [stored_time(as_of)])?;
        db.execute_batch(DEFINITION_MAP)?;
        let corrected_by = stored_time(corrected_by.unwrap_or(Timestamp::MAX));
        for copied in COPIED {
            copy(db, copied, &corrected_by)?;
        }
        // Random marks for the next build: the copy is to be the same bytes each time.
        db.execute_batch("DELETE FROM server_edits; DELETE FROM identity_edits")?;
        db.execute_batch("COMMIT; DETACH DATABASE source")?;
        // One file, without what is beside a database that is written to.
        db.pragma_update(None, "journal_mode", "DELETE")?;
        db.execute_batch("VACUUM")
    };
    written().map_err(|e| StoreError::from_sql(db, e))
}

/// Columns are asked for, so that one that a later version adds is copied, too.
fn copy(db: &Connection, copied: &Copied, corrected_by: &str) -> rusqlite::Result<()> {
    let columns: Vec<String> = db
        .prepare("SELECT name FROM pragma_table_info(?1) ORDER BY cid")?
        .query_map([copied.table], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    let value = |column: &String| {
        let other = copied.instead.iter().find(|(name, _)| name == column);
        other.map_or_else(|| format!("x.{column}"), |(_, value)| (*value).to_owned())
    };
    let values: Vec<String> = columns.iter().map(value).collect();
    let sql = format!(
        "INSERT INTO main.{} ({}) SELECT {} FROM {}",
        copied.table,
        columns.join(", "),
        values.join(", "),
        copied.from
    );
    let mut statement = db.prepare(&sql)?;
    match statement.parameter_count() {
        0 => statement.execute([])?,
        _ => statement.execute(params![corrected_by])?,
    };
    Ok(())
}
