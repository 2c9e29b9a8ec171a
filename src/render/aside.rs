//! Rows of tools on their way from the first pass over the database to their pages: a file without a name beside the output, so that
//! nothing is looked up twice. Looking up what is stored under a hash, in two tables, is most of what reading a tool costs
//! (docs/PERFORMANCE.md, "Site").

use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use super::on_shelf::{put_text, take_array, take_text};
use crate::store::stored_tool::{StoredTool, StoredVerdict};

/// The file. Any thread may put into it.
#[derive(Debug)]
pub(super) struct Aside {
    file: std::fs::File,
    end: AtomicU64,
    /// Whose disk it is on, for messages.
    folder: PathBuf,
}

/// Where something lies in it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    at: u64,
    length: usize,
}

impl Aside {
    /// An empty one on the disk of that folder.
    ///
    /// # Errors
    /// A folder that cannot be written.
    pub(super) fn new(folder: &Path) -> io::Result<Self> {
        let file = tempfile::tempfile_in(folder).map_err(|e| failed(folder, &e))?;
        Ok(Self { file, end: AtomicU64::default(), folder: folder.to_owned() })
    }

    /// Puts bytes into it.
    ///
    /// # Errors
    /// A full disk.
    pub(super) fn put(&self, bytes: &[u8]) -> io::Result<Place> {
        let at = self.end.fetch_add(bytes.len() as u64, Ordering::Relaxed);
        self.file.write_all_at(bytes, at).map_err(|e| failed(&self.folder, &e))?;
        Ok(Place { at, length: bytes.len() })
    }

    /// Reads them back.
    ///
    /// # Errors
    /// The file cannot be read.
    pub(super) fn read(&self, place: Place) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; place.length];
        self.file.read_exact_at(&mut bytes, place.at).map_err(|e| failed(&self.folder, &e))?;
        Ok(bytes)
    }
}

fn failed(folder: &Path, error: &io::Error) -> io::Error {
    let why = format!(
        "the file in {} that a build keeps rows of tools in while it lasts: {error}",
        folder.display()
    );
    io::Error::new(error.kind(), why)
}

/// Appends a tool.
pub(super) fn put(tool: &StoredTool<'_>, bytes: &mut Vec<u8>) {
    [tool.hash, tool.canonical, tool.first_seen].into_iter().for_each(|text| put_text(bytes, text));
    bytes.push(u8::from(tool.verdict.is_some()));
    if let Some(verdict) = &tool.verdict {
        bytes.push(u8::from(verdict.needs_review));
        bytes.extend_from_slice(&verdict.confidence.to_le_bytes());
        let texts = [verdict.class, verdict.risk, verdict.signals, verdict.evidence];
        texts.into_iter().for_each(|text| put_text(bytes, text));
    }
}

/// Takes the next one from the beginning of `bytes`; None where that is none.
pub(super) fn take<'a>(bytes: &mut &'a [u8]) -> Option<StoredTool<'a>> {
    let [hash, canonical, first_seen] = [take_text(bytes)?, take_text(bytes)?, take_text(bytes)?];
    let [is_judged] = *take_array::<1>(bytes)?;
    let verdict = match is_judged {
        0 => None,
        _ => {
            let [needs_review] = *take_array::<1>(bytes)?;
            let confidence = f64::from_le_bytes(*take_array::<8>(bytes)?);
            let [class, risk] = [take_text(bytes)?, take_text(bytes)?];
            let [signals, evidence] = [take_text(bytes)?, take_text(bytes)?];
            let needs_review = needs_review != 0;
            Some(StoredVerdict { class, risk, signals, confidence, needs_review, evidence })
        }
    };
    Some(StoredTool { hash, canonical, first_seen, verdict })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tools_come_back_as_they_were_from_wherever_they_lie() {
        let unjudged =
            StoredTool { hash: "a", canonical: "{}", first_seen: "2026-01-01T00:00:00Z", verdict: None };
        let verdict = StoredVerdict {
            class: "write",
            risk: "low",
            signals: "[]",
            confidence: 0.123_456_789,
            needs_review: true,
            evidence: r#"[{"rule":"größer"}]"#,
        };
        let judged = StoredTool { hash: "b", verdict: Some(verdict), ..unjudged };
        let folder = tempfile::tempdir().unwrap();
        let aside = Aside::new(folder.path()).unwrap();
        let bytes = |tools: &[StoredTool<'_>]| {
            let mut bytes = Vec::new();
            tools.iter().for_each(|tool| put(tool, &mut bytes));
            bytes
        };
        let places =
            [&[judged, unjudged][..], &[], &[unjudged]].map(|tools| aside.put(&bytes(tools)).unwrap());
        let back = |place: Place| {
            let bytes = aside.read(place).unwrap();
            let mut rest = bytes.as_slice();
            std::iter::from_fn(|| take(&mut rest).map(|tool| format!("{tool:?}"))).collect::<Vec<_>>()
        };
        assert_eq!(back(places[2]), [format!("{unjudged:?}")]);
        assert_eq!(back(places[0]), [format!("{judged:?}"), format!("{unjudged:?}")]);
        assert!(back(places[1]).is_empty());
        let bytes = bytes(&[judged]);
        let whole = bytes.len();
        assert!((0..whole).all(|length| take(&mut &bytes[..length]).is_none()));
    }
}
