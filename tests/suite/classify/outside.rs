//! `classify --input`: what a line must hold, what comes back, and that nothing but the line decides.

use std::collections::BTreeMap;
use std::io::Read;
use std::process::Stdio;

use serde_json::{Value, json};

use super::Place;

/// Made-up definitions of every class, some bare, some with everything.
fn definitions(count: usize) -> Vec<Value> {
    let verbs = ["list", "create", "run", "delete", "search", "send", "frobnicate", "restart"];
    let nouns = ["orchard", "pear", "invoice", "ladder"];
    (0..count)
        .map(|i| {
            let (verb, noun) = (verbs[i % verbs.len()], nouns[i / verbs.len() % nouns.len()]);
            let mut tool = json!({"id": i, "server": format!("made-up-{}", i % 7), "name": format!("{verb}_{noun}_{i}")});
            if i % 3 > 0 {
                tool["description"] = json!(format!("{verb}s one {noun} of the number {i}. Cannot be undone."));
            }
            if i % 5 > 0 {
                tool["inputSchema"] = json!({"type": "object", "properties": {
                    "action": {"enum": ["get", if i % 2 > 0 { "purge" } else { "find" }]}, "url": {"type": "string"}}});
            }
            tool["annotations"] = if i % 4 > 0 { json!({"readOnlyHint": i % 8 == 1}) } else { Value::Null };
            tool
        })
        .collect()
}

fn lines(tools: &[Value]) -> String {
    tools.iter().map(|tool| format!("{tool}\n")).collect()
}

#[test]
fn each_line_gives_one_line_with_exactly_these_members_and_no_database_is_made() {
    let place = Place::new();
    let tool = json!({"id": "a-1", "server": "s", "name": "delete_pear", "description": "Deletes a pear.", "note": 1});
    let run = place.feed(&["classify", "--input", "-"], lines(&[tool]).as_bytes());
    assert_eq!(run.code, 0, "{run:?}");
    assert!(run.err.contains("1 line judged, 0 skipped"), "{run:?}");
    let row = &run.rows()[0];
    let members =
        ["id", "server", "name", "class", "risk", "signals", "confidence", "needs_review", "evidence"];
    let places: Vec<usize> = members.iter().map(|m| run.out.find(&format!("\"{m}\":")).unwrap()).collect();
    assert!(places.is_sorted() && row.as_object().unwrap().len() == members.len(), "{run:?}");
    assert_eq!(
        (&row["id"], &row["class"], &row["risk"]),
        (&json!("a-1"), &json!("destructive"), &json!("critical"))
    );
    for evidence in row["evidence"].as_array().unwrap() {
        let keys: Vec<&String> = evidence.as_object().unwrap().keys().collect();
        assert_eq!(keys, ["effect", "field", "rule", "span", "text"]);
    }
    assert!(
        row["evidence"]
            .as_array()
            .unwrap()
            .iter()
            .any(|e| { e["field"] == "/name" && e["span"] == json!([0, 6]) && e["text"] == "delete" })
    );
    assert!(!place.path("var").exists(), "it needs no database");
    let quiet = place.feed(&["classify", "-q", "--input", "-", "--output", "-"], b"{\"name\":\"x\"}");
    assert_eq!((quiet.code, quiet.err.as_str()), (0, ""));
}

#[test]
fn bad_lines_are_reported_with_their_numbers_and_the_exit_code_says_so() {
    let place = Place::new();
    place.write("catalogue.toml", "[limits]\nline_bytes = 300\n");
    let mut input = b"{\"name\":\"get_pear\"}\nnonsense\n[]\n{\"name\":7}\n\n{\"name\":\"".to_vec();
    input.extend([b'x'; 400]);
    input.extend(b"\"}\n\xff\xfe\n{\"name\":\"list_pears\"}");
    place.write("tools.jsonl", input);
    let run = place.run(&["classify", "--input", "tools.jsonl", "--output", "verdicts.jsonl"]);
    assert_eq!((run.code, run.out.as_str()), (7, ""), "{run:?}");
    for (line, says) in [
        (2, "not JSON"),
        (3, "no JSON object"),
        (4, "no name"),
        (6, "longer than 300 bytes"),
        (7, "not UTF-8"),
    ] {
        assert!(run.err.contains(&format!("tools.jsonl:{line}: {says}")), "{line}: {}", run.err);
    }
    assert!(run.err.contains("2 lines judged, 5 skipped"), "{}", run.err);
    let written = std::fs::read_to_string(place.path("verdicts.jsonl")).unwrap();
    let names: Vec<String> =
        written.lines().map(|l| serde_json::from_str::<Value>(l).unwrap()["name"].to_string()).collect();
    assert_eq!(names, ["\"get_pear\"", "\"list_pears\""]);
}

