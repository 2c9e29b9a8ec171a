//! Which words a text is found by. The script of the search page cuts what is typed in the same way (`site/static/search.js`).
//!
//! A word is a run of letters and digits in small letters; what is written as one with capitals inside (`getIssue`, `GitHub`) is found by
//! its parts and as a whole. Accents, width and ligatures make no difference (`spelling`). Scripts that set no spaces give a word a sign.
//! What lies beyond the first plane of Unicode is no part of a word: so words sort alike here and in a browser.

use super::frequent::hash;
use super::spelling::plain;

/// Longest word in characters; the rest of a longer one is not looked at, nor of what is typed.
pub(super) const LONGEST: usize = 40;

/// Cuts texts into words; keeps its buffers.
#[derive(Debug, Default)]
pub(super) struct Splitter {
    whole: Word,
    part: Word,
}

#[derive(Debug, Default)]
struct Word {
    text: String,
    characters: usize,
}

impl Word {
    fn push(&mut self, c: char) {
        if self.characters < LONGEST {
            self.characters += 1;
            if c.is_ascii() {
                self.text.push(c.to_ascii_lowercase());
            } else {
                self.text.extend(c.to_lowercase());
            }
        }
    }

    fn clear(&mut self) {
        self.text.clear();
        self.characters = 0;
    }
}

impl Splitter {
    /// Tells `take` each word of a text; false with one that was told in parts already.
    pub(super) fn split(&mut self, text: &str, mut take: impl FnMut(&str, bool)) {
        // Most texts: nothing is made plain, and nothing is copied.
        if text.is_ascii() {
            return self.split_ascii(text, &mut take);
        }
        let text = plain(text);
        if text.is_ascii() { self.split_ascii(&text, &mut take) } else { self.split_chars(&text, &mut take) }
    }

    fn split_ascii(&mut self, text: &str, take: &mut impl FnMut(&str, bool)) {
        // Where the run at hand begins, and where in it the last capital stands.
        let (mut from, mut capital) = (0, None);
        for (at, byte) in text.bytes().enumerate() {
            match byte {
                b'a'..=b'z' | b'0'..=b'9' => {}
                b'A'..=b'Z' => capital = Some(at - from),
                _ => {
                    self.ascii_run(text.get(from..at).unwrap_or_default(), capital, take);
                    (from, capital) = (at + 1, None);
                }
            }
        }
        self.ascii_run(text.get(from..).unwrap_or_default(), capital, take);
    }

    /// Tells a run of letters and digits, of which the last capital stands there.
    fn ascii_run(&mut self, run: &str, capital: Option<usize>, take: &mut impl FnMut(&str, bool)) {
        match capital {
            None if run.is_empty() => {}
            // Most words.
            None => take(run.get(..LONGEST).unwrap_or(run), true),
            Some(0) if run.len() < LONGEST => {
                self.whole.text.push_str(run);
                self.whole.text.make_ascii_lowercase();
                take(&self.whole.text, true);
                self.whole.clear();
            }
            Some(_) => self.split_chars(run, take),
        }
    }

    fn split_chars(&mut self, text: &str, take: &mut impl FnMut(&str, bool)) {
        let mut parts = 0;
        let mut before = Kind::Gap;
        let mut rest = text.chars();
        while let Some(c) = rest.next() {
            let kind = kind(c);
            match kind {
                Kind::Gap => parts = self.end(parts, take),
                Kind::Alone => {
                    parts = self.end(parts, take);
                    self.whole.push(c);
                    take(&self.whole.text, true);
                    self.whole.clear();
                }
                Kind::Small | Kind::Capital => {
                    let begins = kind == Kind::Capital
                        && (before == Kind::Small
                            || before == Kind::Capital
                                && rest.clone().next().is_some_and(|next| {
                                    self::kind(next) == Kind::Small && next.is_lowercase()
                                }));
                    if begins {
                        take(&self.part.text, true);
                        self.part.clear();
                        parts += 1;
                    }
                    self.part.push(c);
                    self.whole.push(c);
                }
            }
            before = kind;
        }
        self.end(parts, take);
    }

