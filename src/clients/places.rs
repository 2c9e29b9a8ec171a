//! From a line of the table to paths on this machine.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::table::Place;

/// A system that clients run on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Os {
    /// Linux and everything else.
    Linux,
    /// macOS.
    Macos,
    /// Windows.
    Windows,
}

impl Os {
    /// The one this program was built for.
    pub fn here() -> Self {
        match std::env::consts::OS {
            "macos" => Os::Macos,
            "windows" => Os::Windows,
            _ => Os::Linux,
        }
    }

    pub(super) fn all() -> Vec<Self> {
        vec![Os::Linux, Os::Macos, Os::Windows]
    }
}

/// Where the user is.
pub struct Surroundings<'a> {
    /// Which lines of the table hold.
    pub os: Os,
    /// The home folder.
    pub home: PathBuf,
    /// The current folder and those above it that belong to the same checkout, nearest first.
    pub project: Vec<PathBuf>,
    /// Looks up an environment variable that the table names.
    pub variable: &'a dyn Fn(&str) -> Option<OsString>,
}

impl Surroundings<'_> {
    /// `here` and the folders above it up to the one that holds `.git`; without such a folder `here` alone.
    pub fn project_folders(here: &Path) -> Vec<PathBuf> {
        let root = here.ancestors().position(|folder| folder.join(".git").exists()).unwrap_or(0);
        here.ancestors().take(root + 1).map(Path::to_owned).collect()
    }

    /// The folder that a client would be started in.
    pub(super) fn here(&self) -> &Path {
        self.project.first().map_or(&self.home, |folder| folder)
    }
}

impl Place {
    /// The files this line means here, each with the folder of the project it belongs to.
    pub(super) fn paths(&self, around: &Surroundings<'_>) -> Vec<(PathBuf, Option<PathBuf>)> {
        if !self.on.contains(&around.os) {
            return Vec::new();
        }
        let first = |project: Option<&Path>| self.path.iter().find_map(|path| filled(path, around, project));
        let of_folders = self.path.iter().any(|path| path.contains("{project}"));
        if of_folders {
            let each = |folder: &PathBuf| Some((first(Some(folder))?, Some(folder.clone())));
            return around.project.iter().filter_map(each).collect();
        }
        let keyed = self.servers.iter().any(|key| key == "{project}");
        let folder = keyed.then(|| around.here().to_owned());
        first(None).map(|path| (path, folder)).into_iter().collect()
    }
}

/// The path with its words filled in; None if one is not known.
fn filled(path: &str, around: &Surroundings<'_>, project: Option<&Path>) -> Option<PathBuf> {
    let mut full = OsString::new();
    let mut rest = path;
    while let Some((before, after)) = rest.split_once('{') {
        let (word, tail) = after.split_once('}')?;
        full.push(before);
        match word {
            "home" => full.push(&around.home),
            "project" => full.push(project?),
            name => full.push((around.variable)(name).filter(|value| !value.is_empty())?),
        }
        rest = tail;
    }
    full.push(rest);
    Some(PathBuf::from(full))
}
