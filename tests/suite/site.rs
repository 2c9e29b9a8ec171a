//! The built site as a reader, a search engine and an attacker find it: a small made-up catalogue with every awkward
//! kind of server and tool, built into a temporary folder and walked page by page.

mod answers;
mod changes;
mod check;
mod dates;
mod engine;
mod folded;
mod hostile;
mod method;
mod moved;
mod packed;
mod pages;
mod reference;
mod reports;
mod search;
mod serving;
mod wording;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use catalogue::assets::Folder;
use catalogue::classify::{RuleBook, RuleSet};
use catalogue::eval::BenchmarkResult;
use catalogue::model::{Class, Effect, Evidence, Outcome, Risk, SeenTool, Signal, ToolDefinition, Verdict};
use catalogue::policy::Numbers;
use catalogue::render::{BuildOptions, BuildReport, RenderError, build};
use catalogue::store::{Override, Store, Visibility};
use tempfile::TempDir;

use crate::sample;

/// A built site with the database it came from.
struct Site {
    _folder: TempDir,
    db: PathBuf,
    out: PathBuf,
    summary: BuildReport,
}

/// A tool for [`Seed`]: its definition, and the verdict stored for it.
struct Tool {
    json: String,
    class: Class,
    risk: Risk,
    signals: Vec<Signal>,
    confidence: f64,
}

fn tool(name: &str, description: &str, class: Class) -> Tool {
    let json = serde_json::json!({
        "name": name, "description": description,
        "inputSchema": {"type": "object", "required": ["a"], "properties": {
            "a": {"type": "string", "description": description},
            "b": {"type": ["integer", "null"], "enum": [1, 2], "default": 1},
        }},
    });
    let risk = Risk::ALL[Class::ALL.iter().position(|c| *c == class).unwrap()];
    Tool { json: json.to_string(), class, risk, signals: vec![], confidence: 0.95 }
}

impl Tool {
    fn definition(&self) -> ToolDefinition {
        ToolDefinition::from_json(&self.json).unwrap()
    }

    /// Every kind of evidence: a span in the name, one in the description, a whole field, a parameter's own name.
    fn verdict(&self) -> Verdict {
        let definition = self.definition();
        let first = |text: &str| text.chars().take(3).collect::<String>();
        let spoken = |field: &str, text: &str| Evidence {
            rule: "made-up-rule".to_owned(),
            field: field.to_owned(),
            span: (!text.is_empty()).then(|| [0, first(text).chars().count()]),
            text: first(text),
            effect: Effect { class: Some(self.class), weight: 1.0, ..Effect::default() },
        };
        let mut evidence = vec![
            spoken("/name", definition.name()),
            spoken("/description", definition.description().unwrap_or_default()),
            spoken("/inputSchema/properties/a", ""),
            spoken("/annotations/readOnlyHint", ""),
            spoken("/nowhere", "x"),
        ];
        for signal in &self.signals {
            let effect = Effect { signal: Some(*signal), weight: 1.0, ..Effect::default() };
            evidence.push(Evidence {
                effect,
                ..spoken("/description", definition.description().unwrap_or_default())
            });
        }
        Verdict {
            class: self.class,
            risk: self.risk,
            signals: self.signals.clone(),
            confidence: self.confidence,
            needs_review: self.confidence < 0.5,
            evidence,
        }
    }
}

/// Stores one server that answered with these tools.
fn add_server(
    store: &mut Store,
    rules: &RuleSet,
    key: &str,
    version: &str,
    title: Option<&str>,
    tools: &[Tool],
) {
    add_server_at(store, rules, key, version, title, tools, sample::start());
}

