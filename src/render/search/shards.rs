//! The postings of one range of words, sorted and cut into shards: what a reader loads for one word.
//!
//! A shard is a script that hands one call its list: what its words begin with, the words, the different facts of its entries, the
//! different sets of frequent words, and the postings. For each word come, by how well the word fits (tier), the entries in the order of their
//! addresses: how many blocks further, which slot, which facts. Where a shard begins is decided by the word alone and its own
//! weight, so that a change here moves no border there.

use std::cmp::{Ordering, Reverse};

use super::entries::{Entries, Facts};
use super::frequent::{Frequent, hash};
use super::memory::{each_known, put_known};
use super::symbols;
use crate::render::digest::Digest;
use crate::render::on_shelf::{put_text, take_array, take_number};

/// Bits of [`Posting::order`] that hold the place; the tier is above them.
pub(super) const PLACE_BITS: u32 = 29;
/// Tiers: a name of one, two, three, more words; a title or a key; the server; the description.
pub(super) const TIERS: usize = 7;

/// How long lists and shards get.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// Entries in the list of one word; the best ones stay.
    pub(super) listed: usize,
    /// Signs of an average shard.
    pub(super) shard: usize,
}

/// One word of one entry.
struct Posting {
    /// The first eight bytes of the word.
    key: u64,
    /// Tier and place: what the list of a word is sorted by.
    order: u32,
    /// Where the word stands, behind its length.
    at: u32,
}

/// All postings of a range, by word, then by how well it fits, then by address.
pub(super) struct Sorted {
    /// Holds the words, each behind its length.
    bytes: Vec<u8>,
    postings: Vec<Posting>,
}

/// A shard that is to be written.
pub(super) struct Shard<'a> {
    /// Its words are not before this one, and those of the shard before it are: also the name of its file.
    pub(super) begins: String,
    lists: &'a [List<'a>],
    given: (&'a Entries, &'a Frequent),
}

/// Appends a posting to the bytes of its range: tier and place as one number, then the word behind its length.
pub(super) fn put(bytes: &mut Vec<u8>, word: &str, tier: usize, place: u32) {
    let order = (tier as u32) << PLACE_BITS | place;
    bytes.extend_from_slice(&order.to_le_bytes());
    let length = u8::try_from(word.len()).unwrap_or(u8::MAX);
    bytes.push(length);
    bytes.extend_from_slice(word.as_bytes().get(..usize::from(length)).unwrap_or_default());
}

/// Every posting of a range as it was put: where its word stands, the word, and its order.
fn each<'a>(bytes: &'a [u8], mut tell: impl FnMut(u32, &'a [u8], u32)) {
    let mut rest = bytes;
    while let (Some(order), Some([length])) = (take_number(&mut rest), take_array::<1>(&mut rest)) {
        let at = u32::try_from(bytes.len() - rest.len() - 1).unwrap_or(u32::MAX);
        let Some((word, after)) = rest.split_at_checked(usize::from(*length)) else { return };
        tell(at, word, order);
        rest = after;
    }
}

impl Sorted {
    /// What the last build noted of a range (`known`), without what is dead, and what was found by this one.
    pub(super) fn new(
        known: Vec<u8>,
        found: &[u8],
        entries: &Entries,
        is_dead: impl Fn(u32) -> bool,
    ) -> Sorted {
        let mut count = 0;
        each_known(&known, PLACE_BITS, |_, _, _, _| count += 1);
        each(found, |_, _, _| count += 1);
        let mut postings = Vec::with_capacity(count);
        let mut last = (u32::MAX, 0);
        each_known(&known, PLACE_BITS, |at, word, tier, address| {
            if last.0 != at {
                last = (at, key(word));
            }
            if !is_dead(address) {
                let order = tier << PLACE_BITS | entries.unpacked(address);
                postings.push(Posting { key: last.1, order, at });
            }
        });
        let base = u32::try_from(known.len()).unwrap_or(u32::MAX);
        let were_sorted = !postings.is_empty();
        each(found, |at, word, order| {
            postings.push(Posting { key: key(word), order, at: base.saturating_add(at) });
        });
        let mut bytes = known;
        bytes.extend_from_slice(found);
        let compare = |a: &Posting, b: &Posting| {
            // No word holds a zero byte: short ones are told apart by the key.
            let words =
                || if a.key & 0xff == 0 { Ordering::Equal } else { word(&bytes, a).cmp(word(&bytes, b)) };
            a.key.cmp(&b.key).then_with(words).then_with(|| a.order.cmp(&b.order))
        };
        if were_sorted {
            // This one sees that the first part is in order.
            postings.sort_by(compare);
        } else {
            postings.sort_unstable_by(compare);
        }
        Sorted { bytes, postings }
    }

