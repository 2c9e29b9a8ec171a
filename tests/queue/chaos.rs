//! Workers and the database killed while they work: every target has exactly one result, the healthy ones their own, and what takes
//! its worker down, and nothing else, is set aside.
//!
//! Poison is played from outside: where a worker asks for it, the test looks up who holds it and sends SIGKILL, as a package that
//! takes its scanner down would. Short by default; `QUEUE_CHAOS=full` plays 1,500 targets with each of five seeds, `full:3` with one.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::{Child, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::fake::Fake;
use crate::fleet::{keeper, list, worker};
use crate::postgres::{Database, Server, signal};
use crate::printed;

struct Plan {
    targets: usize,
    poison: usize,
    hang: usize,
    eat: usize,
    workers: usize,
    /// SIGKILLs of the database.
    server_kills: u32,
    /// Between two SIGKILLs of workers.
    every: Duration,
}

const SHORT: Plan = Plan {
    targets: 160,
    poison: 2,
    hang: 1,
    eat: 1,
    workers: 3,
    server_kills: 1,
    every: Duration::from_millis(700),
};
const FULL: Plan = Plan {
    targets: 1500,
    poison: 5,
    hang: 2,
    eat: 2,
    workers: 6,
    server_kills: 4,
    every: Duration::from_millis(700),
};

/// xorshift: the same seed kills in the same order.
struct Dice(u64);

impl Dice {
    fn below(&mut self, most: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % most as u64).unwrap()
    }
}

/// What was done to the fleet.
#[derive(Debug, Default)]
struct Done {
    worker_kills: u32,
    stops: u32,
    server_kills: u32,
}

/// The workers share a state folder, as those of one host may: what the first one fetches the others find.
struct Fleet<'a> {
    database: &'a Database,
    own: tempfile::TempDir,
    wrong_clock: Option<std::path::PathBuf>,
    hands: Vec<Child>,
}

impl<'a> Fleet<'a> {
    fn start(database: &'a Database, workers: usize) -> Self {
        let own = tempfile::tempdir().unwrap();
        let wrong_clock = wrong_clock(own.path());
        let hands =
            (0..workers).map(|at| Self::hire(database, own.path(), at, wrong_clock.as_deref())).collect();
        Self { database, own, wrong_clock, hands }
    }

    /// Short leases: what is lost is handed out soon. The first one's clock is an hour ahead.
    fn hire(database: &Database, own: &Path, at: usize, wrong_clock: Option<&Path>) -> Child {
        let log = std::fs::File::options().create(true).append(true).open(own.join("log")).unwrap();
        let mut command =
            worker(own, database, &["--slots", "1", "--until-empty", "--lease", "4", "--timeout", "8"]);
        if let Some(library) = wrong_clock.filter(|_| at == 0) {
            command.env("LD_PRELOAD", library);
        }
        command.stderr(log).stdout(Stdio::null()).spawn().unwrap()
    }

    /// Hires anew where somebody is gone. False once all have ended of themselves.
    fn keep_up(&mut self) -> bool {
        let mut working = false;
        for (at, hand) in self.hands.iter_mut().enumerate() {
            match hand.try_wait().unwrap() {
                None => working = true,
                Some(status) if status.success() => {}
                Some(_) => {
                    *hand = Self::hire(self.database, self.own.path(), at, self.wrong_clock.as_deref());
                    working = true;
                }
            }
        }
        working
    }

    fn said(&self) -> String {
        std::fs::read_to_string(self.own.path().join("log")).unwrap_or_default()
    }
}

impl Drop for Fleet<'_> {
    fn drop(&mut self) {
        for hand in &mut self.hands {
            let _ = hand.kill();
            let _ = hand.wait();
        }
    }
}

