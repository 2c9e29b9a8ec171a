//! What the one small script does, by keyboard and mouse: tabs, tiers, copying, the theme, going back.

use serde_json::json;

use super::site::MADE_UP;
use super::tools::{chromium, node, turn};

#[test]
fn the_script_does_what_its_buttons_say() {
    let Some(chromium) = chromium() else { return };
    let task =
        json!({ "chromium": chromium, "base": MADE_UP.address, "tool": MADE_UP.page_of("tool-write-large") });
    let _turn = turn();
    let Some(said) = node("behaviour.mjs", &[&task.to_string()]) else { return };
    println!("{said}");
}
