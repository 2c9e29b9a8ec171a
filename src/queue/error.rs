//! What can go wrong with a queue, told apart by what its owner has to do, and by whether waiting helps.

use thiserror::Error;
use tokio_postgres::error::SqlState;

/// A queue that cannot be reached, used or trusted.
#[derive(Debug, Error)]
pub enum QueueError {
    /// The address is none.
    #[error(
        "the address of the queue cannot be used: {0}; write postgres://USER@HOST/DATABASE, with the password in CATALOGUE_QUEUE_PASSWORD"
    )]
    Address(String),
    /// The file of certificates cannot be used.
    #[error("{place}: its certificates cannot be checked; look at sslrootcert, and at SSL_CERT_FILE")]
    Certificates {
        /// The queue, without its password.
        place: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// Nobody answers, or the connection broke.
    #[error("{place}: the database does not answer; check that it runs and can be reached from here")]
    Unreachable {
        /// The queue, without its password.
        place: String,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// Wrong password, or a role that may not log in.
    #[error("{place}: the login was refused; check the role and CATALOGUE_QUEUE_PASSWORD")]
    Login {
        /// The queue, without its password.
        place: String,
        /// The database's own words.
        #[source]
        source: tokio_postgres::Error,
    },
    /// No such database, schema, table or function.
    #[error("{place}: there is no queue; make it with `catalogue queue init` as the owner of the database")]
    NoQueue {
        /// The queue, without its password.
        place: String,
    },
    /// The role may not do that.
    #[error(
        "{place}: this role may not do that; a worker's role may only work, everything else is for the queue's owner"
    )]
    NoRights {
        /// The queue, without its password.
        place: String,
        /// The database's own words.
        #[source]
        source: tokio_postgres::Error,
    },
    /// The queue was made by another version of this program.
    #[error("{place}: the queue has version {found}, this program speaks {known}; {next}")]
    Version {
        /// The queue, without its password.
        place: String,
        /// Its version.
        found: i32,
        /// Ours.
        known: i32,
        /// What to do.
        next: &'static str,
    },
    /// The jobs that wait were enqueued for another scanner.
    #[error(
        "{place}: the jobs that wait are for another version of the scanner ({said}); run workers of the version that enqueued them, or enqueue them again with this one"
    )]
    Scanner {
        /// The queue, without its password.
        place: String,
        /// Both versions.
        said: String,
    },
    /// The queue takes no result of that size.
    #[error("{place}: a result is too large for the queue ({said}); see limits.answer_bytes")]
    TooLarge {
        /// The queue, without its password.
        place: String,
        /// Both sizes.
        said: String,
    },
    /// No space is left where the database lies.
    #[error("{place}: the database's disk is full; free some space there, nothing is lost")]
    Full {
        /// The queue, without its password.
        place: String,
        /// The database's own words.
        #[source]
        source: tokio_postgres::Error,
    },
    /// Something that passes: it is restarting, a deadlock, too many connections.
    #[error("{place}: the database cannot do that now; it is asked again")]
    Busy {
        /// The queue, without its password.
        place: String,
        /// The database's own words.
        #[source]
        source: tokio_postgres::Error,
    },
    /// Anything else the database says.
    #[error("{place}: the database refused a statement; this is a fault of the program, please report it")]
    Sql {
        /// The queue, without its password.
        place: String,
        /// The database's own words.
        #[source]
        source: tokio_postgres::Error,
    },
}

/// The SQLSTATEs that the queue's own functions raise.
const OTHER_VERSION: &str = "CQ001";
const OTHER_SCANNER: &str = "CQ002";
const TOO_LARGE: &str = "CQ003";

impl QueueError {
    /// True if the same may succeed a while later without anybody's doing here.
    pub fn passes(&self) -> bool {
        matches!(self, QueueError::Unreachable { .. } | QueueError::Full { .. } | QueueError::Busy { .. })
    }

    /// True if the connection is of no use any more.
    pub(super) fn is_disconnect(&self) -> bool {
        matches!(self, QueueError::Unreachable { .. })
    }

    /// Sorts what the database, or the way to it, says.
    pub(super) fn from_sql(place: &str, source: tokio_postgres::Error) -> Self {
        let place = place.to_owned();
        let Some(said) = source.as_db_error() else {
            return QueueError::Unreachable { place, source: Box::new(source) };
        };
        let code = said.code().clone();
        let message = said.message().to_owned();
        match code.code() {
            OTHER_VERSION => {
                let numbers = numbers(&message);
                let (found, known) = (numbers.first().copied(), numbers.get(1).copied());
                QueueError::version(&place, found.unwrap_or_default(), known.unwrap_or_default())
            }
            OTHER_SCANNER => QueueError::Scanner { place, said: message },
            TOO_LARGE => QueueError::TooLarge { place, said: message },
            // Invalid authorization; a role that may not connect here.
            text if text.starts_with("28") => QueueError::Login { place, source },
            _ if [
                SqlState::INVALID_CATALOG_NAME,
                SqlState::INVALID_SCHEMA_NAME,
                SqlState::UNDEFINED_TABLE,
                SqlState::UNDEFINED_FUNCTION,
            ]
            .contains(&code) =>
            {
                QueueError::NoQueue { place }
            }
            _ if code == SqlState::INSUFFICIENT_PRIVILEGE => QueueError::NoRights { place, source },
            _ if code == SqlState::DISK_FULL => QueueError::Full { place, source },
            // Ended by its operator, or not yet up.
            "57P01" | "57P02" | "57P03" | "57P05" => {
                QueueError::Unreachable { place, source: Box::new(source) }
            }
            text if ["08", "40", "53", "55", "57", "58", "25"]
                .iter()
                .any(|class| text.starts_with(class)) =>
            {
                QueueError::Busy { place, source }
            }
            _ => QueueError::Sql { place, source },
        }
    }

    /// A queue of another version than ours.
    pub(super) fn version(place: &str, found: i32, known: i32) -> Self {
        let next = if found > known {
            "update this program"
        } else {
            "bring the queue up to date with `catalogue queue init`, and its other programs too"
        };
        QueueError::Version { place: place.to_owned(), found, known, next }
    }
}

fn numbers(text: &str) -> Vec<i32> {
    text.split(|c: char| !c.is_ascii_digit()).filter_map(|digits| digits.parse().ok()).collect()
}
