//! Databases brought together: in any order, in any grouping, again and again, the same catalogue; and files that are none.

use std::path::{Path, PathBuf};

use catalogue::model::sign::rank;
use catalogue::model::{Class, Outcome, ReleaseFacts};
use catalogue::store::comparable::{COMPARED, LEFT_OUT, compare};
use catalogue::store::merge::{Input, Merged};
use catalogue::store::{Override, Store, StoreError, Visibility};
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;

use crate::sample::{self, RULE_SET, SERVERS};

fn lines(path: &Path) -> Vec<String> {
    let db = Store::open_read_only(path).unwrap();
    let mut lines = Vec::new();
    compare(&db, |row| -> Result<(), StoreError> {
        lines.push(serde_json::to_string(row).unwrap());
        Ok(())
    })
    .unwrap();
    lines
}

/// One thing that happens to a database; few different ones, so that parts meet.
type Step = (u8, u8, u8, u8);

fn at(minute: u8) -> Timestamp {
    sample::start() + SignedDuration::from_mins(i64::from(minute % 4))
}

fn happen(store: &mut Store, (kind, a, b, c): Step) {
    let server = &SERVERS[usize::from(a) % SERVERS.len()];
    let now = at(b);
    let tools = server.probes[0].2;
    match kind % 7 {
        0 | 1 => {
            let release = sample::release(server.key, ["1.0.0", "2.0.0"][usize::from(c) % 2]);
            let outcome = if tools.is_empty() || c % 3 == 0 { Outcome::TimedOut } else { Outcome::Ok };
            let mut found =
                sample::probe(&release, outcome, if outcome == Outcome::Ok { tools } else { &[] }, now);
            found.noise_lines = u32::from(c % 3);
            let title = ["Pears", "Apples"].get(usize::from(c)).map(|title| (*title).into());
            let facts = ReleaseFacts { title, ..ReleaseFacts::default() };
            sample::store_probe(store, &release, &facts, &found);
        }
        2 => {
            let release = sample::release(server.key, "1.0.0");
            store.remember_release(&release, &ReleaseFacts::default(), now).unwrap();
            let hidden = if c % 2 == 0 { Visibility::Private } else { Visibility::Public };
            assert!(store.set_visibility(&release.server, hidden).unwrap());
        }
        3 => store.use_rule_set([RULE_SET, "another", "third"][usize::from(c) % 3], now).unwrap(),
        4 => {
            let judged = tools.iter().filter_map(|tool| {
                let verdict = tool.verdict()?;
                Some((tool.hash(), verdict))
            });
            // Only what is defined here is judged.
            store
                .add_verdicts(["another", RULE_SET][usize::from(c) % 2], &judged.collect::<Vec<_>>(), now)
                .ok();
        }
        5 => {
            let Some(tool) = tools.iter().find(|tool| tool.class.is_some()) else { return };
            let correction = Override {
                server: server.key.parse().unwrap(),
                tool: "pick".to_owned(),
                definition: tool.hash(),
                class: Some(Class::ALL[usize::from(c) % 4]),
                risk: None,
                signals: None,
                who: "a reviewer".to_owned(),
                why: "looked at it".to_owned(),
                made_at: now,
            };
            store.import_overrides(&[correction]).unwrap();
        }
        _ => {
            let (key, time) = (server.key, format!("{now:.3}"));
            let (seen, gone) =
                (format!("{:.3}", at(c)), if c % 3 == 0 { format!("'{time}'") } else { "NULL".into() });
            let sql = format!(
                "INSERT INTO candidates (key, obstacle, rank, etag, first_seen, changed_at, looked_at)
                   VALUES ('{key}', NULL, 0, 'e{c}', '{seen}', '{time}', '{seen}')
                   ON CONFLICT DO UPDATE SET etag = excluded.etag, changed_at = excluded.changed_at;
                 INSERT OR IGNORE INTO sources (name, address) VALUES ('mcp', 'https://registry.example/');
                 INSERT INTO listings (source, name, version, status, stamp, record, position, walk_id, first_seen,
                     changed_at, gone_at)
                   VALUES ('mcp', '{key}', '', 'active', 's{c}', '{{}}', 'p{a}', {b}, '{seen}', '{time}', {gone})
                   ON CONFLICT DO UPDATE SET stamp = excluded.stamp, gone_at = excluded.gone_at;
                 INSERT OR IGNORE INTO listing_candidates (source, name, version, key) VALUES ('mcp', '{key}', '', '{key}');
                 INSERT OR IGNORE INTO candidate_signs (key, told_by, sign)
                   VALUES ('{key}', 'mcp', '{}');
                 DELETE FROM declared_lists WHERE about = '{key}';
                 INSERT INTO declared_lists (about, declared_by, source, name, version, place, hash, grows, read_at)
                   VALUES ('{key}', 'record', 'mcp', '{key}', '', 'record', 'h{c}', 0, '{time}');
                 INSERT INTO declared_entries (list_id, kind, position, name, description)
                   VALUES (last_insert_rowid(), 'tool', 0, 'pick', 'h{c}')",
                ["registered", "server-in-name"][usize::from(c) % 2]
            );
            store.connection().execute_batch(&sql).unwrap();
        }
    }
    // Where a candidate stands follows from its signs, as whoever stores them sees to.
    let db = store.connection();
    let mut signs =
        db.prepare("SELECT key, group_concat(DISTINCT sign) FROM candidate_signs GROUP BY key").unwrap();
    let signs = signs.query_map([], |row| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?))).unwrap();
    for (key, signs) in signs.map(Result::unwrap) {
        let rank = rank(&signs.split(',').map(|sign| sign.parse().unwrap()).collect());
        db.execute("UPDATE candidates SET rank = ?2 WHERE key = ?1", (key, rank)).unwrap();
    }
}

