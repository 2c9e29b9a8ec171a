//! The site: from the database, the rules and the templates to a folder of pages. No network, no clock, no async.
//!
//! Same database, same rules, same `as_of`: same bytes. Every sentence is in `templates/` or `site/content/`; here are
//! only words, numbers and the order of things. Called by `cli`.

mod answers;
mod aside;
mod attack_categories;
mod attack_pages;
mod badge;
mod benchmark;
mod browse;
mod catalogue;
mod changes;
mod chart;
mod check;
mod compress;
mod config_page;
mod control;
mod dates;
mod declared;
mod declared_list;
mod declares;
mod digest;
mod download;
mod effects;
mod engine;
mod exposed_list;
mod exposure;
mod extras;
mod facts;
mod fold;
mod fragments;
mod fresh;
mod glossary;
mod guide_twin;
mod hints;
mod history;
mod html;
mod identity;
mod json_feed;
mod judged;
mod kinds;
mod launch;
mod letters;
mod like_servers;
mod lines;
mod list_questions;
mod lists;
mod llms;
mod manifest;
mod markdown;
mod media;
mod moved;
mod name;
mod not_found;
mod notes;
mod on_shelf;
mod options;
mod outcomes;
mod owasp;
mod pack;
mod page;
mod page_text;
mod parameters;
mod plate;
mod policy_files;
mod prose;
mod questions;
mod quote;
mod reader;
mod report;
mod report_page;
mod risk_levels;
mod risk_page;
mod rules_kind;
mod search;
mod sections;
pub mod serve;
mod server_page;
mod server_questions;
mod server_risk;
mod shelf;
mod short;
mod similar;
mod site_work;
mod sitemap;
mod squeeze;
mod stencils;
mod stirred;
mod stock;
mod structured;
mod tool_lines;
mod tool_page;
mod trifecta;
mod twin;
mod twins;
mod words;
mod write;

use std::path::PathBuf;

use thiserror::Error;

use crate::store::StoreError;

pub use check::{Problem, check};
pub use compress::Compression;
pub use engine::build;
pub use fold::{FoldError, FoldOptions, FoldReport, fold, is_folded};
pub use kinds::{MadeFrom, PAGE_KINDS, PageKind};
pub use options::{BuildOptions, Shard};
pub use pack::{PackError, PackOptions, PackReport, pack};
pub use report::{BuildReport, KindReport};
pub use twins::Twins;

/// Why no site could be built.
#[derive(Debug, Error)]
pub enum RenderError {
    /// The database cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A file cannot be read or written.
    #[error(
        "the site cannot be written; free space or choose another folder with --out, then run the same command"
    )]
    File(#[from] std::io::Error),
    /// The folder holds files that no build wrote.
    #[error(
        "{} holds files that catalogue build did not write; choose a new or empty folder with --out", out.display()
    )]
    ForeignFolder {
        /// The folder.
        out: PathBuf,
    },
    /// A file that no build wrote is where a page belongs.
    #[error("{} was not written by catalogue build and is in the way; move it and build again", path.display())]
    ForeignFile {
        /// The file.
        path: PathBuf,
    },
    /// Two pages have one address.
    #[error("two pages have the address {path}; this is a defect of the program, please report it")]
    SamePlace {
        /// The address.
        path: String,
    },
    /// A template is not text.
    #[error("{name} is not UTF-8; save it as UTF-8")]
    TemplateText {
        /// The file.
        name: String,
    },
    /// A page kind has no template.
    #[error("templates/{name} is missing; copy it from the program's repository or leave out --templates")]
    MissingTemplate {
        /// The file.
        name: &'static str,
    },
    /// The templates do not parse.
    #[error("the templates cannot be read; mend the place named below")]
    Templates {
        /// What and where.
        #[source]
        source: tera::Error,
    },
    /// A template fails on a page.
    #[error("templates/{name} does not fit its page; mend the place named below")]
    Template {
        /// The template.
        name: String,
        /// What and where.
        #[source]
        source: tera::Error,
    },
    /// A file of attack patterns, terms or lists cannot be used.
    #[error("the data files cannot be used; mend the file named below or leave out --data")]
    Data(#[from] crate::attack::LibraryError),
    /// The table of clients cannot be read.
    #[error("data/clients.toml {why}; catalogue scan --registry config --dry-run says where")]
    Clients {
        /// What is wrong.
        why: &'static str,
    },
    /// A note cannot be read.
    #[error("{name} {why}; it begins with TOML between +++ lines: title, date, summary, tags")]
    Note {
        /// The file.
        name: String,
        /// What is wrong.
        why: &'static str,
    },
    /// A hand-written page cannot be read.
    #[error("{name} {why}; begin it with a heading: # Title")]
    Prose {
        /// The file.
        name: String,
        /// What is wrong.
        why: &'static str,
    },
    /// The list of addresses that moved cannot be used.
    #[error("data/moved.toml {why}; mend it or leave out --data")]
    Moved {
        /// What is wrong.
        why: String,
    },
    /// A policy cannot be written in a format.
    #[error("the policy of {server} cannot be written as {format}")]
    Export {
        /// The server's key.
        server: String,
        /// The format's id.
        format: &'static str,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The threads cannot be started.
    #[error("the threads of the build cannot be started; try fewer with --threads")]
    Threads {
        /// Why.
        #[source]
        source: rayon::ThreadPoolBuildError,
    },
    /// A tool is missing in its server's policy.
    #[error("the policy of {server} does not name {tool}; this is a defect of the program, please report it")]
    NoPolicy {
        /// The server's key.
        server: String,
        /// The tool's name.
        tool: String,
    },
}
