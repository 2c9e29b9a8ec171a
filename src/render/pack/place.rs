//! Which pack a file goes to: that follows from the file's path, and from how much lies beside it.
//!
//! A path has a key of 64 bits: 24 of the folder it belongs to, so that the pages of one server lie together, and 40 of the path itself. A pack
//! holds all files whose keys begin alike. What begins with nothing is one pack; where that is too much, it is two packs of one bit more, and so on.
//! So a pack is split, or two are joined, only by what is in them: a page that changes elsewhere moves nothing.

use std::fmt;
use std::ops::Range;
use std::str::FromStr;

use sha2::{Digest, Sha256};

/// Folders below the root that keep their files together: `servers/REGISTRY/SERVER`.
const TOGETHER: usize = 3;
/// Bits of the key that are the folder's.
const FOLDER_BITS: u32 = 24;
/// Most files of a pack: its table is read for each page.
pub(in crate::render) const MOST_FILES: usize = 4096;

/// The key of a path below the root; of a folder, with the slash at its end.
pub(in crate::render) fn key_of(path: &str) -> u64 {
    let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
    let end = folder.match_indices('/').nth(TOGETHER - 1).map_or(folder.len(), |(at, _)| at);
    let (group, _) = folder.split_at(end);
    let own_bits = 64 - FOLDER_BITS;
    (start_of_hash(group) >> own_bits << own_bits) | (start_of_hash(path) >> FOLDER_BITS)
}

fn start_of_hash(text: &str) -> u64 {
    Sha256::digest(text.as_bytes()).iter().take(8).fold(0, |all, byte| (all << 8) | u64::from(*byte))
}

/// What the keys of a pack begin with; in text, its bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(in crate::render) struct Prefix {
    /// The bits, from the highest one down; the others are 0.
    bits: u64,
    len: u32,
}

impl Prefix {
    /// What every key begins with.
    pub(in crate::render) const ALL: Self = Self { bits: 0, len: 0 };
    const LONGEST: u32 = 64;

    fn with(self, bit: bool) -> Self {
        let place = Self::LONGEST - 1 - self.len;
        Self { bits: self.bits | (u64::from(bit) << place), len: self.len + 1 }
    }

    /// Every prefix of a key, the shortest first.
    pub(in crate::render) fn all_of(key: u64) -> impl Iterator<Item = Self> {
        (0..=Self::LONGEST).map(move |len| Self { bits: cut(key, len), len })
    }

    /// Itself and what it begins with, the shortest first.
    pub(in crate::render) fn with_shorter(self) -> impl Iterator<Item = Self> {
        Self::all_of(self.bits).take(self.len as usize + 1)
    }

    /// The pack's place below the folder of packs.
    pub(in crate::render) fn file(self) -> String {
        format!("packs/p{self}.zip")
    }
}

fn cut(key: u64, len: u32) -> u64 {
    let shift = Prefix::LONGEST - len;
    key.checked_shr(shift).unwrap_or_default().checked_shl(shift).unwrap_or_default()
}

impl fmt::Display for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (0..self.len).try_for_each(|at| write!(f, "{}", (self.bits >> (Self::LONGEST - 1 - at)) & 1))
    }
}

impl FromStr for Prefix {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        if text.len() > Self::LONGEST as usize {
            return Err(());
        }
        text.bytes().try_fold(Self::ALL, |prefix, bit| match bit {
            b'0' => Ok(prefix.with(false)),
            b'1' => Ok(prefix.with(true)),
            _ => Err(()),
        })
    }
}

/// What counts of a file here.
#[derive(Debug, Clone, Copy)]
pub(in crate::render) struct Weighed {
    pub(in crate::render) key: u64,
    /// Bytes that it may take.
    pub(in crate::render) weight: u64,
}

/// The packs of files that are sorted by their keys, in that order: what each begins with and which files it holds. None holds more than
/// `most` bytes or [`MOST_FILES`] files, but for one that holds a single file or files of one key.
pub(in crate::render) fn packs_of(files: &[Weighed], most: u64) -> Vec<(Prefix, Range<usize>)> {
    let mut packs = Vec::new();
    split(files, 0, Prefix::ALL, most, &mut packs);
    packs
}

fn split(files: &[Weighed], at: usize, prefix: Prefix, most: u64, packs: &mut Vec<(Prefix, Range<usize>)>) {
    let (Some(first), Some(last)) = (files.first(), files.last()) else { return };
    let fits = files.len() <= MOST_FILES && files.iter().map(|file| file.weight).sum::<u64>() <= most;
    if fits || first.key == last.key {
        packs.push((prefix, at..at + files.len()));
        return;
    }
    let (zero, one) = (prefix.with(false), prefix.with(true));
    let (low, high) = files.split_at(files.partition_point(|file| file.key < one.bits));
    split(low, at, zero, most, packs);
    split(high, at + low.len(), one, most, packs);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_one_server_lie_together_and_others_elsewhere() {
        let folder = |path: &str| key_of(path) >> 40;
        let page = folder("servers/npm/a/index.html");
        assert_eq!(page, folder("servers/npm/a/tools/x.html"));
        assert_eq!(page, folder("servers/npm/a/"));
        assert_ne!(page, folder("servers/npm/b/index.html"));
        assert_eq!(folder("index.html"), folder("about.html"));
        assert_ne!(key_of("index.html"), key_of("about.html"));
        // The edge function computes the same.
        assert_eq!(format!("{:016x}", key_of("index.html")), "e3b0c40eb5473046");
    }

    #[test]
    fn packs_are_split_only_by_what_is_in_them() {
        let mut files: Vec<Weighed> = (0..5_000)
            .map(|n| Weighed { key: key_of(&format!("s/n/{}/{n}", n / 20)), weight: 1_000 })
            .collect();
        files.sort_by_key(|file| file.key);
        let packs = packs_of(&files, 100_000);
        let holds = |range: &Range<usize>| files.get(range.clone()).unwrap();
        assert!(packs.iter().all(|(_, range)| (1..=100).contains(&range.len())));
        assert_eq!(packs.iter().map(|(_, range)| range.len()).sum::<usize>(), files.len());
        for (prefix, range) in &packs {
            assert_eq!(prefix.to_string().parse(), Ok(*prefix));
            assert!(holds(range).iter().all(|file| Prefix::all_of(file.key).any(|own| own == *prefix)));
        }
        // One that grows beyond the bound becomes two; all others stay.
        let mut more = files.clone();
        more.first_mut().unwrap().weight = 90_000;
        let after = packs_of(&more, 100_000);
        let names = |packs: &[(Prefix, Range<usize>)]| packs.iter().map(|(p, _)| *p).collect::<Vec<_>>();
        let (before, after) = (names(&packs), names(&after));
        assert_eq!(before.iter().filter(|prefix| !after.contains(prefix)).count(), 1);
    }

    #[test]
    fn what_cannot_be_split_is_not() {
        let heavy = [Weighed { key: 7, weight: 1 << 40 }];
        assert_eq!(packs_of(&heavy, 1), [(Prefix::ALL, 0..1)]);
        let same = [Weighed { key: 7, weight: 9 }, Weighed { key: 7, weight: 9 }];
        assert_eq!(packs_of(&same, 1).len(), 1);
        let next = [Weighed { key: 6, weight: 9 }, Weighed { key: 7, weight: 9 }];
        let packs = packs_of(&next, 1);
        assert_eq!(packs.iter().map(|(p, _)| p.to_string().len()).collect::<Vec<_>>(), [64, 64]);
        assert_eq!(packs_of(&[], 1), []);
    }
}
