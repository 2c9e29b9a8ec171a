//! What a failed exchange means for the one who asked: the client's errors and the server's refusals as link errors.

use crate::http::{Answer, HttpError, header};
use crate::model::Untrusted;
use crate::probe::link::LinkError;

/// A login is asked for: 401, or 403 (407 is a proxy's, and we use none).
pub(super) fn refuse_login(answer: &Answer) -> Result<(), LinkError> {
    let status = answer.status.as_u16();
    if !matches!(status, 401 | 403) {
        return Ok(());
    }
    let challenge = answer.headers.get(header::WWW_AUTHENTICATE).and_then(|v| v.to_str().ok());
    let shown = challenge.map(|text| format!(", {}", Untrusted::from(text).for_terminal(200)));
    Err(LinkError::Auth { detail: format!("status {status}{}", shown.unwrap_or_default()) })
}

/// `reading` tells a connection that broke during an answer from one that never came about.
pub(super) fn link_error(error: HttpError, reading: bool) -> LinkError {
    match error {
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
