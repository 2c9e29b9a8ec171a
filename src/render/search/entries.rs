//! What can be found, and where each of it stands: servers, tools, attack patterns and their categories, terms of the glossary.
//!
//! Whoever belongs together (a server and its tools) is cut into chunks of sixteen, and a chunk's block follows from a hash of its
//! server's key. So an address depends on nothing but its server and the few that share its block, not on who else is in the
//! catalogue: a server that comes or goes moves no other's postings. Only their number, when the catalogue has doubled, does.

use std::collections::HashMap;

use rayon::prelude::*;

use crate::model::{Class, Registry, Risk, Signal};
use crate::render::digest::Digest;
use crate::render::site_work::WholeWork;

/// Entries of one chunk.
pub(super) const CHUNK: usize = 16;
/// A block has between this and twice as many entries, on an average: a reader loads one for each result.
const IN_BLOCK: usize = 16;

/// Bits of an address as one number: those of the block are above these, and of these the upper ones say which chunk of the block it is.
pub(super) const SLOT_BITS: u32 = 11;
/// The bits that say which chunk of a block is meant.
pub(super) const RANK_BITS: u32 = SLOT_BITS - CHUNK.ilog2();
/// The bits of a block's number.
const BLOCK_BITS: u32 = 18;

/// What an entry is: the first bits of its facts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Tool = 0,
    Server = 1,
    Attack = 2,
    Term = 3,
}

/// Entries that belong together, in the order of their addresses' chunks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unit {
    /// A server and its tools, by its place in the catalogue.
    Server(usize),
    /// A server that was never asked, by its place in their list.
    Unasked(usize),
    Attacks,
    Terms,
    Categories,
}

/// A part of a unit, in its block.
#[derive(Debug, Clone, Copy)]
pub(super) struct Chunk {
    pub(super) block: u32,
    pub(super) unit: Unit,
    /// Which part it is, from 0.
    pub(super) number: usize,
    /// Place of its first entry in the order of addresses.
    first: u32,
}

/// What filters look at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Facts {
    /// Kind, class, risk, registry: two bits each, then the rest.
    pub(super) word: u32,
    /// One bit each, in the order of `Signal::ALL`.
    pub(super) signals: u32,
}

/// Every entry, by address. Some twenty bytes for each.
#[derive(Debug, Default)]
pub(super) struct Entries {
    pub(super) blocks: u32,
    /// By block, then by unit, then by number: the order of addresses.
    pub(super) chunks: Vec<Chunk>,
    /// Units in their order, each with the place of its first chunk in `of_unit`.
    pub(super) units: Vec<(Unit, u32)>,
    /// Places in `chunks`, by unit and number.
    of_unit: Vec<u32>,
    /// What each chunk is made from.
    pub(super) digests: Vec<Digest>,
    /// The first chunk of each block, and at last the end.
    of_block: Vec<u32>,
    /// Block and slot.
    addresses: Vec<(u32, u32)>,
    facts: Vec<u32>,
    different: Vec<Facts>,
}

impl Facts {
    /// Two bits say what an entry is, and all four are taken: a category is a pattern with a class, which no pattern has.
    const OF_CATEGORY: u32 = Kind::Attack as u32 | 1 << 2;

    fn of(kind: Kind, class: Option<Class>, risk: Option<Risk>, registry: Option<Registry>) -> u32 {
        let class = class.and_then(|class| Class::ALL.iter().position(|c| *c == class)).unwrap_or(0);
        let risk = risk.and_then(|risk| Risk::ALL.iter().position(|r| *r == risk)).unwrap_or(0);
        // 0 is none.
        let registry = registry.and_then(|r| Registry::ALL.iter().position(|other| *other == r));
        let registry = registry.map_or(0, |place| place + 1);
        kind as u32 | (class as u32) << 2 | (risk as u32) << 4 | (registry as u32) << 6
    }
}

