//! One project's own document, read for what it says of the project being a server.
//!
//! `…/pypi/NAME/json` beside the simple index; where an index has none, `metadata` reads the newest wheel instead.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use regex::Regex;
use serde::Deserialize;
use serde_json::Value;
use url::Url;

use super::super::cut;
use super::super::provenance::of_pypi;
use super::super::settings::TriageSettings;
use super::super::triage::{has_keyword, looks_like_mcp, shape_hash, text_hash};
use super::metadata;
use crate::http::{Client, HttpError, header};
use crate::model::digest::sha256_hex;
use crate::model::identity::{NewestRelease, PackageFacts, ProvenanceSaid, RepositoryClaim};
use crate::model::sign::Sign;
use crate::model::source::Looked;

/// With every file of every version, projects with ten thousand of them have some 20 MB.
pub(super) const DOCUMENT_BYTES: u64 = 64 * 1024 * 1024;

#[derive(Default, Deserialize)]
pub(super) struct ProjectDocument {
    pub(super) info: Facts,
    #[serde(default)]
    pub(super) urls: Value,
    #[serde(default)]
    pub(super) ownership: Value,
}

/// Every field is as its publisher wrote it.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Facts {
    #[serde(default)]
    pub(super) version: Value,
    #[serde(default)]
    pub(super) requires_dist: Value,
    #[serde(default)]
    pub(super) keywords: Value,
    #[serde(default)]
    pub(super) description: Value,
    #[serde(default)]
    pub(super) yanked: Value,
    #[serde(default)]
    pub(super) summary: Value,
    #[serde(default)]
    pub(super) project_urls: Value,
    #[serde(default)]
    pub(super) home_page: Value,
    #[serde(default)]
    pub(super) author_email: Value,
    #[serde(default)]
    pub(super) maintainer_email: Value,
}

/// Labels of addresses that mean the source, best first (PyPA "well-known project URLs", normalised), and the home page, which
/// often is the same.
const SOURCE_LABELS: [&str; 7] = ["source", "repository", "sourcecode", "github", "code", "homepage", "home"];
/// Names of the official registry, and people of one package, that are kept.
const NAMES: usize = 50;
/// A name of the registry has at most 200 characters by its own rule.
const NAME_CHARS: usize = 300;
/// Names of files, and their hashes.
const FILE_CHARS: usize = 500;

/// Reads a project's document, unless it is as it was.
pub(in crate::sources) async fn look(
    client: &Client,
    index: &Url,
    name: &str,
    etag: Option<&str>,
    triage: &TriageSettings,
) -> Result<Looked, HttpError> {
    let accept = [(header::ACCEPT, "application/json")];
    if let Some(url) = document_address(index, name) {
        match client.get_unless(&url, &accept, etag, DOCUMENT_BYTES).await {
            Ok(None) => return Ok(Looked::Unchanged),
            Ok(Some(document)) => {
                let read: ProjectDocument = document.json()?;
                let facts = Some(Box::new(facts(name, &read)));
                return Ok(Looked::Found {
                    signs: signs(name, &read.info, triage),
                    etag: document.etag(),
                    facts,
                });
            }
            Err(error) if matches!(error.status(), Some(404..=406)) => {}
            Err(error) => return Err(error),
        }
    }
    metadata::look(client, index, name, etag, triage).await
}

/// The names that one version's long description gives.
pub(in crate::sources) async fn names_in_version(
    client: &Client,
    index: &Url,
    name: &str,
    version: &str,
) -> Result<BTreeSet<String>, HttpError> {
    let Some(mut url) = document_address(index, name) else { return Ok(BTreeSet::new()) };
    if let Ok(mut path) = url.path_segments_mut() {
        path.pop().extend([version, "json"]);
    }
    match client.get_bytes(&url, &[(header::ACCEPT, "application/json")], DOCUMENT_BYTES).await {
        Ok(document) => {
            let read: ProjectDocument = document.json()?;
            Ok(names_of(read.info.description.as_str().unwrap_or_default()))
        }
        Err(error) if matches!(error.status(), Some(404..=406 | 410)) => Ok(BTreeSet::new()),
        Err(error) => Err(error),
    }
}

