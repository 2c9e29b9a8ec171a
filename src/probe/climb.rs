//! The ladder as far as it was climbed, and the probe that it adds up to.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;

use super::attempt::Answer;
use super::plan;
use crate::model::{Attempt, MemoryBound, Outcome, Probe, SandboxLevel, Transport, Untrusted};

/// The ladder as far as it was climbed.
pub(super) struct Climb {
    pub(super) attempts: Vec<Attempt>,
    pub(super) best: Option<(usize, Answer)>,
    pub(super) damaged: bool,
    pub(super) spent: Duration,
    pub(super) began: Timestamp,
}

/// The stored form of an answer.
pub fn record_of(
    answer: &Answer,
    rung: &str,
    command: Vec<String>,
    args: Vec<String>,
    env: BTreeMap<String, String>,
) -> Attempt {
    Attempt {
        rung: rung.to_owned(),
        command,
        args,
        env,
        dependencies_as_of: None,
        extras: Vec::new(),
        outcome: answer.outcome,
        detail: answer.detail.clone(),
        tools: answer.listing.as_ref().map_or(0, |l| u32::try_from(l.tools.len()).unwrap_or(u32::MAX)),
        started_at: answer.started_at,
        millis: u64::try_from(answer.took.as_millis()).unwrap_or(u64::MAX),
        log_tail: answer.log_tail.clone(),
    }
}

impl Climb {
    /// Takes an attempt that ended, and keeps its list if it is the largest so far.
    pub(super) fn add(&mut self, record: Attempt, answer: Answer, ended: &mut impl FnMut(usize, &Attempt)) {
        ended(self.attempts.len(), &record);
        self.spent += answer.took;
        self.damaged |= answer.damaged;
        let better = self.best.as_ref().is_none_or(|(at, _)| record.tools > self.attempts[*at].tools);
        if answer.listing.is_some() && better {
            self.best = Some((self.attempts.len(), answer));
        }
        self.attempts.push(record);
    }

    /// The probe as it stands.
    pub(super) fn finish(
        mut self,
        (sandbox, memory_bound): (SandboxLevel, Option<MemoryBound>),
        transport: Transport,
        interpreter: Option<String>,
    ) -> Probe {
        let chosen = plan::chosen(&self.attempts);
        let telling = chosen.or_else(|| plan::most_telling(&self.attempts));
        let told = telling.and_then(|i| self.attempts.get(i));
        let mut probe = Probe {
            outcome: told.map_or(Outcome::Interrupted, |a| a.outcome),
            detail: told.map_or_else(|| Untrusted::new("the scan was ended"), |a| a.detail.clone()),
            sandbox,
            memory_bound,
            transport,
            started_at: self.began,
            finished_at: Timestamp::now(),
            chosen,
            protocol: None,
            server_info: None,
            capabilities: None,
            instructions: None,
            interpreter,
            pages: 0,
            noise_lines: 0,
            marks: Vec::new(),
            tools: Vec::new(),
            malformed: Vec::new(),
            attempts: Vec::new(),
        };
        if let Some((_, answer)) = self.best.take() {
            probe.noise_lines = answer.noise_lines;
            if let Some(listing) = answer.listing {
                probe.protocol = listing.protocol;
                probe.server_info = listing.server_info;
                probe.capabilities = listing.capabilities;
                probe.instructions = listing.instructions;
                probe.pages = listing.pages;
                probe.tools = listing.tools;
                probe.malformed = listing.malformed;
                probe.marks = listing.marks.iter().map(|m| (*m).to_owned()).collect();
            }
        }
        if self.damaged && !probe.marks.iter().any(|m| m == "encoding-damaged") {
            probe.marks.push("encoding-damaged".to_owned());
            probe.marks.sort();
        }
        probe.attempts = self.attempts;
        probe
    }
}

/// One exchange with a remote server as a probe.
pub fn remote_probe(answer: Answer, transport: Transport, shown: Vec<String>) -> Probe {
    let record = record_of(&answer, "remote", shown, Vec::new(), BTreeMap::new());
    let mut climb = Climb {
        attempts: Vec::new(),
        best: None,
        damaged: false,
        spent: Duration::ZERO,
        began: answer.started_at,
    };
    climb.add(record, answer, &mut |_, _| {});
    climb.finish((SandboxLevel::Remote, None), transport, None)
}
