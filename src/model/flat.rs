//! JSON laid out flat: one entry a value, those of a list or an object behind it, and no text that can be read where it stands in the
//! JSON. A page is made from a definition that is read once and thrown away: as a tree of `serde_json` it cost some hundred
//! allocations (docs/PERFORMANCE.md, "Site"). Called by `tool`.

mod read;
mod write;

use std::fmt;

use serde::ser::{Error as _, Serialize, SerializeMap, SerializeSeq, Serializer};
use serde_json::Number;

/// The key of the object that `serde_json` hands a number over as, with `arbitrary_precision`. No definition has it (`tool`).
pub(crate) const NUMBER: &str = "$serde_json::private::Number";

/// One text of JSON, laid out. It is read together with that text.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Flat {
    nodes: Vec<Node>,
    /// Texts that do not stand in the JSON as they are: those with escapes, and numbers.
    texts: String,
}

#[derive(Debug, Clone, Copy, PartialEq)]
struct Node {
    what: What,
    /// Its name in the object it is in.
    key: Span,
    text: Span,
    /// Where the next value begins that is not within this one.
    end: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum What {
    Null,
    False,
    True,
    Number,
    Text,
    List,
    Object,
}

/// Where a text stands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Span {
    from: u32,
    length: u32,
    /// In the JSON, not among the texts beside it.
    in_json: bool,
}

/// A value in a definition.
#[derive(Clone, Copy)]
pub struct Json<'t> {
    flat: &'t Flat,
    json: &'t str,
    at: u32,
}

/// What a [`Json`] is.
#[derive(Debug, Clone)]
pub enum Kind<'t> {
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// A number, as it is written.
    Number(&'t str),
    /// A text. Foreign.
    Text(&'t str),
    /// A list.
    List(Items<'t>),
    /// An object.
    Object(Fields<'t>),
}

/// The values of a list, in order.
#[derive(Debug, Clone)]
pub struct Items<'t>(Within<'t>);

/// The fields of an object, in the order of the JSON: in canonical JSON that of their names.
#[derive(Debug, Clone)]
pub struct Fields<'t>(Within<'t>);

#[derive(Clone)]
struct Within<'t> {
    next: Json<'t>,
    end: u32,
}

impl Flat {
    /// The whole value; `json` is the text that was read.
    pub(super) fn top<'t>(&'t self, json: &'t str) -> Json<'t> {
        Json { flat: self, json, at: 0 }
    }
}

impl<'t> Json<'t> {
    fn node(self) -> Option<&'t Node> {
        self.flat.nodes.get(self.at as usize)
    }

    fn text(self, Span { from, length, in_json }: Span) -> &'t str {
        let all = if in_json { self.json } else { self.flat.texts.as_str() };
        let from = from as usize;
        all.get(from..from + length as usize).unwrap_or_default()
    }

    fn within(self, end: u32) -> Within<'t> {
        Within { next: Json { at: self.at + 1, ..self }, end }
    }

    /// What it is.
    pub fn kind(self) -> Kind<'t> {
        let Some(node) = self.node() else { return Kind::Null };
        match node.what {
            What::Null => Kind::Null,
            What::False => Kind::Bool(false),
            What::True => Kind::Bool(true),
            What::Number => Kind::Number(self.text(node.text)),
            What::Text => Kind::Text(self.text(node.text)),
            What::List => Kind::List(Items(self.within(node.end))),
            What::Object => Kind::Object(Fields(self.within(node.end))),
        }
    }

    fn is(self, what: What) -> Option<&'t Node> {
        self.node().filter(|node| node.what == what)
    }

    /// A text.
    pub fn as_str(self) -> Option<&'t str> {
        self.is(What::Text).map(|node| self.text(node.text))
    }

    /// `true` or `false`.
    pub fn as_bool(self) -> Option<bool> {
        match self.node()?.what {
            What::True => Some(true),
            What::False => Some(false),
            _ => None,
        }
    }

    /// A number as a machine has it.
    pub fn as_f64(self) -> Option<f64> {
        self.text(self.is(What::Number)?.text).parse::<Number>().ok()?.as_f64()
    }

    /// The values of a list.
    pub fn as_array(self) -> Option<Items<'t>> {
        self.is(What::List).map(|node| Items(self.within(node.end)))
    }

    /// The fields of an object.
    pub fn as_object(self) -> Option<Fields<'t>> {
        self.is(What::Object).map(|node| Fields(self.within(node.end)))
    }

    /// The field of that name of an object. They are looked through one by one.
    pub fn get(self, name: &str) -> Option<Json<'t>> {
        let end = self.is(What::Object)?.end;
        let mut at = self.at + 1;
        while at < end {
            let one = Json { at, ..self };
            let node = one.node()?;
            if node.key.length as usize == name.len() && self.text(node.key) == name {
                return Some(one);
            }
            at = node.end;
        }
        None
    }
}

