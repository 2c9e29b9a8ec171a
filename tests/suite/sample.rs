//! A made-up catalogue in the exact shape of real answers: servers of every kind, tools of every class, and the
//! awkward ones. Seeds a [`Store`] through its public functions. Names, texts and verdicts are invented.

mod servers;

use std::collections::BTreeMap;
use std::path::PathBuf;

use catalogue::model::probe::SCANNER_SCHEMA;
use catalogue::model::{
    Attempt, Class, DefinitionHash, Effect, Evidence, MalformedTool, Outcome, Probe, Release, ReleaseFacts,
    Risk, SandboxLevel, SeenTool, ServerKey, ToolDefinition, Transport, Verdict,
};
use catalogue::store::{Override, Store, Visibility};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use tempfile::TempDir;

pub(crate) use servers::{MadeUpServer, MadeUpTool, SERVERS, tool};

/// The hash of the rule set that is in force after [`seed`].
pub(crate) const RULE_SET: &str = "5a11e55a11e55a11e55a11e55a11e55a11e55a11e55a11e55a11e55a11e55a11";

/// When the first probe began; the others follow one minute apart.
pub(crate) fn start() -> Timestamp {
    "2026-03-01T12:00:00Z".parse().expect("a time")
}

/// An empty database in a folder of its own.
pub(crate) fn empty() -> (TempDir, PathBuf, Store) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("var").join("catalogue.db");
    let store = Store::open(&path).expect("a new database");
    (folder, path, store)
}

/// A database with the whole made-up catalogue.
pub(crate) fn seeded() -> (TempDir, PathBuf, Store) {
    let (folder, path, mut store) = empty();
    seed(&mut store);
    (folder, path, store)
}

/// Stores every made-up server, the verdicts of its tools, one correction, and hides the local server.
pub(crate) fn seed(store: &mut Store) {
    let mut now = start();
    for server in SERVERS {
        for (version, outcome, tools) in server.probes {
            let release = release(server.key, version);
            store_probe(store, &release, &facts(server), &probe(&release, *outcome, tools, now));
            now += SignedDuration::from_mins(1);
        }
    }
    store.use_rule_set(RULE_SET, now).expect("the rule set is stored");
    let mut verdicts = Vec::new();
    for tool in SERVERS.iter().flat_map(|s| s.probes).flat_map(|(_, _, tools)| *tools) {
        if let Some(verdict) = tool.verdict() {
            verdicts.push((tool.hash(), verdict));
        }
    }
    store.add_verdicts(RULE_SET, &verdicts, now).expect("the verdicts are stored");

    let corrected = servers::tool("npm:@orchard/ledger", "post_entry");
    let correction = Override {
        server: "npm:@orchard/ledger".parse().expect("a key"),
        tool: "post_entry".to_owned(),
        definition: corrected.hash(),
        class: Some(Class::Destructive),
        risk: Some(Risk::Critical),
        signals: None,
        who: "a reviewer".to_owned(),
        why: "a posted entry can only be countered, never taken back".to_owned(),
        made_at: now,
    };
    assert!(store.add_override(&correction).expect("the correction is stored"));
    let local: ServerKey = "local:house-tools".parse().expect("a key");
    assert!(store.set_visibility(&local, Visibility::Private).expect("the visibility is stored"));
}

/// `servers` servers of `tools_each` tools each, all classified: for plans and times.
pub(crate) fn seed_many(store: &mut Store, servers: usize, tools_each: usize) {
    let now = start();
    let mut verdicts = Vec::new();
    for s in 0..servers {
        let release = release(&format!("npm:made-up-{s}"), "1.0.0");
        let mut found = probe(&release, Outcome::Ok, &[], now + SignedDuration::from_secs(s as i64));
        for t in 0..tools_each {
            let raw = format!(
                r#"{{"name":"tool_{t}","description":"Tool {t} of server {s}.","inputSchema":{{"type":"object"}}}}"#
            );
            let tool = ToolDefinition::from_json(&raw).expect("a tool");
            let class = Class::ALL[(s + t) % Class::ALL.len()];
            let plain = MadeUpTool { class: Some(class), ..MadeUpTool::PLAIN };
            verdicts.push((tool.hash().clone(), plain.verdict().expect("a class was given")));
            found.tools.push(SeenTool { hash: tool.hash().clone(), name: tool.name().into(), raw });
        }
        store_probe(store, &release, &ReleaseFacts::default(), &found);
    }
    store.use_rule_set(RULE_SET, now).expect("the rule set is stored");
    store.add_verdicts(RULE_SET, &verdicts, now).expect("the verdicts are stored");
}

/// Makes the release known and stores a whole probe of it. Returns the probe's row.
pub(crate) fn store_probe(store: &mut Store, release: &Release, facts: &ReleaseFacts, found: &Probe) -> i64 {
    let row = store.remember_release(release, facts, found.started_at).expect("the release is stored");
    let open = store.begin_probe(row, SCANNER_SCHEMA, found.started_at).expect("a probe is opened");
    store.finish_probe(open.id, found).expect("the probe is stored");
    open.id
}

