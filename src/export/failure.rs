//! Why no document could be written.

use thiserror::Error;

use crate::policy::Rule;

/// Why no document could be written.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum ExportError {
    /// The policy names a tool twice.
    #[error("policy of {server}: the tool {tool:?} is named twice; make the policy with policy_for_server")]
    Twice {
        /// The server's key.
        server: String,
        /// The tool's name.
        tool: String,
    },
    /// The format holds one server.
    #[error(
        "{format}: a document holds one server and not {servers}; export each by itself, or give a folder with -o"
    )]
    OneServerOnly {
        /// The format's id.
        format: &'static str,
        /// How many were asked for.
        servers: usize,
    },
    /// The target cannot address a server of that key.
    #[error(
        "{server} in {format}: the key {key:?} {why}; rename the server in your client, or give --server-key"
    )]
    Key {
        /// The server's key in the catalogue.
        server: String,
        /// The format's id.
        format: &'static str,
        /// The key in the client.
        key: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// The document, read back, has an error of its own format.
    #[error(
        "policy of {server} in {format}: {path}: {message}; this is a defect of the program, please report it"
    )]
    Invalid {
        /// The server's key.
        server: String,
        /// The format's id.
        format: &'static str,
        /// Where.
        path: String,
        /// What.
        message: String,
    },
    /// The document, read back, decides otherwise than was meant.
    #[error(
        "policy of {server} in {format}: a call of {tool:?} would be {found:?} and not {meant:?}; this is a defect of the program, please report it"
    )]
    Differs {
        /// The server's key.
        server: String,
        /// The format's id.
        format: &'static str,
        /// The tool's name.
        tool: String,
        /// What the document does.
        found: Rule,
        /// What it should do.
        meant: Rule,
    },
}
