//! Exported policies: what they decide when somebody else reads them, and what the validators refuse.

#![expect(clippy::unwrap_used, reason = "functions of tests are tests too")]

use std::collections::BTreeMap;

use catalogue::export::{EXPORTERS, Exporter, Level, Reason, exporter, guess};
use catalogue::model::{Class, Risk, ServerKey};
use catalogue::policy::{Judged, Rule, ServerPolicy, Tier, ToolPolicy, Window};
use proptest::prelude::*;
use serde_json::Value;

const NAUGHTY: &[&str] = &[
    "list_issues",
    "page.create",
    "a/b",
    "a b",
    "no",
    "yes",
    "on",
    "y",
    "1e3",
    "1.0",
    "0x1f",
    "null",
    "~",
    "true",
    "<<",
    "a: b",
    "#x",
    "x #y",
    "- x",
    "? x",
    "!!str x",
    "&a",
    "*a",
    "get_*",
    "*",
    "**",
    "?",
    "%",
    "@a",
    "`",
    "'",
    "\"",
    "\\",
    "{}",
    "[a]",
    "a,b",
    "\n",
    "a\nb: c",
    "\r\n",
    "\t",
    "\u{0}",
    "\u{7f}",
    "\u{85}",
    "\u{2028}",
    "\u{202e}evil",
    "\u{feff}",
    "\u{200b}",
    "\u{1f600}",
    "\u{e0041}",
    "日本",
    "",
    " ",
    "  \u{200b}",
    "x\":{},\"default\":\"allow\",\"y",
    "__proto__",
    "constructor",
    "toString",
    "default",
    "tools",
    "hide",
    "_global",
    "version",
    "---",
    "...",
    "</script>",
    "$(id)",
    "${{x}}",
    "{{ x }}",
    "Create_Issue",
    "create_issue",
    "CREATE_ISSUE",
    "=1+1",
    "a\u{301}",
    "á",
];

fn policy(mut tools: Vec<ToolPolicy>) -> ServerPolicy {
    tools.sort_by(|a, b| a.tool.cmp(&b.tool));
    let server = ServerKey::npm("@scope/name").unwrap();
    ServerPolicy { server, release: "1.0.0".to_owned(), default: Rule::Deny, tools }
}

/// The formats that deny by default and are read here by a second reader; the others are tried in `exports_targets`.
fn twice_read() -> impl Iterator<Item = &'static Exporter> {
    EXPORTERS.iter().filter(|e| ["intercept", "policylayer"].contains(&e.id))
}

fn tool(name: &str, rule: Rule) -> ToolPolicy {
    let class = if rule == Rule::Hide { Class::Destructive } else { Class::Write };
    ToolPolicy::plain(name, class, Risk::Medium, rule)
}

fn rules() -> [Rule; 6] {
    [
        Rule::Allow,
        Rule::Limit { max: 30, window: Window::Minute },
        Rule::Limit { max: 10, window: Window::Day },
        Rule::Hide,
        Rule::Ask,
        Rule::Deny,
    ]
}

/// The document as a plain reader of the format sees it.
fn plain(exporter: &Exporter, text: &str) -> Value {
    let document: Value = match exporter.language {
        "yaml" => serde_saphyr::from_str(text).unwrap(),
        _ => serde_json::from_str(text).unwrap(),
    };
    assert_eq!(document["version"], "1");
    assert_eq!(document["default"], "deny");
    document
}

/// What a document makes of a call: written apart from the program's own reader.
fn reference(exporter: &Exporter, document: &Value, tool: &str) -> &'static str {
    let hidden: Vec<&str> =
        document["hide"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    if hidden.contains(&"*") || hidden.contains(&tool) {
        return "hidden";
    }
    let Some(rule) = document["tools"].as_object().unwrap().get(tool) else { return "denied" };
    if exporter.id == "intercept" {
        let rules = rule["rules"].as_array().unwrap();
        // What is asked of arguments comes first.
        return match rules.iter().find(|rule| rule["conditions"].is_null()) {
            None => "allowed",
            Some(rule) if rule["action"] == "deny" => "denied",
            Some(rule) => {
                assert!(rule["rate_limit"].is_string() && !tool.contains('.'));
                "limited"
            }
        };
    }
    let keys: Vec<&String> = rule.as_object().unwrap().keys().collect();
    match keys.as_slice() {
        [] => "allowed",
        [key] if *key == "deny_if" => "denied",
        [.., key] if *key == "limits" => "limited",
        other => panic!("{other:?}"),
    }
}

