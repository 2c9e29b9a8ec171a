//! Writes a value indented by one, straight from where it lies: the schemas of a site's tools are millions of values, and a serializer asks
//! five questions of each.

use super::{Json, Kind};
use crate::model::emit::visible_text;
use crate::model::text::every;

/// Spaces for the deepest value that is read (`serde_json` reads 128 levels).
const SPACES: &str = "                                                                                                                                ";

impl Json<'_> {
    /// As a document of lines that are indented by one space a level, without a line feed at its end. As `serde_json` writes it, with
    /// nothing invisible left as it is in texts ([`crate::model::emit::json_line`]).
    pub fn indented(self) -> String {
        let mut out = String::with_capacity(1 << 10);
        self.put(0, &mut out);
        out
    }

    fn put(self, level: usize, out: &mut String) {
        match self.kind() {
            Kind::Null => out.push_str("null"),
            Kind::Bool(true) => out.push_str("true"),
            Kind::Bool(false) => out.push_str("false"),
            Kind::Number(digits) => out.push_str(digits),
            Kind::Text(text) => put_text(text, out),
            Kind::List(items) => {
                out.push('[');
                let mut any = false;
                for item in items {
                    begin_line(any, level + 1, out);
                    item.put(level + 1, out);
                    any = true;
                }
                end(any, level, "]", out);
            }
            Kind::Object(fields) => {
                out.push('{');
                let mut any = false;
                for (name, value) in fields {
                    begin_line(any, level + 1, out);
                    put_text(name, out);
                    out.push_str(": ");
                    value.put(level + 1, out);
                    any = true;
                }
                end(any, level, "}", out);
            }
        }
    }
}

fn begin_line(after_another: bool, level: usize, out: &mut String) {
    out.push_str(if after_another { ",\n" } else { "\n" });
    put_spaces(level, out);
}

fn end(any: bool, level: usize, bracket: &str, out: &mut String) {
    if any {
        out.push('\n');
        put_spaces(level, out);
    }
    out.push_str(bracket);
}

fn put_spaces(level: usize, out: &mut String) {
    out.push_str(SPACES.get(..level).unwrap_or(SPACES));
}

fn put_text(text: &str, out: &mut String) {
    let plain = |byte: u8| matches!(byte, b' '..=b'~') & !matches!(byte, b'"' | b'\\');
    if every(text.as_bytes(), plain) {
        ["\"", text, "\""].iter().for_each(|part| out.push_str(part));
    } else {
        out.push_str(&visible_text(text));
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use crate::model::emit::json_line;
    use crate::model::flat::Flat;

    /// What the library writes of the same JSON.
    fn theirs(json: &str) -> String {
        let value: Value = serde_json::from_str(json).unwrap();
        let mut bytes = Vec::new();
        let formatter = serde_json::ser::PrettyFormatter::with_indent(b" ");
        serde::Serialize::serialize(
            &value,
            &mut serde_json::Serializer::with_formatter(&mut bytes, formatter),
        )
        .unwrap();
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn it_writes_what_the_library_writes() {
        let deep = format!("{}1{}", "[".repeat(120), "]".repeat(120));
        let objects = format!("{}null{}", "{\"a\":".repeat(120), "}".repeat(120));
        for json in [
            r#"{"a":[1,-0,1.50,1e2,1E400,-12345678901234567890123],"b":{"c":null,"d":true},"é":"\"\n\u00e9\\ / <b> ' 日本"}"#,
            r#"{"a":{},"b":[],"c\n":[[],{"x":""}],"d":"plain","e":[{},[],false]}"#,
            "[]",
            "{}",
            "\"x\"",
            "7",
            "null",
            "\"\\u0001\\t\\b\\f\\r\\n\"",
            &deep,
            &objects,
        ] {
            assert_eq!(Flat::read(json).unwrap().top(json).indented(), theirs(json), "{json}");
        }
    }

    #[test]
    fn nothing_invisible_is_left_as_it_is() {
        for text in ["a\u{202E}b", "\u{A0}", "x\u{200B}\"\\", "\u{7F}\u{85}", "\u{FEFF}é\u{E0041}"] {
            let json = serde_json::to_string(text).unwrap();
            let own = Flat::read(&json).unwrap().top(&json).indented();
            assert_eq!(own, json_line(text).unwrap().trim_end_matches('\n'), "{text:?}");
            assert!(own.is_ascii() || own.contains('é'), "{own}");
            let within = format!("[{json}]");
            assert_eq!(Flat::read(&within).unwrap().top(&within).indented(), format!("[\n {own}\n]"));
        }
    }
}
