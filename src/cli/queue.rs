//! `catalogue queue`: makes the queue of a fleet, shows how it stands, lets jobs be tried again, and empties it.

mod metrics;
mod table;

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Context;
use clap::{Args, Subcommand};
use serde::Serialize;

use super::exit::Exit;
use super::scan::targets::UsageError;
use super::settings::Settings;
use crate::model::{Outcome, Target};
use crate::progress::{self, Bar};
use crate::queue::schema::Setup;
use crate::queue::{Link, QueueError, TypedAddress};

/// The variable that holds the password, where it is not in the address.
pub(super) const PASSWORD: &str = "CATALOGUE_QUEUE_PASSWORD";
/// Between two looks of the live view.
const LOOK: Duration = Duration::from_secs(2);

/// Which queue.
#[derive(Debug, Args)]
pub(super) struct QueueAt {
    /// The queue: postgres://USER@HOST/DATABASE; its password in CATALOGUE_QUEUE_PASSWORD
    #[arg(long, value_name = "ADDRESS", env = "CATALOGUE_QUEUE", hide_env_values = true)]
    pub(super) queue: TypedAddress,
}

/// `catalogue queue`.
#[derive(Debug, Args)]
pub(super) struct QueueOptions {
    #[command(subcommand)]
    command: QueueCommand,
}

#[derive(Debug, Subcommand)]
enum QueueCommand {
    /// Make the queue in a database, or bring it up to date; as the database's owner.
    Init(InitOptions),
    /// Say how the queue stands: counts, rate, ages, who holds what, what takes workers down.
    Status(StatusOptions),
    /// Let jobs that are done be scanned again.
    Retry(RetryOptions),
    /// Drop old results, or everything.
    Purge(PurgeOptions),
}