/// Beside `…/simple/`; other paths of an index say nothing of where its documents are.
fn document_address(index: &Url, name: &str) -> Option<Url> {
    let root = index.path().trim_end_matches('/').strip_suffix("/simple")?.to_owned();
    let mut url = index.clone();
    url.set_path(&root);
    url.path_segments_mut().ok()?.pop_if_empty().extend(["pypi", name, "json"]);
    Some(url)
}

pub(super) fn signs(name: &str, facts: &Facts, triage: &TriageSettings) -> Vec<Sign> {
    let mut signs = Vec::new();
    let needs = facts.requires_dist.as_array().into_iter().flatten().filter_map(Value::as_str);
    let sdks: Vec<bool> = needs
        .filter(|need| triage.pypi_sdks.contains(&required_name(need)))
        .map(|need| need.contains("extra"))
        .collect();
    let needs = facts.requires_dist.as_array().into_iter().flatten().filter_map(Value::as_str);
    let relatives: Vec<String> = needs.filter(|need| !need.contains("extra")).map(required_name).collect();
    if sdks.contains(&false) {
        signs.push(Sign::SdkDependency);
    } else if relatives.iter().any(|need| looks_like_mcp(need)) {
        signs.push(Sign::RelatedDependency);
    } else if sdks.contains(&true) {
        signs.push(Sign::SdkForDevelopment);
    }
    let description = facts.description.as_str().unwrap_or_default();
    if !names_of(description).is_empty() {
        signs.push(Sign::McpNameInReadme);
    }
    if shows_configuration(name, description) {
        signs.push(Sign::ConfiguredInReadme);
    }
    let keywords = match &facts.keywords {
        Value::String(text) => text.split([',', ';', ' ']).filter(|word| !word.is_empty()).collect(),
        Value::Array(words) => words.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    if has_keyword(keywords, triage) {
        signs.push(Sign::Keyword);
    }
    if facts.yanked == Value::Bool(true) {
        signs.push(Sign::Deprecated);
    }
    signs
}

/// The project a requirement names, normalised (PEP 508, PEP 503): `Fast_MCP[cli]>=2` is `fast-mcp`.
fn required_name(requirement: &str) -> String {
    let legal = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let name: String = requirement.trim_start().chars().take_while(legal).collect();
    let parts: Vec<&str> = name.split(['-', '_', '.']).filter(|part| !part.is_empty()).collect();
    parts.join("-").to_ascii_lowercase()
}

/// The names in `mcp-name: OWNER/NAME`, as the official registry asks for it in a long description; each ends where a name ends.
fn names_of(description: &str) -> BTreeSet<String> {
    static NAME: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r"(?:^|[^A-Za-z0-9-])mcp-name:\s*([A-Za-z0-9.-]+/[A-Za-z0-9._-]*[A-Za-z0-9_])")
            .expect("a constant pattern")
    });
    let found = NAME.captures_iter(description).take(NAMES);
    found.filter_map(|name| name.get(1)).map(|name| cut(name.as_str(), NAME_CHARS)).collect()
}

/// True if a README shows how a client starts this very package.
fn shows_configuration(name: &str, description: &str) -> bool {
    let text = description.to_ascii_lowercase();
    let folded = |text: &str| text.replace(['_', '.'], "-");
    let starts = ["mcpservers", "claude mcp add", "uvx ", "\"mcp\": {", "pipx run "];
    starts.iter().any(|start| text.contains(start))
        && folded(&text).contains(&folded(&name.to_ascii_lowercase()))
}

