//! One target: stored already, resolved by its registry, asked, stored and judged.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use tokio_util::sync::CancellationToken;
use url::Url;

use super::ScanOptions;
use super::kit::Prepared;
use super::ledger::Ledger;
use super::report::Row;
use crate::http::Reach;
use crate::model::identity::RepositoryClaim;
use crate::model::work::Claim;
use crate::model::{
    Attempt, Outcome, Probe, Registry, Release, ReleaseFacts, ServerKey, Target, Transport, Untrusted,
};
use crate::probe::registry::github::is_commit;
use crate::probe::registry::{FindError, ReleaseFound, find_release};
use crate::probe::runner::{PackageProbe, Prober};
use crate::probe::{local, remote, toolchain};
use crate::store::StoreError;
use crate::store::identity::ScannedFacts;

/// Characters kept of a name in the official registry, which has at most 200 by its own rule.
const NAME_CHARS: usize = 300;

/// What asking one target takes.
pub(super) struct Asking<'a> {
    pub(super) ledger: &'a dyn Ledger,
    pub(super) prober: &'a Prober,
    pub(super) kit: &'a Prepared,
    /// Files that no command of the user's own may see.
    pub(super) hidden: &'a [PathBuf],
    pub(super) options: &'a ScanOptions,
    /// It came out of a list: its address must be a public one.
    pub(super) listed: bool,
    pub(super) cancel: &'a CancellationToken,
}

