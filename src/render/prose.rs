//! Hand-written pages (`site/content/*.md`): our own Markdown, without HTML in it.

use pulldown_cmark::{CowStr, Event, Options, Parser, Tag, TagEnd, html};
use serde::Serialize;

use super::RenderError;
use super::benchmark::BenchmarkView;
use super::digest::Digest;
use super::guide_twin::guide_twin;
use super::kinds::{MadeFrom, Make, PageKind};
use super::page::{folder, root_from};
use super::site_work::WholeWork;
use super::words::{SignalWord, signal_word};
use crate::model::{Outcome, Signal};

use super::lists::OutcomeLine;

#[derive(Serialize)]
struct ProseView<'a> {
    slug: String,
    title: String,
    summary: String,
    /// HTML of our own Markdown.
    body: String,
    signals: Vec<SignalWord>,
    outcomes: Vec<OutcomeLine>,
    /// How right the rules are; None where nobody measured it.
    benchmark: Option<&'a BenchmarkView>,
}

/// Hand-written pages.
pub(super) const KIND: PageKind = PageKind {
    id: "prose",
    path: "{slug}.html",
    templates: &["prose.html"],
    made_from: MadeFrom::Files,
    counts: false,
    make: Make::Whole(write_prose),
};
/// A page with a template of its own name uses that one, so that it can show tables made from the program's words.
fn write_prose(work: &WholeWork<'_>) -> Result<(), RenderError> {
    let press = work.common.press;
    let measured =
        press.options.benchmark.as_ref().map(|result| BenchmarkView::new(result, work.common.rules.hash()));
    for (name, bytes) in folder(&press.options.site, "content/") {
        // Notes have kinds of their own.
        let Some(slug) = name.strip_suffix(".md").filter(|slug| !slug.starts_with("notes/")) else {
            continue;
        };
        let broken = |why| RenderError::Prose { name: format!("site/content/{name}"), why };
        let text = std::str::from_utf8(bytes).map_err(|_| broken("is not UTF-8"))?;
        let path = format!("{slug}.html");
        let view = read(slug, text, &root_from(&path)).ok_or_else(|| broken("has no first heading"))?;
        let view = ProseView { benchmark: measured.as_ref(), ..view };
        let own = format!("{slug}.html");
        let template = if press.engine.has(&own) { own.as_str() } else { "prose.html" };
        press.page_as(template, &KIND, work.unit, &path, Digest::of(&view), || Ok(&view))?;
        if slug.starts_with(GUIDES_FOLDER) {
            let base = press.options.base_url.as_ref();
            let inputs = Digest::of(&(text, &view.title, &view.summary));
            press.beside(
                "md",
                work.unit,
                &path,
                || inputs,
                || guide_twin(text, &view.title, &view.summary, &path, base),
            )?;
        }
        work.listed(path);
    }
    Ok(())
}

/// Guides lie there, as files and as pages.
const GUIDES_FOLDER: &str = "guides/";

/// A guide in a list of guides.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct GuideLine {
    /// Its page.
    path: String,
    /// The same as Markdown.
    markdown: String,
    title: String,
    summary: String,
}

/// The list of the guides.
pub(super) const GUIDES: PageKind = PageKind {
    id: "guides",
    path: "guides/index.html",
    templates: &["guides.html"],
    made_from: MadeFrom::Files,
    counts: false,
    make: Make::Whole(guides),
};

#[derive(Serialize)]
struct Guides {
    guides: Vec<GuideLine>,
}

fn guides(work: &WholeWork<'_>) -> Result<(), RenderError> {
    let press = work.common.press;
    let view = Guides { guides: guide_lines(&press.options.site) };
    work.listed("guides/index.html".to_owned());
    press.page(&GUIDES, work.unit, "guides/index.html", &view)
}

