//! When a request is sent again, and how long it waits first.

use std::time::Duration;

use backon::{ExponentialBuilder, Retryable};
use jiff::Timestamp;
use reqwest::header::{HeaderMap, RETRY_AFTER};

use super::error::HttpError;

/// Tries of one request, the first included.
const TRIES: usize = 4;

/// How long a server asks to wait: seconds or a date. None if it says nothing that can be read.
///
/// Source: RFC 9110 section 10.2.3.
pub(super) fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse::<u64>() {
        return Some(Duration::from_secs(seconds));
    }
    let date = jiff::fmt::rfc2822::parse(text).ok()?.timestamp();
    Some(Duration::try_from(date.duration_since(now)).unwrap_or_default())
}

/// Runs `ask` up to four times, as long as its failure is a passing one and does not ask for more than `patience`.
///
/// Where the other side says how long, the host's pace does the waiting: for all requests, not for this one alone.
pub(super) async fn with_retries<T, F, Fut>(patience: Duration, ask: F) -> Result<T, HttpError>
where
    F: FnMut() -> Fut,
    Fut: Future<Output = Result<T, HttpError>>,
{
    let waits = ExponentialBuilder::default()
        .with_min_delay(Duration::from_millis(300))
        .with_max_delay(Duration::from_secs(10))
        .with_max_times(TRIES - 1)
        .with_jitter();
    ask.retry(waits)
        .when(|error| error.is_passing() && error.rest().is_none_or(|wait| wait <= patience))
        .adjust(|error, planned| match error.rest() {
            Some(_) => planned.map(|_| Duration::ZERO),
            None => planned,
        })
        .notify(|error, wait| tracing::debug!(%error, wait_ms = wait.as_millis(), "asked again"))
        .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_is_read_as_seconds_or_as_a_date() {
        let now: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
        let said = |text: &str| {
            let headers = HeaderMap::from_iter([(RETRY_AFTER, text.parse().unwrap())]);
            retry_after(&headers, now)
        };
        assert_eq!(said("7"), Some(Duration::from_secs(7)));
        assert_eq!(said("Thu, 01 Jan 2026 00:00:30 GMT"), Some(Duration::from_secs(30)));
        assert_eq!(said("Wed, 31 Dec 2025 00:00:00 GMT"), Some(Duration::ZERO));
        assert_eq!(said("soon"), None);
        assert_eq!(retry_after(&HeaderMap::new(), now), None);
    }
}
