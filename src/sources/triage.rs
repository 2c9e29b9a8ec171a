//! Signs that a name carries: enough to tell what is worth a look among a million names, never enough to be sure.

use std::collections::BTreeSet;

use super::settings::TriageSettings;
use crate::model::digest::sha256_hex;
use crate::model::sign::Sign;

/// The words of a name, lower case: `@a/My_MCP.server` has `a`, `my`, `mcp`, `server`.
fn words(name: &str) -> impl Iterator<Item = String> {
    name.split(|c: char| !c.is_ascii_alphanumeric()).filter(|w| !w.is_empty()).map(str::to_ascii_lowercase)
}

/// True if a name has `mcp` as a word, at the beginning or at the end of one, or spells the protocol out.
pub(super) fn looks_like_mcp(name: &str) -> bool {
    // Nearly every name of an index fails here, without a word being cut out.
    let bytes = name.as_bytes();
    let has = |needle: &[u8]| bytes.windows(needle.len()).any(|window| window.eq_ignore_ascii_case(needle));
    if !has(b"mcp") && !has(b"context") {
        return false;
    }
    let spelled = || words(name).collect::<String>().contains("modelcontextprotocol");
    words(name).any(|word| word.starts_with("mcp") || word.ends_with("mcp")) || spelled()
}

/// What a name says.
pub(super) fn signs_of_name(name: &str, triage: &TriageSettings) -> Vec<Sign> {
    let mut signs = Vec::new();
    if looks_like_mcp(name) {
        signs.push(Sign::McpInName);
    }
    if words(name).any(|word| word.ends_with("server") || word.ends_with("servers")) {
        signs.push(Sign::ServerInName);
    }
    // A scope is its owner's name and says nothing of one package.
    let own = name.rsplit('/').next().unwrap_or(name);
    if words(own).any(|word| triage.library_words.contains(&word)) {
        signs.push(Sign::LibraryName);
    }
    signs
}

/// True if one of these keywords is a server's.
pub(super) fn has_keyword<'a>(keywords: impl IntoIterator<Item = &'a str>, triage: &TriageSettings) -> bool {
    keywords.into_iter().any(|word| triage.keywords.contains(&word.trim().to_ascii_lowercase()))
}

/// Words of a README that are worth comparing: shorter ones are a template's.
const README_WORDS: usize = 40;

/// The words of a text that are not the package's own name, in a hash: the same in copies that changed nothing else.
fn hash_without_name(name: &str, text: &str) -> (usize, String) {
    let own: BTreeSet<String> = words(name).collect();
    let rest: Vec<String> = words(text).filter(|word| !own.contains(word)).collect();
    (rest.len(), sha256_hex(rest.join(" ").as_bytes()))
}

/// The hash of a README, but for the package's own name. None for one that is too short to be somebody's own.
pub(super) fn text_hash(name: &str, readme: &str) -> Option<String> {
    let (words, hash) = hash_without_name(name, readme);
    (words >= README_WORDS).then_some(hash)
}

/// The hash of what a package is made of: what it needs, and its description but for its own name. None without a description.
pub(super) fn shape_hash<'a>(
    name: &str,
    needs: impl Iterator<Item = &'a str>,
    description: Option<&str>,
) -> Option<String> {
    let description = description.filter(|text| !text.trim().is_empty())?;
    let needs: BTreeSet<&str> = needs.collect();
    let needs: Vec<&str> = needs.into_iter().collect();
    let (_, text) = hash_without_name(name, description);
    Some(sha256_hex(format!("{}\n{text}", needs.join("\n")).as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::super::settings::embedded;
    use super::*;

    #[test]
    fn mcp_is_a_word_and_not_three_letters() {
        for name in [
            "notes-mcp",
            "mcp_notes",
            "@a/mcp",
            "fastmcp",
            "McpServer",
            "x.mcp.y",
            "a-model-context-protocol",
        ] {
            assert!(looks_like_mcp(name), "{name}");
        }
        for name in ["numcpus", "notes", "context", "camcprobe", ""] {
            assert!(!looks_like_mcp(name), "{name}");
        }
    }

    #[test]
    fn a_copy_under_another_name_has_the_same_hashes() {
        let readme = |name: &str| format!("{name} {}", "reads your notes and nothing else ".repeat(10));
        assert_eq!(text_hash("pear-mcp", &readme("pear-mcp")), text_hash("apple-mcp", &readme("Apple MCP")));
        assert_ne!(
            text_hash("pear-mcp", &readme("pear-mcp")),
            text_hash("pear-mcp", &readme("pear-mcp not"))
        );
        assert_eq!(text_hash("pear-mcp", "A short one."), None);
        let shape = |name: &str, needs: &[&str], text| shape_hash(name, needs.iter().copied(), Some(text));
        assert_eq!(shape("a1", &["x", "y"], "Tools of a1"), shape("b2", &["y", "x"], "tools of b2"));
        assert_ne!(shape("a1", &["x"], "Tools of a1"), shape("b2", &[], "tools of b2"));
        assert_eq!(shape("a1", &[], " "), None);
    }

    #[test]
    fn a_library_says_so_in_its_own_name() {
        let triage = embedded().triage;
        assert_eq!(signs_of_name("notes-mcp-client", &triage), [Sign::McpInName, Sign::LibraryName]);
        assert_eq!(signs_of_name("@client/mcp-server", &triage), [Sign::McpInName, Sign::ServerInName]);
        assert_eq!(signs_of_name("notes", &triage), []);
        assert!(has_keyword(["x", " MCP-Server "], &triage) && !has_keyword(["server"], &triage));
    }
}
