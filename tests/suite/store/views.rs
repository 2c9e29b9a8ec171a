//! The views people read, against the made-up catalogue, and their speed.

use std::time::Instant;

use catalogue::store::{Connection, Store};

use crate::sample;

fn rows(connection: &Connection, sql: &str) -> Vec<String> {
    let mut statement = connection.prepare(sql).unwrap();
    let columns = statement.column_count();
    statement
        .query_map([], |row| {
            let cells = (0..columns).map(|i| {
                Ok(match row.get(i)? {
                    rusqlite::types::Value::Null => "-".to_owned(),
                    rusqlite::types::Value::Integer(number) => number.to_string(),
                    rusqlite::types::Value::Real(number) => number.to_string(),
                    rusqlite::types::Value::Text(text) => text,
                    rusqlite::types::Value::Blob(_) => "blob".to_owned(),
                })
            });
            cells.collect::<rusqlite::Result<Vec<String>>>().map(|cells| cells.join("|"))
        })
        .unwrap()
        .map(Result::unwrap)
        .collect()
}

#[test]
fn tools_flat_holds_each_servers_newest_answered_release() {
    let (_folder, _path, store) = sample::seeded();
    let found = rows(
        store.connection(),
        "SELECT server, release, count(*) FROM tools_flat GROUP BY server, release ORDER BY server",
    );
    assert_eq!(
        found,
        [
            "local:house-tools||1",
            "npm:@orchard/ledger|1.1.0|4",
            "npm:weather-vane|0.3.0-beta.1|4",
            "pypi:kiln-control|2.0|2",
            "pypi:orchard-ledger|1.1.0|3",
            "remote:https://mcp.orchard.example/mcp||1",
        ]
    );
    let one = rows(
        store.connection(),
        "SELECT tool, class, risk, confidence, signals, needs_review, corrected, visibility FROM tools_flat
         WHERE tool IN ('run_report', 'sync', 'no_description', 'light_on') ORDER BY tool",
    );
    assert_eq!(
        one,
        [
            "light_on|write|medium|0.93||0|0|private",
            "no_description|-|-|-||-|0|public",
            "run_report|execute|high|0.9|arbitrary-code, personal-data|0|0|public",
            "sync|write|medium|0.41||1|0|public",
        ]
    );
}

#[test]
fn tools_all_holds_every_release() {
    let (_folder, _path, store) = sample::seeded();
    let found = rows(
        store.connection(),
        "SELECT release, count(*) FROM tools_all WHERE server LIKE 'npm:@%' GROUP BY 1",
    );
    assert_eq!(found, ["1.0.0|1", "1.1.0|4"]);
}

#[test]
fn servers_flat_shows_the_answer_and_the_newest_probe() {
    let (_folder, _path, store) = sample::seeded();
    let found = rows(
        store.connection(),
        "SELECT server, release, outcome, tools, read, write, execute, destructive, unclassified, malformed,
           newest_release, newest_outcome FROM servers_flat ORDER BY server",
    );
    assert_eq!(
        found,
        [
            "local:house-tools||ok|1|0|1|0|0|0|0||ok",
            "npm:@orchard/ledger|1.1.0|ok|4|1|0|1|2|0|0|1.1.0|ok",
            "npm:JSONLibrary|9.0.0|not-mcp|0|0|0|0|0|0|0|9.0.0|not-mcp",
            "npm:needs-a-key|3.2.1|needs-config|0|0|0|0|0|0|0|3.2.1|needs-config",
            "npm:weather-vane|0.3.0-beta.1|ok|4|2|1|0|0|1|1|0.3.0-beta.1|ok",
            "pypi:empty-shelf|0.0.1|no-tools|0|0|0|0|0|0|0|0.0.1|no-tools",
            "pypi:kiln-control|2.0|ok|2|0|1|1|0|0|0|2.1|crashed",
            "pypi:orchard-ledger|1.1.0|ok|3|1|2|0|0|0|0|1.1.0|ok",
            "pypi:out-of-reach|1.0|no-network|0|0|0|0|0|0|0|1.0|no-network",
            "remote:https://mcp.orchard.example/mcp||ok|1|0|0|1|0|0|0||ok",
        ]
    );
}

