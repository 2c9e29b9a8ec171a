//! A client's file, read once: bounded, wiped afterwards, and never quoted in a message.

use std::io::Read;
use std::path::{Path, PathBuf};

use serde::de::DeserializeSeed;
use thiserror::Error;

use super::comments;
use super::entry::{Entries, Walk};
use super::table::Format;
use crate::model::text::line_and_column;

/// `.claude.json` also keeps what was said in every project; some are tens of megabytes.
const MAX_BYTES: u64 = 64 << 20;

/// A client's file cannot be used. Its message says where and never what stands there.
#[derive(Debug, Error)]
pub enum ReadError {
    /// It is not there, or may not be read.
    #[error("cannot read {path}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// It is larger than any client's file.
    #[error("{path}: larger than 64 MiB, no client's file is")]
    TooLarge {
        /// The file.
        path: PathBuf,
    },
    /// It is not in its client's grammar.
    #[error("{path}:{line}:{column}: {what}; mend it, or leave the client out with --client")]
    Malformed {
        /// The file.
        path: PathBuf,
        /// From 1.
        line: usize,
        /// From 1.
        column: usize,
        /// The grammar that it breaks.
        what: &'static str,
    },
}

impl ReadError {
    pub(super) fn missing(path: &Path) -> Self {
        let source = std::io::Error::from(std::io::ErrorKind::NotFound);
        ReadError::Unreadable { path: path.to_owned(), source }
    }

    /// The file.
    pub fn path(&self) -> &Path {
        match self {
            ReadError::Unreadable { path, .. }
            | ReadError::TooLarge { path }
            | ReadError::Malformed { path, .. } => path,
        }
    }
}

/// Bytes that are overwritten when they are let go.
struct Wiped(Vec<u8>);

impl Drop for Wiped {
    fn drop(&mut self) {
        self.0.fill(0);
        // Keeps the compiler from leaving out a write that nothing reads.
        std::hint::black_box(&self.0);
    }
}

/// The entries below the keys `servers`, with their names; None if there is no such file.
///
/// # Errors
/// [`ReadError`].
pub(super) fn entries(
    path: &Path,
    format: Format,
    servers: &[String],
    folders: &[PathBuf],
) -> Result<Option<Entries>, ReadError> {
    let Some(mut bytes) = bytes(path)? else { return Ok(None) };
    // A byte order mark is white space to every one of these clients.
    if let Some(mark) = bytes.0.get_mut(..3).filter(|mark| *mark == b"\xef\xbb\xbf") {
        mark.fill(b' ');
    }
    if bytes.0.iter().all(u8::is_ascii_whitespace) {
        return Ok(Some(Vec::new()));
    }
    let malformed = |(line, column), what| ReadError::Malformed { path: path.to_owned(), line, column, what };
    let mut found = Vec::new();
    let walk = Walk { keys: servers, folders, into: &mut found };
    if format == Format::Toml {
        let text =
            std::str::from_utf8(&bytes.0).map_err(|e| malformed((1, e.valid_up_to() + 1), "no UTF-8"))?;
        // The message of the TOML reader may quote the line: only its place is kept.
        let place = |error: toml::de::Error| {
            malformed(line_and_column(text, error.span().map_or(0, |s| s.start)), "no valid TOML")
        };
        let document = toml::Deserializer::parse(text).map_err(place)?;
        walk.deserialize(document).map_err(place)?;
    } else {
        if format == Format::Jsonc {
            comments::blank(&mut bytes.0);
        }
        let mut document = serde_json::Deserializer::from_slice(&bytes.0);
        let place = |e: serde_json::Error| malformed((e.line(), e.column()), "no valid JSON");
        walk.deserialize(&mut document).map_err(place)?;
        document.end().map_err(place)?;
    }
    Ok(Some(found))
}

fn bytes(path: &Path) -> Result<Option<Wiped>, ReadError> {
    let unreadable = |source| ReadError::Unreadable { path: path.to_owned(), source };
    let size = match std::fs::metadata(path) {
        Ok(about) if about.is_file() => about.len(),
        // A folder or a pipe of that name is no client's file.
        Ok(_) => return Ok(None),
        Err(error)
            if matches!(error.kind(), std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory) =>
        {
            return Ok(None);
        }
        Err(error) => return Err(unreadable(error)),
    };
    let too_large = || ReadError::TooLarge { path: path.to_owned() };
    if size > MAX_BYTES {
        return Err(too_large());
    }
    // Room for all from the start: a buffer that grows leaves copies of itself behind.
    let mut bytes = Wiped(Vec::with_capacity(usize::try_from(size).unwrap_or(0) + 1));
    let room = bytes.0.capacity() as u64;
    let file = std::fs::File::open(path).map_err(unreadable)?;
    file.take(room).read_to_end(&mut bytes.0).map_err(unreadable)?;
    if bytes.0.len() as u64 > size {
        return Err(too_large());
    }
    Ok(Some(bytes))
}
