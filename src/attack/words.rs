//! Words of names and texts: cut where a sign stands or a capital begins, in small letters.

/// The words of a text with one space around each, so that a word or phrase is found by `" word "`. At most `most` characters
/// are read.
pub(super) fn words(text: &str, most: usize) -> String {
    if text.is_ascii() {
        return words_of_ascii(text.as_bytes().get(..most).unwrap_or(text.as_bytes()));
    }
    let mut all = String::with_capacity(text.len().min(most) + 2);
    all.push(' ');
    let mut before_small = false;
    for c in text.chars().take(most) {
        let begins = c.is_uppercase() && before_small;
        if (begins || !c.is_alphanumeric()) && !all.ends_with(' ') {
            all.push(' ');
        }
        if c.is_alphanumeric() {
            all.extend(c.to_lowercase());
        }
        before_small = c.is_lowercase() || c.is_numeric();
    }
    if !all.ends_with(' ') {
        all.push(' ');
    }
    all
}

/// Most texts.
fn words_of_ascii(text: &[u8]) -> String {
    let mut all: Vec<u8> = Vec::with_capacity(text.len() + text.len() / 8 + 2);
    all.push(b' ');
    let (mut before_small, mut before_gap) = (false, true);
    for byte in text {
        let (is_letter, is_capital) = (byte.is_ascii_alphanumeric(), byte.is_ascii_uppercase());
        if (!is_letter || (is_capital && before_small)) && !before_gap {
            all.push(b' ');
            before_gap = true;
        }
        if is_letter {
            all.push(byte.to_ascii_lowercase());
            before_gap = false;
        }
        before_small = is_letter && !is_capital;
    }
    if !before_gap {
        all.push(b' ');
    }
    String::from_utf8(all).expect("it is ASCII")
}

/// True if one of the words or phrases is in a text of [`words`]; they are as that gives them, too.
pub(super) fn has_one(text: &str, wanted: &[String]) -> bool {
    wanted.iter().any(|phrase| memchr::memmem::find(text.as_bytes(), phrase.as_bytes()).is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_whole_words_in_every_spelling() {
        assert_eq!(words("readOnly_sql-query.v2", 99), " read only sql query v2 ");
        assert_eq!(words("", 9), " ");
        // The same with a letter beyond ASCII before it, which is read by another way.
        for text in ["readOnly_sql-query.v2", "HTTPServer 2Go", " a  B_c", "x9Y9", "ß"] {
            assert_eq!(words(&format!("é {text}"), 99), format!(" é{}", words(text, 97)), "{text}");
        }
        let has = |text: &str, phrase: &str| has_one(&words(text, 999), &[words(phrase, 99)]);
        assert!(has("A READ-ONLY tool.", "read-only") && has("In a web\npage", "web page"));
        assert!(!has("selected rows", "select") && !has("spreadsheet", "read"));
    }
}
