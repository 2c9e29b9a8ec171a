//! `kill -9` of the scanner at a hundred random moments: no result lost or doubled, nothing left within two seconds, the
//! database whole after every one of them.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use super::{ONE_AT_A_TIME, catalogue};

/// Kills at each level.
const KILLS: usize = 50;
/// New servers with every kill: there is always something to do.
const NEW: usize = 3;
/// Rows that leave something behind, and some that do nothing wrong.
const ROWS: [&str; 8] = [
    "healthy-plain",
    "setsid",
    "double-fork",
    "healthy-log",
    "nameless-orphan",
    "moving-target",
    "many-orphans",
    "ignores-the-end",
];
/// What a killed scanner started is gone by then.
const GONE_WITHIN: Duration = Duration::from_secs(2);

/// The first `count` servers, as a list for `--from`.
fn list(folder: &Path, word: &str, count: usize) -> PathBuf {
    let told = format!(r#"{{"word":"{word}","folder":"/no/such","pid":0,"tcp4":9,"tcp6":null,"udp4":9}}"#);
    let one = |at: usize| {
        let command = [env!("CARGO_BIN_EXE_catalogue"), "__hostile", ROWS[at % ROWS.len()], &told];
        let words: Vec<String> = command.iter().map(|w| format!("{w:?}")).collect();
        format!("[[target]]\nname = \"server-{at}\"\ncommand = [{}]\n", words.join(", "))
    };
    let path = folder.join("list.toml");
    std::fs::write(&path, (0..count).map(one).collect::<String>()).unwrap();
    path
}

/// Processes of this run: servers and what they left, by the word in their arguments; launchers and helpers, by this program.
fn left(word: &str) -> Vec<String> {
    let program = Path::new(env!("CARGO_BIN_EXE_catalogue"));
    let found = std::fs::read_dir("/proc").unwrap().flatten().filter_map(|entry| {
        let line = std::fs::read(entry.path().join("cmdline")).ok()?;
        let line = String::from_utf8_lossy(&line).replace('\0', " ");
        let helper = std::fs::read_link(entry.path().join("exe")).is_ok_and(|exe| exe == program)
            && (line.contains(" __box ") || line.contains(" __keep "));
        (line.contains(word) || helper).then(|| format!("{} {line:.60}", entry.file_name().to_string_lossy()))
    });
    found.collect()
}

fn question(db: &Path, sql: &str) -> Option<String> {
    let db = catalogue::store::Store::open_read_only(db).ok()?;
    db.query_row(sql, [], |row| row.get::<_, String>(0)).ok()
}

fn killed_again_and_again(level: &str, seed: u64) {
    let place = tempfile::tempdir().unwrap();
    let var = place.path();
    let word = format!("kills-{level}-{}", std::process::id());
    let db = var.join("catalogue.db");
    let mut random = seed;
    let mut next = move |below: u64| {
        // Numerical Recipes' generator: the moments are the same with every run, the machine's are not.
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (random >> 33) % below
    };
    let scan = |servers: usize| {
        let mut command = catalogue(var);
        command.args(["scan", "--quiet", "--jobs", "3", "--sandbox", level, "--from"]);
        command.arg(list(var, &word, servers)).stdout(Stdio::null()).stderr(Stdio::piped());
        command.spawn().unwrap()
    };
    // Once to the end: whether this level can be had, and so that what is killed is scanning and not starting up.
    let first = scan(1).wait_with_output().unwrap();
    if first.status.code() == Some(5) {
        println!("skipped: kills at the level {level}: {}", String::from_utf8_lossy(&first.stderr).trim());
        return;
    }
    assert_eq!(first.status.code(), Some(0), "{}", String::from_utf8_lossy(&first.stderr));
    let (mut done, mut slowest, mut midway) = (0, Duration::ZERO, 0);
    for kill in 1..=KILLS {
        let mut running = scan(1 + kill * NEW);
        std::thread::sleep(Duration::from_millis(100 + next(1_400)));
        midway += usize::from(running.try_wait().unwrap().is_none());
        running.kill().unwrap();
        running.wait().unwrap();
        let begun = Instant::now();
        while !left(&word).is_empty() && begun.elapsed() < GONE_WITHIN {
            std::thread::sleep(Duration::from_millis(5));
        }
        assert!(left(&word).is_empty(), "kill {kill}: {:?}", left(&word));
        slowest = slowest.max(begun.elapsed());
        assert_eq!(question(&db, "PRAGMA integrity_check").as_deref(), Some("ok"), "kill {kill}");
        let count = "SELECT CAST(count(*) AS TEXT) FROM probes WHERE outcome = 'ok'";
        let now: usize = question(&db, count).unwrap().parse().unwrap();
        assert!(now >= done, "kill {kill}: {done} results before, {now} now");
        done = now;
    }
    let servers = 1 + KILLS * NEW;
    let last = scan(servers).wait_with_output().unwrap();
    assert_eq!(last.status.code(), Some(0), "{}", String::from_utf8_lossy(&last.stderr));
    let counts =
        "SELECT count(*) || ' ' || count(DISTINCT release_id) || ' ' || count(finished_at) FROM probes";
    assert_eq!(question(&db, counts).unwrap(), format!("{servers} {servers} {servers}"));
    // A server with which a scanner died three times while it ran alone is set aside: that is what it is for, and a hundred
    // blind kills may well hit one three times. Nothing else may come of it, and asked again it answers.
    let others =
        "SELECT coalesce(group_concat(s.key || ' ' || p.outcome || ' ' || p.detail, '; '), '') FROM probes p
        JOIN releases r ON r.id = p.release_id JOIN servers s ON s.id = r.server_id WHERE p.outcome <> 'ok'";
    let others = question(&db, others).unwrap();
    let set_aside = others.matches(" quarantined ").count();
    assert_eq!(set_aside, others.split("; ").filter(|one| !one.is_empty()).count(), "{others}");
    assert!(set_aside <= KILLS / 10, "{others}");
    assert_eq!(question(&db, "PRAGMA integrity_check").as_deref(), Some("ok"));
    let folders = std::fs::read_dir(var.join("cache/store/tmp")).unwrap().count();
    assert_eq!(folders, 0, "temporary folders are left");
    println!(
        "{level}: {KILLS} kills, {midway} of them midway, {servers} results, {set_aside} of them set aside; the last process was gone after {slowest:?}"
    );
    assert!(midway > KILLS / 2, "the scans are too short to be killed");
}

#[test]
fn a_hundred_kills_lose_and_double_nothing() {
    let _alone = ONE_AT_A_TIME.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    killed_again_and_again("bwrap", 1);
    killed_again_and_again("reduced", 2);
}
