//! Goes through everything that can be found, in the order of the catalogue, and notes each of its words once, where it fits best.

use rayon::prelude::*;

use super::entries::{CHUNK, Entries, Unit};
use super::frequent::hash;
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

/// Notes every word of every entry whose chunk is `fresh`.
///
/// # Errors
/// A full disk.
pub(super) fn postings(
    work: &WholeWork<'_>,
    entries: &Entries,
    ranges: &Ranges,
    fresh: &(dyn Fn(usize) -> bool + Sync),
    spill: &mut Spill,
) -> std::io::Result<()> {
    let has_fresh = |(_, first, count): &(Unit, u32, usize)| {
        (0..*count).any(|number| fresh(entries.chunk(*first, number * CHUNK)))
    };
    let ends = entries.units.iter().skip(1).map(|(_, first)| *first as usize).chain([entries.chunks.len()]);
    let units =
        entries.units.iter().zip(ends).map(|((unit, first), end)| (*unit, *first, end - *first as usize));
    let units: Vec<(Unit, u32, usize)> = units.filter(has_fresh).collect();
    for units in units.chunks(TOGETHER) {
        let found: Vec<Vec<Vec<u8>>> = units
            .par_chunks(AT_ONCE)
            .map(|units| {
                let mut found = Found::new(entries, ranges, fresh);
                units.iter().for_each(|(unit, first, _)| found.unit(work, *unit, *first));
                found.postings
            })
            .collect();
        for postings in found {
            spill.add(&postings)?;
        }
    }
    Ok(())
}

/// What one thread found.
struct Found<'a> {
    entries: &'a Entries,
    ranges: &'a Ranges,
    fresh: &'a (dyn Fn(usize) -> bool + Sync),
    splitter: Splitter,
    /// Hashes of the words that were noted for the entry at hand.
    noted: Vec<u64>,
    /// By range.
    postings: Vec<Vec<u8>>,
}

impl<'a> Found<'a> {
    fn new(entries: &'a Entries, ranges: &'a Ranges, fresh: &'a (dyn Fn(usize) -> bool + Sync)) -> Self {
        let postings = vec![Vec::new(); ranges.count()];
        let (splitter, noted) = (Splitter::default(), Vec::new());
        Self { entries, ranges, fresh, splitter, noted, postings }
    }

    /// The place of an entry; None where its words are known.
    fn place(&self, first: u32, entry: usize) -> Option<u32> {
        (self.fresh)(self.entries.chunk(first, entry)).then(|| self.entries.place(first, entry))
    }

    fn unit(&mut self, work: &WholeWork<'_>, unit: Unit, first: u32) {
        match unit {
            Unit::Server(i) => {
                if let Some(server) = work.common.catalogue.servers.get(i) {
                    self.server(work, server, first);
                }
            }
            Unit::Unasked(i) => {
                if let Some(server) = work.unasked.get(i)
                    && let Some(place) = self.place(first, 0)
                {
                    self.name(place, &server.name.name);
                    self.text(place, TITLE, &server.name.key);
                }
            }
            Unit::Attacks => {
                for (i, pattern) in work.common.library.patterns().iter().enumerate() {
                    let Some(place) = self.place(first, i) else { continue };
                    self.name(place, &pattern.title);
                    self.text(place, TITLE, &pattern.id);
                    self.text(place, DESCRIPTION, &pattern.summary);
                }
            }
            Unit::Terms => {
                for (i, term) in work.common.library.terms().iter().enumerate() {
                    let Some(place) = self.place(first, i) else { continue };
                    self.name(place, &term.term);
                    self.text(place, DESCRIPTION, &term.text);
                }
            }
            Unit::Categories => {
                for (i, category) in work.common.library.categories_in_use().enumerate() {
                    let Some(place) = self.place(first, i) else { continue };
                    self.name(place, &category.title);
                    self.text(place, TITLE, &category.id);
                    self.text(place, DESCRIPTION, &category.summary);
                }
            }
        }
    }

    fn server(&mut self, work: &WholeWork<'_>, server: &ServerEntry, first: u32) {
        let catalogue = work.common.catalogue;
        let key = server.key().name();
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
        if let Some(place) = self.place(first, 0) {
            self.name(place, &server.name.name);
            for (hash, word) in &own {
                self.word(place, TITLE, *hash, word);
            }
        }
        for (i, tool) in catalogue.tools_of(server).iter().enumerate() {
            let Some(place) = self.place(first, i + 1) else { continue };
            self.name(place, catalogue.name_of(tool));
            let (title, further) = catalogue.more_of(tool);
            self.text(place, TITLE, title);
            for (hash, word) in &own {
                self.word(place, SERVER, *hash, word);
            }
            self.text(place, DESCRIPTION, whole_words(catalogue.line_of(tool)));
            self.text(place, DESCRIPTION, further);
        }
    }

    /// Begins an entry with its name.
    fn name(&mut self, place: u32, name: &str) {
        self.noted.clear();
        let mut splitter = std::mem::take(&mut self.splitter);
        let mut words = 0usize;
        splitter.split(name, |_, counts| words += usize::from(counts));
        let tier = words.clamp(1, TITLE) - 1;
        splitter.split(name, |word, _| self.word(place, tier, hash(word.as_bytes()), word));
        self.splitter = splitter;
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
