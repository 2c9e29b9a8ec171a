//! What a worker delivers: one probe of one release, with everything a scan would store of it; and the check that it is one.
//!
//! Whoever takes a worker over writes these bytes. [`Delivery::read`] is the narrow place: shape, sizes and the release itself
//! are checked as a probe's own answers are, hashes are computed anew by the store, and times are the database's.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::config::limits::Limits;
use crate::model::declared::{DeclaredBy, DeclaredEntry, DeclaredList};
use crate::model::identity::RepositoryClaim;
use crate::model::{Attempt, Outcome, Probe, Registry, Release, ReleaseFacts, Target, Untrusted};

/// The number of this shape.
pub const FORMAT: u32 = 1;

/// Starts of one probe; the ladder ends long before.
const MAX_ATTEMPTS: usize = 64;
/// Entries of a list inside an attempt: arguments, variables, extras.
const MAX_WORDS: usize = 200;
/// Bytes of one word or line.
const LINE_BYTES: usize = 8 * 1024;
/// Bytes of a log's tail, of instructions and of an entry that is no tool: as the probe cuts them.
const LOG_BYTES: usize = 8 * 1024;
const INSTRUCTIONS_BYTES: usize = 64 * 1024 * 4;
const MALFORMED_BYTES: usize = 64 * 1024 * 4;
/// Bytes of a short text: a title, a name, an interpreter.
const SHORT_BYTES: usize = 2_000;
/// Declared lists of one package, entries of one.
const MAX_LISTS: usize = 8;
const MAX_ENTRIES: usize = 1_000;

/// What a package says of who it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Who {
    /// Names of the official registry that it gives itself.
    pub mcp_names: BTreeSet<String>,
    /// Where it says its source is.
    pub repository: Option<RepositoryClaim>,
}

/// One probe, on its way from a worker to the catalogue.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Delivery {
    /// [`FORMAT`].
    pub format: u32,
    /// What was asked.
    pub release: Release,
    /// What its registry and its own manifest say of it.
    pub facts: ReleaseFacts,
    /// What it says of who it is, where its registry was asked.
    pub who: Option<Who>,
    /// What it declares as its tools, where it was installed.
    pub declared: Option<Vec<DeclaredList>>,
    /// What was found; None for what does not exist.
    pub probe: Option<Probe>,
}

