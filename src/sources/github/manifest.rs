//! What the manifests of a repository, or of a folder in it, name: packages, projects, remotes, and what speaks for a server.
//!
//! A manifest only claims: that a package of this name is published, and is this repository's, is for its registry to say.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::super::cut;
use super::super::mcp;
use super::super::settings::TriageSettings;
use crate::model::ServerKey;
use crate::model::identity::repository::clean_folder;
use crate::model::sign::Sign;
use crate::model::source::Obstacle;

const NAME_CHARS: usize = 300;

/// One manifest.
#[derive(Debug)]
pub(super) struct Manifest {
    /// Where it lies.
    pub(super) path: String,
    /// What is kept of it with the repository: `ecosystem`, `name` and what else tells who is who.
    pub(super) facts: Value,
    /// Keys of what it names, and why some cannot be scanned.
    pub(super) names: Vec<(String, Option<Obstacle>)>,
    /// What it says for the repository being a server.
    pub(super) signs: Vec<Sign>,
}

impl Manifest {
    /// The folder it lies in, empty for the root.
    pub(super) fn folder(&self) -> &str {
        self.path.rsplit_once('/').map_or("", |(folder, _)| folder)
    }
}

/// Reads all that can be read.
pub(super) fn read_all(texts: &BTreeMap<String, String>, triage: &TriageSettings) -> Vec<Manifest> {
    let read = |(path, text): (&String, &String)| match path.rsplit('/').next().unwrap_or(path) {
        "server.json" => server(path, text),
        "package.json" => package(path, text, triage),
        "pyproject.toml" => project(path, text, triage),
        _ => Some(Manifest {
            path: path.clone(),
            facts: json!({"ecosystem": "smithery"}),
            names: Vec::new(),
            signs: vec![Sign::ServerManifest],
        }),
    };
    texts.iter().filter_map(read).collect()
}

/// `server.json`, in the words of the official registry.
fn server(path: &str, text: &str) -> Option<Manifest> {
    let value: Value = serde_json::from_str(text).ok()?;
    let name = value.get("name").and_then(Value::as_str).map(|name| cut(name, NAME_CHARS));
    let names = mcp::named_by(&value);
    // Many a project has a server.json of another kind.
    if names.is_empty() && !name.as_ref().is_some_and(|name| name.contains('/')) {
        return None;
    }
    let keys: Vec<&str> = names.iter().map(|(key, _)| key.as_str()).collect();
    let folder = value.pointer("/repository/subfolder").and_then(Value::as_str).map(clean_folder);
    let facts = json!({"ecosystem": "mcp", "name": name, "packages": keys, "folder": folder});
    Some(Manifest { path: path.to_owned(), facts, names, signs: vec![Sign::ServerManifest] })
}

/// `package.json`: its package, unless it says that it is not to be published.
fn package(path: &str, text: &str, triage: &TriageSettings) -> Option<Manifest> {
    let value: Value = serde_json::from_str(text).ok()?;
    let name = value.get("name").and_then(Value::as_str).map(|name| cut(name, NAME_CHARS));
    let needs = |table: &str| {
        let names = value.get(table).and_then(Value::as_object).into_iter().flat_map(|table| table.keys());
        names.into_iter().any(|name| triage.npm_sdks.contains(name))
    };
    let mut signs = Vec::new();
    if needs("dependencies") {
        signs.push(Sign::SdkDependency);
    }
    let has_program = match value.get("bin") {
        Some(Value::String(path)) => !path.is_empty(),
        Some(Value::Object(programs)) => !programs.is_empty(),
        _ => false,
    };
    signs.extend(has_program.then_some(Sign::Executable));
    let mcp_name = value.get("mcpName").and_then(Value::as_str).filter(|name| !name.trim().is_empty());
    let private = value.get("private").is_some_and(|said| *said == Value::Bool(true) || *said == "true");
    let key = name.as_deref().and_then(|name| ServerKey::npm(name).ok()).filter(|_| !private);
    let facts = json!({
        "ecosystem": "npm", "name": name, "private": private,
        "mcp_name": mcp_name.map(|name| cut(name, NAME_CHARS)),
    });
    Some(Manifest {
        path: path.to_owned(),
        facts,
        names: key.into_iter().map(|key| (key.to_string(), None)).collect(),
        signs,
    })
}

