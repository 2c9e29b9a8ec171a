//! Verdicts, rule sets, corrections, and what a policy is made from.

use catalogue::model::{Class, Risk, ServerKey};
use catalogue::store::{Override, Store, answered, rule_set_in_force};
use jiff::SignedDuration;

use crate::sample::{self, RULE_SET, SERVERS};

fn flat(store: &Store, sql: &str) -> (String, String) {
    store.connection().query_row(sql, [], |row| Ok((row.get(0)?, row.get(1)?))).unwrap()
}

#[test]
fn the_same_definition_under_two_rule_sets_keeps_both_verdicts_and_shows_the_one_in_force() {
    let (_folder, _path, mut store) = sample::seeded();
    let tool = &SERVERS[0].probes[0].2[0];
    let later = sample::start() + SignedDuration::from_hours(2);
    let shown =
        "SELECT class, verdict_made_at FROM tools_flat WHERE tool = 'list_accounts' AND registry = 'npm'";
    let before = flat(&store, shown);

    let mut other = tool.verdict().unwrap();
    other.class = Class::Execute;
    store.add_verdicts("rules-2", &[(tool.hash(), other.clone())], later).unwrap();
    assert_eq!(flat(&store, shown), before, "made, but not in force yet");
    store.use_rule_set("rules-2", later).unwrap();
    assert_eq!(flat(&store, shown), ("execute".into(), "2026-03-01T14:00:00.000Z".into()));

    // Made again with another result: the first one stays.
    other.class = Class::Read;
    store.add_verdicts("rules-2", &[(tool.hash(), other)], later + SignedDuration::from_hours(1)).unwrap();
    assert_eq!(flat(&store, shown), ("execute".into(), "2026-03-01T14:00:00.000Z".into()));

    store.use_rule_set(RULE_SET, later).unwrap();
    assert_eq!(flat(&store, shown), before);
    assert_eq!(rule_set_in_force(store.connection()).unwrap().as_deref(), Some(RULE_SET));
}

#[test]
fn putting_the_same_rule_set_in_force_again_is_no_new_entry() {
    let (_folder, _path, mut store) = sample::empty();
    assert_eq!(store.rule_set_in_force().unwrap(), None);
    for _ in 0..3 {
        store.use_rule_set("one", sample::start()).unwrap();
    }
    store.use_rule_set("two", sample::start()).unwrap();
    store.use_rule_set("one", sample::start()).unwrap();
    let uses: i64 =
        store.connection().query_row("SELECT count(*) FROM rule_set_uses", [], |r| r.get(0)).unwrap();
    assert_eq!(uses, 3);
}

#[test]
fn only_definitions_without_a_verdict_are_left_to_do() {
    let (_folder, _path, store) = sample::seeded();
    let left = store.definitions_without_verdict(RULE_SET, None, usize::MAX).unwrap();
    assert_eq!(left.len(), 1);
    assert!(left[0].1.contains("no_description"), "{left:?}");
    let all = store.definitions_without_verdict("never used", None, usize::MAX).unwrap();
    let stored: i64 =
        store.connection().query_row("SELECT count(*) FROM definitions", [], |r| r.get(0)).unwrap();
    assert_eq!(all.len() as i64, stored);
    assert!(all.is_sorted_by(|a, b| a.0 < b.0));

    let (mut pieces, mut after) = (Vec::new(), None);
    loop {
        let piece = store.definitions_without_verdict("never used", after.as_ref(), 1).unwrap();
        assert!(piece.len() <= 1, "one definition is more than a byte");
        let Some((hash, _)) = piece.last() else { break };
        after = Some(hash.clone());
        pieces.extend(piece);
    }
    assert_eq!(pieces, all);
}

#[test]
fn the_newest_correction_is_in_force_and_older_ones_stay() {
    let (_folder, _path, mut store) = sample::seeded();
    let shown = "SELECT class || ' ' || risk, corrected_by FROM tools_flat WHERE tool = 'post_entry'";
    assert_eq!(flat(&store, shown), ("destructive critical".into(), "a reviewer".into()));
    let tool = &SERVERS[0].probes[1].2[1];
    let mut correction = Override {
        server: "npm:@orchard/ledger".parse().unwrap(),
        tool: "post_entry".into(),
        definition: tool.hash(),
        class: None,
        risk: Some(Risk::Medium),
        signals: Some(vec![]),
        who: "another".into(),
        why: "small amounts only".into(),
        made_at: sample::start(),
    };
    assert!(store.add_override(&correction).unwrap());
    correction.made_at += SignedDuration::from_hours(1);
    assert!(!store.add_override(&correction).unwrap(), "said already");
    assert_eq!(flat(&store, shown), ("write medium".into(), "another".into()));
    let kept: i64 = store.connection().query_row("SELECT count(*) FROM overrides", [], |r| r.get(0)).unwrap();
    assert_eq!(kept, 2);

    // Under a rule set that has not spoken yet there is nothing to correct: the view and the policy agree.
    store.use_rule_set("silent", sample::start()).unwrap();
    let class: Option<String> = store
        .connection()
        .query_row("SELECT class FROM tools_flat WHERE tool = 'post_entry'", [], |row| row.get(0))
        .unwrap();
    assert_eq!(class, None);
    store.use_rule_set(RULE_SET, sample::start()).unwrap();

    correction.definition = SERVERS[0].probes[0].2[0].hash();
    assert_eq!(store.import_overrides(&[correction]).unwrap(), 1);
    assert_eq!(flat(&store, shown).1, "another", "a correction of another definition does not speak here");
}

#[test]
fn an_answer_comes_with_its_tools_in_order_verdicts_and_corrections() {
    let (_folder, _path, store) = sample::seeded();
    let key: ServerKey = "npm:@orchard/ledger".parse().unwrap();
    let newest = answered(store.connection(), &key, None, RULE_SET).unwrap().unwrap();
    assert_eq!(newest.version, "1.1.0");
    let names: Vec<&str> = newest.tools.iter().map(|tool| tool.name.raw()).collect();
    assert_eq!(names, ["list_accounts", "post_entry", "close_account", "run_report"]);
    for (tool, made_up) in newest.tools.iter().zip(SERVERS[0].probes[1].2) {
        assert_eq!(tool.verdict, made_up.verdict());
        assert_eq!(tool.hash, made_up.hash());
        let verdict = tool.verdict_in_force().unwrap();
        let corrected = tool.name.raw() == "post_entry";
        assert_eq!(tool.correction.is_some(), corrected);
        assert_eq!(verdict.class == Class::Destructive, corrected || tool.name.raw() == "close_account");
    }
    let older = answered(store.connection(), &key, Some("1.0.0"), RULE_SET).unwrap().unwrap();
    assert_eq!(older.tools.len(), 1);
    let unclassified = answered(store.connection(), &key, None, "never used").unwrap().unwrap();
    assert!(
        unclassified.tools.iter().all(|tool| tool.verdict.is_none() && tool.verdict_in_force().is_none())
    );

    assert!(answered(store.connection(), &key, Some("9.9.9"), RULE_SET).unwrap().is_none());
    for silent in ["npm:needs-a-key", "npm:nobody-knows"] {
        assert!(answered(store.connection(), &silent.parse().unwrap(), None, RULE_SET).unwrap().is_none());
    }
}
