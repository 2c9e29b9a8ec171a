//! What can be read off a definition before any rule speaks: its texts, its verbs with their objects, its parameters.
//!
//! Everything is bounded: a definition may hold megabytes that someone made up.

use regex::Regex;
use serde_json::Value;

use super::RuleSet;
use super::actions::{listed_in_description, listed_in_schema};
use super::verbs::{Slot, Verb, in_description, in_name, unclaimed};
use super::words::{Word, of_name};
use crate::model::ToolDefinition;

/// Bytes that are read of a description, of a name, of all descriptions of parameters.
pub(super) const DESCRIPTION_BYTES: usize = 64 * 1024;
pub(super) const NAME_BYTES: usize = 512;
const PARAM_BYTES: usize = 64 * 1024;
/// Parameters that are read, and how deep.
const PARAMS: usize = 300;
const PARAM_DEPTH: usize = 3;
/// Values of one parameter that are read.
const VALUES: usize = 200;
const POINTER_BYTES: usize = 1_000;
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
    pub(super) fn of(pointer: &str, whole: &'a str, bytes: usize) -> Self {
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

/// A parameter, at any depth that is read.
#[derive(Debug, Clone)]
pub(super) struct Param<'a> {
    pub(super) pointer: String,
    /// `snake_case`.
    pub(super) name: String,
    pub(super) depth: usize,
    pub(super) description: Option<Text<'a>>,
    /// The texts of its `enum`.
    pub(super) values: Vec<&'a str>,
}

/// The words of a name, in lower case with one space between them, and where each stands in the name.
#[derive(Debug, Clone, Default)]
pub(super) struct Spaced {
    text: String,
    /// Start in `text`, start and end in the name.
    words: Vec<(usize, usize, usize)>,
}

impl Spaced {
    fn of(words: &[Word]) -> Self {
        let mut spaced = Self::default();
        for word in words {
            if !spaced.text.is_empty() {
                spaced.text.push(' ');
            }
            spaced.words.push((spaced.text.len(), word.start, word.end));
            spaced.text.push_str(&word.text);
        }
        spaced
    }

    /// Where in the name the words stand that a pattern matches, whole words.
    fn find(&self, pattern: &Regex) -> Option<(usize, usize)> {
        let found = pattern.find(&self.text)?;
        let at = |to: usize| self.words.partition_point(|(start, ..)| *start <= to).checked_sub(1);
        let (_, start, _) = self.words.get(at(found.start())?)?;
        let (_, _, end) = self.words.get(at(found.end().saturating_sub(1).max(found.start()))?)?;
        Some((*start, *end))
    }
}

/// All that rules may look at.
pub(super) struct Features<'a> {
    pub(super) tool: &'a ToolDefinition,
    pub(super) name: Text<'a>,
    /// Where the name begins behind a claim in front that it is "read-only".
    pub(super) claim: usize,
    spaced: Spaced,
    /// The last word of the name before a preposition: what a name without a verb is about.
    pub(super) head_noun: Option<Word>,
    pub(super) title: Option<Text<'a>>,
    pub(super) description: Option<Text<'a>>,
    pub(super) verbs: Vec<Verb<'a>>,
    pub(super) params: Vec<Param<'a>>,
    /// There were more parameters, or longer descriptions of them, than are read.
    schema_cut: bool,
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
        let mut schema =
            SchemaReader { rules, params: vec![], verbs: vec![], bytes_left: PARAM_BYTES, cut: false };
        if let Some(object) = tool.input_schema() {
            schema.read(object, "/inputSchema", 0);
        }
        let SchemaReader { params, mut verbs, cut: schema_cut, .. } = schema;
        let (name_words, claim) = unclaimed(of_name(name.read));
        let spaced = Spaced::of(&name_words);
        let said = description.as_ref().map(|text| in_description(text, rules)).unwrap_or_default();
        let first = said.first().filter(|verb| verb.slot == Slot::Description);
        verbs.extend(in_name(&name, &name_words, rules, [Slot::Name, Slot::SecondInName], first));
        if let Some(title) = &title {
            let words = unclaimed(of_name(title.read)).0;
            verbs.extend(in_name(title, &words, rules, [Slot::Title, Slot::Title], first).into_iter().take(1));
        }
        verbs.extend(said);
        verbs.extend(description.as_ref().and_then(|text| listed_in_description(text, rules)));
        named_alone(&mut verbs);
        listed_about(&mut verbs);
        let ends = &rules.settings.words.phrase_ends;
        let head_noun = name_words.into_iter().take_while(|w| !ends.contains(&w.text)).last();
        Self { tool, name, claim, spaced, head_noun, title, description, verbs, params, schema_cut }
    }

    /// The texts that were longer than what is read.
    pub(super) fn cut(&self) -> Vec<&str> {
        let texts = [Some(&self.name), self.title.as_ref(), self.description.as_ref()];
        let cut = texts.into_iter().flatten().filter(|text| text.cut).map(|text| text.pointer.as_str());
        cut.chain(self.schema_cut.then_some("/inputSchema")).collect()
    }

    /// Where a pattern matches the words of the name.
    pub(super) fn in_words(&self, pattern: &Regex) -> Option<Place<'a>> {
        self.spaced.find(pattern).map(|(start, end)| self.name.place(start, end))
    }

    /// The name itself says what a call does, or seems to.
    pub(super) fn name_has_verb(&self) -> bool {
        self.verbs.iter().any(|verb| verb.slot == Slot::Name)
    }
}

