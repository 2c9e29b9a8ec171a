//! One probe of one server: the ladder walked over real starts, each attempt handed on as it ends.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use super::attempt::{self, Answer};
use super::climb::{Climb, record_of};
use super::install::cache::{Cache, Entry};
use super::install::entry::Preload;
use super::install::{InstallFailure, Installer, Interpreter, Place, Variant};
use super::plan::placeholder::STAND_IN_KUBECONFIG;
use super::plan::{self, Hint, StandIn, Step};
use super::sandbox::{Access, BoxSpec, Sandbox};
use crate::config::limits::Limits;
use crate::model::{Attempt, Outcome, Probe, Release, ReleaseFacts, SandboxLevel, Transport, Untrusted};

/// Longest one start is waited for; the slowest of 44 live servers needed 4.9 s under load (research/live.md section 3).
const ATTEMPT_PATIENCE: Duration = Duration::from_secs(20);
/// How often it is asked whether the installers' stores may be used again.
const STORES_WAIT: Duration = Duration::from_millis(200);
/// A start is not worth making with less time than this.
const LEAST_PATIENCE: Duration = Duration::from_secs(1);
/// Where stand-ins lie inside a box that has a file system of its own.
const STAND_INS: &str = "/stand-ins";

/// What every probe of a run shares.
#[derive(Debug)]
pub struct Prober {
    /// The box.
    pub sandbox: Sandbox,
    /// The programs that install.
    pub installer: Installer,
    /// Kept installs.
    pub cache: Cache,
    /// False with `--no-cache`.
    pub keep: bool,
    /// Bounds.
    pub limits: Limits,
    /// Folder of stand-ins on the host.
    pub stand_ins: PathBuf,
    /// Folder for temporary homes.
    pub scratch: PathBuf,
    /// `data/launch.toml`.
    pub hints: Vec<Hint>,
    /// How many installs run at once.
    pub installs: Semaphore,
    /// True once something was installed: then the stores may have grown beyond their bound.
    pub installed: std::sync::atomic::AtomicBool,
    /// Set by Ctrl-C.
    pub cancel: CancellationToken,
}

/// A published release to probe.
#[derive(Debug, Clone)]
pub struct PackageProbe {
    /// Which one.
    pub release: Release,
    /// The Python it allows, for PyPI.
    pub python: Option<Interpreter>,
    /// When it came out.
    pub published_at: Option<Timestamp>,
    /// Which of the scanner's user ids its box gets.
    pub slot: u32,
}

impl Prober {
    /// Probes a published release; `earlier` are the attempts that a scanner which died had already made.
    pub async fn package(
        &self,
        asked: &PackageProbe,
        earlier: Vec<Attempt>,
        mut ended: impl FnMut(usize, &Attempt),
    ) -> (Probe, ReleaseFacts) {
        let spent = earlier.iter().map(|a| Duration::from_millis(a.millis)).sum();
        let began = earlier.first().map_or_else(Timestamp::now, |a| a.started_at);
        let mut climb = Climb { attempts: earlier, best: None, damaged: false, spent, began };
        // Attempts that listed tools before the scanner died are made again: their lists were never stored.
        while climb.attempts.last().is_some_and(|a| a.outcome == Outcome::Ok) {
            climb.attempts.pop();
        }
        let plain = Variant { python: asked.python.clone(), ..Variant::default() };
        let first = match self.entry(asked, &plain).await {
            Ok(entry) => entry,
            Err(failure) => {
                let probe = self.install_failed(asked, climb, &failure, &mut ended);
                return (probe, ReleaseFacts::default());
            }
        };
        let about = first.installed.about.clone();
        let mut facts = first.installed.facts.clone();
        facts.hint = self.hints.iter().find(|h| h.server == asked.release.server.to_string()).cloned();
        let mut entry = first;
        let mut held_variant = plain.clone();
        let budget = Duration::from_secs(self.limits.session_seconds);
        while let Some(step) = plan::next_step(&facts, &climb.attempts) {
            let left = budget.saturating_sub(climb.spent);
            if left < LEAST_PATIENCE && !climb.attempts.is_empty() || self.cancel.is_cancelled() {
                break;
            }
            let variant = Variant {
                dependencies_as_of: if step.dated { dated(asked.published_at) } else { None },
                extras: step.extras.clone(),
                python: asked.python.clone(),
            };
            if variant != held_variant {
                match self.entry(asked, &variant).await {
                    Ok(other) => (entry, held_variant) = (other, variant.clone()),
                    Err(failure) => {
                        // This rung cannot be stood on; the ladder goes on from the others.
                        let record = failed_rung(&step, &variant, &failure);
                        ended(climb.attempts.len(), &record);
                        climb.attempts.push(record);
                        if failure.outcome == Outcome::InstallFailed {
                            continue;
                        }
                        break;
                    }
                }
            }
            let (record, answer) =
                self.start(asked, &entry, &step, &variant, left.min(ATTEMPT_PATIENCE)).await;
            if answer.outcome == Outcome::Interrupted {
                climb.attempts.push(record);
                break;
            }
            climb.add(record, answer, &mut ended);
        }
        let interpreter = interpreter_of(&entry, self.installer.node.as_ref().map(|n| n.version.as_str()));
        let mut probe = climb.finish(self.sandbox.ran_in(), Transport::Stdio, Some(interpreter));
        if entry.installed.built {
            probe.marks.push("built".to_owned());
            probe.marks.sort();
        }
        (probe, about)
    }

