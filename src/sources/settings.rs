//! What `data/sources.toml` says: addresses, paces, sizes of pages and the words of triage. Pure parsing.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use serde::Deserialize;
use url::Url;

use crate::http::{Pace, Politeness};
use crate::model::source::SourceName;

/// The file's name among the data files.
pub const FILE: &str = "sources.toml";

/// `data/sources.toml`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SourceSettings {
    /// How gently every list is asked.
    pub politeness: PolitenessSettings,
    /// The official MCP registry.
    pub mcp: McpSettings,
    /// npm.
    pub npm: NpmSettings,
    /// The Python package index.
    pub pypi: PypiSettings,
    /// The Docker catalogue.
    pub docker: DockerSettings,
    /// GitHub.
    pub github: GithubSettings,
    /// Registries of images.
    pub oci: OciSettings,
    /// Words that signs are read from.
    pub triage: TriageSettings,
}

/// `[politeness]`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PolitenessSettings {
    unstated_wait_seconds: u64,
    longest_wait_seconds: u64,
    patience_seconds: u64,
    breaker_failures: u32,
    breaker_rest_seconds: u64,
    otherwise_concurrent: usize,
    otherwise_interval_ms: u64,
}

/// `[mcp]`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct McpSettings {
    /// The registry's base address.
    pub address: Url,
    concurrent: usize,
    interval_ms: u64,
    /// Records a page.
    pub page_size: u32,
    /// Pages of one walk.
    pub max_pages: u32,
    /// Bundles (MCPB) whose manifest is read in one run.
    pub bundles_a_run: u32,
    /// A larger bundle is not read.
    pub bundle_mib: u64,
}

/// `[npm]`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NpmSettings {
    concurrent: usize,
    interval_ms: u64,
    /// Milliseconds between two pages of the search.
    pub search_interval_ms: u64,
    /// Hits a page of the search.
    pub search_page: u32,
    /// The search does not go beyond this offset.
    pub search_offset: u32,
    /// What is searched for.
    pub queries: Vec<String>,
    /// Qualifiers and their opposites, by which a query with more hits than that is cut in two.
    pub search_halves: Vec<[String; 2]>,
    /// Rows a page of the feed.
    pub feed_page: u32,
    /// Pages of one walk.
    pub max_pages: u32,
}

/// `[pypi]`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PypiSettings {
    concurrent: usize,
    interval_ms: u64,
}

/// `[docker]`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DockerSettings {
    /// A tarball of the registry's repository.
    pub address: Url,
    concurrent: usize,
    interval_ms: u64,
    /// Folders of a checkout that are one page.
    pub page_size: u32,
    /// Pages of one walk.
    pub max_pages: u32,
}

/// `[github]`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GithubSettings {
    /// The base address of its API.
    pub address: Url,
    concurrent: usize,
    interval_ms: u64,
    /// Milliseconds between two searches with a token.
    pub search_interval_ms: u64,
    /// The same without one.
    pub bare_search_interval_ms: u64,
    /// Repositories a page of the search.
    pub page_size: u32,
    /// The search does not go beyond so many results of a query.
    pub result_cap: u32,
    /// Repositories whose manifests are asked for at once.
    pub refresh_size: u32,
    /// What is searched for.
    pub queries: Vec<String>,
    /// Pages of one walk.
    pub max_pages: u32,
    /// Days after which everything is listed again, and not only what was pushed to.
    pub whole_walk_days: u32,
    /// Folders of one repository that are looked into for servers.
    pub max_folders: u32,
}

/// `[oci]`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OciSettings {
    /// Images whose labels are read in one run.
    pub images_a_run: u32,
    /// Where a host's images are, where that is another host.
    pub registries: BTreeMap<String, Url>,
}

/// `[triage]`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TriageSettings {
    /// Candidates whose own document is read in one run.
    pub documents_a_run: u32,
    /// Packages whose provenance is asked for in one run.
    pub provenances_a_run: u32,
    /// npm packages that a server is written with.
    pub npm_sdks: Vec<String>,
    /// The same for Python.
    pub pypi_sdks: Vec<String>,
    /// Keywords of servers, lower case.
    pub keywords: Vec<String>,
    /// Words in names of what is no server, lower case.
    pub library_words: Vec<String>,
}

