//! `catalogue scan --queue`: the targets become jobs, each an exact release, and nothing is started here.

use anyhow::Context;
use futures_util::StreamExt;
use serde::Serialize;
use tokio_util::sync::CancellationToken;

use super::super::kit::{self, Prepared};
use super::super::report::counted;
use super::super::targets::UsageError;
use super::super::{ScanOptions, stop_on_signal};
use crate::cli::exit::Exit;
use crate::cli::queue::link_of;
use crate::cli::settings::Settings;
use crate::model::{Registry, ServerKey, Target, Untrusted};
use crate::probe::registry::github::is_commit;
use crate::probe::registry::{FindError, ReleaseFound, find_release};
use crate::progress::{self, Bar};
use crate::queue::jobs::{Again, Enqueued, Job};
use crate::queue::{Link, TypedAddress};

/// Releases looked up at a time; each registry's own pace holds besides.
const LOOKUPS: usize = 8;
/// Names that are said of those that could not be enqueued.
const NAMED: usize = 20;

/// What `--json` prints.
#[derive(Debug, Serialize)]
struct Line {
    enqueued: u64,
    again: u64,
    there: u64,
    not_found: usize,
    not_looked_up: usize,
}

/// What became of looking one target up.
enum Looked {
    Job(Job),
    NotFound(String),
    Failed(String),
    Interrupted,
}

