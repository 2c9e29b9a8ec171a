//! How a probe ended: a closed list of words that are stored, counted and shown. Words are added, never changed.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The end of a probe or of one attempt of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// The server answered `tools/list` with at least one tool.
    Ok,
    /// It stops until it gets a setting, a key or an argument that was not guessed.
    NeedsConfig,
    /// It stops because something beyond the sandbox cannot be reached.
    NeedsNetwork,
    /// It answers, and asks who we are (HTTP 401 or 403, or says so itself).
    AuthRequired,
    /// Its package cannot be installed as published: no such version, no fitting interpreter, a missing dependency.
    InstallFailed,
    /// Its repository has its source and not what is started: a build step makes that, and was not asked for.
    NeedsBuild,
    /// It ended by itself before it answered.
    Crashed,
    /// It ran, and did not answer in time.
    TimedOut,
    /// What was started does not speak the protocol, or there is nothing to start.
    NotMcp,
    /// It answered, with no tool, after every attempt.
    NoTools,
    /// It speaks the protocol and breaks it.
    ProtocolError,
    /// It answered more than the limits let in.
    TooLarge,
    /// Its pages do not end: a cursor came twice, or there were more pages than allowed.
    BadPagination,
    /// We could not reach the network. Says nothing of the server.
    NoNetwork,
    /// The registry failed or answered what it should not. Says nothing of the server.
    RegistryError,
    /// The run was ended by its user. Says nothing of the server.
    Interrupted,
    /// The scanner itself died three times while it asked this server.
    Quarantined,
    /// No sandbox could be had, and running without one was not asked for.
    UnsafeRefused,
    /// Our own disk, memory or programs failed. Says nothing of the server.
    ScannerError,
}

impl Outcome {
    /// Every outcome, in the order of the documentation.
    pub const ALL: [Outcome; 19] = [
        Outcome::Ok,
        Outcome::NeedsConfig,
        Outcome::NeedsNetwork,
        Outcome::AuthRequired,
        Outcome::InstallFailed,
        Outcome::NeedsBuild,
        Outcome::Crashed,
        Outcome::TimedOut,
        Outcome::NotMcp,
        Outcome::NoTools,
        Outcome::ProtocolError,
        Outcome::TooLarge,
        Outcome::BadPagination,
        Outcome::NoNetwork,
        Outcome::RegistryError,
        Outcome::Interrupted,
        Outcome::Quarantined,
        Outcome::UnsafeRefused,
        Outcome::ScannerError,
    ];

