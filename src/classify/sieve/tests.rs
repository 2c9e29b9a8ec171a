//! What the sieve leaves out never matches.

use proptest::prelude::*;

use super::super::pattern::Numbered;
use super::super::tests::rules;
use super::*;

/// Asserts that every pattern that matches a text, or a start of it, is among the candidates for it.
fn assert_nothing_is_lost(text: &str) {
    let rules = rules();
    let start = crate::classify::texts::start_of(text, text.len() / 2);
    for sieve in [&rules.sieves.names, &rules.sieves.prose] {
        let [of_start, of_all] = sieve.within(text, [start.len(), text.len()]);
        for (number, Numbered { regex, .. }) in rules.patterns.all().iter().enumerate() {
            assert!(of_all.has(number) || !regex.is_match(text), "{regex} matches {text:?}");
            assert!(of_start.has(number) || !regex.is_match(start), "{regex} matches {start:?}");
        }
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

#[test]
fn most_patterns_are_left_out() {
    let rules = rules();
    let (mut left, mut all) = (0, 0);
    for text in examples() {
        let candidates = rules.sieves.prose.candidates(&text);
        left += rules.patterns.all().iter().enumerate().filter(|(number, _)| candidates.has(*number)).count();
        all += rules.patterns.all().len();
    }
    // Those that are looked for in names alone are not sifted by the sieve for prose.
    let names = rules.patterns.all().iter().filter(|pattern| !pattern.in_prose()).count();
    assert!(left < all * names / rules.patterns.all().len() + all / 8, "{left} of {all}");
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
            all.add(pattern, super::super::pattern::Scope::All).unwrap();
        }
        all.sieves().prose
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
