//! The attack patterns that fit the tools of one list, the commonest first; shown by pages of one risk.

use serde::Serialize;

use crate::attack::{Library, PatternSet};

/// A pattern with how many tools of a list are exposed to it.
#[derive(Debug, Clone, Serialize)]
pub(super) struct ExposedLine<'a> {
    id: &'a str,
    title: &'a str,
    summary: &'a str,
    per_tool: bool,
    tools: usize,
}

/// The commonest patterns of a list.
#[derive(Debug, Clone, Serialize)]
pub(super) struct ExposedLines<'a> {
    shown: Vec<ExposedLine<'a>>,
    /// Patterns that fit some of its tools and are not shown.
    left_out: usize,
}

/// How often each pattern stands in these sets, by its place.
pub(super) fn count_patterns(sets: impl Iterator<Item = PatternSet>) -> [usize; PatternSet::MOST] {
    let mut counts = [0; PatternSet::MOST];
    for place in sets.flat_map(PatternSet::places) {
        if let Some(count) = counts.get_mut(place) {
            *count += 1;
        }
    }
    counts
}

/// Counts the patterns of a list's tools and keeps the commonest; equal ones by rank.
pub(super) fn exposed_lines(
    library: &Library,
    tools: impl Iterator<Item = PatternSet>,
    most: usize,
) -> ExposedLines<'_> {
    let counts = count_patterns(tools);
    let mut lines: Vec<_> = library.patterns().iter().zip(counts).filter(|(_, tools)| *tools > 0).collect();
    lines.sort_by_key(|(_, tools)| std::cmp::Reverse(*tools));
    let left_out = lines.len().saturating_sub(most);
    lines.truncate(most);
    let shown = lines.into_iter().map(|(pattern, tools)| ExposedLine {
        id: &pattern.id,
        title: &pattern.title,
        summary: &pattern.summary,
        per_tool: pattern.per_tool,
        tools,
    });
    ExposedLines { shown: shown.collect(), left_out }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_commonest_patterns_come_first_and_equal_ones_by_rank() {
        let files = crate::assets::Folder::Data.files(None).unwrap();
        let library = Library::load(&files).unwrap();
        let lines = exposed_lines(&library, [0b1100, 0b0110, 0b0101].map(PatternSet).into_iter(), 2);
        let ids =
            |places: &[usize]| places.iter().map(|i| library.patterns()[*i].id.as_str()).collect::<Vec<_>>();
        assert_eq!(lines.shown.iter().map(|line| line.id).collect::<Vec<_>>(), ids(&[2, 0]));
        assert_eq!(lines.shown.iter().map(|line| line.tools).collect::<Vec<_>>(), [3, 1]);
        assert_eq!(lines.left_out, 2);
        assert!(exposed_lines(&library, std::iter::empty(), 2).shown.is_empty());
    }
}
