//! The files that a rule set is read from, and the hash that names it.

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};

use super::ALGORITHM;

/// What a rule set is read from: path below `rules/`, name without folder and ending, content.
pub(super) fn rule_files(files: &BTreeMap<String, Vec<u8>>) -> impl Iterator<Item = (&String, &str, &[u8])> {
    files.iter().filter_map(|(file, bytes)| {
        let topic = file.strip_prefix("classify/")?.strip_suffix(".toml")?;
        Some((file, topic, bytes.as_slice()))
    })
}

/// See [`RuleSet::hash_of`].
pub(super) fn hash_of(files: &BTreeMap<String, Vec<u8>>) -> String {
    let mut hash = Sha256::new();
    hash.update(ALGORITHM.as_bytes());
    for (file, _, bytes) in rule_files(files) {
        for part in [file.as_bytes(), bytes] {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        }
    }
    hex::encode(hash.finalize())
}
