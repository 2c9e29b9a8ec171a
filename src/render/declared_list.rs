//! The list of servers that were never asked: of them only what others declare is known.

use serde::Serialize;

use super::RenderError;
use super::kinds::{MadeFrom, Make, PageKind};
use super::name::ServerName;
use super::page::{Pager, parts};
use super::site_work::WholeWork;

const SERVERS_ON_PAGE: usize = 200;

/// The list, in parts; none where there is nothing to list.
pub(super) const KIND: PageKind = PageKind {
    id: "declared",
    path: "servers/declared.html, servers/declared/{part}.html",
    templates: &["declared.html"],
    made_from: MadeFrom::Catalogue,
    counts: true,
    make: Make::Whole(list),
};

#[derive(Serialize)]
struct UnaskedLine<'a> {
    server: &'a ServerName,
    why: &'static str,
}

#[derive(Serialize)]
struct UnaskedList<'a> {
    pager: Pager,
    servers: Vec<UnaskedLine<'a>>,
}

fn list(work: &WholeWork<'_>) -> Result<(), RenderError> {
    if work.unasked.is_empty() {
        return Ok(());
    }
    let all = parts("servers/declared.html", "servers/declared", work.unasked.len(), SERVERS_ON_PAGE);
    for (path, pager) in all {
        let start = (pager.number - 1) * SERVERS_ON_PAGE;
        let lines = work.unasked.iter().skip(start).take(SERVERS_ON_PAGE);
        let servers = lines.map(|s| UnaskedLine { server: &s.name, why: s.why }).collect();
        work.common.press.page(&KIND, work.unit, &path, &UnaskedList { pager, servers })?;
        work.listed(path);
    }
    Ok(())
}
