//! `rules/policy.toml`: which rule each tier gives to which verdict. Read once, checked, never guessed.

use std::collections::BTreeMap;
use std::num::NonZeroU32;

use serde::Deserialize;
use thiserror::Error;

use super::{Rule, Tier, Window};
use crate::model::text::line_and_column;
use crate::model::{Class, Risk, Signal, Verdict};

/// The file's name below `rules/`.
const FILE: &str = "policy.toml";

/// Why the numbers cannot be used.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum PolicyError {
    /// The folder given as rules has no such file.
    #[error("rules/{FILE} is missing; copy it from the program's repository or leave out --rules")]
    Missing,
    /// The file is no text.
    #[error("rules/{FILE} is not UTF-8; save it as UTF-8")]
    NotText,
    /// Wrong TOML, an unknown key, or a value out of range.
    #[error("rules/{FILE}:{line}:{column}: {message}; correct it, rules/README.md lists the keys")]
    Wrong {
        /// Line, from 1.
        line: usize,
        /// Column in characters, from 1.
        column: usize,
        /// What is wrong.
        message: String,
    },
}

/// What every tier says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Numbers {
    tiers: BTreeMap<Tier, Settings>,
}

/// What one tier says.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Settings {
    default: Rule,
    classes: BTreeMap<(Class, Risk), Rule>,
    needs_review: Rule,
    risks: BTreeMap<Risk, Rule>,
    signals: BTreeMap<Signal, Rule>,
}

impl Numbers {
    /// Reads `policy.toml` of the folder `rules/`.
    ///
    /// # Errors
    /// [`PolicyError`] with line and column: wrong TOML, unknown or missing keys, a limit of 0, a tier that asks for
    /// less than a person's look at what needs review.
    pub fn load(files: &BTreeMap<String, Vec<u8>>) -> Result<Self, PolicyError> {
        let bytes = files.get(FILE).ok_or(PolicyError::Missing)?;
        let text = std::str::from_utf8(bytes).map_err(|_| PolicyError::NotText)?;
        let wrong = |at: usize, message: String| {
            let (line, column) = line_and_column(text, at);
            PolicyError::Wrong { line, column, message }
        };
        let file: File = toml::from_str(text)
            .map_err(|e| wrong(e.span().map_or(0, |s| s.start), e.message().to_owned()))?;
        let mut tiers = BTreeMap::new();
        for (tier, written) in [
            (Tier::Strict, file.strict),
            (Tier::Recommended, file.recommended),
            (Tier::Permissive, file.permissive),
        ] {
            let review = &written.at_least.needs_review;
            if Rule::from(*review.get_ref()).strictness() < Rule::Ask.strictness() {
                let message = "needs_review must be \"ask\", \"deny\" or \"hide\"".to_owned();
                return Err(wrong(review.span().start, message));
            }
            tiers.insert(tier, Settings::from(written));
        }
        Ok(Self { tiers })
    }

    fn settings(&self, tier: Tier) -> &Settings {
        self.tiers.get(&tier).expect("every tier was read at load")
    }

    /// What becomes of a tool that the policy does not name.
    pub fn default_rule(&self, tier: Tier) -> Rule {
        self.settings(tier).default
    }

