//! The manifest of a bundle (MCPB, formerly DXT) that a registry's record names: fetched only over `https`, only where the
//! record states its SHA-256, and read only if that is what came.
//!
//! The bundle lies in a file without a name while it is read; nothing of it is unpacked but `manifest.json`, in memory.
//! Source: modelcontextprotocol/mcpb, MANIFEST.md (`manifest_version` 0.3, `dxt_version` before): `tools`, `tools_generated`,
//! `prompts`, `prompts_generated`.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::time::Duration;

use serde_json::Value;
use sha2::{Digest, Sha256};
use thiserror::Error;
use tokio::time::Instant;
use url::Url;

use crate::http::{Answer, Client, HeaderMap, HttpError, Method, Reach, Request, header, shown};
use crate::model::declared::{DeclaredBy, DeclaredList, entries, says_yes};

/// The whole of it, redirects included.
const WITHIN: Duration = Duration::from_secs(300);
const MAX_REDIRECTS: usize = 3;
/// Servers with their dependencies: Node's have thousands of files.
const MAX_ENTRIES: usize = 50_000;
const MANIFEST: &str = "manifest.json";
const MANIFEST_BYTES: u64 = 4 * 1024 * 1024;
/// As for every archive (research/scale.md section 3.2, row 12).
const MAX_RATIO: u64 = 200;
/// Small texts may well be all of one letter.
const RATIO_FROM: u64 = 64 * 1024;

/// Where a bundle is and what its bytes must hash to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stated {
    /// Its address.
    pub address: Url,
    /// SHA-256, lower case.
    pub sha256: String,
}

