//! Two small files of a wheel, read through requests for ranges: a wheel is a zip archive, whose list of files is at its end,
//! and by PEP 427 the files that describe it come last.
//!
//! A server that knows no ranges sends the whole wheel, which is read if it is small.

use std::io::{self, Read, Seek, SeekFrom};

use url::Url;
use zip::ZipArchive;

use crate::http::{Client, Document, HttpError, header};

/// The end of a wheel that is asked for first: the list of files, and usually the files themselves.
const TAIL_BYTES: u64 = 64 * 1024;
/// A piece asked for after that.
const PIECE_BYTES: u64 = 256 * 1024;
/// No larger answer is taken: what is in it only orders the queue.
const ANSWER_BYTES: u64 = 8 * 1024 * 1024;
/// Requests for one wheel.
const REQUESTS: usize = 4;
/// A file of a wheel is read up to here.
pub const FILE_BYTES: u64 = 4 * 1024 * 1024;

/// What a wheel has in its `.dist-info`. None for what could not be read; an empty text for what is not there.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Inside {
    /// `METADATA`.
    pub metadata: Option<String>,
    /// `entry_points.txt`.
    pub entry_points: Option<String>,
}

/// Reads them. A wheel that cannot be read says nothing; only a host that does not answer is an error.
pub(super) async fn read_inside(client: &Client, wheel: &Url) -> Result<Inside, HttpError> {
    let Some(mut pieces) = ask(client, wheel, &format!("bytes=-{TAIL_BYTES}")).await? else {
        return Ok(Inside::default());
    };
    for _ in 1..REQUESTS {
        let (inside, missing) = pieces.read();
        let Some(from) = missing else { return Ok(inside) };
        let to = from.saturating_add(PIECE_BYTES - 1).min(pieces.total.saturating_sub(1));
        let more = ask(client, wheel, &format!("bytes={from}-{to}")).await?;
        if !more.is_some_and(|more| pieces.join(more)) {
            return Ok(inside);
        }
    }
    Ok(pieces.read().0)
}

async fn ask(client: &Client, wheel: &Url, range: &str) -> Result<Option<Pieces>, HttpError> {
    match client.get_bytes(wheel, &[(header::RANGE, range)], ANSWER_BYTES).await {
        Ok(Document { headers, bytes, .. }) => {
            let range = headers.get(header::CONTENT_RANGE);
            let readable = range.is_none_or(|range| range.to_str().is_ok());
            Ok(Pieces::of(range.and_then(|range| range.to_str().ok()), bytes).filter(|_| readable))
        }
        Err(HttpError::TooLarge { .. }) => Ok(None),
        Err(error) if matches!(error.status(), Some(403..=416)) && error.rest().is_none() => Ok(None),
        Err(error) => Err(error),
    }
}

/// Parts of a wheel, by where they begin.
#[derive(Debug, Default)]
pub struct Pieces {
    total: u64,
    parts: Vec<(u64, Vec<u8>)>,
    at: u64,
    /// The first byte that was wanted and is not there.
    missing: Option<u64>,
}

impl Pieces {
    /// One answer: the range it says it is (`bytes FROM-TO/TOTAL`; without one it is the whole), and its bytes. None where the two
    /// contradict each other.
    pub fn of(content_range: Option<&str>, bytes: Vec<u8>) -> Option<Self> {
        let length = u64::try_from(bytes.len()).ok()?;
        let (from, total) = match content_range {
            Some(range) => {
                let (range, total) = range.strip_prefix("bytes ")?.split_once('/')?;
                (range.split_once('-')?.0.trim().parse().ok()?, total.trim().parse().ok()?)
            }
            None => (0, length),
        };
        let fits = u64::checked_add(from, length).is_some_and(|end| end <= total);
        fits.then(|| Self { total, parts: vec![(from, bytes)], ..Self::default() })
    }

    /// Puts more of the same wheel beside it; false where it is of another one.
    pub fn join(&mut self, more: Self) -> bool {
        let same = more.total == self.total;
        if same {
            self.parts.extend(more.parts);
        }
        same
    }

