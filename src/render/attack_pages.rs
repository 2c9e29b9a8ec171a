//! Pages of attack patterns: the list by category and level, and each pattern with what happened, what stops it, and which tools of the whole
//! catalogue are exposed to it.

use rayon::prelude::*;
use serde::Serialize;

use super::RenderError;
use super::attack_categories::{CategoryLine, category_lines};
use super::catalogue::{Catalogue, ServerEntry, ServerLine};
use super::digest::{Digest, Inputs};
use super::exposed_list::count_patterns;
use super::exposure::AttackLine;
use super::html::Sheet;
use super::kinds::{MadeFrom, Make, PageKind};
use super::page::root_from;
use super::prose::html_of;
use super::questions::{Question, entries, json_ld, questions};
use super::site_work::WholeWork;
use super::tool_lines::LINE;
use super::words::{SignalWord, signal_word};
use crate::attack::{Evidenced, Incident, IncidentKind, Level, Library, Pattern, Reading, ServerTrait};
use crate::model::{Class, Risk, Signal};

/// Tools and servers that a pattern's page names.
const TOOLS_NAMED: usize = 50;
const SERVERS_NAMED: usize = 30;

/// The questions on a pattern's page, printed by themselves.
const QUESTIONS: &str = "attack-questions.txt";

/// All patterns.
pub(super) const INDEX: PageKind = PageKind {
    id: "attacks",
    path: "attacks/index.html",
    templates: &["attacks.html"],
    made_from: MadeFrom::Catalogue,
    counts: true,
    make: Make::Whole(index),
};
/// One pattern.
pub(super) const KIND: PageKind = PageKind {
    id: "attack",
    path: "attacks/{pattern}.html",
    templates: &["attack.html", LINE, QUESTIONS],
    made_from: MadeFrom::Catalogue,
    counts: true,
    make: Make::Whole(patterns),
};

/// A pattern in the list, with how many are exposed.
#[derive(Serialize)]
pub(super) struct CountedLine<'a> {
    #[serde(flatten)]
    pub(super) line: AttackLine<'a>,
    /// Id of its category.
    pub(super) category: &'a str,
    pub(super) tools: usize,
    servers: usize,
    incidents: usize,
}

#[derive(Serialize)]
struct LevelView<'a> {
    level: Level,
    attacks: Vec<CountedLine<'a>>,
}

#[derive(Serialize)]
struct IndexView<'a> {
    format: &'static str,
    total: usize,
    incidents: usize,
    categories: Vec<CategoryLine<'a>>,
    levels: Vec<LevelView<'a>>,
}

#[derive(Serialize)]
pub(super) struct IncidentView<'a> {
    date: &'a str,
    date_text: String,
    kind: IncidentKind,
    evidence: Evidenced,
    what: &'a str,
    source: &'a str,
    host: &'a str,
}

#[derive(Serialize)]
struct EntryLine<'a> {
    id: &'a str,
    label: &'a str,
    title: &'a str,
}

#[derive(Serialize)]
struct CategoryName<'a> {
    id: &'a str,
    title: &'a str,
}

#[derive(Serialize)]
struct TermLine<'a> {
    id: &'a str,
    term: &'a str,
}

#[derive(Serialize)]
struct PatternView<'a> {
    attack: AttackLine<'a>,
    category: Option<CategoryName<'a>>,
    body: String,
    incidents: Vec<IncidentView<'a>>,
    reading: &'a [Reading],
    signals: Vec<SignalWord>,
    also: Vec<SignalWord>,
    on_servers: bool,
    /// What servers are marked by.
    traits: &'a [ServerTrait],
    /// Tools are marked: for their definition was another one before, or for what it shows, signals alone or more than those.
    on_tools: bool,
    by_change: bool,
    beside_signals: bool,
    owasp: Vec<EntryLine<'a>>,
    related: Vec<AttackLine<'a>>,
    terms: Vec<TermLine<'a>>,
    reviewed: String,
    exposed: &'a Exposure,
    /// The newest incident, and the newest one that was no mere finding.
    newest: Option<IncidentView<'a>>,
    happened: Option<IncidentView<'a>>,
    questions: Vec<Question>,
    questions_json: String,
}

/// Who is exposed to one pattern, of the whole catalogue.
#[derive(Serialize)]
struct Exposure {
    tools: usize,
    tool_servers: usize,
    servers: usize,
    /// How many of them are named, the gravest.
    shown: usize,
    shown_servers: Vec<ServerLine>,
}

#[derive(Serialize)]
struct PatternTwin<'a> {
    format: &'static str,
    id: &'a str,
    title: &'a str,
    summary: &'a str,
    page: String,
    category: &'a str,
    level: Level,
    per_tool: bool,
    stops: &'a str,
    why_not: &'a str,
    signals: &'a [Signal],
    also_exposed: &'a [Signal],
    owasp: &'a [String],
    related: &'a [String],
    incidents: &'a [Incident],
    reading: &'a [Reading],
    reviewed: &'a str,
    tools: usize,
    servers: usize,
}

