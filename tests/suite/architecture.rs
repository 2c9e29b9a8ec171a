//! The map of `docs/ARCHITECTURE.md`, kept true: who may import whom, where async, SQL, templates and processes live,
//! how long a file gets, and what no file of the repository may contain.

mod source;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use regex::Regex;
use source::{Source, sources};

/// For each top-level module of `src`, the others it may import. `cli` may import everything.
pub(super) const MAY_IMPORT: &[(&str, &[&str])] = &[
    ("model", &[]),
    ("assets", &[]),
    ("attack", &["model"]),
    ("config", &["model"]),
    ("progress", &["model"]),
    ("http", &["model"]),
    ("clients", &["model"]),
    ("sources", &["model", "http"]),
    ("probe", &["model", "http", "config"]),
    ("classify", &["model"]),
    ("eval", &["model", "classify"]),
    ("identity", &["model"]),
    // The fleet's queue in PostgreSQL; the one of a single machine is in store.
    ("queue", &["model", "config"]),
    ("policy", &["model"]),
    ("export", &["model", "policy"]),
    ("store", &["model"]),
    ("selftest", &["model"]),
    // Of eval only the shape of the benchmark's result, which the method page shows.
    ("render", &["model", "store", "policy", "export", "classify", "eval", "attack"]),
];

/// What lives in one place only: what it is, how it is spelled, and the files that may spell it (prefix of the path).
const ONLY_IN: &[(&str, &str, &[&str])] = &[
    (
        "async",
        r"\basync\b|\.await\b|\btokio(_util)?::",
        &["http", "sources", "probe", "queue", "cli/scan", "cli/queue", "cli/collect"],
    ),
    ("SQL", r"\brusqlite\b", &["store"]),
    ("PostgreSQL", r"\btokio_postgres\b|\btokio_rustls\b", &["queue"]),
    ("templates", r"\btera::", &["render"]),
    // The second place reads the config blocks of READMEs.
    ("Markdown", r"\bpulldown_cmark\b|\bammonia\b", &["render", "probe/plan/readme"]),
    ("the HTTP client", r"\breqwest\b", &["http"]),
    ("progress bars", r"\bindicatif\b", &["progress"]),
    (
        "starting processes",
        r"\bprocess::Command\b|\bprocess::\{[^}]*\bCommand\b|\bCommand::new\b",
        &["probe/sandbox"],
    ),
    ("embedded files", r"\binclude_dir\b", &["assets"]),
    // The servers of the hostile suite write to their own streams; a destination of rows takes JSON lines only.
    (
        "standard output and error",
        r"\bstd(out|err)\(\)",
        &["progress", "selftest", "cli/classify/destination"],
    ),
];

const MAX_LINES: usize = 400;

fn check_all(rule: impl Fn(&Source) -> Vec<String>) {
    let sources = sources();
    assert!(sources.len() > 20, "the walk over src found too little to be right");
    let faults: Vec<String> = sources
        .iter()
        .flat_map(|source| rule(source).into_iter().map(move |fault| format!("src/{}: {fault}", source.path)))
        .collect();
    assert!(faults.is_empty(), "\n{}\n", faults.join("\n"));
}

#[test]
fn every_module_imports_only_what_the_map_allows() {
    check_all(forbidden_imports);
}

#[test]
fn what_lives_in_one_place_stays_there() {
    check_all(misplaced);
}

#[test]
fn every_file_says_what_lives_in_it_and_holds_one_idea() {
    check_all(|source| {
        let mut faults = Vec::new();
        if !source.text.starts_with("//!") {
            faults.push("does not open with //!".to_owned());
        }
        if source.lines > MAX_LINES {
            faults.push(format!(
                "{} lines without its tests, more than {MAX_LINES}; split it by idea",
                source.lines
            ));
        }
        for vague in ["utils", "util", "helpers", "common", "types"] {
            if source.path.split(['/', '.']).any(|part| part == vague) || declares(source, vague) {
                faults.push(format!("a module called {vague} says nothing of what is in it"));
            }
        }
        faults
    });
}

fn declares(source: &Source, module: &str) -> bool {
    Regex::new(&format!(r"\bmod\s+{module}\b")).unwrap().is_match(&source.code)
}

/// `crate::x` in any form, and `super::` chains that climb to the top.
fn forbidden_imports(source: &Source) -> Vec<String> {
    let allowed: BTreeMap<&str, &[&str]> = MAY_IMPORT.iter().copied().collect();
    let own = source.module.first().map(String::as_str).unwrap_or_default();
    // lib.rs declares, main.rs and cli join the stages.
    if own == "cli" || matches!(source.path.as_str(), "lib.rs" | "main.rs") {
        return Vec::new();
    }
    let Some(allowed) = allowed.get(own) else {
        return vec![format!("module {own} is not in the table MAY_IMPORT; decide what it may import")];
    };
    source
        .top_level_modules_used()
        .into_iter()
        .filter(|used| used != own && !allowed.contains(&used.as_str()))
        .map(|used| format!("{own} may not import {used}"))
        .collect()
}

fn misplaced(source: &Source) -> Vec<String> {
    ONLY_IN
        .iter()
        .filter(|(_, spelling, places)| {
            !places.iter().any(|place| source.path.starts_with(place))
                && Regex::new(spelling).unwrap().is_match(&source.code)
        })
        .map(|(what, _, places)| format!("{what} belongs to {} only", places.join(", ")))
        .collect()
}

