//! What the site costs, on a file system in memory: the real program over made-up catalogues, every figure a ratio taken in one run.
//!
//! `cargo bench --bench site -- SERVERS…` (default 1075: some 9,000 tools; 12000 and 48000 are the larger ones). For each size: the catalogue is
//! made, then built in rounds of `build with two threads, plain write of the same tree beside it, the same without it, build with one`,
//! each into memory that was just written and given back (a virtual machine may hand free memory to its host, and the first to write
//! there waits for it); then one server changes, the site is brought up to date and compared with one that is built anew. Pages and
//! their JSON, as the bars of the issue have it: the other twins and copies are switched off. CATALOGUE_BENCH_DIR names the folder,
//! /dev/shm if it is there; CATALOGUE_BENCH_PROGRAM another build of the program.
//!
//! `cargo bench --bench site -- hugo TOOLS…` compares with Hugo and Zola on the same content (`site/others.rs`).
//!
//! Wall time says something on a machine that does nothing else; on a shared one the ratio of processor time does.

#![expect(clippy::print_stdout, reason = "a benchmark prints its figures")]
#![expect(clippy::disallowed_methods, reason = "a benchmark starts the program it measures")]

#[path = "site/layouts.rs"]
mod layouts;
#[path = "site/markdown.rs"]
mod markdown;
#[path = "site/others.rs"]
mod others;
#[path = "site/plain.rs"]
mod plain;

use std::path::{Path, PathBuf};
use std::process::Command;

use plain::{plain_write, touch, tree};

/// Rounds of which the median counts.
const ROUNDS: usize = 3;
/// What a made-up server's part of a tree takes, blocks rounded up and some more.
const BYTES_A_SERVER: u64 = 320 << 10;
const PROGRAM: &str = env!("CARGO_BIN_EXE_catalogue");

/// Wall time, processor time and peak memory of one run of the program, and what it printed.
struct Run {
    wall: f64,
    cpu: f64,
    peak_kib: u64,
    report: serde_json::Value,
}

fn main() {
    let sizes: Vec<u64> = std::env::args().skip(1).filter_map(|arg| arg.parse().ok()).collect();
    let others = std::env::args().any(|arg| arg == "hugo");
    let sizes = match (sizes.is_empty(), others) {
        (false, _) => sizes,
        (true, false) => vec![1_075],
        (true, true) => vec![2_000],
    };
    let memory = Path::new("/dev/shm");
    let place = std::env::var_os("CATALOGUE_BENCH_DIR").map(PathBuf::from);
    let place =
        place.unwrap_or_else(|| if memory.is_dir() { memory.to_owned() } else { std::env::temp_dir() });
    println!("in {}, load {}", place.display(), load());
    if others {
        return others::compare(&place, &sizes, ROUNDS);
    }
    let mut whole: Vec<(u64, f64, u64)> = Vec::new();
    for servers in sizes {
        let folder = tempfile::Builder::new().prefix("catalogue-site-").tempdir_in(&place).expect("a folder");
        whole.push(size(folder.path(), servers));
    }
    for pair in whole.windows(2) {
        let [(few, few_wall, few_kib), (many, many_wall, many_kib)] = pair else { continue };
        println!(
            "{many} tools against {few}: {:.2} x the time, {:.2} x the memory",
            many_wall / few_wall,
            *many_kib as f64 / *few_kib as f64
        );
    }
}

