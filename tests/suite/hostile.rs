//! A short part of the hostile suite, and that its rows would be noticed. All of it: `cargo test --test hostile`.

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};

use catalogue::selftest::Bait;
use serde_json::Value;

fn program() -> Command {
    #[expect(clippy::disallowed_methods, reason = "a test starts the program")]
    let mut command = Command::new(env!("CARGO_BIN_EXE_catalogue"));
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    command
}

/// Plays one row outside any box and gives the names of the tools it lists.
fn unboxed(row: &str, told: &str, home: &std::path::Path) -> Vec<String> {
    let mut server = program().args(["__hostile", row, told]).env("HOME", home).spawn().unwrap();
    let mut input = server.stdin.take().unwrap();
    writeln!(input, r#"{{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{{}}}}"#).unwrap();
    let mut line = String::new();
    BufReader::new(server.stdout.take().unwrap()).read_line(&mut line).unwrap();
    drop(input);
    server.wait().unwrap();
    let answer: Value = serde_json::from_str(&line).unwrap();
    let tools = answer["result"]["tools"].as_array().unwrap();
    tools.iter().map(|t| t["name"].as_str().unwrap().to_owned()).collect()
}

/// What holds in a box proves nothing unless it gets through without one.
#[test]
fn without_a_box_the_attempts_get_through_and_the_bait_notices() {
    let folder = tempfile::tempdir().unwrap();
    let word = format!("suite-{}", std::process::id());
    let bait = Bait::lay(&folder.path().join("bait"), &word).unwrap();
    let told = serde_json::to_string(&bait.told(1)).unwrap();
    let through: [(&str, &[&str]); 4] = [
        ("escape-files", &["secret", "secret_folder", "open_file", "new_file", "link_out", "dots"]),
        ("escape-sockets", &["path", "abstract", "datagram"]),
        ("network-v4", &["loopback", "any_address", "loopback_datagram"]),
        ("escape-inheritance", &["variables"]),
    ];
    for (row, attempts) in through {
        let names = unboxed(row, &told, folder.path());
        for attempt in attempts {
            assert!(names.contains(&format!("escaped_{attempt}")), "{row} {attempt}: {names:?}");
        }
    }
    let seen = bait.look();
    assert!(
        seen.connections >= 3 && seen.datagrams >= 2 && seen.file_changed && seen.files_left == 1,
        "{seen:?}"
    );
}

#[test]
fn a_short_part_of_the_hostile_suite_holds_and_leaves_nothing() {
    let var = tempfile::tempdir().unwrap();
    let mut command = program();
    command.current_dir(var.path()).env("CATALOGUE_VAR", var.path());
    command.args(["selftest", "--json", "--sandbox", super::scan::level()]);
    command.args([
        "escape-files",
        "escape-sockets",
        "escape-kernel",
        "network-v4",
        "nameless-orphan",
        "moving-target",
    ]);
    command.args([
        "flood-empty-lines",
        "duplicate-keys",
        "batch",
        "answers-twice",
        "cursor-huge",
        "healthy-plain",
    ]);
    if super::scan::level() == "none" {
        println!("skipped: the hostile suite, this kernel has no Landlock");
        return;
    }
    let output = command.output().unwrap();
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((report["holds"].as_bool(), output.status.code()), (Some(true), Some(0)), "{report}");
    assert_eq!(report["rows"], 12, "{report}");
}

#[test]
fn a_row_that_is_not_there_is_a_slip_of_the_command_line() {
    let var = tempfile::tempdir().unwrap();
    let mut command = program();
    command.env("CATALOGUE_VAR", var.path()).args(["selftest", "no-such-row"]);
    assert_eq!(command.output().unwrap().status.code(), Some(2));
}
