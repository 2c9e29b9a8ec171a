//! The loop: what was found before first, then made-up input until the time is over; what breaks is made small and kept.

use std::cell::Cell;
use std::collections::HashSet;
use std::hash::{BuildHasher, RandomState};
use std::os::unix::fs::FileExt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Once};
use std::time::{Duration, Instant};

use crate::random::Random;

/// Inputs that are kept for mutation.
const KEPT: usize = 4_000;
/// One input may use a processor so long; tests are built without optimisation.
const MOST: Duration = Duration::from_secs(if cfg!(debug_assertions) { 10 } else { 1 });
/// And so long by the clock, on machines that do other things: then it hangs.
const HANGS: Duration = Duration::from_secs(120);
/// Spent on making a broken input small.
const SHRINKING: Duration = Duration::from_secs(5);

/// A place that hostile input passes.
pub(crate) struct Fuzz {
    pub(crate) name: &'static str,
    /// Input that gets past the first lines of the reader.
    pub(crate) generate: fn(&mut Random) -> Vec<u8>,
    /// Words put in by mutation.
    pub(crate) words: &'static [&'static str],
    /// Panics where a promise is broken; says what came of it, as a number: new ones are kept.
    pub(crate) run: fn(&[u8]) -> u64,
}

thread_local! {
    static QUIET: Cell<bool> = const { Cell::new(false) };
}

/// Broken promises are told once and small, not each time on the way there.
fn quiet_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            if !QUIET.get() {
                before(info);
            }
        }));
    });
}

/// Runs a target for `FUZZ_SECONDS`.
pub(crate) fn fuzz(target: &Fuzz) {
    let number = |name| std::env::var(name).ok().map(|text| text.parse::<u64>().expect("a number"));
    let seconds = number("FUZZ_SECONDS").unwrap_or(60);
    let seed = number("FUZZ_SEED").unwrap_or_else(|| RandomState::new().hash_one(target.name));
    let found = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/found").join(target.name);
    let under_way = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("fuzz-{}", target.name));
    quiet_panics();
    keep_what_ended_the_process(&under_way, &found);
    let known = replay(target, &found);
    // What is made once, such as the rules, is no input's fault.
    let _ = tried(target, &(target.generate)(&mut Random::new(seed)));
    let now = UnderWay::begin(under_way, &found);
    let mut random = Random::new(seed);
    let mut kept: Vec<Vec<u8>> = (0..64).map(|_| (target.generate)(&mut random)).collect();
    let mut seen = HashSet::new();
    let begun = Instant::now();
    let (mut runs, mut slowest) = (0_u64, Duration::ZERO);
    while begun.elapsed() < Duration::from_secs(seconds) {
        let mut input = match random.below(3) {
            0 => (target.generate)(&mut random),
            _ => kept[random.below(kept.len())].clone(),
        };
        if !random.once_in(4) {
            let other = kept[random.below(kept.len())].clone();
            random.mutate(&mut input, &other, target.words);
        }
        now.is(&input);
        let started = Instant::now();
        let mut came = tried(target, &input);
        let took = started.elapsed();
        if took > MOST && came.is_ok() {
            let used = processor_time();
            came = tried(target, &input);
            let used = processor_time().saturating_sub(used);
            if used > MOST {
                came = Err(format!("it takes {used:?} of a processor"));
            }
        }
        now.is_over();
        runs += 1;
        slowest = slowest.max(took);
        match came {
            Ok(came) => {
                if seen.insert(came) && kept.len() < KEPT {
                    kept.push(input);
                }
            }
            Err(why) => {
                let small = made_small(target, input);
                let path = keep(&found, &small);
                panic!(
                    "fuzz {}, seed {seed}: {why}\n  kept in {}: {:?}",
                    target.name,
                    path.display(),
                    lossy(&small)
                );
            }
        }
    }
    now.end();
    println!(
        "fuzz {}: {runs} runs in {} s, {} different ends, {} inputs replayed, slowest {} ms, 0 broken; seed {seed}",
        target.name,
        begun.elapsed().as_secs(),
        seen.len(),
        known,
        slowest.as_millis()
    );
    assert!(runs >= seconds.min(10), "{runs} runs are too few to prove anything");
}

fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).chars().take(300).collect()
}

fn tried(target: &Fuzz, input: &[u8]) -> Result<u64, String> {
    QUIET.set(true);
    let came = catch_unwind(AssertUnwindSafe(|| (target.run)(input)));
    QUIET.set(false);
    came.map_err(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        text.or_else(|| panic.downcast_ref::<&str>().map(|t| (*t).to_owned())).unwrap_or_default()
    })
}

