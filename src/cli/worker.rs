//! `catalogue worker`: one of many machines that scan what a queue holds.

use std::time::Duration;

use clap::Args;

use super::clock::ClockOption;
use super::exit::Exit;
use super::queue::{QueueAt, link_of};
use super::scan::fleet::{self, WorkOptions};
use super::scan::{SandboxOption, ScanOptions, WorkerScan};
use super::settings::Settings;
use crate::queue::worker::LEASE;

/// `catalogue worker`.
#[derive(Debug, Args)]
pub(super) struct WorkerOptions {
    #[command(flatten)]
    at: QueueAt,
    /// Servers asked at once [default: cores + 1]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=64))]
    slots: Option<u16>,
    /// End once every job of the queue is done, instead of waiting for more
    #[arg(long)]
    until_empty: bool,
    /// Seconds that what runs may go on after SIGTERM, before it is given back
    #[arg(long, value_name = "SECONDS", default_value_t = 20)]
    grace: u64,
    /// Seconds of a lease; a lost worker's jobs are handed out after so long
    #[arg(long, value_name = "SECONDS", default_value_t = LEASE.as_secs(), hide = true,
        value_parser = clap::value_parser!(u64).range(1..=900))]
    lease: u64,
    /// Seconds one server may take, all its starts together, installing not counted [default: limits.session_seconds]
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=3600))]
    timeout: Option<u64>,
    /// How strangers' code is locked in; none must be asked for in words
    #[arg(long, value_enum, default_value_t = SandboxOption::Auto)]
    sandbox: SandboxOption,
    /// Bound of kept installs, e.g. 10GiB; the oldest use goes first
    #[arg(long, value_name = "SIZE")]
    cache_max: Option<String>,
    /// Drop each install after its probe
    #[arg(long)]
    no_cache: bool,
    /// Of a server that is only on GitHub: run its own build step where it needs one, in a sandbox without network
    #[arg(long)]
    allow_build: bool,
    #[command(flatten)]
    clock: ClockOption,
    /// Print one JSON object a job on standard output as it is delivered
    #[arg(long)]
    json: bool,
    /// No bar and no closing line
    #[arg(short, long)]
    quiet: bool,
}

/// Runs the command.
pub(super) fn run(settings: &Settings, options: &WorkerOptions) -> anyhow::Result<Exit> {
    let settings = &settings.with_clock(options.clock.clock);
    let link = link_of(&options.at.queue)?;
    let scan = ScanOptions::of_worker(WorkerScan {
        timeout: options.timeout,
        sandbox: options.sandbox,
        cache_max: options.cache_max.clone(),
        no_cache: options.no_cache,
        allow_build: options.allow_build,
        json: options.json,
        quiet: options.quiet,
        clock: options.clock,
    });
    let work = WorkOptions {
        scan,
        slots: options.slots,
        until_empty: options.until_empty,
        grace: Duration::from_secs(options.grace),
        lease: Duration::from_secs(options.lease),
    };
    fleet::work(settings, &link, &work)
}
