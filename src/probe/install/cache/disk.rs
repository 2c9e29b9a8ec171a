//! The cache on the disk: its folders' owners, its size, and who may read it.

use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;

use crate::probe::sandbox::limits::is_root;
use crate::probe::sandbox::spec::FIRST_BOX_UID;

/// Makes a folder that installers may write to.
pub(super) fn make_store(folder: &Path) -> io::Result<()> {
    fs_err::create_dir_all(folder)?;
    if is_root() {
        std::os::unix::fs::chown(folder, Some(FIRST_BOX_UID), Some(FIRST_BOX_UID))?;
    }
    Ok(())
}

/// True if root starts the installs and something in the folder belongs to another user than theirs.
pub(super) fn is_anothers(folder: &Path) -> bool {
    let Ok(entries) = fs_err::read_dir(folder) else { return false };
    is_root()
        && entries
            .flatten()
            .any(|e| e.metadata().is_ok_and(|m| m.uid() != FIRST_BOX_UID && m.uid() < FIRST_BOX_UID))
}

/// Bytes on disk below a folder; a file with several names counts once.
pub(super) fn bytes_below(folder: &Path) -> io::Result<u64> {
    let mut seen = std::collections::HashSet::new();
    let mut bytes = 0;
    let mut waiting = vec![folder.to_owned()];
    while let Some(path) = waiting.pop() {
        // Another scanner may be at work here: what is gone takes no space.
        let Ok(meta) = fs_err::symlink_metadata(&path) else { continue };
        if seen.insert((meta.dev(), meta.ino())) {
            bytes += meta.blocks() * 512;
        }
        if meta.is_dir() {
            let Ok(entries) = fs_err::read_dir(&path) else { continue };
            waiting.extend(entries.flatten().map(|e| e.path()));
        }
    }
    Ok(bytes)
}

/// Lets every box read what was installed, and returns its bytes on disk. Links are left alone.
pub(super) fn make_readable(folder: &Path) -> io::Result<u64> {
    let mut bytes = 0;
    let mut waiting = vec![folder.to_owned()];
    while let Some(path) = waiting.pop() {
        let meta = fs_err::symlink_metadata(&path)?;
        if meta.is_symlink() {
            continue;
        }
        bytes += meta.blocks() * 512;
        let mode = meta.permissions().mode();
        let wanted = if meta.is_dir() || mode & 0o100 != 0 { mode | 0o555 } else { mode | 0o444 };
        if wanted != mode {
            fs_err::set_permissions(&path, std::fs::Permissions::from_mode(wanted))?;
        }
        if meta.is_dir() {
            for entry in fs_err::read_dir(&path)? {
                waiting.push(entry?.path());
            }
        }
    }
    Ok(bytes)
}