    /// Asks a command of the user's own, once.
    pub async fn local(
        &self,
        spec: BoxSpec,
        shown: Vec<String>,
        limits: &Limits,
        mut ended: impl FnMut(usize, &Attempt),
    ) -> Probe {
        let patience = Duration::from_secs(limits.session_seconds);
        let answer = attempt::ask(&self.sandbox, &spec, limits, patience, &self.cancel).await;
        let record = record_of(&answer, "bare", shown, Vec::new(), BTreeMap::new());
        let mut climb = Climb {
            attempts: Vec::new(),
            best: None,
            damaged: false,
            spent: Duration::ZERO,
            began: answer.started_at,
        };
        climb.add(record, answer, &mut ended);
        climb.finish(self.sandbox.ran_in(), Transport::Stdio, None)
    }

    async fn entry(&self, asked: &PackageProbe, variant: &Variant) -> Result<Entry, InstallFailure> {
        if let Some(entry) = self.cache.find(&asked.release, variant) {
            return Ok(entry);
        }
        let ours = |e: std::io::Error| InstallFailure {
            outcome: Outcome::ScannerError,
            detail: format!("the cache cannot be written: {e}"),
            log: Untrusted::default(),
        };
        let interrupted = || InstallFailure {
            outcome: Outcome::Interrupted,
            detail: "the scan was ended".to_owned(),
            log: Untrusted::default(),
        };
        let _turn = tokio::select! {
            turn = self.installs.acquire() => turn.map_err(|_| interrupted())?,
            () = self.cancel.cancelled() => return Err(interrupted()),
        };
        let _installing = loop {
            if let Some(turn) = self.cache.installing().map_err(ours)? {
                break turn;
            }
            // A kept install was altered: the stores are emptied when those who install have ended.
            tokio::select! {
                () = tokio::time::sleep(STORES_WAIT) => {}
                () = self.cancel.cancelled() => return Err(interrupted()),
            }
        };
        let staged = self.cache.stage().map_err(ours)?;
        self.installed.store(true, std::sync::atomic::Ordering::Relaxed);
        let store = self.cache.store();
        let place = Place { sandbox: &self.sandbox, store: &store, package: &staged };
        let installed = tokio::select! {
            done = self.installer.install(&place, &asked.release, variant, asked.published_at, self.keep) => done,
            () = self.cancel.cancelled() => Err(interrupted()),
        };
        match installed {
            Ok(installed) => self.cache.keep(&staged, installed, self.keep).map_err(ours),
            Err(failure) => {
                let _ = fs_err::remove_dir_all(&staged);
                Err(failure)
            }
        }
    }

    fn install_failed(
        &self,
        asked: &PackageProbe,
        mut climb: Climb,
        failure: &InstallFailure,
        ended: &mut impl FnMut(usize, &Attempt),
    ) -> Probe {
        let variant = Variant { python: asked.python.clone(), ..Variant::default() };
        let record =
            Attempt { rung: "install".to_owned(), ..failed_rung(&Step::default(), &variant, failure) };
        if failure.outcome != Outcome::Interrupted {
            ended(climb.attempts.len(), &record);
        }
        climb.attempts.push(record);
        let python = asked.python.as_ref().map(|p| format!("python {}", p.version));
        let mut probe = climb.finish(self.sandbox.ran_in(), Transport::Stdio, python);
        // Whatever was tried before, this is what ended it.
        probe.outcome = failure.outcome;
        probe.detail = Untrusted::new(failure.detail.clone());
        probe
    }

