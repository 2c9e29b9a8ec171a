//! Pages that list: home, classes, risks, all servers, servers that did not answer. Long ones come in parts.

use jiff::Timestamp;
use rayon::prelude::*;
use serde::Serialize;

use super::RenderError;
use super::catalogue::{Catalogue, ServerEntry, ServerLine, ToolEntry, ToolLine};
use super::page::{Pager, Press, parts};
use super::words::{
    ClassCount, ClassWord, Day, RiskCount, RiskWord, class_counts, class_word, day, risk_counts, risk_word,
};
use crate::model::{Class, Outcome, Risk};

/// Lines of a list on one page.
const TOOLS_ON_PAGE: usize = 200;
const SERVERS_ON_PAGE: usize = 200;
/// Servers on the home page.
const SERVERS_ON_HOME: usize = 60;

/// Figures that several lists show.
#[derive(Debug, Clone, Serialize)]
struct Figures {
    tools: usize,
    servers: usize,
    answered: usize,
    quiet: usize,
    classes: Vec<ClassCount>,
    risks: Vec<RiskCount>,
    as_of: Option<Day>,
    /// True if there are servers of which only declared lists are known.
    has_declared: bool,
}

#[derive(Serialize)]
struct Home<'a> {
    figures: &'a Figures,
    servers: Vec<ServerLine>,
    /// One tool of each class, to show how a list reads.
    examples: Vec<ToolLine>,
}

#[derive(Serialize)]
struct ToolList<'a> {
    figures: &'a Figures,
    class: Option<ClassWord>,
    risk: Option<RiskWord>,
    total: usize,
    on_servers: usize,
    pager: Pager,
    tools: Vec<ToolLine>,
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

/// Writes every list; returns how many pages that were.
///
/// # Errors
/// See [`Press::page`].
pub(super) fn write_lists(
    press: &Press<'_>,
    catalogue: &Catalogue,
    as_of: Option<Timestamp>,
    has_declared: bool,
) -> Result<Vec<String>, RenderError> {
    let answered = catalogue.servers.iter().filter(|s| s.answered()).count();
    let figures = Figures {
        tools: catalogue.tools.len(),
        servers: catalogue.servers.len(),
        answered,
        quiet: catalogue.servers.len() - answered,
        classes: class_counts(catalogue.classes()),
        risks: risk_counts(catalogue.risks()),
        as_of: as_of.map(day),
        has_declared,
    };
    let mut pages = vec!["index.html".to_owned()];
    press.page("home.html", "index.html", &home(catalogue, &figures))?;
    for class in Class::ALL {
        let wanted = |t: &ToolEntry| t.class == *class;
        pages.extend(tool_list(press, catalogue, &figures, Subject::Class(*class), wanted)?);
    }
    for risk in Risk::ALL {
        let wanted = |t: &ToolEntry| t.risk == *risk;
        pages.extend(tool_list(press, catalogue, &figures, Subject::Risk(*risk), wanted)?);
    }
    let all: Vec<&ServerEntry> = catalogue.servers.iter().collect();
    pages.extend(server_list(press, &figures, "servers.html", "servers/index.html", "servers/all", &all)?);
    let quiet: Vec<&ServerEntry> = catalogue.servers.iter().filter(|s| !s.answered()).collect();
    let (first, more) = ("servers/unanswered.html", "servers/unanswered");
    pages.extend(server_list(press, &figures, "quiet.html", first, more, &quiet)?);
    Ok(pages)
}

fn home<'a>(catalogue: &Catalogue, figures: &'a Figures) -> Home<'a> {
    let mut servers: Vec<&ServerEntry> = catalogue.servers.iter().filter(|s| s.answered()).collect();
    servers.sort_by_key(|s| (usize::MAX - s.tool_count, s.key().to_string()));
    let example = |class: &Class| {
        let mut tools = catalogue.by_name.iter().filter_map(|i| catalogue.tools.get(*i));
        tools.find(|t| t.class == *class && !t.line.is_empty()).map(|t| catalogue.tool_line(t, true))
    };
    Home {
        figures,
        servers: servers.into_iter().take(SERVERS_ON_HOME).map(ServerEntry::line).collect(),
        examples: Class::ALL.iter().filter_map(example).collect(),
    }
}

#[derive(Clone, Copy)]
enum Subject {
    Class(Class),
    Risk(Risk),
}

fn tool_list(
    press: &Press<'_>,
    catalogue: &Catalogue,
    figures: &Figures,
    subject: Subject,
    wanted: impl Fn(&ToolEntry) -> bool,
) -> Result<Vec<String>, RenderError> {
    let tools: Vec<&ToolEntry> =
        catalogue.by_name.iter().filter_map(|i| catalogue.tools.get(*i)).filter(|t| wanted(t)).collect();
    let mut servers: Vec<usize> = tools.iter().map(|t| t.server).collect();
    servers.sort_unstable();
    servers.dedup();
    let (template, folder, class, risk) = match subject {
        Subject::Class(class) => {
            ("class.html", format!("classes/{}", class.as_str()), Some(class_word(class)), None)
        }
        Subject::Risk(risk) => ("risk.html", format!("risks/{}", risk.as_str()), None, Some(risk_word(risk))),
    };
    let parts = parts(&format!("{folder}.html"), &folder, tools.len(), TOOLS_ON_PAGE);
    parts
        .into_par_iter()
        .map(|(path, pager)| {
            let start = (pager.number - 1) * TOOLS_ON_PAGE;
            let lines = tools.iter().skip(start).take(TOOLS_ON_PAGE);
            let view = ToolList {
                figures,
                class,
                risk,
                total: tools.len(),
                on_servers: servers.len(),
                pager,
                tools: lines.map(|t| catalogue.tool_line(t, true)).collect(),
            };
            press.page(template, &path, &view)?;
            Ok(path)
        })
        .collect()
}

fn server_list(
    press: &Press<'_>,
    figures: &Figures,
    template: &str,
    first: &str,
    more: &str,
    servers: &[&ServerEntry],
) -> Result<Vec<String>, RenderError> {
    let outcomes = outcome_lines(servers);
    let mut pages = Vec::new();
    for (path, pager) in parts(first, more, servers.len(), SERVERS_ON_PAGE) {
        let start = (pager.number - 1) * SERVERS_ON_PAGE;
        let lines = servers.iter().skip(start).take(SERVERS_ON_PAGE).map(|s| s.line()).collect();
        press.page(
            template,
            &path,
            &ServerList { figures, pager, servers: lines, outcomes: outcomes.clone() },
        )?;
        pages.push(path);
    }
    Ok(pages)
}

/// Outcomes that occur, in the order of the documentation.
fn outcome_lines(servers: &[&ServerEntry]) -> Vec<OutcomeLine> {
    let all = Outcome::ALL.into_iter().map(|outcome| OutcomeLine {
        id: outcome.as_str(),
        meaning: outcome.meaning(),
        hint: outcome.hint(),
        count: servers.iter().filter(|s| s.outcome == outcome).count(),
    });
    all.filter(|line| line.count > 0).collect()
}
