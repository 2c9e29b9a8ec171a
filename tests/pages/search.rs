//! Searching in a browser: what is found is what the pages' own JSON says, from a file as from a server.

use std::path::Path;

use serde_json::{Value, json};

use super::site::{AWKWARD, MADE_UP};
use super::tools::{chromium, node, turn};

#[test]
fn a_reader_finds_what_there_is() {
    let Some(chromium) = chromium() else { return };
    let tools: Vec<(String, String)> = MADE_UP
        .pages()
        .iter()
        .filter(|page| page.parent().is_some_and(|folder| folder.ends_with("tools")))
        .map(|page| {
            let text = std::fs::read_to_string(page.with_extension("json")).unwrap();
            let twin: Value = serde_json::from_str(&text).unwrap();
            let said =
                |pointer: &str| twin.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
            let name = said("/name");
            // The index looks at so much of a description; words beyond would be counted here and not there.
            let description: String = said("/definition/description").chars().take(180).collect();
            let server = format!("{} {}", said("/server/name"), said("/server/key"));
            let apart = parts(&format!("{name} {description} {server}"));
            (name, apart.to_lowercase())
        })
        .collect();
    assert!(tools.len() > 300, "{} tools", tools.len());
    let pictures = Path::new(env!("CARGO_TARGET_TMPDIR")).join("pages").join("search");
    std::fs::create_dir_all(&pictures).unwrap();
    let task = json!({
        "chromium": chromium,
        "root": MADE_UP.out,
        "base": MADE_UP.address,
        "pictures": pictures,
        "tool": MADE_UP.page_of("tool-write-large"),
        "tools": tools,
        // Words of names that come at the beginning of descriptions or not at all.
        "two": ["create", "file"],
        "many": "get",
    });
    let file = pictures.join("task.json");
    std::fs::write(&file, task.to_string()).unwrap();
    let _turn = turn();
    let Some(said) = node("search.mjs", &[file.to_str().unwrap()]) else { return };
    println!("{said}pictures in {}", pictures.display());
}

#[test]
fn a_name_is_found_however_it_is_spelled() {
    let (Some(chromium), Some(site)) = (chromium(), &*AWKWARD) else { return };
    let task = json!({
        "chromium": chromium,
        "base": site.address,
        "script": site.out.join("static/search.js"),
        "words": serde_json::from_str::<Value>(include_str!("words.json")).unwrap(),
        // Names that are found by each other, and other spellings that find them.
        "spelled": [
            [
                ["deleteUserAccount", "delete_user_account", "delete-user-account", "delete.user.account"],
                ["DeleteUserAccount", "delete user account", "deleteUserAcc", "account deleteUser"],
            ],
            [["créerÉvénement", "CREER_EVENEMENT"], ["creerEvenement", "créer", "creer événement", "cre\u{301}er"]],
            [["ｇｅｔ＿Ｓｔｒａße", "getStrasse"], ["get_strasse", "STRASSE", "getStraße", "straße"]],
        ],
    });
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("pages");
    std::fs::create_dir_all(&folder).unwrap();
    let file = folder.join("spelling.json");
    std::fs::write(&file, task.to_string()).unwrap();
    let _turn = turn();
    let Some(said) = node("spelling.mjs", &[file.to_str().unwrap()]) else { return };
    println!("{said}");
}

/// The text with its words that are written together told once more, apart.
fn parts(text: &str) -> String {
    let mut apart = format!("{text} ");
    let mut before = ' ';
    for c in text.chars() {
        if c.is_uppercase() && before.is_lowercase() {
            apart.push(' ');
        }
        apart.push(c);
        before = c;
    }
    apart.replace('_', " ")
}
