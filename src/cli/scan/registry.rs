//! `catalogue scan --registry`: walks a list, puts what it names into an order, and scans it.

mod bundles;
mod images;
mod look;
mod proofs;
mod walk;

use anyhow::Context;
use serde::Serialize;
use tokio_util::sync::CancellationToken;
use url::Url;

use super::super::corrections;
use super::super::exit::Exit;
use super::super::settings::Settings;
use super::kit::RegistryLine;
use super::report::counted;
use super::targets::FileError;
use super::{LOCK_PATIENCE, ScanOptions, report_of, stop_on_signal};
use crate::http::shown;
use crate::model::emit::json_line;
use crate::model::source::SourceName;
use crate::model::text::line_and_column;
use crate::model::{Target, Untrusted};
use crate::progress::{self, Bar};
use crate::sources::settings::{FILE, SourceSettings};
use crate::store::{Store, Waiting};

/// What `--dry-run --json` prints, one object a candidate.
#[derive(Debug, Serialize)]
struct Line<'a> {
    server: &'a str,
    rank: i32,
    signs: Vec<&'static str>,
}

/// Runs the command.
pub(super) fn run(settings: &Settings, options: &ScanOptions, source: SourceName) -> anyhow::Result<Exit> {
    let mut store = corrections::open(settings)?;
    store.wait_for_locks(LOCK_PATIENCE)?;
    let walked = enumerate(settings, options, source, &mut store)?;
    if walked.interrupted {
        return Ok(Exit::Interrupted);
    }
    // What it finds has a say in the order.
    super::super::identity::recompute(settings, &mut store)?;
    let waiting = store.waiting(source, options.limit)?;
    drop(store);
    if let Some(failure) = walked.failure {
        let failure = failure.context(format!("the walk through {source} stopped, and goes on next time"));
        if waiting.is_empty() {
            return Err(failure);
        }
        progress::say(&format!("error: {failure:#}"));
    }
    // The scan asks npm, the Python index and GitHub itself; the official registry it does not.
    let is_asked_again = matches!(source, SourceName::Npm | SourceName::Pypi | SourceName::Github);
    if walked.resting && is_asked_again && !options.dry_run {
        anyhow::bail!(
            "{source} wants to be left alone: nothing was scanned; run the same command again later"
        );
    }
    if options.dry_run {
        show(&waiting, options.json)?;
        return Ok(Exit::Ok);
    }
    if waiting.is_empty() {
        progress::say(&format!("{source} names nothing that waits to be scanned; see catalogue sources"));
        return Ok(Exit::Ok);
    }
    let targets: Vec<String> = waiting.iter().map(|w| w.server.to_string()).collect();
    let (targets, beyond): (Vec<String>, Vec<String>) =
        targets.into_iter().partition(|target| target.parse::<Target>().is_ok());
    if let Some(first) = beyond.first() {
        let first = Untrusted::new(first.as_str()).for_terminal(100);
        progress::say(&format!(
            "{} cannot be scanned by name and wait on: {first}, …",
            counted(beyond.len(), "server")
        ));
    }
    if targets.is_empty() {
        return Ok(Exit::Ok);
    }
    report_of(settings, &ScanOptions { targets, ..options.clone() })
}

/// Reads `data/sources.toml`.
pub(in crate::cli) fn source_settings(settings: &Settings) -> anyhow::Result<SourceSettings> {
    let data = settings.data_files()?;
    let text = String::from_utf8_lossy(data.get(FILE).map_or(&[][..], |bytes| bytes)).into_owned();
    SourceSettings::parse(&text).map_err(|error| {
        let (line, column) = line_and_column(&text, error.span().map_or(0, |span| span.start));
        let message = error.message().lines().next().unwrap_or("malformed").to_owned();
        FileError::Malformed { path: format!("data/{FILE}").into(), line, column, message }.into()
    })
}

