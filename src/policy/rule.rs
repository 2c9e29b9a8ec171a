//! The five things that can become of a call, and which of two is the stricter.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The span of time a limit counts over. Calendar windows in UTC in both formats that count.
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
    /// Every window, the shortest first.
    pub const ALL: [Window; 3] = [Window::Minute, Window::Hour, Window::Day];

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

/// What becomes of the calls of one tool.
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
    /// A person decides about each call.
    Ask,
    /// Every call is refused; the tool is still listed.
    Deny,
    /// The tool is taken away: not offered where a format can hide, refused everywhere.
    Hide,
}

impl Rule {
    /// Larger is stricter; of two limits the one with fewer calls a day.
    pub fn strictness(self) -> (u8, u64) {
        match self {
            Rule::Allow => (0, 0),
            Rule::Limit { max, window } => {
                (1, u64::MAX - u64::from(max) * (Window::Day.minutes() / window.minutes()))
            }
            Rule::Ask => (2, 0),
            Rule::Deny => (3, 0),
            Rule::Hide => (4, 0),
        }
    }

    /// The stricter of two.
    #[must_use]
    pub fn or_stricter(self, other: Rule) -> Rule {
        if other.strictness() > self.strictness() { other } else { self }
    }

    /// The word of the neutral form and of pages.
    pub fn word(self) -> &'static str {
        match self {
            Rule::Allow => "allow",
            Rule::Limit { .. } => "limit",
            Rule::Ask => "ask",
            Rule::Deny => "deny",
            Rule::Hide => "hide",
        }
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Rule::Limit { max, window } => write!(f, "limit to {max} per {}", window.as_str()),
            rule => f.write_str(rule.word()),
        }
    }
}

/// How careful a policy is. What each tier says stands in `rules/policy.toml`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Tier {
    /// Only reading without risk.
    Strict,
    /// The default of every command and page.
    #[default]
    Recommended,
    /// Asks or counts where the others refuse.
    Permissive,
}

impl Tier {
    /// Every tier, the strictest first.
    pub const ALL: [Tier; 3] = [Tier::Strict, Tier::Recommended, Tier::Permissive];

    /// What people type.
    pub fn as_str(self) -> &'static str {
        match self {
            Tier::Strict => "strict",
            Tier::Recommended => "recommended",
            Tier::Permissive => "permissive",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_of_strictness_is_allow_limit_ask_deny_hide() {
        let limit = |max, window| Rule::Limit { max, window };
        let order = [
            Rule::Allow,
            limit(10, Window::Minute),
            limit(30, Window::Hour),
            Rule::Ask,
            Rule::Deny,
            Rule::Hide,
        ];
        assert!(order.is_sorted_by(|a, b| a.strictness() < b.strictness()));
        assert_eq!(Rule::Ask.or_stricter(Rule::Allow), Rule::Ask);
        assert_eq!(Rule::Ask.or_stricter(Rule::Hide), Rule::Hide);
    }
}
