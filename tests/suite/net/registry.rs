//! One package of a made-up npm registry and of a made-up Python index, JSON and HTML.

use std::collections::BTreeMap;

use catalogue::http::Client;
use catalogue::model::ServerKey;
use catalogue::probe::registry::{FindError, ReleaseFound, Sources, find_release};
use serde_json::json;

use super::fake::{Fake, reply};

/// A registry of documents by path: media type and body.
async fn registry(documents: &[(&str, &str, String)]) -> Fake {
    let documents: BTreeMap<String, (String, String)> = documents
        .iter()
        .map(|(path, kind, body)| ((*path).to_owned(), ((*kind).to_owned(), body.clone())))
        .collect();
    Fake::start(move |seen, mut stream| {
        let found = documents.get(&seen.path).cloned();
        async move {
            match found {
                Some((kind, body)) => {
                    reply(&mut stream, 200, &format!("Content-Type: {kind}"), body.as_bytes()).await
                }
                None => reply(&mut stream, 404, "Content-Type: application/json", b"{}").await,
            }
        }
    })
    .await
}

async fn find(fake: &Fake, name: &str, version: Option<&str>) -> Result<ReleaseFound, FindError> {
    let sources = Sources { npm: Some(fake.url.clone()), pypi: Some(fake.at("simple")), learnt: Vec::new() };
    let key = match name.split_once(':').unwrap() {
        ("npm", name) => ServerKey::npm(name).unwrap(),
        (_, name) => ServerKey::pypi(name).unwrap(),
    };
    find_release(&Client::default(), &sources, &key, version).await
}

fn packument() -> String {
    json!({
        "name": "@ann/notes",
        "dist-tags": {"latest": "1.2.0", "next": "2.0.0-beta.1"},
        "time": {"created": "2025-01-01T00:00:00.000Z", "1.2.0": "2026-02-03T04:05:06.789Z"},
        "versions": {
            "1.1.0": {"name": "@ann/notes", "version": "1.1.0", "bin": "cli.js", "deprecated": "use 1.2"},
            "1.2.0": {
                "name": "@ann/notes", "version": "1.2.0", "description": "Keeps notes", "mcpName": "io.example/notes",
                "bin": {"notes-mcp": "dist/i.js"}, "engines": {"node": ">=18"}, "license": {"type": "MIT"},
                "repository": {"type": "git", "url": "git+https://code.example/ann/mono.git", "directory": "pkgs/notes"},
                "homepage": "javascript:alert(1)"
            },
            "2.0.0-beta.1": {"name": "@ann/notes", "version": "2.0.0-beta.1", "engines": ["odd"], "bin": 7}
        }
    })
    .to_string()
}

#[tokio::test]
async fn npm_s_newest_is_the_tag_latest_and_its_facts_are_read() {
    let fake = registry(&[("/@ann%2Fnotes", "application/json", packument())]).await;
    let found = find(&fake, "npm:@ann/notes", None).await.unwrap();
    assert_eq!(found.release.to_string(), "npm:@ann/notes@1.2.0");
    assert_eq!(found.published_at.unwrap().to_string(), "2026-02-03T04:05:06.789Z");
    assert_eq!(found.repository.unwrap().as_str(), "https://code.example/ann/mono");
    assert_eq!(found.repository_folder.unwrap().raw(), "pkgs/notes");
    assert_eq!(found.homepage, None);
    assert_eq!(found.licence.unwrap().raw(), "MIT");
    assert_eq!(found.engines_node.as_deref(), Some(">=18"));
    assert_eq!(found.bins[0].raw(), "notes-mcp");
    assert_eq!(found.mcp_names[0].raw(), "io.example/notes");
}

#[tokio::test]
async fn npm_s_exact_version_is_taken_even_if_deprecated_or_odd() {
    let fake = registry(&[("/@ann%2Fnotes", "application/json", packument())]).await;
    let old = find(&fake, "npm:@ann/notes", Some("1.1.0")).await.unwrap();
    assert_eq!(old.withdrawn.unwrap().raw(), "use 1.2");
    assert_eq!(old.bins[0].raw(), "notes");
    assert_eq!(old.published_at, None);
    let odd = find(&fake, "npm:@ann/notes", Some("2.0.0-beta.1")).await.unwrap();
    assert!(odd.bins.is_empty() && odd.engines_node.is_none());
    let gone = find(&fake, "npm:@ann/notes", Some("9.9.9")).await;
    assert!(matches!(gone, Err(FindError::NoSuchVersion { newest: Some(n), .. }) if n == "1.2.0"));
}

#[tokio::test]
async fn what_is_not_there_and_what_is_broken_are_told_apart() {
    let html = "<html>blocked</html>".to_owned();
    let fake = registry(&[
        ("/blocked", "text/html", html.clone()),
        ("/simple/blocked/", "application/xml", html),
        ("/empty", "application/json", json!({"name": "empty", "versions": {}}).to_string()),
    ])
    .await;
    for name in ["npm:nothing", "pypi:nothing", "npm:empty"] {
        let gone = find(&fake, name, None).await;
        assert!(matches!(gone, Err(FindError::NoSuchPackage(_))), "{name}: {gone:?}");
    }
    for name in ["npm:blocked", "pypi:blocked"] {
        let blocked = find(&fake, name, None).await;
        assert!(matches!(blocked, Err(FindError::Http(_))), "{name}: {blocked:?}");
    }
    let unknown =
        find_release(&Client::default(), &Sources::default(), &ServerKey::npm("x").unwrap(), None).await;
    assert!(matches!(unknown, Err(FindError::NoRegistry { .. })));
}

