//! `classify` on the database: what other rules change is said, the furthest first, and nothing is overwritten.

use catalogue::assets::Folder;
use catalogue::classify::RuleSet;
use catalogue::model::ToolDefinition;
use catalogue::store::{Store, moves};
use serde_json::Value;

use super::Place;
use crate::sample::{self, RULE_SET};

/// A place whose database holds the made-up catalogue, judged by a rule set that nobody has any more.
fn seeded() -> Place {
    let place = Place::new();
    let mut store = Store::open(&place.path("var/catalogue.db")).unwrap();
    sample::seed(&mut store);
    place
}

fn rules() -> RuleSet {
    RuleSet::load(&Folder::Rules.files(None).unwrap()).unwrap()
}

fn count(place: &Place, sql: &str) -> i64 {
    let db = Store::open_read_only(&place.path("var/catalogue.db")).unwrap();
    db.query_row(sql, [], |row| row.get(0)).unwrap()
}

/// How severe a class or a risk is.
fn severity(word: &Value) -> i64 {
    let words = ["read", "write", "execute", "destructive", "low", "medium", "high", "critical"];
    words.iter().position(|w| word == w).unwrap() as i64 % 4
}

fn steps(row: &Value) -> (i64, i64) {
    let step = |what: &str| severity(&row["is"][what]) - severity(&row["was"][what]);
    (step("class"), step("risk"))
}

#[test]
fn each_changed_tool_is_one_object_the_most_consequential_first() {
    let place = seeded();
    let before = count(&place, "SELECT count(*) FROM verdicts");
    let run = place.run(&["classify", "--json"]);
    assert_eq!((run.code, run.err.as_str()), (0, ""), "{run:?}");
    let rows = run.rows();
    assert!(rows.len() > 3, "{rows:?}");
    let key = |row: &Value| {
        let (class, risk) = steps(row);
        (-class.abs(), -class, -risk.abs(), -risk)
    };
    assert!(rows.is_sorted_by_key(key), "{}", run.out);
    assert!(rows.iter().any(|row| steps(row).0 != 0));
    let rules = rules();
    let db = Store::open_read_only(&place.path("var/catalogue.db")).unwrap();
    for row in &rows {
        let (class, canonical, old): (String, String, String) = db
            .query_row(
                "SELECT t.class, d.canonical, v.class FROM tools_all t JOIN definitions d ON d.hash = t.definition_hash
                 JOIN verdicts v ON v.definition_hash = d.hash AND v.rule_set_hash = ?3
                 WHERE t.server = ?1 AND t.definition_hash = ?2",
                [row["server"].as_str().unwrap(), row["definition"].as_str().unwrap(), RULE_SET],
                |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
            )
            .unwrap();
        let now = rules.judge(&ToolDefinition::from_json(&canonical).unwrap());
        assert_eq!(
            (&row["is"]["class"], &row["is"]["risk"]),
            (&now.class.as_str().into(), &now.risk.as_str().into())
        );
        assert_eq!(row["was"]["class"], old.as_str());
        // What is shown is the person's word where there is one.
        assert!(row["corrected"] == true || row["is"]["class"] == class.as_str(), "{row}");
        assert_ne!(row["was"], row["is"]);
    }
    let corrected = rows.iter().filter(|row| row["corrected"] == true).count();
    assert!(corrected <= 1 && rows.iter().all(|r| r["corrected"] == (r["tool"] == "post_entry")));
    let kept = count(&place, "SELECT count(*) FROM verdicts WHERE rule_set_hash LIKE '5a11e%'");
    assert_eq!(kept, before, "nothing is overwritten");
    assert_eq!(count(&place, "SELECT count(*) FROM tools_flat WHERE class IS NULL"), 0);
}

