//! The README and the map say what the program does: commands, options, codes, keys, the JSON row, imports, links.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use catalogue::config::Config;
use catalogue::config::limits::Limits;
use regex::Regex;

use crate::architecture::MAY_IMPORT;

fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &str) -> String {
    std::fs::read_to_string(repository().join(path)).unwrap_or_else(|e| panic!("{path}: {e}"))
}

fn catalogue(args: &[&str], here: &Path) -> Output {
    #[expect(clippy::disallowed_methods, reason = "a test starts the program")]
    let mut command = Command::new(env!("CARGO_BIN_EXE_catalogue"));
    command.args(args).current_dir(here).env("CATALOGUE_VAR", here.join("var"));
    command.output().unwrap()
}

/// The first fenced block of a language.
fn block<'a>(document: &'a str, language: &str) -> &'a str {
    let (_, rest) = document.split_once(&format!("```{language}\n")).expect("the document has such a block");
    rest.split_once("```").expect("the block ends").0
}

fn matches(pattern: &str, text: &str) -> BTreeSet<String> {
    Regex::new(pattern).unwrap().captures_iter(text).map(|found| found[1].to_owned()).collect()
}

/// Every command with its subcommands, and the options of each: from the program's own help.
fn commands(path: &[&str], found: &mut Vec<(String, BTreeSet<String>)>) {
    let output = catalogue(&[path, &["--help"]].concat(), repository());
    let help = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success() && help.contains("Usage: catalogue"), "{path:?}: {help}");
    found.push((path.join(" "), matches(r"(?m)^\s+(?:-\w, )?(--[a-z-]+)", &help)));
    let Some((_, list)) = help.split_once("\nCommands:\n") else { return };
    let list = list.split("\n\n").next().unwrap();
    for name in matches(r"(?m)^  ([a-z]+) ", list) {
        if name != "help" {
            commands(&[path, &[name.as_str()]].concat(), found);
        }
    }
}

#[test]
fn the_readme_names_every_command_and_every_option() {
    let readme = read("README.md");
    let mut found = Vec::new();
    commands(&[], &mut found);
    assert!(found.len() > 10, "{found:?}");
    for (command, options) in found {
        let named = command.is_empty() || readme.contains(&format!("`catalogue {command}"));
        let short = command.rsplit_once(' ').is_some_and(|(_, last)| readme.contains(&format!("`{last}`")));
        assert!(named || short, "the README does not name: catalogue {command}");
        for option in options {
            let spelled = Regex::new(&format!(r"{option}(?:[^a-z-]|$)")).unwrap();
            assert!(spelled.is_match(&readme), "the README does not name {option} of catalogue {command}");
        }
    }
}

#[test]
fn the_readme_begins_with_its_two_commands() {
    let readme = read("README.md");
    let first = block(&readme, "sh");
    let commands: Vec<&str> = first.lines().map(|l| l.split('#').next().unwrap().trim()).collect();
    assert_eq!(commands, ["cargo run --release -- run", "cargo test"]);
    let starter = read("data/starter.toml").lines().filter(|l| *l == "[[target]]").count();
    assert!(readme.contains(&format!("the {starter} servers of")), "the starter list has {starter} servers");
}

/// The enum is the program's own and not visible here; its one table is read as text.
#[test]
fn every_exit_code_is_documented() {
    let codes = matches(r"Exit::\w+ => (\d+)", &read("src/cli/exit.rs"));
    assert!(codes.len() > 5, "{codes:?}");
    let readme = read("README.md");
    let (_, table) = readme.split_once("## Exit codes").unwrap();
    let table = table.split("\n## ").next().unwrap();
    assert_eq!(matches(r"(?m)^\| (\d+) \|", table), codes);
}

/// The keys a table of the configuration knows, as its own error message lists them.
fn known_keys(toml: &str) -> BTreeSet<String> {
    let error = toml::from_str::<Config>(toml).expect_err("no such key").to_string();
    let (_, expected) = error.split_once("expected").unwrap_or_else(|| panic!("{error}"));
    matches("`([a-z_]+)`", expected)
}

#[test]
fn the_readmes_catalogue_toml_has_every_key_and_no_other() {
    let readme = read("README.md");
    let example = block(&readme, "toml");
    let read: Config = toml::from_str(example).unwrap();
    assert_eq!(read.limits, Limits::default(), "the README says that these are the defaults");
    let written: toml::Table = toml::from_str(example).unwrap();
    let tables = known_keys("no-such-key = 1");
    assert_eq!(written.keys().cloned().collect::<BTreeSet<_>>(), tables);
    assert!(tables.contains("limits") && tables.len() > 3, "{tables:?}");
    for table in tables {
        let keys: BTreeSet<String> = written[&table].as_table().unwrap().keys().cloned().collect();
        assert_eq!(keys, known_keys(&format!("[{table}]\nno-such-key = 1")), "[{table}]");
    }
}

