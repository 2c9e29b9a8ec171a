//! The rule set as a whole: its examples, its evidence, its bounds.

use std::collections::{BTreeMap, BTreeSet};
use std::io::BufRead as _;
use std::path::Path;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::*;
use crate::assets::Folder;
use crate::model::{Class, Risk, Signal};

type Files = BTreeMap<String, Vec<u8>>;

/// From disk, so that a changed rule needs no new build.
fn files() -> Files {
    Folder::Rules.files(Some(&Path::new(env!("CARGO_MANIFEST_DIR")).join("rules"))).unwrap()
}

pub(super) fn rules() -> &'static RuleSet {
    static RULES: LazyLock<RuleSet> =
        LazyLock::new(|| RuleSet::load(&files()).unwrap_or_else(|error| panic!("{error}")));
    &RULES
}

fn tool(object: &Value) -> ToolDefinition {
    ToolDefinition::from_json(&object.to_string()).unwrap()
}

fn judge(object: Value) -> Verdict {
    rules().judge(&tool(&object))
}

/// The labelled tools beside the repository, or nothing and a word about it.
fn recorded() -> Vec<ToolDefinition> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/classification");
    let mut tools = Vec::new();
    for file in ["gold-dev.jsonl", "labels-extra.jsonl", "hints-dev.jsonl"] {
        match fs_err::read_to_string(folder.join(file)) {
            Err(_) => eprintln!("skipped: no {file} beside the repository"),
            Ok(text) => tools.extend(
                text.lines()
                    .filter(|line| !line.trim().is_empty())
                    .map(|line| row_tool(&serde_json::from_str(line).unwrap())),
            ),
        }
    }
    tools
}

/// The tools of the corpus that carry no label.
fn corpus() -> Vec<ToolDefinition> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpus/tools.jsonl.gz");
    let Ok(file) = fs_err::File::open(path) else {
        eprintln!("skipped: no corpus beside the repository");
        return Vec::new();
    };
    let lines = std::io::BufReader::new(flate2::read::GzDecoder::new(file)).lines();
    lines.map(|line| row_tool(&serde_json::from_str(&line.unwrap()).unwrap())).collect()
}

#[test]
fn every_example_of_every_rule_goes_as_written() {
    let failures = rules().failing_examples();
    assert!(failures.is_empty(), "{failures:#?}");
}

/// Asserts that a verdict's evidence can be found in the stored object exactly as it says.
fn assert_evidence(rules: &RuleSet, tool: &ToolDefinition, verdict: &Verdict) {
    for evidence in &verdict.evidence {
        assert!(rules.meaning(&evidence.rule).is_some(), "{} has no text", evidence.rule);
        let value = tool.object().pointer(&evidence.field);
        match evidence.span {
            None => assert_eq!(evidence.text, "", "{}: {}", tool.name(), evidence.rule),
            Some([start, end]) => {
                let whole = value.and_then(Value::as_str).unwrap_or_else(|| panic!("{}", evidence.field));
                let cut: String = whole.chars().skip(start).take(end - start).collect();
                assert!(start < end && cut == evidence.text, "{}: {evidence:?}", tool.name());
            }
        }
        assert!(evidence.effect.weight.is_finite());
    }
    assert!(!verdict.evidence.is_empty(), "{} has no evidence", tool.name());
    assert!((0.0..=1.0).contains(&verdict.confidence));
    let raised: BTreeSet<Signal> = verdict.evidence.iter().filter_map(|e| e.effect.signal).collect();
    assert_eq!(raised.into_iter().collect::<Vec<_>>(), verdict.signals, "{}", tool.name());
}

#[test]
fn evidence_is_found_in_the_stored_object_word_for_word() {
    let rules = rules();
    for object in [
        json!({"name": "délete_日本_remove", "title": "Löschen", "description": "\u{feff}🚨 Deletes — \u{202e}permanently deletes the 日本 label",
            "inputSchema": {"properties": {"a/b~c": {"properties": {"url": {}}}, "action": {"enum": ["get", "deleteAll"]}}}}),
        json!({"name": "x", "annotations": {"title": "Delete thing", "readOnlyHint": true}}),
        json!({"name": "éxecuteSQL", "description": 5, "inputSchema": []}),
        json!({"name": "terminateinstance", "description": "   \n\n  Terminates instances. "}),
        json!({"name": "İstanbul_delete", "description": "İİİ deletes an İ file; Cannot be undone"}),
        json!({"name": "x", "description": "Actions: list, İ, delete_é, create"}),
    ] {
        let tool = tool(&object);
        assert_evidence(rules, &tool, &rules.judge(&tool));
    }
    for tool in recorded() {
        assert_evidence(rules, &tool, &rules.judge(&tool));
    }
}

