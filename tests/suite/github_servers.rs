//! Servers that are only on GitHub: the tarball of a commit from a GitHub on loopback, installed and started without any
//! other network, and tarballs that want out.

use std::io::Write;
use std::path::Path;

use serde_json::{Value, json};
use tar::EntryType;

use crate::sources_fake::{Fake, Place, Reply, Seen};

const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";
const TOKEN: &str = "s3cret-of-a-test";

/// A server in node, without any package.
const NODE: &str = r#"
let rest = "";
process.stdin.on("data", (chunk) => {
  rest += chunk;
  for (let at = rest.indexOf("\n"); at >= 0; at = rest.indexOf("\n")) {
    const asked = JSON.parse(rest.slice(0, at));
    rest = rest.slice(at + 1);
    if (asked.id === undefined) continue;
    const result = asked.method === "initialize"
      ? { protocolVersion: asked.params.protocolVersion, capabilities: { tools: {} }, serverInfo: { name: "pear", version: "1" } }
      : { tools: [{ name: "pick_pear", description: "Picks a pear.", inputSchema: { type: "object" } }] };
    process.stdout.write(JSON.stringify({ jsonrpc: "2.0", id: asked.id, result }) + "\n");
  }
});
"#;

/// The same in Python, asking for its own version as many do.
const PYTHON: &str = r#"
import json, sys
from importlib.metadata import version

def main():
    for line in sys.stdin:
        asked = json.loads(line)
        if "id" not in asked:
            continue
        if asked["method"] == "initialize":
            result = {"protocolVersion": asked["params"]["protocolVersion"], "capabilities": {"tools": {}},
                      "serverInfo": {"name": "plum", "version": version("plum-mcp")}}
        else:
            result = {"tools": [{"name": "pick_plum", "inputSchema": {"type": "object"}}]}
        print(json.dumps({"jsonrpc": "2.0", "id": asked["id"], "result": result}), flush=True)
"#;

type Entry<'a> = (&'a str, EntryType, &'a [u8]);

