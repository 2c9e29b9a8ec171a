//! Taking stock: the first pass over the database, which brings every server in short and says what of it changed.
//!
//! A server whose rows are those of the last build is taken from that build's shelf and not read again.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use rayon::prelude::*;

use super::RenderError;
use super::aside::{self, Aside, Place};
use super::catalogue::{Catalogue, ServerEntry};
use super::dates::Dates;
use super::declares::Declared;
use super::digest::{Digest, Inputs};
use super::exposure::{Looked, ToLook, exposed, traits};
use super::extras::{Extras, extras};
use super::name::server_name;
use super::on_shelf::ToolOnShelf;
use super::search::more_words;
use super::shelf::{KnownTools, Record, Remembered, Shelf};
use super::short::{ToolInShort, Worked, worked};
use super::stirred::Stirred;
use crate::attack::{Found, Library, ServerTrait, ServerTraits};
use crate::classify::RuleBook;
use crate::model::identity::FindingKind;
use crate::model::text::page_line;
use crate::model::{DefinitionHash, Outcome, Signal, ToolDefinition, ToolTexts, Verdict};
use crate::store::exposure::{self, EarlierAnswers};
use crate::store::site::{self, Audience, Corrections, SiteProbe, SiteServer};
use crate::store::site_inputs::{self, ShortTool, ShortVerdict, StoredFinding};
use crate::store::stored_tool::StoredTool;
use crate::store::{Connection, declared_lists, identity};

/// Servers whose rows are held at once.
const CHUNK: usize = 128;
/// Longest description in a list.
const LINE_IN_LIST: usize = 180;
/// Characters of a description that are read for its line: white space and invisible characters are left out of it.
const READ_FOR_LINE: usize = 1_000;

/// What is read, and as it stood when.
pub(super) struct Asked<'a> {
    pub(super) rules: &'a RuleBook,
    /// The attack patterns that tools may be exposed to.
    pub(super) library: &'a Library,
    /// The catalogue as it stood then.
    pub(super) as_of: Timestamp,
    /// Corrections and declared lists made until then; None: all of them.
    pub(super) corrected_by: Option<Timestamp>,
    pub(super) audience: Audience,
    /// Where tools are put that were read, for their pages.
    pub(super) aside: &'a Aside,
}

/// The catalogue, and what the pages of each server were made from the last time.
#[derive(Debug, Default)]
pub(super) struct Stock {
    pub(super) catalogue: Catalogue,
    pub(super) extras: Extras,
    /// By server; None where it is not known or no longer so.
    pub(super) before: Vec<Option<Digest>>,
    /// By server, where its tools were put aside; None where they were not read.
    pub(super) places: Vec<Option<Place>>,
    /// What the servers that are not as they were may reach.
    pub(super) stirred: Stirred,
}

impl Stock {
    /// The next servers, in their order.
    fn take_in(&mut self, servers: Vec<Result<Done, RenderError>>) -> Result<(), RenderError> {
        for server in servers {
            match server? {
                Done::Known(entry, tools, before) => {
                    let listed = tools.tools()?;
                    let record = tools.record(&entry, &listed);
                    self.catalogue.add(entry, &listed, &record)?;
                    self.before.push(Some(before));
                    self.places.push(None);
                }
                Done::Worked(entry, tools, record, place) => {
                    tools.iter().for_each(|tool| self.stirred.add(tool.likeness));
                    let tools: Vec<ToolOnShelf<'_>> = tools.iter().map(Worked::on_shelf).collect();
                    self.catalogue.add(entry, &tools, &record)?;
                    self.before.push(None);
                    self.places.push(place);
                }
            }
        }
        Ok(())
    }
}

/// One server on its way into the catalogue.
enum Part {
    Known(ServerEntry, KnownTools, Digest),
    Read { server: SiteServer, shown: Box<SiteProbe>, outcome: Outcome, rows: Rows },
}

/// One server as it comes into the catalogue.
enum Done {
    Known(ServerEntry, KnownTools, Digest),
    Worked(ServerEntry, Vec<Worked>, Record, Option<Place>),
}

