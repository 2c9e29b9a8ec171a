//! The published benchmark: labels as facts about definitions, without their text (`data/benchmark.toml`).
//!
//! Everything is checked when it is read, with line and column: a label that is wrong by a slip would be a wrong figure.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use thiserror::Error;
use toml::Spanned;

use super::label::Label;
use crate::model::text::line_and_column;
use crate::model::{Class, DefinitionHash, Release, Risk, Target};

/// Licences that let anybody install and look at a package, as SPDX spells them.
const PERMISSIVE: &[&str] = &[
    "0BSD",
    "Apache-2.0",
    "Artistic-2.0",
    "BlueOak-1.0.0",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC0-1.0",
    "ISC",
    "MIT",
    "MIT-0",
    "PSF-2.0",
    "Python-2.0",
    "Unlicense",
    "Zlib",
];

/// Labelled tools by the release they were read from.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Benchmark {
    /// In the order of the file.
    pub servers: Vec<BenchmarkServer>,
}

/// One release and its labelled tools.
#[derive(Debug, Clone, PartialEq)]
pub struct BenchmarkServer {
    /// The release that was read.
    pub release: Release,
    /// Its licence, SPDX.
    pub licence: String,
    /// Whether those who write rules have seen it.
    pub set: Set,
    /// In the order of the file.
    pub tools: Vec<BenchmarkTool>,
}

/// One labelled definition.
#[derive(Debug, Clone, PartialEq)]
pub struct BenchmarkTool {
    /// Its name.
    pub name: String,
    /// The hash of the definition that was read; the label is about nothing else.
    pub hash: DefinitionHash,
    /// What the reader said.
    pub label: Label,
}

/// Whether those who write rules have seen a server's labels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Set {
    /// Rules were written with it in view.
    Tuning,
    /// Never opened by those who write rules.
    HeldOut,
}

