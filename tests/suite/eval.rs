//! `catalogue eval`: figure for figure what the task's own scorer says, and the published benchmark end to end on a
//! made-up database.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use catalogue::assets::Folder;
use catalogue::classify::RuleSet;
use catalogue::eval::{Benchmark, BenchmarkResult};
use catalogue::model::{Outcome, SeenTool, ToolDefinition};
use catalogue::store::Store;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::sample;

fn rules() -> RuleSet {
    RuleSet::load(&Folder::Rules.files(None).unwrap()).unwrap()
}

fn catalogue(here: &Path, args: &[&str]) -> Output {
    #[expect(clippy::disallowed_methods, reason = "a test starts the program")]
    let mut command = Command::new(env!("CARGO_BIN_EXE_catalogue"));
    command.args(args).current_dir(here).env("CATALOGUE_VAR", here.join("var")).output().unwrap()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

/// A file beside the repository; None, said aloud, where it is not there.
fn shared(name: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/classification").join(name);
    if path.is_file() {
        return Some(path);
    }
    println!("skipped: eval against the scorer, ../shared/classification/{name} is not there");
    None
}

/// The scorer's figures for our verdicts; None, said aloud, without python3.
fn scored(scorer: &Path, file: &Path, hints: bool, folder: &Path) -> Option<Value> {
    let rules = rules();
    let mut verdicts = String::new();
    for line in std::fs::read_to_string(file).unwrap().lines() {
        let row: Value = serde_json::from_str(line).unwrap();
        let mut tool = serde_json::Map::new();
        for key in ["name", "title", "description", "inputSchema", "outputSchema", "annotations"] {
            if !(row[key].is_null() || hints && key == "annotations") {
                tool.insert(key.to_owned(), row[key].clone());
            }
        }
        let verdict = rules.judge(&ToolDefinition::from_json(&Value::Object(tool).to_string()).unwrap());
        let said = json!({
            "id": row["id"], "class": verdict.class, "risk": verdict.risk, "signals": verdict.signals,
            "confidence": verdict.confidence, "needs_review": verdict.needs_review,
        });
        verdicts.push_str(&format!("{said}\n"));
    }
    let path = folder.join("verdicts.jsonl");
    std::fs::write(&path, verdicts).unwrap();
    #[expect(clippy::disallowed_methods, reason = "a test starts the scorer")]
    let mut command = Command::new("python3");
    command.arg(scorer).args(if hints { vec!["--hints"] } else { vec![] }).arg(file).arg(&path);
    let Ok(output) = command.arg("--json").output() else {
        println!("skipped: eval against the scorer, no python3");
        return None;
    };
    assert!(output.status.success(), "{}", text(&output.stderr));
    // Python writes NaN where we write null.
    Some(serde_json::from_str(&text(&output.stdout).replace("NaN", "null")).unwrap())
}

/// Every figure of the scorer is in ours with the same value; where ours leaves a part out, the labels lack it.
fn same(ours: &Value, theirs: &Value, at: &str, compared: &mut usize, left_out: &mut BTreeSet<String>) {
    match theirs {
        Value::Object(fields) => {
            for (key, theirs) in fields {
                // Our words have one spelling; a tool is never without a verdict.
                let key = key.to_lowercase();
                let at = format!("{at}/{key}");
                if key == "none" {
                    assert_eq!(theirs, 0, "{at}");
                } else if let Some(ours) = ours.get(&key) {
                    same(ours, theirs, &at, compared, left_out);
                } else {
                    left_out.insert(at);
                }
            }
        }
        Value::Number(theirs) => {
            let ours = ours.as_f64().unwrap_or_else(|| panic!("{at}: {ours} is not {theirs}"));
            assert!((ours - theirs.as_f64().unwrap()).abs() < 1e-12, "{at}: {ours} is not {theirs}");
            *compared += 1;
        }
        theirs => {
            assert_eq!(ours, theirs, "{at}");
            *compared += 1;
        }
    }
}

#[test]
fn every_figure_is_the_scorers() {
    let Some(scorer) = shared("score.py") else { return };
    let folder = tempfile::tempdir().unwrap();
    for (name, hints, least, lacks) in [
        ("gold-dev.jsonl", false, 150, &[][..]),
        ("labels-extra.jsonl", false, 70, &["/natural", "/risk_accepted", "/signals"][..]),
        ("hints-dev.jsonl", true, 5, &[][..]),
    ] {
        let Some(file) = shared(name) else { return };
        let Some(theirs) = scored(&scorer, &file, hints, folder.path()) else { return };
        let path = file.to_str().unwrap();
        let args = [&["eval", path, "--json"][..], if hints { &["--hints"] } else { &[] }].concat();
        let output = catalogue(folder.path(), &args);
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
        let ours: Value = serde_json::from_slice(&output.stdout).unwrap();
        let (mut compared, mut left_out) = (0, BTreeSet::new());
        same(&ours, &theirs, "", &mut compared, &mut left_out);
        assert!(compared >= least, "{name}: only {compared} figures were compared");
        assert_eq!(left_out.iter().map(String::as_str).collect::<Vec<_>>(), lacks, "{name}");
        assert_eq!(output.stdout, catalogue(folder.path(), &args).stdout, "the same twice");
    }
}

#[test]
fn a_bad_line_is_named_and_skipped_and_the_exit_code_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("rows.jsonl");
    let long = format!(r#"{{"name":"a","description":"{}"}}"#, "x".repeat(17 << 20));
    let rows = [
        r#"{"name":"delete_all_records","description":"Permanently deletes all records.","label":{"class":"Destructive"}}"#,
        "",
        "no json",
        r#"{"name":"list_records","description":"Lists records.","gold":{"class":"Write","risk":["low"]}}"#,
        &long,
        r#"{"name":"a"}"#,
    ];
    std::fs::write(&file, rows.join("\n")).unwrap();
    let output = catalogue(folder.path(), &["eval", "rows.jsonl", "--errors", "9"]);
    let (said, complaints) = (text(&output.stdout), text(&output.stderr));
    assert_eq!(output.status.code(), Some(7), "{complaints}");
    for place in ["rows.jsonl:3: ", "rows.jsonl:5: longer", "rows.jsonl:6: neither gold nor label"] {
        assert!(complaints.contains(place), "{complaints}");
    }
    assert!(complaints.contains("3 lines skipped"), "{complaints}");
    assert!(said.contains("all: 2 tools, accuracy 0.500"), "{said}");
    assert!(said.contains("line 4  list_records: label write, said read"), "{said}");

    let json: Value = serde_json::from_slice(
        &catalogue(folder.path(), &["eval", "rows.jsonl", "--errors", "9", "--json"]).stdout,
    )
    .unwrap();
    assert_eq!(json["errors"][0]["name"], "list_records");
    assert!(json["errors"][0]["rule"].is_string() && json.get("natural").is_none());

    std::fs::write(&file, "no json\n").unwrap();
    assert_eq!(catalogue(folder.path(), &["eval", "rows.jsonl"]).status.code(), Some(7));
    std::fs::write(&file, "\n").unwrap();
    assert_eq!(catalogue(folder.path(), &["eval", "rows.jsonl"]).status.code(), Some(1));
    assert_eq!(catalogue(folder.path(), &["eval"]).status.code(), Some(2));
    assert_eq!(catalogue(folder.path(), &["eval", "--hints", "--benchmark"]).status.code(), Some(2));
}

const TOOLS: [(&str, &str); 3] = [
    ("list_notes", "Lists notes."),
    ("delete_note", "Permanently deletes a note."),
    ("add_note", "Adds a note."),
];

fn definition(name: &str, description: &str) -> ToolDefinition {
    ToolDefinition::from_json(&json!({"name": name, "description": description}).to_string()).unwrap()
}

/// A folder with labels of two servers, of which one answered, and a database.
fn place() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let label = |(name, hash, class, risk): (&str, &str, &str, &str)| {
        format!(
            "[[server.tool]]\nname = \"{name}\"\nhash = \"{hash}\"\nclass = \"{class}\"\nrisk = \"{risk}\"\n"
        )
    };
    let hash = |i: usize| definition(TOOLS[i].0, TOOLS[i].1).hash().to_string();
    let mut labels =
        "[[server]]\npurl = \"pkg:npm/made-up-notes@1.0.0\"\nlicence = \"MIT\"\nset = \"held-out\"\n"
            .to_owned();
    // Right, wrong on purpose, of another definition, not listed.
    labels += &label(("list_notes", &hash(0), "read", "low"));
    labels += &label(("delete_note", &hash(1), "write", "medium"));
    labels += &label(("add_note", &"a".repeat(64), "write", "medium"));
    labels += &label(("gone", &"b".repeat(64), "read", "low"));
    labels +=
        "[[server]]\npurl = \"pkg:pypi/made-up-quiet@2.0\"\nlicence = \"Apache-2.0\"\nset = \"tuning\"\n";
    labels += &label(("x", &"c".repeat(64), "read", "low"));
    std::fs::create_dir(folder.path().join("labels")).unwrap();
    std::fs::write(folder.path().join("labels/benchmark.toml"), labels).unwrap();

    let mut store = Store::open(&folder.path().join("var/benchmark.db")).unwrap();
    let release = sample::release("npm:made-up-notes", "1.0.0");
    let mut found = sample::probe(&release, Outcome::Ok, &[], sample::start());
    for (name, description) in TOOLS {
        let tool = definition(name, description);
        found.tools.push(SeenTool {
            hash: tool.hash().clone(),
            name: name.into(),
            raw: tool.canonical().into(),
        });
    }
    sample::store_probe(&mut store, &release, &Default::default(), &found);
    let quiet = sample::release("pypi:made-up-quiet", "2.0");
    let failed = sample::probe(&quiet, Outcome::Crashed, &[], sample::start());
    sample::store_probe(&mut store, &quiet, &Default::default(), &failed);
    folder
}

