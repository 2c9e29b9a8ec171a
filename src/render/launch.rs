//! How a server is put behind a proxy: the client's entry and the command line that start Intercept in its place.

use serde::Serialize;

use super::name::tool_name;
use crate::model::emit::json_line;
use crate::model::text::is_unprintable;
use crate::model::{Registry, ServerKey};
use crate::store::site::{SiteAttempt, SiteProbe};

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
