//! Which facts link which names, and how far each link is proven.
//!
//! A repository's address alone links nothing: dozens of packages claim one, and forks keep their upstream's. What names
//! the official registry holds it has checked against their owner: a GitHub login (`io.github.…`), a domain.

use std::collections::{BTreeMap, BTreeSet};

use url::Url;

use super::facts::Sorted;
use super::name_of;
use super::provenance::{Proof, attestation};
use super::repositories::{Found, Repositories};
use super::words::stem;
use crate::model::identity::repository::place_node;
use crate::model::identity::{
    EntryFacts, Finding, FindingKind, Link, LinkKind, Node, PackageFacts, RepositoryClaim, Tier, ecosystem,
    registry_node,
};

/// Where a package's source is, and how far that is proven.
struct Source {
    forge: String,
    path: String,
    tier: Tier,
}

/// Every link but those of likeness.
pub(super) fn links(facts: &Sorted<'_>, findings: &mut BTreeSet<Finding>) -> Vec<Link> {
    let repositories = Repositories::new(facts);
    let mut links = Vec::new();
    let mut sources: BTreeMap<&str, Source> = BTreeMap::new();
    for (node, said) in &facts.packages {
        if let Some(source) = package_source(node, said, &repositories, &mut links, findings) {
            sources.insert(node, source);
        }
        for name in &said.mcp_names {
            if !facts.entries.get(name.as_str()).is_some_and(|entry| entry.packages.contains_key(*node)) {
                let evidence = format!("the package names {name}, which does not list it");
                links.push(link(node, &registry_node(name), LinkKind::Package, Tier::Claimed, evidence));
            }
        }
    }
    let shared = shared_remotes(facts);
    for entry in facts.entries.values() {
        of_packages(facts, entry, &sources, &repositories, &mut links);
        of_remotes(entry, &shared, &mut links);
        if let Some(claim) = &entry.repository {
            of_source(entry, claim, &repositories, &mut links, findings);
        }
    }
    links.extend(twins(&sources));
    links
}

/// A link between two nodes, whichever comes first. What is not proven joins nothing.
fn link(a: &str, b: &str, kind: LinkKind, tier: Tier, evidence: String) -> Link {
    let (a, b) = if a <= b { (a, b) } else { (b, a) };
    let apart = matches!(tier, Tier::Claimed | Tier::Alike).then(|| "one side alone says so".to_owned());
    Link { a: a.to_owned(), b: b.to_owned(), kind, tier, evidence, apart }
}

fn package_source(
    node: &str,
    said: &PackageFacts,
    repositories: &Repositories<'_>,
    links: &mut Vec<Link>,
    findings: &mut BTreeSet<Finding>,
) -> Option<Source> {
    let proof = Proof::read(said, repositories);
    let claim = match (&said.repository, &proof) {
        (Some(claim), Proof::Of(made)) => claim.clone().with_id(claim.id.or(made.repository.id)),
        (Some(claim), _) => claim.clone(),
        (None, Proof::Of(made)) => made.repository.clone(),
        (None, _) => return None,
    };
    let Found::At(path) = repositories.find(&claim) else {
        links.push(resurrected(node, &claim, findings));
        return None;
    };
    let folders = repositories.folders(&claim.forge, &path, node);
    let stated = claim.folder.as_str();
    let found = match stated {
        // A package that names no folder is at the root, or where the only manifest is that names it.
        "" => folders.get("").or_else(|| folders.first().filter(|_| folders.len() == 1)),
        stated => folders.get(stated),
    };
    let attested = matches!(proof, Proof::Of(_));
    let tier = match (attested, found) {
        (true, _) => Tier::Verified,
        (false, Some(_)) => Tier::TwoWay,
        (false, None) => Tier::Claimed,
    };
    let folder = found.copied().or_else(|| Some(stated).filter(|stated| attested && !stated.is_empty()));
    let place = place_node(&claim.forge, &path, folder.unwrap_or(stated));
    let named = if found.is_some() { ", whose manifest names it" } else { "" };
    let evidence = match proof {
        Proof::Of(made) => format!("{}{named}", attestation(made, &place)),
        Proof::Not(why) => format!("the package names {place}{named}; {why}"),
        Proof::Unknown => format!("the package names {place}{named}"),
    };
    let mut made = link(node, &place, LinkKind::Repository, tier, evidence);
    if tier != Tier::Claimed && folder.is_none() {
        made.apart = Some("which folder of the repository it comes from is not known".to_owned());
    }
    links.push(made);
    Some(Source { forge: claim.forge, path, tier })
}

