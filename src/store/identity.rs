//! Who is who, kept: the facts that identity is computed from, and its answer. Private servers take no part in either.

mod answer;
mod images;
mod provenance;
mod scanned;

use std::collections::BTreeSet;

use jiff::Timestamp;
use rusqlite::{Connection, Transaction, params};

use super::rows::json;
use super::{Store, StoreError, stored_time};
use crate::model::digest::sha256_hex;
use crate::model::identity::{Node, PackageFacts, RepositoryClaim, RepositoryFacts, ToolsFacts};

pub use images::{ImageSaid, UnseenImage};
pub use scanned::ScannedFacts;
pub(super) use scanned::keep as keep_scanned;

pub use answer::{
    ListedProject, NodeIdentity, SitePlace, identity_findings, identity_of, identity_projects, site_identity,
};

const REMEMBER: &str = "
    INSERT INTO package_facts (key, facts, read_at) VALUES (?1, ?2, ?3)
    ON CONFLICT (key) DO UPDATE SET facts = excluded.facts, read_at = excluded.read_at";
const PACKAGES: &str = "
    SELECT f.key AS key, f.facts AS facts FROM package_facts f
    WHERE NOT EXISTS (SELECT 1 FROM servers s WHERE s.key = f.key AND s.visibility = 'private')
      AND NOT EXISTS (SELECT 1 FROM candidates c WHERE c.key = f.key AND c.missing_at IS NOT NULL)
    ORDER BY f.key";
/// What a scan's own reading of the registry says, for packages whose newest document nobody read.
const CLAIMS: &str = "
    SELECT s.key AS key, max(r.repository) AS repository FROM servers s JOIN releases r ON r.server_id = s.id
    WHERE s.visibility = 'public' AND s.registry IN ('npm', 'pypi')
      AND (r.repository IS NOT NULL OR EXISTS (SELECT 1 FROM version_names v WHERE v.key = s.key))
      AND NOT EXISTS (SELECT 1 FROM package_facts f WHERE f.key = s.key)
    GROUP BY s.key ORDER BY s.key";
/// Of several records of one name that all speak, the one that changed last does.
const RECORDS: &str = "
    SELECT record FROM (
      SELECT name, record, row_number() OVER (PARTITION BY name ORDER BY stamp DESC, version DESC) AS place
      FROM listings WHERE source = ?1 AND record IS NOT NULL AND gone_at IS NULL AND status <> 'deleted')
    WHERE place = 1 ORDER BY name";
const VERSION_NAMES: &str = "SELECT key, version, names FROM version_names ORDER BY key, version";
const ADD_VERSION_NAMES: &str = "
    INSERT INTO version_names (key, version, names, read_at) VALUES (?1, ?2, ?3, ?4)
    ON CONFLICT (key, version) DO UPDATE SET names = excluded.names, read_at = excluded.read_at";
const NAMES: &str = "
    SELECT c.key AS key FROM candidates c
    WHERE c.missing_at IS NULL AND (c.obstacle IS NULL OR c.obstacle = 'malformed')
      AND NOT EXISTS (SELECT 1 FROM servers s WHERE s.key = c.key AND s.visibility = 'private')
    UNION SELECT s.key FROM servers s WHERE s.visibility = 'public' ORDER BY key";
const PRIVATE: &str = "SELECT key FROM servers WHERE visibility = 'private' ORDER BY key";
const IDS: &str = "SELECT forge, path, id FROM repository_ids ORDER BY forge, path, id";
const ADD_ID: &str = "
    INSERT INTO repository_ids (forge, path, id, first_seen) VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO NOTHING";
const TOOLS: &str = "
    SELECT s.key AS key, t.definition_hash AS hash
    FROM newest_probes n JOIN servers s ON s.id = n.server_id
      JOIN probe_tools t ON t.probe_id = n.answer_probe_id
    WHERE s.visibility = 'public' AND t.definition_hash IS NOT NULL
    ORDER BY s.key, t.definition_hash";

/// Facts as they are stored: records are read by whoever knows their shape.
#[derive(Debug, Default)]
pub struct StoredFacts {
    /// Packages.
    pub packages: Vec<(Node, PackageFacts)>,
    /// Names that single versions give themselves: package, version, names.
    pub version_names: Vec<(Node, String, BTreeSet<String>)>,
    /// Records of the official registry, one a name.
    pub entries: Vec<String>,
    /// Records of repositories on GitHub.
    pub repositories: Vec<String>,
    /// Forge, path and every number seen there.
    pub repository_ids: Vec<(String, String, u64)>,
    /// Newest answers.
    pub tools: Vec<ToolsFacts>,
    /// Every public name.
    pub names: BTreeSet<Node>,
    /// Servers that are private: no link may hold one, whoever names it.
    pub private: BTreeSet<Node>,
}

