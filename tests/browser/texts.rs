//! Thousands of texts from the payloads, contexts and spellings of `tests/naughty`: the same ones each time.

use crate::naughty::{CONTEXTS, PAYLOADS, SPELLINGS};

/// The first `count` texts: every payload plain and in every context first, then what a fixed shuffle brings.
pub(crate) fn texts(count: usize) -> Vec<String> {
    let mut made: Vec<String> = Vec::new();
    let mut seen = std::collections::HashSet::new();
    let mut add = |text: String, made: &mut Vec<String>| {
        if made.len() < count && seen.insert(text.clone()) {
            made.push(text);
        }
    };
    for payload in PAYLOADS {
        add((*payload).to_owned(), &mut made);
    }
    let (p, c, s) = (PAYLOADS.len(), CONTEXTS.len(), SPELLINGS.len());
    let all = p * c * s;
    // A stride without a common factor with the number of combinations meets each of them once.
    let stride = (all / 2 + 1..).find(|stride| gcd(*stride, all) == 1).unwrap_or(1);
    let mut at = 0;
    for _ in 0..all {
        at = (at + stride) % all;
        let (payload, (before, after), spell) =
            (PAYLOADS[at % p], CONTEXTS[at / p % c], SPELLINGS[at / p / c]);
        add(format!("{before}{}{after}", spell(payload)), &mut made);
    }
    // Longer ones, if more are wanted than there are combinations: polyglots of two.
    for i in 0..all {
        let (a, b) = (PAYLOADS[i % p], PAYLOADS[i / p % p]);
        add(format!("{}{a}{}{b}", CONTEXTS[i % c].0, CONTEXTS[i / 3 % c].0), &mut made);
    }
    made
}

fn gcd(a: usize, b: usize) -> usize {
    if b == 0 { a } else { gcd(b, a % b) }
}
