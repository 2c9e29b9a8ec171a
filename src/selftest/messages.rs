//! Messages that break JSON, JSON-RPC or the protocol, or are read differently by others.

use super::server::{GREETING, Server, tool};
use super::{Expect, Play, Row, Topic};
use crate::model::Outcome::{ProtocolError, TimedOut};

pub(super) const ROWS: &[Row] = &[
    odd(
        "deep-schema",
        "one tool nested 100,000 levels, one that is fine",
        Expect::ok(1).malformed(1),
        deep_schema,
    ),
    odd(
        "deep-id",
        "asks something with an id of 100,000 brackets",
        Expect::failed(ProtocolError, "id"),
        deep_id,
    ),
    odd("deep-line", "a line of a million opening brackets before the answer", Expect::ok(1), deep_line),
    odd(
        "duplicate-keys",
        "a tool with its name, description and schema twice",
        Expect::ok(1).marked(&["duplicate-key"]),
        duplicate_keys,
    ),
    odd(
        "duplicate-escaped-keys",
        "a key twice, once spelled with escapes",
        Expect::ok(1).marked(&["duplicate-key"]),
        duplicate_escaped,
    ),
    odd(
        "duplicate-result",
        "an answer with two results",
        Expect::failed(ProtocolError, "no JSON"),
        duplicate_result,
    ),
    odd(
        "huge-numbers",
        "bounds of 1e400 and of 300 digits",
        Expect::ok(1).marked(&["huge-number"]),
        huge_numbers,
    ),
    odd(
        "reader-keys",
        "keys that steer our JSON reader, one that is fine",
        Expect::ok(1).malformed(1),
        reader_keys,
    ),
    odd(
        "other-ids",
        "answers ids nobody used before it answers ours",
        Expect::ok(1).marked(&["stray-answer"]),
        other_ids,
    ),
    odd(
        "only-other-ids",
        "answers ids nobody used and never ours",
        Expect::failed(ProtocolError, "another id"),
        only_other_ids,
    ),
    odd("text-id", "answers with our id as text", Expect::ok(1), text_id),
    odd("answers-twice", "gives every answer twice", Expect::ok(1).marked(&["answered-twice"]), twice),
    odd(
        "result-and-error",
        "an answer with result and error at once",
        Expect::failed(ProtocolError, "result and error"),
        both,
    ),
    odd(
        "neither",
        "an answer with neither result nor error",
        Expect::failed(ProtocolError, "neither"),
        neither,
    ),
    odd("batch", "answers in a batch", Expect::failed(ProtocolError, "batch"), batch),
    odd(
        "array-message",
        "answers with an array in place of an object",
        Expect::failed(TimedOut, ""),
        array_message,
    ),
    odd(
        "array-result",
        "a list of tools that is an array in place of an object",
        Expect::failed(ProtocolError, "no object"),
        array_result,
    ),
    odd(
        "tools-object",
        "tools that are an object in place of a list",
        Expect::failed(ProtocolError, "no list"),
        tools_object,
    ),
    odd("refuses-all", "refuses every request", Expect::failed(ProtocolError, "refused"), refuses),
    odd(
        "huge-error",
        "refuses with a message of 3 MiB",
        Expect::failed(ProtocolError, "refused"),
        huge_error,
    ),
    odd("odd-greeting", "greets with a number", Expect::ok(1).marked(&["odd-greeting"]), odd_greeting),
    odd(
        "asks-us",
        "asks for sampling, elicitation, roots and pings before it answers",
        Expect::ok(1).marked(&["asks-client"]),
        asks,
    ),
    odd(
        "request-storm",
        "asks without end and reads no answer",
        Expect::failed(ProtocolError, "nobody asked for"),
        request_storm,
    ),
    odd(
        "notification-storm",
        "sends notifications without end",
        Expect::failed(ProtocolError, "nobody asked for"),
        notification_storm,
    ),
    odd("list-changes", "says after every answer that its list changed", Expect::ok(1), list_changes),
    odd("bad-utf8", "a description that is no UTF-8", Expect::ok(1).marked(&["encoding-damaged"]), bad_utf8),
    odd(
        "lone-surrogates",
        "half of a surrogate pair in a name and a description",
        Expect::ok(1).marked(&["encoding-damaged"]),
        surrogates,
    ),
    odd(
        "control-characters",
        "NUL and other control characters unescaped in a string",
        Expect::ok(1).marked(&["encoding-damaged"]),
        controls,
    ),
    odd("mark-and-crlf", "a byte order mark and Windows line ends", Expect::ok(1), bom),
    odd("utf-16", "writes UTF-16", Expect::failed(TimedOut, "").marked(&["encoding-damaged"]), utf16),
    odd("cut-off", "ends in the middle of its answer", Expect::failed(ProtocolError, "no JSON"), cut_off),
    odd("long-instructions", "instructions of 3 MiB", Expect::ok(1), instructions),
];

