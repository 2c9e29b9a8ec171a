//! The walk itself: ask for a page, store it with the position of the next one, until the list ends or enough is found.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use anyhow::Context;
use jiff::{SignedDuration, Timestamp};
use tokio_util::sync::CancellationToken;
use url::Url;

use super::super::ScanOptions;
use super::super::github;
use crate::cli::settings::Settings;
use crate::http::{Client, Deadlines, Token, shown};
use crate::model::Registry;
use crate::model::source::{Page, SourceName};
use crate::probe::install::Registries;
use crate::probe::registry::{Configured, Github};
use crate::progress::Bar;
use crate::sources::settings::SourceSettings;
use crate::sources::{self, Ask, Begin, Source, WalkError, source};
use crate::store::{DeclaredRecord, PageBefore, PageStored, Store, Walk, WalkBounds};

/// An index of a million names takes its time on a slow line.
const WHOLE: Duration = Duration::from_secs(900);

/// Where the lists and the registries of packages are.
#[derive(Debug)]
struct Places {
    mcp: Url,
    npm: Option<Url>,
    feed: Option<Url>,
    pypi: Option<Url>,
    docker: Url,
    github: Github,
    images: BTreeMap<String, Url>,
}

impl Places {
    async fn find(
        settings: &Settings,
        words: &SourceSettings,
        options: &ScanOptions,
    ) -> anyhow::Result<Self> {
        let config = &settings.config;
        let configured =
            Configured { npm: config.registries.npm.clone(), pypi: config.registries.pypi.clone() };
        let registries = Registries::new(configured);
        let known = registries.get().await;
        Ok(Self {
            mcp: config.sources.mcp.address.clone().unwrap_or_else(|| words.mcp.address.clone()),
            npm: known.npm.clone(),
            feed: config.sources.npm.feed.clone(),
            pypi: known.pypi.clone(),
            docker: docker(settings, words, options)?,
            github: github::configured(&config.sources.github, words),
            images: config.sources.oci.registries.clone(),
        })
    }

    fn of(&self, source: SourceName) -> Option<&Url> {
        match source {
            SourceName::Mcp => Some(&self.mcp),
            SourceName::Npm => self.npm.as_ref(),
            SourceName::Pypi => self.pypi.as_ref(),
            SourceName::Docker => Some(&self.docker),
            SourceName::Github => Some(&self.github.address),
        }
    }

    fn all(&self) -> Vec<(SourceName, &Url)> {
        let mut all: Vec<(SourceName, &Url)> =
            SourceName::ALL.into_iter().filter_map(|name| Some((name, self.of(name)?))).collect();
        all.extend(self.feed.as_ref().map(|feed| (SourceName::Npm, feed)));
        all
    }
}

/// The checkout or tarball that is named, else the address of one.
fn docker(settings: &Settings, words: &SourceSettings, options: &ScanOptions) -> anyhow::Result<Url> {
    let config = &settings.config.sources.docker;
    match options.path.as_ref().or(config.path.as_ref()) {
        Some(path) if options.list() == Some(SourceName::Docker) => sources::docker::address_of(path)
            .with_context(|| {
                format!("{}: give a checkout of the registry's repository or a .tar.gz", path.display())
            }),
        _ => Ok(config.address.clone().unwrap_or_else(|| words.docker.address.clone())),
    }
}

/// What a walk came to.
#[derive(Debug, Default)]
pub(super) struct Walked {
    /// As it stands now; none if enough was waiting already.
    pub(super) walk: Option<Walk>,
    /// What stopped it before its end.
    pub(super) failure: Option<anyhow::Error>,
    /// The list, or a registry of packages, wants to be left alone.
    pub(super) resting: bool,
    /// Ended by Ctrl-C.
    pub(super) interrupted: bool,
}

/// Everything one walk needs but the database.
pub(super) struct Walker<'a> {
    pub(super) source: &'static Source,
    places: Places,
    pub(super) client: Client,
    pub(super) words: &'a SourceSettings,
    pub(super) options: &'a ScanOptions,
    pub(super) bar: &'a Bar,
    pub(super) cancel: &'a CancellationToken,
}

