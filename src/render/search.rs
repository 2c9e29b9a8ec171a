//! Search without a server: an index in small scripts that the search page loads as it needs them, and that page.
//!
//! What is looked for stands in `search/w/` (words, by what they begin with), what results look like in `search/b/` (blocks of
//! entries), and which files there are in `search/index.js`. They are scripts and no JSON, because a page that was opened as
//! a file may not fetch, but may load scripts beside it.

mod blocks;
mod collect;
mod entries;
mod frequent;
mod memory;
mod shards;
mod spelling;
mod spill;
mod symbols;
mod words;

use std::path::PathBuf;

use rayon::prelude::*;
use serde::Serialize;

use super::RenderError;
use super::digest::Digest;
use super::html::escape_json;
use super::kinds::{MadeFrom, Make, PageKind};
use super::site_work::WholeWork;
use super::words::{ClassWord, RiskWord, SignalWord, class_word, risk_word, signal_word};
use crate::model::{Class, Registry, Risk, Signal};
use entries::Entries;
use frequent::Frequent;
use memory::{Belongs, Keep, Memory, each_known};
use shards::{Limits, PLACE_BITS, Sorted};
use spill::{Ranges, Spill};

pub(in crate::render) use words::more_words;

/// Changes whenever the shape of the files does.
const FORMAT: &str = "catalogue search 3";
/// Entries that the list of one word holds, and signs of a shard: two words are to cost some 40 KB.
const LIMITS: Limits = Limits { listed: 4_096, shard: 14_000 };
/// Where shards lie.
const SHARDS: &str = "search/w/";
const DIRECTORY: &str = "search/index.js";

/// The page; the index is made with it.
pub(super) const KIND: PageKind = PageKind {
    id: "search",
    path: "search.html",
    templates: &["search.html"],
    made_from: MadeFrom::Catalogue,
    counts: false,
    make: Make::Whole(make),
};

#[derive(Serialize)]
struct SearchView {
    classes: Vec<ClassWord>,
    risks: Vec<RiskWord>,
    signals: Vec<SignalWord>,
    registries: Vec<RegistryLine>,
}

/// A registry that has a server in this catalogue.
#[derive(Serialize)]
struct RegistryLine {
    id: &'static str,
    /// Its number in the index.
    number: usize,
}

fn make(work: &WholeWork<'_>) -> Result<(), RenderError> {
    let used = |registry: &Registry| {
        work.common.catalogue.servers.iter().any(|server| server.key().registry() == *registry)
    };
    let registries = (1..).zip(Registry::ALL).filter(|(_, registry)| used(registry));
    let view = SearchView {
        classes: Class::ALL.iter().copied().map(class_word).collect(),
        risks: Risk::ALL.iter().copied().map(risk_word).collect(),
        signals: Signal::ALL.iter().copied().map(signal_word).collect(),
        registries: registries.map(|(number, r)| RegistryLine { id: r.as_str(), number }).collect(),
    };
    work.listed("search.html".to_owned());
    work.common.press.page(&KIND, work.unit, "search.html", &view)?;
    index(work, LIMITS)
}

/// Brings the index up to date.
fn index(work: &WholeWork<'_>, limits: Limits) -> Result<(), RenderError> {
    let press = work.common.press;
    let whole = blocks::whole(work, FORMAT);
    if press.has_script(work.unit, DIRECTORY, whole) && press.keep_scripts(work.unit, "search/")? {
        return Ok(());
    }
    let entries = Entries::new(work);
    let ranges = Ranges::new(entries.len());
    let frequent = Frequent::new(work.common.catalogue, &entries, limits.listed);
    let belongs = |made_from: Digest| Belongs {
        made_from,
        shared: press.shared,
        blocks: entries.blocks,
        ranges: u32::try_from(ranges.count()).unwrap_or(u32::MAX),
    };
    let place = press.options.shelf.as_ref().filter(|_| entries.are_packed()).map(|shelf| {
        let mut place = shelf.clone().into_os_string();
        place.push(".words");
        PathBuf::from(place)
    });
    let trusted = !press.options.fresh && !press.output.taken_up;
    let before = work.unit.inputs_before(DIRECTORY).filter(|_| trusted);
    let memory = before
        .zip(place.as_ref())
        .and_then(|(made_from, place)| Memory::open(place, belongs(made_from), &entries));
    let keep = place.map(|place| Keep::new(place, ranges.count())).transpose()?;
    let mut spill = Spill::new(ranges.count(), press.options.out.clone());
    let fresh = |chunk: usize| memory.as_ref().is_none_or(|m| m.fresh.get(chunk).is_none_or(|fresh| *fresh));
    collect::postings(work, &entries, &ranges, &fresh, &mut spill)?;
    let mut shards_before = vec![Vec::new(); ranges.count()];
    for path in work.unit.paths_before(SHARDS) {
        if let Some(begins) = border(path)
            && let Some(shards) = shards_before.get_mut(ranges.of(begins.as_bytes()))
        {
            shards.push((begins, path));
        }
    }
    let index = Index { work, limits, entries: &entries, frequent: &frequent, memory: memory.as_ref() };
    let borders: Vec<Vec<String>> = shards_before
        .into_par_iter()
        .enumerate()
        .map(|(range, before)| {
            let bytes = spill.read(range)?;
            let (borders, known) = index.range((range, ranges.begins(range)), &bytes, before)?;
            keep.iter().try_for_each(|keep| keep.put(range, &known))?;
            Ok(borders)
        })
        .collect::<Result<_, RenderError>>()?;
    drop(spill);
    blocks::put(work, &entries)?;
    let borders = borders.concat().join(" ");
    let directory = (entries.blocks, borders, frequent.words.join(" "));
    press.script(work.unit, DIRECTORY, whole, || script("catalogueIndex", &directory))?;
    if let Some(keep) = keep {
        keep.end(belongs(press.script_inputs(DIRECTORY, whole)), &entries, &frequent.words)?;
    }
    Ok(())
}

