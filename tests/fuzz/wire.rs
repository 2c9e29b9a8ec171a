//! What a started server writes, and an event stream: read in any pieces, both are read alike, within their bounds.

use std::io::Write;
use std::os::fd::OwnedFd;
use std::sync::LazyLock;
use std::time::Duration;

use catalogue::config::limits::Limits;
use catalogue::model::ToolDefinition;
use catalogue::probe::http_transport::events::EventParser;
use catalogue::probe::mcp::{Listing, list_tools};
use catalogue::probe::wire::StdioLink;
use serde_json::json;
use tokio::process::{ChildStdin, ChildStdout};
use tokio::runtime::Runtime;

use crate::classifier;
use crate::random::Random;
use crate::runner::number_of;

pub(crate) const WORDS: &[&str] = &[
    "\n",
    "\r\n",
    "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}\n",
    "\"id\":2",
    "\"id\":3",
    "\"result\"",
    "\"error\"",
    "\"method\":\"ping\"",
    "\"nextCursor\":\"x\"",
    "\"tools\":[",
    "\\ud800",
    "NaN",
    "-Infinity",
    "[[[[[[[[",
    "\"jsonrpc\"",
    "\u{feff}",
    "\"code\":-32601",
    "null",
];

pub(crate) const STREAM_WORDS: &[&str] =
    &["data:", "data: ", "event: endpoint\n", "\n\n", "\r", "\r\n", ":", "id: 1\n", "retry: 1\n", "\u{feff}"];

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap()
});

/// Small enough that bounds are met.
const LIMITS: Limits = Limits {
    pages: 4,
    tools: 20,
    line_bytes: 16 * 1024,
    answer_bytes: 40 * 1024,
    memory_bytes: 1 << 30,
    session_seconds: 5,
};

/// A whole conversation as a server would write it: its answers, with what servers put between them.
pub(crate) fn generate(random: &mut Random) -> Vec<u8> {
    let mut lines: Vec<String> = Vec::new();
    let revision = ["2025-11-25", "2024-11-05", "2026-07-28", "x"][random.below(4)];
    let first = json!({"protocolVersion": revision, "capabilities": {"tools": {}},
        "serverInfo": {"name": random.text(), "version": "1"}, "instructions": random.text()});
    lines.push(json!({"jsonrpc": "2.0", "id": 1, "result": first}).to_string());
    let pages = 1 + random.below(3);
    for page in 0..pages {
        if random.once_in(3) {
            lines.push(match random.below(5) {
                0 => random.text(),
                1 => json!({"jsonrpc": "2.0", "method": "notifications/message", "params": {"data": random.text()}}).to_string(),
                2 => json!({"jsonrpc": "2.0", "id": random.text(), "method": "sampling/createMessage"}).to_string(),
                3 => json!([{"jsonrpc": "2.0", "id": 2, "result": {}}]).to_string(),
                _ => json!({"jsonrpc": "2.0", "id": 2 + page, "error": {"code": -32601, "message": random.text()}}).to_string(),
            });
        }
        let mut tools: Vec<_> = (0..random.below(4)).map(|_| classifier::tool(random)).collect();
        if random.once_in(3) {
            tools.push(json!(random.text()));
        }
        let mut result = json!({"tools": tools});
        if page + 1 < pages || random.once_in(6) {
            result["nextCursor"] = json!(if random.once_in(3) { "same".to_owned() } else { random.text() });
        }
        lines.push(json!({"jsonrpc": "2.0", "id": 2 + page, "result": result}).to_string());
    }
    let end = ["\n", "\r\n", "\n\n"][random.below(3)];
    lines.join(end).into_bytes().into_iter().chain(*b"\n").collect()
}

pub(crate) fn stream(random: &mut Random) -> Vec<u8> {
    let mut text = String::new();
    for _ in 0..random.below(8) {
        let end = ["\n", "\r\n", "\r"][random.below(3)];
        let name = ["data", "event", "id", "retry", "", "x"][random.below(6)];
        text.push_str(&format!("{name}:{}{end}", random.text()));
        if random.once_in(2) {
            text.push_str(end);
        }
    }
    text.into_bytes()
}

