//! Asks a remote MCP server: streamable HTTP, and the older pair of an event stream and a message address.
//!
//! Hides framing, session ids, event streams and the choice of transport behind [`Link`]; what is asked, in which era
//! of the protocol and for how many pages, is `probe::mcp`'s matter. The request's own `_meta` tells the era here: with a
//! protocol version in it the request is a stateless one of revision 2026-07-28.
//! Source: MCP specification 2025-11-25 basic/transports, 2026-07-28 basic/transports/streamable-http (headers, and when
//! to try the older transport), 2024-11-05 basic/transports (HTTP with SSE).

pub mod events;
mod failure;
mod login;
mod message;
mod older;
mod stream;

use std::time::Duration;

use serde_json::Value;
use tokio::time::Instant;
use url::Url;

use self::failure::link_error;
use self::message::Incoming;
use self::stream::EventStream;
use crate::config::limits::Limits;
use crate::http::{
    Answer, Client, HeaderMap, HeaderName, HeaderValue, Method, Reach, Request, header, is_json,
};
use crate::model::{Transport, Untrusted};
use crate::probe::link::{Link, LinkError, Reply};
use crate::probe::wire::{MAX_ANSWERED, MAX_ID, Oddities};

/// Messages a server may send that answer nothing, before it is a flood.
const MAX_UNASKED: u32 = 1_000;
/// A session is ended politely, within this time.
const GOODBYE: Duration = Duration::from_secs(5);

/// The longest session id that is sent back. The specification lets in visible ASCII alone and bounds no length.
const MAX_SESSION: usize = 1024;

const SESSION: HeaderName = HeaderName::from_static("mcp-session-id");
const VERSION: HeaderName = HeaderName::from_static("mcp-protocol-version");
const METHOD: HeaderName = HeaderName::from_static("mcp-method");
/// Where a request of revision 2026-07-28 has its version.
const META_VERSION: &str = "/_meta/io.modelcontextprotocol~1protocolVersion";

/// A way to one remote server.
#[derive(Debug)]
pub struct HttpLink {
    client: Client,
    address: Url,
    reach: Reach,
    limits: Limits,
    ends_at: Instant,
    mode: Mode,
    session: Option<HeaderValue>,
    version: Option<HeaderValue>,
    next_id: u64,
    unasked: u32,
    answered_bytes: u64,
    damaged: bool,
    oddities: Oddities,
    odd_session: bool,
}

#[derive(Debug)]
enum Mode {
    /// Nothing was answered yet.
    Unknown,
    /// Nothing was answered yet, and the older transport is not spoken.
    NotOld,
    Streamable,
    Old {
        stream: Box<EventStream>,
        messages: Url,
    },
}

/// What a POST brought.
enum Answered {
    Reply(Reply),
    /// A status that an older server answers a POST with.
    MaybeOld(String),
}

impl HttpLink {
    /// A link to `address`; nothing is sent yet. The session's time runs from now.
    pub fn new(client: &Client, address: Url, reach: Reach, limits: &Limits) -> Self {
        Self {
            client: client.clone(),
            address,
            reach,
            limits: limits.clone(),
            ends_at: Instant::now() + Duration::from_secs(limits.session_seconds),
            mode: Mode::Unknown,
            session: None,
            version: None,
            next_id: 0,
            unasked: 0,
            answered_bytes: 0,
            damaged: false,
            oddities: Oddities::default(),
            odd_session: false,
        }
    }

    /// How messages travel, as far as it is known.
    pub fn transport(&self) -> Transport {
        match self.mode {
            Mode::Old { .. } => Transport::HttpSse,
            Mode::Unknown | Mode::NotOld | Mode::Streamable => Transport::StreamableHttp,
        }
    }

    /// True if an answer was no UTF-8 and was read with replacement characters.
    pub fn encoding_damaged(&self) -> bool {
        self.damaged
    }

