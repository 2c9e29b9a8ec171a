//! The core metadata of a wheel: header fields and, after an empty line, the long description.
//!
//! Source: PyPA core metadata specification 2.4; `mcp-name:` as the official MCP registry's PyPI package rules have it.

use std::sync::LazyLock;

use jiff::Timestamp;
use regex::Regex;
use serde_json::Value;
use url::Url;

use super::super::{https_address, said};
use crate::model::Untrusted;

/// What is read of it.
#[derive(Debug, Default, PartialEq)]
pub(in crate::probe::registry) struct Metadata {
    pub(in crate::probe::registry) summary: Option<Untrusted>,
    pub(in crate::probe::registry) requires_python: Option<String>,
    pub(in crate::probe::registry) licence: Option<Untrusted>,
    pub(in crate::probe::registry) repository: Option<Url>,
    pub(in crate::probe::registry) homepage: Option<Url>,
    pub(in crate::probe::registry) mcp_names: Vec<Untrusted>,
    /// Only the JSON document has it.
    pub(in crate::probe::registry) uploaded_at: Option<Timestamp>,
}

/// Names of the official registry that are read.
const NAMES: usize = 50;
/// Labels of `Project-URL` that mean the source, best first (PyPA "well-known project URLs", normalised).
const SOURCE_LABELS: [&str; 5] = ["source", "repository", "sourcecode", "github", "code"];
const HOME_LABELS: [&str; 2] = ["homepage", "home"];

pub(in crate::probe::registry) fn read(text: &str) -> Metadata {
    let (head, body) = text.split_once("\n\n").or_else(|| text.split_once("\r\n\r\n")).unwrap_or((text, ""));
    let mut found = Metadata::default();
    let mut links: Vec<(String, Url)> = Vec::new();
    let mut licence_text = None;
    let mut old_description = String::new();
    let mut last = String::new();
    for line in head.lines() {
        if line.starts_with([' ', '\t']) {
            // A folded field; before metadata 2.1 the description was one.
            if last == "description" {
                old_description.push_str(line.trim_start());
                old_description.push('\n');
            }
            continue;
        }
        let Some((name, value)) = line.split_once(':') else { continue };
        let value = value.trim();
        last = name.to_ascii_lowercase();
        match last.as_str() {
            "summary" => found.summary = said(Some(value)),
            "requires-python" => found.requires_python = Some(value.to_owned()).filter(|v| !v.is_empty()),
            "license-expression" => found.licence = said(Some(value)),
            "license" => licence_text = said(Some(value)),
            "home-page" => found.homepage = https_address(value),
            "project-url" => {
                if let Some((label, address)) = value.split_once(',')
                    && let Some(address) = https_address(address)
                {
                    links.push((normal_label(label), address));
                }
            }
            "description" => {
                old_description.push_str(value);
                old_description.push('\n');
            }
            _ => {}
        }
    }
    add_links(&mut found, &links);
    found.licence = found.licence.or(licence_text);
    found.mcp_names = claimed_names(body);
    if found.mcp_names.is_empty() {
        found.mcp_names = claimed_names(&old_description);
    }
    found
}

/// The same from the older JSON document, as far as it tells of `version`: `info`, and the files' time in `urls` (of the
/// version `info` has) or `releases`.
pub(super) fn from_project_json(document: &Value, version: &str) -> Metadata {
    let described = document["info"]["version"] == version;
    let info = if described { &document["info"] } else { &Value::Null };
    let text = |key: &str| said(info[key].as_str());
    let mut found = Metadata {
        summary: text("summary"),
        requires_python: info["requires_python"].as_str().map(str::to_owned).filter(|t| !t.is_empty()),
        licence: text("license_expression").or_else(|| text("license")),
        homepage: info["home_page"].as_str().and_then(https_address),
        mcp_names: info["description"].as_str().map(claimed_names).unwrap_or_default(),
        ..Metadata::default()
    };
    let files = if described { &document["urls"] } else { &document["releases"][version] };
    let times = files.as_array().into_iter().flatten();
    found.uploaded_at = times.filter_map(|u| u["upload_time_iso_8601"].as_str()?.parse().ok()).min();
    let links = info["project_urls"].as_object().into_iter().flatten();
    let links: Vec<_> =
        links.filter_map(|(label, to)| Some((normal_label(label), https_address(to.as_str()?)?))).collect();
    add_links(&mut found, &links);
    found
}

