//! 2,000 calls of made-up tools, the same every time: servers with names of every kind, schemas that policies read
//! rules from, and arguments that keep them and break them. Shared with the test target `clients`.

use catalogue::assets::Folder;
use catalogue::model::{Class, Risk, ServerKey, Signal, ToolDefinition, Verdict};
use catalogue::policy::{Judged, Keyed, Numbers, PolicySet, Tier, policy_for_server};
use serde_json::{Value, json};

/// How many servers there are; each has [`TOOLS`] tools, each called with [`ARGUMENTS`] sets of arguments.
pub(crate) const SERVERS: usize = 40;
const TOOLS: usize = 10;
const ARGUMENTS: usize = 5;

/// One call.
pub(crate) struct Case {
    /// The server's key.
    pub(crate) key: String,
    /// The tool's own name.
    pub(crate) tool: String,
    /// An object.
    pub(crate) arguments: Value,
}

/// Numbers without a pattern that are the same on every machine (Numerical Recipes' generator).
struct Dice(u32);

impl Dice {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (self.0 >> 8) as usize % n
    }

    fn one<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.below(of.len())]
    }
}

const SIGNALS: [Signal; 6] = [
    Signal::Secrets,
    Signal::ArbitraryCode,
    Signal::Financial,
    Signal::OutboundMessage,
    Signal::Bulk,
    Signal::Filesystem,
];
const VERBS: &[&str] = &["list", "get", "create", "update", "delete", "run", "send", "pay", "search", "drop"];
const NOUNS: &[&str] = &["issues", "page", "record", "file", "query", "mail", "invoice", "branch"];
const ODD: &[&str] = &[
    "page.create",
    "a/b",
    "a,b",
    "a;b",
    "a__b",
    "with space",
    "q\"uote",
    "back\\slash",
    "*",
    "get_*",
    "?",
    "x()",
    "$(id)",
    "日本",
    "é",
    "e\u{301}",
    "1digit",
    "-dash",
    "new\nline",
    "tab\there",
    "it's",
    "\u{1f600}",
    "Create",
    "create",
    "mcp_x",
    "true",
    "null",
    "default",
    "__proto__",
    "server",
    "\u{202e}x",
    "a\u{0}b",
    "{{x}}",
    "]\n[mcp_servers.x]",
    "# x",
    "a_very_long_name_that_is_cut_by_one_client_at_sixty_three_characters_and_kept_by_others",
];

fn verdict(dice: &mut Dice) -> Verdict {
    let class = *dice.one(&[Class::Read, Class::Read, Class::Write, Class::Execute, Class::Destructive]);
    let risk = *dice.one(&[Risk::Low, Risk::Low, Risk::Medium, Risk::High, Risk::Critical]);
    let signals = match dice.below(6) {
        0 => vec![*dice.one(&SIGNALS)],
        _ => vec![],
    };
    Verdict { class, risk, signals, confidence: 0.9, needs_review: dice.below(12) == 0, evidence: vec![] }
}

fn schema(dice: &mut Dice) -> Value {
    let properties = json!({
        "mode": {"type": "string", "enum": ["a", "b"]},
        "level": {"type": "integer", "enum": [1, 2]},
        "n": {"type": "integer", "maximum": 100},
        "force": {"type": "boolean"},
        "dry_run": {"type": "boolean"},
        "path": {"type": "string"},
    });
    let mut kept = serde_json::Map::new();
    for (name, schema) in properties.as_object().unwrap() {
        if dice.below(3) == 0 {
            kept.insert(name.clone(), schema.clone());
        }
    }
    let required: Vec<String> = kept.keys().filter(|_| dice.below(3) == 0).cloned().collect();
    json!({"type": "object", "properties": kept, "required": required})
}

fn arguments(dice: &mut Dice) -> Value {
    let mut chosen = serde_json::Map::new();
    let some = [
        ("mode", [json!("a"), json!("c"), json!(null)]),
        ("level", [json!(1), json!("1"), json!(3)]),
        ("n", [json!(100), json!(101), json!("7")]),
        ("force", [json!(false), json!(true), json!("false")]),
        ("dry_run", [json!(true), json!(false), json!("true")]),
        ("path", [json!("/tmp/x"), json!(""), json!({"a": 1})]),
    ];
    for (name, values) in some {
        if dice.below(2) == 0 {
            chosen.insert(name.to_owned(), dice.one(&values).clone());
        }
    }
    Value::Object(chosen)
}

/// The cases, and the policies of their servers in each tier.
pub(crate) fn two_thousand() -> (Vec<Case>, Vec<PolicySet>) {
    let numbers = Numbers::load(&Folder::Rules.files(None).unwrap()).unwrap();
    let mut dice = Dice(7);
    let mut cases = Vec::new();
    let mut sets: Vec<PolicySet> = Tier::ALL.map(|tier| PolicySet { tier, servers: vec![] }).into();
    for server in 0..SERVERS {
        let key = format!("server-{server:02}");
        let mut tools: Vec<(ToolDefinition, Verdict)> = Vec::new();
        while tools.len() < TOOLS {
            let name = match dice.below(2) {
                0 => format!("{}_{}", dice.one(VERBS), dice.one(NOUNS)),
                _ => (*dice.one(ODD)).to_owned(),
            };
            if tools.iter().any(|(t, _)| t.name() == name) {
                continue;
            }
            let text = json!({"name": name, "description": "Made up.", "inputSchema": schema(&mut dice)});
            tools.push((ToolDefinition::from_json(&text.to_string()).unwrap(), verdict(&mut dice)));
        }
        for (tool, _) in &tools {
            for _ in 0..ARGUMENTS {
                let arguments = arguments(&mut dice);
                cases.push(Case { key: key.clone(), tool: tool.name().to_owned(), arguments });
            }
        }
        let name = ServerKey::npm(&key).unwrap();
        for set in &mut sets {
            let judged = tools.iter().map(|(definition, verdict)| Judged { definition, verdict });
            let policy = policy_for_server(&name, "1.0.0", judged, &numbers, set.tier);
            set.servers.push(Keyed { key: key.clone(), policy });
        }
    }
    assert_eq!(cases.len(), SERVERS * TOOLS * ARGUMENTS);
    (cases, sets)
}
