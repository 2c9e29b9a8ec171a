//! The sites that are looked at: a made-up catalogue, and one real answer of awkward tools.

use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::LazyLock;

use catalogue::render::serve::listen;
use serde_json::Value;

/// A built site.
pub(crate) struct Site {
    pub(crate) out: PathBuf,
    /// One page of each kind, below `out`.
    pub(crate) kinds: Vec<(String, String)>,
    /// Where it is served on loopback, as `catalogue serve` does, until the process ends.
    pub(crate) address: String,
    _folder: tempfile::TempDir,
}

/// The made-up catalogue.
pub(crate) static MADE_UP: LazyLock<Site> = LazyLock::new(|| {
    let servers = std::env::var("PAGES_SERVERS").unwrap_or_else(|_| "60".to_owned());
    let folder = tempfile::tempdir().unwrap();
    catalogue(folder.path(), &["dev", "synth", "--servers", &servers, "--seed", "7"]);
    built(folder, &[])
});

/// One server with 1,000 tools, among them every awkward one we could think of.
pub(crate) static AWKWARD: LazyLock<Option<Site>> = LazyLock::new(|| {
    let node = super::tools::program("node")?;
    let folder = tempfile::tempdir().unwrap();
    let server = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/pages/awkward.mjs");
    let (node, server) = (node.display().to_string(), server.display().to_string());
    catalogue(
        folder.path(),
        &["scan", "--stdio", "--name", "awkward", "--sandbox", "none", "--quiet", "--", &node, &server],
    );
    Some(built(folder, &["--include-private"]))
});

fn built(folder: tempfile::TempDir, more: &[&str]) -> Site {
    let out = folder.path().join("dist");
    let place = out.display().to_string();
    let mut arguments =
        vec!["build", "--json", "--check", "--base-url", "https://cat.example/", "--out", &place];
    arguments.extend(more);
    let report: Value = serde_json::from_str(&catalogue(folder.path(), &arguments)).unwrap();
    assert_eq!(report["problems"], Value::Array(vec![]), "the build's own check");
    let page = |kind: &Value| {
        let (name, path) = (kind["kind"].as_str()?, kind["slowest"].as_str()?);
        path.ends_with(".html").then(|| (name.to_owned(), path.to_owned()))
    };
    let kinds: Vec<_> = report["kinds"].as_array().unwrap().iter().filter_map(page).collect();
    assert!(kinds.len() > 8, "{report}");
    let listening = listen(&out, (Ipv4Addr::LOCALHOST, 0).into()).unwrap();
    let address = format!("http://{}/", listening.address().unwrap());
    std::thread::spawn(move || listening.run());
    Site { out, kinds, address, _folder: folder }
}

/// Runs the program; returns what it printed.
fn catalogue(folder: &Path, arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_catalogue"))
        .arg("--var")
        .arg(folder.join("var"))
        .arg("--db")
        .arg(folder.join("c.db"))
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

impl Site {
    /// The page that stands for a kind.
    pub(crate) fn page_of(&self, wanted: &str) -> &str {
        let found = self.kinds.iter().find(|(kind, _)| kind == wanted);
        &found.unwrap_or_else(|| panic!("no page of the kind {wanted}")).1
    }

    /// Every page, sorted.
    pub(crate) fn pages(&self) -> Vec<PathBuf> {
        let mut found = Vec::new();
        let mut folders = vec![self.out.clone()];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
                let path = entry.path();
                if path.is_dir() {
                    folders.push(path);
                } else if path.extension().is_some_and(|end| end == "html") {
                    found.push(path);
                }
            }
        }
        found.sort();
        found
    }
}
