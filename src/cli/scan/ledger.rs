//! Where what a scan finds is written: the database of this machine, or a delivery to a fleet's queue.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use super::super::clock::Clock;
use super::rules::Rules;
use crate::model::declared::DeclaredList;
use crate::model::probe::SCANNER_SCHEMA;
use crate::model::{Attempt, Class, Probe, Release, ReleaseFacts, ServerKey, ToolDefinition};
use crate::store::identity::ScannedFacts;
use crate::store::{Store, StoreError, StoredProbe};

/// A probe's number, and the attempts that it made before.
pub(super) type Opened = (i64, Vec<Attempt>);

/// What one target's scan reads and writes, in this order.
pub(super) trait Ledger: Sync {
    /// An outcome that lasts and is known already.
    fn stored(&self, release: &Release) -> Result<Option<StoredProbe>, StoreError>;
    /// What its registry says of who the package is.
    fn who(&self, release: &Release, said: &ScannedFacts) -> Result<(), StoreError>;
    /// A probe begins, or one that was not finished goes on: its number and the attempts that it made before. None where another
    /// scan's outcome came since `stored` gave the row of that number.
    fn open(
        &self,
        release: &Release,
        facts: &ReleaseFacts,
        stored: Option<i64>,
    ) -> Result<Option<Opened>, StoreError>;
    /// An attempt ended.
    fn attempt(&self, probe: i64, at: usize, attempt: &Attempt, key: &str) -> Result<(), StoreError>;
    /// What the installed package says of itself.
    fn about(&self, release: &Release, facts: &ReleaseFacts) -> Result<(), StoreError>;
    /// What it declares as its tools.
    fn declared(&self, server: &ServerKey, lists: &[DeclaredList]) -> Result<(), StoreError>;
    /// The probe ended.
    fn finish(&self, probe: i64, result: &Probe) -> Result<(), StoreError>;
    /// The verdicts on its tools, counted by class; empty where others judge.
    fn judge(&self, release: &Release, result: &Probe) -> anyhow::Result<BTreeMap<Class, u32>>;
}

/// The database of this machine, and the rules in force.
pub(super) struct Local<'a> {
    pub(super) store: &'a Mutex<Store>,
    pub(super) rules: &'a Rules,
    pub(super) clock: Clock,
}

impl Local<'_> {
    fn with<T>(&self, act: impl FnOnce(&mut Store) -> Result<T, StoreError>) -> Result<T, StoreError> {
        act(&mut self.store.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Ledger for Local<'_> {
    fn stored(&self, release: &Release) -> Result<Option<StoredProbe>, StoreError> {
        self.with(|s| s.lasting_outcome(release, SCANNER_SCHEMA))
    }

    fn who(&self, release: &Release, said: &ScannedFacts) -> Result<(), StoreError> {
        self.with(|s| s.remember_scanned(release, said, self.clock.now()))
    }

    fn open(
        &self,
        release: &Release,
        facts: &ReleaseFacts,
        stored: Option<i64>,
    ) -> Result<Option<Opened>, StoreError> {
        let now = self.clock.now();
        self.with(|s| {
            let id = s.remember_release(release, facts, now)?;
            let open = s.begin_probe_after((release, id), SCANNER_SCHEMA, stored, now)?;
            Ok(open.map(|open| (open.id, open.attempts)))
        })
    }

    fn attempt(&self, probe: i64, at: usize, attempt: &Attempt, key: &str) -> Result<(), StoreError> {
        self.with(|s| s.add_attempt(probe, at, attempt, Some(key)))
    }

    fn about(&self, release: &Release, facts: &ReleaseFacts) -> Result<(), StoreError> {
        self.with(|s| s.remember_release(release, facts, self.clock.now())).map(drop)
    }

    fn declared(&self, server: &ServerKey, lists: &[DeclaredList]) -> Result<(), StoreError> {
        self.with(|s| s.declare_of_package(server, lists, self.clock.now()))
    }

    fn finish(&self, probe: i64, result: &Probe) -> Result<(), StoreError> {
        self.with(|s| s.finish_probe(probe, result))
    }

    /// These alone: looking for what has no verdict takes as long as the catalogue is large.
    fn judge(&self, release: &Release, result: &Probe) -> anyhow::Result<BTreeMap<Class, u32>> {
        let rules = self.rules.get()?;
        let judged: Vec<_> = result
            .tools
            .iter()
            .filter_map(|seen| {
                // As it is stored: a verdict is one of the definition, however a server spells it.
                let canonical = ToolDefinition::from_json(&seen.raw).ok()?.canonical().to_owned();
                let tool = ToolDefinition::from_json(&canonical).ok()?;
                Some((seen.hash.clone(), rules.judge(&tool)))
            })
            .collect();
        let stored = self.with(|store| {
            store.add_verdicts(rules.hash(), &judged, self.clock.now())?;
            store.lasting_outcome(release, SCANNER_SCHEMA)
        })?;
        Ok(stored.map(|stored| stored.classes).unwrap_or_default())
    }
}