/// The index on its way.
struct Index<'a> {
    work: &'a WholeWork<'a>,
    limits: Limits,
    entries: &'a Entries,
    frequent: &'a Frequent,
    memory: Option<&'a Memory>,
}

impl Index<'_> {
    /// Writes the shards of one range, or keeps them all; what each begins with, and what the next build is to know.
    fn range(
        &self,
        (range, begins): (usize, &str),
        found: &[u8],
        mut before: Vec<(String, &str)>,
    ) -> Result<(Vec<String>, Vec<u8>), RenderError> {
        let (press, unit) = (self.work.common.press, self.work.unit);
        let known = self.memory.map_or(Ok(Vec::new()), |memory| memory.read(range))?;
        let is_dead = |address: u32| self.memory.is_none_or(|memory| memory.is_dead(address));
        let same = self.memory.is_some_and(|memory| {
            let mut died = false;
            each_known(&known, PLACE_BITS, |_, _, _, address| died |= memory.is_dead(address));
            !died && found.is_empty() && memory.has_frequent(&self.frequent.words)
        });
        before.sort();
        if same && before.iter().all(|(_, path)| press.output.can_keep(unit, path)) {
            for (_, path) in &before {
                press.keep_scripts(unit, path)?;
            }
            return Ok((before.into_iter().map(|(begins, _)| begins).collect(), known));
        }
        let sorted = Sorted::new(known, found, self.entries, is_dead);
        let read_with = format!("{FORMAT} {:?} {}\n", self.limits, self.frequent.words.join(" "));
        let mut borders = Vec::new();
        sorted.cut(begins, (self.entries, self.frequent), self.limits, |shard| {
            let path = format!("{SHARDS}{}.js", file_name(&shard.begins));
            borders.push(shard.begins.clone());
            let inputs = shard.made_from(read_with.as_bytes());
            press.script(unit, &path, inputs, || script("catalogueShard", &shard.parts()))
        })?;
        Ok((borders, sorted.known(self.entries)))
    }
}

/// The name of a shard's file: words are others' text, so what is not plain is spelled in hex digits.
fn file_name(begins: &str) -> String {
    if begins.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        format!("t-{begins}")
    } else {
        format!("x-{}", hex::encode(begins))
    }
}

/// What the shard in that file begins with.
fn border(path: &str) -> Option<String> {
    let name = path.strip_prefix(SHARDS)?.strip_suffix(".js")?;
    match name.split_once('-')? {
        ("t", plain) => Some(plain.to_owned()),
        ("x", digits) => String::from_utf8(hex::decode(digits).ok()?).ok(),
        _ => None,
    }
}

/// A script that hands one call what is shown: JSON in which nothing can end a script element, or a line of one.
pub(super) fn script(call: &str, value: &impl Serialize) -> Result<String, RenderError> {
    let json = serde_json::to_string(value).map_err(std::io::Error::from)?;
    Ok(format!("{call}({})\n", escape_json(&json)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shards_file_says_what_it_begins_with() {
        for begins in ["", "create", "ü", "天", "con"] {
            let path = format!("{SHARDS}{}.js", file_name(begins));
            assert!(path.is_ascii() && border(&path).as_deref() == Some(begins), "{path}");
        }
        assert_eq!(border("search/w/other.js"), None);
        assert_eq!(border("search/b/1.js"), None);
    }

    #[test]
    fn a_script_holds_nothing_that_ends_it() {
        let text = script("call", &("</script>\u{2028}\"\\", 1)).unwrap();
        assert!(!text.contains('<') && !text.contains('\u{2028}'), "{text}");
    }
}
