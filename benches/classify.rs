//! How fast the classifier is, with evidence, parsing not counted: CPU time of judging every tool of a real list in one
//! thread against one pass of lower-casing the same bytes, in one run; hostile descriptions of a mebibyte; and where the
//! time goes, by leaving out parts of the rules and of the definitions. `docs/PERFORMANCE.md` has the figures.
//!
//! The list is `../shared/corpus/tools.jsonl.gz`; without it made-up definitions are judged, and the output says so.

#![expect(clippy::print_stdout, reason = "a benchmark prints its figures")]

use std::collections::BTreeMap;
use std::hint::black_box;
use std::io::Read;
use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use catalogue::assets::{Files, Folder};
use catalogue::classify::RuleSet;
use catalogue::model::ToolDefinition;
use serde_json::{Map, Value, json};

#[expect(dead_code, reason = "only its definitions are used here")]
mod catalogue_of;

/// The program's own (`src/main.rs`), for both sides of every comparison.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Judging may cost so many passes of lower-casing.
const RATIO_BAR: f64 = 60.0;
/// So many are aimed at.
const RATIO_AIM: f64 = 12.0;
/// A hostile mebibyte may take so long.
const HOSTILE_BAR: Duration = Duration::from_millis(50);
/// Each measurement is repeated, alternating with what it is compared with; medians are printed.
const ROUNDS: usize = 9;
/// The kernel counts in ticks of up to 10 ms: this much of them is exact to a few percent.
const LONG_ENOUGH: Duration = Duration::from_millis(200);
const MEBIBYTE: usize = 1 << 20;
/// What a definition is made of.
const MEMBERS: [&str; 6] = ["name", "title", "description", "inputSchema", "outputSchema", "annotations"];

