//! Limits and identity, set between fork and exec where only raw system calls are safe.
#![expect(
    unsafe_code,
    reason = "rlimits, ids and prctl between fork and exec have no safe call that does not allocate"
)]

use std::io;
use std::os::fd::RawFd;
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use super::spec::{BoxLimits, FIRST_BOX_UID, MOST_SLOTS};

/// How far boxes stand behind: a third of the scanner's share of a busy processor.
const NICENESS: libc::c_int = 5;

/// Everything the child does before exec, computed in the parent: the child must not allocate.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Prepared {
    limits: [(libc::__rlimit_resource_t, u64); 6],
    /// The door of the cgroup that it enters first.
    door: Option<RawFd>,
    /// Drop to this user and group; only root can.
    uid: Option<u32>,
    /// Root without a user to drop to: what it may do within its own namespace goes instead.
    only_by_name: bool,
    /// Descriptors that stay open over exec.
    kept: Vec<RawFd>,
    /// Die when this process, our parent, dies.
    parent: Option<u32>,
    /// Keep the one capability to read under folders that only root may enter (reduced level started by root).
    read_anywhere: bool,
}

/// True if this process may give a box a user id of its own: root, and not root's name alone, which is all that a container
/// without further ids has.
pub fn is_root() -> bool {
    static HAS_IDS: LazyLock<bool> =
        LazyLock::new(|| has_box_ids(&fs_err::read_to_string("/proc/self/uid_map").unwrap_or_default()));
    rustix::process::geteuid().is_root() && *HAS_IDS
}

/// True if the ids of boxes are among those of a user namespace, by its `uid_map`.
fn has_box_ids(map: &str) -> bool {
    let last = FIRST_BOX_UID + MOST_SLOTS;
    map.lines().any(|line| {
        let mut numbers = line.split_whitespace().map(|n| n.parse::<u64>().unwrap_or(0));
        let (inside, _, count) = (numbers.next(), numbers.next(), numbers.next());
        let (inside, count) = (inside.unwrap_or(0), count.unwrap_or(0));
        inside <= u64::from(FIRST_BOX_UID) && u64::from(last) < inside.saturating_add(count)
    })
}

impl Prepared {
    /// Without `processes` their number is left as it is: it is set later.
    pub(super) fn new(limits: &BoxLimits, slot: u32, processes: bool) -> Self {
        // The limit on processes counts all of a user's: a box of root's has a user of its own, else ours are added.
        let own =
            if is_root() { 0 } else { super::tree::processes_of_user(rustix::process::getuid().as_raw()) };
        Self {
            limits: [
                (libc::RLIMIT_CORE, 0),
                (libc::RLIMIT_NPROC, if processes { limits.processes + own } else { u64::MAX }),
                (libc::RLIMIT_FSIZE, limits.file_bytes),
                (libc::RLIMIT_NOFILE, limits.open_files),
                (libc::RLIMIT_CPU, limits.cpu_seconds),
                (libc::RLIMIT_DATA, limits.memory_bytes),
            ],
            door: None,
            uid: is_root().then_some(FIRST_BOX_UID + slot),
            only_by_name: false,
            kept: Vec::new(),
            parent: None,
            read_anywhere: false,
        }
    }

    pub(super) fn keep(mut self, descriptors: impl IntoIterator<Item = RawFd>) -> Self {
        self.kept.extend(descriptors);
        self
    }

    pub(super) fn enter(mut self, door: Option<RawFd>) -> Self {
        self.door = door;
        self
    }

    pub(super) fn die_with_parent(mut self) -> Self {
        self.parent = Some(std::process::id());
        self
    }

    /// For the reduced level: all capabilities go but that one, or all where root has no user to drop to. Bubblewrap drops
    /// its own, and needs them to make the box.
    pub(super) fn read_anywhere(mut self) -> Self {
        self.only_by_name = rustix::process::geteuid().is_root() && !is_root();
        self.read_anywhere = true;
        self
    }

