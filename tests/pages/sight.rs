//! Every kind of page as it is seen: axe in light and dark, on a desk and on phones; nothing wider than the window; nothing moves
//! while it loads; all of it there without script. Pictures are kept.

use std::path::Path;

use serde_json::json;

use super::site::{AWKWARD, MADE_UP, Site};
use super::tools::{chromium, node, turn};

#[test]
fn every_kind_of_page_can_be_read_by_everybody() {
    let Some(chromium) = chromium() else { return };
    for (name, site) in [("made-up", Some(&*MADE_UP)), ("awkward", AWKWARD.as_ref())] {
        let Some(site) = site else { continue };
        let pictures = Path::new(env!("CARGO_TARGET_TMPDIR")).join("pages").join(name);
        std::fs::create_dir_all(&pictures).unwrap();
        let task = json!({
            "chromium": chromium,
            "root": site.out,
            "base": site.address,
            "pictures": pictures,
            "pages": chosen(site),
        });
        let _turn = turn();
        let Some(said) = node("sight.mjs", &[&task.to_string()]) else { return };
        println!("{name}: {}pictures in {}", said, pictures.display());
    }
}

/// Pages of each kind, and each awkward tool: the longest name, the longest text, the widest form, scripts of other directions.
/// `PAGES_KINDS` says how the names of those begin that are looked at.
fn chosen(site: &Site) -> Vec<(String, String)> {
    let odd = site.pages().into_iter().filter_map(|page| {
        let path = page.strip_prefix(&site.out).unwrap().to_string_lossy().into_owned();
        let (server, file) = path.split_once("/tools/")?;
        let is_odd = server.contains("awkward") && !file.starts_with("tool_");
        let name: String = file.trim_end_matches(".html").chars().take(16).collect();
        is_odd.then(|| (format!("odd-{name}"), path.clone()))
    });
    let wanted = std::env::var("PAGES_KINDS").unwrap_or_default();
    site.kinds.iter().cloned().chain(odd).filter(|(kind, _)| kind.starts_with(&wanted)).collect()
}
