//! Right English on every page, for every class and every count.

use markup5ever_rcdom::{Handle, NodeData};
use regex::Regex;

use super::hostile::{NAMES, TEXTS, parse};
use super::{built, html_pages};

/// A page's own words: what is set as foreign text or code is left out, blocks are set apart by line feeds.
fn own_words(page: &str) -> String {
    let mut text = String::new();
    collect(&parse(page).document, &mut text);
    text
}

fn collect(node: &Handle, text: &mut String) {
    match &node.data {
        NodeData::Text { contents } => text.push_str(&contents.borrow()),
        NodeData::Element { name, attrs, .. } => {
            let class =
                attrs.borrow().iter().find(|a| &*a.name.local == "class").map(|a| a.value.to_string());
            let foreign = class.is_some_and(|c| c.split(' ').any(|c| c == "own"));
            if foreign || matches!(&*name.local, "code" | "pre" | "script") {
                text.push('\u{fffc}');
                return;
            }
            let block = matches!(
                &*name.local,
                "p" | "li"
                    | "h1"
                    | "h2"
                    | "h3"
                    | "dt"
                    | "dd"
                    | "td"
                    | "th"
                    | "title"
                    | "summary"
                    | "div"
                    | "a"
            );
            children(node, text);
            if block && &*name.local != "a" {
                text.push('\n');
            }
        }
        _ => children(node, text),
    }
}

fn hostile_templates() -> impl Iterator<Item = &'static str> {
    NAMES.iter().chain(TEXTS).copied().filter(|text| text.contains("{%"))
}

fn children(node: &Handle, text: &mut String) {
    for child in node.children.borrow().iter() {
        collect(child, text);
    }
}

#[test]
fn no_page_has_a_wrong_article_number_or_full_stop() {
    let mistakes = [
        (r"\ba (Execute|[aeioAEIO][a-z]+ tool)\b", "a wrong article"),
        (r"\ban (Read|Write|Destructive)\b", "a wrong article"),
        (r"(^|[^0-9,.])1 (tools|servers|parameters|times|lines|reasons|entries|parts)\b", "one of many"),
        (r"\b(0|[2-9]|[1-9][0-9,]+) (tool|server|parameter|time|line|reason|entry)\b[^’]", "many of one"),
        (r"[^.]\.\.([^./]|$)", "a doubled full stop"),
        (r"[.!?…]”\.", "a doubled full stop"),
        (r"(?i)server server", "server server"),
        (r" [,.;:!?](\s|$)", "a space before a mark"),
        (r"\{\{|\}\}|\{%|%\}", "a template's own signs"),
        (r"“”|\(\)|: \.|,\s*\.", "something empty"),
        (r"\b(null|undefined|NaN|Some\(|None\b[^ ])", "a program's word"),
        (r"[a-z]\.[A-Z][a-z]+ ", "no space after a full stop"),
    ];
    let mistakes: Vec<(Regex, &str)> = mistakes.map(|(p, what)| (Regex::new(p).unwrap(), what)).into();
    let mut faults = Vec::new();
    for (name, page) in html_pages(&built().out) {
        for line in own_words(&page).lines() {
            // What the made-up attackers say inside a sentence is no wording of ours.
            let line = &hostile_templates().fold(line.to_owned(), |line, text| line.replace(text, "x"));
            for (pattern, what) in &mistakes {
                if pattern.is_match(line) {
                    faults.push(format!("{name}: {what}: {}", line.trim()));
                }
            }
        }
    }
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

#[test]
fn a_server_is_called_by_its_title_with_its_key_beside_it() {
    let pages = html_pages(&built().out);
    let page = &pages["servers/npm/@awkward/names/index.html"];
    assert!(page.contains("<h1>Awkward MCP Server</h1>") && page.contains("npm:@awkward/names"));
    assert!(!page.to_lowercase().contains("mcp server server"));
    let page = &pages["servers/pypi/one-tool/index.html"];
    assert!(page.contains("<h1>one-tool</h1>") && page.contains("1 tool of the one-tool server"));
    for (name, page) in
        pages.iter().filter(|(name, _)| name.starts_with("servers/npm/") || name.contains("/tools/"))
    {
        assert!(page.contains("<code class=\"key\">"), "{name}");
    }
}

#[test]
fn every_class_is_called_right_in_the_answers() {
    let pages = html_pages(&built().out);
    let mut seen = std::collections::BTreeSet::new();
    for page in pages.values().filter(|p| p.contains("id=\"questions\"")) {
        for words in [
            "It is a Read tool.",
            "It is a Write tool.",
            "It is an Execute tool.",
            "It is a Destructive tool.",
        ] {
            if page.contains(words) {
                seen.insert(words);
            }
        }
    }
    assert_eq!(seen.len(), 4);
}
