//! Thousands of naughty texts of our own making in every field of a catalogue, and what becomes of them: pages in a real browser,
//! policies in parsers of two other languages, terminal, log and tables.
//!
//! A named target: `cargo test --test browser`; `BROWSER_TEXTS` says how many texts (default 8,000), `BROWSER_EACH` how many share
//! a tool's page (default 8; with 1 each has its own, which takes long). Skips, saying so, what it has no program for. No real
//! text is used.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test that cannot go on stops where it stands, a skipped one says so"
)]

#[path = "../naughty/texts.rs"]
mod naughty;

mod chrome;
mod pages;
mod parsers;
mod shape;
mod site;
mod streams;
mod texts;

/// The texts of this run.
fn chosen() -> Vec<String> {
    let count =
        std::env::var("BROWSER_TEXTS").map_or(8_000, |text| text.parse().expect("BROWSER_TEXTS is a number"));
    let all = texts::texts(8_000);
    // Fewer are taken from everywhere, so that every family stays.
    let step = (all.len() / count.max(1)).max(1);
    all.into_iter().step_by(step).take(count).collect()
}

#[test]
fn there_are_eight_thousand_texts_and_they_are_the_same_each_time() {
    let all = texts::texts(8_000);
    assert_eq!(all.len(), 8_000);
    assert_eq!(all.iter().collect::<std::collections::HashSet<_>>().len(), 8_000);
    assert_eq!(all, texts::texts(8_000));
    for payload in naughty::PAYLOADS {
        assert!(all.iter().any(|text| text == payload));
    }
}
