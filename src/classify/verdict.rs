//! From hits to a verdict: points to shares, the class, the hints, the signals, the rubric's risk arithmetic.

use std::collections::BTreeSet;

use super::RuleSet;
use super::features::Features;
use super::matching::{Family, Hit, signal_hits};
use super::ruleset::Kind;
use super::texts::Place;
use crate::model::{Class, Effect, Evidence, Risk, Signal, Verdict};

/// Evidence about the class that is kept.
const CLASS_EVIDENCE: usize = 12;

/// Points of each class.
type Scores = [(Class, f64); 4];

/// The verdict that the hits amount to.
pub(super) fn decide<'a>(rules: &RuleSet, features: &Features<'a>, mut hits: Vec<Hit<'a>>) -> Verdict {
    let bounds = &rules.settings.confidence;
    read_gate(rules, &mut hits);
    let class_of = |hit: &Hit<'_>| rules.rules.get(hit.rule).and_then(|rule| rule.class);
    let speaks =
        hits.iter().any(|hit| hit.family != Family::Hint && class_of(hit).is_some() && hit.points > 0.0);
    if !speaks
        && let Some(rule) = rules.order.nothing
        && let Some(nothing) = rules.rules.get(rule)
    {
        let pointer = if features.description.is_some() { "/description" } else { "/name" };
        hits.push(Hit { rule, family: Family::Whole, place: Place::whole(pointer), points: nothing.points });
    }
    let [read, write, execute, destructive] = bounds.prior;
    let mut scores: Scores = [
        (Class::Read, read),
        (Class::Write, write),
        (Class::Execute, execute),
        (Class::Destructive, destructive),
    ];
    for hit in hits.iter().filter(|hit| hit.family != Family::Hint) {
        add(&mut scores, class_of(hit), hit.points);
    }
    let said = winner(&scores);
    let said_share = share(&scores, said, bounds.scale);
    // Hints are a claim: one that says less than the text does not count, one that says as much or more does.
    hits.retain(|hit| hit.family != Family::Hint || class_of(hit).is_some_and(|class| class >= said));
    for hit in hits.iter().filter(|hit| hit.family == Family::Hint) {
        add(&mut scores, class_of(hit), hit.points);
    }
    let class = winner(&scores);
    if said_share >= bounds.mismatch_from
        && let Some(rule) = rules.order.mismatch
    {
        let lie = contradiction(features, said);
        hits.extend(lie.map(|hint| Hit {
            rule,
            family: Family::Hint,
            place: Place::whole(format!("/annotations/{hint}")),
            points: 0.0,
        }));
    }
    hits.extend(signal_hits(rules, features, class));
    let mut confidence = share(&scores, class, bounds.scale);
    let mut families = hits
        .iter()
        .filter(|h| {
            class_of(h) == Some(class) && h.points > 0.0 && !matches!(h.family, Family::Hint | Family::Whole)
        })
        .map(|h| h.family);
    let first = families.next();
    if !families.any(|family| Some(family) != first) {
        confidence = confidence.min(bounds.one_family_cap);
    }
    if !speaks {
        confidence = confidence.min(bounds.nothing_cap);
    }
    let confidence = (confidence * 100.0).floor() / 100.0;
    let (signals, signal_hits) = signals(rules, &hits, class);
    let alarm =
        share(&scores, Class::Execute, bounds.scale) + share(&scores, Class::Destructive, bounds.scale);
    let needs_review = confidence < bounds.review_below
        || (class == Class::Read && alarm > bounds.read_alarm)
        || signals.contains(&Signal::DescriptionInjection);
    Verdict {
        class,
        risk: Risk::of(class, &signals),
        confidence,
        needs_review,
        evidence: evidence(rules, &hits, &signal_hits, class),
        signals: signals.into_iter().collect(),
    }
}