struct Rows {
    digest: Digest,
    stamp: Option<Digest>,
    tools: Vec<ShortTool>,
    /// Where all of them was put aside.
    place: Option<Place>,
    corrections: Corrections,
    places: Vec<String>,
    /// What is true of the server, whatever its tools are.
    traits: ServerTraits,
    earlier: EarlierAnswers,
    dates: Dates,
}

/// Reads every server that is shown. A second connection, of the same moment, reads half of them where nothing is remembered.
///
/// # Errors
/// The database cannot be read, or the shelf not written.
pub(super) fn take_stock(
    (db, second): (&mut Connection, Option<Connection>),
    asked: &Asked<'_>,
    shelf: Shelf,
    mut remembered: Option<Remembered>,
) -> Result<Stock, RenderError> {
    let mut stock = Stock { catalogue: Catalogue::new(shelf), ..Stock::default() };
    let servers = site::servers(db, asked.as_of, asked.audience)?;
    let (extras, mut chunks) = (extras(db, asked)?, servers.chunks(CHUNK));
    let database = db.path().map(PathBuf::from).unwrap_or_default();
    // What is remembered is gone through in order.
    let mut second = second.filter(|_| remembered.is_none());
    let work = |parts: Vec<Part>| -> Vec<Result<Done, RenderError>> {
        parts.into_par_iter().map(|part| in_short(part, asked, &database)).collect()
    };
    let read = |db: &mut Connection, servers: &[SiteServer], mut remembered: Option<&mut Remembered>| {
        let part = |server| part(db, asked, &extras, server, remembered.as_deref_mut());
        servers.iter().map(part).collect::<Result<Vec<Part>, RenderError>>()
    };
    let (mut parts, mut done) = (Vec::new(), Vec::new());
    loop {
        let servers = chunks.next().unwrap_or_default();
        if servers.is_empty() && parts.is_empty() && done.is_empty() {
            break;
        }
        // While the last ones are worked out, the next ones are read and those before are taken in, which one thread does alone. What
        // is worked out can be shared best, so it begins last.
        let read_and_work = || match &mut second {
            Some(second) => {
                let (one, other) = servers.split_at(servers.len() / 2);
                let (one, (other, done)) = rayon::join(
                    || read(db, one, None),
                    || rayon::join(|| read(second, other, None), || work(parts)),
                );
                (done, one.and_then(|one| Ok(one.into_iter().chain(other?).collect())))
            }
            None => rayon::join(|| work(parts), || read(db, servers, remembered.as_mut())),
        };
        let (taken, (worked, next)) = rayon::join(|| stock.take_in(done), read_and_work);
        taken?;
        (done, parts) = (worked, next?);
    }
    if let Some(remembered) = remembered {
        remembered.end(&mut stock.stirred);
    }
    stock.extras = extras;
    stock.catalogue.complete()?;
    Ok(stock)
}

