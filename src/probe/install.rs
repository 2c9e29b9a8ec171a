//! From a release to files that can be started: the first of the two boxes. No code of the package runs here.
//!
//! Network to the registry, no install scripts, wheels only, the exact version. Done by uv and bun (or npm) inside an
//! install box that sees nothing but its store; the result is kept in [`cache`] and shown read-only to the run box.

pub mod cache;
mod declared;
pub mod entry;
mod failure;
mod node;
mod python;
mod tree;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tokio::sync::OnceCell;

use super::plan::LaunchFacts;
use super::registry::{Configured, Github, Sources, learn};
use super::sandbox::{Access, BoxLimits, BoxSpec, Network, Sandbox};
use crate::http::Client;
use crate::model::{Outcome, Registry, Release, ReleaseFacts, Untrusted};
use entry::EntryPoint;

/// How long one install may take: the slowest of 57 took 37.5 s (research/live.md section 3).
const INSTALL_WITHIN: Duration = Duration::from_secs(300);
/// A failed install with less room than this is the disk's fault: the largest of 57 packages took 347 MB, the median of
/// npm 28.5 MB (research/live.md section 3).
const LEAST_FREE_BYTES: u64 = 64 << 20;
/// Where the store lies inside a box that has a file system of its own.
const STORE: &str = "/store";

/// A program of the toolchain and the folder it needs to see.
#[derive(Debug, Clone)]
pub struct Program {
    /// The program itself.
    pub path: PathBuf,
    /// The folder that must be visible for it to run.
    pub root: PathBuf,
    /// As it says itself.
    pub version: String,
}

impl Program {
    /// Where it lies inside a box, its root shown as `/tool/NAME`.
    fn shown_in(&self, spec: BoxSpec, sandbox: &Sandbox, name: &str) -> (BoxSpec, PathBuf) {
        if self.path.starts_with("/usr") {
            return (spec, self.path.clone());
        }
        let root = sandbox.view(&self.root, &format!("/tool/{name}"));
        let inside =
            self.path.strip_prefix(&self.root).map_or_else(|_| self.path.clone(), |rest| root.join(rest));
        (spec.show(&self.root, &root, Access::Read), inside)
    }
}

/// A Python that was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Interpreter {
    /// The program.
    pub path: PathBuf,
    /// Its installation (`sys.base_prefix`).
    pub prefix: PathBuf,
    /// `3.11.7`.
    pub version: String,
}

/// The programs that install, and where from.
#[derive(Debug, Clone)]
pub struct Installer {
    /// For Python.
    pub uv: Option<Program>,
    /// For node, first choice.
    pub bun: Option<Program>,
    /// For node, where there is no bun; needs node.
    pub npm: Option<Program>,
    /// Runs node servers.
    pub node: Option<Program>,
    /// The user's registries.
    pub registries: Arc<Registries>,
    /// Certificates, proxies: passed on to the install box, never to a run box.
    pub network_env: BTreeMap<String, String>,
    /// Where the source of servers is fetched from that are no packages, if there are such.
    pub github: Option<Github>,
    /// Fetches it.
    pub client: Client,
    /// Their own build steps may be run.
    pub allow_build: bool,
    /// Files named in `network_env`.
    pub network_files: Vec<PathBuf>,
}

/// The user's registries, asked of the user's own clients when they are first needed: some 0.4 s.
#[derive(Debug)]
pub struct Registries {
    configured: Configured,
    clients: OnceLock<Clients>,
    sources: OnceCell<Sources>,
}

/// Clients that are not on the user's PATH: asked where nobody else knows a registry.
#[derive(Debug, Clone, Default)]
pub struct Clients {
    /// node, the npm script it runs, and a folder for what npm keeps.
    pub npm: Option<(PathBuf, PathBuf, PathBuf)>,
    /// uv.
    pub uv: Option<PathBuf>,
}

impl Registries {
    /// Nothing is asked yet; what `catalogue.toml` says wins.
    pub fn new(configured: Configured) -> Self {
        Self { configured, clients: OnceLock::new(), sources: OnceCell::new() }
    }

    /// What `catalogue.toml` says.
    pub fn configured(&self) -> &Configured {
        &self.configured
    }

