//! How long the stages take that run without a network: storing, and reading the views, at 10,000 tools.

use catalogue::model::probe::SCANNER_SCHEMA;
use catalogue::model::{
    Class, DefinitionHash, Outcome, Probe, Release, ReleaseFacts, Risk, SandboxLevel, SeenTool, ServerKey,
    ToolDefinition, Transport, Verdict,
};
use catalogue::store::Store;
use divan::Bencher;
use jiff::Timestamp;
use tempfile::TempDir;

const SERVERS: usize = 500;
const TOOLS_EACH: usize = 20;

fn main() {
    divan::main();
}

fn answer(server: usize) -> (Release, Probe) {
    let tools = (0..TOOLS_EACH).map(|n| {
        let raw = format!(
            r#"{{"name":"tool_{n}","description":"Tool {n} of server {server}.","inputSchema":{{"type":"object","properties":{{"path":{{"type":"string"}}}}}}}}"#
        );
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
        noise_lines: 0,
        marks: Vec::new(),
        tools: tools.collect(),
        malformed: Vec::new(),
    };
    (release, probe)
}

fn store_answer(store: &mut Store, (release, probe): &(Release, Probe)) {
    let now = probe.started_at;
    let row = store.remember_release(release, &ReleaseFacts::default(), now).expect("stored");
    let open = store.begin_probe(row, SCANNER_SCHEMA, now).expect("stored");
    store.finish_probe(open.id, probe).expect("stored");
}

fn full() -> (TempDir, Store) {
    let folder = tempfile::tempdir().expect("a folder");
    let mut store = Store::open(&folder.path().join("catalogue.db")).expect("a database");
    for server in 0..SERVERS {
        store_answer(&mut store, &answer(server));
    }
    let verdict = Verdict {
        class: Class::Read,
        risk: Risk::Low,
        signals: Vec::new(),
        confidence: 0.9,
        needs_review: false,
        evidence: Vec::new(),
    };
    let verdicts: Vec<(DefinitionHash, Verdict)> = store
        .definitions_without_verdict("rules")
        .expect("read")
        .into_iter()
        .map(|(hash, _)| (hash, verdict.clone()))
        .collect();
    store.add_verdicts("rules", &verdicts, Timestamp::UNIX_EPOCH).expect("stored");
    store.use_rule_set("rules", Timestamp::UNIX_EPOCH).expect("stored");
    (folder, store)
}

#[divan::bench(sample_count = 50)]
fn store_one_answer_of_twenty_tools(bencher: Bencher<'_, '_>) {
    let folder = tempfile::tempdir().expect("a folder");
    let mut store = Store::open(&folder.path().join("catalogue.db")).expect("a database");
    let mut server = 0;
    bencher.bench_local(|| {
        server += 1;
        store_answer(&mut store, &answer(server));
    });
}

#[divan::bench(args = ["tools_flat", "tools_all", "servers_flat", "review"], sample_count = 10)]
fn read_a_view_of_ten_thousand_tools(bencher: Bencher<'_, '_>, view: &str) {
    let (_folder, store) = full();
    bencher.bench_local(|| {
        let mut statement =
            store.connection().prepare(&format!("SELECT * FROM {view}")).expect("the view is there");
        statement.query_map([], |_| Ok(())).expect("it can be read").count()
    });
}
