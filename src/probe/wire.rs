//! JSON-RPC over a boxed process's standard streams: framing, bounds, noise. The only reader of what a started
//! server writes.
//!
//! One message a line. Lines that are no JSON-RPC message are skipped and counted: 253 log lines before the first
//! message were met on a real server (research/live.md section 1), and valid JSON of another shape (section 10).

mod damage;
mod log;
mod oddities;

use std::time::Duration;

use serde::Deserialize;
use serde_json::value::RawValue;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::{ChildStdin, ChildStdout};
use tokio::time::Instant;

use super::link::{Link, LinkError, Reply};
use crate::config::limits::Limits;
use crate::model::Untrusted;
pub use log::LogRing;
pub(super) use oddities::Oddities;

/// Messages that are no answer (notifications, requests of the server) before the session is ended.
const MAX_UNASKED: u32 = 1_000;
/// Lines that are no message before the session is ended: 253 were met on a real server.
const MAX_NOISE: u32 = 100_000;
/// After so many lines others come to their turn: a chunk may hold thousands.
const TURN: u32 = 256;
/// Requests of the server that are answered; more of them would fill a pipe that it does not read.
pub(super) const MAX_ANSWERED: u32 = 100;
/// The longest id of a server's request that is sent back to it.
pub(super) const MAX_ID: usize = 256;
/// A message that has begun must come at this rate, bytes a second, ...
const LEAST_RATE: u64 = 1024;
/// ... once it has been coming for so long.
const RATE_COUNTS_AFTER: Duration = Duration::from_secs(10);

/// A conversation with a started server.
#[derive(Debug)]
pub struct StdioLink {
    stdin: ChildStdin,
    stdout: ChildStdout,
    /// Bytes read; those before `start` are done with, those before `scanned` hold no line's end.
    buffer: Vec<u8>,
    start: usize,
    scanned: usize,
    /// When the message that is not whole yet began.
    began: Option<Instant>,
    next_id: u64,
    line_bytes: usize,
    answer_bytes: usize,
    read_bytes: usize,
    deadline: Instant,
    lines: u32,
    unasked: u32,
    oddities: Oddities,
    /// Lines that were no message.
    pub noise_lines: u32,
    /// True once a line had to be decoded lossily.
    pub damaged: bool,
    noise: Vec<u8>,
}

/// The fields of any JSON-RPC message, whatever their types.
#[derive(Debug, Deserialize)]
struct Message<'a> {
    #[serde(borrow)]
    jsonrpc: Option<&'a RawValue>,
    #[serde(borrow)]
    id: Option<&'a RawValue>,
    #[serde(borrow)]
    method: Option<&'a RawValue>,
    #[serde(borrow)]
    result: Option<&'a RawValue>,
    #[serde(borrow)]
    error: Option<&'a RawValue>,
}

impl StdioLink {
    /// Talks over the two streams until `deadline`.
    pub fn new(stdin: ChildStdin, stdout: ChildStdout, limits: &Limits, deadline: Instant) -> Self {
        Self {
            stdin,
            stdout,
            buffer: Vec::new(),
            start: 0,
            scanned: 0,
            began: None,
            next_id: 1,
            line_bytes: limits.line_bytes,
            answer_bytes: limits.answer_bytes,
            read_bytes: 0,
            deadline,
            lines: 0,
            unasked: 0,
            oddities: Oddities::default(),
            noise_lines: 0,
            damaged: false,
            noise: Vec::new(),
        }
    }

    /// The last lines that were no message, at most 4 KiB: some servers write their complaints there.
    pub fn noise_tail(&self) -> String {
        String::from_utf8_lossy(&self.noise).into_owned()
    }