    /// What was odd about the conversation, one word each.
    pub fn marks(&self) -> impl Iterator<Item = &'static str> + use<> {
        self.oddities.marks().chain(self.odd_session.then_some("odd-session"))
    }

    /// Ends the session, if there is one. Failures are not ours to report: everything was read.
    pub async fn close(self) {
        if self.session.is_none() {
            return;
        }
        let headers = self.headers(None, &Value::Null);
        let ends_at = Instant::now() + GOODBYE;
        let goodbye = self.client.send(Request {
            method: Method::DELETE,
            url: &self.address,
            reach: self.reach,
            headers,
            body: None,
            cap_bytes: 0,
            ends_at,
        });
        if let Err(error) = goodbye.await {
            tracing::debug!(%error, "the session was not ended");
        }
    }

    /// Bytes the server may still answer.
    fn left_bytes(&self) -> u64 {
        (self.limits.answer_bytes as u64).saturating_sub(self.answered_bytes)
    }

    fn headers(&self, method: Option<&str>, params: &Value) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT, HeaderValue::from_static("application/json, text/event-stream"));
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if let Some(version) = params.pointer(META_VERSION).and_then(Value::as_str) {
            let fields = [(VERSION, Some(version)), (METHOD, method)];
            for (name, value) in fields {
                headers.extend(value.and_then(|v| HeaderValue::from_str(v).ok()).map(|v| (name, v)));
            }
            return headers;
        }
        // A new handshake is a new session.
        if method != Some("initialize") {
            headers.extend(self.session.clone().map(|session| (SESSION, session)));
            headers.extend(self.version.clone().map(|version| (VERSION, version)));
        }
        headers
    }

    /// A login that is asked for ends the exchange, with what the server says about it.
    async fn refuse_login(&self, answer: &Answer) -> Result<(), LinkError> {
        if !login::is_wanted(answer) {
            return Ok(());
        }
        let found = login::learn(&self.client, &self.address, self.reach, answer, self.ends_at).await;
        Err(LinkError::Auth { detail: found.detail, said: found.said })
    }

    async fn post(&self, url: &Url, headers: HeaderMap, body: Vec<u8>) -> Result<Answer, LinkError> {
        let request = Request {
            method: Method::POST,
            url,
            reach: self.reach,
            headers,
            body: Some(body),
            cap_bytes: self.left_bytes(),
            ends_at: self.ends_at,
        };
        let answer = self.client.send(request).await.map_err(|e| link_error(e, false))?;
        self.refuse_login(&answer).await?;
        Ok(answer)
    }

    /// Reads what a POST with a request brought.
    async fn read_answer(&mut self, mut answer: Answer, id: u64) -> Result<Answered, LinkError> {
        let status = answer.status.as_u16();
        if answer.status.is_redirection() {
            return Err(LinkError::NotMcp {
                detail: format!("status {status}, a redirect to another place"),
            });
        }
        if answer.status.is_success() {
            return match answer.media_type().as_str() {
                "text/event-stream" => self.read_events(answer, id).await.map(Answered::Reply),
                kind if is_json(kind) => self.read_json(answer, id).await.map(Answered::Reply),
                "" => Err(LinkError::Protocol { detail: format!("status {status} without an answer") }),
                kind => Err(LinkError::NotMcp {
                    detail: format!("a reply of type {}", Untrusted::from(kind).for_terminal(60)),
                }),
            };
        }
        let body = answer.bytes().await;
        self.answered_bytes += answer.read_bytes();
        if let Some(reply) = body.ok().and_then(|body| message::error_in(&body, id)) {
            return Ok(Answered::Reply(reply));
        }
        let detail = format!("status {status}, and no JSON-RPC error in it");
        match status {
            404 if self.session.is_some() => {
                Err(LinkError::Closed { detail: "the session is over (status 404)".into() })
            }
            429 | 500..=599 => Err(LinkError::Network { detail }),
            _ => Ok(Answered::MaybeOld(detail)),
        }
    }

    async fn read_json(&mut self, mut answer: Answer, id: u64) -> Result<Reply, LinkError> {
        answer.must_flow();
        let body = answer.bytes().await;
        self.answered_bytes += answer.read_bytes();
        let body = body.map_err(|e| link_error(e, true))?;
        let mut found = None;
        for message in self.understand(&body, id)? {
            match message {
                Incoming::Ours(reply) => found = Some(reply),
                Incoming::Asked { .. } => {
                    self.oddities.asked();
                }
                Incoming::Stray { id: theirs } => self.oddities.answered(&theirs, id),
                Incoming::Other => {}
            }
        }
        found.ok_or_else(|| LinkError::Protocol { detail: "an answer to another request".into() })
    }

    async fn read_events(&mut self, answer: Answer, id: u64) -> Result<Reply, LinkError> {
        let mut stream = EventStream::new(answer, self.limits.line_bytes);
        let address = self.address.clone();
        let reply = self.next_reply(&mut stream, &address, id).await;
        self.answered_bytes += stream.read_bytes();
        reply
    }

    /// Reads events until the answer to `id`; what the server asks meanwhile is answered.
    async fn next_reply(&mut self, stream: &mut EventStream, to: &Url, id: u64) -> Result<Reply, LinkError> {
        loop {
            let Some(event) = stream.next().await? else {
                return Err(LinkError::Closed { detail: "the event stream ended".into() });
            };
            if event.kind != "message" || event.data.is_empty() {
                self.count_unasked()?;
                continue;
            }
            let mut found = None;
            for message in self.understand(&event.data, id)? {
                match message {
                    Incoming::Ours(reply) => found = Some(reply),
                    Incoming::Asked { id, method } => {
                        self.count_unasked()?;
                        if id.get().len() > MAX_ID {
                            let detail = "a request with an unreadable id".to_owned();
                            return Err(LinkError::Protocol { detail });
                        }
                        if self.oddities.asked() > MAX_ANSWERED {
                            continue;
                        }
                        let headers = self.headers(None, &Value::Null);
                        self.post(to, headers, message::answer(&id, &method)).await?;
                    }
                    Incoming::Stray { id: theirs } => {
                        self.oddities.answered(&theirs, id);
                        self.count_unasked()?;
                    }
                    Incoming::Other => self.count_unasked()?,
                }
            }
            if let Some(reply) = found {
                return Ok(reply);
            }
        }
    }

    fn understand(&mut self, bytes: &[u8], id: u64) -> Result<Vec<Incoming>, LinkError> {
        if bytes.len() > self.limits.line_bytes {
            return Err(LinkError::TooLarge { what: "an answer".into() });
        }
        let text = String::from_utf8_lossy(bytes);
        self.damaged |= matches!(text, std::borrow::Cow::Owned(_));
        message::read(&text, id)
    }

    fn count_unasked(&mut self) -> Result<(), LinkError> {
        self.unasked += 1;
        if self.unasked > MAX_UNASKED {
            return Err(LinkError::TooLarge { what: "the number of messages nobody asked for".into() });
        }
        Ok(())
    }

    /// Sends a request by POST to the one address, or by the older transport if that is what is spoken.
    async fn ask(&mut self, method: &str, params: &Value) -> Result<Reply, LinkError> {
        self.next_id += 1;
        let id = self.next_id;
        let (headers, body) = (self.headers(Some(method), params), message::request(id, method, params));
        if matches!(self.mode, Mode::Old { .. }) {
            return self.call_old(id, headers, body).await;
        }
        let address = self.address.clone();
        let answer = self.post(&address, headers.clone(), body.clone()).await?;
        if method == "initialize" {
            let told = answer.headers.get(&SESSION).cloned();
            self.session = told.clone().filter(is_session);
            self.odd_session = self.session.is_none() && told.is_some();
        }
        match self.read_answer(answer, id).await? {
            Answered::Reply(reply) => {
                self.mode = Mode::Streamable;
                Ok(reply)
            }
            Answered::MaybeOld(why) if matches!(self.mode, Mode::Unknown) => {
                self.mode = Mode::NotOld;
                self.open_old(&why).await?;
                self.call_old(id, headers, body).await
            }
            Answered::MaybeOld(why) if matches!(self.mode, Mode::NotOld) => {
                Err(LinkError::NotMcp { detail: why })
            }
            Answered::MaybeOld(why) => Err(LinkError::Protocol { detail: why }),
        }
    }
}