/// Kills whoever holds the poison that was just asked for.
fn avenge(fake: &Fake, database: &Database, over: &AtomicBool, avenged: &AtomicU32) {
    let swallowed = fake.swallowed.lock().unwrap();
    while !over.load(Ordering::Relaxed) {
        let Ok(path) = swallowed.recv_timeout(Duration::from_millis(50)) else { continue };
        // `HOST:PID`; nobody, if the worker was killed for another reason meanwhile, and nothing while the database is down.
        let sql = format!(
            "SELECT worker FROM catalogue_queue.jobs WHERE state = 'leased' AND lease_until > clock_timestamp() AND target LIKE '%{path}'"
        );
        for _ in 0..40 {
            let Ok(rows) = database.server.sql(&database.name, &sql) else {
                std::thread::sleep(Duration::from_millis(100));
                continue;
            };
            if let Some(worker) = rows.first().and_then(|row| row[0].as_deref()) {
                let pid = worker.rsplit_once(':').unwrap().1.parse().unwrap();
                signal(pid, "KILL");
                avenged.fetch_add(1, Ordering::Relaxed);
            }
            break;
        }
    }
}

fn share_done(database: &Database) -> Option<f64> {
    let sql = "SELECT count(*) FILTER (WHERE state = 'done')::float8 / count(*) FROM catalogue_queue.jobs";
    database.server.sql(&database.name, sql).ok()?.first()?[0].as_deref()?.parse().ok()
}

