//! `catalogue scan`: targets through the queue, a few at a time, each stored as it ends.

pub(super) mod configured;
mod kit;
mod lease;
mod registry;
pub(super) mod report;
mod target;
pub(super) mod targets;
mod worker;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::Context;
use clap::{Args, ValueEnum};
use tokio_util::sync::CancellationToken;

use super::corrections;
use super::exit::Exit;
use super::settings::Settings;
use crate::config::bytes_of;
use crate::model::source::SourceName;
use crate::model::{Outcome, ServerKey, Target};
use crate::probe::sandbox::{Refusal, Wanted};
use crate::progress::{self, Bar};
use crate::store::WorkQueue;
pub(super) use kit::{Diagnosis, diagnose};
use report::{Row, Summary};
use targets::{FileError, UsageError};

/// Longest time that a lease on a target lasts without a heartbeat.
const LEASE: Duration = Duration::from_secs(60);
/// How long a scan under way waits for another process that holds the database.
const LOCK_PATIENCE: Duration = Duration::from_secs(60);
/// 10 GiB of kept installs.
const DEFAULT_CACHE_MAX: u64 = 10 << 30;

/// `catalogue scan`.
#[derive(Debug, Clone, Args)]
pub(super) struct ScanOptions {
    /// npm:NAME[@VERSION], pypi:NAME[==VERSION], a pkg: purl, or https://HOST/PATH; the starter list if none is given
    targets: Vec<String>,
    /// Find the servers by itself and scan them: in a list, or in the configuration of MCP clients on this machine
    #[arg(long, value_enum, value_name = "REGISTRY", conflicts_with_all = ["targets", "from", "stdio"])]
    registry: Option<RegistryOption>,
    /// Only this client's files; may be given several times
    #[arg(long = "client", value_name = "NAME", requires = "registry")]
    clients: Vec<String>,
    /// This file instead of those of this machine, in the shape of the one --client that is given
    #[arg(long, value_name = "FILE", requires = "clients")]
    client_file: Option<PathBuf>,
    /// With --registry: say what would be scanned, and start nothing
    #[arg(long, requires = "registry")]
    dry_run: bool,
    /// Read targets from a TOML file of [[target]] tables
    #[arg(long, value_name = "FILE")]
    from: Option<PathBuf>,
    /// Ask a command of your own, given after --, over standard input and output; needs --name
    #[arg(long, requires = "name")]
    stdio: bool,
    /// What the command of --stdio is called: its key is local:NAME
    #[arg(long, requires = "stdio")]
    name: Option<String>,
    /// Set a variable for the command of --stdio; values are never stored
    #[arg(long = "env", value_name = "NAME=VALUE", requires = "stdio")]
    env: Vec<String>,
    /// With a list: scan at most so many, and read no more of the list than that takes
    #[arg(long, value_name = "N", requires = "registry", value_parser = clap::value_parser!(u32).range(1..))]
    limit: Option<u32>,
    /// With a list: what changed since this point: a day or time, or a serial (pypi, npm's feed)
    #[arg(long, value_name = "POINT", requires = "registry")]
    since: Option<String>,
    /// With a list: believe one that lost more than a tenth of what it held
    #[arg(long, requires = "registry")]
    accept_shrink: bool,
    /// Servers asked at once [default: cores + 1]
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..=64))]
    jobs: Option<u16>,
    /// Seconds one server may take, all its starts together, installing not counted [default: limits.session_seconds]
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=3600))]
    timeout: Option<u64>,
    /// Probe again even if an outcome that lasts is stored
    #[arg(long)]
    refresh: bool,
    /// How strangers' code is locked in; none must be asked for in words
    #[arg(long, value_enum, default_value_t = SandboxOption::Auto)]
    sandbox: SandboxOption,
    /// Bound of kept installs, e.g. 10GiB; the oldest use goes first
    #[arg(long, value_name = "SIZE")]
    cache_max: Option<String>,
    /// Drop each install after its probe
    #[arg(long)]
    no_cache: bool,
    /// Print one JSON object a target on standard output as it ends
    #[arg(long)]
    json: bool,
    /// No bar and no table
    #[arg(short, long)]
    quiet: bool,
    /// The command of --stdio
    #[arg(last = true)]
    command: Vec<String>,
}

/// Where servers are found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum RegistryOption {
    /// The official MCP registry
    Mcp,
    /// npm: its search, and its feed of changes where one is configured
    Npm,
    /// The Python package index
    Pypi,
    /// The configuration files of MCP clients
    Config,
}

