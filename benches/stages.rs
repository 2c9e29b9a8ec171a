//! How long the stages take that run without a network: reading a definition, judging it, storing answers, reading the
//! views, writing policies, building the site. Everything is made up; `docs/PERFORMANCE.md` has the figures.

mod catalogue_of;

use catalogue::assets::Folder;
use catalogue::classify::{RuleBook, RuleSet};
use catalogue::export::{self, EXPORTERS};
use catalogue::model::{ToolDefinition, Verdict};
use catalogue::policy::{Judged, Numbers, ServerPolicy, Tier, policy_for_server};
use catalogue::render::{BuildOptions, BuildReport, build};
use catalogue::store::Store;
use catalogue_of::{answer, definition, filled, store_answer};
use divan::Bencher;
use divan::counter::{BytesCount, ItemsCount};
use rayon::prelude::*;
use tempfile::TempDir;

fn main() {
    divan::main();
}

fn rules() -> RuleSet {
    RuleSet::load(&Folder::Rules.files(None).expect("embedded")).expect("the embedded rules load")
}

fn numbers() -> Numbers {
    Numbers::load(&Folder::Rules.files(None).expect("embedded")).expect("the embedded numbers load")
}

/// A definition with so many parameters, each described.
fn definition_with(parameters: usize) -> String {
    let list: Vec<String> = (0..parameters)
        .map(|n| format!(r#""parameter_{n}":{{"type":"string","description":"What number {n} is for."}}"#))
        .collect();
    format!(
        r#"{{"name":"update_record","description":"Updates a record.","inputSchema":{{"type":"object","properties":{{{}}}}}}}"#,
        list.join(",")
    )
}

#[divan::bench(args = [2, 20, 200])]
fn read_and_hash_a_definition_of_parameters(bencher: Bencher<'_, '_>, parameters: usize) {
    let text = definition_with(parameters);
    bencher.counter(BytesCount::of_str(&text)).bench(|| ToolDefinition::from_json(&text));
}

#[divan::bench]
fn load_the_rules() -> RuleSet {
    rules()
}

#[divan::bench(args = [2, 20, 200])]
fn judge_a_definition_of_parameters(bencher: Bencher<'_, '_>, parameters: usize) {
    let rules = rules();
    let tool = ToolDefinition::from_json(&definition_with(parameters)).expect("a tool");
    bencher.counter(ItemsCount::new(1_usize)).bench(|| rules.judge(&tool));
}

#[divan::bench(sample_count = 10)]
fn judge_two_thousand_definitions_on_all_cores(bencher: Bencher<'_, '_>) {
    let rules = rules();
    let tools: Vec<ToolDefinition> =
        (0..2_000).map(|n| ToolDefinition::from_json(&definition(n / 10, n % 10)).expect("a tool")).collect();
    bencher
        .counter(ItemsCount::new(tools.len()))
        .bench(|| tools.par_iter().map(|tool| rules.judge(tool)).collect::<Vec<Verdict>>());
}

#[divan::bench(sample_count = 50)]
fn store_one_answer_of_twenty_tools(bencher: Bencher<'_, '_>) {
    let folder = tempfile::tempdir().expect("a folder");
    let mut store = Store::open(&folder.path().join("catalogue.db")).expect("a database");
    let mut server = 0;
    bencher.counter(ItemsCount::new(20_usize)).bench_local(|| {
        server += 1;
        store_answer(&mut store, &answer(server, 20));
    });
}

#[divan::bench(args = ["tools_flat", "tools_all", "servers_flat", "review"], sample_count = 10)]
fn read_a_view_of_ten_thousand_tools(bencher: Bencher<'_, '_>, view: &str) {
    let (_folder, store) = filled(500, 20, &rules());
    bencher.counter(ItemsCount::new(10_000_usize)).bench_local(|| {
        let mut statement =
            store.connection().prepare(&format!("SELECT * FROM {view}")).expect("the view is there");
        statement.query_map([], |_| Ok(())).expect("it can be read").count()
    });
}

fn policy_of(tools: usize) -> ServerPolicy {
    let rules = rules();
    let judged: Vec<(ToolDefinition, Verdict)> = (0..tools)
        .map(|n| {
            let tool = ToolDefinition::from_json(&definition(n, n)).expect("a tool");
            let verdict = rules.judge(&tool);
            (tool, verdict)
        })
        .collect();
    let server = "npm:made-up".parse().expect("a key");
    let judged = judged.iter().map(|(definition, verdict)| Judged { definition, verdict });
    policy_for_server(&server, "1.0.0", judged, &numbers(), Tier::Recommended)
}

#[divan::bench(args = ["intercept", "policylayer"])]
fn export_and_check_a_policy_of_fifty_tools(bencher: Bencher<'_, '_>, format: &str) {
    let policy = policy_of(50);
    let exporter = export::exporter(format).expect("a format");
    bencher.counter(ItemsCount::new(50_usize)).bench(|| exporter.document_of(&policy).expect("written"));
}

#[divan::bench]
fn check_policies_of_fifty_tools_in_every_format(bencher: Bencher<'_, '_>) {
    let policy = policy_of(50);
    let texts: Vec<String> = EXPORTERS.iter().map(|e| e.document_of(&policy).expect("written")).collect();
    bencher.bench(|| EXPORTERS.iter().zip(&texts).map(|(e, text)| (e.validate)(text).len()).sum::<usize>());
}

/// A catalogue of 200 servers with 10 tools each, and where its site goes.
struct Site {
    folder: TempDir,
    _store: Store,
    rules: RuleBook,
    numbers: Numbers,
}

impl Site {
    fn new() -> Self {
        let rules = rules();
        let (folder, store) = filled(200, 10, &rules);
        Self { folder, _store: store, rules: rules.into(), numbers: numbers() }
    }

    fn build(&self, name: &str) -> BuildReport {
        let options = BuildOptions {
            out: self.folder.path().join(name),
            base_url: Some("https://catalogue.example/".parse().expect("an address")),
            report: None,
            as_of: None,
            audience: Default::default(),
            templates: Folder::Templates.files(None).expect("embedded"),
            site: Folder::Site.files(None).expect("embedded"),
            data: Folder::Data.files(None).expect("embedded"),
            download: false,
            benchmark: None,
            version: env!("CARGO_PKG_VERSION"),
            twins: Default::default(),
            compression: Default::default(),
            shard: None,
            threads: None,
            fresh: false,
            check: false,
            shelf: Some(self.folder.path().join(format!("{name}.shelf"))),
        };
        let mut db = Store::open_read_only(&self.folder.path().join("catalogue.db")).expect("a database");
        build(&mut db, &self.rules, &self.numbers, &options, &|_, _| {}).expect("built")
    }
}

#[divan::bench(sample_count = 10, sample_size = 1)]
fn build_a_new_site_of_two_thousand_tools(bencher: Bencher<'_, '_>) {
    let site = Site::new();
    let mut round = 0;
    bencher
        .counter(ItemsCount::new(2_000_usize))
        .with_inputs(|| {
            round += 1;
            format!("dist-{round}")
        })
        .bench_local_values(|name| site.build(&name));
}

#[divan::bench(sample_count = 10, sample_size = 1)]
fn build_that_site_again_with_nothing_changed(bencher: Bencher<'_, '_>) {
    let site = Site::new();
    site.build("dist");
    bencher.counter(ItemsCount::new(2_000_usize)).bench_local(|| {
        let again = site.build("dist");
        assert_eq!(again.files_written, 0, "nothing changed");
    });
}
