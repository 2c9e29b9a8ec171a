//! Since when the pages of a server say what they say: what sitemaps tell. Never the time of a build; put together when stock is taken.

use std::collections::{BTreeMap, HashMap};

use jiff::Timestamp;

use super::RenderError;
use crate::model::{DefinitionHash, ServerKey};
use crate::store::Connection;
use crate::store::page_dates::{self, Turn};
use crate::store::site::SiteServer;

/// What moved the pages of one server.
#[derive(Debug, Default)]
pub(super) struct Dates {
    /// Since when it has listed what it lists, or failed as it does; None where its one answer, or its one try, says it.
    pub(super) listed: Option<Timestamp>,
    /// Since when its newest tries end as they do; None where it was asked once.
    pub(super) ends_alike: Option<Timestamp>,
    /// When a person last spoke of a tool.
    said: BTreeMap<(String, DefinitionHash), Timestamp>,
    /// When other rules last changed a verdict.
    judged: BTreeMap<DefinitionHash, Timestamp>,
}

impl Dates {
    /// What is known before the server's tools are read; `listed` is what its answers say.
    ///
    /// # Errors
    /// The database cannot be read.
    pub(super) fn of(
        db: &Connection,
        server: &SiteServer,
        listed: Option<Timestamp>,
        as_of: Timestamp,
    ) -> Result<Self, RenderError> {
        let ends_alike = page_dates::ends_alike_since(db, server, as_of)?;
        let listed = if server.answer.is_some() { listed } else { ends_alike };
        Ok(Self { listed, ends_alike, ..Self::default() })
    }

    /// Adds what people said until then.
    ///
    /// # Errors
    /// The database cannot be read.
    pub(super) fn add_said(
        &mut self,
        db: &Connection,
        server: &ServerKey,
        until: Option<Timestamp>,
    ) -> Result<(), RenderError> {
        self.said = page_dates::said(db, server, until)?;
        Ok(())
    }

    /// Adds what other rules changed after the answer that is shown began to be given.
    ///
    /// # Errors
    /// The database cannot be read.
    pub(super) fn add_judged(
        &mut self,
        db: &Connection,
        probe: i64,
        turns: &[Turn],
        answered: Timestamp,
    ) -> Result<(), RenderError> {
        self.judged = page_dates::judged_anew(db, probe, turns, self.listed.unwrap_or(answered))?;
        Ok(())
    }

    /// What a build must look at again where it is another, in words; the rest follows from the rules and what they judged.
    pub(super) fn in_words(&self) -> String {
        format!("{:?} {:?} {:?}", self.listed, self.ends_alike, self.said)
    }

    /// Since when the server's own pages say what they say, and since when it has listed what it lists, by the end of the probe that is
    /// shown and the last time that what is said of one of its tools changed.
    pub(super) fn of_server(&self, shown: Timestamp, moved: Option<Timestamp>) -> (Timestamp, Timestamp) {
        let listed = self.listed.unwrap_or(shown);
        ([self.ends_alike, moved].into_iter().flatten().fold(listed, Timestamp::max), listed)
    }

    /// When people or rules last changed what is said of a tool.
    pub(super) fn of_tool(&self, name: &str, hash: &DefinitionHash) -> Option<Timestamp> {
        let judged = self.judged.get(hash).copied();
        if self.said.is_empty() {
            return judged;
        }
        judged.max(self.said.get(&(name.to_owned(), hash.clone())).copied())
    }
}

/// The days on which people or rules last changed what is said of tools, by their places in the catalogue: few have one.
#[derive(Debug, Default)]
pub(super) struct Moved(HashMap<u32, u32>);

impl Moved {
    /// Notes the day of a tool; 0 for none.
    pub(super) fn note(&mut self, place: usize, day: u32) {
        if let Ok(place) = u32::try_from(place)
            && day > 0
        {
            self.0.insert(place, day);
        }
    }

    /// The day of a tool; 0 for none.
    pub(super) fn of(&self, place: usize) -> u32 {
        u32::try_from(place).ok().and_then(|place| self.0.get(&place)).copied().unwrap_or_default()
    }
}

/// Days since 1970, as the shelf holds them; 0 for none.
pub(super) fn day_number(at: Option<Timestamp>) -> u32 {
    at.and_then(|at| u32::try_from(at.as_second() / DAY).ok()).unwrap_or_default()
}

/// That day as sitemaps tell it.
pub(super) fn day_text(day: u32) -> String {
    let at = Timestamp::from_second(i64::from(day) * DAY).unwrap_or_default();
    at.strftime("%Y-%m-%d").to_string()
}

/// Seconds of a day.
const DAY: i64 = 86_400;
