//! One package's newest manifest, read for what it says of the package being a server.
//!
//! The version's own document is small where the package's has tens of megabytes, and has all the signs.

use serde::Deserialize;
use serde_json::Value;
use url::Url;

use super::super::settings::TriageSettings;
use super::super::triage::has_keyword;
use crate::http::{Client, HttpError, header};
use crate::model::sign::Sign;
use crate::model::source::Looked;

const MANIFEST_BYTES: u64 = 4 * 1024 * 1024;
/// Abbreviated documents reach 2 MB; a full one, where a registry knows no other, is only asked whether it is there.
const PACKAGE_BYTES: u64 = 64 * 1024 * 1024;

/// Every field is as its publisher wrote it.
#[derive(Debug, Default, Deserialize)]
struct Manifest {
    #[serde(default)]
    dependencies: Value,
    #[serde(rename = "devDependencies", default)]
    dev: Value,
    #[serde(rename = "peerDependencies", default)]
    peer: Value,
    #[serde(rename = "optionalDependencies", default)]
    optional: Value,
    #[serde(default)]
    bin: Value,
    #[serde(rename = "mcpName", default)]
    mcp_name: Value,
    #[serde(default)]
    keywords: Value,
    #[serde(default)]
    deprecated: Value,
}

/// Reads a package's newest manifest, unless it is as it was.
pub(in crate::sources) async fn look(
    client: &Client,
    base: &Url,
    name: &str,
    etag: Option<&str>,
    triage: &TriageSettings,
) -> Result<Looked, HttpError> {
    let accept = [(header::ACCEPT, "application/json")];
    match client.get_unless(&below(base, &[name, "latest"]), &accept, etag, MANIFEST_BYTES).await {
        Ok(None) => Ok(Looked::Unchanged),
        Ok(Some(document)) => {
            let manifest: Manifest = document.json()?;
            Ok(Looked::Found { signs: signs(&manifest, triage), etag: document.etag() })
        }
        // Without a tag latest there may still be a package; taken down and forbidden ones are no one's to install.
        Err(error) if matches!(error.status(), Some(404 | 405 | 451)) => {
            let accept = [(header::ACCEPT, "application/vnd.npm.install-v1+json, application/json;q=0.5")];
            match client.get_bytes(&below(base, &[name]), &accept, PACKAGE_BYTES).await {
                Ok(_) | Err(HttpError::TooLarge { .. }) => {
                    Ok(Looked::Found { signs: Vec::new(), etag: None })
                }
                Err(error) if matches!(error.status(), Some(404 | 405 | 451)) => Ok(Looked::Gone),
                Err(error) => Err(error),
            }
        }
        Err(error) => Err(error),
    }
}

fn signs(manifest: &Manifest, triage: &TriageSettings) -> Vec<Sign> {
    let needs = |table: &Value| {
        let names = table.as_object().into_iter().flat_map(|table| table.keys());
        names.into_iter().any(|name| triage.npm_sdks.contains(name))
    };
    let mut signs = Vec::new();
    if needs(&manifest.dependencies) {
        signs.push(Sign::SdkDependency);
    } else if needs(&manifest.dev) || needs(&manifest.peer) || needs(&manifest.optional) {
        signs.push(Sign::SdkForDevelopment);
    }
    let has_program = match &manifest.bin {
        Value::String(path) => !path.is_empty(),
        Value::Object(programs) => !programs.is_empty(),
        _ => false,
    };
    signs.push(if has_program { Sign::Executable } else { Sign::NoExecutable });
    if manifest.mcp_name.as_str().is_some_and(|name| !name.trim().is_empty()) {
        signs.push(Sign::McpName);
    }
    if has_keyword(manifest.keywords.as_array().into_iter().flatten().filter_map(Value::as_str), triage) {
        signs.push(Sign::Keyword);
    }
    if manifest.deprecated.as_str().is_some_and(|why| !why.is_empty())
        || manifest.deprecated == Value::Bool(true)
    {
        signs.push(Sign::Deprecated);
    }
    signs
}

fn below(base: &Url, segments: &[&str]) -> Url {
    let mut url = base.clone();
    if let Ok(mut path) = url.path_segments_mut() {
        path.pop_if_empty().extend(segments);
    }
    url
}

#[cfg(test)]
mod tests {
    use super::super::super::settings::embedded;
    use super::*;

    #[test]
    fn a_manifest_says_what_speaks_for_and_against() {
        let of = |text: &str| signs(&serde_json::from_str(text).unwrap(), &embedded().triage);
        assert_eq!(
            of(
                r#"{"dependencies":{"@modelcontextprotocol/sdk":"^1"},"bin":{"pear":"x.js"},"mcpName":"x/pear","keywords":["mcp"]}"#
            ),
            [Sign::SdkDependency, Sign::Executable, Sign::McpName, Sign::Keyword]
        );
        assert_eq!(
            of(r#"{"devDependencies":{"fastmcp":"1"},"bin":"","keywords":"mcp","deprecated":"use pear2"}"#),
            [Sign::SdkForDevelopment, Sign::NoExecutable, Sign::Deprecated]
        );
        assert_eq!(
            of(r#"{"dependencies":[],"bin":7,"mcpName":" ","deprecated":false}"#),
            [Sign::NoExecutable]
        );
    }

    #[test]
    fn a_scope_is_one_segment() {
        let base = Url::parse("https://r.example/npm").unwrap();
        assert_eq!(below(&base, &["@a/b", "latest"]).as_str(), "https://r.example/npm/@a%2Fb/latest");
    }
}
