//! What a target refuses is refused by `policy validate`, with the place, and what it takes is not. The faults are those that the targets'
//! published schemas and loaders name: the target `clients` holds them against those schemas themselves.

use catalogue::export::{Finding, Level, exporter};

fn errors(format: &str, text: &str) -> Vec<Finding> {
    let mut findings = (exporter(format).unwrap().validate)(text);
    findings.retain(|finding| finding.level == Level::Error);
    findings
}

/// Asserts one error, at this path and line, with these words.
fn refused(format: &str, text: &str, path: &str, line: usize, words: &str) {
    let found = errors(format, text);
    let [finding] = found.as_slice() else { panic!("{format}: {found:?}\n{text}") };
    assert_eq!((finding.path.as_str(), finding.line), (path, Some(line)), "{finding:?}\n{text}");
    assert!(finding.message.contains(words), "{finding:?}");
}

#[test]
fn codex_starts_with_no_value_of_another_kind() {
    let table = |more: &str| format!("[mcp_servers.s]\n{more}\ndefault_tools_approval_mode = \"prompt\"\n");
    assert_eq!(
        errors("codex", &table("url = \"https://a.example/mcp\"\nscopes = [\"a\"]\nauth = \"oauth\"")),
        []
    );
    assert_eq!(
        errors("codex", &table("command = \"x\"\nenv_vars = [\"A\", {name = \"B\", source = \"local\"}]")),
        []
    );
    for (more, path, line, words) in [
        ("command = 3", "mcp_servers.s.command", 2, "must be a text, this is a number"),
        ("command = \"x\"\nargs = \"y\"", "mcp_servers.s.args", 3, "must be a list"),
        ("command = \"x\"\nenv = {A = 1}", "mcp_servers.s.env.A", 3, "must be a text"),
        ("command = \"x\"\nenabled = \"yes\"", "mcp_servers.s.enabled", 3, "must be true or false"),
        ("command = \"x\"\nstartup_timeout_ms = -1", "mcp_servers.s.startup_timeout_ms", 3, "whole number"),
        ("command = \"x\"\nurl = \"y\"", "mcp_servers.s.url", 3, "not allowed beside command"),
        ("url = \"y\"\nargs = []", "mcp_servers.s.args", 3, "not allowed beside url"),
        (
            "command = \"x\"\nenv_vars = [{name = \"B\", source = \"b\"}]",
            "mcp_servers.s.env_vars[0].source",
            3,
            "local",
        ),
        ("command = \"x\"\noauth = {client = \"c\"}", "mcp_servers.s.oauth.client", 3, "unknown key"),
    ] {
        // What is about a server behind an address is told twice beside a command: once is enough to see here.
        let found = errors("codex", &table(more));
        assert!(
            found.iter().any(|f| f.path == path && f.line == Some(line) && f.message.contains(words)),
            "{more}: {found:?}"
        );
    }
}

#[test]
fn gemini_drops_the_file_for_a_value_of_another_kind() {
    let rule = |more: &str| {
        format!("[[rule]]\nmcpName = \"s\"\ntoolName = \"t\"\ndecision = \"deny\"\npriority = 500\n{more}\n")
    };
    let whole = rule("denyMessage = \"no\"\nmodes = [\"plan\"]\ninteractive = true");
    assert_eq!(errors("gemini-cli", &whole), []);
    let checker = "[[safety_checker]]\ntoolName = \"*\"\nchecker = {type = \"external\", name = \"x\"}\n";
    assert_eq!(errors("gemini-cli", &format!("{whole}{checker}")), []);
    refused("gemini-cli", &rule("denyMessage = 3"), "rule[0].denyMessage", 6, "must be a text");
    refused("gemini-cli", &rule("modes = [\"all\"]"), "rule[0].modes[0]", 6, "must be one of default");
    refused("gemini-cli", &rule("reason = \"x\""), "rule[0].reason", 6, "unknown key");
    let empty = rule("").replace("\"t\"", "\"\"");
    refused("gemini-cli", &empty, "rule[0].toolName", 3, "must not be empty");
    let shell = rule("commandPrefix = \"git\"");
    refused("gemini-cli", &shell, "rule[0].toolName", 3, "run_shell_command");
    let old = "[[rule]]\ntoolName = \"s__t\"\ndecision = \"deny\"\npriority = 500\n";
    refused("gemini-cli", old, "rule[0].toolName", 2, "never fires");
    let whole_name = old.replace("s__t", "mcp_s_a__t");
    assert_eq!(errors("gemini-cli", &whole_name), []);
    let half = "[[rule]]\ncommandPrefix = \"git\"\ndecision = \"deny\"\npriority = 500\n";
    refused("gemini-cli", half, "rule[0]", 1, "toolName is missing");
}

