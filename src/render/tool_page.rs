//! A tool's page: one verdict, printed in every place that speaks of it.

use rayon::prelude::*;
use serde::Serialize;
use serde_json::json;

use super::RenderError;
use super::catalogue::{ToolLine, tool_path};
use super::control::{FormatView, Launch, RuleWord, launch, rule_word, tool_formats};
use super::digest::Digest;
use super::exposure::{AttackLine, attack_lines};
use super::facts::{Facts, facts};
use super::html::Sheet;
use super::judged::JudgedTool;
use super::kinds::{MadeFrom, Make, PageKind};
use super::name::{ServerName, tool_name};
use super::parameters::{Parameters, parameters};
use super::quote::{Reason, Stretch, deciding, marked, reasons};
use super::site_work::{Common, ServerWork};
use super::twin;
use super::words::{
    ClassWord, Day, RiskWord, SignalWord, base_risk, class_word, day, next_lower, risk_word, signal_word,
};
use crate::model::slug::slug;
use crate::model::{Untrusted, Verdict};
use crate::policy::{ServerPolicy, ToolPolicy};

/// Other tools of the same server that are named.
const SIBLINGS: usize = 10;
/// Longest name in a heading.
const NAME_ON_PAGE: usize = 1_000;
/// Longest name inside a sentence.
const NAME_IN_TEXT: usize = 120;

#[derive(Serialize)]
struct ToolView<'a> {
    server: &'a ServerName,
    /// The whole name, for the heading.
    full_name: String,
    /// The name for sentences.
    name: String,
    title: Option<String>,
    class: ClassWord,
    lower: Option<ClassWord>,
    risk: RiskWord,
    base: RiskWord,
    signals: Vec<SignalWord>,
    confidence: String,
    /// `sure`, `likely`, `unsure` or `unknown`.
    sureness: &'static str,
    needs_review: bool,
    description: Vec<Stretch>,
    description_cut: bool,
    /// The description on one line for sentences; empty if there is none.
    says: String,
    /// It ends in a mark that ends a sentence.
    says_stopped: bool,
    marked_name: Vec<Stretch>,
    facts: &'a Facts,
    definition: String,
    first_seen: Day,
    parameters: Parameters,
    hints: Vec<HintView>,
    reasons: Vec<Reason>,
    reasons_left_out: usize,
    deciding: Option<Reason>,
    correction: Option<CorrectionView>,
    others: Vec<OtherView>,
    rule: RuleWord,
    /// Every format does what the rule says.
    same_everywhere: bool,
    formats: Vec<FormatView>,
    launch: &'a Launch,
    total: usize,
    siblings: Vec<ToolLine>,
    similar: Vec<ToolLine>,
    attacks: Vec<AttackLine<'a>>,
}

/// An author's hint, as stated.
#[derive(Debug, Clone, Serialize)]
struct HintView {
    name: &'static str,
    value: bool,
}

#[derive(Debug, Clone, Serialize)]
struct CorrectionView {
    /// The rules say the same.
    agrees: bool,
    who: String,
    why: String,
    why_stopped: bool,
    made: Day,
    /// What the rules said.
    class: ClassWord,
    risk: RiskWord,
    signals: Vec<SignalWord>,
    /// The correction changes the signals, too.
    other_signals: bool,
}

/// Another definition under the same name.
#[derive(Debug, Clone, Serialize)]
struct OtherView {
    class: ClassWord,
    risk: RiskWord,
    line: String,
    definition: String,
}

/// One question with its answer, plain text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Question {
    question: String,
    answer: String,
}

/// A tool.
pub(super) const KIND: PageKind = PageKind {
    id: "tool",
    path: "servers/{registry}/{name}/tools/{tool}.html",
    templates: &["tool.html", "faq.txt"],
    made_from: MadeFrom::Tool,
    counts: false,
    make: Make::Server(tools),
};

/// The pages of all tools of a server; those of a large one are spread over the threads.
fn tools(work: &ServerWork<'_>) -> Result<(), RenderError> {
    let (Some(judged), Some(policy)) = (work.judged, work.policy) else { return Ok(()) };
    let pages = ToolPages {
        facts: facts(work.entry.key(), &work.rows.shown, work.rows.chosen()),
        launch: launch(work.entry.key(), &work.rows.shown, work.rows.chosen()),
        lines: work
            .common
            .catalogue
            .tools_of(work.entry)
            .iter()
            .map(|tool| work.common.catalogue.tool_line(tool, false))
            .collect::<std::io::Result<_>>()?,
        work,
        policy,
    };
    judged.par_iter().enumerate().try_for_each(|(place, tool)| pages.write(place, tool))
}

