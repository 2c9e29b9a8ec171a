//! Where everything lies for this run: options first, then the environment, then `catalogue.toml`, then defaults.

use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::Args;

use crate::assets::{Files, Folder};
use crate::classify::{RuleBook, RuleSet};
use crate::config::{Config, FILE_NAME};
use crate::eval::{BenchmarkResult, RESULT_FILE};
use crate::policy::Numbers;

use super::clock::Clock;

/// Options that every subcommand takes.
#[derive(Debug, Args)]
pub(super) struct GlobalOptions {
    /// Read this file instead of ./catalogue.toml
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The database [default: catalogue.db in the state folder]
    #[arg(long, global = true, value_name = "FILE")]
    db: Option<PathBuf>,
    /// The state folder: database, toolchain, caches [default: ./var beside catalogue.toml, else your data folder]
    #[arg(long, global = true, value_name = "DIR", env = "CATALOGUE_VAR")]
    var: Option<PathBuf>,
    /// Rules from this folder instead of the built-in ones
    #[arg(long, global = true, value_name = "DIR")]
    rules: Option<PathBuf>,
    /// Templates from this folder instead of the built-in ones
    #[arg(long, global = true, value_name = "DIR")]
    templates: Option<PathBuf>,
    /// Starter list, launch hints, corrections and stand-ins from this folder instead of the built-in ones
    #[arg(long, global = true, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Static files and hand-written pages from this folder instead of the built-in ones
    #[arg(long, global = true, value_name = "DIR")]
    site: Option<PathBuf>,
    /// Log more on standard error (twice for more still)
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub(super) verbose: u8,
}

/// Everything resolved. Folders are not made here.
#[derive(Debug, Clone)]
pub(super) struct Settings {
    pub(super) config: Config,
    pub(super) db: PathBuf,
    /// The database was named on the command line.
    db_is_given: bool,
    pub(super) var: PathBuf,
    rules: Option<PathBuf>,
    templates: Option<PathBuf>,
    data: Option<PathBuf>,
    site: Option<PathBuf>,
    /// Where stored times come from.
    pub(super) clock: Clock,
}

impl Settings {
    pub(super) fn resolve(options: &GlobalOptions) -> anyhow::Result<Self> {
        let here = std::env::current_dir().context("the current folder cannot be read")?;
        let found = options.config.clone().or_else(|| Some(here.join(FILE_NAME)).filter(|p| p.is_file()));
        let config = match &found {
            Some(path) => Config::read(path)?,
            None => Config::default(),
        };
        let beside = found.as_deref().and_then(Path::parent).map(|folder| folder.join("var"));
        let var = match options.var.clone().or_else(|| config.paths.var.clone()).or(beside) {
            Some(var) => var,
            None => directories::ProjectDirs::from("", "", "catalogue")
                .context("your data folder is not known; give one with --var or CATALOGUE_VAR")?
                .data_dir()
                .to_owned(),
        };
        let var = here.join(var);
        let from = |option: &Option<PathBuf>, configured: &Option<PathBuf>| {
            option.clone().or_else(|| configured.clone())
        };
        Ok(Self {
            db: from(&options.db, &config.paths.db)
                .map_or_else(|| var.join("catalogue.db"), |db| here.join(db)),
            db_is_given: options.db.is_some(),
            rules: from(&options.rules, &config.paths.rules),
            templates: from(&options.templates, &config.paths.templates),
            data: from(&options.data, &config.paths.data),
            site: from(&options.site, &config.paths.site),
            var,
            config,
            clock: Clock::Machine,
        })
    }

    /// The same with another database in the state folder, unless one was named on the command line.
    pub(super) fn with_own_database(&self, name: &str) -> Self {
        let db = if self.db_is_given { self.db.clone() } else { self.var.join(name) };
        Self { db, ..self.clone() }
    }

    /// The same with this database.
    pub(super) fn with_database(&self, db: PathBuf) -> Self {
        Self { db, db_is_given: true, ..self.clone() }
    }

    /// The same with another clock.
    pub(super) fn with_clock(&self, clock: Clock) -> Self {
        Self { clock, ..self.clone() }
    }

    /// The rules in force.
    pub(super) fn rule_set(&self) -> anyhow::Result<RuleSet> {
        Ok(RuleSet::load(&self.rule_files()?)?)
    }

    /// The words of the rules in force; the user's own are loaded, as nobody knows yet whether they do.
    pub(super) fn rule_book(&self) -> anyhow::Result<RuleBook> {
        if self.has_own_rules() {
            Ok(self.rule_set()?.into())
        } else {
            Ok(RuleBook::of_known(&self.rule_files()?)?)
        }
    }

    /// Whether the rules in force are the user's own.
    pub(super) fn has_own_rules(&self) -> bool {
        self.rules.is_some()
    }

    /// The files that the rules in force are read from.
    pub(super) fn rule_files(&self) -> anyhow::Result<Files> {
        Ok(Folder::Rules.files(self.rules.as_deref())?)
    }

    /// The numbers of `rules/policy.toml`.
    pub(super) fn numbers(&self) -> anyhow::Result<Numbers> {
        Ok(Numbers::load(&Folder::Rules.files(self.rules.as_deref())?)?)
    }

    pub(super) fn data_files(&self) -> anyhow::Result<Files> {
        Ok(Folder::Data.files(self.data.as_deref())?)
    }

    /// The benchmark's result among the data files, where there is one.
    pub(super) fn benchmark_result(&self) -> anyhow::Result<Option<BenchmarkResult>> {
        let files = self.data_files()?;
        let Some(bytes) = files.get(RESULT_FILE) else { return Ok(None) };
        Ok(Some(BenchmarkResult::from_json(bytes)?))
    }

    pub(super) fn template_files(&self) -> anyhow::Result<Files> {
        Ok(Folder::Templates.files(self.templates.as_deref())?)
    }

    pub(super) fn site_files(&self) -> anyhow::Result<Files> {
        Ok(Folder::Site.files(self.site.as_deref())?)
    }
}
