//! Made-up servers in this machine's sandbox, asked as a scan asks any server: for `catalogue selftest`.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use anyhow::Context;
use tokio::io::{AsyncBufReadExt, AsyncReadExt};
use tokio_util::sync::CancellationToken;
use url::Url;

use super::super::settings::Settings;
use super::{DEFAULT_CACHE_MAX, ScanOptions, default_jobs, kit, stop_on_signal};
use crate::config::limits::Limits;
use crate::http::{Client, Reach};
use crate::model::{MemoryBound, Probe, SandboxLevel, ServerKey, Target};
use crate::probe::runner::Prober;
use crate::probe::sandbox::{BoxSpec, BoxedProcess, Sandbox, Wanted};
use crate::probe::{local, remote};
use crate::progress::Bar;
use crate::selftest::{Bait, HEAVY, Left, REMOTE, Row, Seen, Topic, leftovers};

/// What a server may take that will answer, however busy the machine is.
const SESSION_SECONDS: u64 = 45;
/// One that never answers is waited for so long: longer than a message may drip.
const IN_VAIN_SECONDS: u64 = 16;
/// Servers that never answer, waited for at once.
const IN_VAIN_JOBS: usize = 12;
/// Smaller than a scan's, so that a row that is not held does not take a small machine down.
const MEMORY_BYTES: u64 = 512 << 20;
/// One scanner's boxes get this many user ids; see `BoxSpec::slot`.
const SLOTS: u32 = 64;
/// Remote rows asked at once.
const REMOTE_JOBS: usize = 16;
/// The first words of the process that plays them come within this.
const REMOTE_STARTS: Duration = Duration::from_secs(10);

