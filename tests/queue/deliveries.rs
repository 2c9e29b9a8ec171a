//! Results that a worker of ours would not deliver: refused one by one, said so, and nothing of them is stored.

use std::time::Duration;

use catalogue::config::limits::Limits;
use catalogue::model::Outcome;
use catalogue::queue::delivery::{Delivery, Refused};
use catalogue::queue::worker::Claimed;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::postgres::{PASSWORD, queue, runtime};
use crate::roles::{fill, worker};
use crate::{catalogue, printed};

const TARGET: &str = "npm:pear@1.0.0";

fn honest() -> Value {
    let time = "2026-01-01T10:00:00Z";
    json!({
        "format": 1,
        "release": {"server": "npm:pear", "version": "1.0.0"},
        "facts": {"published_at": null, "title": "Pear", "description": null, "repository": "https://forge.example/a/b",
                  "homepage": "javascript:alert(1)", "licence": "MIT"},
        "who": {"mcp_names": ["io.example/pear"], "repository": null},
        "declared": [],
        "probe": {
            "outcome": "ok", "detail": "tools listed: 1", "sandbox": "bwrap", "memory_bound": null, "transport": "stdio",
            "started_at": "2026-01-01T09:59:50Z", "finished_at": time, "chosen": 0,
            "attempts": [{"rung": "bare", "command": ["node"], "args": [], "env": {}, "dependencies_as_of": null, "extras": [],
                          "outcome": "ok", "detail": "", "tools": 1, "started_at": "2026-01-01T09:59:55Z", "millis": 5000,
                          "log_tail": ""}],
            "protocol": "2025-06-18", "server_info": "{}", "capabilities": "{}", "instructions": null,
            "interpreter": "node v20", "pages": 1, "noise_lines": 0, "marks": [],
            "tools": [{"hash": "0000", "name": "delete_all", "raw": "{\"name\":\"read_pears\",\"inputSchema\":{}}"}],
            "malformed": []
        }
    })
}

fn read(value: &Value) -> Result<Delivery, Refused> {
    let limits = Limits { tools: 3, answer_bytes: 20_000, line_bytes: 10_000, ..Limits::default() };
    let made_at: Timestamp = "2026-06-01T00:00:00Z".parse().unwrap();
    let outcome = value["probe"]["outcome"].as_str().unwrap_or("ok").to_owned();
    Delivery::read(value.to_string().as_bytes(), &TARGET.parse().unwrap(), &outcome, made_at, &limits)
}

#[test]
fn an_honest_one_is_read_with_the_databases_time_and_without_what_is_no_address() {
    let read = read(&honest()).unwrap();
    let probe = read.probe.unwrap();
    assert_eq!(probe.finished_at.to_string(), "2026-06-01T00:00:00Z", "a worker's clock decides nothing");
    assert_eq!(probe.started_at.to_string(), "2026-05-31T23:59:50Z");
    assert_eq!(probe.attempts[0].started_at.to_string(), "2026-05-31T23:59:55Z");
    assert_eq!(read.facts.repository.as_deref(), Some("https://forge.example/a/b"));
    assert_eq!(read.facts.homepage, None);
}

