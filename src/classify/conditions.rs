//! Rules that ask for several things at once (`kind = "when"`): what a condition may look at, and whether it holds.
//!
//! A single pattern says too little about most signals: a parameter named `url` is an address that is fetched in one tool
//! and a field of a record in the next. The verb, the object and the words around it decide.

use std::collections::HashMap;

use regex::Regex;
use serde::Deserialize;

use super::features::Features;
use super::matching::Family;
use super::pattern::{Pattern, Patterns, Scope, compile};
use super::ruleset::expand;
use super::texts::{Place, Title, Zone};
use super::words::singular;
use super::wordset::WordSet;

/// One condition as it is written: exactly one of its keys, `zone` and `top_only` aside.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WrittenCondition {
    words: Option<String>,
    description: Option<String>,
    says: Option<String>,
    param: Option<String>,
    about: Option<String>,
    values: Option<String>,
    #[serde(default)]
    verb: Vec<String>,
    #[serde(default)]
    object: Vec<String>,
    #[serde(default)]
    head: Vec<String>,
    #[serde(default)]
    of: Vec<String>,
    zone: Option<Zone>,
    #[serde(default)]
    top_only: bool,
}

/// Conditions that hold together.
#[derive(Debug)]
pub(super) struct When {
    all: Vec<Condition>,
    any: Vec<Condition>,
    none: Vec<Condition>,
}

impl When {
    /// The conditions that are meant: all of `all`, one of `any` where there are some, and none of `none`.
    pub(super) fn checked(
        [all, any, none]: [Vec<WrittenCondition>; 3],
        groups: &HashMap<String, Vec<String>>,
        patterns: &mut Patterns,
    ) -> Result<Self, String> {
        if all.is_empty() && any.is_empty() {
            return Err("has no conditions in all or any".to_owned());
        }
        let mut list = |written: Vec<WrittenCondition>, add: Add| {
            written.into_iter().map(|c| c.checked(groups, patterns, add)).collect::<Result<Vec<_>, _>>()
        };
        Ok(Self {
            all: list(all, Patterns::add)?,
            any: list(any, Patterns::add)?,
            none: list(none, Patterns::add_late)?,
        })
    }

    /// The patterns of which one must be found somewhere, by their numbers; `None` where it may hold without.
    pub(super) fn one_of(&self) -> Option<Vec<usize>> {
        let all = self.all.iter().filter_map(Condition::pattern).next_back();
        match all {
            Some(pattern) => Some(vec![pattern.number()]),
            None if self.any.is_empty() => None,
            None => self.any.iter().map(|condition| condition.pattern().map(Pattern::number)).collect(),
        }
    }

    /// The place where the first condition held, if all is as it must be.
    pub(super) fn holds<'a>(&self, features: &Features<'a>) -> Option<(Family, Place<'a>)> {
        if !self.all.iter().all(|condition| condition.may(features)) {
            return None;
        }
        // The place of the first is asked for when all else is as it must be.
        let (first, others) =
            self.all.split_first().map_or((None, &[][..]), |(first, rest)| (Some(first), rest));
        if !first.into_iter().chain(others).all(|condition| condition.is_true(features)) {
            return None;
        }
        let mut any = self.any.iter().filter(|condition| condition.may(features));
        let one = any.find(|condition| condition.is_true(features));
        if one.is_none() && !self.any.is_empty() {
            return None;
        }
        let mut none = self.none.iter().filter(|condition| condition.may(features));
        if none.any(|condition| condition.is_true(features)) {
            return None;
        }
        first.or(one)?.holds(features)
    }
}

/// One condition, checked.
#[derive(Debug)]
enum Condition {
    /// A pattern on the words of the name.
    Words(Pattern),
    /// A pattern on the description.
    Description(Pattern, Zone),
    /// A pattern on the name's words, on the title, or on the description.
    Says(Pattern, Zone),
    /// A pattern on the name of a parameter, and perhaps one on what is said about it, or on one of the values it lists.
    Param { name: Pattern, about: Option<Pattern>, values: Option<Regex>, top_only: bool },
    /// A verb of the definition, wherever it was found.
    Verb(WordSet),
    /// A noun behind a verb of the definition.
    Object(WordSet),
    /// The last of the nouns behind a verb, perhaps behind one `of` these: of "list all email templates of a shop" it is
    /// "template".
    Head { words: WordSet, of: WordSet },
}

/// How a condition's patterns are added.
type Add = fn(&mut Patterns, &str, Scope) -> Result<Pattern, String>;

impl WrittenCondition {
    /// The condition that is meant; `groups` holds the words of each rule for `@rule-id`.
    fn checked(
        self,
        groups: &HashMap<String, Vec<String>>,
        patterns: &mut Patterns,
        add: Add,
    ) -> Result<Condition, String> {
        let zone = self.zone.unwrap_or(Zone::First);
        let described = Scope::description(zone);
        let mut pattern =
            |text: Option<String>, scope| text.as_deref().map(|p| add(patterns, p, scope)).transpose();
        let mut found = Vec::new();
        found.extend(pattern(self.words, Scope::NAMES)?.map(Condition::Words));
        found.extend(pattern(self.description, described)?.map(|p| Condition::Description(p, zone)));
        found.extend(
            pattern(self.says, described.and(Scope::TITLE).and(Scope::NAMES))?
                .map(|p| Condition::Says(p, zone)),
        );
        let about = pattern(self.about, Scope::PARAMS)?;
        let values = self.values.as_deref().map(compile).transpose()?;
        match pattern(self.param, Scope::NAMES)? {
            Some(name) => found.push(Condition::Param { name, about, values, top_only: self.top_only }),
            None if about.is_some() || values.is_some() => {
                return Err("has a condition with about or values and no param".to_owned());
            }
            None => {}
        }
        let set = |words: Vec<String>| expand(words, groups).map(|all| all.into_iter().collect());
        if !self.verb.is_empty() {
            found.push(Condition::Verb(set(self.verb)?));
        }
        let nouns = |words: Vec<String>| -> Result<WordSet, String> {
            Ok(expand(words, groups)?.iter().map(|w| singular(w).into_owned()).collect())
        };
        if !self.object.is_empty() {
            found.push(Condition::Object(nouns(self.object)?));
        }
        if !self.head.is_empty() {
            found.push(Condition::Head { words: nouns(self.head)?, of: set(self.of)? });
        }
        match (found.pop(), found.is_empty()) {
            (Some(condition), true) => Ok(condition),
            _ => Err(
                "has a condition that is not exactly one of words, description, says, param, verb, object, head"
                    .to_owned(),
            ),
        }
    }
}

