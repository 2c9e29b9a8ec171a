//! Indented JSON as serde_json's own formatter writes it, with one write a line where that has one for each step of the indentation: schemas
//! and documents of policies are most of what a page's view costs.

use std::io;

use serde_json::ser::Formatter;

/// What ends a line before another value, and spaces for most depths.
const LINE: &str = ",\n                                                                ";

/// See [`serde_json::ser::PrettyFormatter`].
#[derive(Debug)]
pub(super) struct Indented {
    /// Spaces a level.
    width: usize,
    level: usize,
    has_value: bool,
}

impl Indented {
    pub(super) fn new(width: usize) -> Self {
        Self { width, level: 0, has_value: false }
    }

    fn line<W: io::Write + ?Sized>(&self, to: &mut W, first: bool) -> io::Result<()> {
        let mut spaces = self.width * self.level;
        let most = LINE.len() - 2;
        let begun = LINE.get(usize::from(first)..2 + spaces.min(most)).unwrap_or_default();
        to.write_all(begun.as_bytes())?;
        spaces = spaces.saturating_sub(most);
        while spaces > 0 {
            let some = spaces.min(most);
            to.write_all(LINE.get(2..2 + some).unwrap_or_default().as_bytes())?;
            spaces -= some;
        }
        Ok(())
    }

    fn begin(&mut self) {
        self.level += 1;
        self.has_value = false;
    }

    fn end<W: io::Write + ?Sized>(&mut self, to: &mut W, bracket: &[u8]) -> io::Result<()> {
        self.level -= 1;
        if self.has_value {
            self.line(to, true)?;
        }
        to.write_all(bracket)
    }
}

impl Formatter for Indented {
    fn begin_array<W: io::Write + ?Sized>(&mut self, to: &mut W) -> io::Result<()> {
        self.begin();
        to.write_all(b"[")
    }

    fn end_array<W: io::Write + ?Sized>(&mut self, to: &mut W) -> io::Result<()> {
        self.end(to, b"]")
    }

    fn begin_array_value<W: io::Write + ?Sized>(&mut self, to: &mut W, first: bool) -> io::Result<()> {
        self.line(to, first)
    }

    fn end_array_value<W: io::Write + ?Sized>(&mut self, _: &mut W) -> io::Result<()> {
        self.has_value = true;
        Ok(())
    }

    fn begin_object<W: io::Write + ?Sized>(&mut self, to: &mut W) -> io::Result<()> {
        self.begin();
        to.write_all(b"{")
    }

    fn end_object<W: io::Write + ?Sized>(&mut self, to: &mut W) -> io::Result<()> {
        self.end(to, b"}")
    }

    fn begin_object_key<W: io::Write + ?Sized>(&mut self, to: &mut W, first: bool) -> io::Result<()> {
        self.line(to, first)
    }

    fn begin_object_value<W: io::Write + ?Sized>(&mut self, to: &mut W) -> io::Result<()> {
        to.write_all(b": ")
    }

    fn end_object_value<W: io::Write + ?Sized>(&mut self, _: &mut W) -> io::Result<()> {
        self.has_value = true;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde::Serialize;
    use serde_json::ser::PrettyFormatter;
    use serde_json::{Serializer, json};

    use super::*;

    #[test]
    fn it_writes_what_the_librarys_own_writes() {
        let deep = (0..200).fold(json!({ "a": [], "b": {} }), |inner, _| json!([inner, { "x": 1 }, "é\n"]));
        for value in [json!(1), json!([]), json!({}), json!({ "a": [1, { "b": [] }], "c": null }), deep] {
            for width in [1, 2, 40] {
                let (mut own, mut theirs) = (Vec::new(), Vec::new());
                let spaces = " ".repeat(width);
                value.serialize(&mut Serializer::with_formatter(&mut own, Indented::new(width))).unwrap();
                let pretty = PrettyFormatter::with_indent(spaces.as_bytes());
                value.serialize(&mut Serializer::with_formatter(&mut theirs, pretty)).unwrap();
                assert_eq!(String::from_utf8(own), String::from_utf8(theirs));
            }
        }
    }
}
