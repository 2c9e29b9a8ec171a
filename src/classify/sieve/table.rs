//! All pieces at once: which of them begin at each byte of a text.

use std::ops::Range;

use super::pieces::{COMPARED, Piece, SHORTEST, in_word};

/// Sets the bit that tells a small letter of ASCII from a capital one. It makes other bytes alike as well, which lets more
/// through and nothing less.
const FOLD: u64 = 0x2020_2020_2020_2020;
/// A power of two, and so many that few keys share one.
const SLOTS: usize = 1 << 16;
/// Bytes of the longest short piece.
const SHORT: usize = SHORTEST + 1;

/// Pieces by where they may begin and by their first bytes.
#[derive(Debug)]
pub(super) struct Table {
    at_word: [Buckets; 2],
    /// In the middle of a word.
    inside: [Buckets; 2],
}

/// Pieces by their first bytes: by four of them, or for short pieces by three.
#[derive(Debug)]
struct Buckets {
    key: u64,
    /// A bit for every slot that is not empty: small enough to be near at hand.
    filter: Box<[u64; SLOTS / 64]>,
    /// Of every slot the number of its pieces' bucket and one more, or zero.
    slots: Box<[u16; SLOTS]>,
    buckets: Vec<Vec<Entry>>,
}

#[derive(Debug, Clone, Copy)]
struct Entry {
    text: u64,
    mask: u64,
    number: usize,
}

impl Table {
    /// Numbers the pieces in their order.
    pub(super) fn of<'p>(pieces: impl Iterator<Item = &'p Piece>) -> Self {
        let empty = || [Buckets::by(4), Buckets::by(SHORT)];
        let mut table = Self { at_word: empty(), inside: empty() };
        for (number, piece) in pieces.enumerate() {
            let mask = u64::MAX >> (64 - 8 * piece.text.len());
            let entry = Entry { text: (piece.number() | FOLD) & mask, mask, number };
            let inside = (!piece.at_word).then_some(&mut table.inside);
            for [long, short] in std::iter::once(&mut table.at_word).chain(inside) {
                match piece.text.len() {
                    SHORTEST => short.add_whatever_follows(entry),
                    SHORT => short.add(entry, entry.text),
                    _ => long.add(entry, entry.text),
                }
            }
        }
        table
    }

    /// Calls `found` with the number of every piece that begins in this part of a text.
    pub(super) fn each(&self, text: &[u8], part: Range<usize>, mut found: impl FnMut(usize)) {
        let mut inside = part.start.checked_sub(1).and_then(|at| text.get(at)).is_some_and(|b| in_word(*b));
        // Nearly everywhere a whole window is there. The rest is copied, with nothing behind it.
        let rest = text.len().saturating_sub(COMPARED - 1).clamp(part.start, part.end.max(part.start));
        let mut last = [0; 2 * COMPARED];
        for (to, byte) in last.iter_mut().zip(text.get(rest..).unwrap_or_default()) {
            *to = *byte;
        }
        let whole = text.get(part.start..).unwrap_or_default().windows(COMPARED).take(rest - part.start);
        for window in whole.chain(last.windows(COMPARED).take(part.end.saturating_sub(rest))) {
            if let Some(bytes) = window.first_chunk() {
                inside = self.at(u64::from_le_bytes(*bytes), inside, &mut found);
            }
        }
    }

    /// The pieces that a text begins with from here on, which is `inside` if a word ends or goes on here. Whether it does
    /// behind the first byte.
    #[inline(always)]
    fn at(&self, window: u64, inside: bool, found: &mut impl FnMut(usize)) -> bool {
        let here = in_word(window as u8);
        let window = window | FOLD;
        if inside && here {
            self.inside[0].each(window, found);
            if !self.inside[1].buckets.is_empty() {
                self.inside[1].each(window, found);
            }
        } else {
            self.at_word[0].each(window, found);
            self.at_word[1].each(window, found);
        }
        here
    }
}

impl Buckets {
    /// Empty, by so many bytes.
    fn by(bytes: usize) -> Self {
        let (filter, slots) = (Box::new([0; SLOTS / 64]), Box::new([0; SLOTS]));
        Self { key: u64::MAX >> (64 - 8 * bytes), filter, slots, buckets: Vec::new() }
    }

    fn slot(&self, window: u64) -> usize {
        ((window & self.key).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> (64 - SLOTS.ilog2())) as usize
    }

    /// Adds a piece that is found where a text begins with this.
    fn add(&mut self, entry: Entry, text: u64) {
        let slot = self.slot(text);
        if self.slots[slot] == 0 {
            self.buckets.push(Vec::new());
            self.slots[slot] = self.buckets.len() as u16;
        }
        self.filter[slot / 64] |= 1 << (slot % 64);
        if let Some(bucket) = self.buckets.get_mut(usize::from(self.slots[slot]) - 1) {
            bucket.push(entry);
        }
    }

    /// Adds a piece of one byte less than the key.
    fn add_whatever_follows(&mut self, entry: Entry) {
        let followed = |third: u8| entry.text | u64::from(third) << 16;
        for third in (0..=u8::MAX).filter(|third| u64::from(*third) & FOLD != 0) {
            self.add(entry, followed(third));
        }
    }

    #[inline]
    fn each(&self, window: u64, found: &mut impl FnMut(usize)) {
        let slot = self.slot(window);
        if self.filter[slot / 64] >> (slot % 64) & 1 == 1 {
            let bucket = usize::from(self.slots[slot]).checked_sub(1).and_then(|at| self.buckets.get(at));
            for entry in bucket.into_iter().flatten() {
                if window & entry.mask == entry.text {
                    found(entry.number);
                }
            }
        }
    }
}
