//! Too much, too slow, or never: what goes over the wire by weight and time.

use std::io::Write;
use std::time::Duration;

use super::server::{Server, tool};
use super::{Expect, Play, Row, Topic};
use crate::model::Outcome::{Crashed, TimedOut, TooLarge};

pub(super) const ROWS: &[Row] = &[
    wire(
        "flood-bytes",
        "writes bytes without a line's end as fast as it can",
        Expect::failed(TooLarge, "a line"),
        flood_bytes,
    ),
    wire(
        "flood-empty-lines",
        "writes empty lines as fast as it can",
        Expect::failed(TooLarge, "the whole answer"),
        flood_empty,
    ),
    wire(
        "flood-log-lines",
        "writes log lines on standard output as fast as it can",
        Expect::failed(TooLarge, "no message"),
        flood_log,
    ),
    wire(
        "flood-errors",
        "writes standard error as fast as it can and never answers",
        Expect::failed(TooLarge, "standard error"),
        flood_errors,
    ),
    wire("loud-errors", "writes 4 MiB of standard error, then answers", Expect::ok(1), loud_errors),
    wire(
        "line-of-1-gb",
        "begins a right answer that has a gigabyte in one line",
        Expect::failed(TooLarge, "a line"),
        gigabyte,
    ),
    wire("line-below-the-bound", "answers in one line of 3 MiB", Expect::ok(1), below),
    wire(
        "line-above-the-bound",
        "answers in one line a few bytes above 4 MiB",
        Expect::failed(TooLarge, "a line"),
        above,
    ),
    wire("tools-1000000", "lists a million tools at once", Expect::failed(TooLarge, "a line"), million),
    wire("tools-10000", "lists as many tools as are let in", Expect::ok(10_000), ten_thousand),
    wire(
        "tools-10001",
        "lists one tool more than is let in",
        Expect::failed(TooLarge, "more than 10000 tools"),
        one_more,
    ),
    wire("properties-100000", "one tool whose schema has 100,000 properties", Expect::ok(1), properties),
    wire(
        "drip-bytes",
        "answers one byte every tenth of a second",
        Expect::failed(TimedOut, "slower than"),
        drip,
    ),
    wire(
        "drip-lines",
        "writes one log line every tenth of a second and never answers",
        Expect::failed(TimedOut, ""),
        drip_lines,
    ),
    wire("half-an-answer", "writes half of its answer and waits", Expect::failed(TimedOut, ""), half),
    wire("silent", "reads everything and never says a word", Expect::failed(TimedOut, "no answer"), silent),
    wire("deaf", "never reads its input", Expect::failed(TimedOut, "no answer"), Server::sleep),
    wire("closed-output", "closes its output and stays", Expect::failed(TimedOut, ""), closed),
    wire(
        "says-it-listens",
        "says that it listens on HTTP and does not read its input",
        Expect::failed(TimedOut, "serves HTTP"),
        listens,
    ),
    wire(
        "speaks-as-launcher",
        "ends with the words of a sandbox that cannot be made",
        Expect::failed(Crashed, "ended with status 1"),
        as_launcher,
    ),
    wire(
        "speaks-as-helper",
        "ends with the words and the status of the reduced sandbox's helper",
        Expect::failed(Crashed, "ended with status 125"),
        as_helper,
    ),
];

const fn wire(name: &'static str, attack: &'static str, expect: Expect, script: fn(&mut Server)) -> Row {
    Row { name, attack, topic: Topic::Wire, expect, play: Play::Script(script) }
}

fn flood(server: &mut Server, chunk: &[u8]) {
    loop {
        server.write(chunk);
    }
}

fn flood_bytes(server: &mut Server) {
    flood(server, &[b'x'; 64 << 10]);
}

fn flood_empty(server: &mut Server) {
    flood(server, &[b'\n'; 64 << 10]);
}

