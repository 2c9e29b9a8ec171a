//! Provenance over loopback: asked for where nothing else ties a package to its source, once a release, and nowhere else.

use base64::Engine;
use serde_json::{Value, json};

use crate::sources_fake::{Fake, Place, Reply, Seen};

const WHEEL: &str = "plum_mcp-2.0.0-py3-none-any.whl";

fn encoded(statement: &Value) -> String {
    base64::engine::general_purpose::STANDARD.encode(statement.to_string())
}

/// npm's document of attestations: what it publishes, and a SLSA statement of this repository about the file with these bytes.
fn attestations(purl: &str, hash: &[u8; 64], repository: &str) -> Value {
    let statement = json!({
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": purl, "digest": {"sha512": hex::encode(hash)}}],
        "predicateType": "https://slsa.dev/provenance/v1",
        "predicate": {"buildDefinition": {
            "buildType": "https://build.example/workflow/v1",
            "externalParameters": {"workflow": {"ref": "refs/tags/v1", "repository": repository, "path": ".github/workflows/out.yml"}},
            "internalParameters": {"github": {"event_name": "push", "repository_id": "4711"}},
            "resolvedDependencies": [{"uri": format!("git+{repository}@refs/tags/v1"), "digest": {"gitCommit": "0a1b2c3d4e5f"}}]},
            "runDetails": {"builder": {"id": "https://build.example/hosted"}}},
    });
    json!({"attestations": [
        {"predicateType": "https://publish.example/v0.1", "bundle": {"dsseEnvelope": {"payload": encoded(&json!({"subject": []}))}}},
        {"predicateType": "https://slsa.dev/provenance/v1", "bundle": {"dsseEnvelope": {"payload": encoded(&statement),
            "payloadType": "application/vnd.in-toto+json", "signatures": [{"sig": "AA==", "keyid": ""}]}}}]})
}

fn manifest(name: &str, hash: &[u8; 64], repository: &str) -> Value {
    let integrity = base64::engine::general_purpose::STANDARD.encode(hash);
    json!({"name": name, "version": "1.2.0", "repository": {"type": "git", "url": repository}, "dist": {
        "integrity": format!("sha512-{integrity}"), "tarball": "x",
        "attestations": {"url": "http://169.254.169.254/steal", "provenance": {"predicateType": "https://slsa.dev/provenance/v1"}}}})
}

fn plum(name: &str) -> Value {
    json!({"info": {"name": name, "version": "2.0.0", "description": "x", "project_urls": {"Source": "https://github.com/ann/plum"}},
        "urls": [{"filename": WHEEL, "digests": {"sha256": "ab".repeat(32)}, "url": "https://files.example/x"}]})
}

/// PEP 740: a publisher, and statements about one file.
fn provenance(repository: &str, sha256: &str) -> Value {
    let statement = json!({"subject": [{"name": WHEEL, "digest": {"sha256": sha256}}], "predicate": null,
        "predicateType": "https://publish.example/v1"});
    json!({"version": 1, "attestation_bundles": [{
        "publisher": {"kind": "GitHub", "repository": repository, "workflow": "release.yml", "environment": null},
        "attestations": [{"version": 1, "verification_material": {}, "envelope": {"statement": encoded(&statement), "signature": "AA=="}}]}]})
}

