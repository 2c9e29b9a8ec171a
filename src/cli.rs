//! The command line: one file per subcommand. The only module that knows two stages at once.

mod build;
mod classify;
mod clock;
mod collect;
mod corrections;
mod db;
mod dev;
mod doctor;
mod eval;
mod exit;
mod explain;
mod fold;
mod identity;
mod merge;
mod pack;
mod policy;
mod queue;
mod review;
mod rules;
mod run;
mod scan;
mod selftest;
mod serve;
mod settings;
mod sources;
mod worker;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::probe::sandbox::again::start_again;
use crate::queue::TypedAddress;
use exit::Exit;
use settings::{GlobalOptions, Settings};

/// An open catalogue of what every MCP tool can do to you.
///
/// Scans MCP servers in a sandbox, classifies every tool with its evidence, keeps everything in SQLite, and renders
/// policies and a static site.
#[derive(Debug, Parser)]
#[command(name = "catalogue", version, max_term_width = 100)]
struct Cli {
    #[command(flatten)]
    global: GlobalOptions,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Do the main job: scan the starter list, classify, and build the site.
    Run(run::RunOptions),
    /// Start servers in a sandbox, ask for their tools and store what they answer.
    Scan(scan::ScanOptions),
    /// Scan what a queue in PostgreSQL holds, as one of many.
    Worker(worker::WorkerOptions),
    /// Store the results of a fleet in the database.
    Collect(collect::CollectOptions),
    /// Make, watch and tend the queue of a fleet.
    Queue(queue::QueueOptions),
    /// Bring the databases of several scans together, in any order and as often as like.
    Merge(merge::MergeOptions),
    /// Show what is stored in lines that can be compared.
    Db(db::DbOptions),
    /// Say where each list of servers stands: position, last walk, what ended it, what was found.
    Sources(sources::SourcesOptions),
    /// Say which names belong to one server and how far that is proven, and which names deceive.
    Identity(identity::IdentityOptions),
    /// Build the static site from the database.
    Build(build::BuildOptions),
    /// Put tools of low and medium risk on their server's page, for hosts that bound how many files a site may have.
    Fold(fold::FoldOptions),
    /// Put a built site into packs, for hosts that bound how many files a site may have.
    Pack(pack::PackOptions),
    /// Show a built site on this machine, or one in packs.
    Serve(serve::ServeOptions),
    /// Judge every stored tool with the rules in force.
    Classify(classify::ClassifyOptions),
    /// Say how right the rules are, on labelled tools or on the published benchmark.
    Eval(eval::EvalOptions),
    /// Say why a tool got its verdict, and what would alter it.
    Explain(explain::ExplainOptions),
    /// List, explain and test the rules.
    Rules(rules::RulesOptions),
    /// Show doubtful verdicts first, and correct them.
    Review(review::ReviewOptions),
    /// Export or check policies.
    Policy(policy::PolicyOptions),
    /// Say what was found, fetched or cannot be had on this machine, and what follows from it.
    Doctor(doctor::DoctorOptions),
    /// Attack this machine's sandbox with made-up servers, and say what holds and what does not.
    Selftest(selftest::SelftestOptions),
    /// Make up catalogues of any size, for benchmarks and demonstrations.
    Dev(dev::DevOptions),
}

