//! Names as file names: safe, short, and no two alike.

use std::collections::HashMap;
use std::sync::{LazyLock, Mutex};

use catalogue::model::Untrusted;
use catalogue::model::slug::{key_name, slug};

use crate::random::Random;
use crate::runner::number_of;

pub(crate) const WORDS: &[&str] =
    &["-", "_", "index", "con", "com1", "-0123456789abcdef", "-0123456789", "A", "a", "é", "/", "..", "\0"];

/// Every name so far by its slug; begins anew where it gets too large.
static SEEN: LazyLock<Mutex<HashMap<String, Vec<u8>>>> = LazyLock::new(Mutex::default);

pub(crate) fn generate(random: &mut Random) -> Vec<u8> {
    let name = random.text();
    // A slug as a name, and what nearly is one: that is how two would meet.
    match random.below(4) {
        0 => slug(&name).into_bytes(),
        1 => slug(&slug(&name)).into_bytes(),
        2 => slug(&name).to_uppercase().into_bytes(),
        _ => name.into_bytes(),
    }
}

pub(crate) fn run(input: &[u8]) -> u64 {
    let Ok(name) = std::str::from_utf8(input) else { return 0 };
    let made = slug(name);
    assert_eq!(made, Untrusted::new(name).for_filename());
    assert_eq!(made, made.to_lowercase());
    assert!((1..=95).contains(&made.len()) && (1..=91).contains(&key_name(name).len()), "{made}");
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_' || b == b'-';
    assert!(made.bytes().chain(key_name(name).bytes()).all(plain), "{made}");
    let place = std::path::Path::new("/root").join(format!("{made}.html"));
    assert_eq!(place.parent(), Some(std::path::Path::new("/root")));
    let mut seen = SEEN.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    if seen.len() > 1_000_000 {
        seen.clear();
    }
    let other = seen.entry(made.clone()).or_insert_with(|| input.to_vec());
    assert_eq!(other, input, "two names have the slug {made}");
    number_of((made.len(), made == name, made.matches('-').count(), name.len().ilog2_or_zero()))
}

trait Log {
    fn ilog2_or_zero(self) -> u32;
}

impl Log for usize {
    fn ilog2_or_zero(self) -> u32 {
        self.checked_ilog2().unwrap_or(0)
    }
}
