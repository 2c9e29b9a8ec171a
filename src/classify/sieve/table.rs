//! All pieces at once: which of them begin at each byte of a text.

use std::ops::Range;

use super::pieces::{COMPARED, Piece, SHORTEST, in_word};

/// Sets the bit that tells a small letter of ASCII from a capital one. It makes other bytes alike as well, which lets more
/// through and nothing less.
const FOLD: u64 = 0x2020_2020_2020_2020;
/// Powers of two: so many that few keys share one, and so few that they stay near at hand.
const MARKS: usize = 1 << 14;
const SLOTS: usize = 1 << 13;
/// So many pieces of a bucket are gone through one by one.
const FEW: usize = 8;
/// Bytes of the longest short piece.
const SHORT: usize = SHORTEST + 1;

/// Pieces by where they may begin and by their first bytes.
#[derive(Debug, Default)]
pub(super) struct Table {
    /// A bit for every three bytes that a piece may begin with, for either kind of place: most places of a text end here.
    marks: Marks,
    /// Where no word goes on, and in the middle of a word.
    pieces: [Pieces; 2],
}

#[derive(Debug)]
struct Marks(Box<[u64; 2 * MARKS / 64]>);

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
    /// Of each length, in bytes, how many there are; empty where going through all of them is quicker.
    lengths: Vec<(u16, usize)>,
}

#[derive(Debug, Clone, Copy)]
struct Entry {
    text: u64,
    /// Bytes of its text.
    bytes: u16,
    meant: Meant,
}

/// Which of all meanings are a piece's: the first, and how many.
#[derive(Debug, Clone, Copy)]
pub(super) struct Meant {
    pub(super) first: u32,
    pub(super) count: u16,
}

impl Table {
    /// Gathers pieces with what they mean.
    pub(super) fn of<'p>(pieces: impl IntoIterator<Item = (&'p Piece, Meant)>) -> Self {
        let mut table = Self::default();
        for (piece, meant) in pieces {
            let bytes = piece.text.len() as u16;
            let entry = Entry { text: (piece.number() | FOLD) & mask(bytes), bytes, meant };
            let places = if piece.at_word { 1 } else { 2 };
            for (place, Pieces { long, short }) in table.pieces.iter_mut().enumerate().take(places) {
                let mut add = |text| table.marks.add(place, text);
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
        table
    }

    /// Calls `found` with what every piece means that begins in this part of a text.
    pub(super) fn each(&self, text: &[u8], part: Range<usize>, mut found: impl FnMut(Meant)) {
        let inside = part.start.checked_sub(1).and_then(|at| text.get(at)).is_some_and(|b| in_word(*b));
        // Nearly everywhere a whole window is there. The rest is copied, with nothing behind it.
        let end = part.end.min(text.len()).max(part.start);
        let rest = text.len().saturating_sub(COMPARED - 1).clamp(part.start, end);
        let mut last = [0; 2 * COMPARED];
        let count = last.len().min(text.len() - rest);
        if let (Some(to), Some(bytes)) = (last.get_mut(..count), text.get(rest..rest + count)) {
            to.copy_from_slice(bytes);
        }
        let whole = text.get(part.start..rest + COMPARED - 1);
        let inside = self.scan(whole.unwrap_or_default(), inside, &mut found);
        let last = last.get(..part.end.saturating_sub(rest) + COMPARED - 1);
        self.scan(last.unwrap_or_default(), inside, &mut found);
    }

    /// Goes from byte to byte up to the last whole window; `inside`: a word ends or goes on with the first.
    fn scan(&self, text: &[u8], mut inside: bool, found: &mut impl FnMut(Meant)) -> bool {
        for window in text.windows(COMPARED) {
            let window = window.first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes));
            let here = in_word(window as u8);
            let place = usize::from(inside & here);
            inside = here;
            let window = window | FOLD;
            if self.marks.has(place, window) {
                self.pieces[place].each(window, found);
            }
        }
        inside
    }
}

/// Where the first so many bytes are looked up.
#[inline(always)]
fn slot<const BYTES: usize, const SLOTS: usize>(window: u64) -> usize {
    let key = window & (u64::MAX >> (64 - 8 * BYTES));
    (key.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> (64 - SLOTS.ilog2())) as usize
}

/// The first so many bytes.
#[inline(always)]
fn mask(bytes: u16) -> u64 {
    u64::MAX >> ((64 - 8 * u32::from(bytes)) & 63)
}

/// Two bytes, and each third that a folded window may have behind them.
fn thirds(text: u64) -> impl Iterator<Item = u64> {
    (0..=u8::MAX)
        .filter(|third| u64::from(*third) & FOLD != 0)
        .map(move |third| text | u64::from(third) << 16)
}

impl Default for Marks {
    fn default() -> Self {
        Self(Box::new([0; 2 * MARKS / 64]))
    }
}

impl Marks {
    fn add(&mut self, place: usize, text: u64) {
        let slot = slot::<SHORT, MARKS>(text);
        self.0[(place & 1) * (MARKS / 64) + slot / 64] |= 1 << (slot % 64);
    }

    #[inline(always)]
    fn has(&self, place: usize, window: u64) -> bool {
        let slot = slot::<SHORT, MARKS>(window);
        self.0[(place & 1) * (MARKS / 64) + slot / 64] >> (slot % 64) & 1 == 1
    }
}

impl Pieces {
    /// Those that a text begins with.
    #[inline(always)]
    fn each(&self, window: u64, found: &mut impl FnMut(Meant)) {
        if let Some(bucket) = self.long.bucket(window) {
            bucket.each(window, found);
        }
        if let Some(bucket) = self.short.bucket(window) {
            bucket.each(window, found);
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
        let slot = slot::<BYTES, SLOTS>(text);
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
    fn bucket(&self, window: u64) -> Option<&Bucket> {
        let slot = slot::<BYTES, SLOTS>(window);
        if self.filter[slot / 64] >> (slot % 64) & 1 == 0 {
            return None;
        }
        let number = usize::from(self.slots[slot]);
        number.checked_sub(1).and_then(|at| self.buckets.get(at))
    }
}

impl Bucket {
    /// Those that a text begins with.
    #[inline(never)]
    fn each(&self, window: u64, found: &mut impl FnMut(Meant)) {
        if self.lengths.is_empty() {
            for entry in &self.entries {
                if window & mask(entry.bytes) == entry.text {
                    found(entry.meant);
                }
            }
            return;
        }
        let mut entries = self.entries.as_slice();
        for (bytes, count) in &self.lengths {
            let (these, others) = entries.split_at(*count);
            let text = window & mask(*bytes);
            let from = these.partition_point(|entry| entry.text < text);
            for entry in these.iter().skip(from).take_while(|entry| entry.text == text) {
                found(entry.meant);
            }
            entries = others;
        }
    }

    fn add(&mut self, entry: Entry) {
        let order = |entry: &Entry| (entry.bytes, entry.text);
        let at = self.entries.partition_point(|known| order(known) <= order(&entry));
        self.entries.insert(at, entry);
        if self.entries.len() > FEW {
            let of_one_length = self.entries.chunk_by(|a, b| a.bytes == b.bytes);
            self.lengths = of_one_length.filter_map(|all| Some((all.first()?.bytes, all.len()))).collect();
        }
    }
}
