//! Remote servers that lead elsewhere, ask for logins, or talk wrongly over right HTTP.

use std::io;
use std::time::Duration;

use super::http::Exchange;
use super::remote::remote;
use super::server::{GREETING, tool};
use super::{Expect, Row};
use crate::model::Outcome::{AuthRequired, Crashed, NoNetwork, NotMcp, ProtocolError, TimedOut, TooLarge};

pub(super) const ROWS: &[Row] = &[
    remote(
        "remote-redirect-inside",
        "redirects to another port of this machine",
        Expect::failed(NotMcp, "redirect"),
        redirect_inside,
    ),
    remote(
        "remote-redirect-metadata",
        "redirects to a cloud's metadata address",
        Expect::failed(NotMcp, "redirect"),
        redirect_metadata,
    ),
    remote(
        "remote-redirect-circle",
        "redirects to itself for ever",
        Expect::failed(NotMcp, "redirect"),
        redirect_circle,
    ),
    remote("remote-redirect-file", "redirects to a file", Expect::failed(NotMcp, "redirect"), redirect_file),
    remote(
        "remote-login-inside",
        "asks for a login whose metadata lie on another port of this machine",
        Expect::failed(AuthRequired, "status 401"),
        login_inside,
    ),
    remote(
        "remote-login-flood",
        "asks for a login whose metadata have no end",
        Expect::failed(AuthRequired, "status 401"),
        login_flood,
    ),
    remote(
        "remote-login-words",
        "asks for a login in escapes, markup and a thousand challenges",
        Expect::failed(AuthRequired, "status 401"),
        login_words,
    ),
    remote(
        "remote-session-long",
        "a session id of 16 KiB, which must not be sent back",
        Expect::ok(1).marked(&["odd-session"]),
        session_long,
    ),
    remote(
        "remote-session-bytes",
        "a session id of bytes that are no letters",
        Expect::ok(1).marked(&["odd-session"]),
        session_bytes,
    ),
    remote(
        "remote-session-lost",
        "forgets the session it has just given",
        Expect::failed(Crashed, "session"),
        session_lost,
    ),
    remote(
        "remote-old-elsewhere",
        "older transport: messages are to go to another port of this machine",
        Expect::failed(ProtocolError, "same origin"),
        old_elsewhere,
    ),
    remote(
        "remote-old-nowhere",
        "older transport: never says where messages go",
        Expect::failed(TimedOut, ""),
        old_nowhere,
    ),
    remote(
        "remote-old-storm",
        "older transport: notifications as fast as it can",
        Expect::failed(TooLarge, "nobody asked for"),
        old_storm,
    ),
    remote(
        "remote-old-cut",
        "older transport: the stream ends when the list is asked for",
        Expect::failed(Crashed, "stream"),
        old_cut,
    ),
    remote(
        "remote-asks-client",
        "asks for a model's words five hundred times before it answers",
        Expect::ok(1).marked(&["asks-client"]),
        asks_client,
    ),
    remote(
        "remote-asks-long-id",
        "asks something with an id of 64 KiB",
        Expect::failed(ProtocolError, "id"),
        asks_long_id,
    ),
    remote(
        "remote-other-ids",
        "answers ids nobody used, and an earlier one, before it answers ours",
        Expect::ok(1).marked(&["answered-twice", "stray-answer"]),
        other_ids,
    ),
    remote(
        "remote-only-other-ids",
        "answers an id nobody used and never ours",
        Expect::failed(ProtocolError, "another"),
        only_other_ids,
    ),
    remote(
        "remote-result-and-error",
        "result and error at once",
        Expect::failed(ProtocolError, "both"),
        result_and_error,
    ),
    remote(
        "remote-bad-utf8",
        "bytes that are no UTF-8 in a description",
        Expect::ok(1).marked(&["encoding-damaged"]),
        bad_utf8,
    ),
    remote(
        "remote-busy",
        "status 503, and to be left alone for thirty years",
        Expect::failed(NoNetwork, "503"),
        busy,
    ),
    remote("remote-teapot", "an unknown status with a page", Expect::failed(NotMcp, "418"), teapot),
];

fn one() -> Vec<String> {
    vec![tool("visit", "Visits.")]
}

