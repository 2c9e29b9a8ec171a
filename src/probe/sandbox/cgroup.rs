//! A cgroup (version 2) for each box, where this process may make one: the kernel then bounds the memory of the whole tree
//! and the number of its processes, whoever they belong to, and can end all of them at once.
//!
//! Nothing of the machine's own set-up is changed: no controller is switched on and nobody else is moved. So a box's
//! group is made beside the scanner's own, or above it, in the nearest folder whose groups have the controllers `memory`
//! and `pids` and which this process may write: a session's slice where root or a delegation allows it. Where there is
//! none, [`super::watch`] alone bounds the tree. Source: the kernel's admin-guide/cgroup-v2, "Delegation" and "Memory".

use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd, RawFd};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::spec::BoxLimits;
use super::tree;

/// What a group's folder is called first; then the scanner's id, when it was started, and a number.
const PREFIX: &str = "catalogue-";
/// Processes of a box that are the launcher's and not the server's.
const LAUNCHERS: u64 = 4;
/// How long the end of a killed group is waited for.
const END_WITHIN: Duration = Duration::from_secs(5);

/// Where groups are made.
#[derive(Debug, Clone)]
pub(super) struct Cgroups {
    parent: PathBuf,
    /// Its groups have a bound on memory and on processes. False in tests of the rest alone.
    bounds: bool,
}

impl Cgroups {
    /// Looks where this process may make groups, and removes those that a scanner left behind which was killed.
    ///
    /// # Errors
    /// Why there is no such place, for people.
    pub(super) fn find() -> Result<Self, String> {
        let read = |path| fs_err::read_to_string(path).unwrap_or_default();
        let (mount, own) = place(&read("/proc/self/mountinfo"), &read("/proc/self/cgroup"))
            .ok_or("no hierarchy of version 2 is mounted")?;
        let groups = Self::nearest(&mount, &own, Self::try_out)?;
        groups.sweep();
        Ok(groups)
    }

    fn nearest(mount: &Path, own: &Path, try_out: impl Fn(&Self) -> io::Result<()>) -> Result<Self, String> {
        let mut why = "the controllers memory and pids are not there".to_owned();
        for folder in own.ancestors().take_while(|folder| folder.starts_with(mount)) {
            let control = fs_err::read_to_string(folder.join("cgroup.subtree_control")).unwrap_or_default();
            if !["memory", "pids"].iter().all(|needed| control.split_whitespace().any(|c| c == *needed)) {
                continue;
            }
            let groups = Self { parent: folder.to_owned(), bounds: true };
            match try_out(&groups) {
                Ok(()) => return Ok(groups),
                Err(error) => why = error.to_string(),
            }
        }
        Err(why)
    }

    /// A group is made and removed, and processes may be moved into it from below the same folder.
    fn try_out(&self) -> io::Result<()> {
        fs_err::OpenOptions::new().write(true).open(self.parent.join("cgroup.procs"))?;
        self.group(&BoxLimits::default(), 0)?.remove()
    }

    /// Makes a group with these bounds. `beside` are bytes that are held in memory and bounded in another way: files in
    /// temporary file systems count as the group's memory.
    ///
    /// # Errors
    /// It cannot be made, or a bound cannot be set.
    pub(super) fn group(&self, limits: &BoxLimits, beside: u64) -> io::Result<Group> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let name = format!("{}{}", own_prefix(), NEXT.fetch_add(1, Ordering::Relaxed));
        let folder = self.parent.join(name);
        fs_err::create_dir(&folder)?;
        let made = (|| {
            if self.bounds {
                let memory = limits.memory_bytes.saturating_add(beside).to_string();
                fs_err::write(folder.join("memory.max"), memory)?;
                // One process that is taken out of a tree would leave the others: all or none.
                fs_err::write(folder.join("memory.oom.group"), "1")?;
                fs_err::write(folder.join("pids.max"), (limits.processes + LAUNCHERS).to_string())?;
                let swap = folder.join("memory.swap.max");
                if swap.exists() {
                    fs_err::write(swap, "0")?;
                }
            }
            fs_err::OpenOptions::new()
                .write(true)
                .create(true)
                .truncate(false)
                .open(folder.join("cgroup.procs"))
        })();
        match made {
            Ok(procs) => Ok(Group { folder, procs: Some(procs.into()) }),
            Err(error) => {
                let _ = fs_err::remove_dir(&folder);
                Err(error)
            }
        }
    }

    /// Groups of scanners that are gone: what still runs in them is ended.
    fn sweep(&self) {
        for name in self.names() {
            let mut numbers = name.trim_start_matches(PREFIX).split('-');
            let mut number = || numbers.next()?.parse::<u64>().ok();
            let (Some(pid), Some(start)) = (number(), number()) else { continue };
            if u32::try_from(pid).is_ok_and(|pid| tree::is_alive(pid, start)) {
                continue;
            }
            // Dropped at once: ended and removed.
            drop(Group { folder: self.parent.join(&name), procs: None });
        }
    }

    /// The groups of this process that are still there.
    pub(super) fn left(&self) -> Vec<String> {
        let own = own_prefix();
        self.names().into_iter().filter(|name| name.starts_with(&own)).collect()
    }

    fn names(&self) -> Vec<String> {
        let Ok(entries) = fs_err::read_dir(&self.parent) else { return Vec::new() };
        let names = entries.flatten().filter_map(|e| e.file_name().into_string().ok());
        names.filter(|name| name.starts_with(PREFIX)).collect()
    }
}