/// Every pattern, by rank, with how many tools and servers are exposed to it.
pub(super) fn counted_lines<'a>(catalogue: &Catalogue, library: &'a Library) -> Vec<CountedLine<'a>> {
    let sets = catalogue.tools.iter().map(|tool| tool.exposed);
    let counted = library.patterns().iter().zip(count_patterns(sets)).enumerate();
    let line = |(place, (pattern, tools)): (usize, (&'a Pattern, usize))| CountedLine {
        line: AttackLine::new(pattern),
        category: &pattern.category,
        tools,
        servers: servers(catalogue, library, place).count(),
        incidents: pattern.incidents.len(),
    };
    counted.map(line).collect()
}

fn servers<'a>(
    catalogue: &'a Catalogue,
    library: &'a Library,
    place: usize,
) -> impl Iterator<Item = &'a ServerEntry> {
    catalogue.servers.iter().filter(move |entry| {
        entry.answered() && entry.traits.0 != 0 && library.of_server(entry.traits).holds(place)
    })
}

fn index(work: &WholeWork<'_>) -> Result<(), RenderError> {
    let (library, catalogue) = (work.common.library, work.common.catalogue);
    let lines = counted_lines(catalogue, library);
    let categories = category_lines(catalogue, library);
    let (total, incidents) = (lines.len(), lines.iter().map(|line| line.incidents).sum());
    let mut levels: Vec<LevelView<'_>> = [Level::Tool, Level::Server, Level::Session]
        .map(|level| LevelView { level, attacks: Vec::new() })
        .into();
    for line in lines {
        if let Some(level) = levels.iter_mut().find(|level| level.level == line.line.level) {
            level.attacks.push(line);
        }
    }
    let view = IndexView { format: "catalogue-attacks-1", total, incidents, categories, levels };
    let path = "attacks/index.html";
    work.listed(path.to_owned());
    work.common.press.twin(work.unit, path, Digest::of(&view), || Ok(&view))?;
    work.common.press.page(&INDEX, work.unit, path, &view)
}

fn patterns(work: &WholeWork<'_>) -> Result<(), RenderError> {
    let patterns = work.common.library.patterns();
    let tools = tools_by_pattern(work.common.catalogue, patterns.len());
    let all = patterns.par_iter().zip(tools).enumerate();
    all.try_for_each(|(place, (one, tools))| pattern(work, (place, one), &tools))
}

/// The tools that are exposed to one pattern.
#[derive(Debug, Default, Clone)]
struct ExposedTools {
    total: usize,
    servers: usize,
    /// Places of the first ones by name, of each risk and class.
    first: [[Vec<u32>; Class::ALL.len()]; Risk::ALL.len()],
}

/// Of each pattern, in one pass by server and one by name.
fn tools_by_pattern(catalogue: &Catalogue, patterns: usize) -> Vec<ExposedTools> {
    let mut all = vec![(ExposedTools::default(), None); patterns];
    for tool in &catalogue.tools {
        for place in tool.exposed.places() {
            if let Some((exposed, last)) = all.get_mut(place) {
                exposed.total += 1;
                exposed.servers += usize::from(last.replace(tool.server) != Some(tool.server));
            }
        }
    }
    let named = catalogue.by_name.iter().filter_map(|i| Some((*i, catalogue.tools.get(*i as usize)?)));
    for (i, tool) in named {
        for place in tool.exposed.places() {
            let alike =
                all.get_mut(place).map(|(e, _)| &mut e.first[tool.risk as usize][tool.class as usize]);
            if let Some(alike) = alike.filter(|alike| alike.len() < TOOLS_NAMED) {
                alike.push(i);
            }
        }
    }
    all.into_iter().map(|(exposed, _)| exposed).collect()
}

fn pattern(
    work: &WholeWork<'_>,
    (place, pattern): (usize, &Pattern),
    tools: &ExposedTools,
) -> Result<(), RenderError> {
    let (library, catalogue, press) = (work.common.library, work.common.catalogue, work.common.press);
    let path = format!("attacks/{}.html", pattern.id);
    // The gravest first, then by name.
    let gravest = tools.first.iter().rev().flat_map(|of_risk| of_risk.iter().rev()).flatten();
    let named = gravest.take(TOOLS_NAMED).filter_map(|i| catalogue.tools.get(*i as usize));
    let named: Vec<_> = named.collect();
    let exposed_servers: Vec<&ServerEntry> = servers(catalogue, library, place).collect();
    let exposure = Exposure {
        tools: tools.total,
        tool_servers: tools.servers,
        servers: exposed_servers.len(),
        shown: named.len(),
        shown_servers: exposed_servers.iter().take(SERVERS_NAMED).map(|entry| entry.line()).collect(),
    };
    let twin = twin(pattern, &path, &exposure);
    press.twin(work.unit, &path, Digest::of(&twin), || Ok(&twin))?;
    let mut inputs = Inputs::default();
    named.iter().for_each(|tool| inputs.add(&catalogue.shown(tool)));
    let mut view = view(library, pattern, &exposure, &path);
    view.questions = questions(&press.part(QUESTIONS, &Sheet::of(QUESTIONS, &view)?)?);
    view.questions_json = json_ld(&entries(&view.questions));
    inputs.add(&view);
    work.listed(path.clone());
    let lines: Vec<_> = named.iter().map(|tool| catalogue.tool_line(tool, true)).collect();
    press.page_with_tools(&KIND, work.unit, &path, inputs.done(), || Ok((view, &lines)))
}

