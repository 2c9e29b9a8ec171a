//! The one table of bounds on what a server may answer, the same for every transport.

use serde::{Deserialize, Deserializer, Serialize};

/// The table `limits` of `catalogue.toml`. A key that is left out has the value of [`Limits::default`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Pages of one tool list.
    #[serde(deserialize_with = "at_least_one")]
    pub pages: u32,
    /// Tools of one server.
    #[serde(deserialize_with = "at_least_one")]
    pub tools: u32,
    /// Bytes of one line on standard output, of one HTTP answer or of one event.
    #[serde(deserialize_with = "at_least_one")]
    pub line_bytes: usize,
    /// Bytes of everything a server answers in one session.
    #[serde(deserialize_with = "at_least_one")]
    pub answer_bytes: usize,
    /// Bytes of memory that a server and everything it starts may use.
    #[serde(deserialize_with = "at_least_one")]
    pub memory_bytes: u64,
    /// Seconds one server may take, all attempts together.
    #[serde(deserialize_with = "at_least_one")]
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

/// A bound of 0 would refuse every server: it is a slip, and said so with its line.
fn at_least_one<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default + PartialEq>(
    from: D,
) -> Result<T, D::Error> {
    let value = T::deserialize(from)?;
    if value == T::default() {
        return Err(serde::de::Error::custom("a limit is at least 1"));
    }
    Ok(value)
}
