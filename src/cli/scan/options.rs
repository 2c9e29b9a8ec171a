//! What `catalogue scan` is told on the command line.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

use super::super::clock::ClockOption;
use super::shard::Shard;
use super::targets::{self, UsageError};
use crate::model::source::SourceName;
use crate::model::{ServerKey, Target};
use crate::probe::sandbox::Wanted;
use crate::queue::TypedAddress;

/// `catalogue scan`.
#[derive(Debug, Clone, Args)]
pub(in crate::cli) struct ScanOptions {
    /// npm:NAME[@VERSION], pypi:NAME[==VERSION], github:OWNER/REPO[@REF][#FOLDER], a pkg: purl, or https://HOST/PATH; the starter list if none is given
    pub(super) targets: Vec<String>,
    /// Find the servers by itself and scan them: in a list, or in the configuration of MCP clients on this machine
    #[arg(long, value_enum, value_name = "REGISTRY", conflicts_with_all = ["targets", "from", "stdio"])]
    pub(super) registry: Option<RegistryOption>,
    /// Only this client's files; may be given several times
    #[arg(long = "client", value_name = "NAME", requires = "registry")]
    pub(super) clients: Vec<String>,
    /// This file instead of those of this machine, in the shape of the one --client that is given
    #[arg(long, value_name = "FILE", requires = "clients")]
    pub(super) client_file: Option<PathBuf>,
    /// With --registry: say what would be scanned, and start nothing
    #[arg(long, requires = "registry")]
    pub(super) dry_run: bool,
    /// Read targets from a TOML file of [[target]] tables
    #[arg(long, value_name = "FILE")]
    pub(super) from: Option<PathBuf>,
    /// Ask a command of your own, given after --, over standard input and output; needs --name
    #[arg(long, requires = "name")]
    pub(super) stdio: bool,
    /// What the command of --stdio is called: its key is local:NAME
    #[arg(long, requires = "stdio")]
    pub(super) name: Option<String>,
    /// Set a variable for the command of --stdio; values are never stored
    #[arg(long = "env", value_name = "NAME=VALUE", requires = "stdio")]
    pub(super) env: Vec<String>,
    /// With --registry docker: a checkout of the registry's repository, or a .tar.gz of it
    #[arg(long, value_name = "PATH", requires = "registry")]
    pub(super) path: Option<PathBuf>,
    /// With a list: scan at most so many, and read no more of the list than that takes
    #[arg(long, value_name = "N", requires = "registry", value_parser = clap::value_parser!(u32).range(1..))]
    pub(super) limit: Option<u32>,
    /// With a list: what changed since this point: a day or time (mcp, docker), or a serial (pypi, npm's feed)
    #[arg(long, value_name = "POINT", requires = "registry")]
    pub(super) since: Option<String>,
    /// With a list: believe one that lost more than a tenth of what it held
    #[arg(long, requires = "registry")]
    pub(super) accept_shrink: bool,
    /// Servers asked at once [default: cores + 1]
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..=64))]
    pub(super) jobs: Option<u16>,
    /// Seconds one server may take, all its starts together, installing not counted [default: limits.session_seconds]
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub(super) timeout: Option<u64>,
    /// Probe again even if an outcome that lasts is stored
    #[arg(long)]
    pub(super) refresh: bool,
    /// Ask those again that were set aside because the scanner died while asking them
    #[arg(long)]
    pub(super) retry_quarantined: bool,
    /// Put the targets into the queue of a fleet and scan none here: postgres://USER@HOST/DATABASE, password in CATALOGUE_QUEUE_PASSWORD
    #[arg(long, value_name = "ADDRESS", conflicts_with_all = ["stdio", "dry_run"])]
    pub(super) queue: Option<TypedAddress>,
    /// Only the targets whose key falls into part I of N, counted from 0 or from 1: one machine of a batch array, its own database
    #[arg(long, value_name = "I/N", conflicts_with_all = ["stdio", "queue"])]
    pub(super) shard: Option<Shard>,
    #[command(flatten)]
    pub(in crate::cli) clock: ClockOption,
    /// How strangers' code is locked in; none must be asked for in words
    #[arg(long, value_enum, default_value_t = SandboxOption::Auto)]
    pub(super) sandbox: SandboxOption,
    /// Bound of kept installs, e.g. 10GiB; the oldest use goes first
    #[arg(long, value_name = "SIZE")]
    pub(super) cache_max: Option<String>,
    /// Drop each install after its probe
    #[arg(long)]
    pub(super) no_cache: bool,
    /// Of a server that is only on GitHub: run its own build step where it needs one, in a sandbox without network
    #[arg(long)]
    pub(super) allow_build: bool,
    /// Print one JSON object a target on standard output as it ends
    #[arg(long)]
    pub(super) json: bool,
    /// No bar and no table
    #[arg(short, long)]
    pub(super) quiet: bool,
    /// The command of --stdio
    #[arg(last = true)]
    pub(super) command: Vec<String>,
}