/// `pyproject.toml`: its project, unless it is marked as not to be uploaded.
fn project(path: &str, text: &str, triage: &TriageSettings) -> Option<Manifest> {
    let value: toml::Table = toml::from_str(text).ok()?;
    let project = value.get("project").and_then(toml::Value::as_table);
    let poetry = value.get("tool").and_then(|tool| tool.get("poetry")).and_then(toml::Value::as_table);
    let of = |key: &str| project.and_then(|p| p.get(key)).or_else(|| poetry.and_then(|p| p.get(key)));
    let name = of("name").and_then(toml::Value::as_str).map(|name| cut(name, NAME_CHARS));
    let mut needs: Vec<String> = Vec::new();
    match of("dependencies") {
        Some(toml::Value::Array(list)) => {
            let bare = |text: &str| {
                text.trim()
                    .split(|c: char| !(c.is_ascii_alphanumeric() || "._-".contains(c)))
                    .next()
                    .map(str::to_owned)
            };
            needs.extend(list.iter().filter_map(toml::Value::as_str).filter_map(bare));
        }
        Some(toml::Value::Table(table)) => needs.extend(table.keys().cloned()),
        _ => {}
    }
    let is_sdk = |name: &String| {
        ServerKey::pypi(name).is_ok_and(|key| triage.pypi_sdks.iter().any(|sdk| sdk == key.name()))
    };
    let mut signs = Vec::new();
    signs.extend(needs.iter().any(is_sdk).then_some(Sign::SdkDependency));
    let scripts = of("scripts").and_then(toml::Value::as_table).is_some_and(|table| !table.is_empty());
    signs.extend(scripts.then_some(Sign::Executable));
    let classifiers = of("classifiers").and_then(toml::Value::as_array).into_iter().flatten();
    let private = classifiers.filter_map(toml::Value::as_str).any(|said| said.starts_with("Private ::"));
    let key = name.as_deref().and_then(|name| ServerKey::pypi(name).ok()).filter(|_| !private);
    let facts = json!({"ecosystem": "pypi", "name": name, "private": private});
    Some(Manifest {
        path: path.to_owned(),
        facts,
        names: key.into_iter().map(|key| (key.to_string(), None)).collect(),
        signs,
    })
}

#[cfg(test)]
mod tests {
    use super::super::super::settings::embedded;
    use super::*;

    fn read(path: &str, text: &str) -> Option<(Vec<String>, Vec<Sign>, Value)> {
        let texts = BTreeMap::from([(path.to_owned(), text.to_owned())]);
        let manifest = read_all(&texts, &embedded().triage).pop()?;
        let keys = manifest.names.into_iter().map(|(key, _)| key).collect();
        Some((keys, manifest.signs, manifest.facts))
    }

    #[test]
    fn each_manifest_names_what_it_names() {
        let (keys, signs, _) = read(
            "server.json",
            r#"{"name":"io.github.ann/pear","packages":[{"registryType":"npm","identifier":"pear-mcp"}],
               "remotes":[{"type":"streamable-http","url":"https://pear.example/mcp"}]}"#,
        )
        .unwrap();
        assert_eq!(keys, ["npm:pear-mcp", "remote:https://pear.example/mcp"]);
        assert_eq!(signs, [Sign::ServerManifest], "only the registry itself can say that it lists it");
        let (keys, signs, facts) = read(
            "pyproject.toml",
            "[project]\nname = \"Pear_MCP\"\ndependencies = [\"FastMCP>=2\"]\n[project.scripts]\npear = \"p:main\"\n",
        )
        .unwrap();
        assert_eq!(
            (keys, signs),
            (vec!["pypi:pear-mcp".to_owned()], vec![Sign::SdkDependency, Sign::Executable])
        );
        assert_eq!(facts["name"], "Pear_MCP");
        let poetry =
            "[tool.poetry]\nname = \"pear\"\n[tool.poetry.dependencies]\npython = \"^3.11\"\nmcp = \"^1\"\n";
        assert_eq!(read("pyproject.toml", poetry).unwrap().1, [Sign::SdkDependency]);
    }

    #[test]
    fn what_is_not_published_or_not_ours_names_nothing() {
        let private = "[project]\nname = \"pear\"\nclassifiers = [\"Private :: Do Not Upload\"]\n";
        assert!(read("pyproject.toml", private).unwrap().0.is_empty());
        assert!(read("package.json", r#"{"name":"pear","private":true}"#).unwrap().0.is_empty());
        assert!(read("package.json", r#"{"name":"../pear"}"#).unwrap().0.is_empty());
        assert!(read("server.json", r#"{"port":80}"#).is_none());
        assert!(read("package.json", "[").is_none() && read("pyproject.toml", "=").is_none());
        assert_eq!(read("smithery.yaml", "x").unwrap().1, [Sign::ServerManifest]);
    }
}