/// Parses the arguments and runs the command. Returns the documented exit code.
pub fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().collect();
    if args.get(1).map(String::as_str) == Some("__box") {
        return helper(&args);
    }
    if args.get(1).map(String::as_str) == Some("__keep") {
        return keeper(&args);
    }
    if args.get(1).map(String::as_str) == Some("__hostile") {
        return hostile(&args);
    }
    hide_password(&args);
    let cli = Cli::parse();
    crate::progress::start_log(cli.global.verbose);
    let result = Settings::resolve(&cli.global).and_then(|settings| match &cli.command {
        Command::Run(options) => run::run(&settings, options),
        Command::Scan(options) => scan::run(&settings, options),
        Command::Worker(options) => worker::run(&settings, options),
        Command::Collect(options) => collect::run(&settings, options),
        Command::Queue(options) => queue::run(&settings, options),
        Command::Merge(options) => merge::run(&settings, options),
        Command::Db(options) => db::run(&settings, options),
        Command::Sources(options) => sources::run(&settings, options),
        Command::Identity(options) => identity::run(&settings, options),
        Command::Build(options) => build::run(&settings, options),
        Command::Fold(options) => fold::run(&settings, options),
        Command::Pack(options) => pack::run(&settings, options),
        Command::Serve(options) => serve::run(&settings, options),
        Command::Classify(options) => classify::run(&settings, options),
        Command::Eval(options) => eval::run(&settings, options),
        Command::Explain(options) => explain::run(&settings, options),
        Command::Rules(options) => rules::run(&settings, options),
        Command::Review(options) => review::run(&settings, options),
        Command::Policy(options) => policy::run(&settings, options),
        Command::Doctor(options) => doctor::run(&settings, options),
        Command::Selftest(options) => selftest::run(&settings, options),
        Command::Dev(options) => dev::run(&settings, options),
    });
    match result {
        Ok(exit) => exit.into(),
        // Whoever read our output has what they wanted (`| head`).
        Err(error) if is_closed_pipe(&error) => Exit::Ok.into(),
        Err(error) => {
            crate::progress::say(&format!("error: {error:#}"));
            Exit::of(&error).into()
        }
    }
}

/// Everybody on this machine may read a command line (`ps`): a password in it goes into the environment, which only its owner
/// reads, and the program starts once more in its own place.
fn hide_password(args: &[String]) {
    let mut kept = Vec::new();
    let mut found = None;
    for arg in args.iter().skip(1) {
        let (option, value) = match arg.split_once('=') {
            Some((option, value)) if option.starts_with("--") => (format!("{option}="), value),
            _ => (String::new(), arg.as_str()),
        };
        match TypedAddress::without_password(value) {
            Some((address, password)) => {
                kept.push(format!("{option}{address}"));
                found = Some(password);
            }
            None => kept.push(arg.clone()),
        }
    }
    if let Some(password) = found {
        let error = start_again(&kept, &[(queue::PASSWORD, &password)]);
        crate::progress::say(&format!("the password of the queue stays on the command line: {error}"));
    }
}

fn is_closed_pipe(error: &anyhow::Error) -> bool {
    let broken = |cause: &std::io::Error| cause.kind() == std::io::ErrorKind::BrokenPipe;
    error.chain().any(|cause| cause.downcast_ref::<std::io::Error>().is_some_and(broken))
}

/// The hidden command that plays one row of the hostile suite: see `selftest`.
fn hostile(args: &[String]) -> ExitCode {
    let (Some(row), Some(told)) = (args.get(2), args.get(3)) else { return Exit::Usage.into() };
    match crate::selftest::play(row, told) {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            crate::progress::say(&why);
            Exit::Usage.into()
        }
    }
}

/// The hidden command that confines itself and then starts a server: see `probe::sandbox::reduced`.
fn helper(args: &[String]) -> ExitCode {
    let number = |i: usize| args.get(i).and_then(|a| a.parse::<i32>().ok());
    let (Some(told), Some(life), Some(status)) = (number(2), number(3), number(4)) else {
        return Exit::Usage.into();
    };
    exit_of_box(crate::probe::sandbox::reduced::run_helper(told, life, status), "the reduced sandbox")
}

/// The hidden command that starts bubblewrap and ends it with the scanner: see `probe::sandbox::keeper`.
fn keeper(args: &[String]) -> ExitCode {
    let number = |i: usize| args.get(i).and_then(|a| a.parse::<i32>().ok());
    let (Some(told), Some(life)) = (number(2), number(3)) else { return Exit::Usage.into() };
    exit_of_box(crate::probe::sandbox::keeper::run(told, life), "the sandbox")
}

fn exit_of_box(ended: std::io::Result<i32>, what: &str) -> ExitCode {
    match ended {
        Ok(status) => ExitCode::from(u8::try_from(status).unwrap_or(1)),
        Err(error) => {
            crate::progress::say(&format!("{what} cannot be made: {error}"));
            ExitCode::from(125)
        }
    }
}
