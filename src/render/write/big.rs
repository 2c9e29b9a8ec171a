//! Files that are too big to be held: they are written elsewhere on the same disk and moved into their place.

use std::io::{BufReader, Read, Write};
use std::path::Path;
use std::sync::atomic::Ordering;

use super::super::RenderError;
use super::super::manifest::Entry;
use super::{OpenUnit, Output, rename_to_free_place};

impl Output {
    /// Moves a file that was written elsewhere on the same disk into its place, unless the one there is the same; its size.
    ///
    /// # Errors
    /// As [`Output::put`].
    pub(in crate::render) fn put_big(
        &self,
        unit: &OpenUnit,
        path: &str,
        from: &Path,
    ) -> Result<(u64, bool), RenderError> {
        let bytes = fs_err::metadata(from)?.len();
        self.note(unit, path, Entry { inputs: None, bytes })?;
        let target = self.root.join(path);
        let was_unsure = self.has_unsure.load(Ordering::Relaxed) && self.forget_unsure(path, true);
        if (was_unsure || unit.before.files().contains_key(path)) && is_same_file(&target, from) {
            return Ok((bytes, false));
        }
        (&self.journal).write_all(format!("{path}\n").as_bytes())?;
        fs_err::create_dir_all(target.parent().unwrap_or(&self.root))?;
        if was_unsure || unit.before.files().contains_key(path) {
            fs_err::rename(from, &target)?;
        } else if let Err(e) = rename_to_free_place(from, &target) {
            let foreign = e.kind() == std::io::ErrorKind::AlreadyExists;
            return Err(if foreign { RenderError::ForeignFile { path: target } } else { e.into() });
        }
        self.changed.fetch_add(1, Ordering::Relaxed);
        Ok((bytes, true))
    }
}

/// Compared a piece at a time.
fn is_same_file(target: &Path, other: &Path) -> bool {
    let open = |path: &Path| std::fs::File::open(path).map(|file| BufReader::with_capacity(1 << 16, file));
    let (Ok(mut a), Ok(mut b)) = (open(target), open(other)) else { return false };
    let (mut left, mut right) = (Vec::new(), Vec::new());
    loop {
        left.clear();
        right.clear();
        let read = a
            .by_ref()
            .take(1 << 16)
            .read_to_end(&mut left)
            .and(b.by_ref().take(1 << 16).read_to_end(&mut right));
        if read.is_err() || left != right {
            return false;
        }
        if left.is_empty() {
            return true;
        }
    }
}
