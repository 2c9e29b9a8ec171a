//! Walks through an official registry on loopback, with the faults that are documented of it and of its kin.

use std::io::Read;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::{Value, json};

use crate::sources_fake::{Fake, Place, Reply, Seen};

const META: &str = "io.modelcontextprotocol.registry/official";

/// A registry of made-up records: `pear-0` to `pear-N`, each with an npm package.
fn records(count: usize) -> Vec<Value> {
    (0..count)
        .map(|i| {
            json!({
                "server": {
                    "name": format!("example.pears/pear-{i}"), "description": "d", "version": "1.0.0",
                    "packages": [{"registryType": "npm", "identifier": format!("pear-{i}-mcp"), "transport": {"type": "stdio"}}],
                },
                "_meta": {META: {"status": "active", "updatedAt": "2026-01-02T03:04:05Z", "isLatest": true}},
            })
        })
        .collect()
}

/// Answers as the registry does: pages by a cursor, only what was updated since.
fn answer(all: &[Value], asked: &Seen) -> Reply {
    if asked.path != "/v0.1/servers" {
        return Reply::status(404);
    }
    let since = asked.ask("updated_since").unwrap_or("");
    let listed: Vec<&Value> =
        all.iter().filter(|r| r["_meta"][META]["updatedAt"].as_str().unwrap() >= since).collect();
    let (from, limit) = (asked.number("cursor"), asked.number("limit").clamp(1, 100));
    let page: Vec<&Value> = listed.iter().skip(from).take(limit).copied().collect();
    let mut metadata = json!({"count": page.len()});
    if from + limit < listed.len() {
        metadata["nextCursor"] = json!((from + limit).to_string());
    }
    Reply::json(&json!({"servers": page, "metadata": metadata}))
}

fn place(fake: &Fake) -> Place {
    Place::new(&format!(
        "[sources]\ncontact = \"mailto:ann@pears.example\"\n[sources.mcp]\naddress = \"{}\"\n",
        fake.url
    ))
}

#[test]
fn the_real_registry_s_records_are_all_found_and_then_only_news_is_asked_for() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpus/official-registry.jsonl.gz");
    let Ok(bytes) = std::fs::read(&path) else {
        println!("skipped: the records of the official registry are not here");
        return;
    };
    let mut text = String::new();
    flate2::read::GzDecoder::new(&bytes[..]).read_to_string(&mut text).unwrap();
    let all: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let mut expected: Vec<String> = all
        .iter()
        .map(|r| {
            format!("{} {}", r["server"]["name"].as_str().unwrap(), r["server"]["version"].as_str().unwrap())
        })
        .collect();
    expected.sort();
    let count = all.len();
    let fake = Fake::start(move |asked| answer(&all, asked));
    let place = place(&fake);
    let found = place.dry_run("mcp", &[]);
    assert_eq!(place.names("mcp"), expected);
    assert!(found.len() > 700, "{}", found.len());
    let asked = fake.take_seen();
    assert_eq!(asked.len(), count.div_ceil(100));
    assert!(asked[0].header("user-agent").unwrap().contains("(+mailto:ann@pears.example)"));
    let source = place.source("mcp");
    assert_eq!(
        (source["state"].as_str(), source["walk"]["ended_by"].as_str()),
        (Some("complete"), Some("absent-cursor"))
    );
    assert_eq!(
        (source["walk"]["added"].as_u64(), source["walk"]["malformed"].as_u64()),
        (Some(count as u64), Some(0))
    );

    assert_eq!(place.dry_run("mcp", &[]), found, "what waits still waits");
    let again = fake.take_seen();
    assert!(again.len() < 5 && again.iter().all(|asked| asked.ask("updated_since").is_some()), "{again:?}");
    let walk = &place.source("mcp")["walk"];
    assert_eq!(
        (walk["kind"].as_str(), walk["added"].as_u64(), walk["changed"].as_u64()),
        (Some("changes"), Some(0), Some(0))
    );
}

