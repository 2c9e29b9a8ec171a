//! One repository as GitHub describes it, and as a listing with what could be scanned because of it.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_json::{Value, json};

use super::super::cut;
use super::super::settings::TriageSettings;
use super::super::triage::{has_keyword, signs_of_name};
use super::manifest::{self, Manifest};
use super::refresh::Fresh;
use crate::model::digest::sha256_hex;
use crate::model::sign::Sign;
use crate::model::source::{Candidate, Listing, ListingStatus, Obstacle};
use crate::model::{Registry, ServerKey};

/// An owner has at most 39 characters, a repository 100.
const NAME_CHARS: usize = 200;
const TOPICS: usize = 20;
const TEXT_CHARS: usize = 500;

/// A hit of the search. Only what names it is sure.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Repository {
    id: u64,
    pub(super) node_id: String,
    full_name: String,
    #[serde(default)]
    description: Value,
    #[serde(default)]
    pub(super) fork: bool,
    #[serde(default)]
    archived: bool,
    #[serde(default)]
    pushed_at: Value,
    #[serde(default)]
    created_at: Value,
    #[serde(default)]
    stargazers_count: Value,
    #[serde(default)]
    topics: Value,
    #[serde(default)]
    default_branch: Value,
}

impl Repository {
    /// True if it has what names it.
    pub(super) fn is_whole(&self) -> bool {
        self.full_name.contains('/') && !self.node_id.is_empty()
    }

    fn topics(&self) -> Vec<String> {
        let words = self.topics.as_array().into_iter().flatten().filter_map(Value::as_str);
        words.take(TOPICS).map(|word| cut(word, 100)).collect()
    }

    /// What it is to the catalogue; `fresh` is what a look at its HEAD brought, where one was possible.
    pub(super) fn listing(&self, fresh: Option<&Fresh>, triage: &TriageSettings) -> Listing {
        let text = |value: &Value| value.as_str().map(|text| cut(text, TEXT_CHARS));
        let manifests = fresh.map(|fresh| manifest::read_all(&fresh.manifests, triage)).unwrap_or_default();
        let facts: BTreeMap<&str, &Value> = manifests.iter().map(|m| (m.path.as_str(), &m.facts)).collect();
        let name = cut(&self.full_name, NAME_CHARS);
        let parent = fresh.and_then(|fresh| fresh.parent.as_ref());
        let record = json!({
            "id": self.id,
            "node_id": cut(&self.node_id, NAME_CHARS),
            "full_name": name,
            "fork": self.fork,
            "parent": parent.map(|parent| parent.full_name.as_str()),
            "parent_id": parent.and_then(|parent| parent.id),
            "archived": self.archived,
            "pushed_at": text(&self.pushed_at),
            "created_at": text(&self.created_at),
            "stars": self.stargazers_count.as_u64(),
            "topics": self.topics(),
            "default_branch": text(&self.default_branch),
            "description": text(&self.description),
            "head": fresh.and_then(|fresh| fresh.head.as_deref()),
            // Null: not read. Empty: none there.
            "manifests": fresh.map(|_| &facts),
        });
        // What makes it worth another look; stars and words come and go.
        let telling = json!([self.id, name, self.fork, self.archived, fresh.map(|_| &facts)]);
        let hash: String = sha256_hex(telling.to_string().as_bytes()).chars().take(12).collect();
        Listing {
            version: String::new(),
            status: ListingStatus::Active,
            stamp: Some(format!("{}#{hash}", text(&self.pushed_at).unwrap_or_default())),
            record: Some(record.to_string()),
            found: self.candidates(&name, &manifests, triage),
            name,
        }
    }

