//! The sites that are looked at: a made-up catalogue, and one real answer of awkward tools.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::LazyLock;

use catalogue::render::serve::listen;
use serde_json::Value;

use super::kinds::by_kind;

/// A built site.
pub(crate) struct Site {
    pub(crate) out: PathBuf,
    /// Pages of each kind, below `out`, by what their pictures are called: see [`chosen`].
    pub(crate) kinds: Vec<(String, String)>,
    /// Where it is served on loopback, as `catalogue serve` does, until the process ends.
    pub(crate) address: String,
    folder: tempfile::TempDir,
}

/// The made-up catalogue, with a server that was never asked and an address that moved.
pub(crate) static MADE_UP: LazyLock<Site> = LazyLock::new(|| {
    let servers = std::env::var("PAGES_SERVERS").unwrap_or_else(|_| "60".to_owned());
    let folder = tempfile::tempdir().unwrap();
    catalogue(folder.path(), &["dev", "synth", "--servers", &servers, "--seed", "7"]);
    super::declared::add_to(&folder.path().join("c.db"));
    let data = folder.path().join("data");
    copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("data"), &data);
    let moved = "moved = [{ from = \"old/page.html\", to = \"servers/index.html\" }]";
    std::fs::write(data.join("moved.toml"), moved).unwrap();
    let data = data.display().to_string();
    built(folder, &["--data", &data])
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
    let listening = listen(&out, (Ipv4Addr::LOCALHOST, 0).into()).unwrap();
    let address = format!("http://{}/", listening.address().unwrap());
    std::thread::spawn(move || listening.run());
    let mut site = Site { out, kinds: Vec::new(), address, folder };
    site.kinds = chosen(&site);
    site
}

/// Of each kind the first page and the largest one; every page of prose; of tools the largest and the smallest page of each class.
/// The same ones each time.
fn chosen(site: &Site) -> Vec<(String, String)> {
    let mut chosen = BTreeMap::new();
    for (kind, pages) in by_kind(site) {
        match kind {
            "tool" => {
                for class in ["read", "write", "execute", "destructive"] {
                    let is_of = |path: &String| {
                        let text = std::fs::read_to_string(site.out.join(path)).unwrap();
                        let (_, rest) = text.split_once("id=\"does\">").unwrap();
                        rest.split('"')
                            .nth(1)
                            .is_some_and(|to| to.ends_with(&format!("classes/{class}.html")))
                    };
                    let of: Vec<_> = pages.iter().filter(|(path, _)| is_of(path)).collect();
                    let (smallest, largest) =
                        (of.iter().min_by_key(|page| page.1), of.iter().max_by_key(|page| page.1));
                    for (size, page) in [("small", smallest), ("large", largest)] {
                        if let Some((path, _)) = page {
                            chosen.insert(format!("tool-{class}-{size}"), path.clone());
                        }
                    }
                }
            }
            "prose" => {
                for (path, _) in pages {
                    let name = path.trim_end_matches(".html").replace('/', "-");
                    chosen.insert(format!("prose-{name}"), path);
                }
            }
            _ => {
                let largest = pages.iter().max_by_key(|page| page.1).cloned().unwrap();
                if largest != pages[0] {
                    chosen.insert(format!("{kind}-large"), largest.0);
                }
                chosen.insert(kind.to_owned(), pages[0].0.clone());
            }
        }
    }
    chosen.into_iter().collect()
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap().map(Result::unwrap) {
        let to = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &to);
        } else {
            std::fs::copy(entry.path(), to).unwrap();
        }
    }
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
    /// The same site folded, by its own check without a problem: the pages of servers.
    pub(crate) fn folded(&self) -> Vec<PathBuf> {
        let into = self.folder.path().join("folded");
        let (from, to) = (self.out.display().to_string(), into.display().to_string());
        catalogue(self.folder.path(), &["fold", "--out", &from, "--into", &to, "--check", "--quiet"]);
        let mut pages = pages_in(&into.join("servers"));
        pages.retain(|page| page.parent().is_some_and(|folder| !folder.ends_with("tools")));
        pages
    }

    /// The page that stands for a kind.
    pub(crate) fn page_of(&self, wanted: &str) -> &str {
        let found = self.kinds.iter().find(|(kind, _)| kind == wanted);
        &found.unwrap_or_else(|| panic!("no page of the kind {wanted}")).1
    }

    /// Every page, sorted.
    pub(crate) fn pages(&self) -> Vec<PathBuf> {
        pages_in(&self.out)
    }
}

fn pages_in(out: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![out.to_owned()];
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