impl<'a> Walker<'a> {
    pub(super) async fn prepare(
        settings: &Settings,
        words: &'a SourceSettings,
        options: &'a ScanOptions,
        name: SourceName,
        bar: &'a Bar,
        cancel: &'a CancellationToken,
    ) -> anyhow::Result<Self> {
        bar.note("looking for registries");
        let places = Places::find(settings, words, options).await?;
        if places.of(name).is_none() {
            let (key, client, tail) = match name {
                SourceName::Pypi => ("pypi", "pip or uv", "simple/"),
                _ => ("npm", "npm", ""),
            };
            anyhow::bail!(
                "no {key} registry is known; install {client}, or write into catalogue.toml: registries.{key} = \"https://…/{tail}\""
            );
        }
        let Some(source) = source(name) else { anyhow::bail!("the list {name} cannot be walked yet") };
        let contact = settings.config.sources.contact.clone();
        let deadlines = Deadlines { whole: WHOLE, ..Deadlines::default() };
        let client =
            super::super::rests::client(settings, deadlines, words.politeness(contact, &places.all()))?;
        Ok(Self { source, places, client, words, options, bar, cancel })
    }

    /// Walks until the list ends, enough is found, or something stops it.
    pub(super) async fn run(&self, store: &mut Store) -> anyhow::Result<Walked> {
        let name = self.source.name;
        if self.has_enough(store)? {
            return Ok(Walked::default());
        }
        let since = self.options.since.as_deref();
        let address = self.places.of(name).map(shown).unwrap_or_default();
        let has_feed = self.places.feed.is_some();
        let note = match name {
            SourceName::Npm if !has_feed => Some("incomplete: no feed configured"),
            SourceName::Github if self.token().is_none() => Some(github::NO_TOKEN),
            _ => None,
        };
        let state = store.name_source(name, &address, note, Timestamp::now())?;
        if let Some(until) = state.asked_not_before.filter(|until| *until > Timestamp::now()) {
            let failure = anyhow::anyhow!("{address}: asked to be left alone until {until:.0}");
            return Ok(Walked { failure: Some(failure), resting: true, ..Walked::default() });
        }
        let mut walk = match store.open_walk(name, since)? {
            Some(walk) => walk,
            None => {
                let days = i64::from(self.words.github.whole_walk_days);
                let whole_due = state.whole_at.is_none_or(|at| {
                    Timestamp::now().duration_since(at) >= SignedDuration::from_hours(24 * days)
                });
                let has_token = self.token().is_some();
                let begin = Begin { mark: state.mark.as_deref(), since, has_feed, has_token, whole_due };
                let (kind, position) = (self.source.begin)(&begin)?;
                store.begin_walk(name, kind, since, &position, Timestamp::now())?
            }
        };
        let mut known = store.listed_names(name)?;
        let mut newest = store.newest_stamp(name)?;
        let bounds =
            WalkBounds { max_pages: self.words.max_pages(name), accept_shrink: self.options.accept_shrink };
        loop {
            self.bar.note(&format!("{name}: page {}, {} records", walk.pages + 1, walk.seen));
            let before = store.page_before(name, &walk.position)?;
            let asked = self.ask(&walk, &before, state.mark.as_deref(), &known, newest.as_deref());
            let page = tokio::select! {
                page = async { (self.source.page)(&asked?).await } => page,
                () = self.cancel.cancelled() => {
                    return Ok(Walked { walk: Some(walk), interrupted: true, ..Walked::default() });
                }
            };
            let page = match page {
                Ok(page) => page,
                Err(error) => return self.stopped(store, walk, error),
            };
            self.declare(store, &page)?;
            let stored = store.add_page(name, &walk, &page, bounds, self.now())?;
            if stored == PageStored::Overtaken {
                let failure =
                    anyhow::anyhow!("another scan walks {name} at the same time; wait until it has ended");
                return Ok(Walked { walk: Some(walk), failure: Some(failure), ..Walked::default() });
            }
            remember(&page, &mut known, &mut newest);
            walk = store.walk(walk.id)?;
            if walk.ended_at.is_some() || self.has_enough(store)? {
                return Ok(Walked { walk: Some(walk), ..Walked::default() });
            }
        }
    }

