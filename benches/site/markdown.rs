//! A page of ours as a Markdown file for other generators: front matter in TOML, and what its main part says, word for word.

use std::fmt::Write as _;

use html5ever::tendril::TendrilSink;
use markup5ever_rcdom::{Handle, NodeData, RcDom};

/// One page, taken apart.
#[derive(Debug, Default)]
pub(crate) struct Content {
    pub(crate) title: String,
    pub(crate) description: String,
    /// What the verdict calls the class, lower case; empty if the page has none.
    pub(crate) class: String,
    pub(crate) risk: String,
    /// The heading of the page in words.
    pub(crate) name: String,
    /// Structured data as JSON, breadcrumbs left out: a layout makes its own.
    pub(crate) data: Vec<String>,
    /// The main part.
    pub(crate) body: String,
}

/// Reads a page; what a list template shows of its own (`ul.tools`) is left out.
pub(crate) fn content(html: &str) -> Content {
    let page = html5ever::parse_document(RcDom::default(), Default::default()).one(html);
    let mut found = Content::default();
    walk(&page.document, &mut found);
    // What other generators take for calls of theirs is pulled apart.
    found.body = found.body.replace("{{", "{ {").replace("{%", "{ %");
    if let Some((_, verdict)) = found.title.rsplit_once("): ")
        && let Some((class, risk)) = verdict.split_once(", ")
    {
        found.class = class.to_lowercase();
        found.risk = risk.trim_end_matches(" risk").to_owned();
    }
    found
}

fn walk(node: &Handle, found: &mut Content) {
    let NodeData::Element { name, .. } = &node.data else {
        return node.children.borrow().iter().for_each(|child| walk(child, found));
    };
    match &*name.local {
        "title" => found.title = text(node),
        "meta" if attribute(node, "name") == "description" => found.description = attribute(node, "content"),
        "script" if attribute(node, "type") == "application/ld+json" => {
            let data = text(node);
            if !data.contains("BreadcrumbList") {
                found.data.push(data);
            }
        }
        "main" => node.children.borrow().iter().for_each(|child| {
            if element(child) == "h1" {
                found.name = text(child);
            } else {
                block(child, &mut found.body);
            }
        }),
        _ => node.children.borrow().iter().for_each(|child| walk(child, found)),
    }
}

/// TOML's basic strings are JSON's, but for one control character more.
pub(crate) fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string().replace('\u{7f}', "\\u007f")
}

fn element(node: &Handle) -> String {
    match &node.data {
        NodeData::Element { name, .. } => name.local.to_string(),
        _ => String::new(),
    }
}

fn attribute(node: &Handle, wanted: &str) -> String {
    let NodeData::Element { attrs, .. } = &node.data else { return String::new() };
    let attrs = attrs.borrow();
    attrs.iter().find(|a| &*a.name.local == wanted).map(|a| a.value.to_string()).unwrap_or_default()
}

fn text(node: &Handle) -> String {
    match &node.data {
        NodeData::Text { contents } => contents.borrow().to_string(),
        _ => node.children.borrow().iter().map(text).collect(),
    }
}

/// Words beside each other are one paragraph; what stands by itself comes between them.
fn blocks(of: &[Handle], out: &mut String) {
    let mut words = String::new();
    let flush = |words: &mut String, out: &mut String| {
        let line = words.split_whitespace().collect::<Vec<_>>().join(" ");
        if !line.is_empty() {
            let _ = writeln!(out, "{line}\n");
        }
        words.clear();
    };
    for node in of {
        if is_words(node) {
            words.push_str(&inline(node));
        } else {
            flush(&mut words, out);
            block(node, out);
        }
    }
    flush(&mut words, out);
}

fn is_words(node: &Handle) -> bool {
    match &node.data {
        NodeData::Text { .. } => true,
        NodeData::Element { .. } => matches!(
            element(node).as_str(),
            "a" | "b"
                | "code"
                | "em"
                | "i"
                | "kbd"
                | "mark"
                | "q"
                | "small"
                | "span"
                | "strong"
                | "sup"
                | "time"
        ),
        _ => false,
    }
}

