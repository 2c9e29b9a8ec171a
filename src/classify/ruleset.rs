//! Rules as they are written in TOML, and the checks that make them usable.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use regex::Regex;
use serde::Deserialize;
use toml::Spanned;

use super::actions::LIST_INTRO;
use super::conditions::{When, WrittenCondition};
use super::examples::Example;
use super::findings::{Check, Finding, Findings};
use super::order::Order;
use super::pattern::{Pattern, Patterns, Scope, compile};
use super::rule_files::{hash_of, rule_files};
use super::settings::Settings;
use super::texts::Zone;
use super::words::{Lexicon, singular};
use super::wordset::WordSet;
use super::{RuleError, RuleSet, RuleText};
use crate::model::text::line_and_column;
use crate::model::{Class, Signal};

/// Where the settings lie, below `rules/`.
pub(super) const SETTINGS: &str = "classify/settings.toml";

/// One rule, checked.
#[derive(Debug)]
pub(super) struct Rule {
    pub(super) text: RuleText,
    /// The file's name without folder and ending.
    pub(super) topic: String,
    pub(super) kind: Kind,
    pub(super) class: Option<Class>,
    pub(super) points: f64,
    pub(super) signal: Option<Signal>,
    /// The signal counts only where the tool is of one of these classes; empty for all.
    pub(super) classes: BTreeSet<Class>,
    pub(super) yes: Vec<Example>,
    pub(super) no: Vec<Example>,
}

/// What a rule looks at.
#[derive(Debug)]
pub(super) enum Kind {
    /// The verb of a name, a description, a title or a listed action is one of its words.
    Verb(Vec<String>),
    /// Verb and object together, unless the description's head holds a pattern.
    Pair { verbs: BTreeSet<String>, objects: WordSet, unless: Option<Regex> },
    /// No verb, and a word of the name is one of these.
    Noun(WordSet),
    /// A pattern in running text.
    Phrase { pattern: Pattern, unless: Option<Regex>, fields: Vec<Field>, zone: Zone },
    /// A pattern on the name of a parameter, as `snake_case`.
    Param { pattern: Pattern, top_only: bool },
    /// Several conditions at once.
    When(When),
    /// Something about the text itself, in any text of the definition.
    Finding(Finding),
    /// An author's hint, stated.
    Hint { hint: String, value: bool },
    /// Nothing was found that says what a call does.
    Nothing,
    /// A text was longer than what is read.
    Cut,
    /// The hints contradict the text.
    Mismatch,
}

/// Which text a phrase is looked for in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Field {
    Name,
    /// The words of the name, in lower case with one space between them.
    Words,
    Title,
    Description,
    /// The descriptions of parameters.
    Params,
}

impl Kind {
    /// The patterns of which one must be found somewhere, by their numbers; `None` where the rule may speak without.
    pub(super) fn one_of(&self) -> Option<Vec<usize>> {
        match self {
            Kind::Phrase { pattern, .. } | Kind::Param { pattern, .. } => Some(vec![pattern.number()]),
            Kind::When(when) => when.one_of(),
            _ => None,
        }
    }
}