/// The same at a time.
fn add_server_at(
    store: &mut Store,
    rules: &RuleSet,
    key: &str,
    version: &str,
    title: Option<&str>,
    tools: &[Tool],
    at: jiff::Timestamp,
) {
    let release = sample::release(key, version);
    let mut found = sample::probe(&release, Outcome::Ok, &[], at);
    for tool in tools {
        let definition = tool.definition();
        let (hash, name) = (definition.hash().clone(), definition.name().into());
        found.tools.push(SeenTool { hash, name, raw: tool.json.clone() });
    }
    let mut facts = catalogue::model::ReleaseFacts { title: title.map(Into::into), ..Default::default() };
    facts.description = Some("A <made-up> server.".into());
    facts.repository = Some("https://code.example/o/r".to_owned());
    facts.homepage = Some("javascript:alert(1)".to_owned());
    sample::store_probe(store, &release, &facts, &found);
    let verdicts: Vec<_> = tools.iter().map(|t| (t.definition().hash().clone(), t.verdict())).collect();
    store.add_verdicts(rules.hash(), &verdicts, sample::start()).unwrap();
}

/// Every class, counts of none, one and many, and everything that is hard to show.
fn seed(store: &mut Store, rules: &RuleSet) {
    let awkward: Vec<Tool> = hostile::NAMES
        .iter()
        .enumerate()
        .map(|(i, name)| tool(name, hostile::TEXTS[i % hostile::TEXTS.len()], Class::ALL[i % 4]))
        .collect();
    add_server(store, rules, "npm:@awkward/names", "1.0.0", Some("Awkward MCP Server"), &awkward);
    let one = [tool("run_it", "Runs it.", Class::Execute)];
    add_server(store, rules, "pypi:one-tool", "0.1", None, &one);
    let mut odd = vec![
        tool("twice", "Looks at it.", Class::Read),
        tool("twice", "Deletes it", Class::Destructive),
        tool("plain", "", Class::Read),
        tool("no.limit", "Starts it", Class::Execute),
        tool("doubtful", "?", Class::Write),
        tool("corrected", "Moves it!", Class::Write),
        tool("delete_it", "Removes it.", Class::Destructive),
    ];
    odd[4].confidence = 0.3;
    odd[5].signals = Signal::ALL.to_vec();
    odd[6].signals = vec![Signal::Bulk, Signal::Reversible];
    odd[6].risk = Risk::High;
    let corrected = odd[5].definition().hash().clone();
    add_server(store, rules, "npm:Mixed.Case", "2.0.0", Some(hostile::TITLE), &odd);
    let correction = Override {
        server: "npm:Mixed.Case".parse().unwrap(),
        tool: "corrected".to_owned(),
        definition: corrected,
        class: Some(Class::Execute),
        risk: None,
        signals: Some(vec![]),
        who: "<b>somebody</b>".to_owned(),
        why: "it starts </script> a job.".to_owned(),
        made_at: sample::start(),
    };
    assert!(store.add_override(&correction).unwrap());
    // A newer version that did not answer: its page shows the older one and says so.
    let newer = sample::release("npm:Mixed.Case", "2.1.0");
    let later = sample::start() + jiff::SignedDuration::from_hours(1);
    let failed = sample::probe(&newer, Outcome::Crashed, &[], later);
    sample::store_probe(store, &newer, &Default::default(), &failed);
    for (key, outcome) in [
        ("npm:quiet", Outcome::NeedsConfig),
        ("pypi:quiet", Outcome::NoNetwork),
        ("remote:https://h.example/mcp", Outcome::AuthRequired),
    ] {
        let release = sample::release(key, if key.starts_with("remote") { "" } else { "1.0.0" });
        let mut quiet = sample::probe(&release, outcome, &[], sample::start());
        quiet.attempts[0].log_tail = hostile::TEXTS.join("\n").into();
        sample::store_probe(store, &release, &Default::default(), &quiet);
    }
    // Two answers: one tool changed, one stayed, one is gone; the one that stayed has hints.
    let mut before = vec![tool("grow", "Shows it.", Class::Read), tool("stay", "Writes it.", Class::Write)];
    before[1].json =
        before[1].json.replacen('{', r#"{"annotations":{"readOnlyHint":true,"idempotentHint":false},"#, 1);
    let mut now =
        vec![tool("grow", "Deletes it for good.", Class::Destructive), tool("stay", "", Class::Write)];
    now[0].json = now[0].json.replace("\"b\"", "\"force\"");
    now[1].json.clone_from(&before[1].json);
    before.push(tool("gone", "Lists it.", Class::Read));
    add_server(store, rules, "npm:grown", "1.0.0", None, &before);
    add_server_at(store, rules, "npm:grown", "1.1.0", None, &now, later);
    let remote = [tool("ask", "Answers.", Class::Read), tool("runIt", "Runs it now.", Class::Execute)];
    add_server(store, rules, "remote:https://r.example/x?y", "", None, &remote);
    add_server(store, rules, "npm:hidden", "1.0.0", None, &[tool("hidden_tool", "x", Class::Read)]);
    store.set_visibility(&"npm:hidden".parse().unwrap(), Visibility::Private).unwrap();
    let about = [
        "npm:quiet",
        "pypi:one-tool",
        "oci:tower/bell",
        "remote:https://never.example/{x}",
        "all:odd",
        "npm:hidden",
    ];
    crate::declared::seed(store, &about, hostile::NAMES);
}

fn rules() -> RuleSet {
    RuleSet::load(&Folder::Rules.files(None).unwrap()).unwrap()
}

/// A benchmark with counts of one, so that every sentence shows its singular.
static MEASURED: LazyLock<BenchmarkResult> = LazyLock::new(|| method::result(&rules(), 1));

fn options(out: &Path) -> BuildOptions {
    BuildOptions {
        out: out.to_owned(),
        base_url: Some("https://cat.example/below/".parse().unwrap()),
        report: None,
        as_of: None,
        audience: Default::default(),
        templates: Folder::Templates.files(None).unwrap(),
        site: Folder::Site.files(None).unwrap(),
        data: Folder::Data.files(None).unwrap(),
        download: false,
        benchmark: Some(MEASURED.clone()),
        version: "0.0.0",
        twins: Default::default(),
        compression: Default::default(),
        shard: None,
        threads: None,
        fresh: false,
        check: true,
        shelf: Some(out.with_extension("shelf")),
    }
}

fn build_from(db: &Path, options: &BuildOptions) -> Result<BuildReport, RenderError> {
    let files = Folder::Rules.files(None).unwrap();
    let (rules, numbers) = (RuleBook::of_known(&files).unwrap(), Numbers::load(&files).unwrap());
    build(&mut Store::open_read_only(db).unwrap(), &rules, &numbers, options, &|_, _| {})
}

/// The awkward catalogue, built once: for tests that only look.
fn built() -> &'static Site {
    static BUILT: LazyLock<Site> = LazyLock::new(built_anew);
    &BUILT
}

/// The awkward catalogue, built for a test that changes what is there.
fn built_anew() -> Site {
    let (folder, db, mut store) = sample::empty();
    seed(&mut store, &rules());
    drop(store);
    let out = folder.path().join("dist");
    let summary = build_from(&db, &options(&out)).unwrap();
    Site { _folder: folder, db, out, summary }
}

/// Every file of a site: path below it to content.
fn files(out: &Path) -> BTreeMap<String, Vec<u8>> {
    fn walk(root: &Path, folder: &Path, files: &mut BTreeMap<String, Vec<u8>>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(root, &path, files);
            } else {
                let name = path.strip_prefix(root).unwrap().to_string_lossy().replace('\\', "/");
                files.insert(name, std::fs::read(&path).unwrap());
            }
        }
    }
    let mut all = BTreeMap::new();
    walk(out, out, &mut all);
    all
}

/// Every HTML page of a site as text.
fn html_pages(out: &Path) -> BTreeMap<String, String> {
    files(out)
        .into_iter()
        .filter(|(name, _)| name.ends_with(".html"))
        .map(|(name, bytes)| (name, String::from_utf8(bytes).unwrap()))
        .collect()
}