impl<'t> Within<'t> {
    fn step(&mut self) -> Option<(&'t Node, Json<'t>)> {
        if self.next.at >= self.end {
            return None;
        }
        let one = self.next;
        let node = one.node()?;
        self.next.at = node.end;
        Some((node, one))
    }
}

impl<'t> Iterator for Items<'t> {
    type Item = Json<'t>;

    fn next(&mut self) -> Option<Json<'t>> {
        self.0.step().map(|(_, one)| one)
    }
}

impl<'t> Iterator for Fields<'t> {
    type Item = (&'t str, Json<'t>);

    fn next(&mut self) -> Option<(&'t str, Json<'t>)> {
        self.0.step().map(|(node, one)| (one.text(node.key), one))
    }
}

impl fmt::Debug for Json<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl fmt::Debug for Within<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}..{}", self.next.at, self.end)
    }
}

/// As `serde_json` writes it.
impl fmt::Display for Json<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&serde_json::to_string(self).map_err(|_| fmt::Error)?)
    }
}

impl Serialize for Json<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self.kind() {
            Kind::Null => to.serialize_unit(),
            Kind::Bool(value) => to.serialize_bool(value),
            Kind::Number(digits) => digits.parse::<Number>().map_err(S::Error::custom)?.serialize(to),
            Kind::Text(text) => to.serialize_str(text),
            Kind::List(items) => {
                let mut list = to.serialize_seq(None)?;
                items.into_iter().try_for_each(|item| list.serialize_element(&item))?;
                list.end()
            }
            Kind::Object(fields) => {
                let mut map = to.serialize_map(None)?;
                fields.into_iter().try_for_each(|(name, value)| map.serialize_entry(name, &value))?;
                map.end()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[test]
    fn it_says_what_the_tree_of_serde_json_says() {
        let deep = format!("{}1{}", "[".repeat(100), "]".repeat(100));
        for text in [
            r#"{"a":[1,-0,1.50,1e2,1E400,-12345678901234567890123],"b":{"c":null,"d":true},"é":"\"\n\u00e9"}"#,
            r#"{"a":{},"b":[],"c\n":[[],{"x":""}],"d":"plain"}"#,
            "[]",
            "{}",
            "\"x\"",
            " 7 ",
            "null",
            "false",
            deep.as_str(),
        ] {
            let (flat, value) = (Flat::read(text).unwrap(), serde_json::from_str::<Value>(text).unwrap());
            assert_eq!(flat.top(text).to_string(), value.to_string());
        }
        for text in ["", "{", "{\"a\":01}", "[1,]", "1 2", "nul", "{\"a\" 1}", &"[".repeat(200)] {
            assert!(Flat::read(text).is_err() && serde_json::from_str::<Value>(text).is_err(), "{text}");
        }
    }

    #[test]
    fn fields_are_found_by_name_and_lists_gone_through() {
        let text = r#"{"a\u0062":{"x":1},"b":[true,[2,3],"y"],"c":2.5}"#;
        let flat = Flat::read(text).unwrap();
        let top = flat.top(text);
        assert_eq!(top.get("ab").and_then(|v| v.get("x")).and_then(Json::as_f64), Some(1.0));
        assert_eq!(top.get("b").and_then(Json::as_array).map(Iterator::count), Some(3));
        let last = top.get("b").and_then(Json::as_array).and_then(Iterator::last);
        assert_eq!(last.and_then(Json::as_str), Some("y"));
        assert_eq!(top.get("c").and_then(Json::as_f64), Some(2.5));
        assert!(top.get("x").is_none() && top.get("c").and_then(|v| v.get("x")).is_none());
        let names: Vec<&str> = top.as_object().unwrap().map(|(name, _)| name).collect();
        assert_eq!(names, ["ab", "b", "c"]);
    }
}
