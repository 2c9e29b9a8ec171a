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

    /// A table of which the names are known already: `[key, tool, name in the client]`.
    pub(crate) fn named(client: &'static str, version: &'static str, names: Vec<Value>) -> Self {
        Self { client, version, names, policies: Vec::new(), traps: Vec::new() }
    }

    /// A policy of ours, with a row for each tool.
    pub(crate) fn add(&mut self, name: &str, tier: Tier, document: &str, plain: &Seen, bypass: &Seen) {
        self.add_rows(
            name,
            tier,
            document,
            marks().into_iter().map(|mark| row(mark, plain, bypass)).collect(),
        );
    }

    /// The same with rows that are made already.
    pub(crate) fn add_rows(&mut self, name: &str, tier: Tier, document: &str, rows: Vec<Value>) {
        self.policies.push(json!({"name": name, "tier": tier.as_str(), "document": document, "tools": rows}));
    }

    /// A document as people write it, with what became of some tools.
    pub(crate) fn trap(&mut self, name: &str, document: &str, tools: &[Mark], plain: &Seen, bypass: &Seen) {
        self.trap_rows(name, document, tools.iter().map(|mark| row(*mark, plain, bypass)).collect());
    }

    /// The same with rows that are made already.
    pub(crate) fn trap_rows(&mut self, name: &str, document: &str, rows: Vec<Value>) {
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
    let offered = plain.offered.contains_key(&mark);
    row_of(mark.key(), mark.name(), offered, plain.arrived.contains(&mark), bypass.arrived.contains(&mark))
}

/// One row: whether the tool is offered, and whether a call arrives with nobody to ask and where nothing is asked.
pub(crate) fn row_of(key: &str, tool: &str, offered: bool, plain: bool, unasked: bool) -> Value {
    let arrived = |arrived| if arrived { "arrived" } else { "refused" };
    json!([key, tool, if offered { "offered" } else { "not offered" }, arrived(plain), arrived(unasked)])
}
