//! Names that can be taken for a better known one's.
//!
//! A name is flagged only beside one that stands higher: many use it, the official registry verifies or lists it. It is
//! flagged if it looks the same (letters of other scripts, `0` for `o`, `1` for `l`, `rn` for `m`, other or no separators, the scope
//! written into the name), if the one word that differs is a misspelling of a generic word (`sever`, `mpc`), or if it is one
//! slip away: two letters swapped (from 4 letters), one doubled (from 3), one missing or added (from 5, at the end from 8; a plural is none), one
//! replaced (from 7). What differs in a number or a whole word is a sibling. One publisher's names, one scope's and one
//! project's are never held against each other.

use std::collections::{BTreeSet, HashMap};

use super::copies::same_publisher;
use super::facts::Sorted;
use super::words::{GENERIC, bare, words};
use super::{Standing, project_of, scope_of};
use crate::model::identity::{Finding, FindingKind, Project, ecosystem};

/// Names are compared up to this length.
const NAME_CHARS: usize = 100;

/// A name, cut up for comparing.
struct Name<'a> {
    node: &'a str,
    scope: Option<&'a str>,
    words: Vec<String>,
    /// The words together, ambiguous shapes folded.
    squashed: String,
}

impl<'a> Name<'a> {
    fn new(node: &'a str) -> Self {
        let words = words(bare(node));
        let squashed = fold(&words.concat());
        Self { node, scope: scope_of(node), words, squashed }
    }
}

/// Shapes that are one in many typefaces.
fn fold(text: &str) -> String {
    text.replace('0', "o").replace('1', "l").replace("rn", "m").replace("vv", "w")
}

/// Flags what imitates a better known name of its ecosystem.
pub(super) fn flag(
    facts: &Sorted<'_>,
    projects: &[Project],
    standing: &Standing<'_>,
    findings: &mut BTreeSet<Finding>,
) {
    let project = project_of(projects);
    let nodes = facts.names.iter().copied().chain(facts.known.iter().map(String::as_str));
    let nodes: BTreeSet<&str> =
        nodes.filter(|node| comparable(node) && node.chars().count() <= NAME_CHARS).collect();
    // Only looked up in, never walked: its order is nobody's business.
    let mut index: HashMap<(&str, String), Vec<usize>> = HashMap::new();
    let known: Vec<Name<'_>> =
        nodes.iter().copied().filter(|node| standing.of(node) > 0).map(Name::new).collect();
    for (place, name) in known.iter().enumerate() {
        for text in keys(name) {
            index.entry((kind_of(name.node), text)).or_default().push(place);
        }
    }
    for node in nodes {
        let level = standing.of(node);
        if level >= 3 {
            continue;
        }
        let name = Name::new(node);
        let of_kind = kind_of(node);
        let near: BTreeSet<usize> = keys(&name)
            .into_iter()
            .filter_map(|text| index.get(&(of_kind, text)))
            .flatten()
            .copied()
            .collect();
        // The best known of those it is near to speaks.
        let found = near.into_iter().filter_map(|place| {
            let other = known.get(place)?;
            let apart = other.node != node
                && standing.of(other.node) > level
                && !same_publisher(facts, node, other.node)
                && !(project.contains_key(node) && project.get(node) == project.get(other.node));
            let how = apart.then(|| likeness(&name, other)).flatten()?;
            Some((std::cmp::Reverse(standing.of(other.node)), other.node, how))
        });
        if let Some((_, other, how)) = found.min() {
            findings.insert(Finding {
                node: node.to_owned(),
                kind: FindingKind::LookAlike,
                other: other.to_owned(),
                evidence: format!("its name {how} {other}, which is better known"),
            });
        }
    }
}

fn kind_of(node: &str) -> &str {
    node.split_once(':').map_or("", |(kind, _)| kind)
}

/// npm's and Python's packages have names that somebody chooses among all others.
fn comparable(node: &str) -> bool {
    ecosystem(node).is_some_and(|kind| matches!(kind, "npm" | "pypi"))
}

/// The squashed name, each of its spellings with one character less, and, of a scoped name, the two written as one.
fn keys(name: &Name<'_>) -> BTreeSet<String> {
    let mut keys = BTreeSet::from([name.squashed.clone()]);
    // Folded and as written: a slip may make or break one of the folded shapes.
    for text in [name.squashed.clone(), name.words.concat()] {
        let chars: Vec<char> = text.chars().collect();
        let without = |left_out: usize| {
            chars
                .iter()
                .enumerate()
                .filter(|(place, _)| *place != left_out)
                .map(|(_, c)| *c)
                .collect::<String>()
        };
        keys.extend((0..chars.len()).map(without));
        keys.insert(text);
    }
    keys.extend(name.scope.map(|scope| with_scope(scope, name)));
    keys
}

fn with_scope(scope: &str, name: &Name<'_>) -> String {
    format!("{}{}", fold(&words(scope).concat()), name.squashed)
}

