//! Probes: nothing lost, nothing doubled, nothing overwritten.

use catalogue::model::probe::SCANNER_SCHEMA;
use catalogue::model::{Class, MalformedTool, Outcome, ReleaseFacts, SandboxLevel, SeenTool, ToolDefinition};
use catalogue::store::{Store, StoreError};
use jiff::SignedDuration;
use proptest::prelude::*;

use crate::sample::{self, SERVERS};

fn count(store: &Store, sql: &str) -> i64 {
    store.connection().query_row(sql, [], |row| row.get(0)).unwrap()
}

#[test]
fn facts_fill_blanks_and_never_erase() {
    let (_folder, _path, mut store) = sample::empty();
    let release = sample::release("npm:@a/b", "1.0.0");
    let now = sample::start();
    let full = ReleaseFacts {
        title: Some("B".into()),
        repository: Some("https://code.example/a/b".into()),
        ..ReleaseFacts::default()
    };
    let first = store.remember_release(&release, &full, now).unwrap();
    let later =
        ReleaseFacts { title: Some("Other".into()), licence: Some("MIT".into()), ..ReleaseFacts::default() };
    assert_eq!(store.remember_release(&release, &later, now).unwrap(), first);
    assert_eq!(store.remember_release(&release, &ReleaseFacts::default(), now).unwrap(), first);
    let row: (String, String, String, String) = store
        .connection()
        .query_row("SELECT title, repository, licence, purl FROM releases", [], |r| {
            Ok((r.get(0)?, r.get(1)?, r.get(2)?, r.get(3)?))
        })
        .unwrap();
    assert_eq!(
        row,
        ("B".into(), "https://code.example/a/b".into(), "MIT".into(), "pkg:npm/%40a/b@1.0.0".into())
    );
}

#[test]
fn a_probe_that_was_not_finished_goes_on_after_its_last_attempt() {
    let (_folder, path, mut store) = sample::empty();
    let release = sample::release("npm:a", "1.0.0");
    let now = sample::start();
    let row = store.remember_release(&release, &ReleaseFacts::default(), now).unwrap();
    let found = sample::probe(&release, Outcome::Ok, SERVERS[0].probes[0].2, now);
    let open = store.begin_probe(row, SCANNER_SCHEMA, now).unwrap();
    assert!(open.attempts.is_empty());
    store.add_attempt(open.id, 0, &found.attempts[0], None).unwrap();
    // As after `kill -9`: no destructor of ours, no checkpoint.
    std::mem::forget(store);

    let reader = Store::open_read_only(&path).unwrap();
    let shown: i64 = reader.query_row("SELECT count(*) FROM tools_flat", [], |r| r.get(0)).unwrap();
    assert_eq!(shown, 0, "an unfinished probe is never shown");

    let mut store = Store::open(&path).unwrap();
    assert_eq!(store.lasting_outcome(&release, SCANNER_SCHEMA).unwrap(), None);
    let again = store.begin_probe(row, SCANNER_SCHEMA, now).unwrap();
    assert_eq!(again.id, open.id);
    assert_eq!(again.attempts, [found.attempts[0].clone()]);
    store.finish_probe(again.id, &found).unwrap();
    assert_eq!(count(&store, "SELECT count(*) FROM probes"), 1);
    assert_eq!(count(&store, "SELECT count(*) FROM attempts"), 2);
    assert_eq!(count(&store, "SELECT count(*) FROM tools_flat"), 1);
    let next = store.begin_probe(row, SCANNER_SCHEMA, now).unwrap();
    assert_ne!(next.id, open.id, "a finished probe is not taken up again");
    let other_schema = store.begin_probe(row, SCANNER_SCHEMA + 1, now).unwrap();
    assert_ne!(other_schema.id, next.id, "nor is one that asked in another way");
}

#[test]
fn a_finished_probe_is_never_changed() {
    let (_folder, _path, mut store) = sample::empty();
    let release = sample::release("npm:a", "1.0.0");
    let found = sample::probe(&release, Outcome::Ok, SERVERS[0].probes[1].2, sample::start());
    let id = sample::store_probe(&mut store, &release, &ReleaseFacts::default(), &found);
    let other = sample::probe(&release, Outcome::Crashed, &[], sample::start());
    assert!(matches!(store.finish_probe(id, &other), Err(StoreError::Finished { .. })));
    assert!(matches!(store.add_attempt(id, 5, &found.attempts[0], None), Err(StoreError::Finished { .. })));
    assert_eq!(count(&store, "SELECT count(*) FROM attempts"), 2);
    assert_eq!(store.lasting_outcome(&release, SCANNER_SCHEMA).unwrap().unwrap().outcome, Outcome::Ok);
}

#[test]
fn the_same_release_probed_twice_keeps_both_answers_and_one_copy_of_each_definition() {
    let (_folder, _path, mut store) = sample::empty();
    let release = sample::release("npm:a", "1.0.0");
    let first = sample::probe(&release, Outcome::Ok, SERVERS[0].probes[1].2, sample::start());
    let second = sample::probe(
        &release,
        Outcome::Ok,
        SERVERS[0].probes[0].2,
        sample::start() + SignedDuration::from_hours(1),
    );
    sample::store_probe(&mut store, &release, &ReleaseFacts::default(), &first);
    sample::store_probe(&mut store, &release, &ReleaseFacts::default(), &second);
    assert_eq!(count(&store, "SELECT count(*) FROM probes WHERE outcome = 'ok'"), 2);
    assert_eq!(count(&store, "SELECT count(*) FROM probe_tools"), 5);
    assert_eq!(count(&store, "SELECT count(*) FROM definitions"), 4);
    assert_eq!(count(&store, "SELECT count(*) FROM tools_flat"), 1, "the newest answer is the one shown");
}

