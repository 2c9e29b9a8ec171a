//! Servers and their releases: who they are, what the registry says, and what is already known of them.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use rusqlite::{Connection, Transaction, params};

use super::rows::{time, word};
use super::{Store, StoreError, stored_time};
use crate::model::{Class, Outcome, Release, ReleaseFacts, SandboxLevel, ServerKey};

const ADD_SERVER: &str = "
    INSERT INTO servers (key, registry, name, visibility, first_seen)
    VALUES (?1, ?2, ?3, CASE ?2 WHEN 'local' THEN 'private' ELSE 'public' END, ?4)
    ON CONFLICT (key) DO NOTHING";

const ADD_CONFIGURED: &str = "
    INSERT INTO servers (key, registry, name, visibility, visibility_from, first_seen)
    VALUES (?1, ?2, ?3, 'private', 'configuration', ?4)
    ON CONFLICT (key) DO NOTHING";

const PUBLISH_NAMED: &str = "
    UPDATE servers SET visibility = 'public', visibility_from = 'scan'
    WHERE visibility_from = 'configuration' AND registry <> 'local' AND key IN (SELECT value FROM json_each(?1))";

const ADD_RELEASE: &str = "
    INSERT INTO releases (server_id, version, purl, published_at, title, description, repository, homepage, licence,
                          first_seen)
    SELECT id, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10 FROM servers WHERE key = ?1
    ON CONFLICT (server_id, version) DO UPDATE SET
      published_at = coalesce(published_at, excluded.published_at),
      title = coalesce(title, excluded.title),
      description = coalesce(description, excluded.description),
      repository = coalesce(repository, excluded.repository),
      homepage = coalesce(homepage, excluded.homepage),
      licence = coalesce(licence, excluded.licence)
    RETURNING id";

const SET_VISIBILITY: &str = "UPDATE servers SET visibility = ?2, visibility_from = 'person' WHERE key = ?1";

/// Newest first; `is_lasting` is decided by the model and not repeated here.
const FINISHED_PROBES: &str = "
    SELECT p.id AS id, p.outcome AS outcome, coalesce(p.detail, '') AS detail, p.sandbox AS sandbox,
           p.finished_at AS finished_at,
           (SELECT count(*) FROM probe_tools t WHERE t.probe_id = p.id AND t.definition_hash IS NOT NULL) AS tools,
           (SELECT count(*) FROM probe_tools t WHERE t.probe_id = p.id AND t.definition_hash IS NULL) AS malformed
    FROM probes p JOIN releases r ON r.id = p.release_id JOIN servers s ON s.id = r.server_id
    WHERE s.key = ?1 AND r.version = ?2 AND p.scanner_schema = ?3 AND p.finished_at IS NOT NULL
    ORDER BY p.finished_at DESC, p.id DESC";

const CLASSES: &str = "
    SELECT class, count(*) AS tools FROM tools_probed
    WHERE probe_id = ?1 AND class IS NOT NULL GROUP BY class ORDER BY class";

/// Who may see a server on a site made for others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Visibility {
    /// Everyone.
    Public,
    /// The owner of the database only.
    Private,
}

impl Visibility {
    /// The stored word.
    pub fn as_str(self) -> &'static str {
        match self {
            Visibility::Public => "public",
            Visibility::Private => "private",
        }
    }
}

impl fmt::Display for Visibility {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Visibility {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "public" => Ok(Visibility::Public),
            "private" => Ok(Visibility::Private),
            _ => Err(format!("\"{text}\" is neither public nor private")),
        }
    }
}

/// A finished probe, in short: what the closing table of a scan shows for a release that is not asked again.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredProbe {
    /// Its row.
    pub id: i64,
    /// How it ended.
    pub outcome: Outcome,
    /// One line on why, for people. Foreign text.
    pub detail: String,
    /// How far the server was locked in; None where it was never started.
    pub sandbox: Option<SandboxLevel>,
    /// When it ended.
    pub finished_at: Timestamp,
    /// Tools it listed.
    pub tools: u32,
    /// Entries of the list that were no tools.
    pub malformed: u32,
    /// Tools by class under the rule set in force and after corrections; empty before the first classification.
    pub classes: BTreeMap<Class, u32>,
}

