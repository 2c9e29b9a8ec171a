//! Licences, bans, doubles and sources by the lists of `deny.toml`, for machines without cargo-deny.
//!
//! Bans, doubles and sources are read from `Cargo.lock`, which knows every platform; licences from `cargo metadata`,
//! which off line knows the packages of this platform only and says so.

mod spdx;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Output;

use serde::Deserialize;

#[derive(Deserialize)]
struct Deny {
    licenses: Licenses,
    bans: Bans,
    sources: Sources,
}

#[derive(Deserialize)]
struct Licenses {
    allow: Vec<String>,
    exceptions: Vec<Exception>,
}

#[derive(Deserialize)]
struct Exception {
    #[serde(rename = "crate")]
    name: String,
    allow: Vec<String>,
}

#[derive(Deserialize)]
struct Bans {
    deny: Vec<Named>,
    skip: Vec<Named>,
}

#[derive(Deserialize)]
struct Named {
    #[serde(rename = "crate")]
    name: String,
    reason: String,
}

#[derive(Deserialize)]
struct Sources {
    #[serde(rename = "allow-registry")]
    allow_registry: Vec<String>,
}

#[derive(Deserialize)]
struct Lock {
    package: Vec<Locked>,
}

#[derive(Deserialize)]
struct Locked {
    name: String,
    version: String,
    source: Option<String>,
}

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    license: Option<String>,
    license_file: Option<PathBuf>,
}

fn read<T: serde::de::DeserializeOwned>(file: &str) -> T {
    let text = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(file)).unwrap();
    toml::from_str(&text).unwrap_or_else(|e| panic!("{file}: {e}"))
}

fn run(program: &str, args: &[&str]) -> Output {
    #[expect(clippy::disallowed_methods, reason = "asks cargo what the program is made of")]
    let output =
        std::process::Command::new(program).args(args).current_dir(env!("CARGO_MANIFEST_DIR")).output();
    output.unwrap_or_else(|e| panic!("{program}: {e}"))
}

/// Every package of every platform where cargo has them all at hand, else of this platform.
#[expect(clippy::print_stdout, reason = "what is skipped is said")]
fn packages() -> Vec<Package> {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let all = ["metadata", "--format-version", "1", "--offline", "--locked"];
    let mut answer = run(&cargo, &all);
    if !answer.status.success() {
        let rustc = String::from_utf8(run("rustc", &["-vV"]).stdout).unwrap();
        let host = rustc.lines().find_map(|line| line.strip_prefix("host: ")).expect("rustc names its host");
        println!("skipped: licences of packages for other platforms, which are not on this machine");
        answer = run(&cargo, &[&all[..], &["--filter-platform", host]].concat());
    }
    assert!(answer.status.success(), "{}", String::from_utf8_lossy(&answer.stderr));
    serde_json::from_slice::<Metadata>(&answer.stdout).unwrap().packages
}

#[test]
fn every_package_has_a_licence_we_allow_and_every_one_we_allow_is_needed() {
    let deny: Deny = read("deny.toml");
    let allowed: BTreeSet<&str> = deny.licenses.allow.iter().map(String::as_str).collect();
    let packages = packages();
    assert!(packages.len() > 100, "cargo metadata lists too little to be right");
    let mut needed: BTreeSet<String> = BTreeSet::new();
    let mut faults = Vec::new();
    for package in &packages {
        let Some(licence) = &package.license else {
            faults.push(format!("{}: no licence declared ({:?})", package.name, package.license_file));
            continue;
        };
        let exception = deny.licenses.exceptions.iter().find(|exception| exception.name == package.name);
        let extra = exception.map(|exception| exception.allow.as_slice()).unwrap_or_default();
        let accepts = |id: &str| allowed.contains(id) || extra.iter().any(|e| e == id);
        match spdx::satisfied(licence, &accepts) {
            Ok(true) => needed.extend(spdx::names(licence)),
            Ok(false) => faults.push(format!("{}: {licence} is not allowed by deny.toml", package.name)),
            Err(why) => faults.push(format!("{}: \"{licence}\" cannot be read: {why}", package.name)),
        }
    }
    assert!(faults.is_empty(), "\n{}\n", faults.join("\n"));
    let idle: Vec<&&str> = allowed.iter().filter(|id| !needed.contains(**id)).collect();
    assert!(idle.is_empty(), "deny.toml allows licences that nothing has: {idle:?}");
}

#[test]
fn no_banned_package_is_in_the_lock_file_and_every_ban_has_a_reason() {
    let (deny, lock): (Deny, Lock) = (read("deny.toml"), read("Cargo.lock"));
    for banned in &deny.bans.deny {
        assert!(!banned.reason.is_empty(), "{} is banned without a reason", banned.name);
        let found = lock.package.iter().find(|package| package.name == banned.name);
        assert!(found.is_none(), "{} is banned: {}", banned.name, banned.reason);
    }
}

#[test]
fn no_package_is_there_twice_without_a_reason() {
    let (deny, lock): (Deny, Lock) = (read("deny.toml"), read("Cargo.lock"));
    let mut versions: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for package in &lock.package {
        versions.entry(&package.name).or_default().push(&package.version);
    }
    versions.retain(|_, found| found.len() > 1);
    let mut used = BTreeSet::new();
    for (name, found) in &versions {
        let left: Vec<&&str> = found
            .iter()
            .filter(|version| {
                let skip = deny.bans.skip.iter().find(|skip| {
                    skip.name.split_once('@').is_some_and(|(skipped, prefix)| {
                        skipped == *name && (format!("{version}.")).starts_with(&format!("{prefix}."))
                    })
                });
                used.extend(skip.map(|skip| skip.name.as_str()));
                skip.is_none()
            })
            .collect();
        assert!(left.len() <= 1, "{name} is there as {left:?}; say why under bans.skip or get rid of one");
    }
    for skip in &deny.bans.skip {
        assert!(
            !skip.reason.is_empty() && used.contains(skip.name.as_str()),
            "{}: no such double",
            skip.name
        );
    }
}

#[test]
fn every_package_comes_from_the_one_source() {
    let (deny, lock): (Deny, Lock) = (read("deny.toml"), read("Cargo.lock"));
    for package in &lock.package {
        match &package.source {
            None => assert_eq!(package.name, env!("CARGO_PKG_NAME"), "a package of a local path"),
            Some(source) => assert!(
                deny.sources.allow_registry.iter().any(|allowed| *source == format!("registry+{allowed}")),
                "{} comes from {source}",
                package.name
            ),
        }
    }
}