fn tarball(entries: &[Entry<'_>]) -> Vec<u8> {
    let gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    let mut builder = tar::Builder::new(gz);
    for (name, kind, bytes) in entries {
        let mut header = tar::Header::new_ustar();
        // Written past the builder's own checks: it would refuse `..`.
        header.as_mut_bytes()[..name.len()].copy_from_slice(name.as_bytes());
        header.set_entry_type(*kind);
        header.set_mode(0o644);
        let bytes = if *kind == EntryType::Symlink {
            header.as_mut_bytes()[157..157 + bytes.len()].copy_from_slice(bytes);
            &[][..]
        } else {
            bytes
        };
        header.set_size(bytes.len() as u64);
        header.set_cksum();
        builder.append(&header, bytes).unwrap();
    }
    let mut gz = builder.into_inner().unwrap();
    gz.flush().unwrap();
    gz.finish().unwrap()
}

fn files(all: &[(&str, &str)]) -> Vec<u8> {
    let named: Vec<(String, &str)> =
        all.iter().map(|(name, text)| (format!("ann-x-0123456/{name}"), *text)).collect();
    let entries: Vec<Entry<'_>> =
        named.iter().map(|(name, text)| (name.as_str(), EntryType::Regular, text.as_bytes())).collect();
    tarball(&entries)
}

/// A GitHub whose repositories are `name -> tarball`, and the other host that its tarballs lie on.
struct Hub {
    api: Fake,
    files: Fake,
    /// Registries that know no package.
    registries: Fake,
}

fn hub(all: Vec<(&'static str, Vec<u8>, Option<&'static str>)>) -> Hub {
    let tarballs: Vec<(&str, Vec<u8>)> = all.iter().map(|(name, bytes, _)| (*name, bytes.clone())).collect();
    let files = Fake::start(move |asked| {
        let found = tarballs.iter().find(|(name, _)| asked.path == format!("/ann/{name}.tgz"));
        found.map_or_else(
            || Reply::status(404),
            |(_, bytes)| Reply {
                status: 200,
                headers: vec![("Content-Type", "application/x-gzip".into())],
                body: bytes.clone(),
            },
        )
    });
    let elsewhere = files.url.clone();
    let answer = move |asked: &Seen| {
        let parts: Vec<&str> = asked.path.trim_matches('/').splitn(4, '/').collect();
        let [_, "ann", name, rest] = parts.as_slice() else { return Reply::status(404) };
        let Some((name, _, pyproject)) = all.iter().find(|(known, ..)| known == name) else {
            return Reply::status(404);
        };
        match *rest {
            "commits/HEAD" | "commits/v1.0" => Reply::json(&json!({
                "sha": COMMIT, "html_url": format!("https://h.example/ann/{name}/commit/{COMMIT}"),
                "commit": {"committer": {"date": "2026-01-02T03:04:05Z"}},
            })),
            "contents/pyproject.toml" => pyproject.map_or_else(
                || Reply::status(404),
                |text| Reply {
                    status: 200,
                    headers: vec![("Content-Type", "application/vnd.github.raw+json".into())],
                    body: text.into(),
                },
            ),
            rest if rest == format!("tarball/{COMMIT}") => {
                Reply::status(302).with("Location", &format!("{elsewhere}ann/{name}.tgz"))
            }
            rest if rest.starts_with("commits/") => Reply::status(422),
            _ => Reply::status(404),
        }
    };
    Hub { api: Fake::start(answer), files, registries: Fake::start(|_| Reply::status(404)) }
}

fn place(hub: &Hub) -> Place {
    place_at(&hub.api, &hub.registries).with_env("GITHUB_TOKEN", TOKEN)
}

fn place_at(api: &Fake, registries: &Fake) -> Place {
    let (api, url) = (&api.url, &registries.url);
    Place::new(&format!(
        "[registries]\nnpm = \"{url}npm/\"\npypi = \"{url}simple/\"\n[sources.github]\naddress = \"{api}\"\n"
    ))
}

fn scan(place: &Place, more: &[&str]) -> Vec<Value> {
    let output = place.run(&[&["scan", "--json", "--sandbox", "reduced"], more].concat());
    let rows = String::from_utf8(output.stdout).unwrap();
    let rows: Vec<Value> = rows.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(!rows.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    rows
}

fn of<'a>(rows: &'a [Value], server: &str) -> &'a Value {
    // Of one that was asked for at a version that is not there as well, the other row is meant.
    let meant = |row: &&Value| row["server"] == server && row["release"] != "v2";
    rows.iter().find(meant).unwrap_or_else(|| panic!("{server}: {rows:?}"))
}

const PYPROJECT: &str = "[project]\nname = \"plum-mcp\"\nversion = \"1.5\"\nrequires-python = \">=3.9\"\ndescription = \"Plums.\"\n[project.scripts]\nplum-mcp = \"plum.server:main\"\n";