/// What this thread has used of a processor; source: the kernel's documentation, sched-stats.
fn processor_time() -> Duration {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    Duration::from_nanos(stat.split(' ').next().and_then(|n| n.parse().ok()).unwrap_or_default())
}

/// Plays everything that was found before, aloud.
fn replay(target: &Fuzz, found: &Path) -> usize {
    let Ok(entries) = std::fs::read_dir(found) else { return 0 };
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    for path in &paths {
        println!("fuzz {}: {}", target.name, path.display());
        (target.run)(&std::fs::read(path).unwrap());
    }
    paths.len()
}

/// Takes pieces away as long as it stays broken.
fn made_small(target: &Fuzz, mut input: Vec<u8>) -> Vec<u8> {
    let until = Instant::now() + SHRINKING;
    let mut piece = input.len() / 2;
    while piece > 0 && Instant::now() < until {
        let mut at = 0;
        while at < input.len() && Instant::now() < until {
            let mut less = input.clone();
            less.drain(at..(at + piece).min(input.len()));
            if tried(target, &less).is_err() {
                input = less;
            } else {
                at += piece;
            }
        }
        piece /= 2;
    }
    input
}

fn keep(found: &Path, input: &[u8]) -> PathBuf {
    std::fs::create_dir_all(found).unwrap();
    let name: String = catalogue::model::digest::sha256_hex(input).chars().take(16).collect();
    let path = found.join(name);
    std::fs::write(&path, input).unwrap();
    path
}

/// The input of this moment, on disk: a process that is ended cannot say which it was.
struct UnderWay {
    path: PathBuf,
    file: std::fs::File,
    /// Milliseconds since the beginning, plus one, at which the present input began; 0 between two.
    since: Arc<AtomicU64>,
    begun: Instant,
}

impl UnderWay {
    fn begin(path: PathBuf, found: &Path) -> Self {
        let file =
            std::fs::File::options().create(true).truncate(true).read(true).write(true).open(&path).unwrap();
        let (since, begun) = (Arc::new(AtomicU64::new(0)), Instant::now());
        let (watched, from, found) = (since.clone(), path.clone(), found.to_owned());
        std::thread::spawn(move || {
            loop {
                std::thread::sleep(Duration::from_millis(500));
                let since = watched.load(Ordering::SeqCst);
                if since == u64::MAX {
                    return;
                }
                if since > 0 && begun.elapsed() > HANGS + Duration::from_millis(since) {
                    keep_what_ended_the_process(&from, &found);
                    println!("fuzz: an input takes longer than {HANGS:?}; it is kept in {}", found.display());
                    std::process::abort();
                }
            }
        });
        Self { path, file, since, begun }
    }

    fn is(&self, input: &[u8]) {
        let mut bytes = u32::try_from(input.len()).unwrap().to_le_bytes().to_vec();
        bytes.extend_from_slice(input);
        self.file.write_all_at(&bytes, 0).unwrap();
        self.since.store(u64::try_from(self.begun.elapsed().as_millis()).unwrap() + 1, Ordering::SeqCst);
    }

    fn is_over(&self) {
        self.since.store(0, Ordering::SeqCst);
    }

    fn end(self) {
        self.since.store(u64::MAX, Ordering::SeqCst);
        let _ = std::fs::remove_file(&self.path);
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        // A broken promise is told by a panic: then the input was kept already.
        self.since.store(u64::MAX, Ordering::SeqCst);
        let _ = std::fs::remove_file(&self.path);
    }
}

/// A file that is still there is of a run that was ended: its input is kept, and played first. A run that was only stopped from
/// outside leaves a harmless one.
fn keep_what_ended_the_process(under_way: &Path, found: &Path) {
    let Ok(bytes) = std::fs::read(under_way) else { return };
    let _ = std::fs::remove_file(under_way);
    if let Some((length, rest)) = bytes.split_first_chunk::<4>()
        && let Some(input) = rest.get(..u32::from_le_bytes(*length) as usize)
    {
        keep(found, input);
    }
}

/// One number for anything that can be shown.
pub(crate) fn number_of(what: impl std::fmt::Debug) -> u64 {
    let text = format!("{what:?}");
    text.bytes().fold(0xCBF2_9CE4_8422_2325, |hash, b| (hash ^ u64::from(b)).wrapping_mul(0x100_0000_01B3))
}
