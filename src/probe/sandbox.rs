//! The only place that starts processes. Everything foreign runs in a box; [`trusted`] runs the user's own programs.
//!
//! Two levels of box, chosen by trying them out ([`Sandbox::choose`]): bubblewrap's namespaces, else `reduced`
//! (Landlock, seccomp and limits in a small re-exec of this program). `none` must be asked for in words.
//! What each level really stops was measured: research/live.md section 5.

pub mod bwrap;
mod expose;
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

use crate::model::SandboxLevel;

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
        for (level, expose) in levels {
            if expose && !limits::is_root() {
                continue;
            }
            let sandbox = Self { level, bwrap: bwrap.map(Path::to_owned), expose, notes: notes.clone() };
            match sandbox.try_out(scratch).await {
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
        match (self.level, &self.bwrap) {
            (SandboxLevel::Bwrap, Some(program)) => bwrap::start(program, self.expose, spec),
            (SandboxLevel::Bwrap, None) => Err(std::io::Error::other("bubblewrap is not there")),
            (SandboxLevel::Reduced, _) => reduced::start(spec),
            (SandboxLevel::None | SandboxLevel::Remote, _) => process::start_open(spec),
        }
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
