//! What a change may reach: the keys of tools that came, went or changed since the last build. Pages of servers that share none of
//! them show the same neighbours as before, so nobody has to look for these again.

use std::collections::HashSet;

use super::catalogue::{Catalogue, ServerEntry};
use super::similar::Likeness;

/// Keys that tools are similar by, each under which something happened.
#[derive(Debug, Default)]
pub(super) struct Stirred {
    keys: HashSet<u64>,
    /// What happened is not known.
    all: bool,
}

impl Stirred {
    /// Something happened to a tool that is similar to others by these keys.
    pub(super) fn add(&mut self, likeness: Likeness) {
        self.keys.extend(likeness.keys());
    }

    /// Something happened, and nobody knows what.
    pub(super) fn add_everything(&mut self) {
        self.all = true;
    }

    /// These, too.
    pub(super) fn join(&mut self, other: Self) {
        self.keys.extend(other.keys);
        self.all |= other.all;
    }

    /// True if what the server's pages show of others is what it was, if nothing of its own changed.
    pub(super) fn leaves(&self, catalogue: &Catalogue, entry: &ServerEntry) -> bool {
        let reached = |likeness: Likeness| likeness.keys().iter().any(|key| self.keys.contains(key));
        // Others name servers, and not tools alone.
        let shows_tools_alone = entry.answered() && entry.places.is_empty();
        let tools = catalogue.tools_of(entry);
        !self.all
            && shows_tools_alone
            && (self.keys.is_empty() || !tools.iter().any(|tool| reached(tool.likeness)))
    }
}
