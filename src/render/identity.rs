//! Who a server is, as its page tells it: its other names with their proof, what it claims, and what it looks like.

use serde::Serialize;

use super::catalogue::Catalogue;
use crate::model::identity::{FindingKind, Link, Node, Tier};
use crate::model::{ServerKey, Untrusted};
use crate::store::identity::{NodeIdentity, SitePlace};

/// Names shown in one list.
const NAMES: usize = 20;

/// The part of a page; every text is made for a page and not yet escaped.
#[derive(Debug, Default, Serialize)]
pub(super) struct IdentityView {
    /// The project's other names.
    same: Vec<NameView>,
    /// What it says of itself, or an entry of the registry says of it, that nothing confirms.
    claims: Vec<NameView>,
    /// What it looks like a copy of, and what looks like a copy of it.
    alike: Vec<AlikeView>,
    /// What is wrong with its name or its claims, in sentences.
    warnings: Vec<String>,
    /// True if there is anything to show.
    some: bool,
}

#[derive(Debug, Serialize)]
struct NameView {
    name: String,
    /// What kind of name it is, in words.
    what: &'static str,
    /// The folder of its pages, where it has some.
    path: Option<String>,
    /// How far that is proven.
    proof: &'static str,
    evidence: String,
}

#[derive(Debug, Serialize)]
struct AlikeView {
    name: String,
    path: Option<String>,
    /// True if the page's server is the copy.
    is_copy: bool,
    /// What they share.
    shared: &'static str,
}

/// What the page of `key` shows.
pub(super) fn identity_view(
    catalogue: &Catalogue,
    key: &ServerKey,
    (known, places): &(NodeIdentity, Vec<SitePlace>),
) -> IdentityView {
    let text = key.to_string();
    let own = if text.starts_with("github:") { text.to_ascii_lowercase() } else { text };
    let path = |node: &Node| page_of(catalogue, places, node);
    let line = |text: &str| Untrusted::new(text).for_page_line(300);
    let weakest = known.within.iter().map(|link| link.tier).max().unwrap_or(Tier::TwoWay);
    let other = |link: &Link| if link.a == own { link.b.clone() } else { link.a.clone() };
    let same = known.members.iter().filter(|node| **node != own).map(|node| {
        let direct = known.links.iter().find(|link| link.apart.is_none() && other(link) == **node);
        NameView {
            name: line(name_of(node)),
            what: kind_of(node),
            path: path(node),
            proof: proof(direct.map_or(weakest, |link| link.tier)),
            evidence: direct.map_or_else(String::new, |link| line(&link.evidence)),
        }
    });
    let is_other = |link: &&Link| !known.members.contains(&other(link));
    let claims = known.links.iter().filter(|link| link.apart.is_some() && link.tier != Tier::Alike);
    let claims = claims.filter(is_other).map(|link| {
        let node = other(link);
        NameView {
            name: line(name_of(&node)),
            what: kind_of(&node),
            path: path(&node),
            proof: proof(link.tier),
            evidence: line(&link.evidence),
        }
    });
    let alike = known.links.iter().filter(|link| link.tier == Tier::Alike).map(|link| {
        let node = other(link);
        let shared = match link.kind {
            crate::model::identity::LinkKind::SameTools => "exactly the same tools",
            _ => "the same README but for the name",
        };
        let is_copy = link.evidence.starts_with(&format!("{own} "));
        AlikeView { path: path(&node), name: line(&node), is_copy, shared }
    });
    let warned = [
        FindingKind::LookAlike,
        FindingKind::Resurrected,
        FindingKind::Republished,
        FindingKind::Copied,
        FindingKind::CrowdedRepository,
    ];
    let warnings = known.findings.iter().filter(|finding| warned.contains(&finding.kind));
    let mut view = IdentityView {
        same: same.take(NAMES).collect(),
        claims: claims.take(NAMES).collect(),
        alike: alike.take(NAMES).collect(),
        warnings: warnings.take(NAMES).map(|finding| line(&finding.evidence)).collect(),
        some: false,
    };
    view.some = !(view.same.is_empty()
        && view.claims.is_empty()
        && view.alike.is_empty()
        && view.warnings.is_empty());
    view
}

/// The folder of a server's pages, if the site has any.
fn page_of(catalogue: &Catalogue, places: &[SitePlace], node: &Node) -> Option<String> {
    let key = places.iter().find(|place| place.node == *node)?.server.as_ref()?;
    catalogue.server(key).map(|server| server.name.path.clone())
}

fn proof(tier: Tier) -> &'static str {
    match tier {
        Tier::Verified => "verified",
        Tier::TwoWay => "two-way: each names the other",
        Tier::Claimed => "a claim, not confirmed",
        Tier::Alike => "looks alike",
    }
}

fn name_of(node: &str) -> &str {
    node.split_once(':').map_or(node, |(_, name)| name)
}

fn kind_of(node: &str) -> &'static str {
    match node.split_once(':').map(|(kind, _)| kind) {
        Some("npm") => "npm package",
        Some("pypi") => "Python package",
        Some("oci") => "image",
        Some("registry") => "name in the MCP registry",
        Some("remote") => "address",
        Some("github") => "repository on GitHub",
        Some("repo") => "repository",
        _ => "package",
    }
}
