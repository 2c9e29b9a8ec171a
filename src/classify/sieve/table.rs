//! All pieces at once: which of them begin at each byte of a text.

use std::ops::Range;

use super::pieces::{COMPARED, Piece, SHORTEST, in_word};

/// Sets the bit that tells a small letter of ASCII from a capital one. It makes other bytes alike as well, which lets more
/// through and nothing less.
const FOLD: u64 = 0x2020_2020_2020_2020;
/// A power of two, and so many that few keys share one.
const SLOTS: usize = 1 << 15;
/// A piece may begin where no word goes on.
const AT_WORD: u8 = 1;
/// A piece may begin in the middle of a word.
const INSIDE: u8 = 2;
/// So many pieces of a bucket are gone through one by one.
const FEW: usize = 8;
/// Bytes of the longest short piece.
const SHORT: usize = SHORTEST + 1;

/// Pieces by where they may begin and by their first bytes.
#[derive(Debug)]
pub(super) struct Table {
    /// Which pieces may begin with these three bytes: most places of a text end here.
    marks: Box<[u8; SLOTS]>,
    at_word: Pieces,
    /// In the middle of a word.
    inside: Pieces,
}

#[derive(Debug, Default)]
struct Pieces {
    long: Buckets<4>,
    short: Buckets<SHORT>,
}

/// Pieces by their first so many bytes.
#[derive(Debug)]
struct Buckets<const BYTES: usize> {
    /// A bit for every slot that is not empty: small enough to be near at hand.
    filter: Box<[u64; SLOTS / 64]>,
    /// Of every slot the number of its pieces' bucket and one more, or zero.
    slots: Box<[u16; SLOTS]>,
    buckets: Vec<Bucket>,
}

/// Pieces that begin alike, by their lengths and then in the order of their texts.
#[derive(Debug, Default)]
struct Bucket {
    entries: Vec<Entry>,
    /// Of each length, as a mask, how many there are; empty where going through all of them is quicker.
    lengths: Vec<(u64, usize)>,
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
        let mut marks = Box::new([0; SLOTS]);
        let (mut at_word, mut inside) = (Pieces::default(), Pieces::default());
        for (number, piece) in pieces.enumerate() {
            let mask = u64::MAX >> (64 - 8 * piece.text.len());
            let entry = Entry { text: (piece.number() | FOLD) & mask, mask, number };
            let inside = (!piece.at_word).then_some((&mut inside, INSIDE));
            for (Pieces { long, short }, mark) in std::iter::once((&mut at_word, AT_WORD)).chain(inside) {
                let mut add = |text| marks[slot::<SHORT>(text)] |= mark;
                match piece.text.len() {
                    SHORTEST => thirds(entry.text).for_each(&mut add),
                    _ => add(entry.text),
                }
                match piece.text.len() {
                    SHORTEST => short.add_whatever_follows(entry),
                    SHORT => short.add(entry, entry.text),
                    _ => long.add(entry, entry.text),
                }
            }
        }
        Self { marks, at_word, inside }
    }

    /// Calls `found` with the number of every piece that begins in this part of a text.
    pub(super) fn each(&self, text: &[u8], part: Range<usize>, mut found: impl FnMut(usize)) {
        let inside = part.start.checked_sub(1).and_then(|at| text.get(at)).is_some_and(|b| in_word(*b));
        // Nearly everywhere a whole window is there. The rest is copied, with nothing behind it.
        let rest = text.len().saturating_sub(COMPARED - 1).clamp(part.start, part.end.max(part.start));
        let mut last = [0; 2 * COMPARED];
        for (to, byte) in last.iter_mut().zip(text.get(rest..).unwrap_or_default()) {
            *to = *byte;
        }
        let whole = text.get(part.start..rest + COMPARED - 1);
        let inside = self.scan(whole.unwrap_or_default(), inside, &mut found);
        let last = last.get(..part.end.saturating_sub(rest) + COMPARED - 1);
        self.scan(last.unwrap_or_default(), inside, &mut found);
    }

    /// Goes from byte to byte up to the last whole window; `inside`: a word ends or goes on with the first.
    fn scan(&self, text: &[u8], mut inside: bool, found: &mut impl FnMut(usize)) -> bool {
        for window in text.windows(COMPARED) {
            let window = window.first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes));
            let here = in_word(window as u8);
            let mark = if inside & here { INSIDE } else { AT_WORD };
            inside = here;
            let window = window | FOLD;
            if self.marks[slot::<SHORT>(window)] & mark != 0 {
                let pieces = if mark == INSIDE { &self.inside } else { &self.at_word };
                pieces.each(window, found);
            }
        }
        inside
    }
}

