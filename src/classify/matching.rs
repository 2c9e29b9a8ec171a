//! Which rules speak about a definition, where, and with how many points.

use regex::Regex;

use super::RuleSet;
use super::features::{Features, Place, Text};
use super::ruleset::{Field, Kind, Rule, Zone};
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
    let mut hits = Vec::new();
    for verb in &features.verbs {
        verb_hits(rules, features, verb, &mut hits);
    }
    for (index, rule) in rules.rules.iter().enumerate().filter(|(_, rule)| !waits_for_the_class(rule)) {
        rule_hits(features, index, rule, &mut hits);
    }
    hits.extend(rules.findings.hits(&rules.rules, features));
    hits
}

/// Every hit that raises a signal and says nothing about the class, of the rules that hold for this class.
pub(super) fn signal_hits<'a>(rules: &RuleSet, features: &Features<'a>, class: Class) -> Vec<Hit<'a>> {
    let mut hits = Vec::new();
    for (index, rule) in rules.rules.iter().enumerate().filter(|(_, rule)| waits_for_the_class(rule)) {
        if rule.classes.is_empty() || rule.classes.contains(&class) {
            rule_hits(features, index, rule, &mut hits);
        }
    }
    hits
}

/// Half of all rules only raise a signal, most of them for some classes: they are not worth looking for before.
fn waits_for_the_class(rule: &Rule) -> bool {
    rule.class.is_none()
        && rule.signal.is_some()
        && matches!(rule.kind, Kind::Phrase { .. } | Kind::Param { .. } | Kind::When(_))
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
            let named =
                |p: &&super::features::Param<'_>| (!top_only || p.depth == 0) && pattern.is_match(&p.name);
            if let Some(param) = features.params.iter().find(named) {
                add(Family::Schema, Place::whole(&param.pointer));
            }
        }
        Kind::When(when) => {
            if let Some((family, place)) = when.holds(features) {
                add(family, place);
            }
        }
        Kind::Hint { hint, value } => {
            if features.tool.hint(hint) == Some(*value) {
                add(Family::Hint, Place::whole(&format!("/annotations/{hint}")));
            }
        }
        Kind::Noun(words) if !features.name_has_verb() => {
            if let Some(word) = features.head_noun.as_ref().filter(|w| words.contains(&singular(&w.text))) {
                add(Family::Name, features.name.place(word.start, word.end));
            }
        }
        Kind::Cut => {
            for pointer in features.cut() {
                add(Family::Whole, Place::whole(pointer));
            }
        }
        // Verbs came first and findings come last; what is absent or contradicts itself is known only when all have
        // spoken.
        Kind::Noun(_) | Kind::Verb(_) | Kind::Pair { .. } | Kind::Nothing | Kind::Mismatch => {}
        Kind::Finding(_) => {}
    }
}

fn verb_hits<'a>(rules: &RuleSet, features: &Features<'a>, verb: &Verb<'a>, hits: &mut Vec<Hit<'a>>) {
    let head = features.description.as_ref().map_or("", Text::head);
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
    let pair = rules.rules.iter().enumerate().find_map(|(index, rule)| match &rule.kind {
        Kind::Pair { verbs, objects, unless } if verbs.contains(&verb.word) => verb
            .objects
            .iter()
            .find(|(object, ..)| objects.contains(object))
            .filter(|_| !unless.as_ref().is_some_and(|u| u.is_match(head)))
            .map(|object| (index, object)),
        _ => None,
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
    pattern: &Regex,
    unless: Option<&Regex>,
) -> Option<(Family, Place<'a>)> {
    let find = |text: &Text<'a>, zone: &'a str, family| {
        let found = pattern.find(zone)?;
        (!unless.is_some_and(|u| u.is_match(zone))).then(|| (family, text.place(found.start(), found.end())))
    };
    match field {
        Field::Name => {
            let lead = features.claim;
            let name = features.name.read.get(lead..)?;
            let found = pattern.find(name)?;
            (!unless.is_some_and(|u| u.is_match(name)))
                .then(|| (Family::Name, features.name.place(lead + found.start(), lead + found.end())))
        }
        Field::Words => features
            .in_words(pattern)
            .filter(|_| unless.is_none_or(|u| features.in_words(u).is_none()))
            .map(|place| (Family::Name, place)),
        Field::Title => features.title.as_ref().and_then(|t| find(t, t.read, Family::Name)),
        Field::Description => {
            features.description.as_ref().and_then(|d| find(d, zone.of(d), Family::Description))
        }
        Field::Params => features
            .params
            .iter()
            .filter_map(|p| p.description.as_ref())
            .find_map(|d| find(d, d.read, Family::Schema)),
    }
}

/// The rule of that kind, of which a rule set has at most one that matters.
pub(super) fn only(rules: &RuleSet, is: impl Fn(&Kind) -> bool) -> Option<(usize, &Rule)> {
    rules.rules.iter().enumerate().find(|(_, rule)| is(&rule.kind))
}
