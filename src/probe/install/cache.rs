//! Installs that are kept: by release, interpreter and dependency date, read-only for servers, bounded in size.
//!
//! An entry is made in `store/staging-PID-…` and renamed into place, so that a crash or a full disk leaves no broken
//! one. Whoever uses an entry holds a shared lock on it; only an unused one is thrown out, oldest use first.

use std::fs::File;
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};
use serde::{Deserialize, Serialize};

use super::{Installed, Variant};
use crate::model::Release;
use crate::model::digest::sha256_hex;
use crate::model::slug::slug;
use crate::probe::sandbox::spec::FIRST_BOX_UID;

/// The number of this layout; entries of another one are not used.
const LAYOUT: u32 = 2;

/// The folder of kept installs.
#[derive(Debug, Clone)]
pub struct Cache {
    root: PathBuf,
    max_bytes: u64,
}

/// A kept install in use: its lock is held until this is dropped.
#[derive(Debug)]
pub struct Entry {
    /// The installed package's folder on the host.
    pub package: PathBuf,
    /// What it is.
    pub installed: Installed,
    /// Thrown away when dropped (`--no-cache`).
    temporary: bool,
    folder: PathBuf,
    _lock: File,
}

#[derive(Debug, Serialize, Deserialize)]
struct Label {
    layout: u32,
    bytes: u64,
    installed: Installed,
}

impl Drop for Entry {
    fn drop(&mut self) {
        if self.temporary {
            let _ = fs_err::remove_dir_all(&self.folder);
        }
    }
}

impl Cache {
    /// Opens the folder, makes what is missing and removes what dead scanners left half-made.
    ///
    /// # Errors
    /// The folder cannot be made or read.
    pub fn open(root: &Path, max_bytes: u64) -> io::Result<Self> {
        let cache = Self { root: root.to_owned(), max_bytes };
        for folder in ["", "store", "store/tmp", "store/uv", "store/bun", "store/npm"] {
            if folder.starts_with("store/") && is_anothers(&root.join(folder)) {
                // Restored from a backup or made by another user: installers could not write there.
                fs_err::remove_dir_all(root.join(folder))?;
            }
            fs_err::create_dir_all(root.join(folder))?;
            if crate::probe::sandbox::limits::is_root() && !folder.is_empty() {
                std::os::unix::fs::chown(root.join(folder), Some(FIRST_BOX_UID), Some(FIRST_BOX_UID))?;
            }
        }
        cache.sweep()?;
        cache.throw_out();
        Ok(cache)
    }

    /// The folder installers may write to.
    pub fn store(&self) -> PathBuf {
        self.root.join("store")
    }

    /// Removes staging folders and temporary homes of processes that are gone.
    fn sweep(&self) -> io::Result<()> {
        for folder in [self.store(), self.store().join("tmp")] {
            for entry in fs_err::read_dir(folder)?.flatten() {
                let name = entry.file_name().to_string_lossy().into_owned();
                let owner = name
                    .strip_prefix("staging-")
                    .or_else(|| name.strip_prefix("box-"))
                    .and_then(|rest| rest.split('-').next()?.parse::<u32>().ok());
                let gone = owner.is_some_and(|pid| !Path::new(&format!("/proc/{pid}")).exists());
                if gone {
                    crate::probe::sandbox::process::remove_shut_folder(&entry.path())?;
                }
            }
        }
        Ok(())
    }

    fn folder_of(&self, release: &Release, variant: &Variant) -> io::Result<PathBuf> {
        let text = serde_json::to_string(&(LAYOUT, release, variant))?;
        let hash: String = sha256_hex(text.as_bytes()).chars().take(12).collect();
        Ok(self.root.join(format!("{}.{hash}", slug(&release.to_string()))))
    }

    /// A kept install of exactly this variant.
    pub fn find(&self, release: &Release, variant: &Variant) -> Option<Entry> {
        let entry = self.open_entry(&self.folder_of(release, variant).ok()?)?;
        (entry.installed.release == *release && entry.installed.variant == *variant).then_some(entry)
    }

    /// A kept install of this release with nothing special, whatever its interpreter, if that is still there: so that a
    /// pinned release that was installed before needs no network at all.
    pub fn find_plain(&self, release: &Release) -> Option<Entry> {
        let start = format!("{}.", slug(&release.to_string()));
        let mut folders: Vec<PathBuf> = fs_err::read_dir(&self.root)
            .ok()?
            .flatten()
            .filter(|e| e.file_name().to_string_lossy().starts_with(&start))
            .map(|e| e.path())
            .collect();
        folders.sort();
        folders.iter().filter_map(|folder| self.open_entry(folder)).find(|entry| {
            let variant = &entry.installed.variant;
            entry.installed.release == *release
                && variant.dependencies_as_of.is_none()
                && variant.extras.is_empty()
                && variant.python.as_ref().is_none_or(|p| p.path.exists())
        })
    }

