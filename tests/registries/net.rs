//! The user's registries are learnt, real packages resolved and the toolchain fetched into a temporary folder.

use std::time::Instant;

use catalogue::http::Client;
use catalogue::model::ServerKey;
use catalogue::probe::registry::{Configured, FindError, Sources, find_release, learn::learn_sources};
use catalogue::probe::toolchain::{Needs, Pins, prepare};

/// The user's registries, or none with a word about it: not known, or not to be reached.
pub(super) async fn reachable() -> Option<Sources> {
    let begun = Instant::now();
    let sources = learn_sources(&Configured::default()).await;
    let from: Vec<String> = sources.learnt.iter().map(|l| format!("{}: {}", l.what, l.from)).collect();
    println!("learnt in {:?}: {from:?}", begun.elapsed());
    if sources.pypi.is_none() || sources.npm.is_none() {
        println!("skipped: tests on real packages, no npm and Python registry is known here");
        return None;
    }
    for name in ["npm:@modelcontextprotocol/server-memory", "pypi:mcp-server-time"] {
        if let Err(FindError::Http(error)) =
            find_release(&Client::default(), &sources, &key(name), None).await
        {
            println!("skipped: tests on real packages, the registry cannot be reached ({error})");
            return None;
        }
    }
    Some(sources)
}

fn key(text: &str) -> ServerKey {
    match text.split_once(':').unwrap() {
        ("npm", name) => ServerKey::npm(name).unwrap(),
        (_, name) => ServerKey::pypi(name).unwrap(),
    }
}

#[tokio::test]
async fn real_packages_resolve_to_a_dated_release() {
    let Some(sources) = reachable().await else { return };
    let client = Client::default();
    for name in [
        "npm:@modelcontextprotocol/server-memory",
        "npm:@playwright/mcp",
        "pypi:mcp-server-time",
        "pypi:mcp-server-fetch",
    ] {
        let begun = Instant::now();
        let found = find_release(&client, &sources, &key(name), None).await.unwrap();
        println!("{name} in {:?}: {found:?}", begun.elapsed());
        assert!(!found.release.version.is_empty());
        assert!(found.published_at.is_some() && found.description.is_some());
        let again = find_release(&client, &sources, &key(name), Some(&found.release.version)).await.unwrap();
        assert_eq!(again.release, found.release);
        let gone = find_release(&client, &sources, &key(name), Some("0.0.0-never")).await;
        assert!(matches!(gone, Err(FindError::NoSuchVersion { newest: Some(_), .. })), "{gone:?}");
    }
    for name in ["npm:@modelcontextprotocol/no-such-package-here", "pypi:no-such-package-here-at-all"] {
        let gone = find_release(&client, &sources, &key(name), None).await;
        assert!(matches!(gone, Err(FindError::NoSuchPackage(_))), "{gone:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_toolchain_is_fetched_once_and_then_found() {
    let Some(mut sources) = reachable().await else { return };
    let pins = Pins::parse(include_str!("../../data/toolchain.toml")).unwrap();
    let var = tempfile::tempdir().unwrap();
    let client = Client::default();
    for round in ["first", "second"] {
        let begun = Instant::now();
        let said = std::sync::Mutex::new(Vec::new());
        let note = |text: &str| said.lock().unwrap().push(text.to_owned());
        let toolchain = prepare(var.path(), &client, &mut sources, &pins, &note, Needs::ALL).await;
        println!("{round} round in {:?}", begun.elapsed());
        for line in toolchain.report() {
            println!("  {line:?}");
        }
        assert!(sources.npm.is_some(), "the fetched node's npm tells its registry");
        for tool in [&toolchain.uv, &toolchain.bun, &toolchain.node, &toolchain.bwrap] {
            assert!(tool.is_ok(), "{tool:?}");
        }
        let said = said.into_inner().unwrap();
        assert!(round == "first" || said.is_empty(), "fetched again: {said:?}");
        let left = std::fs::read_dir(var.path().join("toolchain")).unwrap().flatten();
        assert!(!left.into_iter().any(|e| e.file_name().to_string_lossy().contains("partial")));
    }
}
