//! Tools of the same class on other servers whose names share words: fast, bounded, the same in every build.
//!
//! Rare words say more than common ones. For each word a tool looks only at its neighbours in name order among the
//! tools that have the word, so that the work for a catalogue grows with its size and not with its square.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::catalogue::{Catalogue, ToolEntry};
use crate::model::Class;

/// How many are shown.
const SHOWN: usize = 6;
/// The rarest words of a name that are looked at.
const WORDS: usize = 4;
/// Neighbours looked at on each side, for each word.
const REACH: usize = 40;

/// Tools by class and word of their name, each list in name order.
pub(super) struct Similar<'a> {
    catalogue: &'a Catalogue,
    by_word: HashMap<(Class, String), Vec<usize>>,
    /// Place of a tool in name order.
    rank: Vec<usize>,
}

impl<'a> Similar<'a> {
    /// Reads all names once.
    pub(super) fn new(catalogue: &'a Catalogue) -> Self {
        let mut by_word: HashMap<(Class, String), Vec<usize>> = HashMap::new();
        let mut rank = vec![0; catalogue.tools.len()];
        for (place, index) in catalogue.by_name.iter().enumerate() {
            let Some(tool) = catalogue.tools.get(*index) else { continue };
            if let Some(slot) = rank.get_mut(*index) {
                *slot = place;
            }
            for word in words(&tool.raw_name) {
                by_word.entry((tool.class, word)).or_default().push(*index);
            }
        }
        Self { catalogue, by_word, rank }
    }

    /// The most similar tools, at most one of each server, best first.
    pub(super) fn to(&self, index: usize) -> Vec<&'a ToolEntry> {
        let Some(tool) = self.catalogue.tools.get(index) else { return Vec::new() };
        let mut lists: Vec<&Vec<usize>> = words(&tool.raw_name)
            .into_iter()
            .filter_map(|word| self.by_word.get(&(tool.class, word)))
            .filter(|list| list.len() > 1)
            .collect();
        lists.sort_by_key(|list| list.len());
        let mut scores: BTreeMap<usize, usize> = BTreeMap::new();
        for list in lists.into_iter().take(WORDS) {
            let own = self.rank_of(index);
            let place = list.partition_point(|other| self.rank_of(*other) < own);
            let near = list.get(place.saturating_sub(REACH)..(place + REACH).min(list.len()));
            for other in near.unwrap_or_default() {
                *scores.entry(*other).or_default() += 1_000_000 / list.len();
            }
        }
        let mut best: Vec<(usize, usize)> =
            scores.into_iter().filter(|(i, _)| self.is_elsewhere(*i, tool)).collect();
        best.sort_by_key(|(i, score)| (usize::MAX - score, self.rank_of(*i)));
        let mut servers = BTreeSet::new();
        best.into_iter()
            .filter_map(|(i, _)| self.catalogue.tools.get(i))
            .filter(|other| servers.insert(other.server))
            .take(SHOWN)
            .collect()
    }

    fn rank_of(&self, index: usize) -> usize {
        self.rank.get(index).copied().unwrap_or(usize::MAX)
    }

    fn is_elsewhere(&self, index: usize, tool: &ToolEntry) -> bool {
        self.catalogue.tools.get(index).is_some_and(|other| other.server != tool.server)
    }
}

/// The words of a name in small letters: cut at everything that is no letter or digit and where a capital begins.
fn words(name: &str) -> BTreeSet<String> {
    let mut all = BTreeSet::new();
    let mut word = String::new();
    let mut before_small = false;
    for c in name.chars().take(200) {
        if !c.is_alphanumeric() || (c.is_uppercase() && before_small) {
            all.insert(std::mem::take(&mut word));
        }
        if c.is_alphanumeric() {
            word.extend(c.to_lowercase());
        }
        before_small = c.is_lowercase() || c.is_numeric();
    }
    all.insert(word);
    all.remove("");
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_cut_into_words_in_every_usual_spelling() {
        let expected: BTreeSet<String> = ["get", "weather", "now"].map(str::to_owned).into();
        for name in ["get_weather_now", "getWeatherNow", "get-weather.now", "GetWeather__Now"] {
            assert_eq!(words(name), expected, "{name}");
        }
        assert!(words("...").is_empty());
    }
}
