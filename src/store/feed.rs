//! What happened in a stretch of time, newest first: first answers, tools that came, went and changed, servers that fell silent, and
//! verdicts that changed by new rules or by a person. From stored history alone.
//!
//! Row numbers take no part in any order.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::overrides::corrected;
use super::rows::{maybe_word, read_json, time, word};
use super::site::Audience;
use super::{StoreError, stored_time};
use crate::model::{Class, Outcome, Risk, Signal};

const PROBES: &str = "
    SELECT p.id AS id, p.finished_at AS finished_at, p.outcome AS outcome, r.version AS version, s.id AS server_id,
      s.key AS key
    FROM probes p JOIN releases r ON r.id = p.release_id JOIN servers s ON s.id = r.server_id
    WHERE p.finished_at > ?1 AND p.finished_at <= ?2 AND p.outcome IS NOT NULL AND (?3 OR s.visibility = 'public')
    ORDER BY p.finished_at DESC, s.key, r.version, p.id DESC";
const PREVIOUS: &str = "
    SELECT p.id AS id, p.outcome AS outcome, r.version AS version
    FROM releases r JOIN probes p ON p.release_id = r.id
    WHERE r.server_id = ?1 AND p.outcome IS NOT NULL AND p.id <> ?3 AND p.finished_at <= ?2 AND (NOT ?4 OR p.outcome = 'ok')
      AND (p.finished_at < ?2 OR p.id < ?3)
    ORDER BY p.finished_at DESC, p.id DESC LIMIT 1";
const COUNT: &str = "
    SELECT count(DISTINCT d.name) FROM probe_tools t JOIN definitions d ON d.hash = t.definition_hash WHERE t.probe_id = ?1";
const LISTED: &str = "
    SELECT d.name AS name, d.hash AS hash, v.class AS class, v.risk AS risk
    FROM probe_tools t JOIN definitions d ON d.hash = t.definition_hash
    LEFT JOIN verdicts v ON v.definition_hash = d.hash AND v.rule_set_hash = ?2
    WHERE t.probe_id = ?1 ORDER BY d.name, d.hash";
const CORRECTIONS: &str = "
    SELECT s.key AS key, o.tool AS tool, o.class AS class, o.risk AS risk, o.signals AS signals,
      o.made_at AS made_at, v.class AS was_class, v.risk AS was_risk, v.signals AS was_signals
    FROM overrides o JOIN servers s ON s.key = o.server_key
    LEFT JOIN verdicts v ON v.definition_hash = o.definition_hash AND v.rule_set_hash = ?4
    WHERE o.listed AND o.made_at > ?1 AND o.made_at <= ?2 AND (?3 OR s.visibility = 'public')
    ORDER BY o.made_at DESC, s.key, o.tool, o.id DESC";
const RULES: &str = "SELECT rule_set_hash, used_at FROM rule_set_uses WHERE used_at <= ?1 ORDER BY id";
const JUDGED_ANEW: &str = "
    SELECT DISTINCT s.key AS key, d.name AS tool, o.class AS was_class, o.risk AS was_risk, n.class AS class, n.risk AS risk
    FROM verdicts o CROSS JOIN verdicts n ON n.definition_hash = o.definition_hash AND n.rule_set_hash = ?2
    CROSS JOIN definitions d ON d.hash = o.definition_hash
    CROSS JOIN probe_tools t ON t.definition_hash = o.definition_hash
    CROSS JOIN probes p ON p.id = t.probe_id AND p.outcome = 'ok' AND p.finished_at <= ?3
    CROSS JOIN releases r ON r.id = p.release_id CROSS JOIN servers s ON s.id = r.server_id
    WHERE o.rule_set_hash = ?1 AND (o.class <> n.class OR o.risk <> n.risk) AND (?4 OR s.visibility = 'public')
    ORDER BY s.key, d.name, o.class, o.risk";

/// What is asked.
#[derive(Debug, Clone, Copy)]
pub struct Stretch<'a> {
    /// After this.
    pub from: Timestamp,
    /// Until this.
    pub until: Timestamp,
    /// Corrections until this: people make them after the newest probe.
    pub corrected_until: Timestamp,
    /// Whose servers.
    pub audience: Audience,
    /// The rules whose verdicts are told.
    pub rule_set: &'a str,
}

/// A class and a risk.
pub type Judged = (Class, Risk);

