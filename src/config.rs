//! What `catalogue.toml` says: where things lie, which registries, which bounds. Pure parsing; `cli` decides the rest.

pub mod limits;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use thiserror::Error;
use url::Url;

use crate::model::ReportAddress;
use limits::Limits;

/// The file's name, looked for in the current folder.
pub const FILE_NAME: &str = "catalogue.toml";

/// `catalogue.toml`. Every table and key may be left out; a key that is not known is an error with its place.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Files read from disk instead of the embedded ones, and where state lies.
    pub paths: Paths,
    /// Registries, where the user's own clients shall not be asked.
    pub registries: Registries,
    /// Lists of servers.
    pub sources: Sources,
    /// Bounds on what a server may answer.
    pub limits: Limits,
    /// Defaults of `catalogue scan`.
    pub scan: Scan,
    /// Defaults of `catalogue build`.
    pub site: Site,
}

/// Relative paths count from the folder of the file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Paths {
    /// State: database, toolchain, caches. Default `var` beside the file.
    pub var: Option<PathBuf>,
    /// The database. Default `catalogue.db` in `var`.
    pub db: Option<PathBuf>,
    /// Rules instead of the embedded ones.
    pub rules: Option<PathBuf>,
    /// Templates instead of the embedded ones.
    pub templates: Option<PathBuf>,
    /// Starter list, hints and stand-ins instead of the embedded ones.
    pub data: Option<PathBuf>,
    /// Static files and hand-written pages instead of the embedded ones.
    pub site: Option<PathBuf>,
    /// Where the site is written. Default `dist` in the current folder.
    pub out: Option<PathBuf>,
}

/// Base addresses.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Registries {
    /// The npm registry.
    pub npm: Option<Url>,
    /// The Python index, simple API.
    pub pypi: Option<Url>,
}

/// Lists of servers, where `data/sources.toml` shall not be gone by.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Sources {
    /// A page or mailbox of whoever runs this, named to every list that is walked.
    pub contact: Option<String>,
    /// The official MCP registry, or one that speaks its protocol.
    pub mcp: McpSource,
    /// npm.
    pub npm: NpmSource,
    /// The Docker catalogue.
    pub docker: DockerSource,
    /// GitHub.
    pub github: GithubSource,
    /// Registries of images.
    pub oci: OciSource,
}

/// `[sources.mcp]`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct McpSource {
    /// Its base address.
    pub address: Option<Url>,
}

/// `[sources.npm]`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct NpmSource {
    /// The feed of changes (`…/_changes`) of its replication service. Without it only its search is read.
    pub feed: Option<Url>,
}

/// `[sources.docker]`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DockerSource {
    /// A checkout of the registry's repository, or a tarball of it (`.tar.gz`). Goes before `address`.
    pub path: Option<PathBuf>,
    /// The address of a tarball of it.
    pub address: Option<Url>,
}

/// `[sources.github]`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct GithubSource {
    /// The base address of its API.
    pub address: Option<Url>,
    /// The variable of the environment that holds a token. Default: `GITHUB_TOKEN`, then `GH_TOKEN`.
    pub token_env: Option<String>,
}

/// `[sources.oci]`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct OciSource {
    /// Base addresses by the host that images are named after: a mirror, or a registry on this machine.
    pub registries: BTreeMap<String, Url>,
}

/// Defaults of `catalogue scan`; its options win.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Scan {
    /// Servers asked at once. Default: cores + 1 (research/live.md section 3).
    pub jobs: Option<usize>,
    /// Bound of kept installs, `10GiB`, `500MiB`.
    pub cache_max: Option<String>,
}

/// Defaults of `catalogue build`; its options win.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Site {
    /// Where the site will be served, for canonical addresses and the sitemap.
    pub base_url: Option<Url>,
    /// Where readers are asked to send reports: `https://…` or `mailto:…`.
    pub report: Option<ReportAddress>,
}

