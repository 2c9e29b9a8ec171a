//! 2,000 calls, decided by the neutral policy and by the model of every target; and the models against what the real
//! clients did (`decisions/`, recorded by the test target `clients`).

use std::collections::BTreeMap;

use catalogue::export::{EXPORTERS, Exporter, Form, Reading, Wishes, exporter};
use catalogue::policy::{PolicySet, Rule, ServerPolicy, Tier, decide};
use serde_json::Value;

use super::exports_cases::two_thousand;

/// What a target has to do, from what its vendor says it can: written apart from the program's own degrading. None
/// where the name or the arguments decide, and only "no wider" is asked for.
fn expected(id: &str, tier: Tier, neutral: Rule, arguments: bool, name: &str, broken: bool) -> Option<Rule> {
    let refused = matches!(neutral, Rule::Deny | Rule::Hide);
    Some(match id {
        "json" | "csv" | "opa" => match broken {
            true if neutral == Rule::Hide => Rule::Hide,
            true => Rule::Deny,
            false => neutral,
        },
        // One name that it may spell otherwise switches the whole server off.
        "kiro" => return None,
        "claude-code" | "codex" | "gemini-cli" | "opencode" if refused => Rule::Hide,
        "claude-code" if tier == Tier::Strict && (neutral != Rule::Allow || arguments) => Rule::Hide,
        // It runs unasked what a server calls read-only, so that asking is nothing to rely on.
        "copilot-cli" => {
            if neutral == Rule::Allow && !arguments {
                Rule::Allow
            } else {
                Rule::Deny
            }
        }
        "claude-code" | "codex" | "gemini-cli" | "opencode" => {
            if neutral == Rule::Allow && !arguments {
                Rule::Allow
            } else {
                Rule::Ask
            }
        }
        "toolhive" | "docker" | "envoy" | "agentgateway" => {
            if neutral == Rule::Allow && !arguments {
                Rule::Allow
            } else {
                Rule::Hide
            }
        }
        // Both look into arguments as far as nothing slips through; a dot in a name is one's own trap.
        "intercept" | "policylayer" if arguments || name.contains('.') => return None,
        "intercept" if refused || neutral == Rule::Ask => Rule::Deny,
        "policylayer" if neutral == Rule::Ask => Rule::Hide,
        "intercept" | "policylayer" => neutral,
        "cursor" => {
            if neutral == Rule::Allow && !arguments {
                Rule::Allow
            } else {
                Rule::Ask
            }
        }
        "vscode" => return None,
        other => panic!("no expectation for {other}: add one"),
    })
}

fn openness(rule: Rule) -> (u8, u64) {
    if rule == Rule::Hide { Rule::Deny.strictness() } else { rule.strictness() }
}

/// Only letters and `_`, and no other tool of the server that some client would take for it.
fn is_plain(name: &str, policy: &ServerPolicy) -> bool {
    let folded = |n: &str| n.to_lowercase().replace(|c: char| !c.is_ascii_alphanumeric(), "_");
    name.len() < 30
        && name.chars().all(|c| c.is_ascii_lowercase() || c == '_')
        && policy.tools.iter().filter(|t| folded(t.tool.raw()) == folded(name)).count() == 1
        && !matches!(name, "mcp_x" | "default" | "__proto__")
}

/// The document of one server, read by the model of its target; each server by itself, as most formats want it.
fn readings(exporter: &Exporter, set: &PolicySet) -> BTreeMap<String, Reading> {
    let read = |keyed: &catalogue::policy::Keyed| {
        let set = PolicySet { tier: set.tier, servers: vec![keyed.clone()] };
        let text = exporter.document(&set, Wishes::default()).unwrap().text;
        (keyed.key.clone(), (exporter.read)(&text).unwrap())
    };
    set.servers.iter().map(read).collect()
}

#[test]
fn two_thousand_calls_are_decided_by_every_target_as_the_neutral_policy_lets_it() {
    let (cases, sets) = two_thousand();
    let (mut compared, mut exact) = (0, 0);
    for exporter in EXPORTERS {
        for set in &sets {
            let readings = readings(exporter, set);
            let policies: BTreeMap<&str, &ServerPolicy> =
                set.servers.iter().map(|s| (s.key.as_str(), &s.policy)).collect();
            for case in &cases {
                let policy = policies[case.key.as_str()];
                let entry = policy.tool(&case.tool).unwrap();
                let neutral = decide(policy, &case.tool, Some(&case.arguments)).rule;
                let found = readings[&case.key].decide(&case.key, &case.tool, Some(&case.arguments)).rule;
                let words = || {
                    format!(
                        "{} {} {:?} {}: {found}, neutral {neutral}",
                        exporter.id,
                        set.tier.as_str(),
                        case.tool,
                        case.arguments
                    )
                };
                compared += 1;
                let by_person = found == Rule::Ask && matches!(neutral, Rule::Deny | Rule::Hide);
                if exporter.advisory {
                    assert!(found != Rule::Allow || neutral == Rule::Allow, "{}", words());
                } else if by_person {
                    // Only what broke an argument rule may end with a person, who sees the arguments.
                    assert_ne!(decide(policy, &case.tool, None).rule.word(), neutral.word(), "{}", words());
                } else {
                    assert!(openness(found) >= openness(neutral), "wider: {}", words());
                }
                if !is_plain(&case.tool, policy) {
                    continue;
                }
                let broken = neutral != entry.rule;
                let arguments = !entry.arguments.is_empty();
                let Some(wanted) = expected(exporter.id, set.tier, entry.rule, arguments, &case.tool, broken)
                else {
                    continue;
                };
                exact += 1;
                assert_eq!(found, wanted, "{}", words());
            }
        }
    }
    assert_eq!(compared, 2_000 * Tier::ALL.len() * EXPORTERS.len());
    assert!(exact * 3 > compared, "only {exact} of {compared} were compared exactly");
}

