//! `kill -9` in the middle of writing: what was reported as stored is there, once, and the next run goes on.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdout, Stdio};
use std::time::Duration;

use catalogue::model::probe::SCANNER_SCHEMA;
use catalogue::model::{Outcome, ReleaseFacts};
use catalogue::store::{Store, WorkQueue};

use crate::sample::{self, SERVERS};

const DATABASE: &str = "CATALOGUE_TEST_WRITES_TO";
const TARGETS: usize = 400;

/// Works through the queue as a scan does and says on `progress` what is stored, after it is.
fn work_through(path: &Path, worker: &str, at_most: usize, progress: &mut dyn Write) {
    let mut store = Store::open(path).unwrap();
    let keys: Vec<String> = (0..TARGETS).map(|n| format!("npm:made-up-{n}")).collect();
    let tools = SERVERS[0].probes[1].2;
    let now = sample::start();
    for _ in 0..at_most {
        let Some(claim) = store.claim(&keys, worker, Duration::from_secs(60), now).unwrap() else { return };
        let release = sample::release(&claim.key, "1.0.0");
        if store.lasting_outcome(&release, SCANNER_SCHEMA).unwrap().is_none() {
            let row = store.remember_release(&release, &ReleaseFacts::default(), now).unwrap();
            let open = store.begin_probe(row, SCANNER_SCHEMA, now).unwrap();
            let found = sample::probe(&release, Outcome::Ok, tools, now);
            for (position, attempt) in found.attempts.iter().enumerate().skip(open.attempts.len()) {
                store.add_attempt(open.id, position, attempt, Some(&claim.key)).unwrap();
            }
            store.finish_probe(open.id, &found).unwrap();
            writeln!(progress, "stored {}", claim.key).unwrap();
            progress.flush().unwrap();
        }
        store.complete(&claim, now).unwrap();
    }
}

/// By itself a short run of the writer; as the child of the test below, the one that is killed.
#[test]
fn the_writer_that_gets_killed() {
    if let Some(path) = std::env::var_os(DATABASE) {
        work_through(Path::new(&path), "doomed", usize::MAX, &mut std::io::stdout());
        return;
    }
    let (_folder, path, mut store) = sample::empty();
    store.enqueue(&["npm:made-up-0".to_owned(), "npm:made-up-1".to_owned()], sample::start()).unwrap();
    let mut said = Vec::new();
    work_through(&path, "calm", 5, &mut said);
    assert_eq!(String::from_utf8(said).unwrap(), "stored npm:made-up-0\nstored npm:made-up-1\n");
}

fn start_writer(path: &Path) -> (Child, BufReader<ChildStdout>) {
    #[expect(clippy::disallowed_methods, reason = "only a process of its own can be killed")]
    let mut child = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "store::killed::the_writer_that_gets_killed", "--nocapture"])
        .env(DATABASE, path)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let said = BufReader::new(child.stdout.take().unwrap());
    (child, said)
}

#[test]
fn ten_kills_lose_nothing_and_double_nothing() {
    let (_folder, path, mut store) = sample::empty();
    let keys: Vec<String> = (0..TARGETS).map(|n| format!("npm:made-up-{n}")).collect();
    store.enqueue(&keys, sample::start()).unwrap();
    let mut reported = Vec::new();
    for round in 0_u64..10 {
        let (mut child, said) = start_writer(&path);
        let mut lines = said.lines();
        // Some way into the work, then at no particular point of it.
        for line in lines.by_ref().take(3).map(Result::unwrap) {
            reported.extend(line.strip_prefix("stored ").map(str::to_owned));
        }
        std::thread::sleep(Duration::from_micros(700 * round));
        child.kill().unwrap();
        child.wait().unwrap();
        reported
            .extend(lines.map_while(Result::ok).filter_map(|l| l.strip_prefix("stored ").map(str::to_owned)));

        let sound: String = store.connection().query_row("PRAGMA integrity_check", [], |r| r.get(0)).unwrap();
        assert_eq!(sound, "ok");
        for key in &reported {
            let release = sample::release(key, "1.0.0");
            assert!(store.lasting_outcome(&release, SCANNER_SCHEMA).unwrap().is_some(), "{key} is lost");
        }
        store.sweep(&|worker| worker != "doomed", sample::start()).unwrap();
    }
    assert!(reported.len() >= 10, "the writer got nowhere: {reported:?}");
    work_through(&path, "last", usize::MAX, &mut std::io::sink());

    let counts: BTreeMap<&str, i64> = ["servers", "probes", "attempts", "probe_tools", "definitions"]
        .into_iter()
        .map(|table| {
            let sql = format!("SELECT count(*) FROM {table}");
            (table, store.connection().query_row(&sql, [], |r| r.get(0)).unwrap())
        })
        .collect();
    let targets = TARGETS as i64;
    let expected = [
        ("servers", targets),
        ("probes", targets),
        ("attempts", 2 * targets),
        ("probe_tools", 4 * targets),
        ("definitions", 4),
    ];
    assert_eq!(counts, expected.into_iter().collect());
    let left: i64 = store
        .connection()
        .query_row("SELECT count(*) FROM work WHERE state <> 'done'", [], |r| r.get(0))
        .unwrap();
    assert_eq!(left, 0);
}
