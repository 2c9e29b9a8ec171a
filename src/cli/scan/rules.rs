//! The rules of a scan, read while the first servers start: that takes longer than most of what comes before.

use std::sync::{Mutex, OnceLock};
use std::thread::JoinHandle;

use crate::assets::Files;
use crate::classify::{RuleError, RuleSet};

/// A rule set that may still be on its way.
pub(super) struct Rules {
    hash: String,
    on_the_way: Mutex<Option<JoinHandle<Result<RuleSet, RuleError>>>>,
    read: OnceLock<Result<RuleSet, RuleError>>,
}

impl Rules {
    /// Begins to read them.
    pub(super) fn of(files: Files) -> Self {
        let hash = RuleSet::hash_of(&files);
        let on_the_way = std::thread::spawn(move || RuleSet::load(&files));
        Self { hash, on_the_way: Mutex::new(Some(on_the_way)), read: OnceLock::new() }
    }

    /// The hash that they have, known at once.
    pub(super) fn hash(&self) -> &str {
        &self.hash
    }

    /// The rules, waited for.
    pub(super) fn get(&self) -> Result<&RuleSet, RuleError> {
        let read = self.read.get_or_init(|| {
            let on_the_way = self.on_the_way.lock().ok().and_then(|mut thread| thread.take());
            match on_the_way.map(JoinHandle::join) {
                Some(Ok(read)) => read,
                Some(Err(panic)) => std::panic::resume_unwind(panic),
                None => unreachable!("it is waited for once"),
            }
        });
        read.as_ref().map_err(Clone::clone)
    }
}
