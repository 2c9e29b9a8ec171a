//! `catalogue rules`: what the rules are, what one of them looks at, and whether their examples go as written.

use clap::{Args, Subcommand};

use super::exit::Exit;
use super::scan::report::counted;
use super::scan::targets::UsageError;
use super::settings::Settings;
use crate::classify::{RuleEntry, RuleSet};
use crate::model::emit::json_line;
use crate::progress;

/// `catalogue rules`.
#[derive(Debug, Args)]
pub(super) struct RulesOptions {
    #[command(subcommand)]
    command: RulesCommand,
}

#[derive(Debug, Subcommand)]
enum RulesCommand {
    /// Print a line a rule: id, topic, kind, effect, what it looks for
    List {
        /// Print one JSON object a rule
        #[arg(long)]
        json: bool,
    },
    /// Print everything one rule says, its examples included
    Explain {
        /// The rule's id, as verdicts name it
        id: String,
        /// Print a JSON object
        #[arg(long)]
        json: bool,
    },
    /// Judge every example of every rule
    Test,
}

pub(super) fn run(settings: &Settings, options: &RulesOptions) -> anyhow::Result<Exit> {
    let files = settings.rule_files()?;
    let rules = RuleSet::load(&files)?;
    match &options.command {
        RulesCommand::List { json } => list(&rules.entries(&files)?, *json),
        RulesCommand::Explain { id, json } => explain(&rules.entries(&files)?, id, *json),
        RulesCommand::Test => test(&rules),
    }
}

fn list(entries: &[RuleEntry], json: bool) -> anyhow::Result<Exit> {
    let wide = |of: &dyn Fn(&RuleEntry) -> usize| entries.iter().map(of).max().unwrap_or(0);
    let effect = |entry: &RuleEntry| entry.effect().replace('`', "");
    let (id, topic) = (wide(&|e| e.id.chars().count()), wide(&|e| e.topic.chars().count()));
    let (kind, wide_effect) = (wide(&|e| e.kind.chars().count()), wide(&|e| effect(e).chars().count()));
    for entry in entries {
        let line = if json {
            json_line(entry)?
        } else {
            format!(
                "{:id$}  {:topic$}  {:kind$}  {:wide_effect$}  {}\n",
                entry.id,
                entry.topic,
                entry.kind,
                effect(entry),
                entry.what
            )
        };
        progress::print(&line)?;
    }
    Ok(Exit::Ok)
}

fn explain(entries: &[RuleEntry], id: &str, json: bool) -> anyhow::Result<Exit> {
    let Some(entry) = entries.iter().find(|entry| entry.id == id) else {
        let alike: Vec<&str> =
            entries.iter().map(|e| e.id.as_str()).filter(|known| alike(known, id)).take(8).collect();
        let alike =
            if alike.is_empty() { String::new() } else { format!("; there are {}", alike.join(", ")) };
        let message = format!("no rule has the id {id:?}{alike}; catalogue rules list shows all");
        return Err(UsageError(message).into());
    };
    let text = if json { json_line(entry)? } else { paragraph(entry) };
    progress::print(&text)?;
    Ok(Exit::Ok)
}

/// A part of the one is a part of the other.
fn alike(known: &str, asked: &str) -> bool {
    let parts = |id: &str| id.to_lowercase().split(['-', '_', ' ']).map(str::to_owned).collect::<Vec<_>>();
    let known = parts(known);
    parts(asked).iter().any(|part| part.len() > 2 && known.contains(part))
}

fn paragraph(entry: &RuleEntry) -> String {
    let effect = entry.effect().replace('`', "");
    let mut text = format!(
        "{}\n  {}\n  {}\n\n  {:9}  {} (rules/classify/{}.toml)\n  {:9}  {}\n",
        entry.id,
        entry.what,
        entry.why,
        "kind",
        entry.kind,
        entry.topic,
        "effect",
        if effect.is_empty() { "none, it is noted" } else { &effect }
    );
    if !entry.classes.is_empty() {
        let classes: Vec<&str> = entry.classes.iter().map(|class| class.as_str()).collect();
        text.push_str(&format!("  {:9}  {}\n", "only of", classes.join(", ")));
    }
    for (key, value) in &entry.looks_at {
        text.push_str(&format!("  {key:9}  {}\n", shown(value)));
    }
    if let Some(source) = &entry.source {
        text.push_str(&format!("  {:9}  {source}\n", "source"));
    }
    for (title, examples) in [("must match", &entry.yes), ("must not match", &entry.no)] {
        if !examples.is_empty() {
            text.push_str(&format!("\n  {title}\n"));
        }
        for example in examples {
            text.push_str(&format!("    {example}\n"));
        }
    }
    text
}

/// A text as it is, a list with commas, anything else as TOML has it.
fn shown(value: &toml::Value) -> String {
    match value {
        toml::Value::String(text) => text.clone(),
        toml::Value::Array(items) => items.iter().map(shown).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    }
}

fn test(rules: &RuleSet) -> anyhow::Result<Exit> {
    let failures = rules.failing_examples();
    for failure in &failures {
        let should = if failure.should_match { "must match and does not" } else { "must not match and does" };
        progress::print(&format!("{}: {should}: {}\n", failure.rule, failure.example))?;
    }
    let (count, examples) = rules.extent();
    progress::print(&format!(
        "{}, {}: {}\n",
        counted(count, "rule"),
        counted(examples, "example"),
        if failures.is_empty() {
            "all as written".to_owned()
        } else {
            format!("{} not as written", failures.len())
        }
    ))?;
    Ok(if failures.is_empty() { Exit::Ok } else { Exit::Findings })
}