    fn end(&mut self, parts: usize, take: &mut impl FnMut(&str, bool)) -> usize {
        if self.whole.characters > 0 {
            if parts > 0 {
                take(&self.part.text, true);
            }
            take(&self.whole.text, parts == 0);
            self.part.clear();
            self.whole.clear();
        }
        0
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Gap,
    /// A letter without case, too, and a digit.
    Small,
    Capital,
    Alone,
}

fn kind(c: char) -> Kind {
    if c.is_ascii() {
        return match c {
            'a'..='z' | '0'..='9' => Kind::Small,
            'A'..='Z' => Kind::Capital,
            _ => Kind::Gap,
        };
    }
    match c {
        '\u{10000}'.. => Kind::Gap,
        // Thai, Lao, Khmer, kana, Han.
        '\u{e00}'..='\u{eff}'
        | '\u{1780}'..='\u{17ff}'
        | '\u{3040}'..='\u{30ff}'
        | '\u{3400}'..='\u{4dbf}'
        | '\u{4e00}'..='\u{9fff}'
        | '\u{f900}'..='\u{faff}'
            if c.is_alphanumeric() =>
        {
            Kind::Alone
        }
        _ if c.is_uppercase() => Kind::Capital,
        _ if c.is_alphanumeric() => Kind::Small,
        _ => Kind::Gap,
    }
}

/// What a tool is found by beside its name and the line that lists show: its title, where that has a word which the name has not, and
/// words that come later in its description. Both on a line of their own; empty if there is neither.
pub(in crate::render) fn more_words(name: &str, title: &str, line: &str, description: &str) -> String {
    /// Words of a description beyond its line.
    const FURTHER: usize = 32;
    // Most tools have neither: their words need not be looked at.
    let is_long = line.ends_with('…') && description.len() > line.len();
    if title.is_empty() && !is_long {
        return String::new();
    }
    let mut splitter = Splitter::default();
    // Hashes of words: few enough that looking at all of them is cheaper than a table. A name can have any number of them; those beyond
    // so many are not told apart.
    const KNOWN: usize = 1_000;
    let mut known: Vec<u64> = Vec::new();
    let note = |known: &mut Vec<u64>, word: &str| {
        let hash = hash(word.as_bytes());
        let is_new = !known.contains(&hash);
        if is_new && known.len() < KNOWN {
            known.push(hash);
        }
        is_new
    };
    splitter.split(name, |word, _| {
        note(&mut known, word);
    });
    let mut more = String::new();
    let mut says_more = false;
    splitter.split(title, |word, _| says_more |= !known.contains(&hash(word.as_bytes())));
    if says_more {
        more.push_str(title);
    }
    if is_long {
        splitter.split(whole_words(line), |word, _| {
            note(&mut known, word);
        });
        let mut left = FURTHER;
        let mut further = String::new();
        // In small letters, so that a word and its parts are told apart when this is read again.
        splitter.split(description, |word, _| {
            if left > 0 && note(&mut known, word) {
                left -= 1;
                further.push(' ');
                further.push_str(word);
            }
        });
        if !further.is_empty() {
            more.push('\n');
            more.push_str(further.trim_start());
        }
    }
    more
}

/// A line without the word that it was cut in.
pub(super) fn whole_words(line: &str) -> &str {
    line.strip_suffix('…').map_or(line, |cut| cut.trim_end_matches(char::is_alphanumeric))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        let mut all = Vec::new();
        Splitter::default()
            .split(text, |word, is_part| all.push(format!("{word}{}", if is_part { "" } else { "*" })));
        all
    }

    #[test]
    fn a_name_is_found_by_its_words_however_it_is_spelled() {
        for name in ["create_issue", "create-issue", "create issue", "Create.Issue", "  create//issue "] {
            assert_eq!(words(name), ["create", "issue"], "{name}");
        }
        assert_eq!(words("createIssue"), ["create", "issue", "createissue*"]);
        assert_eq!(words("GitHub"), ["git", "hub", "github*"]);
        assert_eq!(words("parseHTMLPage2"), ["parse", "html", "page2", "parsehtmlpage2*"]);
        assert_eq!(words("s3 v2 SQL"), ["s3", "v2", "sql"]);
        assert_eq!(words("ÜberÄnderung straße"), ["uber", "anderung", "uberanderung*", "strasse"]);
        assert_eq!(words("中文tool"), ["中", "文", "tool"]);
        assert_eq!(words("حذف السجل"), ["حذف", "السجل"]);
        assert_eq!(words("🙂𐐷 \u{202e}x</script>"), ["x", "script"]);
        assert_eq!(words(&"x".repeat(100)), ["x".repeat(LONGEST)]);
        assert!(words(" _-! ").is_empty());
        // Plain texts go another way than others, to the same words.
        let capitals = format!("{}B{}", "a".repeat(39), "C".repeat(9));
        let [below, at] = [38, 39].map(|small| format!("A{} b", "a".repeat(small)));
        let texts = ["Get_HTTPPage2 x9Y9z", "aBC Abc ABC", " a  B,c", "X", "\0A\u{7f}b\"C", &below, &at];
        for text in texts.into_iter().chain([capitals.as_str(), &"y".repeat(41), &"y".repeat(40)]) {
            let by_char = words(&format!("ж {text}"));
            assert_eq!(by_char.get(1..), Some(words(text).as_slice()), "{text}");
        }
    }

    /// The browser cuts the same list (`tests/pages/search.mjs`).
    #[test]
    fn the_words_are_those_of_the_search_page() {
        let list = include_str!("../../../tests/pages/words.json");
        let list: Vec<(String, String)> = serde_json::from_str(list).unwrap();
        assert!(list.len() > 40);
        for (text, wanted) in list {
            assert_eq!(words(&text).join(" "), wanted, "{text:?}");
        }
    }

    #[test]
    fn only_what_says_more_is_kept_beside_name_and_line() {
        assert_eq!(more_words("create_issue", "Create issue", "Opens one.", "Opens one."), "");
        assert_eq!(more_words("create_issue", "Open a ticket", "x", "x"), "Open a ticket");
        let long = format!("{} later words later", "many ".repeat(40));
        let line = format!("{}…", "many ".repeat(30));
        assert_eq!(more_words("x", "", &line, &long), "\nlater words");
        assert_eq!(more_words("x", "", "one tw…", "one two three four"), "\ntwo three four");
        assert_eq!(whole_words("one tw…"), "one ");
    }
}