fn play(plan: &Plan, seed: u64) {
    let Some(server) = Server::start(&[]) else { return };
    let database = Database::make(Arc::new(server));
    let fake = Fake::start();
    let kinds = |kind: &'static str, count: usize| (0..count).map(move |n| format!("/{kind}/{n}"));
    let healthy = plan.targets - plan.poison - plan.hang - plan.eat;
    let mut paths: Vec<String> = kinds("calm", healthy).collect();
    let mut dice = Dice(seed * 7919 + 1);
    for path in kinds("poison", plan.poison).chain(kinds("hang", plan.hang)).chain(kinds("eats", plan.eat)) {
        let at = dice.below(paths.len());
        paths.insert(at, path);
    }
    let var = tempfile::tempdir().unwrap();
    let targets: Vec<String> = paths.iter().map(|path| fake.target(path)).collect();
    let file = list(var.path(), &targets);
    // Two coordinators enqueue the same run at the same time.
    let coordinators: Vec<Child> = (0..2)
        .map(|_| {
            let mut command = keeper(var.path(), &database, &["scan", "--json", "-q"]);
            command.arg("--from").arg(&file).stdout(Stdio::piped()).spawn().unwrap()
        })
        .collect();
    let new: u64 = coordinators
        .into_iter()
        .map(|child| {
            let output = child.wait_with_output().unwrap();
            assert!(output.status.success());
            serde_json::from_slice::<Value>(&output.stdout).unwrap()["enqueued"].as_u64().unwrap()
        })
        .sum();
    assert_eq!(new, plan.targets as u64, "both together, each once");

    let begun = Instant::now();
    let (over, avenged) = (AtomicBool::new(false), AtomicU32::new(0));
    let mut done = Done::default();
    let mut fleet = Fleet::start(&database, plan.workers);
    std::thread::scope(|scope| {
        scope.spawn(|| avenge(&fake, &database, &over, &avenged));
        let mut stopped: Vec<(u32, Instant)> = Vec::new();
        let mut next = Instant::now() + plan.every;
        let (mut collected, mut done_then) = (false, 0.0);
        while fleet.keep_up() {
            assert!(begun.elapsed() < Duration::from_secs(900), "it does not end: {}", fleet.said());
            std::thread::sleep(Duration::from_millis(40));
            stopped.retain(|(pid, since)| {
                // Past the lease: whoever wakes up then holds nothing any more.
                let asleep = since.elapsed() < Duration::from_secs(6);
                if !asleep {
                    signal(*pid, "CONT");
                }
                asleep
            });
            if Instant::now() < next {
                continue;
            }
            // The end is calm, or healthy targets that are left with the poison would be killed a third time; and on a busy
            // machine, where workers take long to start, somebody gets something done in between.
            let Some(share) = share_done(&database) else { continue };
            if share > 0.85 || (share - done_then) * (plan.targets as f64) < 2.0 {
                continue;
            }
            next = Instant::now() + plan.every;
            done_then = share;
            let due = f64::from(done.server_kills + 1) / f64::from(plan.server_kills + 1) * 0.8;
            if done.server_kills < plan.server_kills && share > due {
                database.server.kill();
                done.server_kills += 1;
                database.server.up();
                continue;
            }
            let hand = &fleet.hands[dice.below(fleet.hands.len())];
            let is_asleep = stopped.iter().any(|(pid, _)| *pid == hand.id());
            if (done.worker_kills + done.stops) % 4 == 2 && !is_asleep {
                signal(hand.id(), "STOP");
                stopped.push((hand.id(), Instant::now()));
                done.stops += 1;
            } else {
                signal(hand.id(), "KILL");
                stopped.retain(|(pid, _)| *pid != hand.id());
                done.worker_kills += 1;
            }
            if share > 0.4 && !collected {
                // The coordinator reads, and enqueues the same again, in the middle of it.
                collected =
                    keeper(var.path(), &database, &["collect", "-q", "--db", "out.db", "--clock", CLOCK])
                        .status()
                        .unwrap()
                        .success();
            }
        }
        over.store(true, Ordering::Relaxed);
    });
    let number = |sql: &str| database.number(sql);
    let seconds = begun.elapsed().as_secs_f64();
    let attempts = number("SELECT sum(attempt) FROM catalogue_queue.jobs");
    let quarantined = number("SELECT count(*) FROM catalogue_queue.jobs WHERE outcome = 'quarantined'");
    let again = attempts - quarantined - i64::try_from(plan.targets).unwrap();
    println!(
        "seed {seed}: {} targets in {seconds:.1} s, {done:?}, poison took {} workers, {again} executed again, {quarantined} quarantined",
        plan.targets,
        avenged.load(Ordering::Relaxed)
    );
    assert!(done.worker_kills > 1 && done.stops > 0 && done.server_kills > 0, "there was no chaos: {done:?}");
    assert_eq!(number("SELECT count(*) FROM catalogue_queue.jobs WHERE state <> 'done'"), 0);
    assert_eq!(number("SELECT count(*) FROM catalogue_queue.results"), new as i64, "exactly one result each");
    assert_eq!(number("SELECT count(DISTINCT job_id) FROM catalogue_queue.results"), new as i64);
    // What a calm run would have come to, target by target.
    let mut wanted: BTreeMap<String, &str> = BTreeMap::new();
    for (path, target) in paths.iter().zip(&targets) {
        let outcome = match path.split('/').nth(1).unwrap() {
            "calm" => "ok",
            "hang" => "timed-out",
            "eats" => "too-large",
            _ => "quarantined",
        };
        wanted.insert(format!("remote:{target}"), outcome);
    }
    let rows = database.sql("SELECT target, outcome FROM catalogue_queue.jobs");
    let got: BTreeMap<String, String> =
        rows.into_iter().map(|row| (row[0].clone().unwrap(), row[1].clone().unwrap())).collect();
    let wrong: BTreeSet<String> = wanted
        .iter()
        .filter(|(target, outcome)| got.get(*target).map(String::as_str) != Some(**outcome))
        .map(|(target, outcome)| format!("{target}: {:?}, not {outcome}", got.get(target)))
        .collect();
    assert!(wrong.is_empty() && got.len() == wanted.len(), "{wrong:?}\n{}", fleet.said());
    // A death of the database costs nothing: a claim is answered again, a result is delivered later. So it is not among the kills.
    let most = i64::from(done.worker_kills + done.stops) + 2 * i64::try_from(plan.poison).unwrap();
    // The short play runs beside all other tests: a starved machine may let one lease of four seconds lapse at each worker.
    let most = most + if plan.targets < FULL.targets { i64::try_from(plan.workers).unwrap() } else { 0 };
    assert!(again <= most, "{again} executed again, at most {most} are to be expected\n{}", fleet.said());
    printed(&mut keeper(var.path(), &database, &["collect", "-q", "--db", "out.db", "--clock", CLOCK]));
    let db = catalogue::store::Store::open_read_only(&var.path().join("out.db")).unwrap();
    let count = |sql: &str| db.query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap();
    assert_eq!(count("SELECT count(*) FROM probes WHERE finished_at IS NOT NULL"), new as i64);
    assert_eq!(count("SELECT count(DISTINCT name) FROM definitions"), healthy as i64, "each its own tool");
    drop(db);
    // One process that is started again for poison looks at every server behind an address again: so poison has a list of its own.
    let is_poison = |target: &&String| target.contains("/poison/");
    let lists = [false, true].map(|poison| {
        let folder = tempfile::tempdir().unwrap();
        let some: Vec<String> =
            targets.iter().filter(|target| is_poison(target) == poison).cloned().collect();
        (list(folder.path(), &some), folder)
    });
    let lists = [lists[0].0.as_path(), lists[1].0.as_path()];
    let calm = scan_alone(&fake, &lists, "alone", &[]);
    same(&calm, "alone", var.path(), "out");
    in_shards(&fake, &lists, calm.path());
}

