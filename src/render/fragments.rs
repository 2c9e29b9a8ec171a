//! Documents for one tool, from stencils: what an exporter writes for a tool with a plain name differs only in the names in it.
//!
//! The exporter writes each kind of document once, for made-up names; after that the real names are put in their place. That is the same
//! text only for names that every format writes as they are, so all others go to the exporter itself. Builds with
//! debug assertions (all tests) make every document both ways and compare. Why: a tool's page has eighteen documents, six formats in three tiers.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, RwLock};

use crate::export::{EffectiveRule, Exporter};
use crate::model::{Class, Risk};
use crate::policy::{Keyed, Rule, ServerPolicy, Tier, ToolPolicy};

/// Made-up names that no document holds by itself.
pub(super) const TOOL: &str = "qz_tool_zq";
pub(super) const KEY: &str = "qz-key-zq";
pub(super) const SERVER: &str = "npm:qz-server-zq";
pub(super) const RELEASE: &str = "9.87.6-qz";
/// Shorter than what any format cuts or hashes.
pub(super) const LONGEST_TOOL: usize = 32;
/// A key of more characters is mangled by some.
const LONGEST_KEY: usize = 25;
const LONGEST_SERVER: usize = 120;
/// More than there are formats, tiers, rules, classes and risks together.
const MOST: usize = 4_096;

type Kind = (&'static str, Tier, Rule, Rule, Class, Risk, bool);

#[derive(Debug)]
struct Stencil {
    pieces: Vec<Piece>,
    effects: Vec<EffectiveRule>,
    length: usize,
}

/// A piece of a stencil: its own text, or a name that is put in.
#[derive(Debug)]
pub(super) enum Piece {
    Text(String),
    Tool,
    /// The tool's name in lower case, as PolicyLayer's counters have it.
    LowerTool,
    Key,
    Server,
    Release,
}

static STENCILS: LazyLock<RwLock<HashMap<Kind, Arc<Stencil>>>> = LazyLock::new(RwLock::default);

/// What [`Exporter::fragment`] gives.
pub(super) fn fragment(exporter: &Exporter, keyed: &Keyed, tier: Tier) -> (String, Vec<EffectiveRule>) {
    let Some((kind, tool)) = kind(exporter, keyed, tier) else { return exporter.fragment(keyed, tier) };
    let known = STENCILS.read().expect("no thread panics while it holds the stencils").get(&kind).cloned();
    let stencil = known.unwrap_or_else(|| {
        let made = Arc::new(stencil(exporter, keyed, tool, tier));
        let mut stencils = STENCILS.write().expect("no thread panics while it holds the stencils");
        if stencils.len() < MOST {
            stencils.insert(kind, Arc::clone(&made));
        }
        made
    });
    let mut text = String::with_capacity(stencil.length + 256);
    let server = keyed.policy.server.to_string();
    for piece in &stencil.pieces {
        text.push_str(match piece {
            Piece::Text(text) => text,
            Piece::Tool | Piece::LowerTool => tool.tool.raw(),
            Piece::Key => &keyed.key,
            Piece::Server => &server,
            Piece::Release => &keyed.policy.release,
        });
    }
    debug_assert_eq!((text.clone(), stencil.effects.clone()), exporter.fragment(keyed, tier));
    (text, stencil.effects.clone())
}

/// What kind of document that is; None where its names are not all plain, or more than names differ.
fn kind<'k>(exporter: &Exporter, keyed: &'k Keyed, tier: Tier) -> Option<(Kind, &'k ToolPolicy)> {
    let Keyed { key, policy } = keyed;
    let [tool] = policy.tools.as_slice() else { return None };
    let plain = tool.arguments.is_empty()
        && tool.places.is_empty()
        && is_plain_tool(tool.tool.raw())
        && is_plain_key(key)
        && is_plain_text(&policy.server.to_string())
        && is_plain_text(&policy.release);
    let unnamed = policy.release.is_empty();
    plain.then_some(((exporter.id, tier, tool.rule, policy.default, tool.class, tool.risk, unnamed), tool))
}

/// Small words with one underscore between: no format quotes, cuts, joins or mangles it.
pub(super) fn is_plain_tool(name: &str) -> bool {
    (2..=LONGEST_TOOL).contains(&name.len())
        && name.split('_').all(|word| {
            !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
        })
        && name.starts_with(|c: char| c.is_ascii_lowercase())
        && !name.contains("qz")
}