#[test]
fn a_registry_that_gives_validators_is_asked_with_them() {
    let all = records(30);
    let fake = Fake::start(move |asked| {
        let etag = format!("\"{}-{}\"", asked.ask("updated_since").unwrap_or(""), asked.number("cursor"));
        match asked.header("if-none-match") == Some(etag.as_str()) {
            true => Reply::status(304),
            false => answer(&all, asked).with("ETag", &etag),
        }
    });
    let place = place(&fake);
    place.setting("page_size", "10");
    assert_eq!(place.dry_run("mcp", &[]).len(), 30);
    assert_eq!(place.dry_run("mcp", &[]).len(), 30);
    fake.take_seen();
    // The third walk asks for what the second one asked for: nothing is sent twice.
    assert_eq!(place.dry_run("mcp", &[]).len(), 30);
    let asked = fake.take_seen();
    assert!(asked.iter().all(|a| a.header("if-none-match").is_some()), "{asked:?}");
    let source = place.source("mcp");
    assert_eq!(
        (source["state"].as_str(), source["walk"]["ended_by"].as_str(), source["walk"]["changed"].as_u64()),
        (Some("complete"), Some("not-modified"), Some(0))
    );
}

#[test]
fn a_walk_killed_at_twenty_points_finds_what_a_calm_one_finds() {
    let all = records(90);
    let fake = Fake::start(move |asked| {
        std::thread::sleep(Duration::from_millis(15));
        answer(&all, asked)
    });
    let place = place(&fake);
    place.setting("page_size", "3");
    place.kill_twenty_times("mcp", &fake);
    let found = place.dry_run("mcp", &[]);
    assert_eq!(found.len(), 90);
    assert_eq!(place.names("mcp").len(), 90);
    let source = place.source("mcp");
    assert_eq!(source["walk"]["ended_by"], "absent-cursor");
    let db = place.db();
    let walks: i64 = db.query_row("SELECT count(*) FROM walks", [], |row| row.get(0)).unwrap();
    let pages: i64 =
        db.query_row("SELECT sum(pages) FROM walks WHERE kind = 'full'", [], |row| row.get(0)).unwrap();
    let added: i64 = db.query_row("SELECT sum(added) FROM walks", [], |row| row.get(0)).unwrap();
    assert_eq!((pages, added), (30, 90), "each page was stored once, in {walks} walks");
}

#[test]
fn a_walk_ends_and_says_what_ended_it() {
    // The whole list, then the same cursor for ever; new cursors that bring old records; and a list too long to be read.
    type PageAndNext = fn(usize) -> (usize, usize);
    let ends: [(&str, PageAndNext); 3] = [
        ("repeated-cursor", |at| (at, if at < 4 { at + 1 } else { 2 })),
        ("nothing-new", |at| (at % 5, at + 1)),
        ("cap", |at| (at, at + 1)),
    ];
    for (ended_by, page_of) in ends {
        let all = records(200);
        let fake = Fake::start(move |asked| {
            let (page, next) = page_of(asked.number("cursor"));
            let servers: Vec<&Value> = all.iter().skip(page * 2).take(2).collect();
            Reply::json(&json!({"servers": servers, "metadata": {"nextCursor": next.to_string()}}))
        });
        let place = place(&fake);
        place.setting("max_pages", "12");
        place.dry_run("mcp", &[]);
        let source = place.source("mcp");
        assert_eq!(source["walk"]["ended_by"], ended_by);
        assert_eq!(source["state"], "incomplete", "{ended_by}: nobody knows that this was all");
        assert!(fake.seen().len() <= 12, "{ended_by}");
    }
}

#[test]
fn the_oldest_registry_is_read_at_its_own_path() {
    let fake = Fake::start(|asked| {
        if asked.path != "/v0/servers" {
            return Reply::status(404);
        }
        let at = asked.number("cursor");
        let record = json!({
            "id": format!("id-{at}"), "name": format!("example.pears/pear-{at}"), "description": "d",
            "version_detail": {"version": "0.1.0", "release_date": "2025-05-01T00:00:00Z", "is_latest": true},
            "packages": [{"registry_name": "npm", "name": format!("pear-{at}-mcp"), "version": "0.1.0"}],
        });
        let next = if at < 2 { json!((at + 1).to_string()) } else { json!("") };
        Reply::json(&json!({"servers": [record], "metadata": {"next_cursor": next, "count": 1}}))
    });
    let place = place(&fake);
    assert_eq!(place.dry_run("mcp", &[]), ["npm:pear-0-mcp", "npm:pear-1-mcp", "npm:pear-2-mcp"]);
    assert_eq!(fake.seen().iter().filter(|asked| asked.path == "/v0.1/servers").count(), 1);
}