fn part(
    db: &Connection,
    asked: &Asked<'_>,
    extras: &Extras,
    server: &SiteServer,
    mut remembered: Option<&mut Remembered>,
) -> Result<Part, RenderError> {
    let key = server.key.to_string();
    let stamp = extras.stamp(&key, server);
    if let Some((entry, tools, before)) = remembered.as_mut().and_then(|r| r.stamped(&key, server, stamp)) {
        return Ok(Part::Known(entry, tools, before));
    }
    let mut inputs = Inputs::default();
    inputs.add(&key);
    let mut rows = Vec::new();
    site_inputs::feed_server(db, server, &mut rows)?;
    inputs.add(&Digest::of_bytes(&rows));
    let earlier = exposure::earlier_answers(db, server, asked.as_of)?;
    let mut dates = Dates::of(db, server, earlier.since, asked.as_of)?;
    let mut corrections = Corrections::new();
    if extras.corrected.contains(&key) {
        corrections = site::corrections(db, &server.key, asked.corrected_by)?;
        inputs.add(&format!("{corrections:?}"));
        dates.add_said(db, &server.key, asked.corrected_by)?;
    }
    if extras.declared.contains(&key) {
        inputs.add(&format!("{:?}", declared_lists(db, &key, asked.corrected_by)?));
    }
    inputs.add(&(&earlier.gone, dates.in_words()));
    if let Some(seen) = extras.seen() {
        inputs.add(&seen);
    }
    let mut places = Vec::new();
    let mut looks_alike = false;
    if extras.identity.is_some() {
        let (known, other) = identity::site_identity(db, &key)?;
        inputs.add(&format!("{known:?} {other:?}"));
        looks_alike = known.findings.iter().any(|finding| finding.kind == FindingKind::LookAlike);
        places = other.into_iter().filter_map(|place| place.server).collect();
    }
    let digest = inputs.done();
    if let Some((entry, tools, before)) = remembered.and_then(|r| r.server(&key, server, digest, stamp)) {
        return Ok(Part::Known(entry, tools, before));
    }
    let shown = site::probe(db, server.answer.unwrap_or(server.newest))?;
    let outcome =
        if shown.id == server.newest { shown.outcome } else { site::probe(db, server.newest)?.outcome };
    let traits = traits(server, looks_alike);
    let to_look = ToLook { library: asked.library, traits, gone: &earlier.gone, corrections: &corrections };
    let wants =
        |name: &str, hash: &DefinitionHash, verdict: &ShortVerdict| to_look.wants(name, hash, verdict);
    let (mut tools, mut place) = (Vec::new(), None);
    if let Some(probe) = server.answer {
        rows.clear();
        let whole = |tool: &StoredTool<'_>| aside::put(tool, &mut rows);
        tools = site_inputs::tools_in_short(db, probe, asked.rules.hash(), READ_FOR_LINE, wants, whole)?;
        place = Some(asked.aside.put(&rows)?);
        dates.add_judged(db, probe, &extras.turns, shown.finished_at)?;
    }
    let rows = Rows { digest, stamp, tools, place, corrections, places, traits, earlier, dates };
    Ok(Part::Read { server: server.clone(), shown: Box::new(shown), outcome, rows })
}

fn in_short(part: Part, asked: &Asked<'_>, database: &Path) -> Result<Done, RenderError> {
    let (server, shown, outcome, rows) = match part {
        Part::Known(entry, tools, before) => return Ok(Done::Known(entry, tools, before)),
        Part::Read { server, shown, outcome, rows } => (server, shown, outcome, rows),
    };
    let (traits, digest, stamp, places) = (rows.traits, rows.digest, rows.stamp, rows.places.clone());
    let (tools, traits) = tools_in_short(&rows, traits, asked, database)?;
    let (since, listed_since) =
        rows.dates.of_server(shown.finished_at, tools.iter().filter_map(|tool| tool.moved).max());
    let entry = ServerEntry {
        name: server_name(&server.key, &shown),
        server,
        version: shown.version,
        outcome,
        asked: shown.finished_at,
        first_tool: 0,
        tool_count: 0,
        classes: [0; 4],
        rows: digest,
        stamp,
        places,
        traits,
        since,
        listed_since,
        shown: 0,
    };
    let tools = worked(&entry, tools);
    let record = Record::new(&entry, &tools.iter().map(Worked::on_shelf).collect::<Vec<_>>());
    Ok(Done::Worked(entry, tools, record, rows.place))
}