    /// Names clients that were fetched, to be asked if the user's own do not know.
    pub fn may_ask(&self, clients: Clients) {
        // The first word stands: there is one toolchain a run.
        let _ = self.clients.set(clients);
    }

    /// Adds what a fetched program told, if nothing was asked before.
    pub fn extend(&self, sources: Sources) {
        // Asked before: the answer of then stays, and names at least as much.
        let _ = self.sources.set(sources);
    }

    /// Where the registries are.
    pub async fn get(&self) -> &Sources {
        self.sources.get_or_init(|| self.learn()).await
    }

    async fn learn(&self) -> Sources {
        let mut sources = learn::learn_sources(&self.configured).await;
        let clients = self.clients.get().cloned().unwrap_or_default();
        if let (None, Some((node, script, keeps))) = (&sources.npm, &clients.npm) {
            sources.add_npm(learn::npm_told_by(node, script, keeps).await);
        }
        if let (None, Some(uv)) = (&sources.pypi, &clients.uv) {
            sources.add_pypi(learn::pypi_told_by(uv).await);
        }
        sources
    }
}

/// What makes two installs of one release differ.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Variant {
    /// Dependencies as of this time.
    pub dependencies_as_of: Option<Timestamp>,
    /// Extras of the package.
    pub extras: Vec<String>,
    /// The Python it is for.
    pub python: Option<Interpreter>,
}

/// An install that can be started.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Installed {
    /// Which release.
    pub release: Release,
    /// Which variant.
    pub variant: Variant,
    /// What can be started, best first. Never empty.
    pub entries: Vec<EntryPoint>,
    /// What its README says about starting it.
    pub facts: LaunchFacts,
    /// When the registry says it came out.
    pub published_at: Option<Timestamp>,
    /// What the package says of itself.
    pub about: ReleaseFacts,
    /// Its own build step was run to make it.
    #[serde(default)]
    pub built: bool,
}

/// Why there is no install.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InstallFailure {
    /// `install-failed`, `needs-build`, `not-mcp`, `no-network`, `registry-error` or `scanner-error`.
    pub outcome: Outcome,
    /// One line for people.
    pub detail: String,
    /// What the installer said last.
    pub log: Untrusted,
}

impl InstallFailure {
    fn new(outcome: Outcome, detail: impl Into<String>) -> Self {
        Self { outcome, detail: detail.into(), log: Untrusted::default() }
    }
}

impl Installer {
    /// Installs `release` into the package folder of `place`; byte-compiles Python with `compile`.
    ///
    /// # Errors
    /// [`InstallFailure`]; the folder is then to be thrown away.
    pub async fn install(
        &self,
        place: &Place<'_>,
        release: &Release,
        variant: &Variant,
        published_at: Option<Timestamp>,
        compile: bool,
    ) -> Result<Installed, InstallFailure> {
        let installed = match release.server.registry() {
            Registry::Npm => node::install(self, place, release, variant).await.map(Made::published),
            Registry::Pypi => {
                python::install(self, place, release, variant, compile).await.map(Made::published)
            }
            Registry::Github => tree::install(self, place, release, variant, compile).await,
            other @ (Registry::Remote | Registry::Local) => {
                let detail = format!("{} servers are not installed", other.as_str());
                return Err(InstallFailure::new(Outcome::InstallFailed, detail));
            }
        };
        let Made { entries, mut facts, about, built } =
            installed.map_err(|failure| place.or_full_disk(failure))?;
        if entries.is_empty() {
            return Err(InstallFailure::new(
                Outcome::NotMcp,
                "the package has nothing to start: no console script and no bin",
            ));
        }
        facts.can_be_dated = published_at.is_some() && variant.dependencies_as_of.is_none();
        Ok(Installed {
            release: release.clone(),
            variant: variant.clone(),
            entries,
            facts,
            published_at,
            about,
            built,
        })
    }
}

/// What an install came to.
struct Made {
    entries: Vec<EntryPoint>,
    facts: LaunchFacts,
    about: ReleaseFacts,
    /// Its own build step was run.
    built: bool,
}

impl Made {
    fn published((entries, facts, about): (Vec<EntryPoint>, LaunchFacts, ReleaseFacts)) -> Self {
        Self { entries, facts, about, built: false }
    }
}

