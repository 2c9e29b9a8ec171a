//! `catalogue scan --registry pypi` against a devpi on loopback that holds ten real MCP wheels.
//!
//! It is installed by the user's own pip into a virtual environment in a temporary folder. Its simple index is JSON, at a path that
//! has no documents of projects beside it. What the ten depend on it hands on to the index that the user's own clients name.

use std::fs;

use super::local::{Place, Server, all_answered, command, program, run};
use super::net::reachable;
use super::pypiserver::PROJECTS;

const DEVPI: [&str; 2] = ["devpi-server==6.20.3", "devpi-client==7.3.0"];

#[tokio::test]
async fn ten_real_wheels_of_a_devpi_index_are_found_and_scanned() {
    let Some(sources) = reachable().await else { return };
    let Some(python) = program("python3") else { return };
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let pip = at("venv/bin/python");
    let installed = run(command(&python).args(["-m", "venv"]).arg(at("venv")))
        && run(command(&pip).args(["-m", "pip", "install", "-q"]).args(DEVPI));
    if !installed {
        println!("skipped: devpi cannot be installed from the Python index of this machine");
        return;
    }
    fs::create_dir(at("wheels")).unwrap();
    let names = PROJECTS.map(|(name, version)| format!("{name}=={version}"));
    let mut download = command(&pip);
    download.args(["-m", "pip", "download", "-q", "--no-deps", "--only-binary", ":all:"]);
    download.args(["--ignore-requires-python", "-d"]).arg(at("wheels")).args(&names);
    assert!(run(&mut download));

    let init = at("venv/bin/devpi-init");
    assert!(run(command(&init).arg("--no-root-pypi").arg("--serverdir").arg(at("state"))));
    let server = Server::start(&at("log"), |port| {
        let mut devpi = command(&at("venv/bin/devpi-server"));
        // Its own five seconds for an answer from upstream are little on a busy machine, and a miss is a package that is not there.
        devpi.args(["--host", "127.0.0.1", "--port", &port.to_string(), "--request-timeout", "60"]);
        devpi.arg("--serverdir").arg(at("state"));
        devpi
    });
    let here = format!("http://127.0.0.1:{}", server.port);
    let client = |args: &[&str]| {
        let mut devpi = command(&at("venv/bin/devpi"));
        devpi.args(args).arg("--clientdir").arg(at("client")).env("HOME", folder.path());
        assert!(run(&mut devpi), "{args:?}");
    };
    client(&["use", &here]);
    client(&["user", "-c", "bells", "password=ring"]);
    client(&["login", "bells", "--password=ring"]);
    let upstream = format!("mirror_url={}", sources.pypi.unwrap());
    // Without the mirror's own names: a million of them are nobody's business here.
    client(&["index", "-c", "bells/up", "type=mirror", &upstream, "mirror_no_project_list=True"]);
    client(&["index", "-c", "bells/mcp", "bases=bells/up", "mirror_whitelist=*"]);
    client(&["use", &format!("{here}/bells/mcp")]);
    client(&["upload", "--from-dir", at("wheels").to_str().unwrap()]);

    let place = Place::new(&format!("[registries]\npypi = \"{here}/bells/mcp/+simple/\"\n"));
    let found = place.rows(&["scan", "--registry", "pypi", "--dry-run", "--json"]);
    let mut names: Vec<&str> = found.iter().map(|row| row["server"].as_str().unwrap()).collect();
    names.sort_unstable();
    assert_eq!(names, PROJECTS.map(|(name, _)| format!("pypi:{name}")));
    for row in &found {
        let signs: Vec<&str> = row["signs"].as_array().unwrap().iter().filter_map(|s| s.as_str()).collect();
        assert!(signs.contains(&"sdk-dependency") && signs.contains(&"executable"), "{row}");
    }
    // One after the other: devpi answers that a project is not there while another request has it fetched from upstream.
    let rows = place.rows(&["scan", "--registry", "pypi", "--json", "--jobs", "1"]);
    all_answered(&place, &rows, PROJECTS.len());
    // What was installed from upstream is in its list from then on; of the ten nothing waits any more.
    let again = place.rows(&["scan", "--registry", "pypi", "--dry-run", "--json"]);
    let ours = |row: &&serde_json::Value| {
        let name = row["server"].as_str().and_then(|key| key.strip_prefix("pypi:"));
        PROJECTS.iter().any(|(known, _)| Some(*known) == name)
    };
    assert_eq!(again.iter().filter(ours).count(), 0, "{again:?}");
}
