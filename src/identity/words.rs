//! A name as words, and what is left of it for comparing.

use super::{name_of, scope_of};
use crate::model::letters::latin_of;

/// Words that say what kind of thing it is, and not which.
pub(super) const GENERIC: [&str; 9] =
    ["mcp", "server", "servers", "modelcontextprotocol", "model", "context", "protocol", "tool", "tools"];
/// Words that say what it is written in.
const LANGUAGES: [&str; 9] =
    ["py", "python", "js", "ts", "node", "nodejs", "javascript", "typescript", "npm"];

/// The words of a name, as they look: lower case, letters of other scripts as the Latin ones they imitate.
pub(super) fn words(name: &str) -> Vec<String> {
    let folded: String = name.chars().map(latin_of).collect::<String>().to_lowercase();
    folded.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

/// A node's name without its scope.
pub(super) fn bare(node: &str) -> &str {
    match scope_of(node) {
        Some(_) => name_of(node).split_once('/').map_or("", |(_, name)| name),
        None => name_of(node),
    }
}

/// What twins in two ecosystems share: the name without scope, language and the word server; and whether it says MCP.
/// None where nothing is left.
pub(super) fn stem(node: &str) -> Option<(String, bool)> {
    let all = words(bare(node));
    let left = |all: &[String]| {
        let skip = |word: &str| LANGUAGES.contains(&word) || matches!(word, "mcp" | "server" | "servers");
        all.iter().filter(|word| !skip(word)).cloned().collect::<Vec<_>>().join("-")
    };
    let says_mcp = all.iter().any(|word| word == "mcp");
    let own = left(&all);
    let own = if own.is_empty() { left(&words(scope_of(node).unwrap_or_default())) } else { own };
    (!own.is_empty()).then_some((own, says_mcp))
}

/// True of a name that a program made: a long number, a UUID, a hash.
pub(super) fn is_generated(node: &str) -> bool {
    words(bare(node)).iter().any(|word| {
        let digits = word.chars().filter(char::is_ascii_digit).count();
        let hex = word.chars().all(|c| c.is_ascii_hexdigit());
        let is_number = digits == word.len();
        // A day or a time of day is a version; ten digits are a clock's.
        (is_number && digits >= 9)
            || (hex && !is_number && word.len() >= 7 && digits >= 2 && digits < word.len())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn twins_have_one_stem_and_a_library_has_another() {
        let of = |node: &str| stem(node);
        assert_eq!(of("npm:@ann/notes-mcp-server"), of("pypi:notes-mcp"));
        assert_eq!(of("npm:@ann/mcp-server"), of("pypi:ann-mcp-server"));
        assert_ne!(of("npm:notes-mcp"), of("pypi:notes"));
        assert_ne!(of("npm:notes-mcp"), of("pypi:notes-mcp-client"));
        assert_eq!(of("npm:mcp-server"), None);
    }

    #[test]
    fn generated_names_are_told_from_versions_and_words() {
        for node in ["npm:mcp-server-1735689600123", "npm:x-a8f3e2c9", "pypi:t-3f2504e0-4f89-11d3-9a0c"] {
            assert!(is_generated(node), "{node}");
        }
        for node in [
            "npm:mcp-2025",
            "npm:x402-mcp",
            "pypi:base64-mcp",
            "npm:feedface-mcp",
            "npm:s3-mcp",
            "npm:mcp-20260101",
        ] {
            assert!(!is_generated(node), "{node}");
        }
    }
}