/// Runs the command.
pub(in crate::cli::scan) fn enqueue(
    settings: &Settings,
    options: &ScanOptions,
    queue: &TypedAddress,
) -> anyhow::Result<Exit> {
    let link = link_of(queue)?;
    let data = settings.data_files()?;
    let targets = options.targets(&data)?;
    for target in &targets {
        refuse_own(target)?;
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("the scanner's threads cannot be started")?;
    let bar = Bar::new(targets.len(), options.quiet || options.json);
    let done = runtime.block_on(async {
        link.check_version().await?;
        let cancel = CancellationToken::new();
        let stop = cancel.clone();
        let signals = tokio::spawn(async move { stop_on_signal(&stop).await });
        let looked = look_up_all(settings, options, &targets, &bar, &cancel).await?;
        bar.finish();
        signals.abort();
        put(&link, options, looked).await
    });
    runtime.shutdown_timeout(std::time::Duration::from_millis(200));
    let (done, faults) = done?;
    report(options, &link, done, &faults)
}

/// Only what everybody may know goes to other machines.
fn refuse_own(target: &Target) -> Result<(), UsageError> {
    match target {
        Target::Local { server, .. } => Err(UsageError(format!(
            "{server}: a command of this machine cannot be scanned by others; leave --queue out to scan it here"
        ))),
        Target::Remote { address } if address.query().is_some() => Err(UsageError(format!(
            "{}: what stands behind the question mark may be a secret and is put into no queue; scan it here, without --queue",
            target.server()
        ))),
        _ => Ok(()),
    }
}

async fn look_up_all(
    settings: &Settings,
    options: &ScanOptions,
    targets: &[Target],
    bar: &Bar,
    cancel: &CancellationToken,
) -> anyhow::Result<Vec<Looked>> {
    if targets.iter().all(is_exact) {
        return Ok(targets.iter().map(|target| Looked::Job(exact(target))).collect());
    }
    let data = settings.data_files()?;
    let needs = kit::Needs::of(targets, options).without_starts();
    let prepared = kit::prepare(settings, &data, &needs, bar).await?;
    let (prepared, cancel) = (&prepared, cancel);
    let looks = futures_util::stream::iter(targets.iter().map(|target| async move {
        let looked = tokio::select! {
            looked = look_up(prepared, target) => looked,
            () = cancel.cancelled() => Looked::Interrupted,
        };
        bar.advance(1);
        looked
    }));
    Ok(looks.buffered(LOOKUPS).collect().await)
}

/// A tag may mean another commit tomorrow, a package without a version another release.
fn is_exact(target: &Target) -> bool {
    match target {
        Target::Package { server, version: Some(version) } => {
            server.registry() != Registry::Github || is_commit(version)
        }
        Target::Package { version: None, .. } => false,
        Target::Remote { .. } | Target::Local { .. } => true,
    }
}

fn exact(target: &Target) -> Job {
    Job { target: target.clone(), newest: false, rank: 0 }
}

async fn look_up(prepared: &Prepared, target: &Target) -> Looked {
    let (server, version) = match target {
        Target::Package { server, version } if !is_exact(target) => (server, version),
        _ => return Looked::Job(exact(target)),
    };
    match find(prepared, server, version.as_deref()).await {
        Ok(found) => {
            let target =
                Target::Package { server: found.release.server, version: Some(found.release.version) };
            Looked::Job(Job { target, newest: version.is_none(), rank: 0 })
        }
        // A worker finds out the same, and that is its result.
        Err(FindError::NotInstallable { release, .. }) => match release.parse::<Target>() {
            Ok(target) => Looked::Job(Job { target, newest: version.is_none(), rank: 0 }),
            Err(_) => Looked::NotFound(format!("{server}: its release cannot be named")),
        },
        Err(
            error @ (FindError::NoSuchPackage(_) | FindError::NoSuchVersion { .. } | FindError::NoPackage(_)),
        ) => Looked::NotFound(error.to_string()),
        Err(error) => Looked::Failed(format!("{:#}", anyhow::Error::new(error))),
    }
}

async fn find(
    prepared: &Prepared,
    server: &ServerKey,
    version: Option<&str>,
) -> Result<ReleaseFound, FindError> {
    if server.registry() == Registry::Github {
        let Some(github) = &prepared.github else { return Err(FindError::NoPackage(server.clone())) };
        return github.find(&prepared.client, server, version).await;
    }
    find_release(&prepared.client, prepared.registries.get().await, server, version).await
}

#[derive(Debug, Default)]
struct Faults {
    not_found: Vec<String>,
    failed: Vec<String>,
    interrupted: bool,
}

async fn put(link: &Link, options: &ScanOptions, looked: Vec<Looked>) -> anyhow::Result<(Enqueued, Faults)> {
    let (mut jobs, mut faults) = (Vec::new(), Faults::default());
    for looked in looked {
        match looked {
            Looked::Job(job) => jobs.push(job),
            Looked::NotFound(why) => faults.not_found.push(why),
            Looked::Failed(why) => faults.failed.push(why),
            Looked::Interrupted => faults.interrupted = true,
        }
    }
    let again = match (options.refresh, options.retry_quarantined) {
        (true, _) => Again::All,
        (false, true) => Again::Quarantined,
        (false, false) => Again::Unlasting,
    };
    let listed = options.list().is_some();
    Ok((link.enqueue(&unique(jobs), listed, again).await?, faults))
}

/// Two names of one release are one job: the database takes a key once a statement.
fn unique(jobs: Vec<Job>) -> Vec<Job> {
    let mut seen = std::collections::HashSet::new();
    jobs.into_iter().filter(|job| seen.insert(job.key())).collect()
}

fn report(options: &ScanOptions, link: &Link, done: Enqueued, faults: &Faults) -> anyhow::Result<Exit> {
    let (not_found, failed) = (faults.not_found.len(), faults.failed.len());
    for why in faults.not_found.iter().chain(&faults.failed).take(NAMED) {
        progress::say(&Untrusted::new(why.as_str()).for_terminal(300));
    }
    if not_found + failed > NAMED {
        progress::say(&format!("… and {} more", not_found + failed - NAMED));
    }
    if options.json {
        let line = Line {
            enqueued: done.new,
            again: done.again,
            there: done.there,
            not_found,
            not_looked_up: failed,
        };
        progress::print_json(&line)?;
    } else if !options.quiet {
        progress::print(&format!(
            "{}: {} enqueued, {} again, {} there already\n",
            link.place(),
            counted(usize::try_from(done.new).unwrap_or(usize::MAX), "release"),
            done.again,
            done.there
        ))?;
    }
    if failed > 0 {
        progress::say(&format!(
            "{} could not be looked up; run the same command again",
            counted(failed, "target")
        ));
    }
    Ok(match (faults.interrupted, done.new + done.again + done.there) {
        (true, _) => Exit::Interrupted,
        (false, 0) => Exit::NothingScanned,
        (false, _) => Exit::Ok,
    })
}
