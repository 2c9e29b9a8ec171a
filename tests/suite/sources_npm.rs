//! Walks through an npm registry on loopback: its search, its feed of changes, its documents, and their documented faults.

use std::collections::BTreeSet;
use std::process::Stdio;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::sources_fake::{Fake, Place, Reply, Seen};

fn hit(name: &str, version: &str) -> Value {
    json!({"package": {
        "name": name, "version": version, "description": "d", "keywords": ["mcp-server"], "date": "2026-01-02T03:04:05.000Z",
        "links": {}, "publisher": {"username": "ann"}, "maintainers": [],
    }, "score": {}, "searchScore": 1.0})
}

/// The search over `names`, as it is: at most 250 a page, nothing beyond an offset, a validator for each page.
fn search(names: &[String], asked: &Seen, offset: usize) -> Reply {
    let (from, size) = (asked.number("from"), asked.number("size").min(250));
    if from >= offset {
        return Reply::status(400);
    }
    let objects: Vec<Value> = names.iter().skip(from).take(size).map(|name| hit(name, "1.0.0")).collect();
    let etag = format!("\"{from}-{}\"", names.len());
    if asked.header("if-none-match") == Some(etag.as_str()) {
        return Reply::status(304);
    }
    Reply::json(&json!({"objects": objects, "total": names.len(), "time": "now"})).with("ETag", &etag)
}

