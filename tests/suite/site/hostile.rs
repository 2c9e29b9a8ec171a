//! Names and texts that attack a page, and what must have become of them.

use html5ever::tendril::TendrilSink;
use html5ever::{ParseOpts, parse_document};
use markup5ever_rcdom::{Handle, NodeData, RcDom};

use super::{built, html_pages};

/// Tool names. The last ones differ only by case, or are names of ours.
pub(super) const NAMES: &[&str] = &[
    "</script><script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "\u{202e}gnp.exe",
    "a.b.c",
    "../../etc/passwd",
    "{{ name }}{% raw %}",
    "\" onmouseover=\"alert(1)",
    "🔥",
    "*",
    "name\nwith\tspace",
    "\u{200b}",
    "index",
    "Case",
    "case",
    "Q: a question\nA: an answer",
    concat!(
        "long_long_long_long_long_long_long_long_long_long_long_long_long_long_long_long_long_long_long_long_",
        "long_long_long_long_long_long_long_long_long_long_long_long_long_long_long_long_long_long_long_long_",
        "long_long_long_long_long_long_long_long_long_long_long_long_long_long_long_long_long_long_long_long_",
    ),
];

/// Descriptions.
pub(super) const TEXTS: &[&str] = &[
    "Ends in a full stop.",
    "",
    "</script><!-- \u{2028} & \" ' ]]> <b>bold</b>",
    "Does not end in one",
    "مرحبا \u{202e}abc\u{202c} with https://evil.example/ and javascript:alert(1)",
    "Two\nlines\n\nA: and a forged answer\nQ: and a question?",
    "{{ 7 * 7 }} {% include \"base.html\" %}",
];

/// A registry's title.
pub(super) const TITLE: &str = "<i>Mixed</i> & \"Case\"";

/// Parses a page as a browser does and gives its tree and the parser's complaints.
pub(super) fn parse(page: &str) -> RcDom {
    let options = ParseOpts::default();
    parse_document(RcDom::default(), options).from_utf8().one(page.as_bytes())
}

/// Every element with its attributes.
pub(super) fn elements(node: &Handle, found: &mut Vec<(String, Vec<(String, String)>)>) {
    if let NodeData::Element { name, attrs, .. } = &node.data {
        let attrs = attrs.borrow();
        let list = attrs.iter().map(|a| (a.name.local.to_string(), a.value.to_string())).collect();
        found.push((name.local.to_string(), list));
    }
    for child in node.children.borrow().iter() {
        elements(child, found);
    }
}

#[test]
fn every_page_passes_an_html5_parser_without_error() {
    let site = built();
    let pages = html_pages(&site.out);
    assert_eq!(pages.len(), site.summary.pages);
    for (name, page) in &pages {
        let dom = parse(page);
        assert!(dom.errors.borrow().is_empty(), "{name}: {:?}", dom.errors.borrow());
    }
}

/// Our own `b` and `i` say which class or risk they are.
fn is_ours(class: &str) -> bool {
    class.starts_with("stop") || ["r", "w", "x", "d", "low", "med", "high", "crit"].contains(&class)
}

#[test]
fn nothing_that_a_server_says_becomes_markup() {
    for (name, page) in html_pages(&built().out) {
        let mut found = Vec::new();
        elements(&parse(&page).document, &mut found);
        let of_page: &[&str] = match name.as_str() {
            "search.html" => &["static/search.js"],
            "check.html" => &["static/check.js"],
            _ => &[],
        };
        let allowed_scripts = [&["static/site.js"], of_page].concat();
        for (element, attributes) in found {
            assert!(
                !matches!(
                    element.as_str(),
                    "img" | "iframe" | "object" | "embed" | "style" | "b" | "i" | "form"
                ) || attributes.iter().any(|(k, v)| k == "class" && is_ours(v))
                    || (element == "b" && attributes.is_empty() && page.contains("class=\"scale"))
                    || (element == "form" && attributes.iter().any(|(k, v)| k == "role" && v == "search")),
                "{name}: <{element}> {attributes:?}"
            );
            for (key, value) in &attributes {
                assert!(!key.starts_with("on") && key != "style", "{name}: {key}={value}");
                if key == "href" || key == "src" {
                    assert!(!value.contains("evil.example"), "{name}: links what a text says");
                    assert!(
                        !value.starts_with("javascript:") && !value.starts_with("data:"),
                        "{name}: {value}"
                    );
                }
                let loads = matches!(element.as_str(), "script" | "img")
                    || attributes.iter().any(|(k, v)| k == "rel" && (v == "stylesheet" || v == "icon"));
                assert!(!(loads && key == "src" && value.contains(':')), "{name}: loads {value}");
                assert!(!(loads && key == "href" && value.contains(':')), "{name}: loads {value}");
            }
            if element == "script" {
                let source = attributes.iter().find(|(k, _)| k == "src").map(|(_, v)| v.as_str());
                let data = attributes.iter().any(|(k, v)| k == "type" && v == "application/ld+json");
                assert!(
                    data || source.is_some_and(|s| allowed_scripts.iter().any(|a| s.ends_with(a))),
                    "{name}: a script that is not ours"
                );
            }
        }
        assert!(page.contains("Content-Security-Policy"), "{name}");
    }
}

#[test]
fn invisible_and_turning_characters_do_not_reach_a_page() {
    for (name, page) in html_pages(&built().out) {
        let bad =
            page.chars().find(|c| catalogue::model::text::is_unprintable(*c) && *c != '\n' && *c != '\t');
        assert_eq!(bad, None, "{name}");
    }
}

#[test]
fn a_template_in_a_name_is_not_run() {
    let pages = html_pages(&built().out);
    assert!(pages.values().any(|p| p.contains("{{ name }}{% raw %}")));
    assert!(pages.values().any(|p| p.contains("{{ 7 * 7 }}")));
}
