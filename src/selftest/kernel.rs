//! The kernel's doors: calls that no server needs, and ways to more rights.
//!
//! Each call is made so that it would do no harm where nothing refuses it: with an argument that the kernel only looks
//! at once it has decided that the caller may ask. Any other answer than a refusal counts as let through.

use std::os::unix::fs::PermissionsExt;

use super::bait::Told;
use super::{Attempt, Gap, Tried, raw};

const fn held(id: &'static str, what: &'static str, try_it: fn(&Told) -> Tried) -> Attempt {
    Attempt { id, what, gap: Gap::Nowhere, try_it }
}

pub(super) const CALLS: &[Attempt] = &[
    held("mount", "mount a file system", mount),
    held("bind", "mount a folder elsewhere", bind),
    held("unmount", "unmount what hides the host", |_| {
        // No mount, so nothing could be unmounted there.
        let place = raw::text("/proc/self");
        refused(libc::SYS_umount2, [raw::at(&place), 2, 0, 0, 0, 0], "unmounted what hides the host")
    }),
    held("open_tree", "clone a mount", |_| {
        let place = raw::text("/usr");
        refused(libc::SYS_open_tree, [-100, raw::at(&place), 1, 0, 0, 0], "a cloned mount")
    }),
    held("fsopen", "make a file system", |_| {
        let kind = raw::text("tmpfs");
        refused(libc::SYS_fsopen, [raw::at(&kind), 0, 0, 0, 0, 0], "a file system")
    }),
    held("pivot_root", "change the root by a mount", |_| {
        let place = raw::text("/proc/self");
        refused(libc::SYS_pivot_root, [raw::at(&place), raw::at(&place), 0, 0, 0, 0], "another root")
    }),
    held("chroot", "change the root", |_| {
        let place = raw::text("/usr");
        refused(libc::SYS_chroot, [raw::at(&place), 0, 0, 0, 0, 0], "another root")
    }),
    held("user_namespace", "make a user namespace", |_| {
        refused(libc::SYS_unshare, [0x1000_0000, 0, 0, 0, 0, 0], "a user namespace with all rights")
    }),
    held("clone_namespace", "start a process in a user namespace", |_| cloned(0x1000_0000)),
    held("clone_network", "start a process in a network namespace", |_| cloned(0x4000_0000)),
    held("clone3_namespace", "start a process in a user namespace by the newer call", clone3),
    held("setns", "enter the namespace of process 1", setns),
    held("ptrace", "trace another process", |_| {
        refused(libc::SYS_ptrace, [0x4206, raw::parent().into(), 0, 0, 0, 0], "attached")
    }),
    held("read_memory", "read another process's memory", |_| vector(libc::SYS_process_vm_readv)),
    held("write_memory", "write another process's memory", |_| vector(libc::SYS_process_vm_writev)),
    held("io_uring", "make a ring that bypasses filters", |_| {
        let parameters = [0_u64; 16];
        refused(libc::SYS_io_uring_setup, [4, raw::address(&parameters), 0, 0, 0, 0], "a ring")
    }),
    held("add_key", "put a key into the kernel's ring", |_| {
        let (kind, name) = (raw::text("user"), raw::text("catalogue-bait"));
        refused(
            libc::SYS_add_key,
            [raw::at(&kind), raw::at(&name), raw::at(&name), 4, -1, 0],
            "a key in the kernel",
        )
    }),
    held("keyctl", "read the session's key ring", |_| {
        refused(libc::SYS_keyctl, [0, -3, 0, 0, 0, 0], "the session's ring")
    }),
    held("bpf", "load a program into the kernel", |_| {
        let attributes = [2_u64, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        refused(libc::SYS_bpf, [0, raw::address(&attributes), 128, 0, 0, 0], "a map in the kernel")
    }),
    held("perf", "watch the kernel's counters", |_| {
        let attributes = [0x0000_0080_0000_0001_u64, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        refused(libc::SYS_perf_event_open, [raw::address(&attributes), 0, -1, -1, 0, 0], "a counter")
    }),
    held("userfaultfd", "handle faults of memory by itself", |_| {
        refused(libc::SYS_userfaultfd, [1, 0, 0, 0, 0, 0], "a handle on faults")
    }),
    held("handles", "open a file by its number, around every folder", |_| {
        let handle = [0_u64; 18];
        let place = raw::text("/");
        let mount = 0_i32;
        refused(
            libc::SYS_name_to_handle_at,
            [-100, raw::at(&place), raw::address(&handle), raw::address(&mount), 0, 0],
            "a file's number",
        )
    }),
    held("modules", "load a module", |_| refused(libc::SYS_init_module, [0, 0, 0, 0, 0, 0], "a module")),
    held("kernel_log", "read the kernel's log", |_| {
        let buffer = [0_u8; 512];
        refused(libc::SYS_syslog, [3, raw::address(&buffer), 512, 0, 0, 0], "lines of the kernel")
    }),
    held("clock", "set the clock", |_| {
        // No time has so many nanoseconds.
        let time = [1_i64, 2_000_000_000];
        refused(libc::SYS_clock_settime, [0, raw::address(&time), 0, 0, 0, 0], "another time")
    }),
    held("host_name", "rename the machine", |_| {
        let name = raw::text("mine");
        refused(libc::SYS_sethostname, [raw::at(&name), 4096, 0, 0, 0, 0], "another name")
    }),
    held("settings", "change settings of the kernel", |_| {
        std::fs::OpenOptions::new()
            .write(true)
            .open("/proc/sys/kernel/core_pattern")
            .map_or_else(|e| Err(e.to_string()), |_| Ok("what runs when a program crashes".to_owned()))
    }),
    held("other_numbers", "make a refused call by its other number", other_numbers),
    held("other_gate", "make a call by the 32-bit gate", other_gate),
    held("address_space", "change how filters see it by its personality", |_| {
        // ADDR_NO_RANDOMIZE is harmless and allowed; what counts is that the filter still stands after it.
        let _ = raw::call(libc::SYS_personality, [0x004_0000, 0, 0, 0, 0, 0]);
        refused(libc::SYS_keyctl, [0, -3, 0, 0, 0, 0], "the filter is gone")
    }),
];

/// Where the namespace has a single user, whatever its number is, nobody else can be become: root is a name then.
fn by_more_than_name(root: Tried) -> Tried {
    let map = std::fs::read_to_string("/proc/self/uid_map").unwrap_or_default();
    let single = map.lines().count() == 1 && map.split_whitespace().nth(2) == Some("1");
    if single { Err(root.map_or_else(|why| why, |got| format!("{got} by name alone"))) } else { root }
}

pub(super) const PRIVILEGES: &[Attempt] = &[
    held("user", "become the administrator", |_| {
        raw::call(libc::SYS_setresuid, [0, 0, 0, 0, 0, 0])
            .map_or_else(|e| Err(e.to_string()), |_| by_more_than_name(real("user 0".to_owned())))
    }),
    held("group", "become the administrators' group", |_| {
        // A group that the namespace does not know is an invalid one.
        raw::call(libc::SYS_setresgid, [0, 0, 0, 0, 0, 0])
            .map_or_else(|e| Err(e.to_string()), |_| by_more_than_name(Ok("group 0".to_owned())))
    }),
    held("groups", "join groups", |_| {
        let groups = [0_u32];
        refused(libc::SYS_setgroups, [1, raw::address(&groups), 0, 0, 0, 0], "group 0")
    }),
    held("identity", "be the administrator from the start", |_| {
        let root =
            if raw::uid() == 0 { Ok("user 0".to_owned()) } else { Err(format!("user {}", raw::uid())) };
        by_more_than_name(root)
    }),
    Attempt {
        id: "capabilities",
        what: "use a capability",
        gap: Gap::Reduced(
            "started by root, it keeps the one to read below folders that only root may enter; Landlock bounds what",
        ),
        try_it: |_| status("CapEff:", |v| u64::from_str_radix(v, 16).is_ok_and(|bits| bits == 0)),
    },
    held("new_privileges", "gain rights by starting a program", |_| status("NoNewPrivs:", |v| v == "1")),
    held("filter", "run without a filter of calls", |_| status("Seccomp:", |v| v == "2")),
    held("setuid_program", "gain rights by a program that is marked for it", setuid_program),
    held("setuid_file", "mark a program of its own and gain rights by it", setuid_file),
    held("device_file", "make a device", device_file),
    held("raise_capability", "take a capability", |_| {
        let header = [0x2008_0522_u32, 0];
        let sets = [!0_u32; 6];
        refused(
            libc::SYS_capset,
            [raw::address(&header), raw::address(&sets), 0, 0, 0, 0],
            "every capability",
        )
    }),
];

fn refused(number: libc::c_long, arguments: [libc::c_long; 6], got: &str) -> Tried {
    match raw::call(number, arguments) {
        Ok(_) => Ok(got.to_owned()),
        Err(error) if raw::is_refusal(&error) => Err(error.to_string()),
        Err(error) => Ok(format!("the call was let through ({error})")),
    }
}

fn home(name: &str) -> String {
    format!("{}/{name}", std::env::var("HOME").unwrap_or_default())
}

fn real(got: String) -> Tried {
    if raw::uid() == 0 { Ok(got) } else { Err("nothing changed".to_owned()) }
}

fn mount(_: &Told) -> Tried {
    let (kind, place) = (raw::text("no-such-file-system"), raw::text("/tmp"));
    refused(
        libc::SYS_mount,
        [raw::at(&kind), raw::at(&place), raw::at(&kind), 0, 0, 0],
        "a file system over /tmp",
    )
}

fn bind(_: &Told) -> Tried {
    let (from, place) = (raw::text("/no-such-folder"), raw::text("/tmp"));
    // MS_BIND | MS_REC
    refused(libc::SYS_mount, [raw::at(&from), raw::at(&place), 0, 0x5000, 0, 0], "everything once more")
}

/// SIGCHLD beside the flags; what comes back is a child, which ends at once.
fn cloned(flags: libc::c_long) -> Tried {
    match raw::call(libc::SYS_clone, [flags | 17, 0, 0, 0, 0, 0]) {
        Ok(0) => raw::exit_now(0),
        Ok(child) => {
            raw::wait(i32::try_from(child).unwrap_or(-1));
            Ok("a namespace of its own".to_owned())
        }
        // A bound on the number of namespaces is a refusal, too.
        Err(error) if raw::is_refusal(&error) || error.raw_os_error() == Some(libc::ENOSPC) => {
            Err(error.to_string())
        }
        Err(error) => Ok(format!("the call was let through ({error})")),
    }
}

fn clone3(_: &Told) -> Tried {
    let arguments = [0x1000_0000_u64, 0, 0, 0, 17, 0, 0, 0];
    match raw::call(libc::SYS_clone3, [raw::address(&arguments), 64, 0, 0, 0, 0]) {
        Ok(0) => raw::exit_now(0),
        Ok(child) => {
            raw::wait(i32::try_from(child).unwrap_or(-1));
            Ok("a user namespace with all rights".to_owned())
        }
        Err(error) => Err(error.to_string()),
    }
}

fn setns(_: &Told) -> Tried {
    use std::os::fd::AsRawFd;
    let place = std::fs::File::open("/proc/1/ns/mnt").or_else(|_| std::fs::File::open("/proc/self/ns/user"));
    let place = place.map_err(|e| e.to_string())?;
    refused(libc::SYS_setns, [place.as_raw_fd().into(), 0, 0, 0, 0, 0], "another namespace")
}

fn vector(number: libc::c_long) -> Tried {
    // Lies at the same place in the parent, which this is a copy of, and means nothing there.
    static SPARE: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(0);
    let place = [raw::address(&SPARE), 8];
    refused(
        number,
        [raw::parent().into(), raw::address(&place), 1, raw::address(&place), 1, 0],
        "eight bytes of another process",
    )
}

#[cfg(target_arch = "x86_64")]
fn other_numbers(_: &Told) -> Tried {
    // Bit 30 marks the numbers of the x32 interface: keyctl by its own.
    refused(0x4000_0000 | libc::SYS_keyctl, [0, -3, 0, 0, 0, 0], "the session's ring")
        .or_else(|_| refused(0x4000_0000 | libc::SYS_getpid, [0; 6], "calls by numbers that no filter knows"))
}

#[cfg(not(target_arch = "x86_64"))]
fn other_numbers(_: &Told) -> Tried {
    Err("this processor has no other numbers".to_owned())
}

/// `getpid` is 20 there; a filter must not let any call through by that gate.
#[cfg(target_arch = "x86_64")]
fn other_gate(_: &Told) -> Tried {
    let result = raw::call_32(20);
    if result > 0 {
        Ok("calls by numbers that no filter knows".to_owned())
    } else {
        Err(format!("error {result}"))
    }
}

#[cfg(not(target_arch = "x86_64"))]
fn other_gate(_: &Told) -> Tried {
    Err("this processor has no other gate".to_owned())
}

/// A line of this process's status that must look so.
fn status(name: &str, right: impl Fn(&str) -> bool) -> Tried {
    let text = std::fs::read_to_string("/proc/self/status").map_err(|e| e.to_string())?;
    let value = text.lines().find_map(|l| l.strip_prefix(name)).unwrap_or_default().trim();
    if right(value) { Err(format!("{name} {value}")) } else { Ok(format!("{name} {value}")) }
}

/// The effective user of a started program is what its `/proc` says; a marked one that helps nobody is `su --version`.
fn setuid_program(_: &Told) -> Tried {
    let marked = ["/usr/bin/su", "/bin/su", "/usr/bin/sudo", "/usr/bin/passwd", "/usr/bin/mount"];
    let found =
        marked.iter().find(|p| std::fs::metadata(p).is_ok_and(|m| m.permissions().mode() & 0o4000 != 0));
    let Some(program) = found else { return Err("no such program is seen".to_owned()) };
    started_with_rights(program)
}

fn setuid_file(_: &Told) -> Tried {
    let path = home("marked");
    std::fs::copy("/bin/true", &path).map_err(|e| e.to_string())?;
    std::fs::set_permissions(&path, PermissionsExt::from_mode(0o4755)).map_err(|e| e.to_string())?;
    started_with_rights(&path)
}

fn device_file(_: &Told) -> Tried {
    let path = raw::text(&home("disk"));
    let made = refused(libc::SYS_mknodat, [-100, raw::at(&path), 0o60666, 0x0800, 0, 0], "the first disk");
    let _ = std::fs::remove_file(home("disk"));
    made
}

/// A stopped program's status says whose rights it has; it is never let run.
fn started_with_rights(program: &str) -> Tried {
    let me = raw::uid();
    let status = raw::start_and_look(program).map_err(|e| e.to_string())?;
    let line = status.lines().find(|l| l.starts_with("Uid:")).unwrap_or_default().to_owned();
    let effective = line.split_whitespace().nth(2).unwrap_or_default();
    if effective.is_empty() || effective == me.to_string() {
        Err(format!("{program}: {line}"))
    } else {
        Ok(format!("{program}: {line}"))
    }
}
