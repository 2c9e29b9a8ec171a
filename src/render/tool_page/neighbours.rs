//! The other tools that a tool's page names: those around it in its server's list, and similar ones of other servers.

use serde::Serialize;

use super::{NAME_IN_TEXT, ToolPages};
use crate::attack::PatternSet;
use crate::model::{Class, Risk};
use crate::render::RenderError;
use crate::render::catalogue::{ToolEntry, put_tool_path};
use crate::render::exposure::{AttackLine, attack_lines};
use crate::render::html::{Markup, Sheet};
use crate::render::lines::LineOnce;
use crate::render::name::shown_name;
use crate::render::words::{ClassWord, RiskWord, class_word, risk_word};

/// Other tools of the same server that are named.
const SIBLINGS: usize = 6;
/// The template of one line.
const LINE: &str = "parts/near.html";

/// Another tool that the page names.
#[derive(Serialize)]
struct Near<'a> {
    name: &'a str,
    /// The way there from this page.
    path: &'a str,
    class: ClassWord,
    risk: RiskWord,
    /// Its server's key; empty for the same server.
    server: &'a str,
}

#[derive(Serialize)]
struct NearPart<'a> {
    tool: Near<'a>,
}

/// Its line of each class and risk, without a server and with one.
pub(in crate::render) type NearLines = [[[LineOnce; 2]; Risk::ALL.len()]; Class::ALL.len()];

impl ToolPages<'_> {
    /// Puts the tools around this one and those like it beside the view. `similar` are places in the catalogue.
    ///
    /// # Errors
    /// A template that does not fit.
    pub(super) fn put_near(
        &self,
        place: usize,
        similar: &[usize],
        own: (Class, Risk),
        sheet: &mut Sheet,
    ) -> Result<(), RenderError> {
        sheet.write_markup("siblings_html", |out| self.put_siblings(place, out))?;
        let [alike, safer, riskier] = self.similar_to(similar, own)?;
        sheet.set_markup("alike_html", &alike)?;
        sheet.set_markup("safer_html", &safer)?;
        sheet.set_markup("riskier_html", &riskier)
    }

    /// The tools around this one in the server's own order: what is listed together mostly belongs together.
    fn put_siblings(&self, place: usize, out: &mut String) -> Result<(), RenderError> {
        let catalogue = self.work.common.catalogue;
        let tools = catalogue.tools_of(self.work.entry);
        let last_start = tools.len().saturating_sub(SIBLINGS + 1);
        let start = place.saturating_sub(SIBLINGS / 2).min(last_start);
        let near = tools.iter().enumerate().skip(start).take(SIBLINGS + 1);
        let near = near.filter(|(i, _)| *i != place).take(SIBLINGS);
        let mut path = String::new();
        for (_, tool) in near {
            path.clear();
            path.extend([catalogue.slug_of(tool), ".html"]);
            self.put_line(tool, &path, "", out)?;
        }
        Ok(())
    }

    /// The attack patterns that the tool is exposed to.
    pub(super) fn attacks(&self, place: usize) -> Vec<AttackLine<'_>> {
        attack_lines(self.work.common.library, self.exposed(place))
    }

    /// All of them, as a set.
    pub(super) fn exposed(&self, place: usize) -> PatternSet {
        let tools = self.work.common.catalogue.tools_of(self.work.entry);
        tools.get(place).map(|tool| tool.exposed).unwrap_or_default()
    }

    /// Similar tools of other servers: as severe as this one, less, more.
    fn similar_to(&self, similar: &[usize], own: (Class, Risk)) -> Result<[Markup; 3], RenderError> {
        let catalogue = self.work.common.catalogue;
        let mut lists = [String::new(), String::new(), String::new()];
        let (mut to, mut path) = (String::new(), String::new());
        for place in similar {
            let Some(tool) = catalogue.tools.get(*place) else { continue };
            let Some(server) = catalogue.servers.get(tool.server as usize) else { continue };
            [&mut to, &mut path].into_iter().for_each(String::clear);
            put_tool_path(&server.name.path, catalogue.slug_of(tool), &mut to);
            put_way(&self.work.entry.name.path, &to, &mut path);
            let [alike, safer, riskier] = &mut lists;
            let list = match (tool.risk, tool.class).cmp(&(own.1, own.0)) {
                std::cmp::Ordering::Equal => alike,
                std::cmp::Ordering::Less => safer,
                std::cmp::Ordering::Greater => riskier,
            };
            self.put_line(tool, &path, &server.name.key, list)?;
        }
        Ok(lists.map(Markup::printed))
    }

    fn put_line(
        &self,
        tool: &ToolEntry,
        path: &str,
        server: &str,
        out: &mut String,
    ) -> Result<(), RenderError> {
        let name = shown_name(self.work.common.catalogue.name_of(tool), NAME_IN_TEXT);
        let (class, risk) = (class_word(tool.class), risk_word(tool.risk));
        let with_server = !server.is_empty();
        let line = &self.work.common.press.sections.near[tool.class as usize][tool.risk as usize]
            [usize::from(with_server)];
        line.put(&[&name, path, server], out, |words| {
            let &[name, path, server, ..] = words else { unreachable!("there are more words") };
            let server = if with_server { server } else { "" };
            self.printed(LINE, &NearPart { tool: Near { name, path, class, risk, server } })
        })
    }
}

/// Writes the way from the pages of one server's tools to another page: up to where the two ways part, and no further.
fn put_way(server: &str, to: &str, out: &mut String) {
    let same = server.bytes().zip(to.bytes()).take_while(|(a, b)| a == b);
    let parted = same.enumerate().filter(|(_, (byte, _))| *byte == b'/').last().map_or(0, |(at, _)| at + 1);
    let up = server.bytes().skip(parted).filter(|byte| *byte == b'/').count() + 2;
    (0..up).for_each(|_| out.push_str("../"));
    out.push_str(to.get(parted..).unwrap_or_default());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_goes_up_to_where_the_ways_part() {
        for (server, to, way) in [
            ("servers/npm/a", "servers/npm/ab/tools/x.html", "../../ab/tools/x.html"),
            ("servers/npm/@a/b", "servers/npm/@c/d/tools/x.html", "../../../@c/d/tools/x.html"),
            ("servers/npm/@a/b", "servers/npm/@a/d/tools/x.html", "../../d/tools/x.html"),
            ("servers/npm/a", "servers/pypi/a/tools/x.html", "../../../pypi/a/tools/x.html"),
        ] {
            let mut out = String::new();
            put_way(server, to, &mut out);
            assert_eq!(out, way);
        }
    }
}
