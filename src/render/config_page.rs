//! The page on which readers check the configuration file of a client of theirs, in their browser alone.
//!
//! What its script (`site/static/check.js`) looks servers up in is made in `shards`. Which keys of a file hold servers, and which packages
//! only pass a remote server on, is read from `data/clients.toml`, as `catalogue scan --registry config` does.

mod shards;

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::RenderError;
use super::control::{policy_file, shown};
use super::kinds::{MadeFrom, Make, PageKind};
use super::site_work::WholeWork;
use super::words::{ClassWord, RiskWord, class_word, risk_word};
use crate::model::{Class, Risk};
use crate::policy::Tier;

const PATH: &str = "check.html";

/// The page; what its script loads is made with it.
pub(super) const KIND: PageKind = PageKind {
    id: "check",
    path: PATH,
    templates: &["check.html"],
    made_from: MadeFrom::Catalogue,
    counts: false,
    make: Make::Whole(make),
};

#[derive(Serialize)]
struct CheckView {
    classes: Vec<ClassWord>,
    risks: Vec<RiskWord>,
    /// Keys that lead to a table of servers, with `/` between.
    places: BTreeSet<String>,
    /// Packages that only pass a remote server on.
    bridges: Vec<String>,
    clients: Vec<String>,
    formats: Vec<FormatFile>,
}

/// A format of policies, and its file below a server's folder.
#[derive(Serialize)]
struct FormatFile {
    title: &'static str,
    file: String,
}

/// What is needed of `data/clients.toml`; `clients` reads the rest.
#[derive(Deserialize)]
struct Table {
    client: Vec<Client>,
    #[serde(default)]
    bridge: Vec<Bridge>,
}

#[derive(Deserialize)]
struct Client {
    title: String,
    file: Vec<Place>,
}

#[derive(Deserialize)]
struct Place {
    servers: Vec<String>,
}

#[derive(Deserialize)]
struct Bridge {
    package: String,
}

fn make(work: &WholeWork<'_>) -> Result<(), RenderError> {
    let press = work.common.press;
    let broken = |why| RenderError::Clients { why };
    let text = press.options.data.get("clients.toml").map_or(&[][..], Vec::as_slice);
    let text = std::str::from_utf8(text).map_err(|_| broken("is not UTF-8"))?;
    let Table { client, bridge } = toml::from_str(text).map_err(|_| broken("is malformed"))?;
    let files = client.iter().flat_map(|client| &client.file);
    let view = CheckView {
        classes: Class::ALL.iter().copied().map(class_word).collect(),
        risks: Risk::ALL.iter().copied().map(risk_word).collect(),
        places: files.map(|file| file.servers.join("/")).collect(),
        bridges: bridge.into_iter().map(|bridge| bridge.package).collect(),
        clients: client.iter().map(|client| client.title.clone()).collect(),
        formats: shown()
            .iter()
            .filter(|_| press.twins.policies)
            .map(|exporter| FormatFile {
                title: exporter.title,
                file: policy_file(exporter, Tier::Recommended),
            })
            .collect(),
    };
    work.listed(PATH.to_owned());
    press.page(&KIND, work.unit, PATH, &view)?;
    shards::put(work)
}
