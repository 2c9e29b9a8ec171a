//! The parameters of a definition: their names, what is said about them, the actions they list.

use std::borrow::Cow;

use serde_json::{Map, Value};

use super::RuleSet;
use super::actions::listed_in_schema;
use super::sieve::Candidates;
use super::texts::{NAME_BYTES, start_of};
use super::verbs::Verb;
use super::words::of_name;

/// Bytes that are read of all descriptions of parameters.
const PARAM_BYTES: usize = 64 * 1024;
/// Parameters that are read, and how deep.
const PARAMS: usize = 300;
const PARAM_DEPTH: usize = 3;
/// Values of one parameter that are read.
const VALUES: usize = 200;
const POINTER_BYTES: usize = 1_000;

/// Where a parameter is, written out only where it is shown.
#[derive(Debug, Clone, Copy)]
pub(super) struct Path<'a> {
    /// Its own name and those of the parameters above it; whether the next stands in a list's `items`.
    keys: [(&'a str, bool); PARAM_DEPTH],
    /// How many parameters are above it.
    pub(super) depth: usize,
}

impl<'a> Path<'a> {
    /// Its own name.
    pub(super) fn key(&self) -> &'a str {
        self.keys.get(self.depth).map_or("", |(key, _)| key)
    }

    /// The JSON pointer to it, or with `member` to what is below it.
    pub(super) fn pointer(&self, member: &str) -> String {
        let mut pointer = String::from("/inputSchema");
        for (level, (key, items)) in self.keys.iter().enumerate().take(self.depth + 1) {
            pointer.push_str("/properties/");
            pointer.push_str(&escaped(key));
            if *items && level < self.depth {
                pointer.push_str("/items");
            }
        }
        pointer.push_str(member);
        pointer
    }
}

/// A key as it stands in a JSON pointer.
pub(super) fn escaped(key: &str) -> Cow<'_, str> {
    if key.contains(['~', '/']) { key.replace('~', "~0").replace('/', "~1").into() } else { key.into() }
}

/// Bytes of a key in a JSON pointer.
pub(super) fn escaped_len(key: &str) -> usize {
    key.len() + key.bytes().filter(|b| matches!(b, b'~' | b'/')).count()
}

/// A parameter, at any depth that is read.
#[derive(Debug, Clone)]
pub(super) struct Param<'a> {
    pub(super) path: Path<'a>,
    /// `snake_case`.
    pub(super) name: Cow<'a, str>,
    /// The patterns that may match its name.
    pub(super) named: Candidates,
    pub(super) description: Option<&'a str>,
    /// The patterns that may match its description.
    pub(super) said: Candidates,
    /// The texts of its `enum`.
    pub(super) values: Vec<&'a str>,
}

/// What a schema says, as far as the bounds go.
pub(super) struct Schema<'a> {
    pub(super) params: Vec<Param<'a>>,
    /// The patterns that may match the name of one of them.
    pub(super) named: Candidates,
    /// The most severe of the actions that a parameter lists.
    pub(super) verbs: Vec<Verb<'a>>,
    /// There were more parameters, or longer descriptions of them, than are read.
    pub(super) cut: bool,
}

impl<'a> Schema<'a> {
    /// Reads the input schema, if there is one.
    pub(super) fn of(schema: Option<&'a Value>, rules: &RuleSet) -> Self {
        let (params, verbs) = (Vec::new(), Vec::new());
        let empty = Self { params, named: Candidates::default(), verbs, cut: false };
        let mut reader = Reader { rules, found: empty, bytes_left: PARAM_BYTES };
        if let Some(schema) = schema {
            let path = Path { keys: [("", false); PARAM_DEPTH], depth: 0 };
            reader.read(Members::of(schema).properties, path, "/inputSchema".len());
        }
        reader.found
    }
}

/// The members of a parameter's schema that are read, found in one pass over it.
#[derive(Default, Clone, Copy)]
struct Members<'a> {
    description: Option<&'a str>,
    listed: Option<&'a [Value]>,
    properties: Option<&'a Map<String, Value>>,
    items: Option<&'a Value>,
}

impl<'a> Members<'a> {
    fn of(schema: &'a Value) -> Self {
        let mut members = Self::default();
        for (key, value) in schema.as_object().into_iter().flatten() {
            match key.as_str() {
                "description" => members.description = value.as_str(),
                "enum" => members.listed = value.as_array().map(Vec::as_slice),
                "properties" => members.properties = value.as_object(),
                "items" => members.items = Some(value),
                _ => {}
            }
        }
        members
    }
}

/// A name's words in lower case, with `_` between them; nearly all are written so.
fn snake_case(name: &str) -> Cow<'_, str> {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_';
    if name.bytes().all(plain) && !name.starts_with('_') && !name.ends_with('_') && !name.contains("__") {
        return name.into();
    }
    let mut words = String::with_capacity(name.len());
    for word in of_name(name) {
        if !words.is_empty() {
            words.push('_');
        }
        words.push_str(&word.text);
    }
    words.into()
}

struct Reader<'a, 'r> {
    rules: &'r RuleSet,
    found: Schema<'a>,
    bytes_left: usize,
}

impl<'a> Reader<'a, '_> {
    /// Reads the parameters of a schema; `path` is theirs but for the last key, `above` the bytes of its pointer.
    fn read(&mut self, properties: Option<&'a Map<String, Value>>, mut path: Path<'a>, above: usize) {
        let room = PARAMS - self.found.params.len().min(PARAMS);
        self.found.params.reserve(properties.map_or(0, Map::len).min(room));
        for (key, value) in properties.into_iter().flatten() {
            if self.found.params.len() >= PARAMS {
                self.found.cut = true;
                return;
            }
            if let Some(last) = path.keys.get_mut(path.depth) {
                *last = (key, false);
            }
            let members = Members::of(value);
            self.param(key, value, members, path);
            // Children repeat their parent's pointer: a key of a megabyte must not be copied 300 times.
            let bytes = above + "/properties/".len() + escaped_len(key);
            if path.depth + 1 < PARAM_DEPTH && bytes < POINTER_BYTES {
                let mut below = Path { depth: path.depth + 1, ..path };
                self.read(members.properties, below, bytes);
                if let Some(items) = members.items {
                    if let Some(last) = below.keys.get_mut(path.depth) {
                        last.1 = true;
                    }
                    self.read(Members::of(items).properties, below, bytes + "/items".len());
                }
            }
        }
    }

    fn param(&mut self, key: &'a str, value: &'a Value, members: Members<'a>, path: Path<'a>) {
        let rules = self.rules;
        let name = snake_case(start_of(key, 100));
        if path.depth == 0 && rules.settings.words.action_params.contains(name.as_ref()) {
            self.found.verbs.extend(listed_in_schema(value, &path.pointer(""), rules));
        }
        let description = members.description.map(|whole| {
            let read = start_of(whole, self.bytes_left);
            self.bytes_left -= read.len();
            self.found.cut |= read.len() < whole.len();
            read
        });
        let listed = members.listed.into_iter().flatten();
        let values =
            listed.take(VALUES).filter_map(|v| v.as_str()).map(|v| start_of(v, NAME_BYTES)).collect();
        let named = rules.sieves.names.candidates(&name);
        let said = description.map(|text| rules.sieves.other.candidates(text)).unwrap_or_default();
        self.found.named.add(&named);
        self.found.params.push(Param { path, name, named, description, said, values });
    }
}
