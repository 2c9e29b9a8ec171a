//! A catalogue whose every field holds naughty texts, and the harmless twin of it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use catalogue::assets::{Files, Folder};
use catalogue::classify::{RuleBook, RuleSet};
use catalogue::model::declared::{DeclaredBy, DeclaredEntry, DeclaredList};
use catalogue::model::probe::SCANNER_SCHEMA;
use catalogue::model::slug::slug;
use catalogue::model::source::{
    Candidate, Listing, ListingStatus, Next, Obstacle, Page, SourceName, WalkEnd, WalkKind,
};
use catalogue::model::{
    Attempt, Class, Effect, Evidence, MalformedTool, Outcome, Probe, Release, ReleaseFacts, Risk,
    SandboxLevel, SeenTool, Signal, ToolDefinition, Transport, Verdict,
};
use catalogue::policy::Numbers;
use catalogue::render::BuildOptions;
use catalogue::store::{DeclaredRecord, Override, Store, WalkBounds};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

/// Tools of one server; their texts are in its other fields.
const EACH: usize = 2;
/// Between texts that share a tool. No page shows it: controls are taken away.
pub(crate) const BETWEEN: char = '\u{1f}';

/// The same text without the characters that could make markup of it, letter for letter, and as long once it is quoted: there are
/// names that are too long for a format.
pub(crate) fn twin(text: &str) -> String {
    let plain = |c| match c {
        '"' => '\\',
        '<' | '>' | '&' | '\'' | '`' | '{' | '}' | '%' => '^',
        c => c,
    };
    text.chars().map(plain).collect()
}

fn start() -> Timestamp {
    "2026-03-01T12:00:00Z".parse().unwrap()
}

static RULES: LazyLock<RuleBook> =
    LazyLock::new(|| RuleSet::load(&Folder::Rules.files(None).unwrap()).unwrap().into());

fn cut(text: &str, chars: usize) -> String {
    text.chars().take(chars).collect()
}

/// The texts that share a tool.
fn parts(text: &str) -> impl Iterator<Item = &str> {
    text.split(BETWEEN)
}

/// All of them, each cut, for a field that pages cut.
fn joined(texts: &[String], most: usize) -> String {
    let all = texts.iter().flat_map(|text| parts(text));
    all.map(|text| cut(text, most)).collect::<Vec<_>>().join(" ")
}

/// A tool that says the text in every field. Its name has a number behind it: twins of different texts may be alike.
fn definition(number: usize, text: &str) -> String {
    let mut properties = serde_json::Map::new();
    for (i, text) in parts(text).enumerate() {
        let parameter = json!({"type": text, "description": text, "enum": [text, 1, null], "default": text});
        // Parameters are listed by name: a number first, so that a twin has the same order.
        properties.insert(format!("a{i} {text}"), parameter);
        let deep = json!({"type": "array", "items": {"type": [text, "null"]}, "default": {text: [text]}});
        properties.insert(format!("z {i} {text}"), deep);
    }
    json!({
        "name": name(number, text), "title": text, "description": text,
        "annotations": {"title": text, "readOnlyHint": true, "destructiveHint": number.is_multiple_of(2)},
        "inputSchema": {"type": "object", "required": [text], "description": text, "properties": properties},
        "outputSchema": {"description": text}, "icons": [{"src": text}], "_meta": {text: text},
    })
    .to_string()
}

pub(crate) fn name(number: usize, text: &str) -> String {
    format!("{text} {number}")
}

fn verdict(number: usize, text: &str) -> Verdict {
    let class = Class::ALL[number % 4];
    let spoken = |field: &str, signal: Option<Signal>| {
        let most = text.chars().count();
        let effect = Effect { class: Some(class), weight: 1.0, signal, ..Effect::default() };
        Evidence {
            rule: "made-up".to_owned(),
            field: field.to_owned(),
            span: (most > 0).then_some([most / 3, most.div_ceil(2).max(1)]),
            text: cut(text, 20),
            effect,
        }
    };
    let first = parts(text).next().unwrap_or_default();
    let within = format!("/inputSchema/properties/a0 {}", first.replace('~', "~0").replace('/', "~1"));
    Verdict {
        class,
        risk: Risk::ALL[number % 4],
        signals: if number.is_multiple_of(3) { Signal::ALL.to_vec() } else { vec![] },
        confidence: [0.95, 0.75, 0.4][number % 3],
        needs_review: number % 3 == 2,
        evidence: vec![
            spoken("/name", None),
            spoken("/description", Some(Signal::Bulk)),
            spoken("/title", None),
            spoken(&within, None),
            spoken(&format!("{within}/description"), None),
        ],
    }
}

