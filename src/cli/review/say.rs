//! `catalogue review accept`, `override` and `undo`: what a person says is stored beside what was said before.

use anyhow::bail;
use clap::Args;
use jiff::Timestamp;

use super::ToolOptions;
use super::show::{by_rules, in_a_line};
use crate::cli::corrections;
use crate::cli::exit::Exit;
use crate::cli::policy::server_and_version;
use crate::cli::scan::targets::UsageError;
use crate::cli::settings::Settings;
use crate::model::{Class, DefinitionHash, Risk, ServerKey, Signal, Untrusted, Verdict};
use crate::progress;
use crate::store::{AnsweredTool, Override, Store, answered, override_history, overrides_in_force};

#[derive(Debug, Args)]
pub(super) struct AcceptOptions {
    #[command(flatten)]
    tool: ToolOptions,
    /// Who says so
    #[arg(long, value_parser = not_blank)]
    who: String,
    /// Why, in a sentence
    #[arg(long, value_parser = not_blank, default_value = "the verdict is right")]
    why: String,
}

#[derive(Debug, Args)]
pub(super) struct OverrideOptions {
    #[command(flatten)]
    tool: ToolOptions,
    /// read, write, execute or destructive
    #[arg(long)]
    class: Option<Class>,
    /// low, medium, high or critical; left out it follows from class and signals
    #[arg(long)]
    risk: Option<Risk>,
    /// All signals, comma-separated; an empty text for none
    #[arg(long)]
    signals: Option<String>,
    /// Who says so
    #[arg(long, value_parser = not_blank)]
    who: String,
    /// Why, in a sentence
    #[arg(long, value_parser = not_blank)]
    why: String,
}

#[derive(Debug, Args)]
pub(super) struct UndoOptions {
    #[command(flatten)]
    tool: ToolOptions,
    /// Who says so
    #[arg(long, value_parser = not_blank)]
    who: String,
    /// Why, in a sentence
    #[arg(long, value_parser = not_blank)]
    why: String,
}

fn not_blank(text: &str) -> Result<String, String> {
    if text.trim().is_empty() { Err("is empty".to_owned()) } else { Ok(text.to_owned()) }
}

/// A tool by its name, with every definition that the answer lists under it.
struct Found {
    server: ServerKey,
    tools: Vec<(AnsweredTool, Verdict)>,
}

impl Found {
    fn new(settings: &Settings, store: &Store, options: &ToolOptions) -> anyhow::Result<Self> {
        let (server, version) = server_and_version(&options.server)?;
        let rules = settings.rule_set()?;
        let Some(answer) = answered(store.connection(), &server, version.as_deref(), rules.hash())? else {
            bail!("{server} has never answered in this database; scan it first");
        };
        let mut tools: Vec<(AnsweredTool, Verdict)> = Vec::new();
        for tool in answer.tools.into_iter().filter(|t| t.name.raw() == options.tool) {
            if !tools.iter().any(|(known, _)| known.hash == tool.hash) {
                let verdict = by_rules(&tool, &rules)?;
                tools.push((tool, verdict));
            }
        }
        if tools.is_empty() {
            bail!("{server} {} has no tool of exactly that name", answer.version);
        }
        Ok(Self { server, tools })
    }
}

pub(super) fn accept(settings: &Settings, options: &AcceptOptions) -> anyhow::Result<Exit> {
    let mut store = corrections::open(settings)?;
    let found = Found::new(settings, &store, &options.tool)?;
    for (tool, verdict) in found.tools {
        let now = tool.correction.as_ref().map_or_else(|| verdict.clone(), |c| c.applied_to(&verdict));
        let said = Override {
            server: found.server.clone(),
            tool: options.tool.tool.clone(),
            definition: tool.hash,
            class: Some(now.class),
            risk: Some(now.risk),
            signals: Some(now.signals.clone()),
            who: options.who.clone(),
            why: options.why.clone(),
            made_at: Timestamp::now(),
        };
        let stored = store.add_override(&said)?;
        let how = if stored { "accepted" } else { "was accepted before" };
        progress::print(&format!("{how}: {}\n", in_a_line(&now)))?;
    }
    Ok(Exit::Ok)
}

pub(super) fn correct(settings: &Settings, options: &OverrideOptions) -> anyhow::Result<Exit> {
    let signals = options.signals.as_deref().map(signals_of).transpose()?;
    if options.class.is_none() && options.risk.is_none() && signals.is_none() {
        return Err(UsageError("a correction needs --class, --risk or --signals".to_owned()).into());
    }
    let mut store = corrections::open(settings)?;
    let found = Found::new(settings, &store, &options.tool)?;
    for (tool, verdict) in found.tools {
        let before = tool.correction.as_ref();
        // What is not said now stays as it was said before; a risk that nobody says follows from class and signals.
        let said = Override {
            server: found.server.clone(),
            tool: options.tool.tool.clone(),
            definition: tool.hash,
            class: options.class.or(before.and_then(|b| b.class)),
            risk: options.risk.or_else(|| {
                before.and_then(|b| b.risk).filter(|_| options.class.is_none() && signals.is_none())
            }),
            signals: signals.clone().or_else(|| before.and_then(|b| b.signals.clone())),
            who: options.who.clone(),
            why: options.why.clone(),
            made_at: Timestamp::now(),
        };
        let corrected = said.applied_to(&verdict);
        let stored = store.add_override(&said)?;
        let how = if stored { "stored" } else { "was stored before" };
        progress::print(&format!(
            "the rules say: {}\n{how}:        {}\n",
            in_a_line(&verdict),
            in_a_line(&corrected)
        ))?;
    }
    progress::print("it holds until the definition changes, and the next build shows it\n")?;
    Ok(Exit::Ok)
}

/// Takes back what is in force for the present definitions; where nothing is, what is in force for others.
pub(super) fn undo(settings: &Settings, options: &UndoOptions) -> anyhow::Result<Exit> {
    let mut store = corrections::open(settings)?;
    let (server, version) = server_and_version(&options.tool.server)?;
    let tool = &options.tool.tool;
    let mut in_force: Vec<Override> = overrides_in_force(store.connection())?
        .into_iter()
        .filter(|said| said.server == server && said.tool == *tool)
        .collect();
    let answer = answered(store.connection(), &server, version.as_deref(), "")?;
    let present: Vec<DefinitionHash> =
        answer.into_iter().flat_map(|a| a.tools).filter(|t| t.name.raw() == *tool).map(|t| t.hash).collect();
    let speaks = |said: &Override| present.contains(&said.definition);
    if version.is_some() || in_force.iter().any(speaks) {
        in_force.retain(speaks);
    }
    if in_force.is_empty() {
        bail!("no correction of {server} {} is in force", Untrusted::new(tool.as_str()).for_terminal(80));
    }
    let history = override_history(store.connection(), &server, tool)?;
    for said in in_force {
        let in_file = history.iter().any(|h| h.listed && h.origin == "file" && h.said == said);
        let expired = if speaks(&said) { "" } else { "expired: " };
        progress::print(&format!("taken back: {expired}{}\n", super::show::said(&said)))?;
        store.add_override(&Override {
            class: None,
            risk: None,
            signals: None,
            who: options.who.clone(),
            why: options.why.clone(),
            made_at: Timestamp::now(),
            ..said
        })?;
        if in_file {
            progress::say(
                "data/overrides.toml still holds it: write the file anew with catalogue review export, or it stays in force elsewhere",
            );
        }
    }
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
