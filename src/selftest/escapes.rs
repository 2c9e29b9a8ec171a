//! Getting out of the box by files, processes, sockets and what was inherited. The kernel's own doors are in
//! [`super::kernel`], devices in [`super::devices`].

use std::io::Read;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram, UnixStream};
use std::path::{Path, PathBuf};

use super::bait::{SECRET_VARIABLE, Told};
use super::{Attempt, Expect, Gap, Play, Row, Topic, Tried, devices, kernel, raw};

pub(super) const ROWS: &[Row] = &[
    row("escape-files", "reads and writes files of the host", FILES),
    row("escape-processes", "reads, signals and traces other processes", PROCESSES),
    row("escape-sockets", "connects to sockets of the host", SOCKETS),
    row("escape-inheritance", "uses what it inherited: descriptors, variables, identity", INHERITED),
    row("escape-kernel", "calls the kernel for mounts, namespaces, keys, tracing, io_uring", kernel::CALLS),
    row("escape-privileges", "tries to become somebody else", kernel::PRIVILEGES),
    row("escape-devices", "opens devices and types into the terminal", devices::DEVICES),
    row("detects-the-box", "looks for signs that it is watched", SIGNS),
];

const fn row(name: &'static str, attack: &'static str, attempts: &'static [Attempt]) -> Row {
    #[expect(clippy::cast_possible_truncation, reason = "a table of a few attempts, counted at compile time")]
    let count = attempts.len() as u32;
    Row { name, attack, topic: Topic::Escape, expect: Expect::ok(count), play: Play::Attempts(attempts) }
}

const fn held(id: &'static str, what: &'static str, try_it: fn(&Told) -> Tried) -> Attempt {
    Attempt { id, what, gap: Gap::Nowhere, try_it }
}

const FILES: &[Attempt] = &[
    held("secret", "read a file that everybody on the host may read", |t| read(&t.secret_file())),
    held("secret_folder", "list the folder it lies in", |t| list(&t.folder)),
    held("open_file", "write a file that everybody on the host may write", |t| write(&t.open_file())),
    held("new_file", "make a file in a folder that everybody may write to", |t| {
        write(&t.folder.join("mine"))
    }),
    held("link_out", "reach the file through a symbolic link of its own", link_out),
    held("hard_link", "reach the file through a hard link of its own", hard_link),
    held("dots", "reach the file through /proc/self/root and dots", |t| read(&dotted(t))),
    held("shadow", "read the passwords", |_| read(Path::new("/etc/shadow"))),
    held("machine_id", "read the machine's id", |_| read(Path::new("/etc/machine-id"))),
    held("homes", "list the homes", |_| list_foreign("/home")),
    held("root_home", "list the administrator's home", |_| list(Path::new("/root"))),
    held("logs", "list the logs", |_| list(Path::new("/var/log"))),
    held("run", "list /run, where the sockets of services are", |_| list(Path::new("/run"))),
    held("sys", "read the machine's devices in /sys", |_| list(Path::new("/sys/class"))),
    held("own_package", "write into the folder of its own program", own_package),
    held("system", "write into the system's folders", |_| writable("/usr/bin/env")),
    held("resolver", "change the resolver", |_| writable("/etc/resolv.conf")),
];

const PROCESSES: &[Attempt] = &[
    Attempt {
        id: "list",
        what: "see a process of the host",
        gap: Gap::Reduced(
            "the list of processes and their command lines cannot be hidden without namespaces",
        ),
        try_it: |told| outside(told).map(|pid| format!("process {pid} and its command line")),
    },
    held("environment", "read its variables", environment),
    held("memory", "read its memory", |t| of_outside(t, "mem")),
    held("maps", "read where its memory lies", |t| of_outside(t, "maps")),
    Attempt {
        id: "files",
        what: "list its open files",
        gap: Gap::Reduced(
            "it can list the numbers of a process's open files (started by root, of any), not open them",
        ),
        try_it: |t| outside(t).and_then(|pid| list(&of(pid, "fd"))),
    },
    held("open_files", "open one of them", |t| {
        let pid = outside(t)?;
        (0..3)
            .map(|fd| read(&of(pid, &format!("fd/{fd}"))))
            .find(Result::is_ok)
            .unwrap_or_else(|| Err("none".to_owned()))
    }),
    held("root", "list the file system through it", |t| {
        outside(t).and_then(|pid| list(&of(pid, "root/etc")))
    }),
    held("signal", "end it", |t| end(t, raw::SIGTERM)),
    held("signal_any", "end a process by the id it has on the host", signal_blind),
    held("signal_parent", "end what watches it", signal_parent),
    held("first_process", "list the file system through process 1", first_process),
    held("limits", "change its limits", limits_of_outside),
    held("priority", "change its priority", |t| {
        let pid = outside(t)?;
        // 1 is below what it has: anybody may lower what is theirs.
        raw::call(libc::SYS_setpriority, [0, pid.into(), 1, 0, 0, 0])
            .map_or_else(|e| Err(e.to_string()), |_| Ok("it comes later now".to_owned()))
    }),
    held("handle", "take its descriptors by a handle", handle),
];

