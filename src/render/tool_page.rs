//! A tool's page: one verdict, printed in every place that speaks of it.

use std::cell::LazyCell;
use std::sync::OnceLock;

use rayon::prelude::*;
use serde::Serialize;

use super::catalogue::{ToolEntry, tool_path};
use super::control::{Control, Policies, control};
use super::digest::Digest;
use super::exposure::{AttackLine, attack_lines};
use super::facts::{Facts, facts};
use super::hints::{Hints, hints};
use super::history::{HistoryView, Seen};
use super::judged::JudgedTool;
use super::kinds::{MadeFrom, Make, PageKind};
use super::name::{ServerName, tool_name};
use super::page::root_from;
use super::parameters::{Parameters, Schema, parameters, schema};
use super::quote::{DESCRIPTION_ON_PAGE, Reason, Stretch, deciding, marked, reasons};
use super::sections::{QuestionsSection, ServerNames, rules_html};
use super::site_work::{Common, ServerWork};
use super::words::{
    ClassWord, Day, RiskWord, SignalWord, base_risk, class_word, day, next_lower, risk_word, signal_word,
};
use super::{RenderError, badge, markdown, twin};
use crate::model::slug::slug;
use crate::model::{Signal, Untrusted, Verdict};
use crate::policy::Tier;

mod parts;

/// Longest description that stands in full height, in characters.
const DESCRIPTION_IN_FULL: usize = 1_500;
/// Other tools of the same server that are named.
const SIBLINGS: usize = 6;
/// Longest name in a heading.
const NAME_ON_PAGE: usize = 1_000;
/// Longest name inside a sentence.
const NAME_IN_TEXT: usize = 120;

/// Everything a tool's page shows.
#[derive(Serialize)]
pub(super) struct ToolView<'a> {
    pub(super) server: &'a ServerName,
    /// The whole name, for the heading.
    pub(super) full_name: String,
    /// The name for sentences.
    pub(super) name: String,
    pub(super) title: Option<String>,
    pub(super) class: ClassWord,
    lower: Option<ClassWord>,
    pub(super) risk: RiskWord,
    base: RiskWord,
    pub(super) signals: Vec<SignalWord>,
    pub(super) confidence: String,
    /// `sure`, `likely`, `unsure` or `unknown`.
    sureness: &'static str,
    pub(super) needs_review: bool,
    /// Where words were found that talk to the model: `description`, `parameter`, `elsewhere`, or empty.
    pub(super) talks: &'static str,
    /// Its author describes it.
    described: bool,
    description: Vec<Stretch>,
    /// It is so long that it scrolls in a box of its own.
    description_long: bool,
    description_cut: bool,
    /// The description on one line for sentences; empty if there is none.
    pub(super) says: String,
    /// It ends in a mark that ends a sentence.
    says_stopped: bool,
    marked_name: Vec<Stretch>,
    pub(super) facts: &'a Facts,
    pub(super) definition: String,
    /// The beginning of it.
    definition_short: String,
    first_seen: Day,
    /// The definition was seen on another server before this one listed it.
    seen_before: bool,
    pub(super) history: HistoryView,
    pub(super) parameters: Parameters,
    schema: Option<Schema>,
    pub(super) hints: Hints,
    pub(super) reasons: Vec<Reason<'a>>,
    reasons_left_out: usize,
    /// Number of the reason that decided; 0 if none did alone.
    deciding: usize,
    pub(super) correction: Option<CorrectionView>,
    others: Vec<OtherView>,
    pub(super) control: Control,
    pub(super) total: usize,
    siblings: Vec<Near>,
    /// Similar tools on other servers with the same class and risk.
    alike: Vec<Near>,
    /// Those that do less harm.
    safer: Vec<Near>,
    /// Those that do more.
    riskier: Vec<Near>,
    /// Name of the page's file without its ending.
    file: String,
    pub(super) attacks: Vec<AttackLine<'a>>,
}

/// Another tool that the page names.
#[derive(Debug, Clone, Serialize)]
struct Near {
    name: String,
    /// Of a tool of the same server the file beside this one, of others the path from the root.
    path: String,
    class: ClassWord,
    risk: RiskWord,
    /// Its server's key; empty for the same server.
    server: String,
}

/// Another definition under the same name.
#[derive(Debug, Clone, Serialize)]
struct OtherView {
    class: ClassWord,
    risk: RiskWord,
    line: String,
    definition: String,
}