pub(super) fn facts(name: &str, document: &ProjectDocument) -> PackageFacts {
    let info = &document.info;
    let description = info.description.as_str().unwrap_or_default();
    let needs = info.requires_dist.as_array().into_iter().flatten().filter_map(Value::as_str);
    let needs: Vec<String> = needs.filter(|need| !need.contains("extra")).map(required_name).collect();
    let (newest, provenance) = newest(&info.version, &document.urls);
    PackageFacts {
        mcp_names: names_of(description),
        repository: source(info),
        provenance,
        newest,
        publishers: publishers(info, &document.ownership),
        readme: text_hash(name, description),
        shape: shape_hash(name, needs.iter().map(String::as_str), info.summary.as_str()),
    }
}

/// The source among a project's addresses.
fn source(info: &Facts) -> Option<RepositoryClaim> {
    let label = |text: &str| {
        text.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase()
    };
    let links: Vec<(String, &str)> = info
        .project_urls
        .as_object()
        .into_iter()
        .flatten()
        .filter_map(|(name, address)| Some((label(name), address.as_str()?)))
        .chain(info.home_page.as_str().map(|address| ("homepage".to_owned(), address)))
        .collect();
    let mut stated =
        SOURCE_LABELS.iter().flat_map(|wanted| links.iter().filter(move |(label, _)| label == wanted));
    // A home page that is no repository is not taken for one.
    stated.find_map(|(label, address)| {
        let claim = RepositoryClaim::read(address, None)?;
        let is_forge =
            matches!(claim.forge.as_str(), "github.com" | "gitlab.com" | "bitbucket.org" | "codeberg.org");
        (is_forge || !label.starts_with("home")).then_some(claim)
    })
}

/// The newest release by its best file, a wheel if there is one; and its provenance, where an index states that right here.
fn newest(version: &Value, urls: &Value) -> (Option<NewestRelease>, Option<ProvenanceSaid>) {
    let text = |file: &Value, path: &str| {
        file.pointer(path).and_then(Value::as_str).map(|text| cut(text, FILE_CHARS))
    };
    let files = urls.as_array().into_iter().flatten();
    let best = files.max_by_key(|file| text(file, "/filename").is_some_and(|name| name.ends_with(".whl")));
    let (Some(version), Some(file)) = (version.as_str(), best) else { return (None, None) };
    let release = NewestRelease {
        version: cut(version, NAME_CHARS),
        file: text(file, "/filename"),
        digest: text(file, "/digests/sha256").map(|hash| format!("sha256:{hash}")),
    };
    let stated = file.get("provenance").filter(|said| said.is_object()).map(|said| of_pypi(said, &release));
    (release.file.is_some().then_some(release), stated)
}

/// Who may publish it; without that, the people it names, by a hash of their address.
fn publishers(info: &Facts, ownership: &Value) -> BTreeSet<String> {
    let roles = ownership.get("roles").and_then(Value::as_array).into_iter().flatten();
    let users = roles.filter_map(|role| role.get("user").and_then(Value::as_str));
    let users: BTreeSet<String> = users.take(NAMES).map(|user| cut(user, NAME_CHARS)).collect();
    if !users.is_empty() {
        return users;
    }
    let texts = [&info.author_email, &info.maintainer_email].into_iter().filter_map(|value| value.as_str());
    let words = texts.flat_map(|text| text.split([',', '<', '>', ' ', ';']));
    let addresses = words.filter(|word| word.contains('@')).map(str::to_ascii_lowercase);
    // A template's address is nobody's.
    let real = addresses.filter(|address| !address.contains("example.") && !address.contains("noreply"));
    real.take(NAMES).map(|address| format!("mail-{}", cut(&sha256_hex(address.as_bytes()), 12))).collect()
}

#[cfg(test)]
mod tests {
    use super::super::super::settings::embedded;
    use super::*;

