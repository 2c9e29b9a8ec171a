//! Text that a server, a package or a registry wrote. It has no `Display`: whoever uses it says where it goes.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

/// Text from outside, kept exactly as it came. Serialises as the plain string (for storage and JSON).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Untrusted(String);

impl Untrusted {
    /// Wraps foreign text without changing it.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text as it came: only for hashing, storing (bound parameters) and pattern matching.
    pub fn raw(&self) -> &str {
        &self.0
    }

    /// True if nothing is left after removing white space and invisible characters.
    pub fn is_blank(&self) -> bool {
        is_blank(&self.0)
    }

    /// For a page: invisible and control characters removed, line feeds and tabs kept, at most `max_chars`
    /// Unicode scalar values (then `…`). Not escaped: the template engine does that, and must.
    pub fn for_page(&self, max_chars: usize) -> String {
        let clean = self.0.chars().filter(|c| !is_unprintable(*c) || matches!(c, '\n' | '\t'));
        cut(clean, max_chars)
    }

    /// For a page, on one line: like [`Untrusted::for_page`] with every run of white space as one space.
    pub fn for_page_line(&self, max_chars: usize) -> String {
        page_line(&self.0, max_chars).into_owned()
    }

    /// For a terminal or a log line: control, bidi and invisible characters shown as `\u{..}`, one line, cut.
    pub fn for_terminal(&self, max_chars: usize) -> String {
        let mut shown = String::new();
        for (count, c) in self.0.chars().enumerate() {
            if count == max_chars {
                shown.push('…');
                break;
            }
            if is_unprintable(c) {
                shown.extend(c.escape_unicode());
            } else {
                shown.push(c);
            }
        }
        shown
    }

    /// For a file name or a path segment of an address, see [`crate::model::slug::slug`].
    pub fn for_filename(&self) -> String {
        super::slug::slug(&self.0)
    }
}

/// True if nothing is left of a foreign text after removing white space and invisible characters.
pub fn is_blank(text: &str) -> bool {
    text.chars().all(|c| c.is_whitespace() || is_unprintable(c))
}

/// What [`Untrusted::for_page_line`] gives of a foreign text; a text that is such a line already is not copied.
pub fn page_line(text: &str, max_chars: usize) -> Cow<'_, str> {
    // Most names and many descriptions.
    if text.len() <= max_chars && is_plain_line(text) {
        return text.into();
    }
    // Most of the others: such a line, only longer.
    if let Some((whole, end)) = text.split_at_checked(max_chars)
        && end.bytes().next().is_some_and(|byte| matches!(byte, b'!'..=b'~'))
        && !whole.starts_with(' ')
        && is_plain(whole.as_bytes())
    {
        return [whole, "…"].concat().into();
    }
    let mut shown = String::with_capacity(text.len().min(max_chars.saturating_add(8)));
    let mut left = max_chars;
    for (i, word) in text.split_whitespace().enumerate() {
        let gap = (i > 0).then_some(' ');
        for c in gap.into_iter().chain(word.chars()).filter(|c| !is_unprintable(*c)) {
            if left == 0 {
                shown.push('…');
                return shown.into();
            }
            left -= 1;
            shown.push(c);
        }
    }
    shown.into()
}

/// Visible ASCII with single spaces between words, and none around them.
pub fn is_plain_line(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.first() != Some(&b' ') && bytes.last() != Some(&b' ') && is_plain(bytes)
}

/// Visible ASCII, and no two spaces side by side.
fn is_plain(bytes: &[u8]) -> bool {
    let both = |a: u8, b: u8| (a == b' ') & (b == b' ');
    every(bytes, |byte| matches!(byte, b' '..=b'~'))
        && !bytes.iter().zip(bytes.get(1..).unwrap_or_default()).fold(false, |any, (a, b)| any | both(*a, *b))
}

/// True if all bytes fit. Sixteen are looked at at once, which the compiler makes one comparison of each kind of.
#[inline]
pub fn every(bytes: &[u8], fits: impl Fn(u8) -> bool) -> bool {
    let (chunks, rest) = bytes.as_chunks::<16>();
    chunks.iter().all(|chunk| chunk.iter().fold(true, |all, byte| all & fits(*byte)))
        && rest.iter().all(|byte| fits(*byte))
}

