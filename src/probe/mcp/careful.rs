//! What two readers of the same JSON may take for different things: a key that comes twice, a number that fits no machine
//! type. Looked for in the text itself, because a parsed value has already chosen.

use std::collections::BTreeSet;

/// The words for what is in a text that is right JSON: `duplicate-key`, `huge-number`.
///
/// Iterative, so that depth costs no stack; each key is unescaped, because `p\u0061th` is `path`.
pub(super) fn marks(text: &str) -> impl Iterator<Item = &'static str> + use<> {
    let mut found = BTreeSet::new();
    // The keys of every object around the place that is being read; None for an array.
    let mut around: Vec<Option<BTreeSet<String>>> = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let token = match first {
            '"' => string(rest),
            '-' | '0'..='9' => number(rest),
            _ => first.len_utf8(),
        };
        let (word, after) = rest.split_at_checked(token).unwrap_or((rest, ""));
        match first {
            '{' => around.push(Some(BTreeSet::new())),
            '[' => around.push(None),
            '}' | ']' => drop(around.pop()),
            '"' if after.trim_start().starts_with(':') => {
                let key = serde_json::from_str(word).unwrap_or_default();
                if let Some(Some(keys)) = around.last_mut()
                    && !keys.insert(key)
                {
                    found.insert("duplicate-key");
                }
            }
            '-' | '0'..='9' if is_huge(word) => {
                found.insert("huge-number");
            }
            _ => {}
        }
        rest = after;
    }
    found.into_iter()
}

/// Bytes up to and with the quote that ends it.
fn string(text: &str) -> usize {
    let mut escaped = false;
    for (at, byte) in text.bytes().enumerate().skip(1) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

fn number(text: &str) -> usize {
    text.bytes()
        .position(|b| !matches!(b, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E'))
        .unwrap_or(text.len())
}

/// Beyond a double, or a whole number of more than 64 bits.
fn is_huge(word: &str) -> bool {
    let value: f64 = word.parse().unwrap_or(f64::INFINITY);
    let whole = word.bytes().all(|b| b == b'-' || b.is_ascii_digit());
    !value.is_finite() || whole && value.abs() > 18_446_744_073_709_551_615.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<&'static str> {
        marks(text).collect()
    }

    #[test]
    fn a_key_counts_twice_only_in_the_same_object() {
        assert_eq!(found(r#"{"a":1,"b":{"a":2,"b":[{"a":1},{"a":1}]},"c":"a"}"#), [""; 0]);
        assert_eq!(found(r#"{"a":1, "a" : 2}"#), ["duplicate-key"]);
        assert_eq!(found(r#"{"x":[{"path":1,"p\u0061th":2}]}"#), ["duplicate-key"]);
        assert_eq!(found(r#"{"a":"\"a\":1,\"a\":2","b":"\\"}"#), [""; 0]);
    }

    #[test]
    fn numbers_beyond_a_machine_s_are_huge_and_others_are_not() {
        for huge in ["1e400", "-1e400", "18446744073709551617000", &"9".repeat(300)] {
            assert_eq!(found(&format!("[{huge}]")), ["huge-number"], "{huge}");
        }
        for fine in ["0", "-1", "18446744073709551615", "9223372036854775807", "1e308", "0.1", "1e-400"] {
            assert_eq!(found(&format!("[{fine}]")), [""; 0], "{fine}");
        }
    }

    #[test]
    fn depth_and_damage_cost_nothing() {
        assert_eq!(found(&"[".repeat(1_000_000)), [""; 0]);
        for odd in ["", "\"", "{\"a", "}}]]", "{\"a\":", "\\", "é{\"é\":1,\"é\":2}"] {
            let _ = found(odd);
        }
        assert_eq!(found("é{\"é\":1,\"é\":2}"), ["duplicate-key"]);
    }
}
