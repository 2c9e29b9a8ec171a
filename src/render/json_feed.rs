//! The changes as a JSON Feed, beside the Atom feed and with the same entries. Source: jsonfeed.org/version/1.1.

use serde::Serialize;

use super::RenderError;
use super::changes::{EventView, FEED_ITEM};
use super::digest::Digest;
use super::html::Sheet;
use super::page::absolute;
use super::site_work::WholeWork;

/// Its place, as that of a page whose twin it would be.
const PLACE: &str = "feed.html";
const FILE: &str = "feed.json";

#[derive(Serialize)]
struct Feed<'a> {
    version: &'static str,
    title: &'static str,
    /// Not where the site's address is not known: the format knows no relative addresses.
    #[serde(skip_serializing_if = "Option::is_none")]
    home_page_url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    feed_url: Option<String>,
    language: &'static str,
    authors: [Author; 1],
    items: Vec<Item<'a>>,
}

#[derive(Serialize)]
struct Author {
    name: &'static str,
}

/// One event.
#[derive(Serialize)]
struct Item<'a> {
    id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<String>,
    title: String,
    content_text: String,
    date_published: &'a str,
    tags: [&'static str; 1],
}

/// What a template says of one event.
#[derive(Serialize)]
struct Said<'a> {
    event: &'a EventView,
}

/// Writes it, if JSON is wanted.
///
/// # Errors
/// A file that cannot be written; a template that does not fit.
pub(super) fn make(work: &WholeWork<'_>, events: &[EventView]) -> Result<(), RenderError> {
    let press = work.common.press;
    let base = press.options.base_url.as_ref();
    let at = |path: &str| base.map(|base| absolute(base, path));
    let item = |event| item(work, event, &at);
    let feed = Feed {
        version: "https://jsonfeed.org/version/1.1",
        title: "Changes in the catalogue of MCP tools",
        home_page_url: at("changes.html"),
        feed_url: at(FILE),
        language: "en",
        authors: [Author { name: "catalogue" }],
        items: events.iter().map(item).collect::<Result<_, _>>()?,
    };
    press.twin(work.unit, PLACE, Digest::of(&feed), || Ok(&feed))
}

fn item<'a>(
    work: &WholeWork<'_>,
    event: &'a EventView,
    at: &impl Fn(&str) -> Option<String>,
) -> Result<Item<'a>, RenderError> {
    let text = work.common.press.part(FEED_ITEM, &Sheet::of(FEED_ITEM, &Said { event })?)?;
    // The first line is the event in short.
    let (title, says) = text.split_once('\n').unwrap_or((&text, ""));
    let page =
        event.server.as_ref().map_or_else(|| "changes.html".to_owned(), |s| format!("{}/index.html", s.path));
    Ok(Item {
        id: &event.id,
        url: at(&page),
        title: title.trim().to_owned(),
        content_text: says.trim().to_owned(),
        date_published: &event.at.iso,
        tags: [event.kind],
    })
}
