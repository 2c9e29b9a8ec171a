//! Which rules are asked about a definition at which point, so that nobody goes through all of them.

use super::numbers::{Numbers, TOLD_APART};
use super::ruleset::{Kind, Rule};
use super::sieve::Candidates;
use super::wordset::WordMap;

/// Which rules are asked when.
#[derive(Debug, Default)]
pub(super) struct Order {
    /// Those that are asked about every definition.
    first: Turn,
    /// Those that only raise a signal: half of all rules, most of them for some classes. They are not worth looking for before
    /// the class is known.
    last: Turn,
    /// Those that may speak where no pattern of theirs is found.
    patternless: Numbers,
    /// Of every pattern, by its number, the rules that cannot speak without it or another of their patterns.
    behind: Vec<Numbers>,
    /// These patterns.
    in_front: Candidates,
    /// Of every verb the pair rules with it.
    pub(super) pairs: WordMap<Vec<usize>>,
    pub(super) nothing: Option<usize>,
    pub(super) mismatch: Option<usize>,
}

/// Rules that are asked at the same point.
#[derive(Debug, Default)]
struct Turn {
    told_apart: Numbers,
    /// Those whose numbers are too high for that, which are always asked.
    others: Vec<usize>,
}

impl Order {
    /// Sorts the rules of a rule set.
    pub(super) fn of(rules: &[Rule]) -> Self {
        let mut order = Self::default();
        for (index, rule) in rules.iter().enumerate() {
            match &rule.kind {
                Kind::Pair { verbs, .. } => {
                    for verb in verbs {
                        order.pairs.entry(verb.clone()).or_default().push(index);
                    }
                }
                Kind::Phrase { .. } | Kind::Param { .. } | Kind::When(_)
                    if rule.class.is_none() && rule.signal.is_some() =>
                {
                    order.last.add(index);
                }
                Kind::Phrase { .. } | Kind::Param { .. } | Kind::When(_) => order.first.add(index),
                Kind::Hint { .. } | Kind::Noun(_) | Kind::Cut => order.first.add(index),
                // What is absent or contradicts itself is known only when all have spoken.
                Kind::Nothing => order.nothing = order.nothing.or(Some(index)),
                Kind::Mismatch => order.mismatch = order.mismatch.or(Some(index)),
                // These are looked for in other ways.
                Kind::Verb(_) | Kind::Finding(_) => {}
            }
            match rule.kind.one_of() {
                Some(patterns) => patterns.into_iter().for_each(|pattern| order.put_behind(pattern, index)),
                None => order.patternless.insert(index),
            }
        }
        order
    }

    fn put_behind(&mut self, pattern: usize, rule: usize) {
        if pattern >= TOLD_APART {
            self.patternless.insert(rule);
            return;
        }
        self.in_front.insert(pattern);
        if self.behind.len() <= pattern {
            self.behind.resize(pattern + 1, Numbers::default());
        }
        if let Some(rules) = self.behind.get_mut(pattern) {
            rules.insert(rule);
        }
    }

    /// The rules that may speak about a definition in which these patterns may be found.
    pub(super) fn may_speak(&self, found: &Candidates) -> Numbers {
        let mut rules = self.patternless;
        for pattern in self.in_front.both(found).each() {
            if let Some(behind) = self.behind.get(pattern) {
                rules.add(behind);
            }
        }
        rules
    }

    /// Those of these rules that are asked about every definition, in the order of the rules.
    pub(super) fn first(&self, rules: &Numbers) -> impl Iterator<Item = usize> {
        self.first.of(rules)
    }

    /// Those of these rules that are asked once the class is known, in the order of the rules.
    pub(super) fn last(&self, rules: &Numbers) -> impl Iterator<Item = usize> {
        self.last.of(rules)
    }
}

impl Turn {
    fn add(&mut self, rule: usize) {
        if rule < TOLD_APART {
            self.told_apart.insert(rule);
        } else {
            self.others.push(rule);
        }
    }

    fn of(&self, rules: &Numbers) -> impl Iterator<Item = usize> {
        self.told_apart.both(rules).each().chain(self.others.iter().copied())
    }
}