/// What all tool pages of one server share.
struct ToolPages<'a> {
    work: &'a ServerWork<'a>,
    policy: &'a ServerPolicy,
    facts: Facts,
    launch: Launch,
    /// The server's tools as lists show them.
    lines: Vec<ToolLine>,
}

impl ToolPages<'_> {
    /// Makes the page of one tool, by its place among the server's tools, and its twin.
    fn write(&self, place: usize, tool: &JudgedTool) -> Result<(), RenderError> {
        let Common { press, .. } = self.work.common;
        let name = tool.definition.name();
        let entry = self.work.entry;
        let Some(rule) = self.policy.tool(name) else {
            return Err(RenderError::NoPolicy {
                server: entry.key().to_string(),
                tool: Untrusted::new(name).for_terminal(80),
            });
        };
        let view = self.view(place, tool, rule)?;
        let path = tool_path(&entry.name.path, &slug(name));
        let inputs = Digest::of(&view);
        press.twin(self.work.unit, &path, inputs, || {
            Ok(twin::ToolTwin::new(entry, tool, rule, view.facts, &path))
        })?;
        press.page_on("tool.html", &KIND, self.work.unit, &path, inputs, || {
            let mut sheet = Sheet::of("tool.html", &view)?;
            let questions = questions(&press.engine.text("faq.txt", &sheet)?);
            sheet.set("json_ld", &json_ld(&questions));
            sheet.set("questions", &questions);
            Ok(sheet)
        })
    }

    fn view(&self, place: usize, tool: &JudgedTool, rule: &ToolPolicy) -> Result<ToolView<'_>, RenderError> {
        let Verdict { class, risk, ref signals, confidence, needs_review, .. } = tool.verdict;
        let definition = &tool.definition;
        let description = Untrusted::new(definition.description().unwrap_or_default());
        let evidence = &tool.by_rules.evidence;
        let (reasons, reasons_left_out) = reasons(definition, evidence, self.work.common.rules);
        let blank = description.is_blank();
        let (stretches, description_cut) =
            if blank { (Vec::new(), false) } else { marked(description.raw(), "/description", evidence) };
        let says = if blank { String::new() } else { description.for_page_line(300) };
        let decided = deciding(&reasons, class);
        let name = tool_name(definition.name(), NAME_IN_TEXT);
        let formats = tool_formats(self.policy, rule, &self.work.entry.name.path);
        let wanted = rule_word(rule.rule);
        Ok(ToolView {
            server: &self.work.entry.name,
            full_name: tool_name(definition.name(), NAME_ON_PAGE),
            title: definition.title().map(|t| tool_name(t, 300)).filter(|t| *t != name && !t.is_empty()),
            name,
            class: class_word(class),
            lower: next_lower(class).map(class_word),
            risk: risk_word(risk),
            base: risk_word(base_risk(class)),
            signals: signals.iter().copied().map(signal_word).collect(),
            confidence: format!("{confidence:.2}"),
            sureness: sureness(confidence),
            needs_review,
            description: stretches,
            description_cut,
            says_stopped: ends_sentence(&says),
            says,
            marked_name: marked(definition.name(), "/name", evidence).0,
            facts: &self.facts,
            definition: definition.hash().to_string(),
            first_seen: day(tool.first_seen),
            parameters: parameters(definition),
            hints: hints(tool),
            deciding: decided.and_then(|n| reasons.iter().find(|r| r.number == n)).cloned(),
            reasons,
            reasons_left_out,
            correction: correction(tool),
            others: others(tool),
            same_everywhere: formats.iter().all(|f| f.rule == Some(wanted)),
            rule: wanted,
            formats,
            launch: &self.launch,
            total: self.work.entry.tool_count,
            siblings: self.siblings(place),
            similar: self.similar_to(place)?,
            attacks: self.attacks(place),
        })
    }

    /// The tools around this one in the server's own order: what is listed together mostly belongs together.
    fn siblings(&self, place: usize) -> Vec<ToolLine> {
        let last_start = self.lines.len().saturating_sub(SIBLINGS + 1);
        let start = place.saturating_sub(SIBLINGS / 2).min(last_start);
        let near = self.lines.iter().enumerate().skip(start).take(SIBLINGS + 1);
        near.filter(|(i, _)| *i != place).take(SIBLINGS).map(|(_, line)| line.clone()).collect()
    }

    fn attacks(&self, place: usize) -> Vec<AttackLine<'_>> {
        let Common { catalogue, library, .. } = self.work.common;
        let tool = catalogue.tools_of(self.work.entry).get(place);
        attack_lines(library, tool.map(|tool| tool.exposed).unwrap_or_default())
    }

    fn similar_to(&self, place: usize) -> std::io::Result<Vec<ToolLine>> {
        let Common { catalogue, similar, .. } = self.work.common;
        let tools = similar.to(catalogue, self.work.entry.first_tool + place);
        let tools = tools.into_iter().filter_map(|i| catalogue.tools.get(i));
        tools.map(|tool| catalogue.tool_line(tool, true)).collect()
    }
}

