//! Standard output and error of the program over a catalogue of naughty texts: no control byte, one record a line.

use std::path::Path;
use std::process::{Command, Stdio};

use catalogue::export::EXPORTERS;

use crate::{chosen, site};

/// Texts in the catalogue: every command reads all of it.
const TEXTS: usize = 400;

struct Said {
    out: String,
    log: String,
}

fn run(db: &Path, args: &[&str]) -> Said {
    #[expect(clippy::disallowed_methods, reason = "a test starts the program")]
    let output = Command::new(env!("CARGO_BIN_EXE_catalogue"))
        .args(["-vv", "--db"])
        .arg(db)
        .args(args)
        .current_dir(db.parent().unwrap())
        .env("CATALOGUE_VAR", db.parent().unwrap())
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert!(output.status.code().is_some_and(|code| code < 100), "{args:?}: {output:?}");
    let said = Said {
        out: String::from_utf8(output.stdout).unwrap(),
        log: String::from_utf8(output.stderr).unwrap(),
    };
    for (stream, text) in [("output", &said.out), ("error", &said.log)] {
        for line in text.lines() {
            let bad = line.chars().find(|c| {
                (c.is_control() && *c != '\t') || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{2028}' | '\u{2029}')
            });
            assert!(bad.is_none(), "{args:?}, standard {stream}: {bad:?} in {line:?}");
        }
    }
    said
}

#[test]
fn no_command_writes_a_control_byte_and_each_record_is_a_line() {
    let mut texts: Vec<String> = crate::naughty::PAYLOADS.iter().map(|t| (*t).to_owned()).collect();
    let more = chosen();
    let missing = TEXTS.saturating_sub(texts.len());
    texts.extend(more.iter().step_by((more.len() / missing.max(1)).max(1)).take(missing).cloned());
    let folder = tempfile::tempdir().unwrap();
    let db = folder.path().join("var/catalogue.db");
    site::seed(&db, &texts);
    // A server with escapes in the name of its tool.
    let escapes = texts.iter().position(|text| text.starts_with('\u{1b}')).unwrap();
    let server = site::key(escapes);
    let (server, name) = (server.as_str(), site::name(escapes, &texts[escapes]));
    let file = folder.path().join("tool.json");
    let tool = serde_json::json!({"name": "a\u{1b}[2J\u{202e}", "description": texts.join(" ").chars().take(5_000).collect::<String>()});
    std::fs::write(&file, tool.to_string()).unwrap();
    let policy = folder.path().join("policy.yaml");
    std::fs::write(
        &policy,
        format!("version: \"1\"\ntools:\n  \"\\x1b[2J\": {{\"{}\": 1}}\n\u{85}x", "\\u202e"),
    )
    .unwrap();
    let (file, policy) = (file.to_str().unwrap(), policy.to_str().unwrap());
    let plain: &[&[&str]] = &[
        &["review", "--all", "--limit", "1000"],
        &["review", "--expired"],
        &["review", "show", server, &name],
        &["explain", server, &name],
        &["explain", server, "no\u{1b}[2J\u{202e}such"],
        &["explain", "npm:no\u{1b}[2Jserver", "x"],
        &["explain", "--input", file],
        &["explain", "--input", "no\u{1b}[31mfile"],
        &["identity"],
        &["identity", server],
        &["sources"],
        &["scan", "--dry-run", "npm:\u{1b}[31m"],
        &["policy", "validate", policy],
        &["policy", "explain", policy, "\u{1b}[2J"],
        &["policy", "diff", policy, policy],
        &["build", "--out", "site"],
        &["review", "accept", server, &name, "--who", "a\u{1b}b", "--why", "c\u{202e}d"],
        &["review", "show", server, &name],
    ];
    let mut bytes = 0;
    for args in plain {
        let said = run(&db, args);
        bytes += said.out.len() + said.log.len();
    }
    for args in [
        &["review", "--all", "--limit", "1000", "--json"][..],
        &["explain", server, &name, "--json"],
        &["identity", "--json"],
        &["sources", "--json"],
        &["policy", "validate", policy, "--json"],
        &["explain", "--input", file, "--json"],
    ] {
        let said = run(&db, args);
        bytes += said.out.len();
        for line in said.out.lines() {
            assert!(serde_json::from_str::<serde_json::Value>(line).is_ok(), "{args:?}: {line}");
        }
        assert!(!said.out.is_empty() || args[0] == "identity", "{args:?}: {}", said.log);
    }
    for format in EXPORTERS {
        let said = run(&db, &["policy", "export", server, "--format", format.id]);
        assert!(!said.out.is_empty(), "{}: {}", format.id, said.log);
        bytes += said.out.len();
    }
    println!(
        "browser: {} commands over {} texts wrote {bytes} bytes, none of them a control byte",
        plain.len() + 6 + EXPORTERS.len(),
        texts.len()
    );
}
