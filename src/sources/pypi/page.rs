//! A project's page of the simple index, JSON or HTML: its wheels, and which of them is the newest.
//!
//! Source: PEP 503 (HTML), PEP 691 (JSON), PEP 592 (yanked), PEP 658 and 714 (metadata beside the wheel), PEP 427 (names of wheels).

use std::str::FromStr;
use std::sync::LazyLock;

use pep440_rs::Version;
use regex::Regex;
use serde::Deserialize;
use serde_json::Value;
use url::Url;

use crate::http::{Document, is_json};

/// A wheel of a project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wheel {
    pub(super) url: Url,
    /// True if its metadata lies beside it.
    pub(super) has_metadata: bool,
    pub(super) yanked: bool,
    /// Its name.
    pub(super) file: String,
    /// Its hash as the page states it.
    pub(super) sha256: Option<String>,
    pub(super) version: Version,
}

#[derive(Deserialize)]
struct JsonPage {
    files: Vec<JsonFile>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct JsonFile {
    filename: String,
    url: String,
    #[serde(default)]
    yanked: Value,
    #[serde(default)]
    core_metadata: Value,
    #[serde(default)]
    dist_info_metadata: Value,
    #[serde(default)]
    hashes: Value,
}

/// The newest wheel that was not taken back and is no pre-release; if there is none, the newest there is.
pub(super) fn newest_wheel(document: &Document) -> Option<Wheel> {
    let wheels = if is_json(&document.media_type) {
        from_json(&document.bytes, &document.url)
    } else {
        from_html(&String::from_utf8_lossy(&document.bytes), &document.url)
    };
    wheels.into_iter().max_by_key(|w| (!w.yanked, !w.version.any_prerelease(), w.version.clone()))
}

fn from_json(bytes: &[u8], at: &Url) -> Vec<Wheel> {
    let Ok(page) = serde_json::from_slice::<JsonPage>(bytes) else { return Vec::new() };
    let is_set = |value: &Value| value.is_object() || *value == Value::Bool(true);
    let wheels = page.files.into_iter().filter_map(|file| {
        Some(Wheel {
            url: linked(at, &file.url)?,
            has_metadata: is_set(&file.core_metadata) || is_set(&file.dist_info_metadata),
            yanked: file.yanked.is_string() || file.yanked == Value::Bool(true),
            version: version_of(&file.filename)?,
            sha256: file.hashes.get("sha256").and_then(Value::as_str).map(str::to_owned),
            file: file.filename,
        })
    });
    wheels.collect()
}

/// What is misread here is a sign the less, so that two patterns do.
fn from_html(text: &str, at: &Url) -> Vec<Wheel> {
    static ANCHOR: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r"(?is)<a\s([^>]{1,4000})>([^<]{1,400})</a\s*>").expect("a constant pattern")
    });
    static HREF: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r#"(?i)\bhref\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))"#).expect("a constant pattern")
    });
    static METADATA: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r#"(?i)\bdata-(?:core|dist-info)-metadata\s*=\s*["']?(?:sha256=|true)"#)
            .expect("a constant pattern")
    });
    static YANKED: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r"(?i)\bdata-yanked\b").expect("a constant pattern"));
    let wheels = ANCHOR.captures_iter(text).filter_map(|anchor| {
        let href = HREF.captures(&anchor[1])?;
        let href = href.get(1).or(href.get(2)).or(href.get(3))?.as_str().replace("&amp;", "&");
        Some(Wheel {
            url: linked(at, &href)?,
            has_metadata: METADATA.is_match(&anchor[1]),
            yanked: YANKED.is_match(&anchor[1]),
            version: version_of(anchor[2].trim())?,
            sha256: href.split_once("#sha256=").map(|(_, hash)| hash.to_owned()),
            file: anchor[2].trim().to_owned(),
        })
    });
    wheels.collect()
}

/// The second part of a wheel's name; nothing else is one.
fn version_of(file: &str) -> Option<Version> {
    Version::from_str(&file.strip_suffix(".whl")?.split('-').nth(1)?.replace('_', "-")).ok()
}

/// A link of the page, with the index's user and password if it stays on its host.
fn linked(page: &Url, link: &str) -> Option<Url> {
    let mut url = page.join(link).ok().filter(|url| matches!(url.scheme(), "http" | "https"))?;
    url.set_fragment(None);
    if url.origin() == page.origin() && url.username().is_empty() {
        url.set_username(page.username()).ok()?;
        url.set_password(page.password()).ok()?;
    }
    Some(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn newest(media_type: &str, text: &str) -> Option<(String, bool, bool)> {
        let document = Document {
            url: Url::parse("https://i.example/simple/pear/").unwrap(),
            media_type: media_type.to_owned(),
            headers: crate::http::HeaderMap::new(),
            bytes: text.as_bytes().to_vec(),
        };
        newest_wheel(&document).map(|wheel| (wheel.url.to_string(), wheel.has_metadata, wheel.yanked))
    }

    #[test]
    fn the_newest_wheel_that_counts_is_found_in_both_forms() {
        let json = r#"{"files":[{"filename":"pear-1.9-py3-none-any.whl","url":"../../f/pear-1.9-py3-none-any.whl","core-metadata":{"sha256":"x"}},
            {"filename":"pear-1.10-py3-none-any.whl","url":"/f/b.whl","dist-info-metadata":true,"core-metadata":false},
            {"filename":"pear-3.0-py3-none-any.whl","url":"/f/c.whl","yanked":"broken"},
            {"filename":"pear-4.0rc1-py3-none-any.whl","url":"/f/d.whl"},{"filename":"pear-9.tar.gz","url":"/f/e"}]}"#;
        assert_eq!(
            newest("application/vnd.pypi.simple.v1+json", json),
            Some(("https://i.example/f/b.whl".to_owned(), true, false))
        );
        let html = "<html><body><a href=\"../../f/a.whl#sha256=1\">pear-1.9-py3-none-any.whl</a>\n\
            <A HREF='/f/b.whl?x=1&amp;y=2#sha256=2' data-core-metadata=\"sha256=3\">pear-1.10-py3-none-any.whl</A>\n\
            <a href=\"/f/c.whl\" data-yanked=\"\">pear-3.0-py3-none-any.whl</a></body></html>";
        assert_eq!(
            newest("text/html", html),
            Some(("https://i.example/f/b.whl?x=1&y=2".to_owned(), true, false))
        );
        assert_eq!(newest("text/html", "<a href=\"javascript:x\">pear-1-py3-none-any.whl</a>"), None);
        assert_eq!(newest("application/json", "{\"files\":7}"), None);
    }
}
