//! Corrections as a TOML file: read with the place of every fault, written in one order with one spelling.

use std::ops::Range;
use std::path::Path;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use toml::Spanned;

use crate::cli::scan::targets::FileError;
use crate::model::text::line_and_column;
use crate::model::{Class, DefinitionHash, Risk, ServerKey, Signal, Untrusted};
use crate::store::Override;

/// Faults that are named before the rest is only counted.
const NAMED: usize = 10;
/// Longest name of a tool, of a person, and longest reason.
const MAX_CHARS: usize = 4_000;

/// Stands at the top of every file that is written.
const HEADER: &str = "\
# Corrections by people, written by `catalogue review export`, read by every command that shows or stores verdicts.
# One [[override]] for each tool as one definition describes it; when the definition changes, the entry has expired.
#
# [[override]]
# server = \"npm:NAME\"
# tool = \"the tool's name, exactly\"
# definition = \"64 hex digits: what catalogue review show SERVER TOOL calls the definition\"
# class = \"read, write, execute or destructive; left out: as the rules say\"
# risk = \"low, medium, high or critical; left out: what follows from class and signals\"
# signals = [\"all of them\", \"none: []\"]   # left out: as the rules say
# who = \"a name\"
# why = \"a sentence\"
# made_at = \"2026-03-01T12:00:00Z\"   # of two that speak of the same definition the newer one is in force
";

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    #[serde(default, rename = "override")]
    entries: Vec<Spanned<Entry>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    server: Spanned<String>,
    tool: Spanned<String>,
    definition: Spanned<String>,
    class: Option<Spanned<String>>,
    risk: Option<Spanned<String>>,
    signals: Option<Vec<Spanned<String>>>,
    who: Spanned<String>,
    why: Spanned<String>,
    made_at: Spanned<String>,
}

/// One entry as it is written; the order of the fields is the order in the file.
#[derive(Debug, Serialize)]
struct Written<'a> {
    server: String,
    tool: &'a str,
    definition: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    class: Option<Class>,
    #[serde(skip_serializing_if = "Option::is_none")]
    risk: Option<Risk>,
    #[serde(skip_serializing_if = "Option::is_none")]
    signals: Option<&'a [Signal]>,
    who: &'a str,
    why: &'a str,
    made_at: String,
}

#[derive(Debug, Serialize)]
struct WrittenDocument<'a> {
    #[serde(rename = "override")]
    entries: Vec<Written<'a>>,
}

/// A fault and the bytes it is about.
type Fault = (Range<usize>, String);

/// Reads a file; `path` is for messages only.
///
/// # Errors
/// [`FileError::Malformed`] with line and column; of faults in the entries all that are worth naming, one a line.
pub(in crate::cli) fn parse(bytes: &[u8], path: &Path) -> Result<Vec<Override>, FileError> {
    let malformed = |text: &str, at: usize, message: String| {
        let (line, column) = line_and_column(text, at);
        FileError::Malformed { path: path.to_owned(), line, column, message }
    };
    let text = std::str::from_utf8(bytes).map_err(|e| {
        let good = String::from_utf8_lossy(bytes.get(..e.valid_up_to()).unwrap_or_default()).into_owned();
        malformed(&good, good.len(), "not UTF-8 from here on; save the file as UTF-8".to_owned())
    })?;
    let document: Document = toml::from_str(text).map_err(|e| {
        let message = e.message().lines().next().unwrap_or("malformed").to_owned();
        malformed(text, e.span().map_or(0, |span| span.start), message)
    })?;
    let (mut read, mut faults) = (Vec::new(), Vec::new());
    for entry in document.entries {
        match correction(entry) {
            Ok(correction) => read.push(correction),
            Err(fault) => faults.push(fault),
        }
    }
    let Some(((first, message), others)) = faults.split_first() else { return Ok(read) };
    let mut message = message.clone();
    for (span, other) in others.iter().take(NAMED - 1) {
        let (line, column) = line_and_column(text, span.start);
        message.push_str(&format!("\n{}:{line}:{column}: {other}", path.display()));
    }
    if others.len() >= NAMED {
        message.push_str(&format!("\nand {} more", others.len() + 1 - NAMED));
    }
    Err(malformed(text, first.start, message))
}

/// The file that holds these corrections: sorted by server, tool and definition, whatever order they come in.
///
/// # Errors
/// None in practice: every value is a string or a list of strings.
pub(in crate::cli) fn write(corrections: &[Override]) -> Result<String, toml::ser::Error> {
    let mut entries: Vec<Written<'_>> = corrections
        .iter()
        .map(|said| Written {
            server: said.server.to_string(),
            tool: &said.tool,
            definition: said.definition.as_str(),
            class: said.class,
            risk: said.risk,
            signals: said.signals.as_deref(),
            who: &said.who,
            why: &said.why,
            made_at: format!("{:.3}", said.made_at),
        })
        .collect();
    entries.sort_by(|a, b| (&a.server, a.tool, a.definition).cmp(&(&b.server, b.tool, b.definition)));
    if entries.is_empty() {
        return Ok(HEADER.to_owned());
    }
    Ok(format!("{HEADER}\n{}", toml::to_string(&WrittenDocument { entries })?))
}