fn wheel(name: &str, version: &str, tags: &str) -> serde_json::Value {
    json!({"filename": format!("{name}-{version}-{tags}.whl"), "url": format!("../../files/{name}-{version}-{tags}.whl"),
        "hashes": {}, "requires-python": ">=3.10", "upload-time": "2026-01-02T03:04:05.678Z"})
}

const SIMPLE_JSON: &str = "application/vnd.pypi.simple.v1+json";

#[tokio::test]
async fn the_newest_python_release_is_no_pre_release_and_not_yanked() {
    let metadata = "Metadata-Version: 2.4\nName: a-b\nSummary: Reads notes\nProject-URL: Source, https://code.example/a\n\n";
    let mut good = wheel("a_b", "1.10.0", "py3-none-any");
    good["core-metadata"] = json!({"sha256": catalogue::model::digest::sha256_hex(metadata.as_bytes())});
    let mut yanked = wheel("a_b", "1.11.0", "py3-none-any");
    yanked["yanked"] = json!("broken");
    let page = json!({"meta": {"api-version": "1.1"}, "name": "a-b", "versions": ["1.9", "1.10.0", "1.11.0", "2.0rc1"],
        "files": [wheel("a_b", "1.9", "py3-none-any"), good, yanked, wheel("a_b", "2.0rc1", "py3-none-any")]});
    let fake = registry(&[
        ("/simple/a-b/", SIMPLE_JSON, page.to_string()),
        ("/files/a_b-1.10.0-py3-none-any.whl.metadata", "text/plain", metadata.to_owned()),
    ])
    .await;
    let found = find(&fake, "pypi:A_b", None).await.unwrap();
    assert_eq!(found.release.to_string(), "pypi:a-b==1.10.0");
    assert_eq!(found.description.unwrap().raw(), "Reads notes");
    assert_eq!(found.requires_python.as_deref(), Some(">=3.10"));
    assert_eq!(found.published_at.unwrap().to_string(), "2026-01-02T03:04:05.678Z");
    assert_eq!(found.repository.unwrap().as_str(), "https://code.example/a");
    let asked = find(&fake, "pypi:a-b", Some("1.11")).await.unwrap();
    assert_eq!((asked.release.version.as_str(), asked.withdrawn.unwrap().raw()), ("1.11.0", "broken"));
    let gone = find(&fake, "pypi:a-b", Some("3.0")).await;
    assert!(matches!(gone, Err(FindError::NoSuchVersion { newest: Some(n), .. }) if n == "1.10.0"));
}

#[tokio::test]
async fn metadata_that_is_not_what_the_index_promised_is_a_bad_reply() {
    let mut good = wheel("a", "1.0", "py3-none-any");
    good["core-metadata"] = json!({"sha256": "00"});
    let fake = registry(&[
        ("/simple/a/", SIMPLE_JSON, json!({"files": [good]}).to_string()),
        ("/files/a-1.0-py3-none-any.whl.metadata", "text/plain", "Name: other\n\n".into()),
    ])
    .await;
    let found = find(&fake, "pypi:a", None).await;
    assert!(matches!(found, Err(FindError::Http(_))), "{found:?}");
}

#[tokio::test]
async fn a_newest_release_without_a_usable_wheel_is_not_replaced_by_an_older_one() {
    let source = json!({"filename": "a-2.0.tar.gz", "url": "a-2.0.tar.gz"});
    let foreign = wheel("b", "2.0", "cp312-cp312-win_amd64");
    let fake = registry(&[
        (
            "/simple/a/",
            SIMPLE_JSON,
            json!({"files": [wheel("a", "1.0", "py3-none-any"), source]}).to_string(),
        ),
        (
            "/simple/b/",
            SIMPLE_JSON,
            json!({"files": [wheel("b", "1.0", "py3-none-any"), foreign]}).to_string(),
        ),
        (
            "/simple/c/",
            SIMPLE_JSON,
            json!({"files": [], "project-status": {"status": "quarantined"}}).to_string(),
        ),
    ])
    .await;
    for (name, word) in
        [("pypi:a", "newest with a wheel is 1.0"), ("pypi:b", "other systems"), ("pypi:c", "quarantined")]
    {
        match find(&fake, name, None).await {
            Err(FindError::NotInstallable { why, .. }) => assert!(why.contains(word), "{why}"),
            other => panic!("{name}: {other:?}"),
        }
    }
}

#[tokio::test]
async fn a_mirror_with_html_only_gives_the_release_and_what_its_project_document_tells() {
    let page = "<html><a href='../../f/a-1.0-py3-none-any.whl#sha256=0' data-requires-python='&gt;=3.9'>\
        a-1.0-py3-none-any.whl</a><a href='../../f/a-0.9.zip'>a-0.9.zip</a></html>";
    let document = json!({"info": {"version": "1.0", "summary": "Reads notes"},
        "urls": [{"upload_time_iso_8601": "2026-01-02T03:04:05Z"}]});
    let fake = registry(&[
        ("/simple/a/", "text/html", page.into()),
        ("/pypi/a/json", "application/json", document.to_string()),
    ])
    .await;
    let found = find(&fake, "pypi:a", None).await.unwrap();
    assert_eq!(found.release.version, "1.0");
    assert_eq!(found.requires_python.as_deref(), Some(">=3.9"));
    assert_eq!(found.description.unwrap().raw(), "Reads notes");
    assert_eq!(found.published_at.unwrap().to_string(), "2026-01-02T03:04:05Z");
    assert!(fake.seen()[0].header("accept").starts_with(SIMPLE_JSON));
}