/// A release from a key and a version.
pub(crate) fn release(key: &str, version: &str) -> Release {
    Release { server: key.parse().expect("a key"), version: version.to_owned() }
}

/// A probe as the scanner would hand it over.
pub(crate) fn probe(release: &Release, outcome: Outcome, tools: &[MadeUpTool], now: Timestamp) -> Probe {
    let remote = release.server.to_string().starts_with("remote:");
    let answered = outcome == Outcome::Ok;
    let (kept, broken): (Vec<&MadeUpTool>, Vec<&MadeUpTool>) =
        tools.iter().partition(|tool| ToolDefinition::from_json(tool.json).is_ok());
    Probe {
        outcome,
        detail: outcome.meaning().into(),
        sandbox: if remote { SandboxLevel::Remote } else { SandboxLevel::Bwrap },
        transport: if remote { Transport::StreamableHttp } else { Transport::Stdio },
        started_at: now,
        finished_at: now + SignedDuration::from_millis(1250),
        chosen: answered.then_some(1),
        attempts: vec![
            attempt("bare", Outcome::NeedsConfig, 0, now),
            attempt("env", outcome, kept.len(), now + SignedDuration::from_millis(400)),
        ],
        protocol: answered.then(|| "2025-11-25".to_owned()),
        server_info: answered
            .then(|| format!(r#"{{"name":"{}","version":"{}"}}"#, release.server.name(), release.version)),
        capabilities: answered.then(|| r#"{"tools":{"listChanged":true}}"#.to_owned()),
        instructions: None,
        interpreter: (!remote).then(|| "node v20.20.2".to_owned()),
        pages: u32::from(answered),
        memory_bound: None,
        noise_lines: 0,
        marks: Vec::new(),
        tools: kept
            .iter()
            .map(|tool| {
                let definition = ToolDefinition::from_json(tool.json).expect("it was read before");
                SeenTool {
                    hash: definition.hash().clone(),
                    name: definition.name().into(),
                    raw: tool.json.to_owned(),
                }
            })
            .collect(),
        malformed: broken
            .iter()
            .map(|tool| MalformedTool {
                raw: tool.json.to_owned(),
                problem: ToolDefinition::from_json(tool.json).expect_err("it is broken").to_string(),
            })
            .collect(),
    }
}

/// One attempt of the ladder.
pub(crate) fn attempt(rung: &str, outcome: Outcome, tools: usize, now: Timestamp) -> Attempt {
    let set = rung == "env";
    Attempt {
        rung: rung.to_owned(),
        command: vec!["node".to_owned(), "/srv/app/index.js".to_owned()],
        args: Vec::new(),
        env: if set {
            BTreeMap::from([("ORCHARD_TOKEN".into(), "placeholder".into())])
        } else {
            BTreeMap::new()
        },
        dependencies_as_of: None,
        extras: Vec::new(),
        outcome,
        detail: if set { "".into() } else { "ORCHARD_TOKEN is not set".into() },
        tools: tools as u32,
        started_at: now,
        millis: 400,
        log_tail: if set { "".into() } else { "Error: ORCHARD_TOKEN is not set\n".into() },
    }
}

fn facts(server: &MadeUpServer) -> ReleaseFacts {
    ReleaseFacts {
        published_at: Some("2026-02-01T08:30:00Z".parse().expect("a time")),
        title: server.title.map(Into::into),
        description: Some(server.about.into()),
        repository: server.repository.map(ToOwned::to_owned),
        homepage: None,
        licence: Some("MIT".into()),
        ..ReleaseFacts::default()
    }
}

impl MadeUpTool {
    /// Its definition's hash.
    pub(crate) fn hash(&self) -> DefinitionHash {
        ToolDefinition::from_json(self.json).expect("a tool").hash().clone()
    }

    /// Its verdict, evidence with real spans; None where none was made up.
    pub(crate) fn verdict(&self) -> Option<Verdict> {
        let class = self.class?;
        let risk = self.risk.unwrap_or(match class {
            Class::Read => Risk::Low,
            Class::Write => Risk::Medium,
            Class::Execute => Risk::High,
            Class::Destructive => Risk::Critical,
        });
        let mut signals = self.signals.to_vec();
        signals.sort_unstable();
        let object: Value = serde_json::from_str(self.json).expect("a tool is JSON");
        Some(Verdict {
            class,
            risk,
            signals,
            confidence: self.confidence,
            needs_review: self.confidence < 0.6,
            evidence: self.evidence.iter().map(|quote| evidence(&object, class, quote)).collect(),
        })
    }
}

/// Evidence for words of a field; an empty text stands for the whole field or its absence.
fn evidence(tool: &Value, class: Class, (rule, field, text): &(&str, &str, &str)) -> Evidence {
    let span = (!text.is_empty()).then(|| {
        let whole = tool.pointer(field).and_then(Value::as_str).expect("evidence points at a text");
        let (before, _) = whole.split_once(text).expect("evidence quotes words that are there");
        let from = before.chars().count();
        [from, from + text.chars().count()]
    });
    let effect = Effect { class: Some(class), weight: 2.0, ..Effect::default() };
    Evidence { rule: (*rule).to_owned(), field: (*field).to_owned(), span, text: (*text).to_owned(), effect }
}
