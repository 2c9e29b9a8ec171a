//! The list of what lies in a folder of packs, `packs.json`: which packs there are, what each came to, and which files are ours.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::super::digest::Digest;
use super::super::manifest::is_plain;
use super::place::Prefix;

/// The list, in the folder's root.
pub(in crate::render) const DIRECTORY: &str = "packs.json";
/// Raised when packs are laid out or compressed in another way: then nothing of the old ones is used.
const FORMAT: u32 = 1;

/// As it is stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    /// What wrote it, for people.
    about: String,
    format: u32,
    /// What is being written, until it is finished.
    unfinished: BTreeSet<String>,
    /// Other files of ours.
    beside: BTreeSet<String>,
    /// By the bits that the keys of its files begin with.
    packs: BTreeMap<String, Pack>,
}

/// One pack.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::render) struct Pack {
    /// Files and folders in it.
    pub(in crate::render) files: usize,
    pub(in crate::render) bytes: u64,
    /// The first 16 bytes of its SHA-256.
    pub(in crate::render) sha256: String,
}

/// The list in memory.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::render) struct Directory {
    pub(in crate::render) packs: BTreeMap<Prefix, Pack>,
    /// Other files of ours, and such that were being written when somebody ended it.
    pub(in crate::render) beside: BTreeSet<String>,
    pub(in crate::render) unfinished: BTreeSet<String>,
    /// The packs are laid out as those of this program.
    pub(in crate::render) is_current: bool,
}

impl Pack {
    pub(in crate::render) fn of(files: usize, content: &[u8]) -> Self {
        Self { files, bytes: content.len() as u64, sha256: Digest::of_bytes(content).to_string() }
    }
}

impl Directory {
    /// The list of a folder; None if there is none.
    ///
    /// # Errors
    /// A list that cannot be read.
    pub(in crate::render) fn read(root: &Path) -> std::io::Result<Option<Self>> {
        let text = match fs_err::read(root.join(DIRECTORY)) {
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            text => text?,
        };
        Ok(Some(Self::parsed(&text)?))
    }

    pub(in crate::render) fn parsed(text: &[u8]) -> std::io::Result<Self> {
        let broken =
            |why: String| std::io::Error::new(std::io::ErrorKind::InvalidData, format!("{DIRECTORY}: {why}"));
        let stored: Stored = serde_json::from_slice(text).map_err(|e| broken(e.to_string()))?;
        let packs: Result<_, _> =
            stored.packs.into_iter().map(|(bits, pack)| Ok((bits.parse()?, pack))).collect();
        // It says what may be removed, so nothing in it may lead out of the folder.
        if !stored.beside.iter().chain(&stored.unfinished).all(|path| is_plain(path)) {
            return Err(broken("it names a file elsewhere".to_owned()));
        }
        Ok(Self {
            packs: packs.map_err(|()| broken("a pack has a name that is not made of bits".to_owned()))?,
            beside: stored.beside,
            unfinished: stored.unfinished,
            is_current: stored.format == FORMAT,
        })
    }

    /// As it is stored.
    pub(in crate::render) fn text(&self) -> String {
        let packs = self.packs.iter().map(|(prefix, pack)| (prefix.to_string(), pack.clone())).collect();
        let stored = Stored {
            about: "files written by catalogue pack; it removes what it no longer writes".to_owned(),
            format: FORMAT,
            unfinished: self.unfinished.clone(),
            beside: self.beside.clone(),
            packs,
        };
        let mut text = serde_json::to_string_pretty(&stored).unwrap_or_default();
        text.push('\n');
        text
    }

    /// Every file of ours but the list itself.
    pub(in crate::render) fn ours(&self) -> BTreeSet<String> {
        let packs = self.packs.keys().map(|prefix| prefix.file());
        packs.chain(self.beside.iter().cloned()).chain(self.unfinished.iter().cloned()).collect()
    }

    /// The pack that a key belongs to.
    pub(in crate::render) fn pack_of(&self, key: u64) -> Option<Prefix> {
        Prefix::all_of(key).find(|prefix| self.packs.contains_key(prefix))
    }
}
