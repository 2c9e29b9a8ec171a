//! Words out of names and prose, each with its place, and the verb that a word stands for.

use std::collections::HashMap;

/// One word: lower case, and where it stands in its text in bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Word {
    pub(super) text: String,
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
pub(super) struct Lexicon(pub(super) HashMap<String, usize>);

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
    pub(super) fn bent(&self, word: &str) -> Option<(String, usize, Form)> {
        if let Some(rule) = self.exact(word) {
            return Some((word.to_owned(), rule, Form::Base));
        }
        bases(word).into_iter().find_map(|(base, form)| self.exact(&base).map(|rule| (base, rule, form)))
    }
}

/// What `word` may be a form of: "creates", "applies", "fetches", "creating", "running".
fn bases(word: &str) -> Vec<(String, Form)> {
    let mut bases = Vec::new();
    if let Some(stem) = word.strip_suffix("ies").filter(|s| s.len() > 1) {
        bases.push((format!("{stem}y"), Form::S));
    }
    if let Some(stem) = word.strip_suffix("es").filter(|s| s.len() > 1) {
        bases.push((stem.to_owned(), Form::S));
        bases.push((format!("{stem}e"), Form::S));
    }
    if let Some(stem) = word.strip_suffix('s').filter(|s| s.len() > 2 && !s.ends_with('s')) {
        bases.push((stem.to_owned(), Form::S));
    }
    if let Some(stem) = word.strip_suffix("ing").filter(|s| s.len() > 1) {
        bases.push((stem.to_owned(), Form::Ing));
        bases.push((format!("{stem}e"), Form::Ing));
        let mut letters = stem.chars().rev();
        if let (Some(last), Some(before)) = (letters.next(), letters.next())
            && last == before
        {
            bases.push((stem.chars().take(stem.chars().count() - 1).collect(), Form::Ing));
        }
    }
    bases
}

/// "labels" to "label", "boxes" to "box", "entries" to "entry": enough to compare objects with a list.
pub(super) fn singular(word: &str) -> String {
    for (end, with) in [("ies", "y"), ("sses", "ss"), ("xes", "x"), ("ches", "ch"), ("shes", "sh")] {
        if let Some(stem) = word.strip_suffix(end).filter(|s| s.len() > 1) {
            return format!("{stem}{with}");
        }
    }
    match word.strip_suffix('s') {
        Some(stem) if stem.len() > 2 && !stem.ends_with(['s', 'u', 'i']) => stem.to_owned(),
        _ => word.to_owned(),
    }
}

/// The words of a name: split at everything that is no letter or digit, and where case changes.
pub(super) fn of_name(name: &str) -> Vec<Word> {
    let letters: Vec<(usize, char)> = name.char_indices().collect();
    let mut words: Vec<Word> = Vec::new();
    let mut from: Option<usize> = None;
    let mut finish = |from: &mut Option<usize>, to: usize| {
        if let Some(start) = from.take()
            && let Some(text) = name.get(start..to)
        {
            words.push(Word { text: text.to_lowercase(), start, end: to, gap: Gap::Space });
        }
    };
    for (i, &(at, c)) in letters.iter().enumerate() {
        if !c.is_alphanumeric() {
            finish(&mut from, at);
            continue;
        }
        let before = i.checked_sub(1).and_then(|p| letters.get(p)).map(|(_, c)| *c);
        let after = letters.get(i + 1).map(|(_, c)| *c);
        let turns = c.is_uppercase()
            && before.is_some_and(|b| {
                b.is_lowercase()
                    || b.is_numeric()
                    || (b.is_uppercase() && after.is_some_and(char::is_lowercase))
            });
        if turns {
            finish(&mut from, at);
        }
        from.get_or_insert(at);
    }
    finish(&mut from, name.len());
    words
}

/// The words of running text. `_` and `'` belong to a word, so that `list_items` is no verb.
pub(super) fn of_prose(text: &str) -> Vec<Word> {
    let mut words = Vec::new();
    let mut from: Option<usize> = None;
    let mut gap = Gap::Space;
    for (at, c) in text.char_indices().chain([(text.len(), ' ')]) {
        if c.is_alphanumeric() || (from.is_some() && matches!(c, '_' | '\'')) {
            from.get_or_insert(at);
            continue;
        }
        if let Some(start) = from.take()
            && let Some(word) = text.get(start..at)
        {
            words.push(Word { text: word.to_lowercase(), start, end: at, gap });
            gap = Gap::Space;
        }
        gap = gap.max(match c {
            ' ' | '\t' | '\r' | '*' | '_' | '`' => Gap::Space,
            '-' => Gap::Hyphen,
            ',' | '&' | '+' | '、' => Gap::Comma,
            '/' | '|' => Gap::Slash,
            '\n' => Gap::Line,
            _ => Gap::Break,
        });
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_split_at_separators_and_where_case_changes() {
        let words = |name| of_name(name).into_iter().map(|w| w.text).collect::<Vec<_>>();
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
            assert_eq!(lexicon.bent(word).unwrap().0, base, "{word}");
        }
        assert!(lexicon.bent("created").is_none() && lexicon.bent("gets_all").is_none());
    }

    #[test]
    fn verbs_done_again_or_undone_are_verbs() {
        let words = [("invite", 1), ("confirm", 2), ("undo", 3), ("read", 4), ("ply", 5), ("play", 6)];
        let lexicon = Lexicon(words.map(|(w, rule)| (w.to_owned(), rule)).into_iter().collect());
        assert_eq!(lexicon.exact("reinvite"), Some(1));
        assert_eq!(lexicon.exact("unconfirm"), Some(3));
        assert_eq!(lexicon.bent("replays").map(|(base, rule, _)| (base, rule)), Some(("replay".to_owned(), 6)));
        for none in ["unread", "reply", "reinvent", "re", "un", "rerere"] {
            assert_eq!(lexicon.exact(none), None, "{none}");
        }
    }

    #[test]
    fn prose_keeps_what_separates_its_words() {
        let words = of_prose("Create/edit, then delete_it (now).\nEnd");
        let gaps: Vec<(&str, Gap)> = words.iter().map(|w| (w.text.as_str(), w.gap)).collect();
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
