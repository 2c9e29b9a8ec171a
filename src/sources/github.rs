//! GitHub: repositories by topic and words, and what the manifests in them name.
//!
//! The search gives at most 1,000 results a query, so each query is cut into slices by the time of creation. Of the
//! repositories on a page the manifests at HEAD are read with one GraphQL question; without a token that cannot be asked,
//! and the repository itself is all that is known. Later walks ask for what was pushed to since; a topic that an old
//! repository is given without a push, and one that is taken down, are seen by the whole walk that is due every few days. Source: GitHub REST API, "Search", "Rate limits for the REST API";
//! GraphQL API, "Rate limits and query limits"; research/scale.md section 1.1.

mod folders;
mod manifest;
mod refresh;
mod repository;
mod slice;

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::FutureExt;
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde_json::value::RawValue;
use url::Url;

use super::mcp::time_of;
use super::{Ask, Begin, Source, WalkError};
use crate::http::{HeaderName, HttpError, header, shown};
use crate::model::source::{Next, Page, SourceName, WalkEnd, WalkKind};
use repository::Repository;
use slice::{Answered, Further, Position};

pub(super) const SOURCE: Source = Source { name: SourceName::Github, begin, page: |ask| page(ask).boxed() };

/// A hundred repositories of some 6 KiB each.
const PAGE_BYTES: u64 = 16 * 1024 * 1024;
/// The next walk begins so long before this one did: the search learns of a push a little later.
const OVERLAP: SignedDuration = SignedDuration::from_hours(6);
/// A search that ran out of its own time is asked again so many times.
const AGAIN: u32 = 2;
/// The end of the mark of a walk that read no manifests.
const BARE: &str = " without manifests";
const VERSION: HeaderName = HeaderName::from_static("x-github-api-version");

fn begin(begin: &Begin<'_>) -> Result<(WalkKind, String), WalkError> {
    if let Some(given) = begin.since {
        return Ok((WalkKind::Since, Position::first(Some(time_of(given)?)).text()));
    }
    // What was found without a token is read again with one: nothing else would bring its manifests.
    let mark = begin.mark.filter(|mark| !(begin.whole_due || begin.has_token && mark.ends_with(BARE)));
    match mark.and_then(|mark| mark.trim_end_matches(BARE).parse::<Timestamp>().ok()) {
        Some(time) => Ok((WalkKind::Changes, Position::first(Some(time)).text())),
        None => Ok((WalkKind::Full, Position::first(None).text())),
    }
}

/// A page of the search.
#[derive(Deserialize)]
struct Found<'a> {
    total_count: u64,
    #[serde(default)]
    incomplete_results: bool,
    #[serde(borrow)]
    items: Vec<&'a RawValue>,
}

async fn page(ask: &Ask<'_>) -> Result<Page, WalkError> {
    let position: Position = serde_json::from_str(ask.position).map_err(|_| WalkError::BadPosition {
        source_name: SourceName::Github,
        position: ask.position.to_owned(),
    })?;
    let position = position.until(ask.began);
    let settings = &ask.settings.github;
    let Some(words) = settings.queries.get(position.query) else {
        return Ok(Page::empty(end(ask, &position)));
    };
    if !position.is_first() {
        pause(ask).await;
    }
    let url = address(ask, words, &position);
    let document = match search(ask, &url).await {
        Ok(document) => document,
        // Beyond the results it gives, or a query it does not take: there is no more of this slice.
        Err(HttpError::Registry { status, .. }) if status.as_u16() == 422 => {
            let note = format!("GitHub refused page {} of {}", position.page, position.shown(words));
            let answered = Answered { total: position.had, given: 0, refused: true, ..Answered::default() };
            let further = position.further(answered, settings);
            return Ok(Page { note: Some(note), ..Page::empty(next(ask, further)) });
        }
        Err(error) => return Err(refused(ask, error)),
    };
    let found: Found<'_> = document.json()?;
    let mut repositories = Vec::new();
    let mut malformed = 0;
    for item in &found.items {
        match serde_json::from_str::<Repository>(item.get()) {
            Ok(repository) if repository.is_whole() => repositories.push(repository),
            _ => malformed += 1,
        }
    }
    if repositories.is_empty() && malformed > 0 {
        let why = format!("none of its {malformed} repositories can be read");
        return Err(WalkError::Shape { address: shown(&document.url), why });
    }
    let fresh = match ask.token {
        Some(_) => {
            let mut fresh =
                refresh::refresh(ask, &repositories).await.map_err(|error| refused(ask, error))?;
            folders::read(ask, &repositories, &mut fresh).await.map_err(|error| refused(ask, error))?;
            fresh
        }
        None => BTreeMap::new(),
    };
    let triage = &ask.settings.triage;
    let listings =
        repositories.iter().map(|found| found.listing(fresh.get(&found.node_id), triage)).collect();
    let seen = u32::try_from(found.items.len()).unwrap_or(u32::MAX);
    let answered = Answered {
        total: found.total_count,
        given: seen,
        incomplete: found.incomplete_results,
        refused: false,
    };
    let note = position.note(words, answered, settings);
    let further = position.further(answered, settings);
    Ok(Page { listings, seen, malformed, note, ..Page::empty(next(ask, further)) })
}

