//! Postings on their way to their shards, by the range of words they belong to. They are held in memory up to a bound and then lie in a
//! file without a name beside the output, so that the build's memory does not grow with the catalogue.

use std::io::Write;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;

/// Bytes that are held before they go to the file.
const HELD: usize = 12 << 20;

/// Where ranges begin; before the first is one more. Ranges of a large catalogue are about equally heavy in English.
const BOUNDS: &[&str] = &[
    "1", "5", "a", "ad", "al", "an", "ap", "ar", "as", "au", "b", "be", "bo", "br", "c", "ch", "cl", "co",
    "col", "com", "con", "cou", "cr", "cu", "d", "de", "des", "di", "do", "e", "em", "en", "er", "ev", "ex",
    "ext", "f", "fi", "fo", "fr", "g", "ge", "gi", "gr", "h", "he", "i", "id", "im", "in", "ind", "ins",
    "it", "j", "k", "l", "li", "lo", "m", "mc", "me", "mi", "mo", "n", "ne", "no", "o", "op", "or", "ou",
    "p", "pag", "pe", "pl", "po", "pr", "pro", "q", "r", "re", "rec", "ref", "rel", "rep", "res", "ret",
    "ro", "s", "se", "ser", "sh", "si", "so", "sp", "st", "str", "su", "sy", "t", "ta", "te", "th", "ti",
    "to", "tr", "u", "up", "us", "v", "ve", "w", "we", "wi", "x", "y", "z", "{",
];
/// Catalogues with fewer entries have one range.
const FEW: usize = 2_000;
/// Catalogues with fewer have a range a letter.
const SOME: usize = 40_000;

/// The ranges of words of one catalogue.
#[derive(Debug, Clone)]
pub(super) struct Ranges {
    bounds: Vec<&'static str>,
    /// How many bounds begin with a byte before each; and at last how many there are.
    before: Vec<usize>,
}

impl Ranges {
    /// For so many entries.
    pub(super) fn new(entries: usize) -> Self {
        let wanted = |bound: &&&str| entries >= SOME || entries >= FEW && bound.len() == 1;
        let bounds: Vec<&str> = BOUNDS.iter().filter(wanted).copied().collect();
        let first = |bound: &str| bound.bytes().next().map_or(0, usize::from);
        let before = (0..=256).map(|byte| bounds.partition_point(|bound| first(bound) < byte)).collect();
        Self { bounds, before }
    }

    /// How many there are.
    pub(super) fn count(&self) -> usize {
        self.bounds.len() + 1
    }

    /// The range of a word.
    pub(super) fn of(&self, word: &[u8]) -> usize {
        let Some(first) = word.first().copied().map(usize::from) else { return 0 };
        let before = |byte: usize| self.before.get(byte).copied().unwrap_or_default();
        let alike = self.bounds.get(before(first)..before(first + 1)).unwrap_or_default();
        before(first) + alike.iter().take_while(|bound| bound.as_bytes() <= word).count()
    }

    /// What a range begins with.
    pub(super) fn begins(&self, range: usize) -> &'static str {
        range.checked_sub(1).and_then(|i| self.bounds.get(i)).copied().unwrap_or_default()
    }
}

/// Bytes by range.
#[derive(Debug)]
pub(super) struct Spill {
    pending: Vec<Vec<u8>>,
    held: usize,
    folder: PathBuf,
    file: Option<std::fs::File>,
    at: u64,
    /// Where the pieces of each range lie.
    pieces: Vec<Vec<(u64, usize)>>,
}

impl Spill {
    /// An empty one; its file, if it needs one, lies in `folder`.
    pub(super) fn new(ranges: usize, folder: PathBuf) -> Self {
        let empty = || vec![Vec::new(); ranges];
        Self { pending: empty(), held: 0, folder, file: None, at: 0, pieces: vec![Vec::new(); ranges] }
    }

    /// Appends to each range.
    ///
    /// # Errors
    /// A full disk.
    pub(super) fn add(&mut self, more: &[Vec<u8>]) -> std::io::Result<()> {
        for (to, from) in self.pending.iter_mut().zip(more) {
            to.extend_from_slice(from);
            self.held += from.len();
        }
        if self.held > HELD {
            self.put_away()?;
        }
        Ok(())
    }

    fn put_away(&mut self) -> std::io::Result<()> {
        let mut file = match self.file.take() {
            Some(file) => file,
            None => tempfile::tempfile_in(&self.folder)?,
        };
        for (bytes, pieces) in self.pending.iter_mut().zip(&mut self.pieces) {
            if !bytes.is_empty() {
                file.write_all(bytes)?;
                pieces.push((self.at, bytes.len()));
                self.at += bytes.len() as u64;
                // What is put away must not stay reserved.
                *bytes = Vec::new();
            }
        }
        self.file = Some(file);
        self.held = 0;
        Ok(())
    }

    /// All bytes of a range, in the order in which they were added.
    ///
    /// # Errors
    /// The file cannot be read.
    pub(super) fn read(&self, range: usize) -> std::io::Result<Vec<u8>> {
        let pieces = self.pieces.get(range).map_or(&[][..], Vec::as_slice);
        let pending = self.pending.get(range).map_or(&[][..], Vec::as_slice);
        let mut all = vec![0; pieces.iter().map(|(_, length)| length).sum::<usize>()];
        let mut rest = all.as_mut_slice();
        for (at, length) in pieces {
            let (piece, after) = rest.split_at_mut(*length);
            if let Some(file) = &self.file {
                file.read_exact_at(piece, *at)?;
            }
            rest = after;
        }
        all.extend_from_slice(pending);
        Ok(all)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_in_order_and_hold_every_word() {
        let sorted = BOUNDS.windows(2).all(|pair| matches!(pair, [a, b] if a < b));
        assert!(sorted);
        for entries in [1, FEW, SOME] {
            let ranges = Ranges::new(entries);
            for word in ["", "0", "1", "about", "the", "cou", "z", "zz", "é", "中"] {
                let range = ranges.of(word.as_bytes());
                assert!(range < ranges.count() && ranges.begins(range) <= word, "{word}");
                assert_eq!(range, ranges.bounds.partition_point(|bound| *bound <= word), "{word}");
            }
        }
        assert_eq!(Ranges::new(1).count(), 1);
    }

    #[test]
    fn what_was_put_away_comes_back_in_order() {
        let folder = tempfile::tempdir().unwrap();
        let mut spill = Spill::new(2, folder.path().to_owned());
        for byte in 0..10 {
            spill.add(&[vec![byte; 3], vec![byte + 100]]).unwrap();
            if byte % 3 == 0 {
                spill.put_away().unwrap();
            }
        }
        assert_eq!(spill.read(0).unwrap(), (0..10).flat_map(|b| [b; 3]).collect::<Vec<u8>>());
        assert_eq!(spill.read(1).unwrap(), (100..110).collect::<Vec<u8>>());
    }
}