fn word(rule: Rule) -> &'static str {
    match rule {
        Rule::Allow => "allowed",
        Rule::Limit { .. } => "limited",
        Rule::Ask | Rule::Deny => "denied",
        Rule::Hide => "hidden",
    }
}

/// One document: clean, decided as promised for its tools and denied for others, never wider than recommended.
fn check(exporter: &Exporter, policy: &ServerPolicy) -> String {
    let text = exporter.document_of(policy).unwrap();
    let findings = (exporter.validate)(&text);
    assert!(findings.is_empty(), "{}: {findings:?}\n{text}", exporter.id);
    assert_eq!(guess(&text).id, exporter.id);
    let document = plain(exporter, &text);
    for tool in &policy.tools {
        let effective = exporter.effective(tool);
        assert_eq!(
            reference(exporter, &document, tool.tool.raw()),
            word(effective.rule),
            "{:?}\n{text}",
            tool.tool
        );
        assert!(
            effective.rule.strictness() >= tool.rule.strictness() || tool.rule == Rule::Hide,
            "{:?}",
            tool.tool
        );
        assert!(tool.rule != Rule::Hide || matches!(effective.rule, Rule::Deny | Rule::Hide));
    }
    let named: Vec<&str> = policy.tools.iter().map(|t| t.tool.raw()).collect();
    for other in NAUGHTY.iter().chain(&["some_other_tool"]).filter(|n| !named.contains(n)) {
        assert_eq!(reference(exporter, &document, other), "denied", "{other:?}\n{text}");
    }
    assert_eq!((exporter.read)(&text).unwrap().decide("", "some_other_tool", None).rule, Rule::Deny);
    // Nothing invisible: what a person reads is what a proxy reads.
    let hidden = |c: char| c != '\n' && catalogue::model::text::is_unprintable(c);
    assert!(!text.chars().any(hidden), "{text:?}");
    text
}

#[test]
fn a_naughty_name_opens_nothing_alone_or_among_others() {
    for exporter in twice_read() {
        for rule in rules() {
            for name in NAUGHTY {
                check(exporter, &policy(vec![tool(name, rule)]));
            }
            check(exporter, &policy(NAUGHTY.iter().map(|name| tool(name, rule)).collect()));
        }
        check(exporter, &policy(vec![]));
        // YAML looks no further than 1,024 characters for the colon behind a key.
        for length in [500, 997, 998, 999, 1_000, 1_023, 1_024, 1_025, 5_000] {
            check(exporter, &policy(vec![tool(&"x".repeat(length), Rule::Allow)]));
            check(exporter, &policy(vec![tool(&"\u{202e}".repeat(length), Rule::Allow)]));
        }
    }
}

proptest! {
    #[test]
    fn any_names_and_rules_are_decided_as_promised(
        named in proptest::collection::btree_map("\\PC{0,12}|[a-z.*]{0,6}|(?s).{0,6}", 0..6_usize, 0..8),
    ) {
        let tools = named.iter().map(|(name, rule)| tool(name, rules()[*rule])).collect();
        let policy = policy(tools);
        for exporter in twice_read() {
            check(exporter, &policy);
        }
    }
}

#[test]
fn what_a_format_cannot_say_is_denied_and_gives_its_reason() {
    let limit = Rule::Limit { max: 30, window: Window::Minute };
    let limited = limit;
    for (id, name, rule, action, reason, named) in [
        ("intercept", "a", Rule::Allow, Rule::Allow, Reason::AsRecommended, true),
        ("intercept", "a", limit, limited, Reason::AsRecommended, true),
        ("intercept", "a.b", limit, Rule::Deny, Reason::NoLimitOnDottedName, true),
        ("intercept", "a.b", Rule::Allow, Rule::Allow, Reason::AsRecommended, true),
        ("intercept", "a", Rule::Hide, Rule::Deny, Reason::DeniedNotHidden, true),
        ("intercept", "a.b", Rule::Hide, Rule::Deny, Reason::DeniedNotHidden, true),
        ("intercept", "a", Rule::Ask, Rule::Deny, Reason::NoApproval, true),
        ("intercept", "*", Rule::Allow, Rule::Deny, Reason::WildcardName, false),
        ("intercept", "get_*", Rule::Allow, Rule::Allow, Reason::AsRecommended, true),
        ("intercept", " ", Rule::Allow, Rule::Deny, Reason::BlankName, false),
        ("policylayer", "a", Rule::Allow, Rule::Allow, Reason::AsRecommended, true),
        ("policylayer", "a.b", limit, limited, Reason::AsRecommended, true),
        ("policylayer", "a", Rule::Hide, Rule::Hide, Reason::AsRecommended, true),
        ("policylayer", "a", Rule::Ask, Rule::Hide, Reason::NoApproval, true),
        ("policylayer", "*", Rule::Hide, Rule::Deny, Reason::WildcardName, false),
        ("policylayer", "get_*", Rule::Allow, Rule::Deny, Reason::WildcardName, false),
        ("policylayer", "", Rule::Allow, Rule::Deny, Reason::BlankName, false),
    ] {
        let effective = exporter(id).unwrap().effective(&tool(name, rule));
        assert_eq!(
            (effective.rule, effective.reason, effective.named),
            (action, reason, named),
            "{id} {name:?}"
        );
    }
}

