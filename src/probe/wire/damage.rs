//! Messages that are almost JSON, mended where it costs nothing: one bad value in one tool must not hide a server.
//!
//! Python's json writes `NaN` and `Infinity`; others let control characters into strings.

/// The text with raw control characters in strings escaped and `NaN`, `Infinity`, `-Infinity` outside of them as
/// `null`. None if it is no object, or if nothing had to be changed.
pub(super) fn mended(text: &str) -> Option<String> {
    if !text.starts_with('{') {
        return None;
    }
    let mut out = String::with_capacity(text.len() + 16);
    let mut changed = false;
    let (mut in_string, mut escaped) = (false, false);
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        if !in_string
            && let Some(word) = ["-Infinity", "Infinity", "NaN"].into_iter().find(|w| rest.starts_with(w))
        {
            out.push_str("null");
            changed = true;
            rest = rest.strip_prefix(word).unwrap_or_default();
            continue;
        }
        rest = rest.strip_prefix(c).unwrap_or_default();
        if in_string && c < ' ' {
            out.push_str(&format!("\\u{:04x}", u32::from(c)));
            changed = true;
            escaped = false;
            continue;
        }
        out.push(c);
        match c {
            _ if escaped => escaped = false,
            '\\' if in_string => escaped = true,
            '"' => in_string = !in_string,
            _ => {}
        }
    }
    changed.then_some(out)
}

/// True if a line is a JSON array of messages.
pub(super) fn is_batch(text: &str) -> bool {
    let entries: Result<Vec<&serde_json::value::RawValue>, _> = serde_json::from_str(text);
    let message =
        |raw: &&serde_json::value::RawValue| raw.get().starts_with('{') && raw.get().contains("\"jsonrpc\"");
    entries.is_ok_and(|entries| entries.iter().any(message))
}

/// True if a line that is no JSON looks like the answer to request `id`: waiting on would not bring another one.
pub(super) fn seems_to_answer(text: &str, id: u64) -> bool {
    let compact: String = text.chars().filter(|c| !c.is_whitespace()).collect();
    let ours = format!("\"id\":{id}");
    let after = |at: usize| compact.get(at + ours.len()..).and_then(|rest| rest.chars().next());
    let has_id = compact.match_indices(&ours).any(|(at, _)| after(at).is_none_or(|c| !c.is_ascii_digit()));
    compact.starts_with('{') && compact.contains("\"jsonrpc\"") && has_id
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn python_numbers_and_raw_control_characters_are_mended_and_strings_stay() {
        let text = "{\"a\":NaN,\"b\":[-Infinity,Infinity],\"c\":\"NaN \\\" Infinity\u{0}\u{1b}\"}";
        let mended = mended(text).unwrap();
        let value: serde_json::Value = serde_json::from_str(&mended).unwrap();
        assert_eq!(
            value,
            serde_json::json!({"a": null, "b": [null, null], "c": "NaN \" Infinity\u{0}\u{1b}"})
        );
        assert_eq!(super::mended("{\"a\":1}"), None);
        assert_eq!(super::mended("Infinity is near"), None);
    }

    #[test]
    fn an_array_of_messages_is_a_batch_and_no_other_array() {
        assert!(is_batch("[{\"jsonrpc\":\"2.0\"}]"));
        for other in ["[]", "[\"jsonrpc\"]", "[[{\"jsonrpc\":\"2.0\"}]]", "[{\"a\":1}]", "[{\"jsonrpc\":"] {
            assert!(!is_batch(other), "{other}");
        }
    }

    #[test]
    fn only_a_broken_answer_to_our_own_request_counts_as_one() {
        assert!(seems_to_answer("{\"jsonrpc\": \"2.0\", \"id\": 2, \"result\": {oops", 2));
        assert!(!seems_to_answer("{\"jsonrpc\":\"2.0\",\"id\":21,\"result\":{oops", 2));
        assert!(!seems_to_answer("starting id:2", 2));
    }
}