#[test]
fn review_begins_with_what_is_most_doubtful() {
    let (_folder, _path, store) = sample::seeded();
    let found = rows(store.connection(), "SELECT doubt, tool, evidence FROM review");
    let heads: Vec<&str> = found.iter().map(String::as_str).take(5).collect();
    assert_eq!(
        heads,
        [
            "not classified|no_description|-",
            "needs review|sync|sync",
            "needs review|ignore_me|Do not tell the user",
            "annotation mismatch|peek_safe|",
            "low confidence|Voorspel_Café|Voorspelt",
        ]
    );
    assert_eq!(found.last().unwrap(), "corrected|post_entry|moves the amount");
    let text = rows(store.connection(), "SELECT * FROM review").join("\n");
    assert!(!text.contains('\u{1b}'), "no escape reaches the terminal of who reads it");
}

#[test]
fn the_views_are_quick_at_ten_thousand_tools() {
    let (_folder, path, mut store) = sample::empty();
    sample::seed_many(&mut store, 500, 20);
    drop(store);
    let reader = Store::open_read_only(&path).unwrap();
    for view in ["tools_flat", "tools_all", "servers_flat", "review"] {
        let begun = Instant::now();
        let found = rows(&reader, &format!("SELECT * FROM {view}")).len();
        assert_eq!(found, if view == "servers_flat" { 500 } else { 10_000 });
        let took = begun.elapsed();
        println!("{view}: {took:?}");
        assert!(took.as_secs() < 10, "{view} took {took:?}");
    }
}

/// Whoever asks for one server must not pay for all of them.
#[test]
fn one_servers_tools_are_found_without_going_through_a_table() {
    let (_folder, _path, store) = sample::seeded();
    for view in ["tools_flat", "tools_all", "review"] {
        let asked = format!("EXPLAIN QUERY PLAN SELECT * FROM {view} WHERE server = 'npm:weather-vane'");
        let plan = rows(store.connection(), &asked);
        // `u` is read from its newest row, one step; `json_each` goes through the signals of one tool.
        let scans: Vec<&String> = plan
            .iter()
            .filter(|step| {
                step.contains("|SCAN ") && !step.ends_with("SCAN u") && !step.contains("json_each")
            })
            .collect();
        assert!(scans.is_empty(), "{view}: {scans:?}\n{}", plan.join("\n"));
    }
}

#[test]
fn the_plain_sqlite_shell_reads_every_view() {
    let (_folder, path, store) = sample::seeded();
    let views = rows(store.connection(), "SELECT name FROM sqlite_schema WHERE type = 'view' ORDER BY name");
    assert_eq!(
        views,
        [
            "newest_probes",
            "overrides_expired",
            "overrides_in_force",
            "review",
            "servers_flat",
            "tools_all",
            "tools_flat",
            "tools_probed"
        ]
    );
    drop(store);
    #[expect(clippy::disallowed_methods, reason = "the test asks another program for its opinion")]
    let shell = |view: &str| {
        std::process::Command::new("sqlite3")
            .arg("-readonly")
            .arg(&path)
            .arg(format!("SELECT * FROM {view}"))
            .output()
    };
    for view in &views {
        let Ok(answer) = shell(view) else {
            println!("skipped: the views in the sqlite3 shell, which is not on this machine");
            return;
        };
        assert!(answer.status.success(), "{view}: {}", String::from_utf8_lossy(&answer.stderr));
        // In the made-up catalogue no correction has expired.
        assert_eq!(answer.stdout.is_empty(), view == "overrides_expired", "{view}");
    }
}
