//! Names as each target sees them: how it mangles a server's key and a tool's name, and where two become one.
//!
//! Half of the targets match the mangled name and half the raw one, and a rule in the wrong form is accepted and does
//! nothing (research/policy-targets.md sections 0 and 1, each tried out on the version named there). The mangled forms hold
//! none of the wildcards of their languages, so a name can never widen a rule. The mangling clients are JavaScript:
//! a character beyond U+FFFF counts as two there.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::LazyLock;

use icu_normalizer::ComposingNormalizerBorrowed;
use regex::Regex;

/// The form of names that a target matches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// As the server says them.
    Raw,
    /// `mcp__server__tool`, everything else `_`; before that the tool in NFKC and without invisible characters. Claude Code
    /// 2.1.329.
    ClaudeCode,
    /// `server_tool`, everything else `_`. OpenCode 1.18.33.
    OpenCode,
    /// `mcp_server_tool`, everything else `_`, cut at 63. gemini-cli-core 0.61.0.
    Gemini,
    /// The server raw, of the tool everything else `-`, beyond ASCII punycode, both together cut at 64. Copilot CLI
    /// 1.0.102.
    Copilot,
}

/// Longest name that Gemini keeps whole.
const GEMINI_LONGEST: usize = 63;
/// Longest `key-tool` that Copilot CLI keeps whole; a longer one loses its end.
pub(super) const COPILOT_LONGEST: usize = 64;
/// Longest name that Claude Code offers.
pub(super) const CLAUDE_LONGEST: usize = 128;

impl Form {
    /// The whole name under which the target knows a tool. Two tools with one such name are one tool there.
    pub fn whole(self, key: &str, tool: &str) -> String {
        match self {
            Form::Raw => format!("{key}\0{tool}"),
            Form::ClaudeCode => {
                let tool = claude_tool(tool);
                ["mcp__", &claude_server(key), "__", &replaced(&tool, '_', is_plain)].concat()
            }
            Form::OpenCode => [&replaced(key, '_', is_plain), "_", &replaced(tool, '_', is_plain)].concat(),
            Form::Gemini => gemini_whole(key, tool),
            Form::Copilot => {
                // `key-tool` is cut at 64, and a rule has to name what is left of the tool.
                let left = COPILOT_LONGEST.saturating_sub(key.chars().count() + 1);
                format!("{key}({})", copilot_tool(tool).chars().take(left).collect::<String>())
            }
        }
    }

    /// The part of it that a rule names the tool by.
    pub fn in_rule<'t>(self, key: &str, tool: &'t str) -> Cow<'t, str> {
        match self {
            Form::Raw => tool.into(),
            Form::ClaudeCode | Form::OpenCode | Form::Copilot => self.whole(key, tool).into(),
            Form::Gemini => {
                let whole = gemini_whole(key, tool);
                let rest = whole.strip_prefix("mcp_").and_then(|rest| rest.strip_prefix(key));
                match rest.and_then(|rest| rest.strip_prefix('_')) {
                    // Most names stay as they are.
                    Some(rest) if rest == tool && gemini_key_is_safe(key) => tool.into(),
                    Some(rest) if gemini_key_is_safe(key) => rest.to_owned().into(),
                    _ => whole.into(),
                }
            }
        }
    }

    /// The names of rules that more than one of these tools answers to, with the tools.
    pub fn collisions<'a>(
        self,
        tools: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> BTreeMap<String, Vec<(&'a str, &'a str)>> {
        let mut groups: BTreeMap<String, Vec<(&str, &str)>> = BTreeMap::new();
        for (key, tool) in tools {
            groups.entry(self.whole(key, tool)).or_default().push((key, tool));
        }
        groups.retain(|_, members| members.len() > 1);
        groups
    }
}

fn is_plain(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '-')
}