    async fn start(
        &self,
        asked: &PackageProbe,
        entry: &Entry,
        step: &Step,
        variant: &Variant,
        patience: Duration,
    ) -> (Attempt, Answer) {
        let installed = &entry.installed;
        let point = &installed.entries[0];
        let mut shown = point.shown();
        shown.extend(step.args.iter().cloned());
        let preload = step.stand_in.map(|s| self.preload(s));
        let boxed = point.boxed(
            &self.sandbox,
            &entry.package,
            &self.scratch,
            self.installer.node.as_ref(),
            variant.python.as_ref(),
            preload.as_ref(),
        );
        let answer = match boxed {
            Ok(spec) => {
                let spec = self.dressed(spec, step, asked.slot);
                attempt::ask(&self.sandbox, &spec, &self.limits, patience, &self.cancel).await
            }
            Err(missing) => {
                let mut answer =
                    Answer::remote(Timestamp::now(), Duration::ZERO, Ok(super::mcp::Listing::default()));
                (answer.outcome, answer.detail) = (Outcome::ScannerError, Untrusted::new(missing));
                answer.listing = None;
                answer
            }
        };
        let mut record = record_of(&answer, step.rung, shown, step.args.clone(), step.env.clone());
        record.dependencies_as_of = variant.dependencies_as_of.map(|t| t.to_string());
        record.extras.clone_from(&step.extras);
        (record, answer)
    }

    /// The step's arguments, placeholders and stand-ins put onto a bare start.
    fn dressed(&self, spec: BoxSpec, step: &Step, slot: u32) -> BoxSpec {
        let stand_ins = self.sandbox.view(&self.stand_ins, STAND_INS);
        let mut spec = spec.args(step.args.iter().cloned()).show(&self.stand_ins, &stand_ins, Access::Read);
        spec.slot = slot;
        spec.limits.memory_bytes = self.limits.memory_bytes;
        if self.sandbox.level() == SandboxLevel::Bwrap {
            spec.env.insert("HOME".to_owned(), super::sandbox::bwrap::HOME.to_owned());
            spec.env.insert("TMPDIR".to_owned(), "/tmp".to_owned());
        }
        for (name, value) in &step.env {
            let value = if value == STAND_IN_KUBECONFIG {
                stand_ins.join("kubeconfig").to_string_lossy().into_owned()
            } else {
                value.clone()
            };
            spec.env.insert(name.clone(), value);
        }
        if step.stand_in == Some(StandIn::ContainerDaemon) {
            let socket = format!("{}/daemon.sock", super::sandbox::bwrap::HOME);
            spec.links.push((socket, "/var/run/docker.sock".to_owned()));
            spec.env.insert(
                "DOCKER_HOST".to_owned(),
                format!("unix://{}/daemon.sock", super::sandbox::bwrap::HOME),
            );
        }
        spec
    }

    fn preload(&self, stand_in: StandIn) -> Preload {
        let folder = self.sandbox.view(&self.stand_ins, STAND_INS);
        let script = match stand_in {
            StandIn::NativeAddon => "native-addon.cjs",
            StandIn::ContainerDaemon => "container-daemon.cjs",
        };
        let python = match stand_in {
            StandIn::NativeAddon => String::new(),
            // Read anew each time: these files are small and rarely needed.
            StandIn::ContainerDaemon => {
                fs_err::read_to_string(self.stand_ins.join("container-daemon.py")).unwrap_or_default()
            }
        };
        Preload { node_script: folder.join(script).to_string_lossy().into_owned(), python_source: python }
    }
}

/// Dependencies as of the day after the release: what the author could have tested with.
fn dated(published_at: Option<Timestamp>) -> Option<Timestamp> {
    published_at.and_then(|t| t.checked_add(jiff::SignedDuration::from_hours(24)).ok())
}

fn interpreter_of(entry: &Entry, node: Option<&str>) -> String {
    match (&entry.installed.variant.python, entry.installed.facts.node) {
        (Some(python), false) => format!("python {}", python.version),
        (_, true) => format!("node {}", node.unwrap_or("of unknown version").trim_start_matches('v')),
        (None, false) => "none".to_owned(),
    }
}

fn failed_rung(step: &Step, variant: &Variant, failure: &InstallFailure) -> Attempt {
    Attempt {
        rung: step.rung.to_owned(),
        command: Vec::new(),
        args: step.args.clone(),
        env: step.env.clone(),
        dependencies_as_of: variant.dependencies_as_of.map(|t| t.to_string()),
        extras: step.extras.clone(),
        // An install that fails on one rung says nothing of the others: the ladder must be able to go on.
        outcome: if step.rung.is_empty() || failure.outcome != Outcome::InstallFailed {
            failure.outcome
        } else {
            Outcome::Crashed
        },
        detail: Untrusted::new(failure.detail.clone()),
        tools: 0,
        started_at: Timestamp::now(),
        millis: 0,
        log_tail: failure.log.clone(),
    }
}