/// A session id that may be sent back: visible ASCII, as the specification has it, and no book.
fn is_session(id: &HeaderValue) -> bool {
    let bytes = id.as_bytes();
    bytes.len() <= MAX_SESSION && bytes.iter().all(u8::is_ascii_graphic)
}

impl Link for HttpLink {
    async fn call(&mut self, method: &str, params: Value) -> Result<Reply, LinkError> {
        let ends_at = self.ends_at;
        let reply = tokio::time::timeout_at(ends_at, self.ask(method, &params));
        let reply = reply.await.map_err(|_| LinkError::TimedOut)??;
        if method == "initialize"
            && let Reply::Result(result) = &reply
            && let Ok(result) = serde_json::from_str::<Value>(result.get())
        {
            self.version = result["protocolVersion"].as_str().and_then(|v| HeaderValue::from_str(v).ok());
        }
        Ok(reply)
    }

    async fn notify(&mut self, method: &str, params: Value) -> Result<(), LinkError> {
        let url = match &self.mode {
            Mode::Old { messages, .. } => messages.clone(),
            Mode::Unknown | Mode::NotOld | Mode::Streamable => self.address.clone(),
        };
        let (headers, body) = (self.headers(Some(method), &params), message::notification(method, &params));
        let answer = self.post(&url, headers, body).await?;
        if !answer.status.is_success() {
            // Some servers refuse notifications they do not know and answer everything else.
            tracing::debug!(status = answer.status.as_u16(), method, "a notification was refused");
        }
        Ok(())
    }
}
