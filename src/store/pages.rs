//! The one transaction that stores a page of a list: its records, their candidates, and the position of the next page.
//!
//! So a walk that is killed goes on at the first page that was not stored, and a page is stored once. What the list does
//! not hold any more is taken to be gone at the end of a whole walk only, and never more than a tenth at once.

use rusqlite::{OptionalExtension, Transaction, params};

use super::candidates::name_candidates;
use super::rows::word;
use super::stored_time;
use super::walks::{PageStored, Walk, WalkBounds};
use crate::model::source::{Listing, ListingStatus, Next, Page, SourceName, WalkEnd, WalkKind};

const FORGET_PAGES: &str = "DELETE FROM source_pages WHERE source = ?1";
const SET_PAGE: &str = "
    INSERT INTO source_pages (source, position, walk_id, etag, next) VALUES (?1, ?2, ?3, ?4, ?5)
    ON CONFLICT (source, position) DO UPDATE SET
      walk_id = excluded.walk_id,
      etag = CASE WHEN ?6 THEN coalesce(excluded.etag, etag) ELSE excluded.etag END,
      next = excluded.next";
const WAS_READ: &str =
    "SELECT EXISTS (SELECT 1 FROM source_pages WHERE source = ?1 AND position = ?2 AND walk_id = ?3)";
const FORGET_WALKS_PAGES: &str = "DELETE FROM source_pages WHERE source = ?1 AND walk_id = ?2";

const LISTED: &str = "
    SELECT stamp, status, walk_id, gone_at FROM listings WHERE source = ?1 AND name = ?2 AND version = ?3";
const ADD_LISTING: &str = "
    INSERT INTO listings (source, name, version, status, stamp, record, position, walk_id, first_seen, changed_at, gone_at)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?9, CASE WHEN ?4 = 'deleted' THEN ?9 END)";
const CHANGE_LISTING: &str = "
    UPDATE listings SET status = ?4, stamp = ?5, record = CASE WHEN ?4 = 'deleted' THEN record ELSE ?6 END, position = ?7, walk_id = ?8, changed_at = ?9,
      gone_at = CASE WHEN ?4 = 'deleted' THEN gone_at END
    WHERE source = ?1 AND name = ?2 AND version = ?3";
const SEE_LISTING: &str = "
    UPDATE listings SET position = ?4, walk_id = ?5, stamp = coalesce(?6, stamp)
    WHERE source = ?1 AND name = ?2 AND version = ?3";
const SEE_PAGE: &str = "
    UPDATE listings SET walk_id = ?3 WHERE source = ?1 AND position = ?2 AND walk_id <> ?3 AND gone_at IS NULL";

/// Only the process whose page is the next one moves the walk on.
const IS_NEXT: &str = "SELECT position = ?2 AND ended_at IS NULL FROM walks WHERE id = ?1";
const MOVE: &str = "
    UPDATE walks SET position = ?2, kind = ?3, pages = pages + 1, seen = seen + ?4, added = added + ?5,
      changed = changed + ?6, unchanged = unchanged + ?7, malformed = malformed + ?8, touched_at = ?9, failure = NULL,
      note = coalesce(?10, note)
    WHERE id = ?1";
const END: &str = "UPDATE walks SET ended_at = ?2, ended_by = ?3, gone = ?4, frozen = ?5 WHERE id = ?1";
const COUNT_KNOWN: &str = "
    SELECT count(*) FROM listings WHERE source = ?1 AND gone_at IS NULL AND first_seen < ?2";
const COUNT_GONE: &str = "
    SELECT count(*) FROM listings
    WHERE source = ?1 AND gone_at IS NULL AND (status = 'deleted' OR (?3 AND walk_id <> ?2))";
const TAKE_GONE: &str = "
    UPDATE listings SET gone_at = ?4
    WHERE source = ?1 AND gone_at IS NULL AND (status = 'deleted' OR (?3 AND walk_id <> ?2))";
const MARK: &str = "UPDATE sources SET mark = ?2, listed = coalesce(?3, listed) WHERE name = ?1";
const LAST_LISTED: &str = "SELECT listed FROM sources WHERE name = ?1";

/// What a page's records were to us, and how many of them this walk had not seen.
#[derive(Default)]
struct Tally {
    added: u32,
    changed: u32,
    unchanged: u32,
    news: u32,
}

