//! Search without a server: an index in small scripts that the search page loads as it needs them, and that page.
//!
//! What is looked for stands in `search/w/` (words, by what they begin with), what results look like in `search/b/` (blocks of
//! entries), and which files there are in `search/index.js`. They are scripts and no JSON, because a page that was opened as
//! a file may not fetch, but may load scripts beside it.

mod blocks;
mod collect;
mod entries;
mod frequent;
mod shards;
mod spill;
mod symbols;
mod words;

use rayon::prelude::*;
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use super::RenderError;
use super::digest::Digest;
use super::html::escape_json;
use super::kinds::{MadeFrom, Make, PageKind};
use super::site_work::WholeWork;
use super::words::{ClassWord, RiskWord, SignalWord, class_word, risk_word, signal_word};
use crate::model::{Class, Registry, Risk, Signal};
use entries::Entries;
use frequent::Frequent;
use shards::Limits;
use spill::{Ranges, Spill};

pub(in crate::render) use words::more_words;

/// Changes whenever the shape of the files does.
const FORMAT: &str = "catalogue search 1";
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
    let mut frequent = Frequent::new(work.common.catalogue, entries.len(), limits.listed);
    let mut spill = Spill::new(ranges.count(), press.options.out.clone());
    collect::postings(work, &entries, &ranges, &mut frequent, &mut spill)?;
    let borders: Vec<Vec<String>> = (0..ranges.count())
        .into_par_iter()
        .map(|range| {
            let bytes = spill.read(range)?;
            shards_of(work, ranges.begins(range), &bytes, (&entries, &frequent), limits, &ranges)
        })
        .collect::<Result<_, RenderError>>()?;
    drop(spill);
    blocks::put(work, &entries)?;
    let borders = borders.concat().join(" ");
    let directory = (entries.blocks, borders, frequent.words.join(" "));
    press.script(work.unit, DIRECTORY, whole, || script("catalogueIndex", &directory))
}

/// Writes the shards of one range, or keeps them all; what each begins with.
fn shards_of(
    work: &WholeWork<'_>,
    begins: &str,
    bytes: &[u8],
    given: (&Entries, &Frequent),
    limits: Limits,
    ranges: &Ranges,
) -> Result<Vec<String>, RenderError> {
    let press = work.common.press;
    let inputs = range_inputs(begins, bytes, given, limits);
    let range = ranges.of(begins.as_bytes());
    let before = work.unit.paths_before(SHARDS).filter_map(|path| Some((border(path)?, path)));
    let mut before: Vec<(String, &str)> =
        before.filter(|(begins, _)| ranges.of(begins.as_bytes()) == range).collect();
    before.sort();
    if !before.is_empty() && before.iter().all(|(_, path)| press.has_script(work.unit, path, inputs)) {
        for (_, path) in &before {
            press.keep_scripts(work.unit, path)?;
        }
        return Ok(before.into_iter().map(|(begins, _)| begins).collect());
    }
    let mut borders = Vec::new();
    shards::cut(begins, bytes, given, limits, |shard| {
        let path = format!("{SHARDS}{}.js", file_name(&shard.begins));
        borders.push(shard.begins);
        press.script(work.unit, &path, inputs, || script("catalogueShard", &shard.parts))
    })?;
    Ok(borders)
}

/// What the shards of a range are made from: each posting as it is told to a reader.
fn range_inputs(
    begins: &str,
    bytes: &[u8],
    (entries, frequent): (&Entries, &Frequent),
    limits: Limits,
) -> Digest {
    let mut hasher = Sha256::new();
    hasher.update(format!("{FORMAT} {limits:?} {begins} {}", frequent.words.join(" ")));
    let mut buffer = Vec::with_capacity(1 << 15);
    shards::each(bytes, |word, tier, place| {
        let (block, slot) = entries.address(place);
        let facts = entries.facts(entries.facts_number(place));
        buffer.push(u8::try_from(word.len()).unwrap_or(u8::MAX));
        buffer.extend_from_slice(word);
        for number in [tier, block, slot, facts.word, facts.signals] {
            buffer.extend_from_slice(&number.to_le_bytes());
        }
        if !frequent.words.is_empty() {
            buffer.extend_from_slice(&frequent.bits(place).to_le_bytes());
        }
        if buffer.len() > (1 << 15) - 512 {
            hasher.update(&buffer);
            buffer.clear();
        }
    });
    hasher.update(&buffer);
    let mut digest = Digest::default();
    for (to, from) in digest.0.iter_mut().zip(hasher.finalize()) {
        *to = from;
    }
    digest
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
fn script(call: &str, value: &impl Serialize) -> Result<String, RenderError> {
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
