//! The only place that starts processes. Everything foreign runs in a box; [`trusted`] runs the user's own programs.
//!
//! Two levels of box, chosen by trying them out ([`Sandbox::choose`]): bubblewrap's namespaces, else `reduced`
//! (Landlock, seccomp and limits in a small re-exec of this program). `none` must be asked for in words.
//! What each level really stops was measured: research/live.md section 5.

pub mod again;
pub mod bwrap;
mod cgroup;
mod expose;
pub mod keeper;
mod launch;
pub mod limits;
pub mod process;
pub mod reduced;
pub mod seccomp;
pub mod spec;
pub mod tree;
pub mod trusted;
mod watch;

use std::path::{Path, PathBuf};
use std::time::Duration;

use thiserror::Error;

use crate::model::{MemoryBound, SandboxLevel};
use cgroup::{Cgroups, Group};

pub use process::BoxedProcess;
pub use spec::{Access, BoxLimits, BoxSpec, Network, Shown};
pub use watch::Exceeded;

/// What the user asked for with `--sandbox`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// The strongest level that works here.
    Auto,
    /// Only bubblewrap.
    Bwrap,
    /// Only the reduced level.
    Reduced,
    /// No sandbox, asked for in words.
    None,
}

/// No box could be had. The message says why and what to do.
#[derive(Debug, Error)]
#[error(
    "no sandbox can be had here ({why}); catalogue doctor says more, and --sandbox none runs strangers' code without one"
)]
pub struct Refusal {
    why: String,
}

/// A level that was tried out, and what it needs.
#[derive(Debug, Clone)]
pub struct Sandbox {
    level: SandboxLevel,
    bwrap: Option<PathBuf>,
    /// Folders that only root may enter can be shown.
    expose: bool,
    /// Where boxes get a cgroup, or why they get none.
    cgroups: Result<Cgroups, String>,
    /// Why a stronger level was not taken, for people.
    notes: Vec<String>,
}

/// How long the try-out of a level may take.
const TRY_OUT: Duration = Duration::from_secs(10);

impl Sandbox {
    /// Tries the levels that `wanted` allows, strongest first, each by really starting `/bin/true` in it.
    ///
    /// # Errors
    /// [`Refusal`] if none of them works.
    pub async fn choose(wanted: Wanted, bwrap: Option<&Path>, scratch: &Path) -> Result<Self, Refusal> {
        const BWRAP: [(SandboxLevel, bool); 2] = [(SandboxLevel::Bwrap, true), (SandboxLevel::Bwrap, false)];
        const REDUCED: [(SandboxLevel, bool); 1] = [(SandboxLevel::Reduced, false)];
        let levels = match wanted {
            Wanted::Auto => [&BWRAP[..], &REDUCED[..]].concat(),
            Wanted::Bwrap => BWRAP.to_vec(),
            Wanted::Reduced => REDUCED.to_vec(),
            Wanted::None => vec![(SandboxLevel::None, false)],
        };
        let mut notes = Vec::new();
        let mut cgroups = Cgroups::find();
        for (level, expose) in levels {
            if expose && !limits::is_root() {
                continue;
            }
            let mut sandbox = Self {
                level,
                bwrap: bwrap.map(Path::to_owned),
                expose,
                cgroups: cgroups.clone(),
                notes: notes.clone(),
            };
            let mut tried = sandbox.try_out(scratch).await;
            if let (Err(why), Ok(_)) = (&tried, &sandbox.cgroups) {
                // The level may be had all the same: a box then goes without a group.
                sandbox.cgroups = Err(why.clone());
                tried = sandbox.try_out(scratch).await;
                if tried.is_ok() {
                    cgroups.clone_from(&sandbox.cgroups);
                }
            }
            match tried {
                Ok(()) => return Ok(sandbox),
                Err(why) => {
                    let note = format!("{level}: {why}");
                    if !notes.contains(&note) {
                        notes.push(note);
                    }
                }
            }
        }
        Err(Refusal { why: notes.join("; ") })
    }

    /// The level every probe of this run is stored with.
    pub fn level(&self) -> SandboxLevel {
        self.level
    }

    /// Why a stronger level was not taken.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// What bounds the memory of a box's whole tree.
    pub fn memory_bound(&self) -> MemoryBound {
        if self.cgroups.is_ok() { MemoryBound::Cgroup } else { MemoryBound::Watched }
    }

    /// What is stored with each probe of a box.
    pub fn ran_in(&self) -> (SandboxLevel, Option<MemoryBound>) {
        (self.level, Some(self.memory_bound()))
    }

    /// Why boxes get no cgroup, for people; None if they do.
    pub fn without_cgroup(&self) -> Option<&str> {
        self.cgroups.as_ref().err().map(String::as_str)
    }

    /// The cgroups of this process's boxes that are still there.
    pub fn cgroups_left(&self) -> Vec<String> {
        self.cgroups.as_ref().map_or_else(|_| Vec::new(), Cgroups::left)
    }

    /// Where `host` lies inside the box if it is shown as `inside`: only bubblewrap can show a folder elsewhere.
    pub fn view(&self, host: &Path, inside: &str) -> PathBuf {
        match self.level {
            SandboxLevel::Bwrap => PathBuf::from(inside),
            _ => host.to_owned(),
        }
    }

    /// Starts a program in a box of this level, with pipes on all three streams.
    ///
    /// # Errors
    /// The box cannot be made: a fault of this machine, never of the server.
    pub fn start(&self, spec: &BoxSpec) -> std::io::Result<BoxedProcess> {
        let group = self.group(spec)?;
        match (self.level, &self.bwrap) {
            (SandboxLevel::Bwrap, Some(program)) => bwrap::start(program, self.expose, spec, group),
            (SandboxLevel::Bwrap, None) => Err(std::io::Error::other("bubblewrap is not there")),
            (SandboxLevel::Reduced, _) => reduced::start(spec, group),
            (SandboxLevel::None | SandboxLevel::Remote, _) => process::start_open(spec, group),
        }
    }

    fn group(&self, spec: &BoxSpec) -> std::io::Result<Option<Group>> {
        let Ok(cgroups) = &self.cgroups else { return Ok(None) };
        // What a box writes to its temporary file systems lies in memory.
        let beside = if self.level == SandboxLevel::Bwrap { bwrap::TMPFS * spec.limits.tmp_bytes } else { 0 };
        cgroups.group(&spec.limits, beside).map(Some)
    }

    async fn try_out(&self, scratch: &Path) -> Result<(), String> {
        if self.level == SandboxLevel::Bwrap && self.bwrap.is_none() {
            return Err("bubblewrap was neither found nor fetched".to_owned());
        }
        fs_err::create_dir_all(scratch).map_err(|e| e.to_string())?;
        // Shown a folder of ours, so that a level that cannot show it fails here and not in mid-scan.
        let spec = BoxSpec::new("/bin/sh", scratch).args(["-c", "exit 0"]);
        let spec = spec.show(scratch, &self.view(scratch, "/scratch"), Access::Read);
        let mut process = self.start(&spec).map_err(|e| e.to_string())?;
        drop(process.stdin.take());
        let ended = tokio::time::timeout(TRY_OUT, process.wait()).await;
        let said = process.read_stderr_to_end(Duration::from_millis(200)).await;
        process.end().await;
        match ended {
            Ok(Some(0)) => Ok(()),
            Ok(_) => Err(if said.trim().is_empty() {
                "it ends at once".to_owned()
            } else {
                said.trim().to_owned()
            }),
            Err(_) => Err("it does not end".to_owned()),
        }
    }
}
