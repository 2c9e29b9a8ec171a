//! Findings about the text itself: who it talks to, and what of it a reader cannot see.
//!
//! A definition's every text is looked at, not only its description: orders to a model work as well from a default value
//! or the title of a nested schema. Patterns are data (`kind = "finding"`); what no pattern can say (does this blob decode
//! to text? is this letter of another script?) is a [`Check`]. Where a text is quoted or denied in its own sentence
//! ("never reads ...", "detects texts such as ..."), a rule's `unless` excuses that place and no other.

use regex::{Regex, RegexSet, RegexSetBuilder};
use serde::Deserialize;
use serde_json::Value;

use super::features::{DESCRIPTION_BYTES, Features, Place, Text, start_of};
use super::matching::{Family, Hit};
use super::ruleset::{Kind, Rule};

mod blobs;
mod letters;

/// Bytes that are read of all texts of both schemas, and how many texts and levels.
const SCHEMA_BYTES: usize = 64 * 1024;
const SCHEMA_TEXTS: usize = 4_000;
const SCHEMA_DEPTH: usize = 24;
const POINTER_BYTES: usize = 1_000;
/// Places of one pattern in one text that are weighed against its `unless`.
const PLACES: usize = 20;

/// What a finding looks for.
#[derive(Debug)]
pub(super) enum Finding {
    /// A pattern, unless the same sentence up to its end holds another. It is looked for only in a text in which `trigger`
    /// is found, which is cheaper to look for: most texts of most tools hold none.
    Pattern { trigger: Regex, pattern: Regex, unless: Option<Regex> },
    /// Something that no pattern can say.
    Check(Check),
}

/// What no pattern can say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Check {
    /// Characters without a shape, where no script and no emoji asks for them.
    Invisible,
    /// A long run of base64 or hexadecimal digits that decodes to running text.
    Encoded,
    /// Letters of another script inside a word of a name that otherwise is Latin.
    Lookalike,
}

/// The triggers of all findings in one automaton, so that a text without any is read once.
#[derive(Debug, Default)]
pub(super) struct Findings {
    set: RegexSet,
    /// The rule of each trigger of the set.
    rules: Vec<usize>,
    /// The rules that are checks.
    checks: Vec<(usize, Check)>,
}

impl Findings {
    /// Gathers the findings of a rule set.
    pub(super) fn of(rules: &[Rule]) -> Result<Self, regex::Error> {
        let (mut triggers, mut places, mut checks) = (Vec::new(), Vec::new(), Vec::new());
        for (index, rule) in rules.iter().enumerate() {
            match &rule.kind {
                Kind::Finding(Finding::Pattern { trigger, .. }) => {
                    triggers.push(trigger.as_str().to_owned());
                    places.push(index);
                }
                Kind::Finding(Finding::Check(check)) => checks.push((index, *check)),
                _ => {}
            }
        }
        let set = RegexSetBuilder::new(triggers).case_insensitive(true).size_limit(8 << 20).build()?;
        Ok(Self { set, rules: places, checks })
    }

    /// Every finding, each rule at its first place.
    pub(super) fn hits<'a>(&self, rules: &[Rule], features: &Features<'a>) -> Vec<Hit<'a>> {
        let mut found: Vec<Option<(Family, Place<'a>)>> = vec![None; rules.len()];
        for said in texts(features) {
            for at in &self.set.matches(said.text.read) {
                let Some(index) = self.rules.get(at).copied() else { continue };
                let (Some(rule), Some(slot)) = (rules.get(index), found.get_mut(index)) else { continue };
                if let Kind::Finding(Finding::Pattern { pattern, unless, .. }) = &rule.kind
                    && slot.is_none()
                {
                    let span = place_of(said.text.read, pattern, unless.as_ref());
                    *slot = span.map(|(start, end)| (said.family, said.place(start, end)));
                }
            }
            for (index, check) in &self.checks {
                let Some(slot) = found.get_mut(*index).filter(|slot| slot.is_none()) else { continue };
                let span = match check {
                    Check::Invisible => letters::invisible(said.text.read),
                    Check::Encoded => blobs::encoded(said.text.read),
                    Check::Lookalike if said.is_name => letters::lookalike(said.text.read),
                    Check::Lookalike => None,
                };
                *slot = span.map(|(start, end)| (said.family, said.place(start, end)));
            }
        }
        let hits = found.into_iter().enumerate().filter_map(|(rule, found)| {
            let (family, place) = found?;
            Some(Hit { rule, family, place, points: rules.get(rule).map_or(0.0, |r| r.points) })
        });
        hits.collect()
    }
}

