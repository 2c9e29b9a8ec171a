//! Words that stand in so many names that no list holds them all. Which of them a tool's name has is said beside each of its postings, so
//! that a second, rarer word still finds exactly the tools that have both: `get` cuts no `issue` away.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, Ordering};

use rayon::prelude::*;

use super::entries::{Entries, Unit};
use super::words::Splitter;
use crate::render::catalogue::Catalogue;

/// More are not told apart: sets are bits of one number.
const MOST: usize = 120;
/// Counters of the first, rough count.
const ROUGH: usize = 1 << 16;

/// The frequent words, in their order, and which of them each entry's name has.
#[derive(Debug, Default)]
pub(super) struct Frequent {
    pub(super) words: Vec<String>,
    /// By place; empty where there is no frequent word.
    of_entry: Vec<u16>,
    sets: Vec<u128>,
    known: HashMap<u128, u16>,
}

impl Frequent {
    /// Finds the frequent words, and which of them each tool's name has.
    pub(super) fn new(catalogue: &Catalogue, entries: &Entries, listed: usize) -> Self {
        let mut found = Self::counted(catalogue, entries.len(), listed);
        if found.words.is_empty() {
            return found;
        }
        let noted = entries.units.par_chunks(256).map(|units| {
            let (mut splitter, mut noted) = (Splitter::default(), Vec::new());
            for (unit, first) in units {
                let Unit::Server(i) = unit else { continue };
                let tools = catalogue.servers.get(*i).map_or(&[][..], |server| catalogue.tools_of(server));
                for (i, tool) in tools.iter().enumerate() {
                    let mut bits = 0;
                    splitter.split(catalogue.name_of(tool), |word, _| bits |= found.bit(word));
                    if bits != 0 {
                        noted.push((entries.place(*first, i + 1), bits));
                    }
                }
            }
            noted
        });
        let noted: Vec<Vec<(u32, u128)>> = noted.collect();
        noted.into_iter().flatten().for_each(|(place, bits)| found.note(place, bits));
        found
    }

    /// Counts the words of all tools' names; frequent are those that more than `listed` have.
    fn counted(catalogue: &Catalogue, entries: usize, listed: usize) -> Self {
        if catalogue.tools.len() <= listed {
            return Self::default();
        }
        // First by a hash, in little memory; then those exactly that could be.
        let rough: Vec<AtomicU32> = (0..ROUGH).map(|_| AtomicU32::new(0)).collect();
        let counter = |word: &str| rough.get(hash(word.as_bytes()) as usize % ROUGH);
        catalogue.tools.par_chunks(4096).for_each(|tools| {
            let mut splitter = Splitter::default();
            for tool in tools {
                splitter.split(catalogue.name_of(tool), |word, _| {
                    if let Some(count) = counter(word) {
                        count.fetch_add(1, Ordering::Relaxed);
                    }
                });
            }
        });
        let may_be = |word: &str| counter(word).is_some_and(|c| c.load(Ordering::Relaxed) as usize > listed);
        let counts = catalogue.tools.par_chunks(4096).map(|tools| {
            let (mut splitter, mut counts) = (Splitter::default(), HashMap::<String, usize>::new());
            for tool in tools {
                let mut of_name: Vec<String> = Vec::new();
                splitter.split(catalogue.name_of(tool), |word, _| {
                    if may_be(word) && !of_name.iter().any(|known| known == word) {
                        of_name.push(word.to_owned());
                    }
                });
                for word in of_name {
                    *counts.entry(word).or_default() += 1;
                }
            }
            counts
        });
        let counts = counts.reduce(HashMap::new, |mut all, more| {
            for (word, count) in more {
                *all.entry(word).or_default() += count;
            }
            all
        });
        let mut frequent: Vec<(usize, String)> = counts
            .into_iter()
            .filter(|(_, count)| *count > listed)
            .map(|(word, count)| (count, word))
            .collect();
        frequent.sort_by(|(a, x), (b, y)| b.cmp(a).then_with(|| x.cmp(y)));
        frequent.truncate(MOST);
        let mut words: Vec<String> = frequent.into_iter().map(|(_, word)| word).collect();
        words.sort();
        if words.is_empty() {
            return Self::default();
        }
        Self { words, of_entry: vec![0; entries], sets: vec![0], known: [(0, 0)].into() }
    }

    /// The bit of a word; 0 if it is not frequent.
    fn bit(&self, word: &str) -> u128 {
        if self.words.is_empty() {
            return 0;
        }
        self.words.binary_search_by(|known| known.as_str().cmp(word)).map_or(0, |place| 1 << place)
    }

    /// Notes the frequent words of an entry's name.
    fn note(&mut self, place: u32, bits: u128) {
        let next = u16::try_from(self.sets.len()).unwrap_or(0);
        let set = *self.known.entry(bits).or_insert(next);
        if set == next && next != 0 {
            self.sets.push(bits);
        }
        if let Some(of_entry) = self.of_entry.get_mut(place as usize) {
            *of_entry = set;
        }
    }

    /// The frequent words of an entry's name.
    pub(super) fn bits(&self, place: u32) -> u128 {
        self.bits_of(self.set(place))
    }

    /// The number of that set of words.
    pub(super) fn set(&self, place: u32) -> usize {
        self.of_entry.get(place as usize).copied().map_or(0, usize::from)
    }

    /// The set with that number.
    pub(super) fn bits_of(&self, set: usize) -> u128 {
        self.sets.get(set).copied().unwrap_or(0)
    }

    /// How many sets there are.
    pub(super) fn sets(&self) -> usize {
        self.sets.len()
    }
}

/// FNV-1a: for counting, for telling an entry's words apart and for choosing where shards begin; nothing rests on nobody finding two alike.
pub(super) fn hash(bytes: &[u8]) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325u64;
    for byte in bytes {
        hash = (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
    }
    // The last byte is mixed into the high bits as well.
    hash ^ hash >> 29
}

#[cfg(test)]
impl Frequent {
    /// These words, and which of them each entry's name has.
    pub(super) fn made_up(words: &[&str], of_entry: &[u128]) -> Self {
        let mut made = Self {
            words: words.iter().map(|word| (*word).to_owned()).collect(),
            of_entry: vec![0; of_entry.len()],
            sets: vec![0],
            known: [(0, 0)].into(),
        };
        (0..).zip(of_entry).for_each(|(place, bits)| made.note(place, *bits));
        made
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_of_words_come_back() {
        let bits = [0, 1, 3, 1 << 100, 0, 3];
        let made = Frequent::made_up(&["get", "list"], &bits);
        let back: Vec<u128> = (0..6).map(|place| made.bits(place)).collect();
        assert_eq!(back, bits);
        assert_eq!((made.bit("list"), made.bit("lists")), (2, 0));
        assert_eq!(Frequent::default().bit("get"), 0);
        assert_eq!(made.bits(99), 0);
    }
}