/// Tells this scanner's groups from another's, also from those of one that had the same id before.
fn own_prefix() -> String {
    let pid = std::process::id();
    format!("{PREFIX}{pid}-{}-", tree::start_ticks(pid).unwrap_or(0))
}

/// The hierarchy's folder and in it the one of this process, from `/proc/self/mountinfo` and `/proc/self/cgroup`.
fn place(mounts: &str, own: &str) -> Option<(PathBuf, PathBuf)> {
    let path = Path::new(own.lines().find_map(|line| line.strip_prefix("0::"))?);
    mounts.lines().find_map(|line| {
        let (fields, kind) = line.split_once(" - ")?;
        if kind.split(' ').next() != Some("cgroup2") {
            return None;
        }
        let mut fields = fields.split(' ').skip(3);
        let (root, mount) = (fields.next()?, fields.next()?);
        // A path outside of what is mounted begins with `..`, one in a folder with a blank is written with a stroke.
        let rest = path.strip_prefix(root).ok()?;
        let plain =
            !mount.contains('\\') && rest.components().all(|c| matches!(c, std::path::Component::Normal(_)));
        plain.then(|| (PathBuf::from(mount), Path::new(mount).join(rest)))
    })
}

/// The group of one box. Dropping it ends everything in it and removes it; [`Group::end`] also waits for that.
#[derive(Debug)]
pub(super) struct Group {
    folder: PathBuf,
    procs: Option<File>,
}

impl Group {
    /// A descriptor: a child that writes [`ITSELF`] to it is in the group, and everything it starts.
    pub(super) fn door(&self) -> Option<RawFd> {
        self.procs.as_ref().map(AsRawFd::as_raw_fd)
    }

    /// True if the kernel ended something in it for want of memory.
    pub(super) fn was_out_of_memory(&self) -> bool {
        let events = fs_err::read_to_string(self.folder.join("memory.events")).unwrap_or_default();
        events.lines().any(|line| {
            line.strip_prefix("oom_kill ").is_some_and(|n| n.trim().parse::<u64>().is_ok_and(|n| n > 0))
        })
    }

    fn kill(&self) {
        // Linux 5.14; before that the tree is ended process by process, as everywhere.
        let _ = fs_err::OpenOptions::new()
            .write(true)
            .open(self.folder.join("cgroup.kill"))
            .and_then(|mut file| io::Write::write_all(&mut file, b"1"));
    }

    fn remove(&self) -> io::Result<()> {
        match fs_err::remove_dir(&self.folder) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// Ends everything in it, waits until it is gone, and removes it.
    pub(super) async fn end(self) {
        self.kill();
        let until = tokio::time::Instant::now() + END_WITHIN;
        while let Err(error) = self.remove() {
            if tokio::time::Instant::now() > until {
                tracing::warn!(folder = %self.folder.display(), %error, "a box's cgroup is left behind");
                return;
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if self.remove().is_err() {
            self.kill();
            // What is killed is gone in a moment; what is not is swept by the next run.
            for _ in 0..20 {
                std::thread::sleep(Duration::from_millis(1));
                if self.remove().is_ok() {
                    break;
                }
            }
        }
    }
}

/// What a process writes to a group's door to enter it.
pub(super) const ITSELF: &[u8] = b"0";

#[cfg(test)]
mod tests;
