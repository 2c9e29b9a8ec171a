//! Which kind a page is of, by its address and, where three kinds share one, by what it says.

use std::collections::BTreeMap;

use catalogue::render::PAGE_KINDS;
use regex::Regex;

use super::site::{MADE_UP, Site};

/// Kinds whose files are pages.
fn of_pages() -> impl Iterator<Item = (&'static str, &'static str)> {
    // Old addresses end as the pages did that were there.
    PAGE_KINDS
        .iter()
        .map(|kind| (kind.id, kind.path))
        .filter(|(_, p)| p.contains(".html") || p.contains("{old}"))
}

/// The pages of a site by their kinds, each with its size, sorted.
pub(crate) fn by_kind(site: &Site) -> BTreeMap<&'static str, Vec<(String, usize)>> {
    let holes = Regex::new(r"\{[a-z]+\}").unwrap();
    let mut shapes = Vec::new();
    for (kind, paths) in of_pages() {
        for path in paths.split(", ").map(|path| path.replace("…/", "servers/{registry}/{name}/")) {
            let fixed: Vec<_> = holes.split(&path).map(regex::escape).collect();
            let shape = Regex::new(&format!("^{}$", fixed.join(".+"))).unwrap();
            shapes.push((fixed.concat().len(), shape, kind));
        }
    }
    // The one that says most about the address.
    shapes.sort_by_key(|(fixed, ..)| std::cmp::Reverse(*fixed));
    let mut found: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for page in site.pages() {
        let text = std::fs::read_to_string(&page).unwrap();
        let path = page.strip_prefix(&site.out).unwrap().to_string_lossy().into_owned();
        let fits = shapes.iter().find(|(_, shape, _)| shape.is_match(&path));
        let kind = fits.unwrap_or_else(|| panic!("{path} is of no kind")).2;
        let kind = if text.contains("<h1>This page moved</h1>") {
            "moved"
        } else if !matches!(kind, "server" | "server-quiet" | "server-declared") {
            kind
        } else if text.contains("This server listed no tools") {
            "server-quiet"
        } else if text.contains("Never asked.") {
            "server-declared"
        } else {
            "server"
        };
        found.entry(kind).or_default().push((path, text.len()));
    }
    found
}

#[test]
fn the_made_up_catalogue_has_pages_of_every_kind() {
    let found = by_kind(&MADE_UP);
    let missing: Vec<_> = of_pages().filter(|(kind, _)| !found.contains_key(kind)).collect();
    assert!(missing.is_empty(), "nobody looks at pages of these kinds: {missing:?}");
}
