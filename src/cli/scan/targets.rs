//! Which targets a scan has: from the command line, from a file, or the starter list.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde::Deserialize;
use thiserror::Error;

use crate::model::text::line_and_column;
use crate::model::{ServerKey, Target};

/// The starter list's place in the data files.
pub(super) const STARTER: &str = "starter.toml";
/// The launch hints' place in the data files.
pub(super) const HINTS: &str = "launch.toml";

/// The command line asks for something that cannot be.
#[derive(Debug, Error)]
#[error("{0}")]
pub(in crate::cli) struct UsageError(pub(in crate::cli) String);

/// A list of targets or hints is malformed.
#[derive(Debug, Error)]
pub(in crate::cli) enum FileError {
    #[error("cannot read {path}; give a TOML file of [[target]] tables")]
    Unreadable {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    #[error("catalogue.toml: {key}: {message}")]
    Value { key: &'static str, message: String },
    #[error("{path}:{line}:{column}: {message}")]
    Malformed { path: PathBuf, line: usize, column: usize, message: String },
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct TargetList {
    #[serde(default)]
    target: Vec<toml::Spanned<Entry>>,
}

/// One `[[target]]`: `target = "npm:NAME"`, or a command of one's own with a name.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    target: Option<String>,
    name: Option<String>,
    #[serde(default)]
    command: Vec<String>,
    #[serde(default)]
    env: BTreeMap<String, String>,
    /// For people.
    #[serde(default, rename = "why")]
    _why: Option<String>,
}

/// Reads a list; doubles are left out.
pub(super) fn parse_list(text: &str, path: &Path) -> Result<Vec<Target>, FileError> {
    let malformed = |offset: usize, message: String| {
        let (line, column) = line_and_column(text, offset);
        FileError::Malformed { path: path.to_owned(), line, column, message }
    };
    let list: TargetList = toml::from_str(text).map_err(|e| {
        malformed(
            e.span().map_or(0, |s| s.start),
            e.message().lines().next().unwrap_or("malformed").to_owned(),
        )
    })?;
    let mut targets = Vec::new();
    for entry in list.target {
        let at = entry.span().start;
        let entry = entry.into_inner();
        let target = match (entry.target, entry.name) {
            (Some(text), None) if entry.command.is_empty() => {
                text.parse::<Target>().map_err(|e| malformed(at, e.to_string()))?
            }
            (None, Some(name)) if !entry.command.is_empty() => Target::Local {
                server: ServerKey::local(&name).map_err(|e| malformed(at, e.to_string()))?,
                command: entry.command,
                env: entry.env,
                fresh: false,
                folder: None,
            },
            _ => {
                let forms = "a [[target]] has either target = \"npm:NAME\" (or pypi:, pkg:, https://) or name and command";
                return Err(malformed(at, forms.to_owned()));
            }
        };
        targets.push(target);
    }
    Ok(without_doubles(targets))
}

/// Reads a file given with `--from`.
pub(super) fn read_list(path: &Path) -> Result<Vec<Target>, FileError> {
    let text = fs_err::read_to_string(path)
        .map_err(|source| FileError::Unreadable { path: path.to_owned(), source })?;
    parse_list(&text, path)
}

pub(super) fn without_doubles(targets: Vec<Target>) -> Vec<Target> {
    let mut seen = BTreeSet::new();
    targets.into_iter().filter(|t| seen.insert(t.to_string())).collect()
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct HintList {
    #[serde(default)]
    hint: Vec<crate::probe::plan::Hint>,
}

/// Reads `data/launch.toml`.
pub(super) fn parse_hints(text: &str, path: &Path) -> Result<Vec<crate::probe::plan::Hint>, FileError> {
    let list: HintList = toml::from_str(text).map_err(|e| {
        let (line, column) = line_and_column(text, e.span().map_or(0, |s| s.start));
        let message = e.message().lines().next().unwrap_or("malformed").to_owned();
        FileError::Malformed { path: path.to_owned(), line, column, message }
    })?;
    Ok(list.hint)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_may_mix_packages_addresses_and_commands() {
        let text = "[[target]]\ntarget = \"npm:a\"\nwhy = \"x\"\n[[target]]\nname = \"mine\"\ncommand = [\"node\", \"x.js\"]\n[[target]]\ntarget = \"npm:a\"\n";
        let targets = parse_list(text, Path::new("t.toml")).unwrap();
        assert_eq!(targets.iter().map(ToString::to_string).collect::<Vec<_>>(), ["npm:a", "local:mine"]);
    }

    #[test]
    fn a_bad_entry_is_named_with_its_line() {
        for (text, line) in [
            ("[[target]]\ntarget = \"zzz\"\n", ":1:"),
            ("[[target]]\ntarget = \"npm:a\"\n\n[[target]]\ncommand = [\"x\"]\n", ":4:"),
            ("[[target]]\ntarge = 1\n", ":2:"),
        ] {
            let error = parse_list(text, Path::new("t.toml")).unwrap_err().to_string();
            assert!(error.starts_with("t.toml") && error.contains(line), "{error}");
        }
    }

    #[test]
    fn the_starter_list_and_the_hints_are_well_formed() {
        let data = crate::assets::Folder::Data.files(None).unwrap();
        let text = |name: &str| String::from_utf8(data[name].clone()).unwrap();
        assert!(parse_list(&text(STARTER), Path::new(STARTER)).unwrap().len() >= 24);
        for hint in parse_hints(&text(HINTS), Path::new(HINTS)).unwrap() {
            assert!(!hint.reason.is_empty() && hint.server.parse::<ServerKey>().is_ok());
        }
    }
}
