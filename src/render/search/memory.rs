//! What the last build noted of each word, kept beside the shelf in the state folder: so that only words of what came, went or changed
//! are collected anew.
//!
//! It only saves work. A file that does not belong to the index that lies in the output, or that is damaged, is not used. Postings lie in
//! ranges of words, as they are sorted: a word once, then what is under it. Which entry is meant is said by its address, which stays the
//! same as long as its chunk does.

use std::io::Write;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use rayon::prelude::*;

use super::entries::{Entries, RANK_BITS, SLOT_BITS};
use crate::render::digest::Digest;
use crate::render::on_shelf::{take_array, take_number};

/// Changes whenever the shape of the file does.
const FORMAT: &[u8; 16] = b"catalogue words2";

/// What must be the same for anything that is remembered to count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Belongs {
    /// What the index in the output was made from.
    pub(super) made_from: Digest,
    /// What every file is made from.
    pub(super) shared: Digest,
    pub(super) blocks: u32,
    pub(super) ranges: u32,
}

/// What the last build noted.
pub(super) struct Memory {
    file: std::fs::File,
    pieces: Vec<Piece>,
    /// One bit for each address of a chunk: it is gone, or not as it was.
    dead: Vec<u64>,
    /// By place of the chunk: it is not remembered.
    pub(super) fresh: Vec<bool>,
    frequent: Digest,
}

/// Where a range lies, and what its bytes come to.
#[derive(Debug, Clone, Copy, Default)]
struct Piece {
    at: u64,
    length: u32,
    sum: Digest,
}

impl Memory {
    /// Opens it; None where there is nothing that can be used.
    pub(super) fn open(place: &Path, belongs: Belongs, entries: &Entries) -> Option<Self> {
        let file = std::fs::File::open(place).ok()?;
        let end = file.metadata().ok()?.len().checked_sub(8)?;
        let mut tail_at = [0; 8];
        file.read_exact_at(&mut tail_at, end).ok()?;
        let tail_at = u64::from_le_bytes(tail_at);
        let mut tail = vec![0; usize::try_from(end.checked_sub(tail_at)?).ok()?];
        file.read_exact_at(&mut tail, tail_at).ok()?;
        let mut rest = tail.as_slice();
        let sum = Digest(*take_array(&mut rest)?);
        if Digest::of_bytes(rest) != sum || take_array(&mut rest)? != FORMAT {
            return None;
        }
        let (made_from, shared) = (Digest(*take_array(&mut rest)?), Digest(*take_array(&mut rest)?));
        let frequent = Digest(*take_array(&mut rest)?);
        let (blocks, ranges) = (take_number(&mut rest)?, take_number(&mut rest)?);
        if belongs != (Belongs { made_from, shared, blocks, ranges }) {
            return None;
        }
        let mut piece = || {
            let at = u64::from_le_bytes(*take_array(&mut rest)?);
            Some(Piece { at, length: take_number(&mut rest)?, sum: Digest(*take_array(&mut rest)?) })
        };
        let pieces = (0..ranges).map(|_| piece()).collect::<Option<Vec<Piece>>>()?;
        let mut memory = Self { file, pieces, dead: Vec::new(), fresh: Vec::new(), frequent };
        memory.compare(rest, entries)?;
        let whole =
            |range| memory.read(range).is_ok_and(|bytes| Some(Digest::of_bytes(&bytes)) == memory.sum(range));
        (0..memory.pieces.len()).into_par_iter().all(whole).then_some(memory)
    }

    /// Sees which chunks are gone and which are new; both lists are in the order of addresses.
    fn compare(&mut self, mut before: &[u8], entries: &Entries) -> Option<()> {
        self.dead = vec![0; ((entries.blocks as usize) << RANK_BITS).div_ceil(64)];
        self.fresh = vec![true; entries.chunks.len()];
        let mut now = (0..entries.chunks.len()).map(|place| (entries.chunk_address(place), place)).peekable();
        let count = take_number(&mut before)?;
        for _ in 0..count {
            let (digest, address) = (Digest(*take_array(&mut before)?), take_number(&mut before)?);
            while now.next_if(|(other, _)| *other < address).is_some() {}
            let same = now
                .next_if(|(other, _)| *other == address)
                .filter(|(_, place)| entries.digests.get(*place) == Some(&digest));
            match same {
                Some((_, place)) => *self.fresh.get_mut(place)? = false,
                None => *self.dead.get_mut(address as usize / 64)? |= 1 << (address % 64),
            }
        }
        before.is_empty().then_some(())
    }

