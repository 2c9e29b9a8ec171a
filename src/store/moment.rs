//! One moment of the database for everything that a build reads, on one connection or on two.

use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use super::{Store, StoreError, site_inputs};

/// So much of the database is kept in memory while it is read: definitions and verdicts are found by hashes, which lie anywhere, and SQLite's
/// own 2 MiB do not hold the upper pages of their indexes.
const PAGES_KEPT_KIB: i64 = 24 << 10;
/// The same for a second connection, which reads for a tenth of a build.
const PAGES_OF_SECOND_KIB: i64 = 12 << 10;
/// How long a second connection waits for somebody who writes.
const PATIENCE: Duration = Duration::from_millis(100);
/// How often a second connection is tried to be had at the same moment while others write.
const ATTEMPTS: usize = 5;

/// Everything read from here on is of one moment, whatever others write meanwhile; until [`let_go`].
///
/// # Errors
/// [`StoreError`].
pub fn hold(db: &Connection) -> Result<(), StoreError> {
    begin(db, PAGES_KEPT_KIB)
}

/// The same for two connections, of which the second is opened here: what they read is of the very same moment. None for the second
/// where it cannot be had, and one has to read everything: a database that is in no file, one that others write to all the time, or one
/// without a write-ahead log that somebody waits to write to.
///
/// # Errors
/// [`StoreError`].
pub fn hold_two(db: &mut Connection) -> Result<Option<Connection>, StoreError> {
    if let Some(path) = db.path().filter(|path| !path.is_empty()).map(Path::new) {
        let watch = watch(path)?;
        let second = Store::open_read_only(path)?;
        second.busy_timeout(PATIENCE).map_err(|e| StoreError::from_sql(&second, e))?;
        for _ in 0..ATTEMPTS {
            let before = version(&watch).ok();
            hold(db)?;
            let begun = begin(&second, PAGES_OF_SECOND_KIB);
            if begun.is_ok() && before.is_some() && version(&watch).ok() == before {
                return Ok(Some(second));
            }
            let_go(db)?;
            if !second.is_autocommit() {
                let_go(&second)?;
            }
        }
    }
    hold(db)?;
    Ok(None)
}

/// Ends what [`hold`] began.
///
/// # Errors
/// [`StoreError`].
pub fn let_go(db: &Connection) -> Result<(), StoreError> {
    db.execute_batch("COMMIT").map_err(|e| StoreError::from_sql(db, e))
}

/// The moment is that of the first query.
fn begin(db: &Connection, pages_kib: i64) -> Result<(), StoreError> {
    let begin = || {
        db.pragma_update(None, "cache_size", -pages_kib)?;
        db.execute_batch("BEGIN")
    };
    begin().map_err(|e| StoreError::from_sql(db, e))?;
    site_inputs::edits(db).map(drop)
}

/// A connection that is asked for nothing else but what [`version`] tells: it need not know the tables.
fn watch(path: &Path) -> Result<Connection, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let open = || -> rusqlite::Result<Connection> {
        let connection = Connection::open_with_flags(path, flags)?;
        connection.busy_timeout(PATIENCE)?;
        Ok(connection)
    };
    open().map_err(|e| StoreError::at(path.to_owned(), e))
}

/// Another number whenever another connection has committed something. Source: sqlite.org/pragma.html, `data_version`.
fn version(db: &Connection) -> Result<i64, StoreError> {
    db.pragma_query_value(None, "data_version", |row| row.get(0)).map_err(|e| StoreError::from_sql(db, e))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SERVER: &str = "INSERT INTO servers (key, registry, name, visibility, first_seen)
        VALUES ('npm:' || ?1, 'npm', ?1, 'public', '2026-01-01T00:00:00Z')";

    #[test]
    fn two_connections_read_the_moment_at_which_they_were_held() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("c.db");
        let writer = Store::open(&path).unwrap();
        let add = |name: &str| writer.connection().execute(SERVER, [name]).unwrap();
        let count = |db: &Connection| -> i64 {
            db.query_row("SELECT count(*) FROM servers", [], |row| row.get(0)).unwrap()
        };
        add("a");
        let mut first = Store::open_read_only(&path).unwrap();
        let second = hold_two(&mut first).unwrap().unwrap();
        add("b");
        assert_eq!((count(&first), count(&second), count(writer.connection())), (1, 1, 2));
        let_go(&first).unwrap();
        let_go(&second).unwrap();
        assert_eq!((count(&first), count(&second)), (2, 2));
        let watch = watch(&path).unwrap();
        let before = version(&watch).unwrap();
        assert_eq!(version(&watch).unwrap(), before);
        add("c");
        assert_ne!(version(&watch).unwrap(), before);
    }

    #[test]
    fn where_a_second_connection_cannot_read_one_does() {
        let mut memory = Connection::open_in_memory().unwrap();
        memory.execute_batch("CREATE TABLE site_edits (only INTEGER, token BLOB)").unwrap();
        assert!(hold_two(&mut memory).unwrap().is_none());
        let_go(&memory).unwrap();

        // Without a log a writer that waits for the first reader lets no second one in.
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("c.db");
        drop(Store::open(&path).unwrap());
        let writer = Connection::open(&path).unwrap();
        writer.execute_batch("PRAGMA journal_mode = DELETE; PRAGMA busy_timeout = 0").unwrap();
        let mut first = Store::open_read_only(&path).unwrap();
        let second = hold_two(&mut first).unwrap();
        assert!(second.is_some());
        let_go(&second.unwrap()).unwrap();
        writer.execute_batch("BEGIN IMMEDIATE; DELETE FROM servers").unwrap();
        assert!(writer.execute_batch("COMMIT").is_err(), "it waits for the first reader");
        assert!(version(&watch(&path).unwrap()).is_err());
        let_go(&first).unwrap();
    }
}