    /// What can be read of it, and where more would have to begin.
    pub fn read(&mut self) -> (Inside, Option<u64>) {
        (self.at, self.missing) = (0, None);
        let Ok(mut archive) = ZipArchive::new(&mut *self) else {
            let missing = self.missing;
            return (Inside::default(), missing);
        };
        // The wheel's own folder is at the top; what it may carry of others is below.
        let names: Vec<String> =
            archive.file_names().filter_map(|name| Some(name.ok()?.into_owned())).collect();
        let name_of = |file: &str| {
            let is_it = |name: &&String| {
                name.split_once('/')
                    .is_some_and(|(folder, rest)| folder.ends_with(".dist-info") && rest == file)
            };
            names.iter().find(is_it)
        };
        let mut text_of = |file: &str| match name_of(file) {
            None => Some(String::new()),
            Some(name) => {
                let mut bytes = Vec::new();
                archive.by_name(name).ok()?.take(FILE_BYTES).read_to_end(&mut bytes).ok()?;
                Some(String::from_utf8_lossy(&bytes).into_owned())
            }
        };
        let inside = Inside { metadata: text_of("METADATA"), entry_points: text_of("entry_points.txt") };
        drop(archive);
        (inside, self.missing)
    }
}

impl Read for Pieces {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.at >= self.total || into.is_empty() {
            return Ok(0);
        }
        let here = self.parts.iter().find_map(|(from, bytes)| {
            bytes.get(usize::try_from(self.at.checked_sub(*from)?).ok()?..).filter(|rest| !rest.is_empty())
        });
        let Some(rest) = here else {
            self.missing.get_or_insert(self.at);
            return Err(io::Error::other("this part of the wheel was not asked for"));
        };
        let count = rest.len().min(into.len());
        for (to, from) in into.iter_mut().zip(rest) {
            *to = *from;
        }
        self.at += count as u64;
        Ok(count)
    }
}

impl Seek for Pieces {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let at = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::End(by) => self.total.checked_add_signed(by),
            SeekFrom::Current(by) => self.at.checked_add_signed(by),
        };
        self.at = at.ok_or_else(|| io::Error::other("before the beginning of the wheel"))?;
        Ok(self.at)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use zip::ZipWriter;
    use zip::write::SimpleFileOptions;

    use super::*;

    /// A wheel with its description before or behind a file of so many bytes.
    fn wheel(first: bool, padding: usize) -> Vec<u8> {
        let mut zip = ZipWriter::new(io::Cursor::new(Vec::new()));
        let options = SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
        let describe = |zip: &mut ZipWriter<io::Cursor<Vec<u8>>>| {
            for (name, text) in [
                ("pear/other-1.dist-info/METADATA", "Name: other\n"),
                ("pear-1.dist-info/METADATA", "Name: pear\n"),
                ("pear-1.dist-info/entry_points.txt", "[console_scripts]\npear = pear:main\n"),
            ] {
                zip.start_file(name, options).unwrap();
                zip.write_all(text.as_bytes()).unwrap();
            }
        };
        if first {
            describe(&mut zip);
        }
        zip.start_file("pear/data.bin", options).unwrap();
        zip.write_all(&vec![7; padding]).unwrap();
        if !first {
            describe(&mut zip);
        }
        zip.finish().unwrap().into_inner()
    }

    fn piece(bytes: &[u8], from: usize) -> Pieces {
        let part = (from as u64, bytes[from..].to_vec());
        Pieces { total: bytes.len() as u64, parts: vec![part], ..Pieces::default() }
    }

    #[test]
    fn the_end_of_a_wheel_is_enough_and_what_is_not_there_is_named() {
        let bytes = wheel(false, 100_000);
        let (inside, missing) = piece(&bytes, bytes.len() - 2_000).read();
        assert_eq!(inside.metadata.as_deref(), Some("Name: pear\n"));
        assert!(inside.entry_points.unwrap().contains("pear:main"));
        assert_eq!(missing, None);

        let bytes = wheel(true, 100_000);
        let mut pieces = piece(&bytes, bytes.len() - 2_000);
        let (inside, missing) = pieces.read();
        assert_eq!(inside, Inside::default());
        let from = usize::try_from(missing.unwrap()).unwrap();
        pieces.parts.push((from as u64, bytes[from..from + 5_000].to_vec()));
        let (inside, missing) = pieces.read();
        assert_eq!((inside.metadata.as_deref(), missing), (Some("Name: pear\n"), None));
    }

    #[test]
    fn what_is_no_wheel_says_nothing() {
        for bytes in [&b"<html>no such file</html>"[..], b"", &wheel(false, 10)[..40]] {
            assert_eq!(piece(bytes, 0).read().0, Inside::default());
        }
    }
}
