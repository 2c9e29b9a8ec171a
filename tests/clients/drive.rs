//! One trial of a client: the servers and the model stand ready, every tool is called, and what got through is told.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::cases::{KEYS, Mark, definitions, names_of};
use super::model::{Model, Script};
use super::process::Ended;
use super::wire::Call;

/// How the client is started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// As it comes, with nobody to ask.
    Plain,
    /// With whatever switch it has to stop asking.
    Bypass,
}

/// A place for one trial.
pub(crate) struct Place {
    pub(crate) folder: PathBuf,
    /// The model's address.
    pub(crate) model: String,
    _kept: tempfile::TempDir,
}

impl Place {
    /// `{key: {command, args}}` of the two servers.
    pub(crate) fn servers(&self) -> BTreeMap<&'static str, (String, Vec<String>)> {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients/named_server.mjs");
        KEYS.iter()
            .map(|key| {
                let file = |name: String| self.folder.join(name).display().to_string();
                let args = vec![
                    script.display().to_string(),
                    (*key).to_owned(),
                    file(format!("{key}.json")),
                    file("calls".to_owned()),
                ];
                (*key, ("node".to_owned(), args))
            })
            .collect()
    }

    /// The same in the shape that most clients take.
    pub(crate) fn mcp_servers(&self) -> Value {
        let servers = self.servers();
        json!(
            servers
                .iter()
                .map(|(k, (c, a))| (*k, json!({"command": c, "args": a})))
                .collect::<BTreeMap<_, _>>()
        )
    }

    /// Writes a file of the trial and returns its path.
    pub(crate) fn write(&self, name: &str, text: &str) -> String {
        let path = self.folder.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    }
}

/// A client: how it is started with a policy, or with none.
pub(crate) struct Client {
    pub(crate) format: &'static str,
    pub(crate) version: &'static str,
    /// Calls in one turn.
    pub(crate) at_once: usize,
    pub(crate) start: fn(&Path, &Place, Option<&str>, Mode) -> Ended,
}

/// What was seen.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Seen {
    /// What the model was offered, as the client names it.
    pub(crate) offered: BTreeMap<Mark, Call>,
    /// What reached the servers.
    pub(crate) arrived: BTreeSet<Mark>,
    /// Every tool that it was offered, its client's own among them.
    pub(crate) all: BTreeSet<String>,
    /// What the client printed, for messages.
    pub(crate) said: String,
}

/// Calls of these tools, by the names that the client gave them when there was no policy.
pub(crate) fn trial(
    client: &Client,
    program: &Path,
    policy: Option<&str>,
    mode: Mode,
    calls: &BTreeMap<Mark, Call>,
) -> Seen {
    let mut seen = Seen::default();
    let mut left: VecDeque<(Mark, Call)> = calls.iter().map(|(mark, call)| (*mark, call.clone())).collect();
    let mut late = 0;
    // A client that ends at the first refusal is started again with what is left.
    for _ in 0..=calls.len() {
        let kept = tempfile::tempdir().unwrap();
        let script = Script { calls: left.clone(), at_once: client.at_once, ..Script::default() };
        let model = Model::start(script);
        let place = Place { folder: kept.path().to_owned(), model: model.address(), _kept: kept };
        for (server, key) in KEYS.iter().enumerate() {
            place.write(&format!("{key}.json"), &json!(definitions(server)).to_string());
        }
        let ended = (client.start)(program, &place, policy, mode);
        seen.said = format!("exit {:?}\n{}\n{}", ended.code, ended.out, ended.err);
        for line in std::fs::read_to_string(place.folder.join("calls")).unwrap_or_default().lines() {
            let call: Value = serde_json::from_str(line).unwrap();
            let (key, name) = (call["server"].as_str().unwrap(), call["tool"].as_str().unwrap());
            match mark_of(key, name) {
                Some(mark) => drop(seen.arrived.insert(mark)),
                None => panic!("{}: {key} has no tool {name:?}", client.format),
            }
        }
        let script = model.script.lock().unwrap();
        // Stopped after a minute: a full machine, and nothing can be told from what did not arrive. Another try.
        if ended.code.is_none() && late < 3 {
            late += 1;
            continue;
        }
        assert!(ended.code.is_some(), "{}: not done within a minute\n{}", client.format, seen.said);
        assert!(script.turns > 0, "{}: the model was never asked\n{}", client.format, seen.said);
        seen.offered.extend(script.offered.clone());
        seen.all.extend(script.all.clone());
        left = script.calls.clone();
        if left.is_empty() {
            return seen;
        }
        assert!(script.made > 0, "{}: no call was made\n{}", client.format, seen.said);
    }
    panic!("{}: {} calls were never made\n{}", client.format, left.len(), seen.said);
}

fn mark_of(key: &str, name: &str) -> Option<Mark> {
    let server = KEYS.iter().position(|k| *k == key)?;
    let place = |name: &str| names_of(server).iter().position(|n| *n == name);
    // As Claude Code changes them on the way: the server would not know such a tool, but it was called.
    let changed = || match name {
        "x" => place("\u{202e}x"),
        "del" => place("\u{ff44}\u{ff45}\u{ff4c}"),
        _ => None,
    };
    Some(Mark { server, tool: place(name).or_else(changed)? })
}
