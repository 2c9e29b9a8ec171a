//! The folder that packs lie in: files are written beside their place and renamed, left alone where nothing changed, and removed when no pack
//! needs them. What is not in the list (`packs.json`) is somebody else's and is neither written over nor removed.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::super::fresh::beside;
use super::PackError;
use super::directory::{DIRECTORY, Directory};

/// The folder while packs are made.
pub(super) struct Output {
    root: PathBuf,
    /// What lay there.
    pub(super) before: Directory,
    pub(super) written: usize,
}

impl Output {
    /// Opens a new folder, an empty one, or one of earlier packs.
    ///
    /// # Errors
    /// A folder with other people's files in it, or one that cannot be read.
    pub(super) fn open(root: &Path) -> Result<Self, PackError> {
        fs_err::create_dir_all(root)?;
        let before = match Directory::read(root)? {
            Some(before) => before,
            None if fs_err::read_dir(root)?.next().is_some() => {
                return Err(PackError::ForeignFolder { into: root.to_owned() });
            }
            None => Directory::default(),
        };
        Ok(Self { root: root.to_owned(), before, written: 0 })
    }

    /// Says which files are about to be there, so that a command that is ended leaves nothing unknown behind.
    ///
    /// # Errors
    /// A file of somebody else in the place of one of them.
    pub(super) fn announce(&mut self, files: &BTreeSet<String>) -> Result<(), PackError> {
        let ours = self.before.ours();
        for path in ours.iter().chain(files) {
            let _ = std::fs::remove_file(beside(&self.root.join(path)));
        }
        let new: Vec<&String> = files.difference(&ours).collect();
        if let Some(path) = new.iter().map(|path| self.root.join(path)).find(|path| path.exists()) {
            return Err(PackError::ForeignFile { path });
        }
        if !new.is_empty() {
            self.before.unfinished.extend(new.into_iter().cloned());
            let text = self.before.text();
            self.write(DIRECTORY, text.as_bytes())?;
        }
        Ok(())
    }

    /// What a file of ours holds; nothing if it is not there.
    pub(super) fn content(&self, path: &str) -> Vec<u8> {
        std::fs::read(self.root.join(path)).unwrap_or_default()
    }

    /// Puts a file in its place, unless it is there already.
    ///
    /// # Errors
    /// A full disk and its like.
    pub(super) fn put(&mut self, path: &str, content: &[u8]) -> Result<(), PackError> {
        let place = self.root.join(path);
        let same_size = std::fs::metadata(&place).is_ok_and(|facts| facts.len() == content.len() as u64);
        if same_size && std::fs::read(&place).is_ok_and(|old| old == content) {
            return Ok(());
        }
        self.written += 1;
        self.write(path, content)
    }

    fn write(&self, path: &str, content: &[u8]) -> Result<(), PackError> {
        let place = self.root.join(path);
        fs_err::create_dir_all(place.parent().unwrap_or(&self.root))?;
        let unfinished = beside(&place);
        fs_err::write(&unfinished, content)?;
        Ok(fs_err::rename(&unfinished, &place)?)
    }

    /// Removes what is not needed any more and puts the list in its place; returns how many files went.
    ///
    /// # Errors
    /// A file that cannot be removed, or a full disk.
    pub(super) fn finish(mut self, now: &Directory) -> Result<(usize, usize), PackError> {
        let mut removed = 0;
        for path in self.before.ours().difference(&now.ours()) {
            match fs_err::remove_file(self.root.join(path)) {
                Err(e) if e.kind() == std::io::ErrorKind::NotFound => {}
                Err(e) => return Err(e.into()),
                Ok(()) => removed += 1,
            }
            for folder in Path::new(path).ancestors().skip(1).filter(|folder| !folder.as_os_str().is_empty())
            {
                if std::fs::remove_dir(self.root.join(folder)).is_err() {
                    break;
                }
            }
        }
        let text = now.text();
        self.put(DIRECTORY, text.as_bytes())?;
        Ok((self.written, removed))
    }
}
