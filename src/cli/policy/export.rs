//! `catalogue policy export`.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use clap::{Args, ValueEnum};

use super::super::exit::Exit;
use super::super::scan::targets::UsageError;
use super::super::settings::Settings;
use super::gather::Gatherer;
use super::{Format, TierWord, write_whole};
use crate::export::{Exported, Exporter, REGO_MODULE, Wishes};
use crate::policy::{Keyed, PolicySet, Tier};
use crate::progress;

#[derive(Debug, Args)]
pub(super) struct ExportOptions {
    /// Servers by key, with a version if it is not the newest answered one: npm:NAME[@VERSION], pypi:NAME[==VERSION]
    #[arg(required_unless_present_any = ["all", "from_config"], value_name = "SERVER")]
    servers: Vec<String>,
    /// Only this tool of the server; whatever else it has, the default decides about
    #[arg(long, value_name = "TOOL", conflicts_with_all = ["all", "from_config"])]
    tool: Option<String>,
    /// For what: claude-code, codex, gemini-cli, opencode, copilot-cli, json, csv, opa, toolhive, docker, envoy,
    /// agentgateway, intercept, policylayer, kiro; as advice only: cursor, vscode
    #[arg(long)]
    format: Format,
    /// How careful
    #[arg(long, value_enum, default_value_t)]
    tier: TierWord,
    /// Every server that ever answered
    #[arg(long, conflicts_with_all = ["servers", "from_config"])]
    all: bool,
    /// All servers of this client's file, under the keys they have there
    #[arg(long, value_name = "FILE", conflicts_with = "servers")]
    from_config: Option<PathBuf>,
    /// Whose file --from-config names [default: the client of the format]
    #[arg(long, value_name = "NAME", requires = "from_config")]
    client: Option<String>,
    /// What the server is called in your client [default: the last part of its name]
    #[arg(long, value_name = "NAME", conflicts_with_all = ["all", "from_config"])]
    server_key: Option<String>,
    /// What becomes of a limit that the format cannot say, instead of asking or refusing
    #[arg(long, value_enum, value_name = "RULE")]
    lossy_limit: Option<LossyLimit>,
    /// Write to this file; in a folder, one file a server: REGISTRY/SERVER.FORMAT.ENDING
    #[arg(short, long, value_name = "FILE|DIR")]
    output: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum LossyLimit {
    /// Every call goes through, uncounted
    Allow,
}

pub(super) fn run(settings: &Settings, options: &ExportOptions) -> anyhow::Result<Exit> {
    let tier: Tier = options.tier.into();
    let gatherer = Gatherer::new(settings, tier)?;
    let exporter = options.format.0;
    let wishes = Wishes {
        limit_may_become_allow: options.lossy_limit.is_some(),
        keys_are_own: options.from_config.is_some() || options.server_key.is_some(),
    };
    let folder = options.output.as_deref().filter(|path| is_folder(path, options));
    if options.all && folder.is_some() {
        // One at a time: the whole catalogue need not fit into memory.
        for server in gatherer.all()? {
            if let Some(policy) = gatherer.policy(&server, None)? {
                let key = crate::policy::default_server_key(&server);
                one_file(exporter, folder, tier, Keyed { key, policy }, wishes)?;
            }
        }
        return Ok(Exit::Ok);
    }
    let servers = gathered(settings, options, &gatherer)?;
    if let (Some(folder), None) = (folder, &options.from_config) {
        for keyed in servers {
            one_file(exporter, Some(folder), tier, keyed, wishes)?;
        }
        return Ok(Exit::Ok);
    }
    let set = PolicySet { tier, servers };
    let exported = exporter.document(&set, wishes)?;
    let path = match (&options.output, folder) {
        (Some(folder), Some(_)) => Some(folder.join(format!("config.{}.{}", exporter.id, exporter.language))),
        (path, _) => path.clone(),
    };
    match &path {
        None => progress::print(&exported.text)?,
        Some(path) => write_document(exporter, path, &exported)?,
    }
    say(exporter, &exported, "");
    Ok(Exit::Ok)
}

/// A folder is one that is there, ends like one, or has to hold several files.
fn is_folder(path: &Path, options: &ExportOptions) -> bool {
    let ends_like_one = path.to_string_lossy().ends_with('/');
    path.is_dir()
        || ends_like_one
        || ((options.all || options.servers.len() > 1) && path.extension().is_none())
}

fn gathered(settings: &Settings, options: &ExportOptions, gatherer: &Gatherer) -> anyhow::Result<Vec<Keyed>> {
    if let Some(file) = &options.from_config {
        let by_format = match options.format.0.id {
            id @ ("claude-code" | "codex" | "gemini-cli" | "opencode" | "copilot-cli" | "kiro" | "cursor"
            | "vscode") => id,
            // The same shape: mcpServers.
            _ => "claude-code",
        };
        return gatherer.configured(settings, options.client.as_deref().unwrap_or(by_format), file);
    }
    let texts: Vec<String> = match options.all {
        true => gatherer.all()?.iter().map(ToString::to_string).collect(),
        false => options.servers.clone(),
    };
    let mut servers = Vec::new();
    for text in &texts {
        let mut keyed = gatherer.named(text)?;
        if let Some(tool) = &options.tool {
            keyed.policy.tools.retain(|t| t.tool.raw() == tool);
            if keyed.policy.tools.is_empty() {
                bail!("{} lists no tool {tool:?}; leave out --tool to see them all", keyed.policy.server);
            }
        }
        if let Some(key) = &options.server_key {
            if texts.len() > 1 {
                return Err(UsageError("--server-key goes with one server".to_owned()).into());
            }
            keyed.key.clone_from(key);
        }
        servers.push(keyed);
    }
    // Two servers with one likely key: the later ones carry a number, or one would speak for both.
    let mut used = std::collections::BTreeSet::new();
    for keyed in &mut servers {
        let base: String = keyed.key.chars().take(22).collect();
        let mut round = 2;
        while !used.insert(keyed.key.clone()) {
            keyed.key = format!("{base}-{round}");
            round += 1;
        }
    }
    servers.sort_by(|a, b| a.key.cmp(&b.key));
    Ok(servers)
}

fn one_file(
    exporter: &Exporter,
    folder: Option<&Path>,
    tier: Tier,
    keyed: Keyed,
    wishes: Wishes,
) -> anyhow::Result<()> {
    let path = keyed.policy.server.site_path();
    let path = path.strip_prefix("servers/").unwrap_or(&path).to_owned();
    let server = keyed.policy.server.to_string();
    let set = PolicySet { tier, servers: vec![keyed] };
    let exported = exporter.document(&set, wishes)?;
    let file = folder.unwrap_or(Path::new(".")).join(format!("{path}.{}.{}", exporter.id, exporter.language));
    write_document(exporter, &file, &exported)?;
    say(exporter, &exported, &format!("{server}: "));
    Ok(())
}

fn write_document(exporter: &Exporter, path: &Path, exported: &Exported) -> anyhow::Result<()> {
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs_err::create_dir_all(folder).context("the folder of the policy cannot be made")?;
    write_whole(path, &exported.text)?;
    if exporter.id == "opa" {
        write_whole(&folder.join("policy.rego"), REGO_MODULE)?;
    }
    Ok(())
}

/// What the header says of losses, for formats without a place for one and for those who do not read it.
fn say(exporter: &Exporter, exported: &Exported, whose: &str) {
    for line in exported.header.iter().filter(|l| l.starts_with("Lost: ") || l.starts_with("Shared name: ")) {
        if line != "Lost: nothing." {
            progress::say(&format!("{whose}{}: {line}", exporter.id));
        }
    }
    if exported.mostly_lost {
        progress::say(&format!(
            "{whose}{}: more than half of a server's tools got something stricter because this format cannot say their rules; \
             --lossy-limit allow lets calls that should be limited through uncounted",
            exporter.id
        ));
    }
}
