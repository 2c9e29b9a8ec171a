//! What the sieve leaves out never matches.

use proptest::prelude::*;

use super::super::pattern::Sieves;
use super::super::tests::rules;
use super::*;

/// Asserts that every pattern that matches a text, or a start of it, is among the candidates for it.
fn assert_nothing_is_lost(text: &str) {
    let Sieves { names, sentence, other } = &rules().sieves;
    let start = crate::classify::texts::start_of(text, text.len() / 2);
    let from_start = |first: &Sieve, then: &Sieve| {
        let (mut found, letters) = (Found::default(), Letters::of(text));
        first.look(text, letters, 0..start.len(), &mut found);
        let of_start = found.candidates;
        then.look(text, letters, start.len()..text.len(), &mut found);
        [of_start, found.candidates]
    };
    let all = [from_start(names, names), from_start(sentence, sentence), from_start(other, other)];
    let [of_sentence, of_description] = from_start(sentence, other);
    for (number, pattern) in rules().patterns.all().iter().enumerate() {
        let regex = &pattern.regex;
        let looked_for @ [_, in_sentence, in_other] = pattern.looked_for();
        for ([of_start, of_all], _) in all.iter().zip(looked_for).filter(|(_, looked_for)| *looked_for) {
            assert!(of_all.has(number) || !regex.is_match(text), "{regex} matches {text:?}");
            assert!(of_start.has(number) || !regex.is_match(start), "{regex} matches {start:?}");
        }
        // A sentence is sifted for all that is looked for up to its end, what stands behind it for the rest.
        assert!(
            !in_sentence || of_sentence.has(number) || !regex.is_match(start),
            "{regex} matches {start:?}"
        );
        let in_both = in_sentence && in_other;
        assert!(!in_both || of_description.has(number) || !regex.is_match(text), "{regex} matches {text:?}");
    }
}

/// The strings of all rules' examples, which hold what the patterns look for.
fn examples() -> Vec<String> {
    let all = rules().rules.iter().flat_map(|rule| rule.yes.iter().chain(&rule.no));
    all.map(super::super::examples::Example::written).collect()
}

#[test]
fn nothing_is_lost_of_the_rules_own_examples() {
    for text in examples() {
        assert_nothing_is_lost(&text);
        assert_nothing_is_lost(&text.to_uppercase());
        assert_nothing_is_lost(&text.replace('k', "\u{212A}").replace('s', "\u{17F}"));
    }
}

/// A first sentence may be cut where its bound is, within a word.
#[test]
fn nothing_is_lost_where_a_part_ends_within_a_word() {
    for text in ["of messages", "\"amount\":{},\"message\":{}, and so on", "me, tomorrow", "a b c d"] {
        assert_nothing_is_lost(text);
    }
}

#[test]
fn most_patterns_are_left_out() {
    let rules = rules();
    let (mut left, mut all) = (0, 0);
    for text in examples() {
        let candidates = rules.sieves.sentence.candidates(&text);
        left += candidates.each().count();
        all += rules.patterns.all().len();
    }
    // Those that only deny a rule are not sifted in prose.
    let late = rules.sieves.sentence.always.each().count();
    assert!(left < all * late / rules.patterns.all().len() + all / 16, "{left} of {all}");
    assert!(late * 2 < rules.patterns.all().len(), "{late} are never left out");
}

#[test]
fn a_run_is_looked_for_as_a_whole() {
    let padding =
        rules().patterns.all().iter().position(|p| p.regex.as_str().contains("{160}")).expect("a rule");
    let has = |text: String| rules().sieves.sentence.candidates(&text).has(padding);
    assert!(
        has(format!("a.{}b", " \n".repeat(80)))
            && !has(format!("a.{}b.{}", " ".repeat(159), "\n".repeat(100)))
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn nothing_is_lost_of_any_text(text in any::<String>()) {
        assert_nothing_is_lost(&text);
    }

    #[test]
    fn nothing_is_lost_where_examples_are_cut_and_joined(
        cuts in proptest::collection::vec((any::<prop::sample::Index>(), 0..80_usize, 0..80_usize, "[\\PC\\x00-\\x20ſ\u{212A}]{0,2}"), 1..6),
    ) {
        let examples = examples();
        let mut text = String::new();
        for (index, from, letters, between) in cuts {
            text.extend(index.get(&examples).chars().skip(from).take(letters));
            text.push_str(&between);
        }
        assert_nothing_is_lost(&text);
        assert_nothing_is_lost(&text.to_uppercase());
    }
}

#[test]
fn pieces_are_found_wherever_a_pattern_wants_them() {
    let patterns = |written: &[&str]| -> Sieve {
        let mut all = super::super::pattern::Patterns::default();
        for pattern in written {
            all.add(pattern, super::super::pattern::Scope::EVERYWHERE).unwrap();
        }
        all.sieves().sentence
    };
    let sieve = patterns(&[r"\b(?:send|post)s?\b[^.]{0,40}\b(?:mail|message)s?\b", "ignor", "", "ab"]);
    let has = |text: &str| -> Vec<usize> { (0..4).filter(|n| sieve.candidates(text).has(*n)).collect() };
    assert_eq!(has("sends a new mail"), [0, 2], "both groups in their order");
    assert_eq!(has("a mail that it sends"), [2], "the groups the other way round");
    assert_eq!(has("resend e-mailing"), [2], "no word begins with the first");
    assert_eq!(has("unIGNORed"), [1, 2], "in the middle of a word, in capitals");
    assert_eq!(has("x ab"), [2, 3], "two letters at the end");
    assert_eq!(has("\u{212A}"), [0, 1, 2, 3], "a letter that a pattern may take for another");
    let many = vec!["abcdef"; PATTERNS + 1];
    let numbered: Vec<String> = many.iter().enumerate().map(|(n, text)| format!("{text}{n}")).collect();
    let sieve = patterns(&numbered.iter().map(String::as_str).collect::<Vec<_>>());
    let candidates = sieve.candidates("nothing");
    assert!(!candidates.has(0) && candidates.has(PATTERNS), "those beyond the bound always may match");
}

#[test]
fn of_letters_that_differ_in_case_alone_one_is_plain() {
    use regex_syntax::hir::{ClassUnicode, ClassUnicodeRange};
    // Letters with case are all below.
    for c in ('\u{80}'..='\u{1FFFF}').filter(|c| pieces::plain(*c)) {
        let mut alike = ClassUnicode::new([ClassUnicodeRange::new(c, c)]);
        alike.try_case_fold_simple().unwrap();
        let all: Vec<char> = alike.iter().flat_map(|range| range.start()..=range.end()).collect();
        assert!(all.iter().all(|other| *other == c || !pieces::plain(*other)), "{all:?}");
    }
}

#[test]
fn what_is_caseless_is_plain() {
    assert!(('\u{80}'..=char::MAX).filter(|c| caseless(*c)).all(pieces::plain));
    assert_eq!(beyond_ascii("aé→\u{212A}z\u{1F600}").collect::<String>(), "é→\u{212A}\u{1F600}");
}