#[derive(Debug, Args)]
struct InitOptions {
    #[command(flatten)]
    at: QueueAt,
    /// The role that workers' logins are members of; it may work and do nothing else
    #[arg(long, value_name = "ROLE", default_value = "catalogue_worker")]
    worker_role: String,
    /// How many jobs of a registry may begin a second, all workers together, e.g. npm=20; 0 is no bound. May be given several times
    #[arg(long, value_name = "REGISTRY=N")]
    pace: Vec<String>,
    /// Print what was done as one JSON object
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
struct StatusOptions {
    #[command(flatten)]
    at: QueueAt,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
    /// Show a live view on a terminal until everything is done
    #[arg(long, conflicts_with = "json")]
    watch: bool,
    /// Answer scrapes at this address (OpenMetrics, /metrics) until ended
    #[arg(long, value_name = "ADDR", conflicts_with_all = ["json", "watch"])]
    metrics: Option<SocketAddr>,
}

#[derive(Debug, Args)]
struct RetryOptions {
    #[command(flatten)]
    at: QueueAt,
    /// These, as the queue names them: npm:NAME@VERSION, …
    targets: Vec<String>,
    /// All that ended with this outcome, e.g. timed-out; may be given several times
    #[arg(long, value_name = "OUTCOME")]
    outcome: Vec<Outcome>,
    /// All that were set aside because their workers were lost
    #[arg(long)]
    quarantined: bool,
    /// Those too that wait after a fault of the network: at once
    #[arg(long)]
    now: bool,
    /// Print what was done as one JSON object
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
struct PurgeOptions {
    #[command(flatten)]
    at: QueueAt,
    /// Drop what results hold that are older than so many days; that they are done stays known. Collect first
    #[arg(long, value_name = "DAYS", conflicts_with = "all")]
    older_than: Option<f64>,
    /// Drop every job and result, but what a worker holds just now
    #[arg(long)]
    all: bool,
    /// Print what was done as one JSON object
    #[arg(long)]
    json: bool,
}

/// What `init --json` prints.
#[derive(Debug, Serialize)]
struct MadeLine {
    from: i32,
    to: i32,
    worker_role: String,
    made_role: bool,
}

/// What `retry --json` and `purge --json` print.
#[derive(Debug, Serialize)]
struct CountLine {
    jobs: u64,
}

/// A queue that can be asked; the password comes from the address or the environment.
pub(super) fn link_of(typed: &TypedAddress) -> Result<Link, QueueError> {
    let password = std::env::var(PASSWORD).ok();
    Ok(Link::new(typed.read(password.as_deref())?))
}

/// Runs the command.
pub(super) fn run(settings: &Settings, options: &QueueOptions) -> anyhow::Result<Exit> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .context("the threads for the queue cannot be started")?;
    let done = runtime.block_on(async {
        match &options.command {
            QueueCommand::Init(options) => init(settings, options).await,
            QueueCommand::Status(options) => status(options).await,
            QueueCommand::Retry(options) => retry(options).await,
            QueueCommand::Purge(options) => purge(options).await,
        }
    });
    runtime.shutdown_timeout(Duration::from_millis(200));
    done
}

async fn init(settings: &Settings, options: &InitOptions) -> anyhow::Result<Exit> {
    let setup = Setup {
        worker_role: options.worker_role.clone(),
        result_bytes: settings.config.limits.answer_bytes as u64,
        paces: options.pace.iter().map(|text| pace(text)).collect::<Result<_, _>>()?,
    };
    let link = link_of(&options.at.queue)?;
    let made = link.init(&setup).await?;
    if options.json {
        progress::print_json(&MadeLine {
            from: made.from,
            to: made.to,
            worker_role: setup.worker_role,
            made_role: made.made_role,
        })?;
        return Ok(Exit::Ok);
    }
    let what = match made.from {
        0 => format!("made, version {}", made.to),
        from if from == made.to => format!("there already, version {}", made.to),
        from => format!("brought from version {from} to {}", made.to),
    };
    progress::print(&format!(
        "{}: the queue is {what}\nworkers log in with roles that are members of {}\n",
        link.place(),
        setup.worker_role
    ))?;
    Ok(Exit::Ok)
}

/// `npm=20`: so many a second.
fn pace(text: &str) -> Result<(String, u32), UsageError> {
    let bad =
        || UsageError(format!("--pace {text}: use REGISTRY=N with npm, pypi, github or remote, e.g. npm=20"));
    let (registry, rate) = text.split_once('=').ok_or_else(bad)?;
    if !["npm", "pypi", "github", "remote"].contains(&registry) {
        return Err(bad());
    }
    let rate: f64 = rate.parse().map_err(|_| bad())?;
    if !rate.is_finite() || rate < 0.0 || (rate > 0.0 && rate < 0.001) {
        return Err(bad());
    }
    let millis = if rate == 0.0 { 0.0 } else { (1000.0 / rate).round().max(1.0) };
    Ok((registry.to_owned(), millis as u32))
}

async fn status(options: &StatusOptions) -> anyhow::Result<Exit> {
    let link = link_of(&options.at.queue)?;
    link.check_version().await?;
    if let Some(address) = options.metrics {
        metrics::serve(&link, address).await?;
        return Ok(Exit::Ok);
    }
    if options.watch {
        watch(&link).await?;
    }
    let standing = link.standing().await?;
    if options.json {
        progress::print_json(&standing)?;
    } else {
        progress::print(&table::table(&link.place(), &standing))?;
    }
    Ok(Exit::Ok)
}

/// The bar moves until nothing waits; what breaks on the way is waited for.
async fn watch(link: &Link) -> anyhow::Result<()> {
    let bar = Bar::new(0, false);
    loop {
        match link.standing().await {
            Ok(standing) => {
                let left = standing.waiting + standing.leased;
                let done = usize::try_from(standing.done).unwrap_or(usize::MAX);
                bar.stand(done, done.saturating_add(usize::try_from(left).unwrap_or(usize::MAX)));
                bar.note(&table::line(&standing));
                if left == 0 {
                    break;
                }
            }
            Err(error) if error.passes() => bar.note(&error.to_string()),
            Err(error) => return Err(error.into()),
        }
        tokio::select! {
            () = tokio::time::sleep(LOOK) => {}
            _ = tokio::signal::ctrl_c() => break,
        }
    }
    bar.finish();
    Ok(())
}

async fn retry(options: &RetryOptions) -> anyhow::Result<Exit> {
    let mut outcomes = options.outcome.clone();
    if options.quarantined {
        outcomes.push(Outcome::Quarantined);
    }
    if outcomes.is_empty() && options.targets.is_empty() && !options.now {
        return Err(UsageError(
            "say which: targets, --outcome OUTCOME, --quarantined, or --now for those that wait after a fault"
                .to_owned(),
        )
        .into());
    }
    let read = |text: &String| text.parse::<Target>().map(|target| target.to_string());
    let targets: Vec<String> = options
        .targets
        .iter()
        .map(read)
        .collect::<Result<_, _>>()
        .map_err(|error| UsageError(error.to_string()))?;
    let link = link_of(&options.at.queue)?;
    link.check_version().await?;
    let mut jobs = link.retry(&outcomes, &targets).await?;
    if options.now {
        jobs += link.hurry().await?;
    }
    counted(options.json, jobs, "wait again")
}

async fn purge(options: &PurgeOptions) -> anyhow::Result<Exit> {
    let link = link_of(&options.at.queue)?;
    link.check_version().await?;
    match (options.older_than, options.all) {
        (Some(days), _) => {
            let age = Duration::try_from_secs_f64(days * 86_400.0)
                .map_err(|_| UsageError(format!("--older-than {days}: a number of days, e.g. 30")))?;
            counted(options.json, link.purge_bodies(age).await?, "gave up what their results held")
        }
        (None, true) => counted(options.json, link.purge_all().await?, "were dropped"),
        (None, false) => Err(UsageError("say what: --older-than DAYS, or --all".to_owned()).into()),
    }
}

fn counted(json: bool, jobs: u64, did: &str) -> anyhow::Result<Exit> {
    if json {
        progress::print_json(&CountLine { jobs })?;
    } else {
        let count = usize::try_from(jobs).unwrap_or(usize::MAX);
        progress::print(&format!("{} {did}\n", super::scan::report::counted(count, "job")))?;
    }
    Ok(Exit::Ok)
}
