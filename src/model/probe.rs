//! What was asked and what was answered: the raw record that everything later is computed from.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::outcome::Outcome;
use super::text::Untrusted;
use super::tool::DefinitionHash;

/// The number of this scanner's way of asking. It grows when a rerun could get another answer from the same release;
/// lasting outcomes of an older schema are probed again.
pub const SCANNER_SCHEMA: u32 = 2;

/// How far the server was locked in while it ran.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SandboxLevel {
    /// Namespaces by bubblewrap.
    Bwrap,
    /// Landlock, seccomp and limits, no namespaces.
    Reduced,
    /// None, asked for in words.
    None,
    /// Nothing was run here: the server answered over HTTP.
    Remote,
}

impl SandboxLevel {
    /// The stored and published word.
    pub fn as_str(self) -> &'static str {
        match self {
            SandboxLevel::Bwrap => "bwrap",
            SandboxLevel::Reduced => "reduced",
            SandboxLevel::None => "none",
            SandboxLevel::Remote => "remote",
        }
    }
}

impl fmt::Display for SandboxLevel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for SandboxLevel {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        [Self::Bwrap, Self::Reduced, Self::None, Self::Remote]
            .into_iter()
            .find(|l| l.as_str() == text)
            .ok_or_else(|| format!("\"{text}\" is no sandbox level"))
    }
}

/// What bounded the memory of the whole tree of a server while it ran.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MemoryBound {
    /// A cgroup: the kernel.
    Cgroup,
    /// A look at all of its processes ten times a second.
    Watched,
}

impl MemoryBound {
    /// The stored and published word.
    pub fn as_str(self) -> &'static str {
        match self {
            MemoryBound::Cgroup => "cgroup",
            MemoryBound::Watched => "watched",
        }
    }
}

impl FromStr for MemoryBound {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        [Self::Cgroup, Self::Watched]
            .into_iter()
            .find(|bound| bound.as_str() == text)
            .ok_or_else(|| format!("\"{text}\" is no bound on memory"))
    }
}

/// How messages travelled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Transport {
    /// Lines on standard input and output.
    Stdio,
    /// One address, POST, JSON or an event stream back.
    StreamableHttp,
    /// The older pair of an event stream and a message address.
    HttpSse,
}

impl Transport {
    /// The stored and published word.
    pub fn as_str(self) -> &'static str {
        match self {
            Transport::Stdio => "stdio",
            Transport::StreamableHttp => "streamable-http",
            Transport::HttpSse => "http-sse",
        }
    }
}

/// One start of a server (or one exchange with a remote one) and how it ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Attempt {
    /// Which rung of the ladder: `bare`, `env`, `args`, `env+args`, `dated`, `extra`, `remote`.
    pub rung: String,
    /// Program and arguments as started, paths inside the box.
    pub command: Vec<String>,
    /// The arguments that were added to the bare start.
    pub args: Vec<String>,
    /// Placeholders that were set, name to value. Never a real secret: they are made up by the plan.
    pub env: BTreeMap<String, String>,
    /// Dependencies resolved as of this date (RFC 3339), if they were.
    pub dependencies_as_of: Option<String>,
    /// Extras installed with it (`pip install NAME[extra]`).
    pub extras: Vec<String>,
    /// How it ended.
    pub outcome: Outcome,
    /// One line on why, for people.
    pub detail: Untrusted,
    /// Tools it listed.
    pub tools: u32,
    /// When it began.
    pub started_at: Timestamp,
    /// How long it took, milliseconds.
    pub millis: u64,
    /// The last lines it wrote to standard error, at most 8 KiB.
    pub log_tail: Untrusted,
}

/// One tool as a probe saw it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeenTool {
    /// Its definition's name across servers and time.
    pub hash: DefinitionHash,
    /// The tool's own name.
    pub name: Untrusted,
    /// The bytes as they came.
    pub raw: String,
}

/// An entry of the list that is no tool.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MalformedTool {
    /// The bytes as they came, at most 64 KiB.
    pub raw: String,
    /// What is wrong with it.
    pub problem: String,
}

/// Everything one probe of one release found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Probe {
    /// How it ended, over all attempts.
    pub outcome: Outcome,
    /// One line on why, for people.
    pub detail: Untrusted,
    /// How far the server was locked in.
    pub sandbox: SandboxLevel,
    /// What bounded its memory; None where nothing was run here.
    pub memory_bound: Option<MemoryBound>,
    /// How messages travelled.
    pub transport: Transport,
    /// When the first attempt began.
    pub started_at: Timestamp,
    /// When the last one ended.
    pub finished_at: Timestamp,
    /// Position in `attempts` of the one whose list was kept.
    pub chosen: Option<usize>,
    /// Every attempt, in order.
    pub attempts: Vec<Attempt>,
    /// Protocol revision that was agreed on.
    pub protocol: Option<String>,
    /// `serverInfo` as JSON text, as it came.
    pub server_info: Option<String>,
    /// `capabilities` as JSON text, as it came.
    pub capabilities: Option<String>,
    /// `instructions`, foreign text, at most 64 KiB.
    pub instructions: Option<Untrusted>,
    /// What ran it: `node v20.20.2`, `python 3.11.7`.
    pub interpreter: Option<String>,
    /// Pages the list came in.
    pub pages: u32,
    /// Lines on standard output that were no message.
    pub noise_lines: u32,
    /// Findings on the wire: `encoding-damaged`, `duplicate-name`, …; `built`: its own build step was run first
    pub marks: Vec<String>,
    /// The tools, in the order they came.
    pub tools: Vec<SeenTool>,
    /// Entries that are no tools.
    pub malformed: Vec<MalformedTool>,
}
