//! What a page weighs on its way to a reader, and that the awkward server is as awkward as it is said to be.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::Value;

use super::kinds::by_kind;
use super::site::{AWKWARD, MADE_UP, Site};

/// What a server sends before it waits for the reader's first word: ten packets.
const FIRST_FLIGHT: usize = 14 * 1024;

fn compressed(site: &Site, path: &str) -> usize {
    let mut packed = GzEncoder::new(Vec::new(), Compression::default());
    packed.write_all(&std::fs::read(site.out.join(path)).unwrap()).unwrap();
    packed.finish().unwrap().len()
}

/// The largest pages, with their sizes.
fn largest(site: &Site, wanted: impl Fn(&str) -> bool) -> Vec<(usize, String)> {
    let mut sizes: Vec<_> = by_kind(site)
        .into_iter()
        .filter(|(kind, _)| wanted(kind))
        .flat_map(|(_, pages)| pages)
        .map(|(path, _)| (compressed(site, &path), path))
        .collect();
    assert!(!sizes.is_empty());
    sizes.sort_by(|a, b| b.cmp(a));
    sizes
}

#[test]
fn a_tool_page_comes_with_the_first_packets() {
    let sizes = largest(&MADE_UP, |kind| kind == "tool");
    let (most, page) = &sizes[0];
    let half = sizes[sizes.len() / 2].0;
    assert!(*most <= FIRST_FLIGHT, "{page}: {most} bytes compressed");
    println!("{} tool pages compressed: half have at most {half} bytes, the largest has {most}", sizes.len());
}

#[test]
fn a_thousand_tools_and_the_longest_texts_make_no_huge_page() {
    let Some(site) = &*AWKWARD else { return };
    let tools = by_kind(site).remove("tool").unwrap();
    assert_eq!(tools.len(), 1_000);
    let (mut name, mut description, mut schema, mut scripts) = (0, 0, 0, String::new());
    for (path, _) in &tools {
        let text = std::fs::read_to_string(site.out.join(path).with_extension("json")).unwrap();
        let twin: Value = serde_json::from_str(&text).unwrap();
        let said = |pointer: &str| twin.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
        name = name.max(said("/name").len());
        description = description.max(said("/definition/description").len());
        schema = schema.max(twin["definition"]["inputSchema"].to_string().len());
        scripts.push_str(said("/definition/description"));
    }
    assert_eq!(name, 64);
    assert!(description >= 11_000, "{description}");
    assert!(schema >= 50_000, "{schema}");
    assert!(scripts.contains("يحذف") && scripts.contains("删除"));
    for (size, page) in &largest(site, |kind| kind == "tool" || kind.starts_with("server"))[..3] {
        println!("awkward: {size} bytes compressed: {page}");
        assert!(*size <= FIRST_FLIGHT, "{page}: {size} bytes compressed");
    }
}
