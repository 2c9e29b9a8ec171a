//! Every kind of page as it is seen: axe in light and dark, on a desk and on phones; nothing wider than the window; nothing moves
//! while it loads; all of it there without script. Pictures are kept.

use std::path::Path;

use serde_json::json;

use super::site::{AWKWARD, MADE_UP};
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
            "pages": site.kinds,
        });
        let _turn = turn();
        let Some(said) = node("sight.mjs", &[&task.to_string()]) else { return };
        println!("{name}: {}pictures in {}", said, pictures.display());
    }
}