/// Where the first so many bytes are looked up.
#[inline(always)]
fn slot<const BYTES: usize>(window: u64) -> usize {
    let key = window & (u64::MAX >> (64 - 8 * BYTES));
    (key.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> (64 - SLOTS.ilog2())) as usize
}

/// Two bytes, and each third that a folded window may have behind them.
fn thirds(text: u64) -> impl Iterator<Item = u64> {
    (0..=u8::MAX)
        .filter(|third| u64::from(*third) & FOLD != 0)
        .map(move |third| text | u64::from(third) << 16)
}

impl Pieces {
    /// Those that a text begins with.
    #[inline(always)]
    fn each(&self, window: u64, found: &mut impl FnMut(usize)) {
        if self.long.marks(window) {
            self.long.each(window, found);
        }
        if self.short.marks(window) {
            self.short.each(window, found);
        }
    }
}

impl<const BYTES: usize> Default for Buckets<BYTES> {
    fn default() -> Self {
        let (filter, slots) = (Box::new([0; SLOTS / 64]), Box::new([0; SLOTS]));
        Self { filter, slots, buckets: Vec::new() }
    }
}

impl<const BYTES: usize> Buckets<BYTES> {
    /// Adds a piece that is found where a text begins with this.
    fn add(&mut self, entry: Entry, text: u64) {
        let slot = slot::<BYTES>(text);
        if self.slots[slot] == 0 {
            self.buckets.push(Bucket::default());
            self.slots[slot] = self.buckets.len() as u16;
        }
        self.filter[slot / 64] |= 1 << (slot % 64);
        if let Some(bucket) = self.buckets.get_mut(usize::from(self.slots[slot]) - 1) {
            bucket.add(entry);
        }
    }

    /// Adds a piece of one byte less than the key.
    fn add_whatever_follows(&mut self, entry: Entry) {
        for text in thirds(entry.text) {
            self.add(entry, text);
        }
    }

    #[inline(always)]
    fn marks(&self, window: u64) -> bool {
        let slot = slot::<BYTES>(window);
        self.filter[slot / 64] >> (slot % 64) & 1 == 1
    }

    #[inline(never)]
    fn each(&self, window: u64, found: &mut impl FnMut(usize)) {
        let bucket = usize::from(self.slots[slot::<BYTES>(window)]);
        let Some(bucket) = bucket.checked_sub(1).and_then(|at| self.buckets.get(at)) else { return };
        if bucket.lengths.is_empty() {
            for entry in &bucket.entries {
                if window & entry.mask == entry.text {
                    found(entry.number);
                }
            }
            return;
        }
        let mut entries = bucket.entries.as_slice();
        for (mask, count) in &bucket.lengths {
            let (these, others) = entries.split_at(*count);
            let text = window & mask;
            let from = these.partition_point(|entry| entry.text < text);
            for entry in these.iter().skip(from).take_while(|entry| entry.text == text) {
                found(entry.number);
            }
            entries = others;
        }
    }
}

impl Bucket {
    fn add(&mut self, entry: Entry) {
        let order = |entry: &Entry| (entry.mask, entry.text);
        let at = self.entries.partition_point(|known| order(known) <= order(&entry));
        self.entries.insert(at, entry);
        if self.entries.len() > FEW {
            let of_one_length = self.entries.chunk_by(|a, b| a.mask == b.mask);
            self.lengths = of_one_length.filter_map(|all| Some((all.first()?.mask, all.len()))).collect();
        }
    }
}
