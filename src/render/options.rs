//! What to build: the options of a build, and the shards of a site.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::str::FromStr;

use jiff::Timestamp;
use url::Url;

use super::compress::Compression;
use super::digest::Digest;
use super::twins::Twins;
use crate::eval::BenchmarkResult;
use crate::model::ReportAddress;
use crate::store::site::Audience;

/// One of several parts of a site that are built apart and put together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shard {
    /// Which one, from 1. The first also holds everything that speaks of more than one server.
    pub number: u32,
    /// Of how many.
    pub of: u32,
}

impl FromStr for Shard {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let read = || {
            let (number, of) = text.split_once('/')?;
            Some(Shard { number: number.parse().ok()?, of: of.parse().ok()? })
        };
        read()
            .filter(|shard| shard.number >= 1 && shard.number <= shard.of)
            .ok_or_else(|| format!("\"{text}\" is no shard; write 1/4 for the first of four"))
    }
}

impl Shard {
    /// A server is in the same shard whatever else there is.
    pub(super) fn holds(self, key: &str) -> bool {
        Digest::of(&key).short() % u64::from(self.of) == u64::from(self.number - 1)
    }
}

/// What to build, where to, and from which files.
#[derive(Debug, Clone)]
pub struct BuildOptions {
    /// The folder of the site: new, empty, or of an earlier build.
    pub out: PathBuf,
    /// Where it will be published; only canonical addresses and the sitemap use it.
    pub base_url: Option<Url>,
    /// Where a tool's page asks its readers to send reports; None: to nobody whom the site knows.
    pub report: Option<ReportAddress>,
    /// The catalogue as it stood then; None: at the newest probe in the database.
    pub as_of: Option<Timestamp>,
    /// Who it is for: a site for everyone has no private server in it, one for the owner says so on every page.
    pub audience: Audience,
    /// The files of `templates/`.
    pub templates: BTreeMap<String, Vec<u8>>,
    /// The files of `site/`.
    pub site: BTreeMap<String, Vec<u8>>,
    /// The files of `data/`: attack patterns, glossary and OWASP's lists are read of them.
    pub data: BTreeMap<String, Vec<u8>>,
    /// The benchmark's result, where there is one: the method page shows it.
    pub benchmark: Option<BenchmarkResult>,
    /// The program's version.
    pub version: &'static str,
    /// Which twins are made.
    pub twins: Twins,
    /// The database without what is private, and a table of all tools, beside the pages.
    pub download: bool,
    /// Which compressed copies are made.
    pub compression: Compression,
    /// Only this part of the site; None: all of it.
    pub shard: Option<Shard>,
    /// Threads; None: as many as there are cores.
    pub threads: Option<usize>,
    /// Look at every page, whatever is remembered of the last build.
    pub fresh: bool,
    /// Check every page of the site, in the same pass.
    pub check: bool,
    /// The file that remembers for the next build; None: nothing is remembered, and every page is looked at.
    pub shelf: Option<PathBuf>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_in_one_shard_and_shards_are_written_as_a_fraction() {
        let shards: Vec<Shard> = (1..=5).map(|n| format!("{n}/5").parse().unwrap()).collect();
        for key in ["npm:a", "pypi:b", "remote:https://x.example/"] {
            assert_eq!(shards.iter().filter(|shard| shard.holds(key)).count(), 1);
        }
        for wrong in ["0/3", "4/3", "1", "a/b", ""] {
            assert!(wrong.parse::<Shard>().is_err(), "{wrong}");
        }
    }
}
