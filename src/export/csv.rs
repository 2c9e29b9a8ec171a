//! The neutral form as CSV (RFC 4180), for spreadsheets: one row a tool, one a server's default, one a line of the header.
//!
//! A cell that a spreadsheet would take for a formula begins with an apostrophe, and what is invisible is an escape; both
//! are undone when it is read, so that nothing is lost.

use serde_json::{Map, Value, json};

use super::plan::Plan;
use super::{Can, Exporter, Finding, Form, Level, Reading, any_key, as_degraded, neutral};
use crate::model::text::is_unprintable;
use crate::policy::{PolicySet, Rule};

/// What a document begins with.
pub(super) const FIRST_COLUMN: &str = "\"scope\"";

const COLUMNS: [&str; 15] = [
    "scope",
    "tier",
    "key",
    "server",
    "release",
    "tool",
    "rule",
    "max",
    "window",
    "class",
    "risk",
    "reason",
    "definition",
    "arguments",
    "fill_in",
];

/// The table's entry.
pub(super) const EXPORTER: Exporter = Exporter {
    id: "csv",
    title: "CSV",
    file_name: "policy.csv",
    language: "csv",
    can: Can {
        limit: true,
        ask: true,
        deny: true,
        hide: true,
        arguments: true,
        deny_by_default: true,
        several: true,
    },
    on_pages: false,
    advisory: false,
    strict_refuses: false,
    asking_hides: false,
    believes_hints: false,
    tried_with: "the form of docs/POLICY.md",
    notes: &[],
    form: Form::Raw,
    key_fault: any_key,
    exact: as_degraded,
    write,
    validate,
    read,
};

