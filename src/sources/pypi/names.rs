//! The names of an index, read as they stream by: of nearly a million only those that look like MCP are kept.

use std::borrow::Cow;
use std::fmt;
use std::sync::LazyLock;

use regex::Regex;
use serde::de::{DeserializeSeed, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::super::triage::looks_like_mcp;

/// A project whose name looks like MCP.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Project {
    pub(super) name: String,
    /// Of its last change.
    pub(super) serial: Option<u64>,
}

/// An index.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Index {
    pub(super) projects: Vec<Project>,
    /// Of the index's last change.
    pub(super) serial: Option<u64>,
    /// All its projects.
    pub(super) total: u32,
    /// Those without a name.
    pub(super) malformed: u32,
}

/// Reads the JSON form.
pub(super) fn read_json(bytes: &[u8]) -> Result<Index, serde_json::Error> {
    serde_json::from_slice(bytes)
}

impl<'de> Deserialize<'de> for Index {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_map(IndexVisitor)
    }
}

struct IndexVisitor;

impl<'de> Visitor<'de> for IndexVisitor {
    type Value = Index;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a simple index with its projects")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Index, A::Error> {
        let mut index = Index::default();
        let mut has_projects = false;
        while let Some(key) = map.next_key::<Cow<'_, str>>()? {
            match key.as_ref() {
                "meta" => index.serial = map.next_value::<Meta>()?.serial,
                "projects" => {
                    has_projects = true;
                    map.next_value_seed(Projects(&mut index))?;
                }
                _ => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        // A field that may be left out would read anything as an empty index.
        if has_projects { Ok(index) } else { Err(serde::de::Error::missing_field("projects")) }
    }
}

#[derive(Deserialize)]
struct Meta {
    #[serde(rename = "_last-serial", default)]
    serial: Option<u64>,
}

#[derive(Deserialize)]
struct Entry<'a> {
    #[serde(borrow, default)]
    name: Option<Cow<'a, str>>,
    #[serde(rename = "_last-serial", default)]
    serial: Option<u64>,
}

struct Projects<'i>(&'i mut Index);

impl<'de> DeserializeSeed<'de> for Projects<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Projects<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of projects")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        while let Some(entry) = seq.next_element::<Entry<'_>>()? {
            match entry.name {
                Some(name) => keep(self.0, &name, entry.serial),
                None => self.0.malformed += 1,
            }
        }
        Ok(())
    }
}

fn keep(index: &mut Index, name: &str, serial: Option<u64>) {
    index.total += 1;
    if looks_like_mcp(name) {
        index.projects.push(Project { name: name.to_owned(), serial });
    }
}

/// Reads the HTML form, if it is one: other pages have links, too.
pub(super) fn read_html(text: &str) -> Option<Index> {
    static IS_INDEX: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(
            r#"(?i)<meta\s+name="pypi:repository-version"|<title>[^<]{0,80}(simple|links)[^<]{0,80}</title>"#,
        )
        .expect("a constant pattern")
    });
    static LINK: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r"(?i)<a\s[^>]{1,2000}>([^<]{1,300})</a>").expect("a constant pattern"));
    if !IS_INDEX.is_match(text) {
        return None;
    }
    let mut index = Index::default();
    for link in LINK.captures_iter(text) {
        keep(&mut index, link[1].trim(), None);
    }
    Some(index)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_index_is_read_with_its_serials_and_only_mcp_is_kept() {
        let text = br#"{"meta":{"_last-serial":31,"api-version":"1.4"},"projects":[
            {"_last-serial":7,"name":"notes-mcp"},{"name":"numpy","_last-serial":8},{"name":"mcp\u002dx"},{"serial":1}]}"#;
        let index = read_json(text).unwrap();
        let named: Vec<_> = index.projects.iter().map(|p| (p.name.as_str(), p.serial)).collect();
        assert_eq!(named, [("notes-mcp", Some(7)), ("mcp-x", None)]);
        assert_eq!((index.serial, index.total, index.malformed), (Some(31), 3, 1));
        assert!(read_json(br#"{"meta":{}}"#).is_err() && read_json(b"[]").is_err());
    }

    #[test]
    fn an_html_index_is_told_from_another_page() {
        let index = read_html(
            "<html><head><title>Simple index</title></head><a href=\"/simple/notes-mcp/\">notes-mcp</a> <a href=x>y</a>",
        );
        let index = index.unwrap();
        assert_eq!((index.projects.len(), index.total, index.serial), (1, 2, None));
        assert_eq!(read_html("<title>Please wait</title><a href=x>notes-mcp</a>"), None);
    }
}