fn twin<'a>(pattern: &'a Pattern, path: &str, exposure: &Exposure) -> PatternTwin<'a> {
    PatternTwin {
        format: "catalogue-attack-1",
        id: &pattern.id,
        title: &pattern.title,
        summary: &pattern.summary,
        page: path.to_owned(),
        category: &pattern.category,
        level: pattern.level,
        per_tool: pattern.per_tool,
        stops: &pattern.stops,
        why_not: &pattern.why_not,
        signals: &pattern.signals,
        also_exposed: &pattern.also_exposed,
        owasp: &pattern.owasp,
        related: &pattern.related,
        incidents: &pattern.incidents,
        reading: &pattern.reading,
        reviewed: &pattern.reviewed,
        tools: exposure.tools,
        servers: exposure.servers,
    }
}

/// Without its questions, which are answered from it.
fn view<'a>(
    library: &'a Library,
    pattern: &'a Pattern,
    exposed: &'a Exposure,
    path: &str,
) -> PatternView<'a> {
    let entries = library.entries().iter().filter(|entry| pattern.owasp.contains(&entry.id));
    let terms = library.terms().iter().filter(|term| term.attack.as_ref() == Some(&pattern.id));
    let took_place = |incident: &&Incident| {
        matches!(incident.kind, IncidentKind::InTheWild | IncidentKind::Accident | IncidentKind::Incident)
    };
    PatternView {
        attack: AttackLine::new(pattern),
        category: library.category_of(pattern).map(|c| CategoryName { id: &c.id, title: &c.title }),
        body: html_of(&pattern.body, &root_from(path)),
        incidents: pattern.incidents.iter().map(incident_view).collect(),
        reading: &pattern.reading,
        signals: pattern.signals.iter().copied().map(signal_word).collect(),
        also: pattern.also_exposed.iter().copied().map(signal_word).collect(),
        on_servers: !pattern.attach_server.is_empty(),
        traits: &pattern.attach_server,
        on_tools: !pattern.attach.is_empty(),
        by_change: pattern.attach.iter().any(|way| way.definition.is_some()),
        beside_signals: pattern.attach.iter().any(|way| !way.is_of_signals()),
        owasp: entries.map(|e| EntryLine { id: &e.id, label: &e.label, title: &e.title }).collect(),
        related: pattern.related.iter().filter_map(|id| library.pattern(id)).map(AttackLine::new).collect(),
        terms: terms.map(|t| TermLine { id: &t.id, term: &t.term }).collect(),
        reviewed: date_text(&pattern.reviewed),
        exposed,
        newest: pattern.incidents.first().map(incident_view),
        happened: pattern.incidents.iter().find(took_place).map(incident_view),
        questions: Vec::new(),
        questions_json: String::new(),
    }
}

/// What happened, for a page.
pub(super) fn incident_view(incident: &Incident) -> IncidentView<'_> {
    IncidentView {
        date: &incident.date,
        date_text: date_text(&incident.date),
        kind: incident.kind,
        evidence: incident.evidence,
        what: &incident.what,
        source: &incident.source,
        host: host(&incident.source),
    }
}

/// The host of an address, as a reader recognises a source by.
fn host(address: &str) -> &str {
    let rest = address.strip_prefix("https://").unwrap_or(address);
    rest.split('/').next().unwrap_or(rest).trim_start_matches("www.")
}

/// `2025-09-26` as `26 September 2025`, `2025-09` as `September 2025`; anything else as it is.
pub(super) fn date_text(date: &str) -> String {
    if let Ok(day) = date.parse::<jiff::civil::Date>() {
        return day.strftime("%-d %B %Y").to_string();
    }
    match format!("{date}-01").parse::<jiff::civil::Date>() {
        Ok(day) => day.strftime("%B %Y").to_string(),
        Err(_) => date.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_as_exact_as_they_are_known() {
        assert_eq!(date_text("2025-09-06"), "6 September 2025");
        assert_eq!(date_text("2025-09"), "September 2025");
        assert_eq!(date_text("2025"), "2025");
        assert_eq!(host("https://www.cve.org/CVERecord?id=CVE-1"), "cve.org");
    }
}
