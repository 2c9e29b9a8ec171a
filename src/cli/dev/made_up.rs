//! One made-up server: who it is, what its registry says, and how each time it was asked ended.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use super::chance::{Chance, Quantiles};
use super::tool::{Manner, tool};
use super::words::{FIELDS, HALVES, MAKERS};
use crate::model::{
    Attempt, DefinitionHash, MemoryBound, Outcome, Probe, Release, ReleaseFacts, SandboxLevel, SeenTool,
    ServerKey, Transport, Untrusted,
};

/// Tools of a server that lists any (research/corpus.md section 4).
const TOOLS: &Quantiles = &[
    (0.0, 1.0),
    (0.1, 1.6),
    (0.5, 5.0),
    (0.9, 25.0),
    (0.95, 41.0),
    (0.99, 117.0),
    (0.9996, 420.0),
    (1.0, 1_006.0),
];
/// Servers that answer: the rest ends in one of [`FAILURES`].
const ANSWERING: f64 = 0.75;
/// Common ones first.
const FAILURES: &[Outcome] = &[
    Outcome::NeedsConfig,
    Outcome::Crashed,
    Outcome::InstallFailed,
    Outcome::AuthRequired,
    Outcome::TimedOut,
    Outcome::NotMcp,
    Outcome::NeedsNetwork,
    Outcome::NoTools,
    Outcome::ProtocolError,
    Outcome::NeedsBuild,
];
/// The first of January 2026: everything made up happens in the 300 days after it.
const BEGIN: i64 = 1_767_225_600;
const DAYS: usize = 300;
/// Streams of chance of one server: its own, and one for each of its tools.
const OWN_STREAM: u64 = 1_000_003;

/// One time a server was asked.
pub(super) type Answer = (Release, ReleaseFacts, Probe);

/// Everything made up of one server, oldest answer first. `rounds`: how often it changed after that.
pub(super) fn server(seed: u64, number: u64, rounds: u64) -> Vec<Answer> {
    let mut chance = Chance::new(seed, number.wrapping_mul(OWN_STREAM));
    let field = FIELDS.get(chance.skewed(FIELDS.len())).expect("there are fields");
    let maker = format!("{}{}", chance.pick(MAKERS), chance.pick(HALVES));
    let key = key(&mut chance, number, field.name, &maker);
    let manner = Manner::new(&mut chance, field.name.split(' ').next().unwrap_or_default());
    let facts = facts(&mut chance, field.name, &maker, number);
    let answers = chance.happens(ANSWERING);
    let count = chance.drawn(TOOLS).max(1);
    let failure = FAILURES.get(chance.skewed(FAILURES.len())).copied().unwrap_or(Outcome::Crashed);
    let first = BEGIN + (chance.below(DAYS - 60) as i64) * 86_400 + chance.below(86_400) as i64;
    let releases = 1 + usize::from(chance.happens(0.2)) + usize::from(chance.happens(0.05));
    let ends = chance.next();
    let mut all = Vec::new();
    for release in 0..releases as u64 + rounds {
        let at = first + release as i64 * (20 * 86_400 + (ends % 86_400) as i64);
        let version = match key.registry().as_str() {
            "remote" => String::new(),
            _ => format!("1.{release}.{}", ends % 7),
        };
        // The last of several releases of a few servers does not answer any more.
        let gone = release + 1 == releases as u64 && releases > 2;
        let outcome = if answers && !gone { Outcome::Ok } else { failure };
        let tools =
            if outcome == Outcome::Ok { tools(seed, number, count, field, &manner, release) } else { vec![] };
        let asked = Asked { at: Timestamp::from_second(at).expect("a day of 2026"), outcome, place: ends };
        let probe = probe(&key, &version, &asked, tools);
        let published = Timestamp::from_second(at - 86_400 * 3).ok();
        let facts = ReleaseFacts { published_at: published.filter(|_| !version.is_empty()), ..facts.clone() };
        all.push((Release { server: key.clone(), version }, facts, probe));
    }
    all
}

fn key(chance: &mut Chance, number: u64, field: &str, maker: &str) -> ServerKey {
    let made = match chance.share() {
        share if share < 0.3 => ServerKey::npm(&format!("@{maker}/{field}-mcp-{number}")),
        share if share < 0.6 => ServerKey::npm(&format!("{maker}-{field}-mcp-{number}")),
        share if share < 0.86 => ServerKey::pypi(&format!("{maker}-{field}-mcp-{number}")),
        share if share < 0.9 => ServerKey::github(&format!("{maker}/{field}-mcp-{number}")),
        _ => format!("https://{field}-{number}.{maker}.example/mcp")
            .parse()
            .map_or_else(|_| ServerKey::npm(&format!("{maker}-{number}")), |url| ServerKey::remote(&url)),
    };
    made.expect("made-up names are names")
}

fn facts(chance: &mut Chance, field: &str, maker: &str, number: u64) -> ReleaseFacts {
    let (mut title, mut description) = (None, None);
    if chance.happens(0.6) {
        let capital: String =
            maker.chars().take(1).flat_map(char::to_uppercase).chain(maker.chars().skip(1)).collect();
        let ending = chance.pick(&["MCP Server", "MCP", "Server", "for agents"]);
        title = Some(Untrusted::new(format!("{capital} {field} {ending}")));
    }
    if chance.happens(0.9) {
        let what = chance.pick(&["Access", "Search and manage", "Automate", "Work with", "Query"]);
        description = Some(Untrusted::new(format!("{what} {field} of {maker} from any MCP client.")));
    }
    let repository = chance.happens(0.8).then(|| format!("https://code.example/{maker}/{field}-{number}"));
    ReleaseFacts {
        published_at: None,
        title,
        description,
        homepage: chance.happens(0.4).then(|| format!("https://{maker}.example/{field}")),
        repository,
        licence: chance
            .happens(0.85)
            .then(|| Untrusted::new(chance.pick(&["MIT", "Apache-2.0", "ISC", "BSD-3-Clause"]))),
        declared: Vec::new(),
    }
}

