//! Pages of a list in the database: stored once, by whoever comes first.

use catalogue::model::source::{
    Candidate, Listing, ListingStatus, Next, Page, SourceName, WalkEnd, WalkKind,
};
use catalogue::store::{PageStored, WalkBounds, stored_sources};

use crate::sample;

fn page(names: &[&str], next: Next) -> Page {
    let listings = names.iter().map(|name| Listing {
        name: (*name).to_owned(),
        version: String::new(),
        status: ListingStatus::Active,
        stamp: Some("1".to_owned()),
        record: None,
        found: vec![Candidate { key: format!("npm:{name}"), obstacle: None, signs: Vec::new() }],
    });
    Page {
        listings: listings.collect(),
        unchanged: false,
        etag: None,
        seen: u32::try_from(names.len()).unwrap(),
        malformed: 0,
        must_bring_news: true,
        note: None,
        next,
    }
}

const BOUNDS: WalkBounds = WalkBounds { max_pages: 10, accept_shrink: false };

#[test]
fn of_two_scans_that_walk_one_list_the_second_to_come_stores_nothing() {
    let (_folder, _path, mut store) = sample::empty();
    let (name, now) = (SourceName::Mcp, sample::start());
    store.name_source(name, "https://r.example/", None, now).unwrap();
    let walk = store.begin_walk(name, WalkKind::Full, None, "1", now).unwrap();
    let next = || Next::Page("2".to_owned());
    assert_eq!(store.add_page(name, &walk, &page(&["a"], next()), BOUNDS, now).unwrap(), PageStored::Stored);
    let other = store.add_page(name, &walk, &page(&["b"], next()), BOUNDS, now).unwrap();
    assert_eq!(other, PageStored::Overtaken);
    assert_eq!(store.count_waiting(name).unwrap(), 1);
    let walk = store.open_walk(name, None).unwrap().unwrap();
    assert_eq!((walk.position.as_str(), walk.pages, walk.added), ("2", 1, 1));
}

#[test]
fn another_address_is_another_list_and_begins_anew() {
    let (_folder, _path, mut store) = sample::empty();
    let (name, now) = (SourceName::Mcp, sample::start());
    store.name_source(name, "https://r.example/", None, now).unwrap();
    let walk = store.begin_walk(name, WalkKind::Full, None, "1", now).unwrap();
    let end = Next::End { by: WalkEnd::AbsentCursor, mark: Some("m".to_owned()) };
    store.add_page(name, &walk, &page(&["a"], end), BOUNDS, now).unwrap();
    assert_eq!(store.name_source(name, "https://r.example/", None, now).unwrap().mark.as_deref(), Some("m"));
    store.begin_walk(name, WalkKind::Changes, None, "2", now).unwrap();
    let state = store.name_source(name, "https://other.example/", None, now).unwrap();
    assert_eq!(state.mark, None);
    assert_eq!(store.open_walk(name, None).unwrap(), None);
    let shown = stored_sources(store.connection()).unwrap();
    assert_eq!(shown[0].walk.as_ref().unwrap().ended_by, Some(WalkEnd::Replaced));
    assert_eq!(shown[0].listings, 1, "what was found stays");
}

#[test]
fn what_was_scanned_waits_again_when_its_list_says_that_it_changed() {
    let (_folder, _path, mut store) = sample::empty();
    let (name, start) = (SourceName::Npm, sample::start());
    let after = |minutes| start + jiff::SignedDuration::from_mins(minutes);
    store.name_source(name, "https://r.example/", None, start).unwrap();
    let end = || Next::End { by: WalkEnd::AbsentCursor, mark: None };
    let walk = store.begin_walk(name, WalkKind::Full, None, "1", start).unwrap();
    store.add_page(name, &walk, &page(&["a", "b"], end()), BOUNDS, start).unwrap();
    store.scanned(&["npm:a".to_owned()], after(1)).unwrap();
    assert_eq!(store.count_waiting(name).unwrap(), 1);
    for (stamp, waiting) in [("1", 1), ("2", 2)] {
        let walk = store.begin_walk(name, WalkKind::Full, None, "1", after(2)).unwrap();
        let mut again = page(&["a"], end());
        again.listings[0].stamp = Some(stamp.to_owned());
        store.add_page(name, &walk, &again, BOUNDS, after(3)).unwrap();
        assert_eq!(store.count_waiting(name).unwrap(), waiting, "stamp {stamp}");
    }
}
