//! Every text of a definition, one after the other: name, titles, description, and every string and every parameter's name
//! of both schemas, within bounds.

use serde_json::Value;

use super::super::features::Features;
use super::super::matching::Family;
use super::super::schema::{Param, escaped, escaped_len};
use super::super::sieve::Candidates;
use super::super::texts::{DESCRIPTION_BYTES, Place, Zone, start_of};

/// Bytes that are read of all texts of both schemas, and how many texts and levels.
const SCHEMA_BYTES: usize = 64 * 1024;
const SCHEMA_TEXTS: usize = 4_000;
const SCHEMA_DEPTH: usize = 24;
const POINTER_BYTES: usize = 1_000;

/// One text of a definition, and what it is there.
pub(super) struct Said<'a, 'p> {
    pub(super) read: &'a str,
    pub(super) family: Family,
    /// A name, of the tool or of a parameter.
    pub(super) is_name: bool,
    /// The patterns that may match it, where they were looked for before.
    pub(super) candidates: Option<&'p Candidates>,
    /// It is a key of an object, which evidence can only point at as a whole.
    is_key: bool,
    at: At<'p>,
}

impl<'a> Said<'a, '_> {
    /// This place in it, in bytes.
    pub(super) fn place(&self, start: usize, end: usize) -> Place<'a> {
        let pointer = self.at.pointer();
        if self.is_key {
            Place::whole(pointer)
        } else {
            Place { pointer: pointer.into(), text: self.read, span: Some((start, end)) }
        }
    }
}

/// Where a value is: a JSON pointer that is written out only where something is found.
#[derive(Clone, Copy)]
struct At<'p> {
    above: Option<&'p At<'p>>,
    step: Step<'p>,
    /// Bytes of the pointer.
    bytes: usize,
}

#[derive(Clone, Copy)]
enum Step<'p> {
    Key(&'p str),
    Index(usize),
}

impl<'p> At<'p> {
    fn top(key: &'p str) -> Self {
        At { above: None, step: Step::Key(key), bytes: 1 + key.len() }
    }

    fn key(&'p self, key: &'p str) -> Self {
        At { above: Some(self), step: Step::Key(key), bytes: self.bytes + 1 + escaped_len(key) }
    }

    fn index(&'p self, index: usize) -> Self {
        let digits = index.checked_ilog10().unwrap_or(0) as usize + 1;
        At { above: Some(self), step: Step::Index(index), bytes: self.bytes + 1 + digits }
    }

    fn pointer(&self) -> String {
        let mut pointer = self.above.map_or_else(String::new, At::pointer);
        pointer.push('/');
        match self.step {
            Step::Key(key) => pointer.push_str(&escaped(key)),
            Step::Index(index) => pointer.push_str(&index.to_string()),
        }
        pointer
    }
}

/// Calls `look` with every text, name first.
pub(super) fn each_string<'a>(features: &Features<'a>, mut look: impl FnMut(&Said<'a, '_>)) {
    let said = |read, family, candidates, at| Said {
        read,
        family,
        is_name: family == Family::Name,
        candidates,
        is_key: false,
        at,
    };
    let members = &features.members;
    let candidates = (features.claim == 0).then_some(&features.behind_claim);
    look(&said(features.name.read, Family::Name, candidates, At::top("name")));
    let annotations = At::top("annotations");
    let titles = [
        (members.title, At::top("title")),
        (members.annotations.and_then(|a| a.get("title")), annotations.key("title")),
    ];
    let mut texts = 1;
    for (title, at) in titles {
        if let Some(title) = title.and_then(Value::as_str) {
            let read = start_of(title, DESCRIPTION_BYTES);
            let known = features.title.as_ref().filter(|known| std::ptr::eq(known.text.read, read));
            look(&said(read, Family::Name, known.map(|known| &known.candidates), at));
            texts += 1;
        }
    }
    if let Some(description) = &features.description {
        let candidates = Some(description.zone(Zone::All).1);
        look(&said(description.text.read, Family::Description, candidates, At::top("description")));
        texts += 1;
    }
    let params = features.params.as_slice();
    let mut walk = Walk { look, bytes_left: SCHEMA_BYTES, texts, params, named: params };
    for (key, schema) in [("inputSchema", members.input_schema), ("outputSchema", members.output_schema)] {
        if let Some(schema) = schema {
            walk.value(schema, At::top(key), false, 0);
        }
    }
}

struct Walk<'f, 'd, L> {
    look: L,
    bytes_left: usize,
    texts: usize,
    /// The parameters whose descriptions are still to come, nearly always in this order.
    params: &'f [Param<'d>],
    /// The parameters whose names are still to come.
    named: &'f [Param<'d>],
}

impl<'f, L> Walk<'f, '_, L> {
    /// Looks at one value and all below it. `names`: its keys are names of parameters.
    fn value<'a>(&mut self, value: &'a Value, at: At<'_>, names: bool, depth: usize)
    where
        L: FnMut(&Said<'a, '_>),
    {
        if depth > SCHEMA_DEPTH
            || self.bytes_left == 0
            || self.texts > SCHEMA_TEXTS
            || at.bytes > POINTER_BYTES
        {
            return;
        }
        match value {
            Value::String(text) => self.text(text, at, false),
            Value::Array(items) => {
                for (index, item) in items.iter().enumerate() {
                    self.value(item, at.index(index), false, depth + 1);
                }
            }
            Value::Object(fields) => {
                for (key, value) in fields {
                    let below = at.key(key);
                    // Keywords of the schema language are no text; names of parameters are.
                    if names && below.bytes <= POINTER_BYTES {
                        self.text(key, below, true);
                    }
                    let holds_names =
                        !names && matches!(key.as_str(), "properties" | "$defs" | "definitions");
                    self.value(value, below, holds_names, depth + 1);
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    fn text<'a>(&mut self, text: &'a str, at: At<'_>, is_key: bool)
    where
        L: FnMut(&Said<'a, '_>),
    {
        let read = start_of(text, self.bytes_left);
        self.bytes_left -= read.len();
        self.texts += 1;
        let candidates = if is_key { self.known_name(read) } else { self.known(read) };
        (self.look)(&Said { read, family: Family::Schema, is_name: is_key, candidates, is_key, at });
    }

    /// The patterns that may match this name of a parameter, if it is the next one and is read as it is written.
    fn known_name(&mut self, key: &str) -> Option<&'f Candidates> {
        let (param, rest) = self.named.split_first()?;
        if !std::ptr::eq(param.path.key(), key) {
            return None;
        }
        self.named = rest;
        (param.name == key).then_some(&param.named)
    }

    /// The patterns that may match this text, if it is the next description of a parameter.
    fn known(&mut self, text: &str) -> Option<&'f Candidates> {
        while let Some((Param { description: None, .. }, rest)) = self.params.split_first() {
            self.params = rest;
        }
        let (param, rest) = self.params.split_first()?;
        param.description.filter(|said| std::ptr::eq(*said, text)).map(|_| {
            self.params = rest;
            &param.said
        })
    }
}
