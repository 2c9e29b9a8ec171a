//! A typed YAML writer for policies: every key and every text double-quoted, whatever it holds.
//!
//! serde-saphyr writes bidirectional and invisible characters as they are, which readers take and people misread;
//! here everything that is not plainly visible leaves as an escape that all YAML readers know (research/policy-targets.md
//! section 2.1: 51 of 51 hostile names survived this form). Tests read the result back with serde-saphyr.

use std::borrow::Cow;
use std::fmt::Write;

use crate::model::text::{every, is_unprintable};

/// What can be written.
pub(super) enum Yaml<'a> {
    Text(Cow<'a, str>),
    /// A number or true and false, bare: never foreign text.
    Plain(Cow<'a, str>),
    List(Vec<Yaml<'a>>),
    /// Our own words as keys, bare.
    Fields(Vec<(&'static str, Yaml<'a>)>),
    /// Other people's words as keys, quoted.
    Names(Vec<(&'a str, Yaml<'a>)>),
}

impl<'a> Yaml<'a> {
    pub(super) fn text(text: &'a str) -> Self {
        Self::Text(text.into())
    }

    /// The whole document below a comment of these lines.
    pub(super) fn document_below(&self, header: &[String]) -> String {
        let mut out = comment(header);
        self.write(0, &mut out);
        out
    }

    fn is_block(&self) -> bool {
        match self {
            Yaml::Text(_) | Yaml::Plain(_) => false,
            Yaml::List(items) => !items.is_empty(),
            Yaml::Fields(fields) => !fields.is_empty(),
            Yaml::Names(fields) => !fields.is_empty(),
        }
    }

    /// Writes a value at that depth, ending in a line feed.
    fn write(&self, depth: usize, out: &mut String) {
        match self {
            Yaml::Text(text) => {
                quoted(text, out);
                out.push('\n');
            }
            Yaml::Plain(text) => {
                out.push_str(text);
                out.push('\n');
            }
            Yaml::List(items) if items.is_empty() => out.push_str("[]\n"),
            Yaml::List(items) => {
                for item in items {
                    indent(depth, out);
                    out.push_str("- ");
                    item.write(depth + 1, out);
                }
            }
            Yaml::Fields(fields) if fields.is_empty() => out.push_str("{}\n"),
            Yaml::Fields(fields) => {
                for (key, value) in fields {
                    field(depth, out, value, |out| out.push_str(key));
                }
            }
            Yaml::Names(fields) if fields.is_empty() => out.push_str("{}\n"),
            Yaml::Names(fields) => {
                for (key, value) in fields {
                    field(depth, out, value, |out| quoted(key, out));
                }
            }
        }
    }
}

/// Lines behind `#`. Whatever could end a comment's line is no part of one.
pub(super) fn comment(lines: &[String]) -> String {
    let mut out = String::with_capacity(lines.iter().map(|line| line.len() + 3).sum());
    for line in lines {
        out.push_str("# ");
        if every(line.as_bytes(), |byte| matches!(byte, b' '..=b'~')) {
            out.push_str(line);
        } else {
            out.extend(line.chars().map(|c| if is_unprintable(c) { '?' } else { c }));
        }
        out.push('\n');
    }
    out
}

fn field(depth: usize, out: &mut String, value: &Yaml<'_>, key: impl Fn(&mut String)) {
    // The first key of a list's item stands behind its dash.
    if !out.ends_with("- ") {
        indent(depth, out);
    }
    key(out);
    out.push_str(if value.is_block() { ":\n" } else { ": " });
    value.write(depth + 1, out);
}

fn indent(depth: usize, out: &mut String) {
    for _ in 0..depth {
        out.push_str("  ");
    }
}

/// YAML readers look no further than 1,024 characters for the colon behind a key.
pub(super) const LONGEST_KEY: usize = 1_000;

/// The length of a text once quoted, in bytes.
pub(super) fn quoted_len(text: &str) -> usize {
    if is_plain(text) {
        return text.len() + 2;
    }
    let mut out = String::new();
    quoted(text, &mut out);
    out.len()
}

/// Nothing in it is written in another way.
pub(super) fn is_plain(text: &str) -> bool {
    every(text.as_bytes(), |byte| matches!(byte, b' '..=b'~') & !matches!(byte, b'"' | b'\\'))
}

fn quoted(text: &str, out: &mut String) {
    out.push('"');
    // Most texts.
    if is_plain(text) {
        out.push_str(text);
        out.push('"');
        return;
    }
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '\r' => out.push_str("\\r"),
            c if u32::from(c) > 0xFFFF && is_unprintable(c) => {
                let _ = write!(out, "\\U{:08X}", u32::from(c));
            }
            c if is_unprintable(c) || matches!(c, '\u{A0}' | '\u{E000}'..='\u{F8FF}') => {
                let _ = if u32::from(c) < 0x100 {
                    write!(out, "\\x{:02X}", u32::from(c))
                } else {
                    write!(out, "\\u{:04X}", u32::from(c))
                };
            }
            c => out.push(c),
        }
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn nothing_invisible_leaves_as_it_is_and_everything_reads_back() {
        let naughty = [
            "no",
            "1e3",
            "null",
            "~",
            "<<",
            "a: b",
            "#x",
            "- x",
            "&a",
            "*a",
            "!!str",
            "%",
            "@",
            "`",
            "",
            " ",
            "\n",
            "\r\n",
            "\t",
            "\u{0}",
            "\u{7f}",
            "\u{85}",
            "\u{a0}",
            "\u{2028}",
            "\u{202e}x",
            "\u{feff}",
            "\u{1f600}",
            "\u{e0041}",
            "日本",
            "é",
            "\"",
            "\\",
            "'",
            "x\":{},\"default\":\"allow\",\"y",
            "__proto__",
            "true",
            "1.0",
            "---",
            "...",
            "? a",
            "{a}",
            "[a]",
            "a,b",
            "\u{fffd}",
            "\u{10ffff}",
        ];
        let names = naughty.iter().map(|n| (*n, Yaml::text(n))).collect();
        let text = Yaml::Names(names).document_below(&[]);
        let back: BTreeMap<String, String> = serde_saphyr::from_str(&text).unwrap();
        assert_eq!(back.len(), naughty.len());
        for name in naughty {
            assert_eq!(back.get(name).map(String::as_str), Some(name), "{name:?}");
        }
        assert!(text.chars().all(|c| c == '\n' || !is_unprintable(c)));
    }

    #[test]
    fn blocks_nest_and_empty_ones_are_inline() {
        let rule = Yaml::Fields(vec![("name", Yaml::text("n")), ("action", Yaml::text("deny"))]);
        let tools = Yaml::Names(vec![
            ("a", Yaml::Fields(vec![("rules", Yaml::List(vec![rule]))])),
            ("b", Yaml::Fields(vec![("rules", Yaml::List(vec![]))])),
        ]);
        let text = Yaml::Fields(vec![("version", Yaml::text("1")), ("tools", tools)]).document_below(&[]);
        let expected = "version: \"1\"\ntools:\n  \"a\":\n    rules:\n      - name: \"n\"\n        action: \"deny\"\n  \"b\":\n    rules: []\n";
        assert_eq!(text, expected);
    }
}
