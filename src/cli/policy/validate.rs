//! `catalogue policy validate`.

use std::path::{Path, PathBuf};

use clap::Args;
use serde::Serialize;

use super::super::exit::Exit;
use super::super::scan::report::counted;
use super::super::settings::Settings;
use super::gather::Gatherer;
use super::remarks::{MadeFrom, made_from};
use super::{Format, read_bounded};
use crate::export::{self, Exporter, Finding, Level};
use crate::model::Untrusted;
use crate::policy::{self, Keyed, Tier};
use crate::progress;

#[derive(Debug, Args)]
pub(super) struct ValidateOptions {
    /// Policies; - is standard input
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// Check by this format's rules [default: guessed from the content]
    #[arg(long)]
    format: Option<Format>,
    /// Compare with the tools of this server in the database; a neutral policy names its servers itself
    #[arg(long, value_name = "SERVER")]
    server: Option<String>,
    /// What that server is called in the policy [default: the last part of its name]
    #[arg(long, value_name = "NAME", requires = "server")]
    server_key: Option<String>,
    /// Print one JSON object a file
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Serialize)]
struct Checked {
    file: String,
    format: &'static str,
    valid: bool,
    findings: Vec<Shown>,
}

#[derive(Debug, Serialize)]
struct Shown {
    level: &'static str,
    path: String,
    line: Option<usize>,
    column: Option<usize>,
    message: String,
}

pub(super) fn run(settings: &Settings, options: &ValidateOptions) -> anyhow::Result<Exit> {
    let mut all_valid = true;
    for file in &options.files {
        let text = read_bounded(file)?;
        let exporter = options.format.map_or_else(|| export::guess(&text), |f| f.0);
        let mut findings = (exporter.validate)(&text);
        // Names and definitions are compared in what can be read; a file with faults cannot.
        if findings.iter().all(|f| f.level != Level::Error) {
            findings.extend(against_database(settings, options, exporter, &text)?);
        } else if options.server.is_some() {
            findings
                .push(remark("names", "its tools are compared with the server's once the errors are mended"));
        }
        findings.sort_by_key(|f| (f.line, f.column));
        let errors = findings.iter().filter(|f| f.level == Level::Error).count();
        all_valid &= errors == 0;
        let shown: Vec<Shown> = findings.iter().map(shown).collect();
        let name = file.display().to_string();
        if options.json {
            let checked = Checked { file: name, format: exporter.id, valid: errors == 0, findings: shown };
            progress::print_json(&checked)?;
            continue;
        }
        for finding in &shown {
            let place = match (finding.line, finding.column) {
                (Some(line), Some(column)) => format!(":{line}:{column}"),
                (Some(line), None) => format!(":{line}"),
                _ => String::new(),
            };
            let (level, path, message) = (finding.level, &finding.path, &finding.message);
            progress::print(&format!("{name}{place}: {level}: {path}: {message}\n"))?;
        }
        let verdict = if errors == 0 { "valid".to_owned() } else { counted(errors, "error") };
        progress::print(&format!("{name}: {} ({})\n", verdict, exporter.id))?;
    }
    Ok(if all_valid { Exit::Ok } else { Exit::Findings })
}

fn shown(finding: &Finding) -> Shown {
    Shown {
        level: if finding.level == Level::Error { "error" } else { "warning" },
        path: Untrusted::new(finding.path.clone()).for_terminal(200),
        line: finding.line,
        column: finding.column,
        message: Untrusted::new(finding.message.clone()).for_terminal(500),
    }
}

