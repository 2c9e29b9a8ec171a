//! Folders of a repository that its manifests name as parts of one workspace: each may be a server of its own.
//!
//! `workspaces` of `package.json`, `[tool.uv.workspace]` of `pyproject.toml` and `repository.subfolder` of `server.json` say where to
//! look. Patterns are resolved against the folders at HEAD, then the manifests in them are read. Source: npm, "workspaces";
//! uv, "Workspaces"; modelcontextprotocol/registry, server.json.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::Ask;
use super::refresh::{Fresh, MANIFEST_BYTES, asked};
use super::repository::Repository;
use crate::http::HttpError;
use crate::model::identity::repository::clean_folder;

/// Places of repositories in one question.
const AT_ONCE: usize = 60;
/// Patterns of one repository.
const PATTERNS: usize = 20;
/// What is looked for in a folder.
const FILES: [&str; 3] = ["server.json", "package.json", "pyproject.toml"];

/// A pattern of folders: what comes before its first wildcard, the part with it, and what follows.
#[derive(Debug, PartialEq, Eq)]
struct Pattern {
    parent: String,
    part: String,
    rest: String,
}

/// Adds the manifests in the folders that workspaces name to what is known of each repository.
pub(super) async fn read(
    ask: &Ask<'_>,
    repositories: &[Repository],
    fresh: &mut BTreeMap<String, Fresh>,
) -> Result<(), HttpError> {
    let mut folders: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut trees: Vec<(String, Pattern)> = Vec::new();
    // A fork's manifests are its parent's.
    for id in repositories.iter().filter(|one| !one.fork).map(|one| &one.node_id) {
        let Some(known) = fresh.get(id) else { continue };
        for pattern in patterns(&known.manifests) {
            match parsed(&pattern) {
                Some(pattern) => trees.push((id.clone(), pattern)),
                None => drop(folders.entry(id.clone()).or_default().insert(clean_folder(&pattern))),
            }
        }
    }
    let places: Vec<(String, String)> =
        trees.iter().map(|(id, pattern)| (id.clone(), format!("HEAD:{}", pattern.parent))).collect();
    let excluded: BTreeMap<&String, BTreeSet<String>> =
        fresh.iter().map(|(id, known)| (id, excluded(&known.manifests))).collect();
    for ((id, pattern), object) in trees.iter().zip(objects(ask, &places).await?) {
        let entries = object.get("entries").and_then(Value::as_array).into_iter().flatten();
        let names = entries.filter(|one| one["type"] == "tree").filter_map(|one| one["name"].as_str());
        let found = names.filter(|name| matches(&pattern.part, name)).map(|name| pattern.at(name));
        let left_out = excluded.get(id);
        let found =
            found.filter(|folder| left_out.is_none_or(|all| !all.iter().any(|one| covers(one, folder))));
        folders.entry(id.clone()).or_default().extend(found);
    }
    let most = ask.settings.github.max_folders as usize;
    let mut wanted: Vec<(String, String)> = Vec::new();
    for (id, all) in &folders {
        for folder in all.iter().filter(|folder| !folder.is_empty()).take(most) {
            wanted.extend(FILES.iter().map(|file| (id.clone(), format!("{folder}/{file}"))));
        }
    }
    let places: Vec<(String, String)> =
        wanted.iter().map(|(id, path)| (id.clone(), format!("HEAD:{path}"))).collect();
    for ((id, path), object) in wanted.into_iter().zip(objects(ask, &places).await?) {
        let text = object.get("text").and_then(Value::as_str).filter(|text| text.len() <= MANIFEST_BYTES);
        if let (Some(text), Some(known)) = (text, fresh.get_mut(&id)) {
            known.manifests.entry(path).or_insert_with(|| text.to_owned());
        }
    }
    Ok(())
}