/// A tool.
pub(super) const KIND: PageKind = PageKind {
    id: "tool",
    path: "servers/{registry}/{name}/tools/{tool}.html",
    templates: &[
        "tool.html",
        "faq.txt",
        "faq-rules.txt",
        "faq-server.txt",
        "parts/rules.html",
        "parts/questions.html",
    ],
    made_from: MadeFrom::Tool,
    counts: false,
    make: Make::Server(tools),
};

/// The pages of all tools of a server; those of a large one are spread over the threads.
fn tools(work: &ServerWork<'_>) -> Result<(), RenderError> {
    let (Some(judged), Some(policies)) = (work.judged, work.policies) else { return Ok(()) };
    let pages = ToolPages {
        facts: facts(work.entry.key(), &work.rows.shown, work.rows.chosen()),
        seen: Seen::new(&work.rows.history),
        work,
        judged,
        policies,
        names: ServerNames::plain(policies).filter(|_| !work.common.press.twins.md),
        provider: OnceLock::new(),
    };
    judged.par_iter().enumerate().try_for_each(|(place, tool)| pages.write(place, tool))
}

/// What all tool pages of one server share.
struct ToolPages<'a> {
    work: &'a ServerWork<'a>,
    judged: &'a [JudgedTool],
    policies: &'a Policies,
    facts: Facts,
    seen: Seen<'a>,
    /// Where stencils will do. Markdown twins want the documents themselves.
    names: Option<ServerNames<'a>>,
    /// The last question, once it was asked of one of them.
    provider: OnceLock<Option<QuestionsSection>>,
}