/// Where the lists are that are no registry of packages, for `catalogue doctor`.
pub(super) fn list_lines(settings: &Settings) -> anyhow::Result<Vec<RegistryLine>> {
    let config = &settings.config.sources;
    let words = source_settings(settings)?;
    let (mcp, from) = match &config.mcp.address {
        Some(address) => (address, "catalogue.toml"),
        None => (&words.mcp.address, "data/sources.toml"),
    };
    let line = |what: &str, address: Option<&Url>, from: &str| RegistryLine {
        what: what.to_owned(),
        address: address.map(shown),
        from: from.to_owned(),
    };
    let feed = match &config.npm.feed {
        Some(feed) => line("npm-feed", Some(feed), "catalogue.toml"),
        None => line(
            "npm-feed",
            None,
            "only npm's search is read; write into catalogue.toml: sources.npm.feed = \"https://…/_changes\"",
        ),
    };
    let docker = match (&config.docker.path, &config.docker.address) {
        (Some(path), _) => RegistryLine {
            what: "docker".to_owned(),
            address: Some(path.display().to_string()),
            from: "catalogue.toml".to_owned(),
        },
        (None, Some(address)) => line("docker", Some(address), "catalogue.toml"),
        (None, None) => line("docker", Some(&words.docker.address), "data/sources.toml"),
    };
    let github = super::github::configured(&config.github, &words);
    let said_by = if config.github.address.is_some() { "catalogue.toml" } else { "data/sources.toml" };
    let told = match &github.token {
        Some(token) => format!("{said_by}, token from {}", token.from()),
        None => format!("{said_by}; no token: fewer requests, no manifests; set GITHUB_TOKEN"),
    };
    Ok(vec![line("mcp", Some(mcp), from), feed, docker, line("github", Some(&github.address), &told)])
}

fn enumerate(
    settings: &Settings,
    options: &ScanOptions,
    source: SourceName,
    store: &mut Store,
) -> anyhow::Result<walk::Walked> {
    let words = source_settings(settings)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("the scanner's threads cannot be started")?;
    let bar = Bar::open_ended(options.quiet || options.json);
    let cancel = CancellationToken::new();
    let walked = runtime.block_on(async {
        let stop = cancel.clone();
        let signals = tokio::spawn(async move { stop_on_signal(&stop).await });
        let walker = walk::Walker::prepare(settings, &words, options, source, &bar, &cancel).await?;
        let mut walked = walker.run(store).await?;
        if !walked.interrupted {
            look::look(&walker, store, &mut walked).await?;
            if source == SourceName::Mcp && !walked.interrupted && !walked.resting {
                look::confirm(&walker, store, &mut walked).await?;
            }
        }
        if !walked.interrupted && !walked.resting {
            proofs::look(&walker, store, &mut walked).await?;
        }
        if !walked.interrupted {
            images::look(&walker, store, &mut walked).await?;
        }
        if !walked.interrupted {
            bundles::look(&walker, store, &mut walked).await?;
        }
        signals.abort();
        anyhow::Ok(walked)
    });
    runtime.shutdown_timeout(std::time::Duration::from_millis(200));
    bar.finish();
    let walked = walked?;
    if let (Some(walk), false) = (&walked.walk, options.quiet) {
        progress::say(&super::super::sources::walk_line(source, walk));
    }
    Ok(walked)
}

/// What would be scanned, in the order of the queue.
fn show(waiting: &[Waiting], json: bool) -> anyhow::Result<()> {
    let mut text = String::new();
    for found in waiting {
        let server = found.server.to_string();
        let signs: Vec<&'static str> = found.signs.iter().map(|sign| sign.as_str()).collect();
        text.push_str(&if json {
            json_line(&Line { server: &server, rank: found.rank, signs })?
        } else {
            let shown = Untrusted::new(server).for_terminal(120);
            format!("{:>4}  {shown}  {}\n", found.rank, signs.join(", "))
        });
    }
    progress::print(&text)?;
    if !json {
        progress::say(&format!("{} would be scanned", counted(waiting.len(), "server")));
    }
    Ok(())
}