fn resurrected(node: &str, claim: &RepositoryClaim, findings: &mut BTreeSet<Finding>) -> Link {
    let place = claim.node();
    let evidence = format!("another repository has the name {place} now than the one that was meant");
    let (node_owned, other) = (node.to_owned(), place.clone());
    let kind = FindingKind::Resurrected;
    findings.insert(Finding { node: node_owned, kind, other, evidence: evidence.clone() });
    let said = format!("{} names {place}", name_of(node));
    let mut made = link(node, &place, LinkKind::Repository, Tier::Claimed, said);
    made.apart = Some(evidence);
    made
}

fn of_packages(
    facts: &Sorted<'_>,
    entry: &EntryFacts,
    sources: &BTreeMap<&str, Source>,
    repositories: &Repositories<'_>,
    links: &mut Vec<Link>,
) {
    let name = registry_node(&entry.name);
    let owner = github_owner(&entry.name);
    let own_source = entry.repository.as_ref().and_then(|claim| match repositories.find(claim) {
        Found::At(path) => Some((claim.forge.as_str(), path)),
        Found::Resurrected => None,
    });
    for package in entry.packages.keys() {
        let names_back =
            facts.packages.get(package.as_str()).is_some_and(|p| p.mcp_names.contains(&entry.name));
        let image_owner = package.strip_prefix("oci:ghcr.io/").and_then(|rest| rest.split('/').next());
        // The entry's owner owns the repository that the package is proven to come from.
        let comes_from_owner = owner.as_ref().is_some_and(|owner| {
            sources.get(package.as_str()).is_some_and(|source| {
                source.tier <= Tier::TwoWay
                    && source.forge == "github.com"
                    && source.path.split('/').next() == Some(owner)
                    && own_source
                        .as_ref()
                        .is_some_and(|(forge, path)| *forge == source.forge && *path == source.path)
            })
        });
        let owns_image = owner.is_some() && image_owner.map(str::to_ascii_lowercase) == owner;
        let (tier, evidence) = if names_back {
            let words = match ecosystem(package) {
                Some("oci") => "the registry lists the image, and the image's label names the entry",
                _ => "the registry lists the package, and the package names the entry",
            };
            (Tier::Verified, words.to_owned())
        } else if comes_from_owner {
            let words = "the registry lists the package, which is proven to come from the repository of the entry's owner";
            (Tier::TwoWay, words.to_owned())
        } else if owns_image {
            (Tier::TwoWay, "the registry lists the image, which lies under the same GitHub owner".to_owned())
        } else {
            (
                Tier::Claimed,
                "the registry lists the package, which does not name the entry as far as is known".to_owned(),
            )
        };
        links.push(link(&name, package, LinkKind::Package, tier, evidence));
    }
}

/// Addresses that several names list whose domain they are under: whose they are is not clear then.
fn shared_remotes<'a>(facts: &Sorted<'a>) -> BTreeSet<&'a str> {
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    for entry in facts.entries.values() {
        for remote in entry.remotes.iter().filter(|remote| owns_domain(&entry.name, remote)) {
            *seen.entry(remote).or_default() += 1;
        }
    }
    seen.into_iter().filter(|(_, count)| *count > 1).map(|(remote, _)| remote).collect()
}

fn of_remotes(entry: &EntryFacts, shared: &BTreeSet<&str>, links: &mut Vec<Link>) {
    let name = registry_node(&entry.name);
    for remote in &entry.remotes {
        let (tier, evidence) = if owns_domain(&entry.name, remote) {
            (
                Tier::TwoWay,
                "the registry lists the address, which is under the domain that the entry's owner proved",
            )
        } else {
            (Tier::Claimed, "the registry lists the address")
        };
        let mut made = link(&name, remote, LinkKind::Remote, tier, evidence.to_owned());
        if shared.contains(remote.as_str()) && tier == Tier::TwoWay {
            made.apart = Some("several entries of that owner list the address".to_owned());
        }
        links.push(made);
    }
}

