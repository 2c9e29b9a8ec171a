//! The nouns of the domain, shared by every stage. No I/O, no clock, no other module of this crate.

pub mod declared;
pub mod digest;
pub mod emit;
pub mod flat;
pub mod identity;
mod indented;
pub mod letters;
pub mod outcome;
pub mod probe;
pub mod purl;
pub mod release;
mod report_address;
pub mod risk;
pub mod server;
pub mod sign;
pub mod slug;
pub mod source;
pub mod target;
pub mod text;
pub mod tool;
pub mod tool_texts;
pub mod verdict;
pub mod work;

pub(crate) use flat::NUMBER;
pub use outcome::Outcome;
pub use probe::{Attempt, MalformedTool, MemoryBound, Probe, SandboxLevel, SeenTool, Transport};
pub use purl::Purl;
pub use release::{Release, ReleaseFacts};
pub use report_address::ReportAddress;
pub use server::{Registry, ServerKey};
pub use target::Target;
pub use text::Untrusted;
pub use tool::{DefinitionHash, ToolDefinition};
pub use tool_texts::ToolTexts;
pub use verdict::{Class, Effect, Evidence, Risk, Signal, Verdict};