const SOCKETS: &[Attempt] = &[
    held("path", "connect to a Unix socket at a path", |t| connected(UnixStream::connect(t.socket()))),
    held("abstract", "connect to a Unix socket without a path", abstract_socket),
    held("datagram", "send to a Unix socket at a path", |t| {
        connected(UnixDatagram::unbound().and_then(|s| s.send_to(b"out", t.datagrams())))
    }),
    held("daemon", "connect to the container daemon", |_| {
        connected(UnixStream::connect("/var/run/docker.sock"))
    }),
    held("bus", "connect to the system bus", |_| {
        connected(UnixStream::connect("/run/dbus/system_bus_socket"))
    }),
    held("log", "write to the system's log", |_| {
        connected(UnixDatagram::unbound().and_then(|s| s.send_to(b"out", "/dev/log")))
    }),
];

const INHERITED: &[Attempt] = &[
    held("descriptors", "use a descriptor that was left open", descriptors),
    held("variables", "read variables of the scanner", variables),
    held("folder", "list the folder it was started from", |_| {
        list(Path::new("."))
            .and_then(|got| if got.contains("bait") { Ok(got) } else { Err("only its own".to_owned()) })
    }),
    held("segments", "find System V segments of the host", |_| ipc("shm")),
    held("queues", "make a message queue", |_| {
        raw::call(libc::SYS_msgget, [0, 0o1600, 0, 0, 0, 0]).map_or_else(
            |e| Err(e.to_string()),
            |id| {
                let _ = raw::call(libc::SYS_msgctl, [id, 0, 0, 0, 0, 0]);
                Ok("a queue that stays behind".to_owned())
            },
        )
    }),
    held("named_queues", "make a named message queue", named_queue),
];

const SIGNS: &[Attempt] = &[Attempt {
    id: "signs",
    what: "tell a box from a user's machine",
    gap: Gap::Everywhere(
        "a server that lists less where its home is empty and no network is there is believed",
    ),
    try_it: signs,
}];

fn read(path: &Path) -> Tried {
    let mut file = std::fs::File::open(path).map_err(|e| e.to_string())?;
    let mut bytes = [0; 200];
    let count = file.read(&mut bytes).map_err(|e| e.to_string())?;
    if count == 0 {
        Err("nothing in it".to_owned())
    } else {
        Ok(format!("{count} bytes of {}", path.display()))
    }
}

fn list(path: &Path) -> Tried {
    let names: Vec<String> = std::fs::read_dir(path)
        .map_err(|e| e.to_string())?
        .flatten()
        .map(|e| e.file_name().to_string_lossy().into_owned())
        .take(20)
        .collect();
    if names.is_empty() {
        Err("nothing in it".to_owned())
    } else {
        Ok(format!("{}: {}", path.display(), names.join(" ")))
    }
}

/// The box's own home lies there, too.
fn list_foreign(path: &str) -> Tried {
    let got = list(Path::new(path))?;
    if got == format!("{path}: user") { Err("only its own".to_owned()) } else { Ok(got) }
}

fn write(path: &Path) -> Tried {
    std::fs::OpenOptions::new()
        .append(true)
        .create(true)
        .open(path)
        .and_then(|mut f| std::io::Write::write_all(&mut f, b"changed\n"))
        .map_or_else(|e| Err(e.to_string()), |()| Ok(format!("wrote {}", path.display())))
}