/// The same choice as `judged::judge` makes, without definitions and evidence: a name once, as its worse half.
fn tools_in_short(
    rows: &Rows,
    traits: ServerTraits,
    asked: &Asked<'_>,
    database: &Path,
) -> Result<(Vec<ToolInShort>, ServerTraits), RenderError> {
    let mut judged: Vec<Option<(ToolDefinition, Verdict)>> = Vec::new();
    for row in rows.tools.iter().filter(|row| row.verdict.is_none()) {
        let text = row.canonical.clone().unwrap_or_default();
        let definition = ToolDefinition::from_canonical(text, row.hash.clone()).ok();
        judged.push(definition.map(|definition| {
            let verdict = asked.rules.judge(&definition);
            (definition, verdict)
        }));
    }
    let mut judged = judged.iter();
    let mut list: Vec<(ToolInShort, bool, &ShortTool, Option<Looked<'_>>)> =
        Vec::with_capacity(rows.tools.len());
    let mut place: HashMap<&str, usize> = HashMap::with_capacity(rows.tools.len());
    for row in &rows.tools {
        let (ShortVerdict { class, risk, signals, needs_review }, texts, found) = match &row.verdict {
            Some(verdict) => {
                let texts = row.canonical.as_deref().and_then(|text| ToolTexts::from_canonical(text).ok());
                let found =
                    row.evidence.as_deref().map(|text| site_inputs::found(database, text)).transpose()?;
                let found = found.map(|all| all.into_iter().map(in_short_found).collect());
                (verdict.clone(), texts, found)
            }
            None => {
                let Some(Some((definition, verdict))) = judged.next() else { continue };
                let Verdict { class, risk, ref signals, needs_review, ref evidence, .. } = *verdict;
                let verdict = ShortVerdict { class, risk, signals: signals.clone(), needs_review };
                let found: Vec<Found<'_>> = evidence.iter().map(Found::from).collect();
                (verdict, Some(ToolTexts::of(definition)), Some(found))
            }
        };
        let hint = |one: fn(&ToolTexts<'_>) -> Option<bool>| texts.as_ref().and_then(one);
        let declared = Declared::of(hint(|texts| texts.reads_only), hint(|texts| texts.destroys));
        let (mut class, mut risk, mut signals, mut needs_review) = (class, risk, signals, needs_review);
        if !rows.corrections.is_empty()
            && let Some(said) = rows.corrections.get(&(row.name.clone(), row.hash.clone()))
        {
            let by_rules =
                Verdict { class, risk, signals, confidence: 1.0, needs_review, evidence: Vec::new() };
            let verdict = said.applied_to(&by_rules);
            (class, risk, signals, needs_review) =
                (verdict.class, verdict.risk, verdict.signals, verdict.needs_review);
        }
        let line = page_line(&row.description, LINE_IN_LIST);
        let title = page_line(&row.title, LINE_IN_LIST);
        let tool = ToolInShort {
            name: row.name.clone(),
            more: more_words(&row.name, &title, &line, &row.description),
            line: line.into_owned(),
            class,
            risk,
            signals,
            exposed: Default::default(),
            declared,
            moved: rows.dates.of_tool(&row.name, &row.hash),
        };
        let looked = texts.zip(found).map(|(texts, found)| Looked { texts, found });
        let at = *place.entry(row.name.as_str()).or_insert(list.len());
        let severity = |tool: &ToolInShort, review: bool| (tool.class, tool.risk, review);
        match list.get_mut(at) {
            None => list.push((tool, needs_review, row, looked)),
            Some(known) => {
                let moved = known.0.moved.max(tool.moved);
                if known.2.hash != row.hash && severity(&tool, needs_review) > severity(&known.0, known.1) {
                    *known = (tool, needs_review, row, looked);
                }
                known.0.moved = moved;
            }
        }
    }
    let signals = || list.iter().flat_map(|(tool, ..)| tool.signals.iter().copied());
    let changed = |tool: &ToolInShort| rows.earlier.gone.contains(&tool.name);
    let traits = traits
        .with(ServerTrait::Trifecta, ServerTraits::is_trifecta(signals()))
        .with(ServerTrait::Changed, list.iter().any(|(tool, ..)| changed(tool)));
    let tools = list.into_iter().map(|(tool, _, _, looked)| {
        let exposed = exposed(asked.library, &tool, looked.as_ref(), changed(&tool), traits);
        ToolInShort { exposed, ..tool }
    });
    Ok((tools.collect(), traits))
}

fn in_short_found(found: StoredFinding<'_>) -> Found<'_> {
    let injects = found.signal() == Some(Signal::DescriptionInjection);
    Found { rule: found.rule, field: found.field, injects }
}