pub(super) fn store_page(
    tx: &Transaction<'_>,
    source: SourceName,
    walk: &Walk,
    page: &Page,
    bounds: WalkBounds,
    now: &str,
) -> rusqlite::Result<PageStored> {
    if !tx.query_row(IS_NEXT, params![walk.id, walk.position], |row| row.get(0))? {
        return Ok(PageStored::Overtaken);
    }
    let (mut tally, mut seen) = (Tally::default(), page.seen);
    for listing in &page.listings {
        add_listing(tx, source, walk, listing, now, &mut tally)?;
    }
    if page.unchanged {
        let again = tx.execute(SEE_PAGE, params![source.as_str(), walk.position, walk.id])?;
        let again = u32::try_from(again).unwrap_or(u32::MAX);
        tally.unchanged += again;
        tally.news += again;
        seen = seen.saturating_add(again);
    }
    let follows = match &page.next {
        Next::Page(position) | Next::Anew(position) => Some(position),
        Next::End { .. } => None,
    };
    tx.execute(
        SET_PAGE,
        params![source.as_str(), walk.position, walk.id, page.etag, follows, page.unchanged],
    )?;
    let (position, kind) = match &page.next {
        Next::Page(position) => (position.as_str(), walk.kind),
        Next::Anew(position) => {
            tx.execute(FORGET_WALKS_PAGES, params![source.as_str(), walk.id])?;
            (position.as_str(), WalkKind::Full)
        }
        Next::End { .. } => (walk.position.as_str(), walk.kind),
    };
    tx.execute(
        MOVE,
        params![
            walk.id,
            position,
            kind.as_str(),
            seen,
            tally.added,
            tally.changed,
            tally.unchanged,
            page.malformed,
            now,
            page.note
        ],
    )?;
    let ended = match &page.next {
        Next::End { by, mark } => Some((*by, mark.as_deref())),
        Next::Page(next) => {
            let circles: bool =
                tx.query_row(WAS_READ, params![source.as_str(), next, walk.id], |r| r.get(0))?;
            if circles {
                Some((WalkEnd::RepeatedCursor, None))
            } else if page.must_bring_news && tally.news == 0 {
                Some((WalkEnd::NothingNew, None))
            } else {
                (walk.pages + 1 >= bounds.max_pages).then_some((WalkEnd::Cap, None))
            }
        }
        Next::Anew(_) => None,
    };
    if let Some((by, mark)) = ended {
        let walk = Walk { kind, seen: walk.seen + seen, ..walk.clone() };
        end(tx, source, &walk, by, mark, bounds.accept_shrink, now)?;
    }
    Ok(PageStored::Stored)
}

fn add_listing(
    tx: &Transaction<'_>,
    source: SourceName,
    walk: &Walk,
    listing: &Listing,
    now: &str,
    tally: &mut Tally,
) -> rusqlite::Result<()> {
    let Listing { name, version, status, stamp, record, .. } = listing;
    let known = tx
        .prepare_cached(LISTED)?
        .query_row(params![source.as_str(), name, version], |row| {
            let stamp: Option<String> = row.get("stamp")?;
            let status: ListingStatus = word(row, "status")?;
            let walk: i64 = row.get("walk_id")?;
            let gone: Option<String> = row.get("gone_at")?;
            Ok((stamp, status, walk, gone.is_some()))
        })
        .optional()?;
    let all =
        params![source.as_str(), name, version, status.as_str(), stamp, record, walk.position, walk.id, now];
    match known {
        None => {
            tx.prepare_cached(ADD_LISTING)?.execute(all)?;
            tally.added += 1;
            tally.news += 1;
        }
        Some((old_stamp, old_status, seen_by, gone)) => {
            tally.news += u32::from(seen_by != walk.id);
            let back = gone && *status != ListingStatus::Deleted;
            // No stamp is no news, and the first one neither: the record is the one that was there.
            let same = old_stamp.is_none() || stamp.is_none() || old_stamp == *stamp;
            if same && old_status == *status && !back {
                let again = params![source.as_str(), name, version, walk.position, walk.id, stamp];
                tx.prepare_cached(SEE_LISTING)?.execute(again)?;
                tally.unchanged += 1;
                return Ok(());
            }
            tx.prepare_cached(CHANGE_LISTING)?.execute(all)?;
            tally.changed += 1;
        }
    }
    // What is said to be deleted still names what it named: only the end of the walk believes it.
    if *status == ListingStatus::Deleted {
        return Ok(());
    }
    name_candidates(tx, source, listing, now)
}

/// Ends a walk: what is gone, unless it is too much at once, and where the next one begins.
fn end(
    tx: &Transaction<'_>,
    source: SourceName,
    walk: &Walk,
    by: WalkEnd,
    mark: Option<&str>,
    accept_shrink: bool,
    now: &str,
) -> rusqlite::Result<()> {
    let (mut gone, mut frozen) = (0, 0);
    let whole = walk.kind == WalkKind::Full && mark.is_some() && by != WalkEnd::NotModified;
    if mark.is_some() && walk.kind != WalkKind::Since {
        let known: u32 =
            tx.query_row(COUNT_KNOWN, params![source.as_str(), stored_time(walk.started_at)], |r| r.get(0))?;
        let fewer: u32 = tx.query_row(COUNT_GONE, params![source.as_str(), walk.id, whole], |r| r.get(0))?;
        let listed: Option<u32> = tx.query_row(LAST_LISTED, [source.as_str()], |r| r.get(0))?;
        let shrunk = whole && listed.is_some_and(|before| walk.seen * 10 < before * 9);
        if fewer > 0 && !accept_shrink && (shrunk || fewer * 10 > known) {
            // The next walk looks at the same again, and not only whether it changed since.
            frozen = fewer;
            tx.execute(FORGET_PAGES, [source.as_str()])?;
        } else {
            gone = fewer;
            tx.execute(TAKE_GONE, params![source.as_str(), walk.id, whole, now])?;
            tx.execute(MARK, params![source.as_str(), mark, whole.then_some(walk.seen)])?;
        }
    }
    tx.execute(END, params![walk.id, now, by.as_str(), gone, frozen])?;
    Ok(())
}
