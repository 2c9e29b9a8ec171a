//! The hostile suite in one run, as `catalogue selftest` plays it on a user's machine, and what becomes of the texts.
//!
//! A named target, called by `.ci/run`: it takes a minute or two, and is not part of `cargo test`. A short part of it is in
//! `tests/suite/hostile.rs`. bubblewrap is used where it is there already; nothing is fetched.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test that cannot go on stops where it stands, a skipped one says so"
)]

mod kills;
mod naughty;
mod published;

use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::{Mutex, PoisonError};

use serde_json::Value;

/// What measures, or looks for what is left, has the machine for itself.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

/// The whole suite may take so long on two cores.
const MOST_SECONDS: f64 = 180.0;

fn catalogue(var: &Path) -> Command {
    #[expect(clippy::disallowed_methods, reason = "a test starts the program")]
    let mut command = Command::new(env!("CARGO_BIN_EXE_catalogue"));
    command.current_dir(var).env("CATALOGUE_VAR", var).env("CATALOGUE_BAIT_SECRET", "of the scanner");
    command.stdin(Stdio::null());
    command
}

/// Runs it; None, said so, where the level cannot be had here.
fn selftest(level: &str, rows: &[&str]) -> Option<(Value, Output)> {
    let var = tempfile::tempdir().unwrap();
    let output =
        catalogue(var.path()).args(["selftest", "--json", "--sandbox", level]).args(rows).output().unwrap();
    let report = serde_json::from_slice(&output.stdout);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    if report.is_err() && output.status.code() == Some(5) {
        println!("skipped: the hostile suite at the level {level}: {}", said.trim());
        return None;
    }
    Some((report.unwrap_or_else(|_| panic!("no report: {said}")), output))
}

fn everything_holds(level: &str) {
    let Some((report, output)) = selftest(level, &[]) else { return };
    let mut broken = report.clone();
    broken["findings"].as_array_mut().unwrap().retain(|f| f["held"] == "failed");
    let shown = serde_json::to_string_pretty(&broken).unwrap();
    assert_eq!(report["sandbox"], level);
    assert_eq!(report["failed"], 0, "{shown}");
    let rows = report["findings"].as_array().unwrap();
    assert!(rows.iter().filter(|r| r["topic"] != "healthy").count() >= 45, "{shown}");
    assert_eq!(report["healthy"]["rows"], 10, "{shown}");
    assert_eq!(report["healthy"]["changed"], serde_json::json!([]), "{shown}");
    for touched in ["connections", "datagrams", "files_left"] {
        assert_eq!(report["outside"][touched], 0, "{shown}");
    }
    assert_eq!(report["outside"]["file_changed"], false, "{shown}");
    assert_eq!(report["outside"]["process_ended"], false, "{shown}");
    for left in ["processes", "mounts", "folders", "cgroups"] {
        assert_eq!(report["left"][left], serde_json::json!([]), "{shown}");
    }
    let heavy = report["heavy"].as_array().unwrap();
    assert_eq!(heavy.len(), catalogue::selftest::HEAVY.len(), "{shown}");
    assert!(heavy.iter().all(|one| one["scanner_grew_mib"].as_u64().unwrap() < 256), "{shown}");
    assert!(report["scanner_grew_mib"].as_u64().unwrap() < 256, "{shown}");
    assert!(report["seconds"].as_f64().unwrap() < MOST_SECONDS, "{shown}");
    assert_eq!((report["holds"].as_bool(), output.status.code()), (Some(true), Some(0)), "{shown}");
    // What a level is known not to hold is said with what it means, and nothing else is called so.
    let open: Vec<&Value> =
        rows.iter().flat_map(|r| r["attempts"].as_array().unwrap()).filter(|a| a["held"] == "gap").collect();
    assert!(open.iter().all(|a| a["gap"].as_str().is_some_and(|g| !g.is_empty())), "{shown}");
    assert!(level != "bwrap" || open.len() == 1, "{open:?}");
    assert!(level != "reduced" || open.iter().any(|a| a["id"] == "list"), "{open:?}");
    println!("{level}: {} rows in {} s, {} MiB", rows.len(), report["seconds"], report["scanner_grew_mib"]);
}

/// One after the other: both levels at once would be no quiet run for either.
#[test]
fn every_row_ends_in_its_exact_outcome_and_nothing_gets_out_at_either_level() {
    let _alone = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    everything_holds("bwrap");
    everything_holds("reduced");
}
