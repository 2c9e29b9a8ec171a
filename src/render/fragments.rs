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
/// The key that many remote servers have, and that Gemini cannot name.
pub(super) const UNNAMEABLE: &str = "mcp";
/// Shorter than what any format cuts or hashes.
pub(super) const LONGEST_TOOL: usize = 32;
/// A key of more characters is mangled by some.
const LONGEST_KEY: usize = 25;
const LONGEST_SERVER: usize = 120;
/// More than there are formats, tiers, rules, classes and risks together.
const MOST: usize = 4_096;

type Kind = (&'static str, Tier, Rule, Rule, Class, Risk, bool, bool, Shape);

#[derive(Debug)]
struct Stencil {
    pieces: Vec<Piece>,
    effect: Option<EffectiveRule>,
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
    /// A document that is put in: the number of its format among those shown, and of the first tier it is of.
    Document(u8, u8),
}

/// Begins what stands for a document whose text is not the section's own; two digits follow, for format and tier.
const DOCUMENT: &str = "qzdoc\"";

/// What stands for a document. The quotation mark tells whether it was escaped as documents are.
pub(super) fn stand_in(format: usize, tier: usize) -> String {
    format!("{DOCUMENT}{format}{tier}")
}

/// True if something stands there that stands for a document and was not found: a template does more with it than show it.
pub(super) fn has_stand_in(pieces: &[Piece]) -> bool {
    pieces.iter().any(|piece| matches!(piece, Piece::Text(text) if text.contains("qzdoc")))
}

static STENCILS: LazyLock<RwLock<HashMap<Kind, Arc<Stencil>>>> = LazyLock::new(RwLock::default);

/// How a plain name is spelled: formats write names of one shape in one way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Shape {
    Snake,
    Kebab,
    Camel,
}

impl Shape {
    /// None for a name that some format writes in another way than the next one.
    pub(super) fn of(name: &str) -> Option<Self> {
        let fits = |only: fn(u8) -> bool| {
            (2..=LONGEST_TOOL).contains(&name.len())
                && name.starts_with(|c: char| c.is_ascii_lowercase())
                && name.bytes().all(only)
                && !name.as_bytes().windows(2).any(|two| two.eq_ignore_ascii_case(b"qz"))
        };
        if is_plain_tool(name) {
            return Some(Self::Snake);
        }
        let words = |name: &str| name.split('-').all(|word| !word.is_empty());
        if fits(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-') && words(name) {
            return Some(Self::Kebab);
        }
        fits(|b| b.is_ascii_alphanumeric()).then_some(Self::Camel)
    }

    /// A made-up name of this shape.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Snake => TOOL,
            Self::Kebab => "qz-tool-zq",
            Self::Camel => "qzToolZq",
        }
    }

    fn of_made_up(name: &str) -> Option<Self> {
        [Self::Snake, Self::Kebab, Self::Camel].into_iter().find(|shape| shape.name() == name)
    }
}

/// A policy with one tool, whose documents are made.
pub(super) struct Alone<'k> {
    keyed: &'k Keyed,
    server: String,
    /// The tool and how its name is spelled, where all names in the documents are plain.
    plain: Option<(Shape, &'k ToolPolicy)>,
}

impl<'k> Alone<'k> {
    /// Looks at the names once for all formats.
    pub(super) fn new(keyed: &'k Keyed) -> Self {
        let Keyed { key, policy } = keyed;
        let server = policy.server.to_string();
        let plain = match policy.tools.as_slice() {
            [tool] => shape(key, &server, &policy.release, tool.tool.raw()).map(|shape| (shape, tool)),
            _ => None,
        };
        Self { keyed, server, plain }
    }

    /// What [`Exporter::fragment`] gives.
    pub(super) fn fragment(&self, exporter: &Exporter, tier: Tier) -> (String, Option<EffectiveRule>) {
        let Some((shape, tool)) = self.plain.filter(|(_, tool)| tells_by_names(exporter, tool)) else {
            let (text, effects) = exporter.fragment(self.keyed, tier);
            return (text, effects.first().copied());
        };
        let policy = &self.keyed.policy;
        let (unnamed, bound) = (policy.release.is_empty(), !tool.arguments.is_empty());
        let kind: Kind =
            (exporter.id, tier, tool.rule, policy.default, tool.class, tool.risk, unnamed, bound, shape);
        let known =
            STENCILS.read().expect("no thread panics while it holds the stencils").get(&kind).cloned();
        let stencil = known.unwrap_or_else(|| {
            let made = Arc::new(stencil(exporter, policy, tool, tier, shape));
            let mut stencils = STENCILS.write().expect("no thread panics while it holds the stencils");
            if stencils.len() < MOST {
                stencils.insert(kind, Arc::clone(&made));
            }
            made
        });
        let name = tool.tool.raw();
        let mut text = String::with_capacity(stencil.length + 256);
        for piece in &stencil.pieces {
            match piece {
                Piece::Text(own) => text.push_str(own),
                Piece::Tool => text.push_str(name),
                Piece::LowerTool => text.extend(name.chars().map(|c| c.to_ascii_lowercase())),
                Piece::Key => text.push_str(&self.keyed.key),
                Piece::Server => text.push_str(&self.server),
                Piece::Release => text.push_str(&policy.release),
                Piece::Document(..) => unreachable!("no document is put into a document"),
            }
        }
        if cfg!(debug_assertions) {
            let (written, effects) = exporter.fragment(self.keyed, tier);
            assert_eq!((&text, stencil.effect), (&written, effects.first().copied()));
        }
        (text, stencil.effect)
    }
}