fn hints(tool: &JudgedTool) -> Vec<HintView> {
    let names = ["readOnlyHint", "destructiveHint", "idempotentHint", "openWorldHint"];
    let stated = |name: &'static str| Some(HintView { name, value: tool.definition.hint(name)? });
    names.into_iter().filter_map(stated).collect()
}

fn correction(tool: &JudgedTool) -> Option<CorrectionView> {
    let correction = tool.correction.as_ref()?;
    let why = Untrusted::new(correction.why.as_str()).for_page_line(500);
    let (rules, now) = (&tool.by_rules, &tool.verdict);
    let other_signals = rules.signals != now.signals;
    Some(CorrectionView {
        agrees: (rules.class, rules.risk) == (now.class, now.risk) && !other_signals,
        who: Untrusted::new(correction.who.as_str()).for_page_line(100),
        why_stopped: ends_sentence(&why),
        why,
        made: day(correction.made_at),
        class: class_word(rules.class),
        risk: risk_word(rules.risk),
        signals: rules.signals.iter().copied().map(signal_word).collect(),
        other_signals,
    })
}

fn others(tool: &JudgedTool) -> Vec<OtherView> {
    let shown = tool.others.iter().take(10);
    let view = |other: &super::judged::OtherDefinition| OtherView {
        class: class_word(other.verdict.class),
        risk: risk_word(other.verdict.risk),
        line: Untrusted::new(other.definition.description().unwrap_or_default()).for_page_line(300),
        definition: other.definition.hash().to_string(),
    };
    shown.map(view).collect()
}

fn sureness(confidence: f64) -> &'static str {
    match confidence {
        c if c >= 0.9 => "sure",
        c if c >= 0.7 => "likely",
        c if c >= 0.5 => "unsure",
        _ => "unknown",
    }
}

fn ends_sentence(text: &str) -> bool {
    let text = text.trim_end_matches(['"', '\'', ')', '”', '’', '*', '`', ' ']);
    text.ends_with(['.', '!', '?', '…', '。', '！', '？', ':', ';'])
}

/// `faq.txt` begins a question with `Q:` and its answer with `A:`; other lines go on with what was begun.
/// Foreign text in it has no line feeds, so it cannot begin either.
fn questions(text: &str) -> Vec<Question> {
    let mut list: Vec<Question> = Vec::new();
    let mut in_answer = false;
    for line in text.lines() {
        let (begins, rest) = match (line.strip_prefix("Q:"), line.strip_prefix("A:")) {
            (Some(question), _) => (Some(false), question),
            (_, Some(answer)) => (Some(true), answer),
            _ => (None, line),
        };
        in_answer = begins.unwrap_or(in_answer);
        if begins == Some(false) {
            list.push(Question { question: String::new(), answer: String::new() });
        }
        let Some(last) = list.last_mut() else { continue };
        let text = if in_answer { &mut last.answer } else { &mut last.question };
        for word in rest.split_whitespace() {
            if !text.is_empty() {
                text.push(' ');
            }
            text.push_str(word);
        }
    }
    list
}

/// The same questions for search engines. Source: schema.org, FAQPage.
fn json_ld(questions: &[Question]) -> String {
    let entries: Vec<serde_json::Value> = questions
        .iter()
        .map(|q| {
            json!({
                "@type": "Question",
                "name": q.question,
                "acceptedAnswer": { "@type": "Answer", "text": q.answer },
            })
        })
        .collect();
    json!({ "@context": "https://schema.org", "@type": "FAQPage", "mainEntity": entries }).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sentence_that_ended_gets_no_second_full_stop() {
        for text in ["Done.", "Done!", "Done?)", "“Done.”", "Done…"] {
            assert!(ends_sentence(text), "{text}");
        }
        assert!(!ends_sentence("Done") && !ends_sentence("Done)") && !ends_sentence(""));
    }

    #[test]
    fn questions_and_answers_come_in_turn() {
        let list = questions("\nQ: Q1?\nA: A  1\n and more\n\nQ: Q2?\nA: A2\n");
        let shown: Vec<_> = list.iter().map(|q| (q.question.as_str(), q.answer.as_str())).collect();
        assert_eq!(shown, [("Q1?", "A 1 and more"), ("Q2?", "A2")]);
    }
}
