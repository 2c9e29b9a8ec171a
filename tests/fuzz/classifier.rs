//! Definitions for the classifier: any JSON a server may list.

use std::sync::LazyLock;

use catalogue::assets::Folder;
use catalogue::classify::RuleSet;
use catalogue::model::ToolDefinition;
use serde_json::{Map, Value, json};

use crate::random::Random;
use crate::runner::number_of;

pub(crate) const WORDS: &[&str] = &[
    "delete",
    "remove all",
    "permanently",
    "cannot be undone",
    "read-only",
    "does not write",
    "run",
    "execute command",
    "send",
    "create",
    "list",
    "get",
    "query",
    "SQL",
    "file",
    "path",
    "token",
    "IMPORTANT",
    "\\u202e",
    "annotations",
    "readOnlyHint",
    "destructiveHint",
    "inputSchema",
    "properties",
    "description",
    "enum",
    "default",
    "required",
    "$ref",
];

pub(crate) static RULES: LazyLock<RuleSet> =
    LazyLock::new(|| RuleSet::load(&Folder::Rules.files(None).unwrap()).unwrap());

pub(crate) fn tool(random: &mut Random) -> Value {
    let mut words = |random: &mut Random, most: usize| {
        let list: Vec<String> = (0..random.below(most))
            .map(|_| if random.once_in(4) { random.text() } else { random.pick(WORDS).to_owned() })
            .collect();
        list.join([" ", "_", ". ", "\n", ""][random.below(5)])
    };
    let mut object = Map::new();
    object.insert("name".to_owned(), json!(words(random, 4) + "x"));
    if random.once_in(2) {
        object.insert("title".to_owned(), json!(words(random, 4)));
    }
    object.insert("description".to_owned(), json!(words(random, 40)));
    if random.once_in(3) {
        let hints = ["readOnlyHint", "destructiveHint", "idempotentHint", "openWorldHint", "title"];
        let values = [json!(true), json!(false), json!(null), json!("true"), json!(words(random, 3))];
        let some = hints.map(|hint| (hint.to_owned(), values[random.below(5)].clone()));
        object.insert("annotations".to_owned(), Value::Object(some.into_iter().collect()));
    }
    let schema = schema(random, 0, &mut words);
    object.insert("inputSchema".to_owned(), schema);
    Value::Object(object)
}

fn schema(random: &mut Random, depth: usize, words: &mut impl FnMut(&mut Random, usize) -> String) -> Value {
    if depth > 4 || random.once_in(8) {
        return [json!(null), json!(true), json!([]), json!("string"), json!({"$ref": "#"}), json!(1e300)]
            [random.below(6)]
        .clone();
    }
    let mut properties = Map::new();
    for _ in 0..random.below(4) {
        let inner = schema(random, depth + 1, words);
        properties.insert(words(random, 3), inner);
    }
    let kinds = ["object", "string", "array", "integer", "null", "wrong"];
    json!({
        "type": kinds[random.below(6)],
        "description": words(random, 12),
        "properties": properties,
        "required": [words(random, 2), 5],
        "enum": [words(random, 3), 1, null],
        "default": words(random, 3),
        "items": if random.once_in(3) { schema(random, depth + 1, words) } else { json!({}) },
        "anyOf": if random.once_in(4) { json!([schema(random, depth + 1, words)]) } else { json!(7) },
    })
}

pub(crate) fn generate(random: &mut Random) -> Vec<u8> {
    tool(random).to_string().into_bytes()
}

pub(crate) fn run(input: &[u8]) -> u64 {
    let Ok(text) = std::str::from_utf8(input) else { return 0 };
    let Ok(tool) = ToolDefinition::from_json(text) else { return 1 };
    let verdict = RULES.judge(&tool);
    assert_eq!(verdict, RULES.judge(&tool), "judged twice, judged otherwise");
    assert!((0.0..=1.0).contains(&verdict.confidence), "{}", verdict.confidence);
    for evidence in &verdict.evidence {
        assert!(RULES.meaning(&evidence.rule).is_some(), "{} is no rule", evidence.rule);
        let field = tool.object().pointer(&evidence.field).and_then(Value::as_str);
        if let (Some([start, end]), Some(text)) = (evidence.span, field) {
            assert!(start <= end && end <= text.chars().count(), "{evidence:?} points beyond its text");
        }
    }
    // What was read can be read again, and is the same tool.
    let again = ToolDefinition::from_json(tool.object().to_string().as_str()).unwrap();
    assert_eq!(again.name(), tool.name());
    if input.len() < 400 {
        let change = RULES.smallest_change(&tool, &verdict);
        assert!(change.change.as_ref().is_none_or(|c| c.class != verdict.class), "{change:?}");
    }
    let rules: Vec<&str> = verdict.evidence.iter().map(|e| e.rule.as_str()).collect();
    number_of((verdict.class, verdict.risk, verdict.signals, rules))
}
