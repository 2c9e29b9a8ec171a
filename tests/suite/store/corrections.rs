//! Corrections in the database: typed by hand, taken back, expired, listed in a file, and in an older database.

use catalogue::model::{Class, Outcome, Risk, Signal, Verdict};
use catalogue::store::{
    Connection, Override, Store, answered, overlay_overrides, overrides_expired, overrides_in_force,
};

use crate::sample::{self, MadeUpTool, RULE_SET};

const LEDGER: &str = "npm:@orchard/ledger";

fn one(connection: &Connection, sql: &str) -> String {
    connection.query_row(sql, [], |row| row.get(0)).unwrap_or_else(|e| panic!("{e}\n{sql}"))
}

fn said(tool: &str) -> Override {
    Override {
        server: LEDGER.parse().unwrap(),
        tool: tool.to_owned(),
        definition: sample::tool(LEDGER, tool).hash(),
        class: Some(Class::Read),
        risk: None,
        signals: None,
        who: "a reader".to_owned(),
        why: "it only looks".to_owned(),
        made_at: "2026-05-01T00:00:00.123456Z".parse().unwrap(),
    }
}

/// The statement that the document promises to work.
fn documented_insert() -> String {
    let document =
        std::fs::read_to_string(std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/DATABASE.md"))
            .unwrap();
    let (_, rest) = document.split_once("```sqlite\n").expect("docs/DATABASE.md shows a ready INSERT");
    rest.split_once("```").unwrap().0.to_owned()
}

#[test]
fn a_correction_typed_into_the_sqlite_shell_is_honoured() {
    let (_folder, path, store) = sample::seeded();
    drop(store);
    #[expect(clippy::disallowed_methods, reason = "the test types what a person would type")]
    let shell = std::process::Command::new("sqlite3").arg(&path).arg(documented_insert()).output();
    match shell {
        Ok(output) => {
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        }
        Err(_) => {
            println!("no sqlite3 shell on this machine; the same statement through the library");
            Connection::open(&path).unwrap().execute_batch(&documented_insert()).unwrap();
        }
    }
    let reader = Store::open_read_only(&path).unwrap();
    let answer = answered(&reader, &LEDGER.parse().unwrap(), None, RULE_SET).unwrap().unwrap();
    let tool = answer.tools.iter().find(|t| t.name.raw() == "run_report").unwrap();
    let verdict = tool.verdict_in_force().unwrap();
    assert_eq!(
        (verdict.class, verdict.risk),
        (Class::Read, Risk::Medium),
        "the risk follows from the signals"
    );
    let correction = tool.correction.as_ref().unwrap();
    assert_eq!(correction.definition, tool.hash, "left out, it is the present definition");
    assert!(correction.made_at > sample::start(), "left out, it is now");
    assert_eq!(
        one(
            &reader,
            "SELECT class || ' ' || risk || ' ' || signals FROM tools_flat WHERE tool = 'run_report'"
        ),
        "read medium personal-data"
    );
}

#[test]
fn what_nobody_could_read_back_is_refused_in_words_that_help() {
    let (_folder, path, store) = sample::seeded();
    drop(store);
    // As the shell opens it: none of the settings of our own writer.
    let shell = Connection::open(&path).unwrap();
    let insert = |columns: &str, values: &str| {
        shell.execute(
            &format!("INSERT INTO overrides (server_key, tool, who, why, {columns}) VALUES ('{LEDGER}', 'run_report', 'me', 'so', {values})"),
            [],
        )
    };
    for (columns, values, says) in [
        ("class", "'Write'", "class: read, write"),
        ("class", "''", "class: read, write"),
        ("risk", "'severe'", "risk: low, medium"),
        ("signals", "'bulk,financial'", "JSON array"),
        ("signals", "'bulk'", "JSON array"),
        ("signals", "'\"bulk\"'", "JSON array"),
        ("signals", "7", "JSON array"),
        ("signals", "'[\"loud\"]'", "unknown word"),
        ("signals", "'[[\"bulk\"]]'", "unknown word"),
        ("signals", "'[null]'", "unknown word"),
        ("class, made_at", "'read', 'yesterday'", "made_at: a time"),
        ("class, definition_hash", "'read', 'abc'", "definition_hash: no tool"),
        ("class, definition_hash", "'read', NULL", "NOT NULL"),
        ("class, origin", "'read', 'elsewhere'", "CHECK"),
    ] {
        let error = insert(columns, values).expect_err(values).to_string();
        assert!(error.contains(says), "{columns} = {values}: {error}");
    }
    for (server, tool, who, says) in [
        ("npm:nobody", "run_report", "me", "server_key: no such server"),
        (LEDGER, "run_reports", "me", "tool: the server's newest answer"),
        ("npm:needs-a-key", "any", "me", "tool: the server's newest answer"),
        (LEDGER, "run_report", " ", "who made it"),
    ] {
        let error = shell
            .execute(
                "INSERT INTO overrides (server_key, tool, class, who, why) VALUES (?1, ?2, 'read', ?3, 'so')",
                [server, tool, who],
            )
            .unwrap_err()
            .to_string();
        assert!(error.contains(says), "{error}");
    }
    // Whatever is let in can be read back.
    for signal in Signal::ALL {
        insert("signals", &format!("'[ \"{signal}\", \"bulk\",\"{signal}\" ]'")).unwrap();
    }
    insert("class, made_at", "'execute', '2031-02-03 04:05'").unwrap();
    assert_eq!(one(&shell, "SELECT max(made_at) FROM overrides"), "2031-02-03T04:05:00.000Z");
    let in_force = overrides_in_force(&shell).unwrap();
    assert_eq!(in_force.len(), 2);
    for column in ["class = 'write'", "why = 'x'", "made_at = '2032-01-01'", "definition_hash = ''"] {
        let error = shell.execute(&format!("UPDATE overrides SET {column}"), []).unwrap_err().to_string();
        assert!(error.contains("insert a new row"), "{column}: {error}");
    }
}

#[test]
fn a_row_that_states_nothing_takes_back_what_was_said_and_both_stay() {
    let (_folder, _path, mut store) = sample::seeded();
    let shown = "SELECT class || ' ' || needs_review || ' ' || corrected FROM tools_flat WHERE tool = 'sync'";
    let before = one(store.connection(), shown);
    let by_hand = |store: &Store, columns: &str, values: &str| {
        store
            .connection()
            .execute(
                &format!("INSERT INTO overrides (server_key, tool, who, why{columns}) SELECT server, tool, 'me', 'so'{values} FROM tools_flat WHERE tool = 'sync'"),
                [],
            )
            .unwrap()
    };
    by_hand(&store, ", class", ", 'destructive'");
    assert_eq!(one(store.connection(), shown), "destructive 0 1");
    std::thread::sleep(std::time::Duration::from_millis(2));
    by_hand(&store, "", "");
    assert_eq!(one(store.connection(), shown), before);
    assert_eq!(one(store.connection(), "SELECT doubt FROM review WHERE tool = 'sync'"), "needs review");
    assert_eq!(overrides_in_force(store.connection()).unwrap().len(), 1, "the one the sample came with");
    let kept: i64 =
        store.connection().query_row("SELECT count(*) FROM overrides", [], |row| row.get(0)).unwrap();
    assert_eq!(kept, 3);
    // A later word counts again, also where a clock went back.
    let mut again = said("post_entry");
    again.made_at = "2020-01-01T00:00:00Z".parse().unwrap();
    assert!(store.add_override(&again).unwrap());
    assert_eq!(one(store.connection(), "SELECT class FROM tools_flat WHERE tool = 'post_entry'"), "read");
}

/// The view computes in SQL what `Risk::of` computes: every class with every set of up to four signals.
#[test]
fn the_risk_that_nobody_stated_is_the_same_in_sql_and_in_the_program() {
    let (_folder, _path, store) = sample::seeded();
    let db = store.connection();
    let mut sets: Vec<Vec<Signal>> = vec![vec![]];
    for signal in Signal::ALL {
        let larger: Vec<Vec<Signal>> = sets
            .iter()
            .filter(|set| set.len() < 4)
            .map(|set| set.iter().copied().chain([*signal]).collect())
            .collect();
        sets.extend(larger);
    }
    assert!(sets.len() > 1_000);
    let verdict = Verdict {
        class: Class::Execute,
        risk: Risk::Low,
        signals: vec![],
        confidence: 0.9,
        needs_review: false,
        evidence: vec![],
    };
    let transaction = db.unchecked_transaction().unwrap();
    // A row is never changed by a person; the test spares itself 5,000 of them.
    db.execute_batch("DROP TRIGGER overrides_kept").unwrap();
    db.execute(
        &format!("INSERT INTO overrides (server_key, tool, class, signals, who, why) VALUES ('{LEDGER}', 'run_report', 'read', '[]', 'me', 'so')"),
        [],
    )
    .unwrap();
    let id = db.last_insert_rowid();
    let mut change = db.prepare("UPDATE overrides SET class = ?1, signals = ?2 WHERE id = ?3").unwrap();
    let mut ask =
        db.prepare("SELECT risk FROM tools_flat WHERE server = ?1 AND tool = 'run_report'").unwrap();
    for class in Class::ALL {
        for set in &sets {
            let text = serde_json::to_string(set).unwrap();
            change.execute((class.as_str(), &text, id)).unwrap();
            let risk: String = ask.query_row([LEDGER], |row| row.get(0)).unwrap();
            let correction =
                Override { class: Some(*class), signals: Some(set.clone()), ..said("run_report") };
            assert_eq!(risk, correction.applied_to(&verdict).risk.as_str(), "{class} {text}");
        }
    }
    drop((change, ask));
    transaction.rollback().unwrap();
}

#[test]
fn a_correction_expires_with_its_definition_until_somebody_looks_at_the_new_one() {
    let (_folder, _path, mut store) = sample::seeded();
    let doubt = "SELECT group_concat(doubt || ' ' || tool) FROM (SELECT * FROM review LIMIT 1)";
    assert!(overrides_expired(store.connection(), None, None).unwrap().is_empty());
    let changed = MadeUpTool {
        json: r#"{"name":"post_entry","description":"Posts an entry, now in two steps."}"#,
        ..MadeUpTool::PLAIN
    };
    let release = sample::release(LEDGER, "1.2.0");
    let now = sample::start() + jiff::SignedDuration::from_hours(40);
    let found = sample::probe(&release, Outcome::Ok, &[changed], now);
    sample::store_probe(&mut store, &release, &Default::default(), &found);
    let expired = overrides_expired(store.connection(), None, None).unwrap();
    assert_eq!(expired.len(), 1);
    assert!(!expired[0].gone && expired[0].said.tool == "post_entry");
    assert_eq!(one(store.connection(), doubt), "correction expired post_entry");
    let corrected: i64 = store
        .connection()
        .query_row("SELECT max(corrected) FROM tools_flat WHERE tool = 'post_entry'", [], |r| r.get(0))
        .unwrap();
    assert_eq!(corrected, 0, "it does not speak of another definition");

    // Somebody says something of the new definition, be it that nothing is to be said.
    let nothing = "INSERT INTO overrides (server_key, tool, who, why) VALUES ('npm:@orchard/ledger', 'post_entry', 'me', 'looked')";
    store.connection().execute(nothing, []).unwrap();
    assert!(overrides_expired(store.connection(), None, None).unwrap().is_empty());
    assert!(!one(store.connection(), doubt).contains("expired"));

    // A tool that is gone is no doubt about any tool that is there.
    let release = sample::release(LEDGER, "1.3.0");
    let found =
        sample::probe(&release, Outcome::Ok, &[MadeUpTool::PLAIN], now + jiff::SignedDuration::from_mins(1));
    sample::store_probe(&mut store, &release, &Default::default(), &found);
    let expired = overrides_expired(store.connection(), Some(LEDGER), None).unwrap();
    assert_eq!(expired.len(), 1);
    assert!(expired[0].gone);
    assert!(!one(store.connection(), doubt).contains("expired"));
}

#[test]
fn a_reader_sees_the_file_as_the_next_writer_will_store_it_and_writes_nothing() {
    let (_folder, path, mut store) = sample::seeded();
    drop(store);
    let file = [said("run_report"), Override { risk: Some(Risk::Critical), ..said("list_accounts") }];
    let dump = |db: &Connection| -> Vec<String> {
        let mut all = Vec::new();
        for sql in [
            "SELECT json_array(server, tool, class, risk, signals, corrected, accepted, corrected_by, corrected_at) FROM tools_flat ORDER BY server, tool",
            "SELECT json_array(server, tool, doubt) FROM review",
            "SELECT json_array(server, read, write, execute, destructive) FROM servers_flat ORDER BY server",
            "SELECT json_array(id, tool, origin, listed, made_at) FROM overrides ORDER BY id",
            "SELECT json_array(id, tool, origin) FROM overrides_in_force ORDER BY id",
        ] {
            let mut statement = db.prepare(sql).unwrap();
            all.extend(statement.query_map([], |row| row.get::<_, String>(0)).unwrap().map(Result::unwrap));
        }
        all
    };
    let bytes = std::fs::read(&path).unwrap();
    let reader = Store::open_read_only(&path).unwrap();
    let plain = dump(&reader);
    overlay_overrides(&reader, &file).unwrap();
    let seen = dump(&reader);
    assert_ne!(seen, plain);
    assert!(seen.iter().any(|row| row.contains(r#""run_report","read","critical""#)), "{seen:#?}");
    let answer = answered(&reader, &LEDGER.parse().unwrap(), None, RULE_SET).unwrap().unwrap();
    assert_eq!(answer.tools.iter().filter(|t| t.correction.is_some()).count(), 3);
    drop(reader);
    assert_eq!(std::fs::read(&path).unwrap(), bytes, "nothing was written");

    store = Store::open(&path).unwrap();
    assert_eq!(store.list_overrides(&file).unwrap(), 2);
    assert_eq!(store.list_overrides(&file).unwrap(), 0, "once");
    assert_eq!(dump(store.connection()), seen);

    // What the file drops is marked, not deleted, and comes back with the file.
    assert_eq!(store.list_overrides(&file[..1]).unwrap(), 1);
    let listed = "SELECT group_concat(tool || ' ' || listed) FROM (SELECT * FROM overrides WHERE origin = 'file' ORDER BY id)";
    let mut after = one(store.connection(), listed);
    assert!(after.contains("list_accounts 0") && after.contains("run_report 1"), "{after}");
    assert_eq!(store.list_overrides(&[]).unwrap(), 1);
    assert_eq!(dump(store.connection())[..20], plain[..20]);
    assert_eq!(store.list_overrides(&file).unwrap(), 2);
    after = one(store.connection(), listed);
    assert!(after.contains("list_accounts 1") && after.contains("run_report 1"), "{after}");

    // A newer word here wins over the file, and the file over an older one.
    let newer = Override {
        class: Some(Class::Write),
        made_at: "2026-06-01T00:00:00Z".parse().unwrap(),
        ..said("run_report")
    };
    assert!(store.add_override(&newer).unwrap());
    let class = "SELECT class FROM tools_flat WHERE tool = 'run_report'";
    assert_eq!(one(store.connection(), class), "write");
    let newest = Override { made_at: "2026-07-01T00:00:00Z".parse().unwrap(), ..said("run_report") };
    store.list_overrides(&[newest]).unwrap();
    assert_eq!(one(store.connection(), class), "read");
}

#[test]
fn an_older_databases_corrections_are_kept_and_made_readable() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("old.db");
    let old = Connection::open(&path).unwrap();
    old.execute_batch(include_str!("../../../src/store/migrations/0001_first.sql")).unwrap();
    old.execute_batch(include_str!("../../../src/store/migrations/0002_views.sql")).unwrap();
    old.execute_batch(
        r#"PRAGMA application_id = 0x43544c47; PRAGMA user_version = 2;
         INSERT INTO servers (key, registry, name, first_seen) VALUES ('npm:a', 'npm', 'a', '2026-01-01T00:00:00.000Z');
         INSERT INTO overrides (id, server_key, tool, definition_hash, class, risk, signals, who, why, made_at) VALUES
           (3, 'npm:a', 't', 'h', 'read', 'low', '["bulk"]', 'w', 'y', '2026-01-01T00:00:00.000Z'),
           (4, 'npm:a', 't', 'h', 'write', NULL, 'bulk, production', 'w', 'y', '2026-01-02'),
           (9, 'npm:a', 'u', 'h', NULL, NULL, '["loud"]', 'w', 'y', 'long ago'),
           (11, 'a typo', 't', 'h', 'read', NULL, NULL, 'w', 'y', '2026-01-02T00:00:00.000Z'),
           (10, 'npm:a', 'v', 'h', NULL, NULL, '{"bulk":1}', 'w', 'y', '2026-01-02T00:00:00.000Z');"#,
    )
    .unwrap();
    drop(old);
    let store = Store::open(&path).unwrap();
    let rows: Vec<String> = store
        .connection()
        .prepare(
            "SELECT json_array(id, class, signals, why, made_at) FROM overrides WHERE id < 11 AND id <> 9 ORDER BY id",
        )
        .unwrap()
        .query_map([], |row| row.get(0))
        .unwrap()
        .map(Result::unwrap)
        .collect();
    let dropped = "y (signals that could not be read were dropped)";
    assert_eq!(
        rows,
        [
            r#"[3,"read","[\"bulk\"]","y","2026-01-01T00:00:00.000Z"]"#.to_owned(),
            format!(r#"[4,"write",null,"{dropped}","2026-01-02T00:00:00.000Z"]"#),
            format!(r#"[10,null,null,"{dropped}","2026-01-02T00:00:00.000Z"]"#),
        ]
    );
    assert_eq!(overrides_in_force(store.connection()).unwrap().len(), 1);
    assert!(one(store.connection(), "SELECT made_at FROM overrides WHERE id = 9").ends_with('Z'));
}
