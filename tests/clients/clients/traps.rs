//! Documents as people write them, and what the clients make of them: the traps of research/policy-targets.md.

use std::collections::BTreeMap;

use super::Bench;
use super::record::Recorded;
use crate::cases::{LONG, Mark, marks};
use crate::drive::{Mode, trial};

/// A trap: who falls into it, the document, and whether a call of each tool arrives in the loosest mode.
struct Trap {
    client: &'static str,
    name: &'static str,
    document: &'static str,
    /// Of the server `odd`.
    tools: &'static [(&'static str, bool)],
}

const TRAPS: &[Trap] = &[
    Trap {
        client: "claude-code",
        name: "a deny with the raw name does nothing",
        document: r#"{"permissions": {"deny": ["mcp__odd__page.create", "mcp__odd__with space", "MCP__odd__create", "mcp__odd__plain_delete"]}}"#,
        tools: &[("page.create", true), ("with space", true), ("create", true), ("plain_delete", false)],
    },
    Trap {
        client: "claude-code",
        name: "one wrong type drops the whole file",
        document: r#"{"permissions": {"deny": "mcp__odd__plain_delete"}}"#,
        tools: &[("plain_delete", true)],
    },
    Trap {
        client: "claude-code",
        name: "a broad deny beats a narrow allow",
        document: r#"{"permissions": {"deny": ["mcp__odd"], "allow": ["mcp__odd__plain_read"]}}"#,
        tools: &[("plain_read", false), ("plain_write", false)],
    },
    Trap {
        client: "codex",
        name: "a deny with the mangled name does nothing and a star is no wildcard",
        document: "[mcp_servers.\"odd\"]\ncommand = \"\"\ndisabled_tools = [\"page_create\", \"plain_*\", \"with space\"]\ndefault_tools_approval_mode = \"approve\"\n[mcp_servers.\"second\"]\ncommand = \"\"\n",
        tools: &[("page.create", true), ("plain_delete", true), ("with space", false)],
    },
    Trap {
        client: "codex",
        name: "auto and writes believe the server's own hints",
        document: "[mcp_servers.\"odd\"]\ncommand = \"\"\ndefault_tools_approval_mode = \"writes\"\n[mcp_servers.\"second\"]\ncommand = \"\"\n",
        tools: &[("plain_delete", true)],
    },
    Trap {
        client: "opencode",
        name: "the last match wins",
        document: r#"{"permission": {"odd_plain_delete": "deny", "odd_*": "allow", "odd_plain_write": "deny"}}"#,
        tools: &[("plain_delete", true), ("plain_write", false)],
    },
    Trap {
        client: "opencode",
        name: "a deny with the raw name does nothing and what nothing is said about is allowed",
        document: r#"{"permission": {"odd_page.create": "deny"}}"#,
        tools: &[("page.create", true), ("plain_delete", true)],
    },
    Trap {
        client: "opencode",
        name: "the older tools comes before permission",
        document: r#"{"tools": {"odd_plain_delete": false}, "permission": {"odd_*": "allow"}}"#,
        tools: &[("plain_delete", true)],
    },
    Trap {
        client: "copilot-cli",
        name: "a deny with the raw name does nothing and a star is no wildcard",
        document: "#!/bin/sh\nexec copilot \\\n  '--deny-tool=odd(page.create)' \\\n  '--deny-tool=odd(plain_*)' \\\n  '--deny-tool=odd(with-space)' \\\n  \"$@\"\n",
        tools: &[("page.create", true), ("plain_delete", true), ("with space", false)],
    },
    Trap {
        client: "copilot-cli",
        name: "a long name is cut and a deny of the whole name does nothing",
        document: "#!/bin/sh\nexec copilot \\\n  '--deny-tool=odd(long_name_that_goes_on_and_on_and_on_until_it_is_cut_somewhere_in_its_middle_or_at_its_very_end)' \\\n  \"$@\"\n",
        tools: &[(LONG, true)],
    },
    Trap {
        client: "copilot-cli",
        name: "what a server calls read-only runs unasked where nothing is said",
        document: "#!/bin/sh\nexec copilot \\\n  '--deny-tool=odd(plain_read)' \\\n  \"$@\"\n",
        tools: &[("plain_delete", true), ("plain_read", false)],
    },
];

pub(crate) fn try_out(bench: &Bench<'_>, recorded: &mut Recorded) {
    for trap in TRAPS.iter().filter(|t| t.client == bench.client.format) {
        let mark = |name: &str| marks().into_iter().find(|m| m.server == 0 && m.name() == name).unwrap();
        let tools: Vec<Mark> = trap.tools.iter().map(|(name, _)| mark(name)).collect();
        let calls: BTreeMap<_, _> =
            bench.calls.iter().filter(|(m, _)| tools.contains(m)).map(|(m, c)| (*m, c.clone())).collect();
        let run = |mode| trial(bench.client, bench.program, Some(trap.document), mode, &calls);
        let (plain, bypass) = (run(Mode::Plain), run(Mode::Bypass));
        for (name, arrives) in trap.tools {
            let arrived = bypass.arrived.contains(&mark(name));
            assert_eq!(arrived, *arrives, "{}: {}: {name:?}\n{}", trap.client, trap.name, bypass.said);
        }
        recorded.trap(trap.name, trap.document, &tools, &plain, &bypass);
    }
}
