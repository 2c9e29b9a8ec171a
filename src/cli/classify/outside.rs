//! `catalogue classify --input`: definitions from outside, one JSON object a line, judged as they stream by.
//!
//! A chunk of lines is read, judged on all cores and written before the next is read, so memory does not grow with the
//! file; what a line says never depends on the lines around it. No database is touched.

use std::collections::BTreeMap;
use std::io::{BufRead, Write};

use rayon::prelude::*;
use serde::Serialize;
use serde_json::Value;
use serde_json::value::RawValue;
use thiserror::Error;

use super::lines::{Line, Lines};
use crate::classify::RuleSet;
use crate::model::emit::json_line;
use crate::model::tool::ToolProblem;
use crate::model::{Class, Evidence, Risk, Signal, ToolDefinition};

/// A chunk ends at the first of these.
const CHUNK_LINES: usize = 1_000;
const CHUNK_BYTES: usize = 1 << 20;

/// The members of a tool that are read; a row's other members are not part of its definition.
const MEMBERS: [&str; 6] = ["name", "title", "description", "inputSchema", "outputSchema", "annotations"];

/// What became of the lines.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    /// Lines that have a verdict.
    pub(super) judged: usize,
    /// Lines that were reported instead.
    pub(super) skipped: usize,
}

/// One line of output.
#[derive(Debug, Serialize)]
struct Row<'a> {
    id: &'a Value,
    server: &'a Value,
    name: &'a str,
    class: Class,
    risk: Risk,
    signals: &'a [Signal],
    confidence: f64,
    needs_review: bool,
    evidence: &'a [Evidence],
}

/// Why a line has no verdict.
#[derive(Debug, Error, PartialEq, Eq)]
pub(in crate::cli) enum LineProblem {
    #[error("longer than {0} bytes; limits.line_bytes of catalogue.toml bounds a line")]
    TooLong(usize),
    #[error("not UTF-8")]
    NotText,
    #[error("not JSON: {0}")]
    NotJson(String),
    #[error("no JSON object")]
    NotAnObject,
    #[error("no name; a tool has a name that is a text and not empty")]
    NoName,
}

impl From<serde_json::Error> for LineProblem {
    fn from(error: serde_json::Error) -> Self {
        Self::NotJson(without_place(&error.to_string()))
    }
}

/// "at line 1 column 9" counts within the line, which people would take for a line of the file.
fn without_place(message: &str) -> String {
    message.split(" at line ").next().unwrap_or(message).to_owned()
}

/// Judges every line of `from` and writes one line each to `out`, in order; `report` hears of those that are skipped.
///
/// # Errors
/// `from` cannot be read or `out` cannot be written.
pub(super) fn judge_lines(
    rules: &RuleSet,
    from: impl BufRead,
    most: usize,
    out: &mut impl Write,
    mut report: impl FnMut(u64, &LineProblem),
) -> std::io::Result<Counts> {
    let mut lines = Lines::new(from, most);
    let mut counts = Counts::default();
    loop {
        let chunk = next_chunk(&mut lines)?;
        if chunk.is_empty() {
            return Ok(counts);
        }
        let judged: Vec<(u64, Result<String, LineProblem>)> = chunk
            .into_par_iter()
            .map(|(number, bytes)| {
                (number, bytes.ok_or(LineProblem::TooLong(most)).and_then(|b| judge_line(rules, &b)))
            })
            .collect();
        for (number, result) in judged {
            match result {
                Ok(row) => {
                    out.write_all(row.as_bytes())?;
                    counts.judged += 1;
                }
                Err(problem) => {
                    report(number, &problem);
                    counts.skipped += 1;
                }
            }
        }
    }
}

fn next_chunk(lines: &mut Lines<impl BufRead>) -> std::io::Result<Vec<Line>> {
    let (mut chunk, mut bytes) = (Vec::new(), 0);
    while chunk.len() < CHUNK_LINES && bytes < CHUNK_BYTES {
        let Some(line) = lines.next().transpose()? else { break };
        bytes += line.1.as_ref().map_or(0, Vec::len);
        chunk.push(line);
    }
    Ok(chunk)
}

/// The verdict on one line, as a line.
fn judge_line(rules: &RuleSet, bytes: &[u8]) -> Result<String, LineProblem> {
    let (tool, mut echoed) = read_row(bytes)?;
    let mut echo = |key| echoed.remove(key).unwrap_or(Value::Null);
    let (id, server) = (echo("id"), echo("server"));
    let verdict = rules.judge(&tool);
    let row = Row {
        id: &id,
        server: &server,
        name: tool.name(),
        class: verdict.class,
        risk: verdict.risk,
        signals: &verdict.signals,
        confidence: verdict.confidence,
        needs_review: verdict.needs_review,
        evidence: &verdict.evidence,
    };
    Ok(json_line(&row)?)
}