fn add_links(found: &mut Metadata, links: &[(String, Url)]) {
    let labelled = |labels: &[&str]| {
        let known = labels.iter().find_map(|wanted| links.iter().find(|(label, _)| label == wanted));
        known.map(|(_, url)| url.clone())
    };
    found.repository = labelled(&SOURCE_LABELS);
    found.homepage = found.homepage.take().or_else(|| labelled(&HOME_LABELS));
}

fn normal_label(label: &str) -> String {
    label.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase()
}

/// The names in `mcp-name: OWNER/NAME`; each ends where a name ends, and not with the sentence.
fn claimed_names(description: &str) -> Vec<Untrusted> {
    static MCP_NAME: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r"(?:^|[^A-Za-z0-9-])mcp-name:\s*([A-Za-z0-9.-]{1,100}/[A-Za-z0-9._-]{0,199}[A-Za-z0-9_])")
            .expect("a constant pattern")
    });
    let found = MCP_NAME.captures_iter(description).take(NAMES);
    found.filter_map(|name| name.get(1)).map(|name| Untrusted::new(name.as_str())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fields_and_the_claimed_name_are_read() {
        let found = read(
            "Metadata-Version: 2.4\nName: my-tool\nSummary: Reads notes\nLicense: long text\n  folded: not a field\n\
             License-Expression: MIT\nRequires-Python: >=3.10\nProject-URL: Home Page, https://h.example/\n\
             Project-URL: Bug Tracker, https://code.example/a/b/issues\nProject-URL: Source Code, https://code.example/a/b\n\
             \n# my-tool\n<!-- mcp-name: io.example/my-tool -->\nSummary: not this one\n",
        );
        assert_eq!(found.summary.unwrap().raw(), "Reads notes");
        assert_eq!(found.licence.unwrap().raw(), "MIT");
        assert_eq!(found.requires_python.as_deref(), Some(">=3.10"));
        assert_eq!(found.repository.unwrap().as_str(), "https://code.example/a/b");
        assert_eq!(found.mcp_names[0].raw(), "io.example/my-tool");
        assert_eq!(found.homepage.unwrap().as_str(), "https://h.example/");
    }

    #[test]
    fn the_json_document_gives_the_same_facts() {
        let document = serde_json::json!({
            "info": {"version": "1.0", "summary": "Reads notes", "license": "", "license_expression": "MIT", "home_page": null,
                "project_urls": {"Source": "https://code.example/a/b"}, "description": "<!-- mcp-name: io.example/x -->"},
            "urls": [{"upload_time_iso_8601": "2026-01-02T00:00:00Z"}, {"upload_time_iso_8601": "2026-01-01T00:00:00Z"}],
            "releases": {"0.9": [{"upload_time_iso_8601": "2025-01-01T00:00:00Z"}]},
        });
        let found = from_project_json(&document, "1.0");
        assert_eq!(found.summary.unwrap().raw(), "Reads notes");
        assert_eq!(found.licence.unwrap().raw(), "MIT");
        assert_eq!(found.repository.unwrap().as_str(), "https://code.example/a/b");
        assert_eq!(found.mcp_names[0].raw(), "io.example/x");
        assert_eq!(found.uploaded_at, "2026-01-01T00:00:00Z".parse().ok());
        let older = from_project_json(&document, "0.9");
        assert_eq!((older.summary, older.uploaded_at), (None, "2025-01-01T00:00:00Z".parse().ok()));
        assert_eq!(from_project_json(&serde_json::json!([]), "1.0"), Metadata::default());
    }

    #[test]
    fn damaged_metadata_is_empty_and_no_panic() {
        assert_eq!(read(""), Metadata::default());
        assert_eq!(read("no colon\n\u{0}\n:\n"), Metadata::default());
    }
}