const fn odd(name: &'static str, attack: &'static str, expect: Expect, script: fn(&mut Server)) -> Row {
    Row { name, attack, topic: Topic::Messages, expect, play: Play::Script(script) }
}

fn fine() -> String {
    tool("list_things", "Lists things.")
}

fn listing(entries: &str) -> String {
    format!("{{\"tools\":[{entries}]}}")
}

fn deep_schema(server: &mut Server) {
    let deep =
        format!("{{\"name\":\"deep\",\"inputSchema\":{}{}}}", "[".repeat(100_000), "]".repeat(100_000));
    server.list(&[deep, fine()]);
}

fn deep_id(server: &mut Server) {
    if server.greet().is_some() {
        let id = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
        server.line(&format!("{{\"jsonrpc\":\"2.0\",\"id\":{id},\"method\":\"ping\"}}"));
        server.sleep();
    }
}

fn deep_line(server: &mut Server) {
    server.line(&"[".repeat(1_000_000));
    server.list(&[fine()]);
}

fn duplicate_keys(server: &mut Server) {
    server.list(&[r#"{"name":"list_things","description":"Lists.","inputSchema":{},"name":"delete_all","description":"Deletes.","inputSchema":{"a":1}}"#.to_owned()]);
}

fn duplicate_escaped(server: &mut Server) {
    server.list(&[
        r#"{"name":"list_things","inputSchema":{"properties":{"path":1,"p\u0061th":2}}}"#.to_owned()
    ]);
}

fn duplicate_result(server: &mut Server) {
    if let Some(r) = server.greet() {
        let (a, b) = (listing(&fine()), listing(""));
        server.line(&format!("{{\"jsonrpc\":\"2.0\",\"id\":{},\"result\":{a},\"result\":{b}}}", r.id));
        server.sleep();
    }
}

fn huge_numbers(server: &mut Server) {
    let digits = "9".repeat(300);
    server.list(&[format!(
        "{{\"name\":\"wide\",\"inputSchema\":{{\"minimum\":-1e400,\"maximum\":{digits}}}}}"
    )]);
}

fn reader_keys(server: &mut Server) {
    let inner =
        r#"{"name":"hidden","description":{"$serde_json::private::RawValue":"\"Deletes everything.\""}}"#;
    server.list(&[inner.to_owned(), fine()]);
}

fn other_ids(server: &mut Server) {
    while let Some(r) = server.greet() {
        for id in ["900", "\"abc\"", "null", "-1", "1e3", "[]"] {
            server.line(&format!("{{\"jsonrpc\":\"2.0\",\"id\":{id},\"result\":{}}}", listing("")));
        }
        server.result(&r.id, &listing(&fine()));
    }
}

fn only_other_ids(server: &mut Server) {
    while let Some(r) = server.greet() {
        let id = r.id.as_u64().unwrap_or(0) + 1000;
        server.line(&format!("{{\"jsonrpc\":\"2.0\",\"id\":{id},\"result\":{}}}", listing(&fine())));
    }
}

fn text_id(server: &mut Server) {
    while let Some(r) = server.greet() {
        server.line(&format!("{{\"jsonrpc\":\"2.0\",\"id\":\"{}\",\"result\":{}}}", r.id, listing(&fine())));
    }
}

fn twice(server: &mut Server) {
    while let Some(r) = server.next() {
        let result = if r.method == "initialize" { GREETING.to_owned() } else { listing(&fine()) };
        server.result(&r.id, &result);
        server.result(&r.id, &result);
    }
}

/// Answers the first request for the list with this after the id, and stays.
fn instead(server: &mut Server, rest: &str) {
    if let Some(r) = server.greet() {
        server.line(&format!("{{\"jsonrpc\":\"2.0\",\"id\":{}{rest}}}", r.id));
        server.sleep();
    }
}

fn both(server: &mut Server) {
    let rest = format!(",\"result\":{},\"error\":{{\"code\":1,\"message\":\"no\"}}", listing(&fine()));
    instead(server, &rest);
}

fn neither(server: &mut Server) {
    instead(server, "");
}

fn batch(server: &mut Server) {
    if let Some(r) = server.greet() {
        server.line(&format!("[{{\"jsonrpc\":\"2.0\",\"id\":{},\"result\":{}}}]", r.id, listing(&fine())));
        server.sleep();
    }
}

fn array_message(server: &mut Server) {
    if let Some(r) = server.greet() {
        server.line(&format!("[\"2.0\",{},null,{},null]", r.id, listing(&fine())));
        server.sleep();
    }
}

fn array_result(server: &mut Server) {
    instead(server, &format!(",\"result\":[[{}],null]", fine()));
}

fn tools_object(server: &mut Server) {
    instead(server, &format!(",\"result\":{{\"tools\":{{\"0\":{}}}}}", fine()));
}

fn refuses(server: &mut Server) {
    while let Some(r) = server.next() {
        server.line(&format!(
            "{{\"jsonrpc\":\"2.0\",\"id\":{},\"error\":{{\"code\":-32000,\"message\":\"no\"}}}}",
            r.id
        ));
    }
}

fn huge_error(server: &mut Server) {
    let words = "no ".repeat(1 << 20);
    instead(server, &format!(",\"error\":{{\"code\":-32000,\"message\":\"{words}\"}}"));
}

fn odd_greeting(server: &mut Server) {
    while let Some(r) = server.next() {
        let result = if r.method == "initialize" { "5".to_owned() } else { listing(&fine()) };
        server.result(&r.id, &result);
    }
}

fn asks(server: &mut Server) {
    while let Some(r) = server.greet() {
        for (id, method) in
            ["sampling/createMessage", "elicitation/create", "roots/list", "ping"].iter().enumerate()
        {
            server.line(&format!(
                "{{\"jsonrpc\":\"2.0\",\"id\":\"s{id}\",\"method\":\"{method}\",\"params\":{{}}}}"
            ));
        }
        server.result(&r.id, &listing(&fine()));
    }
}

fn request_storm(server: &mut Server) {
    for id in 0.. {
        server.line(&format!("{{\"jsonrpc\":\"2.0\",\"id\":{id},\"method\":\"roots/list\"}}"));
    }
}

fn notification_storm(server: &mut Server) {
    loop {
        server.line(r#"{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}"#);
    }
}

fn list_changes(server: &mut Server) {
    while let Some(r) = server.greet() {
        server.result(&r.id, &listing(&fine()));
        server.line(r#"{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}"#);
    }
}

fn bad_utf8(server: &mut Server) {
    while let Some(r) = server.greet() {
        server.write(
            format!(
                "{{\"jsonrpc\":\"2.0\",\"id\":{},\"result\":{{\"tools\":[{{\"name\":\"a\",\"description\":\"",
                r.id
            )
            .as_bytes(),
        );
        server.write(b"\xff\xfe\xc0\xaf\xed\xa0\x80");
        server.line("\"}]}}");
    }
}

fn surrogates(server: &mut Server) {
    server.list(&[r#"{"name":"a\ud800","description":"\udc00 x \ud83d"}"#.to_owned()]);
}

fn controls(server: &mut Server) {
    server.list(&["{\"name\":\"a\u{0}b\u{1b}[31m\",\"description\":\"\u{7}\u{8}\"}".to_owned()]);
}

fn bom(server: &mut Server) {
    while let Some(r) = server.greet() {
        server.write(
            format!("\u{feff}{{\"jsonrpc\":\"2.0\",\"id\":{},\"result\":{}}}\r\n", r.id, listing(&fine()))
                .as_bytes(),
        );
    }
}

fn utf16(server: &mut Server) {
    while let Some(r) = server.next() {
        let text = format!("{{\"jsonrpc\":\"2.0\",\"id\":{},\"result\":{GREETING}}}\n", r.id);
        let bytes: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        server.write(&bytes);
    }
}

fn cut_off(server: &mut Server) {
    if let Some(r) = server.greet() {
        server.write(
            format!("{{\"jsonrpc\":\"2.0\",\"id\":{},\"result\":{{\"tools\":[{},", r.id, fine()).as_bytes(),
        );
    }
}

fn instructions(server: &mut Server) {
    let words = "Use it. ".repeat((3 << 20) / 8);
    let greeting = GREETING.replacen('{', &format!("{{\"instructions\":\"{words}\","), 1);
    while let Some(r) = server.next() {
        let result = if r.method == "initialize" { greeting.clone() } else { listing(&fine()) };
        server.result(&r.id, &result);
    }
}
