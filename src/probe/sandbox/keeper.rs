//! A small single-threaded process above each box that ends the box with the scanner, however the scanner ends.
//!
//! `catalogue __keep TOLD LIFE` reads a `Kept` from `TOLD`, starts bubblewrap and stays its parent. It is a subreaper,
//! so every descendant stays below it, and when `LIFE` closes (the scanner ended the box, or died) it kills all of them.
//!
//! Bubblewrap's own `--die-with-parent` is not enough: its first process inside asks for the death signal some
//! milliseconds after it was made. If its outer half is killed before that, the inner one stays for good, waiting for
//! a word from the dead half, or goes on to run the server. `tests/hostile/kills.rs` met it once in some forty kills.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read};
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::path::PathBuf;
use std::process::Child;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use serde::{Deserialize, Serialize};

use super::expose::Exposed;
use super::limits::{self, PreExec, Prepared, before_exec};
use super::{process, tree};

/// What a keeper starts, and what happens between fork and exec.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Kept {
    pub(super) program: PathBuf,
    pub(super) arguments: Vec<OsString>,
    pub(super) exposed: Option<Exposed>,
    pub(super) prepared: Prepared,
}

/// A command of this program that the scanner starts above a box, and the end of its pipe that keeps it alive.
#[derive(Debug)]
pub(super) struct Keeper {
    pub(super) command: tokio::process::Command,
    /// Ours: it ends the box when it closes.
    pub(super) life: OwnedFd,
    /// The keeper's, until it is started.
    theirs: (File, OwnedFd),
}

impl Keeper {
    /// `name` with what it is told, its end of the pipe and `further` descriptors as its arguments, by their numbers.
    ///
    /// # Errors
    /// There is no descriptor left, or this program cannot be found.
    pub(super) fn new(name: &str, told: &impl Serialize, further: &[RawFd]) -> io::Result<Self> {
        let told = process::anonymous_file("box", &serde_json::to_vec(told)?)?;
        let (theirs, life) = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC)?;
        let numbers = [&[told.as_raw_fd(), theirs.as_raw_fd()], further].concat();
        let mut command = process::command(&std::env::current_exe()?);
        // Its end is ours to bring about by `life` alone: killed, it could clean up nothing.
        command.kill_on_drop(false).arg(name).args(numbers.iter().map(ToString::to_string));
        command.env_clear().current_dir("/");
        Ok(Self { command, life, theirs: (told, theirs) })
    }

    /// Lets it find its own descriptors and `further` ones. It has no limits and no group: it must be able to clean up.
    pub(super) fn keep_open(mut self, further: impl IntoIterator<Item = RawFd>) -> Self {
        let kept: Vec<RawFd> =
            [self.theirs.0.as_raw_fd(), self.theirs.1.as_raw_fd()].into_iter().chain(further).collect();
        self.command.add_pre_exec(move || {
            // A session of its own: when the scanner dies while something in our group is stopped, the kernel would send SIGHUP to all
            // of the group, and nobody would be left to clean up.
            rustix::process::setsid()?;
            limits::close_over_exec()?;
            limits::keep_over_exec(&kept)
        });
        self
    }
}

/// The hidden command `__keep`. Returns the program's exit status.
///
/// # Errors
/// What kept the program from being started, for standard error.
pub fn run(told: RawFd, life: RawFd) -> io::Result<i32> {
    let mut text = String::new();
    limits::inherited(told).read_to_string(&mut text)?;
    let life = limits::inherited(life);
    let told: Kept = serde_json::from_str(&text)?;
    limits::become_subreaper()?;
    #[expect(clippy::disallowed_methods, reason = "probe/sandbox is the place that starts processes")]
    let mut command = std::process::Command::new(&told.program);
    command.args(&told.arguments).env_clear().current_dir("/");
    let exposed = told.exposed;
    let mut descriptors = Vec::with_capacity(exposed.as_ref().map_or(0, Exposed::len));
    before_exec(
        &mut command,
        move || exposed.as_ref().map_or(Ok(()), |exposed| exposed.apply(&mut descriptors)),
        told.prepared.die_with_parent(),
        || Ok(()),
    );
    if is_over(&life)? {
        return Ok(137);
    }
    let child = command.spawn()?;
    until_the_end(&child, &life)
}

/// Waits until the program ends or `life` closes, then kills whatever is left below this process.
///
/// # Errors
/// The program cannot be waited for.
pub(super) fn until_the_end(child: &Child, life: &File) -> io::Result<i32> {
    let status = wait(child.id(), life);
    kill_all_below();
    status
}

/// Orphans are reaped as they end: what has ended and was not reaped counts for the limit on processes, so a program that leaves
/// children of children behind, one after the other, would be taken for one that is full of them.
fn wait(program: u32, life: &File) -> io::Result<i32> {
    let mut ends = limits::ends_of_children()?;
    loop {
        let mut status = None;
        limits::reap(|pid, how| {
            if pid == program {
                status = Some(how.code().unwrap_or(137));
            }
        });
        if let Some(status) = status {
            return Ok(status);
        }
        let mut polled = [PollFd::new(life, PollFlags::IN), PollFd::new(&ends, PollFlags::IN)];
        match poll(&mut polled, None) {
            Ok(_) if !polled[0].revents().is_empty() => return Ok(137),
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        // One word stands for any number of ends: it is taken before they are looked for.
        let _ = ends.read(&mut [0; size_of::<libc::signalfd_siginfo>()]);
    }
}

/// True if the scanner's end is closed already.
fn is_over(life: &File) -> io::Result<bool> {
    let mut polled = [PollFd::new(life, PollFlags::IN)];
    Ok(poll(&mut polled, Some(&Timespec::default()))? > 0)
}

/// Rounds until no child is left.
fn kill_all_below() {
    while limits::reap(|_, _| {}) {
        tree::kill_below(std::process::id());
        std::thread::sleep(Duration::from_millis(1));
    }
}
