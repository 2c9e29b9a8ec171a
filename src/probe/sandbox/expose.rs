//! Folders only root may enter, shown to a box whose user is not root: cloned mounts in a mount namespace of its own.
//!
//! Bubblewrap walks to every folder it shows as the user it runs as, also when it is given an open descriptor
//! (0.11: `--ro-bind-fd` resolves the path again). A clone made by `mktemp -d`, or one in root's home, is mode 0700, and
//! the box's user must not be root (its limit on processes would not count). So, between fork and exec, while still
//! root: a new mount namespace, each folder cloned, `/tmp` covered, the clones moved to `/tmp/0`, `/tmp/1`, …
#![expect(unsafe_code, reason = "mount calls between fork and exec have no safe call that does not allocate")]

use std::ffi::CString;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// Where the clones lie. Every system has the folder, and bubblewrap itself puts its new root over it.
const COVERED: &str = "/tmp";
const AT_RECURSIVE: libc::c_uint = 0x8000;
const OPEN_TREE_CLONE: libc::c_uint = 1;
const MOVE_MOUNT_F_EMPTY_PATH: libc::c_uint = 4;

/// Mounts to make, computed before the fork.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Exposed {
    mounts: Vec<Mount>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Mount {
    source: CString,
    target: CString,
    is_folder: bool,
}

impl Exposed {
    /// Adds a folder or file; returns where it will be.
    pub(super) fn add(&mut self, host: &Path) -> io::Result<PathBuf> {
        let target = PathBuf::from(format!("{COVERED}/{}", self.mounts.len()));
        let text = |path: &Path| CString::new(path.as_os_str().as_bytes()).map_err(io::Error::other);
        let meta = fs_err::metadata(host)?;
        self.mounts.push(Mount { source: text(host)?, target: text(&target)?, is_folder: meta.is_dir() });
        Ok(target)
    }

    /// Runs in the child, as root. Allocates nothing but the table of descriptors, which was sized before.
    pub(super) fn apply(&self, descriptors: &mut Vec<libc::c_int>) -> io::Result<()> {
        let none = std::ptr::null();
        descriptors.clear();
        // SAFETY: plain system calls on constant or prepared, NUL-terminated strings.
        unsafe {
            check(libc::unshare(libc::CLONE_NEWNS))?;
            check(libc::mount(none, c"/".as_ptr(), none, libc::MS_REC | libc::MS_PRIVATE, none.cast()))?;
            for mount in &self.mounts {
                let flags = OPEN_TREE_CLONE | AT_RECURSIVE | libc::O_CLOEXEC as libc::c_uint;
                let fd = libc::syscall(libc::SYS_open_tree, libc::AT_FDCWD, mount.source.as_ptr(), flags);
                check(libc::c_int::try_from(fd).unwrap_or(-1))?;
                descriptors.push(libc::c_int::try_from(fd).unwrap_or(-1));
            }
            let options = c"mode=755,size=1m".as_ptr().cast();
            let flags = libc::MS_NOSUID | libc::MS_NODEV;
            check(libc::mount(c"tmpfs".as_ptr(), c"/tmp".as_ptr(), c"tmpfs".as_ptr(), flags, options))?;
            for (mount, fd) in self.mounts.iter().zip(descriptors.iter()) {
                if mount.is_folder {
                    check(libc::mkdir(mount.target.as_ptr(), 0o755))?;
                } else {
                    let file = libc::open(mount.target.as_ptr(), libc::O_CREAT | libc::O_CLOEXEC, 0o644);
                    check(file)?;
                    libc::close(file);
                }
                let moved = libc::syscall(
                    libc::SYS_move_mount,
                    *fd,
                    c"".as_ptr(),
                    libc::AT_FDCWD,
                    mount.target.as_ptr(),
                    MOVE_MOUNT_F_EMPTY_PATH,
                );
                check(libc::c_int::try_from(moved).unwrap_or(-1))?;
            }
        }
        Ok(())
    }

    /// How many descriptors [`Exposed::apply`] needs room for.
    pub(super) fn len(&self) -> usize {
        self.mounts.len()
    }
}

fn check(result: libc::c_int) -> io::Result<()> {
    if result == -1 { Err(io::Error::last_os_error()) } else { Ok(()) }
}
