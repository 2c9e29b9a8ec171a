//! What can go wrong with a database, told apart by what its owner has to do.

use std::path::PathBuf;

use rusqlite::{Connection, ErrorCode, ffi};
use thiserror::Error;

/// A database that cannot be opened, read or written. Nothing is half-written: every change is one transaction.
#[derive(Debug, Error)]
pub enum StoreError {
    /// A later version of this program made or changed it.
    #[error(
        "{path}: made by a newer version of this program (database schema {found}, this one knows up to {known}); update the program, or give another file with --db"
    )]
    Newer {
        /// The database.
        path: PathBuf,
        /// Its schema number.
        found: u32,
        /// The newest schema number this program knows.
        known: u32,
    },
    /// It was opened for reading only and lacks tables or views that came later.
    #[error(
        "{path}: made by an older version of this program (database schema {found}, this one reads {known}); run `catalogue classify` on it once, which brings it up to date and keeps everything"
    )]
    Older {
        /// The database.
        path: PathBuf,
        /// Its schema number.
        found: u32,
        /// The schema number this program reads.
        known: u32,
    },
    /// There is no such file.
    #[error("{path}: no such database; run `catalogue scan` first, or give its place with --db")]
    Missing {
        /// The database.
        path: PathBuf,
    },
    /// The file or its folder cannot be opened or made.
    #[error(
        "{path}: cannot be opened as a database; check that its folder exists and that you may write there"
    )]
    CannotOpen {
        /// The database.
        path: PathBuf,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// Another process holds the lock.
    #[error(
        "{path}: locked by another process; wait until that run has ended or end it, then run the same command again"
    )]
    Locked {
        /// The database.
        path: PathBuf,
        /// SQLite's own words.
        #[source]
        source: rusqlite::Error,
    },
    /// The file is something else.
    #[error(
        "{path}: not a database; give the right file with --db, or move this one away to begin a new one"
    )]
    NotADatabase {
        /// The file.
        path: PathBuf,
    },
    /// An SQLite database, of another program.
    #[error("{path}: a database of another program; give another file with --db")]
    NotOurs {
        /// The file.
        path: PathBuf,
    },
    /// No space is left where it lies.
    #[error(
        "{path}: the disk is full; what was stored before is safe; free some space and run the same command again"
    )]
    Full {
        /// The database.
        path: PathBuf,
        /// SQLite's own words.
        #[source]
        source: rusqlite::Error,
    },
    /// It cannot be written.
    #[error(
        "{path}: cannot be written; check the rights of the file and its folder, or give another file with --db"
    )]
    ReadOnly {
        /// The database.
        path: PathBuf,
        /// SQLite's own words.
        #[source]
        source: rusqlite::Error,
    },
    /// The file is damaged.
    #[error(
        "{path}: the database is damaged; copy it away, then try `sqlite3 FILE .recover` or go back to a copy of yours"
    )]
    Damaged {
        /// The database.
        path: PathBuf,
        /// SQLite's own words.
        #[source]
        source: rusqlite::Error,
    },
    /// A database that was to be merged holds what this program does not write.
    #[error(
        "{path}: not a database that this program made: {what}; nothing was merged; leave it out, or scan again"
    )]
    Strange {
        /// The database.
        path: PathBuf,
        /// What is strange about it.
        what: String,
    },
    /// A stored word or shape that this version does not know.
    #[error(
        "{path}: holds a value this version of the program cannot read; use the version that wrote it, or a later one"
    )]
    Unreadable {
        /// The database.
        path: PathBuf,
        /// Which column, and what is wrong with it.
        #[source]
        source: rusqlite::Error,
    },
    /// A probe that is not open any more was written to: what it found stays as it is.
    #[error("{path}: probe {probe} is already finished and is never changed; begin a new probe")]
    Finished {
        /// The database.
        path: PathBuf,
        /// The probe's row.
        probe: i64,
    },
    /// Anything else SQLite says.
    #[error("{path}: the database refused a statement; this is a fault of the program, please report it")]
    Sql {
        /// The database.
        path: PathBuf,
        /// SQLite's own words.
        #[source]
        source: rusqlite::Error,
    },
}

impl StoreError {
    /// Sorts an error of `connection` by what can be done about it.
    pub(super) fn from_sql(connection: &Connection, source: rusqlite::Error) -> Self {
        Self::at(path_of(connection), source)
    }

    /// The same for a file that may not be open yet.
    pub(super) fn at(path: PathBuf, source: rusqlite::Error) -> Self {
        if matches!(source, rusqlite::Error::FromSqlConversionFailure(..)) {
            return StoreError::Unreadable { path, source };
        }
        match (source.sqlite_error_code(), source.sqlite_extended_error_code()) {
            // The shared-memory file of WAL could not grow: SQLite reports it as an I/O error.
            (_, Some(ffi::SQLITE_IOERR_SHMSIZE)) | (Some(ErrorCode::DiskFull), _) => {
                StoreError::Full { path, source }
            }
            (Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked), _) => {
                StoreError::Locked { path, source }
            }
            (Some(ErrorCode::NotADatabase), _) => StoreError::NotADatabase { path },
            (Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied), _) => {
                StoreError::ReadOnly { path, source }
            }
            (Some(ErrorCode::CannotOpen | ErrorCode::SystemIoFailure), _) => {
                StoreError::CannotOpen { path, source: Box::new(source) }
            }
            (Some(ErrorCode::DatabaseCorrupt), _) => StoreError::Damaged { path, source },
            _ => StoreError::Sql { path, source },
        }
    }
}

/// The file of a connection; empty for a database in memory.
pub(super) fn path_of(connection: &Connection) -> PathBuf {
    connection.path().map(PathBuf::from).unwrap_or_default()
}