fn size(folder: &Path, servers: u64) -> (u64, f64, u64) {
    let db = folder.join("made-up.db");
    let made = run(folder, &["dev", "synth", "--servers", &servers.to_string(), "--db", &text(&db)]);
    println!("\n{servers} servers made up in {:.1} s, {} MiB", made.wall, made.peak_kib / 1024);
    let build = |out: &str, more: &[&str]| {
        let out = text(&folder.join(out));
        let mut args = vec![
            "build",
            "--json",
            "--quiet",
            "--twins",
            "json",
            "--base-url",
            "https://cat.example/",
            "--out",
            &out,
            "--db",
        ];
        let db = text(&db);
        args.push(&db);
        args.extend(more);
        run(folder, &args)
    };
    let (mut two, mut one, mut plain_two, mut plain_beside) =
        (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let (mut two_cpu, mut plain_cpu) = (Vec::new(), Vec::new());
    let mut last = None;
    // A tree of 400,000 tools stands once, not twice.
    let rounds = if servers > 20_000 { 1 } else { ROUNDS };
    let bytes = servers * BYTES_A_SERVER;
    for _ in 0..rounds {
        touch(folder, bytes);
        let both = build("dist", &["--threads", "2"]);
        let paths = tree(&folder.join("dist"));
        if servers <= 20_000 {
            touch(folder, bytes);
            plain_beside.push(plain_write(&folder.join("plain"), &paths, 2));
            std::fs::remove_dir_all(folder.join("plain")).expect("removed");
        }
        std::fs::remove_dir_all(folder.join("dist")).expect("removed");
        touch(folder, bytes);
        let before = processor_time();
        plain_two.push(plain_write(&folder.join("plain"), &paths, 2));
        plain_cpu.push(processor_time() - before);
        two_cpu.push(both.cpu);
        std::fs::remove_dir_all(folder.join("plain")).expect("removed");
        if servers <= 20_000 {
            touch(folder, bytes);
            one.push(build("dist", &["--threads", "1"]).wall);
            std::fs::remove_dir_all(folder.join("dist")).expect("removed");
        }
        two.push(both.wall);
        last = Some(both);
    }
    let Some(last) = last else { return (0, 1.0, 1) };
    let tools = last.report["tools"].as_u64().unwrap_or_default();
    let (two, plain_two) = (median(two), median(plain_two));
    println!(
        "{tools} tools, {} files, {:.0} MB, mean tool page {:.1} KB: built in {two:.2} s ({:.1} s of processor), {} MiB",
        last.report["files"],
        last.report["bytes"].as_f64().unwrap_or_default() / 1e6,
        last.report["mean_tool_page"].as_f64().unwrap_or_default() / 1e3,
        last.cpu,
        last.peak_kib / 1024
    );
    println!("plain write of the same tree {plain_two:.2} s; build / plain write {:.2}", two / plain_two);
    if !plain_beside.is_empty() {
        let plain = median(plain_beside);
        println!(
            "plain write beside the tree that was built {plain:.2} s; build / plain write {:.2}",
            two / plain
        );
    }
    let (two_cpu, plain_cpu) = (median(two_cpu), median(plain_cpu));
    println!(
        "in processor time {two_cpu:.2} s and {plain_cpu:.2} s: {:.2}; {:.0} us a tool",
        two_cpu / plain_cpu,
        two_cpu / tools as f64 * 1e6
    );
    if !one.is_empty() {
        let one = median(one);
        println!("one thread {one:.2} s; two threads against one {:.2} x", one / two);
    }
    build("dist", &["--threads", "2"]);
    let same = build("dist", &["--threads", "2"]);
    run(folder, &["dev", "change", "--server", "7", "--db", &text(&db)]);
    let changed = build("dist", &["--threads", "2"]);
    println!(
        "nothing changed: {:.3} s, {} files written; one server changed: {:.3} s, {} files written; / full {:.4}",
        same.wall,
        same.report["files_written"],
        changed.wall,
        changed.report["files_written"],
        changed.wall / two
    );
    if servers <= 20_000 {
        build("anew", &["--threads", "2"]);
        let (kept, anew) = (tree(&folder.join("dist")), tree(&folder.join("anew")));
        let same = |(path, size): &&(PathBuf, usize)| {
            let read = |root: &str| std::fs::read(folder.join(root).join(path)).unwrap_or_default();
            anew.binary_search(&(path.clone(), *size)).is_ok() && read("dist") == read("anew")
        };
        let site = |(path, _): &&(PathBuf, usize)| !path.starts_with(".catalogue-files");
        let differing = kept.iter().filter(site).filter(|file| !same(file)).count();
        let more = kept.len().abs_diff(anew.len());
        println!("brought up to date and built anew: {differing} files differ, {more} more or fewer");
        assert_eq!((differing, more), (0, 0), "a site that is brought up to date is the site");
        std::fs::remove_dir_all(folder.join("anew")).expect("removed");
    }
    println!("left to Tera: {}", last.report["left_to_tera"]);
    for kind in last.report["kinds"].as_array().into_iter().flatten().take(4) {
        println!(
            "  {}: {} made, {:.1} s of threads",
            kind["kind"],
            kind["rendered"],
            kind["seconds"].as_f64().unwrap_or(0.0)
        );
    }
    (tools, two, last.peak_kib)
}

/// What this process has used so far, in seconds: user and system time in hundredths. Source: proc(5), /proc/pid/stat, utime and stime.
fn processor_time() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after_name = stat.rsplit(')').next().unwrap_or_default();
    let ticks = |at: usize| after_name.split_whitespace().nth(at).and_then(|t| t.parse::<f64>().ok());
    (ticks(11).unwrap_or_default() + ticks(12).unwrap_or_default()) / 100.0
}

fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

fn median(mut all: Vec<f64>) -> f64 {
    all.sort_by(f64::total_cmp);
    all.get(all.len() / 2).copied().unwrap_or_default()
}

fn load() -> String {
    std::fs::read_to_string("/proc/loadavg")
        .unwrap_or_default()
        .split(' ')
        .take(3)
        .collect::<Vec<_>>()
        .join(" ")
}

/// Runs the program under the system's own `time`.
fn run(folder: &Path, args: &[&str]) -> Run {
    let program = std::env::var_os("CATALOGUE_BENCH_PROGRAM").unwrap_or_else(|| PROGRAM.into());
    let mut command = Command::new(program);
    command.args(["--var", &text(&folder.join("var"))]).args(args);
    timed(folder, &command)
}

/// Runs a command under the system's own `time`, which is asked for its peak memory.
fn timed(folder: &Path, command: &Command) -> Run {
    let figures = folder.join("figures");
    let mut measured = Command::new("/usr/bin/time");
    measured.args(["-o", &text(&figures), "-f", "%e %U %S %M"]).arg(command.get_program());
    measured.args(command.get_args());
    for (name, value) in command.get_envs() {
        measured.env(name, value.unwrap_or_default());
    }
    if let Some(place) = command.get_current_dir() {
        measured.current_dir(place);
    }
    let output = measured.output().expect("the system's time command (package time) is there");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {said}{}", String::from_utf8_lossy(&output.stdout));
    let figures = std::fs::read_to_string(figures).expect("figures");
    let numbers: Vec<f64> = figures.split_whitespace().filter_map(|word| word.parse().ok()).collect();
    let [wall, user, system, kib] = numbers.as_slice() else { panic!("time printed {figures}") };
    Run {
        wall: *wall,
        cpu: user + system,
        peak_kib: *kib as u64,
        report: serde_json::from_slice(&output.stdout).unwrap_or_default(),
    }
}
