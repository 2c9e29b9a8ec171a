//! One spelling for what is written alike: `café` and `cafe`, `ＡＢＣ` and `ABC`, `ﬁle` and `file`, `straße` and `strasse`.
//!
//! The script of the search page does the same (`plain` in `site/static/search.js`); a list of texts goes through both
//! (`tests/pages/words.json`). Signs are taken apart (NFKD), the marks below left out, and what is left put together again
//! (NFC). Marks that are vowels or voices of their script (Devanagari, Thai, kana) are letters of a word there, and stay.

use std::borrow::Cow;

use icu_normalizer::{ComposingNormalizerBorrowed, DecomposingNormalizerBorrowed};

/// The text in that spelling. Texts in it, which ASCII is, are not copied.
pub(super) fn plain(text: &str) -> Cow<'_, str> {
    if text.is_ascii() {
        return Cow::Borrowed(text);
    }
    let mut apart = DecomposingNormalizerBorrowed::new_nfkd().normalize(text);
    if apart.chars().any(|c| is_mark(c) || matches!(c, 'ß' | 'ẞ')) {
        let mut left = String::with_capacity(apart.len());
        for c in apart.chars().filter(|c| !is_mark(*c)) {
            match c {
                'ß' => left.push_str("ss"),
                'ẞ' => left.push_str("SS"),
                _ => left.push(c),
            }
        }
        apart = Cow::Owned(left);
    }
    if apart.is_ascii() {
        return apart;
    }
    match ComposingNormalizerBorrowed::new_nfc().normalize(&apart) {
        Cow::Borrowed(_) => apart,
        Cow::Owned(together) => Cow::Owned(together),
    }
}

/// Accents of any script, points of Hebrew and Arabic, and selectors of a sign's look. The script has the same list.
fn is_mark(c: char) -> bool {
    matches!(c,
        '\u{300}'..='\u{36f}'
        | '\u{591}'..='\u{5bd}'
        | '\u{5bf}' | '\u{5c1}' | '\u{5c2}' | '\u{5c4}' | '\u{5c5}' | '\u{5c7}'
        | '\u{64b}'..='\u{65f}'
        | '\u{670}'
        | '\u{1ab0}'..='\u{1aff}'
        | '\u{1dc0}'..='\u{1dff}'
        | '\u{20d0}'..='\u{20ff}'
        | '\u{fe00}'..='\u{fe0f}'
        | '\u{fe20}'..='\u{fe2f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_alike_is_one_text() {
        for (text, wanted) in [
            ("café", "cafe"),
            ("cafe\u{301}", "cafe"),
            ("Ｄｅｌｅｔｅ＿Ｕｓｅｒ１", "Delete_User1"),
            ("ﬁle №5", "file No5"),
            ("Straße STRAẞE", "Strasse STRASSE"),
            ("İstanbul", "Istanbul"),
            ("ﾃﾞｰﾀ", "データ"),
            ("한글", "한글"),
            ("हिन्दी", "हिन्दी"),
            ("مُحَمَّد", "محمد"),
            ("ёлка", "елка"),
            ("𝐛𝐨𝐥𝐝", "bold"),
        ] {
            assert_eq!(plain(text), wanted, "{text}");
            assert_eq!(plain(wanted), wanted, "{text}: twice is no other than once");
        }
    }

    #[test]
    fn a_text_in_that_spelling_is_not_copied() {
        for text in ["delete_user", "a — “b”", "中文", "наука", "حذف"] {
            assert!(matches!(plain(text), Cow::Borrowed(_)), "{text}");
        }
    }
}
