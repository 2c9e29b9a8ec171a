//! `catalogue identity`: which names belong to one server, by what proof, and which names deceive.
//!
//! [`recompute`] joins the stages: facts from the store, their shapes from `sources` and `identity`, the answer back to the store.

use std::collections::{BTreeMap, BTreeSet};

use clap::Args;
use serde_json::{Value, json};

use super::corrections;
use super::exit::Exit;
use super::scan::report::counted;
use super::settings::Settings;
use crate::identity::{identify, repository_of_record};
use crate::model::emit::json_line;
use crate::model::identity::{EntryFacts, Facts, Finding, Identity, Link, NewestRelease, Node, PackageFacts};
use crate::model::{ServerKey, Untrusted};
use crate::progress;
use crate::sources::entry_of_record;
use crate::store::Store;
use crate::store::identity::{NodeIdentity, identity_findings, identity_of, identity_projects};

/// Names that many people use, among the data files.
const KNOWN_NAMES: &str = "known-names.txt";
const FORGE: &str = "github.com";

/// `catalogue identity`.
#[derive(Debug, Clone, Args)]
pub(super) struct IdentityOptions {
    /// Explain one name: npm:NAME, pypi:NAME, registry:NAME, remote:ADDRESS, github:OWNER/REPO[/FOLDER], oci:IMAGE
    #[arg(value_name = "SERVER")]
    node: Option<String>,
    /// Print JSON: one object a project and a finding, or one object for SERVER
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub(super) fn run(settings: &Settings, options: &IdentityOptions) -> anyhow::Result<Exit> {
    // Before the first scan there is nothing to compute, and no file is made for it.
    drop(Store::open_read_only(&settings.db).or_else(|error| match error {
        crate::store::StoreError::Older { .. } => {
            Store::open(&settings.db).and_then(|_| Store::open_read_only(&settings.db))
        }
        error => Err(error),
    })?);
    let mut store = corrections::open(settings)?;
    recompute(settings, &mut store)?;
    let text = match &options.node {
        Some(node) => explained(&store, &node_of(node)?, options.json)?,
        None => listed(&store, options.json)?,
    };
    progress::print(&text)?;
    Ok(Exit::Ok)
}

/// Computes who is who from everything that is stored, and stores it.
pub(super) fn recompute(settings: &Settings, store: &mut Store) -> anyhow::Result<()> {
    let stored = store.identity_facts()?;
    let repositories: Vec<_> =
        stored.repositories.iter().filter_map(|record| repository_of_record(FORGE, record)).collect();
    store.remember_repositories(&repositories, settings.clock.now())?;
    let data = settings.data_files()?;
    let known = String::from_utf8_lossy(data.get(KNOWN_NAMES).map_or(&[][..], |bytes| bytes)).into_owned();
    let known = known.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    let entries: Vec<EntryFacts> =
        stored.entries.iter().filter_map(|record| entry_of_record(record)).collect();
    let facts = Facts {
        packages: with_version_names(stored.packages, &entries, &stored.version_names),
        entries,
        repositories,
        repository_ids: stored.repository_ids,
        tools: stored.tools,
        names: stored.names,
        known: known.map(str::to_owned).collect(),
    };
    let identity: Identity = identify(&facts);
    store.keep_identity(&identity, settings.clock.now())?;
    Ok(())
}

/// A version that an entry lists speaks for its package: the name it gives itself counts beside the newest one's.
fn with_version_names(
    mut packages: Vec<(Node, PackageFacts)>,
    entries: &[EntryFacts],
    names: &[(Node, String, BTreeSet<String>)],
) -> Vec<(Node, PackageFacts)> {
    let listed: BTreeSet<(&str, &str)> = entries
        .iter()
        .flat_map(|entry| entry.packages.iter().map(|(node, version)| (node.as_str(), version.as_str())))
        .collect();
    let mut more: BTreeMap<&str, BTreeSet<&String>> = BTreeMap::new();
    for (node, _, names) in names.iter().filter(|(node, version, _)| listed.contains(&(node, version))) {
        more.entry(node).or_default().extend(names);
    }
    for (node, facts) in &mut packages {
        let own = more.get(node.as_str()).into_iter().flatten();
        facts.mcp_names.extend(own.map(|name| (*name).clone()));
    }
    packages
}

/// Packages whose newest version does not name an entry that lists them, with the version it lists: that one may.
pub(super) fn unconfirmed(store: &Store) -> anyhow::Result<Vec<(ServerKey, String)>> {
    let stored = store.identity_facts()?;
    let packages: BTreeMap<&str, &PackageFacts> =
        stored.packages.iter().map(|(node, facts)| (node.as_str(), facts)).collect();
    let asked: BTreeSet<(&str, &str)> =
        stored.version_names.iter().map(|(node, version, _)| (node.as_str(), version.as_str())).collect();
    let mut found = BTreeSet::new();
    for entry in stored.entries.iter().filter_map(|record| entry_of_record(record)) {
        for (node, version) in entry.packages.iter().filter(|(_, version)| !version.is_empty()) {
            let names_it =
                packages.get(node.as_str()).is_none_or(|facts| facts.mcp_names.contains(&entry.name));
            if !names_it
                && !asked.contains(&(node, version))
                && let Ok(server) = node.parse::<ServerKey>()
            {
                found.insert((server, version.clone()));
            }
        }
    }
    Ok(found.into_iter().collect())
}

/// A package that nothing but a provenance could tie to its source.
#[derive(Debug)]
pub(super) struct Unproven {
    /// Which.
    pub(super) server: ServerKey,
    /// The release to ask about.
    pub(super) newest: NewestRelease,
}

/// Packages whose newest release may have a provenance that was not asked for, and that no entry of the official registry
/// verifies; the most promising first.
pub(super) fn unproven(store: &Store) -> anyhow::Result<Vec<Unproven>> {
    let waiting = store.without_provenance()?;
    if waiting.is_empty() {
        return Ok(Vec::new());
    }
    let stored = store.identity_facts()?;
    let entries: Vec<EntryFacts> =
        stored.entries.iter().filter_map(|record| entry_of_record(record)).collect();
    let listed: BTreeSet<(&str, &str)> = entries
        .iter()
        .flat_map(|entry| entry.packages.keys().map(|node| (node.as_str(), entry.name.as_str())))
        .collect();
    let open = waiting.into_iter().filter(|(node, _, facts)| {
        !facts.mcp_names.iter().any(|name| listed.contains(&(node.as_str(), name.as_str())))
    });
    Ok(open.filter_map(|(node, newest, _)| Some(Unproven { server: node.parse().ok()?, newest })).collect())
}

/// What somebody types as the node it means.
fn node_of(text: &str) -> anyhow::Result<Node> {
    if let Ok(key) = text.parse::<ServerKey>() {
        let key = key.to_string();
        return Ok(if key.starts_with("github:") { key.to_ascii_lowercase() } else { key });
    }
    match text.split_once(':') {
        Some(("registry" | "oci" | "repo" | "nuget" | "cargo", name)) if !name.is_empty() => {
            Ok(text.to_owned())
        }
        _ => anyhow::bail!(
            "\"{text}\" is no name that identity knows; use npm:NAME, pypi:NAME, registry:NAME, remote:ADDRESS, github:OWNER/REPO or oci:IMAGE"
        ),
    }
}

fn listed(store: &Store, as_json: bool) -> anyhow::Result<String> {
    let projects = identity_projects(store.connection())?;
    let findings = identity_findings(store.connection())?;
    let mut text = String::new();
    if as_json {
        for project in &projects {
            text.push_str(&json_line(&json!({"project": project.name, "members": project.members}))?);
        }
        for finding in &findings {
            text.push_str(&json_line(&json!({"finding": finding_json(finding)}))?);
        }
        return Ok(text);
    }
    for project in &projects {
        text.push_str(&format!("{}\n", shown(&project.name)));
        for member in &project.members {
            text.push_str(&format!("  {}\n", shown(member)));
        }
    }
    for finding in &findings {
        text.push_str(&format!("{}  {}\n", shown(&finding.node), finding_line(finding)));
    }
    progress::say(&format!(
        "{} of {}; {}",
        counted(projects.len(), "project"),
        counted(projects.iter().map(|project| project.members.len()).sum(), "name"),
        counted(findings.len(), "finding")
    ));
    Ok(text)
}

fn explained(store: &Store, node: &str, as_json: bool) -> anyhow::Result<String> {
    let known = identity_of(store.connection(), node)?;
    let NodeIdentity { members, within, links, findings } = &known;
    if as_json {
        let object = json!({
            "name": node,
            "members": members,
            "joined_by": within.iter().map(link_json).collect::<Vec<_>>(),
            "links": links.iter().map(link_json).collect::<Vec<_>>(),
            "findings": findings.iter().map(finding_json).collect::<Vec<_>>(),
        });
        return Ok(json_line(&object)?);
    }
    let mut text = format!("{}\n", shown(node));
    if links.is_empty() && findings.is_empty() {
        text.push_str(
            "  no link is known: it was in no list that was walked, or names nothing, or is private\n",
        );
        return Ok(text);
    }
    if members.is_empty() {
        text.push_str("  in no project: nothing that names it is proven from both sides\n");
    } else {
        text.push_str("  one project with:\n");
        for member in members.iter().filter(|member| *member != node) {
            text.push_str(&format!("    {}\n", shown(member)));
        }
        text.push_str("  joined by:\n");
        for link in within {
            let (a, b) = (shown(&link.a), shown(&link.b));
            text.push_str(&format!("    {:<9} {a} and {b}: {}\n", link.tier, shown(&link.evidence)));
        }
    }
    let apart: Vec<&Link> = links.iter().filter(|link| link.apart.is_some()).collect();
    if !apart.is_empty() {
        text.push_str("  not joined:\n");
    }
    for link in apart {
        let other = if link.a == node { &link.b } else { &link.a };
        let why = link.apart.as_deref().unwrap_or_default();
        text.push_str(&format!(
            "    {:<9} {}: {}; {}\n",
            link.tier,
            shown(other),
            shown(&link.evidence),
            shown(why)
        ));
    }
    for finding in findings {
        text.push_str(&format!("  {}\n", finding_line(finding)));
    }
    Ok(text)
}

fn finding_line(finding: &Finding) -> String {
    format!("{}: {}", finding.kind, shown(&finding.evidence))
}

fn link_json(link: &Link) -> Value {
    json!({
        "a": link.a, "b": link.b, "kind": link.kind.as_str(), "tier": link.tier.as_str(), "evidence": link.evidence,
        "joins": link.apart.is_none(), "why_not": link.apart,
    })
}

fn finding_json(finding: &Finding) -> Value {
    let other = Some(&finding.other).filter(|other| !other.is_empty());
    json!({"name": finding.node, "kind": finding.kind.as_str(), "other": other, "evidence": finding.evidence})
}

fn shown(text: &str) -> String {
    Untrusted::new(text).for_terminal(400)
}