/// What a scan makes of these bytes, written in pieces of at most `piece`.
fn listed(input: &[u8], piece: usize) -> Result<Listing, String> {
    let (from_server, to_us) = std::io::pipe().unwrap();
    let (from_us, to_server) = std::io::pipe().unwrap();
    // What we say is read and forgotten: a full pipe would be the server's fault.
    let server = input.to_vec();
    let writer = std::thread::spawn(move || {
        let mut to_us = to_us;
        let pieces =
            if piece == usize::MAX { vec![server.as_slice()] } else { server.chunks(piece).collect() };
        for piece in pieces {
            if to_us.write_all(piece).is_err() {
                break;
            }
        }
    });
    let reader = std::thread::spawn(move || {
        let _ = std::io::copy(&mut { from_us }, &mut std::io::sink());
    });
    let listing = RUNTIME.block_on(async {
        let stdin = ChildStdin::from_std(std::process::ChildStdin::from(OwnedFd::from(to_server))).unwrap();
        let stdout =
            ChildStdout::from_std(std::process::ChildStdout::from(OwnedFd::from(from_server))).unwrap();
        let deadline = tokio::time::Instant::now() + Duration::from_secs(5);
        let mut link = StdioLink::new(stdin, stdout, &LIMITS, deadline);
        let listing = list_tools(&mut link, &LIMITS).await;
        listing.map(|mut listing| {
            listing.marks.extend(link.marks());
            listing
        })
    });
    writer.join().unwrap();
    reader.join().unwrap();
    listing.map_err(|error| format!("{error:?}"))
}

fn shown(listing: &Result<Listing, String>) -> String {
    match listing {
        Ok(l) => format!("{:?} {:?} {:?} {:?} {:?}", l.protocol, l.tools, l.malformed, l.marks, l.pages),
        Err(why) => why.clone(),
    }
}

pub(crate) fn run(input: &[u8]) -> u64 {
    let input = &input[..input.len().min(48 * 1024)];
    let whole = listed(input, usize::MAX);
    // One run in sixteen, or the target would be about pipes.
    if input.len().is_multiple_of(16) {
        let pieces = listed(input, 1 + input.len() / 7);
        let (whole, pieces) = (shown(&whole), shown(&pieces));
        // Bytes are counted when they come: which of two faults is met first is a matter of time.
        let bounded = |text: &str| text.contains("TooLarge");
        assert!(
            whole == pieces || bounded(&whole) || bounded(&pieces),
            "read in pieces it is another answer\n{whole}\n{pieces}"
        );
    }
    let Ok(listing) = whole else {
        return number_of(
            whole.unwrap_err().chars().filter(|c| !c.is_ascii_digit()).take(30).collect::<String>(),
        );
    };
    assert!(listing.tools.len() <= LIMITS.tools as usize, "{} tools", listing.tools.len());
    assert!(listing.pages <= LIMITS.pages, "{} pages", listing.pages);
    for tool in &listing.tools {
        let again = ToolDefinition::from_json(&tool.raw).expect("a tool that was seen is one");
        assert_eq!((again.hash(), again.name()), (&tool.hash, tool.name.raw()));
    }
    assert!(listing.malformed.iter().all(|m| m.raw.len() <= 65 * 1024 && !m.problem.is_empty()));
    number_of((
        listing.tools.len(),
        listing.malformed.len(),
        listing.marks,
        listing.pages,
        listing.protocol.is_some(),
    ))
}

pub(crate) fn run_stream(input: &[u8]) -> u64 {
    const MOST: usize = 2_000;
    let feed = |piece: usize| {
        let mut parser = EventParser::new(MOST);
        let mut events = Vec::new();
        for piece in input.chunks(piece) {
            match parser.feed(piece) {
                Ok(more) => events.extend(more),
                Err(_) => return (events, true),
            }
        }
        (events, false)
    };
    let (whole, too_large) = feed(input.len().max(1));
    let (bytes, also) = feed(1);
    assert_eq!(too_large, also);
    // A piece that ends in an error gives none of its events; bytes give those before it.
    assert!(
        bytes.starts_with(&whole) && (too_large || bytes == whole),
        "read in pieces it is another stream"
    );
    for event in &bytes {
        assert!(event.data.len() <= MOST && !event.kind.contains(['\n', '\r']), "{event:?}");
    }
    let kinds: Vec<&str> = bytes.iter().map(|e| e.kind.as_str()).collect();
    number_of((kinds, too_large, bytes.iter().map(|e| e.data.len().min(20)).sum::<usize>()))
}