    fn sum(&self, range: usize) -> Option<Digest> {
        self.pieces.get(range).map(|piece| piece.sum)
    }

    /// What was noted of a range.
    ///
    /// # Errors
    /// The file cannot be read.
    pub(super) fn read(&self, range: usize) -> std::io::Result<Vec<u8>> {
        let piece = self.pieces.get(range).copied().unwrap_or_default();
        let mut bytes = vec![0; piece.length as usize];
        self.file.read_exact_at(&mut bytes, piece.at)?;
        Ok(bytes)
    }

    /// True if the frequent words are those that they were.
    pub(super) fn has_frequent(&self, words: &[String]) -> bool {
        self.frequent == Digest::of(&words)
    }

    /// True if what stood at that address of an entry is gone, or not as it was.
    pub(super) fn is_dead(&self, address: u32) -> bool {
        let chunk = address >> (SLOT_BITS - RANK_BITS);
        self.dead.get(chunk as usize / 64).is_some_and(|bits| bits >> (chunk % 64) & 1 == 1)
    }
}

/// Tells every posting of a range: where its word stands in `bytes` behind its length, and its tier and address as one number.
pub(super) fn each_known(bytes: &[u8], shift: u32, mut tell: impl FnMut(u32, &[u8], u32, u32)) {
    let mut rest = bytes;
    loop {
        let at = u32::try_from(bytes.len() - rest.len()).unwrap_or(u32::MAX);
        let Some([length]) = take_array::<1>(&mut rest) else { return };
        let Some((word, after)) = rest.split_at_checked(usize::from(*length)) else { return };
        rest = after;
        let Some(count) = take_number(&mut rest) else { return };
        for _ in 0..count {
            let Some(order) = take_number(&mut rest) else { return };
            tell(at, word, order >> shift, order & ((1 << shift) - 1));
        }
    }
}

/// Appends a word with what is under it: tiers and addresses as one number each.
pub(super) fn put_known(bytes: &mut Vec<u8>, word: &[u8], orders: impl ExactSizeIterator<Item = u32>) {
    bytes.push(u8::try_from(word.len()).unwrap_or(u8::MAX));
    bytes.extend(word.iter().take(usize::from(u8::MAX)));
    bytes.extend_from_slice(&u32::try_from(orders.len()).unwrap_or_default().to_le_bytes());
    orders.for_each(|order| bytes.extend_from_slice(&order.to_le_bytes()));
}

/// What this build notes for the next one.
pub(super) struct Keep {
    written: Mutex<(std::fs::File, u64, Vec<Piece>)>,
    temporary: tempfile::TempPath,
    place: PathBuf,
}

impl Keep {
    /// A new one, to be kept at that place.
    ///
    /// # Errors
    /// A file that cannot be written.
    pub(super) fn new(place: PathBuf, ranges: usize) -> std::io::Result<Self> {
        let parent = place.parent().unwrap_or(Path::new("."));
        fs_err::create_dir_all(parent)?;
        let (file, temporary) = tempfile::NamedTempFile::new_in(parent)?.into_parts();
        Ok(Self { written: Mutex::new((file, 0, vec![Piece::default(); ranges])), temporary, place })
    }

    /// Notes a range; from any thread, in any order.
    ///
    /// # Errors
    /// A full disk.
    pub(super) fn put(&self, range: usize, bytes: &[u8]) -> std::io::Result<()> {
        let length = u32::try_from(bytes.len()).map_err(std::io::Error::other)?;
        let sum = Digest::of_bytes(bytes);
        let mut written = self.written.lock().expect("no thread panics while it holds the file");
        let (file, at, pieces) = &mut *written;
        file.write_all(bytes)?;
        if let Some(piece) = pieces.get_mut(range) {
            *piece = Piece { at: *at, length, sum };
        }
        *at += u64::from(length);
        Ok(())
    }

