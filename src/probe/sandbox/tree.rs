//! The process tree below a box, read from `/proc`: to watch its memory and to see that it is gone.

use std::collections::{BTreeMap, BTreeSet};

use rustix::process::{Pid, Signal, kill_process};

/// Rounds of looking for processes to stop; a full box of 512 took three.
const MOST_ROUNDS: u32 = 50;

/// The children of every process, from one pass over `/proc/*/stat`.
#[derive(Debug, Default)]
pub(super) struct Processes(BTreeMap<u32, Vec<u32>>);

impl Processes {
    /// As they are now.
    pub(super) fn now() -> Self {
        let mut children: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
        let Ok(entries) = fs_err::read_dir("/proc") else { return Self::default() };
        for entry in entries.flatten() {
            let Some(pid) = entry.file_name().to_str().and_then(|n| n.parse::<u32>().ok()) else { continue };
            // A process may end while we look: it is simply not there.
            let Ok(stat) = fs_err::read_to_string(entry.path().join("stat")) else { continue };
            // The command's name stands in brackets and may hold anything, brackets too: read after the last one.
            let Some((_, rest)) = stat.rsplit_once(')') else { continue };
            if let Some(parent) = rest.split_whitespace().nth(1).and_then(|p| p.parse().ok()) {
                children.entry(parent).or_default().push(pid);
            }
        }
        Self(children)
    }

    /// Every process below `root`, not itself: nearer ones first.
    pub(super) fn below(&self, root: u32) -> Vec<u32> {
        let mut found = vec![root];
        let mut seen = BTreeSet::from([root]);
        let mut next = 0;
        while let Some(parent) = found.get(next).copied() {
            let children = self.0.get(&parent).map_or(&[][..], Vec::as_slice);
            found.extend(children.iter().filter(|pid| seen.insert(**pid)));
            next += 1;
        }
        found.remove(0);
        found
    }
}

/// Every process below `root` now, not itself.
pub(super) fn descendants(root: u32) -> Vec<u32> {
    Processes::now().below(root)
}

/// Kills everything below `root`, not itself.
///
/// First its children: if one of them is the first process of a namespace, all others end with it. Then, in rounds, what
/// is seen is stopped: what is stopped forks no more and still counts for the limit on processes, so that a fork bomb
/// runs out of room and not we out of rounds.
pub(super) fn kill_below(root: u32) {
    let send = |pid: u32, signal| {
        if let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) {
            // Gone already is as good as killed.
            let _ = kill_process(pid, signal);
        }
    };
    if let Some(children) = Processes::now().0.get(&root) {
        children.iter().for_each(|pid| send(*pid, Signal::KILL));
    }
    let mut stopped = BTreeSet::new();
    for _ in 0..MOST_ROUNDS {
        let fresh: Vec<u32> = descendants(root).into_iter().filter(|pid| !stopped.contains(pid)).collect();
        if fresh.is_empty() {
            break;
        }
        for pid in fresh {
            send(pid, Signal::STOP);
            stopped.insert(pid);
        }
    }
    // From below: a parent that saw its child end could not start another one any more, but why try.
    for pid in descendants(root).into_iter().rev() {
        send(pid, Signal::KILL);
    }
}

/// Resident bytes of these processes. Pages shared between processes count for each.
pub(super) fn resident_bytes(all: &[u32]) -> u64 {
    all.iter().map(|pid| resident_of(*pid)).sum()
}

/// 0 for a process that has ended.
fn resident_of(pid: u32) -> u64 {
    let statm = fs_err::read_to_string(format!("/proc/{pid}/statm")).unwrap_or_default();
    let pages = statm.split_whitespace().nth(1).and_then(|pages| pages.parse::<u64>().ok());
    pages.unwrap_or(0) * rustix::param::page_size() as u64
}

/// Bytes that these processes really use: pages shared between processes count once. Dearer to ask than
/// [`resident_bytes`], which is never less.
pub(super) fn proportional_bytes(all: &[u32]) -> u64 {
    all.iter().map(|pid| proportional_of(*pid)).sum()
}

fn proportional_of(pid: u32) -> u64 {
    // Not every kernel has it, and not every process may be asked: then shared pages count in full.
    let Ok(rollup) = fs_err::read_to_string(format!("/proc/{pid}/smaps_rollup")) else {
        return resident_of(pid);
    };
    let line = rollup.lines().find_map(|l| l.strip_prefix("Pss:"));
    let kib = line.and_then(|l| l.split_whitespace().next()?.parse::<u64>().ok());
    kib.unwrap_or(0) * 1024
}

/// How many threads a user has now: the kernel's limit on processes counts threads.
pub(super) fn processes_of_user(uid: u32) -> u64 {
    use std::os::unix::fs::MetadataExt;
    let Ok(entries) = fs_err::read_dir("/proc") else { return 0 };
    entries
        .flatten()
        .filter(|e| e.file_name().to_str().is_some_and(|n| n.parse::<u32>().is_ok()))
        .filter(|e| e.metadata().is_ok_and(|m| m.uid() == uid))
        .filter_map(|e| fs_err::read_dir(e.path().join("task")).ok())
        .map(|tasks| tasks.count() as u64)
        .sum()
}

/// Every process whose home is `home`: what left its group and its parent still has its environment.
pub(super) fn at_home_in(home: &std::path::Path) -> Vec<u32> {
    use std::os::unix::ffi::OsStrExt;
    let line = [b"HOME=", home.as_os_str().as_bytes()].concat();
    let Ok(entries) = fs_err::read_dir("/proc") else { return Vec::new() };
    entries
        .flatten()
        .filter_map(|e| e.file_name().to_str()?.parse().ok())
        .filter(|pid| *pid != std::process::id())
        .filter(|pid| {
            fs_err::read(format!("/proc/{pid}/environ"))
                .is_ok_and(|env| env.split(|b| *b == 0).any(|v| v == line))
        })
        .collect()
}

/// True if a process of this id exists and was started at `start` (the start time of `/proc/PID/stat`, in ticks since
/// boot), so that a reused id is not taken for it.
pub fn is_alive(pid: u32, start: u64) -> bool {
    start_ticks(pid) == Some(start)
}

/// When a process started, in ticks since boot; None if it is gone or a zombie.
pub fn start_ticks(pid: u32) -> Option<u64> {
    let stat = fs_err::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, rest) = stat.rsplit_once(')')?;
    let fields: Vec<&str> = rest.split_whitespace().collect();
    if matches!(fields.first(), Some(&"Z" | &"X")) {
        return None;
    }
    fields.get(19)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_is_alive_and_has_memory() {
        let me = std::process::id();
        assert!(is_alive(me, start_ticks(me).unwrap()));
        assert!(!is_alive(me, 1));
        assert!(resident_bytes(&[me]) > 1 << 20);
        assert!((1 << 20..=resident_bytes(&[me]) * 2).contains(&proportional_bytes(&[me])));
        assert!(processes_of_user(rustix::process::getuid().as_raw()) >= 1);
    }
}
