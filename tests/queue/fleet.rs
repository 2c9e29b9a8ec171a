//! The commands as they are typed: enqueue, work, collect, drain; passwords; what breaks and how it heals.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::fake::Fake;
use crate::postgres::{Database, PASSWORD, queue, signal};
use crate::{catalogue, printed};

/// A list of targets in a file.
pub(crate) fn list(folder: &std::path::Path, targets: &[String]) -> std::path::PathBuf {
    let path = folder.join("targets.toml");
    let entries: String = targets.iter().map(|t| format!("[[target]]\ntarget = \"{t}\"\n")).collect();
    std::fs::write(&path, entries).unwrap();
    path
}

/// A command of the queue's keeper.
pub(crate) fn keeper(var: &std::path::Path, database: &Database, args: &[&str]) -> Command {
    let mut command = catalogue(var);
    command
        .args(args)
        .args(["--queue", &database.address("keeper")])
        .env("CATALOGUE_QUEUE_PASSWORD", PASSWORD);
    command
}

/// A worker of its own login; short leases, no sandbox as it starts nothing but requests.
pub(crate) fn worker(var: &std::path::Path, database: &Database, args: &[&str]) -> Command {
    let mut command = catalogue(var);
    // What workers fetch to work with is kept between the tests; those of one host may share it.
    let shared = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("queue-workers");
    command.env("CATALOGUE_VAR", shared);
    command.args(["worker", "--sandbox", "none", "--queue", &database.address(&database.hand())]).args(args);
    command.env("CATALOGUE_QUEUE_PASSWORD", PASSWORD);
    command
}

pub(crate) fn status(var: &std::path::Path, database: &Database) -> Value {
    let text = printed(&mut keeper(var, database, &["queue", "status", "--json"]));
    serde_json::from_str(&text).unwrap()
}

