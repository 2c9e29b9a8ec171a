//! Every format against the neutral policy, with hostile names, in every tier; the traps of the targets, each by its name.
//!
//! What each target does with a name and an order is research/policy-targets.md, tried out there on the versions that the
//! exporters name; the cases here are its results.

#![expect(clippy::unwrap_used, reason = "functions of tests are tests too")]

use catalogue::export::{EXPORTERS, Exporter, Form, Level, Wishes, exporter, read_neutral};
use catalogue::model::{Class, Risk, ServerKey};
use catalogue::policy::{
    ArgumentRule, Check, Keyed, PolicySet, Rule, Scalar, ServerPolicy, Tier, ToolPolicy, Window, compare,
    decide, merge,
};
use proptest::prelude::*;
use serde_json::{Value, json};

const HOSTILE: &[&str] = &[
    "list_issues",
    "page.create",
    "a/b",
    "a,b",
    "a;b",
    "a__b",
    "a b",
    "*",
    "get_*",
    "?",
    "\"",
    "'",
    "\\",
    "\n",
    "\t",
    "x()",
    "$(id)",
    "日本",
    "é",
    "e\u{301}",
    "\u{202e}x",
    "\u{1f600}",
    "1x",
    "-x",
    "true",
    "null",
    "default",
    "__proto__",
    "server",
    "=1+1",
    "</script>",
    "a\u{0}b",
    "unnamed_0",
    "Create",
    "create",
    "mcp_x",
    "{{x}}",
    "x\":{},\"y",
    "]\n[mcp_servers.x]",
    "# x",
];

fn limit() -> Rule {
    Rule::Limit { max: 30, window: Window::Minute }
}

const RULES: [fn() -> Rule; 5] = [|| Rule::Allow, limit, || Rule::Ask, || Rule::Deny, || Rule::Hide];

fn tool(name: &str, rule: Rule) -> ToolPolicy {
    ToolPolicy::plain(name, Class::Write, Risk::Medium, rule)
}

fn keyed(key: &str, default: Rule, mut tools: Vec<ToolPolicy>) -> Keyed {
    tools.sort_by(|a, b| a.tool.cmp(&b.tool));
    let server = ServerKey::npm("made-up").unwrap();
    Keyed {
        key: key.to_owned(),
        policy: ServerPolicy { server, release: "1.0.0".to_owned(), default, tools },
    }
}

fn set(tier: Tier, mut servers: Vec<Keyed>) -> PolicySet {
    servers.sort_by(|a, b| a.key.cmp(&b.key));
    PolicySet { tier, servers }
}

fn default_of(tier: Tier) -> Rule {
    if tier == Tier::Permissive { Rule::Ask } else { Rule::Deny }
}

/// How much gets through: denied and hidden let through the same.
fn openness(rule: Rule) -> (u8, u64) {
    match rule {
        Rule::Hide => Rule::Deny.strictness(),
        rule => rule.strictness(),
    }
}

