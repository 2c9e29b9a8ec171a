//! The recommended policy of a tool and of a whole server, independent of any target format.
//!
//! A policy follows from a verdict and from the numbers in `rules/policy.toml`. How each format says it, and what a
//! format cannot say, is `export`'s business.

mod numbers;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::model::{Class, Risk, ServerKey, Untrusted, Verdict};

pub use numbers::{Numbers, PolicyError, Setting};

/// The span of time a limit counts over. Calendar windows in UTC in both formats we write today.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Window {
    /// 60 seconds.
    Minute,
    /// 60 minutes.
    Hour,
    /// 24 hours.
    Day,
}

impl Window {
    /// The word of policies and pages.
    pub fn as_str(self) -> &'static str {
        match self {
            Window::Minute => "minute",
            Window::Hour => "hour",
            Window::Day => "day",
        }
    }

    fn minutes(self) -> u64 {
        match self {
            Window::Minute => 1,
            Window::Hour => 60,
            Window::Day => 1_440,
        }
    }
}

/// What the recommended policy does with calls of one tool.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case", tag = "rule")]
pub enum Rule {
    /// Every call goes through.
    Allow,
    /// Calls go through up to `max` in each window.
    Limit {
        /// How many calls a window lets through; at least 1.
        max: u32,
        /// The window.
        window: Window,
    },
    /// The tool is taken away: not offered where a format can hide, refused everywhere.
    Hide,
    /// A person must decide: too little is known of the tool.
    Ask,
}

impl Rule {
    /// Larger is stricter; of two limits the one with fewer calls a day.
    fn strictness(self) -> (u8, u64) {
        match self {
            Rule::Allow => (0, 0),
            Rule::Limit { max, window } => {
                (1, u64::MAX - u64::from(max) * (Window::Day.minutes() / window.minutes()))
            }
            Rule::Ask => (2, 0),
            Rule::Hide => (3, 0),
        }
    }
}

/// The recommended rule for one tool and the verdict's words it follows from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ToolPolicy {
    /// The tool's exact name.
    pub tool: Untrusted,
    /// The verdict's class.
    pub class: Class,
    /// The verdict's risk.
    pub risk: Risk,
    /// The rule.
    pub rule: Rule,
}

/// The recommended policy of one release of a server. Whatever it does not name is denied.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ServerPolicy {
    /// The server.
    pub server: ServerKey,
    /// Its version; empty for servers without versions.
    pub release: String,
    /// One entry for each distinct name, sorted by name.
    pub tools: Vec<ToolPolicy>,
}

/// The recommended rule for one tool.
pub fn policy_for_tool(tool: &str, verdict: &Verdict, numbers: &Numbers) -> ToolPolicy {
    let setting = if verdict.needs_review && verdict.confidence < numbers.ask_below() {
        Setting::Ask
    } else {
        numbers.setting(verdict.class)
    };
    let rule = match setting {
        Setting::Allow => Rule::Allow,
        Setting::Hide => Rule::Hide,
        Setting::Ask => Rule::Ask,
        Setting::Limit { max, window } => Rule::Limit { max, window },
    };
    ToolPolicy { tool: Untrusted::new(tool), class: verdict.class, risk: verdict.risk, rule }
}

/// The recommended policy of a server: tools sorted by name, a name that comes twice once, as severely as its worse half.
pub fn policy_for_server(
    server: &ServerKey,
    release: &str,
    tools: &[(String, Verdict)],
    numbers: &Numbers,
) -> ServerPolicy {
    let mut by_name: BTreeMap<&str, ToolPolicy> = BTreeMap::new();
    for (name, verdict) in tools {
        let policy = policy_for_tool(name, verdict, numbers);
        match by_name.get_mut(name.as_str()) {
            None => {
                by_name.insert(name, policy);
            }
            Some(known) => {
                known.class = known.class.max(policy.class);
                known.risk = known.risk.max(policy.risk);
                if policy.rule.strictness() > known.rule.strictness() {
                    known.rule = policy.rule;
                }
            }
        }
    }
    ServerPolicy {
        server: server.clone(),
        release: release.to_owned(),
        tools: by_name.into_values().collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(class: Class, confidence: f64, needs_review: bool) -> Verdict {
        Verdict { class, risk: Risk::Low, signals: vec![], confidence, needs_review, evidence: vec![] }
    }

    #[test]
    fn each_class_gets_the_number_of_the_file_and_doubt_asks_a_person() {
        let numbers = Numbers::for_tests();
        let rule = |class, confidence, review| {
            policy_for_tool("t", &verdict(class, confidence, review), &numbers).rule
        };
        assert_eq!(rule(Class::Read, 0.9, false), Rule::Allow);
        assert_eq!(rule(Class::Write, 0.9, false), Rule::Limit { max: 30, window: Window::Minute });
        assert_eq!(rule(Class::Execute, 0.9, true), Rule::Limit { max: 10, window: Window::Minute });
        assert_eq!(rule(Class::Destructive, 0.6, false), Rule::Hide);
        assert_eq!(rule(Class::Read, 0.49, true), Rule::Ask);
        assert_eq!(rule(Class::Read, 0.5, true), Rule::Allow);
    }

    #[test]
    fn a_name_listed_twice_gets_the_stricter_rule_and_the_list_is_sorted() {
        let tools = [
            ("b".to_owned(), verdict(Class::Read, 0.9, false)),
            ("a".to_owned(), verdict(Class::Write, 0.9, false)),
            ("b".to_owned(), verdict(Class::Execute, 0.9, false)),
            ("b".to_owned(), verdict(Class::Write, 0.9, false)),
        ];
        let server = ServerKey::npm("x").unwrap();
        let policy = policy_for_server(&server, "1.0.0", &tools, &Numbers::for_tests());
        let names: Vec<&str> = policy.tools.iter().map(|t| t.tool.raw()).collect();
        assert_eq!(names, ["a", "b"]);
        assert_eq!(policy.tools.last().unwrap().class, Class::Execute);
        assert_eq!(policy.tools.last().unwrap().rule, Rule::Limit { max: 10, window: Window::Minute });
    }

    #[test]
    fn fewer_calls_in_a_longer_window_are_stricter() {
        let hour = Rule::Limit { max: 30, window: Window::Hour };
        let minute = Rule::Limit { max: 10, window: Window::Minute };
        assert!(hour.strictness() > minute.strictness());
        assert!(Rule::Hide.strictness() > Rule::Ask.strictness());
    }
}