#[test]
fn a_tree_of_node_and_one_of_python_are_installed_and_answer() {
    let manifest = json!({"name": "pear-mcp", "private": true, "type": "module", "scripts": {"start": "node src/pear.js"}, "description": "Pears."});
    let hub = hub(vec![
        ("pear", files(&[("package.json", &manifest.to_string()), ("src/pear.js", NODE)]), None),
        (
            "plum",
            files(&[
                ("pyproject.toml", PYPROJECT),
                ("src/plum/__init__.py", ""),
                ("src/plum/server.py", PYTHON),
            ]),
            Some(PYPROJECT),
        ),
        (
            "mono",
            files(&[
                ("README.md", "x"),
                ("servers/pear/package.json", &manifest.to_string()),
                ("servers/pear/src/pear.js", NODE),
            ]),
            None,
        ),
    ]);
    let place = place(&hub);
    let rows = scan(
        &place,
        &[
            "github:Ann/Pear",
            "github:ann/plum@v1.0",
            "pkg:github/ann/mono@v1.0#servers/pear",
            "github:ann/pear@v2",
        ],
    );
    for server in ["github:ann/pear", "github:ann/plum", "github:ann/mono/servers/pear"] {
        let row = of(&rows, server);
        assert_eq!((row["outcome"].as_str(), row["tools"].as_u64()), (Some("ok"), Some(1)), "{row}");
        assert_eq!(row["release"], COMMIT);
    }
    assert!(
        rows.iter().any(|row| row["detail"].as_str().is_some_and(|said| said.contains("no version v2"))),
        "{rows:?}"
    );
    // The token proves who asks GitHub, and is no business of the host that its tarballs lie on.
    assert!(hub.api.seen().iter().all(|a| a.header("authorization") == Some(&format!("Bearer {TOKEN}"))));
    assert_eq!(hub.files.seen().len(), 3);
    assert!(hub.files.seen().iter().all(|a| a.header("authorization").is_none()));
    assert!(hub.registries.seen().iter().all(|a| a.header("authorization").is_none()));
    let purls: String = place
        .db()
        .query_row("SELECT group_concat(purl, ' ') FROM (SELECT purl FROM releases WHERE purl IS NOT NULL ORDER BY purl)", [], |row| row.get(0))
        .unwrap();
    assert!(purls.contains(&format!("pkg:github/ann/mono@{COMMIT}#servers/pear")), "{purls}");
    // A commit never changes: nothing is asked of GitHub, or fetched, for one that is known.
    let (asked, fetched) = (hub.api.seen().len(), hub.files.seen().len());
    let again = scan(&place, &[&format!("github:ann/pear@{COMMIT}")]);
    assert_eq!((again[0]["outcome"].as_str(), again[0]["stored"].as_bool()), (Some("ok"), Some(true)));
    assert_eq!((hub.api.seen().len(), hub.files.seen().len()), (asked, fetched));
}

#[test]
fn what_has_to_be_built_says_so_and_what_comes_from_no_registry_is_refused() {
    let built = json!({"name": "pear-mcp", "bin": "dist/pear.js", "scripts": {"build": "tsc"}, "devDependencies": {"typescript": "^5"}});
    let address =
        json!({"name": "pear-mcp", "bin": "x.js", "dependencies": {"plum": "http://127.0.0.1:9/plum.tgz"}});
    let poetry = "[tool.poetry]\nname = \"plum\"\n[build-system]\nrequires = [\"poetry-core\"]\n";
    let hub = hub(vec![
        ("built", files(&[("package.json", &built.to_string()), ("src/pear.ts", "x")]), None),
        ("poetry", files(&[("pyproject.toml", poetry), ("plum.py", "x")]), Some(poetry)),
        ("address", files(&[("package.json", &address.to_string()), ("x.js", NODE)]), None),
        (
            "listed",
            files(&[("requirements.txt", "--index-url http://127.0.0.1:9/\n"), ("server.py", PYTHON)]),
            None,
        ),
        ("go", files(&[("go.mod", "module x")]), None),
    ]);
    let place = place(&hub);
    let rows = scan(
        &place,
        &[
            "github:ann/built",
            "github:ann/poetry",
            "github:ann/address",
            "github:ann/listed",
            "github:ann/go",
            "github:ann/none",
        ],
    );
    for (name, outcome, said) in [
        ("built", "needs-build", "dist/pear.js is not in the repository: its script \"build\" makes it"),
        ("poetry", "needs-build", "build backend"),
        ("address", "install-failed", "comes from no registry"),
        ("listed", "install-failed", "comes from no index"),
        ("go", "install-failed", "Go"),
        ("none", "install-failed", "no such package"),
    ] {
        let row = of(&rows, &format!("github:ann/{name}"));
        assert_eq!(row["outcome"], outcome, "{row}");
        assert!(row["detail"].as_str().unwrap().contains(said), "{row}");
    }
}

