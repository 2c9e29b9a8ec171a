//! The verbs of a definition: of its name, its title, its description's first sentence. Lists of actions: actions.rs.

use std::borrow::Cow;

use super::RuleSet;
use super::actions::under_an_umbrella;
use super::texts::{Description, Place, Text};
use super::words::{Form, Gap, Word, object, of_prose, singular};
use crate::model::Class;

/// Words that are read of a description's first sentence.
const WORDS: usize = 60;
/// Most sentences have no more, and an allocation of a kibibyte is the largest that is surely quick.
const MOST_WORDS: usize = 18;

/// Where a verb stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Slot {
    Name,
    SecondInName,
    Title,
    Description,
    Later,
    SecondInDescription,
    ListedInSchema,
    ListedInDescription,
}

/// A noun, singular, and where it stands.
pub(super) type Object<'a> = (Cow<'a, str>, usize, usize);

/// A verb of a verb rule.
#[derive(Debug, Clone)]
pub(super) struct Verb<'a> {
    pub(super) rule: usize,
    pub(super) word: Cow<'a, str>,
    pub(super) slot: Slot,
    pub(super) place: Place<'a>,
    /// Nouns it may be about, singular, with their ends in the text.
    pub(super) objects: Vec<Object<'a>>,
    /// It may as well be a noun where it stands.
    pub(super) doubtful: bool,
}

/// A verb of the lexicon, as indices: rule, and place in the text.
struct Found<'a> {
    rule: usize,
    word: Cow<'a, str>,
    start: usize,
    end: usize,
    index: usize,
    doubtful: bool,
}

/// A name's words without its claims to be "read-only", and where the first of them begins, behind such a claim in front: that is
/// said about the tool, and the `read` of it is nothing that a call does.
pub(super) fn unclaimed(mut words: Vec<Word<'_>>) -> (Vec<Word<'_>>, usize) {
    if !words.iter().any(|word| matches!(word.text.as_ref(), "read" | "readonly")) {
        let front = words.first().map_or(0, |word| word.start);
        return (words, front);
    }
    let is = |i: usize, text: &str| words.get(i).is_some_and(|w: &Word<'_>| w.text == text);
    let read = |i: usize| is(i, "read") && is(i + 1, "only");
    let claim = |i: usize| is(i, "readonly") || read(i) || i.checked_sub(1).is_some_and(read);
    let claims: Vec<bool> = (0..words.len()).map(claim).collect();
    let Some(first) = claims.iter().position(|claim| !claim) else { return (Vec::new(), 0) };
    let front = words.get(first).map_or(0, |word| word.start);
    let mut claims = claims.into_iter();
    words.retain(|_| claims.next() == Some(false));
    (words, front)
}

/// The verb of a name, and further ones. Of several, the one that the description begins with is meant.
pub(super) fn in_name<'a>(
    text: &Text<'a>,
    words: &[Word<'a>],
    rules: &RuleSet,
    slots: [Slot; 2],
    said: Option<&Verb<'_>>,
) -> Vec<Verb<'a>> {
    let lists = &rules.settings.words;
    let mut found: Vec<Found<'a>> = Vec::new();
    for (index, word) in words.iter().enumerate() {
        match rules.lexicon.exact(&word.text) {
            Some(rule) => found.push(Found {
                rule,
                word: word.text.clone(),
                start: word.start,
                end: word.end,
                index,
                doubtful: lists.also_nouns.contains(word.text.as_ref()),
            }),
            None if found.is_empty() && (index == 0 || words.len() <= 2) => {
                found.extend(joined(word, index, rules));
            }
            None => {}
        }
    }
    // `post_close_store`: the method in front of a verb only says how it is sent.
    if found.len() > 1 && found.first().is_some_and(|f| f.index == 0 && lists.http.contains(f.word.as_ref()))
    {
        let sends = found.first().is_some_and(|f| f.doubtful);
        if sends && found.get(1).is_some_and(|f| !f.doubtful) {
            found.remove(0);
        }
    }
    // `post_search`: a search is sent so because it is long.
    let sent = found.windows(2).position(|pair| {
        let [sends, looks] = pair else { return false };
        sends.word == "post" && looks.index == sends.index + 1 && looks_surely(looks, rules)
    });
    if let Some(sent) = sent {
        found.remove(sent);
    }
    // `perform_cleanup`: what is performed says what is done.
    if found.len() > 1 && found.first().is_some_and(|f| lists.light.contains(f.word.as_ref())) {
        found.remove(0);
    }
    // A word that may be a noun is a verb at the front, or else with something behind it that it may be done to.
    let first = found
        .iter()
        .position(|f| said.is_some_and(|said| said.word == f.word))
        .or_else(|| found.iter().position(|f| !f.doubtful))
        .or_else(|| found.iter().position(|f| f.index == 0))
        .or_else(|| found.iter().position(|f| f.index + 1 < words.len()).filter(|_| found.len() > 1))
        .or_else(|| found.len().checked_sub(1));
    let Some(first) = first.map(|first| looked_at_first(&found, first, words.len(), rules)) else {
        return Vec::new();
    };
    let mut primary = found.remove(first);
    // `search_and_download`: both are meant, and the worse one counts.
    let joins = |i: usize| words.get(i).is_some_and(|w| matches!(w.text.as_ref(), "and" | "or" | "then"));
    let partner = found.iter().position(|f| {
        let (low, high) = (f.index.min(primary.index), f.index.max(primary.index));
        (low + 1..high).any(joins) && (!f.doubtful || high == low + 2)
    });
    if let Some(at) = partner
        && found.get(at).is_some_and(|f| severity(rules, f.rule) > severity(rules, primary.rule))
    {
        std::mem::swap(&mut primary, &mut found[at]);
    }
    let mut objects = name_objects(words, primary.index, rules);
    objects.extend(words.get(primary.index).and_then(|w| rest_of_joined(text.read, w, &primary)));
    let verb = |f: Found<'a>, slot, objects| Verb {
        rule: f.rule,
        word: f.word,
        slot,
        place: text.place(f.start, f.end),
        objects,
        doubtful: f.doubtful,
    };
    let mut verbs = vec![verb(primary, slots[0], objects)];
    verbs.extend(found.into_iter().filter(|f| !f.doubtful).take(2).map(|f| verb(f, slots[1], Vec::new())));
    verbs
}

