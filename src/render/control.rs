//! How to control a tool or a server: each format's document, what it really does, and how that server is put behind it.

use serde::Serialize;

use crate::export::{EXPORTERS, Exporter};
use crate::model::emit::json_line;
use crate::model::text::is_unprintable;
use crate::model::{Registry, ServerKey};
use crate::policy::{Rule, ServerPolicy, ToolPolicy, Window};
use crate::store::site::{SiteAttempt, SiteProbe};

use super::RenderError;
use super::name::tool_name;

/// A neutral rule, or what a format makes of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(super) struct RuleWord {
    /// `allow`, `limit`, `deny`, `hide` or `ask`.
    pub(super) kind: &'static str,
    /// Calls a window, where it is a limit.
    pub(super) max: u32,
    /// `minute`, `hour` or `day`, where it is a limit.
    pub(super) window: &'static str,
}

/// One format on a page.
#[derive(Debug, Clone, Serialize)]
pub(super) struct FormatView {
    pub(super) id: &'static str,
    pub(super) title: &'static str,
    pub(super) language: &'static str,
    /// The document. Holds foreign names.
    pub(super) text: String,
    /// Its lines, where the page shows only the beginning.
    pub(super) lines_left_out: usize,
    /// Path of the file for the whole server.
    pub(super) file: String,
    /// The file's name, as steps call it.
    pub(super) file_name: String,
    /// What the document does with this tool; only on a tool's page.
    pub(super) rule: Option<RuleWord>,
    /// Why it does that, see the exporter's reasons.
    pub(super) reason: &'static str,
    /// The document names the tool.
    pub(super) named: bool,
    /// How many tools of the server the document treats in which way; only on a server's page.
    pub(super) counts: Option<Counts>,
    /// Another document of this format could limit this tool.
    pub(super) can_limit: bool,
    /// Another document of this format could take this tool out of the list.
    pub(super) can_hide: bool,
}

/// Tools by what a document does with their calls.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub(super) struct Counts {
    pub(super) allowed: usize,
    pub(super) limited: usize,
    pub(super) denied: usize,
    pub(super) hidden: usize,
}

/// How a server is started, for steps that put a proxy before it.
#[derive(Debug, Clone, Default, Serialize)]
pub(super) struct Launch {
    /// `package`, `remote` or `command`.
    pub(super) kind: &'static str,
    /// The client's entry for the server behind Intercept, as JSON text.
    pub(super) intercept_entry: String,
    /// The same as one line for a shell.
    pub(super) intercept_line: String,
    /// Settings that had to be there for it to start.
    pub(super) settings: Vec<String>,
    /// How many arguments had to be there for it to start.
    pub(super) added: usize,
}

pub(super) fn rule_word(rule: Rule) -> RuleWord {
    match rule {
        Rule::Allow => plain("allow"),
        Rule::Limit { max, window } => limit(max, window),
        rule => plain(rule.word()),
    }
}

fn plain(kind: &'static str) -> RuleWord {
    RuleWord { kind, max: 0, window: "" }
}

fn limit(max: u32, window: Window) -> RuleWord {
    RuleWord { kind: "limit", max, window: window.as_str() }
}

/// The file name of a format's document for a whole server, below the server's folder.
pub(super) fn policy_file(exporter: &Exporter) -> String {
    format!("policy/{}.{}", exporter.id, exporter.language)
}

/// Every format for one tool of a server whose whole documents [`server_formats`] makes and checks.
pub(super) fn tool_formats(policy: &ServerPolicy, tool: &ToolPolicy, server_path: &str) -> Vec<FormatView> {
    let alone = ServerPolicy {
        server: policy.server.clone(),
        release: policy.release.clone(),
        default: policy.default,
        tools: vec![tool.clone()],
    };
    EXPORTERS
        .iter()
        .filter(|exporter| exporter.on_pages)
        .map(|exporter| {
            let mut view = format_view(exporter, exporter.part_of(&alone), server_path);
            let effective = exporter.effective(tool);
            view.rule = Some(rule_word(effective.rule));
            view.reason = effective.reason.as_str();
            view.named = effective.named;
            let instead = |rule| exporter.effective(&ToolPolicy { rule, ..tool.clone() });
            let limited = instead(Rule::Limit { max: 1, window: Window::Minute });
            view.can_limit = matches!(limited.rule, Rule::Limit { .. });
            view.can_hide = exporter.can.hide && instead(Rule::Hide).named;
            view
        })
        .collect()
}