fn next(ask: &Ask<'_>, further: Further) -> Next {
    match further {
        Further::Page(position) => Next::Page(position.text()),
        Further::End(position) => end(ask, &position),
    }
}

/// The end of the walk; what was left out keeps it from being a whole one.
fn end(ask: &Ask<'_>, position: &Position) -> Next {
    if position.short {
        return Next::End { by: WalkEnd::Cap, mark: None };
    }
    let began = ask.began.checked_sub(OVERLAP).unwrap_or(ask.began);
    let began = Timestamp::from_second(began.as_second()).unwrap_or(began);
    let bare = if ask.token.is_none() { BARE } else { "" };
    Next::End { by: WalkEnd::AbsentCursor, mark: Some(format!("{began}{bare}")) }
}

/// Searches have a limit of their own, by the minute.
async fn pause(ask: &Ask<'_>) {
    let settings = &ask.settings.github;
    let millis = match ask.token {
        Some(_) => settings.search_interval_ms,
        None => settings.bare_search_interval_ms,
    };
    tokio::time::sleep(Duration::from_millis(millis)).await;
}

/// One page; a search that says it was cut short is asked again.
async fn search(ask: &Ask<'_>, url: &Url) -> Result<crate::http::Document, HttpError> {
    #[derive(Deserialize)]
    struct Cut {
        #[serde(default)]
        incomplete_results: bool,
    }
    let mut tries = 0;
    loop {
        let document = ask.client.get_bytes(url, &fields(ask), PAGE_BYTES).await?;
        let cut = document.json::<Cut>().is_ok_and(|cut| cut.incomplete_results);
        if !cut || tries == AGAIN {
            return Ok(document);
        }
        tries += 1;
        pause(ask).await;
    }
}

/// The header fields of every request; the token goes to this address alone.
fn fields<'a>(ask: &Ask<'a>) -> Vec<(HeaderName, &'a str)> {
    let mut fields = vec![(header::ACCEPT, "application/vnd.github+json"), (VERSION, "2022-11-28")];
    if let Some(bearer) = ask.token.and_then(|token| token.for_address(ask.address)) {
        fields.push((header::AUTHORIZATION, bearer));
    }
    fields
}

/// A token that is not taken is its user's affair, and says so.
fn refused(ask: &Ask<'_>, error: HttpError) -> WalkError {
    match (ask.token, error.status()) {
        (Some(token), Some(401)) => {
            WalkError::BadToken { address: shown(ask.address), from: token.from().to_owned() }
        }
        _ => error.into(),
    }
}

fn address(ask: &Ask<'_>, words: &str, position: &Position) -> Url {
    let mut url = below(ask.address, &["search", "repositories"]);
    url.query_pairs_mut()
        .append_pair("q", &position.query(words))
        .append_pair("per_page", &ask.settings.github.page_size.to_string())
        .append_pair("page", &position.page.to_string());
    url
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
    use super::*;

    fn begun(mark: Option<&str>, since: Option<&str>, has_token: bool) -> (WalkKind, Option<String>) {
        let (kind, position) =
            begin(&Begin { mark, since, has_feed: false, has_token, whole_due: false }).unwrap();
        let position: Position = serde_json::from_str(&position).unwrap();
        (kind, position.pushed.map(|time| time.to_string()))
    }

    #[test]
    fn a_walk_goes_on_from_its_mark_unless_a_token_makes_more_of_it_known() {
        let whole = "2026-01-02T03:04:05Z";
        let bare = "2026-01-02T03:04:05Z without manifests";
        assert_eq!(begun(None, None, true), (WalkKind::Full, None));
        for (mark, token) in [(whole, true), (whole, false), (bare, false)] {
            assert_eq!(begun(Some(mark), None, token), (WalkKind::Changes, Some(whole.to_owned())));
        }
        assert_eq!(begun(Some(bare), None, true), (WalkKind::Full, None));
        let due = Begin { mark: Some(whole), since: None, has_feed: false, has_token: true, whole_due: true };
        assert_eq!(begin(&due).unwrap().0, WalkKind::Full);
        assert_eq!(
            begun(Some(whole), Some("2026-02-01"), true),
            (WalkKind::Since, Some("2026-02-01T00:00:00Z".to_owned()))
        );
    }
}