impl SourceSettings {
    /// Reads the file.
    ///
    /// # Errors
    /// What is wrong with it and where.
    pub fn parse(text: &str) -> Result<Self, toml::de::Error> {
        toml::from_str(text)
    }

    /// Most pages of one walk.
    pub fn max_pages(&self, source: SourceName) -> u32 {
        match source {
            SourceName::Mcp => self.mcp.max_pages,
            SourceName::Npm => self.npm.max_pages,
            SourceName::Pypi => 1,
            SourceName::Docker => self.docker.max_pages,
            SourceName::Github => self.github.max_pages,
        }
    }

    /// How these addresses are asked.
    pub fn politeness(&self, contact: Option<String>, addresses: &[(SourceName, &Url)]) -> Politeness {
        let PolitenessSettings {
            unstated_wait_seconds,
            longest_wait_seconds,
            patience_seconds,
            breaker_failures,
            breaker_rest_seconds,
            otherwise_concurrent,
            otherwise_interval_ms,
        } = self.politeness;
        let paces: HashMap<String, Pace> = addresses
            .iter()
            .map(|(source, url)| (crate::http::host_of(url), self.pace_at(*source, url)))
            .collect();
        Politeness {
            contact,
            paces,
            otherwise: Pace {
                concurrent: otherwise_concurrent.max(1),
                interval: Duration::from_millis(otherwise_interval_ms),
            },
            unstated_wait: Duration::from_secs(unstated_wait_seconds),
            longest_wait: Duration::from_secs(longest_wait_seconds),
            patience: Duration::from_secs(patience_seconds),
            breaker_failures: breaker_failures.max(1),
            breaker_rest: Duration::from_secs(breaker_rest_seconds),
            rests: HashMap::new(),
        }
    }

    /// The same, without pauses where it is on this machine.
    fn pace_at(&self, source: SourceName, url: &Url) -> Pace {
        let pace = self.pace(source);
        if crate::http::is_here(url) { Pace { interval: Duration::ZERO, ..pace } } else { pace }
    }

    /// How gently one list's host is asked.
    pub fn pace(&self, source: SourceName) -> Pace {
        let (concurrent, interval_ms) = match source {
            SourceName::Mcp => (self.mcp.concurrent, self.mcp.interval_ms),
            SourceName::Npm => (self.npm.concurrent, self.npm.interval_ms),
            SourceName::Pypi => (self.pypi.concurrent, self.pypi.interval_ms),
            SourceName::Docker => (self.docker.concurrent, self.docker.interval_ms),
            SourceName::Github => (self.github.concurrent, self.github.interval_ms),
        };
        Pace { concurrent: concurrent.max(1), interval: Duration::from_millis(interval_ms) }
    }
}

#[cfg(test)]
pub(super) fn embedded() -> SourceSettings {
    SourceSettings::parse(include_str!("../../data/sources.toml")).unwrap()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_is_whole_and_gentle() {
        let settings = embedded();
        assert_eq!((settings.github.concurrent, settings.github.queries.is_empty()), (1, false));
        assert!(settings.mcp.page_size <= 100 && settings.npm.search_page <= 250);
        assert!(settings.github.page_size <= 100 && settings.github.result_cap <= 1000);
        assert!(
            settings.github.search_interval_ms >= 2000 && settings.github.bare_search_interval_ms >= 6000
        );
        assert!(settings.politeness.unstated_wait_seconds >= 60);
        let url = Url::parse("https://h.example:8443/x").unwrap();
        let politeness = settings.politeness(None, &[(SourceName::Mcp, &url)]);
        let pace = politeness.paces["h.example:8443"];
        assert!(pace.concurrent == 1 && pace.interval >= Duration::from_millis(500));
        let here = Url::parse("http://127.0.0.1:4873/").unwrap();
        let pace = settings.politeness(None, &[(SourceName::Mcp, &here)]).paces["127.0.0.1:4873"];
        assert_eq!((pace.concurrent, pace.interval), (1, Duration::ZERO));
    }
}
