//! Addresses that moved (`data/moved.toml`): at each old one a page stays that leads on, and `_redirects` says the same to hosts that
//! read that file. The list is kept by hand, so that the same data and database give the same site, whatever was built before.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::RenderError;
use super::catalogue::tool_path;
use super::kinds::{MadeFrom, Make, PageKind};
use super::manifest::is_plain;
use super::page::{absolute, root_from};
use super::site_work::WholeWork;
use super::{server_page, server_risk};
use crate::model::slug::slug;

/// Where the list lies, below `data/`.
const LIST: &str = "moved.toml";
/// For hosts that redirect by a list: Netlify, Cloudflare Pages and others read it in this form.
const REDIRECTS: &str = "_redirects";

/// One page for each old address.
pub(super) const KIND: PageKind = PageKind {
    id: "moved",
    path: "{old}, _redirects",
    templates: &["moved.html"],
    made_from: MadeFrom::Catalogue,
    counts: false,
    make: Make::Last(moved),
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct List {
    #[serde(default)]
    moved: Vec<Moved>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Moved {
    from: String,
    to: String,
}

#[derive(Serialize)]
struct MovedView<'a> {
    from: &'a str,
    to: &'a str,
    /// With scheme and host, where the site's address is known.
    now: Option<String>,
    /// For a browser: at once, and where to.
    refresh: String,
}

fn moved(work: &WholeWork<'_>) -> Result<(), RenderError> {
    let press = work.common.press;
    let list = read(&press.options.data).map_err(|why| RenderError::Moved { why })?;
    let base = press.options.base_url.as_ref();
    let root = base.map_or("", |base| base.path().trim_end_matches('/'));
    let mut redirects = String::new();
    for from in list.keys().filter(|from| !stands(work, from)) {
        let Some(to) = steps(&list, from).find(|to| stands(work, to)) else { continue };
        let view = MovedView {
            from,
            to,
            now: base.map(|base| absolute(base, to)),
            refresh: format!("0; url={}{to}", root_from(from)),
        };
        press.page(&KIND, work.unit, from, &view)?;
        redirects.push_str(&format!("{root}/{from} {root}/{to} 301\n"));
    }
    if redirects.is_empty() {
        return Ok(());
    }
    press.file(work.unit, REDIRECTS, redirects.as_bytes())
}

/// Every old address with the one that followed it.
fn read(files: &BTreeMap<String, Vec<u8>>) -> Result<BTreeMap<String, String>, String> {
    let Some(bytes) = files.get(LIST) else { return Ok(BTreeMap::new()) };
    let text = std::str::from_utf8(bytes).map_err(|_| "is not UTF-8".to_owned())?;
    let list: List = toml::from_str(text).map_err(|e| format!("cannot be read: {}", e.message()))?;
    let mut all = BTreeMap::new();
    for Moved { from, to } in list.moved {
        if let Some(odd) = [&from, &to].into_iter().find(|path| !is_address(path)) {
            return Err(format!(
                "has {odd:?}, which is no page below the site's root (a path of small letters, digits and @ . _ - that ends \
                 in .html)"
            ));
        }
        if all.insert(from.clone(), to).is_some() {
            return Err(format!("says twice where {from} is now"));
        }
    }
    match all.keys().find(|from| steps(&all, from).count() > all.len()) {
        Some(from) => Err(format!("leads {from} round in a circle")),
        None => Ok(all),
    }
}

/// What every page of ours could be called. Nothing in it means anything in HTML, in an address or in `_redirects`.
fn is_address(path: &str) -> bool {
    let known = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "@._-/".contains(c);
    path.chars().all(known) && is_plain(path) && !path.contains("//") && path.ends_with(".html")
}

/// Where an address leads, and from there on: what moved twice leads over two steps. Ends in a circle with its last step.
fn steps<'a>(list: &'a BTreeMap<String, String>, from: &str) -> impl Iterator<Item = &'a str> {
    let first = list.get(from);
    std::iter::successors(first, |to| list.get(*to)).map(String::as_str).take(list.len() + 1)
}

/// Whether this site has a page there.
fn stands(work: &WholeWork<'_>, path: &str) -> bool {
    let catalogue = work.common.catalogue;
    let pages = work.pages.lock().expect("no thread panics while it holds the list of pages");
    if pages.iter().any(|page| page == path) {
        return true;
    }
    let below = |folder: &str| path.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'));
    catalogue.servers.iter().filter(|entry| below(&entry.name.path)).any(|entry| {
        let folder = entry.name.path.as_str();
        server_page::pages(entry).iter().any(|page| page == path)
            || server_risk::pages(catalogue, entry).iter().any(|page| page == path)
            || catalogue
                .tools_of(entry)
                .iter()
                .any(|t| tool_path(folder, &slug(catalogue.name_of(t))) == path)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::assets::Folder;

    fn list(text: &str) -> Result<BTreeMap<String, String>, String> {
        read(&BTreeMap::from([(LIST.to_owned(), text.as_bytes().to_vec())]))
    }

    #[test]
    fn an_address_leads_to_the_end_and_what_leads_nowhere_is_refused() {
        let moved = |pairs: &[(&str, &str)]| {
            let line = |(from, to): &(&str, &str)| format!("[[moved]]\nfrom = {from:?}\nto = {to:?}\n");
            list(&pairs.iter().map(line).collect::<String>())
        };
        let all = moved(&[("a.html", "b.html"), ("b.html", "c/d.html")]).unwrap();
        assert_eq!(steps(&all, "a.html").collect::<Vec<_>>(), ["b.html", "c/d.html"]);
        assert!(read(&BTreeMap::new()).unwrap().is_empty());
        for (pairs, said) in [
            (vec![("a.html", "b.html"), ("b.html", "a.html")], "round in a circle"),
            (vec![("a.html", "a.html")], "round in a circle"),
            (vec![("a.html", "b.html"), ("a.html", "c.html")], "says twice"),
            (vec![("../a.html", "b.html")], "no page below"),
            (vec![("a.html", "https:b.html")], "no page below"),
            (vec![("a.html", "/b.html")], "no page below"),
            (vec![("a b.html", "b.html")], "no page below"),
            (vec![("a.html", "b.json")], "no page below"),
        ] {
            let error = moved(&pairs).unwrap_err();
            assert!(error.contains(said), "{pairs:?}: {error}");
        }
        assert!(list("moved = 3").unwrap_err().contains("cannot be read"));
        read(&Folder::Data.files(None).unwrap()).unwrap();
    }
}
