//! The work queue over both databases, and the fleet over PostgreSQL: conformance, random interleavings, roles, failures, chaos.
//!
//! A named target, called by `.ci/run`. It starts PostgreSQL by itself in a temporary folder where its programs are; where they are
//! not, it says that it was skipped. `QUEUE_CHAOS=full` plays the long chaos (five seeds, 1,500 targets) instead of the short one.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a test that cannot go on stops where it stands, a skipped one says so, and it starts programs"
)]

mod backend;
mod chaos;
mod conformance;
mod deliveries;
mod fake;
mod fleet;
mod model;
mod poison;
mod postgres;
mod roles;
mod speed;
mod tls;
mod trouble;

use std::path::Path;
use std::process::{Command, Stdio};

/// The program, in a state folder of its own.
fn catalogue(var: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_catalogue"));
    command.current_dir(var).env("CATALOGUE_VAR", var).stdin(Stdio::null());
    command.env_remove("CATALOGUE_QUEUE").env_remove("CATALOGUE_QUEUE_PASSWORD");
    command
}

/// Runs it and returns what it printed; panics with what it said if it fails.
fn printed(command: &mut Command) -> String {
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {said}");
    String::from_utf8(output.stdout).unwrap()
}
