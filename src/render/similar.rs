//! Similar tools on other servers: at most eight, found by keys that are made from a tool's own class and name alone. One of
//! each other class may be among them, an alternative that does more or less with the same thing.
//!
//! So a server that comes, goes or changes touches only pages that share a key with one of its tools. Within a key the
//! servers stand in a ring by their keys, and a tool shows those that follow its own: each is shown about as often as it shows
//! others, and a newcomer displaces one neighbour on a few pages.

use rayon::prelude::*;

use super::catalogue::{Catalogue, ToolEntry};
use super::digest::Digest;
use crate::model::Class;

/// How many are shown.
const SHOWN: usize = 8;
/// Words that say what is done and not to what: the class has said that already. Left out of the loose key.
const DOING: &[&str] = &[
    "add", "all", "analyze", "async", "batch", "by", "change", "check", "create", "describe", "detail", "do",
    "download", "edit", "execute", "export", "fetch", "find", "for", "from", "generate", "get", "id",
    "import", "in", "insert", "list", "load", "lookup", "make", "modify", "my", "name", "new", "of",
    "perform", "put", "query", "read", "retrieve", "run", "search", "send", "set", "show", "submit", "the",
    "to", "tool", "update", "upload", "use", "v1", "v2", "v3", "view", "with", "write",
];

/// Both keys of a tool.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Likeness {
    /// Class and every word of the name.
    pub(super) close: u64,
    /// The words that say what it is about, and the class in the last two bits.
    pub(super) loose: u64,
}

/// The bits of a loose key that hold the class.
const CLASS_BITS: u64 = 3;

impl Likeness {
    /// Tools that share neither of these show nothing of each other.
    pub(super) fn keys(self) -> [u64; 2] {
        [self.close, self.loose & !CLASS_BITS]
    }

    /// The keys of a tool, from its class, its name and the words of its server's name, which say nothing.
    pub(super) fn of(class: Class, name: &str, own: &[String]) -> Self {
        let mut all = words(name);
        if all.iter().any(|word| !own.contains(word)) {
            all.retain(|word| !own.contains(word));
        }
        all.sort_unstable();
        all.dedup();
        let key = |words: &[&String]| Digest::of(&(class.as_str(), words)).short();
        let of_class = Class::ALL.iter().position(|other| *other == class).unwrap_or_default() as u64;
        let close: Vec<&String> = all.iter().collect();
        let about: Vec<&String> =
            all.iter().filter(|word| DOING.binary_search(&word.as_str()).is_err()).collect();
        // A name without any such word is about nothing that another class could share.
        let subject = if about.is_empty() { key(&close) } else { Digest::of(&about).short() };
        Self { close: key(&close), loose: subject & !CLASS_BITS | of_class }
    }
}

/// A place in a ring: a tool, by its key, its server, and its place in the catalogue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    key: u64,
    server: u32,
    tool: u32,
}

/// Tools by key, then by server, then in the server's own order.
#[derive(Debug, Default)]
pub(super) struct Similar {
    close: Ring,
    loose: Ring,
}

/// All tools by one of their keys. Keys are hashes, so their first bits tell nearly where they are.
#[derive(Debug, Default)]
struct Ring {
    places: Vec<Place>,
    /// Where the keys with the same first bits begin, and at last the end.
    begins: Vec<u32>,
}

/// First bits of a key that are looked up.
const FIRST_BITS: u32 = 14;

impl Ring {
    fn new(catalogue: &Catalogue, key: fn(&ToolEntry) -> u64) -> Self {
        let place = |(i, tool): (u32, &ToolEntry)| Place { key: key(tool), server: tool.server, tool: i };
        // The place in the catalogue is by server key already.
        let mut places: Vec<Place> = (0..).zip(&catalogue.tools).map(place).collect();
        places.par_sort_unstable();
        let mut begins = Vec::with_capacity((1 << FIRST_BITS) + 1);
        for (i, place) in (0..).zip(&places) {
            begins.resize(begins.len().max(first_bits(place.key) + 1), i);
        }
        begins.resize((1 << FIRST_BITS) + 1, u32::try_from(places.len()).unwrap_or(u32::MAX));
        Self { places, begins }
    }

    /// The tools with that key.
    fn group(&self, key: u64) -> &[Place] {
        self.between(key, key)
    }

    /// The tools with keys from one to another that have the same first bits.
    fn between(&self, key: u64, last: u64) -> &[Place] {
        let begin = |bits: usize| self.begins.get(bits).map_or(0, |at| *at as usize);
        let near = self.places.get(begin(first_bits(key))..begin(first_bits(key) + 1)).unwrap_or_default();
        let rest = near.get(near.partition_point(|place| place.key < key)..).unwrap_or_default();
        rest.get(..ahead(rest, |place| place.key <= last)).unwrap_or_default()
    }
}

fn first_bits(key: u64) -> usize {
    usize::try_from(key >> (u64::BITS - FIRST_BITS)).unwrap_or_default()
}

/// How many there are from the beginning on for which that holds; behind those it holds for none. Mostly few, so it is not halved from
/// the middle but in growing steps from the beginning.
fn ahead(places: &[Place], holds: impl Fn(&Place) -> bool) -> usize {
    let (mut from, mut step) = (0, 1);
    while places.get(from + step - 1).is_some_and(&holds) {
        from += step;
        step *= 2;
    }
    let rest = places.get(from..(from + step).min(places.len())).unwrap_or_default();
    from + rest.partition_point(holds)
}

