//! What came of a row against what must come of it. Pure.

use serde::Serialize;

use super::{Gap, Row};
use crate::model::{Probe, SandboxLevel};

/// Whether something held.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Held {
    /// Refused, or exactly the outcome that must be.
    Held,
    /// Not refused, and known not to be at this level.
    Gap,
    /// Not refused, or another outcome.
    Failed,
}

/// One attempt as it ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AttemptResult {
    /// Its name.
    pub id: &'static str,
    /// What it tried.
    pub what: &'static str,
    /// Whether it was refused.
    pub held: Held,
    /// What it got, or what refused it; foreign text in a real attack, cleaned.
    pub said: String,
    /// For a known gap, what it means.
    pub gap: Option<&'static str>,
}

/// What came of one row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The row.
    pub row: &'static str,
    /// Its topic.
    pub topic: super::Topic,
    /// What it does.
    pub attack: &'static str,
    /// The outcome that must be.
    pub expected: &'static str,
    /// The outcome that was.
    pub outcome: &'static str,
    /// The line that says why.
    pub detail: String,
    /// Tools listed.
    pub tools: usize,
    /// Entries that were no tools.
    pub malformed: usize,
    /// Marks on the wire.
    pub marks: Vec<String>,
    /// Wall milliseconds.
    pub millis: u64,
    /// The worst of everything about it.
    pub held: Held,
    /// What is wrong, if something is.
    pub faults: Vec<String>,
    /// Its attempts.
    pub attempts: Vec<AttemptResult>,
}

/// Compares a probe with what must come of its row at this level.
pub fn judge(row: &'static Row, level: SandboxLevel, probe: &Probe) -> Finding {
    let expect = &row.expect;
    let detail = probe.detail.for_terminal(200);
    let mut faults = Vec::new();
    let mut differs = |what: &str, is: String, must: String| {
        if is != must {
            faults.push(format!("{what} {is}, must be {must}"));
        }
    };
    differs("outcome", probe.outcome.to_string(), expect.outcome.to_string());
    differs("tools", probe.tools.len().to_string(), expect.tools.to_string());
    differs("malformed entries", probe.malformed.len().to_string(), expect.malformed.to_string());
    differs("marks", probe.marks.join(" "), expect.marks.join(" "));
    if !detail.contains(expect.detail) {
        faults.push(format!("it says \"{detail}\", must say \"{}\"", expect.detail));
    }
    let attempts: Vec<AttemptResult> = row.attempts().iter().map(|a| result_of(a, level, probe)).collect();
    let worst = attempts.iter().map(|a| a.held).max_by_key(|held| match held {
        Held::Held => 0,
        Held::Gap => 1,
        Held::Failed => 2,
    });
    Finding {
        row: row.name,
        topic: row.topic,
        attack: row.attack,
        expected: expect.outcome.as_str(),
        outcome: probe.outcome.as_str(),
        detail,
        tools: probe.tools.len(),
        malformed: probe.malformed.len(),
        marks: probe.marks.clone(),
        millis: probe.attempts.iter().map(|a| a.millis).sum(),
        held: if faults.is_empty() { worst.unwrap_or(Held::Held) } else { Held::Failed },
        faults,
        attempts,
    }
}

/// An attempt that reported nothing did not hold: nobody knows.
fn result_of(attempt: &'static super::Attempt, level: SandboxLevel, probe: &Probe) -> AttemptResult {
    let named = |prefix: &str| {
        let name = format!("{prefix}_{}", attempt.id);
        let tool = probe.tools.iter().find(|t| t.name.raw() == name)?;
        let definition = crate::model::ToolDefinition::from_json(&tool.raw).ok()?;
        Some(crate::model::Untrusted::new(definition.description().unwrap_or_default()).for_terminal(160))
    };
    let gap = match attempt.gap {
        Gap::Everywhere(means) => Some(means),
        Gap::Reduced(means) if level == SandboxLevel::Reduced => Some(means),
        _ => None,
    };
    let (held, said) = match (named("held"), named("escaped")) {
        (Some(why), None) => (Held::Held, why),
        (None, Some(got)) if gap.is_some() => (Held::Gap, got),
        (None, Some(got)) => (Held::Failed, got),
        _ => (Held::Failed, "it reported nothing".to_owned()),
    };
    AttemptResult { id: attempt.id, what: attempt.what, held, said, gap: gap.filter(|_| held == Held::Gap) }
}
