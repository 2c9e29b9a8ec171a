//! A Python package index: all its projects in one document, each with the serial of its last change.
//!
//! The document is asked for with its validator; of its names only those that look like MCP are kept. What changed is what
//! has another serial than before; what is not in it any more is gone.
//! Source: PEP 691 and PEP 503 (HTML, for indexes that have nothing else); `_last-serial` as documented by the index API.

mod document;
mod integrity;
mod metadata;
mod names;
mod page;
pub mod wheel;

use futures_util::FutureExt;
use url::Url;

use super::triage::signs_of_name;
use super::{Ask, Begin, Source, WalkError, cut};
use crate::http::{Document, HttpError, header, is_json, shown};
use crate::model::ServerKey;
use crate::model::source::{
    Candidate, Listing, ListingStatus, Next, Obstacle, Page, SourceName, WalkEnd, WalkKind,
};
use names::{Index, Project};

pub(super) use document::{look, names_in_version};
pub(super) use integrity::provenance;

pub(super) const SOURCE: Source = Source { name: SourceName::Pypi, begin, page: |ask| page(ask).boxed() };

/// 886,000 names of some 60 bytes in 2026, with room to grow.
const INDEX_BYTES: u64 = 512 * 1024 * 1024;
const ACCEPT: &str = "application/vnd.pypi.simple.v1+json, text/html;q=0.01";
/// There is one page.
const POSITION: &str = "index";
/// By the core metadata's own rule a name has no such bound; no sane one is longer.
const NAME_CHARS: usize = 300;

fn begin(begin: &Begin<'_>) -> Result<(WalkKind, String), WalkError> {
    let kind = match begin.since {
        None => WalkKind::Full,
        Some(serial) if serial.parse::<u64>().is_ok() => WalkKind::Since,
        Some(given) => {
            return Err(WalkError::BadSince {
                given: given.to_owned(),
                form: "give a serial, a whole number as the index counts its changes",
            });
        }
    };
    Ok((kind, POSITION.to_owned()))
}

async fn page(ask: &Ask<'_>) -> Result<Page, WalkError> {
    let since = ask.since.and_then(|serial| serial.parse::<u64>().ok());
    // A walk since some serial reads names that the last one may have passed over.
    let etag = ask.etag.filter(|_| since.is_none() && ask.mark.is_some());
    let accept = [(header::ACCEPT, ACCEPT)];
    let page = |listings, seen, malformed, etag, note, next| Page {
        listings,
        unchanged: false,
        etag,
        seen,
        malformed,
        must_bring_news: false,
        note,
        next,
    };
    let Some(document) = ask.client.get_unless(&folder(ask.address), &accept, etag, INDEX_BYTES).await?
    else {
        let end = Next::End { by: WalkEnd::NotModified, mark: ask.mark.map(str::to_owned) };
        return Ok(Page { unchanged: true, ..page(Vec::new(), 0, 0, None, None, end) });
    };
    let index = read(&document)?;
    // A walk since some serial leaves out the rest: the next whole one must not take the document for read.
    let etag = document.etag().filter(|_| since.is_none());
    let address = shown(&document.url);
    drop(document);
    let known = ask.mark.and_then(|mark| mark.parse::<u64>().ok());
    if let (Some(found), Some(known)) = (index.serial, known)
        && found < known
    {
        return Err(WalkError::Stale { address, found, known });
    }
    let has_serials = index.projects.iter().all(|project| project.serial.is_some());
    let note = (!has_serials).then(|| {
        "the index gives no serials: that a known project changed is not seen here, --refresh asks anew"
            .to_owned()
    });
    let projects = index.projects.into_iter().filter(|p| since.is_none_or(|since| p.serial > Some(since)));
    let listings = projects.map(|project| listing(ask, project)).collect();
    let mark = index.serial.unwrap_or_default().to_string();
    let end = Next::End { by: WalkEnd::AbsentCursor, mark: Some(mark) };
    Ok(page(listings, index.total, index.malformed, etag, note, end))
}

fn read(document: &Document) -> Result<Index, WalkError> {
    let bad = |why: String| WalkError::Shape { address: shown(&document.url), why };
    let mut index = if is_json(&document.media_type) {
        names::read_json(&document.bytes).map_err(|e| bad(format!("its JSON cannot be read: {e}")))?
    } else if let Some(index) = names::read_html(&String::from_utf8_lossy(&document.bytes)) {
        index
    } else {
        let why = "answered neither a simple index in JSON nor one in HTML".to_owned();
        return Err(HttpError::BadReply { url: shown(&document.url), why }.into());
    };
    if index.total == 0 && index.malformed > 0 {
        return Err(bad("none of its projects has a name".to_owned()));
    }
    let header = document.headers.get("x-pypi-last-serial").and_then(|value| value.to_str().ok());
    index.serial = index.serial.or_else(|| header.and_then(|text| text.parse().ok()));
    Ok(index)
}

fn listing(ask: &Ask<'_>, project: Project) -> Listing {
    let name = cut(&project.name, NAME_CHARS);
    let signs = signs_of_name(&name, &ask.settings.triage);
    let found = match ServerKey::pypi(&name) {
        Ok(key) => Candidate { key: key.to_string(), obstacle: None, signs },
        Err(_) => Candidate { key: format!("pypi:{name}"), obstacle: Some(Obstacle::Malformed), signs },
    };
    Listing {
        name,
        version: String::new(),
        status: ListingStatus::Active,
        stamp: project.serial.map(|serial| serial.to_string()),
        record: None,
        found: vec![found],
    }
}

/// The index with a slash at its end: without one most answer with a redirect.
fn folder(base: &Url) -> Url {
    let mut url = base.clone();
    if let Ok(mut path) = url.path_segments_mut() {
        path.pop_if_empty().push("");
    }
    url
}
