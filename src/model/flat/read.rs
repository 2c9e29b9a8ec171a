//! Lays JSON out: what `serde_json` finds is put behind what is there, in the order in which it comes.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

use super::{Flat, Node, Span, What};
use crate::model::NUMBER;

impl Flat {
    /// Lays a text of JSON out.
    ///
    /// # Errors
    /// Not JSON, nested deeper than 128 levels, or 4 GiB and more of it.
    pub(in crate::model) fn read(json: &str) -> serde_json::Result<Self> {
        let mut flat = Self { nodes: Vec::with_capacity(json.len() / 24), texts: String::new() };
        let mut reader = serde_json::Deserializer::from_str(json);
        Put { flat: &mut flat, json, key: Span::default() }.deserialize(&mut reader)?;
        reader.end()?;
        Ok(flat)
    }

    fn here(&self) -> Option<u32> {
        u32::try_from(self.nodes.len()).ok()
    }

    /// Keeps a text beside the JSON.
    fn keep(&mut self, text: &str) -> Option<Span> {
        let span =
            Span { from: u32::try_from(self.texts.len()).ok()?, length: length(text)?, in_json: false };
        self.texts.push_str(text);
        Some(span)
    }
}

fn length(text: &str) -> Option<u32> {
    u32::try_from(text.len()).ok()
}

/// Where a part of a text stands in it; None if it is no part of it.
fn within(json: &str, part: &str) -> Option<Span> {
    let from = part.as_ptr().addr().checked_sub(json.as_ptr().addr())?;
    json.get(from..from + part.len())?;
    Some(Span { from: u32::try_from(from).ok()?, length: length(part)?, in_json: true })
}

fn too_long<E: serde::de::Error>() -> E {
    E::custom("too long")
}

/// Puts one value behind those that are there.
struct Put<'f, 'de> {
    flat: &'f mut Flat,
    json: &'de str,
    key: Span,
}

impl Put<'_, '_> {
    fn put<E: serde::de::Error>(self, what: What, text: Span) -> Result<u32, E> {
        let at = self.flat.here().ok_or_else(too_long)?;
        self.flat.nodes.push(Node { what, key: self.key, text, end: at + 1 });
        Ok(at)
    }

    fn number<E: serde::de::Error>(self, digits: &str) -> Result<(), E> {
        let digits = self.flat.keep(digits).ok_or_else(too_long)?;
        self.put(What::Number, digits).map(drop)
    }
}

impl<'de> DeserializeSeed<'de> for Put<'_, 'de> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Put<'_, 'de> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E: serde::de::Error>(self) -> Result<(), E> {
        self.put(What::Null, Span::default()).map(drop)
    }

    fn visit_bool<E: serde::de::Error>(self, value: bool) -> Result<(), E> {
        self.put(if value { What::True } else { What::False }, Span::default()).map(drop)
    }

    fn visit_i64<E: serde::de::Error>(self, value: i64) -> Result<(), E> {
        self.number(&value.to_string())
    }

    fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<(), E> {
        self.number(&value.to_string())
    }

    fn visit_borrowed_str<E: serde::de::Error>(self, text: &'de str) -> Result<(), E> {
        match within(self.json, text) {
            Some(span) => self.put(What::Text, span).map(drop),
            None => self.visit_str(text),
        }
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<(), E> {
        let text = self.flat.keep(text).ok_or_else(too_long)?;
        self.put(What::Text, text).map(drop)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        let Self { flat, json, key } = self;
        let at = Put { flat, json, key }.put(What::List, Span::default())?;
        while items.next_element_seed(Put { flat, json, key: Span::default() })?.is_some() {}
        end(flat, at)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let Self { flat, json, key } = self;
        let mut at = None;
        while let Some(name) = map.next_key_seed(Name { flat, json })? {
            let Some(name) = name else {
                let digits: String = map.next_value()?;
                return Put { flat, json, key }.number(&digits);
            };
            if at.is_none() {
                at = Some(Put { flat, json, key }.put(What::Object, Span::default())?);
            }
            map.next_value_seed(Put { flat, json, key: name })?;
        }
        match at {
            Some(at) => end(flat, at),
            None => Put { flat, json, key }.put(What::Object, Span::default()).map(drop),
        }
    }
}

/// Everything that was put since `at` is within it.
fn end<E: serde::de::Error>(flat: &mut Flat, at: u32) -> Result<(), E> {
    let end = flat.here().ok_or_else(too_long)?;
    if let Some(node) = flat.nodes.get_mut(at as usize) {
        node.end = end;
    }
    Ok(())
}

/// The name of a field; None for the one under which `serde_json` hands over a number.
struct Name<'f, 'de> {
    flat: &'f mut Flat,
    json: &'de str,
}

impl<'de> DeserializeSeed<'de> for Name<'_, 'de> {
    type Value = Option<Span>;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Option<Span>, D::Error> {
        from.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for Name<'_, 'de> {
    type Value = Option<Span>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_borrowed_str<E: serde::de::Error>(self, name: &'de str) -> Result<Option<Span>, E> {
        match within(self.json, name) {
            Some(span) if name != NUMBER => Ok(Some(span)),
            _ => self.visit_str(name),
        }
    }

    fn visit_str<E: serde::de::Error>(self, name: &str) -> Result<Option<Span>, E> {
        if name == NUMBER { Ok(None) } else { self.flat.keep(name).map(Some).ok_or_else(too_long) }
    }
}