/// Keeps what a package's document says of who it is.
pub(super) fn remember_package(
    tx: &Transaction<'_>,
    key: &str,
    facts: &PackageFacts,
    now: &str,
) -> rusqlite::Result<()> {
    let text = serde_json::to_string(facts).expect("strings and numbers are always JSON");
    tx.prepare_cached(REMEMBER)?.execute(params![key, text, now]).map(drop)
}

impl Store {
    /// Everything that identity is computed from.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn identity_facts(&self) -> Result<StoredFacts, StoreError> {
        read_facts(&self.connection).map_err(|e| StoreError::from_sql(&self.connection, e))
    }

    /// Keeps the names that single versions of packages give themselves.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn remember_version_names(
        &mut self,
        all: &[(Node, String, BTreeSet<String>)],
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let now = stored_time(now);
        self.write(|tx| {
            let add = || -> rusqlite::Result<()> {
                let mut statement = tx.prepare_cached(ADD_VERSION_NAMES)?;
                for (key, version, names) in all {
                    let names = serde_json::to_string(names).expect("strings are always JSON");
                    statement.execute(params![key, version, names, now])?;
                }
                Ok(())
            };
            add().map_err(|e| StoreError::from_sql(tx, e))
        })
    }

    /// Keeps the numbers that forges give to repositories; none is ever forgotten.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn remember_repositories(
        &mut self,
        repositories: &[RepositoryFacts],
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let now = stored_time(now);
        self.write(|tx| {
            let add = || -> rusqlite::Result<()> {
                let mut statement = tx.prepare_cached(ADD_ID)?;
                for one in repositories {
                    // SQLite counts to 2^63; no forge is near it.
                    if let Some(id) = one.id.and_then(|id| i64::try_from(id).ok()) {
                        statement.execute(params![one.forge, one.path, id, now])?;
                    }
                }
                Ok(())
            };
            add().map_err(|e| StoreError::from_sql(tx, e))
        })
    }
}

fn read_facts(db: &Connection) -> rusqlite::Result<StoredFacts> {
    let mut packages: Vec<(Node, PackageFacts)> = db
        .prepare_cached(PACKAGES)?
        .query_map([], |row| Ok((row.get("key")?, json(row, "facts")?)))?
        .collect::<rusqlite::Result<_>>()?;
    provenance::add_to(db, &mut packages)?;
    let claims: Vec<(Node, Option<String>)> = db
        .prepare_cached(CLAIMS)?
        .query_map([], |row| Ok((row.get("key")?, row.get("repository")?)))?
        .collect::<rusqlite::Result<_>>()?;
    packages.extend(claims.into_iter().map(|(key, address)| {
        let repository = address.and_then(|address| RepositoryClaim::read(&address, None));
        (key, PackageFacts { repository, ..PackageFacts::default() })
    }));
    let records = |source: &str| -> rusqlite::Result<Vec<String>> {
        db.prepare_cached(RECORDS)?.query_map([source], |row| row.get("record"))?.collect()
    };
    let names =
        db.prepare_cached(NAMES)?.query_map([], |row| row.get("key"))?.collect::<rusqlite::Result<_>>()?;
    let private =
        db.prepare_cached(PRIVATE)?.query_map([], |row| row.get("key"))?.collect::<rusqlite::Result<_>>()?;
    let repository_ids = db
        .prepare_cached(IDS)?
        .query_map([], |row| {
            let id: i64 = row.get("id")?;
            Ok((row.get("forge")?, row.get("path")?, u64::try_from(id).unwrap_or_default()))
        })?
        .collect::<rusqlite::Result<_>>()?;
    let version_names = db
        .prepare_cached(VERSION_NAMES)?
        .query_map([], |row| Ok((row.get("key")?, row.get("version")?, json(row, "names")?)))?
        .collect::<rusqlite::Result<_>>()?;
    Ok(StoredFacts {
        packages,
        version_names,
        entries: records("mcp")?,
        repositories: records("github")?,
        repository_ids,
        tools: tool_sets(db)?,
        names,
        private,
    })
}

fn tool_sets(db: &Connection) -> rusqlite::Result<Vec<ToolsFacts>> {
    let mut sets: Vec<(Node, Vec<String>)> = Vec::new();
    let mut statement = db.prepare_cached(TOOLS)?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let (key, hash): (String, String) = (row.get("key")?, row.get("hash")?);
        match sets.last_mut() {
            Some((node, hashes)) if *node == key => hashes.push(hash),
            _ => sets.push((key, vec![hash])),
        }
    }
    let set = |(node, hashes): (Node, Vec<String>)| ToolsFacts {
        node,
        count: u32::try_from(hashes.len()).unwrap_or(u32::MAX),
        hash: sha256_hex(hashes.join("\n").as_bytes()),
    };
    Ok(sets.into_iter().map(set).collect())
}