fn answer(asked: &Seen) -> Reply {
    let path = asked.path.replace("%2F", "/").replace("%2f", "/").replace("%40", "@");
    let simple = |files: Value| {
        Reply::json(&json!({"meta": {"api-version": "1.3"}, "name": "x", "files": files}))
            .with("Content-Type", "application/vnd.pypi.simple.v1+json")
    };
    match path.as_str() {
        "/-/v1/search" => {
            let names = ["@ann/pear-mcp", "stolen-mcp", "other-mcp", "bare-mcp"];
            let all: Vec<Value> = names.iter().map(|name| json!({"package": {"name": name}})).collect();
            Reply::json(
                &json!({"objects": if asked.number("from") == 0 { json!(all) } else { json!([]) }, "total": names.len()}),
            )
        }
        "/@ann/pear-mcp/latest" => {
            Reply::json(&manifest("@ann/pear-mcp", &[7; 64], "git+https://github.com/Ann/Pear.git"))
        }
        "/stolen-mcp/latest" => Reply::json(&manifest("stolen-mcp", &[1; 64], "https://github.com/ann/pear")),
        "/other-mcp/latest" => Reply::json(&manifest("other-mcp", &[2; 64], "https://github.com/bob/other")),
        "/bare-mcp/latest" => Reply::json(
            &json!({"name": "bare-mcp", "version": "1.0.0", "repository": "ann/bare", "dist": {}}),
        ),
        "/-/npm/v1/attestations/@ann/pear-mcp@1.2.0" => Reply::json(&attestations(
            "pkg:npm/%40ann/pear-mcp@1.2.0",
            &[7; 64],
            "https://github.com/ann/pear",
        )),
        // Another release's statement, and one that names another repository.
        "/-/npm/v1/attestations/stolen-mcp@1.2.0" => Reply::json(&attestations(
            "pkg:npm/%40ann/pear-mcp@1.2.0",
            &[7; 64],
            "https://github.com/ann/pear",
        )),
        "/-/npm/v1/attestations/other-mcp@1.2.0" => {
            Reply::json(&attestations("pkg:npm/other-mcp@1.2.0", &[2; 64], "https://github.com/ann/pear"))
        }
        "/simple/" => {
            let names = ["plum-mcp", "fig-mcp", "nut-mcp", "oak-mcp"];
            let projects: Vec<Value> =
                names.iter().map(|name| json!({"name": name, "_last-serial": 1})).collect();
            Reply::json(&json!({"meta": {"_last-serial": 1, "api-version": "1.3"}, "projects": projects}))
        }
        "/pypi/plum-mcp/json" => Reply::json(&plum("plum-mcp")),
        "/pypi/fig-mcp/json" => Reply::json(&plum("fig-mcp")),
        "/pypi/nut-mcp/json" => Reply::json(&plum("nut-mcp")),
        "/pypi/oak-mcp/json" => Reply::json(&plum("oak-mcp")),
        // One index page says where it is, one that there is none, one is older than PEP 740, one leads away.
        "/simple/plum-mcp/" => simple(json!([{"filename": WHEEL, "url": "x", "provenance": "/proofs/plum"}])),
        "/simple/fig-mcp/" => simple(json!([{"filename": WHEEL, "url": "x", "provenance": null}])),
        "/simple/nut-mcp/" => simple(json!([{"filename": WHEEL, "url": "x"}])),
        "/simple/oak-mcp/" => {
            simple(json!([{"filename": WHEEL, "url": "x", "provenance": "http://127.0.0.1:9/oak"}]))
        }
        "/proofs/plum" => Reply::json(&provenance("Ann/Plum", &"ab".repeat(32))),
        path if path == format!("/integrity/nut-mcp/2.0.0/{WHEEL}/provenance") => {
            Reply::json(&provenance("ann/plum", &"cd".repeat(32)))
        }
        _ => Reply::status(404),
    }
}

