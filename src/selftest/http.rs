//! The hostile remote server: one process on this machine's loopback that plays a row for each path.
//!
//! Written by hand over plain sockets: the rows are about bytes that no HTTP library would send. It runs in no box, as
//! a stranger's remote server would not either; it ends when whoever started it is gone.

use std::collections::HashMap;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::Value;

use super::bait::Told;
use super::server::GREETING;
use super::{Play, row};

/// The name under which `__hostile` plays all remote rows.
pub const NAME: &str = "remote";
/// The largest request that is read; the scanner's own are some hundred bytes.
const MOST_BYTES: u64 = 1 << 20;

/// Event streams that are open, by row: what is posted elsewhere is answered there.
type Streams = Mutex<HashMap<String, TcpStream>>;

/// What a remote row does with one request. An error means that the scanner went away.
pub(crate) type Script = fn(&mut Exchange<'_>) -> io::Result<()>;

/// Serves until standard input ends; the port is the one line on standard output.
///
/// # Errors
/// No port can be had.
pub(super) fn serve(told: Told) -> io::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    writeln!(io::stdout(), "{}", listener.local_addr()?.port())?;
    let told = Arc::new(told);
    let streams = Arc::new(Streams::default());
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let (told, streams) = (Arc::clone(&told), Arc::clone(&streams));
            std::thread::spawn(move || {
                // The scanner going away is how most rows end.
                let _ = converse(&stream, &told, &streams);
            });
        }
    });
    io::copy(&mut io::stdin(), &mut io::sink()).map(drop)
}

fn converse(stream: &TcpStream, told: &Told, streams: &Streams) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut reader = BufReader::new(stream.try_clone()?);
    while let Some(request) = read(&mut reader)? {
        let mut parts = request.path.trim_start_matches('/').splitn(2, '/');
        // What a row has beside its address lies below it; login metadata lie before it.
        let first = parts.next().unwrap_or_default();
        let name = if row(first).is_some() { first } else { request.path.rsplit('/').next().unwrap_or("") };
        let below = format!("/{}", parts.next().unwrap_or_default());
        let Some(Play::Remote(script)) = row(name).map(|row| &row.play) else {
            return stream.try_clone()?.write_all(b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n");
        };
        let known = first == name;
        let mut exchange = Exchange {
            out: stream.try_clone()?,
            row: name.to_owned(),
            below: if known { below } else { request.path.clone() },
            request: &request,
            told,
            streams,
            whole: false,
        };
        script(&mut exchange)?;
        if !exchange.whole {
            return stream.shutdown(std::net::Shutdown::Both);
        }
    }
    Ok(())
}

/// A request of the scanner.
#[derive(Debug)]
pub(crate) struct Asked {
    method: String,
    path: String,
    fields: Vec<(String, String)>,
    body: Value,
}

fn read(reader: &mut BufReader<TcpStream>) -> io::Result<Option<Asked>> {
    let mut limited = reader.by_ref().take(MOST_BYTES);
    let mut line = String::new();
    if limited.read_line(&mut line)? == 0 {
        return Ok(None);
    }
    let mut words = line.split_whitespace().map(str::to_owned);
    let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let mut fields = Vec::new();
    loop {
        let mut bytes = Vec::new();
        limited.read_until(b'\n', &mut bytes)?;
        let line = String::from_utf8_lossy(&bytes).trim().to_owned();
        let Some((name, value)) = line.split_once(':') else { break };
        fields.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    let length = fields.iter().find(|(name, _)| name == "content-length").and_then(|(_, n)| n.parse().ok());
    let mut body = Vec::new();
    limited.take(length.unwrap_or(0)).read_to_end(&mut body)?;
    Ok(Some(Asked { method, path, fields, body: serde_json::from_slice(&body).unwrap_or_default() }))
}

/// One request and the way back.
#[derive(Debug)]
pub(crate) struct Exchange<'a> {
    out: TcpStream,
    row: String,
    /// What stands behind the row's name in the path.
    pub(crate) below: String,
    request: &'a Asked,
    /// Where the bait lies.
    pub(crate) told: &'a Told,
    streams: &'a Streams,
    whole: bool,
}

