//! The site with few files: a tool of low or medium risk has no page of its own and stands as a section on its server's page, for hosts that
//! bound how many files a site may have and run no function. A step behind `build`, which it reads server by server.
//!
//! What is where is for `table`, what a section holds for `section`, where links lead for `links` and `documents`. Files are written as builds
//! write them (`write`).

mod documents;
mod links;
mod markup;
mod section;
mod server;
mod sitemaps;
mod table;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use rayon::prelude::*;
use serde::Serialize;
use thiserror::Error;

use super::RenderError;
use super::check::{Problem, check};
use super::compress::Compression;
use super::manifest::{JOURNAL, Listed, MANIFEST, Units};
use super::write::{ClosedUnit, OpenUnit, Output};
use crate::model::Risk;
use links::Links;
use table::Table;

/// Stands beside the list of files, so that no tree is taken for one of the other kind.
const MARK: (&str, &[u8]) =
    (".catalogue-folded", b"a site of catalogue fold, made from one of catalogue build\n");
/// Servers that are held at a time.
const SERVERS: usize = 64;

/// What is to be folded, and where to.
#[derive(Debug, Clone)]
pub struct FoldOptions {
    /// The built site.
    pub out: PathBuf,
    /// The folder of the folded one: new, empty, or of an earlier one.
    pub into: PathBuf,
    /// From this risk on a tool keeps a page of its own; None: no tool does.
    pub own_from: Option<Risk>,
    /// Checks every page of the folded site.
    pub check: bool,
}

/// What was folded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FoldReport {
    /// Files of the folded site.
    pub files: usize,
    /// Their size.
    pub bytes: u64,
    /// Tools that are sections of their server's page.
    pub sections: usize,
    /// Bytes of these sections.
    pub section_bytes: usize,
    /// The largest one.
    pub largest_section: usize,
    /// Tools with a page of their own.
    pub own_pages: usize,
    /// Files that were written; the others' bytes are what they were.
    pub files_written: usize,
    /// Files of an earlier folded site that are gone.
    pub files_removed: usize,
    /// What is wrong with it, if that was asked.
    pub problems: Option<Vec<Problem>>,
}

/// Why no site could be folded.
#[derive(Debug, Error)]
pub enum FoldError {
    /// The tree is none, or not whole.
    #[error("{}: no finished site there; run catalogue build first, or give its place with --out", out.display())]
    NoSite {
        /// The folder.
        out: PathBuf,
    },
    /// The tree is folded already.
    #[error("{} is a folded site; give the place of the one that catalogue build wrote with --out", out.display())]
    Folded {
        /// The folder.
        out: PathBuf,
    },
    /// One tree would be written into the other.
    #[error("{} and the site are one folder or lie in each other; choose another one with --into", into.display())]
    Within {
        /// The folder.
        into: PathBuf,
    },
    /// The folder holds files that are of no folded site.
    #[error(
        "{} holds files that catalogue fold did not write; choose a new or empty folder with --into", into.display()
    )]
    ForeignFolder {
        /// The folder.
        into: PathBuf,
    },
    /// A file of somebody else is where one of the site belongs.
    #[error("{} was not written by catalogue fold and is in the way; move it and run the same command", path.display())]
    ForeignFile {
        /// The file.
        path: PathBuf,
    },
    /// A page is not as `build` writes it.
    #[error("{path} is not as this version of catalogue build writes it; build the site again")]
    OddPage {
        /// The page, below the site's root.
        path: String,
    },
    /// A file cannot be read or written.
    #[error("the folded site cannot be made; mend what is named below, then run the same command")]
    File(#[from] std::io::Error),
    /// The same, while files were put in their places.
    #[error("the folded site cannot be written")]
    Site(#[source] RenderError),
}

impl From<RenderError> for FoldError {
    fn from(error: RenderError) -> Self {
        match error {
            RenderError::ForeignFolder { out } => Self::ForeignFolder { into: out },
            RenderError::ForeignFile { path } => Self::ForeignFile { path },
            RenderError::File(error) => Self::File(error),
            other => Self::Site(other),
        }
    }
}

/// True if a folder holds a folded site, into which no build may write.
pub fn is_folded(out: &Path) -> bool {
    out.join(MARK.0).exists()
}

/// Folds a site, or brings a folded one up to date. `passed` is told how many servers are done, and of how many.
///
/// # Errors
/// [`FoldError`], by kind.
pub fn fold(options: &FoldOptions, passed: &dyn Fn(usize, usize)) -> Result<FoldReport, FoldError> {
    let (root, into) = (&options.out, &options.into);
    if is_folded(root) {
        return Err(FoldError::Folded { out: root.clone() });
    }
    if !root.join(MANIFEST).is_file() || root.join(JOURNAL).exists() {
        return Err(FoldError::NoSite { out: root.clone() });
    }
    let compression = prepared(root, into)?;
    let table = Table::of(root, options.own_from)?;
    let work = Work {
        root,
        links: Links { table: &table, base: base_of(root)? },
        output: Output::open(into, compression)?,
        sections: AtomicUsize::new(0),
        section_bytes: AtomicUsize::new(0),
        largest: AtomicUsize::new(0),
    };
    let mut units = Units::open(&root.join(MANIFEST))?;
    let mut done = 0;
    loop {
        let mut open = Vec::with_capacity(SERVERS);
        while open.len() < SERVERS
            && let Some(unit) = units.take()?
        {
            let written = match Table::folder_of(&unit) {
                Some(folder) => work.output.unit_in(unit.name.clone(), &folder)?,
                None => work.output.unit(unit.name.clone())?,
            };
            open.push((unit, written));
        }
        if open.is_empty() {
            break;
        }
        done += open.len();
        let closed: Result<Vec<ClosedUnit>, FoldError> =
            open.into_par_iter().map(|(unit, written)| work.unit(&unit, written)).collect();
        for unit in closed? {
            work.output.record(&unit)?;
        }
        work.output.rest()?;
        passed(done, table.units);
    }
    let written = work.output.finish()?;
    Ok(FoldReport {
        files: written.files,
        bytes: written.bytes,
        sections: work.sections.into_inner(),
        section_bytes: work.section_bytes.into_inner(),
        largest_section: work.largest.into_inner(),
        own_pages: table.own_pages,
        files_written: written.changed,
        files_removed: written.removed,
        problems: options.check.then(|| check(into)),
    })
}

/// Looks at the folder that is written to, marks it, and says which compressed copies the site has.
fn prepared(root: &Path, into: &Path) -> Result<Compression, FoldError> {
    fs_err::create_dir_all(into)?;
    let (own, other) = (fs_err::canonicalize(root)?, fs_err::canonicalize(into)?);
    if own.starts_with(&other) || other.starts_with(&own) {
        return Err(FoldError::Within { into: into.to_owned() });
    }
    if !is_folded(into) {
        if fs_err::read_dir(into)?.next().is_some() {
            return Err(FoldError::ForeignFolder { into: into.to_owned() });
        }
        fs_err::write(into.join(MARK.0), MARK.1)?;
    }
    // With the mark alone the folder would be somebody else's to whoever writes files.
    if !into.join(MANIFEST).exists() {
        fs_err::write(into.join(MANIFEST), "")?;
    }
    let has = |copy: &str| root.join(format!("index.html.{copy}")).exists();
    Ok(Compression { gzip: has("gz"), brotli: has("br") })
}

/// Where the site will be on the web, if it knows that: the home page says so.
fn base_of(root: &Path) -> Result<Option<String>, FoldError> {
    let home = fs_err::read_to_string(root.join("index.html"))?;
    let canonical = markup::tags(&home).find(|tag| tag.is("link", "rel", "canonical"));
    Ok(canonical.and_then(|tag| tag.value("href")).map(|href| format!("{}/", href.trim_end_matches('/'))))
}

struct Work<'a> {
    root: &'a Path,
    links: Links<'a>,
    output: Output,
    sections: AtomicUsize,
    section_bytes: AtomicUsize,
    largest: AtomicUsize,
}

