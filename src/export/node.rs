//! A document as a tree that knows where each of its parts stands. Validators walk it; nothing else reads documents.

mod from_toml;

use std::fmt;

use serde::Deserialize;
use serde::de::{self, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;
use serde_saphyr::Spanned;

use super::{Finding, Level};

pub(super) use from_toml::from_toml;

/// One value and its place.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Node {
    pub(super) line: usize,
    pub(super) column: usize,
    pub(super) kind: Kind,
}

/// What a value is.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Kind {
    Null,
    Bool(bool),
    Number(f64),
    Text(String),
    List(Vec<Node>),
    Map(Vec<(Key, Node)>),
}

/// The key of a map's entry and its place.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Key {
    pub(super) text: String,
    pub(super) line: usize,
    pub(super) column: usize,
}

impl Node {
    pub(super) fn as_text(&self) -> Option<&str> {
        match &self.kind {
            Kind::Text(text) => Some(text),
            _ => None,
        }
    }

    pub(super) fn as_map(&self) -> Option<&[(Key, Node)]> {
        match &self.kind {
            Kind::Map(entries) => Some(entries),
            _ => None,
        }
    }

    pub(super) fn as_list(&self) -> Option<&[Node]> {
        match &self.kind {
            Kind::List(items) => Some(items),
            _ => None,
        }
    }

    pub(super) fn get(&self, key: &str) -> Option<&Node> {
        self.as_map()?.iter().find(|(k, _)| k.text == key).map(|(_, value)| value)
    }

    /// "a list", for messages.
    pub(super) fn what(&self) -> &'static str {
        match self.kind {
            Kind::Null => "nothing",
            Kind::Bool(_) => "true or false",
            Kind::Number(_) => "a number",
            Kind::Text(_) => "a text",
            Kind::List(_) => "a list",
            Kind::Map(_) => "a map",
        }
    }
}

/// Findings in the order in which they are made.
#[derive(Default)]
pub(super) struct Findings(pub(super) Vec<Finding>);

impl Findings {
    pub(super) fn error(&mut self, path: &str, at: &Node, message: impl Into<String>) {
        self.push(Level::Error, path, at.line, at.column, message.into());
    }

    pub(super) fn warning(&mut self, path: &str, at: &Node, message: impl Into<String>) {
        self.push(Level::Warning, path, at.line, at.column, message.into());
    }

    /// Every key of `map` must be one of `known`; a typo must not switch a rule off in silence.
    pub(super) fn unknown_keys(&mut self, path: &str, map: &[(Key, Node)], known: &[&str]) {
        for (key, _) in map.iter().filter(|(key, _)| !known.contains(&key.text.as_str())) {
            let inner = join(path, &key.text);
            let near = nearest(&key.text, known).map(|k| format!(" Did you mean {k}?")).unwrap_or_default();
            let message = format!(
                "unknown key; it would be ignored without a word.{near} Known here: {}",
                known.join(", ")
            );
            self.push(Level::Error, &inner, key.line, key.column, message);
        }
    }

    fn push(&mut self, level: Level, path: &str, line: usize, column: usize, message: String) {
        let (line, column) = ((line > 0).then_some(line), (column > 0).then_some(column));
        self.0.push(Finding { level, path: path.to_owned(), line, column, message });
    }

    /// In the order of the document; findings without a place first.
    pub(super) fn sorted(mut self) -> Vec<Finding> {
        self.0.sort_by_key(|finding| (finding.line, finding.column));
        self.0
    }
}

/// The known word that is one or two letters away.
pub(super) fn nearest<'a>(word: &str, known: &[&'a str]) -> Option<&'a str> {
    let distance = |a: &str, b: &str| {
        let b: Vec<char> = b.chars().collect();
        let mut row: Vec<usize> = (0..=b.len()).collect();
        for (i, x) in a.chars().enumerate() {
            let mut before = i;
            let mut left = i + 1;
            let next = b.iter().zip(row.iter().skip(1)).map(|(y, up)| {
                let cost = (before + usize::from(x != *y)).min(up + 1).min(left + 1);
                (before, left) = (*up, cost);
                cost
            });
            row = std::iter::once(i + 1).chain(next).collect();
        }
        row.last().copied().unwrap_or(0)
    };
    let short = word.chars().count() <= 40;
    known
        .iter()
        .copied()
        .filter(|_| short)
        .map(|k| (distance(word, k), k))
        .filter(|(d, _)| *d <= 2)
        .min()
        .map(|(_, k)| k)
}

