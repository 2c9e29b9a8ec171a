//! What looks like something else as a whole: the same tools, the same README, many near-identical packages of one
//! publisher, dozens of strangers that claim one repository. None of it joins anything.

use std::collections::{BTreeMap, BTreeSet};

use super::facts::Sorted;
use super::words::{GENERIC, bare, is_generated, words};
use super::{Standing, project_of, scope_of};
use crate::model::identity::{Finding, FindingKind, Link, LinkKind, PackageFacts, Project, Tier, ecosystem};

/// Fewer tools than this are the same by chance: an example's `echo`.
const TOOLS: u32 = 2;
/// Near-identical packages of one publisher.
const ALIKE: usize = 5;
/// Packages of one publisher that claim other people's repositories.
const REPUBLISHED: usize = 8;
/// "Dozens" of packages that claim one repository.
const CROWD: usize = 12;

/// Links between names that list the same tools or have the same README, and who is the copy where that can be said.
pub(super) fn alike(
    facts: &Sorted<'_>,
    projects: &[Project],
    standing: &Standing<'_>,
    findings: &mut BTreeSet<Finding>,
) -> Vec<Link> {
    let project = project_of(projects);
    let mut tools: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for answer in facts.tools.iter().filter(|answer| answer.count >= TOOLS) {
        tools.entry(&answer.hash).or_default().insert(&answer.node);
    }
    let mut readmes: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (node, said) in &facts.packages {
        if let Some(hash) = &said.readme {
            readmes.entry(hash).or_default().insert(node);
        }
    }
    let mut links = Vec::new();
    for (groups, kind) in [(tools, LinkKind::SameTools), (readmes, LinkKind::SameReadme)] {
        for nodes in groups.into_values().filter(|nodes| nodes.len() > 1) {
            let best = nodes.iter().map(|node| standing.of(node)).max().unwrap_or_default();
            let mut leaders = nodes.iter().filter(|node| standing.of(node) == best);
            let (leader, alone) = (leaders.next().copied().unwrap_or_default(), leaders.next().is_none());
            for node in nodes.iter().copied().filter(|node| *node != leader) {
                if project.get(node).is_some_and(|one| project.get(leader) == Some(one)) {
                    continue;
                }
                let what = match kind {
                    LinkKind::SameTools => "lists exactly the same tools as",
                    _ => "has the same README, but for its name, as",
                };
                let (a, b) = if node < leader { (node, leader) } else { (leader, node) };
                links.push(Link {
                    a: a.to_owned(),
                    b: b.to_owned(),
                    kind,
                    tier: Tier::Alike,
                    evidence: format!("{node} {what} {leader}"),
                    apart: Some("being alike proves nothing".to_owned()),
                });
                let is_copy = kind == LinkKind::SameReadme && alone && best > 0 && standing.of(node) == 0;
                if is_copy && !same_publisher(facts, node, leader) {
                    let evidence = format!("it {what} {leader}, which is better known");
                    findings.insert(finding(node, FindingKind::Copied, leader, evidence));
                }
            }
        }
    }
    links
}

