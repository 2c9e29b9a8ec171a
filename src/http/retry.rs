//! When a request is sent again, and how long it waits first.

use std::time::Duration;

use backon::{ExponentialBuilder, Retryable};
use jiff::Timestamp;
use reqwest::header::{HeaderMap, RETRY_AFTER};

use super::body::Answer;
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

/// How long a limit that is used up still holds: `x-ratelimit-remaining: 0` until `x-ratelimit-reset`, a time in seconds
/// since 1970 or, if it is too small for one, a number of seconds. By the other side's clock, where it tells it.
///
/// Source: GitHub REST API, "Rate limits for the REST API".
pub(super) fn used_up(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let text = |name: &str| headers.get(name)?.to_str().ok().map(str::trim);
    if text("x-ratelimit-remaining")? != "0" {
        return None;
    }
    let reset: i64 = text("x-ratelimit-reset")?.parse().ok()?;
    let seconds = if reset < 1_000_000_000 {
        reset
    } else {
        let theirs = text("date").and_then(|date| jiff::fmt::rfc2822::parse(date).ok());
        let now = theirs.map_or(now, |date| date.timestamp());
        // A reset in this very second has not happened yet.
        reset - now.as_second() + 1
    };
    u64::try_from(seconds).ok().filter(|seconds| *seconds > 0).map(Duration::from_secs)
}

/// Most bytes read of an answer that refuses, to see why.
pub(super) const WORDS_BYTES: u64 = 64 * 1024;

/// True if the words of an answer say that it refuses because of a limit.
pub(super) async fn speaks_of_a_limit(answer: &mut Answer) -> bool {
    let words = answer.bytes().await.unwrap_or_default();
    let words = String::from_utf8_lossy(&words).to_ascii_lowercase();
    words.contains("rate limit") || words.contains("abuse detection")
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

    #[test]
    fn a_used_up_limit_holds_until_its_reset() {
        let now: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
        let of = |fields: &[(&'static str, &str)]| {
            let fields = fields.iter().map(|(name, value)| {
                (name.parse::<reqwest::header::HeaderName>().unwrap(), value.parse().unwrap())
            });
            used_up(&HeaderMap::from_iter(fields), now).map(|wait| wait.as_secs())
        };
        let (none, some) = (("x-ratelimit-remaining", "0"), ("x-ratelimit-remaining", "3"));
        let reset = ("x-ratelimit-reset", "1767225630");
        assert_eq!(of(&[none, reset]), Some(31));
        assert_eq!(of(&[some, reset]), None);
        assert_eq!(of(&[none, ("x-ratelimit-reset", "45")]), Some(45));
        assert_eq!(of(&[none, reset, ("date", "Thu, 01 Jan 2026 00:00:20 GMT")]), Some(11));
        assert_eq!(of(&[none, ("x-ratelimit-reset", "1767225000")]), None);
        assert_eq!(of(&[none]), None);
    }
}
