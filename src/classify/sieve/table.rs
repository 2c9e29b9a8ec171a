//! All pieces at once: which of them begin at each byte of a text.

use std::collections::BTreeMap;
use std::ops::Range;

use super::Means;
use super::pieces::{COMPARED, Piece, SHORTEST, in_word};

/// Sets the bit that tells a small letter of ASCII from a capital one. It makes other bytes alike as well, which lets more
/// through and nothing less.
const FOLD: u64 = 0x2020_2020_2020_2020;
/// Powers of two: so many that few keys share one, and so few that they stay near at hand.
const MARKS: usize = 1 << 14;
const FILTER: usize = 1 << 14;
const SLOTS: usize = 1 << 13;
/// Bytes of the longest short piece.
const SHORT: usize = SHORTEST + 1;

/// Pieces by where they may begin and by their first bytes.
#[derive(Debug)]
pub(super) struct Table {
    /// A bit for every three bytes that a piece may begin with, for either kind of place: most places of a text end here.
    marks: Marks,
    /// Where no word goes on, and in the middle of a word.
    pieces: [Pieces; 2],
}

#[derive(Debug)]
struct Marks(Box<[u64; 2 * MARKS / 64]>);

#[derive(Debug)]
struct Pieces {
    long: Buckets<8>,
    middle: Buckets<4>,
    short: Buckets<SHORT>,
}

/// Pieces by their first so many bytes.
#[derive(Debug)]
struct Buckets<const BYTES: usize> {
    /// A bit for every beginning that there is: small enough to be near at hand.
    filter: Box<[u64; FILTER / 64]>,
    /// Of every slot that is not empty its first entry.
    slots: Box<[u32; SLOTS]>,
    /// One slot after the other.
    entries: Vec<Entry>,
}

/// A piece, and what it means, side by side: they are seldom near at hand.
#[derive(Debug, Clone, Copy)]
struct Entry {
    /// Its first eight bytes, and what is behind them.
    text: u64,
    rest: u64,
    meant: Meant,
    /// Bytes of its text.
    bytes: u8,
    /// Behind it no word may go on.
    ends_word: bool,
    /// It is the last of its slot.
    last: bool,
}

const EMPTY: u32 = u32::MAX;

/// What a piece means.
#[derive(Debug, Clone, Copy)]
pub(super) enum Meant {
    /// This alone.
    One(Means),
    /// So many of the list of meanings, from this one on.
    Several(u32, u16),
}

/// Pieces with the bytes that they are found with, as they are gathered.
type Gathered = Vec<(u64, Entry)>;

impl Table {
    /// Gathers pieces with what they mean.
    pub(super) fn of<'p>(pieces: impl IntoIterator<Item = (&'p Piece, Meant)>) -> Self {
        let mut marks = Marks::default();
        let mut gathered: [[Gathered; 3]; 2] = Default::default();
        for (piece, meant) in pieces {
            let entry = Entry::of(piece, meant);
            let places = if piece.at_word { 1 } else { 2 };
            for (place, [long, middle, short]) in gathered.iter_mut().enumerate().take(places) {
                let mut add = |to: &mut Gathered, text| {
                    marks.add(place, text);
                    to.push((text, entry));
                };
                match piece.text.len() {
                    SHORTEST => entry.thirds().for_each(|text| add(short, text)),
                    SHORT => add(short, entry.text),
                    4..8 => add(middle, entry.text),
                    _ => add(long, entry.text),
                }
            }
        }
        let pieces = gathered.map(|[long, middle, short]| Pieces {
            long: Buckets::of(long),
            middle: Buckets::of(middle),
            short: Buckets::of(short),
        });
        Self { marks, pieces }
    }

    /// Calls `found` with what every piece means that begins in this part of a text, and where it begins.
    pub(super) fn each(&self, text: &[u8], part: Range<usize>, mut found: impl FnMut(Meant)) {
        let inside = part.start.checked_sub(1).and_then(|at| text.get(at)).is_some_and(|b| in_word(*b));
        // Nearly everywhere a whole window is in the part. The rest is copied, with nothing behind the text; if the
        // part ends before the text, a word may end there anywhere.
        let end = part.end.min(text.len()).max(part.start);
        let rest = end.saturating_sub(COMPARED - 1).max(part.start);
        let mut last = [0; 2 * COMPARED];
        let count = last.len().min(text.len().saturating_sub(rest));
        if let (Some(to), Some(bytes)) = (last.get_mut(..count), text.get(rest..rest + count)) {
            to.copy_from_slice(bytes);
        }
        let whole = text.get(part.start..end);
        let inside = self.scan::<false>(whole.unwrap_or_default(), inside, &mut found);
        let last = last.get(..end - rest + COMPARED - 1).unwrap_or_default();
        if end < text.len() {
            self.scan::<true>(last, inside, &mut found);
            self.end(text, part.start, end, &mut found);
        } else {
            self.scan::<false>(last, inside, &mut found);
        }
    }

    /// Pieces of two bytes are kept with what may follow them: at the end of a part nothing does, whatever the text has there.
    fn end(&self, text: &[u8], start: usize, end: usize, found: &mut impl FnMut(Meant)) {
        let at = end.saturating_sub(SHORTEST).max(start);
        let inside = at.checked_sub(1).and_then(|before| text.get(before)).is_some_and(|b| in_word(*b));
        let mut last = [0; SHORTEST + COMPARED - 1];
        if let (Some(to), Some(bytes)) = (last.get_mut(..end - at), text.get(at..end)) {
            to.copy_from_slice(bytes);
        }
        self.scan::<false>(last.get(..end - at + COMPARED - 1).unwrap_or_default(), inside, found);
    }

    /// Goes from byte to byte up to the last whole window; `inside`: a word ends or goes on with the first. `LAST`: a word may
    /// end anywhere.
    fn scan<const LAST: bool>(&self, text: &[u8], mut inside: bool, found: &mut impl FnMut(Meant)) -> bool {
        for window in text.windows(COMPARED).filter_map(<[u8]>::first_chunk) {
            let first = first_bytes(window);
            let here = in_word(first as u8);
            let place = usize::from(inside & here);
            inside = here;
            if self.marks.has(place, first | FOLD) {
                self.pieces[place].each::<LAST>(window, found);
            }
        }
        inside
    }
}