fn flood_log(server: &mut Server) {
    flood(server, &b"info: still busy\n".repeat(4096));
}

fn flood_errors(_server: &mut Server) {
    let chunk = b"debug: still busy\n".repeat(4096);
    while std::io::stderr().write_all(&chunk).is_ok() {}
}

fn loud_errors(server: &mut Server) {
    let chunk = b"debug: still busy\n".repeat(4096);
    for _ in 0..(4 << 20) / chunk.len() {
        let _ = std::io::stderr().write_all(&chunk);
    }
    server.list(&[tool("loud", "Was loud.")]);
}

fn gigabyte(server: &mut Server) {
    if let Some(first) = server.greet() {
        let begin =
            format!("{{\"jsonrpc\":\"2.0\",\"id\":{},\"result\":{{\"tools\":[{{\"name\":\"", first.id);
        server.write(begin.as_bytes());
        for _ in 0..1024 {
            server.write(&[b'a'; 1 << 20]);
        }
        server.line("\"}]}}");
        server.sleep();
    }
}

fn below(server: &mut Server) {
    server.list(&[tool("long", &"long ".repeat((3 << 20) / 5))]);
}

fn above(server: &mut Server) {
    server.list(&[tool("longer", &"x".repeat(4 << 20))]);
}

fn million(server: &mut Server) {
    let tools: Vec<String> = (0..1_000_000).map(|i| format!("{{\"name\":\"t{i}\"}}")).collect();
    server.list(&tools);
}

fn so_many(server: &mut Server, count: usize) {
    let tools: Vec<String> = (0..count).map(|i| format!("{{\"name\":\"get_thing_number_{i}\"}}")).collect();
    server.list(&tools);
}

fn ten_thousand(server: &mut Server) {
    so_many(server, 10_000);
}

fn one_more(server: &mut Server) {
    so_many(server, 10_001);
}

fn properties(server: &mut Server) {
    let fields: Vec<String> = (0..100_000).map(|i| format!("\"p{i}\":{{\"type\":\"null\"}}")).collect();
    let schema = format!("{{\"type\":\"object\",\"properties\":{{{}}}}}", fields.join(","));
    server.list(&[format!("{{\"name\":\"wide\",\"inputSchema\":{schema}}}")]);
}

fn drip(server: &mut Server) {
    if let Some(first) = server.greet() {
        let answer = format!(
            "{{\"jsonrpc\":\"2.0\",\"id\":{},\"result\":{{\"tools\":[{}]}}}}\n",
            first.id,
            tool("slow", &"a".repeat(2000))
        );
        for byte in answer.bytes() {
            server.write(&[byte]);
            std::thread::sleep(Duration::from_millis(100));
        }
    }
}

fn drip_lines(server: &mut Server) {
    loop {
        server.line("info: nearly there");
        std::thread::sleep(Duration::from_millis(100));
    }
}

fn half(server: &mut Server) {
    if let Some(first) = server.greet() {
        server
            .write(format!("{{\"jsonrpc\":\"2.0\",\"id\":{},\"result\":{{\"tools\":[", first.id).as_bytes());
        server.sleep();
    }
}

fn silent(server: &mut Server) {
    while server.next().is_some() {}
    server.sleep();
}

fn closed(server: &mut Server) {
    super::raw::close(1);
    server.sleep();
}

fn listens(server: &mut Server) {
    let _ = std::io::stderr().write_all(b"Server listening at http://127.0.0.1:3333/mcp\n");
    server.sleep();
}

fn last_words(words: &[u8], status: i32) -> ! {
    let _ = std::io::stderr().write_all(words);
    std::process::exit(status)
}

fn as_launcher(_server: &mut Server) {
    last_words(b"bwrap: Creating new namespace failed: Resource temporarily unavailable\n", 1);
}

fn as_helper(_server: &mut Server) {
    last_words(b"the reduced sandbox cannot be made: Resource temporarily unavailable (os error 11)\n", 125);
}
