//! Runs programs of the user's own (npm, pip, python, bwrap) for a short answer: never a package that is scanned.
//!
//! Called by `probe::toolchain` and `probe::registry`. The user's environment is passed on, because that is where the
//! clients' own settings lie; the working directory is `/`, so that nothing in the current folder is imported
//! (`python -m`) or read as a setting (`.python-version`, `.npmrc` of a foreign checkout).

use std::ffi::OsStr;
use std::io;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::{Child, Command};

/// Most bytes that are read of each stream; a program that says more is ended.
const MAX_STREAM_BYTES: u64 = 1024 * 1024;

/// What a program said and how it ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Output {
    /// Exit status; -1 if a signal ended it.
    pub status: i32,
    /// Everything it wrote to standard output.
    pub stdout: Vec<u8>,
    /// Everything it wrote to standard error.
    pub stderr: Vec<u8>,
}

/// Starts `program` (an absolute path) with `args`, adds `env` to the user's environment and waits for its end.
///
/// Its standard input is empty. After `timeout`, or when the returned future is dropped, it is killed.
///
/// # Errors
/// The program cannot be started; `TimedOut` after `timeout`; `InvalidData` if a stream is longer than 1 MiB.
pub async fn output<A: AsRef<OsStr>>(
    program: &Path,
    args: &[A],
    env: &[(&str, &OsStr)],
    timeout: Duration,
) -> io::Result<Output> {
    #[expect(clippy::disallowed_methods, reason = "probe/sandbox is the place that starts processes")]
    let mut command = Command::new(program);
    command
        .args(args)
        .envs(env.iter().copied())
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .kill_on_drop(true);
    let mut child = command.spawn()?;
    match tokio::time::timeout(timeout, read_to_end(&mut child)).await {
        Ok(Ok(output)) => Ok(output),
        Ok(Err(error)) => {
            kill_group(&mut child).await;
            Err(error)
        }
        Err(_) => {
            kill_group(&mut child).await;
            let seconds = timeout.as_secs_f32();
            Err(io::Error::new(
                io::ErrorKind::TimedOut,
                format!("{} did not end within {seconds} s", program.display()),
            ))
        }
    }
}

async fn read_to_end(child: &mut Child) -> io::Result<Output> {
    let (out, err) = (child.stdout.take(), child.stderr.take());
    let (stdout, stderr) = tokio::try_join!(read_bounded(out), read_bounded(err))?;
    let status = child.wait().await?.code().unwrap_or(-1);
    Ok(Output { status, stdout, stderr })
}

async fn read_bounded(stream: Option<impl AsyncRead + Unpin>) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let Some(stream) = stream else { return Ok(bytes) };
    // One byte more than allowed tells "exactly full" from "too long".
    stream.take(MAX_STREAM_BYTES + 1).read_to_end(&mut bytes).await?;
    if bytes.len() as u64 > MAX_STREAM_BYTES {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "it wrote more than 1 MiB"));
    }
    Ok(bytes)
}

/// Ends the program and what it started; the child is not reaped yet, so its id is still its own.
async fn kill_group(child: &mut Child) {
    let group = child.id().and_then(|id| i32::try_from(id).ok()).and_then(rustix::process::Pid::from_raw);
    if let Some(group) = group {
        // Gone already is as good as killed.
        let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
    }
    let _ = child.wait().await;
}

#[cfg(test)]
mod tests {
    use super::*;

    const NO_ENV: &[(&str, &OsStr)] = &[];

    async fn shell(script: &str, env: &[(&str, &OsStr)], millis: u64) -> io::Result<Output> {
        output(Path::new("/bin/sh"), &["-c", script], env, Duration::from_millis(millis)).await
    }

    #[tokio::test]
    async fn a_program_answers_with_both_streams_and_its_status() {
        let said = shell("printf \"$A\"; pwd >&2; exit 3", &[("A", OsStr::new("x"))], 5_000).await.unwrap();
        assert_eq!(said, Output { status: 3, stdout: b"x".to_vec(), stderr: b"/\n".to_vec() });
    }

    #[tokio::test]
    async fn a_hanging_program_is_killed_with_its_children() {
        let begun = std::time::Instant::now();
        let error = shell("sleep 30 & sleep 30", NO_ENV, 200).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        assert!(begun.elapsed() < Duration::from_secs(10));
    }

    #[tokio::test]
    async fn a_flood_is_cut_off() {
        let error = shell("yes", NO_ENV, 20_000).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidData);
    }

    #[tokio::test]
    async fn a_missing_program_is_an_error() {
        let gone = output(Path::new("/no/such"), &["x"], NO_ENV, Duration::from_secs(1)).await;
        assert_eq!(gone.unwrap_err().kind(), io::ErrorKind::NotFound);
    }
}
