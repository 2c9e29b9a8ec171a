//! The ladder of attempts: which start to try next, from what the last ones said. Pure.
//!
//! The rungs and their order are measured: research/live.md sections 1 and 10. Bare first; the fewest placeholders that
//! help, one at a time in the order standard error names them; arguments from a short list and from the README;
//! dependencies as of the release date. Zero tools is no success. No rule here names a package: those that need one
//! stand in `data/launch.toml`, each with its reason.

pub mod placeholder;
pub mod readme;
pub mod signs;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::model::{Attempt, Outcome};
use signs::Signs;

/// Most attempts for one release: a ladder of 7 took 30 to 50 s on heavy servers, the time limit is the real bound.
pub const MAX_ATTEMPTS: usize = 18;
/// Most placeholders at once.
const MAX_PLACEHOLDERS: usize = 8;

/// What is known of a release before it is started.
#[derive(Debug, Clone, Default, Serialize, Deserialize, PartialEq, Eq)]
pub struct LaunchFacts {
    /// Arguments of the README's config blocks, what follows the package's name, at most four.
    pub readme_args: Vec<Vec<String>>,
    /// Names of environment variables in the README's config blocks, in order.
    pub readme_env: Vec<String>,
    /// True if dependencies can be resolved as of the release date.
    pub can_be_dated: bool,
    /// True if node runs it.
    pub node: bool,
    /// Arguments and environment of `data/launch.toml`, tried right after the bare start.
    pub hint: Option<Hint>,
}

/// An entry of `data/launch.toml`.
#[derive(Debug, Clone, Default, Serialize, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub struct Hint {
    /// The server's key.
    pub server: String,
    /// Why no general rule finds it.
    pub reason: String,
    /// Arguments to add.
    #[serde(default)]
    pub args: Vec<String>,
    /// Placeholders to set.
    #[serde(default)]
    pub env: BTreeMap<String, String>,
}

/// One start to try.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Step {
    /// The rung's name, as stored: see [`Attempt::rung`].
    pub rung: &'static str,
    /// Arguments added to the bare start.
    pub args: Vec<String>,
    /// Placeholders.
    pub env: BTreeMap<String, String>,
    /// Dependencies as of the release date.
    pub dated: bool,
    /// Extras of the package.
    pub extras: Vec<String>,
    /// Stand-ins for what the machine lacks.
    pub stand_in: Option<StandIn>,
}

/// Something a server asks the machine for before it lists its tools.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StandIn {
    /// Native add-ons of node that an install script would have built: missing `*.node` files load as empty objects.
    NativeAddon,
    /// A container daemon's socket that answers everything.
    ContainerDaemon,
}

impl StandIn {
    /// The name that the rung is stored with.
    pub fn rung(self) -> &'static str {
        match self {
            StandIn::NativeAddon => "native-addon",
            StandIn::ContainerDaemon => "container-daemon",
        }
    }
}

impl Step {
    fn same_start(&self, attempt: &Attempt) -> bool {
        self.args == attempt.args
            && self.env == attempt.env
            && self.dated == attempt.dependencies_as_of.is_some()
            && self.extras == attempt.extras
            && self.stand_in == stand_in_of(attempt)
    }

    fn of(attempt: &Attempt) -> Self {
        Self {
            rung: "bare",
            args: attempt.args.clone(),
            env: attempt.env.clone(),
            dated: attempt.dependencies_as_of.is_some(),
            extras: attempt.extras.clone(),
            stand_in: stand_in_of(attempt),
        }
    }

    fn named(mut self) -> Self {
        self.rung = match (self.stand_in, self.extras.is_empty(), self.dated) {
            (Some(stand_in), _, _) => stand_in.rung(),
            (None, false, _) => "extra",
            (None, true, true) => "dated",
            (None, true, false) => match (self.args.is_empty(), self.env.is_empty()) {
                (true, true) => "bare",
                (true, false) => "env",
                (false, true) => "args",
                (false, false) => "env+args",
            },
        };
        self
    }
}

fn stand_in_of(attempt: &Attempt) -> Option<StandIn> {
    [StandIn::NativeAddon, StandIn::ContainerDaemon].into_iter().find(|s| s.rung() == attempt.rung)
}

