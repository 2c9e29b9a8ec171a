//! Why an exchange over HTTP brought nothing, by the kind a caller chooses by.

use std::time::Duration;

use thiserror::Error;
use url::Url;

use super::StatusCode;

/// The failure of one exchange, after all its tries. Addresses in it are shown without user, password and query.
#[derive(Debug, Error)]
pub enum HttpError {
    /// No name resolution, no connection, no secure connection, or a connection that broke.
    #[error("{url}: no connection ({detail}); check the network, proxy and certificate settings")]
    NoNetwork {
        /// Asked address.
        url: String,
        /// The innermost cause, e.g. `Connection refused (os error 111)`.
        detail: String,
        /// What the HTTP library said.
        #[source]
        source: Option<reqwest::Error>,
    },
    /// The other side answered with a status that is no success.
    #[error("{url}: answered {status}{}", retry_after.map(|wait| format!(" and is to be left alone for {} s", wait.as_secs())).unwrap_or_default())]
    Registry {
        /// Asked address.
        url: String,
        /// Its status.
        status: StatusCode,
        /// How long it is left alone, if it said so or is busy.
        retry_after: Option<Duration>,
    },
    /// More bytes than allowed, counted after decompression.
    #[error("{url}: answered more than {cap_bytes} bytes")]
    TooLarge {
        /// Asked address.
        url: String,
        /// The bound.
        cap_bytes: u64,
    },
    /// A deadline passed.
    #[error("{url}: {what} took too long")]
    TimedOut {
        /// Asked address.
        url: String,
        /// `the connection`, `the first byte`, `the whole answer`, or a drip.
        what: &'static str,
    },
    /// An answer that is not what was asked for: wrong content type, broken JSON, broken encoding.
    #[error("{url}: {why}")]
    BadReply {
        /// Asked address.
        url: String,
        /// What is wrong with it.
        why: String,
    },
    /// Its host asked to be left alone, or failed too often: not asked.
    #[error("{url}: not asked: its host is to be left alone for {} s more; run the same command again then", wait.as_secs().max(1))]
    Resting {
        /// The address.
        url: String,
        /// For so long.
        wait: Duration,
    },
    /// We do not ask this address, or do not follow where it leads.
    #[error("{url}: not asked: {why}")]
    Refused {
        /// The address.
        url: String,
        /// The rule.
        why: String,
    },
}

impl HttpError {
    /// True if the same request may well succeed a moment later.
    pub(super) fn is_passing(&self) -> bool {
        match self {
            HttpError::NoNetwork { .. } => true,
            HttpError::Registry { status, retry_after, .. } => {
                matches!(status.as_u16(), 429 | 502 | 503 | 504) || retry_after.is_some()
            }
            _ => false,
        }
    }

    /// True if it speaks of trouble on the other side, and not of this request or of our own network.
    pub(super) fn is_the_hosts(&self) -> bool {
        match self {
            HttpError::Registry { status, .. } => status.is_server_error() || status.as_u16() == 429,
            HttpError::TimedOut { .. } | HttpError::BadReply { .. } => true,
            _ => false,
        }
    }

    /// How long the host is to be left alone, if that is why.
    pub fn rest(&self) -> Option<Duration> {
        match self {
            HttpError::Resting { wait, .. } => Some(*wait),
            HttpError::Registry { retry_after, .. } => *retry_after,
            _ => None,
        }
    }

    /// The status the other side answered with, if it is the failure.
    pub fn status(&self) -> Option<u16> {
        match self {
            HttpError::Registry { status, .. } => Some(status.as_u16()),
            _ => None,
        }
    }

    /// Sorts an error of the HTTP library by kind.
    pub(super) fn from_reqwest(url: &Url, source: reqwest::Error) -> Self {
        let detail = innermost(&source);
        let url = shown(url);
        let source = source.without_url();
        if let Some(why) = detail.strip_prefix(REFUSED) {
            HttpError::Refused { url, why: why.to_owned() }
        } else if source.is_timeout() {
            let what = if source.is_connect() { "the connection" } else { "the whole answer" };
            HttpError::TimedOut { url, what }
        } else if source.is_decode() || source.is_builder() || is_no_http(&detail) {
            HttpError::BadReply { url, why: format!("it cannot be read: {detail}") }
        } else {
            HttpError::NoNetwork { url, detail, source: Some(source) }
        }
    }
}

/// Marks our own refusals where they travel through the HTTP library as an untyped cause.
pub(super) const REFUSED: &str = "refused by the address guard: ";

/// True for what the HTTP library says of an answer's head that breaks HTTP: the other side's doing, not the network's. It
/// has no kind for that which could be asked.
fn is_no_http(detail: &str) -> bool {
    detail.starts_with("invalid HTTP ") || detail == "message head is too large"
}

/// The last cause in the chain: the one that names the fact.
fn innermost(error: &(dyn std::error::Error + 'static)) -> String {
    let mut last = error;
    while let Some(next) = last.source() {
        last = next;
    }
    last.to_string()
}

/// An address as people may see it: without user, password, query and fragment.
pub fn shown(url: &Url) -> String {
    let mut plain = url.clone();
    // Both fail only for addresses that cannot have them.
    let _ = plain.set_username("");
    let _ = plain.set_password(None);
    plain.set_query(None);
    plain.set_fragment(None);
    plain.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shown_address_has_no_secret() {
        let url = Url::parse("https://me:secret@r.example/simple/?token=x#y").unwrap();
        assert_eq!(shown(&url), "https://r.example/simple/");
    }
}