#[test]
fn nothing_is_asked_while_the_registry_wants_to_be_left_alone() {
    // A wait it names; and a block page that names none, which a 0 means, too.
    for (retry_after, at_least) in [("2", 2000), ("0", 1000)] {
        let all = records(10);
        let count = AtomicUsize::new(0);
        let fake = Fake::start(move |asked| {
            if count.fetch_add(1, Ordering::SeqCst) == 1 {
                return Reply::html(429).with("Retry-After", retry_after);
            }
            answer(&all, asked)
        });
        let place = place(&fake);
        place.setting("page_size", "5");
        assert_eq!(place.dry_run("mcp", &[]).len(), 10);
        let asked = fake.seen();
        let pause = asked[2].at - asked[1].at;
        assert!(pause >= Duration::from_millis(at_least), "Retry-After: {retry_after}: {pause:?}");
        assert_eq!((asked.len(), fake.most_at_once()), (3, 1));
    }
}

#[test]
fn a_long_wait_ends_the_walk_and_holds_for_the_next_run() {
    let all = records(10);
    let fake = Fake::start(move |asked| match asked.number("cursor") {
        0 => answer(&all, asked),
        _ => Reply::status(503).with("Retry-After", "86400"),
    });
    let place = place(&fake);
    place.setting("page_size", "5");
    // What the first page named is there all the same.
    assert_eq!(place.dry_run("mcp", &[]).len(), 5);
    assert_eq!(fake.seen().len(), 2);
    assert_eq!(place.dry_run("mcp", &[]).len(), 5);
    assert_eq!(fake.seen().len(), 2, "the second run asks nothing");
    let source = place.source("mcp");
    assert_eq!(source["state"], "under-way");
    assert!(source["walk"]["failure"].as_str().unwrap().contains("503"), "{source}");
    assert!(source["asked_not_before"].is_string());
}

#[test]
fn an_html_page_is_recognised_and_the_walk_goes_on_where_it_was() {
    let all = records(10);
    let blocked = Arc::new(AtomicBool::new(true));
    let fake = {
        let blocked = Arc::clone(&blocked);
        Fake::start(move |asked| match blocked.load(Ordering::SeqCst) {
            true => Reply::html(200),
            false => answer(&all, asked),
        })
    };
    let place = place(&fake);
    let output = place.run(&["scan", "--registry", "mcp", "--dry-run"]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("HTML page where JSON was asked"), "{said}");
    blocked.store(false, Ordering::SeqCst);
    assert_eq!(place.dry_run("mcp", &[]).len(), 10);
    assert_eq!(place.source("mcp")["walk"]["failure"], Value::Null);
}

#[test]
fn records_in_an_unknown_shape_are_an_error_and_not_an_empty_list() {
    let fake = Fake::start(|_| Reply::json(&json!({"servers": [{"entry": {"name": "x"}}], "metadata": {}})));
    let output = place(&fake).run(&["scan", "--registry", "mcp", "--dry-run"]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && said.contains("none of its 1 records can be read"), "{said}");
}

#[test]
fn a_tenth_may_go_at_once_and_no_more() {
    let gone = Arc::new(AtomicUsize::new(0));
    let fake = {
        let gone = Arc::clone(&gone);
        Fake::start(move |asked| {
            let mut all = records(50);
            for record in all.iter_mut().take(gone.load(Ordering::SeqCst)) {
                record["_meta"][META]["status"] = json!("deleted");
                record["_meta"][META]["updatedAt"] = json!("2026-02-01T00:00:00Z");
            }
            answer(&all, asked)
        })
    };
    let place = place(&fake);
    let counts =
        |source: &Value| (source["gone"].as_u64().unwrap(), source["walk"]["frozen"].as_u64().unwrap());
    assert_eq!(place.dry_run("mcp", &[]).len(), 50);
    gone.store(4, Ordering::SeqCst);
    assert_eq!(place.dry_run("mcp", &[]).len(), 46);
    assert_eq!(counts(&place.source("mcp")), (4, 0));
    gone.store(24, Ordering::SeqCst);
    assert_eq!(place.dry_run("mcp", &[]).len(), 46, "twenty at once are an outage");
    assert_eq!(counts(&place.source("mcp")), (4, 20));
    assert_eq!(place.dry_run("mcp", &["--accept-shrink"]).len(), 26);
    assert_eq!(counts(&place.source("mcp")), (24, 0));
}