    /// The stored and published word.
    pub fn as_str(self) -> &'static str {
        match self {
            Outcome::Ok => "ok",
            Outcome::NeedsConfig => "needs-config",
            Outcome::NeedsNetwork => "needs-network",
            Outcome::AuthRequired => "auth-required",
            Outcome::InstallFailed => "install-failed",
            Outcome::NeedsBuild => "needs-build",
            Outcome::Crashed => "crashed",
            Outcome::TimedOut => "timed-out",
            Outcome::NotMcp => "not-mcp",
            Outcome::NoTools => "no-tools",
            Outcome::ProtocolError => "protocol-error",
            Outcome::TooLarge => "too-large",
            Outcome::BadPagination => "bad-pagination",
            Outcome::NoNetwork => "no-network",
            Outcome::RegistryError => "registry-error",
            Outcome::Interrupted => "interrupted",
            Outcome::Quarantined => "quarantined",
            Outcome::UnsafeRefused => "unsafe-refused",
            Outcome::ScannerError => "scanner-error",
        }
    }

    /// What the word means, one sentence without a full stop.
    pub fn meaning(self) -> &'static str {
        match self {
            Outcome::Ok => "answered tools/list",
            Outcome::NeedsConfig => {
                "does not start without a setting, key or argument that could not be guessed"
            }
            Outcome::NeedsNetwork => "does not start without the network, which the sandbox does not give",
            Outcome::AuthRequired => "asks for a login before it lists its tools",
            Outcome::InstallFailed => "cannot be installed as published",
            Outcome::NeedsBuild => "has to be built before it can be started, which was not asked for",
            Outcome::Crashed => "ended by itself before it answered",
            Outcome::TimedOut => "did not answer in time",
            Outcome::NotMcp => "does not speak MCP, or has nothing to start",
            Outcome::NoTools => "answered, and lists no tools",
            Outcome::ProtocolError => "speaks MCP and breaks its rules",
            Outcome::TooLarge => "answered more than the limits let in",
            Outcome::BadPagination => "lists pages without end",
            Outcome::NoNetwork => "could not be fetched: no network here",
            Outcome::RegistryError => "could not be fetched: the registry failed",
            Outcome::Interrupted => "was not finished: the scan was ended",
            Outcome::Quarantined => "is set aside: the scanner died three times while asking it",
            Outcome::UnsafeRefused => "was not started: no sandbox could be had",
            Outcome::ScannerError => "could not be asked: the scanner's own machine failed",
        }
    }

    /// What the reader can do next, one sentence without a full stop.
    pub fn hint(self) -> &'static str {
        match self {
            Outcome::Ok => "nothing to do",
            Outcome::NeedsConfig => {
                "start it with its settings: catalogue scan --stdio --name NAME -- CMD ARGS"
            }
            Outcome::NeedsNetwork => {
                "run it where its service is reachable with --stdio and --sandbox none, if you trust it"
            }
            Outcome::AuthRequired => "its tools can only be listed with an account",
            Outcome::InstallFailed => {
                "the log names what is missing; a later release may mend it, then scan again"
            }
            Outcome::NeedsBuild => {
                "scan it with --allow-build: its own build step then runs, in a sandbox without network"
            }
            Outcome::Crashed => "the log ends with what it said last",
            Outcome::TimedOut => "raise limits.session_seconds in catalogue.toml and scan with --refresh",
            Outcome::NotMcp => "check that this package is a server and not a library",
            Outcome::NoTools => "it may need settings, or offer only prompts and resources",
            Outcome::ProtocolError => "the log shows the reply that could not be read",
            Outcome::TooLarge => {
                "raise the table limits in catalogue.toml if you trust it, and scan with --refresh"
            }
            Outcome::BadPagination => "tell its author: tools/list repeats a cursor or never ends",
            Outcome::NoNetwork => "check the network and run the same command again",
            Outcome::RegistryError => {
                "run the same command again later; catalogue doctor shows which registry is asked"
            }
            Outcome::Interrupted => "run the same command again, it goes on with what is left",
            Outcome::Quarantined => "scan it alone with --refresh and report what happens",
            Outcome::UnsafeRefused => "catalogue doctor says why; --sandbox none must be asked for in words",
            Outcome::ScannerError => {
                "mend what the detail names (catalogue doctor helps) and run the same command again"
            }
        }
    }

    /// True if the outcome says something lasting about the release, so that it is not asked again without `--refresh`.
    /// Outcomes caused by us, the network or the user are never lasting.
    pub fn is_lasting(self) -> bool {
        !matches!(
            self,
            Outcome::NoNetwork
                | Outcome::RegistryError
                | Outcome::Interrupted
                | Outcome::UnsafeRefused
                | Outcome::ScannerError
        )
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Outcome {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|o| o.as_str() == text)
            .ok_or_else(|| format!("\"{text}\" is no known outcome"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_outcome_reads_back_and_has_a_meaning_and_a_hint() {
        for outcome in Outcome::ALL {
            assert_eq!(outcome.as_str().parse::<Outcome>().unwrap(), outcome);
            assert_eq!(serde_json::to_value(outcome).unwrap(), outcome.as_str());
            assert!(!outcome.meaning().ends_with('.') && !outcome.hint().ends_with('.'));
        }
    }
}