/// True if a character is in the text that no page and no terminal shows as it is (control, turning, invisible ones).
pub fn has_unprintable(text: &str) -> bool {
    let mut rest = text;
    loop {
        let (chunks, _) = rest.as_bytes().as_chunks::<16>();
        let plain = |chunk: &&[u8; 16]| every(&chunk[..], |byte| matches!(byte, b' '..=b'~'));
        let passed = chunks.iter().take_while(plain).count() * 16;
        let mut left = rest.get(passed..).unwrap_or_default().char_indices();
        match left.find(|(_, c)| !matches!(c, ' '..='~')) {
            None => return false,
            Some((_, c)) if is_unprintable(c) => return true,
            Some(_) => rest = left.as_str(),
        }
    }
}

impl From<&str> for Untrusted {
    fn from(text: &str) -> Self {
        Self::new(text)
    }
}

impl From<String> for Untrusted {
    fn from(text: String) -> Self {
        Self(text)
    }
}

fn cut(chars: impl Iterator<Item = char>, max_chars: usize) -> String {
    let mut shown = String::new();
    for (count, c) in chars.enumerate() {
        if count == max_chars {
            shown.push('…');
            break;
        }
        shown.push(c);
    }
    shown
}

/// Control characters (C0, DEL, C1), bidi controls, zero-width and tag characters, line separators, BOM.
#[inline]
pub fn is_unprintable(c: char) -> bool {
    if c.is_ascii() {
        return c.is_ascii_control();
    }
    c.is_control()
        || matches!(c,
            '\u{00AD}' | '\u{034F}' | '\u{061C}' | '\u{115F}' | '\u{1160}' | '\u{17B4}' | '\u{17B5}'
            | '\u{180B}'..='\u{180F}' | '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}'
            | '\u{2060}'..='\u{206F}' | '\u{3164}' | '\u{FE00}'..='\u{FE0F}' | '\u{FEFF}' | '\u{FFA0}'
            | '\u{FFF9}'..='\u{FFFB}' | '\u{FFFE}'..='\u{FFFF}' | '\u{1D173}'..='\u{1D17A}'
            | '\u{E0000}'..='\u{E0FFF}')
}

/// Line and column (in characters), both from 1, of a byte offset into a file of our own or its user's.
pub fn line_and_column(text: &str, offset: usize) -> (usize, usize) {
    let before = text.get(..offset.min(text.len())).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().map_or(0, |last| last.chars().count()) + 1;
    (line, column)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_terminal_never_sees_an_escape_or_a_bidi_override() {
        let text = Untrusted::new("a\u{1b}[31m\u{202e}b\r\n");
        assert_eq!(text.for_terminal(80), "a\\u{1b}[31m\\u{202e}b\\u{d}\\u{a}");
    }

    #[test]
    fn a_plain_line_has_single_spaces_between_visible_words() {
        let long = "a word and a word and a word";
        assert!(["", "a", "a b", "~ !", long].iter().all(|text| is_plain_line(text)));
        for text in [" ", " a", "a ", "a  b", "a\tb", "é", "a\u{7f}", &format!("{long}  {long}")] {
            assert!(!is_plain_line(text), "{text:?}");
        }
        for (text, has) in [
            ("", false),
            (long, false),
            ("é\u{200b}", true),
            ("’0123456789abcdef’\n", true),
            ("\u{7f}", true),
        ] {
            assert_eq!(has_unprintable(text), has, "{text:?}");
            assert_eq!(has_unprintable(&[long, text, long].concat()), has, "{text:?}");
        }
        assert!(every(b"", |_| false) && !every(b"0123456789abcdef!", |byte| byte != b'!'));
    }

    #[test]
    fn a_plain_line_is_cut_as_any_other() {
        // Nothing is left of the first character, but the way is the long one.
        for text in ["Reads a file. Then more", " two  spaces ", "end ", "a  b", "é ab", "ab é", "a\tb c"] {
            for most in 0..=text.len() {
                let long = text.replacen(|c: char| !c.is_whitespace(), "\u{200b}$", 1);
                let first = text.trim_start().chars().next().into_iter().collect::<String>();
                let long = long.replacen('$', &first, 1);
                assert_eq!(page_line(text, most), page_line(&long, most), "{text:?} {most}");
            }
        }
    }

    #[test]
    fn a_page_keeps_line_feeds_and_loses_invisible_characters() {
        let text = Untrusted::new("one\n\u{200b}two\u{0}");
        assert_eq!(text.for_page(100), "one\ntwo");
        assert_eq!(text.for_page(2), "on…");
        for text in [" a \n b ", "a b", "a  b", " a b", "a b ", "a\u{200b} b"] {
            assert_eq!(Untrusted::new(text).for_page_line(9), "a b", "{text:?}");
        }
    }
}