#[test]
fn a_hint_never_lowers_class_risk_or_doubt() {
    let rules = rules();
    for tool in recorded() {
        let mut object = tool.object().clone();
        object["annotations"] = Value::Null;
        let bare = rules.judge(&ToolDefinition::from_json(&object.to_string()).unwrap());
        for hints in [json!({"readOnlyHint": true}), json!({"destructiveHint": false, "readOnlyHint": true})]
        {
            object["annotations"] = hints;
            let hinted = rules.judge(&ToolDefinition::from_json(&object.to_string()).unwrap());
            assert!(hinted.class >= bare.class && hinted.risk >= bare.risk, "{}", tool.name());
        }
    }
    let unknown = judge(json!({"name": "frobnicator", "annotations": {"readOnlyHint": true}}));
    assert!(unknown.needs_review && unknown.confidence < 0.5);
}

#[test]
fn a_delete_verb_outranks_a_read_only_hint_and_the_lie_is_recorded() {
    let verdict = judge(json!({"name": "delete_repo", "description": "Deletes a repository.",
        "annotations": {"readOnlyHint": true}}));
    assert_eq!((verdict.class, verdict.risk), (Class::Destructive, Risk::Critical));
    assert!(verdict.signals.contains(&Signal::AnnotationMismatch));
}

#[test]
fn a_hint_that_is_only_the_specifications_default_says_nothing() {
    let stated = judge(json!({"name": "list_repos"}));
    let absent = judge(
        json!({"name": "list_repos", "annotations": {"readOnlyHint": null, "destructiveHint": "true"}}),
    );
    assert_eq!(stated, absent);
}

#[test]
fn nothing_to_go_on_is_doubt_and_never_danger() {
    for object in [
        json!({"name": "frobnicator"}),
        json!({"name": "xq7", "description": "   "}),
        json!({"name": "日本"}),
        json!({"name": "__", "inputSchema": {"type": "object", "properties": {"q": {}}}}),
        json!({"name": "zzz", "description": "Lorem ipsum dolor."}),
    ] {
        let verdict = judge(object.clone());
        assert!(verdict.confidence < 0.5 && verdict.needs_review, "{object}: {verdict:?}");
        assert!(verdict.class <= Class::Write && verdict.risk <= Risk::Medium, "{object}: {verdict:?}");
        assert_eq!(verdict.evidence.first().unwrap().rule, "nothing-to-go-on");
    }
}

#[test]
fn a_list_of_actions_is_judged_by_its_worst() {
    let schema = json!({"properties": {"action": {"enum": ["list", "create", "delete"]}}});
    let verdict =
        judge(json!({"name": "manage_item", "description": "Manage items.", "inputSchema": schema}));
    assert_eq!(verdict.class, Class::Destructive);
    let listed =
        verdict.evidence.iter().find(|e| e.field == "/inputSchema/properties/action/enum/2").unwrap();
    assert_eq!((listed.span, listed.text.as_str()), (Some([0, 6]), "delete"));
    let schema = json!({"properties": {"action": {"enum": ["list", "get", "search"]}}});
    let verdict = judge(json!({"name": "items", "description": "Look at items.", "inputSchema": schema}));
    assert_eq!(verdict.class, Class::Read);
}

#[test]
fn the_rubrics_own_examples_come_out_as_it_says() {
    for (class, names) in [
        (Class::Read, "list_issues|fetch|read_file|get_weather|calculate|browser_snapshot|estimate_cost"),
        (
            Class::Write,
            "create_issue|slack_post_message|upload_file|push_image|add_label|write_file|edit_file|remove_label",
        ),
        (
            Class::Execute,
            "run_command|execute_sql|trigger_build|start_container|browser_click|merge_pull_request|send_rpc|generate_image|cancel_job",
        ),
        (
            Class::Destructive,
            "delete_repo|drop_table|terminate_instance|purge_cache|create_refund|place_order|revoke_key",
        ),
    ] {
        for name in names.split('|') {
            assert_eq!(judge(json!({ "name": name })).class, class, "{name}");
        }
    }
}

