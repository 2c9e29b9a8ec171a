//! Numbers from a seed (SplitMix64), and the mutations made with them.

use crate::naughty;

/// A source of numbers that a seed repeats.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// Below `end`; 0 if that is 0.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() >> 1).unwrap() % end.max(1)
    }

    /// True once in `of` times.
    pub(crate) fn once_in(&mut self, of: usize) -> bool {
        self.below(of) == 0
    }

    pub(crate) fn pick<'a, T: ?Sized>(&mut self, of: &[&'a T]) -> &'a T {
        of[self.below(of.len())]
    }

    /// A text: mostly short, mostly naughty.
    pub(crate) fn text(&mut self) -> String {
        match self.below(8) {
            0 => String::new(),
            1 => (0..self.below(12)).map(|_| self.letter()).collect(),
            2 => {
                ["get_", "delete_", "run", "List", "a.b", "x-"][self.below(6)].to_owned()
                    + &self.letter().to_string()
            }
            3 => {
                let letter = self.letter();
                std::iter::repeat_n(letter, 1 << self.below(9)).collect()
            }
            4 => self.text() + &self.text(),
            _ => {
                let (before, after) = naughty::CONTEXTS[self.below(naughty::CONTEXTS.len())];
                let spell = naughty::SPELLINGS[self.below(naughty::SPELLINGS.len())];
                format!("{before}{}{after}", spell(self.pick(naughty::PAYLOADS)))
            }
        }
    }

    pub(crate) fn letter(&mut self) -> char {
        let ranges = [
            (0x20, 0x7F),
            (0x20, 0x7F),
            (0x20, 0x7F),
            (0, 0x20),
            (0x7F, 0x250),
            (0x2000, 0x2100),
            (0xFE00, 0x1_0000),
            (0xE_0000, 0x11_0000),
        ];
        let (from, to): (u32, u32) = ranges[self.below(ranges.len())];
        let code = from + u32::try_from(self.below((to - from) as usize)).unwrap();
        char::from_u32(code).unwrap_or('\u{fffd}')
    }

    /// Changes bytes: flips, cuts, doubles, moves, puts in words and numbers at the edges, or joins it with another input.
    pub(crate) fn mutate(&mut self, bytes: &mut Vec<u8>, other: &[u8], words: &[&str]) {
        for _ in 0..=self.below(4) {
            let at = self.below(bytes.len() + 1);
            let end = (at + 1 + self.below(16)).min(bytes.len());
            match self.below(9) {
                0 if at < bytes.len() => bytes[at] ^= 1 << self.below(8),
                1 if at < bytes.len() => {
                    bytes[at] = [0, 0xFF, b'\n', b'"', b'\\', b'{', 0x80, 0xC0, 0x7F][self.below(9)]
                }
                2 if at < end => drop(bytes.drain(at..end)),
                3 if at < end => {
                    let piece = bytes[at..end].repeat(1 << self.below(7));
                    bytes.splice(at..at, piece);
                }
                4 if !words.is_empty() => {
                    let word = words[self.below(words.len())].as_bytes().to_vec();
                    bytes.splice(at..at, word);
                }
                5 => {
                    let text = self.text().into_bytes();
                    bytes.splice(at..at, text);
                }
                6 if !other.is_empty() => {
                    let from = self.below(other.len());
                    bytes.truncate(at);
                    bytes.extend_from_slice(&other[from..]);
                }
                7 => bytes.truncate(at),
                _ => {
                    let number =
                        ["0", "-1", "1e400", "18446744073709551616", "4294967295", "0.1", "\u{feff}", "\r\n"];
                    let number = number[self.below(number.len())].bytes();
                    bytes.splice(at..at, number);
                }
            }
        }
        bytes.truncate(60_000);
    }
}