/// Names that the server does not have, and definitions that are others now.
fn against_database(
    settings: &Settings,
    options: &ValidateOptions,
    exporter: &Exporter,
    text: &str,
) -> anyhow::Result<Vec<Finding>> {
    let neutral = (exporter.id == "json").then(|| export::read_neutral(text).ok()).flatten();
    let made_from = made_from(text);
    let says_nothing = neutral.is_none() && made_from.iter().all(|m| m.fingerprint.is_none());
    let there = Path::new(&settings.db).is_file();
    if options.server.is_none() && (says_nothing || !there) {
        return Ok(if there { vec![not_known_what_of()] } else { Vec::new() });
    }
    let gatherer = Gatherer::new(settings, Tier::default())?;
    let mut known: Vec<Keyed> = Vec::new();
    if let Some(server) = &options.server {
        let mut keyed = gatherer.named(server)?;
        if let Some(key) = &options.server_key {
            keyed.key.clone_from(key);
        }
        known.push(keyed);
    } else if let Some((set, _)) = &neutral {
        for keyed in &set.servers {
            let policy = gatherer.policy(&keyed.policy.server, None)?;
            known.extend(policy.map(|policy| Keyed { key: keyed.key.clone(), policy }));
        }
    } else {
        for MadeFrom { server, key, .. } in &made_from {
            let (Ok(server), Some(key)) = (server.parse(), key) else { continue };
            let policy = gatherer.policy(&server, None)?;
            known.extend(policy.map(|policy| Keyed { key: key.clone(), policy }));
        }
    }
    let mut findings = exporter.unknown_names(text, &known);
    match &neutral {
        Some((set, _)) => findings.extend(changed_tools(&set.servers, &known)),
        // The other forms keep one number a server.
        None if says_nothing => findings.push(not_known_what_of()),
        None => {
            for MadeFrom { line, server, fingerprint, .. } in made_from {
                let Some(fingerprint) = fingerprint else { continue };
                findings.extend(changed_server(&gatherer, line, &server, &fingerprint)?);
            }
        }
    }
    Ok(findings)
}

/// Some formats have no place for a remark, and what people write has none.
fn not_known_what_of() -> Finding {
    remark(
        "made from",
        "it does not say which definitions it was made from, so whether they changed since cannot be told; keep the neutral JSON \
         of the same export and check that",
    )
}

/// A warning about the file as a whole.
fn remark(path: &str, message: &str) -> Finding {
    Finding {
        level: Level::Warning,
        path: path.to_owned(),
        line: None,
        column: None,
        message: message.to_owned(),
    }
}

/// Tools of a neutral policy whose definition is another one now.
fn changed_tools(servers: &[Keyed], known: &[Keyed]) -> Vec<Finding> {
    let mut findings = Vec::new();
    let pairs =
        servers.iter().filter_map(|was| known.iter().find(|now| now.key == was.key).map(|now| (was, now)));
    for (was, now) in pairs {
        for tool in &was.policy.tools {
            let Some(new) = now.policy.tool(tool.tool.raw()) else { continue };
            if !tool.definition.is_empty() && tool.definition != new.definition {
                findings.push(Finding {
                    level: Level::Error,
                    path: format!("servers.{}.tools[{:?}].definition", was.key, tool.tool.raw()),
                    line: None,
                    column: None,
                    message: format!(
                        "the definition changed since the policy was made, from {} to {}; look at the tool and export again",
                        tool.definition.chars().take(12).collect::<String>(),
                        new.definition.chars().take(12).collect::<String>()
                    ),
                });
            }
        }
    }
    findings
}

/// Whether a server's definitions are still those; a policy of a single tool was made from that one's alone.
fn changed_server(
    gatherer: &Gatherer,
    line: usize,
    server: &str,
    fingerprint: &str,
) -> anyhow::Result<Option<Finding>> {
    let Ok(key) = server.parse() else { return Ok(None) };
    let Some(now) = gatherer.policy(&key, None)? else { return Ok(None) };
    let one_of_them = || now.tools.iter().any(|tool| policy::fingerprint(&[tool]) == fingerprint);
    if now.fingerprint().as_deref() == Some(fingerprint) || one_of_them() {
        return Ok(None);
    }
    let release = if now.release.is_empty() { String::new() } else { format!(" (now {})", now.release) };
    Ok(Some(Finding {
        level: Level::Error,
        path: server.to_owned(),
        line: Some(line),
        column: None,
        message: format!(
            "its tools are not the ones that the policy was made from{release}; export again, and see what changed with \
             catalogue policy diff"
        ),
    }))
}