fn redirect(e: &mut Exchange<'_>, to: &str) -> io::Result<()> {
    e.whole("307 Temporary Redirect", &format!("location: {to}\r\n"), b"")
}

fn redirect_inside(e: &mut Exchange<'_>) -> io::Result<()> {
    let to = format!("http://127.0.0.1:{}/mcp", e.told.tcp4);
    redirect(e, &to)
}

fn redirect_metadata(e: &mut Exchange<'_>) -> io::Result<()> {
    redirect(e, "http://169.254.169.254/latest/meta-data/")
}

fn redirect_circle(e: &mut Exchange<'_>) -> io::Result<()> {
    redirect(e, "/remote-redirect-circle/again")
}

fn redirect_file(e: &mut Exchange<'_>) -> io::Result<()> {
    let to = format!("file://{}", e.told.secret_file().display());
    redirect(e, &to)
}

fn login_inside(e: &mut Exchange<'_>) -> io::Result<()> {
    let challenge = format!("Bearer resource_metadata=\"http://127.0.0.1:{}/metadata\"", e.told.tcp4);
    e.whole("401 Unauthorized", &format!("www-authenticate: {challenge}\r\n"), b"")
}

fn login_flood(e: &mut Exchange<'_>) -> io::Result<()> {
    if e.verb() == "GET" {
        e.begin("200 OK", "content-type: application/json\r\n")?;
        e.write(b"{\"resource\":\"")?;
        return e.for_ever(&[b'a'; 64 << 10], Duration::ZERO);
    }
    e.whole(
        "401 Unauthorized",
        "www-authenticate: Bearer resource_metadata=\"/remote-login-flood/m\"\r\n",
        b"",
    )
}

fn login_words(e: &mut Exchange<'_>) -> io::Result<()> {
    let mut lines =
        String::from("www-authenticate: Bearer realm=\"\u{9b}31m<script>alert(1)</script>\u{202e}\"\r\n");
    for at in 0..90 {
        lines += &format!("www-authenticate: Digest realm=\"{at} {}\"\r\n", "../".repeat(100));
    }
    e.whole("401 Unauthorized", &lines, b"")
}

fn session_long(e: &mut Exchange<'_>) -> io::Result<()> {
    session(e, &"s".repeat(16 << 10))
}

fn session_bytes(e: &mut Exchange<'_>) -> io::Result<()> {
    session(e, "id \u{80}\u{202e}\t; x=\"y\", z")
}

/// Answers only where the id is not sent back.
fn session(e: &mut Exchange<'_>, id: &str) -> io::Result<()> {
    if e.greeted_with(&format!("mcp-session-id: {id}\r\n"))? {
        return Ok(());
    }
    match e.field("mcp-session-id") {
        Some(_) => e.whole("400 Bad Request", "", b""),
        None => e.list(&one()),
    }
}

fn session_lost(e: &mut Exchange<'_>) -> io::Result<()> {
    if e.greeted_with("mcp-session-id: lost\r\n")? {
        return Ok(());
    }
    e.whole("404 Not Found", "", b"")
}

/// The older transport: messages are posted elsewhere, and answered on the stream. True if the stream was just opened.
fn opened(e: &mut Exchange<'_>, place: &str) -> io::Result<bool> {
    if e.verb() == "GET" {
        e.open_stream()?;
        e.write(format!("event: endpoint\ndata: {place}\n\n").as_bytes())?;
        return Ok(true);
    }
    if e.below == "/" {
        e.whole("405 Method Not Allowed", "", b"")?;
    }
    Ok(false)
}

fn old_elsewhere(e: &mut Exchange<'_>) -> io::Result<()> {
    let place = format!("http://127.0.0.1:{}/messages", e.told.tcp4);
    if opened(e, &place)? { e.wait() } else { Ok(()) }
}

fn old_nowhere(e: &mut Exchange<'_>) -> io::Result<()> {
    if e.verb() != "GET" {
        return e.whole("405 Method Not Allowed", "", b"");
    }
    e.events()?;
    e.for_ever(b": soon\n\n", Duration::from_millis(100))
}

