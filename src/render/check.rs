//! Checks a built site as a reader would find it: every internal link leads to a file, every fragment to an id.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// One thing wrong with a built site.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    /// The page it is on, below the site's root.
    pub page: String,
    /// The link as written.
    pub link: String,
    /// What is wrong with it.
    pub why: &'static str,
}

/// Links and anchors of one page.
#[derive(Default)]
struct Anchors {
    links: Vec<String>,
    ids: BTreeSet<String>,
    doubles: Vec<String>,
}

/// Every broken link, doubled id and link of an unknown kind, by page. An unreadable folder is a problem too.
///
/// Reads our own output: attributes are in double quotes and text has none, as the template engine writes them.
pub fn check(out: &Path) -> Vec<Problem> {
    let mut files = BTreeSet::new();
    let mut problems = Vec::new();
    collect(out, out, &mut files, &mut problems);
    let mut pages = BTreeMap::new();
    for file in files.iter().filter(|f| f.ends_with(".html")) {
        match fs_err::read_to_string(out.join(file)) {
            Ok(text) => {
                pages.insert(file.as_str(), anchors(&text));
            }
            Err(_) => problems.push(problem(file, "", "cannot be read as text")),
        }
    }
    for (page, anchors) in &pages {
        problems.extend(anchors.doubles.iter().map(|id| problem(page, id, "this id comes twice")));
        for link in &anchors.links {
            if let Some(why) = broken(page, link, &files, &pages) {
                problems.push(problem(page, link, why));
            }
        }
    }
    problems.sort();
    problems.dedup();
    problems
}

fn problem(page: &str, link: &str, why: &'static str) -> Problem {
    Problem { page: page.to_owned(), link: link.to_owned(), why }
}

fn collect(root: &Path, folder: &Path, files: &mut BTreeSet<String>, problems: &mut Vec<Problem>) {
    let Ok(entries) = fs_err::read_dir(folder) else {
        problems.push(problem(&folder.to_string_lossy(), "", "cannot be read as a folder"));
        return;
    };
    for path in entries.flatten().map(|e| e.path()) {
        if path.is_dir() {
            collect(root, &path, files, problems);
        } else if let Ok(inner) = path.strip_prefix(root) {
            files.insert(inner.to_string_lossy().replace('\\', "/"));
        }
    }
}

fn broken(
    page: &str,
    link: &str,
    files: &BTreeSet<String>,
    pages: &BTreeMap<&str, Anchors>,
) -> Option<&'static str> {
    if link.starts_with("https://") {
        return None;
    }
    if link.starts_with('/') || link.split(['/', '#']).next().is_some_and(|start| start.contains(':')) {
        return Some("neither a relative link nor an https one");
    }
    let (path, fragment) = link.split_once('#').unwrap_or((link, ""));
    let Some(target) = resolve(page, path) else { return Some("leads out of the site") };
    if !files.contains(&target) {
        return Some("leads to no file");
    }
    let missing =
        !fragment.is_empty() && !pages.get(target.as_str()).is_some_and(|p| p.ids.contains(fragment));
    missing.then_some("leads to no id on its page")
}

/// The file a relative link means, below the root.
fn resolve(page: &str, path: &str) -> Option<String> {
    if path.is_empty() {
        return Some(page.to_owned());
    }
    let mut parts: Vec<&str> = page.split('/').collect();
    parts.pop();
    for part in path.split('/') {
        match part {
            ".." => {
                parts.pop()?;
            }
            "." | "" => {}
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

fn anchors(text: &str) -> Anchors {
    let mut anchors = Anchors::default();
    for (name, value) in attributes(text) {
        match name {
            "id" => {
                if !anchors.ids.insert(value.clone()) {
                    anchors.doubles.push(value);
                }
            }
            _ => anchors.links.push(value),
        }
    }
    anchors
}

/// The values of `href`, `src`, `action` and `id` inside tags, entities resolved. `base` and canonical links are not
/// links of the page.
fn attributes(text: &str) -> Vec<(&'static str, String)> {
    let mut found = Vec::new();
    for tag in text.split('<').skip(1) {
        let tag = tag.split('>').next().unwrap_or_default();
        if tag.starts_with("base ") || tag.contains("rel=\"canonical\"") {
            continue;
        }
        for (name, start) in
            [("href", " href=\""), ("src", " src=\""), ("action", " action=\""), ("id", " id=\"")]
        {
            if let Some((_, rest)) = tag.split_once(start) {
                found.push((name, unescape(rest.split('"').next().unwrap_or_default())));
            }
        }
    }
    found
}

fn unescape(text: &str) -> String {
    let pairs = [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#39;", "'"), ("&amp;", "&")];
    pairs.iter().fold(text.to_owned(), |text, (from, to)| text.replace(from, to))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn broken_links_fragments_and_strange_schemes_are_found() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("a")).unwrap();
        let page = r##"<p id="x"><a href="../b.html#y">1</a><a href="#x">2</a><a href="#no">3</a>
            <a href="gone.html">4</a><a href="javascript:x">5</a><a href="/abs">6</a>
            <a href="../../out.html">7</a><a href="https://h.example/">8</a><img src="../i.svg"></p><p id="x"></p>"##;
        std::fs::write(dir.path().join("a/p.html"), page).unwrap();
        std::fs::write(dir.path().join("b.html"), r#"<p id="y"></p>"#).unwrap();
        let links: Vec<_> = check(dir.path()).into_iter().map(|p| p.link).collect();
        assert_eq!(links, ["#no", "../../out.html", "../i.svg", "/abs", "gone.html", "javascript:x", "x"]);
    }
}
