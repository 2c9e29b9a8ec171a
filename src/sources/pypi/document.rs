//! One project's own document, read for what it says of the project being a server.
//!
//! `…/pypi/NAME/json` beside the simple index; where an index has none, `metadata` reads the newest wheel instead.

use std::sync::LazyLock;

use regex::Regex;
use serde::Deserialize;
use serde_json::Value;
use url::Url;

use super::super::settings::TriageSettings;
use super::super::triage::has_keyword;
use super::metadata;
use crate::http::{Client, HttpError, header};
use crate::model::sign::Sign;
use crate::model::source::Looked;

/// With every file of every version, projects with ten thousand of them have some 20 MB.
pub(super) const DOCUMENT_BYTES: u64 = 64 * 1024 * 1024;

#[derive(Deserialize)]
struct ProjectDocument {
    info: Facts,
}

/// Every field is as its publisher wrote it.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Facts {
    #[serde(default)]
    pub(super) requires_dist: Value,
    #[serde(default)]
    pub(super) keywords: Value,
    #[serde(default)]
    pub(super) description: Value,
    #[serde(default)]
    pub(super) yanked: Value,
}

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
                return Ok(Looked::Found { signs: signs(&read.info, triage), etag: document.etag() });
            }
            Err(error) if matches!(error.status(), Some(404..=406)) => {}
            Err(error) => return Err(error),
        }
    }
    metadata::look(client, index, name, etag, triage).await
}

/// Beside `…/simple/`; other paths of an index say nothing of where its documents are.
fn document_address(index: &Url, name: &str) -> Option<Url> {
    let root = index.path().trim_end_matches('/').strip_suffix("/simple")?.to_owned();
    let mut url = index.clone();
    url.set_path(&root);
    url.path_segments_mut().ok()?.pop_if_empty().extend(["pypi", name, "json"]);
    Some(url)
}

pub(super) fn signs(facts: &Facts, triage: &TriageSettings) -> Vec<Sign> {
    let mut signs = Vec::new();
    let needs = facts.requires_dist.as_array().into_iter().flatten().filter_map(Value::as_str);
    let sdks: Vec<bool> = needs
        .filter(|need| triage.pypi_sdks.contains(&required_name(need)))
        .map(|need| need.contains("extra"))
        .collect();
    if sdks.contains(&false) {
        signs.push(Sign::SdkDependency);
    } else if sdks.contains(&true) {
        signs.push(Sign::SdkForDevelopment);
    }
    if facts.description.as_str().is_some_and(names_itself) {
        signs.push(Sign::McpNameInReadme);
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

/// `mcp-name: OWNER/NAME`, as the official registry asks for it in a long description.
fn names_itself(description: &str) -> bool {
    static NAME: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r"(?:^|[^A-Za-z0-9-])mcp-name:\s*[A-Za-z0-9.-]+/[A-Za-z0-9._-]+")
            .expect("a constant pattern")
    });
    NAME.is_match(description)
}

#[cfg(test)]
mod tests {
    use super::super::super::settings::embedded;
    use super::*;

    #[test]
    fn a_document_says_what_speaks_for_and_against() {
        let of = |text: &str| signs(&serde_json::from_str(text).unwrap(), &embedded().triage);
        let whole = r#"{"requires_dist":["httpx","mcp[cli]>=1.2"],"keywords":"notes,MCP","description":"<!-- mcp-name: x.example/pear -->"}"#;
        assert_eq!(of(whole), [Sign::SdkDependency, Sign::McpNameInReadme, Sign::Keyword]);
        assert_eq!(
            of(r#"{"requires_dist":["FastMCP ; extra == 'dev'"],"keywords":null,"yanked":true}"#),
            [Sign::SdkForDevelopment, Sign::Deprecated]
        );
        assert_eq!(of(r#"{"requires_dist":["mcpx","mcp-x"],"description":"some-mcp-name: a/b"}"#), []);
    }

    #[test]
    fn documents_are_looked_for_beside_the_simple_index_only() {
        let of = |index: &str| document_address(&Url::parse(index).unwrap(), "a-b").map(String::from);
        assert_eq!(of("https://r.example/simple/").as_deref(), Some("https://r.example/pypi/a-b/json"));
        assert_eq!(of("https://r.example/x/simple").as_deref(), Some("https://r.example/x/pypi/a-b/json"));
        assert_eq!(of("https://r.example/ann/dev/+simple/"), None);
    }
}
