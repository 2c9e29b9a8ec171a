//! `catalogue policy diff` and `catalogue policy merge`, on the neutral form.

use std::path::{Path, PathBuf};

use anyhow::bail;
use clap::Args;

use super::super::exit::Exit;
use super::{Format, read_bounded, write_whole};
use crate::export::{self, Wishes};
use crate::model::Untrusted;
use crate::policy::{Direction, PolicySet, compare};
use crate::progress;

#[derive(Debug, Args)]
pub(super) struct DiffOptions {
    /// The older policy, in the format json
    old: PathBuf,
    /// The newer policy, in the format json
    new: PathBuf,
    /// Print one JSON object a change
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
pub(super) struct MergeOptions {
    /// The policy that MINE was made from, in the format json
    base: PathBuf,
    /// The same with a person's changes
    mine: PathBuf,
    /// A newer policy
    new: PathBuf,
    /// The format to write
    #[arg(long, default_value = "json")]
    format: Format,
    /// Write to this file
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

fn read(file: &Path) -> anyhow::Result<PolicySet> {
    match export::read_neutral(&read_bounded(file)?) {
        Ok((set, _)) => Ok(set),
        Err(findings) => {
            let first = findings.into_iter().next();
            let words = first.map(|f| format!("{}: {}", f.path, f.message)).unwrap_or_default();
            bail!(
                "{}: no neutral policy ({}); make one with catalogue policy export --format json",
                file.display(),
                Untrusted::new(words).for_terminal(300)
            )
        }
    }
}

pub(super) fn diff(options: &DiffOptions) -> anyhow::Result<Exit> {
    let changes = compare(&read(&options.old)?, &read(&options.new)?);
    if options.json {
        for change in &changes {
            progress::print_json(&change)?;
        }
        return Ok(Exit::Ok);
    }
    for (direction, title) in [
        (Direction::Possible, "became possible"),
        (Direction::Impossible, "became impossible"),
        (Direction::Other, "changed otherwise"),
    ] {
        for change in changes.iter().filter(|c| c.direction == direction) {
            let shown = |text: &str| Untrusted::new(text).for_terminal(120);
            let tool = change.tool.as_deref().map_or_else(|| "every other tool".to_owned(), shown);
            let (key, before, after) = (shown(&change.key), &change.before, &change.after);
            progress::print(&format!("{title}: {key} {tool}: {before} -> {after}\n"))?;
        }
    }
    if changes.is_empty() {
        progress::print("no difference\n")?;
    }
    Ok(Exit::Ok)
}

pub(super) fn merge(options: &MergeOptions) -> anyhow::Result<Exit> {
    let (base, mine, new) = (read(&options.base)?, read(&options.mine)?, read(&options.new)?);
    let (merged, conflicts) = crate::policy::merge(&base, &mine, &new);
    let exported = options.format.0.document(&merged, Wishes::default())?;
    match &options.output {
        None => progress::print(&exported.text)?,
        Some(path) => write_whole(path, &exported.text)?,
    }
    for conflict in &conflicts {
        let shown = |text: &str| Untrusted::new(text).for_terminal(120);
        let tool = conflict.tool.as_deref().map_or_else(|| "every other tool".to_owned(), shown);
        progress::say(&format!(
            "conflict: {} {tool}: yours {}, new {}; taken: {}",
            shown(&conflict.key),
            conflict.mine,
            conflict.new,
            conflict.taken
        ));
    }
    Ok(Exit::Ok)
}
