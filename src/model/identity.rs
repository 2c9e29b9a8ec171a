//! Who is who: what is known of packages, registry entries and repositories, how it links them, and what follows.
//!
//! Only the nouns. `identity` computes the links, `store/identity` keeps them. Everything in here came from outside:
//! a name says who somebody claims to be, and only a [`Tier`] says how far that is proven.

pub mod provenance;
pub mod repository;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

pub use provenance::{NewestRelease, Provenance, ProvenanceSaid};
pub use repository::RepositoryClaim;

/// Something that a server is known by, as text: a server's key (`npm:…`, `pypi:…`, `remote:…`, `github:owner/repo[/folder]`
/// in lower case), another kind of package (`oci:…`), a name of the official registry (`registry:…`), or a place
/// on another forge (`repo:host/path[#folder]`).
pub type Node = String;

/// The node of a name in the official registry.
pub fn registry_node(name: &str) -> Node {
    format!("registry:{name}")
}

/// The kinds of package of which a project has at most one each; None for what is no package.
pub fn ecosystem(node: &str) -> Option<&str> {
    let (kind, _) = node.split_once(':')?;
    (!matches!(kind, "registry" | "remote" | "github" | "repo" | "local")).then_some(kind)
}

/// What one package says of itself and what its registry says of it. Every text is its publisher's.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
pub struct PackageFacts {
    /// Names of the official registry that it gives itself: `mcpName`, `mcp-name:`, an image's label.
    #[serde(default)]
    pub mcp_names: BTreeSet<String>,
    /// Where it says its source is.
    #[serde(default)]
    pub repository: Option<RepositoryClaim>,
    /// What its registry's provenance of the newest release says; None where none was asked for.
    #[serde(default)]
    pub provenance: Option<ProvenanceSaid>,
    /// The release that a provenance may be asked for; None where there is nothing to ask for.
    #[serde(default)]
    pub newest: Option<NewestRelease>,
    /// Who may publish it.
    #[serde(default)]
    pub publishers: BTreeSet<String>,
    /// Hash of its README without its own name; None where it has none worth comparing.
    #[serde(default)]
    pub readme: Option<String>,
    /// Hash of what it is made of (dependencies and description without its own name): alike in near-identical packages.
    #[serde(default)]
    pub shape: Option<String>,
}

/// One server of the official registry, in its newest version.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct EntryFacts {
    /// Its name there.
    pub name: String,
    /// Where it says its source is.
    pub repository: Option<RepositoryClaim>,
    /// The packages it lists, as nodes, each with the version it lists; empty where it states none.
    pub packages: BTreeMap<Node, String>,
    /// The addresses it lists, as nodes; those with variables are left out.
    pub remotes: BTreeSet<Node>,
}

/// A repository as its forge lists it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct RepositoryFacts {
    /// The forge's host.
    pub forge: String,
    /// Owner and name, in lower case.
    pub path: String,
    /// The forge's number of it, which a new repository of the same name does not get.
    pub id: Option<u64>,
    /// The repository it was forked from.
    pub parent: Option<String>,
    /// Its manifests.
    pub manifests: Vec<ManifestFacts>,
}

/// A file of a repository that names a package or a registry entry.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ManifestFacts {
    /// Its folder, empty for the root.
    pub folder: String,
    /// What it names.
    pub node: Node,
}

/// The tools of a server's newest answer, as one hash.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ToolsFacts {
    /// The server.
    pub node: Node,
    /// Hash over the sorted hashes of its definitions.
    pub hash: String,
    /// How many.
    pub count: u32,
}

/// Everything the links are computed from.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Facts {
    /// Packages whose own documents were read.
    pub packages: Vec<(Node, PackageFacts)>,
    /// Entries of the official registry.
    pub entries: Vec<EntryFacts>,
    /// Repositories that a forge listed.
    pub repositories: Vec<RepositoryFacts>,
    /// Every number that was ever seen under a repository's name: forge, path, number.
    pub repository_ids: Vec<(String, String, u64)>,
    /// Answers.
    pub tools: Vec<ToolsFacts>,
    /// Every other name that is known: candidates and servers.
    pub names: BTreeSet<Node>,
    /// Names that many people use (`data/known-names.txt`), as nodes.
    pub known: BTreeSet<Node>,
}