/// Where name and description both begin with a strong verb of reading, alarming phrases count little.
fn read_gate(rules: &RuleSet, hits: &mut [Hit<'_>]) {
    let strong = |family| {
        hits.iter().any(|hit| {
            let rule = rules.rules.get(hit.rule);
            hit.family == family
                && hit.points >= 3.5
                && rule.is_some_and(|r| {
                    r.class == Some(Class::Read) && matches!(r.kind, Kind::Verb(_) | Kind::Pair { .. })
                })
        })
    };
    if !(strong(Family::Name) && strong(Family::Description)) {
        return;
    }
    for hit in hits {
        let softened = rules.rules.get(hit.rule).is_some_and(|rule| {
            matches!(rule.kind, Kind::Phrase { .. } | Kind::Param { .. })
                && rule.class.is_some_and(|class| class > Class::Read)
        });
        if softened && hit.points > 0.0 {
            hit.points *= rules.settings.slots.kept_under_read_gate;
        }
    }
}

fn add(scores: &mut Scores, class: Option<Class>, points: f64) {
    if let Some((_, score)) = scores.iter_mut().find(|(of, _)| Some(*of) == class) {
        *score += points;
    }
}

/// The class with most points; of equals the more severe.
fn winner(scores: &Scores) -> Class {
    let mut best = (Class::Read, f64::NEG_INFINITY);
    for (class, score) in scores {
        if *score >= best.1 {
            best = (*class, *score);
        }
    }
    best.0
}

/// The class's share of the exponentials of all scores.
fn share(scores: &Scores, class: Class, scale: f64) -> f64 {
    let top = scores.iter().map(|(_, score)| *score).fold(f64::NEG_INFINITY, f64::max);
    let power = |score: f64| ((score - top) * scale).exp();
    let all: f64 = scores.iter().map(|(_, score)| power(*score)).sum();
    scores.iter().find(|(of, _)| *of == class).map_or(0.0, |(_, score)| power(*score)) / all
}

/// The stated hint that the text contradicts.
fn contradiction(features: &Features<'_>, said: Class) -> Option<&'static str> {
    let hint = |name| features.hint(name);
    if said > Class::Read && hint("readOnlyHint") == Some(true) {
        return Some("readOnlyHint");
    }
    let wrong = match said {
        Class::Destructive => hint("destructiveHint") == Some(false),
        Class::Read => hint("destructiveHint") == Some(true) && hint("readOnlyHint") != Some(true),
        Class::Write | Class::Execute => false,
    };
    wrong.then_some("destructiveHint")
}

/// Signals that hold for this class, and the hit that first raised each.
fn signals(rules: &RuleSet, hits: &[Hit<'_>], class: Class) -> (BTreeSet<Signal>, Vec<usize>) {
    let (mut signals, mut raised) = (BTreeSet::new(), Vec::new());
    for (index, hit) in hits.iter().enumerate() {
        let Some(rule) = rules.rules.get(hit.rule) else { continue };
        let Some(signal) = rule.signal else { continue };
        // The rubric: production is never said of a Read.
        let fits = (rule.classes.is_empty() || rule.classes.contains(&class))
            && !(signal == Signal::Production && class == Class::Read);
        if fits {
            signals.insert(signal);
            raised.push(index);
        }
    }
    (signals, raised)
}

/// What decided, strongest first: points for and against the class, then what raised the signals.
fn evidence(rules: &RuleSet, hits: &[Hit<'_>], raised: &[usize], class: Class) -> Vec<Evidence> {
    let of = |hit: &Hit<'_>| rules.rules.get(hit.rule);
    let mut order: Vec<usize> = (0..hits.len()).collect();
    let rank = |index: &usize| {
        let hit = hits.get(*index);
        let own = hit.and_then(of).and_then(|rule| rule.class) == Some(class);
        let points = hit.map_or(0.0, |h| h.points);
        (points.abs() * 1_000.0) as i64 + i64::from(own && points > 0.0) * 250
    };
    order.sort_by_key(|index| std::cmp::Reverse(rank(index)));
    let mut kept = Vec::with_capacity(hits.len());
    for index in order {
        let Some((hit, rule)) = hits.get(index).and_then(|hit| Some((hit, of(hit)?))) else { continue };
        let signals = raised.contains(&index);
        let votes = rule.class.is_some() && hit.points.abs() >= 0.05;
        let fits = matches!(rule.kind, Kind::Cut) || signals || (votes && kept.len() < CLASS_EVIDENCE);
        if !fits {
            continue;
        }
        let signal = rule.signal.filter(|_| signals);
        let span = hit.place.span.map(|(start, end)| {
            let count = |to: usize| hit.place.text.get(..to).map_or(0, |t| t.chars().count());
            [count(start), count(end)]
        });
        let text = hit.place.span.and_then(|(start, end)| hit.place.text.get(start..end)).unwrap_or_default();
        let effect = Effect {
            class: rule.class.filter(|_| votes),
            risk: signal.and_then(Signal::floor),
            signal,
            weight: if votes { (hit.points * 100.0).round() / 100.0 } else { 0.0 },
        };
        kept.push(Evidence {
            rule: rule.text.id.clone(),
            field: hit.place.pointer.clone().into_owned(),
            span,
            text: text.to_owned(),
            effect,
        });
    }
    kept
}
