//! Pages of attack patterns: the list by level, and each pattern with what happened, what stops it, and which tools of the whole
//! catalogue are exposed to it.

use std::cmp::Reverse;

use rayon::prelude::*;
use serde::Serialize;

use super::RenderError;
use super::catalogue::{Catalogue, ServerEntry, ServerLine};
use super::digest::{Digest, Inputs};
use super::exposure::AttackLine;
use super::kinds::{MadeFrom, Make, PageKind};
use super::page::root_from;
use super::prose::html_of;
use super::site_work::WholeWork;
use super::tool_lines::LINE;
use super::words::{SignalWord, signal_word};
use crate::attack::{Evidenced, IncidentKind, Level, Library, Pattern, Reading};
use crate::model::Signal;

/// Tools and servers that a pattern's page names.
const TOOLS_NAMED: usize = 50;
const SERVERS_NAMED: usize = 30;

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
    templates: &["attack.html", LINE],
    made_from: MadeFrom::Catalogue,
    counts: true,
    make: Make::Whole(patterns),
};

/// A pattern in the list, with how many are exposed.
#[derive(Serialize)]
struct CountedLine<'a> {
    #[serde(flatten)]
    line: AttackLine<'a>,
    tools: usize,
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
    levels: Vec<LevelView<'a>>,
}

#[derive(Serialize)]
struct IncidentView<'a> {
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
struct TermLine<'a> {
    id: &'a str,
    term: &'a str,
}

#[derive(Serialize)]
struct PatternView<'a> {
    attack: AttackLine<'a>,
    body: String,
    incidents: Vec<IncidentView<'a>>,
    reading: &'a [Reading],
    signals: Vec<SignalWord>,
    also: Vec<SignalWord>,
    on_servers: bool,
    owasp: Vec<EntryLine<'a>>,
    related: Vec<AttackLine<'a>>,
    terms: Vec<TermLine<'a>>,
    reviewed: String,
    exposed: &'a Exposure,
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
    level: Level,
    per_tool: bool,
    stops: &'a str,
    why_not: &'a str,
    signals: &'a [Signal],
    also_exposed: &'a [Signal],
    owasp: &'a [String],
    related: &'a [String],
    incidents: &'a [crate::attack::Incident],
    reading: &'a [Reading],
    reviewed: &'a str,
    tools: usize,
    servers: usize,
}

fn count(catalogue: &Catalogue, library: &Library, place: usize) -> (usize, usize) {
    let tools = catalogue.tools.iter().filter(|tool| tool.exposed.holds(place)).count();
    (tools, servers(catalogue, library, place).count())
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
    let lines: Vec<CountedLine<'_>> = library
        .patterns()
        .par_iter()
        .enumerate()
        .map(|(place, pattern)| {
            let (tools, servers) = count(catalogue, library, place);
            let incidents = pattern.incidents.len();
            CountedLine { line: AttackLine::new(pattern), tools, servers, incidents }
        })
        .collect();
    let (total, incidents) = (lines.len(), lines.iter().map(|line| line.incidents).sum());
    let mut levels: Vec<LevelView<'_>> = [Level::Tool, Level::Server, Level::Session]
        .map(|level| LevelView { level, attacks: Vec::new() })
        .into();
    for line in lines {
        if let Some(level) = levels.iter_mut().find(|level| level.level == line.line.level) {
            level.attacks.push(line);
        }
    }
    let view = IndexView { format: "catalogue-attacks-1", total, incidents, levels };
    let path = "attacks/index.html";
    work.listed(path.to_owned());
    work.common.press.twin(work.unit, path, Digest::of(&view), || Ok(&view))?;
    work.common.press.page(&INDEX, work.unit, path, &view)
}

fn patterns(work: &WholeWork<'_>) -> Result<(), RenderError> {
    work.common.library.patterns().par_iter().enumerate().try_for_each(|(place, p)| pattern(work, place, p))
}

fn pattern(work: &WholeWork<'_>, place: usize, pattern: &Pattern) -> Result<(), RenderError> {
    let (library, catalogue, press) = (work.common.library, work.common.catalogue, work.common.press);
    let path = format!("attacks/{}.html", pattern.id);
    // By name, then gravest first: equal ones stay by name.
    let tool = |i: &u32| catalogue.tools.get(*i as usize);
    let holds = |i: &&u32| tool(i).is_some_and(|tool| tool.exposed.holds(place));
    let mut all: Vec<u32> = catalogue.by_name.iter().filter(holds).copied().collect();
    let mut on: Vec<u32> = all.iter().filter_map(tool).map(|tool| tool.server).collect();
    on.sort_unstable();
    on.dedup();
    all.sort_by_key(|i| tool(i).map(|tool| (Reverse(tool.risk), Reverse(tool.class))));
    let named: Vec<_> = all.iter().take(TOOLS_NAMED).filter_map(tool).collect();
    let exposed_servers: Vec<&ServerEntry> = servers(catalogue, library, place).collect();
    let exposure = Exposure {
        tools: all.len(),
        tool_servers: on.len(),
        servers: exposed_servers.len(),
        shown: named.len(),
        shown_servers: exposed_servers.iter().take(SERVERS_NAMED).map(|entry| entry.line()).collect(),
    };
    let twin = twin(pattern, &path, &exposure);
    press.twin(work.unit, &path, Digest::of(&twin), || Ok(&twin))?;
    let mut inputs = Inputs::default();
    named.iter().for_each(|tool| inputs.add(&catalogue.shown(tool)));
    inputs.add(&view(library, pattern, &exposure, &path));
    work.listed(path.clone());
    let lines: Vec<_> = named.iter().map(|tool| catalogue.tool_line(tool, true)).collect();
    press.page_with_tools(&KIND, work.unit, &path, inputs.done(), || {
        Ok((view(library, pattern, &exposure, &path), &lines))
    })
}

fn twin<'a>(pattern: &'a Pattern, path: &str, exposure: &Exposure) -> PatternTwin<'a> {
    PatternTwin {
        format: "catalogue-attack-1",
        id: &pattern.id,
        title: &pattern.title,
        summary: &pattern.summary,
        page: path.to_owned(),
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

fn view<'a>(
    library: &'a Library,
    pattern: &'a Pattern,
    exposed: &'a Exposure,
    path: &str,
) -> PatternView<'a> {
    let incident = |incident: &'a crate::attack::Incident| IncidentView {
        date: &incident.date,
        date_text: date_text(&incident.date),
        kind: incident.kind,
        evidence: incident.evidence,
        what: &incident.what,
        source: &incident.source,
        host: host(&incident.source),
    };
    let entries = library.entries().iter().filter(|entry| pattern.owasp.contains(&entry.id));
    let terms = library.terms().iter().filter(|term| term.attack.as_ref() == Some(&pattern.id));
    PatternView {
        attack: AttackLine::new(pattern),
        body: html_of(&pattern.body, &root_from(path)),
        incidents: pattern.incidents.iter().map(incident).collect(),
        reading: &pattern.reading,
        signals: pattern.signals.iter().copied().map(signal_word).collect(),
        also: pattern.also_exposed.iter().copied().map(signal_word).collect(),
        on_servers: !pattern.attach_server.is_empty(),
        owasp: entries.map(|e| EntryLine { id: &e.id, label: &e.label, title: &e.title }).collect(),
        related: pattern.related.iter().filter_map(|id| library.pattern(id)).map(AttackLine::new).collect(),
        terms: terms.map(|t| TermLine { id: &t.id, term: &t.term }).collect(),
        reviewed: date_text(&pattern.reviewed),
        exposed,
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
