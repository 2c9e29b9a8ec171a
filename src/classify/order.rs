//! Which rules are asked about a definition at which point, so that nobody goes through all of them.

use super::ruleset::{Kind, Rule};
use super::wordset::WordMap;

/// Which rules are asked when.
#[derive(Debug, Default)]
pub(super) struct Order {
    /// Those that are asked about every definition.
    pub(super) first: Vec<usize>,
    /// Those that only raise a signal: half of all rules, most of them for some classes. They are not worth looking for before
    /// the class is known.
    pub(super) last: Vec<usize>,
    /// Of every verb the pair rules with it.
    pub(super) pairs: WordMap<Vec<usize>>,
    pub(super) nothing: Option<usize>,
    pub(super) mismatch: Option<usize>,
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
                    order.last.push(index);
                }
                Kind::Phrase { .. } | Kind::Param { .. } | Kind::When(_) => order.first.push(index),
                Kind::Hint { .. } | Kind::Noun(_) | Kind::Cut => order.first.push(index),
                // What is absent or contradicts itself is known only when all have spoken.
                Kind::Nothing => order.nothing = order.nothing.or(Some(index)),
                Kind::Mismatch => order.mismatch = order.mismatch.or(Some(index)),
                // These are looked for in other ways.
                Kind::Verb(_) | Kind::Finding(_) => {}
            }
        }
        order
    }
}