    fn open_entry(&self, folder: &Path) -> Option<Entry> {
        let lock = File::open(folder.join("label.json")).ok()?;
        flock(&lock, FlockOperation::NonBlockingLockShared).ok()?;
        let label: Label = serde_json::from_reader(io::BufReader::new(&lock)).ok()?;
        let package = folder.join("package");
        if label.layout != LAYOUT || !package.is_dir() {
            return None;
        }
        // The time of the last use is the label's own time; failing to set it costs only the order of throwing out.
        let _ = File::options()
            .append(true)
            .open(folder.join("label.json"))
            .and_then(|f| f.set_modified(std::time::SystemTime::UNIX_EPOCH + now()));
        Some(Entry {
            package,
            installed: label.installed,
            temporary: false,
            folder: folder.to_owned(),
            _lock: lock,
        })
    }

    /// A new folder to install into, below [`Cache::store`]; the caller removes it if the install fails.
    ///
    /// # Errors
    /// It cannot be made: the disk is full, or the folder is not ours.
    pub fn stage(&self) -> io::Result<PathBuf> {
        let prefix = format!("staging-{}-", std::process::id());
        let folder = tempfile::Builder::new().prefix(&prefix).tempdir_in(self.store())?.keep();
        fs_err::set_permissions(&folder, std::fs::Permissions::from_mode(0o755))?;
        if crate::probe::sandbox::limits::is_root() {
            std::os::unix::fs::chown(&folder, Some(FIRST_BOX_UID), Some(FIRST_BOX_UID))?;
        }
        Ok(folder)
    }

    /// Puts a finished install in its place and throws out the oldest ones beyond the bound.
    ///
    /// # Errors
    /// The disk is full or the folder is not ours; nothing half-made is left.
    pub fn keep(&self, staged: &Path, installed: Installed, keep: bool) -> io::Result<Entry> {
        let bytes = make_readable(staged)?;
        let made =
            self.root.join(format!("store/staging-{}-entry-{}", std::process::id(), suffix_of(staged)));
        fs_err::create_dir(&made)?;
        let folder =
            if keep { self.folder_of(&installed.release, &installed.variant)? } else { made.clone() };
        let placed = (|| {
            fs_err::rename(staged, made.join("package"))?;
            let label = Label { layout: LAYOUT, bytes, installed: installed.clone() };
            fs_err::write(made.join("label.json"), serde_json::to_vec(&label)?)?;
            if keep {
                if folder.exists() {
                    // Another scanner was faster, or the entry is damaged: ours is whole.
                    let aside = made.with_extension("old");
                    fs_err::rename(&folder, &aside)?;
                    fs_err::remove_dir_all(&aside)?;
                }
                fs_err::rename(&made, &folder)?;
            }
            let lock = File::open(folder.join("label.json"))?;
            flock(&lock, FlockOperation::LockShared)?;
            Ok(lock)
        })();
        let lock = match placed {
            Ok(lock) => lock,
            Err(error) => {
                let _ = fs_err::remove_dir_all(&made);
                return Err(error);
            }
        };
        let entry =
            Entry { package: folder.join("package"), installed, temporary: !keep, folder, _lock: lock };
        self.throw_out();
        Ok(entry)
    }

    /// A turn at the installers' own stores: as long as it is held they are not emptied.
    ///
    /// # Errors
    /// The lock file cannot be made.
    pub fn installing(&self) -> io::Result<File> {
        let lock = File::options().create(true).append(true).open(self.root.join("store.lock"))?;
        flock(&lock, FlockOperation::LockShared)?;
        Ok(lock)
    }

    /// Empties the installers' own stores (downloads, unpacked wheels) if they and the entries are beyond the bound and
    /// nobody installs. Their files are shared with entries by hard links and counted once.
    ///
    /// # Errors
    /// A folder cannot be read or removed.
    pub fn trim_stores(&self) -> io::Result<()> {
        if bytes_below(&self.root)? <= self.max_bytes {
            return Ok(());
        }
        let lock = File::options().create(true).append(true).open(self.root.join("store.lock"))?;
        if flock(&lock, FlockOperation::NonBlockingLockExclusive).is_ok() {
            for store in ["store/uv", "store/bun", "store/npm"] {
                fs_err::remove_dir_all(self.root.join(store))?;
            }
        }
        Ok(())
    }

