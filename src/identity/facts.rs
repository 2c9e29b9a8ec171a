//! The facts in an order of their own, so that the order they came in means nothing; and the record of a repository.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_json::Value;

use crate::model::ServerKey;
use crate::model::identity::repository::clean_folder;
use crate::model::identity::{
    EntryFacts, Facts, ManifestFacts, Node, PackageFacts, RepositoryClaim, RepositoryFacts, ToolsFacts,
    ecosystem, registry_node,
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
    /// Null where they were not read.
    #[serde(default)]
    manifests: Value,
}

/// Reads a listing's record: `{"id", "full_name", "parent", "manifests": {PATH: {"ecosystem", "name", "private", "packages"}}}`. None
/// if it is none.
pub fn repository_of_record(forge: &str, record: &str) -> Option<RepositoryFacts> {
    let record: Record = serde_json::from_str(record).ok()?;
    let place = RepositoryClaim::read(&format!("https://{forge}/{}", record.full_name), None)?;
    let parent = record.parent.as_str().or_else(|| record.parent.get("full_name")?.as_str());
    let files = record.manifests.as_object().into_iter().flatten().take(MANIFESTS);
    let mut manifests: Vec<ManifestFacts> = files.flat_map(|(path, said)| named(path, said)).collect();
    manifests.sort();
    Some(RepositoryFacts {
        forge: place.forge,
        path: place.path,
        id: record.id,
        parent: parent.map(str::to_ascii_lowercase),
        manifests,
    })
}

/// What a manifest names: its own package or entry, and the packages that an entry lists. One that is not to be published
/// names nothing: whoever publishes under its name is somebody else.
fn named(path: &str, said: &Value) -> Vec<ManifestFacts> {
    let folder = clean_folder(path.rsplit_once('/').map_or("", |(folder, _)| folder));
    let name = said.get("name").and_then(Value::as_str).filter(|name| !name.trim().is_empty());
    let own = match (said.get("ecosystem").and_then(Value::as_str), name) {
        _ if said.get("private") == Some(&Value::Bool(true)) => None,
        (Some("npm"), Some(name)) => ServerKey::npm(name).ok().map(|key| key.to_string()),
        (Some("pypi"), Some(name)) => ServerKey::pypi(name).ok().map(|key| key.to_string()),
        (Some("mcp"), Some(name)) => Some(registry_node(name)),
        _ => None,
    };
    let listed = said.get("packages").and_then(Value::as_array).into_iter().flatten().take(MANIFESTS);
    let listed = listed.filter_map(Value::as_str).filter_map(|key| key.parse::<ServerKey>().ok());
    let packages = listed.map(|key| key.to_string()).filter(|key| ecosystem(key).is_some());
    own.into_iter().chain(packages).map(|node| ManifestFacts { folder: folder.clone(), node }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repositorys_record_is_read_with_its_manifests() {
        let record = r#"{"id":7,"full_name":"Ann/Mono","fork":true,"parent":"Bob/Mono","manifests":{
            "pkgs/a/package.json":{"ecosystem":"npm","name":"@ann/a"},"pyproject.toml":{"ecosystem":"pypi","name":"A_b"},
            "server.json":{"ecosystem":"mcp","name":"io.github.ann/a"},"x":{"ecosystem":"npm","name":"../x"},"y":7,
            "web/package.json":{"ecosystem":"npm","name":"inner","private":true},
            "z/server.json":{"ecosystem":"mcp","name":"io.github.ann/z","packages":["npm:z-mcp","remote:https://h.example/"]}}}"#;
        let read = repository_of_record("github.com", record).unwrap();
        assert_eq!(
            (read.id, read.path.as_str(), read.parent.as_deref()),
            (Some(7), "ann/mono", Some("bob/mono"))
        );
        let named: Vec<(&str, &str)> =
            read.manifests.iter().map(|m| (m.folder.as_str(), m.node.as_str())).collect();
        assert_eq!(
            named,
            [
                ("", "pypi:a-b"),
                ("", "registry:io.github.ann/a"),
                ("pkgs/a", "npm:@ann/a"),
                ("z", "npm:z-mcp"),
                ("z", "registry:io.github.ann/z")
            ]
        );
        let unread = repository_of_record("github.com", r#"{"full_name":"a/b","manifests":null}"#).unwrap();
        assert!(unread.manifests.is_empty());
        assert_eq!(repository_of_record("github.com", "{}"), None);
    }
}
