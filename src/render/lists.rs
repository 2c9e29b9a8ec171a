//! Pages that list: home, classes, risks, all servers, servers that did not answer. Long ones come in parts.

use std::cell::LazyCell;

use jiff::Timestamp;
use rayon::prelude::*;
use serde::Serialize;

use super::RenderError;
use super::catalogue::{Catalogue, ServerEntry, ServerLine, ToolEntry};
use super::digest::{Digest, Inputs};
use super::kinds::{MadeFrom, Make, PageKind};
use super::list_questions::{self, ListQuestions, about_class, about_signal};
use super::page::{Pager, parts};
use super::risk_page::{AboutRisk, about_risk};
use super::site_work::WholeWork;
use super::tool_lines::LINE;
use super::twin;
use super::words::{
    ClassCount, ClassWord, Day, RiskCount, RiskWord, SignalWord, class_counts, class_word, day, risk_counts,
    risk_word, signal_word,
};
use crate::model::text::page_line;
use crate::model::{Class, Outcome, Risk, Signal};

/// Longest name of an example on the home page.
const EXAMPLE_NAME: usize = 60;
/// Lines of a list on one page.
const TOOLS_ON_PAGE: usize = 200;
const SERVERS_ON_PAGE: usize = 200;
/// Servers on the home page.
const SERVERS_ON_HOME: usize = 60;

const fn list(
    id: &'static str,
    path: &'static str,
    templates: &'static [&'static str],
    make: Make,
) -> PageKind {
    PageKind { id, path, templates, made_from: MadeFrom::Catalogue, counts: true, make }
}

/// The first page.
pub(super) const HOME: PageKind = list("home", "index.html", &["home.html", LINE], Make::Whole(home));
/// Tools of one class.
pub(super) const CLASS: PageKind = list(
    "class",
    "classes/{class}.html, classes/{class}/{part}.html",
    &["class.html", LINE, list_questions::OF_CLASS],
    Make::Whole(classes),
);
/// Tools of one risk.
pub(super) const RISK: PageKind = list(
    "risk",
    "risks/{risk}.html, risks/{risk}/{part}.html",
    &["risk.html", LINE, "risk-questions.txt"],
    Make::Whole(risks),
);
/// Tools with one signal.
pub(super) const SIGNAL: PageKind = list(
    "signal",
    "signals/{signal}.html, signals/{signal}/{part}.html",
    &["signal.html", LINE, list_questions::OF_SIGNAL],
    Make::Whole(signals),
);
/// All servers.
pub(super) const SERVERS: PageKind = list(
    "servers",
    "servers/index.html, servers/all/{part}.html",
    &["servers.html"],
    Make::Whole(all_servers),
);
/// Servers that did not answer.
pub(super) const QUIET: PageKind = list(
    "quiet",
    "servers/unanswered.html, servers/unanswered/{part}.html",
    &["quiet.html"],
    Make::Whole(quiet_servers),
);

/// Figures that several lists show.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Figures {
    tools: usize,
    servers: usize,
    answered: usize,
    quiet: usize,
    classes: Vec<ClassCount>,
    risks: Vec<RiskCount>,
    signals: Vec<SignalCount>,
    as_of: Option<Day>,
    /// True if there are servers of which only declared lists are known.
    has_declared: bool,
}

/// A signal and how many tools have it.
#[derive(Debug, Clone, Serialize)]
pub(super) struct SignalCount {
    #[serde(flatten)]
    signal: SignalWord,
    count: usize,
}

fn signal_counts(catalogue: &Catalogue) -> Vec<SignalCount> {
    let mut counts = vec![0; Signal::ALL.len()];
    for tool in &catalogue.tools {
        for (i, count) in counts.iter_mut().enumerate() {
            *count += usize::from(tool.signals & (1 << i) != 0);
        }
    }
    let pairs = Signal::ALL.iter().zip(counts);
    pairs.map(|(signal, count)| SignalCount { signal: signal_word(*signal), count }).collect()
}

