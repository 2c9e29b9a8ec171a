//! Policies in the formats of gateways, proxies and clients: one file per format, one table, one strict validator each.
//!
//! A format may be unable to say what the neutral policy asks for. It then says something stricter, never something
//! looser, and [`Exporter::effective`] tells which, so that no page promises more than the document does. Whatever is
//! written is read back and compared with that promise before it leaves this module.

mod intercept;
mod json;
mod node;
mod operators;
mod policylayer;
mod yaml;

use std::collections::BTreeMap;

use serde::Serialize;
use thiserror::Error;

use crate::policy::{Rule, ServerPolicy, ToolPolicy, Window};

/// One target format.
pub struct Exporter {
    /// What people type and addresses hold.
    pub id: &'static str,
    /// What pages call it.
    pub title: &'static str,
    /// The file's usual name.
    pub file_name: &'static str,
    /// `yaml` or `json`, for highlighting.
    pub language: &'static str,
    /// The format can cap calls by time.
    pub limits: bool,
    /// The format can take a tool out of what is offered.
    pub hides: bool,
    /// The format can have a person approve a call.
    pub asks: bool,
    /// Writes a whole document: the tools named, everything else denied.
    ///
    /// One tool makes a whole document too. What is returned has passed [`Exporter::validate`] without an error.
    pub write: fn(&ServerPolicy) -> Result<String, ExportError>,
    /// Every error and warning of a document in this format, in the order of the document.
    pub validate: fn(&str) -> Vec<Finding>,
    effective: fn(&ToolPolicy) -> EffectiveRule,
}

/// Every format, in the order in which pages show them.
pub const EXPORTERS: &[Exporter] = &[policylayer::EXPORTER, intercept::EXPORTER];

/// The format of that id.
pub fn exporter(id: &str) -> Option<&'static Exporter> {
    EXPORTERS.iter().find(|e| e.id == id)
}

/// The format a document seems to be in: JSON is `policylayer`, anything else `intercept`.
pub fn guess(text: &str) -> &'static Exporter {
    let json = text.trim_start_matches('\u{feff}').trim_start().starts_with('{');
    exporter(if json { "policylayer" } else { "intercept" }).expect("both are in the table")
}

impl Exporter {
    /// What a document of this format really does with calls of that tool.
    pub fn effective(&self, policy: &ToolPolicy) -> EffectiveRule {
        (self.effective)(policy)
    }
}

/// What becomes of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case", tag = "action")]
pub enum Action {
    /// It goes through.
    Allowed,
    /// It goes through up to `max` times in a window.
    Limited {
        /// Calls a window.
        max: u32,
        /// The window.
        window: Window,
    },
    /// It is refused; the tool is still listed.
    Denied,
    /// The tool is not listed, and a call is refused.
    Hidden,
}

/// Why a format does what it does with one tool.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reason {
    /// It says exactly what was recommended.
    AsRecommended,
    /// Recommended hidden; this format's document refuses the call and leaves the tool listed.
    DeniedNotHidden,
    /// A person should decide; this format has no approval, so the call is refused until a person changes the rule.
    NoApproval,
    /// A limit was recommended; this format cannot count calls of a tool whose name holds a dot, so it is refused.
    NoLimitOnDottedName,
    /// The name would be a wildcard in this format: it is left out, and the default refuses it.
    WildcardName,
    /// The name is empty or blank: it is left out, and the default refuses it.
    BlankName,
    /// The name is too long for a key of this format: it is left out, and the default refuses it.
    LongName,
}

impl Reason {
    /// Every reason.
    pub const ALL: [Reason; 7] = [
        Reason::AsRecommended,
        Reason::DeniedNotHidden,
        Reason::NoApproval,
        Reason::NoLimitOnDottedName,
        Reason::WildcardName,
        Reason::BlankName,
        Reason::LongName,
    ];

    /// The word that templates choose their sentence by.
    pub fn as_str(self) -> &'static str {
        match self {
            Reason::AsRecommended => "as-recommended",
            Reason::DeniedNotHidden => "denied-not-hidden",
            Reason::NoApproval => "no-approval",
            Reason::NoLimitOnDottedName => "no-limit-on-dotted-name",
            Reason::WildcardName => "wildcard-name",
            Reason::BlankName => "blank-name",
            Reason::LongName => "long-name",
        }
    }
}

/// What a document of one format does with one tool, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct EffectiveRule {
    /// What becomes of a call.
    #[serde(flatten)]
    pub action: Action,
    /// Why.
    pub reason: Reason,
    /// The document names the tool; false where only the default refuses it.
    pub named: bool,
}

impl EffectiveRule {
    fn new(action: Action, reason: Reason) -> Self {
        Self { action, reason, named: true }
    }

    fn left_out(reason: Reason) -> Self {
        Self { action: Action::Denied, reason, named: false }
    }
}

/// What the neutral rule asks for, in the words of a document. Asking is refusing: no format of this table can ask.
fn recommended(rule: Rule) -> EffectiveRule {
    match rule {
        Rule::Allow => EffectiveRule::new(Action::Allowed, Reason::AsRecommended),
        Rule::Limit { max, window } => {
            EffectiveRule::new(Action::Limited { max, window }, Reason::AsRecommended)
        }
        Rule::Hide => EffectiveRule::new(Action::Hidden, Reason::AsRecommended),
        Rule::Ask => EffectiveRule::new(Action::Denied, Reason::NoApproval),
    }
}

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// It loads, and may not mean what was meant.
    Warning,
    /// It does not load, or a part of it is ignored without a word.
    Error,
}