    /// What was odd about the conversation, one word each.
    pub fn marks(&self) -> impl Iterator<Item = &'static str> + use<> {
        self.oddities.marks()
    }

    async fn send(&mut self, message: serde_json::Value) -> Result<(), LinkError> {
        let mut line = message.to_string();
        line.push('\n');
        let sent = tokio::time::timeout_at(self.deadline, self.stdin.write_all(line.as_bytes())).await;
        match sent {
            // A server that closed its input may still have said something: the next read tells.
            Ok(_) => Ok(()),
            Err(_) => Err(LinkError::TimedOut),
        }
    }

    /// The next line without its end, at most `line_bytes`.
    async fn line(&mut self) -> Result<Vec<u8>, LinkError> {
        loop {
            if self.scanned == self.start {
                // A megabyte of empty lines is a million lines, and none of them.
                let rest = self.buffer.get(self.start..).unwrap_or_default();
                self.start += rest.iter().take_while(|b| b.is_ascii_whitespace()).count();
                self.scanned = self.start;
            }
            let fresh = self.buffer.get(self.scanned..).unwrap_or_default();
            if let Some(end) = fresh.iter().position(|b| *b == b'\n') {
                let end = self.scanned + end;
                let line = self.buffer.get(self.start..end).unwrap_or_default().to_vec();
                (self.start, self.scanned) = (end + 1, end + 1);
                self.began = None;
                self.bounded(line.len())?;
                return Ok(line);
            }
            // What is done with goes once a chunk and not once a line: a megabyte of empty lines is a million lines.
            self.buffer.drain(..self.start);
            self.start = 0;
            self.scanned = self.buffer.len();
            self.bounded(self.buffer.len())?;
            if !self.buffer.is_empty() {
                self.began.get_or_insert_with(Instant::now);
            }
            let mut chunk = [0; 64 * 1024];
            let read = tokio::time::timeout_at(self.patience(), self.stdout.read(&mut chunk)).await;
            match read {
                Err(_) if self.patience() < self.deadline => {
                    let what = format!("a message comes slower than {LEAST_RATE} bytes a second");
                    return Err(LinkError::TooSlow { what });
                }
                Err(_) => return Err(LinkError::TimedOut),
                Ok(Err(error)) => return Err(LinkError::Closed { detail: error.to_string() }),
                Ok(Ok(0)) if self.buffer.is_empty() => {
                    return Err(LinkError::Closed { detail: "end of standard output".to_owned() });
                }
                Ok(Ok(0)) => {
                    // A last line without its end.
                    self.scanned = 0;
                    return Ok(std::mem::take(&mut self.buffer));
                }
                Ok(Ok(count)) => {
                    self.read_bytes += count;
                    if self.read_bytes > self.answer_bytes {
                        return Err(LinkError::TooLarge { what: "the whole answer".to_owned() });
                    }
                    self.buffer.extend_from_slice(chunk.get(..count).unwrap_or_default());
                }
            }
        }
    }

    fn bounded(&self, length: usize) -> Result<(), LinkError> {
        if length > self.line_bytes {
            return Err(LinkError::TooLarge { what: "a line".to_owned() });
        }
        Ok(())
    }

    /// Until when more must have come: the end of the session, or earlier for a message that comes too slowly.
    fn patience(&self) -> Instant {
        let Some(began) = self.began else { return self.deadline };
        let paid = Duration::from_secs(self.buffer.len() as u64 / LEAST_RATE);
        self.deadline.min(began + RATE_COUNTS_AFTER.max(paid))
    }

    fn skip(&mut self, line: &[u8]) {
        self.noise_lines = self.noise_lines.saturating_add(1);
        self.noise.extend(line.iter().take(512));
        self.noise.push(b'\n');
        let over = self.noise.len().saturating_sub(4 * 1024);
        self.noise.drain(..over);
    }

    fn count_unasked(&mut self) -> Result<(), LinkError> {
        self.unasked += 1;
        if self.unasked > MAX_UNASKED {
            return Err(LinkError::Protocol {
                detail: format!("more than {MAX_UNASKED} messages nobody asked for"),
            });
        }
        Ok(())
    }

    /// The answer to request `id`; everything else on the way is skipped, refused or counted.
    async fn answer(&mut self, id: u64) -> Result<Reply, LinkError> {
        loop {
            let bytes = self.line().await?;
            self.lines = self.lines.wrapping_add(1);
            if self.lines.is_multiple_of(TURN) {
                tokio::task::yield_now().await;
            }
            if self.noise_lines > MAX_NOISE {
                return Err(LinkError::TooLarge {
                    what: "the number of lines that are no message".to_owned(),
                });
            }
            if bytes.iter().all(u8::is_ascii_whitespace) {
                continue;
            }
            let text = match String::from_utf8(bytes) {
                Ok(text) => text,
                Err(bad) => {
                    self.damaged = true;
                    String::from_utf8_lossy(bad.as_bytes()).into_owned()
                }
            };
            let text = text.trim_start_matches('\u{feff}').trim();
            if !text.starts_with(['{', '[']) {
                self.skip(text.as_bytes());
                continue;
            }
            // A batch was allowed for one revision (2025-03-26) and is not waited for: nothing else would come.
            if text.starts_with('[') {
                if damage::is_batch(text) {
                    return Err(LinkError::Protocol { detail: "messages come in a batch".to_owned() });
                }
                self.skip(text.as_bytes());
                continue;
            }
            let repaired = match serde_json::from_str::<Message<'_>>(text) {
                Ok(_) => None,
                Err(_) => damage::mended(text),
            };
            self.damaged |= repaired.is_some();
            let text = repaired.as_deref().unwrap_or(text);
            let Ok(message) = serde_json::from_str::<Message<'_>>(text) else {
                if damage::seems_to_answer(text, id) {
                    return Err(LinkError::Protocol { detail: "an answer that is no JSON".to_owned() });
                }
                self.skip(text.as_bytes());
                continue;
            };
            if message.jsonrpc.is_none() {
                self.skip(text.as_bytes());
                continue;
            }
            match (message.method, message.id) {
                (Some(method), Some(theirs)) => {
                    self.count_unasked()?;
                    let asked = self.oddities.asked();
                    if theirs.get().len() > MAX_ID {
                        return Err(LinkError::Protocol {
                            detail: "a request with an unreadable id".to_owned(),
                        });
                    }
                    if asked > MAX_ANSWERED {
                        continue;
                    }
                    let reply = if method.get() == "\"ping\"" {
                        format!("{{\"jsonrpc\":\"2.0\",\"id\":{theirs},\"result\":{{}}}}")
                    } else {
                        format!(
                            "{{\"jsonrpc\":\"2.0\",\"id\":{theirs},\"error\":{{\"code\":-32601,\"message\":\"not offered by this client\"}}}}"
                        )
                    };
                    let reply: serde_json::Value = serde_json::from_str(&reply).map_err(|_| {
                        LinkError::Protocol { detail: "a request with an unreadable id".to_owned() }
                    })?;
                    self.send(reply).await?;
                }
                (Some(_), None) => self.count_unasked()?,
                (None, theirs) => {
                    let ours =
                        theirs.is_some_and(|t| t.get() == id.to_string() || t.get() == format!("\"{id}\""));
                    // An error without an id answers what could not be read: ours is the only open request.
                    let for_us =
                        ours || (message.error.is_some() && theirs.is_none_or(|t| t.get() == "null"));
                    if !for_us {
                        self.oddities.answered(theirs.map_or("null", RawValue::get), id);
                        self.count_unasked()?;
                    } else if let Some(reply) = reply_of(&message)? {
                        return Ok(reply);
                    } else {
                        return Err(LinkError::Protocol {
                            detail: "an answer with neither result nor error".to_owned(),
                        });
                    }
                }
            }
        }
    }
}

