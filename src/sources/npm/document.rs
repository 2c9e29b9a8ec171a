//! One package's newest manifest, read for what it says of the package being a server.
//!
//! The version's own document is small where the package's has tens of megabytes, and has all the signs.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde_json::Value;
use url::Url;

use super::super::cut;
use super::super::provenance::{self, digest_of_integrity};
use super::super::settings::TriageSettings;
use super::super::triage::{has_keyword, looks_like_mcp, shape_hash, text_hash};
use crate::http::{Client, HttpError, Reach, header};
use crate::model::identity::{NewestRelease, PackageFacts, ProvenanceSaid, RepositoryClaim};
use crate::model::sign::Sign;
use crate::model::source::Looked;
use crate::model::{ServerKey, purl::Purl};

const MANIFEST_BYTES: u64 = 4 * 1024 * 1024;
/// Abbreviated documents reach 2 MB; a full one, where a registry knows no other, is only asked whether it is there.
const PACKAGE_BYTES: u64 = 64 * 1024 * 1024;

/// People of one package, and characters of a name, that are kept.
const PUBLISHERS: usize = 50;
const NAME_CHARS: usize = 300;

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
    #[serde(default)]
    description: Value,
    #[serde(default)]
    repository: Value,
    #[serde(default)]
    version: Value,
    #[serde(default)]
    dist: Value,
    #[serde(default)]
    maintainers: Value,
    #[serde(rename = "_npmUser", default)]
    publisher: Value,
    #[serde(default)]
    readme: Value,
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
            let facts = Some(Box::new(facts(name, &manifest)));
            Ok(Looked::Found { signs: signs(&manifest, triage), etag: document.etag(), facts })
        }
        // Without a tag latest there may still be a package; taken down and forbidden ones are no one's to install.
        Err(error) if matches!(error.status(), Some(404 | 405 | 451)) => {
            let accept = [(header::ACCEPT, "application/vnd.npm.install-v1+json, application/json;q=0.5")];
            match client.get_bytes(&below(base, &[name]), &accept, PACKAGE_BYTES).await {
                Ok(_) | Err(HttpError::TooLarge { .. }) => {
                    Ok(Looked::Found { signs: Vec::new(), etag: None, facts: None })
                }
                Err(error) if matches!(error.status(), Some(404 | 405 | 451)) => Ok(Looked::Gone),
                Err(error) => Err(error),
            }
        }
        Err(error) => Err(error),
    }
}

/// The name that one version gives itself.
pub(in crate::sources) async fn names_in_version(
    client: &Client,
    base: &Url,
    name: &str,
    version: &str,
) -> Result<BTreeSet<String>, HttpError> {
    let accept = [(header::ACCEPT, "application/json")];
    match client.get_bytes(&below(base, &[name, version]), &accept, MANIFEST_BYTES).await {
        Ok(document) => Ok(facts(name, &document.json()?).mcp_names),
        Err(error) if matches!(error.status(), Some(404 | 405 | 451)) => Ok(BTreeSet::new()),
        Err(error) => Err(error),
    }
}

/// What the registry's attestations of the newest version say. Their address is made from the registry's own; the one that a
/// package's document states is never asked.
pub(in crate::sources) async fn provenance(
    client: &Client,
    base: &Url,
    server: &ServerKey,
    newest: &NewestRelease,
) -> Result<ProvenanceSaid, HttpError> {
    let release = format!("{}@{}", server.name(), newest.version);
    let url = below(base, &["-", "npm", "v1", "attestations", &release]);
    let accept = [(header::ACCEPT, "application/json")];
    let answer = client.get_listed(&url, Reach::Anywhere, &accept, provenance::PROVENANCE_BYTES).await;
    let purl = Purl::of(server, &newest.version).map(|purl| purl.to_string()).unwrap_or_default();
    Ok(match provenance::document(answer)? {
        Ok(document) => provenance::of_npm(&document, &purl, newest),
        Err(said) => said,
    })
}

