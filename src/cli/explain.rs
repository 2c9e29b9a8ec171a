//! `catalogue explain`: one tool's verdict with everything that led to it, and what would have to change for another.

mod text;

use std::io::Read;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use clap::Args;
use serde::Serialize;

use super::classify::outside::read_row;
use super::corrections;
use super::exit::Exit;
use super::policy::server_and_version;
use super::settings::Settings;
use crate::classify::{RuleSet, SmallestChange, StatedHint, stated_hints};
use crate::model::emit::json_line;
use crate::model::{Class, Evidence, Risk, Signal, ToolDefinition, Untrusted, Verdict};
use crate::progress;
use crate::store::{Override, answered, rule_set_in_force};

/// Names that are listed where none fits.
const NAMES: usize = 20;

/// `catalogue explain`.
#[derive(Debug, Args)]
pub(super) struct ExplainOptions {
    /// The server's key, with a version if it is not the newest answered one: npm:NAME[@VERSION], pypi:NAME[==VERSION]
    #[arg(required_unless_present = "input", requires = "tool")]
    server: Option<String>,
    /// The tool's name, exactly
    tool: Option<String>,
    /// Explain the tool in this file, one JSON object as a server would list it; - is standard input
    #[arg(long, value_name = "FILE", conflicts_with_all = ["server", "tool"])]
    input: Option<PathBuf>,
    /// Print one JSON object a tool
    #[arg(long)]
    json: bool,
}

/// A tool to explain, and where it is from.
#[derive(Debug)]
struct Subject {
    /// Key and version; None for a tool from a file.
    seen: Option<(String, String)>,
    tool: ToolDefinition,
    correction: Option<Override>,
}

/// Everything that is said about one tool.
#[derive(Debug, Serialize)]
struct Explanation {
    server: Option<String>,
    release: Option<String>,
    name: String,
    definition: String,
    rule_set: String,
    /// What the rules say; a correction is not applied.
    class: Class,
    risk: Risk,
    signals: Vec<Signal>,
    confidence: f64,
    needs_review: bool,
    evidence: Vec<Reason>,
    hints: Vec<StatedHint>,
    correction: Option<Correction>,
    smallest_change: SmallestChange,
    #[serde(skip)]
    tool: ToolDefinition,
    /// The rule set whose verdicts the database shows, where it is another one.
    #[serde(skip)]
    shown_rules: Option<String>,
}

/// One piece of evidence with what its rule means.
#[derive(Debug, Serialize)]
struct Reason {
    #[serde(flatten)]
    evidence: Evidence,
    what: String,
    why: String,
}

/// A correction by a person, and what is shown because of it.
#[derive(Debug, Serialize)]
struct Correction {
    class: Class,
    risk: Risk,
    signals: Vec<Signal>,
    who: String,
    why: String,
    made_at: String,
}

pub(super) fn run(settings: &Settings, options: &ExplainOptions) -> anyhow::Result<Exit> {
    let rules = settings.rule_set()?;
    let (subjects, shown_rules) = match (&options.input, &options.server, &options.tool) {
        (Some(input), ..) => (vec![from_file(settings, input)?], None),
        (None, Some(server), Some(tool)) => from_database(settings, &rules, server, tool)?,
        _ => bail!("name a server and a tool, or a file with --input"),
    };
    for subject in subjects {
        let explanation = explanation(&rules, subject, shown_rules.clone());
        let text = if options.json {
            json_line(&explanation)?
        } else {
            text::explained(&explanation, progress::colours())
        };
        progress::print(&text)?;
    }
    Ok(Exit::Ok)
}

fn explanation(rules: &RuleSet, subject: Subject, shown_rules: Option<String>) -> Explanation {
    let Subject { seen, tool, correction } = subject;
    let verdict = rules.judge(&tool);
    let smallest_change = rules.smallest_change(&tool, &verdict);
    let correction = correction.map(|c| shown_instead(&c, &verdict));
    let (server, release) = seen.unzip();
    let reason = |evidence: Evidence| {
        let text = rules.meaning(&evidence.rule);
        let (what, why) = text.map(|t| (t.what.clone(), t.why.clone())).unwrap_or_default();
        Reason { evidence, what, why }
    };
    Explanation {
        server,
        release,
        name: tool.name().to_owned(),
        definition: tool.hash().to_string(),
        rule_set: rules.hash().to_owned(),
        class: verdict.class,
        risk: verdict.risk,
        signals: verdict.signals,
        confidence: verdict.confidence,
        needs_review: verdict.needs_review,
        hints: stated_hints(&tool, verdict.class),
        evidence: verdict.evidence.into_iter().map(reason).collect(),
        correction,
        smallest_change,
        tool,
        shown_rules,
    }
}

fn shown_instead(correction: &Override, verdict: &Verdict) -> Correction {
    let shown = correction.applied_to(verdict);
    Correction {
        class: shown.class,
        risk: shown.risk,
        signals: shown.signals,
        who: correction.who.clone(),
        why: correction.why.clone(),
        made_at: correction.made_at.to_string(),
    }
}

/// Every tool of that name: a server may list one name twice.
fn from_database(
    settings: &Settings,
    rules: &RuleSet,
    server: &str,
    name: &str,
) -> anyhow::Result<(Vec<Subject>, Option<String>)> {
    let (key, version) = server_and_version(server)?;
    let db = corrections::open_read_only(settings)?;
    let Some(answer) = answered(&db, &key, version.as_deref(), rules.hash())? else {
        let release = version.map(|v| format!(" {v}")).unwrap_or_default();
        bail!("{key}{release} has never answered in this database; scan it first: catalogue scan {server}");
    };
    let mut subjects = Vec::new();
    for tool in answer.tools.iter().filter(|tool| tool.name.raw() == name) {
        subjects.push(Subject {
            seen: Some((key.to_string(), answer.version.clone())),
            tool: ToolDefinition::from_json(&tool.canonical)?,
            correction: tool.correction.clone(),
        });
    }
    if subjects.is_empty() {
        let names: Vec<String> = answer.tools.iter().take(NAMES).map(|t| t.name.for_terminal(80)).collect();
        let more = answer.tools.len().saturating_sub(NAMES);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        let name = Untrusted::new(name).for_terminal(80);
        bail!("{key} {} has no tool of the name {name}; it has: {}{more}", answer.version, names.join(", "));
    }
    let shown = rule_set_in_force(&db)?.filter(|shown| shown != rules.hash());
    Ok((subjects, shown))
}

fn from_file(settings: &Settings, input: &Path) -> anyhow::Result<Subject> {
    let most = settings.config.limits.line_bytes;
    let bound = (most as u64).saturating_add(1);
    let mut bytes = Vec::new();
    let piped = input == Path::new("-");
    let name = if piped { "standard input".to_owned() } else { input.display().to_string() };
    if piped {
        std::io::stdin()
            .lock()
            .take(bound)
            .read_to_end(&mut bytes)
            .context("standard input cannot be read")?;
    } else {
        fs_err::File::open(input)?.take(bound).read_to_end(&mut bytes)?;
    }
    if bytes.len() > most {
        bail!("{name}: longer than {most} bytes; limits.line_bytes of catalogue.toml bounds a tool");
    }
    let (tool, _) =
        read_row(&bytes).with_context(|| format!("{name}: this is not one tool as a JSON object"))?;
    Ok(Subject { seen: None, tool, correction: None })
}
