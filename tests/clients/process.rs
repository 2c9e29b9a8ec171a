//! Starts a client with an empty home and nowhere to go but this machine, for a minute at most.

use std::fs::File;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Longest that a client may take.
const LONGEST: Duration = Duration::from_secs(60);

/// What became of it.
#[derive(Debug)]
pub(crate) struct Ended {
    /// None if it was stopped after a minute.
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

/// Runs a program in `folder`, whose `home` is its home. Everything but loopback goes to a port where nobody listens.
pub(crate) fn run(folder: &Path, program: &Path, arguments: &[&str], variables: &[(&str, String)]) -> Ended {
    let home = folder.join("home");
    std::fs::create_dir_all(&home).unwrap();
    let (out, err) = (folder.join("stdout"), folder.join("stderr"));
    let mut command = Command::new(program);
    command
        .args(arguments)
        .current_dir(folder)
        .env_clear()
        .env("HOME", &home)
        .env("PATH", std::env::var_os("PATH").unwrap())
        .env("NO_COLOR", "1")
        .env("TERM", "dumb")
        .env("HTTP_PROXY", "http://127.0.0.1:9")
        .env("HTTPS_PROXY", "http://127.0.0.1:9")
        .env("NO_PROXY", "127.0.0.1,localhost")
        .envs(variables.iter().map(|(name, value)| (*name, value)))
        .stdin(Stdio::null())
        .stdout(File::create(&out).unwrap())
        .stderr(File::create(&err).unwrap())
        .process_group(0);
    let mut child = command.spawn().unwrap();
    let begun = Instant::now();
    let code = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status.code();
        }
        if begun.elapsed() > LONGEST {
            break None;
        }
        std::thread::sleep(Duration::from_millis(20));
    };
    // What it started is in its group: the servers, at least, go with it.
    if let Some(group) = rustix::process::Pid::from_raw(i32::try_from(child.id()).unwrap()) {
        let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
    }
    let _ = child.wait();
    let read = |path| String::from_utf8_lossy(&std::fs::read(path).unwrap()).into_owned();
    Ended { code, out: read(out), err: read(err) }
}