impl Store {
    /// Makes a release known, or fills in what was not known of it. Returns its row.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn remember_release(
        &mut self,
        release: &Release,
        facts: &ReleaseFacts,
        now: Timestamp,
    ) -> Result<i64, StoreError> {
        let now = stored_time(now);
        self.write(|tx| remember(tx, release, facts, &now).map_err(|e| StoreError::from_sql(tx, e)))
    }

    /// The newest finished probe of a release whose outcome lasts ([`Outcome::is_lasting`]), made under `scanner_schema`.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn lasting_outcome(
        &self,
        release: &Release,
        scanner_schema: u32,
    ) -> Result<Option<StoredProbe>, StoreError> {
        newest_lasting(&self.connection, release, scanner_schema)
            .map_err(|e| StoreError::from_sql(&self.connection, e))
    }

    /// Makes servers known that stand in somebody's own configuration: private, unless they were known before.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn remember_configured(&mut self, servers: &[ServerKey], now: Timestamp) -> Result<(), StoreError> {
        let now = stored_time(now);
        self.write(|tx| {
            let all = || -> rusqlite::Result<()> {
                let mut statement = tx.prepare_cached(ADD_CONFIGURED)?;
                for server in servers {
                    statement.execute(params![
                        server.to_string(),
                        server.registry().as_str(),
                        server.name(),
                        now
                    ])?;
                }
                Ok(())
            };
            all().map_err(|e| StoreError::from_sql(tx, e))
        })
    }

    /// Makes those of `servers` public that were private only because they stood in a configuration: now they were asked
    /// for by name, or found in a registry. What a person said stays.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn publish_named(&mut self, servers: &[ServerKey]) -> Result<(), StoreError> {
        let keys: serde_json::Value = servers.iter().map(ToString::to_string).collect();
        self.write(|tx| {
            tx.execute(PUBLISH_NAMED, [keys.to_string()]).map(drop).map_err(|e| StoreError::from_sql(tx, e))
        })
    }

    /// Sets who may see a server. True if the server is known.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn set_visibility(&mut self, server: &ServerKey, visibility: Visibility) -> Result<bool, StoreError> {
        self.write(|tx| {
            tx.execute(SET_VISIBILITY, params![server.to_string(), visibility.as_str()])
                .map(|changed| changed > 0)
                .map_err(|e| StoreError::from_sql(tx, e))
        })
    }
}

/// The row of a release, made or filled in.
pub(super) fn remember(
    tx: &Transaction<'_>,
    release: &Release,
    facts: &ReleaseFacts,
    now: &str,
) -> rusqlite::Result<i64> {
    let key = release.server.to_string();
    tx.prepare_cached(ADD_SERVER)?.execute(params![
        key,
        release.server.registry().as_str(),
        release.server.name(),
        now
    ])?;
    tx.prepare_cached(ADD_RELEASE)?.query_row(
        params![
            key,
            release.version,
            release.purl(),
            facts.published_at.map(stored_time),
            facts.title.as_ref().map(|t| t.raw()),
            facts.description.as_ref().map(|t| t.raw()),
            facts.repository,
            facts.homepage,
            facts.licence.as_ref().map(|t| t.raw()),
            now,
        ],
        |row| row.get(0),
    )
}

pub(super) fn newest_lasting(
    connection: &Connection,
    release: &Release,
    scanner_schema: u32,
) -> rusqlite::Result<Option<StoredProbe>> {
    let mut statement = connection.prepare_cached(FINISHED_PROBES)?;
    let mut rows = statement.query(params![release.server.to_string(), release.version, scanner_schema])?;
    while let Some(row) = rows.next()? {
        let outcome: Outcome = word(row, "outcome")?;
        if !outcome.is_lasting() {
            continue;
        }
        let id = row.get("id")?;
        return Ok(Some(StoredProbe {
            id,
            outcome,
            detail: row.get("detail")?,
            sandbox: super::rows::maybe_word(row, "sandbox")?,
            finished_at: time(row, "finished_at")?,
            tools: row.get("tools")?,
            malformed: row.get("malformed")?,
            classes: class_counts(connection, id)?,
        }));
    }
    Ok(None)
}

fn class_counts(connection: &Connection, probe: i64) -> rusqlite::Result<BTreeMap<Class, u32>> {
    connection
        .prepare_cached(CLASSES)?
        .query_map([probe], |row| Ok((word(row, "class")?, row.get("tools")?)))?
        .collect()
}