fn example() -> ServerPolicy {
    policy(vec![
        tool("create_issue", Rule::Limit { max: 30, window: Window::Minute }),
        tool("delete_issue", Rule::Hide),
        tool("list_issues", Rule::Allow),
        tool("mystery", Rule::Ask),
        tool("page.create", Rule::Limit { max: 30, window: Window::Minute }),
    ])
}

#[test]
fn the_documents_look_like_this() {
    insta::assert_snapshot!("intercept", check(exporter("intercept").unwrap(), &example()));
    insta::assert_snapshot!("policylayer", check(exporter("policylayer").unwrap(), &example()));
}

#[test]
fn a_tool_named_twice_is_refused() {
    let twice = policy(vec![tool("a", Rule::Allow), tool("a", Rule::Hide)]);
    for exporter in EXPORTERS {
        assert!(exporter.document_of(&twice).is_err());
    }
}

#[test]
fn two_names_equal_in_lower_case_do_not_share_a_quota() {
    let limit = Rule::Limit { max: 1, window: Window::Hour };
    let text = check(exporter("policylayer").unwrap(), &policy(vec![tool("A", limit), tool("a", limit)]));
    let document: Value = serde_json::from_str(&text).unwrap();
    let counter = |name: &str| document["tools"][name]["limits"][0]["counter"].as_str().unwrap().to_owned();
    assert_ne!(counter("A"), counter("a"));
}

/// Whole servers of recorded tools, through the rules as they are: every exported policy loads.
#[test]
fn every_policy_of_recorded_tools_loads_and_keeps_its_promise() {
    let files = catalogue::assets::Folder::Rules.files(None).unwrap();
    let rules = catalogue::classify::RuleSet::load(&files).unwrap();
    let numbers = catalogue::policy::Numbers::load(&files).unwrap();
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/classification");
    type Pair = (catalogue::model::ToolDefinition, catalogue::model::Verdict);
    let mut servers: BTreeMap<String, Vec<Pair>> = BTreeMap::new();
    for file in ["gold-dev.jsonl", "hints-dev.jsonl"] {
        let Ok(text) = std::fs::read_to_string(folder.join(file)) else {
            eprintln!("skipped: no {file} beside the repository");
            continue;
        };
        for line in text.lines() {
            let row: Value = serde_json::from_str(line).unwrap();
            let tool = catalogue::model::ToolDefinition::from_json(&row.to_string()).unwrap();
            let verdict = rules.judge(&tool);
            servers.entry(row["server"].to_string()).or_default().push((tool, verdict));
        }
    }
    let key = ServerKey::npm("recorded").unwrap();
    for tools in servers.values() {
        let tools = tools.iter().map(|(definition, verdict)| Judged { definition, verdict });
        let policy = catalogue::policy::policy_for_server(&key, "1.0.0", tools, &numbers, Tier::Recommended);
        for exporter in twice_read() {
            check(exporter, &policy);
            for tool in &policy.tools {
                check(exporter, &ServerPolicy { tools: vec![tool.clone()], ..policy.clone() });
            }
        }
    }
}

/// The errors of a document as `path: message` with their lines.
fn errors(id: &str, text: &str) -> Vec<(String, Option<usize>, String)> {
    let findings = (exporter(id).unwrap().validate)(text);
    findings.into_iter().filter(|f| f.level == Level::Error).map(|f| (f.path, f.line, f.message)).collect()
}

/// Each document has exactly one error, at that path and line, with those words.
fn assert_single_errors(id: &str, cases: &[(&str, &str, usize, &str)]) {
    for (text, path, line, words) in cases {
        let found = errors(id, text);
        let [(at, place, message)] = found.as_slice() else { panic!("{found:#?}\n{text}") };
        assert!(at == path && *place == Some(*line) && message.contains(words), "{found:#?}\n{text}");
    }
}

