//! All pieces at once: which of them begin at each byte of a text.

use std::ops::Range;

use super::pieces::{COMPARED, Piece, SHORTEST, in_word};

/// Sets the bit that tells a small letter of ASCII from a capital one. It makes other bytes alike as well, which lets more
/// through and nothing less.
const FOLD: u64 = 0x2020_2020_2020_2020;
/// A power of two, and so many that few keys share one.
const SLOTS: usize = 1 << 15;
/// Two bytes.
const PAIRS: usize = 1 << 16;
/// So many pieces of a bucket are gone through one by one.
const FEW: usize = 8;
/// Bytes of the longest short piece.
const SHORT: usize = SHORTEST + 1;

/// Pieces by where they may begin and by their first bytes.
#[derive(Debug)]
pub(super) struct Table {
    at_word: Pieces,
    /// In the middle of a word.
    inside: Pieces,
}

#[derive(Debug)]
struct Pieces {
    /// A bit for every two bytes that a piece begins with: most places of a text end here.
    pairs: Box<[u64; PAIRS / 64]>,
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
        let mut table = Self { at_word: Pieces::default(), inside: Pieces::default() };
        for (number, piece) in pieces.enumerate() {
            let mask = u64::MAX >> (64 - 8 * piece.text.len());
            let entry = Entry { text: (piece.number() | FOLD) & mask, mask, number };
            let inside = (!piece.at_word).then_some(&mut table.inside);
            for Pieces { pairs, long, short } in std::iter::once(&mut table.at_word).chain(inside) {
                let pair = pair_of(entry.text);
                pairs[pair / 64] |= 1 << (pair % 64);
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
        let inside = part.start.checked_sub(1).and_then(|at| text.get(at)).is_some_and(|b| in_word(*b));
        // Nearly everywhere a whole window is there. The rest is copied, with nothing behind it.
        let rest = text.len().saturating_sub(COMPARED - 1).clamp(part.start, part.end.max(part.start));
        let mut last = [0; 2 * COMPARED];
        for (to, byte) in last.iter_mut().zip(text.get(rest..).unwrap_or_default()) {
            *to = *byte;
        }
        let whole = text.get(part.start..).unwrap_or_default().windows(COMPARED).take(rest - part.start);
        let inside = self.scan(whole, inside, &mut found);
        self.scan(last.windows(COMPARED).take(part.end.saturating_sub(rest)), inside, &mut found);
    }

    /// Goes from byte to byte; `inside`: a word ends or goes on with the first.
    fn scan<'t>(
        &self,
        windows: impl Iterator<Item = &'t [u8]>,
        mut inside: bool,
        found: &mut impl FnMut(usize),
    ) -> bool {
        for window in windows {
            let window = window.first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes));
            let here = in_word(window as u8);
            let pieces = if inside & here { &self.inside } else { &self.at_word };
            if pieces.may_begin(window | FOLD) {
                pieces.each(window | FOLD, found);
            }
            inside = here;
        }
        inside
    }
}

/// Its first two bytes.
#[inline(always)]
fn pair_of(window: u64) -> usize {
    usize::from(window as u16)
}

impl Default for Pieces {
    fn default() -> Self {
        Self { pairs: Box::new([0; PAIRS / 64]), long: Buckets::default(), short: Buckets::default() }
    }
}

impl Pieces {
    #[inline(always)]
    fn may_begin(&self, window: u64) -> bool {
        let pair = pair_of(window);
        self.pairs[pair / 64] >> (pair % 64) & 1 == 1 && (self.long.marks(window) | self.short.marks(window))
    }

    /// Those that a text begins with.
    #[inline(never)]
    fn each(&self, window: u64, found: &mut impl FnMut(usize)) {
        self.long.each(window, found);
        self.short.each(window, found);
    }
}

impl<const BYTES: usize> Default for Buckets<BYTES> {
    fn default() -> Self {
        let (filter, slots) = (Box::new([0; SLOTS / 64]), Box::new([0; SLOTS]));
        Self { filter, slots, buckets: Vec::new() }
    }
}

impl<const BYTES: usize> Buckets<BYTES> {
    const KEY: u64 = u64::MAX >> (64 - 8 * BYTES);

    fn slot(window: u64) -> usize {
        ((window & Self::KEY).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> (64 - SLOTS.ilog2())) as usize
    }

    /// Adds a piece that is found where a text begins with this.
    fn add(&mut self, entry: Entry, text: u64) {
        let slot = Self::slot(text);
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
        let followed = |third: u8| entry.text | u64::from(third) << 16;
        for third in (0..=u8::MAX).filter(|third| u64::from(*third) & FOLD != 0) {
            self.add(entry, followed(third));
        }
    }

    #[inline(always)]
    fn marks(&self, window: u64) -> bool {
        let slot = Self::slot(window);
        self.filter[slot / 64] >> (slot % 64) & 1 == 1
    }

    fn each(&self, window: u64, found: &mut impl FnMut(usize)) {
        let bucket = usize::from(self.slots[Self::slot(window)]);
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
