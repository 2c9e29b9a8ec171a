//! Where links lead when what they meant is a section now. Addresses of our own pages alone are looked at; everything else stays as it is.

use std::borrow::Cow;

use super::super::check::resolve;
use super::markup::{Attribute, Piece, Tag, pieces};
use super::table::Table;

/// What links are followed by.
pub(super) struct Links<'a> {
    pub(super) table: &'a Table,
    /// Where the site is on the web, with a slash at the end, if it knows that.
    pub(super) base: Option<String>,
}

/// Attributes whose value is the id of another element, or several.
const NAMES_IDS: [&str; 5] = ["for", "headers", "aria-labelledby", "aria-describedby", "aria-controls"];

impl Links<'_> {
    /// A part of a page, which stays at its address.
    pub(super) fn page(&self, path: &str, text: &str) -> String {
        let mut out = String::with_capacity(text.len() + text.len() / 16);
        for piece in pieces(text) {
            match piece {
                Piece::Open(tag) => tag.put_with(&mut out, |attribute| self.attribute(path, tag, attribute)),
                // Pages that lead on name the address.
                Piece::Text(text) => {
                    out.push_str(&self.site_path(text).map_or(Cow::Borrowed(text), Cow::Owned))
                }
                Piece::Close(raw) => out.push_str(raw),
            }
        }
        out
    }

    /// A part of a page that goes to another one: what is called something there, is called so with `prefix` here.
    pub(super) fn moved(&self, text: &str, from: &str, to: &str, prefix: &str) -> String {
        let prefixed = |id: &str| format!("{prefix}{id}");
        let other = |Attribute { name, value, .. }: Attribute<'_>| match name {
            "id" => Some(prefixed(value)),
            "href" if value.starts_with('#') => {
                value.strip_prefix('#').map(|id| format!("#{}", prefixed(id)))
            }
            "href" | "src" => self.rebased(from, to, value),
            name if NAMES_IDS.contains(&name) => {
                Some(value.split(' ').map(prefixed).collect::<Vec<_>>().join(" "))
            }
            _ => None,
        };
        let mut out = String::with_capacity(text.len() + text.len() / 8);
        for piece in pieces(text) {
            match piece {
                Piece::Open(tag) => tag.put_with(&mut out, other),
                Piece::Close(raw) | Piece::Text(raw) => out.push_str(raw),
            }
        }
        out
    }

    fn attribute(&self, page: &str, tag: Tag<'_>, attribute: Attribute<'_>) -> Option<String> {
        let value = attribute.value;
        match (tag.name, attribute.name) {
            (_, "href") => self.led_on(page, value),
            // A page that leads on says so to browsers and in its summary.
            ("meta", "content") => {
                if let Some(address) = value.strip_prefix("0; url=") {
                    return Some(format!("0; url={}", self.led_on(page, address)?));
                }
                let path = value.strip_prefix("This page moved to ")?.strip_suffix('.')?;
                Some(format!("This page moved to {}.", self.site_path(path)?))
            }
            _ => None,
        }
    }

    /// Another address for what a page or a document links, if it is somewhere else now.
    pub(super) fn led_on(&self, page: &str, link: &str) -> Option<String> {
        if let Some(base) = &self.base
            && let Some(path) = link.strip_prefix(base.as_str())
        {
            let landing = self.table.landing(path)?;
            let folder = landing.path.strip_suffix("index.html").unwrap_or(&landing.path);
            return Some(with_anchor(format!("{base}{folder}"), &landing.anchor));
        }
        if has_scheme(link) || link.starts_with('#') {
            return None;
        }
        let landing = self.table.landing(&resolve(page, link.split('#').next()?)?)?;
        Some(with_anchor(relative(page, &landing.path), &landing.anchor))
    }

    /// Another path, counted from the site's root.
    pub(super) fn site_path(&self, path: &str) -> Option<String> {
        if !path.starts_with("servers/") {
            return None;
        }
        let landing = self.table.landing(path)?;
        Some(with_anchor(landing.path, &landing.anchor))
    }

    /// A link of a page, as it is written on another one.
    fn rebased(&self, from: &str, to: &str, link: &str) -> Option<String> {
        if has_scheme(link) {
            return None;
        }
        let (path, fragment) = link.split_once('#').unwrap_or((link, ""));
        let address = resolve(from, path)?;
        let (address, anchor) = match self.table.landing(&address) {
            Some(landing) => (landing.path, landing.anchor),
            None => (address, fragment.to_owned()),
        };
        let way = relative(to, &address);
        let own_top = way.is_empty() && anchor.is_empty();
        let name = || address.rsplit('/').next().unwrap_or_default().to_owned();
        Some(if own_top { name() } else { with_anchor(way, &anchor) })
    }
}

fn has_scheme(link: &str) -> bool {
    link.starts_with('/') || link.split(['/', '#']).next().is_some_and(|start| start.contains(':'))
}

fn with_anchor(path: String, anchor: &str) -> String {
    if anchor.is_empty() { path } else { format!("{path}#{anchor}") }
}

/// The way from one page to another; nothing from a page to itself.
pub(super) fn relative(from: &str, to: &str) -> String {
    if from == to {
        return String::new();
    }
    let (mut from_parts, mut to_parts) = (from.split('/').peekable(), to.split('/').peekable());
    while let (Some(a), Some(b)) = (from_parts.peek(), to_parts.peek())
        && a == b
    {
        from_parts.next();
        to_parts.next();
    }
    let up = "../".repeat(from_parts.count().saturating_sub(1));
    format!("{up}{}", to_parts.collect::<Vec<_>>().join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_way_from_page_to_page() {
        for (from, to, way) in [
            ("a/b/index.html", "a/b/index.html", ""),
            ("a/b/index.html", "a/b/list/2.html", "list/2.html"),
            ("a/b/list/2.html", "a/b/index.html", "../index.html"),
            ("index.html", "a/b.html", "a/b.html"),
            ("a/b/tools/x.html", "a/c/index.html", "../../c/index.html"),
            ("a/b.html", "index.html", "../index.html"),
        ] {
            assert_eq!(relative(from, to), way, "{from} {to}");
        }
    }

    #[test]
    fn what_goes_to_another_page_takes_its_names_and_links_along() {
        let links = Links { table: &Table::default(), base: None };
        let text = "<p id=\"a\">href=\"#a\" <a href=\"#a\">1</a><a href=\"../index.html#policy\">2</a><a href=\"../index.html\">3</a>\
                    <a href=\"../../c/tools/y.html\">4</a><a href=\"https://h.example/?a&amp;b#c\">5</a></p><i aria-labelledby=\"a b\"></i>";
        let moved = links.moved(text, "s/b/tools/x.html", "s/b/index.html", "tool-x.");
        assert_eq!(
            moved,
            "<p id=\"tool-x.a\">href=\"#a\" <a href=\"#tool-x.a\">1</a><a href=\"#policy\">2</a><a href=\"index.html\">3</a>\
             <a href=\"../c/tools/y.html\">4</a><a href=\"https://h.example/?a&amp;b#c\">5</a></p><i aria-labelledby=\"tool-x.a tool-x.b\"></i>"
        );
    }
}
