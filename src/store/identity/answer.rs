//! What identity came to: written as a whole, read by the command and by the site.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};

use super::super::candidates::set_signs;
use super::super::rows::word;
use super::super::{Store, StoreError, stored_time};
use crate::model::digest::sha256_hex;
use crate::model::identity::{Finding, FindingKind, Identity, Link, LinkKind, Node, Tier};
use crate::model::sign::Sign;

const DIGEST: &str = "SELECT digest FROM identity_state WHERE only = 1";
const SET_DIGEST: &str = "
    INSERT INTO identity_state (only, digest, computed_at) VALUES (1, ?1, ?2)
    ON CONFLICT (only) DO UPDATE SET digest = excluded.digest, computed_at = excluded.computed_at";
const FORGET: [&str; 3] =
    ["DELETE FROM identity_links", "DELETE FROM project_members", "DELETE FROM identity_findings"];
const ADD_LINK: &str = "
    INSERT INTO identity_links (a, b, kind, tier, evidence, apart) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
    ON CONFLICT DO NOTHING";
const ADD_MEMBER: &str = "INSERT INTO project_members (node, project) VALUES (?1, ?2)";
const ADD_FINDING: &str = "
    INSERT INTO identity_findings (node, kind, other, evidence) VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO NOTHING";
const MARKED: &str = "
    SELECT key, group_concat(sign, ' ') AS signs FROM (
      SELECT key, sign FROM candidate_signs WHERE told_by = 'identity' ORDER BY key, sign) GROUP BY key ORDER BY key";
const IS_CANDIDATE: &str = "SELECT EXISTS (SELECT 1 FROM candidates WHERE key = ?1)";

const PROJECTS: &str = "SELECT project, node FROM project_members ORDER BY project, node";
const MEMBERS: &str = "
    SELECT node FROM project_members
    WHERE project = (SELECT project FROM project_members WHERE node = ?1) ORDER BY node";
const LINKS: &str = "
    SELECT a, b, kind, tier, evidence, apart FROM identity_links WHERE a = ?1 OR b = ?1 ORDER BY a, b, kind";
const LINKS_WITHIN: &str = "
    SELECT l.a AS a, l.b AS b, l.kind AS kind, l.tier AS tier, l.evidence AS evidence, l.apart AS apart
    FROM identity_links l
      JOIN project_members m ON m.node = l.a JOIN project_members n ON n.node = l.b AND n.project = m.project
    WHERE m.project = (SELECT project FROM project_members WHERE node = ?1) AND l.apart IS NULL
    ORDER BY l.a, l.b, l.kind";
const FINDINGS: &str = "SELECT node, kind, other, evidence FROM identity_findings WHERE ?1 IS NULL OR node = ?1 ORDER BY node, kind, other, evidence";
/// A node as the site can link it: a public server's key. Repositories are written in lower case in nodes.
const SERVER: &str = "
    SELECT key, visibility = 'private' AS private FROM servers
    WHERE key = ?1 OR (registry = 'github' AND lower(key) = ?1) ORDER BY key LIMIT 1";

/// A project as it is listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedProject {
    /// Its name.
    pub name: Node,
    /// Its members, in order.
    pub members: Vec<Node>,
}

/// Everything known of who one node is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NodeIdentity {
    /// The members of its project, itself included; empty if it is in none.
    pub members: Vec<Node>,
    /// Links that join the project's members.
    pub within: Vec<Link>,
    /// Its own links.
    pub links: Vec<Link>,
    /// What stands out.
    pub findings: Vec<Finding>,
}

/// Another name of a server, as its page shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SitePlace {
    /// The node.
    pub node: Node,
    /// The key of the server it is, if that is a public one.
    pub server: Option<String>,
}

impl Store {
    /// Replaces the answer, and what it says of candidates. False if it is the one that is there.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn keep_identity(&mut self, identity: &Identity, now: Timestamp) -> Result<bool, StoreError> {
        let digest = sha256_hex(format!("{identity:?}").as_bytes());
        let now = stored_time(now);
        self.write(|tx| keep(tx, identity, &digest, &now).map_err(|e| StoreError::from_sql(tx, e)))
    }
}

