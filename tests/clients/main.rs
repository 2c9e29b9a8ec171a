//! Policies in the programs that enforce them: run by name (`cargo test --test clients`), skips and says so without them.
//!
//! A model stub and two servers of hostile names, all on this machine, stand around the real client: which tools it offers
//! the model and which calls reach the server is compared with the neutral policy. `CATALOGUE_RECORD=1` writes what was
//! seen to `tests/suite/decisions/`, where the suite holds its models of the clients against it. Recipe:
//! research/policy-targets.md section 4.

#![expect(clippy::unwrap_used, reason = "a step of a test that fails is a test that fails")]
#![expect(clippy::print_stdout, reason = "says what was skipped, and what was seen")]
#![expect(clippy::disallowed_methods, reason = "the clients are programs, and they are started here")]

mod cases;
mod clients;
mod drive;
mod engines;
#[path = "../suite/exports_cases.rs"]
mod exports_cases;
mod gemini;
mod model;
mod packages;
mod process;
mod schemas;
mod wire;