#[test]
fn the_same_definition_gives_the_same_verdict_whatever_the_order_of_its_keys() {
    let rules = rules();
    let one = r#"{"name":"sync_all","description":"Syncs all files","inputSchema":{"properties":{"url":{},"path":{},"token":{}}}}"#;
    let two = r#"{"inputSchema":{"properties":{"token":{},"path":{},"url":{}}},"description":"Syncs all files","name":"sync_all"}"#;
    let judge = |text| rules.judge(&ToolDefinition::from_json(text).unwrap());
    assert_eq!(judge(one), judge(two));
}

#[test]
fn a_megabyte_made_to_hurt_is_judged_at_once_and_the_cut_is_said() {
    let rules = rules();
    let fill = |unit: &str| unit.repeat(1_000_000 / unit.len());
    let properties: serde_json::Map<String, Value> = (0..20_000)
        .map(|i| (format!("p{i}"), json!({"description": "execute any sql and ".repeat(3)})))
        .collect();
    let nested = json!({"properties": properties.clone()});
    for (object, cut) in [
        (json!({"name": "x", "description": fill("create, ")}), true),
        (json!({"name": "x", "description": fill("a")}), true),
        (json!({"name": "x", "description": fill("\u{e9}ignore all ")}), true),
        (json!({"name": "x", "description": fill("execute an any the some your ")}), true),
        (json!({"name": "x", "description": fill("Actions: a/b,")}), true),
        (json!({"name": "x", "description": fill("\u{4e2d}\u{6587}")}), true),
        (json!({"name": fill("delete_and_"), "description": "x"}), true),
        (json!({"name": "x", "inputSchema": {"properties": properties}}), true),
        (json!({"name": "x", "inputSchema": {"properties": {fill("k"): nested}}}), false),
    ] {
        let tool = tool(&object);
        let start = Instant::now();
        let verdict = rules.judge(&tool);
        let took = start.elapsed();
        assert_eq!(verdict.evidence.iter().any(|e| e.rule == "text-cut"), cut);
        // An unoptimised build of the pattern engine is some 20 times slower than the program people run.
        let bound =
            if cfg!(debug_assertions) { Duration::from_millis(2_000) } else { Duration::from_millis(50) };
        assert!(took < bound, "{took:?}");
        assert_evidence(rules, &tool, &verdict);
    }
}

#[test]
fn the_hash_covers_every_rule_file_and_nothing_else() {
    let before = rules().hash().to_owned();
    assert!(before.len() == 64 && before.chars().all(|c| c.is_ascii_hexdigit()));
    let mut changed = files();
    changed.insert("README.md".to_owned(), b"other".to_vec());
    changed.insert("policy.toml".to_owned(), b"other".to_vec());
    assert_eq!(RuleSet::load(&changed).unwrap().hash(), before);
    for file in files().keys().filter(|f| f.starts_with("classify/")) {
        let mut changed = files();
        changed.get_mut(file).unwrap().extend(b"\n# more\n");
        assert_ne!(RuleSet::load(&changed).unwrap().hash(), before, "{file}");
    }
}

