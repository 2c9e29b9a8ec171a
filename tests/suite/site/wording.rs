//! Right English on every page, for every class and every count.

use markup5ever_rcdom::{Handle, NodeData};
use regex::Regex;

use super::engine::synthetic;
use super::hostile::{NAMES, TEXTS, parse};
use super::{build_from, built, html_pages, options};

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
            if foreign || matches!(&*name.local, "code" | "pre" | "q" | "script") {
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
                    | "h4"
                    | "tr"
                    | "small"
                    | "figcaption"
                    | "section"
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

/// What is wrong, and how it looks in a page's own words.
const MISTAKES: &[(&str, &str)] = &[
    (r"\ba (Execute|[aeioAEIO][a-z]+ tool|hour|OPA|open|unknown outcome)\b", "a wrong article"),
    (r"\ban (Read|Write|Destructive|minute|day|person|call|tool|server)\b", "a wrong article"),
    (
        r"(^|[^0-9,.])1 (tools|servers|parameters|times|lines|reasons|entries|parts|versions|characters|changes|are)\b",
        "one of many",
    ),
    (
        r"(^|[\s(])(0|[2-9]|[1-9][0-9,]+) (tool|server|parameter|time|line|reason|entry|version|change|is)\b[^’]",
        "many of one",
    ),
    (
        r"\b([Aa]ll|[Oo]f|[Ii]ts|[Tt]he|[Bb]oth) 1 (tool|server|parameter|answer)",
        "one counted as if there were others",
    ),
    (r"(^|[^0-9.,])0 (did not|listed|tools carry)|(^|[^0-9])0\.0 % of the servers", "none told as a number"),
    // Digits beside letters are those of a hash.
    (r"(^|[^0-9a-z.,])[1-9][0-9]{4,}([^0-9a-z]|$)", "a number without its commas"),
    (r"[0-9]{4}-[0-9]{2}-[0-9]{2}T", "a date for machines"),
    (r"[^.]\.\.([^./]|$)", "a doubled full stop"),
    (r"(?i)server server|tool tool\b", "a word twice"),
    (r" [,.;:!?](\s|$)", "a space before a mark"),
    (r"\{\{|\}\}|\{%|%\}", "a template's own signs"),
    (r"“”|‘’|\(\s*\)|: \.|,\s*\.|;\s*\.|:\s*;|,\s*,|^\s*[,;]\s", "something empty"),
    (r"\b(null|undefined|NaN|Some\(|None\b[^ ])", "a program's word"),
    (r"[a-z]\.[A-Z][a-z]+ ", "no space after a full stop"),
    (r"\S  +\S", "two spaces"),
    (r"\b(as-recommended|no-limit|no-approval|denied-not-hidden)\b", "a word for templates"),
];

/// A word that stands twice in a row; numbers and code may.
fn doubled(line: &str) -> Option<&str> {
    let words: Vec<&str> = line.split(' ').collect();
    let twice = |pair: &&[&str]| {
        let [a, b] = pair else { return false };
        a.eq_ignore_ascii_case(b) && a.len() > 1 && a.chars().all(char::is_alphabetic)
    };
    words.windows(2).find(twice).and_then(|pair| pair.first().copied())
}

/// Every fault in the own words of every page.
pub(super) fn faults(pages: &std::collections::BTreeMap<String, String>) -> Vec<String> {
    let mistakes: Vec<(Regex, &str)> =
        MISTAKES.iter().map(|(pattern, what)| (Regex::new(pattern).unwrap(), *what)).collect();
    let quoted = Regex::new("“[^”]+”").unwrap();
    let stopped = Regex::new(r"[.!?…]”\.").unwrap();
    // Records are cited as their owners write them, and papers.
    let cited = Regex::new(r"(?:CVE|MAL)-\d{4}-\d+|\bissue \d+|\barXiv [\d.v]+").unwrap();
    let mut faults = Vec::new();
    for (name, page) in pages {
        for line in own_words(page).lines() {
            // What the made-up attackers say inside a sentence is no wording of ours, nor is what a server says in an answer.
            let line = &hostile_templates().fold(line.to_owned(), |line, text| line.replace(text, "x"));
            if stopped.is_match(line) {
                faults.push(format!("{name}: a doubled full stop: {}", line.trim()));
            }
            let line = &quoted.replace_all(line, "“x”");
            let line = &cited.replace_all(line, "a record");
            for (pattern, what) in &mistakes {
                if pattern.is_match(line) {
                    faults.push(format!("{name}: {what}: {}", line.trim()));
                }
            }
            if let Some(word) = doubled(line) {
                faults.push(format!("{name}: {word} twice: {}", line.trim()));
            }
        }
    }
    faults
}

#[test]
fn no_page_has_a_wrong_article_number_or_full_stop() {
    let faults = faults(&html_pages(&built().out));
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

#[test]
fn no_page_of_a_made_up_catalogue_has_a_fault_either() {
    let (folder, db) = synthetic();
    let out = folder.path().join("dist");
    build_from(&db, &options(&out)).unwrap();
    let pages = html_pages(&out);
    assert!(pages.keys().filter(|name| name.contains("/tools/")).count() > 60);
    let faults = faults(&pages);
    assert!(
        faults.is_empty(),
        "{} faults\n{}",
        faults.len(),
        faults.iter().take(40).cloned().collect::<Vec<_>>().join("\n")
    );
}

#[test]
fn a_fault_is_found() {
    let page = |words: &str| {
        let page = format!("<!DOCTYPE html><html lang=en><title>x</title><h1>x</h1><p>{words}</p>");
        faults(&[("p.html".to_owned(), page)].into()).len()
    };
    for wrong in [
        "It is a Execute tool.",
        "It lists 1 tools.",
        "2 tool are.",
        "It ended..",
        "the the tool",
        "It says “x.”.",
        "12345 tools",
        "a  b",
        "of 2026-01-01T00:00:00Z",
        "changed: ; and",
        "It is undefined.",
        "{{ name }}",
        "All 1 tool of it.",
        "1 of its 1 tool has low risk.",
        "28 listed tools, 0 did not.",
    ] {
        assert!(page(wrong) > 0, "{wrong}");
    }
    assert_eq!(page("It is an Execute tool, one of 12,345 tools. <code>a  b..</code>"), 0);
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