fn correction(entry: Spanned<Entry>) -> Result<Override, Fault> {
    let whole = entry.span();
    let entry = entry.into_inner();
    let signals = entry.signals.map(|words| words.iter().map(word::<Signal>).collect()).transpose()?;
    let signals = signals.map(|mut signals: Vec<Signal>| {
        signals.sort_unstable();
        signals.dedup();
        signals
    });
    let said = Override {
        server: parsed::<ServerKey>(&entry.server, |why| why)?,
        tool: bounded(&entry.tool, "tool")?,
        definition: definition(&entry.definition)?,
        class: entry.class.as_ref().map(word).transpose()?,
        risk: entry.risk.as_ref().map(word).transpose()?,
        signals,
        who: bounded(&entry.who, "who")?,
        why: bounded(&entry.why, "why")?,
        made_at: parsed::<Timestamp>(&entry.made_at, |_| {
            "made_at: a time such as \"2026-03-01T12:00:00Z\"".to_owned()
        })?,
    };
    if said.takes_back() {
        return Err((
            whole,
            "an [[override]] states class, risk or signals; this one says nothing".to_owned(),
        ));
    }
    Ok(said)
}

/// A word of a closed list; the message names the list.
fn word<T>(text: &Spanned<String>) -> Result<T, Fault>
where
    T: std::str::FromStr<Err = String>,
{
    parsed(text, |why| format!("{why}; words are written in small letters, docs/DATABASE.md lists them"))
}

fn parsed<T>(text: &Spanned<String>, message: impl Fn(String) -> String) -> Result<T, Fault>
where
    T: std::str::FromStr,
    T::Err: ToString,
{
    text.get_ref()
        .parse()
        .map_err(|e: T::Err| (text.span(), message(Untrusted::new(e.to_string()).for_terminal(300))))
}

fn bounded(text: &Spanned<String>, name: &str) -> Result<String, Fault> {
    let length = text.get_ref().chars().count();
    if name != "tool" && text.get_ref().trim().is_empty() {
        return Err((text.span(), format!("{name}: a correction says who made it and why")));
    }
    if length > MAX_CHARS {
        return Err((text.span(), format!("{name}: {length} characters, more than {MAX_CHARS}")));
    }
    Ok(text.get_ref().clone())
}

fn definition(text: &Spanned<String>) -> Result<DefinitionHash, Fault> {
    let hex = text.get_ref();
    if hex.len() != 64 || !hex.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')) {
        let message =
            "definition: 64 hex digits in small letters; catalogue review show SERVER TOOL prints them";
        return Err((text.span(), message.to_owned()));
    }
    Ok(DefinitionHash::stored(hex.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(server: &str, tool: &str, rest: &str) -> String {
        format!(
            "[[override]]\nserver = \"{server}\"\ntool = {}\ndefinition = \"{}\"\n{rest}\nwho = \"a reader\"\nwhy = \"it is so\"\nmade_at = \"2026-03-01T13:00:00+01:00\"\n",
            toml::Value::from(tool),
            "ab".repeat(32)
        )
    }

    fn read(text: &str) -> Result<Vec<Override>, String> {
        parse(text.as_bytes(), Path::new("o.toml")).map_err(|e| e.to_string())
    }

    #[test]
    fn what_is_written_reads_back_in_one_order() {
        let text = entry("pypi:b", "z", "signals = [\"bulk\", \"financial\", \"bulk\"]")
            + &entry("npm:a", "quote \" \\ \u{1b} 書\n", "class = \"write\"\nrisk = \"high\"")
            + &entry("npm:a", "b", "signals = []");
        let mut read_in = read(&text).unwrap();
        let written = write(&read_in).unwrap();
        assert!(written.contains("made_at = \"2026-03-01T12:00:00.000Z\""), "{written}");
        assert!(written.contains("signals = [\"financial\", \"bulk\"]"), "{written}");
        read_in.sort();
        let mut again = read(&written).unwrap();
        assert_eq!(write(&again).unwrap(), written);
        again.sort();
        assert_eq!(again, read_in);
        assert!(read(&write(&[]).unwrap()).unwrap().is_empty());
    }

    #[test]
    fn every_bad_entry_is_named_with_its_line_and_column() {
        let good = entry("npm:a", "b", "class = \"read\"");
        for (bad, place, says) in [
            (entry("npm:a", "b", "class = \"Write\""), "o.toml:14:9:", "\"Write\" is no Class"),
            (entry("npm:a", "b", "signals = [\"bulk\", \"loud\"]"), "o.toml:14:20:", "\"loud\" is no Signal"),
            (entry("ftp:a", "b", "risk = \"low\""), "o.toml:11:10:", "no server key"),
            (entry("npm:a", "b", ""), "o.toml:10:1:", "says nothing"),
            (entry("npm:a", "b", "klass = \"read\""), "o.toml:14:1:", "unknown field `klass`"),
            (entry("npm:a", "b", "class = 1"), "o.toml:14:9:", "invalid type"),
            (good.replace("abab", "ABAB"), "o.toml:13:14:", "64 hex digits"),
            (good.replace("2026-03-01T13", "yesterday"), "o.toml:17:11:", "made_at"),
            (good.replace("it is so", " "), "o.toml:16:7:", "who made it and why"),
            ("[[overide]]\n".to_owned(), "o.toml:10:3:", "unknown field"),
        ] {
            let error = read(&format!("{good}\n{bad}")).unwrap_err();
            assert!(error.starts_with(place) && error.contains(says), "{error}");
        }
        let three = good.replace("\"read\"", "\"x\"").repeat(3);
        let error = read(&three).unwrap_err();
        assert_eq!(error.lines().count(), 3, "{error}");
        assert!(error.contains("\no.toml:13:9:"), "{error}");
        assert!(parse(b"[[override]]\nserver = \"\xff\"", Path::new("o.toml")).is_err());
    }
}
