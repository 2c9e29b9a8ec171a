//! Pages of categories of attack patterns: what the patterns of one have in common, and how many tools of the whole catalogue
//! are exposed to one of them. The patterns themselves are in `attack_pages`.

use rayon::prelude::*;
use serde::Serialize;

use super::RenderError;
use super::attack_pages::{CountedLine, IncidentView, counted_lines, incident_view};
use super::catalogue::Catalogue;
use super::chart::Chart;
use super::digest::Digest;
use super::kinds::{MadeFrom, Make, PageKind};
use super::lists::Figures;
use super::site_work::WholeWork;
use crate::attack::{Category, Incident, Library, Pattern, PatternSet};

/// Incidents that are told, the newest.
const INCIDENTS: usize = 5;

/// One category.
pub(super) const KIND: PageKind = PageKind {
    id: "attack-category",
    path: "attacks/category/{category}.html",
    templates: &["attack-category.html"],
    made_from: MadeFrom::Catalogue,
    counts: true,
    make: Make::Whole(categories),
};

/// A category in a list, with how many are exposed to one of its patterns.
#[derive(Debug, Clone, Serialize)]
pub(super) struct CategoryLine<'a> {
    id: &'a str,
    title: &'a str,
    summary: &'a str,
    patterns: usize,
    tools: usize,
    /// Servers that have such a tool.
    tool_servers: usize,
    /// Servers that are exposed as a whole.
    servers: usize,
}

/// What happened, and the pattern it belongs to.
#[derive(Serialize)]
struct ToldIncident<'a> {
    #[serde(flatten)]
    incident: IncidentView<'a>,
    pattern: &'a str,
    title: &'a str,
}

#[derive(Serialize)]
struct CategoryView<'a> {
    figures: &'a Figures,
    category: &'a CategoryLine<'a>,
    text: &'a str,
    attacks: &'a [&'a CountedLine<'a>],
    /// Patterns that a policy on one tool cannot stop.
    beyond_policy: usize,
    /// Exposed tools by pattern; None where there are none.
    chart: Option<Chart>,
    incidents: Vec<ToldIncident<'a>>,
    /// Of all its patterns.
    incidents_total: usize,
    others: Vec<&'a CategoryLine<'a>>,
}

#[derive(Serialize)]
struct CategoryTwin<'a> {
    format: &'static str,
    #[serde(flatten)]
    category: &'a CategoryLine<'a>,
    text: &'a str,
    page: String,
    attacks: &'a [&'a CountedLine<'a>],
}

/// Where the page of a category lies.
fn path(category: &str) -> String {
    format!("attacks/category/{category}.html")
}

/// All categories that have patterns, in their order.
pub(super) fn category_lines<'a>(catalogue: &Catalogue, library: &'a Library) -> Vec<CategoryLine<'a>> {
    library.categories().par_iter().filter_map(|category| line(catalogue, library, category)).collect()
}

fn line<'a>(catalogue: &Catalogue, library: &'a Library, category: &'a Category) -> Option<CategoryLine<'a>> {
    let of_category = |(_, pattern): &(usize, &Pattern)| pattern.category == category.id;
    let places = || library.patterns().iter().enumerate().filter(of_category).map(|(place, _)| place);
    let all = places().fold(PatternSet::default(), PatternSet::with);
    let (mut tools, mut tool_servers, mut last) = (0, 0, None);
    for tool in catalogue.tools.iter().filter(|tool| tool.exposed.0 & all.0 != 0) {
        tools += 1;
        // Tools stand by server.
        tool_servers += usize::from(last.replace(tool.server) != Some(tool.server));
    }
    let answered = catalogue.servers.iter().filter(|entry| entry.answered() && entry.traits.0 != 0);
    let servers = answered.filter(|entry| library.of_server(entry.traits).0 & all.0 != 0).count();
    let Category { id, title, summary, .. } = category;
    let patterns = places().count();
    let line = CategoryLine { id, title, summary, patterns, tools, tool_servers, servers };
    (patterns > 0).then_some(line)
}

fn categories(work: &WholeWork<'_>) -> Result<(), RenderError> {
    let (library, catalogue) = (work.common.library, work.common.catalogue);
    let lines = category_lines(catalogue, library);
    let attacks = counted_lines(catalogue, library);
    lines.iter().try_for_each(|line| category(work, line, &lines, &attacks))
}

fn category<'a>(
    work: &WholeWork<'a>,
    line: &CategoryLine<'a>,
    lines: &[CategoryLine<'a>],
    attacks: &[CountedLine<'a>],
) -> Result<(), RenderError> {
    let (library, press) = (work.common.library, work.common.press);
    let path = path(line.id);
    let attacks: Vec<&CountedLine<'_>> = attacks.iter().filter(|attack| attack.category == line.id).collect();
    let text =
        library.categories().iter().find(|category| category.id == line.id).map_or("", |found| &found.text);
    let twin = CategoryTwin {
        format: "catalogue-attack-category-1",
        category: line,
        text,
        page: path.clone(),
        attacks: &attacks,
    };
    press.twin(work.unit, &path, Digest::of(&twin), || Ok(&twin))?;
    let patterns = library.patterns().iter().filter(|pattern| pattern.category == line.id);
    let mut incidents: Vec<(&Incident, &Pattern)> =
        patterns.flat_map(|pattern| pattern.incidents.iter().map(move |one| (one, pattern))).collect();
    // Of one day by the pattern's rank.
    incidents.sort_by(|(a, _), (b, _)| b.date.cmp(&a.date));
    let told = |(incident, pattern): &(&'a Incident, &'a Pattern)| ToldIncident {
        incident: incident_view(incident),
        pattern: &pattern.id,
        title: &pattern.title,
    };
    let view = CategoryView {
        figures: &work.figures,
        category: line,
        text,
        beyond_policy: attacks.iter().filter(|attack| !attack.line.per_tool).count(),
        chart: (line.tools > 0).then(|| chart(line, &attacks)),
        attacks: &attacks,
        incidents_total: incidents.len(),
        incidents: incidents.iter().take(INCIDENTS).map(told).collect(),
        others: lines.iter().filter(|other| other.id != line.id).collect(),
    };
    work.listed(path.clone());
    press.page(&KIND, work.unit, &path, &view)
}

/// Exposed tools by pattern, most first; one tool can be in several rows.
fn chart(line: &CategoryLine<'_>, attacks: &[&CountedLine<'_>]) -> Chart {
    let mut rows: Vec<&&CountedLine<'_>> = attacks.iter().filter(|attack| attack.tools > 0).collect();
    rows.sort_by_key(|attack| std::cmp::Reverse(attack.tools));
    let row = |attack: &&CountedLine<'_>| {
        (attack.line.title.to_owned(), "", format!("attacks/{}.html", attack.line.id), attack.tools)
    };
    Chart::new(("exposed", "Exposed tools by pattern"), ("Pattern", "Tools"), rows.into_iter().map(row))
        .of(line.tools)
}