/// One thing wrong with a document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// How bad.
    pub level: Level,
    /// Where in the document: `tools.create_issue.rules[0].rate_limit`. Holds names from the document: foreign text.
    pub path: String,
    /// Line, from 1.
    pub line: Option<usize>,
    /// Column in characters, from 1.
    pub column: Option<usize>,
    /// What is wrong and what would be right. May quote the document: foreign text.
    pub message: String,
}

/// Why no document could be written.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum ExportError {
    /// The policy names a tool twice.
    #[error("policy of {server}: the tool {tool:?} is named twice; make the policy with policy_for_server")]
    Twice {
        /// The server's key.
        server: String,
        /// The tool's name.
        tool: String,
    },
    /// The document, read back, has an error of its own format.
    #[error(
        "policy of {server} in {format}: {path}: {message}; this is a defect of the program, please report it"
    )]
    Invalid {
        /// The server's key.
        server: String,
        /// The format's id.
        format: &'static str,
        /// Where.
        path: String,
        /// What.
        message: String,
    },
    /// The document, read back, decides otherwise than was meant.
    #[error(
        "policy of {server} in {format}: a call of {tool:?} would be {found:?} and not {meant:?}; this is a defect of the program, please report it"
    )]
    Differs {
        /// The server's key.
        server: String,
        /// The format's id.
        format: &'static str,
        /// The tool's name.
        tool: String,
        /// What the document does.
        found: Action,
        /// What it should do.
        meant: Action,
    },
}

/// The decisions of a document: what was named, and the default.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decisions {
    /// For every name the document holds.
    pub named: BTreeMap<String, Action>,
    /// For every other name.
    pub otherwise: Action,
}

impl Decisions {
    /// What becomes of a call of that tool.
    pub fn of(&self, tool: &str) -> Action {
        self.named.get(tool).copied().unwrap_or(self.otherwise)
    }
}

/// The decisions of a document without errors; `None` if it has errors or holds more than these formats' simple rules
/// (conditions on arguments, counters of its own).
pub fn decisions(exporter: &Exporter, text: &str) -> Option<Decisions> {
    match exporter.id {
        "policylayer" => policylayer::decisions(text),
        _ => intercept::decisions(text),
    }
}

/// The tools of a policy by name, each once.
fn by_name(policy: &ServerPolicy) -> Result<BTreeMap<&str, &ToolPolicy>, ExportError> {
    let mut tools = BTreeMap::new();
    for tool in &policy.tools {
        if tools.insert(tool.tool.raw(), tool).is_some() {
            let (server, tool) = (policy.server.to_string(), tool.tool.raw().to_owned());
            return Err(ExportError::Twice { server, tool });
        }
    }
    Ok(tools)
}

/// Reads a document back: no error, nothing allowed by default, every tool decided as promised.
fn read_back(exporter: &Exporter, policy: &ServerPolicy, text: String) -> Result<String, ExportError> {
    let (server, format) = (policy.server.to_string(), exporter.id);
    if let Some(finding) = (exporter.validate)(&text).into_iter().find(|f| f.level == Level::Error) {
        return Err(ExportError::Invalid { server, format, path: finding.path, message: finding.message });
    }
    let Some(found) = decisions(exporter, &text) else {
        let message = "its decisions cannot be read back".to_owned();
        return Err(ExportError::Invalid { server, format, path: String::new(), message });
    };
    let differs = |tool: &str, found, meant| {
        Err(ExportError::Differs { server: server.clone(), format, tool: tool.to_owned(), found, meant })
    };
    if found.otherwise != Action::Denied {
        return differs("", found.otherwise, Action::Denied);
    }
    let mut promised = 0;
    for tool in &policy.tools {
        let meant = exporter.effective(tool);
        let action = found.of(tool.tool.raw());
        if action != meant.action {
            return differs(tool.tool.raw(), action, meant.action);
        }
        promised += usize::from(meant.named);
    }
    if promised != found.named.len() {
        let message = format!("names {} tools and not {promised}", found.named.len());
        return Err(ExportError::Invalid { server, format, path: "tools".to_owned(), message });
    }
    Ok(text)
}

/// What a refused or capped call is told. Our own words only: they go to a model.
mod messages {
    /// A destructive tool.
    pub(super) const DESTRUCTIVE: &str =
        "Denied by policy: this tool removes or moves what cannot be brought back.";
    /// Any other tool that is taken away.
    pub(super) const DENIED: &str = "Denied by policy.";
    /// A tool that nothing is known about.
    pub(super) const ASK: &str =
        "Denied by policy: too little is known about this tool. A person must decide and change the policy.";
    /// A limit that the format cannot count.
    pub(super) const NO_LIMIT: &str = "Denied by policy: this tool should be rate-limited, which the proxy cannot do \
        for a name with a dot. A person must decide and change the policy.";
    /// A limit reached.
    pub(super) const LIMIT: &str = "Rate limit reached. Wait before calling this tool again.";
}