fn block(node: &Handle, out: &mut String) {
    let children = node.children.borrow();
    match element(node).as_str() {
        "h2" => {
            let _ = writeln!(out, "## {}\n", line(node));
        }
        "h3" => {
            let _ = writeln!(out, "### {}\n", line(node));
        }
        "h4" => {
            let _ = writeln!(out, "#### {}\n", line(node));
        }
        "pre" => {
            let code = text(node);
            let longest = code.split(|c| c != '`').map(str::len).max().unwrap_or(0);
            let fence = "`".repeat(longest.max(2) + 1);
            let _ = writeln!(out, "{fence}\n{}\n{fence}\n", code.trim_end());
        }
        "ul" | "ol" if attribute(node, "class") == "tools" => {}
        list @ ("ul" | "ol") => {
            let mark = if list == "ul" { "-" } else { "1." };
            for item in children.iter().filter(|child| element(child) == "li") {
                let _ = writeln!(out, "{mark} {}", line(item));
            }
            out.push('\n');
        }
        "table" => {
            let mut rows = Vec::new();
            collect_rows(node, &mut rows);
            for (i, row) in rows.iter().enumerate() {
                let _ = writeln!(out, "| {} |", row.join(" | "));
                if i == 0 {
                    let _ = writeln!(out, "|{}", "---|".repeat(row.len()));
                }
            }
            out.push('\n');
        }
        "blockquote" => {
            let mut inner = String::new();
            blocks(&children, &mut inner);
            for line in inner.trim_end().lines() {
                let _ = writeln!(out, "> {line}");
            }
            out.push('\n');
        }
        "p" | "summary" | "dt" | "dd" | "figcaption" => {
            let words = line(node);
            if !words.is_empty() {
                let _ = writeln!(out, "{words}\n");
            }
        }
        "svg" | "script" | "style" | "form" => {}
        _ => blocks(&children, out),
    }
}

fn collect_rows(node: &Handle, rows: &mut Vec<Vec<String>>) {
    for child in node.children.borrow().iter() {
        if element(child) == "tr" {
            let cells = child.children.borrow();
            let cells = cells.iter().filter(|cell| matches!(element(cell).as_str(), "td" | "th"));
            rows.push(cells.map(|cell| line(cell).replace('|', "\\|")).collect());
        } else {
            collect_rows(child, rows);
        }
    }
}

/// On one line, whatever is in it.
fn line(node: &Handle) -> String {
    inline(node).split_whitespace().collect::<Vec<_>>().join(" ")
}

fn inline(node: &Handle) -> String {
    if let NodeData::Text { contents } = &node.data {
        return escaped(&contents.borrow());
    }
    let inner: String = node.children.borrow().iter().map(inline).collect();
    match element(node).as_str() {
        "code" => {
            let code = text(node);
            if code.trim().is_empty() {
                return String::new();
            }
            let longest = code.split(|c| c != '`').map(str::len).max().unwrap_or(0);
            let fence = "`".repeat(longest + 1);
            let room = if longest > 0 { " " } else { "" };
            format!("{fence}{room}{code}{room}{fence}")
        }
        // A link within the page: Zola looks for the ids of such links among the headings that it made itself, and stops.
        "a" if attribute(node, "href").starts_with('#') => {
            format!("<a href=\"{}\">{}</a>", attribute(node, "href"), inner.trim())
        }
        "a" if !inner.trim().is_empty() => format!("[{}](<{}>)", inner.trim(), attribute(node, "href")),
        "b" | "strong" if !inner.trim().is_empty() => format!("**{}**", inner.trim()),
        "svg" | "script" | "style" => String::new(),
        _ => inner,
    }
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + text.len() / 16);
    for c in text.chars() {
        if "\\`*_[]<>&|~#".contains(c) {
            out.push('\\');
        }
        out.push(c);
    }
    out
}
