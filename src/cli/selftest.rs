//! `catalogue selftest`: the hostile suite on this machine, and what its sandbox holds and what it does not.

use clap::Args;
use serde::Serialize;

use super::exit::Exit;
use super::scan::{SandboxOption, ScanOptions, Trial, try_rows};
use super::settings::Settings;
use crate::model::{MemoryBound, Probe, SandboxLevel};
use crate::progress::{self, Bar};
use crate::selftest::{Finding, HEAVY, Held, Left, Row, Seen, Topic, judge, rows};

/// What the scanner may use for any one server, above what it has when idle.
const MEMORY_MIB: u64 = 256;

/// `catalogue selftest`.
#[derive(Debug, Args)]
pub(super) struct SelftestOptions {
    /// Only rows whose name or topic contains this; may be given several times
    #[arg(value_name = "ROW")]
    only: Vec<String>,
    /// The sandbox that is tried out; none is not tried: nothing would hold
    #[arg(long, value_enum, default_value_t = Level::Auto)]
    sandbox: Level,
    /// Servers asked at once [default: cores + 1]
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..=64))]
    jobs: Option<u16>,
    /// Say what the rows are, and start nothing
    #[arg(long)]
    list: bool,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Level {
    /// The one that a scan takes on this machine
    Auto,
    /// Namespaces by bubblewrap
    Bwrap,
    /// Landlock, seccomp and limits, no namespaces
    Reduced,
}

/// Everything that was found out.
#[derive(Debug, Serialize)]
struct Report {
    sandbox: SandboxLevel,
    /// Why no stronger level was taken.
    notes: Vec<String>,
    /// Everything that this level promises was kept.
    holds: bool,
    rows: usize,
    failed: usize,
    gaps: usize,
    outside: Outside,
    healthy: Healthy,
    left: Left,
    scanner_grew_mib: u64,
    /// For the heaviest rows, each asked alone.
    heavy: Vec<Heavy>,
    /// What bounds the memory of a box's tree, and why not the kernel, where it does not.
    memory_bound: MemoryBound,
    without_cgroup: Option<String>,
    seconds: f64,
    findings: Vec<Finding>,
}

/// What one row takes of the scanner.
#[derive(Debug, Serialize)]
struct Heavy {
    row: &'static str,
    scanner_grew_mib: u64,
}

#[derive(Debug, Serialize)]
struct Outside {
    #[serde(flatten)]
    seen: Seen,
    process_ended: bool,
}

#[derive(Debug, Serialize)]
struct Healthy {
    rows: usize,
    /// Those whose result beside the hostile ones was another than alone.
    changed: Vec<&'static str>,
}

pub(super) fn run(settings: &Settings, options: &SelftestOptions) -> anyhow::Result<Exit> {
    let chosen: Vec<&'static Row> = rows().filter(|row| options.takes(row)).collect();
    if options.list {
        let line = |row: &&Row| format!("{:<10}{:<25}{}\n", row.topic.as_str(), row.name, row.attack);
        progress::print(&chosen.iter().map(line).collect::<String>())?;
        return Ok(Exit::Ok);
    }
    if chosen.is_empty() {
        progress::say("error: no row is called so; catalogue selftest --list names them");
        return Ok(Exit::Usage);
    }
    let sandbox = match options.sandbox {
        Level::Auto => SandboxOption::Auto,
        Level::Bwrap => SandboxOption::Bwrap,
        Level::Reduced => SandboxOption::Reduced,
    };
    let healthy = chosen.iter().filter(|r| r.topic == Topic::Healthy).count();
    let heavy = chosen.iter().filter(|r| HEAVY.contains(&r.name)).count();
    let bar = Bar::new(chosen.len() + healthy + heavy, options.json);
    let trial = try_rows(settings, &ScanOptions::of(Vec::new(), options.jobs, sandbox), &chosen, &bar);
    bar.finish();
    let trial = trial?;
    let interrupted = trial.interrupted;
    let report = report(trial);
    if options.json {
        progress::print_json(&report)?;
    } else {
        progress::print(&text(&report))?;
    }
    Ok(match (interrupted, report.holds) {
        (true, _) => Exit::Interrupted,
        (_, true) => Exit::Ok,
        _ => Exit::Findings,
    })
}

impl SelftestOptions {
    fn takes(&self, row: &Row) -> bool {
        let named = |part: &String| row.name.contains(part.as_str()) || row.topic.as_str() == part;
        self.only.is_empty() || self.only.iter().any(named)
    }
}

fn report(trial: Trial) -> Report {
    let findings: Vec<Finding> =
        trial.together.iter().map(|(row, probe)| judge(row, trial.level, probe)).collect();
    let alone = |name: &str| trial.quiet.iter().find(|(row, _)| row.name == name).map(|(_, probe)| probe);
    let changed: Vec<&'static str> = trial
        .together
        .iter()
        .filter(|(row, _)| row.topic == Topic::Healthy)
        .filter(|(row, probe)| alone(row.name).is_none_or(|quiet| result(quiet) != result(probe)))
        .map(|(row, _)| row.name)
        .collect();
    let failed = findings.iter().filter(|f| f.held == Held::Failed).count();
    let gaps = findings.iter().flat_map(|f| &f.attempts).filter(|a| a.held == Held::Gap).count();
    let outside = Outside { seen: trial.seen, process_ended: !trial.outside_alive };
    let grew = trial.grown_kib / 1024;
    let heavy: Vec<Heavy> =
        trial.heavy.iter().map(|(row, kib)| Heavy { row, scanner_grew_mib: kib / 1024 }).collect();
    let holds = failed == 0
        && changed.is_empty()
        && outside.seen == Seen::default()
        && !outside.process_ended
        && trial.left.is_nothing()
        && grew < MEMORY_MIB
        && heavy.iter().all(|one| one.scanner_grew_mib < MEMORY_MIB)
        && !trial.interrupted;
    Report {
        sandbox: trial.level,
        notes: trial.notes,
        holds,
        rows: findings.len(),
        failed,
        gaps,
        outside,
        healthy: Healthy { rows: trial.quiet.len(), changed },
        left: trial.left,
        scanner_grew_mib: grew,
        heavy,
        memory_bound: trial.memory_bound,
        without_cgroup: trial.without_cgroup,
        seconds: (trial.seconds * 10.0).round() / 10.0,
        findings,
    }
}