    /// The address of the list; it was found before the walk was begun.
    pub(super) fn address(&self) -> &Url {
        self.places.of(self.source.name).unwrap_or(&self.places.mcp)
    }

    /// The time that is stored with what is found.
    pub(super) fn now(&self) -> Timestamp {
        self.options.clock.clock.now()
    }

    /// Registries of images that whoever runs this named.
    pub(super) fn images(&self) -> &BTreeMap<String, Url> {
        &self.places.images
    }

    /// The registry of a package.
    pub(super) fn base_of(&self, registry: Registry) -> Option<&Url> {
        match registry {
            Registry::Npm => self.places.npm.as_ref(),
            Registry::Pypi => self.places.pypi.as_ref(),
            Registry::Github | Registry::Remote | Registry::Local => None,
        }
    }

    /// What proves to this list who asks.
    fn token(&self) -> Option<&Token> {
        self.places.github.token.as_ref().filter(|_| self.source.name == SourceName::Github)
    }

    fn ask<'b>(
        &'b self,
        walk: &'b Walk,
        before: &'b PageBefore,
        mark: Option<&'b str>,
        known: &'b BTreeSet<String>,
        newest: Option<&'b str>,
    ) -> Result<Ask<'b>, WalkError> {
        let address = self.places.of(self.source.name).ok_or_else(|| WalkError::Shape {
            address: self.source.name.to_string(),
            why: "its address is not known".to_owned(),
        })?;
        Ok(Ask {
            client: &self.client,
            address,
            token: self.token(),
            feed: self.places.feed.as_ref(),
            settings: self.words,
            kind: walk.kind,
            since: walk.since.as_deref(),
            began: walk.started_at,
            mark,
            position: &walk.position,
            etag: before.etag.as_deref(),
            next_before: before.next.as_deref(),
            known,
            newest,
        })
    }

    /// Stores what the page's records declare, before the page: what is told twice is stored once.
    fn declare(&self, store: &mut Store, page: &Page) -> anyhow::Result<()> {
        let name = self.source.name;
        let lists = page.listings.iter().filter_map(|listing| {
            let lists = sources::declared(name, listing)?;
            Some(DeclaredRecord { name: &listing.name, version: &listing.version, lists })
        });
        Ok(store.declare(name, &lists.collect::<Vec<_>>(), self.now())?)
    }

    /// True if as many wait as are to be scanned.
    fn has_enough(&self, store: &Store) -> anyhow::Result<bool> {
        Ok(match self.options.limit {
            Some(limit) => store.count_waiting(self.source.name)? >= limit,
            None => false,
        })
    }

    fn stopped(&self, store: &mut Store, walk: Walk, error: WalkError) -> anyhow::Result<Walked> {
        let now = Timestamp::now();
        let rest = match &error {
            WalkError::Http(error) => error.rest(),
            _ => None,
        };
        let until =
            rest.and_then(|rest| SignedDuration::try_from(rest).ok()).and_then(|r| now.checked_add(r).ok());
        store.walk_failed(self.source.name, walk.id, &error.to_string(), until, now)?;
        let walk = store.walk(walk.id)?;
        let resting = rest.is_some();
        Ok(Walked { walk: Some(walk), failure: Some(error.into()), resting, ..Walked::default() })
    }
}

fn remember(page: &Page, known: &mut BTreeSet<String>, newest: &mut Option<String>) {
    for listing in &page.listings {
        if !known.contains(&listing.name) {
            known.insert(listing.name.clone());
        }
        if listing.stamp > *newest {
            newest.clone_from(&listing.stamp);
        }
    }
}
