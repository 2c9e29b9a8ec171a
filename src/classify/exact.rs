//! Patterns that are only lists of whole texts, such as `^(?:force|confirm)$`: looked up, not searched for.

use regex_syntax::hir::literal::Extractor;
use regex_syntax::hir::{HirKind, Look};

use super::wordset::WordSet;

/// All texts that a pattern matches, where they are few, in lower case and of ASCII.
#[derive(Debug)]
pub(super) struct Texts(WordSet);

impl Texts {
    /// Reads them off a pattern, which is matched without regard to case. `None` where it is more than a list.
    pub(super) fn of(pattern: &str) -> Option<Self> {
        let parsed = regex_syntax::parse(pattern).ok()?;
        let HirKind::Concat(parts) = parsed.kind() else { return None };
        let [front, list, end] = parts.as_slice() else { return None };
        let anchored = matches!(front.kind(), HirKind::Look(Look::Start))
            && matches!(end.kind(), HirKind::Look(Look::End))
            && list.properties().look_set().is_empty();
        let found = Extractor::new().extract(list);
        let texts = found.literals().filter(|_| anchored && found.is_exact())?;
        let told =
            |bytes: &[u8]| std::str::from_utf8(bytes).ok().filter(|text| plain(text)).map(str::to_owned);
        texts.iter().map(|text| told(text.as_bytes())).collect::<Option<WordSet>>().map(Self)
    }

    /// Whether a text is one of them; `None` of one with capitals or letters outside ASCII, which may be taken for others.
    pub(super) fn has(&self, text: &str) -> Option<bool> {
        plain(text).then(|| self.0.contains(text))
    }
}

/// Of ASCII and without capitals.
fn plain(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii() && !byte.is_ascii_uppercase())
}

#[cfg(test)]
mod tests {
    use super::super::pattern::compile;
    use super::*;

    #[test]
    fn a_list_says_what_its_pattern_says() {
        for written in ["^(?:force|confirm(?:ed)?|x)$", "^code$", "^(?:api_?key|key[1-3])$"] {
            let (texts, regex) = (Texts::of(written).unwrap(), compile(written).unwrap());
            for text in [
                "force",
                "confirm",
                "confirmed",
                "x",
                "xx",
                "",
                "api_key",
                "apikey",
                "key2",
                "key4",
                "code",
                "code\n",
            ] {
                assert_eq!(texts.has(text), Some(regex.is_match(text)), "{written} and {text:?}");
            }
            assert_eq!((texts.has("FORCE"), texts.has("\u{212A}ey1")), (None, None));
        }
        for more in ["^(?:a|b)", "a|b", r"^(?:\w+_)?path$", "^a|b$", r"^a\b$", "^É$", "^Code$", "(?m)^a$"] {
            assert!(Texts::of(more).is_none(), "{more}");
        }
    }
}
