//! What changed, told from stored history: every kind of event, the feed, and that nobody's text breaks out of it.

use catalogue::model::{Outcome, SeenTool, ToolDefinition};
use catalogue::store::Store;
use jiff::SignedDuration;

use super::{build_from, hostile, options};
use crate::sample;

/// Stores an answer with tools of these names and descriptions, so many days after the first.
fn answer(store: &mut Store, key: &str, version: &str, day: i64, tools: &[(&str, &str)]) {
    let release = sample::release(key, version);
    let now = sample::start() + SignedDuration::from_hours(24 * day);
    let outcome = if tools.is_empty() { Outcome::Crashed } else { Outcome::Ok };
    let mut found = sample::probe(&release, outcome, &[], now);
    for (name, description) in tools {
        let raw = serde_json::json!({"name": name, "description": description}).to_string();
        let hash = ToolDefinition::from_json(&raw).unwrap().hash().clone();
        found.tools.push(SeenTool { hash, name: (*name).into(), raw });
    }
    sample::store_probe(store, &release, &Default::default(), &found);
}

fn changes(
    store: Store,
    folder: &std::path::Path,
    db: &std::path::Path,
) -> (serde_json::Value, String, String) {
    drop(store);
    let out = folder.join("dist");
    assert_eq!(build_from(db, &options(&out)).unwrap().problems, Some(vec![]));
    let read = |name: &str| std::fs::read_to_string(out.join(name)).unwrap();
    (serde_json::from_str(&read("changes.json")).unwrap(), read("changes.atom"), read("report.html"))
}