    /// Runs in the child. Order matters: limits while still root (a lower limit can always be set), then the ids, then
    /// the death signal, which a change of ids clears.
    pub(super) fn apply(&self) -> io::Result<()> {
        self.door.map_or(Ok(()), enter)?;
        close_over_exec()?;
        keep_over_exec(&self.kept)?;
        for (resource, value) in self.limits {
            let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
            // SAFETY: the struct lives over both calls. A bound above the one we have can only be set by root.
            unsafe {
                check(libc::getrlimit(resource, &raw mut limit))?;
                let value = value.min(limit.rlim_max);
                limit = libc::rlimit { rlim_cur: value, rlim_max: value };
                check(libc::setrlimit(resource, &raw const limit))?;
            }
        }
        // SAFETY: plain system calls. Behind the scanner, which must come to its turn to end the box; see `watch`.
        unsafe {
            libc::umask(0o022);
            libc::setpriority(libc::PRIO_PROCESS, 0, NICENESS);
        }
        if let Some(uid) = self.uid {
            self.drop_to(uid)?;
        }
        if self.only_by_name {
            drop_capabilities()?;
        }
        // SAFETY: plain system call.
        check(unsafe { libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) })?;
        if let Some(parent) = self.parent {
            // SAFETY: plain system calls.
            unsafe {
                check(libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL))?;
                if u32::try_from(libc::getppid()).ok() != Some(parent) {
                    libc::_exit(137);
                }
            }
        }
        Ok(())
    }

    fn drop_to(&self, uid: u32) -> io::Result<()> {
        // SAFETY: plain system calls, pointers to locals that live over them.
        unsafe {
            if self.read_anywhere {
                check(libc::prctl(libc::PR_SET_KEEPCAPS, 1, 0, 0, 0))?;
            }
            check(libc::setgroups(0, std::ptr::null()))?;
            check(libc::setresgid(uid, uid, uid))?;
            check(libc::setresuid(uid, uid, uid))?;
            if self.read_anywhere {
                keep_only_dac_read_search()?;
            }
        }
        Ok(())
    }
}

/// No capability in any set, and none for being called root, now and after exec.
fn drop_capabilities() -> io::Result<()> {
    // SECBIT_NOROOT, SECBIT_NO_SETUID_FIXUP and SECBIT_NO_CAP_AMBIENT_RAISE, each with its lock.
    const FOR_GOOD: libc::c_ulong = 0b1100_1111;
    // SAFETY: plain system call.
    check(unsafe { libc::prctl(libc::PR_SET_SECUREBITS, FOR_GOOD, 0, 0, 0) })?;
    // SAFETY: plain system call on a local of the kernel's layout.
    unsafe { set_capabilities([0; 6]) }
}

/// effective, permitted, inheritable; twice for the high half (_LINUX_CAPABILITY_VERSION_3).
unsafe fn set_capabilities(sets: [u32; 6]) -> io::Result<()> {
    #[repr(C)]
    struct Header {
        version: u32,
        pid: i32,
    }
    let header = Header { version: 0x2008_0522, pid: 0 };
    // SAFETY: both locals live over the call and have the kernel's layout.
    check_long(unsafe { libc::syscall(libc::SYS_capset, &raw const header, sets.as_ptr()) })
}

/// CAP_DAC_READ_SEARCH in the permitted, effective, inheritable and ambient sets, and no other capability in any.
/// Landlock still confines what may be read.
unsafe fn keep_only_dac_read_search() -> io::Result<()> {
    const CAP_DAC_READ_SEARCH: u32 = 2;
    let bit = 1_u32 << CAP_DAC_READ_SEARCH;
    // SAFETY: plain system call on a local.
    unsafe { set_capabilities([bit, bit, bit, 0, 0, 0])? };
    // SAFETY: plain system call.
    check(unsafe {
        libc::prctl(
            libc::PR_CAP_AMBIENT,
            libc::PR_CAP_AMBIENT_RAISE,
            libc::c_ulong::from(CAP_DAC_READ_SEARCH),
            0,
            0,
        )
    })
}

