//! Policies in the formats of clients, gateways and proxies: one file per format, one table, one strict validator each.
//!
//! A format may be unable to say what the neutral policy asks for. It then says something stricter, never something
//! looser, and [`Exporter::effective`] tells which, so that no page promises more than the document does. Whatever is
//! written is read back by a model of the target's own matching and compared with that promise before it leaves this
//! module.

mod advice;
mod agentgateway;
mod claude_code;
mod codex;
mod copilot_cli;
mod csv;
mod docker;
mod effect;
mod envoy;
mod failure;
mod gemini_cli;
mod intercept;
mod json;
mod kiro;
mod known;
mod messages;
pub mod names;
mod neutral;
mod node;
mod opa;
mod opencode;
mod operators;
mod plan;
mod policylayer;
mod shape;
mod toml_text;
mod toolhive;
mod yaml;

use serde::Serialize;
use serde_json::Value;

use crate::policy::{Decided, Keyed, PolicySet, Rule, ServerPolicy, Tier, ToolPolicy, default_server_key};

pub use effect::{EffectiveRule, Reason};
pub use failure::ExportError;
pub use names::Form;
pub use neutral::read as read_neutral;
pub use opa::MODULE as REGO_MODULE;
pub use plan::{Plan, Planned, PlannedServer, Wishes};

/// What a format can say by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Can {
    /// Cap calls by time.
    pub limit: bool,
    /// Have a person approve a call.
    pub ask: bool,
    /// Refuse a call and leave the tool listed. Where it cannot, what is denied is hidden.
    pub deny: bool,
    /// Take a tool out of what is offered.
    pub hide: bool,
    /// Look into arguments.
    pub arguments: bool,
    /// Refuse what no rule names.
    pub deny_by_default: bool,
    /// Hold several servers in one document.
    pub several: bool,
}

/// One target format.
pub struct Exporter {
    /// What people type and addresses hold.
    pub id: &'static str,
    /// What pages call it.
    pub title: &'static str,
    /// The file's usual name.
    pub file_name: &'static str,
    /// The file's ending, and what pages highlight: `yaml`, `json`, `toml`.
    pub language: &'static str,
    /// What it can say.
    pub can: Can,
    /// Pages show it.
    pub on_pages: bool,
    /// It blocks nothing: the target takes it as advice.
    pub advisory: bool,
    /// In tier strict the document switches to a mode that refuses what would be asked.
    strict_refuses: bool,
    /// What a person should decide is hidden and not denied.
    asking_hides: bool,
    /// What no rule names runs unasked if its server calls it harmless.
    pub believes_hints: bool,
    /// The version of the target that the form was tried with.
    tried_with: &'static str,
    /// Further lines of the header.
    notes: &'static [&'static str],
    /// The form of names that its rules use.
    pub form: Form,
    /// Why a server's key cannot be addressed.
    key_fault: fn(&str) -> Option<&'static str>,
    /// What the format does with one tool, given what degrading made of its rule.
    exact: fn(&str, &ToolPolicy, EffectiveRule) -> EffectiveRule,
    write: fn(&Plan<'_>) -> String,
    /// Every error and warning of a document in this format, in the order of the document.
    pub validate: fn(&str) -> Vec<Finding>,
    /// The document as the target reads it; None if it has errors or holds more than the model here knows.
    pub read: fn(&str) -> Option<Reading>,
}

/// Every format, in the order in which pages show them.
pub const EXPORTERS: &[Exporter] = &[
    policylayer::EXPORTER,
    intercept::EXPORTER,
    claude_code::EXPORTER,
    codex::EXPORTER,
    gemini_cli::EXPORTER,
    opencode::EXPORTER,
    copilot_cli::EXPORTER,
    neutral::EXPORTER,
    csv::EXPORTER,
    opa::EXPORTER,
    toolhive::EXPORTER,
    docker::EXPORTER,
    envoy::EXPORTER,
    agentgateway::EXPORTER,
    kiro::EXPORTER,
    advice::CURSOR,
    advice::VSCODE,
];

/// The format of that id.
pub fn exporter(id: &str) -> Option<&'static Exporter> {
    EXPORTERS.iter().find(|e| e.id == id)
}