fn old_storm(e: &mut Exchange<'_>) -> io::Result<()> {
    if opened(e, "/remote-old-storm/messages")? {
        return e.wait();
    }
    if e.below == "/" {
        return Ok(());
    }
    e.whole("202 Accepted", "", b"")?;
    if e.asks() == "initialize" {
        let greeting = format!("data: {}\n\n", e.answer(GREETING));
        return e.say_on_stream(greeting.as_bytes());
    }
    let one = b"data: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/message\"}\n\n".repeat(100);
    for _ in 0..100 {
        e.say_on_stream(&one)?;
    }
    Ok(())
}

fn old_cut(e: &mut Exchange<'_>) -> io::Result<()> {
    if opened(e, "/remote-old-cut/messages")? {
        // Until the list is asked for.
        return e.wait();
    }
    if e.below == "/" {
        return Ok(());
    }
    if e.asks() == "initialize" {
        let greeting = format!("data: {}\n\n", e.answer(GREETING));
        e.say_on_stream(greeting.as_bytes())?;
    }
    if e.asks() == "tools/list" {
        e.cut_stream()?;
    }
    e.whole("202 Accepted", "", b"")
}

fn asks_client(e: &mut Exchange<'_>) -> io::Result<()> {
    if e.greeted()? {
        return Ok(());
    }
    e.events()?;
    for at in 0..500 {
        let asked = format!(
            "{{\"jsonrpc\":\"2.0\",\"id\":\"s{at}\",\"method\":\"sampling/createMessage\",\"params\":{{}}}}"
        );
        e.write(format!("data: {asked}\n\n").as_bytes())?;
    }
    let answer = e.answer(&format!("{{\"tools\":[{}]}}", one().join(",")));
    e.write(format!("data: {answer}\n\n").as_bytes())
}

fn asks_long_id(e: &mut Exchange<'_>) -> io::Result<()> {
    if e.greeted()? {
        return Ok(());
    }
    e.events()?;
    let asked = format!("{{\"jsonrpc\":\"2.0\",\"id\":\"{}\",\"method\":\"ping\"}}", "i".repeat(64 << 10));
    e.write(format!("data: {asked}\n\n").as_bytes())?;
    e.wait()
}

fn other_ids(e: &mut Exchange<'_>) -> io::Result<()> {
    if e.greeted()? {
        return Ok(());
    }
    e.events()?;
    for id in ["77", "1", "\"x\""] {
        let wrong = format!("{{\"jsonrpc\":\"2.0\",\"id\":{id},\"result\":{{\"tools\":[]}}}}");
        e.write(format!("data: {wrong}\n\n").as_bytes())?;
    }
    let answer = e.answer(&format!("{{\"tools\":[{}]}}", one().join(",")));
    e.write(format!("data: {answer}\n\n").as_bytes())
}

fn only_other_ids(e: &mut Exchange<'_>) -> io::Result<()> {
    if e.greeted()? {
        return Ok(());
    }
    e.json("", "{\"jsonrpc\":\"2.0\",\"id\":4711,\"result\":{\"tools\":[]}}")
}

fn result_and_error(e: &mut Exchange<'_>) -> io::Result<()> {
    if e.greeted()? {
        return Ok(());
    }
    let body = e.answer("{\"tools\":[]},\"error\":{\"code\":-32603,\"message\":\"no\"}");
    e.json("", &body)
}

fn bad_utf8(e: &mut Exchange<'_>) -> io::Result<()> {
    if e.greeted()? {
        return Ok(());
    }
    let body = e.answer(&format!("{{\"tools\":[{}]}}", tool("visit", "Visits HERE.")));
    let body: Vec<u8> =
        body.replace("HERE", "\u{1}").bytes().map(|b| if b == 1 { 0xff } else { b }).collect();
    e.whole("200 OK", "content-type: application/json\r\n", &body)
}

fn busy(e: &mut Exchange<'_>) -> io::Result<()> {
    e.whole("503 Service Unavailable", "retry-after: 1000000000\r\n", b"busy")
}

fn teapot(e: &mut Exchange<'_>) -> io::Result<()> {
    e.whole("418 Short And Stout", "content-type: text/html\r\n", b"<h1>no</h1>")
}