impl Condition {
    /// The pattern without which it does not hold.
    fn pattern(&self) -> Option<&Pattern> {
        match self {
            Condition::Words(pattern)
            | Condition::Description(pattern, _)
            | Condition::Says(pattern, _)
            | Condition::Param { name: pattern, .. } => Some(pattern),
            Condition::Verb(_) | Condition::Object(_) | Condition::Head { .. } => None,
        }
    }

    /// Whether it is worth a closer look.
    fn may(&self, features: &Features<'_>) -> bool {
        let described = |pattern: &Pattern, zone| {
            features.description.as_ref().is_some_and(|description| pattern.may(description.zone(zone).1))
        };
        match self {
            Condition::Words(pattern) => pattern.may(&features.in_spaced),
            Condition::Description(pattern, zone) => described(pattern, *zone),
            Condition::Says(pattern, zone) => {
                pattern.may(&features.in_spaced)
                    || described(pattern, *zone)
                    || features.title.as_ref().is_some_and(|title| pattern.may(&title.candidates))
            }
            Condition::Param { name, .. } => name.may(&features.params_named),
            Condition::Verb(_) | Condition::Object(_) | Condition::Head { .. } => true,
        }
    }

    /// Whether it holds.
    fn is_true(&self, features: &Features<'_>) -> bool {
        let described = |pattern: &Pattern, zone| {
            features.description.as_ref().is_some_and(|description| {
                let (text, candidates) = description.zone(zone);
                pattern.is_in(text, candidates)
            })
        };
        match self {
            Condition::Words(pattern) => features.words_hold(pattern),
            Condition::Description(pattern, zone) => described(pattern, *zone),
            Condition::Says(pattern, zone) => {
                let titled = |title: &Title<'_>| pattern.is_in(title.text.read, &title.candidates);
                features.words_hold(pattern)
                    || described(pattern, *zone)
                    || features.title.as_ref().is_some_and(titled)
            }
            _ => self.holds(features).is_some(),
        }
    }

    /// Where it holds, if it does.
    fn holds<'a>(&self, features: &Features<'a>) -> Option<(Family, Place<'a>)> {
        match self {
            Condition::Words(pattern) => features.in_words(pattern).map(|place| (Family::Name, place)),
            Condition::Description(pattern, zone) => in_description(features, pattern, *zone),
            Condition::Says(pattern, zone) => features
                .in_words(pattern)
                .map(|place| (Family::Name, place))
                .or_else(|| in_description(features, pattern, *zone))
                .or_else(|| {
                    let title = features.title.as_ref()?;
                    let (start, end) = pattern.find(title.text.read, &title.candidates)?;
                    Some((Family::Name, title.text.place(start, end)))
                }),
            Condition::Param { name, about, values, top_only } => features
                .params
                .iter()
                .filter(|p| about.as_ref().is_none_or(|about| about.may(&p.said)))
                .filter(|p| (!top_only || p.path.depth == 0) && name.is_in(&p.name, &p.named))
                .filter(|p| values.as_ref().is_none_or(|v| p.values.iter().any(|value| v.is_match(value))))
                .find(|p| {
                    about
                        .as_ref()
                        .is_none_or(|about| p.description.is_some_and(|said| about.is_in(said, &p.said)))
                })
                .map(|p| (Family::Schema, Place::whole(p.path.pointer("")))),
            Condition::Verb(words) => {
                let verb = features.verbs.iter().find(|verb| words.contains(verb.word.as_ref()))?;
                Some((Family::Name, verb.place.clone()))
            }
            Condition::Object(words) => features.verbs.iter().find_map(|verb| {
                let (_, start, end) =
                    verb.objects.iter().find(|(object, ..)| words.contains(object.as_ref()))?;
                Some((Family::Name, Place { span: Some((*start, *end)), ..verb.place.clone() }))
            }),
            Condition::Head { words, of } => features.verbs.iter().find_map(|verb| {
                if !of.is_empty() && !of.contains(verb.word.as_ref()) {
                    return None;
                }
                let (_, verb_end) = verb.place.span?;
                // In front of a verb (`contacts_list`) the nearest noun comes first.
                let behind = verb.objects.first().is_some_and(|(_, start, _)| *start >= verb_end);
                let head = if behind { verb.objects.last() } else { verb.objects.first() };
                let (_, start, end) = head.filter(|(object, ..)| words.contains(object.as_ref()))?;
                Some((Family::Name, Place { span: Some((*start, *end)), ..verb.place.clone() }))
            }),
        }
    }
}

fn in_description<'a>(features: &Features<'a>, pattern: &Pattern, zone: Zone) -> Option<(Family, Place<'a>)> {
    let description = features.description.as_ref()?;
    let (text, candidates) = description.zone(zone);
    let (start, end) = pattern.find(text, candidates)?;
    Some((Family::Description, description.text.place(start, end)))
}