fn of_source(
    entry: &EntryFacts,
    claim: &RepositoryClaim,
    repositories: &Repositories<'_>,
    links: &mut Vec<Link>,
    findings: &mut BTreeSet<Finding>,
) {
    let name = registry_node(&entry.name);
    let Found::At(path) = repositories.find(claim) else {
        links.push(resurrected(&name, claim, findings));
        return;
    };
    let folders = repositories.folders(&claim.forge, &path, &name);
    let found = match claim.folder.as_str() {
        "" => folders.get("").or_else(|| folders.first().filter(|_| folders.len() == 1)),
        stated => folders.get(stated),
    };
    let place = place_node(&claim.forge, &path, found.copied().unwrap_or(&claim.folder));
    let (tier, evidence) = match found {
        Some(_) => (Tier::TwoWay, format!("the entry names {place}, whose server.json names the entry")),
        None => (Tier::Claimed, format!("the entry names {place}")),
    };
    links.push(link(&name, &place, LinkKind::Repository, tier, evidence));
}

/// Packages of one name in two ecosystems, all proven to come from one repository.
fn twins(sources: &BTreeMap<&str, Source>) -> Vec<Link> {
    type Key<'a> = (&'a str, &'a str, (String, bool));
    let mut groups: BTreeMap<Key<'_>, Vec<(&str, Tier)>> = BTreeMap::new();
    for (node, source) in sources.iter().filter(|(_, source)| source.tier <= Tier::TwoWay) {
        if let Some(stem) = stem(node) {
            groups.entry((&source.forge, &source.path, stem)).or_default().push((*node, source.tier));
        }
    }
    let mut links = Vec::new();
    for ((forge, path, _), nodes) in groups {
        let ecosystems: BTreeSet<_> = nodes.iter().map(|(node, _)| ecosystem(node)).collect();
        // Two of one ecosystem: which of them is the twin is not clear.
        if nodes.len() < 2 || ecosystems.len() != nodes.len() {
            continue;
        }
        for pair in nodes.windows(2) {
            if let [(a, one), (b, other)] = pair {
                let place = place_node(forge, path, "");
                let evidence = format!("both are proven to come from {place}, and have one name");
                links.push(link(a, b, LinkKind::Twin, *one.max(other), evidence));
            }
        }
    }
    links
}

/// The login that a name of the registry belongs to, in lower case.
fn github_owner(name: &str) -> Option<String> {
    let (owner, _) = name.strip_prefix("io.github.")?.split_once('/')?;
    (!owner.is_empty()).then(|| owner.to_ascii_lowercase())
}

/// True if the address is at the domain that the name is made from: `com.example/x` and `https://mcp.example.com/`.
fn owns_domain(name: &str, remote: &Node) -> bool {
    let Some((namespace, _)) = name.split_once('/') else { return false };
    if github_owner(name).is_some() || namespace.split('.').count() < 2 {
        return false;
    }
    let domain = namespace.rsplit('.').collect::<Vec<_>>().join(".").to_ascii_lowercase();
    let host = Url::parse(name_of(remote)).ok().and_then(|url| url.host_str().map(str::to_owned));
    host.is_some_and(|host| {
        host == domain || host.strip_suffix(&domain).is_some_and(|front| front.ends_with('.'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_domain_is_its_owners_and_a_login_is_no_domain() {
        let owns = |name: &str, address: &str| owns_domain(name, &format!("remote:{address}"));
        assert!(owns("com.example/notes", "https://example.com/mcp"));
        assert!(owns("com.example/notes", "https://mcp.example.com/mcp"));
        assert!(!owns("com.example/notes", "https://badexample.com/mcp"));
        assert!(!owns("com.example/notes", "https://example.com.evil.example/mcp"));
        assert!(!owns("io.github.ann/notes", "https://ann.github.io/mcp"));
        assert!(!owns("com/notes", "https://example.com/"));
    }
}