impl Similar {
    /// Sorts all tools once.
    pub(super) fn new(catalogue: &Catalogue) -> Self {
        let (close, loose) = rayon::join(
            || Ring::new(catalogue, |tool| tool.likeness.close),
            || Ring::new(catalogue, |tool| tool.likeness.loose),
        );
        Self { close, loose }
    }

    /// Places of the most similar tools, at most one of each server, best first; then one of each other class that does something with
    /// the same thing.
    pub(super) fn to(&self, catalogue: &Catalogue, index: usize) -> Vec<usize> {
        let Some(tool) = catalogue.tools.get(index) else { return Vec::new() };
        let mut found: Vec<Place> = Vec::with_capacity(SHOWN);
        let Likeness { close, loose } = tool.likeness;
        // All classes of one subject stand side by side, so they are looked up at once.
        let mut rest = self.loose.between(loose & !CLASS_BITS, loose | CLASS_BITS);
        let mut own: &[Place] = &[];
        let mut alternatives = 0;
        for key in (0..=CLASS_BITS).map(|class| loose & !CLASS_BITS | class) {
            let (group, others) =
                rest.split_at_checked(ahead(rest, |place| place.key <= key)).unwrap_or_default();
            rest = others;
            if key == loose {
                own = group;
            } else {
                ring(group, tool.server, alternatives + 1, &mut found);
                alternatives = found.len();
            }
        }
        ring(self.close.group(close), tool.server, SHOWN, &mut found);
        ring(own, tool.server, SHOWN, &mut found);
        // Never more than there are: nothing is taken out again.
        found.rotate_left(alternatives);
        found.into_iter().map(|place| place.tool as usize).collect()
    }
}

/// Goes once around the servers of one key, beginning behind `own`, one tool each, until `most` are found in all.
fn ring(group: &[Place], own: u32, most: usize, found: &mut Vec<Place>) {
    let mut at = own;
    let mut next = group.partition_point(|place| place.server <= at);
    // Each step goes to the first tool of the next server, so the work is bounded by what is shown.
    for _ in 0..=2 * SHOWN {
        if found.len() >= most {
            return;
        }
        if next >= group.len() {
            next = 0;
        }
        let Some(place) = group.get(next) else { return };
        at = place.server;
        if at == own {
            return;
        }
        if found.iter().all(|known| known.server != at) {
            found.push(*place);
        }
        next += ahead(group.get(next..).unwrap_or_default(), |place| place.server <= at);
    }
}

/// The words of a name in small letters and the singular: cut at everything that is no letter or digit and where a
/// capital begins.
pub(super) fn words(name: &str) -> Vec<String> {
    let mut all = Vec::new();
    let mut word = String::new();
    let mut before_small = false;
    for c in name.chars().take(200) {
        if !c.is_alphanumeric() || (c.is_uppercase() && before_small) {
            all.push(singular(std::mem::take(&mut word)));
        }
        if c.is_ascii_alphanumeric() {
            word.push(c.to_ascii_lowercase());
        } else if c.is_alphanumeric() {
            word.extend(c.to_lowercase());
        }
        before_small = c.is_lowercase() || c.is_numeric();
    }
    all.push(singular(word));
    all.retain(|word| !word.is_empty());
    all
}

/// Near enough for a key: `queries` is `query`, `pages` is `page`, `status` and `access` stay.
fn singular(word: String) -> String {
    if let Some(stem) = word.strip_suffix("ies").filter(|stem| stem.len() > 2) {
        return format!("{stem}y");
    }
    match word.strip_suffix('s') {
        Some(stem) if stem.len() > 2 && !stem.ends_with(['s', 'u', 'i']) => stem.to_owned(),
        _ => word,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_cut_into_words_in_every_usual_spelling() {
        for name in ["get_weather_now", "getWeatherNow", "get-weather.now", "GetWeather__Now"] {
            assert_eq!(words(name), ["get", "weather", "now"], "{name}");
        }
        assert!(words("...").is_empty());
        assert_eq!(words("list_queries_status_pages_access"), ["list", "query", "status", "page", "access"]);
        assert!(DOING.is_sorted());
    }

    #[test]
    fn spelling_order_plural_and_the_servers_own_name_do_not_matter() {
        let of = |name: &str, server: &str| Likeness::of(Class::Read, name, &words(server));
        let plain = of("list_issues", "npm:x");
        for (name, server) in
            [("issues-list", "npm:x"), ("forge_list_issues", "npm:forge-mcp"), ("listIssue", "y")]
        {
            assert_eq!(of(name, server).close, plain.close, "{name}");
        }
        assert_eq!(of("get_issue", "z").loose, plain.loose);
        assert_ne!(of("get_issue", "z").close, plain.close);
        let written = Likeness::of(Class::Write, "update_issue", &words("npm:x")).loose;
        assert!(written != plain.loose && written & !CLASS_BITS == plain.loose & !CLASS_BITS);
        let nothing = |class| Likeness::of(class, "search", &words("x")).loose & !CLASS_BITS;
        assert_ne!(nothing(Class::Read), nothing(Class::Execute), "about nothing");
    }
}
