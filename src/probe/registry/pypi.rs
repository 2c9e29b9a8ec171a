//! One project of a Python package index, read from its page in the simple index and one wheel's metadata.
//!
//! Source: PEP 691 and 700 (JSON page), PEP 503 (HTML page, for mirrors that have nothing else), PEP 592 (yanked),
//! PEP 658 and 714 (metadata beside the wheel), PEP 427 (names of wheels), PEP 440 (order of versions).

pub(super) mod metadata;
mod page;

use std::str::FromStr;

use pep440_rs::Version;
use url::Url;

use self::page::{File, Page};
use super::{FindError, ReleaseFound, below};
use crate::http::{Client, HttpError, header};
use crate::model::{Release, ServerKey, Untrusted};

/// Pages of projects with ten thousand files have some 10 MB.
const PAGE_BYTES: u64 = 64 * 1024 * 1024;
const METADATA_BYTES: u64 = 4 * 1024 * 1024;

/// JSON where there is any, then the two spellings of HTML.
const ACCEPT: &str =
    "application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.01";

pub(super) async fn find(
    client: &Client,
    base: &Url,
    server: &ServerKey,
    version: Option<&str>,
) -> Result<ReleaseFound, FindError> {
    let page = fetch_page(client, base, server).await?;
    let chosen = choose(&page, server, version)?;
    let files: Vec<&File> = page.files.iter().filter(|f| f.version.as_ref() == Some(&chosen)).collect();
    let not_installable =
        |why: String| FindError::NotInstallable { release: format!("{server}=={chosen}"), why };
    let wheels: Vec<&&File> = files.iter().filter(|f| f.wheel.is_some()).collect();
    if wheels.is_empty() {
        return Err(not_installable(match newest_with_wheel(&page) {
            Some(older) => format!(
                "it is published as source only, which is not built here; the newest with a wheel is {older}"
            ),
            None => "it is published as source only, which is not built here".into(),
        }));
    }
    let Some(wheel) = wheels.iter().find(|f| f.wheel.as_ref().is_some_and(page::Wheel::fits_this_machine))
    else {
        return Err(not_installable("its wheels are for other systems or processors".into()));
    };
    let version = spelling(&page, &chosen);
    let metadata = match &wheel.metadata {
        Some(_) => fetch_metadata(client, wheel).await?,
        None => fetch_project_json(client, base, server, &version).await?,
    };
    let yanked = files.iter().all(|f| f.yanked.is_some());
    Ok(ReleaseFound {
        release: Release { server: server.clone(), version },
        published_at: files.iter().filter_map(|f| f.uploaded_at).min().or(metadata.uploaded_at),
        description: metadata.summary,
        repository: metadata.repository,
        repository_folder: None,
        homepage: metadata.homepage,
        licence: metadata.licence,
        mcp_names: metadata.mcp_names,
        requires_python: wheel.requires_python.clone().or(metadata.requires_python),
        engines_node: None,
        bins: Vec::new(),
        withdrawn: yanked.then(|| wheel.yanked.clone().unwrap_or_else(|| Untrusted::new("yanked"))),
    })
}

/// The address of a file of a project, by its exact name. Used for the pinned toolchain.
pub(crate) async fn file_address(
    client: &Client,
    base: &Url,
    server: &ServerKey,
    file: &str,
) -> Result<Url, FindError> {
    let page = fetch_page(client, base, server).await?;
    let found = page.files.into_iter().find(|f| f.name == file);
    found.map(|f| f.url).ok_or_else(|| FindError::NotInstallable {
        release: server.to_string(),
        why: format!("the index has no file {file}"),
    })
}

async fn fetch_page(client: &Client, base: &Url, server: &ServerKey) -> Result<Page, FindError> {
    let url = below(base, server.name(), true);
    match client.get_bytes(&url, &[(header::ACCEPT, ACCEPT)], PAGE_BYTES).await {
        Ok(document) => Ok(page::read(&document, base, server.name())?),
        Err(error) if error.status() == Some(404) => Err(FindError::NoSuchPackage(server.clone())),
        Err(error) => Err(FindError::Http(error)),
    }
}

