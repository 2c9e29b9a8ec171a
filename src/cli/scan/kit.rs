//! What a scan needs before it can begin: registries, programs, a sandbox, the cache.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context;
use serde::Serialize;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use super::ScanOptions;
use crate::assets::Files;
use crate::config::limits::Limits;
use crate::http::{Client, Deadlines, HttpError, Politeness, host_of};
use crate::model::source::SourceName;
use crate::model::{Outcome, Registry, SandboxLevel, Target};
use crate::probe::install::cache::Cache;
use crate::probe::install::{Clients, Installer, Interpreter, Program, Registries};
use crate::probe::plan::Hint;
use crate::probe::registry::learn::learn_sources;
use crate::probe::registry::{Configured, Github, Sources};
use crate::probe::runner::Prober;
use crate::probe::sandbox::{Refusal, Sandbox, Wanted};
use crate::probe::stand_ins::write_stand_ins;
use crate::probe::toolchain::{self, Found, Missing, Pins, Python, ReportLine, Toolchain};
use crate::progress::Bar;

use super::super::settings::Settings;

/// The pins' place in the data files.
const PINS: &str = "toolchain.toml";

/// What the targets ask for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Needs {
    npm: bool,
    pypi: bool,
    github: bool,
    local: bool,
    bwrap: bool,
    fetch: bool,
}

impl Needs {
    pub(super) fn of(targets: &[Target], options: &ScanOptions) -> Self {
        let has = |registry| targets.iter().any(|t| t.server().registry() == registry);
        Self {
            // What a repository holds shows when it is there.
            npm: has(Registry::Npm) || has(Registry::Github),
            pypi: has(Registry::Pypi) || has(Registry::Github),
            github: has(Registry::Github),
            local: has(Registry::Local),
            bwrap: matches!(options.wanted(), Wanted::Auto | Wanted::Bwrap),
            fetch: true,
        }
    }

    /// Whatever a queue may hold.
    pub(super) fn all(options: &ScanOptions) -> Self {
        let bwrap = matches!(options.wanted(), Wanted::Auto | Wanted::Bwrap);
        Self { npm: true, pypi: true, github: true, local: false, bwrap, fetch: true }
    }

    /// The same for looking releases up: nothing is fetched to start them.
    pub(super) fn without_starts(self) -> Self {
        Self { fetch: false, ..self }
    }

    fn wants_bwrap(self) -> bool {
        self.bwrap && self.starts_something()
    }

    fn starts_something(self) -> bool {
        self.npm || self.pypi || self.local
    }
}

/// Programs and registries, ready.
pub(super) struct Prepared {
    pub(super) client: Client,
    pub(super) toolchain: Toolchain,
    pub(super) registries: Arc<Registries>,
    /// Where some target is asked for there.
    pub(super) github: Option<Github>,
    wants_sandbox: bool,
}

/// Looks for everything, and fetches what the targets need and nobody has. The registries are only asked for when
/// something has to be fetched: later look-ups ask when they need to.
pub(super) async fn prepare(
    settings: &Settings,
    data: &Files,
    needs: &Needs,
    bar: &Bar,
) -> anyhow::Result<Prepared> {
    let configured = Configured {
        npm: settings.config.registries.npm.clone(),
        pypi: settings.config.registries.pypi.clone(),
    };
    let registries = Arc::new(Registries::new(configured));
    let (mut github, mut paces) = (None, HashMap::new());
    if needs.github {
        let words = super::registry::source_settings(settings)?;
        let found = super::github::configured(&settings.config.sources.github, &words);
        paces.insert(host_of(&found.address), words.pace(SourceName::Github));
        github = Some(found);
    }
    let client = {
        let contact = settings.config.sources.contact.clone();
        let politeness = Politeness { contact, paces, ..Politeness::default() };
        super::rests::client(settings, Deadlines::default(), politeness)?
    };
    let text = String::from_utf8_lossy(data.get(PINS).map_or(&[][..], |b| b)).into_owned();
    let pins = Pins::parse(&text).context("data/toolchain.toml is malformed")?;
    let looked =
        toolchain::Needs { npm: needs.npm, pypi: needs.pypi, bwrap: needs.wants_bwrap(), fetch: false };
    let progress = |line: &str| bar.note(line);
    let mut none = Sources::default();
    let mut found = toolchain::prepare(&settings.var, &client, &mut none, &pins, &progress, looked).await;
    let lacks = (needs.pypi && found.uv.is_err())
        || (needs.npm && (found.node.is_err() || found.bun.is_err()))
        || (needs.wants_bwrap() && found.bwrap.is_err());
    if lacks && needs.fetch {
        let mut sources = learn_sources(registries.configured()).await;
        let fetching = toolchain::Needs { fetch: true, ..looked };
        found = toolchain::prepare(&settings.var, &client, &mut sources, &pins, &progress, fetching).await;
        if sources.npm.is_some() && sources.pypi.is_some() {
            registries.extend(sources);
        }
    }
    registries.may_ask(clients(&found, settings));
    Ok(Prepared { client, toolchain: found, registries, github, wants_sandbox: needs.starts_something() })
}

