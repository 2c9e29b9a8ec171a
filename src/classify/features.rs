//! What can be read off a definition before any rule speaks: its texts, its verbs with their objects, its parameters.
//!
//! Everything is bounded: a definition may hold megabytes that someone made up.

use std::sync::LazyLock;

use regex::Regex;
use serde_json::Value;

use super::RuleSet;
use super::words::{Form, Gap, Word, of_name, of_prose, singular};
use crate::model::ToolDefinition;

/// Bytes of a description that are read, of a name, of a parameter's description.
const DESCRIPTION_BYTES: usize = 64 * 1024;
const NAME_BYTES: usize = 512;
const PARAM_BYTES: usize = 400;
/// Parameters that are read, and how deep.
const PARAMS: usize = 300;
const PARAM_DEPTH: usize = 3;
const HEAD_BYTES: usize = 1_500;
const SENTENCE_BYTES: usize = 400;

/// One text of the definition: where it is, what it holds, how much of it is read.
#[derive(Debug, Clone)]
pub(super) struct Text<'a> {
    pub(super) pointer: String,
    pub(super) read: &'a str,
    pub(super) cut: bool,
}

impl<'a> Text<'a> {
    fn of(pointer: &str, whole: &'a str, bytes: usize) -> Self {
        let read = start_of(whole, bytes);
        Self { pointer: pointer.to_owned(), read, cut: read.len() < whole.len() }
    }

    /// The first sentence.
    pub(super) fn sentence(&self) -> &'a str {
        start_of(self.read, first_sentence(self.read))
    }

    /// The first part, where a description says what it is about.
    pub(super) fn head(&self) -> &'a str {
        start_of(self.read, HEAD_BYTES)
    }

    /// This place in it, in bytes.
    pub(super) fn place(&self, start: usize, end: usize) -> Place<'a> {
        Place { pointer: self.pointer.clone(), text: self.read, span: Some((start, end)) }
    }
}

/// Where a rule found something; without a span it is the whole field.
#[derive(Debug, Clone)]
pub(super) struct Place<'a> {
    pub(super) pointer: String,
    pub(super) text: &'a str,
    pub(super) span: Option<(usize, usize)>,
}

impl Place<'_> {
    pub(super) fn whole(pointer: &str) -> Self {
        Self { pointer: pointer.to_owned(), text: "", span: None }
    }
}

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

/// A verb of a verb rule.
#[derive(Debug, Clone)]
pub(super) struct Verb<'a> {
    pub(super) rule: usize,
    pub(super) word: String,
    pub(super) slot: Slot,
    pub(super) place: Place<'a>,
    /// Nouns it may be about, singular, with their ends in the text.
    pub(super) objects: Vec<(String, usize, usize)>,
    /// It may as well be a noun where it stands.
    pub(super) doubtful: bool,
}

/// A parameter, at any depth that is read.
#[derive(Debug, Clone)]
pub(super) struct Param<'a> {
    pub(super) pointer: String,
    /// `snake_case`.
    pub(super) name: String,
    pub(super) depth: usize,
    pub(super) description: Option<Text<'a>>,
}

/// All that rules may look at.
pub(super) struct Features<'a> {
    pub(super) tool: &'a ToolDefinition,
    pub(super) name: Text<'a>,
    /// The last word of the name before a preposition: what a name without a verb is about.
    pub(super) head_noun: Option<Word>,
    pub(super) title: Option<Text<'a>>,
    pub(super) description: Option<Text<'a>>,
    pub(super) verbs: Vec<Verb<'a>>,
    pub(super) params: Vec<Param<'a>>,
}

