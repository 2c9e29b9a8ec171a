//! The programs that look at pages: installed once, without scripts, into a folder of the target's own.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

/// What is installed, each in the version it was tried with.
const PACKAGES: [&str; 4] =
    ["vnu-jar@26.9.27", "axe-core@4.14.1", "playwright-core@1.65.1", "lighthouse@12.8.2"];

/// Where it is installed; None, after saying so, where it cannot be had.
pub(crate) fn packages() -> Option<&'static Path> {
    static DONE: OnceLock<Option<PathBuf>> = OnceLock::new();
    DONE.get_or_init(|| {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("pages-programs");
        let there = || {
            PACKAGES.iter().all(|package| {
                let (name, version) = package.rsplit_once('@').unwrap();
                let about = folder.join("node_modules").join(name).join("package.json");
                let about = std::fs::read_to_string(about).unwrap_or_default();
                about.contains(&format!("\"version\": \"{version}\""))
            })
        };
        if !there() {
            std::fs::create_dir_all(&folder).unwrap();
            std::fs::write(folder.join("package.json"), r#"{"private":true,"type":"module"}"#).unwrap();
            let mut npm = Command::new(program("npm")?);
            npm.args(["install", "--no-audit", "--no-fund", "--ignore-scripts", "--no-package-lock"]);
            let output = npm.args(PACKAGES).current_dir(&folder).stdin(Stdio::null()).output();
            if !there() {
                let why = output
                    .map_or_else(|e| e.to_string(), |o| String::from_utf8_lossy(&o.stderr).into_owned());
                println!("skipped: {} cannot be installed here: {}", PACKAGES.join(" "), why.trim());
                return None;
            }
        }
        Some(folder)
    })
    .as_deref()
}

/// One browser at a time: beside another one a page loads as slowly as that one has it.
pub(crate) fn turn() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A program of this machine; None, after saying so, where it is not there.
pub(crate) fn program(name: &str) -> Option<PathBuf> {
    let found = which::which(name).ok();
    if found.is_none() {
        println!("skipped: {name} is not here");
    }
    found
}

/// Debian's Chromium, or the one that `CHROMIUM` names.
pub(crate) fn chromium() -> Option<PathBuf> {
    match std::env::var_os("CHROMIUM") {
        Some(named) => Some(named.into()),
        None => program("chromium"),
    }
}

/// Runs a script of ours in Node with the packages beside it; panics with what it said if it fails.
pub(crate) fn node(script: &str, arguments: &[&str]) -> Option<String> {
    let (folder, node) = (packages()?, program("node")?);
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/pages").join(script);
    // Beside its packages, where Node looks for them.
    std::fs::copy(source, folder.join(script)).unwrap();
    let output = Command::new(node)
        .arg(folder.join(script))
        .args(arguments)
        .current_dir(folder)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{script}: {said}{}", String::from_utf8_lossy(&output.stderr));
    Some(said)
}