/// A rule of tool `t` in a document that is right but for it; the rule begins in line 6.
fn rule(lines: &str) -> String {
    let body = lines.replace('\n', "\n        ");
    format!("version: \"1\"\ndefault: deny\ntools:\n  t:\n    rules:\n      - {body}\n")
}

#[test]
fn every_error_of_intercept_is_found_with_its_line() {
    let wrong_rules: Vec<(String, &str, usize, &str)> = [
        ("action: deny", "", 6, "must have a name"),
        ("name: n\naction: allow", ".action", 7, "evaluate or deny"),
        ("name: n", "", 6, "needs conditions"),
        ("name: n\naction: deny\nconditions: [{path: args.a, op: eq, value: 1}]", ".conditions", 8, "has no conditions"),
        ("name: n\nconditions: [{path: a, op: eq, value: 1}]", ".conditions[0].path", 7, "args. or state."),
        ("name: n\nconditions: [{path: args.a, op: is, value: 1}]", ".conditions[0].op", 7, "unknown operator"),
        ("name: n\nconditions: [{path: args.a, op: in, value: 1}]", ".conditions[0].value", 7, "list"),
        ("name: n\nconditions: [{path: args.a, op: lte, value: \"1\"}]", ".conditions[0].value", 7, "number"),
        ("name: n\nconditions: [{path: args.a, op: exists, value: 1}]", ".conditions[0].value", 7, "true or false"),
        ("name: n\nconditions: [{path: args.a, op: regex, value: 1}]", ".conditions[0].value", 7, "text"),
        ("name: n\nconditions: [{path: args.a, op: regex, value: \"(\"}]", ".conditions[0].value", 7, "regular"),
        ("name: n\nconditions: [{path: state.t.c, op: lte, value: 1}]", ".conditions[0].path", 7, "no rule defines"),
        ("name: n\nconditions: [{path: args.a, op: eq, vaule: 1}]", ".conditions[0].vaule", 7, "unknown key"),
        ("name: n\nconditions: [{path: args.a, op: eq, value: 1}]\nstate: {counter: \"\", window: day}", ".state.counter", 8, "not empty"),
        ("name: n\nconditions: [{path: args.a, op: eq, value: 1}]\nstate: {counter: c, window: week}", ".state.window", 8, "minute, hour or day"),
        ("name: n\nconditions: [{path: args.a, op: eq, value: 1}]\nstate: {counter: c, window: day, increment: x}", ".state.increment", 8, "whole"),
        ("name: n\nconditions: [{path: args.a, op: eq, value: 1}]\nstate: {counter: c, window: day, increment_from: a}", ".state.increment_from", 8, "args."),
        ("name: n\nrate_limit: 30", ".rate_limit", 7, "text"),
        ("name: n\nrate_limit: thirty", ".rate_limit", 7, "COUNT/WINDOW"),
        ("name: n\nrate_limit: 0/minute", ".rate_limit", 7, "1 or more"),
        ("name: n\nrate_limit: 1/week", ".rate_limit", 7, "minute, hour or day"),
        ("name: n\nrate_limit: {max: 30, window: 60}", ".rate_limit", 7, "text"),
        ("name: n\naction: deny\nrate_limit: 1/day", ".rate_limit", 8, "deny rule"),
        ("name: n\nrate_limit: 1/day\nconditions: [{path: args.a, op: eq, value: 1}]", ".rate_limit", 8, "conditions"),
        ("name: n\nrate_limit: 1/day\nstate: {counter: c, window: day}", ".rate_limit", 8, "state"),
        ("name: n\nratelimit: 1/day\naction: deny", ".ratelimit", 7, "unknown key"),
        ("name: n\naction: deny\nvalidate: {required_args: [a]}", ".validate", 8, "unknown key"),
        ("name: n\naction: deny\non_deny: 5", ".on_deny", 8, "text"),
    ]
    .into_iter()
    .map(|(lines, path, line, words)| (rule(lines), path, line, words))
    .collect();
    let paths: Vec<String> =
        wrong_rules.iter().map(|(_, path, ..)| format!("tools.t.rules[0]{path}")).collect();
    let cases: Vec<(&str, &str, usize, &str)> = wrong_rules
        .iter()
        .zip(&paths)
        .map(|((text, _, line, words), path)| (text.as_str(), path.as_str(), *line, *words))
        .collect();
    assert_single_errors("intercept", &cases);
    assert_single_errors(
        "intercept",
        &[
            ("default: deny\ntools: {}", "version", 1, "missing"),
            ("version: \"2\"\ndefault: deny\ntools: {}", "version", 1, "must be"),
            ("version: \"1\"\ndefault: Deny\ntools: {}", "default", 2, "lower case"),
            ("version: \"1\"\ndefualt: deny\ntools: {}", "defualt", 2, "unknown key"),
            ("version: \"1\"\ndefault: deny\nhide: [\"\"]\ntools: {}", "hide[0]", 3, "empty"),
            ("version: \"1\"\ndefault: deny\nhide: [a, a]\ntools: {}", "hide[1]", 3, "already"),
            ("version: \"1\"\ndefault: deny\nhide: a\ntools: {}", "hide", 3, "list"),
            ("version: \"1\"\ndefault: deny\ntools: [a]", "tools", 3, "map"),
            ("version: \"1\"\ndefault: deny\ntools:\n  t: []", "tools.t", 4, "map with rules"),
            ("version: \"1\"\ndefault: deny\ntools:\n  t: {rule: []}", "tools.t.rule", 4, "unknown key"),
            (
                "version: \"1\"\ndefault: deny\ntools:\n  a.b:\n    rules:\n      - name: n\n        rate_limit: 1/day",
                "tools[\"a.b\"].rules[0].rate_limit",
                7,
                "holds a dot",
            ),
            (
                "version: \"1\"\ndefault: deny\ntools:\n  t:\n    rules:\n      - {name: n, rate_limit: 1/day}\n      - {name: m, rate_limit: 2/day}",
                "tools.t.rules[1].rate_limit",
                7,
                "already defined at tools.t.rules[0].rate_limit",
            ),
        ],
    );
    for broken in ["version: [", "version: \"1\"\nversion: \"1\"", "- a", "", "\u{0}"] {
        assert!(!errors("intercept", broken).is_empty(), "{broken:?}");
    }
}