/// `catalogue.toml` cannot be used.
#[derive(Debug, Error)]
pub enum ConfigError {
    /// It cannot be read.
    #[error("cannot read {path}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// It is malformed; the message has line and column.
    #[error("{path}:{line}:{column}: {message}; mend the line, or take it out to use the default")]
    Malformed {
        /// The file.
        path: PathBuf,
        /// From 1.
        line: usize,
        /// From 1.
        column: usize,
        /// What is wrong.
        message: String,
    },
}

impl Config {
    /// Reads the file at `path`; relative paths in it count from its folder.
    ///
    /// # Errors
    /// [`ConfigError`].
    pub fn read(path: &Path) -> Result<Self, ConfigError> {
        let text = fs_err::read_to_string(path)
            .map_err(|source| ConfigError::Unreadable { path: path.to_owned(), source })?;
        let mut config = Self::parse(&text, path)?;
        let folder = path.parent().map(Path::to_owned).unwrap_or_default();
        let paths = &mut config.paths;
        for inner in [
            &mut paths.var,
            &mut paths.db,
            &mut paths.rules,
            &mut paths.templates,
            &mut paths.data,
            &mut paths.site,
            &mut paths.out,
        ] {
            *inner = inner.take().map(|p| folder.join(p));
        }
        let docker = &mut config.sources.docker;
        docker.path = docker.path.take().map(|p| folder.join(p));
        Ok(config)
    }

    fn parse(text: &str, path: &Path) -> Result<Self, ConfigError> {
        toml::from_str(text).map_err(|error| {
            let (line, column) =
                crate::model::text::line_and_column(text, error.span().map_or(0, |s| s.start));
            let message = error.message().lines().next().unwrap_or("malformed").to_owned();
            ConfigError::Malformed { path: path.to_owned(), line, column, message }
        })
    }
}

/// Bytes of a size like `10GiB`, `500 MiB`, `1024`.
///
/// # Errors
/// Anything else, with the forms that are known.
pub fn bytes_of(text: &str) -> Result<u64, String> {
    let text = text.trim();
    let digits = text.chars().take_while(char::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let factor: u64 = match unit.trim().to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "k" | "kib" => 1 << 10,
        "m" | "mib" => 1 << 20,
        "g" | "gib" => 1 << 30,
        "t" | "tib" => 1 << 40,
        _ => return Err(format!("\"{text}\" is no size; use a whole number with KiB, MiB, GiB or TiB")),
    };
    number
        .parse::<u64>()
        .ok()
        .and_then(|n| n.checked_mul(factor))
        .ok_or_else(|| format!("\"{text}\" is no size; use a whole number with KiB, MiB, GiB or TiB"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_key_is_an_error_with_its_place() {
        let error =
            Config::parse("[limits]\npages = 5\npagez = 6\n", Path::new("catalogue.toml")).unwrap_err();
        assert!(error.to_string().starts_with("catalogue.toml:3:1: unknown field"), "{error}");
    }

    #[test]
    fn a_limit_of_nothing_is_a_slip() {
        let error = Config::parse("[limits]\ntools = 0\n", Path::new("c.toml")).unwrap_err();
        assert!(error.to_string().starts_with("c.toml:2:"), "{error}");
    }

    #[test]
    fn what_is_left_out_has_its_default() {
        let config = Config::parse("[limits]\npages = 5\n", Path::new("x")).unwrap();
        assert_eq!((config.limits.pages, config.limits.tools), (5, 10_000));
    }

    #[test]
    fn sizes_are_read_with_their_units() {
        assert_eq!(bytes_of("10GiB"), Ok(10 << 30));
        assert_eq!(bytes_of("500 MiB"), Ok(500 << 20));
        assert_eq!(bytes_of("7"), Ok(7));
        assert!(bytes_of("ten").is_err() && bytes_of("99999999999TiB").is_err());
    }
}
