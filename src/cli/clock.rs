//! The clock that stored times are read from: the machine's, or one that stands still, so that two runs can be compared byte by byte.
//!
//! Only what is written into rows goes by it. Leases, paces, time-outs and what hosts ask for (`Retry-After`) go by the machine's.

use std::str::FromStr;

use clap::Args;
use jiff::Timestamp;

use crate::model::{Attempt, Probe};

/// `--clock`, of the commands that store what was found.
#[derive(Debug, Clone, Copy, Default, Args)]
pub(super) struct ClockOption {
    /// Where stored times come from: machine, or fixed:TIME (RFC 3339), which gives every row that time and no duration
    #[arg(long = "clock", value_name = "CLOCK", default_value = "machine")]
    pub(super) clock: Clock,
}

/// Where stored times come from.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Clock {
    /// The machine's clock.
    #[default]
    Machine,
    /// Always this time.
    Fixed(Timestamp),
}

impl Clock {
    /// The time to store.
    pub(super) fn now(self) -> Timestamp {
        match self {
            Clock::Machine => Timestamp::now(),
            Clock::Fixed(time) => time,
        }
    }

    /// Puts the times of a probe right: by a clock that stands, it took no time.
    pub(super) fn set(self, probe: &mut Probe) {
        if let Clock::Fixed(time) = self {
            (probe.started_at, probe.finished_at) = (time, time);
            probe.attempts.iter_mut().for_each(|attempt| self.set_attempt(attempt));
        }
    }

    /// The same for one attempt.
    pub(super) fn set_attempt(self, attempt: &mut Attempt) {
        if let Clock::Fixed(time) = self {
            (attempt.started_at, attempt.millis) = (time, 0);
        }
    }
}

impl FromStr for Clock {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let forms = "machine, or fixed: and a time, e.g. fixed:2026-03-01T12:00:00Z";
        match text.split_once(':') {
            None if text == "machine" => Ok(Clock::Machine),
            Some(("fixed", time)) => {
                time.parse().map(Clock::Fixed).map_err(|error| format!("{error}; use {forms}"))
            }
            _ => Err(format!("use {forms}")),
        }
    }
}

impl std::fmt::Display for Clock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Clock::Machine => f.write_str("machine"),
            Clock::Fixed(time) => write!(f, "fixed:{time}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_is_read_as_it_is_written_and_anything_else_is_refused() {
        for text in ["machine", "fixed:2026-03-01T12:00:00Z"] {
            assert_eq!(text.parse::<Clock>().unwrap().to_string(), text);
        }
        for text in ["", "fixed", "fixed:", "fixed:yesterday", "2026-03-01T12:00:00Z", "fixed:2026-03-01"] {
            let error = text.parse::<Clock>().expect_err(text);
            assert!(error.contains("fixed:2026"), "{text}: {error}");
        }
        let time = "2026-03-01T12:00:00Z".parse().unwrap();
        assert_eq!(Clock::Fixed(time).now(), time);
    }
}
