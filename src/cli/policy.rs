//! `catalogue policy`: export policies for what enforces them, check them, explain, compare and merge them.

mod changes;
mod explain;
mod export;
mod gather;
mod remarks;
mod validate;

use std::io::Read;
use std::path::Path;

use anyhow::{Context, bail};
use clap::{Args, Subcommand, ValueEnum};

use super::exit::Exit;
use super::scan::targets::UsageError;
use super::settings::Settings;
use crate::export::Exporter;
use crate::model::{ServerKey, Target};
use crate::policy::Tier;
use crate::progress;

/// Longest policy that is read.
const MAX_POLICY_BYTES: u64 = 64 << 20;

/// `catalogue policy`.
#[derive(Debug, Args)]
pub(super) struct PolicyOptions {
    #[command(subcommand)]
    command: PolicyCommand,
}

#[derive(Debug, Subcommand)]
enum PolicyCommand {
    /// Print the policy of servers in a format that something enforces
    Export(export::ExportOptions),
    /// Check policies by the rules of the program that will load them, unknown keys included
    Validate(validate::ValidateOptions),
    /// Say what a policy makes of a call, and which rule decides
    Explain(explain::ExplainOptions),
    /// Say what became possible and what impossible between two neutral policies
    Diff(changes::DiffOptions),
    /// Merge a person's changes with a new neutral policy
    Merge(changes::MergeOptions),
    /// Print the fixed Rego module that the data of the format opa is for
    Rego,
}

/// A format of the table, by its id.
#[derive(Clone, Copy)]
struct Format(&'static Exporter);

impl std::fmt::Debug for Format {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.0.id)
    }
}

impl std::str::FromStr for Format {
    type Err = String;

    fn from_str(id: &str) -> Result<Self, String> {
        export_format(id).map(Format).ok_or_else(|| {
            let known: Vec<&str> = crate::export::EXPORTERS.iter().map(|e| e.id).collect();
            format!("no such format; one of {}", known.join(" "))
        })
    }
}

fn export_format(id: &str) -> Option<&'static Exporter> {
    crate::export::exporter(id)
}

/// A tier, as people type it.
#[derive(Debug, Clone, Copy, Default, ValueEnum)]
enum TierWord {
    /// Default deny; reading with low risk, nothing else
    Strict,
    /// Default deny; reading goes through, writing and executing is limited, a person is asked about the rest
    #[default]
    Recommended,
    /// Default ask; most goes through or is limited
    Permissive,
}

impl From<TierWord> for Tier {
    fn from(word: TierWord) -> Self {
        match word {
            TierWord::Strict => Tier::Strict,
            TierWord::Recommended => Tier::Recommended,
            TierWord::Permissive => Tier::Permissive,
        }
    }
}

pub(super) fn run(settings: &Settings, options: &PolicyOptions) -> anyhow::Result<Exit> {
    match &options.command {
        PolicyCommand::Export(options) => export::run(settings, options),
        PolicyCommand::Validate(options) => validate::run(settings, options),
        PolicyCommand::Explain(options) => explain::run(options),
        PolicyCommand::Diff(options) => changes::diff(options),
        PolicyCommand::Merge(options) => changes::merge(options),
        PolicyCommand::Rego => {
            progress::print(crate::export::REGO_MODULE)?;
            Ok(Exit::Ok)
        }
    }
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