/// How the tool's name is spelled, if all the names are plain, or all are those of a stencil.
fn shape(key: &str, server: &str, release: &str, tool: &str) -> Option<Shape> {
    let made_up = key == KEY && server == SERVER && (release == RELEASE || release.is_empty());
    if made_up && let Some(shape) = Shape::of_made_up(tool) {
        return Some(shape);
    }
    Shape::of(tool).filter(|_| is_plain_key(key) && is_plain_text(server) && is_plain_text(release))
}

/// True if the documents of this format hold nothing of that tool but names, rule and verdict. A format that cannot look into arguments
/// only asks whether some are bound.
fn tells_by_names(exporter: &Exporter, tool: &ToolPolicy) -> bool {
    (exporter.on_pages && !exporter.can.arguments) || (tool.arguments.is_empty() && tool.places.is_empty())
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
        && key != UNNAMEABLE
        && !key.contains("qz")
}

pub(super) fn is_plain_text(text: &str) -> bool {
    let plain =
        |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'@' | b'/' | b':' | b'.' | b'-' | b'_' | b'+');
    text.len() <= LONGEST_SERVER && text.bytes().all(plain) && !text.contains("qz")
}

fn stencil(exporter: &Exporter, real: &ServerPolicy, tool: &ToolPolicy, tier: Tier, shape: Shape) -> Stencil {
    let made_up = ToolPolicy { tool: shape.name().into(), definition: String::new(), ..tool.clone() };
    let policy = ServerPolicy {
        server: SERVER.parse().expect("a package's name"),
        release: if real.release.is_empty() { String::new() } else { RELEASE.to_owned() },
        default: real.default,
        tools: vec![made_up],
    };
    let (text, effects) = exporter.fragment(&Keyed { key: KEY.to_owned(), policy }, tier);
    let length = text.len();
    Stencil { pieces: pieces(&text, shape.name()), effect: effects.first().copied(), length }
}

/// A made-up name, how far into it the two letters stand that all of them hold, once, and what it stands for.
type Mark<'m> = (&'m str, usize, fn() -> Piece);

/// A text in which made-up names stand, the tool's as given, cut at them.
pub(super) fn pieces(text: &str, tool: &str) -> Vec<Piece> {
    let lower = tool.to_ascii_lowercase();
    let marks: [Mark<'_>; 5] = [
        (SERVER, 4, || Piece::Server),
        (KEY, 0, || Piece::Key),
        (tool, 0, || Piece::Tool),
        (&lower, 0, || Piece::LowerTool),
        (RELEASE, 7, || Piece::Release),
    ];
    let mut pieces = Vec::new();
    let mut done = 0;
    for at in memchr::memmem::find_iter(text.as_bytes(), b"qz") {
        let named = marks.iter().find_map(|(mark, into, piece)| {
            let from = at.checked_sub(*into).filter(|from| *from >= done)?;
            text.get(from..)?.starts_with(mark).then(|| (from, mark.len(), piece()))
        });
        let found = named.or_else(|| {
            let digits = text.get(at..)?.strip_prefix(DOCUMENT)?.as_bytes();
            let digit = |place: usize| digits.get(place)?.checked_sub(b'0').filter(|digit| *digit < 10);
            Some((at, DOCUMENT.len() + 2, Piece::Document(digit(0)?, digit(1)?)))
        });
        let Some((from, length, piece)) = found else { continue };
        pieces.extend([Piece::Text(text.get(done..from).unwrap_or_default().to_owned()), piece]);
        done = from + length;
    }
    pieces.push(Piece::Text(text.get(done..).unwrap_or_default().to_owned()));
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::export::EXPORTERS;
    use crate::policy::Window;

    /// The comparison itself is in [`Alone::fragment`]: here are the names that come close to what formats treat in a way of its own.
    #[test]
    fn a_stencil_gives_what_the_exporter_writes() {
        let tools = [
            "put",
            "put_file",
            "put-file",
            "putFile",
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
            "aQz",
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
                    let (text, effects) = exporter.fragment(&keyed, tier);
                    let made = Alone::new(&keyed).fragment(exporter, tier);
                    assert_eq!(made, (text, effects.first().copied()), "{} {tool} {key}", exporter.id);
                }
            }
        }
    }

    #[test]
    fn what_stands_for_a_document_is_found_or_seen_to_be_lost() {
        let as_documents_are = pieces(&format!("<code>{}</code> {KEY}", stand_in(5, 2)), TOOL);
        assert!(matches!(as_documents_are.as_slice(), [_, Piece::Document(5, 2), _, Piece::Key, _]));
        assert!(!has_stand_in(&as_documents_are));
        // A template of somebody's own that escapes it otherwise, or shows a part of it.
        for otherwise in [stand_in(5, 2).replace('"', "&quot;"), stand_in(5, 2).replace("52", "5")] {
            assert!(has_stand_in(&pieces(&otherwise, TOOL)), "{otherwise}");
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
