//! Which rules speak about a definition, where, and with how many points.

use regex::Regex;

use super::RuleSet;
use super::features::Features;
use super::findings;
use super::pattern::Pattern;
use super::ruleset::{Field, Kind, Rule};
use super::schema::Param;
use super::sieve::Candidates;
use super::texts::{Place, Zone};
use super::verbs::{Slot, Verb};
use super::words::singular;
use crate::model::Class;

/// Which part of the definition a rule spoke about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Family {
    Name,
    Description,
    Schema,
    Hint,
    /// About the definition as a whole: nothing found, or cut.
    Whole,
}

/// One rule that spoke.
#[derive(Debug, Clone)]
pub(super) struct Hit<'a> {
    pub(super) rule: usize,
    pub(super) family: Family,
    pub(super) place: Place<'a>,
    /// Points for the rule's class, the slot counted in.
    pub(super) points: f64,
}

/// Every hit that may decide the class, and every finding: verbs first, then in the order of the rules, findings last.
pub(super) fn hits<'a>(rules: &RuleSet, features: &Features<'a>) -> Vec<Hit<'a>> {
    let mut hits = Vec::with_capacity(10);
    for verb in &features.verbs {
        verb_hits(rules, features, verb, &mut hits);
    }
    for index in rules.order.first(&features.may_speak) {
        if let Some(rule) = rules.rules.get(index) {
            rule_hits(features, index, rule, &mut hits);
        }
    }
    hits.extend(findings::hits(rules, features));
    hits
}

/// Every hit that raises a signal and says nothing about the class, of the rules that hold for this class.
pub(super) fn signal_hits<'a>(rules: &RuleSet, features: &Features<'a>, class: Class) -> Vec<Hit<'a>> {
    let mut hits = Vec::new();
    for index in rules.order.last(&features.may_speak) {
        if let Some(rule) = rules.rules.get(index)
            && (rule.classes.is_empty() || rule.classes.contains(&class))
        {
            rule_hits(features, index, rule, &mut hits);
        }
    }
    hits
}

fn rule_hits<'a>(features: &Features<'a>, index: usize, rule: &Rule, hits: &mut Vec<Hit<'a>>) {
    let mut add = |family, place| hits.push(Hit { rule: index, family, place, points: rule.points });
    match &rule.kind {
        Kind::Phrase { pattern, unless, fields, zone } => {
            for field in fields {
                if let Some((family, place)) = phrase(features, *field, *zone, pattern, unless.as_ref()) {
                    add(family, place);
                    break;
                }
            }
        }
        Kind::Param { pattern, top_only } => {
            let named = |p: &&Param<'_>| (!top_only || p.path.depth == 0) && pattern.is_in(&p.name, &p.named);
            if pattern.may(&features.params_named)
                && let Some(param) = features.params.iter().find(named)
            {
                add(Family::Schema, Place::whole(param.path.pointer("")));
            }
        }
        Kind::When(when) => {
            if let Some((family, place)) = when.holds(features) {
                add(family, place);
            }
        }
        Kind::Hint { hint, value } => {
            if features.hint(hint) == Some(*value) {
                add(Family::Hint, Place::whole(format!("/annotations/{hint}")));
            }
        }
        Kind::Noun(words) if !features.name_has_verb() => {
            if let Some(word) =
                features.head_noun.as_ref().filter(|w| words.contains(singular(&w.text).as_ref()))
            {
                add(Family::Name, features.name.place(word.start, word.end));
            }
        }
        Kind::Cut => {
            for pointer in features.cut() {
                add(Family::Whole, Place::whole(pointer));
            }
        }
        // Verbs with their pairs came first, findings come last, and the other two when all have spoken.
        Kind::Noun(_) | Kind::Verb(_) | Kind::Pair { .. } | Kind::Finding(_) => {}
        Kind::Nothing | Kind::Mismatch => {}
    }
}

fn verb_hits<'a>(rules: &RuleSet, features: &Features<'a>, verb: &Verb<'a>, hits: &mut Vec<Hit<'a>>) {
    let head = features.description.as_ref().map_or("", |description| description.head);
    let slots = &rules.settings.slots;
    let (weight, family) = match verb.slot {
        Slot::Name => (slots.name, Family::Name),
        Slot::SecondInName => (slots.second_in_name, Family::Name),
        Slot::Title => (slots.title, Family::Name),
        Slot::Description => (slots.description, Family::Description),
        Slot::Later => (slots.later, Family::Description),
        Slot::SecondInDescription => (slots.second_in_description, Family::Description),
        Slot::ListedInSchema => (slots.listed, Family::Schema),
        Slot::ListedInDescription => (slots.listed, Family::Description),
    };
    let weight = match (verb.doubtful, verb.slot) {
        (true, Slot::Description) => weight * slots.doubtful_at_the_front,
        (true, _) => weight * slots.doubtful,
        (false, _) => weight,
    };
    let points = |rule: usize| rules.rules.get(rule).map_or(0.0, |r| r.points);
    let pair =
        rules.order.pairs.get(verb.word.as_ref()).into_iter().flatten().find_map(|index| {
            match &rules.rules.get(*index)?.kind {
                Kind::Pair { objects, unless, .. } => verb
                    .objects
                    .iter()
                    .find(|(object, ..)| objects.contains(object.as_ref()))
                    .filter(|_| !unless.as_ref().is_some_and(|u| u.is_match(head)))
                    .map(|object| (*index, object)),
                _ => None,
            }
        });
    let kept = match pair {
        Some((index, (_, start, end))) => {
            let (from, to) = verb.place.span.unwrap_or((*start, *end));
            let span = Some((from.min(*start), to.max(*end)));
            let place = Place { span, ..verb.place.clone() };
            hits.push(Hit { rule: index, family, place, points: points(index) * weight });
            slots.kept_under_pair
        }
        None => 1.0,
    };
    hits.push(Hit {
        rule: verb.rule,
        family,
        place: verb.place.clone(),
        points: points(verb.rule) * weight * kept,
    });
}

fn phrase<'a>(
    features: &Features<'a>,
    field: Field,
    zone: Zone,
    pattern: &Pattern,
    unless: Option<&Regex>,
) -> Option<(Family, Place<'a>)> {
    let find = |text: &'a str, candidates: &Candidates| {
        let place = pattern.find(text, candidates)?;
        (!unless.is_some_and(|u| u.is_match(text))).then_some(place)
    };
    match field {
        Field::Name => {
            let name = &features.name;
            let (start, end) = find(name.read.get(features.claim..)?, &features.behind_claim)?;
            Some((Family::Name, name.place(features.claim + start, features.claim + end)))
        }
        Field::Words => features
            .in_words(pattern)
            .filter(|_| !unless.is_some_and(|u| u.is_match(features.words())))
            .map(|place| (Family::Name, place)),
        Field::Title => {
            let title = features.title.as_ref()?;
            let (start, end) = find(title.text.read, &title.candidates)?;
            Some((Family::Name, title.text.place(start, end)))
        }
        Field::Description => {
            let description = features.description.as_ref()?;
            let (text, candidates) = description.zone(zone);
            let (start, end) = find(text, candidates)?;
            Some((Family::Description, description.text.place(start, end)))
        }
        Field::Params => features.params.iter().find_map(|param| {
            let text = param.description?;
            let span = Some(find(text, &param.said)?);
            let pointer = param.path.pointer("/description").into();
            Some((Family::Schema, Place { pointer, text, span }))
        }),
    }
}
