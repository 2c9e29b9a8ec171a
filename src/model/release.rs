//! The launchable release: the unit that is probed, stored and judged.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::declared::DeclaredList;
use super::purl::Purl;
use super::server::{Registry, ServerKey};
use super::text::Untrusted;

/// One version of a server. Remote and local servers have no version: theirs is the empty string.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Release {
    /// Whose release.
    pub server: ServerKey,
    /// Exactly as the registry spells it; empty for remote and local servers.
    pub version: String,
}

impl Release {
    /// The package URL (purl) of a published release: `pkg:npm/%40scope/name@1.2.3`, `pkg:pypi/name@1.2`,
    /// `pkg:github/owner/repo@commit#folder`. None for remote and local servers.
    pub fn purl(&self) -> Option<String> {
        Purl::of(&self.server, &self.version).map(|purl| purl.to_string())
    }
}

impl fmt::Display for Release {
    /// As people type it: `npm:NAME@1.2.3`, `pypi:NAME==1.2.3`, or the bare key where there is no version.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.version.as_str(), self.server.registry()) {
            ("", _) => write!(f, "{}", self.server),
            (version, Registry::Pypi) => write!(f, "{}=={version}", self.server),
            (version, _) => write!(f, "{}@{version}", self.server),
        }
    }
}

/// What a registry says about a release. Blanks are filled in when they become known; nothing known is erased.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ReleaseFacts {
    /// When it came out.
    pub published_at: Option<Timestamp>,
    /// The title shown to people, where the registry has one.
    pub title: Option<Untrusted>,
    /// One line on what it is.
    pub description: Option<Untrusted>,
    /// Address of the source, `https`, checked by whoever read it.
    pub repository: Option<String>,
    /// Address of its home page, `https`, checked by whoever read it.
    pub homepage: Option<String>,
    /// Its licence as declared.
    pub licence: Option<Untrusted>,
    /// What its own manifest declares; kept apart from what it answers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub declared: Vec<DeclaredList>,
}