impl RegistryOption {
    /// The list that is walked; the clients' files are none.
    fn list(self) -> Option<SourceName> {
        match self {
            RegistryOption::Mcp => Some(SourceName::Mcp),
            RegistryOption::Npm => Some(SourceName::Npm),
            RegistryOption::Pypi => Some(SourceName::Pypi),
            RegistryOption::Config => None,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum SandboxOption {
    /// The strongest level that works here
    Auto,
    /// Namespaces by bubblewrap
    Bwrap,
    /// Landlock, seccomp and limits, no namespaces
    Reduced,
    /// No sandbox
    None,
}

impl ScanOptions {
    /// These targets and no talk but the bar, as `catalogue eval --benchmark` scans them.
    pub(super) fn of(targets: Vec<String>, jobs: Option<u16>, sandbox: SandboxOption) -> Self {
        Self { targets, sandbox, ..Self::starter(jobs, false, false) }
    }

    /// The starter list, as `catalogue run` scans it.
    pub(super) fn starter(jobs: Option<u16>, refresh: bool, quiet: bool) -> Self {
        Self {
            targets: Vec::new(),
            registry: None,
            clients: Vec::new(),
            client_file: None,
            dry_run: false,
            from: None,
            stdio: false,
            name: None,
            env: Vec::new(),
            limit: None,
            since: None,
            accept_shrink: false,
            jobs,
            timeout: None,
            refresh,
            sandbox: SandboxOption::Auto,
            cache_max: None,
            no_cache: false,
            json: false,
            quiet,
            command: Vec::new(),
        }
    }

    /// The list that its targets come from.
    fn list(&self) -> Option<SourceName> {
        self.registry.and_then(RegistryOption::list)
    }

    /// Options that say nothing together are an error, not passed over.
    fn check(&self) -> Result<(), UsageError> {
        let of_a_list = self.limit.is_some() || self.since.is_some() || self.accept_shrink;
        match self.list() {
            None if of_a_list => Err(UsageError(
                "--limit, --since and --accept-shrink are for lists: --registry mcp, npm or pypi".to_owned(),
            )),
            Some(list) if !self.clients.is_empty() => {
                Err(UsageError(format!("--client is for --registry config, not for {list}")))
            }
            _ => Ok(()),
        }
    }

    fn wanted(&self) -> Wanted {
        match self.sandbox {
            SandboxOption::Auto => Wanted::Auto,
            SandboxOption::Bwrap => Wanted::Bwrap,
            SandboxOption::Reduced => Wanted::Reduced,
            SandboxOption::None => Wanted::None,
        }
    }

    fn targets(&self, data: &BTreeMap<String, Vec<u8>>) -> anyhow::Result<Vec<Target>> {
        let mut found = Vec::new();
        if self.stdio {
            let name = self.name.as_deref().unwrap_or_default();
            let server = ServerKey::local(name).map_err(|e| UsageError(e.to_string()))?;
            if self.command.is_empty() {
                return Err(UsageError(
                    "--stdio needs a command after --: --stdio --name NAME -- CMD ARGS".into(),
                )
                .into());
            }
            let mut env = BTreeMap::new();
            for pair in &self.env {
                let (name, value) = pair
                    .split_once('=')
                    .ok_or_else(|| UsageError(format!("--env {pair}: use NAME=VALUE")))?;
                env.insert(name.to_owned(), value.to_owned());
            }
            found.push(Target::Local {
                server,
                command: self.command.clone(),
                env,
                fresh: true,
                folder: None,
            });
        } else if !self.command.is_empty() {
            return Err(UsageError("a command after -- needs --stdio --name NAME before it".into()).into());
        }
        for text in &self.targets {
            found.push(
                text.parse().map_err(|e: crate::model::target::TargetError| UsageError(e.to_string()))?,
            );
        }
        if let Some(path) = &self.from {
            found.extend(targets::read_list(path)?);
            if found.is_empty() {
                return Err(UsageError(format!("{}: no [[target]] in it", path.display())).into());
            }
        }
        if found.is_empty() {
            let text =
                String::from_utf8_lossy(data.get(targets::STARTER).map_or(&[][..], |b| b)).into_owned();
            found = targets::parse_list(&text, Path::new("data/starter.toml"))?;
        }
        Ok(targets::without_doubles(found))
    }
}

/// Runs the command.
pub(super) fn run(settings: &Settings, options: &ScanOptions) -> anyhow::Result<Exit> {
    options.check()?;
    match (options.list(), options.dry_run) {
        (Some(list), _) => registry::run(settings, options, list),
        (None, true) => configured::dry_run(settings, options),
        (None, false) => report_of(settings, options),
    }
}

/// Scans, and shows the table.
fn report_of(settings: &Settings, options: &ScanOptions) -> anyhow::Result<Exit> {
    let summary = scan(settings, options)?;
    corrections::say_expired(&corrections::open_read_only(settings)?)?;
    if !options.quiet && !options.json {
        progress::print(&format!("{}\n{}", summary.table(), summary.closing()))?;
        if options.registry == Some(RegistryOption::Config) {
            progress::say(configured::PRIVATE);
        }
    }
    Ok(exit_of(&summary))
}

/// 0 if all answered or were recorded, 3 if nothing could be scanned.
pub(super) fn exit_of(summary: &Summary) -> Exit {
    if summary.interrupted {
        Exit::Interrupted
    } else if summary.rows.iter().any(|r| r.recorded) {
        Exit::Ok
    } else if summary.rows.iter().any(|r| r.outcome == Outcome::UnsafeRefused) {
        Exit::NoSandbox
    } else {
        Exit::NothingScanned
    }
}

/// Scans and stores; the summary has one row a target.
pub(super) fn scan(settings: &Settings, options: &ScanOptions) -> anyhow::Result<Summary> {
    let begun = Instant::now();
    let data = settings.data_files()?;
    let (targets, hidden) = match options.registry {
        Some(RegistryOption::Config) => configured::targets(options, &data)?,
        _ => (options.targets(&data)?, Vec::new()),
    };
    let hints = String::from_utf8_lossy(data.get(targets::HINTS).map_or(&[][..], |b| b)).into_owned();
    let hints = targets::parse_hints(&hints, Path::new("data/launch.toml"))?;
    let rules = settings.rule_set()?;
    let cache_max = match (&options.cache_max, &settings.config.scan.cache_max) {
        (Some(size), _) => bytes_of(size).map_err(|e| UsageError(format!("--cache-max: {e}")))?,
        (None, Some(size)) => {
            bytes_of(size).map_err(|message| FileError::Value { key: "scan.cache_max", message })?
        }
        (None, None) => DEFAULT_CACHE_MAX,
    };
    let mut limits = settings.config.limits.clone();
    if let Some(seconds) = options.timeout {
        limits.session_seconds = seconds;
    }
    let mut store = corrections::open(settings)?;
    store.use_rule_set(rules.hash(), jiff::Timestamp::now())?;
    super::classify::classify_missing(&mut store, &rules)?;
    store.sweep(&lease::is_alive, jiff::Timestamp::now())?;
    let servers: Vec<ServerKey> = targets.iter().map(Target::server).collect();
    match options.registry {
        Some(RegistryOption::Config) => store.remember_configured(&servers, jiff::Timestamp::now())?,
        // What is typed or publicly listed is no secret.
        _ => store.publish_named(&servers)?,
    }
    let keys: Vec<String> = targets.iter().map(ToString::to_string).collect();
    store.enqueue(&keys, jiff::Timestamp::now())?;
    store.wait_for_locks(LOCK_PATIENCE)?;

    let jobs = options.jobs.map(usize::from).or(settings.config.scan.jobs).unwrap_or_else(default_jobs);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("the scanner's threads cannot be started")?;
    let bar = Bar::new(targets.len(), options.quiet || options.json);
    let cancel = CancellationToken::new();
    let summary = runtime.block_on(async {
        let stop = cancel.clone();
        let signals = tokio::spawn(async move { stop_on_signal(&stop).await });
        bar.note("looking for programs");
        let needs = kit::Needs::of(&targets, options);
        let prepared = kit::prepare(settings, &data, &needs, &bar).await?;
        let cache = kit::open_cache(settings, cache_max)?;
        let prober =
            kit::prober(&prepared, &data, settings, options, cache, limits, hints, jobs, &cancel).await;
        let prober = match prober {
            Err(error) if error.is::<Refusal>() => {
                bar.finish();
                return Ok(refused(&targets, &error, options));
            }
            prober => prober?,
        };
        let scan = worker::Scan {
            store: std::sync::Mutex::new(store),
            rules,
            prober,
            kit: prepared,
            targets,
            hidden,
            options: options.clone(),
            bar,
            cancel: cancel.clone(),
        };
        let summary = scan.run(jobs).await;
        signals.abort();
        summary
    });
    // What still runs belongs to a box that is gone; nothing is waited for.
    runtime.shutdown_timeout(Duration::from_millis(200));
    let mut summary = summary?;
    summary.seconds = begun.elapsed().as_secs_f64();
    Ok(summary)
}

/// No server is started without a sandbox that was not given up in words: each target says so.
fn refused(targets: &[Target], error: &anyhow::Error, options: &ScanOptions) -> Summary {
    progress::say(&format!("error: {error:#}"));
    let row = |target: &Target| {
        Row::new(target.server().to_string(), String::new(), Outcome::UnsafeRefused, &error.to_string())
    };
    let rows: Vec<Row> = targets.iter().map(row).collect();
    if options.json {
        for row in &rows {
            let line = serde_json::to_string(row).unwrap_or_default();
            // A closed standard output is nobody listening.
            let _ = progress::print(&format!("{line}\n"));
        }
    }
    Summary { rows, ..Summary::default() }
}

/// Cores + 1 was best for starts: 48.5 s at 1, 23.8 s at 3 on 2 cores (research/live.md section 3).
fn default_jobs() -> usize {
    std::thread::available_parallelism().map_or(2, |n| n.get() + 1)
}

/// The first Ctrl-C (or SIGTERM) ends the scan in order; a second one ends the program at once.
async fn stop_on_signal(cancel: &CancellationToken) {
    use tokio::signal::unix::{SignalKind, signal};
    let Ok(mut terminate) = signal(SignalKind::terminate()) else { return };
    for round in 0.. {
        tokio::select! {
            _ = tokio::signal::ctrl_c() => {}
            _ = terminate.recv() => {}
        }
        if round > 0 {
            std::process::exit(130);
        }
        progress::say("ending the scan: what is done is stored; once more to stop at once");
        cancel.cancel();
    }
}
