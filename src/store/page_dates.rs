//! What moved the pages of a server beside its answers, and when: other rules, silences, people's words. For sitemaps; from stored history
//! alone.

use std::collections::BTreeMap;

use jiff::Timestamp;
use rusqlite::{Connection, params};

use super::rows::{time, word};
use super::site::SiteServer;
use super::{StoreError, stored_time};
use crate::model::{DefinitionHash, Outcome, ServerKey};

const USES: &str = "SELECT rule_set_hash, used_at FROM rule_set_uses WHERE used_at <= ?1 ORDER BY id";
const JUDGED_ANEW: &str = "
    SELECT t.definition_hash AS hash
    FROM probe_tools t JOIN verdicts o ON o.definition_hash = t.definition_hash AND o.rule_set_hash = ?2
    JOIN verdicts n ON n.definition_hash = t.definition_hash AND n.rule_set_hash = ?3
    WHERE t.probe_id = ?1 AND (o.class, o.risk, o.signals, o.confidence, o.needs_review, o.evidence)
      IS NOT (n.class, n.risk, n.signals, n.confidence, n.needs_review, n.evidence)
    ORDER BY t.position";
const ENDS: &str = "
    SELECT p.finished_at AS finished_at, p.outcome AS outcome, p.detail AS detail, r.version AS version
    FROM servers s JOIN releases r ON r.server_id = s.id JOIN probes p ON p.release_id = r.id
    WHERE s.key = ?1 AND p.outcome IS NOT NULL AND p.finished_at <= ?2
    ORDER BY p.finished_at DESC, p.id DESC";
const SAID: &str = "
    SELECT o.tool AS tool, o.definition_hash AS hash, max(o.made_at) AS made_at
    FROM overrides o WHERE o.server_key = ?1 AND o.made_at <= ?2 AND o.listed
    GROUP BY o.tool, o.definition_hash ORDER BY o.tool, o.definition_hash";

/// Other rules came into force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Turn {
    /// When.
    pub at: Timestamp,
    /// The hash of those before.
    pub before: String,
    /// The hash of those since.
    pub after: String,
}

/// How the rules by which a site is made came into force, and those before them, newest first, until a time; None: ever. Empty where
/// they never were in force.
///
/// # Errors
/// [`StoreError`].
pub fn turns(db: &Connection, rule_set: &str, until: Option<Timestamp>) -> Result<Vec<Turn>, StoreError> {
    let until = stored_time(until.unwrap_or(Timestamp::MAX));
    let read = || -> rusqlite::Result<Vec<(String, Timestamp)>> {
        db.prepare_cached(USES)?
            .query_map([until], |row| Ok((row.get("rule_set_hash")?, time(row, "used_at")?)))?
            .collect()
    };
    let mut uses = read().map_err(|e| StoreError::from_sql(db, e))?;
    uses.truncate(uses.iter().rposition(|(hash, _)| hash == rule_set).map_or(0, |last| last + 1));
    uses.dedup_by(|later, earlier| later.0 == earlier.0);
    let turns = uses.windows(2).filter_map(|pair| match pair {
        [(before, _), (after, at)] => Some(Turn { at: *at, before: before.clone(), after: after.clone() }),
        _ => None,
    });
    Ok(turns.rev().collect())
}

/// When rules that came into force after `since` last changed the verdict on each definition of an answer, or a reason of it. One that the
/// rules before had not judged counts as unchanged.
///
/// # Errors
/// [`StoreError`].
pub fn judged_anew(
    db: &Connection,
    probe: i64,
    turns: &[Turn],
    since: Timestamp,
) -> Result<BTreeMap<DefinitionHash, Timestamp>, StoreError> {
    let read = || -> rusqlite::Result<BTreeMap<DefinitionHash, Timestamp>> {
        let mut all = BTreeMap::new();
        for turn in turns.iter().take_while(|turn| turn.at > since) {
            let mut statement = db.prepare_cached(JUDGED_ANEW)?;
            let mut rows = statement.query(params![probe, turn.before, turn.after])?;
            while let Some(row) = rows.next()? {
                all.entry(DefinitionHash::stored(row.get::<_, String>("hash")?)).or_insert(turn.at);
            }
        }
        Ok(all)
    };
    read().map_err(|e| StoreError::from_sql(db, e))
}

/// Since when the newest tries by `as_of` end as they do: in an answer, or in the same failure of the same version; of a server that never
/// answered in the same words, too. None where it was asked once.
///
/// # Errors
/// [`StoreError`].
pub fn ends_alike_since(
    db: &Connection,
    server: &SiteServer,
    as_of: Timestamp,
) -> Result<Option<Timestamp>, StoreError> {
    if server.tries < 2 {
        return Ok(None);
    }
    let read = || -> rusqlite::Result<Option<Timestamp>> {
        let mut statement = db.prepare_cached(ENDS)?;
        let mut rows = statement.query(params![server.key.to_string(), stored_time(as_of)])?;
        let (mut newest, mut since) = (None, None);
        while let Some(row) = rows.next()? {
            let outcome: Outcome = word(row, "outcome")?;
            let failure = match outcome {
                Outcome::Ok => None,
                _ => {
                    let detail: Option<String> = row.get("detail")?;
                    Some((row.get::<_, String>("version")?, detail.filter(|_| server.answer.is_none())))
                }
            };
            let end = (outcome, failure);
            if *newest.get_or_insert_with(|| end.clone()) != end {
                break;
            }
            since = Some(time(row, "finished_at")?);
        }
        Ok(since)
    };
    read().map_err(|e| StoreError::from_sql(db, e))
}

/// When a person last said something of a server's tools until a time, by name and definition; None: ever. What was taken back counts,
/// too.
///
/// # Errors
/// [`StoreError`].
pub fn said(
    db: &Connection,
    server: &ServerKey,
    until: Option<Timestamp>,
) -> Result<BTreeMap<(String, DefinitionHash), Timestamp>, StoreError> {
    let until = stored_time(until.unwrap_or(Timestamp::MAX));
    let read = || -> rusqlite::Result<BTreeMap<(String, DefinitionHash), Timestamp>> {
        db.prepare_cached(SAID)?
            .query_map(params![server.to_string(), until], |row| {
                let hash = DefinitionHash::stored(row.get::<_, String>("hash")?);
                Ok(((row.get("tool")?, hash), time(row, "made_at")?))
            })?
            .collect()
    };
    read().map_err(|e| StoreError::from_sql(db, e))
}