/// A rule that cannot fail is no rule: made-up files that break each of them.
#[test]
fn the_rules_find_what_they_are_for() {
    let imports = |path: &str, text: &str| forbidden_imports(&Source::new(path, text)).len();
    assert_eq!(imports("model/tool.rs", "use crate::store::Store;"), 1);
    assert_eq!(imports("classify.rs", "use crate::{model::Tool, http};"), 1);
    assert_eq!(
        imports("classify/a.rs", "use crate::{\n    model::{Tool, Class},\n    store::{Store, x},\n};"),
        1
    );
    assert_eq!(imports("policy/a.rs", "fn f() { crate::render::page() }"), 1);
    assert_eq!(imports("policy/a.rs", "use super::super::store::Store;"), 1);
    assert_eq!(imports("policy.rs", "use super::store::Store;"), 1);
    assert_eq!(imports("policy/a.rs", "use super::store;"), 0, "policy::store would be its own");
    assert_eq!(imports("export/a.rs", "use crate::policy::Policy; // crate::store"), 0);
    assert_eq!(imports("export/a.rs", "const TEXT: &str = \"crate::store\";"), 0);
    assert_eq!(imports("export/a.rs", "#[cfg(test)]\nmod tests { use crate::store::Store; }"), 0);
    let test_only =
        "impl A {\n#[cfg(test)]\nfn t() { crate::store::x(); }\n}\n#[cfg(test)]\nuse crate::http;\n";
    assert_eq!(imports("export/a.rs", test_only), 0);
    assert_eq!(imports("export/a.rs", &format!("{test_only} fn f() {{ crate::store::x() }}")), 1);
    assert_eq!(imports("render/a.rs", "use super::catalogue::{Catalogue, Line};"), 0, "a module of its own");
    assert_eq!(imports("newcomer.rs", ""), 1);
    assert_eq!(imports("cli/scan.rs", "use crate::store::Store;"), 0);

    let lost = |path: &str, text: &str| misplaced(&Source::new(path, text)).len();
    assert_eq!(lost("render/a.rs", "async fn f() { g().await }"), 1);
    assert_eq!(lost("cli/build.rs", "tokio::spawn(x)"), 1);
    assert_eq!(lost("cli/scan/run.rs", "async fn f() {}"), 0);
    assert_eq!(lost("render/site.rs", "fn f(c: &rusqlite::Connection) {}"), 1);
    assert_eq!(lost("render/site.rs", "use crate::store::Connection; // rusqlite underneath"), 0);
    assert_eq!(lost("probe/install.rs", "use std::process::{Child, Command};"), 1);
    assert_eq!(lost("cli.rs", "use std::process::ExitCode;\n#[derive(Subcommand)] enum Command {}"), 0);
    assert_eq!(lost("store/a.rs", "let page = tera::Tera::new();"), 1);
}

fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Files that are or could be committed: git's own list, or, outside a checkout, everything but what is built.
fn repository_files() -> Vec<PathBuf> {
    #[expect(clippy::disallowed_methods, reason = "asks git which files are the repository's")]
    let listed = std::process::Command::new("git")
        .args(["ls-files", "--cached", "--others", "--exclude-standard", "-z"])
        .current_dir(repository())
        .output();
    if let Ok(listed) = listed
        && listed.status.success()
    {
        let text = String::from_utf8(listed.stdout).expect("git lists paths as UTF-8");
        return text
            .split('\0')
            .filter(|path| !path.is_empty())
            .map(|path| repository().join(path))
            .collect();
    }
    let mut found = Vec::new();
    let mut folders = vec![repository().to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("the repository can be read") {
            let path = entry.expect("an entry").path();
            let built = ["target", "dist", "var", ".git"].iter().any(|name| path == repository().join(name));
            if path.is_dir() && !built {
                folders.push(path);
            } else if path.is_file() {
                found.push(path);
            }
        }
    }
    found
}

/// Where a registry is, each machine says (`catalogue doctor`); how this one is laid out is nobody's business.
/// The words are put together here so that this file does not hold them.
#[test]
fn no_file_names_a_registrys_host_or_a_place_on_some_machine() {
    let words: Vec<String> = [
        ["npm", "js.org"],
        ["npm", "js.com"],
        ["yarn", "pkg.com"],
        ["pypi", ".org"],
        ["python", "hosted.org"],
        ["/wo", "rk/"],
        ["/ro", "ot/"],
        ["C:", "\\Users"],
        ["/Us", "ers/"],
    ]
    .iter()
    .map(|pieces| pieces.concat())
    .collect();
    let files = repository_files();
    assert!(files.len() > 30, "the list of files is too short to be right");
    let mut faults = Vec::new();
    for path in &files {
        // Deleted but not yet committed so, or an image: nothing to read.
        let Some(text) = std::fs::read(path).ok().and_then(|bytes| String::from_utf8(bytes).ok()) else {
            continue;
        };
        for (number, line) in text.lines().enumerate() {
            for word in words.iter().filter(|word| line.contains(word.as_str())) {
                let place = path.strip_prefix(repository()).unwrap_or(path).display();
                faults.push(format!("{place}:{}: contains {word}", number + 1));
            }
        }
    }
    assert!(faults.is_empty(), "\n{}\n", faults.join("\n"));
}