fn place(fake: &Fake) -> Place {
    let url = &fake.url;
    let place = Place::new(&format!("[registries]\nnpm = \"{url}\"\npypi = \"{url}simple/\"\n"));
    place.setting("documents_a_run", "100");
    place.setting("queries", r#"["keywords:mcp-server"]"#);
    place
}

/// The link between a package and its source.
fn link(place: &Place, node: &str) -> Value {
    let output = place.run(&["identity", node, "--json"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let all: Value = serde_json::from_slice(&output.stdout).unwrap();
    let links = all["links"].as_array().unwrap();
    links.iter().find(|link| link["kind"] == "repository").cloned().unwrap_or_else(|| panic!("{all}"))
}

fn is_proof(asked: &Seen) -> bool {
    ["/-/npm/v1/attestations", "/proofs", "/integrity"].iter().any(|at| asked.path.starts_with(at))
}

#[test]
fn npm_s_provenance_counts_if_it_is_of_this_release_and_names_its_source() {
    let fake = Fake::start(answer);
    let place = place(&fake);
    assert_eq!(place.dry_run("npm", &[]).len(), 4);
    let asked = fake.take_seen();
    assert_eq!(
        asked.iter().filter(|asked| is_proof(asked)).count(),
        3,
        "none where the manifest states none"
    );
    let proven = link(&place, "npm:@ann/pear-mcp");
    assert_eq!((proven["tier"].as_str(), proven["a"].as_str()), (Some("verified"), Some("github:ann/pear")));
    let words = proven["evidence"].as_str().unwrap();
    for word in ["1.2.0", "GitHub", "out.yml", "0a1b2c3d4e5f", "signature left to the registry"] {
        assert!(words.contains(word), "{words}");
    }
    for (node, word) in
        [("npm:stolen-mcp", "about another file"), ("npm:other-mcp", "names github:ann/pear instead")]
    {
        let claimed = link(&place, node);
        assert_eq!(claimed["tier"], "claimed", "{claimed}");
        assert!(claimed["evidence"].as_str().unwrap().contains(word), "{claimed}");
    }
    assert_eq!(link(&place, "npm:bare-mcp")["tier"], "claimed");
    // What was asked once is not asked again.
    place.dry_run("npm", &[]);
    assert_eq!(fake.take_seen().iter().filter(|asked| is_proof(asked)).count(), 0);
    let stored: String = place
        .db()
        .query_row("SELECT said FROM provenances WHERE key = 'npm:@ann/pear-mcp'", [], |row| row.get(0))
        .unwrap();
    let stored: Value = serde_json::from_str(&stored).unwrap();
    assert_eq!(
        (&stored["of"]["publisher"], &stored["of"]["repository"]["id"]),
        (&json!("GitHub"), &json!(4711))
    );
}

#[test]
fn pypi_s_provenance_is_read_where_its_index_says_or_at_its_endpoint() {
    let fake = Fake::start(answer);
    let place = place(&fake);
    assert_eq!(place.dry_run("pypi", &[]).len(), 4);
    let asked = fake.take_seen();
    let proofs: Vec<&str> =
        asked.iter().filter(|asked| is_proof(asked)).map(|asked| asked.path.as_str()).collect();
    assert_eq!(proofs.len(), 3, "{proofs:?}");
    assert!(proofs.iter().all(|path| !path.contains("fig-mcp")), "{proofs:?}");
    let proven = link(&place, "pypi:plum-mcp");
    assert_eq!((proven["tier"].as_str(), proven["a"].as_str()), (Some("verified"), Some("github:ann/plum")));
    assert!(proven["evidence"].as_str().unwrap().contains("workflow release.yml"), "{proven}");
    // There is none; it is of another file; it would lie elsewhere, and the endpoint has none.
    for node in ["pypi:fig-mcp", "pypi:nut-mcp", "pypi:oak-mcp"] {
        assert_eq!(link(&place, node)["tier"], "claimed", "{node}");
    }
    assert!(link(&place, "pypi:nut-mcp")["evidence"].as_str().unwrap().contains("another file"));
    assert_eq!(place.source("pypi")["walk"]["failure"], Value::Null);
}

#[test]
fn a_registry_that_cannot_tell_ends_no_walk() {
    for status in [401, 404, 500] {
        let fake = Fake::start(move |asked| match is_proof(asked) {
            true => Reply::status(status),
            false => answer(asked),
        });
        let place = place(&fake);
        place.setting("breaker_failures", "2");
        assert_eq!(place.dry_run("npm", &[]).len(), 4, "{status}");
        assert_eq!(link(&place, "npm:@ann/pear-mcp")["tier"], "claimed", "{status}");
        assert_eq!(place.source("npm")["walk"]["failure"], Value::Null);
    }
}
