//! A server that is published only as a repository: the tarball of its commit, its dependencies, and no code of it run.
//!
//! The tree itself is only read. What it depends on is written anew, from names and ranges alone, so that no configuration,
//! lock file or address of the tree leads an installer anywhere but to the user's registries. Where what is started must
//! be built first, that is said; with `--allow-build` the build runs in a box without network that sees this tree alone.

mod build;
mod node;
mod python;
mod requirement;

use std::path::{Path, PathBuf};

use super::{InstallFailure, Installer, Made, Place, Variant};
use crate::http::{FileError, HttpError};
use crate::model::{Outcome, Release};
use crate::probe::registry::github;
use crate::probe::sandbox::spec::FIRST_BOX_UID;
use crate::probe::toolchain::unpack::unpack_tree;

/// The tree's folder in the package's.
const TREE: &str = "tree";

/// A tree on disk.
struct Tree<'a> {
    /// The folder of the server on the host: the tree's own, or one in it.
    folder: PathBuf,
    /// The same, relative to the package's folder.
    inner: PathBuf,
    /// The repository's name.
    name: &'a str,
}

pub(super) async fn install(
    installer: &Installer,
    place: &Place<'_>,
    release: &Release,
    variant: &Variant,
    compile: bool,
) -> Result<Made, InstallFailure> {
    let failed = |why: &str| InstallFailure::new(Outcome::InstallFailed, why);
    let (repository, folder) = github::parts(&release.server).ok_or_else(|| failed("it is no repository"))?;
    fetch(installer, place, release).await?;
    let inner = Path::new(TREE).join(folder.unwrap_or(""));
    let tree = Tree { folder: place.package.join(&inner), inner, name: repository[1] };
    if !tree.folder.is_dir() {
        return Err(failed(&format!("there is no folder {} in this commit", folder.unwrap_or("."))));
    }
    match kind(&tree.folder) {
        Some(Kind::Node) => node::install(installer, place, &tree, variant).await,
        Some(Kind::Python) => python::install(installer, place, &tree, variant, compile).await,
        None => Err(failed(&format!(
            "it has no package.json, pyproject.toml, requirements.txt or setup.py{}",
            other_kind(&tree.folder)
        ))),
    }
}

/// Fetches and unpacks, as ourselves; what lies there then belongs to the boxes.
async fn fetch(installer: &Installer, place: &Place<'_>, release: &Release) -> Result<(), InstallFailure> {
    let archive = place.package.join("archive.tgz");
    let github = installer
        .github
        .as_ref()
        .ok_or_else(|| InstallFailure::new(Outcome::ScannerError, "where GitHub's API is, is not known"))?;
    github.tarball(&installer.client, release, &archive).await.map_err(not_fetched)?;
    let target = place.package.join(TREE);
    let unpacked = tokio::task::spawn_blocking(move || {
        fs_err::create_dir(&target)?;
        unpack_tree(&archive, &target)?;
        fs_err::remove_file(&archive)?;
        give_to_boxes(&target)
    });
    let unpacked = unpacked.await.unwrap_or_else(|error| Err(std::io::Error::other(error)));
    unpacked.map_err(|error| match error.kind() {
        std::io::ErrorKind::InvalidData
        | std::io::ErrorKind::UnexpectedEof
        | std::io::ErrorKind::InvalidInput
        | std::io::ErrorKind::AlreadyExists
        | std::io::ErrorKind::Other => {
            InstallFailure::new(Outcome::InstallFailed, format!("its tarball is refused: {error}"))
        }
        _ => InstallFailure::new(Outcome::ScannerError, format!("its tarball cannot be unpacked: {error}")),
    })
}

fn not_fetched(error: FileError) -> InstallFailure {
    let outcome = match &error {
        FileError::Http(HttpError::TooLarge { .. }) => Outcome::InstallFailed,
        FileError::Http(HttpError::NoNetwork { .. } | HttpError::TimedOut { .. }) => Outcome::NoNetwork,
        FileError::Http(_) => Outcome::RegistryError,
        FileError::Disk(_) => Outcome::ScannerError,
    };
    InstallFailure::new(outcome, format!("its tarball cannot be fetched: {error}"))
}

/// Started by root, boxes run as another user, who must be able to write beside the tree.
fn give_to_boxes(folder: &Path) -> std::io::Result<()> {
    if !crate::probe::sandbox::limits::is_root() {
        return Ok(());
    }
    let mut waiting = vec![folder.to_owned()];
    while let Some(path) = waiting.pop() {
        std::os::unix::fs::lchown(&path, Some(FIRST_BOX_UID), Some(FIRST_BOX_UID))?;
        if fs_err::symlink_metadata(&path)?.is_dir() {
            for entry in fs_err::read_dir(&path)? {
                waiting.push(entry?.path());
            }
        }
    }
    Ok(())
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Node,
    Python,
}

/// What kind of server lies in a folder. Where it could be both, what needs an SDK of the protocol is it.
fn kind(folder: &Path) -> Option<Kind> {
    let has = |name: &str| folder.join(name).is_file();
    let is_node = has("package.json");
    let is_python = has("pyproject.toml") || has("requirements.txt") || has("setup.py");
    match (is_node, is_python) {
        (true, false) => Some(Kind::Node),
        (false, true) => Some(Kind::Python),
        (false, false) => None,
        (true, true) => Some(if node::needs_sdk(folder) || !python::needs_sdk(folder) {
            Kind::Node
        } else {
            Kind::Python
        }),
    }
}

/// What a tree without a manifest of ours has instead, for people.
fn other_kind(folder: &Path) -> String {
    let known = [
        ("go.mod", "Go"),
        ("Cargo.toml", "Rust"),
        ("pom.xml", "Java"),
        ("build.gradle", "Java"),
        ("Dockerfile", "an image"),
    ];
    let found = known.iter().find(|(name, _)| folder.join(name).is_file());
    found.map_or_else(String::new, |(name, what)| {
        format!("; its {name} speaks of {what}, which is not installed here")
    })
}

fn needs_build(what: &str) -> InstallFailure {
    InstallFailure::new(Outcome::NeedsBuild, what)
}
