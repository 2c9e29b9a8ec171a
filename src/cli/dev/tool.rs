//! One made-up tool: its name in one of the usual spellings, its text, its schema and its hints.

use serde_json::{Map, Value, json};

use super::chance::{Chance, Quantiles};
use super::words::{
    BARE_ENDINGS, DOC_LINES, ENDINGS, FOREIGN, Field, PARAMETERS, SENTENCES, VALUES, VERBS, Verb,
};

/// Characters of descriptions (research/corpus.md section 4).
const DESCRIPTION: &Quantiles = &[
    (0.0, 10.0),
    (0.5, 62.0),
    (0.8, 190.0),
    (0.9, 383.0),
    (0.95, 657.0),
    (0.99, 1_708.0),
    (0.9997, 4_500.0),
    (1.0, 11_070.0),
];
/// Bytes of input schemas (the same).
const SCHEMA: &Quantiles = &[
    (0.0, 30.0),
    (0.08, 60.0),
    (0.5, 250.0),
    (0.9, 850.0),
    (0.95, 1_383.0),
    (0.99, 3_029.0),
    (0.9999, 12_000.0),
    (1.0, 52_807.0),
];
/// Longest name of a tool that was seen.
const LONGEST_NAME: usize = 64;

/// How one author writes.
pub(super) struct Manner {
    spelling: Spelling,
    /// Which language the descriptions are in; None: English.
    foreign: Option<&'static [&'static str]>,
    /// Tools carry hints.
    hints: bool,
    /// Names begin with this.
    prefix: Option<String>,
    /// Descriptions come as docstrings.
    docstrings: bool,
}

#[derive(Clone, Copy, PartialEq)]
enum Spelling {
    Snake,
    Kebab,
    Camel,
    Spaced,
}

impl Manner {
    /// The manner of a server called `own`.
    pub(super) fn new(chance: &mut Chance, own: &str) -> Self {
        let spelling = match chance.share() {
            share if share < 0.83 => Spelling::Snake,
            share if share < 0.92 => Spelling::Kebab,
            share if share < 0.995 => Spelling::Camel,
            _ => Spelling::Spaced,
        };
        let foreign = chance.happens(0.05).then(|| FOREIGN.get(chance.skewed(FOREIGN.len())).copied());
        Self {
            spelling,
            foreign: foreign.flatten(),
            hints: chance.happens(0.09),
            prefix: chance.happens(0.2).then(|| own.to_owned()),
            docstrings: chance.happens(0.22),
        }
    }
}

/// One tool as a server lists it, as JSON text. `round` is how often the server changed it.
pub(super) fn tool(chance: &mut Chance, field: &Field, manner: &Manner, round: u64) -> (String, String) {
    let verb = VERBS.get(chance.skewed(VERBS.len())).expect("there are verbs");
    let thing = field.things.get(chance.skewed(field.things.len())).copied().unwrap_or("item");
    let name = name(chance, manner, verb, thing);
    let mut tool = Map::new();
    tool.insert("name".to_owned(), name.as_str().into());
    let mut description = description(chance, manner, verb, thing);
    if round > 0 {
        description.push_str(&format!(" Changed {round} time{}.", if round == 1 { "" } else { "s" }));
    }
    if chance.happens(0.96) || round > 0 {
        tool.insert("description".to_owned(), description.into());
    }
    tool.insert("inputSchema".to_owned(), schema(chance, thing));
    if manner.hints {
        tool.insert("annotations".to_owned(), hints(chance, verb));
    }
    (name, Value::Object(tool).to_string())
}

fn plural(thing: &str) -> String {
    match thing.strip_suffix('y') {
        Some(stem) if !stem.ends_with(['a', 'e', 'o']) => format!("{stem}ies"),
        _ if thing.ends_with(['s', 'x']) || thing.ends_with("ch") => format!("{thing}es"),
        _ => format!("{thing}s"),
    }
}

