//! The page of a server with its tools as sections: each line of the list has a name that links lead to, and, where the tool has no page of its
//! own, what there is to say of it, closed until somebody asks.

use std::collections::BTreeSet;

use super::super::check::resolve;
use super::super::words::risk_word;
use super::FoldError;
use super::links::Links;
use super::markup::{Element, element, tags};
use super::table::{anchor_of_risk, anchor_of_tool};
use crate::model::Risk;

/// The list of tools on a server's page.
pub(super) struct List<'a>(Element<'a>, Element<'a>);

/// A tool in the list.
#[derive(Debug, Clone, Copy)]
pub(super) struct Line<'a> {
    /// Its page, as it is linked.
    pub(super) link: &'a str,
    pub(super) risk: Risk,
    /// What stands between `<li>` and `</li>`.
    inner: &'a str,
}

impl<'a> List<'a> {
    /// None on a page that lists none.
    pub(super) fn of(page: &'a str) -> Option<Self> {
        let section = element(page, "section", "aria-labelledby", "tools")?;
        Some(Self(section, element(section.inner, "ul", "class", "tools")?))
    }

    /// Its lines; None for one that is not as `build` writes it.
    pub(super) fn lines(&self) -> impl Iterator<Item = Option<Line<'a>>> {
        let lines = self.1.inner.split("<li>").skip(1);
        lines.map(|line| Line::of(line.trim_end().strip_suffix("</li>")?))
    }
}

impl<'a> Line<'a> {
    fn of(inner: &'a str) -> Option<Self> {
        let link = tags(inner).find(|tag| tag.name == "a")?.value("href")?;
        let css = tags(inner).find_map(|tag| tag.value("class")?.strip_prefix("risk "))?;
        let risk = Risk::ALL.iter().find(|risk| risk_word(**risk).css == css)?;
        Some(Self { link, risk: *risk, inner })
    }
}

/// A server's page, or a part of it, with what `section` says of each tool that has no page; None if it is not as `build` writes it.
///
/// # Errors
/// What `section` says.
pub(super) fn page(
    links: &Links<'_>,
    path: &str,
    text: &str,
    section: impl Fn(&str) -> Result<String, FoldError>,
) -> Result<Option<String>, FoldError> {
    let Some(list) = List::of(text) else { return Ok(None) };
    let List(outer, inner) = list;
    let mut out = links.page(path, outer.before);
    out.push_str(outer.tag);
    out.push_str(&links.page(path, inner.before));
    out.push_str(inner.tag);
    let mut named = BTreeSet::new();
    for line in List(outer, inner).lines() {
        let Some(line) = line else { return Ok(None) };
        let Some(tool) = resolve(path, line.link) else { return Ok(None) };
        let Some(anchor) = anchor_of_tool(&tool) else { return Ok(None) };
        let is_first = named.insert(anchor.clone());
        out.push_str("<li");
        if is_first {
            out.push_str(&format!(" id=\"{anchor}\""));
        }
        out.push('>');
        let level = anchor_of_risk(line.risk);
        let folder = tool.rsplit_once("/tools/").map_or("", |(folder, _)| folder);
        let by_risk = links.table.landing(&format!("{folder}/risk/{}.html", line.risk.as_str()));
        let text = links.page(path, line.inner);
        if by_risk.is_some_and(|landing| landing.path == path) && named.insert(level.clone()) {
            let css = risk_word(line.risk).css;
            out.push_str(&text.replacen(
                &format!("<span class=\"risk {css}\">"),
                &format!("<span class=\"risk {css}\" id=\"{level}\">"),
                1,
            ));
        } else {
            out.push_str(&text);
        }
        if is_first && links.table.landing(&tool).is_some() {
            out.push_str(&section(&tool)?);
        }
        out.push_str("</li>");
    }
    out.push_str("</ul>");
    out.push_str(&links.page(path, inner.after));
    out.push_str("</section>");
    out.push_str(&links.page(path, outer.after));
    Ok(Some(out))
}
