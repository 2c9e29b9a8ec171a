//! A GitHub on loopback: its search with its cap, its GraphQL, its commits and tarballs, in the documented shapes.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::sources_fake::{Reply, Seen};

/// Results beyond this are refused, as GitHub does.
const CAP: usize = 1000;

/// One repository.
#[derive(Debug, Clone, Default)]
pub(crate) struct Repo {
    pub(crate) name: String,
    pub(crate) created: i64,
    pub(crate) pushed: i64,
    pub(crate) topics: Vec<&'static str>,
    pub(crate) fork: bool,
    pub(crate) archived: bool,
    pub(crate) files: BTreeMap<&'static str, String>,
}

/// All of them; shared with the test, which changes them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Hub(pub(crate) Arc<Mutex<Vec<Repo>>>);

pub(crate) fn time(seconds: i64) -> String {
    Timestamp::from_second(seconds).unwrap().to_string()
}

impl Hub {
    pub(crate) fn new(repos: Vec<Repo>) -> Self {
        Self(Arc::new(Mutex::new(repos)))
    }

    pub(crate) fn answer(&self, asked: &Seen) -> Reply {
        match asked.path.as_str() {
            "/search/repositories" => self.search(asked),
            "/graphql" => self.graphql(asked),
            _ => Reply::status(404),
        }
    }

    fn search(&self, asked: &Seen) -> Reply {
        let (page, size) = (asked.number("page").max(1), asked.number("per_page").clamp(1, 100));
        let words = asked.ask("q").unwrap_or_default();
        if (page - 1) * size >= CAP || words.chars().count() > 256 {
            return Reply::json(&json!({"message": "Only the first 1000 search results are available"}))
                .under(422);
        }
        let qualifier = |name: &str| words.split(' ').find_map(|word| word.strip_prefix(name));
        let seconds = |text: &str| text.parse::<Timestamp>().unwrap().as_second();
        let (from, to) = qualifier("created:").unwrap().split_once("..").unwrap();
        let created = seconds(from)..=seconds(to);
        let pushed = qualifier("pushed:>=").map(seconds);
        let forks = qualifier("fork:") == Some("true");
        let topic = qualifier("topic:");
        let repos = self.0.lock().unwrap();
        let hits: Vec<(usize, &Repo)> = repos
            .iter()
            .enumerate()
            .filter(|(_, repo)| {
                created.contains(&repo.created)
                    && pushed.is_none_or(|pushed| repo.pushed >= pushed)
                    && (forks || !repo.fork)
                    && topic.is_none_or(|topic| repo.topics.contains(&topic))
            })
            .collect();
        let items: Vec<Value> = hits
            .iter()
            .take(CAP)
            .skip((page - 1) * size)
            .take(size)
            .map(|(id, repo)| repo.item(*id))
            .collect();
        Reply::json(&json!({"total_count": hits.len(), "incomplete_results": false, "items": items}))
    }

    fn graphql(&self, asked: &Seen) -> Reply {
        if asked.header("authorization").is_none() {
            return Reply::json(&json!({"message": "This endpoint requires you to be authenticated."}))
                .under(403);
        }
        let question: Value = serde_json::from_slice(&asked.body).unwrap();
        let text = question["query"].as_str().unwrap();
        if text.contains("q0: node(id: $i0)") {
            return self.places(text, &question["variables"]);
        }
        assert!(text.contains("m1: object(expression: \"HEAD:package.json\")"), "{text}");
        let ids = question["variables"]["ids"].as_array().unwrap();
        assert!(ids.len() <= 100, "{}", ids.len());
        let repos = self.0.lock().unwrap();
        let nodes: Vec<Value> = ids
            .iter()
            .map(|id| {
                let at = id.as_str().unwrap().strip_prefix("R_").unwrap().parse::<usize>().unwrap();
                let Some(repo) = repos.get(at) else { return Value::Null };
                let blob = |path: &str| repo.files.get(path).map(|text| json!({"text": text}));
                json!({
                    "id": id, "parent": repo.fork.then(|| json!({"databaseId": 1, "nameWithOwner": "ann/origin"})),
                    "defaultBranchRef": {"target": {"oid": format!("{at:040x}")}},
                    "m0": blob("server.json"), "m1": blob("package.json"), "m2": blob("pyproject.toml"), "m3": blob("smithery.yaml"),
                })
            })
            .collect();
        Reply::json(&json!({"data": {"nodes": nodes, "rateLimit": {"cost": 1, "remaining": 4000}}}))
    }
}

impl Hub {
    /// What lies at places of repositories: a folder's entries, or a file's text.
    fn places(&self, text: &str, variables: &Value) -> Reply {
        let repos = self.0.lock().unwrap();
        let count = text.matches(": node(id: $i").count();
        assert!(count <= 100, "{count}");
        let data: serde_json::Map<String, Value> = (0..count)
            .map(|at| {
                let id = variables[format!("i{at}")].as_str().unwrap();
                let path = variables[format!("e{at}")].as_str().unwrap().strip_prefix("HEAD:").unwrap();
                let repo = repos.get(id.strip_prefix("R_").unwrap().parse::<usize>().unwrap());
                (format!("q{at}"), json!({"object": repo.map(|repo| repo.at(path))}))
            })
            .collect();
        Reply::json(&json!({"data": data}))
    }
}

impl Repo {
    fn at(&self, path: &str) -> Value {
        if let Some(text) = self.files.get(path) {
            return json!({"text": text});
        }
        let folder = if path.is_empty() { String::new() } else { format!("{path}/") };
        let inside = self.files.keys().filter_map(|file| file.strip_prefix(folder.as_str()));
        let entries: BTreeMap<&str, &str> = inside
            .map(|rest| rest.split_once('/').map_or((rest, "blob"), |(name, _)| (name, "tree")))
            .collect();
        let entries: Vec<Value> =
            entries.iter().map(|(name, kind)| json!({"name": name, "type": kind})).collect();
        if entries.is_empty() { Value::Null } else { json!({"entries": entries}) }
    }

    fn item(&self, id: usize) -> Value {
        json!({
            "id": id + 1, "node_id": format!("R_{id}"), "full_name": self.name, "html_url": "https://h.example/x",
            "description": "d", "fork": self.fork, "archived": self.archived, "pushed_at": time(self.pushed),
            "created_at": time(self.created), "stargazers_count": 3, "topics": self.topics, "default_branch": "main",
            "private": false, "license": null,
        })
    }
}

impl Reply {
    /// The same under another status.
    pub(crate) fn under(mut self, status: u16) -> Self {
        self.status = status;
        self
    }
}
