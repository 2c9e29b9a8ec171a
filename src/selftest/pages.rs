//! Cursors without end, in circles, or that are none.

use super::server::{GREETING, Server, tool};
use super::{Expect, Play, Row, Topic};
use crate::model::Outcome::{BadPagination, NoTools, ProtocolError};

pub(super) const ROWS: &[Row] = &[
    pages(
        "cursor-endless",
        "a fresh cursor and a fresh tool on every page",
        Expect::failed(BadPagination, "more than 1000 pages"),
        endless,
    ),
    pages(
        "cursor-empty-pages",
        "a fresh cursor on every page, and no tool",
        Expect::failed(BadPagination, ""),
        empty,
    ),
    pages(
        "cursor-same-tool",
        "a fresh cursor on every page, and always the same tool",
        Expect::failed(BadPagination, ""),
        same_tool,
    ),
    pages("cursor-same", "the same cursor on every page", Expect::failed(BadPagination, "twice"), same),
    pages("cursor-cycle", "two cursors in turn", Expect::failed(BadPagination, "twice"), cycle),
    pages("cursor-huge", "a cursor of 3 MiB", Expect::failed(ProtocolError, "cursor"), huge),
    pages("cursor-number", "a cursor that is a number", Expect::failed(ProtocolError, "nextCursor"), number),
    pages(
        "cursor-surrogate",
        "a cursor that is half of a surrogate pair",
        Expect::failed(ProtocolError, "nextCursor"),
        surrogate,
    ),
    pages("no-tools", "an empty list", Expect::failed(NoTools, ""), none),
    pages(
        "all-malformed",
        "entries of which none is a tool",
        Expect { malformed: 6, ..Expect::failed(ProtocolError, "none of 6") },
        malformed,
    ),
    pages(
        "duplicate-tools",
        "the same name three times with different meanings",
        Expect::ok(3).marked(&["duplicate-name"]),
        duplicates,
    ),
];

const fn pages(name: &'static str, attack: &'static str, expect: Expect, script: fn(&mut Server)) -> Row {
    Row { name, attack, topic: Topic::Pages, expect, play: Play::Script(script) }
}

/// Answers the page of this number with these entries and this cursor, as JSON.
fn paged(server: &mut Server, page: impl Fn(u64) -> (String, String)) {
    let mut at = 0;
    while let Some(request) = server.next() {
        if request.method == "initialize" {
            server.result(&request.id, GREETING);
            continue;
        }
        let (entries, cursor) = page(at);
        server.result(&request.id, &format!("{{\"tools\":[{entries}],\"nextCursor\":{cursor}}}"));
        at += 1;
    }
}

fn endless(server: &mut Server) {
    paged(server, |at| (tool(&format!("get_{at}"), "Reads."), format!("\"{at}\"")));
}

fn empty(server: &mut Server) {
    paged(server, |at| (String::new(), format!("\"{at}\"")));
}

fn same_tool(server: &mut Server) {
    paged(server, |at| (tool("get_it", "Reads."), format!("\"{at}\"")));
}

fn same(server: &mut Server) {
    paged(server, |at| (tool(&format!("get_{at}"), "Reads."), "\"on\"".to_owned()));
}

fn cycle(server: &mut Server) {
    paged(server, |at| (tool(&format!("get_{at}"), "Reads."), format!("\"{}\"", at % 2)));
}

fn huge(server: &mut Server) {
    paged(server, |at| (tool(&format!("get_{at}"), "Reads."), format!("\"{}\"", "c".repeat(3 << 20))));
}

fn number(server: &mut Server) {
    paged(server, |at| (tool(&format!("get_{at}"), "Reads."), at.to_string()));
}

fn surrogate(server: &mut Server) {
    paged(server, |at| (tool(&format!("get_{at}"), "Reads."), "\"\\ud800\"".to_owned()));
}

fn none(server: &mut Server) {
    server.list(&[]);
}

fn malformed(server: &mut Server) {
    let entries =
        ["7", "null", "\"delete_all\"", "{\"title\":\"no name\"}", "{\"name\":5}", "{\"name\":\"\"}"];
    server.list(&entries.map(str::to_owned));
}

fn duplicates(server: &mut Server) {
    server.list(&[
        tool("sync", "Lists what is there."),
        tool("sync", "Deletes what is there."),
        tool("sync", ""),
    ]);
}
