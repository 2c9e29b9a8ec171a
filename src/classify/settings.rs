//! `rules/classify/settings.toml`: slot weights, bounds of confidence, and the small word lists that reading needs.

use std::collections::BTreeSet;

use serde::Deserialize;

use super::wordset::WordSet;

/// The numbers of the arithmetic and the words that help to read English.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Settings {
    pub(super) slots: Slots,
    pub(super) confidence: Confidence,
    pub(super) words: WordLists,
}

/// What a verb's points are multiplied by, depending on where it stands.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Slots {
    pub(super) name: f64,
    pub(super) description: f64,
    pub(super) title: f64,
    /// The most severe of a list of actions.
    pub(super) listed: f64,
    /// A further verb of a name.
    pub(super) second_in_name: f64,
    /// A further verb of the description's first sentence that says more than the first.
    pub(super) second_in_description: f64,
    /// The first verb of a description that does not begin with one.
    pub(super) later: f64,
    /// What stays of the points of a word that may be a noun where it stands.
    pub(super) doubtful: f64,
    /// The same at the front of a description, where nouns stand less often.
    pub(super) doubtful_at_the_front: f64,
    /// What stays of a verb's own points where verb and object together mean something else.
    pub(super) kept_under_pair: f64,
    /// What stays of a phrase's points where name and description both begin with a verb of reading.
    pub(super) kept_under_read_gate: f64,
}

/// From points to confidence.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Confidence {
    /// All points are multiplied by this before they become shares.
    pub(super) scale: f64,
    /// Points every class has from the start: read, write, execute, destructive.
    pub(super) prior: [f64; 4],
    /// Most that may be said where only one of name, description and schema spoke for the class.
    pub(super) one_family_cap: f64,
    /// Most that may be said where no verb and no known noun was found.
    pub(super) nothing_cap: f64,
    /// Below this a person should look.
    pub(super) review_below: f64,
    /// A Read whose shares of Execute and Destructive together exceed this needs a look.
    pub(super) read_alarm: f64,
    /// The hints contradict only a class that the text gives with at least this confidence.
    pub(super) mismatch_from: f64,
}

/// Words that help to find the verb.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WordLists {
    /// Verbs that are as often nouns.
    pub(super) also_nouns: WordSet,
    /// Words in front of a description's verb: "this tool is used to ...".
    pub(super) skip: WordSet,
    /// Words that end like an adverb and are none: "apply", "family".
    pub(super) not_adverbs: WordSet,
    /// Verbs that say nothing until their list is read: "manage", "handle".
    pub(super) umbrellas: WordSet,
    /// Verbs that only carry a noun which says what is done: "perform a cleanup", "conduct a scan".
    pub(super) light: WordSet,
    /// What follows a verb and not a noun: "a", "the", "all".
    pub(super) determiners: WordSet,
    /// Verbs that are looked for at the front of a name written without separators.
    pub(super) joined: BTreeSet<String>,
    /// Names that begin like such a verb and do not hold it.
    pub(super) not_joined: BTreeSet<String>,
    /// Methods of HTTP in front of another verb.
    pub(super) http: BTreeSet<String>,
    /// What ends the noun phrase behind a verb: "from", "to", "with".
    pub(super) phrase_ends: WordSet,
    /// Parameters whose values are actions.
    pub(super) action_params: WordSet,
}

impl WordLists {
    /// True for what may stand in front of a description's verb, adverbs among them.
    pub(super) fn skips(&self, word: &str) -> bool {
        self.skip.contains(word)
            || (word.len() > 4 && word.ends_with("ly") && !self.not_adverbs.contains(word))
    }
}