#[test]
fn counters_that_are_defined_may_be_read() {
    let text = "version: \"1\"\ndefault: deny\ntools:\n  t:\n    rules:\n      - name: n\n        conditions:\n          - {path: state.t.spent, op: lte, value: 10}\n        state: {counter: spent, window: day}\n";
    assert_eq!(errors("intercept", text), []);
    assert!((exporter("intercept").unwrap().read)(text).is_none());
}

#[test]
fn every_shape_of_policy_json_that_was_not_seen_is_refused() {
    let with = |tool: &str| {
        format!("{{\"version\": \"1\", \"default\": \"deny\",\n\"tools\": {{\n\"t\": {tool}}}}}")
    };
    let cases: Vec<(String, &str, usize, &str)> = [
        ("[]", "tools.t", 3, "object"),
        ("{\"rules\": []}", "tools.t.rules", 3, "unknown key"),
        ("{\"deny_if\": {}}", "tools.t.deny_if", 3, "list"),
        ("{\"deny_if\": [{}]}", "tools.t.deny_if[0]", 3, "missing"),
        ("{\"deny_if\": [{\"conditions\": [],\n\"reason\": \"x\"}]}", "tools.t.deny_if[0].reason", 4, "unknown key"),
        ("{\"deny_if\": [{\"conditions\": [], \"on_deny\": 1}]}", "tools.t.deny_if[0].on_deny", 3, "text"),
        ("{\"deny_if\": [{\"conditions\": [{\"path\": \"a\", \"op\": \"eq\", \"value\": 1}]}]}", "tools.t.deny_if[0].conditions[0].path", 3, "args."),
        ("{\"deny_if\": [{\"conditions\": [{\"path\": \"args.a\", \"op\": \"is\", \"value\": 1}]}]}", "tools.t.deny_if[0].conditions[0].op", 3, "operator"),
        ("{\"require\": [{\"conditions\": []}]}", "tools.t.require[0].conditions", 3, "requires nothing"),
        ("{\"limits\": [{\"counter\": \"\", \"window\": \"day\", \"max\": 1, \"scope\": \"grant\"}]}", "tools.t.limits[0].counter", 3, "not empty"),
        ("{\"limits\": [{\"counter\": \"c\", \"window\": 60, \"max\": 1, \"scope\": \"grant\"}]}", "tools.t.limits[0].window", 3, "minute"),
        ("{\"limits\": [{\"counter\": \"c\", \"window\": \"day\", \"max\": 0, \"scope\": \"grant\"}]}", "tools.t.limits[0].max", 3, "from 1"),
        ("{\"limits\": [{\"counter\": \"c\", \"window\": \"day\", \"max\": \"1\", \"scope\": \"grant\"}]}", "tools.t.limits[0].max", 3, "from 1"),
        ("{\"limits\": [{\"counter\": \"c\", \"window\": \"day\", \"max\": 1, \"scope\": \"user\"}]}", "tools.t.limits[0].scope", 3, "grant"),
        ("{\"limits\": [{\"counter\": \"c\", \"window\": \"day\", \"max\": 1, \"scope\": \"grant\", \"by\": 1}]}", "tools.t.limits[0].by", 3, "unknown key"),
    ]
    .into_iter()
    .map(|(tool, path, line, words)| (with(tool), path, line, words))
    .collect();
    let borrowed: Vec<_> = cases.iter().map(|(t, p, l, w)| (t.as_str(), *p, *l, *w)).collect();
    assert_single_errors("policylayer", &borrowed);
    assert_single_errors(
        "policylayer",
        &[
            ("{\"version\": 1, \"default\": \"deny\", \"tools\": {}}", "version", 1, "must be"),
            ("{\"version\": \"1\", \"tools\": {}}", "default", 1, "allow"),
            (
                "{\"version\": \"1\", \"default\": \"deny\", \"tools\": {},\n\"rules\": 1}",
                "rules",
                2,
                "unknown key",
            ),
            (
                "{\"version\": \"1\", \"default\": \"deny\", \"tools\": {\"get_*\": {}}}",
                "tools[\"get_*\"]",
                1,
                "pattern",
            ),
            (
                "{\"version\": \"1\", \"default\": \"deny\", \"tools\": {\" \": {}}}",
                "tools[\" \"]",
                1,
                "empty",
            ),
            (
                "{\"version\": \"1\", \"default\": \"deny\", \"tools\": {},\n\"hide\": [\"a\", \"a\"]}",
                "hide[1]",
                2,
                "already",
            ),
            ("{\"version\": \"1\",\n\"default\": }", "", 2, "JSON"),
            ("{\"version\": \"1\", \"version\": \"1\"}", "", 1, "twice"),
            ("[]", "", 1, "object"),
        ],
    );
}

