//! What tools are exposed to, worked out while stock is taken: most is known from the verdict in short, and only where a
//! pattern asks for words of the definition is that read. Then a pattern's line for pages.

use std::collections::BTreeSet;

use serde::Serialize;

use super::short::ToolInShort;
use crate::attack::{Exposed, Found, Level, Library, Pattern, PatternSet, SHOWN, ServerTrait, ServerTraits};
use crate::model::{DefinitionHash, Registry, ToolTexts};
use crate::store::site::{Corrections, SiteServer};
use crate::store::site_inputs::ShortVerdict;

/// A definition that was looked at, and what the rules found in it.
#[derive(Debug)]
pub(super) struct Looked<'a> {
    pub(super) texts: ToolTexts<'a>,
    pub(super) found: Vec<Found<'a>>,
}

/// What decides which definitions have to be looked at.
pub(super) struct ToLook<'a> {
    pub(super) library: &'a Library,
    pub(super) traits: ServerTraits,
    /// Names whose definition was another one before.
    pub(super) gone: &'a BTreeSet<String>,
    pub(super) corrections: &'a Corrections,
}

/// What is true of a server, whatever its tools are.
pub(super) fn traits(server: &SiteServer, looks_alike: bool) -> ServerTraits {
    let registry = server.key.registry();
    ServerTraits::default()
        .with(ServerTrait::Package, matches!(registry, Registry::Npm | Registry::Pypi))
        .with(ServerTrait::Remote, registry == Registry::Remote && server.answer.is_some())
        .with(ServerTrait::LookAlike, looks_alike)
}

impl ToLook<'_> {
    /// True if a definition has to be looked at. Without a verdict it is judged, and looked at then.
    pub(super) fn wants(&self, name: &str, hash: &DefinitionHash, verdict: &ShortVerdict) -> bool {
        let needed = self.library.needs_definition(&Exposed {
            class: verdict.class,
            signals: &verdict.signals,
            definition: None,
            changed: self.gone.contains(name),
            server: self.traits,
        });
        let corrected = || self.corrections.contains_key(&(name.to_owned(), hash.clone()));
        needed || (!self.corrections.is_empty() && corrected())
    }
}

/// What a tool is exposed to, by the verdict in force.
pub(super) fn exposed(
    library: &Library,
    tool: &ToolInShort,
    looked: Option<&Looked<'_>>,
    changed: bool,
    server: ServerTraits,
) -> PatternSet {
    library.of_tool(&Exposed {
        class: tool.class,
        signals: &tool.signals,
        definition: looked.map(|looked| (&looked.texts, looked.found.as_slice())),
        changed,
        server,
    })
}

/// A pattern as a tool's or a server's page names it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct AttackLine<'a> {
    pub(super) id: &'a str,
    pub(super) title: &'a str,
    pub(super) summary: &'a str,
    pub(super) level: Level,
    pub(super) per_tool: bool,
    pub(super) stops: &'a str,
    pub(super) why_not: &'a str,
}

impl<'a> AttackLine<'a> {
    pub(super) fn new(pattern: &'a Pattern) -> Self {
        let Pattern { id, title, summary, level, per_tool, stops, why_not, .. } = pattern;
        Self { id, title, summary, level: *level, per_tool: *per_tool, stops, why_not }
    }
}

/// The patterns that a tool's page shows: by rank, and no more than a reader takes in.
pub(super) fn attack_lines(library: &Library, exposed: PatternSet) -> Vec<AttackLine<'_>> {
    library.in_set(exposed).take(SHOWN).map(AttackLine::new).collect()
}

/// The patterns that a server's page shows.
pub(super) fn server_attack_lines(library: &Library, traits: ServerTraits) -> Vec<AttackLine<'_>> {
    library.in_set(library.of_server(traits)).map(AttackLine::new).collect()
}