#[test]
fn a_failed_run_leaves_the_old_file_and_no_half_one() {
    let place = Place::new();
    place.write("verdicts.jsonl", "old\n");
    let run = place.run(&["classify", "--input", "nowhere.jsonl", "--output", "verdicts.jsonl"]);
    assert!(run.code == 1 && run.err.contains("nowhere.jsonl"), "{run:?}");
    assert_eq!(std::fs::read_to_string(place.path("verdicts.jsonl")).unwrap(), "old\n");
    assert_eq!(std::fs::read_dir(place.folder.path()).unwrap().count(), 1);
    let run =
        place.feed(&["classify", "--input", "-", "--output", "no/such/folder.jsonl"], b"{\"name\":\"x\"}");
    assert!(run.code == 1 && run.err.contains("no/such/folder.jsonl"), "{run:?}");
    assert_eq!(place.run(&["classify", "--output", "x"]).code, 2, "--output goes with --input");
}

#[test]
fn order_and_threads_change_no_verdict() {
    let place = Place::new();
    let mut tools = definitions(1_500);
    let judge = |tools: &[Value], threads: &str| {
        place.write("tools.jsonl", lines(tools));
        let mut command = place.command(&["classify", "--input", "tools.jsonl"]);
        let output = command.env("RAYON_NUM_THREADS", threads).output().unwrap();
        assert!(output.status.success());
        String::from_utf8(output.stdout).unwrap()
    };
    let one = judge(&tools, "1");
    assert!(one == judge(&tools, "1") && one == judge(&tools, "7"), "other threads, other bytes");
    // A permutation of 1,500: 1,009 is prime to it.
    tools = (0..tools.len()).map(|i| tools[i * 1_009 % 1_500].clone()).collect();
    let by_id = |text: &str| -> BTreeMap<u64, String> {
        let id = |line: &str| serde_json::from_str::<Value>(line).unwrap()["id"].as_u64().unwrap();
        text.lines().map(|line| (id(line), line.to_owned())).collect()
    };
    let shuffled = judge(&tools, "3");
    assert!(one != shuffled);
    assert_eq!(by_id(&one).len(), 1_500);
    assert!(by_id(&one) == by_id(&shuffled), "another order, another verdict");
    let classes: std::collections::BTreeSet<String> = by_id(&one)
        .values()
        .map(|l| serde_json::from_str::<Value>(l).unwrap()["class"].to_string())
        .collect();
    assert_eq!(classes.len(), 4, "the made-up tools are of every class");
}

#[test]
fn a_reader_that_has_seen_enough_is_no_error() {
    let place = Place::new();
    place.write("tools.jsonl", lines(&definitions(20_000)));
    let mut command = place.command(&["classify", "--input", "tools.jsonl"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut first = [0; 10];
    let mut out = child.stdout.take().unwrap();
    out.read_exact(&mut first).unwrap();
    drop(out);
    let run = child.wait_with_output().unwrap();
    assert!(run.status.success() && run.stderr.is_empty(), "{run:?}");
}

/// The whole peak of the process, as the kernel keeps it, on many times what one chunk holds.
#[cfg(target_os = "linux")]
#[test]
fn memory_does_not_grow_with_the_file() {
    let place = Place::new();
    let mut command = place.command(&["classify", "--input", "-", "--output", "/dev/null"]);
    let mut child = command.stdin(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut tools = definitions(100);
    for tool in &mut tools {
        tool["note"] = json!("x".repeat(10_000));
    }
    let (tools, mut stdin) = (lines(&tools), child.stdin.take().unwrap());
    // 100 MB and more.
    for _ in 0..100 {
        std::io::Write::write_all(&mut stdin, tools.as_bytes()).unwrap();
    }
    let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap();
    drop(stdin);
    let run = child.wait_with_output().unwrap();
    assert!(run.status.success());
    assert!(String::from_utf8_lossy(&run.stderr).contains("10000 lines judged"));
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    let kib: u64 = peak.trim().trim_end_matches(" kB").trim().parse().unwrap();
    // Some 60 MiB are the rules; the bound is below what was sent.
    assert!(kib < 80 * 1024, "{kib} KiB");
}
