//! New files, old files, foreign files, locked files, full disks.

use std::time::Duration;

use catalogue::store::{Connection, SCHEMA, Store, StoreError};

use crate::sample;

fn message(error: &StoreError) -> String {
    error.to_string()
}

#[test]
fn a_new_database_gets_its_folder_its_tables_and_its_settings() {
    let (_folder, path, store) = sample::empty();
    let pragma = |name: &str| -> String {
        store
            .connection()
            .pragma_query_value(None, name, |row| row.get::<_, rusqlite::types::Value>(0))
            .map(|value| match value {
                rusqlite::types::Value::Integer(number) => number.to_string(),
                rusqlite::types::Value::Text(text) => text,
                other => panic!("{other:?}"),
            })
            .unwrap()
    };
    assert!(path.is_file());
    assert_eq!(pragma("user_version"), SCHEMA.to_string());
    assert_eq!(pragma("journal_mode"), "wal");
    assert_eq!(pragma("foreign_keys"), "1");
    assert_eq!(pragma("synchronous"), "2");
    assert_eq!(pragma("application_id"), 0x4354_4c47.to_string());
    let loose: i64 = store
        .connection()
        .query_row("SELECT count(*) FROM pragma_table_list WHERE type = 'table' AND NOT strict AND name NOT LIKE 'sqlite_%'", [], |r| r.get(0))
        .unwrap();
    assert_eq!(loose, 0, "every table is STRICT");
}

#[test]
fn reopening_changes_nothing() {
    let (_folder, path, store) = sample::seeded();
    let count = |c: &Connection| -> (i64, i64) {
        c.query_row(
            "SELECT (SELECT count(*) FROM tools_all), (SELECT count(*) FROM sqlite_schema)",
            [],
            |r| Ok((r.get(0)?, r.get(1)?)),
        )
        .unwrap()
    };
    let before = count(store.connection());
    drop(store);
    assert_eq!(count(Store::open(&path).unwrap().connection()), before);
    assert_eq!(count(&Store::open_read_only(&path).unwrap()), before);
}

#[test]
fn an_older_file_keeps_its_rows_and_gains_the_newer_shape() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("old.db");
    let old = Connection::open(&path).unwrap();
    let first = include_str!("../../../src/store/migrations/0001_first.sql");
    old.execute_batch(first).unwrap();
    old.execute_batch(
        "PRAGMA application_id = 0x43544c47; PRAGMA user_version = 1;
         INSERT INTO servers (key, registry, name, first_seen) VALUES ('npm:a', 'npm', 'a', '2026-01-01T00:00:00.000Z');",
    )
    .unwrap();
    drop(old);
    let refused = Store::open_read_only(&path).unwrap_err();
    assert!(matches!(refused, StoreError::Older { found: 1, known: SCHEMA, .. }), "{refused:?}");
    let store = Store::open(&path).unwrap();
    let server: String =
        store.connection().query_row("SELECT server FROM servers_flat", [], |r| r.get(0)).unwrap();
    assert_eq!(server, "npm:a");
}

#[test]
fn a_newer_database_is_refused_and_left_as_it_is() {
    let (_folder, path, store) = sample::empty();
    store.connection().pragma_update(None, "user_version", SCHEMA + 7).unwrap();
    drop(store);
    let before = std::fs::read(&path).unwrap();
    for refused in [Store::open(&path).unwrap_err(), Store::open_read_only(&path).unwrap_err()] {
        assert!(matches!(refused, StoreError::Newer { .. }), "{refused:?}");
        let text = message(&refused);
        assert!(text.contains("newer version") && text.contains("update the program"), "{text}");
        assert!(text.contains(&format!("schema {}", SCHEMA + 7)), "{text}");
    }
    assert_eq!(std::fs::read(&path).unwrap(), before);
}

#[test]
fn a_text_file_a_folder_and_another_programs_database_are_refused_and_left_as_they_are() {
    let folder = tempfile::tempdir().unwrap();
    let text = folder.path().join("notes.db");
    std::fs::write(&text, "not a database, but long enough to have a header of some kind\n".repeat(40))
        .unwrap();
    for refused in [Store::open(&text).unwrap_err(), Store::open_read_only(&text).unwrap_err()] {
        assert!(matches!(refused, StoreError::NotADatabase { .. }), "{refused:?}");
    }
    assert!(std::fs::read_to_string(&text).unwrap().starts_with("not a database"));

    assert!(matches!(Store::open(folder.path()).unwrap_err(), StoreError::NotADatabase { .. }));

    let other = folder.path().join("other.db");
    Connection::open(&other).unwrap().execute_batch("CREATE TABLE bookmarks (url TEXT)").unwrap();
    let before = std::fs::read(&other).unwrap();
    let refused = Store::open(&other).unwrap_err();
    assert!(matches!(refused, StoreError::NotOurs { .. }), "{refused:?}");
    assert_eq!(std::fs::read(&other).unwrap(), before);
}

