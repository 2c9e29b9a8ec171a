//! A repository of GitHub that is a server itself: which commit is meant, and the tarball of that commit.
//!
//! Source: GitHub REST API, "Commits", "Repository contents" (download a repository archive answers with a redirect to
//! another host, which is told no token).

use std::path::Path;

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;
use url::Url;

use super::{FindError, ReleaseFound, https_address};
use crate::http::{Client, FileError, HeaderName, HttpError, Token, header};
use crate::model::{Release, ServerKey, Untrusted};

const COMMIT_BYTES: u64 = 16 * 1024 * 1024;
const MANIFEST_BYTES: u64 = 1024 * 1024;
/// Compressed.
const TARBALL_BYTES: u64 = 128 * 1024 * 1024;
const VERSION: HeaderName = HeaderName::from_static("x-github-api-version");

/// Where GitHub's API is, and who asks.
#[derive(Debug, Clone)]
pub struct Github {
    /// Its base address.
    pub address: Url,
    /// What proves who asks: without it, a few dozen requests an hour are answered.
    pub token: Option<Token>,
}

#[derive(Deserialize)]
struct Commit {
    sha: String,
    #[serde(default)]
    html_url: Value,
    #[serde(default)]
    commit: Value,
}

/// True for what names one commit and will always do so.
pub fn is_commit(version: &str) -> bool {
    matches!(version.len(), 40 | 64) && version.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

impl Github {
    /// Finds the commit that a target means: this one, or the newest of its default branch.
    ///
    /// Two requests: the commit, and which Python its `pyproject.toml` asks for.
    ///
    /// # Errors
    /// [`FindError`] by kind; only `Http` says nothing of the repository.
    pub async fn find(
        &self,
        client: &Client,
        server: &ServerKey,
        version: Option<&str>,
    ) -> Result<ReleaseFound, FindError> {
        let (repository, folder) = parts(server).ok_or_else(|| FindError::NoPackage(server.clone()))?;
        let mut wanted = vec!["commits"];
        wanted.extend(version.unwrap_or("HEAD").split('/'));
        let url = self.below(&repository, &wanted);
        let document = client
            .get_bytes(&url, &self.fields("application/vnd.github+json"), COMMIT_BYTES)
            .await
            .map_err(|error| missing(server, version, error))?;
        let commit: Commit = document.json()?;
        if !is_commit(&commit.sha) {
            let why = "answered a commit without its name".to_owned();
            return Err(HttpError::BadReply { url: crate::http::shown(&url), why }.into());
        }
        let page = commit.html_url.as_str().and_then(|page| page.split("/commit/").next());
        let date = commit.commit.get("committer").and_then(|by| by.get("date")).and_then(Value::as_str);
        let requires_python = self.requires_python(client, &repository, folder, &commit.sha).await?;
        Ok(ReleaseFound {
            release: Release { server: server.clone(), version: commit.sha },
            published_at: date.and_then(|date| date.parse::<Timestamp>().ok()),
            description: None,
            repository: page.and_then(https_address),
            repository_folder: folder.map(Untrusted::new),
            homepage: None,
            licence: None,
            mcp_names: Vec::new(),
            requires_python,
            engines_node: None,
            bins: Vec::new(),
            withdrawn: None,
        })
    }

    async fn requires_python(
        &self,
        client: &Client,
        repository: &[&str; 2],
        folder: Option<&str>,
        sha: &str,
    ) -> Result<Option<String>, FindError> {
        let mut path = vec!["contents"];
        path.extend(folder.into_iter().flat_map(|folder| folder.split('/')));
        path.push("pyproject.toml");
        let mut url = self.below(repository, &path);
        url.query_pairs_mut().append_pair("ref", sha);
        let fields = self.fields("application/vnd.github.raw+json");
        let bytes = match client.get_bytes(&url, &fields, MANIFEST_BYTES).await {
            Ok(document) => document.bytes,
            // It has none, or one that is no file to be read.
            Err(error) if matches!(error.status(), Some(404)) => return Ok(None),
            Err(HttpError::TooLarge { .. } | HttpError::BadReply { .. }) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let table = toml::from_str::<toml::Table>(&String::from_utf8_lossy(&bytes)).ok();
        let project = table.as_ref().and_then(|table| table.get("project"));
        let said = project.and_then(|project| project.get("requires-python")).and_then(toml::Value::as_str);
        Ok(said.map(str::to_owned))
    }

    /// Writes the tarball of a release's commit to `path`.
    ///
    /// # Errors
    /// [`FileError`].
    pub async fn tarball(&self, client: &Client, release: &Release, path: &Path) -> Result<(), FileError> {
        let Some((repository, _)) = parts(&release.server) else {
            let url = release.server.to_string();
            return Err(HttpError::Refused { url, why: "it is no repository".to_owned() }.into());
        };
        let url = self.below(&repository, &["tarball", &release.version]);
        let fields = self.fields("application/vnd.github+json");
        client.get_file(&url, &fields, TARBALL_BYTES, path).await.map(drop)
    }

    fn below(&self, repository: &[&str; 2], segments: &[&str]) -> Url {
        let mut url = self.address.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().push("repos").extend(repository).extend(segments);
        }
        url
    }

    fn fields<'a>(&'a self, accept: &'a str) -> Vec<(HeaderName, &'a str)> {
        let mut fields = vec![(header::ACCEPT, accept), (VERSION, "2022-11-28")];
        if let Some(bearer) = self.token.as_ref().and_then(|token| token.for_address(&self.address)) {
            fields.push((header::AUTHORIZATION, bearer));
        }
        fields
    }
}

/// Owner and name of a key, and the folder in it.
pub(crate) fn parts(server: &ServerKey) -> Option<([&str; 2], Option<&str>)> {
    let mut parts = server.name().splitn(3, '/');
    Some(([parts.next()?, parts.next()?], parts.next()))
}

fn missing(server: &ServerKey, version: Option<&str>, error: HttpError) -> FindError {
    let refused = |why: &str| FindError::NotInstallable { release: server.to_string(), why: why.to_owned() };
    match (error.status(), version) {
        (Some(404), None) => FindError::NoSuchPackage(server.clone()),
        (Some(404 | 422), Some(version)) => {
            FindError::NoSuchVersion { server: server.clone(), version: version.to_owned(), newest: None }
        }
        (Some(409), _) => refused("the repository is empty"),
        (Some(451), _) => refused("GitHub took it down for legal reasons"),
        _ => FindError::Http(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_has_a_repository_and_maybe_a_folder() {
        let of = |text: &str| text.parse::<ServerKey>().unwrap();
        assert_eq!(parts(&of("github:ann/pear")), Some((["ann", "pear"], None)));
        assert_eq!(parts(&of("github:ann/pear/a/b")), Some((["ann", "pear"], Some("a/b"))));
        assert_eq!(parts(&of("local:x")), None);
        assert!(is_commit(&"a0".repeat(20)) && !is_commit("v1.0") && !is_commit(&"A0".repeat(20)));
    }
}