    /// The rule for a verdict, and why: our own words.
    pub fn rule_for(&self, tier: Tier, verdict: &Verdict) -> (Rule, String) {
        let settings = self.settings(tier);
        let mut rule = *settings
            .classes
            .get(&(verdict.class, verdict.risk))
            .expect("every class and risk was read at load");
        let mut reason = None;
        let mut raise = |to: Rule, why: &'static str| {
            if to.strictness() > rule.strictness() {
                (rule, reason) = (to, Some(why));
            }
        };
        if let Some(to) = settings.risks.get(&verdict.risk) {
            raise(*to, "at that risk");
        }
        for signal in &verdict.signals {
            if let Some(to) = settings.signals.get(signal) {
                raise(*to, signal.as_str());
            }
        }
        if verdict.needs_review {
            raise(settings.needs_review, "needs review");
        }
        let (class, risk) = (verdict.class.as_str(), verdict.risk.as_str());
        let reason = match reason {
            Some(why) => [class, ", risk ", risk, "; ", why].concat(),
            None => [class, ", risk ", risk].concat(),
        };
        (rule, reason)
    }

    /// What a signal asks for at least, whatever class and risk are.
    pub fn least_for(&self, tier: Tier, signal: Signal) -> Option<Rule> {
        self.settings(tier).signals.get(&signal).copied()
    }

    #[cfg(test)]
    pub(crate) fn for_tests() -> Self {
        let files = crate::assets::Folder::Rules.files(None).unwrap();
        Self::load(&files).unwrap()
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    strict: WrittenTier,
    recommended: WrittenTier,
    permissive: WrittenTier,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenTier {
    default: Written,
    read: ByRisk,
    write: ByRisk,
    execute: ByRisk,
    destructive: ByRisk,
    at_least: AtLeast,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AtLeast {
    needs_review: toml::Spanned<Written>,
    #[serde(default)]
    risk: BTreeMap<Risk, Written>,
    #[serde(default)]
    signal: BTreeMap<Signal, Written>,
}

#[derive(Deserialize)]
#[serde(
    untagged,
    expecting = "expected a setting (\"allow\", \"ask\", \"deny\", \"hide\" or { max = 30, window = \"minute\" } with max from 1) or one for each of low, medium, high and critical"
)]
enum ByRisk {
    All(Written),
    Each(EachRisk),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct EachRisk {
    low: Written,
    medium: Written,
    high: Written,
    critical: Written,
}

impl ByRisk {
    fn of(&self, risk: Risk) -> Rule {
        match (self, risk) {
            (ByRisk::All(setting), _) => *setting,
            (ByRisk::Each(each), Risk::Low) => each.low,
            (ByRisk::Each(each), Risk::Medium) => each.medium,
            (ByRisk::Each(each), Risk::High) => each.high,
            (ByRisk::Each(each), Risk::Critical) => each.critical,
        }
        .into()
    }
}

impl From<WrittenTier> for Settings {
    fn from(written: WrittenTier) -> Self {
        let mut classes = BTreeMap::new();
        for (class, given) in [
            (Class::Read, &written.read),
            (Class::Write, &written.write),
            (Class::Execute, &written.execute),
            (Class::Destructive, &written.destructive),
        ] {
            classes.extend(Risk::ALL.iter().map(|risk| ((class, *risk), given.of(*risk))));
        }
        Self {
            default: written.default.into(),
            classes,
            needs_review: (*written.at_least.needs_review.get_ref()).into(),
            risks: written.at_least.risk.into_iter().map(|(k, v)| (k, v.into())).collect(),
            signals: written.at_least.signal.into_iter().map(|(k, v)| (k, v.into())).collect(),
        }
    }
}

#[derive(Deserialize, Clone, Copy)]
#[serde(
    untagged,
    expecting = "expected \"allow\", \"ask\", \"deny\", \"hide\" or { max = 30, window = \"minute\" } with max from 1"
)]
enum Written {
    Word(Word),
    Limit(Limit),
}

#[derive(Deserialize, Clone, Copy)]
#[serde(rename_all = "lowercase")]
enum Word {
    Allow,
    Ask,
    Deny,
    Hide,
}

#[derive(Deserialize, Clone, Copy)]
#[serde(deny_unknown_fields)]
struct Limit {
    max: NonZeroU32,
    window: Window,
}

