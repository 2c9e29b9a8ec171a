//! Which patterns a tool is exposed to: a pure function of its definition, its verdict, its history and its server.

use std::borrow::Cow;
use std::cell::OnceCell;

use super::pattern::{Condition, ServerTrait};
use super::words::{has_one, words};
use super::{Library, Pattern};
use crate::model::{Class, Evidence, Signal, ToolTexts};

/// Patterns a tool's page shows at most.
pub const SHOWN: usize = 4;
/// Characters of a description that are read.
const READ: usize = 20_000;
/// Parameters that are read.
const PARAMETERS: usize = 500;

/// A set of patterns of one library, in the order of their rank.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PatternSet(pub u64);

impl PatternSet {
    /// Most patterns that a library can hold.
    pub const MOST: usize = 64;

    pub(crate) fn with(self, place: usize) -> Self {
        Self(self.0 | 1 << place)
    }

    /// The places of those in it, in order.
    pub fn places(self) -> impl Iterator<Item = usize> {
        let mut bits = self.0;
        std::iter::from_fn(move || {
            let place = bits.trailing_zeros() as usize;
            bits &= bits.checked_sub(1)?;
            Some(place)
        })
    }

    /// True if the pattern at that place is in it.
    pub fn holds(self, place: usize) -> bool {
        place < Self::MOST && self.0 & (1 << place) != 0
    }
}

/// What is true of a server as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ServerTraits(pub u8);

impl ServerTraits {
    fn bit(one: ServerTrait) -> u8 {
        match one {
            ServerTrait::Package => 1,
            ServerTrait::Remote => 2,
            ServerTrait::LookAlike => 4,
            ServerTrait::Changed => 8,
            ServerTrait::Trifecta => 16,
        }
    }

    /// The same with one more, if `holds`.
    #[must_use]
    pub fn with(self, one: ServerTrait, holds: bool) -> Self {
        if holds { Self(self.0 | Self::bit(one)) } else { self }
    }

    /// True if the server is so.
    pub fn has(self, one: ServerTrait) -> bool {
        self.0 & Self::bit(one) != 0
    }

    /// The legs of the trifecta, each with the signals that give it: private data, strangers' text and a way out.
    /// Source: research/attacks.md, pattern lethal-trifecta.
    pub const LEGS: [(&'static str, &'static [Signal]); 3] = [
        ("private", &[Signal::PersonalData, Signal::Secrets, Signal::Filesystem]),
        ("strangers", &[Signal::UntrustedContent]),
        ("out", &[Signal::NetworkEgress, Signal::OutboundMessage]),
    ];

    /// True if these signals of one server's tools make the trifecta.
    pub fn is_trifecta(signals: impl Iterator<Item = Signal>) -> bool {
        let mut found = [false; 3];
        for signal in signals {
            for (found, (_, leg)) in found.iter_mut().zip(Self::LEGS) {
                *found |= leg.contains(&signal);
            }
        }
        found == [true; 3]
    }
}

/// A finding of the rules in short.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found<'a> {
    /// The rule's id.
    pub rule: Cow<'a, str>,
    /// JSON pointer into the definition.
    pub field: Cow<'a, str>,
    /// It is text that talks to the model.
    pub injects: bool,
}

impl<'a> From<&'a Evidence> for Found<'a> {
    fn from(evidence: &'a Evidence) -> Self {
        let injects = evidence.effect.signal == Some(Signal::DescriptionInjection);
        Self { rule: evidence.rule.as_str().into(), field: evidence.field.as_str().into(), injects }
    }
}

/// What decides on exposure.
#[derive(Debug, Clone, Copy)]
pub struct Exposed<'a> {
    /// The class in force.
    pub class: Class,
    /// The signals in force.
    pub signals: &'a [Signal],
    /// What the definition says and what the rules found in it; None: not looked at yet.
    pub definition: Option<(&'a ToolTexts<'a>, &'a [Found<'a>])>,
    /// Another definition of this name was stored before.
    pub changed: bool,
    /// Its server.
    pub server: ServerTraits,
}

/// What a condition says.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Holds {
    Yes,
    No,
    /// Only the definition can tell.
    Unknown,
}

