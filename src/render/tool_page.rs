//! A tool's page: one verdict, printed in every place that speaks of it.

use std::borrow::Cow;
use std::cell::LazyCell;
use std::sync::OnceLock;

use rayon::prelude::*;
use serde::Serialize;
use serde::ser::SerializeStruct;

use super::catalogue::tool_path;
use super::control::{InView, Policies, control, others as other_formats};
use super::digest::Digest;
use super::exposure::AttackLine;
use super::facts::Facts;
use super::hints::{Hints, hints};
use super::history::{HistoryView, Seen};
use super::html::Markup;
use super::judged::JudgedTool;
use super::kinds::{MadeFrom, Make, PageKind};
use super::name::{ServerName, shown_name, tool_name};
use super::page::root_from;
use super::parameters::{Parameters, Schema, parameters, schema};
use super::quote::{DESCRIPTION_ON_PAGE, Reason, Stretch, deciding, ends_sentence, marked, reasons};
use super::sections::{QuestionsSection, ServerNames, rules_html};
use super::site_work::{Common, ServerWork};
use super::words::{
    ClassWord, Day, RiskWord, SignalWord, base_risk, class_word, day, next_lower, risk_word, signal_word,
};
use super::{RenderError, badge, markdown, twin};
use crate::model::slug::{hash_digits, slug};
use crate::model::text::{is_blank, page_line};
use crate::model::{Signal, Untrusted, Verdict};
use crate::policy::Tier;

mod first_question;
mod kept;
mod neighbours;
mod parameter_lines;
mod parts;
mod reason_lines;

pub(super) use first_question::FirstQuestions;
pub(super) use kept::PartKind;
pub(super) use neighbours::NearLines;
pub(super) use parameter_lines::ParameterKind;
use parts::Rules;
pub(super) use reason_lines::ReasonKind;

/// Longest description that stands in full height, in characters.
const DESCRIPTION_IN_FULL: usize = 1_500;
/// Longest name in a heading.
const NAME_ON_PAGE: usize = 1_000;
/// Longest name inside a sentence.
const NAME_IN_TEXT: usize = 120;

/// Everything a tool's page shows.
#[derive(Serialize)]
pub(super) struct ToolView<'a> {
    pub(super) server: &'a ServerName,
    /// The whole name, for the heading.
    pub(super) full_name: Cow<'a, str>,
    /// The name for sentences.
    pub(super) name: Cow<'a, str>,
    /// Digits of the whole name's hash, where sentences show it shortened or cleaned: another tool's may read the same.
    mark: Option<&'a str>,
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
    /// It sends something to people, which nothing brings back.
    sends: bool,
    /// Where words were found that talk to the model: `description`, `parameter`, `elsewhere`, or empty.
    pub(super) talks: &'static str,
    /// Its author describes it.
    described: bool,
    description: Vec<Stretch<'a>>,
    /// It is so long that it scrolls in a box of its own.
    description_long: bool,
    description_cut: bool,
    /// The description on one line for sentences; empty if there is none.
    pub(super) says: Cow<'a, str>,
    /// It ends in a mark that ends a sentence.
    says_stopped: bool,
    marked_name: Vec<Stretch<'a>>,
    #[serde(serialize_with = "asked")]
    pub(super) facts: &'a Facts,
    pub(super) definition: &'a str,
    /// The beginning of it.
    definition_short: &'a str,
    first_seen: Day,
    /// The definition was seen on another server before this one listed it.
    seen_before: bool,
    pub(super) history: HistoryView,
    pub(super) parameters: Parameters<'a>,
    schema: Option<Schema>,
    #[serde(skip)]
    pub(super) hints: Hints,
    #[serde(skip)]
    pub(super) reasons: Vec<Reason<'a>>,
    reasons_left_out: usize,
    /// Number of the reason that decided; 0 if none did alone.
    deciding: usize,
    pub(super) correction: Option<CorrectionView>,
    others: Vec<OtherView>,
    pub(super) control: InView<'a>,
    pub(super) total: usize,
    /// Name of the page's file without its ending.
    file: &'a str,
    #[serde(skip)]
    pub(super) attacks: Vec<AttackLine<'a>>,
}

/// What the page itself says of them; the sections that say more are printed once for all tools of a server.
fn asked<S: serde::Serializer>(facts: &&Facts, to: S) -> Result<S::Ok, S::Error> {
    let mut fields = to.serialize_struct("Facts", 2)?;
    fields.serialize_field("version", &facts.version)?;
    fields.serialize_field("asked", &facts.asked)?;
    fields.end()
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
        "parts/hints.html",
        "parts/attacks.html",
        "parts/verdict.html",
        "parts/signals.html",
        "parts/asked.html",
        "parts/near.html",
        "parts/parameter.html",
        "parts/reason.html",
    ],
    made_from: MadeFrom::Tool,
    counts: false,
    make: Make::Server(tools),
};

/// The pages of all tools of a server; those of a large one are spread over the threads.
fn tools(work: &ServerWork<'_>) -> Result<(), RenderError> {
    let (Some(judged), Some(policies)) = (work.judged, work.policies) else { return Ok(()) };
    let pages = ToolPages {
        facts: work.facts(),
        seen: Seen::new(&work.rows.history),
        work,
        judged,
        policies,
        names: ServerNames::plain(policies).filter(|_| !work.common.press.twins.md),
        provider: OnceLock::new(),
        asked: OnceLock::new(),
    };
    judged.par_iter().enumerate().try_for_each(|(place, tool)| pages.write(place, tool))
}