/// Nothing wider than the neutral policy for any tool of the set, read by the model of the target.
fn check(exporter: &Exporter, set: &PolicySet) -> String {
    let exported = exporter.document(set, Wishes::default()).unwrap();
    let findings = (exporter.validate)(&exported.text);
    assert!(
        findings.iter().all(|f| f.level != Level::Error),
        "{}: {findings:?}\n{}",
        exporter.id,
        exported.text
    );
    let reading = (exporter.read)(&exported.text).unwrap();
    for keyed in &set.servers {
        for name in keyed.policy.tools.iter().map(|t| t.tool.raw()) {
            for arguments in [None, Some(json!({})), Some(json!({"mode": "a", "n": 1}))] {
                let neutral = decide(&keyed.policy, name, arguments.as_ref()).rule;
                let found = reading.decide(&keyed.key, name, arguments.as_ref()).rule;
                if exporter.advisory {
                    assert!(found != Rule::Allow || neutral == Rule::Allow, "{}", exporter.id);
                    continue;
                }
                // Where a client cannot look into arguments, the person who is asked does.
                assert!(
                    openness(found) >= openness(neutral)
                        || (found == Rule::Ask && neutral == Rule::Deny && arguments.is_some()),
                    "{} {:?} {name:?} {arguments:?}: {found:?} is wider than {neutral:?}\n{}",
                    exporter.id,
                    keyed.key,
                    exported.text
                );
            }
        }
        let unknown = reading.decide(&keyed.key, "some_tool_of_tomorrow", None).rule;
        // Where the client believes servers, its header says so.
        let said =
            exported.header.iter().any(|l| l.contains("runs unasked if its server calls it read-only"));
        assert!(unknown != Rule::Allow || said, "{}", exporter.id);
        assert_eq!(said, exporter.believes_hints, "{}", exporter.id);
    }
    let hidden = |c: char| !matches!(c, '\n' | '\r') && catalogue::model::text::is_unprintable(c);
    assert!(!exported.text.chars().any(hidden), "{}: {:?}", exporter.id, exported.text);
    exported.text
}

#[test]
fn no_format_allows_what_the_neutral_policy_does_not_whatever_the_names() {
    for exporter in EXPORTERS {
        for tier in Tier::ALL {
            for rule in RULES {
                let tools = HOSTILE.iter().map(|name| tool(name, rule())).collect();
                check(exporter, &set(tier, vec![keyed("srv", default_of(tier), tools)]));
            }
            // Neighbours of every kind, so that a rule in the wrong place is seen.
            for shift in 0..RULES.len() {
                let tools: Vec<ToolPolicy> = HOSTILE
                    .iter()
                    .enumerate()
                    .map(|(i, name)| {
                        let mut tool = tool(name, RULES[(i + shift) % RULES.len()]());
                        if i % 3 == 0 && matches!(tool.rule, Rule::Limit { .. } | Rule::Ask) {
                            tool.arguments = arguments();
                        }
                        tool
                    })
                    .collect();
                check(exporter, &set(tier, vec![keyed("srv", default_of(tier), tools)]));
            }
        }
    }
}