/// `tools.name`, with a name that is no plain word in brackets and quotes.
pub(super) fn join(path: &str, key: &str) -> String {
    let plain = !key.is_empty() && key.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'));
    match (path.is_empty(), plain) {
        (true, true) => key.to_owned(),
        (false, true) => format!("{path}.{key}"),
        (_, false) => format!("{path}[{key:?}]"),
    }
}

/// Reads YAML: one document, no key twice, at most 24 levels; no policy has more than ten. A file is anybody's, and the reader
/// calls itself for each level: some sixty of them ended the process where a thread has 2 MiB (found by the fuzz target `policies`).
pub(super) fn from_yaml(text: &str) -> Result<Node, Finding> {
    // Go's reader, which Intercept uses, takes `name: n` as a text: only true and false are no texts here.
    let options =
        serde_saphyr::options! { strict_booleans: true, budget: serde_saphyr::budget! { max_depth: 24 } };
    serde_saphyr::from_str_with_options::<Node>(text, options).map_err(|error| {
        let place = error.location();
        let number = |n: u64| usize::try_from(n).ok().filter(|n| *n > 0);
        Finding {
            level: Level::Error,
            path: String::new(),
            line: place.and_then(|p| number(p.line())),
            column: place.and_then(|p| number(p.column())),
            message: format!("cannot be read as YAML: {}", first_line(&error.to_string())),
        }
    })
}

fn first_line(text: &str) -> String {
    text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default().to_owned()
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let spanned: Spanned<Kind> = Spanned::deserialize(deserializer)?;
        let (line, column) = place(&spanned);
        Ok(Self { line, column, kind: spanned.value })
    }
}

fn place<T>(spanned: &Spanned<T>) -> (usize, usize) {
    let number = |n: u64| usize::try_from(n).unwrap_or(0);
    (number(spanned.referenced.line()), number(spanned.referenced.column()))
}

impl<'de> Deserialize<'de> for Kind {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(KindVisitor)
    }
}

struct KindVisitor;