#[test]
fn a_build_step_runs_when_it_is_asked_for_and_without_network() {
    // It reaches for the network, which it must not have, and writes what it was written for.
    let script = "node make.js";
    let make = r#"
        const fs = require("fs"), net = require("net");
        const socket = net.connect(PORT, "127.0.0.1");
        socket.on("connect", () => { fs.mkdirSync("dist"); fs.writeFileSync("dist/pear.js", "process.exit(9)"); process.exit(0); });
        socket.on("error", () => { fs.mkdirSync("dist"); fs.copyFileSync("src/pear.js", "dist/pear.js"); });
    "#;
    let witness = Fake::start(|_| Reply::status(404));
    let make = make.replace("PORT", &witness.url.port().unwrap().to_string());
    let manifest = json!({"name": "pear-mcp", "bin": {"pear": "dist/pear.js"}, "scripts": {"build": script}});
    let hub = hub(vec![(
        "built",
        files(&[("package.json", &manifest.to_string()), ("make.js", &make), ("src/pear.js", NODE)]),
        None,
    )]);
    let place = place(&hub);
    assert_eq!(scan(&place, &["github:ann/built"])[0]["outcome"], "needs-build");
    let rows = scan(&place, &["--allow-build", "github:ann/built"]);
    assert_eq!((rows[0]["outcome"].as_str(), rows[0]["tools"].as_u64()), (Some("ok"), Some(1)), "{rows:?}");
    assert!(witness.seen().is_empty());
    let marks: String =
        place.db().query_row("SELECT marks FROM probes WHERE outcome = 'ok'", [], |row| row.get(0)).unwrap();
    assert!(marks.contains("built"), "{marks}");
}

#[test]
fn a_hostile_tarball_is_refused_and_leaves_nothing_behind() {
    let package = json!({"name": "x", "bin": "x.js"}).to_string();
    let whole = ("x/package.json", EntryType::Regular, package.as_bytes());
    let code = ("x/x.js", EntryType::Regular, NODE.as_bytes());
    let zeros = vec![0; 18 << 20];
    let hub = hub(vec![
        ("up", tarball(&[whole, code, ("x/../../../../../../up-was-here", EntryType::Regular, b"X")]), None),
        (
            "root",
            tarball(&[whole, code, ("/tmp/root-was-here-of-catalogue", EntryType::Regular, b"X")]),
            None,
        ),
        ("link", tarball(&[("x/package.json", EntryType::Symlink, b"/etc/passwd"), code]), None),
        ("bomb", tarball(&[whole, code, ("x/zeros", EntryType::Regular, &zeros)]), None),
        ("text", b"<html>not here</html>".to_vec(), None),
    ]);
    let place = place(&hub);
    let names = ["up", "root", "link", "bomb", "text"];
    let targets: Vec<String> = names.iter().map(|name| format!("github:ann/{name}")).collect();
    let targets: Vec<&str> = targets.iter().map(String::as_str).collect();
    let rows = scan(&place, &targets);
    for server in targets {
        let row = of(&rows, server);
        assert_eq!(row["outcome"], "install-failed", "{row}");
        assert!(row["detail"].as_str().unwrap().contains("its tarball is refused"), "{row}");
    }
    assert!(!Path::new("/tmp/root-was-here-of-catalogue").exists());
    let left: Vec<_> = std::fs::read_dir(place.path("var/cache/store"))
        .unwrap()
        .flatten()
        .filter(|entry| entry.file_name().to_string_lossy().starts_with("staging"))
        .collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn a_limit_told_while_scanning_holds_for_the_next_run() {
    let fake = Fake::start(|_| Reply::status(403).with("Retry-After", "3000"));
    let registries = Fake::start(|_| Reply::status(404));
    let place = place_at(&fake, &registries);
    let first = scan(&place, &["github:ann/pear"]);
    assert_eq!(first[0]["outcome"], "registry-error");
    let again = scan(&place, &["github:ann/plum"]);
    assert!(again[0]["detail"].as_str().unwrap().contains("left alone"), "{again:?}");
    assert_eq!(fake.seen().len(), 1);
}