fn keep(tx: &Transaction<'_>, identity: &Identity, digest: &str, now: &str) -> rusqlite::Result<bool> {
    // Signs first: a candidate that is new has none yet, though the answer is the same.
    mark_candidates(tx, identity)?;
    let before: Option<String> = tx.query_row(DIGEST, [], |row| row.get(0)).optional()?;
    if before.as_deref() == Some(digest) {
        return Ok(false);
    }
    for forget in FORGET {
        tx.execute(forget, [])?;
    }
    let mut add = tx.prepare_cached(ADD_LINK)?;
    for Link { a, b, kind, tier, evidence, apart } in &identity.links {
        add.execute(params![a, b, kind.as_str(), tier.as_str(), evidence, apart])?;
    }
    let mut add = tx.prepare_cached(ADD_MEMBER)?;
    for project in &identity.projects {
        for node in &project.members {
            add.execute(params![node, project.name])?;
        }
    }
    let mut add = tx.prepare_cached(ADD_FINDING)?;
    for Finding { node, kind, other, evidence } in &identity.findings {
        add.execute(params![node, kind.as_str(), other, evidence])?;
    }
    tx.execute(SET_DIGEST, params![digest, now])?;
    Ok(true)
}

/// What a finding says of a candidate's place in the queue.
fn sign_of(kind: FindingKind) -> Option<Sign> {
    match kind {
        FindingKind::Republished => Some(Sign::Republished),
        FindingKind::Copied => Some(Sign::Copied),
        FindingKind::CrowdedRepository => Some(Sign::CrowdedRepository),
        FindingKind::GeneratedName => Some(Sign::GeneratedName),
        FindingKind::LookAlike | FindingKind::Conflict | FindingKind::Resurrected => None,
    }
}

fn mark_candidates(tx: &Transaction<'_>, identity: &Identity) -> rusqlite::Result<()> {
    use std::collections::{BTreeMap, BTreeSet};
    let mut wanted: BTreeMap<&str, BTreeSet<Sign>> = BTreeMap::new();
    for finding in &identity.findings {
        if let Some(sign) = sign_of(finding.kind) {
            wanted.entry(&finding.node).or_default().insert(sign);
        }
    }
    let marked: BTreeMap<String, String> = tx
        .prepare_cached(MARKED)?
        .query_map([], |row| Ok((row.get("key")?, row.get("signs")?)))?
        .collect::<rusqlite::Result<_>>()?;
    let mut is_candidate = tx.prepare_cached(IS_CANDIDATE)?;
    for (key, signs) in &wanted {
        let signs: Vec<Sign> = signs.iter().copied().collect();
        let mut words: Vec<&str> = signs.iter().map(|sign| sign.as_str()).collect();
        words.sort_unstable();
        let same = marked.get(*key).is_some_and(|before| *before == words.join(" "));
        if !same && is_candidate.query_row([key], |row| row.get(0))? {
            set_signs(tx, key, "identity", &signs)?;
        }
    }
    for key in marked.keys().filter(|key| !wanted.contains_key(key.as_str())) {
        set_signs(tx, key, "identity", &[])?;
    }
    Ok(())
}

fn link(row: &Row<'_>) -> rusqlite::Result<Link> {
    let (kind, tier): (LinkKind, Tier) = (word(row, "kind")?, word(row, "tier")?);
    Ok(Link {
        a: row.get("a")?,
        b: row.get("b")?,
        kind,
        tier,
        evidence: row.get("evidence")?,
        apart: row.get("apart")?,
    })
}

fn finding(row: &Row<'_>) -> rusqlite::Result<Finding> {
    Ok(Finding {
        node: row.get("node")?,
        kind: word(row, "kind")?,
        other: row.get("other")?,
        evidence: row.get("evidence")?,
    })
}

