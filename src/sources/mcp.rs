//! The official MCP registry, or one that speaks its protocol: `/v0.1/servers`, page after page by a cursor.
//!
//! Every version of every server is listed; after the first walk only what was updated since. A registry that knows only
//! the older path is asked there.
//! Source: modelcontextprotocol/registry, docs/reference/api/openapi.yaml (2025-12-01) and its changelogs.

mod declared;
mod entry;
mod record;

pub(super) use record::named_by;

use futures_util::FutureExt;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;
use url::Url;

use super::{Ask, Begin, Source, WalkError};
use crate::http::{HttpError, header, shown};
use crate::model::source::{Next, Page, SourceName, WalkEnd, WalkKind};

pub(super) use declared::declared;
pub(super) use entry::read as read_entry;
pub(super) use record::remote_key;

pub(super) const SOURCE: Source = Source { name: SourceName::Mcp, begin, page: |ask| page(ask).boxed() };

/// A hundred records of a few KiB each; the largest seen have 8.
const PAGE_BYTES: u64 = 16 * 1024 * 1024;
/// The next walk begins so long before this one did: the registry's clock is not ours.
const OVERLAP: SignedDuration = SignedDuration::from_hours(1);

const PATHS: [&str; 2] = ["v0.1/servers", "v0/servers"];

/// Which page. The same page has the same text in every walk, so that circles are seen and validators found again.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Position {
    /// Which of [`PATHS`].
    path: usize,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    since: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    cursor: Option<String>,
}

impl Position {
    fn text(&self) -> String {
        serde_json::to_string(self).expect("numbers and strings are always JSON")
    }
}

fn begin(begin: &Begin<'_>) -> Result<(WalkKind, String), WalkError> {
    let at = |since: Option<&str>| Position { since: since.map(str::to_owned), ..Position::default() }.text();
    match (begin.since, begin.mark) {
        (Some(given), _) => Ok((WalkKind::Since, at(Some(&time_of(given)?.to_string())))),
        (None, Some(mark)) => Ok((WalkKind::Changes, at(Some(mark)))),
        (None, None) => Ok((WalkKind::Full, at(None))),
    }
}

/// A time, or a day.
pub(super) fn time_of(given: &str) -> Result<Timestamp, WalkError> {
    let day = || format!("{given}T00:00:00Z").parse::<Timestamp>();
    given.parse::<Timestamp>().or_else(|_| day()).map_err(|_| WalkError::BadSince {
        given: given.to_owned(),
        form: "give a day or a time, 2026-01-31 or 2026-01-31T12:00:00Z",
    })
}

/// A list as any generation of the registry answers it.
#[derive(Deserialize)]
struct List<'a> {
    #[serde(borrow)]
    servers: Option<Vec<&'a RawValue>>,
    #[serde(default)]
    metadata: Option<Value>,
    /// The first generation's.
    #[serde(default)]
    next: Option<Value>,
}

async fn page(ask: &Ask<'_>) -> Result<Page, WalkError> {
    let mut position: Position = serde_json::from_str(ask.position).map_err(|_| WalkError::BadPosition {
        source_name: SourceName::Mcp,
        position: ask.position.to_owned(),
    })?;
    let accept = [(header::ACCEPT, "application/json")];
    let document = loop {
        let url = address(ask, &position);
        // What changed is asked for by time; a registry that gives validators is asked with them as well.
        match ask.client.get_unless(&url, &accept, ask.etag, PAGE_BYTES).await {
            Ok(Some(document)) => break document,
            Ok(None) => {
                let next = match ask.next_before {
                    Some(next) => Next::Page(next.to_owned()),
                    None => {
                        // The end of a whole walk is one, however it was told.
                        let by = if ask.kind == WalkKind::Full {
                            WalkEnd::AbsentCursor
                        } else {
                            WalkEnd::NotModified
                        };
                        end(ask, by, ask.newest.and_then(record::time_of_stamp))
                    }
                };
                return Ok(Page { unchanged: true, must_bring_news: true, ..Page::empty(next) });
            }
            // Only the first page tells: later ones were found where they are.
            Err(HttpError::Registry { status, .. })
                if matches!(status.as_u16(), 404 | 405 | 410)
                    && position.cursor.is_none()
                    && position.path + 1 < PATHS.len() =>
            {
                position.path += 1;
            }
            // A walk that was left for long, or a registry that was emptied: 400 is its word for a cursor it does not know.
            Err(HttpError::Registry { status, .. })
                if status.as_u16() == 400 && position.cursor.is_some() =>
            {
                return Ok(Page::given_up("the registry does not know the cursor any more".to_owned()));
            }
            Err(error) => return Err(error.into()),
        }
    };
    let shape = |why: String| WalkError::Shape { address: shown(&document.url), why };
    let list: List<'_> = document.json()?;
    let records = list.servers.ok_or_else(|| shape("its answer has no list of servers".into()))?;
    let mut listings = Vec::new();
    let mut malformed = 0;
    for record in &records {
        match record::read(record.get(), &ask.settings.triage) {
            Some(listing) => listings.push(listing),
            None => malformed += 1,
        }
    }
    // A shape that is read past by mistake gives thousands of empty records and no error.
    if listings.is_empty() && malformed > 0 {
        return Err(shape(format!("none of its {malformed} records can be read")));
    }
    let next = next_cursor(list.metadata.as_ref(), list.next.as_ref());
    let next = match next {
        Some(cursor) => Next::Page(Position { cursor: Some(cursor), ..position }.text()),
        None => {
            let newest = listings.iter().filter_map(|l| l.stamp.as_deref()).chain(ask.newest);
            end(ask, WalkEnd::AbsentCursor, newest.filter_map(record::time_of_stamp).max())
        }
    };
    let seen = u32::try_from(records.len()).unwrap_or(u32::MAX);
    let etag = document.etag();
    Ok(Page { listings, etag, seen, malformed, must_bring_news: true, ..Page::empty(next) })
}

