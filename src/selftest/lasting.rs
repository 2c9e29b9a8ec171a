//! Staying after the end: sessions, orphans, deaf ears, moving targets.

use std::time::Duration;

use super::server::{Server, tool};
use super::{Expect, Play, Row, Topic, raw};
use crate::model::Outcome::{Crashed, TimedOut};

pub(super) const ROWS: &[Row] = &[
    row("setsid", "leaves a process in a session of its own", Expect::ok(1), own_session),
    row(
        "double-fork",
        "leaves an orphan that ignores signals and holds the streams",
        Expect::ok(1),
        double_fork,
    ),
    row("nameless-orphan", "leaves an orphan with other arguments and no variables", Expect::ok(1), nameless),
    row("moving-target", "leaves a process that is another one every millisecond", Expect::ok(1), moving),
    row("restless", "leaves such a process and answers after a thousand of them", Expect::ok(1), restless),
    row("many-orphans", "leaves a hundred orphans", Expect::ok(1), many),
    row(
        "ignores-the-end",
        "answers, then ignores every signal and the end of its input",
        Expect::ok(1),
        ignores,
    ),
    row("stops-itself", "stops itself before it answers", Expect::failed(TimedOut, ""), stops),
    row("ends-and-leaves", "ends at once and leaves a process behind", Expect::failed(Crashed, ""), ends),
    row(
        "hidden-files",
        "leaves files that may not be listed, written or removed",
        Expect::ok(1),
        hidden_files,
    ),
];

const fn row(name: &'static str, attack: &'static str, expect: Expect, script: fn(&mut Server)) -> Row {
    Row { name, attack, topic: Topic::Lasting, expect, play: Play::Script(script) }
}

fn one() -> Vec<String> {
    vec![tool("stay", "Stays.")]
}

/// A child that does `then` and never comes back.
fn child(then: impl FnOnce()) {
    if let Ok(0) = raw::fork() {
        then();
        loop {
            std::thread::sleep(Duration::from_secs(3600));
        }
    }
}

/// A grandchild whose parent is gone.
fn orphan(then: impl FnOnce()) {
    match raw::fork() {
        Ok(0) => {
            raw::setsid();
            child(then);
            raw::exit_now(0);
        }
        Ok(parent) => raw::wait(parent),
        Err(_) => {}
    }
}

fn own_session(server: &mut Server) {
    child(raw::setsid);
    server.list(&one());
}

fn double_fork(server: &mut Server) {
    orphan(raw::ignore_signals);
    server.list(&one());
}

fn nameless(server: &mut Server) {
    // The word of this run stays in its arguments, so that it is found if it stays.
    let word = server.told.word.clone();
    orphan(move || raw::become_sleeper(&word));
    server.list(&one());
}

fn moving(server: &mut Server) {
    move_on();
    server.list(&one());
}

fn restless(server: &mut Server) {
    move_on();
    std::thread::sleep(Duration::from_millis(1_500));
    server.list(&one());
}

fn move_on() {
    orphan(|| {
        loop {
            std::thread::sleep(Duration::from_millis(1));
            // The parent ends, the child goes on: a new id each time.
            if matches!(raw::fork(), Ok(pid) if pid > 0) {
                raw::exit_now(0);
            }
        }
    });
}

fn many(server: &mut Server) {
    for _ in 0..100 {
        orphan(|| {});
    }
    server.list(&one());
}

fn ignores(server: &mut Server) {
    raw::ignore_signals();
    server.list(&one());
    server.sleep();
}

fn stops(server: &mut Server) {
    if server.greet().is_some() {
        raw::kill(i32::try_from(std::process::id()).unwrap_or(0), 19);
    }
    server.sleep();
}

fn ends(_: &mut Server) {
    orphan(|| {
        raw::close(0);
        raw::close(1);
        raw::close(2);
    });
    std::process::exit(3);
}

fn hidden_files(server: &mut Server) {
    use std::os::unix::fs::PermissionsExt;
    let home = std::path::PathBuf::from(std::env::var_os("HOME").unwrap_or_default());
    let deep = (0..40).fold(home.join("deep"), |path, i| path.join(format!("level-{i}")));
    let made = std::fs::create_dir_all(&deep)
        .and_then(|()| std::fs::write(deep.join("file"), "x"))
        .and_then(|()| std::fs::set_permissions(&deep, PermissionsExt::from_mode(0o000)))
        .and_then(|()| std::fs::set_permissions(home.join("deep"), PermissionsExt::from_mode(0o000)));
    if made.is_ok() {
        server.list(&one());
    }
}