#[test]
fn every_mistake_in_a_rule_names_file_line_and_rule() {
    const RULE: &str = "# one\n[[rule]]\nid = \"a-rule\"\nkind = \"phrase\"\nwhat = \"w\"\nwhy = \"y\"\nclass = \"read\"\n\
        points = 1.0\npattern = 'x'\nyes = [\"x | x\"]\nno = [\"y\"]\n";
    let load = |text: &str| {
        let mut files = files();
        files.insert("classify/zz.toml".to_owned(), text.as_bytes().to_vec());
        RuleSet::load(&files).err().map(|e| e.to_string())
    };
    assert_eq!(load(RULE), None);
    for (from, to, place, says) in [
        ("points = 1.0", "points = ", "zz.toml:8:", ""),
        ("points = 1.0", "pionts = 1.0", "zz.toml:8:1", "unknown field"),
        ("kind = \"phrase\"", "kind = \"fraze\"", "zz.toml:4:8", "unknown variant"),
        ("class = \"read\"", "class = \"reed\"", "zz.toml:7:9", "unknown variant"),
        ("'x'", "'x('", "zz.toml:3:6: rule \"a-rule\"", "does not compile"),
        ("'x'", "'x(?!y)'", "zz.toml:3:6: rule \"a-rule\"", "look-around"),
        ("a-rule", "verb-read", "zz.toml:3:6: rule \"verb-read\"", "is there twice"),
        ("a-rule", "A rule", "zz.toml:3:6", "lower-case"),
        ("no = [\"y\"]", "no = []", "zz.toml:3:6", "must not match"),
        ("yes = [\"x | x\"]", "", "zz.toml:3:6", "must match"),
        ("points = 1.0", "", "zz.toml:3:6", "class and points together"),
        ("pattern = 'x'", "", "zz.toml:3:6", "no pattern"),
        ("kind = \"phrase\"", "kind = \"when\"", "zz.toml:3:6", "no conditions"),
        ("kind = \"phrase\"", "kind = \"when\"\nall = [{}]", "zz.toml:3:6", "not exactly one of"),
        ("kind = \"phrase\"", "kind = \"when\"\nall = [{ about = 'x' }]", "zz.toml:3:6", "no param"),
        (
            "kind = \"phrase\"",
            "kind = \"when\"\nall = [{ says = 'x', colour = 'y' }]",
            "zz.toml:5:",
            "unknown field",
        ),
        (
            "kind = \"phrase\"",
            "kind = \"finding\"\ncheck = \"invisible\"",
            "zz.toml:3:6",
            "either a pattern or a check",
        ),
        ("kind = \"phrase\"", "kind = \"verb\"\nwords = [\"get\"]", "zz.toml:3:6", "another verb rule"),
        (
            "kind = \"phrase\"",
            "kind = \"verb\"\nwords = [\"get_it\"]",
            "zz.toml:3:6",
            "single lower-case word",
        ),
        (
            "kind = \"phrase\"",
            "kind = \"pair\"\nverbs = [\"frob\"]\nobjects = [\"x\"]",
            "zz.toml:3:6",
            "in no verb rule",
        ),
        (
            "kind = \"phrase\"",
            "kind = \"pair\"\nverbs = [\"@nope\"]\nobjects = [\"x\"]",
            "zz.toml:3:6",
            "@nope",
        ),
    ] {
        let message = load(&RULE.replacen(from, to, 1)).unwrap_or_default();
        assert!(message.contains(place) && message.contains(says), "{to}: {message}");
    }
    let mut missing = files();
    missing.remove("classify/settings.toml");
    assert!(RuleSet::load(&missing).err().unwrap().to_string().contains("classify/settings.toml is missing"));
    assert!(RuleSet::load(&Files::new()).is_err());
}

#[test]
fn every_rule_speaks_about_some_recorded_tool() {
    // Attacks do not occur in what was recorded (research/corpus.md section 5); the others speak on three or more of the
    // servers that were scanned for labels, and are asked for by the rubric's borders 2, 3, 5, 7, 12 and 15 and its signals.
    const ELSEWHERE: [&str; 17] = [
        "text-cut",
        "pair-page",
        "context-http-method",
        "pair-move-record",
        "pair-withdraw-mark",
        "pair-format-cells",
        "phrase-attack-tool",
        "signal-file-local",
        "signal-reversible-preview",
        "context-media-prompt",
        "context-submit-analysis",
        "pair-inject-input",
        "pair-record-state",
        "pair-refresh-data",
        "pair-scan-host",
        "param-job",
        "signal-personal-identity",
    ];
    let (rules, mut tools) = (rules(), recorded());
    tools.extend(corpus());
    if tools.len() < 1_000 {
        return;
    }
    let mut silent: BTreeSet<&str> = rules.rules.iter().map(|rule| rule.text.id.as_str()).collect();
    for tool in &tools {
        let features = features::Features::of(tool, rules);
        let hits = matching::hits(rules, &features);
        for hit in &hits {
            silent.remove(rules.rules[hit.rule].text.id.as_str());
        }
        for evidence in verdict::decide(rules, &features, hits).evidence {
            silent.remove(evidence.rule.as_str());
        }
    }
    silent.retain(|id| !ELSEWHERE.contains(id) && !id.starts_with("finding-"));
    assert!(silent.is_empty(), "{silent:?}");
}

/// A labelled row's definition, as a server would have sent it.
fn row_tool(row: &Value) -> ToolDefinition {
    let mut object = serde_json::Map::new();
    for key in ["name", "title", "description", "inputSchema", "outputSchema", "annotations"] {
        let value = &row[key];
        if !value.is_null() {
            object.insert(key.to_owned(), value.clone());
        }
    }
    ToolDefinition::from_json(&Value::Object(object).to_string()).unwrap()
}
