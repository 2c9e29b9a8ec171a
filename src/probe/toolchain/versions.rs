//! Versions that programs told before, by path, time and size: asking node again costs 50 ms at every start.

use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::Missing;
use super::find::version_of;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Told {
    modified_ns: i128,
    size: u64,
    version: String,
}

/// The version of `program`, from `folder/versions/NAME.json` if the file is still the one that was asked.
pub(super) async fn version(program: &Path, folder: &Path) -> Result<String, Missing> {
    let name = program.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    let cache = folder.join("versions").join(format!("{}.json", crate::model::slug::slug(&name)));
    let meta = fs_err::metadata(program).map_err(|e| Missing { why: e.to_string() })?;
    let modified_ns = i128::from(meta.mtime()) * 1_000_000_000 + i128::from(meta.mtime_nsec());
    let mut known: BTreeMap<PathBuf, Told> =
        fs_err::read(&cache).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default();
    if let Some(told) = known.get(program).filter(|t| t.modified_ns == modified_ns && t.size == meta.len()) {
        return Ok(told.version.clone());
    }
    let version = version_of(program).await?;
    known.insert(program.to_owned(), Told { modified_ns, size: meta.len(), version: version.clone() });
    if let Err(error) = remember(&cache, &known) {
        // Asked again next time, nothing else.
        tracing::debug!(cache = %cache.display(), %error, "a version was not kept");
    }
    Ok(version)
}

fn remember(cache: &Path, known: &BTreeMap<PathBuf, Told>) -> std::io::Result<()> {
    let folder = cache.parent().unwrap_or(Path::new("."));
    fs_err::create_dir_all(folder)?;
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    serde_json::to_writer(&mut file, known).map_err(std::io::Error::other)?;
    file.persist(cache)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_program_is_asked_once_until_it_changes() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let program = folder.path().join("tool");
        let write = |text: &str| {
            std::fs::write(&program, text).unwrap();
            std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
        };
        let asked = folder.path().join("asked");
        write(&format!("#!/bin/sh\necho x >> {}\necho tool 1.2.3\n", asked.display()));
        for _ in 0..2 {
            assert_eq!(version(&program, folder.path()).await.unwrap(), "1.2.3");
        }
        assert_eq!(std::fs::read_to_string(&asked).unwrap(), "x\n");
        write("#!/bin/sh\necho tool 1.2.40\n");
        assert_eq!(version(&program, folder.path()).await.unwrap(), "1.2.40");
    }
}