/// Why nothing was read of a bundle.
#[derive(Debug, Error)]
pub enum BundleError {
    /// It could not be fetched.
    #[error(transparent)]
    Http(#[from] HttpError),
    /// It says nothing that could be believed, and will not until its record changes.
    #[error("{address}: {why}")]
    Refused {
        /// Where it is.
        address: String,
        /// What is wrong.
        why: String,
    },
    /// Our own disk failed.
    #[error("a bundle cannot be written to the temporary folder")]
    Disk(#[from] std::io::Error),
}

impl BundleError {
    /// True if the same bundle may well be read another time.
    pub fn may_pass(&self) -> bool {
        match self {
            BundleError::Disk(_) => true,
            BundleError::Refused { .. } => false,
            BundleError::Http(error) => match error {
                HttpError::NoNetwork { .. } | HttpError::TimedOut { .. } | HttpError::Resting { .. } => true,
                HttpError::Registry { status, retry_after, .. } => {
                    retry_after.is_some() || status.is_server_error() || status.as_u16() == 429
                }
                HttpError::BadReply { .. } | HttpError::TooLarge { .. } | HttpError::Refused { .. } => false,
            },
        }
    }
}

/// What a record states of the bundle with this key (`mcpb:ADDRESS`).
///
/// # Errors
/// Why it may not be fetched: no address, no SHA-256.
pub fn stated(record: &str, key: &str) -> Result<Stated, &'static str> {
    let item: Value = serde_json::from_str(record).map_err(|_| "its record cannot be read")?;
    let server = item.get("server").filter(|server| server.is_object()).unwrap_or(&item);
    let mut packages = server.get("packages").and_then(Value::as_array).into_iter().flatten();
    let text = |package: &Value, names: [&str; 2]| -> Option<String> {
        names.iter().find_map(|name| package.get(*name)?.as_str().map(str::to_owned))
    };
    let named = packages.find(|p| {
        let identifier = text(p, ["identifier", "name"]).unwrap_or_default();
        key.strip_prefix("mcpb:").is_some_and(|known| known == identifier)
    });
    let package = named.ok_or("its record does not name it in full")?;
    let address = text(package, ["identifier", "name"]).and_then(|text| Url::parse(&text).ok());
    let address = address.filter(|url| matches!(url.scheme(), "https" | "http") && url.host().is_some());
    let sha256 = text(package, ["fileSha256", "file_sha256"]).map(|hash| hash.trim().to_ascii_lowercase());
    let sha256 = sha256.filter(|hash| hash.len() == 64 && hash.bytes().all(|b| b.is_ascii_hexdigit()));
    Ok(Stated {
        address: address.ok_or("its identifier is no address")?,
        sha256: sha256.ok_or("its record states no SHA-256")?,
    })
}

/// Fetches a bundle and reads the list its manifest declares. A bundle that lies with the very list that names it, at `list`,
/// is fetched the way the list is; any other over `https` from public addresses only.
///
/// # Errors
/// [`BundleError`].
pub async fn declared(
    client: &Client,
    list: &Url,
    key: &str,
    stated: &Stated,
    cap_bytes: u64,
) -> Result<DeclaredList, BundleError> {
    let (file, sha256) = fetch(client, list, &stated.address, cap_bytes).await?;
    let refused = |why: String| BundleError::Refused { address: shown(&stated.address), why };
    if sha256 != stated.sha256 {
        return Err(refused(format!("its SHA-256 is {sha256}, its record states {}", stated.sha256)));
    }
    let read = tokio::task::spawn_blocking(move || manifest(file)).await;
    let manifest = read.map_err(std::io::Error::other)?.map_err(refused)?;
    Ok(DeclaredList {
        about: key.to_owned(),
        by: DeclaredBy::Bundle,
        place: shown(&stated.address),
        hash: sha256,
        grows: says_yes(manifest.get("tools_generated")) || says_yes(manifest.get("prompts_generated")),
        tools: entries(manifest.get("tools")),
        prompts: entries(manifest.get("prompts")),
    })
}

async fn fetch(
    client: &Client,
    list: &Url,
    from: &Url,
    cap_bytes: u64,
) -> Result<(File, String), BundleError> {
    let ends_at = Instant::now() + WITHIN;
    let mut url = from.clone();
    for _ in 0..=MAX_REDIRECTS {
        let reach = if url.origin() == list.origin() { Reach::Typed } else { Reach::Public };
        let request = Request {
            method: Method::GET,
            url: &url,
            reach,
            headers: HeaderMap::new(),
            body: None,
            cap_bytes,
            ends_at,
        };
        let answer = client.send(request).await?;
        if answer.status.is_success() {
            return to_file(answer).await;
        }
        if !answer.status.is_redirection() {
            let retry_after = answer.headers.get(header::RETRY_AFTER).map(|_| Duration::ZERO);
            return Err(HttpError::Registry { url: shown(&url), status: answer.status, retry_after }.into());
        }
        let next = answer.headers.get(header::LOCATION).and_then(|value| value.to_str().ok());
        let next =
            next.and_then(|next| answer.url.join(next).ok()).filter(|next| next.scheme() == url.scheme());
        let why = || "a redirect to nowhere, or to another scheme".to_owned();
        url = next.ok_or_else(|| BundleError::Refused { address: shown(&url), why: why() })?;
    }
    let why = format!("more than {MAX_REDIRECTS} redirects");
    Err(BundleError::Refused { address: shown(from), why })
}

/// Writes the answer into a file without a name, and says what it hashes to.
async fn to_file(mut answer: Answer) -> Result<(File, String), BundleError> {
    let mut file = tempfile::tempfile()?;
    let mut hash = Sha256::new();
    while let Some(chunk) = answer.next_chunk().await? {
        hash.update(&chunk);
        file.write_all(&chunk)?;
    }
    file.seek(SeekFrom::Start(0))?;
    Ok((file, hex::encode(hash.finalize())))
}

/// The manifest of a bundle that lies in this file.
///
/// # Errors
/// Why it is none, in words.
pub fn manifest(file: File) -> Result<Value, String> {
    let mut archive = zip::ZipArchive::new(file).map_err(|e| format!("it is no zip archive: {e}"))?;
    if archive.len() > MAX_ENTRIES {
        return Err(format!("it has more than {MAX_ENTRIES} entries"));
    }
    let entry = archive.by_name(MANIFEST).map_err(|_| format!("there is no {MANIFEST} in it"))?;
    if !entry.is_file() || !matches!(entry.unix_mode().unwrap_or(0) & 0o170_000, 0 | 0o100_000) {
        return Err(format!("its {MANIFEST} is no regular file"));
    }
    let most = entry.compressed_size().saturating_mul(MAX_RATIO).clamp(RATIO_FROM, MANIFEST_BYTES);
    let mut bytes = Vec::new();
    entry
        .take(most + 1)
        .read_to_end(&mut bytes)
        .map_err(|e| format!("its {MANIFEST} cannot be read: {e}"))?;
    if bytes.len() as u64 > most {
        return Err(format!("its {MANIFEST} unpacks to more than {most} bytes"));
    }
    let manifest: Value = serde_json::from_slice(&bytes).map_err(|_| format!("its {MANIFEST} is no JSON"))?;
    let says = ["manifest_version", "dxt_version"].iter().any(|key| manifest.get(key).is_some());
    if says { Ok(manifest) } else { Err(format!("its {MANIFEST} is none of a bundle")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn zipped(entries: &[(&str, &[u8])]) -> File {
        let mut writer = zip::ZipWriter::new(tempfile::tempfile().unwrap());
        for (name, bytes) in entries {
            writer.start_file(*name, zip::write::SimpleFileOptions::default()).unwrap();
            writer.write_all(bytes).unwrap();
        }
        writer.finish().unwrap()
    }

    #[test]
    fn only_the_manifest_at_the_top_is_read_and_it_must_be_a_bundle_s() {
        let good = br#"{"manifest_version":"0.3","tools":[{"name":"ring"}]}"#;
        assert!(manifest(zipped(&[("server/x.js", b"x"), (MANIFEST, good)])).is_ok());
        assert!(manifest(zipped(&[(MANIFEST, br#"{"dxt_version":"0.1"}"#)])).is_ok());
        let many: Vec<String> = (0..=MAX_ENTRIES).map(|i| format!("f{i}")).collect();
        let many: Vec<(&str, &[u8])> = many.iter().map(|name| (name.as_str(), &b""[..])).collect();
        let bomb = format!("{{\"manifest_version\":\"{}\"}}", " ".repeat(3 << 20));
        for (file, why) in [
            (zipped(&[("deep/manifest.json", good)]), "there is no"),
            (zipped(&[("../manifest.json", good)]), "there is no"),
            (zipped(&[(MANIFEST, b"{}")]), "none of a bundle"),
            (zipped(&[(MANIFEST, b"{")]), "no JSON"),
            (zipped(&[(MANIFEST, bomb.as_bytes())]), "unpacks to more than"),
            (zipped(&many), "more than 50000 entries"),
        ] {
            let refused = manifest(file).unwrap_err();
            assert!(refused.contains(why), "{refused}");
        }
        let mut link = zip::ZipWriter::new(tempfile::tempfile().unwrap());
        link.add_symlink(MANIFEST, "/etc/passwd", zip::write::SimpleFileOptions::default()).unwrap();
        assert!(manifest(link.finish().unwrap()).unwrap_err().contains("no regular file"));
        let mut text = tempfile::tempfile().unwrap();
        text.write_all(b"no archive").unwrap();
        assert!(manifest(text).is_err());
    }

    #[test]
    fn without_a_stated_hash_and_an_address_nothing_is_fetched() {
        let hash = "AB".repeat(32);
        let record = |package: &str| format!(r#"{{"server":{{"name":"x","packages":[{package}]}}}}"#);
        let of = |package: &str| stated(&record(package), "mcpb:https://bell.example/b.mcpb");
        let good = format!(r#"{{"identifier":"https://bell.example/b.mcpb","fileSha256":"{hash}"}}"#);
        assert_eq!(of(&good).unwrap().sha256, hash.to_ascii_lowercase());
        for bad in [
            r#"{"identifier":"https://bell.example/b.mcpb"}"#,
            r#"{"identifier":"https://bell.example/b.mcpb","fileSha256":"ab"}"#,
            r#"{"identifier":"https://other.example/b.mcpb","fileSha256":"00"}"#,
        ] {
            assert!(of(bad).is_err(), "{bad}");
        }
        let file = format!(r#"{{"identifier":"file:///etc/passwd","fileSha256":"{hash}"}}"#);
        assert!(stated(&record(&file), "mcpb:file:///etc/passwd").is_err());
    }
}
