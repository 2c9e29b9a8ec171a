//! Labels of the benchmark to what servers answered: by release, name and hash of the definition.

use jiff::Timestamp;
use rayon::prelude::*;

use super::benchmark::{Benchmark, BenchmarkServer, BenchmarkTool, Set};
use super::label::{Answer, Mistake};
use super::report::Report;
use super::result::{BenchmarkResult, LabelCounts, PackageCounts, Sets};
use crate::classify::RuleSet;
use crate::model::{DefinitionHash, Release, ToolDefinition, Verdict};

/// What a release answered.
#[derive(Debug, Clone, PartialEq)]
pub struct ServerAnswer {
    /// When.
    pub probed_at: Timestamp,
    /// Its tools.
    pub tools: Vec<ListedTool>,
}

/// A tool of an answer.
#[derive(Debug, Clone, PartialEq)]
pub struct ListedTool {
    /// Its name. Foreign text.
    pub name: String,
    /// Its definition's hash.
    pub hash: DefinitionHash,
    /// Its definition.
    pub canonical: String,
}

/// A run of the benchmark with the names behind its counts.
#[derive(Debug, Clone, PartialEq)]
pub struct BenchmarkRun {
    /// What is published.
    pub result: BenchmarkResult,
    /// Wrong verdicts, in the order of the labels.
    pub mistakes: Vec<Mistake>,
    /// Release and tool of the labels whose definition is another now.
    pub mismatched: Vec<(Release, String)>,
    /// Release and tool of the labels whose tool is not listed.
    pub missing: Vec<(Release, String)>,
    /// Releases that did not answer.
    pub quiet: Vec<Release>,
}

/// What a label meets in its server's answer.
enum Met<'a> {
    Same(&'a ListedTool),
    Other,
    Nothing,
}

/// Scores every label whose definition was answered. `answers` are in the order of the benchmark's servers, None for a
/// release that did not answer. Verdicts are made here: whatever rules the stored ones were made with is no matter.
pub fn run_benchmark(
    benchmark: &Benchmark,
    answers: &[Option<ServerAnswer>],
    rules: &RuleSet,
) -> BenchmarkRun {
    let mut scored: Vec<(&BenchmarkServer, &BenchmarkTool, &ListedTool)> = Vec::new();
    let (mut mismatched, mut missing, mut quiet) = (Vec::new(), Vec::new(), Vec::new());
    let mut unanswered = 0;
    for (server, answer) in benchmark.servers.iter().zip(answers) {
        let Some(answer) = answer else {
            quiet.push(server.release.clone());
            unanswered += server.tools.len();
            continue;
        };
        for tool in &server.tools {
            match meet(tool, answer) {
                Met::Same(listed) => scored.push((server, tool, listed)),
                Met::Other => mismatched.push((server.release.clone(), tool.name.clone())),
                Met::Nothing => missing.push((server.release.clone(), tool.name.clone())),
            }
        }
    }
    // What was a tool when it was stored is one now; a row that is none any more is as good as not listed.
    let verdicts: Vec<Option<Verdict>> = scored
        .par_iter()
        .map(|(.., listed)| ToolDefinition::from_json(&listed.canonical).ok().map(|tool| rules.judge(&tool)))
        .collect();
    let mut judged: Vec<(&BenchmarkServer, &BenchmarkTool, Answer<'_>)> = Vec::new();
    for ((server, tool, _), verdict) in scored.into_iter().zip(&verdicts) {
        match verdict {
            Some(verdict) => judged.push((server, tool, Answer { label: &tool.label, verdict })),
            None => missing.push((server.release.clone(), tool.name.clone())),
        }
    }
    let report = |set: Option<Set>| {
        let part = judged.iter().filter(|(server, ..)| set.is_none_or(|set| server.set == set));
        Report::of(&part.map(|(.., answer)| *answer).collect::<Vec<_>>(), &[]).rounded()
    };
    let newest = answers.iter().flatten().map(|answer| answer.probed_at).max();
    let result = BenchmarkResult {
        rule_set: rules.hash().to_owned(),
        as_of: newest.map(|time| format!("{time:.0}")),
        packages: PackageCounts {
            asked: benchmark.servers.len(),
            answered: answers.iter().flatten().count(),
        },
        labels: LabelCounts {
            scored: judged.len(),
            mismatched: mismatched.len(),
            missing: missing.len(),
            unanswered,
        },
        sets: Sets {
            all: report(None),
            held_out: report(Some(Set::HeldOut)),
            tuning: report(Some(Set::Tuning)),
        },
    };
    let mistakes = judged.iter().filter(|(.., answer)| !answer.is_right()).map(|(server, tool, answer)| {
        let label = tool.label.class.as_str();
        let id: String = tool.hash.as_str().chars().take(12).collect();
        Mistake::new(&id, &tool.name, &server.release.to_string(), label, answer.verdict)
    });
    BenchmarkRun { result, mistakes: mistakes.collect(), mismatched, missing, quiet }
}

fn meet<'a>(tool: &BenchmarkTool, answer: &'a ServerAnswer) -> Met<'a> {
    let mut named = answer.tools.iter().filter(|listed| listed.name == tool.name).peekable();
    if named.peek().is_none() {
        return Met::Nothing;
    }
    named.find(|listed| listed.hash == tool.hash).map_or(Met::Other, Met::Same)
}
