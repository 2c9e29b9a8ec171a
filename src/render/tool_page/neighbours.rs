//! The other tools that a tool's page names: those around it in its server's list, and similar ones of other servers.

use std::borrow::Cow;

use serde::Serialize;

use super::{NAME_IN_TEXT, ToolPages};
use crate::attack::PatternSet;
use crate::render::catalogue::{ToolEntry, tool_path};
use crate::render::exposure::{AttackLine, attack_lines};
use crate::render::name::shown_name;
use crate::render::words::{ClassWord, RiskWord, class_word, risk_word};

/// Other tools of the same server that are named.
const SIBLINGS: usize = 6;

/// Another tool that the page names.
#[derive(Serialize)]
pub(super) struct Near<'a> {
    name: Cow<'a, str>,
    /// The way there from this page.
    path: String,
    class: ClassWord,
    risk: RiskWord,
    /// Its server's key; empty for the same server.
    server: &'a str,
}

impl ToolPages<'_> {
    /// The tools around this one in the server's own order: what is listed together mostly belongs together.
    pub(super) fn siblings(&self, place: usize) -> Vec<Near<'_>> {
        let catalogue = self.work.common.catalogue;
        let tools = catalogue.tools_of(self.work.entry);
        let last_start = tools.len().saturating_sub(SIBLINGS + 1);
        let start = place.saturating_sub(SIBLINGS / 2).min(last_start);
        let near = tools.iter().enumerate().skip(start).take(SIBLINGS + 1);
        let near = near.filter(|(i, _)| *i != place).take(SIBLINGS);
        let file = |tool| [catalogue.slug_of(tool), ".html"].concat();
        near.map(|(_, tool)| self.near(tool, file(tool), "")).collect()
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

    /// Similar tools of other servers, by their places in the catalogue: as severe as this one, less, more.
    pub(super) fn similar_to(&self, similar: &[usize], own: (usize, usize)) -> [Vec<Near<'_>>; 3] {
        let catalogue = self.work.common.catalogue;
        let mut lists = [Vec::new(), Vec::new(), Vec::new()];
        let [alike, safer, riskier] = &mut lists;
        for place in similar {
            let Some(tool) = catalogue.tools.get(*place) else { continue };
            let Some(server) = catalogue.servers.get(tool.server as usize) else { continue };
            let path = tool_path(&server.name.path, catalogue.slug_of(tool));
            let path = from_tools_of(&self.work.entry.name.path, &path);
            let line = self.near(tool, path, &server.name.key);
            match (line.risk.step, line.class.step).cmp(&own) {
                std::cmp::Ordering::Equal => alike.push(line),
                std::cmp::Ordering::Less => safer.push(line),
                std::cmp::Ordering::Greater => riskier.push(line),
            }
        }
        lists
    }

    fn near<'a>(&'a self, tool: &'a ToolEntry, path: String, server: &'a str) -> Near<'a> {
        let name = shown_name(self.work.common.catalogue.name_of(tool), NAME_IN_TEXT);
        Near { name, path, class: class_word(tool.class), risk: risk_word(tool.risk), server }
    }
}

/// The way from the pages of one server's tools to another page: up to where the two ways part, and no further.
fn from_tools_of(server: &str, to: &str) -> String {
    let same = server.bytes().zip(to.bytes()).take_while(|(a, b)| a == b);
    let parted = same.enumerate().filter(|(_, (byte, _))| *byte == b'/').last().map_or(0, |(at, _)| at + 1);
    let up = server.get(parted..).unwrap_or_default().matches('/').count() + 2;
    "../".repeat(up) + to.get(parted..).unwrap_or_default()
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
            assert_eq!(from_tools_of(server, to), way);
        }
    }
}