/// A verb of looking such as "list" and "search", not one that only mostly is.
fn looks_surely(verb: &Found<'_>, rules: &RuleSet) -> bool {
    rules.rules.get(verb.rule).is_some_and(|rule| rule.class == Some(Class::Read) && rule.points >= 5.0)
}

/// `list_favorite_places`: a verb of looking in front is meant, though the word may be a noun, where the next verb is not
/// the last word either. `list_create` creates a list.
fn looked_at_first(found: &[Found<'_>], chosen: usize, words: usize, rules: &RuleSet) -> usize {
    let looks = |f: &Found<'_>| f.index == 0 && severity(rules, f.rule).0 == Some(Class::Read);
    let inside = found.get(chosen).is_some_and(|f| f.index + 1 < words);
    if inside && found.first().is_some_and(looks) { 0 } else { chosen }
}

/// The words behind the verb up to a preposition; those in front where there is none behind.
fn name_objects<'a>(words: &[Word<'a>], verb: usize, rules: &RuleSet) -> Vec<Object<'a>> {
    let ends = &rules.settings.words.phrase_ends;
    let behind: Vec<_> = words
        .iter()
        .skip(verb + 1)
        .take_while(|w| !ends.contains(w.text.as_ref()))
        .take(8)
        .map(object)
        .collect();
    if behind.is_empty() { words.iter().take(verb).rev().take(4).map(object).collect() } else { behind }
}

/// What `closestores` closes.
fn rest_of_joined<'a>(name: &str, word: &Word<'_>, verb: &Found<'_>) -> Option<Object<'a>> {
    let (start, end) = if verb.end < word.end { (verb.end, word.end) } else { (word.start, verb.start) };
    let rest = name.get(start..end).filter(|rest| !rest.is_empty())?;
    Some((singular(&rest.to_lowercase()).into_owned().into(), start, end))
}

pub(super) fn severity(rules: &RuleSet, rule: usize) -> (Option<Class>, i64) {
    rules.rules.get(rule).map_or((None, 0), |r| (r.class, (r.points * 10.0) as i64))
}