/// Every format for a whole server; `most_lines` of each are shown.
///
/// # Errors
/// A document that its own format would refuse: a defect of the program.
pub(super) fn server_formats(
    policy: &ServerPolicy,
    server_path: &str,
    most_lines: usize,
) -> Result<Vec<(FormatView, String)>, RenderError> {
    EXPORTERS
        .iter()
        .filter(|exporter| exporter.on_pages)
        .map(|exporter| {
            let text = exporter.document_of(policy).map_err(|source| RenderError::Export {
                server: policy.server.to_string(),
                format: exporter.id,
                source: Box::new(source),
            })?;
            let mut view = format_view(exporter, text, server_path);
            view.counts = Some(counts(exporter, policy));
            let whole = view.text.clone();
            let lines = whole.lines().count();
            // A cut that saves less than a quarter only makes a document useless.
            if lines > most_lines + most_lines / 4 {
                view.text = whole.lines().take(most_lines).collect::<Vec<_>>().join("\n");
                view.lines_left_out = lines - most_lines;
            }
            Ok((view, whole))
        })
        .collect()
}

fn counts(exporter: &Exporter, policy: &ServerPolicy) -> Counts {
    let mut counts = Counts::default();
    for tool in &policy.tools {
        match exporter.effective(tool).rule {
            Rule::Allow => counts.allowed += 1,
            Rule::Limit { .. } => counts.limited += 1,
            // No format on a page asks.
            Rule::Ask | Rule::Deny => counts.denied += 1,
            Rule::Hide => counts.hidden += 1,
        }
    }
    counts
}

fn format_view(exporter: &Exporter, text: String, server_path: &str) -> FormatView {
    let file = policy_file(exporter);
    FormatView {
        id: exporter.id,
        title: exporter.title,
        language: exporter.language,
        text,
        lines_left_out: 0,
        file_name: file.rsplit('/').next().unwrap_or_default().to_owned(),
        file: format!("{server_path}/{file}"),
        rule: None,
        reason: "as-recommended",
        named: true,
        counts: None,
        can_limit: false,
        can_hide: false,
    }
}

/// How the server was started, said for a client that starts Intercept in its place.
pub(super) fn launch(key: &ServerKey, probe: &SiteProbe, chosen: Option<&SiteAttempt>) -> Launch {
    let (kind, behind) = match key.registry() {
        Registry::Remote => {
            let transport = if probe.transport.as_deref() == Some("http-sse") { "sse" } else { "http" };
            let words = ["--transport", transport, "--upstream", key.name()];
            ("remote", words.map(str::to_owned).to_vec())
        }
        Registry::Npm | Registry::Pypi => ("package", after_dashes(package_command(key, probe, chosen))),
        Registry::Github | Registry::Local => {
            ("command", after_dashes(chosen.map(|a| a.command.clone()).unwrap_or_default()))
        }
    };
    let settings: Vec<String> = chosen.map(|a| a.env.keys().cloned().collect()).unwrap_or_default();
    let mut args = vec!["-c".to_owned(), "intercept.yaml".to_owned()];
    args.extend(behind);
    Launch {
        kind,
        intercept_entry: entry(&args, &settings),
        intercept_line: shell_line(std::iter::once("intercept").chain(args.iter().map(String::as_str))),
        settings: settings.iter().map(|name| tool_name(name, 100)).collect(),
        added: chosen.map_or(0, |a| a.args.len()),
    }
}

fn after_dashes(command: Vec<String>) -> Vec<String> {
    std::iter::once("--".to_owned()).chain(command).collect()
}

/// The command a user types for a package that was resolved and started here, with the arguments it needed.
fn package_command(key: &ServerKey, probe: &SiteProbe, chosen: Option<&SiteAttempt>) -> Vec<String> {
    let name = key.name();
    let mut words: Vec<String> = if key.registry() == Registry::Npm {
        vec!["npx".to_owned(), "-y".to_owned(), format!("{name}@{}", probe.version)]
    } else {
        let extras = chosen.map(|a| a.extras.join(",")).filter(|e| !e.is_empty());
        let extras = extras.map(|e| format!("[{e}]")).unwrap_or_default();
        let wanted = format!("{name}{extras}=={}", probe.version);
        let mut words: Vec<String> = ["uvx", "--from"].map(str::to_owned).into();
        words.push(wanted);
        words.extend(python_start(chosen, name));
        words
    };
    words.extend(chosen.map(|a| a.args.clone()).unwrap_or_default());
    words
}

