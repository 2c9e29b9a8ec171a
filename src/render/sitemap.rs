//! For machines that walk the site: `sitemap.xml` in parts, and `robots.txt`.

use serde::Serialize;

use super::RenderError;
use super::catalogue::tool_path;
use super::dates::{day_number, day_text};
use super::digest::{Digest, Inputs};
use super::kinds::{MadeFrom, Make, PageKind};
use super::page::absolute;
use super::site_work::WholeWork;
use super::{server_page, server_risk};

/// Addresses in one file. Source: sitemaps.org protocol, at most 50,000 and 50 MB.
const ADDRESSES: usize = 50_000;

/// The list of every page.
pub(super) const KIND: PageKind = PageKind {
    id: "sitemap",
    path: "sitemap.xml, sitemaps/{part}.xml",
    templates: &["sitemap.xml"],
    made_from: MadeFrom::Catalogue,
    counts: true,
    make: Make::Last(sitemap),
};
/// What walkers may do.
pub(super) const ROBOTS: PageKind = PageKind {
    id: "robots",
    path: "robots.txt",
    templates: &["robots.txt"],
    made_from: MadeFrom::Files,
    counts: false,
    make: Make::Whole(robots),
};

#[derive(Serialize)]
struct Sitemap<'a> {
    /// Pages, or the parts of a sitemap that has several.
    addresses: &'a [Address],
    is_index: bool,
}

/// An address, and when what is there changed last, if that is known.
#[derive(Debug, Clone, Serialize)]
struct Address {
    place: String,
    changed: Option<String>,
}

#[derive(Serialize)]
struct Robots {
    sitemap: Option<String>,
}

fn robots(work: &WholeWork<'_>) -> Result<(), RenderError> {
    let press = work.common.press;
    let base = press.options.base_url.as_ref().filter(|_| !press.site.private);
    let sitemap = base.map(|base| absolute(base, "sitemap.xml"));
    press.page(&ROBOTS, work.unit, "robots.txt", &Robots { sitemap })
}

/// Only where the site's address is known: a sitemap has no relative addresses. A site for its owner alone has none.
fn sitemap(work: &WholeWork<'_>) -> Result<(), RenderError> {
    let press = work.common.press;
    let put = |path: &str, addresses: &[Address], is_index: bool| {
        // Some at a time: what is digested lies in memory.
        let mut inputs = Inputs::default();
        inputs.add(&is_index);
        addresses.chunks(1_000).for_each(|some| inputs.add(&Digest::of(&some)));
        press.page_from(&KIND, work.unit, path, inputs.done(), || Ok(Sitemap { addresses, is_index }))
    };
    let Some(base) = press.options.base_url.as_ref().filter(|_| !press.site.private) else {
        return put("sitemap.xml", &[], false);
    };
    let mut pages = work.pages.lock().expect("no thread panics while it holds the list of pages").clone();
    pages.sort();
    let catalogue = work.common.catalogue;
    let servers = catalogue.servers.iter().flat_map(|entry| {
        let folder = entry.name.path.as_str();
        let own = server_page::pages(entry).into_iter().chain(server_risk::pages(catalogue, entry));
        let since = day_text(day_number(Some(entry.since)));
        let listed = day_number(Some(entry.listed_since));
        let listed_text = day_text(listed);
        let tools = catalogue.tools_of(entry).iter().zip(entry.first_tool..);
        let tools = tools.map(move |(tool, place)| {
            let moved = catalogue.moved.of(place);
            let changed = if moved > listed { day_text(moved) } else { listed_text.clone() };
            (tool_path(folder, catalogue.slug_of(tool)), Some(changed))
        });
        own.map(move |path| (path, Some(since.clone()))).chain(tools)
    });
    // Servers of which only declared lists are known are not for search engines.
    let address =
        |(path, changed): (String, Option<String>)| Address { place: absolute(base, &path), changed };
    let pages = pages.into_iter().map(|path| (path, None));
    let mut all = pages.chain(servers).map(address).peekable();
    let mut made: Vec<Address> = all.by_ref().take(ADDRESSES).collect();
    if all.peek().is_none() {
        return put("sitemap.xml", &made, false);
    }
    // One part is laid out at a time, never all addresses: side by side they are the most that a build holds at all.
    let mut files: Vec<Address> = Vec::new();
    while !made.is_empty() {
        let path = format!("sitemaps/{}.xml", files.len() + 1);
        put(&path, &made, false)?;
        let changed = made.iter().filter_map(|address| address.changed.as_deref()).max().map(str::to_owned);
        files.push(Address { place: absolute(base, &path), changed });
        made.clear();
        made.extend(all.by_ref().take(ADDRESSES));
    }
    put("sitemap.xml", &files, true)
}