fn arguments() -> Vec<ArgumentRule> {
    let rule = |argument: &str, check| ArgumentRule { argument: argument.to_owned(), check };
    vec![
        rule("mode", Check::BePresent),
        rule(
            "mode",
            Check::BeOneOf { values: vec![Scalar::Text("a".to_owned()), Scalar::Text("b".to_owned())] },
        ),
        rule("n", Check::BeAtMost { max: 100.0 }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn any_names_and_rules_stay_within_the_neutral_policy(
        named in proptest::collection::btree_map("\\PC{1,12}|[a-z.*/]{1,6}|(?s).{1,6}", 0..5_usize, 0..8),
        tier in 0..3_usize,
    ) {
        let tools = named.iter().map(|(name, rule)| tool(name, RULES[*rule]())).collect();
        let tier = Tier::ALL[tier];
        let set = set(tier, vec![keyed("srv", default_of(tier), tools)]);
        for exporter in EXPORTERS {
            check(exporter, &set);
        }
    }

    #[test]
    fn what_is_added_renamed_or_raised_never_widens_another_tool(
        base in proptest::collection::btree_map("[a-z./*]{1,5}", 0..5_usize, 1..6),
        added in "\\PC{1,8}|[a-z./*]{1,5}",
        rule in 0..5_usize,
        which in 0..5_usize,
    ) {
        // A name that is there already would be another rule for that tool, and no other tool.
        prop_assume!(!base.contains_key(&added));
        let before: Vec<ToolPolicy> = base.iter().map(|(name, rule)| tool(name, RULES[*rule]())).collect();
        let touched = base.keys().nth(which % base.len()).unwrap().clone();
        let but = |name: &str| before.iter().filter(|t| t.tool.raw() != name).cloned().collect::<Vec<_>>();
        // One more tool; one tool under any other name; one tool that is judged more severely.
        let mut one_more = but(&added);
        one_more.push(tool(&added, RULES[rule]()));
        let mut renamed = but(&touched);
        renamed.retain(|t| t.tool.raw() != added);
        renamed.push(tool(&added, RULES[base[&touched]]()));
        let mut raised = but(&touched);
        raised.push(tool(&touched, RULES[base[&touched].max(rule)]()));
        for exporter in EXPORTERS {
            let read = |tools: &[ToolPolicy]| {
                let set = set(Tier::Recommended, vec![keyed("srv", Rule::Deny, tools.to_vec())]);
                (exporter.read)(&exporter.document(&set, Wishes::default()).unwrap().text).unwrap()
            };
            let old = read(&before);
            for (what, after, changed) in
                [("added", &one_more, &added), ("renamed", &renamed, &touched), ("raised", &raised, &touched)]
            {
                let new = read(after);
                for name in base.keys().filter(|name| *name != changed && **name != added) {
                    let (a, b) = (old.decide("srv", name, None).rule, new.decide("srv", name, None).rule);
                    // A tool that shared its name with the renamed one has it to itself now, and Kiro switches a whole server
                    // off for one name: then it gets its own rule, and nothing beyond that.
                    let form = exporter.form;
                    let freed = form.whole("srv", name) == form.whole("srv", &touched) || exporter.id == "kiro";
                    let own = openness(b) >= openness(RULES[base[name]]());
                    prop_assert!(
                        b.strictness() >= a.strictness() || (what == "renamed" && freed && own),
                        "{} {what} {name:?}: {a:?} became {b:?}", exporter.id
                    );
                }
            }
        }
    }
}

#[test]
fn a_neutral_policy_reads_back_as_it_was_in_both_neutral_forms() {
    for tier in Tier::ALL {
        let tools = HOSTILE
            .iter()
            .enumerate()
            .map(|(i, name)| {
                let mut tool = tool(name, RULES[i % RULES.len()]());
                tool.definition = "ab".repeat(32);
                tool.arguments = if i % 2 == 0 { arguments() } else { vec![] };
                tool
            })
            .collect();
        let servers = vec![keyed("a key", default_of(tier), tools), keyed("b", Rule::Deny, vec![])];
        let set = set(tier, servers);
        let text = exporter("json").unwrap().document(&set, Wishes::default()).unwrap().text;
        assert_eq!(read_neutral(&text).unwrap().0, set);
        // Written again it is the same to the byte, in every format that keeps everything.
        for id in ["json", "csv", "opa"] {
            let exporter = exporter(id).unwrap();
            let text = exporter.document(&set, Wishes::default()).unwrap().text;
            let reading = (exporter.read)(&text).unwrap();
            for keyed in &set.servers {
                for tool in &keyed.policy.tools {
                    let arguments = Some(json!({"mode": "c"}));
                    for arguments in [None, arguments] {
                        let neutral = decide(&keyed.policy, tool.tool.raw(), arguments.as_ref());
                        assert_eq!(
                            reading.decide(&keyed.key, tool.tool.raw(), arguments.as_ref()),
                            neutral,
                            "{id}"
                        );
                    }
                }
            }
        }
    }
}

fn text_of(id: &str, tier: Tier, tools: Vec<ToolPolicy>) -> String {
    let set = set(tier, vec![keyed("s", default_of(tier), tools)]);
    exporter(id).unwrap().document(&set, Wishes::default()).unwrap().text
}

fn errors(id: &str, text: &str) -> Vec<String> {
    let findings = (exporter(id).unwrap().validate)(text);
    findings.into_iter().filter(|f| f.level == Level::Error).map(|f| f.message).collect()
}

fn decided(id: &str, text: &str, tool: &str) -> Rule {
    (exporter(id).unwrap().read)(text).unwrap().decide("s", tool, None).rule
}

#[test]
fn trap_a_deny_in_the_wrong_form_does_nothing() {
    for (id, text) in [
        ("claude-code", r#"{"permissions": {"deny": ["mcp__s__page.create"]}}"#),
        ("claude-code", r#"{"permissions": {"deny": ["mcp__my srv__x"]}}"#),
        ("claude-code", r#"{"permissions": {"deny": ["MCP__s__x"]}}"#),
        ("claude-code", r#"{"permissions": {"deny": ["mcp__s__x()"]}}"#),
        ("opencode", r#"{"permission": {"s_*": "ask", "s_page.create": "deny"}}"#),
        ("copilot-cli", "#!/bin/sh\nexec copilot '--deny-tool=s(page.create)' \"$@\"\n"),
        ("gemini-cli", "[[rule]]\nmcpName=\"s\"\ntoolName=\"a/b\"\ndecision=\"deny\"\npriority=999\n"),
    ] {
        let found = errors(id, text);
        assert!(
            found.len() == 1 && (found[0].contains("never") || found[0].contains("skipped")),
            "{id}: {found:?}"
        );
    }
    // Ours are in the right one.
    assert!(
        text_of("claude-code", Tier::Recommended, vec![tool("page.create", Rule::Ask)])
            .contains("\"mcp__s__page_create\"")
    );
    assert!(
        text_of("opencode", Tier::Recommended, vec![tool("page.create", Rule::Ask)])
            .contains("\"s_page_create\"")
    );
    assert!(
        text_of("copilot-cli", Tier::Recommended, vec![tool("日本", Rule::Deny)])
            .contains("'--deny-tool=s(xn--wgv71a)'")
    );
}

#[test]
fn trap_a_tool_called_star_does_not_allow_everything() {
    for exporter in EXPORTERS {
        let text =
            text_of(exporter.id, Tier::Recommended, vec![tool("*", Rule::Allow), tool("get_*", Rule::Allow)]);
        let reading = (exporter.read)(&text).unwrap();
        for other in ["delete", "get_all"] {
            let by = reading.decide("s", other, None);
            assert!(by.rule != Rule::Allow || by.by.starts_with("no flag"), "{}: {}", exporter.id, by.by);
        }
    }
}

#[test]
fn trap_names_that_become_one_get_the_strictest_rule_and_it_is_said() {
    let tools = || {
        vec![
            tool("a/b", Rule::Allow),
            tool("a,b", Rule::Hide),
            tool("a;b", Rule::Ask),
            tool("c", Rule::Allow),
        ]
    };
    for id in ["claude-code", "gemini-cli", "opencode", "copilot-cli"] {
        let set = set(Tier::Recommended, vec![keyed("s", Rule::Deny, tools())]);
        let exported = exporter(id).unwrap().document(&set, Wishes::default()).unwrap();
        for name in ["a/b", "a,b", "a;b"] {
            assert!(matches!(decided(id, &exported.text, name), Rule::Deny | Rule::Hide), "{id}");
        }
        assert_eq!(decided(id, &exported.text, "c"), Rule::Allow, "{id}");
        assert!(
            exported.header.iter().any(|l| l.starts_with("Shared name: 3 tools")),
            "{id}: {:?}",
            exported.header
        );
    }
}

#[test]
fn trap_two_servers_can_share_a_name_in_opencode() {
    let both = |a, b| {
        let servers =
            vec![keyed("a", Rule::Deny, vec![tool("b_c", a)]), keyed("a_b", Rule::Deny, vec![tool("c", b)])];
        let set = set(Tier::Recommended, servers);
        let text = exporter("opencode").unwrap().document(&set, Wishes::default()).unwrap().text;
        (exporter("opencode").unwrap().read)(&text).unwrap()
    };
    let reading = both(Rule::Allow, Rule::Ask);
    assert_eq!(reading.decide("a", "b_c", None).rule, Rule::Ask);
    assert_eq!(reading.decide("a_b", "c", None).rule, Rule::Ask);
}

#[test]
fn trap_gemini_a_low_priority_loses_and_a_rule_without_tool_name_drops_the_file() {
    let rule = |more: &str| format!("[[rule]]\nmcpName=\"s\"\ndecision=\"deny\"\n{more}\n");
    let low = (exporter("gemini-cli").unwrap().validate)(&rule("toolName=\"x\"\npriority=200"));
    assert!(low.iter().any(|f| f.level == Level::Warning && f.message.contains("loses")), "{low:?}");
    assert!(errors("gemini-cli", &rule("priority=999"))[0].contains("toolName"));
    assert!(errors("gemini-cli", &rule("toolName=\"get_*\"\npriority=999"))[0].contains("never fires"));
    assert!(!errors("gemini-cli", "[[rules]]\ntoolName=\"x\"\n").is_empty());
    let text = text_of(
        "gemini-cli",
        Tier::Recommended,
        vec![tool("x", Rule::Hide), tool("y", Rule::Ask), tool("z", Rule::Allow)],
    );
    let priorities: Vec<&str> = text.lines().filter_map(|l| l.strip_prefix("priority = ")).collect();
    assert_eq!(priorities, ["999", "998", "900", "850"]);
    let equal = "[[rule]]\nmcpName=\"s\"\ntoolName=\"x\"\ndecision=\"allow\"\npriority=900\n[[rule]]\nmcpName=\"s\"\ntoolName=\"x\"\ndecision=\"deny\"\npriority=900\n";
    assert!(errors("gemini-cli", equal)[0].contains("first"), "{:?}", errors("gemini-cli", equal));
}

#[test]
fn trap_gemini_long_and_odd_keys_get_whole_names_and_long_names_are_cut_as_the_client_cuts_them() {
    let gemini = exporter("gemini-cli").unwrap();
    for key in ["mcp", "mcp_x", "my srv", "abcdefghijklmnopqrstuvwxyz"] {
        let policy = keyed(key, Rule::Deny, vec![tool("a/b", Rule::Hide), tool("list", Rule::Allow)]);
        let exported = gemini.document(&set(Tier::Recommended, vec![policy]), Wishes::default()).unwrap();
        // Whole names, and the header says what is lost with that.
        assert!(!exported.text.contains("mcpName"), "{}", exported.text);
        assert!(exported.header.iter().any(|l| l.starts_with("Key ") && l.contains("yolo")), "{key}");
        assert!(exported.header.iter().any(|l| l.starts_with("Lost: the default of 1 server")), "{key}");
        let reading = (gemini.read)(&exported.text).unwrap();
        assert_eq!(reading.decide(key, "a/b", None).rule, Rule::Hide, "{key}");
        assert_eq!(reading.decide(key, "list", None).rule, Rule::Allow, "{key}");
        assert_eq!(reading.decide(key, "later", None).rule, Rule::Ask, "{key}");
        // Written with mcpName it would never fire, and is refused.
        let text = format!("[[rule]]\nmcpName=\"{key}\"\ntoolName=\"*\"\ndecision=\"deny\"\npriority=999\n");
        assert!(errors("gemini-cli", &text)[0].contains("do not fire"), "{key}");
    }
    let long = "x".repeat(100);
    let text = text_of("gemini-cli", Tier::Recommended, vec![tool(&long, Rule::Allow)]);
    assert!(text.contains(&*Form::Gemini.in_rule("s", &long)) && !text.contains(&long));
    assert_eq!(decided("gemini-cli", &text, &long), Rule::Allow);
}

#[test]
fn trap_opencode_the_last_match_wins() {
    let wrong = r#"{"permission": {"s_delete": "deny", "s_*": "ask"}}"#;
    assert!(errors("opencode", wrong)[0].contains("can never fire"));
    let text =
        text_of("opencode", Tier::Permissive, vec![tool("delete", Rule::Hide), tool("zz", Rule::Allow)]);
    assert!(text.find("\"s_*\"").unwrap() < text.find("\"s_delete\"").unwrap());
    assert_eq!(decided("opencode", &text, "delete"), Rule::Hide);
    assert_eq!(decided("opencode", &text, "other"), Rule::Ask);
    // Nothing said is allowed.
    let warned = (exporter("opencode").unwrap().validate)(r#"{"permission": {"s_delete": "deny"}}"#);
    assert!(warned.iter().any(|f| f.message.contains("allowed unasked")));
}

#[test]
fn trap_codex_trusts_hints_unless_told_otherwise() {
    let text = text_of(
        "codex",
        Tier::Recommended,
        vec![tool("read", Rule::Allow), tool("x.y", Rule::Ask), tool("z", Rule::Hide)],
    );
    assert!(
        text.contains("default_tools_approval_mode = \"prompt\"")
            && !text.contains("\"auto\"")
            && !text.contains("\"writes\"")
    );
    assert!(text.contains("[mcp_servers.\"s\".tools.\"x.y\"]\napproval_mode = \"prompt\""));
    for mode in ["auto", "writes"] {
        let text = format!("[mcp_servers.s]\ncommand = \"x\"\ndefault_tools_approval_mode = \"{mode}\"\n");
        let found = (exporter("codex").unwrap().validate)(&text);
        assert!(found.iter().any(|f| f.message.contains("hints")), "{found:?}");
        assert_eq!(decided("codex", &text, "delete"), Rule::Allow);
    }
    assert!(errors("codex", "[mcp_servers.s]\nenabled_tools = []\n")[0].contains("command or url"));
    let wild =
        (exporter("codex").unwrap().validate)("[mcp_servers.s]\ncommand=\"x\"\nenabled_tools = [\"*\"]\n");
    assert!(wild.iter().any(|f| f.message.contains("literally called *")));
}

#[test]
fn trap_copilot_runs_unasked_what_a_server_calls_read_only() {
    // Nothing to rely on is said by leaving a tool out: what a person should decide is denied.
    let tools = vec![tool("asked", Rule::Ask), tool("limited", limit()), tool("read", Rule::Allow)];
    let text = text_of("copilot-cli", Tier::Recommended, tools);
    for name in ["asked", "limited"] {
        assert!(text.contains(&format!("'--deny-tool=s({name})'")), "{text}");
        assert_eq!(decided("copilot-cli", &text, name), Rule::Deny);
    }
    assert!(text.contains("Copilot runs unasked what its server calls read-only"), "{text}");
    // And the model of the client does not pretend that it asks.
    assert_eq!(decided("copilot-cli", &text, "later"), Rule::Allow);
}

#[test]
fn trap_copilot_cuts_long_names_and_a_rule_with_the_whole_one_does_nothing() {
    let long = "x".repeat(100);
    let text = text_of("copilot-cli", Tier::Recommended, vec![tool(&long, Rule::Hide)]);
    assert!(text.contains(&format!("'--deny-tool=s({})'", "x".repeat(62))), "{text}");
    let whole = format!("#!/bin/sh\nexec copilot '--deny-tool=s({long})' \"$@\"\n");
    assert!(errors("copilot-cli", &whole)[0].contains("cut at 64"), "{:?}", errors("copilot-cli", &whole));
}

/// Its plugin pastes every entry into a permit, whatever `effect` says: nothing that denies may ever be written.
#[test]
fn trap_contextforge_never_reads_effect_so_that_a_forbid_is_a_permit() {
    for rule in RULES {
        for tools in [vec![], vec![tool("a", rule())], vec![tool("a", rule()), tool("b", Rule::Allow)]] {
            let text = text_of("toolhive", Tier::Recommended, tools);
            let document: Value = serde_saphyr::from_str(&text).unwrap();
            let policies = document["cedar"]["policies"].as_array().unwrap();
            assert!(policies.iter().all(|p| p.as_str().unwrap().starts_with("permit(")), "{text}");
            assert!(!text.contains("forbid") && !text.contains("Forbid"), "{text}");
        }
    }
    let theirs = "- id: x\n  effect: Forbid\n  principal: Role::\"r\"\n  action: [Action::\"delete\"]\n";
    let found = errors("toolhive", theirs);
    assert!(found.iter().any(|message| message.contains("never reads effect")), "{found:?}");
}

#[test]
fn trap_intercept_a_typo_allows_everything() {
    let found = errors("intercept", "version: \"1\"\ndefualt: deny\ntools: {}\n");
    assert!(found.iter().any(|m| m.contains("Did you mean default")), "{found:?}");
}

/// A name that only looks like another one is the other one there: the stricter of their rules holds for both.
#[test]
fn trap_claude_code_reads_names_in_nfkc_and_without_invisible_characters() {
    let wide = "\u{ff44}\u{ff45}\u{ff4c}";
    for twin in [wide, "d\u{200b}el", "\u{202e}del"] {
        let text =
            text_of("claude-code", Tier::Recommended, vec![tool("del", Rule::Allow), tool(twin, Rule::Hide)]);
        assert!(
            text.contains("\"mcp__s__del\"") && text.contains("Shared name: 2 tools are one here"),
            "{text}"
        );
        for name in ["del", twin] {
            assert_eq!(decided("claude-code", &text, name), Rule::Hide, "{name:?}");
        }
    }
}

#[test]
fn trap_claude_code_drops_the_whole_file_for_one_wrong_type_and_asks_for_what_is_not_named() {
    assert!(errors("claude-code", r#"{"permissions": {"deny": "x"}}"#)[0].contains("whole file"));
    assert!(errors("claude-code", r#"{"permissions": {"allow": ["mcp__*"]}}"#)[0].contains("skipped"));
    assert!(
        errors("claude-code", r#"{"permisions": {}}"#).iter().any(|m| m.contains("Did you mean permissions"))
    );
    let strict = text_of("claude-code", Tier::Strict, vec![tool("x", Rule::Allow), tool("y", Rule::Ask)]);
    assert!(strict.contains("\"defaultMode\": \"dontAsk\""));
    assert_eq!(decided("claude-code", &strict, "other"), Rule::Deny);
    assert_eq!(decided("claude-code", &strict, "y"), Rule::Hide);
    let recommended = text_of("claude-code", Tier::Recommended, vec![tool("x", Rule::Allow)]);
    assert!(!recommended.contains("defaultMode") && recommended.contains("Lost: the default of 1 server"));
}

#[test]
fn a_limit_is_asked_about_unless_somebody_types_that_it_may_be_allowed() {
    let tools = || vec![tool("a", limit()), tool("b", limit()), tool("c", Rule::Ask), tool("d", Rule::Hide)];
    let narrowed = ToolPolicy {
        arguments: vec![ArgumentRule {
            argument: "force".to_owned(),
            check: Check::Be { value: false, absent: true },
        }],
        ..tool("n", limit())
    };
    for (id, instead) in [
        ("claude-code", Rule::Ask),
        ("codex", Rule::Ask),
        ("gemini-cli", Rule::Ask),
        ("opencode", Rule::Ask),
        ("copilot-cli", Rule::Deny),
    ] {
        let mut tools = tools();
        tools.push(narrowed.clone());
        let set = set(Tier::Recommended, vec![keyed("s", Rule::Deny, tools)]);
        let exporter = exporter(id).unwrap();
        let careful = exporter.document(&set, Wishes::default()).unwrap();
        assert_eq!(decided(id, &careful.text, "a"), instead);
        assert!(careful.mostly_lost, "{id}");
        assert!(
            careful.header.iter().any(|l| l.starts_with(&format!("Lost: 3 x limit -> {instead}"))),
            "{:?}",
            careful.header
        );
        let lossy =
            exporter.document(&set, Wishes { limit_may_become_allow: true, ..Wishes::default() }).unwrap();
        assert_eq!(decided(id, &lossy.text, "a"), Rule::Allow);
        // Neither what a person should decide nor what is narrowed is let through by it.
        assert_eq!(decided(id, &lossy.text, "c"), instead);
        assert_eq!(decided(id, &lossy.text, "n"), instead);
        assert!(lossy.header.iter().any(|l| l.contains("2 x limit -> allow") && l.contains("--lossy-limit")));
    }
}

#[test]
fn a_diff_says_which_way_and_a_merge_keeps_a_persons_changes() {
    let base = set(
        Tier::Recommended,
        vec![keyed(
            "s",
            Rule::Deny,
            vec![tool("a", Rule::Ask), tool("b", limit()), tool("c", Rule::Allow), tool("gone", Rule::Ask)],
        )],
    );
    let mine = set(
        Tier::Recommended,
        vec![keyed(
            "s",
            Rule::Deny,
            vec![tool("a", Rule::Allow), tool("b", limit()), tool("c", Rule::Ask), tool("gone", Rule::Ask)],
        )],
    );
    let new = set(
        Tier::Recommended,
        vec![keyed(
            "s",
            Rule::Deny,
            vec![tool("a", Rule::Ask), tool("b", Rule::Ask), tool("c", Rule::Hide), tool("d", Rule::Allow)],
        )],
    );
    let (merged, conflicts) = merge(&base, &mine, &new);
    let rule = |name: &str| merged.servers[0].policy.tool(name).map(|t| t.rule);
    assert_eq!(rule("a"), Some(Rule::Allow));
    assert_eq!(rule("b"), Some(Rule::Ask));
    assert_eq!(rule("c"), Some(Rule::Hide));
    assert_eq!((rule("d"), rule("gone")), (Some(Rule::Allow), None));
    assert_eq!(conflicts.iter().map(|c| c.tool.as_deref()).collect::<Vec<_>>(), [Some("c")]);
    let changes: Vec<Value> =
        compare(&base, &mine).iter().map(|c| serde_json::to_value(c).unwrap()).collect();
    let words: Vec<(&str, &str)> =
        changes.iter().map(|c| (c["tool"].as_str().unwrap(), c["direction"].as_str().unwrap())).collect();
    assert_eq!(words, [("a", "possible"), ("c", "impossible")]);
    assert!(compare(&new, &new).is_empty());
}

#[test]
fn a_name_that_the_server_does_not_have_or_spells_otherwise_is_found() {
    let known = [keyed("s", Rule::Deny, vec![tool("page.create", Rule::Ask)])];
    for (id, text) in [
        (
            "codex",
            "[mcp_servers.s]\ncommand=\"x\"\ndefault_tools_approval_mode=\"prompt\"\n[mcp_servers.s.tools.page_create]\napproval_mode=\"prompt\"\n",
        ),
        ("claude-code", r#"{"permissions": {"deny": ["mcp__s__page_delete"]}}"#),
        // For the client these are whole servers of other names.
        ("claude-code", r#"{"permissions": {"deny": ["mcp__s_page_create", "mcp__other"]}}"#),
        ("claude-code", r#"{"permissions": {"deny": ["mcp__S__Page_Create", "mcp__other__page_create"]}}"#),
        ("opencode", r#"{"permission": {"s_*": "ask", "s_nothing": "deny"}}"#),
    ] {
        let found = exporter(id).unwrap().unknown_names(text, &known);
        assert_eq!(found.len(), 1, "{id}: {found:?}");
        assert!(found[0].line.is_some());
    }
    let right = text_of("claude-code", Tier::Recommended, vec![tool("page.create", Rule::Ask)]);
    assert!(exporter("claude-code").unwrap().unknown_names(&right, &known).is_empty());
}
