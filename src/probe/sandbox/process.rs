//! A started box: its streams, its memory watch, its end. Nothing of it survives [`BoxedProcess::end`].

use std::fs::File;
use std::io::{self, Seek, Write};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use rustix::process::{Pid, PidfdFlags, Signal, kill_process, pidfd_open};
use tokio::io::AsyncReadExt;
use tokio::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command};

use super::cgroup::Group;
use super::keeper::Keeper;
use super::launch::Launch;
use super::spec::{BoxLimits, BoxSpec};
use super::tree;
use super::watch::{Exceeded, Watch};

/// How long the end of a killed box is waited for.
const END_WITHIN: Duration = Duration::from_secs(5);

/// A program in a box. Dropping it kills it; [`BoxedProcess::end`] also waits until the whole tree is gone.
#[derive(Debug)]
pub struct BoxedProcess {
    child: Child,
    pid: u32,
    /// Its standard input.
    pub stdin: Option<ChildStdin>,
    /// Its standard output.
    pub stdout: Option<ChildStdout>,
    /// Its standard error.
    pub stderr: Option<ChildStderr>,
    watch: Watch,
    /// What its launcher says of itself; None where there is none.
    launch: Option<Launch>,
    /// Its cgroup, where it has one.
    group: Option<Group>,
    /// Held open while the keeper above the box shall live.
    life: Option<OwnedFd>,
    /// Temporary folders of the host that go with the box.
    scratch: Option<PathBuf>,
}

impl BoxedProcess {
    /// Waits for its end: its exit status, None if a signal ended it.
    pub async fn wait(&mut self) -> Option<i32> {
        self.child.wait().await.ok().and_then(|status| status.code())
    }

    /// The id of the process that was started, on this machine.
    pub fn id(&self) -> u32 {
        self.pid
    }

    /// True if it has not ended.
    pub fn is_running(&self) -> bool {
        tree::start_ticks(self.pid).is_some()
    }

    /// The bound for which it was ended, if it was.
    pub fn exceeded(&self) -> Option<Exceeded> {
        let in_group = || self.group.as_ref().is_some_and(Group::was_out_of_memory);
        self.watch.exceeded().or_else(|| in_group().then_some(Exceeded::Memory))
    }

    /// True if it was ended because its tree used more memory than allowed.
    pub fn was_out_of_memory(&self) -> bool {
        self.exceeded() == Some(Exceeded::Memory)
    }

    /// True if what was started ended before the program in it ran: the box could not be made. Asked when it has ended.
    ///
    /// Nothing that the program writes counts here.
    pub fn was_never_made(&self) -> bool {
        self.launch.as_ref().is_some_and(|launch| !launch.program_ran())
    }