/// How `name` looks like `other`; None if it does not.
fn likeness(name: &Name<'_>, other: &Name<'_>) -> Option<&'static str> {
    match (name.scope, other.scope) {
        (Some(own), Some(scope)) if own != scope => {
            // Everybody has a `mcp-server`: only a scope that looks like the other one counts.
            let (own, scope) = (words(own).concat(), words(scope).concat());
            let alike = fold(&own) == fold(&scope) || (scope.chars().count() >= 6 && slip(&own, &scope, 6));
            return (alike && name.squashed == other.squashed)
                .then_some("has a scope that looks like that of");
        }
        (Some(_), Some(_)) => return None,
        (None, Some(scope)) => {
            return (name.squashed == with_scope(scope, other)).then_some("spells out the scope of");
        }
        // A scope of one's own before a known name is how forks are named.
        (Some(_), None) => return None,
        (None, None) => {}
    }
    if name.squashed == other.squashed {
        return Some("looks the same as");
    }
    if name.words.len() != other.words.len() {
        return None;
    }
    let mut differ = name.words.iter().zip(&other.words).filter(|(own, word)| own != word);
    let (Some((own, word)), None) = (differ.next(), differ.next()) else { return None };
    let digits = |text: &str| text.chars().filter(char::is_ascii_digit).collect::<String>();
    if digits(own) != digits(word) || GENERIC.contains(&own.as_str()) {
        return None;
    }
    let is_generic = GENERIC.contains(&word.as_str());
    // `qmcp` is a name of its own; `mpc-git` is not.
    if is_generic && name.words.len() < 2 {
        return None;
    }
    let least = if is_generic { 3 } else { 7 };
    slip(own, word, least).then_some("is one slip away from")
}

/// True if a word is one slip from another, which must be long enough for it to be no other word. `least` is the length
/// from which a replaced letter counts; the others count from less.
fn slip(own: &str, word: &str, least: usize) -> bool {
    let (a, b): (Vec<char>, Vec<char>) = (own.chars().collect(), word.chars().collect());
    let same_front = a.iter().zip(&b).take_while(|(x, y)| x == y).count();
    let same_back = a.iter().rev().zip(b.iter().rev()).take_while(|(x, y)| x == y).count();
    let length = b.len();
    let generic = least == 3;
    match a.len().cmp(&length) {
        std::cmp::Ordering::Equal => {
            let swapped = same_front + 2 <= length
                && same_front + same_back + 2 >= length
                && a.get(same_front) == b.get(same_front + 1)
                && a.get(same_front + 1) == b.get(same_front);
            (swapped && length >= if generic { 3 } else { 4 })
                || (same_front + same_back + 1 == length && length >= least.max(if generic { 4 } else { 0 }))
        }
        order => {
            let (long, short) = if order.is_gt() { (&a, &b) } else { (&b, &a) };
            if long.len() != short.len() + 1 || same_front + same_back < short.len() {
                return false;
            }
            // A letter more or less at the end is another word more often than a slip.
            let at_end = same_front == short.len();
            let doubled = order.is_gt() && same_front > 0 && long.get(same_front) == long.get(same_front - 1);
            let plural = at_end && long.last() == Some(&'s');
            !plural && ((doubled && length >= 3) || length >= 5 + if at_end && !generic { 3 } else { 0 })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn like(a: &str, b: &str) -> bool {
        let (a, b) = (Name::new(a), Name::new(b));
        likeness(&a, &b).is_some()
    }

    #[test]
    fn imitations_are_seen() {
        for (own, known) in [
            ("npm:mcp-server-kuberentes", "npm:mcp-server-kubernetes"),
            ("npm:mcp-server-kubernets", "npm:mcp-server-kubernetes"),
            ("npm:mcp_server_git", "npm:mcp-server-git"),
            ("npm:mcpserver-git", "npm:mcp-server-git"),
            ("npm:mcp-sever-git", "npm:mcp-server-git"),
            ("npm:mpc-server-git", "npm:mcp-server-git"),
            ("npm:mcp-server-giit", "npm:mcp-server-git"),
            ("npm:n0tion-mcp", "npm:notion-mcp"),
            ("npm:fastrncp", "npm:fastmcp"),
            ("npm:modelcontextprotocol-server-memory", "npm:@modelcontextprotocol/server-memory"),
            ("npm:@modelcontextprotocl/server-memory", "npm:@modelcontextprotocol/server-memory"),
        ] {
            assert!(like(own, known), "{own} {known}");
        }
    }

    #[test]
    fn siblings_and_other_words_are_not() {
        for (own, known) in [
            ("npm:x-mcp", "npm:x-mcp-server"),
            ("npm:jira-mcp", "npm:jina-mcp"),
            ("npm:slack-mcp", "npm:stack-mcp"),
            ("npm:ssh-mcp", "npm:ssl-mcp"),
            ("npm:notes-mcp-2", "npm:notes-mcp-3"),
            ("npm:mcp-server-notes", "npm:mcp-server-note"),
            ("npm:@ann/mcp-server", "npm:@bob/mcp-server"),
            ("npm:@ann/notes-mcp", "npm:notes-mcp"),
            ("npm:@ann/notes-mcp", "npm:@ann/notez-mcp"),
            ("npm:mcp-tools-git", "npm:mcp-tool-git"),
            ("npm:git-mcp", "npm:mcp-git"),
            ("pypi:qmcp", "pypi:mcp"),
            ("pypi:dmcp-server", "pypi:mcp-server"),
        ] {
            assert!(!like(own, known), "{own} {known}");
        }
    }
}
