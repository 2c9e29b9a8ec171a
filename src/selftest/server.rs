//! The hostile server's side of the conversation: reads requests, answers them right or wrong.
//!
//! Replies have the shape of MCP specification 2025-11-25, basic/lifecycle and server/tools. Everything is written by
//! hand and at once: the rows are about bytes.

use std::io::{BufRead, Read, Write};
use std::os::fd::AsRawFd;

use serde_json::{Value, json};

use super::bait::Told;
use super::{Attempt, Play, Tried, raw, row};

/// The largest answer of an attempt that is read back from the process that made it.
const MAX_REPORT: u64 = 4 * 1024;
/// An attempt that nothing refuses and that does not come back is ended after so many seconds.
const ATTEMPT_SECONDS: u32 = 8;

/// The hidden command `__hostile ROW TOLD`: plays the row on this process's standard streams, or all remote ones.
pub fn play(name: &str, told: &str) -> Result<(), String> {
    let told: Told = serde_json::from_str(told).map_err(|e| format!("what the row was told: {e}"))?;
    if name == super::REMOTE {
        return super::http::serve(told).map_err(|e| format!("the remote servers: {e}"));
    }
    let row = row(name).ok_or_else(|| format!("no row is called {name}"))?;
    let mut server = Server { told };
    match row.play {
        Play::Script(script) => script(&mut server),
        Play::Attempts(attempts) => server.report(attempts),
        Play::Remote(_) => {
            return Err(format!("{name} is a remote server: __hostile {} plays it", super::REMOTE));
        }
    }
    Ok(())
}

/// One conversation.
#[derive(Debug)]
pub(crate) struct Server {
    /// Where the bait lies.
    pub(crate) told: Told,
}

/// A request of the scanner.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) id: Value,
    pub(crate) method: String,
    pub(crate) params: Value,
}

impl Request {
    /// The cursor it asks for.
    pub(crate) fn cursor(&self) -> Option<&str> {
        self.params.get("cursor").and_then(Value::as_str)
    }
}

impl Server {
    /// The next request; None at the end of the input.
    pub(crate) fn next(&mut self) -> Option<Request> {
        loop {
            let mut line = String::new();
            if std::io::stdin().lock().read_line(&mut line).ok()? == 0 {
                return None;
            }
            let Ok(mut message) = serde_json::from_str::<Value>(&line) else { continue };
            let (Some(id), Some(method)) = (message.get("id").cloned(), message.get("method")) else {
                continue;
            };
            let method = method.as_str().unwrap_or_default().to_owned();
            return Some(Request { id, method, params: message["params"].take() });
        }
    }

    /// Writes bytes as they are; ends the process when nobody reads any more.
    pub(crate) fn write(&mut self, bytes: &[u8]) {
        let mut out = std::io::stdout().lock();
        if out.write_all(bytes).and_then(|()| out.flush()).is_err() {
            std::process::exit(0);
        }
    }

    pub(crate) fn line(&mut self, text: &str) {
        self.write(format!("{text}\n").as_bytes());
    }

    /// An answer whose result is this text, JSON or not.
    pub(crate) fn result(&mut self, id: &Value, result: &str) {
        self.line(&format!("{{\"jsonrpc\":\"2.0\",\"id\":{id},\"result\":{result}}}"));
    }

    /// Answers the handshake and comes back with the first request for the list.
    pub(crate) fn greet(&mut self) -> Option<Request> {
        loop {
            let request = self.next()?;
            if request.method != "initialize" {
                return Some(request);
            }
            self.result(&request.id, GREETING);
        }
    }

    /// Answers every request for the list with these entries, until the input ends.
    pub(crate) fn list(&mut self, entries: &[String]) {
        let result = format!("{{\"tools\":[{}]}}", entries.join(","));
        while let Some(request) = self.greet() {
            self.result(&request.id, &result);
        }
    }

    /// Does nothing for ever.
    pub(crate) fn sleep(&mut self) {
        loop {
            std::thread::sleep(std::time::Duration::from_secs(3600));
        }
    }

    fn report(&mut self, attempts: &[Attempt]) {
        let Some(first) = self.greet() else { return };
        let tools: Vec<String> = attempts
            .iter()
            .map(|attempt| {
                let (name, said) = match in_a_child(attempt, &self.told) {
                    Ok(got) => (format!("escaped_{}", attempt.id), got),
                    Err(why) => (format!("held_{}", attempt.id), why),
                };
                json!({"name": name, "description": said, "inputSchema": {"type": "object"}}).to_string()
            })
            .collect();
        self.result(&first.id, &format!("{{\"tools\":[{}]}}", tools.join(",")));
        while self.next().is_some() {}
    }
}

pub(crate) const GREETING: &str = r#"{"protocolVersion":"2025-11-25","capabilities":{"tools":{"listChanged":true}},"serverInfo":{"name":"hostile","version":"1.0.0"}}"#;

/// A tool in the usual shape.
pub(crate) fn tool(name: &str, description: &str) -> String {
    let schema = json!({"type": "object", "properties": {"id": {"type": "string"}}, "required": ["id"]});
    json!({"name": name, "description": description, "inputSchema": schema}).to_string()
}

/// Makes the attempt in a process of its own: being killed for it counts as held, and does not end the others.
fn in_a_child(attempt: &Attempt, told: &Told) -> Tried {
    let (mut read, mut write) = raw::pipe().map_err(|e| format!("not tried: {e}"))?;
    match raw::fork() {
        Err(error) => Ok(format!("could not be tried: {error}")),
        Ok(0) => {
            drop(read);
            raw::alarm(ATTEMPT_SECONDS);
            let text = match (attempt.try_it)(told) {
                Ok(got) => format!("+{got}"),
                Err(why) => format!("-{why}"),
            };
            // Nobody reads on if the parent is gone.
            let _ = write.write_all(text.as_bytes());
            raw::exit_now(0);
        }
        Ok(child) => {
            drop(write);
            let mut text = Vec::new();
            // Something that was left behind may hold the other end open: the end of the child counts.
            let signal = raw::wait_and_read(child, read.as_raw_fd(), || {
                let _ = Read::by_ref(&mut read).take(MAX_REPORT).read_to_end(&mut text);
            });
            let text = String::from_utf8_lossy(&text).into_owned();
            match (text.strip_prefix('+'), text.strip_prefix('-'), signal) {
                (Some(got), _, _) => Ok(got.to_owned()),
                (_, Some(why), _) => Err(why.to_owned()),
                (_, _, Some(raw::SIGALRM)) => Ok(format!("nothing refused it in {ATTEMPT_SECONDS} s")),
                (_, _, Some(signal)) => Err(format!("killed by signal {signal}")),
                _ => Ok("it ended without a word".to_owned()),
            }
        }
    }
}