    fn runs(&self) -> impl Iterator<Item = &[Posting]> {
        self.postings.chunk_by(|a, b| a.key == b.key && word(&self.bytes, a) == word(&self.bytes, b))
    }

    /// As the next build is to know it.
    pub(super) fn known(&self, entries: &Entries) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(5 * self.postings.len());
        for run in self.runs() {
            let Some(first) = run.first() else { continue };
            let order = |p: &Posting| p.order & !((1 << PLACE_BITS) - 1) | entries.packed(place(p));
            put_known(&mut bytes, word(&self.bytes, first), run.iter().map(order));
        }
        bytes
    }

    /// Tells the shards of the range in their order.
    pub(super) fn cut<E>(
        &self,
        begins: &str,
        given: (&Entries, &Frequent),
        limits: Limits,
        mut tell: impl FnMut(Shard<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut open: Vec<List<'_>> = Vec::new();
        let (mut weight, mut alone) = (0, false);
        let (mut border, mut before) = (begins.to_owned(), "");
        for run in self.runs() {
            let Some(first) = run.first() else { continue };
            let text = std::str::from_utf8(word(&self.bytes, first)).unwrap_or_default();
            let list = List::new(text, run, limits.listed);
            let own = list.word.len() + 2 + 4 * list.postings.len();
            let share = (own as u64).saturating_mul(1 << 32) / limits.shard as u64;
            let chosen = hash(text.as_bytes()) & 0xffff_ffff < share;
            if !open.is_empty() && (alone || chosen || own >= limits.shard || weight + own > 3 * limits.shard)
            {
                let begins = std::mem::replace(&mut border, shortest_after(before, text));
                tell(Shard { begins, lists: &open, given })?;
                open.clear();
                weight = 0;
            }
            alone = own >= limits.shard;
            weight += own;
            before = text;
            open.push(list);
        }
        if open.is_empty() { Ok(()) } else { tell(Shard { begins: border, lists: &open, given }) }
    }
}

/// The first eight bytes of a word.
fn key(word: &[u8]) -> u64 {
    let mut key = [0; 8];
    for (to, from) in key.iter_mut().zip(word) {
        *to = *from;
    }
    u64::from_be_bytes(key)
}

fn word<'a>(bytes: &'a [u8], posting: &Posting) -> &'a [u8] {
    let at = posting.at as usize;
    let length = bytes.get(at).copied().map_or(0, usize::from);
    bytes.get(at + 1..at + 1 + length).unwrap_or_default()
}

/// The shortest beginning of `word` that comes after `before`.
fn shortest_after(before: &str, word: &str) -> String {
    let same = before.chars().zip(word.chars()).take_while(|(a, b)| a == b).count();
    word.chars().take(same + 1).collect()
}

/// The list of one word.
struct List<'a> {
    word: &'a str,
    postings: &'a [Posting],
    /// How many entries there were, where not all are listed: the power of two below.
    cut: Option<u32>,
}

impl<'a> List<'a> {
    fn new(word: &'a str, run: &'a [Posting], most: usize) -> Self {
        let cut = (run.len() > most).then(|| run.len().ilog2());
        Self { word, postings: run.get(..most).unwrap_or(run), cut }
    }
}

fn place(posting: &Posting) -> u32 {
    posting.order & ((1 << PLACE_BITS) - 1)
}

impl Shard<'_> {
    /// What it is made from: each posting as it is told to a reader, behind what they all are read with.
    pub(super) fn made_from(&self, read_with: &[u8]) -> Digest {
        let (entries, frequent) = self.given;
        let mut bytes = read_with.to_vec();
        put_text(&mut bytes, &self.begins);
        for list in self.lists {
            put_text(&mut bytes, list.word);
            let length = u32::try_from(list.postings.len()).unwrap_or(u32::MAX);
            for number in [length, list.cut.map_or(0, |power| power + 1)] {
                bytes.extend_from_slice(&number.to_le_bytes());
            }
            for posting in list.postings {
                let place = place(posting);
                let facts = entries.facts(entries.facts_number(place));
                let numbers = [posting.order >> PLACE_BITS, entries.packed(place), facts.word, facts.signals];
                bytes.extend_from_slice(numbers.map(u32::to_le_bytes).as_flattened());
                if !frequent.words.is_empty() {
                    bytes.extend_from_slice(&frequent.bits(place).to_le_bytes());
                }
            }
        }
        Digest::of_bytes(&bytes)
    }

    /// Its five strings.
    pub(super) fn parts(&self) -> [String; 5] {
        parts(&self.begins, self.lists, self.given)
    }
}

