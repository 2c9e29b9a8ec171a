//! The Pythons of this machine: found on PATH, in pyenv's and in uv's folders, each asked once what it is.
//!
//! Answers are kept in `var/toolchain/pythons.json` by real path, size and time of change, so that a later run starts
//! no interpreter for this.

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use futures_util::future::join_all;
use pep440_rs::{Version, VersionSpecifiers};
use serde::{Deserialize, Serialize};

use crate::probe::sandbox::trusted;

/// One CPython, 3.8 or later.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Python {
    /// The interpreter itself: no shim, no link, no virtual environment.
    pub path: PathBuf,
    /// Major, minor, patch.
    pub version: (u64, u64, u64),
    /// Its installation (`sys.base_prefix`), which must be visible in a sandbox for it to run.
    pub prefix: PathBuf,
}

impl Python {
    /// `3.12.1`.
    pub fn version_text(&self) -> String {
        format!("{}.{}.{}", self.version.0, self.version.1, self.version.2)
    }
}

/// Minor versions in the order in which they are taken. 3.12 comes first because it satisfies every requirement seen
/// (4 of 24 packages want at least that, with 3.11 only 20 of 24 install) and still has wheels of older packages;
/// then its neighbours, then what is rarer. `research/live.md` sections 1 and 10 have the measurements.
const PREFERRED_MINORS: [u64; 7] = [12, 11, 13, 10, 14, 9, 8];

/// The interpreter for a package that wants `requires` (a PEP 440 specifier); none if no Python here fits.
///
/// A specifier that cannot be read excludes nothing: the installer decides then.
pub fn choose_python<'a>(pythons: &'a [Python], requires: Option<&str>) -> Option<&'a Python> {
    let wanted = requires.and_then(|text| VersionSpecifiers::from_str(text).ok());
    let fits = |python: &&Python| {
        let (major, minor, patch) = python.version;
        wanted.as_ref().is_none_or(|w| w.contains(&Version::new([major, minor, patch])))
    };
    let rank = |python: &&Python| {
        let (_, minor, patch) = python.version;
        let place = PREFERRED_MINORS.iter().position(|m| *m == minor).unwrap_or(PREFERRED_MINORS.len());
        (place, u64::MAX - minor, u64::MAX - patch)
    };
    pythons.iter().filter(fits).min_by_key(rank)
}

/// What was asked of which file.
#[derive(Serialize, Deserialize, PartialEq)]
struct Asked {
    modified_ns: i128,
    size: u64,
    /// None if it is no Python that can be used.
    answer: Option<Python>,
}

/// Finds every Python, newest first; two names of one interpreter count once.
pub(super) async fn find_pythons(cache: &Path) -> Vec<Python> {
    let env = |name: &str| std::env::var_os(name).map(PathBuf::from);
    let candidates = candidates(&env);
    let known: BTreeMap<PathBuf, Asked> =
        fs_err::read(cache).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default();
    let answers = join_all(candidates.into_iter().map(|path| {
        let known = &known;
        async move {
            let meta = std::fs::metadata(&path).ok()?;
            let modified_ns = i128::from(meta.mtime()) * 1_000_000_000 + i128::from(meta.mtime_nsec());
            let size = meta.len();
            let old = known.get(&path).filter(|k| k.modified_ns == modified_ns && k.size == size);
            let answer = match old {
                Some(old) => old.answer.clone(),
                None => ask(&path).await,
            };
            Some((path, Asked { modified_ns, size, answer }))
        }
    }))
    .await;
    let now: BTreeMap<PathBuf, Asked> = answers.into_iter().flatten().collect();
    if now != known {
        remember(cache, &now);
    }
    let mut pythons: Vec<Python> = now.into_values().filter_map(|asked| asked.answer).collect();
    pythons.sort_by(|a, b| b.version.cmp(&a.version).then_with(|| a.path.cmp(&b.path)));
    // Two files may be one installation (`python3.12` and a copy of it).
    pythons.dedup_by(|a, b| a.prefix == b.prefix && a.version == b.version);
    pythons
}

/// A cache that cannot be written costs time, nothing else.
fn remember(cache: &Path, answers: &BTreeMap<PathBuf, Asked>) {
    let write = || -> std::io::Result<()> {
        let folder = cache.parent().unwrap_or(Path::new("."));
        fs_err::create_dir_all(folder)?;
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        serde_json::to_writer(&mut file, answers).map_err(std::io::Error::other)?;
        file.persist(cache)?;
        Ok(())
    };
    if let Err(error) = write() {
        tracing::debug!(cache = %cache.display(), %error, "the list of Pythons was not kept");
    }
}

