//! The site in packs: everything of a built tree in some hundred ZIP files, for hosts that bound how many files a site may have. Served by `serve` and
//! by the edge function that is put beside them (`site/edge/_worker.js`).
//!
//! The same tree gives the same bytes. Which pack a file lies in is for `place`, what a pack looks like for `archive`.

pub(super) mod archive;
pub(super) mod directory;
mod fill;
pub(super) mod listing;
mod output;
pub(super) mod place;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde::Serialize;
use thiserror::Error;

use super::manifest::JOURNAL;
use directory::{Directory, Pack};
use listing::Listing;
use output::Output;
use place::Prefix;

/// Largest pack: below what each host takes of one file (25 MiB, Cloudflare).
const MOST_BYTES: usize = 20 << 20;
/// The edge function among the files of the site, and beside packs.
const WORKER: (&str, &str) = ("edge/_worker.js", "_worker.js");
/// The line of the edge function that says which packs there are.
const NO_PACKS: &str = "const PACKS = \"\";";
/// What hosts show by themselves, where no function runs or its quota is used up, lies beside the packs as it is, too.
const PLAIN: [&str; 2] = ["404.html", "robots.txt"];
const PLAIN_FOLDER: &str = "static/";

/// What is to be packed, and where to.
#[derive(Debug, Clone)]
pub struct PackOptions {
    /// The built site.
    pub out: PathBuf,
    /// The folder of packs: new, empty, or of earlier packs.
    pub into: PathBuf,
    /// Bytes of the site that go into one pack at most, before compressing.
    pub size: u64,
    /// The edge function is among these.
    pub site: BTreeMap<String, Vec<u8>>,
}

/// What was packed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PackReport {
    /// Files of the site.
    pub files: usize,
    /// Their size.
    pub tree_bytes: u64,
    /// Packs there are.
    pub packs: usize,
    /// Their size.
    pub bytes: u64,
    /// The largest one.
    pub largest_pack: u64,
    /// Files of the site that were compressed; the others are as the last packs had them.
    pub packed_anew: usize,
    /// Files that were written: packs and what lies beside them; the others' bytes are what they were.
    pub files_written: usize,
    /// Files of earlier packs that are gone.
    pub files_removed: usize,
}

/// Why no packs could be made.
#[derive(Debug, Error)]
pub enum PackError {
    /// A file cannot be read or written.
    #[error("the packs cannot be made; mend what is named below, then run the same command")]
    File(#[from] std::io::Error),
    /// The tree is none, or not whole.
    #[error("{}: no finished site there; run catalogue build first, or give its place with --out", out.display())]
    NoSite {
        /// The folder.
        out: PathBuf,
    },
    /// Packs within the tree would be packed the next time.
    #[error("{} and the site are one folder or lie in each other; choose another one with --into", into.display())]
    Within {
        /// The folder.
        into: PathBuf,
    },
    /// The folder holds files that no packs are.
    #[error(
        "{} holds files that catalogue pack did not write; choose a new or empty folder with --into", into.display()
    )]
    ForeignFolder {
        /// The folder.
        into: PathBuf,
    },
    /// A file of somebody else is where a pack belongs.
    #[error("{} was not written by catalogue pack and is in the way; move it and run the same command", path.display())]
    ForeignFile {
        /// The file.
        path: PathBuf,
    },
    /// A file is more than a pack.
    #[error(
        "{path} is larger than 20 MiB when it is compressed, which hosts with limits do not take; \
         build the site without it (a database is there with --download only) and offer it elsewhere"
    )]
    TooLarge {
        /// The file, below the site's root.
        path: String,
    },
    /// More names than can be counted.
    #[error("the site has more files than can be packed, or a name that is too long")]
    TooMany,
    /// The files of the site lack the edge function.
    #[error("{} is missing or has no line {NO_PACKS:?}; copy it from the program's repository or leave out --site", WORKER.0)]
    NoWorker,
}

