//! Finds the bytes of a text that markup or a script would take for its own: sixteen at once, eight in short texts, which most are.

const ONES: u64 = u64::from_ne_bytes([1; 8]);
const HIGHS: u64 = u64::from_ne_bytes([0x80; 8]);

/// Which bytes are looked for.
#[derive(Clone, Copy)]
pub(in crate::render) enum Special {
    /// `&`, `<`, `>` and both quotes: in attributes.
    Attribute,
    /// `&`, `<` and `>`: in text.
    Text,
    /// The same, and what U+2028 and U+2029 begin with: in JSON between script tags.
    Json,
}

impl Special {
    /// Where the first of them is.
    #[inline]
    pub(in crate::render) fn first(self, bytes: &[u8]) -> Option<usize> {
        let Some(last) = bytes.last_chunk::<16>() else { return self.in_few(bytes) };
        let (chunks, rest) = bytes.as_chunks::<16>();
        for (i, chunk) in chunks.iter().enumerate() {
            if self.is_in(chunk) {
                return self.place_in(chunk).map(|at| i * 16 + at);
            }
        }
        if rest.is_empty() || !self.is_in(last) {
            return None;
        }
        // Of the last sixteen the rest alone was not looked at, and those before it are none.
        self.place_in(last).map(|at| bytes.len() - 16 + at)
    }

    /// One if the byte is one of them. Numbers, of which the compiler makes one comparison for sixteen bytes.
    #[inline]
    fn is(self, byte: u8) -> u8 {
        // `&` and `'` differ in the lowest bit, `<` and `>` in the one beside it.
        let angle = u8::from(byte | 2 == b'>');
        match self {
            Self::Attribute => angle | u8::from(byte | 1 == b'\'') | u8::from(byte == b'"'),
            Self::Text => angle | u8::from(byte == b'&'),
            Self::Json => angle | u8::from(byte == b'&') | u8::from(byte == 0xE2),
        }
    }

    #[inline]
    fn is_in(self, chunk: &[u8; 16]) -> bool {
        match self {
            Self::Attribute => any(chunk, |byte| Self::Attribute.is(byte)),
            Self::Text => any(chunk, |byte| Self::Text.is(byte)),
            Self::Json => any(chunk, |byte| Self::Json.is(byte)),
        }
    }

    #[cold]
    fn place_in(self, chunk: &[u8; 16]) -> Option<usize> {
        chunk.iter().position(|byte| self.is(*byte) != 0)
    }

    /// In less than sixteen.
    #[inline]
    fn in_few(self, bytes: &[u8]) -> Option<usize> {
        if let (Some(first), Some(last)) = (bytes.first_chunk::<8>(), bytes.last_chunk::<8>()) {
            let found = self.among(u64::from_le_bytes(*first));
            if found != 0 {
                return Some(place(found));
            }
            let found = self.among(u64::from_le_bytes(*last));
            return (found != 0).then(|| bytes.len() - 8 + place(found));
        }
        bytes.iter().position(|byte| self.is(*byte) != 0)
    }

    /// The high bit of each byte that is one; above the lowest of them others may be set.
    #[inline]
    fn among(self, word: u64) -> u64 {
        // `&` and `'` differ in the lowest bit, `<` and `>` in the one beside it.
        let angles = zeros((word | (ONES * 2)) ^ each(b'>'));
        match self {
            Self::Attribute => angles | zeros((word | ONES) ^ each(b'\'')) | zeros(word ^ each(b'"')),
            Self::Text => angles | zeros(word ^ each(b'&')),
            Self::Json => angles | zeros(word ^ each(b'&')) | zeros(word ^ each(0xE2)),
        }
    }
}

/// True if one byte is wanted. The compiler looks at sixteen at once, but not where it makes one piece of this and a loop around it.
#[inline(never)]
fn any(chunk: &[u8; 16], is_wanted: impl Fn(u8) -> u8) -> bool {
    chunk.iter().fold(0, |any, byte| any | is_wanted(*byte)) != 0
}

const fn each(byte: u8) -> u64 {
    ONES * byte as u64
}

/// The high bit of each byte that is zero, and perhaps of some above it. Source: Warren, "Hacker's Delight", 6-1.
#[inline]
const fn zeros(word: u64) -> u64 {
    word.wrapping_sub(ONES) & !word & HIGHS
}

/// Which byte the lowest bit is of.
#[inline]
const fn place(found: u64) -> usize {
    (found.trailing_zeros() / 8) as usize
}

#[cfg(test)]
mod tests {
    use super::Special;

    fn one_by_one(kind: Special, bytes: &[u8]) -> Option<usize> {
        bytes.iter().position(|byte| match kind {
            Special::Attribute => b"&<>\"'".contains(byte),
            Special::Text => b"&<>".contains(byte),
            Special::Json => b"&<>\xE2".contains(byte),
        })
    }

    #[test]
    fn every_byte_is_told_at_every_place_of_every_length() {
        for kind in [Special::Attribute, Special::Text, Special::Json] {
            for length in 0..35 {
                for filling in [0, b'!', b'%', b'=', b'?', b'a', 0x7F, 0x80, 0xFF] {
                    let mut bytes = vec![filling; length];
                    assert_eq!(kind.first(&bytes), one_by_one(kind, &bytes), "{bytes:?}");
                    for at in 0..length {
                        for byte in 0..=u8::MAX {
                            bytes[at] = byte;
                            assert_eq!(kind.first(&bytes), one_by_one(kind, &bytes), "{bytes:?}");
                        }
                        bytes[at] = b'<';
                        if let Some(next) = bytes.get_mut(at + 1) {
                            *next = b'&';
                        }
                        assert_eq!(kind.first(&bytes), one_by_one(kind, &bytes), "{bytes:?}");
                        bytes.fill(filling);
                    }
                }
            }
        }
    }
}