/// Every project, by name.
///
/// # Errors
/// [`StoreError`], here and below.
pub fn identity_projects(db: &Connection) -> Result<Vec<ListedProject>, StoreError> {
    let read = || -> rusqlite::Result<Vec<ListedProject>> {
        let mut projects: Vec<ListedProject> = Vec::new();
        let mut statement = db.prepare_cached(PROJECTS)?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let (name, node): (Node, Node) = (row.get("project")?, row.get("node")?);
            match projects.last_mut() {
                Some(last) if last.name == name => last.members.push(node),
                _ => projects.push(ListedProject { name, members: vec![node] }),
            }
        }
        Ok(projects)
    };
    read().map_err(|e| StoreError::from_sql(db, e))
}

/// Everything that stands out, of every node.
///
/// # Errors
/// As above.
pub fn identity_findings(db: &Connection) -> Result<Vec<Finding>, StoreError> {
    findings_of(db, None).map_err(|e| StoreError::from_sql(db, e))
}

fn findings_of(db: &Connection, node: Option<&str>) -> rusqlite::Result<Vec<Finding>> {
    db.prepare_cached(FINDINGS)?.query_map([node], finding)?.collect()
}

/// Everything known of who one node is.
///
/// # Errors
/// As above.
pub fn identity_of(db: &Connection, node: &str) -> Result<NodeIdentity, StoreError> {
    let read = || -> rusqlite::Result<NodeIdentity> {
        Ok(NodeIdentity {
            members: db
                .prepare_cached(MEMBERS)?
                .query_map([node], |row| row.get("node"))?
                .collect::<Result<_, _>>()?,
            within: db.prepare_cached(LINKS_WITHIN)?.query_map([node], link)?.collect::<Result<_, _>>()?,
            links: db.prepare_cached(LINKS)?.query_map([node], link)?.collect::<Result<_, _>>()?,
            findings: findings_of(db, Some(node))?,
        })
    };
    read().map_err(|e| StoreError::from_sql(db, e))
}

/// What a public server's page shows of who it is: [`identity_of`] without what has to do with a private server, and the
/// servers that its nodes are.
///
/// # Errors
/// As above.
pub fn site_identity(db: &Connection, key: &str) -> Result<(NodeIdentity, Vec<SitePlace>), StoreError> {
    let node = if key.starts_with("github:") { key.to_ascii_lowercase() } else { key.to_owned() };
    let mut all = identity_of(db, &node)?;
    let read = || -> rusqlite::Result<Vec<(SitePlace, bool)>> {
        let mut nodes: Vec<&Node> = all.members.iter().collect();
        nodes.extend(all.links.iter().flat_map(|link| [&link.a, &link.b]));
        nodes.extend(all.findings.iter().map(|finding| &finding.other));
        nodes.sort();
        nodes.dedup();
        let mut statement = db.prepare_cached(SERVER)?;
        let place = |node: &&Node| {
            let found: Option<(String, bool)> = statement
                .query_row([node.as_str()], |row| Ok((row.get("key")?, row.get("private")?)))
                .optional()?;
            let private = found.as_ref().is_some_and(|(_, private)| *private);
            Ok((SitePlace { node: (*node).clone(), server: found.map(|(key, _)| key) }, private))
        };
        nodes.iter().map(place).collect()
    };
    let places = read().map_err(|e| StoreError::from_sql(db, e))?;
    let hidden = |node: &Node| places.iter().any(|(place, private)| *private && place.node == *node);
    all.members.retain(|node| !hidden(node));
    all.within.retain(|link| !hidden(&link.a) && !hidden(&link.b));
    all.links.retain(|link| !hidden(&link.a) && !hidden(&link.b));
    // Its sentence may hold the name of whom it has to do with.
    all.findings.retain(|finding| !hidden(&finding.other));
    Ok((all, places.into_iter().filter(|(_, private)| !private).map(|(place, _)| place).collect()))
}
