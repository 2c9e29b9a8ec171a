//! The only way from a foreign name to a file name or a path segment of an address.
//!
//! Threat table row 16 (`research/scale.md` section 3): ASCII `[a-z0-9_-]`, at most 100 bytes with `.html` behind it, plus
//! sixteen hex digits of the SHA-256 of the original whenever anything was changed. A slug depends on its own text alone, so
//! that no address moves because a neighbour appeared.
//!
//! Why sixteen: names of other scripts have the same letters left over, or none, so that the hash alone tells them apart. Of
//! 10^6 such names two meet with ten digits (40 bits) in 36 of 100 catalogues, with sixteen (64 bits) in 3 of 10^8. Whoever
//! searches finds two names of his own that meet (2^32 tries), but none that meets somebody else's (2^64).

use super::digest::sha256_hex;

/// Longest plain name that stays as it is, in bytes.
pub const MAX_SLUG: usize = 80;
/// What is kept of a changed name: with its hash and `.html` that makes 100.
const MAX_BASE: usize = 78;
/// Digits of the hash.
const DIGITS: usize = 16;
/// Digits of the first version: names that end like its hashes are hashed still, so that no name gets the address that
/// another had then.
const OLD_DIGITS: usize = 10;

/// Names that cannot be a file's: every folder of the site has an `index`, the others are devices on Windows.
const RESERVED: [&str; 5] = ["index", "con", "prn", "aux", "nul"];

/// Turns any text into a safe file name: `get_me` stays, `getMe` becomes `getme-1a2b3c4d5e6f7890`.
///
/// Characters outside `[a-z0-9_-]` become `-` (letters are lowered first), runs of `-` made that way are one.
pub fn slug(original: &str) -> String {
    with_digits(original, DIGITS)
}

/// The digits of the hash in a slug that has one: no two names have the same.
pub fn hash_digits(slug: &str) -> &str {
    slug.rsplit_once('-').map_or(slug, |(_, digits)| digits)
}

/// The same with ten digits, for names inside keys that databases have stored since the first version. Two may meet: for
/// whoever tells such names apart by more than the key.
pub fn key_name(original: &str) -> String {
    with_digits(original, OLD_DIGITS)
}

fn with_digits(original: &str, digits: usize) -> String {
    if is_plain(original) {
        return original.to_owned();
    }
    let mut base = String::new();
    for c in original.chars() {
        let c = c.to_ascii_lowercase();
        if c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' || c == '-' {
            base.push(c);
        } else if !base.ends_with('-') {
            base.push('-');
        }
        if base.len() == if digits == OLD_DIGITS { MAX_SLUG } else { MAX_BASE } {
            break;
        }
    }
    let hash: String = sha256_hex(original.as_bytes()).chars().take(digits).collect();
    if base.is_empty() { hash } else { format!("{base}-{hash}") }
}

fn is_plain(name: &str) -> bool {
    (1..=MAX_SLUG).contains(&name.len())
        && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_' || b == b'-')
        && !is_reserved(name)
        && !has_hash_ending(name)
}

fn is_reserved(name: &str) -> bool {
    let numbered = |device| name.strip_prefix(device).is_some_and(|n| matches!(n.as_bytes(), [b'0'..=b'9']));
    RESERVED.contains(&name) || numbered("com") || numbered("lpt")
}

/// A name that ends like a hash of ours gets one of its own, or it could equal the slug of another name.
fn has_hash_ending(name: &str) -> bool {
    // The empty name has a hash and nothing before it.
    let end = name.rsplit_once('-').map_or(name, |(_, end)| end);
    matches!(end.len(), DIGITS | OLD_DIGITS)
        && end.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn digits(of: &str, count: usize) -> String {
        sha256_hex(of.as_bytes()).chars().take(count).collect()
    }

    #[test]
    fn a_plain_name_stays_and_a_changed_one_is_marked() {
        for plain in ["get_me", "x-0123456789abcdef0", "com10", "console", &"a".repeat(80)] {
            assert_eq!(slug(plain), plain);
        }
        assert!(slug("getMe").starts_with("getme-"));
        assert_ne!(slug("getMe"), slug("getme"));
        for changed in ["index", "nul", "com1", "x-0123456789", "x-0123456789abcdef", "0123456789"] {
            assert_eq!(slug(changed), format!("{changed}-{}", digits(changed, 16)));
        }
        assert!(slug("../../etc").len() > 16);
        assert_eq!(slug("").len(), 16);
        assert_eq!(slug(&"a".repeat(81)).len() + ".html".len(), 100);
    }

    #[test]
    fn names_inside_keys_are_what_they_were() {
        assert_eq!(key_name("My Server"), format!("my-server-{}", digits("My Server", 10)));
    }

    /// Names that leave no letter of their own: with ten digits the first two that meet are found among some 10^6.
    #[test]
    fn names_of_another_script_are_told_apart_by_64_bits() {
        let hash = |n: u32| slug(&char::from_u32(0x4E00 + n).unwrap().to_string());
        let all: std::collections::HashSet<String> = (0..20_000).map(hash).collect();
        assert_eq!(all.len(), 20_000);
        assert!(all.iter().all(|s| s.starts_with("--") && s.len() == 18), "{:?}", all.iter().next());
    }

    proptest! {
        #[test]
        fn a_slug_is_a_safe_file_name(name in any::<String>()) {
            let s = slug(&name);
            prop_assert!(!s.is_empty() && s.len() <= MAX_BASE + 1 + DIGITS);
            prop_assert!(s.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_' || b == b'-'));
        }

        #[test]
        fn two_names_have_two_slugs(a in "[A-Za-z._-]{1,12}", b in "[A-Za-z._-]{1,12}") {
            prop_assert_eq!(a == b, slug(&a) == slug(&b));
        }
    }
}
