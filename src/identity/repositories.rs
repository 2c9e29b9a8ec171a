//! Repositories under the names they have now: one that was renamed is itself, one that took over a name is another.

use std::collections::{BTreeMap, BTreeSet};

use super::facts::Sorted;
use crate::model::identity::{ManifestFacts, RepositoryClaim};

/// What a claim's repository is.
pub(super) enum Found {
    /// This one, under the path it has now.
    At(String),
    /// Another repository has the name now than the one that had it before, or than the one that was meant.
    Resurrected,
}

/// Names and numbers of repositories.
pub(super) struct Repositories<'a> {
    ids: BTreeMap<(&'a str, &'a str), BTreeSet<u64>>,
    paths: BTreeMap<(&'a str, u64), &'a str>,
    manifests: BTreeMap<(&'a str, &'a str), &'a [ManifestFacts]>,
}

impl<'a> Repositories<'a> {
    pub(super) fn new(facts: &Sorted<'a>) -> Self {
        let mut ids: BTreeMap<(&str, &str), BTreeSet<u64>> = BTreeMap::new();
        for (forge, path, id) in facts.repository_ids {
            ids.entry((forge, path)).or_default().insert(*id);
        }
        let mut paths = BTreeMap::new();
        let mut manifests = BTreeMap::new();
        for (place, one) in &facts.repositories {
            if let Some(id) = one.id {
                ids.entry(*place).or_default().insert(id);
                paths.insert((place.0, id), place.1);
            }
            manifests.insert(*place, one.manifests.as_slice());
        }
        Self { ids, paths, manifests }
    }

    /// Finds what a claim means.
    pub(super) fn find(&self, claim: &RepositoryClaim) -> Found {
        let (forge, path) = (claim.forge.as_str(), claim.path.as_str());
        let Some(ids) = self.ids.get(&(forge, path)) else { return Found::At(path.to_owned()) };
        let mut ids = ids.iter();
        let (Some(id), None) = (ids.next(), ids.next()) else { return Found::Resurrected };
        if claim.id.is_some_and(|stated| stated != *id) {
            return Found::Resurrected;
        }
        Found::At(self.paths.get(&(forge, *id)).copied().unwrap_or(path).to_owned())
    }

    /// The folders of a repository whose manifests name this node.
    pub(super) fn folders(&self, forge: &str, path: &str, node: &str) -> BTreeSet<&'a str> {
        let manifests = self.manifests.get(&(forge, path)).copied().unwrap_or_default();
        manifests.iter().filter(|one| one.node == node).map(|one| one.folder.as_str()).collect()
    }
}
