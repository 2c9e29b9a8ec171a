//! Markdown twins of guides: title, summary, address, and the text as it was written, with links that hold where the twin lies.

use std::ops::Range;

use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};
use url::Url;

use super::page::{absolute, root_from};

/// The twin of a guide: of its source, its title and its one-line summary, and where its page lies. Links into the site are
/// absolute where the site's address is known.
pub(super) fn guide_twin(source: &str, title: &str, summary: &str, page: &str, base: Option<&Url>) -> String {
    let address = |to: &str| base.map_or_else(|| root_from(page) + to, |base| absolute(base, to));
    let options = Options::ENABLE_TABLES | Options::ENABLE_HEADING_ATTRIBUTES;
    // Where the text begins that title and summary do not say yet, and what is put in the place of parts of the source.
    let mut begin = None;
    let mut edits: Vec<(Range<usize>, String)> = Vec::new();
    for (event, range) in Parser::new_ext(source, options).into_offset_iter() {
        let part = source.get(range.clone()).unwrap_or_default();
        match event {
            Event::End(TagEnd::Paragraph) if begin.is_none() => begin = Some(range.end),
            Event::Start(Tag::Link { dest_url, .. }) if is_inside(&dest_url) => {
                let mark = format!("]({dest_url}");
                let Some(at) = part.rfind(&mark) else { continue };
                let from = range.start + at + 2;
                edits.push((from..from + dest_url.len(), address(&dest_url)));
            }
            // The name that the page gives a heading means nothing here.
            Event::Start(Tag::Heading { id: Some(id), .. }) => {
                let mark = format!(" {{#{id}}}");
                let Some(at) = part.rfind(&mark) else { continue };
                let from = range.start + at;
                edits.push((from..from + mark.len(), String::new()));
            }
            _ => {}
        }
    }
    let begin = begin.unwrap_or_default();
    let mut twin = format!("# {title}\n\n> {summary}\n\nThis guide as a page: <{}>\n", address(page));
    let mut from = begin;
    edits.sort_by_key(|(range, _)| range.start);
    for (range, text) in edits.into_iter().filter(|(range, _)| range.start >= begin) {
        twin.push_str(source.get(from..range.start).unwrap_or_default());
        twin.push_str(&text);
        from = range.end;
    }
    let rest = source.get(from..).unwrap_or_default();
    if from == begin {
        twin.push('\n');
        twin.push_str(rest.trim_start());
    } else {
        twin.push_str(rest);
    }
    twin.truncate(twin.trim_end().len());
    twin.push('\n');
    twin
}

/// A link to a page of this site, counted from its root.
fn is_inside(link: &str) -> bool {
    !link.starts_with('#') && !link.contains(':')
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOURCE: &str = "# A *title*\n\nOne line, see [here](classes/read.html).\n\nMore [of it](method.html#risks), \
        [elsewhere](https://x.example/).\n\n## Part {#part}\n\n[down](#part) `a](method.html`\n";

    #[test]
    fn a_twin_says_title_summary_and_address_once_and_its_links_hold() {
        let twin = guide_twin(SOURCE, "A title", "One line, see here.", "guides/a.html", None);
        assert_eq!(
            twin,
            "# A title\n\n> One line, see here.\n\nThis guide as a page: <../guides/a.html>\n\n\
             More [of it](../method.html#risks), [elsewhere](https://x.example/).\n\n## Part\n\n\
             [down](#part) `a](method.html`\n"
        );
        let base: Url = "https://cat.example/".parse().unwrap();
        let twin = guide_twin(SOURCE, "A title", "One line, see here.", "guides/a.html", Some(&base));
        assert!(twin.contains("<https://cat.example/guides/a.html>"), "{twin}");
        assert!(twin.contains("(https://cat.example/method.html#risks)"), "{twin}");
        let short = guide_twin("# T\n\nAll.\n", "T", "All.", "guides/t.html", None);
        assert_eq!(short, "# T\n\n> All.\n\nThis guide as a page: <../guides/t.html>\n");
    }
}
