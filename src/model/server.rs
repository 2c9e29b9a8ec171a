//! Who a server is. Its key never changes and is what people type, store and link.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;
use url::Url;

/// Where a server's name has its meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Registry {
    /// A package of the user's npm registry.
    Npm,
    /// A project of the user's Python package index.
    Pypi,
    /// A repository, or a folder of one, that is no package.
    Github,
    /// A server reached over HTTP.
    Remote,
    /// A command of the user's own.
    Local,
}

impl Registry {
    /// Every registry, in the order in which lists show them.
    pub const ALL: [Registry; 5] =
        [Registry::Npm, Registry::Pypi, Registry::Github, Registry::Remote, Registry::Local];

    /// The one spelling that is stored and published.
    pub fn as_str(self) -> &'static str {
        match self {
            Registry::Npm => "npm",
            Registry::Pypi => "pypi",
            Registry::Github => "github",
            Registry::Remote => "remote",
            Registry::Local => "local",
        }
    }
}

/// Why a text is no server key.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum ServerKeyError {
    /// No known prefix.
    #[error(
        "\"{0}\" is no server key; use npm:NAME, pypi:NAME, github:OWNER/REPO, remote:SCHEME://HOST/PATH or local:NAME"
    )]
    UnknownForm(String),
    /// The name breaks the registry's own grammar.
    #[error("\"{name}\" is no {registry} name: {why}")]
    BadName {
        /// `npm`, `pypi`, `github`, `remote` or `local`.
        registry: &'static str,
        /// The name as given.
        name: String,
        /// The rule it breaks.
        why: &'static str,
    },
}

/// The permanent name of a server: `npm:@scope/name`, `pypi:name` (PEP 503 normalised), `github:owner/repo[/folder]`,
/// `remote:https://host/path` (no query, no user) or `local:name`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ServerKey {
    registry: Registry,
    name: String,
}

impl ServerKey {
    /// A key from an npm package name, in the registry's own spelling.
    ///
    /// # Errors
    /// A name that npm would not accept (`validate-npm-package-name`: length, leading dot, characters, scope form).
    pub fn npm(name: &str) -> Result<Self, ServerKeyError> {
        let bad = |why| ServerKeyError::BadName { registry: "npm", name: name.to_owned(), why };
        if name.is_empty() || name.len() > 214 {
            return Err(bad("1 to 214 characters"));
        }
        let parts: Vec<&str> = match name.strip_prefix('@') {
            Some(rest) => rest.split('/').collect(),
            None => vec![name],
        };
        if name.starts_with('@') && parts.len() != 2 {
            return Err(bad("a scoped name is @scope/name"));
        }
        for part in parts {
            let legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '~');
            if part.is_empty() || part.starts_with('.') || part.starts_with('_') || !part.chars().all(legal) {
                return Err(bad("letters, digits, - _ . ~, not starting with . or _"));
            }
        }
        Ok(Self { registry: Registry::Npm, name: name.to_owned() })
    }

    /// A key from a PyPI project name, normalised by PEP 503 (`My_Tool.x` becomes `my-tool-x`).
    ///
    /// # Errors
    /// A name outside `[A-Za-z0-9._-]` or not starting and ending with a letter or digit (PEP 508).
    pub fn pypi(name: &str) -> Result<Self, ServerKeyError> {
        let bad = |why| ServerKeyError::BadName { registry: "pypi", name: name.to_owned(), why };
        let ends = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
        if name.len() > 214 || !ends(name.chars().next()) || !ends(name.chars().next_back()) {
            return Err(bad("starts and ends with a letter or digit, at most 214 characters"));
        }
        if !name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.')) {
            return Err(bad("letters, digits, - _ ."));
        }
        let mut normal = String::new();
        for c in name.chars() {
            if matches!(c, '-' | '_' | '.') {
                if !normal.ends_with('-') {
                    normal.push('-');
                }
            } else {
                normal.push(c.to_ascii_lowercase());
            }
        }
        Ok(Self { registry: Registry::Pypi, name: normal })
    }

    /// A key from a remote server's address; its query, fragment, user and password are left out.
    ///
    /// # Errors
    /// Anything but `http` or `https` with a host.
    pub fn remote(address: &Url) -> Result<Self, ServerKeyError> {
        let bad = |why| ServerKeyError::BadName { registry: "remote", name: address.to_string(), why };
        if !matches!(address.scheme(), "http" | "https") {
            return Err(bad("http:// or https:// only"));
        }
        let host = address.host_str().ok_or_else(|| bad("an address needs a host"))?;
        let port = address.port().map(|p| format!(":{p}")).unwrap_or_default();
        Ok(Self {
            registry: Registry::Remote,
            name: format!("{}://{host}{port}{}", address.scheme(), address.path()),
        })
    }

    /// A key for a command of the user's own.
    ///
    /// # Errors
    /// A name outside 1 to 100 characters of `[A-Za-z0-9._-]`.
    pub fn local(name: &str) -> Result<Self, ServerKeyError> {
        let legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        if name.is_empty() || name.len() > 100 || !name.chars().all(legal) {
            return Err(ServerKeyError::BadName {
                registry: "local",
                name: name.to_owned(),
                why: "1 to 100 letters, digits, - _ .",
            });
        }
        Ok(Self { registry: Registry::Local, name: name.to_owned() })
    }

    /// A key for a repository, or a folder of one: `owner/repo[/folder]`. Owner and repository are in lower case: GitHub does
    /// not tell them apart by it. A folder keeps its own.
    ///
    /// # Errors
    /// Fewer than two segments, an empty or dotted segment, or a character outside `[A-Za-z0-9._-]`.
    pub fn github(path: &str) -> Result<Self, ServerKeyError> {
        let bad = |why| ServerKeyError::BadName { registry: "github", name: path.to_owned(), why };
        let segments: Vec<&str> = path.split('/').collect();
        if segments.len() < 2 || path.len() > 300 {
            return Err(bad("OWNER/REPO or OWNER/REPO/SUBFOLDER"));
        }
        for segment in segments {
            let legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
            if segment.is_empty() || segment == "." || segment == ".." || !segment.chars().all(legal) {
                return Err(bad("segments of letters, digits, - _ ."));
            }
        }
        let mut segments: Vec<String> = path.split('/').map(str::to_owned).collect();
        segments.iter_mut().take(2).for_each(|segment| segment.make_ascii_lowercase());
        Ok(Self { registry: Registry::Github, name: segments.join("/") })
    }

    /// Where the name has its meaning.
    pub fn registry(&self) -> Registry {
        self.registry
    }

    /// The name without its prefix: a package name, an address, or the name the user chose.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The path of this server's pages below the site's root, without slashes at the ends: `servers/npm/@scope/name`.
    ///
    /// A scoped npm package is two segments; every segment is its own slug, an `@` in front of a scope is kept.
    pub fn site_path(&self) -> String {
        let segments: Vec<String> = match (self.registry, self.name.strip_prefix('@')) {
            (Registry::Npm, Some(scoped)) => {
                let (scope, name) = scoped.split_once('/').unwrap_or((scoped, ""));
                vec![format!("@{}", super::slug::slug(scope)), super::slug::slug(name)]
            }
            _ => vec![super::slug::slug(&self.name)],
        };
        format!("servers/{}/{}", self.registry.as_str(), segments.join("/"))
    }
}

