//! Findings about the text itself: who it talks to, and what of it a reader cannot see.
//!
//! A definition's every text is looked at, not only its description: orders to a model work as well from a default value
//! or the title of a nested schema. Patterns are data (`kind = "finding"`); what no pattern can say (does this blob decode
//! to text? is this letter of another script?) is a [`Check`]. Where a text is quoted or denied in its own sentence
//! ("never reads ...", "detects texts such as ..."), a rule's `unless` excuses that place and no other.

use regex::Regex;
use serde::Deserialize;

use super::RuleSet;
use super::features::Features;
use super::matching::Hit;
use super::pattern::{Pattern, Sieves};
use super::ruleset::{Kind, Rule};
use super::sieve::Candidates;

use self::strings::{Said, each_string};

mod blobs;
mod letters;
mod strings;

/// Places of one pattern in one text that are weighed against its `unless`.
const PLACES: usize = 20;

/// Names of JSON's types: most of a schema's texts.
const TYPES: [&str; 6] = ["string", "integer", "number", "boolean", "object", "array"];

/// What a finding looks for.
#[derive(Debug)]
pub(super) enum Finding {
    /// A pattern, unless the same sentence up to its end holds another. It counts only in a text in which `trigger` is found,
    /// which is looked for last: most texts in which the pattern may be found do not hold it.
    Pattern { trigger: Regex, pattern: Pattern, unless: Option<Regex> },
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

/// Which rules are findings.
#[derive(Debug, Default)]
pub(super) struct Findings {
    patterns: Vec<usize>,
    /// The same as candidates.
    candidates: Candidates,
    checks: Vec<(usize, Check)>,
    /// Texts in which none of them can be found, of the most common ones.
    silent: Vec<&'static str>,
}

impl Findings {
    /// Gathers the findings of a rule set.
    pub(super) fn of(rules: &[Rule], sieves: &Sieves) -> Self {
        let mut findings = Self::default();
        for (index, rule) in rules.iter().enumerate() {
            match &rule.kind {
                Kind::Finding(Finding::Pattern { pattern, .. }) => {
                    findings.patterns.push(index);
                    pattern.join(&mut findings.candidates);
                }
                Kind::Finding(Finding::Check(check)) => findings.checks.push((index, *check)),
                _ => {}
            }
        }
        let silent = |text: &&str| !sieves.other.candidates(text).any_of(&findings.candidates);
        findings.silent = TYPES.into_iter().filter(silent).collect();
        findings
    }
}

/// Every finding, each rule at its first place, in the order of the rules.
pub(super) fn hits<'a>(rules: &RuleSet, features: &Features<'a>) -> Vec<Hit<'a>> {
    let mut hits = Vec::new();
    each_string(features, |said| {
        if rules.findings.silent.contains(&said.read) {
            return;
        }
        let looked_for;
        let candidates = match said.candidates {
            Some(known) => known,
            None => {
                looked_for = rules.sieves.other.candidates(said.read);
                &looked_for
            }
        };
        in_text(rules, said, candidates, &mut hits);
    });
    hits.sort_by_key(|hit| hit.rule);
    hits
}

/// The findings in one text that were not found before.
fn in_text<'a>(rules: &RuleSet, said: &Said<'a, '_>, candidates: &Candidates, hits: &mut Vec<Hit<'a>>) {
    let mut add = |rule: usize, find: &dyn Fn() -> Option<(usize, usize)>| {
        if hits.iter().all(|hit| hit.rule != rule)
            && let Some((start, end)) = find()
        {
            let points = rules.rules.get(rule).map_or(0.0, |r| r.points);
            hits.push(Hit { rule, family: said.family, place: said.place(start, end), points });
        }
    };
    if candidates.any_of(&rules.findings.candidates) {
        for index in &rules.findings.patterns {
            if let Some(Kind::Finding(Finding::Pattern { trigger, pattern, unless })) =
                rules.rules.get(*index).map(|rule| &rule.kind)
                && pattern.may(candidates)
            {
                let place = || place_of(said.read, pattern, unless.as_ref());
                add(*index, &|| place().filter(|_| trigger.is_match(said.read)));
            }
        }
    }
    for (index, check) in &rules.findings.checks {
        match check {
            Check::Invisible => add(*index, &|| letters::invisible(said.read)),
            Check::Encoded => add(*index, &|| blobs::encoded(said.read)),
            Check::Lookalike if said.is_name => add(*index, &|| letters::lookalike(said.read)),
            Check::Lookalike => {}
        }
    }
}

/// The first place of a pattern that its own sentence does not excuse.
fn place_of(text: &str, pattern: &Pattern, unless: Option<&Regex>) -> Option<(usize, usize)> {
    let excused = |start: usize, end: usize| {
        let sentence = text.get(sentence_start(text, start)..end).unwrap_or_default();
        unless.is_some_and(|unless| unless.is_match(sentence))
    };
    pattern.places(text).take(PLACES).find(|(start, end)| !excused(*start, *end))
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

#[cfg(test)]
mod tests;
