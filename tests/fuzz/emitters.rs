//! Any text through every writer: pages, JSON, Markdown, terminal. Policies have a target of their own.

use std::cell::RefCell;
use std::time::{Duration, Instant};

use catalogue::assets::Folder;
use catalogue::model::emit::{for_markdown, for_models, for_terminal, json_document, json_line};
use catalogue::model::text::is_unprintable;
use catalogue::model::{Class, Signal, Untrusted};
use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};

use crate::random::Random;
use crate::runner::number_of;

#[path = "../browser/shape.rs"]
mod shape;
#[path = "../browser/site.rs"]
mod site;

type Outline = (String, std::collections::BTreeSet<String>);

/// Texts are put into a site so often, as many as have come.
const SITE_EVERY: Duration = Duration::from_secs(20);
const TEXTS_IN_A_SITE: usize = 24;

thread_local! {
    static WAITING: RefCell<(Vec<String>, Instant)> = RefCell::new((Vec::new(), Instant::now()));
}

pub(crate) fn generate(random: &mut Random) -> Vec<u8> {
    random.text().into_bytes()
}

pub(crate) fn run(input: &[u8]) -> u64 {
    let text = String::from_utf8_lossy(input).into_owned();
    let foreign = Untrusted::new(text.as_str());
    for most in [0, 1, 7, 300] {
        let page = foreign.for_page(most);
        assert!(
            page.chars().count() <= most + 1
                && page.chars().all(|c| c == '\n' || c == '\t' || !is_unprintable(c))
        );
        for line in [foreign.for_page_line(most), foreign.for_terminal(most)] {
            assert!(!line.chars().any(is_unprintable), "{line:?}");
        }
        assert!(foreign.for_page_line(most).chars().count() <= most + 1);
    }
    json(&text);
    let gate = for_terminal(&text, &[]);
    let passes = |c: char| matches!(c, '\n' | '\t' | '\r') || !is_unprintable(c);
    assert!(gate.chars().all(passes) && !gate.replace("\r\n", "").contains('\r'), "{gate:?}");
    markdown(&foreign);
    pages(text.clone());
    number_of((
        text.chars().map(kind).collect::<std::collections::BTreeSet<u8>>(),
        foreign.is_blank(),
        text.len().min(64),
    ))
}

/// A letter's kind, coarsely: ASCII punctuation by itself, everything else by its block.
fn kind(c: char) -> u8 {
    if c.is_ascii_punctuation() { c as u8 } else { 128 + u8::try_from(u32::from(c) >> 14).unwrap_or(127) }
}

fn json(text: &str) {
    let map = serde_json::json!({ text: [text, {"a": text}] });
    for written in [json_line(&map).unwrap(), json_document(&map).unwrap()] {
        assert!(written.chars().all(|c| c == '\n' || !is_unprintable(c)), "{written:?}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&written).unwrap(), map);
    }
    assert_eq!(json_line(&map).unwrap().lines().count(), 1);
}

fn markdown(text: &Untrusted) {
    let written = for_markdown(text, 500);
    assert_eq!(written.lines().count(), 1);
    let events: Vec<_> = Parser::new_ext(&written, Options::all()).collect();
    let whole = text.for_page_line(500);
    if whole.trim().is_empty() {
        assert_eq!(written, "(blank)");
        return;
    }
    let [Event::Start(Tag::Paragraph), Event::Code(code), Event::End(TagEnd::Paragraph)] = events.as_slice()
    else {
        panic!("{events:?}")
    };
    assert_eq!(code.as_ref(), whole.trim());
    let for_model = for_models("x", Class::Read, &[Signal::DescriptionInjection], Some(text));
    assert_eq!(for_model, "`x`: read");
    let name = for_models(text.raw(), Class::Read, &[], None);
    let name = name.strip_prefix('`').and_then(|n| n.strip_suffix("`: read")).unwrap();
    assert!(name.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c)), "{name:?}");
}

/// Every few seconds a whole site of what came, each page beside the page of a harmless text of the same build.
fn pages(text: String) {
    WAITING.with_borrow_mut(|(waiting, since)| {
        waiting.push(text);
        if waiting.len() > TEXTS_IN_A_SITE {
            waiting.remove(0);
        }
        if since.elapsed() < SITE_EVERY {
            return;
        }
        let folder = tempfile::tempdir().unwrap();
        let shapes = |texts: &[String], name: &str| -> Vec<Outline> {
            let place = folder.path().join(name);
            site::seed(&place.join("catalogue.db"), texts);
            site::build(
                &place.join("catalogue.db"),
                &place.join("out"),
                &Folder::Templates.files(None).unwrap(),
            );
            site::pages(&place.join("out"), texts)
                .iter()
                .map(|path| shape::outline(&std::fs::read_to_string(path).unwrap()))
                .collect()
        };
        let twins: Vec<String> = waiting.iter().map(|text| site::twin(text)).collect();
        let (hostile, harmless) = (shapes(waiting, "hostile"), shapes(&twins, "harmless"));
        for ((text, (a, _)), (b, _)) in waiting.iter().zip(&hostile).zip(&harmless) {
            assert!(
                a == b,
                "the page of {text:?} has another shape than with a harmless text: {:#?}",
                shape::difference(a, b)
            );
        }
        waiting.clear();
        *since = Instant::now();
    });
}