/// The verb at the head, else at the tail, of an operation's name without separators: `terminateinstance`.
fn joined<'a>(word: &Word<'_>, index: usize, rules: &RuleSet) -> Option<Found<'a>> {
    let lists = &rules.settings.words;
    let text = word.text.as_ref();
    // Lower-casing may change the length of a text that is not ASCII, and with it every place.
    let none = |text: &str| lists.not_joined.iter().any(|n| text.starts_with(n.as_str()));
    if text.len() < 8 || !text.is_ascii() || none(text) {
        return None;
    }
    let found = |verb: &String, start: usize| {
        Some(Found {
            rule: rules.lexicon.exact(verb)?,
            word: verb.clone().into(),
            start: word.start + start,
            end: word.start + start + verb.len(),
            index,
            doubtful: false,
        })
    };
    let longest = |at: &dyn Fn(&&String) -> bool| lists.joined.iter().filter(at).max_by_key(|v| v.len());
    let method = lists.http.iter().find(|m| text.starts_with(m.as_str())).map_or(0, String::len);
    let rest = text.get(method..).unwrap_or_default();
    if method > 0 && rest.len() > 3 {
        if let Some(verb) =
            longest(&|v| !none(rest) && rest.starts_with(v.as_str()) && rest.len() > v.len() + 2)
        {
            return found(verb, method);
        }
        if let Some(verb) = longest(&|v| rest.ends_with(v.as_str()) && rest.len() > v.len() + 2) {
            return found(verb, text.len() - verb.len());
        }
    }
    if let Some(verb) = longest(&|v| text.starts_with(v.as_str()) && text.len() > v.len() + 2) {
        return found(verb, 0);
    }
    longest(&|v| v.len() > 3 && text.ends_with(v.as_str()))
        .and_then(|verb| found(verb, text.len() - verb.len()))
}

/// The verbs of a description's first sentence.
pub(super) fn in_description<'a>(description: &Description<'a>, rules: &RuleSet) -> Vec<Verb<'a>> {
    let lists = &rules.settings.words;
    let text = &description.text;
    let mut words: Vec<Word<'a>> = Vec::with_capacity(MOST_WORDS);
    words.extend(of_prose(description.sentence).take(WORDS));
    let lead = after_tags(description.sentence);
    let tags = words.iter().take_while(|w| w.start < lead).count();
    let skipped = tags + words.iter().skip(tags).take(10).take_while(|w| lists.skips(&w.text)).count();
    let at = |i: usize| -> Option<(Found<'a>, Form)> {
        let word = words.get(i)?;
        if word.gap == Gap::Hyphen || words.get(i + 1).is_some_and(|n| n.gap == Gap::Hyphen) {
            return None;
        }
        let (base, rule, form) = rules.lexicon.bent(&word.text)?;
        let determined = words.get(i + 1).is_some_and(|n| lists.determiners.contains(n.text.as_ref()));
        let doubtful = lists.also_nouns.contains(base.as_ref()) && !determined;
        Some((Found { rule, word: base, start: word.start, end: word.end, index: i, doubtful }, form))
    };
    // "The updates of a plan": behind an article stands a noun.
    let article = skipped.checked_sub(1).and_then(|i| words.get(i));
    let article = article.is_some_and(|w| matches!(w.text.as_ref(), "the" | "a" | "an"));
    let first = at(skipped).filter(|(found, _)| !(article && found.doubtful));
    let slot = if first.is_some() { Slot::Description } else { Slot::Later };
    let led = |i: usize| {
        i.checked_sub(1)
            .and_then(|p| words.get(p))
            .is_some_and(|w| matches!(w.text.as_ref(), "to" | "that" | "which" | "can" | "will" | "you"))
    };
    let first = first.or_else(|| {
        (skipped + 1..words.len().min(skipped + 30)).find_map(|i| {
            at(i).filter(|(found, form)| {
                !found.doubtful && (*form == Form::S || (*form == Form::Base && led(i)))
            })
        })
    });
    let Some((mut primary, form)) = first else { return Vec::new() };
    // "Performs a full cleanup of the cache": what is performed says what is done.
    if lists.light.contains(primary.word.as_ref())
        && let Some(done) = performed(&words, primary.index, rules)
    {
        primary = done;
    }
    let from = primary.index;
    if let Some(listed) = under_an_umbrella(text, &words, from, rules) {
        let objects = prose_objects(&words, from, rules);
        let Found { rule, word, start, end, doubtful, .. } = primary;
        let umbrella = Verb { rule, word, slot, place: text.place(start, end), objects, doubtful };
        return vec![umbrella, listed];
    }
    // "Create, edit or delete": verbs side by side are a list, and its worst counts.
    let mut index = from;
    let mut seconds: Vec<Found<'a>> = Vec::new();
    while let Some(word) = words.get(index + 1) {
        let joins = matches!(word.text.as_ref(), "and" | "or" | "then");
        let next = if joins { index + 2 } else { index + 1 };
        let Some(gap) = words.get(next).map(|w| w.gap) else { break };
        if !joins && !matches!(gap, Gap::Comma | Gap::Slash) {
            break;
        }
        // "Create or update" and "create/read": the same form, side by side.
        let Some((found, _)) = at(next).filter(|(_, f)| *f == form) else { break };
        index = next;
        if severity(rules, found.rule) > severity(rules, primary.rule) {
            primary = found;
        }
    }
    for i in index + 1..words.len() {
        let Some(word) = words.get(i) else { break };
        let before = i.checked_sub(1).and_then(|p| words.get(p));
        let joined = before.is_some_and(|w| matches!(w.text.as_ref(), "and" | "or" | "then"))
            || matches!(word.gap, Gap::Comma | Gap::Slash);
        if !joined {
            continue;
        }
        if let Some((found, f)) = at(i)
            && f == form
            && !found.doubtful
            && severity(rules, found.rule).0 > severity(rules, primary.rule).0
        {
            seconds.push(found);
        }
    }
    let objects = prose_objects(&words, primary.index, rules);
    let verb = |f: Found<'a>, slot, objects| Verb {
        rule: f.rule,
        word: f.word,
        slot,
        place: text.place(f.start, f.end),
        objects,
        doubtful: f.doubtful,
    };
    let worst = seconds.into_iter().max_by_key(|f| severity(rules, f.rule));
    let second = worst.map(|f| {
        let objects = prose_objects(&words, f.index, rules);
        verb(f, Slot::SecondInDescription, objects)
    });
    let first = verb(primary, slot, objects);
    std::iter::once(first).chain(second).collect()
}