pub(super) fn is_plain_key(key: &str) -> bool {
    (1..=LONGEST_KEY).contains(&key.len())
        && key.starts_with(|c: char| c.is_ascii_lowercase())
        && key.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        // Gemini cannot name a server that is called so.
        && key != "mcp"
        && !key.contains("qz")
}

pub(super) fn is_plain_text(text: &str) -> bool {
    let plain =
        |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'@' | b'/' | b':' | b'.' | b'-' | b'_' | b'+');
    text.len() <= LONGEST_SERVER && text.bytes().all(plain) && !text.contains("qz")
}

fn stencil(exporter: &Exporter, keyed: &Keyed, tool: &ToolPolicy, tier: Tier) -> Stencil {
    let real = &keyed.policy;
    let mut made_up = ToolPolicy::plain(TOOL, tool.class, tool.risk, tool.rule);
    made_up.reason.clone_from(&tool.reason);
    let policy = ServerPolicy {
        server: SERVER.parse().expect("a package's name"),
        release: if real.release.is_empty() { String::new() } else { RELEASE.to_owned() },
        default: real.default,
        tools: vec![made_up],
    };
    let (text, effects) = exporter.fragment(&Keyed { key: KEY.to_owned(), policy }, tier);
    Stencil { pieces: pieces(&text, TOOL), effects, length: text.len() }
}

/// A text in which made-up names stand, the tool's as given, cut at them.
pub(super) fn pieces(text: &str, tool: &str) -> Vec<Piece> {
    let lower = tool.to_ascii_lowercase();
    let mut pieces = Vec::new();
    let mut rest = text;
    loop {
        let marks = [
            (SERVER, Piece::Server),
            (KEY, Piece::Key),
            (tool, Piece::Tool),
            (&lower, Piece::LowerTool),
            (RELEASE, Piece::Release),
        ];
        let found = marks.into_iter().filter_map(|(mark, piece)| Some((rest.find(mark)?, mark, piece)));
        let Some((at, mark, piece)) = found.min_by_key(|(at, _, _)| *at) else { break };
        let (before, after) = rest.split_at(at);
        pieces.extend([Piece::Text(before.to_owned()), piece]);
        rest = after.strip_prefix(mark).unwrap_or_default();
    }
    pieces.push(Piece::Text(rest.to_owned()));
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::export::EXPORTERS;
    use crate::policy::Window;

    /// The comparison itself is in [`fragment`]: here are the names that come close to what formats treat in a way of its own.
    #[test]
    fn a_stencil_gives_what_the_exporter_writes() {
        let tools = [
            "put",
            "put_file",
            "a1",
            "null",
            "true",
            "y",
            "no",
            "on_1e5",
            "__a",
            "a.b",
            "A",
            "名前",
            "a_",
            "qz_tool_zq",
        ];
        let keys = [
            "files",
            "mcp",
            "mcp-x",
            "a-b-c",
            "e3",
            "true",
            "a_b",
            "",
            "a-key-that-is-longer-than-it-may-be",
        ];
        let limit = Rule::Limit { max: 30, window: Window::Minute };
        for (tool, key) in tools.iter().flat_map(|tool| keys.map(|key| (*tool, key))) {
            for rule in [Rule::Allow, Rule::Ask, Rule::Deny, Rule::Hide, limit] {
                for (exporter, tier) in EXPORTERS.iter().flat_map(|e| Tier::ALL.iter().map(move |t| (e, *t)))
                {
                    let policy = ServerPolicy {
                        server: "npm:@a/files".parse().unwrap(),
                        release: if tool.len() > 3 { "1.0.0".to_owned() } else { String::new() },
                        default: Rule::Deny,
                        tools: vec![ToolPolicy::plain(tool, Class::Write, Risk::Medium, rule)],
                    };
                    let keyed = Keyed { key: key.to_owned(), policy };
                    let made = fragment(exporter, &keyed, tier);
                    assert_eq!(made, exporter.fragment(&keyed, tier), "{} {tool} {key}", exporter.id);
                }
            }
        }
    }

    #[test]
    fn made_up_names_are_taken_for_plain_and_never_for_real() {
        assert!(is_plain_tool(&TOOL.replace("qz", "az")) && !is_plain_tool(TOOL));
        assert!(is_plain_key(&KEY.replace("qz", "az")) && !is_plain_key(KEY) && !is_plain_text(SERVER));
        let all = format!("a {TOOL} b {KEY} c {SERVER} d {RELEASE}");
        assert_eq!(pieces(&all, TOOL).iter().filter(|piece| !matches!(piece, Piece::Text(_))).count(), 4);
    }
}
