//! Asks the user's npm registry or Python index about one package: which release is meant, and what it says of itself.
//!
//! No registry's host is written anywhere in this program: [`learn`] has it from the user's own clients.

pub mod github;
pub mod learn;
mod npm;
mod pypi;

use jiff::Timestamp;
use thiserror::Error;
use url::Url;

pub use github::Github;
pub use learn::{Configured, Learnt, Sources};

use crate::http::{Client, HttpError};
use crate::model::{Registry, Release, ReleaseFacts, ServerKey, Untrusted};

pub(crate) use npm::file_address as npm_file_address;
pub(crate) use pypi::file_address as pypi_file_address;

/// What a registry says about one release.
#[derive(Debug, Clone, PartialEq)]
pub struct ReleaseFound {
    /// The exact release.
    pub release: Release,
    /// When it was published, if the registry says so.
    pub published_at: Option<Timestamp>,
    /// One line about it.
    pub description: Option<Untrusted>,
    /// Its source, `https://` only, as a plain address (`git+`, `.git` and user removed).
    pub repository: Option<Url>,
    /// The folder of the repository it lies in (npm's `repository.directory`).
    pub repository_folder: Option<Untrusted>,
    /// Its home page, `https://` only.
    pub homepage: Option<Url>,
    /// Its licence as it names it.
    pub licence: Option<Untrusted>,
    /// The names it claims in the official MCP registry (npm `mcpName`, PyPI `mcp-name:` in the description).
    pub mcp_names: Vec<Untrusted>,
    /// PyPI: which Pythons it wants, a PEP 440 specifier.
    pub requires_python: Option<String>,
    /// npm: which Nodes it wants, a range.
    pub engines_node: Option<String>,
    /// npm: the names of its programs, in order.
    pub bins: Vec<Untrusted>,
    /// Why people should no longer use it (npm `deprecated`, PyPI yanked), in its publisher's words.
    pub withdrawn: Option<Untrusted>,
}

/// What an installed Python package's own `METADATA` says: some mirrors offer none beside the files.
pub fn facts_of_metadata(text: &str) -> ReleaseFacts {
    let found = pypi::metadata::read(text);
    ReleaseFacts {
        published_at: None,
        title: None,
        description: found.summary,
        repository: found.repository.map(|u| u.to_string()),
        homepage: found.homepage.map(|u| u.to_string()),
        licence: found.licence,
        ..ReleaseFacts::default()
    }
}

