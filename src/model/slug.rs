//! The only way from a foreign name to a file name or a path segment of an address.
//!
//! Threat table row 16 (`research/scale.md` section 3): ASCII `[a-z0-9_-]`, at most 80, plus ten hex digits of the
//! SHA-256 of the original whenever anything was changed. A slug depends on its own text alone, so that no address
//! moves because a neighbour appeared.

use super::digest::sha256_hex;

/// Longest slug before the hash is appended, in bytes.
pub const MAX_SLUG: usize = 80;

/// The one name that every folder of the site already uses.
const RESERVED: &str = "index";

/// Turns any text into a safe file name: `get_me` stays, `getMe` becomes `getme-1a2b3c4d5e`.
///
/// Characters outside `[a-z0-9_-]` become `-` (letters are lowered first), runs of `-` made that way are one.
pub fn slug(original: &str) -> String {
    let mut base = String::new();
    for c in original.chars() {
        let c = c.to_ascii_lowercase();
        if c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' || c == '-' {
            base.push(c);
        } else if !base.ends_with('-') {
            base.push('-');
        }
        if base.len() == MAX_SLUG {
            break;
        }
    }
    if base == original && !base.is_empty() && base != RESERVED && !has_hash_ending(&base) {
        return base;
    }
    let digest = sha256_hex(original.as_bytes());
    let hash: String = digest.chars().take(10).collect();
    if base.is_empty() { hash } else { format!("{base}-{hash}") }
}

/// A name that ends like our own hash gets one of its own, or it could equal the slug of another name.
fn has_hash_ending(base: &str) -> bool {
    // The empty name has a hash and nothing before it.
    let end = base.rsplit_once('-').map_or(base, |(_, end)| end);
    end.len() == 10 && end.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_plain_name_stays_and_a_changed_one_is_marked() {
        assert_eq!(slug("get_me"), "get_me");
        assert!(slug("getMe").starts_with("getme-"));
        assert_ne!(slug("getMe"), slug("getme"));
        assert!(slug("index").starts_with("index-"));
        assert!(slug("../../etc").len() > 10);
        assert_eq!(slug("").len(), 10);
    }

    proptest! {
        #[test]
        fn a_slug_is_a_safe_file_name(name in any::<String>()) {
            let s = slug(&name);
            prop_assert!(!s.is_empty() && s.len() <= MAX_SLUG + 11);
            prop_assert!(s.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_' || b == b'-'));
        }

        #[test]
        fn two_names_have_two_slugs(a in "[A-Za-z._-]{1,12}", b in "[A-Za-z._-]{1,12}") {
            prop_assert_eq!(a == b, slug(&a) == slug(&b));
        }
    }
}