impl Entries {
    /// Gives everything its address.
    pub(super) fn new(work: &WholeWork<'_>) -> Self {
        let catalogue = work.common.catalogue;
        let library = work.common.library;
        let mut units: Vec<(Unit, String, usize)> = Vec::with_capacity(catalogue.servers.len() + 2);
        for (i, server) in catalogue.servers.iter().enumerate() {
            units.push((Unit::Server(i), server.key_text(), 1 + server.tool_count));
        }
        for (i, server) in work.unasked.iter().enumerate() {
            units.push((Unit::Unasked(i), server.about.clone(), 1));
        }
        units.push((Unit::Attacks, "attacks".to_owned(), library.patterns().len()));
        units.push((Unit::Terms, "terms".to_owned(), library.terms().len()));
        units.push((Unit::Categories, "categories".to_owned(), library.categories_in_use().count()));
        let count: usize = units.iter().map(|(_, _, count)| count).sum();
        let blocks = u32::try_from(power_of_two_up_to(count / IN_BLOCK)).unwrap_or(u32::MAX);
        let mut entries = Entries { blocks, ..Entries::default() };
        let mut counts = Vec::new();
        for (unit, key, count) in &units {
            entries.units.push((*unit, u32::try_from(counts.len()).unwrap_or(u32::MAX)));
            for number in 0..count.div_ceil(CHUNK) {
                let section = matches!(unit, Unit::Server(_) | Unit::Unasked(_));
                let hash = Digest::of(&(section, key, number)).short();
                let block = u32::try_from(hash % u64::from(blocks)).unwrap_or(0);
                entries.chunks.push(Chunk { block, unit: *unit, number, first: 0 });
                counts.push((count - number * CHUNK).min(CHUNK));
            }
        }
        let mut order: Vec<usize> = (0..entries.chunks.len()).collect();
        // Within a block in the order of units.
        order.sort_by_key(|i| entries.chunks.get(*i).map_or(0, |chunk| chunk.block));
        entries.of_unit = vec![0; order.len()];
        let mut sorted = Vec::with_capacity(order.len());
        let (mut block, mut rank) = (u32::MAX, 0u32);
        for (place, i) in order.into_iter().enumerate() {
            let (Some(chunk), Some(count)) = (entries.chunks.get(i), counts.get(i)) else { continue };
            rank = if chunk.block == block { rank + 1 } else { 0 };
            block = chunk.block;
            let first = u32::try_from(entries.addresses.len()).unwrap_or(u32::MAX);
            sorted.push(Chunk { first, ..*chunk });
            if let Some(of_unit) = entries.of_unit.get_mut(i) {
                *of_unit = u32::try_from(place).unwrap_or(u32::MAX);
            }
            let slots = (0..*count).map(|n| (block, rank * CHUNK as u32 + n as u32));
            entries.addresses.extend(slots);
        }
        entries.chunks = sorted;
        entries.begin_blocks();
        let chunks = entries.chunks.par_iter();
        entries.digests = chunks.map(|chunk| super::blocks::made_from(work, chunk)).collect();
        entries.state_facts(work);
        entries
    }

    fn begin_blocks(&mut self) {
        for (place, chunk) in (0..).zip(&self.chunks) {
            self.of_block.resize(self.of_block.len().max(chunk.block as usize + 1), place);
        }
        self.of_block.resize(self.blocks as usize + 1, u32::try_from(self.chunks.len()).unwrap_or(u32::MAX));
    }

    fn state_facts(&mut self, work: &WholeWork<'_>) {
        let catalogue = work.common.catalogue;
        let mut known: HashMap<Facts, u32> = HashMap::new();
        let mut all = Vec::with_capacity(self.addresses.len());
        for chunk in &self.chunks {
            let from = chunk.number * CHUNK;
            let mut put = |facts: Facts| {
                let next = u32::try_from(known.len()).unwrap_or(u32::MAX);
                let place = *known.entry(facts).or_insert(next);
                if place == next {
                    self.different.push(facts);
                }
                all.push(place);
            };
            match chunk.unit {
                Unit::Server(i) => {
                    let Some(server) = catalogue.servers.get(i) else { continue };
                    let registry = Some(server.key().registry());
                    let tools = catalogue.tools_of(server);
                    if from == 0 {
                        put(Facts { word: Facts::of(Kind::Server, None, None, registry), signals: 0 });
                    }
                    for tool in tools.iter().skip(from.saturating_sub(1)).take(CHUNK - usize::from(from == 0))
                    {
                        let word = Facts::of(Kind::Tool, Some(tool.class), Some(tool.risk), registry);
                        put(Facts { word, signals: tool.signals });
                    }
                }
                Unit::Unasked(_) => {
                    put(Facts { word: Facts::of(Kind::Server, None, None, None), signals: 0 })
                }
                Unit::Attacks | Unit::Terms | Unit::Categories => {
                    let library = work.common.library;
                    let (word, count) = match chunk.unit {
                        Unit::Attacks => {
                            (Facts::of(Kind::Attack, None, None, None), library.patterns().len())
                        }
                        Unit::Terms => (Facts::of(Kind::Term, None, None, None), library.terms().len()),
                        _ => (Facts::OF_CATEGORY, library.categories_in_use().count()),
                    };
                    for _ in from..count.min(from + CHUNK) {
                        put(Facts { word, signals: 0 });
                    }
                }
            }
        }
        self.facts = all;
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.addresses.len()
    }

    /// The place of an entry in the order of addresses.
    pub(super) fn place(&self, first_chunk: u32, entry: usize) -> u32 {
        let chunk = self.of_unit.get(first_chunk as usize + entry / CHUNK);
        let chunk = chunk.and_then(|place| self.chunks.get(*place as usize));
        chunk.map_or(0, |chunk| chunk.first) + (entry % CHUNK) as u32
    }

