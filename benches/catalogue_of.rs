//! A made-up catalogue: definitions in the usual shapes, answers made of them, and a database full of judged answers.

use catalogue::classify::RuleSet;
use catalogue::model::probe::SCANNER_SCHEMA;
use catalogue::model::{
    DefinitionHash, Outcome, Probe, Release, ReleaseFacts, SandboxLevel, SeenTool, ServerKey, ToolDefinition,
    Transport, Verdict,
};
use catalogue::store::Store;
use jiff::Timestamp;
use tempfile::TempDir;

const VERBS: [(&str, &str); 10] = [
    ("get", "Returns"),
    ("list", "Lists"),
    ("search", "Searches"),
    ("create", "Creates"),
    ("update", "Updates"),
    ("delete", "Permanently deletes"),
    ("run", "Runs"),
    ("send", "Sends"),
    ("export", "Exports"),
    ("restart", "Restarts"),
];
const NOUNS: [&str; 13] = [
    "invoice",
    "document",
    "branch",
    "query",
    "message",
    "container",
    "record",
    "report",
    "calendar event",
    "user",
    "secret",
    "page",
    "job",
];

/// Tool `n` of server `server`: no two are the same definition.
pub(crate) fn definition(server: usize, n: usize) -> String {
    let (verb, says) = VERBS[n % VERBS.len()];
    let noun = NOUNS[(server + n / VERBS.len()) % NOUNS.len()];
    let name = format!("{verb}_{}", noun.replace(' ', "_"));
    let name = if n < VERBS.len() { name } else { format!("{name}_{n}") };
    format!(
        r#"{{"name":"{name}","description":"{says} a {noun} of workspace {server}.\n\nArgs:\n  id: which {noun}\n  dry_run: only say what would happen","inputSchema":{{"type":"object","properties":{{"id":{{"type":"string","description":"Which {noun}."}},"dry_run":{{"type":"boolean","default":false}}}},"required":["id"]}},"annotations":{{"readOnlyHint":{}}}}}"#,
        n % VERBS.len() < 3
    )
}

/// What a server with so many tools answered.
pub(crate) fn answer(server: usize, tools: usize) -> (Release, Probe) {
    let tools = (0..tools).map(|n| {
        let raw = definition(server, n);
        let tool = ToolDefinition::from_json(&raw).expect("a tool");
        SeenTool { hash: tool.hash().clone(), name: tool.name().into(), raw }
    });
    let release = Release {
        server: ServerKey::npm(&format!("made-up-{server}")).expect("a name"),
        version: "1.0.0".to_owned(),
    };
    let probe = Probe {
        outcome: Outcome::Ok,
        detail: "".into(),
        sandbox: SandboxLevel::Bwrap,
        transport: Transport::Stdio,
        started_at: Timestamp::UNIX_EPOCH,
        finished_at: Timestamp::UNIX_EPOCH,
        chosen: None,
        attempts: Vec::new(),
        protocol: None,
        server_info: None,
        capabilities: None,
        instructions: None,
        interpreter: None,
        pages: 1,
        memory_bound: None,
        noise_lines: 0,
        marks: Vec::new(),
        tools: tools.collect(),
        malformed: Vec::new(),
    };
    (release, probe)
}

/// Stores an answer as a scan does.
pub(crate) fn store_answer(store: &mut Store, (release, probe): &(Release, Probe)) {
    let now = probe.started_at;
    let row = store.remember_release(release, &ReleaseFacts::default(), now).expect("stored");
    let open = store.begin_probe(row, SCANNER_SCHEMA, now).expect("stored");
    store.finish_probe(open.id, probe).expect("stored");
}

/// A database of so many servers with so many tools each, all of them judged.
pub(crate) fn filled(servers: usize, tools: usize, rules: &RuleSet) -> (TempDir, Store) {
    let folder = tempfile::tempdir().expect("a folder");
    let mut store = Store::open(&folder.path().join("catalogue.db")).expect("a database");
    for server in 0..servers {
        store_answer(&mut store, &answer(server, tools));
    }
    let verdicts: Vec<(DefinitionHash, Verdict)> = store
        .definitions_without_verdict(rules.hash(), None, usize::MAX)
        .expect("read")
        .into_iter()
        .map(|(hash, text)| (hash, rules.judge(&ToolDefinition::from_json(&text).expect("a tool"))))
        .collect();
    store.add_verdicts(rules.hash(), &verdicts, Timestamp::UNIX_EPOCH).expect("stored");
    store.use_rule_set(rules.hash(), Timestamp::UNIX_EPOCH).expect("stored");
    (folder, store)
}