fn merged(folder: &Path, name: &str, inputs: &[&PathBuf]) -> PathBuf {
    let path = folder.join(name);
    let mut store = Store::open(&path).unwrap();
    for input in inputs {
        store.merge(&Input::open(input).unwrap()).unwrap();
    }
    path
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 10, max_shrink_iters: 40, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn neither_order_nor_grouping_nor_repetition_of_merging_changes_what_comes_out(
        parts in prop::collection::vec(prop::collection::vec(any::<Step>(), 1..14), 3),
    ) {
        // In memory where there is such a place: some hundred databases are made here.
        let memory = Path::new("/dev/shm");
        let folder = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() }.unwrap();
        let paths: Vec<PathBuf> = parts.iter().enumerate().map(|(number, steps)| {
            let path = folder.path().join(format!("part{number}.db"));
            let mut store = Store::open(&path).unwrap();
            steps.iter().for_each(|step| happen(&mut store, *step));
            path
        }).collect();
        let (a, b, c) = (&paths[0], &paths[1], &paths[2]);
        let merge = |name: &str, inputs: &[&PathBuf]| merged(folder.path(), name, inputs);
        let wanted = lines(&merge("abc.db", &[a, b, c]));
        let two = merge("cb.db", &[c, b]);
        for (name, inputs) in [
            ("cba.db", vec![c, b, a]),
            ("grouped.db", vec![&two, a]),
            ("grouped-too.db", vec![a, &two]),
            ("twice.db", vec![b, a, b, c, &two, a, a]),
        ] {
            prop_assert_eq!(&lines(&merge(name, &inputs)), &wanted, "{}", name);
        }
        // Into one of them: what is here already comes again.
        prop_assert_eq!(&lines(&merge("part1.db", &[c, a])), &wanted);
    }
}

#[test]
fn a_merged_copy_is_the_catalogue_and_merging_it_again_brings_nothing() {
    let (folder, path, store) = sample::seeded();
    drop(store);
    let into = folder.path().join("into.db");
    let mut store = Store::open(&into).unwrap();
    let before = std::fs::read(&path).unwrap();
    let first = store.merge(&Input::open(&path).unwrap()).unwrap();
    assert!(first.probes > 10 && first.servers == SERVERS.len() as u64 && first.overrides == 1, "{first:?}");
    let again = store.merge(&Input::open(&path).unwrap()).unwrap();
    assert_eq!(again, Merged { known_probes: first.probes, ..Merged::default() });
    assert_eq!(lines(&into), lines(&path));
    assert_eq!(std::fs::read(&path).unwrap(), before, "what is merged is only read");
    let hidden: u32 = store
        .connection()
        .query_row("SELECT count(*) FROM servers WHERE visibility = 'private'", [], |row| row.get(0))
        .unwrap();
    assert_eq!(hidden, 1, "what is private stays private");
}

