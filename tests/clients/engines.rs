//! Cedar, Rego and CEL in engines that are not ours, and YAML by another reader, over the 2,000 calls.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;

use catalogue::export::{REGO_MODULE, Wishes, exporter};
use catalogue::policy::{Keyed, PolicySet, Rule, decide};
use serde_json::{Value, json};

use super::cases::{KEYS, marks, policies};
use super::exports_cases::{Case, two_thousand};
use super::packages::{CEDAR, cache};
use super::process::run;

/// What Python is asked for: the versions that were tried.
const PYTHON: [&str; 3] = ["regopy==1.5.2", "common-expression-language==0.10.0", "PyYAML==6.0.3"];

static INSTALLING: Mutex<()> = Mutex::new(());

/// The folder of Python's packages; None, after saying so, where they cannot be had.
fn python() -> Option<PathBuf> {
    let _one = INSTALLING.lock().unwrap();
    let folder = cache().join("python-engines-1");
    if folder.join("yaml").is_dir() && folder.join("regopy").is_dir() {
        return Some(folder);
    }
    let done = Command::new("python3")
        .args(["-m", "pip", "install", "--quiet", "--only-binary", ":all:", "--target"])
        .arg(&folder)
        .args(PYTHON)
        .output();
    if folder.join("yaml").is_dir() && folder.join("regopy").is_dir() {
        return Some(folder);
    }
    let why = done.map_or_else(|e| e.to_string(), |out| String::from_utf8_lossy(&out.stderr).into_owned());
    println!(
        "skipped: {} cannot be installed here ({})",
        PYTHON.join(" "),
        why.lines().last().unwrap_or_default()
    );
    None
}

pub(crate) fn answers(program: &str, script: &str, argument: &Path, jobs: &[Value]) -> Vec<Value> {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("jobs.json"), json!(jobs).to_string()).unwrap();
    let script =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients").join(script).display().to_string();
    let argument = argument.display().to_string();
    let ended = run(folder.path(), Path::new("/usr/bin/env"), &[program, &script, &argument], &[]);
    assert_eq!(ended.code, Some(0), "{}\n{}", ended.out, ended.err);
    serde_json::from_str(&std::fs::read_to_string(folder.path().join("answers.json")).unwrap()).unwrap()
}

/// One server of a set with its calls: the hostile ones of `cases`, and those of the 2,000.
struct Job {
    set: PolicySet,
    calls: Vec<Case>,
}

fn jobs() -> Vec<Job> {
    let (cases, sets) = two_thousand();
    let mut jobs = Vec::new();
    for set in sets.iter().chain(policies().values()) {
        for keyed in &set.servers {
            let mut calls: Vec<Case> = cases
                .iter()
                .filter(|c| c.key == keyed.key)
                .map(|c| Case { key: c.key.clone(), tool: c.tool.clone(), arguments: c.arguments.clone() })
                .collect();
            if let Some(server) = KEYS.iter().position(|k| *k == keyed.key) {
                calls.extend(marks().iter().filter(|m| m.server == server).map(|m| Case {
                    key: keyed.key.clone(),
                    tool: m.name().to_owned(),
                    arguments: json!({}),
                }));
            }
            let servers = vec![Keyed { key: keyed.key.clone(), policy: keyed.policy.clone() }];
            jobs.push(Job { set: PolicySet { tier: set.tier, servers }, calls });
        }
    }
    jobs
}

impl Job {
    fn document(&self, format: &str) -> String {
        exporter(format).unwrap().document(&self.set, Wishes::default()).unwrap().text
    }

    fn neutral(&self, call: &Case) -> Rule {
        decide(&self.set.servers[0].policy, &call.tool, Some(&call.arguments)).rule
    }

    fn model(&self, format: &str, text: &str, call: &Case) -> Rule {
        let reading = (exporter(format).unwrap().read)(text).unwrap();
        reading.decide(&call.key, &call.tool, Some(&call.arguments)).rule
    }
}

#[test]
fn cedar_decides_the_two_thousand_calls_as_its_model_does() {
    let (Some(python), Some(cedar)) = (python(), CEDAR.get()) else { return };
    let jobs = jobs();
    let documents: Vec<String> = jobs.iter().map(|job| job.document("toolhive")).collect();
    // The YAML by a reader that is not ours, the policies by Cedar.
    let read: Vec<Value> = documents.iter().map(|d| json!({"kind": "yaml", "document": d})).collect();
    let read = answers("python3", "engines.py", &python, &read);
    let asked: Vec<Value> = jobs
        .iter()
        .zip(&read)
        .map(|(job, document)| {
            assert_eq!(document["type"], "cedarv1");
            let calls: Vec<Value> = job.calls.iter().map(|c| json!({"tool": c.tool})).collect();
            json!({"policies": document["cedar"]["policies"], "calls": calls})
        })
        .collect();
    let mut decided = 0;
    for ((job, text), answer) in jobs.iter().zip(&documents).zip(answers("node", "cedar.mjs", &cedar, &asked))
    {
        assert_eq!(answer["problems"], json!([]), "{text}");
        for (call, row) in job.calls.iter().zip(answer["rows"].as_array().unwrap()) {
            let allowed = row == "allow";
            assert!(allowed || row == "deny", "{row}");
            assert_eq!(allowed, job.model("toolhive", text, call) == Rule::Allow, "{:?}\n{text}", call.tool);
            assert!(!allowed || job.neutral(call) == Rule::Allow, "{:?}\n{text}", call.tool);
            decided += 1;
        }
    }
    println!("{} {}: {decided} calls decided", CEDAR.name, CEDAR.version);
}

