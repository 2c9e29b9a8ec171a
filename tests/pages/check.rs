//! The page that checks a client's configuration: what it finds in the files of each client, and that nothing of them leaves it.

use std::path::Path;

use serde_json::{Value, json};

use super::site::MADE_UP;
use super::tools::{chromium, node, turn};

/// What one server may cost a reader, compressed: the list of pieces and its piece.
const MOST: usize = 30 * 1024;

#[test]
fn a_configuration_is_read_and_nothing_of_it_leaves_the_page() {
    let Some(chromium) = chromium() else { return };
    let servers: Vec<Value> = MADE_UP
        .pages()
        .iter()
        .filter(|page| page.ends_with("index.html") && page.starts_with(MADE_UP.out.join("servers")))
        .filter_map(|page| std::fs::read_to_string(page.with_extension("json")).ok())
        .filter_map(|text| serde_json::from_str(&text).ok())
        .filter(|twin: &Value| twin["format"] == "catalogue-server-1")
        .map(|mut twin| {
            // Its tools in short: the task is read as one line.
            for tool in twin["tools"].as_array_mut().into_iter().flatten() {
                *tool = json!({ "name": tool["name"], "risk": tool["risk"] });
            }
            twin
        })
        .collect();
    assert!(servers.len() > 40, "{} servers", servers.len());
    let pictures = Path::new(env!("CARGO_TARGET_TMPDIR")).join("pages").join("check");
    std::fs::create_dir_all(&pictures).unwrap();
    let launches = include_str!("launches.txt").lines().filter(|line| !line.starts_with('#'));
    let task = json!({
        "chromium": chromium,
        "root": MADE_UP.out,
        "base": MADE_UP.address,
        "pictures": pictures,
        "servers": servers,
        "launches": launches.map(|line| line.split_once('\t').unwrap()).collect::<Vec<_>>(),
        "most": MOST,
    });
    let file = pictures.join("task.json");
    std::fs::write(&file, task.to_string()).unwrap();
    let _turn = turn();
    let Some(said) = node("check.mjs", &[file.to_str().unwrap()]) else { return };
    println!("{said}pictures in {}", pictures.display());
}
