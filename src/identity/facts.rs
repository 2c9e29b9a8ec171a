//! The facts in an order of their own, so that the order they came in means nothing; and the record of a repository.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_json::Value;

use crate::model::identity::repository::clean_folder;
use crate::model::identity::{
    EntryFacts, Facts, ManifestFacts, Node, PackageFacts, RepositoryClaim, RepositoryFacts, ToolsFacts,
    registry_node,
};

/// Manifests read of one repository.
const MANIFESTS: usize = 1000;

/// [`Facts`], by node. Of two that have one node, the same one always speaks.
pub(super) struct Sorted<'a> {
    pub(super) packages: BTreeMap<&'a str, &'a PackageFacts>,
    pub(super) entries: BTreeMap<&'a str, &'a EntryFacts>,
    pub(super) repositories: BTreeMap<(&'a str, &'a str), &'a RepositoryFacts>,
    pub(super) repository_ids: &'a [(String, String, u64)],
    pub(super) tools: BTreeSet<&'a ToolsFacts>,
    pub(super) names: BTreeSet<&'a str>,
    pub(super) known: &'a BTreeSet<Node>,
}

impl<'a> Sorted<'a> {
    pub(super) fn new(facts: &'a Facts) -> Self {
        let mut packages = BTreeMap::new();
        for (node, said) in &facts.packages {
            keep_greater(&mut packages, node.as_str(), said);
        }
        let mut entries = BTreeMap::new();
        for entry in &facts.entries {
            keep_greater(&mut entries, entry.name.as_str(), entry);
        }
        let mut repositories = BTreeMap::new();
        for one in &facts.repositories {
            keep_greater(&mut repositories, (one.forge.as_str(), one.path.as_str()), one);
        }
        let mut names: BTreeSet<&str> = facts.names.iter().map(String::as_str).collect();
        names.extend(packages.keys());
        names.extend(entries.values().flat_map(|entry| entry.packages.keys()).map(String::as_str));
        let (repository_ids, known) = (facts.repository_ids.as_slice(), &facts.known);
        Self {
            packages,
            entries,
            repositories,
            repository_ids,
            tools: facts.tools.iter().collect(),
            names,
            known,
        }
    }
}

fn keep_greater<'a, K: Ord, T: Ord>(all: &mut BTreeMap<K, &'a T>, key: K, one: &'a T) {
    all.entry(key).and_modify(|kept| *kept = (*kept).max(one)).or_insert(one);
}

/// A repository as a listing of its forge stores it.
#[derive(Deserialize)]
struct Record {
    #[serde(default)]
    id: Option<u64>,
    full_name: String,
    #[serde(default)]
    parent: Value,
    #[serde(default)]
    manifests: BTreeMap<String, Value>,
}

/// Reads a listing's record: `{"id", "full_name", "parent", "manifests": {PATH: {"ecosystem", "name"}}}`. None if it is none.
pub fn repository_of_record(forge: &str, record: &str) -> Option<RepositoryFacts> {
    let record: Record = serde_json::from_str(record).ok()?;
    let place = RepositoryClaim::read(&format!("https://{forge}/{}", record.full_name), None)?;
    let parent = record.parent.as_str().or_else(|| record.parent.get("full_name")?.as_str());
    let mut manifests: Vec<ManifestFacts> =
        record.manifests.iter().take(MANIFESTS).filter_map(|(path, said)| manifest(path, said)).collect();
    manifests.sort();
    Some(RepositoryFacts {
        forge: place.forge,
        path: place.path,
        id: record.id,
        parent: parent.map(str::to_ascii_lowercase),
        manifests,
    })
}

fn manifest(path: &str, said: &Value) -> Option<ManifestFacts> {
    let name = said.get("name").and_then(Value::as_str).filter(|name| !name.trim().is_empty())?;
    let folder = clean_folder(path.rsplit_once('/').map_or("", |(folder, _)| folder));
    let node = match said.get("ecosystem").and_then(Value::as_str)? {
        "npm" => crate::model::ServerKey::npm(name).ok()?.to_string(),
        "pypi" => crate::model::ServerKey::pypi(name).ok()?.to_string(),
        "mcp" | "registry" => registry_node(name),
        _ => return None,
    };
    Some(ManifestFacts { folder, node })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repositorys_record_is_read_with_its_manifests() {
        let record = r#"{"id":7,"full_name":"Ann/Mono","fork":true,"parent":"Bob/Mono","manifests":{
            "pkgs/a/package.json":{"ecosystem":"npm","name":"@ann/a"},"pyproject.toml":{"ecosystem":"pypi","name":"A_b"},
            "server.json":{"ecosystem":"mcp","name":"io.github.ann/a"},"x":{"ecosystem":"npm","name":"../x"},"y":7}}"#;
        let read = repository_of_record("github.com", record).unwrap();
        assert_eq!(
            (read.id, read.path.as_str(), read.parent.as_deref()),
            (Some(7), "ann/mono", Some("bob/mono"))
        );
        let named: Vec<(&str, &str)> =
            read.manifests.iter().map(|m| (m.folder.as_str(), m.node.as_str())).collect();
        assert_eq!(named, [("", "pypi:a-b"), ("", "registry:io.github.ann/a"), ("pkgs/a", "npm:@ann/a")]);
        assert_eq!(repository_of_record("github.com", "{}"), None);
    }
}
