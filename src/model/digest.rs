//! SHA-256 as text, the one spelling of every hash that is stored or published.

use sha2::{Digest, Sha256};

/// 64 lower-case hex digits.
pub fn sha256_hex(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}
