//! A tool in short, on its way into the catalogue, and what is worked out of it on the way: on every thread, where the catalogue
//! itself grows on one.

use jiff::Timestamp;

use super::catalogue::{ServerEntry, signal_bits};
use super::dates::day_number;
use super::declares::Declared;
use super::digest::Digest;
use super::on_shelf::ToolOnShelf;
use super::similar::{Likeness, words};
use crate::attack::PatternSet;
use crate::model::slug::slug;
use crate::model::{Class, Risk, Signal};

/// A tool on its way into the catalogue.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct ToolInShort {
    /// Its exact name.
    pub(super) name: String,
    /// The first words of its description, on one line.
    pub(super) line: String,
    /// What it is found by beside these (`search::more_words`).
    pub(super) more: String,
    pub(super) class: Class,
    pub(super) risk: Risk,
    pub(super) signals: Vec<Signal>,
    /// The attack patterns it is exposed to.
    pub(super) exposed: PatternSet,
    /// What its author's hints say.
    pub(super) declared: Declared,
    /// When people or rules last changed what is said of it.
    pub(super) moved: Option<Timestamp>,
}

/// A tool in short with what follows from it.
#[derive(Debug)]
pub(super) struct Worked {
    pub(super) tool: ToolInShort,
    pub(super) likeness: Likeness,
    /// What a list shows of it, as one number.
    pub(super) shown: u64,
    /// The name of its page's file, where that is not the tool's own.
    pub(super) slug: Option<String>,
}

impl Worked {
    /// As the catalogue takes it in.
    pub(super) fn on_shelf(&self) -> ToolOnShelf<'_> {
        let tool = &self.tool;
        ToolOnShelf {
            name: &tool.name,
            slug: self.slug.as_deref().unwrap_or_default(),
            line: &tool.line,
            more: &tool.more,
            class: tool.class,
            risk: tool.risk,
            signals: signal_bits(&tool.signals),
            declared: tool.declared,
            exposed: tool.exposed,
            likeness: self.likeness,
            shown: self.shown,
            moved: day_number(tool.moved),
        }
    }
}

/// Works all tools of one server out.
pub(super) fn worked(entry: &ServerEntry, tools: Vec<ToolInShort>) -> Vec<Worked> {
    let own = words(&entry.name.key);
    let work = |tool: ToolInShort| {
        let likeness = Likeness::of(tool.class, &tool.name, &own);
        let (class, risk) = (tool.class.as_str(), tool.risk.as_str());
        let shown = Digest::of(&(&tool.name, &tool.line, class, risk, &tool.signals)).short();
        let slug = Some(slug(&tool.name)).filter(|slug| *slug != tool.name);
        Worked { tool, likeness, shown, slug }
    };
    tools.into_iter().map(work).collect()
}