/// A tool of which the verdict, or the definition, is another one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MovedTool {
    /// The server's key.
    pub server: String,
    /// Its name. Foreign text.
    pub tool: String,
    /// What it was; None where nobody judged it.
    pub was: Option<Judged>,
    /// What it is.
    pub is: Option<Judged>,
}

impl MovedTool {
    /// True if class or risk are known to have changed.
    pub fn other_verdict(&self) -> bool {
        self.was.is_some() && self.is.is_some() && self.was != self.is
    }
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Happening {
    /// A server listed tools for the first time.
    Answered {
        /// How many.
        tools: usize,
    },
    /// It lists other tools than the time before.
    Listed {
        /// The release it was before; the same for servers without versions.
        before: String,
        /// Names that came.
        added: Vec<String>,
        /// Names that went.
        removed: Vec<String>,
        /// Names with another definition.
        changed: Vec<MovedTool>,
    },
    /// It answered the time before and did not this time.
    Silent {
        /// How that ended.
        outcome: Outcome,
    },
    /// A person said something of a verdict, or took it back.
    Corrected {
        /// The tool, with the rules' verdict and what is said now.
        tool: MovedTool,
        /// Nothing is said any more.
        taken_back: bool,
    },
    /// Other rules came into force.
    Rules {
        /// How many tools have another class or risk by them.
        count: usize,
        /// The first of them by server and name.
        tools: Vec<MovedTool>,
    },
}

/// Something that happened at one server, or, with an empty key, to the whole catalogue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// When.
    pub at: Timestamp,
    /// The server's key.
    pub server: String,
    /// The release; empty where there is none.
    pub version: String,
    /// What.
    pub what: Happening,
}

/// Tells every event of a stretch, newest probes first, then corrections and rules, to `tell`.
///
/// # Errors
/// [`StoreError`].
pub fn events(db: &Connection, asked: &Stretch<'_>, mut tell: impl FnMut(Event)) -> Result<(), StoreError> {
    let mut read = || -> rusqlite::Result<()> {
        probes(db, asked, &mut tell)?;
        corrections(db, asked, &mut tell)?;
        rules(db, asked, &mut tell)
    };
    read().map_err(|e| StoreError::from_sql(db, e))
}

struct ProbeRow {
    id: i64,
    at: Timestamp,
    outcome: Outcome,
    version: String,
    server_id: i64,
    key: String,
}

fn probes(db: &Connection, asked: &Stretch<'_>, tell: &mut impl FnMut(Event)) -> rusqlite::Result<()> {
    let (from, until) = (stored_time(asked.from), stored_time(asked.until));
    let mut statement = db.prepare_cached(PROBES)?;
    let mut rows = statement.query(params![from, until, asked.audience.sees_private()])?;
    while let Some(row) = rows.next()? {
        let probe = ProbeRow {
            id: row.get("id")?,
            at: time(row, "finished_at")?,
            outcome: word(row, "outcome")?,
            version: row.get("version")?,
            server_id: row.get("server_id")?,
            key: row.get("key")?,
        };
        if let Some(what) = happened(db, &probe, asked.rule_set)? {
            tell(Event { at: probe.at, server: probe.key, version: probe.version, what });
        }
    }
    Ok(())
}

/// What one probe has to tell beside the one before it.
fn happened(db: &Connection, probe: &ProbeRow, rule_set: &str) -> rusqlite::Result<Option<Happening>> {
    let answered = probe.outcome == Outcome::Ok;
    let before: Option<(i64, Outcome, String)> = db
        .prepare_cached(PREVIOUS)?
        .query_row(params![probe.server_id, stored_time(probe.at), probe.id, answered], |row| {
            Ok((row.get("id")?, word(row, "outcome")?, row.get("version")?))
        })
        .optional()?;
    if !answered {
        let silent = before.is_some_and(|(_, outcome, _)| outcome == Outcome::Ok);
        return Ok(silent.then_some(Happening::Silent { outcome: probe.outcome }));
    }
    let Some((earlier, _, before)) = before else {
        let tools: i64 = db.prepare_cached(COUNT)?.query_row([probe.id], |row| row.get(0))?;
        return Ok(Some(Happening::Answered { tools: usize::try_from(tools).unwrap_or_default() }));
    };
    let (was, is) = (listed(db, earlier, rule_set)?, listed(db, probe.id, rule_set)?);
    let missing = |a: &Listed, b: &Listed| -> Vec<String> {
        a.keys().filter(|name| !b.contains_key(*name)).cloned().collect()
    };
    let (added, removed) = (missing(&is, &was), missing(&was, &is));
    let changed: Vec<MovedTool> = is
        .iter()
        .filter_map(|(name, now)| {
            let before = was.get(name).filter(|before| before.hashes != now.hashes)?;
            let (server, tool) = (probe.key.clone(), name.clone());
            Some(MovedTool { server, tool, was: before.gravest, is: now.gravest })
        })
        .collect();
    let same = added.is_empty() && removed.is_empty() && changed.is_empty();
    Ok((!same).then_some(Happening::Listed { before, added, removed, changed }))
}