    #[test]
    fn a_document_says_what_speaks_for_and_against() {
        let of = |text: &str| signs("pear-mcp", &serde_json::from_str(text).unwrap(), &embedded().triage);
        let whole = r#"{"requires_dist":["httpx","mcp[cli]>=1.2"],"keywords":"notes,MCP","description":"<!-- mcp-name: x.example/pear -->"}"#;
        assert_eq!(of(whole), [Sign::SdkDependency, Sign::McpNameInReadme, Sign::Keyword]);
        assert_eq!(
            of(r#"{"requires_dist":["FastMCP ; extra == 'dev'"],"keywords":null,"yanked":true}"#),
            [Sign::SdkForDevelopment, Sign::Deprecated]
        );
        assert_eq!(of(r#"{"requires_dist":["xmcpx","pear"],"description":"some-mcp-name: a/b"}"#), []);
        assert_eq!(of(r#"{"requires_dist":["mcp-x","mcp; extra == 'dev'"]}"#), [Sign::RelatedDependency]);
    }

    #[test]
    fn a_document_says_who_the_project_is() {
        let of = |text: &str| facts("pear-mcp", &serde_json::from_str(text).unwrap());
        let whole = of(
            r#"{"info":{"description":"x\nmcp-name: io.github.ann/pear\n<!-- mcp-name: com.example/pear. -->","summary":"Pears.",
              "project_urls":{"Homepage":"https://pear.example/","Source Code":"https://github.com/Ann/Pear/tree/main/py"},
              "author_email":"Ann <Ann@Pear.Test>, You <you@example.com>",
              "version":"1.2.0"},"urls":[{"filename":"pear_mcp-1.2.0.tar.gz"},{"filename":"pear_mcp-1.2.0-py3-none-any.whl","digests":{"sha256":"ab"},
              "provenance":{"attestation_bundles":[{"publisher":{"kind":"GitHub","repository":"ann/pear"}}]}}]}"#,
        );
        assert!(whole.mcp_names.iter().eq(["com.example/pear", "io.github.ann/pear"]), "{whole:?}");
        assert_eq!(
            whole.repository.as_ref().map(RepositoryClaim::node).as_deref(),
            Some("github:ann/pear/py")
        );
        assert!(whole.publishers.len() == 1 && whole.shape.is_some() && whole.readme.is_none());
        let newest = whole.newest.unwrap();
        assert_eq!(newest.file.as_deref(), Some("pear_mcp-1.2.0-py3-none-any.whl"));
        assert_eq!((newest.version.as_str(), newest.digest.as_deref()), ("1.2.0", Some("sha256:ab")));
        let Some(ProvenanceSaid::Of(provenance)) = whole.provenance else { panic!() };
        assert_eq!(provenance.repository.node(), "github:ann/pear");
        let home =
            of(r#"{"info":{"home_page":"https://pear.example/a/b","project_urls":null},"urls":{"x":1}}"#);
        assert_eq!(home, PackageFacts::default());
        let owned = of(r#"{"info":{},"ownership":{"roles":[{"role":"Owner","user":"ann"}]}}"#);
        assert!(owned.publishers.iter().eq(["ann"]));
    }

    #[test]
    fn a_readme_that_shows_how_to_start_the_package_is_a_sign() {
        assert!(shows_configuration("pear-mcp", "{\"mcpServers\": {\"p\": {\"args\": [\"pear_mcp\"]}}}"));
        assert!(!shows_configuration("pear-mcp", "use uvx other"));
        assert!(!shows_configuration("pear-mcp", "pip install pear-mcp"));
    }

    #[test]
    fn documents_are_looked_for_beside_the_simple_index_only() {
        let of = |index: &str| document_address(&Url::parse(index).unwrap(), "a-b").map(String::from);
        assert_eq!(of("https://r.example/simple/").as_deref(), Some("https://r.example/pypi/a-b/json"));
        assert_eq!(of("https://r.example/x/simple").as_deref(), Some("https://r.example/x/pypi/a-b/json"));
        assert_eq!(of("https://r.example/ann/dev/+simple/"), None);
    }
}