/// Every guide of `site/content/guides`, by title. What does not read is none; its own page says so.
pub(super) fn guide_lines(site: &std::collections::BTreeMap<String, Vec<u8>>) -> Vec<GuideLine> {
    let guide = |(name, bytes): (&str, &[u8])| {
        let slug = name.strip_suffix(".md")?;
        let view = read(slug, std::str::from_utf8(bytes).ok()?, "")?;
        let (path, markdown) = (format!("guides/{slug}.html"), format!("guides/{slug}.md"));
        Some(GuideLine { path, markdown, title: view.title, summary: view.summary })
    };
    let mut all: Vec<GuideLine> = folder(site, "content/guides/").filter_map(guide).collect();
    all.sort_by(|a, b| a.title.cmp(&b.title));
    all
}

/// Our own Markdown as HTML, for pages whose heading comes from elsewhere.
pub(super) fn html_of(text: &str, root: &str) -> String {
    let options = Options::ENABLE_TABLES | Options::ENABLE_HEADING_ATTRIBUTES;
    let mut body = String::new();
    html::push_html(&mut body, Parser::new_ext(text, options).filter_map(|event| plain(event, root)));
    body
}

/// The first heading is the page's title, the first paragraph its summary; the body is what follows the heading.
fn read(slug: &str, text: &str, root: &str) -> Option<ProseView<'static>> {
    let options = Options::ENABLE_TABLES | Options::ENABLE_HEADING_ATTRIBUTES;
    let mut events = Parser::new_ext(text, options);
    let mut title = String::new();
    let mut started = false;
    for event in events.by_ref() {
        match event {
            Event::Start(Tag::Heading { .. }) => started = true,
            Event::Text(text) | Event::Code(text) if started => title.push_str(&text),
            Event::End(TagEnd::Heading(_)) => break,
            _ if started => {}
            _ => return None,
        }
    }
    let rest: Vec<Event<'_>> = events.filter_map(|event| plain(event, root)).collect();
    let mut summary = String::new();
    for event in rest.iter().take_while(|e| !matches!(e, Event::End(TagEnd::Paragraph))) {
        match event {
            Event::Text(text) | Event::Code(text) => summary.push_str(text),
            Event::SoftBreak => summary.push(' '),
            _ => {}
        }
    }
    let mut body = String::new();
    html::push_html(&mut body, rest.into_iter());
    let outcomes = Outcome::ALL.into_iter().map(|outcome| OutcomeLine {
        id: outcome.as_str(),
        meaning: outcome.meaning(),
        hint: outcome.hint(),
        count: 0,
    });
    Some(ProseView {
        slug: slug.to_owned(),
        title: Some(title).filter(|t| !t.is_empty())?,
        summary,
        body,
        signals: Signal::ALL.iter().copied().map(signal_word).collect(),
        outcomes: outcomes.collect(),
        benchmark: None,
    })
}

/// HTML in the text is shown as text; links inside the site are made relative to the page.
fn plain<'a>(event: Event<'a>, root: &str) -> Option<Event<'a>> {
    Some(match event {
        Event::Html(html) | Event::InlineHtml(html) => Event::Text(html),
        Event::Start(Tag::Link { link_type, dest_url, title, id }) => {
            let inside = !dest_url.starts_with('#') && !dest_url.contains(':');
            let dest_url = if inside { CowStr::from(format!("{root}{dest_url}")) } else { dest_url };
            Event::Start(Tag::Link { link_type, dest_url, title, id })
        }
        event => event,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn html_is_text_and_links_are_relative() {
        let view =
            read("x", "# A title\n\nOne *line* [here](classes/read.html).\n\n<b>x</b>\n", "../").unwrap();
        assert_eq!((view.title.as_str(), view.summary.as_str()), ("A title", "One line here."));
        assert!(view.body.contains("href=\"../classes/read.html\""), "{}", view.body);
        assert!(!view.body.contains("<b>"), "{}", view.body);
        assert!(read("x", "no heading", "").is_none());
    }
}