impl ToolPages<'_> {
    /// Makes the page of one tool, by its place among the server's tools, and its twins.
    fn write(&self, place: usize, tool: &JudgedTool) -> Result<(), RenderError> {
        let Common { press, .. } = self.work.common;
        let name = tool.definition.name();
        let (entry, unit) = (self.work.entry, self.work.unit);
        let no_policy = || RenderError::NoPolicy {
            server: entry.key().to_string(),
            tool: Untrusted::new(name).for_terminal(80),
        };
        let rule = self.policies.of(Tier::Recommended).tool(name).ok_or_else(no_policy)?;
        if !Tier::ALL.iter().all(|tier| self.policies.of(*tier).tool(name).is_some()) {
            return Err(no_policy());
        }
        let path = tool_path(&entry.name.path, &slug(name));
        let inputs = self.work.tool_inputs(place);
        press.twin(unit, &path, inputs, || Ok(twin::ToolTwin::new(entry, tool, rule, &self.facts, &path)))?;
        press.beside("svg", unit, &path, Digest::of(&(tool.verdict.class, tool.verdict.risk)), || {
            badge::tool(class_word(tool.verdict.class), risk_word(tool.verdict.risk))
        })?;
        let root = root_from(&path);
        if let Some(plain) = self.names.as_ref().and_then(|names| names.tool(self.policies, name)) {
            return press.page_on("tool.html", &KIND, unit, &path, inputs, || {
                let (control, html) = press.sections.rules(press, &plain, &root)?;
                let view = self.view(place, tool, control);
                self.compare(&view, &html, &root)?;
                self.sheet(tool, &view, &html, Some(&plain))
            });
        }
        // Made for the first of its files that is not what it was.
        let view = LazyCell::new(|| {
            let control = control(self.policies, name).expect("the policy of each tier names the tool");
            self.view(place, tool, control)
        });
        press.beside("md", unit, &path, inputs, || markdown::tool(&view))?;
        press.page_on("tool.html", &KIND, unit, &path, inputs, || {
            let html = rules_html(press, &view.name, &view.control, &root)?;
            self.sheet(tool, &view, &html, None)
        })
    }

    fn view<'a>(&'a self, place: usize, tool: &'a JudgedTool, control: Control) -> ToolView<'a> {
        let Verdict { class, risk, ref signals, confidence, needs_review, .. } = tool.verdict;
        let definition = &tool.definition;
        let description = Untrusted::new(definition.description().unwrap_or_default());
        let evidence = &tool.by_rules.evidence;
        let rules = self.work.common.rules;
        let (reasons, reasons_left_out) = reasons(definition, evidence, rules);
        let described = !description.is_blank();
        let description_long = description.raw().chars().count() > DESCRIPTION_IN_FULL;
        let (stretches, description_cut) = if described {
            marked(description.raw(), "/description", evidence, DESCRIPTION_ON_PAGE)
        } else {
            (Vec::new(), false)
        };
        let says = if described { description.for_page_line(200) } else { String::new() };
        let name = tool_name(definition.name(), NAME_IN_TEXT);
        let path = slug(definition.name());
        let history = self.seen.of(tool, self.judged, &self.facts, rules);
        let [alike, safer, riskier] = self.similar_to(place, (risk_word(risk).step, class_word(class).step));
        ToolView {
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
            talks: talks(&tool.verdict, &reasons),
            described,
            description: stretches,
            description_long,
            description_cut,
            says_stopped: ends_sentence(&says),
            says,
            marked_name: marked(definition.name(), "/name", evidence, NAME_ON_PAGE).0,
            facts: &self.facts,
            definition: definition.hash().to_string(),
            definition_short: definition.hash().to_string().chars().take(16).collect(),
            first_seen: day(tool.first_seen),
            seen_before: history.begun.is_some_and(|begun| tool.first_seen < begun),
            history,
            parameters: parameters(definition, evidence),
            schema: schema(definition),
            hints: hints(definition, &tool.verdict),
            deciding: deciding(&reasons, class).unwrap_or_default(),
            reasons,
            reasons_left_out,
            correction: correction(tool),
            others: others(tool),
            control,
            total: self.work.entry.tool_count,
            siblings: self.siblings(place),
            alike,
            safer,
            riskier,
            file: path,
            attacks: self.attacks(place),
        }
    }

    /// The tools around this one in the server's own order: what is listed together mostly belongs together.
    fn siblings(&self, place: usize) -> Vec<Near> {
        let catalogue = self.work.common.catalogue;
        let tools = catalogue.tools_of(self.work.entry);
        let last_start = tools.len().saturating_sub(SIBLINGS + 1);
        let start = place.saturating_sub(SIBLINGS / 2).min(last_start);
        let near = tools.iter().enumerate().skip(start).take(SIBLINGS + 1);
        let near = near.filter(|(i, _)| *i != place).take(SIBLINGS);
        let file = |tool| format!("{}.html", slug(catalogue.name_of(tool)));
        near.map(|(_, tool)| self.near(tool, file(tool), String::new())).collect()
    }

    fn attacks(&self, place: usize) -> Vec<AttackLine<'_>> {
        let Common { catalogue, library, .. } = self.work.common;
        let tool = catalogue.tools_of(self.work.entry).get(place);
        attack_lines(library, tool.map(|tool| tool.exposed).unwrap_or_default())
    }

    /// Similar tools of other servers: as severe as this one, less, more.
    fn similar_to(&self, place: usize, own: (usize, usize)) -> [Vec<Near>; 3] {
        let Common { catalogue, similar, .. } = self.work.common;
        let mut lists = [Vec::new(), Vec::new(), Vec::new()];
        let [alike, safer, riskier] = &mut lists;
        for place in similar.to(catalogue, self.work.entry.first_tool + place) {
            let Some(tool) = catalogue.tools.get(place) else { continue };
            let Some(server) = catalogue.servers.get(tool.server as usize) else { continue };
            let path = tool_path(&server.name.path, &slug(catalogue.name_of(tool)));
            let line = self.near(tool, path, server.name.key.clone());
            match (line.risk.step, line.class.step).cmp(&own) {
                std::cmp::Ordering::Equal => alike.push(line),
                std::cmp::Ordering::Less => safer.push(line),
                std::cmp::Ordering::Greater => riskier.push(line),
            }
        }
        lists
    }

    fn near(&self, tool: &ToolEntry, path: String, server: String) -> Near {
        let name = tool_name(self.work.common.catalogue.name_of(tool), NAME_IN_TEXT);
        Near { name, path, class: class_word(tool.class), risk: risk_word(tool.risk), server }
    }
}

/// Where the words stand that talk to the model, if the verdict says that there are some.
fn talks(verdict: &Verdict, reasons: &[Reason<'_>]) -> &'static str {
    let id = signal_word(Signal::DescriptionInjection).id;
    if !verdict.signals.contains(&Signal::DescriptionInjection) {
        return "";
    }
    match reasons.iter().find(|r| r.signal.is_some_and(|s| s.id == id)).map(|r| r.place) {
        Some("description") => "description",
        Some("parameter") => "parameter",
        _ => "elsewhere",
    }
}

#[derive(Debug, Clone, Serialize)]
pub(super) struct CorrectionView {
    /// The rules say the same.
    pub(super) agrees: bool,
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

impl CorrectionView {
    /// Who and when, for Markdown.
    pub(super) fn by(&self) -> String {
        let who = crate::model::emit::for_markdown(&Untrusted::new(self.who.as_str()), 100);
        format!("by {who} on {}", self.made.iso)
    }
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
}
