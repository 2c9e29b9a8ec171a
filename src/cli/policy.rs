//! `catalogue policy`: export a server's policy for what enforces it, and check policies before they are used.

use std::io::Read;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use clap::{Args, Subcommand, ValueEnum};
use serde::Serialize;

use super::corrections;
use super::exit::Exit;
use super::scan::report::counted;
use super::scan::targets::UsageError;
use super::settings::Settings;
use crate::export::{self, Exporter, Level};
use crate::model::{ServerKey, Target, ToolDefinition, Untrusted};
use crate::policy::policy_for_server;
use crate::progress;
use crate::store::answered;

/// Longest policy that is checked.
const MAX_POLICY_BYTES: u64 = 64 << 20;

/// `catalogue policy`.
#[derive(Debug, Args)]
pub(super) struct PolicyOptions {
    #[command(subcommand)]
    command: PolicyCommand,
}

#[derive(Debug, Subcommand)]
enum PolicyCommand {
    /// Print the recommended policy of a server
    Export(ExportOptions),
    /// Check policies by the rules of the program that will load them, unknown keys included
    Validate(ValidateOptions),
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Format {
    /// YAML of the Intercept proxy
    Intercept,
    /// policy.json of the PolicyLayer gateway
    Policylayer,
}

impl Format {
    fn exporter(self) -> &'static Exporter {
        let id = match self {
            Format::Intercept => "intercept",
            Format::Policylayer => "policylayer",
        };
        export::exporter(id).expect("each format of the command line is in the table of exporters")
    }
}

#[derive(Debug, Args)]
struct ExportOptions {
    /// The server's key, with a version if it is not the newest answered one: npm:NAME[@VERSION], pypi:NAME[==VERSION]
    server: String,
    /// For what
    #[arg(long, value_enum)]
    format: Format,
    /// Write to this file instead of standard output
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

#[derive(Debug, Args)]
struct ValidateOptions {
    /// Policies; - is standard input
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// Check by this format's rules [default: guessed from the content]
    #[arg(long, value_enum)]
    format: Option<Format>,
    /// Print one JSON object a file
    #[arg(long)]
    json: bool,
}

pub(super) fn run(settings: &Settings, options: &PolicyOptions) -> anyhow::Result<Exit> {
    match &options.command {
        PolicyCommand::Export(options) => export_policy(settings, options),
        PolicyCommand::Validate(options) => validate(options),
    }
}

fn export_policy(settings: &Settings, options: &ExportOptions) -> anyhow::Result<Exit> {
    let (server, version) = server_and_version(&options.server)?;
    let rules = settings.rule_set()?;
    let numbers = settings.numbers()?;
    let db = corrections::open_read_only(settings)?;
    let Some(answer) = answered(&db, &server, version.as_deref(), rules.hash())? else {
        let release = version.map(|v| format!(" {v}")).unwrap_or_default();
        bail!(
            "{server}{release} has never answered in this database; scan it first: catalogue scan {}",
            options.server
        );
    };
    let mut tools = Vec::new();
    for tool in &answer.tools {
        let verdict = match tool.verdict_in_force() {
            Some(verdict) => verdict,
            None => {
                let verdict = rules.judge(&ToolDefinition::from_json(&tool.canonical)?);
                tool.correction.as_ref().map_or_else(|| verdict.clone(), |c| c.applied_to(&verdict))
            }
        };
        tools.push((tool.name.raw().to_owned(), verdict));
    }
    let policy = policy_for_server(&server, &answer.version, &tools, &numbers);
    let exporter = options.format.exporter();
    let text = (exporter.write)(&policy)?;
    let findings = (exporter.validate)(&text);
    if let Some(finding) = findings.iter().find(|f| f.level == Level::Error) {
        bail!("the policy does not pass its own check ({}); please report this", finding.message);
    }
    match &options.output {
        None => progress::print(&text)?,
        Some(path) => write_whole(path, &text)?,
    }
    Ok(Exit::Ok)
}

/// Beside its place and then renamed, so that a full disk leaves no half a policy.
pub(super) fn write_whole(path: &Path, text: &str) -> anyhow::Result<()> {
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let part = tempfile::NamedTempFile::new_in(folder)
        .with_context(|| format!("cannot write to {}", folder.display()))?;
    fs_err::write(part.path(), text)?;
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o644);
    fs_err::set_permissions(part.path(), mode)?;
    part.persist(path).with_context(|| format!("cannot write {}", path.display()))?;
    Ok(())
}

/// SERVER with an optional `@VERSION` or `==VERSION`.
pub(super) fn server_and_version(text: &str) -> anyhow::Result<(ServerKey, Option<String>)> {
    if let Ok(Target::Package { server, version }) = text.parse::<Target>() {
        return Ok((server, version));
    }
    let server = text.parse::<ServerKey>().map_err(|e| UsageError(e.to_string()))?;
    Ok((server, None))
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

fn validate(options: &ValidateOptions) -> anyhow::Result<Exit> {
    let mut all_valid = true;
    for file in &options.files {
        let text = read_bounded(file)?;
        let exporter = options.format.map_or_else(|| export::guess(&text), Format::exporter);
        let findings = (exporter.validate)(&text);
        let errors = findings.iter().filter(|f| f.level == Level::Error).count();
        all_valid &= errors == 0;
        let shown: Vec<Shown> = findings
            .iter()
            .map(|f| Shown {
                level: if f.level == Level::Error { "error" } else { "warning" },
                path: Untrusted::new(f.path.clone()).for_terminal(200),
                line: f.line,
                column: f.column,
                message: Untrusted::new(f.message.clone()).for_terminal(500),
            })
            .collect();
        let name = file.display().to_string();
        if options.json {
            let checked = Checked { file: name, format: exporter.id, valid: errors == 0, findings: shown };
            progress::print(&format!("{}\n", serde_json::to_string(&checked)?))?;
            continue;
        }
        for finding in &shown {
            let place = match (finding.line, finding.column) {
                (Some(line), Some(column)) => format!(":{line}:{column}"),
                (Some(line), None) => format!(":{line}"),
                _ => String::new(),
            };
            progress::print(&format!(
                "{name}{place}: {}: {}: {}\n",
                finding.level, finding.path, finding.message
            ))?;
        }
        let verdict = if errors == 0 { "valid".to_owned() } else { counted(errors, "error") };
        progress::print(&format!("{name}: {} ({})\n", verdict, exporter.id))?;
    }
    Ok(if all_valid { Exit::Ok } else { Exit::Findings })
}

fn read_bounded(file: &Path) -> anyhow::Result<String> {
    let mut text = String::new();
    let read = if file == Path::new("-") {
        std::io::stdin().take(MAX_POLICY_BYTES + 1).read_to_string(&mut text)
    } else {
        fs_err::File::open(file)?.take(MAX_POLICY_BYTES + 1).read_to_string(&mut text)
    };
    read.with_context(|| format!("{}: cannot be read as text", file.display()))?;
    if text.len() as u64 > MAX_POLICY_BYTES {
        bail!("{}: larger than {} MiB; no policy is", file.display(), MAX_POLICY_BYTES >> 20);
    }
    Ok(text)
}
