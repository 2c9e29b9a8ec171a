//! `catalogue classify`: every stored definition judged by the rules in force. Verdicts are added, never changed.

use clap::Args;
use jiff::Timestamp;
use rayon::prelude::*;

use super::corrections;
use super::exit::Exit;
use super::scan::report::counted;
use super::settings::Settings;
use crate::classify::RuleSet;
use crate::model::ToolDefinition;
use crate::progress;
use crate::store::Store;

/// `catalogue classify`.
#[derive(Debug, Args)]
pub(super) struct ClassifyOptions {
    /// Say nothing
    #[arg(short, long)]
    quiet: bool,
}

pub(super) fn run(settings: &Settings, options: &ClassifyOptions) -> anyhow::Result<Exit> {
    let rules = settings.rule_set()?;
    let mut store = corrections::open(settings)?;
    store.use_rule_set(rules.hash(), Timestamp::now())?;
    let judged = classify_missing(&mut store, &rules)?;
    if !options.quiet {
        progress::print(&format!(
            "{} judged anew by rule set {}\n",
            counted(judged, "definition"),
            rules.hash()
        ))?;
    }
    corrections::say_expired(store.connection())?;
    Ok(Exit::Ok)
}

/// Judges every definition that has no verdict under these rules; returns how many.
pub(super) fn classify_missing(store: &mut Store, rules: &RuleSet) -> anyhow::Result<usize> {
    let missing = store.definitions_without_verdict(rules.hash())?;
    let judged: Vec<_> = missing
        .into_par_iter()
        .filter_map(|(hash, canonical)| {
            // Canonical text was a tool when it was stored; what cannot be read any more is left without a verdict.
            let tool = ToolDefinition::from_json(&canonical).ok()?;
            Some((hash, rules.judge(&tool)))
        })
        .collect();
    store.add_verdicts(rules.hash(), &judged, Timestamp::now())?;
    Ok(judged.len())
}
