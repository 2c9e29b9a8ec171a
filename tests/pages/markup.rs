//! The Nu HTML checker over every kind of page, 500 others and the servers' pages of a folded site.

use std::collections::BTreeMap;
use std::process::{Command, Stdio};

use serde_json::Value;

use super::site::{AWKWARD, MADE_UP, Site};
use super::tools::{packages, program, turn};

/// How many pages beside one of each kind.
const OTHERS: usize = 500;

#[test]
fn the_nu_checker_finds_nothing_wrong() {
    let (Some(folder), Some(java)) = (packages(), program("java")) else { return };
    let jar = folder.join("node_modules/vnu-jar/build/dist/vnu.jar");
    let wrong = folder.join("wrong.html");
    std::fs::write(&wrong, "<!DOCTYPE html><html lang=en><title>x</title><h1>x</h1><p id=a><p id=a>")
        .unwrap();
    for site in [Some(&*MADE_UP), AWKWARD.as_ref()].into_iter().flatten() {
        let pages = chosen(site);
        let _turn = turn();
        let output = Command::new(&java)
            .args(["-Xss8m", "-jar"])
            .arg(&jar)
            .args(["--format", "json", "--stdout"])
            .args(&pages)
            .arg(&wrong)
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let said: Value = serde_json::from_slice(&output.stdout).unwrap();
        let mut faults: BTreeMap<String, String> = BTreeMap::new();
        let mut is_awake = false;
        for message in said["messages"].as_array().unwrap() {
            let text = message["message"].as_str().unwrap_or_default();
            // A page read from disk has no origin that 'self' could be, and it takes blocks of data for scripts; browsers do not.
            if text.contains("violates Content Security Policy (meta tag)") {
                continue;
            }
            let words = |key: &str| message[key].as_str().unwrap_or_default().to_owned();
            if words("url").ends_with("/wrong.html") {
                is_awake |= text.contains("Duplicate ID");
                continue;
            }
            // It guesses the language, with chance in it (one of three runs said Maltese); the awkward site's texts are in none.
            if text.starts_with("This document appears to be written in")
                && words("url").contains("/awkward/")
            {
                continue;
            }
            faults
                .entry(format!("{} {text}", words("type")))
                .or_insert(words("url") + " " + &words("extract"));
        }
        assert!(is_awake, "the checker did not see what is wrong with {}", wrong.display());
        assert!(faults.is_empty(), "{faults:#?}");
        println!("the Nu checker: {} pages, nothing wrong", pages.len());
    }
}

/// One page of each kind, others from everywhere, and the servers' pages of the folded site.
fn chosen(site: &Site) -> Vec<std::path::PathBuf> {
    let all = site.pages();
    let mut pages: Vec<_> = site.kinds.iter().map(|(_, path)| site.out.join(path)).collect();
    assert!(all.len() >= OTHERS, "{} pages", all.len());
    pages.extend((0..OTHERS).map(|nth| all[nth * all.len() / OTHERS].clone()));
    pages.extend(site.folded());
    pages.sort();
    pages.dedup();
    pages
}
