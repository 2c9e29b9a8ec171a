//! The questions about a server, answered from what its page shows anyway.

use serde::Serialize;

use super::RenderError;
use super::catalogue::{ToolEntry, ToolLine};
use super::html::Sheet;
use super::page::Press;
use super::questions::{entries, json_ld, questions};
use crate::model::{Class, Signal};

/// Its template, printed by itself.
pub(super) const TEMPLATE: &str = "server-questions.txt";
/// Tools that an answer names.
const NAMED: usize = 3;

/// Tools of which an answer speaks: how many, and the first by name.
#[derive(Debug, Clone, Default, Serialize)]
struct Named<'a> {
    count: usize,
    names: Vec<&'a str>,
    more: usize,
}

/// What the answers need beside the rest of the page.
#[derive(Debug, Clone, Default, Serialize)]
pub(super) struct Asked<'a> {
    destructive: Named<'a>,
    /// Tools that change something, and those of them that touch many things with one call.
    changing: usize,
    bulk: Named<'a>,
}

impl<'a> Named<'a> {
    fn add(&mut self, line: &'a ToolLine<'_>) {
        self.count += 1;
        if self.names.len() < NAMED {
            self.names.push(&line.name);
        } else {
            self.more += 1;
        }
    }
}

impl<'a> Asked<'a> {
    /// From the tools with their lines, in the order of the page.
    pub(super) fn of<'t>(tools: impl Iterator<Item = (&'t ToolEntry, &'a ToolLine<'a>)>) -> Self {
        let mut asked = Self::default();
        for (tool, line) in tools.filter(|(tool, _)| tool.class != Class::Read) {
            asked.changing += 1;
            if tool.class == Class::Destructive {
                asked.destructive.add(line);
            }
            if tool.has(Signal::Bulk) {
                asked.bulk.add(line);
            }
        }
        asked
    }
}

/// Puts the questions beside the view of a server's page, for readers and for search engines.
///
/// # Errors
/// A template that does not fit.
pub(super) fn put_questions(press: &Press<'_>, sheet: &mut Sheet) -> Result<(), RenderError> {
    let questions = questions(&press.part(TEMPLATE, sheet)?);
    sheet.set("questions_json", &json_ld(&entries(&questions)))?;
    sheet.set("questions", &questions)
}
