//! Opening: the settings of a connection, and the numbered migrations that bring a file to the newest shape.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rusqlite::{Connection, ErrorCode, OpenFlags, TransactionBehavior};

use super::{Store, StoreError};

/// Every migration in order; the position (from 1) is the schema number. Append only: a file is never changed
/// once it is on the main branch.
const MIGRATIONS: [&str; 15] = [
    include_str!("migrations/0001_first.sql"),
    include_str!("migrations/0002_views.sql"),
    include_str!("migrations/0003_corrections.sql"),
    include_str!("migrations/0004_strangers.sql"),
    include_str!("migrations/0005_sources.sql"),
    include_str!("migrations/0006_visibility.sql"),
    include_str!("migrations/0007_declared.sql"),
    include_str!("migrations/0008_identity.sql"),
    include_str!("migrations/0009_rests_and_places.sql"),
    include_str!("migrations/0010_provenance.sql"),
    include_str!("migrations/0011_memory_bound.sql"),
    include_str!("migrations/0012_edits.sql"),
    include_str!("migrations/0013_by_end.sql"),
    include_str!("migrations/0014_fleet.sql"),
    include_str!("migrations/0015_stamps.sql"),
];

/// The newest schema number this program knows (`PRAGMA user_version`).
pub const SCHEMA: u32 = MIGRATIONS.len() as u32;

/// How long a statement waits for another process to let go of the file.
pub const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// `CTLG` in ASCII: tells our files from other SQLite databases (`file` and `PRAGMA application_id` show it).
const APPLICATION_ID: u32 = 0x4354_4c47;

const COUNT_TABLES: &str = "SELECT count(*) FROM sqlite_schema";

impl Store {
    /// Opens the database for writing, makes it (and its folder) if it is not there, and brings it to the newest shape.
    ///
    /// Each migration is one transaction; a run that is ended between two goes on with the next.
    ///
    /// # Errors
    /// [`StoreError`], by what has to be done about it.
    pub fn open(path: &Path) -> Result<Store, StoreError> {
        Self::open_waiting(path, BUSY_TIMEOUT)
    }

    /// Like [`Store::open`], waiting at most `busy_timeout` for another process to let go of the file, now and later.
    ///
    /// # Errors
    /// As [`Store::open`].
    pub fn open_waiting(path: &Path, busy_timeout: Duration) -> Result<Store, StoreError> {
        if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            fs_err::create_dir_all(folder)
                .map_err(|e| StoreError::CannotOpen { path: path.to_owned(), source: Box::new(e) })?;
        }
        refuse_folder(path)?;
        let at = |e| StoreError::at(path.to_owned(), e);
        // Without SQLITE_OPEN_URI: a path is a path, also one that begins with `file:`.
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
            | OpenFlags::SQLITE_OPEN_CREATE
            | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut connection = Connection::open_with_flags(path, flags).map_err(at)?;
        connection.busy_timeout(busy_timeout).map_err(at)?;
        // Before anything is written: a file that is not ours, or newer, stays exactly as it is.
        let found = check_identity(&connection, path)?;
        if found > SCHEMA {
            return Err(StoreError::Newer { path: path.to_owned(), found, known: SCHEMA });
        }
        keep_plans(&connection).map_err(at)?;
        configure_writer(&connection, busy_timeout).map_err(at)?;
        migrate(&mut connection, path)?;
        Ok(Store { connection })
    }

    /// Opens an existing database for reading; several readers and one writer do not disturb each other.
    ///
    /// # Errors
    /// [`StoreError::Missing`], [`StoreError::Newer`], [`StoreError::Older`], [`StoreError::NotADatabase`], ….
    pub fn open_read_only(path: &Path) -> Result<Connection, StoreError> {
        if !path.exists() {
            return Err(StoreError::Missing { path: path.to_owned() });
        }
        refuse_folder(path)?;
        let at = |e| StoreError::at(path.to_owned(), e);
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags).map_err(at)?;
        connection.busy_timeout(BUSY_TIMEOUT).map_err(at)?;
        keep_plans(&connection).map_err(at)?;
        match check_identity(&connection, path)? {
            SCHEMA => Ok(connection),
            // Empty: a first run was ended before it made anything.
            0 => Err(StoreError::Missing { path: path.to_owned() }),
            found if found > SCHEMA => Err(StoreError::Newer { path: path.to_owned(), found, known: SCHEMA }),
            found => Err(StoreError::Older { path: path.to_owned(), found, known: SCHEMA }),
        }
    }
}

