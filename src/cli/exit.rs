//! Exit codes, documented in the README.

use std::process::ExitCode;

use crate::config::ConfigError;
use crate::probe::sandbox::Refusal;
use crate::queue::QueueError;
use crate::sources::WalkError;
use crate::store::StoreError;

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Exit {
    /// All done; every target answered or was recorded.
    Ok,
    /// Something was found that should not be: an invalid policy, a broken link; or an error of no other kind.
    Findings,
    /// The command line is wrong (clap's own code).
    Usage,
    /// Nothing could be scanned.
    NothingScanned,
    /// The database cannot be used.
    Database,
    /// No sandbox can be had, and none was not asked for.
    NoSandbox,
    /// A rules, data or configuration file is malformed.
    BadFile,
    /// Some lines of an input were skipped, each with a report; the others were judged.
    LinesSkipped,
    /// Ended by Ctrl-C; what was done is stored.
    Interrupted,
}

impl Exit {
    fn code(self) -> u8 {
        match self {
            Exit::Ok => 0,
            Exit::Findings => 1,
            Exit::Usage => 2,
            Exit::NothingScanned => 3,
            Exit::Database => 4,
            Exit::NoSandbox => 5,
            Exit::BadFile => 6,
            Exit::LinesSkipped => 7,
            Exit::Interrupted => 130,
        }
    }

    /// The code for an error, by its kind.
    pub(super) fn of(error: &anyhow::Error) -> Self {
        // A cause counts as much as the error itself: a page that cannot be made for want of the database is its fault.
        fn has<E: std::error::Error + 'static>(error: &anyhow::Error) -> bool {
            error.chain().any(|cause| cause.is::<E>())
        }
        let is = |found: bool, exit| found.then_some(exit);
        is(has::<StoreError>(error), Exit::Database)
            .or(is(is_bad_queue_address(error), Exit::Usage))
            .or(is(has::<QueueError>(error), Exit::Database))
            .or(is(has::<Refusal>(error), Exit::NoSandbox))
            .or(is(has::<ConfigError>(error), Exit::BadFile))
            .or(is(has::<crate::classify::RuleError>(error), Exit::BadFile))
            .or(is(has::<crate::eval::BenchmarkError>(error), Exit::BadFile))
            .or(is(has::<crate::eval::ResultError>(error), Exit::BadFile))
            .or(is(has::<crate::policy::PolicyError>(error), Exit::BadFile))
            .or(is(has::<crate::probe::toolchain::PinsError>(error), Exit::BadFile))
            .or(is(has::<super::scan::targets::FileError>(error), Exit::BadFile))
            .or(is(has::<crate::clients::ReadError>(error), Exit::BadFile))
            .or(is(has::<crate::clients::TableError>(error), Exit::BadFile))
            .or(is(has::<super::scan::configured::NothingFound>(error), Exit::NothingScanned))
            .or(is(is_bad_since(error), Exit::Usage))
            .or(is(has::<super::scan::targets::UsageError>(error), Exit::Usage))
            .unwrap_or(Exit::Findings)
    }
}

fn is_bad_queue_address(error: &anyhow::Error) -> bool {
    let bad = |cause: &QueueError| matches!(cause, QueueError::Address(_));
    error.chain().any(|cause| cause.downcast_ref::<QueueError>().is_some_and(bad))
}

fn is_bad_since(error: &anyhow::Error) -> bool {
    let bad = |cause: &WalkError| matches!(cause, WalkError::BadSince { .. });
    error.chain().any(|cause| cause.downcast_ref::<WalkError>().is_some_and(bad))
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        ExitCode::from(exit.code())
    }
}
