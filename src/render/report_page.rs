//! The state of the catalogue: how tools and servers are distributed, what authors declare beside what is inferred, and what
//! changed in the last days.

use serde::Serialize;

use super::RenderError;
use super::catalogue::Catalogue;
use super::changes::Counts;
use super::chart::{Chart, share};
use super::declares::Declared;
use super::digest::Digest;
use super::kinds::{MadeFrom, Make, PageKind};
use super::lists::Figures;
use super::site_work::WholeWork;
use super::words::{class_word, registry_word, risk_word, signal_word};
use crate::model::{Class, Outcome, Registry, Risk, Signal};

/// One page.
pub(super) const KIND: PageKind = PageKind {
    id: "report",
    path: "report.html",
    templates: &["report.html"],
    made_from: MadeFrom::Catalogue,
    counts: true,
    make: Make::Whole(report),
};

#[derive(Serialize)]
struct Report<'a> {
    format: &'static str,
    figures: &'a Figures,
    charts: Charts,
    declared: Vec<DeclaredRow>,
    sizes: Sizes,
    days: i64,
    changes: &'a Counts,
    shares: Shares,
}

#[derive(Serialize)]
struct ReportPage<'a> {
    #[serde(flatten)]
    report: &'a Report<'a>,
    json_ld: String,
}

#[derive(Serialize)]
struct Charts {
    classes: Chart,
    gravest: Chart,
    risks: Chart,
    signals: Chart,
    registries: Chart,
    tools_by_registry: Chart,
    outcomes: Chart,
    sizes: Chart,
}

/// Figures that sentences tell.
#[derive(Serialize)]
struct Shares {
    destructive: String,
    without_hints: String,
    /// Servers with a Destructive tool.
    destructive_servers: usize,
    destructive_servers_share: String,
    unanswered: String,
    /// Tools that say they only read and were found to do more; and of these the Destructive ones.
    contradicted: usize,
    contradicted_destructive: usize,
}

/// What authors declare, by what is inferred.
#[derive(Serialize)]
struct DeclaredRow {
    declared: Declared,
    total: usize,
    cells: Vec<Cell>,
}

#[derive(Serialize)]
struct Cell {
    class: &'static str,
    word: &'static str,
    css: &'static str,
    count: usize,
    /// `agrees`, `contradicts` or `open`.
    says: &'static str,
}

#[derive(Serialize)]
struct Sizes {
    median: usize,
    largest: usize,
}

fn report(work: &WholeWork<'_>) -> Result<(), RenderError> {
    let catalogue = work.common.catalogue;
    let declared: Vec<DeclaredRow> = declared(catalogue);
    let view = Report {
        format: "catalogue-report-1",
        figures: &work.figures,
        charts: charts(catalogue),
        sizes: sizes(catalogue),
        days: super::changes::DAYS,
        changes: &work.happened.counts,
        shares: shares(catalogue, &declared),
        declared,
    };
    work.listed("report.html".to_owned());
    work.common.press.twin(work.unit, "report.html", Digest::of(&view), || Ok(&view))?;
    let json_ld =
        work.figures.dataset(work.common.press.options.base_url.as_ref(), work.common.press.twins.json);
    work.common.press.page(&KIND, work.unit, "report.html", &ReportPage { report: &view, json_ld })
}

fn charts(catalogue: &Catalogue) -> Charts {
    let answered = || catalogue.servers.iter().filter(|s| s.answered());
    // Local servers are private: only their owner's site has them.
    let has = |one: Registry| catalogue.servers.iter().any(|s| s.key().registry() == one);
    let classes = Class::ALL.iter().copied().zip(catalogue.classes());
    let classes = classes.map(|(one, count)| {
        let word = class_word(one);
        (word.word.to_owned(), word.css, format!("classes/{one}.html"), count)
    });
    let gravest = Class::ALL.iter().copied().map(|one| {
        let is = |counts: &[usize; 4]| {
            Class::ALL.iter().zip(counts).rev().find(|(_, count)| **count > 0).map(|(class, _)| *class)
        };
        let word = class_word(one);
        (
            word.word.to_owned(),
            word.css,
            String::new(),
            answered().filter(|s| is(&s.classes) == Some(one)).count(),
        )
    });
    let risks = Risk::ALL.iter().copied().zip(catalogue.risks()).map(|(one, count)| {
        let word = risk_word(one);
        (word.word.to_owned(), word.css, format!("risks/{one}.html"), count)
    });
    let signals = Signal::ALL.iter().copied().map(|one| {
        let count = catalogue.tools.iter().filter(|tool| tool.has(one)).count();
        (signal_word(one).id.to_owned(), "", format!("signals/{one}.html"), count)
    });
    let registries =
        Registry::ALL.iter().copied().filter(|one| *one != Registry::Local || has(*one)).map(|one| {
            let count = catalogue.servers.iter().filter(|s| s.key().registry() == one).count();
            (registry_word(one).to_owned(), "", String::new(), count)
        });
    let by_registry =
        Registry::ALL.iter().copied().filter(|one| *one != Registry::Local || has(*one)).map(|one| {
            let of = catalogue.servers.iter().filter(|s| s.key().registry() == one);
            (registry_word(one).to_owned(), "", String::new(), of.map(|s| s.tool_count).sum())
        });
    let outcomes = Outcome::ALL.into_iter().filter_map(|one| {
        let count = catalogue
            .servers
            .iter()
            .filter(|s| if one == Outcome::Ok { s.answered() } else { !s.answered() && s.outcome == one })
            .count();
        let path =
            if one == Outcome::Ok { "servers/index.html".to_owned() } else { format!("outcomes/{one}.html") };
        (count > 0).then(|| (one.to_string(), "", path, count))
    });
    let sizes = BUCKETS.iter().map(|(from, to)| {
        let label = match *to {
            to if to == *from => from.to_string(),
            usize::MAX => format!("{from} or more"),
            to => format!("{from} to {to}"),
        };
        let count = answered().filter(|s| (*from..=*to).contains(&s.tool_count)).count();
        (label, "", String::new(), count)
    });
    let tools = |what| (what, "Tools");
    let servers = |what| (what, "Servers");
    Charts {
        classes: Chart::new(("by-class", "Tools by class"), tools("Class"), classes),
        gravest: Chart::new(
            ("by-gravest", "Servers by their gravest tool"),
            servers("Gravest tool"),
            gravest,
        ),
        risks: Chart::new(("by-risk", "Tools by risk"), tools("Risk"), risks),
        signals: Chart::new(("by-signal", "Tools by signal"), tools("Signal"), signals)
            .of(catalogue.tools.len()),
        registries: Chart::new(("by-registry", "Servers by registry"), servers("Registry"), registries),
        tools_by_registry: Chart::new(
            ("tools-by-registry", "Tools by registry"),
            tools("Registry"),
            by_registry,
        ),
        outcomes: Chart::new(("by-outcome", "Servers by outcome"), servers("Outcome"), outcomes),
        sizes: Chart::new(("by-size", "Servers by how many tools they list"), servers("Tools listed"), sizes),
    }
}

