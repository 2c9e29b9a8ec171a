//! The servers that somebody has configured in MCP clients: which files those are, and what each entry starts.
//!
//! What is secret in such a file stays there. Values of `env` and of headers are passed over while the file is read and
//! never become a value of this program; a file's bytes are wiped once it is read; arguments that could hold a secret
//! are replaced before anything else sees them (`secret`); an address loses user, password, query and fragment. Nothing
//! here starts, asks or stores anything: `cli/scan/configured` makes targets of what is found.

mod comments;
mod entry;
mod launch;
mod places;
mod read;
mod secret;
mod start;
mod table;

use std::path::{Path, PathBuf};

use crate::model::Untrusted;

pub use places::{Os, Surroundings};
pub use read::ReadError;
pub use secret::PLACEHOLDER;
pub use start::Start;
pub use table::{Client, Clients, Scope, TableError};

/// One entry of a client's file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The client's name in `data/clients.toml`.
    pub client: String,
    /// Whose file it stands in.
    pub scope: Scope,
    /// What the entry is called.
    pub name: Untrusted,
    /// Names of the variables that the client sets for it, sorted; their values were passed over.
    pub env: Vec<String>,
    /// What it starts or asks, or why it is left out: one of our own sentences, nothing of the file.
    pub start: Result<Start, &'static str>,
}

/// What the files of some clients hold.
#[derive(Debug, Default)]
pub struct Reading {
    /// Every entry, in the order of the table, the files and the names.
    pub found: Vec<Found>,
    /// Files that were read.
    pub files: Vec<PathBuf>,
    /// Files that are there and could not be read; the others count all the same.
    pub broken: Vec<ReadError>,
}

impl Clients {
    /// Reads the files of the clients called `names`, all if it is empty. A file that is not there is no error.
    pub fn read(&self, names: &[String], around: &Surroundings<'_>) -> Reading {
        let mut reading = Reading::default();
        for client in self.clients().iter().filter(|c| names.is_empty() || names.contains(&c.name)) {
            for place in &client.files {
                for (path, folder) in place.paths(around) {
                    match self.entries(client, place.scope, &path, &place.servers, folder.as_deref(), around)
                    {
                        Ok(None) => {}
                        Ok(Some(found)) => {
                            reading.found.extend(found);
                            if !reading.files.contains(&path) {
                                reading.files.push(path);
                            }
                        }
                        // One file can have two places in it; its fault is said once.
                        Err(error) if reading.broken.iter().any(|b| b.path() == error.path()) => {}
                        Err(error) => reading.broken.push(error),
                    }
                }
            }
        }
        reading
    }

    /// Reads one file as that of `client`, wherever it lies.
    ///
    /// # Errors
    /// [`ReadError`], also if it is not there.
    pub fn read_file(
        &self,
        client: &Client,
        path: &Path,
        around: &Surroundings<'_>,
    ) -> Result<Reading, ReadError> {
        let mut reading = Reading { files: vec![path.to_owned()], ..Reading::default() };
        let mut tried: Vec<&[String]> = Vec::new();
        for place in &client.files {
            if tried.contains(&place.servers.as_slice()) {
                continue;
            }
            tried.push(&place.servers);
            let found = self.entries(client, Scope::User, path, &place.servers, None, around)?;
            reading.found.extend(found.ok_or_else(|| ReadError::missing(path))?);
        }
        Ok(reading)
    }

    /// Every client's file that is there, whether it is read or not: no server may see one of another client either.
    pub fn existing(&self, around: &Surroundings<'_>) -> Vec<PathBuf> {
        let places = self.clients().iter().flat_map(|client| &client.files);
        let mut files: Vec<PathBuf> = places
            .flat_map(|place| place.paths(around))
            .map(|(path, _)| path)
            .filter(|p| p.is_file())
            .collect();
        files.sort();
        files.dedup();
        files
    }

    fn entries(
        &self,
        client: &Client,
        scope: Scope,
        path: &Path,
        servers: &[String],
        folder: Option<&Path>,
        around: &Surroundings<'_>,
    ) -> Result<Option<Vec<Found>>, ReadError> {
        let Some(entries) = read::entries(path, client.format, servers, &around.project)? else {
            return Ok(None);
        };
        let one = |(name, entry): (String, Option<entry::Entry>)| {
            let origin = start::Origin { scope, folder, around, bridges: self.bridges() };
            let env = entry.as_ref().map(entry::Entry::variables).unwrap_or_default();
            let start = match entry {
                Some(entry) => start::start_of(entry, &origin),
                None => Err("its entry is no table"),
            };
            Found { client: client.name.clone(), scope, name: Untrusted::new(name), env, start }
        };
        Ok(Some(entries.into_iter().map(one).collect()))
    }
}
