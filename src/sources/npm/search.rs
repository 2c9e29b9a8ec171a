//! The search of an npm registry, query after query, page after page by offset.
//!
//! It has no date and no cursor, gives at most 250 hits a page and refuses offsets beyond 10,000: what lies beyond is said.
//! Source: npm/registry, docs/REGISTRY-API.md, "GET /-/v1/search"; limits: research/scale.md section 1.1.

use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;
use url::Url;

use super::super::triage::{has_keyword, signs_of_name};
use super::super::{Ask, WalkError, cut};
use super::{Position, candidate};
use crate::http::{header, shown};
use crate::model::sign::Sign;
use crate::model::source::{Listing, ListingStatus, Next, Page, WalkEnd};

/// 250 hits of some 2 KiB, with room for long lists of maintainers.
const PAGE_BYTES: u64 = 32 * 1024 * 1024;
/// A hit longer than this is kept without its record.
const RECORD_BYTES: usize = 16 * 1024;
/// npm's own bound on a name is 214.
const NAME_CHARS: usize = 300;

#[derive(Deserialize)]
struct Hits<'a> {
    #[serde(borrow)]
    objects: Vec<&'a RawValue>,
    total: u64,
}

#[derive(Deserialize)]
struct Hit<'a> {
    #[serde(borrow)]
    package: &'a RawValue,
}

/// Fields are as their publisher wrote them; only the name is sure.
#[derive(Deserialize)]
struct Package {
    name: String,
    #[serde(default)]
    version: Value,
    #[serde(default)]
    date: Value,
    #[serde(default)]
    keywords: Value,
}

pub(super) async fn page(ask: &Ask<'_>, query: usize, from: u32) -> Result<Page, WalkError> {
    let settings = &ask.settings.npm;
    let empty = |next| Page {
        listings: Vec::new(),
        unchanged: false,
        etag: None,
        seen: 0,
        malformed: 0,
        must_bring_news: false,
        note: None,
        next,
    };
    let Some(words) = settings.queries.get(query) else { return Ok(empty(after_search(ask))) };
    if query > 0 || from > 0 {
        tokio::time::sleep(Duration::from_millis(settings.search_interval_ms)).await;
    }
    let url = address(ask.address, words, settings.search_page, from);
    let accept = [(header::ACCEPT, "application/json")];
    let Some(document) = ask.client.get_unless(&url, &accept, ask.etag, PAGE_BYTES).await? else {
        // A page that is as it was, total included, is followed by the one that followed it.
        let next = ask.next_before.map_or_else(|| after_search(ask), |next| Next::Page(next.to_owned()));
        return Ok(Page { unchanged: true, ..empty(next) });
    };
    let hits: Hits<'_> = document.json()?;
    let mut listings = Vec::new();
    let mut malformed = 0;
    for hit in &hits.objects {
        match read(ask, hit.get()) {
            Some(listing) => listings.push(listing),
            None => malformed += 1,
        }
    }
    if listings.is_empty() && malformed > 0 {
        let why = format!("none of its {malformed} hits can be read");
        return Err(WalkError::Shape { address: shown(&document.url), why });
    }
    let seen = u32::try_from(hits.objects.len()).unwrap_or(u32::MAX);
    let beyond = hits.total > u64::from(settings.search_offset);
    let note = (beyond && from == 0).then(|| {
        let offset = settings.search_offset;
        format!("the search has {} hits for \"{words}\" and gives the first {offset}", hits.total)
    });
    // An empty page ends a query, whatever total is claimed.
    let reached = if seen == 0 { u32::MAX } else { from.saturating_add(seen) };
    let next = further(ask, query, reached, hits.total);
    Ok(Page { listings, etag: document.etag(), seen, malformed, note, ..empty(next) })
}

/// The next page of this query, the first of the next one, or what comes after all of them.
fn further(ask: &Ask<'_>, query: usize, reached: u32, total: u64) -> Next {
    let settings = &ask.settings.npm;
    if u64::from(reached) < total && reached < settings.search_offset {
        return Next::Page(Position::Search { query, from: reached }.text());
    }
    if query + 1 < settings.queries.len() {
        return Next::Page(Position::Search { query: query + 1, from: 0 }.text());
    }
    after_search(ask)
}

fn after_search(ask: &Ask<'_>) -> Next {
    match ask.feed {
        Some(_) => Next::Page(Position::Feed { since: "0".to_owned() }.text()),
        // Never a mark: a search is not the whole list, and has no point to go on from.
        None => Next::End { by: WalkEnd::AbsentCursor, mark: None },
    }
}

fn address(base: &Url, words: &str, size: u32, from: u32) -> Url {
    let mut url = base.clone();
    if let Ok(mut path) = url.path_segments_mut() {
        path.pop_if_empty().extend(["-", "v1", "search"]);
    }
    url.query_pairs_mut()
        .append_pair("text", words)
        .append_pair("size", &size.to_string())
        .append_pair("from", &from.to_string());
    url
}

fn read(ask: &Ask<'_>, text: &str) -> Option<Listing> {
    let hit: Hit<'_> = serde_json::from_str(text).ok()?;
    let package: Package = serde_json::from_str(hit.package.get()).ok()?;
    let name = cut(&package.name, NAME_CHARS);
    let triage = &ask.settings.triage;
    let mut signs = signs_of_name(&name, triage);
    let keywords = package.keywords.as_array().into_iter().flatten().filter_map(Value::as_str);
    if has_keyword(keywords, triage) {
        signs.push(Sign::Keyword);
    }
    // Where there is a feed, its revisions tell what changed.
    let stamp = ask.feed.is_none().then(|| {
        let of = |value: &Value| cut(value.as_str().unwrap_or_default(), 100);
        format!("{}@{}", of(&package.version), of(&package.date))
    });
    let record = Some(hit.package.get()).filter(|text| text.len() <= RECORD_BYTES).map(str::to_owned);
    let found = vec![candidate(&name, signs)];
    Some(Listing { name, version: String::new(), status: ListingStatus::Active, stamp, record, found })
}