#[test]
fn a_limit_ends_reading_when_enough_waits() {
    let all = records(50);
    let fake = Fake::start(move |asked| answer(&all, asked));
    let place = place(&fake);
    place.setting("page_size", "5");
    assert_eq!(place.dry_run("mcp", &["--limit", "7"]).len(), 7);
    assert_eq!(fake.take_seen().len(), 2);
    assert_eq!(place.dry_run("mcp", &["--limit", "7"]).len(), 7);
    assert_eq!(fake.take_seen().len(), 0, "enough waits already");
    assert_eq!(place.dry_run("mcp", &[]).len(), 50);
    assert_eq!(fake.take_seen().len(), 8, "the walk goes on where it was");
}

#[test]
fn a_cursor_that_the_registry_forgot_ends_the_walk_and_the_next_begins_anew() {
    let all = records(20);
    let forgotten = Arc::new(AtomicBool::new(false));
    let fake = {
        let forgotten = Arc::clone(&forgotten);
        Fake::start(move |asked| match asked.ask("cursor") {
            Some(_) if forgotten.load(Ordering::SeqCst) => Reply::status(400),
            _ => answer(&all, asked),
        })
    };
    let place = place(&fake);
    place.setting("page_size", "5");
    assert_eq!(place.dry_run("mcp", &["--limit", "5"]).len(), 5);
    forgotten.store(true, Ordering::SeqCst);
    assert_eq!(place.dry_run("mcp", &[]).len(), 5);
    assert_eq!(place.source("mcp")["walk"]["ended_by"], "replaced");
    forgotten.store(false, Ordering::SeqCst);
    assert_eq!(place.dry_run("mcp", &[]).len(), 20);
    assert_eq!(place.source("mcp")["state"], "complete");
}

#[test]
fn since_reads_what_its_user_names_and_moves_nothing() {
    let mut all = records(20);
    for record in all.iter_mut().take(3) {
        record["_meta"][META]["updatedAt"] = json!("2026-03-01T00:00:00Z");
    }
    let fake = Fake::start(move |asked| answer(&all, asked));
    let place = place(&fake);
    assert_eq!(place.dry_run("mcp", &["--since", "2026-02-01"]).len(), 3);
    assert_eq!(place.source("mcp")["mark"], Value::Null);
    assert_eq!(place.dry_run("mcp", &[]).len(), 20);
    let output = place.run(&["scan", "--registry", "mcp", "--since", "yesterday"]);
    assert_eq!(output.status.code(), Some(2), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn what_is_found_is_scanned_once_and_an_inner_address_never_asked() {
    let fake = Fake::start(|asked| {
        if asked.path.starts_with("/npm/") || asked.path.starts_with("/simple/") {
            return Reply::status(404);
        }
        let servers = json!([{"server": {
            "name": "example.pears/pear", "description": "d", "version": "1",
            "packages": [{"registryType": "npm", "identifier": "pear-mcp"}],
            "remotes": [{"type": "streamable-http", "url": "https://127.0.0.1:9/mcp"}],
        }}]);
        Reply::json(&json!({"servers": servers}))
    });
    let url = &fake.url;
    let place = Place::new(&format!(
        "[registries]\nnpm = \"{url}npm/\"\npypi = \"{url}simple/\"\n[sources.mcp]\naddress = \"{url}\"\n"
    ));
    let output = place.run(&["scan", "--registry", "mcp", "--json", "--sandbox", "none"]);
    let rows: Vec<Value> = String::from_utf8(output.stdout)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(rows.len(), 2, "{}", String::from_utf8_lossy(&output.stderr));
    let of = |server: &str| rows.iter().find(|row| row["server"] == server).unwrap();
    assert_eq!(of("npm:pear-mcp")["outcome"], "install-failed");
    let refused = of("remote:https://127.0.0.1:9/mcp");
    assert!(refused["detail"].as_str().unwrap().contains("no public address"), "{refused}");
    assert_eq!(place.source("mcp")["candidates"]["scanned"], 1, "a refused address says nothing lasting");
}
