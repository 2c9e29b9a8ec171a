//! Words of names and texts: cut where a sign stands or a capital begins, in small letters.

/// The words of a text with one space around each, so that a word or phrase is found by `" word "`. At most `most` characters
/// are read.
pub(super) fn words(text: &str, most: usize) -> String {
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

/// True if one of the words or phrases is in a text of [`words`].
pub(super) fn has_one(text: &str, wanted: &[String]) -> bool {
    wanted.iter().any(|phrase| text.contains(words(phrase, usize::MAX).as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_whole_words_in_every_spelling() {
        assert_eq!(words("readOnly_sql-query.v2", 99), " read only sql query v2 ");
        assert_eq!(words("", 9), " ");
        let has = |text: &str, phrase: &str| has_one(&words(text, 999), &[phrase.to_owned()]);
        assert!(has("A READ-ONLY tool.", "read-only") && has("In a web\npage", "web page"));
        assert!(!has("selected rows", "select") && !has("spreadsheet", "read"));
    }
}