impl Figures {
    /// Counts once for all lists.
    pub(super) fn new(catalogue: &Catalogue, as_of: Option<Timestamp>, has_declared: bool) -> Self {
        let answered = catalogue.servers.iter().filter(|s| s.answered()).count();
        Self {
            tools: catalogue.tools.len(),
            servers: catalogue.servers.len(),
            answered,
            quiet: catalogue.servers.len() - answered,
            classes: class_counts(catalogue.classes()),
            risks: risk_counts(catalogue.risks()),
            signals: signal_counts(catalogue),
            as_of: as_of.map(day),
            has_declared,
        }
    }
}

impl Figures {
    /// The catalogue as structured data.
    pub(super) fn dataset(&self, base: Option<&url::Url>, files: bool) -> String {
        let as_of = self.as_of.as_ref().map(|day| day.iso.as_str());
        super::structured::dataset((self.tools, self.answered), as_of, base, files)
    }
}

#[derive(Serialize)]
struct Home<'a> {
    figures: &'a Figures,
    servers: Vec<ServerLine>,
    json_ld: String,
}

#[derive(Serialize)]
struct ToolList<'a> {
    figures: &'a Figures,
    class: Option<ClassWord>,
    risk: Option<RiskWord>,
    signal: Option<SignalWord>,
    total: usize,
    on_servers: usize,
    pager: Pager,
    /// What the first page of a risk says beside.
    about: Option<&'a AboutRisk<'a>>,
    /// The same of a class or a signal.
    asked: Option<&'a ListQuestions>,
}

#[derive(Serialize)]
struct ServerList<'a> {
    figures: &'a Figures,
    pager: Pager,
    servers: Vec<ServerLine>,
    outcomes: Vec<OutcomeLine>,
}

/// An outcome and how many servers had it.
#[derive(Debug, Clone, Serialize)]
pub(super) struct OutcomeLine {
    pub(super) id: &'static str,
    pub(super) meaning: &'static str,
    pub(super) hint: &'static str,
    pub(super) count: usize,
}

fn home(work: &WholeWork<'_>) -> Result<(), RenderError> {
    let catalogue = work.common.catalogue;
    let mut servers: Vec<&ServerEntry> = catalogue.servers.iter().filter(|s| s.answered()).collect();
    servers.sort_by_cached_key(|s| (usize::MAX - s.tool_count, s.key_text()));
    // One tool of each class, to show how a list reads.
    let mut examples = Vec::new();
    for class in Class::ALL {
        let fits = |tool: &ToolEntry| {
            let server = || catalogue.server_of(tool).is_some_and(|server| reads_well(&server.name.name));
            !tool.has(Signal::DescriptionInjection) && reads_well(catalogue.name_of(tool)) && server()
        };
        let of_class = |i: &&u32| {
            catalogue.tools.get(**i as usize).is_some_and(|tool| tool.class == *class && fits(tool))
        };
        for i in catalogue.by_name.iter().filter(of_class).take(100) {
            let Some(tool) = catalogue.tools.get(*i as usize) else { continue };
            let line = catalogue.tool_line(tool, true);
            if !line.line.is_empty() {
                examples.push(line);
                break;
            }
        }
    }
    let servers = servers.into_iter().filter(|s| reads_well(&s.name.name));
    let servers = servers.take(SERVERS_ON_HOME).map(ServerEntry::line).collect();
    let json_ld =
        work.figures.dataset(work.common.press.options.base_url.as_ref(), work.common.press.twins.json);
    let view = Home { figures: &work.figures, servers, json_ld };
    work.listed("index.html".to_owned());
    let inputs = Digest::of(&(&view, &examples));
    work.common.press.page_with_tools(&HOME, work.unit, "index.html", inputs, || Ok((view, &examples)))
}