/// How it was asked, with the texts in every word of it.
fn attempt(text: &str, outcome: Outcome, log: &str) -> Attempt {
    Attempt {
        rung: "env".to_owned(),
        command: vec!["node".to_owned(), text.to_owned()],
        args: vec![text.to_owned()],
        env: BTreeMap::from([(format!("{text} x"), text.to_owned())]),
        dependencies_as_of: None,
        extras: vec![],
        outcome,
        detail: text.into(),
        tools: 0,
        started_at: start(),
        millis: 400,
        log_tail: log.into(),
    }
}

fn probe(outcome: Outcome, texts: &[String], tools: &[(usize, &String)], at: Timestamp) -> Probe {
    let all: Vec<&str> = texts.iter().flat_map(|text| parts(text)).collect();
    let some = |i: usize| all[i % all.len()].to_owned();
    let log = all.join("\n");
    let answered = outcome == Outcome::Ok;
    let seen = |(number, text): &(usize, &String)| {
        let raw = definition(*number, text);
        let tool = ToolDefinition::from_json(&raw).unwrap();
        SeenTool { hash: tool.hash().clone(), name: tool.name().into(), raw }
    };
    Probe {
        outcome,
        detail: some(0).into(),
        sandbox: SandboxLevel::Bwrap,
        memory_bound: None,
        transport: Transport::Stdio,
        started_at: at,
        finished_at: at + SignedDuration::from_millis(1250),
        chosen: answered.then_some(0),
        attempts: all.iter().map(|text| attempt(text, outcome, &log)).collect(),
        protocol: answered.then(|| some(1)),
        server_info: answered
            .then(|| json!({"name": some(2), "title": some(2), "version": some(3)}).to_string()),
        capabilities: answered.then(|| json!({some(4): some(5)}).to_string()),
        instructions: Some(some(6).into()),
        interpreter: Some(some(7)),
        pages: 2,
        noise_lines: 3,
        marks: vec![],
        tools: tools.iter().map(seen).collect(),
        malformed: vec![MalformedTool { raw: some(5), problem: some(6) }],
    }
}

fn facts(texts: &[String], title: bool) -> ReleaseFacts {
    let (first, last) = (&texts[..1], &texts[texts.len() - 1..]);
    ReleaseFacts {
        published_at: Some(start()),
        title: title.then(|| joined(texts, 30).into()),
        description: Some(joined(first, 36).into()),
        repository: Some(format!("https://h.example/{}", cut(&texts[0], 40))),
        homepage: Some(format!("https://h.example/?{}", cut(&texts[texts.len() - 1], 40))),
        licence: Some(joined(last, 36).into()),
        ..ReleaseFacts::default()
    }
}

fn keep(store: &mut Store, release: &Release, facts: &ReleaseFacts, found: &Probe) {
    let row = store.remember_release(release, facts, found.started_at).unwrap();
    let open = store.begin_probe(row, SCANNER_SCHEMA, found.started_at).unwrap();
    store.finish_probe(open.id, found).unwrap();
}

/// The server that has the tool of that text.
pub(crate) fn key(number: usize) -> String {
    format!("npm:s-{:05}", number / EACH)
}

/// Stores a database with every text in every field.
pub(crate) fn seed(db: &Path, texts: &[String]) {
    std::fs::create_dir_all(db.parent().unwrap()).unwrap();
    let mut store = Store::open(db).unwrap();
    let rules = &*RULES;
    store.use_rule_set(rules.hash(), start()).unwrap();
    let mut verdicts = Vec::new();
    let numbered: Vec<(usize, &String)> = texts.iter().enumerate().collect();
    for (server, tools) in numbered.chunks(EACH).enumerate() {
        let some: Vec<String> = tools.iter().map(|(_, text)| (*text).clone()).collect();
        let at = start() + SignedDuration::from_secs(i64::try_from(server).unwrap());
        let release = Release {
            server: key(tools[0].0).parse().unwrap(),
            version: format!("1.0.0-{}", cut(&some[0], 30)),
        };
        keep(&mut store, &release, &facts(&some, server % 2 == 0), &probe(Outcome::Ok, &some, tools, at));
        for (number, text) in tools {
            let tool = ToolDefinition::from_json(&definition(*number, text)).unwrap();
            verdicts.push((tool.hash().clone(), verdict(*number, text)));
        }
        let (number, text) = tools[0];
        let said = Override {
            server: release.server.clone(),
            tool: name(number, text),
            definition: ToolDefinition::from_json(&definition(number, text)).unwrap().hash().clone(),
            class: Some(Class::Write),
            risk: None,
            signals: None,
            who: format!("{} x", text.replace('\0', "")),
            why: format!("{} x", text.replace('\0', "")),
            made_at: start(),
        };
        store.add_override(&said).unwrap();
        // One that did not answer, and one at an address that somebody chose.
        let outcomes = [Outcome::Crashed, Outcome::NeedsConfig, Outcome::ProtocolError];
        let quiet = probe(outcomes[server % 3], &some, &[], at);
        let release =
            Release { server: format!("pypi:q-{server:05}").parse().unwrap(), version: "1".to_owned() };
        keep(&mut store, &release, &facts(&some, server % 2 == 1), &quiet);
        if server.is_multiple_of(4)
            && let Ok(key) = format!("remote:https://h{server}.example/{}", cut(&some[0], 40)).parse()
        {
            let release = Release { server: key, version: String::new() };
            keep(
                &mut store,
                &release,
                &facts(&some, false),
                &Probe { transport: Transport::StreamableHttp, ..quiet },
            );
        }
    }
    store.add_verdicts(rules.hash(), &verdicts, start()).unwrap();
    declare(&mut store, texts);
}

