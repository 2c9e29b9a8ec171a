//! Remote servers that send too much, too slowly, or what is no HTTP.

use std::io::{self, Write};
use std::time::Duration;

use super::http::{Exchange, Script};
use super::server::tool;
use super::{Expect, Play, Row, Topic};
use crate::model::Outcome::{BadPagination, Crashed, NotMcp, ProtocolError, TimedOut, TooLarge};

pub(super) const ROWS: &[Row] = &[
    remote(
        "remote-flood",
        "an answer without end as fast as it can",
        Expect::failed(TooLarge, "the whole answer"),
        flood,
    ),
    remote(
        "remote-drip",
        "an answer of one byte every tenth of a second",
        Expect::failed(TimedOut, "1 KiB a second"),
        drip,
    ),
    remote(
        "remote-silent",
        "takes every request and never says a word",
        Expect::failed(TimedOut, ""),
        silent,
    ),
    remote(
        "remote-head-flood",
        "header fields without end as fast as it can",
        Expect::failed(ProtocolError, "head"),
        head_flood,
    ),
    remote(
        "remote-head-giant",
        "one header field of a mebibyte",
        Expect::failed(ProtocolError, "head"),
        head_giant,
    ),
    remote(
        "remote-head-drip",
        "one header field every tenth of a second",
        Expect::failed(TimedOut, ""),
        head_drip,
    ),
    remote("remote-informational", "status 100 for ever", Expect::failed(TimedOut, ""), informational),
    remote("remote-no-http", "answers in no protocol at all", Expect::failed(ProtocolError, "HTTP"), no_http),
    remote(
        "remote-gzip-bomb",
        "a compressed answer without end, a thousand times larger unpacked",
        Expect::failed(TooLarge, "the whole answer"),
        gzip_bomb,
    ),
    remote(
        "remote-gzip-broken",
        "says that it is compressed, which it is not",
        Expect::failed(ProtocolError, ""),
        gzip_broken,
    ),
    remote(
        "remote-chunks",
        "a chunk whose size is followed by words without end",
        Expect::failed(ProtocolError, ""),
        chunks,
    ),
    remote(
        "remote-half-closed",
        "ends after a part of the bytes that it announced",
        Expect::failed(ProtocolError, "before message length"),
        half_closed,
    ),
    remote(
        "remote-length-lie",
        "announces a terabyte, sends a part and waits",
        Expect::failed(TimedOut, ""),
        length_lie,
    ),
    remote(
        "remote-wrong-type",
        "a right answer that is called a page",
        Expect::failed(NotMcp, "text/html"),
        wrong_type,
    ),
    remote("remote-no-type", "an answer of no type", Expect::failed(ProtocolError, ""), no_type),
    remote(
        "remote-tools-1000000",
        "lists a million tools at once",
        Expect::failed(TooLarge, "the whole answer"),
        million,
    ),
    remote("remote-deep", "an answer nested 100,000 levels", Expect::failed(ProtocolError, ""), deep),
    remote(
        "remote-cursor-endless",
        "a fresh cursor and a fresh tool on every page",
        Expect::failed(BadPagination, "more than 1000 pages"),
        endless,
    ),
    remote("remote-cursor-cycle", "two cursors in turn", Expect::failed(BadPagination, "twice"), cycle),
    remote(
        "remote-stream-flood",
        "an event stream of remarks as fast as it can",
        Expect::failed(TooLarge, "the whole answer"),
        stream_flood,
    ),
    remote(
        "remote-stream-drip",
        "an event stream of one remark every tenth of a second",
        Expect::failed(TimedOut, ""),
        stream_drip,
    ),
    remote(
        "remote-stream-storm",
        "an event stream of notifications as fast as it can",
        Expect::failed(TooLarge, "nobody asked for"),
        stream_storm,
    ),
    remote(
        "remote-event-of-1-gb",
        "one event of a gigabyte",
        Expect::failed(TooLarge, "an event"),
        event_gigabyte,
    ),
    remote(
        "remote-stream-cut",
        "an event stream that ends in the middle of the answer",
        Expect::failed(Crashed, "stream ended"),
        stream_cut,
    ),
];

pub(super) const fn remote(name: &'static str, attack: &'static str, expect: Expect, script: Script) -> Row {
    Row { name, attack, topic: Topic::Remote, expect, play: Play::Remote(script) }
}

const TENTH: Duration = Duration::from_millis(100);
const JSON: &str = "content-type: application/json\r\n";

fn flood(e: &mut Exchange<'_>) -> io::Result<()> {
    if e.greeted()? {
        return Ok(());
    }
    e.begin("200 OK", JSON)?;
    e.for_ever(&[b' '; 64 << 10], Duration::ZERO)
}

fn drip(e: &mut Exchange<'_>) -> io::Result<()> {
    if e.greeted()? {
        return Ok(());
    }
    e.begin("200 OK", JSON)?;
    e.for_ever(b" ", TENTH)
}

fn silent(e: &mut Exchange<'_>) -> io::Result<()> {
    e.wait()
}

fn head_flood(e: &mut Exchange<'_>) -> io::Result<()> {
    e.write(b"HTTP/1.1 200 OK\r\n")?;
    e.for_ever(&b"x-more: and more\r\n".repeat(1000), Duration::ZERO)
}

fn head_giant(e: &mut Exchange<'_>) -> io::Result<()> {
    let value = "x".repeat(1 << 20);
    e.whole("200 OK", &format!("x-long: {value}\r\n{JSON}"), b"{}")
}