/// The definitions under one name, and the gravest verdict on them.
#[derive(Default)]
struct UnderName {
    hashes: BTreeSet<String>,
    gravest: Option<Judged>,
}

type Listed = BTreeMap<String, UnderName>;

fn listed(db: &Connection, probe: i64, rule_set: &str) -> rusqlite::Result<Listed> {
    let mut all = Listed::new();
    let mut statement = db.prepare_cached(LISTED)?;
    let mut rows = statement.query(params![probe, rule_set])?;
    while let Some(row) = rows.next()? {
        let one: &mut UnderName = all.entry(row.get("name")?).or_default();
        one.hashes.insert(row.get("hash")?);
        one.gravest = one.gravest.max(judged(row, "class", "risk")?);
    }
    Ok(all)
}

fn judged(row: &Row<'_>, class: &str, risk: &str) -> rusqlite::Result<Option<Judged>> {
    let class: Option<Class> = maybe_word(row, class)?;
    Ok(class.zip(maybe_word(row, risk)?))
}

fn signals(row: &Row<'_>, column: &'static str) -> rusqlite::Result<Option<Vec<Signal>>> {
    let stored: Option<String> = row.get(column)?;
    stored.map(|text| read_json(column, &text)).transpose()
}

fn corrections(db: &Connection, asked: &Stretch<'_>, tell: &mut impl FnMut(Event)) -> rusqlite::Result<()> {
    let mut statement = db.prepare_cached(CORRECTIONS)?;
    let mut rows = statement.query(params![
        stored_time(asked.from),
        stored_time(asked.corrected_until),
        asked.audience.sees_private(),
        asked.rule_set
    ])?;
    while let Some(row) = rows.next()? {
        let was = judged(row, "was_class", "was_risk")?;
        let (class, risk): (Option<Class>, Option<Risk>) =
            (maybe_word(row, "class")?, maybe_word(row, "risk")?);
        let (signals, was_signals) = (signals(row, "signals")?, signals(row, "was_signals")?);
        let taken_back = class.is_none() && risk.is_none() && signals.is_none();
        let is = was.map(|(was_class, was_risk)| {
            let was = (was_class, was_risk, was_signals.as_deref().unwrap_or_default());
            corrected((class, risk, signals.as_deref()), was)
        });
        let server: String = row.get("key")?;
        let tool = MovedTool { server: server.clone(), tool: row.get("tool")?, was, is };
        let what = Happening::Corrected { tool, taken_back };
        tell(Event { at: time(row, "made_at")?, server, version: String::new(), what });
    }
    Ok(())
}

/// Tools that a change of rules names.
const NAMED: usize = 50;

fn rules(db: &Connection, asked: &Stretch<'_>, tell: &mut impl FnMut(Event)) -> rusqlite::Result<()> {
    let uses: Vec<(String, Timestamp)> = db
        .prepare_cached(RULES)?
        .query_map([stored_time(asked.corrected_until)], |row| Ok((row.get(0)?, time(row, "used_at")?)))?
        .collect::<rusqlite::Result<_>>()?;
    for pair in uses.windows(2) {
        let [(earlier, _), (later, at)] = pair else { continue };
        if earlier == later || *at <= asked.from {
            continue;
        }
        let (mut count, mut tools) = (0, Vec::new());
        let mut statement = db.prepare_cached(JUDGED_ANEW)?;
        let mut rows = statement.query(params![
            earlier,
            later,
            stored_time(asked.until),
            asked.audience.sees_private()
        ])?;
        while let Some(row) = rows.next()? {
            count += 1;
            if tools.len() < NAMED {
                tools.push(MovedTool {
                    server: row.get("key")?,
                    tool: row.get("tool")?,
                    was: judged(row, "was_class", "was_risk")?,
                    is: judged(row, "class", "risk")?,
                });
            }
        }
        let what = Happening::Rules { count, tools };
        tell(Event { at: *at, server: String::new(), version: String::new(), what });
    }
    Ok(())
}