/// How far a link is proven.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Tier {
    /// Both sides name each other, where a registry checks it.
    Verified,
    /// Both sides name each other.
    TwoWay,
    /// One side names the other.
    Claimed,
    /// They look alike.
    Alike,
}

/// What a link is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LinkKind {
    /// A registry entry and a package.
    Package,
    /// A registry entry and an address.
    Remote,
    /// A package or an entry and its source.
    Repository,
    /// Packages of one name from one repository.
    Twin,
    /// The same tools.
    SameTools,
    /// The same README.
    SameReadme,
}

/// What is wrong with a name or a claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FindingKind {
    /// Its name can be taken for a better known one's.
    LookAlike,
    /// A link would have put two packages of one ecosystem into one project.
    Conflict,
    /// Another repository has the name now.
    Resurrected,
    /// One of many near-identical packages of one publisher.
    Republished,
    /// It has another package's README.
    Copied,
    /// One of dozens of strangers that claim one repository.
    CrowdedRepository,
    /// Its name was made by a program.
    GeneratedName,
}

/// Stored words are closed lists with one spelling each.
macro_rules! words {
    ($kind:ident, $what:literal, $($variant:ident = $word:literal),+ $(,)?) => {
        impl $kind {
            /// Every one, in its order.
            pub const ALL: &'static [$kind] = &[$($kind::$variant),+];

            /// The stored and published word.
            pub fn as_str(self) -> &'static str {
                match self {
                    $($kind::$variant => $word),+
                }
            }
        }

        impl fmt::Display for $kind {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl FromStr for $kind {
            type Err = String;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                let known = Self::ALL.iter().copied().find(|word| word.as_str() == text);
                known.ok_or_else(|| format!("\"{text}\" is no {}", $what))
            }
        }
    };
}

words!(Tier, "tier", Verified = "verified", TwoWay = "two-way", Claimed = "claimed", Alike = "looks-alike");
words!(
    LinkKind,
    "kind of link",
    Package = "package",
    Remote = "remote",
    Repository = "repository",
    Twin = "twin",
    SameTools = "same-tools",
    SameReadme = "same-readme",
);
words!(
    FindingKind,
    "finding",
    LookAlike = "look-alike",
    Conflict = "conflict",
    Resurrected = "resurrected",
    Republished = "republished",
    Copied = "copied",
    CrowdedRepository = "crowded-repository",
    GeneratedName = "generated-name",
);

/// Two nodes and why they may be one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Link {
    /// The one that comes first by name.
    pub a: Node,
    /// The other.
    pub b: Node,
    /// What it is about.
    pub kind: LinkKind,
    /// How far it is proven.
    pub tier: Tier,
    /// What says so, in one sentence. Holds foreign names.
    pub evidence: String,
    /// Why it joins nothing; None if it does.
    pub apart: Option<String>,
}

/// Several names of one server.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Project {
    /// Its name: the registry's, else its source's, else its first package's node.
    pub name: Node,
    /// Two or more, in order.
    pub members: Vec<Node>,
}

/// Something a person should know of a node.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    /// Whom it is about.
    pub node: Node,
    /// What.
    pub kind: FindingKind,
    /// Whom it has to do with; empty where nobody.
    pub other: Node,
    /// What says so, in one sentence. Holds foreign names.
    pub evidence: String,
}

/// What follows from the facts. Every list is sorted.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Identity {
    /// Every link, also those that join nothing.
    pub links: Vec<Link>,
    /// What is joined.
    pub projects: Vec<Project>,
    /// What stands out.
    pub findings: Vec<Finding>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_read_back() {
        for tier in Tier::ALL {
            assert_eq!(tier.as_str().parse(), Ok(*tier));
        }
        for kind in FindingKind::ALL {
            assert_eq!(kind.as_str().parse(), Ok(*kind));
        }
        for kind in LinkKind::ALL {
            assert_eq!(kind.as_str().parse(), Ok(*kind));
        }
    }

    #[test]
    fn packages_have_an_ecosystem_and_addresses_have_none() {
        assert_eq!(ecosystem("npm:@a/b"), Some("npm"));
        assert_eq!(ecosystem("oci:ghcr.io/a/b"), Some("oci"));
        for node in ["registry:a/b", "remote:https://h.example/", "github:a/b", "repo:forge.example/a/b", "x"]
        {
            assert_eq!(ecosystem(node), None, "{node}");
        }
    }
}
