//! A model that does as it is told: it notes which tools it is offered and calls the ones on its list.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Mutex};

use serde_json::Value;
use wiremock::matchers::method;
use wiremock::{Mock, MockServer, Request, Respond, ResponseTemplate};

use super::cases::{Mark, mark_in};
use super::wire::{self, Call};

/// What the model was offered and what it still has to call.
#[derive(Debug, Default)]
pub(crate) struct Script {
    /// Calls to make, in this order; a name for where the client does not offer the tool.
    pub(crate) calls: VecDeque<(Mark, Call)>,
    /// How many in one turn.
    pub(crate) at_once: usize,
    /// How many were made.
    pub(crate) made: usize,
    /// The tools of our servers, by the marks in their descriptions, as the client names them.
    pub(crate) offered: BTreeMap<Mark, Call>,
    /// Every tool, by the client's name.
    pub(crate) all: BTreeSet<String>,
    /// Requests that had tools.
    pub(crate) turns: usize,
}

/// The stub on a port of loopback.
pub(crate) struct Model {
    pub(crate) script: Arc<Mutex<Script>>,
    server: MockServer,
    // Drives the server; goes last.
    _runtime: tokio::runtime::Runtime,
}

struct Answer(Arc<Mutex<Script>>);

impl Respond for Answer {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        let body: Value = serde_json::from_slice(&request.body).unwrap_or(Value::Null);
        if std::env::var_os("CATALOGUE_CLIENTS_LOG").is_some() {
            println!("{} {} {}", request.method, request.url.path(), body);
        }
        let mut script = self.0.lock().unwrap();
        let mut calls = Vec::new();
        let tools = body["tools"].as_array().filter(|tools| !tools.is_empty());
        if let Some(tools) = tools {
            tools.iter().for_each(|tool| note(tool, None, &mut script.offered));
            script.all.extend(tools.iter().filter_map(|t| t["name"].as_str().map(str::to_owned)));
            script.turns += 1;
            let count = script.at_once.min(script.calls.len());
            let next: Vec<(Mark, Call)> = script.calls.drain(..count).collect();
            let name =
                |(mark, otherwise): (Mark, Call)| script.offered.get(&mark).cloned().unwrap_or(otherwise);
            calls = next.into_iter().map(name).collect();
            script.made += count;
        }
        let turn = script.turns;
        let text = match request.url.path() {
            path if path.ends_with("/messages") => wire::anthropic(&calls, turn),
            path if path.ends_with("/responses") => wire::responses(&calls, turn),
            _ => return ResponseTemplate::new(404),
        };
        ResponseTemplate::new(200).set_body_raw(text, "text/event-stream")
    }
}

/// Tools stand in a list, or in a list of namespaces.
fn note(tool: &Value, namespace: Option<&str>, offered: &mut BTreeMap<Mark, Call>) {
    let name = tool["name"].as_str().unwrap_or_default();
    for inner in tool["tools"].as_array().into_iter().flatten() {
        note(inner, Some(name), offered);
    }
    if let Some(mark) = tool["description"].as_str().and_then(mark_in) {
        offered.insert(mark, Call { namespace: namespace.map(str::to_owned), name: name.to_owned() });
    }
}

impl Model {
    /// Starts it.
    pub(crate) fn start(script: Script) -> Self {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let script = Arc::new(Mutex::new(script));
        let server = runtime.block_on(async {
            let server = MockServer::start().await;
            Mock::given(method("POST")).respond_with(Answer(script.clone())).mount(&server).await;
            server
        });
        Self { script, server, _runtime: runtime }
    }

    /// `http://127.0.0.1:PORT`.
    pub(crate) fn address(&self) -> String {
        self.server.uri()
    }
}
