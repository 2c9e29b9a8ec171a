//! A built site as it lies in its folder: every page a file. Links are not followed out of the folder.

use std::path::{Path, PathBuf};

use super::super::compress::{deflated, gzip_of};
use super::super::digest::Digest;
use super::super::media::goes_packed;
use super::{Body, Encoding, Found, Wanted};

/// The folder, without links in its own path.
pub(super) struct Tree {
    root: PathBuf,
}

impl Tree {
    pub(super) fn new(root: PathBuf) -> Self {
        Self { root }
    }

    /// The file a request means, if it is inside the folder.
    pub(super) fn find(&self, wanted: &Wanted) -> Option<Found> {
        let mut file = self.root.join(&wanted.name);
        let mut name = wanted.name.clone();
        if file.is_dir() {
            if !wanted.slash {
                return Some(Found::Folder);
            }
            file.push("index.html");
            name = "index.html".to_owned();
        }
        let file = std::fs::canonicalize(file).ok()?;
        let inside = file.starts_with(&self.root) && file.is_file();
        inside.then(|| read(&file, name, wanted)).flatten().map(Found::File)
    }
}

/// The file, compressed if the other side takes that and it is worth it.
fn read(file: &Path, name: String, wanted: &Wanted) -> Option<Body> {
    let content = fs_err::read(file).ok()?;
    let digest = Digest::of_bytes(&content);
    for (takes, encoding, end) in
        [(wanted.brotli, Encoding::Brotli, "br"), (wanted.gzip, Encoding::Gzip, "gz")]
    {
        let copy = PathBuf::from(format!("{}.{end}", file.display()));
        // A link may lead anywhere: what is a file by itself is none.
        if takes && std::fs::symlink_metadata(&copy).is_ok_and(|facts| facts.is_file()) {
            return Some(Body { name, encoding, digest, bytes: fs_err::read(copy).ok()? });
        }
    }
    let size = u32::try_from(content.len()).unwrap_or(u32::MAX);
    if !wanted.gzip || size == u32::MAX || !goes_packed(&name, content.len() as u64) {
        return Some(Body { name, encoding: Encoding::Plain, digest, bytes: content });
    }
    let (packed, crc) = deflated(&content);
    Some(Body { name, encoding: Encoding::Gzip, digest, bytes: gzip_of(&packed, crc, size) })
}
