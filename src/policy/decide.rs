//! What the neutral policy says of one call: the reference that every format is compared with.

use serde_json::Value;

use super::{ArgumentRule, Rule, ServerPolicy, ToolPolicy};

/// What becomes of a call and which rule made it so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decided {
    /// What becomes of it.
    pub rule: Rule,
    /// The rule that decided, as a person finds it in the file. May quote names: foreign text.
    pub by: String,
}

impl Decided {
    /// A decision and its rule.
    pub fn new(rule: Rule, by: impl Into<String>) -> Self {
        Self { rule, by: by.into() }
    }
}

/// The first argument rule that a call breaks.
pub fn broken_rule<'a>(tool: &'a ToolPolicy, arguments: Option<&Value>) -> Option<&'a ArgumentRule> {
    tool.arguments.iter().find(|rule| !rule.holds(arguments))
}

/// Decides a call. Without arguments the rule of the tool is told; with them, a call that breaks an argument rule is
/// refused at least.
pub fn decide(policy: &ServerPolicy, tool: &str, arguments: Option<&Value>) -> Decided {
    let Some(entry) = policy.tool(tool) else {
        return Decided::new(policy.default, "default: the tool is not named");
    };
    let place = format!("tools[{tool:?}]");
    if arguments.is_some()
        && let Some(broken) = broken_rule(entry, arguments)
    {
        let by = format!("{place}.arguments: {}", broken.words());
        return Decided::new(entry.rule.or_stricter(Rule::Deny), by);
    }
    Decided::new(entry.rule, format!("{place}: {}", entry.reason))
}
