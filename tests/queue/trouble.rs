//! What goes wrong around a worker: a full disk, a connection that breaks, a queue of another version. It says so in words, nothing is
//! lost, and it goes on by itself where that is right.

use std::path::Path;
use std::process::{Child, Stdio};
use std::sync::Arc;
use std::time::Duration;

use crate::fake::Fake;
use crate::fleet::{keeper, list, until, worker};
use crate::postgres::{Database, Server, queue};
use crate::printed;

fn enqueue(var: &Path, database: &Database, targets: &[String]) {
    let file = list(var, targets);
    printed(keeper(var, database, &["scan", "-q"]).arg("--from").arg(file));
}

/// Two at a time; what it says goes into a file.
fn hire(var: &Path, database: &Database) -> Child {
    let log = std::fs::File::create(var.join("log")).unwrap();
    let mut command = worker(var, database, &["--slots", "2", "--until-empty"]);
    command.stderr(log).stdout(Stdio::null()).spawn().unwrap()
}

fn said(var: &Path) -> String {
    std::fs::read_to_string(var.join("log")).unwrap()
}

/// Each was asked once, and each has its result.
fn nothing_was_lost(database: &Database, targets: usize) {
    let number = |sql: &str| database.number(sql);
    let wanted = targets as i64;
    assert_eq!(
        number("SELECT count(*) FROM catalogue_queue.jobs WHERE state = 'done' AND outcome = 'ok'"),
        wanted
    );
    assert_eq!(number("SELECT count(*) FROM catalogue_queue.results"), wanted);
    assert_eq!(number("SELECT sum(attempt) FROM catalogue_queue.jobs"), wanted, "nothing is asked twice");
}

#[test]
fn a_disk_that_is_full_at_the_database_is_waited_for_with_the_results_in_hand() {
    let Some(server) = Server::start_on_small_disk(160) else { return };
    let (server, fake) = (Arc::new(server), Fake::start());
    let database = Database::make(Arc::clone(&server));
    let var = tempfile::tempdir().unwrap();
    let targets: Vec<String> = (0..6).map(|n| fake.target(&format!("/large/{n}"))).collect();
    enqueue(var.path(), &database, &targets);
    // All but a little of the disk is somebody else's now.
    let ballast = server.folder().join("ballast");
    let mut file = std::fs::File::create(&ballast).unwrap();
    let piece = vec![0_u8; 1 << 16];
    while std::io::Write::write_all(&mut file, &piece).is_ok() {}
    let full = file.metadata().unwrap().len();
    file.set_len(full - (3 << 20)).unwrap();
    drop(file);
    let mut hand = hire(var.path(), &database);
    until("the worker says what is wrong", || {
        let said = said(var.path());
        said.contains("disk is full") || said.contains("does not answer")
    });
    assert!(hand.try_wait().unwrap().is_none(), "it waits: {}", said(var.path()));
    std::fs::remove_file(&ballast).unwrap();
    // A database that cannot write its log stops.
    if !server.answers() {
        server.up();
    }
    until("all is done", || hand.try_wait().unwrap().is_some());
    assert!(hand.wait().unwrap().success(), "{}", said(var.path()));
    println!("with a full disk the worker said: {}", said(var.path()).lines().next().unwrap_or_default());
    nothing_was_lost(&database, 6);
}

#[test]
fn a_connection_that_breaks_in_mid_probe_costs_nothing() {
    let (Some(database), fake) = (queue(), Fake::start()) else { return };
    let var = tempfile::tempdir().unwrap();
    let targets: Vec<String> = (0..10).map(|n| fake.target(&format!("/slow/{n}"))).collect();
    enqueue(var.path(), &database, &targets);
    let mut hand = hire(var.path(), &database);
    let leased = || database.number("SELECT count(*) FROM catalogue_queue.jobs WHERE state = 'leased'");
    until("it works", || leased() > 0);
    let cut = format!(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '{}'",
        database.hand()
    );
    let mut cuts = 0;
    until("all is done", || {
        cuts += database.sql(&cut).len();
        std::thread::sleep(Duration::from_millis(100));
        hand.try_wait().unwrap().is_some()
    });
    assert!(hand.wait().unwrap().success(), "{}", said(var.path()));
    assert!(cuts > 1, "{cuts}");
    nothing_was_lost(&database, 10);
}

#[test]
fn a_worker_of_another_version_ends_and_says_what_to_do() {
    let (Some(database), fake) = (queue(), Fake::start()) else { return };
    let var = tempfile::tempdir().unwrap();
    enqueue(var.path(), &database, &[fake.target("/calm/1")]);
    for (sql, wanted) in [
        ("UPDATE catalogue_queue.jobs SET scanner_schema = 1", "another version of the scanner"),
        ("UPDATE catalogue_queue.meta SET version = 9", "update this program"),
        ("UPDATE catalogue_queue.meta SET version = 1", "catalogue queue init"),
        ("DROP SCHEMA catalogue_queue CASCADE", "there is no queue"),
    ] {
        database.sql(sql);
        let output = worker(var.path(), &database, &["-q"]).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(4), "{sql}: {said}");
        assert!(said.contains(wanted), "{sql}: {said}");
    }
}
