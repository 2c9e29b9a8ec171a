//! The four clients that can be run from start to end: what they make of our policies, and of the traps.

pub(crate) mod record;
mod start;
mod traps;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Mutex;

use catalogue::export::{Exporter, Form, Reading, Wishes, exporter};
use catalogue::policy::{PolicySet, Rule, decide};

use super::cases::{LATER, Mark, marks, policies, policy_of};
use super::drive::{Client, Mode, Seen, trial};
use super::packages::{self, Package};
use super::wire::Call;

/// One client at a time: a minute is long only where the machine is not full.
static ONE: Mutex<()> = Mutex::new(());

/// A client, what it showed when nothing was said, and what is recorded of it.
struct Bench<'a> {
    client: &'a Client,
    program: &'a Path,
    exporter: &'static Exporter,
    calls: BTreeMap<Mark, Call>,
}

#[test]
fn claude_code_does_what_the_neutral_policy_says() {
    check(&start::CLAUDE_CODE, &packages::CLAUDE_CODE);
}

#[test]
fn codex_does_what_the_neutral_policy_says() {
    check(&start::CODEX, &packages::CODEX);
}

#[test]
fn opencode_does_what_the_neutral_policy_says() {
    check(&start::OPENCODE, &packages::OPENCODE);
}

#[test]
fn copilot_cli_does_what_the_neutral_policy_says() {
    check(&start::COPILOT, &packages::COPILOT);
}

fn check(client: &Client, package: &Package) {
    assert_eq!(client.version, package.version);
    let Some(program) = package.get() else { return };
    let _one = ONE.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    // Nothing said: every tool is offered, or one of those that share a name; in the loosest mode every call arrives.
    let open = trial(client, &program, None, Mode::Plain, &BTreeMap::new());
    let bench = Bench {
        client,
        program: &program,
        exporter: exporter(client.format).unwrap(),
        calls: calls_of(client.format, &open.offered),
    };
    let loose = trial(client, &program, None, Mode::Bypass, &bench.calls);
    for group in bench.groups() {
        assert!(
            open.offered.keys().any(|m| group.contains(m)),
            "{}: {group:?} is not offered",
            client.format
        );
        let arrived = loose.arrived.iter().any(|m| group.contains(m));
        assert!(arrived, "{}: {group:?} {}", client.format, loose.said);
    }
    let mut recorded = record::Recorded::new(client.format, client.version, &open.offered);
    for (name, set) in policies() {
        let exported = bench.exporter.document(&set, Wishes::default()).unwrap();
        let plain = trial(client, &program, Some(&exported.text), Mode::Plain, &bench.calls);
        let bypass = trial(client, &program, Some(&exported.text), Mode::Bypass, &bench.calls);
        bench.compare(name, &set, &exported.text, &plain, &bypass);
        println!(
            "{} {} {name}: {} of {} offered, {} calls arrived, {} where nothing is asked",
            client.format,
            client.version,
            plain.offered.len(),
            open.offered.len(),
            plain.arrived.len(),
            bypass.arrived.len()
        );
        recorded.add(name, set.tier, &exported.text, &plain, &bypass);
    }
    traps::try_out(&bench, &mut recorded);
    recorded.done();
}

impl Bench<'_> {
    /// Tools that are one to the client.
    fn groups(&self) -> Vec<BTreeSet<Mark>> {
        let mut groups: BTreeMap<String, BTreeSet<Mark>> = BTreeMap::new();
        for mark in marks() {
            groups.entry(self.exporter.form.whole(mark.key(), mark.name())).or_default().insert(mark);
        }
        groups.into_values().collect()
    }

    fn compare(&self, name: &str, set: &PolicySet, text: &str, plain: &Seen, bypass: &Seen) {
        let format = self.client.format;
        let reading: Reading = (self.exporter.read)(text).unwrap();
        let neutral = |mark: Mark| decide(policy_of(set, mark.server), mark.name(), None).rule;
        let refused = |rule| matches!(rule, Rule::Deny | Rule::Hide);
        // First what was promised to people: nothing arrives that they did not allow.
        // One client runs what no rule names if its server calls it read-only: said in the header, and no more than that.
        for mark in plain.arrived.iter().filter(|m| m.name() != LATER || !self.exporter.believes_hints) {
            assert_eq!(
                neutral(*mark),
                Rule::Allow,
                "{format} {name}: a call of {:?} arrived\n{text}",
                mark.name()
            );
        }
        for mark in bypass.arrived.iter().filter(|m| m.name() != LATER || self.exporter.can.deny_by_default) {
            assert!(!refused(neutral(*mark)), "{format} {name}: {:?} arrived unasked\n{text}", mark.name());
        }
        for group in self.groups() {
            let rules: BTreeSet<String> =
                group.iter().map(|m| reading.decide(m.key(), m.name(), None).rule.to_string()).collect();
            let first = group.first().unwrap();
            let words = format!("{format} {name}: {:?} {:?}: {rules:?}", first.key(), first.name());
            assert_eq!(rules.len(), 1, "{words}: tools with one name and several rules");
            let rule = reading.decide(first.key(), first.name(), None).rule;
            let arrived = plain.arrived.iter().any(|m| group.contains(m));
            let offered = plain.offered.keys().any(|m| group.contains(m));
            assert_eq!(arrived, rule == Rule::Allow, "{words}: arrived {arrived}\n{text}\n{}", plain.said);
            assert!(offered || refused(rule), "{words}: not offered\n{text}\n{}", plain.said);
            assert!(!offered || rule != Rule::Hide, "{words}: offered\n{text}");
            // One tool of that name: what the neutral policy allows goes through, what it asks about is offered.
            if group.len() == 1 && neutral(*first) == Rule::Allow {
                assert!(arrived, "{words}: the neutral policy allows it");
            }
            if group.len() == 1 && neutral(*first) == Rule::Ask && set.tier.as_str() != "strict" {
                assert!(offered, "{words}: the neutral policy asks about it");
            }
        }
    }
}

/// Every tool with the name that it had when nothing was said; of those that share one, all by that one.
fn calls_of(format: &str, offered: &BTreeMap<Mark, Call>) -> BTreeMap<Mark, Call> {
    let form = exporter(format).map_or(Form::Raw, |e| e.form);
    let whole = |mark: &Mark| form.whole(mark.key(), mark.name());
    marks()
        .into_iter()
        .filter_map(|mark| {
            let call = offered.iter().find(|(m, _)| whole(m) == whole(&mark)).map(|(_, call)| call.clone());
            call.map(|call| (mark, call))
        })
        .collect()
}
