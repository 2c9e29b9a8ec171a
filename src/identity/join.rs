//! Joining: what is verified first, then what is two-way; never two packages of one ecosystem in one project.
//!
//! Where a link would bring two together, it joins nothing, nor do the links that are no better than it. Which of two
//! comes first by name decides nothing.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::identity::{Finding, FindingKind, Link, Node, Project, Tier, ecosystem};

/// Which nodes are one so far.
#[derive(Clone)]
struct Groups {
    parent: Vec<usize>,
}

impl Groups {
    fn root(&self, mut of: usize) -> usize {
        while let Some(up) = self.parent.get(of).copied().filter(|up| *up != of) {
            of = up;
        }
        of
    }

    /// The smaller number is the root of both.
    fn unite(&mut self, a: usize, b: usize) {
        let (a, b) = (self.root(a), self.root(b));
        if let Some(up) = self.parent.get_mut(a.max(b)) {
            *up = a.min(b);
        }
    }
}

/// Joins what the links allow. Links that join nothing get their reason.
pub(super) fn join(links: &mut [Link], findings: &mut BTreeSet<Finding>) -> Vec<Project> {
    let nodes: Vec<Node> = {
        let joining = links.iter().filter(|link| link.apart.is_none());
        let all: BTreeSet<&Node> = joining.flat_map(|link| [&link.a, &link.b]).collect();
        all.into_iter().cloned().collect()
    };
    let place: BTreeMap<&str, usize> = nodes.iter().enumerate().map(|(i, node)| (node.as_str(), i)).collect();
    let mut groups = Groups { parent: (0..nodes.len()).collect() };
    for tier in [Tier::Verified, Tier::TwoWay] {
        let mut edges = Vec::new();
        for (index, link) in links.iter().enumerate().filter(|(_, l)| l.tier == tier && l.apart.is_none()) {
            if let (Some(a), Some(b)) = (place.get(link.a.as_str()), place.get(link.b.as_str())) {
                edges.push((index, *a, *b));
            }
        }
        let mut refused: BTreeMap<usize, (usize, usize)> = crowded(&nodes, &groups, &edges);
        edges.retain(|(index, ..)| !refused.contains_key(index));
        // What only meets over several links: none of them is better than another.
        let mut tried = groups.clone();
        edges.iter().for_each(|(_, a, b)| tried.unite(*a, *b));
        let pairs = two_of_a_kind(&nodes, &tried);
        for (index, a, b) in &edges {
            match pairs.get(&tried.root(*a)) {
                Some(pair) => drop(refused.insert(*index, *pair)),
                None => groups.unite(*a, *b),
            }
        }
        for (index, (one, other)) in refused {
            let (Some(link), Some(one), Some(other)) =
                (links.get_mut(index), nodes.get(one), nodes.get(other))
            else {
                continue;
            };
            let why = format!("it would put {one} and {other} into one project");
            for (node, against) in [(one, other), (other, one)] {
                findings.insert(Finding {
                    node: node.clone(),
                    kind: FindingKind::Conflict,
                    other: against.clone(),
                    evidence: format!("the link of {} and {} joins nothing: {why}", link.a, link.b),
                });
            }
            link.apart = Some(why);
        }
    }
    let mut members: BTreeMap<usize, Vec<Node>> = BTreeMap::new();
    for (index, node) in nodes.iter().enumerate() {
        members.entry(groups.root(index)).or_default().push(node.clone());
    }
    let mut projects: Vec<Project> =
        members.into_values().filter(|members| members.len() > 1).map(named).collect();
    projects.sort();
    projects
}

/// Links at whose one end two packages of one ecosystem would meet, with the two.
fn crowded(
    nodes: &[Node],
    groups: &Groups,
    edges: &[(usize, usize, usize)],
) -> BTreeMap<usize, (usize, usize)> {
    let mut packages: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (index, node) in nodes.iter().enumerate() {
        if ecosystem(node).is_some() {
            packages.entry(groups.root(index)).or_default().push(index);
        }
    }
    // For each group: who meets there by kind, and over which links.
    let mut meet: BTreeMap<(usize, &str), BTreeMap<usize, BTreeSet<usize>>> = BTreeMap::new();
    for (index, a, b) in edges {
        let (a, b) = (groups.root(*a), groups.root(*b));
        if a == b {
            continue;
        }
        for (here, there) in [(a, b), (b, a)] {
            for package in packages.get(&there).into_iter().flatten() {
                let kind = nodes.get(*package).and_then(|node| ecosystem(node)).unwrap_or_default();
                meet.entry((here, kind)).or_default().entry(*package).or_default().insert(*index);
            }
        }
    }
    let mut refused = BTreeMap::new();
    for ((here, kind), arriving) in meet {
        let own = packages.get(&here).into_iter().flatten();
        let own = own.copied().find(|i| nodes.get(*i).and_then(|node| ecosystem(node)) == Some(kind));
        let mut all = own.into_iter().chain(arriving.keys().copied().filter(|i| Some(*i) != own));
        if let (Some(one), Some(other)) = (all.next(), all.next()) {
            for index in arriving.values().flatten() {
                refused.entry(*index).or_insert((one, other));
            }
        }
    }
    refused
}

/// Groups that hold two packages of one ecosystem, with the first two.
fn two_of_a_kind(nodes: &[Node], groups: &Groups) -> BTreeMap<usize, (usize, usize)> {
    let mut first: BTreeMap<(usize, &str), usize> = BTreeMap::new();
    let mut pairs = BTreeMap::new();
    for (index, node) in nodes.iter().enumerate() {
        let Some(kind) = ecosystem(node) else { continue };
        let root = groups.root(index);
        match first.get(&(root, kind)) {
            Some(one) => drop(pairs.entry(root).or_insert((*one, index))),
            None => drop(first.insert((root, kind), index)),
        }
    }
    pairs
}

fn named(members: Vec<Node>) -> Project {
    let of = |prefix: &str| members.iter().find(|node| node.starts_with(prefix));
    let best = of("registry:").or_else(|| of("github:")).or_else(|| of("repo:")).or_else(|| members.first());
    Project { name: best.cloned().unwrap_or_default(), members }
}
