//! `catalogue review`: what a person should look at, and how a person puts it right.

mod carry;
mod say;
mod show;

use std::path::PathBuf;

use anyhow::bail;
use clap::{Args, Subcommand, ValueEnum};

use super::corrections;
use super::exit::Exit;
use super::policy::server_and_version;
use super::scan::targets::UsageError;
use super::settings::Settings;
use crate::model::{Class, Risk, Signal, Untrusted};
use crate::progress;
use crate::store::{ReviewFilter, ReviewRow, Visibility, overrides_expired, review};

/// Rows of the list unless `--limit` says otherwise.
const ROWS: u32 = 20;

/// `catalogue review`.
#[derive(Debug, Args)]
pub(super) struct ReviewOptions {
    #[command(subcommand)]
    command: Option<ReviewCommand>,
    /// Rows to show [default: 20]
    #[arg(long)]
    limit: Option<u32>,
    /// Show verdicts nobody doubts, and corrected ones, too
    #[arg(long)]
    all: bool,
    /// Only this server's tools
    #[arg(long, value_name = "SERVER")]
    server: Option<String>,
    /// Only these classes, comma-separated
    #[arg(long, value_delimiter = ',')]
    class: Vec<Class>,
    /// Only these risks, comma-separated
    #[arg(long, value_delimiter = ',')]
    risk: Vec<Risk>,
    /// Only verdicts of less confidence, 0 to 1; those nobody doubts, too
    #[arg(long, value_name = "NUMBER", value_parser = share)]
    confidence_below: Option<f64>,
    /// Only tools with one of these signals, comma-separated
    #[arg(long, value_delimiter = ',')]
    signal: Vec<Signal>,
    /// Only tools about whose text something was found
    #[arg(long, value_enum, value_delimiter = ',')]
    finding: Vec<Finding>,
    /// List corrections that no longer speak, because the definition they were made for is not there any more
    #[arg(long)]
    expired: bool,
    /// Print one JSON object a row
    #[arg(long)]
    json: bool,
}

/// Signals that are findings about the text itself.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Finding {
    /// The author's hints contradict the text
    AnnotationMismatch,
    /// The description talks to the model
    DescriptionInjection,
}

impl Finding {
    fn signal(self) -> Signal {
        match self {
            Finding::AnnotationMismatch => Signal::AnnotationMismatch,
            Finding::DescriptionInjection => Signal::DescriptionInjection,
        }
    }
}

#[derive(Debug, Subcommand)]
enum ReviewCommand {
    /// Show a tool's verdict, its evidence, and everything people said of it
    Show(ToolOptions),
    /// Agree with the verdict as it is now; rules that change later do not move it
    Accept(say::AcceptOptions),
    /// Correct the verdict on a tool's present definition
    #[command(alias = "correct")]
    Override(say::OverrideOptions),
    /// Take back the correction in force; it stays in the history
    Undo(say::UndoOptions),
    /// Write every correction in force as TOML, for data/overrides.toml
    Export {
        /// The file; - is standard output
        #[arg(short, long, value_name = "FILE", default_value = "-")]
        output: PathBuf,
    },
    /// Store the corrections of a file: all of them, or none if one is malformed
    Import {
        /// As export writes it; - is standard input
        file: PathBuf,
    },
    /// Keep a server off the site, or show it again
    Visibility {
        /// The server's key
        server: String,
        /// public or private
        visibility: Visibility,
    },
}

/// Which tool.
#[derive(Debug, Clone, Args)]
struct ToolOptions {
    /// The server's key, with a version if it is not the newest answered one
    server: String,
    /// The tool's name, exactly
    tool: String,
}

impl ReviewOptions {
    /// True if something is asked of the list; then there must be one.
    fn asks_of_the_list(&self) -> bool {
        let words = self.class.len() + self.risk.len() + self.signal.len() + self.finding.len();
        words > 0
            || self.all
            || self.expired
            || self.json
            || self.limit.is_some()
            || self.server.is_some()
            || self.confidence_below.is_some()
    }
}