/// Makes the packs of a site, or brings them up to date. `passed` is told how many files are done, and of how many.
///
/// # Errors
/// [`PackError`], by kind.
pub fn pack(options: &PackOptions, passed: &dyn Fn(usize, usize)) -> Result<PackReport, PackError> {
    let root = &options.out;
    if !root.join("index.html").is_file() || root.join(JOURNAL).exists() {
        return Err(PackError::NoSite { out: root.clone() });
    }
    let worker = options.site.get(WORKER.0).and_then(|bytes| std::str::from_utf8(bytes).ok());
    let worker = worker.filter(|text| text.contains(NO_PACKS)).ok_or(PackError::NoWorker)?;
    let mut output = Output::open(&options.into)?;
    let (own, other) = (fs_err::canonicalize(root)?, fs_err::canonicalize(&options.into)?);
    if own.starts_with(&other) || other.starts_with(&own) {
        return Err(PackError::Within { into: options.into.clone() });
    }
    let listing = Listing::of(root)?;
    let packs = place::packs_of(&listing.weighed(), options.size);
    let plain = plain_files(root)?;
    let mut now = Directory { beside: plain.keys().cloned().collect(), ..Directory::default() };
    now.beside.extend([WORKER.1, ROUTES.0, HEADERS.0].map(str::to_owned));
    let files: BTreeSet<String> =
        packs.iter().map(|(prefix, _)| prefix.file()).chain(now.beside.iter().cloned()).collect();
    output.announce(&files)?;

    let (mut done, mut anew, of) = (0, 0, packs.iter().map(|(_, range)| range.len()).sum());
    for (prefix, range) in packs {
        let paths = listing.part(range);
        let last = last_of(&output, prefix);
        let filled = fill::fill(root, &paths, &last)?;
        output.put(&prefix.file(), &filled.content)?;
        now.packs.insert(prefix, Pack::of(paths.len(), &filled.content));
        anew += filled.anew;
        done += paths.len();
        passed(done, of);
    }
    for (path, content) in &plain {
        output.put(path, content)?;
    }
    output.put(ROUTES.0, ROUTES.1.as_bytes())?;
    output.put(HEADERS.0, HEADERS.1.as_bytes())?;
    // The last one, since it says which packs there are.
    output.put(WORKER.1, worker.replacen(NO_PACKS, &packs_line(&now), 1).as_bytes())?;
    let (files_written, files_removed) = output.finish(&now)?;
    Ok(PackReport {
        files: listing.files,
        tree_bytes: listing.bytes,
        packs: now.packs.len(),
        bytes: now.packs.values().map(|pack| pack.bytes).sum(),
        largest_pack: now.packs.values().map(|pack| pack.bytes).max().unwrap_or_default(),
        packed_anew: anew,
        files_written,
        files_removed,
    })
}

/// For Cloudflare Pages: which requests need no function. Nothing else reads it.
const ROUTES: (&str, &str) = (
    "_routes.json",
    "{\"version\": 1, \"include\": [\"/*\"], \"exclude\": [\"/static/*\", \"/robots.txt\"]}\n",
);
/// What the function says of its answers, for the files that need none.
const HEADERS: (&str, &str) =
    ("_headers", "/*\n  X-Content-Type-Options: nosniff\n  Cache-Control: no-cache\n");

fn plain_files(root: &Path) -> Result<BTreeMap<String, Vec<u8>>, PackError> {
    let mut files = BTreeMap::new();
    let names = PLAIN.iter().map(|name| (*name).to_owned());
    let listed = fs_err::read_dir(root.join(PLAIN_FOLDER)).into_iter().flatten();
    let listed = listed.flatten().filter_map(|entry| entry.file_name().into_string().ok());
    let listed = listed.filter(|name| listing::is_shown(name)).map(|name| format!("{PLAIN_FOLDER}{name}"));
    for path in names.chain(listed) {
        let place = root.join(&path);
        if std::fs::symlink_metadata(&place).is_ok_and(|facts| facts.is_file()) {
            files.insert(path, fs_err::read(place)?);
        }
    }
    Ok(files)
}

/// The pack of the last time that holds what this one will, whether it is split by now or not. Nothing if there is none, or if its bytes are not those
/// that were written.
fn last_of(output: &Output, prefix: Prefix) -> Vec<u8> {
    let known = |prefix: &Prefix| output.before.packs.get(prefix).map(|pack| (*prefix, pack));
    let last = prefix.with_shorter().filter_map(|prefix| known(&prefix)).last();
    let Some((prefix, pack)) = last.filter(|_| output.before.is_current) else { return Vec::new() };
    let content = output.content(&prefix.file());
    if Pack::of(pack.files, &content) == *pack { content } else { Vec::new() }
}

/// Which packs there are, for the edge function: their bits, and a power of two of bytes that holds the table of each.
fn packs_line(now: &Directory) -> String {
    let packs = now.packs.iter().map(|(prefix, pack)| {
        let front = archive::TABLE_AT + archive::table_of(pack.files);
        format!("{prefix}:{}", front.next_power_of_two().ilog2())
    });
    format!("const PACKS = \"{}\";", packs.collect::<Vec<_>>().join(" "))
}
