//! Fuzz targets: each of the places that hostile input passes is fed made-up input for a while, and must keep its promises.
//!
//! A named target, called by `.ci/run`: `FUZZ_SECONDS=60 cargo test --test fuzz`. Seconds are for each target (default 60), the
//! targets run beside each other. `FUZZ_SEED` repeats a run. No coverage is measured (that needs another compiler): input is
//! made by a generator for each target, mutated, and kept where what came of it had not come before.
//!
//! Input that breaks a promise is made small and written to `tests/fuzz/found/TARGET/`, and played first from then on; so is
//! input that ended the whole process. What was found and mended stays there as a regression.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test that cannot go on stops where it stands, and says what it did"
)]

#[path = "../naughty/texts.rs"]
mod naughty;

mod archives;
mod classifier;
mod emitters;
mod policies;
mod random;
mod runner;
mod slugs;
mod wheels;
mod wire;

use runner::{Fuzz, fuzz};

#[test]
fn wire_reader() {
    fuzz(&Fuzz { name: "wire", generate: wire::generate, words: wire::WORDS, run: wire::run });
}

#[test]
fn event_stream() {
    fuzz(&Fuzz { name: "events", generate: wire::stream, words: wire::STREAM_WORDS, run: wire::run_stream });
}

#[test]
fn slug() {
    fuzz(&Fuzz { name: "slug", generate: slugs::generate, words: slugs::WORDS, run: slugs::run });
}

#[test]
fn emitters() {
    fuzz(&Fuzz { name: "emitters", generate: emitters::generate, words: &[], run: emitters::run });
}

#[test]
fn policy_round_trip() {
    fuzz(&Fuzz {
        name: "policies",
        generate: policies::generate,
        words: policies::WORDS,
        run: policies::run,
    });
}

#[test]
fn archive_reader() {
    fuzz(&Fuzz {
        name: "archives",
        generate: archives::generate,
        words: archives::WORDS,
        run: archives::run,
    });
}

#[test]
fn wheel_reader() {
    fuzz(&Fuzz { name: "wheels", generate: wheels::generate, words: wheels::WORDS, run: wheels::run });
}

#[test]
fn classifier() {
    fuzz(&Fuzz {
        name: "classifier",
        generate: classifier::generate,
        words: classifier::WORDS,
        run: classifier::run,
    });
}
