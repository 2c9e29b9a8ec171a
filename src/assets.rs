//! The files the program comes with (`rules/`, `templates/`, `data/`, `site/`): embedded, or read from disk when asked.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use include_dir::{Dir, include_dir};
use thiserror::Error;

static RULES: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/rules");
static TEMPLATES: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/templates");
static DATA: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/data");
static SITE: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/site");

/// Path below the folder (with `/`) to bytes, sorted.
pub type Files = BTreeMap<String, Vec<u8>>;

/// One of the four folders.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Folder {
    /// Classification rules and policy numbers.
    Rules,
    /// Every sentence of the site.
    Templates,
    /// Starter servers, launch hints, overrides.
    Data,
    /// Static files and hand-written pages.
    Site,
}

/// A folder given with `--rules` and its like cannot be read.
#[derive(Debug, Error)]
#[error("cannot read the folder given with --{option}: {path}")]
pub struct AssetError {
    option: &'static str,
    path: PathBuf,
    #[source]
    source: std::io::Error,
}

impl Folder {
    fn option(self) -> &'static str {
        match self {
            Folder::Rules => "rules",
            Folder::Templates => "templates",
            Folder::Data => "data",
            Folder::Site => "site",
        }
    }

    /// All files of the folder: those embedded at build time, or those below `from`.
    ///
    /// # Errors
    /// A folder or file on disk that cannot be read.
    pub fn files(self, from: Option<&Path>) -> Result<Files, AssetError> {
        let mut files = Files::new();
        match from {
            None => collect_embedded(
                match self {
                    Folder::Rules => &RULES,
                    Folder::Templates => &TEMPLATES,
                    Folder::Data => &DATA,
                    Folder::Site => &SITE,
                },
                &mut files,
            ),
            Some(root) => collect_disk(root, root, &mut files).map_err(|source| AssetError {
                option: self.option(),
                path: root.to_owned(),
                source,
            })?,
        }
        Ok(files)
    }
}

fn collect_embedded(dir: &Dir<'static>, files: &mut Files) {
    for file in dir.files() {
        files.insert(file.path().to_string_lossy().replace('\\', "/"), file.contents().to_vec());
    }
    for inner in dir.dirs() {
        collect_embedded(inner, files);
    }
}

fn collect_disk(root: &Path, dir: &Path, files: &mut Files) -> std::io::Result<()> {
    for entry in fs_err::read_dir(dir)? {
        let path = entry?.path();
        if path.is_dir() {
            collect_disk(root, &path, files)?;
        } else if let Ok(inner) = path.strip_prefix(root) {
            files.insert(inner.to_string_lossy().replace('\\', "/"), fs_err::read(&path)?);
        }
    }
    Ok(())
}