/// True for a name that the home page may hold up as an example: short, shown as it is, a word, and without marks of other languages.
fn reads_well(name: &str) -> bool {
    name.chars().count() <= EXAMPLE_NAME
        && page_line(name, EXAMPLE_NAME) == name
        && name.chars().any(char::is_alphabetic)
        && !name.contains(['<', '>', '&', '"', '\'', '`', '{', '}', '$', '\\', ';', '|'])
}

fn classes(work: &WholeWork<'_>) -> Result<(), RenderError> {
    let lists = sorted_out(work.common.catalogue, Class::ALL, |tool, class| tool.class == class);
    lists.into_iter().try_for_each(|(class, tools)| tool_list(work, Subject::Class(class), &tools))
}

fn risks(work: &WholeWork<'_>) -> Result<(), RenderError> {
    let lists = sorted_out(work.common.catalogue, Risk::ALL, |tool, risk| tool.risk == risk);
    lists.into_iter().try_for_each(|(risk, tools)| tool_list(work, Subject::Risk(risk), &tools))
}

fn signals(work: &WholeWork<'_>) -> Result<(), RenderError> {
    let lists = sorted_out(work.common.catalogue, Signal::ALL, ToolEntry::has);
    lists.into_iter().try_for_each(|(signal, tools)| tool_list(work, Subject::Signal(signal), &tools))
}

/// The places of the tools of each list, by name. All lists at once: by name, tools lie scattered in memory.
fn sorted_out<T: Copy>(
    catalogue: &Catalogue,
    all: &[T],
    is_in: impl Fn(&ToolEntry, T) -> bool,
) -> Vec<(T, Vec<u32>)> {
    let mut lists: Vec<(T, Vec<u32>)> = all.iter().map(|one| (*one, Vec::new())).collect();
    for i in &catalogue.by_name {
        let Some(tool) = catalogue.tools.get(*i as usize) else { continue };
        let of_tool = lists.iter_mut().filter(|(one, _)| is_in(tool, *one));
        of_tool.for_each(|(_, list)| list.push(*i));
    }
    lists
}

#[derive(Clone, Copy)]
enum Subject {
    Class(Class),
    Risk(Risk),
    Signal(Signal),
}

fn tool_list(work: &WholeWork<'_>, subject: Subject, tools: &[u32]) -> Result<(), RenderError> {
    let (press, catalogue, unit) = (work.common.press, work.common.catalogue, work.unit);
    let figures = &work.figures;
    let tool = |i: &u32| catalogue.tools.get(*i as usize);
    let mut servers: Vec<u32> = tools.iter().filter_map(tool).map(|t| t.server).collect();
    servers.sort_unstable();
    servers.dedup();
    let on_servers = servers.len();
    drop(servers);
    let (mut class, mut risk, mut signal) = (None, None, None);
    let (kind, folder) = match subject {
        Subject::Class(one) => {
            class = Some(class_word(one));
            (&CLASS, format!("classes/{one}"))
        }
        Subject::Risk(one) => {
            risk = Some(risk_word(one));
            (&RISK, format!("risks/{one}"))
        }
        Subject::Signal(one) => {
            signal = Some(signal_word(one));
            (&SIGNAL, format!("signals/{one}"))
        }
    };
    let all = || tools.iter().filter_map(tool);
    let (about, asked) = match subject {
        Subject::Class(one) => (None, Some(about_class(work, one, all(), on_servers)?)),
        Subject::Risk(one) => (Some(about_risk(work, one, all())?), None),
        Subject::Signal(one) => (None, Some(about_signal(work, one, all(), on_servers)?)),
    };
    let parts = parts(&format!("{folder}.html"), &folder, tools.len(), TOOLS_ON_PAGE);
    parts.iter().for_each(|(path, _)| work.listed(path.clone()));
    parts.into_par_iter().try_for_each(|(path, pager)| {
        let start = (pager.number - 1) * TOOLS_ON_PAGE;
        let part = || tools.iter().skip(start).take(TOOLS_ON_PAGE).filter_map(tool);
        let lines = LazyCell::new(|| part().map(|t| catalogue.tool_line(t, true)).collect::<Vec<_>>());
        // What the lines show, without reading them.
        let mut inputs = Inputs::default();
        part().for_each(|t| inputs.add(&catalogue.shown(t)));
        let of_lines = inputs.done();
        let is_first = pager.number == 1;
        let (about, asked) = (about.as_ref().filter(|_| is_first), asked.as_ref().filter(|_| is_first));
        inputs.add(&(figures, class, risk, signal, on_servers, &pager, about, asked));
        let json = twin::TOOL_LIST.inputs(&(class, risk, signal, tools.len(), of_lines, &pager));
        press.twin_text(unit, &path, json, || {
            let twin = twin::ToolListTwin::new(class, risk, tools.len(), &pager, &lines);
            Ok(twin.with_signal(signal).text())
        })?;
        press.page_with_tools(kind, unit, &path, inputs.done(), || {
            let total = tools.len();
            let list = ToolList { figures, class, risk, signal, total, on_servers, pager, about, asked };
            Ok((list, &lines))
        })
    })
}

