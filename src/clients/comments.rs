//! JSON with comments and trailing commas, made plain JSON in place: every byte keeps its line and column.

/// Blanks comments (`//` to the end of the line, `/* */`) and commas before a closing bracket.
///
/// What is not closed is left as it is: the JSON reader then says where.
pub(super) fn blank(bytes: &mut [u8]) {
    let mut at = 0;
    let mut comma = None;
    while let Some(&byte) = bytes.get(at) {
        match (byte, bytes.get(at + 1)) {
            (b'"', _) => {
                at = end_of_string(bytes, at);
                comma = None;
                continue;
            }
            (b'/', Some(b'/')) => {
                let end = position(bytes, at, |b| b[0] == b'\n').unwrap_or(bytes.len());
                bytes[at..end].fill(b' ');
                at = end;
                continue;
            }
            (b'/', Some(b'*')) => {
                let Some(end) = position(bytes, at + 2, |b| b.starts_with(b"*/")) else { return };
                for inner in &mut bytes[at..end + 2] {
                    if *inner != b'\n' {
                        *inner = b' ';
                    }
                }
                at = end + 2;
                continue;
            }
            (b',', _) => comma = Some(at),
            (b'}' | b']', _) => {
                if let Some(place) = comma.take() {
                    bytes[place] = b' ';
                }
            }
            (b' ' | b'\t' | b'\r' | b'\n', _) => {}
            _ => comma = None,
        }
        at += 1;
    }
}

fn position(bytes: &[u8], from: usize, is: impl Fn(&[u8]) -> bool) -> Option<usize> {
    (from..bytes.len()).find(|at| is(&bytes[*at..]))
}

/// Behind the closing quote of the string that begins at `start`.
fn end_of_string(bytes: &[u8], start: usize) -> usize {
    let mut at = start + 1;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'\\' => at += 2,
            b'"' => return at + 1,
            _ => at += 1,
        }
    }
    bytes.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(text: &str) -> String {
        let mut bytes = text.as_bytes().to_vec();
        blank(&mut bytes);
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn comments_and_last_commas_become_blanks_and_strings_stay() {
        assert_eq!(plain("{\"a\": 1, // x\n}"), "{\"a\": 1      \n}");
        assert_eq!(plain("[1, /* , ]\n*/ 2 , ]"), "[1,       \n   2   ]");
        for text in [r#"{"a//b": "/* x */", "c": ",]", "d\"//": 1}"#, "[1,2]", "", "\"\\"] {
            assert_eq!(plain(text), text);
        }
        assert_eq!(plain("[1, /* open"), "[1, /* open");
        assert_eq!(plain("[1,, ]"), "[1,  ]", "only the last comma of two: the reader then finds the other");
    }
}