/// A recorded table.
fn recorded(client: &str) -> Value {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/suite/decisions");
    serde_json::from_str(&std::fs::read_to_string(folder.join(format!("{client}.json"))).unwrap()).unwrap()
}

/// One row: server, tool, offered, a call arrived with nobody to ask, a call arrived where nothing is asked.
struct Row<'a> {
    key: &'a str,
    tool: &'a str,
    offered: bool,
    arrived: bool,
    arrived_unasked: bool,
}

fn rows(value: &Value) -> Vec<Row<'_>> {
    let row =
        |row: &'_ Value| -> [String; 5] { std::array::from_fn(|i| row[i].as_str().unwrap().to_owned()) };
    value
        .as_array()
        .unwrap()
        .iter()
        .map(|value| {
            let [_, _, offered, arrived, unasked] = row(value);
            Row {
                key: value[0].as_str().unwrap(),
                tool: value[1].as_str().unwrap(),
                offered: offered == "offered",
                arrived: arrived == "arrived",
                arrived_unasked: unasked == "arrived",
            }
        })
        .collect()
}

const CLIENTS: [&str; 5] = ["claude-code", "codex", "gemini-cli", "opencode", "copilot-cli"];

#[test]
fn the_models_of_the_clients_say_what_the_clients_did() {
    for client in CLIENTS {
        let table = recorded(client);
        let exporter = exporter(client).unwrap();
        let version = table["version"].as_str().unwrap();
        let header = exporter_header(exporter);
        assert!(header.contains(version), "{client}: recorded from {version}, exported as {header}");
        for policy in table["policies"].as_array().unwrap() {
            let reading = (exporter.read)(policy["document"].as_str().unwrap()).unwrap();
            let rows = rows(&policy["tools"]);
            assert!(rows.len() >= 30, "{client}");
            let mut groups: BTreeMap<String, Vec<&Row<'_>>> = BTreeMap::new();
            for row in &rows {
                groups.entry(exporter.form.whole(row.key, row.tool)).or_default().push(row);
            }
            for group in groups.values() {
                let any = |what: fn(&Row<'_>) -> bool| group.iter().any(|row| what(row));
                let rule = reading.decide(group[0].key, group[0].tool, None).rule;
                let words = format!("{client} {}: {:?}: {rule}", policy["name"], group[0].tool);
                assert_eq!(any(|r| r.arrived), rule == Rule::Allow, "{words}");
                assert!(any(|r| r.offered) || matches!(rule, Rule::Deny | Rule::Hide), "{words}");
                assert!(!any(|r| r.offered) || rule != Rule::Hide, "{words}");
                // A mode that refuses what no rule names is undone by the client's loosest switch, and its header says so.
                let by_mode = group[0].tool == "added_later" && !exporter.can.deny_by_default;
                assert!(
                    !any(|r| r.arrived_unasked) || !matches!(rule, Rule::Deny | Rule::Hide) || by_mode,
                    "{words}"
                );
            }
        }
    }
}

fn exporter_header(exporter: &Exporter) -> String {
    let (_, mut sets) = two_thousand();
    let mut set = sets.remove(1);
    set.servers.truncate(1);
    exporter.document(&set, Wishes::default()).unwrap().header.remove(0)
}

/// Each trap into which a client really fell is named by `policy validate`, unless it is written as its author may mean it.
#[test]
fn every_recorded_trap_is_found_by_validate() {
    for client in CLIENTS {
        let table = recorded(client);
        let exporter = exporter(client).unwrap();
        let traps = table["traps"].as_array().unwrap();
        assert!(!traps.is_empty(), "{client}");
        for trap in traps {
            let text = trap["document"].as_str().unwrap();
            let findings = (exporter.validate)(text);
            assert!(!findings.is_empty(), "{client}: {} passes\n{text}", trap["name"]);
            for row in rows(&trap["tools"]) {
                let rule = (exporter.read)(text).map(|r| r.decide(row.key, row.tool, None).rule);
                match rule {
                    Some(rule) => assert_eq!(
                        row.arrived_unasked,
                        !matches!(rule, Rule::Deny | Rule::Hide),
                        "{client}: {} {:?}: {rule}",
                        trap["name"],
                        row.tool
                    ),
                    // Its meaning is not known here, and that is said, too.
                    None => assert!(findings.iter().all(|f| !f.message.is_empty())),
                }
            }
        }
    }
}

/// The names under which the clients offered tools are the ones that the program writes.
#[test]
fn the_recorded_names_are_those_that_are_written() {
    for client in CLIENTS {
        let form = exporter(client).unwrap().form;
        let table = recorded(client);
        let names = table["names"].as_array().unwrap();
        assert!(names.len() >= 30, "{client}");
        for name in names {
            let [key, tool, seen] = [0, 1, 2].map(|i| name[i].as_str().unwrap());
            let written = form.whole(key, tool);
            match form {
                Form::ClaudeCode | Form::OpenCode => assert_eq!(seen, written, "{client} {tool:?}"),
                // The rule has parentheses where the offered name has a dash; what it offers is cut, rules are not.
                Form::Copilot => {
                    let written = written.replacen('(', "-", 1);
                    assert!(
                        written.trim_end_matches(')').starts_with(seen),
                        "{client} {tool:?} {seen} {written}"
                    );
                }
                // Rules have the raw name there, so that the other one matters to nobody.
                Form::Raw => {}
                Form::Gemini => assert_eq!(seen, written, "{client} {tool:?}"),
            }
        }
    }
}