    fn candidates(&self, name: &str, manifests: &[Manifest], triage: &TriageSettings) -> Vec<Candidate> {
        let mut found: Vec<Candidate> = Vec::new();
        // A fork's manifests are its parent's: what they name is found there, and is not the fork's to speak for.
        let folders: BTreeSet<&str> =
            manifests.iter().filter(|_| !self.fork).map(Manifest::folder).chain([""]).collect();
        for folder in &folders {
            let folder = *folder;
            let here: Vec<&Manifest> = manifests.iter().filter(|m| m.folder() == folder).collect();
            let told = self.told(&here, triage);
            let named = here.iter().filter(|_| !self.fork).flat_map(|manifest| &manifest.names);
            let mut has_package = false;
            for (key, obstacle) in named {
                has_package |= obstacle.is_none() && (key.starts_with("npm:") || key.starts_with("pypi:"));
                if found.iter().any(|known| known.key == *key) {
                    continue;
                }
                let mut signs = Vec::new();
                if obstacle.is_none() && !key.starts_with("remote:") {
                    signs = signs_of_name(key.split_once(':').map_or("", |(_, name)| name), triage);
                }
                // Only what speaks for a package: anybody's repository can name it. An abandoned one adds nothing.
                if !self.archived {
                    signs.extend(&told);
                }
                found.push(Candidate { key: key.clone(), obstacle: *obstacle, signs });
            }
            if !has_package && !folder.is_empty() {
                found.push(self.itself(&format!("{name}/{folder}"), &told, triage));
            }
        }
        let root: Vec<&Manifest> = manifests.iter().filter(|m| m.folder().is_empty()).collect();
        let told = self.told(&root, triage);
        let can_be_started = |candidate: &Candidate| {
            let key = candidate.key.parse::<ServerKey>();
            let kinds = [Registry::Npm, Registry::Pypi, Registry::Github];
            candidate.obstacle.is_none() && key.is_ok_and(|key| kinds.contains(&key.registry()))
        };
        // A folder that an entry names and that has no manifest of its own.
        let bare = root.iter().filter(|_| !self.fork).filter_map(|m| m.facts.get("folder")?.as_str());
        let bare: BTreeSet<&str> =
            bare.filter(|folder| !folder.is_empty() && !folders.contains(folder)).collect();
        if !found.iter().any(can_be_started) {
            found.extend(bare.iter().map(|folder| self.itself(&format!("{name}/{folder}"), &told, triage)));
        }
        // The root of a workspace is a server of its own only if it needs what servers are written with.
        let names_package = root
            .iter()
            .flat_map(|m| &m.names)
            .any(|(key, _)| key.starts_with("npm:") || key.starts_with("pypi:"));
        let is_one = told.contains(&Sign::SdkDependency) && !names_package;
        if is_one || !found.iter().any(can_be_started) {
            found.push(self.itself(name, &told, triage));
        }
        found
    }

    /// What some of its manifests, and its topics, say for a server.
    fn told(&self, manifests: &[&Manifest], triage: &TriageSettings) -> Vec<Sign> {
        let topics = self.topics();
        let mut told: Vec<Sign> = manifests.iter().flat_map(|m| m.signs.iter().copied()).collect();
        if has_keyword(topics.iter().map(String::as_str), triage) {
            told.push(Sign::Keyword);
        }
        told.sort();
        told.dedup();
        told
    }

