//! What attack patterns and sitemaps need of a server beyond its tools in short: what it listed before.

use std::collections::BTreeSet;

use jiff::Timestamp;
use rusqlite::{Connection, params};

use super::rows::time;
use super::site::SiteServer;
use super::{StoreError, stored_time};

const ANSWERS: &str = "
    SELECT p.id AS id, p.finished_at AS finished_at, r.version AS version
    FROM servers s JOIN releases r ON r.server_id = s.id JOIN probes p ON p.release_id = r.id
    WHERE s.key = ?1 AND p.outcome = 'ok' AND p.finished_at <= ?2
    ORDER BY p.finished_at DESC, p.id DESC";
const LISTED: &str = "
    SELECT definition_hash FROM probe_tools WHERE probe_id = ?1 AND definition_hash IS NOT NULL ORDER BY position";
const NAME: &str = "SELECT name FROM definitions WHERE hash = ?1";

/// What a server's earlier answers say of its newest one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EarlierAnswers {
    /// Names of definitions that it listed before and lists no more.
    pub gone: BTreeSet<String>,
    /// Since when it has listed exactly what it lists, in the same version; None if it did not answer more than once.
    pub since: Option<Timestamp>,
}

/// Compares a server's newest answer by `as_of` with all before it.
///
/// # Errors
/// [`StoreError`].
pub fn earlier_answers(
    db: &Connection,
    server: &SiteServer,
    as_of: Timestamp,
) -> Result<EarlierAnswers, StoreError> {
    let read = || -> rusqlite::Result<EarlierAnswers> {
        let Some(newest) = server.answer.filter(|_| server.answers > 1) else {
            return Ok(EarlierAnswers::default());
        };
        let mut statement = db.prepare_cached(ANSWERS)?;
        let answers: Vec<(i64, Timestamp, String)> = statement
            .query_map(params![server.key.to_string(), stored_time(as_of)], |row| {
                Ok((row.get("id")?, time(row, "finished_at")?, row.get("version")?))
            })?
            .collect::<rusqlite::Result<_>>()?;
        let mut answers = answers.into_iter().skip_while(|(id, ..)| *id != newest);
        let Some((_, mut since, version)) = answers.next() else { return Ok(EarlierAnswers::default()) };
        let mut answers = answers.peekable();
        if answers.peek().is_none() {
            return Ok(EarlierAnswers { gone: BTreeSet::new(), since: Some(since) });
        }
        let now = listed(db, newest)?;
        let known: BTreeSet<&String> = now.iter().collect();
        let (mut gone, mut unbroken) = (BTreeSet::new(), true);
        for (id, at, earlier) in answers {
            let before = listed(db, id)?;
            unbroken &= earlier == version && before == now;
            if unbroken {
                since = at;
            }
            gone.extend(before.into_iter().filter(|hash| !known.contains(hash)));
        }
        let mut name = db.prepare_cached(NAME)?;
        let gone = gone.iter().map(|hash| name.query_row([hash], |row| row.get(0)));
        Ok(EarlierAnswers { gone: gone.collect::<rusqlite::Result<_>>()?, since: Some(since) })
    };
    read().map_err(|e| StoreError::from_sql(db, e))
}

fn listed(db: &Connection, probe: i64) -> rusqlite::Result<Vec<String>> {
    db.prepare_cached(LISTED)?.query_map([probe], |row| row.get(0))?.collect()
}