    /// Removes unused entries, oldest use first, until the rest fits the bound.
    fn throw_out(&self) {
        let Ok(listing) = fs_err::read_dir(&self.root) else { return };
        let mut entries: Vec<(std::time::SystemTime, u64, PathBuf)> = listing
            .flatten()
            .filter_map(|e| {
                let label = fs_err::read(e.path().join("label.json")).ok()?;
                let label: Label = serde_json::from_slice(&label).ok()?;
                let used = fs_err::metadata(e.path().join("label.json")).ok()?.modified().ok()?;
                Some((used, label.bytes, e.path()))
            })
            .collect();
        entries.sort();
        let mut total: u64 = entries.iter().map(|(_, bytes, _)| bytes).sum();
        for (_, bytes, folder) in entries {
            if total <= self.max_bytes {
                return;
            }
            let Ok(lock) = File::open(folder.join("label.json")) else { continue };
            if flock(&lock, FlockOperation::NonBlockingLockExclusive).is_ok()
                && fs_err::remove_dir_all(&folder).is_ok()
            {
                total = total.saturating_sub(bytes);
            }
        }
    }
}

/// True if root starts the installs and something in the folder belongs to another user than theirs.
fn is_anothers(folder: &Path) -> bool {
    let Ok(entries) = fs_err::read_dir(folder) else { return false };
    crate::probe::sandbox::limits::is_root()
        && entries
            .flatten()
            .any(|e| e.metadata().is_ok_and(|m| m.uid() != FIRST_BOX_UID && m.uid() < FIRST_BOX_UID))
}

fn now() -> std::time::Duration {
    std::time::Duration::try_from(jiff::Timestamp::now().duration_since(jiff::Timestamp::UNIX_EPOCH))
        .unwrap_or_default()
}

fn suffix_of(staged: &Path) -> String {
    staged
        .file_name()
        .map(|n| n.to_string_lossy().rsplit('-').next().unwrap_or_default().to_owned())
        .unwrap_or_default()
}

/// Bytes on disk below a folder; a file with several names counts once.
fn bytes_below(folder: &Path) -> io::Result<u64> {
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
fn make_readable(folder: &Path) -> io::Result<u64> {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ServerKey;
    use crate::probe::install::entry::EntryPoint;
    use crate::probe::plan::LaunchFacts;

    fn installed(version: &str) -> Installed {
        Installed {
            release: Release { server: ServerKey::npm("acme-mcp").unwrap(), version: version.to_owned() },
            variant: Variant::default(),
            entries: vec![EntryPoint::Native { name: "x".to_owned(), file: PathBuf::from("x") }],
            facts: LaunchFacts::default(),
            published_at: None,
            about: crate::model::ReleaseFacts::default(),
            built: false,
        }
    }

    fn keep(cache: &Cache, version: &str, keep: bool) -> Entry {
        let staged = cache.stage().unwrap();
        fs_err::write(staged.join("x"), vec![b'x'; 100_000]).unwrap();
        cache.keep(&staged, installed(version), keep).unwrap()
    }

    #[test]
    fn an_entry_is_found_again_and_the_oldest_unused_one_is_thrown_out() {
        let root = tempfile::tempdir().unwrap();
        let cache = Cache::open(root.path(), 250_000).unwrap();
        drop(keep(&cache, "1.0.0", true));
        let used = keep(&cache, "2.0.0", true);
        assert!(cache.find_plain(&installed("1.0.0").release).is_some());
        assert!(cache.find(&used.installed.release, &Variant::default()).is_some());
        // 1.0.0 was used last, but 2.0.0 is in use: 1.0.0 goes.
        drop(keep(&cache, "3.0.0", true));
        assert!(cache.find_plain(&installed("1.0.0").release).is_none());
        assert!(used.package.join("x").is_file());
    }

    #[test]
    fn stores_beyond_the_bound_are_emptied_unless_someone_installs() {
        let root = tempfile::tempdir().unwrap();
        let cache = Cache::open(root.path(), 50_000).unwrap();
        let download = cache.store().join("bun/x");
        fs_err::write(&download, vec![b'x'; 100_000]).unwrap();
        let turn = cache.installing().unwrap();
        cache.trim_stores().unwrap();
        assert!(download.exists());
        drop(turn);
        cache.trim_stores().unwrap();
        assert!(!download.exists());
    }

    #[test]
    fn a_temporary_entry_goes_when_it_is_dropped_and_a_dead_scanners_staging_is_swept() {
        let root = tempfile::tempdir().unwrap();
        let cache = Cache::open(root.path(), 1 << 30).unwrap();
        let entry = keep(&cache, "1.0.0", false);
        let folder = entry.package.clone();
        drop(entry);
        assert!(!folder.exists());
        let left = cache.store().join("staging-999999999-abc");
        fs_err::create_dir(&left).unwrap();
        Cache::open(root.path(), 1 << 30).unwrap();
        assert!(!left.exists());
    }
}