/// What is at these places, in their order: a repository's node id, and an expression like `HEAD:folder`. Null where nothing is.
async fn objects(ask: &Ask<'_>, places: &[(String, String)]) -> Result<Vec<Value>, HttpError> {
    let mut all = Vec::new();
    for some in places.chunks(AT_ONCE) {
        let (mut heads, mut parts, mut variables) = (Vec::new(), Vec::new(), Map::new());
        for (at, (id, expression)) in some.iter().enumerate() {
            heads.push(format!("$i{at}: ID!, $e{at}: String!"));
            parts.push(format!(
                "q{at}: node(id: $i{at}) {{ ... on Repository {{ object(expression: $e{at}) {{ \
                 ... on Tree {{ entries {{ name type }} }} ... on Blob {{ text }} }} }} }}"
            ));
            variables.insert(format!("i{at}"), json!(id));
            variables.insert(format!("e{at}"), json!(expression));
        }
        let query = format!("query({}) {{ {} }}", heads.join(", "), parts.join(" "));
        let data =
            asked(ask, &json!({"query": query, "variables": variables}), |data| data.is_object()).await;
        match data {
            Ok(mut data) => all.extend((0..some.len()).map(|at| data[format!("q{at}")]["object"].take())),
            // What is too much to answer is left out: the repository is still known by its own manifests.
            Err(HttpError::TooLarge { .. }) => all.extend(some.iter().map(|_| Value::Null)),
            Err(error) => return Err(error),
        }
    }
    Ok(all)
}

/// The folders that manifests at the root name, as they are written.
fn patterns(manifests: &BTreeMap<String, String>) -> BTreeSet<String> {
    let mut found: Vec<String> = Vec::new();
    if let Some(value) = json_of(manifests, "package.json") {
        let said = value.get("workspaces");
        let list = said.and_then(|said| said.get("packages")).or(said).and_then(Value::as_array);
        found.extend(list.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned));
    }
    found.extend(uv(manifests, "members"));
    if let Some(value) = json_of(manifests, "server.json") {
        found.extend(value.pointer("/repository/subfolder").and_then(Value::as_str).map(str::to_owned));
    }
    let legal = |text: &String| !text.starts_with('!') && text.chars().count() <= 200 && !text.contains("..");
    let clean = found.iter().filter(|text| legal(text)).map(|text| text.trim_start_matches("./"));
    clean
        .map(|text| text.trim_matches('/').to_owned())
        .filter(|text| !text.is_empty())
        .take(PATTERNS)
        .collect()
}

/// What they leave out again.
fn excluded(manifests: &BTreeMap<String, String>) -> BTreeSet<String> {
    let mut found: BTreeSet<String> = uv(manifests, "exclude").into_iter().collect();
    if let Some(value) = json_of(manifests, "package.json") {
        let said = value.get("workspaces");
        let list = said.and_then(|said| said.get("packages")).or(said).and_then(Value::as_array);
        let not = list.into_iter().flatten().filter_map(|one| one.as_str()?.strip_prefix('!'));
        found.extend(not.map(str::to_owned));
    }
    found
        .iter()
        .map(|text| text.trim_start_matches("./").trim_matches('/').to_owned())
        .take(PATTERNS)
        .collect()
}

fn json_of(manifests: &BTreeMap<String, String>, path: &str) -> Option<Value> {
    serde_json::from_str(manifests.get(path)?).ok()
}

fn uv(manifests: &BTreeMap<String, String>, key: &str) -> Vec<String> {
    let table = manifests.get("pyproject.toml").and_then(|text| text.parse::<toml::Table>().ok());
    let list = || table.as_ref()?.get("tool")?.get("uv")?.get("workspace")?.get(key)?.as_array();
    list().into_iter().flatten().filter_map(toml::Value::as_str).map(str::to_owned).collect()
}

/// None for a pattern without a wildcard: that is a folder.
fn parsed(pattern: &str) -> Option<Pattern> {
    let parts: Vec<&str> = pattern.split('/').collect();
    let at = parts.iter().position(|part| part.contains(['*', '?']))?;
    let join = |parts: &[&str]| parts.join("/");
    let (before, after) = (parts.get(..at)?, parts.get(at + 1..)?);
    // A second wildcard is taken for the folder itself: `packages/**` and `packages/*/**` are folders below `packages`.
    let rest: Vec<&str> = after.iter().copied().take_while(|part| !part.contains(['*', '?'])).collect();
    Some(Pattern { parent: join(before), part: (*parts.get(at)?).to_owned(), rest: join(&rest) })
}

