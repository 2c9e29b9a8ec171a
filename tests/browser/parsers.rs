//! Policies of naughty names, read by parsers of two other languages: every value is what was meant, in every format.

use std::path::Path;
use std::process::{Command, Stdio};

use catalogue::export::{EXPORTERS, ExportError, Wishes};
use catalogue::model::{Class, Risk, ServerKey};
use catalogue::policy::{Keyed, PolicySet, Rule, ServerPolicy, Tier, ToolPolicy, Window};
use serde_json::{Value, json};

use crate::chosen;

/// Tools of one document.
const TOOLS: usize = 250;

const NODE: &str = r#"
const fs = require('fs');
const load = name => { try { return require(name); } catch { return null; } };
const yaml = load('js-yaml'), toml = load('smol-toml');
const readers = { json: JSON.parse, yaml: yaml && (t => yaml.load(t)), toml: toml && (t => toml.parse(t)) };
for (const [file, language] of JSON.parse(fs.readFileSync('list.json', 'utf8'))) {
  const read = readers[language];
  if (!read) continue;
  console.log(JSON.stringify([file, read(fs.readFileSync(file, 'utf8'))]));
}
"#;

const PYTHON: &str = r#"
import csv, io, json, sys
sys.path.insert(0, 'packages')
readers = {'json': json.loads, 'csv': lambda t: list(csv.reader(io.StringIO(t, newline='')))}
try:
    import yaml
    readers['yaml'] = yaml.safe_load
except ImportError:
    pass
try:
    import tomllib
    readers['toml'] = tomllib.loads
except ImportError:
    pass
for file, language in json.load(open('list.json')):
    if language in readers:
        text = open(file, encoding='utf-8', newline='').read()
        print(json.dumps([file, readers[language](text)]))
"#;

fn policies(names: &[String], number: usize) -> PolicySet {
    let rules = [
        Rule::Allow,
        Rule::Deny,
        Rule::Hide,
        Rule::Ask,
        Rule::Limit { max: 7, window: Window::Minute },
        Rule::Limit { max: 100, window: Window::Day },
    ];
    let mut names = names.to_vec();
    names.retain(|name| !name.is_empty());
    names.sort();
    let tool = |(i, name): (usize, &String)| {
        let at = (i + number) % rules.len();
        let mut tool = ToolPolicy::plain(name, Class::ALL[at % 4], Risk::ALL[at % 4], rules[at]);
        tool.reason = format!("{name} says so");
        tool
    };
    let policy = ServerPolicy {
        server: ServerKey::npm("made-up").unwrap(),
        release: names[0].clone(),
        default: Rule::Deny,
        tools: names.iter().enumerate().map(tool).collect(),
    };
    PolicySet { tier: Tier::Recommended, servers: vec![Keyed { key: "made-up".to_owned(), policy }] }
}

/// Runs a program in the folder; None where it is not there or fails.
fn run(folder: &Path, program: &str, args: &[&str]) -> Option<String> {
    #[expect(clippy::disallowed_methods, reason = "a test starts another language's parser")]
    let output = Command::new(which::which(program).ok()?)
        .args(args)
        .current_dir(folder)
        .stdin(Stdio::null())
        .output()
        .ok()?;
    if !output.status.success() {
        println!(
            "{program}: {}",
            String::from_utf8_lossy(&output.stderr).chars().take(800).collect::<String>()
        );
        return None;
    }
    Some(String::from_utf8(output.stdout).unwrap())
}

/// The document as our own readers take it.
fn meant(language: &str, text: &str) -> Option<Value> {
    match language {
        "json" => serde_json::from_str(text).ok(),
        "yaml" => serde_saphyr::from_str(text).ok(),
        "toml" => Some(serde_json::to_value(toml::from_str::<toml::Table>(text).ok()?).unwrap()),
        _ => None,
    }
}

