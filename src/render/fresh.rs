//! The folder of a new server: its files are written with their own names into a folder beside its place, which is renamed when all
//! of them are there. So nobody ever sees half a page or half a server, and a file costs no rename of its own. Its pages are held until
//! there are some, and written one after the other, which takes less of the kernel's time and of ours (docs/PERFORMANCE.md, "Site").

use std::collections::BTreeSet;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use super::RenderError;
use super::manifest::is_plain;
use super::plate::keep_text;

/// What a file or a folder is called until it is whole.
const BESIDE: &str = "unfinished";
/// Bytes that are held at most before they are written.
const HELD: usize = 256 << 10;

/// A folder that is not in its place yet.
pub(super) struct Fresh {
    /// Its place below the site's root, with a slash at its end.
    folder: String,
    /// Where its files are until then.
    beside: PathBuf,
    /// It stands in the journal.
    noted: Mutex<bool>,
    held: Mutex<Held>,
}

/// Pages that are still to be written.
#[derive(Default)]
struct Held {
    /// Each with its path in the folder.
    pages: Vec<(String, String)>,
    bytes: usize,
}

impl Fresh {
    /// None where something is in its place already.
    pub(super) fn begin(root: &Path, folder: &str) -> Option<Self> {
        let place = root.join(folder);
        if !is_plain(folder) || place.symlink_metadata().is_ok() {
            return None;
        }
        let folder = format!("{folder}/");
        Some(Self { folder, beside: beside(&place), noted: Mutex::default(), held: Mutex::default() })
    }

    /// Notes the folder in the journal, before there is anything of it: and not when it is begun, because a folder may be begun
    /// while others are made, and what was noted until then is forgotten when these are finished.
    fn note(&self, mut journal: &fs_err::File) -> std::io::Result<()> {
        let mut noted = self.noted.lock().expect("no thread panics while it writes the journal");
        if !*noted {
            journal.write_all(format!("{}\n", self.folder).as_bytes())?;
            *noted = true;
        }
        Ok(())
    }

    /// Writes a file of the folder; false if it is none.
    ///
    /// # Errors
    /// A full disk and its like.
    pub(super) fn write(
        &self,
        path: &str,
        content: &[u8],
        journal: &fs_err::File,
    ) -> Result<bool, RenderError> {
        let Some(inner) = self.inner(path) else { return Ok(false) };
        self.write_inner(inner, content, journal)?;
        Ok(true)
    }

    /// A file's path in the folder; None if it is none of its files.
    pub(super) fn inner<'p>(&self, path: &'p str) -> Option<&'p str> {
        path.strip_prefix(&self.folder)
    }

    /// Takes a page, by its path in the folder, to be written by [`Fresh::end`] at the latest.
    ///
    /// # Errors
    /// A full disk and its like, when pages that were held are written.
    pub(super) fn hold(&self, inner: &str, text: String, journal: &fs_err::File) -> Result<(), RenderError> {
        let enough = {
            let mut held = self.held.lock().expect("no thread panics while it holds pages");
            held.bytes += text.len();
            held.pages.push((inner.to_owned(), text));
            (held.bytes > HELD).then(|| std::mem::take(&mut *held))
        };
        enough.map_or(Ok(()), |held| self.write_held(held, journal))
    }

    fn write_held(&self, held: Held, journal: &fs_err::File) -> Result<(), RenderError> {
        for (inner, text) in held.pages {
            self.write_inner(&inner, text.as_bytes(), journal)?;
            keep_text(text);
        }
        Ok(())
    }

    fn write_inner(&self, inner: &str, content: &[u8], journal: &fs_err::File) -> Result<(), RenderError> {
        self.note(journal)?;
        let target = self.beside.join(inner);
        let mut file = match std::fs::File::create_new(&target) {
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
                fs_err::create_dir_all(target.parent().unwrap_or(&self.beside))?;
                std::fs::File::create_new(&target)
            }
            file => file,
        }
        .map_err(|e| std::io::Error::new(e.kind(), format!("{}: {e}", target.display())))?;
        Ok(file.write_all(content)?)
    }

    /// Writes what is held and puts the folder in its place.
    ///
    /// # Errors
    /// Somebody else's folder is there by now; a full disk and its like.
    pub(super) fn end(self, root: &Path, mut journal: &fs_err::File) -> Result<(), RenderError> {
        let held = std::mem::take(&mut *self.held.lock().expect("no thread panics while it holds pages"));
        self.write_held(held, journal)?;
        let place = root.join(self.folder.trim_end_matches('/'));
        match rename_to_free_place(&self.beside, &place) {
            // It has no files.
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(()),
            Err(e) if is_taken(&e) => {
                fs_err::remove_dir_all(&self.beside)?;
                journal.write_all(format!("-{}\n", self.folder).as_bytes())?;
                Err(RenderError::ForeignFile { path: place })
            }
            done => Ok(done?),
        }
    }
}

