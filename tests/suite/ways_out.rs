//! The ways out of foreign text are typed, and there is no other: what the compiler does not refuse is refused here.

use std::path::{Path, PathBuf};

use catalogue::assets::Folder;
use regex::Regex;

fn rust_files(folder: &Path, found: &mut Vec<(PathBuf, String)>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            rust_files(&path, found);
        } else if path.extension().is_some_and(|e| e == "rs") {
            let text = std::fs::read_to_string(&path).unwrap();
            // What is below belongs to tests.
            let text = text.split("\n#[cfg(test)]\nmod tests {").next().unwrap_or_default().to_owned();
            found.push((path, text));
        }
    }
}

fn sources() -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    rust_files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut found);
    assert!(found.len() > 100, "the walk over src found too little to be right");
    found
}

fn hits(pattern: &str, of: impl Fn(&str) -> bool) -> Vec<String> {
    let pattern = Regex::new(pattern).unwrap();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut hits = Vec::new();
    for (path, text) in sources() {
        let path = path.strip_prefix(&root).unwrap().to_string_lossy().into_owned();
        if of(&path) {
            hits.extend(pattern.find_iter(&text).map(|hit| format!("src/{path}: {}", hit.as_str())));
        }
    }
    hits
}

#[test]
fn untrusted_text_cannot_be_shown_without_saying_where() {
    let found = hits(
        r"impl\b[^{;]*\b(Display|Deref|DerefMut|AsRef<str>|Borrow<str>|LowerHex|Pointer|ToString|Into<String>)\b[^{;]*\bfor\s+Untrusted\b|impl\s+From<&?Untrusted>",
        |_| true,
    );
    assert_eq!(found, Vec::<String>::new());
}

/// `probe` puts what a server said into a detail, which is `Untrusted` again.
#[test]
fn no_sentence_is_made_with_the_raw_text() {
    let sentence =
        r#"(?:format|write|writeln|bail|anyhow|panic|print|println)!\((?:[^;{}]|\{[^;{}]*\})*?\.raw\(\)"#;
    let found = hits(sentence, |path| !path.starts_with("probe/") && !path.starts_with("selftest"));
    // A JSON path of a finding, quoted with `{:?}` and cleaned where the finding is shown.
    let found: Vec<String> = found.into_iter().filter(|hit| !hit.contains(".definition")).collect();
    assert_eq!(found, Vec::<String>::new());
}

#[test]
fn results_in_json_leave_through_the_one_writer() {
    let found = hits(
        r"progress::print\(&?\(?format!\([^;]*json|serde_json::to_string(_pretty)?\([^;]*\n?[^;]*progress",
        |p| p.starts_with("cli"),
    );
    assert_eq!(found, Vec::<String>::new());
}

/// Every template, name and text.
fn templates() -> Vec<(String, String)> {
    let files = Folder::Templates.files(None).unwrap();
    files.iter().map(|(name, bytes)| (name.clone(), String::from_utf8(bytes.clone()).unwrap())).collect()
}

#[test]
fn no_template_calls_a_text_safe_or_leaves_an_attribute_open() {
    let unquoted = Regex::new(r#"=\s*\{\{|=\s*[^"'\s<>{}=]+\{\{"#).unwrap();
    let safe = Regex::new(r"\|\s*safe\b").unwrap();
    let tag = Regex::new(r"<[a-zA-Z][^<>]*>").unwrap();
    let events = Regex::new(r#"<[^>]*\s(on[a-z]+|style)\s*="#).unwrap();
    for (name, text) in templates() {
        // Our own Markdown, made into HTML by our own program.
        assert!(
            ["prose.html", "note.html", "attack.html"].contains(&name.as_str()) || !safe.is_match(&text),
            "{name}"
        );
        assert!(!text.contains("autoescape"), "{name}");
        for tag in tag.find_iter(&text) {
            assert!(!unquoted.is_match(tag.as_str()), "{name}: {}", tag.as_str());
        }
        if name.ends_with(".html") {
            assert!(!events.is_match(&text), "{name}: a handler or a style in a tag");
        }
    }
}

/// An address in a link is one of ours, or one of those that were checked to be plain https: two of a server, and what the
/// library of attacks cites; `tool.path` is made of slugs by `tool_page/neighbours.rs`, `note.path` of the name of a
/// file of ours; the address for reports is the publisher's, a page or a mailbox (`model::ReportAddress`).
#[test]
fn links_lead_to_addresses_that_were_made_or_checked() {
    let links = Regex::new(r#"(?:href|src|action|formaction|poster|data)="([^"]*\{\{[^"]*)""#).unwrap();
    let ours = Regex::new(
        r"^\{\{ root \}\}|^\{\{ (canonical|base) \}\}[a-z./]*(\{\{ (tool|note)\.path \}\})?$|^\{\{ base \}\}\{% if event\.server %\}|^\.\./\{\{ other\.file \}\}$|^#|^\{\{ (facts\.)?(homepage|repository) \}\}$|^\{\{ file \}\}\.(json|md|svg)$|^\{\{ (now|tool\.path) \}\}$|^\{\{ (incident|source|term)\.source \}\}$|^\{\{ (entry|list)\.url \}\}$|^\{\{ site\.report\.address \}\}$",
    )
    .unwrap();
    let mut seen = 0;
    for (name, text) in templates() {
        for link in links.captures_iter(&text) {
            seen += 1;
            let address = link.get(1).unwrap().as_str();
            assert!(ours.is_match(address), "{name}: {address}");
        }
    }
    assert!(seen > 20, "{seen} links are too few to be all");
}

/// The policy that every page carries lets no inline script, no frame, no form and no other host in.
#[test]
fn every_page_s_template_carries_the_content_security_policy() {
    for (name, text) in templates().into_iter().filter(|(name, _)| name.ends_with(".html")) {
        let carries = text.contains("http-equiv=\"Content-Security-Policy\"");
        let part = name.starts_with("parts/") || text.contains("{% extends \"");
        assert!(carries != part, "{name}");
        // The page for what is not there is shown at any depth: it alone has a base, of the site itself.
        if let Some((_, own)) = text.split_once("{% block base_uri %}").filter(|_| part) {
            assert!(name == "404.html" && own.starts_with("'self'{% endblock"), "{name}");
        }
        if carries {
            let policy = text.split("Content-Security-Policy\" content=\"").nth(1).unwrap();
            let policy = policy.split('"').next().unwrap();
            assert!(policy.contains("default-src 'none'"), "{policy}");
            assert!(policy.contains("base-uri {% block base_uri %}'none'{% endblock %};"), "{policy}");
            assert!(policy.contains("form-action 'self'"), "{policy}");
            assert!(
                !policy.contains("unsafe") && !policy.contains('*') && !policy.contains("http"),
                "{policy}"
            );
        }
    }
}
