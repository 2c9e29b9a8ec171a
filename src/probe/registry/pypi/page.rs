//! A project's page of the simple index, JSON or HTML, as a list of files.

use std::str::FromStr;
use std::sync::LazyLock;

use jiff::Timestamp;
use pep440_rs::Version;
use regex::Regex;
use serde::Deserialize;
use serde_json::Value;
use url::Url;

use super::super::linked;
use crate::http::{Document, HttpError, is_json, shown};
use crate::model::Untrusted;

/// What an index lists of one project.
#[derive(Debug, Default)]
pub(super) struct Page {
    pub(super) files: Vec<File>,
    /// PEP 700 `versions`, as spelled; empty on older pages.
    pub(super) versions: Vec<String>,
    /// PEP 792 `project-status` if it is not `active`.
    pub(super) status: Option<String>,
}

/// One file of it.
#[derive(Debug)]
pub(super) struct File {
    pub(super) name: String,
    pub(super) url: Url,
    /// None if the name tells no version.
    pub(super) version: Option<Version>,
    /// Set if it is a wheel.
    pub(super) wheel: Option<Wheel>,
    pub(super) requires_python: Option<String>,
    /// The reason, if it was yanked.
    pub(super) yanked: Option<Untrusted>,
    pub(super) uploaded_at: Option<Timestamp>,
    /// Set if the metadata lies beside it; inside, its SHA-256 if the index says it.
    pub(super) metadata: Option<Option<String>>,
}

/// What a wheel's name says about where it runs.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Wheel {
    platforms: Vec<String>,
}

impl Wheel {
    /// True if one of its platform tags is `any` or Linux on this processor.
    pub(super) fn fits_this_machine(&self) -> bool {
        self.platforms.iter().any(|tag| {
            tag == "any" || (tag.contains("linux") && tag.ends_with(&format!("_{}", std::env::consts::ARCH)))
        })
    }
}

#[derive(Deserialize)]
struct JsonPage {
    files: Vec<JsonFile>,
    #[serde(default)]
    versions: Vec<String>,
    #[serde(rename = "project-status", default)]
    status: Value,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct JsonFile {
    filename: String,
    url: String,
    #[serde(default)]
    requires_python: Option<String>,
    #[serde(default)]
    yanked: Value,
    #[serde(default)]
    upload_time: Option<String>,
    #[serde(default)]
    core_metadata: Value,
    #[serde(default)]
    dist_info_metadata: Value,
}

/// Reads a page by its media type.
pub(super) fn read(document: &Document, base: &Url, project: &str) -> Result<Page, HttpError> {
    if is_json(&document.media_type) {
        return Ok(from_json(document.json()?, &document.url, base, project));
    }
    if document.media_type.ends_with("html") {
        return Ok(from_html(&String::from_utf8_lossy(&document.bytes), &document.url, base, project));
    }
    Err(HttpError::BadReply {
        url: shown(&document.url),
        why: format!("answered \"{}\" and no index page", document.media_type.escape_debug()),
    })
}

fn from_json(page: JsonPage, at: &Url, base: &Url, project: &str) -> Page {
    let files = page.files.into_iter().filter_map(|file| {
        let url = linked(at, base, &file.url)?;
        let metadata = [file.core_metadata, file.dist_info_metadata].into_iter().find_map(|m| match m {
            Value::Bool(true) => Some(None),
            Value::Object(hashes) => Some(hashes.get("sha256").and_then(Value::as_str).map(str::to_owned)),
            _ => None,
        });
        Some(File {
            version: version_of(&file.filename, project),
            wheel: wheel_of(&file.filename),
            url,
            requires_python: file.requires_python,
            yanked: match file.yanked {
                Value::String(why) => {
                    Some(Untrusted::new(if why.is_empty() { "yanked".into() } else { why }))
                }
                Value::Bool(true) => Some(Untrusted::new("yanked")),
                _ => None,
            },
            uploaded_at: file.upload_time.and_then(|t| t.parse().ok()),
            metadata,
            name: file.filename,
        })
    });
    let status = page.status.get("status").and_then(Value::as_str).filter(|s| *s != "active");
    Page {
        files: files.collect(),
        versions: page.versions,
        status: status.map(|s| Untrusted::from(s).for_terminal(40)),
    }
}

/// Reads anchors with two patterns and no HTML parser: PEP 503 allows one anchor a file and nothing else that counts,
/// and what is misread is a file that is not found, never one that is wrongly trusted (pins are checked by hash).
fn from_html(text: &str, at: &Url, base: &Url, project: &str) -> Page {
    static ANCHOR: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r"(?is)<a\s([^>]*)>(.*?)</a\s*>").expect("a constant pattern"));
    static ATTRIBUTE: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r#"(?s)([A-Za-z-]+)(?:\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+)))?"#)
            .expect("a constant pattern")
    });
    let mut page = Page::default();
    for anchor in ANCHOR.captures_iter(text) {
        let mut attributes = std::collections::BTreeMap::new();
        for found in ATTRIBUTE.captures_iter(&anchor[1]) {
            let value = found.get(2).or(found.get(3)).or(found.get(4)).map_or("", |m| m.as_str());
            attributes.insert(found[1].to_ascii_lowercase(), unescape(value));
        }
        let Some(mut url) = attributes.get("href").and_then(|href| linked(at, base, href)) else { continue };
        url.set_fragment(None);
        let name = unescape(anchor[2].trim());
        let metadata = attributes.get("data-core-metadata").or(attributes.get("data-dist-info-metadata"));
        page.files.push(File {
            version: version_of(&name, project),
            wheel: wheel_of(&name),
            url,
            requires_python: attributes.get("data-requires-python").cloned(),
            yanked: attributes
                .get("data-yanked")
                .map(|why| Untrusted::new(if why.is_empty() { "yanked" } else { why })),
            // No standard names it; some mirrors give PEP 700's time this way.
            uploaded_at: attributes.get("data-upload-time").and_then(|t| t.parse().ok()),
            metadata: metadata.map(|m| m.strip_prefix("sha256=").map(str::to_owned)),
            name,
        });
    }
    page
}

