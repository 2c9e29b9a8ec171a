//! Characters that deceive: such as have no shape, and such as look like a Latin letter and are none (`model/letters`).

use crate::model::letters::{confusable, greek, styled};

/// Characters that stand between two letters of a word and cannot be seen there.
fn splits(c: char) -> bool {
    matches!(c, '\u{200B}'..='\u{200D}' | '\u{2060}'..='\u{2064}' | '\u{FEFF}' | '\u{00AD}' | '\u{180E}' | '\u{034F}'
        | '\u{115F}' | '\u{1160}' | '\u{3164}' | '\u{FFA0}' | '\u{FE00}'..='\u{FE0F}' | '\u{E0100}'..='\u{E01EF}')
}

/// A character of the right-to-left scripts, in which marks of direction have their place.
fn right_to_left(c: char) -> bool {
    matches!(c, '\u{0590}'..='\u{08FF}' | '\u{FB1D}'..='\u{FDFF}' | '\u{FE70}'..='\u{FEFE}')
}

/// The first run of characters that hide or turn text.
///
/// Not meant: a selector or a joiner of an emoji, joiners of the Indic and Arabic scripts, a byte-order mark at the
/// front, marks of direction in Hebrew or Arabic, the flags that are spelled in tag characters.
pub(super) fn invisible(text: &str) -> Option<(usize, usize)> {
    if plain(text.as_bytes()) {
        return None;
    }
    let (mut before, mut from, mut rtl) = (None, 0, None);
    while let Some((start, c)) = text.get(from..)?.char_indices().find(|(_, c)| suspect(*c)) {
        let start = from + start;
        if start > from {
            before = text.get(..start).and_then(|front| front.chars().next_back());
        }
        let rest = text.get(start..)?;
        let count = |same: &dyn Fn(char) -> bool| rest.chars().take_while(|n| same(*n)).count();
        let run = match c {
            _ if tag(c) => count(&tag),
            _ if splits(c) => count(&splits),
            _ => 1,
        };
        let end = start + rest.chars().take(run).map(char::len_utf8).sum::<usize>();
        let letter = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
        let found = match c {
            '\u{202D}' | '\u{202E}' => true,
            '\u{202A}'..='\u{202C}' | '\u{2066}'..='\u{2069}' => {
                !*rtl.get_or_insert_with(|| text.chars().any(right_to_left))
            }
            '\u{E0000}'..='\u{E007F}' => before != Some('\u{1F3F4}') || run > 7,
            '\u{1B}' | '\u{9B}' | '\u{8}' | '\u{0}' | '\u{7F}' => true,
            _ if splits(c) => run >= 4 || (letter(before) && letter(text.get(end..)?.chars().next())),
            _ => false,
        };
        if found {
            let same = rest.chars().take_while(|n| *n == c).map(char::len_utf8).sum::<usize>();
            return Some((start, end.max(start + same)));
        }
        before = Some(c);
        from = end;
    }
    None
}

/// Whether a text is of ASCII's visible characters, spaces, tabs and line ends alone. Eight bytes at a time.
fn plain(text: &[u8]) -> bool {
    const ONES: u64 = u64::MAX / 0xFF;
    const HIGH: u64 = ONES << 7;
    // The high bit of each byte that is none of them, or perhaps stands behind one.
    let odd = |eight: u64| {
        (eight | eight.wrapping_sub(ONES * 0x20) | (eight ^ (ONES * 0x7F)).wrapping_sub(ONES)) & HIGH
    };
    let fine = |b: &u8| matches!(b, b' '..=b'~' | b'\t' | b'\n' | b'\r');
    let (eights, rest) = text.as_chunks::<8>();
    let last = text.last_chunk::<8>();
    eights.iter().all(|eight| odd(u64::from_le_bytes(*eight)) == 0 || eight.iter().all(fine))
        && last.map_or_else(
            || rest.iter().all(fine),
            |last| odd(u64::from_le_bytes(*last)) == 0 || last.iter().all(fine),
        )
}

/// A character that may deceive, depending on those around it.
fn suspect(c: char) -> bool {
    let printable = (' '..='~').contains(&c);
    !printable
        && (splits(c)
            || tag(c)
            || matches!(c, '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}' | '\u{1B}' | '\u{9B}' | '\u{8}' | '\u{0}' | '\u{7F}'))
}

fn tag(c: char) -> bool {
    matches!(c, '\u{E0000}'..='\u{E007F}')
}

/// The first word of a name in which a look-alike stands among Latin letters, or which is made of look-alikes alone
/// beside Latin words.
///
/// A name wholly in another script is none, nor is a word with a letter that only that script has.
pub(super) fn lookalike(name: &str) -> Option<(usize, usize)> {
    if name.is_ascii() {
        return None;
    }
    let mut words: Vec<(usize, usize)> = Vec::new();
    let mut from = None;
    for (at, c) in name.char_indices().chain([(name.len(), ' ')]) {
        match (c.is_alphabetic(), from) {
            (true, None) => from = Some(at),
            (false, Some(start)) => {
                words.push((start, at));
                from = None;
            }
            _ => {}
        }
    }
    let word = |(start, end): (usize, usize)| name.get(start..end).unwrap_or_default();
    let latin_beside = words.iter().any(|w| word(*w).len() > 1 && word(*w).is_ascii());
    words.into_iter().find(|span| {
        let text = word(*span);
        let alike = text.chars().filter(|c| confusable(*c)).count();
        let latin = text.chars().filter(char::is_ascii_alphabetic).count();
        let count = text.chars().count();
        // One Greek letter in front of a short word is a unit or a difference: Δt, µs.
        let symbol = count <= 3 && text.chars().all(|c| c.is_ascii() || greek(c));
        let mixed = latin > 0 && alike > 0 && alike + latin == count && !symbol;
        mixed || (alike == count && count >= 3 && (latin_beside || text.chars().all(styled)))
    })
}