/// The next start to try; None when the ladder ends: tools were listed, or nothing is left to try.
pub fn next_step(facts: &LaunchFacts, history: &[Attempt]) -> Option<Step> {
    let Some(last) = history.last() else { return Some(Step { rung: "bare", ..Step::default() }) };
    if history.len() >= MAX_ATTEMPTS || ends_ladder(last.outcome) {
        return None;
    }
    let candidates = if last.outcome == Outcome::Ok {
        // More placeholders are only worth a start if an earlier list was empty for want of some.
        if !history.iter().any(|a| a.outcome == Outcome::NoTools) {
            return None;
        }
        with_next_group(facts, &Step::of(last), MAX_PLACEHOLDERS)
    } else {
        candidates(facts, history, last)
    };
    candidates.into_iter().map(Step::named).find(|step| !history.iter().any(|tried| step.same_start(tried)))
}

/// Outcomes that no other start changes.
fn ends_ladder(outcome: Outcome) -> bool {
    matches!(
        outcome,
        Outcome::TooLarge
            | Outcome::BadPagination
            | Outcome::Interrupted
            | Outcome::ScannerError
            | Outcome::NoNetwork
            | Outcome::RegistryError
            | Outcome::UnsafeRefused
            | Outcome::InstallFailed
    )
}

fn candidates(facts: &LaunchFacts, history: &[Attempt], last: &Attempt) -> Vec<Step> {
    // A rung whose install failed was never stood on: the ladder goes on from the last start that was made.
    let last = history.iter().rev().find(|a| !a.command.is_empty()).unwrap_or(last);
    let now = Step::of(last);
    let signs = Signs::read(last.log_tail.raw());
    let mut steps = Vec::new();
    if let Some(hint) = facts.hint.as_ref() {
        steps.push(Step { args: hint.args.clone(), env: hint.env.clone(), ..Step::default() });
    }
    if signs.listens_on_http {
        steps.extend(stdio_arguments(facts).into_iter().map(|args| Step { args, ..now.clone() }));
    }
    if let Some(extra) = &signs.extra
        && !now.extras.contains(extra)
    {
        let mut extras = now.extras.clone();
        extras.push(extra.clone());
        steps.push(Step { extras, ..now.clone() });
    }
    if signs.missing_addon && facts.node {
        steps.push(Step { stand_in: Some(StandIn::NativeAddon), ..now.clone() });
    }
    if signs.container_daemon {
        steps.push(Step { stand_in: Some(StandIn::ContainerDaemon), ..now.clone() });
    }
    if signs.broken_dependency && facts.can_be_dated {
        steps.push(Step { dated: true, ..now.clone() });
    }
    if last.outcome == Outcome::NoTools {
        steps.extend(with_next_group(facts, &now, MAX_PLACEHOLDERS));
    }
    steps.extend(with_named_placeholders(&signs, &now));
    // The names of the last start may be used up; those that an earlier one asked for are still worth their pair.
    for earlier in history.iter().rev().skip(1) {
        let asked = Signs::read(earlier.log_tail.raw());
        steps.extend(with_named_placeholders(&asked, &Step { args: now.args.clone(), ..Step::of(earlier) }));
    }
    steps.extend(with_arguments(facts, history, &now, &signs));
    if signs.crashed && facts.can_be_dated {
        steps.push(Step { dated: true, args: Vec::new(), env: BTreeMap::new(), ..now.clone() });
    }
    if last.outcome != Outcome::NotMcp {
        steps.extend(readme_placeholders(facts, &Step::default()));
    }
    steps
}

/// The first placeholder that is named and not set, then all of them when one alone changed nothing.
fn with_named_placeholders(signs: &Signs, now: &Step) -> Vec<Step> {
    let mut steps = Vec::new();
    if signs.cloud_credentials {
        let mut env = now.env.clone();
        env.extend(placeholder::cloud_preset());
        steps.push(Step { env, ..now.clone() });
    }
    if signs.cluster_config {
        let mut env = now.env.clone();
        env.insert("KUBECONFIG".to_owned(), placeholder::STAND_IN_KUBECONFIG.to_owned());
        steps.push(Step { env, ..now.clone() });
    }
    let mut env = now.env.clone();
    for name in signs.names.iter().filter(|name| !now.env.contains_key(*name)) {
        if env.len() >= MAX_PLACEHOLDERS {
            break;
        }
        env.insert(name.clone(), placeholder::value_for(name, signs.pair_shape));
        steps.push(Step { env: env.clone(), ..now.clone() });
    }
    steps
}

