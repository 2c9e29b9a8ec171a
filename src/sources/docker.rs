//! The Docker catalogue: a checkout or a tarball of the registry's repository, one folder a server below `servers/`.
//!
//! A checkout is read a number of folders at a time, a tarball as a whole. What a page holds is hashed first: if it is as it
//! was, nothing of it is read again.
//! Source: docker/mcp-registry, CONTRIBUTING.md and pkg/servers/types.go (2026-07): `server.yaml`, and `tools.json` where
//! the tools cannot be listed without a login.

mod folder;
mod record;
pub mod tarball;

use std::path::PathBuf;

use futures_util::FutureExt;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use url::Url;

use super::{Ask, Begin, Source, WalkError};
use crate::http::shown;
use crate::model::declared::DeclaredList;
use crate::model::digest::sha256_hex;
use crate::model::source::{Listing, Next, Page, SourceName, WalkEnd, WalkKind};

pub(super) const SOURCE: Source = Source { name: SourceName::Docker, begin, page: |ask| page(ask).boxed() };

/// Grows when records are read in another way: then what was read before is read again.
const READER: u32 = 1;
/// The whole repository had 4 MiB in July 2026.
const TARBALL_BYTES: u64 = 128 * 1024 * 1024;
/// Largest in July 2026: 5 KiB.
const YAML_BYTES: u64 = 256 * 1024;
/// Largest in July 2026: 98 KiB.
const TOOLS_BYTES: u64 = 4 * 1024 * 1024;
/// 328 folders in July 2026.
const MAX_SERVERS: usize = 20_000;

/// The files of one server, as they lie below `servers/`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Files {
    /// The folder's name.
    name: String,
    /// `server.yaml`.
    server: Vec<u8>,
    /// `tools.json`.
    tools: Option<Vec<u8>>,
    /// When the newer of both was changed, seconds of the epoch.
    changed: i64,
}

impl Files {
    fn hash(&self) -> String {
        let tools = self.tools.as_deref().map(sha256_hex).unwrap_or_default();
        format!("{}+{tools}", sha256_hex(&self.server))
    }
}

/// What a reader brought: files, and how many folders could not be read.
#[derive(Debug, Default)]
struct Batch {
    files: Vec<Files>,
    malformed: u32,
    /// The last folder's name, where others come after it.
    more_after: Option<String>,
}

/// Which page: the folders after this name.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Position {
    after: String,
}

impl Position {
    fn text(&self) -> String {
        serde_json::to_string(self).expect("a string is always JSON")
    }
}

fn begin(begin: &Begin<'_>) -> Result<(WalkKind, String), WalkError> {
    let kind = match begin.since {
        None => WalkKind::Full,
        Some(given) => super::mcp::time_of(given).map(|_| WalkKind::Since)?,
    };
    Ok((kind, Position::default().text()))
}

async fn page(ask: &Ask<'_>) -> Result<Page, WalkError> {
    let position: Position = serde_json::from_str(ask.position).map_err(|_| WalkError::BadPosition {
        source_name: SourceName::Docker,
        position: ask.position.to_owned(),
    })?;
    let since = ask.since.map(super::mcp::time_of).transpose()?;
    // A walk since some time leaves files out: what it read says nothing of the whole.
    let etag = ask.etag.filter(|_| since.is_none());
    let mark = Some(ask.began.to_string());
    let (batch, validator) = match ask.address.to_file_path() {
        Ok(path) => (read_disk(ask, path, position.after).await?, None),
        Err(()) => {
            let known = etag.and_then(|etag| etag.split_once(' ')).map(|(_, validator)| validator);
            let fetched = ask
                .client
                .get_unless(ask.address, &[], known.filter(|k| !k.is_empty()), TARBALL_BYTES)
                .await?;
            let Some(document) = fetched else {
                let mark = ask.mark.map(str::to_owned).or(mark);
                return Ok(kept(ask, Next::End { by: WalkEnd::NotModified, mark }));
            };
            let validator = document.etag();
            let read = in_threads(move || tarball::read(&document.bytes));
            (read.await.map_err(|error| failed(ask, &error))?, validator)
        }
    };
    let next = match &batch.more_after {
        Some(after) => Next::Page(Position { after: after.clone() }.text()),
        None => Next::End { by: WalkEnd::AbsentCursor, mark },
    };
    let seen = u32::try_from(batch.files.len()).unwrap_or(u32::MAX).saturating_add(batch.malformed);
    let hash = hash_of(&batch);
    let same = etag.is_some_and(|etag| etag.split(' ').next() == Some(hash.as_str()));
    if same && batch.malformed == 0 {
        return Ok(kept(ask, next));
    }
    Ok(read_batch(ask, &batch, since, hash, validator, next, seen))
}

/// Reads the records of what is there, or of what changed since.
fn read_batch(
    ask: &Ask<'_>,
    batch: &Batch,
    since: Option<Timestamp>,
    hash: String,
    validator: Option<String>,
    next: Next,
    seen: u32,
) -> Page {
    let wanted = |files: &&Files| since.is_none_or(|since| files.changed >= since.as_second());
    let mut malformed = batch.malformed;
    let mut listings: Vec<Listing> = Vec::new();
    for files in batch.files.iter().filter(wanted) {
        match record::read(files, &ask.settings.triage) {
            Ok(listing) => listings.push(listing),
            Err(why) => {
                let name = crate::model::Untrusted::new(files.name.as_str()).for_terminal(100);
                tracing::info!(name, why, "a record of the Docker catalogue cannot be read");
                malformed += 1;
            }
        }
    }
    let etag = since.is_none().then(|| format!("{hash} {}", validator.unwrap_or_default()));
    Page { listings, unchanged: false, etag, seen, malformed, must_bring_news: false, note: None, next }
}

/// A page that is as it was.
fn kept(ask: &Ask<'_>, next: Next) -> Page {
    Page { unchanged: true, etag: ask.etag.map(str::to_owned), ..Page::empty(next) }
}

async fn read_disk(ask: &Ask<'_>, path: PathBuf, after: String) -> Result<Batch, WalkError> {
    let most = usize::try_from(ask.settings.docker.page_size).unwrap_or(usize::MAX).max(1);
    let read = in_threads(move || {
        if path.is_dir() {
            return folder::read(&path, &after, most);
        }
        let bytes = folder::bounded(&path, TARBALL_BYTES)?;
        tarball::read(&bytes)
    });
    read.await.map_err(|error| failed(ask, &error))
}

/// Files and decompression, where they do not hold up the walk's timer.
async fn in_threads(
    read: impl FnOnce() -> std::io::Result<Batch> + Send + 'static,
) -> std::io::Result<Batch> {
    tokio::task::spawn_blocking(read).await.unwrap_or_else(|error| Err(std::io::Error::other(error)))
}

fn failed(ask: &Ask<'_>, error: &std::io::Error) -> WalkError {
    WalkError::Unreadable { address: shown(ask.address), why: error.to_string() }
}

fn hash_of(batch: &Batch) -> String {
    let mut text = format!("reader {READER}\n");
    for files in &batch.files {
        text.push_str(&format!("{}\0{}\n", files.name, files.hash()));
    }
    sha256_hex(text.as_bytes())
}

/// The lists that a record declares.
pub(super) fn declared(listing: &Listing) -> Vec<DeclaredList> {
    record::declared(listing)
}

/// A folder or file of this machine as an address.
///
/// # Errors
/// It is not there.
pub fn address_of(path: &std::path::Path) -> std::io::Result<Url> {
    let path = path.canonicalize()?;
    Url::from_file_path(&path).map_err(|()| std::io::Error::other("its path cannot be written as an address"))
}