/// The format a document seems to be in, by the keys it begins with.
pub fn guess(text: &str) -> &'static Exporter {
    let text = text.trim_start_matches('\u{feff}').trim_start();
    let has = |key: &str| text.contains(&format!("\"{key}\""));
    let id = if text.starts_with("#!") {
        "copilot-cli"
    } else if text.starts_with('{') {
        match () {
            () if has(neutral::MARK) => "json",
            () if has("permissions") => "claude-code",
            () if has("permission") => "opencode",
            () if has(opa::MARK) => "opa",
            () if has("mcpServers") => "kiro",
            () if has("mcpAllowlist") => "cursor",
            () if has("chat.tools.eligibleForAutoApproval") => "vscode",
            () => "policylayer",
        }
    } else if text.lines().any(|l| l.starts_with("[[rule")) {
        "gemini-cli"
    } else if text.lines().any(|l| l.starts_with("[mcp_servers")) {
        "codex"
    } else if text.starts_with(csv::FIRST_COLUMN) {
        "csv"
    } else if text.contains("cedarv1") {
        "toolhive"
    } else if text.contains("mcpAuthorization:") {
        "agentgateway"
    } else if text.contains("toolSelector:") {
        "envoy"
    } else if !text
        .lines()
        .any(|l| l.starts_with("version:") || l.starts_with("tools:") || l.starts_with("default:"))
        && text.starts_with("# Policy made by catalogue")
    {
        "docker"
    } else {
        "intercept"
    };
    exporter(id).expect("every guess is in the table")
}

impl Exporter {
    /// What a document of this format in tier recommended really does with calls of that tool, taken by itself.
    pub fn effective(&self, policy: &ToolPolicy) -> EffectiveRule {
        self.effective_in(policy, Tier::Recommended)
    }

    /// The same of a document in another tier.
    pub fn effective_in(&self, policy: &ToolPolicy, tier: Tier) -> EffectiveRule {
        self.effective_for("server", policy, tier, Wishes::default())
    }

    fn effective_for(&self, key: &str, policy: &ToolPolicy, tier: Tier, wishes: Wishes) -> EffectiveRule {
        let mut effective = plan::degraded(self, policy, tier, wishes);
        effective.arguments = self.can.arguments && !policy.arguments.is_empty();
        (self.exact)(key, policy, effective)
    }

    /// The document of one server in tier recommended: the tools named, everything else as the policy's default says.
    ///
    /// # Errors
    /// See [`Exporter::document`].
    pub fn document_of(&self, policy: &ServerPolicy) -> Result<String, ExportError> {
        self.document_in(policy, Tier::Recommended)
    }

    /// The document of one server in a tier.
    ///
    /// # Errors
    /// See [`Exporter::document`].
    pub fn document_in(&self, policy: &ServerPolicy, tier: Tier) -> Result<String, ExportError> {
        let keyed = Keyed { key: default_server_key(&policy.server), policy: policy.clone() };
        let set = PolicySet { tier, servers: vec![keyed] };
        Ok(self.document(&set, Wishes::default())?.text)
    }

    /// The same with what it does with each of its tools, in their order, but not read back: for a build, which makes tens of thousands
    /// of documents whose kinds the tests, `policy` and `build --check` read back. All documents of a policy share its fingerprint.
    ///
    /// # Errors
    /// A tool named twice, a key that the target cannot address.
    pub fn draft_in(
        &self,
        (keyed, tier): (&Keyed, Tier),
        fingerprint: Option<&str>,
    ) -> Result<(String, Vec<EffectiveRule>), ExportError> {
        self.can_name(keyed)?;
        let plan = plan::of_one(self, tier, keyed, fingerprint);
        Ok(((self.write)(&plan), plan.effects()))
    }

    fn can_name(&self, keyed: &Keyed) -> Result<(), ExportError> {
        unique(&keyed.policy)?;
        match (self.key_fault)(&keyed.key) {
            Some(why) => {
                let server = keyed.policy.server.to_string();
                Err(ExportError::Key { server, format: self.id, key: keyed.key.clone(), why })
            }
            None => Ok(()),
        }
    }

    /// The document of a policy with one tool or some, without the header that a file has, and what it does with each tool in their order.
    ///
    /// It is not read back: what a document makes of a tool is read back where the file of the whole server is made.
    pub fn fragment(&self, keyed: &Keyed, tier: Tier) -> (String, Vec<EffectiveRule>) {
        let plan = plan::fragment(self, tier, keyed);
        ((self.write)(&plan), plan.effects())
    }

    /// What a document of that policy does with each of its tools, in their order.
    pub fn effects(&self, keyed: &Keyed, tier: Tier) -> Vec<EffectiveRule> {
        plan::fragment(self, tier, keyed).effects()
    }

    /// What this format does with tools of a server that its document does not name.
    pub fn default_in(&self, policy: &Keyed, tier: Tier) -> Rule {
        plan::default_in(self, tier, policy)
    }

