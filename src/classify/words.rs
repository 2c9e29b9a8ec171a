//! Words out of names and prose, each with its place, and the verb that a word stands for.

use std::borrow::Cow;

use super::wordset::WordMap;

/// One word: lower case, and where it stands in its text in bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Word<'a> {
    pub(super) text: Cow<'a, str>,
    pub(super) start: usize,
    pub(super) end: usize,
    /// What stood between it and the word before.
    pub(super) gap: Gap,
}

/// What separates two words, the strongest mark counting.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Gap {
    /// White space, or nothing in front of the first word.
    Space,
    Hyphen,
    Comma,
    Slash,
    /// A line feed alone.
    Line,
    /// Anything that ends a clause: `. ; : ( )`, quotes, bullets.
    Break,
}

/// How a word was bent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    Base,
    S,
    Ing,
}

/// Verbs of all verb rules: word to the rule's index.
#[derive(Debug, Default)]
pub(super) struct Lexicon(pub(super) WordMap<usize>);

impl Lexicon {
    /// The verb as spelled, or with "re" or "un" in front of one: done again, or undone.
    pub(super) fn exact(&self, word: &str) -> Option<usize> {
        self.0.get(word).copied().or_else(|| self.prefixed(word))
    }

    /// "reinvite" is what "invite" is; "unconfirm" takes something back, as "undo" does. "unread" and "reply" are neither:
    /// the rest must have some letters and be a verb.
    fn prefixed(&self, word: &str) -> Option<usize> {
        let verb = |front: &str, letters: usize| {
            word.strip_prefix(front).filter(|rest| rest.len() >= letters).and_then(|rest| self.0.get(rest))
        };
        verb("re", 4).or_else(|| verb("un", 5).and(self.0.get("undo"))).copied()
    }

    /// The verb that a word of running text is a form of, with its base.
    pub(super) fn bent<'w>(&self, word: &Cow<'w, str>) -> Option<(Cow<'w, str>, usize, Form)> {
        if let Some(rule) = self.exact(word) {
            return Some((word.clone(), rule, Form::Base));
        }
        bases(word).into_iter().flatten().find_map(|(stem, end, form)| {
            if !end.is_empty() {
                let base = format!("{stem}{end}");
                return self.exact(&base).map(|rule| (base.into(), rule, form));
            }
            let base = || match word {
                Cow::Borrowed(word) => word.get(..stem.len()).unwrap_or_default().into(),
                Cow::Owned(_) => stem.to_owned().into(),
            };
            self.exact(stem).map(|rule| (base(), rule, form))
        })
    }
}

/// What `word` may be a form of, as a stem and an ending: "creates", "applies", "fetches", "creating", "running".
fn bases(word: &str) -> [Option<(&str, &'static str, Form)>; 7] {
    let stem = |end: &str, least: usize| word.strip_suffix(end).filter(|stem| stem.len() > least);
    let (es, ing) = (stem("es", 1), stem("ing", 1));
    let doubled = ing.and_then(|stem| {
        let mut letters = stem.chars().rev();
        let last = letters.next().filter(|last| letters.next() == Some(*last))?;
        stem.strip_suffix(last)
    });
    [
        stem("ies", 1).map(|stem| (stem, "y", Form::S)),
        es.map(|stem| (stem, "", Form::S)),
        es.map(|stem| (stem, "e", Form::S)),
        stem("s", 2).filter(|stem| !stem.ends_with('s')).map(|stem| (stem, "", Form::S)),
        ing.map(|stem| (stem, "", Form::Ing)),
        ing.map(|stem| (stem, "e", Form::Ing)),
        doubled.map(|stem| (stem, "", Form::Ing)),
    ]
}

/// "labels" to "label", "boxes" to "box", "entries" to "entry": enough to compare objects with a list.
pub(super) fn singular(word: &str) -> Cow<'_, str> {
    let stem = |end: &str| word.strip_suffix(end).filter(|stem| stem.len() > 1);
    if !word.ends_with('s') {
        return word.into();
    }
    if let Some(stem) = stem("ies") {
        return format!("{stem}y").into();
    }
    for end in ["sses", "xes", "ches", "shes"] {
        if stem(end).is_some() {
            return word.strip_suffix("es").unwrap_or(word).into();
        }
    }
    match word.strip_suffix('s') {
        Some(stem) if stem.len() > 2 && !stem.ends_with(['s', 'u', 'i']) => stem.into(),
        _ => word.into(),
    }
}

/// The singular of a word, of the word's own text as far as it goes.
pub(super) fn object<'a>(word: &Word<'a>) -> (Cow<'a, str>, usize, usize) {
    let text = match &word.text {
        Cow::Borrowed(text) => singular(text),
        Cow::Owned(text) => Cow::Owned(singular(text).into_owned()),
    };
    (text, word.start, word.end)
}

/// In lower case; most words are.
fn lower(word: &str) -> Cow<'_, str> {
    if word.bytes().all(|b| b.is_ascii() && !b.is_ascii_uppercase()) {
        word.into()
    } else {
        word.to_lowercase().into()
    }
}