fn replaced(text: &str, by: char, kept: impl Fn(char) -> bool) -> Cow<'_, str> {
    if text.bytes().all(|byte| byte.is_ascii() && kept(char::from(byte))) {
        return text.into();
    }
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if kept(c) {
            out.push(c);
        } else {
            (0..c.len_utf16()).for_each(|_| out.push(by));
        }
    }
    out.into()
}

/// The server's part in Claude Code; keys of its vendor's own connectors also lose runs of `_`.
pub(super) fn claude_server(key: &str) -> Cow<'_, str> {
    let name = replaced(key, '_', is_plain);
    if !key.starts_with("claude.ai ") {
        return name;
    }
    name.split('_').filter(|part| !part.is_empty()).collect::<Vec<_>>().join("_").into()
}

/// A tool as Claude Code reads it off the wire: compatibility forms composed, and what is invisible or nothing taken out,
/// until neither changes it. `ｄｅｌｅｔｅ` in full width is `delete` there (seen: tests/suite/decisions/claude-code.json).
fn claude_tool(tool: &str) -> Cow<'_, str> {
    static NOTHING: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r"[\p{Cf}\p{Co}\p{Cn}\x{200B}-\x{200F}\x{202A}-\x{202E}\x{2066}-\x{2069}]")
            .expect("a class of characters")
    });
    if tool.is_ascii() {
        return Cow::Borrowed(tool);
    }
    let mut name = tool.to_owned();
    for _ in 0..10 {
        let composed = ComposingNormalizerBorrowed::new_nfkc().normalize(&name).into_owned();
        let visible = NOTHING.replace_all(&composed, "").into_owned();
        if visible == name {
            break;
        }
        name = visible;
    }
    Cow::Owned(name)
}

/// Whether rules with this `mcpName` fire in Gemini for every tool.
pub(super) fn gemini_key_is_safe(key: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | ':' | '-');
    !key.is_empty() && key.len() <= 25 && key.chars().all(plain) && key != "mcp" && !key.starts_with("mcp_")
}

fn gemini_whole(key: &str, tool: &str) -> String {
    let begins = key == "mcp" || key.starts_with("mcp_");
    let name = [if begins { "" } else { "mcp_" }, key, "_", tool].concat();
    let kept = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | ':' | '-');
    let name = if name.bytes().all(|b| b.is_ascii() && kept(char::from(b))) {
        name
    } else {
        replaced(&name, '_', kept).into_owned()
    };
    let length = name.chars().count();
    if length <= GEMINI_LONGEST {
        return name;
    }
    let first: String = name.chars().take(30).collect();
    let last: String = name.chars().skip(length - 30).collect();
    format!("{first}...{last}")
}

/// A tool as Copilot CLI names it.
pub(super) fn copilot_tool(tool: &str) -> String {
    if tool.is_ascii() {
        return replaced(tool, '-', is_plain).into_owned();
    }
    let labels: Vec<String> = tool
        .split('.')
        .map(|label| if label.is_ascii() { label.to_owned() } else { format!("xn--{}", punycode(label)) })
        .collect();
    replaced(&labels.join("."), '-', is_plain).into_owned()
}

/// RFC 3492, section 6.3.
fn punycode(label: &str) -> String {
    let input: Vec<u32> = label.chars().map(u32::from).collect();
    let mut out: String = label.chars().filter(char::is_ascii).collect();
    let basic = out.len() as u32;
    if basic > 0 {
        out.push('-');
    }
    let (mut n, mut delta, mut bias, mut done) = (128_u32, 0_u32, 72_u32, basic);
    while (done as usize) < input.len() {
        let Some(next) = input.iter().copied().filter(|c| *c >= n).min() else { break };
        delta = delta.saturating_add((next - n).saturating_mul(done + 1));
        n = next;
        for c in &input {
            if *c < n {
                delta = delta.saturating_add(1);
            }
            if *c == n {
                let (mut q, mut k) = (delta, 36_u32);
                loop {
                    let t = k.saturating_sub(bias).clamp(1, 26);
                    if q < t {
                        break;
                    }
                    out.push(digit(t + (q - t) % (36 - t)));
                    q = (q - t) / (36 - t);
                    k += 36;
                }
                out.push(digit(q));
                bias = adapt(delta, done + 1, done == basic);
                delta = 0;
                done += 1;
            }
        }
        delta = delta.saturating_add(1);
        n = n.saturating_add(1);
    }
    out
}