/// Why there is no release to install.
#[derive(Debug, Error)]
pub enum FindError {
    /// The registry does not know the name.
    #[error("{0}: the registry has no such package; check the spelling")]
    NoSuchPackage(ServerKey),
    /// It knows the name and not the version.
    #[error("{server}: there is no version {version}{}", newest.as_ref().map(|n| format!("; the newest is {n}")).unwrap_or_default())]
    NoSuchVersion {
        /// The package.
        server: ServerKey,
        /// The version asked for.
        version: String,
        /// The version an unversioned target would mean.
        newest: Option<String>,
    },
    /// There is a release, and it cannot be installed here as published.
    #[error("{release} cannot be installed: {why}")]
    NotInstallable {
        /// The package, with a version if one was chosen.
        release: String,
        /// The reason.
        why: String,
    },
    /// It is not known which registry to ask.
    #[error("no {registry} registry is known: {next_step}")]
    NoRegistry {
        /// `npm` or `Python package`.
        registry: &'static str,
        /// What to do.
        next_step: &'static str,
    },
    /// The server is no package of a registry.
    #[error("{0} is no package of a registry")]
    NoPackage(ServerKey),
    /// The exchange failed.
    #[error(transparent)]
    Http(#[from] HttpError),
}

/// Finds the release a target means: the exact version, or the newest one that is no pre-release.
///
/// One request for npm, two for PyPI; nothing is kept between calls.
///
/// # Errors
/// [`FindError`] by kind; only `Http` and `NoRegistry` say nothing of the package.
pub async fn find_release(
    client: &Client,
    sources: &Sources,
    server: &ServerKey,
    version: Option<&str>,
) -> Result<ReleaseFound, FindError> {
    match server.registry() {
        Registry::Npm => npm::find(client, npm_base(sources)?, server, version).await,
        Registry::Pypi => pypi::find(client, pypi_base(sources)?, server, version).await,
        Registry::Github | Registry::Remote | Registry::Local => Err(FindError::NoPackage(server.clone())),
    }
}

pub(crate) fn npm_base(sources: &Sources) -> Result<&Url, FindError> {
    sources.npm.as_ref().ok_or(FindError::NoRegistry {
        registry: "npm",
        next_step: "install npm, set npm_config_registry, or write into catalogue.toml: registries.npm = \"https://…/\"",
    })
}

pub(crate) fn pypi_base(sources: &Sources) -> Result<&Url, FindError> {
    sources.pypi.as_ref().ok_or(FindError::NoRegistry {
        registry: "Python package",
        next_step: "install pip or uv, set UV_DEFAULT_INDEX, or write into catalogue.toml: registries.pypi = \"https://…/simple/\"",
    })
}

/// `base` with one more path segment, percent-encoded, and a slash at the end if `folder`.
fn below(base: &Url, segment: &str, folder: bool) -> Url {
    let mut url = base.clone();
    if let Ok(mut path) = url.path_segments_mut() {
        path.pop_if_empty().push(segment);
        if folder {
            path.push("");
        }
    }
    url
}

/// A link of an index page, with the index's own user and password if it stays on its host.
fn linked(page: &Url, base: &Url, link: &str) -> Option<Url> {
    let mut url = page.join(link).ok().filter(|u| matches!(u.scheme(), "http" | "https"))?;
    if url.origin() == base.origin() && url.username().is_empty() {
        url.set_username(base.username()).ok()?;
        url.set_password(base.password()).ok()?;
    }
    Some(url)
}

/// A repository or home page as a plain `https://` address, or none: nothing else is ever linked.
fn https_address(text: &str) -> Option<Url> {
    let text = text.trim();
    let text = text.strip_prefix("git+").unwrap_or(text);
    let owned;
    let text = if let Some(rest) = text.strip_prefix("github:") {
        owned = format!("https://github.com/{rest}");
        &owned
    } else if let Some(rest) = text.strip_prefix("git@").or_else(|| text.strip_prefix("ssh://git@")) {
        owned = format!("https://{}", rest.replacen(':', "/", 1));
        &owned
    } else if let Some(rest) = text.strip_prefix("git://").or_else(|| text.strip_prefix("http://")) {
        owned = format!("https://{rest}");
        &owned
    } else if text.split('/').count() == 2 && !text.contains(':') {
        // npm's short form: owner/name is a GitHub repository.
        owned = format!("https://github.com/{text}");
        &owned
    } else {
        text
    };
    let mut url = Url::parse(text).ok().filter(|u| u.scheme() == "https" && u.host_str().is_some())?;
    url.set_username("").ok()?;
    url.set_password(None).ok()?;
    let path = url.path().trim_end_matches('/').trim_end_matches(".git").to_owned();
    url.set_path(&path);
    Some(url)
}

fn said(text: Option<&str>) -> Option<Untrusted> {
    text.map(Untrusted::from).filter(|t| !t.is_blank() && t.raw() != "UNKNOWN")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repository_is_linked_as_plain_https_or_not_at_all() {
        for (text, expected) in [
            ("git+https://code.example/a/b.git", Some("https://code.example/a/b")),
            ("git+ssh://git@code.example/a/b.git", Some("https://code.example/a/b")),
            ("ssh://git@code.example/a/b.git", Some("https://code.example/a/b")),
            ("git@code.example:a/b.git", Some("https://code.example/a/b")),
            ("git://code.example/a/b", Some("https://code.example/a/b")),
            ("https://me:pw@code.example/a/b/", Some("https://code.example/a/b")),
            ("https://code.example/a/b#readme", Some("https://code.example/a/b#readme")),
            ("javascript:alert(1)", None),
            ("file:///etc/passwd", None),
            ("", None),
        ] {
            assert_eq!(https_address(text).map(String::from).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn names_are_one_encoded_segment_below_the_registry() {
        let base = Url::parse("https://r.example/npm/").unwrap();
        assert_eq!(below(&base, "@a/b", false).as_str(), "https://r.example/npm/@a%2Fb");
        let base = Url::parse("https://r.example/simple").unwrap();
        assert_eq!(below(&base, "a-b", true).as_str(), "https://r.example/simple/a-b/");
    }

    #[test]
    fn an_index_s_password_stays_on_its_host() {
        let base = Url::parse("https://me:pw@r.example/simple/").unwrap();
        let page = Url::parse("https://r.example/simple/x/").unwrap();
        let to = |link: &str| linked(&page, &base, link).map(String::from);
        assert_eq!(to("../../f/x.whl").as_deref(), Some("https://me:pw@r.example/f/x.whl"));
        assert_eq!(to("https://files.example/x.whl").as_deref(), Some("https://files.example/x.whl"));
        assert_eq!(to("file:///x.whl"), None);
    }
}
