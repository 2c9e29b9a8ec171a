//! A machine that is no help: a disk that is full, a folder that cannot be written, a clock that jumps, two scans at once.
//! What is asked each time: a message that says what to do, and nothing that was stored is lost or doubled.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

const SERVERS: usize = 3;

/// Found out once: each try is a scan.
fn level() -> &'static str {
    static LEVEL: std::sync::OnceLock<&'static str> = std::sync::OnceLock::new();
    LEVEL.get_or_init(super::scan::level)
}

struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A list of servers, some of which take a moment.
    fn list(&self) -> PathBuf {
        let server = super::scan::server();
        let one = |i: usize| {
            format!(
                "[[target]]\nname = \"server-{i}\"\ncommand = [{:?}, \"slow\", \"{}\"]\n",
                server.to_string_lossy(),
                40 * i
            )
        };
        std::fs::write(self.path("list.toml"), (0..SERVERS).map(one).collect::<String>()).unwrap();
        self.path("list.toml")
    }

    /// What runs the program: itself, or a shell line in a mount namespace of its own that ends in `exec "$@"`.
    fn command(&self, first: Option<&str>) -> Command {
        let program = env!("CARGO_BIN_EXE_catalogue");
        #[expect(clippy::disallowed_methods, reason = "a test starts the program")]
        let mut command = match first {
            None => Command::new(program),
            Some(line) => {
                let mut command = Command::new("unshare");
                if !rustix::process::geteuid().is_root() {
                    command.arg("--map-root-user");
                }
                command.args(["--mount", "sh", "-c", line, "sh"]).arg(program);
                command
            }
        };
        command.current_dir(self.folder.path()).env("CATALOGUE_VAR", self.path("var")).stdin(Stdio::null());
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    fn scan(&self, command: &mut Command) -> Output {
        command.args(["scan", "--jobs", "2", "--sandbox", level(), "--from"]).arg(self.list());
        command.output().unwrap()
    }

    /// Every server has exactly one probe, which answered; the file is whole.
    fn assert_all_there_once(&self, db: &Path) {
        let db = catalogue::store::Store::open_read_only(db).unwrap();
        let ask = |sql: &str| db.query_row(sql, [], |r| r.get::<_, String>(0)).unwrap();
        assert_eq!(ask("PRAGMA integrity_check"), "ok");
        let counts =
            "SELECT count(*) || ' ' || count(DISTINCT release_id) || ' ' || count(finished_at) FROM probes";
        assert_eq!(ask(counts), format!("{SERVERS} {SERVERS} {SERVERS}"));
        assert_eq!(
            ask("SELECT CAST(count(*) AS TEXT) FROM probes WHERE outcome = 'ok'"),
            SERVERS.to_string()
        );
    }
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// True if a mount namespace can be had; says so if not.
fn can_mount(place: &Place) -> bool {
    let works = place.command(Some("mount -t tmpfs none \"$PWD\" && exec true")).output();
    let works = works.is_ok_and(|output| output.status.success());
    if !works {
        println!("skipped: a full disk and a read-only one, no mount namespace can be had here");
    }
    works
}

#[test]
fn a_full_disk_is_said_and_what_was_stored_is_there_when_there_is_room_again() {
    let place = Place::new();
    if !can_mount(&place) {
        return;
    }
    let db = place.path("small/catalogue.db");
    std::fs::create_dir(place.path("small")).unwrap();
    assert_eq!(place.scan(place.command(None).arg("--db").arg(&db)).status.code(), Some(0));
    // The same database where next to nothing is free, and everything asked again; then back to where it came from.
    let line = "mkdir full && mount -t tmpfs -o size=$(( $(stat -c %s small/catalogue.db) / 1024 + 48 ))k none full \
         && cp small/catalogue.db full/ && { \"$@\"; code=$?; cp full/catalogue.db* . ; exit $code; }";
    let mut command = place.command(Some(line));
    command.arg("--db").arg(place.path("full/catalogue.db"));
    command.args(["scan", "--refresh", "--jobs", "2", "--sandbox", level(), "--from"]);
    let full = command.arg(place.list()).output().unwrap();
    assert_eq!(full.status.code(), Some(4), "{}", said(&full));
    assert!(said(&full).contains("the disk is full") && said(&full).contains("is safe"), "{}", said(&full));
    // With room again the same command goes on, and the earlier answers are all there.
    let rest = place.path("catalogue.db");
    let mut again = place.command(None);
    again.arg("--db").arg(&rest);
    let again = place.scan(&mut again);
    assert_eq!(again.status.code(), Some(0), "{}", said(&again));
    let found = catalogue::store::Store::open_read_only(&rest).unwrap();
    let ask = |sql: &str| found.query_row(sql, [], |r| r.get::<_, i64>(0)).unwrap();
    let whole: String = found.query_row("PRAGMA integrity_check", [], |r| r.get(0)).unwrap();
    assert_eq!(whole, "ok");
    let releases = i64::try_from(SERVERS).unwrap();
    assert_eq!(ask("SELECT count(DISTINCT release_id) FROM probes WHERE outcome = 'ok'"), releases);
    assert_eq!(ask("SELECT count(*) FROM probes WHERE finished_at IS NULL"), 0);
}

#[test]
fn a_folder_that_cannot_be_written_is_said() {
    let place = Place::new();
    if !can_mount(&place) {
        return;
    }
    let db = place.path("shut/catalogue.db");
    std::fs::create_dir(place.path("shut")).unwrap();
    let shut = "mount --bind shut shut && mount -o remount,ro,bind shut && exec \"$@\"";
    let new = place.scan(place.command(Some(shut)).arg("--db").arg(&db));
    assert_eq!(new.status.code(), Some(4), "{}", said(&new));
    assert!(said(&new).contains("cannot be opened as a database"), "{}", said(&new));
    // One that is there already can still be read from there.
    assert_eq!(place.scan(place.command(None).arg("--db").arg(&db)).status.code(), Some(0));
    let old = place.scan(place.command(Some(shut)).arg("--db").arg(&db));
    assert_eq!(old.status.code(), Some(4), "{}", said(&old));
    assert!(said(&old).contains("cannot be written"), "{}", said(&old));
    place.assert_all_there_once(&db);
}

#[test]
fn two_scans_at_once_on_one_database_share_the_work() {
    let place = Place::new();
    let list = place.list();
    let start = || {
        let mut command = place.command(None);
        command.args(["scan", "--jobs", "2", "--sandbox", level(), "--from"]).arg(&list);
        command.spawn().unwrap()
    };
    for scan in [start(), start()] {
        let output = scan.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    }
    place.assert_all_there_once(&place.path("var/catalogue.db"));
}

/// A library that is loaded before the system's, whose clock jumps after some readings.
fn jumping_clock(place: &Place, seconds: i64) -> Option<PathBuf> {
    let source = r#"
        #define _GNU_SOURCE
        #include <dlfcn.h>
        #include <time.h>
        static int readings;
        int clock_gettime(clockid_t which, struct timespec *now) {
            static int (*real)(clockid_t, struct timespec *);
            if (!real) real = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
            int result = real(which, now);
            if (result == 0 && which == CLOCK_REALTIME && __sync_add_and_fetch(&readings, 1) > 12) now->tv_sec += JUMP;
            return result;
        }"#;
    let (code, library) = (place.path("clock.c"), place.path(&format!("clock{seconds}.so")));
    std::fs::write(&code, source).unwrap();
    #[expect(clippy::disallowed_methods, reason = "a test builds a clock")]
    let mut cc = Command::new("cc");
    cc.args(["-shared", "-fPIC", "-O1", &format!("-DJUMP={seconds}"), "-o"])
        .arg(&library)
        .arg(&code)
        .arg("-ldl");
    let built = cc.output().is_ok_and(|output| output.status.success());
    if !built {
        println!("skipped: a clock that jumps, there is no C compiler");
    }
    built.then_some(library)
}

/// Whether a probe of another year than this one is stored.
fn has_jumped(place: &Place) -> bool {
    let Ok(db) = catalogue::store::Store::open_read_only(&place.path("var/catalogue.db")) else {
        return false;
    };
    let year = jiff::Timestamp::now().strftime("%Y").to_string();
    db.query_row(
        "SELECT EXISTS (SELECT 1 FROM probes WHERE substr(started_at, 1, 4) <> ?1 OR substr(finished_at, 1, 4) <> ?1)",
        [year],
        |row| row.get(0),
    )
    .unwrap_or(false)
}

#[test]
fn a_clock_that_jumps_loses_and_doubles_nothing() {
    const YEAR: i64 = 31_536_000;
    for jump in [YEAR, -YEAR] {
        let place = Place::new();
        let Some(clock) = jumping_clock(&place, jump) else { return };
        let list = place.list();
        let start = |clock: Option<&Path>| {
            let mut command = place.command(None);
            if let Some(clock) = clock {
                command.env("LD_PRELOAD", clock);
            }
            command.args(["scan", "--jobs", "2", "--sandbox", level(), "--from"]).arg(&list);
            command.spawn().unwrap()
        };
        // One whose clock jumps beside one whose clock does not: leases of the one are long over for the other. The second begins
        // when the first has something of another year in hand.
        let mut first = start(Some(&clock));
        let begun = Instant::now();
        while !has_jumped(&place) && first.try_wait().unwrap().is_none() {
            assert!(begun.elapsed() < Duration::from_secs(60), "{jump}: nothing of another year");
            std::thread::sleep(Duration::from_millis(20));
        }
        for scan in [first, start(None)] {
            let output = scan.wait_with_output().unwrap();
            assert_eq!(output.status.code(), Some(0), "{jump}: {}", said(&output));
        }
        place.assert_all_there_once(&place.path("var/catalogue.db"));
        assert!(has_jumped(&place), "{jump}: the clock did not jump");
    }
}