fn is_taken(error: &std::io::Error) -> bool {
    use std::io::ErrorKind::{AlreadyExists, DirectoryNotEmpty, NotADirectory};
    matches!(error.kind(), AlreadyExists | DirectoryNotEmpty | NotADirectory)
}

/// Takes up the folders that a build was making when it was ended, by its journal: those that are not in their place go, the files of the
/// others are ours, with unknown content.
///
/// # Errors
/// A folder that cannot be read or removed.
pub(super) fn taken_up(root: &Path, journal: &str, unsure: &mut BTreeSet<String>) -> std::io::Result<()> {
    let foreign: BTreeSet<&str> = journal.lines().filter_map(|line| line.strip_prefix('-')).collect();
    let folders =
        journal.lines().filter(|line| line.ends_with('/') && !line.starts_with('-') && is_plain(line));
    for folder in folders.filter(|folder| !foreign.contains(folder)) {
        let folder = folder.trim_end_matches('/');
        match fs_err::remove_dir_all(beside(&root.join(folder))) {
            Err(e) if e.kind() != std::io::ErrorKind::NotFound => return Err(e),
            _ => note_files(root, folder, unsure)?,
        }
    }
    Ok(())
}

fn note_files(root: &Path, folder: &str, unsure: &mut BTreeSet<String>) -> std::io::Result<()> {
    let entries = match fs_err::read_dir(root.join(folder)) {
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        entries => entries?,
    };
    for entry in entries {
        let entry = entry?;
        // We write no other names.
        let Ok(name) = entry.file_name().into_string() else { continue };
        let path = format!("{folder}/{name}");
        if entry.file_type()?.is_dir() {
            note_files(root, &path, unsure)?;
        } else {
            unsure.insert(path);
        }
    }
    Ok(())
}

/// Where something is until it is whole.
pub(super) fn beside(target: &Path) -> PathBuf {
    let mut name = target.as_os_str().to_owned();
    name.push(".");
    name.push(BESIDE);
    name.into()
}

#[cfg(target_os = "linux")]
pub(super) fn rename_to_free_place(from: &Path, to: &Path) -> std::io::Result<()> {
    use rustix::fs::{CWD, RenameFlags, renameat_with};
    match renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
        // Some file systems know no such rename.
        Err(rustix::io::Errno::INVAL | rustix::io::Errno::NOSYS) => look_and_rename(from, to),
        done => Ok(done?),
    }
}

#[cfg(not(target_os = "linux"))]
pub(super) fn rename_to_free_place(from: &Path, to: &Path) -> std::io::Result<()> {
    look_and_rename(from, to)
}

fn look_and_rename(from: &Path, to: &Path) -> std::io::Result<()> {
    if to.exists() {
        return Err(std::io::ErrorKind::AlreadyExists.into());
    }
    std::fs::rename(from, to)
}
