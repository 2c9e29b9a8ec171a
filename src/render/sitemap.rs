//! For machines that walk the site: `sitemap.xml` in parts, `robots.txt`, and the page for what is not there.

use serde::Serialize;
use url::Url;

use super::RenderError;
use super::page::{Press, absolute};

/// Addresses in one file. Source: sitemaps.org protocol, at most 50,000 and 50 MB.
const ADDRESSES: usize = 40_000;

#[derive(Serialize)]
struct Sitemap {
    /// Pages, or the parts of a sitemap that has several.
    addresses: Vec<String>,
    is_index: bool,
}

#[derive(Serialize)]
struct Robots {
    sitemap: Option<String>,
}

/// The page for what is not there. It is shown at any depth, so its links need to know the root.
#[derive(Serialize)]
pub(super) struct NotFound {
    base: Option<String>,
}

pub(super) fn not_found(base_url: Option<&Url>) -> NotFound {
    NotFound { base: base_url.map(|base| format!("{}/", base.path().trim_end_matches('/'))) }
}

/// Writes `robots.txt`, and the sitemap where the site's address is known: a sitemap has no relative addresses. A site for its
/// owner alone has none.
///
/// # Errors
/// See [`Press::page`].
pub(super) fn write_sitemap(press: &Press<'_>, mut pages: Vec<String>) -> Result<(), RenderError> {
    let base = press.options.base_url.as_ref().filter(|_| !press.site.private);
    let sitemap = base.map(|base| absolute(base, "sitemap.xml"));
    press.page("robots.txt", "robots.txt", &Robots { sitemap })?;
    let Some(base) = base else {
        return press.page("sitemap.xml", "sitemap.xml", &Sitemap { addresses: Vec::new(), is_index: false });
    };
    pages.sort();
    let addresses: Vec<String> = pages.iter().map(|path| absolute(base, path)).collect();
    if addresses.len() <= ADDRESSES {
        return press.page("sitemap.xml", "sitemap.xml", &Sitemap { addresses, is_index: false });
    }
    let mut files = Vec::new();
    for (i, part) in addresses.chunks(ADDRESSES).enumerate() {
        let path = format!("sitemaps/{}.xml", i + 1);
        press.page("sitemap.xml", &path, &Sitemap { addresses: part.to_vec(), is_index: false })?;
        files.push(absolute(base, &path));
    }
    press.page("sitemap.xml", "sitemap.xml", &Sitemap { addresses: files, is_index: true })
}