#[test]
fn the_readmes_json_row_is_the_programs() {
    let folder = tempfile::tempdir().unwrap();
    let script = ["--sandbox", "none", "--stdio", "--name", "mute", "--", "/bin/sh", "-c", "exit 1"];
    let output = catalogue(&[&["scan", "--json"], &script[..]].concat(), folder.path());
    let row: serde_json::Map<String, serde_json::Value> = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|e| panic!("{e}: {}", String::from_utf8_lossy(&output.stderr)));
    assert_eq!(row["outcome"], "crashed");
    let readme = read("README.md");
    let shown: serde_json::Map<String, serde_json::Value> =
        serde_json::from_str(block(&readme, "json")).unwrap();
    assert_eq!(shown.keys().collect::<BTreeSet<_>>(), row.keys().collect::<BTreeSet<_>>());
    let (_, table) = readme.split_once("| member | is |").unwrap();
    let table = table.split("\n\n").next().unwrap();
    for key in row.keys() {
        assert!(table.contains(&format!("`{key}`")), "the README does not explain the member {key}");
    }
}

#[test]
fn the_table_of_modules_is_the_one_that_is_enforced() {
    let map = read("docs/ARCHITECTURE.md");
    for (module, may_import) in MAY_IMPORT {
        let row = map
            .lines()
            .find(|line| line.starts_with(&format!("| `{module}` |")))
            .unwrap_or_else(|| panic!("docs/ARCHITECTURE.md has no row for {module}"));
        let last = row.trim_end_matches('|').rsplit('|').next().unwrap();
        let expected: BTreeSet<String> = may_import.iter().map(|m| (*m).to_owned()).collect();
        assert_eq!(matches("`([a-z]+)`", last), expected, "{module}");
    }
}

/// Markdown files that people read, wherever they lie.
fn documents() -> Vec<PathBuf> {
    let mut found = Vec::new();
    for folder in ["", "docs", "rules"] {
        let entries = std::fs::read_dir(repository().join(folder)).unwrap();
        found.extend(entries.map(|e| e.unwrap().path()).filter(|p| p.extension().is_some_and(|e| e == "md")));
    }
    found.sort();
    found
}

#[test]
fn links_between_documents_lead_somewhere() {
    let documents = documents();
    assert!(documents.len() > 7, "{documents:?}");
    let link = Regex::new(r"\]\(([^)\s]+)\)").unwrap();
    for document in &documents {
        let text = std::fs::read_to_string(document).unwrap();
        for found in link.captures_iter(&text) {
            let target = &found[1];
            if target.contains("://") {
                continue;
            }
            let (path, heading) = target.split_once('#').unwrap_or((target, ""));
            let place =
                if path.is_empty() { document.clone() } else { document.parent().unwrap().join(path) };
            assert!(place.exists(), "{}: {target} is not there", document.display());
            if !heading.is_empty() {
                let headings = std::fs::read_to_string(&place).unwrap().to_lowercase();
                let spelled = format!("# {}", heading.replace('-', " "));
                assert!(headings.contains(&spelled), "{}: no heading for {target}", document.display());
            }
        }
    }
}

/// Files and tests that the map and the table of threats point at are there.
#[test]
fn the_places_and_tests_that_documents_name_exist() {
    let mut sources = String::new();
    let mut folders = vec![repository().join("src"), repository().join("tests")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == "rs") {
                sources.push_str(&std::fs::read_to_string(path).unwrap());
            }
        }
    }
    let mut tests = 0;
    for name in ["docs/ARCHITECTURE.md", "docs/THREATS.md", "docs/PERFORMANCE.md"] {
        let text = read(name);
        for path in matches(r"`((?:src|tests|rules|data|site|templates|benches|docs)/[\w./-]*)`", &text) {
            assert!(repository().join(&path).exists(), "{name}: {path} is not there");
        }
        for test in matches("`([a-z0-9]+(?:_[a-z0-9]+){3,})`", &text) {
            tests += 1;
            assert!(sources.contains(&format!("fn {test}(")), "{name}: no test is called {test}");
        }
    }
    assert!(tests > 20, "docs/THREATS.md names its tests");
}
