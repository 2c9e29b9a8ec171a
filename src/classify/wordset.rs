//! Sets of words from the rules, for many short look-ups: words of foreign texts are only looked up in them, never put in,
//! so that nobody can choose words that collide.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasherDefault, Hasher};

/// A set of words.
pub(super) type WordSet = HashSet<String, BuildHasherDefault<WordHasher>>;
/// Words with something about each.
pub(super) type WordMap<T> = HashMap<String, T, BuildHasherDefault<WordHasher>>;

/// Eight bytes at a time, multiplied.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct WordHasher(u64);

impl WordHasher {
    fn add(&mut self, number: u64) {
        self.0 = (self.0.rotate_left(23) ^ number).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    }
}

impl Hasher for WordHasher {
    fn write(&mut self, bytes: &[u8]) {
        let (eights, rest) = bytes.as_chunks::<8>();
        eights.iter().for_each(|eight| self.add(u64::from_le_bytes(*eight)));
        // The last bytes may be taken twice.
        match (bytes.last_chunk::<8>(), rest.first_chunk::<4>(), rest.last_chunk::<4>()) {
            _ if rest.is_empty() => {}
            (Some(last), ..) => self.add(u64::from_le_bytes(*last)),
            (None, Some(first), Some(last)) => {
                self.add(u64::from(u32::from_le_bytes(*first)) << 32 | u64::from(u32::from_le_bytes(*last)));
            }
            _ => self.add(rest.iter().fold(0, |number, byte| number << 8 | u64::from(*byte))),
        }
    }

    fn write_u8(&mut self, _: u8) {
        // What ends a text: words are hashed alone.
    }

    fn finish(&self) -> u64 {
        // The table takes its low and its highest bits.
        self.0 ^ self.0 >> 32
    }
}