#[test]
fn the_summary_counts_every_tool_once_and_the_list_is_bounded() {
    let place = seeded();
    let run = place.run(&["classify", "--limit", "2"]);
    assert_eq!((run.code, run.err.as_str()), (0, ""), "{run:?}");
    assert!(run.out.contains("5a11e55a11e5 was in force") && run.out.contains(" -> "), "{}", run.out);
    let db = Store::open_read_only(&place.path("var/catalogue.db")).unwrap();
    let counted: u64 = moves(&db, RULE_SET, rules().hash()).unwrap().iter().map(|m| m.tools).sum();
    let all =
        count(&place, "SELECT count(*) FROM (SELECT DISTINCT server_id, definition_hash FROM tools_probed)");
    assert_eq!(counted as i64, all);
    let sum: i64 = run
        .out
        .split("\n\n")
        .nth(1)
        .unwrap()
        .lines()
        .map(|line| line.rsplit(' ').next().unwrap().parse::<i64>().unwrap())
        .sum();
    assert_eq!(sum, all, "{}", run.out);
    assert_eq!(run.out.lines().filter(|line| line.starts_with("  ")).count(), 2, "{}", run.out);
    assert!(run.out.contains(" more; --limit N"), "{}", run.out);

    let again = place.run(&["classify"]);
    assert!(again.out.starts_with("the rules are unchanged; 0 definitions judged"), "{again:?}");
    assert!(!again.out.contains("->"));
    let json = place.run(&["classify", "--json"]);
    assert_eq!((json.code, json.out.as_str()), (0, ""), "no tool changed");
    assert_eq!(place.run(&["classify", "-q"]).out, "");
}

#[test]
fn a_run_that_was_ended_goes_on_and_still_says_what_changed() {
    let whole = seeded();
    let expected = whole.run(&["classify", "--json"]).out;
    let place = seeded();
    // As a run leaves it that died between two pieces: some verdicts are there, the old rules are in force.
    let rules = rules();
    let mut store = Store::open(&place.path("var/catalogue.db")).unwrap();
    let some = store.definitions_without_verdict(rules.hash(), None, 1_000).unwrap();
    assert!(some.len() > 1);
    let judged: Vec<_> = some
        .into_iter()
        .map(|(hash, canonical)| (hash, rules.judge(&ToolDefinition::from_json(&canonical).unwrap())))
        .collect();
    store.add_verdicts(rules.hash(), &judged, sample::start()).unwrap();
    drop(store);
    assert_eq!(place.run(&["classify", "--json"]).out, expected);
    let kept = count(&place, "SELECT count(*) FROM verdicts WHERE made_at = '2026-03-01T12:00:00.000Z'");
    assert_eq!(kept, judged.len() as i64, "what was judged is not judged again");
}

#[test]
fn rules_that_were_changed_on_disk_are_compared_with_those_before() {
    let place = seeded();
    place.run(&["classify", "-q"]);
    std::fs::create_dir_all(place.path("rules/classify")).unwrap();
    for (name, bytes) in Folder::Rules.files(None).unwrap().into_iter().filter(|(n, _)| n.ends_with(".toml"))
    {
        place.write(&format!("rules/{name}"), bytes);
    }
    let rule = "[[rule]]\nid = \"made-up\"\nkind = \"phrase\"\nwhat = \"w\"\nwhy = \"y\"\nclass = \"destructive\"\npoints = 10.0\n\
        pattern = 'ledger'\nfields = [\"description\"]\nyes = [\"x | a ledger\"]\nno = [\"x\"]\n";
    place.write("rules/classify/zz.toml", rule);
    let run = place.run(&["classify", "--rules", "rules"]);
    assert!(run.out.contains("read -> destructive"), "{run:?}");
    let first = run.out.split("\n\n").nth(2).unwrap();
    assert!(first.contains("npm:@orchard/ledger") && first.contains("list_accounts"), "{}", run.out);
    let back = place.run(&["classify"]);
    assert!(
        back.out.contains("destructive -> read") && back.out.contains("0 definitions judged"),
        "{back:?}"
    );
    let first = back.out.split("\n\n").nth(2).unwrap();
    assert!(!first.lines().nth(1).unwrap().contains("read, low -> destructive"), "{}", back.out);
}

#[test]
fn a_database_without_verdicts_has_nothing_to_compare() {
    let place = Place::new();
    let mut store = Store::open(&place.path("var/catalogue.db")).unwrap();
    let release = sample::release("npm:made-up", "1.0.0");
    let found = sample::probe(
        &release,
        catalogue::model::Outcome::Ok,
        sample::SERVERS[0].probes[0].2,
        sample::start(),
    );
    sample::store_probe(&mut store, &release, &Default::default(), &found);
    drop(store);
    let run = place.run(&["classify"]);
    assert!(
        run.out.contains("1 definition judged") && run.out.contains("nothing was judged before"),
        "{run:?}"
    );
}
