//! What the page of a risk level says beside its list of tools (`lists`): attack patterns, servers, and questions.

use std::cmp::Reverse;

use serde::Serialize;

use super::RenderError;
use super::catalogue::{ServerEntry, ToolEntry};
use super::control::{RuleWord, rule_word};
use super::exposed_list::{ExposedLines, exposed_lines};
use super::html::Sheet;
use super::lists::Figures;
use super::name::ServerName;
use super::questions::{Question, entries, json_ld, questions};
use super::site_work::WholeWork;
use super::words::{ClassCount, ClassWord, RiskWord, class_counts, class_word, risk_word};
use crate::model::{Class, Risk, Verdict};
use crate::policy::{Rule, Tier};

/// Patterns and servers that are named.
const PATTERNS: usize = 5;
const SERVERS: usize = 5;

/// The parts of a risk's first page.
#[derive(Debug, Serialize)]
pub(super) struct AboutRisk<'a> {
    attacks: ExposedLines<'a>,
    servers: Vec<ServerAtRisk<'a>>,
    questions: Vec<Question>,
    json_ld: String,
}

/// A server with how many of its tools have the risk.
#[derive(Debug, Clone, Serialize)]
struct ServerAtRisk<'a> {
    name: &'a ServerName,
    tools: usize,
    of: usize,
}

/// What the recommended tier begins with for a class at the level.
#[derive(Debug, Clone, Serialize)]
struct ClassRule {
    class: ClassWord,
    rule: RuleWord,
}

#[derive(Serialize)]
struct Asked<'a> {
    figures: &'a Figures,
    risk: RiskWord,
    total: usize,
    on_servers: usize,
    /// Classes that occur, most severe first.
    classes: Vec<ClassCount>,
    attacks: &'a ExposedLines<'a>,
    servers: &'a [ServerAtRisk<'a>],
    rules: Vec<ClassRule>,
}

/// What the first page of a risk says of its tools, which are given by name.
///
/// # Errors
/// A template that does not fit.
pub(super) fn about_risk<'a>(
    work: &WholeWork<'a>,
    risk: Risk,
    tools: impl Iterator<Item = &'a ToolEntry> + Clone,
) -> Result<AboutRisk<'a>, RenderError> {
    const TEMPLATE: &str = "risk-questions.txt";
    let (catalogue, press) = (work.common.catalogue, work.common.press);
    let attacks = exposed_lines(work.common.library, tools.clone().map(|tool| tool.exposed), PATTERNS);
    let mut counts = [0; 4];
    let mut by_server = vec![0_usize; catalogue.servers.len()];
    let mut total = 0;
    for tool in tools {
        total += 1;
        counts
            .iter_mut()
            .zip(Class::ALL)
            .filter(|(_, c)| **c == tool.class)
            .for_each(|(count, _)| *count += 1);
        by_server.get_mut(tool.server as usize).into_iter().for_each(|count| *count += 1);
    }
    let on_servers = by_server.iter().filter(|count| **count > 0).count();
    let mut servers: Vec<(&ServerEntry, usize)> =
        catalogue.servers.iter().zip(by_server).filter(|(_, tools)| *tools > 0).collect();
    // By key where they have equally many.
    servers.sort_by_key(|(_, tools)| Reverse(*tools));
    servers.truncate(SERVERS);
    let at_risk = |(entry, tools): (&'a ServerEntry, usize)| ServerAtRisk {
        name: &entry.name,
        tools,
        of: entry.tool_count,
    };
    let servers: Vec<ServerAtRisk<'a>> = servers.into_iter().map(at_risk).collect();
    let of_class = |(class, count): (&Class, usize)| {
        let rule = || rule_word(rule_at(work, *class, risk));
        (count > 0).then(|| ClassRule { class: class_word(*class), rule: rule() })
    };
    let asked = Asked {
        figures: &work.figures,
        risk: risk_word(risk),
        total,
        on_servers,
        classes: class_counts(counts).into_iter().rev().filter(|class| class.count > 0).collect(),
        attacks: &attacks,
        servers: &servers,
        rules: Class::ALL.iter().zip(counts).filter_map(of_class).collect(),
    };
    let questions = questions(&press.part(TEMPLATE, &Sheet::of(TEMPLATE, &asked)?)?);
    let json_ld = json_ld(&entries(&questions));
    Ok(AboutRisk { attacks, servers, questions, json_ld })
}

/// The recommended rule for a class at a risk, before signals and doubts make it stricter.
pub(super) fn rule_at(work: &WholeWork<'_>, class: Class, risk: Risk) -> Rule {
    let plain =
        Verdict { class, risk, signals: vec![], confidence: 1.0, needs_review: false, evidence: vec![] };
    work.common.numbers.rule_for(Tier::Recommended, &plain).0
}