/// What others declare of servers that were never asked.
fn declare(store: &mut Store, texts: &[String]) {
    let chunks: Vec<(String, &[String])> =
        texts.chunks(EACH * 5).enumerate().map(|(i, chunk)| (format!("oci:x/d-{i:05}"), chunk)).collect();
    let listings: Vec<Listing> = chunks
        .iter()
        .map(|(key, chunk)| Listing {
            name: cut(&chunk[0], 40) + key,
            version: key.clone(),
            status: ListingStatus::Active,
            stamp: Some("1".to_owned()),
            record: Some(
                json!({"server": {"about": {"title": format!("{} x", chunk[0]), "description": joined(chunk, 20)},
                    "source": {"project": chunk[0]}}})
                .to_string(),
            ),
            found: vec![Candidate { key: key.clone(), obstacle: Some(Obstacle::Kind), signs: Vec::new() }],
        })
        .collect();
    let list = |(key, chunk): &(String, &[String])| {
        let all: Vec<&str> = chunk.iter().flat_map(|text| parts(text)).collect();
        let entry = |text: &&str| DeclaredEntry { name: (*text).to_owned(), description: (*text).to_owned() };
        DeclaredList {
            about: key.clone(),
            by: DeclaredBy::File,
            place: chunk[0].clone(),
            hash: "ab".repeat(32),
            grows: true,
            tools: all.iter().map(entry).collect(),
            prompts: all.iter().map(entry).collect(),
        }
    };
    let records: Vec<DeclaredRecord<'_>> = listings
        .iter()
        .zip(&chunks)
        .map(|(l, chunk)| DeclaredRecord { name: &l.name, version: &l.version, lists: vec![list(chunk)] })
        .collect();
    let source = SourceName::Docker;
    store.name_source(source, "file:///made-up", None, start()).unwrap();
    let walk = store.begin_walk(source, WalkKind::Full, None, "1", start()).unwrap();
    store.declare(source, &records, start()).unwrap();
    let page = Page {
        listings,
        unchanged: false,
        etag: None,
        seen: 1,
        malformed: 0,
        must_bring_news: false,
        note: None,
        next: Next::End { by: WalkEnd::AbsentCursor, mark: Some("1".to_owned()) },
    };
    store.add_page(source, &walk, &page, WalkBounds { max_pages: 9, accept_shrink: true }, start()).unwrap();
}

/// The site of a database.
pub(crate) fn build(db: &Path, out: &Path, templates: &Files) {
    let numbers = Numbers::load(&Folder::Rules.files(None).unwrap()).unwrap();
    let options = BuildOptions {
        out: out.to_owned(),
        base_url: Some("https://cat.example/".parse().unwrap()),
        report: None,
        as_of: None,
        audience: Default::default(),
        templates: templates.clone(),
        site: Folder::Site.files(None).unwrap(),
        data: Folder::Data.files(None).unwrap(),
        download: false,
        benchmark: None,
        version: "0.0.0",
        twins: Default::default(),
        compression: Default::default(),
        shard: None,
        threads: None,
        fresh: true,
        check: false,
        shelf: None,
    };
    let mut db = Store::open_read_only(db).unwrap();
    catalogue::render::build(&mut db, &RULES, &numbers, &options, &|_, _| {}).unwrap();
}

/// The page of each text's tool, in the order of the texts.
pub(crate) fn pages(out: &Path, texts: &[String]) -> Vec<PathBuf> {
    let page = |(number, text): (usize, &String)| {
        let key: catalogue::model::ServerKey = key(number).parse().unwrap();
        out.join(key.site_path()).join("tools").join(format!("{}.html", slug(&name(number, text))))
    };
    texts.iter().enumerate().map(page).collect()
}
