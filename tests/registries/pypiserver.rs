//! `catalogue scan --registry pypi` against a pypiserver on loopback that holds ten real MCP wheels.
//!
//! It is installed by the user's own pip into a virtual environment in a temporary folder. It knows HTML pages alone, and no
//! documents of projects. What the ten depend on it hands on to the index that the user's own clients name: none is written here.

use std::fs;

use super::local::{Place, Server, all_answered, command, program, run};
use super::net::reachable;

const PYPISERVER: &str = "pypiserver==2.4.2";

pub(crate) const PROJECTS: [(&str, &str); 10] = [
    ("arxiv-mcp-server", "0.8.2"),
    ("awslabs-ecs-mcp-server", "0.1.37"),
    ("duckduckgo-mcp-server", "0.7.0"),
    ("mcp-obsidian", "0.2.3"),
    ("mcp-server-calculator", "0.2.1"),
    ("mcp-server-fetch", "2026.10.24"),
    ("mcp-server-git", "2026.10.19"),
    ("mcp-server-time", "2026.10.19"),
    ("wikipedia-mcp", "2.0.1"),
    ("yfinance-mcp-server", "1.0.4"),
];

#[tokio::test]
async fn ten_real_wheels_of_a_python_index_are_found_and_scanned() {
    let Some(sources) = reachable().await else { return };
    let Some(python) = program("python3") else { return };
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let pip = at("venv/bin/python");
    let installed = run(command(&python).args(["-m", "venv"]).arg(at("venv")))
        && run(command(&pip).args(["-m", "pip", "install", "-q", PYPISERVER]));
    if !installed {
        println!("skipped: pypiserver cannot be installed from the Python index of this machine");
        return;
    }
    fs::create_dir(at("wheels")).unwrap();
    let names = PROJECTS.map(|(name, version)| format!("{name}=={version}"));
    let mut download = command(&pip);
    // Which Python the wheels want does not matter here: it is another one that runs them.
    download.args(["-m", "pip", "download", "-q", "--no-deps", "--only-binary", ":all:"]);
    download.args(["--ignore-requires-python", "-d"]).arg(at("wheels")).args(&names);
    assert!(run(&mut download));

    let index = sources.pypi.unwrap();
    let server = Server::start(&at("log"), |port| {
        let mut pypiserver = command(&at("venv/bin/pypi-server"));
        pypiserver.args(["run", "-i", "127.0.0.1", "-p", &port.to_string()]);
        pypiserver.args(["--fallback-url", index.as_str()]).arg(at("wheels"));
        pypiserver
    });
    let place = Place::new(&format!("[registries]\npypi = \"http://127.0.0.1:{}/simple/\"\n", server.port));
    let found = place.rows(&["scan", "--registry", "pypi", "--dry-run", "--json"]);
    let mut names: Vec<&str> = found.iter().map(|row| row["server"].as_str().unwrap()).collect();
    names.sort_unstable();
    assert_eq!(names, PROJECTS.map(|(name, _)| format!("pypi:{name}")));
    // Read out of the wheels: this index has nothing else to tell it by.
    for row in &found {
        let signs: Vec<&str> = row["signs"].as_array().unwrap().iter().filter_map(|s| s.as_str()).collect();
        assert!(signs.contains(&"sdk-dependency") && signs.contains(&"executable"), "{row}");
    }
    let rows = place.rows(&["scan", "--registry", "pypi", "--json"]);
    all_answered(&place, &rows, PROJECTS.len());
    assert!(place.rows(&["scan", "--registry", "pypi", "--json"]).is_empty(), "nothing waits any more");
}