/// The README's names that share a prefix with nothing set yet, a whole group at once: an address, a user and a key only
/// work together.
fn with_next_group(facts: &LaunchFacts, now: &Step, most: usize) -> Vec<Step> {
    let named: Vec<&String> =
        facts.readme_env.iter().filter(|n| placeholder::is_credential_shaped(n)).collect();
    let prefix = |name: &str| name.split('_').next().unwrap_or(name).to_owned();
    let Some(first) = named.iter().find(|name| !now.env.contains_key(**name)) else { return Vec::new() };
    let group = prefix(first);
    let mut env = now.env.clone();
    for name in named.into_iter().filter(|name| prefix(name) == group).take(most) {
        env.entry(name.clone()).or_insert_with(|| placeholder::value_for(name, false));
    }
    vec![Step { env, ..now.clone() }]
}

/// The README's credential-shaped names one after another, for servers that end without naming any.
fn readme_placeholders(facts: &LaunchFacts, now: &Step) -> Vec<Step> {
    let mut env = now.env.clone();
    let names = facts.readme_env.iter().filter(|n| placeholder::is_credential_shaped(n));
    names
        .take(4)
        .map(|name| {
            env.insert(name.clone(), placeholder::value_for(name, false));
            Step { env: env.clone(), ..now.clone() }
        })
        .collect()
}

fn stdio_arguments(facts: &LaunchFacts) -> Vec<Vec<String>> {
    let words = |list: &[&str]| list.iter().map(|w| (*w).to_owned()).collect::<Vec<_>>();
    let from_readme = facts.readme_args.iter().filter(|a| a.iter().any(|w| w.contains("stdio"))).cloned();
    from_readme.chain([words(&["--stdio"]), words(&["stdio"]), words(&["--transport", "stdio"])]).collect()
}

/// Arguments from the README and from the short list, without placeholders and with those of the last start.
fn with_arguments(facts: &LaunchFacts, history: &[Attempt], now: &Step, signs: &Signs) -> Vec<Step> {
    // Arguments are no help to a program that ended for another reason, unless nothing at all is known of it.
    if !(signs.wants_arguments || signs.silent || signs.listens_on_http || last_timed_out(history)) {
        return facts.readme_args.iter().map(|args| Step { args: args.clone(), ..now.clone() }).collect();
    }
    let words = |list: &[&str]| list.iter().map(|w| (*w).to_owned()).collect::<Vec<_>>();
    let mut lists: Vec<Vec<String>> = Vec::new();
    if let Some(address) = signs.wanted_address {
        lists.push(words(&[address]));
    }
    lists.extend(facts.readme_args.iter().cloned());
    lists.extend([
        words(&["stdio"]),
        words(&["--stdio"]),
        words(&["server", "start"]),
        words(&["start"]),
        words(&["mcp"]),
        words(&["serve"]),
        words(&["run"]),
        words(&["--transport", "stdio"]),
        words(&[placeholder::FOLDER]),
    ]);
    let mut steps = Vec::new();
    for args in lists {
        steps.push(Step { args: args.clone(), ..now.clone() });
        if !now.env.is_empty() {
            steps.push(Step { args, env: BTreeMap::new(), ..now.clone() });
        }
    }
    steps
}

fn last_timed_out(history: &[Attempt]) -> bool {
    history.last().is_some_and(|a| a.outcome == Outcome::TimedOut)
}

/// The attempt whose list is kept: the largest, the earliest of equals. None if no attempt listed a tool.
pub fn chosen(history: &[Attempt]) -> Option<usize> {
    let listed = history.iter().enumerate().filter(|(_, a)| a.outcome == Outcome::Ok);
    listed.max_by_key(|(i, a)| (a.tools, std::cmp::Reverse(*i))).map(|(i, _)| i)
}

/// The attempt that says best how a probe ended that listed nothing: the one that got furthest, the first of equals.
pub fn most_telling(history: &[Attempt]) -> Option<usize> {
    let rank = |outcome: Outcome| match outcome {
        Outcome::Ok => 14,
        Outcome::TooLarge | Outcome::BadPagination => 13,
        Outcome::ScannerError | Outcome::Interrupted => 12,
        Outcome::NoTools => 11,
        Outcome::AuthRequired => 10,
        Outcome::ProtocolError => 9,
        Outcome::NeedsNetwork => 8,
        Outcome::NeedsConfig => 7,
        Outcome::InstallFailed => 6,
        Outcome::TimedOut => 5,
        Outcome::Crashed => 4,
        _ => 3,
    };
    history.iter().enumerate().max_by_key(|(i, a)| (rank(a.outcome), std::cmp::Reverse(*i))).map(|(i, _)| i)
}

#[cfg(test)]
mod tests;
