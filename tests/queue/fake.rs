//! MCP servers over HTTP on loopback: healthy ones, some that hang or never end, and some that take their worker down.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use serde_json::{Value, json};

/// How long a slow one takes.
pub(crate) const SLOW: Duration = Duration::from_secs(1);
/// Bytes that a large one says.
const LARGE: usize = 1 << 20;

/// Text that no database makes much smaller.
fn noise(path: &str) -> String {
    let mut state =
        path.bytes().fold(0x9E37_79B9_7F4A_7C15_u64, |state, byte| state.rotate_left(7) ^ u64::from(byte));
    let mut text = String::with_capacity(LARGE);
    while text.len() < LARGE {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        text.push_str(&format!("{state:016x}"));
    }
    text
}

/// All of them, one path each: `/calm/N`, `/slow/N`, `/large/N`, `/hang/N`, `/eats/N`, `/poison/N`.
pub(crate) struct Fake {
    pub(crate) port: u16,
    /// Paths of poison that was just swallowed.
    pub(crate) swallowed: Mutex<Receiver<String>>,
}

impl Fake {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let (tell, swallowed) = channel();
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let tell = tell.clone();
                std::thread::spawn(move || answer(&stream, &tell));
            }
        });
        Self { port, swallowed: Mutex::new(swallowed) }
    }

    /// The target of a path.
    pub(crate) fn target(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }
}

/// One request a connection. None of its errors matters: whoever asked may be dead by now.
fn answer(stream: &TcpStream, tell: &Sender<String>) -> Option<()> {
    let mut reader = BufReader::new(stream);
    let mut first = String::new();
    reader.read_line(&mut first).ok()?;
    let mut words = first.split(' ');
    let (method, path) = (words.next()?.to_owned(), words.next()?.to_owned());
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let lowered = line.trim().to_ascii_lowercase();
        if lowered.is_empty() {
            break;
        }
        if let Some(value) = lowered.strip_prefix("content-length:") {
            length = value.trim().parse().ok()?;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let asked: Value = serde_json::from_slice(&body).unwrap_or_default();
    let call = asked["method"].as_str().unwrap_or_default();
    let kind = path.split('/').nth(1)?.to_owned();
    match kind.as_str() {
        "hang" => std::thread::sleep(Duration::from_secs(60)),
        "poison" => {
            tell.send(path.clone()).ok()?;
            std::thread::sleep(Duration::from_secs(60));
        }
        // As long as a quick start takes.
        "calm" if call == "tools/list" => std::thread::sleep(Duration::from_millis(150)),
        // As a start that waits for something.
        "slow" if call == "tools/list" => std::thread::sleep(SLOW),
        "eats" if call == "initialize" => return flood(stream),
        _ => {}
    }
    let result = match (method.as_str(), call) {
        ("POST", "initialize") => {
            json!({"protocolVersion": "2025-06-18", "capabilities": {"tools": {}}, "serverInfo": {"name": "fake", "version": "1"}})
        }
        ("POST", "tools/list") => {
            let name = format!("read_{}", path.trim_matches('/').replace('/', "_"));
            let text = if kind == "large" { noise(&path) } else { "Reads the list of pears.".to_owned() };
            json!({"tools": [{"name": name, "description": text, "inputSchema": {"type": "object"}}]})
        }
        ("POST", _) => return write(stream, "202 Accepted", ""),
        _ => return write(stream, "405 Method Not Allowed", ""),
    };
    write(stream, "200 OK", &json!({"jsonrpc": "2.0", "id": asked["id"], "result": result}).to_string())
}

fn write(mut stream: &TcpStream, status: &str, body: &str) -> Option<()> {
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(head.as_bytes()).ok()
}

/// More than any limit lets in.
fn flood(mut stream: &TcpStream) -> Option<()> {
    let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n{\"jsonrpc\":\"2.0\",\"x\":\"";
    stream.write_all(head.as_bytes()).ok()?;
    let piece = vec![b'x'; 64 * 1024];
    for _ in 0..1024 {
        stream.write_all(&piece).ok()?;
    }
    None
}
