//! The shape of one pattern's file: TOML between `+++` lines, then Markdown.

use serde::{Deserialize, Serialize};

use super::words::words;
use super::{LibraryError, error, from_toml, is_id};
use crate::model::{Class, Signal};

/// Where exposure to a pattern can be seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Level {
    /// In a tool's definition.
    Tool,
    /// In the package, the transport, the login or the history of a server.
    Server,
    /// Only in the set of servers that one client has.
    Session,
}

/// What is true of a server as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ServerTrait {
    /// It is published as a package.
    Package,
    /// It is reached by address, and it answered.
    Remote,
    /// Its name looks like another one's.
    LookAlike,
    /// A definition it listed before is another one now.
    Changed,
    /// Private data, strangers' text and a way out are among its tools.
    Trifecta,
}

/// What is asked of a tool's history.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Changed {
    /// Another definition of this name was stored before.
    Changed,
}

/// One way to be exposed: everything that is named must hold.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Condition {
    /// All of these signals.
    pub signals: Vec<Signal>,
    /// One of these classes.
    pub classes: Vec<Class>,
    /// One of these rules spoke.
    pub rules: Vec<String>,
    /// A finding lies at or below one of these JSON pointers.
    pub places: Vec<String>,
    /// A parameter's name has one of these words, each as `words` gives it: in small letters with a space around it.
    pub parameters: Vec<String>,
    /// Name, title or description has one of these words or phrases, in the same way.
    pub text: Vec<String>,
    /// The tool's history.
    pub definition: Option<Changed>,
    /// The server is so.
    pub server: Option<ServerTrait>,
}

/// What kind of event an incident was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum IncidentKind {
    /// Somebody attacked somebody.
    InTheWild,
    /// Nobody meant it.
    Accident,
    /// It happened, with an unclear cause.
    Incident,
    /// A flaw was published.
    Vulnerability,
    /// Somebody showed that it works.
    Demonstration,
    /// Somebody measured it.
    Study,
    /// It works as it was meant to.
    ByDesign,
}

/// How near to its origin a source was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Evidenced {
    /// The issuing text.
    Source,
    /// A curated public record.
    Record,
    /// Reports of others only.
    Reported,
}

/// One incident with its source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Incident {
    /// `2025`, `2025-09` or `2025-09-26`.
    pub date: String,
    /// What kind of event.
    pub kind: IncidentKind,
    /// How near to its origin the source was read.
    pub evidence: Evidenced,
    /// What happened, in our words.
    pub what: String,
    /// The source's address.
    pub source: String,
}

/// Guidance, no incident.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reading {
    /// Its title.
    pub title: String,
    /// When it came out.
    pub date: String,
    /// Its address.
    pub source: String,
    /// How near to its origin it was read.
    pub evidence: Evidenced,
}

/// One attack pattern.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pattern {
    /// Stands in its address.
    pub id: String,
    /// What it is called.
    pub title: String,
    /// One sentence.
    pub summary: String,
    /// Id of its category.
    pub category: String,
    /// Where exposure can be seen.
    pub level: Level,
    /// Its place where several apply, smallest first.
    pub rank: u32,
    /// Signals that attach it.
    pub signals: Vec<Signal>,
    /// Further signals whose tools it can reach.
    pub also_exposed: Vec<Signal>,
    /// Classes of tools it is about; empty: any.
    pub classes: Vec<Class>,
    /// Ways for a tool to be exposed; one is enough.
    pub attach: Vec<Condition>,
    /// Servers on whose page it stands.
    pub attach_server: Vec<ServerTrait>,
    /// Ids of OWASP's entries; our mapping.
    pub owasp: Vec<String>,
    /// A policy on one tool can stop it.
    pub per_tool: bool,
    /// Why it cannot; empty where it can.
    #[serde(default)]
    pub why_not: String,
    /// What a policy on one tool can do.
    pub stops: String,
    /// Ids of other patterns.
    pub related: Vec<String>,
    /// When the page was last compared with its facts.
    pub reviewed: String,
    /// What happened, newest first.
    pub incidents: Vec<Incident>,
    /// Guidance.
    pub reading: Vec<Reading>,
    /// The page's text: Markdown of our own.
    #[serde(skip)]
    pub body: String,
}

impl Condition {
    /// Nothing but signals is asked for.
    pub fn is_of_signals(&self) -> bool {
        *self == Self { signals: self.signals.clone(), ..Self::default() }
    }
}

impl Pattern {
    pub(super) fn read(file: &str, id: &str, text: &str) -> Result<Self, LibraryError> {
        let front = text.strip_prefix("+++\n").and_then(|rest| rest.split_once("\n+++\n"));
        let (front, body) = front.ok_or_else(|| error(file, "does not begin with TOML between +++ lines"))?;
        let mut pattern: Pattern = from_toml(file, front)?;
        if pattern.id != id || !is_id(id) {
            return Err(error(file, format!("has the id \"{}\"; it must be the file's name", pattern.id)));
        }
        if pattern.attach.contains(&Condition::default()) {
            return Err(error(file, "has an entry in attach that asks for nothing"));
        }
        for condition in &mut pattern.attach {
            for phrase in condition.parameters.iter_mut().chain(&mut condition.text) {
                *phrase = words(phrase, usize::MAX);
            }
        }
        pattern.body = body.trim().to_owned();
        pattern.incidents.sort_by(|a, b| b.date.cmp(&a.date));
        Ok(pattern)
    }
}
