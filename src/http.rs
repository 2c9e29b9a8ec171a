//! The only HTTP client: user agent, deadlines, caps, retries, a pace for each host, guarded addresses.
//!
//! Registries are read with [`Client::get_json`], [`Client::get_bytes`] and [`Client::get_file`]; remote MCP servers
//! are spoken to with [`Client::send`], which follows no redirect to another host and is never sent twice.

mod body;
mod connect;
mod document;
mod error;
mod exchange;
mod listed;
mod pace;
mod reach;
mod retry;
mod token;

use std::io::Write;
use std::path::Path;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};
use tokio::time::Instant;
use url::Url;

pub use body::{Answer, DRIP};
pub use document::{Document, is_json};
pub use error::{HttpError, shown};
pub use listed::Listed;
pub use pace::{Pace, Politeness, RestKeeper, host_of, is_here};
pub use reach::{Addresses, Lookup, Reach, SystemLookup, is_public};
pub use reqwest::header::{self, HeaderMap, HeaderName, HeaderValue};
pub use reqwest::{Method, StatusCode};
pub use token::Token;

use body::Bounds;
use connect::{MAX_REDIRECTS, build, same_origin_redirect};
use document::{HTML_PAGE, asks_for_json_alone};
use exchange::Asked;
use pace::Hosts;
use reach::{Route, route};

/// How we name ourselves where whoever runs this has named no contact.
pub const USER_AGENT: &str =
    concat!("catalogue/", env!("CARGO_PKG_VERSION"), " (+https://catalogue.example/about)");

/// How long each part of an exchange may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Deadlines {
    /// Name resolution, connection and TLS.
    pub connect: Duration,
    /// Until the head of the answer is there.
    pub first_byte: Duration,
    /// Until its last byte, for documents.
    pub whole: Duration,
    /// Until its last byte, for files written to disk.
    pub file: Duration,
}

impl Default for Deadlines {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            first_byte: Duration::from_secs(30),
            whole: Duration::from_secs(60),
            file: Duration::from_secs(900),
        }
    }
}