/// Where servers are found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum RegistryOption {
    /// The official MCP registry
    Mcp,
    /// npm: its search, and its feed of changes where one is configured
    Npm,
    /// The Python package index
    Pypi,
    /// GitHub: repositories by topic and words, and what their manifests name
    Github,
    /// The Docker catalogue: a checkout or a tarball of its repository
    Docker,
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
            RegistryOption::Docker => Some(SourceName::Docker),
            RegistryOption::Github => Some(SourceName::Github),
            RegistryOption::Config => None,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum SandboxOption {
    /// The strongest level that works here
    Auto,
    /// Namespaces by bubblewrap
    Bwrap,
    /// Landlock, seccomp and limits, no namespaces
    Reduced,
    /// No sandbox
    None,
}

/// What `catalogue worker` says of the asking.
#[derive(Debug)]
pub(in crate::cli) struct WorkerScan {
    pub(in crate::cli) timeout: Option<u64>,
    pub(in crate::cli) sandbox: SandboxOption,
    pub(in crate::cli) cache_max: Option<String>,
    pub(in crate::cli) no_cache: bool,
    pub(in crate::cli) allow_build: bool,
    pub(in crate::cli) json: bool,
    pub(in crate::cli) quiet: bool,
    pub(in crate::cli) clock: ClockOption,
}

impl ScanOptions {
    /// These targets and no talk but the bar, as `catalogue eval --benchmark` scans them.
    pub(in crate::cli) fn of(targets: Vec<String>, jobs: Option<u16>, sandbox: SandboxOption) -> Self {
        Self { targets, sandbox, ..Self::starter(jobs, false, false) }
    }

    /// How a worker asks: whatever the queue holds.
    pub(in crate::cli) fn of_worker(told: WorkerScan) -> Self {
        let WorkerScan { timeout, sandbox, cache_max, no_cache, allow_build, json, quiet, clock } = told;
        let starter = Self::starter(None, true, quiet);
        Self { timeout, sandbox, cache_max, no_cache, allow_build, json, clock, ..starter }
    }

    /// The starter list, as `catalogue run` scans it.
    pub(in crate::cli) fn starter(jobs: Option<u16>, refresh: bool, quiet: bool) -> Self {
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
            path: None,
            limit: None,
            since: None,
            accept_shrink: false,
            jobs,
            timeout: None,
            refresh,
            retry_quarantined: false,
            queue: None,
            shard: None,
            clock: ClockOption::default(),
            sandbox: SandboxOption::Auto,
            cache_max: None,
            no_cache: false,
            allow_build: false,
            json: false,
            quiet,
            command: Vec::new(),
        }
    }

    /// The list that its targets come from.
    pub(super) fn list(&self) -> Option<SourceName> {
        self.registry.and_then(RegistryOption::list)
    }

    /// Options that say nothing together are an error, not passed over.
    pub(super) fn check(&self) -> Result<(), UsageError> {
        let of_a_list = self.limit.is_some() || self.since.is_some() || self.accept_shrink;
        match self.list() {
            None if of_a_list => Err(UsageError(
                "--limit, --since and --accept-shrink are for lists: --registry mcp, npm, pypi, docker or github"
                    .to_owned(),
            )),
            Some(list) if !self.clients.is_empty() => {
                Err(UsageError(format!("--client is for --registry config, not for {list}")))
            }
            list if self.path.is_some() && list != Some(SourceName::Docker) => {
                Err(UsageError("--path is for --registry docker".to_owned()))
            }
            _ => Ok(()),
        }
    }

    pub(super) fn wanted(&self) -> Wanted {
        match self.sandbox {
            SandboxOption::Auto => Wanted::Auto,
            SandboxOption::Bwrap => Wanted::Bwrap,
            SandboxOption::Reduced => Wanted::Reduced,
            SandboxOption::None => Wanted::None,
        }
    }

    pub(super) fn targets(&self, data: &BTreeMap<String, Vec<u8>>) -> anyhow::Result<Vec<Target>> {
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
