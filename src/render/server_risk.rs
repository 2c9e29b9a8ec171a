//! The tools of one server with one risk.

use std::cell::LazyCell;

use serde::Serialize;

use super::RenderError;
use super::catalogue::{Catalogue, ServerEntry, ToolEntry, ToolLine};
use super::digest::Digest;
use super::exposed_list::{ExposedLines, exposed_lines};
use super::facts::Facts;
use super::kinds::{MadeFrom, Make, PageKind};
use super::name::ServerName;
use super::page::{Pager, parts};
use super::site_work::ServerWork;
use super::tool_lines::LINE;
use super::twin;
use super::words::{ClassCount, RiskCount, RiskWord, class_counts, risk_counts, risk_word};
use crate::model::{Class, Risk};

/// Attack patterns that are named.
const PATTERNS: usize = 4;
/// Lines on one page, as on the server's own.
const TOOLS_ON_PAGE: usize = 500;

/// A level that the server has tools of.
pub(super) const KIND: PageKind = PageKind {
    id: "server-risk",
    path: "servers/{registry}/{name}/risk/{risk}.html, …/risk/{risk}/{part}.html",
    templates: &["server-risk.html", LINE],
    made_from: MadeFrom::Server,
    counts: false,
    make: Make::Server(make),
};

#[derive(Serialize)]
struct RiskView<'a> {
    server: &'a ServerName,
    facts: &'a Facts,
    risk: RiskWord,
    /// Tools of this risk, and of the server.
    of_risk: usize,
    total: usize,
    classes: Vec<ClassCount>,
    by_risk: &'a [RiskCount],
    pager: Pager,
    /// What these tools are exposed to; on the first part.
    attacks: Option<ExposedLines<'a>>,
}

/// The pages that a server has by risk.
pub(super) fn pages(catalogue: &Catalogue, entry: &ServerEntry) -> Vec<String> {
    let counts = Risk::ALL.iter().copied().zip(entry.risks(catalogue));
    counts.flat_map(|(risk, count)| own_parts(entry, risk, count)).map(|(path, _)| path).collect()
}

fn own_parts(entry: &ServerEntry, risk: Risk, count: usize) -> Vec<(String, Pager)> {
    if count == 0 {
        return Vec::new();
    }
    let folder = format!("{}/risk/{risk}", entry.name.path);
    parts(&format!("{folder}.html"), &folder, count, TOOLS_ON_PAGE)
}

fn make(work: &ServerWork<'_>) -> Result<(), RenderError> {
    if work.judged.is_none() {
        return Ok(());
    }
    let (catalogue, press, entry) = (work.common.catalogue, work.common.press, work.entry);
    let by_risk = risk_counts(entry.risks(catalogue));
    for risk in Risk::ALL.iter().copied() {
        let mut tools: Vec<&ToolEntry> =
            catalogue.tools_of(entry).iter().filter(|tool| tool.risk == risk).collect();
        tools.sort_by(|a, b| (b.class, catalogue.name_of(a)).cmp(&(a.class, catalogue.name_of(b))));
        let mut counts = [0; 4];
        for (count, class) in counts.iter_mut().zip(Class::ALL) {
            *count = tools.iter().filter(|tool| tool.class == *class).count();
        }
        for (path, pager) in own_parts(entry, risk, tools.len()) {
            let start = (pager.number - 1) * TOOLS_ON_PAGE;
            let lines = LazyCell::new(|| {
                let lines = tools.iter().skip(start).take(TOOLS_ON_PAGE);
                lines.map(|tool| catalogue.tool_line(tool, false)).collect::<Vec<ToolLine<'_>>>()
            });
            let word = risk_word(risk);
            // Like the server's own page it shows nothing that is not of the server.
            let inputs = Digest::of(&(work.server_inputs(pager.number), word));
            press.twin_text(work.unit, &path, inputs, || {
                let twin = twin::ToolListTwin::new(None, Some(word), tools.len(), &pager, &lines);
                Ok(twin.of_server(entry.key_text()).text())
            })?;
            press.page_with_tools(&KIND, work.unit, &path, inputs, || {
                let exposed = || tools.iter().map(|tool| tool.exposed);
                let attacks = || exposed_lines(work.common.library, exposed(), PATTERNS);
                let view = RiskView {
                    server: &entry.name,
                    facts: work.facts(),
                    risk: word,
                    of_risk: tools.len(),
                    total: entry.tool_count,
                    classes: class_counts(counts),
                    by_risk: &by_risk,
                    attacks: (pager.number == 1).then(attacks),
                    pager,
                };
                Ok((view, &lines))
            })?;
        }
    }
    Ok(())
}
