//! What the parts of a target's file have to be: keys and kinds of values, as tables that are held against the tree.
//!
//! The tables say what the targets' published schemas say (research/policy-targets.md section 2 names the versions). What a table calls
//! [`Shape::Anything`] is the target's own business and no part of a policy.

use super::node::{Findings, Kind, Node, join};

/// What a value has to be.
pub(super) enum Shape {
    /// Not looked into.
    Anything,
    Bool,
    Number,
    /// A whole number from the first to the second.
    Whole(i64, i64),
    Text,
    /// A text for which this holds; the words complete "must be".
    TextThat(fn(&str) -> bool, &'static str),
    /// One of these words.
    Word(&'static [&'static str]),
    /// So many at least and at most, each of this shape.
    List(usize, usize, &'static Shape),
    /// Keys that are anybody's choice, with values of this shape.
    Map(&'static Shape),
    /// Keys that the target knows.
    Fields(&'static Fields),
    /// Of the shape whose kind of value it is.
    Either(&'static [Shape]),
    /// It may also be nothing.
    Maybe(&'static Shape),
}

/// The keys of a map.
pub(super) struct Fields {
    pub(super) known: &'static [(&'static str, Shape)],
    /// Keys that have to be there.
    pub(super) needed: &'static [&'static str],
    /// Of these exactly one, if there are any.
    pub(super) one_of: &'static [&'static str],
}

/// A list of any length.
pub(super) const fn list(of: &'static Shape) -> Shape {
    Shape::List(0, usize::MAX, of)
}

/// A text with letters in it.
pub(super) const SAID: Shape = Shape::TextThat(|text| !text.is_empty(), "a text that is not empty");

impl Shape {
    /// Tells everything in which the value and its parts are of another shape.
    pub(super) fn check(&self, path: &str, node: &Node, findings: &mut Findings) {
        match (self, &node.kind) {
            (Self::Anything, _)
            | (Self::Bool, Kind::Bool(_))
            | (Self::Number, Kind::Number(_))
            | (Self::Text, Kind::Text(_))
            | (Self::Maybe(_), Kind::Null) => {}
            (Self::Maybe(shape), _) => shape.check(path, node, findings),
            (Self::Whole(least, most), Kind::Number(number))
                if number.fract() == 0.0 && (*least as f64..=*most as f64).contains(number) => {}
            (Self::TextThat(holds, _), Kind::Text(text)) if holds(text) => {}
            (Self::Word(words), Kind::Text(text)) if words.contains(&text.as_str()) => {}
            (Self::List(least, most, shape), Kind::List(items)) => {
                if !(*least..=*most).contains(&items.len()) {
                    let bound = if items.len() < *least {
                        format!("at least {least}")
                    } else {
                        format!("at most {most}")
                    };
                    findings.error(path, node, format!("has {} entries; {bound} are allowed", items.len()));
                }
                for (at, item) in items.iter().enumerate() {
                    shape.check(&format!("{path}[{at}]"), item, findings);
                }
            }
            (Self::Map(shape), Kind::Map(entries)) => {
                for (key, value) in entries {
                    shape.check(&join(path, &key.text), value, findings);
                }
            }
            (Self::Fields(fields), Kind::Map(_)) => fields.check(path, node, findings),
            (Self::Either(shapes), _) => match shapes.iter().find(|shape| shape.is_for(node)) {
                Some(shape) => shape.check(path, node, findings),
                None => findings.error(path, node, self.must(node)),
            },
            _ => findings.error(path, node, self.must(node)),
        }
    }

    /// Whether the value is of the right kind, whatever is in it.
    fn is_for(&self, node: &Node) -> bool {
        match (self, &node.kind) {
            (Self::Anything, _)
            | (Self::Bool, Kind::Bool(_))
            | (Self::Number | Self::Whole(..), Kind::Number(_))
            | (Self::Text | Self::TextThat(..) | Self::Word(_), Kind::Text(_))
            | (Self::List(..), Kind::List(_))
            | (Self::Map(_) | Self::Fields(_), Kind::Map(_))
            | (Self::Maybe(_), Kind::Null) => true,
            (Self::Maybe(shape), _) => shape.is_for(node),
            (Self::Either(shapes), _) => shapes.iter().any(|shape| shape.is_for(node)),
            _ => false,
        }
    }

    /// "must be a list, this is a text".
    fn must(&self, node: &Node) -> String {
        match &node.kind {
            Kind::Text(text) if self.is_for(node) => {
                let shown: String = text.chars().take(60).collect();
                format!("must be {}, not {shown:?}", self.words())
            }
            Kind::Number(number) if self.is_for(node) => format!("must be {}, not {number}", self.words()),
            _ => format!("must be {}, this is {}", self.words(), node.what()),
        }
    }

