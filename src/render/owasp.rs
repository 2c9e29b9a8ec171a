//! OWASP's lists for MCP and for applications of language models, with what of each entry can be counted in this catalogue.

use rayon::prelude::*;
use serde::Serialize;

use super::RenderError;
use super::catalogue::{Catalogue, signal_bits};
use super::digest::Digest;
use super::kinds::{MadeFrom, Make, PageKind};
use super::lists::Figures;
use super::site_work::WholeWork;
use super::words::{ClassWord, SignalWord, class_word, signal_word};
use crate::attack::{Entry, EntryList, Library, ServerTrait};

/// One page.
pub(super) const KIND: PageKind = PageKind {
    id: "owasp",
    path: "owasp.html",
    templates: &["owasp.html"],
    made_from: MadeFrom::Catalogue,
    counts: true,
    make: Make::Whole(owasp),
};

#[derive(Serialize)]
struct EntryView<'a> {
    id: &'a str,
    label: &'a str,
    title: &'a str,
    also: &'a str,
    url: &'a str,
    means: &'a str,
    note: &'a str,
    signals: Vec<SignalWord>,
    classes: Vec<ClassWord>,
    traits: &'a [ServerTrait],
    /// Something of it can be counted among tools, or among servers.
    counts_tools: bool,
    counts_servers: bool,
    tools: usize,
    servers: usize,
    attacks: Vec<Named<'a>>,
}

#[derive(Serialize)]
struct Named<'a> {
    id: &'a str,
    title: &'a str,
}

#[derive(Serialize)]
struct ListView<'a> {
    id: &'a str,
    title: &'a str,
    edition: &'a str,
    version: &'a str,
    url: &'a str,
    entries: Vec<EntryView<'a>>,
}

#[derive(Serialize)]
struct OwaspView<'a> {
    format: &'static str,
    figures: &'a Figures,
    lists: Vec<ListView<'a>>,
}

fn owasp(work: &WholeWork<'_>) -> Result<(), RenderError> {
    let (library, catalogue) = (work.common.library, work.common.catalogue);
    let list = |list: &'_ EntryList| -> Vec<EntryView<'_>> {
        let entries: Vec<&Entry> = library.entries().iter().filter(|entry| entry.list == list.id).collect();
        entries.into_par_iter().map(|entry| view(library, catalogue, entry)).collect()
    };
    let lists = library.lists().iter().map(|one| ListView {
        id: &one.id,
        title: &one.title,
        edition: &one.edition,
        version: &one.version,
        url: &one.url,
        entries: list(one),
    });
    let view = OwaspView { format: "catalogue-owasp-1", figures: &work.figures, lists: lists.collect() };
    work.listed("owasp.html".to_owned());
    work.common.press.twin(work.unit, "owasp.html", Digest::of(&view), || Ok(&view))?;
    work.common.press.page(&KIND, work.unit, "owasp.html", &view)
}

fn view<'a>(library: &'a Library, catalogue: &Catalogue, entry: &'a Entry) -> EntryView<'a> {
    let signals = signal_bits(&entry.signals);
    let tool =
        |tool: &&super::catalogue::ToolEntry| entry.classes.contains(&tool.class) || tool.has_one(signals);
    let server = |server: &&super::catalogue::ServerEntry| {
        server.answered() && entry.servers.iter().any(|one| server.traits.has(*one))
    };
    let patterns = entry.attacks.iter().filter_map(|id| library.pattern(id));
    EntryView {
        id: &entry.id,
        label: &entry.label,
        title: &entry.title,
        also: &entry.also,
        url: &entry.url,
        means: &entry.means,
        note: &entry.note,
        signals: entry.signals.iter().copied().map(signal_word).collect(),
        classes: entry.classes.iter().copied().map(class_word).collect(),
        traits: &entry.servers,
        counts_tools: !(entry.signals.is_empty() && entry.classes.is_empty()),
        counts_servers: !entry.servers.is_empty(),
        tools: catalogue.tools.iter().filter(tool).count(),
        servers: catalogue.servers.iter().filter(server).count(),
        attacks: patterns.map(|p| Named { id: &p.id, title: &p.title }).collect(),
    }
}
