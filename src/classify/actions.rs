//! Lists of actions: "Actions: list, create, delete", "Manage rules (list, create, delete)", the values of a parameter.

use std::borrow::Cow;
use std::sync::LazyLock;

use regex::Regex;
use serde_json::Value;

use super::RuleSet;
use super::texts::{Description, NAME_BYTES, Place, Text, Zone, start_of};
use super::verbs::{Slot, Verb, severity};
use super::words::{Form, Gap, Word, of_name, of_prose};

/// What stands in front of a list of actions in a description.
pub(super) const LIST_INTRO: &str = r"\b(?:actions?|operations?|commands?|subcommands?)\b[^:\n.]{0,40}:";

static LOOKED_FOR: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?i)(?-u:\b)(?:filter(?:s|ed)?|only (?:return|show|include)|to (?:check|evaluate|assess|validate|look for))(?-u:\b)")
        .expect("a constant pattern")
});

/// The most severe of "Actions: list, create, delete".
pub(super) fn listed_in_description<'a>(said: &Description<'a>, rules: &RuleSet) -> Option<Verb<'a>> {
    let (head, candidates) = said.zone(Zone::Head);
    let (_, begin) = rules.list_intro.find(head, candidates)?;
    let text = &said.text;
    let list = start_of(text.read.get(begin..)?, 600);
    let (mut verbs, mut end) = (Vec::new(), None::<usize>);
    for word in of_prose(list) {
        let between = list.get(end.unwrap_or(0)..word.start).unwrap_or_default();
        if end.is_some() && (between.contains(". ") || between.contains("\n\n")) {
            break;
        }
        let begins = end.is_none() || between.contains([',', '/', '|', '\n', ';', '"', '\'', '`']);
        end = Some(word.end);
        if begins {
            let verb = of_action(&word.text, rules).map(|(rule, verb)| (rule, verb.into_owned()));
            verbs.extend(verb.map(|(rule, verb)| (rule, verb, word.start, word.end)));
        }
    }
    let known = verbs.len();
    let (rule, word, start, end) = verbs.into_iter().max_by_key(|(rule, ..)| severity(rules, *rule))?;
    (known > 1).then(|| Verb {
        rule,
        word: word.into(),
        slot: Slot::ListedInDescription,
        place: text.place(begin + start, begin + end),
        objects: Vec::new(),
        doubtful: false,
    })
}

/// The verb of one listed action.
fn of_action<'a>(action: &'a str, rules: &RuleSet) -> Option<(usize, Cow<'a, str>)> {
    let mut words = of_name(start_of(action, 80)).peekable();
    let first = words.next()?;
    let alone = words.peek().is_none();
    std::iter::once(first).chain(words).find_map(|w| {
        let sure = alone || !rules.settings.words.also_nouns.contains(w.text.as_ref());
        rules.lexicon.exact(&w.text).filter(|_| sure).map(|rule| (rule, w.text))
    })
}

/// The most severe value of a parameter that names an action.
pub(super) fn listed_in_schema<'a>(value: &'a Value, pointer: &str, rules: &RuleSet) -> Option<Verb<'a>> {
    // "Only events of this action": what is listed is looked for or judged, not done.
    let said = value.get("description").and_then(Value::as_str).map_or("", |text| start_of(text, 300));
    if LOOKED_FOR.is_match(said) {
        return None;
    }
    let method = |value: &Value| {
        value.as_str().is_some_and(|v| matches!(v, "GET" | "POST" | "PUT" | "PATCH" | "DELETE"))
    };
    if value
        .get("enum")
        .and_then(Value::as_array)
        .is_some_and(|all| all.iter().filter(|v| method(v)).count() > 1)
    {
        return None; // methods of HTTP: an open pass-through, which a rule of its own speaks about
    }
    let mut found: Vec<(usize, Cow<'a, str>, String, &'a str)> = Vec::new();
    let mut add = |text: &'a str, at: String| {
        found.extend(of_action(text, rules).map(|(rule, word)| (rule, word, at, text)));
    };
    for (i, item) in value.get("enum").and_then(Value::as_array).into_iter().flatten().take(200).enumerate() {
        if let Some(text) = item.as_str() {
            add(text, format!("{pointer}/enum/{i}"));
        }
    }
    for key in ["anyOf", "oneOf"] {
        for (i, item) in value.get(key).and_then(Value::as_array).into_iter().flatten().take(200).enumerate()
        {
            if let Some(text) = item.get("const").and_then(Value::as_str) {
                add(text, format!("{pointer}/{key}/{i}/const"));
            }
        }
    }
    let (rule, word, at, text) = found.into_iter().max_by_key(|(rule, ..)| severity(rules, *rule))?;
    let text = start_of(text, NAME_BYTES);
    let place = Place { pointer: at.into(), text, span: Some((0, text.len())) };
    Some(Verb { rule, word, slot: Slot::ListedInSchema, place, objects: Vec::new(), doubtful: false })
}

/// The most severe of the verbs that follow one such as "manage", where they stand like a list: behind a colon, a
/// bracket, a comma, "and", "with".
pub(super) fn under_an_umbrella<'a>(
    text: &Text<'a>,
    words: &[Word<'a>],
    umbrella: usize,
    rules: &RuleSet,
) -> Option<Verb<'a>> {
    let lists = &rules.settings.words;
    let (base, ..) = rules.lexicon.bent(&words.get(umbrella)?.text)?;
    if !lists.umbrellas.contains(base.as_ref()) {
        return None;
    }
    let mut found = Vec::new();
    for (index, word) in words.iter().enumerate().skip(umbrella + 1) {
        let before = words.get(index - 1).map_or("", |w| w.text.as_ref());
        let listed = matches!(word.gap, Gap::Comma | Gap::Slash | Gap::Break)
            || matches!(before, "and" | "or" | "with" | "including" | "via" | "can");
        if !listed {
            continue;
        }
        if let Some((base, rule, form)) = rules.lexicon.bent(&word.text).filter(|(_, _, f)| *f != Form::S) {
            let doubtful = form == Form::Base && lists.also_nouns.contains(base.as_ref());
            found.push((rule, base, word, doubtful));
        }
    }
    // One word alone may be anything; where one is surely a verb, those beside it are verbs as well.
    if found.len() < 2 || found.iter().all(|(.., doubtful)| *doubtful) && found.len() < 3 {
        return None;
    }
    let (rule, word, at, _) = found.into_iter().max_by_key(|(rule, ..)| severity(rules, *rule))?;
    Some(Verb {
        rule,
        word,
        slot: Slot::ListedInDescription,
        place: text.place(at.start, at.end),
        objects: Vec::new(),
        doubtful: false,
    })
}
