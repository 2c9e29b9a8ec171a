//! More than a box may use: processes, memory, disk, descriptors, CPU.

use std::io::Write;
use std::path::Path;

use super::bait::Told;
use super::server::Server;
use super::{Attempt, Expect, Gap, Play, Row, Topic, Tried, raw};
use crate::model::Outcome::{TimedOut, TooLarge};

/// Beyond any limit of a box, and still harmless to a machine where nothing holds.
const MANY_PROCESSES: usize = 1_500;
const MANY_FILES: usize = 6_000;
const MEMORY: usize = 1 << 30;

pub(super) const ROWS: &[Row] = &[
    script("fork-bomb", "every process forks for ever", Expect::failed(TooLarge, "processes"), fork_bomb),
    script(
        "memory-tree",
        "eight processes take 200 MiB each",
        Expect::failed(TooLarge, "memory"),
        memory_tree,
    ),
    script(
        "memory-shared",
        "takes shared memory, which counts as no process's data",
        Expect::failed(TooLarge, "memory"),
        memory_shared,
    ),
    script("cpu-spin", "four processes spin and none answers", Expect::failed(TimedOut, ""), spin),
    Row {
        name: "limits",
        attack: "takes more of each thing than a box has",
        topic: Topic::Burden,
        expect: Expect::ok(13),
        play: Play::Attempts(LIMITS),
    },
];

const fn script(name: &'static str, attack: &'static str, expect: Expect, script: fn(&mut Server)) -> Row {
    Row { name, attack, topic: Topic::Burden, expect, play: Play::Script(script) }
}

const LIMITS: &[Attempt] = &[
    Attempt { id: "processes", what: "start 1,500 processes", gap: Gap::Nowhere, try_it: processes },
    Attempt { id: "threads", what: "start 1,500 threads", gap: Gap::Nowhere, try_it: threads },
    Attempt { id: "data", what: "take 1 GiB of memory in one process", gap: Gap::Nowhere, try_it: data },
    Attempt {
        id: "memory_files",
        what: "take memory in files without a name",
        gap: Gap::Nowhere,
        try_it: memory_files,
    },
    Attempt { id: "segments", what: "take memory in System V segments", gap: Gap::Nowhere, try_it: segments },
    Attempt { id: "file_size", what: "write a file of 300 MiB", gap: Gap::Nowhere, try_it: file_size },
    Attempt {
        id: "disk",
        what: "write 600 MiB in many files",
        gap: Gap::Reduced("a file may have 256 MiB, their number is not bounded"),
        try_it: disk,
    },
    Attempt { id: "descriptors", what: "open 6,000 files at once", gap: Gap::Nowhere, try_it: descriptors },
    Attempt { id: "priority", what: "take a higher priority", gap: Gap::Nowhere, try_it: priority },
    Attempt { id: "real_time", what: "take real-time scheduling", gap: Gap::Nowhere, try_it: real_time },
    Attempt { id: "limits", what: "raise its own limits", gap: Gap::Nowhere, try_it: raise },
    Attempt { id: "killer", what: "hide from the out-of-memory killer", gap: Gap::Nowhere, try_it: killer },
    Attempt { id: "lock", what: "lock 64 MiB of memory", gap: Gap::Nowhere, try_it: lock },
];

fn fork_bomb(_: &mut Server) {
    loop {
        // Where nothing ends it, it ends itself: each process a minute after it could fork last.
        if raw::fork().is_ok() {
            raw::alarm(60);
        }
    }
}

fn memory_tree(server: &mut Server) {
    for _ in 0..8 {
        if let Ok(0) = raw::fork() {
            let _ = raw::memory(200 << 20, false);
            server.sleep();
        }
    }
    server.sleep();
}

fn memory_shared(server: &mut Server) {
    for _ in 0..8 {
        let _ = raw::memory(100 << 20, true);
    }
    server.sleep();
}

fn spin(_: &mut Server) {
    raw::alarm(60);
    for _ in 0..2 {
        // Two forks make four.
        let _ = raw::fork();
    }
    loop {
        std::hint::spin_loop();
    }
}

fn processes(_: &Told) -> Tried {
    let mut children = Vec::new();
    let mut refused = None;
    for _ in 0..MANY_PROCESSES {
        match raw::fork() {
            Ok(0) => {
                raw::alarm(5);
                loop {
                    std::thread::park();
                }
            }
            Ok(child) => children.push(child),
            Err(error) => {
                refused = Some(error);
                break;
            }
        }
    }
    for child in &children {
        raw::kill(*child, raw::SIGKILL);
    }
    for child in &children {
        raw::wait(*child);
    }
    refused.map_or(Ok(format!("{MANY_PROCESSES} processes at once")), |e| {
        Err(format!("{e} after {}", children.len()))
    })
}