/// The benchmark's file cannot be used.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("{file}:{line}:{column}: {message}")]
pub struct BenchmarkError {
    /// Which file.
    pub file: String,
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// What is wrong and what to do.
    pub message: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    server: Vec<ServerEntry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ServerEntry {
    purl: Spanned<String>,
    licence: Spanned<String>,
    set: Set,
    #[serde(default)]
    tool: Vec<ToolEntry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ToolEntry {
    name: Spanned<String>,
    hash: Spanned<String>,
    class: Class,
    risk: Spanned<toml::Value>,
    #[serde(default)]
    contested: bool,
}

/// Where in the file, and what about it.
type Fault = (usize, String);

impl Benchmark {
    /// Reads the file's text; `file` is what errors call it.
    ///
    /// # Errors
    /// An unknown key or word, a purl without a version, a licence that is not permissive, a release or tool that is there
    /// twice, or one definition with two labels or in both sets.
    pub fn parse(text: &str, file: &str) -> Result<Self, BenchmarkError> {
        let fault = |(offset, message): Fault| {
            let (line, column) = line_and_column(text, offset);
            BenchmarkError { file: file.to_owned(), line, column, message }
        };
        let parsed: File = toml::from_str(text).map_err(|e| {
            let said = e.message().lines().next().unwrap_or("malformed").to_owned();
            fault((e.span().map_or(0, |s| s.start), said))
        })?;
        let mut releases = BTreeSet::new();
        let mut labels: BTreeMap<DefinitionHash, (Label, Set)> = BTreeMap::new();
        let mut servers = Vec::new();
        for entry in parsed.server {
            let at = entry.purl.span().start;
            let server = server(entry, &mut labels).map_err(fault)?;
            if !releases.insert(server.release.clone()) {
                return Err(fault((
                    at,
                    format!("{} is there twice; put its tools together", server.release),
                )));
            }
            servers.push(server);
        }
        Ok(Self { servers })
    }

    /// How many labels.
    pub fn labels(&self) -> usize {
        self.servers.iter().map(|server| server.tools.len()).sum()
    }
}

fn server(
    entry: ServerEntry,
    labels: &mut BTreeMap<DefinitionHash, (Label, Set)>,
) -> Result<BenchmarkServer, Fault> {
    let purl = entry.purl.get_ref();
    let target = purl.parse::<Target>().ok().filter(|_| purl.starts_with("pkg:"));
    let Some(Target::Package { server, version: Some(version) }) = target else {
        let message =
            format!("\"{purl}\" is no purl of one version; write pkg:npm/NAME@1.2.3 or pkg:pypi/NAME@1.2");
        return Err((entry.purl.span().start, message));
    };
    let licence = entry.licence.get_ref();
    if !is_permissive(licence) {
        let message =
            format!("\"{licence}\" is no SPDX expression of permissive licences; leave the server out");
        return Err((entry.licence.span().start, message));
    }
    if entry.tool.is_empty() {
        return Err((
            entry.purl.span().start,
            "no [[server.tool]] below it; label one or leave it out".into(),
        ));
    }
    let mut names = BTreeSet::new();
    let mut tools = Vec::new();
    for entry_tool in entry.tool {
        let (name_at, hash_at) = (entry_tool.name.span().start, entry_tool.hash.span().start);
        let tool = tool(entry_tool)?;
        if !names.insert(tool.name.clone()) {
            return Err((name_at, format!("the tool \"{}\" is there twice; keep one", tool.name)));
        }
        let same = labels.entry(tool.hash.clone()).or_insert_with(|| (tool.label.clone(), entry.set));
        if same.0 != tool.label {
            return Err((
                hash_at,
                "this definition has another label further up; one definition has one".into(),
            ));
        }
        if same.1 != entry.set {
            let message = "this definition is in the other set, too: what was seen once is not held out";
            return Err((hash_at, message.into()));
        }
        tools.push(tool);
    }
    let release = Release { server, version };
    Ok(BenchmarkServer { release, licence: entry.licence.into_inner(), set: entry.set, tools })
}

fn tool(entry: ToolEntry) -> Result<BenchmarkTool, Fault> {
    if entry.name.get_ref().is_empty() {
        return Err((entry.name.span().start, "a tool has a name".into()));
    }
    let hash = entry.hash.get_ref();
    if hash.len() != 64 || !hash.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')) {
        let message = "no hash of a definition: 64 lower-case hex digits, as the table definitions has them";
        return Err((entry.hash.span().start, message.into()));
    }
    let at = entry.risk.span().start;
    let words = match entry.risk.into_inner() {
        toml::Value::String(word) => vec![word],
        toml::Value::Array(words) => {
            words.into_iter().map(|w| w.as_str().map(str::to_owned).unwrap_or_default()).collect()
        }
        _ => Vec::new(),
    };
    let risk = words.iter().map(|word| word.parse::<Risk>()).collect::<Result<Vec<_>, _>>();
    let forms = "low, medium, high or critical, or a list of those that are accepted";
    let risk = risk.map_err(|e| (at, format!("{e}; write {forms}")))?;
    if risk.is_empty() || risk.iter().collect::<BTreeSet<_>>().len() != risk.len() {
        return Err((at, format!("no risk; write {forms}, each once")));
    }
    let label = Label { class: entry.class, contested: entry.contested, risk: Some(risk), signals: None };
    Ok(BenchmarkTool { name: entry.name.into_inner(), hash: DefinitionHash::stored(hash.clone()), label })
}

/// One of the alternatives is made of permissive licences only. Brackets are not read: no label needs them.
fn is_permissive(expression: &str) -> bool {
    expression
        .split(" OR ")
        .any(|alternative| alternative.split(" AND ").all(|id| PERMISSIVE.contains(&id.trim())))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HASH: &str = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";

    fn file(purl: &str, licence: &str, set: &str, tools: &str) -> String {
        format!("[[server]]\npurl = \"{purl}\"\nlicence = \"{licence}\"\nset = \"{set}\"\n{tools}")
    }

    fn tool(name: &str, more: &str) -> String {
        format!("[[server.tool]]\nname = \"{name}\"\nhash = \"{HASH}\"\nclass = \"write\"\n{more}\n")
    }

    #[test]
    fn a_file_reads_as_it_is_written() {
        let text = file(
            "pkg:npm/%40a/b@1.2.3",
            "MIT OR Apache-2.0",
            "held-out",
            &tool("x", "risk = [\"medium\", \"high\"]\ncontested = true"),
        );
        let benchmark = Benchmark::parse(&text, "b.toml").unwrap();
        let server = &benchmark.servers[0];
        assert_eq!((server.release.to_string().as_str(), server.set), ("npm:@a/b@1.2.3", Set::HeldOut));
        let label = &server.tools[0].label;
        assert!(label.contested && label.signals.is_none());
        assert_eq!(label.risk.as_deref(), Some(&[Risk::Medium, Risk::High][..]));
        let one = file("pkg:pypi/a@1.0", "ISC", "tuning", &tool("x", "risk = \"low\""));
        assert_eq!(
            Benchmark::parse(&one, "b").unwrap().servers[0].tools[0].label.risk,
            Some(vec![Risk::Low])
        );
    }

    #[test]
    fn a_slip_is_named_with_its_place() {
        let good = tool("x", "risk = \"medium\"");
        let npm = "pkg:npm/a@1.0.0";
        let twice = file(npm, "MIT", "tuning", &good);
        for (text, place, says) in [
            (file(npm, "MIT", "tuning", "tols = 1\n"), ":5:1: ", "unknown field"),
            (file(npm, "MIT", "training", &good), ":4:7: ", "unknown variant"),
            (file(npm, "GPL-3.0-only", "tuning", &good), ":3:11: ", "permissive"),
            (file(npm, "", "tuning", &good), ":3:11: ", "permissive"),
            (file("pkg:npm/a", "MIT", "tuning", &good), ":2:8: ", "one version"),
            (file("npm:a@1.0.0", "MIT", "tuning", &good), ":2:8: ", "no purl"),
            (file(npm, "MIT", "tuning", ""), ":2:8: ", "no [[server.tool]]"),
            (file(npm, "MIT", "tuning", &good.replace("write", "writes")), ":8:9: ", "unknown variant"),
            (
                file(npm, "MIT", "tuning", &good.replace("medium", "mediums")),
                ":9:8: ",
                "\"mediums\" is no Risk",
            ),
            (file(npm, "MIT", "tuning", &tool("x", "risk = []")), ":9:8: ", "no risk"),
            (file(npm, "MIT", "tuning", &tool("x", "risk = [1]")), ":9:8: ", "is no Risk"),
            (file(npm, "MIT", "tuning", &tool("x", "")), ":5:1: ", "risk"),
            (file(npm, "MIT", "tuning", &good.replace(HASH, "AB")), ":7:8: ", "64 lower-case"),
            (file(npm, "MIT", "tuning", &format!("{good}{good}")), ":11:8: ", "\"x\" is there twice"),
            (format!("{twice}{twice}"), ":11:8: ", "npm:a@1.0.0 is there twice"),
            (
                file(npm, "MIT", "tuning", &format!("{good}{}", tool("y", "risk = \"low\""))),
                ":12:8: ",
                "one definition",
            ),
            (
                format!("{twice}{}", file("pkg:npm/b@1.0.0", "MIT", "held-out", &good)),
                ":16:8: ",
                "not held out",
            ),
        ] {
            let error = Benchmark::parse(&text, "b.toml").unwrap_err().to_string();
            assert!(error.starts_with(&format!("b.toml{place}")) && error.contains(says), "{error}\n{text}");
        }
    }
}
