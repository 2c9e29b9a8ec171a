//! Lists of tools that somebody declared and no running server confirmed: kept apart from everything a server answered.
//!
//! They come from a registry's record, from a file beside it, or from a bundle's or a package's own manifest. Source code is
//! not parsed for tools: measured at 46 % recall and 42 % precision (`research/live.md` section 7).

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Entries read of one list; the largest catalogued server has fewer.
const MAX_ENTRIES: usize = 1_000;
/// Longest name that is kept whole.
const NAME_CHARS: usize = 200;
/// Beginning of a description that is kept.
const DESCRIPTION_CHARS: usize = 400;

/// Where a declared list stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DeclaredBy {
    /// In a registry's record of the server.
    Record,
    /// In a file that a catalogue keeps beside its record (`tools.json`).
    File,
    /// In the manifest of a bundle (MCPB).
    Bundle,
    /// In a manifest inside the installed package.
    Package,
}

impl DeclaredBy {
    /// Every place.
    pub const ALL: [DeclaredBy; 4] =
        [DeclaredBy::Record, DeclaredBy::File, DeclaredBy::Bundle, DeclaredBy::Package];

    /// The stored word.
    pub fn as_str(self) -> &'static str {
        match self {
            DeclaredBy::Record => "record",
            DeclaredBy::File => "file",
            DeclaredBy::Bundle => "bundle",
            DeclaredBy::Package => "package",
        }
    }
}

impl fmt::Display for DeclaredBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for DeclaredBy {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let known = Self::ALL.into_iter().find(|by| by.as_str() == text);
        known.ok_or_else(|| format!("\"{text}\" is no place of declared lists"))
    }
}

/// One list as it was declared. Everything in it is foreign text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeclaredList {
    /// What it is said of: a candidate's key.
    pub about: String,
    /// Where it stands.
    pub by: DeclaredBy,
    /// The document it was read from: a path within a catalogue, an address, a file of a package.
    pub place: String,
    /// SHA-256 of that document.
    pub hash: String,
    /// It says of itself that the server makes more tools while it runs.
    pub grows: bool,
    /// Tools, in its order.
    pub tools: Vec<DeclaredEntry>,
    /// Prompts, in its order.
    pub prompts: Vec<DeclaredEntry>,
}

/// A name and what is said of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeclaredEntry {
    /// Cut at 200 characters.
    pub name: String,
    /// Cut at 400 characters; empty if there is none.
    pub description: String,
}

impl DeclaredList {
    /// True if it names nothing: then it declares nothing, and is no list.
    pub fn is_empty(&self) -> bool {
        self.tools.is_empty() && self.prompts.is_empty()
    }
}

/// Reads entries: an array of objects with a name, or of names. What has no name is left out, a name counts once.
pub fn entries(value: Option<&Value>) -> Vec<DeclaredEntry> {
    let mut seen = BTreeSet::new();
    let all = value.and_then(Value::as_array).into_iter().flatten().take(MAX_ENTRIES);
    let read = all.filter_map(|entry| {
        let name = entry.as_str().or_else(|| entry.get("name").and_then(Value::as_str))?;
        let name: String = name.chars().take(NAME_CHARS).collect();
        let said = entry.get("description").and_then(Value::as_str).unwrap_or_default();
        let description = said.chars().take(DESCRIPTION_CHARS).collect();
        (!name.trim().is_empty()).then_some(DeclaredEntry { name, description })
    });
    read.filter(|entry| seen.insert(entry.name.clone())).collect()
}

/// True for a `true`, as manifests write it (`tools_generated`, `dynamic.tools`).
pub fn says_yes(value: Option<&Value>) -> bool {
    value.and_then(Value::as_bool).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_list_is_of_objects_or_names_and_each_name_counts_once() {
        let list = json!([
            {"name": "ring", "description": "rings"}, "toll", {"description": "x"}, 7, " ", {"name": "ring"}, {"name": 1}
        ]);
        let read = entries(Some(&list));
        let names: Vec<&str> = read.iter().map(|e| e.name.as_str()).collect();
        assert_eq!(names, ["ring", "toll"]);
        assert_eq!(read[0].description, "rings");
        for none in [json!({}), json!("ring"), json!(null)] {
            assert_eq!(entries(Some(&none)), []);
        }
        assert_eq!(entries(None), []);
    }

    #[test]
    fn a_list_and_its_texts_are_bounded() {
        let many: Vec<Value> = (0..5_000).map(|i| json!(format!("{i}{}", "ö".repeat(9_000)))).collect();
        let read = entries(Some(&Value::Array(many)));
        assert_eq!(read.len(), MAX_ENTRIES);
        assert!(read.iter().all(|e| e.name.chars().count() == NAME_CHARS));
        let long = json!([{"name": "a", "description": "x".repeat(9_000)}]);
        assert_eq!(entries(Some(&long))[0].description.len(), DESCRIPTION_CHARS);
    }

    #[test]
    fn stored_words_read_back() {
        for by in DeclaredBy::ALL {
            assert_eq!(by.to_string().parse(), Ok(by));
        }
    }
}
