//! A good case and a near miss for every kind of condition, and for the shipped patterns what their fields promise.

use super::*;
use crate::assets::Folder;
use crate::model::{Class, Effect, ToolDefinition};

fn library(attach: &str) -> Library {
    let text = format!(
        "+++\nid = \"x\"\ntitle = \"X\"\nsummary = \"s\"\ncategory = \"c\"\nlevel = \"tool\"\nrank = 1\nsignals = []\n\
         also_exposed = []\nclasses = []\n\
         attach = [{attach}]\nattach_server = [\"remote\"]\nowasp = []\nper_tool = true\nstops = \"s\"\nrelated = []\n\
         reviewed = \"2026-01-01\"\nincidents = []\nreading = []\n+++\nText.\n"
    );
    let categories = "[[category]]\nid = \"c\"\ntitle = \"C\"\nsummary = \"s\"\ntext = \"t\"\n".to_owned();
    let files = [("attacks/x.md", text), ("attack-categories.toml", categories)];
    Library::load(&files.map(|(name, text)| (name.to_owned(), text.into_bytes())).into()).unwrap()
}

struct Tool {
    class: Class,
    signals: Vec<Signal>,
    json: String,
    evidence: Vec<Evidence>,
    changed: bool,
    server: ServerTraits,
}

fn tool() -> Tool {
    let json = r#"{"name":"run_query","description":"Runs it in the web page.","inputSchema":{"properties":{"sqlText":{}}}}"#;
    Tool {
        class: Class::Execute,
        signals: vec![Signal::ArbitraryCode, Signal::Bulk],
        json: json.to_owned(),
        evidence: Vec::new(),
        changed: false,
        server: ServerTraits::default(),
    }
}

fn found(rule: &str, field: &str, signal: Signal) -> Evidence {
    let effect = Effect { signal: Some(signal), ..Effect::default() };
    Evidence { rule: rule.to_owned(), field: field.to_owned(), span: None, text: String::new(), effect }
}

fn attaches(library: &Library, tool: &Tool) -> bool {
    let definition = ToolDefinition::from_json(&tool.json).unwrap();
    let mut exposed = Exposed {
        class: tool.class,
        signals: &tool.signals,
        definition: None,
        changed: tool.changed,
        server: tool.server,
    };
    let (sure, open) = library.look(&exposed);
    let (texts, found) =
        (ToolTexts::of(&definition), tool.evidence.iter().map(Found::from).collect::<Vec<_>>());
    exposed.definition = Some((&texts, &found));
    let (set, still_open) = library.look(&exposed);
    // What is sure without the definition stays so with it, and what the definition adds was open before.
    assert!(!still_open && set.0 & sure.0 == sure.0 && (open || set == sure));
    set != PatternSet::default()
}