impl Library {
    /// Every pattern that a tool is exposed to.
    pub fn of_tool(&self, tool: &Exposed<'_>) -> PatternSet {
        self.look(tool).0
    }

    /// True if the definition is needed to say so.
    pub fn needs_definition(&self, tool: &Exposed<'_>) -> bool {
        self.look(tool).1
    }

    fn look(&self, tool: &Exposed<'_>) -> (PatternSet, bool) {
        let texts = Texts { tool, text: OnceCell::new(), parameters: OnceCell::new() };
        let (mut set, mut unknown) = (PatternSet::default(), false);
        for (place, pattern) in self.patterns().iter().enumerate() {
            let mut open = false;
            let exposed = pattern.attach.iter().any(|condition| {
                let holds = texts.hold(condition);
                open |= holds == Holds::Unknown;
                holds == Holds::Yes
            });
            unknown |= open && !exposed;
            if exposed {
                set = set.with(place);
            }
        }
        (set, unknown)
    }

    /// Every pattern that stands on a server's page.
    pub fn of_server(&self, server: ServerTraits) -> PatternSet {
        self.of_servers.get(usize::from(server.0)).copied().unwrap_or_default()
    }

    /// The same, looked up in the patterns.
    pub(super) fn on_servers(&self, server: ServerTraits) -> PatternSet {
        let places = self.patterns().iter().enumerate();
        let stands = |pattern: &Pattern| pattern.attach_server.iter().any(|one| server.has(*one));
        places.filter(|(_, p)| stands(p)).fold(PatternSet::default(), |set, (place, _)| set.with(place))
    }

    /// The patterns of a set, by rank.
    pub fn in_set(&self, set: PatternSet) -> impl Iterator<Item = &Pattern> {
        self.patterns().iter().enumerate().filter(move |(place, _)| set.holds(*place)).map(|(_, p)| p)
    }
}

/// A tool's texts, cut into words when they are first needed.
struct Texts<'a> {
    tool: &'a Exposed<'a>,
    text: OnceCell<String>,
    parameters: OnceCell<String>,
}

impl Texts<'_> {
    fn hold(&self, asked: &Condition) -> Holds {
        let tool = self.tool;
        let cheap = asked.signals.iter().all(|signal| tool.signals.contains(signal))
            && (asked.classes.is_empty() || asked.classes.contains(&tool.class))
            && (asked.definition.is_none() || tool.changed)
            && asked.server.is_none_or(|one| tool.server.has(one));
        if !cheap {
            return Holds::No;
        }
        let costly = [&asked.rules, &asked.places, &asked.parameters, &asked.text];
        if costly.iter().all(|list| list.is_empty()) {
            return Holds::Yes;
        }
        let Some((texts, found)) = tool.definition else { return Holds::Unknown };
        let spoke = |rule: &String| found.iter().any(|one| one.rule == *rule);
        let holds = (asked.rules.is_empty() || asked.rules.iter().any(spoke))
            && (asked.places.is_empty() || asked.places.iter().any(|place| found_below(found, place)))
            && (asked.parameters.is_empty() || has_one(self.parameters(texts), &asked.parameters))
            && (asked.text.is_empty() || has_one(self.text(texts), &asked.text));
        if holds { Holds::Yes } else { Holds::No }
    }

    fn text(&self, said: &ToolTexts<'_>) -> &str {
        self.text.get_or_init(|| {
            let texts = [Some(&said.name), said.title.as_ref(), said.description.as_ref()];
            // A sign between them, so that no phrase is made of the end of one and the beginning of the next.
            texts.into_iter().flatten().map(|text| words(text, READ)).collect::<Vec<_>>().join("\n")
        })
    }

    fn parameters(&self, said: &ToolTexts<'_>) -> &str {
        self.parameters.get_or_init(|| {
            let names = said.parameters.iter().take(PARAMETERS).map(|name| words(name, 200));
            names.collect::<Vec<_>>().join("\n")
        })
    }
}

/// A finding is a piece of evidence for text that talks to the model.
fn found_below(found: &[Found<'_>], place: &str) -> bool {
    let below =
        |field: &str| field.strip_prefix(place).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    found.iter().any(|one| one.injects && below(&one.field))
}

#[cfg(test)]
mod tests;
