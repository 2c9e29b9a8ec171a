//! `catalogue review`: what a person should look at, and how a person puts it right.

use anyhow::bail;
use clap::{Args, Subcommand};
use jiff::Timestamp;

use super::exit::Exit;
use super::policy::server_and_version;
use super::scan::targets::UsageError;
use super::settings::Settings;
use crate::model::{Class, Risk, Signal, Untrusted};
use crate::progress;
use crate::store::{Override, ReviewRow, Store, Visibility, answered, review};

/// `catalogue review`.
#[derive(Debug, Args)]
pub(super) struct ReviewOptions {
    #[command(subcommand)]
    command: Option<ReviewCommand>,
    /// Rows to show
    #[arg(long, default_value_t = 20)]
    limit: u32,
    /// Show verdicts nobody doubts, too
    #[arg(long)]
    all: bool,
    /// Print one JSON object a row
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum ReviewCommand {
    /// Correct the verdict on a tool's present definition
    Correct(CorrectOptions),
    /// Keep a server off the site, or show it again
    Visibility {
        /// The server's key
        server: String,
        /// public or private
        visibility: Visibility,
    },
}

#[derive(Debug, Args)]
struct CorrectOptions {
    /// The server's key, with a version if it is not the newest answered one
    server: String,
    /// The tool's name, exactly
    tool: String,
    /// read, write, execute or destructive
    #[arg(long)]
    class: Option<Class>,
    /// low, medium, high or critical
    #[arg(long)]
    risk: Option<Risk>,
    /// All signals, comma-separated; an empty text for none
    #[arg(long)]
    signals: Option<String>,
    /// Who says so
    #[arg(long)]
    who: String,
    /// Why, in a sentence
    #[arg(long)]
    why: String,
}

pub(super) fn run(settings: &Settings, options: &ReviewOptions) -> anyhow::Result<Exit> {
    match &options.command {
        None => list(settings, options),
        Some(ReviewCommand::Correct(correction)) => correct(settings, correction),
        Some(ReviewCommand::Visibility { server, visibility }) => {
            let (server, _) = server_and_version(server)?;
            if !Store::open(&settings.db)?.set_visibility(&server, *visibility)? {
                bail!("{server} is not in this database; scan it first");
            }
            progress::print(&format!("{server} is {visibility} now\n"))?;
            Ok(Exit::Ok)
        }
    }
}

fn list(settings: &Settings, options: &ReviewOptions) -> anyhow::Result<Exit> {
    let db = Store::open_read_only(&settings.db)?;
    let rows = review(&db, options.limit, options.all)?;
    if rows.is_empty() && !options.json {
        progress::print("nothing is in doubt\n")?;
    }
    for row in rows {
        if options.json {
            progress::print(&format!("{}\n", serde_json::to_string(&row)?))?;
        } else {
            progress::print(&paragraph(&row))?;
        }
    }
    Ok(Exit::Ok)
}

fn paragraph(row: &ReviewRow) -> String {
    let show = |text: &str, most| Untrusted::new(text).for_terminal(most);
    let word = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
    let mut text = format!(
        "{} {}  {}\n  {}, {}, confidence {}: {}\n",
        show(&row.server, 120),
        show(&row.release, 40),
        show(&row.tool, 80),
        word(&row.class),
        word(&row.risk),
        row.confidence.map_or_else(|| "-".to_owned(), |c| format!("{c:.2}")),
        row.doubt
    );
    if let (Some(rule), Some(field)) = (&row.rule, &row.field) {
        let words = show(row.evidence.as_deref().unwrap_or_default(), 120);
        text.push_str(&format!("  {rule} at {}: {words}\n", show(field, 80)));
    }
    if let Some(description) = &row.description {
        text.push_str(&format!("  {}\n", show(description, 160)));
    }
    text.push('\n');
    text
}

fn correct(settings: &Settings, options: &CorrectOptions) -> anyhow::Result<Exit> {
    let (server, version) = server_and_version(&options.server)?;
    let signals = options.signals.as_deref().map(signals_of).transpose()?;
    if options.class.is_none() && options.risk.is_none() && signals.is_none() {
        return Err(UsageError("a correction needs --class, --risk or --signals".to_owned()).into());
    }
    let rules = settings.rule_set()?;
    let mut store = Store::open(&settings.db)?;
    let Some(answer) = answered(store.connection(), &server, version.as_deref(), rules.hash())? else {
        bail!("{server} has never answered in this database; scan it first");
    };
    let found: Vec<_> = answer.tools.iter().filter(|t| t.name.raw() == options.tool).collect();
    if found.is_empty() {
        bail!("{server} {} has no tool of exactly that name", answer.version);
    }
    for tool in found {
        store.add_override(&Override {
            server: server.clone(),
            tool: options.tool.clone(),
            definition: tool.hash.clone(),
            class: options.class,
            risk: options.risk,
            signals: signals.clone(),
            who: options.who.clone(),
            why: options.why.clone(),
            made_at: Timestamp::now(),
        })?;
    }
    progress::print("stored; it holds until the definition changes, and the next build shows it\n")?;
    Ok(Exit::Ok)
}

fn signals_of(text: &str) -> anyhow::Result<Vec<Signal>> {
    let mut signals = Vec::new();
    for word in text.split(',').map(str::trim).filter(|w| !w.is_empty()) {
        signals.push(word.parse::<Signal>().map_err(UsageError)?);
    }
    signals.sort();
    signals.dedup();
    Ok(signals)
}