#[test]
fn the_benchmark_scores_only_the_definitions_that_were_read() {
    let place = place();
    let here = place.path();
    let run = |more: &[&str]| {
        catalogue(
            here,
            &[&["eval", "--benchmark", "--data", "labels", "--output", "result.json"], more].concat(),
        )
    };
    // Both releases have a lasting outcome: with or without --offline nobody is asked.
    for more in [&["--errors", "9"][..], &["--errors", "9", "--offline"]] {
        let output = run(more);
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
        let said = text(&output.stdout);
        for line in [
            "packages: 2 asked, 1 answered",
            "labels: 2 scored, 1 of another definition, 1 of a tool that is not listed, 1 of servers that did not answer",
            "of another definition\n  npm:made-up-notes@1.0.0 add_note",
            "not listed\n  npm:made-up-notes@1.0.0 gone",
            "no answer\n  pypi:made-up-quiet==2.0",
            "delete_note: label write, said destructive",
        ] {
            assert!(said.contains(line), "{line}\n{said}");
        }
    }
    let written = std::fs::read(here.join("result.json")).unwrap();
    let result = BenchmarkResult::from_json(&written).unwrap();
    assert_eq!(result.rule_set, rules().hash());
    assert_eq!(result.as_of.as_deref(), Some("2026-03-01T12:00:01Z"), "the newest probe, not the clock");
    assert_eq!(
        (result.sets.all.all.tools, result.sets.held_out.all.tools, result.sets.tuning.all.tools),
        (2, 2, 0)
    );
    assert!(result.to_json().unwrap().as_bytes() == written, "it reads back as it was written");
    let printed = run(&["--offline", "--json"]).stdout;
    assert_eq!(
        serde_json::from_slice::<Value>(&printed).unwrap(),
        serde_json::from_slice::<Value>(&written).unwrap()
    );
    assert!(std::fs::read(here.join("result.json")).unwrap() == written, "the same twice");
}

