//! Who is who: from what packages, registries and repositories say of each other to links, projects and findings. Pure.
//!
//! The same facts in any order give the same answer. A project joins names of one server and nothing else: no tool, page or
//! key moves because of it. Called by `cli` after a walk or a scan; `store/identity` reads the facts and keeps the answer.

mod copies;
mod facts;
mod join;
mod links;
mod lookalike;
mod provenance;
mod repositories;
mod words;

pub use facts::repository_of_record;

use std::collections::{BTreeMap, BTreeSet};

use crate::model::identity::{Facts, Finding, Identity, Link, Project, Tier, ecosystem};

/// Computes every link, joins what is proven, and says what stands out.
pub fn identify(facts: &Facts) -> Identity {
    let facts = facts::Sorted::new(facts);
    let mut findings = BTreeSet::new();
    let mut links = links::links(&facts, &mut findings);
    links.sort();
    links.dedup();
    let projects = join::join(&mut links, &mut findings);
    let standing = Standing::new(&facts, &links);
    let alike = copies::alike(&facts, &projects, &standing, &mut findings);
    copies::republished(&facts, &standing, &mut findings);
    lookalike::flag(&facts, &projects, &standing, &mut findings);
    links.extend(alike);
    links.sort();
    let findings: Vec<Finding> = findings.into_iter().collect();
    Identity { links, projects, findings }
}

/// How well it is known who a node is: the better known of two like names is the one that is imitated.
struct Standing<'a> {
    levels: BTreeMap<&'a str, u8>,
}

impl<'a> Standing<'a> {
    fn new(facts: &facts::Sorted<'a>, links: &'a [Link]) -> Self {
        let mut levels: BTreeMap<&'a str, u8> = BTreeMap::new();
        let mut raise = |node: &'a str, to: u8| {
            let level = levels.entry(node).or_default();
            *level = (*level).max(to);
        };
        for entry in facts.entries.values() {
            entry.packages.keys().chain(&entry.remotes).for_each(|node| raise(node, 1));
        }
        for link in links {
            let to = match link.tier {
                Tier::Verified => 3,
                Tier::TwoWay => 2,
                Tier::Claimed | Tier::Alike => continue,
            };
            raise(&link.a, to);
            raise(&link.b, to);
        }
        facts.known.iter().for_each(|node| raise(node, 4));
        Self { levels }
    }

    /// 4 of a name that many use, 3 verified, 2 two-way, 1 listed in the official registry, 0 nothing.
    fn of(&self, node: &str) -> u8 {
        self.levels.get(node).copied().unwrap_or_default()
    }
}

/// The name in a node without its kind: `npm:@a/b` is `@a/b`.
fn name_of(node: &str) -> &str {
    node.split_once(':').map_or(node, |(_, name)| name)
}

/// The scope of an npm package, without the `@`.
fn scope_of(node: &str) -> Option<&str> {
    (ecosystem(node) == Some("npm")).then(|| name_of(node).strip_prefix('@')?.split_once('/').map(|s| s.0))?
}

/// Packages of one project by node.
fn project_of(projects: &[Project]) -> BTreeMap<&str, usize> {
    projects
        .iter()
        .enumerate()
        .flat_map(|(place, project)| project.members.iter().map(move |node| (node.as_str(), place)))
        .collect()
}
