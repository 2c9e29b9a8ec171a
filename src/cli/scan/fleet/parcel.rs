//! The ledger of a worker: what one probe finds, kept until it is delivered. Nothing is known before and nothing is judged.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::super::ledger::{Ledger, Opened};
use crate::model::declared::DeclaredList;
use crate::model::{Attempt, Class, Probe, Release, ReleaseFacts, ServerKey, Target};
use crate::queue::delivery::{Delivery, FORMAT, Who};
use crate::store::identity::ScannedFacts;
use crate::store::{StoreError, StoredProbe};

/// One probe on its way into a delivery.
#[derive(Debug, Default)]
pub(super) struct Parcel {
    held: Mutex<Held>,
}

#[derive(Debug, Default)]
struct Held {
    release: Option<Release>,
    facts: ReleaseFacts,
    who: Option<Who>,
    declared: Option<Vec<DeclaredList>>,
    probe: Option<Probe>,
}

impl Parcel {
    /// What was found of a target; a release that does not exist is the one that was asked for.
    pub(super) fn into_delivery(self, target: &Target) -> Delivery {
        let held = self.held.into_inner().unwrap_or_else(PoisonError::into_inner);
        let asked = || {
            let version = match target {
                Target::Package { version, .. } => version.clone().unwrap_or_default(),
                _ => String::new(),
            };
            Release { server: target.server(), version }
        };
        Delivery {
            format: FORMAT,
            release: held.release.unwrap_or_else(asked),
            facts: held.facts,
            who: held.who,
            declared: held.declared,
            probe: held.probe,
        }
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is known first stays, as in the database.
    fn learn(&self, release: &Release, said: &ReleaseFacts) {
        let mut held = self.held();
        held.release = Some(release.clone());
        let facts = &mut held.facts;
        facts.published_at = facts.published_at.or(said.published_at);
        for (known, new) in [
            (&mut facts.title, &said.title),
            (&mut facts.description, &said.description),
            (&mut facts.licence, &said.licence),
        ] {
            if known.is_none() {
                known.clone_from(new);
            }
        }
        for (known, new) in [(&mut facts.repository, &said.repository), (&mut facts.homepage, &said.homepage)]
        {
            if known.is_none() {
                known.clone_from(new);
            }
        }
    }
}

impl Ledger for Parcel {
    fn stored(&self, _release: &Release) -> Result<Option<StoredProbe>, StoreError> {
        Ok(None)
    }

    fn who(&self, _release: &Release, said: &ScannedFacts) -> Result<(), StoreError> {
        let (mcp_names, repository) = (said.mcp_names.clone(), said.repository.clone());
        self.held().who = Some(Who { mcp_names, repository });
        Ok(())
    }

    fn open(
        &self,
        release: &Release,
        facts: &ReleaseFacts,
        _stored: Option<i64>,
    ) -> Result<Option<Opened>, StoreError> {
        self.learn(release, facts);
        Ok(Some((0, Vec::new())))
    }

    fn attempt(&self, _: i64, _: usize, _: &Attempt, _: &str) -> Result<(), StoreError> {
        Ok(())
    }

    fn about(&self, release: &Release, facts: &ReleaseFacts) -> Result<(), StoreError> {
        self.learn(release, facts);
        Ok(())
    }

    fn declared(&self, _server: &ServerKey, lists: &[DeclaredList]) -> Result<(), StoreError> {
        self.held().declared = Some(lists.to_vec());
        Ok(())
    }

    fn finish(&self, _probe: i64, result: &Probe) -> Result<(), StoreError> {
        self.held().probe = Some(result.clone());
        Ok(())
    }

    fn judge(&self, _release: &Release, _result: &Probe) -> anyhow::Result<BTreeMap<Class, u32>> {
        Ok(BTreeMap::new())
    }
}