impl<'a> Features<'a> {
    pub(super) fn of(tool: &'a ToolDefinition, rules: &RuleSet) -> Self {
        let name = Text::of("/name", tool.name(), NAME_BYTES);
        let title_at = if tool.object().get("title").is_some() { "/title" } else { "/annotations/title" };
        let title = tool.title().map(|t| Text::of(title_at, t, NAME_BYTES));
        let description = tool
            .description()
            .map(|d| Text::of("/description", d, DESCRIPTION_BYTES))
            .filter(|d| !d.read.trim().is_empty());
        let mut params = Vec::new();
        let mut verbs = Vec::new();
        if let Some(schema) = tool.input_schema() {
            collect(schema, "/inputSchema", 0, &mut params, &mut verbs, rules);
        }
        let name_words = of_name(name.read);
        verbs.extend(in_name(&name, &name_words, rules, [Slot::Name, Slot::SecondInName]));
        if let Some(title) = &title {
            verbs.extend(
                in_name(title, &of_name(title.read), rules, [Slot::Title, Slot::Title]).into_iter().take(1),
            );
        }
        if let Some(description) = &description {
            verbs.extend(in_description(description, rules));
            verbs.extend(listed_in_description(description, rules));
        }
        let ends = &rules.settings.words.phrase_ends;
        let head_noun = name_words.into_iter().take_while(|w| !ends.contains(&w.text)).last();
        Self { tool, name, head_noun, title, description, verbs, params }
    }

    /// The name itself says what a call does, or seems to.
    pub(super) fn name_has_verb(&self) -> bool {
        self.verbs.iter().any(|verb| verb.slot == Slot::Name)
    }
}

/// The longest start of at most `bytes` bytes that ends between two characters.
fn start_of(text: &str, bytes: usize) -> &str {
    let mut end = bytes.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or_default()
}

/// Bytes up to the end of the first sentence, white space in front included.
fn first_sentence(text: &str) -> usize {
    let lead = text.len() - text.trim_start().len();
    let body = text.get(lead..).unwrap_or_default();
    let mut before = ' ';
    let mut chars = body.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        let next = chars.peek().map(|(_, c)| *c);
        let ends = match c {
            '.' | '!' | '?' => {
                // "e.g. " and "i.e. " end no sentence.
                next.is_none_or(char::is_whitespace)
                    && !(c == '.' && matches!(before, 'g' | 'e') && abbreviated(body, at))
            }
            '。' | '！' | '？' => true,
            '\n' => next == Some('\n') || next == Some('\r'),
            _ => false,
        };
        if ends || at > SENTENCE_BYTES {
            return lead + at + c.len_utf8();
        }
        before = c;
    }
    text.len()
}

fn abbreviated(body: &str, at: usize) -> bool {
    body.get(..at).is_some_and(|b| b.ends_with("e.g") || b.ends_with("i.e"))
}

/// A verb of the lexicon, as indices: rule, and place in the text.
struct Found {
    rule: usize,
    word: String,
    start: usize,
    end: usize,
    index: usize,
    doubtful: bool,
}