impl Field {
    /// The texts that these are, of descriptions up to there.
    fn scope(fields: &BTreeSet<Field>, zone: Zone) -> Scope {
        let scope = |field: &Field| match field {
            Field::Name | Field::Words => Scope::NAMES,
            Field::Title => Scope::TITLE,
            Field::Description => Scope::description(zone),
            Field::Params => Scope::PARAMS,
        };
        fields.iter().map(scope).fold(Scope::default(), Scope::and)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    rule: Vec<Written>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    id: Spanned<String>,
    kind: Word,
    what: String,
    why: String,
    /// Where the reason stands, for those who keep the rules: not shown on pages.
    #[serde(default, rename = "source")]
    _source: Option<String>,
    class: Option<Class>,
    points: Option<f64>,
    signal: Option<Signal>,
    #[serde(default)]
    classes: BTreeSet<Class>,
    #[serde(default)]
    words: Vec<String>,
    #[serde(default)]
    verbs: Vec<String>,
    #[serde(default)]
    objects: Vec<String>,
    pattern: Option<String>,
    unless: Option<String>,
    #[serde(default)]
    fields: BTreeSet<Field>,
    zone: Option<Zone>,
    #[serde(default)]
    top_only: bool,
    #[serde(default)]
    all: Vec<WrittenCondition>,
    #[serde(default)]
    any: Vec<WrittenCondition>,
    #[serde(default)]
    none: Vec<WrittenCondition>,
    check: Option<Check>,
    trigger: Option<String>,
    hint: Option<String>,
    value: Option<bool>,
    #[serde(default)]
    yes: Vec<Example>,
    #[serde(default)]
    no: Vec<Example>,
}

#[derive(Deserialize, Clone, Copy)]
#[serde(rename_all = "lowercase")]
enum Word {
    Verb,
    Pair,
    Noun,
    Phrase,
    Param,
    When,
    Finding,
    Hint,
    Nothing,
    Cut,
    Mismatch,
}

/// See [`RuleSet::load`].
pub(super) fn load(files: &BTreeMap<String, Vec<u8>>) -> Result<RuleSet, RuleError> {
    let (mut written, mut settings) = (Vec::new(), None);
    for (file, topic, bytes) in rule_files(files) {
        let text = std::str::from_utf8(bytes).map_err(|_| RuleError::NotText { file: file.clone() })?;
        let shape = |e: toml::de::Error| {
            let (line, column) = line_and_column(text, e.span().map_or(0, |s| s.start));
            RuleError::Shape { file: file.clone(), line, column, message: e.message().to_owned() }
        };
        if file == SETTINGS {
            settings = Some(toml::from_str::<Settings>(text).map_err(shape)?);
        } else {
            for rule in toml::from_str::<File>(text).map_err(shape)?.rule {
                let place = line_and_column(text, rule.id.span().start);
                written.push((file, topic, place, rule));
            }
        }
    }
    let settings = settings.ok_or_else(|| RuleError::Missing { file: SETTINGS.to_owned() })?;
    if written.is_empty() {
        return Err(RuleError::Missing { file: "classify/verbs.toml".to_owned() });
    }
    let groups: HashMap<String, Vec<String>> =
        written.iter().map(|(.., rule)| (rule.id.get_ref().clone(), rule.words.clone())).collect();
    let (mut rules, mut lexicon, mut ids) = (Vec::new(), Lexicon::default(), BTreeSet::new());
    let (mut places, mut patterns) = (Vec::new(), Patterns::default());
    for (file, topic, (line, column), rule) in written {
        let id = rule.id.get_ref().clone();
        let wrong =
            |message: String| RuleError::Rule { file: file.clone(), line, column, rule: id.clone(), message };
        if !ids.insert(id.clone()) {
            return Err(wrong("is there twice; ids are permanent, give one of them another".to_owned()));
        }
        let rule = checked(rule, topic, &groups, &mut patterns).map_err(wrong)?;
        if let Kind::Verb(words) = &rule.kind {
            for word in words {
                if lexicon.0.insert(word.clone(), rules.len()).is_some() {
                    return Err(wrong(format!(
                        "has the word \"{word}\", which another verb rule has too; keep one"
                    )));
                }
            }
        }
        rules.push(rule);
        places.push((file, (line, column)));
    }
    for (index, place) in places.iter().enumerate() {
        let Some(rule) = rules.get(index) else { continue };
        dead_words(rule, &lexicon).map_err(|message| {
            let (file, (line, column)) = (place.0.clone(), place.1);
            RuleError::Rule { file, line, column, rule: rule.text.id.clone(), message }
        })?;
    }
    let list_intro = patterns
        .add(LIST_INTRO, Scope::description(Zone::Head))
        .map_err(|message| RuleError::Shape { file: SETTINGS.to_owned(), line: 1, column: 1, message })?;
    let sieves = patterns.sieves();
    let findings = Findings::of(&rules, &sieves);
    let order = Order::of(&rules);
    Ok(RuleSet {
        hash: hash_of(files),
        rules,
        lexicon,
        sieves,
        list_intro,
        #[cfg(test)]
        patterns,
        order,
        findings,
        settings,
    })
}

fn checked(
    written: Written,
    topic: &str,
    groups: &HashMap<String, Vec<String>>,
    patterns: &mut Patterns,
) -> Result<Rule, String> {
    let id = written.id.into_inner();
    if id.is_empty() || !id.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-') {
        return Err("has an id that is not lower-case letters, digits and hyphens".to_owned());
    }
    for (key, text) in [("what", &written.what), ("why", &written.why)] {
        if text.trim().is_empty() {
            return Err(format!("has no {key}; say it in one sentence"));
        }
    }
    let kind = match written.kind {
        Word::Verb => Kind::Verb(some(written.words, "words")?),
        Word::Noun => {
            Kind::Noun(some(written.words, "words")?.iter().map(|w| singular(w).into_owned()).collect())
        }
        Word::Pair => Kind::Pair {
            unless: written.unless.as_deref().map(compile).transpose()?,
            verbs: expand(some(written.verbs, "verbs")?, groups)?.into_iter().collect(),
            objects: expand(some(written.objects, "objects")?, groups)?
                .iter()
                .map(|w| singular(w).into_owned())
                .collect(),
        },
        Word::Phrase => {
            let fields = Some(written.fields).filter(|fields| !fields.is_empty());
            let fields = fields.unwrap_or_else(|| BTreeSet::from([Field::Description]));
            let zone = written.zone.unwrap_or_default();
            Kind::Phrase {
                pattern: patterns
                    .add(&written.pattern.ok_or("has no pattern")?, Field::scope(&fields, zone))?,
                unless: written.unless.as_deref().map(compile).transpose()?,
                fields: fields.into_iter().collect(),
                zone,
            }
        }
        Word::Param => Kind::Param {
            pattern: patterns.add(&written.pattern.ok_or("has no pattern")?, Scope::NAMES)?,
            top_only: written.top_only,
        },
        Word::When => Kind::When(When::checked([written.all, written.any, written.none], groups, patterns)?),
        Word::Finding => Kind::Finding(match (written.pattern, written.check) {
            (Some(pattern), None) => Finding::Pattern {
                trigger: compile(written.trigger.as_ref().unwrap_or(&pattern))?,
                pattern: patterns.add(&pattern, Scope::EVERYWHERE)?,
                unless: written.unless.as_deref().map(compile).transpose()?,
            },
            (None, Some(check)) => Finding::Check(check),
            _ => return Err("needs either a pattern or a check".to_owned()),
        }),
        Word::Hint => Kind::Hint {
            hint: written.hint.ok_or("has no hint")?,
            value: written.value.ok_or("has no value")?,
        },
        Word::Nothing => Kind::Nothing,
        Word::Cut => Kind::Cut,
        Word::Mismatch => Kind::Mismatch,
    };
    let points = written.points.unwrap_or(0.0);
    if !points.is_finite() || points.abs() > 10.0 {
        return Err("has points outside -10 to 10".to_owned());
    }
    if (points != 0.0) != written.class.is_some() {
        return Err("needs class and points together, or neither".to_owned());
    }
    if matches!(kind, Kind::Verb(_) | Kind::Pair { .. } | Kind::Noun(_) | Kind::Hint { .. })
        && written.class.is_none()
    {
        return Err("needs a class and points".to_owned());
    }
    if written.class.is_none() && written.signal.is_none() && !matches!(kind, Kind::Cut) {
        return Err("has no effect; give it a class with points, or a signal".to_owned());
    }
    // A cut text would make an example of 64 KiB; the engine's own tests stand for it.
    if (written.yes.is_empty() || written.no.is_empty()) && !matches!(kind, Kind::Cut) {
        let key = if written.yes.is_empty() {
            "must match; add at least one to yes"
        } else {
            "must not match; add at least one to no"
        };
        return Err(format!("has no example that {key}"));
    }
    Ok(Rule {
        text: RuleText { id, what: written.what, why: written.why },
        topic: topic.to_owned(),
        kind,
        class: written.class,
        points,
        signal: written.signal,
        classes: written.classes,
        yes: written.yes,
        no: written.no,
    })
}

