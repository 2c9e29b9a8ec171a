//! The catalogue for models: `llms.txt` says what there is, `llms-full.txt` and its parts name every server and tool with its
//! verdict and its page. Facts only: no word of a description, and no name of a tool whose text talks to the model.
//! Source: llmstxt.org, the form of the file.

use serde::Serialize;

use super::RenderError;
use super::catalogue::{Catalogue, ServerEntry};
use super::digest::Inputs;
use super::kinds::{MadeFrom, Make, PageKind};
use super::lists::Figures;
use super::page::absolute;
use super::prose::{GuideLine, guide_lines};
use super::site_work::WholeWork;
use crate::model::emit::{for_markdown, for_models};
use crate::model::{Signal, Untrusted};

/// Tools in one part, as near as whole servers come to it: some 500 KB.
const TOOLS_IN_PART: usize = 5_000;
/// Servers in one part, for catalogues with many that never answered.
const SERVERS_IN_PART: usize = 2_000;

/// What there is.
pub(super) const INDEX: PageKind = PageKind {
    id: "llms",
    path: "llms.txt",
    templates: &["llms.txt"],
    made_from: MadeFrom::Catalogue,
    counts: true,
    make: Make::Whole(index),
};
/// Every server and tool.
pub(super) const FULL: PageKind = PageKind {
    id: "llms-full",
    path: "llms-full.txt, llms-full/{part}.txt",
    templates: &["llms-full.txt"],
    made_from: MadeFrom::Catalogue,
    counts: true,
    make: Make::Whole(full),
};

#[derive(Serialize)]
struct IndexView<'a> {
    figures: &'a Figures,
    /// Where the site is, with the slash; empty where that is not known.
    base: String,
    guides: Vec<GuideLine>,
    attacks: Vec<(&'a str, &'a str)>,
}

#[derive(Serialize)]
struct FullView {
    base: String,
    part: usize,
    parts: usize,
    next: Option<String>,
    servers: Vec<ServerFacts>,
}

#[derive(Serialize)]
struct ServerFacts {
    key: String,
    version: String,
    page: String,
    outcome: &'static str,
    answered: bool,
    asked: String,
    total: usize,
    tools: Vec<String>,
    /// Tools that are not named, because their definition talks to the model.
    withheld: usize,
}

fn base(work: &WholeWork<'_>) -> String {
    work.common.press.options.base_url.as_ref().map(|base| absolute(base, "")).unwrap_or_default()
}

fn index(work: &WholeWork<'_>) -> Result<(), RenderError> {
    let patterns = work.common.library.patterns().iter();
    let view = IndexView {
        figures: &work.figures,
        base: base(work),
        guides: guide_lines(&work.common.press.options.site),
        attacks: patterns.map(|pattern| (pattern.id.as_str(), pattern.title.as_str())).collect(),
    };
    work.common.press.page(&INDEX, work.unit, "llms.txt", &view)
}

/// Servers by key, cut into parts.
fn cut(catalogue: &Catalogue) -> Vec<&[ServerEntry]> {
    let (mut parts, mut from, mut tools) = (Vec::new(), 0, 0);
    for (place, entry) in catalogue.servers.iter().enumerate() {
        tools += entry.tool_count;
        if tools >= TOOLS_IN_PART || place + 1 - from >= SERVERS_IN_PART {
            parts.extend(catalogue.servers.get(from..=place));
            (from, tools) = (place + 1, 0);
        }
    }
    parts.extend(catalogue.servers.get(from..).filter(|rest| !rest.is_empty() || from == 0));
    parts
}

fn full(work: &WholeWork<'_>) -> Result<(), RenderError> {
    let catalogue = work.common.catalogue;
    let all = cut(catalogue);
    let path = |part: usize| {
        if part == 1 { "llms-full.txt".to_owned() } else { format!("llms-full/{part}.txt") }
    };
    for (part, servers) in (1..).zip(&all) {
        let next = (part < all.len()).then(|| path(part + 1));
        let mut inputs = Inputs::default();
        inputs.add(&(base(work), part, all.len(), &next));
        for entry in *servers {
            inputs.add(&(&entry.name.key, &entry.version, entry.outcome.as_str(), entry.asked.to_string()));
            catalogue.tools_of(entry).iter().for_each(|tool| inputs.add(&tool.shown));
        }
        work.common.press.page_from(&FULL, work.unit, &path(part), inputs.done(), || {
            let servers = servers.iter().map(|entry| facts(catalogue, entry)).collect();
            Ok(FullView { base: base(work), part, parts: all.len(), next, servers })
        })?;
    }
    Ok(())
}

fn facts(catalogue: &Catalogue, entry: &ServerEntry) -> ServerFacts {
    let talks = |tool: &&super::catalogue::ToolEntry| tool.has(Signal::DescriptionInjection);
    let tools = catalogue.tools_of(entry);
    let line = |tool: &super::catalogue::ToolEntry| {
        let signals: Vec<&str> = tool.signals().map(Signal::as_str).collect();
        let named = for_models(catalogue.name_of(tool), tool.class, &[], None);
        let signals = if signals.is_empty() { String::new() } else { format!(", {}", signals.join(" ")) };
        format!("{named}, {} risk{signals}, {}", tool.risk, catalogue.tool_path(tool))
    };
    ServerFacts {
        key: for_markdown(&Untrusted::new(entry.key_text()), 200),
        version: Untrusted::new(entry.version.as_str()).for_page_line(60),
        page: format!("{}/index.html", entry.name.path),
        outcome: entry.outcome.as_str(),
        answered: entry.answered(),
        asked: entry.asked.strftime("%Y-%m-%d").to_string(),
        total: entry.tool_count,
        tools: tools.iter().filter(|tool| !talks(tool)).map(line).collect(),
        withheld: tools.iter().filter(talks).count(),
    }
}
