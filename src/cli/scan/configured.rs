//! `catalogue scan --registry config`: from the entries of clients' files to targets, and the list of `--dry-run`.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::Context;
use serde::Serialize;
use thiserror::Error;

use super::ScanOptions;
use super::targets::{UsageError, without_doubles};
use crate::assets::Files;
use crate::cli::exit::Exit;
use crate::cli::settings::Settings;
use crate::clients::{Clients, Found, Os, Reading, Scope, Start, Surroundings};
use crate::model::emit::json_line;
use crate::model::slug::key_name;
use crate::model::{ServerKey, Target, Untrusted};
use crate::probe::plan::placeholder;
use crate::progress;

/// The table's place in the data files.
const TABLE: &str = "clients.toml";

/// What follows from where they were found.
pub(super) const PRIVATE: &str = "servers known only from a configuration are private and kept off the site; \
                                  catalogue review visibility SERVER public shows one";

/// No client on this machine has a server that could be scanned.
#[derive(Debug, Error)]
#[error("{0}")]
pub(in crate::cli) struct NothingFound(String);

/// One entry of a client's file, as `--dry-run --json` prints it.
#[derive(Debug, Serialize)]
struct Line {
    /// The target that would be scanned; null if the entry is left out.
    target: Option<String>,
    /// The client's name.
    client: String,
    /// Whose file it is.
    scope: Scope,
    /// What the entry is called. Foreign text, cleaned.
    name: String,
    /// Names of variables that are set for it in the client.
    variables: Vec<String>,
    /// Why it is left out.
    left_out: Option<&'static str>,
}

/// Everything that was found.
struct Set {
    lines: Vec<Line>,
    targets: Vec<Target>,
    files: Vec<PathBuf>,
    hidden: Vec<PathBuf>,
}

/// The targets, and the files that none of them may see.
pub(super) fn targets(options: &ScanOptions, data: &Files) -> anyhow::Result<(Vec<Target>, Vec<PathBuf>)> {
    let set = find(options, data)?;
    let left_out = set.lines.iter().filter(|line| line.left_out.is_some());
    for line in left_out {
        say_left_out(line);
    }
    if set.targets.is_empty() {
        return Err(NothingFound(nothing(&set)).into());
    }
    Ok((set.targets, set.hidden))
}

/// Lists what would be scanned. Ends with 3 if that is nothing.
pub(super) fn dry_run(settings: &Settings, options: &ScanOptions) -> anyhow::Result<Exit> {
    let set = find(options, &settings.data_files()?)?;
    let mut text = String::new();
    if options.json {
        for line in &set.lines {
            text.push_str(&json_line(line)?);
        }
    } else if !options.quiet {
        let width = set.lines.iter().filter_map(|l| l.target.as_ref()).map(String::len).max().unwrap_or(0);
        for line in set.lines.iter().filter(|line| line.left_out.is_none()) {
            let target = line.target.as_deref().unwrap_or_default();
            let variables = match line.variables.as_slice() {
                [] => String::new(),
                names => format!(", sets {}", names.join(" ")),
            };
            let scope = scope_word(line.scope);
            text.push_str(&format!("{target:width$}  {} ({}, {scope}){variables}\n", line.name, line.client));
        }
    }
    progress::print(&text)?;
    for line in set.lines.iter().filter(|line| line.left_out.is_some() && !options.json) {
        say_left_out(line);
    }
    if set.targets.is_empty() {
        progress::say(&nothing(&set));
        return Ok(Exit::NothingScanned);
    }
    Ok(Exit::Ok)
}

fn say_left_out(line: &Line) {
    if let Some(why) = line.left_out {
        progress::say(&format!("left out: {} ({}): {why}", line.name, line.client));
    }
}

fn nothing(set: &Set) -> String {
    match set.files.as_slice() {
        [] => "no client's file was found here: run it in your project, or give one with --client NAME \
               --client-file FILE"
            .to_owned(),
        files => {
            format!("no server to scan in {} of MCP clients", super::report::counted(files.len(), "file"))
        }
    }
}

fn scope_word(scope: Scope) -> &'static str {
    match scope {
        Scope::User => "user",
        Scope::Project => "project",
        Scope::Machine => "machine",
    }
}