/// Header fields of a request.
pub type Fields<'a> = &'a [(HeaderName, &'a str)];

/// A request to a remote server, sent once.
#[derive(Debug, Clone)]
pub struct Request<'a> {
    /// Usually POST or GET.
    pub method: Method,
    /// Where to.
    pub url: &'a Url,
    /// How far it may go.
    pub reach: Reach,
    /// Header fields beside user agent and host.
    pub headers: HeaderMap,
    /// Bytes sent with it.
    pub body: Option<Vec<u8>>,
    /// Most bytes of the answer.
    pub cap_bytes: u64,
    /// When the whole exchange must be over.
    pub ends_at: Instant,
}

/// Asks over HTTP. Cheap to clone; clones share connections and each host's pace.
#[derive(Debug, Clone)]
pub struct Client {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    deadlines: Deadlines,
    politeness: Politeness,
    // Built when first needed: each reads the system's certificates, some 20 ms.
    anywhere: OnceLock<Result<reqwest::Client, String>>,
    public: OnceLock<Result<reqwest::Client, String>>,
    loopback: OnceLock<Result<reqwest::Client, String>>,
    hosts: Hosts,
    keeper: Option<Arc<dyn RestKeeper>>,
    lookup: Arc<dyn Lookup>,
}

impl Default for Client {
    fn default() -> Self {
        Self::new(Deadlines::default())
    }
}

impl Client {
    /// A client with its own deadlines. Certificates are the system's; `SSL_CERT_FILE` and `SSL_CERT_DIR` are honoured.
    pub fn new(deadlines: Deadlines) -> Self {
        Self::polite(deadlines, Politeness::default())
    }

    /// The same with a pace, a contact and a patience of its own.
    pub fn polite(deadlines: Deadlines, politeness: Politeness) -> Self {
        Self {
            inner: Arc::new(Inner {
                deadlines,
                hosts: Hosts::resting(&politeness.rests),
                keeper: None,
                politeness,
                anywhere: OnceLock::new(),
                public: OnceLock::new(),
                loopback: OnceLock::new(),
                lookup: Arc::new(SystemLookup),
            }),
        }
    }

    /// The same, telling `keeper` of every host that asks to be left alone.
    pub fn keeping(deadlines: Deadlines, politeness: Politeness, keeper: Arc<dyn RestKeeper>) -> Self {
        let mut client = Self::polite(deadlines, politeness);
        if let Some(inner) = Arc::get_mut(&mut client.inner) {
            inner.keeper = Some(keeper);
        }
        client
    }

    /// A client that finds the addresses of remote servers in its own way; the guard stands behind that all the same.
    pub fn resolving(deadlines: Deadlines, lookup: Arc<dyn Lookup>) -> Self {
        let mut client = Self::new(deadlines);
        if let Some(inner) = Arc::get_mut(&mut client.inner) {
            inner.lookup = lookup;
        }
        client
    }

    /// Reads a JSON document from a registry, asking again where that helps.
    ///
    /// # Errors
    /// Every kind of [`HttpError`]; `BadReply` if it is not labelled JSON or does not have the shape of `T`.
    pub async fn get_json<T: DeserializeOwned>(
        &self,
        url: &Url,
        headers: Fields<'_>,
        cap_bytes: u64,
    ) -> Result<T, HttpError> {
        let document = self.get_bytes(url, headers, cap_bytes).await?;
        document.json()
    }

    /// Reads a document from a registry, asking again where that helps.
    ///
    /// # Errors
    /// Every kind of [`HttpError`]; a status that is no success is `Registry`.
    pub async fn get_bytes(
        &self,
        url: &Url,
        headers: Fields<'_>,
        cap_bytes: u64,
    ) -> Result<Document, HttpError> {
        let fetched = self.get_unless(url, headers, None, cap_bytes).await?;
        fetched.ok_or_else(|| HttpError::BadReply {
            url: shown(url),
            why: "answered that nothing changed, which was not asked".to_owned(),
        })
    }

    /// Reads a document unless it still is the one of this validator: then none.
    ///
    /// # Errors
    /// As [`Client::get_bytes`].
    pub async fn get_unless(
        &self,
        url: &Url,
        headers: Fields<'_>,
        etag: Option<&str>,
        cap_bytes: u64,
    ) -> Result<Option<Document>, HttpError> {
        let fields: Vec<(HeaderName, &str)> =
            headers.iter().cloned().chain(etag.map(|etag| (header::IF_NONE_MATCH, etag))).collect();
        self.document(url, &fields, None, cap_bytes).await
    }

    /// Posts a JSON question to a service that only reads, and so may be asked again where that helps (GraphQL).
    ///
    /// # Errors
    /// As [`Client::get_bytes`].
    pub async fn post_question(
        &self,
        url: &Url,
        headers: Fields<'_>,
        question: &serde_json::Value,
        cap_bytes: u64,
    ) -> Result<Document, HttpError> {
        let content = (header::CONTENT_TYPE, "application/json");
        let fields: Vec<(HeaderName, &str)> = headers.iter().cloned().chain([content]).collect();
        let asked = self.document(url, &fields, Some(question.to_string()), cap_bytes).await?;
        asked.ok_or_else(|| HttpError::BadReply { url: shown(url), why: "answered nothing".to_owned() })
    }

    /// Notes that a host asked to be left alone in the text of an answer; returns for how long that is.
    pub fn leave_alone(&self, url: &Url, stated: Option<Duration>) -> Duration {
        let wait = self.inner.hosts.of(url, &self.inner.politeness).limited(stated, &self.inner.politeness);
        self.keep(url, wait);
        wait
    }

    /// Has a wait stored, where somebody stores them.
    fn keep(&self, url: &Url, wait: Duration) {
        if let Some(keeper) = &self.inner.keeper {
            keeper.keep(&host_of(url), wait);
        }
    }

    async fn document(
        &self,
        url: &Url,
        fields: Fields<'_>,
        body: Option<String>,
        cap_bytes: u64,
    ) -> Result<Option<Document>, HttpError> {
        let body = &body;
        let result = retry::with_retries(self.inner.politeness.patience, || async move {
            let within = self.inner.deadlines.whole;
            let asked = Asked {
                url,
                reach: Reach::Anywhere,
                headers: fields,
                body: body.as_deref(),
                cap_bytes,
                within,
                any_status: false,
            };
            let (mut answer, _slot) = self.ask(asked).await?;
            if answer.status == StatusCode::NOT_MODIFIED {
                return Ok(None);
            }
            let bytes = answer.bytes().await?;
            let (url, media_type, headers) = (answer.url.clone(), answer.media_type(), answer.headers);
            if media_type == "text/html" && asks_for_json_alone(fields) {
                return Err(HttpError::BadReply { url: shown(&url), why: HTML_PAGE.to_owned() });
            }
            Ok(Some(Document { url, media_type, headers, bytes }))
        })
        .await;
        self.inner.hosts.of(url, &self.inner.politeness).ended(&result, &self.inner.politeness);
        result
    }

    /// Writes a registry's file to `path` (created or emptied) and returns the SHA-256 of what was written.
    ///
    /// # Errors
    /// Every kind of [`HttpError`]; a disk that does not take the bytes is [`FileError::Disk`].
    pub async fn get_file(
        &self,
        url: &Url,
        headers: Fields<'_>,
        cap_bytes: u64,
        path: &Path,
    ) -> Result<String, FileError> {
        // The disk's failure is carried past the retries: writing again would not mend it.
        let written: Result<String, std::io::Error> =
            retry::with_retries(self.inner.politeness.patience, || async move {
                let asked = Asked {
                    url,
                    reach: Reach::Anywhere,
                    headers,
                    body: None,
                    cap_bytes,
                    within: self.inner.deadlines.file,
                    any_status: false,
                };
                let (mut answer, _slot) = self.ask(asked).await?;
                let mut hash = Sha256::new();
                let mut file = match fs_err::File::create(path) {
                    Ok(file) => file,
                    Err(error) => return Ok(Err(error)),
                };
                while let Some(chunk) = answer.next_chunk().await? {
                    hash.update(&chunk);
                    if let Err(error) = file.write_all(&chunk) {
                        return Ok(Err(error));
                    }
                }
                Ok(file.flush().map(|()| hex::encode(hash.finalize())))
            })
            .await?;
        Ok(written?)
    }

    /// Sends one request to a remote server and returns its answer, whatever its status, with the body still to read.
    ///
    /// Redirects within the same scheme, host and port are followed up to three times with the same method and body;
    /// any other is returned as it came.
    ///
    /// # Errors
    /// `Refused`, `NoNetwork`, `TimedOut`; nothing is sent a second time.
    pub async fn send(&self, request: Request<'_>) -> Result<Answer, HttpError> {
        let chosen = route(request.reach, request.url)?;
        let client = self.client(chosen, request.url)?;
        let bounds = Bounds { cap_bytes: request.cap_bytes, ends_at: request.ends_at, min_rate: false };
        let mut url = request.url.clone();
        for hop in 0.. {
            let mut builder =
                client.request(request.method.clone(), url.clone()).headers(request.headers.clone());
            if let Some(body) = &request.body {
                builder = builder.body(body.clone());
            }
            let response = tokio::time::timeout_at(request.ends_at, builder.send())
                .await
                .map_err(|_| HttpError::TimedOut { url: shown(&url), what: "the first byte" })?
                .map_err(|e| HttpError::from_reqwest(&url, e))?;
            match same_origin_redirect(&url, response.status(), response.headers()) {
                Some(next) if hop < MAX_REDIRECTS => url = next,
                _ => return Ok(Answer::new(response, bounds)),
            }
        }
        unreachable!("the loop ends by returning")
    }

    fn client(&self, chosen: Route, url: &Url) -> Result<&reqwest::Client, HttpError> {
        let cell = match chosen {
            Route::Anywhere => &self.inner.anywhere,
            Route::Public => &self.inner.public,
            Route::Loopback => &self.inner.loopback,
        };
        cell.get_or_init(|| {
            let lookup = Arc::clone(&self.inner.lookup);
            build(chosen, self.inner.deadlines, lookup, &self.inner.politeness).map_err(|e| format!("{e:?}"))
        })
        .as_ref()
        .map_err(|detail| HttpError::NoNetwork {
            url: shown(url),
            detail: detail.clone(),
            source: None,
        })
    }
}

/// Why a file was not fetched.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// The exchange failed.
    #[error(transparent)]
    Http(#[from] HttpError),
    /// The disk failed.
    #[error("cannot write what was fetched")]
    Disk(#[from] std::io::Error),
}
