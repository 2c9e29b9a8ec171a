//! A package that somebody typed, scanned without a walk over its registry: what it says of who it is counts all the same.

use serde_json::{Value, json};

use crate::sources_fake::{Fake, Place, Reply, Seen};

const ENTRY: &str = "io.github.ann/orchard";
const WHEEL: &str = "pear_mcp-1.0.0-py3-none-any.whl";

fn answer(asked: &Seen) -> Reply {
    let manifest = |version: &str, name: &str| {
        json!({"name": "plum-mcp", "version": version, "mcpName": name, "bin": "x.js",
            "repository": {"type": "git", "url": "https://github.com/ann/orchard", "directory": "pkgs/plum"},
            "dist": {"tarball": format!("http://{}/x.tgz", asked.header("host").unwrap_or_default()), "integrity": "sha512-x"}})
    };
    match asked.path.as_str() {
        "/v0.1/servers" => {
            let packages = json!([{"registryType": "npm", "identifier": "plum-mcp", "version": "1.0.0"},
                {"registryType": "pypi", "identifier": "pear-mcp", "version": "1.0.0"}]);
            let entry = |name: &str, packages: &Value| {
                json!({"server": {"name": name, "version": "1.0.0", "description": "d", "packages": packages},
                    "_meta": {"io.modelcontextprotocol.registry/official": {"status": "active", "isLatest": true}}})
            };
            Reply::json(
                &json!({"servers": [entry(ENTRY, &packages), entry("io.github.bob/other", &json!([]))], "metadata": {}}),
            )
        }
        "/plum-mcp" => {
            Reply::json(&json!({"name": "plum-mcp", "dist-tags": {"latest": "2.0.0"}, "versions": {
            "1.0.0": manifest("1.0.0", ENTRY), "2.0.0": manifest("2.0.0", "io.github.bob/other")}}))
        }
        "/simple/pear-mcp/" => {
            let file = json!({"filename": WHEEL, "url": format!("/files/{WHEEL}"), "hashes": {}, "core-metadata": true,
                "requires-python": ">=99"});
            Reply::json(&json!({"meta": {"api-version": "1.1"}, "name": "pear-mcp", "files": [file]}))
                .with("Content-Type", "application/vnd.pypi.simple.v1+json")
        }
        path if path == format!("/files/{WHEEL}.metadata") => {
            let text = format!(
                "Metadata-Version: 2.1\nName: pear-mcp\nVersion: 1.0.0\n\n# Pears\n<!-- mcp-name: {ENTRY}. -->\n"
            );
            Reply {
                status: 200,
                headers: vec![("Content-Type", "text/plain".to_owned())],
                body: text.into_bytes(),
            }
        }
        _ => Reply::status(404),
    }
}

fn tier(place: &Place, node: &str, other: &str) -> Option<String> {
    let output = place.run(&["identity", node, "--json"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let all: Value = serde_json::from_slice(&output.stdout).unwrap();
    let links = all["links"].as_array().unwrap();
    let found = links.iter().find(|link| link["a"] == other || link["b"] == other)?;
    Some(found["tier"].as_str().unwrap().to_owned())
}

#[test]
fn a_typed_package_s_own_name_of_its_entry_counts_like_one_that_a_walk_read() {
    let fake = Fake::start(answer);
    let url = &fake.url;
    let place = Place::new(&format!(
        "[registries]\nnpm = \"{url}\"\npypi = \"{url}simple/\"\n[sources.mcp]\naddress = \"{url}\"\n"
    ));
    place.dry_run("mcp", &[]);
    let entry = format!("registry:{ENTRY}");
    assert_eq!(tier(&place, "pypi:pear-mcp", &entry).as_deref(), Some("claimed"));
    assert_eq!(tier(&place, "npm:plum-mcp", &entry).as_deref(), Some("claimed"));
    // Neither can be installed: no Python is that new, no tarball is there. What their registries say is read first.
    place.run(&["scan", "pypi:pear-mcp", "npm:plum-mcp", "--quiet"]);
    assert_eq!(tier(&place, "pypi:pear-mcp", &entry).as_deref(), Some("verified"));
    // The newest one names another entry, which does not list it; where its source is, it says too.
    assert_eq!(tier(&place, "npm:plum-mcp", &entry).as_deref(), Some("claimed"));
    assert_eq!(tier(&place, "npm:plum-mcp", "registry:io.github.bob/other").as_deref(), Some("claimed"));
    assert_eq!(tier(&place, "npm:plum-mcp", "github:ann/orchard/pkgs/plum").as_deref(), Some("claimed"));
    // The version that the entry lists names it.
    place.run(&["scan", "npm:plum-mcp@1.0.0", "--quiet"]);
    assert_eq!(tier(&place, "npm:plum-mcp", &entry).as_deref(), Some("verified"));
}
