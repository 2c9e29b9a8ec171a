//! The one table of bounds on what a server may answer, the same for every transport.

use serde::{Deserialize, Serialize};

/// The table `limits` of `catalogue.toml`. A key that is left out has the value of [`Limits::default`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Pages of one tool list.
    pub pages: u32,
    /// Tools of one server.
    pub tools: u32,
    /// Bytes of one line on standard output, of one HTTP answer or of one event.
    pub line_bytes: usize,
    /// Bytes of everything a server answers in one session.
    pub answer_bytes: usize,
    /// Bytes of memory that a server and everything it starts may use.
    pub memory_bytes: u64,
    /// Seconds one server may take, all attempts together.
    pub session_seconds: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            pages: 1_000,
            tools: 10_000,
            line_bytes: 4 * 1024 * 1024,
            answer_bytes: 8 * 1024 * 1024,
            memory_bytes: 2 << 30,
            session_seconds: 60,
        }
    }
}
