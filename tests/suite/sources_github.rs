//! Walks through a GitHub on loopback: slices under its cap, its limits, its manifests, and a token that goes nowhere else.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::github_fake::{Hub, Repo, time};
use crate::sources_fake::{Fake, Place, Reply, Seen};

const TOKEN: &str = "s3cret-of-a-test";

/// `ann/pear-0` to `ann/pear-N`, created ever more often up to a day in 2026.
fn repos(count: usize) -> Vec<Repo> {
    let of = |i: usize| {
        let left = i64::try_from(count - i).unwrap();
        let created = 1_767_225_600 - left * left * 11;
        Repo {
            name: format!("ann/pear-{i}"),
            created,
            pushed: created + 60,
            topics: vec!["mcp-server"],
            ..Repo::default()
        }
    };
    (0..count).map(of).collect()
}

fn place(fake: &Fake) -> Place {
    let place = Place::new(&format!("[sources.github]\naddress = \"{}\"\n", fake.url));
    place.setting("queries", r#"["topic:mcp-server"]"#);
    place
}

fn is_search(asked: &Seen) -> bool {
    asked.path == "/search/repositories"
}

#[test]
fn each_folder_that_a_workspace_names_is_a_candidate() {
    let mut all = repos(3);
    let sdk = |name: &str, private: bool| {
        json!({"name": name, "private": private, "dependencies": {"@modelcontextprotocol/sdk": "1"}})
            .to_string()
    };
    all[0].files.extend([
        (
            "package.json",
            json!({"name": "orchard", "private": true, "workspaces": ["packages/*", "tools/press"]})
                .to_string(),
        ),
        ("packages/pear/package.json", sdk("@orchard/pear-mcp", false)),
        ("packages/plum/package.json", sdk("plum", true)),
        ("packages/notes.md", "x".to_owned()),
        ("tools/press/server.json", json!({"name": "io.github.ann/press"}).to_string()),
        ("elsewhere/package.json", sdk("elsewhere", true)),
    ]);
    all[1].files.extend([
        (
            "pyproject.toml",
            "[tool.uv.workspace]\nmembers = [\"src/*-mcp\"]\nexclude = [\"src/old-mcp\"]\n".to_owned(),
        ),
        (
            "src/fig-mcp/pyproject.toml",
            "[project]\nname = \"fig-mcp\"\ndependencies = [\"mcp\"]\n".to_owned(),
        ),
        ("src/old-mcp/pyproject.toml", "[project]\nname = \"old-mcp\"\n".to_owned()),
        ("src/library/pyproject.toml", "[project]\nname = \"library\"\n".to_owned()),
    ]);
    let server = json!({"name": "io.github.ann/two", "repository": {"url": "https://github.com/ann/pear-2", "subfolder": "pkgs/two"}});
    all[2].files.extend([("server.json", server.to_string()), ("pkgs/two/main.go", "x".to_owned())]);
    let hub = Hub::new(all);
    let fake = Fake::start(move |asked| hub.answer(asked));
    let place = place(&fake).with_env("GITHUB_TOKEN", TOKEN);
    let found: BTreeSet<String> = place.dry_run("github", &[]).into_iter().collect();
    let expected = [
        "github:ann/pear-0/packages/plum",
        "github:ann/pear-0/tools/press",
        "github:ann/pear-2/pkgs/two",
        "npm:@orchard/pear-mcp",
        "pypi:fig-mcp",
    ];
    assert!(found.iter().map(String::as_str).eq(expected), "{found:?}");
    assert_eq!(fake.most_at_once(), 1);
    // The folder's manifest names the package: that is what ties it to its place in the repository.
    let record: String = place
        .db()
        .query_row("SELECT record FROM listings WHERE name = 'ann/pear-0'", [], |row| row.get(0))
        .unwrap();
    let record: Value = serde_json::from_str(&record).unwrap();
    assert_eq!(record["manifests"]["packages/pear/package.json"]["name"], "@orchard/pear-mcp");
}

#[test]
fn a_folder_whose_package_is_not_published_stands_for_itself() {
    let mut all = repos(1);
    all[0].files.extend([
        ("package.json", json!({"private": true, "workspaces": ["packages/*"]}).to_string()),
        ("packages/pear/package.json", json!({"name": "pear-mcp"}).to_string()),
        ("packages/plum/package.json", json!({"name": "plum-mcp"}).to_string()),
    ]);
    let hub = Hub::new(all);
    let fake = Fake::start(move |asked| match asked.path.as_str() {
        "/pear-mcp/latest" => Reply::json(&json!({"name": "pear-mcp", "version": "1.0.0", "bin": "x.js"})),
        _ => hub.answer(asked),
    });
    let url = &fake.url;
    let place = Place::new(&format!(
        "[registries]\nnpm = \"{url}\"\npypi = \"{url}simple/\"\n[sources.github]\naddress = \"{url}\"\n"
    ));
    place.setting("queries", r#"["topic:mcp-server"]"#);
    place.setting("documents_a_run", "10");
    let place = place.with_env("GITHUB_TOKEN", TOKEN);
    let found: BTreeSet<String> = place.dry_run("github", &[]).into_iter().collect();
    assert!(
        found.iter().map(String::as_str).eq(["github:ann/pear-0/packages/plum", "npm:pear-mcp"]),
        "{found:?}"
    );
}

#[test]
fn a_whole_walk_is_due_again_after_some_days_and_sees_what_no_push_tells() {
    let mut all = repos(40);
    all[39].topics.clear();
    let hub = Hub::new(all);
    let held = hub.clone();
    let fake = Fake::start(move |asked| held.answer(asked));
    let place = place(&fake).with_env("GITHUB_TOKEN", TOKEN);
    assert_eq!(place.dry_run("github", &[]).len(), 39);
    let first = place.source("github");
    assert_eq!(first["whole_walk"]["ended_by"], "absent-cursor");
    assert!(first["whole_walk_due"].as_str().is_some(), "{first}");
    // A topic without a push, and one that vanishes: no walk for changes sees either.
    hub.0.lock().unwrap()[39].topics.push("mcp-server");
    hub.0.lock().unwrap()[5].topics.clear();
    assert_eq!(place.dry_run("github", &[]).len(), 39);
    let source = place.source("github");
    assert_eq!((&source["walk"]["kind"], &source["whole_walk"]["kind"]), (&json!("changes"), &json!("full")));
    let db = catalogue::store::Connection::open(place.path("var/catalogue.db")).unwrap();
    let long_ago = || db.execute("UPDATE walks SET ended_at = '2026-01-01T00:00:00.000Z'", []).unwrap();
    long_ago();
    let found = place.dry_run("github", &[]);
    assert!(
        found.contains(&"github:ann/pear-39".to_owned()) && !found.contains(&"github:ann/pear-5".to_owned())
    );
    let source = place.source("github");
    assert_eq!((&source["walk"]["kind"], &source["walk"]["gone"]), (&json!("full"), &json!(1)));
    // More than a tenth at once is not believed, and the next run looks again.
    hub.0.lock().unwrap().iter_mut().take(20).for_each(|repo| repo.topics.clear());
    long_ago();
    let kept = place.dry_run("github", &[]).len();
    assert_eq!(kept, 39);
    for _ in 0..2 {
        let source = place.source("github");
        assert_eq!((&source["walk"]["kind"], &source["walk"]["gone"]), (&json!("full"), &json!(0)));
        assert!(source["walk"]["frozen"].as_u64().unwrap() >= 19, "{source}");
        place.dry_run("github", &[]);
    }
    assert!(place.dry_run("github", &["--accept-shrink"]).len() < 25);
}

#[test]
fn every_repository_of_a_topic_is_found_and_then_only_what_was_pushed_since() {
    let mut all = repos(2500);
    all[7]
        .files
        .insert("package.json", json!({"name": "pear-seven-mcp", "bin": {"pear": "x.js"}}).to_string());
    all[8].files.insert("pyproject.toml", "[project]\nname = \"pear-eight\"\n".to_owned());
    let server = json!({"name": "io.github.ann/nine", "packages": [{"registryType": "npm", "identifier": "pear-nine"}]});
    all[9].files.insert("server.json", server.to_string());
    let hub = Hub::new(all);
    let held = hub.clone();
    let fake = Fake::start(move |asked| held.answer(asked));
    let place = place(&fake).with_env("GITHUB_TOKEN", TOKEN);
    let found = place.dry_run("github", &[]);
    assert_eq!(found.len(), 2500);
    for key in ["npm:pear-seven-mcp", "pypi:pear-eight", "npm:pear-nine", "github:ann/pear-10"] {
        assert!(found.iter().any(|known| known == key), "{key}");
    }
    assert_eq!(place.names("github").len(), 2500);
    let asked = fake.take_seen();
    assert!(asked.iter().filter(|a| is_search(a)).all(|a| a.number("page") <= 10), "nothing beyond the cap");
    assert!(asked.len() < 110, "{}", asked.len());
    assert_eq!(fake.most_at_once(), 1);
    assert!(asked.iter().all(|a| a.header("authorization") == Some(&format!("Bearer {TOKEN}"))));
    let source = place.source("github");
    assert_eq!(
        (source["state"].as_str(), source["walk"]["ended_by"].as_str(), source["note"].as_str()),
        (Some("complete"), Some("absent-cursor"), None)
    );
    let record: String = place
        .db()
        .query_row("SELECT record FROM listings WHERE name = 'ann/pear-7'", [], |row| row.get(0))
        .unwrap();
    let record: Value = serde_json::from_str(&record).unwrap();
    assert_eq!((record["id"].as_u64(), record["fork"].as_bool()), (Some(8), Some(false)));
    assert_eq!(record["manifests"]["package.json"]["name"], "pear-seven-mcp");

    let now = jiff::Timestamp::now().as_second();
    hub.0.lock().unwrap()[3].pushed = now;
    hub.0.lock().unwrap().push(Repo {
        name: "ann/new".into(),
        created: now - 60,
        pushed: now,
        topics: vec!["mcp-server"],
        ..Repo::default()
    });
    assert_eq!(place.dry_run("github", &[]).len(), 2501);
    let again = fake.take_seen();
    assert!(
        again.len() <= 3
            && again.iter().filter(|a| is_search(a)).all(|a| a.ask("q").unwrap().contains("pushed:>="))
    );
    let walk = &place.source("github")["walk"];
    assert_eq!(
        (walk["kind"].as_str(), walk["added"].as_u64(), walk["changed"].as_u64(), walk["seen"].as_u64()),
        (Some("changes"), Some(1), Some(1), Some(2))
    );
    // Wherever it is kept, it is not kept here.
    for file in ["var/catalogue.db", "var/catalogue.db-wal"] {
        let bytes = std::fs::read(place.path(file)).unwrap_or_default();
        assert!(!bytes.windows(TOKEN.len()).any(|window| window == TOKEN.as_bytes()), "{file}");
    }
}

#[test]
fn without_a_token_the_manifests_are_not_read_and_with_one_they_are_made_up_for() {
    let mut all = repos(30);
    all[7].files.insert("package.json", json!({"name": "pear-seven-mcp"}).to_string());
    let hub = Hub::new(all);
    let fake = Fake::start(move |asked| hub.answer(asked));
    let place = place(&fake);
    let found = place.dry_run("github", &[]);
    assert!(found.len() == 30 && found.contains(&"github:ann/pear-7".to_owned()));
    assert!(fake.take_seen().iter().all(|a| is_search(a) && a.header("authorization").is_none()));
    let source = place.source("github");
    assert_eq!(source["state"], "incomplete");
    assert!(source["note"].as_str().unwrap().contains("GITHUB_TOKEN"), "{source}");

    // A variable that catalogue.toml names goes before the others.
    let mut config = std::fs::read_to_string(place.path("catalogue.toml")).unwrap();
    config.push_str("token_env = \"PEAR_TOKEN\"\n");
    std::fs::write(place.path("catalogue.toml"), config).unwrap();
    let place = place.with_env("PEAR_TOKEN", TOKEN).with_env("GITHUB_TOKEN", "another");
    let found = place.dry_run("github", &[]);
    assert!(found.len() == 30 && found.contains(&"npm:pear-seven-mcp".to_owned()));
    let asked = fake.take_seen();
    assert!(asked.iter().all(|a| a.header("authorization") == Some(&format!("Bearer {TOKEN}"))));
    assert_eq!(place.source("github")["state"], "complete");
}

#[test]
fn a_token_that_is_not_known_is_named_by_its_variable() {
    let fake = Fake::start(|_| Reply::json(&json!({"message": "Bad credentials"})).under(401));
    let place = place(&fake).with_env("GH_TOKEN", TOKEN);
    let output = place.run(&["-vv", "scan", "--registry", "github", "--dry-run"]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && said.contains("token of GH_TOKEN"), "{said}");
    assert!(!said.contains(TOKEN), "{said}");
}

#[test]
fn a_token_does_not_follow_a_redirect_to_another_host() {
    let other =
        Fake::start(|_| Reply::json(&json!({"total_count": 0, "incomplete_results": false, "items": []})));
    let elsewhere = format!("{}search/repositories?q=created:x", other.url);
    let fake = Fake::start(move |_| Reply::status(302).with("Location", &elsewhere));
    let place = place(&fake).with_env("GITHUB_TOKEN", TOKEN);
    place.dry_run("github", &[]);
    assert!(!other.seen().is_empty());
    assert!(other.seen().iter().all(|asked| asked.header("authorization").is_none()));
    assert!(fake.seen().iter().all(|asked| asked.header("authorization").is_some()));
}

/// How GitHub says that it has had enough.
type Limit = Box<dyn Fn(&Hub, &Seen) -> Reply + Send + Sync>;

#[test]
fn nothing_is_asked_while_a_limit_holds_however_it_is_said() {
    let soon = || (jiff::Timestamp::now().as_second() + 1).to_string();
    let used_up =
        move |reply: Reply| reply.with("x-ratelimit-remaining", "0").with("x-ratelimit-reset", &soon());
    let words = || {
        Reply::json(
            &json!({"message": "You have exceeded a secondary rate limit. Please wait a few minutes."}),
        )
    };
    // On which request it comes, and for how long at least.
    let limits: [(&str, usize, u64, Limit); 6] = [
        ("429 with a time", 1, 2000, Box::new(|_, _| Reply::status(429).with("Retry-After", "2"))),
        ("403 with a time", 2, 2000, Box::new(|_, _| Reply::status(403).with("Retry-After", "2"))),
        ("403 in words alone", 1, 1000, Box::new(move |_, _| words().under(403))),
        ("403 with its limit used up", 1, 1000, Box::new(move |_, _| used_up(Reply::status(403)))),
        ("200 with its limit used up", 1, 1000, Box::new(move |hub, asked| used_up(hub.answer(asked)))),
        (
            "200 with an error in it",
            2,
            1000,
            Box::new(|_, _| {
                Reply::json(
                    &json!({"errors": [{"type": "RATE_LIMITED", "message": "API rate limit exceeded"}]}),
                )
            }),
        ),
    ];
    std::thread::scope(|scope| {
        for (name, at, least, limit) in limits {
            scope.spawn(move || {
                let hub = Hub::new(repos(8));
                let (count, held) = (AtomicUsize::new(0), Arc::new(Mutex::new(None)));
                let until = Arc::clone(&held);
                let fake = Fake::start(move |asked| {
                    if count.fetch_add(1, Ordering::SeqCst) + 1 == at {
                        *until.lock().unwrap() = Some(Instant::now() + Duration::from_millis(least));
                        return limit(&hub, asked);
                    }
                    hub.answer(asked)
                });
                let place = place(&fake).with_env("GITHUB_TOKEN", TOKEN);
                place.setting("page_size", "4");
                assert_eq!(place.dry_run("github", &[]).len(), 8, "{name}");
                let until = held.lock().unwrap().unwrap();
                let asked = fake.seen();
                assert!(asked.len() > at, "{name}");
                assert!(asked[at].at >= until - Duration::from_millis(20), "{name}: asked inside the window");
                assert_eq!(fake.most_at_once(), 1, "{name}");
            });
        }
    });
}

#[test]
fn a_long_limit_ends_the_walk_and_holds_for_the_next_run() {
    let hub = Hub::new(repos(10));
    let fake = Fake::start(move |asked| {
        let reset = (jiff::Timestamp::now().as_second() + 3000).to_string();
        match asked.number("page") {
            2 => Reply::status(403).with("x-ratelimit-remaining", "0").with("x-ratelimit-reset", &reset),
            _ => hub.answer(asked),
        }
    });
    let place = place(&fake);
    place.setting("page_size", "5");
    assert_eq!(place.dry_run("github", &[]).len(), 5);
    assert_eq!(place.dry_run("github", &[]).len(), 5);
    assert_eq!(fake.seen().len(), 2, "the second run asks nothing");
    let source = place.source("github");
    assert_eq!(source["state"], "under-way");
    assert!(source["asked_not_before"].is_string());
}

#[test]
fn a_walk_killed_at_twenty_points_finds_what_a_calm_one_finds() {
    let hub = Hub::new(repos(120));
    let fake = Fake::start(move |asked| {
        std::thread::sleep(Duration::from_millis(10));
        hub.answer(asked)
    });
    let place = place(&fake).with_env("GITHUB_TOKEN", TOKEN);
    place.setting("page_size", "5");
    place.setting("result_cap", "20");
    place.kill_twenty_times("github", &fake);
    assert_eq!(place.dry_run("github", &[]).len(), 120);
    assert_eq!(place.names("github").len(), 120);
    let db = place.db();
    let of = |sql: &str| db.query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap();
    assert_eq!(of("SELECT sum(added) FROM walks"), 120);
    assert_eq!(of("SELECT count(*) FROM walks WHERE kind = 'full'"), 1);
}

#[test]
fn a_search_that_was_cut_short_is_asked_again_and_then_in_smaller_slices() {
    let hub = Hub::new(repos(20));
    let first = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&first);
    let fake = Fake::start(move |asked| {
        let reply = hub.answer(asked);
        // The whole of time is too much for it.
        let is_wide = asked.ask("q").unwrap_or_default().contains("created:2008-01-01T00:00:00Z..202");
        if !is_wide || !is_search(asked) {
            return reply;
        }
        count.fetch_add(1, Ordering::SeqCst);
        let mut body: Value = serde_json::from_slice(&reply.body).unwrap();
        body["incomplete_results"] = json!(true);
        body["items"].as_array_mut().unwrap().truncate(2);
        Reply::json(&body)
    });
    let place = place(&fake);
    assert_eq!(place.dry_run("github", &[]).len(), 20);
    assert_eq!(first.load(Ordering::SeqCst), 3);
    assert_eq!(place.source("github")["walk"]["ended_by"], "absent-cursor");
}

#[test]
fn one_second_above_the_cap_is_read_as_far_as_it_goes_and_said() {
    let all = (0..30).map(|i| Repo {
        name: format!("ann/pear-{i}"),
        created: 1_700_000_000,
        pushed: 1_700_000_000,
        topics: vec!["mcp-server"],
        ..Repo::default()
    });
    let hub = Hub::new(all.collect());
    let fake = Fake::start(move |asked| hub.answer(asked));
    let place = place(&fake);
    place.setting("page_size", "5");
    place.setting("result_cap", "20");
    assert_eq!(place.dry_run("github", &[]).len(), 20);
    let source = place.source("github");
    assert_eq!(
        (source["state"].as_str(), source["walk"]["ended_by"].as_str()),
        (Some("incomplete"), Some("cap"))
    );
    assert!(source["walk"]["note"].as_str().unwrap().contains("30 repositories"), "{source}");
}

#[test]
fn forks_and_archived_ones_come_last_and_what_is_not_published_is_scanned_where_it_lies() {
    let mut all = repos(4);
    all[0].fork = true;
    all[0].files.insert("package.json", json!({"name": "pear-published"}).to_string());
    all[1].archived = true;
    all[1].files.insert("package.json", json!({"name": "pear-never-published", "bin": "x.js"}).to_string());
    for (at, name) in [(2, "pear-published"), (3, "pear-unpublished")] {
        all[at].files.insert("package.json", json!({"name": name, "bin": "x.js"}).to_string());
    }
    let hub = Hub::new(all);
    let fake = Fake::start(move |asked| match asked.path.as_str() {
        "/npm/pear-published/latest" => Reply::json(&json!({"version": "1.0.0", "bin": {"pear": "x.js"}})),
        path if path.starts_with("/npm/") => Reply::status(404),
        _ => hub.answer(asked),
    });
    let url = &fake.url;
    let place = Place::new(&format!(
        "[registries]\nnpm = \"{url}npm/\"\npypi = \"{url}simple/\"\n[sources.github]\naddress = \"{url}\"\n"
    ))
    .with_env("GITHUB_TOKEN", TOKEN);
    place.setting("queries", r#"["topic:mcp-server"]"#);
    place.setting("documents_a_run", "1000");
    let found = place.dry_run("github", &[]);
    let last: BTreeSet<&str> = found[2..].iter().map(String::as_str).collect();
    assert_eq!(found.len(), 4, "{found:?}");
    assert!(
        found[..2].contains(&"npm:pear-published".to_owned())
            && found[..2].contains(&"github:ann/pear-3".to_owned()),
        "{found:?}"
    );
    assert_eq!(last, BTreeSet::from(["github:ann/pear-0", "github:ann/pear-1"]));
    assert_eq!(place.dry_run("github", &["--limit", "1"]).len(), 1);
}

#[test]
fn since_reads_what_was_pushed_since_and_moves_nothing() {
    let mut all = repos(20);
    for repo in all.iter_mut().take(3) {
        repo.pushed = 1_772_323_200;
    }
    let hub = Hub::new(all);
    let fake = Fake::start(move |asked| hub.answer(asked));
    let place = place(&fake);
    assert_eq!(place.dry_run("github", &["--since", "2026-02-01"]).len(), 3);
    assert!(fake.seen()[0].ask("q").unwrap().contains(&format!("pushed:>={}", time(1_769_904_000))));
    assert_eq!(place.source("github")["mark"], Value::Null);
    let output = place.run(&["scan", "--registry", "github", "--since", "yesterday"]);
    assert_eq!(output.status.code(), Some(2));
}
