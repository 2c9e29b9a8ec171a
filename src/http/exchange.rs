//! One request in its turn, and what its answer says of the host's limits.

use std::time::Duration;

use tokio::sync::OwnedSemaphorePermit;
use tokio::time::Instant;
use url::Url;

use super::body::{Answer, Bounds};
use super::reach::{Reach, route};
use super::{Client, Fields, HeaderValue, HttpError, StatusCode, header, retry, shown};

/// One request to be made in its turn.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asked<'a> {
    pub(super) url: &'a Url,
    pub(super) reach: Reach,
    pub(super) headers: Fields<'a>,
    pub(super) body: Option<&'a str>,
    pub(super) cap_bytes: u64,
    pub(super) within: Duration,
    /// True where redirects and refusals are answers to be read, too.
    pub(super) any_status: bool,
}

impl Client {
    /// One request in its turn. Redirects take `Authorization` no further than its own host and port.
    pub(super) async fn ask(&self, asked: Asked<'_>) -> Result<(Answer, OwnedSemaphorePermit), HttpError> {
        let Asked { url, reach, headers, body, cap_bytes, within, any_status } = asked;
        let client = self.client(route(reach, url)?, url)?;
        let politeness = &self.inner.politeness;
        let host = self.inner.hosts.of(url, politeness);
        let slot = host.turn(url, politeness).await?;
        let ends_at = Instant::now() + within;
        let mut request = match body {
            Some(body) => client.post(url.clone()).body(body.to_owned()),
            None => client.get(url.clone()),
        };
        for (name, value) in headers {
            // Not even the most talkative log of a library has it.
            let secret = HeaderValue::from_str(value).ok().filter(|_| *name == header::AUTHORIZATION);
            request = match secret {
                Some(mut secret) => {
                    secret.set_sensitive(true);
                    request.header(name.clone(), secret)
                }
                None => request.header(name.clone(), *value),
            };
        }
        let response = tokio::time::timeout(self.inner.deadlines.first_byte, request.send())
            .await
            .map_err(|_| HttpError::TimedOut { url: shown(url), what: "the first byte" })?
            .map_err(|e| HttpError::from_reqwest(url, e))?;
        let status = response.status();
        let now = jiff::Timestamp::now();
        let used_up = retry::used_up(response.headers(), now);
        let unchanged = status == StatusCode::NOT_MODIFIED
            && headers.iter().any(|(name, _)| *name == header::IF_NONE_MATCH);
        if status.is_success() || unchanged {
            if let Some(wait) = host.answered(used_up, politeness) {
                self.keep(url, wait);
            }
            return Ok((Answer::new(response, Bounds { cap_bytes, ends_at, min_rate: true }), slot));
        }
        let mut stated = retry::retry_after(response.headers(), now);
        if matches!(status.as_u16(), 403 | 429) {
            stated = stated.or(used_up);
        }
        let mut limits = matches!(status.as_u16(), 403 | 429 | 503) && stated.is_some();
        limits |= status == StatusCode::TOO_MANY_REQUESTS;
        if any_status && !limits && !status.is_server_error() {
            return Ok((Answer::new(response, Bounds { cap_bytes, ends_at, min_rate: true }), slot));
        }
        if status == StatusCode::FORBIDDEN && !limits {
            // Some limits are only told in words.
            let bounds = Bounds { cap_bytes: retry::WORDS_BYTES, ends_at, min_rate: true };
            limits = retry::speaks_of_a_limit(&mut Answer::new(response, bounds)).await;
        }
        let retry_after = limits.then(|| host.limited(stated, politeness));
        if let Some(wait) = retry_after {
            self.keep(url, wait);
        }
        Err(HttpError::Registry { url: shown(url), status, retry_after })
    }
}
