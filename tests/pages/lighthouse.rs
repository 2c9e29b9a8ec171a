//! Lighthouse on the pages that people land on.

use serde_json::json;

use super::site::MADE_UP;
use super::tools::{chromium, node, turn};

/// The largest page of a tool that is well filled, and of a server; home and search.
const PAGES: [&str; 4] = ["tool-destructive-large", "server-large", "home", "search"];
/// How often the speed is measured; `PAGES_ROUNDS` says otherwise.
const ROUNDS: u32 = 5;

#[test]
fn lighthouse_gives_full_marks() {
    let Some(chromium) = chromium() else { return };
    let rounds = std::env::var("PAGES_ROUNDS").map_or(ROUNDS, |text| text.parse().expect("a number"));
    let pages: Vec<_> = PAGES.iter().map(|kind| (kind, MADE_UP.page_of(kind))).collect();
    let task = json!({ "chromium": chromium, "base": MADE_UP.address, "pages": pages, "rounds": rounds });
    let _turn = turn();
    let Some(said) = node("lighthouse.mjs", &[&task.to_string()]) else { return };
    println!("{said}");
}