/// What all tool pages of one server share.
struct ToolPages<'a> {
    work: &'a ServerWork<'a>,
    judged: &'a [JudgedTool],
    policies: &'a Policies,
    facts: &'a Facts,
    seen: Seen<'a>,
    /// Where stencils will do. Markdown twins want the documents themselves.
    names: Option<ServerNames<'a>>,
    /// The last question, once it was asked of one of them.
    provider: OnceLock<Option<QuestionsSection>>,
    /// How the server was asked, once it was printed.
    asked: OnceLock<Markup>,
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
        let file = slug(name);
        let path = tool_path(&entry.name.path, &file);
        let similar = self.work.similar(place);
        let inputs = self.work.tool_inputs(place, similar);
        press.twin_text(unit, &path, inputs, || {
            Ok(twin::tool_text(entry, tool, rule, self.facts, &self.attacks(place), &path))
        })?;
        let severity = (tool.verdict.class, tool.verdict.risk);
        press.beside(
            "svg",
            unit,
            &path,
            || Digest::of(&severity),
            || badge::tool(class_word(severity.0), risk_word(severity.1)),
        )?;
        let root = root_from(&path);
        let whole = || {
            let control = control(self.policies, name).expect("the policy of each tier names the tool");
            self.view((place, &file), tool, InView::Whole(Box::new(control)))
        };
        let printed = |view: &ToolView<'_>| {
            let control = view.control.whole().expect("nothing was printed before");
            let rules = rules_html(press, &view.name, control, &root)?;
            let mut sheet = self.sheet(tool, view, Rules::Printed(&rules))?;
            self.put_kept((place, view), &tool.verdict, &root, &mut sheet)?;
            self.put_near(place, similar, severity, &mut sheet)?;
            Ok(sheet)
        };
        if let Some(plain) = self.names.as_ref().and_then(|names| names.tool(self.policies, name)) {
            return press.page_on("tool.html", &KIND, unit, &path, inputs, || {
                let Some(rules) = press.sections.rules(press, &plain, &root)? else {
                    return printed(&whole());
                };
                let others = if press.twins.policies { other_formats() } else { &[] };
                let control = InView::Printed { key: plain.key(), others };
                let view = self.view((place, &file), tool, control);
                self.compare(&view, (&plain, &rules), &root)?;
                let mut sheet = self.sheet(tool, &view, Rules::Filled(&plain, &rules))?;
                self.put_kept((place, &view), &tool.verdict, &root, &mut sheet)?;
                self.put_near(place, similar, severity, &mut sheet)?;
                Ok(sheet)
            });
        }
        // Made for the first of its files that is not what it was.
        let view = LazyCell::new(whole);
        press.beside("md", unit, &path, || inputs, || markdown::tool(&view))?;
        press.page_on("tool.html", &KIND, unit, &path, inputs, || printed(&view))
    }

    fn view<'a>(
        &'a self,
        (place, file): (usize, &'a str),
        tool: &'a JudgedTool,
        control: InView<'a>,
    ) -> ToolView<'a> {
        let Verdict { class, risk, ref signals, confidence, needs_review, .. } = *tool.verdict;
        let definition = &tool.definition;
        let description = definition.description().unwrap_or_default();
        let evidence = &tool.by_rules.evidence;
        let rules = self.work.common.rules;
        let (reasons, reasons_left_out) = reasons(definition, evidence, rules);
        let described = !is_blank(description);
        let description_long = description.chars().count() > DESCRIPTION_IN_FULL;
        let (stretches, description_cut) = if described {
            marked(description, "/description", evidence, DESCRIPTION_ON_PAGE)
        } else {
            (Vec::new(), false)
        };
        let says = if described { page_line(description, 200) } else { "".into() };
        let name = shown_name(definition.name(), NAME_IN_TEXT);
        let hash = definition.hash().as_str();
        let history = self.seen.of(tool, self.judged, self.facts, rules);
        ToolView {
            server: &self.work.entry.name,
            full_name: shown_name(definition.name(), NAME_ON_PAGE),
            title: definition.title().map(|t| tool_name(t, 300)).filter(|t| *t != *name && !t.is_empty()),
            mark: (*name != *definition.name()).then(|| hash_digits(file)),
            name,
            class: class_word(class),
            lower: next_lower(class).map(class_word),
            risk: risk_word(risk),
            base: risk_word(base_risk(class)),
            signals: signals.iter().copied().map(signal_word).collect(),
            confidence: format!("{confidence:.2}"),
            sureness: sureness(confidence),
            needs_review,
            sends: signals.contains(&Signal::OutboundMessage),
            talks: talks(&tool.verdict, &reasons),
            described,
            description: stretches,
            description_long,
            description_cut,
            says_stopped: ends_sentence(&says),
            says,
            marked_name: marked(definition.name(), "/name", evidence, NAME_ON_PAGE).0,
            facts: self.facts,
            definition: hash,
            definition_short: hash.get(..16).unwrap_or(hash),
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
            file,
            attacks: self.attacks(place),
        }
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
