//! The older transport: an event stream that stays open, and an address of the same origin to which messages are posted.
//!
//! Source: MCP specification 2024-11-05 basic/transports (HTTP with SSE).

use super::failure::link_error;
use super::stream::EventStream;
use super::{HttpLink, Mode};
use crate::http::{HeaderMap, HeaderValue, Method, Request, header};
use crate::model::Untrusted;
use crate::probe::link::{LinkError, Reply};

impl HttpLink {
    /// Opens the older transport: a GET that stays open and begins with where messages go.
    pub(super) async fn open_old(&mut self, why: &str) -> Result<(), LinkError> {
        let not_mcp = |detail: String| LinkError::NotMcp { detail: format!("POST: {why}; GET: {detail}") };
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT, HeaderValue::from_static("text/event-stream"));
        let request = Request {
            method: Method::GET,
            url: &self.address,
            reach: self.reach,
            headers,
            body: None,
            cap_bytes: self.left_bytes(),
            ends_at: self.ends_at,
        };
        let answer = self.client.send(request).await.map_err(|e| link_error(e, false))?;
        self.refuse_login(&answer).await?;
        let kind = answer.media_type();
        if !answer.status.is_success() || kind != "text/event-stream" {
            let kind = Untrusted::from(kind).for_terminal(60);
            return Err(not_mcp(format!("status {} of type \"{kind}\"", answer.status.as_u16())));
        }
        let at = answer.url.clone();
        let mut stream = Box::new(EventStream::new(answer, self.limits.line_bytes));
        loop {
            let Some(event) = stream.next().await? else {
                return Err(not_mcp("an event stream that ended without an endpoint event".into()));
            };
            if event.kind != "endpoint" {
                self.count_unasked()?;
                continue;
            }
            let place = String::from_utf8_lossy(&event.data).into_owned();
            let shown = Untrusted::from(place.as_str()).for_terminal(200);
            let messages = at.join(place.trim()).ok().filter(|url| url.origin() == at.origin());
            let Some(messages) = messages else {
                let detail = format!("its message address \"{shown}\" is not of the same origin");
                return Err(LinkError::Protocol { detail });
            };
            self.mode = Mode::Old { stream, messages };
            return Ok(());
        }
    }

    pub(super) async fn call_old(
        &mut self,
        id: u64,
        headers: HeaderMap,
        body: Vec<u8>,
    ) -> Result<Reply, LinkError> {
        let Mode::Old { mut stream, messages } = std::mem::replace(&mut self.mode, Mode::NotOld) else {
            return Err(LinkError::Closed { detail: "the event stream is gone".into() });
        };
        let reply = match self.post(&messages, headers, body).await {
            Ok(answer) if answer.status.is_success() => self.next_reply(&mut stream, &messages, id).await,
            Ok(answer) => Err(LinkError::Protocol {
                detail: format!("its message address answered status {}", answer.status.as_u16()),
            }),
            Err(error) => Err(error),
        };
        // Put back whatever came: a server that refuses one method may well answer the next.
        self.mode = Mode::Old { stream, messages };
        reply
    }
}
