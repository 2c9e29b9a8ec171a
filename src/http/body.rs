//! The bytes of an answer, chunk by chunk, counted after decompression and against the clock.

use std::time::Duration;

use tokio::time::Instant;
use url::Url;

use super::error::{HttpError, shown};
use super::{HeaderMap, StatusCode};

/// A rate below this, once [`GRACE`] is over, is a drip and not a slow line.
const MIN_BYTES_PER_SECOND: u64 = 1024;
/// What is said of a drip: [`HttpError::TimedOut`].
pub const DRIP: &str = "an answer of less than 1 KiB a second";
const GRACE: Duration = Duration::from_secs(10);

/// What bounds an answer.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    pub(super) cap_bytes: u64,
    pub(super) ends_at: Instant,
    /// True where a slow answer is an attack and not a server that thinks.
    pub(super) min_rate: bool,
}

/// An answer whose head has come and whose body is still to be read.
#[derive(Debug)]
pub struct Answer {
    /// Its status.
    pub status: StatusCode,
    /// Its header fields.
    pub headers: HeaderMap,
    /// Where it came from, after redirects.
    pub url: Url,
    response: reqwest::Response,
    bounds: Bounds,
    read_bytes: u64,
    began: Instant,
}

impl Answer {
    pub(super) fn new(response: reqwest::Response, bounds: Bounds) -> Self {
        Self {
            status: response.status(),
            headers: response.headers().clone(),
            url: response.url().clone(),
            response,
            bounds,
            read_bytes: 0,
            began: Instant::now(),
        }
    }

    /// The media type, lower case, without parameters; empty if none was given.
    pub fn media_type(&self) -> String {
        let text =
            self.headers.get(reqwest::header::CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or("");
        text.split(';').next().unwrap_or("").trim().to_ascii_lowercase()
    }

    /// From now on a drip is an attack: for answers that are whole in their server's hands when they begin.
    pub fn must_flow(&mut self) {
        self.bounds.min_rate = true;
    }

    /// Bytes read so far, decompressed.
    pub fn read_bytes(&self) -> u64 {
        self.read_bytes
    }

    /// The next bytes, or none at the end.
    ///
    /// # Errors
    /// `TooLarge`, `TimedOut`, `BadReply` (broken encoding) or `NoNetwork` (broken connection).
    pub async fn next_chunk(&mut self) -> Result<Option<Vec<u8>>, HttpError> {
        let late = |what| HttpError::TimedOut { url: shown(&self.url), what };
        let next = tokio::time::timeout_at(self.bounds.ends_at, self.response.chunk())
            .await
            .map_err(|_| late("the whole answer"))?;
        let chunk = next.map_err(|e| HttpError::from_reqwest(&self.url, e))?;
        let Some(chunk) = chunk else { return Ok(None) };
        self.read_bytes += chunk.len() as u64;
        if self.read_bytes > self.bounds.cap_bytes {
            let cap_bytes = self.bounds.cap_bytes;
            return Err(HttpError::TooLarge { url: shown(&self.url), cap_bytes });
        }
        let spent = self.began.elapsed();
        if self.bounds.min_rate && spent > GRACE && self.read_bytes < spent.as_secs() * MIN_BYTES_PER_SECOND {
            return Err(late(DRIP));
        }
        Ok(Some(chunk.to_vec()))
    }

    /// Everything that is left.
    ///
    /// # Errors
    /// As [`Answer::next_chunk`].
    pub async fn bytes(&mut self) -> Result<Vec<u8>, HttpError> {
        let mut all = Vec::new();
        while let Some(chunk) = self.next_chunk().await? {
            all.extend_from_slice(&chunk);
        }
        Ok(all)
    }
}
