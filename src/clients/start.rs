//! What an entry starts: a published package, a remote server, or a program of this machine.

use std::path::{Path, PathBuf};

use url::Url;

use super::entry::Entry;
use super::launch::{Launch, launch_of, program_name};
use super::places::Surroundings;
use super::secret::{PLACEHOLDER, plain_address, without_secrets};
use super::table::Scope;
use crate::model::{ServerKey, Target};

/// What an entry starts. Nothing in it is secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Start {
    /// A published package, or a remote server.
    Known(Target),
    /// A program of this machine.
    Program {
        /// Program and arguments; what could be a secret is replaced by [`PLACEHOLDER`].
        command: Vec<String>,
        /// The folder it is started in, if the entry or its file says one.
        folder: Option<PathBuf>,
    },
}

/// Where an entry stands.
pub(super) struct Origin<'a> {
    pub(super) scope: Scope,
    /// The folder of the project.
    pub(super) folder: Option<&'a Path>,
    pub(super) around: &'a Surroundings<'a>,
    pub(super) bridges: Vec<ServerKey>,
}

/// Longest shell line that is looked into.
const MAX_DEPTH: usize = 4;

/// What `entry` starts.
///
/// # Errors
/// Why it is left out, in words of our own.
pub(super) fn start_of(entry: Entry, origin: &Origin<'_>) -> Result<Start, &'static str> {
    if entry.is_off() {
        return Err("it is switched off in its client");
    }
    let words = whole_words(entry.words());
    let Some(words) = words.filter(|words| words.first().is_some_and(|word| !word.is_empty())) else {
        let address = entry.address().ok_or("it has neither a command nor an address")?;
        return remote(address, origin);
    };
    let words = unwrapped(words, 0);
    match launch_of(&words) {
        Launch::Package { target, args } if origin.bridges.contains(&target.server()) => {
            let address =
                args.iter().find(|word| word.starts_with("https://") || word.starts_with("http://"));
            address.map_or(Ok(Start::Known(target)), |address| remote(address, origin))
        }
        Launch::Package { target, .. } => Ok(Start::Known(target)),
        Launch::Other(why) => Err(why),
        Launch::Program => program(&words, entry.folder(), origin),
    }
}

/// Some clients take a whole line as `command`.
fn whole_words(words: Vec<String>) -> Option<Vec<String>> {
    match words.as_slice() {
        [line] if line.contains(char::is_whitespace) && !Path::new(line).exists() => shlex::split(line),
        _ => Some(words),
    }
}

/// The words behind `cmd /c`, `env A=b` and a shell that is given one plain command.
fn unwrapped(words: Vec<String>, depth: usize) -> Vec<String> {
    let Some((program, rest)) = words.split_first().filter(|_| depth < MAX_DEPTH) else { return words };
    let inner = match program_name(program).as_str() {
        "cmd" if rest.first().is_some_and(|o| o.eq_ignore_ascii_case("/c")) => Some(rest[1..].to_vec()),
        "env" => {
            let is_setting = |word: &&String| !word.starts_with('-') && word.contains('=');
            let behind: Vec<String> = rest.iter().skip_while(is_setting).cloned().collect();
            behind.first().is_some_and(|word| !word.starts_with('-')).then_some(behind)
        }
        "sh" | "bash" | "zsh" => match rest {
            [option, line] if ["-c", "-lc", "-ic", "-lic"].contains(&option.as_str()) => {
                let line = line.strip_prefix("exec ").unwrap_or(line);
                let plain = !line.contains(['|', '&', ';', '<', '>', '$', '`', '(', '\n', '*', '?']);
                shlex::split(line).filter(|words| plain && !words.is_empty())
            }
            _ => None,
        },
        _ => None,
    };
    match inner {
        // Only a launcher is worth it: any other command is started as it stands.
        Some(inner) if !inner.is_empty() => {
            let inner = unwrapped(inner, depth + 1);
            if launch_of(&inner) == Launch::Program { words } else { inner }
        }
        _ => words,
    }
}

fn remote(address: &str, origin: &Origin<'_>) -> Result<Start, &'static str> {
    if address.contains(['{', '}', '$']) || address.contains("%7B") {
        return Err("its address has a variable, and those are never guessed");
    }
    let bad = "its address cannot be asked: https:// only, or http:// on this machine";
    let address = Url::parse(address).map_err(|_| bad)?;
    let plain = plain_address(&address).ok_or("its address could hold a secret")?;
    let target: Target = plain.as_str().parse().map_err(|_| bad)?;
    let inside = match plain.host() {
        Some(url::Host::Domain(name)) => {
            let name = name.trim_end_matches('.');
            name == "localhost" || name.ends_with(".localhost")
        }
        Some(url::Host::Ipv4(ip)) => ip.is_loopback() || ip.is_unspecified(),
        Some(url::Host::Ipv6(ip)) => ip.is_loopback() || ip.is_unspecified(),
        None => true,
    };
    if inside && origin.scope == Scope::Project {
        return Err(
            "a project's file names an address of this machine; scan it by its address if it is yours",
        );
    }
    Ok(Start::Known(target))
}

fn program(words: &[String], folder: Option<&str>, origin: &Origin<'_>) -> Result<Start, &'static str> {
    let base = origin.folder.unwrap_or_else(|| origin.around.here());
    let folder = match folder {
        Some(text) => {
            let text =
                with_folders(text, origin).ok_or("its folder has a variable that is not known here")?;
            Some(base.join(text))
        }
        None => origin.folder.map(Path::to_owned),
    };
    let mut full = Vec::with_capacity(words.len());
    for (at, word) in words.iter().enumerate() {
        match with_folders(word, origin) {
            Some(word) => full.push(word),
            None if at == 0 => return Err("its command has a variable that is not known here"),
            None => full.push(PLACEHOLDER.to_owned()),
        }
    }
    let (program, args) = full.split_at(1);
    let clean = without_secrets(args);
    let shell =
        matches!(program_name(&program[0]).as_str(), "sh" | "bash" | "zsh" | "cmd" | "powershell" | "pwsh");
    let hidden = |line: &String| {
        line.contains(char::is_whitespace)
            && shlex::split(line).is_none_or(|words| without_secrets(&words) != words || line.contains("://"))
    };
    if shell && (clean != args || args.iter().any(hidden)) {
        return Err("its shell line could hold a secret");
    }
    Ok(Start::Program { command: [program, &clean].concat(), folder })
}

/// The word with the variables that mean folders filled in; None if it holds any other.
fn with_folders(word: &str, origin: &Origin<'_>) -> Option<String> {
    let home = origin.around.home.to_string_lossy();
    let project = origin.folder.unwrap_or_else(|| origin.around.here()).to_string_lossy();
    let mut text = word.to_owned();
    for name in ["workspaceFolder", "workspaceRoot", "CLAUDE_PROJECT_DIR", "CLAUDE_PROJECT_DIR:-."] {
        text = text.replace(&format!("${{{name}}}"), &project);
    }
    for name in ["userHome", "HOME", "env:HOME", "env:USERPROFILE"] {
        text = text.replace(&format!("${{{name}}}"), &home);
    }
    text = text.replace("${/}", "/").replace("${pathSeparator}", "/");
    if let Some(rest) = text.strip_prefix("~/") {
        text = format!("{home}/{rest}");
    } else if let Some(rest) = text.strip_prefix("$HOME/") {
        text = format!("{home}/{rest}");
    }
    let variable = text.contains("${")
        || text.strip_prefix('$').is_some_and(|n| n.chars().all(|c| c.is_ascii_alphanumeric() || c == '_'))
        || (text.len() > 2 && text.starts_with('%') && text.ends_with('%'));
    (!variable).then_some(text)
}