    fn words(&self) -> String {
        match self {
            Self::Anything => "anything".to_owned(),
            Self::Bool => "true or false".to_owned(),
            Self::Number => "a number".to_owned(),
            Self::Whole(least, most) => format!("a whole number from {least} to {most}"),
            Self::Text => "a text".to_owned(),
            Self::TextThat(_, words) => (*words).to_owned(),
            Self::Word([word]) => (*word).to_owned(),
            Self::Word(words) => format!("one of {}", words.join(", ")),
            Self::List(..) => "a list".to_owned(),
            Self::Map(_) | Self::Fields(_) => "a map".to_owned(),
            Self::Either(shapes) => shapes.iter().map(Self::words).collect::<Vec<_>>().join(" or "),
            Self::Maybe(shape) => shape.words(),
        }
    }
}

impl Fields {
    fn check(&self, path: &str, node: &Node, findings: &mut Findings) {
        let entries = node.as_map().unwrap_or_default();
        let known: Vec<&str> = self.known.iter().map(|(key, _)| *key).collect();
        findings.unknown_keys(path, entries, &known);
        for key in self.needed.iter().filter(|key| node.get(key).is_none()) {
            findings.error(&join(path, key), node, "missing");
        }
        let chosen: Vec<&str> = self.one_of.iter().copied().filter(|key| node.get(key).is_some()).collect();
        if !self.one_of.is_empty() && chosen.len() != 1 {
            let among = self.one_of.join(", ");
            let message = match chosen.as_slice() {
                [] => format!("needs one of {among}"),
                several => format!("has {}; only one of {among} is allowed", several.join(" and ")),
            };
            findings.error(path, node, message);
        }
        for (key, value) in entries {
            if let Some((_, shape)) = self.known.iter().find(|(name, _)| *name == key.text) {
                shape.check(&join(path, &key.text), value, findings);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::export::node::from_yaml;

    const PORT: Shape = Shape::Whole(1, 65_535);
    const START: Shape = Shape::Fields(&Fields {
        known: &[
            ("cmd", SAID),
            ("args", list(&Shape::Text)),
            ("port", Shape::Maybe(&PORT)),
            ("url", Shape::Text),
            ("mode", Shape::Word(&["a", "b"])),
            ("refs", Shape::Either(&[Shape::Text, Shape::List(1, 2, &Shape::Bool)])),
            ("env", Shape::Map(&Shape::Text)),
        ],
        needed: &["args"],
        one_of: &["cmd", "url"],
    });

    fn said(text: &str) -> Vec<String> {
        let mut findings = Findings::default();
        START.check("a", &from_yaml(text).unwrap(), &mut findings);
        findings.sorted().into_iter().map(|f| format!("{}: {}", f.path, f.message)).collect()
    }

    #[test]
    fn what_is_of_the_right_shape_is_fine() {
        let fine = ["cmd: x\nargs: []", "url: x\nargs: [y]\nport: null\nmode: b\nrefs: n\nenv: {a: b}"];
        for text in fine {
            assert_eq!(said(text), Vec::<String>::new(), "{text}");
        }
        assert_eq!(said("url: x\nargs: []\nport: 65535\nrefs: [true, false]"), Vec::<String>::new());
    }

    #[test]
    fn each_fault_is_told_with_its_place() {
        for (text, wanted) in [
            ("cmd: ''\nargs: []", "a.cmd: must be a text that is not empty, not \"\""),
            ("cmd: x", "a.args: missing"),
            ("args: []", "a: needs one of cmd, url"),
            ("cmd: x\nurl: y\nargs: []", "a: has cmd and url; only one of cmd, url is allowed"),
            ("cmd: x\nargs: [1]", "a.args[0]: must be a text, this is a number"),
            ("cmd: x\nargs: []\nport: 0", "a.port: must be a whole number from 1 to 65535, not 0"),
            ("cmd: x\nargs: []\nport: 1.5", "a.port: must be a whole number from 1 to 65535, not 1.5"),
            ("cmd: x\nargs: []\nmode: c", "a.mode: must be one of a, b, not \"c\""),
            ("cmd: x\nargs: []\nrefs: 3", "a.refs: must be a text or a list, this is a number"),
            ("cmd: x\nargs: []\nrefs: []", "a.refs: has 0 entries; at least 1 are allowed"),
            ("cmd: x\nargs: []\nenv: {a: 1}", "a.env.a: must be a text, this is a number"),
            ("[]", "a: must be a map, this is a list"),
        ] {
            assert_eq!(said(text), [wanted], "{text}");
        }
        assert!(said("cmd: x\nargs: []\nprot: 1")[0].contains("Did you mean port?"));
    }
}