fn name(chance: &mut Chance, manner: &Manner, verb: &Verb, thing: &str) -> String {
    let thing = if verb.plural { plural(thing) } else { thing.to_owned() };
    let mut words: Vec<String> = thing.split([' ', '-']).map(str::to_owned).collect();
    match chance.share() {
        share if share < 0.72 => words.insert(0, verb.name.to_owned()),
        share if share < 0.82 => words.push(verb.name.to_owned()),
        _ => words.push(chance.pick(BARE_ENDINGS).to_owned()),
    }
    if chance.happens(0.22) {
        words.extend(chance.pick(ENDINGS).split('_').map(str::to_owned));
    }
    if let Some(prefix) = &manner.prefix {
        words.insert(0, prefix.clone());
    }
    let name = match manner.spelling {
        Spelling::Snake => words.join("_"),
        Spelling::Kebab => words.join("-"),
        Spelling::Spaced => words.join(" "),
        Spelling::Camel => {
            let mut joined = String::new();
            for (i, word) in words.iter().enumerate() {
                let mut letters = word.chars();
                let first = letters.next().unwrap_or_default();
                joined.push(if i == 0 { first } else { first.to_ascii_uppercase() });
                joined.push_str(letters.as_str());
            }
            joined
        }
    };
    name.chars().take(LONGEST_NAME).collect()
}

fn filled(text: &str, thing: &str) -> String {
    text.replace("{things}", &plural(thing)).replace("{thing}", thing)
}

fn description(chance: &mut Chance, manner: &Manner, verb: &Verb, thing: &str) -> String {
    let wanted = chance.drawn(DESCRIPTION);
    if let Some(sentences) = manner.foreign {
        let mut text = filled(sentences.first().copied().unwrap_or_default(), thing);
        while text.chars().count() < wanted {
            text.push_str(&filled(chance.pick(sentences), thing));
        }
        return text;
    }
    let what = if verb.plural { plural(thing) } else { format!("a {thing}") };
    let mut text = format!("{} {what}", verb.says);
    if wanted > text.len() + 20 {
        text.push_str(chance.pick(&[
            " of the current workspace",
            " of an account",
            " by its identifier",
            " with all its fields",
            " in the given project",
        ]));
    }
    text.push('.');
    while text.len() < wanted {
        if manner.docstrings && chance.happens(0.2) {
            text.push_str(&filled(chance.pick(DOC_LINES), thing));
        } else {
            text.push(' ');
            text.push_str(&filled(chance.pick(SENTENCES), thing));
        }
    }
    text
}

fn schema(chance: &mut Chance, thing: &str) -> Value {
    let wanted = chance.drawn(SCHEMA);
    if wanted < 60 {
        return if chance.happens(0.2) { json!({}) } else { json!({"type": "object", "properties": {}}) };
    }
    let mut properties = Map::new();
    let mut required = Vec::new();
    let mut size = 60;
    while size < wanted {
        let (name, kind, says) =
            PARAMETERS.get(chance.skewed(PARAMETERS.len())).expect("there are parameters");
        let name = match properties.len() {
            count if count < PARAMETERS.len() / 2 => (*name).to_owned(),
            count => format!("{name}_{count}"),
        };
        let mut property = match *kind {
            "enum" => json!({"type": "string", "enum": chance.pick(VALUES)}),
            "array" => json!({"type": "array", "items": {"type": "string"}}),
            "object" => json!({"type": "object", "additionalProperties": true}),
            "integer" => json!({"type": "integer", "minimum": 1, "default": 20}),
            "string" if chance.happens(0.1) => json!({"anyOf": [{"type": "string"}, {"type": "null"}]}),
            kind => json!({"type": kind}),
        };
        if let Some(fields) = property.as_object_mut().filter(|_| chance.happens(0.75)) {
            fields.insert("description".to_owned(), filled(says, thing).into());
        }
        if !properties.contains_key(&name) && chance.happens(0.45) {
            required.push(name.clone());
        }
        size += name.len() + property.to_string().len() + 6;
        properties.insert(name, property);
    }
    let mut schema = Map::new();
    schema.insert("type".to_owned(), "object".into());
    schema.insert("properties".to_owned(), properties.into());
    if !required.is_empty() {
        schema.insert("required".to_owned(), required.into());
    }
    if chance.happens(0.15) {
        schema.insert("additionalProperties".to_owned(), false.into());
    }
    schema.into()
}

fn hints(chance: &mut Chance, verb: &Verb) -> Value {
    // Some authors are wrong about their own tools.
    let (read, destroy) = if chance.happens(0.03) { (!verb.hints.0, false) } else { verb.hints };
    let mut hints = Map::new();
    hints.insert("readOnlyHint".to_owned(), read.into());
    if !read {
        hints.insert("destructiveHint".to_owned(), destroy.into());
    }
    if chance.happens(0.4) {
        hints.insert("openWorldHint".to_owned(), chance.happens(0.6).into());
    }
    hints.into()
}
