//! The lines of lists of tools, from stencils (see [`super::lines`]): a tool stands in some seven lists.

use std::collections::HashMap;
use std::sync::RwLock;

use foldhash::fast::RandomState;
use serde::Serialize;

use super::RenderError;
use super::catalogue::ToolLine;
use super::digest::Digest;
use super::html::{Markup, Sheet, escape};
use super::kinds::PageKind;
use super::lines::Line;
use super::name::ServerName;
use super::page::{Press, root_from};
use super::write::OpenUnit;

/// The template of a line.
pub(super) const LINE: &str = "parts/tool-line.html";
/// What pages call all of their lines.
const LINES: &str = "tool_lines";
/// Most kinds of lines that are kept; any other is printed by itself.
const MOST: usize = 4_096;

/// A line of each kind.
#[derive(Debug, Default)]
pub(super) struct ToolLines(RwLock<HashMap<Kind, Option<Line>, RandomState>>);

/// What a line depends on beside words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Kind {
    class: usize,
    risk: usize,
    /// As bits.
    signals: u32,
    described: bool,
    /// The server is named.
    with_server: bool,
}

#[derive(Serialize)]
struct LinePart<'a> {
    tool: &'a ToolLine<'a>,
    root: &'a str,
}

impl Press<'_> {
    /// Makes a page with a list of tools: as [`Press::page_from`], which see for the errors.
    pub(super) fn page_with_tools<'v, V: Serialize>(
        &self,
        kind: &PageKind,
        unit: &OpenUnit,
        path: &str,
        inputs: Digest,
        view: impl FnOnce() -> Result<(V, &'v [ToolLine<'v>]), RenderError>,
    ) -> Result<(), RenderError> {
        let template = kind.templates.first().copied().unwrap_or_default();
        self.page_on(template, kind, unit, path, inputs, || {
            let (view, tools) = view()?;
            self.sheet_with_tools(template, path, &view, tools)
        })
    }

    /// The view of a page with the lines of its list.
    ///
    /// # Errors
    /// A template that does not fit.
    pub(super) fn sheet_with_tools(
        &self,
        template: &str,
        path: &str,
        view: &impl Serialize,
        tools: &[ToolLine<'_>],
    ) -> Result<Sheet, RenderError> {
        let mut sheet = Sheet::of(template, view)?;
        sheet.set_markup(LINES, &self.tool_lines(tools, &root_from(path))?)?;
        Ok(sheet)
    }

    /// All lines, one behind the other. `root` is the way to the site's root.
    fn tool_lines(&self, tools: &[ToolLine<'_>], root: &str) -> Result<Markup, RenderError> {
        const HELD: &str = "no thread panics while it holds the lines";
        let ToolLines(all) = &self.sections.tools;
        let mut out = String::with_capacity(tools.len() * 512);
        let mut known = all.read().expect(HELD);
        for tool in tools {
            let kind = Kind::of(tool);
            if !known.contains_key(&kind) && known.len() < MOST {
                drop(known);
                let made = Line::of(|words| Ok(self.made_up(tool, words)?.into_string()), escape)?;
                all.write().expect(HELD).insert(kind, made);
                known = all.read().expect(HELD);
            }
            let from = out.len();
            match known.get(&kind) {
                Some(Some(line)) => {
                    let server =
                        tool.server.map_or([""; 3], |server| [&server.path, &server.name, &server.key]);
                    let [path, name, key] = server;
                    line.put(&[root, &tool.path, &tool.name, tool.line, path, name, key], &mut out);
                }
                _ => out.push_str(self.tool_line(tool, root)?.as_str()),
            }
            debug_assert_eq!(out.get(from..), Some(self.tool_line(tool, root)?.as_str()));
        }
        Ok(Markup::printed(out))
    }

    fn tool_line(&self, tool: &ToolLine<'_>, root: &str) -> Result<Markup, RenderError> {
        self.part(LINE, &Sheet::of(LINE, &LinePart { tool, root })?).map(Markup::printed)
    }

    /// A line of that kind with made-up words.
    fn made_up(&self, like: &ToolLine<'_>, words: &[&str]) -> Result<Markup, RenderError> {
        let &[root, path, name, line, server_path, server_name, key, ..] = words else {
            unreachable!("there are as many words")
        };
        let server = ServerName {
            name: server_name.to_owned(),
            add_word: false,
            key: key.to_owned(),
            path: server_path.to_owned(),
        };
        let tool = ToolLine {
            name: name.into(),
            path: path.to_owned(),
            line: if like.line.is_empty() { "" } else { line },
            server: like.server.map(|_| &server),
            ..like.clone()
        };
        self.tool_line(&tool, root)
    }
}

impl Kind {
    fn of(tool: &ToolLine<'_>) -> Self {
        Self {
            class: tool.class.step,
            risk: tool.risk.step,
            signals: tool.signal_bits,
            described: !tool.line.is_empty(),
            with_server: tool.server.is_some(),
        }
    }
}