#[test]
fn all_signals_are_asked_for_and_one_class() {
    let library = library(r#"{ signals = ["arbitrary-code", "bulk"], classes = ["write", "execute"] }"#);
    assert!(attaches(&library, &tool()));
    assert!(!attaches(&library, &Tool { signals: vec![Signal::ArbitraryCode], ..tool() }));
    assert!(!attaches(&library, &Tool { class: Class::Read, ..tool() }));
}

#[test]
fn one_entry_is_enough() {
    let library = library(r#"{ signals = ["secrets"] }, { classes = ["execute"] }"#);
    assert!(attaches(&library, &tool()));
    assert!(attaches(&library, &Tool { class: Class::Read, signals: vec![Signal::Secrets], ..tool() }));
    assert!(!attaches(&library, &Tool { class: Class::Read, ..tool() }));
}

#[test]
fn one_of_the_rules_must_have_spoken() {
    let library = library(r#"{ rules = ["finding-tag", "finding-secrecy"] }"#);
    let spoken = |rule: &str| Tool { evidence: vec![found(rule, "/description", Signal::Bulk)], ..tool() };
    assert!(attaches(&library, &spoken("finding-secrecy")));
    assert!(!attaches(&library, &spoken("finding-secrecy-2")) && !attaches(&library, &tool()));
}

#[test]
fn a_finding_must_lie_below_the_place() {
    let library = library(r#"{ places = ["/inputSchema"] }"#);
    let at = |field: &str, signal: Signal| Tool { evidence: vec![found("r", field, signal)], ..tool() };
    let injection = Signal::DescriptionInjection;
    assert!(attaches(&library, &at("/inputSchema/properties/a/description", injection)));
    assert!(attaches(&library, &at("/inputSchema", injection)));
    assert!(!attaches(&library, &at("/inputSchemas/x", injection)));
    assert!(!attaches(&library, &at("/description", injection)));
    assert!(
        !attaches(&library, &at("/inputSchema/properties/a", Signal::Secrets)),
        "evidence that is no finding"
    );
}

#[test]
fn a_parameters_name_has_the_word() {
    let library = library(r#"{ parameters = ["sql"] }"#);
    let named = |name: &str| {
        let json = serde_json::json!({"name": "t", "description": "sql", "inputSchema": {"properties": {name: {"description": "sql"}}}});
        Tool { json: json.to_string(), ..tool() }
    };
    for name in ["sql", "SQL", "raw_sql", "sqlText", "query.sql", "a-sql-b"] {
        assert!(attaches(&library, &named(name)), "{name}");
    }
    assert!(!attaches(&library, &named("mysqldump")) && !attaches(&library, &named("text")));
    let odd = Tool { json: r#"{"name":"sql","inputSchema":{"properties":["sql"]}}"#.to_owned(), ..tool() };
    assert!(!attaches(&library, &odd), "a schema that is none has no parameters");
}

#[test]
fn name_title_or_description_has_the_word_or_phrase() {
    let library = library(r#"{ text = ["knowledge graph", "memory"] }"#);
    let with = |name: &str, title: &str, description: &str| {
        let json = serde_json::json!({"name": name, "title": title, "description": description});
        Tool { json: json.to_string(), ..tool() }
    };
    assert!(attaches(&library, &with("store_memory", "", "")));
    assert!(attaches(&library, &with("x", "Memory!", "")));
    assert!(attaches(&library, &with("x", "", "Adds to the Knowledge\nGraph.")));
    assert!(!attaches(&library, &with("x", "memoryless", "knowledge of graphs")));
    assert!(!attaches(&library, &with("knowledge", "graph", "")), "a phrase across two texts is none");
}

#[test]
fn the_definition_must_have_changed() {
    let library = library(r#"{ definition = "changed" }"#);
    assert!(attaches(&library, &Tool { changed: true, ..tool() }));
    assert!(!attaches(&library, &tool()));
}

#[test]
fn the_server_must_be_so() {
    let library = library(r#"{ server = "remote" }"#);
    let with = |one| Tool { server: ServerTraits::default().with(one, true), ..tool() };
    assert!(attaches(&library, &with(ServerTrait::Remote)));
    assert!(!attaches(&library, &with(ServerTrait::Package)) && !attaches(&library, &tool()));
    let on_page = |one| library.of_server(ServerTraits::default().with(one, true)) != PatternSet::default();
    assert!(on_page(ServerTrait::Remote) && !on_page(ServerTrait::Changed));
}

#[test]
fn three_legs_make_the_trifecta_and_two_do_not() {
    use Signal::{Filesystem, NetworkEgress, OutboundMessage, PersonalData, Secrets, UntrustedContent};
    let is = |signals: &[Signal]| ServerTraits::is_trifecta(signals.iter().copied());
    for private in [PersonalData, Secrets, Filesystem] {
        for out in [NetworkEgress, OutboundMessage] {
            assert!(is(&[private, UntrustedContent, out]));
        }
    }
    assert!(!is(&[PersonalData, UntrustedContent]) && !is(&[PersonalData, NetworkEgress]));
    assert!(!is(&[UntrustedContent, NetworkEgress, OutboundMessage]));
}

#[test]
fn the_shipped_patterns_come_by_rank_findings_first() {
    let library = Library::load(&Folder::Data.files(None).unwrap()).unwrap();
    let evidence = [found("finding-secrecy", "/description", Signal::DescriptionInjection)];
    let definition = ToolDefinition::from_json(&tool().json).unwrap();
    let (definition, evidence) = (ToolTexts::of(&definition), evidence.each_ref().map(Found::from));
    let exposed = Exposed {
        class: Class::Execute,
        signals: &[Signal::ArbitraryCode, Signal::DescriptionInjection],
        definition: Some((&definition, &evidence)),
        changed: true,
        server: ServerTraits::default(),
    };
    let shown: Vec<&str> =
        library.in_set(library.of_tool(&exposed)).take(SHOWN).map(|p| p.id.as_str()).collect();
    assert_eq!(shown, ["tool-poisoning", "line-jumping", "rug-pull", "command-injection"]);
    let plain = Exposed { signals: &[], definition: Some((&definition, &[])), changed: false, ..exposed };
    assert_eq!(library.of_tool(&Exposed { class: Class::Read, ..plain }), PatternSet::default());
}

#[test]
fn every_rule_that_a_pattern_names_is_there() {
    let files = Folder::Rules.files(None).unwrap();
    let rules: Vec<_> = files.values().map(|bytes| String::from_utf8_lossy(bytes)).collect();
    let library = Library::load(&Folder::Data.files(None).unwrap()).unwrap();
    for pattern in library.patterns() {
        for rule in pattern.attach.iter().flat_map(|condition| &condition.rules) {
            let id = format!("\nid = \"{rule}\"\n");
            assert!(rules.iter().any(|text| text.contains(&id)), "{}: {rule}", pattern.id);
        }
    }
}