pub(super) fn run(settings: &Settings, options: &ReviewOptions) -> anyhow::Result<Exit> {
    if options.command.is_some() && options.asks_of_the_list() {
        let message = "--server, --class and the other options of the list go without a subcommand, or behind it if it has them";
        return Err(UsageError(message.to_owned()).into());
    }
    match &options.command {
        None if options.expired => list_expired(settings, options),
        None => list(settings, options),
        Some(ReviewCommand::Show(tool)) => show::show(settings, tool),
        Some(ReviewCommand::Accept(accept)) => say::accept(settings, accept),
        Some(ReviewCommand::Override(correction)) => say::correct(settings, correction),
        Some(ReviewCommand::Undo(undo)) => say::undo(settings, undo),
        Some(ReviewCommand::Export { output }) => carry::export(settings, output),
        Some(ReviewCommand::Import { file }) => carry::import(settings, file),
        Some(ReviewCommand::Visibility { server, visibility }) => {
            let (server, _) = server_and_version(server)?;
            if !corrections::open(settings)?.set_visibility(&server, *visibility)? {
                bail!("{server} is not in this database; scan it first");
            }
            progress::print(&format!("{server} is {visibility} now\n"))?;
            Ok(Exit::Ok)
        }
    }
}

fn share(text: &str) -> Result<f64, String> {
    let number: f64 = text.parse().map_err(|_| "a number from 0 to 1".to_owned())?;
    (0.0..=1.0).contains(&number).then_some(number).ok_or_else(|| "a number from 0 to 1".to_owned())
}

fn server_key(options: &ReviewOptions) -> anyhow::Result<Option<String>> {
    options.server.as_deref().map(|s| Ok(server_and_version(s)?.0.to_string())).transpose()
}

fn list(settings: &Settings, options: &ReviewOptions) -> anyhow::Result<Exit> {
    let db = corrections::open_read_only(settings)?;
    corrections::say_expired(&db)?;
    let filter = ReviewFilter {
        limit: options.limit.unwrap_or(ROWS),
        all: options.all,
        server: server_key(options)?,
        classes: options.class.clone(),
        risks: options.risk.clone(),
        confidence_below: options.confidence_below,
        signals: options.signal.clone(),
        findings: options.finding.iter().map(|f| f.signal()).collect(),
    };
    let (rows, matching) = review(&db, &filter)?;
    for row in &rows {
        if options.json {
            progress::print_json(&row)?;
        } else {
            progress::print(&paragraph(row))?;
        }
    }
    if options.json {
        return Ok(Exit::Ok);
    }
    if rows.is_empty() && !options.all {
        progress::print("nothing that fits is in doubt; --all lists the rest\n")?;
    } else if rows.is_empty() {
        progress::print("nothing fits\n")?;
    } else if rows.len() < matching {
        progress::say(&format!("{} of {matching}; --limit shows more", rows.len()));
    }
    Ok(Exit::Ok)
}

fn paragraph(row: &ReviewRow) -> String {
    let show = |text: &str, most| Untrusted::new(text).for_terminal(most);
    let word = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
    let mut text = format!(
        "{} {}  {}\n  {}, {}, confidence {}: {}",
        show(&row.server, 120),
        show(&row.release, 40),
        show(&row.tool, 80),
        word(&row.class),
        word(&row.risk),
        row.confidence.map_or_else(|| "-".to_owned(), |c| format!("{c:.2}")),
        row.doubt
    );
    if let Some(who) = &row.corrected_by {
        text.push_str(&format!(" by {}", show(who, 80)));
    }
    text.push('\n');
    if let Some(signals) = row.signals.as_deref().filter(|s| !s.is_empty()) {
        text.push_str(&format!("  {signals}\n"));
    }
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

fn list_expired(settings: &Settings, options: &ReviewOptions) -> anyhow::Result<Exit> {
    let db = corrections::open_read_only(settings)?;
    let expired = overrides_expired(&db, server_key(options)?.as_deref(), None)?;
    if expired.is_empty() && !options.json {
        progress::print("no correction has expired\n")?;
    }
    for entry in &expired {
        let state = if entry.gone { "tool is gone" } else { "definition changed" };
        if options.json {
            let row = serde_json::json!({
                "server": entry.said.server.to_string(), "tool": entry.said.tool, "state": state,
                "definition_hash": entry.said.definition.as_str(), "class": entry.said.class,
                "risk": entry.said.risk, "signals": entry.said.signals, "who": entry.said.who,
                "why": entry.said.why, "made_at": format!("{:.3}", entry.said.made_at),
            });
            progress::print_json(&row)?;
            continue;
        }
        progress::print(&format!(
            "{}  {}: {state}\n  {}\n\n",
            Untrusted::new(entry.said.server.to_string()).for_terminal(120),
            Untrusted::new(entry.said.tool.as_str()).for_terminal(80),
            show::said(&entry.said)
        ))?;
    }
    Ok(Exit::Ok)
}