/// Bounds on what installs and builds.
fn install_limits() -> BoxLimits {
    BoxLimits {
        memory_bytes: 6 << 30,
        processes: 2_048,
        file_bytes: 4 << 30,
        open_files: 16_384,
        cpu_seconds: 900,
        tmp_bytes: 1 << 30,
    }
}

/// Where an install happens.
pub struct Place<'a> {
    /// The box it runs in.
    pub sandbox: &'a Sandbox,
    /// The folder installers may write to.
    pub store: &'a Path,
    /// The folder below it that becomes the package's.
    pub package: &'a Path,
}

/// An installer that ended.
struct Ended {
    ok: bool,
    log: String,
}

impl Place<'_> {
    /// Installers say many things when the disk is full, some of which sound like the package's fault.
    fn or_full_disk(&self, failure: InstallFailure) -> InstallFailure {
        let free = rustix::fs::statvfs(self.store).map(|s| s.f_bavail.saturating_mul(s.f_frsize));
        match free {
            Ok(free) if free < LEAST_FREE_BYTES => InstallFailure {
                outcome: Outcome::ScannerError,
                detail: format!(
                    "the disk is full: {} MiB free where the cache lies ({})",
                    free >> 20,
                    failure.detail
                ),
                ..failure
            },
            _ => failure,
        }
    }

    /// A host path below the store, as the box sees it.
    fn inside(&self, host: &Path) -> PathBuf {
        let store = self.sandbox.view(self.store, STORE);
        host.strip_prefix(self.store).map_or_else(|_| host.to_owned(), |rest| store.join(rest))
    }

    fn spec(&self, installer: &Installer, program: impl Into<PathBuf>) -> BoxSpec {
        let mut spec = BoxSpec::new(program, &self.store.join("tmp")).show(
            self.store,
            &self.sandbox.view(self.store, STORE),
            Access::Write,
        );
        for file in &installer.network_files {
            spec = spec.show(file, file, Access::Read);
        }
        spec.network = Network::Shared;
        spec.slot = 0;
        spec.env = installer.network_env.clone();
        spec.env.insert("PATH".to_owned(), "/usr/local/bin:/usr/bin:/bin".to_owned());
        spec.limits = install_limits();
        spec.cwd = Some(self.inside(self.package));
        spec
    }

    /// Runs an installer to its end.
    async fn run(&self, spec: &BoxSpec) -> Result<Ended, InstallFailure> {
        let failed = |e: std::io::Error| {
            InstallFailure::new(Outcome::ScannerError, format!("the install box cannot be started: {e}"))
        };
        let mut process = self.sandbox.start(spec).map_err(failed)?;
        drop(process.stdin.take());
        let (ring, reader) = match process.stderr.take() {
            Some(stderr) => super::wire::LogRing::follow(stderr),
            None => {
                return Err(InstallFailure::new(
                    Outcome::ScannerError,
                    "the install box has no standard error",
                ));
            }
        };
        let said = process.stdout.take().map(super::wire::drain);
        let status = tokio::time::timeout(INSTALL_WITHIN, process.wait()).await;
        let _ = tokio::time::timeout(Duration::from_millis(500), reader).await;
        let out_of_memory = process.was_out_of_memory();
        let never_made = status.is_ok() && !out_of_memory && process.was_never_made();
        process.end().await;
        let mut log = ring.tail(8 * 1024);
        if let Some(said) = said {
            log.push_str(&said.await.unwrap_or_default());
        }
        match status {
            Err(_) => Err(InstallFailure {
                outcome: Outcome::InstallFailed,
                detail: format!("the install did not end within {} s", INSTALL_WITHIN.as_secs()),
                log: Untrusted::new(log),
            }),
            Ok(_) if out_of_memory => Err(InstallFailure {
                outcome: Outcome::ScannerError,
                detail: "the install used more memory than allowed".to_owned(),
                log: Untrusted::new(log),
            }),
            Ok(_) if never_made => Err(InstallFailure {
                outcome: Outcome::ScannerError,
                detail: format!("the install box cannot be made: {}", log.trim()),
                log: Untrusted::new(log),
            }),
            Ok(status) => Ok(Ended { ok: status == Some(0), log }),
        }
    }
}
