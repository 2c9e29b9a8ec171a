//! What the protocol code needs of a way to a server: ask and be answered, whatever carries the bytes.
//!
//! Implemented over standard input and output (`probe::wire`) and over HTTP ([`crate::probe::http_transport`]);
//! used by `probe::mcp`, where the protocol's eras and pages are handled once for both.

use serde_json::value::RawValue;
use thiserror::Error;

use crate::model::Untrusted;

/// A way to one started or remote server. One call at a time; ids, framing and sessions are the link's own matter.
#[expect(
    async_fn_in_trait,
    reason = "used with generics inside this crate only, each future on its own task"
)]
pub trait Link {
    /// Sends a request and waits for the answer with its id.
    ///
    /// # Errors
    /// The link broke, was refused or ran into a bound. A JSON-RPC error is no `Err` but [`Reply::Error`].
    async fn call(&mut self, method: &str, params: serde_json::Value) -> Result<Reply, LinkError>;

    /// Sends a notification; nothing is waited for.
    ///
    /// # Errors
    /// The link broke or was refused.
    async fn notify(&mut self, method: &str, params: serde_json::Value) -> Result<(), LinkError>;
}

/// The two ends a JSON-RPC request can have.
#[derive(Debug, Clone)]
pub enum Reply {
    /// `result`, the bytes as they came.
    Result(Box<RawValue>),
    /// `error`.
    Error {
        /// JSON-RPC error code; 0 if the server gave none that is a number.
        code: i64,
        /// What the server says about it.
        message: Untrusted,
    },
}

/// Why there is no reply. The details are for people; they may quote the server and are shown as foreign text.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum LinkError {
    /// The server ended, or closed the connection, before it answered.
    #[error("the server closed the connection before it answered: {detail}")]
    Closed {
        /// What was seen last.
        detail: String,
    },
    /// No answer in time.
    #[error("the server did not answer in time")]
    TimedOut,
    /// An answer has begun and comes too slowly.
    #[error("{what}")]
    TooSlow {
        /// What is slower than what.
        what: String,
    },
    /// A bound of the table `limits` was reached.
    #[error("{what} is larger than limits in catalogue.toml allow")]
    TooLarge {
        /// The thing that grew, e.g. `a line` or `the whole answer`.
        what: String,
    },
    /// The server speaks the protocol and breaks it.
    #[error("the server broke the protocol: {detail}")]
    Protocol {
        /// The rule it broke.
        detail: String,
    },
    /// The server asks who we are.
    #[error("the server asks for a login: {detail}")]
    Auth {
        /// Status, challenge and who grants it.
        detail: String,
        /// Everything it said about that, line by line.
        said: String,
    },
    /// What answered is no MCP server.
    #[error("what answered is no MCP server: {detail}")]
    NotMcp {
        /// What it was instead.
        detail: String,
    },
    /// The server could not be reached, or may not be.
    #[error("the server cannot be reached: {detail}")]
    Network {
        /// Name resolution, connection or refusal by our own guard.
        detail: String,
    },
}
