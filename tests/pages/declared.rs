//! A server that was never asked, with tools that others declare, put into a made-up catalogue: the list of a registry as a walk
//! through it leaves it.

use std::path::Path;

use catalogue::model::declared::{DeclaredBy, DeclaredEntry, DeclaredList};
use catalogue::model::source::{
    Candidate, Listing, ListingStatus, Next, Page, SourceName, WalkEnd, WalkKind,
};
use catalogue::store::{DeclaredRecord, Store, WalkBounds};

/// Adds it.
pub(crate) fn add_to(db: &Path) {
    let mut store = Store::open(db).unwrap();
    let (source, now) = (SourceName::Docker, "2026-03-01T12:00:00Z".parse().unwrap());
    let key = "oci:tower/bell";
    let record = serde_json::json!({"server": {"about": {"title": "Bell", "description": "It rings."}}});
    let listing = Listing {
        name: "bell".to_owned(),
        version: "1".to_owned(),
        status: ListingStatus::Active,
        stamp: Some("1".to_owned()),
        record: Some(record.to_string()),
        found: vec![Candidate { key: key.to_owned(), obstacle: None, signs: Vec::new() }],
    };
    let entry = |name: &str| DeclaredEntry { name: name.to_owned(), description: format!("It is {name}.") };
    let list = DeclaredList {
        about: key.to_owned(),
        by: DeclaredBy::File,
        place: "servers/bell/tools.json".to_owned(),
        hash: "ab".repeat(32),
        grows: true,
        tools: ["ring_bell", "n".repeat(64).as_str(), "取消铃声"].map(entry).into(),
        prompts: vec![entry("a_prompt")],
    };
    store.name_source(source, "file:///made-up", None, now).unwrap();
    let walk = store.begin_walk(source, WalkKind::Full, None, "1", now).unwrap();
    let record = DeclaredRecord { name: &listing.name, version: &listing.version, lists: vec![list] };
    store.declare(source, &[record], now).unwrap();
    let page = Page {
        listings: vec![listing],
        unchanged: false,
        etag: None,
        seen: 1,
        malformed: 0,
        must_bring_news: false,
        note: None,
        next: Next::End { by: WalkEnd::AbsentCursor, mark: Some("1".to_owned()) },
    };
    store.add_page(source, &walk, &page, WalkBounds { max_pages: 9, accept_shrink: true }, now).unwrap();
}
