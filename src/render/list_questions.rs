//! The questions on the first page of a class and of a signal, answered from the counts of the whole catalogue. Those of a risk are in
//! `risk_page`.

use serde::Serialize;

use super::RenderError;
use super::catalogue::ToolEntry;
use super::control::{RuleWord, rule_word};
use super::exposed_list::{ExposedLines, exposed_lines};
use super::html::Sheet;
use super::lists::Figures;
use super::questions::{Question, entries, json_ld, questions};
use super::risk_page::rule_at;
use super::site_work::WholeWork;
use super::words::{
    ClassCount, ClassWord, RiskCount, RiskWord, SignalWord, base_risk, class_counts, class_word, risk_counts,
    risk_word, signal_word,
};
use crate::model::{Class, Risk, Signal};
use crate::policy::Tier;

/// The questions, printed by themselves.
pub(super) const OF_CLASS: &str = "class-questions.txt";
/// Those of a signal.
pub(super) const OF_SIGNAL: &str = "signal-questions.txt";
/// Patterns that are named.
const PATTERNS: usize = 3;

/// The questions, for readers and for search engines.
#[derive(Debug, Serialize)]
pub(super) struct ListQuestions {
    questions: Vec<Question>,
    json_ld: String,
}

/// Risks for which a tier begins with the same rule.
#[derive(Debug, Serialize)]
struct RiskRule {
    risks: Vec<RiskWord>,
    rule: RuleWord,
}

#[derive(Serialize)]
struct AboutClass<'a> {
    figures: &'a Figures,
    class: ClassWord,
    total: usize,
    on_servers: usize,
    /// Where the risk of its tools begins.
    begins: RiskWord,
    /// Risks that occur, gravest first.
    risks: Vec<RiskCount>,
    rules: Vec<RiskRule>,
}

#[derive(Serialize)]
struct AboutSignal<'a> {
    figures: &'a Figures,
    signal: SignalWord,
    total: usize,
    on_servers: usize,
    /// Classes that occur, most severe first.
    classes: Vec<ClassCount>,
    attacks: ExposedLines<'a>,
    /// What the recommended tier asks for at least.
    least: Option<RuleWord>,
}

/// What is asked about a class.
///
/// # Errors
/// A template that does not fit.
pub(super) fn about_class<'a>(
    work: &WholeWork<'_>,
    class: Class,
    tools: impl Iterator<Item = &'a ToolEntry>,
    on_servers: usize,
) -> Result<ListQuestions, RenderError> {
    let counts = counted(tools.map(|tool| tool.risk), Risk::ALL);
    let mut rules: Vec<RiskRule> = Vec::new();
    for (risk, _) in Risk::ALL.iter().zip(counts).filter(|(_, count)| *count > 0) {
        let rule = rule_word(rule_at(work, class, *risk));
        match rules.iter_mut().find(|known| known.rule == rule) {
            Some(known) => known.risks.push(risk_word(*risk)),
            None => rules.push(RiskRule { risks: vec![risk_word(*risk)], rule }),
        }
    }
    let about = AboutClass {
        figures: &work.figures,
        class: class_word(class),
        total: counts.iter().sum(),
        on_servers,
        begins: risk_word(base_risk(class)),
        risks: risk_counts(counts).into_iter().rev().filter(|risk| risk.count > 0).collect(),
        rules,
    };
    asked(work, OF_CLASS, &about)
}

/// What is asked about a signal.
///
/// # Errors
/// A template that does not fit.
pub(super) fn about_signal<'a>(
    work: &WholeWork<'_>,
    signal: Signal,
    tools: impl Iterator<Item = &'a ToolEntry> + Clone,
    on_servers: usize,
) -> Result<ListQuestions, RenderError> {
    let counts = counted(tools.clone().map(|tool| tool.class), Class::ALL);
    let about = AboutSignal {
        figures: &work.figures,
        signal: signal_word(signal),
        total: counts.iter().sum(),
        on_servers,
        classes: class_counts(counts).into_iter().rev().filter(|class| class.count > 0).collect(),
        attacks: exposed_lines(work.common.library, tools.map(|tool| tool.exposed), PATTERNS),
        least: work.common.numbers.least_for(Tier::Recommended, signal).map(rule_word),
    };
    asked(work, OF_SIGNAL, &about)
}

fn asked(
    work: &WholeWork<'_>,
    template: &'static str,
    about: &impl Serialize,
) -> Result<ListQuestions, RenderError> {
    let questions = questions(&work.common.press.part(template, &Sheet::of(template, about)?)?);
    let json_ld = json_ld(&entries(&questions));
    Ok(ListQuestions { questions, json_ld })
}

/// How often each word of a closed set of four occurs, in their order.
fn counted<T: PartialEq>(words: impl Iterator<Item = T>, all: &[T]) -> [usize; 4] {
    let mut counts = [0; 4];
    for word in words {
        let place = counts.iter_mut().zip(all).find(|(_, other)| **other == word);
        place.into_iter().for_each(|(count, _)| *count += 1);
    }
    counts
}