#[test]
fn the_benchmark_says_what_it_needs() {
    let place = place();
    let here = place.path();
    let run = |args: &[&str]| {
        let output =
            catalogue(here, &[&["eval", "--benchmark", "--offline", "--data", "labels"], args].concat());
        (output.status.code().unwrap(), text(&output.stderr).to_owned())
    };
    let (code, says) = run(&[]);
    assert!(code == 2 && says.contains("--output FILE"), "{code} {says}");
    // In a folder with a catalogue.toml the result goes where the repository keeps it.
    std::fs::write(here.join("catalogue.toml"), "").unwrap();
    assert_eq!(run(&[]).0, 0);
    assert!(here.join("data/benchmark-result.json").is_file());
    let (code, says) = run(&["--db", "elsewhere.db"]);
    assert!(code == 4, "{code} {says}");
    drop(Store::open(&here.join("empty.db")).unwrap());
    let (code, says) = run(&["--db", "empty.db", "--output", "none.json"]);
    assert!(code == 3 && says.contains("no label could be scored"), "{code} {says}");
    assert!(!here.join("none.json").exists());
    let labels = here.join("labels/benchmark.toml");
    let broken = std::fs::read_to_string(&labels).unwrap().replace("\"tuning\"", "\"train\"");
    std::fs::write(&labels, broken).unwrap();
    let (code, says) = run(&[]);
    assert!(code == 6 && says.contains("data/benchmark.toml:"), "{code} {says}");
}

#[test]
fn the_embedded_labels_are_well_formed_and_have_both_sets() {
    let data = Folder::Data.files(None).unwrap();
    let labels = Benchmark::parse(text(&data["benchmark.toml"]), "data/benchmark.toml").unwrap();
    let sets: BTreeSet<_> = labels.servers.iter().map(|server| server.set).collect();
    assert!(labels.labels() > 10 && sets.len() == 2);
    if let Some(result) = data.get("benchmark-result.json") {
        let result = BenchmarkResult::from_json(result).unwrap();
        let counts = &result.labels;
        let counted = counts.scored + counts.mismatched + counts.missing + counts.unanswered;
        assert_eq!(result.packages.asked, labels.servers.len(), "run catalogue eval --benchmark again");
        assert_eq!(counted, labels.labels(), "run catalogue eval --benchmark again");
    }
}