/// Each step doubles.
const BUCKETS: &[(usize, usize)] =
    &[(0, 0), (1, 1), (2, 3), (4, 7), (8, 15), (16, 31), (32, 63), (64, 127), (128, usize::MAX)];

fn sizes(catalogue: &Catalogue) -> Sizes {
    let mut all: Vec<usize> =
        catalogue.servers.iter().filter(|s| s.answered()).map(|s| s.tool_count).collect();
    all.sort_unstable();
    Sizes {
        median: all.get(all.len().saturating_sub(1) / 2).copied().unwrap_or(0),
        largest: all.last().copied().unwrap_or(0),
    }
}

fn declared(catalogue: &Catalogue) -> Vec<DeclaredRow> {
    let row = |declared: Declared| {
        let cells = Class::ALL.iter().copied().map(|class| {
            let of = |tool: &&super::catalogue::ToolEntry| tool.declared == declared && tool.class == class;
            let word = class_word(class);
            Cell {
                class: word.id,
                word: word.word,
                css: word.css,
                count: catalogue.tools.iter().filter(of).count(),
                says: says(declared, class),
            }
        });
        let cells: Vec<Cell> = cells.collect();
        DeclaredRow { declared, total: cells.iter().map(|cell| cell.count).sum(), cells }
    };
    Declared::ALL.into_iter().map(row).collect()
}

/// Whether a statement fits what is inferred. `destructiveHint: true` says "may", which Write and Execute can be.
fn says(declared: Declared, class: Class) -> &'static str {
    match (declared, class) {
        (Declared::Nothing, _) => "open",
        (Declared::Reads, Class::Read)
        | (Declared::Spares, Class::Write | Class::Execute)
        | (Declared::Destroys, Class::Destructive) => "agrees",
        (Declared::Reads, _) | (Declared::Spares, Class::Destructive) | (Declared::Destroys, Class::Read) => {
            "contradicts"
        }
        (Declared::Spares, Class::Read) | (Declared::Destroys, _) => "open",
    }
}

fn shares(catalogue: &Catalogue, declared: &[DeclaredRow]) -> Shares {
    let tools = catalogue.tools.len();
    let of = |class: Class| catalogue.tools.iter().filter(|tool| tool.class == class).count();
    let answered = catalogue.servers.iter().filter(|s| s.answered()).count();
    let destructive_servers = catalogue.servers.iter().filter(|s| s.classes[3] > 0).count();
    let row = |one: Declared| declared.iter().find(|row| row.declared == one);
    let reads = row(Declared::Reads).map(|row| row.cells.as_slice()).unwrap_or_default();
    let contradicted = reads.iter().filter(|cell| cell.says == "contradicts");
    Shares {
        destructive: share(of(Class::Destructive), tools),
        without_hints: share(row(Declared::Nothing).map_or(0, |row| row.total), tools),
        destructive_servers,
        destructive_servers_share: share(destructive_servers, answered),
        unanswered: share(catalogue.servers.len() - answered, catalogue.servers.len()),
        contradicted: contradicted.clone().map(|cell| cell.count).sum(),
        contradicted_destructive: contradicted
            .filter(|cell| cell.class == "destructive")
            .map(|c| c.count)
            .sum(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_size_is_in_one_bucket() {
        for size in [0, 1, 2, 3, 4, 7, 8, 15, 16, 63, 64, 127, 128, 5_000] {
            assert_eq!(
                BUCKETS.iter().filter(|(from, to)| (*from..=*to).contains(&size)).count(),
                1,
                "{size}"
            );
        }
    }

    #[test]
    fn a_hint_contradicts_only_what_it_denies() {
        assert_eq!(says(Declared::Reads, Class::Write), "contradicts");
        assert_eq!(says(Declared::Destroys, Class::Write), "open");
        assert_eq!(says(Declared::Spares, Class::Destructive), "contradicts");
        assert_eq!(says(Declared::Nothing, Class::Destructive), "open");
    }
}
