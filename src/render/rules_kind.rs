//! What kind of tool it is to the documents on its page: tools of one kind differ there in names and in the rules on their arguments.

use std::hash::{BuildHasher, Hash, Hasher};
use std::sync::LazyLock;

use foldhash::fast::RandomState;

use super::effects::Effects;
use super::fragments::Shape;
use crate::model::{Class, Risk};
use crate::policy::Rule;

/// What the documents of a tool depend on beside names and the rules on arguments.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Kind {
    pub(super) rules: [Rule; 3],
    pub(super) defaults: [Rule; 3],
    pub(super) class: Class,
    pub(super) risk: Risk,
    pub(super) unnamed: bool,
    /// Its server has the key that one format cannot name.
    pub(super) unnameable: bool,
    pub(super) shape: Shape,
    pub(super) effects: Effects,
    /// The rules on arguments are the strict tier's in the recommended one, the recommended one's in the permissive one.
    pub(super) alike: [bool; 2],
}

/// The same with its hash: it is looked up three times a tool, and is hundreds of bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct RulesKind {
    hash: u64,
    pub(super) kind: Kind,
}

impl RulesKind {
    pub(super) fn new(kind: Kind) -> Self {
        static SEEDS: LazyLock<RandomState> = LazyLock::new(RandomState::default);
        Self { hash: SEEDS.hash_one(kind), kind }
    }
}

impl Hash for RulesKind {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.hash);
    }
}
