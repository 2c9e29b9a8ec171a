//! What a verb is about where its own place does not say: a verb alone, and actions in a list.

use super::verbs::{Object, Slot, Verb};

/// Completes the objects of verbs that have none beside them.
pub(super) fn complete(verbs: &mut [Verb<'_>]) {
    named_alone(verbs);
    listed(verbs);
}

/// A verb that is the whole name is about what the description does with that very verb.
fn named_alone(verbs: &mut [Verb<'_>]) {
    let described = verbs.iter().find(|verb| verb.slot == Slot::Description && !verb.objects.is_empty());
    let Some(said) = described else { return };
    let alone = |verb: &Verb<'_>, word: &str| {
        matches!(verb.slot, Slot::Name | Slot::Title) && verb.objects.is_empty() && verb.word == word
    };
    if !verbs.iter().any(|verb| alone(verb, &said.word)) {
        return;
    }
    let (word, objects) = (said.word.clone(), said.objects.clone());
    for verb in verbs.iter_mut().filter(|verb| alone(verb, &word)) {
        be_about(verb, &objects);
    }
}

/// What the name and the description are about, listed actions are about as well: "cancel" in a list of a tool for jobs
/// cancels jobs.
fn listed(verbs: &mut [Verb<'_>]) {
    let listed = |slot| matches!(slot, Slot::ListedInSchema | Slot::ListedInDescription);
    if !verbs.iter().any(|verb| listed(verb.slot)) {
        return;
    }
    let said = verbs.iter().filter(|verb| !listed(verb.slot)).flat_map(|verb| &verb.objects);
    let objects: Vec<Object<'_>> = said.cloned().collect();
    for verb in verbs.iter_mut().filter(|verb| listed(verb.slot) && verb.objects.is_empty()) {
        be_about(verb, &objects);
    }
}

/// Gives a verb objects that stand elsewhere: what can be shown is the verb alone.
fn be_about<'a>(verb: &mut Verb<'a>, objects: &[Object<'a>]) {
    let (start, end) = verb.place.span.unwrap_or_default();
    verb.objects = objects.iter().map(|(object, ..)| (object.clone(), start, end)).collect();
}
