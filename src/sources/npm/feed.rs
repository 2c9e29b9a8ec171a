//! The feed of changes of an npm registry's replication service: every package, in the order in which it changed last.
//!
//! A sequence is opaque and was reset twice: where it runs backwards, everything is read again. Rows that say deleted are
//! only claims; the store believes them at the end of a walk, and a look at the package's own document has the last word.
//! Source: research/scale.md section 1.1 (GET only, pages of at most 10,000, no documents in it).

use serde::Deserialize;
use serde_json::Value;
use url::Url;

use super::super::triage::{looks_like_mcp, signs_of_name};
use super::super::{Ask, WalkError, cut};
use super::{Position, candidate};
use crate::http::{HeaderName, HttpError, header, shown};
use crate::model::source::{Listing, ListingStatus, Next, Page, WalkEnd};

/// 10,000 rows of some 150 bytes.
const PAGE_BYTES: u64 = 32 * 1024 * 1024;
const DATABASE_BYTES: u64 = 1024 * 1024;
/// Asked for while the feed's form changed in 2025, and still sent by those who follow it.
const OPT_IN: HeaderName = HeaderName::from_static("npm-replication-opt-in");
const NAME_CHARS: usize = 300;

#[derive(Deserialize)]
struct Changes {
    results: Vec<Row>,
    last_seq: Value,
}

/// The database of the feed.
#[derive(Deserialize)]
struct Database {
    #[serde(default)]
    update_seq: Value,
}

#[derive(Deserialize)]
struct Row {
    id: String,
    #[serde(default)]
    seq: Value,
    #[serde(default)]
    deleted: bool,
    #[serde(default)]
    changes: Vec<Change>,
}

#[derive(Deserialize)]
struct Change {
    #[serde(default)]
    rev: String,
}

/// The number a sequence begins with: `123`, `123-abc`. Sequences are only ever compared by it.
pub(super) fn number(sequence: &str) -> Option<u64> {
    sequence.split('-').next()?.parse().ok()
}

fn text_of(sequence: &Value) -> Option<String> {
    match sequence {
        Value::Number(number) => Some(number.to_string()),
        Value::String(text) if !text.is_empty() => Some(cut(text, 2000)),
        _ => None,
    }
}

pub(super) async fn page(ask: &Ask<'_>, since: &str, anew: bool) -> Result<Page, WalkError> {
    let Some(feed) = ask.feed else {
        return Ok(Page::given_up("the feed was being read and is configured no more".to_owned()));
    };
    let url = address(feed, since, ask.settings.npm.feed_page);
    let fields = [(header::ACCEPT, "application/json"), (OPT_IN, "true")];
    let document = ask.client.get_bytes(&url, &fields, PAGE_BYTES).await?;
    let changes: Changes = document.json()?;
    let last = text_of(&changes.last_seq).ok_or_else(|| WalkError::Shape {
        address: shown(&document.url),
        why: "its answer has no last_seq".to_owned(),
    })?;
    let seen = u32::try_from(changes.results.len()).unwrap_or(u32::MAX);
    let page = |listings, note, next| Page {
        listings,
        unchanged: false,
        etag: None,
        seen,
        malformed: 0,
        must_bring_news: false,
        note,
        next,
    };
    let is_empty = changes.results.is_empty();
    // What was asked for from beyond its end may be answered with nothing, and the sequence it was asked with.
    let (told, etag) = if is_empty { end_of(ask, feed).await? } else { (None, None) };
    let end = number(&last).into_iter().chain(told).min();
    if let (Some(before), Some(now)) = (number(since), end)
        && now < before
        && !anew
    {
        let note =
            format!("the feed's sequence ran backwards, from {before} to {now}: all of it is read again");
        let again = Position::Feed { since: "0".to_owned(), anew: true }.text();
        return Ok(page(Vec::new(), Some(note), Next::Anew(again)));
    }
    if is_empty {
        let end = Next::End { by: WalkEnd::NothingNew, mark: Some(last) };
        return Ok(Page { etag, ..page(Vec::new(), None, end) });
    }
    let listings = changes
        .results
        .into_iter()
        // Of what is gone only what was there says anything.
        .filter(|row| ask.known.contains(&row.id) || (!row.deleted && looks_like_mcp(&row.id)))
        .map(|row| read(ask, row))
        .collect();
    Ok(page(listings, None, Next::Page(Position::Feed { since: last, anew }.text())))
}

/// Where the feed's database says that it ends, and its validator: that of an empty page is kept for this question. None where it
/// says nothing of the kind, or is as it was.
async fn end_of(ask: &Ask<'_>, feed: &Url) -> Result<(Option<u64>, Option<String>), WalkError> {
    let mut url = feed.clone();
    if url.path().trim_end_matches('/').ends_with("/_changes")
        && let Ok(mut path) = url.path_segments_mut()
    {
        path.pop_if_empty().pop();
    }
    let fields = [(header::ACCEPT, "application/json"), (OPT_IN, "true")];
    match ask.client.get_unless(&url, &fields, ask.etag, DATABASE_BYTES).await {
        Ok(None) => Ok((None, ask.etag.map(str::to_owned))),
        Ok(Some(document)) => {
            let said: Result<Database, _> = document.json();
            let end = said.ok().and_then(|said| text_of(&said.update_seq)).and_then(|end| number(&end));
            Ok((end, document.etag()))
        }
        Err(error) if error.rest().is_none() && error.status().is_some() => Ok((None, None)),
        Err(HttpError::BadReply { .. } | HttpError::TooLarge { .. }) => Ok((None, None)),
        Err(error) => Err(error.into()),
    }
}

fn read(ask: &Ask<'_>, row: Row) -> Listing {
    let name = cut(&row.id, NAME_CHARS);
    let revision = row.changes.into_iter().map(|change| change.rev).find(|rev| !rev.is_empty());
    let stamp = revision.map(|rev| cut(&rev, 100)).or_else(|| text_of(&row.seq));
    let found = vec![candidate(&name, signs_of_name(&name, &ask.settings.triage))];
    let status = if row.deleted { ListingStatus::Deleted } else { ListingStatus::Active };
    Listing { name, version: String::new(), status, stamp, record: None, found }
}

/// What is configured is the feed itself, or the database it belongs to.
fn address(feed: &Url, since: &str, limit: u32) -> Url {
    let mut url = feed.clone();
    if !url.path().trim_end_matches('/').ends_with("/_changes")
        && let Ok(mut path) = url.path_segments_mut()
    {
        path.pop_if_empty().push("_changes");
    }
    url.query_pairs_mut().append_pair("since", since).append_pair("limit", &limit.to_string());
    url
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sequence_is_compared_by_its_number_and_asked_for_as_it_came() {
        assert_eq!(number("51000001"), Some(51_000_001));
        assert_eq!(number("42-g1AAAA"), Some(42));
        assert_eq!(number("now"), None);
        let of = |text: &str| text_of(&serde_json::from_str(text).unwrap());
        assert_eq!(of("7").as_deref(), Some("7"));
        assert_eq!(of("\"7-x\"").as_deref(), Some("7-x"));
        assert_eq!(of("null"), None);
    }

    #[test]
    fn the_feed_may_be_named_by_its_database() {
        let of = |text: &str| address(&Url::parse(text).unwrap(), "5", 10).to_string();
        let whole = "https://r.example/registry/_changes?since=5&limit=10";
        assert_eq!(of("https://r.example/registry/_changes"), whole);
        assert_eq!(of("https://r.example/registry/"), whole);
    }
}