#[test]
fn every_policy_reads_back_equal_in_two_other_languages() {
    let (texts, folder) = (chosen(), tempfile::tempdir().unwrap());
    let folder = folder.path();
    let (mut list, mut wanted) = (Vec::new(), std::collections::BTreeMap::new());
    for (number, names) in texts.chunks(TOOLS).enumerate() {
        let set = policies(names, number);
        for format in EXPORTERS.iter().filter(|format| format.language != "sh") {
            let text = match format.document(&set, Wishes::default()) {
                Ok(exported) => exported.text,
                Err(ExportError::Key { .. }) => continue,
                Err(error) => panic!("{error}"),
            };
            let file = format!("{}-{number}.{}", format.id, format.language);
            std::fs::write(folder.join(&file), &text).unwrap();
            list.push(json!([file, format.language]));
            wanted.insert(file, (format.language, text));
        }
    }
    assert!(list.len() >= 15, "{} documents are too few", list.len());
    std::fs::write(folder.join("list.json"), json!(list).to_string()).unwrap();
    std::fs::write(folder.join("read.cjs"), NODE).unwrap();
    std::fs::write(folder.join("read.py"), PYTHON).unwrap();
    if run(folder, "npm", &["install", "--no-audit", "--no-fund", "--ignore-scripts", "js-yaml", "smol-toml"])
        .is_none()
    {
        println!("skipped: YAML and TOML in Node: their parsers cannot be installed here");
    }
    if run(folder, "python3", &["-c", "import yaml"]).is_none()
        && run(folder, "python3", &["-m", "pip", "install", "-q", "--target", "packages", "pyyaml"]).is_none()
    {
        println!("skipped: YAML in Python: its parser cannot be installed here");
    }
    for (program, script) in [("node", "read.cjs"), ("python3", "read.py")] {
        let Some(said) = run(folder, program, &[script]) else {
            assert!(which::which(program).is_err(), "{program} cannot read a document");
            println!("skipped: policies read by {program}: it is not here");
            continue;
        };
        let mut counts = std::collections::BTreeMap::<&str, usize>::new();
        for line in said.lines() {
            let (file, found): (String, Value) = serde_json::from_str(line).unwrap();
            let (language, text) = &wanted[&file];
            *counts.entry(language).or_default() += 1;
            if *language == "csv" {
                no_formula(&file, &found);
            } else {
                let meant = meant(language, text).unwrap_or_else(|| panic!("{file} cannot be read by us"));
                assert!(found == meant, "{program} reads {file} otherwise: {}", difference(&found, &meant));
            }
        }
        println!("browser: {program} reads {counts:?} documents of {} names as they were meant", texts.len());
        assert!(counts.get("json").is_some_and(|count| *count > 0));
    }
}

/// The first place where two values differ.
fn difference(a: &Value, b: &Value) -> String {
    match (a, b) {
        (Value::Object(x), Value::Object(y)) if x.len() == y.len() && x.keys().all(|k| y.contains_key(k)) => {
            let key = x.keys().find(|k| x[*k] != y[*k]).unwrap();
            format!("{key:?} > {}", difference(&x[key], &y[key]))
        }
        (Value::Object(x), Value::Object(y)) => {
            let only = |a: &serde_json::Map<String, Value>, b: &serde_json::Map<String, Value>| {
                a.keys().filter(|k| !b.contains_key(*k)).take(3).cloned().collect::<Vec<_>>()
            };
            format!("keys {:?} and not {:?}", only(x, y), only(y, x))
        }
        (Value::Array(x), Value::Array(y)) if x.len() == y.len() => {
            let at = (0..x.len()).find(|i| x[*i] != y[*i]).unwrap();
            format!("{at} > {}", difference(&x[at], &y[at]))
        }
        _ => format!("{a} and not {b}"),
    }
}

fn no_formula(file: &str, rows: &Value) {
    for cell in rows.as_array().unwrap().iter().flat_map(|row| row.as_array().unwrap()) {
        let text = cell.as_str().unwrap();
        let first = text.trim_start().chars().next();
        assert!(!first.is_some_and(|c| "=+-@＝＋－＠".contains(c)), "{file}: {text:?} is a formula");
        assert!(!text.starts_with(['\t', '\r', '\n']), "{file}: {text:?}");
    }
}
