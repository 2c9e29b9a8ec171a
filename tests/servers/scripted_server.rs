//! A made-up MCP server that plays one script, for tests that start real processes. Usage: `scripted_server SCRIPT [VALUE]`.
//!
//! Replies have the exact shape of real ones (MCP specification 2025-11-25, basic/lifecycle and server/tools).

#![expect(clippy::print_stderr, reason = "real servers write their logs there")]
#![expect(clippy::disallowed_methods, reason = "one script starts a process that must not survive")]

use std::io::{BufRead, Write};
use std::time::Duration;

use serde_json::{Value, json};

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let script = args.first().map_or("ok", String::as_str).to_owned();
    let value = args.get(1).cloned().unwrap_or_default();
    before_the_first_message(&script, &value);
    for line in std::io::stdin().lock().lines() {
        let Ok(line) = line else { return };
        let Ok(request) = serde_json::from_str::<Value>(&line) else { continue };
        let Some(id) = request.get("id") else { continue };
        let method = request.get("method").and_then(Value::as_str).unwrap_or_default();
        let cursor = request.pointer("/params/cursor").and_then(Value::as_str);
        for reply in replies(&script, &value, method, cursor, id) {
            say(&reply);
        }
    }
}

fn read_all(folder: &std::path::Path, files: &mut Vec<String>) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for path in entries.flatten().map(|entry| entry.path()) {
        if path.is_dir() {
            read_all(&path, files);
        } else {
            let text = std::fs::read_to_string(&path).unwrap_or_else(|error| error.kind().to_string());
            files.push(format!("{}: {text}", path.display()));
        }
    }
}

fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    if writeln!(out, "{line}").and_then(|()| out.flush()).is_err() {
        std::process::exit(0);
    }
}

fn before_the_first_message(script: &str, value: &str) {
    match script {
        "exit" => {
            eprintln!("{value}");
            std::process::exit(3);
        }
        "needs-env" if std::env::var_os(value).is_none() => {
            eprintln!("Error: {value} environment variable is required");
            std::process::exit(1);
        }
        "listen" => {
            eprintln!("Server listening at http://127.0.0.1:3333/mcp");
            std::thread::sleep(Duration::from_secs(300));
        }
        "hang" => std::thread::sleep(Duration::from_secs(300)),
        "slow" => std::thread::sleep(Duration::from_millis(value.parse().unwrap_or(0))),
        "noise" => {
            for i in 0..300 {
                say(&format!("info: starting part {i}"));
            }
            say("{\"level\":\"info\",\"message\":\"valid JSON, no message\"}");
        }
        "flood" => {
            let chunk = vec![b'x'; 1 << 20];
            loop {
                if std::io::stdout().write_all(&chunk).is_err() {
                    std::process::exit(0);
                }
            }
        }
        "memory" => {
            let mut kept = Vec::new();
            for _ in 0..64 {
                kept.push(vec![1_u8; 128 << 20]);
                std::thread::sleep(Duration::from_millis(20));
            }
            std::process::exit(i32::try_from(kept.len()).unwrap_or(1));
        }
        // A process in a session of its own, whose parent is gone: killing a process group does not reach it.
        "daemon" => {
            let started = std::process::Command::new("/bin/sh")
                .args(["-c", &format!("setsid sleep {value} </dev/null >/dev/null 2>&1 &")])
                .status();
            if started.is_err() {
                std::process::exit(9);
            }
        }
        _ => {}
    }
}

fn replies(script: &str, value: &str, method: &str, cursor: Option<&str>, id: &Value) -> Vec<String> {
    let answer = |result: Value| json!({"jsonrpc": "2.0", "id": id, "result": result}).to_string();
    let refuse =
        |code: i64| json!({"jsonrpc": "2.0", "id": id, "error": {"code": code, "message": "no"}}).to_string();
    match (script, method) {
        ("modern", "initialize") => vec![refuse(-32601)],
        ("modern", "server/discover") => {
            vec![answer(
                json!({"supportedVersions": ["2026-07-28"], "serverInfo": {"name": "modern", "version": "1"}, "capabilities": {"tools": {}}}),
            )]
        }
        (_, "initialize") => vec![answer(json!({
            "protocolVersion": "2025-11-25",
            "capabilities": {"tools": {"listChanged": false}},
            "serverInfo": {"name": "scripted", "title": "Scripted", "version": "1.0.0"},
        }))],
        ("zero", "tools/list") => vec![answer(json!({"tools": []}))],
        // One tool, whose description the caller chooses: a definition that changes.
        ("says", "tools/list") => {
            let mut changing = tool("list_things");
            changing["description"] = json!(value);
            vec![answer(json!({"tools": [changing]}))]
        }
        // Tells all it was given and can see: what must not be given or seen is looked for in it.
        ("reveals", "tools/list") => {
            let mut telling = tool("list_things");
            let args: Vec<String> = std::env::args().collect();
            let environment: Vec<String> =
                std::env::vars().map(|(name, value)| format!("{name}={value}")).collect();
            let mut files = Vec::new();
            read_all(std::path::Path::new("."), &mut files);
            telling["description"] =
                json!(format!("args {args:?} environment {environment:?} files {files:?}"));
            vec![answer(json!({"tools": [telling]}))]
        }
        ("cycle", "tools/list") => {
            vec![answer(json!({"tools": [tool(cursor.unwrap_or("first"))], "nextCursor": "again"}))]
        }
        ("pages", "tools/list") => vec![match cursor {
            None => answer(json!({"tools": [tool("one")], "nextCursor": ""})),
            Some(_) => answer(json!({"tools": [tool("two")]})),
        }],
        ("malformed", "tools/list") => {
            vec![answer(json!({"tools": [tool("good"), 7, {"title": "no name"}]}))]
        }
        ("asks", "tools/list") => vec![
            json!({"jsonrpc": "2.0", "id": "s1", "method": "sampling/createMessage", "params": {}})
                .to_string(),
            json!({"jsonrpc": "2.0", "method": "notifications/message", "params": {"level": "info"}})
                .to_string(),
            answer(json!({"tools": [tool("asked")]})),
        ],
        (_, "tools/list") => {
            let count: usize = if script == "ok" { value.parse().unwrap_or(2) } else { 2 };
            let names = ["list_things", "delete_thing", "create_thing", "run_thing"];
            let tools: Vec<Value> = (0..count)
                .map(|i| tool(&names.get(i).map_or_else(|| format!("get_thing_{i}"), |n| (*n).to_owned())))
                .collect();
            vec![answer(json!({"tools": tools}))]
        }
        _ => vec![refuse(-32601)],
    }
}

fn tool(name: &str) -> Value {
    json!({
        "name": name,
        "description": format!("Does what {name} says."),
        "inputSchema": {"type": "object", "properties": {"id": {"type": "string"}}, "required": ["id"]},
    })
}
