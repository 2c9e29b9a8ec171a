//! The site: from the database, the rules and the templates to a folder of pages. No network, no clock, no async.
//!
//! Same database, same rules, same `as_of`: same bytes. Every sentence is in `templates/` or `site/content/`; here are
//! only words, numbers and the order of things. Called by `cli`.

mod benchmark;
mod catalogue;
mod check;
mod control;
mod declared;
mod facts;
mod html;
mod identity;
mod judged;
mod lists;
mod name;
mod page;
mod parameters;
mod prose;
mod quote;
pub mod serve;
mod server_page;
mod similar;
mod sitemap;
mod tool_page;
mod words;
mod write;

use std::collections::BTreeMap;
use std::path::PathBuf;

use jiff::Timestamp;
use rayon::prelude::*;
use thiserror::Error;
use url::Url;

use crate::classify::RuleSet;
use crate::eval::BenchmarkResult;
use crate::policy::Numbers;
use crate::store::site::{self, Audience};
use crate::store::{Connection, StoreError, declared_lists};
use benchmark::BenchmarkView;
use catalogue::{CHUNK, Catalogue, ServerEntry};
use html::Engine;
use judged::{judge, read_tools};
use page::{PAGE_KINDS, Press, SiteView};
use server_page::{ServerRows, server_policy, write_quiet, write_server};
use similar::Similar;
use tool_page::ToolPages;
use write::Output;

pub use check::{Problem, check};

/// What to build, where to, and from which files.
#[derive(Debug, Clone)]
pub struct BuildOptions {
    /// The folder of the site: new, empty, or of an earlier build.
    pub out: PathBuf,
    /// Where it will be published; only canonical addresses and the sitemap use it.
    pub base_url: Option<Url>,
    /// The catalogue as it stood then; None: at the newest probe in the database.
    pub as_of: Option<Timestamp>,
    /// Who it is for: a site for everyone has no private server in it, one for the owner says so on every page.
    pub audience: Audience,
    /// The files of `templates/`.
    pub templates: BTreeMap<String, Vec<u8>>,
    /// The files of `site/`.
    pub site: BTreeMap<String, Vec<u8>>,
    /// The benchmark's result, where there is one: the method page shows it.
    pub benchmark: Option<BenchmarkResult>,
    /// The program's version.
    pub version: &'static str,
}

/// What was built.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BuildSummary {
    /// Pages for people.
    pub pages: usize,
    /// Servers that have a page.
    pub servers: usize,
    /// Tools that have a page.
    pub tools: usize,
    /// Files that are new or changed; the others were left as they are.
    pub files_written: usize,
    /// Size of the whole site.
    pub bytes: u64,
}

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
    /// A hand-written page cannot be read.
    #[error("{name} {why}; begin it with a heading: # Title")]
    Prose {
        /// The file.
        name: String,
        /// What is wrong.
        why: &'static str,
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
    /// A tool is missing in its server's policy.
    #[error("the policy of {server} does not name {tool}; this is a defect of the program, please report it")]
    NoPolicy {
        /// The server's key.
        server: String,
        /// The tool's name.
        tool: String,
    },
}

/// Builds the whole site.
///
/// Works through the catalogue a few servers at a time, so that memory grows with names and not with pages. Files that
/// would not change are left alone; pages of an earlier build that are gone are removed.
///
/// # Errors
/// [`RenderError`]; what was written until then stays, and the next build goes on from there.
pub fn build(
    db: &Connection,
    rules: &RuleSet,
    numbers: &Numbers,
    options: &BuildOptions,
) -> Result<BuildSummary, RenderError> {
    let engine = Engine::new(&options.templates, PAGE_KINDS)?;
    let as_of =
        options.as_of.map_or_else(|| site::newest_probe(db, options.audience), |as_of| Ok(Some(as_of)))?;
    let catalogue = match as_of {
        Some(as_of) => Catalogue::read(db, rules, as_of, options.as_of, options.audience)?,
        None => Catalogue::default(),
    };
    let site = SiteView {
        version: options.version,
        rules: rules.hash().chars().take(12).collect(),
        private: options.audience.sees_private(),
    };
    let press = Press { engine, output: Output::open(&options.out)?, site, options };
    press.static_files()?;
    let declared = declared::servers(db, &catalogue, options)?;
    let mut pages = lists::write_lists(&press, &catalogue, as_of, !declared.is_empty())?;
    pages.extend(declared::write_declared(&press, db, &declared)?);
    let measured = options.benchmark.as_ref().map(|result| BenchmarkView::new(result, rules.hash()));
    pages.extend(prose::write_prose(&press, &options.site, measured.as_ref())?);
    let similar = Similar::new(&catalogue);
    for (i, chunk) in catalogue.servers.chunks(CHUNK).enumerate() {
        let rows = read_rows(db, rules, (i * CHUNK, chunk), options.as_of)?;
        let written: Result<Vec<Vec<String>>, RenderError> = rows
            .into_par_iter()
            .map(|rows| one_server(&press, rules, numbers, &catalogue, &similar, rows))
            .collect();
        pages.extend(written?.into_iter().flatten());
    }
    press.page("404.html", "404.html", &sitemap::not_found(options.base_url.as_ref()))?;
    let page_count = pages.len() + 1;
    sitemap::write_sitemap(&press, pages)?;
    let written = press.output.finish()?;
    Ok(BuildSummary {
        pages: page_count,
        servers: catalogue.servers.len(),
        tools: catalogue.tools.len(),
        files_written: written.changed,
        bytes: written.bytes,
    })
}

/// Everything that the pages of some servers need from the database.
fn read_rows(
    db: &Connection,
    rules: &RuleSet,
    (first, chunk): (usize, &[ServerEntry]),
    as_of: Option<Timestamp>,
) -> Result<Vec<ServerRows>, RenderError> {
    let mut rows = Vec::with_capacity(chunk.len());
    for (i, entry) in chunk.iter().enumerate() {
        let shown = entry.server.answer.unwrap_or(entry.server.newest);
        let tools = entry.server.answer.map(|p| read_tools(db, entry.key(), p, rules.hash(), as_of));
        rows.push(ServerRows {
            index: first + i,
            shown: site::probe(db, shown)?,
            attempts: site::attempts(db, shown)?,
            declared: declared_lists(db, &entry.key().to_string(), as_of)?,
            newer: if shown == entry.server.newest {
                None
            } else {
                Some(site::probe(db, entry.server.newest)?)
            },
            tools: tools.transpose()?,
            identity: crate::store::identity::site_identity(db, &entry.key().to_string())?,
        });
    }
    Ok(rows)
}

/// All pages of one server; tools of a large one are spread over the threads.
fn one_server(
    press: &Press<'_>,
    rules: &RuleSet,
    numbers: &Numbers,
    catalogue: &Catalogue,
    similar: &Similar<'_>,
    mut rows: ServerRows,
) -> Result<Vec<String>, RenderError> {
    let Some(entry) = catalogue.servers.get(rows.index) else { return Ok(Vec::new()) };
    let Some(tools) = rows.tools.take() else {
        return Ok(vec![write_quiet(press, catalogue, entry, &rows)?]);
    };
    let judged = judge(tools, rules);
    let policy = server_policy(entry, &judged, numbers);
    let mut pages = write_server(press, catalogue, entry, &rows, &judged, &policy)?;
    let tool_pages = ToolPages::new(press, rules, catalogue, similar, (entry, &rows), &policy);
    let written: Result<Vec<String>, RenderError> =
        judged.par_iter().enumerate().map(|(place, tool)| tool_pages.write(place, tool)).collect();
    pages.extend(written?);
    Ok(pages)
}