fn digit(d: u32) -> char {
    char::from_digit(d.wrapping_add(10) % 36, 36).unwrap_or('a')
}

fn adapt(delta: u32, points: u32, first: bool) -> u32 {
    let mut delta = if first { delta / 700 } else { delta / 2 };
    delta += delta / points;
    let mut k = 0;
    while delta > 455 {
        delta /= 35;
        k += 36;
    }
    k + 36 * delta / (delta + 38)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_client_sees_the_name_in_its_own_form() {
        let long = "x".repeat(100);
        for (form, key, tool, rule) in [
            (Form::ClaudeCode, "my srv", "page.create", "mcp__my_srv__page_create"),
            (Form::ClaudeCode, "s", "x()", "mcp__s__x__"),
            (Form::ClaudeCode, "s", "*", "mcp__s___"),
            (Form::ClaudeCode, "s", "\u{202e}x", "mcp__s__x"),
            (Form::ClaudeCode, "s", "e\u{301}", "mcp__s___"),
            (Form::ClaudeCode, "s", "\u{ff44}\u{ff45}\u{ff4c}", "mcp__s__del"),
            (Form::ClaudeCode, "s", "\u{1f600}", "mcp__s____"),
            (Form::ClaudeCode, "claude.ai  A (b)", "t", "mcp__claude_ai_A_b__t"),
            (Form::OpenCode, "odd", "page.create", "odd_page_create"),
            (Form::OpenCode, "odd", "\u{1f600}", "odd___"),
            (Form::Gemini, "github", "page.create", "page.create"),
            (Form::Gemini, "github", "a/b", "a_b"),
            (Form::Gemini, "mcp_x", "t", "mcp_x_t"),
            (Form::Gemini, "my srv", "t", "mcp_my_srv_t"),
            (Form::Copilot, "my.srv", "page.create", "my.srv(page-create)"),
            (Form::Copilot, "s", "日本", "s(xn--wgv71a)"),
            (Form::Copilot, "s", "naïve tool", "s(xn--nave-tool-15a)"),
            (Form::Copilot, "s", "e\u{301}", "s(xn--e-xbb)"),
            (Form::Raw, "s", "日本 *", "日本 *"),
        ] {
            assert_eq!(form.in_rule(key, tool), rule, "{form:?} {key:?} {tool:?}");
        }
        assert_eq!(Form::Copilot.in_rule("key", &long), format!("key({})", "x".repeat(60)));
        let cut = Form::Gemini.in_rule("k", &long);
        assert_eq!(cut.len(), 63 - "mcp_k_".len());
        assert!(cut.contains("..."));
    }

    #[test]
    fn punycode_is_that_of_the_rfc() {
        for (label, code) in
            [("bücher", "bcher-kva"), ("日本", "wgv71a"), ("他们为什么不说中文", "ihqwcrb4cv8a8dqg056pqjye")]
        {
            assert_eq!(punycode(label), code);
        }
    }

    #[test]
    fn three_names_that_differ_by_one_separator_are_one_in_claude_code() {
        let tools = ["a/b", "a,b", "a;b", "a__b", "c"].map(|t| ("s", t));
        let found = Form::ClaudeCode.collisions(tools);
        assert_eq!(found.len(), 1);
        assert_eq!(found["mcp__s__a_b"].len(), 3);
        assert!(Form::Raw.collisions(tools).is_empty());
        // Two servers become one name, too.
        assert_eq!(Form::OpenCode.collisions([("a", "b_c"), ("a_b", "c")]).len(), 1);
    }
}
