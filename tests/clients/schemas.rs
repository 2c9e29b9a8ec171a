//! Policies against the JSON schemas that their targets publish. No registry of packages has those: `CATALOGUE_SCHEMAS` names a
//! folder with them, each under its name below; what is not there is skipped, and said.

use std::path::{Path, PathBuf};
use std::process::Command;

use catalogue::export::{Level, Wishes, exporter};
use catalogue::policy::PolicySet;
use serde_json::{Value, json};

use super::cases::policies;
use super::engines::answers;
use super::exports_cases::two_thousand;
use super::packages::cache;

/// What Python is asked for.
const PYTHON: [&str; 3] = ["jsonschema==4.26.0", "PyYAML==6.0.3", "tomli-w==1.2.0"];

/// A target's schema.
struct Schema {
    format: &'static str,
    /// Its name in the folder.
    file: &'static str,
    /// Where it is published.
    from: &'static str,
    /// What documents of the format are written in.
    kind: &'static str,
    /// What is wrong in a document of ours after this, so that the schema is known to see it.
    spoil: fn(&str) -> String,
}

const SCHEMAS: [Schema; 4] = [
    Schema {
        format: "claude-code",
        file: "claude-code-settings.json",
        from: "SchemaStore/schemastore, src/schemas/json",
        kind: "json",
        spoil: |text| text.replacen("\"deny\":", "\"denny\":", 1),
    },
    Schema {
        format: "codex",
        file: "config.schema.json",
        from: "openai/codex, codex-rs/core",
        kind: "toml",
        spoil: |text| text.replacen("enabled_tools =", "enabled_tolls =", 1),
    },
    Schema {
        format: "agentgateway",
        file: "config.json",
        from: "agentgateway/agentgateway, schema",
        kind: "yaml",
        spoil: |text| text.replacen("mcpAuthorization:", "mcpAuthorisation:", 1),
    },
    Schema {
        format: "envoy",
        file: "aigateway.envoyproxy.io_mcproutes.yaml",
        from: "envoyproxy/ai-gateway, manifests/charts/ai-gateway-crds-helm/templates",
        kind: "yaml",
        spoil: |text| text.replacen("toolSelector:", "toolSelectors:", 1),
    },
];

/// The folder of Python's packages; None, after saying so, where they cannot be had.
fn python() -> Option<PathBuf> {
    let folder = cache().join("python-schemas-2");
    if !folder.join("tomli_w").is_dir() {
        let done = Command::new("python3")
            .args(["-m", "pip", "install", "--quiet", "--only-binary", ":all:", "--target"])
            .arg(&folder)
            .args(PYTHON)
            .output();
        if !folder.join("tomli_w").is_dir() {
            let why =
                done.map_or_else(|e| e.to_string(), |out| String::from_utf8_lossy(&out.stderr).into_owned());
            let why = why.lines().last().unwrap_or_default();
            println!("skipped: {} cannot be installed here ({why})", PYTHON.join(" "));
            return None;
        }
    }
    Some(folder)
}

/// Every set of policies there is: of hostile names, and of the 2,000 calls; whole, and each server for itself.
fn sets() -> Vec<PolicySet> {
    let mut sets = two_thousand().1;
    sets.extend(policies().into_values());
    sets
}

#[test]
fn every_policy_is_what_the_schema_of_its_target_asks_for() {
    let Some(folder) = std::env::var_os("CATALOGUE_SCHEMAS").map(PathBuf::from) else {
        for Schema { file, from, .. } in &SCHEMAS {
            println!("skipped: {file} ({from}): CATALOGUE_SCHEMAS names no folder with it");
        }
        return;
    };
    let Some(python) = python() else { return };
    for schema in &SCHEMAS {
        let file = folder.join(schema.file);
        if !file.is_file() {
            println!("skipped: {} ({}) is not in {}", schema.file, schema.from, folder.display());
            continue;
        }
        against(schema, &file, &python);
    }
}

/// Asserts that all documents of a format are valid, that one with a misspelt key is not, and that whatever else the schema refuses
/// is an error for us as well.
fn against(schema: &Schema, file: &Path, python: &Path) {
    let written =
        |set: &PolicySet| exporter(schema.format).unwrap().document(set, Wishes::default()).unwrap().text;
    let mut documents: Vec<String> = sets().iter().map(written).collect();
    let count = documents.len();
    let spoilt: Vec<String> =
        documents.iter().map(|text| (schema.spoil)(text)).filter(|text| !documents.contains(text)).collect();
    assert!(!spoilt.is_empty(), "{}: nothing to spoil", schema.format);
    documents.extend(spoilt);
    let version = documents.iter().find_map(|text| {
        Some(
            text.split_once("apiVersion: ")?
                .1
                .lines()
                .next()?
                .rsplit('/')
                .next()?
                .trim_matches(['"', '\''])
                .to_owned(),
        )
    });
    let job = json!({
        "schema": file, "kind": schema.kind, "documents": documents, "version": version.clone().unwrap_or_default(),
    });
    let said = answers("python3", "schemas.py", python, &[job]);
    let said: Vec<Vec<Value>> = serde_json::from_value(said[0].clone()).unwrap();
    let (ours, others) = said.split_at(count);
    for (problems, document) in ours.iter().zip(&documents) {
        assert!(problems.is_empty(), "{}: {problems:?}\n{document}", schema.format);
    }
    let unseen = others.iter().zip(documents.iter().skip(count)).find(|(problems, _)| problems.is_empty());
    assert!(unseen.is_none(), "{}: a misspelt key is not seen: {unseen:?}", schema.format);
    println!("{}: {count} documents are valid, {} misspelt ones are refused", schema.format, others.len());
    // One part after another of two small ones is spoilt.
    let mut small: Vec<&String> = documents.iter().take(count).collect();
    small.sort_by_key(|text| text.len());
    small.truncate(2);
    let job = json!({
        "schema": file, "kind": schema.kind, "documents": small, "version": version.unwrap_or_default(), "spoil": true,
    });
    let said = answers("python3", "schemas.py", python, &[job]);
    let said: Vec<(Value, String, Vec<Value>)> = serde_json::from_value(said[0].clone()).unwrap();
    let refused: Vec<_> = said.iter().filter(|(_, _, problems)| !problems.is_empty()).collect();
    assert!(refused.len() > 50, "{}: {} of {} are refused", schema.format, refused.len(), said.len());
    let validate = exporter(schema.format).unwrap().validate;
    for (path, text, problems) in &refused {
        // What is no part of a policy is said to be none.
        let elsewhere = schema.format == "codex" && path.as_array().is_some_and(Vec::is_empty);
        let found = validate(text);
        let seen = found.iter().any(|finding| elsewhere || finding.level == Level::Error);
        assert!(
            seen && !found.is_empty(),
            "{} {path}: {problems:?} is not seen: {found:?}\n{text}",
            schema.format
        );
    }
    println!(
        "{}: of {} spoilt documents the schema refuses {}, and so do we",
        schema.format,
        said.len(),
        refused.len()
    );
}
