//! Gemini CLI's own loader and engine, in Node: the policies of `cases`, the 2,000 calls, and the traps.

use std::path::Path;

use catalogue::export::{Wishes, exporter};
use catalogue::policy::{PolicySet, Rule, decide};
use serde_json::{Value, json};

use super::cases::{Mark, marks, policies, policy_of};
use super::clients::record::{Recorded, row_of};
use super::exports_cases::two_thousand;
use super::packages::{GEMINI, Package};
use super::process::run;

/// What the engine makes of calls, in its default mode and in the one that asks nothing.
struct Decisions {
    rows: Vec<Row>,
    problems: Vec<String>,
    rules: usize,
}

struct Row {
    name: String,
    plain: String,
    yolo: String,
    excluded: bool,
}

impl Row {
    /// As tables of other clients have it: a call arrives where the engine allows it.
    fn recorded(&self, key: &str, tool: &str) -> Value {
        row_of(key, tool, !self.excluded, self.plain == "allow", self.yolo == "allow")
    }
}

fn decisions(engine: &Path, documents: &[(String, Vec<(String, String)>)]) -> Vec<Decisions> {
    let folder = tempfile::tempdir().unwrap();
    let jobs: Vec<Value> =
        documents.iter().map(|(text, calls)| json!({"document": text, "calls": calls})).collect();
    std::fs::write(folder.path().join("jobs.json"), json!(jobs).to_string()).unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients/gemini.mjs");
    let package = GEMINI.folder(engine).join("node_modules/@google/gemini-cli-core/dist/src");
    let arguments = [script.display().to_string(), package.display().to_string()];
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let ended = run(folder.path(), Path::new("/usr/bin/env"), &[&["node"], &arguments[..]].concat(), &[]);
    let answers = std::fs::read_to_string(folder.path().join("answers.json")).unwrap_or_default();
    assert_eq!(ended.code, Some(0), "{}\n{}", ended.out, ended.err);
    let answers: Vec<Value> = serde_json::from_str(&answers).unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    answers
        .iter()
        .map(|answer| Decisions {
            rows: answer["rows"]
                .as_array()
                .unwrap()
                .iter()
                .map(|row| Row {
                    name: text(&row["name"]),
                    plain: text(&row["plain"]),
                    yolo: text(&row["yolo"]),
                    excluded: row["excluded"] == true,
                })
                .collect(),
            problems: answer["problems"].as_array().unwrap().iter().map(text).collect(),
            rules: answer["rules"].as_u64().unwrap() as usize,
        })
        .collect()
}

fn engine() -> Option<std::path::PathBuf> {
    let package: &Package = &GEMINI;
    package.get()
}

fn word(rule: Rule) -> &'static str {
    match rule {
        Rule::Allow => "allow",
        Rule::Ask | Rule::Limit { .. } => "ask_user",
        Rule::Deny | Rule::Hide => "deny",
    }
}

fn document(set: &PolicySet) -> String {
    exporter("gemini-cli").unwrap().document(set, Wishes::default()).unwrap().text
}

#[test]
fn gemini_cli_decides_as_the_neutral_policy_says_and_falls_into_its_traps() {
    let Some(engine) = engine() else { return };
    let exporter = exporter("gemini-cli").unwrap();
    let sets = policies();
    let calls: Vec<(String, String)> =
        marks().iter().map(|m| (m.key().to_owned(), m.name().to_owned())).collect();
    let documents: Vec<_> = sets.values().map(|set| (document(set), calls.clone())).collect();
    let mut table: Option<Recorded> = None;
    for (((name, set), (text, _)), seen) in sets.iter().zip(&documents).zip(decisions(&engine, &documents)) {
        assert!(seen.problems.is_empty(), "{:?}\n{text}", seen.problems);
        let named = |(mark, row): (Mark, &Row)| json!([mark.key(), mark.name(), row.name]);
        let table = table.get_or_insert_with(|| {
            let names = marks().into_iter().zip(&seen.rows).map(named).collect();
            Recorded::named("gemini-cli", GEMINI.version, names)
        });
        let recorded = |(mark, row): (Mark, &Row)| row.recorded(mark.key(), mark.name());
        let rows = marks().into_iter().zip(&seen.rows).map(recorded).collect();
        table.add_rows(name, set.tier, text, rows);
        let reading = (exporter.read)(text).unwrap();
        for (mark, row) in marks().into_iter().zip(&seen.rows) {
            let neutral = decide(policy_of(set, mark.server), mark.name(), None).rule;
            let model = reading.decide(mark.key(), mark.name(), None).rule;
            let words = format!("{name} {:?} ({}): neutral {neutral}, model {model}", mark.name(), row.name);
            assert_eq!(row.name, exporter.form.whole(mark.key(), mark.name()), "{words}");
            assert_eq!(row.plain, word(model), "{words}\n{text}");
            // Asking nothing lets through what would be asked about, and not one call more than that.
            assert!(row.yolo == row.plain || row.plain == "ask_user", "{words}: {}", row.yolo);
            assert!(row.plain != "allow" || neutral == Rule::Allow, "{words}");
            assert!(word(neutral) != "deny" || row.yolo == "deny", "{words}: yolo {}", row.yolo);
            // What is denied by its own name is taken away.
            assert_eq!(row.excluded, row.plain == "deny", "{words}");
        }
        println!("gemini-cli {} {name}: {} calls decided", GEMINI.version, seen.rows.len());
    }
    let mut table = table.unwrap();
    fall_into_the_traps(&engine, &mut table);
    table.done();
}