/// Opens and writes nothing: the host's own files stay whole where nothing holds.
fn writable(path: &str) -> Tried {
    std::fs::OpenOptions::new()
        .append(true)
        .open(path)
        .map_or_else(|e| Err(e.to_string()), |_| Ok(format!("{path} for writing")))
}

fn own_home() -> Result<PathBuf, String> {
    std::env::var_os("HOME").map(PathBuf::from).ok_or_else(|| "no home".to_owned())
}

fn link_out(told: &Told) -> Tried {
    let link = own_home()?.join("link");
    std::os::unix::fs::symlink(told.secret_file(), &link).map_err(|e| e.to_string())?;
    read(&link)
}

fn hard_link(told: &Told) -> Tried {
    let link = own_home()?.join("hard");
    std::fs::hard_link(told.secret_file(), &link).map_err(|e| e.to_string())?;
    read(&link)
}

fn dotted(told: &Told) -> PathBuf {
    let rest = told.secret_file();
    Path::new("/proc/self/root").join("usr/../../..").join(rest.strip_prefix("/").unwrap_or(&rest))
}

fn own_package(_: &Told) -> Tried {
    let program = std::env::current_exe().map_err(|e| e.to_string())?;
    std::fs::OpenOptions::new()
        .write(true)
        .open(&program)
        .map_or_else(|e| Err(e.to_string()), |_| Ok("its program".to_owned()))
}

fn of(pid: i32, what: &str) -> PathBuf {
    PathBuf::from(format!("/proc/{pid}/{what}"))
}

/// The process outside, if it can be seen: by what its command line says, because ids differ inside.
fn outside(told: &Told) -> Result<i32, String> {
    let line = format!("bait-{}", told.word);
    let entries = std::fs::read_dir("/proc").map_err(|e| e.to_string())?;
    entries
        .flatten()
        .filter_map(|e| e.file_name().to_str()?.parse::<i32>().ok())
        .find(|pid| {
            std::fs::read(of(*pid, "cmdline")).is_ok_and(|c| String::from_utf8_lossy(&c).contains(&line))
        })
        .ok_or_else(|| "no process of the host is seen".to_owned())
}

fn of_outside(told: &Told, what: &str) -> Tried {
    read(&of(outside(told)?, what))
}

fn environment(told: &Told) -> Tried {
    let variables = std::fs::read(of(outside(told)?, "environ")).map_err(|e| e.to_string())?;
    let text = String::from_utf8_lossy(&variables).into_owned();
    if text.contains(SECRET_VARIABLE) { Ok("its secret".to_owned()) } else { Err("nothing in it".to_owned()) }
}

fn end(told: &Told, signal: i32) -> Tried {
    let pid = outside(told)?;
    if raw::kill(pid, signal) {
        Ok(format!("ended process {pid}"))
    } else {
        Err(std::io::Error::last_os_error().to_string())
    }
}

fn signal_blind(told: &Told) -> Tried {
    let pid = i32::try_from(told.pid).unwrap_or(i32::MAX);
    // An id of its own namespace is no success.
    if of(pid, "stat").exists() && outside(told).is_err() {
        return Err("the id is one of its own processes".to_owned());
    }
    if raw::kill(pid, raw::SIGTERM) {
        Ok(format!("ended process {pid}"))
    } else {
        Err(std::io::Error::last_os_error().to_string())
    }
}

/// Signal 0 asks whether a signal would be let through, and ends nothing.
fn signal_parent(_: &Told) -> Tried {
    let status = std::fs::read_to_string(of(raw::parent(), "stat")).map_err(|e| e.to_string())?;
    let after = status.rsplit_once(')').map(|(_, rest)| rest.to_owned()).unwrap_or_default();
    let watcher: i32 = after.split_whitespace().nth(1).and_then(|p| p.parse().ok()).unwrap_or(0);
    if watcher <= 1 {
        return Err("what watches it is not in its namespace".to_owned());
    }
    if raw::kill(watcher, 0) {
        Ok(format!("process {watcher} may be ended"))
    } else {
        Err(std::io::Error::last_os_error().to_string())
    }
}