#[test]
fn a_cedar_forbid_with_a_condition_fails_open_and_a_permit_with_one_does_not() {
    let Some(cedar) = CEDAR.get() else { return };
    let calls = json!([{"tool": "t"}, {"tool": "t", "context": {"arg_force": true}}, {"tool": "t", "context": {"arg_force": "true"}}]);
    let head = "principal, action == Action::\"call_tool\", resource == Tool::\"t\"";
    let jobs = [
        json!({"calls": calls, "policies": [format!("permit({head});"), format!("forbid({head}) when {{ context.arg_force == true }};")]}),
        json!({"calls": calls, "policies": [format!("permit({head}) unless {{ !(context has arg_force) || context.arg_force != false }};")]}),
        json!({"calls": calls, "policies": ["permit(principal, action == Action::\"call_tol\", resource);"]}),
    ];
    let answers = answers("node", "cedar.mjs", &cedar, &jobs);
    assert_eq!(answers[0]["rows"], json!(["allow", "deny", "allow"]));
    assert_eq!(answers[1]["rows"], json!(["deny", "deny", "deny"]));
    // It parses, and only a schema sees that it never matches.
    assert_eq!(answers[2]["rows"], json!(["deny", "deny", "deny"]));
    assert_ne!(answers[2]["problems"], json!([]));
    // Ours is refused by both halves of validate.
    for policy in [&jobs[0], &jobs[2]] {
        let text = json!({"version": "1.0", "type": "cedarv1", "cedar": {"policies": policy["policies"], "entities_json": "[]"}});
        assert!(!(exporter("toolhive").unwrap().validate)(&text.to_string()).is_empty(), "{text}");
    }
}

#[test]
fn rego_decides_the_two_thousand_calls_as_the_neutral_policy_does() {
    let Some(python) = python() else { return };
    let jobs = jobs();
    let asked: Vec<Value> = jobs
        .iter()
        .map(|job| {
            let calls: Vec<Value> = job
                .calls
                .iter()
                .map(|c| json!({"server": c.key, "tool": c.tool, "arguments": c.arguments}))
                .collect();
            json!({"kind": "rego", "module": REGO_MODULE, "data": job.document("opa"), "calls": calls})
        })
        .collect();
    let mut decided = 0;
    // In parts: each has a minute, and the engine takes its time.
    let rows: Vec<Value> =
        asked.chunks(16).flat_map(|part| answers("python3", "engines.py", &python, part)).collect();
    assert_eq!(rows.len(), jobs.len());
    for (job, rows) in jobs.iter().zip(rows) {
        for (call, row) in job.calls.iter().zip(rows.as_array().unwrap()) {
            let neutral = job.neutral(call);
            assert_eq!(row[0], neutral.word(), "{:?} {}", call.tool, call.arguments);
            assert_eq!(row[1], neutral == Rule::Allow, "{:?} {}", call.tool, call.arguments);
            decided += 1;
        }
    }
    println!("{}: {decided} calls decided", PYTHON[0]);
}

#[test]
fn cel_decides_the_two_thousand_calls_as_its_model_does() {
    let Some(python) = python() else { return };
    let jobs = jobs();
    let documents: Vec<String> = jobs.iter().map(|job| job.document("agentgateway")).collect();
    let asked: Vec<Value> = jobs
        .iter()
        .zip(&documents)
        .map(|(job, document)| {
            let calls: Vec<Value> =
                job.calls.iter().map(|c| json!({"server": c.key, "tool": c.tool})).collect();
            json!({"kind": "agentgateway", "document": document, "calls": calls})
        })
        .collect();
    let mut decided = 0;
    for ((job, text), rows) in
        jobs.iter().zip(&documents).zip(answers("python3", "engines.py", &python, &asked))
    {
        for (call, row) in job.calls.iter().zip(rows.as_array().unwrap()) {
            let allowed = row == true;
            assert_eq!(
                allowed,
                job.model("agentgateway", text, call) == Rule::Allow,
                "{:?}\n{text}",
                call.tool
            );
            assert!(!allowed || job.neutral(call) == Rule::Allow, "{:?}", call.tool);
            decided += 1;
        }
    }
    println!("{}: {decided} calls decided", PYTHON[1]);
}

/// What YAML says to another reader: the allow lists of Docker's gateway and Intercept's own names.
#[test]
fn another_reader_of_yaml_sees_the_same_names() {
    let Some(python) = python() else { return };
    let jobs: Vec<Job> =
        jobs().into_iter().filter(|job| job.set.servers[0].policy.tools.len() > 10).collect();
    for format in ["docker", "intercept", "envoy"] {
        let documents: Vec<String> = jobs.iter().map(|job| job.document(format)).collect();
        let asked: Vec<Value> = documents.iter().map(|d| json!({"kind": "yaml", "document": d})).collect();
        for ((job, text), read) in
            jobs.iter().zip(&documents).zip(answers("python3", "engines.py", &python, &asked))
        {
            let key = &job.set.servers[0].key;
            let open = |call: &Case| match format {
                "docker" => read[key].as_array().unwrap().contains(&json!(call.tool)),
                "envoy" => {
                    let selector = &read["spec"]["backendRefs"][0]["toolSelector"];
                    selector["include"].as_array().is_some_and(|names| names.contains(&json!(call.tool)))
                }
                _ => read["tools"][&call.tool]["rules"].as_array().is_some_and(Vec::is_empty),
            };
            for call in &job.calls {
                let model = job.model(format, text, call);
                assert_eq!(open(call), model == Rule::Allow, "{format} {:?}: {model}\n{text}", call.tool);
            }
        }
    }
}
