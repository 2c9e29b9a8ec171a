//! `catalogue review show`: one tool, what the rules say of it and why, and what people said.

use anyhow::bail;

use super::ToolOptions;
use crate::classify::RuleSet;
use crate::cli::corrections;
use crate::cli::exit::Exit;
use crate::cli::policy::server_and_version;
use crate::cli::settings::Settings;
use crate::model::{ToolDefinition, Untrusted, Verdict};
use crate::progress;
use crate::store::{AnsweredTool, Override, StoredOverride, answered, override_history};

/// Pieces of evidence that are shown.
const EVIDENCE: usize = 12;

pub(super) fn show(settings: &Settings, options: &ToolOptions) -> anyhow::Result<Exit> {
    let (server, version) = server_and_version(&options.server)?;
    let rules = settings.rule_set()?;
    let db = corrections::open_read_only(settings)?;
    let answer = answered(&db, &server, version.as_deref(), rules.hash())?;
    let history = override_history(&db, &server, &options.tool)?;
    let tools: Vec<&AnsweredTool> =
        answer.iter().flat_map(|a| &a.tools).filter(|t| t.name.raw() == options.tool).collect();
    if tools.is_empty() && history.is_empty() {
        match answer {
            None => bail!("{server} has never answered in this database; scan it first"),
            Some(a) => bail!("{server} {} has no tool of exactly that name", a.version),
        }
    }
    let mut text = format!(
        "{server} {}  {}\n",
        answer.as_ref().map_or("", |a| a.version.as_str()),
        Untrusted::new(options.tool.as_str()).for_terminal(200)
    );
    if tools.is_empty() {
        text.push_str("  the newest answer does not list this tool\n");
    }
    for tool in &tools {
        text.push_str(&one(tool, &rules)?);
    }
    text.push_str(&said_before(&history, &tools));
    progress::print(&text)?;
    Ok(Exit::Ok)
}

/// The verdict of the rules: the stored one, or, where a database was not classified by them yet, a fresh one.
pub(super) fn by_rules(tool: &AnsweredTool, rules: &RuleSet) -> anyhow::Result<Verdict> {
    Ok(match &tool.verdict {
        Some(verdict) => verdict.clone(),
        None => rules.judge(&ToolDefinition::from_json(&tool.canonical)?),
    })
}

/// Class, risk and signals in a line.
pub(super) fn in_a_line(verdict: &Verdict) -> String {
    let signals: Vec<&str> = verdict.signals.iter().map(|s| s.as_str()).collect();
    let signals = if signals.is_empty() { "no signals".to_owned() } else { signals.join(", ") };
    format!("{}, {} risk, {signals}", verdict.class, verdict.risk)
}

/// What a correction states, by whom, when and why.
pub(super) fn said(said: &Override) -> String {
    let mut parts = Vec::new();
    if said.takes_back() {
        parts.push("took back what was said before".to_owned());
    }
    parts.extend(said.class.map(|c| c.to_string()));
    parts.extend(said.risk.map(|r| format!("{r} risk")));
    if let Some(signals) = &said.signals {
        let words: Vec<&str> = signals.iter().map(|s| s.as_str()).collect();
        parts.push(if words.is_empty() { "no signals".to_owned() } else { words.join(", ") });
    }
    format!(
        "{:.3} {}: {} ({})",
        said.made_at,
        Untrusted::new(said.who.as_str()).for_terminal(80),
        parts.join(", "),
        Untrusted::new(said.why.as_str()).for_terminal(500)
    )
}

fn one(tool: &AnsweredTool, rules: &RuleSet) -> anyhow::Result<String> {
    let verdict = by_rules(tool, rules)?;
    let definition = ToolDefinition::from_json(&tool.canonical)?;
    let mut text = format!("  definition {}\n", tool.hash.as_str());
    if let Some(description) = definition.description() {
        text.push_str(&format!("  {}\n", Untrusted::new(description).for_terminal(400)));
    }
    let doubt = if verdict.needs_review { ", needs review" } else { "" };
    text.push_str(&format!(
        "the rules say: {}; confidence {:.2}{doubt}\n",
        in_a_line(&verdict),
        verdict.confidence
    ));
    for piece in verdict.evidence.iter().take(EVIDENCE) {
        let effect = &piece.effect;
        let mut effects: Vec<String> = Vec::new();
        effects.extend(effect.class.map(|c| format!("{c} {:+}", effect.weight)));
        effects.extend(effect.signal.map(|s| s.to_string()));
        let words = match piece.span {
            Some(_) => format!(" \"{}\"", Untrusted::new(piece.text.as_str()).for_terminal(120)),
            None => String::new(),
        };
        let field = Untrusted::new(piece.field.as_str()).for_terminal(80);
        text.push_str(&format!("  {} at {field}{words}: {}\n", piece.rule, effects.join(", ")));
    }
    let hints: Vec<String> = ["readOnlyHint", "destructiveHint", "idempotentHint", "openWorldHint"]
        .iter()
        .filter_map(|name| Some(format!("{name}: {}", definition.hint(name)?)))
        .collect();
    let hints = if hints.is_empty() { "no hints".to_owned() } else { hints.join(", ") };
    text.push_str(&format!("its author says: {hints}\n"));
    if let Some(correction) = &tool.correction {
        let corrected = correction.applied_to(&verdict);
        let same = (corrected.class, corrected.risk, &corrected.signals)
            == (verdict.class, verdict.risk, &verdict.signals);
        let (how, who) = (
            if same { "accepted" } else { "corrected" },
            Untrusted::new(correction.who.as_str()).for_terminal(80),
        );
        text.push_str(&format!("{how} by {who}: {}\n", in_a_line(&corrected)));
    }
    Ok(text)
}

/// Everything that people said, oldest first, each with what became of it.
fn said_before(history: &[StoredOverride], tools: &[&AnsweredTool]) -> String {
    if history.is_empty() {
        return "nobody has said anything of it yet\n".to_owned();
    }
    let spoken_of =
        |tool: &&&AnsweredTool| history.iter().any(|h| h.listed && h.said.definition == tool.hash);
    let dealt_with = tools.iter().any(|t| spoken_of(&t));
    let mut text = "what people said:\n".to_owned();
    for entry in history {
        let state = if !entry.listed {
            "no longer in data/overrides.toml"
        } else if history.iter().any(|later| {
            later.listed
                && later.said.definition == entry.said.definition
                && later.said.made_at > entry.said.made_at
        }) {
            "replaced"
        } else if !tools.iter().any(|t| t.hash == entry.said.definition) {
            if tools.is_empty() || dealt_with {
                "of another definition"
            } else {
                "expired: the definition changed"
            }
        } else {
            "in force"
        };
        text.push_str(&format!("  {} [{state}, from the {}]\n", said(&entry.said), entry.origin));
        if !tools.iter().any(|t| t.hash == entry.said.definition) {
            text.push_str(&format!("    definition {}\n", entry.said.definition.as_str()));
        }
    }
    text
}