/// The verb that stands as a noun behind one such as "perform", the last of its phrase.
fn performed<'a>(words: &[Word<'a>], light: usize, rules: &RuleSet) -> Option<Found<'a>> {
    let ends = &rules.settings.words.phrase_ends;
    let phrase = words.iter().enumerate().skip(light + 1).take(6);
    let phrase =
        phrase.take_while(|(_, w)| w.gap < Gap::Comma && !ends.contains(w.text.as_ref()) && w.text != "of");
    let verb = |(index, w): (usize, &Word<'a>)| {
        let (word, ..) = object(w);
        let rule = rules.lexicon.exact(&word)?;
        Some(Found { rule, word, start: w.start, end: w.end, index, doubtful: false })
    };
    phrase.filter_map(verb).last()
}

/// Bytes up to the end of what stands in brackets in front: "[STEP 1] Lists ...".
fn after_tags(sentence: &str) -> usize {
    let mut at = 0;
    while let Some(rest) = sentence.get(at..) {
        let trimmed = rest.trim_start();
        let close = match trimmed.chars().next() {
            Some('[') => ']',
            Some('(') => ')',
            Some('【') => '】',
            _ => break,
        };
        let Some(end) =
            trimmed.char_indices().take(60).find(|(_, c)| *c == close).map(|(i, c)| i + c.len_utf8())
        else {
            break;
        };
        at += rest.len() - trimmed.len() + end;
    }
    at
}

/// The first noun phrase behind a verb.
fn prose_objects<'a>(words: &[Word<'a>], verb: usize, rules: &RuleSet) -> Vec<Object<'a>> {
    let ends = &rules.settings.words.phrase_ends;
    words
        .iter()
        .skip(verb + 1)
        .take(8)
        .take_while(|w| w.gap < Gap::Break && !ends.contains(w.text.as_ref()))
        .map(object)
        .collect()
}
