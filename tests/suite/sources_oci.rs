//! A registry of images on loopback, in the shapes of the distribution API: index, manifest, configuration, a token for anybody.

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::sources_fake::{Fake, Place, Reply, Seen};

const ENTRY: &str = "io.github.ann/notes";

/// What a registry answers; None: nothing is there.
type Answers = Box<dyn Fn(&Seen) -> Option<Reply> + Send + Sync>;

fn digest(bytes: &[u8]) -> String {
    format!("sha256:{}", hex::encode(Sha256::digest(bytes)))
}

/// One image's documents.
#[derive(Clone)]
struct Image {
    config: Vec<u8>,
    manifest: Vec<u8>,
    index: Vec<u8>,
}

fn image(labels: &Value) -> Image {
    let config = json!({"architecture": "amd64", "os": "linux", "config": {"Labels": labels}, "history": []});
    let config = config.to_string().into_bytes();
    let manifest = json!({"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": {"mediaType": "application/vnd.oci.image.config.v1+json", "digest": digest(&config), "size": config.len()}, "layers": []});
    let manifest = manifest.to_string().into_bytes();
    let one = |digest: &str, machine: &str| json!({"digest": digest, "platform": {"os": "linux", "architecture": machine}});
    let index = json!({"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json",
        "manifests": [one(&format!("sha256:{}", "0".repeat(64)), "arm64"), one(&digest(&manifest), "amd64")]});
    Image { config, manifest, index: index.to_string().into_bytes() }
}

fn document(kind: &'static str, bytes: &[u8]) -> Reply {
    Reply { status: 200, headers: vec![("Content-Type", kind.to_owned())], body: bytes.to_vec() }
}

/// The registry's answers below `/v2/`: nothing without the token that `/token` gives for this very path.
fn images(asked: &Seen, all: &[(&str, Image)]) -> Option<Reply> {
    let host = asked.header("host").unwrap();
    if asked.path == "/token" {
        let scope = asked.ask("scope").unwrap();
        assert_eq!(asked.ask("service"), Some("pears"));
        return Some(Reply::json(
            &json!({"token": format!("for-{}", scope.replace(':', "-")), "expires_in": 300}),
        ));
    }
    let rest = asked.path.strip_prefix("/v2/")?;
    let (path, rest) = rest
        .split_once("/manifests/")
        .map(|(path, which)| (path, ("manifests", which)))
        .or_else(|| rest.split_once("/blobs/").map(|(path, which)| (path, ("blobs", which))))?;
    let expected = format!("Bearer for-repository-{path}-pull");
    if asked.header("authorization") != Some(&expected) {
        let challenge = format!(
            "Bearer realm=\"http://{host}/token\",service=\"pears\",scope=\"repository:{path}:pull\""
        );
        return Some(Reply::status(401).with("WWW-Authenticate", &challenge));
    }
    let Some((_, image)) = all.iter().find(|(name, _)| *name == path) else {
        return Some(Reply::status(404));
    };
    Some(match rest {
        ("manifests", "1.2") => document("application/vnd.oci.image.index.v1+json", &image.index),
        ("manifests", which) if which == digest(&image.manifest) => {
            document("application/vnd.oci.image.manifest.v1+json", &image.manifest)
        }
        // As large registries do: the bytes lie elsewhere.
        ("blobs", which) if asked.ask("moved").is_none() => {
            Reply::status(307).with("Location", &format!("/v2/{path}/blobs/{which}?moved=1"))
        }
        ("blobs", which) if which == digest(&image.config) => {
            document("application/octet-stream", &image.config)
        }
        _ => Reply::status(404),
    })
}

/// An official registry whose entry lists this image.
fn listing(identifier: &str) -> Value {
    json!({"servers": [{
        "server": {"name": ENTRY, "version": "1.0.0", "description": "d",
            "packages": [{"registryType": "oci", "identifier": identifier, "transport": {"type": "stdio"}}]},
        "_meta": {"io.modelcontextprotocol.registry/official": {"status": "active", "isLatest": true, "updatedAt": "2026-01-01T00:00:00Z"}}}],
        "metadata": {}})
}

fn labels(name: &str) -> Value {
    json!({"io.modelcontextprotocol.server.name": name, "org.opencontainers.image.source": "https://github.com/Ann/Notes"})
}

fn start(identifier: &'static str, all: Vec<(&'static str, Image)>) -> Fake {
    Fake::start(move |asked| match asked.path.as_str() {
        "/v0.1/servers" => {
            let host = asked.header("host").unwrap();
            Reply::json(&listing(&identifier.replace("HERE", host)))
        }
        _ => images(asked, &all).unwrap_or_else(|| Reply::status(404)),
    })
}

fn place(fake: &Fake, more: &str) -> Place {
    let place = Place::new(&format!("[sources.mcp]\naddress = \"{}\"\n{more}", fake.url));
    place.setting("images_a_run", "50");
    place
}