/// The forms that the anchor's own pages print (research/policylayer.md section 4.1) are refused, each with all that is
/// wrong with it and where.
#[test]
fn published_policies_that_do_not_load_are_refused_with_their_errors() {
    let at = |place: &str| format!("tools.t.rules[0]{place}");
    for (text, wanted) in [
        (
            // Pages of tools that write.
            rule("action: allow\nrate_limit: {max: 30, window: 60}"),
            vec![
                (at(""), "must have a name"),
                (at(".action"), "evaluate or deny"),
                (at(".rate_limit"), "must be a text"),
            ],
        ),
        (
            // Pages of tools that execute.
            rule("action: allow\nrate_limit: {max: 10, window: 60}\nvalidate: {required_args: [id]}"),
            vec![
                (at(""), "must have a name"),
                (at(".action"), "evaluate or deny"),
                (at(".rate_limit"), "must be a text"),
                (at(".validate"), "unknown key"),
            ],
        ),
        // Pages of servers.
        (rule("rate_limit: 60/minute"), vec![(at(""), "must have a name")]),
        (rule("action: deny"), vec![(at(""), "must have a name")]),
        (rule("name: n\naction: require_approval"), vec![(at(".action"), "evaluate or deny")]),
        // Its questions and answers: "add a reason field".
        (rule("name: n\naction: deny\nreason: irreversible"), vec![(at(".reason"), "unknown key")]),
    ] {
        let found = errors("intercept", &text);
        for (path, words) in &wanted {
            let hit =
                found.iter().any(|(p, line, message)| p == path && line.is_some() && message.contains(words));
            assert!(hit, "{path}: {words}: {found:#?}\n{text}");
        }
        assert_eq!(found.len(), wanted.len(), "{found:#?}\n{text}");
    }
}

#[test]
fn the_table_has_one_entry_an_id_and_every_reason_a_word() {
    let ids: BTreeMap<&str, &str> = EXPORTERS.iter().map(|e| (e.id, e.file_name)).collect();
    assert_eq!(ids.len(), EXPORTERS.len());
    assert!(exporter("nothing").is_none());
    for reason in Reason::ALL {
        assert_eq!(serde_json::to_value(reason).unwrap(), reason.as_str());
    }
}
