//! How long all policies take in all formats, and how much memory: 50,000 tools of 1,000 servers, one of them with 5,000,
//! each server by itself, written and read back, in every tier. `docs/PERFORMANCE.md` has the figures.

#![expect(clippy::print_stdout, reason = "a benchmark prints its figures")]

#[expect(dead_code, reason = "the database is for other benchmarks")]
mod catalogue_of;

use std::time::Instant;

use catalogue::assets::Folder;
use catalogue::classify::RuleSet;
use catalogue::export::{EXPORTERS, Wishes};
use catalogue::model::{ServerKey, ToolDefinition, Verdict};
use catalogue::policy::{Judged, Keyed, Numbers, PolicySet, Tier, policy_for_server};
use catalogue_of::definition;
use rayon::prelude::*;

const SERVERS: usize = 1_000;
const TOOLS: usize = 50_000;
/// Tools of the first server; the others share the rest.
const LARGEST: usize = 5_000;

fn main() {
    let files = Folder::Rules.files(None).expect("embedded");
    let rules = RuleSet::load(&files).expect("the embedded rules load");
    let numbers = Numbers::load(&files).expect("the embedded numbers load");
    for tier in Tier::ALL {
        let (begun, worked) = (Instant::now(), cpu_seconds());
        let (documents, bytes) = (0..SERVERS)
            .into_par_iter()
            .map(|server| export_all(server, tier, &rules, &numbers))
            .reduce(|| (0, 0), |a, b| (a.0 + b.0, a.1 + b.1));
        println!(
            "{}: {documents} documents of {TOOLS} tools in {} formats, {} MB, {:.1} s ({:.1} s of the processors), peak {} MiB",
            tier.as_str(),
            EXPORTERS.len(),
            bytes / 1_000_000,
            begun.elapsed().as_secs_f64(),
            cpu_seconds() - worked,
            peak_mib()
        );
    }
}

/// Documents and bytes of one server; nothing of it is kept.
fn export_all(server: usize, tier: Tier, rules: &RuleSet, numbers: &Numbers) -> (usize, usize) {
    let count = match server {
        0 => LARGEST,
        n => (TOOLS - LARGEST) * n / (SERVERS - 1) - (TOOLS - LARGEST) * (n - 1) / (SERVERS - 1),
    };
    let judged: Vec<(ToolDefinition, Verdict)> = (0..count)
        .map(|n| {
            let tool = ToolDefinition::from_json(&definition(server, n)).expect("a tool");
            let verdict = rules.judge(&tool);
            (tool, verdict)
        })
        .collect();
    let name = ServerKey::npm(&format!("made-up-{server}")).expect("a name");
    let judged = judged.iter().map(|(definition, verdict)| Judged { definition, verdict });
    let policy = policy_for_server(&name, "1.0.0", judged, numbers, tier);
    let key = catalogue::policy::default_server_key(&name);
    let set = PolicySet { tier, servers: vec![Keyed { key, policy }] };
    let mut bytes = 0;
    for exporter in EXPORTERS {
        bytes += exporter.document(&set, Wishes::default()).expect("written").text.len();
    }
    (EXPORTERS.len(), bytes)
}

/// What this process has had of the processors so far; on a shared machine the wall says little.
fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace();
    // User and system time are fields 14 and 15, in hundredths of a second.
    fields.skip(11).take(2).filter_map(|n| n.parse::<f64>().ok()).sum::<f64>() / 100.0
}

/// The most memory that this process ever held.
fn peak_mib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:"));
    line.and_then(|l| l.split_whitespace().next()).and_then(|n| n.parse::<u64>().ok()).unwrap_or(0) / 1_024
}
