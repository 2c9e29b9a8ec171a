//! The JSON writer of policies: indented by two, with nothing invisible left as it is.

use serde::Serialize;

use crate::model::emit::json_document;

/// The document with a line feed at its end. Invisible, bidirectional and control characters are `\u` escapes.
pub(super) fn document<T: Serialize>(value: &T) -> String {
    json_document(value).expect("maps with text keys always serialise into memory")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::model::text::is_unprintable;

    #[test]
    fn invisible_characters_are_escaped_and_read_back() {
        let names = ["\u{202e}x", "\u{2028}", "\u{0}", "\u{7f}", "日本", "__proto__", "x\":{},\"y", "\\"];
        let map: BTreeMap<&str, u8> = names.iter().map(|n| (*n, 1)).collect();
        let text = document(&map);
        assert!(text.chars().all(|c| c == '\n' || !is_unprintable(c)));
        let back: BTreeMap<String, u8> = serde_json::from_str(&text).unwrap();
        assert!(names.iter().all(|n| back.contains_key(*n)) && back.len() == names.len());
    }
}