fn names(event: &serde_json::Value, kind: &str) -> Vec<String> {
    event[kind]["list"]
        .as_array()
        .unwrap()
        .iter()
        .map(|tool| tool["name"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn tools_that_came_went_and_changed_are_told_beside_the_answer_before() {
    let (folder, db, mut store) = sample::empty();
    // Long before the thirty days: not told, but what comes later is compared with it.
    answer(&mut store, "npm:a", "1.0", 0, &[("stays", "s"), ("goes", "g"), ("changes", "Looks at it.")]);
    answer(
        &mut store,
        "npm:a",
        "1.1",
        60,
        &[("stays", "s"), ("comes", "c"), ("changes", "Deletes all files for good.")],
    );
    answer(
        &mut store,
        "npm:a",
        "1.2",
        61,
        &[("stays", "s"), ("comes", "c"), ("changes", "Deletes all files for good.")],
    );
    answer(&mut store, "npm:b", "1.0", 62, &[("one", "1"), ("two", "2")]);
    answer(&mut store, "npm:b", "1.1", 63, &[]);
    answer(&mut store, "npm:b", "1.2", 64, &[]);
    answer(&mut store, "npm:never", "1.0", 64, &[]);
    let (json, feed, report) = changes(store, folder.path(), &db);
    let events = json["events"].as_array().unwrap();
    let kinds: Vec<&str> = events.iter().map(|event| event["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["silent", "answered", "listed"], "{json}");
    let listed = &events[2];
    assert_eq!((&listed["before"], &listed["version"]), (&"1.0".into(), &"1.1".into()));
    assert_eq!(
        (names(listed, "added"), names(listed, "removed")),
        (vec!["comes".into()], vec!["goes".into()])
    );
    assert_eq!(names(listed, "changed"), ["changes"]);
    assert_eq!(events[1]["tools"], 2);
    let counts = &json["counts"];
    for (what, count) in [
        ("events", 3),
        ("new_servers", 1),
        ("new_servers_tools", 2),
        ("added", 1),
        ("removed", 1),
        ("changed", 1),
        ("silent", 1),
    ] {
        assert_eq!(counts[what], count, "{what}");
    }
    assert!(report.contains("Servers that fell silent</th><td class=\"number\">1</td>"));
    assert_eq!(feed.matches("<entry>").count(), 3);
    assert!(feed.contains("<updated>2026-05-03T"), "{feed}");
    let mut ids: Vec<&str> =
        feed.split("<id>").skip(1).map(|rest| rest.split_once("</id>").unwrap().0).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 4, "every entry has an id of its own");
}

#[test]
fn an_event_of_more_tools_than_are_named_says_how_many_there_are() {
    let (folder, db, mut store) = sample::empty();
    let many: Vec<String> = (0..25).map(|number| format!("tool_{number:02}")).collect();
    let tools = |description: &'static str| -> Vec<(&str, &str)> {
        many.iter().map(|name| (name.as_str(), description)).collect()
    };
    answer(&mut store, "npm:a", "1.0", 0, &[("x", "x")]);
    answer(&mut store, "npm:a", "1.1", 1, &[tools("Looks."), vec![("x", "x")]].concat());
    answer(&mut store, "npm:a", "1.2", 2, &[tools("Looks at it."), vec![("x", "x")]].concat());
    answer(&mut store, "npm:a", "1.3", 3, &[("x", "x")]);
    let (json, ..) = changes(store, folder.path(), &db);
    let events = json["events"].as_array().unwrap();
    for (event, kind) in events.iter().zip(["removed", "changed", "added"]) {
        assert_eq!((&event[kind]["count"], names(event, kind).len()), (&25.into(), 20), "{kind}");
    }
    let page = std::fs::read_to_string(folder.path().join("dist/changes.html")).unwrap();
    assert_eq!(page.matches(" and 5 more</p>").count(), 3, "{page}");
}

#[test]
fn a_correction_is_told_with_the_risk_that_follows_from_it() {
    use catalogue::model::{Class, Risk, Verdict};
    let (folder, db, mut store) = sample::empty();
    answer(&mut store, "npm:a", "1.0", 0, &[("one", "1")]);
    let raw = serde_json::json!({"name": "one", "description": "1"}).to_string();
    let hash = ToolDefinition::from_json(&raw).unwrap().hash().clone();
    let read = Verdict {
        class: Class::Read,
        risk: Risk::Low,
        signals: vec![],
        confidence: 0.9,
        needs_review: false,
        evidence: vec![],
    };
    let rules = super::rules();
    store.add_verdicts(rules.hash(), &[(hash.clone(), read)], sample::start()).unwrap();
    drop(store);
    rusqlite::Connection::open(&db)
        .unwrap()
        .execute(
            "INSERT INTO overrides (server_key, tool, definition_hash, class, who, why, made_at)
             VALUES ('npm:a', 'one', ?1, 'destructive', 'A', 'B', '2030-01-01T00:00:00Z')",
            [hash.as_str()],
        )
        .unwrap();
    let (json, ..) = changes(Store::open(&db).unwrap(), folder.path(), &db);
    let tool = &json["events"][0]["changed"]["list"][0];
    assert_eq!(
        (&tool["is"][0]["id"], &tool["is"][1]["id"]),
        (&"destructive".into(), &"critical".into()),
        "{json}"
    );
}

#[test]
fn the_feed_in_json_has_what_the_other_one_has() {
    let (folder, db, mut store) = sample::empty();
    answer(&mut store, "npm:a", "1.0", 0, &[("x", "x")]);
    let tools: Vec<(&str, &str)> = hostile::NAMES.iter().map(|name| (*name, "d")).collect();
    answer(&mut store, "npm:a", "1.1", 1, &tools);
    let (_, atom, _) = changes(store, folder.path(), &db);
    let text = std::fs::read_to_string(folder.path().join("dist/feed.json")).unwrap();
    let feed: serde_json::Value = serde_json::from_str(&text).unwrap();
    // Source: jsonfeed.org/version/1.1.
    assert_eq!(feed["version"], "https://jsonfeed.org/version/1.1");
    let items = feed["items"].as_array().unwrap();
    assert_eq!(items.len(), atom.matches("<entry>").count());
    for item in items {
        assert!(atom.contains(&format!("<id>{}</id>", item["id"].as_str().unwrap())));
        assert!(item["date_published"].as_str().unwrap().parse::<jiff::Timestamp>().is_ok());
        assert!(
            !item["title"].as_str().unwrap().is_empty() && !item["content_text"].as_str().unwrap().is_empty()
        );
    }
    assert!(items[0]["title"].as_str().unwrap().contains("16 tools added, 1 tool removed"), "{feed}");
}

#[test]
fn names_that_attack_stay_text_in_the_feed() {
    let (folder, db, mut store) = sample::empty();
    answer(&mut store, "npm:a", "1.0", 0, &[("x", "x")]);
    let tools: Vec<(&str, &str)> = hostile::NAMES.iter().map(|name| (*name, "d")).collect();
    answer(&mut store, "npm:a", "1.1", 1, &tools);
    let (_, feed, _) = changes(store, folder.path(), &db);
    let ours = [
        "?xml",
        "feed",
        "/feed",
        "id",
        "/id",
        "title",
        "/title",
        "updated",
        "/updated",
        "author",
        "/author",
        "name",
        "/name",
        "generator",
        "/generator",
        "link",
        "entry",
        "/entry",
        "category",
        "summary",
        "/summary",
    ];
    for tag in feed.split('<').skip(1) {
        let name = tag.split([' ', '>']).next().unwrap();
        assert!(ours.contains(&name), "<{name}: {feed}");
    }
    for after in feed.split('&').skip(1) {
        let known = ["amp;", "lt;", "gt;", "quot;", "#39;", "#x27;", "#x2F;"];
        assert!(known.iter().any(|entity| after.starts_with(entity)), "&{after}");
    }
    let legal = |c: char| matches!(c, '\n' | '\u{20}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..);
    assert!(feed.chars().all(legal) && !feed.contains('\u{202e}'));
    assert!(feed.contains("16 tools added, 1 tool removed"), "{feed}");
}

#[test]
fn other_rules_are_told_with_the_tools_that_they_judge_otherwise() {
    use catalogue::model::{Class, Risk, Verdict};
    let (folder, db, mut store) = sample::empty();
    answer(&mut store, "npm:a", "1.0", 0, &[("one", "1"), ("two", "2")]);
    let of = |name: &str, description: &str| {
        let raw = serde_json::json!({"name": name, "description": description}).to_string();
        ToolDefinition::from_json(&raw).unwrap().hash().clone()
    };
    let verdict = |class, risk| Verdict {
        class,
        risk,
        signals: vec![],
        confidence: 0.9,
        needs_review: false,
        evidence: vec![],
    };
    let now = sample::start();
    let read = verdict(Class::Read, Risk::Low);
    for (rules, second) in [("rules-one", read.clone()), ("rules-two", verdict(Class::Write, Risk::Medium))] {
        store.add_verdicts(rules, &[(of("one", "1"), read.clone()), (of("two", "2"), second)], now).unwrap();
        store.use_rule_set(rules, now).unwrap();
    }
    let (json, _, _) = changes(store, folder.path(), &db);
    assert_eq!(json["counts"]["by_rules"], 1, "{json}");
    let event = json["events"].as_array().unwrap().iter().find(|event| event["kind"] == "rules").unwrap();
    assert_eq!(names(event, "changed"), ["two"]);
    assert_eq!(event["changed"]["list"][0]["is"][0]["id"], "write");
}
