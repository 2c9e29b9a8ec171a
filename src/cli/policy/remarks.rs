//! What the header of an export of ours says of the servers that it was made from.

/// One server of a header.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct MadeFrom {
    /// Counted from one.
    pub(super) line: usize,
    /// As it stands there, which may be cut.
    pub(super) server: String,
    /// What it is called in the rules, unless a reader changed it there and not here.
    pub(super) key: Option<String>,
    /// Of its tools' definitions, 16 hexadecimal digits.
    pub(super) fingerprint: Option<String>,
}

/// The servers that a header names, in its order. Headers stand in remarks of many languages: quotes may be escaped.
pub(super) fn made_from(text: &str) -> Vec<MadeFrom> {
    text.lines().enumerate().filter_map(|(at, line)| server_of(at + 1, line)).collect()
}

fn server_of(line: usize, text: &str) -> Option<MadeFrom> {
    let (_, rest) = text.split_once("Server ")?;
    let (server, rest) = rest.split_once(' ')?;
    let (_, rest) = rest.split_once("under the key ")?;
    let key = || {
        let rest = rest.trim_start_matches('\\').strip_prefix('"')?;
        Some(rest.split_once('"')?.0.trim_end_matches('\\').to_owned())
    };
    let fingerprint = || {
        let (_, rest) = rest.split_once(" Definitions ")?;
        let hex: String = rest.chars().take_while(char::is_ascii_hexdigit).collect();
        (hex.len() == 16).then_some(hex)
    };
    Some(MadeFrom { line, server: server.to_owned(), key: key(), fingerprint: fingerprint() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_is_read_in_any_language_of_remarks() {
        let said = |text: &str| {
            let all = made_from(text);
            all.into_iter().map(|m| (m.line, m.server, m.key, m.fingerprint)).collect::<Vec<_>>()
        };
        let hex = "0123456789abcdef";
        let whole = |line| (line, "npm:a".to_owned(), Some("k-1".to_owned()), Some(hex.to_owned()));
        for text in [
            format!("# x\n# Server npm:a 1.0 under the key \"k-1\": change the key. Definitions {hex}."),
            format!("{{\n    \"Server npm:a 1.0 under the key \\\"k-1\\\", as it is. Definitions {hex}.\","),
        ] {
            assert_eq!(said(&text), [whole(2)], "{text}");
        }
        let unknown = said("// Server local:own under the key \"own\", as your configuration has it.");
        assert_eq!(unknown, [(1, "local:own".to_owned(), Some("own".to_owned()), None)]);
        assert_eq!(said("Server side: nothing of ours\nServer a b Definitions 0123"), []);
    }
}