fn all_servers(work: &WholeWork<'_>) -> Result<(), RenderError> {
    let all: Vec<&ServerEntry> = work.common.catalogue.servers.iter().collect();
    server_list(work, &SERVERS, "servers/index.html", "servers/all", &all)
}

fn quiet_servers(work: &WholeWork<'_>) -> Result<(), RenderError> {
    let quiet: Vec<&ServerEntry> = work.common.catalogue.servers.iter().filter(|s| !s.answered()).collect();
    server_list(work, &QUIET, "servers/unanswered.html", "servers/unanswered", &quiet)
}

fn server_list(
    work: &WholeWork<'_>,
    kind: &PageKind,
    first: &str,
    more: &str,
    servers: &[&ServerEntry],
) -> Result<(), RenderError> {
    let outcomes = outcome_lines(servers);
    let parts = parts(first, more, servers.len(), SERVERS_ON_PAGE);
    parts.iter().for_each(|(path, _)| work.listed(path.clone()));
    let (press, unit, figures) = (work.common.press, work.unit, &work.figures);
    parts.into_par_iter().try_for_each(|(path, pager)| {
        let start = (pager.number - 1) * SERVERS_ON_PAGE;
        let lines: Vec<_> = servers.iter().skip(start).take(SERVERS_ON_PAGE).map(|s| s.line()).collect();
        let json = twin::SERVER_LIST.inputs(&(kind.id, servers.len(), &lines, &pager));
        press.twin(unit, &path, json, || {
            Ok(twin::ServerListTwin::new(kind.id, servers.len(), &pager, &lines))
        })?;
        let view = ServerList { figures, pager, servers: lines.clone(), outcomes: outcomes.clone() };
        press.page(kind, unit, &path, &view)
    })
}

/// Outcomes that occur, in the order of the documentation.
pub(super) fn outcome_lines(servers: &[&ServerEntry]) -> Vec<OutcomeLine> {
    let all = Outcome::ALL.into_iter().map(|outcome| OutcomeLine {
        id: outcome.as_str(),
        meaning: outcome.meaning(),
        hint: outcome.hint(),
        count: servers.iter().filter(|s| s.outcome == outcome).count(),
    });
    all.filter(|line| line.count > 0).collect()
}

#[cfg(test)]
mod tests {
    use super::reads_well;

    #[test]
    fn the_home_page_holds_up_no_blank_hostile_or_endless_name() {
        for name in ["get_issue", "GitHub MCP Server", "天气", "@scope/server"] {
            assert!(reads_well(name), "{name}");
        }
        let long = "a".repeat(61);
        for name in
            ["", " ", "\u{200b}", "a\u{202e}b", "<script>", "a  b", "---", "\"onload=x", "$(id)", &long]
        {
            assert!(!reads_well(name), "{name}");
        }
    }
}