impl Asking<'_> {
    /// One target, whatever it is: resolved, asked, stored, judged.
    pub(super) async fn target(&self, target: &Target, claim: &Claim, slot: u32) -> anyhow::Result<Row> {
        match target {
            Target::Package { server, version } => {
                // A tag may mean another commit tomorrow.
                let exact = |v: &&String| server.registry() != Registry::Github || is_commit(v);
                let pinned = version
                    .as_ref()
                    .filter(exact)
                    .map(|v| Release { server: server.clone(), version: v.clone() });
                if let Some(release) = &pinned {
                    if let Some(row) = self.stored(release)? {
                        return Ok(row);
                    }
                    if let Some(entry) = self.prober.cache.find_plain(release) {
                        let asked = PackageProbe {
                            release: release.clone(),
                            python: entry.installed.variant.python.clone(),
                            published_at: entry.installed.published_at,
                            slot,
                        };
                        drop(entry);
                        return self.package(&asked, &ReleaseFacts::default(), claim).await;
                    }
                }
                let found = tokio::select! {
                    found = self.find(server, version.as_deref()) => found,
                    () = self.cancel.cancelled() => return Ok(Row::new(server.to_string(), String::new(), Outcome::Interrupted, "")),
                };
                match found {
                    Ok(found) => {
                        self.remember_who(&found, version.is_none())?;
                        if let Some(row) = self.stored(&found.release)? {
                            return Ok(row);
                        }
                        self.found(found, claim, slot).await
                    }
                    Err(error) => self.not_found(target, &error),
                }
            }
            Target::Remote { address } => {
                let release = Release { server: target.server(), version: String::new() };
                if let Some(row) = self.stored(&release)? {
                    return Ok(row);
                }
                self.remote(&release, address, claim).await
            }
            Target::Local { server, command, env, fresh, folder } => {
                let release = Release { server: server.clone(), version: String::new() };
                if !fresh && let Some(row) = self.stored(&release)? {
                    return Ok(row);
                }
                self.local(&release, (command, *fresh), env, folder.as_deref(), claim, slot).await
            }
        }
    }

    async fn find(&self, server: &ServerKey, version: Option<&str>) -> Result<ReleaseFound, FindError> {
        if server.registry() == Registry::Github {
            let Some(github) = &self.kit.github else { return Err(FindError::NoPackage(server.clone())) };
            return github.find(&self.kit.client, server, version).await;
        }
        find_release(&self.kit.client, self.kit.registries.get().await, server, version).await
    }

    /// Keeps what the registry says of who the package is, as a walk would.
    fn remember_who(&self, found: &ReleaseFound, is_newest: bool) -> Result<(), StoreError> {
        if !matches!(found.release.server.registry(), Registry::Npm | Registry::Pypi) {
            return Ok(());
        }
        let folder = found.repository_folder.as_ref().map(Untrusted::raw);
        let repository =
            found.repository.as_ref().and_then(|url| RepositoryClaim::read(url.as_str(), folder));
        let mcp_names =
            found.mcp_names.iter().map(|name| name.raw().trim().chars().take(NAME_CHARS).collect()).collect();
        let said = ScannedFacts { is_newest, mcp_names, repository };
        self.ledger.who(&found.release, &said)
    }

    async fn found(&self, found: ReleaseFound, claim: &Claim, slot: u32) -> anyhow::Result<Row> {
        let facts = ReleaseFacts {
            published_at: found.published_at,
            title: None,
            description: found.description.clone(),
            repository: found.repository.as_ref().map(ToString::to_string),
            homepage: found.homepage.as_ref().map(ToString::to_string),
            licence: found.licence.clone(),
            ..ReleaseFacts::default()
        };
        let python = toolchain::choose_python(&self.kit.toolchain.pythons, found.requires_python.as_deref());
        let is_python = found.release.server.registry() == Registry::Pypi;
        let found_on_github = found.release.server.registry() == Registry::Github;
        if is_python && python.is_none() {
            let wanted = found.requires_python.as_deref().unwrap_or("any");
            let detail =
                format!("no Python of the required version ({wanted}) was found; see catalogue doctor");
            return self.record_without_start(&found.release, &facts, Outcome::ScannerError, &detail);
        }
        let asked = PackageProbe {
            release: found.release,
            // What a repository holds is not known yet.
            python: if is_python || found_on_github { python.map(super::kit::interpreter) } else { None },
            published_at: found.published_at,
            slot,
        };
        self.package(&asked, &facts, claim).await
    }

    fn not_found(&self, target: &Target, error: &FindError) -> anyhow::Result<Row> {
        let key = target.server().to_string();
        let version = match target {
            Target::Package { version, .. } => version.clone().unwrap_or_default(),
            _ => String::new(),
        };
        let detail = chain(error);
        let outcome = match error {
            // Nobody's server: there is nothing to record.
            FindError::NoSuchPackage(_) | FindError::NoSuchVersion { .. } | FindError::NoPackage(_) => {
                return Ok(Row::new(key, version, Outcome::InstallFailed, &detail));
            }
            FindError::NotInstallable { release, .. } => {
                let version = release.parse::<Target>().ok().and_then(|t| match t {
                    Target::Package { version, .. } => version,
                    _ => None,
                });
                let release = Release { server: target.server(), version: version.unwrap_or_default() };
                let facts = ReleaseFacts::default();
                return self.record_without_start(&release, &facts, Outcome::InstallFailed, &detail);
            }
            FindError::NoRegistry { .. } => Outcome::ScannerError,
            FindError::Http(error) => super::kit::outcome_of(error),
        };
        Ok(Row::new(key, version, outcome, &detail))
    }

    /// A release that was found and not started.
    fn record_without_start(
        &self,
        release: &Release,
        facts: &ReleaseFacts,
        outcome: Outcome,
        detail: &str,
    ) -> anyhow::Result<Row> {
        let now = Timestamp::now();
        // What happened is stored, whatever is there: a command that is asked anew may have been quarantined just now.
        let (id, attempts) = match self.open(release, facts, true)? {
            Ok(opened) => opened,
            Err(row) => return Ok(*row),
        };
        let probe = Probe {
            outcome,
            detail: Untrusted::new(detail),
            sandbox: self.prober.sandbox.level(),
            memory_bound: None,
            transport: Transport::Stdio,
            started_at: now,
            finished_at: now,
            chosen: None,
            attempts,
            protocol: None,
            server_info: None,
            capabilities: None,
            instructions: None,
            interpreter: None,
            pages: 0,
            noise_lines: 0,
            marks: Vec::new(),
            tools: Vec::new(),
            malformed: Vec::new(),
        };
        self.finish(release, id, probe)
    }

    async fn package(
        &self,
        asked: &PackageProbe,
        facts: &ReleaseFacts,
        claim: &Claim,
    ) -> anyhow::Result<Row> {
        if claim.is_to_be_quarantined() {
            let detail = format!("the scanner died {} times while asking it", claim.deaths);
            return self.record_without_start(&asked.release, facts, Outcome::Quarantined, &detail);
        }
        let (id, earlier) = match self.open(&asked.release, facts, false)? {
            Ok(opened) => opened,
            Err(row) => return Ok(*row),
        };
        let (probe, about) =
            self.prober.package(asked, earlier, |at, attempt| self.keep(id, at, attempt, claim)).await;
        self.ledger.about(&asked.release, &about)?;
        // Only what was installed says what it carries.
        if probe.outcome.is_lasting() && probe.outcome != Outcome::InstallFailed {
            self.ledger.declared(&asked.release.server, &about.declared)?;
        }
        self.finish(&asked.release, id, probe)
    }

    async fn local(
        &self,
        release: &Release,
        (command, fresh): (&[String], bool),
        env: &BTreeMap<String, String>,
        folder: Option<&Path>,
        claim: &Claim,
        slot: u32,
    ) -> anyhow::Result<Row> {
        if claim.is_to_be_quarantined() {
            let detail = format!("the scanner died {} times while asking it", claim.deaths);
            return self.record_without_start(
                release,
                &ReleaseFacts::default(),
                Outcome::Quarantined,
                &detail,
            );
        }
        let here = match folder {
            Some(folder) => folder.to_owned(),
            None => std::env::current_dir()?,
        };
        let sandbox = &self.prober.sandbox;
        let spec = match local::spec(sandbox, command, env, &here, self.hidden, &self.prober.scratch).await {
            Ok(mut spec) => {
                spec.slot = slot;
                spec.limits.memory_bytes = self.prober.limits.memory_bytes;
                spec
            }
            Err(why) => {
                return Ok(Row::new(release.server.to_string(), String::new(), Outcome::NotMcp, &why));
            }
        };
        let (id, _) = match self.open(release, &ReleaseFacts::default(), fresh)? {
            Ok(opened) => opened,
            Err(row) => return Ok(*row),
        };
        let probe = self
            .prober
            .local(spec, local::shown(command), &self.prober.limits, |at, attempt| {
                self.keep(id, at, attempt, claim)
            })
            .await;
        self.finish(release, id, probe)
    }

    async fn remote(&self, release: &Release, address: &Url, claim: &Claim) -> anyhow::Result<Row> {
        if claim.is_to_be_quarantined() {
            let detail = format!("the scanner died {} times while asking it", claim.deaths);
            return self.record_without_start(
                release,
                &ReleaseFacts::default(),
                Outcome::Quarantined,
                &detail,
            );
        }
        let (id, _) = match self.open(release, &ReleaseFacts::default(), false)? {
            Ok(opened) => opened,
            Err(row) => return Ok(*row),
        };
        let limits = &self.prober.limits;
        // An address out of a list never leads into our own network.
        let reach = if self.listed { Reach::Public } else { Reach::Typed };
        let shown = release.server.name().to_owned();
        let probe = tokio::select! {
            probe = remote::ask(&self.kit.client, address, reach, limits, shown) => probe,
            () = self.cancel.cancelled() => {
                return Ok(Row::new(release.server.to_string(), String::new(), Outcome::Interrupted, ""));
            }
        };
        for (at, attempt) in probe.attempts.iter().enumerate() {
            self.keep(id, at, attempt, claim);
        }
        self.finish(release, id, probe)
    }

    /// Stores an attempt as it ends. If that fails the attempt is stored with the whole probe, or the run ends there.
    fn keep(&self, probe: i64, at: usize, attempt: &Attempt, claim: &Claim) {
        let mut attempt = attempt.clone();
        self.options.clock.clock.set_attempt(&mut attempt);
        match self.ledger.attempt(probe, at, &attempt, &claim.key) {
            Err(StoreError::Finished { .. }) => {
                tracing::debug!(target = %claim.key, "another scan was quicker")
            }
            Err(error) => tracing::warn!(target = %claim.key, %error, "an attempt is not stored yet"),
            Ok(()) => {}
        }
    }

    /// Stores the answer and judges what is new in it. An interrupted probe stays open and goes on in the next run.
    fn finish(&self, release: &Release, id: i64, mut probe: Probe) -> anyhow::Result<Row> {
        let mut row =
            Row::new(release.server.to_string(), release.version.clone(), probe.outcome, probe.detail.raw());
        row.attempts = probe.attempts.len();
        row.sandbox = Some(probe.sandbox);
        if probe.outcome == Outcome::Interrupted {
            return Ok(row);
        }
        self.options.clock.clock.set(&mut probe);
        match self.ledger.finish(id, &probe) {
            // Another scan took the target over, for which this one's lease was over, and its answer stands.
            Err(StoreError::Finished { .. }) => {
                tracing::warn!(target = %release.server, "another scan stored its answer first; that one stands");
                row.recorded = true;
                row.tools = u32::try_from(probe.tools.len()).unwrap_or(u32::MAX);
                return Ok(row);
            }
            stored => stored?,
        }
        row.recorded = probe.outcome.is_lasting();
        row.tools = u32::try_from(probe.tools.len()).unwrap_or(u32::MAX);
        if probe.outcome == Outcome::Ok {
            row.classes = self.ledger.judge(release, &probe)?;
        }
        Ok(row)
    }
}

/// An error with its causes in one line.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let said = inner.to_string();
        if !text.contains(&said) {
            text = format!("{text}: {said}");
        }
        cause = inner.source();
    }
    text
}