fn npm(fake: &Fake, feed: bool) -> Place {
    let url = &fake.url;
    let feed =
        if feed { format!("[sources.npm]\nfeed = \"{url}registry/_changes\"\n") } else { String::new() };
    let place = Place::new(&format!("[registries]\nnpm = \"{url}\"\npypi = \"{url}simple/\"\n{feed}"));
    place.setting("queries", r#"["keywords:mcp-server", "mcp server"]"#);
    place
}

#[test]
fn all_hits_of_the_search_are_found_and_then_asked_for_by_validator_only() {
    // Two queries that overlap, as they do; a block page in the middle.
    let first: Vec<String> = (0..1200).map(|i| format!("pear-{i}-mcp")).collect();
    let second: Vec<String> = (1000..1400).map(|i| format!("pear-{i}-mcp")).collect();
    let expected: BTreeSet<String> = first.iter().chain(&second).map(|name| format!("{name} ")).collect();
    let blocked = AtomicUsize::new(0);
    let fake = Fake::start(move |asked| {
        if blocked.fetch_add(1, Ordering::SeqCst) == 2 {
            return Reply::html(429).with("Retry-After", "0");
        }
        search(if asked.ask("text") == Some("mcp server") { &second } else { &first }, asked, 10_000)
    });
    let place = npm(&fake, false);
    assert_eq!(place.dry_run("npm", &[]).len(), 1400);
    assert_eq!(place.names("npm").into_iter().collect::<BTreeSet<_>>(), expected);
    assert_eq!(fake.take_seen().len(), 5 + 2 + 1);
    let source = place.source("npm");
    assert_eq!(
        (source["state"].as_str(), source["note"].as_str()),
        (Some("incomplete"), Some("incomplete: no feed configured"))
    );
    assert_eq!(source["walk"]["ended_by"], "absent-cursor");
    assert_eq!(place.dry_run("npm", &[]).len(), 1400);
    let again = fake.take_seen();
    assert!(
        again.len() == 7 && again.iter().all(|asked| asked.header("if-none-match").is_some()),
        "{again:?}"
    );
    let source = place.source("npm");
    assert_eq!((source["walk"]["added"].as_u64(), source["gone"].as_u64()), (Some(0), Some(0)));
}

/// A package for each number: every third is below 1.0.0, every second has a keyword more.
fn matches(words: &str, number: usize) -> bool {
    let unstable = number.is_multiple_of(3);
    words.split(' ').all(|word| match word {
        "is:unstable" => unstable,
        "not:unstable" => !unstable,
        "keywords:mcp-server" => true,
        "keywords:mcp-server+ai" => number.is_multiple_of(2),
        "keywords:mcp-server,-ai" => !number.is_multiple_of(2),
        _ => false,
    })
}

#[test]
fn of_twelve_thousand_hits_all_are_found_though_the_search_gives_ten_thousand() {
    // A third and two thirds; with many more hits the two thirds are too many again, and cut by a keyword.
    for (count, queries_with_pages) in [(12_000_usize, 3), (21_000, 5)] {
        let all: Vec<(usize, String)> = (0..count).map(|i| (i, format!("pear-{i}-mcp"))).collect();
        let fake = Fake::start(move |asked| {
            let words = asked.ask("text").unwrap();
            let hits: Vec<String> =
                all.iter().filter(|(i, _)| matches(words, *i)).map(|(_, name)| name.clone()).collect();
            search(&hits, asked, 10_000)
        });
        let place = npm(&fake, false);
        place.setting("queries", r#"["keywords:mcp-server"]"#);
        let found = place.dry_run("npm", &[]);
        assert_eq!(found.len(), count);
        let asked = fake.take_seen();
        let texts: BTreeSet<&str> =
            asked.iter().filter(|a| a.ask("size") == Some("250")).map(|a| a.ask("text").unwrap()).collect();
        assert_eq!(texts.len(), queries_with_pages, "{texts:?}");
        let source = place.source("npm");
        assert_eq!(source["walk"]["ended_by"], "absent-cursor", "{source}");
        assert_eq!(place.dry_run("npm", &["--limit", "50000"]).len(), count);
        let again = fake.take_seen();
        assert!(again.iter().all(|a| a.header("if-none-match").is_some()), "all conditional");
        assert_eq!(again.len(), asked.iter().filter(|a| a.ask("size") == Some("250")).count());
    }
}

#[test]
fn a_search_that_reads_no_qualifiers_ends_at_its_cap_and_says_so() {
    let names: Vec<String> = (0..900).map(|i| format!("pear-{i}-mcp")).collect();
    let fake = Fake::start(move |asked| search(&names, asked, 500));
    let place = npm(&fake, false);
    place.setting("search_offset", "500");
    assert_eq!(place.dry_run("npm", &[]).len(), 500);
    let source = place.source("npm");
    assert_eq!(
        (source["walk"]["ended_by"].as_str(), source["state"].as_str()),
        (Some("cap"), Some("incomplete"))
    );
    let note = source["walk"]["note"].as_str().unwrap();
    assert!(note.contains("900 hits") && note.contains("first 500"), "{note}");
    // Two queries of two pages, and two questions about halves for each: the first answer was enough.
    assert_eq!(fake.seen().len(), 8);
}

#[test]
fn a_search_that_knows_no_keywords_is_asked_for_the_word() {
    let names = ["pear-mcp".to_owned(), "fig-mcp".to_owned()];
    let fake = Fake::start(move |asked| match asked.ask("text") {
        Some("mcp-server") => search(&names[..1], asked, 10_000),
        Some("mcp server") => search(&names, asked, 10_000),
        _ => search(&[], asked, 10_000),
    });
    assert_eq!(npm(&fake, false).dry_run("npm", &[]), ["npm:fig-mcp", "npm:pear-mcp"]);
    let texts: Vec<String> = fake.seen().iter().map(|asked| asked.ask("text").unwrap().to_owned()).collect();
    assert_eq!(texts, ["keywords:mcp-server", "mcp-server", "mcp server"]);
}

#[test]
fn a_wait_binds_the_next_run_though_this_one_was_killed_in_it() {
    let names: Vec<String> = (0..500).map(|i| format!("pear-{i}-mcp")).collect();
    let asked_before = AtomicUsize::new(0);
    let fake = Fake::start(move |asked| match asked_before.fetch_add(1, Ordering::SeqCst) {
        1 => Reply::html(429).with("Retry-After", "4"),
        _ => search(&names, asked, 10_000),
    });
    let place = npm(&fake, false);
    // Short enough to be waited for: nothing ends the walk but the kill.
    place.setting("patience_seconds", "30");
    let mut command = place.command(&["scan", "--registry", "npm", "--dry-run", "--quiet"]);
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let deadline = Instant::now() + Duration::from_secs(20);
    while fake.seen().len() < 2 && Instant::now() < deadline {
        std::thread::sleep(Duration::from_millis(2));
    }
    // The answer is on its way; a machine that is busy takes a moment to write it down.
    std::thread::sleep(Duration::from_millis(600));
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(place.dry_run("npm", &["--limit", "1000"]).len(), 500);
    let asked = fake.seen();
    let pause = asked[2].at - asked[1].at;
    assert!(pause >= Duration::from_secs(4), "asked again after {pause:?}");
}

/// A feed that can be reset: what changed after a sequence, in pages.
#[derive(Default)]
struct Feed {
    /// Sequence, name, revision, deleted.
    rows: Vec<(u64, String, String, bool)>,
}

impl Feed {
    fn push(&mut self, name: &str, revision: &str, deleted: bool) {
        let sequence = self.rows.iter().map(|row| row.0).max().unwrap_or(0) + 10;
        self.rows.retain(|row| row.1 != name);
        self.rows.push((sequence, name.to_owned(), revision.to_owned(), deleted));
    }

    fn answer(&self, asked: &Seen) -> Reply {
        let since: u64 = asked.ask("since").unwrap().parse().unwrap();
        let newest = self.rows.last().map_or(0, |row| row.0);
        let rows: Vec<&(u64, String, String, bool)> =
            self.rows.iter().filter(|row| row.0 > since).take(asked.number("limit")).collect();
        let last = rows.last().map_or(newest, |row| row.0);
        let results: Vec<Value> = rows
            .iter()
            .map(|(seq, id, rev, deleted)| match deleted {
                true => json!({"seq": seq, "id": id, "deleted": true, "changes": [{"rev": rev}]}),
                false => json!({"seq": seq, "id": id, "changes": [{"rev": rev}]}),
            })
            .collect();
        Reply::json(&json!({"results": results, "last_seq": last}))
    }
}

fn with_feed(feed: &Arc<Mutex<Feed>>, documents: &Arc<Mutex<BTreeSet<String>>>) -> Fake {
    let (feed, documents) = (Arc::clone(feed), Arc::clone(documents));
    Fake::start(move |asked| match asked.path.as_str() {
        "/-/v1/search" => search(&["notes".to_owned(), "pear-1-mcp".to_owned()], asked, 10_000),
        "/registry/_changes" => feed.lock().unwrap().answer(asked),
        path => {
            let name = path.trim_start_matches('/').trim_end_matches("/latest").replace("%2F", "/");
            match documents.lock().unwrap().contains(&name) {
                true => Reply::json(&json!({
                    "name": name, "version": "1.0.0", "bin": {"x": "x.js"},
                    "dependencies": {"@modelcontextprotocol/sdk": "^1"},
                })),
                false => Reply::status(404),
            }
        }
    })
}

#[test]
fn the_feed_is_read_once_then_from_where_it_was_and_anew_after_a_reset() {
    let feed = Arc::new(Mutex::new(Feed::default()));
    let fake = with_feed(&feed, &Arc::default());
    for i in 0..300 {
        let name = if i % 3 == 0 { format!("pear-{i}-mcp") } else { format!("left-pad-{i}") };
        feed.lock().unwrap().push(&name, "1-a", false);
    }
    feed.lock().unwrap().push("notes", "1-a", false);
    feed.lock().unwrap().push("pear-1-mcp", "1-a", false);
    feed.lock().unwrap().push("long-gone-mcp", "2-a", true);
    let place = npm(&fake, true);
    place.setting("feed_page", "40");
    // 101 by their names, and one that the search knows by its keyword alone.
    assert_eq!(place.dry_run("npm", &[]).len(), 102);
    let source = place.source("npm");
    assert_eq!((source["state"].as_str(), source["mark"].as_str()), (Some("complete"), Some("3030")));
    assert_eq!(source["walk"]["ended_by"], "nothing-new");
    fake.take_seen();

    for (name, deleted) in
        [("plum-mcp", false), ("notes", false), ("left-pad-1", false), ("pear-0-mcp", true)]
    {
        feed.lock().unwrap().push(name, "2-b", deleted);
    }
    assert_eq!(place.dry_run("npm", &[]).len(), 102, "one more, one less");
    let asked = fake.take_seen();
    let since: Vec<_> =
        asked.iter().filter(|a| a.path == "/registry/_changes").map(|a| a.ask("since").unwrap()).collect();
    assert_eq!(since, ["3030", "3070"]);
    let walk = &place.source("npm")["walk"];
    assert_eq!((walk["added"].as_u64(), walk["gone"].as_u64()), (Some(1), Some(1)), "{walk}");

    // The registry begins to count anew, and keeps a few less than it had.
    let mut fresh = Feed::default();
    for (_, name, revision, deleted) in feed.lock().unwrap().rows.iter().filter(|row| row.1 != "pear-3-mcp") {
        fresh.push(name, revision, *deleted);
    }
    for row in &mut fresh.rows {
        row.0 /= 10;
    }
    *feed.lock().unwrap() = fresh;
    assert_eq!(place.dry_run("npm", &[]).len(), 101);
    let walk = &place.source("npm")["walk"];
    assert_eq!((walk["kind"].as_str(), walk["gone"].as_u64()), (Some("full"), Some(1)));
    assert!(walk["note"].as_str().unwrap().contains("ran backwards"), "{walk}");
}

#[test]
fn a_reset_that_only_the_end_of_the_feed_tells_of_is_seen() {
    let (end, names) = (Arc::new(AtomicUsize::new(5_000)), ["pear-mcp", "fig-mcp"]);
    let fake = {
        let end = Arc::clone(&end);
        Fake::start(move |asked| {
            let end = end.load(Ordering::SeqCst);
            match asked.path.as_str() {
                "/registry/" | "/registry" => Reply::json(&json!({"db_name": "registry", "update_seq": end})),
                "/registry/_changes" => {
                    // From beyond its end it answers with nothing, and with what it was asked.
                    let since = asked.number("since");
                    let rows: Vec<Value> = names
                        .iter()
                        .enumerate()
                        .map(|(i, name)| (end - 1 + i, name))
                        .filter(|(seq, _)| *seq > since)
                        .map(|(seq, name)| json!({"seq": seq, "id": name, "changes": [{"rev": format!("1-{end}")}]}))
                        .collect();
                    let last = if rows.is_empty() { since } else { end };
                    Reply::json(&json!({"results": rows, "last_seq": last}))
                }
                _ => search(&[], asked, 10_000),
            }
        })
    };
    let place = npm(&fake, true);
    assert_eq!(place.dry_run("npm", &[]).len(), 2);
    assert_eq!(place.source("npm")["mark"], "5000");
    end.store(70, Ordering::SeqCst);
    assert_eq!(place.dry_run("npm", &[]).len(), 2);
    let source = place.source("npm");
    assert_eq!(
        (source["mark"].as_str(), source["walk"]["kind"].as_str()),
        (Some("70"), Some("full")),
        "{source}"
    );
    assert_eq!(source["gone"], 0);
}

#[test]
fn a_claim_that_a_package_is_deleted_is_checked_by_its_own_document() {
    let feed = Arc::new(Mutex::new(Feed::default()));
    let documents: Arc<Mutex<BTreeSet<String>>> = Arc::default();
    let fake = with_feed(&feed, &documents);
    for i in 0..40 {
        feed.lock().unwrap().push(&format!("pear-{i}-mcp"), "1-a", false);
        documents.lock().unwrap().insert(format!("pear-{i}-mcp"));
    }
    documents.lock().unwrap().insert("notes".to_owned());
    let place = npm(&fake, true);
    place.setting("documents_a_run", "1000");
    assert_eq!(place.dry_run("npm", &[]).len(), 41);
    for name in ["pear-3-mcp", "pear-4-mcp"] {
        feed.lock().unwrap().push(name, "2-b", true);
    }
    documents.lock().unwrap().remove("pear-4-mcp");
    let found = place.dry_run("npm", &[]);
    assert!(
        found.contains(&"npm:pear-3-mcp".to_owned()) && !found.contains(&"npm:pear-4-mcp".to_owned()),
        "{found:?}"
    );
}

#[test]
fn a_search_and_a_feed_killed_at_twenty_points_find_what_a_calm_walk_finds() {
    let feed = Arc::new(Mutex::new(Feed::default()));
    for i in 0..60 {
        feed.lock().unwrap().push(&format!("pear-{i}-mcp"), "1-a", false);
    }
    let names: Vec<String> = (40..80).map(|i| format!("pear-{i}-mcp")).collect();
    let held = Arc::clone(&feed);
    let fake = Fake::start(move |asked| {
        std::thread::sleep(std::time::Duration::from_millis(15));
        match asked.path.as_str() {
            "/-/v1/search" => search(&names, asked, 10_000),
            "/registry/_changes" => held.lock().unwrap().answer(asked),
            _ => Reply::status(404),
        }
    });
    let place = npm(&fake, true);
    place.setting("search_page", "4");
    place.setting("feed_page", "3");
    place.kill_twenty_times("npm", &fake);
    assert_eq!(place.dry_run("npm", &[]).len(), 80);
    let db = place.db();
    let of = |sql: &str| db.query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap();
    // Two queries of ten pages each, twenty pages of the feed and the empty one.
    assert_eq!(of("SELECT sum(pages) FROM walks WHERE kind = 'full'"), 41);
    assert_eq!(of("SELECT sum(added) FROM walks"), 80);
}

#[test]
fn nothing_is_scanned_while_the_registry_wants_to_be_left_alone() {
    let names = ["pear-mcp".to_owned()];
    let fake = Fake::start(move |asked| match asked.path.as_str() {
        "/-/v1/search" => search(&names, asked, 10_000),
        _ => Reply::status(429).with("Retry-After", "3000"),
    });
    let place = npm(&fake, false);
    place.setting("documents_a_run", "10");
    let output = place.run(&["scan", "--registry", "npm", "--sandbox", "none"]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && said.contains("nothing was scanned"), "{said}");
    assert_eq!(fake.seen().iter().filter(|asked| asked.path.contains("pear-mcp")).count(), 1);
}

#[test]
fn likely_servers_come_first_and_nobody_is_left_out() {
    let names: Vec<String> =
        ["pear-mcp-client", "@a/pear-mcp", "pear-mcp-server", "pear-mcp"].map(str::to_owned).into();
    let fake = Fake::start(move |asked| match asked.path.as_str() {
        "/-/v1/search" => search(&names, asked, 10_000),
        "/pear-mcp/latest" => Reply::json(&json!({
            "version": "1.0.0", "bin": {"pear": "x.js"}, "mcpName": "example.pears/pear",
            "dependencies": {"@modelcontextprotocol/sdk": "^1"},
        }))
        .with("ETag", "\"1\""),
        "/@a%2Fpear-mcp/latest" => Reply::json(&json!({"version": "1.0.0", "bin": {"pear": "x.js"}})),
        "/pear-mcp-client/latest" => {
            Reply::json(&json!({"version": "1.0.0", "dependencies": {"@modelcontextprotocol/sdk": "^1"}}))
        }
        // A broken document is its own affair.
        _ => Reply::html(200),
    });
    let place = npm(&fake, false);
    place.setting("documents_a_run", "1000");
    assert_eq!(
        place.dry_run("npm", &[]),
        ["npm:pear-mcp", "npm:@a/pear-mcp", "npm:pear-mcp-server", "npm:pear-mcp-client"]
    );
}

#[test]
fn without_a_registry_the_line_to_write_is_named() {
    let place = Place::new("[registries]\npypi = \"http://127.0.0.1:9/simple/\"\n");
    let mut command = place.command(&["scan", "--registry", "npm", "--dry-run"]);
    // No npm, and no other client that could tell.
    command
        .env("PATH", place.path("nowhere"))
        .env_remove("npm_config_registry")
        .env_remove("NPM_CONFIG_REGISTRY");
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let line = "registries.npm = \"https://…/\"";
    assert!(!output.status.success() && said.contains(line), "{said}");
    // The line is one that the file takes.
    let path = place.path("catalogue.toml");
    std::fs::write(&path, line.replace("…", "r.example")).unwrap();
    catalogue::config::Config::read(&path).unwrap();
}