/// Result or error of an answer; both together break the protocol.
fn reply_of(message: &Message<'_>) -> Result<Option<Reply>, LinkError> {
    match (message.result, message.error) {
        (Some(_), Some(error)) if error.get() != "null" => {
            Err(LinkError::Protocol { detail: "an answer with result and error at once".to_owned() })
        }
        (Some(result), _) => Ok(Some(Reply::Result(result.to_owned()))),
        (None, Some(error)) => {
            let error: serde_json::Value = serde_json::from_str(error.get()).unwrap_or_default();
            let code = error.get("code").and_then(serde_json::Value::as_i64).unwrap_or(0);
            let message = error.get("message").and_then(serde_json::Value::as_str).unwrap_or("").to_owned();
            Ok(Some(Reply::Error { code, message: Untrusted::new(message) }))
        }
        (None, None) => Ok(None),
    }
}

impl Link for StdioLink {
    async fn call(&mut self, method: &str, params: serde_json::Value) -> Result<Reply, LinkError> {
        let id = self.next_id;
        self.next_id += 1;
        self.send(serde_json::json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}))
            .await?;
        match self.answer(id).await {
            Err(LinkError::TimedOut) if self.oddities.has_stray() => Err(LinkError::Protocol {
                detail: "it answered another id than ours, and never ours".to_owned(),
            }),
            other => other,
        }
    }

    async fn notify(&mut self, method: &str, params: serde_json::Value) -> Result<(), LinkError> {
        self.send(serde_json::json!({"jsonrpc": "2.0", "method": method, "params": params})).await
    }
}

/// How long a server that ended is given to have its last words on standard error read.
pub const LAST_WORDS: Duration = Duration::from_millis(300);

/// Reads a stream to its end in the background and returns its first 8 KiB, lossily decoded.
pub fn drain(mut stream: ChildStdout) -> tokio::task::JoinHandle<String> {
    tokio::spawn(async move {
        let mut kept = Vec::new();
        let mut chunk = vec![0; 8 * 1024];
        while let Ok(read @ 1..) = stream.read(&mut chunk).await {
            if kept.len() < 8 * 1024 {
                kept.extend_from_slice(chunk.get(..read).unwrap_or_default());
            }
        }
        kept.truncate(8 * 1024);
        String::from_utf8_lossy(&kept).into_owned()
    })
}