#[test]
fn gemini_cli_decides_two_thousand_calls_alike() {
    let Some(engine) = engine() else { return };
    let exporter = exporter("gemini-cli").unwrap();
    let (cases, sets) = two_thousand();
    let calls: Vec<(String, String)> = cases.iter().map(|c| (c.key.clone(), c.tool.clone())).collect();
    let documents: Vec<_> = sets.iter().map(|set| (document(set), calls.clone())).collect();
    for ((set, (text, _)), seen) in sets.iter().zip(&documents).zip(decisions(&engine, &documents)) {
        assert!(seen.problems.is_empty(), "{:?}", seen.problems);
        let reading = (exporter.read)(text).unwrap();
        for (case, row) in cases.iter().zip(&seen.rows) {
            let policy = &set.servers.iter().find(|s| s.key == case.key).unwrap().policy;
            let neutral = decide(policy, &case.tool, None).rule;
            assert_eq!(row.plain, word(reading.decide(&case.key, &case.tool, None).rule), "{:?}", case.tool);
            assert!(row.plain != "allow" || neutral == Rule::Allow, "{:?}", case.tool);
        }
    }
}

/// What people write and the engine reads otherwise; each is named by what happens.
fn fall_into_the_traps(engine: &Path, table: &mut Recorded) {
    let rule = |more: &str| format!("[[rule]]\ndecision = \"deny\"\npriority = 999\n{more}\n");
    let call = |key: &str, tool: &str| (key.to_owned(), tool.to_owned());
    let long = "x".repeat(70);
    for (name, document, calls, wanted) in [
        (
            "a deny with the raw name does nothing",
            rule("mcpName = \"odd\"\ntoolName = [\"a/b\", \"with space\", \"plain\"]"),
            vec![call("odd", "a/b"), call("odd", "with space"), call("odd", "plain")],
            vec!["ask_user", "ask_user", "deny"],
        ),
        (
            "a rule without toolName takes the whole file with it",
            rule("mcpName = \"odd\"") + &rule("mcpName = \"odd\"\ntoolName = \"plain\""),
            vec![call("odd", "plain")],
            vec!["ask_user"],
        ),
        (
            "a key of 26 characters leaves a hole for long names",
            rule("mcpName = \"abcdefghijklmnopqrstuvwxyz\"\ntoolName = \"*\""),
            vec![call("abcdefghijklmnopqrstuvwxyz", "plain"), call("abcdefghijklmnopqrstuvwxyz", &long)],
            vec!["deny", "ask_user"],
        ),
        (
            "a whole name reaches what mcpName cannot",
            rule("toolName = \"mcp_my_srv_plain\""),
            vec![call("my srv", "plain"), call("my.srv", "plain"), call("my_srv", "plain")],
            vec!["deny", "ask_user", "deny"],
        ),
    ] {
        let seen = decisions(engine, &[(document.clone(), calls.clone())]).remove(0);
        let got: Vec<&str> = seen.rows.iter().map(|r| r.plain.as_str()).collect();
        assert_eq!(got, wanted, "{name}: {} rules, {:?}\n{document}", seen.rules, seen.problems);
        // That one is no mistake but the way out of another.
        if name.starts_with("a whole name") {
            continue;
        }
        let recorded = calls.iter().zip(&seen.rows).map(|((key, tool), row)| row.recorded(key, tool));
        table.trap_rows(name, &document, recorded.collect());
    }
}
