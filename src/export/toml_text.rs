//! TOML texts and comments, written so that nothing invisible leaves as it is. Documents are read back by a TOML reader.

use std::fmt::Write;

use super::yaml;
use crate::model::text::is_unprintable;

/// A basic string with its quotes: also a key.
pub(super) fn text(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    put_text(text, &mut out);
    out
}

/// The same at the end of what is written already.
pub(super) fn put_text(text: &str, out: &mut String) {
    out.push('"');
    // Most texts: nothing in them is written in another way.
    if yaml::is_plain(text) {
        out.push_str(text);
        out.push('"');
        return;
    }
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            c if is_unprintable(c) || c == '\u{A0}' => {
                let code = u32::from(c);
                let _ =
                    if code > 0xFFFF { write!(out, "\\U{code:08X}") } else { write!(out, "\\u{code:04X}") };
            }
            c => out.push(c),
        }
    }
    out.push('"');
}

/// A list of texts, one a line.
pub(super) fn list<'a>(items: impl IntoIterator<Item = &'a str>) -> String {
    let mut out = String::from("[");
    for item in items {
        out.push_str("\n  ");
        put_text(item, &mut out);
        out.push(',');
    }
    if out.len() > 1 {
        out.push('\n');
    }
    out.push(']');
    out
}

/// The header.
pub(super) fn comment(lines: &[String]) -> String {
    yaml::comment(lines)
}