    /// Keeps it, with which chunks it speaks of and what it belongs to.
    ///
    /// # Errors
    /// A full disk.
    pub(super) fn end(self, belongs: Belongs, entries: &Entries, frequent: &[String]) -> std::io::Result<()> {
        let (mut file, at, pieces) = self.written.into_inner().expect("no thread holds the file");
        let mut tail = FORMAT.to_vec();
        for digest in [belongs.made_from, belongs.shared, Digest::of(&frequent)] {
            tail.extend_from_slice(&digest.0);
        }
        let number = |tail: &mut Vec<u8>, number: u32| tail.extend_from_slice(&number.to_le_bytes());
        number(&mut tail, belongs.blocks);
        number(&mut tail, belongs.ranges);
        for Piece { at, length, sum } in pieces {
            tail.extend_from_slice(&at.to_le_bytes());
            number(&mut tail, length);
            tail.extend_from_slice(&sum.0);
        }
        number(&mut tail, u32::try_from(entries.chunks.len()).map_err(std::io::Error::other)?);
        for (place, digest) in entries.digests.iter().enumerate() {
            tail.extend_from_slice(&digest.0);
            number(&mut tail, entries.chunk_address(place));
        }
        file.write_all(&Digest::of_bytes(&tail).0)?;
        file.write_all(&tail)?;
        file.write_all(&at.to_le_bytes())?;
        drop(file);
        self.temporary.persist(self.place).map_err(|e| e.error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn belongs() -> Belongs {
        let digest = Digest::of(&"x");
        Belongs { made_from: digest, shared: digest, blocks: 4, ranges: 2 }
    }

    #[test]
    fn what_was_noted_comes_back_and_what_changed_is_dead() {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("state/words");
        let entries = Entries::made_up(64);
        let frequent = ["get".to_owned()];
        let keep = Keep::new(place.clone(), 2).unwrap();
        let mut bytes = Vec::new();
        put_known(&mut bytes, b"issue", [1 << 29 | entries.packed(3), entries.packed(40)].into_iter());
        put_known(&mut bytes, "ü".as_bytes(), [7].into_iter());
        keep.put(1, &bytes).unwrap();
        keep.put(0, b"").unwrap();
        keep.end(belongs(), &entries, &frequent).unwrap();

        let memory = Memory::open(&place, belongs(), &entries).unwrap();
        assert!(memory.has_frequent(&frequent) && !memory.has_frequent(&[]));
        assert_eq!((memory.read(0).unwrap(), memory.read(1).unwrap()), (vec![], bytes.clone()));
        assert!(memory.fresh.iter().all(|fresh| !fresh) && !memory.is_dead(entries.packed(40)));
        let mut all = Vec::new();
        each_known(&bytes, 29, |at, word, tier, address| all.push((at, word.to_vec(), tier, address)));
        let word = |word: &str| word.as_bytes().to_vec();
        let third = (18, word("ü"), 0, 7);
        assert_eq!(all, [(0, word("issue"), 1, 3), (0, word("issue"), 0, entries.packed(40)), third]);

        let mut other = Entries::made_up(64);
        other.digests[2] = Digest::of(&"changed");
        let memory = Memory::open(&place, belongs(), &other).unwrap();
        assert_eq!(memory.fresh, [false, false, true, false]);
        assert!(memory.is_dead(entries.packed(40)) && !memory.is_dead(entries.packed(3)));
        let fewer = Memory::open(&place, belongs(), &Entries::made_up(32));
        assert!(fewer.is_none_or(|memory| memory.fresh.len() == 2));
    }

    #[test]
    fn what_is_damaged_or_belongs_to_something_else_is_not_used() {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("words");
        let entries = Entries::made_up(64);
        let keep = Keep::new(place.clone(), 2).unwrap();
        keep.put(0, b"some bytes").unwrap();
        keep.put(1, b"").unwrap();
        keep.end(belongs(), &entries, &[]).unwrap();
        assert!(Memory::open(&place, belongs(), &entries).is_some());
        let other = Belongs { made_from: Digest::of(&"y"), ..belongs() };
        assert!(Memory::open(&place, other, &entries).is_none());
        let whole = std::fs::read(&place).unwrap();
        for at in 0..whole.len() {
            let mut damaged = whole.clone();
            damaged[at] ^= 1;
            std::fs::write(&place, damaged).unwrap();
            assert!(Memory::open(&place, belongs(), &entries).is_none(), "{at}");
        }
        for length in 0..whole.len() {
            std::fs::write(&place, &whole[..length]).unwrap();
            assert!(Memory::open(&place, belongs(), &entries).is_none(), "{length}");
        }
    }
}