/// The clients of the toolchain, for asking them where their registry is.
fn clients(toolchain: &Toolchain, settings: &Settings) -> Clients {
    let path = |found: &Result<Found, Missing>| found.as_ref().ok().map(|f| f.path.clone());
    let keeps = settings.var.join("toolchain/npm-cache");
    let npm = path(&toolchain.node).zip(path(&toolchain.npm));
    Clients { npm: npm.map(|(node, script)| (node, script, keeps)), uv: path(&toolchain.uv) }
}

pub(super) fn open_cache(settings: &Settings, max_bytes: u64) -> anyhow::Result<Cache> {
    let folder = settings.var.join("cache");
    Cache::open(&folder, max_bytes).with_context(|| format!("the cache {} cannot be used", folder.display()))
}

/// Everything put together. A scan of remote servers alone needs no sandbox and tries none.
#[expect(clippy::too_many_arguments, reason = "the one place where the parts of a run meet")]
pub(super) async fn prober(
    prepared: &Prepared,
    data: &Files,
    settings: &Settings,
    options: &ScanOptions,
    cache: Cache,
    limits: Limits,
    hints: Vec<Hint>,
    jobs: usize,
    cancel: &CancellationToken,
) -> anyhow::Result<Prober> {
    let scratch = cache.store().join("tmp");
    let wanted = if prepared.wants_sandbox { options.wanted() } else { Wanted::None };
    let bwrap = prepared.toolchain.bwrap.as_ref().ok().map(|f| f.path.clone());
    let sandbox = Sandbox::choose(wanted, bwrap.as_deref(), &scratch).await?;
    if prepared.wants_sandbox && options.wanted() == Wanted::Auto && sandbox.level() != SandboxLevel::Bwrap {
        for note in sandbox.notes() {
            tracing::warn!(why = note, "the stronger sandbox cannot be had, see catalogue doctor");
        }
    }
    let stand_ins = settings.var.join("stand-ins");
    write_stand_ins(&stand_ins, data)
        .with_context(|| format!("{} cannot be written", stand_ins.display()))?;
    Ok(Prober {
        sandbox,
        installer: installer(prepared, options),
        cache,
        keep: !options.no_cache,
        limits,
        stand_ins,
        scratch,
        hints,
        installs: Semaphore::new(jobs.clamp(1, 3)),
        installed: std::sync::atomic::AtomicBool::new(false),
        cancel: cancel.clone(),
    })
}

fn installer(prepared: &Prepared, options: &ScanOptions) -> Installer {
    let program = |found: &Result<Found, Missing>| {
        found.as_ref().ok().map(|f| Program {
            path: f.path.clone(),
            root: f.root.clone(),
            version: f.version.clone(),
        })
    };
    let toolchain = &prepared.toolchain;
    // Where a user's certificates and proxies are said; an install box gets them, a run box never.
    let files = ["SSL_CERT_FILE", "NODE_EXTRA_CA_CERTS"];
    let words = [
        "HTTP_PROXY",
        "HTTPS_PROXY",
        "ALL_PROXY",
        "NO_PROXY",
        "http_proxy",
        "https_proxy",
        "all_proxy",
        "no_proxy",
    ];
    let mut network_env = BTreeMap::new();
    let mut network_files = Vec::new();
    for name in files.iter().chain(&words) {
        if let Ok(value) = std::env::var(name) {
            if files.contains(name) {
                let path = PathBuf::from(&value);
                if !path.is_file() {
                    continue;
                }
                network_files.push(path);
            }
            network_env.insert((*name).to_owned(), value);
        }
    }
    Installer {
        uv: program(&toolchain.uv),
        bun: program(&toolchain.bun),
        npm: program(&toolchain.npm),
        node: program(&toolchain.node),
        registries: Arc::clone(&prepared.registries),
        github: prepared.github.clone(),
        client: prepared.client.clone(),
        allow_build: options.allow_build,
        network_env,
        network_files,
    }
}

