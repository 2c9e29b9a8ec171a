//! Whose fault a failed install is, from what the installer said: the package's, the registry's, the network's or ours.

use std::sync::LazyLock;

use regex::Regex;

use super::InstallFailure;
use crate::model::{Outcome, Untrusted};

macro_rules! pattern {
    ($name:ident, $text:literal) => {
        static $name: LazyLock<Regex> =
            LazyLock::new(|| Regex::new($text).expect("the pattern is a constant that the tests compile"));
    };
}

pattern!(
    DISK,
    r"(?i)no space left|ENOSPC|EACCES|EPERM|permission denied|operation not permitted|could not acquire lock|disk quota|EDQUOT|file too large|read-only file system"
);
pattern!(
    NETWORK,
    r"(?i)dns error|failed to lookup|ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ConnectionRefused|connection refused|network is unreachable|ENETUNREACH|timed? ?out|ETIMEDOUT|ECONNRESET|connection reset|tcp connect error|FailedToOpenSocket|certificate"
);
pattern!(REGISTRY, r"(?i)\b50[0234]\b|\b429\b|bad gateway|service unavailable|too many requests");

/// Reads an installer's last words. What is not plainly somebody else's fault is the package's.
pub(super) fn from_log(log: &str) -> InstallFailure {
    let outcome = if DISK.is_match(log) {
        Outcome::ScannerError
    } else if REGISTRY.is_match(log) {
        Outcome::RegistryError
    } else if NETWORK.is_match(log) {
        Outcome::NoNetwork
    } else {
        Outcome::InstallFailed
    };
    let telling = log
        .lines()
        .map(str::trim)
        .find(|l| {
            let l = l.to_ascii_lowercase();
            l.contains("error") || l.contains("because") || l.contains("no space")
        })
        .or_else(|| log.lines().rev().map(str::trim).find(|l| !l.is_empty()))
        .unwrap_or("the installer said nothing");
    let detail = if outcome == Outcome::ScannerError {
        format!("this machine failed, not the package: {telling}")
    } else {
        telling.to_owned()
    };
    InstallFailure { outcome, detail: Untrusted::new(detail).for_terminal(300), log: Untrusted::new(log) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_is_laid_at_the_right_door() {
        let table = [
            ("error: failed to write: No space left on device (os error 28)", Outcome::ScannerError),
            ("bwrap: said by whatever runs in the box", Outcome::InstallFailed),
            ("error: EACCES accessing temporary directory", Outcome::ScannerError),
            ("error: Failed to fetch: dns error: failed to lookup address", Outcome::NoNetwork),
            ("GET https://r.example/x - 503", Outcome::RegistryError),
            (
                "Because x was not found and y depends on x, we can conclude that y cannot be used",
                Outcome::InstallFailed,
            ),
            ("", Outcome::InstallFailed),
        ];
        for (log, outcome) in table {
            assert_eq!(from_log(log).outcome, outcome, "{log}");
        }
    }
}