impl fmt::Display for ServerKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.registry.as_str(), self.name)
    }
}

impl FromStr for ServerKey {
    type Err = ServerKeyError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let unknown = || ServerKeyError::UnknownForm(text.to_owned());
        match text.split_once(':').ok_or_else(unknown)? {
            ("npm", name) => Self::npm(name),
            ("pypi", name) => Self::pypi(name),
            ("github", path) => Self::github(path),
            ("local", name) => Self::local(name),
            ("remote", address) => {
                let address = Url::parse(address).map_err(|_| ServerKeyError::BadName {
                    registry: "remote",
                    name: address.to_owned(),
                    why: "not an address",
                })?;
                Self::remote(&address)
            }
            _ => Err(unknown()),
        }
    }
}

impl Serialize for ServerKey {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ServerKey {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_reads_back_as_it_prints() {
        for key in [
            "npm:@a/b-c",
            "npm:JSONStream",
            "pypi:my-tool",
            "github:o/r/sub",
            "remote:https://h.example/mcp",
            "local:x",
        ] {
            assert_eq!(key.parse::<ServerKey>().unwrap().to_string(), key);
        }
    }

    #[test]
    fn a_pypi_name_is_normalised_and_a_remote_loses_user_and_query() {
        assert_eq!("pypi:My_Tool..x".parse::<ServerKey>().unwrap().to_string(), "pypi:my-tool-x");
        assert_eq!("github:O/R/Sub".parse::<ServerKey>().unwrap().to_string(), "github:o/r/Sub");
        let key = "remote:https://u:p@h.example:444/mcp?key=1#f".parse::<ServerKey>().unwrap();
        assert_eq!(key.to_string(), "remote:https://h.example:444/mcp");
    }

    #[test]
    fn a_name_that_could_be_a_path_or_an_option_is_refused() {
        for key in [
            "npm:../x",
            "npm:@a",
            "npm:a b",
            "npm:",
            "pypi:-x",
            "pypi:a/b",
            "local:a/b",
            "github:a",
            "github:a/../b",
            "zzz",
            "remote:file:///etc",
        ] {
            assert!(key.parse::<ServerKey>().is_err(), "{key}");
        }
    }

    #[test]
    fn a_scoped_package_is_two_segments() {
        assert_eq!(ServerKey::npm("@a/b").unwrap().site_path(), "servers/npm/@a/b");
        assert_eq!(ServerKey::pypi("a-b").unwrap().site_path(), "servers/pypi/a-b");
    }
}