#[test]
fn a_lasting_outcome_is_the_newest_that_says_something_of_the_release() {
    let (_folder, _path, mut store) = sample::empty();
    let release = sample::release("pypi:a", "1.0");
    let at = |minutes| sample::start() + SignedDuration::from_mins(minutes);
    let mut add = |outcome, minutes| {
        let found = sample::probe(&release, outcome, &[], at(minutes));
        sample::store_probe(&mut store, &release, &ReleaseFacts::default(), &found);
    };
    add(Outcome::NoNetwork, 0);
    add(Outcome::Crashed, 1);
    add(Outcome::NeedsConfig, 2);
    add(Outcome::RegistryError, 3);
    let stored = store.lasting_outcome(&release, SCANNER_SCHEMA).unwrap().unwrap();
    assert_eq!(stored.outcome, Outcome::NeedsConfig);
    assert_eq!(stored.detail, Outcome::NeedsConfig.meaning());
    assert_eq!(stored.sandbox, Some(SandboxLevel::Bwrap));
    assert_eq!(stored.finished_at, at(2) + SignedDuration::from_millis(1250));
    assert_eq!(store.lasting_outcome(&release, SCANNER_SCHEMA + 1).unwrap(), None);
    assert_eq!(store.lasting_outcome(&sample::release("pypi:a", "1.1"), SCANNER_SCHEMA).unwrap(), None);
}

#[test]
fn a_stored_answer_counts_its_classes_as_corrected() {
    let (_folder, _path, store) = sample::seeded();
    let stored = store
        .lasting_outcome(&sample::release("npm:@orchard/ledger", "1.1.0"), SCANNER_SCHEMA)
        .unwrap()
        .unwrap();
    assert_eq!(stored.tools, 4);
    let expected = [(Class::Read, 1), (Class::Execute, 1), (Class::Destructive, 2)];
    assert_eq!(stored.classes, expected.into_iter().collect());
    let vane = store
        .lasting_outcome(&sample::release("npm:weather-vane", "0.3.0-beta.1"), SCANNER_SCHEMA)
        .unwrap()
        .unwrap();
    assert_eq!((vane.tools, vane.malformed), (4, 1));
}

#[test]
fn a_word_of_a_later_version_is_an_error_and_not_a_guess() {
    let (_folder, _path, store) = sample::seeded();
    store
        .connection()
        .execute("UPDATE probes SET outcome = 'eaten-by-goat' WHERE outcome = 'crashed'", [])
        .unwrap();
    let error =
        store.lasting_outcome(&sample::release("pypi:kiln-control", "2.1"), SCANNER_SCHEMA).unwrap_err();
    assert!(matches!(error, StoreError::Unreadable { .. }), "{error:?}");
    let cause = std::error::Error::source(&error).unwrap().to_string();
    assert!(cause.contains("eaten-by-goat"), "{cause}");
}

#[test]
fn every_made_up_tool_is_stored_byte_for_byte() {
    let (_folder, _path, store) = sample::seeded();
    for tool in SERVERS.iter().flat_map(|s| s.probes).flat_map(|(_, _, tools)| *tools) {
        let found = store.connection().query_row(
            "SELECT count(*) FROM raw_tools WHERE bytes = ?1",
            [tool.json.as_bytes()],
            |r| r.get(0),
        );
        assert_eq!(found, Ok(1), "{}", tool.json);
    }
}

/// One JSON string of any characters, escaped the way some server might.
fn name() -> impl Strategy<Value = String> {
    proptest::collection::vec(any::<char>(), 1..20).prop_map(|chars| chars.into_iter().collect())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn raw_bytes_and_names_come_back_exactly(names in proptest::collection::vec(name(), 0..6), broken in name()) {
        let (_folder, _path, mut store) = sample::empty();
        let release = sample::release("npm:any", "1.0.0");
        let mut found = sample::probe(&release, Outcome::Ok, &[], sample::start());
        for (n, name) in names.iter().enumerate() {
            let raw = format!("{{ \"name\":{},\"n\" : {n}e0 }}", serde_json::to_string(name).unwrap());
            let tool = ToolDefinition::from_json(&raw).unwrap();
            found.tools.push(SeenTool { hash: tool.hash().clone(), name: tool.name().into(), raw });
        }
        found.malformed.push(MalformedTool { raw: broken.clone(), problem: "made up".to_owned() });
        sample::store_probe(&mut store, &release, &ReleaseFacts::default(), &found);
        let mut statement = store.connection().prepare(
            "SELECT r.bytes, d.name, d.hash FROM probe_tools t JOIN raw_tools r ON r.sha256 = t.raw_sha256
             LEFT JOIN definitions d ON d.hash = t.definition_hash ORDER BY t.position").unwrap();
        let rows: Vec<(Vec<u8>, Option<String>, Option<String>)> = statement
            .query_map([], |r| Ok((r.get(0)?, r.get(1)?, r.get(2)?))).unwrap().map(Result::unwrap).collect();
        let mut expected: Vec<(Vec<u8>, Option<String>, Option<String>)> = found.tools.iter()
            .map(|t| (t.raw.clone().into_bytes(), Some(t.name.raw().to_owned()), Some(t.hash.as_str().to_owned())))
            .collect();
        expected.push((broken.into_bytes(), None, None));
        prop_assert_eq!(rows, expected);
    }
}