/// Real paths of everything that may be a Python: programs of PATH by name, and the folders of pyenv and uv.
fn candidates(env: &dyn Fn(&str) -> Option<PathBuf>) -> BTreeSet<PathBuf> {
    let names: Vec<String> = std::iter::once("python3".to_owned())
        .chain((8..=20).map(|minor| format!("python3.{minor}")))
        .collect();
    let mut found = BTreeSet::new();
    let path = env("PATH").unwrap_or_default();
    for folder in std::env::split_paths(&path).filter(|folder| folder.is_absolute()) {
        found.extend(names.iter().map(|name| folder.join(name)));
    }
    let home = env("HOME");
    let below_home = |rest: &str| home.as_ref().map(|home| home.join(rest));
    let roots = [
        env("PYENV_ROOT").or_else(|| below_home(".pyenv")).map(|root| root.join("versions")),
        env("UV_PYTHON_INSTALL_DIR")
            .or_else(|| env("XDG_DATA_HOME").map(|data| data.join("uv/python")))
            .or_else(|| below_home(".local/share/uv/python")),
    ];
    for root in roots.into_iter().flatten() {
        let versions = std::fs::read_dir(root).into_iter().flatten().flatten();
        found.extend(versions.map(|version| version.path().join("bin/python3")));
    }
    found.into_iter().filter_map(|path| real_program(&path)).collect()
}

/// The file behind a name, if it is a program of machine code: pyenv's shims are scripts that start one of the
/// interpreters which are found in its folder anyway.
fn real_program(path: &Path) -> Option<PathBuf> {
    let real = std::fs::canonicalize(path).ok()?;
    super::find::is_machine_code(&real).then_some(real)
}

#[derive(Deserialize)]
struct Said {
    version: (u64, u64, u64),
    level: String,
    implementation: String,
    flags: String,
    prefix: PathBuf,
    executable: PathBuf,
}

/// Asks an interpreter what it is; none if it is broken, too old, no CPython, not released, or free-threaded (for which
/// few packages have wheels).
async fn ask(path: &Path) -> Option<Python> {
    const SCRIPT: &str = "import json, sys\n\
        print(json.dumps(dict(version=sys.version_info[:3], level=sys.version_info[3],\n\
        implementation=sys.implementation.name, flags=getattr(sys, 'abiflags', ''),\n\
        prefix=sys.base_prefix, executable=sys.executable)))";
    let said = trusted::output(path, &["-I", "-S", "-c", SCRIPT], &[], Duration::from_secs(10)).await.ok()?;
    let said: Said = serde_json::from_slice(&said.stdout).ok()?;
    let usable = said.version >= (3, 8, 0)
        && said.version < (4, 0, 0)
        && said.level == "final"
        && said.implementation == "cpython"
        && !said.flags.contains('t');
    if !usable {
        return None;
    }
    Some(Python {
        path: std::fs::canonicalize(said.executable).ok()?,
        version: said.version,
        prefix: std::fs::canonicalize(said.prefix).ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pythons(minors: &[u64]) -> Vec<Python> {
        let one = |minor: &u64| Python { path: "/p".into(), version: (3, *minor, 4), prefix: "/".into() };
        minors.iter().map(one).collect()
    }

    #[test]
    fn the_interpreter_follows_requires_python_and_the_order_of_preference() {
        let all = pythons(&[14, 13, 12, 11, 10, 9]);
        let minor = |requires: Option<&str>| choose_python(&all, requires).map(|p| p.version.1);
        assert_eq!(minor(None), Some(12));
        assert_eq!(minor(Some(">=3.10")), Some(12));
        assert_eq!(minor(Some(">=3.10,<3.12")), Some(11));
        assert_eq!(minor(Some(">=3.13")), Some(13));
        assert_eq!(minor(Some("==3.9.*")), Some(9));
        assert_eq!(minor(Some("~=3.14")), Some(14));
        assert_eq!(minor(Some("<3.9")), None);
        assert_eq!(minor(Some("not a specifier")), Some(12));
        assert_eq!(choose_python(&pythons(&[16, 15]), None).map(|p| p.version.1), Some(16));
        assert_eq!(choose_python(&[], None), None);
    }

    #[tokio::test]
    async fn what_is_no_python_is_left_out_and_remembered() {
        assert_eq!(ask(Path::new("/bin/true")).await, None);
        let folder = tempfile::tempdir().unwrap();
        let cache = folder.path().join("toolchain/pythons.json");
        let first = find_pythons(&cache).await;
        assert_eq!(find_pythons(&cache).await, first);
        assert!(cache.exists());
    }
}
