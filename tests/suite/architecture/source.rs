//! A Rust file as the architecture test sees it: its code without comments, texts and tests.

use std::collections::BTreeSet;
use std::path::Path;

use regex::Regex;

/// One file below `src`.
pub(super) struct Source {
    /// Its path below `src`, with `/`.
    pub path: String,
    /// The whole file.
    pub text: String,
    /// Without comments, the contents of strings, and tests.
    pub code: String,
    /// Lines before its tests.
    pub lines: usize,
    /// Its module path: `["render", "page"]` for `render/page.rs`.
    pub module: Vec<String>,
}

impl Source {
    /// From a path below `src` and the file's text.
    pub(super) fn new(path: &str, text: &str) -> Self {
        let module = path
            .trim_end_matches(".rs")
            .split('/')
            .filter(|part| *part != "mod")
            .map(str::to_owned)
            .collect();
        Self {
            path: path.to_owned(),
            text: text.to_owned(),
            code: without_test_items(&without_comments_and_texts(text)),
            lines: before_tests(text).lines().count(),
            module,
        }
    }

    /// The top-level modules that its paths lead to.
    pub(super) fn top_level_modules_used(&self) -> BTreeSet<String> {
        let mut used = BTreeSet::new();
        for start in Regex::new(r"\bcrate\s*::").unwrap().find_iter(&self.code) {
            used.extend(heads(self.code.get(start.end()..).unwrap_or_default()));
        }
        for chain in Regex::new(r"\b(?:super\s*::\s*)+").unwrap().find_iter(&self.code) {
            let climbs = chain.as_str().matches("super").count();
            if climbs >= self.module.len() {
                used.extend(heads(self.code.get(chain.end()..).unwrap_or_default()));
            }
        }
        used
    }
}

/// The first names after `::`: one, or each entry of a group in braces.
fn heads(rest: &str) -> Vec<String> {
    let rest = rest.trim_start();
    let name = |text: &str| -> String {
        text.trim_start().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
    };
    let Some(group) = rest.strip_prefix('{') else { return vec![name(rest)] };
    let mut found = Vec::new();
    let (mut depth, mut entry) = (1, String::new());
    for c in group.chars() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        if depth == 0 || (depth == 1 && c == ',') {
            found.push(name(&entry));
            entry.clear();
        } else {
            entry.push(c);
        }
        if depth == 0 {
            break;
        }
    }
    found.retain(|name| !name.is_empty());
    found
}

/// Everything before the module of tests.
fn before_tests(text: &str) -> &str {
    let tests =
        Regex::new(r"(?m)^#\[cfg\(test\)\]\s*\n(?:#\[[^\n]*\]\s*\n)*(?:pub(?:\([a-z]+\))? )?mod \w+ *\{")
            .unwrap();
    match tests.find(text) {
        Some(found) => text.get(..found.start()).unwrap_or(text),
        None => text,
    }
}

/// Leaves out each item that only tests have: what follows `#[cfg(test)]`, to its `;` or its closing brace.
fn without_test_items(code: &str) -> String {
    let mut parts = code.split("#[cfg(test)]");
    let mut kept = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let mut depth = 0;
        let end = part.char_indices().find_map(|(at, c)| {
            depth += match c {
                '{' => 1,
                '}' => -1,
                _ => 0,
            };
            (depth == 0 && matches!(c, '}' | ';')).then_some(at + 1)
        });
        kept.push_str(part.get(end.unwrap_or(part.len())..).unwrap_or_default());
    }
    kept
}

/// Blanks out comments and the insides of string and character literals.
fn without_comments_and_texts(text: &str) -> String {
    let token = Regex::new(
        r##"(?s)//[^\n]*|/\*.*?\*/|b?r#"(?:.*?)"#|b?r"[^"]*"|b?"(?:\\.|[^"\\])*"|b?'(?:\\.[^']*|[^'\\])'"##,
    )
    .unwrap();
    token.replace_all(text, " ").into_owned()
}

/// Every file below `src`, sorted; those that hold nothing but tests are left out.
pub(super) fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("src can be read") {
            let path = entry.expect("an entry").path();
            if path.is_dir() && path.file_name().is_some_and(|name| name != "tests") {
                folders.push(path);
            } else if path.extension().is_some_and(|end| end == "rs")
                && path.file_stem().is_some_and(|stem| stem != "tests")
            {
                files.push(path);
            }
        }
    }
    files.sort();
    files
        .iter()
        .map(|path| {
            let inner = path.strip_prefix(&root).expect("it lies below src");
            let text = std::fs::read_to_string(path).expect("a source file is text");
            Source::new(&inner.to_string_lossy().replace('\\', "/"), &text)
        })
        .collect()
}