async fn fetch_metadata(client: &Client, wheel: &File) -> Result<metadata::Metadata, FindError> {
    let mut url = wheel.url.clone();
    url.set_path(&format!("{}.metadata", wheel.url.path()));
    let document = client.get_bytes(&url, &[], METADATA_BYTES).await?;
    if let Some(Some(expected)) = &wheel.metadata {
        let actual = crate::model::digest::sha256_hex(&document.bytes);
        if *expected != actual {
            let why = format!("the metadata's SHA-256 is {actual}, the index says {expected}");
            return Err(HttpError::BadReply { url: crate::http::shown(&url), why }.into());
        }
    }
    Ok(metadata::read(&String::from_utf8_lossy(&document.bytes)))
}

/// The same facts from the older JSON document beside the index, for mirrors that do not offer the metadata. It is no
/// standard, so that an index which has none, or something else there, only leaves the facts unknown.
async fn fetch_project_json(
    client: &Client,
    base: &Url,
    server: &ServerKey,
    version: &str,
) -> Result<metadata::Metadata, FindError> {
    let Some(root) = base.path().trim_end_matches('/').strip_suffix("/simple") else {
        return Ok(metadata::Metadata::default());
    };
    // Some mirrors have only the project's own document, which tells of the newest version.
    for path in [format!("{}/{version}/json", server.name()), format!("{}/json", server.name())] {
        let mut url = base.clone();
        url.set_path(&format!("{root}/pypi/{path}"));
        match client.get_bytes(&url, &[(header::ACCEPT, "application/json")], PAGE_BYTES).await {
            Ok(document) => {
                return Ok(document
                    .json()
                    .map(|d| metadata::from_project_json(&d, version))
                    .unwrap_or_default());
            }
            Err(HttpError::Registry { .. } | HttpError::BadReply { .. } | HttpError::TooLarge { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(metadata::Metadata::default())
}

/// The version that is meant: the given one, or the newest that is neither yanked nor (if there is another) a
/// pre-release. An older version is never chosen because the newest has no wheel: that would be a silent downgrade.
fn choose(page: &Page, server: &ServerKey, wanted: Option<&str>) -> Result<Version, FindError> {
    if page.files.iter().all(|f| f.version.is_none()) {
        let why = page.status.clone().map_or_else(
            || "the index lists no file of it".to_owned(),
            |status| format!("the index lists no file of it and marks the project \"{status}\""),
        );
        return Err(FindError::NotInstallable { release: server.to_string(), why });
    }
    let versions = |yanked: bool| {
        page.files.iter().filter(move |f| yanked || f.yanked.is_none()).filter_map(|f| f.version.as_ref())
    };
    let newest = versions(false).max_by_key(|v| (!v.any_prerelease(), (*v).clone())).cloned();
    let Some(wanted) = wanted else {
        return newest.ok_or_else(|| FindError::NotInstallable {
            release: server.to_string(),
            why: "every version of it was yanked".into(),
        });
    };
    let missing = || FindError::NoSuchVersion {
        server: server.clone(),
        version: wanted.to_owned(),
        newest: newest.as_ref().map(|v| spelling(page, v)),
    };
    let wanted = Version::from_str(wanted).map_err(|_| missing())?;
    versions(true).find(|v| **v == wanted).cloned().ok_or_else(missing)
}

fn newest_with_wheel(page: &Page) -> Option<Version> {
    let usable = page.files.iter().filter(|f| f.wheel.is_some() && f.yanked.is_none());
    usable.filter_map(|f| f.version.clone()).max_by_key(|v| (!v.any_prerelease(), v.clone()))
}

/// The version as the index spells it (PEP 700 `versions`), else normalised.
fn spelling(page: &Page, version: &Version) -> String {
    let listed = page.versions.iter().find(|text| Version::from_str(text).is_ok_and(|v| v == *version));
    listed.cloned().unwrap_or_else(|| version.to_string())
}
