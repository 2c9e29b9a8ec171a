//! `catalogue policy explain`.

use std::path::PathBuf;

use anyhow::{Context, bail};
use clap::Args;
use serde::Serialize;

use super::super::exit::Exit;
use super::super::scan::targets::UsageError;
use super::remarks::made_from;
use super::{Format, read_bounded};
use crate::export::{self, Level};
use crate::model::Untrusted;
use crate::progress;

#[derive(Debug, Args)]
pub(super) struct ExplainOptions {
    /// A policy; - is standard input
    file: PathBuf,
    /// The tool, as its server names it
    tool: String,
    /// The call's arguments, a JSON object; without them the rule of the tool is told
    #[arg(long, value_name = "JSON")]
    args: Option<String>,
    /// Read it as this format [default: guessed from the content]
    #[arg(long)]
    format: Option<Format>,
    /// What the server is called in the policy; needed where that names several, or none
    #[arg(long, value_name = "NAME")]
    server_key: Option<String>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Serialize)]
struct Explained {
    tool: String,
    decision: &'static str,
    words: String,
    by: String,
    format: &'static str,
}

pub(super) fn run(options: &ExplainOptions) -> anyhow::Result<Exit> {
    let text = read_bounded(&options.file)?;
    let exporter = options.format.map_or_else(|| export::guess(&text), |f| f.0);
    let arguments = match &options.args {
        None => None,
        Some(text) => {
            let value: serde_json::Value = serde_json::from_str(text).context("--args is no JSON")?;
            if !value.is_object() {
                return Err(UsageError("--args must be a JSON object".to_owned()).into());
            }
            Some(value)
        }
    };
    let Some(reading) = (exporter.read)(&text) else {
        let name = options.file.display();
        match (exporter.validate)(&text).into_iter().find(|f| f.level == Level::Error) {
            Some(finding) => bail!(
                "{name}: not a valid policy of {}: {}; see catalogue policy validate",
                exporter.id,
                Untrusted::new(finding.message).for_terminal(300)
            ),
            None => bail!("{name}: holds something whose meaning is not known here ({})", exporter.id),
        }
    };
    // Where key and tool are written as one name, only the remark at the top says which part is the key.
    let named = if reading.servers.is_empty() {
        made_from(&text).into_iter().filter_map(|m| m.key).collect()
    } else {
        reading.servers.clone()
    };
    let key = match (&options.server_key, named.as_slice()) {
        (Some(key), _) => key.clone(),
        (None, [key]) => key.clone(),
        // Formats of one server need no key.
        (None, []) if !exporter.can.several => String::new(),
        (None, []) => {
            let message =
                "give the server's key with --server-key: this format writes key and tool as one name";
            return Err(UsageError(message.to_owned()).into());
        }
        (None, keys) => {
            let keys: Vec<String> =
                keys.iter().map(|k| Untrusted::new(k.as_str()).for_terminal(60)).collect();
            let message = format!("give the server with --server-key; the policy names {}", keys.join(", "));
            return Err(UsageError(message).into());
        }
    };
    let decided = reading.decide(&key, &options.tool, arguments.as_ref());
    let explained = Explained {
        tool: Untrusted::new(options.tool.as_str()).for_terminal(200),
        decision: decided.rule.word(),
        words: decided.rule.to_string(),
        by: Untrusted::new(decided.by).for_terminal(400),
        format: exporter.id,
    };
    match options.json {
        true => progress::print_json(&explained)?,
        false => progress::print(&format!("{}: {} ({})\n", explained.tool, explained.words, explained.by))?,
    }
    Ok(Exit::Ok)
}
