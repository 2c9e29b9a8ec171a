//! What speaks for a candidate being a server, and against: it orders the queue and takes nobody out of it.
//!
//! Only a server that answers `initialize` and `tools/list` is proven to be one; see `research/scale.md` section 1.3 for how the
//! signs compare.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

/// One sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Sign {
    /// The official registry lists it.
    Registered,
    /// Its own manifest names itself in the registry (npm `mcpName`).
    McpName,
    /// Its long description does (`mcp-name:`).
    McpNameInReadme,
    /// Its README shows how a client starts it.
    ConfiguredInReadme,
    /// It needs an SDK of the protocol to run.
    SdkDependency,
    /// It needs something else to run that has MCP in its name: a framework, an SDK of somebody's own.
    RelatedDependency,
    /// It needs one only to be built or tested, or if somebody asks.
    SdkForDevelopment,
    /// It installs a program.
    Executable,
    /// It installs none.
    NoExecutable,
    /// Its keywords, topics or classifiers say so.
    Keyword,
    /// Its name has `mcp` as a word.
    McpInName,
    /// Its name says server.
    ServerInName,
    /// Its name says library or tool: `-sdk`, `-client`, `-types`, `-inspector`, `-proxy`, `-gateway`, ….
    LibraryName,
    /// Its publisher took it back or advises against it.
    Deprecated,
    /// A program made its name.
    GeneratedName,
    /// Dozens of strangers claim the repository that it claims.
    CrowdedRepository,
    /// It has a better known package's README.
    Copied,
    /// Its publisher has many near-identical packages, or republishes other people's.
    Republished,
    /// A manifest of servers lies in its repository: `server.json`, `smithery.yaml`.
    ServerManifest,
    /// Its repository is a copy of another one.
    Fork,
    /// Its owner has closed its repository.
    Archived,
}

impl Sign {
    /// Every kind, with its word and its weight in the order of the queue.
    pub const ALL: [(Sign, &'static str, i32); 21] = [
        (Sign::Registered, "registered", 40),
        (Sign::McpName, "mcp-name", 30),
        (Sign::McpNameInReadme, "mcp-name-in-readme", 30),
        (Sign::ConfiguredInReadme, "configured-in-readme", 15),
        (Sign::SdkDependency, "sdk-dependency", 20),
        (Sign::RelatedDependency, "related-dependency", 10),
        (Sign::SdkForDevelopment, "sdk-for-development", -5),
        (Sign::Executable, "executable", 10),
        (Sign::NoExecutable, "no-executable", -30),
        (Sign::Keyword, "keyword", 6),
        (Sign::McpInName, "mcp-in-name", 2),
        (Sign::ServerInName, "server-in-name", 5),
        (Sign::LibraryName, "library-name", -35),
        (Sign::Deprecated, "deprecated", -10),
        (Sign::GeneratedName, "generated-name", -30),
        (Sign::CrowdedRepository, "crowded-repository", -30),
        // Last of all, whatever else speaks for them.
        (Sign::Copied, "copied", -200),
        (Sign::Republished, "republished", -200),
        (Sign::ServerManifest, "server-manifest", 15),
        (Sign::Fork, "fork", -100),
        (Sign::Archived, "archived", -100),
    ];

    /// The stored word.
    pub fn as_str(self) -> &'static str {
        Self::ALL.iter().find(|(kind, ..)| *kind == self).map_or("", |(_, word, _)| word)
    }
}

impl fmt::Display for Sign {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Sign {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let known = Self::ALL.iter().find(|(_, word, _)| *word == text).map(|(kind, ..)| *kind);
        known.ok_or_else(|| format!("\"{text}\" is no known sign"))
    }
}

/// From this rank on a candidate is called a likely server; below it wait libraries, clients, copies and names alone.
pub const LIKELY: i32 = 8;

/// Where a candidate comes in the queue: higher is earlier. each sign counts once.
pub fn rank(signs: &BTreeSet<Sign>) -> i32 {
    Sign::ALL.iter().filter(|(kind, ..)| signs.contains(kind)).map(|(_, _, weight)| weight).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_a_word_of_its_own() {
        let words: BTreeSet<&str> = Sign::ALL.iter().map(|(_, word, _)| *word).collect();
        assert_eq!(words.len(), Sign::ALL.len());
        for (kind, word, _) in Sign::ALL {
            assert_eq!(word.parse(), Ok(kind));
            assert_eq!(kind.to_string(), word);
        }
    }

    #[test]
    fn a_library_comes_after_a_server_and_a_listed_one_before_both() {
        let of = |kinds: &[Sign]| rank(&kinds.iter().copied().collect());
        let server = of(&[Sign::McpInName, Sign::SdkDependency, Sign::Executable]);
        let library = of(&[Sign::McpInName, Sign::SdkDependency, Sign::NoExecutable, Sign::LibraryName]);
        let listed = of(&[Sign::Registered]);
        assert!(listed > server && server > library, "{listed} {server} {library}");
    }
}
