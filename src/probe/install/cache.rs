//! Installs that are kept: by release, interpreter and dependency date, read-only for servers, bounded in size.
//!
//! An entry is made in `store/staging-PID-…` and renamed into place, so that a crash or a full disk leaves no broken
//! one. Whoever uses an entry holds a shared lock on it; only an unused one is thrown out, oldest use first. Scanners and workers of
//! one host may share the folder.
//!
//! An install lies under the hash of its content (`cache/content`), which is taken anew before each use. One that is not what it was is
//! thrown away, and the installers' stores with it, which share its files: then everything is fetched anew.

mod content;
mod disk;

use std::fs::File;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};
use serde::{Deserialize, Serialize};

use self::disk::{bytes_below, is_anothers, make_readable, make_store};
use super::{Installed, Variant};
use crate::model::Release;
use crate::model::digest::sha256_hex;
use crate::model::slug::slug;
use crate::probe::sandbox::spec::FIRST_BOX_UID;

/// The number of this layout; entries of another one are not used.
const LAYOUT: u32 = 3;
/// In the folder: what an entry held was altered, and the installers' stores are to be emptied before the next install.
const ALTERED: &str = "store.altered";

/// The installers' own stores.
const STORES: [&str; 3] = ["store/uv", "store/bun", "store/npm"];

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
    /// The hash of the install, which is its folder's name, too. Older layouts have none.
    #[serde(default)]
    content: String,
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
        fs_err::create_dir_all(root)?;
        for folder in ["store", "store/tmp"] {
            make_store(&root.join(folder))?;
        }
        // Unless somebody installs there just now.
        let lock = cache.store_lock()?;
        let alone = flock(&lock, FlockOperation::NonBlockingLockExclusive).is_ok();
        for folder in STORES.map(|store| root.join(store)) {
            if alone && is_anothers(&folder) {
                // Restored from a backup or made by another user: installers could not write there.
                fs_err::remove_dir_all(&folder)?;
            }
            make_store(&folder)?;
        }
        drop(lock);
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
        if label.layout != LAYOUT || label.content.is_empty() {
            return None;
        }
        let package = folder.join(&label.content);
        if !content::content_of(&package).is_ok_and(|content| content == label.content) {
            tracing::warn!(entry = %folder.display(), "a kept install is not what it was; it is fetched anew");
            // Its files are those of the stores.
            if let Err(error) = fs_err::write(self.root.join(ALTERED), label.installed.release.to_string()) {
                tracing::warn!(%error, "the installers' stores cannot be marked");
            }
            drop(lock);
            self.put_aside(folder);
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

    /// Takes an entry out of its place; what somebody still uses of it is removed when they are gone.
    fn put_aside(&self, folder: &Path) {
        let aside = format!("staging-{}-altered-{}", std::process::id(), now().as_nanos());
        let aside = self.store().join(aside);
        if fs_err::rename(folder, &aside).is_ok()
            && let Ok(lock) = File::open(aside.join("label.json"))
            && flock(&lock, FlockOperation::NonBlockingLockExclusive).is_ok()
        {
            // What stays is swept with what dead scanners left.
            let _ = fs_err::remove_dir_all(&aside);
        }
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
        // What is dropped after its probe is not read again.
        let content = if keep { content::content_of(staged)? } else { "package".to_owned() };
        let placed = (|| {
            fs_err::rename(staged, made.join(&content))?;
            let label =
                Label { layout: LAYOUT, bytes, installed: installed.clone(), content: content.clone() };
            fs_err::write(made.join("label.json"), serde_json::to_vec(&label)?)?;
            if keep {
                if folder.exists() {
                    // Another scanner was faster, and may be using what it made.
                    if let Some(theirs) = self.open_entry(&folder) {
                        fs_err::remove_dir_all(&made)?;
                        return Ok(Err(theirs));
                    }
                    if folder.exists() {
                        self.put_aside(&folder);
                    }
                }
                fs_err::rename(&made, &folder)?;
            }
            let lock = File::open(folder.join("label.json"))?;
            flock(&lock, FlockOperation::LockShared)?;
            Ok(Ok(lock))
        })();
        let lock = match placed {
            Ok(Ok(lock)) => lock,
            Ok(Err(theirs)) => return Ok(theirs),
            Err(error) => {
                let _ = fs_err::remove_dir_all(&made);
                return Err(error);
            }
        };
        let entry =
            Entry { package: folder.join(&content), installed, temporary: !keep, folder, _lock: lock };
        self.throw_out();
        Ok(entry)
    }

    /// A turn at the installers' own stores: as long as it is held they are not emptied. None while they have to be, because
    /// something in them was altered, and others are still installing: ask again.
    ///
    /// # Errors
    /// The lock file cannot be made, or the stores cannot be emptied.
    pub fn installing(&self) -> io::Result<Option<File>> {
        let lock = self.store_lock()?;
        let altered = self.root.join(ALTERED);
        if altered.exists() {
            if flock(&lock, FlockOperation::NonBlockingLockExclusive).is_err() {
                return Ok(None);
            }
            self.empty_stores()?;
            if altered.exists() {
                fs_err::remove_file(&altered)?;
            }
        }
        flock(&lock, FlockOperation::LockShared)?;
        Ok(Some(lock))
    }

    /// Held by everybody who installs; held alone by who empties the stores.
    fn store_lock(&self) -> io::Result<File> {
        File::options().create(true).append(true).open(self.root.join("store.lock"))
    }

    /// Empties the installers' stores; whoever calls this holds their lock alone.
    fn empty_stores(&self) -> io::Result<()> {
        for store in STORES {
            let folder = self.root.join(store);
            fs_err::remove_dir_all(&folder)?;
            make_store(&folder)?;
        }
        Ok(())
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
        let lock = self.store_lock()?;
        if flock(&lock, FlockOperation::NonBlockingLockExclusive).is_ok() {
            self.empty_stores()?;
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
        let turn = cache.installing().unwrap().unwrap();
        cache.trim_stores().unwrap();
        assert!(download.exists());
        drop(turn);
        cache.trim_stores().unwrap();
        assert!(!download.exists());
    }

    #[test]
    fn an_altered_install_is_thrown_away_and_the_stores_are_emptied_once_nobody_installs() {
        let root = tempfile::tempdir().unwrap();
        let (cache, beside) =
            (Cache::open(root.path(), 1 << 30).unwrap(), Cache::open(root.path(), 1 << 30).unwrap());
        // As uv and bun do it: a file of the store and of the install is one.
        let stored = cache.store().join("uv/x");
        fs_err::write(&stored, "honest").unwrap();
        let staged = cache.stage().unwrap();
        fs_err::hard_link(&stored, staged.join("x")).unwrap();
        let entry = cache.keep(&staged, installed("1.0.0"), true).unwrap();
        let release = installed("1.0.0").release;
        let content = entry.package.file_name().unwrap().to_string_lossy().into_owned();
        assert_eq!(content, content::content_of(&entry.package).unwrap(), "it lies under its content's hash");
        drop(entry);
        let others = beside.installing().unwrap().unwrap();
        assert!(beside.find_plain(&release).is_some());
        fs_err::write(&stored, "poison").unwrap();
        assert!(beside.find_plain(&release).is_none() && cache.find(&release, &Variant::default()).is_none());
        assert!(cache.installing().unwrap().is_none(), "another installs just now");
        drop(others);
        let turn = cache.installing().unwrap();
        assert!(turn.is_some() && !stored.exists(), "what was altered is fetched anew");
        assert!(beside.installing().unwrap().is_some(), "and that once");
        drop(turn);
        let again = keep(&cache, "1.0.0", true);
        assert!(beside.find_plain(&release).is_some());
        drop(again);
    }

    #[test]
    fn opening_the_folder_takes_nothing_from_a_scanner_that_works_in_it() {
        let root = tempfile::tempdir().unwrap();
        let cache = Cache::open(root.path(), 1 << 30).unwrap();
        let home = cache.store().join(format!("tmp/box-{}-abc", std::process::id()));
        fs_err::create_dir(&home).unwrap();
        let download = cache.store().join("uv/x");
        fs_err::write(&download, "x").unwrap();
        let turn = cache.installing().unwrap().unwrap();
        Cache::open(root.path(), 1 << 30).unwrap();
        assert!(home.is_dir() && download.is_file());
        drop(turn);
    }

    #[test]
    fn whoever_comes_second_uses_what_the_first_one_made() {
        let root = tempfile::tempdir().unwrap();
        let (cache, beside) =
            (Cache::open(root.path(), 1 << 30).unwrap(), Cache::open(root.path(), 1 << 30).unwrap());
        let first = keep(&cache, "1.0.0", true);
        let second = keep(&beside, "1.0.0", true);
        assert_eq!(first.package, second.package);
        assert!(first.package.join("x").is_file(), "a server that runs from it keeps its files");
        let left = fs_err::read_dir(cache.store()).unwrap().flatten();
        assert_eq!(left.filter(|e| e.file_name().to_string_lossy().starts_with("staging-")).count(), 0);
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
