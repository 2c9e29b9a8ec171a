//! Copilot CLI: a script line of flags.
//!
//! Source: research/policy-targets.md section 1.5. The server is raw and the tool mangled, although the help says
//! otherwise; deny beats allow, and there are no wildcards. Only server keys of `[A-Za-z0-9._-]` can be addressed.
//!
//! What no flag names runs unasked if its server calls it read-only (seen in 1.0.102, tests/suite/decisions), and a server
//! may call anything so: there is no asking that could be relied on. What a person should decide is denied.

use std::collections::BTreeSet;

use super::names::COPILOT_LONGEST;
use super::plan::Plan;
use super::{Can, Exporter, Finding, Form, Level, Named, Reading, as_degraded, toml_text};
use crate::policy::{Decided, Rule};

/// The table's entry.
pub(super) const EXPORTER: Exporter = Exporter {
    id: "copilot-cli",
    title: "Copilot CLI",
    file_name: "copilot.sh",
    language: "sh",
    can: Can {
        limit: false,
        ask: false,
        deny: true,
        hide: false,
        arguments: false,
        deny_by_default: false,
        several: true,
    },
    on_pages: false,
    advisory: false,
    strict_refuses: false,
    asking_hides: false,
    believes_hints: true,
    tried_with: "tried with 1.0.102",
    notes: &[
        "Start Copilot through this script; its own arguments go on behind it.",
        "Copilot runs unasked what its server calls read-only: what a person should decide is denied; delete a line to be asked.",
    ],
    form: Form::Copilot,
    key_fault,
    exact: as_degraded,
    write,
    validate,
    read,
};

fn key_fault(key: &str) -> Option<&'static str> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    (key.is_empty() || key.len() > 40 || !key.chars().all(plain))
        .then_some("is not 1 to 40 letters, digits, . _ and -: such a key cannot be addressed")
}

fn write(plan: &Plan<'_>) -> String {
    let flags = |flag: &str, wanted: fn(Rule) -> bool| {
        let names: BTreeSet<&str> = plan.servers.iter().flat_map(|s| s.names_with(wanted)).collect();
        names.into_iter().map(|name| format!("  '--{flag}={name}' \\\n")).collect::<String>()
    };
    // Mangled names and checked keys hold no quote: single quotes are enough for any of them.
    format!(
        "#!/bin/sh\n{}exec copilot \\\n{}{}  \"$@\"\n",
        toml_text::comment(&plan.header),
        flags("deny-tool", |rule| matches!(rule, Rule::Deny | Rule::Hide)),
        flags("allow-tool", |rule| rule == Rule::Allow),
    )
}

struct Flag {
    kind: &'static str,
    value: String,
    line: usize,
}

const FLAGS: [&str; 4] = ["deny-tool", "allow-tool", "excluded-tools", "available-tools"];

fn flags(text: &str) -> (Vec<Flag>, Vec<Finding>) {
    let (mut flags, mut findings) = (Vec::new(), Vec::new());
    let mut error = |line: usize, message: String| {
        findings.push(Finding {
            level: Level::Error,
            path: String::new(),
            line: Some(line),
            column: Some(1),
            message,
        });
    };
    for (i, line) in text.lines().enumerate() {
        let content = line.trim().trim_end_matches('\\').trim();
        if content.is_empty() || content.starts_with('#') {
            continue;
        }
        let Some(words) = shlex::split(content) else {
            error(i + 1, "a quote is not closed".to_owned());
            continue;
        };
        for word in words {
            if matches!(word.as_str(), "exec" | "copilot" | "$@") {
                continue;
            }
            let Some((flag, value)) = word.strip_prefix("--").and_then(|w| w.split_once('=')) else {
                error(
                    i + 1,
                    format!("{word:?} is no flag of a policy; known are {}, each with =", FLAGS.join(", ")),
                );
                continue;
            };
            match FLAGS.iter().find(|f| **f == flag) {
                Some(kind) => flags.push(Flag { kind, value: value.to_owned(), line: i + 1 }),
                None => {
                    error(i + 1, format!("--{flag} is no flag of a policy; known are {}", FLAGS.join(", ")))
                }
            }
        }
    }
    (flags, findings)
}

