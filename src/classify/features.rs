//! What can be read off a definition before any rule speaks: its texts, its verbs with their objects, its parameters.
//!
//! Everything is bounded: a definition may hold megabytes that someone made up.

use serde_json::Value;

use super::RuleSet;
use super::verbs::{Slot, Verb, in_description, in_name, listed_in_description, listed_in_schema};
use super::words::{Word, of_name};
use crate::model::ToolDefinition;

/// Bytes of a description that are read, of a name, of a parameter's description.
const DESCRIPTION_BYTES: usize = 64 * 1024;
pub(super) const NAME_BYTES: usize = 512;
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
