//! The examples that every rule carries, and the one check that runs them all.

use serde::Deserialize;
use serde_json::{Value, json};

use super::{RuleSet, features, matching, verdict};
use crate::model::ToolDefinition;

/// A tool that a rule must or must not speak about.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub(super) enum Example {
    /// `name` or `name | description`.
    Short(String),
    /// A definition.
    Whole(Value),
}

/// An example that went the other way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExampleFailure {
    /// The rule's id.
    pub rule: String,
    /// The example as written; with what is wrong, where it is no tool at all.
    pub example: String,
    /// Whether the rule should have spoken.
    pub should_match: bool,
}

impl Example {
    /// As it is written in the rules' files.
    pub(super) fn written(&self) -> String {
        match self {
            Example::Short(text) => text.clone(),
            Example::Whole(object) => object.to_string(),
        }
    }

    fn tool(&self) -> Result<ToolDefinition, String> {
        let object = match self {
            Example::Whole(object) => object.clone(),
            Example::Short(text) => match text.split_once(" | ") {
                Some((name, description)) => json!({ "name": name, "description": description }),
                None => json!({ "name": text }),
            },
        };
        ToolDefinition::from_json(&object.to_string()).map_err(|e| format!("{object}: {e}"))
    }
}

impl RuleSet {
    /// How many rules there are, and how many examples they have together.
    pub fn extent(&self) -> (usize, usize) {
        (self.rules.len(), self.rules.iter().map(|rule| rule.yes.len() + rule.no.len()).sum())
    }

    /// Every example of every rule that does not go as written; empty in a good rule set.
    pub fn failing_examples(&self) -> Vec<ExampleFailure> {
        let mut failures = Vec::new();
        for rule in &self.rules {
            let both = rule.yes.iter().map(|e| (e, true)).chain(rule.no.iter().map(|e| (e, false)));
            for (example, should_match) in both {
                let spoke = example.tool().map(|tool| self.speaks(&rule.text.id, &tool));
                if spoke != Ok(should_match) {
                    let example = spoke.err().unwrap_or_else(|| example.written());
                    failures.push(ExampleFailure { rule: rule.text.id.clone(), example, should_match });
                }
            }
        }
        failures
    }

    /// Whether a rule found what it looks for, even where others outweigh it; one that only raises a signal, whether
    /// the signal holds.
    fn speaks(&self, id: &str, tool: &ToolDefinition) -> bool {
        let features = features::Features::of(tool, self);
        let hits = matching::hits(self, &features);
        let found = hits.iter().any(|hit| {
            self.rules.get(hit.rule).is_some_and(|rule| rule.text.id == id && rule.class.is_some())
        });
        found || verdict::decide(self, &features, hits).evidence.iter().any(|e| e.rule == id)
    }
}