impl<'de> Visitor<'de> for KindVisitor {
    type Value = Kind;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Kind, E> {
        Ok(Kind::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Kind, E> {
        Ok(Kind::Number(value as f64))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Kind, E> {
        Ok(Kind::Number(value as f64))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Kind, E> {
        Ok(Kind::Number(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<Kind, E> {
        Ok(Kind::Text(value.to_owned()))
    }

    fn visit_unit<E>(self) -> Result<Kind, E> {
        Ok(Kind::Null)
    }

    fn visit_none<E>(self) -> Result<Kind, E> {
        Ok(Kind::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Kind, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element::<Node>()? {
            list.push(item);
        }
        Ok(Kind::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Kind, A::Error> {
        let mut map: Vec<(Key, Node)> = Vec::new();
        let mut seen = std::collections::BTreeSet::new();
        while let Some(key) = entries.next_key::<Spanned<String>>()? {
            let (line, column) = place(&key);
            if !seen.insert(key.value.clone()) {
                return Err(de::Error::custom(format!(
                    "key {:?} comes twice, again in line {line}",
                    key.value
                )));
            }
            let value = entries.next_value::<Node>()?;
            map.push((Key { text: key.value, line, column }, value));
        }
        Ok(Kind::Map(map))
    }
}

/// Reads JSON: no key twice, at most [`JSON_LEVELS`] levels.
pub(super) fn from_json(text: &str) -> Result<Node, Finding> {
    let wrong = |line: usize, column: usize, message: String| Finding {
        level: Level::Error,
        path: String::new(),
        line: Some(line),
        column: Some(column),
        message,
    };
    let raw: &RawValue = serde_json::from_str(text)
        .map_err(|e| wrong(e.line(), e.column().max(1), format!("cannot be read as JSON: {e}")))?;
    let places = Places::of(text);
    located(&places, raw, 0).map_err(|(at, message)| {
        let (line, column) = places.of_offset(at);
        wrong(line, column, message)
    })
}

/// Where the lines of a text begin, so that a place costs one search and one line.
struct Places<'a> {
    text: &'a str,
    starts: Vec<usize>,
}

impl<'a> Places<'a> {
    fn of(text: &'a str) -> Self {
        let starts = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
        Self { text, starts }
    }

    /// Line and column, from 1; the column of a place far to the right is counted in bytes from 4,096 on.
    fn of_offset(&self, at: usize) -> (usize, usize) {
        let line = self.starts.partition_point(|start| *start <= at);
        let start = self.starts.get(line.saturating_sub(1)).copied().unwrap_or(0);
        let column = match self.text.get(start..at) {
            Some(before) if at - start <= 4_096 => before.chars().count(),
            _ => at - start,
        };
        (line, column + 1)
    }
}

/// Most levels of JSON. serde_json's own limit holds for values that it reads, not for those that it hands on raw.
const JSON_LEVELS: usize = 24;

fn located(places: &Places<'_>, raw: &RawValue, depth: usize) -> Result<Node, (usize, String)> {
    // `raw` is a slice of the text, so their addresses tell where it stands.
    let at = (raw.get().as_ptr() as usize).saturating_sub(places.text.as_ptr() as usize);
    let failed = |e: serde_json::Error| (at, format!("cannot be read as JSON: {e}"));
    if depth == JSON_LEVELS {
        return Err((at, format!("cannot be read as JSON: more than {JSON_LEVELS} levels")));
    }
    let kind = match raw.get().as_bytes().first() {
        Some(b'{') => {
            let Entries(entries) = serde_json::from_str(raw.get()).map_err(failed)?;
            let mut map: Vec<(Key, Node)> = Vec::with_capacity(entries.len());
            let mut seen = std::collections::BTreeSet::new();
            for (key, value) in entries {
                let node = located(places, value, depth + 1)?;
                if !seen.insert(key.clone()) {
                    return Err((at, format!("key {key:?} comes twice in the object that begins here")));
                }
                map.push((Key { text: key, line: node.line, column: node.column }, node));
            }
            Kind::Map(map)
        }
        Some(b'[') => {
            let items: Vec<&RawValue> = serde_json::from_str(raw.get()).map_err(failed)?;
            Kind::List(
                items.into_iter().map(|item| located(places, item, depth + 1)).collect::<Result<_, _>>()?,
            )
        }
        Some(b'"') => Kind::Text(serde_json::from_str(raw.get()).map_err(failed)?),
        Some(b't') => Kind::Bool(true),
        Some(b'f') => Kind::Bool(false),
        Some(b'n') => Kind::Null,
        _ => Kind::Number(raw.get().parse().unwrap_or(f64::NAN)),
    };
    let (line, column) = places.of_offset(at);
    Ok(Node { line, column, kind })
}

/// An object's entries in their order, doubles included.
struct Entries<'a>(Vec<(String, &'a RawValue)>);

impl<'de> Deserialize<'de> for Entries<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct EntriesVisitor;
        impl<'de> Visitor<'de> for EntriesVisitor {
            type Value = Entries<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry::<String, &'de RawValue>()? {
                    entries.push(entry);
                }
                Ok(Entries(entries))
            }
        }
        deserializer.deserialize_map(EntriesVisitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_readers_know_where_a_value_stands() {
        let yaml = from_yaml("a: 1\nb:\n  - x\n  - c: [true]\n").unwrap();
        let json = from_json("{\"a\": 1,\n\"b\": [\"x\",\n  {\"c\": [true]}]}").unwrap();
        let place = |n: &Node| (n.line, n.column);
        assert_eq!(place(&yaml.get("b").unwrap().as_list().unwrap()[0]), (3, 5));
        assert_eq!(place(&json.get("b").unwrap().as_list().unwrap()[1]), (3, 3));
        assert_eq!(yaml.get("a").unwrap().kind, Kind::Number(1.0));
        assert_eq!(json.get("b").unwrap().as_list().unwrap()[0].as_text(), Some("x"));
    }

    /// On a test's thread, whose stack has 2 MiB: a reader that went on would end the process.
    #[test]
    fn a_document_that_nests_too_deep_is_an_error_in_all_readers() {
        for depth in [60, 126, 1_000, 20_000] {
            let maps = "{\"a\": ".repeat(depth) + "1" + &"}".repeat(depth);
            let lists = "[".repeat(depth) + &"]".repeat(depth);
            let blocks: String = (0..depth.min(1_000)).map(|i| " ".repeat(i) + "a:\n").collect();
            for text in [&maps, &lists, &blocks] {
                assert!(from_yaml(text).is_err(), "{depth}");
            }
            assert!(from_json(&maps).is_err() && from_json(&lists).is_err(), "{depth}");
            let toml = from_toml(&format!("a = {lists}"));
            assert!(toml.is_err() || depth < 80, "{depth}");
        }
    }

    #[test]
    fn a_key_that_comes_twice_is_an_error_in_both() {
        assert!(
            from_yaml("tools: 1\ntools: 2\n").unwrap_err().message.contains("twice")
                || from_yaml("tools: 1\ntools: 2\n").unwrap_err().message.contains("duplicate")
        );
        assert!(from_json("{\"a\":1,\"a\":2}").unwrap_err().message.contains("twice"));
        assert_eq!(from_json("{\n\"a\":}").unwrap_err().line, Some(2));
        assert_eq!(from_yaml("a: [").unwrap_err().level, Level::Error);
    }
}