fn check(result: libc::c_int) -> io::Result<()> {
    if result == -1 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

fn check_long(result: libc::c_long) -> io::Result<()> {
    if result == -1 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// Puts `first`, `prepared` and `last` between fork and exec of `command`.
pub(super) fn before_exec<C: PreExec>(
    command: &mut C,
    mut first: impl FnMut() -> io::Result<()> + Send + Sync + 'static,
    prepared: Prepared,
    mut last: impl FnMut() -> io::Result<()> + Send + Sync + 'static,
) {
    command.add_pre_exec(move || {
        first()?;
        prepared.apply()?;
        last()
    });
}

/// The two kinds of command that are started here.
pub(super) trait PreExec {
    /// See [`std::os::unix::process::CommandExt::pre_exec`].
    fn add_pre_exec(&mut self, step: impl FnMut() -> io::Result<()> + Send + Sync + 'static);
}

impl PreExec for tokio::process::Command {
    fn add_pre_exec(&mut self, step: impl FnMut() -> io::Result<()> + Send + Sync + 'static) {
        // SAFETY: the steps given here make system calls on values computed before the fork and allocate nothing.
        unsafe { self.pre_exec(step) };
    }
}

impl PreExec for std::process::Command {
    fn add_pre_exec(&mut self, step: impl FnMut() -> io::Result<()> + Send + Sync + 'static) {
        use std::os::unix::process::CommandExt;
        // SAFETY: used by the single-threaded helper only, where allocating after fork is harmless.
        unsafe { self.pre_exec(step) };
    }
}

/// Puts this thread ahead of others, as far as it may: only root may.
pub(super) fn come_first() {
    // SAFETY: plain system call on this thread; refused, nothing changes.
    unsafe { libc::setpriority(libc::PRIO_PROCESS, 0, -10) };
}

/// In a child: closes every descriptor but the three streams at exec. Whoever started the scanner may have left some
/// open that nobody marked; a box must not find them.
pub(super) fn close_over_exec() -> io::Result<()> {
    const CLOSE_RANGE_CLOEXEC: libc::c_uint = 4;
    // SAFETY: plain system call; marks descriptors of this child alone.
    let marked = unsafe { libc::syscall(libc::SYS_close_range, 3, libc::c_uint::MAX, CLOSE_RANGE_CLOEXEC) };
    match check_long(marked) {
        // Before Linux 5.11 they are marked one by one.
        Err(error) if matches!(error.raw_os_error(), Some(libc::ENOSYS | libc::EINVAL)) => {
            let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
            // SAFETY: the struct lives over the call; a number that is no descriptor is an error nobody minds.
            unsafe {
                check(libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit))?;
                for fd in 3..libc::c_int::try_from(limit.rlim_cur.min(1 << 20)).unwrap_or(1024) {
                    libc::fcntl(fd, libc::F_SETFD, libc::FD_CLOEXEC);
                }
            }
            Ok(())
        }
        other => other,
    }
}

/// In a child: enters a cgroup by its open list of processes.
pub(super) fn enter(door: RawFd) -> io::Result<()> {
    let itself = super::cgroup::ITSELF;
    // SAFETY: plain system call on a constant; the descriptor was opened before the fork.
    let written = unsafe { libc::write(door, itself.as_ptr().cast(), itself.len()) };
    if written == -1 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// In a child: lets descriptors stay open over exec.
pub(super) fn keep_over_exec(descriptors: &[RawFd]) -> io::Result<()> {
    for fd in descriptors {
        // SAFETY: plain system call on a descriptor of ours.
        check(unsafe { libc::fcntl(*fd, libc::F_SETFD, 0) })?;
    }
    Ok(())
}

/// Makes orphans below this process its children, so that the helper finds every descendant.
pub(super) fn become_subreaper() -> io::Result<()> {
    // SAFETY: plain system call.
    check(unsafe { libc::prctl(libc::PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) })
}

/// Takes over a descriptor that was inherited under a known number.
pub(super) fn inherited(fd: RawFd) -> std::fs::File {
    use std::os::fd::FromRawFd;
    // SAFETY: the number came from the parent on the command line of the hidden helper command, which owns it alone.
    unsafe { std::fs::File::from_raw_fd(fd) }
}

/// A descriptor that can be read when a child has ended, from now on. Nothing may be started after it: what was started would inherit the
/// blocked signal. What ended before it has to be reaped without being told.
///
/// # Errors
/// There is no descriptor left.
pub(super) fn ends_of_children() -> io::Result<std::fs::File> {
    // SAFETY: plain system calls on a set of signals of ours, which is made before it is read.
    unsafe {
        let mut signals: libc::sigset_t = std::mem::zeroed();
        check(libc::sigemptyset(&raw mut signals))?;
        check(libc::sigaddset(&raw mut signals, libc::SIGCHLD))?;
        check(libc::sigprocmask(libc::SIG_BLOCK, &raw const signals, std::ptr::null_mut()))?;
        let fd = libc::signalfd(-1, &raw const signals, libc::SFD_CLOEXEC | libc::SFD_NONBLOCK);
        check(fd)?;
        Ok(inherited(fd))
    }
}

/// Reaps every child that has ended, and tells of each; true while any child is left.
pub(super) fn reap(mut ended: impl FnMut(u32, std::process::ExitStatus)) -> bool {
    use std::os::unix::process::ExitStatusExt;
    loop {
        let mut status = 0;
        // SAFETY: plain system call with a local out parameter.
        match unsafe { libc::waitpid(-1, &raw mut status, libc::WNOHANG) } {
            0 => return true,
            -1 => return false,
            pid => ended(pid.unsigned_abs(), std::process::ExitStatus::from_raw(status)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::has_box_ids;

    #[test]
    fn root_has_users_for_boxes_only_where_their_ids_are_mapped() {
        assert!(has_box_ids("         0          0 4294967295\n"));
        assert!(has_box_ids("0 1000 1\n1 100000 65536\n"));
        assert!(has_box_ids("0 100000 65536\n"));
        for few in ["0 1000 1\n", "0 1000 1\n1 100000 1000\n", "", "a b c\n"] {
            assert!(!has_box_ids(few), "{few}");
        }
    }
}
