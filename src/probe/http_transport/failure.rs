//! What a failed exchange means for the one who asked: the client's errors as link errors.

use crate::http::{DRIP, HttpError};
use crate::probe::link::LinkError;

/// `reading` tells a connection that broke during an answer from one that never came about.
pub(super) fn link_error(error: HttpError, reading: bool) -> LinkError {
    match error {
        HttpError::TimedOut { what: DRIP, .. } => LinkError::TooSlow { what: DRIP.to_owned() },
        HttpError::TimedOut { .. } => LinkError::TimedOut,
        HttpError::TooLarge { .. } => LinkError::TooLarge { what: "the whole answer".into() },
        HttpError::BadReply { .. } => LinkError::Protocol { detail: error.to_string() },
        HttpError::NoNetwork { .. } if reading => LinkError::Closed { detail: error.to_string() },
        HttpError::NoNetwork { .. }
        | HttpError::Registry { .. }
        | HttpError::Resting { .. }
        | HttpError::Refused { .. } => LinkError::Network { detail: error.to_string() },
    }
}
