//! The core metadata of a wheel: header fields and, after an empty line, the long description.
//!
//! Source: PyPA core metadata specification 2.4; `mcp-name:` as the official MCP registry's PyPI package rules have it.

use std::sync::LazyLock;

use regex::Regex;
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
    pub(in crate::probe::registry) mcp_name: Option<Untrusted>,
}

/// Labels of `Project-URL` that mean the source, best first (PyPA "well-known project URLs", normalised).
const SOURCE_LABELS: [&str; 5] = ["source", "repository", "sourcecode", "github", "code"];
const HOME_LABELS: [&str; 2] = ["homepage", "home"];

pub(in crate::probe::registry) fn read(text: &str) -> Metadata {
    static MCP_NAME: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r"(?m)\bmcp-name:[ \t]*([A-Za-z0-9._/-]{3,200})").expect("a constant pattern")
    });
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
                    let label = label.chars().filter(char::is_ascii_alphanumeric).collect::<String>();
                    links.push((label.to_ascii_lowercase(), address));
                }
            }
            "description" => {
                old_description.push_str(value);
                old_description.push('\n');
            }
            _ => {}
        }
    }
    let labelled = |labels: &[&str]| {
        labels
            .iter()
            .find_map(|wanted| links.iter().find(|(label, _)| label == wanted))
            .map(|(_, url)| url.clone())
    };
    found.repository = labelled(&SOURCE_LABELS);
    found.homepage = found.homepage.or_else(|| labelled(&HOME_LABELS));
    found.licence = found.licence.or(licence_text);
    let claim = MCP_NAME.captures(body).or_else(|| MCP_NAME.captures(&old_description));
    found.mcp_name = claim.map(|c| Untrusted::new(&c[1]));
    found
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
        assert_eq!(found.mcp_name.unwrap().raw(), "io.example/my-tool");
        assert_eq!(found.homepage.unwrap().as_str(), "https://h.example/");
    }

    #[test]
    fn damaged_metadata_is_empty_and_no_panic() {
        assert_eq!(read(""), Metadata::default());
        assert_eq!(read("no colon\n\u{0}\n:\n"), Metadata::default());
    }
}
