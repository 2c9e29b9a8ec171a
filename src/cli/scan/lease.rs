//! Who holds a lease: this process, told from any other that had its id.

use crate::probe::sandbox::tree;

/// `PID:START:BOOT`: names this process even if its id is used again.
pub(super) fn worker_name() -> String {
    let pid = std::process::id();
    format!("{pid}:{}:{}", tree::start_ticks(pid).unwrap_or(0), boot_id())
}

fn boot_id() -> String {
    fs_err::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default().trim().to_owned()
}

/// Whether the process that took a lease still runs. One of another machine or boot is left to its lease's end.
pub(super) fn is_alive(worker: &str) -> bool {
    let mut parts = worker.split(':');
    let pid = parts.next().and_then(|p| p.parse().ok());
    let start = parts.next().and_then(|p| p.parse().ok());
    match (pid, start, parts.next()) {
        (Some(pid), Some(start), Some(boot)) if boot == boot_id() => tree::is_alive(pid, start),
        (Some(_), Some(_), Some(_)) => true,
        _ => false,
    }
}