/// Every stored time.
const CLOCK: &str = "fixed:2026-03-01T12:00:00Z";
const AS_OF: &str = "2026-03-01T12:00:00Z";

/// The same targets scanned by one process, list after list; it is started again where poison takes it down.
fn scan_alone(fake: &Fake, lists: &[&Path], name: &str, more: &[&str]) -> tempfile::TempDir {
    let folder = in_memory();
    for list in lists {
        scan_into(fake, list, folder.path(), name, more);
    }
    folder
}

/// A scan that is started again looks at every target again, each with two writes that are waited for.
fn in_memory() -> tempfile::TempDir {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() }.unwrap()
}

fn scan_into(fake: &Fake, list: &Path, folder: &Path, name: &str, more: &[&str]) {
    let swallowed = fake.swallowed.lock().unwrap();
    // What was swallowed before is over.
    while swallowed.try_recv().is_ok() {}
    let begun = Instant::now();
    loop {
        assert!(begun.elapsed() < Duration::from_secs(1800), "it does not end");
        let mut command = crate::catalogue(folder);
        command.args(["scan", "-q", "--sandbox", "none", "--jobs", "4", "--timeout", "8", "--clock", CLOCK]);
        command.arg("--db").arg(format!("{name}.db")).arg("--from").arg(list).args(more);
        let log = std::fs::File::create(folder.join(format!("{name}.log"))).unwrap();
        let mut scan = command.stderr(log).stdout(Stdio::null()).spawn().unwrap();
        let ended = loop {
            if swallowed.recv_timeout(Duration::from_millis(20)).is_ok() {
                signal(scan.id(), "KILL");
            }
            if let Some(status) = scan.try_wait().unwrap() {
                break status;
            }
        };
        if ended.code().is_some() {
            let said = std::fs::read_to_string(folder.join(format!("{name}.log"))).unwrap();
            assert!(ended.success(), "{ended}: {said}");
            return;
        }
    }
}

fn export(folder: &Path, name: &str) -> String {
    let db = format!("{name}.db");
    printed(crate::catalogue(folder).args(["db", "export", "--comparable", "--db", &db]))
}