impl Work<'_> {
    /// Writes what one server, or everything that is of no server, comes to.
    fn unit(&self, unit: &Listed, written: OpenUnit) -> Result<ClosedUnit, FoldError> {
        let copied = |path: &str| {
            let of = path.strip_suffix(".gz").or_else(|| path.strip_suffix(".br"));
            of.is_some_and(|of| unit.files().contains_key(of))
        };
        let paths: Vec<&String> = unit.files().keys().filter(|path| !copied(path)).collect();
        paths.into_par_iter().try_for_each(|path| match self.content(path)? {
            Some(content) => {
                self.output.put(&written, path, None, &content).map(|_| ()).map_err(FoldError::from)
            }
            None => Ok(()),
        })?;
        Ok(self.output.close_unit(written)?)
    }

    /// What lies at an address; None if it is on its server's page now, or if nothing of it is left.
    fn content(&self, path: &str) -> Result<Option<Vec<u8>>, FoldError> {
        if self.links.table.landing(path).is_some() {
            return Ok(None);
        }
        let bytes = fs_err::read(self.root.join(path))?;
        if !documents::may_hold_links(path) {
            return Ok(Some(bytes));
        }
        let odd = || FoldError::OddPage { path: path.to_owned() };
        let text = String::from_utf8(bytes).map_err(|_| odd())?;
        if sitemaps::is_one(path) {
            let part = |path: &str| fs_err::read_to_string(self.root.join(path));
            return Ok(sitemaps::without_folded(&self.links, &text, &part)?.map(String::into_bytes));
        }
        if self.links.table.is_server_page(path) {
            let page = server::page(&self.links, path, &text, |tool| self.section(path, tool))?;
            return Ok(Some(page.ok_or_else(odd)?.into_bytes()));
        }
        Ok(Some(documents::led_on(&self.links, path, &text).ok_or_else(odd)?.into_bytes()))
    }

    /// What the page of a tool holds that goes to its server's page.
    fn section(&self, page: &str, tool: &str) -> Result<String, FoldError> {
        let odd = || FoldError::OddPage { path: tool.to_owned() };
        let text = fs_err::read_to_string(self.root.join(tool))?;
        let cut = section::cut(&text).ok_or_else(odd)?;
        let anchor = table::anchor_of_tool(tool).ok_or_else(odd)?;
        let section = self.links.moved(&cut, tool, page, &format!("{anchor}."));
        self.sections.fetch_add(1, Ordering::Relaxed);
        self.section_bytes.fetch_add(section.len(), Ordering::Relaxed);
        self.largest.fetch_max(section.len(), Ordering::Relaxed);
        Ok(section)
    }
}