/// What was started inside the box: a script of the package, or `python -m MODULE`.
fn python_start(chosen: Option<&SiteAttempt>, name: &str) -> Vec<String> {
    let command = chosen.map(|a| a.command.as_slice()).unwrap_or_default();
    let base = |word: &String| word.rsplit('/').next().unwrap_or_default().to_owned();
    if let Some(at) = command.iter().position(|w| w == "-m")
        && let Some(module) = command.get(at + 1)
    {
        return vec!["python".to_owned(), "-m".to_owned(), module.clone()];
    }
    let is_python = |word: &String| {
        word.strip_prefix("python").is_some_and(|rest| rest.chars().all(|c| c.is_ascii_digit() || c == '.'))
    };
    let script = command.iter().map(base).find(|word| !word.is_empty() && !is_python(word));
    vec![script.unwrap_or_else(|| name.to_owned())]
}

/// The entry as people write it: the program first, its arguments on one line. Every part is written as JSON.
fn entry(args: &[String], settings: &[String]) -> String {
    let json = |text: &str| json_line(text).unwrap_or_default().trim_end().to_owned();
    let list = |words: &[String]| words.iter().map(|w| json(w)).collect::<Vec<_>>().join(", ");
    let mut entry = format!("{{\n  \"command\": \"intercept\",\n  \"args\": [{}]", list(args));
    if !settings.is_empty() {
        let env =
            settings.iter().map(|name| format!("    {}: {}", json(name), json(&format!("your {name}"))));
        entry.push_str(&format!(",\n  \"env\": {{\n{}\n  }}", env.collect::<Vec<_>>().join(",\n")));
    }
    entry.push_str("\n}");
    entry
}

/// Words as one line for a shell: whatever is in them, it is one command. Empty where a word holds what cannot be seen, which
/// nobody should paste; the JSON entry beside it still can say it.
pub(super) fn shell_line<'a>(words: impl IntoIterator<Item = &'a str>) -> String {
    let words: Vec<&str> = words.into_iter().collect();
    if words.iter().any(|word| word.chars().any(is_unprintable)) {
        return String::new();
    }
    shlex::try_join(words).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_python_package_is_started_by_its_script_or_module() {
        let name = "my-tool";
        assert_eq!(python_start(None, name), ["my-tool"]);
        let attempt = |command: &[&str]| SiteAttempt {
            position: 0,
            rung: "bare".to_owned(),
            command: command.iter().map(|w| (*w).to_owned()).collect(),
            args: vec![],
            env: Default::default(),
            dependencies_as_of: None,
            extras: vec![],
            outcome: crate::model::Outcome::Ok,
            detail: "".into(),
            tools: 1,
            started_at: jiff::Timestamp::UNIX_EPOCH,
            millis: 1,
            log_tail: "".into(),
        };
        assert_eq!(python_start(Some(&attempt(&["/box/bin/mcp-x", "stdio"])), name), ["mcp-x"]);
        let module = attempt(&["/box/bin/python3", "-m", "mod"]);
        assert_eq!(python_start(Some(&module), name), ["python", "-m", "mod"]);
    }

    #[test]
    fn the_entry_is_json_whatever_is_in_it() {
        let args = ["-c", "a\"b", "--", "x"].map(str::to_owned);
        let read: serde_json::Value =
            serde_json::from_str(&entry(&args, &["K\n".to_owned(), "L".to_owned()])).unwrap();
        assert_eq!(
            read,
            serde_json::json!({
                "command": "intercept", "args": args, "env": {"K\n": "your K\n", "L": "your L"}
            })
        );
    }

    #[test]
    fn a_command_line_is_quoted() {
        assert_eq!(shell_line(["intercept", "-c", "a b", "--", "x;rm"]), "intercept -c 'a b' -- 'x;rm'");
        let address = "remote:https://h.example/;touch$IFS'x'|sh";
        assert_eq!(shlex::split(&shell_line(["scan", address])), Some(vec!["scan".into(), address.into()]));
        for unseen in ["a\nrm x", "a\u{202e}b", "\u{0}"] {
            assert_eq!(shell_line(["x", unseen]), "", "{unseen:?}");
        }
    }
}
