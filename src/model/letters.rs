//! Letters of other scripts that cannot be told from a Latin letter in most typefaces, and the Latin letter of each.
//!
//! Shared by the findings on a tool's text and by the comparison of names.

const CYRILLIC: (&str, &str) =
    ("абвеёикмнорстухьіїјѕһԁԛԝӏАВЕЅІЈКМНОРСТУХҮԚԜ", "a6beeukmhopctyxbiijshdqwlABESIJKMHOPCTYXYQW");
const GREEK: (&str, &str) = ("αικνορτυχωΑΒΕΖΗΙΚΜΝΟΡΤΥΧ", "aikvoptuxwABEZHIKMNOPTYX");
const OTHER: (&str, &str) = ("ɑɡıɩʏօսցԱՕՍհոռᎪᎬᎢᏟᏴᏙᏀᎻᎫᏦᏞᎷᏢᏒᏚᎿᏔᎩ", "agiiyougUOUhnnAETCBVGHJKLMPRSHWY");

/// A letter that looks Latin and is not.
pub fn confusable(c: char) -> bool {
    [CYRILLIC, GREEK, OTHER].iter().any(|(letters, _)| letters.contains(c)) || styled(c)
}

/// A Greek letter of those that look Latin.
pub fn greek(c: char) -> bool {
    GREEK.0.contains(c)
}

/// Latin letters at another place: full-width and mathematical ones.
pub fn styled(c: char) -> bool {
    matches!(c, '\u{FF21}'..='\u{FF3A}' | '\u{FF41}'..='\u{FF5A}' | '\u{1D400}'..='\u{1D7FF}')
}

/// The Latin letter that a character looks like; itself where it is none of them.
pub fn latin_of(c: char) -> char {
    if c.is_ascii() {
        return c;
    }
    let full_width =
        matches!(c, '\u{FF10}'..='\u{FF5A}').then(|| u32::from(c) - 0xFEE0).and_then(char::from_u32);
    // Thirteen alphabets of 52 letters each; what is beyond them is Greek and digits.
    let mathematical =
        matches!(c, '\u{1D400}'..='\u{1D6A3}').then(|| (u32::from(c) - 0x1D400) % 52).map(|place| {
            let offset = u8::try_from(place % 26).unwrap_or_default();
            char::from(if place < 26 { b'A' + offset } else { b'a' + offset })
        });
    let listed = || {
        let pairs = [CYRILLIC, GREEK, OTHER].into_iter().flat_map(|(from, to)| from.chars().zip(to.chars()));
        pairs.into_iter().find(|(from, _)| *from == c).map(|(_, to)| to)
    };
    full_width.or(mathematical).or_else(listed).unwrap_or(c)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_letter_has_the_latin_one_it_looks_like() {
        for (letters, latin) in [CYRILLIC, GREEK, OTHER] {
            assert_eq!(letters.chars().count(), latin.chars().count(), "{letters}");
            assert!(latin.is_ascii() && letters.chars().all(|c| !c.is_ascii() && confusable(c)));
        }
        let folded: String = "gіthυb-ｍcp 𝐚𝗓".chars().map(latin_of).collect();
        assert_eq!(folded, "github-mcp az");
        assert_eq!(latin_of('ж'), 'ж');
    }
}