impl Exchange<'_> {
    /// `GET`, `POST`, `DELETE`.
    pub(crate) fn verb(&self) -> &str {
        &self.request.method
    }

    /// The method of the JSON-RPC message, empty if there is none.
    pub(crate) fn asks(&self) -> &str {
        self.request.body["method"].as_str().unwrap_or_default()
    }

    /// The id of the JSON-RPC request.
    pub(crate) fn id(&self) -> &Value {
        &self.request.body["id"]
    }

    /// The cursor that is asked for.
    pub(crate) fn cursor(&self) -> Option<&str> {
        self.request.body["params"]["cursor"].as_str()
    }

    /// A header field of the request.
    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        self.request.fields.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }

    /// Writes bytes as they are.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.out.write_all(bytes)
    }

    /// A head without a length: what follows ends with the connection. `fields` are whole lines.
    pub(crate) fn begin(&mut self, status: &str, fields: &str) -> io::Result<()> {
        self.write(format!("HTTP/1.1 {status}\r\nconnection: close\r\n{fields}\r\n").as_bytes())
    }

    /// A whole answer, after which the connection stays.
    pub(crate) fn whole(&mut self, status: &str, fields: &str, body: &[u8]) -> io::Result<()> {
        let head = format!("HTTP/1.1 {status}\r\n{fields}content-length: {}\r\n\r\n", body.len());
        self.write(&[head.as_bytes(), body].concat())?;
        self.whole = true;
        Ok(())
    }

    /// A whole JSON answer.
    pub(crate) fn json(&mut self, fields: &str, body: &str) -> io::Result<()> {
        self.whole("200 OK", &format!("content-type: application/json\r\n{fields}"), body.as_bytes())
    }

    /// The JSON-RPC answer with this result, as text.
    pub(crate) fn answer(&self, result: &str) -> String {
        format!("{{\"jsonrpc\":\"2.0\",\"id\":{},\"result\":{result}}}", self.id())
    }

    /// Answers everything but the request for the list, with these fields beside the greeting; true if it was that.
    pub(crate) fn greeted_with(&mut self, fields: &str) -> io::Result<bool> {
        match (self.verb(), self.asks()) {
            ("POST", "initialize") => self.json(fields, &self.answer(GREETING)).map(|()| true),
            ("POST", "tools/list") => Ok(false),
            ("POST", _) => self.whole("202 Accepted", "", b"").map(|()| true),
            _ => self.whole("405 Method Not Allowed", "", b"").map(|()| true),
        }
    }

    /// The same with no fields.
    pub(crate) fn greeted(&mut self) -> io::Result<bool> {
        self.greeted_with("")
    }

    /// Answers the request for the list with these entries.
    pub(crate) fn list(&mut self, entries: &[String]) -> io::Result<()> {
        self.json("", &self.answer(&format!("{{\"tools\":[{}]}}", entries.join(","))))
    }

    /// Begins an event stream.
    pub(crate) fn events(&mut self) -> io::Result<()> {
        self.begin("200 OK", "content-type: text/event-stream\r\n")
    }

    /// Begins an event stream to which what is posted by others is written.
    pub(crate) fn open_stream(&mut self) -> io::Result<()> {
        self.events()?;
        let copy = self.out.try_clone()?;
        self.streams.lock().unwrap_or_else(PoisonError::into_inner).insert(self.row.clone(), copy);
        Ok(())
    }

    /// Writes to the row's open event stream.
    pub(crate) fn say_on_stream(&mut self, bytes: &[u8]) -> io::Result<()> {
        let mut streams = self.streams.lock().unwrap_or_else(PoisonError::into_inner);
        streams.get_mut(&self.row).map_or(Ok(()), |stream| stream.write_all(bytes))
    }

    /// Ends the row's open event stream.
    pub(crate) fn cut_stream(&mut self) -> io::Result<()> {
        let stream = self.streams.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.row);
        stream.map_or(Ok(()), |stream| stream.shutdown(std::net::Shutdown::Both))
    }

    /// Writes the same again and again, with a pause in between.
    pub(crate) fn for_ever(&mut self, bytes: &[u8], pause: Duration) -> io::Result<()> {
        loop {
            self.write(bytes)?;
            if !pause.is_zero() {
                std::thread::sleep(pause);
            }
        }
    }

    /// Says nothing until the scanner goes away.
    pub(crate) fn wait(&mut self) -> io::Result<()> {
        io::copy(&mut self.out, &mut io::sink()).map(drop)
    }
}