/// Packages that were published in bulk.
pub(super) fn republished(facts: &Sorted<'_>, standing: &Standing<'_>, findings: &mut BTreeSet<Finding>) {
    let mut shapes: BTreeMap<(String, &str), Vec<&str>> = BTreeMap::new();
    let mut families: BTreeMap<(String, &str), Vec<(&str, &str)>> = BTreeMap::new();
    let mut claims: BTreeMap<(&str, &str, &str), Vec<&str>> = BTreeMap::new();
    for (node, said) in &facts.packages {
        if is_generated(node) {
            let evidence = "its name has a part that a program made".to_owned();
            findings.insert(finding(node, FindingKind::GeneratedName, "", evidence));
        }
        let kind = ecosystem(node).unwrap_or_default();
        for family in families_of(node, said) {
            if let Some(shape) = &said.shape {
                shapes.entry((family.clone(), shape)).or_default().push(node);
            }
            if let Some(claim) = &said.repository
                && standing.of(node) == 0
                && let Some(owner) = claim.path.split('/').next()
                && family != owner_family(kind, owner)
            {
                families.entry((family, kind)).or_default().push((node, owner));
            }
        }
        if let Some(claim) = &said.repository {
            claims.entry((kind, &claim.forge, &claim.path)).or_default().push(node);
        }
    }
    for ((family, _), nodes) in shapes.into_iter().filter(|(_, nodes)| nodes.len() >= ALIKE) {
        let evidence =
            format!("{} of {} packages that are made of the same, but for their names", family, nodes.len());
        for node in nodes.iter().filter(|node| standing.of(node) < 2) {
            findings.insert(finding(node, FindingKind::Republished, "", evidence.clone()));
        }
    }
    for ((family, _), claimed) in families.into_iter().filter(|(_, claimed)| claimed.len() >= REPUBLISHED) {
        let owners: BTreeSet<&str> = claimed.iter().map(|(_, owner)| *owner).collect();
        // Somebody with many packages has them in a few accounts; a republisher takes one here and one there.
        if owners.len() < REPUBLISHED.max(claimed.len() * 2 / 3) {
            continue;
        }
        let (count, many) = (claimed.len(), owners.len());
        let evidence = format!("{family} has {count} packages that claim repositories of {many} owners");
        for (node, _) in claimed {
            findings.insert(finding(node, FindingKind::Republished, "", evidence.clone()));
        }
    }
    for ((_, forge, path), nodes) in claims.into_iter().filter(|(_, nodes)| nodes.len() >= CROWD) {
        let owner = path.split('/').next().unwrap_or_default();
        let place = crate::model::identity::repository::place_node(forge, path, "");
        let evidence =
            format!("{} packages claim {place}; it does not name this one as far as is known", nodes.len());
        for node in nodes.into_iter().filter(|node| standing.of(node) == 0 && !names_owner(node, owner)) {
            findings.insert(finding(node, FindingKind::CrowdedRepository, &place, evidence.clone()));
        }
    }
}

fn finding(node: &str, kind: FindingKind, other: &str, evidence: String) -> Finding {
    Finding { node: node.to_owned(), kind, other: other.to_owned(), evidence }
}

/// True if both say that one publisher may publish them, or share a scope.
pub(super) fn same_publisher(facts: &Sorted<'_>, a: &str, b: &str) -> bool {
    if scope_of(a).is_some() && scope_of(a) == scope_of(b) {
        return true;
    }
    let of = |node: &str| facts.packages.get(node).map(|said| &said.publishers);
    of(a).zip(of(b)).is_some_and(|(one, other)| !one.is_disjoint(other))
}

/// Who may be behind a package: its publishers, its scope, and the first word of its name where that says nothing of what
/// it does.
fn families_of(node: &str, said: &PackageFacts) -> BTreeSet<String> {
    let kind = ecosystem(node).unwrap_or_default();
    let mut families: BTreeSet<String> =
        said.publishers.iter().map(|who| format!("publisher {who}")).collect();
    families.extend(scope_of(node).map(|scope| owner_family(kind, scope)));
    let own = words(bare(node));
    if let Some(first) =
        own.first().filter(|word| own.len() > 2 && word.len() > 2 && !GENERIC.contains(&word.as_str()))
    {
        families.insert(format!("{kind} names in {first}-"));
    }
    families
}

fn owner_family(kind: &str, owner: &str) -> String {
    format!("{kind} scope @{owner}")
}

/// `@awslabs/x` and `awslabs.x` are awslabs's own.
fn names_owner(node: &str, owner: &str) -> bool {
    scope_of(node).is_some_and(|scope| scope.eq_ignore_ascii_case(owner))
        || words(bare(node)).first().is_some_and(|first| *first == owner)
}
