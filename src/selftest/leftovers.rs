//! What stayed behind on this machine: processes, mounts, folders.

use std::path::Path;
use std::time::{Duration, Instant};

use serde::Serialize;

/// How long the last of them may take to go.
const WITHIN: Duration = Duration::from_secs(2);

/// What is left.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Left {
    /// Processes of rows, by id and command line.
    pub processes: Vec<String>,
    /// Mounts of this process's namespace that name a folder of the run.
    pub mounts: Vec<String>,
    /// Temporary folders of boxes.
    pub folders: Vec<String>,
    /// Cgroups of boxes.
    pub cgroups: Vec<String>,
    /// System V segments and queues, and named queues, that were not there before.
    pub segments: usize,
}

impl Left {
    /// True if nothing is.
    pub fn is_nothing(&self) -> bool {
        *self == Self::default()
    }
}

/// Segments and queues that are there now.
pub fn segments() -> usize {
    let lines = |what: &str| {
        let table = fs_err::read_to_string(format!("/proc/sysvipc/{what}")).unwrap_or_default();
        table.lines().count().saturating_sub(1)
    };
    let queues = fs_err::read_dir("/dev/mqueue").map_or(0, Iterator::count);
    lines("shm") + lines("msg") + lines("sem") + queues
}

/// Looks until nothing is left, at most two seconds. `word` is in the arguments of every row's process, `cgroups` looks for
/// those of boxes.
pub fn look(
    word: &str,
    scratch: &Path,
    folder: &Path,
    segments_before: usize,
    cgroups: impl Fn() -> Vec<String>,
) -> Left {
    let begun = Instant::now();
    loop {
        let left = Left {
            processes: processes(word),
            mounts: mounts(&[scratch, folder]),
            folders: folders(scratch),
            cgroups: cgroups(),
            segments: segments().saturating_sub(segments_before),
        };
        if left.is_nothing() || begun.elapsed() > WITHIN {
            return left;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn processes(word: &str) -> Vec<String> {
    let me = std::process::id();
    let Ok(entries) = fs_err::read_dir("/proc") else { return Vec::new() };
    entries
        .flatten()
        .filter_map(|e| e.file_name().to_str()?.parse::<u32>().ok())
        .filter(|pid| *pid != me)
        .filter_map(|pid| {
            let line = fs_err::read(format!("/proc/{pid}/cmdline")).ok()?;
            let line = String::from_utf8_lossy(&line).replace('\0', " ");
            let ours = line.contains(word) || parent(pid) == Some(me);
            ours.then(|| format!("{pid} {}", line.chars().take(80).collect::<String>()))
        })
        .collect()
}

fn parent(pid: u32) -> Option<u32> {
    let status = fs_err::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    status.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse().ok()
}

fn mounts(folders: &[&Path]) -> Vec<String> {
    let table = fs_err::read_to_string("/proc/self/mountinfo").unwrap_or_default();
    let named = |line: &&str| folders.iter().any(|f| line.contains(&*f.to_string_lossy()));
    table.lines().filter(named).map(str::to_owned).collect()
}

fn folders(scratch: &Path) -> Vec<String> {
    let prefix = format!("box-{}-", std::process::id());
    let Ok(entries) = fs_err::read_dir(scratch) else { return Vec::new() };
    entries
        .flatten()
        .map(|e| e.file_name().to_string_lossy().into_owned())
        .filter(|name| name.starts_with(&prefix))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_there_is_found() {
        let scratch = tempfile::tempdir().unwrap();
        let folder = scratch.path().join(format!("box-{}-x", std::process::id()));
        fs_err::create_dir(&folder).unwrap();
        // This test's own arguments hold the name of its program.
        let program = std::env::args().next().unwrap();
        let left =
            look(&program, scratch.path(), Path::new("/no/such"), usize::MAX, || vec!["group".to_owned()]);
        assert_eq!((left.folders.len(), left.cgroups.len()), (1, 1));
        assert!(left.mounts.is_empty() && left.segments == 0, "{left:?}");
        assert_eq!(mounts(&[Path::new("/proc")]).is_empty(), !Path::new("/proc/self").exists());
    }
}