    /// The place of an entry's chunk.
    pub(super) fn chunk(&self, first_chunk: u32, entry: usize) -> usize {
        self.of_unit.get(first_chunk as usize + entry / CHUNK).map_or(usize::MAX, |place| *place as usize)
    }

    /// Block and rank of the chunk at that place, as one number.
    pub(super) fn chunk_address(&self, place: usize) -> u32 {
        let block = self.chunks.get(place).map_or(0, |chunk| chunk.block);
        let first = self.of_block.get(block as usize).copied().unwrap_or_default();
        block << RANK_BITS | u32::try_from(place).unwrap_or(u32::MAX).saturating_sub(first)
    }

    /// True if every address fits one number.
    pub(super) fn are_packed(&self) -> bool {
        let ranks = self.of_block.iter().zip(self.of_block.iter().skip(1)).map(|(from, to)| to - from);
        self.blocks <= 1 << BLOCK_BITS && ranks.max().unwrap_or(0) <= 1 << RANK_BITS
    }

    /// The address of the entry at that place, as one number.
    pub(super) fn packed(&self, place: u32) -> u32 {
        let (block, slot) = self.address(place);
        block << SLOT_BITS | slot
    }

    /// The place of the entry with that address.
    pub(super) fn unpacked(&self, address: u32) -> u32 {
        let (block, slot) = (address >> SLOT_BITS, address & ((1 << SLOT_BITS) - 1));
        let chunk = self.of_block.get(block as usize).copied().unwrap_or_default() + slot / CHUNK as u32;
        self.chunks.get(chunk as usize).map_or(0, |chunk| chunk.first) + slot % CHUNK as u32
    }

    /// Block and slot of the entry at that place.
    pub(super) fn address(&self, place: u32) -> (u32, u32) {
        self.addresses.get(place as usize).copied().unwrap_or_default()
    }

    /// A number that stands for its facts in this build.
    pub(super) fn facts_number(&self, place: u32) -> u32 {
        self.facts.get(place as usize).copied().unwrap_or_default()
    }

    /// How many such numbers there are.
    pub(super) fn different(&self) -> usize {
        self.different.len()
    }

    /// The facts that such a number stands for.
    pub(super) fn facts(&self, number: u32) -> Facts {
        self.different.get(number as usize).copied().unwrap_or(Facts { word: 0, signals: 0 })
    }
}

/// The number of signals fits the bits of [`Facts::signals`].
const _: () = assert!(Signal::ALL.len() <= 32);

/// The largest power of two that is no greater; at least 1.
fn power_of_two_up_to(count: usize) -> usize {
    1 << count.max(1).ilog2()
}

#[cfg(test)]
impl Entries {
    /// So many tools, sixteen to a block, of two different facts.
    pub(super) fn made_up(count: u32) -> Self {
        let different = vec![Facts { word: 0, signals: 0 }, Facts { word: 4, signals: 3 }];
        let addresses = (0..count).map(|i| (i / 16, i % 16)).collect();
        let facts = (0..count).map(|i| u32::from(i % 3 == 0)).collect();
        let chunk = |n: u32| Chunk { block: n, unit: Unit::Server(0), number: n as usize, first: n * 16 };
        let chunks: Vec<Chunk> = (0..count.div_ceil(16)).map(chunk).collect();
        let digests = (0..chunks.len()).map(|n| Digest::of(&n)).collect();
        let blocks = count.div_ceil(16);
        let mut made = Self { blocks, chunks, digests, addresses, facts, different, ..Self::default() };
        made.begin_blocks();
        made
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_of_blocks_changes_only_when_the_catalogue_doubles() {
        assert_eq!([0, 1, 2, 3, 4, 7, 8, 1000].map(power_of_two_up_to), [1, 1, 2, 2, 4, 4, 8, 512]);
    }

    #[test]
    fn an_address_as_one_number_leads_back() {
        let made = Entries::made_up(50);
        assert!((0..50).all(|place| made.unpacked(made.packed(place)) == place));
        assert!(made.are_packed());
        assert_eq!((made.chunk_address(2), made.packed(33)), (2 << RANK_BITS, 2 << SLOT_BITS | 1));
    }

    #[test]
    fn facts_are_what_filters_ask_for() {
        let word = Facts::of(Kind::Tool, Some(Class::Execute), Some(Risk::Critical), Some(Registry::Pypi));
        assert_eq!((word & 3, word >> 2 & 3, word >> 4 & 3, word >> 6), (0, 2, 3, 2));
        assert_eq!(Facts::of(Kind::Term, None, None, None), 3);
    }
}