/// With a process namespace of its own, process 1 is its own, too.
fn first_process(_: &Told) -> Tried {
    let got = list(Path::new("/proc/1/root"))?;
    if Path::new("/proc/1/root").join("etc/shadow").exists() {
        Ok(got)
    } else {
        Err("only its own".to_owned())
    }
}

fn limits_of_outside(told: &Told) -> Tried {
    let pid = outside(told)?;
    let few: [u64; 2] = [3, 3];
    raw::call(libc::SYS_prlimit64, [pid.into(), 7, raw::address(&few), 0, 0, 0])
        .map_or_else(|e| Err(e.to_string()), |_| Ok("its open files".to_owned()))
}

fn handle(told: &Told) -> Tried {
    let pid = outside(told)?;
    let handle = raw::call(libc::SYS_pidfd_open, [pid.into(), 0, 0, 0, 0, 0]).map_err(|e| e.to_string())?;
    raw::call(libc::SYS_pidfd_getfd, [handle, 0, 0, 0, 0, 0])
        .map_or_else(|e| Err(e.to_string()), |fd| Ok(format!("descriptor {fd}")))
}

fn connected<T>(result: std::io::Result<T>) -> Tried {
    result.map_or_else(|e| Err(e.to_string()), |_| Ok("connected".to_owned()))
}

fn abstract_socket(told: &Told) -> Tried {
    let address = SocketAddr::from_abstract_name(told.abstract_name()).map_err(|e| e.to_string())?;
    connected(UnixStream::connect_addr(&address))
}

fn descriptors(_: &Told) -> Tried {
    let entries = std::fs::read_dir("/proc/self/fd").map_err(|e| e.to_string())?;
    let mut left = Vec::new();
    for entry in entries.flatten() {
        let number: i32 = entry.file_name().to_str().and_then(|n| n.parse().ok()).unwrap_or(0);
        let target = std::fs::read_link(entry.path()).unwrap_or_default().to_string_lossy().into_owned();
        // The attempt's own pipe and the folder that is being listed.
        if number > 2 && !target.starts_with("pipe:") && !target.ends_with("/fd") {
            left.push(format!("{number} {target}"));
        }
    }
    if left.is_empty() { Err("none is open".to_owned()) } else { Ok(left.join(", ")) }
}

fn variables(_: &Told) -> Tried {
    let known = ["HOME", "TMPDIR", "PATH", "LANG", "PWD", "OLDPWD", "SHLVL", "_"];
    let others: Vec<String> =
        std::env::vars().map(|(name, _)| name).filter(|n| !known.contains(&n.as_str())).collect();
    if others.is_empty() { Err("only its own".to_owned()) } else { Ok(others.join(", ")) }
}

fn ipc(what: &str) -> Tried {
    let table = std::fs::read_to_string(format!("/proc/sysvipc/{what}")).map_err(|e| e.to_string())?;
    let id = raw::call(libc::SYS_shmget, [0, 4096, 0o1600, 0, 0, 0]).map_err(|e| e.to_string())?;
    let _ = raw::call(libc::SYS_shmctl, [id, 0, 0, 0, 0, 0]);
    Ok(format!("{} segments, and may make more", table.lines().count().saturating_sub(1)))
}

fn named_queue(told: &Told) -> Tried {
    let name = raw::text(&told.word);
    let made = raw::call(libc::SYS_mq_open, [raw::at(&name), 0o102, 0o600, 0, 0, 0]);
    let _ = raw::call(libc::SYS_mq_unlink, [raw::at(&name), 0, 0, 0, 0, 0]);
    made.map_or_else(|e| Err(e.to_string()), |_| Ok("a queue that stays behind".to_owned()))
}

fn signs(_: &Told) -> Tried {
    let mut signs = Vec::new();
    if std::fs::read_dir(own_home()?).is_ok_and(|mut entries| entries.next().is_none()) {
        signs.push("an empty home");
    }
    if std::net::UdpSocket::bind("0.0.0.0:0").and_then(|s| s.connect("192.0.2.1:9")).is_err() {
        signs.push("no way out");
    }
    if std::env::vars().count() < 8 {
        signs.push("few variables");
    }
    if signs.is_empty() { Err("none".to_owned()) } else { Ok(signs.join(", ")) }
}