fn unescape(text: &str) -> String {
    let named = text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&#39;", "'");
    let named =
        named.replace("&#x27;", "'").replace("&#60;", "<").replace("&#62;", ">").replace("&#34;", "\"");
    named.replace("&amp;", "&")
}

/// The version in a file's name: the second part of a wheel's, what follows the project's name in a source archive's.
fn version_of(file: &str, project: &str) -> Option<Version> {
    if let Some(stem) = file.strip_suffix(".whl") {
        return Version::from_str(&stem.split('-').nth(1)?.replace('_', "-")).ok();
    }
    let stem = [".tar.gz", ".zip", ".tar.bz2", ".tgz"].iter().find_map(|end| file.strip_suffix(end))?;
    // Old source archives have dashes in the name too, so the split is where the normalised name ends.
    let split = stem.char_indices().filter(|(_, c)| *c == '-').map(|(at, _)| stem.split_at(at));
    let mut fitting =
        split.filter(|(name, _)| crate::model::ServerKey::pypi(name).is_ok_and(|key| key.name() == project));
    fitting.find_map(|(_, tail)| Version::from_str(tail.trim_start_matches('-')).ok())
}

fn wheel_of(file: &str) -> Option<Wheel> {
    let tags = file.strip_suffix(".whl")?.rsplit('-').next()?;
    Some(Wheel { platforms: tags.split('.').map(str::to_owned).collect() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_s_name_tells_its_version_and_platforms() {
        let version = |file: &str| version_of(file, "my-tool").map(|v| v.to_string());
        assert_eq!(version("my_tool-1.2.0-py3-none-any.whl").as_deref(), Some("1.2.0"));
        assert_eq!(version("my_tool-1.0+a_b-py3-none-any.whl").as_deref(), Some("1.0+a.b"));
        assert_eq!(version("my-tool-1.2.0.tar.gz").as_deref(), Some("1.2.0"));
        assert_eq!(version("My.Tool-2.0rc1.zip").as_deref(), Some("2.0rc1"));
        assert_eq!(version("my-tool-extra-1.0.tar.gz"), None);
        assert_eq!(version("my_tool-1.2.0.exe"), None);
        let fits = |file: &str| wheel_of(file).is_some_and(|w| w.fits_this_machine());
        assert!(fits("a-1-py3-none-any.whl"));
        assert!(fits(&format!("a-1-cp312-cp312-manylinux_2_17_{}.whl", std::env::consts::ARCH)));
        assert!(!fits("a-1-cp312-cp312-win_amd64.whl") && !fits("a-1.tar.gz"));
    }

    #[test]
    fn an_html_page_gives_the_same_facts_as_far_as_it_has_them() {
        let text = "<!DOCTYPE html><html><body><h1>Links</h1>\n\
            <a href=\"../../f/my_tool-1.0-py3-none-any.whl#sha256=aa\" data-requires-python=\"&gt;=3.10,&lt;4\"\n\
               data-core-metadata='sha256=bb'>my_tool-1.0-py3-none-any.whl</a><br/>\n\
            <A HREF=https://files.example/my_tool-0.9.tar.gz data-yanked data-upload-time=\"2026-01-02T03:04:05.6Z\">my_tool-0.9.tar.gz</A>\n\
            <a href=\"javascript:alert(1)\">my_tool-9.tar.gz</a></body></html>";
        let at = Url::parse("https://r.example/simple/my-tool/").unwrap();
        let page = from_html(text, &at, &at, "my-tool");
        assert_eq!(page.files.len(), 2);
        let wheel = &page.files[0];
        assert_eq!(wheel.url.as_str(), "https://r.example/f/my_tool-1.0-py3-none-any.whl");
        assert_eq!(wheel.requires_python.as_deref(), Some(">=3.10,<4"));
        assert_eq!(wheel.metadata, Some(Some("bb".into())));
        assert!(wheel.yanked.is_none());
        assert_eq!(page.files[1].yanked.as_ref().map(Untrusted::raw), Some("yanked"));
        assert_eq!(page.files[1].uploaded_at, "2026-01-02T03:04:05.6Z".parse().ok());
        assert_eq!(page.files[1].version.as_ref().map(ToString::to_string).as_deref(), Some("0.9"));
    }
}