fn links(place: &Place, node: &str) -> Vec<Value> {
    let output = place.run(&["identity", node, "--json"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let all: Value = serde_json::from_slice(&output.stdout).unwrap();
    all["links"].as_array().unwrap().clone()
}

#[test]
fn an_image_whose_label_names_the_entry_that_lists_it_is_that_entry_s() {
    let fake = start("Ann/Notes:1.2", vec![("ann/notes", image(&labels(ENTRY)))]);
    let place = place(&fake, &format!("[sources.oci.registries]\n\"docker.io\" = \"{}\"\n", fake.url));
    let output = place.run(&["scan", "--registry", "mcp"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let found = links(&place, "oci:docker.io/ann/notes");
    let of =
        |kind: &str| found.iter().find(|link| link["kind"] == kind).unwrap_or_else(|| panic!("{found:?}"));
    assert_eq!(of("package")["tier"], "verified", "{found:?}");
    assert!(of("package")["evidence"].as_str().unwrap().contains("label"));
    assert_eq!(of("package")["joins"], true);
    assert_eq!(
        (&of("repository")["tier"], &of("repository")["a"]),
        (&json!("claimed"), &json!("github:ann/notes"))
    );
    // Two manifests, a configuration behind a redirect, a token once; and all of it only once.
    let asked: Vec<String> = fake.take_seen().iter().map(|asked| asked.path.clone()).collect();
    assert_eq!(asked.iter().filter(|path| *path == "/token").count(), 1, "{asked:?}");
    assert_eq!(asked.iter().filter(|path| path.starts_with("/v2/")).count(), 5, "{asked:?}");
    place.run(&["scan", "--registry", "mcp"]);
    assert!(fake.take_seen().iter().all(|asked| !asked.path.starts_with("/v2/")));
}

#[test]
fn an_image_beside_its_list_is_read_and_another_s_label_proves_nothing() {
    let fake = start("HERE/ann/notes:1.2", vec![("ann/notes", image(&labels("io.github.bob/other")))]);
    let place = place(&fake, "");
    place.run(&["scan", "--registry", "mcp"]);
    let node = format!("oci:{}/ann/notes", fake.url.socket_addrs(|| None).unwrap()[0]);
    let found = links(&place, &node);
    assert!(found.iter().any(|link| link["kind"] == "repository"), "{found:?}");
    let entry = found.iter().find(|link| link["kind"] == "package").unwrap();
    assert_eq!(entry["tier"], "claimed", "{found:?}");
}

#[test]
fn what_is_not_there_not_anybody_s_or_not_what_it_says_is_left_out() {
    let mut changed = image(&labels(ENTRY));
    changed.config.push(b' ');
    let cases: Vec<(&str, Answers)> = vec![
        ("a hash that is another", {
            let wrong = changed.config.clone();
            let all = vec![("ann/notes", image(&labels(ENTRY)))];
            Box::new(move |asked| {
                let moved = asked.path.contains("/blobs/") && asked.ask("moved").is_some();
                if moved { Some(document("application/json", &wrong)) } else { images(asked, &all) }
            })
        }),
        ("no such image", Box::new(|asked| images(asked, &[]))),
        ("a login", Box::new(|_| Some(Reply::status(401).with("WWW-Authenticate", "Basic realm=\"x\"")))),
        ("a token from elsewhere", {
            let realm = "Bearer realm=\"http://127.0.0.1:9/token\",service=\"pears\"";
            Box::new(move |_| Some(Reply::status(401).with("WWW-Authenticate", realm)))
        }),
        ("bytes from elsewhere", {
            let all = vec![("ann/notes", image(&labels(ENTRY)))];
            Box::new(move |asked| match asked.path.contains("/blobs/") {
                true => Some(Reply::status(307).with("Location", "http://169.254.169.254/latest")),
                false => images(asked, &all),
            })
        }),
        ("a page", Box::new(|_| Some(Reply::html(200)))),
    ];
    for (what, answer) in cases {
        let fake = Fake::start(move |asked| match asked.path.as_str() {
            "/v0.1/servers" => Reply::json(&listing("ann/notes:1.2")),
            _ => answer(asked).unwrap_or_else(|| Reply::status(404)),
        });
        let place = place(&fake, &format!("[sources.oci.registries]\n\"docker.io\" = \"{}\"\n", fake.url));
        let output = place.run(&["scan", "--registry", "mcp"]);
        assert!(output.status.success(), "{what}: {}", String::from_utf8_lossy(&output.stderr));
        let found = links(&place, "oci:docker.io/ann/notes");
        assert_eq!(found[0]["tier"], "claimed", "{what}: {found:?}");
        assert_eq!(place.source("mcp")["walk"]["ended_by"], "absent-cursor", "{what}");
    }
}

#[test]
fn a_foreign_registry_inside_our_network_is_not_asked() {
    let inner = Fake::start(|_| Reply::status(404));
    let address = inner.url.socket_addrs(|| None).unwrap()[0].to_string();
    let record = listing(&format!("{address}/ann/notes:1.2"));
    let fake = Fake::start(move |asked| match asked.path.as_str() {
        "/v0.1/servers" => Reply::json(&record),
        _ => Reply::status(404),
    });
    let place = place(&fake, "");
    assert!(place.run(&["scan", "--registry", "mcp"]).status.success());
    assert!(inner.seen().is_empty(), "{:?}", inner.seen());
}
