//! Which tools of a server give each leg of the lethal trifecta; its page names them beside the pattern.

use serde::Serialize;

use super::catalogue::{ServerEntry, ToolEntry, ToolLine, signal_bits};
use crate::attack::{ServerTrait, ServerTraits};

/// Tools of a leg that are named.
const NAMED: usize = 6;

/// One leg, with its tools gravest first.
#[derive(Debug, Serialize)]
pub(super) struct Leg<'a> {
    /// `private`, `strangers` or `out`.
    id: &'static str,
    tools: Vec<LegTool<'a>>,
    /// Tools that are not named.
    more: usize,
}

#[derive(Debug, Serialize)]
struct LegTool<'a> {
    name: &'a str,
    path: &'a str,
}

/// The three legs, from the tools with their lines in the order of the page; none where the server lacks one.
pub(super) fn legs<'t, 'a>(
    entry: &ServerEntry,
    tools: impl Iterator<Item = (&'t ToolEntry, &'a ToolLine<'a>)> + Clone,
) -> Vec<Leg<'a>> {
    if !entry.traits.has(ServerTrait::Trifecta) {
        return Vec::new();
    }
    let leg = |(id, signals)| {
        let bits = signal_bits(signals);
        let mut all = tools.clone().filter(|(tool, _)| tool.has_one(bits));
        let named = |(_, line): (_, &'a ToolLine<'a>)| LegTool { name: &line.name, path: &line.path };
        Leg { id, tools: all.by_ref().take(NAMED).map(named).collect(), more: all.count() }
    };
    ServerTraits::LEGS.map(leg).into()
}