fn cell(text: &str) -> String {
    let mut out = String::from("\"");
    // Full-width signs and what stands behind blanks count as well: some programs trim and fold before they look.
    let begins = ['=', '+', '-', '@', '\'', '\u{FF1D}', '\u{FF0B}', '\u{FF0D}', '\u{FF20}'];
    if text.trim_start_matches(|c: char| c.is_whitespace() || is_unprintable(c)).starts_with(begins)
        || text.starts_with(['\t', '\r', '\n'])
    {
        out.push('\'');
    }
    for c in text.chars() {
        match c {
            '"' => out.push_str("\"\""),
            '\\' => out.push_str("\\\\"),
            c if is_unprintable(c) => out.push_str(&format!("\\u{{{:x}}}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// The text of a cell; None for an escape that is none.
fn uncell(text: &str) -> Option<String> {
    let text = text.strip_prefix('\'').unwrap_or(text);
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('\\') {
        out.push_str(before);
        if let Some(after) = after.strip_prefix('\\') {
            out.push('\\');
            rest = after;
        } else {
            let (code, after) = after.strip_prefix("u{")?.split_once('}')?;
            out.push(char::from_u32(u32::from_str_radix(code, 16).ok()?)?);
            rest = after;
        }
    }
    out.push_str(rest);
    Some(out)
}

fn row(cells: [&str; 15], out: &mut String) {
    let cells: Vec<String> = cells.iter().map(|text| cell(text)).collect();
    out.push_str(&cells.join(","));
    out.push_str("\r\n");
}

fn numbers(rule: Rule) -> (String, &'static str) {
    match rule {
        Rule::Limit { max, window } => (max.to_string(), window.as_str()),
        _ => (String::new(), ""),
    }
}

fn write(plan: &Plan<'_>) -> String {
    let mut out = String::new();
    row(COLUMNS, &mut out);
    let tier = plan.tier.as_str();
    for line in &plan.header {
        row(["about", tier, "", "", "", "", "", "", "", "", "", line, "", "", ""], &mut out);
    }
    for server in &plan.servers {
        let policy = server.policy;
        let (key, release) = (policy.server.to_string(), policy.release.as_str());
        let (max, window) = numbers(policy.default);
        let cells = [
            "default",
            tier,
            server.key,
            &key,
            release,
            "",
            policy.default.word(),
            &max,
            window,
            "",
            "",
            "",
            "",
            "",
            "",
        ];
        row(cells, &mut out);
        for tool in &policy.tools {
            let (max, window) = numbers(tool.rule);
            let list = |empty: bool, value: Value| if empty { String::new() } else { value.to_string() };
            let arguments = list(tool.arguments.is_empty(), json!(tool.arguments));
            let places = list(tool.places.is_empty(), json!(tool.places));
            let cells = [
                "tool",
                tier,
                server.key,
                &key,
                release,
                tool.tool.raw(),
                tool.rule.word(),
                &max,
                window,
                tool.class.as_str(),
                tool.risk.as_str(),
                &tool.reason,
                &tool.definition,
                &arguments,
                &places,
            ];
            row(cells, &mut out);
        }
    }
    out
}

/// The rows of a document with the lines they begin in.
fn rows(text: &str) -> Result<Vec<(usize, Vec<String>)>, Finding> {
    let (mut rows, mut row, mut value) = (Vec::new(), Vec::new(), String::new());
    let (mut line, mut began, mut quoted) = (1, 1, false);
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        line += usize::from(c == '\n');
        match c {
            '"' if quoted && chars.peek() == Some(&'"') => {
                chars.next();
                value.push('"');
            }
            '"' => quoted = !quoted,
            ',' if !quoted => row.push(std::mem::take(&mut value)),
            '\r' if !quoted && chars.peek() == Some(&'\n') => {}
            '\n' if !quoted => {
                row.push(std::mem::take(&mut value));
                rows.push((began, std::mem::take(&mut row)));
                began = line;
            }
            c => value.push(c),
        }
    }
    if quoted {
        return Err(error(began, "", "a quote is not closed"));
    }
    if !value.is_empty() || !row.is_empty() {
        row.push(value);
        rows.push((began, row));
    }
    Ok(rows)
}

fn error(line: usize, path: &str, message: impl Into<String>) -> Finding {
    Finding {
        level: Level::Error,
        path: path.to_owned(),
        line: Some(line),
        column: Some(1),
        message: message.into(),
    }
}

/// The policy of the rows, through the reader of the neutral form.
fn parse(text: &str) -> Result<(PolicySet, Value), Vec<Finding>> {
    let rows = rows(text).map_err(|finding| vec![finding])?;
    let mut findings = Vec::new();
    if rows.first().is_none_or(|(_, row)| row.iter().ne(COLUMNS.iter())) {
        return Err(vec![error(1, "", format!("the first row must be {}", COLUMNS.join(",")))]);
    }
    let (mut tier, mut header) = (String::from("recommended"), Vec::new());
    let mut servers: Map<String, Value> = Map::new();
    for (line, row) in rows.iter().skip(1) {
        let cells: Option<Vec<String>> = row.iter().map(|text| uncell(text)).collect();
        let Some(cells) = cells.filter(|cells| cells.len() == COLUMNS.len()) else {
            findings.push(error(*line, "", format!("must have {} cells with right escapes", COLUMNS.len())));
            continue;
        };
        let at = |name: &str| {
            let place = COLUMNS.iter().position(|c| *c == name);
            place.and_then(|i| cells.get(i)).map(String::as_str).unwrap_or_default()
        };
        tier = at("tier").to_owned();
        let mut rule = json!({"rule": at("rule")});
        if let (Some(map), true) = (rule.as_object_mut(), at("rule") == "limit") {
            map.insert("max".to_owned(), serde_json::from_str(at("max")).unwrap_or(Value::Null));
            map.insert("window".to_owned(), json!(at("window")));
        }
        match at("scope") {
            "about" => header.push(json!(at("reason"))),
            "default" => {
                let server =
                    json!({"server": at("server"), "release": at("release"), "default": rule, "tools": {}});
                if servers.insert(at("key").to_owned(), server).is_some() {
                    findings.push(error(*line, at("key"), "the key has a default already"));
                }
            }
            "tool" => {
                let tools = servers
                    .get_mut(at("key"))
                    .and_then(|s| s.get_mut("tools"))
                    .and_then(Value::as_object_mut);
                let (Some(tools), Some(entry)) = (tools, rule.as_object_mut()) else {
                    findings.push(error(
                        *line,
                        at("key"),
                        "the server's default must stand before its tools",
                    ));
                    continue;
                };
                for name in ["class", "risk", "reason", "definition"] {
                    entry.insert(name.to_owned(), json!(at(name)));
                }
                for name in ["arguments", "fill_in"] {
                    if !at(name).is_empty() {
                        entry.insert(name.to_owned(), serde_json::from_str(at(name)).unwrap_or(Value::Null));
                    }
                }
                if tools.insert(at("tool").to_owned(), rule).is_some() {
                    findings.push(error(*line, at("tool"), "the tool has a row already"));
                }
            }
            other => findings.push(error(*line, other, "scope must be about, default or tool")),
        }
    }
    if !findings.is_empty() {
        return Err(findings);
    }
    let document = json!({neutral::MARK: 1, "tier": tier, "header": header, "servers": servers});
    // The places in the made-up document are none of this one.
    let unplaced = |f: Finding| Finding { line: None, column: None, ..f };
    match neutral::read(&document.to_string()) {
        Ok((set, _)) => Ok((set, document)),
        Err(findings) => Err(findings.into_iter().map(unplaced).collect()),
    }
}

fn validate(text: &str) -> Vec<Finding> {
    parse(text).err().unwrap_or_default()
}

fn read(text: &str) -> Option<Reading> {
    let (_, document) = parse(text).ok()?;
    let mut reading = (neutral::EXPORTER.read)(&document.to_string())?;
    for name in &mut reading.names {
        (name.line, name.column) = (0, 0);
    }
    Some(reading)
}
