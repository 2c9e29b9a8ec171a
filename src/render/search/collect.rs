//! Goes through everything that can be found, in the order of the catalogue, and notes each of its words once, where it fits best.

use rayon::prelude::*;

use super::entries::{Entries, Unit};
use super::frequent::{Frequent, hash};
use super::shards::{self, TIERS};
use super::spill::{Ranges, Spill};
use super::words::{Splitter, whole_words};
use crate::render::catalogue::ServerEntry;
use crate::render::site_work::WholeWork;

/// Units that are worked on at once by one thread, and by all before what they found is put together.
const AT_ONCE: usize = 48;
const TOGETHER: usize = 16 * AT_ONCE;
/// Words of a server that its tools are found by.
const SERVER_WORDS: usize = 12;
/// In nearly every address of a server, and looked for by nobody.
const OF_ADDRESSES: [&str; 3] = ["http", "https", "www"];

const TITLE: usize = 4;
const SERVER: usize = 5;
const DESCRIPTION: usize = 6;
const _: () = assert!(DESCRIPTION + 1 == TIERS);

/// Notes every word of every entry.
///
/// # Errors
/// A full disk.
pub(super) fn postings(
    work: &WholeWork<'_>,
    entries: &Entries,
    ranges: &Ranges,
    frequent: &mut Frequent,
    spill: &mut Spill,
) -> std::io::Result<()> {
    for units in entries.units.chunks(TOGETHER) {
        let known: &Frequent = frequent;
        let found: Vec<Found<'_>> = units
            .par_chunks(AT_ONCE)
            .map(|units| {
                let mut found = Found::new(entries, ranges, known);
                units.iter().for_each(|(unit, first)| found.unit(work, *unit, *first));
                found
            })
            .collect();
        let found: Vec<_> = found.into_iter().map(|found| (found.postings, found.names)).collect();
        for (postings, names) in found {
            spill.add(&postings)?;
            names.into_iter().for_each(|(place, bits)| frequent.note(place, bits));
        }
    }
    Ok(())
}

/// What one thread found.
struct Found<'a> {
    entries: &'a Entries,
    ranges: &'a Ranges,
    frequent: &'a Frequent,
    splitter: Splitter,
    /// Hashes of the words that were noted for the entry at hand.
    noted: Vec<u64>,
    /// By range.
    postings: Vec<Vec<u8>>,
    /// Frequent words of names.
    names: Vec<(u32, u128)>,
}

impl<'a> Found<'a> {
    fn new(entries: &'a Entries, ranges: &'a Ranges, frequent: &'a Frequent) -> Self {
        let postings = vec![Vec::new(); ranges.count()];
        let (splitter, noted, names) = (Splitter::default(), Vec::new(), Vec::new());
        Self { entries, ranges, frequent, splitter, noted, postings, names }
    }

    fn unit(&mut self, work: &WholeWork<'_>, unit: Unit, first: u32) {
        let place = |entry: usize| self.entries.place(first, entry);
        match unit {
            Unit::Server(i) => {
                if let Some(server) = work.common.catalogue.servers.get(i) {
                    self.server(work, server, first);
                }
            }
            Unit::Unasked(i) => {
                if let Some(server) = work.unasked.get(i) {
                    let place = place(0);
                    self.name(place, &server.name.name);
                    self.text(place, TITLE, &server.name.key);
                }
            }
            Unit::Attacks => {
                for (i, pattern) in work.common.library.patterns().iter().enumerate() {
                    let place = self.entries.place(first, i);
                    self.name(place, &pattern.title);
                    self.text(place, TITLE, &pattern.id);
                    self.text(place, DESCRIPTION, &pattern.summary);
                }
            }
            Unit::Terms => {
                for (i, term) in work.common.library.terms().iter().enumerate() {
                    let place = self.entries.place(first, i);
                    self.name(place, &term.term);
                    self.text(place, DESCRIPTION, &term.text);
                }
            }
        }
    }

    fn server(&mut self, work: &WholeWork<'_>, server: &ServerEntry, first: u32) {
        let catalogue = work.common.catalogue;
        let place = self.entries.place(first, 0);
        let key = server.key().name();
        self.name(place, &server.name.name);
        let mut own: Vec<(u64, String)> = Vec::new();
        for text in [server.name.name.as_str(), key] {
            self.splitter.split(text, |word, _| {
                let hash = hash(word.as_bytes());
                let is_new = !own.iter().any(|(known, _)| *known == hash);
                if own.len() < SERVER_WORDS && is_new && !OF_ADDRESSES.contains(&word) {
                    own.push((hash, word.to_owned()));
                }
            });
        }
        for (hash, word) in &own {
            self.word(place, TITLE, *hash, word);
        }
        for (i, tool) in catalogue.tools_of(server).iter().enumerate() {
            let place = self.entries.place(first, i + 1);
            let bits = self.name(place, catalogue.name_of(tool));
            if bits != 0 {
                self.names.push((place, bits));
            }
            let (title, further) = catalogue.more_of(tool);
            self.text(place, TITLE, title);
            for (hash, word) in &own {
                self.word(place, SERVER, *hash, word);
            }
            self.text(place, DESCRIPTION, whole_words(catalogue.line_of(tool)));
            self.text(place, DESCRIPTION, further);
        }
    }

    /// Begins an entry with its name; the frequent words in it.
    fn name(&mut self, place: u32, name: &str) -> u128 {
        self.noted.clear();
        let mut splitter = std::mem::take(&mut self.splitter);
        let mut words = 0usize;
        splitter.split(name, |_, counts| words += usize::from(counts));
        let tier = words.clamp(1, TITLE) - 1;
        let mut bits = 0;
        splitter.split(name, |word, _| {
            bits |= self.frequent.bit(word);
            self.word(place, tier, hash(word.as_bytes()), word);
        });
        self.splitter = splitter;
        bits
    }

    fn text(&mut self, place: u32, tier: usize, text: &str) {
        if text.is_empty() {
            return;
        }
        let mut splitter = std::mem::take(&mut self.splitter);
        splitter.split(text, |word, _| self.word(place, tier, hash(word.as_bytes()), word));
        self.splitter = splitter;
    }

    fn word(&mut self, place: u32, tier: usize, hash: u64, word: &str) {
        if self.noted.contains(&hash) {
            return;
        }
        self.noted.push(hash);
        if let Some(bytes) = self.postings.get_mut(self.ranges.of(word.as_bytes())) {
            shards::put(bytes, word, tier, place);
        }
    }
}