/// A word that can never be met is a mistake: words are split at everything that is no letter or digit.
fn dead_words(rule: &Rule, lexicon: &Lexicon) -> Result<(), String> {
    let whole = |word: &String| word.chars().all(|c| c.is_alphanumeric() && !c.is_uppercase());
    let all: Vec<&String> = match &rule.kind {
        Kind::Verb(words) => words.iter().collect(),
        Kind::Noun(words) => words.iter().collect(),
        Kind::Pair { verbs, objects, .. } => verbs.iter().chain(objects).collect(),
        _ => return Ok(()),
    };
    if let Some(word) = all.iter().find(|word| !whole(word)) {
        return Err(format!(
            "has \"{word}\", which is no single lower-case word; texts are compared word by word"
        ));
    }
    match &rule.kind {
        Kind::Pair { verbs, .. } => match verbs.iter().find(|verb| lexicon.exact(verb).is_none()) {
            Some(verb) => Err(format!("has the verb \"{verb}\", which is in no verb rule; add it to one")),
            None => Ok(()),
        },
        _ => Ok(()),
    }
}

fn some(words: Vec<String>, key: &str) -> Result<Vec<String>, String> {
    if words.is_empty() { Err(format!("has no {key}")) } else { Ok(words) }
}

/// `@rule-id` stands for that rule's words.
pub(super) fn expand(
    words: Vec<String>,
    groups: &HashMap<String, Vec<String>>,
) -> Result<Vec<String>, String> {
    let mut all = Vec::new();
    for word in words {
        match word.strip_prefix('@') {
            None => all.push(word),
            Some(id) => all.extend(
                groups
                    .get(id)
                    .filter(|group| !group.is_empty())
                    .ok_or_else(|| format!("refers to @{id}, which is no rule with words"))?
                    .iter()
                    .cloned(),
            ),
        }
    }
    Ok(all)
}
