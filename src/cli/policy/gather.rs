//! From servers as people name them, or from a client's own file, to neutral policies.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::{Context, bail};

use super::super::corrections;
use super::super::scan::targets::UsageError;
use super::super::settings::Settings;
use super::server_and_version;
use crate::clients::{Clients, Os, Start, Surroundings};
use crate::model::slug::key_name;
use crate::model::{ServerKey, ToolDefinition, Untrusted};
use crate::policy::{Judged, Keyed, Rule, ServerPolicy, Tier, default_server_key, policy_for_server};
use crate::progress;
use crate::store::{Connection, answered, answered_servers};

/// Reads answers and makes policies of them.
pub(super) struct Gatherer {
    db: Connection,
    rules: crate::classify::RuleSet,
    numbers: crate::policy::Numbers,
    tier: Tier,
}

impl Gatherer {
    pub(super) fn new(settings: &Settings, tier: Tier) -> anyhow::Result<Self> {
        Ok(Self {
            db: corrections::open_read_only(settings)?,
            rules: settings.rule_set()?,
            numbers: settings.numbers()?,
            tier,
        })
    }

    /// Every server that ever answered.
    pub(super) fn all(&self) -> anyhow::Result<Vec<ServerKey>> {
        Ok(answered_servers(&self.db)?)
    }

    /// The policy of one release; None if it never answered.
    pub(super) fn policy(
        &self,
        server: &ServerKey,
        version: Option<&str>,
    ) -> anyhow::Result<Option<ServerPolicy>> {
        let Some(answer) = answered(&self.db, server, version, self.rules.hash())? else { return Ok(None) };
        let mut tools = Vec::new();
        for tool in &answer.tools {
            let definition = ToolDefinition::from_json(&tool.canonical)?;
            let verdict = match tool.verdict_in_force() {
                Some(verdict) => verdict,
                None => {
                    let verdict = self.rules.judge(&definition);
                    tool.correction.as_ref().map_or_else(|| verdict.clone(), |c| c.applied_to(&verdict))
                }
            };
            tools.push((definition, verdict));
        }
        let judged = tools.iter().map(|(definition, verdict)| Judged { definition, verdict });
        Ok(Some(policy_for_server(server, &answer.version, judged, &self.numbers, self.tier)))
    }

    /// The policy of a server as people name it, under its likely key.
    pub(super) fn named(&self, text: &str) -> anyhow::Result<Keyed> {
        let (server, version) = server_and_version(text)?;
        let Some(policy) = self.policy(&server, version.as_deref())? else {
            let release = version.map(|v| format!(" {v}")).unwrap_or_default();
            bail!(
                "{server}{release} has never answered in this database; scan it first: catalogue scan {text}"
            );
        };
        Ok(Keyed { key: default_server_key(&server), policy })
    }

    /// The policies of all servers of a client's file, under the keys they have there.
    ///
    /// A server that never answered gets a policy without tools that asks about every call: leaving it out would leave
    /// it to the client, and some allow what nothing is said about.
    pub(super) fn configured(
        &self,
        settings: &Settings,
        client: &str,
        file: &Path,
    ) -> anyhow::Result<Vec<Keyed>> {
        let data = settings.data_files()?;
        let text = String::from_utf8_lossy(data.get("clients.toml").map_or(&[][..], |b| b)).into_owned();
        let clients = Clients::parse(&text)?;
        let Some(client) = clients.clients().iter().find(|c| c.name == client) else {
            let known: Vec<&str> = clients.clients().iter().map(|c| c.name.as_str()).collect();
            let message = format!("--client {client}: no such client; one of {}", known.join(", "));
            return Err(UsageError(message).into());
        };
        let here = std::env::current_dir().context("the current folder cannot be read")?;
        let home = directories::BaseDirs::new().context("your home folder is not known; set HOME")?;
        let around = Surroundings {
            os: Os::here(),
            home: home.home_dir().to_owned(),
            project: Surroundings::project_folders(&here),
            variable: &|name| std::env::var_os(name),
        };
        let reading = clients.read_file(client, file, &around)?;
        let mut seen = BTreeSet::new();
        let mut keyed = Vec::new();
        for found in reading.found {
            let key = found.name.raw().to_owned();
            if !seen.insert(key.clone()) {
                continue;
            }
            let (server, version, why) = match &found.start {
                Ok(Start::Known(target)) => {
                    let version = match target {
                        crate::model::Target::Package { version, .. } => version.clone(),
                        _ => None,
                    };
                    (Some(target.server()), version, "it has never answered in this database")
                }
                Ok(Start::Program { .. }) => (local(&key), None, "it has never answered in this database"),
                Err(why) => (None, None, *why),
            };
            let known = match &server {
                // The very release, else the newest that answered.
                Some(server) => match self.policy(server, version.as_deref())? {
                    Some(policy) => Some(policy),
                    None => self.policy(server, None)?,
                },
                None => None,
            };
            let policy = match known {
                Some(policy) => policy,
                None => {
                    let shown = Untrusted::new(key.as_str()).for_terminal(80);
                    progress::say(&format!(
                        "{shown}: nothing is known of its tools, so each call is asked about: {why}"
                    ));
                    let Some(server) = server.or_else(|| local(&key)) else { continue };
                    ServerPolicy { server, release: String::new(), default: Rule::Ask, tools: Vec::new() }
                }
            };
            keyed.push(Keyed { key, policy });
        }
        if keyed.is_empty() {
            bail!("{}: holds no server of {}; give the client with --client", file.display(), client.title);
        }
        keyed.sort_by(|a, b| a.key.cmp(&b.key));
        Ok(keyed)
    }
}

fn local(name: &str) -> Option<ServerKey> {
    ServerKey::local(name).or_else(|_| ServerKey::local(&key_name(name))).ok()
}