/// The first place of a pattern that its own sentence does not excuse.
fn place_of(text: &str, pattern: &Regex, unless: Option<&Regex>) -> Option<(usize, usize)> {
    let excused = |start: usize, end: usize| {
        let sentence = text.get(sentence_start(text, start)..end).unwrap_or_default();
        unless.is_some_and(|unless| unless.is_match(sentence))
    };
    let mut places = pattern.find_iter(text).take(PLACES).map(|found| (found.start(), found.end()));
    places.find(|(start, end)| !excused(*start, *end))
}

/// Where the sentence of this place begins: behind a line feed, or a mark followed by white space.
fn sentence_start(text: &str, at: usize) -> usize {
    let before = text.get(..at).unwrap_or_default();
    let mut next = None;
    for (i, c) in before.char_indices().rev() {
        let ends = match c {
            '\n' | '。' | '！' | '？' => true,
            '.' | '!' | '?' | ';' => next.is_some_and(char::is_whitespace),
            _ => false,
        };
        if ends {
            return i + c.len_utf8();
        }
        next = Some(c);
    }
    0
}

/// One text of a definition, and what it is there.
struct Said<'a> {
    text: Text<'a>,
    family: Family,
    /// A name, of the tool or of a parameter.
    is_name: bool,
    /// It is a key of an object, which evidence can only point at as a whole.
    is_key: bool,
}

impl<'a> Said<'a> {
    fn place(&self, start: usize, end: usize) -> Place<'a> {
        if self.is_key { Place::whole(&self.text.pointer) } else { self.text.place(start, end) }
    }
}

/// All texts of a definition, within bounds: name, title, description, and every string of both schemas.
fn texts<'a>(features: &Features<'a>) -> Vec<Said<'a>> {
    let object = features.tool.object();
    let said = |text, family, is_name| Said { text, family, is_name, is_key: false };
    let mut all = vec![said(features.name.clone(), Family::Name, true)];
    for pointer in ["/title", "/annotations/title"] {
        if let Some(title) = object.pointer(pointer).and_then(Value::as_str) {
            all.push(said(Text::of(pointer, title, DESCRIPTION_BYTES), Family::Name, true));
        }
    }
    all.extend(features.description.clone().map(|text| said(text, Family::Description, false)));
    let mut left = SCHEMA_BYTES;
    for key in ["inputSchema", "outputSchema"] {
        if let Some(schema) = object.get(key) {
            walk(schema, &format!("/{key}"), false, 0, &mut left, &mut all);
        }
    }
    all
}

fn walk<'a>(
    value: &'a Value,
    pointer: &str,
    names: bool,
    depth: usize,
    left: &mut usize,
    all: &mut Vec<Said<'a>>,
) {
    if depth > SCHEMA_DEPTH || *left == 0 || all.len() > SCHEMA_TEXTS || pointer.len() > POINTER_BYTES {
        return;
    }
    match value {
        Value::String(text) => {
            let text = Text::of(pointer, start_of(text, *left), *left);
            *left -= text.read.len();
            all.push(Said { text, family: Family::Schema, is_name: false, is_key: false });
        }
        Value::Array(items) => {
            for (i, item) in items.iter().enumerate() {
                walk(item, &format!("{pointer}/{i}"), false, depth + 1, left, all);
            }
        }
        Value::Object(fields) => {
            for (key, value) in fields {
                let at = format!("{pointer}/{}", key.replace('~', "~0").replace('/', "~1"));
                // Keywords of the schema language are no text; names of parameters are.
                if names && at.len() <= POINTER_BYTES {
                    let text = Text::of(&at, key, *left);
                    *left -= text.read.len();
                    all.push(Said { text, family: Family::Schema, is_name: true, is_key: true });
                }
                let holds_names = !names && matches!(key.as_str(), "properties" | "$defs" | "definitions");
                walk(value, &at, holds_names, depth + 1, left, all);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

#[cfg(test)]
mod tests;