    fn itself(&self, name: &str, told: &[Sign], triage: &TriageSettings) -> Candidate {
        let mut signs = signs_of_name(name, triage);
        signs.extend(told);
        signs.extend(self.fork.then_some(Sign::Fork));
        signs.extend(self.archived.then_some(Sign::Archived));
        match ServerKey::github(name) {
            Ok(key) => Candidate { key: key.to_string(), obstacle: None, signs },
            Err(_) => Candidate { key: format!("github:{name}"), obstacle: Some(Obstacle::Malformed), signs },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::settings::embedded;
    use super::*;

    fn repository(more: Value) -> Repository {
        let mut all = json!({
            "id": 7, "node_id": "R_7", "full_name": "Ann/Pear", "fork": false, "archived": false,
            "pushed_at": "2026-01-02T03:04:05Z", "stargazers_count": 3, "topics": ["mcp-server"],
        });
        all.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        serde_json::from_value(all).unwrap()
    }

    fn fresh(manifests: &[(&str, &str)]) -> Fresh {
        let manifests =
            manifests.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect();
        Fresh { head: Some("a".repeat(40)), parent: None, manifests }
    }

    fn keys(listing: &Listing) -> Vec<&str> {
        listing.found.iter().map(|candidate| candidate.key.as_str()).collect()
    }

    #[test]
    fn what_a_manifest_names_is_the_candidate_and_else_the_repository() {
        let triage = embedded().triage;
        let package = fresh(&[("package.json", r#"{"name":"@ann/pear-mcp","bin":{"pear":"x.js"}}"#)]);
        let listing = repository(json!({})).listing(Some(&package), &triage);
        assert_eq!(keys(&listing), ["npm:@ann/pear-mcp"]);
        let record: Value = serde_json::from_str(listing.record.as_deref().unwrap()).unwrap();
        assert_eq!(record["manifests"]["package.json"]["ecosystem"], "npm");
        assert_eq!((record["id"].as_u64(), record["full_name"].as_str()), (Some(7), Some("Ann/Pear")));
        for none in
            [None, Some(fresh(&[])), Some(fresh(&[("package.json", r#"{"name":"x","private":true}"#)]))]
        {
            assert_eq!(keys(&repository(json!({})).listing(none.as_ref(), &triage)), ["github:ann/pear"]);
        }
    }

    #[test]
    fn each_folder_of_a_workspace_is_a_candidate_of_its_own() {
        let triage = embedded().triage;
        let workspace = fresh(&[
            ("package.json", r#"{"name":"mono","private":true,"workspaces":["pkgs/*"]}"#),
            (
                "pkgs/a/package.json",
                r#"{"name":"@ann/a-mcp","dependencies":{"@modelcontextprotocol/sdk":"1"}}"#,
            ),
            ("pkgs/b/package.json", r#"{"name":"b","private":true,"dependencies":{"fastmcp":"1"}}"#),
            ("pkgs/c/pyproject.toml", "[project]\nname = \"c\"\nclassifiers = [\"Private :: x\"]\n"),
        ]);
        let listing = repository(json!({})).listing(Some(&workspace), &triage);
        assert_eq!(keys(&listing), ["npm:@ann/a-mcp", "github:ann/pear/pkgs/b", "github:ann/pear/pkgs/c"]);
        let signs = |at: usize| listing.found[at].signs.contains(&Sign::SdkDependency);
        assert_eq!((signs(0), signs(1), signs(2)), (true, true, false), "a folder speaks for itself");
        let fork = repository(json!({"fork": true})).listing(Some(&workspace), &triage);
        assert_eq!(keys(&fork), ["github:ann/pear"]);
    }

    #[test]
    fn a_fork_speaks_for_itself_alone_and_comes_last_like_an_archived_one() {
        let triage = embedded().triage;
        let package =
            fresh(&[("package.json", r#"{"name":"pear-mcp","bin":"x.js","dependencies":{"fastmcp":"1"}}"#)]);
        let rank =
            |listing: &Listing| crate::model::sign::rank(&listing.found[0].signs.iter().copied().collect());
        let fork = repository(json!({"fork": true})).listing(Some(&package), &triage);
        assert_eq!(keys(&fork), ["github:ann/pear"]);
        let archived = repository(json!({"archived": true})).listing(None, &triage);
        let plain = repository(json!({"topics": []})).listing(None, &triage);
        let library = repository(json!({"topics": [], "full_name": "a/b-sdk"})).listing(None, &triage);
        assert!(rank(&fork) < rank(&library) && rank(&archived) < rank(&library));
        assert!(rank(&library) < rank(&plain));
    }

    #[test]
    fn stars_are_no_news_and_a_push_or_a_manifest_is() {
        let triage = embedded().triage;
        let stamp = |more: Value, fresh: Option<&Fresh>| repository(more).listing(fresh, &triage).stamp;
        let before = stamp(json!({}), None);
        assert_eq!(stamp(json!({"stargazers_count": 9, "description": "d"}), None), before);
        assert_ne!(stamp(json!({"pushed_at": "2026-01-03T00:00:00Z"}), None), before);
        assert_ne!(stamp(json!({"archived": true}), None), before);
        assert_ne!(stamp(json!({}), Some(&fresh(&[]))), before);
    }
}
