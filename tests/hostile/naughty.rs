//! Names by the hundred thousand: slugs, and that two never meet.

use std::collections::HashSet;

use catalogue::model::Untrusted;
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;

const NAMES: usize = 1_000_000;

/// Names of every kind without end: letters in both cases, dots and strokes, any text, and mutations of one another.
fn names() -> impl Iterator<Item = String> {
    let mut runner = TestRunner::deterministic();
    let kinds = [
        "[a-zA-Z]{1,4}",
        "[a-zA-Z0-9_.-]{1,12}",
        "[./\\\\:%~ ]{1,6}[a-z]{0,3}",
        "(con|nul|aux|index|Index|com1)[. ]?[a-z]{0,2}",
        "\\PC{1,20}",
        ".{0,8}",
        "[a-f0-9]{8,12}",
        "[a-z]{1,3}-[a-f0-9]{10}",
        "[a-zé\u{301}ßıİK]{1,6}",
        "a{60,140}[A-Za-z]{0,2}",
    ]
    .map(|kind| proptest::string::string_regex(kind).unwrap());
    (0..).map(move |at| kinds[at % kinds.len()].new_tree(&mut runner).unwrap().current())
}

#[test]
fn a_million_names_have_a_million_slugs_also_where_case_is_folded() {
    let mut different = HashSet::with_capacity(NAMES);
    let mut drawn = names();
    while different.len() < NAMES {
        different.extend(drawn.next());
    }
    let names = different;
    let root = std::path::Path::new("/site/tools");
    let mut seen: HashSet<String> = HashSet::with_capacity(names.len());
    for name in &names {
        let slug = Untrusted::new(name.as_str()).for_filename();
        assert!((1..=100).contains(&slug.len()), "{name:?}: {slug}");
        assert!(
            slug.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"_-".contains(&b)),
            "{name:?}: {slug}"
        );
        assert_eq!(root.join(format!("{slug}.html")).parent(), Some(root), "{name:?}: {slug}");
        // Folded already: only small letters are left.
        assert!(seen.insert(slug.clone()), "{name:?} meets another name at {slug}");
    }
    println!("{} different names, {} slugs", names.len(), seen.len());
}