/// Why a delivery is refused. Nothing of it is stored then.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum Refused {
    /// Not the shape of a delivery.
    #[error("it cannot be read: {0}")]
    Unreadable(String),
    /// Of another version of the program.
    #[error("its format is {0}, this program reads {FORMAT}")]
    Format(u32),
    /// It speaks of another release than the job's.
    #[error("it speaks of another release than was asked for")]
    OtherRelease,
    /// It says two things at once.
    #[error("it contradicts itself: {0}")]
    Contradiction(&'static str),
    /// Something in it is larger than a probe's own answer may be.
    #[error("it is too large: {0}")]
    TooLarge(&'static str),
}

impl Delivery {
    /// The bytes that are delivered.
    pub fn to_bytes(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("strings, numbers and lists are always JSON")
    }

    /// Reads and checks the bytes that came for a job. `outcome` is the word that the job ended with, `made_at` the time of
    /// the database: all times in the result are moved so that it ended then.
    ///
    /// # Errors
    /// [`Refused`].
    pub fn read(
        bytes: &[u8],
        job: &Target,
        outcome: &str,
        made_at: Timestamp,
        limits: &Limits,
    ) -> Result<Self, Refused> {
        let mut read: Delivery =
            serde_json::from_slice(bytes).map_err(|error| Refused::Unreadable(error.to_string()))?;
        if read.format != FORMAT {
            return Err(Refused::Format(read.format));
        }
        if !is_of(&read.release, job) {
            return Err(Refused::OtherRelease);
        }
        check_facts(&mut read)?;
        if let Some(probe) = &mut read.probe {
            if probe.outcome.as_str() != outcome {
                return Err(Refused::Contradiction("the job ended with another outcome"));
            }
            check_probe(probe, limits)?;
            move_times(probe, made_at);
        }
        Ok(read)
    }
}

/// A Python version may be spelled in several ways.
fn is_of(release: &Release, job: &Target) -> bool {
    if release.server != job.server() {
        return false;
    }
    match job {
        Target::Package { server, version: Some(version) } if server.registry() == Registry::Pypi => {
            let read = |text: &str| text.parse::<pep440_rs::Version>().ok();
            release.version == *version
                || (read(version).is_some() && read(version) == read(&release.version))
        }
        Target::Package { version: Some(version), .. } => release.version == *version,
        Target::Package { version: None, .. } => {
            // Never enqueued so, but nothing speaks against a release of that package either.
            !release.version.is_empty() && release.version.len() <= 200
        }
        Target::Remote { .. } | Target::Local { .. } => release.version.is_empty(),
    }
}

fn fits(text: &str, most: usize, what: &'static str) -> Result<(), Refused> {
    if text.len() > most { Err(Refused::TooLarge(what)) } else { Ok(()) }
}

fn maybe(text: Option<&Untrusted>, most: usize, what: &'static str) -> Result<(), Refused> {
    text.map_or(Ok(()), |text| fits(text.raw(), most, what))
}

fn check_facts(read: &mut Delivery) -> Result<(), Refused> {
    let facts = &mut read.facts;
    maybe(facts.title.as_ref(), SHORT_BYTES, "title")?;
    maybe(facts.description.as_ref(), LINE_BYTES, "description")?;
    maybe(facts.licence.as_ref(), SHORT_BYTES, "licence")?;
    for address in [&mut facts.repository, &mut facts.homepage] {
        *address = address.take().filter(|text| is_https(text));
    }
    // They come under `declared`, and only there.
    facts.declared.clear();
    if let Some(who) = &mut read.who {
        if who.mcp_names.len() > MAX_WORDS {
            return Err(Refused::TooLarge("names"));
        }
        for name in &who.mcp_names {
            fits(name, SHORT_BYTES, "a name")?;
        }
        who.repository = who.repository.take().filter(is_claim);
    }
    let about = read.release.server.to_string();
    let lists = read.declared.iter().flatten();
    if lists.clone().count() > MAX_LISTS {
        return Err(Refused::TooLarge("declared lists"));
    }
    for list in lists {
        if list.about != about || list.by != DeclaredBy::Package {
            return Err(Refused::Contradiction("a declared list of something else"));
        }
        fits(&list.place, SHORT_BYTES, "a declared list's place")?;
        fits(&list.hash, 64, "a declared list's hash")?;
        if list.tools.len() > MAX_ENTRIES || list.prompts.len() > MAX_ENTRIES {
            return Err(Refused::TooLarge("a declared list"));
        }
        for DeclaredEntry { name, description } in list.tools.iter().chain(&list.prompts) {
            fits(name, SHORT_BYTES, "a declared name")?;
            fits(description, SHORT_BYTES, "a declared description")?;
        }
    }
    Ok(())
}

fn is_https(text: &str) -> bool {
    text.len() <= SHORT_BYTES
        && url::Url::parse(text).is_ok_and(|url| {
            url.scheme() == "https"
                && url.host_str().is_some()
                && url.username().is_empty()
                && url.password().is_none()
        })
}

/// True if it is what reading such an address gives.
fn is_claim(claim: &RepositoryClaim) -> bool {
    let address = format!("https://{}/{}", claim.forge, claim.path);
    let folder = (!claim.folder.is_empty()).then_some(claim.folder.as_str());
    address.len() <= SHORT_BYTES
        && RepositoryClaim::read(&address, folder)
            .is_some_and(|read| RepositoryClaim { id: claim.id, ..read } == *claim)
}

fn check_probe(probe: &Probe, limits: &Limits) -> Result<(), Refused> {
    let most_tools = usize::try_from(limits.tools).unwrap_or(usize::MAX);
    if probe.tools.len() + probe.malformed.len() > most_tools {
        return Err(Refused::TooLarge("its list of tools"));
    }
    if probe.attempts.len() > MAX_ATTEMPTS || probe.marks.len() > MAX_WORDS || probe.pages > limits.pages {
        return Err(Refused::TooLarge("attempts, marks or pages"));
    }
    if probe.outcome == Outcome::Ok && probe.tools.is_empty() {
        return Err(Refused::Contradiction("it answered, and lists no tool"));
    }
    if probe.outcome != Outcome::Ok && !probe.tools.is_empty() {
        return Err(Refused::Contradiction("it did not answer, and lists tools"));
    }
    if probe.chosen.is_some_and(|chosen| chosen >= probe.attempts.len()) {
        return Err(Refused::Contradiction("it chose an attempt that it did not make"));
    }
    let mut bytes = 0;
    for tool in &probe.tools {
        fits(&tool.raw, limits.line_bytes, "a tool")?;
        bytes += tool.raw.len();
    }
    for entry in &probe.malformed {
        fits(&entry.raw, MALFORMED_BYTES, "an entry that is no tool")?;
        fits(&entry.problem, SHORT_BYTES, "what is wrong with an entry")?;
        bytes += entry.raw.len();
    }
    if bytes > limits.answer_bytes {
        return Err(Refused::TooLarge("its answer"));
    }
    for text in [&probe.server_info, &probe.capabilities].into_iter().flatten() {
        fits(text, limits.line_bytes, "what it says of itself")?;
        serde_json::from_str::<&serde_json::value::RawValue>(text)
            .map_err(|_| Refused::Contradiction("what it says of itself is no JSON"))?;
    }
    maybe(probe.instructions.as_ref(), INSTRUCTIONS_BYTES, "instructions")?;
    fits(probe.detail.raw(), LINE_BYTES, "detail")?;
    for text in [&probe.protocol, &probe.interpreter].into_iter().flatten() {
        fits(text, SHORT_BYTES, "protocol or interpreter")?;
    }
    for mark in &probe.marks {
        fits(mark, SHORT_BYTES, "a mark")?;
    }
    probe.attempts.iter().try_for_each(check_attempt)
}

fn check_attempt(attempt: &Attempt) -> Result<(), Refused> {
    let words = attempt.command.len() + attempt.args.len() + attempt.env.len() + attempt.extras.len();
    if words > MAX_WORDS {
        return Err(Refused::TooLarge("the words of an attempt"));
    }
    let pairs = attempt.env.iter().flat_map(|(name, value)| [name, value]);
    let lists = attempt.command.iter().chain(&attempt.args).chain(&attempt.extras);
    for word in lists.chain(pairs).chain(&attempt.dependencies_as_of) {
        fits(word, LINE_BYTES, "a word of an attempt")?;
    }
    fits(&attempt.rung, 100, "a rung")?;
    fits(attempt.detail.raw(), LINE_BYTES, "the detail of an attempt")?;
    // Cut by bytes where it came, and what was no text in it has grown since.
    fits(attempt.log_tail.raw(), LOG_BYTES * 3, "the log of an attempt")
}

/// Moves a probe in time so that it ended at `made_at`: workers' clocks are their own. Lengths stay, within reason.
fn move_times(probe: &mut Probe, made_at: Timestamp) {
    let day = SignedDuration::from_hours(24);
    let ended = probe.finished_at;
    let moved = |time: Timestamp| {
        let before = ended.duration_since(time).clamp(SignedDuration::ZERO, day);
        made_at.checked_sub(before).unwrap_or(made_at)
    };
    probe.started_at = moved(probe.started_at);
    for attempt in &mut probe.attempts {
        attempt.started_at = moved(attempt.started_at);
    }
    probe.finished_at = made_at;
}