/// Two databases hold the same catalogue, and the same site is built from either.
fn same(calm: &tempfile::TempDir, alone: &str, fleet: &Path, collected: &str) {
    let (wanted, got) = (export(calm.path(), alone), export(fleet, collected));
    let differs = wanted.lines().zip(got.lines()).find(|(wanted, got)| wanted != got);
    assert!(wanted == got, "{} and {} lines; first {differs:?}", wanted.lines().count(), got.lines().count());
    assert!(wanted.lines().count() > 50 && wanted.contains("quarantined"), "{}", wanted.lines().count());
    let sites = [(calm.path(), alone), (fleet, collected)].map(|(folder, name)| {
        let out = fleet.join(format!("{name}-site"));
        let mut build = crate::catalogue(folder);
        build.args(["build", "-q", "--as-of", AS_OF, "--db", &format!("{name}.db"), "--out"]).arg(&out);
        printed(&mut build);
        files(&out)
    });
    assert!(sites[0].len() > 100, "{}", sites[0].len());
    let names = |files: &BTreeMap<String, Vec<u8>>| files.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&sites[0]), names(&sites[1]));
    for (name, bytes) in &sites[0] {
        assert!(sites[1][name] == *bytes, "{name} differs");
    }
    println!("{} lines and {} files of the site are the same", wanted.lines().count(), sites[0].len());
}

fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let (mut found, mut waiting) = (BTreeMap::new(), vec![folder.to_owned()]);
    while let Some(path) = waiting.pop() {
        for entry in std::fs::read_dir(&path).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                waiting.push(path);
            } else {
                let name = path.strip_prefix(folder).unwrap().to_string_lossy().into_owned();
                found.insert(name, std::fs::read(&path).unwrap());
            }
        }
    }
    found
}

/// Without a queue: each of three machines scans its part of the list, and what they found is merged.
fn in_shards(fake: &Fake, lists: &[&Path], calm: &Path) {
    let folder = in_memory();
    for (part, list) in (0..3).flat_map(|part| lists.iter().map(move |list| (part, list))) {
        scan_into(fake, list, folder.path(), &format!("part{part}"), &["--shard", &format!("{part}/3")]);
    }
    let wanted = export(calm, "alone");
    for (into, order) in
        [("a", ["part0.db", "part1.db", "part2.db"]), ("b", ["part2.db", "part0.db", "part1.db"])]
    {
        let into_db = format!("{into}.db");
        printed(crate::catalogue(folder.path()).arg("merge").args(order).args(["--into", &into_db]));
        assert!(export(folder.path(), into) == wanted, "merged as {order:?}");
    }
}

/// A library that puts the wall clock an hour ahead for a program; None, said so, without a C compiler.
fn wrong_clock(folder: &Path) -> Option<std::path::PathBuf> {
    let text = "#define _GNU_SOURCE\n#include <time.h>\n#include <unistd.h>\n#include <sys/syscall.h>\n\
        int clock_gettime(clockid_t which, struct timespec *now) {\n\
          int failed = syscall(SYS_clock_gettime, which, now);\n\
          if (!failed && which == CLOCK_REALTIME) now->tv_sec += 3600;\n\
          return failed;\n}\n";
    let (source, library) = (folder.join("ahead.c"), folder.join("ahead.so"));
    std::fs::write(&source, text).unwrap();
    let made =
        std::process::Command::new("cc").args(["-shared", "-fPIC", "-o"]).arg(&library).arg(&source).status();
    if !made.is_ok_and(|status| status.success()) {
        println!("skipped: a worker whose clock is wrong: there is no C compiler");
        return None;
    }
    Some(library)
}

#[test]
fn a_wrong_clock_is_wrong() {
    let folder = tempfile::tempdir().unwrap();
    let Some(library) = wrong_clock(folder.path()) else { return };
    let output = std::process::Command::new("date").arg("+%s").env("LD_PRELOAD", library).output();
    let ahead: i64 = String::from_utf8(output.unwrap().stdout).unwrap().trim().parse().unwrap();
    let here = jiff::Timestamp::now().as_second();
    assert!((ahead - here - 3600).abs() < 60, "{ahead}, {here}");
}

#[test]
fn whatever_is_killed_every_target_has_one_result_and_only_poison_is_set_aside() {
    let said = std::env::var("QUEUE_CHAOS").unwrap_or_default();
    match said.strip_prefix("full") {
        Some("") => (1..=5).for_each(|seed| play(&FULL, seed)),
        // `full:3`: one seed of them.
        Some(seed) => play(&FULL, seed.trim_start_matches(':').parse().unwrap()),
        None => play(&SHORT, 1),
    }
}
