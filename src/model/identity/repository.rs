//! A repository as somebody names it: any of the spellings that manifests have, normalised.

use serde::{Deserialize, Serialize};
use url::Url;

use super::Node;

/// Longest address that is read.
const ADDRESS_CHARS: usize = 500;
/// Shorthands of npm's manifests.
const SHORTHANDS: [(&str, &str); 3] =
    [("github", "github.com"), ("gitlab", "gitlab.com"), ("bitbucket", "bitbucket.org")];

/// Where somebody says that some source is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct RepositoryClaim {
    /// The forge's host, without `www.`.
    pub forge: String,
    /// Owner and name, in lower case, without `.git`; on a forge with groups as many segments as it has.
    pub path: String,
    /// The folder in it, empty for its root.
    #[serde(default)]
    pub folder: String,
    /// The forge's number of it, where stated.
    #[serde(default)]
    pub id: Option<u64>,
}

impl RepositoryClaim {
    /// Reads an address (`https`, `git+ssh`, `git@host:a/b`, `github:a/b`, `a/b`), with the folder that is named beside it
    /// or in it (`/tree/main/folder`). None for what is no repository's address.
    pub fn read(address: &str, folder: Option<&str>) -> Option<Self> {
        let address = address.trim();
        if address.is_empty() || address.chars().count() > ADDRESS_CHARS {
            return None;
        }
        let url = as_url(address)?;
        let host = url.host_str()?.to_ascii_lowercase();
        let forge = host.strip_prefix("www.").unwrap_or(&host).to_owned();
        let segments: Vec<&str> = url.path_segments()?.filter(|part| !part.is_empty()).collect();
        let tree = segments.iter().position(|part| matches!(*part, "tree" | "blob" | "src" | "-"));
        let own = match forge.as_str() {
            "github.com" | "bitbucket.org" | "codeberg.org" => 2,
            _ => tree.filter(|at| *at >= 2).unwrap_or(segments.len()),
        };
        let names: Vec<String> = segments.iter().take(own).map(|part| part.to_ascii_lowercase()).collect();
        if names.len() < 2 {
            return None;
        }
        let joined = names.join("/");
        let path = joined.strip_suffix(".git").unwrap_or(&joined).to_owned();
        let legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '/' | '~');
        if !path.chars().all(legal) || path.split('/').any(|part| matches!(part, "" | "." | "..")) {
            return None;
        }
        let inside = inside(segments.get(own..).unwrap_or_default());
        let folder = folder.map(clean_folder).filter(|folder| !folder.is_empty()).unwrap_or(inside);
        Some(Self { forge, path, folder, id: None })
    }

    /// The same with the forge's number, where that is one.
    pub fn with_id(mut self, id: Option<u64>) -> Self {
        self.id = id;
        self
    }

    /// The whole repository: host and path.
    pub fn repository(&self) -> (String, String) {
        (self.forge.clone(), self.path.clone())
    }

    /// The place as a node: the repository, or the folder of it.
    pub fn node(&self) -> Node {
        place_node(&self.forge, &self.path, &self.folder)
    }
}

/// A place of a repository as a node.
pub fn place_node(forge: &str, path: &str, folder: &str) -> Node {
    match (forge, folder) {
        ("github.com", "") => format!("github:{path}"),
        ("github.com", folder) => format!("github:{path}/{folder}"),
        (forge, "") => format!("repo:{forge}/{path}"),
        (forge, folder) => format!("repo:{forge}/{path}#{folder}"),
    }
}

/// A folder without what means nothing; empty for the root and for what leads out of it.
pub fn clean_folder(folder: &str) -> String {
    let parts: Vec<&str> = folder.split('/').filter(|part| !matches!(*part, "" | ".")).collect();
    if parts.contains(&"..") || folder.chars().count() > ADDRESS_CHARS {
        return String::new();
    }
    parts.join("/")
}

fn as_url(address: &str) -> Option<Url> {
    let address = address.strip_prefix("git+").unwrap_or(address);
    if let Some((short, path)) = address.split_once(':')
        && let Some((_, host)) = SHORTHANDS.iter().find(|(known, _)| *known == short)
    {
        return Url::parse(&format!("https://{host}/{path}")).ok();
    }
    if let Some((user, rest)) = address.split_once('@')
        && !user.contains('/')
        && let Some((host, path)) = rest.split_once(':')
        && !host.contains('/')
    {
        return Url::parse(&format!("https://{host}/{path}")).ok();
    }
    if let Ok(url) = Url::parse(address) {
        let is_one = matches!(url.scheme(), "http" | "https" | "git" | "ssh" | "git+ssh");
        // Schemes that the URL standard does not know keep an opaque host: read it as https.
        let text = address.split_once("://").map(|(_, rest)| format!("https://{rest}"));
        return text.filter(|_| is_one).and_then(|text| Url::parse(&text).ok());
    }
    let segments: Vec<&str> = address.split('/').collect();
    match segments.as_slice() {
        [first, _, _, ..] if first.contains('.') => Url::parse(&format!("https://{address}")).ok(),
        [owner, name] if !owner.is_empty() && !name.is_empty() && !owner.contains([' ', '.', '@']) => {
            Url::parse(&format!("https://github.com/{owner}/{name}")).ok()
        }
        _ => None,
    }
}

/// The folder behind `tree/BRANCH/`, `blob/BRANCH/` (the file's folder) and their like.
fn inside(rest: &[&str]) -> String {
    let rest = rest.strip_prefix(&["-"]).unwrap_or(rest);
    match rest {
        ["tree" | "src", _branch, folder @ ..] => clean_folder(&folder.join("/")),
        ["blob", _branch, folder @ .., _file] => clean_folder(&folder.join("/")),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_of_one_repository_is_one() {
        for address in [
            "https://github.com/Ann/Notes",
            "git+https://github.com/ann/notes.git",
            "git://github.com/ann/notes.git#main",
            "git@github.com:ann/notes.git",
            "git+ssh://git@github.com/ann/notes.git",
            "ssh://git@github.com/ann/notes",
            "github:ann/notes",
            "ann/notes",
            "http://www.github.com/ann/notes/?tab=readme#readme",
            "https://github.com/ann/notes/issues",
            "github.com/ann/notes",
        ] {
            let claim = RepositoryClaim::read(address, None).unwrap_or_else(|| panic!("{address}"));
            assert_eq!(claim.node(), "github:ann/notes", "{address}");
        }
    }

    #[test]
    fn a_folder_is_read_from_the_address_or_from_beside_it() {
        let of = |address: &str, folder| RepositoryClaim::read(address, folder).map(|claim| claim.node());
        let tree = "https://github.com/ann/mono/tree/main/src/git";
        assert_eq!(of(tree, None).as_deref(), Some("github:ann/mono/src/git"));
        assert_eq!(of("ann/mono", Some("./pkgs/a/")).as_deref(), Some("github:ann/mono/pkgs/a"));
        assert_eq!(of("ann/mono", Some("../x")).as_deref(), Some("github:ann/mono"));
        let group = "https://gitlab.com/a/b/c/-/tree/main/d";
        assert_eq!(of(group, None).as_deref(), Some("repo:gitlab.com/a/b/c#d"));
    }

    #[test]
    fn what_is_no_repository_is_none() {
        for address in [
            "",
            "https://github.com/ann",
            "https://h.example/",
            "file:///a/b",
            "x",
            "javascript:a/b",
            "a b/c",
        ] {
            assert_eq!(RepositoryClaim::read(address, None), None, "{address}");
        }
    }
}