/// The verb of a name, and further ones.
fn in_name<'a>(text: &Text<'a>, words: &[Word], rules: &RuleSet, slots: [Slot; 2]) -> Vec<Verb<'a>> {
    let lists = &rules.settings.words;
    let mut found: Vec<Found> = Vec::new();
    for (index, word) in words.iter().enumerate() {
        match rules.lexicon.exact(&word.text) {
            Some(rule) => found.push(Found {
                rule,
                word: word.text.clone(),
                start: word.start,
                end: word.end,
                index,
                doubtful: lists.also_nouns.contains(&word.text),
            }),
            None if found.is_empty() && (index == 0 || words.len() <= 2) => {
                found.extend(joined(word, index, rules));
            }
            None => {}
        }
    }
    // `post_close_store`: the method in front of a verb only says how it is sent.
    if found.len() > 1 && found.first().is_some_and(|f| f.index == 0 && lists.http.contains(&f.word)) {
        let sends = found.first().is_some_and(|f| f.doubtful);
        if sends && found.get(1).is_some_and(|f| !f.doubtful) {
            found.remove(0);
        }
    }
    let first = found
        .iter()
        .position(|f| !f.doubtful)
        .or_else(|| found.iter().position(|f| f.index == 0))
        .or_else(|| found.len().checked_sub(1));
    let Some(first) = first else { return Vec::new() };
    let mut primary = found.remove(first);
    // `search_and_download`: both are meant, and the worse one counts.
    let joins = |i: usize| words.get(i).is_some_and(|w| matches!(w.text.as_str(), "and" | "or" | "then"));
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
    let verb = |f: Found, slot, objects| Verb {
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

/// The words behind the verb up to a preposition; those in front where there is none behind.
fn name_objects(words: &[Word], verb: usize, rules: &RuleSet) -> Vec<(String, usize, usize)> {
    let ends = &rules.settings.words.phrase_ends;
    let object = |w: &Word| (singular(&w.text), w.start, w.end);
    let behind: Vec<_> =
        words.iter().skip(verb + 1).take_while(|w| !ends.contains(&w.text)).take(8).map(object).collect();
    if behind.is_empty() { words.iter().take(verb).rev().take(4).map(object).collect() } else { behind }
}

/// What `closestores` closes.
fn rest_of_joined(name: &str, word: &Word, verb: &Found) -> Option<(String, usize, usize)> {
    let (start, end) = if verb.end < word.end { (verb.end, word.end) } else { (word.start, verb.start) };
    let rest = name.get(start..end).filter(|rest| !rest.is_empty())?;
    Some((singular(&rest.to_lowercase()), start, end))
}

fn severity(rules: &RuleSet, rule: usize) -> (Option<crate::model::Class>, i64) {
    rules.rules.get(rule).map_or((None, 0), |r| (r.class, (r.points * 10.0) as i64))
}

/// The verb at the head, else at the tail, of an operation's name without separators: `terminateinstance`.
fn joined(word: &Word, index: usize, rules: &RuleSet) -> Option<Found> {
    let lists = &rules.settings.words;
    let text = word.text.as_str();
    // Lower-casing may change the length of a text that is not ASCII, and with it every place.
    let none = |text: &str| lists.not_joined.iter().any(|n| text.starts_with(n.as_str()));
    if text.len() < 8 || !text.is_ascii() || none(text) {
        return None;
    }
    let found = |verb: &String, start: usize| {
        Some(Found {
            rule: rules.lexicon.exact(verb)?,
            word: verb.clone(),
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
fn in_description<'a>(text: &Text<'a>, rules: &RuleSet) -> Vec<Verb<'a>> {
    let lists = &rules.settings.words;
    let words: Vec<Word> = of_prose(text.sentence()).into_iter().take(60).collect();
    let skipped = words.iter().take(10).take_while(|w| lists.skip.contains(&w.text)).count();
    let at = |i: usize| -> Option<(Found, Form)> {
        let word = words.get(i)?;
        if word.gap == Gap::Hyphen || words.get(i + 1).is_some_and(|n| n.gap == Gap::Hyphen) {
            return None;
        }
        let (base, rule, form) = rules.lexicon.bent(&word.text)?;
        let determined = words.get(i + 1).is_some_and(|n| lists.determiners.contains(&n.text));
        let doubtful = lists.also_nouns.contains(&base) && !determined;
        Some((Found { rule, word: base, start: word.start, end: word.end, index: i, doubtful }, form))
    };
    let first = at(skipped);
    let slot = if first.is_some() { Slot::Description } else { Slot::Later };
    let led = |i: usize| {
        i.checked_sub(1)
            .and_then(|p| words.get(p))
            .is_some_and(|w| matches!(w.text.as_str(), "to" | "that" | "which" | "can" | "will" | "you"))
    };
    let first = first.or_else(|| {
        (skipped + 1..words.len().min(skipped + 30)).find_map(|i| {
            at(i).filter(|(found, form)| {
                !found.doubtful && (*form == Form::S || (*form == Form::Base && led(i)))
            })
        })
    });
    let Some((mut primary, form)) = first else { return Vec::new() };
    let from = primary.index;
    // "Create, edit or delete": verbs side by side are a list, and its worst counts.
    let mut index = from;
    let mut seconds: Vec<Found> = Vec::new();
    while let Some(word) = words.get(index + 1) {
        let joins = matches!(word.text.as_str(), "and" | "or" | "then");
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
        let joined = before.is_some_and(|w| matches!(w.text.as_str(), "and" | "or" | "then"))
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
    let verb = |f: Found, slot, objects| Verb {
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

/// The first noun phrase behind a verb.
fn prose_objects(words: &[Word], verb: usize, rules: &RuleSet) -> Vec<(String, usize, usize)> {
    let ends = &rules.settings.words.phrase_ends;
    words
        .iter()
        .skip(verb + 1)
        .take(8)
        .take_while(|w| w.gap < Gap::Break && !ends.contains(&w.text))
        .map(|w| (singular(&w.text), w.start, w.end))
        .collect()
}

static LIST_INTRO: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?i)(?-u:\b)(?:actions?|operations?|commands?|subcommands?)(?-u:\b)[^:\n.]{0,40}:")
        .expect("a constant pattern")
});

/// The most severe of "Actions: list, create, delete".
fn listed_in_description<'a>(text: &Text<'a>, rules: &RuleSet) -> Option<Verb<'a>> {
    let intro = LIST_INTRO.find(text.head())?;
    let list = start_of(text.read.get(intro.end()..)?, 600);
    let (mut verbs, mut end) = (Vec::new(), None::<usize>);
    for word in of_prose(list) {
        let between = list.get(end.unwrap_or(0)..word.start).unwrap_or_default();
        if end.is_some() && (between.contains(". ") || between.contains("\n\n")) {
            break;
        }
        let begins = end.is_none() || between.contains([',', '/', '|', '\n', ';', '"', '\'', '`']);
        end = Some(word.end);
        if begins {
            verbs.extend(of_action(&word.text, rules).map(|(rule, verb)| (rule, verb, word.start, word.end)));
        }
    }
    let known = verbs.len();
    let (rule, word, start, end) = verbs.into_iter().max_by_key(|(rule, ..)| severity(rules, *rule))?;
    (known > 1).then(|| Verb {
        rule,
        word,
        slot: Slot::ListedInDescription,
        place: text.place(intro.end() + start, intro.end() + end),
        objects: Vec::new(),
        doubtful: false,
    })
}

/// The verb of one listed action.
fn of_action(action: &str, rules: &RuleSet) -> Option<(usize, String)> {
    let words = of_name(start_of(action, 80));
    let alone = words.len() == 1;
    words.into_iter().find_map(|w| {
        let sure = alone || !rules.settings.words.also_nouns.contains(&w.text);
        rules.lexicon.exact(&w.text).filter(|_| sure).map(|rule| (rule, w.text))
    })
}

/// Parameters of a schema and the actions they list.
fn collect<'a>(
    schema: &'a Value,
    pointer: &str,
    depth: usize,
    params: &mut Vec<Param<'a>>,
    verbs: &mut Vec<Verb<'a>>,
    rules: &RuleSet,
) {
    let Some(properties) = schema.get("properties").and_then(Value::as_object) else { return };
    for (key, value) in properties {
        if params.len() >= PARAMS {
            return;
        }
        let at = format!("{pointer}/properties/{}", key.replace('~', "~0").replace('/', "~1"));
        let words: Vec<String> = of_name(start_of(key, 100)).into_iter().map(|w| w.text).collect();
        let name = words.join("_");
        if depth == 0 && rules.settings.words.action_params.contains(&name) {
            verbs.extend(listed_in_schema(value, &at, rules));
        }
        let description = value
            .get("description")
            .and_then(Value::as_str)
            .map(|d| Text::of(&format!("{at}/description"), d, PARAM_BYTES));
        params.push(Param { pointer: at.clone(), name, depth, description });
        if depth + 1 < PARAM_DEPTH {
            collect(value, &at, depth + 1, params, verbs, rules);
            if let Some(items) = value.get("items") {
                collect(items, &format!("{at}/items"), depth + 1, params, verbs, rules);
            }
        }
    }
}

/// The most severe value of a parameter that names an action.
fn listed_in_schema<'a>(value: &'a Value, pointer: &str, rules: &RuleSet) -> Option<Verb<'a>> {
    let mut found: Vec<(usize, String, String, &'a str)> = Vec::new();
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
    let shown = Text::of(&at, text, NAME_BYTES);
    let place = shown.place(0, shown.read.len());
    Some(Verb { rule, word, slot: Slot::ListedInSchema, place, objects: Vec::new(), doubtful: false })
}