fn threads(_: &Told) -> Tried {
    for count in 0..MANY_PROCESSES {
        let started = std::thread::Builder::new().stack_size(64 << 10).spawn(std::thread::park);
        if let Err(error) = started {
            return Err(format!("{error} after {count}"));
        }
    }
    Ok(format!("{MANY_PROCESSES} threads at once"))
}

fn data(_: &Told) -> Tried {
    for taken in (0..MEMORY).step_by(32 << 20) {
        raw::memory(32 << 20, false).map_err(|e| format!("{e} after {} MiB", taken >> 20))?;
    }
    Ok("1 GiB in one process".to_owned())
}

fn memory_files(_: &Told) -> Tried {
    let name = raw::text("hidden");
    let fd = raw::call(libc::SYS_memfd_create, [raw::at(&name), 0, 0, 0, 0, 0]).map_err(|e| e.to_string())?;
    Ok(format!("a file in memory, descriptor {fd}: its pages count for no process"))
}

fn segments(_: &Told) -> Tried {
    // A key of 0 is a private segment, 0o1600: make it, for the owner.
    let id = raw::call(libc::SYS_shmget, [0, 16 << 20, 0o1600, 0, 0, 0]).map_err(|e| e.to_string())?;
    let removed = raw::call(libc::SYS_shmctl, [id, 0, 0, 0, 0, 0]).is_ok();
    Ok(format!("a segment of 16 MiB that stays behind (removed again: {removed})"))
}

fn home(name: &str) -> Result<std::path::PathBuf, String> {
    std::env::var_os(name).map(|home| Path::new(&home).join("filler")).ok_or_else(|| format!("no {name}"))
}

fn file_size(_: &Told) -> Tried {
    raw::ignore_size_signal();
    let path = home("TMPDIR")?;
    let written = fill(&path, 300);
    let _ = std::fs::remove_file(&path);
    written.map(|()| "a file of 300 MiB".to_owned())
}

fn fill(path: &Path, mib: usize) -> Result<(), String> {
    let mut file = std::fs::File::create(path).map_err(|e| e.to_string())?;
    let block = vec![0x55; 1 << 20];
    for written in 0..mib {
        file.write_all(&block).map_err(|e| format!("{e} after {written} MiB"))?;
    }
    Ok(())
}

fn disk(_: &Told) -> Tried {
    let path = home("HOME")?;
    let folder = path.with_file_name("filled");
    std::fs::create_dir_all(&folder).map_err(|e| e.to_string())?;
    let filled = (0..6)
        .try_for_each(|i| fill(&folder.join(i.to_string()), 100).map_err(|why| format!("{why} of file {i}")));
    let _ = std::fs::remove_dir_all(&folder);
    filled.map(|()| "600 MiB in six files".to_owned())
}

fn descriptors(_: &Told) -> Tried {
    let mut open = Vec::new();
    for count in 0..MANY_FILES {
        match std::fs::File::open("/dev/null") {
            Ok(file) => open.push(file),
            Err(error) => return Err(format!("{error} after {count}")),
        }
    }
    Ok(format!("{} files at once", open.len()))
}

fn refused(number: libc::c_long, arguments: [libc::c_long; 6], got: &str) -> Tried {
    raw::call(number, arguments).map_or_else(|e| Err(e.to_string()), |_| Ok(got.to_owned()))
}

fn priority(_: &Told) -> Tried {
    refused(libc::SYS_setpriority, [0, 0, -10, 0, 0, 0], "a nice value of -10")
}

fn real_time(_: &Told) -> Tried {
    let priority: i32 = 1;
    refused(
        libc::SYS_sched_setscheduler,
        [0, 1, raw::address(&priority), 0, 0, 0],
        "first-in-first-out scheduling",
    )
}

fn raise(_: &Told) -> Tried {
    let all: [u64; 2] = [1 << 20, 1 << 20];
    // RLIMIT_NPROC is 6.
    refused(libc::SYS_prlimit64, [0, 6, raw::address(&all), 0, 0, 0], "a limit of a million processes")
}

fn killer(_: &Told) -> Tried {
    match std::fs::write("/proc/self/oom_score_adj", "-1000") {
        Ok(()) => Ok("never killed for want of memory".to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

fn lock(_: &Told) -> Tried {
    // MCL_CURRENT | MCL_FUTURE
    raw::call(libc::SYS_mlockall, [3, 0, 0, 0, 0, 0]).map_err(|e| e.to_string())?;
    raw::memory(64 << 20, false).map_or_else(|e| Err(e.to_string()), |()| Ok("64 MiB locked".to_owned()))
}