/// Bytes of a text from one place on, as many as are compared.
type Window = [u8; COMPARED];

/// The first eight of them.
#[inline(always)]
fn first_bytes(window: &Window) -> u64 {
    window.first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes))
}

/// Where the first so many bytes are looked up.
#[inline(always)]
fn slot<const BYTES: usize, const SLOTS: usize>(window: u64) -> usize {
    let key = window & (u64::MAX >> (64 - 8 * BYTES));
    (key.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> (64 - SLOTS.ilog2())) as usize
}

impl Entry {
    fn of(piece: &Piece, meant: Meant) -> Self {
        let bytes = piece.text.len() as u8;
        let fold = u128::from(FOLD) << 64 | u128::from(FOLD);
        let all = (piece.number() | fold) & (u128::MAX >> (128 - 8 * u32::from(bytes)));
        let (text, rest) = (all as u64, (all >> 64) as u64);
        Self { text, rest, meant, bytes, ends_word: piece.ends_word, last: false }
    }

    /// Its two bytes, and each third that a folded window may have behind them.
    fn thirds(self) -> impl Iterator<Item = u64> {
        let may_follow = move |third: &u8| !(self.ends_word && third.is_ascii_lowercase());
        (0..=u8::MAX)
            .filter(move |third| u64::from(*third) & FOLD != 0 && may_follow(third))
            .map(move |third| self.text | u64::from(third) << 16)
    }

    /// Whether a text may begin with it, as far as the first bytes tell.
    #[inline(always)]
    fn may_begin(&self, folded: u64) -> bool {
        let others = 64 - 8 * u32::from(self.bytes.min(8));
        folded << others == self.text << others
    }

    /// Whether a text that may begin with it does so.
    #[inline(always)]
    fn begins<const LAST: bool>(&self, window: &Window) -> bool {
        let behind = window.last_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes)) | FOLD;
        let others = 128 - 8 * u32::from(self.bytes.max(9));
        let alike = self.bytes <= 8 || behind << others == self.rest << others;
        let ends = || window.get(usize::from(self.bytes)).is_none_or(|behind| !in_word(*behind));
        alike && (LAST || !self.ends_word || ends())
    }
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
    fn each<const LAST: bool>(&self, window: &Window, found: &mut impl FnMut(Meant)) {
        self.long.each::<LAST>(window, found);
        self.middle.each::<LAST>(window, found);
        self.short.each::<LAST>(window, found);
    }
}

impl<const BYTES: usize> Buckets<BYTES> {
    fn of(gathered: Gathered) -> Self {
        let mut by_slot: BTreeMap<usize, Vec<Entry>> = BTreeMap::new();
        let (mut filter, mut slots) = (Box::new([0; FILTER / 64]), Box::new([EMPTY; SLOTS]));
        for (text, entry) in gathered {
            let bit = slot::<BYTES, FILTER>(text);
            filter[bit / 64] |= 1 << (bit % 64);
            by_slot.entry(slot::<BYTES, SLOTS>(text)).or_default().push(entry);
        }
        let mut entries = Vec::new();
        for (slot, mut of_slot) in by_slot {
            slots[slot] = entries.len() as u32;
            if let Some(last) = of_slot.last_mut() {
                last.last = true;
            }
            entries.append(&mut of_slot);
        }
        Self { filter, slots, entries }
    }

    /// Those that a text begins with.
    #[inline(always)]
    fn each<const LAST: bool>(&self, window: &Window, found: &mut impl FnMut(Meant)) {
        let folded = first_bytes(window) | FOLD;
        let bit = slot::<BYTES, FILTER>(folded);
        if self.filter[bit / 64] >> (bit % 64) & 1 == 1 {
            self.of_slot::<LAST>(slot::<BYTES, SLOTS>(folded), window, found);
        }
    }

    #[inline(never)]
    fn of_slot<const LAST: bool>(&self, slot: usize, window: &Window, found: &mut impl FnMut(Meant)) {
        let folded = first_bytes(window) | FOLD;
        for entry in self.entries.get(self.slots[slot] as usize..).unwrap_or_default() {
            if entry.may_begin(folded) && entry.begins::<LAST>(window) {
                found(entry.meant);
            }
            if entry.last {
                return;
            }
        }
    }
}