pub(crate) fn until(what: &str, mut done: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !done() {
        // A worker fetches what it needs first, on a machine that may be busy.
        assert!(begun.elapsed() < Duration::from_secs(180), "{what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn ended(mut child: Child) -> (i32, String) {
    let mut said = String::new();
    child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    (child.wait().unwrap().code().unwrap_or(-1), said)
}

#[test]
fn a_list_is_enqueued_once_scanned_by_two_workers_and_collected_while_they_work() {
    let (Some(database), fake) = (queue(), Fake::start()) else { return };
    let var = tempfile::tempdir().unwrap();
    let targets: Vec<String> = (0..40).map(|n| fake.target(&format!("/calm/{n}"))).collect();
    let file = list(var.path(), &targets);
    let scan = || {
        let text = printed(keeper(var.path(), &database, &["scan", "--json"]).arg("--from").arg(&file));
        serde_json::from_str::<Value>(&text).unwrap()
    };
    assert_eq!(scan()["enqueued"], 40);
    let again = scan();
    assert_eq!((&again["enqueued"], &again["there"]), (&0.into(), &40.into()), "{again}");
    let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let hands: Vec<Child> = folders
        .iter()
        .map(|own| {
            let mut command = worker(own.path(), &database, &["--until-empty", "--slots", "2", "-q"]);
            command.stderr(Stdio::piped()).spawn().unwrap()
        })
        .collect();
    let collect = || {
        let text = printed(&mut keeper(var.path(), &database, &["collect", "--json", "--db", "out.db"]));
        serde_json::from_str::<Value>(&text).unwrap()["new"].as_u64().unwrap()
    };
    let mut collected = 0;
    until("both workers end", || {
        collected += collect();
        let done = database.number("SELECT count(*) FROM catalogue_queue.jobs WHERE state = 'done'");
        done == 40
    });
    for hand in hands {
        let (code, said) = ended(hand);
        assert_eq!(code, 0, "{said}");
    }
    collected += collect();
    assert_eq!(collected, 40);
    let db = catalogue::store::Store::open_read_only(&var.path().join("out.db")).unwrap();
    let count = |sql: &str| db.query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap();
    assert_eq!(count("SELECT count(*) FROM probes WHERE outcome = 'ok'"), 40);
    assert_eq!(count("SELECT count(DISTINCT name) FROM definitions"), 40);
    assert_eq!(count("SELECT count(*) FROM verdicts"), 40);
    let standing = status(var.path(), &database);
    assert_eq!((&standing["done"], &standing["outcomes"]["ok"]), (&40.into(), &40.into()), "{standing}");
    assert_eq!(scan()["there"], 40, "what is done is done");
    assert_eq!(scan()["enqueued"], 0);
    let retry = printed(&mut keeper(var.path(), &database, &["queue", "retry", "--outcome", "ok", "--json"]));
    assert_eq!(retry.trim(), "{\"jobs\":40}");
    let purged = printed(&mut keeper(var.path(), &database, &["queue", "purge", "--all", "--json"]));
    assert_eq!(purged.trim(), "{\"jobs\":40}");
    let shown = printed(&mut keeper(var.path(), &database, &["queue", "status"]));
    assert!(shown.contains("waiting           0"), "{shown}");
}

#[test]
fn a_worker_that_is_told_to_end_gives_its_leases_back() {
    let (Some(database), fake) = (queue(), Fake::start()) else { return };
    let var = tempfile::tempdir().unwrap();
    let targets: Vec<String> = (0..2).map(|n| fake.target(&format!("/hang/{n}"))).collect();
    let file = list(var.path(), &targets);
    printed(keeper(var.path(), &database, &["scan"]).arg("--from").arg(&file));
    let mut command = worker(var.path(), &database, &["--slots", "2", "--grace", "1"]);
    let hand = command.stderr(Stdio::piped()).spawn().unwrap();
    let leased = || database.number("SELECT count(*) FROM catalogue_queue.jobs WHERE state = 'leased'");
    until("both are held", || leased() == 2);
    signal(hand.id(), "TERM");
    let (code, said) = ended(hand);
    assert_eq!((code, leased()), (0, 0), "{said}");
    assert!(said.contains("2 given back"), "{said}");
    let spared = "SELECT count(*) FROM catalogue_queue.jobs WHERE state = 'waiting' AND deaths + company_deaths + faults = 0";
    assert_eq!(database.number(spared), 2);
}

#[test]
fn a_password_is_in_no_list_of_processes_and_in_no_message() {
    let (Some(database), fake) = (queue(), Fake::start()) else { return };
    let var = tempfile::tempdir().unwrap();
    let hand = database.hand();
    let with = |password: &str| {
        database.address(&hand).replacen(&format!("{hand}@"), &format!("{hand}:{password}@"), 1)
    };
    let file = list(var.path(), &[fake.target("/hang/1")]);
    printed(keeper(var.path(), &database, &["scan"]).arg("--from").arg(&file));
    let mut command = catalogue(var.path());
    command.args(["worker", "--sandbox", "none", "--slots", "1", "--grace", "0", "--queue", &with(PASSWORD)]);
    let child = command.stderr(Stdio::piped()).spawn().unwrap();
    until("it works", || {
        database.number("SELECT count(*) FROM catalogue_queue.jobs WHERE state = 'leased'") == 1
    });
    let line = std::fs::read(format!("/proc/{}/cmdline", child.id())).unwrap();
    let line = String::from_utf8_lossy(&line).into_owned();
    assert!(line.contains("worker") && !line.contains(PASSWORD), "{line}");
    signal(child.id(), "TERM");
    let (code, said) = ended(child);
    assert!(code == 0 && !said.contains(PASSWORD), "{said}");
    let mut wrong = catalogue(var.path());
    let output =
        wrong.args(["worker", "--sandbox", "none", "--queue", &with("not-this-1")]).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(4), "{said}");
    assert!(said.contains("the login was refused") && said.contains(&hand), "{said}");
    assert!(!said.contains("not-this-1"), "{said}");
    let mut bad = catalogue(var.path());
    let output =
        bad.args(["queue", "status", "--queue", "postgres://u:not-this-1@h.example:x/c"]).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(!said.contains("not-this-1"), "{said}");
}

#[test]
fn what_is_private_is_put_into_no_queue() {
    let Some(database) = queue() else { return };
    let var = tempfile::tempdir().unwrap();
    let file = var.path().join("own.toml");
    std::fs::write(&file, "[[target]]\nname = \"mine\"\ncommand = [\"node\", \"x.js\"]\n").unwrap();
    for args in [vec!["--from", file.to_str().unwrap()], vec!["https://h.example/mcp?key=s3cret"]] {
        let output = keeper(var.path(), &database, &["scan"]).args(&args).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(!said.contains("s3cret"), "{said}");
    }
    assert_eq!(database.number("SELECT count(*) FROM catalogue_queue.jobs"), 0);
}

#[test]
fn metrics_are_scraped_in_their_own_format() {
    let Some(database) = queue() else { return };
    let var = tempfile::tempdir().unwrap();
    let mut command = keeper(var.path(), &database, &["queue", "status", "--metrics", "127.0.0.1:0"]);
    let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
    let mut said = String::new();
    BufReader::new(child.stderr.take().unwrap()).read_line(&mut said).unwrap();
    let address = said.trim().rsplit_once("http://").unwrap().1.trim_end_matches("/metrics").to_owned();
    let ask = |path: &str| {
        let mut stream = std::net::TcpStream::connect(&address).unwrap();
        std::io::Write::write_all(&mut stream, format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n").as_bytes())
            .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    };
    let answer = ask("/metrics");
    assert!(
        answer.starts_with("HTTP/1.1 200 OK") && answer.contains("application/openmetrics-text"),
        "{answer}"
    );
    assert!(
        answer.contains("\ncatalogue_queue_jobs{state=\"waiting\"} 0\n") && answer.ends_with("# EOF\n"),
        "{answer}"
    );
    assert!(ask("/other").starts_with("HTTP/1.1 404"));
    signal(child.id(), "TERM");
    assert!(child.wait().unwrap().success());
}
