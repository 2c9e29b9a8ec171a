//! Long runs of base64 or hexadecimal digits that decode to running text.

/// Fewer digits hold no order; more are not read.
const SHORTEST: usize = 40;
const LONGEST: usize = 4_096;

/// The first run that decodes to text with words in it. Keys, hashes, identifiers, pictures and signed tokens do not.
pub(super) fn encoded(text: &str) -> Option<(usize, usize)> {
    let digit = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/' | b'-' | b'_');
    let bytes = text.as_bytes();
    let mut start = 0;
    while let Some(shortest) = bytes.get(start..start + SHORTEST) {
        // Behind the last byte that is no digit: a run from further in front would be too short.
        if let Some(last) = shortest.iter().rposition(|b| !digit(b)) {
            start += last + 1;
            continue;
        }
        let run = bytes.iter().skip(start).take_while(|b| digit(b)).count();
        let cut = bytes.get(start..start + run.min(LONGEST)).unwrap_or_default();
        if reads_as_text(&base64(cut)) || reads_as_text(&hexadecimal(cut)) {
            let padding = bytes.iter().skip(start + run).take(2).take_while(|b| **b == b'=').count();
            return Some((start, start + cut.len() + if run > LONGEST { 0 } else { padding }));
        }
        start += run;
    }
    None
}

/// The bytes that the digits stand for; both alphabets, padding left away.
fn base64(digits: &[u8]) -> Vec<u8> {
    let value = |b: u8| match b {
        b'A'..=b'Z' => b - b'A',
        b'a'..=b'z' => b - b'a' + 26,
        b'0'..=b'9' => b - b'0' + 52,
        b'+' | b'-' => 62,
        _ => 63,
    };
    let mut out = Vec::with_capacity(digits.len() * 3 / 4);
    for group in digits.chunks(4).filter(|group| group.len() > 1) {
        let bits =
            group.iter().fold(0_u32, |bits, b| bits << 6 | u32::from(value(*b))) << (6 * (4 - group.len()));
        out.extend(bits.to_be_bytes().get(1..group.len()).unwrap_or_default());
    }
    out
}

/// The bytes of pairs of hexadecimal digits; empty where another digit is among them.
fn hexadecimal(digits: &[u8]) -> Vec<u8> {
    let value = |b: &u8| char::from(*b).to_digit(16);
    let pairs = digits.chunks_exact(2);
    pairs
        .map(|pair| Some((value(pair.first()?)? * 16 + value(pair.last()?)?) as u8))
        .collect::<Option<Vec<u8>>>()
        .unwrap_or_default()
}

/// Several words, nearly all of it letters: no JSON, no key, no chance.
fn reads_as_text(bytes: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(bytes) else { return false };
    let words = text.split_whitespace().filter(|w| w.chars().all(|c| !c.is_control())).count();
    let plain = text.chars().filter(|c| c.is_alphabetic() || matches!(c, ' ' | '.' | ',' | '\'')).count();
    words >= 4 && plain * 10 >= text.chars().count() * 8 && !text.starts_with('{')
}
