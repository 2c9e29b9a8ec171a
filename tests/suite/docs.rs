//! What the documents promise is true: here of the database, in [`readme`] of the program.

mod readme;

use std::collections::BTreeSet;

use catalogue::model::Outcome;

use crate::sample;

fn document() -> String {
    std::fs::read_to_string(std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/DATABASE.md"))
        .unwrap()
}

/// The fenced blocks of SQL, in order.
fn queries(document: &str) -> Vec<&str> {
    document.split("```sql\n").skip(1).filter_map(|rest| rest.split_once("```")).map(|(sql, _)| sql).collect()
}

/// Words in back quotes at the start of table rows: `| `word` | …`.
fn documented_words(document: &str) -> BTreeSet<&str> {
    document
        .lines()
        .filter_map(|line| line.strip_prefix("| `"))
        .filter_map(|rest| rest.split_once('`'))
        .map(|(word, _)| word)
        .collect()
}

#[test]
fn the_table_of_outcomes_is_the_models_own() {
    let document = document();
    for outcome in Outcome::ALL {
        let lasts = if outcome.is_lasting() { "yes" } else { "no" };
        let line = format!("| `{outcome}` | {} | {lasts} | {} |", outcome.meaning(), outcome.hint());
        assert!(document.contains(&line), "docs/DATABASE.md lacks this line:\n{line}");
    }
}

#[test]
fn every_table_and_view_is_described_with_its_columns() {
    let document = document();
    let (_folder, _path, store) = sample::empty();
    let documented = documented_words(&document);
    let mut statement = store
        .connection()
        .prepare(
            "SELECT t.name, c.name FROM sqlite_schema t, pragma_table_info(t.name) c
             WHERE t.type IN ('table', 'view') AND t.name NOT LIKE 'sqlite_%'",
        )
        .unwrap();
    let columns: Vec<(String, String)> =
        statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap().map(Result::unwrap).collect();
    assert!(columns.len() > 100);
    for (table, column) in &columns {
        assert!(documented.contains(table.as_str()), "docs/DATABASE.md does not describe {table}");
        let quoted = format!("`{column}`");
        assert!(document.contains(&quoted), "docs/DATABASE.md does not mention {table}.{column}");
    }
}

#[test]
fn the_ten_queries_run_and_find_something() {
    let document = document();
    let (_folder, _path, mut store) = sample::seeded();
    // History needs a second answer that differs and a second rule set.
    let release = sample::release("pypi:kiln-control", "2.0");
    let now = sample::start() + jiff::SignedDuration::from_hours(30);
    let found = sample::probe(&release, Outcome::Ok, sample::SERVERS[0].probes[0].2, now);
    sample::store_probe(&mut store, &release, &Default::default(), &found);
    let changed = &sample::SERVERS[0].probes[0].2[0];
    let mut verdict = changed.verdict().unwrap();
    verdict.class = catalogue::model::Class::Execute;
    store.add_verdicts("an-older-rule-set", &[(changed.hash(), verdict)], now).unwrap();

    let queries = queries(&document);
    assert_eq!(queries.len(), 10);
    for sql in queries {
        let mut statement = store.connection().prepare(sql).unwrap_or_else(|e| panic!("{e}\n{sql}"));
        assert!(statement.readonly(), "{sql}");
        assert!(sql.contains("ORDER BY"), "an answer has an order:\n{sql}");
        let rows = statement.query_map([], |_| Ok(())).unwrap().map(Result::unwrap).count();
        assert!(rows > 0, "finds nothing in the made-up catalogue:\n{sql}");
    }
}