impl Pattern {
    fn at(&self, name: &str) -> String {
        let parts = [self.parent.as_str(), name, self.rest.as_str()];
        clean_folder(&parts.iter().filter(|part| !part.is_empty()).copied().collect::<Vec<_>>().join("/"))
    }
}

/// True if a pattern, or a folder above it, names this folder.
fn covers(pattern: &str, folder: &str) -> bool {
    let (mut pattern, mut folder) = (pattern.split('/'), folder.split('/'));
    pattern.all(|part| folder.next().is_some_and(|name| matches(part, name)))
}

/// One name by one part of a pattern: `*` is anything, `?` one character. Names that begin with a dot are nobody's servers.
fn matches(part: &str, name: &str) -> bool {
    if name.starts_with('.') && !part.starts_with('.') {
        return false;
    }
    let (part, name): (Vec<char>, Vec<char>) = (part.chars().collect(), name.chars().collect());
    // Where the last `*` stood, and how much of the name it has taken so far.
    let (mut at, mut seen, mut star) = (0, 0, None);
    while seen < name.len() {
        match part.get(at) {
            Some('*') => {
                star = Some((at, seen));
                at += 1;
            }
            Some(c) if *c == '?' || Some(c) == name.get(seen) => (at, seen) = (at + 1, seen + 1),
            _ => match star {
                Some((place, taken)) => {
                    (at, seen) = (place + 1, taken + 1);
                    star = Some((place, taken + 1));
                }
                None => return false,
            },
        }
    }
    part.iter().skip(at).all(|c| *c == '*')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(files: &[(&str, &str)]) -> BTreeMap<String, String> {
        files.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect()
    }

    #[test]
    fn every_manifest_names_folders_in_its_own_way() {
        let manifests = all(&[
            (
                "package.json",
                r#"{"workspaces":{"packages":["packages/*","./tools/one/","!packages/old","../x"]}}"#,
            ),
            (
                "pyproject.toml",
                "[tool.uv.workspace]\nmembers = [\"src/*-mcp-server\"]\nexclude = [\"src/core*\"]\n",
            ),
            ("server.json", r#"{"name":"a/b","repository":{"subfolder":"pkgs/notes"}}"#),
        ]);
        let found: Vec<String> = patterns(&manifests).into_iter().collect();
        assert_eq!(found, ["packages/*", "pkgs/notes", "src/*-mcp-server", "tools/one"]);
        assert_eq!(excluded(&manifests).into_iter().collect::<Vec<_>>(), ["packages/old", "src/core*"]);
        for none in ["{}", "[", r#"{"workspaces":7}"#] {
            assert!(patterns(&all(&[("package.json", none)])).is_empty(), "{none}");
        }
    }

    #[test]
    fn a_pattern_is_a_folder_to_list_and_names_in_it() {
        let of = |text: &str| parsed(text).map(|p| (p.parent.clone(), p.part.clone(), p.at("x")));
        let is =
            |parent: &str, part: &str, at: &str| Some((parent.to_owned(), part.to_owned(), at.to_owned()));
        assert_eq!(of("packages/*"), is("packages", "*", "packages/x"));
        assert_eq!(of("*"), is("", "*", "x"));
        assert_eq!(of("a/*/server"), is("a", "*", "a/x/server"));
        assert_eq!(of("a/**"), is("a", "**", "a/x"));
        assert_eq!(of("a/b"), None);
    }

    #[test]
    fn wildcards_take_what_they_stand_for() {
        for (part, name, expected) in [
            ("*", "x", true),
            ("*-mcp-server", "eks-mcp-server", true),
            ("*-mcp-server", "eks-mcp-servers", false),
            ("a*b*c", "aXbYbZc", true),
            ("a?", "ab", true),
            ("a?", "a", false),
            ("*", ".git", false),
            ("**", "x", true),
            ("x", "y", false),
        ] {
            assert_eq!(matches(part, name), expected, "{part} {name}");
        }
        assert!(covers("src/core*", "src/core-lib") && covers("src", "src/a") && !covers("src/a/b", "src/a"));
    }
}
