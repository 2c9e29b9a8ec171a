//! One package of an npm registry, read from its packument.
//!
//! The full document is asked for, because only it has the time of publishing; where it is larger than
//! [`PACKUMENT_BYTES`], the version's own document is taken and the time is unknown.
//! Source: npm/registry `docs/REGISTRY-API.md` and `docs/responses/package-metadata.md`.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;
use url::Url;

use super::{FindError, ReleaseFound, below, https_address, linked, said};
use crate::http::{Client, HttpError, header};
use crate::model::{Release, ServerKey, Untrusted};

/// The largest documents seen have 40 MB.
const PACKUMENT_BYTES: u64 = 64 * 1024 * 1024;
const MANIFEST_BYTES: u64 = 4 * 1024 * 1024;

/// Only what is read of a packument; versions stay text until one is chosen.
#[derive(Deserialize)]
struct Packument<'a> {
    #[serde(rename = "dist-tags", default)]
    dist_tags: BTreeMap<String, String>,
    #[serde(borrow, default)]
    versions: BTreeMap<String, &'a RawValue>,
    #[serde(default)]
    time: BTreeMap<String, Value>,
}

/// A version's document. Every field is as its publisher wrote it, so that none has a sure shape.
#[derive(Deserialize)]
struct Manifest {
    version: String,
    #[serde(default)]
    description: Value,
    #[serde(default)]
    repository: Value,
    #[serde(default)]
    homepage: Value,
    #[serde(default)]
    license: Value,
    #[serde(default)]
    engines: Value,
    #[serde(default)]
    bin: Value,
    #[serde(default)]
    name: Value,
    #[serde(default)]
    deprecated: Value,
    #[serde(rename = "mcpName", default)]
    mcp_name: Value,
    #[serde(default)]
    dist: Value,
}

pub(super) async fn find(
    client: &Client,
    base: &Url,
    server: &ServerKey,
    version: Option<&str>,
) -> Result<ReleaseFound, FindError> {
    let url = below(base, server.name(), false);
    let accept = [(header::ACCEPT, "application/json")];
    let document = match client.get_bytes(&url, &accept, PACKUMENT_BYTES).await {
        Ok(document) => document,
        Err(HttpError::TooLarge { .. }) => {
            let manifest = manifest_alone(client, &url, server, version.unwrap_or("latest")).await?;
            return Ok(describe(server, manifest, None));
        }
        Err(error) => return Err(missing(server, error)),
    };
    let packument: Packument<'_> = document.json()?;
    if packument.versions.is_empty() {
        // What is left of a package whose last version was taken back.
        return Err(FindError::NoSuchPackage(server.clone()));
    }
    let newest = newest(&packument);
    let chosen = match version {
        Some(version) => version.to_owned(),
        None => newest.clone().ok_or_else(|| FindError::NotInstallable {
            release: server.to_string(),
            why: "it has no version that is newest: no dist-tag latest, and none that can be ordered".into(),
        })?,
    };
    let Some(raw) = packument.versions.get(&chosen) else {
        return Err(FindError::NoSuchVersion { server: server.clone(), version: chosen, newest });
    };
    let manifest = read(&url, raw.get().as_bytes())?;
    let published = packument.time.get(&chosen).and_then(Value::as_str).and_then(|t| t.parse().ok());
    Ok(describe(server, manifest, published))
}

/// The address of a version's tarball, whose file name must be `file`. Used for the pinned toolchain.
pub(crate) async fn file_address(
    client: &Client,
    base: &Url,
    server: &ServerKey,
    version: &str,
) -> Result<Url, FindError> {
    let manifest = manifest_alone(client, &below(base, server.name(), false), server, version).await?;
    let tarball = manifest.dist.get("tarball").and_then(Value::as_str);
    tarball.and_then(|link| linked(base, base, link)).ok_or_else(|| FindError::NotInstallable {
        release: format!("{server}@{version}"),
        why: "the registry gives no address of its tarball".into(),
    })
}

async fn manifest_alone(
    client: &Client,
    package: &Url,
    server: &ServerKey,
    version: &str,
) -> Result<Manifest, FindError> {
    let url = below(package, version, false);
    match client.get_bytes(&url, &[(header::ACCEPT, "application/json")], MANIFEST_BYTES).await {
        Ok(document) => Ok(document.json()?),
        Err(error) if error.status() == Some(404) => Err(FindError::NoSuchVersion {
            server: server.clone(),
            version: version.to_owned(),
            newest: None,
        }),
        Err(error) => Err(missing(server, error)),
    }
}

fn missing(server: &ServerKey, error: HttpError) -> FindError {
    match error.status() {
        // Some registries answer 405 for names that only an old, case-sensitive package could have.
        Some(404 | 405) => FindError::NoSuchPackage(server.clone()),
        Some(451) => FindError::NotInstallable {
            release: server.to_string(),
            why: "the registry took it down for legal reasons".into(),
        },
        _ => FindError::Http(error),
    }
}

fn read(url: &Url, bytes: &[u8]) -> Result<Manifest, HttpError> {
    serde_json::from_slice(bytes).map_err(|e| HttpError::BadReply {
        url: crate::http::shown(url),
        why: format!("a version's document cannot be read: {e}"),
    })
}

/// `dist-tags.latest`, as npm itself means by no version; without it the highest by semver, pre-releases last.
fn newest(packument: &Packument<'_>) -> Option<String> {
    let tagged = packument.dist_tags.get("latest").filter(|v| packument.versions.contains_key(*v));
    tagged.cloned().or_else(|| {
        let parsed = packument.versions.keys().filter_map(|v| Some((semver::Version::parse(v).ok()?, v)));
        parsed.max_by_key(|(v, _)| (v.pre.is_empty(), v.clone())).map(|(_, text)| text.clone())
    })
}

fn describe(server: &ServerKey, manifest: Manifest, published_at: Option<Timestamp>) -> ReleaseFound {
    let text_of = |value: &Value, key: &str| {
        value.as_str().or_else(|| value.get(key).and_then(Value::as_str)).map(str::to_owned)
    };
    let bins = match &manifest.bin {
        Value::Object(programs) => programs.keys().map(|name| Untrusted::new(name.clone())).collect(),
        Value::String(_) => {
            let name = manifest.name.as_str().unwrap_or(server.name());
            vec![Untrusted::new(name.rsplit('/').next().unwrap_or(name))]
        }
        _ => Vec::new(),
    };
    ReleaseFound {
        release: Release { server: server.clone(), version: manifest.version },
        published_at,
        description: said(manifest.description.as_str()),
        repository: text_of(&manifest.repository, "url").as_deref().and_then(https_address),
        repository_folder: said(manifest.repository.get("directory").and_then(Value::as_str)),
        homepage: manifest.homepage.as_str().and_then(https_address),
        licence: said(text_of(&manifest.license, "type").as_deref()),
        mcp_names: said(manifest.mcp_name.as_str()).into_iter().collect(),
        requires_python: None,
        engines_node: manifest.engines.get("node").and_then(Value::as_str).map(str::to_owned),
        bins,
        withdrawn: said(manifest.deprecated.as_str()),
    }
}
