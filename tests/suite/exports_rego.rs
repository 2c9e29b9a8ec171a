//! The OPA policy in an engine of Rego that others made (regorus): the 2,000 calls in three tiers, and what it says of calls that are none.

use catalogue::export::{REGO_MODULE, Wishes, exporter};
use catalogue::policy::{Rule, decide};
use regorus::{Engine, Value};
use serde_json::json;

use super::exports_cases::two_thousand;

/// The fixed module with the data of one export.
fn engine(document: &str) -> Engine {
    let mut engine = Engine::new();
    engine.add_policy("policy.rego".to_owned(), REGO_MODULE.to_owned()).unwrap();
    engine.add_data(Value::from_json_str(document).unwrap()).unwrap();
    engine
}

/// What it answers: `decision`, and `allow` for callers that look at nothing else.
fn answer(engine: &mut Engine, input: &serde_json::Value) -> (String, bool) {
    engine.set_input(Value::from_json_str(&input.to_string()).unwrap());
    let decision = engine.eval_rule("data.catalogue.policy.decision".to_owned()).unwrap();
    let allow = engine.eval_rule("data.catalogue.policy.allow".to_owned()).unwrap();
    (decision.as_string().unwrap().to_string(), *allow.as_bool().unwrap())
}

#[test]
fn regorus_decides_the_two_thousand_calls_as_the_neutral_policy_does() {
    let exporter = exporter("opa").unwrap();
    let (cases, sets) = two_thousand();
    let mut decided = 0;
    for set in &sets {
        let mut engine = engine(&exporter.document(set, Wishes::default()).unwrap().text);
        for case in &cases {
            let policy = &set.servers.iter().find(|s| s.key == case.key).unwrap().policy;
            let neutral = decide(policy, &case.tool, Some(&case.arguments)).rule;
            let input = json!({"server": case.key, "tool": case.tool, "arguments": case.arguments});
            let (decision, allow) = answer(&mut engine, &input);
            assert_eq!(decision, neutral.word(), "{:?} {}", case.tool, case.arguments);
            assert_eq!(allow, neutral == Rule::Allow, "{:?} {}", case.tool, case.arguments);
            decided += 1;
        }
    }
    assert_eq!(decided, 2_000 * sets.len());
}

#[test]
fn what_is_no_call_is_denied() {
    let exporter = exporter("opa").unwrap();
    let (cases, sets) = two_thousand();
    let mut engine = engine(&exporter.document(&sets[2], Wishes::default()).unwrap().text);
    for input in [
        json!({}),
        json!(null),
        json!({"server": "nobody", "tool": cases[0].tool, "arguments": {}}),
        json!({"server": 7, "tool": cases[0].tool}),
        json!({"server": cases[0].key, "tool": ["a"]}),
        json!({"server": cases[0].key}),
    ] {
        assert_eq!(answer(&mut engine, &input), ("deny".to_owned(), false), "{input}");
    }
}