#[test]
fn agentgateway_starts_with_no_target_that_it_cannot_start() {
    let file = |target: &str| {
        format!(
            "mcp:\n  targets:\n  - {target}\n  policies:\n    mcpAuthorization:\n      rules:\n      - 'false'\n"
        )
    };
    for fine in [
        "{name: s, stdio: {cmd: x, args: [y], env: {A: b}}}",
        "{name: s, mcp: {host: 'https://a.example/mcp'}}",
        "{name: s, sse: {backend: b, path: null}}",
        "{name: s, openapi: {schema: {url: 'https://a.example'}, host: a, port: 80, path: /}}",
    ] {
        assert_eq!(errors("agentgateway", &file(fine)), [], "{fine}");
    }
    let beside = format!("{}gateways: {{}}\nllm: {{}}\n", file("{name: s, stdio: {cmd: x}}"));
    assert_eq!(errors("agentgateway", &beside), []);
    for (target, path, words) in [
        ("{stdio: {cmd: x}}", "mcp.targets[0].name", "missing"),
        ("{name: 3, stdio: {cmd: x}}", "mcp.targets[0].name", "must be a text"),
        ("{name: s}", "mcp.targets[0]", "needs one of stdio, sse, mcp, openapi"),
        ("{name: s, stdio: {cmd: x}, mcp: {host: a}}", "mcp.targets[0]", "only one of"),
        ("{name: s, stdio: {}}", "mcp.targets[0].stdio.cmd", "missing"),
        ("{name: s, stdio: {cmd: x, arg: [y]}}", "mcp.targets[0].stdio.arg", "Did you mean args?"),
        ("{name: s, mcp: {host: a, port: 70000}}", "mcp.targets[0].mcp.port", "from 0 to 65535"),
        ("s", "mcp.targets[0]", "must be a map"),
    ] {
        refused("agentgateway", &file(target), path, 3, words);
    }
}

#[test]
fn envoy_takes_no_resource_that_its_definition_refuses() {
    let route = |from: &str, to: &str| {
        "apiVersion: aigateway.envoyproxy.io/v1beta1\nkind: MCPRoute\nmetadata: {name: n}\nspec:\n  parentRefs: [{name: g, kind: Gateway}]\n  \
         backendRefs: [{name: b, toolSelector: {include: [t]}}]\n"
            .replacen(from, to, 1)
    };
    assert_eq!(errors("envoy", &route("", "")), []);
    assert_eq!(errors("envoy", &route("spec:\n", "spec:\n  hostnames: ['*.a.example']\n")), []);
    for (from, to, path, line, words) in [
        ("v1beta1", "v1", "apiVersion", 1, "must be one of"),
        ("metadata: {name: n}", "metadata: n", "metadata", 3, "must be a map"),
        ("metadata: {name: n}\n", "", "metadata", 1, "missing"),
        ("kind: Gateway", "kind: Service", "spec.parentRefs[0].kind", 5, "must be Gateway"),
        ("name: g, ", "", "spec.parentRefs[0].name", 5, "missing"),
        ("[{name: g, kind: Gateway}]", "[]", "spec.parentRefs", 5, "at least 1"),
        ("name: b", "name: ''", "spec.backendRefs[0].name", 6, "1 to 253"),
        ("include: [t]", "include: [3]", "spec.backendRefs[0].toolSelector.include[0]", 6, "must be a text"),
        (
            "include: [t]",
            "includes: [t]",
            "spec.backendRefs[0].toolSelector.includes",
            6,
            "Did you mean include?",
        ),
        ("name: b", "weight: 1, name: b", "spec.backendRefs[0].weight", 6, "unknown key"),
        (
            "[{name: b,",
            "[{name: b, toolSelector: {exclude: [x]}}, {name: b,",
            "spec.backendRefs[1].name",
            6,
            "as well",
        ),
        ("name: b", "name: b, kind: Service, group: ''", "spec.backendRefs[0].port", 6, "needs one"),
    ] {
        refused("envoy", &route(from, to), path, line, words);
    }
    let older = (exporter("envoy").unwrap().validate)(&route("v1beta1", "v1alpha1"));
    assert!(older.iter().any(|f| f.level == Level::Warning && f.message.contains("deprecated")), "{older:?}");
}

#[test]
fn claude_code_knows_no_tool_that_is_written_small() {
    let settings = |rule: &str| format!("{{\"permissions\": {{\n\"deny\": [\"{rule}\"]}}}}");
    for fine in ["Bash", "Bash(rm *)", "Read(./.env)", "WebFetch(domain:a.example)", "mcp__s__t"] {
        assert_eq!((exporter("claude-code").unwrap().validate)(&settings(fine)), [], "{fine}");
    }
    refused("claude-code", &settings("bash"), "permissions.deny[0]", 2, "begins with a capital");
    refused("claude-code", &settings(""), "permissions.deny[0]", 2, "begins with a capital");
    refused("claude-code", &settings("Bash()"), "permissions.deny[0]", 2, "in parentheses");
    refused("claude-code", &settings("Bash(x"), "permissions.deny[0]", 2, "in parentheses");
    let odd = (exporter("claude-code").unwrap().validate)(&settings("Rea"));
    assert!(odd[0].message.contains("Did you mean Read?"), "{odd:?}");
    let modes = "{\"permissions\": {\"defaultMode\": \"all\", \"disableAutoMode\": \"disable\"}}";
    refused("claude-code", modes, "permissions.defaultMode", 1, "must be one of");
}
