//! What the search does not give of one query it gives of its halves: a query with more hits than the offset allows is cut in
//! two by a qualifier and its opposite, and each half again, until every part is small enough.
//!
//! Which qualifiers there are is data (`search_halves`); whether a registry reads them, its totals tell before a cut is made.
//! Source: npm/registry, docs/REGISTRY-API.md, "GET /-/v1/search": `is:unstable`, `not:unstable`, `keywords:a+b,-c`.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// One half of a cut: `0a` is the first half of the first pair of qualifiers, `0b` the second.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(super) struct Half {
    pub(super) pair: usize,
    pub(super) second: bool,
}

impl fmt::Display for Half {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.pair, if self.second { 'b' } else { 'a' })
    }
}

impl From<Half> for String {
    fn from(half: Half) -> Self {
        half.to_string()
    }
}

impl TryFrom<String> for Half {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl FromStr for Half {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let bad = || format!("\"{text}\" is no half");
        let (number, second) = match (text.strip_suffix('a'), text.strip_suffix('b')) {
            (Some(number), _) => (number, false),
            (_, Some(number)) => (number, true),
            _ => return Err(bad()),
        };
        Ok(Self { pair: number.parse().map_err(|_| bad())?, second })
    }
}

/// The words of a part of a query; none if one of its qualifiers does not fit the query.
///
/// What begins with `+` or `,` goes on a list of keywords (`keywords:a` has one, plain words have none); all else is a word more.
pub(super) fn words(query: &str, part: &[Half], pairs: &[[String; 2]]) -> Option<String> {
    let mut chosen = Vec::new();
    for half in part {
        chosen.push(pairs.get(half.pair)?[usize::from(half.second)].as_str());
    }
    let has_keywords = query.starts_with("keywords:") && !query.contains(' ');
    let mut text = query.to_owned();
    // What must be there before what must not: a comma ends what a plus belongs to.
    for sign in ['+', ','] {
        for qualifier in chosen.iter().filter(|q| q.starts_with(sign)) {
            if !has_keywords {
                return None;
            }
            text.push_str(qualifier);
        }
    }
    for qualifier in chosen.iter().filter(|q| !q.starts_with(['+', ','])) {
        text.push(' ');
        text.push_str(qualifier);
    }
    Some(text)
}

/// The part that comes after this one; none after the last.
pub(super) fn next_part(mut part: Vec<Half>) -> Option<Vec<Half>> {
    while let Some(last) = part.pop() {
        if !last.second {
            part.push(Half { second: true, ..last });
            return Some(part);
        }
    }
    None
}

/// True if these halves are less than the whole each and all of it together, as far as totals that are counted one after the other can
/// tell.
pub(super) fn is_a_cut(whole: u64, first: u64, second: u64) -> bool {
    first < whole && second < whole && (first + second) * 100 >= whole * 99
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(text: &str) -> Vec<Half> {
        text.split(' ').filter(|half| !half.is_empty()).map(|half| half.parse().unwrap()).collect()
    }

    #[test]
    fn every_part_is_read_once_and_in_order() {
        let after = |text: &str| next_part(part(text));
        assert_eq!(after("0a 1a"), Some(part("0a 1b")));
        assert_eq!(after("0a 1b"), Some(part("0b")));
        assert_eq!(after("0b 2a"), Some(part("0b 2b")));
        assert_eq!(after("0b 2b"), None);
        assert_eq!(after(""), None);
        assert!("0c".parse::<Half>().is_err() && "a".parse::<Half>().is_err());
    }

    #[test]
    fn qualifiers_are_put_where_they_count() {
        let pairs = [["not:unstable", "is:unstable"], ["+ai", ",-ai"], ["+llm", ",-llm"]];
        let pairs = pairs.map(|pair| pair.map(str::to_owned));
        let of = |query: &str, text: &str| words(query, &part(text), &pairs);
        assert_eq!(of("keywords:mcp", "").as_deref(), Some("keywords:mcp"));
        assert_eq!(of("keywords:mcp", "0b 1b 2a").as_deref(), Some("keywords:mcp+llm,-ai is:unstable"));
        assert_eq!(of("mcp server", "0a").as_deref(), Some("mcp server not:unstable"));
        assert_eq!(of("mcp server", "1a"), None);
        assert_eq!(of("mcp server", "7a"), None);
    }

    #[test]
    fn a_qualifier_that_is_not_read_makes_no_cut() {
        assert!(is_a_cut(12_000, 7_000, 5_000) && is_a_cut(12_000, 7_000, 4_990));
        for (first, second) in [(12_000, 12_000), (12_000, 0), (0, 0), (5_000, 5_000)] {
            assert!(!is_a_cut(12_000, first, second), "{first} {second}");
        }
    }
}
