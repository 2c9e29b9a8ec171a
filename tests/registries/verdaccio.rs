//! `catalogue scan --registry npm` against a verdaccio on loopback that holds ten real MCP packages.
//!
//! It is installed by the user's own npm into a temporary folder. What the ten depend on comes through an uplink, whose
//! address the user's npm is asked for: none is written here.

use std::fs;
use std::path::Path;

use super::local::{Place, Server, all_answered, command, program, run};
use super::net::reachable;

/// The newest that runs on node 18 and 20.
const VERDACCIO: &str = "6.1.2";

const PACKAGES: [(&str, &str); 10] = [
    ("@modelcontextprotocol/server-everything", "2026.8.31"),
    ("@modelcontextprotocol/server-filesystem", "2026.8.31"),
    ("@modelcontextprotocol/server-memory", "2026.8.31"),
    ("@modelcontextprotocol/server-sequential-thinking", "2026.8.31"),
    ("@notionhq/notion-mcp-server", "2.5.2"),
    ("@playwright/mcp", "0.0.83"),
    ("@upstash/context7-mcp", "4.1.1"),
    ("firecrawl-mcp", "3.22.2"),
    ("mcp-server-kubernetes", "4.1.7"),
    ("tavily-mcp", "0.2.22"),
];

#[tokio::test]
async fn ten_real_packages_of_an_npm_registry_are_found_and_scanned() {
    let Some(sources) = reachable().await else { return };
    let (Some(npm), Some(node)) = (program("npm"), program("node")) else { return };
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    // One of its dependencies asks for a dist-tag, which some mirrors do not hand on.
    let manifest = serde_json::json!({
        "private": true, "dependencies": {"verdaccio": VERDACCIO}, "overrides": {"node-fetch": "2.7.0"},
    });
    fs::write(at("package.json"), manifest.to_string()).unwrap();
    let quiet = ["--no-audit", "--no-fund", "--ignore-scripts"];
    let installed =
        run(command(&npm).current_dir(folder.path()).args(["install", "--loglevel=error"]).args(quiet));
    if !installed {
        println!("skipped: verdaccio cannot be installed from the npm registry of this machine");
        return;
    }
    fs::create_dir(at("tarballs")).unwrap();
    let names = PACKAGES.map(|(name, version)| format!("{name}@{version}"));
    assert!(run(command(&npm).current_dir(at("tarballs")).args(["pack", "--loglevel=error"]).args(&names)));

    let uplink = sources.npm.unwrap();
    // What is ours is published here and looked for nowhere else.
    let own = PACKAGES.map(|(name, _)| format!("  '{name}': {{ access: $all, publish: $all }}\n")).concat();
    let settings = format!(
        "storage: ./storage\nauth: {{ htpasswd: {{ file: ./htpasswd }} }}\nmax_body_size: 100mb\n\
         uplinks: {{ up: {{ url: '{uplink}' }} }}\npackages:\n{own}  '**': {{ access: $all, proxy: up }}\n\
         log: {{ type: stdout, format: pretty, level: warn }}\n"
    );
    fs::write(at("config.yaml"), settings).unwrap();
    let server = Server::start(&at("log"), |port| {
        let mut verdaccio = command(&node);
        let script = Path::new("node_modules/verdaccio/bin/verdaccio");
        verdaccio.current_dir(folder.path()).arg(script).args(["--config", "config.yaml", "--listen"]);
        verdaccio.arg(format!("127.0.0.1:{port}"));
        verdaccio
    });
    let registry = format!("127.0.0.1:{}/", server.port);
    for tarball in fs::read_dir(at("tarballs")).unwrap() {
        let mut publish = command(&npm);
        publish.arg("publish").arg(tarball.unwrap().path()).args(["--loglevel=error", "--ignore-scripts"]);
        publish.args([format!("--registry=http://{registry}"), format!("--//{registry}:_authToken=none")]);
        assert!(run(&mut publish), "{}", fs::read_to_string(at("log")).unwrap());
    }

    let place = Place::new(&format!("[registries]\nnpm = \"http://{registry}\"\n"));
    let mut found: Vec<String> = place
        .rows(&["scan", "--registry", "npm", "--dry-run", "--json"])
        .iter()
        .map(|row| row["server"].as_str().unwrap().to_owned())
        .collect();
    found.sort();
    assert_eq!(found, PACKAGES.map(|(name, _)| format!("npm:{name}")));
    let rows = place.rows(&["scan", "--registry", "npm", "--json"]);
    all_answered(&place, &rows, PACKAGES.len());
    // By now it holds what the ten depend on as well, and lists it: that may be new, they are not.
    let again = place.rows(&["scan", "--registry", "npm", "--json"]);
    for (name, _) in PACKAGES {
        let key = format!("npm:{name}");
        assert!(again.iter().all(|row| row["server"] != key.as_str()), "{key} was scanned already");
    }
}