#[test]
fn every_column_is_compared_or_left_out_with_a_reason() {
    let (_folder, path, _store) = sample::empty();
    let db = Store::open_read_only(&path).unwrap();
    let mut columns = db
        .prepare(
            "SELECT t.name, c.name FROM sqlite_schema t, pragma_table_info(t.name) c
             WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite_%'",
        )
        .unwrap();
    let columns: Vec<(String, String)> =
        columns.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap().map(Result::unwrap).collect();
    assert!(columns.len() > 150, "{}", columns.len());
    for (table, column) in &columns {
        let compared = COMPARED.iter().find(|one| one.table == table).is_some_and(|one| {
            let query = db.prepare(one.query).unwrap();
            query.column_names().any(|name| name == column)
        });
        let left = LEFT_OUT
            .iter()
            .filter(|left| left.table == table && (left.column == "*" || left.column == column));
        assert_eq!(usize::from(compared) + left.count(), 1, "{table}.{column}");
    }
    for left in LEFT_OUT {
        let known =
            |(table, column): &(String, String)| table == left.table && ["*", column].contains(&left.column);
        assert!(columns.iter().any(known) && !left.why.is_empty(), "{left:?}");
    }
}

#[test]
fn a_file_that_this_program_did_not_make_is_refused_as_a_whole() {
    type Harm = (&'static str, &'static str, &'static str);
    let harms: &[Harm] = &[
        ("another shape", "DROP TRIGGER overrides_checked", "its trigger overrides_checked"),
        ("a column more", "ALTER TABLE verdicts ADD COLUMN x TEXT", "its table verdicts"),
        (
            "a view in a table's place",
            "ALTER TABLE raw_tools RENAME TO r; CREATE VIEW raw_tools AS SELECT * FROM r",
            "its table probe_tools",
        ),
        ("other bytes under a hash", "UPDATE raw_tools SET bytes = x'7b7d'", "raw_tools, row 1"),
        (
            "another definition under a hash",
            "UPDATE definitions SET canonical = replace(canonical, 'e', 'o')",
            "definitions, row",
        ),
        ("another name over a definition", "UPDATE definitions SET name = 'harmless'", "definitions, row 1"),
        ("a key that is none", "UPDATE servers SET key = 'npm:../../x' WHERE id = 1", "servers, row"),
        ("a name that is not its key's", "UPDATE servers SET name = 'bank' WHERE id = 1", "servers, row"),
        ("an outcome that is none", "UPDATE probes SET outcome = 'splendid' WHERE id = 3", "probes, row"),
        (
            "a time in another spelling",
            "UPDATE probes SET finished_at = '2099-01-01' WHERE id = 3",
            "probes, row",
        ),
        ("evidence that is none", "UPDATE verdicts SET evidence = '{'", "verdicts, row 1"),
        (
            "a class that is none",
            "PRAGMA ignore_check_constraints = 1; UPDATE verdicts SET class = 'fine'",
            "verdicts",
        ),
    ];
    for (name, sql, said) in harms {
        let (folder, path, store) = sample::seeded();
        store.connection().execute_batch(sql).unwrap_or_else(|e| panic!("{name}: {e}"));
        drop(store);
        let error = Input::open(&path).expect_err(name);
        let text = error.to_string();
        assert!(matches!(error, StoreError::Strange { .. }) && text.contains(said), "{name}: {text}");
        drop(folder);
    }
    for (version, sign) in [(3, "older"), (9_000, "newer")] {
        let (_folder, path, store) = sample::seeded();
        store.connection().execute_batch(&format!("PRAGMA user_version = {version}")).unwrap();
        drop(store);
        let text = Input::open(&path).expect_err(sign).to_string();
        assert!(text.contains(sign), "{text}");
    }
}

#[test]
fn a_damaged_file_is_found_before_anything_is_taken() {
    let (folder, path, store) = sample::seeded();
    store.connection().execute_batch("PRAGMA wal_checkpoint(TRUNCATE)").unwrap();
    drop(store);
    let whole = std::fs::read(&path).unwrap();
    let mut found = 0;
    for page in (1..whole.len() / 4096).step_by(4) {
        let mut bytes = whole.clone();
        bytes[page * 4096..page * 4096 + 64].fill(0xA5);
        let harmed = folder.path().join("harmed.db");
        std::fs::write(&harmed, &bytes).unwrap();
        match Input::open(&harmed) {
            Err(_) => found += 1,
            // A page that is not in use may hold anything.
            Ok(input) => {
                let into = folder.path().join(format!("into{page}.db"));
                Store::open(&into).unwrap().merge(&input).unwrap();
            }
        }
    }
    assert!(found > whole.len() / 4096 / 4 / 2, "{found} of {} pages", whole.len() / 4096);
}
