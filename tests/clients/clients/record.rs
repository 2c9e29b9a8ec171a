//! What was seen, written where the suite reads it, when `CATALOGUE_RECORD` is set.

use std::collections::BTreeMap;

use catalogue::policy::Tier;
use serde_json::{Value, json};

use crate::cases::{Mark, marks};
use crate::drive::Seen;
use crate::wire::Call;

/// The table of one client.
pub(crate) struct Recorded {
    client: &'static str,
    version: &'static str,
    names: Vec<Value>,
    policies: Vec<Value>,
    traps: Vec<Value>,
}

impl Recorded {
    /// With the names under which the client offered the tools when nothing was said.
    pub(crate) fn new(client: &'static str, version: &'static str, offered: &BTreeMap<Mark, Call>) -> Self {
        let names = offered.iter().map(|(mark, call)| json!([mark.key(), mark.name(), call.name])).collect();
        Self { client, version, names, policies: Vec::new(), traps: Vec::new() }
    }

    /// A policy of ours, with a row for each tool.
    pub(crate) fn add(&mut self, name: &str, tier: Tier, document: &str, plain: &Seen, bypass: &Seen) {
        let rows: Vec<Value> = marks().into_iter().map(|mark| row(mark, plain, bypass)).collect();
        self.policies.push(json!({"name": name, "tier": tier.as_str(), "document": document, "tools": rows}));
    }

    /// A document as people write it, with what became of some tools.
    pub(crate) fn trap(&mut self, name: &str, document: &str, tools: &[Mark], plain: &Seen, bypass: &Seen) {
        let rows: Vec<Value> = tools.iter().map(|mark| row(*mark, plain, bypass)).collect();
        self.traps.push(json!({"name": name, "document": document, "tools": rows}));
    }

    /// Writes the table if that is wanted.
    pub(crate) fn done(self) {
        if std::env::var_os("CATALOGUE_RECORD").is_none() {
            return;
        }
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/suite/decisions");
        std::fs::create_dir_all(&folder).unwrap();
        let table = json!({
            "client": self.client,
            "version": self.version,
            "names": self.names,
            "policies": self.policies,
            "traps": self.traps,
        });
        // A row a line.
        let text = serde_json::to_string(&table)
            .unwrap()
            .replace("],[", "],\n[")
            .replace("\"tools\":[[", "\"tools\":[\n[");
        std::fs::write(folder.join(format!("{}.json", self.client)), text + "\n").unwrap();
    }
}

fn row(mark: Mark, plain: &Seen, bypass: &Seen) -> Value {
    json!([
        mark.key(),
        mark.name(),
        if plain.offered.contains_key(&mark) { "offered" } else { "not offered" },
        if plain.arrived.contains(&mark) { "arrived" } else { "refused" },
        if bypass.arrived.contains(&mark) { "arrived" } else { "refused" },
    ])
}