fn parts(begins: &str, lists: &[List<'_>], (entries, frequent): (&Entries, &Frequent)) -> [String; 5] {
    // By number: how often each is there, then which place it has.
    let mut facts: Vec<u32> = vec![0; entries.different()];
    let mut sets: Vec<u32> = vec![0; frequent.sets()];
    for posting in lists.iter().flat_map(|list| list.postings) {
        count(&mut facts, entries.facts_number(place(posting)) as usize);
        count(&mut sets, frequent.set(place(posting)));
    }
    // The commonest first: they get the short numbers.
    let mut by_count: Vec<(Reverse<u32>, Facts, usize)> = counted(&facts)
        .map(|(number, count)| (Reverse(count), entries.facts(number as u32), number))
        .collect();
    by_count.sort_unstable();
    let mut facts_text = String::new();
    for (place, (_, one, number)) in (0..).zip(by_count) {
        symbols::put(&mut facts_text, one.word);
        symbols::put(&mut facts_text, one.signals);
        put_at(&mut facts, number, place);
    }
    let mut by_count: Vec<(Reverse<u32>, u128, usize)> =
        counted(&sets).map(|(set, count)| (Reverse(count), frequent.bits_of(set), set)).collect();
    by_count.sort_unstable();
    let mut sets_text = String::new();
    for (place, (_, bits, set)) in (0..).zip(by_count) {
        symbols::put(&mut sets_text, bits.count_ones());
        (0..128).filter(|i| bits >> i & 1 == 1).for_each(|i| symbols::put(&mut sets_text, i));
        put_at(&mut sets, set, place);
    }
    let mut text = String::with_capacity(lists.iter().map(|list| 8 + 5 * list.postings.len()).sum());
    for list in lists {
        let tiers = list.postings.chunk_by(|a, b| a.order >> PLACE_BITS == b.order >> PLACE_BITS);
        let used = u32::try_from(tiers.clone().count()).unwrap_or(0);
        symbols::put(&mut text, used * 2 + u32::from(list.cut.is_some()));
        list.cut.into_iter().for_each(|power| symbols::put(&mut text, power));
        for tier in tiers {
            symbols::put(&mut text, tier.first().map_or(0, |posting| posting.order >> PLACE_BITS));
            symbols::put(&mut text, u32::try_from(tier.len()).unwrap_or(u32::MAX));
            let mut before = 0;
            for posting in tier {
                let (block, slot) = entries.address(place(posting));
                symbols::put(&mut text, block - before);
                symbols::put(&mut text, slot);
                let number = entries.facts_number(place(posting)) as usize;
                symbols::put(&mut text, facts.get(number).copied().unwrap_or(0));
                if !frequent.words.is_empty() {
                    let set = frequent.set(place(posting));
                    symbols::put(&mut text, sets.get(set).copied().unwrap_or(0));
                }
                before = block;
            }
        }
    }
    let words = lists.iter().map(|list| list.word).collect::<Vec<_>>().join(" ");
    [begins.to_owned(), words, facts_text, sets_text, text]
}

fn count(counts: &mut [u32], number: usize) {
    if let Some(count) = counts.get_mut(number) {
        *count += 1;
    }
}

fn counted(counts: &[u32]) -> impl Iterator<Item = (usize, u32)> {
    counts.iter().copied().enumerate().filter(|(_, count)| *count > 0)
}

fn put_at(numbers: &mut [u32], at: usize, number: u32) {
    if let Some(place) = numbers.get_mut(at) {
        *place = number;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits = Limits { listed: 50, shard: 400 };

    struct Made {
        begins: String,
        parts: [String; 5],
    }

    fn cut(sorted: &Sorted, given: (&Entries, &Frequent)) -> Vec<Made> {
        let mut all = Vec::new();
        let done: Result<(), ()> = sorted.cut("", given, LIMITS, |shard| {
            all.push(Made { parts: shard.parts(), begins: shard.begins });
            Ok(())
        });
        done.unwrap();
        all
    }

    fn shards(bytes: &[u8], entries: u32) -> Vec<Made> {
        let entries = Entries::made_up(entries);
        let sorted = Sorted::new(Vec::new(), bytes, &entries, |_| false);
        cut(&sorted, (&entries, &Frequent::default()))
    }

    fn words(shard: &Made) -> Vec<&str> {
        shard.parts[1].split(' ').collect()
    }

    /// Four-letter words, more of some than of others.
    fn made_up(without: Option<usize>) -> Vec<u8> {
        let mut bytes = Vec::new();
        for n in (0..400).rev().filter(|n| Some(*n) != without) {
            let word: String = (0..4).map(|i| char::from(b'a' + ((n * 7919) >> (3 * i)) as u8 % 8)).collect();
            for place in 0..(n % 13) as u32 {
                put(&mut bytes, &word, n % TIERS, place * 3);
            }
        }
        bytes
    }

    #[test]
    fn the_best_stay_where_a_list_is_cut() {
        let mut bytes = Vec::new();
        for place in 0..100 {
            put(&mut bytes, "get", if place < 20 { 6 } else { 1 }, place);
        }
        put(&mut bytes, "gets", 3, 7);
        let all = shards(&bytes, 100);
        let text: Vec<&str> = all.iter().flat_map(words).collect();
        assert_eq!(text, ["get", "gets"]);
        // One tier and cut; of at least 64; tier 1; fifty of them.
        assert!(all[0].parts[4].starts_with("$(!V"), "{}", all[0].parts[4]);
    }

    #[test]
    fn shards_are_in_order_and_not_long() {
        let bytes = made_up(None);
        let all = shards(&bytes, 60);
        assert!(all.len() > 10, "{}", all.len());
        let text: Vec<&str> = all.iter().flat_map(words).collect();
        assert!(text.is_sorted());
        for pair in all.windows(2) {
            let [a, b] = pair else { continue };
            assert!(words(a).last().unwrap() < &b.begins.as_str() && b.begins.as_str() <= words(b)[0]);
        }
        assert!(all.iter().all(|shard| shard.parts[4].len() < 5 * LIMITS.shard));
    }

    #[test]
    fn a_word_less_changes_the_shards_beside_it_and_no_others() {
        let (before, after) = (shards(&made_up(None), 60), shards(&made_up(Some(211)), 60));
        let differing =
            after.iter().filter(|shard| !before.iter().any(|old| old.parts == shard.parts)).count();
        assert!((1..=2).contains(&differing), "{differing} of {}", after.len());
    }

    /// Half of the entries are noted by one build; of those some die, and the rest comes with the next one.
    #[test]
    fn what_is_known_and_what_is_found_come_to_what_is_found_at_once() {
        let entries = Entries::made_up(60);
        let all = made_up(None);
        let (mut first, mut second) = (Vec::new(), Vec::new());
        let is_dead = |place: u32| (32..48).contains(&place);
        each(&all, |_, word, order| {
            let (word, place) = (std::str::from_utf8(word).unwrap(), order & ((1 << PLACE_BITS) - 1));
            let tier = (order >> PLACE_BITS) as usize;
            if place < 16 || is_dead(place) {
                put(&mut first, word, tier, place);
            }
            if is_dead(place) {
                put(&mut first, "gone", tier, place);
            }
            if place >= 16 {
                put(&mut second, word, tier, place);
            }
        });
        let known = Sorted::new(Vec::new(), &first, &entries, |_| false).known(&entries);
        let together = Sorted::new(known, &second, &entries, |address| is_dead(entries.unpacked(address)));
        let at_once = Sorted::new(Vec::new(), &all, &entries, |_| false);
        assert_eq!(together.known(&entries), at_once.known(&entries));
        let given = (&entries, &Frequent::default());
        let (a, b) = (cut(&together, given), cut(&at_once, given));
        assert!(a.len() > 10 && a.iter().zip(&b).all(|(a, b)| a.parts == b.parts) && a.len() == b.len());
    }

    #[test]
    fn the_frequent_words_of_names_stand_beside_each_posting() {
        let mut bytes = Vec::new();
        put(&mut bytes, "issue", 1, 0);
        put(&mut bytes, "issue", 1, 1);
        let frequent = Frequent::made_up(&["create", "get"], &[0, 2]);
        let entries = Entries::made_up(2);
        let made = cut(&Sorted::new(Vec::new(), &bytes, &entries, |_| false), (&entries, &frequent));
        // No word, then one: the second.
        assert_eq!(made[0].parts[3], " !!");
        let ends: Vec<char> = made[0].parts[4].chars().skip(3).collect();
        assert_eq!((ends.len(), ends[3], ends[7]), (8, ' ', '!'));
    }

    #[test]
    fn long_words_that_begin_alike_are_told_apart() {
        let mut bytes = Vec::new();
        for (place, word) in (0..).zip(["abcdefghz", "abcdefgha", "abcdefgh", "abcdefgha"]) {
            put(&mut bytes, word, 6, place);
        }
        let all = shards(&bytes, 60);
        assert_eq!(all.iter().flat_map(words).collect::<Vec<_>>(), ["abcdefgh", "abcdefgha", "abcdefghz"]);
        assert_eq!(shortest_after("create", "created"), "created");
        assert_eq!(shortest_after("ceil", "created"), "cr");
        assert_eq!(shortest_after("", "ü"), "ü");
    }
}
