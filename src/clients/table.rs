//! `data/clients.toml`: which clients there are, where their files lie, in which shape.

use serde::Deserialize;
use thiserror::Error;

use super::places::Os;
use crate::model::ServerKey;
use crate::model::text::line_and_column;

/// Every client that is known, in the order of the table.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Clients {
    client: Vec<Client>,
    #[serde(default)]
    bridge: Vec<Bridge>,
}

/// One client.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Client {
    /// What `--client` takes.
    pub name: String,
    /// What people call it.
    pub title: String,
    /// The grammar of its files.
    pub(super) format: Format,
    /// Where the vendor says so; for people.
    #[serde(rename = "source")]
    _source: String,
    #[serde(rename = "file")]
    pub(super) files: Vec<Place>,
}

/// The grammar of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Format {
    Json,
    /// With comments and commas before a closing bracket.
    Jsonc,
    Toml,
}

/// Whose file it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Scope {
    /// The user's own, for all he does.
    User,
    /// A project's: it may have come with a checkout, from strangers.
    Project,
    /// An administrator's.
    Machine,
}

/// One file and the place of the servers in it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Place {
    pub(super) scope: Scope,
    #[serde(default = "Os::all")]
    pub(super) on: Vec<Os>,
    pub(super) path: Vec<String>,
    pub(super) servers: Vec<String>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Bridge {
    package: ServerKey,
}

/// The table is malformed.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("data/clients.toml:{line}:{column}: {message}")]
pub struct TableError {
    line: usize,
    column: usize,
    message: String,
}

impl Clients {
    /// Reads the table.
    ///
    /// # Errors
    /// [`TableError`] with line and column.
    pub fn parse(text: &str) -> Result<Self, TableError> {
        toml::from_str(text).map_err(|error| {
            let (line, column) = line_and_column(text, error.span().map_or(0, |s| s.start));
            let message = error.message().lines().next().unwrap_or("malformed").to_owned();
            TableError { line, column, message }
        })
    }

    /// The clients.
    pub fn clients(&self) -> &[Client] {
        &self.client
    }

    /// Packages that only pass a remote server on.
    pub(super) fn bridges(&self) -> Vec<ServerKey> {
        self.bridge.iter().map(|b| b.package.clone()).collect()
    }
}
