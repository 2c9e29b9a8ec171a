//! The search of an npm registry, query after query, page after page by offset.
//!
//! It has no date and no cursor, gives at most 250 hits a page and refuses offsets beyond 10,000: a query with more hits is read in
//! parts (`halves`), and where a registry knows no parts, it is said what lies beyond. A registry that knows no keywords is asked for the
//! word alone.
//! Source: npm/registry, docs/REGISTRY-API.md, "GET /-/v1/search"; limits: research/scale.md section 1.1.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;
use url::Url;

use super::super::triage::{has_keyword, signs_of_name};
use super::super::{Ask, WalkError, cut};
use super::halves::{Half, is_a_cut, next_part, words};
use super::{Position as PagePosition, candidate, is_false};
use crate::http::{Document, header, is_here, shown};
use crate::model::sign::Sign;
use crate::model::source::{Listing, ListingStatus, Next, Page, WalkEnd};

/// 250 hits of some 2 KiB, with room for long lists of maintainers.
const PAGE_BYTES: u64 = 32 * 1024 * 1024;
/// A hit longer than this is kept without its record.
const RECORD_BYTES: usize = 16 * 1024;
/// The qualifier that some registries do not know: they look for it as a word, and find nothing.
const KEYWORDS: &str = "keywords:";
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

/// A page of the search.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Position {
    /// The query's place in the list of queries.
    query: usize,
    /// Which part of its hits; all of them if empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    part: Vec<Half>,
    /// Hits before it.
    from: u32,
    /// True if it is asked without its qualifier.
    #[serde(default, skip_serializing_if = "is_false")]
    plain: bool,
    /// True once some hits could not be had.
    #[serde(default, skip_serializing_if = "is_false")]
    capped: bool,
}

impl Position {
    fn words_of<'a>(&self, queries: &'a [String]) -> Option<&'a str> {
        let query = queries.get(self.query)?.as_str();
        Some(if self.plain { query.strip_prefix(KEYWORDS).unwrap_or(query) } else { query })
    }

    fn page(self) -> Next {
        Next::Page(PagePosition::Search(self).text())
    }
}

pub(super) async fn page(ask: &Ask<'_>, position: &Position) -> Result<Page, WalkError> {
    let settings = &ask.settings.npm;
    let query = position.words_of(&settings.queries);
    let Some(text) = query.and_then(|query| words(query, &position.part, &settings.search_halves)) else {
        return Ok(Page::empty(after_search(ask, position.capped)));
    };
    if *position != Position::default() {
        rest(ask).await;
    }
    let url = address(ask.address, &text, settings.search_page, position.from);
    let accept = [(header::ACCEPT, "application/json")];
    let Some(document) = ask.client.get_unless(&url, &accept, ask.etag, PAGE_BYTES).await? else {
        // A page that is as it was, total included, is followed by the one that followed it.
        let next = ask.next_before.map(|next| Next::Page(next.to_owned()));
        let next = next.unwrap_or_else(|| after_search(ask, position.capped));
        return Ok(Page { unchanged: true, ..Page::empty(next) });
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
    let (note, next) = if hits.total > u64::from(settings.search_offset) && position.from == 0 {
        beyond(ask, position, &text, seen, hits.total).await?
    } else {
        (None, further(ask, position, seen, hits.total))
    };
    Ok(Page { listings, etag: document.etag(), seen, malformed, note, ..Page::empty(next) })
}

async fn rest(ask: &Ask<'_>) {
    if is_here(ask.address) {
        return;
    }
    tokio::time::sleep(Duration::from_millis(ask.settings.npm.search_interval_ms)).await;
}

/// A query, or a part of one, with more hits than the search gives: its halves come next, if the registry knows any.
async fn beyond(
    ask: &Ask<'_>,
    position: &Position,
    text: &str,
    seen: u32,
    total: u64,
) -> Result<(Option<String>, Next), WalkError> {
    let settings = &ask.settings.npm;
    let query = position.words_of(&settings.queries).unwrap_or_default();
    let first_pair = position.part.last().map_or(0, |half| half.pair + 1);
    for pair in first_pair..settings.search_halves.len() {
        let with = |second| [&position.part[..], &[Half { pair, second }]].concat();
        let of = |second| words(query, &with(second), &settings.search_halves);
        let (Some(first), Some(second)) = (of(false), of(true)) else { continue };
        let totals = (total_of(ask, &first).await?, total_of(ask, &second).await?);
        if is_a_cut(total, totals.0, totals.1) {
            let note = format!(
                "the search has {total} hits for \"{text}\" and gives the first {}: it was asked for parts of them",
                settings.search_offset
            );
            let next = Position { part: with(false), from: 0, ..position.clone() };
            return Ok((Some(note), next.page()));
        }
        // A registry that gives the same to everything reads no qualifiers.
        if totals == (total, total) {
            break;
        }
    }
    let note =
        format!("the search has {total} hits for \"{text}\" and gives the first {}", settings.search_offset);
    let position = Position { capped: true, ..position.clone() };
    Ok((Some(note), further(ask, &position, seen, total)))
}

async fn total_of(ask: &Ask<'_>, text: &str) -> Result<u64, WalkError> {
    rest(ask).await;
    let url = address(ask.address, text, 1, 0);
    let accept = [(header::ACCEPT, "application/json")];
    let document: Document = ask.client.get_bytes(&url, &accept, PAGE_BYTES).await?;
    let hits: Hits<'_> = document.json()?;
    Ok(hits.total)
}

/// The next page of this part, the first of the next one, of the next query, or what comes after all of them.
fn further(ask: &Ask<'_>, position: &Position, seen: u32, total: u64) -> Next {
    let settings = &ask.settings.npm;
    let reached = position.from.saturating_add(seen);
    // An empty page ends a part, whatever total is claimed.
    if seen > 0 && u64::from(reached) < total && reached < settings.search_offset {
        return Position { from: reached, ..position.clone() }.page();
    }
    let Position { query, part, plain, capped, .. } = position.clone();
    if let Some(part) = next_part(part) {
        return Position { query, part, from: 0, plain, capped }.page();
    }
    let finds_nothing = total == 0 && position.part.is_empty() && position.from == 0;
    if finds_nothing && !plain && settings.queries.get(query).is_some_and(|q| q.starts_with(KEYWORDS)) {
        return Position { plain: true, ..position.clone() }.page();
    }
    if query + 1 < settings.queries.len() {
        return Position { query: query + 1, capped, ..Position::default() }.page();
    }
    after_search(ask, capped)
}

fn after_search(ask: &Ask<'_>, capped: bool) -> Next {
    match ask.feed {
        Some(_) => Next::Page(PagePosition::Feed { since: "0".to_owned(), anew: false }.text()),
        // Never a mark: a search is not the whole list, and has no point to go on from.
        None => Next::End { by: if capped { WalkEnd::Cap } else { WalkEnd::AbsentCursor }, mark: None },
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