pub(super) fn interpreter(python: &Python) -> Interpreter {
    Interpreter { path: python.path.clone(), prefix: python.prefix.clone(), version: python.version_text() }
}

/// Whose fault a failed exchange with a registry is.
pub(super) fn outcome_of(error: &HttpError) -> Outcome {
    match error {
        HttpError::NoNetwork { .. } | HttpError::TimedOut { .. } => Outcome::NoNetwork,
        _ => Outcome::RegistryError,
    }
}

/// What `catalogue doctor` found.
#[derive(Debug, Serialize)]
pub(in crate::cli) struct Diagnosis {
    pub(in crate::cli) registries: Vec<RegistryLine>,
    pub(in crate::cli) programs: Vec<ReportLine>,
    pub(in crate::cli) sandbox: Option<SandboxLevel>,
    pub(in crate::cli) sandbox_notes: Vec<String>,
    /// Why boxes get no cgroup; None where they do.
    pub(in crate::cli) without_cgroup: Option<String>,
}

/// A registry and who told of it.
#[derive(Debug, Serialize)]
pub(in crate::cli) struct RegistryLine {
    pub(in crate::cli) what: String,
    pub(in crate::cli) address: Option<String>,
    pub(in crate::cli) from: String,
}

/// Looks at this machine as a scan would.
pub(in crate::cli) fn diagnose(settings: &Settings, fetch: bool) -> anyhow::Result<Diagnosis> {
    let data = settings.data_files()?;
    let text = String::from_utf8_lossy(data.get(PINS).map_or(&[][..], |b| b)).into_owned();
    let pins = Pins::parse(&text).context("data/toolchain.toml is malformed")?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let diagnosis = runtime.block_on(async {
        let configured = Configured {
            npm: settings.config.registries.npm.clone(),
            pypi: settings.config.registries.pypi.clone(),
        };
        let registries = Registries::new(configured);
        let mut sources = registries.get().await.clone();
        let needs = toolchain::Needs { fetch, ..toolchain::Needs::ALL };
        let progress = |line: &str| tracing::info!("{line}");
        let toolchain =
            toolchain::prepare(&settings.var, &Client::default(), &mut sources, &pins, &progress, needs)
                .await;
        let mut lines: Vec<RegistryLine> = sources
            .learnt
            .iter()
            .map(|l| RegistryLine {
                what: l.what.to_owned(),
                address: Some(l.address.clone()),
                from: l.from.clone(),
            })
            .collect();
        for (what, known, follows) in [
            (
                "npm",
                sources.npm.is_some(),
                "npm packages cannot be scanned; install npm, or write into catalogue.toml: registries.npm = \"https://…/\"",
            ),
            (
                "pypi",
                sources.pypi.is_some(),
                "Python packages cannot be scanned; install pip or uv, or write into catalogue.toml: registries.pypi = \"https://…/simple/\"",
            ),
        ] {
            if !known {
                lines.push(RegistryLine { what: what.to_owned(), address: None, from: follows.to_owned() });
            }
        }
        lines.extend(super::registry::list_lines(settings)?);
        let scratch = settings.var.join("cache/store/tmp");
        let bwrap = toolchain.bwrap.as_ref().ok().map(|f| f.path.clone());
        let chosen: Result<Sandbox, Refusal> =
            Sandbox::choose(Wanted::Auto, bwrap.as_deref(), &scratch).await;
        let without_cgroup = chosen.as_ref().ok().and_then(|s| s.without_cgroup().map(str::to_owned));
        let (sandbox, sandbox_notes) = match chosen {
            Ok(sandbox) => (Some(sandbox.level()), sandbox.notes().to_vec()),
            Err(refusal) => (None, vec![refusal.to_string()]),
        };
        anyhow::Ok(Diagnosis {
            registries: lines,
            programs: toolchain.report(),
            sandbox,
            sandbox_notes,
            without_cgroup,
        })
    });
    runtime.shutdown_timeout(std::time::Duration::from_millis(200));
    diagnosis
}