/// The words of a name: split at everything that is no letter or digit, and where case changes.
pub(super) fn of_name(name: &str) -> impl Iterator<Item = Word<'_>> {
    let (mut at, mut last, mut from) = (0, None::<char>, None);
    std::iter::from_fn(move || {
        loop {
            let c = match char_at(name, at) {
                Some(c) => c,
                None if from.is_some() => ' ',
                None => return None,
            };
            let here = at;
            at += c.len_utf8();
            let (before, inside) = (last.replace(c), c.is_alphanumeric());
            let turns = c.is_uppercase()
                && before.is_some_and(|b| {
                    b.is_lowercase()
                        || b.is_numeric()
                        || (b.is_uppercase() && char_at(name, at).is_some_and(char::is_lowercase))
                });
            let ended = if !inside {
                from.take()
            } else if turns {
                from.replace(here)
            } else {
                from.get_or_insert(here);
                None
            };
            if let Some(text) = ended.and_then(|start| name.get(start..here)) {
                let start = here - text.len();
                return Some(Word { text: lower(text), start, end: here, gap: Gap::Space });
            }
        }
    })
}

/// The words of running text. `_` and `'` belong to a word, so that `list_items` is no verb.
pub(super) fn of_prose(text: &str) -> impl Iterator<Item = Word<'_>> {
    let (mut at, mut gap) = (0, Gap::Space);
    std::iter::from_fn(move || {
        let start = loop {
            let c = char_at(text, at)?;
            if c.is_alphanumeric() {
                break at;
            }
            gap = gap.max(match c {
                ' ' | '\t' | '\r' | '*' | '_' | '`' => Gap::Space,
                '-' => Gap::Hyphen,
                ',' | '&' | '+' | '、' => Gap::Comma,
                '/' | '|' => Gap::Slash,
                '\n' => Gap::Line,
                _ => Gap::Break,
            });
            at += c.len_utf8();
        };
        while let Some(c) = char_at(text, at).filter(|c| c.is_alphanumeric() || matches!(c, '_' | '\'')) {
            at += c.len_utf8();
        }
        let word = lower(text.get(start..at)?);
        Some(Word { text: word, start, end: at, gap: std::mem::replace(&mut gap, Gap::Space) })
    })
}

/// The character that begins at this byte: nearly always one of ASCII, which needs no decoding.
#[inline(always)]
fn char_at(text: &str, at: usize) -> Option<char> {
    let byte = *text.as_bytes().get(at)?;
    if byte.is_ascii() { Some(byte.into()) } else { text.get(at..)?.chars().next() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_split_at_separators_and_where_case_changes() {
        let words = |name| of_name(name).map(|w| w.text).collect::<Vec<_>>();
        assert_eq!(words("VPS_resetHostnameV1"), ["vps", "reset", "hostname", "v1"]);
        assert_eq!(words("getHTTPServer-list.items/x"), ["get", "http", "server", "list", "items", "x"]);
        assert_eq!(words("éÀ日"), ["é", "à日"]);
        assert!(words("__--").is_empty());
    }

    #[test]
    fn forms_lead_back_to_their_verb() {
        let lexicon = Lexicon(
            ["create", "apply", "fetch", "run", "get"].iter().map(|w| ((*w).to_owned(), 0)).collect(),
        );
        for (word, base) in [
            ("creates", "create"),
            ("applies", "apply"),
            ("fetches", "fetch"),
            ("running", "run"),
            ("get", "get"),
        ] {
            assert_eq!(lexicon.bent(&word.into()).unwrap().0, base, "{word}");
        }
        assert!(lexicon.bent(&"created".into()).is_none() && lexicon.bent(&"gets_all".into()).is_none());
    }

    #[test]
    fn verbs_done_again_or_undone_are_verbs() {
        let words = [("invite", 1), ("confirm", 2), ("undo", 3), ("read", 4), ("ply", 5), ("play", 6)];
        let lexicon = Lexicon(words.map(|(w, rule)| (w.to_owned(), rule)).into_iter().collect());
        assert_eq!(lexicon.exact("reinvite"), Some(1));
        assert_eq!(lexicon.exact("unconfirm"), Some(3));
        assert_eq!(
            lexicon.bent(&"replays".into()).map(|(base, rule, _)| (base, rule)),
            Some(("replay".into(), 6))
        );
        for none in ["unread", "reply", "reinvent", "re", "un", "rerere"] {
            assert_eq!(lexicon.exact(none), None, "{none}");
        }
    }

    #[test]
    fn prose_keeps_what_separates_its_words() {
        let words: Vec<Word<'_>> = of_prose("Create/edit, then delete_it (now).\nEnd").collect();
        let gaps: Vec<(&str, Gap)> = words.iter().map(|w| (w.text.as_ref(), w.gap)).collect();
        assert_eq!(
            gaps,
            [
                ("create", Gap::Space),
                ("edit", Gap::Slash),
                ("then", Gap::Comma),
                ("delete_it", Gap::Space),
                ("now", Gap::Break),
                ("end", Gap::Break)
            ]
        );
    }
}