fn head_drip(e: &mut Exchange<'_>) -> io::Result<()> {
    e.write(b"HTTP/1.1 200 OK\r\n")?;
    e.for_ever(b"x-more: 1\r\n", TENTH)
}

fn informational(e: &mut Exchange<'_>) -> io::Result<()> {
    e.for_ever(&b"HTTP/1.1 100 Continue\r\n\r\n".repeat(100), Duration::from_millis(10))
}

fn no_http(e: &mut Exchange<'_>) -> io::Result<()> {
    e.write(b"220 mail.bell.example ready\r\n\x1b[2J\x00\xff\r\n\r\n")
}

fn gzip_bomb(e: &mut Exchange<'_>) -> io::Result<()> {
    if e.greeted()? {
        return Ok(());
    }
    e.begin("200 OK", &format!("content-encoding: gzip\r\n{JSON}"))?;
    let mut packed = flate2::write::GzEncoder::new(Pour(e), flate2::Compression::fast());
    loop {
        packed.write_all(&[b' '; 256 << 10])?;
    }
}

/// The way back as something to write to.
struct Pour<'a, 'b>(&'a mut Exchange<'b>);

impl Write for Pour<'_, '_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes).map(|()| bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn gzip_broken(e: &mut Exchange<'_>) -> io::Result<()> {
    let body = e.answer("{\"tools\":[]}");
    e.json("content-encoding: gzip\r\n", &body)
}

fn chunks(e: &mut Exchange<'_>) -> io::Result<()> {
    if e.greeted()? {
        return Ok(());
    }
    e.begin("200 OK", &format!("transfer-encoding: chunked\r\n{JSON}"))?;
    e.write(b"1;")?;
    e.for_ever(&[b'x'; 64 << 10], Duration::ZERO)
}

fn half_closed(e: &mut Exchange<'_>) -> io::Result<()> {
    if e.greeted()? {
        return Ok(());
    }
    e.begin("200 OK", &format!("content-length: 1000\r\n{JSON}"))?;
    e.write(b"{\"jsonrpc\":\"2.0\"")
}

fn length_lie(e: &mut Exchange<'_>) -> io::Result<()> {
    if e.greeted()? {
        return Ok(());
    }
    e.begin("200 OK", &format!("content-length: 1099511627776\r\n{JSON}"))?;
    e.write(b"{\"jsonrpc\":\"2.0\"")?;
    e.wait()
}

fn wrong_type(e: &mut Exchange<'_>) -> io::Result<()> {
    if e.greeted()? {
        return Ok(());
    }
    let body = e.answer(&format!("{{\"tools\":[{}]}}", tool("hidden", "Is not believed.")));
    e.whole("200 OK", "content-type: text/html; charset=utf-8\r\n", body.as_bytes())
}

fn no_type(e: &mut Exchange<'_>) -> io::Result<()> {
    if e.greeted()? {
        return Ok(());
    }
    let body = e.answer("{\"tools\":[]}");
    e.whole("200 OK", "", body.as_bytes())
}

fn million(e: &mut Exchange<'_>) -> io::Result<()> {
    if e.greeted()? {
        return Ok(());
    }
    let tools: Vec<String> = (0..1_000_000).map(|i| format!("{{\"name\":\"t{i}\"}}")).collect();
    e.list(&tools)
}

fn deep(e: &mut Exchange<'_>) -> io::Result<()> {
    if e.greeted()? {
        return Ok(());
    }
    let body = format!("{}{}", "{\"jsonrpc\":".repeat(100_000), "1");
    e.json("", &body)
}

fn endless(e: &mut Exchange<'_>) -> io::Result<()> {
    paged(e, |page| page + 1)
}

fn cycle(e: &mut Exchange<'_>) -> io::Result<()> {
    paged(e, |page| 1 + page % 2)
}

fn paged(e: &mut Exchange<'_>, next: fn(u64) -> u64) -> io::Result<()> {
    if e.greeted()? {
        return Ok(());
    }
    let page: u64 = e.cursor().and_then(|c| c.parse().ok()).unwrap_or(0);
    let entry = tool(&format!("get_{page}"), "Reads.");
    let body = e.answer(&format!("{{\"tools\":[{entry}],\"nextCursor\":\"{}\"}}", next(page)));
    e.json("", &body)
}

fn stream_flood(e: &mut Exchange<'_>) -> io::Result<()> {
    if e.greeted()? {
        return Ok(());
    }
    e.events()?;
    e.for_ever(&format!(": {}\n\n", "still there ".repeat(100)).repeat(50).into_bytes(), Duration::ZERO)
}

fn stream_drip(e: &mut Exchange<'_>) -> io::Result<()> {
    if e.greeted()? {
        return Ok(());
    }
    e.events()?;
    e.for_ever(b": still there\n\n", TENTH)
}

fn stream_storm(e: &mut Exchange<'_>) -> io::Result<()> {
    if e.greeted()? {
        return Ok(());
    }
    e.events()?;
    let one = b"data: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/tools/list_changed\"}\n\n";
    e.for_ever(&one.repeat(100), Duration::ZERO)
}

fn event_gigabyte(e: &mut Exchange<'_>) -> io::Result<()> {
    if e.greeted()? {
        return Ok(());
    }
    e.events()?;
    e.write(b"data: ")?;
    for _ in 0..1024 {
        e.write(&[b'a'; 1 << 20])?;
    }
    Ok(())
}

fn stream_cut(e: &mut Exchange<'_>) -> io::Result<()> {
    if e.greeted()? {
        return Ok(());
    }
    e.events()?;
    let body = e.answer("{\"tools\":[");
    e.write(format!("data: {body}").as_bytes())
}
