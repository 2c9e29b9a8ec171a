//! A document as a registry answered it, and what tells JSON from a page for people.

use url::Url;

use super::error::{HttpError, shown};
use super::{Fields, HeaderMap, header};

/// A document as a registry answered it.
#[derive(Debug, Clone)]
pub struct Document {
    /// Where it came from, after redirects.
    pub url: Url,
    /// Its media type, lower case, without parameters.
    pub media_type: String,
    /// Its header fields.
    pub headers: HeaderMap,
    /// Its bytes, decompressed.
    pub bytes: Vec<u8>,
}

impl Document {
    /// The validator to ask with next time.
    pub fn etag(&self) -> Option<String> {
        self.headers.get(header::ETAG).and_then(|value| value.to_str().ok()).map(str::to_owned)
    }

    /// Reads it as JSON, if it says that it is.
    ///
    /// # Errors
    /// `BadReply`.
    pub fn json<'a, T: serde::Deserialize<'a>>(&'a self) -> Result<T, HttpError> {
        let bad = |why: String| HttpError::BadReply { url: shown(&self.url), why };
        if self.media_type == "text/html" {
            return Err(bad(HTML_PAGE.to_owned()));
        }
        if !is_json(&self.media_type) {
            return Err(bad(format!("answered \"{}\" and not JSON", self.media_type.escape_debug())));
        }
        serde_json::from_slice(&self.bytes).map_err(|e| bad(format!("its JSON cannot be read: {e}")))
    }
}

pub(super) const HTML_PAGE: &str =
    "answered an HTML page where JSON was asked for: a block page, a login, or another address than meant";

pub(super) fn asks_for_json_alone(fields: Fields<'_>) -> bool {
    let accept = fields.iter().find(|(name, _)| *name == header::ACCEPT).map_or("", |(_, value)| value);
    accept.contains("json") && !accept.contains("html")
}

/// True for `application/json` and every `…+json`.
pub fn is_json(media_type: &str) -> bool {
    media_type == "application/json"
        || (media_type.starts_with("application/") && media_type.ends_with("+json"))
}
