//! What sitemaps say of a page's last change: it moves with what the page says, by stored history, and with nothing else.

use std::path::Path;

use catalogue::model::{Class, DefinitionHash, Outcome, Risk, SeenTool, ToolDefinition, Verdict};
use catalogue::store::{Override, Store};
use jiff::{SignedDuration, Timestamp};

use super::engine::plain;
use super::{build_from, files, rules};
use crate::sample;

const EARLIER_RULES: &str = "0a11e50a11e50a11e50a11e50a11e50a11e50a11e50a11e50a11e50a11e50a11";

fn day(number: i64) -> Timestamp {
    sample::start() + SignedDuration::from_hours(24 * number)
}

fn definition(name: &str) -> ToolDefinition {
    let json = serde_json::json!({"name": name, "description": "Shows a note."});
    ToolDefinition::from_json(&json.to_string()).unwrap()
}

/// Stores how a try of `npm:moved` ended; the definitions of what it listed.
fn ask(store: &mut Store, at: Timestamp, outcome: Outcome) -> Vec<DefinitionHash> {
    let release = sample::release("npm:moved", "1.0");
    let mut found = sample::probe(&release, outcome, &[], at);
    if outcome == Outcome::Ok {
        for name in ["show_note", "view_note"] {
            let hash = definition(name).hash().clone();
            let raw = serde_json::json!({"name": name, "description": "Shows a note."}).to_string();
            found.tools.push(SeenTool { hash, name: name.into(), raw });
        }
    }
    sample::store_probe(store, &release, &Default::default(), &found);
    found.tools.into_iter().map(|tool| tool.hash).collect()
}

/// The days of the server's page and of its two tools' pages, of a site brought up to date that is the one made anew.
fn told(db: &Path, out: &Path) -> [String; 3] {
    build_from(db, &plain(out)).unwrap();
    let anew = tempfile::tempdir().unwrap();
    build_from(db, &plain(&anew.path().join("anew"))).unwrap();
    assert!(files(out) == files(&anew.path().join("anew")), "brought up to date and made anew differ");
    let sitemap = std::fs::read_to_string(out.join("sitemap.xml")).unwrap();
    ["", "tools/show_note.html", "tools/view_note.html"].map(|page| {
        let (_, rest) = sitemap.split_once(&format!("npm/moved/{page}</loc><lastmod>")).unwrap();
        rest.split('<').next().unwrap().to_owned()
    })
}

fn days(numbers: [i64; 3]) -> [String; 3] {
    numbers.map(|number| day(number).strftime("%Y-%m-%d").to_string())
}

#[test]
fn other_rules_move_the_pages_whose_verdict_they_change_and_no_others() {
    let (folder, db, mut store) = sample::empty();
    let out = folder.path().join("dist");
    let listed = ask(&mut store, day(0), Outcome::Ok);
    let rules = rules();
    let by_rules: Vec<(DefinitionHash, Verdict)> = ["show_note", "view_note"]
        .map(|name| rules.judge(&definition(name)))
        .into_iter()
        .zip(listed)
        .map(|(v, h)| (h, v))
        .collect();
    let mut earlier = by_rules.clone();
    earlier[0].1.class = Class::Destructive;
    store.use_rule_set(EARLIER_RULES, day(0)).unwrap();
    store.add_verdicts(EARLIER_RULES, &earlier, day(0)).unwrap();
    store.use_rule_set(rules.hash(), day(10)).unwrap();
    store.add_verdicts(rules.hash(), &by_rules, day(10)).unwrap();
    assert_eq!(told(&db, &out), days([10, 10, 0]));

    // The same answer again, and rules that come and go without a build between: nothing says anything else.
    ask(&mut store, day(12), Outcome::Ok);
    assert_eq!(told(&db, &out), days([10, 10, 0]));
    store.use_rule_set(EARLIER_RULES, day(20)).unwrap();
    store.use_rule_set(rules.hash(), day(21)).unwrap();
    assert_eq!(told(&db, &out), days([21, 21, 0]), "for a day it was judged as before");
}

#[test]
fn a_silence_and_its_end_move_the_servers_page_and_no_tools() {
    let (folder, db, mut store) = sample::empty();
    let out = folder.path().join("dist");
    ask(&mut store, day(0), Outcome::Ok);
    assert_eq!(told(&db, &out), days([0, 0, 0]));
    ask(&mut store, day(3), Outcome::TimedOut);
    assert_eq!(told(&db, &out), days([3, 0, 0]));
    ask(&mut store, day(5), Outcome::TimedOut);
    assert_eq!(told(&db, &out), days([3, 0, 0]), "it is as silent as before");
    ask(&mut store, day(6), Outcome::Crashed);
    assert_eq!(told(&db, &out), days([6, 0, 0]), "it fails in another way");
    ask(&mut store, day(8), Outcome::Ok);
    assert_eq!(told(&db, &out), days([8, 0, 0]), "it lists what it listed");
    ask(&mut store, day(9), Outcome::Ok);
    assert_eq!(told(&db, &out), days([8, 0, 0]));
}

#[test]
fn a_correction_moves_its_tool_also_when_it_is_taken_back() {
    let (folder, db, mut store) = sample::empty();
    let out = folder.path().join("dist");
    let listed = ask(&mut store, day(0), Outcome::Ok);
    let said = Override {
        server: "npm:moved".parse().unwrap(),
        tool: "view_note".to_owned(),
        definition: listed[1].clone(),
        class: Some(Class::Write),
        risk: Some(Risk::High),
        signals: None,
        who: "ada".to_owned(),
        why: "It marks the note as seen.".to_owned(),
        made_at: day(4),
    };
    store.add_override(&said).unwrap();
    assert_eq!(told(&db, &out), days([4, 0, 4]));
    store.add_override(&Override { class: None, risk: None, made_at: day(7), ..said }).unwrap();
    assert_eq!(told(&db, &out), days([7, 0, 7]));
}
