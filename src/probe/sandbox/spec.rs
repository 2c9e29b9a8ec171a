//! What runs in a box and what it may see. Pure: no level, no process.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The network of a box.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Network {
    /// None but its own loopback (none at all where namespaces are refused).
    None,
    /// The host's, for installs.
    Shared,
}

/// What a box may do with a folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// List a folder and those below it, without reading a file: for the reduced level, where a folder's name is its
    /// host's. A level with a file system of its own shows nothing for it.
    List,
    /// Read and execute.
    Read,
    /// Write, too.
    Write,
}

/// A folder or file of the host that a box sees.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// Where it is.
    pub host: PathBuf,
    /// Where the box sees it; levels without namespaces see it at `host`.
    pub inside: PathBuf,
    /// Read or write.
    pub access: Access,
}

/// Bounds on what runs in a box.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BoxLimits {
    /// Resident bytes of the whole tree, watched; and writable bytes of each process, by rlimit.
    pub memory_bytes: u64,
    /// Processes and threads.
    pub processes: u64,
    /// Bytes of one file.
    pub file_bytes: u64,
    /// Open files of one process.
    pub open_files: u64,
    /// CPU seconds of one process.
    pub cpu_seconds: u64,
    /// Bytes of each temporary file system.
    pub tmp_bytes: u64,
}

impl Default for BoxLimits {
    /// Peak resident memory of 44 live servers was 256 MB at most (research/live.md section 3): 2 GiB is generous.
    fn default() -> Self {
        Self {
            memory_bytes: 2 << 30,
            processes: 256,
            file_bytes: 256 << 20,
            open_files: 4096,
            cpu_seconds: 120,
            tmp_bytes: 256 << 20,
        }
    }
}

/// One program to start in a box. Paths in `program`, `args`, `env` and `cwd` are those inside.
#[derive(Debug, Clone)]
pub struct BoxSpec {
    /// Program, absolute path.
    pub program: PathBuf,
    /// Its arguments, never through a shell.
    pub args: Vec<String>,
    /// Its whole environment; nothing of the host's is passed on.
    pub env: BTreeMap<String, String>,
    /// Working directory; None: the temporary home.
    pub cwd: Option<PathBuf>,
    /// What it sees beyond the system's own folders.
    pub shown: Vec<Shown>,
    /// Links made inside, where the level has a file system of its own: target and place.
    pub links: Vec<(String, String)>,
    /// Its network.
    pub network: Network,
    /// Its bounds.
    pub limits: BoxLimits,
    /// Which of the scanner's unprivileged user ids it gets when started by root: one for each box that runs at a
    /// time, so that the limit on processes counts one box; 0 is for installs, which share a cache.
    pub slot: u32,
    /// A folder of the host below which temporary folders are made, where the level has no file system of its own.
    pub scratch: PathBuf,
}

impl BoxSpec {
    /// A box without network in which `program` starts, with nothing but the system's folders.
    pub fn new(program: impl Into<PathBuf>, scratch: &Path) -> Self {
        Self {
            program: program.into(),
            args: Vec::new(),
            env: BTreeMap::new(),
            cwd: None,
            shown: Vec::new(),
            links: Vec::new(),
            network: Network::None,
            limits: BoxLimits::default(),
            slot: 1,
            scratch: scratch.to_owned(),
        }
    }

    /// Adds arguments.
    #[must_use]
    pub fn args<S: Into<String>>(mut self, args: impl IntoIterator<Item = S>) -> Self {
        self.args.extend(args.into_iter().map(Into::into));
        self
    }

    /// Shows a folder or file; a second showing of the same place is left out.
    #[must_use]
    pub fn show(mut self, host: &Path, inside: &Path, access: Access) -> Self {
        if !self.shown.iter().any(|s| s.inside == inside) {
            self.shown.push(Shown { host: host.to_owned(), inside: inside.to_owned(), access });
        }
        self
    }
}

/// The first of the user ids that boxes get when root starts them. Below 65,536, so that it exists in containers;
/// outside the ranges that Debian, systemd and `useradd` hand out.
pub const FIRST_BOX_UID: u32 = 52_100;
/// [`BoxSpec::slot`] is at most this: a hundred scanners with 64 boxes each, and the one of installs.
pub const MOST_SLOTS: u32 = 100 * 64;

/// System folders every box sees, read-only, where the host has them.
pub const SYSTEM_FOLDERS: [&str; 6] = ["/usr", "/bin", "/sbin", "/lib", "/lib64", "/lib32"];

/// System files every box sees, where the host has them: the loader's cache, certificates, time zone, MIME types.
pub const SYSTEM_FILES: [&str; 7] = [
    "/etc/ld.so.cache",
    "/etc/alternatives",
    "/etc/ssl/certs",
    "/etc/ssl/openssl.cnf",
    "/etc/pki",
    "/etc/localtime",
    "/etc/mime.types",
];

/// System files a box with network sees, too.
pub const NETWORK_FILES: [&str; 4] =
    ["/etc/resolv.conf", "/etc/hosts", "/etc/nsswitch.conf", "/etc/gai.conf"];
