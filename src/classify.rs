//! From a tool's definition to its class, risk, signals and the evidence for them.
//!
//! A pure function of the definition and the rules: no clock, no network, no server name, no sibling tools. Rules are
//! data in `rules/classify/*.toml`; this module only knows the kinds of rule and how their points add up. The meaning
//! of the classes is the project's rubric, written out in `rules/README.md`'s header.

mod about;
mod actions;
mod book;
mod conditions;
mod exact;
mod examples;
mod explain;
mod features;
mod findings;
mod listing;
mod matching;
mod numbers;
mod order;
mod pattern;
mod rule_files;
mod ruleset;
mod schema;
mod settings;
mod sieve;
mod texts;
mod verbs;
mod verdict;
mod words;
mod wordset;

use std::collections::BTreeMap;

use serde::Deserialize;
use thiserror::Error;

use crate::model::{ToolDefinition, Verdict};

pub use book::RuleBook;
pub use examples::ExampleFailure;
pub use explain::{Change, HintStanding, Piece, Removal, SmallestChange, StatedHint, stated_hints, without};
pub use listing::{LISTING_BEGIN, LISTING_END, RuleEntry};

/// Part of every rule set's hash: raised whenever the arithmetic or the matching changes.
const ALGORITHM: &str = "catalogue-classify-2";

/// All rules, ready to judge. Cheap to share between threads.
pub struct RuleSet {
    hash: String,
    rules: Vec<ruleset::Rule>,
    lexicon: words::Lexicon,
    sieves: pattern::Sieves,
    /// What introduces a list of actions.
    list_intro: pattern::Pattern,
    #[cfg(test)]
    patterns: pattern::Patterns,
    order: order::Order,
    findings: findings::Findings,
    settings: settings::Settings,
}

/// What a rule says and why, for pages.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct RuleText {
    /// Its permanent id.
    pub id: String,
    /// What it looks for, one clause without a full stop.
    pub what: String,
    /// Why that says something about the tool, one sentence or two.
    pub why: String,
}

/// Why the rules cannot be used. Names the file, the place, the rule, and what to do.
#[derive(Debug, Clone, Error, PartialEq, Eq)]
pub enum RuleError {
    /// A file that must be there is not.
    #[error("rules/{file} is missing; copy it from the program's repository or leave out --rules")]
    Missing {
        /// Below `rules/`.
        file: String,
    },
    /// The file is no text.
    #[error("rules/{file} is not UTF-8; save it as UTF-8")]
    NotText {
        /// Below `rules/`.
        file: String,
    },
    /// Not TOML, or not the shape of a rules file.
    #[error("rules/{file}:{line}:{column}: {message}; correct it, rules/README.md shows the shape of a rule")]
    Shape {
        /// Below `rules/`.
        file: String,
        /// Line, from 1.
        line: usize,
        /// Column in characters, from 1.
        column: usize,
        /// What is wrong.
        message: String,
    },
    /// One rule says something it cannot.
    #[error("rules/{file}:{line}:{column}: rule \"{rule}\" {message}")]
    Rule {
        /// Below `rules/`.
        file: String,
        /// Line, from 1.
        line: usize,
        /// Column in characters, from 1.
        column: usize,
        /// The rule's id.
        rule: String,
        /// What is wrong and what to do.
        message: String,
    },
}

impl RuleSet {
    /// Reads every `classify/*.toml` of the folder `rules/` (path below it to bytes).
    ///
    /// # Errors
    /// [`RuleError`]: a missing or malformed file, a rule with an unknown key, a pattern that does not compile, a double
    /// id or word, a kind without what it needs, or fewer than one example each that must and must not match.
    pub fn load(files: &BTreeMap<String, Vec<u8>>) -> Result<Self, RuleError> {
        ruleset::load(files)
    }

    /// The hash that these files' rules will have when they are loaded, which takes a few hundred times longer.
    pub fn hash_of(files: &BTreeMap<String, Vec<u8>>) -> String {
        rule_files::hash_of(files)
    }

    /// 64 hex digits over every file that was read and the version of the arithmetic.
    pub fn hash(&self) -> &str {
        &self.hash
    }

    /// What this definition is, and why. Deterministic; linear in the definition's size, which is read up to a bound.
    pub fn judge(&self, tool: &ToolDefinition) -> Verdict {
        let features = features::Features::of(tool, self);
        verdict::decide(self, &features, matching::hits(self, &features))
    }

    /// What a rule says and why; `None` for an id of another rule set.
    pub fn meaning(&self, rule_id: &str) -> Option<&RuleText> {
        self.rules.iter().map(|rule| &rule.text).find(|text| text.id == rule_id)
    }
}

#[cfg(test)]
mod tests;