fn end(ask: &Ask<'_>, by: WalkEnd, newest: Option<Timestamp>) -> Next {
    Next::End { by, mark: Some(mark(ask.began, newest).to_string()) }
}

/// Where the next walk begins: no later than this one began, and no later than anything that was listed.
fn mark(began: Timestamp, newest: Option<Timestamp>) -> Timestamp {
    let began = began.checked_sub(OVERLAP).unwrap_or(began);
    newest.map_or(began, |newest| newest.min(began))
}

fn address(ask: &Ask<'_>, position: &Position) -> Url {
    let mut url = ask.address.clone();
    if let Ok(mut path) = url.path_segments_mut() {
        path.pop_if_empty().extend(PATHS[position.path.min(PATHS.len() - 1)].split('/'));
    }
    {
        let mut query = url.query_pairs_mut();
        query.append_pair("limit", &ask.settings.mcp.page_size.to_string());
        if let Some(since) = &position.since {
            query.append_pair("updated_since", since);
        }
        if let Some(cursor) = &position.cursor {
            query.append_pair("cursor", cursor);
        }
    }
    url
}

/// Absent, null and empty all mean the end. Some first services gave a whole address instead of a cursor.
fn next_cursor(metadata: Option<&Value>, next: Option<&Value>) -> Option<String> {
    let of = |key: &str| metadata.and_then(|m| m.get(key)).and_then(Value::as_str);
    let text = of("nextCursor").or_else(|| of("next_cursor")).or_else(|| next.and_then(Value::as_str))?;
    let linked = Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
    let cursor = match linked {
        Some(url) => {
            url.query_pairs().find(|(key, _)| key == "cursor").map(|(_, value)| value.into_owned())?
        }
        None => text.to_owned(),
    };
    (!cursor.is_empty()).then_some(cursor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_found_in_every_generation() {
        let of = |text: &str| {
            let list: List<'_> = serde_json::from_str(text).unwrap();
            next_cursor(list.metadata.as_ref(), list.next.as_ref())
        };
        assert_eq!(of(r#"{"servers":[],"metadata":{"nextCursor":"a/b:1"}}"#).as_deref(), Some("a/b:1"));
        assert_eq!(of(r#"{"servers":[],"metadata":{"next_cursor":"u"}}"#).as_deref(), Some("u"));
        assert_eq!(of(r#"{"servers":[],"next":"u"}"#).as_deref(), Some("u"));
        assert_eq!(
            of(r#"{"servers":[],"next":"https://r.example/v0/servers?cursor=u%2F1"}"#).as_deref(),
            Some("u/1")
        );
        for end in [
            r#"{"servers":[]}"#,
            r#"{"servers":[],"metadata":{}}"#,
            r#"{"servers":[],"metadata":{"nextCursor":null}}"#,
            r#"{"servers":[],"metadata":{"nextCursor":""}}"#,
        ] {
            assert_eq!(of(end), None, "{end}");
        }
    }

    #[test]
    fn the_next_walk_begins_before_this_one_and_before_what_it_saw() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let began = at("2026-05-01T12:00:00Z");
        assert_eq!(mark(began, None), at("2026-05-01T11:00:00Z"));
        assert_eq!(mark(began, Some(at("2026-05-01T11:59:00Z"))), at("2026-05-01T11:00:00Z"));
        assert_eq!(mark(began, Some(at("2026-01-01T00:00:00Z"))), at("2026-01-01T00:00:00Z"));
    }

    #[test]
    fn since_is_a_day_or_a_time() {
        let of = |since: &str| {
            begin(&Begin {
                mark: None,
                since: Some(since),
                has_feed: false,
                has_token: false,
                whole_due: false,
            })
        };
        let (kind, position) = of("2026-01-31").unwrap();
        assert_eq!(
            (kind, position.as_str()),
            (WalkKind::Since, r#"{"path":0,"since":"2026-01-31T00:00:00Z"}"#)
        );
        assert!(of("2026-01-31T10:00:00+02:00").unwrap().1.contains("08:00:00Z"));
        assert!(of("yesterday").is_err());
    }
}
