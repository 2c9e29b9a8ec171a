//! Files that stand in for what a machine lacks, from `data/stand-ins/`, where boxes can be shown them.

use std::collections::BTreeMap;
use std::path::Path;

/// Writes the stand-ins of `data/` where boxes can be shown them.
///
/// # Errors
/// The folder cannot be written.
pub fn write_stand_ins(folder: &Path, data: &BTreeMap<String, Vec<u8>>) -> std::io::Result<()> {
    fs_err::create_dir_all(folder)?;
    for (name, bytes) in data {
        if let Some(name) = name.strip_prefix("stand-ins/") {
            let path = folder.join(name);
            if fs_err::read(&path).ok().as_ref() != Some(bytes) {
                let part = tempfile::NamedTempFile::new_in(folder)?;
                fs_err::write(part.path(), bytes)?;
                let mode = std::os::unix::fs::PermissionsExt::from_mode(0o644);
                fs_err::set_permissions(part.path(), mode)?;
                part.persist(&path).map_err(|e| e.error)?;
            }
        }
    }
    Ok(())
}