    /// What is left on standard error, lossily, at most 64 KiB, waiting at most `patience`.
    pub async fn read_stderr_to_end(&mut self, patience: Duration) -> String {
        let mut bytes = Vec::new();
        if let Some(stderr) = self.stderr.take() {
            let _ = tokio::time::timeout(patience, stderr.take(64 * 1024).read_to_end(&mut bytes)).await;
        }
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// Kills the whole tree, whatever it did (setsid, double fork, ignoring signals), waits until it is gone and
    /// removes its temporary folders.
    pub async fn end(mut self) {
        self.watch.stop();
        let below = tree::descendants(self.pid);
        // Opened before the kill, so that an id used again is never waited for or killed.
        let handles: Vec<_> = below
            .iter()
            .filter_map(|pid| Pid::from_raw(i32::try_from(*pid).ok()?))
            .filter_map(|pid| Some((pid, pidfd_open(pid, PidfdFlags::empty()).ok()?)))
            .collect();
        if let Some(life) = self.life.take() {
            // The keeper ends its whole tree when this closes, then itself.
            drop(life);
            let _ = tokio::time::timeout(END_WITHIN, self.child.wait()).await;
        }
        for (_, handle) in &handles {
            let _ = rustix::process::pidfd_send_signal(handle, Signal::KILL);
        }
        let _ = self.child.start_kill();
        let _ = tokio::time::timeout(END_WITHIN, self.child.wait()).await;
        let deadline = tokio::time::Instant::now() + END_WITHIN;
        for (pid, _) in handles {
            while tokio::time::Instant::now() < deadline
                && u32::try_from(pid.as_raw_nonzero().get()).ok().and_then(tree::start_ticks).is_some()
                && kill_process(pid, Signal::KILL).is_ok()
            {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        }
        if let Some(group) = self.group.take() {
            group.end().await;
        }
        if let Some(folder) = self.scratch.take() {
            kill_at_home_in(&folder).await;
            remove_folder(&folder).await;
        }
    }
}

/// Without namespaces a process can leave its group and its parent; its home, made for this box alone, gives it away.
async fn kill_at_home_in(home: &Path) {
    for _ in 0..100 {
        let left = tree::at_home_in(home);
        if left.is_empty() {
            return;
        }
        for pid in left {
            if let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) {
                let _ = kill_process(pid, Signal::KILL);
            }
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

impl Drop for BoxedProcess {
    fn drop(&mut self) {
        self.watch.stop();
        if let Some(folder) = self.scratch.take()
            && fs_err::remove_dir_all(&folder).is_err()
        {
            let _ = remove_shut_folder(&folder);
        }
    }
}

async fn remove_folder(folder: &Path) {
    if tokio::fs::remove_dir_all(folder).await.is_ok() {
        return;
    }
    if let Err(error) = remove_shut_folder(folder) {
        tracing::warn!(folder = %folder.display(), %error, "a temporary folder is left behind");
    }
}

/// Removes a folder in which a server that runs no more may have shut some.
///
/// # Errors
/// Something in it cannot be removed even so.
pub fn remove_shut_folder(folder: &Path) -> io::Result<()> {
    open_up(folder);
    fs_err::remove_dir_all(folder)
}

/// Lets the owner into every folder again: a server may have shut some. Nothing of it runs any more, no link is followed.
fn open_up(folder: &Path) {
    use std::os::unix::fs::PermissionsExt;
    let mut shut = vec![folder.to_owned()];
    while let Some(folder) = shut.pop() {
        // What cannot be opened is told of when it cannot be removed.
        let _ = fs_err::set_permissions(&folder, std::fs::Permissions::from_mode(0o700));
        let Ok(entries) = fs_err::read_dir(&folder) else { continue };
        let folders = entries.flatten().filter(|e| e.file_type().is_ok_and(|kind| kind.is_dir()));
        shut.extend(folders.map(|e| e.path()));
    }
}

/// A command, from the one module that may make one.
pub(super) fn command(program: &Path) -> Command {
    #[expect(clippy::disallowed_methods, reason = "probe/sandbox is the place that starts processes")]
    let mut command = Command::new(program);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    command
}

/// Starts a prepared command and its memory watch.
pub(super) fn spawn(
    mut command: Command,
    limits: &BoxLimits,
    scratch: Option<PathBuf>,
    group: Option<Group>,
) -> io::Result<BoxedProcess> {
    let mut child = match command.spawn() {
        Ok(child) => child,
        Err(error) => {
            if let Some(folder) = scratch {
                let _ = fs_err::remove_dir_all(folder);
            }
            return Err(error);
        }
    };
    let pid = child.id().ok_or_else(|| io::Error::other("the process ended before it had an id"))?;
    let watch = Watch::over(pid, limits);
    Ok(BoxedProcess {
        stdin: child.stdin.take(),
        stdout: child.stdout.take(),
        stderr: child.stderr.take(),
        child,
        pid,
        watch,
        launch: None,
        group,
        life: None,
        scratch,
    })
}

/// Starts a keeper: what is below it ends with `life`, also when this process is killed.
pub(super) fn spawn_kept(
    keeper: Keeper,
    limits: &BoxLimits,
    scratch: Option<PathBuf>,
    group: Option<Group>,
) -> io::Result<BoxedProcess> {
    let Keeper { command, life, .. } = keeper;
    let mut started = spawn(command, limits, scratch, group)?;
    started.life = Some(life);
    Ok(started)
}

impl BoxedProcess {
    /// Adds what its launcher says of itself.
    pub(super) fn launched_by(mut self, launch: Launch) -> Self {
        self.launch = Some(launch);
        self
    }
}

/// A file without a name that a child can read from its start.
pub(super) fn anonymous_file(name: &str, content: &[u8]) -> io::Result<File> {
    let mut file = File::from(rustix::fs::memfd_create(name, rustix::fs::MemfdFlags::CLOEXEC)?);
    file.write_all(content)?;
    file.rewind()?;
    Ok(file)
}

/// Level `none`: the program as it is, with an empty environment and a temporary home, in a process group of its own.
///
/// # Errors
/// The temporary folder or the process cannot be made.
pub(super) fn start_open(spec: &BoxSpec, group: Option<Group>) -> io::Result<BoxedProcess> {
    let home = temporary_home(&spec.scratch)?;
    let mut command = command(&spec.program);
    command
        .args(&spec.args)
        .env_clear()
        .env("HOME", &home)
        .env("TMPDIR", &home)
        .envs(&spec.env)
        .current_dir(spec.cwd.as_deref().unwrap_or(&home))
        .process_group(0);
    let door = group.as_ref().and_then(Group::door);
    super::limits::PreExec::add_pre_exec(&mut command, move || {
        door.map_or(Ok(()), super::limits::enter)?;
        super::limits::close_over_exec()
    });
    spawn(command, &spec.limits, Some(home), group)
}

/// A new folder below `scratch`, named after this process so that a later run can tell whose it was.
pub(super) fn temporary_home(scratch: &Path) -> io::Result<PathBuf> {
    fs_err::create_dir_all(scratch)?;
    let prefix = format!("box-{}-", std::process::id());
    Ok(tempfile::Builder::new().prefix(&prefix).tempdir_in(scratch)?.keep())
}