/// The definition in a row, and the members that are echoed. A member that is `null` counts as absent: a row written by
/// a program that always writes every column says no more than one that leaves it out.
pub(in crate::cli) fn read_row(
    bytes: &[u8],
) -> Result<(ToolDefinition, BTreeMap<&'static str, Value>), LineProblem> {
    let text = std::str::from_utf8(bytes).map_err(|_| LineProblem::NotText)?;
    let whole: &RawValue = serde_json::from_str(text)?;
    if !whole.get().starts_with('{') {
        return Err(LineProblem::NotAnObject);
    }
    // Of a member that is there twice the last one counts, as everywhere else.
    let members: BTreeMap<String, &RawValue> = serde_json::from_str(whole.get())?;
    let mut object = String::with_capacity(text.len());
    for key in MEMBERS {
        if let Some(value) = members.get(key).filter(|value| value.get() != "null") {
            object.push(if object.is_empty() { '{' } else { ',' });
            object.push_str(&format!("\"{key}\":{}", value.get()));
        }
    }
    object.push_str(if object.is_empty() { "{}" } else { "}" });
    let tool = ToolDefinition::from_json(&object).map_err(|problem| match problem {
        ToolProblem::NotJson(message) => LineProblem::NotJson(without_place(&message)),
        ToolProblem::NotAnObject => LineProblem::NotAnObject,
        ToolProblem::NoName => LineProblem::NoName,
    })?;
    let mut echoed = BTreeMap::new();
    for key in ["id", "server"] {
        if let Some(value) = members.get(key) {
            echoed.insert(key, serde_json::from_str(value.get())?);
        }
    }
    Ok((tool, echoed))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::assets::Folder;

    fn rules() -> RuleSet {
        RuleSet::load(&Folder::Rules.files(None).unwrap()).unwrap()
    }

    fn judge(input: &str, most: usize) -> (Vec<Value>, Vec<(u64, String)>, Counts) {
        let (mut out, mut reports) = (Vec::new(), Vec::new());
        let counts = judge_lines(&rules(), input.as_bytes(), most, &mut out, |number, problem| {
            reports.push((number, problem.to_string()));
        })
        .unwrap();
        let rows = String::from_utf8(out).unwrap();
        (rows.lines().map(|line| serde_json::from_str(line).unwrap()).collect(), reports, counts)
    }

    #[test]
    fn whatever_id_and_server_were_comes_back_and_null_where_they_were_not() {
        let input = [
            r#"{"name":"list_pears"}"#,
            r#"{"id":7,"server":null,"name":"list_pears","extra":{"a":[]},"gold":{"class":"Read"}}"#,
            r#"{"server":["x",{"y":1}],"name":"list_pears","id":{"n":[1.50,"é"]},"title":null,"description":null,"inputSchema":null,"annotations":null}"#,
        ];
        let (rows, reports, counts) = judge(&input.join("\n"), 4096);
        assert_eq!((reports.len(), counts), (0, Counts { judged: 3, skipped: 0 }));
        for (row, (id, server)) in rows.iter().zip([
            (json!(null), json!(null)),
            (json!(7), json!(null)),
            (serde_json::from_str(r#"{"n":[1.50,"é"]}"#).unwrap(), json!(["x", {"y": 1}])),
        ]) {
            assert_eq!((&row["id"], &row["server"]), (&id, &server));
            assert_eq!(row["class"], "read");
            for member in ["name", "class", "risk", "signals", "confidence", "needs_review", "evidence"] {
                assert_eq!(row[member], rows[0][member], "{member}");
            }
        }
    }

    #[test]
    fn a_title_of_null_hides_no_title_of_the_annotations() {
        let with = r#"{"name":"x","title":null,"annotations":{"title":"Delete a pear"}}"#;
        let without = r#"{"name":"x","annotations":{"title":"Delete a pear"}}"#;
        let (rows, _, _) = judge(&[with, without].join("\n"), 4096);
        assert_eq!(rows[0], rows[1]);
        assert_eq!(rows[0]["class"], "destructive");
    }

    #[test]
    fn a_line_that_is_no_tool_is_reported_with_its_number_and_the_rest_goes_on() {
        let long = format!(r#"{{"name":"long","description":"{}"}}"#, "x".repeat(500));
        let deep = format!(r#"{{"name":"deep","inputSchema":{}{}}}"#, "[".repeat(200), "]".repeat(200));
        let input = [
            r#"{"name":"get_pear"}"#,
            "{",
            "",
            "[1]",
            "7",
            r#"{"description":"no name"}"#,
            r#"{"name":""}"#,
            r#"{"name":null}"#,
            &long,
            &deep,
            r#"{"name":"a"} {"name":"b"}"#,
            r#"{"name":"\ud800"}"#,
            r#"{"name":"delete_pear","name":"get_pear"}"#,
        ];
        let (rows, reports, counts) = judge(&input.join("\n"), 450);
        assert_eq!(rows.len(), 2);
        assert_eq!(rows[1]["name"], "get_pear");
        assert_eq!(counts, Counts { judged: 2, skipped: 10 });
        let numbers: Vec<u64> = reports.iter().map(|(number, _)| *number).collect();
        assert_eq!(numbers, [2, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
        for ((_, problem), says) in reports.iter().zip([
            "not JSON",
            "no JSON object",
            "no JSON object",
            "no name",
            "no name",
            "no name",
            "longer than 450 bytes",
            "not JSON",
            "not JSON",
            "not JSON",
        ]) {
            assert!(problem.contains(says) && !problem.contains(" line 1"), "{problem}: {says}");
        }
    }

    #[test]
    fn more_than_a_chunk_keeps_its_order() {
        let input: Vec<String> =
            (0..CHUNK_LINES * 2 + 7).map(|i| format!(r#"{{"id":{i},"name":"get_{i}"}}"#)).collect();
        let (rows, _, _) = judge(&input.join("\n"), 4096);
        assert_eq!(rows.len(), input.len());
        assert!(rows.iter().enumerate().all(|(i, row)| row["id"] == i));
    }
}