/// The list of one release: a name comes once, and each release changes some texts and adds a tool now and then.
fn tools(
    seed: u64,
    number: u64,
    count: usize,
    field: &super::words::Field,
    manner: &Manner,
    release: u64,
) -> Vec<SeenTool> {
    let mut names = BTreeSet::new();
    let mut list = Vec::with_capacity(count);
    for place in 0..count as u64 {
        let mut chance = Chance::new(seed ^ number.wrapping_mul(OWN_STREAM), place + 1);
        let since = chance.below(3) as u64;
        // Each release rewrites one description.
        let changed = (1..=release).filter(|r| r % count as u64 == place).count() as u64;
        let (name, raw) = tool(&mut chance, field, manner, changed);
        let added_later = since > release && place > 0 && place % 9 == 0;
        if added_later || !names.insert(name.clone()) {
            continue;
        }
        // The store computes the hash from `raw`; nothing here needs it.
        list.push(SeenTool { hash: DefinitionHash::stored(""), name: name.into(), raw });
    }
    list
}

/// One time of asking.
struct Asked {
    at: Timestamp,
    outcome: Outcome,
    place: u64,
}

fn probe(key: &ServerKey, version: &str, asked: &Asked, tools: Vec<SeenTool>) -> Probe {
    let remote = key.registry().as_str() == "remote";
    let millis = 300 + asked.place % 4_000;
    let command: Vec<String> =
        if remote { vec![] } else { vec!["node".to_owned(), format!("{}.js", key.name())] };
    let mut env = BTreeMap::new();
    if asked.place.is_multiple_of(3) && !remote {
        env.insert("API_KEY".to_owned(), "placeholder".to_owned());
    }
    let failed = asked.outcome != Outcome::Ok;
    let log = if failed && !remote {
        format!(
            "starting {} {version}\nError: {}\n    at start ({}.js:12:9)\n",
            key.name(),
            asked.outcome.meaning(),
            key.name()
        )
    } else {
        String::new()
    };
    let attempt = Attempt {
        rung: "bare".to_owned(),
        command,
        args: vec![],
        env,
        dependencies_as_of: None,
        extras: vec![],
        outcome: asked.outcome,
        detail: if failed { asked.outcome.meaning().into() } else { "".into() },
        tools: tools.len().try_into().unwrap_or(u32::MAX),
        started_at: asked.at,
        millis,
        log_tail: log.into(),
    };
    Probe {
        outcome: asked.outcome,
        detail: attempt.detail.clone(),
        sandbox: if remote { SandboxLevel::Remote } else { SandboxLevel::Bwrap },
        memory_bound: (!remote).then_some(MemoryBound::Watched),
        transport: if remote { Transport::StreamableHttp } else { Transport::Stdio },
        started_at: asked.at,
        finished_at: asked.at + SignedDuration::from_millis(i64::try_from(millis).unwrap_or(0)),
        chosen: (!failed).then_some(0),
        attempts: vec![attempt],
        protocol: (!failed).then(|| "2025-11-25".to_owned()),
        server_info: (!failed)
            .then(|| serde_json::json!({"name": key.name(), "version": version}).to_string()),
        capabilities: (!failed).then(|| r#"{"tools":{}}"#.to_owned()),
        instructions: None,
        interpreter: (!remote).then(|| "node 22.11.0".to_owned()),
        pages: 1,
        noise_lines: 0,
        marks: vec![],
        tools,
        malformed: vec![],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ToolDefinition;

    #[test]
    fn a_server_is_the_same_each_time_and_every_tool_reads() {
        for number in 0..300 {
            let one = server(1, number, 1);
            assert_eq!(one, server(1, number, 1));
            for (_, _, probe) in &one {
                for tool in &probe.tools {
                    ToolDefinition::from_json(&tool.raw).unwrap();
                }
            }
        }
    }

    #[test]
    fn sizes_are_those_that_were_measured() {
        let newest: Vec<Probe> =
            (0..4_000).filter_map(|n| server(3, n, 0).pop()).map(|(_, _, probe)| probe).collect();
        let answered = newest.iter().filter(|p| !p.tools.is_empty()).count();
        assert!((2_700..3_200).contains(&answered), "{answered}");
        let tools: usize = newest.iter().map(|p| p.tools.len()).sum();
        let mean = tools as f64 / newest.len() as f64;
        assert!((7.5..11.0).contains(&mean), "{mean}");
        let mut lengths: Vec<usize> = newest
            .iter()
            .flat_map(|p| &p.tools)
            .map(|t| {
                ToolDefinition::from_json(&t.raw).unwrap().description().map_or(0, |d| d.chars().count())
            })
            .collect();
        lengths.sort_unstable();
        let at = |share: usize| lengths[lengths.len() * share / 100];
        assert!((50..120).contains(&at(50)), "median {}", at(50));
        assert!((330..480).contains(&at(90)), "p90 {}", at(90));
    }
}