    /// The document of several servers, checked and read back.
    ///
    /// # Errors
    /// [`ExportError`]: a tool named twice, a key that the target cannot address, several servers where the format
    /// holds one, or a document that reads back otherwise than meant, which is a defect.
    pub fn document(&self, set: &PolicySet, wishes: Wishes) -> Result<Exported, ExportError> {
        if set.servers.len() != 1 && !self.can.several {
            return Err(ExportError::OneServerOnly { format: self.id, servers: set.servers.len() });
        }
        set.servers.iter().try_for_each(|keyed| self.can_name(keyed))?;
        let plan = plan::plan(self, set.tier, &set.servers, wishes);
        let text = (self.write)(&plan);
        self.read_back(&plan, &text)?;
        Ok(Exported { text, header: plan.header, mostly_lost: plan.mostly_lost })
    }

    /// Reads a document back: no error, every tool decided as promised, nothing else wider than promised.
    fn read_back(&self, plan: &Plan<'_>, text: &str) -> Result<(), ExportError> {
        let server = || plan.servers.first().map(|s| s.policy.server.to_string()).unwrap_or_default();
        let format = self.id;
        let invalid = |path: String, message: String| {
            Err(ExportError::Invalid { server: server(), format, path, message })
        };
        if let Some(finding) = (self.validate)(text).into_iter().find(|f| f.level == Level::Error) {
            return invalid(finding.path, finding.message);
        }
        let Some(reading) = (self.read)(text) else {
            return invalid(String::new(), "its decisions cannot be read back".to_owned());
        };
        for server in &plan.servers {
            for tool in &server.tools {
                let name = tool.policy.tool.raw();
                let (found, meant) = (reading.decide(server.key, name, None).rule, tool.effective.rule);
                if found != meant {
                    let (server, tool) = (server.policy.server.to_string(), name.to_owned());
                    return Err(ExportError::Differs { server, format, tool, found, meant });
                }
            }
            let unnamed = (0..).map(|n| format!("unnamed_{n}")).find(|n| server.policy.tool(n).is_none());
            let found = reading.decide(server.key, &unnamed.unwrap_or_default(), None).rule;
            if found.strictness() < server.default.strictness() {
                let (server, meant) = (server.policy.server.to_string(), server.default);
                return Err(ExportError::Differs { server, format, tool: String::new(), found, meant });
            }
        }
        Ok(())
    }
}

/// A document and what is to be said about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exported {
    /// The document.
    pub text: String,
    /// What its header says: also where the format has no place for one.
    pub header: Vec<String>,
    /// More than half of a server's tools got something stricter, limits among them.
    pub mostly_lost: bool,
}

type Decide = dyn Fn(&str, &str, Option<&Value>) -> Decided + Send + Sync;

/// A document as its target reads it.
pub struct Reading {
    /// The server keys that it names; empty where the format names none.
    pub servers: Vec<String>,
    /// The tools that its rules name, as written.
    pub names: Vec<Named>,
    decide: Box<Decide>,
}

impl Reading {
    fn new(
        servers: Vec<String>,
        names: Vec<Named>,
        decide: impl Fn(&str, &str, Option<&Value>) -> Decided + Send + Sync + 'static,
    ) -> Self {
        Self { servers, names, decide: Box::new(decide) }
    }

    /// What becomes of a call of that tool of the server with that key.
    pub fn decide(&self, key: &str, tool: &str, arguments: Option<&Value>) -> Decided {
        (self.decide)(key, tool, arguments)
    }
}

/// A tool's name in a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    /// The server's key, where the rule stands below one.
    pub key: Option<String>,
    /// As written. Foreign text.
    pub name: String,
    /// Where it stands.
    pub path: String,
    /// Line, from 1; 0 where it is not known.
    pub line: usize,
    /// Column, from 1; 0 where it is not known.
    pub column: usize,
}

fn unique(policy: &ServerPolicy) -> Result<(), ExportError> {
    if policy.tools.is_sorted_by(|a, b| a.tool.raw() < b.tool.raw()) {
        return Ok(());
    }
    let mut seen = std::collections::BTreeSet::new();
    match policy.tools.iter().find(|t| !seen.insert(t.tool.raw())) {
        None => Ok(()),
        Some(tool) => {
            let (server, tool) = (policy.server.to_string(), tool.tool.raw().to_owned());
            Err(ExportError::Twice { server, tool })
        }
    }
}

fn any_key(_: &str) -> Option<&'static str> {
    None
}

fn as_degraded(_: &str, _: &ToolPolicy, effective: EffectiveRule) -> EffectiveRule {
    effective
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