#[test]
fn a_missing_database_says_what_to_run() {
    let folder = tempfile::tempdir().unwrap();
    let refused = Store::open_read_only(&folder.path().join("none.db")).unwrap_err();
    assert!(matches!(refused, StoreError::Missing { .. }));
    assert!(message(&refused).contains("catalogue scan"));
    assert!(!folder.path().join("none.db").exists());
    let empty = folder.path().join("empty.db");
    std::fs::write(&empty, "").unwrap();
    assert!(matches!(Store::open_read_only(&empty).unwrap_err(), StoreError::Missing { .. }));
    Store::open(&empty).unwrap();
    Store::open_read_only(&empty).unwrap();
}

#[test]
fn a_folder_that_cannot_be_made_is_named() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("file"), "").unwrap();
    let refused = Store::open(&folder.path().join("file").join("x.db")).unwrap_err();
    assert!(matches!(refused, StoreError::CannotOpen { .. }), "{refused:?}");
    assert!(message(&refused).contains("x.db"));
}

#[test]
fn a_locked_database_says_so_and_readers_are_not_kept_out() {
    let (_folder, path, store) = sample::seeded();
    drop(store);
    let other = Connection::open(&path).unwrap();
    let mut store = Store::open_waiting(&path, Duration::from_millis(30)).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let refused = store.use_rule_set("another", sample::start()).unwrap_err();
    assert!(matches!(refused, StoreError::Locked { .. }), "{refused:?}");
    let text = message(&refused);
    assert!(
        text.contains("locked by another process") && text.contains("run the same command again"),
        "{text}"
    );
    let read: i64 = Store::open_read_only(&path)
        .unwrap()
        .query_row("SELECT count(*) FROM tools_flat", [], |r| r.get(0))
        .unwrap();
    assert!(read > 0);
    other.execute_batch("ROLLBACK").unwrap();
    store.use_rule_set("another", sample::start()).unwrap();

    drop(store);
    drop(other);
    let other = Connection::open(&path).unwrap();
    other.execute_batch("PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE").unwrap();
    let refused = Store::open_waiting(&path, Duration::from_millis(30)).unwrap_err();
    assert!(matches!(refused, StoreError::Locked { .. }), "{refused:?}");
}

#[test]
fn a_full_disk_keeps_what_was_stored_and_stores_nothing_by_halves() {
    let (_folder, _path, mut store) = sample::seeded();
    let count = |store: &Store, table: &str| -> i64 {
        store.connection().query_row(&format!("SELECT count(*) FROM {table}"), [], |r| r.get(0)).unwrap()
    };
    let before = (count(&store, "probe_tools"), count(&store, "definitions"), count(&store, "raw_tools"));
    // SQLite's own bound on the file stands in for the disk: the same error code, at a known place.
    let pages: i64 = store.connection().pragma_query_value(None, "page_count", |r| r.get(0)).unwrap();
    store.connection().pragma_update_and_check(None, "max_page_count", pages + 2, |_| Ok(())).unwrap();

    let release = sample::release("npm:big", "1.0.0");
    let row = store.remember_release(&release, &Default::default(), sample::start()).unwrap();
    let open = store.begin_probe(row, 1, sample::start()).unwrap();
    let mut found = sample::probe(&release, catalogue::model::Outcome::Ok, &[], sample::start());
    for n in 0..40 {
        let raw = format!(r#"{{"name":"t{n}","description":"{}"}}"#, "x".repeat(2000));
        let tool = catalogue::model::ToolDefinition::from_json(&raw).unwrap();
        found.tools.push(catalogue::model::SeenTool {
            hash: tool.hash().clone(),
            name: tool.name().into(),
            raw,
        });
    }
    let refused = store.finish_probe(open.id, &found).unwrap_err();
    assert!(matches!(refused, StoreError::Full { .. }), "{refused:?}");
    assert!(message(&refused).contains("disk is full"));
    let after = (count(&store, "probe_tools"), count(&store, "definitions"), count(&store, "raw_tools"));
    assert_eq!(before, after);

    store
        .connection()
        .pragma_update_and_check(None, "max_page_count", i64::from(u32::MAX - 1), |_| Ok(()))
        .unwrap();
    let again = store.begin_probe(row, 1, sample::start()).unwrap();
    assert_eq!(again.id, open.id, "the probe is still open and is taken up again");
    store.finish_probe(again.id, &found).unwrap();
    assert_eq!(count(&store, "probe_tools"), before.0 + 40);
}

#[test]
fn two_openers_of_a_new_file_do_not_disturb_each_other() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("new.db");
    std::thread::scope(|scope| {
        let openers: Vec<_> = (0..4).map(|_| scope.spawn(|| Store::open(&path).map(|_| ()))).collect();
        for opener in openers {
            opener.join().unwrap().unwrap();
        }
    });
    Store::open_read_only(&path).unwrap();
}
