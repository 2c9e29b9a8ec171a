//! Ten servers that do nothing wrong. Their results beside the hostile ones must be those of a quiet run.

use super::server::{GREETING, Server, tool};
use super::{Expect, Play, Row, Topic};

pub(super) const ROWS: &[Row] = &[
    healthy("healthy-plain", "lists three tools", 3, plain),
    healthy("healthy-log", "logs two hundred lines on standard output and error first", 3, log),
    healthy("healthy-pages", "lists in four pages", 8, paged),
    healthy("healthy-long", "lists two hundred tools", 200, long),
    healthy("healthy-slow", "needs a second to start", 3, slow),
    healthy("healthy-texts", "has long descriptions in several scripts", 3, texts),
    healthy("healthy-hints", "has honest annotations", 3, hints),
    healthy("healthy-memory", "uses 100 MiB of memory", 3, memory),
    healthy("healthy-files", "writes to its home and its temporary folder", 3, files),
    healthy("healthy-children", "starts a process and waits for it", 3, children),
];

const fn healthy(name: &'static str, attack: &'static str, tools: u32, script: fn(&mut Server)) -> Row {
    Row { name, attack, topic: Topic::Healthy, expect: Expect::ok(tools), play: Play::Script(script) }
}

fn three() -> Vec<String> {
    ["list_notes", "add_note", "delete_note"]
        .map(|name| tool(name, &format!("Does what {name} says.")))
        .into()
}

fn plain(server: &mut Server) {
    server.list(&three());
}

fn log(server: &mut Server) {
    for i in 0..200 {
        server.line(&format!("info: part {i} is ready"));
        let _ = std::io::Write::write_all(&mut std::io::stderr(), b"debug: reading settings\n");
    }
    server.list(&three());
}

fn paged(server: &mut Server) {
    while let Some(request) = server.next() {
        if request.method == "initialize" {
            server.result(&request.id, GREETING);
            continue;
        }
        let page: u32 = request.cursor().and_then(|c| c.parse().ok()).unwrap_or(0);
        let tools = [0, 1].map(|i| tool(&format!("get_part_{page}_{i}"), "Reads a part."));
        let next = if page < 3 { format!(",\"nextCursor\":\"{}\"", page + 1) } else { String::new() };
        server.result(&request.id, &format!("{{\"tools\":[{}]{next}}}", tools.join(",")));
    }
}

fn long(server: &mut Server) {
    let tools: Vec<String> = (0..200).map(|i| tool(&format!("get_item_{i}"), "Reads an item.")).collect();
    server.list(&tools);
}

fn slow(server: &mut Server) {
    std::thread::sleep(std::time::Duration::from_secs(1));
    server.list(&three());
}

fn texts(server: &mut Server) {
    let words = ["Liest eine Notiz, größer als üblich. ", "Διαβάζει μια σημείωση. ", "メモを読みます。"];
    let tools: Vec<String> =
        words.iter().enumerate().map(|(i, w)| tool(&format!("read_{i}"), &w.repeat(100))).collect();
    server.list(&tools);
}

fn hints(server: &mut Server) {
    let hinted = |name: &str, hint: &str| {
        tool(name, "Honest.").replacen('{', &format!("{{\"annotations\":{{\"{hint}\":true}},"), 1)
    };
    server.list(&[
        hinted("read_note", "readOnlyHint"),
        hinted("drop_note", "destructiveHint"),
        hinted("set_note", "idempotentHint"),
    ]);
}

fn memory(server: &mut Server) {
    if super::raw::memory(100 << 20, false).is_ok() {
        server.list(&three());
    }
}

fn files(server: &mut Server) {
    let written = ["HOME", "TMPDIR"].iter().all(|name| {
        std::env::var_os(name).is_some_and(|folder| {
            std::fs::write(std::path::Path::new(&folder).join("notes"), [7; 1 << 20]).is_ok()
        })
    });
    if written {
        server.list(&three());
    }
}

fn children(server: &mut Server) {
    match super::raw::fork() {
        Ok(0) => super::raw::exit_now(0),
        Ok(child) => {
            super::raw::wait(child);
            server.list(&three());
        }
        Err(_) => {}
    }
}
