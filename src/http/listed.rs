//! Reading what is at an address that came out of a list: guarded like a remote server, paced like a registry.

use url::Url;

use super::exchange::Asked;
use super::{Client, Fields, HeaderMap, HttpError, Reach, StatusCode, retry};

/// What is at an address that came out of a list, whatever its status.
#[derive(Debug, Clone)]
pub struct Listed {
    /// Its status.
    pub status: StatusCode,
    /// Its header fields.
    pub headers: HeaderMap,
    /// Its bytes, decompressed.
    pub bytes: Vec<u8>,
}

impl Client {
    /// Reads what is at an address that came out of a list: no further than `reach` allows, in its host's turn, and asked again
    /// where that helps. A redirect is not followed and a refusal is no error: both are answers, for whoever asked to read.
    /// Only what asks for patience, and a server's own failure, is one.
    ///
    /// # Errors
    /// Every kind of [`HttpError`].
    pub async fn get_listed(
        &self,
        url: &Url,
        reach: Reach,
        headers: Fields<'_>,
        cap_bytes: u64,
    ) -> Result<Listed, HttpError> {
        let result = retry::with_retries(self.inner.politeness.patience, || async move {
            let within = self.inner.deadlines.whole;
            let asked = Asked { url, reach, headers, body: None, cap_bytes, within, any_status: true };
            let (mut answer, _slot) = self.ask(asked).await?;
            let bytes = answer.bytes().await?;
            Ok(Listed { status: answer.status, headers: answer.headers, bytes })
        })
        .await;
        self.inner.hosts.of(url, &self.inner.politeness).ended(&result, &self.inner.politeness);
        result
    }
}