/// Everything about a probe that must not depend on its neighbours: all but the times.
fn result(probe: &Probe) -> impl PartialEq + use<> {
    let tools = probe.tools.clone();
    let said = (probe.outcome, probe.detail.clone(), probe.marks.clone(), probe.pages, probe.noise_lines);
    let hello = (probe.protocol.clone(), probe.server_info.clone(), probe.capabilities.clone());
    (said, hello, tools, probe.malformed.clone(), probe.attempts.len())
}

fn text(report: &Report) -> String {
    let mut lines = vec![format!("sandbox {}", report.sandbox)];
    lines.extend(report.notes.iter().map(|note| format!("  not taken: {note}")));
    lines.push(match &report.without_cgroup {
        None => "  memory of a tree: bounded by the kernel (cgroup)".to_owned(),
        Some(why) => format!("  memory of a tree: watched, not bounded by a cgroup: {why}"),
    });
    let mut topic = None;
    for finding in &report.findings {
        if topic != Some(finding.topic) && finding.topic != Topic::Healthy {
            topic = Some(finding.topic);
            lines.extend([String::new(), finding.topic.as_str().to_owned()]);
        }
        if finding.topic != Topic::Healthy {
            lines.extend(lines_of(finding));
        }
    }
    lines.extend([String::new(), "all together".to_owned()]);
    lines.extend(summary(report));
    lines.push(String::new());
    lines.join("\n")
}

fn word(held: Held) -> &'static str {
    match held {
        Held::Held => "holds",
        Held::Gap => "open",
        Held::Failed => "FAILS",
    }
}

fn lines_of(finding: &Finding) -> Vec<String> {
    let count = |held| finding.attempts.iter().filter(|a| a.held == held).count();
    let of = if finding.attempts.is_empty() {
        finding.outcome.to_owned()
    } else {
        format!("{} of {} refused", count(Held::Held), finding.attempts.len())
    };
    let mut lines = vec![format!("  {:<7}{:<25}{of:<22}{}", word(finding.held), finding.row, finding.attack)];
    lines.extend(finding.faults.iter().map(|fault| format!("         {fault}")));
    for attempt in finding.attempts.iter().filter(|a| a.held != Held::Held) {
        lines.push(format!("         {}: {} ({})", word(attempt.held), attempt.what, attempt.said));
        lines.extend(attempt.gap.map(|means| format!("                {means}")));
    }
    lines
}

fn summary(report: &Report) -> Vec<String> {
    let line = |held: bool, text: String| {
        format!("  {:<7}{text}", word(if held { Held::Held } else { Held::Failed }))
    };
    let seen = &report.outside.seen;
    let left = &report.left;
    let mut lines = vec![
        line(
            report.healthy.changed.is_empty(),
            format!(
                "{} healthy servers beside them, {} with another result",
                report.healthy.rows,
                report.healthy.changed.len()
            ),
        ),
        line(
            seen.connections + seen.datagrams == 0,
            format!("{} connections and {} datagrams came out of a box", seen.connections, seen.datagrams),
        ),
        line(
            !seen.file_changed && seen.files_left == 0 && !report.outside.process_ended,
            "files and a process of this machine, which everybody may touch, are as they were".to_owned(),
        ),
        line(
            left.is_nothing(),
            format!(
                "{} processes, {} mounts, {} folders, {} cgroups, {} segments left behind",
                left.processes.len(),
                left.mounts.len(),
                left.folders.len(),
                left.cgroups.len(),
                left.segments
            ),
        ),
        line(
            report.scanner_grew_mib < MEMORY_MIB,
            format!("the scanner grew by {} MiB at most, {MEMORY_MIB} are allowed", report.scanner_grew_mib),
        ),
    ];
    if let Some(heaviest) = report.heavy.iter().max_by_key(|one| one.scanner_grew_mib) {
        lines.push(line(
            heaviest.scanner_grew_mib < MEMORY_MIB,
            format!("and by {} MiB for one server alone ({})", heaviest.scanner_grew_mib, heaviest.row),
        ));
    }
    for one in left.processes.iter().chain(&left.mounts).chain(&left.folders).chain(&left.cgroups) {
        lines
            .push(format!("         left: {}", crate::model::Untrusted::new(one.as_str()).for_terminal(120)));
    }
    lines.extend(report.healthy.changed.iter().map(|name| format!("         changed: {name}")));
    lines.push(String::new());
    let verdict = if report.holds { "holds what it promises" } else { "does NOT hold what it promises" };
    let open = if report.gaps == 0 {
        String::new()
    } else {
        format!("; {} things it cannot hold, marked \"open\"", report.gaps)
    };
    lines.push(format!(
        "{} rows in {:.0} s: the sandbox {} of this machine {verdict}{open}",
        report.rows, report.seconds, report.sandbox
    ));
    lines
}