fn signs(manifest: &Manifest, triage: &TriageSettings) -> Vec<Sign> {
    let needs = |table: &Value| {
        let names = table.as_object().into_iter().flat_map(|table| table.keys());
        names.into_iter().any(|name| triage.npm_sdks.contains(name))
    };
    let mut relatives = manifest.dependencies.as_object().into_iter().flat_map(|table| table.keys());
    let has_relative = relatives.any(|name| looks_like_mcp(name));
    let mut signs = Vec::new();
    if needs(&manifest.dependencies) {
        signs.push(Sign::SdkDependency);
    } else if has_relative {
        signs.push(Sign::RelatedDependency);
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

fn facts(name: &str, manifest: &Manifest) -> PackageFacts {
    let text =
        |value: &Value| value.as_str().map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned);
    let stated = match &manifest.repository {
        Value::String(address) => RepositoryClaim::read(address, None),
        said => said.get("url").and_then(Value::as_str).and_then(|address| {
            RepositoryClaim::read(address, said.get("directory").and_then(Value::as_str))
        }),
    };
    // That there is a provenance is said here; what it says is in a document of its own.
    let has_provenance =
        manifest.dist.get("attestations").is_some_and(|said| said.get("provenance").is_some());
    let integrity = manifest.dist.get("integrity").and_then(Value::as_str);
    let newest = text(&manifest.version).filter(|_| has_provenance).map(|version| NewestRelease {
        version: cut(&version, NAME_CHARS),
        file: None,
        digest: integrity.and_then(digest_of_integrity),
    });
    let people = manifest.maintainers.as_array().into_iter().flatten().chain([&manifest.publisher]);
    let publishers = people.take(PUBLISHERS).filter_map(|who| text(who.get("name").unwrap_or(who)));
    let needs =
        manifest.dependencies.as_object().into_iter().flat_map(|table| table.keys()).map(String::as_str);
    PackageFacts {
        mcp_names: text(&manifest.mcp_name).map(|name| cut(&name, NAME_CHARS)).into_iter().collect(),
        repository: stated,
        provenance: None,
        newest,
        publishers: publishers.map(|who| cut(&who, NAME_CHARS)).collect(),
        readme: manifest.readme.as_str().and_then(|readme| text_hash(name, readme)),
        shape: shape_hash(name, needs, manifest.description.as_str()),
    }
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
    fn a_manifest_says_who_the_package_is() {
        let of = |text: &str| facts("@ann/notes", &serde_json::from_str(text).unwrap());
        let whole = of(
            r#"{"version":"1.2.0","mcpName":"io.github.ann/notes","repository":{"type":"git","url":"git+https://github.com/ann/mono.git","directory":"pkgs/notes"},
              "dist":{"attestations":{"url":"x","provenance":{"predicateType":"https://slsa.dev/provenance/v1"}}},
              "maintainers":[{"name":"ann","email":"a@a.example"},{"name":"bob"}],"_npmUser":{"name":"robot"},"description":"Notes.","dependencies":{"x":"1"}}"#,
        );
        assert_eq!(
            whole.repository.as_ref().map(RepositoryClaim::node).as_deref(),
            Some("github:ann/mono/pkgs/notes")
        );
        assert!(whole.mcp_names.contains("io.github.ann/notes") && whole.shape.is_some());
        assert_eq!(whole.publishers.iter().map(String::as_str).collect::<Vec<_>>(), ["ann", "bob", "robot"]);
        // That there is one says not yet what it says.
        assert_eq!(whole.newest.map(|newest| newest.version).as_deref(), Some("1.2.0"));
        assert_eq!(whole.provenance, None);
        assert_eq!(of(r#"{"version":"1","repository":"ann/mono","dist":{"attestations":{}}}"#).newest, None);
        assert_eq!(
            of(r#"{"mcpName":7,"repository":7,"maintainers":"x","_npmUser":null,"dist":[]}"#),
            PackageFacts::default()
        );
    }

    #[test]
    fn a_scope_is_one_segment() {
        let base = Url::parse("https://r.example/npm").unwrap();
        assert_eq!(below(&base, &["@a/b", "latest"]).as_str(), "https://r.example/npm/@a%2Fb/latest");
    }
}