fn main() -> ExitCode {
    let files = Folder::Rules.files(None).expect("embedded");
    let rules = RuleSet::load(&files).expect("the embedded rules load");
    let tools = real_tools().unwrap_or_else(made_up_tools);
    println!("rule set {}", rules.hash());
    let ratio = against_lower_casing(&rules, &tools);
    where_it_goes(&files, &rules, &tools);
    let slowest = hostile(&files, &rules);
    let within = ratio <= RATIO_BAR && slowest < HOSTILE_BAR;
    println!(
        "\nratio {ratio:.1} (bar {RATIO_BAR}, aim {RATIO_AIM}), slowest hostile text {:.1} ms (bar {} ms): {}",
        slowest.as_secs_f64() * 1e3,
        HOSTILE_BAR.as_millis(),
        if within { "within the bars" } else { "BEYOND THE BARS" }
    );
    if within { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Only what belongs to a definition, as a server would send it.
fn definition(object: &Map<String, Value>, leave_out: &[&str]) -> Option<ToolDefinition> {
    let kept: Map<String, Value> = MEMBERS
        .iter()
        .filter(|member| !leave_out.contains(member))
        .filter_map(|member| {
            Some(((*member).to_owned(), object.get(*member).filter(|v| !v.is_null())?.clone()))
        })
        .collect();
    ToolDefinition::from_json(&Value::Object(kept).to_string()).ok()
}

fn real_tools() -> Option<Vec<ToolDefinition>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpus/tools.jsonl.gz");
    let mut text = String::new();
    flate2::read::GzDecoder::new(std::fs::File::open(path).ok()?).read_to_string(&mut text).ok()?;
    let rows = text.lines().filter_map(|line| serde_json::from_str::<Map<String, Value>>(line).ok());
    let tools: Vec<ToolDefinition> = rows.filter_map(|row| definition(&row, &[])).collect();
    (!tools.is_empty()).then_some(tools)
}

fn made_up_tools() -> Vec<ToolDefinition> {
    println!(
        "skipped: ../shared/corpus/tools.jsonl.gz is not there; 2,000 made-up definitions are judged instead"
    );
    (0..2_000)
        .map(|n| ToolDefinition::from_json(&catalogue_of::definition(n / 10, n % 10)).expect("a tool"))
        .collect()
}

/// CPU time of this thread so far, as exact as the kernel's tick. Wall time where the kernel does not tell.
fn cpu() -> Duration {
    static BEGUN: std::sync::OnceLock<Instant> = std::sync::OnceLock::new();
    let begun = BEGUN.get_or_init(Instant::now);
    std::fs::read_to_string("/proc/thread-self/schedstat")
        .ok()
        .and_then(|text| text.split_whitespace().next()?.parse().ok())
        .map_or_else(|| begun.elapsed(), Duration::from_nanos)
}

/// What the work costs once: it is repeated until the tick does not matter.
fn spent(mut work: impl FnMut()) -> Duration {
    let (before, mut times) = (cpu(), 0_u32);
    loop {
        work();
        times += 1;
        let so_far = cpu().saturating_sub(before);
        if so_far >= LONG_ENOUGH {
            return so_far / times;
        }
    }
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

/// The least disturbed of a few, where small differences matter.
fn fastest(mut work: impl FnMut()) -> Duration {
    (0..4).map(|_| spent(&mut work)).min().unwrap_or_default()
}

fn judge_all(rules: &RuleSet, tools: &[ToolDefinition]) {
    for tool in tools {
        black_box(rules.judge(black_box(tool)));
    }
}

/// Prints and returns how many passes of lower-casing one pass of judging costs.
fn against_lower_casing(rules: &RuleSet, tools: &[ToolDefinition]) -> f64 {
    let bytes: usize = tools.iter().map(|tool| tool.canonical().len()).sum();
    let (mut judging, mut lowering) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        judging.push(spent(|| judge_all(rules, tools)));
        lowering.push(spent(|| {
            for tool in tools {
                black_box(black_box(tool.canonical()).to_lowercase());
            }
        }));
    }
    let (judged, lowered) = (median(judging), median(lowering));
    println!(
        "{} tools, {bytes} bytes: judging {:.1} ms CPU ({:.1} µs a tool, {:.1} MB/s), one pass of lower-casing {:.2} ms",
        tools.len(),
        judged.as_secs_f64() * 1e3,
        judged.as_secs_f64() * 1e6 / tools.len() as f64,
        bytes as f64 / 1e6 / judged.as_secs_f64(),
        lowered.as_secs_f64() * 1e3,
    );
    judged.as_secs_f64() / lowered.as_secs_f64()
}

/// The same list with one file of rules, or one part of every definition, left out: what it costs less, it cost.
fn where_it_goes(files: &Files, rules: &RuleSet, tools: &[ToolDefinition]) {
    let whole = fastest(|| judge_all(rules, tools));
    let say = |what: &str, without: Duration| {
        let saved = 100.0 * (1.0 - without.as_secs_f64() / whole.as_secs_f64());
        println!("  {what:<34} {:>7.1} ms, {saved:>5.1} % of the whole less", without.as_secs_f64() * 1e3);
    };
    println!("\nwhere the time goes ({:.1} ms with everything)", whole.as_secs_f64() * 1e3);
    for file in files.keys().filter(|file| file.starts_with("classify/") && !file.ends_with("settings.toml"))
    {
        let mut fewer: Files = BTreeMap::clone(files);
        fewer.remove(file);
        match RuleSet::load(&fewer) {
            Ok(fewer) => {
                say(&format!("without {file}"), fastest(|| judge_all(&fewer, tools)));
            }
            Err(_) => println!("  {:<34} other files need it", format!("without {file}")),
        }
    }
    for part in ["description", "inputSchema", "annotations"] {
        let fewer: Vec<ToolDefinition> =
            tools.iter().filter_map(|tool| definition(tool.object().as_object()?, &[part])).collect();
        say(&format!("without {part}"), fastest(|| judge_all(rules, &fewer)));
    }
}

/// Descriptions and schemas of a mebibyte that are made to be slow; returns the slowest time. The first column is the
/// very first judgement after the rules were loaded, wall time; the second what it costs from then on.
fn hostile(files: &Files, rules: &RuleSet) -> Duration {
    let repeated = |piece: &str| piece.repeat(MEBIBYTE / piece.len());
    let texts: Vec<(&str, String)> = vec![
        ("one letter, spaces", repeated("a ")),
        ("one letter, no space", repeated("a")),
        ("white space only, then a word", repeated(" ") + "x"),
        ("line feeds", repeated("\n")),
        ("verb or verb or …", repeated("delete or ")),
        ("verbs and commas", repeated("create, delete, run, ")),
        ("full stops", repeated(".")),
        ("short sentences", repeated("It is. ")),
        ("one sentence of negations", repeated("never does not ")),
        ("almost a phrase", repeated("permanently permanentl ")),
        ("a list of actions", format!("Actions: {}", repeated("get, delete, x, "))),
        ("many lists of actions", repeated("actions: a, b\n")),
        ("Chinese without spaces", repeated("删除查询文件")),
        ("invisible characters", repeated("a\u{200b}")),
        ("combining marks", repeated("e\u{301}")),
        ("letters that grow in lower case", repeated("İ")),
        ("base64", repeated("QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVo")),
        ("opening tags", repeated("<a ")),
        ("brackets", repeated("([{")),
        ("addresses", repeated("https://a.example/b?c=d ")),
        ("quotes", repeated("\"a' `b")),
    ];
    println!("\nhostile definitions of a mebibyte               first       later");
    let mut slowest = Duration::ZERO;
    let mut measure = |what: &str, object: Value| {
        let tool = ToolDefinition::from_json(&object.to_string()).expect("a tool");
        let fresh = RuleSet::load(files).expect("they loaded before");
        let begun = Instant::now();
        drop(black_box(fresh.judge(black_box(&tool))));
        let first = begun.elapsed();
        let time = spent(|| drop(black_box(rules.judge(black_box(&tool)))));
        slowest = slowest.max(time).max(first);
        println!("  {what:<34} {:>7.2} ms  {:>7.2} ms", first.as_secs_f64() * 1e3, time.as_secs_f64() * 1e3);
    };
    for (what, text) in &texts {
        measure(what, json!({"name": "x", "description": text}));
    }
    let many: Map<String, Value> = (0..20_000)
        .map(|n| (format!("delete_{n}"), json!({"description": "delete or run sql", "enum": ["delete"]})))
        .collect();
    measure("schema of 20,000 parameters", json!({"name": "x", "inputSchema": {"properties": many}}));
    let action = json!({"action": {"enum": vec!["delete_everything"; 60_000]}});
    measure("an action of 60,000 values", json!({"name": "x", "inputSchema": {"properties": action}}));
    measure("a name of a mebibyte", json!({"name": repeated("delete_")}));
    measure("a name in capitals", json!({"name": repeated("AbC")}));
    measure("a title of a mebibyte", json!({"name": "x", "title": repeated("delete ")}));
    measure(
        "a parameter described at length",
        json!({"name": "x", "inputSchema": {"properties": {"sql": {"description": repeated("run any sql, delete, ")}}}}),
    );
    let deep = (0..60).fold(
        json!({"description": "end"}),
        |inner, _| json!({"properties": {repeated("k").get(..10_000).unwrap_or_default(): inner}}),
    );
    measure("60 levels of long names", json!({"name": "x", "inputSchema": deep}));
    slowest
}
