//! The page for what is not there. It is shown at any depth, so its links need to know the root.

use serde::Serialize;

use super::RenderError;
use super::kinds::{MadeFrom, Make, PageKind};
use super::site_work::WholeWork;

/// One page, in no list.
pub(super) const KIND: PageKind = PageKind {
    id: "not-found",
    path: "404.html",
    templates: &["404.html"],
    made_from: MadeFrom::Files,
    counts: false,
    make: Make::Whole(not_found),
};

#[derive(Serialize)]
struct NotFound {
    /// The path of the site's root; where no address was given it is taken for the top of its host.
    base: String,
}

fn not_found(work: &WholeWork<'_>) -> Result<(), RenderError> {
    let press = work.common.press;
    let path = press.options.base_url.as_ref().map_or("", |base| base.path().trim_end_matches('/'));
    let view = NotFound { base: format!("{path}/") };
    press.page(&KIND, work.unit, "404.html", &view)
}