/// What came of a trial.
pub(in crate::cli) struct Trial {
    /// The level that was taken.
    pub(in crate::cli) level: SandboxLevel,
    /// What bounds the memory of a box's tree.
    pub(in crate::cli) memory_bound: MemoryBound,
    /// Why that is no cgroup, where it is none.
    pub(in crate::cli) without_cgroup: Option<String>,
    /// Why no stronger one.
    pub(in crate::cli) notes: Vec<String>,
    /// The healthy rows alone, in their order.
    pub(in crate::cli) quiet: Vec<(&'static Row, Probe)>,
    /// All rows together, in their order.
    pub(in crate::cli) together: Vec<(&'static Row, Probe)>,
    /// What was touched outside.
    pub(in crate::cli) seen: Seen,
    /// The process outside was still there in the end.
    pub(in crate::cli) outside_alive: bool,
    /// What stayed behind.
    pub(in crate::cli) left: Left,
    /// Most resident memory of this process above what it had before, KiB.
    pub(in crate::cli) grown_kib: u64,
    /// What single rows of [`HEAVY`] took, asked alone: KiB above what this process had when it was idle.
    pub(in crate::cli) heavy: Vec<(&'static str, u64)>,
    /// Ended by Ctrl-C.
    pub(in crate::cli) interrupted: bool,
    /// Wall seconds.
    pub(in crate::cli) seconds: f64,
}

/// Plays `rows` in the sandbox that `options` ask for: the healthy ones alone first, then all together.
///
/// # Errors
/// No sandbox can be had, or the bait cannot be laid out.
pub(in crate::cli) fn try_rows(
    settings: &Settings,
    options: &ScanOptions,
    rows: &[&'static Row],
    bar: &Bar,
) -> anyhow::Result<Trial> {
    let begun = Instant::now();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("the scanner's threads cannot be started")?;
    let trial = runtime.block_on(played(settings, options, rows, bar));
    runtime.shutdown_timeout(Duration::from_millis(200));
    let mut trial = trial?;
    trial.seconds = begun.elapsed().as_secs_f64();
    Ok(trial)
}

async fn played(
    settings: &Settings,
    options: &ScanOptions,
    rows: &[&'static Row],
    bar: &Bar,
) -> anyhow::Result<Trial> {
    let cancel = CancellationToken::new();
    let stop = cancel.clone();
    let signals = tokio::spawn(async move { stop_on_signal(&stop).await });
    let program = std::env::current_exe().context("this program's own file is not known")?;
    let data = settings.data_files()?;
    let server = ServerKey::local("selftest").context("the name is constant")?;
    let anything =
        Target::Local { server, command: Vec::new(), env: BTreeMap::new(), fresh: true, folder: None };
    let needs = kit::Needs::of(&[anything], options);
    bar.note("looking for programs");
    let prepared = kit::prepare(settings, &data, &needs, bar).await?;
    let cache = kit::open_cache(settings, DEFAULT_CACHE_MAX)?;
    let limits = Limits { session_seconds: SESSION_SECONDS, memory_bytes: MEMORY_BYTES, ..Limits::default() };
    let jobs = options.jobs.map_or_else(default_jobs, usize::from).min(SLOTS as usize - IN_VAIN_JOBS);
    let prober =
        kit::prober(&prepared, &data, settings, options, cache, limits, Vec::new(), jobs, &cancel).await?;

    let place =
        tempfile::Builder::new().prefix("catalogue-selftest-").tempdir().context("no temporary folder")?;
    // Everybody may enter: what protects the bait must be the box, not the folder.
    fs_err::set_permissions(place.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755))?;
    let here = place.path().join("here");
    fs_err::create_dir(&here)?;
    let word = place.path().file_name().unwrap_or_default().to_string_lossy().into_owned();
    let folder = place.path().join("bait");
    let bait = Bait::lay(&folder, &word).context("the bait cannot be laid out")?;
    let segments = leftovers::segments();
    let open = Sandbox::choose(Wanted::None, None, &prober.scratch).await?;
    let mut spec = BoxSpec::new("/bin/sh", &prober.scratch);
    spec = spec.args(["-c", "while :; do sleep 1; done", &format!("bait-{word}")]);
    spec.env.extend([bait.secret(), ("PATH".to_owned(), "/usr/bin:/bin".to_owned())]);
    let outside = open.start(&spec).context("the process outside cannot be started")?;
    let told = serde_json::to_string(&bait.told(outside.id()))?;

    let mut far = BoxSpec::new(&program, &prober.scratch);
    far = far.args(["__hostile".to_owned(), REMOTE.to_owned(), told.clone()]);
    let mut far = open.start(&far).context("the remote servers cannot be started")?;
    let remote = remote_port(&mut far).await.context("the remote servers do not say where they listen")?;

    let before = memory("VmRSS:");
    let play = Play { prober: &prober, program, here, told, bar, client: Client::default(), remote };
    let healthy: Vec<&'static Row> = rows.iter().copied().filter(|r| r.topic == Topic::Healthy).collect();
    let heavy = play.heavy(rows, before).await?;
    let quiet = play.all(&healthy, jobs, 0).await?;
    // Those that are waited for in vain take time and no processor: they have turns of their own, as the remote ones have.
    let (remote, near): (Vec<_>, Vec<_>) = rows.iter().copied().partition(|row| row.is_remote());
    let (vain, near): (Vec<_>, Vec<_>) = near.into_iter().partition(|row| row.is_waited_for_in_vain());
    let near = mixed(&near);
    let (near, vain, remote) = tokio::join!(
        play.all(&near, jobs, IN_VAIN_JOBS),
        play.all(&vain, IN_VAIN_JOBS, 0),
        play.all(&remote, REMOTE_JOBS, 0),
    );
    let mut together = [near?, vain?, remote?].concat();
    let place_of = |name: &str| rows.iter().position(|row| row.name == name);
    together.sort_by_key(|(row, _)| place_of(row.name));
    let grown_kib = memory("VmHWM:").saturating_sub(before);
    let seen = bait.look();
    let outside_alive = outside.is_running();
    outside.end().await;
    drop(play);
    far.end().await;
    let cgroups = || prober.sandbox.cgroups_left();
    let left = leftovers::look(&word, &prober.scratch, place.path(), segments, cgroups);
    signals.abort();
    Ok(Trial {
        level: prober.sandbox.level(),
        memory_bound: prober.sandbox.memory_bound(),
        without_cgroup: prober.sandbox.without_cgroup().map(str::to_owned),
        notes: prober.sandbox.notes().to_vec(),
        quiet,
        together,
        seen,
        outside_alive,
        left,
        grown_kib,
        heavy,
        interrupted: cancel.is_cancelled(),
        seconds: 0.0,
    })
}

/// The port that the process of the remote rows says it listens on.
async fn remote_port(far: &mut BoxedProcess) -> anyhow::Result<u16> {
    let mut line = String::new();
    let said = far.stdout.take().context("it has no output")?;
    let mut said = tokio::io::BufReader::new(said).take(100);
    tokio::time::timeout(REMOTE_STARTS, said.read_line(&mut line)).await.context("it says nothing")??;
    line.trim().parse().with_context(|| format!("it says {line:?}"))
}

/// The healthy rows spread evenly among the others.
fn mixed(rows: &[&'static Row]) -> Vec<&'static Row> {
    let (mut healthy, hostile): (Vec<_>, Vec<_>) =
        rows.iter().copied().partition(|r| r.topic == Topic::Healthy);
    healthy.reverse();
    let every = (hostile.len() / healthy.len().max(1)).max(1);
    let mut mixed = Vec::with_capacity(rows.len());
    for (i, row) in hostile.into_iter().enumerate() {
        if i % every == 0 {
            mixed.extend(healthy.pop());
        }
        mixed.push(row);
    }
    mixed.extend(healthy.into_iter().rev());
    mixed
}

struct Play<'a> {
    prober: &'a Prober,
    program: PathBuf,
    here: PathBuf,
    told: String,
    bar: &'a Bar,
    client: Client,
    remote: u16,
}

impl Play<'_> {
    /// So many at a time; what came of them in the order of `rows`. Their boxes have users of their own from `first_slot` on.
    async fn all(
        &self,
        rows: &[&'static Row],
        jobs: usize,
        first_slot: usize,
    ) -> anyhow::Result<Vec<(&'static Row, Probe)>> {
        let next = Mutex::new(rows.iter().enumerate());
        let done = Mutex::new(Vec::new());
        let work = async |turn: usize| {
            let index = u32::try_from(first_slot + turn).unwrap_or(0) % SLOTS;
            let slot = 1 + (std::process::id() % 100) * SLOTS + index;
            loop {
                let taken = next.lock().ok().and_then(|mut rows| rows.next());
                let Some((at, row)) = taken.filter(|_| !self.prober.cancel.is_cancelled()) else {
                    return anyhow::Ok(());
                };
                self.bar.begin(row.name);
                let Some(probe) = self.one(row, slot).await? else { return anyhow::Ok(()) };
                self.bar.end(row.name, true);
                if let Ok(mut done) = done.lock() {
                    done.push((at, *row, probe));
                }
            }
        };
        let ended = futures_util::future::join_all((0..jobs.max(1)).map(work)).await;
        ended.into_iter().collect::<anyhow::Result<()>>()?;
        let mut done = done.into_inner().unwrap_or_default();
        done.sort_by_key(|(at, _, _)| *at);
        Ok(done.into_iter().map(|(_, row, probe)| (row, probe)).collect())
    }

    /// Asks the heavy ones of `rows` one by one: how far this process grew above `idle` KiB for each.
    async fn heavy(&self, rows: &[&'static Row], idle: u64) -> anyhow::Result<Vec<(&'static str, u64)>> {
        let mut grown = Vec::new();
        for row in rows.iter().filter(|row| HEAVY.contains(&row.name)) {
            // Lowers the highest mark to what is used now. Not every kernel can: the mark is then that of the whole run.
            let _ = fs_err::write("/proc/self/clear_refs", "5");
            if self.all(&[*row], 1, 0).await?.is_empty() {
                break;
            }
            grown.push((row.name, memory("VmHWM:").saturating_sub(idle)));
        }
        Ok(grown)
    }

    /// None if the run was ended meanwhile.
    async fn one(&self, row: &'static Row, slot: u32) -> anyhow::Result<Option<Probe>> {
        let mut limits = self.prober.limits.clone();
        if row.is_waited_for_in_vain() {
            limits.session_seconds = IN_VAIN_SECONDS;
        }
        if row.is_remote() {
            let address = format!("http://127.0.0.1:{}/{}", self.remote, row.name);
            let address = Url::parse(&address).context("an address of numbers and a row's name")?;
            let shown = row.name.to_owned();
            let asking = remote::ask(&self.client, &address, Reach::Typed, &limits, shown);
            return tokio::select! {
                probe = asking => Ok(Some(probe)),
                () = self.prober.cancel.cancelled() => Ok(None),
            };
        }
        let program = self.program.to_string_lossy().into_owned();
        let command = [program, "__hostile".to_owned(), row.name.to_owned(), self.told.clone()];
        let prober = self.prober;
        let mut spec =
            local::spec(&prober.sandbox, &command, &BTreeMap::new(), &self.here, &[], &prober.scratch)
                .await
                .map_err(|why| anyhow::anyhow!("{}: {why}", row.name))?;
        spec.slot = slot;
        spec.limits.memory_bytes = prober.limits.memory_bytes;
        Ok(Some(prober.local(spec, vec![row.name.to_owned()], &limits, |_, _| {}).await))
    }
}

/// A line of this process's own status, KiB.
fn memory(line: &str) -> u64 {
    let status = fs_err::read_to_string("/proc/self/status").unwrap_or_default();
    let value = status.lines().find_map(|l| l.strip_prefix(line));
    value.and_then(|v| v.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}
