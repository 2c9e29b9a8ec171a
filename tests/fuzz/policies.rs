//! Policies of any names, in every format: what is written reads back and decides as meant, and no text at all harms a reader.

use catalogue::export::{EXPORTERS, ExportError, Exporter, Wishes, exporter, guess};
use catalogue::model::text::is_unprintable;
use catalogue::model::{Class, Risk, ServerKey};
use catalogue::policy::{Keyed, PolicySet, Rule, ServerPolicy, Tier, ToolPolicy, Window};

use crate::random::Random;
use crate::runner::number_of;

pub(crate) const WORDS: &[&str] = &[
    "allow", "deny", "default", "tools", "*", "mcp__", "__", "\"", "\\", ": ", "\n", "{", "}", "[", "]", "#",
    "'", "=", ",", "&a ", "*a", "- ", "!!", "<<", "\u{1}", "\u{2}", "\u{3}",
];

/// Names, each ended by U+0001; then a byte that says what the rest is for.
pub(crate) fn generate(random: &mut Random) -> Vec<u8> {
    let mut bytes =
        vec![b'0' + u8::try_from(random.below(10)).unwrap(), b'0' + u8::try_from(random.below(10)).unwrap()];
    if bytes[0] == b'9' {
        // A document of a format, for mutation.
        let format = &EXPORTERS[random.below(EXPORTERS.len())];
        let names: Vec<String> = (0..1 + random.below(3)).map(|_| random.text()).collect();
        let document = format.document(&set(&names, 1, "server"), Wishes::default());
        bytes.extend(document.map(|d| d.text).unwrap_or_default().bytes());
        return bytes;
    }
    for _ in 0..1 + random.below(5) {
        bytes.extend(random.text().bytes());
        bytes.push(1);
    }
    bytes
}

fn set(names: &[String], variant: usize, key: &str) -> PolicySet {
    let rules = [
        Rule::Allow,
        Rule::Deny,
        Rule::Hide,
        Rule::Ask,
        Rule::Limit { max: 3, window: Window::Minute },
        Rule::Limit { max: 100, window: Window::Day },
    ];
    let mut names = names.to_vec();
    names.sort();
    names.dedup();
    let of = |(i, name): (usize, &String)| {
        let at = (i + variant) % rules.len();
        let mut tool = ToolPolicy::plain(name, Class::ALL[at % 4], Risk::ALL[at % 4], rules[at]);
        tool.reason = format!("because of {name}");
        tool
    };
    let policy = ServerPolicy {
        server: ServerKey::npm("made-up").unwrap(),
        release: names.first().cloned().unwrap_or_default(),
        default: if variant.is_multiple_of(2) { Rule::Deny } else { Rule::Ask },
        tools: names.iter().enumerate().map(of).collect(),
    };
    let tier = [Tier::Strict, Tier::Recommended, Tier::Permissive][variant % 3];
    PolicySet { tier, servers: vec![Keyed { key: key.to_owned(), policy }] }
}

pub(crate) fn run(input: &[u8]) -> u64 {
    let text = String::from_utf8_lossy(input);
    let mut letters = text.chars();
    let (Some(what), Some(variant)) = (letters.next(), letters.next()) else { return 0 };
    let rest = letters.as_str();
    if what == '9' {
        return read_anything(rest);
    }
    let names: Vec<String> =
        rest.split('\u{1}').filter(|n| !n.is_empty()).map(str::to_owned).take(8).collect();
    let variant = u32::from(variant) as usize % 12;
    // Once in a while the key is foreign, too.
    let key = if what == '8' { names.first().map_or("server", String::as_str) } else { "server" };
    let set = set(&names, variant, key);
    let mut ends = Vec::new();
    for format in EXPORTERS {
        ends.push(written(format, &set));
    }
    number_of(ends)
}

/// True where a document came of it. The exporter itself reads back what it writes and compares every decision.
fn written(format: &Exporter, set: &PolicySet) -> bool {
    let exported = match format.document(set, Wishes::default()) {
        Ok(exported) => exported,
        // A key that a target cannot address is the caller's to change.
        Err(ExportError::Key { .. } | ExportError::OneServerOnly { .. }) => return false,
        Err(error) => panic!("{error}"),
    };
    let text = &exported.text;
    let plain = |c: char| c == '\n' || (c == '\r' && format.language == "csv") || !is_unprintable(c);
    assert!(text.chars().all(plain), "{}: {text:?}", format.id);
    match format.language {
        "json" => drop(
            serde_json::from_str::<serde_json::Value>(text).unwrap_or_else(|e| panic!("{}: {e}", format.id)),
        ),
        "toml" => drop(toml::from_str::<toml::Table>(text).unwrap_or_else(|e| panic!("{}: {e}", format.id))),
        "yaml" => drop(
            serde_saphyr::from_str::<serde_json::Value>(text)
                .unwrap_or_else(|e| panic!("{}: {e}", format.id)),
        ),
        "csv" => no_formula(text),
        "sh" => {
            let lines: String =
                text.lines().filter(|line| !line.starts_with('#')).map(|line| format!("{line}\n")).collect();
            assert!(shlex::split(&lines).is_some(), "{}: no shell reads {text:?}", format.id);
        }
        other => panic!("{}: nobody here reads {other}", format.id),
    }
    true
}

/// Every cell is quoted, and none begins as a formula, also where blanks are trimmed and full-width signs folded.
fn no_formula(text: &str) {
    let (mut quoted, mut cell) = (false, String::new());
    let mut letters = text.chars().peekable();
    while let Some(c) = letters.next() {
        match c {
            '"' if quoted && letters.next_if_eq(&'"').is_some() => cell.push('"'),
            '"' => quoted = !quoted,
            ',' | '\n' if !quoted => {
                let first = cell.trim_start().chars().next();
                assert!(!first.is_some_and(|c| "=+-@＝＋－＠\t\r".contains(c)), "a formula: {cell:?}");
                cell.clear();
            }
            '\r' if !quoted => {}
            c => {
                assert!(quoted, "{c:?} outside of quotes");
                cell.push(c);
            }
        }
    }
    assert!(!quoted);
}

/// Readers and validators of every format, on what is no policy.
fn read_anything(text: &str) -> u64 {
    let mut ends = Vec::new();
    let guessed = guess(text);
    assert!(exporter(guessed.id).is_some());
    for format in EXPORTERS {
        let findings = (format.validate)(text);
        let reading = (format.read)(text);
        if let Some(reading) = &reading {
            let key = reading.servers.first().map_or("server", String::as_str);
            let decided =
                reading.names.iter().take(4).map(|n| reading.decide(key, &n.name, None).rule.word());
            ends.push((findings.len(), decided.collect::<Vec<_>>()));
        } else {
            ends.push((findings.len(), vec!["unread"]));
        }
    }
    number_of(ends)
}
