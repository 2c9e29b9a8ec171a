//! Several targets that take their scanner down, and nothing else left: each is found guilty alone, and the scan ends.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::fake::Fake;
use crate::fleet::{keeper, list, worker};
use crate::postgres::{queue, signal};

const POISON: u8 = 4;
/// Two deaths of all together, three of each alone, and as many again for kills that came late.
const MOST_STARTS: u8 = 2 * (2 + 3 * POISON);

fn targets(fake: &Fake) -> Vec<String> {
    (0..POISON).map(|n| fake.target(&format!("/poison/{n}"))).collect()
}

/// Starts the scanner again for as long as it is killed for the poison it takes; how often it was started.
fn starts_until_it_ends(fake: &Fake, mut scanner: Command) -> u8 {
    let swallowed = fake.swallowed.lock().unwrap();
    for starts in 1..=MOST_STARTS {
        let mut child = scanner.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let begun = Instant::now();
        let status = loop {
            if swallowed.recv_timeout(Duration::from_millis(20)).is_ok() {
                // All that is going to be asked by now is asked.
                std::thread::sleep(Duration::from_millis(300));
                signal(child.id(), "KILL");
            }
            if let Some(status) = child.try_wait().unwrap() {
                break status;
            }
            assert!(begun.elapsed() < Duration::from_secs(180), "it hangs");
        };
        while swallowed.try_recv().is_ok() {}
        if status.code().is_some() {
            assert!(status.success(), "{status}");
            return starts;
        }
    }
    panic!("it was started {MOST_STARTS} times and does not end");
}

#[test]
fn a_scan_of_nothing_but_poison_ends() {
    let fake = Fake::start();
    let var = tempfile::tempdir().unwrap();
    let mut scan = crate::catalogue(var.path());
    scan.args(["scan", "-q", "--sandbox", "none", "--jobs", "4", "--db", "c.db", "--from"]);
    scan.arg(list(var.path(), &targets(&fake)));
    let starts = starts_until_it_ends(&fake, scan);
    let db = catalogue::store::Store::open_read_only(&var.path().join("c.db")).unwrap();
    let sql = "SELECT count(*) FROM probes WHERE outcome = 'quarantined'";
    assert_eq!(db.query_row(sql, [], |row| row.get::<_, u8>(0)).unwrap(), POISON);
    println!("{POISON} set aside after {starts} starts");
}

#[test]
fn a_worker_of_several_slots_with_nothing_but_poison_ends() {
    let (Some(database), fake) = (queue(), Fake::start()) else { return };
    let var = tempfile::tempdir().unwrap();
    let file = list(var.path(), &targets(&fake));
    crate::printed(keeper(var.path(), &database, &["scan"]).arg("--from").arg(&file));
    let starts = starts_until_it_ends(
        &fake,
        worker(var.path(), &database, &["--slots", "4", "--until-empty", "--lease", "4"]),
    );
    let sql = "SELECT count(*) FROM catalogue_queue.jobs WHERE outcome = 'quarantined'";
    assert_eq!(database.number(sql), i64::from(POISON));
    println!("{POISON} set aside after {starts} starts");
}