#[test]
fn every_lie_costs_the_result() {
    type Lie = (&'static str, fn(&mut Value));
    let lies: &[Lie] = &[
        ("another release", |v| v["release"]["version"] = json!("2.0.0")),
        ("another release", |v| v["release"]["server"] = json!("npm:@bank/apple")),
        ("cannot be read", |v| v["release"]["server"] = json!("npm:../x")),
        ("cannot be read", |v| v["probe"]["outcome"] = json!("splendid")),
        ("cannot be read", |v| v["extra"] = json!(1)),
        ("format is 2", |v| v["format"] = json!(2)),
        ("lists no tool", |v| v["probe"]["tools"] = json!([])),
        ("lists tools", |v| v["probe"]["outcome"] = json!("crashed")),
        ("did not make", |v| v["probe"]["chosen"] = json!(7)),
        ("something else", |v| {
            v["declared"] = json!([{"about": "npm:other", "by": "package", "place": "x", "hash": "", "grows": false, "tools": [], "prompts": []}]);
        }),
        ("no JSON", |v| v["probe"]["server_info"] = json!("{")),
        ("too large: its list", |v| {
            let tool = v["probe"]["tools"][0].clone();
            v["probe"]["tools"] = json!([tool, tool, tool, tool]);
        }),
        ("too large: a tool", |v| v["probe"]["tools"][0]["raw"] = json!("x".repeat(10_001))),
        ("too large: its answer", |v| {
            let tool = json!({"hash": "", "name": "", "raw": "x".repeat(9_000)});
            v["probe"]["tools"] = json!([tool, tool, tool]);
        }),
        ("too large: the log", |v| v["probe"]["attempts"][0]["log_tail"] = json!("x".repeat(100_000))),
        ("too large: attempts", |v| {
            let attempt = v["probe"]["attempts"][0].clone();
            v["probe"]["attempts"] = json!(vec![attempt; 100]);
        }),
        ("too large: detail", |v| v["probe"]["detail"] = json!("x".repeat(100_000))),
        ("too large: title", |v| v["facts"]["title"] = json!("x".repeat(100_000))),
    ];
    for (said, lie) in lies {
        let mut value = honest();
        lie(&mut value);
        let refused = read(&value).expect_err(said).to_string();
        assert!(refused.contains(said), "{said}: {refused}");
    }
}

#[test]
fn collecting_stores_what_is_honest_names_what_is_not_and_goes_on() {
    let Some(database) = queue() else { return };
    let targets: Vec<String> = (0..4).map(|n| format!("npm:pear{n}@1.0.0")).collect();
    fill(&database, &targets.iter().map(String::as_str).collect::<Vec<_>>());
    runtime().block_on(async {
        let link = database.worker();
        for n in 0..4 {
            let Claimed::Job(held) = link.claim(&worker(1)).await.unwrap() else { panic!("nothing") };
            let mut value = honest();
            value["release"]["server"] =
                json!(if n == 1 { "npm:bank".to_owned() } else { format!("npm:pear{n}") });
            let body = if n == 2 { b"\x00\xff{{{".to_vec() } else { value.to_string().into_bytes() };
            assert!(link.complete(&held, Outcome::Ok, Duration::from_secs(1), Some(&body)).await.unwrap());
        }
    });
    let var = tempfile::tempdir().unwrap();
    let collect = || {
        let mut command = catalogue(var.path());
        command.args(["collect", "--json", "--queue", &database.address("keeper"), "--db", "out.db"]);
        command.env("CATALOGUE_QUEUE_PASSWORD", PASSWORD);
        serde_json::from_str::<Value>(&printed(&mut command)).unwrap()
    };
    let first = collect();
    assert_eq!(
        (&first["new"], &first["stored"], &first["refused"]),
        (&json!(4), &json!(2), &json!(2)),
        "{first}"
    );
    assert_eq!(collect()["new"], 0, "each result is stored once");
    let db = catalogue::store::Store::open_read_only(&var.path().join("out.db")).unwrap();
    let names: String = db
        .query_row(
            "SELECT group_concat(name) FROM (SELECT DISTINCT name FROM definitions ORDER BY name)",
            [],
            |row| row.get(0),
        )
        .unwrap();
    assert_eq!(names, "read_pears", "the name and the hash are read from the bytes");
    let servers: u32 = db.query_row("SELECT count(*) FROM servers", [], |row| row.get(0)).unwrap();
    assert_eq!(servers, 2);
    let judged: u32 = db.query_row("SELECT count(*) FROM verdicts", [], |row| row.get(0)).unwrap();
    assert_eq!(judged, 1);
}