/// SQLite's own error for a folder says only "unable to open".
fn refuse_folder(path: &Path) -> Result<(), StoreError> {
    if path.is_dir() {
        return Err(StoreError::NotADatabase { path: path.to_owned() });
    }
    Ok(())
}

/// The schema number of the file; 0 for a new one. An error if the file is no database or another program's.
fn check_identity(connection: &Connection, path: &Path) -> Result<u32, StoreError> {
    let at = |e| StoreError::at(path.to_owned(), e);
    // In one transaction: another process may be making the file, and half of before with half of after is nobody's.
    let snapshot = connection.unchecked_transaction().map_err(at)?;
    let id: u32 = snapshot.pragma_query_value(None, "application_id", |row| row.get(0)).map_err(at)?;
    let version: u32 = snapshot.pragma_query_value(None, "user_version", |row| row.get(0)).map_err(at)?;
    let tables: u32 = snapshot.query_row(COUNT_TABLES, [], |row| row.get(0)).map_err(at)?;
    snapshot.finish().map_err(at)?;
    let is_new = id == 0 && version == 0 && tables == 0;
    if id == APPLICATION_ID || is_new {
        return Ok(version);
    }
    Err(StoreError::NotOurs { path: path.to_owned() })
}

/// A statement that was prepared once stays so. Without it SQLite, as it is built here, looks at bound values to plan with and
/// prepares again whenever one changes: a twentieth of a build's time, and nothing is gained where every query goes by a key.
/// Source: sqlite.org, The SQLite Query Optimizer Overview, "The Query Planner Stability Guarantee".
fn keep_plans(connection: &Connection) -> rusqlite::Result<()> {
    connection.set_db_config(rusqlite::config::DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true).map(drop)
}

fn configure_writer(connection: &Connection, busy_timeout: Duration) -> rusqlite::Result<()> {
    // WAL: readers never wait for the writer. FULL: a finished probe also survives a power cut, not only a kill;
    // a scan commits a few times a server, so the price is nothing.
    use_wal(connection, busy_timeout)?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    // Views run with plain rights only, and no text of a server is ever taken for a column's name.
    connection.pragma_update(None, "trusted_schema", false)?;
    connection.set_db_config(rusqlite::config::DbConfig::SQLITE_DBCONFIG_DQS_DML, false)?;
    connection.set_db_config(rusqlite::config::DbConfig::SQLITE_DBCONFIG_DQS_DDL, false)?;
    Ok(())
}

/// SQLite does not wait for a lock when the journal's kind changes (its own documentation, busy handler): we do.
fn use_wal(connection: &Connection, busy_timeout: Duration) -> rusqlite::Result<()> {
    let begun = Instant::now();
    loop {
        match connection.pragma_update(None, "journal_mode", "WAL") {
            Err(error)
                if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy)
                    && begun.elapsed() < busy_timeout =>
            {
                std::thread::sleep(Duration::from_millis(10));
            }
            done => return done,
        }
    }
}

/// A new database in memory: what the newest shape looks like.
pub(super) fn fresh() -> rusqlite::Result<Connection> {
    let mut connection = Connection::open_in_memory()?;
    for (number, sql) in (1u32..).zip(MIGRATIONS) {
        apply(&mut connection, number, sql)?;
    }
    Ok(connection)
}

fn migrate(connection: &mut Connection, path: &Path) -> Result<(), StoreError> {
    for (number, sql) in (1u32..).zip(MIGRATIONS) {
        apply(connection, number, sql).map_err(|e| StoreError::at(PathBuf::from(path), e))?;
    }
    Ok(())
}

/// One migration in one transaction. The number is read under the write lock: another process may have been first.
fn apply(connection: &mut Connection, number: u32, sql: &str) -> rusqlite::Result<()> {
    let current: u32 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    if current >= number {
        return Ok(());
    }
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let current: u32 = transaction.pragma_query_value(None, "user_version", |row| row.get(0))?;
    if current < number {
        transaction.execute_batch(sql)?;
        transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
        transaction.pragma_update(None, "user_version", number)?;
    }
    transaction.commit()
}