/// `server(tool)`, or a whole server.
fn parts(value: &str) -> (&str, Option<&str>) {
    match value.split_once('(') {
        Some((server, tool)) => (server, Some(tool.strip_suffix(')').unwrap_or(tool))),
        None => (value, None),
    }
}

fn validate(text: &str) -> Vec<Finding> {
    let (flags, mut findings) = flags(text);
    let denied: BTreeSet<&str> =
        flags.iter().filter(|f| f.kind == "deny-tool").map(|f| f.value.as_str()).collect();
    for flag in flags.iter().filter(|f| f.kind.ends_with("-tool")) {
        let path = format!("--{}={}", flag.kind, flag.value);
        let mut push = |level, message: &str| {
            findings.push(Finding {
                level,
                path: path.clone(),
                line: Some(flag.line),
                column: Some(1),
                message: message.to_owned(),
            });
        };
        let (server, tool) = parts(&flag.value);
        if key_fault(server).is_some() || (tool.is_some() && !flag.value.ends_with(')')) {
            push(Level::Error, "invalid rule format: write server(tool), the server in [A-Za-z0-9._-]");
        }
        if let Some(tool) = tool {
            let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
            if tool.contains('*') {
                push(Level::Error, "never matches: there are no wildcards in a tool");
            } else if !tool.chars().all(plain) {
                push(
                    Level::Error,
                    "never matches: Copilot knows the tool with - for everything outside [A-Za-z0-9_-]",
                );
            } else if server.chars().count() + 1 + tool.chars().count() > COPILOT_LONGEST {
                push(
                    Level::Error,
                    "never matches: names of server and tool are cut at 64 characters together",
                );
            }
        }
        if flag.kind == "allow-tool" && (denied.contains(flag.value.as_str()) || denied.contains(server)) {
            push(Level::Warning, "can never fire: it is denied as well");
        }
        if flag.kind == "allow-tool" && tool.is_none() {
            push(Level::Warning, "also allows tools that the server adds later");
        }
    }
    findings.push(Finding {
        level: Level::Warning,
        path: String::new(),
        line: Some(1),
        column: Some(1),
        message:
            "what no flag names runs unasked if its server calls it read-only; nothing here can say otherwise"
                .to_owned(),
    });
    findings.sort_by_key(|f| (f.line, f.column));
    findings
}

fn read(text: &str) -> Option<Reading> {
    if validate(text).iter().any(|f| f.level == Level::Error) {
        return None;
    }
    let (flags, _) = flags(text);
    if flags.iter().any(|f| !f.kind.ends_with("-tool")) {
        return None;
    }
    let mut sets: [BTreeSet<String>; 2] = Default::default();
    let mut names = Vec::new();
    for flag in flags {
        if parts(&flag.value).1.is_some() {
            let path = format!("--{}", flag.kind);
            names.push(Named { key: None, name: flag.value.clone(), path, line: flag.line, column: 1 });
        }
        let [deny, allow] = &mut sets;
        if flag.kind == "deny-tool" { deny } else { allow }.insert(flag.value);
    }
    let [deny, allow] = sets;
    Some(Reading::new(Vec::new(), names, move |key, tool, _| {
        let name = Form::Copilot.whole(key, tool);
        let named = |set: &BTreeSet<String>| set.contains(&name) || set.contains(key);
        match (named(&deny), named(&allow)) {
            (true, _) => Decided::new(Rule::Deny, format!("--deny-tool={name}")),
            (false, true) => Decided::new(Rule::Allow, format!("--allow-tool={name}")),
            (false, false) => Decided::new(
                Rule::Allow,
                "no flag: the client asks, unless the server calls the tool read-only",
            ),
        }
    }))
}
