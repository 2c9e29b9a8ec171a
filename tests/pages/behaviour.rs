//! What the one small script does, by keyboard and mouse: tabs, tiers, copying, the theme, going back.

use serde_json::json;

use super::site::MADE_UP;
use super::tools::{chromium, node};

#[test]
fn the_script_does_what_its_buttons_say() {
    let Some(chromium) = chromium() else { return };
    let tool = MADE_UP.kinds.iter().find(|(kind, _)| kind == "tool").unwrap();
    let task = json!({ "chromium": chromium, "root": MADE_UP.out, "tool": tool.1 });
    let Some(said) = node("behaviour.mjs", &[&task.to_string()]) else { return };
    println!("{said}");
}