impl From<Written> for Rule {
    fn from(written: Written) -> Self {
        match written {
            Written::Word(Word::Allow) => Rule::Allow,
            Written::Word(Word::Ask) => Rule::Ask,
            Written::Word(Word::Deny) => Rule::Deny,
            Written::Word(Word::Hide) => Rule::Hide,
            Written::Limit(Limit { max, window }) => Rule::Limit { max: max.get(), window },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(text: &str) -> Result<Numbers, PolicyError> {
        Numbers::load(&BTreeMap::from([(FILE.to_owned(), text.as_bytes().to_vec())]))
    }

    fn good() -> String {
        let files = crate::assets::Folder::Rules.files(None).unwrap();
        String::from_utf8(files.get(FILE).unwrap().clone()).unwrap()
    }

    fn verdict(class: Class, risk: Risk, signals: &[Signal], needs_review: bool) -> Verdict {
        Verdict { class, risk, signals: signals.to_vec(), confidence: 0.9, needs_review, evidence: vec![] }
    }

    #[test]
    fn each_tier_gives_what_it_is_described_to_give() {
        let numbers = load(&good()).unwrap();
        let per = |max, window| Rule::Limit { max, window };
        let (minute, hour) = (Window::Minute, Window::Hour);
        use Class::{Destructive, Execute, Read, Write};
        use Risk::{Critical, High, Low, Medium};
        for (class, risk, signals, review, strict, recommended, permissive) in [
            (Read, Low, &[][..], false, Rule::Allow, Rule::Allow, Rule::Allow),
            (Read, Low, &[], true, Rule::Ask, Rule::Ask, Rule::Ask),
            (Read, Medium, &[], false, Rule::Hide, Rule::Allow, Rule::Allow),
            (Read, High, &[], false, Rule::Hide, Rule::Ask, Rule::Allow),
            (Write, Medium, &[], false, Rule::Hide, per(30, minute), per(60, minute)),
            (Write, Critical, &[], false, Rule::Hide, Rule::Ask, per(60, minute)),
            (Write, Medium, &[Signal::Secrets], false, Rule::Hide, Rule::Ask, per(60, minute)),
            (Write, Medium, &[Signal::Financial], false, Rule::Hide, Rule::Ask, Rule::Ask),
            (Write, Medium, &[Signal::Bulk], false, Rule::Hide, Rule::Ask, per(60, minute)),
            (Execute, High, &[], false, Rule::Hide, per(10, minute), per(30, minute)),
            (Execute, High, &[Signal::ArbitraryCode], false, Rule::Hide, Rule::Ask, Rule::Ask),
            (Execute, High, &[Signal::OutboundMessage], false, Rule::Hide, Rule::Ask, per(30, minute)),
            (Destructive, Critical, &[], false, Rule::Hide, Rule::Ask, per(10, hour)),
            (Destructive, Critical, &[], true, Rule::Hide, Rule::Ask, Rule::Ask),
        ] {
            let verdict = verdict(class, risk, signals, review);
            let given = Tier::ALL.map(|tier| numbers.rule_for(tier, &verdict).0);
            assert_eq!(given, [strict, recommended, permissive], "{class} {risk} {signals:?} {review}");
        }
        assert_eq!(Tier::ALL.map(|t| numbers.default_rule(t)), [Rule::Deny, Rule::Deny, Rule::Ask]);
    }

    #[test]
    fn every_mistake_names_its_line() {
        let good = good();
        let line_of = |words: &str| good.lines().position(|l| l.contains(words)).unwrap() + 1;
        for (from, to, line) in [
            ("max = 30", "max = 0", line_of("max = 30")),
            ("max = 30", "mx = 30", line_of("max = 30")),
            ("destructive = \"ask\"", "destructive = \"Ask\"", line_of("destructive = \"ask\"")),
            ("critical = \"ask\" }\nwrite", "x = \"ask\" }\nwrite", line_of("high = \"ask\", critical")),
            ("bulk = ", "bulc = ", line_of("bulk = ")),
            ("needs_review = \"ask\"", "needs_review = \"allow\"", line_of("needs_review")),
        ] {
            match load(&good.replacen(from, to, 1)) {
                Err(PolicyError::Wrong { line: at, .. }) => assert_eq!(at, line, "{to}"),
                other => panic!("{to}: {other:?}"),
            }
        }
        assert_eq!(Numbers::load(&BTreeMap::new()).unwrap_err(), PolicyError::Missing);
    }
}