fn find(options: &ScanOptions, data: &Files) -> anyhow::Result<Set> {
    let text = String::from_utf8_lossy(data.get(TABLE).map_or(&[][..], |b| b)).into_owned();
    let clients = Clients::parse(&text)?;
    for name in &options.clients {
        if !clients.clients().iter().any(|client| client.name == *name) {
            let known: Vec<&str> = clients.clients().iter().map(|client| client.name.as_str()).collect();
            let message = format!("--client {name}: no such client; one of {}", known.join(", "));
            return Err(UsageError(message).into());
        }
    }
    let here = std::env::current_dir().context("the current folder cannot be read")?;
    let home = directories::BaseDirs::new().context("your home folder is not known; set HOME")?;
    let around = Surroundings {
        os: Os::here(),
        home: home.home_dir().to_owned(),
        project: Surroundings::project_folders(&here),
        variable: &|name| std::env::var_os(name),
    };
    let mut hidden = clients.existing(&around);
    let reading = match &options.client_file {
        None => clients.read(&options.clients, &around),
        Some(path) => {
            let [name] = options.clients.as_slice() else {
                return Err(UsageError("--client-file needs exactly one --client".to_owned()).into());
            };
            let client = clients.clients().iter().find(|client| client.name == *name);
            hidden.push(here.join(path));
            clients.read_file(client.context("the client was looked up before")?, path, &around)?
        }
    };
    set_of(reading, hidden)
}

/// Turns entries into targets; a file that could not be read is said aloud, and is an error if there is nothing else.
fn set_of(reading: Reading, hidden: Vec<PathBuf>) -> anyhow::Result<Set> {
    let Reading { found, files, broken } = reading;
    for error in &broken {
        progress::say(&format!("left out: {error}"));
    }
    if found.is_empty()
        && let Some(error) = broken.into_iter().next()
    {
        return Err(error.into());
    }
    let mut locals: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let (mut lines, mut targets) = (Vec::new(), Vec::new());
    for entry in found {
        let name = entry.name.for_terminal(100);
        let (client, scope, variables) = (entry.client.clone(), entry.scope, entry.env.clone());
        let (target, left_out) = match target_of(entry, &mut locals) {
            Ok(target) => (Some(target), None),
            Err(why) => (None, Some(why)),
        };
        let shown: Vec<String> =
            variables.iter().map(|name| Untrusted::new(name.as_str()).for_terminal(80)).collect();
        let text = target.as_ref().map(ToString::to_string);
        lines.push(Line { target: text, client, scope, name, variables: shown, left_out });
        targets.extend(target);
    }
    Ok(Set { lines, targets: without_doubles(targets), files, hidden })
}

/// The target of one entry. A program of the machine is `local:NAME`; where two clients call different programs alike,
/// the later one has its client's name behind its own.
fn target_of(entry: Found, locals: &mut BTreeMap<String, Vec<String>>) -> Result<Target, &'static str> {
    let (command, folder) = match entry.start? {
        Start::Known(target) => return Ok(target),
        Start::Program { command, folder } => (command, folder),
    };
    let raw = entry.name.raw();
    let key = |name: &str| ServerKey::local(name).or_else(|_| ServerKey::local(&key_name(name)));
    let mut name = raw.to_owned();
    let mut server = key(&name).map_err(|_| "its name cannot be made a key")?;
    for round in 1.. {
        if locals.get(server.name()).is_none_or(|known| *known == command) {
            break;
        }
        name = if round == 1 {
            format!("{raw}.{}", entry.client)
        } else {
            format!("{raw}.{}.{round}", entry.client)
        };
        server = key(&name).map_err(|_| "its name cannot be made a key")?;
    }
    locals.insert(server.name().to_owned(), command.clone());
    // The values that the client sets were never read; the ladder's placeholders stand in for them.
    let env = entry.env.iter().filter(|name| placeholder::is_credential_shaped(name));
    let env = env.map(|name| (name.clone(), placeholder::value_for(name, false))).collect();
    Ok(Target::Local { server, command, env, fresh: true, folder })
}