/// A verb that is the whole name is about what the description does with that very verb.
fn named_alone(verbs: &mut [Verb<'_>]) {
    let described = verbs.iter().find(|verb| verb.slot == Slot::Description && !verb.objects.is_empty());
    let Some((word, objects)) = described.map(|verb| (verb.word.clone(), verb.objects.clone())) else { return };
    let named = |verb: &&mut Verb<'_>| matches!(verb.slot, Slot::Name | Slot::Title);
    for verb in verbs.iter_mut().filter(named).filter(|verb| verb.objects.is_empty() && verb.word == word) {
        about(verb, objects.iter().map(|(object, ..)| object));
    }
}

/// Gives a verb objects that stand elsewhere: what can be shown is the verb alone.
fn about<'o>(verb: &mut Verb<'_>, objects: impl Iterator<Item = &'o String>) {
    let (start, end) = verb.place.span.unwrap_or_default();
    verb.objects = objects.map(|object| (object.clone(), start, end)).collect();
}

/// What the name and the description are about, listed actions are about as well: "cancel" in a list of a tool for jobs
/// cancels jobs.
fn listed_about(verbs: &mut [Verb<'_>]) {
    let listed = |slot| matches!(slot, Slot::ListedInSchema | Slot::ListedInDescription);
    let said = verbs.iter().filter(|verb| !listed(verb.slot)).flat_map(|verb| &verb.objects);
    let objects: Vec<String> = said.map(|(object, ..)| object.clone()).collect();
    for verb in verbs.iter_mut().filter(|verb| listed(verb.slot) && verb.objects.is_empty()) {
        about(verb, objects.iter());
    }
}

/// The longest start of at most `bytes` bytes that ends between two characters.
pub(super) fn start_of(text: &str, bytes: usize) -> &str {
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

/// Reads a schema's parameters and the actions they list, as far as the bounds go.
struct SchemaReader<'a, 'r> {
    rules: &'r RuleSet,
    params: Vec<Param<'a>>,
    verbs: Vec<Verb<'a>>,
    bytes_left: usize,
    cut: bool,
}

impl<'a> SchemaReader<'a, '_> {
    fn read(&mut self, schema: &'a Value, pointer: &str, depth: usize) {
        let Some(properties) = schema.get("properties").and_then(Value::as_object) else { return };
        for (key, value) in properties {
            if self.params.len() >= PARAMS {
                self.cut = true;
                return;
            }
            let at = format!("{pointer}/properties/{}", key.replace('~', "~0").replace('/', "~1"));
            let words: Vec<String> = of_name(start_of(key, 100)).into_iter().map(|w| w.text).collect();
            let name = words.join("_");
            if depth == 0 && self.rules.settings.words.action_params.contains(&name) {
                self.verbs.extend(listed_in_schema(value, &at, self.rules));
            }
            let description = value.get("description").and_then(Value::as_str);
            let description = description.map(|d| Text::of(&format!("{at}/description"), d, self.bytes_left));
            if let Some(text) = &description {
                self.bytes_left -= text.read.len();
                self.cut |= text.cut;
            }
            let listed = value.get("enum").and_then(Value::as_array).into_iter().flatten();
            let values =
                listed.take(VALUES).filter_map(|v| v.as_str()).map(|v| start_of(v, NAME_BYTES)).collect();
            self.params.push(Param { pointer: at.clone(), name, depth, description, values });
            // Children repeat their parent's pointer: a key of a megabyte must not be copied 300 times.
            if depth + 1 < PARAM_DEPTH && at.len() < POINTER_BYTES {
                self.read(value, &at, depth + 1);
                if let Some(items) = value.get("items") {
                    self.read(items, &format!("{at}/items"), depth + 1);
                }
            }
        }
    }
}
